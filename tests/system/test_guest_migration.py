# SPDX-License-Identifier: Apache-2.0
"""Guests of QEMU that migrate live: connections of all kinds go on, what is
denied stays denied, and no more is lost than what comes while the guest itself
stands still.  What becomes of each packet is told in test_migration.py, with
a VM that needs no time for it."""

import contextlib
import threading
import types

import pytest
from conftest import rule, wait_quiet
from test_lab_guests import image  # noqa: F401 - a fixture
from test_stream import Waits, excuse

from vmnlab import frames, netns, traffic
from vmnlab.netns import PATIENCE, wait_for

OUTSIDE = "198.51.100.50"
FLOATING = "198.51.100.21"
OUTSIDE6, FLOATING6 = "fd51::50", "fd51::21"
ETH_RARP = 0x8035
VIP, OTHER_VIP = "10.0.1.100", "10.0.1.101"
PUSH_VIP, PUSH_PORT, PUSH_S = "10.0.1.102", 8081, 0.005


@pytest.fixture
def site(world, image):  # noqa: F811
    """A guest, g, on h1; peer, beside whatever it is not beside, on h3; and
    bad, which policy keeps from it.  The router's gateway is h3; h1 and h2
    serve floating addresses of their own."""
    world.provider_hosts_are("h1", "h2", "h3")
    world.put("networks", "out", provider={"physical": "dc"}, mtu=1500,
              subnets=[{"cidr": "198.51.100.0/24",
                        "gateway": "198.51.100.1"},
                       {"cidr": "fd51::/64", "gateway": "fd51::1"}])
    world.put("networks", "a", subnets=[
        {"cidr": "10.0.1.0/24", "gateway": "10.0.1.1", "dhcp": True},
        {"cidr": "fd00:1::/64", "gateway": "fd00:1::1", "dhcp": True}])
    world.put("routers", "r", interfaces=[{"network": "a"}],
              external={"network": "out",
                        "addresses": ["198.51.100.10", "fd51::10"],
                        "gateways": [{"host": "h3"}]})
    peer = world.vm("peer", "a", "h3", "10.0.1.13", tcp=[80], udp=[53],
                    labels={"role": "peer"})
    bad = world.vm("bad", "a", "h3", "10.0.1.14", tcp=[80],
                   labels={"role": "bad"})
    near = world.outside("near", OUTSIDE + "/24", OUTSIDE6 + "/64", tcp=[80],
                         udp=[53])
    world.put("ports", "g", network="a", ips=["10.0.1.11", "fd00:1::11"],
              labels={"role": "guest"})
    world.own_vms.append("g")
    for name in "guest", "peer", "bad":
        world.group(name, "role=" + name)
    world.policy("p", "guest", rule("ingress", "allow",
                                    ["peer", OUTSIDE + "/32",
                                     OUTSIDE6 + "/128"]),
                 rule("ingress", "deny"))
    world.put("floating-ips", "f", router="r", ip=FLOATING, port="g")
    world.put("floating-ips", "f6", router="r", ip=FLOATING6, port="g")
    for name, vip, role in ("in", VIP, "guest"), ("out", OTHER_VIP, "peer"):
        world.put("loadbalancers", name, networks=["a"], vip=vip,
                  ports=[{"port": 80}], selector="role=" + role)
    guest = world.lab.add_guest_of_port("g", "h1", image)
    guest.await_ready()
    guest.await_address()
    guest.serve(80)
    wait_quiet(world.lab)
    return world, guest, peer, bad, near


def host_of(world):
    status = world.api.get("ports/g")["status"]
    return status.get("host"), status.get("migration")


def move(world, guest):
    """Migrates it to the other of h1 and h2, and returns QEMU's word."""
    to = "h2" if guest.host == "h1" else "h1"
    done = guest.migrate(world.lab.host(to)).wait().check()
    wait_for("its port to follow", lambda: host_of(world) == (to, None))
    return done


