# SPDX-License-Identifier: Apache-2.0
"""Receipts tell the truth: of which revision, and what was known of it."""

import json
import os
import re
import subprocess
import time

import pytest
from conftest import WAIT, close_lab, end, make_lab, wait_quiet

from vmnlab.daemon import find
from vmnlab.netns import wait_for

NETWORK = {"type": "networks", "name": "shop",
           "spec": {"subnets": [{"cidr": "10.0.0.0/24"}]}}


def port(name, **more):
    return {"type": "ports", "name": name, "spec": {"network": "shop"} | more}


@pytest.fixture(scope="module")
def lab():
    """Two hosts with a VM each."""
    lab = make_lab("receipts", 2)
    try:
        lab.vmnd.api.apply([NETWORK, port("vm1"), port("vm2")],
                           wait="installed")
        lab.add_vm_of_port("vm1", "h1")
        lab.add_vm_of_port("vm2", "h2")
        lab.await_ports(["vm1", "vm2"])
        wait_quiet(lab)
        yield lab
    finally:
        close_lab(lab)


def vmnctl(lab, *words, status=0, text=None):
    """Runs it, and returns what it wrote and its complaints."""
    done = subprocess.run(
        [find("vmnctl"), *words], input=text, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        env=dict(os.environ, VMNCTL_SERVER="unix:" + lab.vmnd.api.path))
    assert done.returncode == status, (words, done)
    return done.stdout, done.stderr


@pytest.fixture
def cut(lab):
    """h2 does not hear of anything."""
    h2 = lab.hosts[1]
    h2.cut()
    yield h2
    h2.heal()
    lab.await_synced()
    wait_quiet(lab)


def apply(lab, objects, status, *more):
    return vmnctl(lab, "apply", "-f", "-", "--wait", "--timeout", "1s", *more,
                  text=json.dumps({"objects": objects}), status=status)


def test_what_only_prunes_is_waited_for(lab, cut):
    del cut
    api = lab.vmnd.api
    groups = [{"type": "groups", "name": n, "spec": {"ports": ["vm2"]}}
              for n in ("only", "gone")]
    policy = {"type": "policies", "name": "gone", "spec": {
        "applies_to": ["gone"], "rules": [
            {"direction": "ingress", "action": "allow",
             "services": [{"protocol": "tcp", "ports": [80]}]}]}}
    apply(lab, groups + [policy], 4, "--prune", "pruned")
    before = api.get("status")["revision"]
    _, complaint = apply(lab, groups[:1], 4, "--prune", "pruned")
    assert "revision %d is not installed" % (before + 1) in complaint
    # Nor is it by asking again, when there is nothing left to change.
    _, complaint = apply(lab, groups[:1], 4, "--prune", "pruned")
    assert "revision %d is not installed" % (before + 1) in complaint
    api.apply([], prune="pruned")


def test_what_is_unchanged_is_waited_for_as_a_whole(lab, cut):
    """The newest of what is named is installed, another is not."""
    del cut
    api = lab.vmnd.api
    held = port("vm2", quarantined=True)
    late = api.put("ports/vm2", held["spec"])["revision"]
    lone = NETWORK | {"name": "lone"}
    newest = api.put("networks/lone", lone["spec"], wait="installed")
    assert newest["revision"] > late and newest["receipt"]["installed"]
    _, complaint = apply(lab, [lone, held], 4)
    assert "revision %d is not installed" % late in complaint
    reply = api.put("ports/vm2", held["spec"], wait="installed",
                    timeout="100ms")
    assert reply["revision"] == reply["receipt"]["revision"] == late
    assert not reply["receipt"]["installed"]
    api.apply([port("vm2")])
    api.delete("networks/lone")


def test_creation_of_a_port_that_is_plugged_covers_its_binding(lab):
    """Its host reported the interface before: that is a revision later."""
    api = lab.vmnd.api
    spec = api.get("ports/vm1")["spec"]
    for _ in range(20):
        api.delete("ports/vm1")
        reply = api.put("ports/vm1", spec, wait="installed", timeout=WAIT)
        assert reply["receipt"]["installed"]
        assert reply["receipt"]["revision"] > reply["revision"]
        assert reply["status"]["state"] == "up", reply
        assert api.get("ports/vm1")["status"]["state"] == "up"
        api.delete("ports/vm1")
        reply = api.apply([port("vm1", **spec)], wait="installed",
                          timeout=WAIT)
        assert reply["receipt"]["revision"] > reply["revision"]
        assert api.get("ports/vm1")["status"]["state"] == "up"
    # Where nobody has it, there is nothing to wait for.
    reply = api.put("ports/vm9", spec | {"iface_id": "vm9", "ips": []},
                    wait="installed")
    assert reply["receipt"]["revision"] == reply["revision"]
    api.delete("ports/vm9")


