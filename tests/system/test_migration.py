# SPDX-License-Identifier: Apache-2.0
"""A VM that migrates, from the moment that its next host has its interface:
prepared there, served where its guest runs, also while vmnd is not, rolled
back, and told apart from another VM with the same iface-id.  What its row says
of hosts is in test_order.py."""

import contextlib
import os
import subprocess

import pytest
from conftest import flows, wait_quiet
from migrating import WAYS, beyond_end, both_ways, make_moving

from vmnlab import frames, traffic
from vmnlab.daemon import find
from vmnlab.netns import wait_for
from vmnlab.stream import WAY_S, Streams

ETH_RARP = 0x8035
BROADCAST = "ff:ff:ff:ff:ff:ff"
# How long two guests go on before it is noticed that they do, and more.
TOLD_APART_S = 20
# Ways to the guest, and from it.
TO_IT = [way for way in WAYS if "to it" in way]
FROM_IT = [way for way in WAYS if "it to" in way]


@pytest.fixture
def moving(world):
    for twin in make_moving(world):
        yield world, twin


def status(world):
    return world.api.get("ports/mover")["status"]


def migration(world):
    return status(world).get("migration")


def is_in(world, state):
    found = migration(world)
    return found and found["state"] == state


def prepare(world, twin):
    """The destination's interface comes up."""
    twin.plug()
    wait_for("it to be prepared", lambda: is_in(world, "prepared"))
    assert status(world)["host"] == "h1"
    found = migration(world)
    assert (found["from"], found["to"]) == ("h1", "h2")
    assert "reason" not in found
    wait_quiet(world.lab)


def all_flows(world):
    return {host.name: set(flows(host)) for host in world.lab.hosts}


def announce(twin, link="eth1"):
    """As QEMU does when a guest goes on after a migration."""
    frames.send_on(twin.vm.ns, link, frames.ethernet(
        BROADCAST, twin.vm.mac, ETH_RARP, b"\x00\x01\x08\x00\x06\x04\x00\x03"
        + 2 * (frames.mac_bytes(twin.vm.mac) + b"\0\0\0\0")))


def goes_on(twin, streams):
    """The guest goes on at its next host.  Returns when."""
    moved = streams.now()
    announce(twin)
    for way in FROM_IT:
        streams.switch(way, 1)
    return moved


def wait_activated(world):
    wait_for("the activation", lambda: is_in(world, "activated"))
    found = migration(world)
    assert (found["from"], found["to"]) == ("h1", "h2")
    assert status(world)["host"] == "h2"


def finish(streams, *whole):
    found = streams.run(2 * WAY_S).stop(whole)
    print()
    for result in found.values():
        print("   ", result)
    return found


def served_after(result, moved):
    """How many milliseconds after 'moved' what was sent began to arrive."""
    missed = result.missed(1, start=moved)
    return 1000 * (max(result.sent[n] for n in missed) - moved) if missed \
        else 0.0


def check(found, moved, gone=None):
    """Its packets are neither lost nor doubled, what is denied is not let in
    on either host, and it is served where it runs: up to 'moved', and from
    then on, but for the moment that its switch takes to drop what it has in
    its cache.  What the other place gets, nobody hears.  Its source's port has
    gone at 'gone'."""
    assert not found["bad"].seen
    for way in WAYS:
        assert not found[way].n_copies, way
    for way in FROM_IT:
        assert not found[way].lost, way
    for way in TO_IT:
        print("    %s: served %.1f ms later" % (way, served_after(
            found[way], moved)))
        assert set(found[way].sinks(end=moved - WAY_S)) == {0}
        assert not found[way].missed(0, end=moved - WAY_S)
        missed = [found[way].sent[n] - moved for n in beyond_end(
            way, found[way], found[way].missed(1, start=moved + WAY_S), gone)]
        assert not missed, missed


def history(world):
    """Where it was, as vmnctl tells it."""
    text = subprocess.run(
        [find("vmnctl"), "history", "ports/mover"], check=True, text=True,
        stdout=subprocess.PIPE, env=dict(
            os.environ, VMNCTL_SERVER="unix:" + world.api.path)).stdout
    return [line.split("  ", 3)[3] for line in text.splitlines()
            if line[0].isdigit() and " the switch of " in line]


@contextlib.contextmanager
def vmnd_killed(world):
    lab = world.lab
    lab.vmnd.kill()
    try:
        yield
    finally:
        lab.vmnd.start()
        lab.await_synced()


