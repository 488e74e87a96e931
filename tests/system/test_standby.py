# SPDX-License-Identifier: Apache-2.0
"""What would fail when it is needed is said before: a gateway that could not
stand in, and a router that has none left."""

import json
import re
import subprocess

import pytest
from conftest import World, close_lab, make_lab
from test_events import Reader
from vmnlab.daemon import find
from vmnlab.netns import wait_for

OUT = "198.51.100.%d"
NO_BRIDGE = ('host "h2" cannot be its gateway: it has no provider bridge to '
             'physical network "dc"')


def vmnctl(world, *args):
    return subprocess.run(
        [find("vmnctl"), "--server", "unix:" + world.lab.vmnd.socket, *args],
        capture_output=True, text=True, timeout=60)


@pytest.fixture(name="read")
def _read(module_lab):
    readers = []

    def begin(query=""):
        readers.append(Reader(module_lab.vmnd.socket, query))
        readers[-1].take("start")
        return readers[-1]

    yield begin
    for reader in readers:
        reader.close()


@pytest.fixture(name="net")
def _net(world):
    """Network "a" and external network "out"; h1 has a way to it, h2 none."""
    world.provider_hosts_are("h1")
    world.put("networks", "out", provider={"physical": "dc"}, mtu=1500,
              subnets=[{"cidr": OUT % 0 + "/24", "gateway": OUT % 1}])
    world.put("networks", "a", subnets=[
        {"cidr": "10.0.1.0/24", "gateway": "10.0.1.1"}])
    return world


def router(*hosts):
    return {"interfaces": [{"network": "a"}],
            "external": {"network": "out", "addresses": [OUT % 10],
                         "gateways": [{"host": host, "priority": n + 1}
                                      for n, host in enumerate(hosts)]}}


def status(world):
    return world.api.get("routers/r")["status"]


def gateways(world):
    return {g["host"]: g["state"] for g in status(world)["gateways"]}


def warnings(world, kind="routers"):
    return [w["text"] for w in world.api.get("status").get("warnings", [])
            if w.get("type") == kind]


def of_gateways(answer):
    """The warnings of a change, but those of what it opens."""
    return [w for w in answer["warnings"] if "loosens" not in w]


def metric(world, name):
    return world.api.metrics().get(name, 0)


def without_standby(world):
    return metric(world, 'vmn_router_without_standby{router="r"}')


def test_standby_that_could_not_stand_in_is_named(net):
    """In the reply, in the plan, in the router's status, by vmnctl status and
    as a metric; and no longer once it has the bridge."""
    world = net
    plan = world.api.call("PUT", "/v1/routers/r?dry_run=true",
                          {"spec": router("h1", "h2")})
    assert [w["text"] for w in of_gateways(plan)] == [NO_BRIDGE]
    reply = world.put("routers", "r", **router("h1", "h2"))
    assert [(w["pointer"], w["text"]) for w in of_gateways(reply)] == [
        ("/spec/external/gateways/1", NO_BRIDGE)]
    wait_for("h1 to be the gateway", lambda: status(world).get("gateway")
             == "h1", 20)
    told = status(world)
    assert "reason" not in told
    assert told["gateways"] == [
        {"host": "h1", "state": "active"},
        {"host": "h2", "state": "unable",
         "reason": 'it has no provider bridge to physical network "dc"'}]
    assert warnings(world) == [NO_BRIDGE]
    assert NO_BRIDGE in vmnctl(world, "status").stdout
    assert without_standby(world) == 1
    assert metric(world, "vmn_routers_without_standby") == 1

    world.provider_hosts_are("h2")
    wait_for("h2 to stand by", lambda: gateways(world)
             == {"h1": "active", "h2": "standby"}, 20)
    assert warnings(world) == []
    assert without_standby(world) == 0
    assert world.api.get("status")["health"] == {"state": "ok", "reasons": []}

    # A host that takes the bridge away is told which router that touches.
    reply = world.patch("hosts", "h2", provider_bridges=[])
    assert [(w["type"], w["name"], w["text"]) for w in reply["warnings"]] == [
        ("routers", "r", NO_BRIDGE)]


