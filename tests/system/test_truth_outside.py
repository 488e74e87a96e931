# SPDX-License-Identifier: Apache-2.0
"""What traces say of packets from and to outside is what becomes of real ones:
by floating addresses, virtual IPs, port forwards and routed networks."""

import pytest
from conftest import entry, rule, wait_quiet

CIDR = "198.51.100.0/24"
GATEWAY, OURS, NEAR = "198.51.100.1", "198.51.100.10", "198.51.100.50"
CIDR6 = "fd51::/64"
GATEWAY6, OURS6, NEAR6 = "fd51::1", "fd51::10", "fd51::50"


@pytest.fixture
def street(world):
    """Router "r" with its gateway on h1, before VMs on h1, on h2, which is on
    the physical network as well, and on h3, which is not; and outside, the
    subnet's gateway and a machine beside it."""
    world.provider_hosts_are("h1", "h2")
    world.put("networks", "out", provider={"physical": "dc", "vlan": 7},
              mtu=1500, subnets=[{"cidr": CIDR, "gateway": GATEWAY},
                                 {"cidr": CIDR6, "gateway": GATEWAY6}])
    world.put("networks", "in", subnets=[
        {"cidr": "10.0.1.0/24", "gateway": "10.0.1.1"},
        {"cidr": "fd01::/64", "gateway": "fd01::1"}])
    vms = {}
    for n, name in enumerate(("one", "two", "three"), 1):
        vms[name] = world.vm(name, "in", "h%d" % n,
                             ["10.0.1.1%d" % n, "fd01::1%d" % n],
                             tcp=[80], udp=[53], labels={"role": name})
    world.put("routers", "r", interfaces=[{"network": "in"}], external={
        "network": "out", "addresses": [OURS, OURS6], "exempt": ["::/0"],
        "gateways": [{"host": "h1", "priority": 1}],
        "forwards": [{"protocol": "tcp", "port": 8080, "to": "three",
                      "target": 80}]})
    world.put("floating-ips", "f2", router="r", ip="198.51.100.22",
              port="two")
    world.put("floating-ips", "f3", router="r", ip="198.51.100.23",
              port="three")
    world.put("loadbalancers", "www", vip="10.0.1.100", networks=["in"],
              ports=[{"port": 8000, "target": 80}],
              backends=[{"port": "one"}, {"port": "three"}])
    world.put("floating-ips", "fw", router="r", ip="198.51.100.30",
              load_balancer="www")
    world.group("two", "role=two")
    world.policy("p", "two", rule("ingress", "allow",
                                  [GATEWAY + "/32", GATEWAY6 + "/128"]))
    for name, ip, ip6 in (("gw", GATEWAY, GATEWAY6), ("near", NEAR, NEAR6)):
        vms[name] = world.outside(name, ip + "/24", ip6 + "/64", vlan=7,
                                  tcp=[80], udp=[53])
        vms[name].run("ip", "route", "add", "fd01::/64", "via", OURS6, "dev",
                      "eth0")
    wait_quiet(world.lab)
    return vms


# From whom, as the trace is asked for; to which address; and as the trace may
# call it, too.
GW, GW6 = ("gw", None), ("gw", None)
BY, BY6 = ("near", NEAR), ("near", NEAR6)
CASES = [
    (GW, "198.51.100.22", "two", "tcp", 80), (BY, "198.51.100.22", "f2",
                                              "tcp", 80),
    (GW, "198.51.100.23", "three", "udp", 53), (BY, "198.51.100.23", "f3",
                                                "tcp", 80),
    (BY, "198.51.100.23", "three", "icmp", 0),
    (BY, "198.51.100.23", "three", "tcp", 81),
    (GW, OURS, OURS, "tcp", 8080), (GW, OURS, OURS, "tcp", 80),
    (GW, OURS, OURS, "icmp", 0),
    (BY, "198.51.100.30", "www", "tcp", 8000),
    (BY, "198.51.100.30", "fw", "tcp", 80),
    (GW, "198.51.100.77", "198.51.100.77", "tcp", 80),
    (GW6, "fd01::12", "fd01::12", "tcp", 80),
    (BY6, "fd01::12", "fd01::12", "tcp", 80),
    (BY6, "fd01::13", "fd01::13", "udp", 53),
    (GW6, "fd51::77", "fd51::77", "tcp", 80),
]
# Port 81 of "three" is reached: that nobody listens there is not the network's
# matter.
UNHEARD = {("198.51.100.23", 81)}


