# SPDX-License-Identifier: Apache-2.0
"""What members that stand by compute from their copy, and what they tell
accounts with a scope, is what the writer says: traces, who reaches whom,
counts of all, and the events of an account's own objects."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from cluster import started
from test_attacks_packet_ins import dns_question
from test_cluster_answers import common, get, get_own, get_passed, standbys
from test_cluster_api import account, call, connect
from test_cluster_api import standbys as standbys_of
from test_cluster_hosts import Town, cluster_lab
from test_cluster_reads import asleep, n_passed
from test_events import Reader

from vmnlab.netns import PATIENCE, inside, wait_for

# Of one's own copy, as long as it sees all hosts.
COMPUTED = ("summary", "reachability?protocol=tcp&port=80",
            "reachability?by=group", "open-services?from=v1&to=v2")
# What the writer has counted or probed, and a member leaves out; or what is
# about its process.
COUNTED = ("policies", "policies/p", "tiers", "quarantines", "apps",
           "loadbalancers", "loadbalancers/lb", "routers/r", "types")
TRACE = {"from": "v1", "to": "v2", "protocol": "tcp", "port": 80}
# An app answers it, unless a meter drops it, which the writer counts.
ANSWERED = {"to": "169.254.0.53", "protocol": "udp", "port": 53,
            "payload_hex": dns_question("v2.shop.test").hex()}


# A writer may sleep for a while, and is the writer still.
LEASE_MS = 15000


def _set_lease(member):
    member.lease_ms = LEASE_MS


@pytest.fixture(scope="module")
def town():
    with cluster_lab("cvw", 2, _set_lease) as (lab, cluster):
        town = Town(lab, cluster)
        town.world.put("dns-zones", "shop.test", networks=["n"])
        town.world.put("routers", "r", interfaces=[
            {"network": "n", "addresses": ["10.0.0.200"]}])
        town.shared()
        wait_for("all to know the hosts", town.are_warm, 60)
        yield town


def without(value, *names):
    """'value' without these members, wherever they are."""
    if isinstance(value, dict):
        return {k: without(v, *names) for k, v in value.items()
                if k not in names}
    return ([without(v, *names) for v in value] if isinstance(value, list)
            else value)


def trace(member, **request):
    status, _, text = member.api.raw(
        "POST", "/v1/trace", json.dumps(dict(TRACE, **request)))
    assert status == 200, (member.name, text)
    return json.loads(text)


def test_computes_what_the_writer_computes(town):
    writer = town.cluster.writer()

    def same(target, member):
        # Rates differ, and a host may be behind for a moment.
        found = [without(common(m), "bytes_per_s", "tunnel_bytes_per_s",
                         "lag", "warnings", "reason", "state")
                 for m in (get_own(member, target), get(writer, target))]
        return found[0] == found[1]

    for member in standbys(town):
        for target in COMPUTED:
            wait_for("the same " + target,
                     lambda t=target, m=member: same(t, m), 30)
        passed = n_passed(member)
        for request in ({}, {"port": 81}, {"from": "v2", "to": "v1"}):
            assert trace(member, **request) == trace(writer, **request)
        assert trace(member)["outcomes"][0]["verdict"] == "delivered"
        assert trace(member, port=81)["outcomes"][0]["verdict"] == "dropped"
        assert n_passed(member) == passed
        # Who stands by tries no changes.
        after = [{"type": "policies", "name": "p", "spec": {
            "applies_to": ["r2"], "rules": []}}]
        found = trace(member, after=after)
        assert found["outcomes"][0]["verdict"] == "dropped", found
        status, _, text = member.api.raw(
            "POST", "/v1/reachability?protocol=tcp&port=80",
            json.dumps({"after": after}))
        assert status == 200 and json.loads(text)["changes"], text
        assert n_passed(member) == passed + 2
        found = trace(member, **ANSWERED)
        assert "answer" in found["outcomes"][0], found
        assert not found.get("warnings"), found
        assert n_passed(member) == passed + 3


def test_says_what_it_leaves_out(town):
    """While the writer does not answer, it says all but what that has counted
    or probed, and that it does."""
    writer = town.cluster.writer()
    member = standbys(town)[0]
    for target in COUNTED + ("status",):
        found = get_passed(member, target)
        assert not found.get("standby"), found
    before = get(writer, "loadbalancers/lb")["status"]
    # All at once: it is waited for for three seconds.
    with asleep(writer.process), ThreadPoolExecutor() as pool:
        answer = pool.submit(trace, member, **ANSWERED)
        lb, policy, router, status = pool.map(
            lambda target: get(member, target), (
                "loadbalancers/lb", "policies/p", "routers/r", "status"))
        warning, = answer.result()["warnings"]
    assert "it is not known whether port \"v1\" has sent more" in warning
    assert lb["status"]["unread_hosts"] == 2, lb
    assert [lb["status"][n] for n in ("n_backends", "n_serving")] == [
        before[n] for n in ("n_backends", "n_serving")]
    assert policy["status"]["unread_hosts"] == 2, policy
    assert "counted" not in policy["status"], policy
    assert router["status"]["unread_hosts"] == 2, router
    assert not {"counted", "traffic"} & set(router["status"]), router
    assert status["standby"] is True, status
    assert status["hosts"]["configured"] == 2, status
    # None that is well is taken for one that does not answer.
    assert town.cluster.writer() is writer
    assert not get_passed(member, "status").get("standby")


# Accounts with a scope.  ---------------------------------------------------

class Stream:
    """The events of a member for a token."""

    def __init__(self, town, member, token, last=None,
                 kinds="revision,binding,ports,gateway"):
        headers = {"Authorization": "Bearer " + token}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        with inside(town.lab.net_ns):
            self.link = connect(town.cluster,
                                town.cluster.place.api[member.name])
            self.link.request("GET", "/v1/events?kinds=" + kinds,
                              headers=headers)
        self.reply = self.link.getresponse()
        assert self.reply.status == 200, self.reply.read()
        self.told = []

    def take(self, kind, **members):
        """Until this one."""
        while True:
            event = self._next()
            self.told.append(event)
            if event[1] == kind and all(event[2].get(k) == v
                                        for k, v in members.items()):
                return event

    def _next(self):
        fields = {}
        while True:
            line = self.reply.readline().decode()
            assert line, ("the stream has ended", self.told)
            if line == "\n" and fields:
                return (int(fields["id"]), fields["event"],
                        json.loads(fields["data"]))
            if line != "\n" and line[0] != ":":
                name, value = line.rstrip("\n").split(": ", 1)
                fields[name] = value

    def of(self, kind):
        return [data for _, name, data in self.told if name == kind]

    @property
    def last(self):
        return self.told[-1][0]

    def close(self):
        self.reply.close()
        self.link.close()


@pytest.fixture(scope="module", name="token")
def _token(town):
    """Of an account that has v2, but neither v1 nor v3."""
    token = account(town.cluster, "ina", "operator")
    api = town.cluster.writer().api
    api.patch("accounts/ina", {"scope": "role=r2"})
    for member in standbys(town):
        member.await_current()
    return token


def toggle(town, *names):
    """Has VMs go and come back."""
    for name in names:
        host = "h1" if name == "v1" else "h2"
        town.lab.unplug(name)
        wait_for(name + " to go", lambda n=name: all(
            get(m, "ports/%s" % n)["status"]["state"] == "unbound"
            for m in town.cluster.members if m.runs()), 60)
        town.lab.replug(name, host)
        wait_for(name + " to come", lambda n=name: all(
            get(m, "ports/%s" % n)["status"]["state"] == "up"
            for m in town.cluster.members if m.runs()), 60)


def check_own(stream):
    """Nothing but v2 was told of, and of whoever changed it not who."""
    assert {b["port"] for b in stream.of("binding")} <= {"v2"}, stream.told
    for event in stream.of("revision"):
        assert event["who"] is None, event
        assert {c["name"] for c in event["changes"]} <= {"v2"}, event
    text = json.dumps(stream.told)
    assert '"v1"' not in text and '"v3"' not in text, text
    ids = [number for number, kind, _ in stream.told]
    assert len(set(ids)) == len(ids)


def end_mark(town, text):
    """A change of v2, the last that a stream is to tell of."""
    town.world.patch("ports", "v2", description=text)
    return get(town.cluster.writer(), "revisions?limit=1")["items"][-1][
        "revision"]


def test_scoped_stream_of_a_member(town, token):
    """It is told by the member itself, of its own alone, goes on while the
    writer changes, and resumes there without a gap; an id of another member is
    nobody's."""
    writer = town.cluster.writer()
    member, other = standbys(town)
    answered, passed = member.n_answered(), n_passed(member)
    stream = Stream(town, member, token)
    start = stream.take("start")[0]
    assert (member.n_answered(), n_passed(member)) == (answered + 1, passed)
    toggle(town, "v1", "v2", "v3")
    stream.take("revision", revision=end_mark(town, "first"))
    assert [b["state"] for b in stream.of("binding")
            if b["state"] != "pending"] == ["unbound", "up"]
    check_own(stream)
    # From the start, and from the middle, at the same member.
    half = len(stream.told) // 2
    for last, rest in ((start, stream.told[1:]),
                       (stream.told[half][0], stream.told[half + 1:])):
        again = Stream(town, member, token, last=last)
        again.take("revision", revision=stream.told[-1][2]["revision"])
        assert again.told == rest
        again.close()
    # Others know neither its ids nor those of its positions.
    for elsewhere in (writer, other):
        again = Stream(town, elsewhere, token, last=stream.last)
        again.take("reset")
        again.close()
    n_told = len(stream.told)
    writer.hand_over(other.name)
    writer.process.wait(30 * PATIENCE)
    town.has(town.cluster.writer(but=[writer]))
    toggle(town, "v2")
    stream.take("revision", revision=end_mark(town, "second"))
    later = stream.told[n_told:]
    assert [d["state"] for _, kind, d in later if kind == "binding"
            and d["state"] != "pending"] == ["unbound", "up"], later
    assert {kind for _, kind, _ in later} == {"revision", "binding"}, later
    check_own(stream)
    stream.close()
    writer.start()
    writer.await_current()


