# SPDX-License-Identifier: Apache-2.0
"""Drafts: what a draft's plan says is what becomes of packets once it is
applied, and a rollback restores it; what somebody else has changed meanwhile
is not overwritten; and a draft is applied once, whoever is killed."""

import concurrent.futures
import http.client
import json
import os
import signal
import subprocess

import pytest
from conftest import check_log, entry, patient, rule, wait_quiet
from test_cluster_api import _cluster, _place, standbys  # noqa: F401
from test_durable import alone  # noqa: F401 (a fixture)

from vmnlab.api import Refused
from vmnlab.daemon import find
from vmnlab.netns import wait_for


def change(kind, name, op=None, spec=None, **more):
    """A change as a draft has it."""
    made = dict(more, type=kind, name=name)
    if op:
        made["op"] = op
    if spec is not None:
        made["spec"] = spec
    return made


def draft(api, name, *changes, **spec):
    return api.put("drafts/" + name, dict(spec, changes=list(changes)))


def apply(api, name, **query):
    return api.call("POST", "/v1/drafts/%s/apply" % name, **query)


def refused(call, *args, **more):
    with pytest.raises(Refused) as caught:
        call(*args, **more)
    return caught.value


def pointers(refusal):
    return [e["pointer"] for e in refusal.problem["errors"]]


