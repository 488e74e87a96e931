# SPDX-License-Identifier: Apache-2.0
"""Clients of virtual IPs that migrate: the connections that they hold go on
with the backends that they have, whatever has become of the balancer since
they were opened, and after the source has gone."""

import contextlib
import select
import socket
import struct

import pytest
from conftest import flows, wait_quiet
from migrating import make_moving
from test_migration import (announce, is_in, migration, prepare, status,
                            vmnd_killed, wait_activated)

from vmnlab import netns, traffic
from vmnlab.netns import wait_for

BACKENDS = "b1", "b2", "b3", "b4"
ITSELF = "b2", "b3"             # On the guest's next host, and elsewhere.
VIP = {4: "10.0.0.100", 6: "fd00::100"}
N_HELD = 8
LARGE = 200000                  # Bytes.
SEGMENT = 1300
PUSH_PORT = 8081                # Of backends that this test plays.
N_PUSHED = 10
TUNNEL_TABLE = 1


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


def listen(stack, vm, version):
    sock = stack.enter_context(netns.socket_in(
        vm.ns, traffic.family_of(VIP[version])))
    sock.bind(("", PUSH_PORT))
    sock.listen(100)
    return sock


def connected(stack, world, ip, port, listeners):
    """A connection, whose it is of 'listeners', and that one's end."""
    client = traffic.Connection(world.lab.vm("mover"), ip, port)
    stack.callback(client.sock.close)
    ready, _, _ = select.select(list(listeners), [], [], 10 * netns.PATIENCE)
    served = stack.enter_context(ready[0].accept()[0])
    served.settimeout(10 * netns.PATIENCE)
    served.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client, listeners[ready[0]], served


def pushes(client, served, text):
    """Several packets, of which none waits for an acknowledgment."""
    for i in range(N_PUSHED):
        served.send(b"%s %d\n" % (text.encode(), i))
    for i in range(N_PUSHED):
        assert client.line(10) == "%s %d" % (text, i)


def asks(client, served, text):
    client.sock.send(text.encode() + b"\n")
    assert served.recv(100) == text.encode() + b"\n"


def connected_itself(stack, world, name, version, listeners):
    """A connection to a backend's own address, as of connected()."""
    vm = world.lab.vm(name)
    return connected(stack, world, vm.ip if version == 4 else vm.ip6,
                     PUSH_PORT, listeners)


def hold_one_of_each(stack, world, version):
    """A connection to the virtual IP for each backend, and one to each of
    ITSELF's own address: all ends, as of connected().  And who listens."""
    world.put("loadbalancers", "lb", networks=["net"], vip=VIP[version],
              ports=[{"port": 80, "target": PUSH_PORT}],
              backends=[{"port": name} for name in BACKENDS])
    wait_quiet(world.lab)
    listeners = {listen(stack, world.lab.vm(name), version): name
                 for name in BACKENDS}
    held = {name + " itself": connected_itself(stack, world, name, version,
                                               listeners) for name in ITSELF}
    for _ in range(100):
        made = connected(stack, world, VIP[version], 80, listeners)
        held.setdefault(made[1], made)
        if len(held) == len(ITSELF + BACKENDS):
            break
    assert len(held) == len(ITSELF + BACKENDS)
    for client, _, served in held.values():
        asks(client, served, "opened")
        pushes(client, served, "opened")
    return held, listeners


def moves(twin, version):
    """The guest goes on at its next host."""
    announce(twin)
    runs_by(twin.vm, version, "eth1")
    netns.ip(twin.vm.ns, "link set eth0 down")


@pytest.mark.parametrize("version, away", [(4, False), (6, True)],
                         ids=["IPv4", "IPv6 without vmnd"])
