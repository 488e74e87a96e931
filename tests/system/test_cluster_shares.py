# SPDX-License-Identifier: Apache-2.0
"""Members of a cluster share the hosts: which member manages which, by what
they say.  Not for what hosts get from whom (test_cluster_hosts.py)."""

import os
import signal

import pytest
from cluster import started

from vmnlab.netns import PATIENCE, wait_for

HOSTS = ["hv%d" % i for i in range(12)]


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


def await_shares(members, expected):
    """Waits until they all know of these shares, and of no later ones."""
    def agree():
        assert all(m.runs() for m in members)
        known = {generation(m) for m in members}
        return (len(known) == 1 and all(known)
                and all(set(weights(m)) == set(expected) for m in members))

    wait_for("%s to share the hosts" % expected, agree, 90)


def moved(before, after):
    """{(from, to)}"""
    return {(before[h], after[h]) for h in HOSTS if before[h] != after[h]}


def test_hosts_are_shared(cluster):
    a, b, c = cluster.members
    await_shares(cluster.members, "abc")
    first = managers(cluster.members)
    assert set(first.values()) == set("abc")
    last = generation(a)
    for member in cluster.members:
        assert "there is no host \"nobody\"" in member.ctl(
            "cluster/manager", "nobody", check=False)

    # One that stands by.
    b.kill()
    await_shares([a, c], "ac")
    found = managers([a, c])
    assert {before for before, _ in moved(first, found)} == {"b"}
    assert generation(a) > last
    last = generation(a)
    b.start()
    await_shares(cluster.members, "abc")
    assert managers(cluster.members) == first
    assert generation(a) > last
    last = generation(a)

    # The writer: only its hosts move.
    a.kill()
    writer = cluster.writer(but=[a])
    await_shares([b, c], "bc")
    found = managers([b, c])
    assert {before for before, _ in moved(first, found)} == {"a"}
    assert generation(writer) > last

    # One that ends says so.
    other = b if writer is c else c
    other.stop()
    await_shares([writer], writer.name)
    assert set(managers([writer]).values()) == {writer.name}


def test_no_database_no_moves(cluster):
    """A member that has lost the database keeps its hosts, as do all others
    while most servers are gone."""
    a, b, c = cluster.members
    await_shares(cluster.members, "abc")
    first = managers(cluster.members)
    last = generation(a)
    for member in b, c:
        member.kill_server()
    for member in cluster.members:
        wait_for("it to be without a database", lambda m=member: (
            "not connected" in m.status()["database"]), 60)
    assert managers(cluster.members) == first
    assert {generation(m) for m in cluster.members} == {last}

    # While it is away nobody is heard, and once it is back nobody is gone.
    for member in b, c:
        member.start_server()
    wait_for("the writer", lambda: not a.refuses(), 60)
    cluster.writer().api.put("networks/n", {})
    await_shares(cluster.members, "abc")
    assert managers(cluster.members) == first
    assert generation(a) >> 20 == int(a.status()["epoch"])


def test_writer_that_slept_moves_nobody_elses_hosts(cluster):
    a, b, c = cluster.members
    await_shares(cluster.members, "abc")
    first = managers(cluster.members)
    os.kill(a.process.pid, signal.SIGSTOP)
    cluster.writer(but=[a])
    await_shares([b, c], "bc")
    os.kill(a.process.pid, signal.SIGCONT)
    a.process.wait(30 * PATIENCE)
    a.start()
    await_shares(cluster.members, "abc")
    assert managers(cluster.members) == first


def test_weights():
    def options(name):
        return ["--cluster-weight=%d" % {"a": 0, "b": 50, "c": 10}[name]]

    with started(options=options) as cluster:
        a, b, c = cluster.members
        add_hosts(cluster)
        await_shares(cluster.members, "bc")
        assert weights(a) == {"b": 50, "c": 10}
        found = list(managers(cluster.members).values())
        assert found.count("b") > found.count("c")
        assert a.api.metrics()["vmn_cluster_members_sharing"] == 2

        # Nobody else is left.
        b.kill()
        c.stop()
        await_shares([a], "")
        assert set(managers([a]).values()) == {"a"}
