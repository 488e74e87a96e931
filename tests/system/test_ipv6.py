# SPDX-License-Identifier: Apache-2.0
"""IPv6 inside of a network: delivery, neighbour discovery, who may claim to be
whom, and policies that hold for both families."""

import socket

import pytest
from conftest import cut, entry, rule

from vmnlab import frames, netns, traffic
from vmnlab.api import Refused
from vmnlab.frames import Capture
from vmnlab.netns import wait_for

ALL_NODES = ("33:33:00:00:00:01", "ff02::1")


@pytest.fixture
def trio(world):
    """Two VMs of one network on two hosts, and a third beside the first; each
    with an address of both families."""
    world.network("net", "10.0.0.0/24", "fd00::/64")
    vms = tuple(world.vm(name, "net", host,
                         ["10.0.0.%d" % i, "fd00::%d" % i], tcp=[80, 81],
                         udp=[53], labels={"role": role})
                for i, (name, host, role) in enumerate((
                    ("a", "h1", "web"), ("b", "h2", "db"),
                    ("c", "h1", "other")), 1))
    for vm in vms:
        vm.await_addresses()
        assert "dadfailed" not in addresses(vm), addresses(vm)
    return vms


def addresses(vm):
    return vm.run("ip", "-6", "-o", "addr", "show", "dev", "eth0")


def udp(source, sink, text, **other):
    """A datagram between two VMs, with some of its fields forged."""
    return frames.udp6(sink.mac, other.get("src", source.mac),
                       other.get("src_ip", source.ip6), sink.ip6, 4000, 4000,
                       text)


def is_marked(text):
    return lambda frame: (frames.of_udp(frame) or (0, 0, b""))[2] == text


def arrivals(source, sinks, *sent):
    """What arrives at each of 'sinks' up to an honest datagram that 'source'
    sends after the frames 'sent'."""
    captures = [Capture(vm.ns) for vm in sinks]
    try:
        frames.send(source, *sent)
        for sink, seen in zip(sinks, captures):
            def honest(sink=sink, seen=seen):
                frames.send(source, udp(source, sink, b"honest"))
                return seen.wait(is_marked(b"honest"), 0.5)
            wait_for("an honest packet at %s" % sink.name, honest, 30)
        return [[f for f in seen.read() if not is_marked(b"honest")(f)]
                for seen in captures]
    finally:
        for seen in captures:
            seen.close()


def answer(vm, sent, target):
    """What 'vm' gets of him who has 'target' when it sends 'sent'."""
    with Capture(vm.ns) as seen:
        def found():
            frames.send(vm, sent)
            return seen.wait(lambda f: frames.parse(f).get("nd")
                             and frames.parse(f)["src_ip"] == target, 0.5)
        return frames.parse(wait_for("an answer", found, 30))


# Delivery.  ----------------------------------------------------------------

def test_vms_reach_each_other_by_ipv6(world, trio):
    for one in trio:
        for other in trio:
            if one is not other:
                for protocol, port in (("tcp", 80), ("udp", 53), ("icmp", 0)):
                    assert world.answers(one, other.ip6, port, protocol) == (
                        "icmp" if protocol == "icmp" else other.name)
                # And so it is foretold.
                told = world.api.call("POST", "/v1/trace", {
                    "from": one.name, "to": other.ip6, "protocol": "tcp",
                    "port": 80, "reply": True})
                assert told["verdict"] == "delivered", told
    a, b, c = trio
    for other in (b, c):
        assert "1 received" in a.run(
            "ping", "-6", "-c1", "-W20", "-I", "eth0",
            frames.link_local(other.mac))
    # As large as they may be, and in fragments.
    assert "1 received" in a.run("ping", "-6", "-c1", "-W20", "-M", "do", "-s",
                                 str(1450 - 48), b.ip6)
    assert "1 received" in a.run("ping", "-6", "-c1", "-W20", "-s", "4000",
                                 b.ip6)
    # What comes to all, does.
    to_all = frames.udp6(ALL_NODES[0], a.mac, a.ip6, ALL_NODES[1], 4000, 4000,
                         b"to all")
    for got in arrivals(a, (b, c), to_all):
        assert [f for f in got if is_marked(b"to all")(f)]


