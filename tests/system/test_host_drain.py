# SPDX-License-Identifier: Apache-2.0
"""A host in maintenance: gateways go elsewhere, backends drain, and what is
left is told."""

import datetime

import pytest
from conftest import World, check_log, close_lab, make_lab, wait_quiet
from test_gateway import await_gateway
from test_live_apps import ctl

from vmnlab import traffic
from vmnlab.api import Refused
from vmnlab.netns import wait_for

HOSTS = ("h1", "h2", "h3")
NEAR = "198.51.100.50"


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("drain", 3)
    yield lab
    close_lab(lab)


@pytest.fixture
def world(lab):
    world = World(lab)
    yield world
    for host in HOSTS:
        world.patch("hosts", host, maintenance=False)
    world.close()
    check_log(lab.vmnd)


def left(lab, host):
    return lab.vmnd.api.get("hosts/" + host)["status"].get("maintenance")


def with_a_way_out(world):
    """Router "r" of network "a": its gateway is h1, or else h2."""
    world.provider_hosts_are("h1", "h2")
    world.put("networks", "out", provider={"physical": "dc"}, mtu=1500,
              subnets=[{"cidr": "198.51.100.0/24",
                        "gateway": "198.51.100.1"}])
    world.put("networks", "a", subnets=[{"cidr": "10.0.1.0/24",
                                         "gateway": "10.0.1.1"}])
    world.put("routers", "r", interfaces=[{"network": "a"}], external={
        "network": "out", "addresses": ["198.51.100.10"],
        "gateways": [{"host": "h1", "priority": 1},
                     {"host": "h2", "priority": 2}]})
    world.outside("near", NEAR + "/24", tcp=[80])


def test_gateways_go_elsewhere(lab, world):
    """At once, and what is open goes on; from the last one none goes."""
    with_a_way_out(world)
    vm = world.vm("v", "a", "h3", ["10.0.1.11"])
    assert world.answers(vm, NEAR) == "near"
    await_gateway(world, "h1")
    held = traffic.Connection(vm, NEAR, 80)
    assert held.exchange(seconds=20)
    assert left(lab, "h1") is None

    said = ctl(lab, "host", "drain", "h1", "--wait")
    assert "hosts/h1 in maintenance" in said, said
    assert said.endswith("h1 drained\n"), said
    assert left(lab, "h1")["state"] == "drained"
    await_gateway(world, "h2")
    assert left(lab, "h1") == {"state": "drained", "routers": [], "ports": 0,
                               "port_names": [], "migrating": 0,
                               "migrating_names": [], "draining": 0}
    assert held.exchange(seconds=20)
    assert world.answers(vm, NEAR) == "near"
    wait_for("the gateways' states", lambda: [
        (g["state"], g.get("reason")) for g in
        world.api.get("routers/r")["status"]["gateways"]] == [
            ("standby", "it is in maintenance: others are preferred"),
            ("active", None)], 90)
    assert ctl(lab, "wait", "host/h1", "--for", "drained") == "h1 drained\n"

    # The other one, too: it stays, and by its priority the first is better.
    said = ctl(lab, "host", "drain", "h2", "--wait")
    await_gateway(world, "h1")
    wait_for("the router to be told of", lambda: left(
        lab, "h1")["routers"] == ["r"], 90)
    assert left(lab, "h2")["state"] == "drained"
    said = ctl(lab, "wait", "host/h1", "--for", "drained", "--timeout", "1s",
               status=4)
    assert "h1: still the gateway of r" in said, said
    assert held.exchange(seconds=20)
    ctl(lab, "host", "undrain", "h2", "--wait")
    await_gateway(world, "h2")

    # It is stored.
    lab.vmnd.kill()
    lab.vmnd.start()
    lab.await_ports(["v"])
    await_gateway(world, "h2")
    wait_quiet(lab)
    assert held.exchange(seconds=20)
    said = ctl(lab, "host", "undrain", "h1", "--wait")
    assert "hosts/h1 in service" in said, said
    await_gateway(world, "h1")
    assert left(lab, "h1") is None
    assert held.exchange(seconds=20)
    held.close()


def backends(world):
    return {b["port"]: b for b in
            world.api.get("loadbalancers/lb")["status"]["backends"]}


def serving(world):
    return sorted(n for n, b in backends(world).items() if b["serving"])


