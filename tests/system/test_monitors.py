# SPDX-License-Identifier: Apache-2.0
"""Whether guests answer (docs/apps/monitors.md), and what else the status of a
port says of its guest: its link, addresses that it uses, leases, drops.  App
monitors, in a process of its own; real switches on two hosts."""

import datetime
import http.client
import json
import os
import re
import time

import pytest
from conftest import (World, assert_condition, assert_no_condition, check_log,
                      close_lab, flows, make_token_lab, rule)
from dhcp_guests import Dhclient, bare_vm
from inner import Inner
from test_events import Reader
from tenants import PORT
from test_live_apps import ctl

from vmnlab import frames, netns, traffic
from vmnlab.api import Refused
from vmnlab.netns import wait_for

APP = os.path.join(os.environ.get("VMN_APPDIR", "_build/normal/appdir"),
                   "monitors.so")
FAST = {"interval_ms": 1000, "timeout_ms": 1000, "unhealthy_after": 3}
# Who asks where there is no router.
ASKER, ASKER_MAC = "169.254.0.7", "0e:56:4d:ff:00:07"
DENY_ALL = [rule("ingress", "deny"), rule("egress", "deny")]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = make_token_lab("monitors", 2, tmp_path_factory.mktemp("api"), PORT)
    ctl(lab, "app", "load", APP, "--wait")
    yield lab
    close_lab(lab)


class Place(World):
    def status(self, port):
        return self.api.get("ports/" + port)["status"]

    def becomes(self, port, state, seconds=20):
        """Waits until the guest of 'port' is so, and returns what is said of
        it."""
        found = {}

        def is_so():
            found.update(now=self.status(port).get("monitor", {}))
            return found["now"].get("state") == state
        wait_for("%s to be %s" % (port, state), is_so, seconds)
        return found["now"]

    def seen(self, port):
        """The addresses that the guest uses; a switch that is busy does not
        say it at once."""
        return wait_for("addresses that are used", lambda: self.status(
            port).get("seen"), 20)

    def asked(self, port):
        """Waits until two more questions to the guest have ended."""
        def ended():
            m = self.status(port)["monitor"]
            return m["answered"] + m["unanswered"]
        first = ended()
        wait_for("%s to be asked twice" % port,
                 lambda: ended() >= first + 2, 20)
        return self.status(port)["monitor"]


@pytest.fixture
def world(lab):
    world = Place(lab)
    world.network("net", "10.0.0.0/24")
    world.group("all", "")
    yield world
    world.close()
    check_log(lab.vmnd)
    assert lab.vmnd.api.get("status")["problems"] == []


def sysctl(vm, name, value):
    with netns.inside(vm.ns):
        with open("/proc/sys/net/" + name.replace(".", "/"), "w") as out:
            out.write(str(value))


def be_silent(vm, silent=True):
    """Its kernel answers neither ARP nor pings."""
    sysctl(vm, "ipv4.conf.all.arp_ignore", 8 if silent else 0)
    sysctl(vm, "ipv4.icmp_echo_ignore_all", int(silent))


def seconds(text):
    return datetime.datetime.fromisoformat(
        text.replace("Z", "+00:00")).timestamp()


# Monitors.  ------------------------------------------------------------------

def test_a_guest_falls_silent_and_answers_again(world, lab):
    vm = world.vm("a", "net", "h1", "10.0.0.1")
    world.vm("b", "net", "h2", "10.0.0.2")
    world.put("monitors", "m", group="all", **FAST)
    m = world.becomes("a", "up")
    assert m["latency_us"] > 0 and m["since"] and "reason" not in m
    world.becomes("b", "up")
    wait_for("the monitor to know", lambda: world.api.get("monitors/m")[
        "status"].get("up") == 2)
    reader = Reader(lab.vmnd.socket, "?kinds=monitor&port=a")
    reader.take("start")
    be_silent(vm)
    m = world.becomes("a", "down")
    assert m["reason"] == "no answer" and "latency_us" not in m
    _, event = reader.take("monitor")
    assert (event["port"], event["network"], event["state"],
            event["reason"]) == ("a", "net", "down", "no answer")
    wait_for("the monitor to know", lambda: world.api.get("monitors/m")[
        "status"] .get("down") == ["a"])
    status = world.api.get("monitors/m")["status"]
    assert (status["ports"], status["up"]) == (2, 1)
    be_silent(vm, False)
    m = world.becomes("a", "up")
    assert [c["state"] for c in m["history"]][-3:] == ["up", "down", "up"]
    assert m["answered"] > 0 and m["unanswered"] >= 2
    assert reader.take("monitor")[1]["state"] == "up"
    reader.close()
    head, row = ctl(lab, "get", "ports", "a", "-o", "wide").splitlines()[:2]
    column = dict(zip(head.split(), row.split()))
    assert column["ANSWERS"] == "up" and column["LINK"] == "up"
    wait_for("both to be counted", lambda: monitored(world) == {
        "up": 2, "down": 0, "unknown": 0})
    world.patch("monitors", "m", enabled=False)
    assert "monitor" not in world.status("a")