def trace(world, a, b, protocol, port, **more):
    body = dict(more, to=b, protocol=protocol, reply=True, **{"from": a})
    if protocol != "icmp":
        body["port"] = port
    return world.api.call("POST", "/v1/trace", body)


def test_packets_from_outside_do_what_a_trace_says(world, street):
    verdicts = set()
    for (who, source), ip, name, protocol, port in CASES:
        more = {"source_ip": source} if source else {}
        for to in sorted({ip, name}):
            said = trace(world, "outside", to, protocol, port, **more)
            verdicts.add(said["verdict"])
            assert said["from"]["port"] is None
            assert said["from"]["network"] == "out"
            if said["verdict"] == "delivered":
                assert said["from"]["host"] == (
                    "h2" if ip == "198.51.100.22" else "h1"), said["from"]
                if (ip, port) not in UNHEARD:
                    assert world.answers(street[who], ip, port, protocol), (
                        to, said)
            else:
                assert said["verdict"] == "dropped", said
                assert world.unanswered(street[who], ip, port, protocol), (
                    to, said)
    assert verdicts == {"delivered", "dropped"}


def test_packets_to_outside_do_what_a_trace_says(world, street):
    world.group("three", "role=three")
    world.policy("q", "three", rule("egress", "deny", [GATEWAY + "/32"]),
                 tier="security")
    for name in ("one", "two", "three"):
        said = trace(world, name, "outside", "udp", 53)
        assert (said["to"]["ip"], said["to"]["network"]) == (GATEWAY, "out")
        assert said["verdict"] == ("dropped" if name == "three" else
                                   "delivered"), said
        if said["verdict"] == "delivered":
            sent = world.api.call("POST", "/v1/trace", {
                "from": name, "to": "outside", "protocol": "udp", "port": 53,
                "reply": False})["outcomes"][0]["at"]
            assert (sent["port"], sent["where"]) == ("@dc", "outside"), sent
            assert world.answers(street[name], GATEWAY, 53, "udp") == "gw"
        else:
            assert world.unanswered(street[name], GATEWAY, 53, "udp")


def test_sctp_from_outside_does_what_a_trace_says(world, street):
    """By a floating address at the gateway, and by one at its own host; with a
    rule for one port."""
    world.group("vms", "role in (two,three)")
    world.policy("sctp", "vms", rule("ingress", "allow", [CIDR], [
        entry("sctp", 81)]))
    world.patch("policies", "p", rules=[])
    for name in ("two", "three"):
        world.servers.sctp(street[name], [81, 82])
    for name, ip in (("two", "198.51.100.22"), ("three", "198.51.100.23")):
        for port in 81, 82:
            said = trace(world, "outside", ip, "sctp", port)
            assert said["verdict"] == ("delivered" if port == 81
                                       else "dropped"), said
            if port == 81:
                assert world.answers(street["gw"], ip, port, "sctp") == name
            else:
                assert world.unanswered(street["gw"], ip, port, "sctp")
        assert set(opened(world, **{"from": "outside", "to": name})) == {
            "sctp/81"}


def test_a_router_without_its_gateway_lets_nobody_in(world, street):
    """What is let in by the host of the port itself still is."""
    external = world.api.get("routers/r")["spec"]["external"]
    world.patch("routers", "r", external=dict(
        external, gateways=[{"host": "h3", "priority": 1}]))
    for ip, port, delivered in (("198.51.100.22", 80, True),
                                ("198.51.100.23", 80, False),
                                ("198.51.100.30", 8000, False)):
        said = trace(world, "outside", ip, "tcp", port)
        assert (said["verdict"] == "delivered") == delivered, said
        if delivered:
            assert world.answers(street["gw"], ip, port) == "two"
        else:
            assert said["outcomes"][0]["packet"] == "question for the address"
            assert said["from"]["host"] is None
            assert world.unanswered(street["gw"], ip, port)


