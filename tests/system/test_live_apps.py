# SPDX-License-Identifier: Apache-2.0
"""Apps that are loaded, replaced and removed while vmnd runs and VMs talk."""

import base64
import contextlib
import hashlib
import json
import os
import random
import sqlite3
import subprocess
import time

import pytest
from conftest import (HERE, World, changes, check_log, close_lab, flows,
                      make_lab, vmnctl, wait_aged)
from test_live_trace import live

from vmnlab import frames
from vmnlab.api import Refused
from vmnlab.daemon import find
from vmnlab.netns import wait_for
from vmnlab.stream import Streams

TOP = os.path.join(HERE, "../..")
APPDIR = os.environ.get("VMN_APPDIR", "_build/normal/appdir")
MAILGUARD = TOP + "/apps/example/mailguard.lua"


@pytest.fixture(scope="module", name="lab")
def _lab():
    lab = make_lab("live", 2, options=["--max-flows-per-host=1000"])
    yield lab
    close_lab(lab)


@pytest.fixture(name="world")
def _world(lab):
    world = World(lab)
    world.network("net", "10.0.0.0/24")
    yield world
    world.close()
    check_log(lab.vmnd)
    assert lab.vmnd.pid() is not None, lab.vmnd.last_words(60)


def ctl(lab, *args, status=0):
    """What vmnctl says.  It may have forbidden something: World.never()."""
    found, text = vmnctl(lab, *args)
    assert found == status, text
    lab.narrowed = time.monotonic()
    return text


def app(lab, name="mailguard"):
    return lab.vmnd.api.get("apps/" + name)


def verify(lab):
    """What the engine has is what it computes from nothing."""
    said = subprocess.run(["ovs-appctl", "-t", lab.vmnd.unixctl,
                           "engine/verify"], check=True, text=True,
                          capture_output=True).stdout
    assert "0 differences" in said, said


def test_load_replace_unload(lab, world, tmp_path):
    """It works at once, and nobody else's flows change but for what leads to
    it."""
    one = world.vm("one", "net", "h1", "10.0.0.1", tcp=[80])
    two = world.vm("two", "net", "h2", "10.0.0.2", tcp=[25, 80])
    assert world.reaches(one, two, 25)
    wait_aged(lab)
    before = flows(lab.host("h1"))

    said = ctl(lab, "app", "load", MAILGUARD, "--wait")
    assert "apps/mailguard created" in said and "installed" in said
    found = app(lab)
    assert found["status"]["worker"]["state"] == "running"
    assert found["spec"]["module"]["file"] == "mailguard.lua"
    assert "code" not in found["spec"]
    lab.revalidated()
    assert world.blocked(one, two, 25)
    assert world.reaches(one, two)
    verify(lab)
    table = found["status"]["stages"][0]["first_table"]
    kept = [key for key, flow in flows(lab.host("h1")).items()
            if flow.table != table and key in before]
    assert len(kept) > len(before) * 0.8

    # Another version, which has another port in mind.
    with open(MAILGUARD) as file:
        text = file.read()
    other = tmp_path / "mailguard.lua"
    other.write_text(text.replace("tcp_dst = 25", "tcp_dst = 80"))
    assert "apps/mailguard updated" in ctl(lab, "app", "load", str(other),
                                           "--wait")
    lab.revalidated()
    assert world.reaches(one, two, 25)
    assert world.blocked(one, two)
    verify(lab)

    ctl(lab, "app", "disable", "mailguard", "--wait")
    assert world.reaches(one, two)
    ctl(lab, "app", "enable", "mailguard", "--wait")
    lab.revalidated()
    assert world.blocked(one, two)

    assert "apps/mailguard deleted" in ctl(lab, "app", "unload", "mailguard",
                                           "--wait")
    with pytest.raises(Refused):
        app(lab)
    assert world.reaches(one, two) and world.reaches(one, two, 25)
    wait_aged(lab)
    assert flows(lab.host("h1")).keys() == before.keys()


