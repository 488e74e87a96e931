# SPDX-License-Identifier: Apache-2.0
"""Members of a cluster, each with a server of the database beside it, and the
emulated hypervisors (tests/bench/swarm) of all.  All members find a
host's database at the same path, below the folder that they run in."""

import http.client
import json
import os
import resource
import time
import uuid

from vmnlab.api import Refused

from .process import Error, Processes, cpu_seconds, memory_mib, wait_for
from .swarm import Control, unixctl

OTHER_FILES = 200               # Of a process, beside those of hosts.
CHECKED = 300                   # Hosts, about.
SUCCEEDED = 4                   # Status of a writer that is it no more.


class Hosts:
    """Hosts hv0, hv1, ... of 'members', in as many processes as it takes for
    their sockets: 'files' of each host."""

    def __init__(self, directory, program, n_hosts, members, files,
                 options=()):
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1] - OTHER_FILES
        n_processes = -(-n_hosts * files // most)
        self.n_hosts = n_hosts
        self.each = -(-n_hosts // n_processes)
        self.processes = Processes()
        self.controls = []
        for first in range(0, n_hosts, self.each):
            name = "control-%d" % first if first else "control"
            self.processes.start(
                "swarm:%d" % first,
                ["sh", "-c", 'ulimit -n $(ulimit -Hn) && exec "$@"', "sh",
                 program, "--first=%d" % first, "--dir=" + directory,
                 "--hosts=%d" % min(self.each, n_hosts - first)]
                + ["--member=%s,unix:%s" % (m.name, m.path("of.sock"))
                   for m in members] + list(options),
                os.path.join(directory, "swarm.log"))
            wait_for("the swarm", lambda path=os.path.join(
                directory, name): self._connect(path))

    def _connect(self, path):
        self.processes.check()
        try:
            self.controls.append(Control(path))
        except OSError:
            return False
        return True

    def plug(self, host, *names):
        self.controls[host // self.each]("plug", "hv%d" % host, *names)

    def _stats(self, what):
        return [control("stats")[what] for control in self.controls]

    def total(self, *what):
        return sum(sum(self._stats(one)) for one in what)

    def sent(self):
        """How many flow and group mods all hosts have had."""
        return self.total("flow_adds", "flow_deletes", "group_mods")

    def last_commit(self):
        """When a host was changed last, by time.monotonic()."""
        return max(self._stats("last_commit_us")) / 1e6

    def digests(self):
        found = {}
        for control in self.controls:
            found.update(control("digest", "all"))
        return found

    def memory(self):
        return sum(self.processes.memory("swarm"))

    def objects(self):
        return [{"type": "hosts", "name": "hv%d" % i, "spec": {
            "ovsdb": "unix:/proc/self/cwd/hv%d.db" % i,
            "tunnel_ip": "10.255.%d.%d" % (i // 250, 1 + i % 250)}}
            for i in range(self.n_hosts)]

    def stop(self):
        for control in self.controls:
            control.close()
        self.processes.stop_all()


class Town:
    """'cluster' (tests/system/cluster.py) and its 'hosts'."""

    def __init__(self, cluster, hosts):
        self.cluster = cluster
        self.hosts = hosts
        self.gone = set()       # Members that were killed.
        self.n_succeeded = 0    # Writers that were not, and ended.
        self.writer = None
        self.find_writer()

    # Asking and telling.

    def find_writer(self):
        self.writer = self.cluster.writer()

    def check(self):
        """Raises if a process has ended by itself, but for a writer that was
        succeeded: that is started again, as its service does."""
        self.hosts.processes.check()
        for member in self.cluster.members:
            if member.runs() or member in self.gone:
                continue
            if member.process.returncode != SUCCEEDED:
                raise Error("member %s has ended with status %s" % (
                    member.name, member.process.returncode))
            self.n_succeeded += 1
            member.start()

    def call(self, method, target, body=None, seconds=120, **query):
        """Asks the writer, and whoever is it then."""
        headers = {} if method == "GET" else {
            "Idempotency-Key": '"%s"' % uuid.uuid4()}
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self.writer.api.call(method, "/v1/" + target, body,
                                            headers, **query)
            except (OSError, http.client.HTTPException, Refused) as error:
                if time.monotonic() > deadline or (
                        isinstance(error, Refused) and error.status != 503):
                    raise Error("%s %s: %s" % (method, target,
                                               error)) from error
            time.sleep(0.005)
            self.check()
            self.find_writer()

    def write(self, method, target, spec=None):
        """Until it is installed on every host concerned."""
        reply = self.call(method, target, spec and {"spec": spec},
                          wait="installed", timeout="60s")
        if reply["outcome"] == "unchanged":
            raise Error("%s: nothing changed" % target)
        if not reply["receipt"]["installed"]:
            self.wait_revision(reply["revision"])

    def items(self, kind):
        found, after = [], {}
        while True:
            page = self.call("GET", kind, limit=1000, **after)
            found += page["items"]
            if "next" not in page:
                return found
            after = {"after": page["next"]}

    def offer(self, target, spec):
        """Asks all members that are there until one takes the change; returns
        its revision."""
        while True:
            for member in self.cluster.members:
                if not member.runs():
                    continue
                try:
                    return member.api.put(target, spec)["revision"]
                except (OSError, http.client.HTTPException, Refused):
                    time.sleep(0.005)

    # Waiting.

    def members(self):
        """{name: what the writer says of it}"""
        return {one["name"]: one for one in self.call(
            "GET", "cluster")["members"]}

    def wait_listed(self):
        """Until the writer hears each member, and each has as many hosts as
        the writer."""
        def are_listed():
            found = self.members().values()
            return (len(found) == len(self.cluster.members)
                    and "away" not in {one["role"] for one in found}
                    and len({one["hosts"] for one in found}) == 1)

        wait_for("all members", are_listed, 300, 0.05)

    def stats(self, member):
        return json.loads(unixctl(member.path("vmnd.ctl"), "fabric/stats"))

    def _has_all(self, member):
        self.check()
        try:
            stats = self.stats(member)
        except OSError:
            return False        # It has just been started.
        return self.hosts.n_hosts == stats["connected"] == stats["synced"]

    def wait_synced(self, member, seconds=1200):
        """Until it has all hosts, and they all that it knows of."""
        wait_for("all hosts of " + member.name,
                 lambda: self._has_all(member), seconds, 0.02)

    def wait_all_synced(self):
        for member in self.cluster.members:
            self.wait_synced(member)

    def wait_revision(self, number, seconds=300):
        """Until it is installed."""
        wait_for("revision %d" % number, lambda: self.call(
            "GET", "revisions/%d" % number)["receipt"]["installed"],
            seconds, 0.002)

    def wait_settled(self):
        """Until every host has the newest revision."""
        self.wait_revision(self.call("GET", "networks", limit=1)["revision"],
                           1200)

    def wait_quiet(self):
        """Until all members have all batches, and know that all hosts have
        them."""
        for member in self.cluster.members:
            wait_for("%s to follow" % member.name,
                     lambda m=member: self.cluster.follows(m), 300, 0.05)
        self.wait_all_synced()

    # What it costs.

    def cpu(self):
        """Seconds of each process so far: {(name, pid): seconds}, name
        "servers" of those of the database."""
        found = {}
        for member in self.cluster.members:
            for name, process in ((member.name, member.process),
                                  ("servers", member.server)):
                if process.poll() is None:
                    found[name, process.pid] = cpu_seconds(process.pid)
        return found

    def memory(self):
        """MiB: {name: of its vmnd}, and of all servers"""
        return {m.name: memory_mib(m.process.pid)
                for m in self.cluster.members}, sum(
                    memory_mib(m.server.pid) for m in self.cluster.members)

    # In the end.

    def differences(self):
        """Hosts, of at most some hundreds, that do not hold just what each
        member wants: {(member, host): (holds, wanted)}.  One host at a time:
        while a member computes what all hosts should have it does nothing
        else, and the others take it for dead."""
        holds, found = self.hosts.digests(), {}
        for host in sorted(holds)[::max(1, len(holds) // CHECKED)]:
            for member in self.cluster.members:
                wanted = json.loads(unixctl(member.path("vmnd.ctl"),
                                            "fabric/digest", host)).get(host)
                if holds[host] != wanted:
                    found[member.name, host] = holds[host], wanted
        return found