@pytest.mark.parametrize("version", [4, 6], ids=["IPv4", "IPv6"])
def test_guest_is_served_from_its_first_packet_on(moving, version):
    """A port that names no host, and no call but those of the VM manager to
    the switches: what libvirt does."""
    world, twin = moving
    with both_ways(world, version) as streams:
        streams.run(2 * WAY_S)
        prepare(world, twin)
        streams.run(0.5)
        moved = goes_on(twin, streams)
        wait_activated(world)
        wait_quiet(world.lab)
        streams.run(0.3)
        gone = streams.arrive(*WAYS).now()
        world.lab.unplug("mover")
        wait_for("its end", lambda: not migration(world))
        wait_quiet(world.lab)
        found = finish(streams, *WAYS)
    assert status(world)["host"] == "h2"
    check(found, moved, gone)
    assert history(world)[-4:] == [
        "bound to h1, as the switch of h1 reports",
        "on h1, candidate h2, as the switch of h2 reports",
        "moved from h1 to h2, activated there; h1 still has its interface, as "
        "the switch of h2 reports",
        "on h2, migration finished: h1 has dropped its interface, as the "
        "switch of h1 reports"]


def test_any_packet_tells_where_the_row_names_both_hosts(moving):
    """Of a guest that nobody announces."""
    world, twin = moving
    world.patch("ports", "mover", hosts=["h1", "h2"])
    with both_ways(world) as streams:
        prepare(world, twin)
        streams.run(2 * WAY_S)
        moved = [streams.switch(way, 1) for way in FROM_IT][0]
        wait_activated(world)
        wait_quiet(world.lab)
        found = finish(streams, *WAYS)
    check(found, moved)


def test_others_do_not_activate(moving):
    """Another MAC address than the port's says nothing of its guest; nor, if
    the row names no hosts, does anything but an announcement."""
    world, twin = moving
    far = world.lab.vm("far")
    prepare(world, twin)
    with frames.Capture(far.ns) as capture:
        frames.send_on(
            twin.vm.ns, "eth1",
            frames.ethernet(BROADCAST, "02:00:00:00:be:ef", ETH_RARP,
                            28 * b"\0"),
            frames.udp(far.mac, twin.vm.mac, twin.vm.ip, far.ip, 9, 9,
                       b"not announced"),
            frames.udp(BROADCAST, twin.vm.mac, twin.vm.ip, "10.0.0.255", 9, 9,
                       b"flooded"))
        # What it sends is its own matter, as before: floods, too, though its
        # host has no other port of the network.
        for payload in b"not announced", b"flooded":
            assert capture.wait(lambda f, p=payload: p in f, 10), payload
    wait_quiet(world.lab)
    assert is_in(world, "prepared")
    assert "0x80000" not in world.lab.host("h2").ofctl(
        "dump-flows", "br-int", "table=249")


def test_guest_is_served_while_vmnd_is_not(moving):
    """vmnd ends before the guest goes on: its new switch serves it all the
    same, and says so as vmnd is back.  Nobody announces the guest again."""
    world, twin = moving
    with both_ways(world) as streams:
        prepare(world, twin)
        streams.run(2 * WAY_S)
        with vmnd_killed(world):
            moved = goes_on(twin, streams)
            streams.run(1.0)
        wait_activated(world)
        wait_quiet(world.lab)
        gone = streams.arrive(*WAYS).now()
        world.lab.unplug("mover")
        wait_for("its end", lambda: not migration(world))
        assert status(world)["host"] == "h2"
        wait_quiet(world.lab)
        found = finish(streams, *WAYS)
    check(found, moved, gone)


def test_state_survives_vmnd(moving):
    """Killed in each state, it goes on with that."""
    world, twin = moving
    with both_ways(world) as streams:
        prepare(world, twin)
        with vmnd_killed(world):
            pass
        wait_for("it to be prepared", lambda: is_in(world, "prepared"))
        moved = goes_on(twin, streams)
        wait_activated(world)
        with vmnd_killed(world):
            pass
        wait_activated(world)
        wait_quiet(world.lab)
        gone = streams.arrive(*WAYS).now()
        with vmnd_killed(world):
            world.lab.unplug("mover")
        wait_for("its end", lambda: not migration(world))
        assert status(world)["host"] == "h2"
        wait_quiet(world.lab)
        found = finish(streams, *WAYS)
    check(found, moved, gone)


