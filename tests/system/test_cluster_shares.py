# SPDX-License-Identifier: Apache-2.0
"""Members of a cluster share the hosts: which member manages which, by what
they say.  Not for what hosts get from whom (test_cluster_hosts.py)."""

import os
import signal

import pytest
from cluster import started

from vmnlab.api import Refused
from vmnlab.netns import PATIENCE, wait_for

HOSTS = ["hv%d" % i for i in range(12)]
DEPOSED = 4                     # vmnd's exit status.


def add_hosts(cluster):
    """Each member has rows of them; they connect to none."""
    api = cluster.writer().api
    for i, host in enumerate(HOSTS, 1):
        api.put("hosts/" + host, {"ovsdb": "inbound",
                                  "tunnel_ip": "192.0.2.%d" % i})
    for member in cluster.members:
        wait_for("it to know the hosts", lambda m=member: (
            set(HOSTS) <= set(m.hosts())), 60)


@pytest.fixture
def cluster():
    with started() as cluster:
        add_hosts(cluster)
        yield cluster


def generation(member):
    """0: it does not see the cluster yet."""
    return int(member.status().get("generation", 0))


def weights(member):
    """{member: weight} of those who share the hosts, as this one knows."""
    return {m["name"]: m["weight"] for m in
            member.api.get("cluster")["members"] if m["weight"]}


def manager(member, host):
    """Returns who manages the host, and whether the member says that it is
    itself."""
    name, *self = member.ctl("cluster/manager", host).split(None, 1)
    return name, bool(self)


def managers(members):
    """{host: member}, on which all of these must agree."""
    found = {}
    for host in HOSTS:
        answers = {m.name: manager(m, host) for m in members}
        names = {name for name, _ in answers.values()}
        assert len(names) == 1, answers
        found[host] = names.pop()
        assert [name for name, (_, self) in answers.items() if self] == [
            found[host]], answers
    return found


def revive(member):
    """Starts a writer again that another one has followed, as its service
    would: a machine that does other work as well may hold up its beat for
    longer than the lease."""
    if not member.runs():
        assert member.process.returncode == DEPOSED, member.last_words()
        member.start()


def await_shares(members, expected):
    """Waits until they all know of these shares, and of no later ones;
    returns managers().  Asked one after the other they may tell of two
    generations: one that has not been heard for seconds has no share for a
    while."""
    def known():
        """Their generation, or None."""
        found = {generation(m) for m in members}
        try:
            same = all(set(weights(m)) == set(expected) for m in members)
        except (OSError, Refused):
            return None         # There is no writer now.
        return found.pop() if same and len(found) == 1 else None

    def agree():
        for member in members:
            revive(member)
        before = known()
        if not before:
            return None
        try:
            found, fault = managers(members), None
        except AssertionError as error:
            found, fault = None, error
        if known() != before:
            return None
        if fault:
            raise fault
        return found

    return wait_for("%s to share the hosts" % expected, agree, 240)


def moved(before, after):
    """{(from, to)}"""
    return {(before[h], after[h]) for h in HOSTS if before[h] != after[h]}


def test_hosts_are_shared(cluster):
    a, b, c = cluster.members
    first = await_shares(cluster.members, "abc")
    assert set(first.values()) == set("abc")
    last = generation(a)
    for member in cluster.members:
        assert "there is no host \"nobody\"" in member.ctl(
            "cluster/manager", "nobody", check=False)

    # One that stands by.
    b.kill()
    found = await_shares([a, c], "ac")
    assert {before for before, _ in moved(first, found)} == {"b"}
    assert generation(a) > last
    last = generation(a)
    b.start()
    assert await_shares(cluster.members, "abc") == first
    assert generation(a) > last
    last = generation(a)

    # The writer: only its hosts move.
    a.kill()
    writer = cluster.writer(but=[a])
    found = await_shares([b, c], "bc")
    assert {before for before, _ in moved(first, found)} == {"a"}
    assert generation(writer) > last

    # One that ends says so.
    other = b if writer is c else c
    other.stop()
    found = await_shares([writer], writer.name)
    assert set(found.values()) == {writer.name}


def test_no_database_no_moves(cluster):
    """A member that has lost the database keeps its hosts, as do all others
    while most servers are gone."""
    a, b, c = cluster.members
    first = await_shares(cluster.members, "abc")
    last = generation(a)
    for member in b, c:
        member.kill_server()
    for member in cluster.members:
        wait_for("it to be without a database", lambda m=member: (
            "not connected" in m.status().get("database", "")), 60)
    assert managers(cluster.members) == first
    assert {generation(m) for m in cluster.members} == {last}

    # While it is away nobody is heard, and once it is back nobody is gone.
    for member in b, c:
        member.start_server()
    wait_for("the writer", lambda: not a.refuses(), 60)
    cluster.writer().api.put("networks/n", {})
    assert await_shares(cluster.members, "abc") == first
    assert generation(a) >> 20 == int(a.status()["epoch"])


def test_writer_that_slept_moves_nobody_elses_hosts(cluster):
    a, b, c = cluster.members
    first = await_shares(cluster.members, "abc")
    os.kill(a.process.pid, signal.SIGSTOP)
    cluster.writer(but=[a])
    await_shares([b, c], "bc")
    os.kill(a.process.pid, signal.SIGCONT)
    a.process.wait(30 * PATIENCE)
    a.start()
    assert await_shares(cluster.members, "abc") == first


def test_weights():
    def options(name):
        return ["--cluster-weight=%d" % {"a": 0, "b": 50, "c": 10}[name]]

    with started(options=options) as cluster:
        a, b, c = cluster.members
        add_hosts(cluster)
        found = list(await_shares(cluster.members, "bc").values())
        assert weights(a) == {"b": 50, "c": 10}
        assert found.count("b") > found.count("c")
        assert a.api.metrics()["vmn_cluster_members_sharing"] == 2

        # Nobody else is left.
        b.kill()
        c.stop()
        assert set(await_shares([a], "").values()) == {"a"}
