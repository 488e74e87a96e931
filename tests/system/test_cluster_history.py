# SPDX-License-Identifier: Apache-2.0
"""Clients write while members of a cluster, their database's servers, the
wires between these, disks and clocks fail at random; afterwards the history
must be one that a single vmnd could have had:

  - what was acknowledged is there, unless the same client overwrote it;
  - nothing was done twice, however often it was sent, and nothing that was
    refused was done;
  - all members have the same log, whose revisions only grow, and in it each
    acknowledged change at the revision that the client was told;
  - who reads at one member sees no older state than before, and nothing that
    is not in the log.

    VMN_TEST_SEEDS=200 pytest tests/system/test_cluster_history.py
"""

import json
import os
import random
import shutil
import signal
import sqlite3
import tempfile
import threading
from unittest import mock

import faults
import pytest
from cluster import Cluster
from cluster_chaos import Chaos
from cluster_clients import (ACKNOWLEDGED, REFUSED, Client, Reader, Resender)
from conftest import check_log, lab_name
from test_cluster_api import Place

from vmnlab.netns import PATIENCE, wait_for

N_SEEDS = int(os.environ.get("VMN_TEST_SEEDS", "3"))
FIRST = int(os.environ.get("VMN_TEST_SEED", "1"))
SECONDS = 10
N_CLIENTS = 3                   # Of either kind that writes.
DEPOSED = 4                     # vmnd's exit status.


@pytest.fixture(name="library", scope="module")
def _library(tmp_path_factory):
    return faults.build(tmp_path_factory.mktemp("faults"))


@pytest.fixture(name="place", scope="module")
def _place(library):
    """Its certificates are good for members whose clocks are wrong, too."""
    folder = tempfile.mkdtemp(prefix="vmn-cluster-")
    before = faults.Faults(library, os.path.join(folder, "faults"))
    before.shift_clock(-86400)
    with mock.patch.dict(os.environ, before.environment):
        place = Place(folder)
    yield place
    shutil.rmtree(folder)


class Reviver(threading.Thread):
    """Starts a vmnd again that has ended by itself, since another is the
    writer, as its service would."""

    def __init__(self, cluster, stop):
        super().__init__(daemon=True)
        self.cluster = cluster
        self.stop = stop
        self.faults = []

    def run(self):
        while not self.stop.wait(0.1):
            self.revive(self.cluster.members)

    def revive(self, members):
        for member in members:
            if member.runs():
                continue
            status = member.process.returncode
            if status == DEPOSED:
                member.spawn()
            elif status != -signal.SIGKILL:
                fault = "%s ended with %d" % (member.name, status)
                if fault not in self.faults:
                    self.faults.append(fault)


def settle(cluster, reviver):
    for member in cluster.members:
        if member.server.poll() is not None:
            member.spawn_server()
        if not member.runs():
            member.spawn()

    def all_follow():
        reviver.revive(cluster.members)
        return all(m.runs() and os.path.exists(m.path("vmnd.ctl"))
                   and cluster.follows(m) for m in cluster.members)
    wait_for("all members to have all", all_follow, 60)


def logs(member):
    """{revision: (who, changes, contents)} of the member's file."""
    with sqlite3.connect("file:%s?mode=ro" % member.state, uri=True) as db:
        return {revision: tuple(rest) for revision, *rest in db.execute(
            "SELECT r.revision, r.who, r.changes, c.objects FROM revisions r "
            "LEFT JOIN contents c ON c.revision = r.revision")}


def values_of(log):
    """({value: revisions that set it}, {network: its newest value})"""
    made, newest = {}, {}
    for revision, (_, _, contents) in sorted(log.items()):
        for change in json.loads(contents or "{}").get("objects", ()):
            value = change.get("after", {}).get("spec", {}).get("description")
            if change["type"] == "networks" and value:
                made.setdefault(value, []).append(revision)
                newest[change["name"]] = value
    return made, newest


def check_history(clients, made):
    """Returns how often there was which outcome."""
    counts = {}
    for client in clients:
        # Of the last one that was acknowledged: what came after is later.
        last = 0
        for _, value, outcome, revision in client.history:
            counts[outcome] = counts.get(outcome, 0) + 1
            revisions = made.get(value, [])
            assert len(revisions) <= 1, (value, revisions)
            assert all(found > last for found in revisions), (value, last)
            if outcome == ACKNOWLEDGED:
                assert revisions == [revision], (value, revision, revisions)
                last = revision
            elif outcome == REFUSED:
                assert not revisions, (value, revisions)
        for name, n in getattr(client, "counts", {}).items():
            counts[name] = counts.get(name, 0) + n
    return counts


def check_readers(readers, made):
    for reader in readers:
        for value, revision in reader.values.items():
            assert made.get(value) == [revision], (
                reader.member.name, value, revision, made.get(value))


def join(users):
    for user in users:
        user.join(60 * PATIENCE)
        assert not user.is_alive()
    found = [repr(user.fault) for user in users if user.fault is not None]
    assert not found, found


def keep_logs(folder, name):
    """Where somebody wants to know why."""
    place = os.environ.get("VMN_TEST_LOGS")
    if place:
        shutil.copytree(folder, os.path.join(place, name), dirs_exist_ok=True,
                        ignore=lambda above, names: [
                            n for n in names if n.endswith((".sock", ".ctl"))])


@pytest.mark.parametrize("seed", range(FIRST, FIRST + N_SEEDS))
def test_history(seed, place, library):
    folder = tempfile.mkdtemp(prefix="vmn-cluster-")
    chaos = Chaos(random.Random(seed), library)
    cluster, stop = None, threading.Event()
    try:
        cluster = Cluster(folder, net="vmn-" + lab_name("his"),
                          options=place.options, prepare=chaos.prepare)
        members = cluster.members
        clients = [Client(i, members, stop) for i in range(N_CLIENTS)]
        clients += [Resender(i, members[i % len(members)], stop)
                    for i in range(N_CLIENTS)]
        readers = [Reader(member, stop) for member in members]
        reviver = Reviver(cluster, stop)
        for thread in [*clients, *readers, reviver]:
            thread.start()
        chaos.run(cluster, SECONDS)
        stop.set()
        reviver.join()
        print("seed %d: %s" % (seed, ", ".join(chaos.done)))
        join(clients + readers)
        settle(cluster, reviver)
        assert not reviver.faults, reviver.faults
        writer = cluster.writer()
        found = {o["name"]: o["spec"].get("description") for o in
                 writer.api.get("networks", limit=1000)["items"]}
        all_logs = [logs(member) for member in members]
        assert all_logs[0] == all_logs[1] == all_logs[2]
        made, newest = values_of(all_logs[0])
        assert found == newest
        counts = check_history(clients, made)
        check_readers(readers, made)
        print("%s; %d reads" % (counts, sum(r.n_reads for r in readers)))
        assert counts.get(ACKNOWLEDGED), counts
        for member in members:
            check_log(member)
    except BaseException:
        keep_logs(folder, "history-%d" % seed)
        raise
    finally:
        stop.set()
        if cluster:
            cluster.end()
        shutil.rmtree(folder)
