# SPDX-License-Identifier: Apache-2.0
"""What is denied to a VM is denied in each state of its migration, whichever
of both hosts it sends by, in both directions, also once that is rolled back;
and a quarantine that begins meanwhile cuts it off on both."""

import contextlib
import select

import pytest
from conftest import rule, wait_counted, wait_quiet
from migrating import WAYS, make_moving
from test_balanced_migration import runs_by
from test_dhcp import drops
from test_live_apps import ctl
from test_migration import (FROM_IT, TO_IT, announce, finish, is_in,
                            migration, prepare, status, wait_activated)

from vmnlab import netns
from vmnlab.netns import wait_for
from vmnlab.stream import WAY_S, Streams

# From the guest to whom its policy does not allow, by the host that it runs
# on, and as from it by the next one before that; and from there.
OWN, OTHER = "it to bad", "by h2 to bad"
DENIED = OWN, OTHER, "bad to it"
# What is let in from the next host before the guest runs there.
EARLY = "by h2 to near"


@pytest.fixture
def moving(world):
    for twin in make_moving(world):
        yield world, twin


def all_ways(world, version):
    """What is allowed, and what is denied."""
    vm = world.lab.vm
    streams = Streams()
    to_it = ("eth0", "eth0"), ("eth0", "eth1")
    from_it = ("eth0", "eth0"), ("eth1", "eth0")
    for peer in ("near", "far"):
        streams.add(peer + " to it", vm(peer), vm("mover"), version=version,
                    links=to_it)
        streams.add("it to " + peer, vm("mover"), vm(peer), port=9010,
                    version=version, links=from_it)
    streams.add(OWN, vm("mover"), vm("bad"), port=9020, version=version,
                links=from_it)
    streams.add(OTHER, vm("mover"), vm("bad"), port=9021, version=version,
                links=from_it)
    return streams.add(DENIED[2], vm("bad"), vm("mover"), port=9022,
                       version=version, links=to_it)


def goes_by(twin, streams, number):
    """The guest runs on its next host (1), or on the one before.  Returns
    since when."""
    now = streams.now()
    if number:
        announce(twin)
    for way in (*FROM_IT, OWN, OTHER):
        streams.switch(way, number)
    return now


@pytest.mark.parametrize("version, asked, back", [
    (4, False, True), (6, False, False), (6, True, True), (4, True, False)],
    ids=["IPv4 back", "IPv6", "IPv6 asked for, back", "IPv4 asked for"])
def test_denied_is_denied_in_each_state(moving, version, asked, back):
    """Before, prepared, activated, and after."""
    world, twin = moving
    if asked:
        world.patch("ports", "mover", host="h1")
        ctl(world.lab, "migrate", "mover", "h2", "--wait")
    with all_ways(world, version) as streams:
        streams.run(2 * WAY_S)
        prepare(world, twin)
        if not asked:           # Else any packet would activate it.
            streams.switch(OTHER, 1)
        streams.run(2 * WAY_S)
        moved = goes_by(twin, streams, 1)
        wait_activated(world)
        wait_quiet(world.lab)
        streams.run(2 * WAY_S)
        if back:
            goes_by(twin, streams, 0)
            streams.arrive(*WAYS)
            if asked:
                ctl(world.lab, "migrate", "mover", "--cancel", "--wait")
            else:
                twin.unplug()
        else:
            streams.arrive(*WAYS)
            world.lab.unplug("mover")
        wait_for("its end", lambda: not migration(world))
        wait_quiet(world.lab)
        streams.run(2 * WAY_S)
        found = finish(streams)
    assert status(world)["host"] == ("h1" if back else "h2")
    for way in DENIED:
        assert len(found[way].sent) and not found[way].seen, way
    for way in TO_IT:
        assert found[way].arrived(end=moved), way
        assert not found[way].n_copies, way


def in_preparation(world):
    return (is_in(world, "preparing")
            and "1 of 3 hosts" in migration(world).get("reason", ""))


def lags(world, name):
    """The host has not acknowledged all that concerns it."""
    return world.api.get("hosts/" + name)["status"]["lag"]["revisions"]


def makes_interface(world, twin, late):
    """The destination's interface comes up; what 'late' is to do has not got
    there, so the migration is in preparation.  It goes on by its flows of
    before, until it is healed."""
    late.cut(silent=True)
    twin.plug()
    wait_for("it to be in preparation", lambda: in_preparation(world))
    assert status(world)["host"] == "h1"


@pytest.mark.parametrize("late, version, asked, end", [
    ("h1", 4, False, "back"), ("h3", 6, False, "back"),
    ("h3", 4, True, "cancelled"), ("h1", 6, False, "activated"),
    ("h3", 4, False, "activated")],
    ids=["the source is late, back", "a peer is late, IPv6, back",
         "a peer is late, asked for, cancelled",
         "the source is late, IPv6, activated",
         "a peer is late, activated"])
