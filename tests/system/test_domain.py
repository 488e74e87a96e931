# SPDX-License-Identifier: Apache-2.0
"""Policies between networks that a router joins: what holds in one network
holds across all of them.  The truth tables are those of test_truth.py, and the
open connections those of test_established.py."""

import socket
import time

import pytest
from conftest import World, check_log, close_lab, entry, make_lab, rule

import test_established as established
import test_truth
from truth import Nine
from vmnlab import netns, traffic
from vmnlab.netns import wait_for
from vmnlab.stream import Streams


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("domain", 3, options=["--count-interval=1"])
    yield lab
    close_lab(lab)


# Who reaches whom.  ---------------------------------------------------------

@pytest.fixture(scope="module")
def nine(lab):
    world = World(lab)
    yield Nine(world, routed=True)
    world.api.apply([], prune="truth")
    world.close()
    check_log(lab.vmnd)


@pytest.mark.parametrize("name", test_truth.CASES)
def test_table(nine, name):
    objects, lines = test_truth.CASES[name]
    nine.apply(objects)
    nine.check(lines)


@pytest.mark.parametrize("ns", "xz")
def test_default_of_one_network(nine, ns):
    """It is for what comes in, also from its own; answers go back."""
    nine.apply([])
    nine.world.patch("networks", ns, default="deny")
    try:
        nine.check(["deny * -> %s/*" % ns])
        nine.apply(test_truth.policy("p", "ns=" + ns, test_truth.ingress(
            peers=["ns=y"], services=["tcp/80"])))
        nine.check(["deny * -> %s/*" % ns, "allow y/* -> %s/* tcp/80" % ns])
    finally:
        nine.world.patch("networks", ns, default="allow")
        nine.apply([])


def test_reachability_is_what_packets_find(nine):
    """By the matrix, and by a trace of each pair."""
    objects, lines = (test_truth.policy("p", "ns=x", test_truth.ingress(
        peers=["ns=y,pod=a"], services=["tcp/80"])),
        ["deny * -> x/*", "allow y/a -> x/* tcp/80"])
    nine.apply(objects)
    nine.check(lines)
    found = nine.world.api.get("reachability", protocol="tcp", port=80)
    kinds = {k["id"]: k["ports"] for k in found["classes"]}
    cells = {(a, b): c["verdict"] for c in found["cells"]
             for a in kinds[c["from"]] for b in kinds[c["to"]] if a != b}
    assert len(cells) == 9 * 8
    for a, b in cells:
        want = not b.startswith("x") or a == "y-a"
        assert cells[a, b] == ("delivered" if want else "dropped"), (a, b)
        traced = nine.world.api.call("POST", "/v1/trace", {
            "from": a, "to": b, "protocol": "tcp", "port": 80, "reply": True})
        assert traced["verdict"] == cells[a, b], (a, b)
    nine.apply([])


# Open connections.  ---------------------------------------------------------

class Pair:
    """As established.Pair, but each VM is in a network of its own."""
    kept = False

    def __init__(self, world):
        self.world = world
        self.vms = []
        for i, (name, host) in enumerate((("cli", "h1"), ("srv", "h2"),
                                          ("oth", "h3"))):
            # The first network has a name that the cases know.
            net = "net" if not i else "net%d" % i
            world.put("networks", net, subnets=[
                {"cidr": "10.0.%d.0/24" % i, "gateway": "10.0.%d.254" % i}])
            self.vms.append(world.vm(name, net, host, "10.0.%d.1" % i,
                                     tcp=[80], udp=[53],
                                     labels={"role": name}))
        self.join("net", "net1", "net2")
        for a in self.vms:
            for b in self.vms:
                assert a is b or world.reaches(a, b)

    def join(self, *networks):
        self.world.put("routers", "r", interfaces=[
            {"network": net} for net in networks])

    apply = established.Pair.apply


@pytest.fixture(scope="module")
def pair(lab):
    """Beside the nine, with the very same addresses."""
    world = World(lab)
    # Whichever of their tests ran last: its policies would be for these, too.
    world.api.apply([], prune="truth")
    yield Pair(world)
    world.api.apply([], prune=established.SET)
    world.close()
    check_log(lab.vmnd)


# One of each way in which a change may concern connections.
CASES = [
    "rule removed", "all egress rules removed",
    "ports narrowed, past the connection", "peers narrowed to a prefix",
    "policy isolates, added", "policy isolates both ways, added",
    "policy isolates the other's side, added", "tier above denies",
    "tier above denies egress", "denial put before",
    "group's selector lets go of the peer", "group loses the peer's address",
    "kept, rules removed", "kept, egress rules removed",
    "kept, policy of others closes those from there",
]


@pytest.mark.parametrize("name", CASES)
def test_change(pair, name):
    established.test_change(pair, name)


@pytest.mark.parametrize("name", [
    name for name in established.OBJECTS
    if name != "network denies by default"])
def test_object(pair, name):
    established.test_object(pair, name)


