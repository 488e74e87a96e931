# SPDX-License-Identifier: Apache-2.0
"""Service chains (docs/apps/chains.md): what VMs send each other goes through
other VMs.  App chains, in a process of its own; real switches on three
hosts."""

import itertools
import os
import re
from random import Random

import pytest
from conftest import World, check_log, close_lab, make_lab, vmnctl
from service_functions import Bridge, Router
from test_live_apps import ctl, verify

from vmnlab import frames, netns, traffic
from vmnlab.api import Refused
from vmnlab.netns import wait_for

HOSTS = ("h1", "h2", "h3")
APP = os.path.join(os.environ.get("VMN_APPDIR", "_build/normal/appdir"),
                   "chains.so")
TCP = 6


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("chains", 3)
    ctl(lab, "app", "load", APP, "--wait")
    yield lab
    close_lab(lab)


class Place(World):
    """A world with service functions."""

    def __init__(self, lab):
        super().__init__(lab)
        self.log = []
        self.functions = []
        self.former = set()     # Connections that functions have seen.

    def close(self):
        for function in self.functions:
            function.close()
        super().close()
        problems = self.lab.vmnd.api.get("status")["problems"]
        assert problems == []

    def bridge(self, name, host, network="net"):
        self.functions.append(Bridge(self, name, network, host, self.log))
        return self.functions[-1]

    def router(self, name, host, network="net", **spec):
        self.functions.append(Router(self, name, network, host, self.log,
                                     **spec))
        return self.functions[-1]

    def chain(self, name, *hops, **spec):
        """'hops' are lists of functions; the first one is named h0.  VMs have
        their own addresses by then: others of the link pass no chain."""
        for vm in self.own_vms:
            self.lab.vm(vm).await_addresses()
        self.put("chains", name, network=spec.pop("network", "net"), hops=[
            dict({"name": "h%d" % i, "functions": [f.spec for f in hop]},
                 **spec.get("hop", {})) for i, hop in enumerate(hops)],
            **{k: v for k, v in spec.items() if k != "hop"})

    def seen(self):
        """What functions have forwarded since the last time."""
        for function in self.functions:
            function.read()
        found, self.log[:] = sorted(self.log), []
        return found

    def way(self, a, ip, port=80, protocol="tcp"):
        """Has 'a' ask whom 'ip' is of.  Returns who answers, and the functions
        that requests, and that answers have met, each in order.  The end of an
        earlier connection may still be on its way."""
        self.former.update(map(_ends, self.seen()))
        who = self.answers(a, ip, port, protocol)
        seen = self.seen()
        ways = []
        for mine, field in (("dst", "dst_port"), ("src", "src_port")):
            ways.append(_distinct(s.function for s in seen
                                  if getattr(s, mine) == ip
                                  and getattr(s, field) == port
                                  and _ends(s) not in self.former))
        self.former.update(map(_ends, seen))
        return who, ways[0], ways[1]

    def goes(self, a, ip, *names, port=80, protocol="tcp"):
        """Whether what 'a' asks whom 'ip' is of meets functions 'names', and
        the answer the same ones in the other order.  A connection that was
        opened just before a change may be answered after it, so it may ask
        again."""
        expected = list(names), list(reversed(names))
        last = None
        for _ in range(5):
            last = self.way(a, ip, port, protocol)
            if last[0] and last[1:] == expected:
                return True
            # Or by what a datapath has cached.
            self.lab.revalidated()
        print("%s to %s goes %r" % (a.name, ip, last))
        return False


def _ends(seen):
    """Of the connection, in whichever direction it was seen."""
    return frozenset({(seen.src, seen.src_port), (seen.dst, seen.dst_port)})


def _distinct(names):
    """Each once, in the order of its first."""
    return list(dict.fromkeys(names))


@pytest.fixture
def world(lab):
    world = Place(lab)
    world.network("net", "10.0.0.0/24", "fd00::/64")
    yield world
    world.close()
    check_log(lab.vmnd)


def ends(world, n=3, **labels):
    """A client and a server on each host."""
    clients = [world.vm("c%d" % i, "net", HOSTS[i], labels={"role": "client"})
               for i in range(n)]
    servers = [world.vm("s%d" % i, "net", HOSTS[i], tcp=[80, 81], udp=[53],
                        labels=dict({"role": "server"}, **labels))
               for i in range(n)]
    return clients, servers


SELECTORS = {"sources": "role=client", "destinations": "role=server"}


