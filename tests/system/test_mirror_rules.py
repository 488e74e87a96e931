# SPDX-License-Identifier: Apache-2.0
"""Mirrors of what rules of policies decide (docs/apps/mirrors.md): of packets
that they allow, with their answers, and of those that they drop.  App mirrors,
and real switches on two hosts.  What mirrors of all kinds have in common is in
test_mirrors.py."""

import re

import pytest
from app_lab import app_lab, close_world
from conftest import World, flows, make_token_lab, wait_counted, wait_quiet
from tenants import PORT, make_tenant
from test_capture import Capture, datagrams, stream
from test_live_apps import ctl
from test_mirrors import Probe, mirror, status_of

import pcapng
from vmnlab import frames, netns, traffic
from vmnlab.api import Refused
from vmnlab.netns import wait_for

SHOP, BANK = {"project": "shop"}, {"project": "bank"}


def rule(action, direction="ingress", port=None, protocol="udp", **more):
    services = [{"protocol": protocol, "ports": [port]}] if port else None
    return dict({"direction": direction, "action": action},
                **({"services": services} if services else {}), **more)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = make_token_lab("mirrrule", 2, tmp_path_factory.mktemp("api"), PORT)
    with app_lab(lab, "mirrors"):
        yield lab


@pytest.fixture(name="vms", scope="module")
def _vms(lab):
    """What all tests send from and to."""
    world = World(lab)
    world.network("net", "10.0.0.0/24", "fd00::/64")
    world.network("tools", "10.0.0.0/24")   # Others', with the same addresses.
    for i, (name, host, labels) in enumerate(
            (("a", "h1", SHOP), ("b", "h1", SHOP), ("c", "h2", SHOP),
             ("x", "h2", BANK)), 1):
        world.vm(name, "net", host, ["10.0.0.%d" % i, "fd00::%d" % i],
                 tcp=[80] if name == "c" else [], labels=labels)
    for i, (name, host) in enumerate((("p", "h1"), ("q", "h2")), 1):
        world.vm(name, "tools", host, "10.0.0.%d" % i)
    for name in "acx":
        lab.vm(name).await_addresses()
    world.group("c", ports=["c"], labels=SHOP)
    yield world
    world.close()


@pytest.fixture(name="world")
def _world(lab, vms):
    world = World(lab)
    assert vms
    yield world
    close_world(world, "mirrors")


def tcp_of(capture):
    return sorted(f for f in capture.read()
                  if frames.parse(f).get("protocol") == 6)


# What is copied.  ------------------------------------------------------------

@pytest.mark.parametrize("to, action", [("p", "deny"), ("q", "reject")])
def test_what_a_rule_drops(world, lab, to, action):
    """That, byte by byte, and nothing that others decide; it is dropped all
    the same, and counted as before."""
    a, c = lab.vm("a"), lab.vm("c")
    world.policy("p", "c", rule("allow", port=8), rule(action, port=7),
                 rule("allow"), labels=SHOP)
    mirror(world, policies=[{"policy": "p", "rules": [1]}], to_port=to)
    dropped, let_in = datagrams(a, c, 20), datagrams(a, c, 5, port=8)
    with Probe(lab.vm(to)) as probe, Probe(c) as at_c, \
            frames.Capture(lab.vm(to).ns) as every:
        frames.send(a, *let_in, *dropped)
        probe.gets(dropped)
        assert not at_c.seen()
        assert not [f for f in every.read()
                    if (frames.of_udp(f) or (0, 0))[1] == 8]
    status = status_of(world)
    assert status["active"] and status["hosts"] == ["h2"]
    assert status["ports"] == ["c"] and "problem" not in status
    wait_counted("the rule's counter", lambda: (
        world.api.get("policies/p")["status"]["rules"][1]["packets"]) == 20)
    wait_counted("the mirror's",
                 lambda: status_of(world).get("packets") == 20)


