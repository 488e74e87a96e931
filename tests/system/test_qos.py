# SPDX-License-Identifier: Apache-2.0
"""QoS (docs/apps/qos.md): how much ports may send and get, and the DSCP of
what they send.  Streams of numbered packets are counted against what a limit
lets through at most in their time; how near TCP comes to it is
tests/bench/limited."""

import contextlib
import re
import socket
import time

import pytest
from app_lab import app_lab
from conftest import (World, check_log, flows, kernel_only, make_token_lab,
                      userspace_only, wait_counted, wait_quiet)
from migrating import Twin
from tenants import PORT, make_tenant
from test_live_apps import ctl, verify

from vmnlab import frames, netns, traffic
from vmnlab.netns import wait_for
from vmnlab.stream import WAY_S, Streams

FRAME = 14 + 20 + 8 + 64        # Bytes of a stream's packet.
RATE = 1000                     # Packets of a stream a second.


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = make_token_lab("qos", 2, tmp_path_factory.mktemp("api"), PORT)
    before = sum(len(flows(host)) for host in lab.hosts)
    with app_lab(lab, "qos"):
        # What packets that no policy is for go on by: two for each direction,
        # and one that ends what is looked up for nothing.
        assert sum(len(flows(host)) for host in lab.hosts) - before == 6 * 2
        yield lab


class Place(World):
    def policy(self, name, *limits, **spec):
        self.put("qos-policies", name, limits=list(limits), **spec)


@pytest.fixture(scope="module")
def ports(lab):
    """What all tests find, and leave: the ports of three VMs."""
    world = World(lab)
    world.network("net", "10.0.0.0/24", "fd00::/64")
    for i, (name, host) in enumerate((("a", "h1"), ("b", "h1"), ("c", "h2")),
                                     1):
        world.vm(name, "net", host, ["10.0.0.%d" % i, "fd00::%d" % i],
                 tcp=[80], labels={"role": "vm", "name": name})
    for name in "abc":
        lab.vm(name).await_addresses()
    yield {"ports/" + name: world.api.get("ports/" + name)["spec"]
           for name in "abc"}
    world.close()


@pytest.fixture
def world(lab, ports):
    world = Place(lab)
    yield world
    world.close()
    for port, spec in ports.items():
        if world.api.get(port)["spec"] != spec:
            world.api.put(port, spec, wait="installed")
    verify(lab)
    check_log(lab.vmnd)


def limit(direction, **what):
    return dict(what, direction=direction)


def sent(world, *pairs, whole=()):
    """Has streams flow, and returns what became of them.  Those in 'whole' no
    limit is for.  Before that datapaths have what was installed just now."""
    vm = world.lab.vm
    world.revalidated()
    streams = Streams(RATE)
    for a, b in pairs:
        streams.add(a + b, vm(a), vm(b))
    with streams:
        return streams.run(1.0).send(int(0.9 * RATE)).stop(whole)


def most(rate, burst, *results):
    """How many packets of streams a limit of so many lets through at most, up
    to the last that has come: a switch that stands still may pass it late."""
    first = min(result.sent[0] for result in results)
    last = max(at for result in results for at, _ in result.seen.values())
    return burst + rate * (last - first) + 2


def check(result, rate, burst):
    """It has met that limit."""
    assert burst <= len(result.seen) <= most(rate, burst, result), str(result)
    assert most(rate, burst, result) < len(result.sent) / 2, str(result)


# Limits.  -------------------------------------------------------------------

@pytest.mark.parametrize("what, rate, burst", [
    ({"max_pps": 20}, 20, 32),
    # The smaller one counts.
    ({"max_pps": 20, "burst_packets": 20, "max_kbps": 400}, 20, 20),
    ({"max_kbps": 20, "burst_kb": 100, "max_pps": 800},
     20e3 / 8 / FRAME, 100e3 / 8 / FRAME),
], ids=["packets", "both", "both-bits"])
def test_what_is_more_is_dropped(world, what, rate, burst):
    """In either direction, and nobody else's."""
    burst = int(burst)
    world.policy("p", limit("egress", **what), ports=["a"])
    found = sent(world, ("a", "b"), ("b", "c"), ("b", "a"),
                 whole=("bc", "ba"))
    check(found["ab"], rate, burst)
    assert not found["bc"].lost and not found["ba"].lost
    world.policy("p", limit("ingress", **what), ports=["a"])
    found = sent(world, ("b", "a"), ("a", "c"), whole=("ac",))
    check(found["ba"], rate, burst)
    assert not found["ac"].lost


