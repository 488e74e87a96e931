# SPDX-License-Identifier: Apache-2.0
"""Emulated hosts (tests/bench/swarm) of a cluster, which can be cut off from
one member, and what is to be true of them in the end.  Not for whom they obey
(cluster_masters.py)."""

import json
import os
import signal
import subprocess
import sys

from vmnlab.daemon import find
from vmnlab.netns import Error, wait_for

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "../bench"))

from vmnbench.swarm import Control  # noqa: E402


def prepare(member):
    """Before its vmnd is started: for each host it finds a socket of its own
    at the one path that all members know."""
    member.prefix = ["env", "--chdir=" + member.dir, *member.prefix[1:]]


class Hosts:
    """'n' hosts of the members, whose folders are in 'folder'."""

    def __init__(self, folder, members, n):
        self.members = members
        self.names = ["hv%d" % i for i in range(n)]
        self.place = {}         # Of an interface: its host.
        self.control = None
        self.log = os.path.join(folder, "swarm.log")
        program = os.path.join(os.path.dirname(find("vmnd")),
                               "tests/bench/swarm/swarm")
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                [program, "--hosts=%d" % n, "--dir=" + folder]
                + ["--member=%s,unix:%s" % (m.name, m.path("of.sock"))
                   for m in members],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        try:
            wait_for("the swarm", lambda: self._connect(
                os.path.join(folder, "control")), 60)
        except BaseException:
            self.end()
            raise

    def _connect(self, path):
        assert self.process.poll() is None, "the swarm has ended"
        try:
            self.control = Control(path)
        except OSError:
            return False
        return True

    def objects(self):
        return [{"type": "hosts", "name": name, "spec": {
            "ovsdb": "unix:/proc/self/cwd/%s.db" % name,
            "tunnel_ip": "10.255.0.%d" % (1 + i)}}
            for i, name in enumerate(self.names)]

    def plug(self, interface, host):
        """Also moves it."""
        self.control("plug", host, interface)
        before = self.place.get(interface, host)
        if before != host:
            self.control("unplug", before, interface)
        self.place[interface] = host

    def part(self, host, member, *way):
        self.control("part", host, member.name, *way)

    def join(self, host, member):
        self.control("join", host, member.name)

    def end(self):
        if self.control:
            self.control.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()

    # In the end.  ---------------------------------------------------------

    def check(self, find_writer):
        """Once all members follow: that all hosts are as the members say.  The
        writer may change meanwhile."""
        wait_for("the writer to have all hosts",
                 lambda: self._are_synced(find_writer()), 60)
        wait_for("the others to know that they are so", lambda: all(
            map(self._are_synced, self.members)), 60)
        try:
            wait_for("all hosts to be exact",
                     lambda: find_writer() and self.differences() == {}, 60)
        except Error:
            raise AssertionError("not as the members say: %r" %
                                 self.differences()) from None

    @staticmethod
    def _ask(member, what):
        """Returns what it says, or {} if it does not."""
        try:
            return json.loads(member.ctl(what, check=False))
        except ValueError:
            return {}

    def _are_synced(self, member):
        stats = self._ask(member, "fabric/stats")
        return (stats.get("connected") == len(self.names)
                == stats.get("synced"))

    def differences(self):
        """{host: (what it has, what each member says)}"""
        wanted = [self._ask(member, "fabric/digest")
                  for member in self.members]
        found = self.control("digest", "all")
        return {host: (found[host], [w.get(host) for w in wanted])
                for host in found
                if {w.get(host) for w in wanted} != {found[host]}}
