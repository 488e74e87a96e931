# SPDX-License-Identifier: Apache-2.0
"""Objects of types that apps declare: what users see of them, and packets."""

import base64
import json
import os
import subprocess
import time

import pytest
from conftest import HERE, World, check_log, close_lab, make_token_lab
from tenants import PORT, make_tenant
from test_live_apps import ctl, verify

from cluster import started
from vmnlab.api import Refused
from vmnlab.netns import wait_for

TOP = os.path.join(HERE, "../..")
SSH, WEB, MAIL = 22, 80, 25


def build(folder, *flags):
    """Compiles the app; the file's name is the same in each folder."""
    os.makedirs(folder, exist_ok=True)
    path = "%s/gates.so" % folder
    subprocess.run(["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1",
                    "-fPIC", "-shared", "-I" + TOP + "/include", "-o", path]
                   + ["-D" + flag for flag in flags]
                   + [HERE + "/gates-app.c"], check=True)
    return path


@pytest.fixture(scope="module", name="gates")
def _gates(tmp_path_factory):
    place = tmp_path_factory.mktemp("gates")
    return {what: build("%s/%s" % (place, what), *flags)
            for what, flags in (("first", ()), ("more", ("CLOSED_FIELD",)),
                                ("spin", ("SPIN",)))}


@pytest.fixture(scope="module", name="lab")
def _lab(tmp_path_factory):
    lab = make_token_lab("own", 2, tmp_path_factory.mktemp("api"), PORT)
    yield lab
    close_lab(lab)


@pytest.fixture(name="world")
def _world(lab, gates):
    world = World(lab)
    world.network("net", "10.0.0.0/24")
    ctl(lab, "app", "load", gates["first"], "--wait")
    yield world
    ctl(lab, "app", "unload", "gates", "--wait")
    for kind in ("gates", "gates-settings"):
        if any(one["name"] == kind for one in items(lab, "types")):
            for one in items(lab, kind):
                lab.vmnd.api.delete("%s/%s" % (kind, one["name"]))
            lab.vmnd.api.delete("types/" + kind)
    assert items(lab, "types") == []
    world.close()
    check_log(lab.vmnd)


def restart(lab):
    """As after a crash."""
    lab.vmnd.kill()
    lab.vmnd.start()


def items(lab, kind):
    return lab.vmnd.api.get(kind)["items"]


def refused(call, *args, **more):
    with pytest.raises(Refused) as said:
        call(*args, **more)
    return str(said.value)


def blocked(world, a, b, port):
    """Whether 'a' gets no answer, of datapaths that have all that was said:
    not all of it by way of 'world'."""
    world.revalidated()
    return world.blocked(a, b, port)


def test_packets_follow_objects(lab, world, gates):
    """And go on to when the app is another, gone, or back."""
    one = world.vm("one", "net", "h1", "10.0.0.1", tcp=[WEB, MAIL])
    two = world.vm("two", "net", "h2", "10.0.0.2", tcp=[WEB, MAIL])
    assert world.reaches(one, two, WEB) and world.reaches(one, two, MAIL)
    world.put("gates", "web", network="net", doors=[
        {"port": WEB}, {"port": MAIL, "why": "spam"}])
    assert blocked(world, one, two, WEB) and blocked(world, one, two, MAIL)
    world.patch("gates", "web", doors=[{"port": MAIL}])
    assert world.reaches(one, two, WEB) and blocked(world, one, two, MAIL)
    world.put("gates-settings", "default", priority=50)
    flows = lab.vmnd.api.get("hosts/h1/flows", app="gates")["flows"]
    assert [(flow["priority"], flow["owner"]) for flow in flows] == [
        (50, "gates.gate/web")]
    assert flows == lab.vmnd.api.get("hosts/h1/flows",
                                     object="web")["flows"]
    verify(lab)

    # A field more, with objects there; and the former one again.
    said = ctl(lab, "app", "load", gates["more"], "--wait")
    assert "types/gates updated" in said, said
    assert lab.vmnd.api.get("gates/web")["spec"]["closed"] is True
    assert blocked(world, one, two, MAIL)
    world.patch("gates", "web", closed=False)
    assert world.reaches(one, two, MAIL)
    ctl(lab, "app", "load", gates["first"], "--wait")
    assert "closed" not in lab.vmnd.api.get("gates/web")["spec"]
    assert blocked(world, one, two, MAIL)
    ctl(lab, "app", "load", gates["more"], "--wait")
    assert lab.vmnd.api.get("gates/web")["spec"]["closed"] is False
    assert world.reaches(one, two, MAIL)
    world.patch("gates", "web", closed=True)
    verify(lab)

    # Without the app objects stay, without effect, and say so.
    ctl(lab, "app", "unload", "gates", "--wait")
    assert world.reaches(one, two, MAIL)
    assert lab.vmnd.api.get("gates/web")["status"]["unserved"] == \
        "app gates is not loaded"
    assert "looks at each gate" in refused(
        lab.vmnd.api.patch, "gates/web", {"closed": False})
    restart(lab)
    assert lab.vmnd.api.get("gates/web")["status"]["unserved"]
    ctl(lab, "app", "load", gates["more"], "--wait")
    assert blocked(world, one, two, MAIL)
    restart(lab)
    assert blocked(world, one, two, MAIL)
    await_counts(lab, "gates/web", 1)
    lab.vmnd.api.delete("gates/web", wait="installed", timeout=30)
    assert world.reaches(one, two, MAIL)
    verify(lab)