def test_other_end_may_be_on_another_host(world):
    what = {"max_pps": 20, "burst_packets": 20}
    world.policy("p", limit("egress", **what), limit("ingress", **what),
                 ports=["a"])
    found = sent(world, ("a", "c"), ("c", "a"))
    check(found["ac"], 20, 20)
    check(found["ca"], 20, 20)


def test_a_port_has_its_limit_for_all_that_it_sends(world):
    """Each port by itself, whomever it talks to."""
    world.policy("p", limit("egress", max_pps=20, burst_packets=20),
                 selector="role=vm")
    found = sent(world, ("a", "b"), ("a", "c"), ("c", "b"))
    together = len(found["ab"].seen) + len(found["ac"].seen)
    assert 20 <= together <= most(20, 20, found["ab"], found["ac"])
    check(found["cb"], 20, 20)


def test_both_families_share_a_limit(world):
    world.policy("p", limit("egress", max_pps=1, burst_packets=5),
                 ports=["a"])
    a, b = map(world.lab.vm, "ab")
    for direction in "egress", "ingress":
        world.policy("p", limit(direction, max_pps=1, burst_packets=10),
                     ports=["a"])
        start = time.monotonic()
        n, n6 = pings(a, b.ip), pings(a, b.ip6)
        assert 0 < n
        # Each by itself would have let through ten of either.
        assert n + n6 <= 10 + (time.monotonic() - start) + 2


def pings(a, ip, size=56):
    """How many of 30 at once are answered, each at most a second after the one
    before.  ping(8) ends two round trips after the last one, which is next to
    no time."""
    a.lab.revalidated()
    v6 = ":" in ip
    kind = socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP
    answers = set()
    with netns.socket_in(a.ns, socket.AF_INET6 if v6 else socket.AF_INET,
                         socket.SOCK_RAW, kind) as sock:
        sock.connect((ip, 0))
        for number in range(30):
            sock.send(traffic.echo_request(9, number, bytes(size),
                                           128 if v6 else 8))
            time.sleep(0.01)
        sock.settimeout(1.0 * netns.PATIENCE)
        with contextlib.suppress(TimeoutError):
            while len(answers) < 30:
                data = sock.recv(8192)[0 if v6 else 20:]
                if data[0] == (129 if v6 else 0):
                    answers.add(data[4:8])
    return len(answers)


@kernel_only
@pytest.mark.parametrize("direction, whose", [("egress", "a"),
                                              ("ingress", "c")])
def test_large_segments_count_as_what_they_hold(world, direction, whose):
    """VMs of the kernel's datapath hand them over whole, and so it passes them
    on (TSO)."""
    a, c = map(world.lab.vm, "ac")
    world.policy("p", limit(direction, max_kbps=2000), ports=[whose])
    start = time.monotonic()
    n = 0
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(netns.socket_in(c.ns))
        listener.bind((c.ip, 9040))
        listener.listen()
        listener.settimeout(10 * netns.PATIENCE)
        netns.run(["ethtool", "-K", "eth0", "tx", "on"], ns=a.ns)
        stack.callback(netns.run, ["ethtool", "-K", "eth0", "tx", "off"],
                       ns=a.ns)
        seen = stack.enter_context(frames.Capture(a.ns, outgoing=True))
        source = stack.enter_context(netns.socket_in(a.ns))
        source.settimeout(10 * netns.PATIENCE)
        source.connect((c.ip, 9040))
        sink = stack.enter_context(listener.accept()[0])
        sink.settimeout(10 * netns.PATIENCE)
        source.setblocking(False)
        while n < 500000:       # Four times the burst.
            with contextlib.suppress(BlockingIOError):
                source.send(bytes(100000))
            n += len(sink.recv(1 << 20))
        took = time.monotonic() - start
        assert any(len(frame) > 4000 for frame in seen.read())
    # With the burst of half a second.
    assert 8 * n <= 1000e3 + 2000e3 * took