def test_what_backends_send_first_comes_from_the_virtual_ip(moving, version,
                                                            away):
    """Nothing is heard of the client since it has migrated; a backend that
    sends on, or once more, is not reset.  Nor is one whose own address the
    client is connected to."""
    world, twin = moving
    with contextlib.ExitStack() as stack:
        held, _ = hold_one_of_each(stack, world, version)
        prepare(world, twin)
        with vmnd_killed(world) if away else contextlib.nullcontext():
            moves(twin, version)
            for client, _, served in held.values():
                pushes(client, served, "moved")
                pushes(client, served, "more")
                asks(client, served, "moved")
        wait_activated(world)
        end(world)
        for client, _, served in held.values():
            pushes(client, served, "after")
            asks(client, served, "after")


def ends(client, served, reset):
    """The backend closes it, or is closed itself, and the client hears."""
    if reset:
        served.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                          struct.pack("ii", 1, 0))
    served.close()
    client.sock.settimeout(10 * netns.PATIENCE)
    if reset:
        with pytest.raises(ConnectionResetError):
            client.sock.recv(100)
    else:
        assert client.sock.recv(100) == b""


@contextlib.contextmanager
def grace(world, seconds):
    vmnd = world.lab.vmnd
    options = vmnd.options
    with vmnd_killed(world):
        vmnd.options = [*options, "--migration-grace=%d" % seconds]
    try:
        yield
    finally:
        with vmnd_killed(world):
            vmnd.options = options


def asked_flows(world):
    """The flows of h1 for what it is asked, by the port's own VNI."""
    return [flow for flow in flows(world.lab.host("h1")).values()
            if flow.table == TUNNEL_TABLE
            and flow.match.startswith("priority=110,tun_id=")]


@pytest.mark.parametrize("version, first", [(4, pushes), (6, asks)],
                         ids=["IPv4, backend first", "IPv6, client first"])
def test_host_that_it_has_left_is_asked_for_a_while(moving, version, first):
    """VM managers take the source's interface away at once, often before the
    guest has said anything."""
    world, twin = moving
    with contextlib.ExitStack() as stack:
        stack.enter_context(grace(world, 3600))
        held, _ = hold_one_of_each(stack, world, version)
        prepare(world, twin)
        moves(twin, version)
        wait_activated(world)
        end(world)
        for client, _, served in held.values():
            first(client, served, "after")
            pushes(client, served, "more")
            asks(client, served, "more")
        # From now on its new host knows them all.
        assert asked_flows(world)
        stack.enter_context(grace(world, 0))
        wait_for("the host that it has left to be no matter any more",
                 lambda: not asked_flows(world))
        for client, _, served in held.values():
            pushes(client, served, "later")


@pytest.mark.parametrize("version, ended", [(4, False), (6, True)],
                         ids=["IPv4", "IPv6, after its end"])
def test_backends_close_reset_and_refuse(moving, version, ended):
    """The kernel's conntrack takes a FIN or a reset of a connection that it
    does not know for invalid, as the host that is asked knows none to a
    backend itself.  All end, whenever they were opened."""
    world, twin = moving
    with contextlib.ExitStack() as stack:
        stack.enter_context(grace(world, 3600))
        held, listeners = hold_one_of_each(stack, world, version)
        more = {name: connected_itself(stack, world, name, version, listeners)
                for name in ITSELF}
        prepare(world, twin)
        moves(twin, version)
        wait_activated(world)
        if ended:
            end(world)
        else:
            wait_quiet(world.lab)
        for client, _, served in [*held.values(), *more.values()]:
            asks(client, served, "moved")
        for name in ITSELF:
            for reset in False, True:
                client, _, served = connected_itself(stack, world, name,
                                                     version, listeners)
                asks(client, served, "new")
                ends(client, served, reset)
        for client, _, served in held.values():
            ends(client, served, False)
        for client, _, served in more.values():
            ends(client, served, True)
        for listener in listeners:
            listener.close()
        for name in ITSELF:
            with pytest.raises(ConnectionRefusedError):
                connected_itself(stack, world, name, version, [])


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