def test_wherever_they_are(lab, world):
    """Each placement of client, function and server, both kinds of functions,
    both families: requests and answers go through it, once."""
    clients, servers = ends(world)
    kinds = {"bridge": [world.bridge("b%d" % i, HOSTS[i]) for i in range(3)],
             "router": [world.router("r%d" % i, HOSTS[i]) for i in range(3)]}
    for kind, i in itertools.product(kinds, range(3)):
        function = kinds[kind][i]
        world.chain("c", [function], **SELECTORS)
        for a, b in itertools.product(clients, servers):
            for ip in b.ip, b.ip6:
                assert world.goes(a, ip, function.name), (kind, i, b.name)
                assert world.goes(a, ip, function.name, port=53,
                                  protocol="udp")
    # Not what servers open.
    assert world.goes(servers[0], servers[1].ip)
    world.delete("chains", "c")
    assert world.goes(clients[0], servers[1].ip)


def test_several_hops(lab, world):
    """In order, and answers in the other."""
    clients, servers = ends(world)
    first, second, third = (world.bridge(name, host) for name, host in (
        ("first", "h2"), ("second", "h3"), ("third", "h1")))
    for hops in ((first, third), (third, first), (first, second, third),
                 (second, third)):
        world.chain("c", *([f] for f in hops), **SELECTORS)
        for a, b in itertools.product(clients, servers):
            assert world.goes(a, b.ip, *(f.name for f in hops))


def test_functions_with_one_port_among_several_hops(lab, world):
    """The VMs' sides tell whether they send requests or answers; of a VM that
    is of both sides, that of the other one does."""
    clients, servers = ends(world, also="server")
    sides = {"sources": "role=client", "destinations": "also=server"}
    both = world.vm("both", "net", "h2", tcp=[80], udp=[53],
                    labels={"role": "client", "also": "server"})
    bridge, last = world.bridge("b0", "h2"), world.bridge("b1", "h1")
    first, second = world.router("r0", "h3"), world.router("r1", "h1")
    for i, hops in enumerate(((first, bridge), (bridge, first),
                              (bridge, first, last), (first, second),
                              (first, bridge, second))):
        world.chain("c", *([f] for f in hops), **sides)
        names = [f.name for f in hops]
        pairs = zip(clients, servers[i % 3:] + servers[:i % 3])
        for a, b in [*pairs, (both, servers[0]), (clients[0], both)]:
            assert world.goes(a, b.ip, *names), (names, a.name, b.name)
            assert world.goes(a, b.ip6, *names, port=53, protocol="udp")