def test_neighbours_stay_while_it_sends_too_much(world):
    world.policy("p", limit("egress", max_pps=1, burst_packets=1),
                 limit("ingress", max_pps=1, burst_packets=1), ports=["a"])
    a, b = map(world.lab.vm, "ab")
    for ip in b.ip, b.ip6:
        with Streams(RATE).add("s", a, b) as streams:
            streams.run(0.3)
            a.run("ip", "neigh", "flush", "dev", "eth0")
            a.run("ping", "-c", "1", "-W", "1", ip, check=False)
            wait_for("the neighbour", lambda ip=ip: "lladdr" in a.run(
                "ip", "neigh", "show", ip), 10)


@pytest.mark.parametrize("kind, match", [("arp", "arp"),
                                         ("nd", "icmp_type=136")])
def test_neighbour_discovery_is_no_way_around_it(world, kind, match):
    """What is sent along with an answer of it is limited, too."""
    world.policy("p", limit("egress", max_pps=1, burst_packets=1),
                 ports=["a"])
    a, b = map(world.lab.vm, "ab")
    frame = (frames.arp(b.mac, a.mac, 2, a.mac, a.ip, b.mac, b.ip)
             if kind == "arp" else
             frames.advertisement(b.mac, a.mac, a.ip6, b.ip6, a.ip6, a.mac))
    n_bits = 8 * len(frame)
    world.revalidated()
    start = time.monotonic()
    with frames.Capture(b.ns) as capture:
        frames.send(a, *[frame] * 3000)
        wait_counted("them", lambda: sum(
            flow.n_packets for flow in flows(world.lab.host("h1")).values()
            if "meter" in flow.actions and match in flow.match) > 2000)
        most_of_it = (100e3 + 64e3 * (time.monotonic() - start)) / n_bits + 2
        got = sum(1 for one in capture.read() if one[:14] == frame[:14])
    assert 0 < got <= min(most_of_it, 1500)


def test_limit_follows_what_is_said(world):
    """While packets flow: less, more, none, and the app unloaded."""
    vm = world.lab.vm
    rates = []
    with Streams(RATE).add("s", vm("a"), vm("c")) as streams:
        for spec in ({"max_pps": 100, "burst_packets": 1},
                     {"max_pps": 400, "burst_packets": 1}, None):
            if spec:
                world.policy("p", limit("egress", **spec), ports=["a"])
            else:
                world.delete("qos-policies", "p")
            world.revalidated()
            start = streams.now()
            streams.run(1.0)
            rates.append((start, streams.now()))
        found = streams.stop()["s"]
    n = [len(found.arrived(*span)) for span in rates]
    assert 0 < n[0] <= 100 * (rates[0][1] - rates[0][0] + WAY_S) + 2
    assert n[0] < n[1] <= 400 * (rates[1][1] - rates[1][0] + WAY_S) + 2
    assert not [i for i, at in enumerate(found.sent)
                if rates[2][0] <= at < rates[2][1] and i not in found.seen]


@pytest.mark.parametrize("kind", ["limits", "shared_limits"])
def test_vm_that_moves_has_its_limit_there(world, kind):
    """From its first packet on: the host that it migrates to has it before."""
    world.put("qos-policies", "p", selector="name=a", **{
        kind: [limit("egress", max_pps=20, burst_packets=20)]})
    a, b = map(world.lab.vm, "ab")
    twin = Twin(world, a)
    twin.make(world.lab.host("h2"))
    streams = Streams(RATE).add("s", a, b, links=(("eth0", "eth0"),
                                                  ("eth1", "eth0")))
    world.patch("ports", "a", hosts=["h1", "h2"])
    twin.plug()
    wait_for("the candidate", lambda: world.api.get("ports/a")["status"].get(
        "candidate") == "h2")
    wait_quiet(world.lab)
    if kind == "shared_limits":
        wait_for("its hosts", lambda: hosts_of(world, "p") == ["h1", "h2"])
    world.revalidated()
    try:
        with streams:
            streams.switch("s", 1)
            found = streams.run(1.0).send(int(0.9 * RATE)).stop()["s"]
    finally:
        twin.unplug()
        netns.ip(a.ns, "link delete eth1")
    check(found, 20, 20 + 20)  # Of both hosts.


# Several ports together.  ---------------------------------------------------

