# SPDX-License-Identifier: Apache-2.0
"""Each kind of client reaches each kind of address that a router or balancer
serves, and a trace says the same: in both families, by TCP, UDP and ping."""

import collections
import itertools

import pytest
from conftest import rule, wait_quiet
from test_router import hop

from vmnlab import traffic
from vmnlab.netns import PATIENCE, wait_for

INET, INET6 = "198.51.100.", "2001:db8:5::"
SECOND, SECOND6 = "203.0.113.", "2001:db8:6::"
FAR = "192.0.2.1", "2001:db8:7::1"

# Name, network, host and number of each VM.
VMS = [
    ("a1", "a", "h1", 11),      # SNAT, on the gateway's host.
    ("a3", "a", "h3", 13),      # SNAT, on another host.
    ("b1", "b", "h1", 21),      # A floating address on the gateway's host.
    ("b2", "b", "h2", 22),      # A distributed floating address.
    ("b3", "b", "h3", 23),      # A central floating address.
    ("e2", "b", "h2", 25),      # One of the second external subnet.
    ("v2", "b", "h2", 27),      # Holds an address that v3 is allowed, too.
    ("v3", "b", "h3", 28),
    ("c1", "c", "h1", 31),      # Another router, the same gateway.
    ("d2", "d", "h2", 41),      # Another router and gateway.
    ("d3", "d", "h3", 43),
    ("p1", "inet", "h1", 61),   # In the external network itself.
    ("p2", "inet", "h2", 62),
]
NETWORKS = {"a": 1, "b": 2, "c": 3, "d": 4}
FLOATING = {"b1": 21, "b2": 22, "b3": 23}
SHARED = 77                     # The allowed address in network "b".

# An address by family, who answers at it, and ports of TCP and UDP.
Target = collections.namedtuple("Target", "name ips who tcp udp private")


def inner(network, n):
    if network == "inet":
        return outer(n)
    link = NETWORKS[network]
    return "10.0.%d.%d" % (link, n), "fd0%d::%x" % (link, n)


def outer(n, first=INET, first6=INET6):
    return "%s%d" % (first, n), "%s%x" % (first6, n)


def put_both(world, kind, name, ips, **spec):
    """An object for the address of each family."""
    for suffix, ip in zip(("4", "6"), ips):
        world.put(kind, name + suffix, ip=ip, **spec)


def put_router(world, name, networks, host, n, **more):
    world.put("routers", name, interfaces=[{"network": network}
                                           for network in networks],
              external=dict(more, network="inet", addresses=list(outer(n)),
                            gateways=[{"host": host, "priority": 1}]))


def forwards(n):
    """To a port that has no address outside but a central one, and to one with
    a distributed one."""
    return [dict(protocol=protocol, port=first + port, to=to, target=port,
                 address=ip)
            for to, first in (("b3", 8000), ("b2", 9000)) for ip in outer(n)
            for protocol, port in (("tcp", 80), ("udp", 53))]


