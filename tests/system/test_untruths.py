# SPDX-License-Identifier: Apache-2.0
"""What traces, statuses and exit codes say while a host is dead, a path is
down, or an app has failed (docs/api.md#traces, docs/handbook)."""

import json
import os
import re
import subprocess

import pytest
from app_lab import app_lab
from conftest import HERE, make_lab, vmnctl
from promises import PROMISE, PROMISES
from test_live_apps import ctl
from test_misdeeds import make_apps

from vmnlab import netns
from vmnlab.netns import wait_for

OUR_HOSTS = ("h1", "h2", "h3")
RESOLVER = "10.0.0.53"


@pytest.fixture(scope="module", name="lab")
def _lab(tmp_path_factory):
    apps = make_apps(tmp_path_factory.mktemp("apps"))
    with app_lab(make_lab("untruths", 3, apps=apps[:1]), "paths") as lab:
        yield lab


@pytest.fixture(name="shop")
def _shop(world):
    """A port on each host, and a balancer of the two on h2 and h3."""
    world.network("net", "10.0.0.0/24", dhcp_options={"dns": [RESOLVER]})
    for i, host in enumerate(OUR_HOSTS, 1):
        world.vm("p%d" % i, "net", host, "10.0.0.%d" % i)
    world.put("loadbalancers", "lb", vip="10.0.0.100", networks=["net"],
              ports=[{"port": 80}], backends=[{"port": "p2"}, {"port": "p3"}])
    return world


def trace(lab, *args):
    """The exit status, the text, and the reply of the API."""
    status, text = vmnctl(lab, "trace", *args)
    again, body = vmnctl(lab, "trace", *args, "-o", "json")
    assert again == status, body
    return status, text, json.loads(body)


def assert_unreachable(found, *words):
    status, text, body = found
    assert status == 1, text
    assert body["verdict"] == "unreachable", body
    [outcome] = body["outcomes"]
    assert outcome["verdict"] == outcome["at"]["kind"] == "unreachable"
    for word in words:
        assert word in outcome["at"]["reason"], outcome["at"]
        assert word in text, text
    assert "unreachable" in text


def become(lab, host, state):
    wait_for("%s to be %s" % (host, state), lambda: lab.vmnd.api.get(
        "hosts/" + host)["status"]["state"] == state, 60)


def test_a_dead_host_is_unreachable(lab, shop):
    """As destination, as source, as a backend's host, and on the way of the
    answer; reachability leaves its ports out."""
    assert trace(lab, "p1", "p2", "icmp", "--reply")[0] == 0
    h2 = lab.host("h2")
    h2.stop_switch(0)
    try:
        become(lab, "h2", "offline")
        for pair in ("p1", "p2"), ("p2", "p1"):
            assert_unreachable(trace(lab, *pair, "icmp"), 'host "h2"')
        assert_unreachable(trace(lab, "p1", "p2", "icmp", "--reply"),
                           'host "h2"')
        assert trace(lab, "p1", "p3", "icmp", "--reply")[0] == 0
        status, text, body = trace(lab, "p1", "lb", "tcp/80")
        assert (status, body["verdict"]) == (1, "mixed"), text
        assert {o["verdict"] for o in body["outcomes"]} == {
            "delivered", "unreachable"}
        matrix = shop.api.get("reachability", protocol="icmp")
        assert matrix["absent"] == ["p2"]
        assert any('host "h2"' in w for w in matrix["warnings"])
        status, text = vmnctl(lab, "trace", "p1", "p2", "icmp", "--live")
        assert status != 0 and "h2" in text, text
    finally:
        h2.start()
    lab.await_synced()
    wait_for("p2 to be up", lambda: shop.api.get("ports/p2")["status"][
        "state"] == "up", 30)
    assert trace(lab, "p1", "p2", "icmp", "--reply")[0] == 0


def test_a_port_without_a_link_is_unreachable(lab, shop):
    """A VM that is off, and whose interface stays."""
    vm = lab.vm("p2")
    netns.ip(vm.ns, "link set eth0 down")
    try:
        wait_for("p2 to be down", lambda: shop.api.get("ports/p2")["status"][
            "state"] == "down", 30)
        for pair in ("p1", "p2"), ("p2", "p1"):
            assert_unreachable(trace(lab, *pair, "icmp"), 'port "p2" is down')
    finally:
        netns.ip(vm.ns, "link set eth0 up")
    wait_for("p2 to be up", lambda: shop.api.get("ports/p2")["status"][
        "state"] == "up", 30)
    assert trace(lab, "p1", "p2", "icmp")[0] == 0