@pytest.mark.parametrize("activated", [False, True], ids=["", "activated"])
def test_migration_is_rolled_back(moving, activated):
    """The destination goes away: the source goes on as before, and nothing is
    left behind."""
    world, twin = moving
    wait_quiet(world.lab)
    before = all_flows(world)
    with both_ways(world) as streams:
        prepare(world, twin)
        if activated:
            moved = goes_on(twin, streams)
            wait_activated(world)
            wait_quiet(world.lab)
            for way in FROM_IT:
                back = streams.switch(way, 0)
        else:
            back = streams.run(0.3).now()
        # What is on its way to the interface that goes is lost with it.
        streams.arrive(*WAYS)
        twin.unplug()
        wait_for("the roll-back", lambda: not migration(world))
        wait_quiet(world.lab)
        found = finish(streams, *WAYS)
    assert status(world)["host"] == "h1"
    assert ("migration rolled back: h2 has dropped its interface"
            in history(world)[-1])
    assert all_flows(world) == before
    assert not found["bad"].seen
    for way in FROM_IT:
        assert not found[way].lost, way
    for way in TO_IT:
        assert all(moved - WAY_S < found[way].sent[n] < moved + WAY_S
                   for n in found[way].lost), way
        if activated:
            assert not found[way].missed(0, start=back + WAY_S)
        else:
            assert 1 not in found[way].seen_at
            assert not found[way].missed(0)


def test_another_vm_with_the_same_iface_id_gets_nothing(moving):
    """It is started by mistake, and says what VMs say."""
    world, twin = moving
    vm = world.lab.vm
    world.servers.tcp(vm("mover"), 80, "0.0.0.0")
    held = traffic.Connection(vm("far"), vm("mover").ip, 80)
    with (Streams().add("to it", vm("far"), vm("mover"), port=9010,
                        links=(("eth0", "eth0"), ("eth0", "eth1")))
          .add("second", vm("mover"), vm("far"), port=9011,
               links=(("eth1", "eth0"),))) as streams:
        twin.plug()
        wait_for("it to be prepared", lambda: is_in(world, "prepared"))
        wait_quiet(world.lab)
        streams.run(0.5)
        assert held.exchange("still there")
        assert is_in(world, "prepared")
        found = finish(streams, "to it")
    held.close()
    assert set(found["to it"].seen_at) == {0}
    assert not found["to it"].lost


def test_two_guests_that_go_on_are_no_migration(moving):
    """One that claims to have migrated, while the other one goes on: the port
    goes back to it, and the claim of the other is not heard any more.  Later
    the one that is left is as good as any."""
    world, twin = moving
    vm = world.lab.vm
    with (Streams().add("first", vm("mover"), vm("far"), port=9010)
          .add("second", vm("mover"), vm("far"), port=9011,
               links=(("eth1", "eth0"),))) as streams:
        prepare(world, twin)
        announce(twin)
        wait_for("it to be told apart", lambda: status(world).get(
            "rejected_claims") == ["h2"], TOLD_APART_S)
        assert status(world)["host"] == "h1"
        assert not migration(world)
        assert ("migration rolled back: another guest runs on h2"
                in history(world)[-1])
        wait_quiet(world.lab)
        apart = streams.now()
        streams.run(0.5)
        assert status(world)["host"] == "h1"
        found = finish(streams, "first")
    assert not found["first"].lost
    assert not found["second"].arrived(start=apart + WAY_S)
    world.lab.unplug("mover")
    wait_for("the other", lambda: status(world).get("host") == "h2")
    assert "rejected_claims" not in status(world)
    # It migrates.
    world.lab.vm("mover").plug(world.lab.host("h1"))
    wait_for("it to be prepared", lambda: is_in(world, "prepared"))
    assert status(world)["host"] == "h2"
    assert migration(world)["to"] == "h1"
    announce(twin, "eth0")
    wait_for("the activation", lambda: is_in(world, "activated"))
    assert status(world)["host"] == "h1"


def test_claim_that_was_rejected_does_no_harm_after_a_restart(moving):
    """It is in memory only.  The second guest is the candidate again, and
    where any packet of its own activates it, it is told apart once more.  What
    is sent to the first one reaches it all the while."""
    world, twin = moving
    vm = world.lab.vm
    world.patch("ports", "mover", hosts=["h1", "h2"])
    with (Streams().add("first", vm("mover"), vm("far"), port=9010)
          .add("second", vm("mover"), vm("far"), port=9011,
               links=(("eth1", "eth0"),))
          .add("to it", vm("far"), vm("mover"), port=9012,
               links=(("eth0", "eth0"), ("eth0", "eth1")))) as streams:
        twin.plug()
        wait_for("the candidate", lambda: migration(world))
        announce(twin)

        def is_rejected():
            return status(world).get("rejected_claims") == ["h2"]

        wait_for("it to be told apart", is_rejected, TOLD_APART_S)
        wait_quiet(world.lab)
        with vmnd_killed(world):
            streams.run(0.5)
        wait_for("it to be told apart", is_rejected, TOLD_APART_S)
        assert status(world)["host"] == "h1"
        found = finish(streams, "first", "to it")
    assert not found["first"].lost
    assert not found["to it"].missed(0)