@pytest.fixture
def street(world):
    """Returns {name: machine} of clients, in a city of three routers."""
    world.provider_hosts_are("h1", "h2")
    world.put("networks", "inet", provider={"physical": "dc"}, mtu=1500,
              subnets=[{"cidr": first + suffix, "gateway": first + "1"}
                       for first, suffix in ((INET, "0/24"), (INET6, "/64"),
                                             (SECOND, "0/24"),
                                             (SECOND6, "/64"))])
    for network, link in NETWORKS.items():
        world.put("networks", network, subnets=[
            {"cidr": "10.0.%d.0/24" % link, "gateway": "10.0.%d.1" % link},
            {"cidr": "fd0%d::/64" % link, "gateway": "fd0%d::1" % link}])
    machines = {}
    for name, network, host, n in VMS:
        more = {}
        if name in ("v2", "v3"):
            more["allowed_addresses"] = [{"ip": ip}
                                         for ip in inner("b", SHARED)]
        ips = inner(network, n)
        if network == "inet":
            ips += outer(n, SECOND, SECOND6)
        machines[name] = world.vm(
            name, network, host, ips, tcp=[80],
            udp=[] if network == "inet" else [53], **more)
    put_router(world, "r", "ab", "h1", 10, forwards=forwards(10))
    put_router(world, "s", "c", "h1", 11)
    put_router(world, "t", "d", "h2", 12)
    for name, n in FLOATING.items():
        put_both(world, "floating-ips", name + "-", outer(n), router="r",
                 port=name)
    put_both(world, "floating-ips", "d2-", outer(42), router="t", port="d2")
    put_both(world, "floating-ips", "e2-", outer(25, SECOND, SECOND6),
             router="r", port="e2")
    for n, (suffix, ip, alone) in enumerate((
            ("4", "10.0.2.100", "10.9.9.9"), ("6", "fd02::100", "fd99::9"))):
        # One in a subnet of a network, and one in none.
        for name, vip, number, protocol, port in (
                ("www", ip, 30, "tcp", 80), ("dns", alone, 31, "udp", 53)):
            world.put("loadbalancers", name + suffix, vip=vip,
                      networks=["a", "b"], protocol=protocol,
                      ports=[{"port": port}, {"port": 8000, "target": port}],
                      backends=[{"port": "b3" if name == "www" else "b2"}])
            world.put("floating-ips", name + suffix, router="r",
                      ip=outer(number)[n], load_balancer=name + suffix)
    for ip, length in zip(inner("b", SHARED), ("/24", "/64")):
        machines["v2"].run("ip", "addr", "add", ip + length, "dev", "eth0",
                           *(["nodad"] if ":" in ip else []))
        world.servers.udp(machines["v2"], 54, ip)
    far = [FAR[0] + "/32", FAR[1] + "/128"]
    for name, first, first6 in (("gw", INET, INET6),
                                ("gw2", SECOND, SECOND6)):
        machines[name] = world.outside(name, first + "1/24", first6 + "1/64",
                                       *far, tcp=[80])
    machines["near"] = world.outside(
        "near", INET + "50/24", outer(50)[1] + "/64", SECOND + "50/24",
        outer(50, SECOND, SECOND6)[1] + "/64", tcp=[80])
    # By default a reply comes from the address in its client's subnet.
    for name, n in (("near", 50), ("p1", 61), ("p2", 62)):
        if name != "near":
            machines[name].await_addresses()
        for ip in outer(n):
            world.servers.udp(machines[name], 53, ip)
    wait_quiet(world.lab)
    return machines


TARGETS = [Target("VM", inner("b", 23), "b3", 80, 53, True)] + [
    Target("floating " + name, outer(n), name, 80, 53, False)
    for name, n in FLOATING.items()] + [
    Target("floating d2", outer(42), "d2", 80, 53, False),
    Target("floating e2", outer(25, SECOND, SECOND6), "e2", 80, 53, False),
    Target("forward", outer(10), "b3", 8080, 8053, False),
    Target("forward to a distributed", outer(10), "b2", 9080, 9053, False),
    Target("VIP", ("10.0.2.100", "fd02::100"), "b3", 80, None, True),
    Target("VIP of no subnet", ("10.9.9.9", "fd99::9"), "b2", None, 53, True),
    Target("floating VIP", outer(30), "b3", 80, None, False),
    Target("floating VIP of no subnet", outer(31), "b2", None, 53, False),
    Target("router's address", outer(10), None, None, None, False),
    Target("other router's address", outer(11), None, None, None, False),
    Target("allowed address", inner("b", SHARED), "v2", 80, 54, True),
    Target("outside", outer(50), "near", 80, 53, False),
    Target("VM outside", outer(61), "p1", 80, 53, False),
    Target("other VM outside", outer(62), "p2", 80, 53, False),
    # Behind the gateways of both external subnets.
    Target("far outside", FAR, None, 80, None, False),
]
CLIENTS = [name for name, *_ in VMS] + ["near"]
# Machines of the external network.
OUTSIDE = ("near", "p1", "p2")


