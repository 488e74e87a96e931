# SPDX-License-Identifier: Apache-2.0
"""Streams of events of all kinds in a cluster: each member serves them, with
the same events under the same ids, also while the writer changes; and says
"reset" where something may be missing, and only there."""

import base64
import os
import signal

import pytest
from test_attacks_placement import claim
from test_cluster_answers import Listener, get, ports, standbys
from test_cluster_api import account
from test_cluster_apps import MAILGUARD, load, status
from test_cluster_hosts import DEPOSED, Town, cluster_lab
from test_cluster_reads import asleep, n_passed
from test_cluster_views import Stream
from test_events import Reader

from vmnlab import netns
from vmnlab.netns import PATIENCE, wait_for


@pytest.fixture(scope="module")
def town():
    with cluster_lab("cae", 2) as (lab, cluster):
        yield Town(lab, cluster)


@pytest.fixture(autouse=True)
def _all_run(town):
    yield
    for member in town.cluster.members:
        if not member.runs():
            member.start()
    town.has(town.cluster.writer())
    wait_for("all to know the hosts", town.are_warm, 60)
    for member in standbys(town):
        member.await_current()


class All(Listener):
    """The events of all kinds, as a client has them that asks for none."""

    def __init__(self, member, last=None):
        # Of the last "kinds" that there is, the first counts.
        self.reader = Reader(member.path("vmnd.sock"), last=last)
        self.told = []

    def take_change(self, text):
        """Until network n has this description."""
        while True:
            event = self.take("revision")
            if event[2].get("comment") == text:
                return event


def own(member, last=None):
    """A stream that the member serves by itself."""
    passed = []

    def is_own():
        before = n_passed(member), member.n_answered()
        passed[:] = [All(member, last)]
        return (n_passed(member), member.n_answered()) == (before[0],
                                                           before[1] + 1)

    if member.is_writer():
        return All(member, last)
    wait_for("%s to serve it" % member.name, is_own, 60)
    return passed[0]


def mark(town, text, writer=None):
    """Makes a revision that is found by its comment.  'writer': if others are
    asleep, which cannot say whether they are it."""
    api = (writer or town.cluster.writer()).api
    status, _, reply = api.raw(
        "PATCH", "/v1/networks/n?comment=" + text,
        '{"spec":{"description":"%s"}}' % text)
    assert status == 200, reply


def after(listener, start):
    """What was told behind the event with this id."""
    ids = [e[0] for e in listener.told]
    return listener.told[ids.index(start) + 1:]


def comments(told):
    return [e[2]["comment"] for e in told
            if e[1] == "revision" and e[2].get("comment")]


def kill_worker(member):
    def lives():
        worker = status(member).get("worker")
        return worker and worker["state"] == "running" and worker["pid"]

    os.kill(wait_for("the app's process", lives, 60), signal.SIGKILL)


def audit_at_a_standby(town):
    """Has a member that stands by, a host's master, find what is not to be
    there; returns the host's name."""
    name = town.other_master()[1][0]
    town.lab.host(name).ofctl(
        "-O", "OpenFlow15", "add-flow", "br-int",
        "table=0,priority=60000,udp,tp_dst=9,actions=drop")
    done = town.cluster.writer().api.call("POST",
                                          "/v1/hosts/%s/audit" % name)
    assert done["unknown"] == 1, done
    return name


def test_each_member_tells_of_all(town):
    """Of packets, claims, audits and apps, too, in one order and with the same
    ids."""
    town.other_master()
    writer, world = town.cluster.writer(), town.world
    with open(MAILGUARD, "rb") as file:
        load(writer, file.read())
    listeners = [own(m) for m in [writer] + standbys(town)]
    mark(town, "begin")
    world.put("ports", "web", network="n", host="h1", ips=["10.0.0.9"])
    with claim(town.lab.hosts[1], "web"):
        for listener in listeners:
            event = listener.take("claim", port="web")[2]
            assert (event["host"], event["expected"]) == ("h2", "h1")
    assert world.blocked(town.lab.vms["v3"], town.lab.vms["v2"], 80)
    audited = audit_at_a_standby(town)
    for listener in listeners:
        listener.take("audit", host=audited, unknown=1)
    kill_worker(writer)
    world.delete("ports", "web")
    for listener in listeners:
        listener.take("app", app="mailguard")
        begun = next(e[0] for e in listener.told
                     if e[2].get("comment") == "begin")
        listener.begun = begun
    mark(town, "end")
    for listener in listeners:
        listener.take_change("end")
        assert not listener.of("reset")
        assert listener.of("drop"), listener.told
    told = [after(listener, listener.begun) for listener in listeners]
    assert told[0] == told[1] == told[2]
    # Whoever resumes elsewhere gets what is new, and nothing twice.
    again = [own(m, listeners[0].begun) for m in town.cluster.members]
    for listener in again:
        listener.take_change("end")
        assert listener.told == told[0]


