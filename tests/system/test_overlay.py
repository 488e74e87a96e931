# SPDX-License-Identifier: Apache-2.0
"""Networks: delivery, isolation, and who may claim to be whom."""

import contextlib

import pytest
from conftest import cut, flows

from vmnlab import frames
from vmnlab.frames import Capture
from vmnlab.netns import wait_for


@pytest.fixture
def pair(world):
    """Two VMs of one network on two hosts, and a third beside the first."""
    world.network("net")
    return (world.vm("a", "net", "h1", "10.0.0.1", tcp=[80], udp=[53]),
            world.vm("b", "net", "h2", "10.0.0.2", tcp=[80], udp=[53]),
            world.vm("c", "net", "h1", "10.0.0.3", tcp=[80], udp=[53]))


def marked(text):
    """Returns what tells a UDP frame that carries 'text'."""
    def wanted(frame):
        found = frames.of_udp(frame)
        return found is not None and found[2] == text
    return wanted


def deliver(world, source, sink, frame, text):
    """Sends 'frame' until it arrives at 'sink'."""
    with Capture(sink.ns) as seen:
        def sent():
            frames.send(source, frame)
            return seen.wait(marked(text), 0.5)
        return wait_for("a frame from %s to %s" % (source.name, sink.name),
                        sent, 30)


def udp(source, sink, text, **other):
    """A datagram between two VMs, with some of its fields forged."""
    return frames.udp(other.get("dst", sink.mac), other.get("src",
                      source.mac), other.get("src_ip", source.ip),
                      other.get("dst_ip", sink.ip), 4000, 4000, text)


@pytest.mark.parametrize("protocol,port", [("tcp", 80), ("udp", 53),
                                           ("icmp", 0)])
def test_vms_of_a_network_reach_each_other(world, pair, protocol, port):
    for one in pair:
        for other in pair:
            if one is not other:
                assert world.reaches(one, other, port, protocol)


def test_full_size_packets_pass_over_vxlan(world, pair):
    a, b, _ = pair
    assert world.reaches(a, b)
    assert "1 received" in a.run("ping", "-c1", "-W20", "-M", "do", "-s",
                                 str(1450 - 28), b.ip)
    # In fragments, too.
    assert "1 received" in a.run("ping", "-c1", "-W20", "-s", "4000", b.ip)


# Isolation.  ---------------------------------------------------------------

def test_same_addresses_in_two_networks_never_meet(world):
    """Two networks with the very same addresses on the same hosts: all that
    is sent in one is captured at each VM of the other, and nothing crosses."""
    vms = {}
    for net in ("red", "blue"):
        world.network(net)
        for i, host in enumerate(("h1", "h2", "h3"), 1):
            vms[net, i] = world.vm(
                "%s%d" % (net, i), net, host, "10.0.0.%d" % i,
                mac="02:00:00:00:00:%02x" % i, tcp=[80], udp=[53])
    captures = {key: Capture(vm.ns) for key, vm in vms.items()}
    try:
        for net in ("red", "blue"):
            for i in (1, 2, 3):
                for j in (1, 2, 3):
                    if i == j:
                        continue
                    a, b = vms[net, i], vms[net, j]
                    for port, protocol in ((80, "tcp"), (53, "udp"),
                                           (0, "icmp")):
                        assert world.reaches(a, b, port, protocol)
        # Then raw frames, each with its network's name in it: to every
        # address, to all, and to nobody.
        for (net, i), vm in vms.items():
            for dst in ["02:00:00:00:00:%02x" % j for j in (1, 2, 3, 9)] + [
                    frames.BROADCAST, "01:00:5e:00:00:01"]:
                for ip in ("10.0.0.1", "10.0.0.2", "10.0.0.3",
                           "10.0.0.255", "224.0.0.1"):
                    frames.send(vm, frames.udp(
                        dst, vm.mac, vm.ip, ip, 5000 + i, 5000,
                        b"from-" + net.encode()))
            frames.send(vm, frames.arp_question(vm.mac, vm.ip, "10.0.0.9"))
        n_own = 0
        for (net, i), seen in captures.items():
            # The last frame of the own network has arrived: so would the
            # others' have.
            for j in (1, 2, 3):
                if j != i:
                    assert seen.wait(lambda f, j=j: (
                        frames.of_udp(f) or (0,))[0] == 5000 + j, 10)
            other = b"from-red" if net == "blue" else b"from-blue"
            for frame in seen.read():
                assert other not in frame, frame
                n_own += b"from-" + net.encode() in frame
        assert n_own > 0
        # Each answer came from the VM of the own network.
        for net in ("red", "blue"):
            assert world.answers(vms[net, 1], "10.0.0.2") == net + "2"
    finally:
        for seen in captures.values():
            seen.close()