def cells():
    """(client, target, protocol, address, port, who answers).  Clients of
    other tenants' routers have no way to a VM's own address."""
    for client, target in itertools.product(CLIENTS, TARGETS):
        if target.private and (client[0] in "cdnp" or client == target.who):
            continue
        if client in OUTSIDE and "outside" in target.name:
            continue
        who = target.who or ("gw2" if client == "e2" else "gw")
        for ip in target.ips:
            yield client, target, "icmp", ip, 0, "icmp"
            if target.tcp:
                yield client, target, "tcp", ip, target.tcp, who
            if target.udp:
                yield client, target, "udp", ip, target.udp, who


def unanswered(street, asked):
    """Which of 'asked' had no answer.  Two lost packets are forgiven, and a
    neighbour outside is asked for by the first."""
    missing = list(asked)
    for _ in range(4):
        lost = []
        for protocol in ("icmp", "tcp", "udp"):
            some = [cell for cell in missing if cell[2] == protocol]
            answers = traffic.probe([
                traffic.Probe(street[cell[0]], *cell[2:5]) for cell in some],
                                    2.0 * PATIENCE)
            lost += [cell for cell, answer in zip(some, answers)
                     if answer != cell[5]]
        missing = lost
        if not missing:
            break
    return missing


def traced(world, street, client, target, protocol, ip, port, _):
    """The verdict of a trace of it, with the reason."""
    request = {"from": client, "to": ip, "reply": True, "protocol": protocol}
    if protocol == "icmp":
        request["protocol"] = "icmpv6" if ":" in ip else "icmp"
    else:
        request["port"] = port
    if client == "near":
        near = street["near"]
        request.update({"from": "outside", "source_ip": near.ip6 if ":" in ip
                        else near.ip})
    said = world.api.call("POST", "/v1/trace", request)
    at = said["outcomes"][0]["at"]
    if target.name == "allowed address" and at.get("reason", "").startswith(
            "guests resolve the address"):
        return "delivered"
    return said["verdict"] if said["verdict"] == "delivered" else at


def test_all_clients_reach_all_that_is_served(world, street):
    asked = list(cells())
    failed = unanswered(street, asked)
    print("%d cells, of which %d without an answer" % (len(asked),
                                                       len(failed)))
    for cell in failed:
        print(*cell)
    assert not failed
    said = [(cell, traced(world, street, *cell)) for cell in asked]
    wrong = [one for one in said if one[1] != "delivered"]
    print("%d traces, of which %d are wrong" % (len(said), len(wrong)))
    for one in wrong:
        print(*one)
    assert not wrong


def is_spoofed(sender, ip, source):
    """Whether 'sender' gets no answer to a ping from a source that is not its
    own."""
    length = "/64" if ":" in source else "/24"
    sender.run("ip", "addr", "add", source + length, "dev", "eth0",
               *(["nodad"] if ":" in source else []))
    try:
        return "0 received" in sender.run("ping", "-c1", "-W1", "-I", source,
                                          ip, check=False)
    finally:
        sender.run("ip", "addr", "del", source + length, "dev", "eth0")


def verdict(world, sender, ip):
    return world.api.call("POST", "/v1/trace", {
        "from": sender, "to": ip, "protocol": "tcp", "port": 80})["verdict"]