@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_all_of_a_connection_that_a_rule_allows(world, lab, direction):
    """In both directions, and both families, on the host where it decides."""
    a, c, q = (lab.vm(name) for name in "acq")
    world.group("a", ports=["a"])
    own = {"ingress": c, "egress": a}[direction]
    world.policy("p", {"ingress": "c", "egress": "a"}[direction],
                 rule("allow", direction, 80, "tcp"))
    mirror(world, policies=[{"policy": "p"}], to_port="q")
    for ip in c.ip, c.ip6:
        with frames.Capture(q.ns) as capture, \
                frames.Capture(own.ns, outgoing=True) as all_:
            assert traffic.ask(a, ip, 80, seconds=10) == c.name
            wait_for("copies", lambda c=capture, o=all_: len(tcp_of(c)) >= 8
                     and tcp_of(c) == tcp_of(o), 15)
    assert status_of(world)["hosts"] == [
        {"ingress": "h2", "egress": "h1"}[direction]]


def test_directions_are_the_ports(world, lab):
    """What the port sends is egress, also as an answer that a rule of ingress
    decides on."""
    a, c, p = (lab.vm(name) for name in "acp")
    world.policy("p", "c", rule("allow"))
    out = datagrams(a, c, 5)
    back = datagrams(c, a, 5, port=1000, source=7)
    for way, wanted in (("ingress", out), ("egress", back)):
        mirror(world, policies=[{"policy": "p", "rules": [0]}], to_port="p",
               direction=way)
        with frames.Capture(p.ns) as at_p, Probe(c) as at_c, \
                frames.Capture(a.ns) as at_a:
            frames.send(a, *out)
            at_c.gets(out)
            frames.send(c, *back)
            wait_for("answers", lambda a=at_a: set(back) <= set(a.read()), 15)
            # What comes last has a copy, behind any that is too many.
            last = out[:1] if way == "ingress" else back[:1]
            frames.send({"ingress": a, "egress": c}[way], *last)
            wait_for("copies", lambda w=wanted + last, p=at_p: len(
                [f for f in p.read() if frames.of_udp(f)]) >= len(w), 15)
            assert sorted(f for f in at_p.read() if frames.of_udp(f)) \
                == sorted(wanted + last)


def test_filters_of_two_mirrors_and_a_limit_of_one(world, lab):
    """Of a rule that drops: a limit of the first takes nothing of the
    second."""
    a, c, p, q = (lab.vm(name) for name in "acpq")
    world.policy("p", "c", rule("deny"))
    of_rule = [{"policy": "p", "rules": [0]}]
    mirror(world, "m1", policies=of_rule, to_port="p", max_pps=1)
    mirror(world, "m2", policies=of_rule, to_port="q",
           filters=[{"protocol": "udp", "ports": "7"}])
    sent = datagrams(a, c, 100)
    with Probe(p) as at_p, Probe(q) as at_q:
        frames.send(a, *datagrams(a, c, 5, port=8), *sent)
        at_q.gets(sent)
        assert len(at_p.seen()) < 90


def test_what_a_shadow_would_drop(world, lab):
    """A policy that is only tried: its rules decide nothing, and what they
    would is copied."""
    a, c = lab.vm("a"), lab.vm("c")
    world.policy("p", "c", rule("deny", port=7), mode="shadow")
    mirror(world, policies=[{"policy": "p", "rules": [0]}], to_port="p")
    out = datagrams(a, c, 5)
    with Probe(lab.vm("p")) as probe, Probe(c) as at_c:
        frames.send(a, *out, *datagrams(a, c, 5, port=8))
        probe.gets(out)
        at_c.gets(out)


def test_to_an_interface_and_through_a_router(world, lab):
    """On the host of the port that the policy applies to; packets are as
    policies judge them, routed."""
    a, c = lab.vm("a"), lab.vm("c")
    h2 = lab.host("h2")
    world.network("far", "10.0.9.0/24")
    far = world.vm("far", "far", "h1", "10.0.9.9")
    world.put("routers", "r", interfaces=[
        {"network": "net", "addresses": ["10.0.0.254", "fd00::254"]},
        {"network": "far", "addresses": ["10.0.9.254"]}])
    h2.vsctl("add-port", "br-int", "ids0", "--", "set", "interface", "ids0",
             "type=internal")
    try:
        netns.ip(h2.ns, "link set ids0 up")
        world.policy("p", "c", rule("deny"))
        mirror(world, policies=[{"policy": "p", "rules": [0]}],
               to_interface="ids0")
        wait_for("the interface", lambda: "problem" not in status_of(world),
                 30)
        world.revalidated()
        mac = world.api.get("routers/r")["status"]["mac"]
        with frames.Capture(h2.ns, "ids0") as at_ids:
            frames.send(a, *datagrams(a, c, 3))
            frames.send(far, *[frames.udp(mac, far.mac, far.ip, c.ip, 1, 7,
                                          b"far, %15d" % i)
                              for i in range(3)])
            wait_for("copies", lambda: len(
                [f for f in at_ids.read() if frames.of_udp(f)]) >= 6, 15)
            got = [f for f in at_ids.read() if frames.of_udp(f)]
        assert len(got) == 6
        assert {f[:6] for f in got} == {bytes.fromhex(c.mac.replace(":", ""))}
    finally:
        h2.vsctl("--if-exists", "del-port", "br-int", "ids0")