def test_frames_with_a_vlan_tag_are_dropped(world, pair):
    a, b, c = pair
    deliver(world, a, b, udp(a, b, b"plain"), b"plain")
    frame = udp(a, b, b"tagged")
    tagged = frame[:12] + b"\x81\x00\x00\x05" + frame[12:]
    with Capture(b.ns) as at_b, Capture(c.ns) as at_c:
        frames.send(a, tagged, udp(a, b, b"after"))
        assert at_b.wait(marked(b"after"), 10)
        assert not [f for f in at_b.read() + at_c.read() if b"tagged" in f]


# Anti-spoofing.  -----------------------------------------------------------

def arrives(world, source, sink, frame, text):
    """Whether 'frame' arrives: judged by an honest one sent after it, which
    has to."""
    with Capture(sink.ns) as seen:
        frames.send(source, frame, udp(source, sink, b"honest"))
        assert seen.wait(marked(b"honest"), 10)
        return any(text in f for f in seen.read())


@pytest.mark.parametrize("sink", ["b", "c"], ids=["other-host", "same-host"])
@pytest.mark.parametrize("forged", [
    {"src": "02:00:00:00:00:99"},
    {"src_ip": "10.0.0.99"},
    {"src_ip": "192.0.2.1"},
    {"src_ip": "0.0.0.0"},
], ids=lambda f: "-".join(f.values()))
def test_spoofed_source_is_dropped(world, pair, sink, forged):
    a, b, c = pair
    sink = {"b": b, "c": c}[sink]
    deliver(world, a, sink, udp(a, sink, b"first"), b"first")
    assert not arrives(world, a, sink, udp(a, sink, b"forged", **forged),
                       b"forged")


def test_neighbours_address_cannot_be_used(world, pair):
    a, b, c = pair
    deliver(world, a, b, udp(a, b, b"first"), b"first")
    for forged in ({"src": c.mac, "src_ip": c.ip}, {"src_ip": c.ip},
                   {"src": c.mac}):
        assert not arrives(world, a, b, udp(a, b, b"forged", **forged),
                           b"forged")


@pytest.mark.parametrize("field", ["ethernet", "sender", "sender_ip"])
def test_forged_arp_reaches_nobody(world, pair, field):
    a, b, c = pair
    deliver(world, a, c, udp(a, c, b"first"), b"first")
    forged = {"ethernet": a.mac, "sender": a.mac, "sender_ip": a.ip}
    forged[field] = c.ip if field == "sender_ip" else c.mac
    for dst in (frames.BROADCAST, b.mac, c.mac):
        for operation in (1, 2):
            frame = frames.arp(dst, forged["ethernet"], operation,
                               forged["sender"], forged["sender_ip"],
                               "00:00:00:00:00:00", b.ip)
            with Capture(b.ns) as at_b, Capture(c.ns) as at_c, \
                    Capture(a.ns) as at_a:
                frames.send(a, frame, udp(a, b, b"then"), udp(a, c, b"then"))
                assert at_b.wait(marked(b"then"), 10)
                assert at_c.wait(marked(b"then"), 10)
                # Not to be mistaken for it: the switch's own answers, which
                # are in the name of whom they are about.
                for seen in (at_a, at_b, at_c):
                    found = [frames.parse(f) for f in seen.read()]
                    assert not [f for f in found if f.get("sender") ==
                                forged["sender"] and f["sender_ip"] ==
                                forged["sender_ip"] and f["src"] ==
                                forged["ethernet"]]


