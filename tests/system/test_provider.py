# SPDX-License-Identifier: Apache-2.0
"""Provider networks: hosts' bridges to a physical network."""

import pytest
from conftest import entry, flows, in_turn, rule

from vmnlab import frames, traffic
from vmnlab.frames import Capture
from vmnlab.netns import wait_for


def test_hosts_are_joined_to_the_physical_network(world):
    world.provider_hosts_are("h1", "h2")
    for name in ("h1", "h2"):
        found = world.api.get("hosts/%s" % name)["status"]
        assert found["provider_bridges"][0]["physical"] == "dc", found
        assert "reason" not in found, found
    # The bridge is of its own switching: machines outside meet over it.
    one = world.outside("one", "198.51.100.1/24", "fd51::1/64", tcp=[80])
    two = world.outside("two", "198.51.100.2/24", "fd51::2/64", tcp=[80])
    tagged = world.outside("tagged", "198.51.100.3/24", vlan=7, tcp=[80])
    assert world.reaches(one, two)
    assert world.answers(two, one.ip6) == "one"
    assert world.unanswered(one, tagged.ip)

    # Without its bridge a host says so, and goes on once it is there again.
    h1 = world.lab.host("h1")
    h1.remove_provider_bridge()
    wait_for("h1 to miss its bridge", lambda: "br-ex" in world.api.get(
        "hosts/h1")["status"].get("reason", ""))
    # What goes with the bridge may be on its way to the switch.
    world.lab.await_synced([h1])
    h1.add_provider_bridge()
    wait_for("h1 to have it back", lambda: "reason" not in world.api.get(
        "hosts/h1")["status"])


ETH_RARP = 0x8035

# Networks on it.  ----------------------------------------------------------

CIDRS = ("198.51.100.0/24", "fd51::/64")


def both(n):
    return ["198.51.100.%d" % n, "fd51::%x" % n]


def outside_both(world, name, n, **more):
    return world.outside(name, "198.51.100.%d/24" % n, "fd51::%x/64" % n,
                         tcp=[80], udp=[53], **more)


@pytest.fixture(params=in_turn(None, 7),
                ids=lambda vlan: "vlan" if vlan else "flat")
def wire(request, world):
    """Two VMs on two hosts, and a third beside the first, in a network on the
    physical one; and a machine there."""
    world.provider_hosts_are("h1", "h2")
    provider = {"physical": "dc"}
    if request.param:
        provider["vlan"] = request.param
    world.network("pub", *CIDRS, provider=provider)
    vms = [world.vm(name, "pub", host, both(n), tcp=[80], udp=[53])
           for name, host, n in (("a", "h1", 1), ("b", "h2", 2),
                                 ("c", "h1", 3))]
    return vms + [outside_both(world, "out", 9, vlan=request.param)]


def test_all_on_the_wire_reach_each_other(world, wire):
    for one in wire:
        for other in wire:
            if one is not other:
                for ip in (other.ip, other.ip6):
                    for protocol, port in (("tcp", 80), ("udp", 53)):
                        assert world.answers(one, ip, port, protocol) == \
                            other.name, (one.name, ip, protocol)
                assert world.answers(one, other.ip, 0, "icmp") == "icmp"

    # By the wire alone.
    for name in ("h1", "h2"):
        for flow in flows(world.lab.host(name)).values():
            if ("output:40000" in flow.actions
                    or "output:40001" in flow.actions):
                assert not flow.n_packets, flow


# Policy.  ------------------------------------------------------------------

def test_policy_is_that_of_ports_and_addresses(world, wire):
    """A VM lets in the VMs of a group, and a prefix of those outside."""
    a, b, c, out = wire
    stranger = outside_both(world, "stranger", 40,
                            vlan=out.state.get("vlan"))
    for name, role in (("a", "cli"), ("b", "srv"), ("c", "oth")):
        world.patch("ports", name, labels={"role": role})
    world.group("cli", "role=cli")
    world.group("srv", "role=srv")
    world.policy("p", "srv",
                 rule("ingress", "allow", ["cli", "198.51.100.9/32",
                                           "fd51::9/128"],
                      [entry("tcp", 80)]))
    for who in (a, out):
        assert world.answers(who, b.ip) == "b"
        assert world.answers(who, b.ip6) == "b"
        assert world.unanswered(who, b.ip, 53, "udp")
    for who in (c, stranger):
        assert world.unanswered(who, b.ip)
        assert world.unanswered(who, b.ip6)
    assert world.answers(b, stranger.ip) == "stranger"

    # Out of it, too, and floods are no way around.
    world.policy("q", "srv", rule("egress", "deny", ["198.51.100.0/24"]),
                 rule("egress", "allow"))
    assert world.unanswered(b, stranger.ip)
    assert world.answers(b, stranger.ip6) == "stranger"
    assert world.answers(out, b.ip) == "b"      # Connections from there.


def test_machines_outside_are_ports_to_policies(world, wire):
    a, b, c, out = wire
    world.put("ports", "metal", network="pub", external=True, mac=out.mac,
              ips=both(9), labels={"role": "metal"})
    found = world.api.get("ports/metal")["status"]
    assert found["state"] == "external" and "host" not in found, found
    world.group("metal", "role=metal")
    world.patch("ports", "b", labels={"role": "srv"})
    world.group("srv", "role=srv")

    # As the other side of a VM's policy.
    world.policy("p", "srv", rule("ingress", "allow", ["metal"]))
    for ip in (b.ip, b.ip6):
        assert world.answers(out, ip) == "b"
        assert world.unanswered(a, ip)
    # With policies of its own: VMs' hosts keep them.
    world.delete("policies", "p")
    assert world.answers(a, out.ip) == "out"
    world.policy("m", "metal", rule("ingress", "allow", ["srv"]),
                 rule("egress", "deny", ["srv"]))
    for ip in (out.ip, out.ip6):
        assert world.answers(b, ip) == "out"
        assert world.unanswered(a, ip)
    assert world.unanswered(out, b.ip)
    assert world.unanswered(out, b.ip6)
    world.patch("ports", "metal", quarantined=True)
    assert world.unanswered(b, out.ip)
    assert world.unanswered(out, a.ip6)


