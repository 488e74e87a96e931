# SPDX-License-Identifier: Apache-2.0
"""Clients write while members of a cluster, their database's servers and the
wires between these fail at random; afterwards the history must be one that a
single vmnd could have had:

  - what was acknowledged is there, unless the same client overwrote it;
  - nothing was done twice, and nothing that was refused was done;
  - all members have the same log, whose revisions only grow, and in it each
    acknowledged change at the revision that the client was told.

    VMN_TEST_SEEDS=200 pytest tests/system/test_cluster_history.py
"""

import http.client
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time

import pytest
from cluster import Cluster
from conftest import check_log, lab_name

from vmnlab.api import Api, Refused
from vmnlab.netns import PATIENCE, wait_for

N_SEEDS = int(os.environ.get("VMN_TEST_SEEDS", "3"))
FIRST = int(os.environ.get("VMN_TEST_SEED", "1"))
SECONDS = 10
N_CLIENTS = 4

ACKNOWLEDGED, REFUSED, UNKNOWN = "acknowledged", "refused", "unknown"


class Client(threading.Thread):
    """Writes one value after the other, each once, to names of its own."""

    def __init__(self, number, cluster, stop):
        super().__init__(daemon=True)
        self.number = number
        self.cluster = cluster
        self.stop = stop
        self.apis = [Api(m.api.path, timeout=3) for m in cluster.members]
        self.history = []       # (name, value, outcome, revision)
        self.fault = None

    def run(self):
        turn = 0
        try:
            while not self.stop.is_set():
                turn += 1
                self._write("c%d-%d" % (self.number, turn % 3),
                            "%d/%d" % (self.number, turn))
        except Exception as fault:      # noqa: BLE001: told by the test.
            self.fault = fault

    def _write(self, name, value):
        """To any member that seems to be the writer, once."""
        for api in self.apis:
            try:
                answer = api.put("networks/" + name,
                                        {"description": value})
            except (FileNotFoundError, ConnectionRefusedError):
                continue                # It is not there.
            except (OSError, http.client.HTTPException):
                self.history.append((name, value, UNKNOWN, None))
                return
            except Refused as refused:
                if refused.problem["type"].endswith("standby"):
                    continue
                assert refused.status == 503, refused
                unknown = "is not known" in str(refused)
                self.history.append((name, value, UNKNOWN if unknown
                                     else REFUSED, None))
                time.sleep(0.02)
                return
            self.history.append((name, value, ACKNOWLEDGED,
                                 answer["metadata"]["revision"]))
            return
        time.sleep(0.02)


class Chaos:
    """Hurts one thing after the other, and mends it a little later."""

    def __init__(self, cluster, rng):
        self.cluster = cluster
        self.rng = rng
        self.mends = []         # (when, member, what)
        self.done = []

    def run(self, seconds):
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

    def hurt(self):
        """Mostly one member at a time: without a majority nothing goes on."""
        hurt = {m for _, m, _ in self.mends}
        member = self.rng.choice(self.cluster.members)
        if hurt - {member} and self.rng.random() < 0.85:
            return
        # The writer is hurt more often.
        if not hurt and self.rng.random() < 0.4:
            member = next((m for m in self.cluster.members if m.runs()
                           and "role: writer" in m.last_status()), member)
        kinds = [self.kill, self.sleep, self.kill_server, self.sleep_server,
                 self.cut, self.transfer, self.drop]
        kind = self.rng.choice(kinds)
        self.done.append("%s %s" % (kind.__name__, member.name))
        kind(member)

    def kill(self, member):
        if member.runs():
            member.kill()
            self.later(member, self.rng.uniform(0, 2),
                       lambda: self.start(member))

    def start(self, member):
        if not member.runs():
            member.spawn()

    def sleep(self, member):
        self._sleep(member, member.process, self.rng.uniform(0.1, 4))

    def sleep_server(self, member):
        self._sleep(member, member.server, self.rng.uniform(0.1, 4))

    def _sleep(self, member, process, seconds):
        if process.poll() is None:
            process.send_signal(signal.SIGSTOP)
            self.later(member, seconds, lambda: process.poll() is None
                       and process.send_signal(signal.SIGCONT))

    def kill_server(self, member):
        if member.server.poll() is None:
            member.kill_server()
            self.later(member, self.rng.uniform(0, 2),
                       lambda: member.server.poll() is not None
                       and member.spawn_server())

    def cut(self, member):
        self.cluster.set_wire(member, False)
        self.later(member, self.rng.uniform(0.1, 4),
                   lambda: self.cluster.set_wire(member, True))

    def drop(self, member):
        """All connections of its server's clients."""
        if member.server.poll() is None:
            subprocess.Popen(["timeout", "2", "ovs-appctl", "-t",
                              member.path("db.ctl"), "ovsdb-server/reconnect"],
                             stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)

    def transfer(self, member):
        if member.runs():
            member.ctl_nowait("cluster/transfer")