def connections(world, clients, servers, n):
    held = []
    for i in range(n):
        a, b = clients[i % len(clients)], servers[i // 2 % len(servers)]
        wait_for("a connection", lambda a=a, b=b: _open(a, b, held), 20)
    return held


def _open(a, b, held):
    connection = traffic.Connection(a, b.ip, 80, "tcp")
    if connection.exchange(seconds=2):
        held.append(connection)
        return True
    connection.close()
    return False


def functions_of(seen):
    """{connection: the functions that have seen it}; a connection is the
    client's address and port, and the server's address."""
    found = {}
    for s in seen:
        if s.protocol == TCP:
            key = ((s.src, s.src_port, s.dst) if s.dst_port == 80
                   else (s.dst, s.dst_port, s.src))
            found.setdefault(key, set()).add(s.function)
    return found


def exchange(world, held):
    """Has all connections work.  Returns functions_of() what was seen."""
    world.seen()
    for connection in held:
        assert connection.exchange(seconds=5)
    return functions_of(world.seen())


def test_connections_are_shared_and_keep_their_function(lab, world):
    clients, servers = ends(world)
    functions = [world.bridge("b%d" % i, HOSTS[i]) for i in range(3)]
    world.chain("c", functions[:1], **SELECTORS)
    held = connections(world, clients, servers, 10)
    world.chain("c", functions[:2], **SELECTORS)
    assert set().union(*exchange(world, held).values()) == {"b0"}
    for connection in held:
        connection.close()

    held = connections(world, clients, servers, 40)
    before = exchange(world, held)
    assert len(before) == 40
    # Each has one, for both directions; and both have some.
    assert all(len(of) == 1 for of in before.values())
    assert {f for of in before.values() for f in of} == {"b0", "b1"}

    # A third one gets new connections, and takes none away.
    world.chain("c", functions, **SELECTORS)
    assert exchange(world, held) == before
    more = connections(world, clients, servers, 40)
    assert {f for of in exchange(world, more).values() for f in of} == {
        "b0", "b1", "b2"}

    # The connections of one that goes get others, and only those.
    world.chain("c", functions[1:], **SELECTORS)
    # A datapath's cache follows some milliseconds after the tables.
    wait_for("b0 to have none", lambda: not any(
        "b0" in of for of in exchange(world, held).values()), 20)
    after = exchange(world, held)
    for key, of in before.items():
        assert len(after[key]) == 1
        assert after[key] == of or of == {"b0"}
    for connection in held + more:
        connection.close()


def test_when_a_function_is_down(lab, world):
    clients, servers = ends(world, 2)
    a, b = clients[0], servers[1]
    first, second = world.bridge("b0", "h2"), world.bridge("b1", "h3")

    def ways(on_failure):
        world.chain("c", [first, second], hop={"on_failure": on_failure},
                    **SELECTORS)

    def await_down(port, down=True):
        wait_for("the port's state", lambda: (lab.port_state(port) == "down")
                 == down, 20)

    def warned(text):
        """The status, the reply to a change, a trace and `describe`."""
        wait_for("the warning", lambda: world.api.get("chains/c")["status"][
            "warnings"] == text, 30)
        for what in (["status"], ["describe", "port", a.name],
                     ["trace", a.name, b.name, "tcp/80"],
                     ["label", "chain", "c", "x=y"],
                     ["label", "chain", "c", "x-"]):
            _, said = vmnctl(lab, *what)
            for line in text:
                assert line in said, (what, said)
            assert text or "is down" not in said, (what, said)

    # The other has them all.
    ways("next")
    warned([])
    first.link(False)
    await_down("b0-in")
    warned(["function b0-in of hop h0 is down: its connections get another "
            "function of the hop"])
    wait_for("the other one", lambda: all(
        world.goes(a, b.ip, "b1") for _ in range(5)), 30)
    # None is left.
    second.link(False)
    await_down("b1-in")
    wait_for("nobody", lambda: traffic.ask(a, b.ip, 80, "tcp", 0.8) is None,
             30)
    warned(["function %s-in of hop h0 is down: no function is up, and "
            "connections are dropped" % f for f in ("b0", "b1")])
    ways("bypass")
    assert world.goes(a, b.ip)
    warned(["function %s-in of hop h0 is down: no function is up, and "
            "connections bypass the hop" % f for f in ("b0", "b1")])
    second.link(True)
    await_down("b1-in", False)
    wait_for("it is back", lambda: world.goes(a, b.ip, "b1"), 30)
    # Some connections are of the one that is down.
    ways("block")
    warned(["function b0-in of hop h0 is down: its connections are dropped"])
    answers = [traffic.ask(a, b.ip, 80, "tcp", 0.8) for _ in range(24)]
    assert None in answers and "s1" in answers
    first.link(True)
    await_down("b0-in", False)
    wait_for("all of them", lambda: all(
        traffic.ask(a, b.ip, 80, "tcp", 0.8) for _ in range(24)), 60)
    # A function without a VM.
    lab.unplug("b0-out")
    lab.await_ports(["b0-out"], "unbound")
    ways("next")
    assert all(world.goes(a, b.ip, "b1")
               for _ in range(5))


def down(lab, name="c"):
    return lab.vmnd.api.get("chains/" + name)["status"]["down"]


def await_down(lab, *ports, name="c"):
    wait_for("%s to be down" % (ports,),
             lambda: sorted(down(lab, name)) == sorted(ports), 60)


@pytest.mark.parametrize("on_failure", ["next", "bypass"])
def test_heartbeats_through_a_function(lab, world, on_failure):
    """One whose links are up and that forwards nothing is down."""
    clients, servers = ends(world, 2)
    a, b = clients[0], servers[1]
    first, second = world.bridge("b0", "h2"), world.bridge("b1", "h3")
    second.stuck = on_failure == "bypass"
    world.chain("c", [first, second], **SELECTORS, hop={
        "on_failure": on_failure, "health": "heartbeat",
        "health_interval_ms": 500})
    other = ["b1"] if on_failure == "next" else []
    await_down(lab, *(["b1-in"] if second.stuck else []))
    wait_for("the first one is used", lambda: any(
        world.goes(a, b.ip, "b0") for _ in range(5)), 30)
    first.stuck = True
    await_down(lab, "b0-in", *(["b1-in"] if second.stuck else []))
    assert lab.port_state("b0-in") == lab.port_state("b0-out") == "up"
    wait_for("no more", lambda: all(
        world.goes(a, b.ip, *other) for _ in range(5)), 30)
    # As it is known after a restart, and nobody else says so.
    lab.vmnd.kill()
    lab.vmnd.start()
    lab.await_ports(["b0-in", "b0-out"])
    assert "b0-in" in down(lab)
    assert world.goes(a, b.ip, *other)
    first.stuck = False
    await_down(lab, *(["b1-in"] if second.stuck else []))
    wait_for("it is used again", lambda: any(
        world.goes(a, b.ip, "b0") for _ in range(5)), 30)
    # It moves with its VM, and the host's switch knows where it comes out.
    for port in ("b0-in", "b0-out"):
        lab.move(port, "h1")
        lab.await_ports([port])
    await_down(lab, *(["b1-in"] if second.stuck else []))
    wait_for("there, too", lambda: any(
        world.goes(a, b.ip, "b0") for _ in range(5)), 30)
    verify(lab)


def test_what_a_function_says_as_a_heartbeat(lab, world):
    """Nothing but an echo of nobody's to nobody comes in, and that goes
    nowhere, whether it is awaited or not."""
    clients, servers = ends(world, 2)
    a, b = clients[0], servers[1]
    function = world.bridge("b0", "h2")
    out, src, dst = function.vms[1], "0e:56:4d:ff:01:00", "0e:56:4d:ff:01:01"
    echo = traffic.echo_request(7, 7)
    sent = [frames.ipv4(dst, src, "198.18.0.1", b.ip, 1, echo),
            frames.ipv4(dst, src, "198.18.0.1", "198.18.0.2", 1, echo),
            frames.udp(dst, src, "198.18.0.1", b.ip, 7, 7, b"text"),
            frames.arp(dst, src, 2, src, a.ip, dst, b.ip)]
    for health in "link", "heartbeat":
        world.chain("c", [function], **SELECTORS, hop={"health": health})
        if health == "heartbeat":
            await_down(lab)
        captures = [frames.Capture(vm.ns) for vm in clients + servers]
        frames.send(out, *sent)
        assert world.goes(a, b.ip, "b0")
        assert not [f for capture in captures for f in capture.read()
                    if frames.mac_bytes(src) in f]
        for capture in captures:
            capture.close()
    world.delete("chains", "c")
    wait_for("the drops", lambda: {
        "unknown source", "probe that nobody awaits"} & {
            c["reason"] for c in world.api.get("drops")["counters"]
            if c["host"] == "h2"}, 60)


def test_what_cannot_be_probed_leaves_others_alone(lab, world):
    """It is down, and the chain goes on without it: also when another one
    fails."""
    clients, servers = ends(world, 2)
    a, b = clients[0], servers[1]
    first, second, third = (world.router(name, host, tcp=[22]) for name, host
                            in (("r0", "h2"), ("r1", "h1"), ("r2", "h2")))
    world.put("routers", "r", interfaces=[
        {"network": "net", "addresses": ["10.0.0.254"]}])
    world.chain("c", [first, second, third], **SELECTORS, hop={
        "health": "tcp", "health_port": 22, "health_interval_ms": 500})
    await_down(lab)
    # Of an address of IPv6 alone there is no way to the router's.
    world.patch("ports", "r0", ips=["fd00::77"])
    await_down(lab, "r0")
    assert [p["units"] for p in world.api.get("status")["problems"]] == [
        ["chains.probe/c|h0|r0"]]
    netns.ip(second.vms[0].ns, "address flush dev eth0")
    await_down(lab, "r0", "r1")
    wait_for("the third one", lambda: all(
        world.goes(a, b.ip, "r2") for _ in range(5)), 30)
    world.patch("ports", "r0", ips=["10.0.0.77"])
    wait_for("no problem", lambda: not world.api.get("status")["problems"],
             30)


@pytest.mark.parametrize("health", [
    {"health": "ping"}, {"health": "tcp", "health_port": 22}])
def test_probes_of_a_function(lab, world, health):
    """Of one with an address of its own, from its router's."""
    clients, servers = ends(world, 2)
    a, b = clients[0], servers[1]
    first = world.router("r0", "h2", tcp=[22])
    spec = dict(health, on_failure="bypass", health_interval_ms=500)
    # There is nobody that it could answer.
    world.chain("c", [first], **SELECTORS, hop=spec)
    wait_for("a problem", lambda: any(
        "no address to be probed" in p["detail"]
        for p in lab.vmnd.api.get("status")["problems"]), 30)
    world.put("routers", "r", interfaces=[
        {"network": "net", "addresses": ["10.0.0.254", "fd00::fe"]}])
    await_down(lab)
    wait_for("it is used", lambda: world.goes(a, b.ip, "r0"), 30)
    netns.ip(first.vms[0].ns, "address flush dev eth0")
    await_down(lab, "r0")
    wait_for("it is passed by", lambda: world.goes(a, b.ip), 30)


def test_a_function_moves(lab, world):
    clients, servers = ends(world, 2)
    function = world.bridge("b", "h1")
    world.chain("c", [function], **SELECTORS)
    held = connections(world, clients, servers, 4)
    for port in "b-in", "b-out":
        lab.move(port, "h3")
        lab.await_ports([port])
    assert all(of == {"b"} for of in exchange(world, held).values())
    assert world.goes(clients[0], servers[1].ip, "b")
    for connection in held:
        connection.close()


def test_policies_before_and_after(lab, world):
    """What a sender may not send no function sees; what a receiver may not
    get, it does not get from a function either."""
    clients, servers = ends(world)
    function = world.bridge("b", "h3")
    world.chain("c", [function], **SELECTORS)
    a = clients[0]
    for server in servers[0], servers[1]:
        assert world.reaches(a, server)
    world.group("clients", "role=client")
    world.group("servers", "role=server")
    world.put("policies", "p", applies_to=["servers"])
    known = set()

    def anew():
        """What was seen of connections of which nothing was before: the end of
        one may come late."""
        found = [s for s in world.seen() if _ends(s) not in known]
        known.update(map(_ends, found))
        return found
    for server, seen in (servers[0], False), (servers[1], True):
        anew()
        assert world.blocked(a, server)
        # On one host both are judged before.
        anew()
        assert traffic.ask(a, server.ip, 80, "tcp", 0.8) is None
        if seen:
            wait_for("it to be seen", anew, 20)
        else:
            assert anew() == []
    world.delete("policies", "p")
    world.put("policies", "p", applies_to=["clients"], rules=[
        {"direction": "egress", "action": "deny"}])
    for server in servers[:2]:
        assert world.blocked(a, server)
        anew()
        assert traffic.ask(a, server.ip, 80, "tcp", 0.8) is None
        assert anew() == []
    world.delete("policies", "p")

    # The identity behind a chain is the sender's.
    world.put("policies", "p", applies_to=["servers"], rules=[
        {"direction": "ingress", "action": "allow",
         "peers": [{"group": "clients"}]}])
    for server in servers:
        assert world.goes(a, server.ip, "b")


def test_what_is_a_chains(lab, world):
    clients, servers = ends(world)
    low, high = world.bridge("low", "h2"), world.bridge("high", "h3")
    a, b = clients[0], servers[1]
    world.chain("low", [low], services=[
        {"protocol": "tcp", "ports": ["80"]}, {"protocol": "udp"}],
        priority=900, **SELECTORS)
    for port, protocol, names in ((80, "tcp", ["low"]), (81, "tcp", []),
                                  (53, "udp", ["low"])):
        for ip in b.ip, b.ip6:
            assert world.goes(a, ip, *names, port=port, protocol=protocol)

    # Of two, the one that comes first; of all that it is for.
    world.chain("high", [high], services=[
        {"protocol": "tcp", "ports": ["80-81"]}], priority=10, **SELECTORS)
    for port, protocol, name in ((80, "tcp", "high"), (81, "tcp", "high"),
                                 (53, "udp", "low")):
        assert world.goes(a, b.ip, name, port=port, protocol=protocol)
    world.patch("chains", "high", enabled=False)
    assert world.goes(a, b.ip, port=81)
    world.patch("chains", "high", enabled=True, services=[
        {"protocol": "icmp"}])
    world.seen()
    assert world.reaches(a, b, protocol="icmp")
    assert {s.function for s in world.seen() if s.protocol == 1} == {"high"}

    # By labels, as they are now.
    world.patch("ports", "s1", labels={"role": None})
    assert world.goes(a, b.ip)
    world.patch("chains", "low", destinations=None)
    assert world.goes(a, b.ip, "low")


def test_behind_a_virtual_ip_and_routers(lab, world):
    for i, name in enumerate(("front", "back", "side")):
        world.put("networks", name, subnets=[
            {"cidr": "10.%d.0.0/24" % (i + 1),
             "gateway": "10.%d.0.254" % (i + 1)}])
    world.put("routers", "r", interfaces=[
        {"network": name} for name in ("front", "back", "side")])
    client = world.vm("c", "front", "h1", labels={"role": "client"})
    servers = [world.vm("s%d" % i, "back", HOSTS[i], tcp=[80],
                        labels={"role": "server"}) for i in range(3)]
    functions = [world.bridge("b", "h2", "side"),
                 world.router("r1", "h3", "side"),
                 world.bridge("b2", "h1", "front")]
    for hops in [functions[0]], [functions[1]], functions[::2]:
        world.chain("c", *([f] for f in hops), network="back", **SELECTORS)
        for server in servers:
            assert world.goes(client, server.ip, *(f.name for f in hops))
    world.put("loadbalancers", "lb", vip="10.2.0.100", networks=["back"],
              ports=[{"port": 80}], backends=[{"port": s.name}
                                              for s in servers])
    world.chain("c", [functions[0]], network="back", **SELECTORS)
    for _ in range(12):
        world.seen()
        assert world.answers(client, "10.2.0.100") in ("s0", "s1", "s2")
        assert {s.function for s in world.seen()} == {"b"}


def test_the_app_comes_and_goes(lab, world):
    """Open connections go on, through the chain or past it."""
    clients, servers = ends(world)
    world.chain("c", [world.bridge("b", "h2")], **SELECTORS)
    held = connections(world, clients, servers, 6)
    assert all(of == {"b"} for of in exchange(world, held).values())
    for _ in range(2):
        ctl(lab, "app", "unload", "chains", "--wait")
        wait_for("the way past", lambda: not exchange(world, held), 20)
        assert "not loaded" in world.api.get("chains/c")["status"]["unserved"]
        ctl(lab, "app", "load", APP, "--wait")
        wait_for("the way through", lambda: len(exchange(world, held)) == 6
                 and world.goes(clients[0], servers[1].ip, "b"), 20)
    verify(lab)
    for connection in held:
        connection.close()


def test_what_a_function_may_say(lab, world):
    """It forwards for VMs of its chain; from others' addresses, or by ND, it
    says nothing."""
    clients, servers = ends(world)
    stranger = world.vm("x", "net", "h2")
    function = world.bridge("b", "h1")
    world.chain("c", [function], **SELECTORS)
    a, b, out = clients[0], servers[1], function.vms[1]
    assert world.goes(a, b.ip, "b")

    def arrives(frame, text, seconds=2):
        with frames.Capture(b.ns) as capture:
            frames.send(out, frame)
            return capture.wait(lambda f: text in f, seconds) is not None
    lab.revalidated()
    assert arrives(frames.udp(b.mac, a.mac, a.ip, b.ip, 7, 7, b"one"), b"one",
                   20)
    assert not arrives(frames.udp(b.mac, stranger.mac, stranger.ip, b.ip, 7, 7,
                                  b"two"), b"two")
    assert not arrives(frames.udp(b.mac, a.mac, "10.0.0.99", b.ip, 7, 7,
                                  b"three"), b"three")
    assert not arrives(frames.udp6(b.mac, stranger.mac, stranger.ip6, b.ip6,
                                   7, 7, b"four"), b"four")
    nd = frames.advertisement(b.mac, a.mac, a.ip6, b.ip6, stranger.ip6, a.mac)
    assert not arrives(nd, nd[54:78])
    # What it says for itself.
    assert world.reaches(out, b)
    wait_for("the drops", lambda: {
        c["reason"] for c in world.api.get("drops")["counters"]
        if c["host"] == "h1"} >= {"not from a VM of the chain", "spoofed",
                                  "unknown source"}, 60)


def test_fragments(lab, world):
    """All of a datagram goes through its chain, both ways."""
    clients, servers = ends(world)
    world.chain("c", [world.bridge("b0", "h1")], services=[
        {"protocol": "udp", "ports": ["53"]}], **SELECTORS)
    for a, b in itertools.permutations(range(3), 2):
        a, b = clients[a], servers[b]
        assert world.goes(a, b.ip, "b0", port=53, protocol="udp")
        held = traffic.Connection(a, b.ip, 53, "udp")
        with frames.Capture(b.ns) as at_server, \
                frames.Capture(a.ns) as at_client:
            world.seen()
            assert held.exchange("x" * 3000, seconds=5)
            seen = world.seen()
            # Three fragments each way, and the function has had them all.
            for capture, src, dst in ((at_server, a, b), (at_client, b, a)):
                arrived = [f for f in map(frames.parse, capture.read())
                           if f.get("src_ip") == src.ip
                           and f.get("dst_ip") == dst.ip]
                assert len(arrived) == 3
                assert sum((s.src, s.dst) == (src.ip, dst.ip)
                           for s in seen) == 3
        held.close()


def test_traces_say_what_switches_do(lab, world):
    """Of random packets, through hops with several functions."""
    random = Random(20)
    clients, servers = ends(world)
    first = [world.bridge("b%d" % i, HOSTS[i]) for i in range(3)]
    second = [world.router("r%d" % i, HOSTS[i]) for i in range(2)]
    for hops in [first], [second], [first[1:], first[:1]]:
        world.chain("c", *hops, **SELECTORS)
        assert world.reaches(clients[0], servers[0])
        said = ctl(lab, "trace", clients[0].name, servers[0].name, "icmp")
        assert re.search(r"chains/c +through ", said), said
        said = ctl(lab, "describe", "port", clients[0].name)
        assert re.search(r"^Service chains:\nNAME .*\nc +source ", said,
                         re.M), said
        for _ in range(40):
            a, b = random.choice(clients), random.choice(servers)
            port, text = random.randrange(1024, 65536), b"%016x" % (
                random.getrandbits(64))
            trace = world.api.call("POST", "/v1/trace", {
                "from": a.name, "to": b.name, "protocol": "udp", "port": 53,
                "source_port": port})["outcomes"][0]
            assert trace["verdict"] == "delivered", trace
            with frames.Capture(b.ns) as capture:
                world.seen()
                frames.send(a, frames.udp(b.mac, a.mac, a.ip, b.ip, port, 53,
                                          text))
                assert capture.wait(lambda f, t=text: t in f, 10)
            # What a router has forwarded is in the log some time after it.
            wait_for("its way", lambda t=trace, a=a, p=port: through(t) == [
                "%s-%s" % (s.function, s.side) if s.function[0] == "b"
                else s.function for s in sorted(world.log)
                if s.src == a.ip and s.src_port == p], 10)


def through(outcome):
    """The functions' ports that a trace's outcome names, in order."""
    return [s["to"] for leg in outcome["legs"] for s in leg["steps"]
            if s["kind"] == "function"]


def test_what_is_refused_and_what_is_told(lab, world):
    clients, servers = ends(world, 2)
    function = world.bridge("b", "h2")
    other = world.vm("x", "net", "h1")
    hop = {"name": "h", "functions": [function.spec]}

    def refused(**spec):
        with pytest.raises(Refused) as said:
            world.api.put("chains/c", dict({"network": "net", "hops": [hop]},
                                           **spec))
        return str(said.value)
    assert "/spec/hops" in refused(hops=[])
    assert "two hops are named h" in refused(hops=[hop, dict(
        hop, functions=[{"in": "x"}])])
    assert "port b-in is that of two functions" in refused(hops=[
        hop, {"name": "i", "functions": [{"in": "b-in"}]}])
    assert "in and out are one port" in refused(hops=[
        {"name": "h", "functions": [{"in": "x", "out": "x"}]}])
    assert "icmp has no ports" in refused(services=[
        {"protocol": "icmp", "ports": ["8"]}])
    assert "nobody" in refused(hops=[
        {"name": "h", "functions": [{"in": "nobody"}]}])
    assert "sources and destinations are the same" in refused(hops=[
        hop, {"name": "i", "functions": [{"in": other.name}]}])

    world.chain("c", [function], **SELECTORS)
    with pytest.raises(Refused):
        world.api.delete("ports/b-in")
    assert world.goes(clients[0], servers[1].ip, "b")
    trace = world.api.call("POST", "/v1/trace", {
        "from": "c0", "to": "s1", "protocol": "tcp", "port": 80})
    outcome = trace["outcomes"][0]
    assert outcome["verdict"] == "delivered", outcome
    assert through(outcome) == ["b-in"], outcome
    wait_for("counts by hops", lambda: {"h0 b-in requests", "h0 b-out answers"}
             <= {p["name"] for p in world.api.get("chains/c")["status"].get(
                 "parts", []) if p["packets"]}, 60)

    # One function as well is remembered when there are more.  What forges for
    # others is quarantined with all that it forges.
    world.patch("ports", "b-out", quarantined=True)
    wait_for("the function to be cut off", lambda: traffic.ask(
        clients[0], servers[1].ip, 80, "tcp", 0.8) is None, 20)
    with frames.Capture(servers[1].ns) as capture:
        frames.send(function.vms[1], frames.udp(
            servers[1].mac, clients[0].mac, clients[0].ip, servers[1].ip, 7,
            7, b"forged"))
        assert capture.wait(lambda f: b"forged" in f, 2) is None
    world.patch("ports", "b-out", quarantined=False)

    # A port that would send for itself what it forwards, or of another domain,
    # is none of its functions'.
    world.patch("ports", "x", allowed_addresses=[{"ip": "10.0.0.77"}])
    world.put("chains", "d", network="net", hops=[
        {"name": "h", "functions": [{"in": "x"}]}])
    wait_for("the problem", lambda: any(
        "x is no function's: it has allowed_addresses" in p["detail"]
        for p in world.api.get("status")["problems"]), 20)
    world.network("far", "10.9.0.0/24")
    far = world.vm("far", "far", "h1")
    world.put("chains", "d", network="net", hops=[
        {"name": "h", "functions": [{"in": far.name}]}])
    wait_for("the problem", lambda: {
        p["detail"] for p in world.api.get("status")["problems"]} == {
            "port far is in network far, which no router joins to network "
            "net"}, 20)
    world.delete("chains", "d")


def announcement_of(vm):
    """Gratuitous ARP that its guest sends."""
    return frames.arp(frames.BROADCAST, vm.mac, 1, vm.mac, vm.ip,
                      "00:00:00:00:00:00", vm.ip)


def announcements(capture, vm, ips):
    """How many it has heard that the addresses are the port's."""
    return sum(f.get("sender") == vm.mac and f.get("sender_ip") in ips
               or f.get("nd") == 136 and f["options"].get(2) == vm.mac
               and f["target"] in ips
               for f in map(frames.parse, capture.read()))


def test_a_bridge_returns_no_announcement(lab, world):
    """vmnd announces a port whose addresses change to all guests of its
    network.  One that bridges two ports returns that by the port in question:
    it is heard as often as vmnd sends it, and not without end."""
    bridge = world.bridge("b", "h1")
    near, far = world.vm("near", "net", "h1"), world.vm("far", "net", "h2")
    for side in bridge.vms:
        with frames.Capture(near.ns) as a, frames.Capture(far.ns) as b:
            ips = (side.ip[:-1] + "77", side.ip6 + "77")
            world.patch("ports", side.name, ips=list(ips))
            for capture in (a, b):
                for kind in ips:
                    wait_for("an announcement", lambda c=capture, ip=kind:
                             announcements(c, side, [ip]), 20)
            # What loops is faster than this.
            frames.send(near, announcement_of(near))
            wait_for("the neighbour's", lambda: announcements(
                b, near, [near.ip]), 20)
            assert announcements(b, side, ips) <= 4
            world.patch("ports", side.name, ips=[side.ip, side.ip6])


def test_a_chain_ends_the_loop_of_its_function(lab, world):
    """A guest that bridges two ports of a network makes a loop, as a cable
    between two ports of a switch does.  Nothing is flooded to the ports of a
    chain's function: it has none, and one that exists ends."""
    bridge = world.bridge("b", "h1")
    a, b = world.vm("a", "net", "h1"), world.vm("c", "net", "h2", tcp=[80])
    loop = bridge.vms[0]
    with frames.Capture(b.ns) as heard:
        frames.send(loop, announcement_of(loop))
        wait_for("a loop", lambda: announcements(heard, loop, [loop.ip]) > 50,
                 20)
        world.chain("c", [bridge])

        def new():
            """How often the loop is heard until 'a' is."""
            heard.read().clear()
            frames.send(a, announcement_of(a))
            wait_for("the neighbour", lambda: announcements(
                heard, a, [a.ip]), 20)
            return announcements(heard, loop, [loop.ip])
        wait_for("the end of the loop", lambda: not new(), 20)
        frames.send(loop, announcement_of(loop))
        wait_for("the function's own", lambda: announcements(
            heard, loop, [loop.ip]), 20)
        assert new() == 0
    with frames.Capture(loop.ns) as none:
        frames.send(a, announcement_of(a))
        assert world.goes(a, b.ip, "b") and announcements(none, a, [a.ip]) == 0
