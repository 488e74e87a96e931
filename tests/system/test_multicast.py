# SPDX-License-Identifier: Apache-2.0
"""Multicast (docs/apps/multicast.md): a group's packets reach its members, and
nobody else, whoever says so and however; and never nobody for lack of
knowledge."""

import ipaddress
import os
import struct
import time

import pytest
from conftest import (World, check_log, close_lab, flows, make_token_lab,
                      rule, wait_quiet)
from multicast_guests import (LINK, Member, activate, await_active,
                              general_query, general_query6, get_exactly,
                              hearers, igmp, is_active, is_report, leave_again,
                              mld, remembered, send, version)
from tenants import PORT, make_tenant
from test_live_apps import ctl, verify

from vmnlab import frames
from vmnlab.api import Refused
from vmnlab.netns import wait_for

APP = os.path.join(os.environ.get("VMN_APPDIR", "_build/normal/appdir"),
                   "multicast.so")
VNI = 77
KNOWN_S = 80                    # As apps/multicast/multicast.h has it.
MEMBER_HOST, MEMBER_ROUTER = 0x40000000, 0x20000000
GROUPS = ("239.1.1.1", "ff15::1:1")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = make_token_lab("multicast", 3, tmp_path_factory.mktemp("api"), PORT)
    before = sum(len(flows(host)) for host in lab.hosts)
    ctl(lab, "app", "load", APP, "--wait")
    wait_quiet(lab)
    # What all packets go on by: one for each table.
    assert sum(len(flows(host)) for host in lab.hosts) - before == 11 * 3
    yield lab
    close_lab(lab)


