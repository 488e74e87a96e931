# SPDX-License-Identifier: Apache-2.0
"""A VM that migrates and has a floating address that hosts serve for their own
ports: what is lost of it, how the physical network is told, and what it is not
told.  The rest of migrations is in test_migration.py."""

import contextlib
import json

import pytest
from conftest import rule, wait_quiet
from migrating import make_moving
from test_migration import (BROADCAST, ETH_RARP, announce, finish, is_in,
                            migration, prepare, served_after, vmnd_killed,
                            wait_activated)

from vmnlab import frames, netns, traffic
from vmnlab.netns import wait_for
from vmnlab.stream import WAY_S, Streams

VLAN = 17
BOTH = "ingress", "egress"


@pytest.fixture
def moving(world):
    for twin in make_moving(world):
        yield world, twin


def with_floating_address(world, version=4, ways=BOTH, vlan=None):
    """A machine outside, and (MAC, address) by which the guest is reached from
    there: h1 and h2 serve it for their own ports, and are no gateways."""
    world.provider_hosts_are("h1", "h2", "h3")
    world.put("networks", "out", mtu=1500, provider=dict(
        {"physical": "dc"}, **{"vlan": vlan} if vlan else {}),
              subnets=[{"cidr": "198.51.100.0/24", "gateway": "198.51.100.1"},
                       {"cidr": "fd51::/64", "gateway": "fd51::1"}])
    world.patch("networks", "net", subnets=[
        {"cidr": "10.0.0.0/24", "gateway": "10.0.0.254"},
        {"cidr": "fd00::/64", "gateway": "fd00::fe"}])
    world.put("routers", "r", interfaces=[{"network": "net"}], external={
        "network": "out", "addresses": ["198.51.100.10", "fd51::10"],
        "gateways": [{"host": "h3"}]})
    floating = {4: "198.51.100.21", 6: "fd51::21"}[version]
    world.put("floating-ips", "f", router="r", ip=floating, port="mover")
    world.put("policies", "q", applies_to=["m"], rules=[
        rule(way, "allow", ["198.51.100.0/24", "fd51::/64"]) for way in ways])
    near = world.outside("near-out", "198.51.100.50/24", "fd51::50/64",
                         tcp=[80], **{"vlan": vlan} if vlan else {})

    def known():
        netns.run(["ping", "-c1", "-W1", floating], ns=near.ns, check=False)
        found = json.loads(netns.run(["ip", "-j", "neigh", "show", floating],
                                     ns=near.ns))
        return found and found[0].get("lladdr")

    return near, (wait_for("its MAC address", known), floating)


def router_mac(world):
    return world.api.get("routers/r")["status"]["mac"]


def knows(host, neighbour):
    """Whether the switch of 'host' has found the address outside."""
    return any(neighbour.mac in line for line in host.ofctl(
        "dump-flows", "br-int", "table=250").splitlines())


def is_told(mac):
    """Whether a frame says that the address's MAC address is elsewhere now,
    and no more."""
    wanted = {"kind": ETH_RARP, "src": mac, "dst": BROADCAST}
    return lambda frame: frames.parse(frame) == wanted and len(frame) == 60


def end(world):
    """The source's interface goes."""
    world.lab.unplug("mover")
    wait_for("its end", lambda: not migration(world))
    wait_quiet(world.lab)


@pytest.mark.parametrize("version, away, vlan", [
    (4, False, None), (6, False, VLAN), (4, True, VLAN), (6, True, None)],
    ids=["IPv4", "IPv6 by VLAN", "IPv4 by VLAN without vmnd",
         "IPv6 without vmnd"])
def test_floating_address_goes_along(moving, version, away, vlan):
    """Nothing is lost in either direction: what comes in by the old host
    reaches the guest while the physical network does not know of the new one,
    and the guest's announcement tells it, too.  What it sends goes by the old
    one while the new one does not know the neighbour."""
    world, twin = moving
    h2 = world.lab.host("h2")
    near, to = with_floating_address(world, version, vlan=vlan)
    vm = world.lab.vm("mover")
    links = ("eth0", "eth0"), ("eth0", "eth1")
    both = "in", "it to near"
    with (Streams().add("in", near, vm, to=to, version=version, links=links)
          .add("it to near", vm, near, port=9010, version=version,
               to=(router_mac(world), near.ip if version == 4 else near.ip6),
               links=(("eth0", "eth0"), ("eth1", "eth0")))) as streams:
        streams.run(2 * WAY_S)
        prepare(world, twin)
        assert not knows(h2, near)
        streams.run(2 * WAY_S)
        before = streams.now()
        streams.arrive(*both)
        with (vmnd_killed(world) if away else contextlib.nullcontext(),
              frames.Capture(near.ns) as seen,
              frames.Capture(vm.ns, "eth1") as there):
            moved = streams.now()
            announce(twin)
            streams.switch("it to near", 1)
            assert seen.wait(is_told(to[0]), 10)
            if away:
                assert there.wait(frames.of_udp, 10)
        wait_activated(world)
        wait_for("the neighbour", lambda: knows(h2, near))
        wait_quiet(world.lab)
        settled = streams.arrive(*both).now()
        end(world)
        found = finish(streams, *both)
    print("    served %.1f ms later" % served_after(found["in"], moved))
    for stream in found.values():
        assert not stream.lost
        assert not stream.n_copies
    assert set(found["in"].sinks(end=before)) == {0}
    assert not found["in"].missed(1, settled)