def test_answers_pass_the_default_of_the_others(pair):
    """What a network's default cuts is what comes into it; who asks from there
    is answered."""
    pair.apply([])
    for network, want in (("net", "CD"), ("net1", "AB"), ("net2", "")):
        held = established.open_four(pair, "")
        try:
            pair.world.patch("networks", network, default="deny")
            assert held.cut(time.monotonic()) == want
        finally:
            held.close()
            pair.world.patch("networks", network, default="allow")


# What goes along.  ----------------------------------------------------------

def refused(source, ip, port):
    """Whether a datagram to 'ip' is answered by an ICMP error, in the end."""
    sock = netns.socket_in(source.ns, kind=socket.SOCK_DGRAM)
    with sock:
        sock.settimeout(0.3)
        sock.connect((ip, port))

        def told():
            try:
                sock.send(b"anybody?")
                sock.recv(100)
            except ConnectionRefusedError:
                return True
            except TimeoutError:
                pass
            return None
        try:
            return wait_for("an ICMP error", told, 5)
        except netns.Error:
            return False


def test_errors_come_back_with_their_connection(pair):
    cli, srv, _ = pair.vms
    pair.apply(established.policy("in", "role=srv", established.ingress(
        peers=["role=cli"], services=["udp/99"]))
        + established.policy("shut", "role=cli"))
    assert refused(cli, srv.ip, 99)
    pair.apply([])


def test_drops_name_both_sides(pair):
    cli, srv, _ = pair.vms
    pair.apply(established.policy("p", "role=srv"))
    assert pair.world.blocked(cli, srv)

    def samples():
        return [s for s in pair.world.api.get("drops")["samples"]
                if s.get("reason") == "isolated"
                and s["src"].get("port") == "cli"]
    found = wait_for("a sample", samples)
    assert found[0]["dst"]["port"] == "srv"
    wait_for("a counter of the policy's", lambda: any(
        c["object"] == {"type": "policies", "name": "p"} for c in
        pair.world.api.get("drops", reason="isolated")["counters"]))
    pair.apply([])


def identities(world):
    return {tuple(i["ports"]): (i["number"], i.get("router"),
                                i.get("network"))
            for i in world.api.get("identities")["items"]}


def test_streams_pass_while_networks_come_and_go(pair):
    """Between two networks of a router nothing is lost while policies change,
    and while a third network is attached and detached; what is attached starts
    over, and nobody else's numbers change."""
    world = pair.world
    cli, srv, oth = pair.vms
    into = established.policy("in", "role=srv", established.ingress(
        peers=["role=cli"], services=["udp/9000"]), established.ingress(
            peers=["10.0.2.0/24"], services=["tcp"]))

    def out(port):
        return established.policy("out", "role=cli", established.egress(
            peers=["role=srv"], services=["udp/9000", "tcp/%d" % port]))
    pair.apply(into + out(80))
    before = identities(world)
    assert {i[1:] for i in before.values()} == {("r", None)}
    held = world.held(oth, srv)
    mac = world.api.get("routers/r")["status"]["mac"]
    streams = Streams()
    streams.add("there", cli, srv, to=(mac, srv.ip))
    streams.add("back", srv, cli, to=(mac, cli.ip))
    with streams:
        streams.run(0.5)
        for i in range(5):
            pair.apply(into + out(1000 + i))
            streams.run(0.2)
        pair.join("net", "net1")
        streams.run(0.5)
        alone = identities(world)
        pair.join("net", "net1", "net2")
        streams.run(0.5)
        found = streams.stop(("there", "back"))
    for result in found.values():
        print(result)
        assert len(result.sent) > 1000
        assert not result.lost
    for name in ("cli", "srv"):
        assert before[name,] == alone[name,] == identities(world)[name,]
    assert held.again(10)       # It has started over, and may.
    held.close()
    pair.apply([])


def test_streams_pass_while_identities_change(pair):
    """Packets that have a former identity after connection tracking go through
    the tables anew; they have been routed by then."""
    world = pair.world
    cli, srv, _ = pair.vms
    world.group("flip", "flip=1")
    pair.apply(established.policy("in", "role=srv", established.ingress(
        peers=["role=cli"], services=["udp/9000"])))
    mac = world.api.get("routers/r")["status"]["mac"]
    streams = Streams()
    streams.add("there", cli, srv, to=(mac, srv.ip))
    streams.add("back", srv, cli, to=(mac, cli.ip))
    with streams:
        streams.run(0.5)
        for i in range(20):
            for name in ("cli", "srv"):
                world.patch("ports", name,
                            labels={"flip": None if i & 1 else "1"})
        found = streams.run(0.5).stop(("there", "back"))
    for result in found.values():
        print(result)
        assert not result.lost
    pair.apply([])


def test_a_plan_says_what_starts_over(pair):
    plan = pair.world.api.put("routers/r", {"interfaces": [
        {"network": "net"}, {"network": "net1"}]}, dry_run="plan")
    assert plan["restarts"] == ["net2"]