@pytest.fixture(scope="module")
def full(lab):
    """Six VMs on three hosts, in a network that is snooped."""
    world = World(lab)
    world.network("net", "10.0.0.0/24", "fd00::/64", vni=VNI)
    for i, name in enumerate("abcdef"):
        world.vm(name, "net", "h%d" % (1 + i // 2),
                 ["10.0.0.%d" % (i + 1), "fd00::%d" % (i + 1)])
    for name in "abcdef":
        lab.vm(name).await_addresses()
    world.put("multicast-networks", "net", network="net")
    # Tests of what happens without vmnd see that they find it by themselves.
    activate(lab, VNI, KNOWN_S)
    yield world
    world.close()
    verify(lab)
    check_log(lab.vmnd)


@pytest.fixture
def vms(full):
    return [full.lab.vm(name) for name in "abcdef"]


def anew(lab, vm):
    """Gives a VM another interface."""
    host = vm.host
    lab.unplug(vm.name)
    lab.replug(vm.name, host)
    lab.await_ports([vm.name])
    vm.await_addresses()


@pytest.mark.parametrize("group", GROUPS)
def test_members_alone(full, vms, group):
    a, b, c, d, e, f = vms
    get_exactly(a, group, vms[1:], "")
    members = [Member(c, group)]
    print("joined after", get_exactly(a, group, vms[1:], "c"))
    members.append(Member(b, group))
    get_exactly(a, group, vms[1:], "bc")
    members.append(Member(d, group))
    get_exactly(a, group, vms[1:], "bcd")
    get_exactly(e, group, vms[:4] + [f], "bcd")
    members.pop(0).leave()
    print("left after", get_exactly(a, group, vms[1:], "bd", left=[c]))
    members.pop(1).leave()
    get_exactly(a, group, vms[1:], "b", left=[d])

    # The last member of a host: others send it nothing more.
    def told():
        if not any(remembered(full.lab.host(host))[
                VNI, MEMBER_HOST | 2, group] for host in ("h1", "h3")):
            return True
        leave_again([d], group)
        return False
    wait_for("others to know", told, step=1)
    members.pop(0).leave()
    get_exactly(a, group, vms[1:], "", left=[b])


@pytest.mark.parametrize("group", GROUPS)
def test_members_that_are_isolated(full, vms, group):
    """A group's packets go to members with whom their sender may talk; those
    that share a copy otherwise are told apart."""
    a, b, c, d, e, f = vms
    full.patch("networks", "net", isolation="promiscuous")
    for vm in (b, c, f):
        full.patch("ports", vm.name, isolation="isolated")
    for vm in (d, e):
        full.patch("ports", vm.name, isolation="community", community="x")
    try:
        members = [Member(vm, group) for vm in (b, c, d, e)]
        get_exactly(a, group, vms[1:], "bcde")
        get_exactly(d, group, [a, e], "e")
        get_exactly(e, group, [a, d], "d")
        get_exactly(b, group, [a], "")
        members.append(Member(a, group))
        get_exactly(b, group, [a], "a")
        captures = [frames.Capture(vm.ns) for vm in (c, d, e, f)]
        sent = []
        for sender in (b, d):
            for link in (group, LINK[version(group)]):
                sent.append((sender, b"of %s to %s." % (
                    sender.name.encode(), link.encode())))
                send(sender, link, sent[-1][1])
        # Behind it, by the same ways.
        send(a, LINK[version(group)], b"the last one")
        for capture, name in zip(captures, "cdef"):
            assert capture.wait(lambda g: b"the last one" in g, 30)
            got = {sender.name for sender, mark in sent
                   if any(mark in g for g in capture.read())}
            assert got == ({"d"} if name == "e" else set()), name
            capture.close()
        for member in members:
            member.leave()
    finally:
        for vm in vms[1:]:
            full.patch("ports", vm.name, isolation=None, community=None)
        full.patch("networks", "net", isolation=None)
    get_exactly(a, group, vms[1:], "", left=[b, c, d, e])


def test_a_router_hears_of_all(full, vms):
    """One that the object names, and one that sends queries, where that makes
    one: reports reach it as routers expect them, and all groups' packets."""
    a, b, c, d, e, f = vms
    # It does not by itself.
    with frames.Capture(d.ns) as heard:
        frames.send(e, general_query(e, "10.0.0.5"), general_query6(e))
        for group in GROUPS:
            get_exactly(a, group, vms[1:], "")
        assert not any(f[6:12] == frames.mac_bytes(e.mac)
                       for f in heard.read())
    for router, settings in ((e, {"learn_routers": True}),
                             (b, {"routers": ["b"]})):
        full.put("multicast-networks", "net", network="net", **settings)
        with frames.Capture(d.ns) as heard:
            frames.send(router, general_query(router, router.ip),
                        general_query6(router))
            mac = frames.mac_bytes(router.mac)
            assert heard.wait(lambda f: f[6:12] == mac and f[38:39]
                              == b"\x11", 30)
            assert heard.wait(lambda f: f[6:12] == mac and f[62:63]
                              == b"\x82", 30)
        # Reports of its own are told nobody, who would keep theirs back.
        own = "239.4.4.4" if router is e else "239.4.4.5"
        wait_for("it to be a router", lambda: any(
            key[1] & MEMBER_ROUTER and key[1] < MEMBER_HOST
            for host in full.lab.hosts for key in remembered(host)))
        with frames.Capture(d.ns) as heard:
            frames.send(router, igmp(router, 0x16, own, own))
            wait_for("its report", lambda: any(
                key[2] == own for host in full.lab.hosts
                for key in remembered(host)))
            assert not any(is_report(f, own, True) for f in heard.read())
        for group in GROUPS:
            get_exactly(a, group, vms[1:], router.name, 20)
            with frames.Capture(router.ns) as heard, \
                    frames.Capture(f.ns) as elsewhere:
                member = Member(d, group)
                assert heard.wait(lambda f: is_report(f, group, True), 15)
                member.leave()
                # One that comes while the app is busy is lost.
                wait_for("its leave", lambda: heard.wait(
                    lambda f: is_report(f, group, False), 2)
                    or leave_again([d], group))
                assert not any(is_report(f, group, joins)
                               for f in elsewhere.read()
                               for joins in (False, True))
            get_exactly(a, group, vms[1:], router.name, left=[d])
        # What it was goes with its interface.
        full.put("multicast-networks", "net", network="net")
        anew(full.lab, router)
        get_exactly(a, GROUPS[0], vms[1:], "")


def test_policies_judge_what_members_get(full, vms):
    a, b, c, d, e, f = vms
    members = [Member(vm, group) for vm in (c, d) for group in GROUPS]
    for group in GROUPS:
        get_exactly(a, group, vms[1:], "cd")
    full.patch("ports", "d", labels={"closed": "yes"})
    full.group("closed", "closed=yes")
    full.policy("closed", "closed", rule("ingress", "deny"))
    full.revalidated()
    with frames.Capture(d.ns) as heard:
        for group in GROUPS:
            get_exactly(a, group, [b, c], "c")
        assert not any(b"group packet" in frame for frame in heard.read())
    full.delete("policies", "closed")
    for group in GROUPS:
        get_exactly(a, group, vms[1:], "cd")
    for member in members:
        member.leave()
    for group in GROUPS:
        get_exactly(a, group, vms[1:], "", left=[c, d])


def test_rubbish(full, vms):
    """What is no message is learned from by nobody, and whoever has too many
    groups gets all, and no other one."""
    a, b, c, d, e, f = vms
    before = {host.name: remembered(host) for host in full.lab.hosts}
    record = b"\x04\0\0\x01" + b"\xef\x09\x09\x09"
    good = igmp(c, 0x22, "0.0.0.1", "224.0.0.22", rest=record + b"\x0a\0\0\1")
    good6 = mld(c, 143, struct.pack("!HHBBH", 0, 1, 4, 0, 0)
                + ipaddress.ip_address("ff15::9").packed, "ff02::16")
    rubbish = [igmp(c, 0x22, "0.0.255.255", "224.0.0.22", rest=record),
               igmp(c, 0x22, "0.0.0.1", "224.0.0.22", rest=record),
               igmp(c, 0x17, "10.0.0.1", "224.0.0.2"),
               igmp(c, 0x99, "239.9.9.9", "224.0.0.2"),
               igmp(c, 0x16, "239.9.9.9", "239.9.9.9", source="10.0.0.1"),
               igmp(c, 0x16, "224.0.0.5", "224.0.0.5"),
               mld(c, 132, bytes(20), "ff02::2"),
               mld(c, 131, bytes(4) + ipaddress.ip_address("ff02::9").packed,
                   "ff02::9"),
               mld(c, 143, good6[66:86] + bytes(8), "ff02::16", hops=2)]
    for frame in (good, good6):
        for i in range(14, len(frame), 3):
            rubbish.append(frame[:i])
        for i in (37, 39, 45, 60, 63, 70, 81):
            if i < len(frame):
                rubbish.append(frame[:i] + bytes([frame[i] ^ 1])
                               + frame[i + 1:])
    # As if of a host, or of vmnd; of messages from 0.0.0.0, and of MLD, the
    # guard does not look at the source.
    group6 = ipaddress.ip_address("ff15::8").packed
    for kind in range(5):
        for message in (igmp(c, 0x16, "239.9.9.9", "239.9.9.9"),
                        igmp(c, 0x16, "239.9.9.8", "239.9.9.8", "0.0.0.0"),
                        mld(c, 131, bytes(4) + group6, "ff15::8")):
            forged = bytearray(message)
            forged[:6] = bytes.fromhex("03564dff020%d" % kind)
            rubbish.append(bytes(forged))
            forged[6:12] = bytes.fromhex("0e564d000001")
            rubbish.append(bytes(forged))
    for frame in rubbish:
        frames.send(c, frame)
        time.sleep(0.02)        # Within what comes up of a port.
    # Behind it, honest ones.
    frames.send(c, good, good6)
    wait_for("an honest report", lambda: all(
        remembered(full.lab.host("h2")).get((VNI, 1, g))
        for g in ("239.9.9.9", "ff15::9")))
    wait_for("a host to be told", lambda: all(
        remembered(full.lab.host("h1")).get((VNI, MEMBER_HOST | 2, g))
        for g in ("239.9.9.9", "ff15::9")))
    for host in full.lab.hosts:
        new = {key for key in remembered(host)
               if key not in before[host.name] and key[1] < 0x80000000}
        assert {key[2] for key in new} == {"239.9.9.9", "ff15::9"}, new
    # Too many.
    for i in range(300):
        group = "239.8.%d.%d" % divmod(i, 256)
        frames.send(f, igmp(f, 0x16, group, group))
    wait_for("it to get all", lambda: remembered(full.lab.host("h3")).get(
        (VNI, 2, None)), 20)
    assert (VNI, MEMBER_ROUTER | 2, None) not in remembered(
        full.lab.host("h3"))
    assert len([key for key in remembered(full.lab.host("h3"))
                if key[1] == 2 and key[2]]) <= 256
    get_exactly(a, "239.7.7.7", [b, d, f], "f")
    anew(full.lab, f)


def test_a_member_moves(full, vms):
    """It gets its groups again soon after it is on another host, though it
    says nothing by itself."""
    a, b, c, d, e, f = vms
    members = [Member(f, group) for group in GROUPS]
    for group in GROUPS:
        get_exactly(a, group, vms[1:], "f")
    full.lab.move("f", "h2")
    full.lab.await_ports(["f"])
    f.await_addresses()
    for group in GROUPS:
        print("moved: after", get_exactly(a, group, vms[1:], "f", 10))
    full.lab.move("f", "h3")
    full.lab.await_ports(["f"])
    f.await_addresses()
    for group in GROUPS:
        get_exactly(a, group, vms[1:], "f", 10)
    for member in members:
        member.leave()
    for group in GROUPS:
        get_exactly(a, group, vms[1:], "", left=[f])


def test_without_vmnd(full, vms):
    """While vmnd is away members are known as long as they could not have been
    forgotten; then all is flooded, and filtered again when they are known.
    Nothing is lost."""
    a, b, c, d, e, f = vms
    members = [Member(d, group) for group in GROUPS]
    for group in GROUPS:
        get_exactly(a, group, vms[1:], "d")
    full.lab.vmnd.kill()
    for group in GROUPS:
        get_exactly(a, group, vms[1:], "d")
    # Joins by reports of one group are taken in by switches themselves.
    member = Member(c, GROUPS[0])
    get_exactly(a, GROUPS[0], vms[1:], "cd")
    end = time.monotonic() + 130
    while any(is_active(host, VNI) for host in full.lab.hosts):
        assert time.monotonic() < end
        for group in GROUPS:
            assert "d" in hearers(a, group, vms[1:])[0]
    for group in GROUPS:
        get_exactly(a, group, vms[1:], "bcdef")
    full.lab.vmnd.start()
    full.lab.await_synced()
    while not all(is_active(host, VNI) for host in full.lab.hosts):
        for group in GROUPS:
            assert "d" in hearers(a, group, vms[1:])[0]
    get_exactly(a, GROUPS[0], vms[1:], "cd")
    get_exactly(a, GROUPS[1], vms[1:], "d")
    for one in members + [member]:
        one.leave()
    for group in GROUPS:
        get_exactly(a, group, vms[1:], "", left=[c, d])


def test_who_is_silent_and_who_is_not_asked(full, vms):
    """A member that says nothing any more is forgotten, but not one that is
    not asked since vmnd does not reach its host; unregistered groups are
    flooded where that is wanted."""
    a, b, c, d, e, f = vms
    h1, h2 = full.lab.host("h1"), full.lab.host("h2")
    full.put("multicast-networks", "net", network="net",
             flood_unregistered=True)
    get_exactly(a, "239.5.5.5", vms[1:], "bcdef")
    member = Member(e, "239.5.5.5")
    get_exactly(a, "239.5.5.5", vms[1:], "e")
    member.leave()
    full.put("multicast-networks", "net", network="net")
    members = [Member(d, group) for group in GROUPS]
    for group in GROUPS:
        get_exactly(a, group, vms[1:], "d")
    frames.send(b, igmp(b, 0x16, "239.6.6.6", "239.6.6.6"))
    get_exactly(a, "239.6.6.6", vms[1:], "b")
    h2.cut()
    try:
        end = time.monotonic() + 200
        while {(VNI, 2, "239.6.6.6"), (VNI, MEMBER_HOST | 2, GROUPS[0]),
               (VNI, MEMBER_HOST | 2, GROUPS[1])} & set(remembered(h1)):
            assert time.monotonic() < end, remembered(h1)
            for group in GROUPS:
                assert "d" in hearers(a, group, vms[1:])[0]
        assert is_active(h1, VNI)
        assert not is_active(h2, VNI)
        for group in GROUPS:
            get_exactly(a, group, vms[1:], "cd")
        get_exactly(a, "239.6.6.6", vms[1:], "cd")
    finally:
        h2.heal()
    await_active(full.lab, VNI)
    get_exactly(a, "239.6.6.6", vms[1:], "", 100)
    for group in GROUPS:
        get_exactly(a, group, vms[1:], "d", 100)
    for member in members:
        member.leave()
    full.put("multicast-networks", "net", network="net")


def test_what_is_refused(full):
    for field, value in (("network", "nowhere"), ("idle_timeout", 149),
                         ("idle_timeout", 99999), ("querier_ip", "fd00::1"),
                         ("querier_ip", "224.0.0.1"), ("routers", ["x"]),
                         ("flood_unregistered", "yes"), ("learn_routers", 1),
                         ("source_filtering", 1), ("colour", 1)):
        spec = {"network": "net", field: value}
        with pytest.raises(Refused) as refused:
            full.api.put("multicast-networks/bad", spec)
        assert refused.value.status in (400, 409, 422), refused.value
        assert field in str(refused.value), refused.value


def test_tenant_says_no_more_than_is_his(full):
    full.put("networks", "his", labels={"project": "shop"},
             subnets=[{"cidr": "10.8.0.0/24"}])
    full.put("ports", "mine", network="his", labels={"project": "shop"})
    full.made.append(("accounts", "shop"))
    shop = make_tenant(full.lab, "shop", scope="project=shop")

    def put(**spec):
        return shop.call("PUT", "multicast-networks/his", {
            "spec": dict(spec, labels={"project": "shop"})})[0]
    full.made.append(("multicast-networks", "his"))
    assert put(network="net") == 400    # There is none that it sees.
    assert put(network="his") == 201
    for spec in ({"routers": ["mine"]}, {"learn_routers": True},
                 {"source_filtering": True}):
        assert put(network="his", **spec) == 403, spec
    full.api.patch("multicast-networks/his", {"source_filtering": True})
    assert put(network="his", source_filtering=True,
               flood_unregistered=True) == 200


def test_who_leaves_is_asked(full, vms):
    """A guest that has left a group, and is in it again, may have been
    faster than vmnd with its leave."""
    d = vms[3]
    # More than once: all are asked each 30 s as well.
    for _ in range(3):
        with frames.Capture(d.ns) as heard:
            frames.send(d, igmp(d, 0x17, "239.1.1.1", "224.0.0.2"))
            assert heard.wait(lambda f: f[12:14] == b"\x08\0" and f[23] == 2
                              and f[38] == 0x11, 15)
        with frames.Capture(d.ns) as heard:
            frames.send(d, mld(d, 132, bytes(4) + ipaddress.ip_address(
                GROUPS[1]).packed, "ff02::2"))
            assert heard.wait(lambda f: f[12:14] == b"\x86\xdd" and f[20] == 0
                              and f[62] == 130, 15)
