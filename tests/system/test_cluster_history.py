# SPDX-License-Identifier: Apache-2.0
"""Clients write while members of a cluster, their database's servers, the
wires between these and to hosts, disks and clocks fail at random; afterwards
the history must be one that a single vmnd could have had:

  - what was acknowledged is there, unless the same client overwrote it;
  - nothing was done twice, however often it was sent, and nothing that was
    refused was done;
  - all members have the same log, whose revisions only grow, and in it each
    acknowledged change at the revision that the client was told;
  - who reads at one member sees no older state than before, unless that says
    that it may be old, and nothing that is not in the log; nor does who reads
    at any, and says what it has seen;
  - no host obeyed two writers of one epoch, nor one of an earlier epoch;
  - in the end each host has exactly the flows that all members say, and the
    writer as its master.

tests/README.md says how it is run with many seeds.
"""

import json
import os
import random
import re
import shutil
import signal
import sqlite3
import stat
import tempfile
import threading
from unittest import mock

import cluster_masters
import cluster_swarm
import faults
import pytest
from cluster import Cluster, at_vmnd_address
from cluster_chaos import Chaos
from cluster_clients import (ACKNOWLEDGED, KINDS, REFUSED, Client, Hopper,
                             Reader, Resender, shared_objects)
from conftest import check_log, lab_name
from test_cluster_api import Place

from vmnlab import netns
from vmnlab.netns import PATIENCE, Error, wait_for

N_SEEDS = int(os.environ.get("VMN_TEST_SEEDS", "5"))
FIRST = int(os.environ.get("VMN_TEST_SEED", "1"))
SECONDS = float(os.environ.get("VMN_TEST_SECONDS", "14"))
N_CLIENTS = 3                   # Of either kind that writes.
N_HOSTS = 20
LEASE_MS = 1000                 # So that there are several writers.
DEPOSED = 4                     # vmnd's exit status.
NEEDS_COPY = "any more, which this member lacks"
KEPT = 2000                     # Batches that the database keeps.


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

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.cluster = cluster
        self.stop = threading.Event()
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


def give_copy(cluster, member):
    """What an operator does for a member that was away for too long."""
    head, have = map(int, re.findall(r"\d+", member.status()["batch"]))
    assert head - have >= KEPT, member.last_status()
    print("%s gets a copy" % member.name)
    writer = cluster.writer(but=[member])
    member.kill()
    cluster.seed(member, writer)
    member.spawn()


def recover(cluster, reviver):
    """Starts what does not run, and does what else an operator would.  Returns
    whether all run."""
    reviver.revive(cluster.members)
    for member in cluster.members:
        if member.server.poll() is not None:
            member.spawn_server()
        if not member.runs():
            member.spawn()
    for member in cluster.members:
        if NEEDS_COPY in member.status().get("problem", ""):
            give_copy(cluster, member)
    return all(m.runs() and os.path.exists(m.path("vmnd.ctl"))
               for m in cluster.members)


def settle(cluster, reviver):
    wait_for("all members to have all", lambda: (
        recover(cluster, reviver)
        and all(map(cluster.follows, cluster.members))), 60)


def logs(member):
    """{revision: (who, changes, contents)} of the member's file."""
    with sqlite3.connect("file:%s?mode=ro" % member.state, uri=True) as db:
        return {revision: tuple(rest) for revision, *rest in db.execute(
            "SELECT r.revision, r.who, r.changes, c.objects FROM revisions r "
            "LEFT JOIN contents c ON c.revision = r.revision")}


def values_of(log):
    """({value: revisions that set it}, {(kind, object): its newest
    value})"""
    made, newest = {}, {}
    for revision, (_, _, contents) in sorted(log.items()):
        for change in json.loads(contents or "{}").get("objects", ()):
            value = change.get("after", {}).get("spec", {}).get("description")
            if change["type"] in KINDS and value:
                made.setdefault(value, []).append(revision)
                newest[change["type"], change["name"]] = value
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


def values_now(writer):
    """{(kind, object): its value}"""
    return {(kind, o["name"]): o["spec"]["description"] for kind in KINDS
            for o in writer.api.get(kind, limit=1000)["items"]
            if "description" in o["spec"]}