def api_time():
    """Now, as the API has it."""
    return datetime.datetime.now(datetime.timezone.utc).strftime(
        "%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def asked(client, n=20):
    return {traffic.ask(client, "10.0.0.100", 80, "tcp", 20)
            for _ in range(n)}


def test_backends_drain(lab, world):
    """By the balancer's own rules, while others serve."""
    world.network("net", "10.0.0.0/24")
    client = world.vm("client", "net", "h3")
    for i in (1, 2):
        world.vm("w%d" % i, "net", "h%d" % i, tcp=[80],
                 labels={"role": "web"})
    spec = {"vip": "10.0.0.100", "networks": ["net"], "selector": "role=web",
            "ports": [{"port": 80}]}
    world.put("loadbalancers", "lb", drain_seconds=300, **spec)
    wait_for("both", lambda: asked(client) == {"w1", "w2"}, 30)
    held = [traffic.Connection(client, "10.0.0.100", 80) for _ in range(16)]
    assert {h.exchange(seconds=20).split()[0] for h in held} == {"w1", "w2"}

    said = ctl(lab, "host", "drain", "h1")
    assert "h1: 1 port is bound: w1" in said, said
    # The app of balancers may be late.
    wait_for("the drain", lambda: left(lab, "h1")["draining"] == 1, 30)
    said = ctl(lab, "host", "drain", "h1")
    assert "h1: 1 backend drains" in said, said
    assert left(lab, "h1") == {"state": "draining", "routers": [], "ports": 1,
                               "port_names": ["w1"], "migrating": 0,
                               "migrating_names": [], "draining": 1}
    found = backends(world)["w1"]
    assert (found["state"], found["reason"]) == (
        "draining", "it is draining: its host is in maintenance")
    # A datapath may still choose by what it cached of the group before.
    world.revalidated()
    assert asked(client) == {"w2"}
    assert all(h.exchange(seconds=20) for h in held)

    # A restart does not end it.  Then its time is over.
    lab.vmnd.kill()
    lab.vmnd.start()
    lab.await_ports(["client", "w1", "w2"])
    wait_for("it to drain still",
             lambda: backends(world)["w1"]["state"] == "draining", 20)
    world.put("loadbalancers", "lb", drain_seconds=1, **spec)
    wait_for("it to be drained",
             lambda: backends(world)["w1"]["state"] == "drained", 30)
    wait_for("the host to say so", lambda: not left(lab, "h1")["draining"],
             30)
    assert left(lab, "h1")["state"] == "draining"
    said = ctl(lab, "wait", "hosts/h1", "--for", "drained", "--timeout", "1s",
               status=4)
    assert "h1: 1 port is bound: w1" in said, said

    # Its VM moves, and serves again.
    lab.move("w1", "h3")
    lab.await_ports(["w1"])
    wait_for("it to serve", lambda: serving(world) == ["w1", "w2"], 20)
    assert ctl(lab, "wait", "host/h1", "--for", "drained") == "h1 drained\n"
    wait_for("both", lambda: asked(client) == {"w1", "w2"}, 30)

    # The last ones go on: all of them, where none is better.
    world.patch("hosts", "h2", maintenance=True)
    assert serving(world) == ["w1"]
    world.patch("hosts", "h3", maintenance=True)
    assert serving(world) == ["w1", "w2"]
    wait_for("both", lambda: asked(client) == {"w1", "w2"}, 30)
    # But not who drains by request.
    said = ctl(lab, "drain", "lb", "w2", "--wait", status=5)
    assert "\nw2 drained: drain_seconds are over" in said, said
    assert serving(world) == ["w1"]
    ctl(lab, "undrain", "lb", "w2", "--wait")
    # Who is replaced later has all of its time from then on.
    world.put("loadbalancers", "lb", drain_seconds=300, **spec)
    began = api_time()
    world.patch("hosts", "h2", maintenance=False)
    assert serving(world) == ["w2"]
    wait_for("it to drain", lambda: backends(world)["w1"].get("drain"), 30)
    assert backends(world)["w1"]["drain"]["since"] >= began
    said = ctl(lab, "drain", "lb", "w2", "--wait", "--timeout", "2s",
               status=4)
    assert "\nw2 draining, no packet from clients since" in said, said
    said = ctl(lab, "wait", "lb/lb", "--for", "drained", "--timeout", "1s",
               status=4)
    assert "\nw2 draining" in said, said
    for h in held:
        h.close()


def test_vm_on_its_way_is_left(lab, world):
    """With its interface the host may have to run it at any moment: before it
    has come, and while it may still come back."""
    world.network("net", "10.0.0.0/24")
    world.vm("w1", "net", "h1")
    h2 = lab.host("h2")

    def is_left(host, n_ports, n_migrating):
        found = left(lab, host)
        return (found["ports"], found["migrating"], found["migrating_names"],
                found["state"]) == (
                    n_ports, n_migrating, ["w1"] * n_migrating,
                    "draining" if n_ports or n_migrating else "drained")

    ctl(lab, "host", "drain", "h2", "--wait")
    assert is_left("h2", 0, 0)
    h2.vsctl("add-port", "br-int", "next", "--", "set", "interface", "next",
             "type=internal", "external_ids:iface-id=w1")
    try:
        wait_for("it to be on its way", lambda: is_left("h2", 0, 1), 20)
        said = ctl(lab, "wait", "host/h2", "--for", "drained", "--timeout",
                   "1s", status=4)
        assert "h2: 1 port is migrating to or from it: w1" in said, said

        ctl(lab, "host", "undrain", "h2", "--wait")
        ctl(lab, "migrate", "w1", "h2")
        ctl(lab, "migrate", "w1", "--activate", "--wait")
        ctl(lab, "host", "drain", "h1")
        wait_for("it to be on h2", lambda: is_left("h1", 0, 1), 20)
        lab.unplug("w1")
        assert ctl(lab, "wait", "host/h1", "--for",
                   "drained") == "h1 drained\n"
        assert is_left("h1", 0, 0)
    finally:
        h2.vsctl("--if-exists", "del-port", "next")
        lab.replug("w1", "h1")


def test_standbys_and_local_backends(lab, world):
    """A standby that is the last one serves, wherever it is; and who may be
    reached on his own host alone has nobody else."""
    world.network("net", "10.0.0.0/24")
    client = world.vm("client", "net", "h1")
    for i in (1, 2):
        world.vm("w%d" % i, "net", "h%d" % i, tcp=[80])
    spec = {"vip": "10.0.0.100", "networks": ["net"], "ports": [{"port": 80}]}
    world.put("loadbalancers", "lb", backends=[
        {"port": "w1"}, {"port": "w2", "standby": True}], **spec)
    assert serving(world) == ["w1"]
    # The standby replaces whom it stands by for.
    world.patch("hosts", "h1", maintenance=True)
    assert serving(world) == ["w2"]
    world.patch("hosts", "h2", maintenance=True)
    assert serving(world) == ["w1"]
    world.patch("ports", "w1", enabled=False)
    assert serving(world) == ["w2"]
    wait_for("the standby", lambda: asked(client, 5) == {"w2"}, 30)
    world.patch("ports", "w1", enabled=True)
    world.patch("hosts", "h2", maintenance=False)

    world.put("loadbalancers", "lb", backends=[
        {"port": "w1"}, {"port": "w2"}], locality="require", **spec)
    assert serving(world) == ["w1", "w2"]
    wait_for("its own", lambda: asked(client, 5) == {"w1"}, 30)


def test_what_is_refused(lab, world):
    with pytest.raises(Refused) as said:
        world.api.call("PATCH", "/v1/hosts/h1",
                       {"spec": {"maintenance": "yes"}})
    assert "/spec/maintenance" in str(said.value)
    assert '"h9"' in ctl(lab, "host", "drain", "h9", status=1)
    assert "does not drain" in ctl(lab, "wait", "host/h1", "--for", "drained",
                                   status=1)
    assert "not found" in ctl(lab, "wait", "host/h9", "--for", "drained",
                              status=1)
    assert "must be join-command, drain, undrain, lost or found" in ctl(
        lab, "host", "rest", "h1", status=2)
    assert "changes nothing" in ctl(lab, "host", "join-command", "h1",
                                    "--dry-run", status=2)
    assert "--address" in ctl(lab, "host", "drain", "h1", "--address",
                              "192.0.2.1", status=2)
    assert "hosts and backends" in ctl(lab, "wait", "port/h1", "--for",
                                       "drained", status=2)
    ctl(lab, "host", "drain", "h1", "--dry-run")
    assert left(lab, "h1") is None
