# SPDX-License-Identifier: Apache-2.0
"""Migrations during which vmnd is killed, in states and at moments that
test_migration.py leaves out: it goes on with what it was, or it is over, and
then either finished or rolled back, and nothing is left behind.  The history
says which of both, and why."""

import contextlib
import os
import re
import signal
import subprocess

import pytest
from conftest import wait_quiet
from migrating import WAYS, both_ways, make_moving
from test_live_apps import ctl
from test_migration import (FROM_IT, TO_IT, all_flows, announce, finish,
                            goes_on, is_in, migration, prepare, status,
                            vmnd_killed, wait_activated)

from vmnlab.daemon import find
from vmnlab.netns import wait_for
from vmnlab.stream import WAY_S, Streams


@pytest.fixture
def moving(world):
    for twin in make_moving(world):
        yield world, twin


@contextlib.contextmanager
def frozen(host):
    """The host's switch does nothing meanwhile."""
    pids = host.pids("ovs-vswitchd")
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def last_end(world):
    """How its last migration has ended, as its history says."""
    text = ctl(world.lab, "history", "ports/mover")
    return re.findall(r"migration ((?:finished|rolled back): [^,\n]*)",
                      text)[-1]


def test_killed_while_it_is_prepared(moving):
    """A host that does not answer keeps it from being prepared, and vmnd is
    killed then.  The guest is served all the while by those that answer."""
    world, twin = moving
    lab, vm = world.lab, world.lab.vm
    links = ("eth0", "eth0"), ("eth0", "eth1")
    back = ("eth0", "eth0"), ("eth1", "eth0")
    both = "near to it", "it to near"
    with (Streams().add(both[0], vm("near"), vm("mover"), links=links)
          .add(both[1], vm("mover"), vm("near"), port=9010,
               links=back)) as streams:
        with frozen(lab.host("h3")):
            twin.plug()
            wait_for("it to be in preparation",
                     lambda: is_in(world, "preparing"))
            assert "1 of 3 hosts" in migration(world)["reason"]
            lab.vmnd.kill()
            lab.vmnd.start()
            wait_for("vmnd to know of it", lambda: migration(world))
            assert status(world)["host"] == "h1"
        wait_for("it to be prepared", lambda: is_in(world, "prepared"))
        wait_quiet(lab)
        announce(twin)
        streams.switch(both[1], 1)
        wait_activated(world)
        wait_quiet(lab)
        streams.arrive(*both)
        lab.unplug("mover")
        wait_for("its end", lambda: not migration(world))
        found = finish(streams, *both)
    assert status(world)["host"] == "h2"
    assert not found[both[1]].lost
    for stream in found.values():
        assert not stream.n_copies


@pytest.mark.parametrize("activated", [False, True], ids=["", "activated"])
def test_destination_goes_while_vmnd_is_away(moving, activated):
    world, twin = moving
    wait_quiet(world.lab)
    before = all_flows(world)
    with both_ways(world) as streams:
        prepare(world, twin)
        moved = back = streams.now()
        if activated:
            moved = goes_on(twin, streams)
            wait_activated(world)
            wait_quiet(world.lab)
            for way in FROM_IT:
                back = streams.switch(way, 0)
        streams.arrive(*WAYS)
        with vmnd_killed(world):
            twin.unplug()
        wait_for("the roll-back", lambda: not migration(world))
        wait_quiet(world.lab)
        found = finish(streams, *WAYS)
    assert status(world)["host"] == "h1"
    assert all_flows(world) == before
    assert not found["bad"].seen
    for way in FROM_IT:
        assert not found[way].lost, way
    for way in TO_IT:
        assert not found[way].missed(0, start=back + WAY_S), way
        if not activated:
            assert not found[way].missed(0, end=moved), way
    assert last_end(world) == "rolled back: h2 has dropped its interface"


def test_asked_for_and_not_activated_yet(moving):
    """Killed before the destination has its interface, and once more when it
    is prepared; the guest goes on there meanwhile."""
    world, twin = moving
    world.patch("ports", "mover", host="h1")
    ctl(world.lab, "migrate", "mover", "h2", "--wait")
    with both_ways(world) as streams:
        with vmnd_killed(world):
            twin.plug()
        wait_for("it to be prepared", lambda: is_in(world, "prepared"))
        assert world.api.get("ports/mover")["spec"]["migration"] == {
            "to": "h2"}
        assert status(world)["host"] == "h1"
        wait_quiet(world.lab)
        with vmnd_killed(world):
            moved = goes_on(twin, streams)
            streams.run(WAY_S)
        wait_activated(world)
        wait_quiet(world.lab)
        streams.arrive(*WAYS)
        world.lab.unplug("mover")
        wait_for("its end", lambda: not migration(world))
        ctl(world.lab, "migrate", "mover", "--finish", "--wait")
        found = finish(streams, *WAYS)
    assert status(world)["host"] == "h2"
    assert not found["bad"].seen
    for way in TO_IT:
        assert not found[way].missed(0, end=moved - WAY_S), way
    for way in FROM_IT:
        assert not found[way].lost, way
    assert last_end(world) == "finished: h1 has dropped its interface"


def test_killed_as_it_is_cancelled(moving):
    """It is cancelled, or it is not: then it can be."""
    world, twin = moving
    lab = world.lab
    world.patch("ports", "mover", host="h1")
    before = world.api.get("ports/mover")["spec"]
    ctl(lab, "migrate", "mover", "h2", "--wait")
    with both_ways(world) as streams:
        prepare(world, twin)
        moved = goes_on(twin, streams)
        wait_activated(world)
        wait_quiet(lab)
        for way in FROM_IT:
            back = streams.switch(way, 0)
        cancel = subprocess.Popen(
            [find("vmnctl"), "migrate", "mover", "--cancel", "--no-wait"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=dict(os.environ, VMNCTL_SERVER="unix:" + world.api.path))
        lab.vmnd.kill()
        cancel.communicate()
        lab.vmnd.start()
        lab.await_synced()
        if "migration" in world.api.get("ports/mover")["spec"]:
            wait_activated(world)
            ctl(lab, "migrate", "mover", "--cancel", "--wait")
        wait_for("the roll-back", lambda: not migration(world)
                 and status(world).get("host") == "h1")
        wait_quiet(lab)
        found = finish(streams, *WAYS)
    assert world.api.get("ports/mover")["spec"] == before
    assert status(world)["rejected_claims"] == ["h2"]
    assert not found["bad"].seen
    for way in FROM_IT:
        assert not found[way].missed(0, start=back + WAY_S), way
    for way in TO_IT:
        assert not found[way].missed(0, end=moved - WAY_S), way
        assert not found[way].missed(0, start=back + WAY_S), way
    assert last_end(world) == (
        "rolled back: the port does not name h2 any more")
