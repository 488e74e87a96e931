# SPDX-License-Identifier: Apache-2.0
"""The order in which a change takes hold, seen by a thousand packets a second:
what is denied before and after it never gets in, what is allowed before and
after it is never lost."""

import itertools
import os
import subprocess

import pytest
from conftest import SETTLE, WAIT, entry, rule, wait_aged, wait_quiet
from migrating import WAYS, beyond_end, both_ways, make_moving

from vmnlab import frames, netns
from vmnlab.daemon import find
from vmnlab.netns import wait_for
from vmnlab.stream import WAY_S, Streams

ALLOWED, DENIED, EITHER = 9000, 9001, 9002


@pytest.fixture
def town(world):
    """A server on h2 that lets in only its client; others on all hosts."""
    world.network("net")
    for name, host, ip in (("client", "h1", 1), ("server", "h2", 2),
                           ("far", "h3", 3), ("near", "h2", 4)):
        world.vm(name, "net", host, "10.0.0.%d" % ip, tcp=[80],
                 labels={"role": name})
        world.group(name, "role=" + name)
    world.policy("p", "server", rule("ingress", "allow", ["client"], [
        entry("udp", ALLOWED), entry("tcp", 80)]))
    wait_quiet(world.lab)
    assert world.reaches(world.lab.vm("client"), world.lab.vm("server"))
    assert world.blocked(world.lab.vm("near"), world.lab.vm("server"))
    return world


def to_server(world):
    """Streams of those that may and those that may not."""
    vm = world.lab.vm
    return (Streams().add("allowed", vm("client"), vm("server"), ALLOWED)
            .add("other port", vm("client"), vm("server"), DENIED)
            .add("far", vm("far"), vm("server"), ALLOWED)
            .add("near", vm("near"), vm("server"), ALLOWED))


def finish(streams, *whole):
    """Ends them; those named are to arrive whole."""
    found = streams.run(2 * WAY_S).stop(whole)
    print()
    for result in found.values():
        print("   ", result)
    return found


def check_denied(found, names=("other port", "far", "near")):
    for name in names:
        assert len(found[name].sent) > 200
        assert not found[name].seen, found[name].sinks()


# A port opens only with its policy.  ---------------------------------------

def test_plugged_vm_is_protected_from_its_first_packet(town):
    """Its interface comes and goes, on its host and on one that had no part
    in the network."""
    lab = town.lab
    with to_server(town) as streams:
        for host in ("h2", "h2", "h3", "h2"):
            lab.unplug("server")
            wait_for("it to be unbound", lambda: lab.port_state("server") ==
                     "unbound")
            lab.replug("server", host)
            lab.await_ports(["server"])
        found = finish(streams)
    check_denied(found)
    assert found["allowed"].seen


def test_new_port_is_protected_from_its_first_packet(town):
    """The port of a VM that is there already comes and goes, with groups that
    nobody was in before."""
    spec = town.api.get("ports/server")["spec"]
    with to_server(town) as streams:
        for i in range(12):
            town.delete("ports", "server")
            town.api.put("ports/server", dict(
                spec, labels={"role": "server", "number": str(i)}),
                wait="installed", timeout=WAIT)
        found = finish(streams)
    check_denied(found)
    assert found["allowed"].seen


def test_port_and_its_policy_in_one_transaction(town):
    """A policy that comes with the port is there with it."""
    spec = town.api.get("ports/server")["spec"]
    policy = town.api.get("policies/p")["spec"]
    with to_server(town) as streams:
        for _ in range(12):
            town.api.delete("ports/server")
            town.api.delete("policies/p", wait="installed", timeout=WAIT)
            town.api.apply([
                {"type": "ports", "name": "server", "spec": spec},
                {"type": "policies", "name": "p", "spec": policy},
            ], wait="installed", timeout=WAIT)
        found = finish(streams)
    check_denied(found)
    assert found["allowed"].seen


def test_port_before_its_policy_is_seen_by_these_tests(town):
    spec = town.api.get("ports/server")["spec"]
    policy = town.api.get("policies/p")["spec"]
    with to_server(town) as streams:
        town.api.delete("ports/server")
        town.api.delete("policies/p", wait="installed", timeout=WAIT)
        town.api.put("ports/server", spec, wait="installed", timeout=WAIT)
        town.revalidated()
        streams.await_first("other port", "far", "near")
        town.api.put("policies/p", policy, wait="installed", timeout=WAIT)
        found = finish(streams)
    for name in ("other port", "far", "near"):
        assert found[name].seen


