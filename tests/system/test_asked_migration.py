# SPDX-License-Identifier: Apache-2.0
"""Migrations that a port's row asks for (`migration`, `vmnctl migrate`): of a
port that names its host, and of one that does not.  What becomes of packets in
each state is told in test_migration.py, and here where the row decides."""

import pytest
from conftest import wait_quiet
from migrating import WAYS, beyond_end, both_ways, make_moving
from test_live_apps import ctl
from test_migration import (TOLD_APART_S, announce, check, finish, goes_on,
                            is_in, migration, prepare, status, wait_activated)

from vmnlab import frames
from vmnlab.api import Refused
from vmnlab.netns import wait_for
from vmnlab.stream import WAY_S


@pytest.fixture
def moving(world):
    for twin in make_moving(world):
        yield world, twin
    for host in ("h2", "h3"):
        world.patch("hosts", host, maintenance=False, lost=False)


def spec(world):
    return world.api.get("ports/mover")["spec"]


def migrate(world, *args, **more):
    return ctl(world.lab, "migrate", "mover", *args, **more)


def is_listened_to(world, host):
    """Whether vmnd gets what the guest sends by the host."""
    mac = world.lab.vm("mover").mac
    return [line for line in world.lab.host(host).ofctl(
        "dump-flows", "br-int", "table=0").splitlines()
        if "clone(" in line and "dl_src=" + mac in line]


def names_its_host(world):
    world.patch("ports", "mover", host="h1")


@pytest.mark.parametrize("pinned", [True, False], ids=["pinned", "free"])
def test_guest_activates_what_was_asked_for(moving, pinned):
    """By any packet of its own, and no other call until it is over."""
    world, twin = moving
    if pinned:
        names_its_host(world)
    before = spec(world)
    said = migrate(world, "h2", "--wait")
    assert "ports/mover is to migrate to h2" in said, said
    assert "unchanged" in migrate(world, "h2")
    assert spec(world)["migration"] == {"to": "h2"}
    assert not migration(world)
    with both_ways(world) as streams:
        prepare(world, twin)
        streams.run(2 * WAY_S)
        said = migrate(world, "--finish", status=1)
        assert "is not on h2 yet" in said, said
        moved = [streams.switch(way, 1) for way in WAYS if "it to" in way][0]
        wait_activated(world)
        wait_quiet(world.lab)
        streams.run(2 * WAY_S)
        gone = streams.arrive(*WAYS).now()
        world.lab.unplug("mover")
        wait_for("its end", lambda: not migration(world))
        wait_quiet(world.lab)
        said = migrate(world, "--cancel", status=1)
        assert "no other host has its interface" in said, said
        said = ctl(world.lab, "patch", "port", "mover", "--dry-run", "-p",
                   '{"spec": {"migration": null}}')
        assert pinned == ('loses its binding to host "h2": it is unbound '
                          'until host "h1"' in said), said
        said = migrate(world, "--finish", "--wait")
        assert "ports/mover has migrated" in said, said
        assert "is not to migrate" in migrate(world, "--finish")
        found = finish(streams, *WAYS)
    check(found, moved, gone)
    assert status(world)["host"] == "h2"
    assert spec(world) == dict(before, **{"host": "h2"} if pinned else {})


@pytest.mark.parametrize("pinned", [True, False], ids=["pinned", "free"])
def test_manager_says_that_it_runs_there(moving, pinned):
    """Before the guest says anything; what it sends is heard on both hosts
    meanwhile."""
    world, twin = moving
    if pinned:
        names_its_host(world)
    migrate(world, "h2")
    with both_ways(world) as streams:
        prepare(world, twin)
        streams.run(2 * WAY_S)
        said = migrate(world, "--activate", "--wait")
        assert "runs where it migrates to" in said, said
        wait_activated(world)
        assert "unchanged" in migrate(world, "--activate")
        wait_quiet(world.lab)
        world.revalidated()
        served = streams.now()
        for way in WAYS:
            if "it to" in way:
                streams.switch(way, 1)
        streams.run(0.3)
        gone = streams.arrive(*WAYS).now()
        world.lab.unplug("mover")
        wait_for("its end", lambda: not migration(world))
        migrate(world, "--finish", "--wait")
        wait_quiet(world.lab)
        found = finish(streams, *WAYS)
    assert status(world)["host"] == "h2"
    assert not found["bad"].seen
    for way in WAYS:
        assert not found[way].n_copies, way
        assert not beyond_end(way, found[way], found[way].lost, gone), way
        if "to it" in way:
            missed = found[way].missed(1, start=served + WAY_S)
            assert not beyond_end(way, found[way], missed, gone), way


