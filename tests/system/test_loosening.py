# SPDX-License-Identifier: Apache-2.0
"""Changes that open what was closed: the recipe of `vmnctl policy recommend`
makes none, and all others say so before and after they are made, or are
refused as a whole."""

import subprocess

import pytest
from conftest import patient
from vmnlab.api import Refused
from vmnlab.daemon import find


def vmnctl(world, *args, stdin=None, status=0):
    done = subprocess.run([find("vmnctl"), "-s", "unix:" + world.api.path,
                           *patient(args)], text=True, input=stdin,
                          capture_output=True, timeout=120)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def kinds(answer):
    return {w["loosens"] for w in answer.get("warnings", ())
            if "loosens" in w}


ALLOW_WEB = {"direction": "ingress", "action": "allow",
             "peers": [{"group": "web"}],
             "services": [{"protocol": "tcp", "ports": [5432]}]}
OUTSIDE = {"direction": "ingress", "action": "allow",
           "peers": [{"cidr": "198.51.100.0/24"}]}


@pytest.fixture
def shop(world):
    """A database that web VMs alone reach, and a VM that does not."""
    world.network("lab")
    for kind, name, spec in (
            ("groups", "web", {"selector": "role=web"}),
            ("groups", "db", {"selector": "role=db"}),
            ("services", "sql", {"labels": {"tenant": "globex"}, "entries": [
                {"protocol": "tcp", "ports": [5432]}]}),
            ("policies", "db-in", {
                "applies_to": ["db"], "labels": {"tenant": "acme"},
                "rules": [ALLOW_WEB, OUTSIDE]})):
        world.put(kind, name, **spec)
    return {name: world.vm(name, "lab", host, "10.0.0.%d" % (i + 1),
                           tcp=[5432], labels={"role": role})
            for i, (name, host, role) in enumerate((
                ("web1", "h1", "web"), ("db1", "h2", "db"),
                ("evil", "h1", "other")))}


def spec_of(world, name):
    return world.api.get(name)["spec"]


def test_recipe_of_recommend_opens_nothing(world, shop):
    world.put("observations", "lab")
    assert world.reaches(shop["web1"], shop["db1"], 5432)
    assert world.blocked(shop["evil"], shop["db1"], 5432)
    before = spec_of(world, "policies/db-in")
    file = vmnctl(world, "policy", "recommend", "--network", "lab").stdout
    assert "not changed: db-in" in file and "globex" not in file
    assert "service: sql" not in file
    world.made.append(("policies", "db-in-2"))
    done = vmnctl(world, "apply", "-f", "-", "--refuse-loosening", "--wait",
                  stdin=file)
    assert "policies/db-in-2 created" in done.stdout
    assert "loosens" not in done.stdout + done.stderr
    assert spec_of(world, "policies/db-in") == before
    assert spec_of(world, "policies/db-in-2")["mode"] == "shadow"
    assert world.blocked(shop["evil"], shop["db1"], 5432)

    # The file is older than what has become of its policy.
    vmnctl(world, "promote", "db-in-2")
    done = vmnctl(world, "apply", "-f", "-", "--refuse-loosening", stdin=file,
                  status=1)
    assert "would loosen: policy \"db-in-2\" is not enforced" in done.stderr
    assert spec_of(world, "policies/db-in-2")["mode"] == "enforce"