def monitored(world):
    """The metric: how many ports are in which state."""
    text = world.api.raw("GET", "/metrics")[2].decode()
    return {state: int(n) for state, n in re.findall(
        r'^vmn_ports_monitored\{state="(\w+)"\} (\d+)$', text, re.M)}


def test_what_a_guest_is_asked(world):
    """By ARP alone, addressed to it alone, from where nobody else is."""
    a = world.vm("a", "net", "h1", "10.0.0.1")
    b = world.vm("b", "net", "h1", "10.0.0.2")
    with frames.Capture(a.ns) as mine, frames.Capture(b.ns) as others:
        world.group("one", ports=["a"])
        world.put("monitors", "m", group="one", **FAST)
        world.becomes("a", "up")
        asked = [f for f in map(frames.parse, mine.read())
                 if f.get("sender_ip") == ASKER]
        assert asked
        assert {(f["operation"], f["dst"], f["src"], f["sender"],
                 f["target_ip"]) for f in asked} == {
            (1, a.mac, ASKER_MAC, ASKER_MAC, "10.0.0.1")}
        assert not [f for f in map(frames.parse, others.read())
                    if f.get("sender_ip") == ASKER]


@pytest.mark.parametrize("kind", ["arp", "ping"])
def test_no_policy_and_no_quarantine_is_in_the_way(world, kind):
    """It is asked all the same; and nobody else gets in by that."""
    a = world.vm("a", "net", "h1", "10.0.0.2", tcp=[80])
    b = world.vm("b", "net", "h1", "10.0.0.3")
    world.put("routers", "r", interfaces=[
        {"network": "net", "addresses": ["10.0.0.1"]}])
    world.policy("closed", "all", *DENY_ALL)
    world.group("one", ports=["a"])
    world.put("monitors", "m", group="one", type=kind, **FAST)
    world.becomes("a", "up")
    with frames.Capture(a.ns) as seen:
        # As from the router, with what a probe has, and as from itself.
        for source in ("10.0.0.1", "10.0.0.3"):
            frames.send(b, frames.ipv4(a.mac, b.mac, source, "10.0.0.2", 1,
                                       traffic.echo_request(513, 1)))
        frames.send(b, frames.arp(a.mac, b.mac, 1, b.mac, ASKER,
                                  "00:00:00:00:00:00", "10.0.0.2"))
        assert not traffic.ask(b, "10.0.0.2", 80)
        assert world.asked("a")["state"] == "up"
        assert not [f for f in map(frames.parse, seen.read())
                    if f["src"] == b.mac]
    world.put("quarantines", "q", ports=["a"])
    assert world.asked("a")["state"] == "up"
    be_silent(a)
    world.becomes("a", "down")


def test_another_guest_answers_in_its_place(world):
    """On the same host, with all that an answer has."""
    a = world.vm("a", "net", "h1", "10.0.0.1")
    b = world.vm("b", "net", "h1", "10.0.0.2")
    far = world.vm("far", "net", "h2", "10.0.0.3")
    be_silent(a)
    world.put("monitors", "m", group="all", **FAST)
    world.becomes("b", "up")
    with frames.Capture(a.ns) as asked:
        for _ in range(4):      # Each question of a probe or two.
            del asked.frames[:]
            assert asked.wait(lambda f: frames.parse(f).get("sender_ip")
                              == ASKER, 5)
            for vm in (b, far):
                for mac in (a.mac, vm.mac):
                    for sender in (a.mac, vm.mac):
                        frames.send(vm, frames.arp(
                            ASKER_MAC, mac, 2, sender, "10.0.0.1", ASKER_MAC,
                            ASKER))
        m = world.becomes("a", "down")
    assert m["answered"] == 0
    assert world.becomes("b", "up")