def test_who_gets_copies_gets_none_of_its_own(world, lab):
    a, b, c = (lab.vm(name) for name in "abc")
    world.group("both", ports=["b", "c"])
    world.policy("p", "both", rule("deny"))
    mirror(world, policies=[{"policy": "p", "rules": [0]}], to_port="b")
    to_c = datagrams(a, c, 5)
    with Probe(b) as at_b:
        frames.send(a, *datagrams(a, b, 5))
        frames.send(a, *to_c)
        at_b.gets(to_c)


def test_a_live_trace_follows_no_copy(world, lab):
    """Neither of what a rule decides, nor of what ports send and get: it
    finds no difference for them."""
    world.policy("p", "c", rule("allow", port=7), rule("deny", port=8))
    mirror(world, policies=[{"policy": "p"}], ports=["a", "c"], to_port="q")
    with frames.Capture(lab.vm("q").ns) as at_q, \
            frames.Capture(lab.vm("c").ns) as at_c:
        for port, end in ((7, "delivered"), (8, "dropped")):
            said = ctl(lab, "trace", "a", "c", "udp/%d" % port, "--live")
            assert "no difference" in said and end in said, said
            # Who watches sees it, though the guest does not get it.
            wait_for("a copy", lambda n=port: [
                f for f in at_q.read()
                if (frames.of_udp(f) or (0, 0))[1] == n], 15)
        assert not [f for f in at_c.read() if frames.of_udp(f)]


def test_a_live_trace_does_not_end_where_a_copy_does(world, lab):
    """A switch sends up what it drops of a trace, and none of the copies that
    it drops: here all of them, and the packet itself is lost later on."""
    h1, h2 = lab.host("h1"), lab.host("h2")
    mirror(world, ports=["a"], to_port="q")
    flows_there = h1.ofctl("dump-flows", "br-int")
    leave, = set(re.findall(
        r"table=(\d+), [^\n]*reg10=0x[0-9a-f]+ actions=meter:", flows_there))
    # Of the trace's packet alone: a guest's kernel sends more, at any time.
    h1.ofctl("add-flow", "br-int", "cookie=0xbad,table=%s,priority=60000,"
             "udp,tp_dst=7,"
             "actions=set_field:0x80000001->reg15,resubmit(,252)" % leave)
    h2.ofctl("add-flow", "br-int", "cookie=0xbad,table=64,priority=60000,ip,"
             "nw_dst=%s,actions=drop" % lab.vm("c").ip)
    try:
        said = world.api.call("POST", "/v1/live-trace", {
            "from": "a", "to": "c", "protocol": "udp", "port": 7,
            "timeout": 5})
        copies = h1.ofctl("dump-flows", "br-int", "cookie=0xbad/-1")
        assert re.search("n_packets=[1-9]", copies), copies
        assert said["seen"] == {"verdict": "lost"}, said
        assert "but not to the next one" in said["difference"], said
    finally:
        for host in h1, h2:
            host.ofctl("del-flows", "br-int", "cookie=0xbad/-1")


# Rules that come and go.  ----------------------------------------------------