# Neighbour discovery.  -----------------------------------------------------

def test_solicitations_are_answered_where_they_are_asked(world, trio):
    a, b, c = trio
    for other in (b, c):
        for target in (other.ip6, frames.link_local(other.mac)):
            for source in (a.ip6, frames.link_local(a.mac)):
                got = answer(a, frames.solicitation(
                    a.mac, source, target, a.mac), target)
                assert got["sum_is_right"] and got["flags"] == 0
                assert (got["dst"], got["src"]) == (a.mac, other.mac)
                assert (got["dst_ip"], got["target"]) == (source, source)
                assert (got["nd"], got["options"]) == (135, {1: other.mac})
                # Whether it is still there, it says itself.
                for sll in (a.mac, None):
                    got = answer(a, frames.solicitation(
                        a.mac, source, target, sll, (other.mac, target)),
                        target)
                    assert got["nd"] == 136 and got["flags"] & 0x40
                    assert (got["src"], got["target"]) == (other.mac,
                                                           target)
    # A guest finds that out when it doubts.
    a.run("ping", "-6", "-c1", "-W20", b.ip6)
    a.run("ip", "neigh", "replace", b.ip6, "lladdr", b.mac, "dev", "eth0",
          "nud", "probe")
    wait_for("a neighbour to be confirmed", lambda: "REACHABLE" in a.run(
        "ip", "neigh", "show", b.ip6, "dev", "eth0"), 30)
    # Nobody else hears the question, whether there is an answer or not.
    heard = arrivals(a, (b, c), *[
        frames.solicitation(a.mac, a.ip6, target, a.mac)
        for target in (b.ip6, "fd00::99")])
    assert not [f for got in heard for f in got
                if frames.parse(f).get("nd") == 135
                and frames.parse(f)["dst"].startswith("33:33")]


def test_duplicates_are_detected_and_nobody_is_one_of_itself(world, trio):
    """RFC 4862, section 5.4.  The VMs of the lab have probed for their own
    addresses when they came up: see trio()."""
    a, b, _ = trio
    with Capture(a.ns) as seen:
        frames.send(a, *[frames.solicitation(a.mac, "::", target)
                         for target in (a.ip6, frames.link_local(a.mac))])
        # The answer to this one comes after theirs.
        got = answer(a, frames.solicitation(a.mac, "::", b.ip6), b.ip6)
        assert got["nd"] == 136
        assert got["target"] == b.ip6
        assert (got["dst"], got["dst_ip"]) == ALL_NODES
        assert got["src"] == b.mac and got["sum_is_right"]
        assert not [f for f in map(frames.parse, seen.read())
                    if f.get("nd") == 136 and f["target"] != b.ip6]
    # A guest that takes another's address finds out.
    a.run("ip", "addr", "add", b.ip6 + "/64", "dev", "eth0")
    wait_for("a duplicate to be found",
             lambda: "dadfailed" in addresses(a), 30)


