# SPDX-License-Identifier: Apache-2.0
"""Mirrors to a port (docs/apps/mirrors.md): copies of what ports send and get,
to a VM on whichever host.  App mirrors, and real switches on two hosts.  What
is read by the API is in test_capture.py."""

import time

import pytest
from app_lab import app_lab, close_world, load
from conftest import World, flows, make_lab, wait_quiet
from migrating import Twin
from test_capture import datagrams

from vmnlab import frames, traffic
from vmnlab.api import Refused
from vmnlab.netns import wait_for
from vmnlab.stream import Streams


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("mirrors", 2)
    before = sum(len(flows(host)) for host in lab.hosts)
    with app_lab(lab, "mirrors"):
        # What packets that no mirror is of go on by: one for each stage.
        assert sum(len(flows(host)) for host in lab.hosts) - before == 2 * 2
        yield lab


@pytest.fixture(name="world")
def _world(lab):
    world = World(lab)
    world.network("net", "10.0.0.0/24", "fd00::/64")
    world.network("tools", "10.0.0.0/24")   # Others', with the same addresses.
    for i, (name, host) in enumerate((("a", "h1"), ("b", "h1"), ("c", "h2")),
                                     1):
        world.vm(name, "net", host, ["10.0.0.%d" % i, "fd00::%d" % i],
                 tcp=[80], labels={"role": "vm", "name": name})
    for i, (name, host) in enumerate((("p", "h1"), ("q", "h2")), 1):
        world.vm(name, "tools", host, "10.0.0.%d" % i)
    for name in "abc":
        lab.vm(name).await_addresses()
    yield world
    close_world(world, "mirrors")


class Probe:
    """What a VM is given of UDP to port 7, and of TCP."""

    def __init__(self, vm):
        self.vm = vm
        self.capture = frames.Capture(vm.ns)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.capture.close()

    def seen(self):
        return [f for f in self.capture.read()
                if (frames.of_udp(f) or (0, 0))[1] == 7]

    def gets(self, wanted, seconds=15):
        """Waits until it has got just these, in any order."""
        wait_for("copies", lambda: len(self.seen()) >= len(wanted), seconds)
        assert sorted(self.seen()) == sorted(wanted)


def status_of(world, name="m"):
    return world.api.get("mirrors/" + name)["status"]


def mirror(world, name="m", **spec):
    world.put("mirrors", name, **spec)
    world.revalidated()


# Copies.  --------------------------------------------------------------------

@pytest.mark.parametrize("to", ["p", "q"])
def test_a_port_gets_copies_from_wherever(world, lab, to):
    """Of what VMs of both hosts send and get, byte by byte, each once for
    each mirrored port; what they send each other arrives once, too."""
    a, b, c = (lab.vm(name) for name in "abc")
    mirror(world, ports=["a", "c"], to_port=to)
    out, back, aside = (datagrams(a, c, 20), datagrams(c, a, 20),
                        datagrams(b, a, 5))
    with Probe(lab.vm(to)) as probe, Probe(a) as at_a, Probe(c) as at_c:
        frames.send(a, *out)
        frames.send(c, *back)
        frames.send(b, *aside)
        probe.gets(2 * out + 2 * back + aside)
        at_a.gets(back + aside)
        at_c.gets(out)
    status = world.api.get("mirrors/m")["status"]
    assert status["active"] and status["hosts"] == ["h1", "h2"]
    assert status["ports"] == ["a", "c"]


def test_directions_and_filters(world, lab):
    a, b, c, p = (lab.vm(name) for name in "abcp")
    out, back = datagrams(a, c, 5), datagrams(c, a, 5)
    for spec, wanted in (({"direction": "egress"}, out),
                         ({"direction": "ingress"}, back),
                         ({"filters": [{"prefix": b.ip + "/32"}]}, []),
                         ({"filters": [{"protocol": "udp", "ports": "7",
                                        "prefix": c.ip + "/32"},
                                       {"protocol": "udp"}]}, out + back)):
        mirror(world, ports=["a"], to_port="p", **spec)
        with Probe(p) as probe:
            frames.send(a, *out)
            frames.send(c, *back)
            # What comes last, whatever the filter is.
            mirror(world, "end", ports=["b"], to_port="p")
            last = datagrams(b, c, 1)
            frames.send(b, *last)
            probe.gets(wanted + last)
            world.delete("mirrors", "end")