def revive(cluster):
    """A deposed writer is started again, as its service would."""
    for member in cluster.members:
        if not member.runs():
            member.spawn()


def settle(cluster):
    for member in cluster.members:
        if member.server.poll() is not None:
            member.spawn_server()

    def all_follow():
        revive(cluster)
        return all(m.runs() and os.path.exists(m.path("vmnd.ctl"))
                   and cluster.follows(m) for m in cluster.members)
    wait_for("all members to have all", all_follow, 60)


def logs(member):
    """{revision: (who, changes, contents)} of the member's file."""
    with sqlite3.connect("file:%s?mode=ro" % member.state, uri=True) as db:
        return {revision: tuple(rest) for revision, *rest in db.execute(
            "SELECT r.revision, r.who, r.changes, c.objects FROM revisions r "
            "LEFT JOIN contents c ON c.revision = r.revision")}


def check_history(clients, log, found):
    """'log' as of logs(); 'found' is {name: description} in the end."""
    made = {}                   # Value -> revisions that set it.
    for revision, (_, _, contents) in log.items():
        for change in json.loads(contents or "{}").get("objects", ()):
            value = change.get("after", {}).get("spec", {}).get("description")
            if change["type"] == "networks" and value:
                made.setdefault(value, []).append(revision)
    counts = {}
    for client in clients:
        assert client.fault is None, client.fault
        last = {}               # Name -> values that it may have by now.
        for name, value, outcome, revision in client.history:
            counts[outcome] = counts.get(outcome, 0) + 1
            revisions = made.get(value, [])
            assert len(revisions) <= 1, (value, revisions)
            if outcome == ACKNOWLEDGED:
                assert revisions == [revision], (value, revision, revisions)
                last[name] = {value}
            elif outcome == UNKNOWN:
                last.setdefault(name, {None}).add(value)
            else:
                assert not revisions, (value, revisions)
        for name, values in last.items():
            assert found.get(name) in values, (name, found.get(name), values)
    return counts


@pytest.mark.parametrize("seed", range(FIRST, FIRST + N_SEEDS))
def test_history(seed):
    folder = tempfile.mkdtemp(prefix="vmn-cluster-")
    rng = random.Random(seed)
    cluster, stop, clients = None, threading.Event(), []
    try:
        cluster = Cluster(folder, net="vmn-" + lab_name("his"))
        clients = [Client(i, cluster, stop) for i in range(N_CLIENTS)]
        for client in clients:
            client.start()
        chaos = Chaos(cluster, rng)
        reviver = threading.Thread(target=lambda: [
            revive_deposed(cluster) or time.sleep(0.1)
            for _ in iter(lambda: stop.is_set(), True)], daemon=True)
        reviver.start()
        chaos.run(SECONDS)
        stop.set()
        reviver.join()
        for client in clients:
            client.join(60 * PATIENCE)
            assert not client.is_alive()
        settle(cluster)
        writer = cluster.writer()
        found = {o["name"]: o["spec"].get("description") for o in
                 writer.api.get("networks", limit=1000)["items"]}
        all_logs = [logs(member) for member in cluster.members]
        assert all_logs[0] == all_logs[1] == all_logs[2]
        counts = check_history(clients, all_logs[0], found)
        print("seed %d: %s; %s" % (seed, counts, ", ".join(chaos.done)))
        assert counts.get(ACKNOWLEDGED), counts
        for member in cluster.members:
            check_log(member)
    finally:
        stop.set()
        if cluster:
            cluster.end()
        shutil.rmtree(folder)


def revive_deposed(cluster):
    """Starts a vmnd that has ended by itself, since another is the writer."""
    for member in cluster.members:
        if not member.runs() and member.process.returncode == 4:
            member.spawn()
