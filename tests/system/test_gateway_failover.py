# SPDX-License-Identifier: Apache-2.0
"""What becomes of a router's traffic when the host of its gateway fails: hosts
watch each other by BFD, on tunnel ports of their own."""

import contextlib
import time

import pytest
from conftest import wait_quiet
from test_gateway import gateway, neighbours

from vmnlab import netns, traffic
from vmnlab.frames import Capture, arp_question, of_udp, parse, send
from vmnlab.netns import wait_for

CIDR = "198.51.100.0/24"
ROUTER = "198.51.100.1"         # Outside: the gateway of the subnet.
OURS = "198.51.100.10"
FLOATING = "198.51.100.24"
NEAR = "198.51.100.50"
ROUTER6, OURS6, FLOATING6, NEAR6 = (
    "fd51::1", "fd51::10", "fd51::24", "fd51::50")
# Of a family: a machine outside, and what VM "a3" is to those.
WAYS = ((NEAR, FLOATING), (NEAR6, FLOATING6))
MOVES = 'vmn_router_gateway_changes_total{router="r"}'
GATEWAYS = [{"host": "h1", "priority": 1}, {"host": "h2", "priority": 2}]


@pytest.fixture
def shop(world):
    """A router with its gateway on h1 or else h2, a VM on each host, of which
    that on h3, which has no way out of its own, has a floating address; and
    outside the subnet's router and a machine beside it."""
    world.provider_hosts_are("h1", "h2")
    world.put("networks", "out", provider={"physical": "dc"}, mtu=1500,
              subnets=[{"cidr": CIDR, "gateway": ROUTER},
                       {"cidr": "fd51::/64", "gateway": ROUTER6}])
    world.put("networks", "a", subnets=[
        {"cidr": "10.0.1.0/24", "gateway": "10.0.1.1"},
        {"cidr": "fd00:1::/64", "gateway": "fd00:1::1"}])
    world.put("routers", "r", interfaces=[{"network": "a"}],
              external={"network": "out", "addresses": [OURS, OURS6],
                        "gateways": GATEWAYS})
    vms = {"gw": world.outside("gw", ROUTER + "/24", ROUTER6 + "/64",
                               tcp=[80]),
           "near": world.outside("near", NEAR + "/24", NEAR6 + "/64",
                                 tcp=[80], udp=[53])}
    for n in (1, 2, 3):
        name = "a%d" % n
        vms[name] = world.vm(name, "a", "h%d" % n, [
            "10.0.1.1%d" % n, "fd00:1::1%d" % n], tcp=[80], udp=[53])
    world.put("floating-ips", "f4", router="r", ip=FLOATING, port="a3")
    world.put("floating-ips", "f6", router="r", ip=FLOATING6, port="a3")
    wait_watched(world)
    return vms


def bfd(world, host):
    return world.api.get("hosts/" + host)["status"].get("bfd", {})


def wait_watched(world, hosts=("h1", "h2", "h3"), sessions=2):
    for host in hosts:
        wait_for("%s's sessions to be up" % host, lambda h=host: bfd(
            world, h) == {"sessions": sessions, "down": []}, 30)
    # The last rows that say so, and what follows from them.
    wait_quiet(world.lab)


def peer_ports(host):
    """The rows of the host's tunnel ports for single peers."""
    return sorted(host.vsctl("--bare", "--columns=_uuid", "find", "interface",
                             "external_ids:vmn-peer=true").split())


@contextlib.contextmanager
def underlay_cut(lab, name):
    """The host's tunnels lead nowhere, while its control link and its way out
    are there."""
    netns.ip(lab.net_ns, "link set u-%s nomaster" % name)
    try:
        yield
    finally:
        netns.ip(lab.net_ns, "link set u-%s master underlay" % name)


@contextlib.contextmanager
def path_cut(lab, a, b):
    """No tunnel's packet gets from one host to the other, nor back: each sends
    them to an address that nobody has."""
    ends = (lab.host(a), lab.host(b)), (lab.host(b), lab.host(a))

    def send_to(mac):
        for host, other in ends:
            host.set_neighbour(other.tunnel_ip, mac or other.tunnel_mac)

    send_to("02:99:00:00:00:ff")
    try:
        yield
    finally:
        send_to(None)


@contextlib.contextmanager
def frozen(host):
    host.freeze_switch()
    try:
        yield
    finally:
        host.thaw_switch()


def sessions_up(host):
    """How many sessions the host's switch calls up."""
    return host.appctl("bfd/show").count("Local Session State: up")


def answers_to_arp(machine, ip):
    """Who answers the machine's question for 'ip': the MAC addresses, one for
    each answer within a second."""
    with Capture(machine.ns) as capture:
        send(machine, arp_question(machine.mac, machine.ip, ip))
        time.sleep(1)
        return [f["sender"] for f in map(parse, capture.read())
                if f.get("operation") == 2 and f["sender_ip"] == ip]


