# SPDX-License-Identifier: Apache-2.0
"""Every change of a balancer under open connections: TCP and UDP, IPv4 and
IPv6, from a VM on the backend's host, on another host, behind a router, and
from outside.  docs/api.md, "When a balancer changes", has the expected
results, which this file reads; probes that are added are no outage."""

import os
import re
import socket
import time

import pytest
from conftest import HERE, WAIT, World, check_log, installed, wait_quiet

from vmnlab import traffic
from vmnlab.netns import PATIENCE, wait_for

VIPS = {"4": "10.0.1.100", "6": "fd00:1::100"}
OTHERS = {"4": "10.0.1.101", "6": "fd00:1::101"}
FLOATING = {"tcp4": "198.51.100.30", "udp4": "198.51.100.31",
            "tcp6": "2001:db8:5::30", "udp6": "2001:db8:5::31"}
KINDS = sorted(FLOATING)
# ip(7), ipv6(7).
RECVERR = {"4": (socket.IPPROTO_IP, 11), "6": (socket.IPPROTO_IPV6, 25)}
TARGETS = (8080, 8081)
# A host that gets no processor for a moment is to take nothing out.
PROBES = {"type": "tcp", "port": 8080, "interval_ms": 1000,
          "timeout_ms": 1000, "unhealthy_after": 5}


@pytest.fixture(scope="module")
def town(module_lab):
    world = World(module_lab)
    world.provider_hosts_are("h2")
    world.put("networks", "out", provider={"physical": "dc"}, mtu=1500,
              subnets=[{"cidr": "198.51.100.0/24",
                        "gateway": "198.51.100.1"},
                       {"cidr": "2001:db8:5::/64",
                        "gateway": "2001:db8:5::1"}])
    for n, name in ((1, "a"), (2, "b")):
        world.put("networks", name, subnets=[
            {"cidr": "10.0.%d.0/24" % n, "gateway": "10.0.%d.1" % n},
            {"cidr": "fd00:%d::/64" % n, "gateway": "fd00:%d::1" % n}])
    world.put("routers", "r", interfaces=[{"network": n} for n in "ab"],
              external={"network": "out",
                        "addresses": ["198.51.100.10", "2001:db8:5::10"],
                        "gateways": [{"host": "h2"}]})
    for name, net, host, number in (
            ("b1", "a", "h1", 21), ("b2", "a", "h2", 22),
            ("same", "a", "h1", 11), ("other", "a", "h3", 12),
            ("routed", "b", "h1", 13)):
        n = 1 if net == "a" else 2
        ports = TARGETS if name[0] == "b" else ()
        world.vm(name, net, host, ["10.0.%d.%d" % (n, number),
                                   "fd00:%d::%d" % (n, number)],
                 tcp=ports, udp=ports, labels={"role": name})
    world.outside("outside", "198.51.100.1/24", "2001:db8:5::1/64")
    for vm in module_lab.vms.values():
        vm.await_addresses()
    yield world
    world.close()
    check_log(module_lab.vmnd)


def clients(town):
    found = {name: town.lab.vm(name) for name in ("same", "other", "routed")}
    found["outside"] = town.lab.outsides["outside"]
    return found


# Objects.  -------------------------------------------------------------------

def spec_of(kind, **more):
    return dict({"vip": VIPS[kind[3]], "networks": ["a"],
                 "protocol": kind[:3], "ports": [{"port": 80, "target": 8080}],
                 "backends": [{"port": "b1"}]}, **more)


def balancers(change, name="%s"):
    """Objects of the four balancers, each with what 'change' says of its
    kind."""
    return [{"type": "loadbalancers", "name": name % kind,
             "spec": spec_of(kind, **change(kind))} for kind in KINDS]


def floating(name="%s", ip=FLOATING.get):
    return [{"type": "floating-ips", "name": kind,
             "spec": {"router": "r", "ip": ip(kind),
                      "load_balancer": name % kind}} for kind in KINDS]


def apply(town, objects):
    """Makes these all balancers and floating addresses that there are, by one
    request."""
    installed(town.api.apply(objects, prune="changes", wait="installed",
                             timeout=WAIT))


def same(**more):
    return lambda kind: more


# Connections.  ---------------------------------------------------------------

def address(kind, client):
    return FLOATING[kind] if client == "outside" else VIPS[kind[3]]


def open_all(town):
    """Connections of all clients to all balancers, answered by b1."""
    held = {}
    for kind in KINDS:
        for name, vm in clients(town).items():
            ip = address(kind, name)
            assert wait_for("%s at %s" % (name, ip), lambda v=vm, i=ip,
                            k=kind: traffic.ask(v, i, 80, k[:3]) == "b1", 30)
            one = traffic.Connection(vm, ip, 80, kind[:3])
            if kind[:3] == "udp":
                # By default "host unreachable" is none of its matter.
                one.sock.setsockopt(*RECVERR[kind[3]], 1)
            assert one.again().startswith("b1")
            held[kind, name] = one
    return held


