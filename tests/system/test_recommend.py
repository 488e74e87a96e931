# SPDX-License-Identifier: Apache-2.0
"""Policies that follow from the connections that hosts have noted."""

import os
import signal
import subprocess

import pytest
from conftest import flows, wait_quiet

from vmnlab import netns
from vmnlab.api import Refused
from vmnlab.daemon import find
from vmnlab.netns import wait_for

# Where switches note connections (controller/flow/learn-connection.h).
NOTE_TABLE = 251

# Who speaks to whom in the shop.  Of web and app, not all speak to all.
CALLS = [("cli", "web1", 80), ("cli", "web2", 80), ("web1", "app1", 9000),
         ("web2", "app2", 9000), ("app1", "db1", 5432),
         ("app2", "db1", 5432)]


def notes(world):
    """What all hosts have noted: {"HOST MATCH"}."""
    return {"%s %s" % (host.name, flow.match) for host in world.lab.hosts
            for flow in flows(host).values() if flow.table == NOTE_TABLE}


def vmnctl(world, *args, stdin=None):
    return subprocess.run([find("vmnctl"), "-s", "unix:" + world.api.path,
                           *args], text=True, input=stdin,
                          capture_output=True)


def recommend(world, **query):
    return world.api.get("recommendations", **query)


def words(answer):
    """Its rules: {"FROM -> TO SERVICES"}."""
    return {"%s -> %s %s" % (",".join(r["from"]) if isinstance(
        r["from"], list) else r["from"], r["to"], ",".join(r["services"]))
        for r in answer["rules"]}


@pytest.fixture
def shop(world):
    """A shop on three hosts, and beside it a rival with the same addresses and
    roles.  Nobody is told apart by policies yet."""
    vms = {}
    for network in ("shop", "rival"):
        world.network(network)
    for i, (name, host, tier, port) in enumerate((
            ("web1", "h1", "web", 80), ("web2", "h2", "web", 80),
            ("app1", "h2", "app", 9000), ("app2", "h3", "app", 9000),
            ("db1", "h3", "db", 5432), ("cli", "h1", "client", 7))):
        vms[name] = world.vm(name, "shop", host, "10.0.0.%d" % (i + 1),
                             tcp=[port], udp=[53], labels={
                                 "tenant": "shop", "tier": tier})
    world.put("ports", "r-db", network="rival", ips=["10.0.0.1"],
              labels={"tenant": "rival", "tier": "db"})
    return vms


def speak(world, shop, calls=CALLS):
    for a, b, port in calls:
        assert world.reaches(shop[a], shop[b], port)


def test_recommended_policies_allow_what_was_seen(world, shop):
    with pytest.raises(Refused) as refused:
        recommend(world, network="shop")
    assert refused.value.status == 409
    world.put("observations", "shop")
    speak(world, shop)

    answer = recommend(world, network="shop")
    assert words(answer) == {
        "shop-client -> shop-web tcp/80", "shop-web -> shop-app tcp/9000",
        "shop-app -> shop-db tcp/5432"}
    assert answer["optimal"] and answer["connections"] == len(CALLS)
    assert not any(h["truncated"] or "reason" in h for h in answer["hosts"])
    extras = [(e["from"], e["to"]) for r in answer["rules"]
              for e in r["extras"]]
    assert sorted(extras) == [("web1", "app2"), ("web2", "app1")]
    assert answer["unselected"] == ["cli"]

    # As shadows they decide nothing, and count.
    for thing in answer["objects"]:
        world.put(thing["type"], thing["name"], **thing["spec"])
    assert world.reaches(shop["cli"], shop["db1"], 5432)
    wait_for("shadows to count", lambda: world.reaches(
        shop["web1"], shop["app1"], 9000) and world.api.get(
            "policies/shop-app-in")["status"]["packets"] and world.reaches(
                shop["cli"], shop["db1"], 5432) and world.api.get(
                    "policies/shop-db-in")["status"]["would_isolate"][
                        "packets"])

    # They decide: what was seen passes, and what was not does not.
    world.api.delete("observations/shop")
    names = [t["name"] for t in answer["objects"] if t["type"] == "policies"]
    done = vmnctl(world, "promote", *names)
    assert done.returncode == 0, done.stderr
    world.patch("networks", "shop", default="deny")
    speak(world, shop)
    assert world.blocked(shop["cli"], shop["db1"], 5432)
    assert world.blocked(shop["web1"], shop["db1"], 5432)
    assert world.blocked(shop["web2"], shop["cli"], 7)
    assert world.blocked(shop["app1"], shop["db1"], 53, "udp")


def test_exact_rules_allow_nothing_else(world, shop):
    world.put("observations", "shop")
    speak(world, shop)
    answer = recommend(world, network="shop", exact="true", mode="enforce")
    assert not any(r["extra"] for r in answer["rules"])
    for thing in answer["objects"]:
        world.put(thing["type"], thing["name"], **thing["spec"])
    world.patch("networks", "shop", default="deny")
    speak(world, shop)
    assert world.blocked(shop["web1"], shop["app2"], 9000)
    assert world.blocked(shop["web2"], shop["app1"], 9000)