def test_what_versions_have_in_common_stays(lab, world, tmp_path):
    """With its counters, and its time on the host."""
    world.vm("one", "net", "h1", "10.0.0.1")
    ctl(lab, "app", "load", MAILGUARD, "--wait")
    wait_aged(lab)
    before = flows(lab.host("h1"))
    with open(MAILGUARD) as file:
        text = file.read()
    other = tmp_path / "mailguard.lua"
    other.write_text(text + "-- the same\n")
    ctl(lab, "app", "load", str(other), "--wait")
    assert changes(before, flows(lab.host("h1"))) == []
    ctl(lab, "app", "unload", "mailguard", "--wait")


def test_one_with_too_many_flows_is_rolled_back(lab, world, tmp_path):
    """The version before is there as it was; and there is none, if there was
    none."""
    one = world.vm("one", "net", "h1", "10.0.0.1", tcp=[80])
    two = world.vm("two", "net", "h2", "10.0.0.2", tcp=[25, 80])
    with open(MAILGUARD) as file:
        text = file.read()
    large = tmp_path / "mailguard.lua"
    large.write_text(text.replace("    for _, eth_type in ipairs", """\
    for i = 1, 1000 do
        emit:flow { scope = { network = key }, stage = "mail", priority = 5,
                    match = { reg_network = network.vni, eth_type = i } }
            :next()
    end
    for _, eth_type in ipairs"""))
    before = flows(lab.host("h1"))
    assert "1000" in ctl(lab, "app", "load", str(large), status=1)
    with pytest.raises(Refused):
        app(lab)
    verify(lab)
    assert flows(lab.host("h1")).keys() == before.keys()

    ctl(lab, "app", "load", MAILGUARD, "--wait")
    digest = app(lab)["spec"]["module"]["digest"]
    wait_aged(lab)
    before = flows(lab.host("h1"))
    assert "1000" in ctl(lab, "app", "load", str(large), status=1)
    assert app(lab)["spec"]["module"]["digest"] == digest
    assert app(lab)["status"]["worker"]["state"] == "running"
    verify(lab)
    assert changes(before, flows(lab.host("h1"))) == []
    assert world.reaches(one, two) and world.blocked(one, two, 25)
    ctl(lab, "app", "unload", "mailguard", "--wait")


def test_its_code_is_shown_nowhere(lab, world):
    ctl(lab, "app", "load", MAILGUARD, "--wait")
    with open(MAILGUARD, "rb") as file:
        code = base64.b64encode(file.read()).decode()
    newest = lab.vmnd.api.get("status")["revision"]
    seen = [lab.vmnd.api.get("apps"), lab.vmnd.api.get("revisions")]
    seen += [lab.vmnd.api.get("revisions/%d" % n, contents="true")
             for n in range(newest - 1, newest + 1)]
    assert "mailguard" in json.dumps(seen)
    assert code[:60] not in json.dumps(seen)
    ctl(lab, "app", "unload", "mailguard", "--wait")


def test_it_is_there_after_a_restart(lab, world):
    one = world.vm("one", "net", "h1", "10.0.0.1", tcp=[80])
    two = world.vm("two", "net", "h2", "10.0.0.2", tcp=[25, 80])
    ctl(lab, "app", "load", MAILGUARD, "--wait")
    wait_aged(lab)
    before = flows(lab.host("h1"))
    wait_for("its place to be noted",
             lambda: app(lab)["spec"]["module"].get("stages"), 30)
    lab.vmnd.kill()
    lab.vmnd.start()
    lab.await_synced()
    assert app(lab)["status"]["worker"]["state"] == "running"
    assert changes(before, flows(lab.host("h1"))) == []
    assert world.blocked(one, two, 25)
    assert world.reaches(one, two)
    ctl(lab, "app", "unload", "mailguard", "--wait")
    lab.vmnd.kill()
    lab.vmnd.start()
    lab.await_synced()
    assert world.reaches(one, two, 25)