def test_bridge_that_the_host_does_not_have(net):
    """The row names it, and nobody has made it there."""
    world = net
    world.put_nowait("routers", "r", **router("h1", "h2"))
    world.api.patch("hosts/h2", {"provider_bridges": [
        {"physical": "dc", "bridge": "br-ghost"}]})
    world.provider_hosts.append("h2")
    wait_for("h2's fault", lambda: any(
        'has no bridge "br-ghost"' in text for text in warnings(world)), 20)
    assert gateways(world)["h2"] == "unable"


def test_dead_gateway_and_what_is_lost_with_it(net, read):
    """One host after the other is switched off: the next one is the gateway,
    then none is, with the reasons, and what nobody outside reaches."""
    world = net
    world.provider_hosts_are("h2")
    world.put("routers", "r", **router("h1", "h2"))
    world.put("ports", "web", network="a")
    world.put("floating-ips", "f", router="r", ip=OUT % 20, port="web")
    wait_for("h2 to stand by", lambda: gateways(world)
             == {"h1": "active", "h2": "standby"}, 20)
    reader = read("?kinds=gateway")
    world.lab.host("h1").stop()
    try:
        _, moved = reader.take("gateway", 60)
        assert (moved["router"], moved["state"], moved["host"],
                moved["before"]) == ("r", "active", "h2", "h1")
        assert gateways(world) == {"h1": "unable", "h2": "active"}
        wait_for("h1 to be warned of", lambda: any(
            text.startswith('host "h1" cannot be its gateway: ')
            for text in warnings(world)), 60)
        assert without_standby(world) == 1
        health = world.api.get("status")["health"]
        assert health["state"] == "degraded"
        assert {r["reason"]: r["detail"] for r in health["reasons"]}[
            "standby"] == "router r has no standby gateway"
        world.lab.host("h2").stop()
        _, lost = reader.take("gateway", 60)
        assert (lost["state"], lost["host"], lost["before"]) == (
            "lost", None, "h2")
        told = status(world)
        assert "gateway" not in told
        assert gateways(world) == {"h1": "unable", "h2": "unable"}
        for reason in (told["reason"], lost["reason"]):
            assert reason.startswith("no gateway can serve: h1: ")
            assert "; h2: " in reason
        named = [text for text in warnings(world)
                 if text.startswith("has no active gateway")]
        assert len(named) == 1
        assert "floating IP f (%s)" % (OUT % 20) in named[0]
        assert metric(world, 'vmn_router_without_gateway{router="r"}') == 1
        assert metric(world, 'vmn_health_reason{reason="gateways"}') == 1
        shown = vmnctl(world, "status")
        assert shown.returncode == 1
        assert re.search(r"^Health: +degraded: .*gateways", shown.stdout,
                         re.MULTILINE)
        listed = vmnctl(world, "get", "routers", "-o", "wide").stdout
        assert "no gateway can serve" in listed
        printed = vmnctl(world, "events", "--since", "5m",
                         "--kinds", "gateway").stdout
        assert "r moved to h2 from h1" in printed
        assert "r lost its gateway h2: no gateway can serve" in printed
    finally:
        for name in ("h1", "h2"):
            world.lab.host(name).start()
            world.lab.host(name).await_ready()
    _, back = reader.take("gateway", 60)
    assert (back["state"], back["before"]) == ("active", "h2")
    wait_for("both", lambda: gateways(world)
             == {"h1": "active", "h2": "standby"}, 60)
    assert "reason" not in status(world)


