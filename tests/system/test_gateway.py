# SPDX-License-Identifier: Apache-2.0
"""From VMs to what is outside and back, by way of a router's gateway."""

import ipaddress
import re

import pytest
from conftest import flows, rule

from vmnlab import traffic
from vmnlab.frames import Capture, of_udp, parse, send, udp
from vmnlab.netns import wait_for

CIDR = "198.51.100.0/24"
ROUTER = "198.51.100.1"         # Outside: the gateway of the subnet.
OURS = "198.51.100.10"


@pytest.fixture(params=[None, 7], ids=["flat", "vlan"])
def shop(request, world):
    """Networks "a" and "b" of router "r", which has its gateway on h1 or else h2;
    a VM of each on h1 and on h3, which has no way out of its own; and outside, a
    router, a machine beside it and one behind it."""
    world.provider_hosts_are("h1", "h2")
    provider = {"physical": "dc"}
    if request.param:
        provider["vlan"] = request.param
    world.put("networks", "out", provider=provider,
              subnets=[{"cidr": CIDR, "gateway": ROUTER}])
    for name, n in (("a", 1), ("b", 2)):
        world.put("networks", name, subnets=[
            {"cidr": "10.0.%d.0/24" % n, "gateway": "10.0.%d.1" % n}])
    world.put("routers", "r", interfaces=[{"network": "a"}, {"network": "b"}],
              external={"network": "out", "addresses": [OURS],
                        "gateways": [{"host": "h1", "priority": 1},
                                     {"host": "h2", "priority": 2}]})
    vms = {}
    for name, network, host, n in (("a1", "a", "h1", 1), ("a3", "a", "h3", 3),
                                   ("b3", "b", "h3", 4)):
        vm = world.vm(name, network, host, "10.0.%d.%d"
                      % (1 if network == "a" else 2, 10 + n), tcp=[80],
                      udp=[53])
        vms[name] = vm
    vms["gw"] = world.outside("gw", ROUTER + "/24", "192.0.2.1/32",
                              vlan=request.param, tcp=[80], udp=[53])
    vms["near"] = world.outside("near", "198.51.100.50/24", tcp=[80],
                                udp=[53], vlan=request.param)
    return vms


def test_what_goes_out_comes_from_the_router(world, shop):
    """TCP, UDP and pings of VMs on the gateway and elsewhere."""
    for name in ("a1", "a3", "b3"):
        vm = shop[name]
        assert world.answers(vm, "192.0.2.1") == "gw", name
        for ip, who in ((ROUTER, "gw"), ("198.51.100.50", "near")):
            for protocol, port in (("tcp", 80), ("udp", 53)):
                assert world.answers(vm, ip, port, protocol) == who, (
                    name, ip, protocol)
        assert seen_as(vm, shop["near"]) == OURS
    # One each: the userspace datapath does not translate identifiers of pings,
    # which all have the same here.
    for name, ip in (("a1", "192.0.2.1"), ("a3", "198.51.100.50"),
                     ("b3", ROUTER)):
        assert world.answers(shop[name], ip, 0, "icmp") == "icmp", name
    # The router itself answers pings, and nothing else gets in.
    for who in ("gw", "near"):
        assert world.answers(shop[who], OURS, 0, "icmp") == "icmp"
        assert world.unanswered(shop[who], OURS)


def test_floating_address_is_the_ports_own(world, shop):
    """In both directions, on the gateway and elsewhere; and policies judge as
    whom it is."""
    for name, n in (("a1", 21), ("b3", 24)):
        ip = "198.51.100.%d" % n
        world.put("floating-ips", "f-" + name, router="r", ip=ip, port=name)
        for who in ("gw", "near"):
            for protocol, port in (("tcp", 80), ("udp", 53)):
                assert world.answers(shop[who], ip, port, protocol) == name
            assert world.answers(shop[who], ip, 0, "icmp") == "icmp"
        assert seen_as(shop[name], shop["near"]) == ip
        assert seen_as(shop["near"], shop[name], ip) == "198.51.100.50"
    assert seen_as(shop["a3"], shop["near"]) == OURS

    world.patch("ports", "b3", labels={"role": "web"})
    world.group("web", "role=web")
    world.policy("p", "web", rule("ingress", "allow", [ROUTER + "/32"]))
    assert world.unanswered(shop["near"], "198.51.100.24")
    assert world.answers(shop["gw"], "198.51.100.24") == "b3"
    world.policy("q", "web", rule("egress", "deny", ["198.51.100.50/32"]),
                 rule("egress", "allow"))
    assert world.unanswered(shop["b3"], "198.51.100.50")
    assert world.answers(shop["b3"], ROUTER) == "gw"

    world.delete("floating-ips", "f-a1")
    assert world.unanswered(shop["near"], "198.51.100.21")
    assert seen_as(shop["a1"], shop["near"]) == OURS


def test_virtual_ip_is_reached_from_outside(world, shop):
    """By a floating address; backends are on the gateway and elsewhere, and they
    see who asks."""
    world.put("loadbalancers", "www", vip="10.0.1.100", networks=["a"],
              ports=[{"port": 8000, "target": 80}],
              backends=[{"port": "a1"}, {"port": "a3"}])
    world.put("floating-ips", "f", router="r", ip="198.51.100.24",
              load_balancer="www")
    for who in ("gw", "near"):
        wait_for("both backends", lambda w=who: {traffic.ask(
            shop[w], "198.51.100.24", 8000) for _ in range(20)} >= {"a1", "a3"})
        assert world.unanswered(shop[who], "198.51.100.24", 80)
    held = traffic.Connection(shop["near"], "198.51.100.24", 8000)
    assert held.exchange(seconds=5).split()[1] == "198.51.100.50"
    # Neither those inside nor what backends send by themselves is touched.
    assert world.answers(shop["b3"], shop["a1"].ip) == "a1"
    assert seen_as(shop["a3"], shop["near"]) == OURS
    assert held.exchange(seconds=5)
    world.delete("floating-ips", "f")
    assert world.unanswered(shop["near"], "198.51.100.24", 8000)