def test_change_that_was_not_waited_for_is_waited_for_later(lab, cut):
    made, _ = vmnctl(lab, "quarantine", "vm2", "--no-wait")
    number = re.search(r"^revision (\d+) is stored, and not waited for: "
                       r"vmnctl wait \1$", made, re.M)[1]
    _, complaint = vmnctl(lab, "wait", number, "--timeout", "300ms", status=4)
    assert "revision %s is not installed" % number in complaint
    assert re.search(r"^h2 ", complaint, re.M), complaint
    cut.heal()
    said, _ = vmnctl(lab, "wait", number, "--timeout", "60s")
    assert "revision %s is installed on " % number in said
    vmnctl(lab, "release", "vm2", "--timeout", "60s")
    shown, _ = vmnctl(lab, "revision", "latest")
    assert "Installed:   yes" in shown
    _, complaint = vmnctl(lab, "wait", "999999", status=1)
    assert "(HTTP 404)" in complaint


def test_wait_for_a_binding_that_its_host_does_not_take(lab, cut):
    del cut
    api = lab.vmnd.api
    spec = api.get("ports/vm2")["spec"]
    api.delete("ports/vm2")
    reply = api.put("ports/vm2", spec, wait="installed", timeout="500ms")
    assert not reply["receipt"]["installed"]
    # Unknown once the host has not been heard for some seconds.
    assert reply["status"]["state"] in ("pending", "unknown")


def restart(lab, kill=False):
    if kill:
        lab.vmnd.kill()
    else:
        end(lab.vmnd)
    lab.vmnd.start()
    lab.await_synced(lab.hosts)


def entry(lab, revision):
    return lab.vmnd.api.get("revisions/%d" % revision)


def listed(lab, revision):
    """What the list of revisions says of one."""
    return lab.vmnd.api.get("revisions", after=revision - 1,
                            limit=1)["items"][0]


def test_receipts_outlive_vmnd(lab):
    """All that was known of a revision is: who had it when, and its flows."""
    api = lab.vmnd.api
    revision = api.put("ports/vm1", {"network": "shop", "quarantined": True},
                       wait="installed")["revision"]
    known = entry(lab, revision)
    assert known["receipt"]["recorded"] and known["receipt"]["flows"]
    assert listed(lab, revision)["hosts"]["confirmed"] >= 1
    in_list = listed(lab, revision)
    for _ in range(2):
        restart(lab)
        assert entry(lab, revision) == known
        assert listed(lab, revision) == in_list
    out, _ = vmnctl(lab, "revisions")
    n = known["receipt"]["hosts"]
    assert "%d of %d" % (len(n), len(n)) in out
    # Also what was made a moment before it was killed: a while after, or, in
    # that while, it is said not to be known.
    revision = api.put("ports/vm1", {"network": "shop"},
                       wait="installed")["revision"]
    known = entry(lab, revision)
    restart(lab, kill=True)
    receipt = entry(lab, revision)["receipt"]
    if receipt["recorded"]:
        assert receipt["flows"] == known["receipt"]["flows"]
    else:
        assert {h["time"] for h in receipt["hosts"]} == {None}
        assert receipt["flows"] == []
        out, _ = vmnctl(lab, "revision", str(revision))
        assert "is not known" in out


def test_host_that_had_not_confirmed_before_a_restart(lab, cut):
    """It is told as it was; then as it is, without a time made up."""
    api = lab.vmnd.api
    revision = api.put("ports/vm2", {"network": "shop", "quarantined": True},
                       wait="installed", timeout="100ms")["revision"]
    end(lab.vmnd)
    lab.vmnd.start()
    wait_for("h1 is synced",
             lambda: lab.host_state(lab.hosts[0]) == "synced")

    def h2():
        found = entry(lab, revision)["receipt"]
        assert found["recorded"]
        return [h for h in found["hosts"] if h["host"] == "h2"][0]

    assert h2()["state"] in ("offline", "pending") and h2()["time"]
    missing = listed(lab, revision)["hosts"]
    assert missing["confirmed"] < missing["concerned"]
    cut.heal()
    wait_for("h2 has it", lambda: h2()["state"] == "confirmed", 60)
    assert h2()["time"] is None
    assert entry(lab, revision)["receipt"]["installed"]
    api.put("ports/vm2", {"network": "shop"}, wait="installed")


def test_a_port_that_nobody_has_plugged_is_not_waited_for(lab):
    """No host reports it, so no binding follows from its creation.  It took
    all of the time-out, once, which is far above what it takes."""
    began = time.monotonic()
    receipt = lab.vmnd.api.put("ports/spare", {"network": "shop"},
                               wait="installed", timeout="60s")["receipt"]
    assert receipt["installed"] and time.monotonic() < began + 40
    lab.vmnd.api.delete("ports/spare", wait="installed")
