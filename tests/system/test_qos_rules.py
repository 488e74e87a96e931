# SPDX-License-Identifier: Apache-2.0
"""Limits of what rules of policies let through (docs/apps/qos.md): app qos,
with app firewall, and real switches on two hosts.  Of packets that are sent at
once a limit of one a second lets a few through; what the switches' meters say
that they have dropped is the rest, however long that takes.  Limits of ports
are in test_qos.py."""

import re
import time
import zlib

import pytest
from app_lab import app_lab, close_world, load
from conftest import World, flows, make_token_lab, wait_quiet
from tenants import PORT, make_tenant
from test_capture import datagrams
from test_live_apps import ctl
# Rules that a limit is of name a port: guests' kernels send whatever they like
# (MLD), which would count.
from test_mirror_rules import rule
from test_mirrors import Probe

from vmnlab import frames
from vmnlab.api import Refused
from vmnlab.netns import wait_for

SHOP, BANK = {"project": "shop"}, {"project": "bank"}
LIMITS = 167                    # The table of the limits of rules.
BURST = 10
SENT = 100                      # At once: fewer than a switch's socket holds.


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = make_token_lab("qosrule", 2, tmp_path_factory.mktemp("api"), PORT)
    with app_lab(lab, "qos"):
        yield lab


@pytest.fixture(name="vms", scope="module")
def _vms(lab):
    """What all tests send from and to."""
    world = World(lab)
    world.network("net", "10.0.0.0/24", "fd00::/64")
    for i, (name, host, labels) in enumerate(
            (("a", "h1", SHOP), ("b", "h1", SHOP), ("c", "h2", SHOP),
             ("x", "h2", BANK)), 1):
        world.vm(name, "net", host, ["10.0.0.%d" % i, "fd00::%d" % i],
                 labels=labels)
    for name in "abcx":
        lab.vm(name).await_addresses()
        world.group(name, ports=[name], labels=BANK if name == "x" else SHOP)
    yield world
    world.close()


class Limited(World):
    """'prefix' begins the names of limits, and so the keys of meters: a test
    is to have none that another one has used up."""
    prefix = ""


@pytest.fixture(name="world")
def _world(lab, vms, request):
    world = Limited(lab)
    world.prefix = "t%08x-" % zlib.crc32(request.node.name.encode())
    assert vms
    yield world
    close_world(world, "qos-policies")


def limited(world, *policies, name="q", directions=("ingress",), **what):
    """Has policies of these names, or elements of "policies", be limited."""
    what = what or {"max_pps": 1, "burst_packets": BURST}
    world.put("qos-policies", world.prefix + name, policies=[
        {"policy": p} if isinstance(p, str) else p for p in policies],
        shared_limits=[dict(what, direction=d) for d in directions])
    world.revalidated()


def status_of(world, name="q"):
    return world.api.get("qos-policies/" + world.prefix + name)["status"]


def dropped(host):
    """How many packets the host's limits of rules have dropped by now."""
    ours = re.findall(r"actions=meter:(\d+)", host.ofctl(
        "dump-flows", "br-int", "table=%d" % LIMITS))
    said = host.ofctl("meter-stats", "br-int")
    return sum(int(n) for meter in set(ours) for n in re.findall(
        r"meter:%s \S.*?\n(?: *bands:)?\s*0: packet_count:(\d+)" % meter,
        said))


class Sending:
    """How many of the datagrams that are sent at once arrive, where a host's
    limit is to drop the others."""

    def __init__(self, lab, a, b, host):
        self.a, self.b = lab.vm(a), lab.vm(b)
        self.host = lab.host(host)

    def run(self, n=SENT):
        out = datagrams(self.a, self.b, n)
        before = dropped(self.host)
        with Probe(self.b) as probe:
            start = time.monotonic()
            frames.send(self.a, *out)
            wait_for("all to arrive or to be dropped", lambda: (
                len(probe.seen()) + dropped(self.host) - before >= n), 120)
            seconds = time.monotonic() - start
            seen = probe.seen()
        assert set(seen) <= set(out)
        return len(seen), seconds