def test_ipv6_alone(world, lab):
    """Neighbour discovery, from the link and from a router."""
    world.network("six", "fd00::/64")
    vm = world.vm("a", "six", "h1", "fd00::2")
    world.put("monitors", "m", group="all", **FAST)
    world.becomes("a", "up")
    world.put("routers", "r", interfaces=[
        {"network": "six", "addresses": ["fd00::1"]}])
    assert world.asked("a")["state"] == "up"
    world.patch("monitors", "m", type="ping")
    assert world.asked("a")["state"] == "up"
    assert_no_condition(lab, "guests")
    vm.run("ip", "addr", "del", "fd00::2/64", "dev", "eth0")
    world.becomes("a", "down")
    assert_condition(lab, "guests", "guests of 1 monitored port do not answer")


def test_link_down_and_host_away(world, lab):
    vm = world.vm("a", "net", "h1", "10.0.0.1")
    world.put("monitors", "m", group="all", **FAST)
    world.becomes("a", "up")
    vm.run("ip", "link", "set", "eth0", "down")
    assert world.becomes("a", "down")["reason"] == "its link is down"
    assert world.status("a")["link"] == "down"
    assert world.status("a")["state"] == "down"
    vm.run("ip", "link", "set", "eth0", "up")
    world.becomes("a", "up")
    assert world.status("a")["link"] == "up"
    # Nobody can say how it is; it is not said to be down.
    reader = Reader(lab.vmnd.socket, "?kinds=monitor&port=a")
    reader.take("start")
    host = lab.host("h1")
    host.cut()
    try:
        m = world.becomes("a", "unknown")
        assert m["reason"] in ("its host is not connected",
                               "its host is not heard")
        assert "since" not in m
        assert monitored(world) == {"up": 0, "down": 0, "unknown": 1}
        assert reader.take("monitor")[1]["state"] == "unknown"
    finally:
        host.heal()
    lab.await_synced()
    world.becomes("a", "up", 40)
    # It was never said to be down.
    assert reader.take("monitor")[1]["state"] == "up"
    lab.unplug("a")
    assert reader.take("monitor")[1]["state"] == "unknown"
    reader.close()


def test_guest_is_not_down_since_its_switch_was(world, lab):
    """It was not asked, so nobody knows; and it is asked as soon as it can
    be, however long the interval."""
    world.vm("a", "net", "h1", "10.0.0.1")
    world.put("monitors", "m", group="all", interval_ms=600000)
    world.put("monitors", "l", group="all", **FAST)
    world.becomes("a", "up")
    world.delete("monitors", "l")
    world.becomes("a", "up")
    reader = Reader(lab.vmnd.socket, "?kinds=monitor&port=a")
    reader.take("start")
    host = lab.host("h1")
    host.stop_switch()
    try:
        world.becomes("a", "unknown")
        assert reader.take("monitor")[1]["state"] == "unknown"
    finally:
        host.start_switch()
    lab.await_synced()
    world.becomes("a", "up", 40)
    assert reader.take("monitor")[1]["state"] == "up"
    reader.close()


def test_a_port_that_cannot_be_pinged(world):
    world.vm("a", "net", "h1", "10.0.0.2")
    world.put("monitors", "m", group="all", type="ping", **FAST)
    problems = world.api.get("status")["problems"]
    assert ["port a is not pinged: no router has an address in its subnet, to "
            "which its guest would reply; use type arp"] == [
        p["detail"] for p in problems]
    assert "monitor" not in world.status("a")
    world.put("routers", "r", interfaces=[
        {"network": "net", "addresses": ["10.0.0.1"]}])
    world.becomes("a", "up")


def test_groups_inside_and_several_monitors(world):
    """A port has the first by name of those that its groups have."""
    world.vm("a", "net", "h1", "10.0.0.1", labels={"role": "web"})
    world.group("web", "role=web")
    world.group("outer", groups=["web"])
    world.put("monitors", "m2", group="web", **FAST)
    world.put("monitors", "m1", group="outer", **FAST)
    world.becomes("a", "up")
    wait_for("both to know", lambda: [
        world.api.get("monitors/" + m)["status"].get("ports")
        for m in ("m1", "m2")] == [1, 0])
    world.patch("ports", "a", labels={"role": None})
    assert "monitor" not in world.status("a")


