# SPDX-License-Identifier: Apache-2.0
"""What members that stand by say of hosts and of what runs there, by their own
connections: the same as the writer, in answers and in events, also while there
is none."""

import json
import threading

import pytest
from conftest import entry, rule
from test_cluster_hosts import Town, cluster_lab
from test_cluster_reads import asleep, n_passed, revisions_since
from test_events import Reader

from vmnlab import netns
from vmnlab.netns import PATIENCE, wait_for

# What all members know of hosts and ports.
LISTS = ("hosts", "ports", "routers", "groups", "networks", "ports?host=h2",
         "hosts?limit=1", "groups/r1", "identities", "usage",
         "ports/v1/policies")
KINDS = "revision,installed,host,ports,binding,gateway"


@pytest.fixture(scope="module")
def town():
    with cluster_lab("can", 2) as (lab, cluster):
        yield Town(lab, cluster)


@pytest.fixture(autouse=True)
def _all_run(town):
    """Who has died comes back, and has the hosts as before."""
    yield
    for member in town.cluster.members:
        if not member.runs():
            member.start()
    town.has(town.cluster.writer())
    town.shared()
    wait_for("all to know the hosts", town.are_warm, 60)
    for member in standbys(town):
        member.await_current()


def api(town):
    return town.cluster.writer().api


def newest_revision(town):
    return api(town).get("revisions", limit=1)["items"][-1]["revision"]


def standbys(town):
    writer = town.cluster.writer()
    return [m for m in town.cluster.members if m is not writer and m.runs()]


def get(member, target):
    status, _, text = member.api.raw("GET", "/v1/" + target)
    assert status == 200, (member.name, target, text)
    return json.loads(text)


def get_counted(member, target, count, what):
    """What it says, once 'count', which is of one sort of replies, has had
    that one more: its copy, or the writer, may be late for a moment."""
    found = []

    def is_counted():
        before = count()
        found[:] = [get(member, target)]
        return count() == before + 1

    wait_for("%s %s %s" % (member.name, what, target), is_counted, 60)
    return found[0]


def get_own(member, target):
    return get_counted(member, target, member.n_answered, "to answer")


def get_passed(member, target):
    return get_counted(member, target, lambda: n_passed(member), "to pass on")


# Of a host: what one member alone does there, and its own connections.
OWN = ("since", "peer", "audit", "samples", "packet_in_meters", "error",
       "outstanding_bundles", "outstanding_bytes", "queued_bytes",
       "backlog", "stalls", "sent_revision")


def common(value):
    """'value' without what is of one member, or counts; of lists, without the
    revision, from which a new writer goes on."""
    if isinstance(value, dict):
        return {name: sorted(v) if name == "traffic" else common(v)
                for name, v in value.items()
                if name not in OWN + ("revision",) * ("items" in value)}
    return [common(v) for v in value] if isinstance(value, list) else value


def await_same(town, targets=LISTS, members=None):
    """Waits until all members answer the same by themselves, with the traffic
    of ports, and returns the answers, {target: value}."""
    writer = town.cluster.writer()
    members = members or standbys(town)
    last = {}

    def are_same():
        for target in targets:
            answers = [common(get(m, target)) for m in [writer] + members]
            if any(a != answers[0] for a in answers):
                last[target] = answers
                return False
            last[target] = answers[0]
        return True

    try:
        wait_for("all to say the same", are_same, 60)
    except netns.Error as error:
        raise AssertionError(json.dumps(last, indent=1)) from error
    return last


def ports(answer):
    return {p["name"]: p["status"] for p in answer["items"]}


def test_all_answer_the_same(town):
    wait_for("traffic", lambda: all(
        "traffic" in s for m in town.cluster.members
        for s in ports(get(m, "ports")).values()), 60)
    found = await_same(town)
    for member in standbys(town):
        for target in LISTS:
            get_own(member, target)
        # What was dropped of its packets the writer knows.
        assert "seen" in get_passed(member, "ports/v1")["status"]
    for status in ports(found["ports"]).values():
        assert (status["state"], status["link"]) == ("up", "up"), status
        assert status["traffic"], status
    assert {h["status"]["state"] for h in found["hosts"]["items"]} == {
        "synced"}
    assert all(h["status"]["manager"] for h in found["hosts"]["items"])


def test_what_changes_is_seen(town):
    """A link, a claim that is rejected, and a host that is behind."""
    town.world.patch("ports", "v3", enabled=False)
    assert ports(await_same(town)["ports"])["v3"]["state"] == "down"
    town.world.patch("ports", "v3", enabled=True)
    assert ports(await_same(town)["ports"])["v3"]["state"] == "up"
    # The host has its interface all the same.
    town.world.patch("ports", "v3", host="h1")
    found = ports(await_same(town)["ports"])["v3"]
    assert found["rejected_claims"] == ["h2"], found
    town.world.patch("ports", "v3", host=None)
    assert ports(await_same(town)["ports"])["v3"]["host"] == "h2"


