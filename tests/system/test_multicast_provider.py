# SPDX-License-Identifier: Apache-2.0
"""Multicast in provider networks (docs/apps/multicast.md, "Provider
networks"): what comes from the physical network reaches members alone, what
guests send and say of groups gets there, and its queries get to guests."""

import ipaddress
import os
import struct

import pytest
from conftest import World, check_log, close_lab, make_lab, wait_quiet
from migrating import Twin
from multicast_guests import (Chooser, Member, activate, announce,
                              general_query, general_query6, get_exactly,
                              igmp, mld, remembered, send, version)
from test_live_apps import ctl, verify

from vmnlab import frames, netns
from vmnlab.netns import wait_for
from vmnlab.traffic import checksum

APP = os.path.join(os.environ.get("VMN_APPDIR", "_build/normal/appdir"),
                   "multicast.so")
VNI = 79
ASKED = 0x80000002              # As apps/multicast/multicast.h has it.
GROUPS = ("239.1.1.1", "ff15::1:1")
V3, MLD2 = "224.0.0.22", "ff02::16"
END = "239.255.0.1"             # A report of it comes behind all else.


@pytest.fixture(scope="module")
def full():
    """Two VMs on a host and one on another one, in a VLAN of the physical
    network, and two machines there."""
    lab = make_lab("mprovider", 2)
    ctl(lab, "app", "load", APP, "--wait")
    wait_quiet(lab)
    world = World(lab)
    world.provider_hosts_are("h1", "h2")
    world.network("net", "198.51.100.0/24", "fd51::/64", vni=VNI,
                  provider={"physical": "dc", "vlan": 7})
    put(world)
    for i, (name, host) in enumerate((("a", "h1"), ("b", "h1"), ("c", "h2")),
                                     1):
        world.vm(name, "net", host, both(i))
    for i, name in enumerate(("out", "far"), 9):
        world.outside(name, both(i)[0] + "/24", both(i)[1] + "/64", vlan=7)
    for name in "abc":
        lab.vm(name).await_addresses()
    activate(lab, VNI)
    yield world
    world.close()
    verify(lab)
    check_log(lab.vmnd)
    close_lab(lab)


def both(n):
    return ["198.51.100.%d" % n, "fd51::%x" % n]


def put(world, **more):
    world.put("multicast-networks", "net", network="net", **more)


@pytest.fixture
def vms(full):
    """Them all."""
    return ([full.lab.vm(name) for name in "abc"]
            + [full.lab.outsides[name] for name in ("out", "far")])


def says(frame, vm, group, to=None):
    """Whether it is a message of IGMP or MLD of that VM, which names a group
    and is for it, or for another one.  They have a router alert."""
    packed = ipaddress.ip_address(group).packed
    to = ipaddress.ip_address(to or group).packed
    if frame[6:12] != frames.mac_bytes(vm.mac) or packed not in frame[38:]:
        return False
    if len(packed) == 4:
        length, = struct.unpack("!H", frame[16:18])
        return (frame[12:14] == b"\x08\0" and frame[23] == 2
                and frame[30:34] == to and checksum(frame[14:38]) == 0
                and checksum(frame[38:14 + length]) == 0
                and frame[:6] == b"\x01\0\x5e" + bytes([to[1] & 0x7f]) + to[2:]
                and ip_text(frame[26:30]) in (vm.ip, "0.0.0.0"))
    length, = struct.unpack("!H", frame[18:20])
    return (frame[12:14] == b"\x86\xdd" and frame[20] == 0 and frame[54] == 58
            and checksum(frame[22:54] + struct.pack("!LL", length - 8, 58)
                         + frame[62:54 + length]) == 0
            and frame[38:54] == to and frame[:6] == b"\x33\x33" + to[12:]
            and ip_text(frame[22:38]) == frames.link_local(vm.mac))


def ip_text(data):
    return str(ipaddress.ip_address(data))