# More than --max-flows-per-host.
TOO_MUCH = """\
local function compile(view, key, emit)
    local network = view:network(key)
    if not network then return end
    for i = 1, 1000 do
        emit:flow { scope = { network = key }, stage = "mail", priority = i,
                    match = { reg_network = network.vni } }:next()
    end
end
return { name = "mailguard",
         stages = { { name = "mail", hook = "service", order = 10 } },
         units = { { name = "n", each = "network", compile = compile } } }
"""


def audit(lab):
    """None while it is compared with what it is to have."""
    try:
        return lab.vmnd.api.call("POST", "/v1/hosts/h1/audit")
    except Refused:
        return None


def refused_at_the_start(lab, code, **stage):
    """vmnd is started with other code of the app in its database, and with
    what 'stage' says of its stage; returns what it says of it."""
    lab.vmnd.kill()
    with contextlib.closing(sqlite3.connect(lab.vmnd.db)) as db, db:
        module = json.loads(db.execute(
            "SELECT module FROM apps WHERE name = 'mailguard'").fetchone()[0])
        module["digest"] = hashlib.sha256(code).hexdigest()
        module["stages"][0].update(stage)
        db.execute("UPDATE apps SET code = ?, module = ? "
                   "WHERE name = 'mailguard'", (
                       base64.b64encode(code).decode(), json.dumps(module)))
    lab.vmnd.start()
    lab.await_synced()
    return app(lab)["status"]["worker"]


def test_one_that_is_refused_at_the_start(lab, world, tmp_path):
    """Its flows stay; another version is loaded in its place, and it can be
    unloaded, as any app that is in the database."""
    one = world.vm("one", "net", "h1", "10.0.0.1", tcp=[80])
    two = world.vm("two", "net", "h2", "10.0.0.2", tcp=[25, 80])
    ctl(lab, "app", "load", MAILGUARD, "--wait")
    wait_aged(lab)
    before = flows(lab.host("h1"))
    bad = tmp_path / "mailguard.lua"
    bad.write_text("no script")
    found = refused_at_the_start(lab, bad.read_bytes())
    assert found["state"] == "absent"
    assert "mailguard.lua:1" in found["failure"]
    assert changes(before, flows(lab.host("h1"))) == []

    said = ctl(lab, "app", "load", str(bad), status=1)
    assert "could not be loaded" in said and "apps/resume mailguard" in said
    bad.write_text(TOO_MUCH)
    assert "1000" in ctl(lab, "app", "load", str(bad), status=1)
    world.group("nobody")       # Something that is stored, after it.
    lab.await_synced()
    assert wait_for("an audit", lambda: audit(lab))["unknown"] == 0
    assert changes(before, flows(lab.host("h1"))) == []
    with open(MAILGUARD) as file:
        bad.write_text(file.read() + "-- another version\n")
    ctl(lab, "app", "load", str(bad), "--wait")
    assert app(lab)["status"]["worker"]["state"] == "running"
    assert changes(before, flows(lab.host("h1"))) == []
    assert world.blocked(one, two, 25)
    verify(lab)

    assert refused_at_the_start(lab, b"no script")["state"] == "absent"
    ctl(lab, "app", "unload", "mailguard", "--wait")
    with pytest.raises(Refused):
        app(lab)
    assert world.reaches(one, two, 25)
    verify(lab)


HOG = """\
return { name = "hog",
         stages = { %s } }
""" % ", ".join("{ name = \"s%d\", hook = \"service\", n_tables = 16 }" % i
                for i in range(2))


def resume(lab, name):
    """What "apps/resume" says, if it fails."""
    done = subprocess.run(["ovs-appctl", "-t", lab.vmnd.unixctl, "apps/resume",
                           name], text=True, capture_output=True)
    return done.stderr if done.returncode else None


