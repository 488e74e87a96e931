# SPDX-License-Identifier: Apache-2.0
"""Plans: they do nothing, and say what then really happens on real
switches."""

import collections
import json
import os
import subprocess
import threading

import pytest
from conftest import WAIT, changes, entry, flows, rule, wait_quiet
from vmnlab.daemon import find
from vmnlab.netns import wait_for


@pytest.fixture
def filled(world):
    """VMs on two hosts, with a policy and a balancer."""
    world.network("net")
    world.vm("v1", "net", "h1", labels={"role": "a"})
    world.vm("v2", "net", "h2", labels={"role": "b"})
    world.group("ga", "role=a")
    world.group("gb", "role=b")
    world.policy("pol", "ga", rule("ingress", "allow", ["gb"],
                                   [entry("tcp", 80)]))
    world.put("loadbalancers", "lb", vip="10.0.0.200", networks=["net"],
              ports=[{"port": 80}], selector="role=b")
    wait_quiet(world.lab)
    return world


def n_held(host):
    groups = host.ofctl("dump-groups", "br-int")
    return len(flows(host)) + groups.count("group_id=")


def counts(apps):
    return {a["app"]: (a["added"], a["changed"], a["removed"]) for a in apps
            if a["added"] or a["changed"] or a["removed"]}


CHANGES = {
    "a rule": ("PATCH", "policies/pol", {"rules": [
        rule("ingress", "allow", ["gb"], [entry("tcp", 80, 443)]),
        rule("ingress", "allow", ["gb"], [entry("udp", 53)])]}, {}),
    "a quarantine": ("PATCH", "ports/v2", {"quarantined": True}, {}),
    "a label": ("PATCH", "ports/v2", {"labels": {"role": "a"}}, {}),
    "a new balancer": ("PUT", "loadbalancers/lb2", {
        "vip": "10.0.0.201", "networks": ["net"], "ports": [{"port": 443}],
        "selector": "role=a"}, {}),
    "a deletion": ("DELETE", "loadbalancers/lb", None, {}),
    "a deletion with what refers to it": ("DELETE", "groups/gb", None,
                                          {"cascade": "true"}),
    "a change that no flow reads": ("PATCH", "networks/net",
                                    {"description": "x"}, {}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_plan_tells_what_then_happens(filled, change):
    method, target, spec, query = change
    body = None if spec is None else {"spec": spec}
    api, hosts = filled.api, filled.lab.hosts
    before = [flows(h) for h in hosts]
    held = [n_held(h) for h in hosts]
    revision = api.get("revisions", limit=1)["revision"]

    plan = api.call(method, "/v1/" + target, body, dry_run="plan", **query)
    assert plan["changed"] and plan["revision"] == revision
    assert api.get("revisions", limit=1)["revision"] == revision
    assert [changes(b, flows(h)) for b, h in zip(before, hosts)] \
        == [[] for _ in hosts]

    done = api.call(method, "/v1/" + target, body, wait="installed",
                    timeout=WAIT, **query)
    if method == "PUT":
        filled.made.append(tuple(target.split("/")))
    assert done["receipt"]["installed"], done
    assert counts(plan["flows"]["apps"]) == counts(done["receipt"]["flows"])
    planned = {h["host"]: h for h in plan["flows"]["hosts"]}
    for host, was in zip(hosts, held):
        here = planned.get(host.name, {"added": 0, "removed": 0})
        assert n_held(host) - was == here["added"] - here["removed"], host
        if "total" in here:
            status = api.get("hosts/" + host.name)["status"]
            assert here["total"] == status["flows"] + status["groups"], plan

    entry_of_log = api.get("revisions/%d" % done["revision"])
    assert sorted((o["type"], o["name"]) for o in plan["objects"]) == sorted(
        (c["type"], c["name"]) for c in entry_of_log["changes"]
        if "by" not in c)
    assert plan["problems"] == []


def test_what_is_planned_is_told_nowhere(filled):
    """Not even while it is planned, which takes a while."""
    api = filled.api
    more = {"objects": [{"type": "ports", "name": "p%d" % i, "spec": {
        "network": "net", "labels": {"role": "b"}}} for i in range(240)]}
    seen, over = collections.Counter(), threading.Event()

    def look():
        while not over.is_set():
            one = api.get("loadbalancers/lb")["status"]
            listed, = api.get("loadbalancers")["items"]
            seen[one["n_backends"], len(one["backends"]),
                 listed["status"]["n_backends"],
                 api.get("summary")["balancers"]["partial"],
                 sum(n for name, n in api.metrics().items() if
                     name.startswith("vmn_loadbalancer_backends{"))] += 1

    looker = threading.Thread(target=look)
    looker.start()
    try:
        wait_for("a look", lambda: seen)
        for _ in range(20):
            plan = api.call("POST", "/v1/apply", more, dry_run="plan")
            assert len(plan["objects"]) == 240
    finally:
        over.set()
        looker.join()
    assert set(seen) == {(1, 1, 1, 0, 1)}, seen


def test_vmnctl_shows_a_plan(filled, tmp_path):
    path = tmp_path / "more.yaml"
    path.write_text("type: policies\nname: pol\nspec:\n"
                    "  applies_to: [ga]\n"
                    "  rules: [{direction: ingress, action: deny}]\n")

    def vmnctl(*args):
        done = subprocess.run(
            [find("vmnctl"), *args], stdout=subprocess.PIPE, text=True,
            env=dict(os.environ,
                     VMNCTL_SERVER="unix:" + filled.api.path), timeout=60)
        return done.returncode, done.stdout

    status, text = vmnctl("diff", "-f", str(path))
    assert status == 1
    lines = [line.split() for line in text.splitlines()]
    assert ["updated", "policies", "pol"] in lines
    assert ["HOST", "ADDED", "CHANGED", "REMOVED", "TOTAL"] in lines
    status, text = vmnctl("apply", "-f", str(path), "--dry-run", "-o",
                          "json")
    assert status == 0 and json.loads(text)["changed"]
    assert vmnctl("apply", "-f", str(path), "--wait")[0] == 0
    assert vmnctl("diff", "-f", str(path)) == (
        0, "nothing would change\n")
