# SPDX-License-Identifier: Apache-2.0
"""Changes of objects that unbind ports: the plan tells of it, the revision
does it, its receipt is of the host that loses the flows, and the log and the
events name who did it."""

import contextlib
import os
import subprocess

import pytest
from conftest import COMMAND_S, WAIT, wait_quiet
from test_events import Reader
from test_plan import counts, n_held
from vmnlab.daemon import find
from vmnlab.netns import wait_for


@pytest.fixture
def net(world):
    """Ports "m1" on h1 and "m2" on h3."""
    world.network("net")
    world.vm("m1", "net", "h1")
    world.vm("m2", "net", "h3")
    wait_quiet(world.lab)
    yield world
    for name in ("h1", "h2", "h3"):
        world.api.patch("hosts/" + name, {"port_selector": None})


def status(world, port):
    return world.api.get("ports/" + port)["status"]


@contextlib.contextmanager
def interface(host, iface_id):
    """Another interface of a port, on 'host'; gone again at the end."""
    host.vsctl("add-port", "br-int", "two0", "--", "set", "interface", "two0",
               "type=internal", "external_ids:iface-id=" + iface_id)
    try:
        yield
    finally:
        host.vsctl("--if-exists", "del-port", "br-int", "two0")


def vmnctl(world, *args):
    return subprocess.run(
        [find("vmnctl"), *args], check=True, text=True, timeout=COMMAND_S,
        stdout=subprocess.PIPE,
        env=dict(os.environ, VMNCTL_SERVER="unix:" + world.api.path)).stdout


def warnings_of(answer, port):
    return [(w["pointer"], w["text"]) for w in answer.get("warnings", ())
            if (w.get("type"), w.get("name")) == ("ports", port)]


UNBINDING = {
    "another host": (
        "PATCH", "ports/m2", {"host": "h1"}, "/spec/host",
        'loses its binding to host "h3": it is unbound until host "h1" has '
        'its interface (iface-id "m2")'),
    "other hosts": (
        "PATCH", "ports/m2", {"hosts": ["h1", "h2"]}, "/spec/hosts",
        'loses its binding to host "h3": it is unbound until host "h1" or '
        '"h2" has its interface (iface-id "m2")'),
    "another iface-id": (
        "PATCH", "ports/m2", {"iface_id": "other"}, "/spec/iface_id",
        'loses its binding to host "h3": it is unbound until a host has its '
        'interface (iface-id "other")'),
    "a host that takes other ports": (
        "PATCH", "hosts/h3", {"port_selector": "role=none"}, "/spec",
        'loses its binding to host "h3": it is unbound until a host that '
        'accepts it has its interface (iface-id "m2")'),
}


@pytest.mark.parametrize("change", UNBINDING.values(), ids=UNBINDING.keys())
def test_change_that_unbinds_is_one_revision(net, change):
    method, target, spec, pointer, text = change
    api, host = net.api, net.lab.host("h3")
    held = n_held(host)
    body = {"spec": spec}

    plan = api.call(method, "/v1/" + target, body, dry_run="plan")
    assert warnings_of(plan, "m2") == [(pointer, text)]
    planned = {h["host"]: h for h in plan["flows"]["hosts"]}
    assert planned["h3"]["removed"] > 0
    assert status(net, "m2")["state"] == "up"

    done = api.call(method, "/v1/" + target, body, wait="installed",
                    timeout=WAIT)
    assert warnings_of(done, "m2") == [(pointer, text)]
    receipt = done["receipt"]
    assert receipt["installed"] and receipt["revision"] == done["revision"]
    assert "h3" in [h["host"] for h in receipt["hosts"]]
    assert counts(plan["flows"]["apps"]) == counts(receipt["flows"])
    assert n_held(host) - held == (planned["h3"]["added"]
                                   - planned["h3"]["removed"])
    assert status(net, "m2")["state"] == "unbound"

    entry = api.get("revisions/%d" % done["revision"])
    assert {"op": "delete", "type": "bindings", "name": "m2", "from": "h3"} \
        in entry["changes"]
    assert entry["who"].startswith("unix:")
    wait_quiet(net.lab)
    assert api.get("revisions", limit=1)["revision"] == done["revision"]