def test_nobody_says_that_it_is_installed_before_it_is(town):
    host = town.lab.host("h1")
    host.freeze_switch()
    try:
        made = api(town).patch("policies/p", {"rules": [rule(
            "ingress", "allow", ["r1"], [entry("tcp", 80), entry("udp", 99),
                                         entry("icmp")])]})
        for member in standbys(town):
            target = "hosts?at_least=%d" % made["revision"]
            for status in [h["status"] for h in get(member, target)["items"]
                           if h["name"] == "h1"]:
                assert status["revision"] < made["revision"], status
                assert status["lag"]["revisions"], status
    finally:
        host.thaw_switch()
    found = await_same(town)["hosts"]["items"]
    assert [h["status"]["lag"]["revisions"] for h in found] == [0, 0]


def test_answers_while_there_is_no_writer(town):
    """From its death on, without a pause: who reads hosts and ports at a
    member that stands by is not refused, and sees what is."""
    await_same(town)
    writer = town.cluster.writer()
    others = standbys(town)
    faults, n_reads = [], {m.name: 0 for m in others}
    stop = threading.Event()

    def read(member):
        while not stop.is_set():
            try:
                states = {s["state"] for s in ports(
                    get(member, "ports")).values()}
                get(member, "hosts")
                get(member, "ports/v1")
            except AssertionError as error:
                faults.append(error)
                return
            if states != {"up"}:
                faults.append((member.name, states))
            n_reads[member.name] += 1

    readers = [threading.Thread(target=read, args=[m]) for m in others]
    for reader in readers:
        reader.start()
    try:
        writer.kill()
        successor = town.cluster.writer(but=[writer])
        town.has(successor)
    finally:
        stop.set()
        for reader in readers:
            reader.join(60 * PATIENCE)
    assert not faults and all(n_reads.values()), (faults, n_reads)


# Events.  -----------------------------------------------------------------

class Listener:
    """Takes the events of a member, all of them."""

    def __init__(self, member, kinds=KINDS, last=None):
        self.reader = Reader(member.path("vmnd.sock"), "?kinds=" + kinds,
                             last=last)
        self.told = []

    def take(self, kind, **members):
        """Until this one."""
        while True:
            wait_for("%s %s" % (kind, members), self._has_more, 60)
            event = self.reader.events.pop(0)
            self.told.append(event)
            if event[1] == kind and all(event[2].get(k) == v
                                        for k, v in members.items()):
                return event

    def _has_more(self):
        if not self.reader.events:
            assert not self.reader.ended, ("the stream has ended", self.told)
            self.reader.read(0.5)
        return bool(self.reader.events)

    def of(self, kind):
        return [data for _, name, data in self.told if name == kind]

    @property
    def last(self):
        return self.told[-1][0]


def change(town, n=5):
    """Makes revisions, and returns the newest."""
    for i in range(n):
        town.world.patch("networks", "n", description="%d" % i)
    return newest_revision(town)


def toggle(town):
    """Has v2 go and come back, as all members see; and makes some revisions,
    of which it returns the newest."""
    for state in ("unbound", "up"):
        if state == "up":
            town.lab.replug("v2", "h2")
        else:
            town.lab.unplug("v2")
        wait_for("v2 to be " + state, lambda s=state: all(
            ports(get(m, "ports"))["v2"]["state"] == s
            for m in town.cluster.members if m.runs()), 60)
    return change(town)


def seen_of(listener):
    """The states of v2 that were told, without those that it may have had for
    a moment."""
    return [e["state"] for e in listener.of("binding")
            if e["port"] == "v2" and e["state"] != "pending"]


