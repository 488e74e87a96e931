# SPDX-License-Identifier: Apache-2.0
"""What conntrack of the kernel's datapath does: SCTP as connections, with
sockets of the kernel's own, which is that datapath's alone; and helpers, which
are to open nothing.  `tests/run kernel` has a kernel with that datapath."""

import socket

import pytest
from conftest import entry, kernel_only, rule

from vmnlab.netns import PATIENCE, socket_in, wait_for

SECONDS = 1.0 * PATIENCE        # For what may be kept from arriving.
LONG = 10.0 * PATIENCE          # For what is to arrive.
FTP = 21


@pytest.fixture
def trio(world):
    """A client and two servers on two hosts; groups by their role."""
    world.network("net")
    vms = [world.vm(name, "net", host, labels={"role": name}, tcp=[80])
           for name, host in (("cli", "h1"), ("srv", "h2"), ("oth", "h1"))]
    for name in ("cli", "srv", "oth"):
        world.group(name, "role=" + name)
    for a in vms:
        for b in vms:
            assert a is b or world.reaches(a, b)
    return vms


class Pair:
    """A listener of 'b', and what connects to it from 'a'; 'kind' is a
    protocol of sockets that are connected."""

    def __init__(self, a, b, port, protocol):
        self.a, self.b, self.port, self.protocol = a, b, port, protocol
        self.listener = self._socket(b)
        self.listener.bind((b.ip, port))
        self.listener.listen()
        self.near = self.far = None

    def _socket(self, vm):
        sock = socket_in(vm.ns, socket.AF_INET, socket.SOCK_STREAM,
                         self.protocol)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.settimeout(SECONDS)
        return sock

    def connect(self, source=0):
        """Whether they can be connected."""
        self.near = self._socket(self.a)
        self.near.bind((self.a.ip, source))
        try:
            self.near.connect((self.b.ip, self.port))
            self.far, _ = self.listener.accept()
        except OSError:         # Refused, or nothing for all that time.
            self.near.close()
            self.near = None
            return False
        self.far.settimeout(SECONDS)
        return True

    def passes(self, seconds=LONG):
        """Whether what either says arrives at the other."""
        for end in (self.near, self.far):
            end.settimeout(seconds)
        return all(self._arrives(*ends) for ends in (
            (self.near, self.far), (self.far, self.near)))

    @staticmethod
    def _arrives(one, other):
        try:
            one.send(b"hello")
            return bool(other.recv(100))
        except OSError:
            return False

    def close(self):
        for sock in (self.near, self.far, self.listener):
            if sock:
                sock.close()


@pytest.fixture
def pairs():
    """Makes Pairs, and closes them."""
    made = []

    def make(*args):
        made.append(Pair(*args))
        return made[-1]
    yield make
    for pair in made:
        pair.close()


def await_connection(pair, source=0):
    """A SYN may meet a flow that the datapath has cached before the rule came,
    and SECONDS are less than its repetition takes."""
    wait_for("a connection to %s port %d" % (pair.b.name, pair.port),
             lambda: pair.connect(source))


def sctp(pairs, a, b, port):
    return pairs(a, b, port, socket.IPPROTO_SCTP)


@kernel_only
def test_sctp_is_judged_as_connections(world, trio, pairs):
    """By its ports; and what answers needs no rule of its own."""
    cli, srv, oth = trio
    await_connection(sctp(pairs, oth, srv, 4999))
    world.policy("in", "srv", rule("ingress", "allow", ["cli"],
                                   [entry("sctp", "5000-5001")]))
    world.policy("back", "cli", rule("ingress", "allow", ["oth"]))
    world.revalidated()
    held = sctp(pairs, cli, srv, 5001)
    await_connection(held)
    assert held.passes()
    assert not sctp(pairs, cli, srv, 5002).connect()
    assert not sctp(pairs, oth, srv, 5000).connect()
    # Between the same two addresses and the other way round it is another
    # connection.
    assert not sctp(pairs, srv, cli, 5001).connect()
    assert held.passes()


@kernel_only
def test_sctp_that_is_open_is_judged_anew(world, trio, pairs):
    cli, srv, _ = trio
    allowed = rule("ingress", "allow", ["cli"], [entry("sctp", 5000)])
    world.policy("in", "srv", allowed)
    held = sctp(pairs, cli, srv, 5000)
    await_connection(held)
    assert held.passes()
    world.policy("in", "srv", rule("ingress", "allow", ["oth"]))
    wait_for("the association to be cut", lambda: not held.passes(
        SECONDS), 20)
    assert not held.passes(SECONDS)


def test_no_helper_of_conntrack_opens_a_port(world, trio, pairs):
    """A client of FTP says where it listens, as it would to a server of active
    FTP.  With a helper, conntrack would call what the server then opens
    related to the connection; without a rule it is still not let in."""
    cli, srv, _ = trio
    world.policy("in", "srv", rule("ingress", "allow", ["cli"],
                                   [entry("tcp", FTP)]))
    world.policy("none", "cli", rule("ingress", "allow", ["oth"]))
    world.revalidated()
    control = pairs(cli, srv, FTP, socket.IPPROTO_TCP)
    await_connection(control)
    assert control.passes()
    data = pairs(srv, cli, 5010, socket.IPPROTO_TCP)
    where = (cli.ip + "." + str(5010 // 256) + "." + str(5010 % 256)).replace(
        ".", ",")
    control.near.send(b"PORT %s\r\n" % where.encode())
    assert b"PORT" in control.far.recv(100)
    control.far.send(b"200 PORT command successful.\r\n")
    assert control.near.recv(100)
    assert not data.connect(20)
    # It is heard where a rule lets it in.
    world.policy("none", "cli", rule("ingress", "allow", ["srv"],
                                     [entry("tcp", 5010)]))
    await_connection(data, 20)
    assert data.passes()
