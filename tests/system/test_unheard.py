# SPDX-License-Identifier: Apache-2.0
"""A host that is not heard: whoever asks is told that the state of its ports
is unknown, since when and why, and no flow anywhere follows from it."""

import subprocess

import pytest
from conftest import changes, flows, wait_aged, wait_quiet
from test_events import Reader
from vmnlab.daemon import find
from vmnlab.netns import wait_for

COUNTERS = ["vmn_revision", "vmn_fabric_flow_adds_total",
            "vmn_fabric_flow_deletes_total", "vmn_fabric_bundles_total"]


@pytest.fixture
def shop(world):
    """Port "a" on h1, "b" and "c" on h2."""
    world.network("net")
    for name, host in ("a", "h1"), ("b", "h2"), ("c", "h2"):
        world.vm(name, "net", host, tcp=[80], labels={"role": "web"})
    world.lab.await_ports(["a", "b", "c"])
    world.group("web", "role=web")
    world.put("loadbalancers", "lb", vip="10.0.0.100", networks=["net"],
              ports=[{"port": 80}], selector="role=web")
    return world


def status(world, port):
    return world.api.get("ports/" + port)["status"]


def states(world):
    return {p: status(world, p)["state"] for p in ("a", "b", "c")}


def trace(world):
    return world.api.call("POST", "/v1/trace", {"from": "a", "to": "b",
                                            "protocol": "tcp", "port": 80})


def assert_known(world):
    """All who can be asked say that the three ports are up."""
    assert states(world) == {"a": "up", "b": "up", "c": "up"}
    assert "since" not in status(world, "b")
    found = world.api.get("summary")
    assert found["ports"]["up"] == 3
    assert found["ports"]["unknown"] == 0
    assert world.api.metrics()["vmn_ports_unknown"] == 0
    assert "n_unknown" not in world.api.get("groups/web")["status"]
    balancer = world.api.get("loadbalancers/lb")["status"]
    assert (balancer["n_serving"], balancer["n_unknown"]) == (3, 0)
    assert found["balancers"]["degraded"] == []
    for answer in (trace(world),
                   world.api.get("reachability", protocol="icmp")):
        assert "warnings" not in answer, answer["warnings"]
    assert world.api.get("status")["health"]["state"] == "ok"


def assert_unknown(world, reason):
    """The same, of those on h2: they are unknown for that reason."""
    assert states(world) == {"a": "up", "b": "unknown", "c": "unknown"}
    told = status(world, "b")
    assert told["host"] == "h2"
    assert told["reason"].startswith(reason + " has not been heard since "
                                     + told["since"][:19])
    assert "traffic" not in told
    found = world.api.get("summary")
    assert found["ports"]["up"] == 1
    assert found["ports"]["unknown"] == 2
    hosts = {h["name"]: h for h in found["hosts"]}
    assert (hosts["h2"]["up"], hosts["h2"]["unknown"]) == (0, 2)
    assert (hosts["h1"]["up"], hosts["h1"]["unknown"]) == (1, 0)
    net = [n for n in found["networks"] if n["name"] == "net"][0]
    assert (net["up"], net["unknown"]) == (1, 2)
    assert world.api.metrics()["vmn_ports_unknown"] == 2
    assert world.api.get("groups/web")["status"]["n_unknown"] == 2
    balancer = world.api.get("loadbalancers/lb")["status"]
    assert (balancer["n_serving"], balancer["n_unknown"]) == (3, 2)
    assert {b["port"]: b["port_state"] for b in balancer["backends"]} == \
        states(world)
    assert {b["port"]: b.get("kept", False) for b in balancer["backends"]} \
        == {"a": False, "b": True, "c": True}
    assert [b["reason"] for b in balancer["backends"] if b["port"] == "b"] \
        == [told["reason"] + "; its last state is kept as long as that lasts, "
            "as it is not probed"]
    assert found["balancers"]["degraded"] == [
        {"name": "lb", "backends": 3, "serving": 3, "unknown": 2,
         "drained": 0, "standby": 0}]
    warnings = trace(world)["warnings"]
    assert len(warnings) == 1
    assert warnings[0].startswith(told["reason"])
    for by in "port", "group":
        warnings = world.api.get("reachability", protocol="icmp", by=by)[
            "warnings"]
        assert len(warnings) == 1
        assert warnings[0].startswith(told["reason"])
    health = world.api.get("status")["health"]
    assert health["state"] == "degraded"
    assert [r["reason"] for r in health["reasons"]] == ["hosts"]