def test_all_kinds_of_connections_are_noted(world):
    world.network("net", "10.0.0.0/24", "fd00::/64")
    a = world.vm("a", "net", "h1", tcp=[80], udp=[53], labels={"n": "a"})
    b = world.vm("b", "net", "h2", tcp=[80], udp=[53], labels={"n": "b"})
    c = world.vm("c", "net", "h2", labels={"n": "c"},
                 allowed_addresses=[{"ip": "10.0.0.77"}])
    # It is open already: its next packet tells.
    held = world.held(a, b, 80)
    world.put("observations", "net")
    assert held.exchange(seconds=5)
    wait_for("a note", lambda: held.exchange(seconds=5) and [
        n for n in notes(world) if "ct_tp_dst=80" in n])
    held.close()
    assert world.reaches(a, b, 53, "udp")
    assert world.reaches(b, c, protocol="icmp")
    assert world.answers(c, b.ip6, 80)
    # From an address that is no port's.
    c.run("ip", "addr", "add", "10.0.0.77/24", "dev", "eth0")
    netns.run(["ping", "-c", "3", "-i", "0.3", "-I", "10.0.0.77", a.ip],
              ns=c.ns)
    # By one local to the other, and to all.
    assert world.answers(b, c.ip, protocol="icmp")
    netns.run(["ping", "-b", "-c", "1", "-W", "1", "10.0.0.255"], ns=b.ns,
              check=False)

    answer = recommend(world, network="net")
    found = words(answer)
    assert "net-a -> net-b tcp/80,udp/53" in found
    assert "net-c -> net-b tcp/80" in found
    assert [r for r in answer["rules"] if r["from"] == ["10.0.0.77/32"]
            and r["to"] == "net-a" and r["services"] == ["icmp/8/0"]]
    assert all(r["extra"] == 0 for r in answer["rules"])
    # None of the answers were taken for connections.
    assert not [n for n in notes(world) if "ct_tp_dst=4" in n]

    # All goes with the observation.
    world.delete("observations", "net")
    assert not notes(world)


def test_notes_outlive_a_restart_and_are_nobodys_business(world, shop):
    world.put("observations", "shop")
    speak(world, shop)
    before = notes(world)
    assert len(before) == len(CALLS)
    # Neither an audit nor a reconciliation minds them.
    for host in world.lab.hosts:
        looked = world.api.get("hosts/%s/flows" % host.name, diff="true")
        assert not looked["differences"], looked
    world.lab.vmnd.stop()
    assert notes(world) == before
    world.lab.vmnd.start()
    wait_quiet(world.lab)
    assert notes(world) == before
    assert world.reaches(shop["cli"], shop["db1"], 5432)
    answer = recommend(world, network="shop")
    assert answer["connections"] == len(CALLS) + 1


def test_missing_host_is_named(world, shop):
    world.put("observations", "shop")
    speak(world, shop)
    h3 = world.lab.host("h3")
    h3.cut()
    try:
        wait_for("h3 to be offline", lambda: world.api.get("hosts/h3")[
            "status"]["state"] != "synced")
        answer = recommend(world, network="shop")
        missing = {h["host"]: h.get("reason") for h in answer["hosts"]}
        assert missing["h3"] and not missing["h1"] and not missing["h2"]
        assert words(answer) >= {"shop-client -> shop-web tcp/80"}
        done = vmnctl(world, "policy", "recommend", "--network", "shop")
        assert "# Host h3 is missing: " in done.stdout
        assert "Host h3 is missing" in done.stderr and not done.returncode
    finally:
        h3.heal()
        wait_quiet(world.lab)


def test_vmnctl_observes_for_a_while(world, shop):
    path = "observations/shop"
    run = subprocess.Popen(
        [find("vmnctl"), "-s", "unix:" + world.api.path, "policy",
         "recommend", "--network", "shop", "--for", "10m"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = run.stderr.readline()
        assert "are observed for 600 s" in line
        assert world.api.get(path)["spec"]["minutes"] == 16
        speak(world, shop)
        os.kill(run.pid, signal.SIGINT)
        out, err = run.communicate(timeout=30)
    finally:
        run.kill()
    assert run.returncode == 0, err
    with pytest.raises(Refused) as refused:
        world.api.get(path)
    assert refused.value.status == 404
    assert "# shop-web -> shop-app tcp/9000: 2 seen, 2 more allowed:" in out
    assert "#   web1 -> app2 tcp/9000" in out

    # It is a file for apply.
    for kind, name in (("groups", "shop-client"), ("groups", "shop-web"),
                       ("groups", "shop-app"), ("groups", "shop-db"),
                       ("policies", "shop-web-in"),
                       ("policies", "shop-app-in"),
                       ("policies", "shop-db-in")):
        world.made.append((kind, name))
    done = vmnctl(world, "apply", "-f", "-", "--wait", stdin=out)
    assert done.returncode == 0, done.stderr
    assert world.api.get("policies/shop-db-in")["spec"]["mode"] == "shadow"