def hosts_of(world, name):
    return world.api.get("qos-policies/" + name)["status"].get("hosts", [])


def test_ports_of_a_host_share_a_limit(world):
    """In either direction, whomever they talk to; those of another host have
    as much again."""
    what, rate, burst = {"max_pps": 20, "burst_packets": 20}, 20, 20
    world.policy("p", selector="role=vm",
                 shared_limits=[limit("egress", **what)])
    found = sent(world, ("a", "c"), ("b", "a"), ("c", "a"))
    together = len(found["ac"].seen) + len(found["ba"].seen)
    assert burst <= together <= most(rate, burst, found["ac"], found["ba"])
    check(found["ca"], rate, burst)
    assert hosts_of(world, "p") == ["h1", "h2"]
    world.policy("p", network="net",
                 shared_limits=[limit("ingress", **what)])
    found = sent(world, ("a", "b"), ("c", "a"), ("a", "c"))
    together = len(found["ab"].seen) + len(found["ca"].seen)
    assert burst <= together <= most(rate, burst, found["ab"], found["ca"])
    check(found["ac"], rate, burst)


def test_limits_of_port_network_and_host_all_hold(world):
    """What is beyond the port's own takes nothing from the others, and what
    is beyond its network's nothing from the host."""
    world.network("other", "10.0.0.0/24")
    world.vm("d", "other", "h1", ["10.0.0.1"])
    world.vm("e", "other", "h1", ["10.0.0.2"])
    world.policy("port", limit("egress", max_pps=10, burst_packets=20),
                 ports=["a"])
    world.policy("network", network="net",
                 shared_limits=[limit("egress", max_pps=30, burst_packets=60)])
    world.policy("host", hosts=["h1"], shared_limits=[
        limit("egress", max_pps=60, burst_packets=120)])
    found = sent(world, ("a", "c"), ("b", "c"), ("d", "e"), ("c", "a"))
    n = {pair: len(result.seen) for pair, result in found.items()}
    check(found["ac"], 10, 20)
    assert n["ac"] + n["bc"] <= most(30, 60, found["ac"], found["bc"])
    # The host's is the one that others meet.
    assert n["ac"] + n["bc"] + n["de"] <= most(
        60, 120, found["ac"], found["bc"], found["de"])
    assert n["bc"] >= 1 and n["de"] >= 1
    check(found["ca"], 30, 60)
    assert hosts_of(world, "host") == ["h1"]
    world.delete("qos-policies", "network")
    world.delete("qos-policies", "port")
    found = sent(world, ("a", "c"), ("d", "e"), ("c", "a"), whole=("ca",))
    together = len(found["ac"].seen) + len(found["de"].seen)
    assert 120 <= together <= most(60, 120, found["ac"], found["de"])
    assert not found["ca"].lost


def test_narrower_limit_is_met_first(world):
    """Of those that are shared, whatever their names and labels: what is
    beyond it takes nothing from those that others share, too."""
    a, b, c = map(world.lab.vm, "abc")
    world.policy("host", hosts=["h1"], shared_limits=[
        limit("egress", max_pps=1, burst_packets=40)])
    world.policy("label", selector="name=a", shared_limits=[
        limit("egress", max_pps=1, burst_packets=5)])
    start = time.monotonic()
    assert 5 <= pings(a, c.ip) <= 5 + (time.monotonic() - start) + 2
    # The host's would be used up if it were charged for the rest.
    assert pings(b, c.ip) == 30


def test_both_kinds_of_limit_are_met_by_turns(world):
    """A policy's own limits and the shared ones, each of packets and bits."""
    world.policy("p", limit("egress", max_pps=200, burst_packets=60),
                 selector="role=vm",
                 shared_limits=[limit("egress", max_pps=900, max_kbps=20,
                                      burst_kb=100)])
    found = sent(world, ("a", "c"), ("b", "c"))
    rate, burst = 20e3 / 8 / FRAME, 100e3 / 8 / FRAME
    together = len(found["ac"].seen) + len(found["bc"].seen)
    assert int(burst) <= together <= most(rate, burst, *found.values())
    for result in found.values():
        assert len(result.seen) <= most(200, 60, result)


