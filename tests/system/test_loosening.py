# SPDX-License-Identifier: Apache-2.0
"""Changes that open what was closed: the recipe of `vmnctl policy recommend`
makes none, and all others say so before and after they are made, or are
refused as a whole."""

import json
import os
import re
import subprocess

import pytest
from conftest import HERE, patient
from test_durable import alone      # noqa: F401
from vmnlab.api import Refused
from vmnlab.daemon import find


EXAMPLES = os.path.join(HERE, "../../apps/example")
APPS = os.environ.get("VMN_APPDIR") or os.path.join(
    os.path.dirname(find("vmnd")), "appdir")


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


# Without hosts.

BASE = """
{type: networks, name: lab, spec: {subnets: [{cidr: 10.0.0.0/24}]}}
---
{type: networks, name: closed, spec: {default: deny, subnets: [
  {cidr: 10.1.0.0/24, gateway: 10.1.0.1}]}}
---
{type: networks, name: dmz, spec: {subnets: [
  {cidr: 10.2.0.0/24, gateway: 10.2.0.1}]}}
---
{type: ports, name: web1, spec: {network: lab, labels: {role: web}}}
---
{type: ports, name: db1, spec: {network: lab, labels: {role: db}}}
---
{type: ports, name: evil, spec: {network: lab}}
---
{type: ports, name: off, spec: {network: lab, enabled: false}}
---
{type: ports, name: c1, spec: {network: closed}}
---
{type: groups, name: web, spec: {selector: role=web}}
---
{type: groups, name: db, spec: {selector: role=db}}
---
{type: services, name: sql, spec: {entries: [{protocol: tcp, ports: [5432]}]}}
---
{type: tiers, name: late, spec: {position: 10}}
---
{type: policies, name: late, spec: {tier: late, applies_to: [db], rules: [
  {direction: ingress, action: allow,
   services: [{protocol: tcp, ports: [22]}]}]}}
---
{type: tiers, name: guard, spec: {position: 6}}
---
{type: policies, name: guard, spec: {tier: guard, applies_to: [web], rules: [
  {direction: ingress, action: deny}]}}
---
{type: policies, name: db-in, spec: {applies_to: [db], rules: [
  {direction: ingress, action: allow, peers: [{group: web}],
   services: [{service: sql}]}]}}
---
{type: policies, name: no-ssh, spec: {tier: security, priority: 7,
  applies_to: [db], rules: [{direction: ingress, action: deny,
    services: [{protocol: tcp, ports: [22]}]}]}}
---
{type: policies, name: ssh, spec: {tier: security, priority: 8,
  applies_to: [db], rules: [{direction: ingress, action: allow,
    services: [{protocol: tcp, ports: [22]}]}]}}
---
{type: routers, name: r, spec: {interfaces: [{network: closed}]}}
"""
# Of one command each: what it opens, and the command.
WAYS = (
    ("db1\" is not isolated any more", "label ports/db1 role=x"),
    ("evil\" may reach port \"db1", "label ports/evil role=web"),
    ("held\" is not quarantined", "release held"),
    ("held\" is not quarantined", "delete quarantines/held"),
    ("held\" is not quarantined", "undo quarantines/held"),
    ("held\" is not quarantined", "undo HELD"),
    ("held\" is not quarantined", "draft apply back"),
    ("db-in\" is not enforced", "draft apply later"),
    ("db-in\", which is enforced, is deleted", "delete policies/db-in"),
    ("db-in\", which is enforced, is deleted", "delete groups/db --cascade"),
    ("held\", which is quarantined, is deleted",
     "delete ports/held --cascade"),
    ("c1\" may reach port \"db1", "patch group web -p spec: {ports: [c1]}"),
    ("addresses of 10.0.0.0/24 may reach",
     "patch group web -p spec: {cidrs: [10.0.0.0/24]}"),
    ("tcp/1-21, tcp/23-5431", "patch service sql -p "
     "spec: {entries: [{protocol: tcp, ports: [1-65535]}]}"),
    ("on tcp/22", "patch policy no-ssh -p spec: {priority: 9}"),
    ("on tcp/22", "patch policy no-ssh -p spec: {tier: baseline}"),
    ("db1\" is not isolated any more",
     "patch policy db-in -p spec: {applies_to: [web]}"),
    ("guard\", which is enforced, is deleted", "delete tiers/guard --cascade"),
    ("on tcp/22", "patch tier late -p spec: {position: 2}"),
    ("are open: \"default\" deny -> allow",
     "patch network closed -p spec: {default: allow}"),
    ("may reach port \"c1", "patch port c1 -p spec: {network: lab}"),
    ("evil\" may use addresses besides its own: 198.51.100.0/24",
     "patch port evil -p spec: {allowed_addresses: [{ip: 198.51.100.0/24}]}"),
    ("evil\" may have guests", "patch port evil -p spec: {unknown: true}"),
    ("evil\" may be a DHCP server",
     "patch port evil -p spec: {dhcp_server: true}"),
    ("off\" is not disabled", "patch port off -p spec: {enabled: true}"),
    ("joins network \"closed\", network \"dmz\"", "patch router r -p "
     "spec: {interfaces: [{network: closed}, {network: dmz}]}"),
    ("app \"firewall\" is disabled", "app disable firewall"),
)