def test_connections_and_both_families(world, lab):
    """TCP through policies and connection tracking, with a copy of each
    packet in both directions."""
    a, c = lab.vm("a"), lab.vm("c")
    mirror(world, ports=["a"], to_port="q")
    for ip in c.ip, c.ip6:
        with frames.Capture(lab.vm("q").ns) as capture, \
                frames.Capture(a.ns, outgoing=True) as own:
            assert traffic.ask(a, ip, 80, seconds=10) == c.name

            def tcp_of(capture):
                return sorted(f for f in capture.read()
                              if frames.parse(f).get("protocol") == 6)
            wait_for("copies", lambda: len(tcp_of(capture)) >= 8
                     and tcp_of(capture) == tcp_of(own), 15)


def test_a_copy_is_never_copied(world, lab):
    """Two mirrors, each of whose ports gets the other's copies: of what they
    get so, and of what a guest sends on of it, there is no further copy."""
    a, c, p, q = (lab.vm(name) for name in "acpq")
    mirror(world, "one", ports=["a", "q"], to_port="p")
    mirror(world, "two", ports=["a", "p"], to_port="q")
    out = datagrams(a, c, 10)
    with Probe(p) as at_p, Probe(q) as at_q, Probe(c) as at_c:
        frames.send(a, *out)
        at_p.gets(out)
        at_q.gets(out)
        at_c.gets(out)
        # A bridge that sends on what it gets.
        frames.send(p, *out)
        last = datagrams(a, c, 11)[10:]
        frames.send(a, *last)
        for probe in at_p, at_q, at_c:
            probe.gets(out + last)


def test_nobody_hides_by_copies_to_himself(world, lab):
    """Its own packets are in the mirrors of others as before."""
    p, q = lab.vm("p"), lab.vm("q")
    mirror(world, "operator", ports=["p"], to_port="b")
    mirror(world, "own", ports=["a", "p"], to_port="p")
    out = datagrams(p, q, 5)
    with Probe(lab.vm("b")) as at_b, Probe(p) as at_p:
        frames.send(p, *out)
        at_b.gets(out)
        # Not to itself.
        last = datagrams(lab.vm("a"), lab.vm("c"), 1)
        frames.send(lab.vm("a"), *last)
        at_p.gets(last)
    assert world.api.get("mirrors/own")["status"]["ports"] == ["a"]


def test_who_gets_copies_may_do_no_more_than_before(world, lab):
    """It speaks for nobody: what it sends from others' addresses is dropped,
    and policies hold for what it sends and gets itself."""
    a, p = lab.vm("a"), lab.vm("p")
    world.vm("r", "net", "h1", "10.0.0.9")
    r = lab.vm("r")
    mirror(world, ports=["a"], to_port="r")
    with Probe(lab.vm("c")) as at_c:
        frames.send(r, *datagrams(a, lab.vm("c"), 5))
        own = datagrams(r, lab.vm("c"), 1)
        frames.send(r, *own)
        at_c.gets(own)
    assert p


def test_a_service_function_gets_no_copies(world, lab):
    """It would send them on, as of whom they are: to who has them already,
    and whose mirror would copy them again, without an end."""
    load(lab, "chains")
    world.vm("f", "net", "h1", "10.0.0.9")
    mirror(world, ports=["c"], to_port="f")
    assert world.api.get("mirrors/m")["status"]["active"]
    world.put("chains", "chain", network="net", hops=[
        {"name": "one", "functions": [{"in": "f"}]}])
    status = world.api.get("mirrors/m")["status"]
    assert not status["active"]
    assert status["problem"] == "to_port is of a service function"
    world.delete("chains", "chain")
    assert world.api.get("mirrors/m")["status"]["active"]