def test_gateway_whose_switch_is_dead_is_replaced(net, read):
    """Its database answers still: only the switch has ended."""
    world, h1 = net, net.lab.host("h1")
    world.provider_hosts_are("h2")
    world.put("routers", "r", **router("h1", "h2"))
    wait_for("h2 to stand by", lambda: gateways(world)
             == {"h1": "active", "h2": "standby"}, 20)
    reader = read("?kinds=gateway")
    h1.stop_switch(0)
    try:
        _, moved = reader.take("gateway", 60)
        assert (moved["state"], moved["host"], moved["before"]) == (
            "active", "h2", "h1")
        assert gateways(world) == {"h1": "unable", "h2": "active"}
        wait_for("h1 to be warned of", lambda: any(
            text.startswith('host "h1" cannot be its gateway: ')
            for text in warnings(world)), 60)
    finally:
        h1.start()
        h1.await_ready()
    _, back = reader.take("gateway", 60)
    assert (back["state"], back["host"], back["before"]) == (
        "active", "h1", "h2")
    wait_for("both", lambda: gateways(world)
             == {"h1": "active", "h2": "standby"}, 60)


def test_backends_that_nobody_hears_and_nothing_probes(net):
    """Once by the balancer's status, vmnctl status and a metric; a probed
    balancer takes them out by itself, and is not warned of."""
    world = net
    for name, host in (("w2", "h2"), ("w3", "h3")):
        world.vm(name, "a", host, tcp=[80], labels={"role": "web"})
    world.put("loadbalancers", "plain", vip="10.0.1.100", networks=["a"],
              ports=[{"port": 80}], selector="role=web")
    world.put("loadbalancers", "probed", vip="10.0.1.101", networks=["a"],
              ports=[{"port": 80}], selector="role=web",
              health={"type": "tcp", "port": 80})
    series = 'vmn_loadbalancer_unheard_backends{loadbalancer="%s"}'
    wait_for("all to serve", lambda: warnings(world, "loadbalancers") == [],
             20)
    host = world.lab.host("h3")
    host.stop()
    try:
        wait_for("h3 not to be heard", lambda: world.api.get(
            "loadbalancers/plain")["status"]["n_unknown"] == 1, 60)
        text = ("1 of its 2 backends is on hosts that are not heard (h3), and "
                "nothing probes it: new connections are still sent there")
        assert warnings(world, "loadbalancers") == [text]
        assert text in vmnctl(world, "status").stdout
        assert metric(world, series % "plain") == 1
        assert series % "probed" not in world.api.metrics()
    finally:
        host.start()
        host.await_ready()
    wait_for("it to be heard", lambda: not warnings(world, "loadbalancers"),
             60)
    assert series % "plain" not in world.api.metrics()


def test_host_that_was_never_seen():
    lab = make_lab("standby", 1)
    try:
        world = World(lab)
        world.api.put("hosts/ghost", {
            "ovsdb": "inbound", "tunnel_ip": "10.99.0.77",
            "provider_bridges": [{"physical": "dc", "bridge": "br-ex"}]})
        world.put_nowait("networks", "out", provider={"physical": "dc"},
                         subnets=[{"cidr": OUT % 0 + "/24",
                                   "gateway": OUT % 1}])
        world.put_nowait("networks", "a", subnets=[{"cidr": "10.0.1.0/24",
                                                "gateway": "10.0.1.1"}])
        reply = world.api.put("routers/r", router("ghost"))
        (only,) = of_gateways(reply)
        assert only["text"].startswith(
            'host "ghost" cannot be its gateway: it is offline')
        assert status(world)["reason"].startswith(
            "no gateway can serve: ghost: it is offline")
        assert json.loads(vmnctl(world, "get", "router", "r", "-o", "json")
                          .stdout)["status"]["gateways"][0]["state"] \
            == "unable"
        world.api.delete("routers/r")
        for what in ("networks/out", "networks/a", "hosts/ghost"):
            world.api.delete(what)
        world.close()
    finally:
        close_lab(lab)