def test_change_that_moves_a_port_is_one_revision(net):
    """Of two hosts that have its interface, a port names the other one."""
    with interface(net.lab.host("h1"), "m2"):
        # A port's status may name its candidate before it is committed.
        wait_for("the candidate", lambda: any(
            c.get("candidate") == "h1" for r in net.api.get(
                "revisions", type="bindings", name="m2", limit=1)["items"]
            for c in r["changes"]))
        newest = net.api.get("revisions", limit=1)["revision"]
        assert net.api.get("revisions/%d" % newest, wait="installed",
                           timeout=WAIT)["receipt"]["installed"]
        plan = net.api.call("PATCH", "/v1/ports/m2", {"spec": {"host": "h1"}},
                            dry_run="plan")
        done = net.patch("ports", "m2", host="h1")
        assert done["receipt"]["revision"] == done["revision"]
        assert counts(plan["flows"]["apps"]) == counts(
            done["receipt"]["flows"])
        assert "warnings" not in plan and "warnings" not in done
        assert status(net, "m2")["host"] == "h1"
        wait_quiet(net.lab)
        assert net.api.get("revisions", limit=1)["revision"] \
            == done["revision"]


def test_deleted_port_that_is_made_again_is_bound_by_the_time_it_is_waited(
        net):
    held = n_held(net.lab.host("h3"))
    plan = net.api.delete("ports/m2", dry_run="plan")
    planned = {h["host"]: h for h in plan["flows"]["hosts"]}
    done = net.delete("ports", "m2")
    assert "h3" in [h["host"] for h in done["receipt"]["hosts"]]
    assert n_held(net.lab.host("h3")) - held == (
        planned["h3"]["added"] - planned["h3"]["removed"])
    net.put("ports", "m2", network="net")
    assert status(net, "m2")["host"] == "h3"
    assert n_held(net.lab.host("h3")) == held


def test_host_that_is_deleted_takes_bindings_along(net):
    """And brings them back once it is there again, under whichever name."""
    text = ('loses its binding to host "h3": it is unbound until a host has '
            'its interface (iface-id "m2")')
    net.patch("ports", "m2", host="h3")
    before = net.api.get("hosts/h3")["spec"]
    home = "h3"
    renamed = [{"type": "hosts", "name": "h3", "op": "delete",
                "cascade": True},
               {"type": "hosts", "name": "h9", "spec": before}]
    try:
        plan = net.api.apply(renamed, dry_run="plan")
        assert warnings_of(plan, "m2") == [("/spec/host", text)]
        done = net.api.apply(renamed)
        home = "h9"
        assert warnings_of(done, "m2") == [("/spec/host", text)]
        entry = net.api.get("revisions/%d" % done["revision"])
        assert {"op": "delete", "type": "bindings", "name": "m2",
                "from": "h3"} in entry["changes"]
        wait_for("the port on h9",
                 lambda: status(net, "m2").get("host") == "h9")
    finally:
        if home == "h9":
            net.api.apply([
                {"type": "hosts", "name": home, "op": "delete",
                 "cascade": True},
                {"type": "hosts", "name": "h3", "spec": before}])
        net.lab.await_synced()
        wait_for("the port on h3",
                 lambda: status(net, "m2").get("host") == "h3")


def is_on(net, host, candidate):
    found = status(net, "m2")
    return (found.get("host"), found.get("candidate")) == (host, candidate)


def activate(net, host, other):
    net.patch("ports", "m2", migration={"to": host, "activated": True})
    wait_for("the activation", lambda: is_on(net, host, other))
    net.patch("ports", "m2", migration=None)


def bindings_since(net, revision):
    """What has become of the binding of "m2" since, oldest first."""
    return [(c["to"], c.get("candidate"))
            for r in net.api.get("revisions", type="bindings", name="m2",
                                 limit=20)["items"]
            if r["revision"] >= revision
            for c in r["changes"] if c["type"] == "bindings"]


def goes(net, host, lost, text, left_on):
    """Has a host go while "m2" migrates, and come back.  The plan tells of it,
    and what follows for the port is in the same revision."""
    before = net.api.get("hosts/" + host)["spec"]
    method, body = ("PATCH", {"spec": {"lost": True}}) if lost else \
        ("DELETE", None)
    for more in {"dry_run": "plan"}, {"wait": "installed", "timeout": WAIT}:
        answer = net.api.call(method, "/v1/hosts/" + host, body, **more)
        assert warnings_of(answer, "m2") == [("/spec", text)]
    assert is_on(net, left_on, None)
    net.api.apply([{"type": "hosts", "name": host, "spec": before}])
    net.lab.await_synced()
    wait_for("the candidate again", lambda: is_on(net, left_on, host))
    # The status has it at once, the log once it is stored.
    wait_for("both changes in the log", lambda: bindings_since(
        net, answer["revision"]) == [(left_on, None), (left_on, host)])
    wait_quiet(net.lab)


