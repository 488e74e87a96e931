# SPDX-License-Identifier: Apache-2.0
"""Routers behind the router that has the gateway: ICMP errors of each router
reach the sender, each hop shows its own address, and traces say the same."""

import collections

import pytest
from conftest import World, check_log, entry, rule
from test_icmp_errors import (HOST, HOSTS, MTU, PORT, REJECTED, TOO_BIG, TTL,
                              check, provoke, provoke_by_reply)
from test_router import route

from vmnlab import traffic
from vmnlab.netns import wait_for

# The MTU of overlays by default; "b" has MTU, and "inet" that of Ethernet.
OVERLAY_MTU = 1450
INSIDE = {4: "10.0.%d.%d", 6: "fd00:%d::%d"}
OUTSIDE = {4: "198.51.100.%d", 6: "2001:db8:5::%d"}
VERSIONS = (4, 6)
ANY = {4: "0.0.0.0/0", 6: "::/0"}
# Networks and their numbers.
NETWORKS = {"a": 1, "b": 2, "c": 3, "t": 9, "p": 7, "u": 8, "w": 5}
# The networks that routers join, with the last part of the address there; the
# next hop by default, and those to other networks.
ROUTERS = {"r": ({"t": 1, "a": 2, "b": 2}, None, {"c": ("t", 2)}),
           "r2": ({"t": 2, "a": 1, "b": 1, "c": 1}, ("t", 1), {}),
           "q": ({"u": 1}, None, {"w": ("u", 2), "p": ("u", 2)}),
           "q2": ({"u": 2, "w": 1}, ("u", 1), {"p": ("w", 2)}),
           "q3": ({"w": 2, "p": 1}, ("w", 1), {})}
# Ports of UDP: a server's, one of none, one that policies reject.
SERVED, CLOSED, REFUSED = 53, 54, 55

# A way to a VM: its client, the address, the VM's ports as the client knows
# them, the routers' addresses in their order, and the least MTU.
Way = collections.namedtuple("Way", "name client ip ports routers mtu")


def inner(version, network, n):
    return INSIDE[version] % (NETWORKS[network], n)


def outer(version, n):
    return OUTSIDE[version] % n


def both(network, n):
    return [inner(version, network, n) for version in VERSIONS]


def prefix(version, network):
    return inner(version, network, 0).replace("::0", "::") + (
        "/24" if version == 4 else "/64")


def put_router(world, name, **more):
    networks, default, others = ROUTERS[name]
    routes = []
    for version in VERSIONS:
        for network, hop in others.items():
            routes.append({"destination": prefix(version, network),
                           "via": [inner(version, *hop)]})
        if default:
            routes.append({"destination": ANY[version],
                           "via": [inner(version, *default)]})
    world.put("routers", name, routes=routes, interfaces=[
        {"network": network, "addresses": both(network, n)}
        for network, n in networks.items()], **more)


@pytest.fixture(scope="module")
def row(module_lab):
    """Router "r" with its gateway on h1 and r2 behind it, which translate for
    all but the machine "known"; "q" with q2 and q3 behind it, which do not.
    VMs on each host: in "a" they have floating addresses, which are
    distributed but for that of a3, in "b" port forwards.  Both networks have
    the second router as their gateway."""
    world = World(module_lab)
    try:
        yield make_row(world)
        check_log(module_lab.vmnd)
    finally:
        world.close()


def make_row(world):
    world.provider_hosts_are("h1", "h2")
    world.put("networks", "inet", provider={"physical": "dc"}, subnets=[
        {"cidr": "198.51.100.0/24", "gateway": "198.51.100.254"},
        {"cidr": "2001:db8:5::/64", "gateway": "2001:db8:5::fe"}])
    for name in NETWORKS:
        world.put("networks", name, mtu=MTU if name == "b" else None, subnets=[
            {"cidr": prefix(version, name),
             "gateway": inner(version, name, 1)} for version in VERSIONS])
    vms = make_vms(world)
    for name in ("r2", "q2", "q3"):
        put_router(world, name)
    make_first(world)
    for name, n, networks in (("out", 50, "uwp"), ("known", 60, "tc")):
        vms[name] = world.outside(name, "198.51.100.%d/24" % n,
                                  "2001:db8:5::%d/64" % n, udp=[SERVED])
        for network in networks:
            for version in VERSIONS:
                vms[name].run("ip", "route", "add", prefix(version, network),
                              "via", outer(version, 11 if name == "out"
                                           else 10))
    wait_for("gateways", lambda: all(world.api.get("routers/" + r)["status"]
             .get("gateway") == "h1" for r in "qr"), 60)
    return world, vms