def check_limited(lab, a, b, host):
    """As many get through as the limit lets, and no more."""
    n, seconds = Sending(lab, a, b, host).run()
    assert BURST <= n <= min(BURST + seconds + 2, SENT - 1), (n, seconds)


def check_free(lab, a, b, port=7):
    out = datagrams(lab.vm(a), lab.vm(b), 20, port=port)
    with frames.Capture(lab.vm(b).ns) as capture:
        frames.send(lab.vm(a), *out)
        wait_for("all of them", lambda: set(out) <= set(capture.read()), 30)


# What is limited.  -----------------------------------------------------------

@pytest.mark.parametrize("to, host", [("c", "h2"), ("b", "h1")])
def test_what_a_rule_lets_in(world, lab, to, host):
    """That, and nothing that others decide; from whichever host."""
    world.policy("p", to, rule("allow", port=8), rule("allow", port=7))
    limited(world, {"policy": "p", "rules": [1]})
    check_limited(lab, "a", to, host)
    check_free(lab, "a", to, port=8)
    status = status_of(world)
    assert status["hosts"] == ["h1", "h2"] and not status["unlimited"]
    # A rule counts what it decides on: what is dropped then, too, and errors
    # of the guest's about what is not.
    wait_for("the rule's counter", lambda: (
        world.api.get("policies/p")["status"]["rules"][1]["packets"]) >= SENT,
        120)
    said = ctl(lab, "trace", "a", to, "udp/7", "-v")
    assert "delivered" in said and "firewall.rule-limit/" in said, said


def test_what_a_rule_lets_out(world, lab):
    """On the sender's host."""
    world.policy("p", "a", rule("allow", "egress", 7))
    limited(world, "p", directions=["egress"])
    check_limited(lab, "a", "c", "h1")
    # What a port gets by that are answers alone.
    limited(world, "p", directions=["ingress"])
    check_free(lab, "a", "c")


def test_answers(world, lab):
    """What the port sends as such, if that is asked for; and not what it
    gets, then."""
    world.policy("p", "c", rule("allow", port=7))
    limited(world, "p", directions=["egress"])
    a, c = lab.vm("a"), lab.vm("c")
    check_free(lab, "a", "c")
    back = datagrams(c, a, SENT, port=1000, source=7)
    before = dropped(lab.host("h2"))
    with frames.Capture(a.ns) as capture:
        start = time.monotonic()
        frames.send(c, *back)
        wait_for("all to arrive or to be dropped", lambda: (
            len(set(back) & set(capture.read()))
            + dropped(lab.host("h2")) - before >= SENT), 120)
        n = len(set(back) & set(capture.read()))
        # c's kernel has answered what came, too, by ICMP errors.
        assert n <= min(BURST + time.monotonic() - start + 2, SENT - 1), n


def test_a_connection_that_is_open_already(world, lab):
    """All of a connection is judged, so a limit holds from when it is made,
    and none when it is gone."""
    world.policy("p", "c", rule("allow", port=7))
    check_free(lab, "a", "c")
    limited(world, "p")
    check_limited(lab, "a", "c", "h2")
    world.delete("qos-policies", world.prefix + "q")
    world.revalidated()
    check_free(lab, "a", "c")


def test_both_ends_on_one_host(world, lab):
    """Each rule has its own: the sender's is met first."""
    world.policy("out", "a", rule("allow", "egress", 7))
    world.policy("in", "b", rule("allow", port=7))
    limited(world, "out", directions=["egress"], name="q1")
    limited(world, "in", max_pps=1000, name="q2")
    check_limited(lab, "a", "b", "h1")
    limited(world, "out", directions=["egress"], name="q1", max_pps=1000)
    limited(world, "in", name="q2")
    check_limited(lab, "a", "b", "h1")


def test_rules_of_a_limit_share_it(world, lab):
    """Of several policies, on a host, whoever sends."""
    world.policy("p", "c", rule("allow", port=7))
    world.policy("r", "x", rule("allow", port=7))
    limited(world, "p", "r", max_pps=1, burst_packets=2 * BURST)
    start = time.monotonic()
    n, _ = Sending(lab, "a", "c", "h2").run()
    n2, _ = Sending(lab, "b", "x", "h2").run()
    most = 2 * BURST + time.monotonic() - start + 2
    assert 2 * BURST <= n + n2 <= min(most, 2 * SENT - 1), (n, n2)


