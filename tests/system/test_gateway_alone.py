# SPDX-License-Identifier: Apache-2.0
"""Gateways whose hosts die, and come back, while no vmnd runs, in both
families.  Where one that lives on fails is in test_gateway_failover.py."""

import contextlib

import pytest
from test_gateway import gateway
from test_gateway_failover import (  # noqa: F401 - shop is a fixture
    WAYS, both_ways, peer_ports, sessions_up, shop, wait_watched)

from vmnlab import traffic
from vmnlab.netns import wait_for


@contextlib.contextmanager
def alone(world, *names):
    """No vmnd runs; hosts 'names' are on again afterwards, and the first
    gateway serves."""
    lab = world.lab
    lab.vmnd.kill()
    try:
        yield [lab.host(name) for name in names]
    finally:
        for name in names:
            lab.host(name).start(transient=False)
        lab.vmnd.start()
    lab.await_ports(["a1", "a2", "a3"])
    lab.await_synced(seconds=60)
    wait_for("h1 to be the gateway", lambda: gateway(world) == "h1", 60)
    wait_watched(world)


@pytest.fixture
def held(world, shop):  # noqa: F811
    """Connections out and in, of both families, of the VM on h3."""
    assert gateway(world) == "h1" and both_ways(world, shop)
    with contextlib.ExitStack() as stack:
        held = []
        for near, floating in WAYS:
            for vm, ip in (("a3", near), ("near", floating)):
                held.append(traffic.Connection(shop[vm], ip, 80))
                stack.callback(held[-1].close)
        assert all(h.exchange(seconds=5) for h in held)
        yield held


def boot(host):
    """It is on again, and watches nobody: others do not see it, however long
    it takes until vmnd is there."""
    host.start(transient=False)
    assert peer_ports(host) == []


def test_gateway_dies_and_comes_back(world, shop, held):  # noqa: F811
    """The next one serves, what is open too; and goes on while the first one
    is there again, but has no flows."""
    h3 = world.lab.host("h3")
    with alone(world, "h1") as (h1,):
        h1.stop()
        assert all(h.exchange(seconds=20) for h in held)
        assert both_ways(world, shop) and both_ways(world, shop, "a2")
        boot(h1)
        assert all(h.exchange(seconds=20) for h in held)
        assert both_ways(world, shop) and both_ways(world, shop, "a2")
        assert sessions_up(h3) == 1
    assert both_ways(world, shop) and all(h.exchange(seconds=5) for h in held)


def test_standby_dies_and_comes_back(world, shop, held):  # noqa: F811
    """Nothing is to be seen of it."""
    h3 = world.lab.host("h3")
    with alone(world, "h2") as (h2,):
        h2.stop()
        wait_for("h3 not to see it", lambda: sessions_up(h3) == 1, 20)
        assert all(h.exchange(seconds=5) for h in held)
        assert both_ways(world, shop) and both_ways(world, shop, "a1")
        boot(h2)
        assert all(h.exchange(seconds=5) for h in held)
        assert both_ways(world, shop) and both_ways(world, shop, "a1")
        assert sessions_up(h3) == 1
    assert both_ways(world, shop) and all(h.exchange(seconds=5) for h in held)


def test_both_die_and_come_back(world, shop, held):  # noqa: F811
    """They have no flows, and so nobody serves, until vmnd is there; what was
    open goes on then."""
    h3 = world.lab.host("h3")
    with alone(world, "h1", "h2") as (h1, h2):
        h1.stop()
        h2.stop()
        wait_for("h3 to see nobody", lambda: sessions_up(h3) == 0, 20)
        boot(h1)
        boot(h2)
    assert both_ways(world, shop) and both_ways(world, shop, "a2")
    assert all(h.exchange(seconds=20) for h in held)