@pytest.mark.parametrize("lost", (False, True))
def test_host_that_goes_ends_migrations(net, lost):
    """In each state, whichever of both it is."""
    way = "declared lost" if lost else "deleted"
    with interface(net.lab.host("h2"), "m2"):
        wait_for("the candidate", lambda: is_on(net, "h3", "h2"))
        wait_quiet(net.lab)
        there = 'its migration from host "h3" to host "h2" is '
        goes(net, "h2", lost, there + "rolled back: h2 is " + way, "h3")
        activate(net, "h2", "h3")
        goes(net, "h2", lost, there + "rolled back: h2 is " + way, "h3")
        net.lab.unplug("m2")
        wait_for("it to be on h2", lambda: is_on(net, "h2", None))
        net.lab.replug("m2", "h3")
        wait_for("the candidate", lambda: is_on(net, "h2", "h3"))
        activate(net, "h3", "h2")
        wait_quiet(net.lab)
        goes(net, "h2", lost, 'its migration from host "h2" to host "h3" is '
             "finished: h2 is " + way, "h3")
        # Its VM may run there alone.
        goes(net, "h3", lost, there + "finished: h3 is %s; that its VM runs "
             "there is not known" % way, "h2")
        activate(net, "h3", "h2")


def test_sub_ports_are_unbound_with_their_parent(net):
    net.put("ports", "sub", network="net", parent="m2", vlan=7)
    wait_for("the sub-port", lambda: status(net, "sub").get("host") == "h3")
    wait_quiet(net.lab)
    done = net.patch("ports", "m2", host="h1")
    for name in "m2", "sub":
        assert len(warnings_of(done, name)) == 1, name
        assert status(net, name)["state"] == "unbound"
    entry = net.api.get("revisions/%d" % done["revision"])
    assert sorted(c["name"] for c in entry["changes"]
                  if c["type"] == "bindings") == ["m2", "sub"]


def test_moves_are_in_the_history_and_in_events(net):
    """A VM that comes up on a second host before the first drops it, and a
    row that names another host."""
    start = net.api.get("revisions", limit=1)["revision"]
    reader = Reader(net.api.path, "?kinds=binding&port=m2")
    reader.take("start")
    with interface(net.lab.host("h1"), "m2"):
        assert "from" not in reader.take("binding", candidate="h1")[1]
        net.lab.unplug("m2")
        told = reader.take("binding", host="h1")[1]
        assert (told["from"], told["migration"]) == ("h3", "finished")
        assert told["migration_reason"] == "h3 has dropped its interface"
        net.patch("ports", "m2", host="h2")
        gone = reader.take("binding", state="unbound")[1]
        assert gone["host"] is None and gone["from"] == "h1"
    reader.close()

    lines = [line.split("  ", 3)[1:] for line in
             vmnctl(net, "history", "ports/m2").splitlines()
             if line[0].isdigit() and int(line.split()[0]) > start]
    assert [line[1:] for line in lines] == [
        ["host:h1", "on h3, candidate h1, as the switch of h1 reports"],
        ["host:h3", "moved from h3 to h1, migration finished: h3 has dropped "
         "its interface, as the switch of h3 reports"],
        ["unix:uid=0 (root)", "update  unbound from h1"]]
    shown = vmnctl(net, "revisions", "--type", "bindings", "--name", "m2")
    assert "update bindings/m2 moved from h3 to h1" in shown
    told = vmnctl(net, "events", "--port", "m2", "--limit", "20")
    assert (" on h1, moved from h3, migration finished: h3 has dropped its "
            "interface" in told)
    assert "m2 unbound, was on h1" in told
    told = vmnctl(net, "events", "--limit", "20", "--type", "bindings")
    assert "update bindings/m2 moved from h3 to h1" in told
    assert "bindings" in vmnctl(net, "explain")
    assert "host" in vmnctl(net, "explain", "bindings")


def test_first_event_after_a_restart_says_what_a_port_has_left(net):
    net.lab.vmnd.stop()
    net.lab.vmnd.start()
    net.lab.await_synced()
    reader = Reader(net.api.path, "?kinds=binding&port=m2")
    reader.take("start")
    net.patch("ports", "m2", host="h1")
    assert reader.take("binding", state="unbound")[1]["from"] == "h3"
    reader.close()