def test_copies_that_do_not_fit_bother_nobody(world, lab):
    """A tunnel carries less of the network that they are for: its sender is
    not told, and vmnd is not asked to.  On the kernel's datapath the underlay
    decides what fits, which is more than that network's MTU."""
    a, b, q = (lab.vm(name) for name in "abq")
    world.patch("networks", "tools", mtu=1300)
    mirror(world, ports=["a"], to_port="q")
    large, small = datagrams(a, b, 3, size=1300), datagrams(a, b, 4)[3:]

    def drops(reason):
        return world.api.get("drops", reason=reason,
                             background="true")["counters"]
    before = drops("larger than the MTU")
    with Probe(q) as at_q, Probe(b) as at_b:
        frames.send(a, *large, *small)
        at_b.gets(large + small)
        at_q.gets(small if lab.datapath == "netdev" else large + small)
    if lab.datapath == "netdev":
        wait_for("the counter", lambda: sum(
            d["packets"] for d in drops("copy larger than the MTU")) == 3, 30)
    assert drops("larger than the MTU") == before


def test_limits_and_policies_do_not_count_copies(world, lab):
    """The port that gets copies is isolated, and still gets them: they are
    nobody's packets."""
    a, c, q = (lab.vm(name) for name in "acq")
    world.group("probes", ports=["q"])
    world.policy("closed", "probes", {"direction": "ingress",
                                      "action": "deny"})
    mirror(world, ports=["a"], to_port="q")
    out = datagrams(a, c, 5)
    with Probe(q) as probe:
        frames.send(a, *out)
        probe.gets(out)


def test_nobody_takes_the_operators_place(world):
    """Of more mirrors than a port may have, those of operators count."""
    for i in range(17):
        world.put("mirrors", "m%02d" % i, ports=["a"])
    world.put("mirrors", "z", labels={"admin/ids": ""}, selector="name=a")
    ports = [world.api.get("mirrors/" + name)["status"]["ports"]
             for name in ["m%02d" % i for i in range(17)] + ["z"]]
    assert ports[-1] == ["a"] and ports.count(["a"]) == 16
    for i in range(17):
        world.api.delete("mirrors/m%02d" % i)


# Bounds.  --------------------------------------------------------------------

@pytest.mark.parametrize("to", ["p", "q"])
def test_what_is_too_much_is_not_copied_and_nothing_else(world, lab, to):
    """No more a second than it says, and of the streams that are copied
    nothing is lost."""
    a, c = lab.vm("a"), lab.vm("c")
    mirror(world, ports=["a"], to_port=to, max_pps=50)
    start = time.monotonic()
    with frames.Capture(lab.vm(to).ns) as capture:
        with Streams(1000).add("s", a, c).add("t", c, a) as streams:
            found = streams.run(2.0).stop(("s", "t"))
        n = len([f for f in capture.read() if frames.of_udp(f)])
    most = 50 + 50 * (time.monotonic() - start)
    assert not found["s"].lost and not found["t"].lost
    assert 50 <= n <= most < len(found["s"].sent) / 2


def test_no_packet_is_lost_while_mirrors_come_and_go(world, lab):
    a, c = lab.vm("a"), lab.vm("c")
    with Streams(1000).add("s", a, c).add("t", c, a) as streams:
        for to in "pqpq":
            mirror(world, ports=["a"], to_port=to)
            streams.run(0.3)
            world.delete("mirrors", "m")
            streams.run(0.2)
        found = streams.stop(("s", "t"))
    assert not found["s"].lost and not found["t"].lost


# Where.  ---------------------------------------------------------------------

def test_it_follows_both_ends(world, lab):
    """The VM that is copied, and the one that gets copies, are elsewhere."""
    a, c, p = (lab.vm(name) for name in "acp")
    mirror(world, ports=["a"], to_port="p")
    out = datagrams(a, c, 5)
    for name in "p", "a":
        twin = Twin(world, lab.vm(name))
        twin.make(lab.host("h2"))
        world.patch("ports", name, hosts=["h1", "h2"])
        twin.plug()
        wait_for("the candidate", lambda n=name: world.api.get("ports/" + n)[
            "status"].get("candidate") == "h2")
        wait_quiet(lab)
        # Each is served where it is, and on its way.
        with Probe(p) as probe:
            frames.send(a, *out)
            probe.gets(out)
        twin.unplug()
        wait_quiet(lab)


def test_it_says_why_it_copies_nothing(world):
    world.put("mirrors", "m", ports=["a"], to_port="p")
    for spec, said in (({"enabled": False}, "to_port is not enabled"),
                       ({"enabled": True}, None),
                       ({"quarantined": True}, "to_port is quarantined"),
                       ({"quarantined": False}, None)):
        world.patch("ports", "p", **spec)
        status = world.api.get("mirrors/m")["status"]
        assert status["active"] == (said is None)
        assert status.get("problem") == said


