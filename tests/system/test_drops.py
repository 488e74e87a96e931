# SPDX-License-Identifier: Apache-2.0
"""What rules were hit by, and what was dropped, where and why."""

import json
import socket
import subprocess
import time

import pytest
from conftest import close_lab, entry, flows, make_lab, rule, wait_counted

from vmnlab import frames, netns
from vmnlab.daemon import find
from vmnlab.netns import wait_for

HTTP = entry("tcp", 80)


@pytest.fixture(scope="module")
def module_lab(request):
    """Two hosts, of which counters are read every second."""
    lab = make_lab("drops", 2, options=["--count-interval=1"])
    yield lab
    close_lab(lab)


@pytest.fixture
def pair(world):
    world.network("net")
    ports = {"tcp": [80, 81]}
    vms = [world.vm("cli", "net", "h1", "10.0.0.1", labels={"role": "cli"},
                    **ports),
           world.vm("srv", "net", "h2", "10.0.0.2", labels={"role": "srv"},
                    **ports)]
    for role in ("cli", "srv"):
        world.group(role, "role=" + role)
    assert world.reaches(vms[0], vms[1])
    return vms


def rules(world, policy):
    return world.api.get("policies/" + policy)["status"]["rules"]


def drops(world, **query):
    return world.api.get("drops", **query)["counters"]


def drop(world, **query):
    """The one counter that 'query' asks for, or None."""
    found = drops(world, **query)
    assert len(found) <= 1, found
    return found[0] if found else None


def vmnctl(world, *args):
    return subprocess.run([find("vmnctl"), "-s", "unix:" + world.api.path,
                           *args], check=True, text=True,
                          capture_output=True).stdout


# Counters.  ----------------------------------------------------------------

def test_rules_are_counted_over_hosts_and_changes(world, pair):
    cli, srv = pair
    allow = rule("ingress", "allow", ["cli"], [HTTP])
    world.policy("p", "srv", rule("ingress", "deny", ["10.9.0.0/24"]), allow)
    assert world.reaches(cli, srv, 80)
    wait_counted("hits", lambda: rules(world, "p")[1]["packets"] >= 5)
    seen = rules(world, "p")
    assert seen[0] == {"packets": 0, "bytes": 0, "last": None}
    assert seen[1]["bytes"] >= 5 * 54 and seen[1]["last"]

    # A rule in front of it does not make it start over.
    world.policy("p", "srv", rule("egress", "deny", ["10.9.0.0/24"]),
                 rule("ingress", "deny", ["10.9.0.0/24"]), allow)
    assert rules(world, "p")[2]["packets"] >= seen[1]["packets"]
    assert world.reaches(cli, srv, 80)
    wait_counted("more hits", lambda: rules(world, "p")[2]["packets"]
                 >= seen[1]["packets"] + 5)
    listed = world.api.get("policies")["items"][0]["status"]
    assert listed["packets"] >= seen[1]["packets"] + 5
    assert "rules" not in listed
    assert world.api.metrics()["vmn_flow_count_polls_total"] >= 1


