# SPDX-License-Identifier: Apache-2.0
"""A VM that migrates while the cluster that manages its hosts gets another
writer, in each state: nothing is lost that would arrive otherwise, and the new
writer knows where the guest runs, though nobody may have heard it."""

import pytest
from conftest import World, wait_quiet
from migrating import WAYS, both_ways, make_moving
from test_cluster_hosts import cluster_lab, use_member
from test_migration import (check, finish, goes_on, is_in, migration, prepare,
                            status, wait_activated)

from vmnlab.netns import wait_for
from vmnlab.stream import WAY_S


@pytest.fixture
def moving():
    with cluster_lab("cmg", 3) as (lab, cluster):
        use_member(lab, cluster.writer())
        lab.vmnd.api.apply([lab.host_object(h) for h in lab.hosts])
        lab.await_synced()
        world = World(lab)
        for twin in make_moving(world):
            yield world, twin, cluster
        world.close()


def kill_writer(world, cluster):
    """Returns it."""
    writer = cluster.writer()
    writer.kill()
    return writer


def succeed(world, cluster, writer):
    """Waits for the next one, and starts the one that was killed."""
    successor = cluster.writer(but=[writer])
    use_member(world.lab, successor)
    world.api = successor.api
    writer.start()
    world.lab.await_synced(seconds=60)


def test_writer_dies_in_each_state(moving):
    world, twin, cluster = moving
    with both_ways(world) as streams:
        prepare(world, twin)
        succeed(world, cluster, kill_writer(world, cluster))
        wait_for("it to be prepared", lambda: is_in(world, "prepared"), 30)
        wait_quiet(world.lab)
        streams.run(2 * WAY_S)
        # It goes on while there is no writer.
        writer = kill_writer(world, cluster)
        moved = goes_on(twin, streams)
        succeed(world, cluster, writer)
        wait_activated(world)
        succeed(world, cluster, kill_writer(world, cluster))
        wait_activated(world)
        wait_quiet(world.lab)
        # And its old interface goes while there is none.
        gone = streams.arrive(*WAYS).now()
        writer = kill_writer(world, cluster)
        world.lab.unplug("mover")
        succeed(world, cluster, writer)
        wait_for("its end", lambda: not migration(world), 30)
        assert status(world)["host"] == "h2"
        wait_quiet(world.lab)
        found = finish(streams, *WAYS)
    check(found, moved, gone)