def test_it_costs_nothing_where_it_is_not(world, lab):
    """Flows on hosts with ports of it alone, and none when it is gone."""
    def count():
        wait_quiet(lab)
        return [len(flows(host)) for host in lab.hosts]
    before = count()
    mirror(world, ports=["a"])
    assert count() == [before[0] + 3, before[1]]
    mirror(world, ports=["a"], direction="egress")
    assert count() == [before[0] + 2, before[1]]
    world.delete("mirrors", "m")
    assert count() == before


def test_it_copies_no_more_than_before_when_what_it_names_goes(world):
    """Not to who reads, without its port; nor of all networks, without its
    own; a port that is one of several it does without."""
    world.put("ports", "z", network="tools")
    world.network("other", "10.9.0.0/24")
    world.group("some", "role=vm")
    world.put("mirrors", "to", ports=["a"], to_port="z", max_pps=20000)
    world.put("mirrors", "of", groups=["some"], network="other")
    world.put("mirrors", "one", ports=["a", "z"])
    for gone in "ports/z", "networks/other":
        with pytest.raises(Refused) as refused:
            world.api.delete(gone)
        assert refused.value.status == 409
        world.api.delete(gone, cascade="true")
    assert [(m["name"], m["spec"]["ports"]) for m in
            world.api.get("mirrors")["items"]] == [("one", ["a"])]
    # What has nothing left says so.
    world.put("ports", "y", network="tools")
    world.put("mirrors", "one", ports=["y"])
    world.api.delete("ports/y", cascade="true")
    status = world.api.get("mirrors/one")["status"]
    assert not status["active"]
    assert "names nothing any more" in status["problem"]


# Mistakes.  ------------------------------------------------------------------

@pytest.mark.parametrize("spec, pointer", [
    ({}, ""),
    ({"ports": ["a"], "network": "net"}, "/network"),
    ({"network": "net"}, ""),
    ({"ports": ["nobody"]}, "/ports/0"),
    ({"networks": ["nobody"]}, "/networks/0"),
    ({"groups": ["nobody"]}, "/groups/0"),
    ({"selector": "a=("}, "/selector"),
    ({"ports": ["a"], "to_port": "nobody"}, "/to_port"),
    ({"ports": ["a"], "direction": "up"}, "/direction"),
    ({"ports": ["a"], "max_pps": 2001}, "/max_pps"),
    ({"ports": ["a"], "max_pps": 0}, "/max_pps"),
    ({"ports": ["a"], "to_port": "p", "max_pps": 1000001}, "/max_pps"),
    ({"ports": ["a"], "max_size": 63}, "/max_size"),
    ({"ports": ["a"], "to_port": "p", "max_size": 64}, "/max_size"),
    ({"ports": ["a"], "until": "tomorrow"}, "/until"),
    ({"ports": ["a"], "filters": [{"protocol": "tcp"},
                                  {"protocol": "icmp", "ports": "1"}]},
     "/filters/1/ports"),
    ({"ports": ["a"], "filters": [{"ports": "80"}]}, "/filters/0/ports"),
    ({"ports": ["a"], "filters": [{"protocol": "icmpv6",
                                   "prefix": "10.0.0.0/8"}]},
     "/filters/0/prefix"),
    ({"ports": ["a"], "filters": [{"protocol": "arp",
                                   "prefix": "fd00::/8"}]},
     "/filters/0/prefix"),
    ({"ports": ["a"], "filters": 11 * [{"protocol": "tcp"}]
      + [{"ports": "1"}]}, "/filters/11/ports"),
    ({"ports": ["a"], "filters": 17 * [{"protocol": "tcp"}]}, "/filters"),
    ({"ports": ["a"], "filters": [{"protocol": "ip"}]},
     "/filters/0/protocol"),
    ({"ports": ["a"], "rules": [{}]}, "/rules"),
])
def test_mistakes_are_named(world, spec, pointer):
    with pytest.raises(Refused) as refused:
        world.api.put("mirrors/m", spec)
    assert refused.value.status in (400, 413)   # The latter: too many.
    assert ("/spec" + pointer if pointer else "") in [
        e["pointer"] for e in refused.value.problem["errors"]]