def changes(world):
    """(what it loosens, a call that takes a query) of each kind of change."""
    api = world.api
    shadow = {"mode": "shadow"}
    labels = {"labels": {"role": "x"}}
    yield {"enforcement", "isolation"}, lambda **query: api.patch(
        "policies/db-in", shadow, **query)
    yield {"enforcement", "isolation"}, lambda **query: api.put(
        "policies/db-in", dict(spec_of(world, "policies/db-in"), **shadow),
        **query)
    yield {"enforcement", "isolation"}, lambda **query: api.delete(
        "policies/db-in", **query)
    yield {"enforcement", "isolation"}, lambda **query: api.delete(
        "groups/db", cascade="true", **query)
    yield {"isolation"}, lambda **query: api.patch("ports/db1", labels,
                                                   **query)
    yield {"access"}, lambda **query: api.patch(
        "ports/evil", {"labels": {"role": "web"}}, **query)
    yield {"access"}, lambda **query: api.apply(
        [{"op": "patch", "type": "policies", "name": "db-in",
          "spec": {"rules": [ALLOW_WEB, OUTSIDE, dict(
              ALLOW_WEB, peers=[{"cidr": "10.0.0.3"}])]}}], **query)
    yield {"quarantine"}, lambda **query: api.delete("quarantines/held",
                                                     **query)
    yield {"quarantine"}, lambda **query: api.apply([], prune="held", **query)
    yield {"quarantine"}, lambda **query: api.call(
        "POST", "/v1/revisions/%d/undo" % world.held, **query)
    yield {"enforcement", "isolation"}, lambda **query: api.call(
        "POST", "/v1/drafts/open/apply", **query)


def test_every_way_in_says_what_it_loosens(world, shop):
    api = world.api
    world.put("ports", "held", network="lab")
    held = api.apply([{"type": "quarantines", "name": "held", "spec": {
        "ports": ["held"]}}], prune="held")
    world.held = held["revision"]
    world.made.append(("quarantines", "held"))
    world.put("drafts", "open", changes=[
        {"type": "policies", "name": "db-in", "op": "patch",
         "spec": {"mode": "shadow"}}])
    state = [spec_of(world, name) for name in (
        "policies/db-in", "ports/db1", "ports/evil", "quarantines/held",
        "drafts/open")]
    assert not kinds(held)
    for expected, call in changes(world):
        plan = call(dry_run="plan")
        assert kinds(plan) == expected, plan
        with pytest.raises(Refused) as caught:
            call(refuse_loosening="true")
        assert caught.value.status == 409
        assert all(e["detail"].startswith("would loosen: ")
                   for e in caught.value.problem["errors"])
        assert state == [spec_of(world, name) for name in (
            "policies/db-in", "ports/db1", "ports/evil", "quarantines/held",
            "drafts/open")]
    with pytest.raises(Refused) as caught:
        api.patch("policies/db-in", {}, refuse_loosening="perhaps")
    assert caught.value.status == 400
    # What closes passes, and what opens says so once it is made.
    answer = api.patch("ports/web1", {"labels": {"env": "prod"}},
                       refuse_loosening="true")
    assert not kinds(answer)
    answer = api.call("POST", "/v1/drafts/open/apply")
    assert kinds(answer) == {"enforcement", "isolation"}
    assert "policy \"db-in\"" in answer["warnings"][0]["text"]


def test_vmnctl_has_a_paragraph_of_its_own(world, shop):
    done = vmnctl(world, "patch", "policy", "db-in", "-p",
                  "spec: {mode: shadow}", "--dry-run")
    assert ("\nLoosens:\n  policy \"db-in\" is not enforced any more: mode "
            "enforce -> shadow\n  port \"db1\" is not isolated any more "
            "(ingress)\n" in done.stdout)
    done = vmnctl(world, "delete", "policies/db-in", "--refuse-loosening",
                  status=1)
    assert "would loosen: policy \"db-in\"" in done.stderr
    done = vmnctl(world, "patch", "policy", "db-in", "-p",
                  "spec: {mode: shadow}", "--draft", "later")
    world.made.append(("drafts", "later"))
    assert "\nLoosens:\n" in vmnctl(world, "draft", "plan", "later").stdout
    vmnctl(world, "draft", "apply", "later", "--refuse-loosening", status=1)
    vmnctl(world, "patch", "policy", "db-in", "-p", "spec: {mode: shadow}",
           "--draft", "later", "--refuse-loosening", status=2)
    done = vmnctl(world, "label", "ports/db1", "role=x")
    assert "warning: loosens: port \"db1\" is not isolated" in done.stderr
    assert world.reaches(shop["evil"], shop["db1"], 5432)