def test_denied_is_denied_in_preparation(moving, late, version, asked, end):
    """While one of the hosts has the flows of before; then prepared, and
    rolled back before it was activated, or activated while that host still
    lags behind."""
    world, twin = moving
    vm, host = world.lab.vm, world.lab.host(late)
    if asked:
        world.patch("ports", "mover", host="h1")
        ctl(world.lab, "migrate", "mover", "h2", "--wait")
    streams = all_ways(world, version)
    if not asked:               # Else any packet would activate it.
        streams.add(EARLY, vm("mover"), vm("near"), port=9023,
                    version=version, links=(("eth0", "eth0"),
                                            ("eth1", "eth0")))
    with streams:
        streams.run(2 * WAY_S)
        try:
            makes_interface(world, twin, host)
            early = streams.now()
            for way in (OTHER, EARLY) if not asked else ():
                early = streams.switch(way, 1)
            streams.run(2 * WAY_S)
            if end == "activated":
                goes_by(twin, streams, 1)
                wait_activated(world)
                streams.run(2 * WAY_S)
                assert lags(world, late)
            else:
                assert in_preparation(world)
            healed = streams.now()
        finally:
            host.heal()
        world.lab.await_synced()
        wait_for("its flows", lambda: not lags(world, late))
        if end != "activated":
            wait_for("it to be prepared", lambda: is_in(world, "prepared"))
        wait_quiet(world.lab)
        prepared = streams.now()
        streams.run(2 * WAY_S)
        if end == "activated":
            streams.arrive(*WAYS)
            world.lab.unplug("mover")
        elif end == "cancelled":
            ctl(world.lab, "migrate", "mover", "--cancel", "--wait")
        else:
            for way in (OTHER, EARLY):
                streams.switch(way, 0)
            streams.arrive(EARLY)
            twin.unplug()
        wait_for("its end", lambda: not migration(world))
        wait_quiet(world.lab)
        ended = streams.now()
        found = finish(streams)
    assert status(world)["host"] == ("h2" if end == "activated" else "h1")
    for way in DENIED:
        assert len(found[way].sent) and not found[way].seen, way
    # Others went the same ways all the while.
    for way in (EARLY,) if not asked else ():
        assert found[way].arrived(early, healed), way
        assert found[way].arrived(prepared, ended), way
    assert found["near to it"].arrived(early, healed)
    for way in TO_IT:
        assert found[way].arrived(end=early), way
        assert found[way].arrived(prepared, ended), way
        assert found[way].arrived(ended), way
        assert not found[way].n_copies, way


def test_quarantine_meanwhile(moving):
    """Of a port that is prepared, and of one that is activated: nothing comes
    to it or from it on either host; and what was there before it is there
    again after it."""
    world, twin = moving
    cut = []
    with all_ways(world, 4) as streams:
        prepare(world, twin)
        for activated in (False, True):
            if activated:
                goes_by(twin, streams, 1)
                wait_activated(world)
                wait_quiet(world.lab)
            world.put("quarantines", "q", ports=["mover"])
            wait_quiet(world.lab)
            begin = streams.now()
            streams.run(4 * WAY_S)
            end = streams.now()
            cut.append((begin, end))
            world.delete("quarantines", "q")
            wait_quiet(world.lab)
            streams.run(2 * WAY_S)
        released = streams.now()
        found = finish(streams)
    for way in WAYS:
        for begin, end in cut:
            assert not found[way].arrived(begin + WAY_S, end), way
        assert found[way].arrived(released), way
    for way in DENIED:
        assert not found[way].seen, way


def connections(stack, vm, peer, n):
    """Those that 'vm' has opened to 'peer': both ends of each."""
    listener = stack.enter_context(netns.socket_in(peer.ns))
    listener.bind((peer.ip, 9030))
    listener.listen(n)
    listener.settimeout(10 * netns.PATIENCE)
    for _ in range(n):
        own = stack.enter_context(netns.socket_in(vm.ns))
        own.settimeout(10 * netns.PATIENCE)
        own.connect((peer.ip, 9030))
        other = stack.enter_context(listener.accept()[0])
        other.settimeout(10 * netns.PATIENCE)
        yield own, other


def waits_for_the_guest(world, own, other):
    """What the peer sends first is denied, and arrives once the guest has
    sent something."""
    before = drops(world, "denied by rule")
    other.sendall(b"peer")
    wait_counted("a denial", lambda: drops(world, "denied by rule") > before)
    assert not select.select([own], [], [], 0)[0]
    own.sendall(b"guest")
    assert other.recv(10) == b"guest"
    assert own.recv(10) == b"peer"
    other.sendall(b"again")
    assert own.recv(10) == b"again"


def test_peer_of_a_connection_that_only_the_guest_may_open(moving):
    """It is denied by the new host, which knows no connection, until the guest
    sends; and then heard, also after the migration."""
    world, twin = moving
    world.policy("p", "m", rule("egress", "allow", ["peer"]),
                 rule("ingress", "deny"))
    wait_quiet(world.lab)
    with contextlib.ExitStack() as stack:
        meanwhile, after = connections(stack, twin.vm, world.lab.vm("far"),
                                       2)
        meanwhile[1].sendall(b"before")
        assert meanwhile[0].recv(10) == b"before"
        prepare(world, twin)
        runs_by(twin.vm, 4, "eth1")
        netns.ip(twin.vm.ns, "link set eth0 down")
        announce(twin)
        wait_activated(world)
        wait_quiet(world.lab)
        waits_for_the_guest(world, *meanwhile)
        world.lab.unplug("mover")
        wait_for("its end", lambda: not migration(world))
        wait_quiet(world.lab)
        waits_for_the_guest(world, *after)