def test_shadow_policies_only_count(world, pair):
    def status():
        return world.api.get("policies/p")["status"]

    cli, srv = pair
    world.policy("p", "srv", dict(rule("ingress", "deny", ["cli"], [entry(
        "tcp", 81)]), log=True), rule("ingress", "allow", ["cli"], [HTTP]),
        mode="shadow")
    # The first packets may meet a cache that does not know of the policy yet.
    wait_counted("hits", lambda: world.reaches(cli, srv, 80) and
                 world.reaches(cli, srv, 81) and
                 all(r["packets"] >= 4 for r in status()["rules"]))
    assert status()["would_isolate"]["packets"] == 0
    assert world.reaches(srv, cli, 80)      # Answers are no concern of it.
    assert world.reaches(cli, srv, protocol="icmp")
    wait_counted("would be isolated",
                 lambda: status()["would_isolate"]["packets"] >= 1)
    assert not drops(world, reason="isolated")
    # What opens connections is told.
    def told_of(**wanted):
        return [e for e in world.api.get("logs", policy="p")["items"]
                if all(e.get(k) == v for k, v in wanted.items())]

    told = wait_for("log", lambda: world.reaches(cli, srv, 81) and
                    told_of(rule=0))
    assert told[0]["verdict"] == "deny" and told[0]["shadow"] is True
    assert told[0]["dst"]["l4_port"] == 81
    assert "isolated" not in told[0]
    # So is whom it would isolate, though no rule is about that.
    alone = wait_for("isolation", lambda: world.reaches(
        cli, srv, protocol="icmp") and told_of(isolated=True))[0]
    assert alone["verdict"] == "deny" and alone["shadow"] is True
    assert (alone["src"]["port"], alone["dst"]["port"]) == ("cli", "srv")
    assert alone["protocol"] == "icmp" and "rule" not in alone
    assert not [e for e in told_of(isolated=True)
                if e["dst"].get("l4_port") in (80, 81)]

    logs = vmnctl(world, "logs", "--policy", "p")
    assert "would deny" in logs and "would isolate" in logs

    vmnctl(world, "promote", "p")
    world.revalidated()
    assert world.blocked(cli, srv, 81) and world.reaches(cli, srv, 80)
    assert "would_isolate" not in status()
    # What was decided in earnest since is told from what passed before.
    log = wait_for("denials", lambda: [
        e for e in world.api.get("logs", policy="p", after=told[-1]["id"])[
            "items"] if "shadow" not in e and e["verdict"] == "deny"])
    assert log[0]["dst"]["l4_port"] == 81
    assert [e for e in world.api.get("logs", policy="p")["items"]
            if e["id"] == told[0]["id"]][0]["shadow"] is True


def test_what_a_quarantine_allows_is_counted(world, pair):
    def status():
        return world.api.get("quarantines/q")["status"]

    cli, srv = pair
    world.put("quarantines", "q", ports=["srv"], allow=[
        {"direction": "egress"},
        {"direction": "ingress", "peers": [{"group": "cli"}],
         "services": [HTTP]}])
    world.settle()
    assert world.blocked(cli, srv, 81)
    # The first packets may meet a cache that does not know of it yet.
    wait_counted("hits", lambda: world.reaches(cli, srv, 80) and
                 status()["allow"][1]["packets"] >= 5)
    seen = status()
    assert (seen["n_members"], seen["members"]) == (1, ["srv"])
    assert seen["allow"][0] == {"packets": 0, "bytes": 0, "last": None}
    assert seen["packets"] == seen["allow"][1]["packets"] and seen["last"]
    shown = vmnctl(world, "describe", "quarantine", "q")
    assert "allowed_packets:" in shown and "\n  packets:" not in shown, shown
    listed = world.api.get("quarantines")["items"][0]["status"]
    assert listed["packets"] >= 5 and "allow" not in listed


def test_packets_of_kept_connections_are_counted_for_the_tier(world, pair):
    def kept():
        return world.api.get("tiers/application")["status"]["retained"]["packets"]

    cli, srv = pair
    world.policy("p", "srv", rule("ingress", "allow", ["cli"], [HTTP]),
                 on_change="keep")
    before = kept()
    wait_counted("kept packets", lambda: world.reaches(cli, srv, 80) and
                 kept() >= before + 3)
    assert rules(world, "p")[0]["packets"] >= 1


def check_what_isolates(world, isolated, by):
    """No rule is why, so all policies that isolate are named.  Returns a
    sample."""
    assert {k: isolated.get(k) for k in by} == by
    taken = wait_for("a sample", lambda: sample(world, reason="isolated"))
    assert {k: taken.get(k) for k in by} == by
    assert taken["object"] == isolated["object"]
    text = vmnctl(world, "drops", "--reason", "isolated")
    assert "ingress, now by apart" in text      # The counter.
    assert "ingress, by apart" in text          # The sample.
    return taken