@pytest.mark.parametrize("what", ["source", "discovery", "router"])
def test_forged_ipv6_reaches_nobody(world, trio, what):
    a, b, c = trio
    other = "02:00:00:00:00:99"

    def advert(target, tll, src=None, src_ip=None, dst=b.mac, dst_ip=b.ip6):
        return frames.advertisement(dst, src or a.mac, src_ip or a.ip6,
                                    dst_ip, target, tll)
    forged = {
        "source": [udp(a, b, b"forged", **fields) for fields in (
            {"src": other}, {"src_ip": "fd00::99"}, {"src_ip": c.ip6},
            {"src_ip": "2001:db8::1"}, {"src_ip": "::"}, {"src_ip": "::1"},
            {"src_ip": frames.link_local(other)}, {"src": c.mac,
                                                   "src_ip": c.ip6})],
        "discovery": [
            # In another's name, at another's place, or both.
            advert(c.ip6, a.mac), advert(a.ip6, c.mac), advert(c.ip6, c.mac),
            advert(c.ip6, None), advert("fd00::99", a.mac),
            advert(frames.link_local(c.mac), a.mac),
            advert(b.ip6, a.mac, dst=ALL_NODES[0], dst_ip=ALL_NODES[1]),
            advert(c.ip6, c.mac, src=c.mac, src_ip=c.ip6),
            advert(c.ip6, a.mac, src_ip="::", dst_ip=ALL_NODES[1]),
            frames.solicitation(a.mac, a.ip6, "fd00::77", c.mac),
            frames.solicitation(c.mac, c.ip6, "fd00::77", c.mac),
            frames.solicitation(a.mac, c.ip6, "fd00::77", a.mac),
        ],
        "router": [
            frames.icmpv6(ALL_NODES[0], a.mac, frames.link_local(a.mac),
                          ALL_NODES[1], kind, 0, rest)
            for kind, rest in (
                (134, bytes([64, 0, 7, 8]) + bytes(8)),
                (137, bytes(4) + socket.inet_pton(socket.AF_INET6, a.ip6) * 2),
                (133, bytes(4)), (131, bytes(20)), (143, bytes(4)))],
    }[what]
    # So that even what should go to all guests would be seen.
    world.patch("ports", "c", allowed_addresses=[{"ip": "fd00::77"}])
    for got in arrivals(a, (b, c), *forged):
        assert not set(got) & set(forged)


def test_allowed_ipv6_address_is_asked_of_the_guests(world, trio):
    a, b, c = trio
    a.run("ip", "addr", "add", "fd00::77/128", "dev", "eth0", "nodad")
    forged = udp(a, b, b"second", src_ip="fd00::77")
    assert not [f for f in arrivals(a, (b,), forged)[0]
                if is_marked(b"second")(f)]
    world.patch("ports", "a", allowed_addresses=[{"ip": "fd00::77"}])
    world.revalidated()
    assert [f for f in arrivals(a, (b,), forged)[0] if is_marked(b"second")(f)]
    assert world.answers(b, "fd00::77") == "a"
    assert world.answers(c, "fd00::77") == "a"
    # To whom it went over is told by the guest itself.
    world.patch("ports", "c", allowed_addresses=[{"ip": "fd00::77"}])
    world.revalidated()
    a.run("ip", "addr", "del", "fd00::77/128", "dev", "eth0")
    c.run("ip", "addr", "add", "fd00::77/128", "dev", "eth0", "nodad")
    frames.send(c, frames.advertisement(ALL_NODES[0], c.mac, "fd00::77",
                                        ALL_NODES[1], "fd00::77", c.mac, 0x20))
    assert world.answers(b, "fd00::77") == "c"


# Policies.  ----------------------------------------------------------------