def test_connections_go_on(site):
    world, guest, peer, bad, near = site
    # From and to it, directly, by virtual IPs, and from and to outside: by
    # its floating address.
    ways = {
        "to it": traffic.Connection(peer, guest.ip, 80),
        "by a virtual IP": traffic.Connection(peer, VIP, 80),
        "from outside": traffic.Connection(near, FLOATING, 80),
        "from outside, IPv6": traffic.Connection(near, FLOATING6, 80),
        "from it": guest.connect(peer.ip, 80),
        "from it by a virtual IP": guest.connect(OTHER_VIP, 80),
        "from it to outside": guest.connect(OUTSIDE, 80),
        "from it to outside, IPv6": guest.connect(OUTSIDE6, 80)}
    try:
        for way, held in ways.items():
            assert held.exchange(way, 30), way
        for _ in range(2):
            with (traffic.Pinger(bad, guest.ip, 100) as denied,
                  frames.Capture(near.ns) as outside):
                move(world, guest)
                # QEMU's own announcement, of its floating address.
                assert outside.wait(lambda f: frames.parse(f)["kind"]
                                    == ETH_RARP, 30)
            assert not denied.seen
            for way, held in ways.items():
                assert held.exchange(way, 30), way
    finally:
        for held in ways.values():
            held.close()
    # And new ones.
    for who, ip in ((peer, guest.ip), (peer, VIP), (near, FLOATING),
                    (near, FLOATING6)):
        assert world.answers(who, ip) == "g", ip
    assert traffic.ask(bad, guest.ip, 80) is None
    for ip, name in ((peer.ip, "peer"), (OTHER_VIP, "peer"),
                     (OUTSIDE, "near"), (OUTSIDE6, "near")):
        assert guest.ask(ip, 80, seconds=20) == name, ip


def test_connections_by_the_routers_address_go_on(site):
    world, guest, _, _, near = site
    world.delete("floating-ips", "f")
    held = guest.connect(OUTSIDE, 80)
    try:
        assert held.exchange("a", 30)
        move(world, guest)
        assert held.exchange("b", 30)
    finally:
        held.close()


@contextlib.contextmanager
def pushing(sock):
    """Sends numbered lines; yields a list of what has been sent."""
    sent, stop, failed = [], threading.Event(), []

    def push():
        try:
            while not stop.wait(PUSH_S):
                sock.sendall(b"%d\n" % len(sent))
                sent.append(len(sent))
        except OSError as error:
            failed.append(error)

    thread = threading.Thread(target=push)
    thread.start()
    try:
        yield sent
    finally:
        stop.set()
        thread.join()
    assert not failed


def received(guest, held):
    """The numbers that a connection of the guest's has brought."""
    return [int(line) for line in
            guest.run("cat", held.place + "/out").split()]


def test_what_a_backend_sends_it_all_the_while_arrives(site):
    """The backend goes on sending while nobody has heard of the guest on its
    new host, whose former one drops its interface at once."""
    world, guest, peer, _, _ = site
    world.put("loadbalancers", "push", networks=["a"], vip=PUSH_VIP,
              ports=[{"port": 80, "target": PUSH_PORT}],
              selector="role=peer")
    wait_quiet(world.lab)
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(netns.socket_in(peer.ns))
        listener.bind(("", PUSH_PORT))
        listener.listen()
        listener.settimeout(20 * PATIENCE)
        held = guest.connect(PUSH_VIP, 80)
        stack.callback(held.close)
        sock = stack.enter_context(listener.accept()[0])
        sock.settimeout(20 * PATIENCE)
        with pushing(sock) as sent:
            for _ in range(3):
                move(world, guest)
                n = len(sent)
                wait_for("what was sent to arrive",
                         lambda: len(received(guest, held)) >= n, 20)
        wait_for("the last to arrive", lambda: received(guest, held) == sent,
                 20)


def gaps(pinger):
    """For how long no ping was answered, in ms, time after time."""
    times = sorted(pinger.seen.values())
    return [1000 * (b - a) for a, b in zip(times, times[1:])]


def test_no_more_is_lost_than_while_it_stands_still(site):
    """By pings, which the guest's kernel answers."""
    world, guest, peer, _, _ = site
    waits = Waits(world.lab)
    with traffic.Pinger(peer, guest.ip, 200) as pinger:
        wait_for("pings", lambda: len(pinger.seen) > 20)
        done = move(world, guest)
        before = len(pinger.seen)
        wait_for("pings", lambda: len(pinger.seen) > before + 20)
    found = gaps(pinger)
    longest = max(found)
    own = max(found[:found.index(longest)], default=0.0)
    print("    %d pings, %d lost; no answer for %.0f ms, and before for up to "
          "%.0f ms; QEMU says %d ms" % (len(pinger.sent), len(pinger.lost()),
                                        longest, own, done.downtime_ms))
    # What is on its way to the source as it stops, and to the destination
    # before it announces itself.  A machine that is busy takes its time for
    # these, as it did for pings while the guest was copied.
    limit = done.downtime_ms + 500 * PATIENCE + 3 * own
    if longest >= limit:
        excuse(types.SimpleNamespace(shares=waits.shares()))
    assert longest < limit