def common_log(members):
    """The log of all members, which must be one.  They are read one after the
    other, and vmnd makes revisions of its own when nobody else does, as when
    what a migration has left behind ends (--migration-grace)."""
    found = []

    def same():
        found[:] = [logs(member) for member in members]
        return all(log == found[0] for log in found)

    try:
        wait_for("all members to have the same log", same, 60)
    except Error:
        shared = min(max(log) for log in found)
        found = [{r: rest for r, rest in log.items() if r <= shared}
                 for log in found]
        for log in found[1:]:
            assert log == found[0]
        raise
    return found[0]


def check_changes(members, clients, readers, found):
    """'found' is what values_now() has said.  Returns how often a change had
    which outcome."""
    made, newest = values_of(common_log(members))
    assert found == newest
    counts = check_history(clients, made)
    check_readers(readers, made)
    assert counts.get(ACKNOWLEDGED), counts
    return counts


def check_masters(hosts, chaos, find_writer):
    """The writer is the master of all hosts, and these follow changes."""
    cluster_masters.await_masters(hosts, find_writer)
    chaos.move(None)
    hosts.check(find_writer)


def come(hosts, api):
    """Makes the hosts and what their flows need.  Interfaces of clients' ports
    are on hosts before these are made."""
    api.apply(shared_objects() + hosts.objects())
    wait_for("the hosts' bridges", lambda: all(
        host["status"]["state"] == "synced" for host in
        api.get("hosts", limit=1000)["items"]), 60)
    names = ["shared"] + [name for i in range(N_CLIENTS)
                          for name in Client.names(i)]
    for i, name in enumerate(names):
        hosts.plug(name, hosts.names[2 * i % N_HOSTS])


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
        shutil.copytree(
            folder, os.path.join(place, name), dirs_exist_ok=True,
            ignore=lambda above, names: [n for n in names if stat.S_ISSOCK(
                os.lstat(os.path.join(above, n)).st_mode)])


def tell(cluster, hosts):
    """What may say why something has failed."""
    for member in cluster.members if cluster else ():
        for what in ("cluster/status", "fabric/hosts"):
            print(netns.run(["ovs-appctl", "--timeout=2", "-t",
                             member.path("vmnd.ctl"), what], check=False))
    if hosts and hosts.process.poll() is None:
        for what in ("show", "roles", "writers"):
            print(hosts.control(what, "all"))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + N_SEEDS))
def test_history(seed, place, library):
    folder = tempfile.mkdtemp(prefix="vmn-cluster-")
    chaos = Chaos(random.Random(seed), library)
    cluster, hosts, stop = None, None, threading.Event()

    def prepare(member):
        member.lease_ms = LEASE_MS
        chaos.prepare(member)
        cluster_swarm.prepare(member)

    def find_writer():
        recover(cluster, reviver)
        return cluster.writer()
    try:
        cluster = Cluster(folder, net="vmn-" + lab_name("his"),
                          options=lambda name: at_vmnd_address(
                              place.options(name), name), prepare=prepare)
        members = cluster.members
        hosts = cluster_swarm.Hosts(folder, members, N_HOSTS)
        come(hosts, members[0].api)
        clients = [Client(i, members, stop) for i in range(N_CLIENTS)]
        clients += [Resender(i, members[i % len(members)], stop)
                    for i in range(N_CLIENTS)]
        readers = [Reader(member, stop) for member in members]
        hopper = Hopper(members, stop)
        reviver = Reviver(cluster)
        for thread in [*clients, *readers, hopper, reviver]:
            thread.start()
        cluster_masters.await_masters(hosts, cluster.writer)
        chaos.run(cluster, SECONDS, hosts)
        reviver.stop.set()
        reviver.join()
        cluster_masters.await_masters(hosts, find_writer)
        stop.set()
        print("seed %d: %s" % (seed, ", ".join(chaos.done)))
        join([*clients, *readers, hopper])
        assert hopper.n_reads
        settle(cluster, reviver)
        assert not reviver.faults, reviver.faults
        found = values_now(find_writer())
        hosts.check(find_writer)
        counts = check_changes(members, clients, readers, found)
        check_masters(hosts, chaos, find_writer)
        print("%s; %d reads, %d of what may be old; %s" % (
            counts, sum(r.n_reads for r in readers),
            sum(r.n_old_reads for r in readers),
            cluster_masters.Obeyed(hosts)))
        for member in members:
            check_log(member)
        hosts.end()
        check_log(hosts)
        assert hosts.process.returncode == 0
    except BaseException:
        tell(cluster, hosts)
        keep_logs(folder, "history-%d" % seed)
        raise
    finally:
        stop.set()
        if hosts:
            hosts.end()
        if cluster:
            cluster.end()
        shutil.rmtree(folder)
