# SPDX-License-Identifier: Apache-2.0
"""What happens to members of a cluster, at random: processes that die or
sleep, machines that lose their power, wires that are cut, disks that are full
or slow, clocks that jump, hosts that do not see a member."""

import os
import resource
import signal
import subprocess
import time

from cluster import WIRES
from faults import Faults


class Chaos:
    """Hurts one thing after the other, and mends it a little later."""

    def __init__(self, rng, library):
        """'library' is that of faults.build()."""
        self.rng = rng
        self.library = library
        self.cluster = None
        self.hosts = None       # A cluster_swarm.Hosts, if there are any.
        self.mends = []         # (when, member, what)
        self.done = []
        self.cut_ways = set()   # (member, other, wire)

    def prepare(self, member):
        """Has its processes be ones that can be hurt; before they start."""
        member.faults = Faults(self.library, member.path("faults"))
        member.prefix = member.faults.prefix
        member.server_faults = Faults(self.library, member.path("db.faults"))
        # What cannot be written is an error, and no end.
        member.server_prefix = [
            "env", "--ignore-signal=XFSZ", *member.server_faults.prefix]

    def run(self, cluster, seconds, hosts=None):
        self.cluster = cluster
        self.hosts = hosts
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.mend(time.monotonic())
            self.hurt()
            time.sleep(self.rng.uniform(0.05, 1.0))
        self.mend(None)

    def mend(self, now):
        """What is due by then; None: all."""
        for entry in sorted(self.mends, key=lambda e: e[0]):
            if now is None or entry[0] <= now:
                self.mends.remove(entry)
                entry[2]()

    def later(self, member, seconds, mend):
        self.mends.append((time.monotonic() + seconds, member, mend))

    def soon(self, member, mend):
        self.later(member, self.rng.uniform(0.1, 4), mend)

    def hurt(self):
        """Mostly one member at a time: without a majority nothing goes on."""
        hurt = {m for _, m, _ in self.mends}
        member = self.rng.choice(self.cluster.members)
        if hurt - {member} and self.rng.random() < 0.85:
            return
        # The writer is hurt more often.
        if not hurt and self.rng.random() < 0.5:
            member = next((m for m in self.cluster.members if m.runs()
                           and "role: writer" in m.last_status()), member)
        kinds = [self.kill, self.sleep, self.kill_server, self.sleep_server,
                 self.kill_machine, self.lose_power, self.cut, self.cut_db,
                 self.cut_vmnd, self.cut_way, self.transfer, self.drop,
                 self.fill, self.fill_server, self.slow, self.slow_server,
                 self.shift, self.shift_server]
        if self.hosts:
            kinds += [self.part, self.part_way, self.part_all, self.isolate,
                      self.drop_hosts, self.move]
        kind = self.rng.choice(kinds)
        self.done.append("%s %s" % (kind.__name__, member.name))
        kind(member)

    # Processes.  ----------------------------------------------------------

    def kill(self, member):
        if member.runs():
            member.kill()
            self.later(member, self.rng.uniform(0, 2),
                       lambda: self.start(member))

    def start(self, member):
        if not member.runs():
            member.spawn()

    def sleep(self, member):
        self._sleep(member, member.process)

    def sleep_server(self, member):
        self._sleep(member, member.server)

    def _sleep(self, member, process):
        """For 0.1 to 10 s, mostly less than 4."""
        if process.poll() is None:
            process.send_signal(signal.SIGSTOP)
            self.later(member, self.rng.choice([
                self.rng.uniform(0.1, 4)] * 3 + [self.rng.uniform(4, 10)]),
                       lambda: process.poll() is None
                       and process.send_signal(signal.SIGCONT))

    def kill_machine(self, member):
        """Both at once; the others are told by the kernel that they are
        gone."""
        for process in (member.process, member.server):
            if process.poll() is None:
                process.kill()
        for process in (member.process, member.server):
            process.wait()
        self.later(member, self.rng.uniform(0, 3),
                   lambda: self.start_machine(member))

    def lose_power(self, member):
        """The same, and nobody is told: they hear nothing any more."""
        for wire in WIRES:
            self.cluster.set_wire(member, wire, False)
        self.kill_machine(member)

    def start_machine(self, member):
        for wire in WIRES:
            self.cluster.set_wire(member, wire, True)
        self.start_server(member)
        self.start(member)

    def kill_server(self, member):
        if member.server.poll() is None:
            member.kill_server()
            self.later(member, self.rng.uniform(0, 2),
                       lambda: self.start_server(member))

    def start_server(self, member):
        if member.server.poll() is not None:
            member.spawn_server()

    def transfer(self, member):
        if member.runs():
            member.ctl_nowait("cluster/transfer")

    # Wires.  --------------------------------------------------------------

    def cut(self, member):
        """From all others."""
        self._cut(member, *WIRES)

    def cut_db(self, member):
        self._cut(member, "db")

    def cut_vmnd(self, member):
        """What it asks others, and they it, and what clients write by it."""
        self._cut(member, "vmnd")

    def _cut(self, member, *wires):
        def join():
            for wire in wires:
                self.cluster.set_wire(member, wire, True)

        for wire in wires:
            self.cluster.set_wire(member, wire, False)
        self.soon(member, join)

    def cut_way(self, member):
        """What its server, or its vmnd, sends to another is lost."""
        way = (member, self.rng.choice([m for m in self.cluster.members
                                        if m is not member]),
               self.rng.choice(WIRES))
        if way not in self.cut_ways:
            self.cut_ways.add(way)
            self.cluster.set_way(*way, False)
            self.soon(member, lambda: self.join_way(way))

    def join_way(self, way):
        self.cut_ways.remove(way)
        self.cluster.set_way(*way, True)

    def drop(self, member):
        """All connections of its server's clients."""
        if member.server.poll() is None:
            subprocess.Popen(["timeout", "2", "ovs-appctl", "-t",
                              member.path("db.ctl"), "ovsdb-server/reconnect"],
                             stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)

    # Hosts.  --------------------------------------------------------------

    def part(self, member):
        """It and half of the hosts do not see each other."""
        self._part(member, self._half())

    def part_way(self, member):
        """What it sends to half of them does not arrive, or what they
        send."""
        self._part(member, self._half(), self.rng.choice(["in", "out"]))

    def part_all(self, member):
        self._part(member, self.hosts.names,
                   *self.rng.choice([[], ["in"], ["out"]]))

    def isolate(self, member):
        """Neither the others nor half of the hosts see its machine.  What it
        has sent to these arrives once another one may be the writer."""
        self.cut(member)
        self._part(member, self._half(), *self.rng.choice(
            [[], ["in"], ["out"]]))

    def _half(self):
        names = self.hosts.names
        return self.rng.sample(names, len(names) // 2)

    def _part(self, member, names, *way):
        for name in names:
            self.hosts.part(name, member, *way)
        self.soon(member, lambda: [self.hosts.join(name, member)
                                   for name in names])

    def drop_hosts(self, _):
        """All connections of some."""
        for name in self._half():
            self.hosts.control("drop", name, *self.rng.choice(
                [[], ["openflow"], ["ovsdb"]]))

    def move(self, _):
        """Some interfaces go to other hosts."""
        for interface in self.rng.sample(sorted(self.hosts.place), 3):
            self.hosts.plug(interface, self.rng.choice(self.hosts.names))

    # Disks and clocks.  ---------------------------------------------------

    def fill(self, member):
        """One that is starting could not open its state, and would end."""
        process = member.process
        if process.poll() is None and os.path.exists(member.path("vmnd.sock")):
            fill(process, member.state)
            self.soon(member, lambda: limit_files(
                process, resource.RLIM_INFINITY))

    def fill_server(self, member):
        """It takes no part any more, and has to be started again."""
        if member.server.poll() is None:
            fill(member.server, member.path("cluster.db"))
            self.soon(member, lambda: self.restart_server(member))

    def restart_server(self, member):
        if member.server.poll() is None:
            member.kill_server()
        member.spawn_server()

    def slow(self, member):
        self._slow(member, member.faults)

    def slow_server(self, member):
        self._slow(member, member.server_faults)

    def _slow(self, member, faults):
        faults.slow_disk(self.rng.uniform(50, 500))
        self.soon(member, lambda: faults.slow_disk(0))

    def shift(self, member):
        """Less than idempotency keys are kept, whichever two are compared."""
        self._shift(member, member.faults)

    def shift_server(self, member):
        self._shift(member, member.server_faults)

    def _shift(self, member, faults):
        faults.shift_clock(self.rng.uniform(-10, 10) * 3600)
        self.soon(member, lambda: faults.shift_clock(0))


def fill(process, path):
    """No file of it can be longer than half of this one is now."""
    limit_files(process, os.path.getsize(path) // 2)


def limit_files(process, size):
    if process.poll() is None:
        try:
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE,
                             (size, resource.RLIM_INFINITY))
        except ProcessLookupError:
            pass                # It has ended just now.