# Broadcasts, and who is who.  ----------------------------------------------

def marked(text):
    def wanted(frame):
        found = frames.of_udp(frame)
        return found is not None and found[2] == text
    return wanted


def hears(source, sink, frame, text, seconds=30):
    """Whether 'sink' gets 'frame' of 'source' in the end."""
    with Capture(sink.ns) as seen:
        for _ in range(int(seconds / 0.5)):
            frames.send(source, frame)
            if seen.wait(marked(text), 0.5):
                return True
    return False


def udp(source, text, **other):
    return frames.udp(other.get("dst", "ff:ff:ff:ff:ff:ff"),
                      other.get("src", source.mac),
                      other.get("src_ip", source.ip),
                      other.get("dst_ip", "255.255.255.255"), 4000, 4000,
                      text)


def test_broadcasts_and_unknown_unicast_are_on_the_wire(world, wire):
    a, b, c, out = wire
    for source in wire:
        for sink in wire:
            if sink is not source:
                text = b"%s to %s" % (source.name.encode(),
                                      sink.name.encode())
                assert hears(source, sink, udp(source, text), text), text
    # What nobody has goes out, and no host passes on what comes in.
    far = "02:00:00:00:0f:0f"
    assert hears(a, out, udp(a, b"far", dst=far), b"far")
    assert not hears(out, b, udp(out, b"near", dst=far), b"near", 1)


def test_nobody_else_has_a_ports_address(world, wire):
    a, b, c, out = wire
    assert world.reaches(out, a)
    # A local port's own MAC does not come from the wire.
    forged = udp(out, b"forged", dst=c.mac, src=a.mac, src_ip=a.ip,
                 dst_ip=c.ip)
    assert not hears(out, c, forged, b"forged", 1)
    # Nor does a VM send as somebody else.
    forged = udp(a, b"lied", dst=out.mac, src_ip=b.ip, dst_ip=out.ip)
    assert not hears(a, out, forged, b"lied", 1)


def test_vm_moves_and_is_found(world, wire):
    a, b, c, out = wire
    assert world.reaches(out, a)
    world.lab.move("a", "h2")
    world.lab.await_ports(["a"])
    # Its own packet tells the wire where it is now.
    wait_for("it to be heard", lambda: "1 received" in a.run(
        "ping", "-c1", "-W1", out.ip, check=False))
    for who in (out, b, c):
        assert world.answers(who, a.ip) == "a"
        assert world.answers(who, a.ip6) == "a"


def test_vm_that_moves_silently_is_found(world, wire):
    """The bridge of the host that it left, and the wire, have learned where it
    was; its guest says nothing until it is asked."""
    a, _, c, out = wire
    for who in c, out:
        assert world.answers(who, a.ip) == "a"
    with frames.Capture(out.ns) as wire_seen:
        world.lab.move("a", "h2")
        assert wire_seen.wait(lambda f: (
            frames.parse(f)["src"], frames.parse(f)["kind"]) == (
                a.mac, ETH_RARP), 20)
    for who in c, out:
        assert world.answers(who, a.ip) == "a"
        assert world.answers(who, a.ip6) == "a"


def test_port_without_a_way_to_its_network_says_so(world, wire):
    a, b, c, out = wire
    d = world.vm("d", "pub", "h3", both(4), tcp=[80])
    wait_for("the port to say so", lambda: (
        'host "h3" has no way to physical network "dc"' in world.api.get(
            "ports/d")["status"].get("reason", "")))
    wait_for("the host to say so", lambda: "dc" in world.api.get(
        "hosts/h3")["status"].get("reason", ""))
    assert world.unanswered(d, a.ip)
    world.provider_hosts_are("h3")
    wait_for("d's way", lambda: "reason" not in world.api.get("ports/d")[
        "status"])
    assert world.reaches(d, a)
    assert world.reaches(out, d)


def test_restart_of_vmnd_is_not_felt(world, wire):
    a, b, c, out = wire
    held = [world.held(x, y) for x, y in ((a, b), (out, b), (a, out))]
    before = {n: flows(world.lab.host(n)) for n in ("h1", "h2")}
    world.lab.vmnd.stop()
    assert all(h.exchange(seconds=20) for h in held)
    world.lab.vmnd.start()
    world.lab.await_synced()
    assert all(h.exchange(seconds=20) for h in held)
    for n in ("h1", "h2"):
        assert set(flows(world.lab.host(n))) == set(before[n])
    for h in held:
        h.close()


# What is said of it.  ------------------------------------------------------

def test_traces_and_reachability_cross_the_wire(world, wire):
    a, b, c, out = wire
    world.put("ports", "metal", network="pub", external=True, mac=out.mac,
              ips=both(9))
    for protocol in ("icmp", "icmpv6"):
        for to, host, port in (("b", "h2", "b"), ("c", "h1", "c"),
                               ("metal", "h1", "@dc")):
            said = world.api.call("POST", "/v1/trace", {
                "from": "a", "to": to, "protocol": protocol, "reply": True})
            assert said["verdict"] == "delivered", (to, said)
            at = said["outcomes"][0]["at"]
            assert (at["host"], at["port"]) == (host, port), at
    said = world.api.get("reachability", network="pub", protocol="tcp",
                         port=80)
    assert [c["verdict"] for c in said["cells"]] == ["delivered"], said