def test_limit_is_for_what_its_filters_match(world):
    """Each port by itself and all together; what they do not match passes."""
    def rates(*pairs):
        found = sent(world, *pairs, whole=("ab",))
        return [found[a + b] for a, b in pairs]
    b, c = world.lab.vm("b"), world.lab.vm("c")
    pps = {"max_pps": 20, "burst_packets": 20}
    world.policy("p", limit("egress", **pps), selector="role=vm",
                 filters=[{"prefix": c.ip + "/32"}, {"protocol": "tcp"}])
    to_c, to_b, also_to_c = rates(("a", "c"), ("a", "b"), ("b", "c"))
    assert not to_b.lost
    check(to_c, 20, 20)
    check(also_to_c, 20, 20)
    world.policy("p", selector="role=vm", shared_limits=[
        limit("egress", **pps)], filters=[
            {"protocol": "udp", "prefix": c.ip + "/32"},
            {"protocol": "icmp"}])
    to_c, to_b, also_to_c = rates(("a", "c"), ("a", "b"), ("b", "c"))
    assert not to_b.lost
    assert 20 <= len(to_c.seen) + len(also_to_c.seen) <= most(
        20, 20, to_c, also_to_c)
    world.policy("p", limit("egress", max_pps=1, burst_packets=5),
                 ports=["a"], filters=[{"protocol": "icmpv6"}])
    a = world.lab.vm("a")
    start = time.monotonic()
    assert 5 <= pings(a, b.ip6) <= 5 + (time.monotonic() - start) + 2
    assert pings(a, b.ip) == 30


def test_limits_with_filters_all_hold(world):
    """Each is met once, however many of its filters match."""
    a, b, c = map(world.lab.vm, "abc")
    world.policy("p", limit("egress", max_pps=1, burst_packets=40),
                 ports=["a"], filters=[{"protocol": "icmpv6"},
                                       {"prefix": "fd00::/64"}])
    world.policy("q", limit("egress", max_pps=1, burst_packets=5),
                 ports=["a"],
                 filters=[{"protocol": "icmpv6", "prefix": b.ip6 + "/128"}])
    start = time.monotonic()
    assert 5 <= pings(a, b.ip6) <= 5 + (time.monotonic() - start) + 2
    # What p has left of 40.
    assert 10 <= pings(a, c.ip6) <= 10 + (time.monotonic() - start) + 2


def test_filter_of_tcp_ports_is_of_either_end(world):
    """And of later fragments, which have no ports; there is one of it for all
    of its ports."""
    world.policy("p", limit("egress", max_pps=1, burst_packets=1),
                 selector="role=vm",
                 filters=[{"protocol": "tcp", "ports": "79-80"}])
    a, b = world.lab.vm("a"), world.lab.vm("b")
    found = sorted(
        flow.match.split("reg10=")[1].split(",", 1)[1] + " " + kind
        for flow in flows(world.lab.host("h1")).values()
        if "reg10=" in flow.match and "->reg11" in flow.actions
        for kind in re.findall("(tcp6?|ipv6),", flow.match))
    ports = ["tp_%s=%d" % (end, port) for end in ("dst", "src")
             for port in (79, 80)]
    assert found == sorted([port + " " + kind for port in ports
                            for kind in ("tcp", "tcp6")]
                           + ["nw_frag=later tcp", "nw_proto=44 ipv6"])
    assert pings(a, b.ip) == 30


def test_fragments_are_no_way_around_filters(world):
    """Those of IPv6 do not say of which protocol they are."""
    a, b = world.lab.vm("a"), world.lab.vm("b")
    world.policy("p", limit("egress", max_pps=1, burst_packets=40),
                 ports=["a"], filters=[{"protocol": "icmpv6"}])
    start = time.monotonic()
    n = pings(a, b.ip6, 4000)   # In three.
    assert 10 <= n <= (40 + (time.monotonic() - start) + 2) / 3