def test_one_that_has_no_room_at_the_start_is_loaded_later(lab, world,
                                                           tmp_path):
    """Without another start, from the same code; until then its flows
    stay."""
    one = world.vm("one", "net", "h1", "10.0.0.1", tcp=[80])
    two = world.vm("two", "net", "h2", "10.0.0.2", tcp=[25, 80])
    hog = tmp_path / "hog.lua"
    hog.write_text(HOG)
    ctl(lab, "app", "load", str(hog), "--wait")
    ctl(lab, "app", "load", MAILGUARD, "--wait")
    with open(MAILGUARD, "rb") as file:
        large = file.read().replace(b"order = 10",
                                    b"order = 10, n_tables = 16")
    found = refused_at_the_start(lab, large)
    assert found["state"] == "absent", found
    before = flows(lab.host("h1"))
    assert "app mailguard cannot be loaded" in resume(lab, "mailguard")
    assert "no app of that name" in resume(lab, "nobody")
    assert app(lab)["status"]["worker"]["state"] == "absent"
    assert changes(before, flows(lab.host("h1"))) == []

    ctl(lab, "app", "unload", "hog", "--wait")
    assert app(lab)["status"]["worker"]["state"] == "absent"
    assert resume(lab, "mailguard") is None
    assert app(lab)["status"]["worker"]["state"] == "running"
    wait_for("its place to be noted", lambda: app(lab)["spec"]["module"][
        "stages"][0]["tables"] == 16, 30)
    lab.await_synced()
    lab.revalidated()
    assert world.blocked(one, two, 25)
    assert world.reaches(one, two)
    verify(lab)
    ctl(lab, "app", "unload", "mailguard", "--wait")


def test_place_that_is_lost_is_noted(lab, world, tmp_path):
    """So nobody else is given its tables; but what hosts have there is not
    taken for its."""
    def noted():
        stage, = app(lab)["spec"]["module"]["stages"]
        return stage["first_table"] != 255 and stage

    def now():
        stage, = app(lab)["status"]["stages"]
        return stage["first_table"]

    ctl(lab, "app", "load", MAILGUARD, "--wait")
    place = now()
    assert refused_at_the_start(lab, b"no script",
                                first_table=255)["state"] == "absent"
    stage = wait_for("it to be noted", noted)
    assert now() == place
    assert stage["first_table"] == stage["next_table"] == place

    other = tmp_path / "mailguard.lua"
    with open(MAILGUARD) as file:
        other.write_text(file.read() + "-- another version\n")
    ctl(lab, "app", "load", str(other), "--wait")
    stage = noted()
    assert now() == stage["first_table"] == place != stage["next_table"]
    ctl(lab, "app", "unload", "mailguard", "--wait")


def test_what_cannot_be_loaded_changes_nothing(lab, world, tmp_path):
    world.vm("one", "net", "h1", "10.0.0.1")
    revision = lab.vmnd.api.get("status")["revision"]
    broken = tmp_path / "mailguard.lua"
    broken.write_text("return { name = 'mailguard', stages = 7 }")
    said = ctl(lab, "app", "load", str(broken), status=1)
    assert "stages must be a table, not a number" in said
    broken.write_text("while true do end")
    assert "ran more than" in ctl(lab, "app", "load", str(broken), status=1)
    assert "it is of an app named \"mailguard\", not" in ctl(
        lab, "app", "load", MAILGUARD, "other", status=1)
    ctl(lab, "app", "load", "/nonexistent.lua", status=1)
    assert "is one of vmnd's options" in ctl(lab, "app", "unload", "router",
                                             status=1)
    ctl(lab, "app", "unload", "mailguard", status=1)
    for body, where in (({"file": "x.lua"}, "/code"),
                        ({"file": "x.txt", "code": "eA=="}, "/file"),
                        ({"file": "../x.lua", "code": "eA=="}, "/file"),
                        ({"file": "x.lua", "code": "?"}, "/code"),
                        ({"file": "x.lua", "code": "eA==", "x": 1}, "/x")):
        with pytest.raises(Refused) as refused:
            lab.vmnd.api.call("PUT", "/v1/apps/mailguard/code", body)
        assert where in json.dumps(refused.value.problem), where
    assert lab.vmnd.api.get("status")["revision"] == revision