def test_a_lost_host_is_unreachable(lab, shop):
    h2 = lab.host("h2")
    h2.stop()
    try:
        become(lab, "h2", "offline")
        assert_unreachable(trace(lab, "p1", "p2", "icmp"), 'host "h2"')
        ctl(lab, "host", "lost", "h2", "--wait")
        become(lab, "h2", "lost")
        status, text = vmnctl(lab, "trace", "p1", "p2", "icmp")
        assert status != 0 and "delivered" not in text, text
        status, text = vmnctl(lab, "trace", "p2", "p1", "icmp")
        assert status != 0 and "delivered" not in text, text
    finally:
        h2.start()
        ctl(lab, "host", "found", "h2")
    lab.await_synced()


def test_trace_over_a_failed_path_is_unreachable(lab, shop):
    def state():
        paths = shop.api.get("paths", host="h1", peer="h2")["items"]
        return paths and paths[0]["state"]

    wait_for("the path to be up", lambda: state() == "up", 60)
    h1 = lab.host("h1")
    h1.ofctl("add-flow", "br-phys", "priority=9,ip,nw_dst=%s,actions=drop"
             % lab.host("h2").tunnel_ip)
    try:
        wait_for("the path to be down", lambda: state() == "down", 60)
        for pair in ("p1", "p2"), ("p2", "p1"):
            assert_unreachable(trace(lab, *pair, "icmp"), '"h1"', '"h2"',
                               "path")
        assert trace(lab, "p1", "p3", "icmp", "--reply")[0] == 0
        assert any("path" in w for w in shop.api.get(
            "reachability", protocol="icmp")["warnings"])
        status, text = vmnctl(lab, "trace", "p1", "p2", "icmp", "--live")
        assert status == 1 and "path between hosts" in text, text
        status, text = vmnctl(lab, "status")
        assert status == 1 and "degraded: paths\n" in text, text
        assert "path between hosts h1 and h2 is down" in text, text
    finally:
        h1.ofctl("del-flows", "br-phys", "ip")
    wait_for("the path to be up", lambda: state() == "up", 60)
    status, text = vmnctl(lab, "status")
    assert status == 0 and "Health:      ok\n" in text, text
    assert trace(lab, "p1", "p2", "icmp", "--reply")[0] == 0


def test_trace_by_a_dead_gateway(lab, world):
    """In both directions."""
    world.gateway("h1")
    world.vm("p2", "net", "h2", "10.0.0.2")
    world.put("floating-ips", "f", router="r", port="p2", ip="198.51.100.9")
    ways = [("p2", "outside", "icmp"), ("outside", "198.51.100.9", "icmp")]
    for way in ways:
        assert trace(lab, *way)[0] == 0
    h1 = lab.host("h1")
    h1.stop_switch(0)
    try:
        become(lab, "h1", "offline")
        for way in ways:
            status, text, body = trace(lab, *way)
            assert status == 1 and body["verdict"] != "delivered", text
            assert "h1" in text or "no gateway" in text, text
    finally:
        h1.start()
    lab.await_synced()


def test_packet_that_a_handler_forwards_is_delivered(lab, shop):
    """App dns has a look at queries, and passes on those that are not for
    it."""
    shop.put("dns-zones", "shop.test", networks=["net"])
    shop.vm("resolver", "net", "h2", RESOLVER)
    for more in (), ("--reply",):
        status, text, body = trace(lab, "p1", "resolver", "udp/53",
                                   "--payload", "no query", *more)
        assert status == 0, text
        assert body["verdict"] == "delivered"
        assert text.startswith("delivered to "), text


def test_repaired_drift(lab, shop):
    h1 = lab.host("h1")
    h1.ofctl("add-flow", "br-int", "table=3,priority=1,ip,actions=drop")
    assert vmnctl(lab, "flows", "h1", "--diff")[0] == 1
    ctl(lab, "flows", "h1", "--diff", "--repair")
    wait_for("h1 to be repaired",
             lambda: vmnctl(lab, "flows", "h1", "--diff")[0] == 0, 30)
    [line] = [ln for ln in ctl(lab, "hosts").splitlines()
              if ln.startswith("h1 ")]
    assert "1 unknown (repaired)" in line, line