# Policies.  ----------------------------------------------------------------

POLICIES = {
    "one port": {"rules": [rule("ingress", "allow", ["client"], [
        entry("udp", ALLOWED)])]},
    "two ports": {"rules": [rule("ingress", "allow", ["client"], [
        entry("udp", ALLOWED, EITHER)])]},
    "a range": {"rules": [rule("ingress", "allow", ["client"], [
        entry("udp", "8000-%d" % ALLOWED, EITHER)])]},
    "a prefix": {"rules": [rule("ingress", "allow", ["10.0.0.1/32"], [
        entry("udp", ALLOWED)])]},
    "a service": {"rules": [rule("ingress", "allow", ["client"], [
        {"service": "s"}])]},
    "a denial first": {"rules": [
        rule("ingress", "deny", ["far", "near"]),
        rule("ingress", "deny", [], [entry("udp", DENIED)]),
        rule("ingress", "allow", ["client"])]},
    "an allowance first": {"priority": 7, "rules": [
        rule("ingress", "allow", ["client"], [entry("udp", ALLOWED)]),
        rule("ingress", "deny")]},
    "another tier": {"tier": "security", "rules": [
        rule("ingress", "allow", ["client"], [entry("udp", ALLOWED)]),
        rule("ingress", "deny")]},
}


def test_edited_policy_is_never_half_there(town):
    """From each policy to each other one: what both allow is not lost, what
    both deny does not get in."""
    town.put("services", "s", entries=[entry("udp", ALLOWED, EITHER)])
    vm = town.lab.vm
    steps = [b for pair in itertools.permutations(POLICIES, 2) for b in pair]
    with to_server(town).add("either", vm("client"), vm("server"),
                             EITHER) as streams:
        for number, step in enumerate(steps):
            town.api.put("policies/p", dict(POLICIES[step],
                                            applies_to=["server"]),
                         wait="installed", timeout=WAIT)
            if number < 2:      # Either is denied, and then allowed.
                town.revalidated()
        found = finish(streams, "allowed")
    check_denied(found)
    assert not found["allowed"].lost
    assert found["either"].lost and found["either"].seen


