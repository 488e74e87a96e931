# SPDX-License-Identifier: Apache-2.0
"""A host dies that has a part in everything: a router's gateway, a backend of
a virtual IP, and one of two guests that share an address by VRRP.  Others take
its part by the rules of each; it is declared lost, and if it comes back, with
all that ran there, it has none of it until it is told to be found.  What a
lost host is for ports is in test_host_lost.py; how long all of it takes
tests/bench/host-loss measures."""

import pytest
from conftest import World, check_log, close_lab, flows, make_lab
from test_gateway import await_gateway, gateway
from test_host_drain import NEAR, serving, with_a_way_out
from test_live_apps import ctl
from test_vrrp import Keepalived

from vmnlab import traffic
from vmnlab.netns import wait_for

VIP = "10.0.1.200"
SHARED = "10.0.1.201"
# For how long a backend counts as up whose host is not heard.
UNHEARD_S = 5


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("dies", 3)
    yield lab
    close_lab(lab)


@pytest.fixture
def town(lab, tmp_path):
    """Of each service one part on h1 and one on h2; who uses them is on
    h3."""
    world = World(lab)
    with_a_way_out(world)
    user = world.vm("user", "a", "h3", ["10.0.1.11"])
    for i, host in enumerate(("h1", "h2"), 1):
        world.vm("b%d" % i, "a", host, ["10.0.1.2%d" % i], tcp=[80])
        world.vm("m%d" % i, "a", host, ["10.0.1.3%d" % i], tcp=[80],
                 allowed_addresses=[{"ip": SHARED}])
    world.put("loadbalancers", "lb", vip=VIP, networks=["a"],
              ports=[{"port": 80}], backends=[{"port": "b1"}, {"port": "b2"}],
              health={"type": "tcp"}, unheard_seconds=UNHEARD_S)
    # A master that comes back has been one all the time, and would say
    # nothing else.
    pair = [Keepalived(lab.vm("m%d" % i), 200 - 50 * i, tmp_path / str(i),
                       "garp_master_refresh 1", SHARED) for i in (1, 2)]
    yield world, user, pair
    for one in pair:
        one.kill("KILL")
    if not lab.host("h1").running():
        lab.host("h1").start()
    world.patch("hosts", "h1", lost=False)
    lab.await_synced()
    world.close()
    check_log(lab.vmnd)


def asked(user):
    return {traffic.ask(user, VIP, 80, "tcp", 5) for _ in range(20)}


def serves(user, name):
    return traffic.ask(user, SHARED, 80, "tcp", 5) == name


def others_serve(world, user, backends):
    """Whether all that h1 had a part in goes on without it."""
    return (gateway(world) == "h2" and world.answers(user, NEAR) == "near"
            and serves(user, "m2") and asked(user) == backends)


def test_all_of_it_goes_on_elsewhere(lab, town):
    world, user, pair = town
    h1 = lab.host("h1")
    wait_for("m1 to have the address", lambda: pair[0].holds()
             and not pair[1].holds() and serves(user, "m1"), 20)
    wait_for("both backends", lambda: serving(world) == ["b1", "b2"]
             and asked(user) == {"b1", "b2"}, 20)
    await_gateway(world, "h1")
    assert world.answers(user, NEAR) == "near"
    out = traffic.Connection(user, NEAR, 80)
    inside = []
    held = {"b1": [], "b2": []}
    # All of a dozen may go to one of them.
    while len(inside) < 12 or not (held["b1"] and held["b2"]):
        assert len(inside) < 60
        inside.append(traffic.Connection(user, VIP, 80))
        held[inside[-1].exchange(seconds=10).split()[0]].append(inside[-1])
    assert out.exchange(seconds=10)

    # It dies: each by its own rules.
    h1.stop()
    await_gateway(world, "h2")
    wait_for("m2 to have the address", lambda: serves(user, "m2"), 30)
    wait_for("b2 alone to serve", lambda: serving(world) == ["b2"], 30)
    assert others_serve(world, user, {"b2"})
    assert out.again() and all(h.again() for h in held["b2"])
    assert lab.port_state("b1") == lab.port_state("m1") == "unknown"

    # It is declared lost: its ports are free.
    said = ctl(lab, "host", "lost", "h1", "--wait")
    for name in ("b1", "m1"):
        assert "ports/%s" % name in said, said
    assert lab.port_state("b1") == lab.port_state("m1") == "unbound"
    lab.add_vm_of_port("b1", "h3", "b1new")
    world.own_vms.append("b1new")
    world.servers.tcp(lab.vm("b1new"), 80, "0.0.0.0")
    lab.await_ports(["b1"])
    wait_for("both backends", lambda: serving(world) == ["b1", "b2"], 30)
    assert others_serve(world, user, {"b1new", "b2"})
    assert out.again() and all(h.again() for h in held["b2"])

    # It is back, and all that ran there goes on: nobody hears of it.
    h1.start()
    wait_for("h1 to have no flow", lambda: world.api.get("hosts/h1")["status"]
             .get("reason", "").startswith("it is declared lost, and its "
                                           "switch is connected")
             and not flows(h1), 60)
    wait_for("m1 to take itself for the master", pair[0].holds, 30)
    wait_for("its claim to be told", lambda: world.api.get("ports/b1")[
        "status"].get("rejected_claims") == ["h1"], 30)
    assert lab.port_state("m1") == "unbound"
    assert others_serve(world, user, {"b1new", "b2"})
    assert out.again() and all(h.again() for h in held["b2"])

    # It is found: it has its part again, but for what is elsewhere by now.
    lab.unplug("b1")
    ctl(lab, "host", "found", "h1", "--wait")
    await_gateway(world, "h1")
    lab.await_ports(["m1", "b1"])
    assert world.api.get("ports/b1")["status"]["host"] == "h3"
    wait_for("m1 to have the address", lambda: serves(user, "m1")
             and not pair[1].holds(), 30)
    assert world.answers(user, NEAR) == "near"
    assert asked(user) == {"b1new", "b2"}
    assert out.again() and all(h.again() for h in held["b2"])
    for connection in [out, *inside]:
        connection.close()