@pytest.mark.parametrize("group", GROUPS)
def test_members_alone(full, vms, group):
    a, b, c, out, far = vms
    # The physical network does not snoop: there all get all.
    get_exactly(out, group, [a, b, c, far], ["far"])
    members = [Member(b, group)]
    get_exactly(out, group, [a, b, c, far], ["b", "far"])
    get_exactly(a, group, [b, c, out, far], ["b", "out", "far"])
    members.append(Member(c, group))
    get_exactly(a, group, [b, c, out, far], ["b", "c", "out", "far"])
    get_exactly(c, group, [a, b, out, far], ["b", "out", "far"])
    members.pop(0).leave()
    get_exactly(out, group, [a, b, c, far], ["c", "far"], left=[b])
    members.pop(0).leave()
    get_exactly(out, group, [a, b, c, far], ["far"], left=[c])


@pytest.mark.parametrize("group", ["232.1.1.1", "ff35::1:1"])
def test_sources(full, vms, group):
    """Who wants some machine's packets alone gets them, and a router's query
    about sources is answered by the whole list.  Before the tests in which
    guests hear queries of older versions, which they answer in kind."""
    a, b, c, out, far = vms
    put(full, source_filtering=True)
    one, other = ((out.ip, far.ip) if version(group) == 4
                  else (out.ip6, far.ip6))
    chooser = Chooser(b, group)
    chooser.include(one)
    get_exactly(out, group, [a, b, c], "b")
    get_exactly(far, group, [a, b, c], "")
    chooser.include(other)
    get_exactly(far, group, [a, b, c], "b")
    chooser.drop(one)
    get_exactly(out, group, [a, b, c], "")
    get_exactly(far, group, [a, b, c], "b")
    if version(group) == 4:
        packed = ipaddress.ip_address(other).packed
        query = igmp(out, 0x11, group, group, code=5,
                     rest=struct.pack("!BBH", 2, 30, 1) + packed)
        with frames.Capture(out.ns) as heard:
            frames.send(out, query)
            assert heard.wait(lambda f: says(f, b, group, V3)
                              and packed in f[38:], 10)
    chooser.leave()
    get_exactly(far, group, [a, b, c], "")
    put(full)


@pytest.mark.parametrize("group, to", zip(GROUPS, (V3, MLD2)))
def test_what_guests_say_gets_there(full, vms, group, to):
    """Joins and leaves, to machines outside and not to other guests."""
    a, b, c, out, _ = vms
    with frames.Capture(out.ns) as heard, frames.Capture(b.ns) as other, \
            frames.Capture(c.ns) as there:
        member = Member(a, group)
        assert heard.wait(lambda f: says(f, a, group, to), 10)
        seen = len(heard.read())
        member.leave()
        assert heard.wait(lambda f: f not in heard.frames[:seen]
                          and says(f, a, group, to), 10)
        for capture in other, there:
            assert not [f for f in capture.read() if says(f, a, group, to)]


def not_reports(vm, group, group6):
    """Queries, to all and about one group, also to where a report would go;
    and types by which a switch would take the port for a router's: of DVMRP,
    PIMv1 and of multicast router discovery (RFC 4286)."""
    packed6 = ipaddress.ip_address(group6).packed
    return [general_query(vm), general_query6(vm),
            mld(vm, 130, struct.pack("!HH16s", 2000, 0, packed6), group6),
            *(igmp(vm, 0x11, about, to, code=20) for about in
              ("0.0.0.0", group) for to in (
                  group, "224.0.0.1", "224.0.0.2", V3, "224.0.0.106")),
            *(igmp(vm, kind, "0.0.0.0", to) for kind, to in (
                (0x13, "224.0.0.4"), (0x14, "224.0.0.2"),
                (0x30, "224.0.0.106"), (0x13, group)))]


def is_other_igmp(frame):
    """Whether it is IGMP, and no report or leave."""
    return (frame[12:14] == b"\x08\0" and frame[23] == 2
            and frame[14 + (frame[14] & 15) * 4] not in (
                0x12, 0x16, 0x17, 0x22))


