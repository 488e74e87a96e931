# SPDX-License-Identifier: Apache-2.0
"""What an app may not do, once in C (tests/unit/bad-app.c) and once in Lua
(bad-app.lua): its unit fails and its status says why, while the API answers,
other apps go on, and two VMs that talk all the time lose no packet."""

import os
import subprocess
import threading
import time

import pytest
from conftest import (HERE, changes, close_lab, flows, installed, make_lab,
                      wait_aged)
from test_app_workers import problems
from test_live_apps import verify

from vmnlab.netns import wait_for
from vmnlab.traffic import Pinger

TOP = os.path.join(HERE, "../..")
RATE = 200                      # Pings a second, each way.

ENDED = "its worker was ended by signal %d"
FORBIDDEN = "its worker made system call "
MEMORY = "bad-lua.lua: used more than 64 MiB of memory"
# Whichever comes first on this machine.
TOO_LONG = ("more than 1000 ms of processor time", "more than 10000 ms")
TOO_MUCH = ("memory", "more than 64 MiB", *TOO_LONG)
FOREIGN = {
    "relation": 'publishes to "firewall.members", a relation of app firewall',
    "pool": 'asks for an ID of pool "firewall.identity", one of app firewall',
    "register": "writes register 12, which is not among its scratch registers",
    "zone": "writes register 5 (VMN_REG_ZONE), which is the pipeline's",
}

# Each misdeed: the label that has it done, its value, and a part of what is
# said, or several of which one is.
C = [
    ("do", "null", ENDED % 11), ("do", "abort", ENDED % 6),
    ("do", "exit", "its worker ended with status 0"),
    ("do", "stack", ENDED % 11),
    ("do", "loop", TOO_LONG),
    # It writes to what malloc() has not given it.
    ("do", "memory", (*TOO_MUCH, ENDED % 11)),
    ("do", "clock", "reads no clock"),
    ("do", "processor-clock", "reads no clock"),
    ("do", "random", ("getrandom", FORBIDDEN)),
    ("do", "file", "opens no file"),
    ("do", "raw-file", FORBIDDEN + "openat ("),
    ("do", "raw-socket", FORBIDDEN + "socket ("),
    ("do", "catch", FORBIDDEN + "rt_sigaction ("),
    ("do", "socket", "has no network"),
    ("do", "thread", ""), ("do", "fork", "starts no process"),
    ("do", "kill", "sends no signal"), ("do", "sleep", ""),
    ("do", "fail", "network victim says so"),
    ("flows", "1000000", TOO_MUCH),
] + [("use", *case) for case in FOREIGN.items()]
LUA = [("do", *case) for case in [
    ("error", "for a reason"), ("table-error", "no text"),
    ("nil", "attempt to index a nil value"), ("loop", "more than"),
    ("memory", MEMORY), ("much", MEMORY), ("more", "too large"),
    ("elements", MEMORY), ("stack", " more than "), ("os", "os"),
    ("io", "io"), ("require", "require"), ("load", "load"),
    ("random", "random"), ("pcall", "pcall"), ("address", ""),
    ("coroutine", "coroutine"), ("global", "count"), ("local", "kept"),
    ("element", ""), ("deep", ""), ("insert", ""), ("library", ""),
    ("row", ""), ("field", "mtus"), ("stage", "bda"),
    ("priority", "priority"), ("match", "tcp_dest"),
    ("fail", "network victim says so")]] + [
    ("flows", "1000000", TOO_MUCH)] + [
    ("do", *case) for case in FOREIGN.items()]


def make_apps(folder):
    """Files of the apps, bad-c and bad-lua, which look at labels of their own:
    "bad-c/do" and so on."""
    with open(TOP + "/tests/unit/bad-app.c", encoding="utf-8") as file:
        text = file.read()
    for label in "do", "use", "flows":
        text = text.replace('network, "%s"' % label,
                            'network, "bad-c/%s"' % label)
    text = text.replace('.name = "bad-deeds", .singular = "bad-deed"',
                        '.name = "bad-c-deeds", .singular = "bad-c-deed"')
    source = folder / "bad-c.c"
    source.write_text(text.replace('.name = "bad",\n    .description',
                                   '.name = "bad-c",\n    .description'))
    module = folder / "bad-c.so"
    subprocess.run(["gcc", "-std=gnu11", "-Wno-infinite-recursion", "-O1",
                    "-fPIC", "-shared", "-pthread", "-I" + TOP + "/include",
                    "-I" + TOP + "/tests/unit", "-o", module, source],
                   check=True)
    with open(TOP + "/tests/unit/bad-app.lua", encoding="utf-8") as file:
        text = file.read()
    text = text.replace('labels["do"]', 'labels["bad-lua/do"]').replace(
        "labels.flows", 'labels["bad-lua/flows"]')
    script = folder / "bad-lua.lua"
    script.write_text(text.replace('name = "bad",\n    description',
                                   'name = "bad-lua",\n    description'))
    return [str(module), str(script)]