def check_what_quarantines(world):
    """What holds a port is named, and not who has its flow.  Returns a
    sample."""
    held = wait_for("a sample", lambda: sample(world, reason="quarantined"))
    assert held["quarantined_by"] == ["ports/cli"]
    assert held["object"] == {"type": "ports", "name": "cli"}
    # Those of the host of cli: srv, on the other one, may say something.
    counted = drop(world, reason="quarantined", host="h1")
    assert counted["quarantined_by"] == ["ports/cli"]
    world.put("quarantines", "case-7", ports=["srv"])
    # A sample says what it was then, a counter what it is now.  Of packets
    # that srv sends by itself there may be newer ones by now.
    held = again(world, held)
    assert held["quarantined_by"] == ["ports/cli"]
    assert held["object"] == {"type": "ports", "name": "cli"}
    counted = drop(world, reason="quarantined", host="h1")
    assert counted["quarantined_by"] == ["ports/cli", "quarantines/case-7"]
    assert counted["object"] is None
    assert "quarantined, now by ports/cli, quarantines/case-7" in vmnctl(
        world, "drops", "--reason", "quarantined")
    assert "isolated_by" not in held
    header, *lines = vmnctl(world, "get", "ports", "-o", "wide").splitlines()
    column = slice(header.index("QUARANTINED"), header.index("ISOLATION"))
    wide = {line.split()[0]: line[column].split()[-1] for line in lines}
    assert (wide["cli"], wide["srv"]) == ("yes", "case-7")
    world.api.delete("quarantines/case-7")
    return held


def test_drops_are_told_apart(world, pair):
    cli, srv = pair
    # Not the name of an earlier one: what its rules dropped is told for as
    # long as there is a policy of that name.
    world.policy("apart", "srv", rule("ingress", "deny", ["cli"], [entry(
        "tcp", 81)]), rule("ingress", "allow", ["cli"], [HTTP]))
    assert world.blocked(cli, srv, 81)
    assert world.blocked(cli, srv, 82)
    world.patch("ports", "cli", quarantined=True)
    assert world.blocked(cli, srv, 80)

    wait_counted("quarantined", lambda: drop(world, reason="quarantined",
                                             host="h1"))
    wait_counted("isolated", lambda: drop(world, reason="isolated"))
    wait_counted("denied", lambda: drop(world, reason="denied by rule"))
    denied = drop(world, reason="denied by rule")
    assert denied["host"] == "h2" and denied["app"] == "firewall"
    assert denied["object"] == {"type": "policies", "name": "apart"}
    assert denied["rule"] == 0 and denied["owner"] == "firewall.verdicts/apart"
    assert denied["packets"] >= 1 and denied["bytes"] >= 54
    isolated = drop(world, reason="isolated")
    assert isolated["object"] == {"type": "policies", "name": "apart"}
    told = world.api.get("policies/apart")["status"]
    assert told["isolated"]["packets"] >= isolated["packets"]
    assert told["isolated"]["last"] and told["counted"]
    by = {"direction": "ingress", "isolated_by": ["apart"]}
    assert "isolated_by" not in denied
    taken = check_what_isolates(world, isolated, by)
    assert "quarantined_by" not in denied
    held = check_what_quarantines(world)
    # Also once nothing of that is there any more.
    world.patch("ports", "cli", quarantined=False)
    world.patch("policies", "apart", mode="shadow")
    assert again(world, held)["quarantined_by"] == ["ports/cli"]
    taken = again(world, taken)
    assert {k: taken.get(k) for k in by} == by
    world.patch("policies", "apart", mode="enforce")
    assert drops(world, host="h1", reason="denied by rule") == []
    assert drops(world, app="overlay", reason="denied by rule") == []
    assert world.api.metrics()[
        'vmn_dropped_packets_total{app="firewall",reason="denied by rule",'
        'background="false"}'] >= 1
    table = vmnctl(world, "drops", "--host", "h2")
    assert "denied by rule" in table and "policies/apart" in table


# Samples.  -----------------------------------------------------------------

def sample(world, what="drops", **query):
    """The newest packet that 'query' asks for, or None."""
    found = world.api.get(what, **query)[
        "samples" if what == "drops" else "items"]
    return found[-1] if found else None


def again(world, taken):
    """The sample 'taken', as it is shown now."""
    return next(s for s in world.api.get("drops", reason=taken["reason"])[
        "samples"] if s["id"] == taken["id"])


