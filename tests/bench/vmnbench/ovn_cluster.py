# SPDX-License-Identifier: Apache-2.0
"""OVN's central part as it is made safe from failures: on each of three
machines a northbound and a southbound server, clustered (Raft), and an
ovn-northd, of which one is active.  All of them are on this machine; the
servers talk Raft over TCP on loopback, clients come by unix sockets, timers
are the defaults.  What is measured is a change's way from the northbound into
the southbound after one of them was killed.

There are no hosts and no ovn-controller: a host that has to find another
southbound server first takes longer than this says.  OVN with hosts, and
without failures, is ovn.py's."""

import os
import random
import re
import socket
import threading
import time

from . import ovsdb
from .process import Error, Processes, run, wait_for, wait_for_socket

SCHEMAS = "/usr/share/ovn/"
DATABASES = {"nb": "OVN_Northbound", "sb": "OVN_Southbound"}
MACHINES = range(3)
# What is changed: an external ID of this port, which ovn-northd copies.
PROBE = "w0"
# A client of a database waits for 1 s until it tries another server a second
# time, then for 2, 4 and 8 s; and for as long at once if the last connection
# has not been there for so long, which one in use has.  Seconds.
SETTLE = 10


def reserve_port():
    """A TCP port of loopback that nobody has, and the socket that keeps it
    from others until a server takes it.  It is none of those that the system
    gives to connections, one of which could have it while the server is
    down."""
    while True:
        port = random.randrange(10000, 32768)
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
            return sock, port
        except OSError:
            sock.close()