def both_ways(world, shop, vm="a3"):
    """Whether packets get out, and in, of both families."""
    return all(world.answers(shop[vm], near) == "near"
               and world.answers(shop["near"], floating) == "a3"
               for near, floating in WAYS)


def test_sessions_are_where_they_are_needed(world, shop):
    """Between gateways, and between these and others of the router's domain:
    none where there is one gateway alone, and none is left of a host that is
    deleted."""
    lab = world.lab
    hosts = [lab.host("h%d" % n) for n in (1, 2, 3)]
    assert [len(peer_ports(h)) for h in hosts] == [2, 2, 2]
    external = world.api.get("routers/r")["spec"]["external"]
    world.patch("routers", "r", external=dict(external,
                                              gateways=GATEWAYS[:1]))
    for h in hosts:
        wait_for("%s's ports to go" % h.name, lambda h=h: not peer_ports(h))
        assert bfd(world, h.name) == {}
    assert both_ways(world, shop)
    world.patch("routers", "r", external=external)
    wait_watched(world)
    lab.remove_vm("a3")
    world.own_vms.remove("a3")
    for h in hosts[:2]:
        wait_for("%s to watch the other gateway alone" % h.name,
                 lambda h=h: bfd(world, h.name) == {"sessions": 1,
                                                    "down": []}, 30)
    assert not peer_ports(hosts[2])


def test_host_that_is_cut_off_is_replaced(world, shop):
    """Its tunnels lead nowhere, though vmnd hears it all the time."""
    moves = world.api.metrics()[MOVES]
    assert gateway(world) == "h1" and both_ways(world, shop)
    held = traffic.Connection(shop["a3"], NEAR, 80)
    assert held.exchange(seconds=5)
    with underlay_cut(world.lab, "h1"):
        wait_for("h2 to be the gateway", lambda: gateway(world) == "h2", 30)
        host = world.api.get("hosts/h1")["status"]
        assert host["state"] == "synced" and host["bfd"]["cut_off"], host
        assert host["reason"] == "no host that watches it by BFD reaches it"
        hosts = world.api.get("routers/r")["status"]["gateways"]
        assert [(h["host"], h["state"], h.get("reason")) for h in hosts] == [
            ("h1", "unable", "no host that watches it by BFD reaches it"),
            ("h2", "active", None)]
        assert both_ways(world, shop) and both_ways(world, shop, "a2")
        assert held.exchange(seconds=10)
        assert world.api.metrics()[MOVES] == moves + 1
        # Sessions are as they were for a vmnd that starts now.
        ports = peer_ports(world.lab.host("h3"))
        world.lab.vmnd.kill()
        world.lab.vmnd.start()
        world.lab.await_ports(["a1", "a2", "a3"])
        wait_quiet(world.lab)
        assert gateway(world) == "h2" and held.exchange(seconds=10)
        assert peer_ports(world.lab.host("h3")) == ports
        assert both_ways(world, shop) and both_ways(world, shop, "a2")
    wait_for("h1 to be the gateway", lambda: gateway(world) == "h1", 60)
    wait_watched(world)
    assert both_ways(world, shop) and held.exchange(seconds=10)
    held.close()


def test_one_that_is_cut_off_itself_says_nothing_of_others(world, shop):
    """Nor does one path that is broken."""
    moves = world.api.metrics()[MOVES]
    for hosts, cut in ((("h3",), underlay_cut(world.lab, "h3")),
                       (("h1", "h3"), path_cut(world.lab, "h3", "h1")),
                       (("h1", "h2"), path_cut(world.lab, "h2", "h1"))):
        with cut:
            wait_for("the sessions to be down", lambda h=hosts: bfd(
                world, h[-1])["down"], 30)
            wait_quiet(world.lab)
            assert gateway(world) == "h1"
            assert "cut_off" not in bfd(world, "h1")
            assert world.answers(shop["a1"], NEAR) == "near"
        wait_watched(world)
    assert world.api.metrics()[MOVES] == moves
    assert both_ways(world, shop)


def test_gateway_that_alone_does_not_see_the_first_one_is_passed_over(
        world, shop):
    """Where the path between the two is broken, and both see others: else
    both would serve.  It is the gateway once the first one is gone."""
    lab = world.lab
    near = shop["near"]
    router = world.api.get("routers/r")["status"]["mac"]
    with path_cut(lab, "h2", "h1"):
        wait_for("h2 not to see h1", lambda: bfd(
            world, "h2")["down"] == ["h1"], 20)
        wait_for("h2 to answer no more", lambda: answers_to_arp(
            near, OURS) == [router], 20)
        assert gateway(world) == "h1" and both_ways(world, shop)
        with frozen(lab.host("h1")):
            wait_for("h2 to be the gateway", lambda: gateway(world) == "h2",
                     30)
            wait_for("packets to pass by it", lambda: both_ways(
                world, shop) and both_ways(world, shop, "a2"))
        wait_for("h1 to be the gateway", lambda: gateway(world) == "h1", 60)
    wait_watched(world)
    assert both_ways(world, shop)