def test_ports_are_forwarded(world, shop):
    """Of the router's address, to ports on the gateway and elsewhere."""
    external = world.api.get("routers/r")["spec"]["external"]
    world.patch("routers", "r", external=dict(external, forwards=[
        {"protocol": "tcp", "port": 8080, "to": "b3", "target": 80},
        {"protocol": "udp", "port": 53, "to": "a1"}]))
    for who in ("gw", "near"):
        assert world.answers(shop[who], OURS, 8080) == "b3"
        assert world.answers(shop[who], OURS, 53, "udp") == "a1"
        assert world.unanswered(shop[who], OURS, 80)
        assert world.unanswered(shop[who], OURS, 53, "tcp")
    assert seen_as(shop["b3"], shop["near"]) == OURS
    world.patch("routers", "r", external=dict(external, forwards=None))
    assert world.unanswered(shop["near"], OURS, 8080)


def test_who_is_outside_is_nobody(world, shop):
    """One that says it has a VM's address is judged as a stranger, and gets no
    further than others."""
    world.patch("ports", "a1", labels={"role": "web"})
    world.patch("ports", "b3", labels={"role": "db"})
    world.group("web", "role=web")
    world.group("db", "role=db")
    world.put("floating-ips", "f", router="r", ip="198.51.100.24", port="b3")
    assert world.answers(shop["near"], "198.51.100.24") == "b3"
    world.policy("p", "db", rule("ingress", "allow", ["web"]))
    assert world.reaches(shop["a1"], shop["b3"])
    assert world.unanswered(shop["near"], "198.51.100.24")
    mac = world.api.get("routers/r")["status"]["mac"]
    with Capture(shop["b3"].ns) as capture:
        for _ in range(5):
            send(shop["near"], udp(mac, shop["near"].mac, "10.0.1.11",
                                      "198.51.100.24", 4000, 53, b"hello\n"))
            assert world.answers(shop["a1"], shop["b3"].ip, 53, "udp") == "b3"
        assert not [f for f in capture.read() if of_udp(f) == (4000, 53)]


def test_another_gateway_stands_in(world, shop):
    """When the host of the gateway is not heard any more, the next one takes
    over, also what is open."""
    world.put("floating-ips", "f", router="r", ip="198.51.100.24", port="b3")
    assert gateway(world) == "h1"
    held = traffic.Connection(shop["b3"], "198.51.100.50", 80)
    assert held.exchange(seconds=5)
    inside = traffic.Connection(shop["near"], "198.51.100.24", 80)
    assert inside.exchange(seconds=5)
    h1 = world.lab.host("h1")
    try:
        h1.stop()
        wait_for("h2 to be the gateway", lambda: gateway(world) == "h2", 30)
        assert world.answers(shop["b3"], "198.51.100.50") == "near"
        assert world.answers(shop["near"], "198.51.100.24") == "b3"
        assert held.exchange(seconds=10) and inside.exchange(seconds=10)
    finally:
        h1.start()
    wait_for("h1 to be it again", lambda: gateway(world) == "h1", 30)
    assert world.answers(shop["b3"], "198.51.100.50") == "near"


def test_addresses_are_announced_unasked(world, shop):
    """And by an ARP request, so that whoever hears it knows the address, and the
    answer says who is asked for."""
    world.put("floating-ips", "f", router="r", ip="198.51.100.24", port="b3")
    mac = world.api.get("routers/r")["status"]["mac"]
    heard = set()
    with Capture(shop["gw"].ns) as capture:
        def both():
            for frame in map(parse, capture.read()):
                if frame.get("operation") == 1 and frame["src"] == mac:
                    heard.add((frame["sender_ip"], frame["target_ip"]))
            return heard >= {(OURS, ROUTER), ("198.51.100.24", ROUTER)}
        wait_for("both addresses on the wire", both, 15)
    assert neighbours(world.lab.host("h1"))[ROUTER] == shop["gw"].mac


def test_trace_leads_outside(world, shop):
    world.put("floating-ips", "f", router="r", ip="198.51.100.24", port="b3")
    for name in ("a1", "a3", "b3"):
        told = world.api.call("POST", "/v1/trace", {
            "from": name, "to": "192.0.2.1", "protocol": "tcp", "port": 80})
        assert told["verdict"] == "delivered", told
        end = told["outcomes"][0]["legs"][0]["ends"][0]
        assert (end["port"], end["host"]) == ("@dc", "h1"), end


def neighbours(host):
    """{address: MAC} that the host has learned on the wire."""
    found = {}
    for flow in flows(host).values():
        if flow.table == 250:
            ip = re.search(r"reg15=(0x\w+)", flow.match).group(1)
            found[str(ipaddress.ip_address(int(ip, 16)))] = re.search(
                r"set_field:([0-9a-f:]+)->eth_dst", flow.actions).group(1)
    return found


def gateway(world):
    return world.api.get("routers/r")["status"].get("gateway")


def seen_as(vm, server, ip=None):
    """The address that 'server' says a connection of 'vm' comes from."""
    wait_for("an answer", lambda: traffic.ask(vm, ip or server.ip, 80))
    held = traffic.Connection(vm, ip or server.ip, 80)
    answer = held.exchange(seconds=5)
    held.close()
    name, peer = answer.split()[:2]
    assert name == server.name
    return peer