def test_allowed_address_may_be_used_and_is_reached(world, pair):
    a, b, _ = pair
    a.run("ip", "addr", "add", "10.0.0.77/32", "dev", "eth0")
    forged = udp(a, b, b"second", src_ip="10.0.0.77")
    deliver(world, a, b, udp(a, b, b"first"), b"first")
    assert not arrives(world, a, b, forged, b"second")
    world.patch("ports", "a", allowed_addresses=[{"ip": "10.0.0.77"}])
    deliver(world, a, b, forged, b"second")
    assert world.answers(b, "10.0.0.77") == "a"
    # A prefix, with a MAC of its own.
    virtual = "00:00:5e:00:01:07"
    world.patch("ports", "a", allowed_addresses=[
        {"ip": "10.0.0.64/28", "mac": virtual}])
    deliver(world, a, b, udp(a, b, b"third", src=virtual,
                             src_ip="10.0.0.70"), b"third")
    assert not arrives(world, a, b, udp(a, b, b"fourth", src=virtual),
                       b"fourth")
    world.patch("ports", "a", allowed_addresses=[])
    assert world.never(lambda: arrives(world, a, b, forged, b"second"))


# ARP and broadcast.  -------------------------------------------------------

def test_arp_is_answered_by_the_switch(world, pair):
    """Nobody else hears the question, and the answer is right."""
    a, b, c = pair
    deliver(world, a, b, udp(a, b, b"first"), b"first")
    for target in (b, c):
        with Capture(a.ns) as at_a, Capture(b.ns) as at_b, \
                Capture(c.ns) as at_c:
            frames.send(a, frames.arp_question(a.mac, a.ip, target.ip))
            answer = at_a.wait(lambda f: frames.parse(f).get("operation") ==
                               2, 10)
            assert answer
            found = frames.parse(answer)
            assert (found["sender"], found["sender_ip"]) == (target.mac,
                                                             target.ip)
            frames.send(a, udp(a, b, b"then"), udp(a, c, b"then"))
            assert at_b.wait(marked(b"then"), 10)
            assert at_c.wait(marked(b"then"), 10)
            for seen in (at_b, at_c):
                assert not [f for f in seen.read() if frames.parse(f).get(
                    "operation") == 1 and frames.parse(f)["sender"] == a.mac]


def test_address_probes_are_answered_for_other_ports(world, pair):
    """RFC 5227, section 2.1.1: a probe, whose sender address is 0.0.0.0, finds
    the address of another port, and not the port's own."""
    a, b, c = pair
    for target in (b, c):
        with Capture(a.ns) as at_a:
            frames.send(a, frames.arp_question(a.mac, "0.0.0.0", a.ip),
                        frames.arp_question(a.mac, "0.0.0.0", target.ip))
            assert at_a.wait(lambda f: frames.parse(f).get("operation") == 2,
                             10)
            assert [(frames.parse(f)["sender"], frames.parse(f)["sender_ip"])
                    for f in at_a.read()
                    if frames.parse(f).get("operation") == 2] == [
                        (target.mac, target.ip)]