class OvnCluster:
    def __init__(self, directory, n_ports):
        self.dir = directory
        self.n_ports = n_ports
        self.processes = Processes()
        self.env = {"OVN_RUNDIR": directory, "OVS_RUNDIR": directory}
        self.turn = 0
        self.connections = {}   # name of a server -> Connection.

    def path(self, name):
        return os.path.join(self.dir, name)

    def remotes(self, kind):
        return ",".join("unix:" + self.path("%s%d.sock" % (kind, m))
                        for m in MACHINES)

    # Processes.

    def start(self):
        for kind in DATABASES:
            self._create(kind)
        for machine in MACHINES:
            self._start("northd%d" % machine)
        self._fill()
        self.await_whole()

    def _create(self, kind):
        reserved = [reserve_port() for _ in MACHINES]
        addresses = ["tcp:127.0.0.1:%d" % port for _, port in reserved]
        for machine in MACHINES:
            name = "%s%d" % (kind, machine)
            if machine == 0:
                run(["ovsdb-tool", "create-cluster", self.path(name + ".db"),
                     SCHEMAS + "ovn-%s.ovsschema" % kind, addresses[0]])
            else:
                run(["ovsdb-tool", "join-cluster", self.path(name + ".db"),
                     DATABASES[kind], addresses[machine], addresses[0]])
            reserved[machine][0].close()
            self._start(name)
            wait_for(name + " to have joined",
                     lambda n=name: self._status(n, "Status")
                     == "cluster member")
        run(["ovn-%sctl" % kind, "--db=" + self.remotes(kind), "init"],
            self.env)

    def _start(self, name):
        """A server of a database, such as "nb0", or "northd0"."""
        unixctl = "--unixctl=" + self.path(name + ".ctl")
        if name.startswith("northd"):
            args = ["ovn-northd", "--ovnnb-db=" + self.remotes("nb"),
                    "--ovnsb-db=" + self.remotes("sb"), unixctl]
        else:
            args = ["ovsdb-server", self.path(name + ".db"), unixctl,
                    "--remote=punix:" + self.path(name + ".sock")]
        log = "--log-file=" + self.path(name + ".log")
        self.processes.start(name, args + ["-vconsole:off", log],
                             self.path(name + ".out"), self.env)
        wait_for_socket(name, self.path(name + ".ctl"))
        if name[:2] in DATABASES:
            wait_for_socket(name, self.path(name + ".sock"))

    def _runs(self, name):
        process = self.processes.running.get(name)
        return process is not None and process.poll() is None

    def kill(self, *names):
        for name in names:
            self.processes.running[name].kill()
        for name in names:
            self.processes.running.pop(name).wait()
            connection = self.connections.pop(name, None)
            if connection:
                connection.close()

    def stop(self):
        for connection in self.connections.values():
            connection.close()
        self.processes.stop_all()

    # Who is what.

    def _appctl(self, name, *words):
        """What it answers; nothing if it does not."""
        return run(["ovs-appctl", "-T", "10", "-t", self.path(name + ".ctl"),
                    *words], self.env, check=False)

    def _status(self, name, key):
        found = re.search("^%s: (.*)$" % key, self._appctl(
            name, "cluster/status", DATABASES[name[:2]]), re.M)
        return found and found[1]

    def leader(self, kind):
        """The server of that database that leads the others, or None."""
        return next((name for name in ("%s%d" % (kind, m) for m in MACHINES)
                     if self._runs(name)
                     and self._status(name, "Role") == "leader"), None)

    def active(self):
        """The ovn-northd that is not on standby, or None."""
        return next((name for name in ("northd%d" % m for m in MACHINES)
                     if self._runs(name) and "active" in self._appctl(
                         name, "status")), None)

    def _stands(self, name):
        """Whether an ovn-northd is connected to both databases."""
        return all(self._appctl(name, kind + "-connection-status").strip()
                   == "connected" for kind in DATABASES)

    def await_whole(self):
        """Starts what was killed, and waits until all is as it was at the
        beginning: each server has a last change, one leads the others, one
        ovn-northd is active, and each is connected."""
        for machine in MACHINES:
            for kind in (*DATABASES, "northd"):
                name = "%s%d" % (kind, machine)
                if not self._runs(name):
                    self._start(name)
        for kind in DATABASES:
            wait_for("a leader of the servers of %s" % kind,
                     lambda k=kind: self.leader(k))
        for machine in MACHINES:
            wait_for("northd%d to be connected" % machine,
                     lambda m=machine: self._stands("northd%d" % m))
        wait_for("an active ovn-northd", self.active)
        self._connect()
        self._await_change()

    def _await_change(self):
        self._change(list(self._of("nb")))
        wait_for("the change at all servers", lambda: all(
            self._shows(server) for server in self._of("sb")))

    def gather(self):
        """Makes one machine's servers lead both databases, and its ovn-northd
        the active one.  Returns the names of the three."""
        while self.leader("nb")[-1] != self.leader("sb")[-1]:
            former, wanted = self.leader("nb")[-1], self.leader("sb")[-1]
            third = "nb%d" % (sum(MACHINES) - int(former) - int(wanted))
            self._appctl(third, "cluster/failure-test", "delay-election")
            self.kill("nb" + former)
            wait_for("another leader", lambda: self.leader("nb"))
            self._appctl(third, "cluster/failure-test", "clear")
            self.await_whole()
        machine = self.leader("sb")[-1]
        others = ["northd%d" % m for m in MACHINES if str(m) != machine]
        for name in others:
            self._appctl(name, "pause")
        wait_for("northd%s to be active" % machine,
                 lambda: self.active() == "northd" + machine)
        for name in others:
            self._appctl(name, "resume")
        self.await_whole()
        return ["nb" + machine, "sb" + machine, "northd" + machine]

    # Changes.

    def _of(self, kind):
        return (connection for name, connection in sorted(
            self.connections.items()) if name.startswith(kind))

    def _connect(self):
        for machine in MACHINES:
            for kind, database in DATABASES.items():
                name = "%s%d" % (kind, machine)
                if name in self.connections:
                    continue
                connection = ovsdb.Connection(self.path(name + ".sock"),
                                              database)
                self.connections[name] = connection
                if kind == "sb":
                    connection.monitor(Port_Binding=["logical_port",
                                                     "external_ids"])

    def _fill(self):
        """One network with all ports, and a rule for all."""
        names = ["w%d" % i for i in range(self.n_ports)]
        ovsdb.transact_once(
            self.path("nb0.sock"), DATABASES["nb"],
            *({"op": "insert", "table": "Logical_Switch_Port",
               "uuid-name": name, "row": {
                   "name": name, "addresses": "02:00:00:00:%02x:%02x "
                   "10.0.%d.%d" % (*divmod(i + 2, 256), *divmod(i + 2, 256))}}
              for i, name in enumerate(names)),
            {"op": "insert", "table": "Logical_Switch", "row": {
                "name": "n0", "ports": ovsdb.uuid_set(names)}})

    def _write(self, connection, taken):
        """Asks a server again until it, or another one, takes the change."""
        while not taken.is_set():
            try:
                connection.transact(
                    {"op": "update", "table": "Logical_Switch_Port",
                     "where": [["name", "==", PROBE]], "row": {
                         "external_ids": ovsdb.string_map(
                             {"turn": str(self.turn)})}})
                taken.set()
            except (Error, OSError):
                time.sleep(0.005)

    def _change(self, connections):
        """Has a change taken by whichever server does so first."""
        self.turn += 1
        taken = threading.Event()
        for connection in connections:
            threading.Thread(target=self._write, args=(connection, taken),
                             daemon=True).start()
        if not taken.wait(60):
            taken.set()         # Ends the threads.
            raise Error("no northbound server takes a change")

    def _shows(self, connection):
        """Whether a southbound server has the last change."""
        with connection.changed:
            return any(
                row["logical_port"] == PROBE
                and ["turn", str(self.turn)] in row["external_ids"][1]
                for row in connection.rows.get("Port_Binding", {}).values())

    def fail(self, *names):
        """Kills these.  Returns the seconds until a change is taken by a
        northbound server that is left, and until a southbound server has
        it."""
        start = time.monotonic()
        self.kill(*names)
        self._change(list(self._of("nb")))
        taken = time.monotonic() - start
        left = list(self._of("sb"))
        wait_for("the change in the southbound",
                 lambda: any(self._shows(server) for server in left),
                 step=0.002)
        return taken, time.monotonic() - start

    def failovers(self):
        """Yields (what failed, its times)."""
        for what, find in (
                ("the active ovn-northd killed", lambda: [self.active()]),
                ("the leader of the southbound killed",
                 lambda: [self.leader("sb")]),
                ("the leader of the northbound killed",
                 lambda: [self.leader("nb")]),
                ("the machine gone that is all three", self.gather)):
            names = find()
            time.sleep(SETTLE)
            self._await_change()
            yield what, self.fail(*names)
            self.await_whole()