def opened(world, **query):
    """"tcp/80" and so on, with who lets it in, of GET /v1/open-services."""
    found = world.api.get("open-services", **query)
    assert len({str(s) for s in found["services"]}) == len(found["services"])
    return {s["protocol"] + ("/%d" % s["port"] if "port" in s else "")
            + ("-%d" % s["end_port"] if "end_port" in s else ""):
            (s["object"]["name"] if "object" in s else None,
             s.get("sources", "all")) for s in found["services"]}


def test_what_is_open_is_what_packets_pass(world, street):
    """A floating IP to a port that nothing isolates is warned of; what is
    open is listed in ranges, and so it is for real packets."""
    plan = world.api.call("PUT", "/v1/floating-ips/f1?dry_run=true", {
        "spec": {"router": "r", "ip": "198.51.100.21", "port": "one"}})
    reply = world.put("floating-ips", "f1", router="r", ip="198.51.100.21",
                      port="one")
    for said in plan, reply:
        warning, = said["warnings"]
        assert (warning["type"], warning["pointer"], warning["loosens"]) == (
            "floating-ips", "/spec/port", "exposure")
        assert warning["text"].startswith(
            'floating-ip "f1" opens all TCP, UDP and SCTP ports, and pings, '
            'from outside')
    assert opened(world, **{"from": "outside", "to": "one"}) == {
        name: ("in", "all") for name in ("tcp/1-65535", "udp/1-65535",
                                         "sctp/1-65535", "icmp")}

    world.group("one", "role=one")
    world.policy("web", "one", rule("ingress", "allow", ["0.0.0.0/0"], [
        entry("tcp", 80)]),
                 rule("ingress", "allow", [GATEWAY + "/32"], [
                     entry("tcp", 81)]))
    reply = world.put("floating-ips", "f1", router="r", ip="198.51.100.21",
                      port="one")
    assert "warnings" not in reply
    assert opened(world, **{"from": "outside", "to": "one"}) == {
        "tcp/80": ("web", "all"), "tcp/81": ("web", [GATEWAY])}
    assert opened(world, **{"from": NEAR, "to": "one"}) == {
        "tcp/80": ("web", "all")}
    assert opened(world, from_group="two", to="one") == {
        "tcp/80": ("web", "all")}
    wait_quiet(world.lab)
    assert world.answers(street["near"], "198.51.100.21", 80) == "one"
    assert world.unanswered(street["near"], "198.51.100.21", 53, "udp")
    assert opened(world, **{"from": "outside", "to": OURS})["tcp/8080"]


def test_reachability_has_what_is_no_port(world, street):
    """As real packets have it, from outside and to it."""
    said = world.api.get("reachability", protocol="tcp", port=80,
                         network="in")
    ways = {(w["from"], w["type"], w["name"]): w for w in said["ways"]}
    assert len(ways) == len(said["ways"])
    for name, ip in (("f2", "198.51.100.22"), ("f3", "198.51.100.23"),
                     ("fw", "198.51.100.30")):
        way = ways["outside", "floating-ips", name]
        assert (way["source"], way["destination"]) == (GATEWAY, ip)
        if way["verdict"] == "delivered":
            assert world.answers(street["gw"], ip)
        else:
            assert way["verdict"] == "dropped", way
            assert world.unanswered(street["gw"], ip)
    assert ways["outside", "floating-ips", "fw"]["reason"] \
        == "no such service at virtual IP"
    said = world.api.get("reachability", protocol="tcp", port=8000,
                         network="in", by="group")
    ways = {(w["from"], w["type"], w["name"]): w for w in said["ways"]}
    for name in {w["from"] for w in said["ways"]} - {"outside"}:
        assert ways[name, "loadbalancers", "www"]["verdict"] == "delivered"
        assert world.answers(street[name], "10.0.1.100", 8000)
    assert ways["outside", "floating-ips", "fw"]["verdict"] == "delivered"

    world.group("three", "role=three")
    world.policy("q", "three", rule("egress", "deny", [GATEWAY + "/32"]),
                 tier="security")
    said = world.api.get("reachability", protocol="udp", port=53)
    found = {w["from"]: w["verdict"] for w in said["ways"]
             if w["type"] == "networks"}
    assert found["three"] == "dropped" and found["two"] == "delivered", found
    for name, verdict in found.items():
        if verdict == "delivered":
            assert world.answers(street[name], GATEWAY, 53, "udp") == "gw"
        else:
            assert world.unanswered(street[name], GATEWAY, 53, "udp")