@pytest.fixture
def base(alone):            # noqa: F811
    def run(*args, stdin=None):
        return subprocess.run(
            [find("vmnctl"), "-s", "unix:" + alone.socket, *args], text=True,
            input=stdin, capture_output=True, timeout=60)

    def applied(text, *more):
        done = run("apply", "-f", "-", *more, stdin=text)
        assert done.returncode == 0, done.stdout + done.stderr

    alone.start()
    applied(BASE)
    applied("{type: ports, name: held, spec: {network: lab}}")
    applied("{type: quarantines, name: held, spec: {ports: [held]}}",
            "--prune", "held")
    alone.held = alone.api.get("status")["revision"]
    alone.run, alone.applied = run, applied
    return alone


def test_every_command_refuses_what_loosens(base):
    assert base.run("rollback", str(base.held), "--draft",
                    "back").returncode == 0
    assert base.run("patch", "policy", "db-in", "-p", "spec: {mode: shadow}",
                    "--draft", "later").returncode == 0
    files = [
        ("db-in\" is not enforced", "", "{type: policies, name: db-in, spec: "
         "{mode: shadow, applies_to: [db], directions: [ingress]}}"),
        ("held\" is not quarantined", "held", "{type: networks, name: lab, "
         "spec: {subnets: [{cidr: 10.0.0.0/24}]}}"),
    ]
    wrong = []
    revision = base.api.get("status")["revision"]
    for text, command in WAYS:
        words = command.replace("HELD", str(base.held)).split(" -p ")
        words = words[0].split() + (["-p", words[1]] if words[1:] else [])
        done = base.run(*words, "--refuse-loosening", "--no-wait")
        if (done.returncode != 1 or "would loosen: " not in done.stderr
                or text not in done.stderr):
            wrong.append((command, done.stdout, done.stderr))
    assert not wrong
    for text, prune, file in files:
        done = base.run("apply", "-f", "-", "--refuse-loosening",
                        *(["--prune", prune] if prune else []), stdin=file)
        assert done.returncode == 1 and text in done.stderr, done.stderr
    assert base.api.get("status")["revision"] == revision
    # Its draft stays.
    done = base.run("rollback", str(base.held), "--apply",
                    "--refuse-loosening")
    assert done.returncode == 1 and "would loosen: " in done.stderr, done
    assert base.api.get("quarantines/held")["spec"]["ports"] == ["held"]
    done = base.run("app", "disable", "firewall")
    assert "loosens: app \"firewall\" is disabled" in done.stderr, done.stderr