@pytest.mark.parametrize("n, what", [
    (33, {"shared_limits": [limit("egress", max_pps=100000)]}),
    (5, {"limits": [limit("egress", max_pps=100000)],
         "filters": [{"protocol": "icmp"}, {"protocol": "icmpv6"}]}),
], ids=["shared", "filters"])
def test_port_with_too_many_limits_sends_nothing(world, n, what):
    """Rather than to leave one of them out."""
    names = ["p%d" % i for i in range(n)]
    world.made += [("qos-policies", name) for name in names]
    world.api.apply([{"type": "qos-policies", "name": name,
                      "spec": dict(what, ports=["a"])}
                     for name in names], wait="installed")
    a, b = map(world.lab.vm, "ab")
    world.revalidated()
    assert not pings(a, b.ip) and not pings(a, b.ip6)
    wait_for("it to be told", lambda: "too many limits" in {
        drop["reason"] for drop in world.api.get("drops")["counters"]}, 30)
    for name in names:
        said = world.api.get("qos-policies/" + name)["status"]["unlimited"]
        assert [reason[:reason.index(" of ")] for reason in said] == [
            "h1: no IP packet"], said
    world.delete("qos-policies", "p3")
    assert not world.api.get("qos-policies/p0")["status"]["unlimited"]
    world.revalidated()
    assert pings(a, b.ip) == pings(a, b.ip6) == 30


# Guaranteed rates: see test_guaranteed_rate.py.  ----------------------------

@userspace_only
def test_userspace_datapath_guarantees_nothing_and_says_so(world):
    world.put("qos-uplinks", "up", interface="u0", max_kbps=1000)
    world.policy("p", selector="role=vm", min_kbps=100)
    reason = ": its datapath, netdev, has no queues"
    for name, member in (("qos-policies/p", "unguaranteed"),
                         ("qos-uplinks/up", "unqueued")):
        status = world.api.get(name)["status"]
        assert status[member] == ["h1" + reason, "h2" + reason]
    assert "uplinks" not in world.api.get("hosts/h1")["status"]
    assert not [flow for flow in flows(world.lab.host("h1")).values()
                if "set_queue" in flow.actions]
    assert world.lab.host("h1").vsctl("get", "Port", "u0",
                                      "qos").strip() == "[]"


# Takes all that is left of a pool which apps share.
GLUTTON = """
return { name = "glutton",
    stages = { { name = "eat", hook = "service" } },
    units = { { name = "all", each = "once", compile = function(view, _, emit)
        for i = 1, %d do
            emit:flow { scope = { host = "nowhere" }, stage = "eat",
                        priority = 1, match = { reg_network = i } }
                :limit("of " .. i, 1, 1):next()
        end
    end } } }
"""


def test_what_is_there_holds_when_meters_are_used_up(world, tmp_path):
    """For a port that has come since, too, and for what it has no meter of its
    own for as soon as there is one again."""
    a, b, c = map(world.lab.vm, "abc")
    own = {"max_kbps": 100000, "max_pps": 20000}

    def problems():
        return str(world.api.get("status")["problems"])
    world.policy("p", selector="name=a", shared_limits=[
        limit("egress", max_pps=1, burst_packets=5)])
    script = tmp_path / "glutton.lua"
    script.write_text(GLUTTON % 32764)  # Of 32,768.
    ctl(world.lab, "app", "load", str(script), "--wait")
    try:
        world.policy("q", limit("egress", max_pps=1, burst_packets=2,
                                max_kbps=10000), limit("ingress", **own),
                     selector="role=vm",
                     filters=[{"protocol": "icmp"}, {"protocol": "icmpv6"}])
        wait_for("problems", lambda: all(
            "qos.filtered/" + name in problems() for name in "abc"), 30)
        world.patch("ports", "b", labels={"name": "a"})
        start = time.monotonic()
        assert 5 <= pings(a, c.ip) + pings(b, c.ip) <= (
            5 + (time.monotonic() - start) + 2)
    finally:
        ctl(world.lab, "app", "unload", "glutton", "--wait")
    wait_for("no problems", lambda: "qos." not in problems(), 30)
    wait_quiet(world.lab)
    world.delete("qos-policies", "p")
    for vm in a, b:
        start = time.monotonic()
        assert pings(vm, c.ip) <= 2 + (time.monotonic() - start) + 2


# DSCP.  ---------------------------------------------------------------------

def _opens(frame):
    """Whether it opens a connection: the end of one may come late."""
    found = frames.parse(frame)
    return found.get("protocol") == 6 and found["payload"][13] & 0x12 == 2


