# SPDX-License-Identifier: Apache-2.0
"""Neighbours on a physical network that switches have learned: an announcement
replaces an entry at once, an entry expires unless its owner is heard, and no
announcement makes one.  With and without vmnd, in both families."""

import re

import pytest
from conftest import wait_quiet

from vmnlab import frames, netns, traffic
from vmnlab.netns import wait_for

CIDR, CIDR6 = "198.51.100.0/24", "fd51::/64"
GATEWAY, OURS, NEAR = "198.51.100.1", "198.51.100.10", "198.51.100.50"
GATEWAY6, OURS6, NEAR6 = "fd51::1", "fd51::10", "fd51::50"
STRANGER, STRANGER6 = "198.51.100.51", "fd51::51"
NOBODY = "00:00:00:00:00:00"
ALL_NODES = "33:33:00:00:00:01", "ff02::1"
NEIGHBOUR_TABLE = 250
# The switch takes an entry for valid for 30 s after its owner was heard, and
# then vmnd asks for 3 s.
EXPIRED = 60


@pytest.fixture
def street(world):
    """Router "r" with its gateway on h1, before VMs on h1, on h2, which has a
    distributed floating address, and on h3, which is not on the physical
    network; and outside, machine "near"."""
    world.provider_hosts_are("h1", "h2")
    world.put("networks", "out", provider={"physical": "dc"}, subnets=[
        {"cidr": CIDR, "gateway": GATEWAY},
        {"cidr": CIDR6, "gateway": GATEWAY6}])
    world.put("networks", "in", subnets=[
        {"cidr": "10.0.1.0/24", "gateway": "10.0.1.1"},
        {"cidr": "fd01::/64", "gateway": "fd01::1"}])
    vms = {}
    for n, name in enumerate(("one", "two", "three"), 1):
        vms[name] = world.vm(name, "in", "h%d" % n,
                             ["10.0.1.1%d" % n, "fd01::1%d" % n])
    world.put("routers", "r", interfaces=[{"network": "in"}], external={
        "network": "out", "addresses": [OURS, OURS6], "exempt": ["::/0"],
        "gateways": [{"host": "h1", "priority": 1}]})
    world.put("floating-ips", "f2", router="r", ip="198.51.100.22",
              port="two")
    vms["near"] = world.outside("near", NEAR + "/24", NEAR6 + "/64",
                                tcp=[80], udp=[53])
    vms["near"].run("ip", "route", "add", "fd01::/64", "via", OURS6, "dev",
                    "eth0")
    wait_quiet(world.lab)
    return vms


def probes(street):
    """One of each client, family and protocol."""
    return [traffic.Probe(street[name], protocol, ip, port)
            for name in ("one", "two", "three") for ip in (NEAR, NEAR6)
            for protocol, port in (("tcp", 80), ("udp", 53), ("icmp", 0))]


def unanswered(street):
    asked = probes(street)
    answers = traffic.probe(asked, 0.8)
    return [p for p, answer in zip(asked, answers) if not answer]


def all_reach(street, seconds=20):
    """Waits until all are answered; each asks on, and so uses its entry."""
    left = []

    def reached():
        left[:] = unanswered(street)
        return not left

    try:
        wait_for("answers", reached, seconds)
    except netns.Error as error:
        raise AssertionError("%s: %s" % (error, left)) from None


def another_mac(near, mac):
    """Gives 'near' another MAC address, of which no frame of the kernel's says
    anything."""
    near.run("ip", "link", "set", "eth0", "address", mac)
    near.state["mac"] = mac


def learned(host, ip):
    """The MAC address that the host's switch has learned for 'ip', or None."""
    text = host.ofctl("dump-flows", "br-int", "--no-names",
                      "table=%d" % NEIGHBOUR_TABLE)
    if ":" in ip:
        key = "reg12=0xfd510000,reg13=0,reg14=0,reg15=0x%x," % int(
            ip.rsplit(":", 1)[1], 16)
    else:
        key = "reg15=0x%x," % int.from_bytes(
            bytes(map(int, ip.split("."))), "big")
    for line in text.splitlines():
        if "priority=1," in line and key in line:
            return re.search(r"set_field:([0-9a-f:]{17})->eth_dst|$",
                             line)[1] or line
    return None


