# SPDX-License-Identifier: Apache-2.0
"""Receipts tell the truth: of which revision, and what was known of it."""

import json
import os
import subprocess

import pytest
from conftest import close_lab, make_lab, wait_quiet

from vmnlab.daemon import find

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
        reply = api.put("ports/vm1", spec, wait="installed")
        assert reply["receipt"]["installed"]
        assert reply["receipt"]["revision"] > reply["revision"]
        assert reply["status"]["state"] == "up", reply
        assert api.get("ports/vm1")["status"]["state"] == "up"
        api.delete("ports/vm1")
        reply = api.apply([port("vm1", **spec)], wait="installed")
        assert reply["receipt"]["revision"] > reply["revision"]
        assert api.get("ports/vm1")["status"]["state"] == "up"
    # Where nobody has it, there is nothing to wait for.
    reply = api.put("ports/vm9", spec | {"iface_id": "vm9", "ips": []},
                    wait="installed")
    assert reply["receipt"]["revision"] == reply["revision"]
    api.delete("ports/vm9")


def test_wait_for_a_binding_that_its_host_does_not_take(lab, cut):
    del cut
    api = lab.vmnd.api
    spec = api.get("ports/vm2")["spec"]
    api.delete("ports/vm2")
    reply = api.put("ports/vm2", spec, wait="installed", timeout="500ms")
    assert not reply["receipt"]["installed"]
    assert reply["status"]["state"] == "pending"