def seen_dscp(world, a, b):
    """Of what 'a' sends 'b', in both families."""
    a, b = world.lab.vm(a), world.lab.vm(b)
    found = set()
    world.lab.purged()
    for ip in b.ip, b.ip6:
        with frames.Capture(b.ns) as capture:
            assert traffic.ask(a, ip, 80, seconds=10) == b.name
            found |= {frames.dscp(frame) for frame in capture.read()
                      if _opens(frame)}
    return found


def test_dscp_is_set_and_kept(world):
    for pair in ("ab", "ac"):
        assert seen_dscp(world, *pair) == {0}
    world.policy("p", ports=["a"], dscp=46)
    for pair in ("ab", "ac"):
        assert seen_dscp(world, *pair) == {46}
    assert seen_dscp(world, "c", "a") == {0}
    world.policy("p", limit("egress", max_kbps=10000), ports=["a"], dscp=0)
    for pair in ("ab", "ac"):
        assert seen_dscp(world, *pair) == {0}


def test_dscp_is_that_of_the_tunnel_where_its_host_says_so(world):
    a, c = world.lab.vm("a"), world.lab.vm("c")

    def on_wire():
        """The DSCPs of tunnel packets with a connection that opens."""
        with frames.Capture(world.lab.host("h2").ns, "u0") as capture:
            assert traffic.ask(a, c.ip, 80, seconds=10) == c.name
            return {frames.dscp(frame) for frame in capture.read()
                    if _carries(frame, a.mac)}

    world.policy("p", ports=["a"], dscp=46)
    assert on_wire() == {0}
    world.api.patch("hosts/h1", {"tunnel_dscp": "inherit"})
    try:
        wait_for("the DSCP outside", lambda: on_wire() == {46}, 20)
        world.delete("qos-policies", "p")
        wait_for("no DSCP outside", lambda: on_wire() == {0}, 20)
    finally:
        world.api.patch("hosts/h1", {"tunnel_dscp": None})


def _carries(frame, mac):
    """Whether it is a VXLAN packet with TCP from there in it."""
    udp = frames.of_udp(frame)
    if not udp or udp[1] != 4789:
        return False
    found = frames.parse(udp[2][8:])
    return found["src"] == mac and found.get("protocol") == 6


# Whom it is for.  -----------------------------------------------------------

def test_the_least_limit_counts(world):
    """Nobody lifts a limit by another one for a port of his."""
    world.policy("operator", limit("egress", max_pps=40, burst_packets=20),
                 selector="role=vm", priority=1000)
    world.policy("tenant", limit("egress", max_pps=900, max_kbps=100000),
                 ports=["a"], priority=0)
    check(sent(world, ("a", "c"))["ac"], 40, 20)
    world.policy("tenant", limit("egress", max_pps=20, burst_packets=5),
                 ports=["a"], priority=1000)
    check(sent(world, ("a", "c"))["ac"], 20, 5)


def test_port_has_one_dscp(world):
    """That of the policy with the least priority, else of the first by name;
    of a network, by labels and of the port."""
    def dscp_of(name):
        return next(iter(seen_dscp(world, name, "c" if name != "c" else "a")))
    world.policy("n", network="net", dscp=1)
    assert [dscp_of(name) for name in "abc"] == [1, 1, 1]
    world.policy("m", network="net", selector="name in (a, b)", dscp=2)
    assert [dscp_of(name) for name in "abc"] == [2, 2, 1]
    world.policy("z", selector="name=b", priority=7, dscp=3)
    assert [dscp_of(name) for name in "abc"] == [2, 3, 1]
    world.policy("y", selector="name!=b", priority=7, dscp=4)
    assert [dscp_of(name) for name in "abc"] == [4, 3, 4]
    world.policy("x", ports=["a"], priority=7, dscp=5)
    assert [dscp_of(name) for name in "abc"] == [5, 3, 4]
    world.patch("ports", "b", labels={"name": None})
    assert dscp_of("b") == 4
    world.delete("qos-policies", "y")
    assert [dscp_of(name) for name in "abc"] == [5, 1, 1]
    # Of hosts, which only administrators say, before all that tenants may.
    world.policy("v", hosts=["h1"], dscp=6, priority=1000)
    assert [dscp_of(name) for name in "abc"] == [6, 6, 1]
    world.policy("w", hosts=["h1"], selector="name!=a", dscp=7)
    assert [dscp_of(name) for name in "ab"] == [6, 7]