def vmnctl(lab, *args, status=0):
    done = subprocess.run(
        [find("vmnctl"), "--server", "unix:" + lab.vmnd.api.path,
         *patient(args)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
        timeout=120)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


# Packets.  ------------------------------------------------------------------

@pytest.fixture
def shop(world):
    """A web VM that may ask a database on another host, and somebody who may
    as well."""
    world.network("net")
    world.put("observations", "net", minutes=10)
    world.vm("web", "net", "h1", labels={"role": "web"})
    world.vm("db", "net", "h2", tcp=[80], labels={"role": "db"})
    world.group("web", "role=web")
    world.group("db", "role=db")
    world.policy("db-in", "db", rule("ingress", "allow", ["web"],
                                     [entry("tcp", 80), entry("icmp")]))
    wait_quiet(world.lab)
    return world


def test_plan_says_what_packets_then_do(shop):
    """By vmnctl alone, as a person would."""
    lab, api = shop.lab, shop.api
    web, db = lab.vm("web"), lab.vm("db")
    assert shop.reaches(web, db)

    vmnctl(lab, "draft", "create", "lockdown", "-m", "no web any more")
    said = vmnctl(lab, "patch", "policy", "db-in", "-p",
                  json.dumps({"spec": {"rules": [
                      rule("ingress", "allow", ["db"], [entry("tcp", 80)])]}}),
                  "--draft", "lockdown")
    assert "drafts/lockdown updated, 1 change" in said
    assert "lockdown" in vmnctl(lab, "draft", "list")
    assert "patch" in vmnctl(lab, "draft", "show", "lockdown")
    assert "/spec" not in vmnctl(lab, "draft", "diff", "lockdown", status=1)

    wait_for("the connection to be recorded", lambda: shop.reaches(
        web, db) and any(e["from"] == "web" and e["to"] == "db" for e in
                         api.get("drafts/lockdown/effects")["connections"][
                             "ended"]), 60)
    effects = api.get("drafts/lockdown/effects")
    assert effects["connections"]["networks"] == ["net"]
    assert {s["service"] for s in effects["services"]} >= {"icmp", "tcp/80"}
    for service in effects["services"]:
        if service["service"] in ("icmp", "tcp/80"):
            assert [(c["from"], c["to"], c["before"]["verdict"],
                     c["after"]["verdict"]) for c in service["changes"]] == [
                         (["web"], ["db"], "delivered", "dropped")], effects
    plan = vmnctl(lab, "draft", "plan", "lockdown")
    assert "reachability on tcp/80:" in plan
    assert "would be let through no more" in plan
    assert "firewall" in plan

    etag = api.get("drafts/lockdown")["metadata"]["etag"]
    assert effects["etag"] == etag
    assert "draft apply lockdown --etag %s\n" % etag in plan

    # Nothing has happened yet.
    assert shop.reaches(web, db)
    planned = apply(api, "lockdown", dry_run="plan")
    assert planned["flows"]["apps"]
    done = vmnctl(lab, "draft", "apply", "lockdown", "--wait")
    assert "drafts/lockdown applied" in done
    assert "policies/db-in updated" in done and "is installed on" in done
    shop.settle()
    assert shop.blocked(web, db)
    assert api.get("drafts")["items"] == []

    entry_of_log = api.get("revisions", type="policies", name="db-in",
                           limit=1)["items"][0]
    assert entry_of_log["draft"] == "lockdown"
    assert entry_of_log["draft_author"] == "unix:uid=%d" % os.getuid()
    assert entry_of_log["comment"] == "no web any more"
    revision = entry_of_log["revision"]

    # And back.
    said = vmnctl(lab, "rollback", str(revision))
    assert "drafts/rollback-%d created" % revision in said
    assert "nothing is changed yet" in said
    assert shop.blocked(web, db)
    etag = said.split("--etag ")[1].split()[0]
    vmnctl(lab, "draft", "apply", "rollback-%d" % revision, "--etag", etag,
           "--wait")
    assert shop.reaches(web, db)
    newest = api.get("revisions", type="policies", name="db-in",
                     limit=1)["items"][0]
    assert newest["undoes"] == revision
    assert newest["draft"] == "rollback-%d" % revision
    assert api.get("policies/db-in")["spec"]["rules"][0]["peers"] == [
        {"group": "web"}]


def test_rollback_at_once(shop):
    lab, api = shop.lab, shop.api
    web, db = lab.vm("web"), lab.vm("db")
    assert shop.reaches(web, db)
    shop.patch("ports", "web", labels={"role": "other"})
    assert shop.blocked(web, db)
    revision = api.get("ports/web")["metadata"]["revision"]
    said = vmnctl(lab, "rollback", str(revision), "--apply", "--wait")
    assert "ports/web updated" in said
    assert shop.reaches(web, db)


def test_effects_go_by_the_family_of_a_connection(world):
    """A change for IPv6 alone ends no connection of IPv4."""
    api = world.api
    world.network("net", "10.0.0.0/24", "fd00::/64")
    world.put("observations", "net", minutes=10)
    web = world.vm("web", "net", "h1", labels={"role": "web"})
    db = world.vm("db", "net", "h2", tcp=[80], labels={"role": "db"})
    world.group("db", "role=db")
    allowed = rule("ingress", "allow", [], [entry("tcp", 80)])
    world.policy("db-in", "db", allowed)
    wait_quiet(world.lab)
    assert world.reaches(web, db)

    def effects(cidr):
        draft(api, "d", change("policies", "db-in", "patch", {"rules": [
            {"direction": "ingress", "action": "deny",
             "peers": [{"cidr": cidr}]}, allowed]}))
        return api.get("drafts/d/effects")

    wait_for("the connection to be recorded", lambda: world.reaches(
        web, db) and any(c["service"] == "tcp/80" for c in
                         effects("0.0.0.0/0")["connections"]["ended"]), 60)
    after = effects("::/0")
    service, = [s for s in after["services"] if s["service"] == "tcp/80"]
    assert service["changes"][0]["after"]["verdict"] == "mixed", after
    assert after["connections"]["observed"]
    assert not after["connections"]["n_ended"], after
    api.delete("drafts/d")


# Conflicts.  ----------------------------------------------------------------

@pytest.fixture
def api(world):
    world.network("net")
    world.group("g", "role=g")
    world.policy("p", "g", rule("ingress", "allow", [], [entry("tcp", 80)]))
    yield world.api
    for item in world.api.get("drafts")["items"]:
        world.api.delete("drafts/" + item["name"])


def test_conflicts_are_named(api):
    draft(api, "d", change("policies", "p", "patch", {"mode": "shadow"}),
          change("groups", "g", "delete", cascade=False))
    api.patch("policies/p", {"mode": "shadow"})
    assert "conflicts" not in api.get("drafts/d")["status"]
    api.patch("policies/p", {"mode": "enforce", "description": "x"})
    # Changed, and changed back: nobody loses anything.
    assert "conflicts" not in api.get("drafts/d")["status"]
    api.delete("drafts/d")

    draft(api, "d", change("policies", "p", "patch",
                           {"description": "mine"}))
    newest = api.patch("policies/p", {"description": "theirs"})["revision"]
    conflict, = api.get("drafts/d")["status"]["conflicts"]
    assert (conflict["path"], conflict["base"], conflict["now"],
            conflict["draft"]) == ("/spec/description", "x", "theirs", "mine")
    assert (conflict["revision"], conflict["who"]) == (
        newest, "unix:uid=%d" % os.getuid())
    assert conflict["time"][:19] == api.get("revisions/%d" % newest)[
        "time"][:19]
    refusal = refused(apply, api, "d")
    assert refusal.status == 409
    assert pointers(refusal) == ["/spec/changes/0/spec/description"]
    detail = refusal.problem["errors"][0]["detail"]
    for word in ('"x"', '"theirs"', '"mine"', "revision %d" % newest,
                 "unix:uid=%d" % os.getuid()):
        assert word in detail
    assert refused(apply, api, "d", dry_run="plan").status == 409
    assert refused(api.get, "drafts/d/effects").status == 409
    assert api.get("policies/p")["spec"]["description"] == "theirs"

    # The changes are written anew, for what there is now.
    spec = api.get("drafts/d")["spec"]
    for one in spec["changes"]:
        del one["base"], one["base_spec"]
    api.put("drafts/d", spec)
    apply(api, "d")
    assert api.get("policies/p")["spec"]["description"] == "mine"


def test_patches_merge_and_puts_do_not(api):
    spec = api.get("policies/p")["spec"]
    draft(api, "patch", change("policies", "p", "patch", {"mode": "shadow"}))
    draft(api, "put", change("policies", "p", spec=dict(spec, mode="shadow")))
    api.patch("policies/p", {"description": "theirs"})
    refusal = refused(apply, api, "put")
    assert refusal.status == 409
    assert pointers(refusal) == ["/spec/changes/0/spec/description"]
    apply(api, "patch")
    now = api.get("policies/p")["spec"]
    assert (now["mode"], now["description"]) == ("shadow", "theirs")


def test_what_has_come_and_gone(api):
    draft(api, "new", change("services", "s", spec={
        "entries": [{"protocol": "tcp", "ports": [1]}]}))
    draft(api, "gone", change("policies", "p", "patch", {"mode": "shadow"}),
          change("groups", "g", "delete"))
    api.put("services/s", {"entries": [{"protocol": "udp", "ports": [1]}]})
    assert pointers(refused(apply, api, "new")) == ["/spec/changes/0"]
    api.put("services/s", {"entries": [{"protocol": "tcp", "ports": [1]}]})
    apply(api, "new")
    api.delete("services/s")
    removed = api.delete("policies/p")["revision"]
    refusal = refused(apply, api, "gone")
    assert pointers(refusal) == ["/spec/changes/0"]
    assert "deleted since" in refusal.problem["errors"][0]["detail"]
    assert "revision %d" % removed in refusal.problem["errors"][0]["detail"]


def test_what_has_gone_is_shown_as_it_was(api):
    """Also a large one, but for what would be too long of a field."""
    entries = [{"protocol": "tcp", "ports": [i]} for i in range(1, 65)]
    api.put("services/s", {"entries": entries, "labels": {"team": "a"},
                           "description": "d" * 900})
    spec = api.get("services/s")["spec"]
    draft(api, "d", change("services", "s", "patch", {"labels": {"a": "b"}}))
    api.delete("services/s")
    conflict, = api.get("drafts/d")["status"]["conflicts"]
    assert (conflict["path"], conflict["left_out"]) == ("", True)
    assert dict(conflict["base"], entries=spec["entries"]) == spec
    assert "entries" not in conflict["base"] and "now" not in conflict
    assert conflict["draft"] == {"labels": {"a": "b"}}


def test_what_follows_from_a_deletion(api):
    """What a cascade would take along is what it was when the draft was
    written: what has come to refer to it since, or was changed, is named."""
    for name in "ab":
        api.put("groups/" + name, {})
    api.put("policies/q", {"applies_to": ["a", "b"], "rules": [
        rule("ingress", "allow", ["a"], [entry("tcp", 80)])]})
    draft(api, "d", change("groups", "a", "delete", cascade=True))
    api.patch("policies/p", {"description": "another"})
    assert "revision" in apply(api, "d", dry_run="plan")
    came = api.put("policies/r", {"applies_to": ["a"]})["revision"]
    refusal = refused(apply, api, "d")
    assert (refusal.status, pointers(refusal)) == (409, ["/spec/changes/0"])
    assert 'policy "r"' in refusal.problem["errors"][0]["detail"]
    assert "deleted as well" in refusal.problem["errors"][0]["detail"]
    assert "revision %d" % came in refusal.problem["errors"][0]["detail"]
    assert refused(apply, api, "d", dry_run="plan").status == 409
    assert refused(api.get, "drafts/d/effects").status == 409
    # Of several: what was changed since, what is stripped of it.
    api.patch("policies/q", {"description": "x"})
    told = {e["detail"].split(",")[0]
            for e in refused(apply, api, "d").problem["errors"]}
    assert told == {'policy "q"', 'policy "r"'}
    assert "conflicts" not in api.get("drafts/d")["status"]
    spec = api.get("drafts/d")["spec"]
    del spec["changes"][0]["base_revision"]
    assert api.put("drafts/d", spec)["outcome"] == "unchanged"
    spec["changes"][0]["base_revision"] = None
    api.put("drafts/d", spec)
    api.delete("policies/r")
    apply(api, "d")
    assert api.get("policies/q")["spec"]["applies_to"] == ["b"]

    # What another cascade took along, or out of it, meanwhile.
    api.put("policies/r", {"applies_to": ["b"]})
    draft(api, "d", change("policies", "r", "patch", {"description": "x"}))
    draft(api, "e", change("policies", "q", spec=dict(
        api.get("policies/q")["spec"], description="mine")))
    api.put("groups/c", {})
    api.patch("policies/q", {"applies_to": ["b", "c"]})
    draft(api, "f", change("policies", "q", spec=dict(
        api.get("policies/q")["spec"], description="mine")))
    api.delete("groups/b", cascade="true")
    assert "deleted since" in refused(apply, api, "d").problem["errors"][0][
        "detail"]
    assert pointers(refused(apply, api, "e")) == [
        "/spec/changes/0/spec/applies_to"]
    assert pointers(refused(apply, api, "f")) == [
        "/spec/changes/0/spec/applies_to"]


def test_another_object_of_that_name(api):
    api.put("services/s", SERVICE)
    draft(api, "d", change("services", "s", "patch", {"description": "x"}))
    draft(api, "e", change("services", "s", "delete"))
    api.delete("services/s")
    # What is not there is not deleted, nor once it is planned.
    assert apply(api, "e", dry_run="plan")["objects"]
    api.put("services/s", SERVICE)
    for name in "d", "e":
        refusal = refused(apply, api, name)
        assert pointers(refusal) == ["/spec/changes/0"]
        assert "created anew" in refusal.problem["errors"][0]["detail"]
    api.delete("services/s")
    # However long it is.
    draft(api, "f", change("services", "s", spec=SERVICE))
    api.put("services/s", dict(SERVICE, description="y" * 255, entries=[
        {"protocol": "tcp", "ports": list(range(i, i + 120, 2))}
        for i in range(1, 1000, 200)]))
    detail = refused(apply, api, "f").problem["errors"][0]["detail"]
    assert "was created since" in detail
    api.delete("services/s")


def test_rollback_is_not_of_another_object_of_that_name(api):
    api.put("services/s", SERVICE)
    first = api.patch("services/s", {"description": "x"})["revision"]
    api.delete("services/s")
    made = api.put("services/s", dict(SERVICE, description="x"))["revision"]
    refusal = refused(api.call, "POST", "/v1/revisions/%d/undo" % first,
                      draft="late")
    assert refusal.status == 409
    assert "created anew" in refusal.problem["detail"]
    api.call("POST", "/v1/revisions/%d/undo" % made, draft="late")
    api.delete("services/s")
    api.put("services/s", dict(SERVICE, description="x"))
    assert pointers(refused(apply, api, "late")) == ["/spec/changes/0"]
    api.delete("services/s")


def test_rollback_conflicts_with_later_changes_of_the_same(api):
    first = api.patch("policies/p", {"description": "first"})["revision"]
    api.patch("policies/p", {"mode": "shadow"})
    api.call("POST", "/v1/revisions/%d/undo" % first, draft="ok")
    apply(api, "ok")
    now = api.get("policies/p")["spec"]
    assert "description" not in now and now["mode"] == "shadow"

    first = api.patch("policies/p", {"description": "first"})["revision"]
    later = api.patch("policies/p", {"description": "later"})["revision"]
    api.call("POST", "/v1/revisions/%d/undo" % first, draft="late")
    refusal = refused(apply, api, "late")
    assert pointers(refusal) == ["/spec/changes/0/spec/description"]
    assert "revision %d" % later in refusal.problem["errors"][0]["detail"]
    assert api.get("drafts/late")["spec"]["undoes"] == first
    assert refused(api.call, "POST", "/v1/revisions/%d/undo" % first,
                   draft="late").status == 412


def test_rollback_of_several_revisions(world, api):
    """What came, went, was changed twice and back is as it was before them;
    what was changed afterwards stays."""
    entries = [{"protocol": "tcp", "ports": [1]}]
    api.put("services/gone", {"entries": entries})
    api.put("services/renewed", {"entries": entries, "description": "old"})
    was = {of: api.get(of)["spec"] for of in (
        "policies/p", "services/gone", "services/renewed")}
    first = api.patch("policies/p", {"description": "one"})["revision"]
    api.put("services/came", {"entries": entries})
    api.patch("services/gone", {"description": "two"})
    api.patch("policies/p", {"description": "three", "mode": "shadow"})
    api.delete("services/gone")
    api.delete("services/renewed")
    api.put("services/renewed", {"entries": entries})
    api.put("services/brief", {"entries": entries})
    api.patch("policies/p", {"mode": "enforce"})
    last = api.delete("services/brief")["revision"]
    after = {"labels": {"later": "yes"}}
    api.patch("policies/p", after)

    name = "%d-%d" % (first, last)
    said = vmnctl(world.lab, "rollback", name)
    assert "drafts/rollback-%s created" % name in said
    draft = api.get("drafts/rollback-" + name)
    assert draft["spec"]["description"] == \
        "Takes back revisions %d to %d" % (first, last)
    assert "undoes" not in draft["spec"]
    assert sorted((c.get("op", "put"), c["type"] + "/" + c["name"])
                  for c in draft["spec"]["changes"]) == [
        ("delete", "services/came"), ("patch", "policies/p"),
        ("patch", "services/renewed"), ("put", "services/gone")]
    apply(api, "rollback-" + name)
    assert api.get("policies/p")["spec"] == {**was["policies/p"], **after}
    for of in "services/gone", "services/renewed":
        assert api.get(of)["spec"] == was[of]
    names = [s["name"] for s in api.get("services")["items"]]
    assert "came" not in names and "brief" not in names

    # A later change of the same is in the way.
    first = api.patch("policies/p", {"description": "a"})["revision"]
    last = api.patch("policies/p", {"description": "b"})["revision"]
    api.patch("policies/p", {"description": "c"})
    path = "/v1/revisions/%d/undo" % last
    api.call("POST", path, draft="late", first=first)
    assert pointers(refused(apply, api, "late")) == [
        "/spec/changes/0/spec/description"]
    for query, status in (({"first": first}, 400),
                          ({"first": last + 1, "draft": "x"}, 400),
                          ({"first": 0, "draft": "x"}, 400)):
        assert refused(api.call, "POST", path, **query).status == status
    api.delete("drafts/late")
    # As many as are read together, and one more.
    made = [api.patch("policies/p", {"description": "n%d" % i})["revision"]
            for i in range(101)]
    path = "/v1/revisions/%d/undo" % made[-1]
    assert refused(api.call, "POST", path, draft="long",
                   first=made[0]).status == 413
    api.call("POST", path, draft="long", first=made[1])
    apply(api, "long")
    assert api.get("policies/p")["spec"]["description"] == "n0"
    for name in "gone", "renewed":
        api.delete("services/" + name)


@pytest.mark.parametrize("drafted", (False, True))
def test_rollback_restores_assigned_addresses(api, drafted):
    """As an undo does."""
    def take_back(revision):
        if drafted:
            api.call("POST", "/v1/revisions/%d/undo" % revision, draft="r")
            assert "conflicts" not in api.get("drafts/r")["status"]
            apply(api, "r")
        else:
            api.call("POST", "/v1/revisions/%d/undo" % revision)

    api.put("networks/a", {"subnets": [{"cidr": "10.1.0.0/24"}]})
    api.put("networks/b", {"subnets": [{"cidr": "10.2.0.0/24"}]})
    was = api.put("ports/mover", {"network": "a"})["status"]
    # Assigned ones are replaced by others that are asked for, ...
    given = api.patch("ports/mover", {"ips": ["10.1.0.77"],
                                      "mac": "02:00:00:00:00:77"})
    take_back(given["revision"])
    now = api.get("ports/mover")["status"]
    assert (now["ips"], now["mac"]) == (was["ips"], was["mac"])
    # ... or by those of another network.
    api.delete("ports/mover")
    was = api.put("ports/mover", {"network": "a"})["status"]
    moved = api.patch("ports/mover", {"network": "b"})
    assert moved["status"]["ips"] != was["ips"]
    take_back(moved["revision"])
    now = api.get("ports/mover")
    assert now["spec"]["network"] == "a"
    assert now["status"]["ips"] == was["ips"]
    for name in "ports/mover", "networks/a", "networks/b":
        api.delete(name)


def test_rollback_of_what_came_and_went(api):
    made = api.put("services/s", {"entries": [{"protocol": "tcp",
                                               "ports": [1]}]})["revision"]
    api.call("POST", "/v1/revisions/%d/undo" % made, draft="a")
    apply(api, "a")
    gone = api.get("revisions", limit=1)["items"][0]
    assert gone["undoes"] == made and gone["draft"] == "a"
    refused(api.get, "services/s")
    api.call("POST", "/v1/revisions/%d/undo" % gone["revision"], draft="b")
    apply(api, "b")
    assert api.get("services/s")["spec"]["entries"]
    api.delete("services/s")


# Rubbish.  ------------------------------------------------------------------

SERVICE = {"entries": [{"protocol": "tcp", "ports": [1]}]}
BAD = {
    "no type": ([{"name": "x", "spec": {}}], "/0/type", 400),
    "no name": ([{"type": "groups", "spec": {}}], "/0/name", 400),
    "an unknown type": ([change("grapes", "x", spec={})], "/0/type", 400),
    "a singular": ([change("group", "x", spec={})], "/0/type", 400),
    "an account": ([change("accounts", "x", spec={"role": "admin"})],
                   "/0/type", 400),
    "a token": ([change("tokens", "x", spec={})], "/0/type", 400),
    "an app": ([change("apps", "firewall", "patch", {"enabled": False})],
               "/0/type", 400),
    "a draft": ([change("drafts", "x", spec={})], "/0/type", 400),
    "a bad name": ([change("groups", "-", spec={})], "/0/name", 400),
    "an unknown op": ([change("groups", "g", "merge", {})], "/0/op", 400),
    "a bad field": ([change("services", "s", spec={"entri": []})],
                    "/0/spec/entri", 400),
    "a bad patch": ([change("policies", "p", "patch", {"mode": "maybe"})],
                    "/0/spec/mode", 400),
    "a spec that is none": ([change("groups", "g", spec=[])], "/0/spec", 400),
    "a put without": ([change("groups", "g")], "/0/spec", 400),
    "a deletion with": ([change("groups", "g", "delete", {})], "/0/spec",
                        400),
    "a cascade of a put": ([change("groups", "g", spec={"selector": "a=b"},
                                   cascade=True)], "/0/cascade", 400),
    "nothing to patch": ([change("groups", "gg", "patch", {})], "/0/name",
                         404),
    "nothing to delete": ([change("groups", "gg", "delete")], "/0/name", 404),
    "twice": ([change("services", "s", spec=SERVICE)] * 2, "/1/name", 400),
    "a bad base": ([change("services", "s", spec=SERVICE, base="x")],
                   "/0/base", 400),
    "a base without": ([change("services", "s", spec=SERVICE, base="7")],
                       "/0/base_spec", 400),
    "a base of none": ([change("services", "s", spec=SERVICE, base="none",
                               base_spec={})], "/0/base_spec", 400),
    "a revision of what stays": ([change(
        "services", "s", spec=SERVICE, base_revision=7)], "/0/base_revision",
                                 400),
    "a revision that is none": ([change("groups", "g", "delete",
                                        base="7", base_spec={},
                                        base_revision=-1)],
                                "/0/base_revision", 400),
    "no revision": ([change("groups", "g", "delete", cascade=True, base="7",
                            base_spec={}, base_revision=0)],
                    "/0/base_revision", 400),
    "a revision to come": ([change("groups", "g", "delete", cascade=True,
                                   base="7", base_spec={},
                                   base_revision=99999)],
                           "/0/base_revision", 400),
    "a bad set": ([change("services", "s", spec=SERVICE, set="-")], "/0/set",
                  400),
    "too long a spec": ([change("services", "s", spec=dict(
        SERVICE, x="y" * 300000))], "/0/spec", 400),
    "too many": ([change("services", "s%d" % i, spec=SERVICE)
                  for i in range(1001)], "", 413),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_rubbish_is_refused_by_field(api, bad):
    changes, pointer, status = bad
    refusal = refused(draft, api, "bad", *changes)
    assert refusal.status == status, refusal
    assert "/spec/changes" + pointer in pointers(refusal), refusal
    assert refused(api.get, "drafts/bad").status == 404


def test_other_rubbish(api):
    assert pointers(refused(draft, api, "d", author="anna")) == [
        "/spec/author"]
    for undoes in 0, 1:
        assert set(pointers(refused(draft, api, "d", undoes=undoes))) == {
            "/spec/undoes"}
    big = [change("services", "s%d" % i, spec=dict(
        SERVICE, description="y" * 1000)) for i in range(600)]
    refusal = refused(draft, api, "d", *big)
    assert (refusal.status, pointers(refusal)) == (413, ["/spec/changes"])
    assert refused(apply, api, "nobody").status == 404
    draft(api, "empty")
    assert pointers(refused(apply, api, "empty")) == ["/spec/changes"]
    assert refused(apply, api, "empty", force="true").status == 400
    newest = api.get("revisions", limit=1)["revision"]
    assert refused(api.call, "POST", "/v1/revisions/%d/undo" % newest,
                   draft="-").status == 400
    # What it would do to other objects is told when it is planned.
    draft(api, "d", change("groups", "g", "delete"))
    refusal = refused(apply, api, "d", dry_run="plan")
    assert refusal.status == 409
    assert pointers(refusal) == ["/spec/changes/0"], refusal


def test_what_is_not_there_yet_is_warned_of(api):
    policy = dict(api.get("policies/p")["spec"], applies_to=["h"])
    made = draft(api, "d", change("policies", "q", spec=policy))
    warning, = made["warnings"]
    assert (warning["type"], warning["name"], warning["pointer"]) == (
        "drafts", "d", "/spec/changes/0/spec/applies_to/0")
    assert '"h"' in warning["text"]
    assert "warnings" not in draft(
        api, "d", change("policies", "q", spec=policy),
        change("groups", "h", spec={"selector": "role=h"}))


# Once.  ---------------------------------------------------------------------

def test_one_of_many_appliers(api):
    draft(api, "d", change("policies", "p", "patch", {"description": "d"}),
          change("services", "s", spec=SERVICE))

    def one(_):
        try:
            return apply(api, "d")["changed"]
        except Refused as refusal:
            assert refusal.status in (404, 409, 412), refusal
            return False

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(one, range(16))) == 1
    assert [i.get("draft") for i in
            api.get("revisions", limit=20)["items"]].count("d") == 1
    api.delete("services/s")


def test_one_computes_effects_at_a_time(api):
    draft(api, "d", change("policies", "p", "patch", {"description": "d"}))

    def one(_):
        try:
            return api.get("drafts/d/effects")["etag"]
        except Refused as refusal:
            assert refusal.status == 503, refusal
            return None

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert any(pool.map(one, range(64)))
    for _ in range(3):
        api.get("drafts/d/effects")


def test_only_as_it_was_reviewed(api):
    etag = draft(api, "d", change("services", "s", spec=SERVICE))[
        "metadata"]["etag"]
    api.patch("drafts/d", {"description": "other"})
    refusal = refused(api.call, "POST", "/v1/drafts/d/apply",
                      headers={"If-Match": '"%s"' % etag})
    assert refusal.status == 412
    # A plan says what it was of.
    path = "/v1/drafts/d/apply?dry_run=plan"
    assert api.raw("POST", path, headers={
        "If-Match": '"%s"' % etag})[0] == 412
    etag = api.get("drafts/d")["metadata"]["etag"]
    status, headers, _ = api.raw("POST", path)
    assert (status, headers["ETag"]) == (200, '"%s"' % etag)
    assert api.raw("POST", path, headers={"If-None-Match": "*"})[0] == 400


def test_vmnctl_applies_what_it_has_planned(world, api):
    def run(*args, status=0):
        return vmnctl(world.lab, *args, status=status)

    draft(api, "d", change("services", "s", spec=SERVICE))
    planned = run("draft", "plan", "d").split("--etag ")[1].split()[0]
    both = json.loads(run("draft", "plan", "d", "-o", "json"))
    assert both["etag"] == both["effects"]["etag"] == planned
    draft(api, "d", change("services", "s", spec=dict(
        SERVICE, description="other")))
    run("draft", "plan", "d", "--etag", planned, status=2)
    assert "was changed" in run("draft", "apply", "d", "--etag", planned,
                                status=1)
    refused(api.get, "services/s")
    planned = run("draft", "plan", "d").split("--etag ")[1].split()[0]
    run("draft", "apply", "d", "--etag", planned)
    assert api.get("services/s")["spec"]["description"] == "other"
    api.delete("services/s")


def send_apply(api, key):
    return api.raw("POST", "/v1/drafts/d/apply",
                   headers={"Idempotency-Key": key})


def test_kill_in_the_middle(alone):  # noqa: F811
    """Whenever vmnd is killed, the draft is there and its change is not, or
    the other way round; and a client that sends it again has it made once."""
    alone.start()
    for i in range(6):
        name = "net-%d" % i
        draft(alone.api, "d", change("networks", name, spec={
            "description": "made"}))
        before = alone.api.get("drafts/d")["spec"]
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            sent = pool.submit(_swallow, send_apply, alone.api, name)
            os.kill(alone.pid(), signal.SIGKILL)
            sent.result()
        alone.kill()
        alone.start()
        made = name in [n["name"] for n in alone.api.get("networks")["items"]]
        left = [d["name"] for d in alone.api.get("drafts")["items"]]
        assert left == ([] if made else ["d"])
        if left:
            assert alone.api.get("drafts/d")["spec"] == before
        status, headers, text = send_apply(alone.api, name)
        assert status == 200, text
        assert (headers.get("Idempotency-Replayed") == "true") == made
        assert ("networks", name, "created") in [
            (r["type"], r["name"], r["outcome"])
            for r in json.loads(text)["results"]]
        assert alone.api.get("drafts")["items"] == []
    check_log(alone)


def test_audit_log_and_backup_have_it(alone):  # noqa: F811
    audit, more = os.path.join(alone.lab.dir, "audit"), alone.args
    alone.args = lambda: more() + ["--audit-log=" + audit]
    alone.start()
    api = alone.api
    made = api.put("networks/n", {"description": "x"})["revision"]
    api.call("POST", "/v1/revisions/%d/undo" % made, draft="back")
    backup = os.path.join(alone.lab.dir, "backup")
    with open(backup, "wb") as file:
        file.write(api.raw("GET", "/v1/backup")[2])
    revision = apply(api, "back")["revision"]
    with open(audit, encoding="utf-8") as file:
        last = [json.loads(line) for line in file][-1]
    assert (last["revision"], last["draft"], last["undoes"]) == (
        revision, "back", made)
    assert last["draft_author"] == last["who"]
    assert {(c["op"], c["type"], c["name"]) for c in last["changes"]} == {
        ("delete", "networks", "n"), ("delete", "drafts", "back")}
    alone.stop()
    subprocess.run([find("vmnctl"), "restore", backup, "--yes",
                    "--database=" + alone.db], check=True, timeout=60,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    alone.start()
    assert api.get("drafts/back")["spec"]["undoes"] == made
    # What the restore has taken back is still in the log.
    assert api.get("revisions/%d" % revision)["draft"] == "back"
    check_log(alone)


def _swallow(call, *args):
    try:
        return call(*args)
    except (OSError, http.client.HTTPException):
        return None


def test_any_member_of_a_cluster_has_it(cluster):
    """A standby relays a draft, its conflicts and its application; the next
    writer has it."""
    writer, other = cluster.writer(), standbys(cluster)[0]
    writer.api.put("networks/n", {"description": "old"})
    draft(other.api, "d", change("networks", "n", "patch",
                                 {"description": "new"}))
    writer.api.patch("networks/n", {"description": "theirs"})
    conflict, = other.api.get("drafts/d")["status"]["conflicts"]
    assert conflict["now"] == "theirs"
    assert conflict["who"].startswith("unix:")
    # It may have to look for the writer for a moment.
    wait_for("its refusal", lambda: refused(
        apply, other.api, "d").status == 409, 60)
    spec = other.api.get("drafts/d")["spec"]
    for one in spec["changes"]:
        del one["base"], one["base_spec"]
    other.api.put("drafts/d", spec)
    writer.kill()
    wait_for("another writer", lambda: _swallow(_is_there, other.api), 60)
    applied = apply(other.api, "d")
    assert other.api.get("networks/n")["spec"]["description"] == "new"
    assert other.api.get("revisions/%d" % applied["revision"])["draft"] == "d"


def _is_there(api):
    try:
        return apply(api, "d", dry_run="plan")["changed"]
    except Refused:
        return False
