# SPDX-License-Identifier: Apache-2.0
"""Emulated hosts (tests/bench/swarm) treat several controllers and several
clients of their databases as Open vSwitch does: each test is of both.  What
test_cluster_history.py finds rests on that."""

import os
import shutil
import socket
import struct
import sys
import tempfile

import pytest
from vmnlab.daemon import find
from vmnlab.netns import PATIENCE, wait_for

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "../bench"))

from vmnbench import openflow as of  # noqa: E402
from vmnbench import ovsdb  # noqa: E402
from vmnbench.hosts import Host  # noqa: E402
from vmnbench.process import Processes, wait_for_socket  # noqa: E402
from vmnbench.swarm import Control  # noqa: E402

PACKET_OUT, ROLE_REQUEST, ROLE_REPLY, SET_ASYNC, ROLE_STATUS = (13, 24, 25, 28,
                                                                30)
NO_CHANGE, EQUAL, MASTER, SLAVE = range(4)
MONITOR_ADD, MONITOR_MODIFY = range(2)
IS_SLAVE, STALE = (1, 10), (11, 0)      # Types and codes of errors.
NO_GENERATION = (1 << 64) - 1


class Emulated:
    """One host of the swarm, of members "a" and "b"."""

    def __init__(self, processes, folder, targets):
        for name in targets:
            os.mkdir(os.path.join(folder, name))
        processes.start(
            "swarm", [os.path.join(os.path.dirname(find("vmnd")),
                                   "tests/bench/swarm/swarm"),
                      "--hosts=1", "--dir=" + folder]
            + ["--member=%s,%s" % pair for pair in targets.items()],
            folder + "/swarm.log")
        self.databases = [os.path.join(folder, name, "hv0.db")
                          for name in targets]
        wait_for_socket("the swarm", folder + "/control")
        self.control = Control(folder + "/control")


class Real:
    """Open vSwitch."""

    def __init__(self, processes, folder, targets):
        host = Host(processes, folder, 0)
        host.start({})
        self.databases = [host.db for _ in targets]
        self.control = None


class Controller:
    """Takes a switch's connection, and speaks OpenFlow on it."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(20 * PATIENCE)
        self.target = "tcp:127.0.0.1:%d" % self.listener.getsockname()[1]
        self.socket = None
        self.xid = 100

    def accept(self):
        self.socket, _ = self.listener.accept()
        self.socket.settimeout(20 * PATIENCE)
        self.socket.sendall(of.message(of.HELLO, 1))
        assert self.receive()[0] == of.HELLO

    def close(self):
        for one in (self.socket, self.listener):
            if one:
                one.close()

    def _read(self, n):
        data = b""
        while len(data) < n:
            part = self.socket.recv(n - len(data))
            assert part, "the switch has closed the connection"
            data += part
        return data

    def receive(self):
        """(type, body) of a message that is no echo and no port's status"""
        while True:
            head = self._read(8)
            _, kind, length, xid = struct.unpack("!BBHI", head)
            body = self._read(length - 8)
            if kind == of.ECHO_REQUEST:
                self.socket.sendall(of.message(of.ECHO_REPLY, xid, body))
            elif kind != 12:
                return kind, body

    def ask(self, kind, body):
        """Sends a message and a request for a barrier.  Returns what comes
        before the reply to that, {type: body}; errors as (type, code)."""
        return self.send(of.message(kind, self.next_xid(), body))

    def send(self, *messages):
        barrier = of.message(of.BARRIER_REQUEST, self.next_xid())
        self.socket.sendall(b"".join(messages) + barrier)
        found = {}
        while True:
            kind, body = self.receive()
            if kind == of.BARRIER_REPLY:
                return found
            found[kind] = (struct.unpack_from("!HH", body)
                           if kind == of.ERROR else body)

    def next_xid(self):
        self.xid += 1
        return self.xid

    def role(self, role, generation=0):
        """Returns (role, generation) or the error."""
        found = self.ask(ROLE_REQUEST, struct.pack("!I4xQ", role, generation))
        if of.ERROR in found:
            assert len(found) == 1
            return found[of.ERROR]
        return struct.unpack_from("!I4xQ", found[ROLE_REPLY])

    def want_role_status(self):
        assert self.ask(SET_ASYNC, b"".join(struct.pack(
            "!HHI", kind, 8, 7) for kind in (6, 7))) == {}

    def flow_mod(self):
        return of.flow_mod(self.next_xid(), of.ADD, 0, self.xid)

    def adds(self):
        """Whether it may add a flow; else the error."""
        return self.send(self.flow_mod()).get(of.ERROR, True)

    def bundle(self, kind):
        """An OPEN_REQUEST or so; returns the reply's kind, or the error."""
        found = self.send(of.control(kind, self.next_xid()))
        return found.get(of.ERROR) or struct.unpack_from(
            "!H", found[of.BUNDLE_CONTROL], 4)[0]

    def commits(self):
        """All of a bundle with a flow; returns whether it took, or the
        error."""
        found = self.send(of.control(of.OPEN_REQUEST, self.next_xid()),
                          of.added(self.flow_mod()),
                          of.control(of.COMMIT_REQUEST, self.next_xid()))
        return found.get(of.ERROR, True)


