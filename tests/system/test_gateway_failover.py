# SPDX-License-Identifier: Apache-2.0
"""What becomes of a router's traffic when the host of its gateway fails: hosts
watch each other by BFD, on tunnel ports of their own."""

import contextlib

import pytest
from conftest import wait_quiet
from test_gateway import gateway

from vmnlab import netns, traffic
from vmnlab.netns import wait_for

CIDR = "198.51.100.0/24"
ROUTER = "198.51.100.1"         # Outside: the gateway of the subnet.
OURS = "198.51.100.10"
FLOATING = "198.51.100.24"
NEAR = "198.51.100.50"
MOVES = 'vmn_router_gateway_changes_total{router="r"}'
GATEWAYS = [{"host": "h1", "priority": 1}, {"host": "h2", "priority": 2}]


@pytest.fixture
def shop(world):
    """A router with its gateway on h1 or else h2, a VM on each host, of which
    that on h3, which has no way out of its own, has a floating address; and
    outside the subnet's router and a machine beside it."""
    world.provider_hosts_are("h1", "h2")
    world.put("networks", "out", provider={"physical": "dc"}, mtu=1500,
              subnets=[{"cidr": CIDR, "gateway": ROUTER}])
    world.put("networks", "a", subnets=[{"cidr": "10.0.1.0/24",
                                         "gateway": "10.0.1.1"}])
    world.put("routers", "r", interfaces=[{"network": "a"}],
              external={"network": "out", "addresses": [OURS],
                        "gateways": GATEWAYS})
    vms = {"gw": world.outside("gw", ROUTER + "/24", tcp=[80]),
           "near": world.outside("near", NEAR + "/24", tcp=[80], udp=[53])}
    for n in (1, 2, 3):
        name = "a%d" % n
        vms[name] = world.vm(name, "a", "h%d" % n, ["10.0.1.1%d" % n],
                             tcp=[80], udp=[53])
    world.put("floating-ips", "f", router="r", ip=FLOATING, port="a3")
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
    """The host's tunnel ports for single peers."""
    return sorted(host.vsctl("--bare", "--columns=name", "find", "interface",
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
            host.appctl("tnl/neigh/set", "br-phys", other.tunnel_ip,
                        mac or other.tunnel_mac)

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


def both_ways(world, shop, vm="a3"):
    """Whether packets get out, and in."""
    return (world.answers(shop[vm], NEAR) == "near"
            and world.answers(shop["near"], FLOATING) == "a3")


def wait_back(world, moves):
    """h1 is the gateway again, and everybody sees everybody."""
    wait_for("h1 to be the gateway", lambda: gateway(world) == "h1", 60)
    wait_watched(world)
    assert world.api.metrics()[MOVES] == moves


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
    wait_back(world, moves + 2)
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