def test_policies_hold_for_both_families(world, trio):
    a, b, c = trio
    for group in ("web", "db"):
        world.group(group, "role=" + group)
    world.policy("db-in", "db", rule("ingress", "allow", ["web"],
                                     [entry("tcp", 80)]))
    for ip in (b.ip, b.ip6):
        assert world.answers(a, ip, 80) == "b"
        assert world.unanswered(a, ip, 81)
        assert world.unanswered(a, ip, 53, "udp")
        assert world.unanswered(a, ip, 0, "icmp")
        assert world.unanswered(c, ip, 80)
    # By their addresses, each family by its own.
    for peer, open_, closed in ((c.ip6 + "/128", b.ip6, b.ip),
                                (c.ip + "/32", b.ip, b.ip6)):
        world.policy("db-in", "db", rule("ingress", "allow", [peer]))
        for port, protocol in ((80, "tcp"), (53, "udp"), (0, "icmp")):
            assert world.answers(c, open_, port, protocol)
            assert world.unanswered(c, closed, port, protocol)
            assert world.unanswered(a, open_, port, protocol)
    # Neighbours are found all the same, so nothing was for lack of them.
    assert answer(a, frames.solicitation(a.mac, a.ip6, b.ip6, a.mac), b.ip6)
    # Echo of one family only; it is let through in fragments, too.
    world.policy("db-in", "db", rule("ingress", "allow", ["web"],
                                     [entry("icmpv6", icmp_type=128)]))
    assert world.answers(a, b.ip6, 0, "icmp")
    assert world.unanswered(a, b.ip, 0, "icmp")
    assert world.unanswered(a, b.ip6, 80)
    assert "1 received" in a.run("ping", "-6", "-c1", "-W20", "-s", "4000",
                                 b.ip6)
    # Leaving, too.
    world.policy("db-in", "db", rule("ingress", "allow"))
    world.policy("web-out", "web", rule("egress", "allow", [b.ip6 + "/127"],
                                        [entry("udp", 53)]))
    assert world.answers(a, b.ip6, 53, "udp") == "b"
    for ip in (b.ip, b.ip6):
        assert world.unanswered(a, ip, 80)
    assert world.unanswered(a, b.ip, 53, "udp")


def is_refused(vm, ip):
    """Whether a UDP port is told to be closed: one answer may be lost."""
    with netns.socket_in(vm.ns, socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.connect((ip, 9))
        sock.settimeout(2)
        try:
            sock.send(b"anybody?")
            sock.recv(100)
        except ConnectionRefusedError:
            return True
        except TimeoutError:
            pass
    return False


def test_open_ipv6_connections_follow_their_rules(world, trio):
    a, b, _ = trio
    for group in ("web", "db"):
        world.group(group, "role=" + group)
    world.policy("db-in", "db", rule("ingress", "allow", ["web"]))
    held = []
    for port, protocol in ((80, "tcp"), (53, "udp")):
        assert world.answers(a, b.ip6, port, protocol)
        held.append(traffic.Connection(a, b.ip6, port, protocol))
        assert held[-1].exchange(seconds=20)
    # An error about a connection passes: nobody listens there.
    wait_for("an error", lambda: is_refused(a, b.ip6))
    world.policy("db-in", "db", rule("ingress", "allow", ["db"]))
    assert cut(held[0]) and cut(held[1])
    world.policy("db-in", "db", rule("ingress", "allow", ["web"]))
    assert held[1].again()
    world.patch("ports", "b", quarantined=True)
    assert cut(held[1])
    for one in held:
        one.close()


def test_connection_by_ipv6_outlives_a_move(world, trio):
    a, b, _ = trio
    assert world.answers(a, b.ip6, 53, "udp")
    held = traffic.Connection(a, b.ip6, 53, "udp")
    assert held.exchange(seconds=20)
    world.lab.move("b", "h3")
    world.lab.await_ports(["b"])
    assert held.again()
    held.close()
    assert world.answers(b, a.ip6, 53, "udp") == "a"


def test_a_switch_without_extensions_of_discovery_takes_all_flows(world, trio):
    """Only the userspace datapath can set nd_reserved and nd_options_type; a
    switch on another refuses flows that do (ovs-vswitchd, check_actions())."""
    a, b, _ = trio
    host = world.lab.host("h1")
    host.appctl("dpif/set-dp-features", "br-int", "nd_ext", "false")
    with pytest.raises(netns.Error, match="BAD_SET_ARGUMENT"):
        host.ofctl("add-flow", "br-int", "table=200,icmp6,icmp_type=135,"
                   "actions=set_field:1->nd_reserved")
    host.ofctl("del-flows", "br-int")
    assert world.api.call("POST", "/v1/hosts/h1/audit")["missing"] > 0

    def all_back():
        try:
            found = world.api.get("hosts/h1/flows", diff="true")
        except Refused:         # While it is being repaired.
            return False
        assert found["rejected"] == 0, found
        return found["missing"] == 0
    wait_for("all flows to be back", all_back, 30)
    assert world.answers(a, b.ip6) == "b"