def test_gateway_that_comes_and_goes_waits(world, shop):
    """The first time it has its turn again at once; the next time it is to be
    reached for some seconds, and its status says so."""
    held = traffic.Connection(shop["a3"], NEAR, 80)
    for _ in range(2):
        with underlay_cut(world.lab, "h1"):
            wait_for("h2 to be the gateway", lambda: gateway(world) == "h2",
                     30)
            assert held.exchange(seconds=10)
        since = time.monotonic()
        wait_for("h1's sessions", lambda: sessions_up(
            world.lab.host("h1")) == 2, 30)
        reasons = set()

        def is_first():
            reasons.add(world.api.get("hosts/h1")["status"].get("reason"))
            return gateway(world) == "h1"
        wait_for("h1 to be the gateway", is_first, 60)
        waited = time.monotonic() - since
    assert waited > 5
    assert ("reached by BFD again, but not for as long yet as is asked of one "
            "that was cut off several times in ten minutes") in reasons
    wait_watched(world)
    assert both_ways(world, shop) and held.exchange(seconds=10)
    held.close()


def test_switches_take_over_by_themselves(world, shop):
    """While vmnd is away, both ways, also what is open; and give way to the
    first one when it is back."""
    lab = world.lab
    assert gateway(world) == "h1" and both_ways(world, shop)
    held = [traffic.Connection(shop[vm], ip, 80)
            for near, floating in WAYS
            for vm, ip in (("a3", near), ("near", floating))]
    assert all(h.exchange(seconds=5) for h in held)
    # What h2 knows beforehand: the next hops, for it asks, and whoever asks.
    for ip in (ROUTER, NEAR, ROUTER6, NEAR6):
        mac = shop["gw" if ip in (ROUTER, ROUTER6) else "near"].mac
        wait_for("h2 to know " + ip, lambda i=ip, m=mac: neighbours(
            lab.host("h2")).get(i) == m, 30)
    lab.vmnd.kill()
    try:
        with frozen(lab.host("h1")):
            assert all(h.exchange(seconds=20) for h in held)
            assert both_ways(world, shop) and both_ways(world, shop, "a2")
            for ip in (ROUTER, ROUTER6):
                assert world.answers(shop["a3"], ip) == "gw"
        assert all(h.exchange(seconds=20) for h in held)
        assert both_ways(world, shop) and both_ways(world, shop, "a1")
    finally:
        lab.vmnd.start()
    lab.await_ports(["a1", "a2", "a3"])
    wait_for("h1 to be the gateway", lambda: gateway(world) == "h1", 60)
    wait_watched(world)
    assert both_ways(world, shop) and all(h.exchange(seconds=5) for h in held)
    for h in held:
        h.close()


def test_nobody_answers_beside_the_gateway(world, shop):
    """A gateway that stands by and has lost its own link to the others does
    not, nor one whose link to the gateway alone is broken; whoever does not
    see the gateway is led to it by the other one."""
    lab = world.lab
    near = shop["near"]
    router = world.api.get("routers/r")["status"]["mac"]
    assert gateway(world) == "h1" and both_ways(world, shop)
    lab.vmnd.kill()
    try:
        with underlay_cut(lab, "h2"):
            wait_for("h2 to see nobody", lambda: sessions_up(
                lab.host("h2")) == 0, 20)
            # It does not call down both at the same time, and its datapath
            # may be late: in between it answers.
            wait_for("h2 to answer no more", lambda: answers_to_arp(
                near, OURS) == [router], 20)
            assert both_ways(world, shop)
        wait_for("h2's sessions", lambda: sessions_up(
            lab.host("h2")) == 2, 20)
        # Both ends must call it down before the path is whole again.
        with path_cut(lab, "h3", "h1"):
            wait_for("h3 not to see h1", lambda: sessions_up(
                lab.host("h3")) == 1, 20)
            assert answers_to_arp(near, OURS) == [router]
            # Out by way of h2, and h1; the answer has no way back.
            with Capture(near.ns) as capture:
                traffic.ask(shop["a3"], NEAR, 53, "udp", 1.0)
                assert capture.wait(lambda f: of_udp(f) and (
                    parse(f)["src_ip"], of_udp(f)[1]) == (FLOATING, 53))
    finally:
        lab.vmnd.start()
    lab.await_ports(["a1", "a2", "a3"])
    wait_for("h1 to be the gateway", lambda: gateway(world) == "h1", 60)
    wait_watched(world)
    assert both_ways(world, shop)
