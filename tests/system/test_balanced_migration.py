# SPDX-License-Identifier: Apache-2.0
"""Clients of virtual IPs that migrate: the connections that they hold go on
with the backends that they have, whatever has become of the balancer since
they were opened, and after the source has gone."""

import contextlib

import pytest
from conftest import wait_quiet
from migrating import make_moving
from test_migration import (announce, is_in, migration, prepare, status,
                            vmnd_killed, wait_activated)

from vmnlab import netns, traffic
from vmnlab.netns import wait_for

BACKENDS = "b1", "b2", "b3", "b4"
VIP = {4: "10.0.0.100", 6: "fd00::100"}
N_HELD = 8
LARGE = 200000                  # Bytes.
SEGMENT = 1300


@pytest.fixture
def moving(world):
    for twin in make_moving(world):
        for i, name in enumerate(BACKENDS):
            world.vm(name, "net", ("h1", "h2", "h3", "h3")[i],
                     ["10.0.0.%d" % (11 + i), "fd00::%d" % (11 + i)],
                     tcp=[80, 8080], labels={"role": "peer"})
        for name in BACKENDS:
            world.lab.vm(name).await_addresses()
        yield world, twin


def balance(world, version, **more):
    world.put("loadbalancers", "lb", networks=["net"], vip=VIP[version],
              ports=[{"port": 80, "target": 8080}],
              backends=[{"port": name} for name in BACKENDS], **more)
    wait_quiet(world.lab)


def hold(world, version, n=N_HELD):
    """Connections to the virtual IP, and the backend that each has."""
    held = [traffic.Connection(world.lab.vm("mover"), VIP[version], 80)
            for _ in range(n)]
    return held, [answer_of(connection) for connection in held]


def answer_of(connection, text="hello"):
    answer = connection.exchange(text, 10)
    return answer and answer.split()[0]


def only(world, name):
    """From now on one backend alone gets new connections; another drains."""
    last = [other for other in BACKENDS if other != name][-1]
    world.patch("loadbalancers", "lb", backends=[
        {"port": other, "weight": 1 if other in (name, last) else 0,
         "drain": other == last} for other in BACKENDS])
    wait_quiet(world.lab)


def own_ip(vm, version):
    return "%s/24" % vm.ip if version == 4 else "%s/64" % vm.ip6


def runs_by(vm, version, link):
    """The guest's addresses are on 'link' from now on."""
    other = "eth0" if link == "eth1" else "eth1"
    more = "" if version == 4 else " nodad"
    netns.run(["sysctl", "-qw", "net.ipv6.conf.%s.disable_ipv6=0" % link],
              ns=vm.ns)
    netns.ip(vm.ns, "addr add %s dev %s%s" % (own_ip(vm, version), link, more),
             "addr del %s dev %s" % (own_ip(vm, version), other))


def end(world):
    world.lab.unplug("mover")
    wait_for("its end", lambda: not migration(world))
    wait_quiet(world.lab)


def all_go_on(held, had, when):
    for connection, name in zip(held, had):
        assert answer_of(connection, when) == name, when


@pytest.mark.parametrize("version, more, away", [
    (4, {}, False), (6, {}, True), (4, {"affinity": {"seconds": 600}}, False),
    (6, {"locality": "prefer"}, False)],
    ids=["IPv4", "IPv6 without vmnd", "affinity", "locality"])
def test_connections_keep_their_backends(moving, version, more, away):
    world, twin = moving
    vm = twin.vm
    balance(world, version, **more)
    held, had = hold(world, version)
    with contextlib.ExitStack() as stack:
        for connection in held:
            stack.callback(connection.sock.close)
        assert all(had)
        others = [name for name in BACKENDS if name not in had]
        only(world, others[0] if others else had[-1])
        all_go_on(held, had, "changed")
        prepare(world, twin)
        all_go_on(held, had, "prepared")
        with vmnd_killed(world) if away else contextlib.nullcontext():
            announce(twin)
            runs_by(vm, version, "eth1")
            # Nothing that comes by its old host is heard any more.
            netns.ip(vm.ns, "link set eth0 down")
            all_go_on(held, had, "moved")
        wait_activated(world)
        wait_quiet(world.lab)
        all_go_on(held, had, "activated")
        for name in set(had):
            # Beyond the window that a connection has of which one side alone
            # is seen.
            for _ in range(LARGE // SEGMENT):
                assert answer_of(held[had.index(name)], "x" * SEGMENT) == name
        end(world)
        assert status(world)["host"] == "h2"
        all_go_on(held, had, "after")
        # New ones go where new ones are to go.
        new = traffic.Connection(vm, VIP[version], 80)
        stack.callback(new.sock.close)
        assert answer_of(new)


@pytest.mark.parametrize("version", [4, 6], ids=["IPv4", "IPv6"])
def test_connection_to_a_backend_that_is_none_any_more(moving, version):
    """Its client learns of it from the virtual IP, as one that has not
    migrated does."""
    world, twin = moving
    vm = twin.vm
    balance(world, version)
    held, had = hold(world, version)
    with contextlib.ExitStack() as stack:
        for connection in held:
            stack.callback(connection.sock.close)
        world.patch("loadbalancers", "lb", backends=[
            {"port": name} for name in BACKENDS if name != had[-1]])
        wait_quiet(world.lab)
        prepare(world, twin)
        runs_by(vm, version, "eth1")
        netns.ip(vm.ns, "link set eth0 down")
        announce(twin)
        for connection, name in zip(held, had):
            if name != had[-1]:
                assert answer_of(connection, "moved") == name
                continue
            connection.sock.settimeout(10 * netns.PATIENCE)
            connection.sock.send(b"moved\n")
            with pytest.raises(ConnectionResetError):
                connection.sock.recv(100)