def vmnctl(world, *args):
    return subprocess.run([find("vmnctl"), "-s", "unix:" + world.api.path,
                           *args], text=True, capture_output=True,
                          check=False)


def assert_host_unheard(world, name):
    """All who tell the state of the host say the same of it."""
    told = world.api.get("hosts/" + name)["status"]
    port = status(world, "b")
    assert told["state"] == "unheard"
    assert told["openflow"]["state"] == "connected"
    assert told["since"] == port["since"]
    assert told["reason"].startswith(port["reason"])
    found = {h["name"]: h for h in world.api.get("summary")["hosts"]}
    assert found[name]["state"] == "unheard"
    assert found[name]["reason"] == told["reason"]
    behind = world.api.get("activity")["hosts"]["behind"]
    assert [(h["host"], h["state"], h["reason"]) for h in behind] == [
        (name, "unheard", told["reason"])]
    metrics = world.api.metrics()
    assert metrics['vmn_hosts_in_state{state="unheard"}'] == 1
    n = len(world.lab.hosts)
    assert metrics["vmn_hosts_synced"] == n - 1
    assert metrics['vmn_host_unsynced{host="%s",state="unheard"}' % name] == 1
    assert metrics['vmn_health{state="degraded"}'] == 1
    found = vmnctl(world, "status")
    assert found.returncode == 1
    assert "%d of %d synced" % (n - 1, n) in found.stdout
    assert "unheard" in found.stdout and told["reason"] in found.stdout
    assert "unheard" in vmnctl(world, "hosts").stdout


def assert_change_is_not_installed(world, name):
    """A change that concerns the unheard host is not there, and all who are
    asked say so."""
    changed = vmnctl(world, "patch", "port/b", "-p",
                     "spec: {quarantined: true}", "--wait", "--timeout",
                     "200ms")
    reason = world.api.get("hosts/" + name)["status"]["reason"]
    assert changed.returncode == 4, changed.stdout + changed.stderr
    assert [name, "unheard", *reason.split()] in [
        line.split() for line in changed.stderr.splitlines()]
    revision = world.api.get("ports/b")["metadata"]["revision"]
    receipt = world.api.get("revisions/%d" % revision)["receipt"]
    host = [h for h in receipt["hosts"] if h["host"] == name][0]
    assert not receipt["installed"]
    assert (host["state"], host["reason"]) == ("unheard", reason)
    assert trace(world)["warnings"][0].startswith(reason.split(": ")[0])
    assert world.api.metrics()["vmn_hosts_connected"] == \
        len(world.lab.hosts) - 1
    # It is not as if it had them.
    shown = vmnctl(world, "hosts")
    row = [line.split() for line in shown.stdout.splitlines()
           if line.startswith(name + " ")][0]
    assert row[1] == "unheard" and "?" in row, shown.stdout
    assert 'FLOWS: "?"' in shown.stdout
    world.api.patch("ports/b", {"quarantined": False})


def known(world):
    return all(state == "up" for state in states(world).values())