def test_each_of_two_limits_holds(world, lab):
    world.policy("p", "c", rule("allow", port=7))
    limited(world, "p", name="q1", max_pps=1000)
    limited(world, "p", name="q2", max_kbps=1000000, max_pps=1,
            burst_packets=BURST)
    check_limited(lab, "a", "c", "h2")


def test_a_rule_behind_another_one_limits_what_it_decides(world, lab):
    """And nothing that one before it has decided."""
    world.policy("p", "c", rule("pass", port=7), rule("allow", port="7-8"))
    limited(world, {"policy": "p", "rules": [1]})
    check_free(lab, "a", "c")
    world.patch("policies", "p", rules=[rule("pass", port=8),
                                        rule("allow", port="7-8")])
    world.revalidated()
    check_limited(lab, "a", "c", "h2")


def test_a_rule_that_passes(world, lab):
    """A later tier decides; what is passed on is limited all the same."""
    world.policy("p", "c", rule("pass", port=7), tier="security")
    world.policy("r", "c", rule("allow"))
    limited(world, "p")
    check_limited(lab, "a", "c", "h2")
    check_free(lab, "a", "c", port=8)


def test_it_holds_without_vmnd_and_after_it_comes_back(world, lab):
    world.policy("p", "c", rule("allow", port=7))
    limited(world, "p")
    lab.vmnd.stop()
    try:
        check_limited(lab, "a", "c", "h2")
    finally:
        lab.vmnd.start()
        wait_quiet(lab)
    # The meter is the one that it was: it may have little left.
    n, seconds = Sending(lab, "a", "c", "h2").run()
    assert n <= min(BURST + seconds + 2, SENT - 1), (n, seconds)


def test_it_costs_nothing_where_there_is_none(world, lab):
    """Neither flows nor other actions of the rules' flows."""
    world.policy("p", "c", rule("allow", port=8), rule("deny"))

    def texts():
        wait_quiet(lab)
        return [sorted((str(f.key), f.actions) for f in flows(host).values())
                for host in lab.hosts]
    before = texts()
    limited(world, "p")
    with_it = texts()
    assert [len(b) + 1 for b in before] == [len(w) for w in with_it]
    world.delete("qos-policies", world.prefix + "q")
    assert texts() == before


def test_it_goes_with_its_app(world, lab):
    """And comes back with it: no rule leads to what is not there."""
    world.policy("p", "c", rule("allow", port=7))
    limited(world, "p")
    check_limited(lab, "a", "c", "h2")
    ctl(lab, "app", "unload", "qos", "--wait")
    try:
        wait_quiet(lab)
        assert not [f.actions for host in lab.hosts
                    for f in flows(host).values() if f.table == LIMITS
                    or "resubmit(,%d)" % LIMITS in f.actions]
        world.revalidated()
        check_free(lab, "a", "c")
    finally:
        load(lab, "qos")
        wait_quiet(lab)
    world.revalidated()
    check_limited(lab, "a", "c", "h2")


# What is not.  ---------------------------------------------------------------

def test_it_says_what_it_does_not_limit(world, lab):
    world.policy("p", "c", rule("allow", port=7), rule("deny", port=8))
    limited(world, {"policy": "p", "rules": [0, 1, 2]})
    assert status_of(world)["unlimited"] == [
        "p: rule 1 lets nothing through",
        "p: rule 2 is not there: they are counted from 0"]
    check_limited(lab, "a", "c", "h2")
    world.patch("policies", "p", mode="shadow")
    assert status_of(world)["unlimited"] == [
        "p: it is in mode shadow, and lets nothing through"]
    check_free(lab, "a", "c")
    world.patch("policies", "p", mode="enforce", on_change="keep")
    assert "on_change: keep" in status_of(world)["unlimited"][0]
    check_free(lab, "a", "c")
    # It is named: who limits nothing else goes with it, or it not at all.
    with pytest.raises(Refused) as refused:
        world.api.delete("policies/p")
    assert refused.value.status == 409
    world.api.delete("policies/p", cascade="true", wait="installed")
    assert not world.api.get("qos-policies")["items"]
    check_free(lab, "a", "c")