def make_vms(world):
    vms = {}
    for n, host in HOSTS.items():
        for network in "abcp":
            name = network + n
            vms[name] = world.vm(name, network, host,
                                 both(network, 10 + int(n)), udp=[SERVED],
                                 labels={"kind": "vm"})
    world.group("vms", "kind=vm")
    world.policy("refuse", "vms",
                 rule("ingress", "reject", services=[entry("udp", REFUSED)]),
                 rule("ingress", "allow"), rule("egress", "allow"))
    return vms


def make_first(world):
    """The routers that have gateways."""
    gateways = [{"host": "h1"}]
    forwards = [{"address": outer(version, 10), "protocol": "udp",
                 "port": 1000 * int(n) + port, "to": "b" + n, "target": port}
                for version in VERSIONS for n in HOSTS
                for port in (SERVED, CLOSED, REFUSED)]
    known = [outer(4, 60) + "/32", outer(6, 60) + "/128"]
    for name, n, more in (
            ("r", 10, {"forwards": forwards, "exempt": known}),
            ("q", 11, {"routed": True})):
        put_router(world, name, external=dict(
            more, network="inet", gateways=gateways,
            addresses=[outer(version, n) for version in VERSIONS]))
    for n in HOSTS:
        for version in VERSIONS:
            world.put("floating-ips", "f%d-%s" % (version, n), router="r",
                      port="a" + n, ip=outer(version, 30 + int(n)))


def ways(version, n):
    """Ways to VMs on host 'n'."""
    n = int(n)
    plain = (SERVED, CLOSED, REFUSED)
    r, q = outer(version, 10), outer(version, 11)
    r2 = inner(version, "t", 2)
    q2, q3 = inner(version, "u", 2), inner(version, "w", 2)
    return [
        Way("floating", "out", outer(version, 30 + n), plain, [r],
            OVERLAY_MTU),
        Way("forward", "out", r, [1000 * n + port for port in plain], [r],
            MTU),
        Way("exempt", "known", inner(version, "c", 10 + n), plain, [r, r2],
            OVERLAY_MTU),
        Way("routed", "out", inner(version, "p", 10 + n), plain, [q, q2, q3],
            OVERLAY_MTU)]


def errors(way):
    """(error, protocol, hops, port, source)"""
    served, closed, refused = way.ports
    yield PORT, "udp", 0, closed, way.ip
    yield REJECTED, "udp", 0, refused, way.ip
    for protocol in ("udp",) if way.name == "forward" else (
            "udp", "tcp", "icmp"):
        for i, router in enumerate(way.routers):
            yield TTL, protocol, i + 1, served, router
        yield TOO_BIG, protocol, 0, served, way.routers[-1]


@pytest.mark.parametrize("version", VERSIONS)
def test_senders_outside_receive_errors(row, version):
    """Of each router on each way, and wherever the VM is."""
    _, vms = row
    wrong = []
    for n in HOSTS:
        for way in ways(version, n):
            client = vms[way.client]
            assert wait_for("%s to h%s" % (way.name, n), lambda: traffic.ask(
                client, way.ip, way.ports[0], "udp", 0.5), 30)
            for error, protocol, hops, port, source in errors(way):
                why = check(provoke(client, way.ip, port, error, protocol,
                                    hops=hops, mtu=way.mtu),
                            version, error, source, way.mtu)
                if why:
                    wrong.append("%s to h%s, %s, %s %d: %s" % (
                        way.name, n, protocol, error, hops, why))
    ip = inner(version, "p", 99)
    why = check(provoke(vms["out"], ip, SERVED, HOST), version, HOST,
                inner(version, "w", 2))
    if why:
        wrong.append("to %s: %s" % (ip, why))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("version", VERSIONS)