def await_counts(lab, name, packets):
    """Waits until so many packets were dropped by an object's flows: it says
    so, its app does, and metrics do."""
    def counted():
        status = lab.vmnd.api.get(name)["status"]
        assert "unserved" not in status
        return status["packets"] >= packets and status
    status = wait_for("counters of %s" % name, counted, 30)
    assert [(part["part"], part["reason"]) for part in status["parts"]] == [
        (0, "gate")]
    assert status["parts"][0]["packets"] == status["packets"]
    assert status["bytes"] > 0 and status["last"] and status["counted"]
    units = lab.vmnd.api.get("apps/gates")["status"]["counts"]
    assert [unit["unit"] for unit in units] == ["gate"]
    assert units[0]["packets"] >= status["packets"]
    assert lab.vmnd.api.metrics()[
        'vmn_app_packets_total{app="gates",unit="gate"}'] >= packets


def test_wrong_objects(lab, world, gates):
    """Each fault with its field, and nothing is written."""
    api = lab.vmnd.api
    said = refused(api.put, "gates/a", {"doors": [
        {"port": 0, "wy": "x"}, {"why": "y"}], "network": "nt"})
    for part in ("/spec/doors/0/port", "/spec/doors/0/wy",
                 "/spec/doors/1/port"):
        assert part in said, said
    assert '"nt" does not exist' in refused(
        api.put, "gates/a", {"network": "nt"})
    assert "port 22 stays open, and is shut for no reason" in refused(
        api.put, "gates/a", {"network": "net", "doors": [{"port": SSH}]})
    assert 'must be "default"' in refused(api.put, "gates-settings/other", {})
    assert items(lab, "gates") == []
    api.put("gates/a", {"network": "net"})
    assert "is referenced by gate" in refused(api.delete, "networks/net")
    assert "come and go with the apps" in refused(api.delete, "types/gates")
    # A check that does not end costs this write, and nobody else.
    ctl(lab, "app", "load", gates["spin"], "--wait")
    begin = time.monotonic()
    assert "could not look at it" in refused(
        api.patch, "gates/a", {"doors": [{"port": 5}]})
    assert time.monotonic() - begin < 15
    world.network("more", "10.3.0.0/24")
    assert api.get("gates/a")["spec"].get("doors", []) == []