def test_it_says_which_rule_there_is_none_of(world, lab):
    a, c = lab.vm("a"), lab.vm("c")
    world.policy("p", "c", rule("allow", port=8))
    mirror(world, policies=[{"policy": "p", "rules": [0, 1]}], to_port="p")
    assert status_of(world)["problem"] \
        == "policy p has no rule 1: it has 1, counted from 0"
    world.patch("policies", "p", rules=[rule("allow", port=8),
                                        rule("deny", port=7)])
    assert "problem" not in status_of(world)
    out = datagrams(a, c, 3)
    with Probe(lab.vm("p")) as probe:
        frames.send(a, *out)
        probe.gets(out)
    # It is named: it goes from the lists, or not at all; a mirror of it alone
    # copies nothing then.
    world.policy("r", "c", rule("allow", port=9))
    world.put("mirrors", "both", policies=[{"policy": "p"}, {"policy": "r"}])
    with pytest.raises(Refused) as refused:
        world.api.delete("policies/p")
    assert refused.value.status == 409
    world.api.delete("policies/p", cascade="true", wait="installed")
    assert [(m["name"], m["spec"].get("policies")) for m in
            world.api.get("mirrors")["items"]] \
        == [("both", [{"policy": "r"}]), ("m", None)]
    assert not status_of(world).get("ports")
    with pytest.raises(Refused) as refused:
        world.put("mirrors", "n", policies=[{"policy": "none"}])
    assert (refused.value.problem["errors"][0]["pointer"]
            == "/spec/policies/0/policy")


def test_it_costs_nothing_where_there_is_none(world, lab):
    """Neither flows nor groups, nor other actions of the rules' flows."""
    world.policy("p", "c", rule("allow", port=8), rule("deny"))

    def texts():
        """What both hosts have of flows, and what of groups."""
        wait_quiet(lab)
        return ([sorted((str(f.key), f.actions) for f in flows(host).values())
                 for host in lab.hosts],
                [sorted(host.ofctl("dump-groups", "br-int").splitlines()[1:])
                 for host in lab.hosts])
    before = texts()
    mirror(world, policies=[{"policy": "p"}], to_port="p")
    with_it = texts()
    assert len(with_it[1][1]) == len(before[1][1]) + 2
    assert [f for f in with_it[0][1] if "group:" in f[1]] \
        != [f for f in before[0][1] if "group:" in f[1]]
    world.delete("mirrors", "m")
    assert texts() == before


# Whose.  ---------------------------------------------------------------------

def test_nobody_reads_what_rules_decide_of_others(world, lab, tmp_path):
    """A tenant names policies in its scope that apply to what is in it; what
    an administrator has them apply to beside that is in no file of its."""
    shop = make_tenant(lab, "shop", scope="project=shop")
    try:
        world.group("x", ports=["x"], labels=BANK)
        world.group("wide", ports=["c", "x"], labels=SHOP)
        world.policy("own", "c", rule("deny"), labels=SHOP)
        world.policy("others", "x", rule("deny"), labels=BANK)
        world.policy("wide", "wide", rule("deny"), labels=SHOP, priority=1)
        shop.may("PUT", "mirrors/mine", {
            "labels": SHOP, "policies": [{"policy": "own"}]})
        shop.may_not("PUT", "mirrors/m", {
            "labels": SHOP, "policies": [{"policy": "others"}]},
            "/policies/0/policy", status=400)
        shop.may_not("PUT", "mirrors/m", {
            "labels": SHOP, "policies": [{"policy": "wide"}]},
            "/policies/0/policy")
        world.put("mirrors", "given", labels=SHOP,
                  policies=[{"policy": "wide"}],
                  filters=[{"protocol": "udp", "ports": "7"}])
        reply, link = stream(lab, shop.token,
                             "packets?of=mirrors/given&limit=10&seconds=60")
        # Else packets may go as ones like them went before.
        world.revalidated()
        a, c, x = (lab.vm(name) for name in "acx")
        frames.send(a, *datagrams(a, x, 10), *datagrams(a, c, 10))
        file = pcapng.File(reply.read())
        link.close()
        assert file.interfaces == [("c", "h2")]
        assert [p.frame for p in file.packets] == datagrams(a, c, 10)
        assert {p.direction for p in file.packets} == {"in"}
    finally:
        world.api.delete("accounts/shop", cascade="true")


def test_a_capture_of_a_rule(world, lab, tmp_path):
    """By vmnctl: what one rule drops."""
    a, c = lab.vm("a"), lab.vm("c")
    world.policy("p", "c", rule("allow", port=8), rule("deny", port=7))
    dropped = datagrams(a, c, 5)
    with Capture(lab, tmp_path / "r", "--policy", "p", "--rule", "1",
                 "--count", "5") as capture:
        frames.send(a, *datagrams(a, c, 5, port=8), *dropped)
        file, said = capture.done()
    assert file.interfaces == [("c", "h2")] and "no port" not in said
    assert [p.frame for p in file.packets] == dropped
