# SPDX-License-Identifier: Apache-2.0
"""Packets as large as a network takes, and one byte more: in a network, and
between networks of different MTUs, in both families."""

import re

import pytest
from conftest import close_lab, make_lab, wait_counted
from dhcp_guests import Udhcpc, bare_vm
from test_router import join, network, vm

from vmnlab import netns
from vmnlab.netns import wait_for

# What guests may think that a network takes.
GUEST = 1500
# The headers of a ping.
PING = {4: 28, 6: 48}


@pytest.fixture(scope="module")
def module_lab(request):
    """Two hosts, of which counters are read every second."""
    lab = make_lab("mtu", 2, options=["--count-interval=1",
                                       "--mtu-hold=1"])
    yield lab
    close_lab(lab)


def widen(guest):
    """Has a guest believe that there is room for more."""
    netns.ip(guest.ns, "link set eth0 mtu %d" % GUEST)
    netns.ip(guest.lab.host(guest.host).ns,
             "link set %s mtu %d" % (guest.link, GUEST))


def ping(source, ip, size, seconds=1):
    """What a ping of 'size' bytes, IP header and all, that may not be cut up
    brings within 'seconds': (its output, whether it was answered)."""
    v6 = ":" in ip
    said = source.run("sh", "-c", "ping -%d -M do -c1 -W%d -s %d %s 2>&1" % (
        6 if v6 else 4, seconds, size - PING[6 if v6 else 4], ip),
        check=False)
    return said, "1 received" in said


def fits(source, ip, size):
    return wait_for("a ping of %d bytes" % size,
                    lambda: ping(source, ip, size)[1], 30)


def told(source, ip, size):
    """Who says how much there is room for: (address or None, MTU).  The kernel
    sends the next one no more, and says it itself."""
    def errors():
        found = re.search(r"(?:From (\S+) .*)?mtu ?[=:] ?(\d+)",
                          ping(source, ip, size, 10)[0])
        if not found:
            forget(source)      # The kernel may have heard one later.
        return found

    found = wait_for("an error for %d bytes" % size, errors, 60)
    return found[1], int(found[2])


def forget(source):
    """What the kernel of a guest has been told."""
    for family in ("-4", "-6"):
        source.run("ip", family, "route", "flush", "cache")


def trace(world, source, sink, ip, size):
    return world.api.call("POST", "/v1/trace", {
        "from": source, "to": sink, "protocol": "icmp", "size": size,
        "source_ip": ip})


def drops(world):
    return world.api.get("drops", reason="larger than the MTU")["counters"]


def n_polls(world):
    return world.api.metrics()["vmn_flow_count_polls_total"]


def test_a_network_takes_its_mtu_and_no_byte_more(world):
    network(world, "net", 1)
    a = vm(world, "a", "net", 1, "h1", 2, tcp=[80])
    b = vm(world, "b", "net", 1, "h2", 3, tcp=[80])
    widen(a)
    widen(b)
    # What fits is not counted with what does not, although switches work out
    # both when they check one.
    for size in (100, 1000, 1450):
        assert fits(a, b.ip, size) and fits(b, a.ip6, size)
    polls = n_polls(world)
    wait_counted("counters to be read", lambda: n_polls(world) > polls + 4)
    assert not drops(world)
    for source, ip in ((a, b.ip), (a, b.ip6), (b, a.ip), (b, a.ip6)):
        assert fits(source, ip, 1450)
        assert told(source, ip, 1451) == (ip, 1450)
        # From then on the guest keeps to it.
        assert told(source, ip, 1451)[1] == 1450
    # So whatever is sent by TCP comes through.
    assert world.reaches(a, b)
    wait_counted("drops", lambda: {d["host"] for d in drops(world)}
                 == {"h1", "h2"})
    assert {d["owner"] for d in drops(world)} == {"overlay.base/"}

    for source, sink, own in ((a, "b", a.ip), (b, "a", b.ip6)):
        assert trace(world, source.name, sink, own, 1450)[
            "verdict"] == "delivered"
        outcome = trace(world, source.name, sink, own, 1451)["outcomes"][0]
        assert outcome["verdict"] == "dropped"
        assert outcome["at"]["reason"] == "larger than the MTU"
        assert outcome["answer"]["verdict"] == "delivered"

    # Its own number, which a change puts into force.
    network(world, "net", 1, mtu=1400)
    for guest in (a, b):
        forget(guest)
    for source, ip in ((a, b.ip), (b, a.ip6)):
        assert fits(source, ip, 1400)
        assert told(source, ip, 1401)[1] == 1400


def set_underlay(world, mtu):
    """Has the hosts' interfaces for tunnels, and the wires behind, carry
    'mtu' bytes."""
    for host in world.lab.hosts:
        netns.ip(host.ns, "link set u0 mtu %d" % mtu)
        host.vsctl("set", "interface", "br-phys", "mtu_request=%d" % mtu)


def heard_mtu(guest):
    """What the guest's kernel was told by a router."""
    return int(guest.run("cat", "/proc/sys/net/ipv6/conf/eth0/mtu"))


def in_effect(world, name):
    return world.api.get("networks/" + name)["status"]["mtu"]