def test_broadcast_goes_only_where_the_network_is(world, pair):
    """Every VM of the network gets one copy; a host without any gets none at
    all, not even through its tunnel."""
    a, b, c = pair
    lab = world.lab
    world.network("elsewhere")
    other = world.vm("other", "elsewhere", "h3", "10.0.0.1")
    deliver(world, a, b, udp(a, b, b"first"), b"first")
    h3 = lab.host("h3")
    with Capture(b.ns) as at_b, Capture(c.ns) as at_c, \
            Capture(other.ns) as at_other, Capture(a.ns) as at_a, \
            Capture(h3.ns, "u0") as at_h3:
        for dst, ip, text in ((frames.BROADCAST, "10.0.0.255", b"to-all"),
                              ("01:00:5e:00:00:05", "224.0.0.5",
                               b"to-many")):
            frame = udp(a, b, text, dst=dst, dst_ip=ip)
            frames.send(a, frame)
            for seen in (at_b, at_c):
                assert seen.wait(marked(text), 10)
        frames.send(a, udp(a, b, b"last"), udp(a, c, b"last"))
        assert at_b.wait(marked(b"last"), 10)
        assert at_c.wait(marked(b"last"), 10)
        for text in (b"to-all", b"to-many"):
            for seen in (at_b, at_c):
                assert len([f for f in seen.read() if text in f]) == 1
            for seen in (at_a, at_other, at_h3):
                assert not [f for f in seen.read() if text in f]


def test_a_broadcast_is_judged_for_each_identity(world, pair):
    """All ports of a host that are alike share a copy, whoever sends; each
    gets it once, and those that a policy closes get none."""
    a, b, _ = pair
    role = {"o1": "open", "o2": "open", "s1": "shut", "s2": "shut"}
    vms = {name: world.vm(name, "net", "h1", "10.0.0.%d" % (50 + i),
                          labels={"role": role[name]})
           for i, name in enumerate(role)}
    world.group("shut", "role=shut")
    world.policy("p", "shut")

    def hear(sender, wanted):
        text = b"to-all-of-%d" % len(hear.sent)
        hear.sent.append(text)
        world.revalidated()     # It is sent once, and what was cached is old.
        with contextlib.ExitStack() as stack:
            seen = {name: stack.enter_context(Capture(vm.ns))
                    for name, vm in vms.items()}
            frames.send(sender, udp(sender, b, text, dst=frames.BROADCAST,
                                    dst_ip="10.0.0.255"))
            for name in wanted:
                assert seen[name].wait(marked(text), 10), name
            world.revalidated()
            for name, capture in seen.items():
                assert len([f for f in capture.read() if text in f]) == (
                    name in wanted), (name, wanted)
    hear.sent = []

    for sender in (a, b):
        hear(sender, ("o1", "o2"))
    hear(vms["o1"], ("o2",))
    hear(vms["s1"], ("o1", "o2"))
    world.patch("ports", "s1", labels={"role": "open"})
    hear(b, ("o1", "o2", "s1"))
    world.patch("ports", "o2", labels={"role": "shut"})
    hear(b, ("o1", "s1"))
    # Observed, each has a copy of its own.
    world.put("observations", "net")
    hear(b, ("o1", "s1"))


def test_unknown_unicast_is_not_flooded(world, pair):
    a, b, c = pair
    deliver(world, a, b, udp(a, b, b"first"), b"first")
    with Capture(b.ns) as at_b, Capture(c.ns) as at_c:
        frames.send(a, udp(a, b, b"stray", dst="02:00:00:00:00:99"),
                    udp(a, b, b"last"), udp(a, c, b"last"))
        assert at_b.wait(marked(b"last"), 10)
        assert at_c.wait(marked(b"last"), 10)
        assert not [f for f in at_b.read() + at_c.read() if b"stray" in f]


def test_vxlan_of_a_stranger_is_dropped(world, pair):
    """VXLAN from an address that is no host's, or with a network's number
    that is nobody's, goes nowhere."""
    a, b, _ = pair
    lab = world.lab
    deliver(world, a, b, udp(a, b, b"first"), b"first")
    vni = world.api.get("networks/net")["status"]["vni"]
    h1, h2 = lab.host("h1"), lab.host("h2")
    inner = udp(a, b, b"smuggled")

    def vxlan(outer_ip, number):
        # From where h1's come: Open vSwitch takes the sender of what it
        # unwraps for the way back, and would send nothing to h1 any more.
        mac = h1.tunnel_mac if outer_ip == h1.tunnel_ip \
            else "02:99:00:00:00:fe"
        return frames.udp(h2.tunnel_mac, mac, outer_ip,
                          h2.tunnel_ip, 40000, 4789,
                          bytes([8, 0, 0, 0]) + number.to_bytes(3, "big") +
                          b"\0" + inner)

    def send_from_wire(frame):
        frames.send_on(lab.net_ns, "u-h2", frame)
    with Capture(b.ns) as at_b:
        # That it would be seen, if it came from a's host.
        send_from_wire(vxlan(h1.tunnel_ip, vni))
        assert at_b.wait(marked(b"smuggled"), 10)
        n_before = len([f for f in at_b.read() if b"smuggled" in f])
        send_from_wire(vxlan("10.99.0.77", vni))
        send_from_wire(vxlan(h1.tunnel_ip, vni ^ 1))
        frames.send(a, udp(a, b, b"last"))
        assert at_b.wait(marked(b"last"), 10)
        assert len([f for f in at_b.read() if b"smuggled" in f]) == n_before