class Client(ovsdb.Connection):
    """Keeps what it is told of changes."""

    def __init__(self, path):
        self.told = []
        super().__init__(path, "Open_vSwitch")

    def _handle(self, message):
        if message.get("method") == "update2":
            self.told.append(message["params"][1])
        super()._handle(message)

    def watch(self):
        return self.call("monitor_cond", self.database, "m", {"Bridge": [
            {"columns": ["name", "external_ids"]}]})

    def controllers(self, targets):
        """{name: (role, is_connected)}"""
        result, = self.transact({
            "op": "select", "table": "Controller", "where": [],
            "columns": ["target", "role", "is_connected"]})
        rows = {row["target"]: (row["role"], row["is_connected"])
                for row in result["rows"]}
        return {name: rows.get(target) for name, target in targets.items()}


@pytest.fixture(name="place", params=[Emulated, Real])
def _place(request):
    """(the host, controller a, controller b), connected."""
    folder = tempfile.mkdtemp(prefix="vmnw.", dir="/tmp")
    processes = Processes()
    both = {name: Controller() for name in "ab"}
    targets = {name: one.target for name, one in both.items()}
    try:
        host = request.param(processes, folder, targets)
        host.targets = targets
        host.client = Client(host.databases[0])
        make_bridge(host)
        for one in both.values():
            one.accept()
        yield (host, *both.values())
        host.client.close()
        processes.check()
    finally:
        for one in both.values():
            one.close()
        processes.stop_all()
        shutil.rmtree(folder)


def make_bridge(host):
    rows = [{"op": "insert", "table": "Controller", "uuid-name": name,
             "row": {"target": target, "type": "service",
                     "max_backoff": 1000}}
            for name, target in host.targets.items()]
    rows += [
        {"op": "insert", "table": "Interface", "uuid-name": "i",
         "row": {"name": "br-int", "type": "internal"}},
        {"op": "insert", "table": "Port", "uuid-name": "p",
         "row": {"name": "br-int", "interfaces": ["named-uuid", "i"]}},
        {"op": "insert", "table": "Bridge", "uuid-name": "bridge",
         "row": {"name": "br-int", "fail_mode": "secure",
                 "protocols": "OpenFlow15",
                 "ports": ["named-uuid", "p"],
                 "controller": ovsdb.uuid_set(host.targets)}},
        {"op": "mutate", "table": "Open_vSwitch", "where": [],
         "mutations": [["bridges", "insert", ovsdb.uuid_set(["bridge"])],
                       ["next_cfg", "+=", 1]]}]
    host.client.transact(*rows)