def test_host_that_is_cut_off(shop):
    """Its VMs go on, and no flow of any host is touched."""
    lab, h2 = shop.lab, shop.lab.host("h2")
    assert shop.reaches(lab.vm("a"), lab.vm("b"))
    assert_known(shop)
    wait_aged(lab)
    before = {h.name: flows(h) for h in lab.hosts}
    counted = shop.api.metrics()
    reader = Reader(lab.vmnd.socket, "?kinds=ports")
    single = Reader(lab.vmnd.socket, "?kinds=binding")
    reader.take("start")
    single.take("start")
    h2.cut()
    try:
        wait_for("b to be unknown", lambda: status(shop, "b")["state"] ==
                 "unknown", 30)
        # One of its connections may end before the other.
        wait_for("both to be missed", lambda: status(shop, "b").get(
            "reason", "").startswith('host "h2"'), 60)
        assert_unknown(shop, 'host "h2"')
        told = reader.take("ports")[1]
        assert (told["host"], told["state"]) == ("h2", "unknown")
        assert (told["n_ports"], told["ports"]) == (2, ["b", "c"])
        assert 'host "h2" has not been heard since ' in told["reason"]
        assert shop.reaches(lab.vm("a"), lab.vm("b"))
        after = shop.api.metrics()
        assert [after[c] for c in COUNTERS if c in after] == \
            [counted[c] for c in COUNTERS if c in counted]
        for host in lab.hosts:
            assert not changes(before[host.name], flows(host))
    finally:
        h2.heal()
    wait_for("all ports to be known", lambda: known(shop), 30)
    assert reader.take("ports")[1]["state"] == "known"
    wait_quiet(lab)
    assert_known(shop)
    for host in lab.hosts:
        assert not changes(before[host.name], flows(host))
    while single.read():
        pass
    assert not single.events


def test_host_whose_switch_has_ended(shop):
    """Its database answers, and what it says is old."""
    lab, h2 = shop.lab, shop.lab.host("h2")
    h2.stop_switch(0)
    try:
        wait_for("b to be unknown", lambda: status(shop, "b")["state"] ==
                 "unknown", 30)
        assert shop.api.get("hosts/h2")["status"]["ovsdb"]["state"] == \
            "connected"
        assert_unknown(shop, 'the switch of host "h2"')
    finally:
        h2.start()
    wait_for("all ports to be known", lambda: known(shop), 30)
    wait_quiet(lab)
    assert_known(shop)


def past_events(world, kinds):
    """The data of all events that are kept, of these kinds."""
    reader = Reader(world.lab.vmnd.socket,
                    "?kinds=%s&follow=false&since=2000-01-01T00:00:00Z"
                    % kinds)
    while reader.read():
        pass
    return [data for _, kind, data in reader.events
            if kind in kinds.split(",")]


def reasons(world, name, revision):
    """Why a host is not synced, as each of those says who tell it."""
    behind = world.api.get("activity")["hosts"]["behind"]
    receipt = world.api.get("revisions/%d" % revision)["receipt"]
    return {
        "host": world.api.get("hosts/" + name)["status"].get("reason"),
        "summary": {h["name"]: h for h in world.api.get("summary")["hosts"]}[
            name].get("reason"),
        "activity": {h["host"]: h for h in behind}[name].get("reason"),
        "receipt": {h["host"]: h for h in receipt["hosts"]}[name].get(
            "reason"),
    }


def hosts_line(world, name):
    """The row of a host in "vmnctl hosts", by heading."""
    lines = vmnctl(world, "hosts").stdout.splitlines()
    row = [text for text in lines if text.split()[:1] == [name]][0]
    return dict(zip(lines[0].split(), row.split()))