# Apps: (what it opens, the command).
APP_WAYS = (
    ('app "firewall" is disabled', "app disable firewall"),
    ('app "portguards" is disabled', "app disable portguards"),
    ('app "portguards" is removed', "app unload portguards"),
    ('app "portguards" has other code', "app load OTHER portguards"),
    ('app "mailguard" is removed', "app unload mailguard"),
    ('app "chains" is removed', "app unload chains"),
    ('portguard "no-mail" is deleted', "delete portguards/no-mail"),
    ('"no-mail" has changed, and may deny less: ports',
     "patch portguards no-mail -p spec: {ports: [26]}"),
    ('portguard "no-mail" does not concern port "web1"',
     "label ports/web1 role-"),
    ('chain "c" is deleted', "delete chains/c"),
    ('chain "c" is deleted', "delete ports/fw --cascade"),
    ('"c" has changed, and may deny less: services', "patch chains c -p "
     "spec: {services: [{protocol: tcp, ports: ['22']}]}"),
    ('"c" has changed, and may deny less: hops', "patch chains c -p spec: "
     "{hops: [{name: h, functions: [{in: fw}], on_failure: bypass}]}"),
    ('chain "c" does not concern port "web1"', "label ports/web1 role=x"),
)
CHAIN = """
{type: chains, name: %s, spec: {network: lab, sources: role=web,
  destinations: role=db, hops: [{name: h, functions: [{in: %s}],
  on_failure: block}]}}
"""


@pytest.fixture
def guarded(base, tmp_path):
    with open(EXAMPLES + "/portguards.lua", encoding="utf-8") as file:
        base.other = tmp_path / "portguards.lua"
        base.other.write_text(file.read() + "-- Again.\n")
    for app in (EXAMPLES + "/portguards.lua", EXAMPLES + "/mailguard.lua",
                APPS + "/chains.so",
                APPS + "/mirrors.so"):
        done = base.run("app", "load", app)
        assert done.returncode == 0, done.stderr
    base.applied("{type: ports, name: fw, spec: {network: lab}}\n---\n"
                 "{type: ports, name: fw2, spec: {network: lab}}\n---"
                 + CHAIN % ("c", "fw") + "---\n"
                 "{type: portguards, name: no-mail, spec: {network: lab, "
                 "selector: role=web, ports: [25], reason: r}}")
    return base


def test_apps_that_deny_are_named(guarded):
    revision = guarded.api.get("status")["revision"]
    wrong = []
    for text, command in APP_WAYS:
        words = command.replace("OTHER", str(guarded.other)).split(" -p ")
        words = words[0].split() + (["-p", words[1]] if words[1:] else [])
        planned = guarded.run(*words, "--dry-run")
        done = guarded.run(*words, "--refuse-loosening", "--no-wait")
        if (planned.returncode or text not in planned.stdout
                or done.returncode != 1 or "would loosen: " not in done.stderr
                or text not in done.stderr):
            wrong.append((command, planned.stdout, planned.stderr,
                          done.stderr))
    assert not wrong
    for text, file in (
            ('chain "b" is new, and may come before another chain',
             CHAIN % ("b", "fw2")),
            ('portguards-setting "default" is new', "{type: portguards-"
             "settings, name: default, spec: {exempt: role=web}}")):
        for more in ("--dry-run", "--refuse-loosening"):
            done = guarded.run("apply", "-f", "-", more, stdin=file)
            assert text in done.stdout + done.stderr
            assert done.returncode == (more != "--dry-run")
    # A draft, too.
    assert guarded.run("delete", "chains/c", "--draft", "d").returncode == 0
    assert ('Loosens:\n  chain "c" is deleted'
            in guarded.run("draft", "plan", "d").stdout)
    assert guarded.run("draft", "apply", "d",
                       "--refuse-loosening").returncode == 1
    assert guarded.run("draft", "delete", "d").returncode in (0, 2)
    # What denies nothing passes.
    for command in ("app disable mirrors", "app enable mirrors",
                    "app unload mirrors", "label ports/evil x=y"):
        done = guarded.run(*command.split(), "--refuse-loosening")
        assert done.returncode == 0, done.stderr
    assert guarded.api.get("status")["revision"] >= revision + 4
    assert guarded.api.get("chains/c")["spec"]["sources"] == "role=web"