# In which order they come: not the one that a start has.
TOGETHER = ("traffic", "qos", "paths", "multicast", "monitors", "mirrors",
            "metadata", "chains", "mailguard", "portguards")
OBJECTS = (
    ("metadata-networks", "net", {"network": "net"}),
    ("mirrors", "m", {"selector": "end", "to_port": "probe"}),
    ("monitors", "m", {"group": "ends"}),
    ("multicast-networks", "net", {"network": "net"}),
    ("qos-policies", "q", {"selector": "end", "limits": [
        {"direction": way, "max_pps": 900000} for way in (
            "egress", "ingress")]}),
    ("traffic-counts", "t", {"all_networks": True}),
)


def tables(lab):
    """The first tables of all stages, by their names."""
    return {"%s.%s" % (one["name"], stage["name"]): stage["first_table"]
            for one in lab.vmnd.api.get("apps")["items"]
            for stage in one["status"].get("stages", ())}


def noted(lab, found):
    """Whether the rows of the apps that were loaded say where they are."""
    for name in TOGETHER:
        stages = app(lab, name)["spec"]["module"].get("stages", [])
        where = {"%s.%s" % (name, one["name"]): one["first_table"]
                 for one in stages}
        if where != {key: table for key, table in found.items()
                     if key.startswith(name + ".")}:
            return False
    return True


def through_spare(lab):
    """Whether packets have come through tables that are no hook's."""
    return any(flow.n_packets for flow in flows(lab.host("h1")).values()
               if 208 <= flow.table < 240)


def follow(world):
    """A live trace comes through all stages, too."""
    said = live(world, "one", "two")
    return said["agrees"] and said["seen"]["verdict"] == "delivered"


def flows_of_stages(lab):
    """Without what switches learn."""
    return {key: flow for key, flow in flows(lab.host("h1")).items()
            if flow.table < 240}


def load_together(lab):
    """Loads all apps that there are, and returns which."""
    found = {}
    for name in TOGETHER:
        file = ("%s/%s.lua" % (os.path.dirname(MAILGUARD), name)
                if name.endswith(("guard", "guards"))
                else "%s/%s.so" % (APPDIR, name))
        before = tables(lab)
        ctl(lab, "app", "load", file, "--wait")
        found = tables(lab)
        assert found.items() >= before.items(), name    # None has moved.
    assert {name.split(".")[0] for name in found} >= set(TOGETHER) - {"paths"}
    assert max(found.values()) >= 208, found    # A spare one.
    return found


@pytest.fixture(name="unloading")
def _unloading(lab):
    """Unloads what a test that failed has left, once its objects are gone."""
    yield
    left = {one["name"] for one in lab.vmnd.api.get("apps")["items"]}
    for name in TOGETHER:
        if name in left:
            ctl(lab, "app", "unload", name, "--wait")