def test_all_tell_the_same_of_a_host_that_goes_dark(shop):
    """From its switch's end on: its ports are unknown, what it has missed is
    what concerns it, and one reason is told by all."""
    lab, h2 = shop.lab, shop.lab.host("h2")
    reader = Reader(lab.vmnd.socket, "?kinds=host,ports")
    reader.take("start")
    h2.stop_switch(0)
    try:
        wait_for("h2 to be offline", lambda: shop.api.get("hosts/h2")[
            "status"]["state"] == "offline", 30)
        assert_unknown(shop, 'the switch of host "h2"')
        assert shop.api.metrics()[
            'vmn_hosts_in_state{state="offline"}'] == 1
        told = [reader.take(kind)[1] for kind in ("host", "ports")]
        assert [(t["host"], t["state"]) for t in told] == [
            ("h2", "offline"), ("h2", "unknown")]
        line = hosts_line(shop, "h2")
        assert (line["STATE"], line["FLOWS"], line["BEHIND"]) == (
            "offline", "?", "0")
        assert shop.api.get("hosts/h2")["status"]["lag"]["revisions"] == 0
        shop.api.patch("networks/net", {"description": "no host's concern"})
        shop.api.patch("ports/a", {"description": "nor this"})
        done = shop.api.patch("ports/b", {"quarantined": True})
        shop.api.patch("networks/net", {"description": "nor that"})

        host = shop.api.get("hosts/h2")["status"]
        assert host["lag"]["revisions"] == 1 and host["lag"]["ms"] > 0
        summary = {h["name"]: h for h in shop.api.get("summary")["hosts"]}
        assert (summary["h2"]["lag"], summary["h1"]["lag"]) == (1, 0)
        behind = shop.api.get("activity")["hosts"]["behind"]
        assert [(h["host"], h["lag"]["revisions"]) for h in behind] == [
            ("h2", 1)]
        line = hosts_line(shop, "h2")
        assert (line["STATE"], line["FLOWS"]) == ("offline", "?")
        assert line["BEHIND"].startswith("1/")
        assert "  flows: '?'\n" in vmnctl(shop, "describe", "host",
                                         "h2").stdout
        h2.stop_db(0)
        wait_for("all to tell that its database is away, too", lambda: [
            r[:30] for r in set(reasons(shop, "h2", done["revision"])
                                .values())]
            == ["no connection to its database:"[:30]], 30)
    finally:
        h2.start()
    wait_for("all ports to be known", lambda: known(shop), 30)
    shop.api.patch("ports/b", {"quarantined": False})
    wait_quiet(lab)
    assert_known(shop)
    assert shop.api.get("hosts/h2")["status"]["lag"]["revisions"] == 0


def test_host_whose_database_has_ended(shop):
    """Its switch holds what it is to hold, and is connected; whether its VMs
    are still there nobody says."""
    lab, h2 = shop.lab, shop.lab.host("h2")
    assert_known(shop)
    reader = Reader(lab.vmnd.socket, "?kinds=host")
    reader.take("start")
    h2.stop_db(0)
    try:
        wait_for("b to be unknown", lambda: status(shop, "b")["state"] ==
                 "unknown", 30)
        assert_unknown(shop, 'the database of host "h2"')
        assert_host_unheard(shop, "h2")
        told = reader.take("host")[1]
        assert (told["host"], told["state"]) == ("h2", "unheard")
        assert told["reason"].startswith(status(shop, "b")["reason"])
        assert_change_is_not_installed(shop, "h2")
    finally:
        h2.start()
    wait_for("all ports to be known", lambda: known(shop), 30)
    wait_quiet(lab)
    assert_known(shop)
    told = shop.api.get("hosts/h2")["status"]
    assert told["state"] == "synced" and "reason" not in told
    assert vmnctl(shop, "status").returncode == 0


def test_host_that_is_away_when_vmnd_starts(shop):
    lab, h2 = shop.lab, shop.lab.host("h2")
    lab.vmnd.stop()
    h2.cut()
    try:
        lab.vmnd.start()
        wait_for("b to be unknown", lambda: status(shop, "b").get("state") ==
                 "unknown", 40)
        wait_for("a to be up", lambda: status(shop, "a").get("state") == "up",
                 30)
        assert_unknown(shop, 'host "h2"')
        # A start is no change: of the others nothing is told.
        shop.lab.await_synced([h for h in lab.hosts if h is not h2])
        told = past_events(shop, "host")
        assert [(t["host"], t["state"]) for t in told] == [("h2", "offline")]
    finally:
        h2.heal()
    wait_for("all ports to be known", lambda: known(shop), 30)
    wait_quiet(lab)
    assert_known(shop)
    told = past_events(shop, "host")
    assert {t["host"] for t in told} == {"h2"}
    assert told[-1]["state"] == "synced"


def test_start_of_vmnd_is_no_event_of_hosts(shop):
    shop.lab.vmnd.stop()
    shop.lab.vmnd.start()
    shop.lab.await_synced()
    wait_for("all ports to be known", lambda: known(shop), 30)
    assert past_events(shop, "host,ports") == []