def test_the_mtu_follows_the_underlay(world, tmp_path):
    before = world.lab.underlay_mtu
    world.put("networks", "net", subnets=[
        {"cidr": "10.0.1.0/24", "dhcp": True},
        {"cidr": "fd00:1::/64", "slaac": True}])
    network(world, "own", 2, mtu=1400)
    a = vm(world, "a", "net", 1, "h1", 2)
    b = vm(world, "b", "net", 1, "h2", 3)
    assert in_effect(world, "net") == 1450
    try:
        set_underlay(world, before - 100)
        wait_for("a smaller MTU", lambda: in_effect(world, "net") == 1350, 30)
        assert in_effect(world, "own") == 1400
        # Guests are told.
        c = bare_vm(world, "c", "net", "h1", ipv6=True)
        with Udhcpc(c, tmp_path, "-O", "mtu") as client:
            assert client.wait("bound")["mtu"] == "1350"
        wait_for("the MTU that routers say", lambda: heard_mtu(c) == 1350, 30)
        for source, ip in ((a, b.ip), (b, a.ip6)):
            assert fits(source, ip, 1350)
            assert told(source, ip, 1351) == (ip, 1350)
        # The least of all hosts counts.
        world.lab.host("h1").vsctl("set", "interface", "br-phys",
                                   "mtu_request=%d" % before)
        wait_for("the larger underlay", lambda: world.api.get("hosts/h1")[
            "status"]["underlay"].get("mtu") == before, 30)
        assert in_effect(world, "net") == 1350
    finally:
        set_underlay(world, before)
    wait_for("the MTU of before", lambda: in_effect(world, "net") == 1450, 30)

    # What was told before the flows of the new MTU were there counts for
    # minutes: so each try is to forget it.
    def fits_anew(source, ip):
        forget(source)
        return ping(source, ip, 1450)[1]
    for source, ip in ((a, b.ip), (b, a.ip6)):
        wait_for("a ping of 1450 bytes", lambda: fits_anew(source, ip), 30)


def test_provider_network_has_the_mtu_of_ethernet(world, tmp_path):
    """Whatever fits into tunnels; and machines outside are notified of the
    smaller MTU behind a router."""
    world.provider_hosts_are("h1", "h2")
    world.put("networks", "out", provider={"physical": "dc"}, subnets=[
        {"cidr": "192.0.2.0/24", "gateway": "192.0.2.1", "dhcp": True},
        {"cidr": "2001:db8::/64", "gateway": "2001:db8::1", "slaac": True}])
    network(world, "net", 1)
    world.put("routers", "r", interfaces=[{"network": "net"}], external={
        "network": "out", "gateways": [{"host": "h1"}],
        "addresses": ["192.0.2.10", "2001:db8::10"]})
    b = vm(world, "b", "net", 1, "h2", 2)
    for ip in "192.0.2.20", "2001:db8::20":
        world.put("floating-ips", "f%d" % len(ip), router="r", port="b", ip=ip)
    outside = world.outside("outside", "192.0.2.50/24", "2001:db8::50/64")
    assert (in_effect(world, "out"), in_effect(world, "net")) == (1500, 1450)
    for ip, router in (("192.0.2.20", "192.0.2.10"),
                       ("2001:db8::20", "2001:db8::10")):
        assert fits(outside, ip, 1450)
        for size in 1451, 1500:
            forget(outside)
            assert told(outside, ip, size) == (router, 1450)

    # A guest on the network itself, not on the floating address's own host.
    a = bare_vm(world, "a", "out", "h1", ipv6=True)
    widen(a)
    with Udhcpc(a, tmp_path, "-O", "mtu") as client:
        assert client.wait("bound")["mtu"] == "1500"
    wait_for("the MTU of a router advertisement",
             lambda: heard_mtu(a) == 1500, 30)
    assert fits(a, outside.ip, 1500) and fits(a, outside.ip6, 1500)
    assert fits(a, "192.0.2.20", 1450)
    assert told(a, "192.0.2.20", 1451) == ("192.0.2.10", 1450)

    # It does not follow from the hosts' underlays.
    before = world.lab.underlay_mtu
    try:
        set_underlay(world, before - 100)
        wait_for("a smaller MTU", lambda: in_effect(world, "net") == 1350, 30)
        assert in_effect(world, "out") == 1500
        forget(outside)
        wait_for("an error with the smaller MTU", lambda: told(
            outside, "192.0.2.20", 1351) == ("192.0.2.10", 1350), 30)
    finally:
        set_underlay(world, before)


def test_routers_tell_what_the_next_network_takes(world):
    network(world, "wide", 1)
    network(world, "narrow", 2, mtu=1300)
    join(world, "r", "wide", "narrow")
    a = vm(world, "a", "wide", 1, "h1", 2)
    near = vm(world, "near", "narrow", 2, "h1", 2)
    far = vm(world, "far", "narrow", 2, "h2", 3)
    for sink in (near, far):
        assert fits(a, sink.ip, 1300)
        assert fits(a, sink.ip6, 1300)
        # The router says it, on the sender's own host.
        assert told(a, sink.ip, 1301) == ("10.0.1.1", 1300)
        assert told(a, sink.ip6, 1301) == ("fd00:1::1", 1300)
    wait_counted("drops", lambda: ("h1", "router.router/r") in {
        (d["host"], d["owner"]) for d in drops(world)})

    # What is too large for the network that it comes from is told as well,
    # though a router has sent it on.
    network(world, "other", 3)
    join(world, "r", "wide", "other")
    c = vm(world, "c", "other", 3, "h2", 2)
    widen(a)
    forget(a)
    assert fits(a, c.ip, 1450) and fits(a, c.ip6, 1450)
    assert told(a, c.ip, 1451)[1] == told(a, c.ip6, 1451)[1] == 1450