def test_samples_name_both_ends_and_the_rule(world, pair):
    cli, srv = pair
    world.policy("p", "srv", rule("ingress", "deny", ["cli"], [entry(
        "tcp", 81)]))
    after = world.api.get("drops")["newest"]
    # What a cache lets through gets no answer either: that is denied.
    world.revalidated()
    assert world.blocked(cli, srv, 81)
    found = wait_for("a sample", lambda: next(
        (s for s in world.api.get("drops", after=after,
                                  reason="denied by rule")["samples"]
         if s["src"]["port"] == "cli"), None))
    assert found["host"] == "h2" and found["network"] == "net"
    assert found["src"]["ip"] == "10.0.0.1"
    assert found["dst"]["port"] == "srv" and found["dst"]["l4_port"] == 81
    assert found["protocol"] == "tcp" and found["rule"] == 0
    assert found["object"] == {"type": "policies", "name": "p"}
    # More may have come by now.
    def ids(after):
        return [s["id"] for s in world.api.get("drops", after=after,
                                               port="srv")["samples"]]
    assert found["id"] in ids(after)
    assert all(other > found["id"] for other in ids(found["id"]))

    # On the sender's side, by other apps, and without any rule.
    assert world.unanswered(cli, "10.0.0.77")
    found = wait_for("ARP", lambda: sample(
        world, after=after, reason="ARP for unknown address"))
    assert found["src"]["port"] == "cli" and found["protocol"] == "arp"
    for host in world.lab.hosts:
        status = world.api.get("hosts/" + host.name)["status"]
        assert status["samples"] == {"active": True}
        assert status["state"] == "synced"


def packets(world, reason):
    return sum(d["packets"] for d in drops(world, reason=reason))


def test_honest_guests_are_told_from_forgers(world):
    """What guests say before they have an address, or since they got none, is
    called what it is; who says it as somebody else is a forger."""
    world.network("net", "10.0.0.0/24", "fd00::/64")
    guest = world.vm("guest", "net", "h1", ["10.0.0.1", "fd00::1"])
    made_up = "fe80::1234:5678:9abc:def0"
    other = "02:00:00:00:77:77"

    def join(src):
        return frames.ipv4("01:00:5e:00:00:16", guest.mac, src, "224.0.0.22",
                           2, bytes(8))

    def dad(mac):
        return frames.solicitation(mac, "::", made_up)

    honest = {
        "no DHCP here": [frames.udp(
            frames.BROADCAST, guest.mac, "0.0.0.0", "255.255.255.255", 68, 67,
            bytes(240))],
        "IGMP": [join("0.0.0.0")],
        "IPv4 link-local address": [
            join("169.254.7.9"),
            frames.arp_question(guest.mac, "169.254.7.9", "169.254.1.1")],
        "too many link-local addresses": [
            frames.solicitation(guest.mac, "::", "fe80::99:%x" % i)
            for i in range(16, 20)],
        "MLD": [frames.icmpv6("33:33:00:00:00:16", guest.mac, made_up,
                              "ff02::16", 143, 0, bytes(8))],
        "router solicitation": [frames.icmpv6(
            "33:33:00:00:00:02", guest.mac, "::", "ff02::2", 133, 0,
            bytes(4))],
        "ND for unknown address": [
            frames.solicitation(guest.mac, "::", "fd00::77")],
        "ARP for unknown address": [
            frames.arp_question(guest.mac, "0.0.0.0", "10.0.0.99")],
    }
    forged = [join("10.0.0.9"), join("169.254.0.53"), dad(other),
              frames.arp_question(guest.mac, "169.254.0.67", "10.0.0.99"),
              frames.udp6("33:33:00:01:00:02", other, made_up, "ff02::1:2",
                          546, 547, b"x")]
    before = {reason: packets(world, reason) for reason in honest}
    spoofed = packets(world, "spoofed")
    frames.send(guest, *[frames.solicitation(guest.mac, "::",
                                             "fe80::99:%x" % i)
                         for i in range(16)])
    for sent in honest.values():
        frames.send(guest, *sent)
    # The guest has a life of its own, so there may be more.
    for reason, sent in honest.items():
        wait_counted(reason, lambda: packets(world, reason)
                     >= before[reason] + len(sent))
    assert packets(world, "spoofed") == spoofed
    frames.send(guest, *forged)
    wait_counted("forged ones", lambda: packets(world, "spoofed")
                 >= spoofed + len(forged))