def announcement(mac, how):
    """What 'near' says of itself: gratuitous ARP, and an unsolicited
    advertisement."""
    operation, target = {"request": (1, NOBODY), "reply": (2, mac)}[how]
    return (frames.arp(frames.BROADCAST, mac, operation, mac, NEAR, target,
                       NEAR),
            frames.advertisement(ALL_NODES[0], mac, NEAR6, ALL_NODES[1],
                                 NEAR6, mac, 0x20))


def announce_another_mac(street):
    near = street["near"]
    for number, how in enumerate(("request", "reply", "request"), 1):
        mac = "02:ee:00:00:11:%02x" % number
        another_mac(near, mac)
        frames.send(near, *announcement(mac, how))
        all_reach(street, 10)


def test_an_announcement_replaces_an_entry(street):
    all_reach(street)
    announce_another_mac(street)


def test_an_announcement_replaces_an_entry_without_vmnd(world, street):
    """So it is not by a question of vmnd's."""
    all_reach(street)
    world.lab.vmnd.kill()
    try:
        announce_another_mac(street)
    finally:
        world.lab.vmnd.start()
        world.lab.await_synced(seconds=60)


def test_an_entry_expires_unless_its_owner_is_heard(world, street):
    """The machine has another MAC address, and sends nothing but packets of
    connections from that; the clients go on asking."""
    near, mac = street["near"], "02:ee:00:00:13:01"
    all_reach(street)
    another_mac(near, mac)
    router = world.api.get("routers/r")["status"]["mac"]
    for ours in (OURS, OURS6):
        near.run("ip", "neigh", "replace", ours, "lladdr", router, "dev",
                 "eth0", "nud", "permanent")
    frames.send(near, frames.udp(router, mac, NEAR, "198.51.100.22", 9, 9,
                                 b"x"),
                frames.udp6(router, mac, NEAR6, "fd01::11", 9, 9, b"x"))
    all_reach(street, EXPIRED)


def test_a_machine_that_is_gone_has_no_entry(world, street):
    all_reach(street)
    street["near"].run("ip", "link", "set", "eth0", "down")
    hosts = [world.lab.host(name) for name in ("h1", "h2")]

    def gone():
        unanswered(street)
        return not any(learned(host, ip) for host in hosts
                       for ip in (NEAR, NEAR6))

    wait_for("the entries to expire", gone, EXPIRED)


def test_no_announcement_makes_an_entry(world, street):
    """What switches have learned does not grow by what they do not use."""
    near, mac = street["near"], "02:ee:00:00:14:01"
    h1 = world.lab.host("h1")
    all_reach(street)
    frames.send(near,
                frames.arp(frames.BROADCAST, near.mac, 1, near.mac, STRANGER,
                           NOBODY, STRANGER),
                frames.advertisement(ALL_NODES[0], near.mac, STRANGER6,
                                     ALL_NODES[1], STRANGER6, near.mac, 0x20))
    another_mac(near, mac)
    frames.send(near, *announcement(mac, "request"))
    wait_for("the last announcement", lambda: all(
        learned(h1, ip) == mac for ip in (NEAR, NEAR6)), 20)
    assert not learned(h1, STRANGER) and not learned(h1, STRANGER6)


def test_no_guest_takes_an_entry_over(world, street):
    """A guest of the external network itself may announce its own addresses,
    and no others'."""
    guest = world.vm("guest", "out", "h2", ["198.51.100.60", "fd51::60"])
    near, h1 = street["near"], world.lab.host("h1")
    all_reach(street)

    def claim(ip, ip6):
        return [frames.arp(frames.BROADCAST, guest.mac, operation, guest.mac,
                           ip, NOBODY, ip) for operation in (1, 2)] + [
            frames.advertisement(ALL_NODES[0], guest.mac, ip6, ALL_NODES[1],
                                 ip6, guest.mac, 0x20)]

    ask = frames.arp(frames.BROADCAST, guest.mac, 1, guest.mac,
                     "198.51.100.60", NOBODY, OURS)
    frames.send(guest, *claim(NEAR, NEAR6), ask)
    wait_for("what the guest has sent last",
             lambda: learned(h1, "198.51.100.60") == guest.mac, 20)
    assert learned(h1, NEAR) == learned(h1, NEAR6) == near.mac
    all_reach(street)