def test_traceroute_shows_each_router(row, version):
    """From outside to VMs and routers, and from VMs to outside."""
    _, vms = row
    out = outer(version, 50)
    wrong = []

    def expect(client, ip, port, wanted):
        found = route(vms[client], ip, port)
        if found != wanted:
            wrong.append("%s to %s: %s, not %s" % (client, ip, found, wanted))
    for n in HOSTS:
        for way in ways(version, n):
            expect(way.client, way.ip, way.ports[1], way.routers + [way.ip])
        for name, wanted in (("a", [("a", 1), ("t", 1)]),
                             ("b", [("b", 1), ("t", 1)]),
                             ("c", [("c", 1), ("t", 1)]),
                             ("p", [("p", 1), ("w", 1), ("u", 1)])):
            expect(name + n, out, 33434, [
                inner(version, *hop) for hop in wanted] + [out])
    q, q2 = outer(version, 11), inner(version, "u", 2)
    for network, n, wanted in (("u", 1, []), ("u", 2, [q]), ("w", 1, [q]),
                               ("w", 2, [q, q2]), ("p", 1, [q, q2])):
        ip = inner(version, network, n)
        expect("out", ip, 33434, wanted + [ip])
    assert not wrong, "\n".join(wrong)


def trace(world, source, to, size=None, port=SERVED):
    """(verdict, reason, verdict of the error that goes back) of a trace from
    an address outside, or of a port."""
    request = {"from": source, "to": to, "protocol": "udp", "port": port}
    if size:
        request["size"] = size
    if "." in source or ":" in source:
        request.update({"from": "outside", "source_ip": source})
    outcome = world.api.call("POST", "/v1/trace", request)["outcomes"][0]
    return (outcome["verdict"], outcome["at"].get("reason"),
            outcome.get("answer", {}).get("verdict"))


@pytest.mark.parametrize("version", VERSIONS)
def test_traces_say_the_same(row, version):
    """To VMs, by their addresses outside and by their names, and to
    routers."""
    world, vms = row
    cases = []
    for n in HOSTS:
        for way in ways(version, n):
            source = (vms[way.client].ip if version == 4
                      else vms[way.client].ip6)
            # A name says nothing of forwarded ports.
            names = {"floating": "a" + n, "exempt": "c" + n,
                     "routed": "p" + n}
            for to in filter(None, (way.ip, names.get(way.name))):
                cases += [
                    ((source, to, way.mtu, way.ports[0]),
                     ("delivered", None, None)),
                    ((source, to, way.mtu + 1, way.ports[0]),
                     ("dropped", "larger than the MTU", "delivered")),
                    ((source, to, None, way.ports[2]),
                     ("dropped", "rejected by rule", "delivered"))]
        for network in "abcp":
            cases.append(((network + n, outer(version, 50)),
                          ("delivered", None, None)))
    for network, n in (("u", 1), ("u", 2), ("w", 1), ("w", 2), ("p", 1)):
        cases.append(((outer(version, 50), inner(version, network, n)),
                      ("dropped", "router has no such service", "delivered")))
    found = [(case, trace(world, *case)) for case, _ in cases]
    wrong = [(case, said, wanted) for (case, said), (_, wanted)
             in zip(found, cases) if said != wanted]
    assert not wrong, "\n".join(map(str, wrong))
    for name in "c1", "p1":
        assert trace(world, name, "outside") == ("delivered", None, None)


@pytest.mark.parametrize("version", VERSIONS)
def test_servers_outside_receive_errors_about_replies(row, version):
    """From the external address of the router that has the gateway, whichever
    router it is of."""
    _, vms = row
    r, q = outer(version, 10), outer(version, 11)
    wrong = []
    for n in HOSTS:
        for name, routers, mtu in (
                ("b", [r], MTU),
                ("c", [r, r], OVERLAY_MTU),
                ("p", [q, q, q], OVERLAY_MTU)):
            cases = [(TTL, i + 1, 80, source)
                     for i, source in enumerate(routers)]
            for error, hops, size, source in cases + [
                    (TOO_BIG, 64, mtu + 1, routers[-1])]:
                found = provoke_by_reply(vms[name + n], vms["out"],
                                         outer(version, 50), hops, size,
                                         version)
                why = check(found, version, error, source, mtu)
                if why:
                    wrong.append("%s%s, %s %d: %s" % (name, n, error, hops,
                                                      why))
    assert not wrong, "\n".join(wrong)
