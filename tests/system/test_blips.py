# SPDX-License-Identifier: Apache-2.0
"""Breaks of the management network: what they must not do to balancers, whose
backends are probed over it, and what a host that is really gone does."""

import contextlib
import time

import pytest
from conftest import (World, changes, check_log, close_lab, flows, make_lab,
                      wait_aged, wait_quiet)
from test_health import PORT, backends, becomes, http, serve
from vmnlab import traffic
from vmnlab.netns import wait_for

VIP = "10.0.0.100"
KEPT = "its host is not connected: it keeps its state"


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("blips", 2)
    yield lab
    close_lab(lab)


@pytest.fixture
def shop(lab):
    """Two web servers, each on a host, behind a balancer, and a client on
    either host."""
    world = World(lab)
    world.webs = []
    world.network("net", "10.0.0.0/24")
    for i in (1, 2):
        serve(world, "w%d" % i, "h%d" % i, "10.0.0.1%d" % i, tcp=[90])
        world.vm("c%d" % i, "net", "h%d" % i, "10.0.0.%d" % i)
    yield world
    for web in world.webs:
        web.close()
    world.close()
    check_log(lab.vmnd)


# The servers are threads of this program: a busy machine may well leave them
# no processor for as long as most tests wait for a probe.
CALM = {"interval_ms": 1000, "timeout_ms": 1000}


def balanced(world, **more):
    world.put("loadbalancers", "lb", vip=VIP, networks=["net"],
              ports=[{"port": 80, "target": 90}], selector="role=web",
              health=http(port=PORT, **CALM), **more)
    for name in ("w1", "w2"):
        becomes(world, name, "up")
    wait_for("both to serve", lambda: all(
        b["serving"] for b in backends(world).values()), 10)
    wait_quiet(world.lab)
    for client in ("c1", "c2"):
        assert world.answers(world.lab.vm(client), VIP)


@contextlib.contextmanager
def cut(world, name, silent=False):
    """The host's control link is cut, not its underlay."""
    host = world.lab.host(name)
    host.cut(silent=silent)
    try:
        yield
    finally:
        host.heal()
        world.lab.await_synced([host], seconds=90)


def health(world, name):
    return backends(world)[name].get("health", {})


def served(world, client, n=12):
    """Who answers new connections by the VIP; None among them: nobody."""
    return {traffic.ask(world.lab.vm(client), VIP, 80, "tcp", 5)
            for _ in range(n)}


def assert_all_served(world, n=12):
    """New connections by the VIP go to both backends, from either host: none
    is refused.  Of a dozen all may go to one of them, once in two thousand
    times."""
    for client in ("c1", "c2"):
        found = served(world, client, n)
        for _ in range(4):
            if len(found) < 2:
                found |= served(world, client, n)
        assert found == {"w1", "w2"}


@pytest.mark.parametrize("silent", [False, True], ids=["noticed", "silent"])
def test_cut_of_the_control_link_takes_no_backend_out(shop, silent):
    """As long as probes would have taken many times over, connections are
    served by both, and no flow changes anywhere."""
    balanced(shop)
    assert_all_served(shop)
    wait_aged(shop.lab)
    before = {h.name: flows(h) for h in shop.lab.hosts}
    failed = health(shop, "w2")["failed"]
    with cut(shop, "h2", silent):
        wait_for("it to be told", lambda: "keeps its state" in health(
            shop, "w2").get("reason", ""), 30)
        kept = backends(shop)["w2"]
        assert kept["serving"] and kept["kept"]
        assert kept["kept_until"] > kept["health"]["checked"]
        assert "is kept until " + kept["kept_until"][:16] in kept["reason"]
        assert "kept" not in backends(shop)["w1"]
        n = health(shop, "w1")["ok"]
        # Each of these is an interval in which w2 would have been probed.
        wait_for("probes of the other", lambda: health(
            shop, "w1")["ok"] >= n + 10, 30)
        assert health(shop, "w2")["state"] == "up"
        assert health(shop, "w2")["failed"] == failed
        assert_all_served(shop)
        for host in shop.lab.hosts:
            assert not changes(before[host.name], flows(host))
    n = health(shop, "w2")["ok"]
    wait_for("probes again", lambda: health(shop, "w2")["ok"] >= n + 3, 30)
    assert health(shop, "w2")["state"] == "up"
    assert "reason" not in health(shop, "w2")
    assert not health(shop, "w2")["history"][1:]


def test_short_break_counts_no_failure(shop):
    """Shorter than it takes to notice that the host is away."""
    balanced(shop)
    host = shop.lab.host("h2")
    failed = health(shop, "w2")["failed"]
    host.cut(silent=True)
    wait_for("it to be told", lambda: health(shop, "w2").get("reason") ==
             "its host is not heard: it keeps its state", 30)
    host.heal()
    n = health(shop, "w2")["ok"]
    wait_for("probes again", lambda: health(shop, "w2")["ok"] >= n + 3, 60)
    assert health(shop, "w2")["failed"] == failed
    assert health(shop, "w2")["state"] == "up"
    shop.lab.await_synced()


@pytest.mark.parametrize("silent", [False, True], ids=["noticed", "silent"])
def test_host_that_does_not_come_back_is_out_after_its_time(shop, silent):
    balanced(shop, unheard_seconds=4)
    began = time.monotonic()        # Its time may run before cut() returns.
    with cut(shop, "h2", silent):
        wait_for("w2 to be out", lambda: not backends(shop)["w2"]["serving"],
                 30)
        # And not after the 60 s that it has if nothing is said.
        assert time.monotonic() - began > 3
        assert health(shop, "w2")["reason"] in (
            "its host is not connected", "its host is not heard")
        assert health(shop, "w1")["state"] == "up"
        wait_for("w1 alone to serve", lambda: served(shop, "c1") == {"w1"},
                 20)
    becomes(shop, "w2", "up", seconds=30)


def test_dead_switch_is_not_waited_for(shop):
    """The host's database shows that the link is there.  By the time alone it
    would take ten minutes."""
    balanced(shop, unheard_seconds=600)
    host = shop.lab.host("h2")
    host.stop_switch(0)
    try:
        becomes(shop, "w2", "down", "its host's switch does not run", 30)
        assert health(shop, "w1")["state"] == "up"
    finally:
        host.start()
    becomes(shop, "w2", "up", seconds=30)
    shop.lab.await_synced()


def test_hypervisor_that_is_switched_off_is_out_after_its_time(shop):
    """Neither its database nor its switch is there any more."""
    balanced(shop, unheard_seconds=3)
    host = shop.lab.host("h2")
    host.stop()
    try:
        becomes(shop, "w2", "down", seconds=30)
        wait_for("w1 alone to serve", lambda: served(shop, "c1") == {"w1"},
                 20)
    finally:
        host.start()
    becomes(shop, "w2", "up", seconds=30)
    shop.lab.await_synced()


def test_vmnd_that_starts_during_a_cut_waits_as_well(shop):
    """Its start counts as when the host was heard last."""
    balanced(shop)
    shop.lab.vmnd.stop()
    host = shop.lab.host("h2")
    host.cut()
    try:
        shop.lab.vmnd.start()
        wait_for("probes of the other", lambda: health(
            shop, "w1").get("ok", 0) >= 5, 30)
        wait_for("it to be told", lambda: health(shop, "w2").get(
            "reason") == KEPT, 30)
        assert health(shop, "w2")["state"] == "up"
        assert_all_served(shop)
    finally:
        host.heal()
    shop.lab.await_synced()