def test_a_false_neighbour_is_shown(world):
    """A forger by ARP and by neighbour discovery, whose headers are true."""
    world.network("net", "10.0.0.0/24", "fd00::/64")
    guest = world.vm("guest", "net", "h1", ["10.0.0.1", "fd00::1"])
    other = "02:00:00:00:77:77"
    forged = [
        frames.arp(frames.BROADCAST, guest.mac, 2, other, "10.0.0.1", other,
                   "10.0.0.1"),
        frames.advertisement("33:33:00:00:00:01", guest.mac, "fd00::1",
                             "ff02::1", "fd00::9", guest.mac),
        frames.solicitation(guest.mac, "fd00::1", "fd00::7", sll=other)]
    wanted = {("10.0.0.1", other), ("fd00::9", guest.mac), ("fd00::1", other)}

    def announced():
        frames.send(guest, *forged)
        return {(s["announced"]["ip"], s["announced"]["mac"])
                for s in world.api.get("drops", port="guest")["samples"]
                if s["reason"] == "spoofed" and "announced" in s}
    wait_for("samples", lambda: announced() == wanted, 30)
    assert "guest fd00::1 (announces fd00::9 at %s)" % guest.mac in vmnctl(
        world, "drops", "--port", "guest")


def test_copies_of_a_flood_to_its_sender_are_no_denials(world, pair):
    """Neither the sender's port nor its host gets a copy of what it floods,
    which is no policy's doing, and nothing is lost by it."""
    cli, srv = pair
    world.policy("p", "srv", rule("ingress", "allow", ["cli"], [HTTP]))
    world.revalidated()
    reason = "copy of a flood to its sender"
    blamed = {other: packets(world, other) for other in
              ("isolated", "destination host is this host")}
    sent = [frames.udp(frames.BROADCAST, srv.mac, srv.ip, "10.0.0.255", 5353,
                       5353, b"anybody")] * 20
    counted = packets(world, reason)
    frames.send(srv, *sent)
    # One for the port, one for its host.
    wait_counted("copies", lambda: packets(world, reason)
                 >= counted + 2 * len(sent))
    # Some packets of tests before this one may be counted only now.
    for other, before in blamed.items():
        assert packets(world, other) < before + len(sent), other
    assert drop(world, reason=reason, app="overlay", port="srv")["packets"] \
        >= len(sent)
    assert all(d["background"] for d in drops(world, reason=reason))


def test_background_is_shown_on_request(world):
    world.network("net")
    vm = world.vm("vm", "net", "h1", "10.0.0.1")
    frames.send(vm, frames.icmpv6("33:33:00:00:00:16", vm.mac, "::",
                                  "ff02::16", 143, 0, bytes(8)))
    wait_counted("MLD", lambda: drops(world, reason="MLD", host="h1"))
    everything = world.api.get("drops", background="true")
    usual = world.api.get("drops")
    assert "MLD" in [d["reason"] for d in everything["counters"]]
    assert not [d for d in usual["counters"] + usual["samples"]
                if d.get("background")]
    assert usual["hidden"]["counters"] >= 1
    assert usual["hidden"]["packets"] >= 1
    assert everything["hidden"] == {"counters": 0, "packets": 0, "samples": 0}
    assert "MLD" in vmnctl(world, "drops", "--all", "--limit", "10000")
    assert "MLD" not in vmnctl(world, "drops", "--limit", "10000")
    assert world.api.metrics()[
        'vmn_dropped_packets_total{app="overlay",reason="MLD",'
        'background="true"}'] >= 1


def flood(cli, srv):
    """Sends datagrams to port 9 for some seconds, and enough of them."""
    with netns.socket_in(cli.ns, kind=socket.SOCK_DGRAM) as sock:
        end = time.monotonic() + 3
        n = 0
        while n < 3000 or time.monotonic() < end:
            sock.sendto(b"x", (srv.ip, 9))
            n += 1