def test_member_that_is_cut_off(town, token):
    """Its streams of accounts are told nothing until it knows what these may
    be told; and it says how it is to who asks at its machine."""
    api = town.cluster.writer().api
    member = standbys(town)[0]
    other = account(town.cluster, "uta", "operator")
    api.patch("accounts/uta", {"scope": "role=r2"})
    member.await_current()
    kept = Stream(town, member, token)
    lost = Stream(town, member, other)
    for stream in (kept, lost):
        stream.take("start")
    member.kill_server()
    wait_for("it to be cut off",
             lambda: get(member, "status").get("standby"), 30)
    found = get(member, "status")["health"]
    assert found["state"] == "failing", found
    assert "hears no writer" in found["reasons"][0]["detail"], found
    for i in range(20):
        town.world.patch("ports", "v2", description="cut off %d" % i)
    api.delete("tokens/uta")
    end = end_mark(town, "fourth")
    member.start_server()
    member.await_current()
    rest = lost.reply.read()
    assert b"data:" not in rest, rest
    kept.take("revision", revision=end)
    assert len(kept.of("revision")) == 21, kept.told
    check_own(kept)
    for stream in (kept, lost):
        stream.close()
    assert not get_passed(member, "status").get("standby")


def test_whose_an_event_is(town, token):
    """A name's former owner is told nothing of the next one, nor that of what
    was before, at any member; whatever their clocks say."""
    api = town.cluster.writer().api
    members = standbys(town)
    streams = [Stream(town, m, token) for m in members]
    for stream in streams:
        stream.take("start")
    # v2 is made anew, as somebody else's, and then the account's own again.
    spec = api.get("ports/v2")["spec"]
    for labels in ({"role": "r9"}, {"role": "r2"}):
        api.delete("ports/v2")
        api.put("ports/v2", dict(spec, labels=labels))
        wait_for("v2 to come", lambda: all(
            get(m, "ports/v2")["status"]["state"] == "up"
            for m in town.cluster.members), 60)
    end = end_mark(town, "third")
    for member, stream in zip(members, streams):
        stream.take("revision", revision=end)
        again = Stream(town, member, token, last=stream.told[0][0])
        again.take("revision", revision=end)
        # What the former two did is not told of the third.
        assert [c["op"] for e in again.of("revision")
                for c in e["changes"]] == ["create", "update"], again.told
        check_own(again)
        for each in (stream, again):
            each.close()