def test_one_master(place):
    host, a, b = place
    assert a.adds() is True and b.adds() is True        # They are equal.
    assert a.role(NO_CHANGE) == (EQUAL, NO_GENERATION)
    a.want_role_status()
    assert a.role(MASTER, 10) == (MASTER, 10)
    assert b.role(SLAVE, 10) == (SLAVE, 10)
    assert a.commits() is True and a.commits() is True
    # A slave changes nothing.
    assert b.adds() == IS_SLAVE
    assert b.commits() == IS_SLAVE
    assert b.bundle(of.OPEN_REQUEST) == IS_SLAVE
    assert b.ask(PACKET_OUT, struct.pack(
        "!IH2x", of.NO_BUFFER, 0) + of.NO_MATCH)[of.ERROR] == IS_SLAVE
    # It knows of a later generation, and is not the master yet.
    assert b.role(SLAVE, 11) == (SLAVE, 11)
    assert a.commits() is True
    assert a.role(MASTER, 10) == STALE
    assert a.commits() is True
    # Another master, while a bundle of the former one is open.
    assert a.bundle(of.OPEN_REQUEST) == of.OPEN_REQUEST + 1
    assert b.role(MASTER, 11) == (MASTER, 11)
    kind, body = a.receive()
    assert kind == ROLE_STATUS
    assert struct.unpack_from("!IB3xQ", body) == (SLAVE, 0, 11)
    assert a.bundle(of.COMMIT_REQUEST) == IS_SLAVE
    assert a.adds() == IS_SLAVE
    assert a.role(MASTER, 10) == a.role(SLAVE, 10) == STALE
    assert a.role(NO_CHANGE) == (SLAVE, 11)
    assert b.commits() is True
    if host.control:
        log = host.control("writers", "hv0")["openflow"]
        assert log == [[a.target, 0, 1], [b.target, 0, 1], [a.target, 10, 4],
                       [b.target, 11, 1]]
    wait_for("the rows", lambda: host.client.controllers(host.targets)
             == {"a": ("slave", True), "b": ("master", True)}, 20)
    if host.control:
        assert host.control("roles", "hv0") == {a.target: "slave",
                                                b.target: "master"}
    # Equals need no generation; what is known of it outlives connections.
    assert a.role(EQUAL) == (EQUAL, 11)
    assert a.adds() is True
    b.socket.close()
    b.accept()
    assert b.role(NO_CHANGE) == (EQUAL, 11)
    assert b.role(MASTER, 10) == STALE
    # The circle of generations.
    for generation in (1 << 63, NO_GENERATION - 1, 5):
        assert b.role(MASTER, generation) == (MASTER, generation)
    wait_for("the rows", lambda: host.client.controllers(host.targets)
             == {"a": ("other", True), "b": ("master", True)}, 20)


def test_all_clients_are_told(place):
    host = place[0]
    others = [Client(path) for path in host.databases]
    for one in others:
        found = one.watch()["Bridge"]
        assert [row["initial"]["name"] for row in found.values()] == ["br-int"]
    uuid, = found
    # The one that makes the change is told of it before its reply.
    others[0].transact({"op": "mutate", "table": "Bridge", "where": [],
                        "mutations": [["external_ids", "insert",
                                       ovsdb.string_map({"x": "1"})]]})
    change = {"Bridge": {uuid: {"modify": {
        "external_ids": ovsdb.string_map({"x": "1"})}}}}
    for one in others:
        wait_for("it to be told", lambda one=one: one.told, 20)
        assert one.told[0]["Bridge"] == change["Bridge"]
    others[0].close()
    others[1].transact({"op": "update", "table": "Bridge", "where": [],
                        "row": {"external_ids": ovsdb.string_map({})}})
    wait_for("it to be told again", lambda: len(others[1].told) > 1, 20)
    others[1].close()


def updates(body):
    """[(event, table, priority, cookie)] of a reply to a flow monitor; of an
    abbreviated one the event alone."""
    found, at = [], 8
    while at < len(body):
        length, event = struct.unpack_from("!HH", body, at)
        if event < 4:
            found.append((event, *struct.unpack_from("!B5xH4xQ", body,
                                                     at + 4)))
        else:
            found.append((event,))
        at += length
    return found