def test_policy_of_groups_is_for_their_ports(world):
    """Those of groups in them, too; each port once, however many of them it
    is in; and with a network or hosts these of them."""
    world.put("groups", "inner", ports=["b"])
    world.put("groups", "outer", groups=["inner"])
    world.put("groups", "both", selector="name in (a, b)")
    what = {"max_pps": 20, "burst_packets": 20}
    world.policy("p", limit("egress", **what), groups=["outer", "both"])
    found = sent(world, ("a", "c"), ("b", "c"), ("c", "a"), whole=("ca",))
    check(found["ac"], 20, 20)
    check(found["bc"], 20, 20)
    assert not found["ca"].lost
    world.policy("p", groups=["outer", "both"],
                 shared_limits=[limit("egress", **what)])
    found = sent(world, ("b", "c"))
    check(found["bc"], 20, 20)
    assert hosts_of(world, "p") == ["h1"]
    # As soon as somebody is in it.
    world.patch("groups", "inner", ports=["c"])
    wait_for("its hosts", lambda: hosts_of(world, "p") == ["h1", "h2"], 20)
    check(sent(world, ("c", "b"))["cb"], 20, 20)
    world.policy("p", groups=["both", "inner"], hosts=["h2"],
                 shared_limits=[limit("egress", **what)])
    found = sent(world, ("a", "c"), ("c", "a"), whole=("ac",))
    assert not found["ac"].lost
    check(found["ca"], 20, 20)


def test_tenant_is_of_his_own_ports_alone(world):
    world.put("ports", "mine", network="net", labels={"project": "shop"})
    world.put("groups", "all", selector="role=vm")
    world.put("groups", "his", selector="project=shop",
              labels={"project": "shop"})
    world.put("networks", "his", labels={"project": "shop"},
              subnets=[{"cidr": "10.9.0.0/24"}])
    world.made.append(("accounts", "shop"))
    shop = make_tenant(world.lab, "shop", scope="project=shop")

    def put(**spec):
        status, said = shop.call("PUT", "qos-policies/of-shop", {
            "spec": dict(spec, labels={"project": "shop"}, dscp=46)})
        return status, [e["pointer"] for e in said.get("errors", [])]
    world.made.append(("qos-policies", "of-shop"))
    assert put(ports=["mine"], priority=0) == (201, [])
    assert put(hosts=["h1"])[0] == 403
    assert put(ports=["mine"], min_kbps=100)[0] == 403
    assert put(ports=["mine"], pcp=7)[0] == 403
    assert put(ports=["mine"], pcp_from_dscp=True)[0] == 403
    assert put(ports=["mine"], shared_min_kbps=100)[0] == 403
    assert shop.call("PUT", "qos-uplinks/his", {"spec": {
        "labels": {"project": "shop"}, "interface": "u0",
        "max_kbps": 1000}})[0] == 403
    assert put(hosts=["h1"], selector="project=shop")[0] == 403
    # Others may have ports in it.
    assert put(network="his")[0] == 403
    assert put(ports=["a"])[0] == 400   # There is none that it sees.
    assert put(groups=["all"])[0] == 400
    assert put(groups=["his"]) == (200, [])
    assert put(selector="project=shop") == (200, [])


def test_limit_goes_with_the_last_that_it_names(world):
    """And does not become one of all others."""
    world.put_nowait("hosts", "h9", ovsdb="tcp:192.0.2.9:6640",
                     tunnel_ip="192.0.2.9", lost=True)  # Nobody waits for it.
    world.put("ports", "x", network="net")
    world.put("groups", "g", ports=["x"])
    for name, spec in (("one", {"hosts": ["h1", "h9"], "network": "net"}),
                       ("two", {"hosts": ["h9"], "selector": "role=vm"}),
                       ("three", {"hosts": ["h9"]}),
                       ("four", {"ports": ["x"]}),
                       ("five", {"groups": ["g"], "network": "net"})):
        world.policy(name, limit("egress", max_pps=1), **spec)
    world.api.delete("hosts/h9", cascade="true")
    world.api.delete("ports/x", cascade="true")
    world.api.delete("groups/g", cascade="true")
    assert [(p["name"], p["spec"]["hosts"]) for p in
            world.api.get("qos-policies")["items"]] == [("one", ["h1"])]