def test_object_of_a_failed_app(lab, world):
    """Its status says so, and a change that is waited for fails; an app that
    is suspended is a problem."""
    net = {"type": "networks", "name": "victim", "spec": {
        "subnets": [{"cidr": "10.9.0.0/24"}]}}
    tries = []
    file = os.path.join(lab.dir, "victim.json")
    world.made.append(("networks", "victim"))

    def apply(deed, *more):
        net["spec"]["labels"] = {"bad-c/do": deed, "try": str(len(tries))}
        with open(file, "w", encoding="utf-8") as out:
            json.dump(net, out)
        return vmnctl(lab, "apply", "-f", file, *more)

    status, text = apply("fail")
    assert status == 0 and "networks/victim is not in effect" in text, text
    for deed in "fail", "abort":
        status, text = apply(deed, "--wait")
        assert status == 4, text
        assert "networks/victim is not in effect: app bad-c: " in text, text
        status, text = vmnctl(lab, "wait", "latest")
        assert status == 4 and "networks/victim is not in effect" in text, text
        failed = world.api.get("networks/victim")["status"]["failed"]
        assert (failed["app"], failed["unit"]) == (
            "bad-c", "bad-c.network/victim")
        assert "bad-c.network/victim" in ctl(lab, "describe", "network",
                                             "victim")
    def suspended():
        """After one more end, of another version of the object."""
        state = world.api.get("apps/bad-c")["status"]["worker"]["state"]
        if state == "running":
            tries.append(None)
            apply("abort")
        return state == "suspended"

    wait_for("the app to be suspended", suspended, 60)
    health = world.api.get("status")["health"]
    assert health["state"] == "degraded"
    [reason] = [r for r in health["reasons"] if r["reason"] == "app"]
    assert "app bad-c is suspended" in reason["detail"]
    status, text = vmnctl(lab, "status")
    assert status == 1 and "app bad-c is suspended" in text, text
    assert apply("none", "--wait")[0] == 4
    subprocess.run(["ovs-appctl", "-t", lab.vmnd.unixctl, "apps/resume",
                    "bad-c"], check=True, timeout=60)
    wait_for("the app to be back", lambda: world.api.get("status")["health"][
        "state"] == "ok", 60)
    status, text = apply("none", "--wait")
    assert status == 0, text
    assert "failed" not in world.api.get("networks/victim")["status"]


def test_object_of_a_disabled_app(lab, world):
    """Nor is that in effect."""
    world.network("net", "10.0.0.0/24")
    ctl(lab, "app", "load", HERE + "/../../apps/example/portguards.lua",
        "--wait")
    file = os.path.join(lab.dir, "guard.json")
    with open(file, "w", encoding="utf-8") as out:
        json.dump({"type": "portguards", "name": "mail", "spec": {
            "network": "net", "ports": [25], "mode": "shadow"}}, out)
    try:
        ctl(lab, "app", "disable", "portguards", "--wait")
        status, text = vmnctl(lab, "apply", "-f", file, "--wait")
        assert status == 4 and "portguards/mail is not in effect: app " \
            "portguards: app portguards is disabled" in text, text
        ctl(lab, "app", "enable", "portguards", "--wait")
        assert vmnctl(lab, "wait", "latest")[0] == 0
        assert vmnctl(lab, "apply", "-f", file, "--wait")[0] == 0
        ctl(lab, "delete", "portguards", "mail", "--wait")
    finally:
        ctl(lab, "app", "unload", "portguards", "--wait")


def test_unreachable_host(lab, shop):
    """A quarantine that it does not have ends with 4, and its receipt names
    the host."""
    h2 = lab.host("h2")
    h2.stop_switch(0)
    try:
        become(lab, "h2", "offline")
        status, text = vmnctl(lab, "quarantine", "p2", "--timeout", "300ms")
        assert status == 4 and re.search("^h2 .*offline", text, re.M), text
        [line] = [ln for ln in ctl(lab, "revision", "latest").splitlines()
                  if ln.startswith("h2 ")]
        assert "offline" in line
    finally:
        h2.start()
        vmnctl(lab, "release", "p2", "--no-wait")
    lab.await_synced()


def test_warnings_of_nothing(lab, world):
    """What has no effect is warned of where it is made."""
    world.put("networks", "net", subnets=[
        {"cidr": "10.0.0.0/24", "gateway": "10.0.0.254"}])
    world.put("networks", "out", provider={"physical": "none"}, subnets=[
        {"cidr": "198.51.100.0/24", "gateway": "198.51.100.254"}])
    file = os.path.join(lab.dir, "nothing.json")
    for kind, name, spec, said in (
            ("groups", "db", {"selector": "role=none"}, ""),
            ("policies", "db-in", {"applies_to": ["db"], "mode": "shadow",
                                   "rules": []},
             'warning: policies/db-in: .*group "db" has no ports'),
            ("loadbalancers", "none",
             {"vip": "10.0.0.9", "networks": ["net"],
              "ports": [{"port": 80}], "selector": "role=none"},
             "warning: loadbalancers/none: .*matches no port"),
            ("routers", "r", {"interfaces": [{"network": "net"}],
                              "external": {"network": "out",
                                           "addresses": ["198.51.100.1"],
                                           "gateways": [{"host": "h1"}]}},
             ""),
            ("ports", "open", {"network": "net"}, ""),
            ("floating-ips", "open", {"router": "r", "port": "open",
                                      "ip": "198.51.100.9"},
             "warning: loosens: floating-ip \"open\" opens .*")):
        world.made.append((kind, name))
        with open(file, "w", encoding="utf-8") as out:
            json.dump({"type": kind, "name": name, "spec": spec}, out)
        text = ctl(lab, "apply", "-f", file)
        assert re.search(said, text), text