def test_old_versions_and_liars(full, vms):
    """Reports that switches take in; and who says he is another one, or asks
    without being a router."""
    a, b, _, out, _ = vms
    group, group6 = GROUPS
    packed6 = ipaddress.ip_address(group6).packed
    with frames.Capture(out.ns) as heard:
        frames.send(a, igmp(a, 0x16, group, group),
                    mld(a, 131, bytes(4) + packed6, group6),
                    igmp(a, 0x17, group, "224.0.0.2"),
                    mld(a, 132, bytes(4) + packed6, "ff02::2"),
                    # As another one.
                    mld(a, 131, bytes(4) + packed6, group6, source="fe80::1"),
                    mld(a, 132, bytes(4) + packed6, "ff02::2",
                        source="fe80::1"),
                    *not_reports(a, group, group6),
                    # They go up, and come from there in turn.
                    igmp(a, 0x16, END, END))
        assert heard.wait(lambda f: says(f, a, END), 20)
        last = b"that was all"
        send(a, "224.0.0.251", last)
        for there in (group, "224.0.0.2"):
            assert heard.wait(lambda f, to=there: says(f, a, group, to), 20)
        for there in (group6, "ff02::2"):
            assert heard.wait(lambda f, to=there: says(f, a, group6, to), 20)
        assert heard.wait(lambda f: last in f, 20)
        mine = [f for f in heard.read()
                if f[6:12] == frames.mac_bytes(a.mac)]
        assert len([f for f in mine if says(f, a, group6)]) == 2
        assert not [f for f in mine if f[12:14] == b"\x86\xdd"
                    and ip_text(f[22:38]) == "fe80::1"]
        assert not [f for f in mine if is_query(f) or is_other_igmp(f)]


def is_query(frame):
    return ((frame[12:14] == b"\x08\0" and frame[23] == 2
             and frame[14 + (frame[14] & 15) * 4] == 0x11)
            or (frame[12:14] == b"\x86\xdd" and frame[20] == 0
                and frame[62] == 130))


def test_queries_of_ours_stay_here(full, vms):
    """Ports are asked; the link has whoever is its querier."""
    a, _, _, out, _ = vms
    with frames.Capture(out.ns) as heard, frames.Capture(a.ns) as asked:
        announce(full.lab)
        assert asked.wait(lambda f: is_query(f) and f[12] == 8, 10)
        assert asked.wait(lambda f: is_query(f) and f[12] == 0x86, 10)
        last = b"that was all"
        send(a, "224.0.0.251", last)
        assert heard.wait(lambda f: last in f, 20)
        assert not [f for f in heard.read() if is_query(f)]


@pytest.mark.parametrize("group", GROUPS)
def test_queries_from_there_are_answered(full, vms, group):
    """About all groups, and about one, which only members answer; another's
    report is none that a guest hears."""
    a, b, c, out, _ = vms
    packed = ipaddress.ip_address(group).packed
    v4 = version(group) == 4
    member = Member(a, group)
    get_exactly(out, group, [a, b, c], "a")
    if v4:
        asked = [general_query(out),
                 igmp(out, 0x11, group, group, code=10)]
        told = igmp(out, 0x16, group, group)
    else:
        asked = [general_query6(out),
                 mld(out, 130, struct.pack("!HH16s", 500, 0, packed), group)]
        told = mld(out, 131, bytes(4) + packed, group)
    for query in asked:
        with frames.Capture(out.ns) as heard, frames.Capture(c.ns) as there:
            frames.send(out, query)
            assert there.wait(lambda f: f == query, 20)
            assert heard.wait(lambda f: says(f, a, group)
                              or says(f, a, group, V3 if v4 else MLD2), 15)
    with frames.Capture(a.ns) as heard:
        # Behind it a query that goes the same way.
        last = igmp(out, 0x11, END, END, code=10)
        frames.send(out, told, told, last)
        assert heard.wait(lambda f: f == last, 20)
        assert told not in heard.read()
    member.leave()