def look(one):
    """What a connection says when it sends: to "go on", to have been "cut", to
    "move" to b2; None, nothing."""
    one.sock.setblocking(False)
    try:
        one.sock.send(b"x\n")
        time.sleep(0.05)
        data = one.sock.recv(65536)
    except BlockingIOError:
        return None
    except OSError:
        return "cut"
    return {b"b1": "go on", b"b2": "move"}[data.split()[0]] if data else "cut"


def outcomes(town, held, expected):
    """What each connection comes to, and does not do as it is expected to: the
    last that it said, or "hang".  What has moved may have been refused
    before."""
    wait_quiet(town.lab)
    town.revalidated()
    for one in held.values():
        one.drain()
    end = time.monotonic() + 6 * PATIENCE
    wrong = {key: "hang" for key in held}
    while wrong and time.monotonic() < end:
        for key in list(wrong):
            wrong[key] = look(held[key]) or wrong[key]
            if wrong[key] == expected(*key):
                del wrong[key]
    return wrong


# The table.  -----------------------------------------------------------------

def state_is(town, state, port="b1"):
    """Waits until the port has the state at all balancers."""
    for kind in KINDS:
        wait_for("%s to be %s" % (port, state), lambda k=kind: state in {
            b["state"] for b in town.api.get("loadbalancers/" + k)["status"][
                "backends"] if b["port"] == port}, 60)


def failing(when_down):
    def change(town):
        apply(town, balancers(same(when_down=when_down, health=dict(
            PROBES, port=9, interval_ms=200, timeout_ms=200))) + floating())
        state_is(town, "down")
    return change


def drained(town):
    change = same(drain_seconds=1, backends=[{"port": "b1", "drain": True}])
    apply(town, balancers(change) + floating())
    state_is(town, "drained")


def simple(**more):
    return lambda town: apply(town, balancers(same(**more)) + floating())


def other_vip(town):
    apply(town, balancers(lambda kind: {"vip": OTHERS[kind[3]]}) + floating())


def renamed(town):
    apply(town, balancers(same(), "%s-2") + floating("%s-2"))


def another_floating(town):
    def ip(kind):
        return FLOATING[kind] + "9"[:1] if ":" in FLOATING[kind] \
            else FLOATING[kind].replace(".3", ".4")
    apply(town, balancers(same()) + floating(ip=ip))


def with_sorry(town):
    """The fallback is there before: a balancer is not the change."""
    sorry = [{"type": "loadbalancers", "name": "sorry-" + kind, "spec":
              spec_of(kind, vip=OTHERS[kind[3]], backends=[{"port": "b2"}])}
             for kind in KINDS]
    apply(town, balancers(lambda kind: {"fallback": "sorry-" + kind})
          + floating() + sorry)


def disabled(town):
    town.patch("ports", "b1", enabled=False)


# By the words of the document.
CHANGES = {
    "the balancer is renamed, in one transaction": renamed,
    "the balancer is deleted, with its floating address":
        lambda town: apply(town, []),
    "`vip`: another address": other_vip,
    "`networks`: one more": simple(networks=["a", "b"]),
    "`ports`: one more, or a longer range": simple(
        ports=[{"port": 80, "target": 8080}, {"port": 81, "end_port": 90}]),
    "`ports`: a service is removed": simple(ports=[{"port": 81}]),
    "`ports`: another `target`": simple(
        ports=[{"port": 80, "target": 8081}]),
    "`backends`: one more": simple(
        backends=[{"port": "b1"}, {"port": "b2"}]),
    "`backends`: weight 0": simple(
        backends=[{"port": "b1", "weight": 0}, {"port": "b2"}]),
    "`backends`: a standby": simple(
        backends=[{"port": "b1", "standby": True}, {"port": "b2"}]),
    "`backends`: `drain: true`": simple(
        backends=[{"port": "b1", "drain": True}, {"port": "b2"}]),
    "its drain is over": drained,
    "`backends`: it is removed, others serve": simple(
        backends=[{"port": "b2"}]),
    "`backends`: it is removed, no other serves": simple(backends=[]),
    "`selector` in place of `backends`": simple(
        backends=[], selector="role=b1"),
    "`health` is added": simple(health=PROBES),
    "`health` fails, `when_down: keep`": failing("keep"),
    "`health` fails, `when_down: cut`": failing("cut"),
    "`affinity`": simple(affinity={"seconds": 600}),
    "`locality: require`": simple(locality="require"),
    "`client_limit`": simple(client_limit={"rate": 1000}),
    "`fallback`": with_sorry,
    "`unheard_seconds`, `min_serving`, `drain_seconds`, `scale`": simple(
        unheard_seconds=5, min_serving=2, drain_seconds=5,
        scale={"metric": "packets", "high": 1000, "low": 1}),
    "the floating address is another": another_floating,
    "the port is disabled": disabled,
}


def documented():
    """{change: (TCP, UDP)} of docs/api.md."""
    with open(os.path.join(HERE, "../../docs/api.md"),
              encoding="utf-8") as file:
        text = file.read().split("**When a balancer changes.**", 1)[1]
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$",
                      text.split("\n\n", 2)[1], re.MULTILINE)
    return {what: (tcp, udp) for what, _, tcp, udp in rows[2:]}