@pytest.fixture(scope="module", name="lab")
def _lab(tmp_path_factory):
    lab = make_lab("misdeeds", 2, apps=make_apps(
        tmp_path_factory.mktemp("apps")) + [
            TOP + "/apps/example/mailguard.lua"])
    # A switch that takes in very many flows looks at no packet for a while.
    for host in lab.hosts:
        host.deepen_sockets()
    yield lab
    close_lab(lab)


class Api(threading.Thread):
    """Asks the API all the time, as a dashboard would."""

    def __init__(self, lab):
        super().__init__(daemon=True)
        self.lab = lab
        self.stopped = False
        self.slowest = 0.0
        self.n = 0
        self.start()

    def run(self):
        while not self.stopped:
            start = time.monotonic()
            self.lab.vmnd.api.get("networks/net")
            self.slowest = max(self.slowest, time.monotonic() - start)
            self.n += 1
            time.sleep(0.02)

    def stop(self):
        self.stopped = True
        self.join()


def has_sanitizers(lab):
    with open("/proc/%d/maps" % lab.vmnd.pid(), encoding="ascii") as maps:
        return "libasan" in maps.read()


def sanitizers_do(lab):
    """What the sandbox of a worker that has sanitizers in it lets pass, since
    these need it (worker/worker-sandbox.c)."""
    return {"raw-file"} if has_sanitizers(lab) else set()


def resume(lab, app):
    subprocess.run(["ovs-appctl", "-t", lab.vmnd.unixctl, "apps/resume", app],
                   check=True)


def do(world, app, label, value, says):
    """Has it done, and undone, while another app's unit is computed."""
    lab, unit = world.lab, "%s.network/victim" % app
    before = {host.name: flows(host) for host in lab.hosts}
    world.patch("networks", "victim", labels={"%s/%s" % (app, label): value})
    wait_for("%s to fail by %s" % (app, value),
             lambda: unit in problems(lab), 60)
    found = problems(lab)
    assert list(found) == [unit], value
    for host in lab.hosts:
        assert changes(before[host.name], flows(host)) == [], value
    # Another app's unit, and a second one of this app.
    world.patch("ports", "two", labels={"mail": "yes"})
    world.patch("networks", "other", mtu=1300)
    world.patch("ports", "two", labels={"mail": None})
    world.patch("networks", "other", mtu=None)
    resume(lab, app)
    world.patch("networks", "victim", labels={"%s/%s" % (app, label): None})
    wait_for("all to be well", lambda: not problems(lab), 60)
    if isinstance(says, str):
        says = (says,)
    if set(TOO_MUCH) <= set(says) and has_sanitizers(lab):
        says += ("ended with status 1",)    # Their allocator ends it itself.
    return ([] if any(text in found[unit] for text in says)
            else [(value, found[unit])])


@pytest.mark.parametrize("app, deeds", [("bad-c", C), ("bad-lua", LUA)])
def test_whatever_an_app_does_wrong(lab, world, app, deeds):
    unexpected = []
    for i, name in enumerate(("net", "victim", "other")):
        world.network(name, "10.%d.0.0/24" % i)
    one = world.vm("one", "net", "h1", "10.0.0.1")
    two = world.vm("two", "net", "h2", "10.0.0.2")
    world.vm("there", "victim", "h1", "10.1.0.1")
    wait_aged(lab)
    api = Api(lab)
    with Pinger(one, two.ip, RATE) as there, Pinger(two, one.ip, RATE) as back:
        for deed in deeds:
            if deed[1] in sanitizers_do(lab):
                continue
            unexpected += do(world, app, *deed)
    api.stop()
    print("%s: %d answers of the API, the slowest after %.0f ms"
          % (app, api.n, api.slowest * 1000))
    assert there.lost() == back.lost() == []
    assert not unexpected, "\n".join(map(str, unexpected))
    verify(lab)


def test_very_many_flows_come_and_go(lab, world):
    """A hundred thousand of a unit's."""
    world.network("net", "10.0.0.0/24")
    world.network("victim", "10.1.0.0/24")
    one = world.vm("one", "net", "h1", "10.0.0.1")
    two = world.vm("two", "net", "h2", "10.0.0.2")
    world.vm("there", "victim", "h1", "10.1.0.1")
    stage = lab.vmnd.api.get("apps/bad-c")["status"]["stages"][0]

    def n_flows():
        return sum(flow.table == stage["first_table"]
                   for flow in flows(lab.host("h1")).values())
    before = n_flows()
    with Pinger(one, two.ip, RATE) as there, Pinger(two, one.ip, RATE) as back:
        installed(lab.vmnd.api.patch(
            "networks/victim", {"labels": {"bad-c/flows": "100000"}},
            wait="installed", timeout="120s"))
        assert not problems(lab), problems(lab)
        assert n_flows() == before + 99999
        assert not problems(lab)
        installed(lab.vmnd.api.patch(
            "networks/victim", {"labels": {"bad-c/flows": None}},
            wait="installed", timeout="120s"))
        assert n_flows() == before
    assert there.lost() == back.lost() == []
    verify(lab)