def prefixes(second):
    """9,000 addresses that no prefix covers two of."""
    return ["172.%d.%d.%d/32" % (second, i // 100, 2 * (i % 100))
            for i in range(9000)]


def test_change_in_parts_is_never_half_there(town):
    """Of more flows than a bundle takes: what is allowed before and after is
    not lost, what is denied does not get in."""
    for i in range(4):
        town.put("groups", "g%d" % i, cidrs=prefixes(16 + i))
    policies = [
        {"rules": [rule("ingress", "deny", ["far", "near", "g0", "g1"]),
                   rule("ingress", "allow", ["client"],
                        [entry("udp", ALLOWED)]),
                   rule("ingress", "deny")]},
        {"priority": 3, "rules": [
            rule("ingress", "allow", ["client"], [entry("udp", ALLOWED)]),
            rule("ingress", "deny", ["g2", "g3"]), rule("ingress", "deny")]}]
    for policy in policies:
        policy["applies_to"] = ["server"]
    with to_server(town) as streams:
        for step in range(4):
            policy = policies[step % 2]
            plan = town.api.put("policies/p", policy, dry_run="plan")
            parts = {h["host"]: h.get("bundles", 1)
                     for h in plan["flows"]["hosts"]}
            assert parts["h2"] > 1, plan["flows"]
            town.api.put("policies/p", policy, wait="installed",
                         timeout="60s")
        found = finish(streams, "allowed")
    check_denied(found)
    assert not found["allowed"].lost


def test_clauses_that_go_to_another_rule_are_never_half_there(town):
    """A denial of so many names another group besides: the flows of its peers,
    and of whom it is for, become another's."""
    for i in range(3):
        town.put("groups", "g%d" % i, cidrs=prefixes(16 + i))
    names = ["far", "near", "g0", "g1", "g2"]
    spec = {"applies_to": ["server"], "rules": [
        rule("ingress", "deny", names[:4]),
        rule("ingress", "deny", [], [entry("udp", DENIED)]),
        rule("ingress", "allow")]}
    town.api.put("policies/p", spec, wait="installed", timeout=WAIT)
    with to_server(town) as streams:
        for step in range(4):
            spec["rules"][0] = rule("ingress", "deny", names[:5 - step % 2])
            plan = town.api.put("policies/p", spec, dry_run="plan")
            assert {h["host"]: h.get("bundles", 1)
                    for h in plan["flows"]["hosts"]}["h2"] > 1
            town.api.put("policies/p", spec, wait="installed", timeout=WAIT)
        found = finish(streams, "allowed")
    check_denied(found)
    assert not found["allowed"].lost


def test_ports_groups_change_without_a_gap(town):
    """Groups that a port joins and leaves, with nobody else in them, give it
    another identity each time; client and server by turns, and both."""
    town.group("odd", "odd=yes")
    with to_server(town) as streams:
        for i in range(60):
            odd = {"odd": "yes"} if i % 2 == 0 else {}
            town.api.apply([
                {"type": "ports", "name": name, "spec": dict(
                    town.api.get("ports/" + name)["spec"],
                    labels=dict(odd, role=name))}
                for name in (("server",), ("client",),
                             ("client", "server"))[i // 2 % 3]
            ], wait="installed", timeout=WAIT)
        found = finish(streams, "allowed")
    check_denied(found)
    assert not found["allowed"].lost


def test_quarantine_holds_from_its_receipt_on(town):
    """And ends with that of its release, once the datapath's cache has
    followed; packets may be some milliseconds on their way."""
    vm = town.lab.vm
    shut, opened = [], []
    streams = (Streams().add("to it", vm("client"), vm("server"), ALLOWED)
               .add("from it", vm("server"), vm("far"), DENIED))
    with streams:
        for _ in range(2):
            for quarantined, spans in ((True, shut), (False, opened)):
                town.patch("ports", "server", quarantined=quarantined)
                town.revalidated()
                start = streams.now() + SETTLE
                end = streams.run(2 * SETTLE + 0.3).now() - SETTLE
                spans.append((start, end))
        found = finish(streams)
    for result in found.values():
        for start, end in shut:
            assert not result.arrived(start, end)
        for start, end in opened:
            assert not [n for n in result.lost
                        if start <= result.sent[n] < end]


# Virtual IPs.  -------------------------------------------------------------

def vip_mac(client, vip):
    """The MAC that the switch gives a client for a virtual IP."""
    with frames.Capture(client.ns) as seen:
        frames.send(client, frames.arp_question(client.mac, client.ip, vip))
        answer = seen.wait(lambda f: frames.parse(f).get("sender_ip") == vip,
                           10)
    return frames.parse(answer)["sender"]


def test_backends_change_without_a_gap(world):
    """Whatever becomes of the others, a client stays with its backend."""
    vip = "10.0.0.100"
    world.network("net")
    for i, (name, host) in enumerate((("client", "h1"), ("b1", "h1"),
                                      ("b2", "h2"), ("b3", "h3")), 1):
        world.vm(name, "net", host, "10.0.0.%d" % i)

    def balance(weights, *ports):
        world.put("loadbalancers", "lb", vip=vip, networks=["net"],
                  protocol="udp", ports=[{"port": p} for p in ports],
                  backends=[{"port": name, "weight": weight}
                            for name, weight in weights.items()])
    names = ("b1", "b2", "b3")
    balance(dict.fromkeys(names, 1), ALLOWED)
    vm = world.lab.vm
    mac = vip_mac(vm("client"), vip)

    def to_vip():
        return Streams().add("to the virtual IP", vm("client"), vm("b1"),
                             ALLOWED, to=(mac, vip),
                             others=[vm("b2"), vm("b3")])
    with to_vip() as streams:
        place, = finish(streams)["to the virtual IP"].sinks()
    mine = names[place]
    others = [n for n in names if n != mine]
    with to_vip() as streams:       # The same connection.
        for first, second in itertools.product((0, 1, 7), repeat=2):
            balance({mine: 1, others[0]: first, others[1]: second},
                    *([ALLOWED] if first else [ALLOWED, DENIED]))
            balance({mine: 3, others[1]: second}, ALLOWED)
        found = finish(streams, "to the virtual IP")
    result, = found.values()
    assert not result.lost
    assert set(result.sinks()) == {place}


# A VM that moves.  ---------------------------------------------------------

@pytest.fixture
def moving(world):
    for twin in make_moving(world):
        yield world, twin


def status(world):
    return world.api.get("ports/mover")["status"]


def rows(world, command):
    """What vmnctl prints, {heading: word} for each line."""
    text = subprocess.run(
        [find("vmnctl"), *command.split()], check=True, text=True,
        stdout=subprocess.PIPE, env=dict(
            os.environ, VMNCTL_SERVER="unix:" + world.api.path)).stdout
    lines = [line.split() for line in text.splitlines()]
    return [dict(zip(lines[0], line)) for line in lines[1:]]


def wait_candidate(world):
    wait_for("the candidate", lambda: status(world).get("candidate") == "h2")


def check_move(found, start, end, gone=None):
    """Nothing is lost, and nothing comes twice to a place; before 'start' all
    came to the old place, and after 'end' all to the new one, but for what was
    on its way just then.  A guest that has moved does not hear what comes to
    the old place, whose port has gone at 'gone'."""
    check_denied(found, ["bad"])
    for name, result in found.items():
        if name == "bad":
            continue
        assert not result.n_copies, name
        late = []
        if "to it" in name:
            assert set(result.sinks(end=start - WAY_S)) == {0}
            assert not result.missed(0, end=start - WAY_S)
            late = result.missed(1, start=end + WAY_S)
        assert not beyond_end(name, result, [*result.lost, *late], gone), name


@pytest.mark.parametrize("first", ["guest", "row"])
def test_vm_moves_without_a_gap(moving, first):
    """The target is plugged early; then the guest goes on there, and the
    port's row says so: one before the other."""
    world, twin = moving
    with both_ways(world) as streams:
        streams.run(2 * WAY_S)
        twin.plug()
        wait_candidate(world)
        wait_quiet(world.lab)
        assert status(world)["host"] == "h1"
        assert ["mover", "h2"] == [
            row[key] for key in ("NAME", "CANDIDATE")
            for row in rows(world, "get ports mover -o wide")]
        streams.run(0.3)

        def guest():
            return [streams.switch("it to " + peer, 1)
                    for peer in ("near", "far")][0]
        start = guest() if first == "guest" else streams.now()
        world.patch("ports", "mover", hosts=["h1", "h2"], host="h2")
        wait_for("the move", lambda: status(world)["host"] == "h2")
        wait_quiet(world.lab)
        if first == "row":
            guest()
        end = streams.now()
        streams.run(0.3)
        # A switch does not forward what it has not read yet from a port that
        # it removes.
        gone = streams.arrive(*WAYS).now()
        world.lab.unplug("mover")
        found = finish(streams, *WAYS)
    assert status(world)["host"] == "h2"
    check_move(found, start, end, gone)


def test_vm_goes_where_its_row_says_once_that_is_ready(moving):
    """The row first: the interface that comes up there takes over by itself,
    and not before its host has all flows of the network."""
    world, twin = moving
    world.patch("ports", "mover", hosts=["h1", "h2"], host="h2")
    assert status(world)["host"] == "h1"
    with both_ways(world) as streams:
        start = streams.run(2 * WAY_S).now()
        twin.plug()
        wait_for("the move", lambda: status(world)["host"] == "h2")
        wait_quiet(world.lab)
        end = streams.now()
        for peer in ("near", "far"):
            streams.switch("it to " + peer, 1)
        found = finish(streams, *WAYS)
    check_move(found, start, end)


@pytest.mark.parametrize("killed", [False, True], ids=["", "vmnd-killed"])
def test_vm_stays_while_its_new_host_is_not_ready(moving, killed):
    """The new host's switch has the interface, but is too busy to take in what
    goes with it; vmnd may even end meanwhile."""
    world, twin = moving
    world.patch("ports", "mover", hosts=["h1", "h2"], host="h2")
    twin.plug("nobody")
    with both_ways(world) as streams:
        twin.host.freeze_switch()
        try:
            twin.name()
            wait_candidate(world)
            if killed:
                world.lab.vmnd.kill()
                world.lab.vmnd.start()
                world.lab.await_synced([world.lab.host("h1")])
            streams.run(WAY_S + 0.4)
            assert status(world)["host"] == "h1"
            start = streams.now()
        finally:
            twin.host.thaw_switch()
        wait_for("the move", lambda: status(world)["host"] == "h2")
        wait_quiet(world.lab)
        end = streams.now()
        found = finish(streams, *WAYS)
    check_move(found, start, end)