def test_document_lists_all_changes():
    assert set(documented()) == set(CHANGES)


@pytest.mark.parametrize("what", sorted(CHANGES))
def test_open_connections_go_on_or_end(town, what):
    cells = documented()[what]

    def expected(kind, client):
        """None: the document says that it may not be notified."""
        inside, _, outside = cells[kind[:3] == "udp"].partition("; outside: ")
        return inside if client != "outside" else \
            None if outside == "not notified" else outside or inside

    apply(town, balancers(same()) + floating())
    held = open_all(town)
    try:
        CHANGES[what](town)
        wrong = outcomes(town, {key: one for key, one in held.items()
                                if expected(*key)}, expected)
        assert not wrong, wrong
    finally:
        for one in held.values():
            one.close()
        town.patch("ports", "b1", enabled=True)


# Probes.  --------------------------------------------------------------------

def answered(town, n=30):
    """Fails unless each of many connections is served, right now."""
    for _ in range(n // len(VIPS)):
        for vip in VIPS.values():
            assert traffic.ask(town.lab.vm("other"), vip, 80, "tcp", 5), vip


def both(name="%s", **more):
    ports = [{"port": "b1"}, {"port": "b2"}]
    return balancers(same(**dict({"backends": ports}, **more)), name)


def test_probes_that_are_added_take_nothing_out(town):
    apply(town, both() + floating())
    for vip in VIPS.values():
        wait_for("answers", lambda v=vip: traffic.ask(
            town.lab.vm("other"), v, 80), 30)
    for objects in (both(health=PROBES), both(), both(health=PROBES),
                    # Of another kind, and by the same request as a name.
                    both(health=dict(PROBES, type="http", port=8081)),
                    both("%s-2", health=PROBES), both("%s-3"),
                    both("%s-4", health=PROBES)):
        name = objects[0]["name"].replace(KINDS[0], "%s")
        apply(town, objects + floating(name))
        answered(town)


def test_backends_that_all_change_serve_before_their_first_probe(town):
    # A busy machine may need seconds for a probe.
    calm = dict(PROBES, interval_ms=10000, timeout_ms=10000)
    apply(town, balancers(same(health=calm)) + floating())
    state_is(town, "serving")
    apply(town, balancers(same(health=calm, backends=[{"port": "b2"}]))
          + floating())
    town.revalidated()     # What begins before may still be sent to b1: cut.
    answered(town)


def test_a_wrong_port_takes_backends_out_by_failures_alone(town):
    wrong = dict(PROBES, port=9, interval_ms=2000, timeout_ms=2000,
                 unhealthy_after=3)
    apply(town, both() + floating())
    apply(town, both(health=wrong) + floating())
    for port in ("b1", "b2"):
        state_is(town, "down", port)
    for kind in KINDS:
        for one in town.api.get("loadbalancers/" + kind)["status"][
                "backends"]:
            assert one["health"]["failed"] >= 3, one


# Rules.  ---------------------------------------------------------------------

PEERS = {
    "names": [{"fqdn": "tcp4.shop.internal"}, {"fqdn": "tcp6.shop.internal"}],
    "addresses": [{"cidr": vip} for vip in VIPS.values()],
    "prefixes": [{"cidr": "10.0.1.96/28"}, {"cidr": "fd00:1::100/124"}],
    "group": [{"group": "vips"}],
}


def says(town, ip, port):
    """What a trace says of a packet of "other"."""
    return town.api.call("POST", "/v1/trace", {
        "from": "other", "to": ip, "protocol": "tcp", "port": port,
        "reply": True})["verdict"]


@pytest.mark.parametrize("peers", sorted(PEERS))
def test_egress_rule_about_a_virtual_ip_means_its_backends(town, peers):
    other, b1, b2 = (town.lab.vm(name) for name in ("other", "b1", "b2"))
    apply(town, balancers(same()) + floating())
    town.put("dns-zones", "zone", domain="shop.internal",
             networks=["a", "b"])
    town.group("vips", cidrs=["10.0.1.96/28", "fd00:1::100/124"])
    town.group("clients", ports=["other"])
    town.policy("p", "clients", {"direction": "egress", "action": "allow",
                                 "peers": PEERS[peers]})
    try:
        for vip in VIPS.values():
            assert town.answers(other, vip) == "b1"
            assert says(town, vip, 80) == "delivered"
        for family in ("ip", "ip6"):
            assert town.answers(other, getattr(b1, family), 8080) == "b1"
            assert says(town, getattr(b1, family), 8080) == "delivered"
            assert town.unanswered(other, getattr(b2, family), 8080)
            assert says(town, getattr(b2, family), 8080) == "dropped"
        pairs = town.api.get("open-services", **{"from": "other",
                                                 "to": "tcp4"})["services"]
        assert [one["port"] for one in pairs
                if one["protocol"] == "tcp"] == [80], pairs
    finally:
        town.delete("policies", "p")