def test_objects_of_objects(lab, world):
    """Objects name objects of the app's, and have in their status what the app
    says of them."""
    api = lab.vmnd.api
    ctl(lab, "app", "load", HERE + "/shuts.lua", "--wait")
    one = world.vm("one", "net", "h1", "10.0.0.1", tcp=[WEB, MAIL])
    two = world.vm("two", "net", "h2", "10.0.0.2", tcp=[WEB, MAIL])

    def status():
        told = api.get("shuts/a")["status"]
        return [told.get(name) for name in ("ports", "any", "words", "odd")]

    assert 'shuts-list "none" does not exist' in refused(
        api.put, "shuts/a", {"network": "net", "lists": ["none"]})
    api.put("shuts-lists/mail", {"ports": [MAIL]})
    world.put("shuts", "a", network="net", lists=["mail"])
    assert blocked(world, one, two, MAIL) and world.reaches(one, two, WEB)
    assert status() == [[MAIL], True, '1 "ports"', None]
    api.patch("shuts-lists/mail", {"ports": [MAIL, 3, WEB]},
              wait="installed", timeout=30)
    assert blocked(world, one, two, WEB)
    assert status() == [[3, MAIL, WEB], True, '3 "ports"', None]
    assert 'is referenced by shut "a"' in refused(
        api.delete, "shuts-lists/mail")
    world.patch("shuts", "a", lists=[])
    assert world.reaches(one, two, WEB)
    assert status() == [[], False, None, None]

    shown = api.get("openapi.json")["components"]["schemas"][
        "OwnShutStatus"]["properties"]
    assert shown["ports"]["items"]["type"] == "integer"
    assert shown["any"]["type"] == "boolean"
    assert "ports: list of number" in ctl(lab, "explain", "shuts")
    assert "lists: set of name of a shuts-list" in ctl(lab, "explain", "shuts")
    world.patch("shuts", "a", lists=["mail"])
    table = ctl(lab, "get", "shuts").splitlines()
    assert table[0].split() == ["NAME", "NETWORK", "LISTS", "PORTS", "ANY",
                                "WORDS", "ODD", "DESCRIPTION"]
    assert table[1].split()[:5] == ["a", "net", "mail", "3,25,80", "yes"]

    # What an object of the account's acts on in turn is within its scope.
    api.put("networks/mine", {"labels": {"team": "a"}, "subnets": [
        {"cidr": "10.7.0.0/24"}]})
    team = make_tenant(lab, "team", scope="team=a")
    for name, network in (("ours", "mine"), ("theirs", "net")):
        api.put("shuts-lists/" + name, {"network": network, "labels": {
            "team": "a"}})
    spec = {"network": "mine", "labels": {"team": "a"}}
    team.may("PUT", "shuts/theirs", dict(spec, lists=["ours"]))
    status_code, said = team.tries("PUT", "shuts/theirs",
                                   dict(spec, lists=["theirs"]))
    assert status_code in (400, 403), said
    assert "/spec/lists/0" in json.dumps(said), said
    for name in ("shuts/theirs", "shuts-lists/ours", "shuts-lists/theirs",
                 "networks/mine", "tokens/team", "accounts/team"):
        api.delete(name)

    # After a restart, and without the app.
    restart(lab)
    wait_for("the status", lambda: status()[0] == [3, MAIL, WEB])
    ctl(lab, "app", "unload", "shuts", "--wait")
    assert status() == [[], None, None, None]
    api.delete("shuts/a")
    assert 'type "shuts" refers to it' in refused(
        api.delete, "types/shuts-lists", cascade="true")
    for name in ("types/shuts", "shuts-lists/mail", "types/shuts-lists"):
        api.delete(name)


SAFES = """
return { name = "safes", types = { {
    name = "safes", singular = "safe", doc = "What is locked.",
    fields = {
        { name = "pin", type = "text", secret = true, doc = "What opens it." },
        { name = "place", type = "text", doc = "Where it is." },
    } } } }
"""


def test_no_support_bundle_has_a_secret(lab, tmp_path):
    """The type says what is one, whatever the app calls it."""
    script, bundle = str(tmp_path / "safes.lua"), str(tmp_path / "b.tar.gz")
    with open(script, "w", encoding="utf-8") as file:
        file.write(SAFES)
    ctl(lab, "app", "load", script, "--wait")
    lab.vmnd.api.put("safes/a", {"pin": "OPENSESAME", "place": "CELLAR"})
    assert "OPENSESAME" in ctl(lab, "get", "safes", "a", "-o", "yaml")
    ctl(lab, "support-bundle", bundle)
    text = subprocess.run(["tar", "-xzOf", bundle], check=True,
                          stdout=subprocess.PIPE).stdout
    assert b"CELLAR" in text and b"OPENSESAME" not in text
    ctl(lab, "app", "unload", "safes", "--wait")
    for name in ("safes/a", "types/safes"):
        lab.vmnd.api.delete(name)


WORDS = """
return { name = "words", types = { {
    name = "words", singular = "word", doc = "What is said.",
    fields = {
        { name = "said", type = "text", list = true, doc = "Words." },
        { name = "least", type = "text", min = 1, max = 9, doc = "One." },
        { name = "note", type = "text", doc = "Anything." },
    } } } }
"""


def test_empty_texts_are_absent_or_refused(lab, world, tmp_path):
    """In a list one was stored as nothing between commas, so that vmnd did
    not start again.  And a change of a type that has gone with its last
    object is not undone in part."""
    api = lab.vmnd.api
    script = str(tmp_path / "words.lua")
    with open(script, "w", encoding="utf-8") as file:
        file.write(WORDS)
    ctl(lab, "app", "load", script, "--wait")
    assert "/said/1" in refused(api.put, "words/a", {"said": ["x", "", "y"]})
    assert "/least" in refused(api.put, "words/a", {"least": ""})
    api.put("words/a", {"said": ["x"], "note": ""})
    world.group("some", "role=some")
    restart(lab)
    assert api.get("words/a")["spec"] == {"said": ["x"]}
    ctl(lab, "delete", "words/a", "groups/some", "--wait")
    gone = str(api.get("revisions", type="words",
                       name="a")["items"][-1]["revision"])
    ctl(lab, "app", "unload", "words", "--wait")
    for command in "undo", "rollback":
        said = ctl(lab, command, gone, status=1)
        assert 'changed "a" of type "words"' in said, said
    assert "some" not in [g["name"] for g in items(lab, "groups")]
    said = ctl(lab, "undo", gone, "--force", "--wait")
    assert 'warning: "a" of type "words", which is not there any more, is ' \
        'left out' in said, said
    assert "some" in [g["name"] for g in items(lab, "groups")]