def test_nobody_is_asked_in_its_name_by_its_old_host(moving):
    """Whom neither host knows its new one asks for, as itself.  In the
    address's name the old one would tell the physical network that the address
    is there."""
    world, twin = moving
    h1, h2 = (world.lab.host(name) for name in ("h1", "h2"))
    near, to = with_floating_address(world)
    other = world.outside("other-out", "198.51.100.60/24")
    prepare(world, twin)
    assert not knows(h1, other)
    assert not knows(h2, other)
    with (frames.Capture(near.ns) as seen,
          frames.Capture(other.ns) as arrived):
        announce(twin)
        packet = frames.udp(router_mac(world), twin.vm.mac, twin.vm.ip,
                            other.ip, 9, 9, b"whom nobody knows")
        frames.send_on(twin.vm.ns, "eth1", packet)
        wait_for("the neighbour", lambda: knows(h2, other))
        frames.send_on(twin.vm.ns, "eth1", packet)
        assert arrived.wait(lambda f: b"whom nobody knows" in f, 10)
        wait_activated(world)
        wait_quiet(world.lab)
        asked = [(found["sender"], found["sender_ip"]) for found in map(
            frames.parse, seen.read()) if found.get("target_ip") == other.ip]
    assert asked
    for mac, ip in asked:
        assert mac.startswith("0e:56:4d:") and ip == "0.0.0.0", asked


def test_guest_tells_no_more_than_its_hypervisor(moving):
    """Only what is an announcement goes on to the physical network; and it
    does where something else has activated the port before."""
    world, twin = moving
    mac = twin.vm.mac
    near, to = with_floating_address(world)
    world.patch("ports", "mover", migration={"to": "h2"})
    prepare(world, twin)

    def rarp(operation=3, whose=mac, dst=BROADCAST, sender_ip=bytes(4),
             more=b""):
        raw = frames.mac_bytes
        return frames.ethernet(
            dst, mac, ETH_RARP, b"\0\1\x08\0\6\4\0" + bytes([operation])
            + raw(mac) + sender_ip + raw(whose) + bytes(4) + more)

    with frames.Capture(near.ns) as seen:
        frames.send_on(twin.vm.ns, "eth1", frames.udp(
            router_mac(world), mac, twin.vm.ip, near.ip, 9, 9, b"it runs"))
        wait_activated(world)
        wait_quiet(world.lab)
        frames.send_on(twin.vm.ns, "eth1", rarp(operation=4),
                       rarp(whose=near.mac), rarp(dst=near.mac),
                       rarp(sender_ip=b"\1\2\3\4"), rarp(more=400 * b"x"))

        def told():
            announce(twin)
            return seen.wait(is_told(to[0]), 1)
        wait_for("the announcement", told)
        passed = [f for f in seen.read()
                  if frames.parse(f)["kind"] == ETH_RARP]
    assert all(is_told(to[0])(frame) for frame in passed), passed
    assert is_in(world, "activated")


def test_connection_that_nobody_may_open_from_outside_goes_on(moving):
    """Of TCP, from the guest, whose policy lets nobody outside in; before,
    while vmnd is away and all that the guest sends goes by its old host, and
    after.  What is answered comes in by its new one, as that is announced."""
    world, twin = moving
    near, to = with_floating_address(world, ways=("egress",))
    vm = world.lab.vm("mover")
    route = "route replace 198.51.100.0/24 via 10.0.0.254 dev "
    netns.ip(vm.ns, route + "eth0")
    connection = traffic.Connection(vm, near.ip, 80)

    def goes_on(when):
        for i in range(5):
            assert connection.exchange("%s %d" % (when, i), 5), when

    with contextlib.closing(connection):
        goes_on("before")
        prepare(world, twin)
        goes_on("prepared")
        with vmnd_killed(world), frames.Capture(near.ns) as seen:
            announce(twin)
            netns.ip(vm.ns, "addr add %s/24 dev eth1" % vm.ip,
                     route + "eth1", "addr del %s/24 dev eth0" % vm.ip)
            assert seen.wait(is_told(to[0]), 10)
            goes_on("moved")
            assert not knows(world.lab.host("h2"), near)
        wait_activated(world)
        goes_on("activated")
        end(world)
        goes_on("after")
