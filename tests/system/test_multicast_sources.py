# SPDX-License-Identifier: Apache-2.0
"""Multicast with sources (docs/apps/multicast.md, "Sources"): who asks for a
group's packets from some senders gets those, and who asks for all but some
gets the others, on one host and across two, whatever it has asked for before;
and what is too much, or said by many behind one port, costs nobody its
packets."""

import ipaddress
import os
import struct

import pytest
from conftest import World, check_log, close_lab, make_lab, wait_quiet
from multicast_guests import (Chooser, Member, activate, announce,
                              get_exactly, hearers, igmp, remembered,
                              remembered_sources, version)
from test_live_apps import ctl, verify

from vmnlab import frames
from vmnlab.netns import wait_for

APP = os.path.join(os.environ.get("VMN_APPDIR", "_build/normal/appdir"),
                   "multicast.so")
VNI = 78
MEMBER_HOST, MEMBER_ROUTER = 0x40000000, 0x20000000
GROUPS = ("232.1.1.1", "ff35::1:1")
IS_IN, IS_EX, TO_IN, TO_EX = 1, 2, 3, 4
OVER = "multicast groups or sources without room"


@pytest.fixture(scope="module")
def full():
    """Two VMs on each of two hosts, in a network that is snooped."""
    lab = make_lab("msources", 2)
    ctl(lab, "app", "load", APP, "--wait")
    wait_quiet(lab)
    world = World(lab)
    world.network("net", "10.0.0.0/24", "fd00::/64", vni=VNI)
    put(world)
    for i, name in enumerate("abcd"):
        world.vm(name, "net", "h%d" % (1 + i // 2),
                 ["10.0.0.%d" % (i + 1), "fd00::%d" % (i + 1)])
    for name in "abcd":
        lab.vm(name).await_addresses()
    activate(lab, VNI)
    yield world
    world.close()
    verify(lab)
    check_log(lab.vmnd)
    close_lab(lab)


def put(world, **more):
    world.put("multicast-networks", "net", network="net",
              source_filtering=True, **more)


@pytest.fixture
def vms(full):
    return [full.lab.vm(name) for name in "abcd"]


def ip_of(vm, group):
    return vm.ip if version(group) == 4 else vm.ip6


def records(*lists):
    """A report of IGMPv3, with records (type, group, sources)."""
    text = b""
    for kind, group, sources in lists:
        text += struct.pack("!BBH4s", kind, 0, len(sources),
                            ipaddress.ip_address(group).packed)
        text += b"".join(ipaddress.ip_address(s).packed for s in sources)
    return text


def report(vm, *lists):
    frames.send(vm, igmp(vm, 0x22, "0.0.0.%d" % len(lists), "224.0.0.22",
                         rest=records(*lists)))


@pytest.mark.parametrize("group", GROUPS)
def test_some_alone(full, vms, group):
    """(S,G): of two senders, one local to the member, those are heard that it
    has asked for; of the other ones not even its host gets any."""
    a, b, c, d = vms
    sources = {vm: ip_of(vm, group) for vm in vms}
    chooser = Chooser(c, group)
    chooser.include(sources[a])
    print("first after", get_exactly(a, group, vms[1:], "c"))
    get_exactly(d, group, [a, b, c], "")
    get_exactly(b, group, [a, c, d], "")
    h1 = full.lab.host("h1")
    assert remembered_sources(h1)[VNI, MEMBER_HOST | 2, 0, sources[a], group]
    assert not remembered(h1).get((VNI, MEMBER_HOST | 2, group))
    chooser.include(sources[d])
    print("second after", get_exactly(d, group, [a, b, c], "c"))
    get_exactly(a, group, vms[1:], "c")
    get_exactly(b, group, [a, c, d], "")
    chooser.drop(sources[a])
    print("without after", get_exactly(a, group, vms[1:], ""))
    get_exactly(d, group, [a, b, c], "c")
    # As well as all: then all are heard, and afterwards what is left.
    member = Member(c, group)
    get_exactly(a, group, vms[1:], "c")
    get_exactly(b, group, [a, c, d], "c")
    member.leave()
    get_exactly(a, group, vms[1:], "")
    get_exactly(d, group, [a, b, c], "c")
    # It is not forgotten by being asked.
    announce(full.lab)
    chooser.leave()
    get_exactly(d, group, [a, b, c], "")
    # What was wanted before is not by who comes again for another.
    chooser = Chooser(c, group)
    chooser.include(sources[a])
    get_exactly(a, group, vms[1:], "c")
    get_exactly(d, group, [a, b, c], "")
    chooser.leave()
    get_exactly(a, group, vms[1:], "")


@pytest.mark.parametrize("group", GROUPS)
def test_all_but_some(full, vms, group):
    a, b, c, d = vms
    chooser = Chooser(c, group)
    chooser.join()
    get_exactly(a, group, vms[1:], "c")
    chooser.block(ip_of(a, group))
    get_exactly(a, group, vms[1:], "")
    get_exactly(b, group, [a, c, d], "c")
    get_exactly(d, group, [a, b, c], "c")
    other = Member(b, group)
    get_exactly(a, group, vms[1:], "b")
    chooser.block(ip_of(d, group))
    get_exactly(d, group, [a, b, c], "b")
    chooser.unblock(ip_of(a, group))
    get_exactly(a, group, vms[1:], "bc")
    get_exactly(d, group, [a, b, c], "b")
    chooser.leave()
    other.leave()
    get_exactly(a, group, vms[1:], "")


def test_a_list_takes_the_place_of_another(full, vms):
    """Whatever a guest has said before, and is thus remembered of it."""
    a, b, c, d = vms
    group = "232.2.2.2"
    every = [a.ip, b.ip, d.ip]
    for kind, sources in ((TO_IN, [a.ip, d.ip]), (IS_EX, [a.ip]),
                          (IS_EX, [a.ip, b.ip]), (IS_EX, [a.ip]),
                          (TO_IN, [b.ip]), (IS_IN, [d.ip]), (TO_EX, []),
                          (IS_EX, [d.ip]), (TO_IN, [])):
        report(c, (kind, group, sources))
        wanted = (set(sources) if kind in (IS_IN, TO_IN)
                  else set(every) - set(sources))
        for sender in (a, b, d):
            get_exactly(sender, group, [vm for vm in vms if vm != sender],
                        "c" if sender.ip in wanted else "")
    # One of IGMPv2 wants all.
    report(c, (TO_IN, group, [a.ip]))
    get_exactly(b, group, [a, c, d], "")
    frames.send(d, igmp(d, 0x16, group, group))
    get_exactly(b, group, [a, c, d], "d")
    get_exactly(a, group, [b, c, d], "cd")
    frames.send(c, igmp(c, 0x16, group, group))
    get_exactly(b, group, [a, c, d], "cd")
    for vm in (c, d):
        frames.send(vm, igmp(vm, 0x17, group, "224.0.0.2"))
    get_exactly(b, group, [a, c, d], "")


def test_too_many(full, vms):
    """Who names more sources than are kept gets all of the group's, and who
    has too many in all gets all groups; both are counted."""
    a, b, c, d = vms
    group = "232.3.3.3"
    before = over(full)
    others = ["10.0.9.%d" % i for i in range(1, 20)]
    report(c, (TO_IN, group, others[:10]))
    get_exactly(a, group, [b, c, d], "")
    report(c, (TO_IN, group, others[:11]))
    get_exactly(a, group, [b, c, d], "c")
    wait_for("it to be counted", lambda: over(full) > before, 20)
    with frames.Capture(c.ns) as heard:
        report(c, (TO_IN, group, [a.ip]), *(
            (TO_IN, "232.3.4.%d" % i, others[:3]) for i in range(6)))
        # What has found no room in what is sent for one report is asked for,
        # and the last ones would find none in what is answered.
        assert heard.wait(lambda f: is_query(f, "232.3.4.3"), 10)
    get_exactly(b, "232.3.4.5", [a, c, d], "c")
    get_exactly(b, group, [a, c, d], "")
    h2 = full.lab.host("h2")
    for i in range(30):
        report(d, (TO_IN, "232.3.5.%d" % i, others[:9]))
    wait_for("it to get all", lambda: remembered(h2).get((VNI, 2, None)), 20)
    assert len([key for key in remembered_sources(h2)
                if key[1] == 2]) <= 256
    get_exactly(a, "232.7.7.7", [b, c, d], "d")


def test_more_lists_than_an_answer_has_room_for(full, vms):
    """Who answers with them is asked about some by themselves, so that none
    of them ends."""
    a, b, c = vms[:3]           # The other one gets all.
    groups = ["232.8.8.%d" % i for i in range(3)]
    choosers = [Chooser(c, group) for group in groups]
    try:
        for chooser in choosers:
            for source in (b.ip, "10.0.9.1", "10.0.9.2", "10.0.9.3"):
                chooser.include(source)
        for group in groups:
            get_exactly(b, group, [a, c], "c")
            wait_for("its whole list", lambda: any(
                key[3:] == ("10.0.9.3", group)
                for key in remembered_sources(full.lab.host("h2"))), 10)
        with frames.Capture(c.ns) as heard:
            announce(full.lab)
            assert heard.wait(lambda f: any(
                is_query(f, group) for group in groups), 20)
        for group in groups:
            get_exactly(a, group, [b, c], "")
            get_exactly(b, group, [a, c], "c")
    finally:
        for chooser in choosers:
            chooser.leave()


def is_query(frame, group):
    """Whether it is a query about a group alone."""
    return (frame[12:14] == b"\x08\0" and frame[23] == 2
            and frame[38:39] == b"\x11"
            and frame[42:46] == ipaddress.ip_address(group).packed)


def over(world):
    """How often something has found no room."""
    return sum(n for name, n in world.api.metrics().items()
               if OVER in name and "packets" in name)


def test_many_behind_one_port(full, vms):
    """What one of them wants takes nothing from another."""
    a, b, c, d = vms
    group = "232.4.4.4"
    full.patch("ports", "c", unknown=True)
    try:
        report(c, (TO_IN, group, [a.ip]))
        get_exactly(a, group, [c, b], "c")
        report(c, (TO_IN, group, [b.ip]))
        get_exactly(b, group, [a, c], "c")
        get_exactly(a, group, [c, b], "c")
        report(c, (TO_IN, group, []))
        report(c, (TO_EX, group, [a.ip]))
        get_exactly(d, group, [a, b, c], "c")
        get_exactly(a, group, [c, b], "c")
    finally:
        full.patch("ports", "c", unknown=None)


def test_a_router_hears_reports(full, vms):
    """As guests have sent them, with their sources; and its queries about
    sources are ones about their group, so that no list gets shorter."""
    a, b, c, d = vms
    group = "232.5.5.5"
    put(full, routers=["b"])
    chooser = Chooser(c, group)
    try:
        wait_for("it to be a router", lambda: (
            announce(full.lab), (VNI, MEMBER_ROUTER | 2, None)
            in remembered(full.lab.host("h1")))[1])
        with frames.Capture(b.ns) as heard:
            chooser.include(a.ip)
            chooser.include(d.ip)
            assert heard.wait(lambda f: is_igmp3(f) and all(
                ipaddress.ip_address(vm.ip).packed in f[46:]
                for vm in (a, d)), 20)
        get_exactly(d, group, [a, c], "c")
        with frames.Capture(c.ns) as heard, frames.Capture(b.ns) as answers:
            frames.send(b, igmp(
                b, 0x11, group, group, code=20,
                rest=struct.pack("!BBH4s", 2, 30, 1,
                                 ipaddress.ip_address(a.ip).packed)))
            assert heard.wait(lambda f: is_query(f, group)
                              and f[6:12] == frames.mac_bytes(b.mac)
                              and f[48:50] == b"\0\0", 20)
            assert answers.wait(is_igmp3, 10)
        for sender in (a, d):
            assert "c" in hearers(sender, group, [c])[0]
    finally:
        chooser.leave()
        put(full)


def is_igmp3(frame):
    return (frame[12:14] == b"\x08\0" and frame[23] == 2
            and frame[38:39] == b"\x22")


def test_without_filtering_again(full, vms):
    """Where it ends, members get all."""
    a, b, c, d = vms
    group = "232.6.6.6"
    report(c, (TO_IN, group, [a.ip]))
    get_exactly(b, group, [a, c], "")
    full.put("multicast-networks", "net", network="net")
    report(c, (IS_IN, group, [a.ip]))
    get_exactly(b, group, [a, c], "c")