LIMITED = [{"direction": "ingress", "max_pps": 9}]
MISTAKES = [
    ({"policies": [{"policy": "p"}]}, "/shared_limits"),
    ({"policies": [{"policy": "none"}], "shared_limits": LIMITED},
     "/policies/0/policy"),
    ({"policies": [{"policy": "p"}, {"policy": "p", "rules": [0]}],
      "shared_limits": LIMITED}, "/policies"),
    ({"policies": [{"policy": "p", "rules": [1000]}]}, "/policies/0/rules/0"),
    ({"policies": [{"policy": "p", "rules": [-1]}]}, "/policies/0/rules/0"),
    ({"policies": [{"policy": "p"}], "ports": ["a"]}, "/policies"),
    ({"policies": [{"policy": "p"}], "hosts": ["h1"]}, "/policies"),
    ({"policies": [{"policy": "p"}],
      "limits": [{"direction": "egress", "max_pps": 1}]}, "/limits"),
    ({"policies": [{"policy": "p"}], "filters": [{"protocol": "tcp"}]},
     "/filters"),
    ({"policies": [{"policy": "p"}],
      "shared_limits": [{"direction": "egress"}]}, "/shared_limits"),
    ({"policies": [{"policy": "p"}], "priority": 1}, "/priority"),
    ({"policies": [{"policy": "p"}], "dscp": 1}, "/dscp"),
    ({"policies": [{"policy": "p"}], "pcp": 1}, "/pcp"),
    ({"policies": [{"policy": "p"}], "pcp_from_dscp": True},
     "/pcp_from_dscp"),
    ({"policies": [{"policy": "p"}], "min_kbps": 100}, "/min_kbps"),
    ({"policies": [{"policy": "p"}], "shared_min_kbps": 100},
     "/shared_min_kbps"),
]


def test_mistakes_are_named(world):
    world.policy("p", "c", rule("allow"))
    for spec, pointer in MISTAKES:
        with pytest.raises(Refused) as refused:
            world.api.put("qos-policies/q", spec)
        said = refused.value.problem
        found = [e["pointer"] for e in said.get("errors", [said])]
        assert [p for p in found if p.endswith(pointer)], (spec, said)


def test_a_tenant_limits_its_own_policies(world, lab):
    shop = make_tenant(lab, "shop", scope="project=shop")
    try:
        world.group("wide", ports=["c", "x"], labels=SHOP)
        world.policy("own", "c", rule("allow"), labels=SHOP)
        world.policy("others", "x", rule("allow"), labels=BANK)
        world.policy("wide", "wide", rule("allow"), labels=SHOP, priority=1)

        def spec(policy):
            return {"labels": SHOP, "policies": [{"policy": policy}],
                    "shared_limits": LIMITED}
        shop.may("PUT", "qos-policies/mine", spec("own"))
        shop.may_not("PUT", "qos-policies/q", spec("others"),
                     "/policies/0/policy", status=400)
        shop.may_not("PUT", "qos-policies/q", spec("wide"),
                     "/policies/0/policy")
        # Its limit is of whatever the policy applies to, and what comes to act
        # on others' ports is not its to change any more, but to delete.
        world.group("later", ports=["c"], labels=SHOP)
        world.policy("later", "later", rule("allow"), labels=SHOP, priority=2)
        shop.may("PUT", "qos-policies/later", spec("later"))
        world.group("later", ports=["c", "x"], labels=SHOP)
        shop.may_not("PATCH", "qos-policies/later", {"description": "x"})
        shop.may("DELETE", "qos-policies/later")
        # Nor does it deny what a tier that is not for it allows.
        world.policy("higher", "c", rule("pass"), labels=SHOP, priority=3,
                     tier="security")
        shop.may_not("PUT", "qos-policies/higher", spec("higher"),
                     "/policies/0/policy")
        shop.may("DELETE", "qos-policies/mine")
    finally:
        world.api.delete("accounts/shop", cascade="true")