def test_nobody_there_speaks_for_hosts(full, vms):
    """What hosts of other networks say to each other is nothing here."""
    a, _, _, out, _ = vms
    before = remembered(full.lab.host("h1"))
    for source in "0e:56:4d:00:00:02", out.mac:
        for kind in range(16):
            frame = igmp(out, 0x16, "239.9.9.9", "239.9.9.9")
            frames.send(out, bytes([3, 0x56, 0x4d, 0xff, 2, kind])
                        + frames.mac_bytes(source) + frame[12:])
    with frames.Capture(a.ns) as heard:
        last = b"that was all"
        send(out, "224.0.0.251", last)
        assert heard.wait(lambda f: last in f, 20)
    after = remembered(full.lab.host("h1"))
    assert {k for k in after if k[2] == "239.9.9.9"} == set()
    assert set(before) >= {k for k in after if k[2] is None}


@pytest.mark.parametrize("group", ["239.2.2.2", "ff15::2:2"])
def test_a_switch_there_snoops(full, vms, group):
    """The physical network's own switch learns members from what guests say,
    and sends a group only where there are some."""
    a, b, c, out, _ = vms
    wire = full.lab.wire
    member = Member(b, group)
    wire.vsctl("set", "bridge", "wire", "mcast_snooping_enable=true",
               "other_config:mcast-snooping-disable-flood-unregistered=true")
    try:
        def learned():
            announce(full.lab)
            return any(group in line for line in wire.appctl(
                "mdb/show", "wire").splitlines())
        wait_for("the switch to know", learned, 20, step=1)
        if version(group) == 4:
            get_exactly(out, group, [a, b, c], "b")
        else:
            # That switch floods no other groups of the link of IPv6 then, by
            # which get_exactly() knows that it has seen all.
            mark = b"to a member of %s" % group.encode()
            with frames.Capture(b.ns) as heard:
                send(out, group, mark)
                assert heard.wait(lambda f: mark in f, 20)
    finally:
        wire.vsctl("set", "bridge", "wire", "mcast_snooping_enable=false")
    member.leave()


def test_a_guest_that_migrates_is_heard(full, vms):
    """On its new host before its port is there: what it says of MLD."""
    a, _, _, out, _ = vms
    group = "ff15::3:3"
    packed = ipaddress.ip_address(group).packed
    said = mld(a, 132, bytes(4) + packed, "ff02::2")
    twin = Twin(full, a)
    twin.make(full.lab.host("h2"))
    full.patch("ports", "a", hosts=["h1", "h2"])
    twin.plug()
    try:
        wait_for("the candidate", lambda: full.api.get(
            "ports/a")["status"].get("candidate") == "h2", 20)
        wait_quiet(full.lab)
        with frames.Capture(out.ns) as heard:
            frames.send_on(a.ns, "eth1", said)
            assert heard.wait(lambda f: says(f, a, group, "ff02::2"), 20)
    finally:
        twin.unplug()
        netns.ip(a.ns, "link delete eth1")
        full.patch("ports", "a", hosts=None)


def test_ports_are_asked_here_too(full):
    """So members are known in time, as in other networks."""
    announce(full.lab)
    for name in "h1", "h2":
        wait_for("its ports to be asked", lambda n=name: (
            VNI, ASKED, None) in remembered(full.lab.host(n)), 20)


@pytest.mark.parametrize("group", GROUPS)
def test_a_router_here_hears_those_there(full, vms, group):
    """A guest that is one: reports of machines outside, all groups; and its
    queries get there.  Last, as it stays one for 300 s."""
    a, b, _, out, _ = vms
    packed = ipaddress.ip_address(group).packed
    v4 = version(group) == 4
    told = (igmp(out, 0x16, group, group) if v4
            else mld(out, 131, bytes(4) + packed, group))
    query = general_query(b) if v4 else general_query6(b)
    put(full, routers=["b"])
    announce(full.lab)
    get_exactly(out, group, [a, b], "b", left=[a])
    full.revalidated()          # As to reports, which b has not heard so far.
    with frames.Capture(b.ns) as heard, frames.Capture(a.ns) as other:
        frames.send(out, told)
        assert heard.wait(lambda f: f == told, 20)
        assert told not in other.read()
    with frames.Capture(out.ns) as heard:
        frames.send(b, query)
        assert heard.wait(lambda f: f == query, 20)
    put(full)