def test_what_clients_are_told(lab, world):
    """OpenAPI, vmnctl, plans, revisions, undo."""
    api = lab.vmnd.api
    paths = api.get("openapi.json")
    assert "/v1/gates/{name}" in paths["paths"]
    spec = paths["components"]["schemas"]["OwnGateSpec"]["properties"]
    assert spec["network"]["description"] == "Where it is."
    plan = api.put("gates/told", {"network": "net", "doors": [{"port": 7}]},
                   dry_run="true")
    assert plan["kind"] == "plan" and "gates" in json.dumps(plan)
    assert items(lab, "gates") == []
    world.put("gates", "told", network="net", doors=[{"port": 7}])
    said = ctl(lab, "get", "gates")
    assert "NETWORK" in said and "told " in said
    assert "port: number; required (1 to 65535)" in ctl(
        lab, "explain", "gate.doors")
    assert "gates" in ctl(lab, "completion", "words", "--", "get", "ga")
    made = api.get("gates/told")["metadata"]["revision"]
    api.patch("gates/told", {"doors": [{"port": 8}]})
    changed = api.get("revisions", type="gates", name="told")["items"]
    assert [one["changes"][0]["op"] for one in changed] == ["create",
                                                            "update"]
    ctl(lab, "undo", str(api.get("gates/told")["metadata"]["revision"]),
        "--wait")
    assert [door["port"] for door in api.get("gates/told")["spec"]["doors"]] \
        == [7]
    assert api.get("gates/told")["metadata"]["revision"] > made


def test_scoped_accounts(lab, world):
    """As with any type: labels decide, and what is acted on."""
    api = lab.vmnd.api
    api.put("networks/mine", {"labels": {"team": "a"}, "subnets": [
        {"cidr": "10.7.0.0/24"}]})
    team = make_tenant(lab, "team", scope="team=a")
    spec = {"network": "mine", "labels": {"team": "a"}}
    team.may("PUT", "gates/mine", spec)
    status, said = team.tries("PUT", "gates/theirs",
                              dict(spec, network="net"))
    assert status == 400 and "does not exist" in said["detail"], said
    api.put("gates/theirs", {"network": "net"})
    for target, names in (("gates", ["mine"]),
                          ("types", ["gates", "gates-settings"])):
        found = team.may("GET", target)["items"]
        assert [one["name"] for one in found] == names
    assert team.tries("DELETE", "gates/theirs")[0] == 404
    assert team.tries("DELETE", "types/gates")[0] in (403, 409)
    team.may("DELETE", "gates/mine")
    for target in ("networks/mine", "tokens/team", "accounts/team"):
        api.delete(target)


def test_members_of_a_cluster(gates):
    """Each has the types and the objects, whoever writes."""
    with started() as cluster:
        writer = cluster.writer()
        others = [m for m in cluster.members if m is not writer]
        writer.api.put("networks/net", {"subnets": [
            {"cidr": "10.0.0.0/24"}]})
        load(writer, gates["first"])
        writer.api.put("gates/a", {"network": "net", "doors": [{"port": 7}]})
        load(writer, gates["more"])
        writer.api.patch("gates/a", {"closed": False})
        for member in cluster.members:
            wait_for("%s to have it" % member.name, lambda m=member:
                     spec_of(m).get("closed") is False, 60)
        others[0].kill()
        writer.api.patch("gates/a", {"doors": [{"port": 8}]})
        others[0].start()
        wait_for("it to follow", lambda: cluster.follows(others[0]), 60)
        writer.kill()
        wait_for("another writer",
                 lambda: any(m.is_writer() for m in others), 60)
        new = next(m for m in others if m.is_writer())
        wait_for("its API", lambda: spec_of(new), 60)
        wait_for("it to write", lambda: patched(new), 60)
        assert spec_of(new)["closed"] is True
        writer.start()
        wait_for("the former writer to follow",
                 lambda: cluster.follows(writer), 60)
        assert spec_of(writer)["closed"] is True


def load(member, path):
    with open(path, "rb") as file:
        member.api.call("PUT", "/v1/apps/gates/code", {
            "file": "gates.so",
            "code": base64.b64encode(file.read()).decode()})


def spec_of(member):
    try:
        return member.api.get("gates/a")["spec"]
    except (Refused, OSError):
        return {}


def patched(member):
    try:
        return member.api.patch("gates/a", {"closed": True})
    except (Refused, OSError):
        return None