@pytest.mark.parametrize("until", ["prepared", "activated", "told apart"])
def test_cancelled_migration_leaves_it_where_it_was(moving, until):
    """Though the target's interface is still there, it gets nothing.  Nor is
    the next one worse off because its guest went on at its old host."""
    world, twin = moving
    names_its_host(world)
    before = spec(world)
    migrate(world, "h2")
    with both_ways(world) as streams:
        prepare(world, twin)
        if until != "prepared":
            goes_on(twin, streams)
            wait_activated(world)
            wait_quiet(world.lab)
            for way in WAYS:
                if "it to" in way:
                    streams.switch(way, 0)
        if until == "told apart":
            wait_for("it to be told apart", lambda: status(world).get(
                "rejected_claims") == ["h2"], TOLD_APART_S)
        said = migrate(world, "--cancel", "--wait")
        assert "is not to migrate any more" in said, said
        wait_for("the roll-back", lambda: not migration(world)
                 and status(world)["host"] == "h1")
        assert status(world)["rejected_claims"] == ["h2"]
        assert "is not to migrate" in migrate(world, "--cancel")
        wait_quiet(world.lab)
        world.revalidated()
        back = streams.now()
        found = finish(streams, *WAYS)
    assert spec(world) == before
    assert not found["bad"].seen
    for way in WAYS:
        if "it to" in way:
            assert not found[way].lost, way
        else:
            assert not found[way].missed(0, start=back + WAY_S)
            assert set(found[way].sinks(start=back + WAY_S)) == {0}
    # What was heard there before says nothing of the next one.
    migrate(world, "h2", "--wait")
    wait_for("it to be prepared", lambda: is_in(world, "prepared"))
    wait_quiet(world.lab)
    assert status(world)["host"] == "h1"
    announce(twin)
    wait_activated(world)


def test_row_decides_until_it_is_there(moving):
    """A guest that its manager has said to run there is not told apart from
    one that goes on where it was; and it survives vmnd."""
    world, twin = moving
    names_its_host(world)
    migrate(world, "h2")
    prepare(world, twin)
    assert is_listened_to(world, "h2")
    migrate(world, "--activate", "--wait")
    wait_activated(world)
    wait_quiet(world.lab)
    assert not is_listened_to(world, "h1")
    with frames.Capture(world.lab.vm("far").ns):
        announce(twin)
        announce(twin, "eth0")
    world.lab.vmnd.kill()
    world.lab.vmnd.start()
    world.lab.await_synced()
    wait_activated(world)
    assert "rejected_claims" not in status(world)
    # Its new host's interface goes: the old one is as good as any.
    twin.unplug()
    wait_for("the roll-back", lambda: status(world).get("host") == "h1")


def test_what_cannot_be_asked_for(moving):
    world, twin = moving

    def refused(host, field, text, code=409, **more):
        with pytest.raises(Refused) as error:
            world.patch("ports", "mover", migration={"to": host}, **more)
        problem, = error.value.problem["errors"]
        assert error.value.status == code, error.value
        assert problem["pointer"] == "/spec/" + field, problem
        assert text in problem["detail"], problem

    refused("h9", "migration/to", 'host "h9" does not exist', 400)
    refused("h2", "migration/to", 'must be one of "hosts"', 400,
            hosts=["h1", "h3"])
    world.patch("hosts", "h2", maintenance=True)
    refused("h2", "migration/to", "is in maintenance")
    world.patch("hosts", "h2", maintenance=False, lost=True)
    refused("h2", "migration/to", "is declared lost")
    world.patch("hosts", "h2", lost=False)
    with pytest.raises(Refused, match='migration/to|"to"'):
        world.patch("ports", "mover", migration={"activated": True})
    said = migrate(world, "--activate", status=1)
    assert "is not to migrate: vmnctl migrate mover HOST" in said, said
    # Its VM moves elsewhere already, which nobody asked for.
    twin.plug()
    wait_for("the candidate", lambda: is_in(world, "prepared"))
    refused("h3", "migration/to", '"h1" and "h2" have its interface')
    world.patch("ports", "mover", migration={"to": "h2"})
    refused("h3", "migration/to", 'it migrates to "h2"')
    # What it was asked for stays, whatever becomes of the host.
    world.patch("hosts", "h2", maintenance=True)
    world.patch("ports", "mover", description="as before")
    world.patch("hosts", "h2", lost=True)
    said = migrate(world, "--activate", "--no-wait")
    assert 'host "h2" is declared lost: it does not get the port' in said, said
    world.patch("ports", "mover", migration={"to": "h2", "activated": False})
    twin.unplug()
    world.patch("hosts", "h2", lost=False)
    wait_for("the end", lambda: status(world).get("candidate") is None)
    said = migrate(world, "--activate", "--no-wait")
    assert 'host "h2" does not have its interface (iface-id "mover") yet: ' \
        'it stays on host "h1"' in said, said
    assert status(world)["host"] == "h1"
    world.patch("ports", "mover", migration=None)
    world.lab.unplug("mover")
    wait_for("it to be unbound", lambda: status(world)["state"] == "unbound")
    assert "it is on no host that it could leave" in migrate(
        world, "h3", "--no-wait")


def test_hosts_of_the_row_meanwhile(moving):
    """It goes where it was asked to go, and is on one of both until then."""
    world, twin = moving
    names_its_host(world)
    said = migrate(world, "h1", "--no-wait")
    assert 'it is on host "h1" already' in said, said
    migrate(world, "--finish", "--no-wait")
    world.patch("ports", "mover", migration={"to": "h2"})
    for more, field in (({"host": "h3"}, "host"),
                        ({"hosts": ["h2", "h3"], "host": None}, "hosts")):
        with pytest.raises(Refused) as error:
            world.patch("ports", "mover", **more)
        problem, = error.value.problem["errors"]
        assert error.value.status == 409, error.value
        assert problem["pointer"] == "/spec/" + field, problem
        assert 'it migrates from "h1" to "h2"' in problem["detail"], problem
    world.patch("ports", "mover", host=None)
    world.patch("ports", "mover", host="h1")
    assert status(world)["host"] == "h1"
    # A manifest that does not know of it takes it back.
    before = dict(spec(world))
    del before["migration"]
    world.put("ports", "mover", **before)
    assert "migration" not in spec(world)