def test_flood_of_drops_is_sampled_within_the_budget(world, pair):
    cli, srv = pair
    world.policy("p", "srv", rule("ingress", "deny", ["cli"], [entry(
        "udp", 9)]))
    before, start = world.api.metrics(), time.monotonic()
    flood(cli, srv)
    # Most are lost before they come to a switch.
    wait_counted("the flood to be counted", lambda: rules(world, "p")[0][
        "packets"] > 1000)
    after = world.api.metrics()
    seconds = time.monotonic() - start
    came = (after["vmn_samples_received_total"]
            - before["vmn_samples_received_total"])
    # A meter's burst, and its rate all the time: other drops count as well.
    assert 1 <= came <= 10 + 5 * (seconds + 4), (came, seconds)
    assert sample(world, reason="denied by rule")["count"] >= 2


# Logs.  --------------------------------------------------------------------

def test_log_tells_what_rules_decide_and_changes_nothing(world, pair):
    cli, srv = pair
    spec = [rule("ingress", "allow", ["cli"], [HTTP]),
            rule("ingress", "deny", ["cli"], [entry("tcp", 81),
                                              entry("udp", 9)])]
    world.policy("p", "srv", *spec)
    world.revalidated()         # No connection to 81 is open after this.
    h1, h2 = world.lab.hosts
    before = flows(h1), flows(h2)
    after = world.api.get("logs")["newest"]
    assert world.reaches(cli, srv, 80) and world.blocked(cli, srv, 81)
    assert world.api.get("logs", after=after)["items"] == []

    held = world.held(cli, srv, 80)
    world.policy("p", "srv", *[dict(r, log=True) for r in spec])
    assert held.exchange(seconds=20)
    with_log = flows(h2)
    # What denies tells of it; what allows gets a flow for new connections.
    changed = [k for k in with_log if k in before[1] and
               with_log[k].actions != before[1][k].actions]
    added = set(with_log) - set(before[1])
    assert set(before[1]) <= set(with_log)
    assert len(changed) == len(added) == 1, (changed, added)
    # A connection that was open is not told; one that opens is, once.
    assert world.api.get("logs", after=after)["items"] == []
    world.revalidated()
    assert world.reaches(cli, srv, 80) and world.blocked(cli, srv, 81)
    wait_for("a denial", lambda: [
        e for e in world.api.get("logs", after=after)["items"]
        if e["verdict"] == "deny"])
    events = world.api.get("logs", after=after, policy="p")["items"]
    allowed = [e for e in events if e["verdict"] == "allow"]
    assert allowed and {e["dst"]["l4_port"] for e in allowed} == {80}
    assert {e["rule"] for e in allowed} == {0}
    denied = [e for e in events if e["verdict"] == "deny"]
    assert {(e["dst"]["l4_port"], e["rule"], e["host"], e["src"]["port"])
            for e in denied} == {(81, 1, "h2", "cli")}
    assert "allow" in vmnctl(world, "logs", "--policy", "p")

    # Rules have budgets of their own: a flood of one takes nothing from the
    # other, and what is not told is counted.
    before_it = rules(world, "p")[0]["log"]
    flood(cli, srv)
    assert world.reaches(cli, srv, 80)
    wait_counted("what was suppressed", lambda: rules(world, "p")[1]["log"][
        "suppressed"] > 500 and rules(world, "p")[0]["log"]["events"]
        > max(1, before_it["events"]))
    allow, deny = (r["log"] for r in rules(world, "p"))
    assert deny["logged"] + deny["suppressed"] == deny["events"]
    assert deny["events"] > deny["logged"]
    # A switch may count the packet that opens a connection twice, and on a
    # busy machine some are tried again.
    assert allow["logged"] > max(1, before_it["logged"]), (before_it, allow)
    assert allow["suppressed"] <= 4 + allow["logged"], allow
    told = json.loads(vmnctl(world, "logs", "--policy", "p", "-o", "json"))
    assert [r["rule"] for r in told["rules"]] == [0, 1]
    assert told["rules"][1]["suppressed"] >= deny["suppressed"]
    assert "SUPPRESSED" in vmnctl(world, "logs")

    world.policy("p", "srv", *spec)
    assert {k: f.actions for k, f in flows(h2).items()} == {
        k: f.actions for k, f in before[1].items()}