# Ports that come, go and move.  --------------------------------------------

def test_port_is_given_addresses_when_it_asks_for_none(world):
    world.network("net", "10.7.0.0/29")
    vms = [world.vm("v%d" % i, "net", "h%d" % i, tcp=[80]) for i in (1, 2, 3)]
    assert len({vm.mac for vm in vms}) == 3
    assert len({vm.ip for vm in vms}) == 3
    assert world.reaches(vms[0], vms[2])
    assert world.reaches(vms[1], vms[0])


def test_unplugged_port_is_reached_no_more_and_then_again(world, pair):
    a, b, c = pair
    assert world.reaches(a, b)
    world.lab.unplug("b")
    wait_for("b to be unbound", lambda: world.lab.port_state("b") ==
             "unbound")
    assert world.blocked(a, b)
    assert world.reaches(a, c)
    world.lab.replug("b", "h3")
    world.lab.await_ports(["b"])
    assert world.reaches(a, b)
    assert world.reaches(b, c)


def test_deleted_port_is_silent_and_leaves_no_flow(world, pair):
    a, b, c = pair
    assert world.reaches(a, b)
    assert world.reaches(c, b)
    needle = b.mac
    assert [f for f in flows(world.lab.host("h1")).values()
            if needle in repr(f)]
    world.delete("ports", "b")
    assert world.blocked(a, b)
    assert world.blocked(b, c)
    for host in world.lab.hosts:
        assert not [f for f in flows(host).values() if needle in repr(f)]
    assert world.reaches(a, c)


def test_disabled_port_neither_sends_nor_receives(world, pair):
    a, b, c = pair
    held = world.held(a, b)
    world.patch("ports", "b", enabled=False)
    assert world.blocked(a, b)
    assert world.blocked(b, c)
    assert cut(held)
    world.patch("ports", "b", enabled=True)
    assert world.reaches(a, b)
    held.close()


def test_moved_vm_is_followed_at_once(world, pair):
    """To each host in turn; others reach it there, it reaches others, and an
    open connection goes on."""
    a, b, c = pair
    held = world.held(a, b)
    for host in ("h3", "h1", "h2"):
        world.lab.move("b", host)
        wait_for("b on " + host, lambda: world.api.get("ports/b")["status"]
                 .get("host") == host)
        assert world.reaches(a, b)
        assert world.reaches(b, c)
        assert held.again()
    held.close()


def test_host_without_the_network_holds_none_of_its_flows(world, pair):
    """A network's flows are on the hosts that have a part in it, come with
    the first port and go with the last."""
    lab = world.lab
    h3 = lab.host("h3")
    before = flows(h3)
    extra = world.vm("d", "net", "h3", "10.0.0.4", tcp=[80])
    assert world.reaches(pair[0], extra)
    assert len(flows(h3)) > len(before)
    assert not [f for f in before.values() if pair[0].mac in repr(f)]
    lab.remove_vm("d")
    wait_for("h3 to be rid of the network", lambda: not [
        f for f in flows(h3).values() if pair[0].mac in repr(f)])
    wait_for("h3 to be as before", lambda: set(flows(h3)) == set(before))
