# SPDX-License-Identifier: Apache-2.0
"""A wall clock that is wrong, and jumps while vmnd runs: what is shown is
wrong, and nothing else."""

import datetime

import pytest
from conftest import (World, changes, check_log, close_lab, entry, flows,
                      make_lab, rule, wait_aged)
from faults import Faults, build
from test_health import becomes, balancer, http, serve, stays

DAY = 86400


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("clock", 2)
    yield lab
    close_lab(lab)


@pytest.fixture
def shift(lab, tmp_path):
    """Sets how many seconds vmnd's wall clock is off."""
    faults = Faults(build(tmp_path), tmp_path / "faults")
    assert lab.vmnd.stop() == 0
    lab.vmnd.start(faults.prefix)
    lab.await_synced()
    yield faults.shift_clock
    assert lab.vmnd.stop() == 0
    lab.vmnd.start()
    lab.await_synced()


@pytest.fixture
def world(lab, shift):      # pylint: disable=unused-argument
    world = World(lab)
    world.webs = []
    yield world
    for web in world.webs:
        web.close()
    world.close()
    check_log(lab.vmnd)


def days_off(world):
    """By how many days the newest revision's time is off."""
    newest = world.api.get("status")["revision"]
    then = datetime.datetime.fromisoformat(
        world.api.get("revisions/%d" % newest)["time"].replace(
            "Z", "+00:00"))
    now = datetime.datetime.now(datetime.timezone.utc)
    return round((then - now).total_seconds() / DAY)


def test_clock_that_jumps_changes_no_flow_and_takes_nobody_out(world, shift):
    world.network("net")
    serve(world, "w1", "h1", "10.0.0.11")
    cli = world.vm("cli", "net", "h2", tcp=[90], labels={"role": "cli"})
    # The server is a thread of this program, which may be slow itself.
    balancer(world, health=http(interval_ms=1000, timeout_ms=1000))
    becomes(world, "w1", "up")
    world.group("cli", "role=cli")
    wait_aged(world.lab)
    before = {h.name: flows(h) for h in world.lab.hosts}
    for days in (1, -30, 300, 0):
        shift(days * DAY)
        stays(world, ["w1"])
        for host in world.lab.hosts:
            assert world.lab.host_state(host) == "synced"
            assert not changes(before[host.name], flows(host))
        # Changes go through, and say the time that it is taken to be.
        world.policy("p", "cli", rule("ingress", "deny",
                                      services=[entry("tcp", 90)]))
        assert days_off(world) == days
        assert world.blocked(world.lab.vm("w1"), cli, 90)
        world.delete("policies", "p")
        assert world.reaches(world.lab.vm("w1"), cli, 90)
        wait_aged(world.lab)
        before = {h.name: flows(h) for h in world.lab.hosts}
    metrics = world.api.metrics()
    assert metrics["vmn_openflow_sessions"] == 2
    assert metrics["vmn_openflow_sessions_opened_total"] == 2