def test_scope_holds_in_what_is_computed(town, token):
    """As at the writer: status, traces, and calls that are not for it."""
    writer = town.cluster.writer()
    for member in standbys(town):
        member.await_current()
        found = []
        for method, target, body in (
                ("GET", "/v1/status", None), ("GET", "/v1/summary", None),
                ("GET", "/v1/reachability", None),
                ("GET", "/v1/open-services?from=v1&to=v2", None),
                ("GET", "/v1/types", None), ("GET", "/v1/policies", None),
                ("GET", "/v1/events?kinds=host", None),
                ("POST", "/v1/trace", dict(TRACE, **{"from": "v2"})),
                ("POST", "/v1/trace", dict(TRACE, **{"from": "v2",
                                                     "to": "v3"}))):
            with inside(town.lab.net_ns):
                found = [call(town.cluster, m, method, target, body, token)
                         for m in (writer, member)]
            assert found[0][0] == found[1][0], (target, found)
            assert without(found[0][2], "instance") == without(
                found[1][2], "instance"), target
            assert '"v3"' not in json.dumps(found[1][2]), (target, found)


def test_members_that_pass_nothing_on():
    """Without "cluster-listen" the writer cannot be asked: a member says what
    it knows, and no more."""
    with started() as cluster:
        writer, member = cluster.writer(), standbys_of(cluster)[0]
        wait_for("its copy to be current", lambda: member.api.raw(
            "GET", "/v1/networks")[0] == 200, 30)
        writer.api.apply([
            {"type": "networks", "name": "n",
             "spec": {"subnets": [{"cidr": "10.0.0.0/24"}]}},
            {"type": "hosts", "name": "h1", "spec": {
                "ovsdb": "tcp:127.0.0.1:1", "tunnel_ip": "192.0.2.1"}},
            {"type": "ports", "name": "p", "spec": {
                "network": "n", "labels": {"a": "b"}}},
            {"type": "groups", "name": "g", "spec": {"selector": "a=b"}},
            {"type": "policies", "name": "x", "spec": {"applies_to": ["g"]}},
            {"type": "loadbalancers", "name": "lb", "spec": {
                "vip": "10.0.0.9", "networks": ["n"], "selector": "a=b",
                "ports": [{"port": 80}]}},
            {"type": "telemetries", "name": "t", "spec": {
                "sflow": {"targets": ["192.0.2.9:6343"]}}}])
        newest = writer.api.put("quarantines/q", {"ports": ["p"]})["revision"]
        target = "%%s?at_least=%d" % newest
        for kind, name in (("policies", "x"), ("loadbalancers", "lb"),
                           ("quarantines", "q"), ("telemetries", "t"),
                           ("tiers", "security"), ("apps", "firewall")):
            found = get(member, target % kind)["items"]
            assert name in [item["name"] for item in found], (kind, found)
            one = get(member, target % (kind + "/" + name))
            if kind == "telemetries":
                assert not one["status"], one
                assert get(writer, "telemetries/t")["status"]
            else:
                assert one["status"]["unread_hosts"] == 1, one
        status = get(member, target % "status")
        assert status["standby"] and status["revision"] >= newest, status
        # There is a writer, and it takes changes.  What it has made just now
        # the member may not know to be all.
        wait_for("the member to be well", lambda: "writer" not in [
            r["reason"] for r in get(member, "status")["health"]["reasons"]],
            30)
        assert get(member, target % "summary")["ports"]["unbound"] == 1
        # What it has of the past, which ends.
        reader = Reader(member.path("vmnd.sock"),
                        "?kinds=revision&follow=false&at_least=%d" % newest)
        while not reader.ended:
            reader.read(30 * PATIENCE)
        assert [kind for _, kind, _ in reader.events[-2:]] == [
            "revision", "end"], reader.events
        assert reader.events[-2][2]["revision"] == newest, reader.events
        for method, path in (("POST", "/v1/apply"), ("GET", "/v1/drops")):
            status, _, text = member.api.raw(method, path, "{}")
            assert status == 503, (path, text)
            assert json.loads(text)["type"].endswith(":standby"), text