def test_guards_and_policies_of_ports_outside_hold(world, street):
    """On the gateway's host as elsewhere: neither another's address as the
    source, nor what policies of either port deny."""
    p1, p2 = street["p1"], street["p2"]
    for v6, (unused, of_p2) in enumerate(zip(outer(99), outer(62))):
        for source in (unused, of_p2):
            for ip in (outer(10)[v6], outer(21)[v6]):
                assert is_spoofed(p1, ip, source)
    for name in ("p1", "b3", "a1"):
        world.patch("ports", name, labels={"name": name})
        world.group(name, "name=" + name)
    lengths = "/32", "/128"
    # The source's egress, and the destination's ingress.
    world.policy("from-p1", "p1", rule("egress", "deny", [
        ip + length for ip, length in zip(outer(21), lengths)]),
        rule("egress", "allow"))
    world.policy("to-p1", "p1", rule("ingress", "allow", [
        ip + length for ip, length in zip(outer(10), lengths)]))
    world.policy("to-b3", "b3", rule("ingress", "allow", [
        ip + length for ip, length in zip(outer(61), lengths)]))
    for v6 in (0, 1):
        b1, b3, near = outer(21)[v6], outer(23)[v6], outer(61)[v6]
        assert world.unanswered(p1, b1)
        assert verdict(world, "p1", b1) == "dropped"
        assert world.answers(p2, b1) == "b1"
        assert world.answers(p1, b3) == "b3"
        assert world.unanswered(p2, b3)
        assert verdict(world, "p2", b3) == "dropped"
        assert world.answers(street["a1"], near) == "p1"
        assert world.unanswered(street["b1"], near)
        assert verdict(world, "b1", near) == "dropped"
    world.patch("ports", "p1", quarantined=True)
    for ip in outer(23) + outer(10):
        assert world.unanswered(p1, ip, 0, "icmp")
    for ip in outer(61):
        assert world.unanswered(street["a1"], ip)


def test_router_behind_a_router_is_a_hop_from_outside(world):
    """A machine outside, router r with the gateway, network "way", router s,
    a VM: packets both ways, and errors."""
    world.provider_hosts_are("h1")
    world.put("networks", "inet", provider={"physical": "dc"}, mtu=1500,
              subnets=[{"cidr": INET + "0/24", "gateway": INET + "1"},
                       {"cidr": INET6 + "/64", "gateway": INET6 + "1"}])
    for n, name, mtu in ((1, "way", 1450), (2, "deep", 1400)):
        world.put("networks", name, mtu=mtu, subnets=[
            {"cidr": "10.0.%d.0/24" % n, "gateway": "10.0.%d.1" % n},
            {"cidr": "fd0%d::/64" % n, "gateway": "fd0%d::1" % n}])
    world.put("routers", "r", interfaces=[
        {"network": "way", "addresses": ["10.0.1.1", "fd01::1"]}],
        routes=[{"destination": "10.0.2.0/24", "via": ["10.0.1.2"]},
                {"destination": "fd02::/64", "via": ["fd01::2"]}],
        external={"network": "inet", "addresses": list(outer(10)),
                  "gateways": [{"host": "h1"}],
                  "exempt": ["198.51.100.60/32", INET6 + "3c/128"]})
    world.put("routers", "s", interfaces=[
        {"network": "way", "addresses": ["10.0.1.2", "fd01::2"]},
        {"network": "deep", "addresses": ["10.0.2.1", "fd02::1"]}],
        routes=[{"destination": "0.0.0.0/0", "via": ["10.0.1.1"]},
                {"destination": "::/0", "via": ["fd01::1"]}])
    near = world.outside("near", INET + "60/24", outer(60)[1] + "/64",
                         tcp=[80])
    world.outside("other", INET + "50/24", outer(50)[1] + "/64", tcp=[80])
    for prefix, via in (("10.0.0.0/16", outer(10)[0]),
                        ("fd02::/64", outer(10)[1])):
        near.run("ip", "route", "add", prefix, "via", via)
    for n, host in enumerate(("h1", "h2"), 11):
        vm = world.vm("deep-" + host, "deep", host,
                      ["10.0.2.%d" % n, "fd02::%d" % n], tcp=[80])
        vm.await_addresses()
        for v6, ip in enumerate((vm.ip, vm.ip6)):
            assert world.answers(near, ip) == vm.name
            assert world.answers(vm, outer(60)[v6]) == "near"
            # By SNAT.
            assert world.answers(vm, outer(50)[v6]) == "other"
            # Of errors for a machine outside, r sends its own.
            for who, to, ttl, router in (
                    (near, ip, 1, outer(10)[v6]),
                    (vm, outer(60)[v6], 1, "fd02::1" if v6 else "10.0.2.1"),
                    (vm, outer(60)[v6], 2, "fd01::1" if v6 else "10.0.1.1")):
                found = wait_for("hop %d" % ttl, lambda w=who, d=to, n=ttl:
                                 hop(w, d, n), 20)
                assert found[0] == router, (to, ttl, found)