def test_goes_on_with_the_next_writer(town):
    """Streams at the others outlive it, whether it hands over or dies, and
    whoever has read at it resumes at another one."""
    first = town.cluster.writer()
    loyal = [own(m) for m in standbys(town)]
    at_writer = own(first)
    mark(town, "one")
    for listener in loyal + [at_writer]:
        last = listener.take_change("one")[0]
    first.ctl("cluster/transfer")
    assert first.process.wait(30 * PATIENCE) == DEPOSED
    second = town.cluster.writer(but=[first])
    town.has(second)
    mark(town, "two")
    for listener in loyal:
        listener.take_change("two")
    # The one that has begun anew is told what it has told before.
    first.start()
    back = own(first, last)
    back.take_change("two")
    mark(town, "three")
    survivor = [m for m in town.cluster.members
                if m not in (first, second)][0]
    for listener in loyal + [back]:
        listener.take_change("three")
    second.kill()
    third = town.cluster.writer(but=[second])
    town.has(third)
    mark(town, "four")
    steady = next(x for x in loyal
                  if x.reader.sock.getpeername() == survivor.path("vmnd.sock"))
    for listener in (steady, back):
        listener.take_change("four")
        assert not listener.of("reset"), listener.told
    # And nothing is lost, or told twice, of who reads here and there.
    here = own(third, last)
    here.take_change("four")
    for told in (after(steady, last), back.told, here.told):
        assert comments(told) == ["two", "three", "four"], told
    newest = after(steady, steady.told[-3][0])
    assert back.told[-2:] == here.told[-2:] == newest


def test_is_reset_where_it_must_be(town):
    """Who knows what the dead writer has told it alone, and who has an id that
    nobody has; the others are not."""
    writer = town.cluster.writer()
    others = standbys(town)
    at_writer = own(writer)
    loyal = [own(m) for m in others]
    mark(town, "known")
    for listener in loyal + [at_writer]:
        known = listener.take_change("known")[0]
    with asleep(*(m.process for m in others)):
        # Answers that are under way are not theirs any more.
        for i in range(3):
            mark(town, "alone%d" % i, writer)
            alone = at_writer.take_change("alone%d" % i)[0]
        writer.kill()
    town.has(town.cluster.writer(but=[writer]))
    mark(town, "after")
    for listener in loyal:
        newest = listener.take_change("after")[0]
        assert not listener.of("reset"), listener.told
        # One that was told more than the next writer has that twice.
        assert list(dict.fromkeys(comments(after(listener, known)))) == [
            "alone0", "alone1", "alone2", "after"], listener.told
    for member in others:
        # What a writer may tell next is not waited for in vain.
        for unknown in (alone, 12345, newest + 1000):
            assert own(member, unknown).take("reset")[2]["revision"]
        here = own(member, known)
        here.take_change("after")
        assert not here.of("reset"), here.told


def test_account_resumes_elsewhere(town):
    """With a scope, which is told nothing of others, by ids that say
    nothing."""
    writer = town.cluster.writer()
    api = writer.api
    if "ina" in [o["name"] for o in api.get("accounts")["items"]]:
        api.delete("accounts/ina")
    token = account(town.cluster, "ina", "operator")
    api.patch("accounts/ina", {"scope": "role=r2"})
    for member in standbys(town):
        member.await_current()
    kinds = "revision,binding,claim"
    one, other = standbys(town)
    passed = n_passed(one), n_passed(other)
    stream = Stream(town, one, token, kinds=kinds)
    stream.take("start")
    for name, role in (("hers", "r2"), ("theirs", "r3")):
        town.world.put("ports", name, network="n", host="h1",
                       labels={"role": role})
    with claim(town.lab.hosts[1], "theirs", "evil1"), \
            claim(town.lab.hosts[1], "hers", "evil2"):
        last = stream.take("claim", port="hers")[0]
    toggle(town)
    stream.take("binding", port="v2", state="up")
    again = Stream(town, other, token, last, kinds=kinds)
    again.take("binding", port="v2", state="up")
    assert not again.of("reset"), again.told
    behind = [e[0] for e in stream.told].index(last) + 1
    assert again.told == stream.told[behind:]
    writer.kill()
    town.has(town.cluster.writer(but=[writer]))
    toggle(town)
    again = Stream(town, other, token, last, kinds=kinds)
    stream.told.clear()
    for reader in stream, again:
        reader.take("binding", port="v2", state="unbound")
        assert not reader.of("reset"), reader.told
        assert {e["port"] for kind in ("claim", "binding")
                for e in reader.of(kind)} <= {"v2", "hers"}, reader.told
        reader.close()
    assert passed == (n_passed(one), n_passed(other))
    # What a stream began with is of that process alone.
    second = town.cluster.writer(but=[writer])
    third = next(m for m in (one, other) if m is not second)
    begun = {m: [Stream(town, m, token, kinds=kinds).take("start")[0]
                 for _ in range(3)] for m in (second, third)}
    for last in begun[third]:
        again = Stream(town, second, token, last, kinds=kinds)
        assert again.take("reset") == again.told[0]


def test_state_that_one_writer_saw(town):
    """It lost its way to a host, which the next one has all the time: then the
    host is not said to be offline for ever."""
    first = town.cluster.writer()
    host = town.lab.host("h1")
    loyal = own(standbys(town)[0])
    loyal.take("start")
    port = first.openflow.rsplit(":")[-1]
    way = "ipproto tcp sport %s to %s blackhole" % (port, host.control_ip)
    netns.ip(town.lab.net_ns, "rule add " + way)
    try:
        netns.run(["ss", "-K", "dst", host.control_ip, "sport", "=",
                   ":" + port], ns=town.lab.net_ns)
        loyal.take("host", host="h1", state="offline")
        first.kill()
    finally:
        netns.ip(town.lab.net_ns, "rule del " + way)
    loyal.take("host", host="h1", state="synced")
    assert not loyal.of("reset"), loyal.told


def toggle(town):
    for state in ("unbound", "up"):
        if state == "up":
            town.lab.replug("v2", "h2")
        else:
            town.lab.unplug("v2")
        wait_for("v2 to be " + state, lambda s=state: all(
            ports(get(m, "ports"))["v2"]["state"] == s
            for m in town.cluster.members if m.runs()), 60)