@pytest.mark.usefixtures("unloading")
def test_all_apps_together(lab, world):
    """With something to do for each.  Packets get to where they did, no stage
    is moved, and all of it is so after a restart."""
    one = world.vm("one", "net", "h1", "10.0.0.1", tcp=[25, 80],
                   labels={"end": "yes", "mail": "yes"})
    two = world.vm("two", "net", "h2", "10.0.0.2", tcp=[25, 80],
                   labels={"end": "yes"})
    world.vm("fw", "net", "h1", "10.0.0.3")
    world.vm("probe", "net", "h2", "10.0.0.4")
    world.group("ends", "end")
    found = load_together(lab)
    wait_for("a live trace to be followed", lambda: follow(world), 120)
    for kind, name, spec in OBJECTS:
        world.put(kind, name, **spec)
    assert world.reaches(one, two) and world.reaches(two, one)
    assert world.reaches(one, two, 25)
    assert world.blocked(two, one, 25)
    # By a guest that forwards nothing.
    world.put("chains", "c", network="net", sources="end", destinations="end",
              hops=[{"name": "fw", "functions": [{"in": "fw"}]}])
    world.settle()
    assert world.blocked(one, two)
    world.delete("chains", "c")
    assert world.reaches(one, two)
    verify(lab)
    wait_for("packets in spare tables", lambda: through_spare(lab), 60)

    wait_for("the places to be noted", lambda: noted(lab, found), 60)
    wait_aged(lab)
    before = flows_of_stages(lab)
    lab.vmnd.kill()
    lab.vmnd.start()
    lab.await_synced()
    assert tables(lab) == found
    assert changes(before, flows_of_stages(lab)) == []
    assert world.reaches(one, two)
    for kind, name, _ in OBJECTS:
        world.delete(kind, name)
    for name in TOGETHER:
        ctl(lab, "app", "unload", name, "--wait")
    assert world.reaches(one, two, 25) and world.reaches(two, one)


def says(process, text):
    """Reads what it says until that comes."""
    said = []
    while not said or text not in said[-1]:
        said.append(process.stdout.readline())
        assert said[-1], said