def test_a_host_is_drained_once_nothing_is_left(lab, shop):
    try:
        status, text = vmnctl(lab, "host", "drain", "h3", "--wait",
                              "--timeout", "5s")
        assert status == 4 and "h3: 1 port is bound: p3" in text, text
        shop.delete("loadbalancers", "lb")
        lab.remove_vm("p3")
        assert ctl(lab, "host", "drain", "h3", "--wait").endswith(
            "h3 drained\n")
    finally:
        ctl(lab, "host", "undrain", "h3", "--wait")


def test_refused_capture_leaves_no_file(lab, shop, tmp_path):
    """App mirrors is not loaded.  A file that was there stays as it was."""
    for content in None, b"other":
        path = tmp_path / "a.pcapng"
        if content:
            path.write_bytes(content)
        status, text = vmnctl(lab, "capture", "p1", "-w", str(path))
        assert status == 1 and "app mirrors is not loaded" in text, text
        assert (path.read_bytes() if path.exists() else None) == content


def test_draft_counts_its_changes(lab, shop):
    """Objects that it puts as they are do not count."""
    file = os.path.join(lab.dir, "draft.json")
    objects = [{"type": o["type"], "name": o["name"], "spec": o["spec"]}
               for kind in ("networks", "ports", "loadbalancers")
               for o in shop.api.get(kind)["items"]]
    objects[-1]["spec"]["description"] = "another"
    with open(file, "w", encoding="utf-8") as out:
        json.dump({"objects": objects}, out)
    shop.made.append(("drafts", "one"))
    text = ctl(lab, "apply", "--draft", "one", "-f", file)
    assert "drafts/one created, 1 change\n" in text, text
    [line] = [ln for ln in ctl(lab, "draft", "list").splitlines()
              if ln.startswith("one ")]
    assert line.split()[1] == "1", line
    shown = ctl(lab, "draft", "show", "one")
    assert shown.count("put (unchanged)") == len(objects) - 1, shown


def test_show_of_certificates_names_a_file(tmp_path):
    """Each command of the documents is one that vmn-pki takes."""
    top = os.path.join(HERE, "../..")
    words = set()
    for folder, _, names in os.walk(os.path.join(top, "docs")):
        for name in names:
            if name.endswith(".md"):
                with open(os.path.join(folder, name),
                          encoding="utf-8") as text:
                    words |= set(re.findall(r"(?:vmn-)?pki show\b *([^ `\n]*)",
                                            text.read()))
    assert "FILE" in words and "" not in words, words

    (tmp_path / "made").mkdir()

    def pki(*args):
        return subprocess.run(
            [os.path.join(top, "deploy/pki"), *args], cwd=tmp_path, timeout=60,
            env=dict(os.environ, VMN_PKI="made"), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
    assert pki("init").returncode == pki("host", "h1").returncode == 0
    shown = pki("show", "made/h1.pem")
    assert shown.returncode == 0 and "CN = h1" in shown.stdout, shown
    assert re.search(r"(?m)^notAfter=.* GMT$", shown.stdout), shown
    assert pki("show").returncode == 2


# Promises.  ------------------------------------------------------------------

def promises(path):
    """Sentences of a page, and rows of its tables, that promise something."""
    with open(path, encoding="utf-8") as text:
        words = re.sub("```.*?```", "\n\n", text.read(), flags=re.S)
    for part in re.split(r"\n\s*\n|\n(?=[-*|#] ?)", words):
        part = " ".join(part.split())
        for sentence in ([part] if part.startswith("|") else
                         re.split(r"(?<=[.!?])\s+(?=[A-Z`])", part)):
            if re.search(PROMISE, sentence):
                yield sentence


def test_promises_have_tests():
    """Each sentence that promises something is in the table, and each entry
    of that is of a sentence and names a test that there is."""
    docs = os.path.join(HERE, "../../docs")
    pages = ["monitoring.md"] + [
        "handbook/" + name for name in sorted(os.listdir(docs + "/handbook"))
        if name.endswith(".md") and name != "alerts.md"]
    for page in pages:
        entries = PROMISES.get(page, {})
        used = set()
        for sentence in promises(os.path.join(docs, page)):
            of = {key for key in entries if key in sentence}
            assert of, (page, sentence)
            used |= of
        assert used == set(entries), (page, set(entries) - used)
    for entries in PROMISES.values():
        for test in entries.values():
            file, name = test.split("::")
            with open(os.path.join(HERE, file), encoding="utf-8") as source:
                assert re.search(r"^(def )?%s\(" % name, source.read(),
                                 re.M), test