def test_plan_of_an_app_changes_nothing(guarded):
    before = guarded.api.get("status")["revision"]
    apps = guarded.api.get("apps")
    done = guarded.run("app", "unload", "mailguard", "--dry-run")
    assert "deleted   apps   mailguard" in done.stdout, done
    assert "\nmailguard   0 " in done.stdout, done.stdout
    done = guarded.run("app", "load", guarded.other, "--dry-run", "-o",
                       "json")
    plan = json.loads(done.stdout)
    assert [o["name"] for o in plan["objects"]
            if o["type"] == "apps"] == ["portguards"]
    assert "does not have the flows of app portguards" in done.stdout
    done = guarded.run("app", "disable", "mailguard", "--dry-run")
    assert "\nmailguard   0 " in done.stdout, done.stdout
    bad = guarded.other.parent / "bad.lua"
    bad.write_text("return {")
    done = guarded.run("app", "load", bad, "--dry-run")
    assert done.returncode == 1 and "cannot be loaded" in done.stderr
    for words in (("logs", "mailguard"), ("watch", bad)):
        assert guarded.run("app", *words, "--dry-run").returncode == 2
    assert guarded.run("app", "unload", "mailguard", "-o",
                       "json").returncode == 2
    assert guarded.run("app", "logs", "mailguard", "-o",
                       "json").returncode == 0
    assert guarded.api.get("apps") == apps
    assert guarded.api.get("status")["revision"] == before


# Commands that show what they would do otherwise: edit before it applies,
# draft by "draft plan", rollback by its draft; and a token opens nothing.
PLANNED_OTHERWISE = {"edit", "draft", "rollback", "token", "capture"}


def test_commands_that_may_loosen_have_a_dry_run():
    vmnctl = find("vmnctl")
    listed = subprocess.run([vmnctl, "--help"], text=True, check=True,
                            capture_output=True).stdout
    commands = set(re.findall(r"^  ([a-z-]+)\s", listed, re.M))
    assert {"apply", "app", "undo", "restore"} <= commands
    found = set()
    for command in commands:
        text = subprocess.run([vmnctl, command, "--help"], text=True,
                              capture_output=True).stdout
        if "--refuse-loosening" in text:
            found.add(command)
            assert ("--dry-run" in text) != (command in PLANNED_OTHERWISE), (
                command)
    assert {"apply", "app", "undo", "restore"} <= found


def test_a_restore_refuses_what_loosens(base):
    saved = os.path.join(base.lab.dir, "saved.db")
    base.applied("{type: policies, name: db-in, spec: {mode: shadow, "
                 "applies_to: [db], directions: [ingress]}}")
    assert base.run("app", "disable", "firewall").returncode == 0
    assert base.run("backup", saved).returncode == 0
    assert base.run("promote", "db-in", "--no-wait").returncode == 0
    assert base.run("app", "enable", "firewall").returncode == 0
    base.api.put("networks/new", {})
    revision = base.api.get("status")["revision"]
    assert base.stop() == 0
    with open(base.db, "rb") as file:
        before = file.read()
    done = base.run("restore", saved, "--database", base.db, "--yes",
                    "--refuse-loosening")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "nothing was done: the restore would loosen" in done.stderr
    assert "\nLoosens:\n  policy \"db-in\" is not enforced" in done.stdout
    assert "db1\" is not isolated any more (ingress)" in done.stdout
    assert "app \"firewall\" is disabled" in done.stdout
    done = base.run("restore", saved, "--database", base.db, "--yes", "-o",
                    "json", "--refuse-loosening")
    assert done.returncode == 1 and json.loads(done.stdout)["loosens"], done
    assert json.loads(done.stdout)["restored"] is None
    with open(base.db, "rb") as file:
        assert file.read() == before
    base.start()
    assert base.api.get("status")["revision"] == revision
    assert base.api.get("policies/db-in")["spec"].get("mode") != "shadow"
    assert base.stop() == 0
    done = base.run("restore", saved, "--database", base.db, "--yes")
    assert done.returncode == 0 and "Loosens:" in done.stdout, done
    base.start()
    assert base.api.get("policies/db-in")["spec"]["mode"] == "shadow"
    assert base.api.get("apps/firewall")["spec"]["enabled"] is False