def test_it_is_loaded_whenever_it_is_saved(lab, world, tmp_path):
    with open(MAILGUARD) as file:
        text = file.read()
    path = tmp_path / "mailguard.lua"
    path.write_text(text)
    watch = subprocess.Popen(
        [find("vmnctl"), "-s", "unix:" + lab.vmnd.socket, "app", "watch",
         str(path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True)
    try:
        says(watch, "apps/mailguard created")
        path.write_text("return {")
        says(watch, "mailguard.lua:1: ")
        path.write_text(text + "-- saved\n")
        says(watch, "apps/mailguard updated")
    finally:
        watch.kill()
        watch.wait(30)
        watch.stdout.close()
    ctl(lab, "app", "unload", "mailguard", "--wait")


UNFLOODED = """\
return { name = "quiet", description = "Ports that get no floods.",
         units = { { name = "port", each = "port",
                     compile = function(view, key, emit)
    local port = view:port(key)
    if port and view:labels(port).quiet then
        emit:publish("overlay.unflooded-ports", port.network, key)
    end
end } } }
"""


def test_ports_without_floods(lab, world, tmp_path):
    """An app excepts ports from floods: here two on the sender's host and one
    on another.  What is for them alone gets there."""
    sender = world.vm("sender", "net", "h1", "10.0.0.1")
    quiet = [world.vm("q%d" % i, "net", "h1" if i else "h2",
                      "10.0.0.%d" % (10 + i), labels={"quiet": "yes"})
             for i in range(3)]
    others = [world.vm("o%d" % i, "net", "h%d" % (i + 1),
                       "10.0.0.%d" % (20 + i)) for i in range(2)]

    def getting(mac, ip, vms, wanted):
        """Those of 'vms' that get one of the packets, which go until the
        'wanted' have one; then a while longer."""
        payload = os.urandom(18)
        with contextlib.ExitStack() as stack:
            seen = [stack.enter_context(frames.Capture(vm.ns))
                    for vm in vms]
            found = set()

            def ask():
                frames.send(sender, frames.udp(mac, sender.mac, sender.ip, ip,
                                               1000, 7, payload))
                found.update(vm.name for vm, one in zip(vms, seen)
                             if one.wait(lambda f: payload in f, 0.1))
                return found
            wait_for("packets", lambda: ask() >= wanted, 30)
            for _ in range(5):
                ask()
        return found
    vms = quiet + others
    everybody = {vm.name for vm in vms}
    loud = {vm.name for vm in others}
    broadcast = "ff:ff:ff:ff:ff:ff", "10.0.0.255"
    assert getting(*broadcast, vms, everybody) == everybody
    path = tmp_path / "quiet.lua"
    path.write_text(UNFLOODED)
    ctl(lab, "app", "load", str(path), "--wait")
    lab.revalidated()
    assert getting(*broadcast, vms, loud) == loud
    for vm in quiet:
        assert getting(vm.mac, vm.ip, [vm], {vm.name}) == {vm.name}
    verify(lab)
    # Where nobody gets copies, what comes by the tunnel ends.
    world.patch("ports", "o1", labels={"quiet": "yes"})
    lab.revalidated()
    assert getting(*broadcast, vms, {"o0"}) == {"o0"}
    wait_for("the drops to be counted", lambda: any(
        row["reason"] == "flood that no port here gets"
        for row in lab.vmnd.api.get(
            "drops?host=h2&background=true")["counters"]), 60)
    ctl(lab, "app", "unload", "quiet", "--wait")
    lab.revalidated()
    assert getting(*broadcast, vms, everybody) == everybody


def test_nothing_is_lost_meanwhile(lab, world, tmp_path):
    """A thousand packets a second each way, while apps come, change and go
    again and again."""
    one = world.vm("one", "net", "h1", "10.0.0.1")
    two = world.vm("two", "net", "h2", "10.0.0.2")
    with open(MAILGUARD) as file:
        text = file.read()
    other = tmp_path / "mailguard.lua"
    streams = Streams()
    streams.add("there", one, two).add("back", two, one)
    with streams:
        change_often(lab, other, text)
        found = streams.stop(whole=("there", "back"))
    for result in found.values():
        assert result.lost == [] and len(result.sent) > 100


def change_often(lab, path, text):
    """As often as $VMN_TEST_LOADS says, 15 times if it does not."""
    n = int(os.environ.get("VMN_TEST_LOADS", "15"))
    edits = Edits(lab, random.Random(n))
    used = []
    try:
        for i in range(n):
            path.write_text(text.replace("priority = 10,",
                                          "priority = %d," % (30 + i)))
            ctl(lab, "app", "load", str(path), "--wait")
            edits.make()
            if i % 5 == 4:
                verify(lab)
            if i % 2:
                ctl(lab, "app", "unload", "mailguard", "--wait")
                edits.make()
            used.append(memory(lab))
    finally:
        edits.undo()
    print("\n    vmnd's memory: %d KiB, in the end %d KiB"
          % (used[0], used[-1]))


class Edits:
    """Random changes of what has no part in the streams, in their network and
    another one."""

    def __init__(self, lab, rng):
        self.api = lab.vmnd.api
        self.rng = rng
        self.made = set()

    def make(self):
        choice = self.rng.choice(
            ["networks/other", "groups/g", "policies/p"]
            + ["ports/p%d" % i for i in range(8)])
        if choice in self.made and self.rng.random() < 0.5:
            try:
                self.api.delete(choice)
                self.made.discard(choice)
            except Refused:
                pass            # Another one refers to it.
            return
        spec = {
            "networks": lambda: {"subnets": [{"cidr": "10.9.0.0/24"}],
                                 "mtu": self.rng.randrange(1280, 1400)},
            "groups": lambda: {"selector": "side=%d" % self.rng.randrange(2)},
            "policies": lambda: {"applies_to": ["g"], "rules": [
                {"direction": "ingress", "action": "allow", "services": [
                    {"protocol": "tcp",
                     "ports": [self.rng.randrange(1, 9999)]}]}]},
            "ports": lambda: {"network": "net", "labels": {
                "side": str(self.rng.randrange(2))}},
        }[choice.split("/")[0]]()
        try:
            self.api.put(choice, spec)
            self.made.add(choice)
        except Refused:
            assert choice == "policies/p"   # Its group is not there.

    def undo(self):
        for name in sorted(self.made, key=lambda name: (
                not name.startswith("policies"),
                not name.startswith("ports"), name)):
            self.api.delete(name)


def memory(lab):
    """KiB that vmnd has."""
    with open("/proc/%d/status" % lab.vmnd.pid()) as status:
        return next(int(line.split()[1]) for line in status
                    if line.startswith("VmRSS"))