def test_flow_monitor(place):
    """A slave is told of what the master does in one table."""
    _, a, b = place
    assert a.role(MASTER, 10) == (MASTER, 10)
    assert b.role(SLAVE, 10) == (SLAVE, 10)

    def mod(command, table, priority, cookie):
        return of.flow_mod(a.next_xid(), command, table, priority, cookie)

    def monitor(one, command):
        return updates(one.ask(of.MULTIPART_REQUEST, struct.pack(
            "!HH4xIIIHBB", 16, 0, 1, of.ANY, of.ANY, 15, 7, command)
            + of.NO_MATCH)[of.MULTIPART_REPLY])

    assert a.send(mod(of.ADD, 7, 1, 100), mod(of.ADD, 8, 1, 101)) == {}
    for one in (a, b):
        assert monitor(one, MONITOR_ADD) == [(0, 7, 1, 100)]
    found = a.send(of.control(of.OPEN_REQUEST, a.next_xid()), *map(of.added, (
        mod(of.ADD, 7, 2, 102), mod(of.ADD, 8, 2, 103),
        mod(of.ADD, 7, 1, 104), mod(of.DELETE_STRICT, 7, 2, 0))),
        of.control(of.COMMIT_REQUEST, a.next_xid()))
    # Of its own changes there is one sign.
    assert updates(found[of.MULTIPART_REPLY]) == [(4,)]
    told = []
    while len(told) < 3:
        kind, body = b.receive()
        assert kind == of.MULTIPART_REPLY
        told += updates(body)
    assert told == [(1, 7, 2, 102), (1, 7, 1, 104), (2, 7, 2, 102)]
    # It outlasts a change of the role, and tells all anew if it is modified.
    assert b.role(EQUAL, 10) == (EQUAL, 10)
    assert monitor(b, MONITOR_MODIFY) == [(0, 7, 1, 104)]
    assert set(a.send(mod(of.ADD, 7, 3, 105))) == {of.MULTIPART_REPLY}
    kind, body = b.receive()
    assert updates(body) == [(1, 7, 3, 105)]


@pytest.mark.parametrize("place", [Emulated], indirect=True)
def test_what_cannot_pass_comes_later(place):
    """A member's messages arrive once they can, in a world that has gone
    on."""
    host, a, b = place
    assert a.role(MASTER, 10) == (MASTER, 10)
    host.control("part", "hv0", "a", "in")
    a.socket.sendall(a.flow_mod())
    stuck = socket.socket(socket.AF_UNIX)
    stuck.connect(host.databases[0])
    stuck.sendall(b'{"method": "echo", "id": 7, "params": []}')
    assert b.role(MASTER, 11) == (MASTER, 11)
    assert b.adds() is True
    host.control("join", "hv0", "a")
    kind, body = a.receive()
    assert (kind, struct.unpack_from("!HH", body)) == (of.ERROR, IS_SLAVE)
    stuck.settimeout(20 * PATIENCE)
    assert b'"id":7' in stuck.recv(1000)
    stuck.close()
    # The other way: it is read, and answered once that can be.
    host.control("part", "hv0", "b", "out")
    b.socket.sendall(b.flow_mod() + of.message(of.BARRIER_REQUEST, 1))
    wait_for("it to be done", lambda: host.control("writers", "hv0")[
        "openflow"] == [[b.target, 11, 2]], 20)
    b.socket.setblocking(False)
    with pytest.raises(BlockingIOError):
        b.socket.recv(1)
    b.socket.settimeout(20 * PATIENCE)
    host.control("join", "hv0", "b")
    assert b.receive()[0] == of.BARRIER_REPLY
    # Neither way: no connection is made.
    host.control("part", "hv0", "b")
    host.control("drop", "hv0", "openflow")
    a.accept()
    b.listener.settimeout(1.5)
    with pytest.raises(socket.timeout):
        b.listener.accept()
    b.listener.settimeout(20 * PATIENCE)
    assert host.control("roles", "hv0") == {a.target: "other", b.target: None}
    host.control("join", "hv0", "b")
    b.accept()
    assert b.role(NO_CHANGE) == (EQUAL, 11)