def test_more_ports_than_are_asked(world):
    world.network("wide", "10.4.0.0/16")
    world.group("many", "many=yes")
    world.put("monitors", "m", group="many", **FAST)
    world.api.apply([
        {"type": "ports", "name": "many-%d" % i, "spec": {
            "network": "wide", "labels": {"many": "yes"}}}
        for i in range(2001)])
    wait_for("it to be told", lambda: [
        p["detail"] for p in world.api.get("status")["problems"]] == [
            "monitors have 2001 ports, of which 2000 are asked: the others "
            "have no \"monitor\" in their status"], 30)
    wait_for("the others to be asked", lambda: sum(
        monitored(world).values()) == 2000, 30)
    assert world.api.get("monitors/m")["status"]["ports"] == 2001
    # The one that had no place gets that of another.
    left_out = next("many-%d" % i for i in range(2001)
                    if "monitor" not in world.status("many-%d" % i))
    world.delete("ports", "many-0" if left_out != "many-0" else "many-1")
    wait_for("it to be asked", lambda: "monitor" in world.status(left_out),
             30)
    assert sum(monitored(world).values()) == 2000
    assert world.api.get("status")["problems"] == []


@pytest.mark.parametrize("spec, pointer", [
    ({"group": "nobody"}, "/spec/group"),
    ({}, "/spec/group"),
    ({"group": "all", "type": "smoke"}, "/spec/type"),
    ({"group": "all", "interval_ms": 999}, "/spec/interval_ms"),
    ({"group": "all", "timeout_ms": 99}, "/spec/timeout_ms"),
    ({"group": "all", "interval_ms": 1000, "timeout_ms": 1001},
     "/spec/timeout_ms"),
    ({"group": "all", "healthy_after": 0}, "/spec/healthy_after"),
    ({"group": "all", "unhealthy_after": 101}, "/spec/unhealthy_after"),
    ({"group": "all", "enabled": "yes"}, "/spec/enabled"),
    ({"group": "all", "often": True}, "/spec/often"),
])
def test_refused(world, spec, pointer):
    with pytest.raises(Refused) as refused:
        world.put("monitors", "m", **spec)
    assert [e["pointer"] for e in refused.value.problem["errors"]] == [pointer]


def test_a_start_of_vmnd_is_no_news(world, lab):
    """What was known stays known, with its time."""
    vm = world.vm("a", "net", "h1", "10.0.0.1")
    world.vm("b", "net", "h2", "10.0.0.2")
    world.put("monitors", "m", group="all", **FAST)
    world.becomes("a", "up")
    be_silent(vm)
    world.becomes("a", "down")
    world.becomes("b", "up")
    lab.vmnd.stop()
    stopped = time.time()
    lab.vmnd.start()
    lab.await_synced()
    reader = Reader(lab.vmnd.socket, "?kinds=monitor")
    reader.take("start")
    for port, state in (("a", "down"), ("b", "up")):
        assert seconds(world.becomes(port, state)["since"]) <= stopped
    world.asked("a")
    world.asked("b")
    reader.read(0.1)
    assert not reader.events
    reader.close()


def test_a_sub_port(world):
    """What is in a VM with a trunk is asked with its tag."""
    node = world.vm("node", "net", "h1", "10.0.0.1")
    world.network("blue", "10.1.0.0/24")
    world.put("ports", "pod", network="blue", parent="node", vlan=100,
              ips=["10.1.0.11"])
    world.lab.await_ports(["pod"])
    world.group("pods", ports=["pod"])
    world.put("monitors", "m", group="pods", **FAST)
    pod = Inner(node, "pod", "10.1.0.11/24", "fd00:1::11/64",
                mac=world.status("pod")["mac"]).tagged(100)
    try:
        world.becomes("pod", "up")
        assert "10.1.0.11" in [s["ip"] for s in world.seen("pod")]
    finally:
        pod.close()
    world.becomes("pod", "down")


def test_a_vm_that_moves(world):
    """It is asked where it is."""
    vm = world.vm("a", "net", "h1", "10.0.0.1")
    world.put("monitors", "m", group="all", **FAST)
    world.becomes("a", "up")
    world.lab.move("a", "h2")
    wait_for("the port to be on h2", lambda: world.status("a").get("host")
             == "h2" and world.status("a")["state"] == "up", 30)
    assert world.asked("a")["state"] == "up"
    be_silent(vm)
    world.becomes("a", "down")