def test_stream_goes_on_at_its_member(town):
    """It tells of all, while the writer dies, also if that member is the next
    one; who resumes there misses nothing, and gets nothing twice."""
    writer = town.cluster.writer()
    begin = newest_revision(town)
    listeners = {m.name: Listener(m) for m in standbys(town)}
    writer_tells = Listener(writer)
    for listener in listeners.values():
        assert listener.take("start")[2]["revision"] >= begin
    newest = toggle(town)
    for listener in list(listeners.values()) + [writer_tells]:
        listener.take("installed", revision=newest)
        assert seen_of(listener) == ["unbound", "up"]
    writer.kill()
    successor = town.cluster.writer(but=[writer])
    town.has(successor)
    newest = toggle(town)
    log = revisions_since(successor, begin)
    for name, listener in listeners.items():
        member = next(m for m in town.cluster.members if m.name == name)
        listener.take("installed", revision=newest)
        assert not listener.of("reset")
        assert [e["revision"] for e in listener.of("revision")] == log
        assert seen_of(listener) == ["unbound", "up"] * 2
        assert {e["port"] for e in listener.of("binding")} == {"v2"}
        # Of hosts it tells that revisions wait for a busy one, no more.
        assert not listener.of("ports") and {
            h["state"] for h in listener.of("host")} <= {"synced"}
        # From the middle, by a connection of its own.
        half = listener.told[len(listener.told) // 2]
        again = Listener(member, last=half[0])
        again.take("installed", revision=newest)
        assert again.told == listener.told[len(listener.told) // 2 + 1:][
            :len(again.told)]


def test_ids_of_another_member(town):
    """Of what is not stored each member has a log of its own."""
    first, second = standbys(town)
    listener = Listener(first)
    listener.take("start")
    newest = change(town)
    listener.take("installed", revision=newest)
    for member in town.cluster.members:
        again = Listener(member, last=listener.last)
        if member is first:
            change(town)
            assert again.take("revision")
            assert not again.of("reset")
        else:
            assert again.take("reset")[2]["revision"] >= newest
    # What the writer tells goes on at any member, as long as it is that.
    listener = Listener(town.cluster.writer())
    listener.take("start")
    newest = change(town)
    again = Listener(second, last=listener.told[0][0])
    again.take("installed", revision=newest)
    assert not again.of("reset")


def test_revisions_go_on_anywhere(town):
    """Also of members that were not there when they were made."""
    begin = change(town)
    told = []
    for turn in range(4):
        writer = town.cluster.writer()
        newest = change(town)
        if turn % 2:
            writer.kill()
            town.has(town.cluster.writer(but=[writer]))
            writer.start()
            writer.await_current()
            member = writer
        else:
            member = standbys(town)[turn % 2]
        listener = Listener(member, "revision", told[-1][0] if told else begin)
        listener.take("revision", revision=newest)
        told += listener.told
    log = revisions_since(town.cluster.writer(), begin)
    log = [revision for revision in log if revision <= newest]
    assert [number for number, _, _ in told] == log
    assert {kind for _, kind, _ in told} == {"revision"}


def test_host_that_one_member_does_not_reach(town):
    """It asks the writer, who does, of lists that the host is in, and tells
    nothing of it."""
    member = standbys(town)[0]
    listener = Listener(member)
    listener.take("start")
    host = town.lab.host("h1")
    port = member.openflow.rsplit(":")[-1]
    way = "ipproto tcp sport %s to %s blackhole" % (port, host.control_ip)
    netns.ip(town.lab.net_ns, "rule add " + way)
    try:
        netns.run(["ss", "-K", "dst", host.control_ip, "sport", "=",
                   ":" + port], ns=town.lab.net_ns)
        wait_for("it to lose the host", lambda: member.hosts()["h1"][
            "openflow"]["state"] == "disconnected", 90)
        found = {h["name"]: h["status"]["state"]
                 for h in get_passed(member, "hosts")["items"]}
        assert found == {"h1": "synced", "h2": "synced"}
        assert {s["state"] for s in ports(
            get_passed(member, "ports")).values()} == {"up"}
        # Not even while there is no writer: then nobody knows.
        with asleep(town.cluster.writer().process):
            wait_for("it to answer itself", lambda: {
                h["name"]: h["status"]["state"]
                for h in get(member, "hosts")["items"]} == {
                    "h1": "unknown", "h2": "synced"}, 10)
    finally:
        netns.ip(town.lab.net_ns, "rule del " + way)
    wait_for("all to know the hosts", town.are_warm, 90)
    await_same(town)
    listener.take("installed", revision=change(town))
    assert not listener.of("host") and not listener.of("ports")
    assert not listener.of("binding")


def states(member, listed=get):
    return {h["name"]: h["status"]["state"]
            for h in listed(member, "hosts")["items"]}


def test_host_that_the_writer_rejects(town):
    """It alone compares what is in a host's database with what is to be
    there."""
    member = standbys(town)[0]
    host = town.lab.host("h2")
    epoch = host.vsctl("get", "bridge", "br-int",
                       "external_ids:vmn-epoch").strip().strip('"')
    listener = Listener(member)
    listener.take("start")
    host.vsctl("set", "bridge", "br-int", "external_ids:vmn-epoch=%d"
               % (int(epoch) + 10**9))
    try:
        wait_for("the writer to reject it", lambda: states(
            town.cluster.writer())["h2"] == "rejected", 60)
        wait_for("the others to say so", lambda: all(
            states(m)["h2"] == "rejected" for m in standbys(town)), 60)
        assert states(member, get_passed) == {"h1": "synced",
                                              "h2": "rejected"}
    finally:
        host.vsctl("set", "bridge", "br-int", "external_ids:vmn-epoch="
                   + epoch)
    wait_for("all to know the hosts", town.are_warm, 90)
    await_same(town)
    listener.take("installed", revision=change(town))
    assert not [e for e in listener.of("host")
                if e["host"] == "h1"]


def test_host_whose_database_is_dead(town):
    """Nobody sees it, so each member says itself what it is, and tells it."""
    host = town.lab.host("h2")
    listeners = [Listener(m) for m in standbys(town)]
    for listener in listeners:
        listener.take("start")
    host.stop_db()
    try:
        for listener in listeners:
            listener.take("host", host="h2", state="unheard")
        for member in standbys(town):
            assert states(member, get_own) == {"h1": "synced",
                                               "h2": "unheard"}
    finally:
        host.start_db()
    for listener in listeners:
        listener.take("host", host="h2", state="synced")
    wait_for("all to know the hosts", town.are_warm, 90)
    await_same(town)