def test_what_it_costs(world, lab):
    """Nothing without a monitor; with one a flow for each port, on its own
    host."""
    world.vm("a", "net", "h1", "10.0.0.1")
    world.vm("b", "net", "h2", "10.0.0.2")
    before = {host.name: flows(host) for host in lab.hosts}
    world.put("monitors", "m", group="all", **FAST)
    world.becomes("a", "up")
    world.becomes("b", "up")
    for host, ip in ((lab.host("h1"), "10.0.0.1"),
                     (lab.host("h2"), "10.0.0.2")):
        new = [f for key, f in flows(host).items()
               if key not in before[host.name]]
        assert len(new) == 1 and "arp_spa=" + ip in new[0].match, new
        # What others send does not come to it, whatever it says.
        assert "in_port=" in new[0].match
    world.delete("monitors", "m")
    for host in lab.hosts:
        assert set(flows(host)) == set(before[host.name])


# The rest of the status.  ----------------------------------------------------

def test_addresses_that_a_guest_uses(world):
    vm = world.vm("a", "net", "h1", ("10.0.0.1", "10.0.0.11"))
    world.vm("b", "net", "h1", "10.0.0.2", tcp=[80])
    assert vm.run("ping", "-c1", "-W2", "-I", "10.0.0.11", "10.0.0.2")
    wait_for("the address to be seen", lambda: "10.0.0.11" in [
        s["ip"] for s in world.status("a").get("seen", [])])
    seen = world.seen("a")
    assert seen[0]["packets"] > 0 and seen[0]["last"]
    # In a list it is not read.
    assert "seen" not in [p for p in world.api.get("ports")["items"]
                          if p["name"] == "a"][0]["status"]
    assert "10.0.0.12" not in [s["ip"] for s in seen]
    frames.send(vm, frames.ipv4("02:00:00:00:00:99", vm.mac, "10.0.0.12",
                                "10.0.0.2", 17, bytes(8)))
    wait_for("the drop to be told", lambda: [
        (d["reason"], d["direction"], d["samples"]) for d in world.status(
            "a").get("drops", [])] == [("spoofed", "sent", 1)], 30)
    assert "sent" not in [d["direction"] for d in world.status("b").get(
        "drops", [])]
    assert "10.0.0.12" not in [s["ip"] for s in world.seen("a")]


def test_leases(world, tmp_path):
    world.put("networks", "told", subnets=[
        {"cidr": "10.1.0.0/24", "dhcp": True},
        {"cidr": "fd01::/64", "dhcp": True}],
        dhcp_options={"lease_time": 3600})
    vm = bare_vm(world, "a", "told", "h1", ipv6=True)
    own4, own6 = sorted(vm.own)
    assert "leases" not in world.status("a")
    wait_for("the link-local address", lambda: "scope link" in vm.run(
        "ip", "-6", "addr", "show", "dev", "eth0", "-tentative"))
    with Dhclient(vm, tmp_path / "4", 4) as four, \
            Dhclient(vm, tmp_path / "6", 6) as six:
        four.wait("BOUND")
        six.wait("BOUND6")
        leases = world.status("a")["leases"]
    assert [lease["ip"] for lease in leases] == [own4, own6]
    for lease in leases:
        assert 3590 <= seconds(lease["until"]) - seconds(lease["given"]) \
            <= 3600
    # Another port of the name has none.
    world.lab.remove_vm("a")
    world.delete("ports", "a")
    world.put("ports", "a", network="told")
    assert "leases" not in world.status("a")


# Accounts with a scope.  -----------------------------------------------------

def test_a_scope(world, lab):
    """Who has a scope is told of his own ports' guests alone."""
    api = world.api
    for project in ("shop", "bank"):
        world.vm(project, "net", "h1",
                 "10.0.0.%d" % (1 if project == "shop" else 2),
                 labels={"project": project})
    world.put("accounts", "shop", role="viewer", scope="project=shop")
    secret = api.put("tokens/t", {"account": "shop"})["secret"]
    world.made.append(("tokens", "t"))
    world.put("monitors", "m", group="all", **FAST)
    world.becomes("shop", "up")
    world.becomes("bank", "up")

    def ask(target):
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=20)
        with netns.inside(lab.net_ns):
            connection.connect()
        connection.request("GET", target, headers={
            "Authorization": "Bearer " + secret})
        reply = connection.getresponse()
        return reply.status, reply.read().decode()

    status, text = ask("/v1/ports/shop")
    assert status == 200
    assert json.loads(text)["status"]["monitor"]["state"] == "up"
    assert ask("/v1/ports/bank")[0] == 404
    status, text = ask("/v1/events?kinds=monitor&follow=false&limit=1000")
    assert status == 200
    told = [json.loads(line[6:]) for line in text.splitlines()
            if line.startswith("data: {") and "network" in line]
    assert {event["port"] for event in told} == {"shop"}
    assert ask("/v1/monitors/m")[0] == 404
