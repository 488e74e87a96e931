# SPDX-License-Identifier: Apache-2.0
"""A member that stands by answers reads from its own copy: what it shows is
what the writer shows, but for a moment, and never older than what its clients
have seen there before."""

import contextlib
import json
import re
import signal
import threading

import pytest
from cluster import LEASE_MS
from test_cluster_api import (_cluster, _place, account,  # noqa: F401
                              call, connect, standbys)
from test_cluster import vmnctl
from test_events import Reader

from vmnlab.netns import PATIENCE, wait_for


def n_passed(member):
    return int(re.search(r"passed on: \d+ now, (\d+) replied",
                         member.ctl("cluster/status"))[1])


@contextlib.contextmanager
def asleep(*processes):
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)


def raw(member, target, method="GET"):
    status, headers, text = member.api.raw(method, target)
    try:
        text = json.loads(text)
    except ValueError:
        pass
    return status, headers, text


def raise_description(member, name, value):
    return member.api.put("networks/" + name, {"description": value})


def test_answers_without_the_writer(cluster):
    writer, other = cluster.writer(), standbys(cluster)[0]
    raise_description(other, "n", "x")
    other.await_current()
    answered, passed = other.n_answered(), n_passed(other)
    with asleep(writer.process):
        assert other.api.get("networks/n")["spec"]["description"] == "x"
        assert other.api.get("networks")["items"]
        assert raw(other, "/metrics")[0] == 200
    assert other.n_answered() == answered + 3
    assert n_passed(other) == passed
    # What the writer alone knows is passed on.
    other.api.get("policies")
    assert n_passed(other) == passed + 1


def test_started_without_its_database(cluster):
    """It knows no other member yet, and says so; it goes on by itself."""
    other = standbys(cluster)[0]
    token = account(cluster, "ina", "admin")
    raise_description(other, "n", "x")
    other.await_current()
    other.kill()
    other.kill_server()
    other.spawn()
    wait_for("it to answer", lambda: other.api.healthy(), 30)
    for method, target in (("GET", "/v1/networks/n"),
                           ("DELETE", "/v1/networks/n")):
        status, headers, problem = call(cluster, other, method, target,
                                        token=token)
        assert (status, headers.get("Retry-After")) == (503, "1"), problem
        assert "database is out of reach" in problem["detail"], problem
    found = other.api.get("cluster")
    assert (found["role"], found["connected"]) == ("standby", False), found
    other.start_server()
    other.await_current()
    assert other.api.get("networks/n")["spec"]["description"] == "x"


def without_times(value):
    """'value' without what depends on when, or by which process, it was
    made."""
    if isinstance(value, dict):
        return {name: without_times(v) for name, v in value.items()
                if name not in ("time", "duration_us", "sent", "confirmed")}
    return ([without_times(v) for v in value] if isinstance(value, list)
            else value)


def test_audit_with_a_token_that_was_just_made(cluster):
    """The member that is to answer may not have it yet."""
    writer, other = cluster.writer(), standbys(cluster)[0]
    writer.api.put("hosts/h1", {"ovsdb": "ssl:h1:6640",
                                "tunnel_ip": "192.0.2.1"})
    other.await_current()
    with asleep(other.server):
        made = account(cluster, "ute", "operator")
    for method, target in (("GET", "/v1/hosts/h1/flows?diff=true"),
                           ("POST", "/v1/hosts/h1/audit")):
        for member in cluster.members:
            status, _, found = call(cluster, member, method, target,
                                    token=made)
            assert status == 503 and "is not connected" in found["detail"], (
                member.name, found)


def test_shows_what_the_writer_shows(cluster):
    """By each call of the description that only reads."""
    writer, other = cluster.writer(), standbys(cluster)[0]
    account(cluster, "ina", "viewer")
    made = writer.api.apply([
        {"type": "networks", "name": "n",
         "spec": {"subnets": [{"cidr": "10.0.0.0/24"}]}},
        {"type": "ports", "name": "p", "spec": {"network": "n",
                                                "labels": {"a": "b"}}},
        {"type": "ports", "name": "q", "spec": {"network": "n"}},
        {"type": "routers", "name": "p", "spec": {"interfaces": [
            {"network": "n", "addresses": ["10.0.0.1"]}]}},
        {"type": "groups", "name": "g", "spec": {"selector": "a=b"}},
        {"type": "services", "name": "s", "spec": {"entries": [
            {"protocol": "tcp", "ports": [80]}]}},
        {"type": "policies", "name": "x", "spec": {"applies_to": ["g"]}},
        {"type": "quotas", "name": "q", "spec": {
            "scope": "a=b", "ports": 100}},
        {"type": "observations", "name": "n", "spec": {"minutes": 10}}])
    other.await_current()
    names = {"networks": "n", "groups": "g", "services": "s", "quotas": "q",
             "observations": "n", "accounts": "ina", "tokens": "ina"}
    more = {"/v1/revisions": "&limit=1",
            "/v1/reachability": "&protocol=tcp&port=80",
            "/v1/open-services": "&from=q&to=p"}
    paths = writer.api.get("openapi.json")["paths"]
    own = set()
    for path, calls in paths.items():
        kind = path.split("/")[2] if path.count("/") > 1 else ""
        path = path.replace("{name}", names.get(kind, "p")).replace(
            "{revision}", str(made["revision"]))
        if "get" not in calls or "{" in path or path in (
                "/v1/events", "/v1/backup", "/metrics", "/v1/cluster"):
            continue
        before = other.n_answered()
        query = ("?at_least=%d" % made["revision"] if "/v1" in path else "")
        query += more.get(path, "")
        found = [raw(m, path + query) for m in (writer, other)]
        if other.n_answered() == before:
            continue
        own.add(path)
        assert found[0][0] == found[1][0], (path, found)
        assert found[0][0] in (200, 404, 409), (path, found)
        assert without_times(found[0][2]) == without_times(found[1][2]), path
        assert int(found[1][1]["Vmn-Revision"]) >= made["revision"]
    for kind, name in names.items():
        assert "/v1/" + kind in own
        assert "/v1/%s/%s" % (kind, name) in own
        assert raw(other, "/v1/%s/%s" % (kind, name))[0] == 200
    assert {"/v1/revisions", "/v1/revisions/%d" % made["revision"],
            "/v1/openapi.json"} <= own
    assert {"/v1/ports", "/v1/hosts", "/v1/routers", "/v1/usage",
            "/v1/identities", "/v1/ports/p/policies", "/v1/summary",
            "/v1/reachability", "/v1/open-services"} <= own
    for path in ("policies", "loadbalancers", "apps", "status", "types",
                 "telemetries", "ports/p", "routers/p"):
        assert "/v1/" + path not in own


def test_scope_holds_at_each_member(cluster):
    """Accounts with a scope are shown their own objects, in the same way."""
    writer, other = cluster.writer(), standbys(cluster)[0]
    token = account(cluster, "ina", "viewer")
    begin = writer.api.patch("accounts/ina", {"scope": "a=b"})["revision"]
    made = writer.api.apply([
        {"type": "hosts", "name": "h1", "spec": {
            "ovsdb": "tcp:127.0.0.1:1", "tunnel_ip": "192.0.2.1"}},
        {"type": "networks", "name": "n",
         "spec": {"subnets": [{"cidr": "10.0.0.0/24"}],
                  "labels": {"a": "b"}}},
        {"type": "ports", "name": "own", "spec": {
            "network": "n", "labels": {"a": "b"}}},
        {"type": "ports", "name": "others", "spec": {"network": "n"}}])
    other.await_current()
    targets = ["/v1/" + t for t in ("ports", "hosts", "networks", "routers",
                                    "groups", "usage", "ports/own/policies")]
    for target in targets:
        target += "?at_least=%d" % made["revision"]
        found = []

        def answers_itself(target=target, found=found):
            before = other.n_answered()
            found[:] = [call(cluster, m, "GET", target, token=token)
                        for m in (writer, other)]
            return other.n_answered() > before

        # The host is down, which the writer says after some seconds.
        wait_for("it to answer " + target, answers_itself, 30)
        assert found[0][0] == found[1][0] == 200, found
        assert without_times(found[0][2]) == without_times(found[1][2])
        # Items of "usage" are quotas, which it has by default.
        names = {i.get("name"): i for i in found[1][2].get("items", [])}
        assert "others" not in names
        if target.startswith("/v1/ports?"):
            assert "own" in names
        elif target.startswith("/v1/hosts"):
            assert set(names["h1"]["status"]) == {"state"}, names
            assert not names["h1"]["spec"]
    for member in (writer, other):
        status = call(cluster, member, "GET", "/v1/ports/others", token=token)
        assert status[0] == 404, status
        status = call(cluster, member, "GET", "/v1/events?kinds=host",
                      token=token)
        assert status[0] == 400, status
    # Of what others have made it is told its own objects, by the same ids.
    told = []
    for member in cluster.members:
        link = connect(cluster, cluster.place.api[member.name])
        link.request("GET", "/v1/events?kinds=revision&after=%d" % begin,
                     headers={"Authorization": "Bearer " + token})
        reply = link.getresponse()
        lines = [reply.readline().decode() for _ in range(5)]
        lines = [line for line in lines if not line.startswith(":")]
        told.append([line for line in lines if line.strip()])
        assert told[-1][0] == "id: %d\n" % made["revision"], told
        link.close()
    assert "own" in told[0][-1] and "others" not in "".join(told[0]), told


def test_member_that_was_not_there_asks(cluster):
    """Of what was installed before its start a member knows nothing."""
    writer, other = cluster.writer(), standbys(cluster)[0]
    made = raise_description(writer, "n", "x")["revision"]
    other.stop()
    between = raise_description(writer, "n", "y")["revision"]
    other.start()
    raise_description(writer, "n", "z")
    other.await_current()
    for target in ("/v1/revisions", "/v1/revisions/%d" % made,
                   "/v1/revisions/%d" % between,
                   "/v1/revisions/%d?wait=installed" % made):
        found = [raw(m, target) for m in (writer, other)]
        assert found[0][0] == found[1][0] == 200
        assert without_times(found[0][2]) == without_times(found[1][2])


def test_own_writes_are_read(cluster):
    """Whose copy lags, since its database's server does not answer, shows no
    older state than what it has passed on."""
    other = standbys(cluster)[0]
    for i in range(30):
        raise_description(other, "n", str(i))
        assert other.api.get("networks/n")["spec"]["description"] == str(i)
    other.await_current()
    with asleep(other.server):
        raise_description(other, "n", "x")
        assert other.api.get("networks/n")["spec"]["description"] == "x"
        # What it was shown by a read counts as well.
        raise_description(cluster.writer(), "n", "y")
        shown = other.api.get("summary")
        assert shown is not None
        assert other.api.get("networks/n")["spec"]["description"] == "y"


def test_at_least(cluster):
    writer, other = cluster.writer(), standbys(cluster)[0]
    other.await_current()
    for i in range(30):
        revision = raise_description(writer, "n", str(i))["revision"]
        reply = raw(other, "/v1/networks/n?at_least=%d" % revision)
        assert reply[0] == 200, reply
        assert reply[2]["spec"]["description"] == str(i)
        assert int(reply[1]["Vmn-Revision"]) >= revision
        assert reply[2]["metadata"]["revision"] == revision
    # The copy does not have it in time: the writer is asked.
    with asleep(other.server):
        revision = raise_description(writer, "n", "x")["revision"]
        reply = raw(other, "/v1/networks/n?at_least=%d" % revision)
        assert reply[2]["spec"]["description"] == "x"
        assert other.api.get("revisions/%d" % revision)
    for member in (writer, other):
        for value in ("x", "0", "-1", "1" + 18 * "0", ""):
            status, _, problem = raw(member, "/v1/networks?at_least=" + value)
            assert status == 400, value
            assert problem["errors"][0]["parameter"] == "at_least", problem
        status, _, problem = raw(member, "/v1/networks/n?at_least=1",
                                 method="DELETE")
        assert status == 400, problem
        status, _, problem = raw(
            member, "/v1/networks?at_least=%d" % (revision + 10 ** 9))
        assert status == 504 and "no revision" in problem["detail"], problem
        assert problem["type"].endswith(":behind")
    # It ends once there is one, by whomever.
    found = []
    waiter = threading.Thread(target=lambda: found.append(raw(
        other, "/v1/networks/later?at_least=%d" % (revision + 1))))
    waiter.start()
    raise_description(writer, "later", "x")
    waiter.join(30 * PATIENCE)
    assert found[0][0] == 200, found


def read_as(cluster, member, token):
    return call(cluster, member, "GET", "/v1/networks", token=token)[0]


def test_tokens_that_come_and_go(cluster):
    writer, other = cluster.writer(), standbys(cluster)[0]
    token = account(cluster, "ina", "viewer")
    other.await_current()
    wait_for("the token to be known", lambda: (
        other.n_answered(), read_as(cluster, other, token),
        other.n_answered())[::2] != (other.n_answered(),) * 2, 30)
    # Its copy does not hear of what changes.
    with asleep(other.server):
        made = account(cluster, "ute", "viewer")
        assert read_as(cluster, other, made) == 200
        writer.api.delete("tokens/ina")
        wait_for("the token not to be good any more", lambda: read_as(
            cluster, other, token) == 401, 2 * LEASE_MS / 1000 + 20)
    other.await_current()
    assert read_as(cluster, other, token) == 401
    assert read_as(cluster, other, made) == 200


def test_copy_that_is_cut_off_is_not_shown(cluster):
    writer, other = cluster.writer(), standbys(cluster)[0]
    token = account(cluster, "ina", "admin")
    raise_description(writer, "n", "old")
    other.await_current()
    with asleep(other.server):
        def passes_on():
            before = other.n_answered()
            other.api.get("networks")
            return other.n_answered() == before
        wait_for("it to pass all on", passes_on, 2 * LEASE_MS / 1000 + 20)
        raise_description(writer, "n", "new")
        wait_for("what the writer has", lambda: other.api.get(
            "networks/n")["spec"]["description"] == "new", 30)
        # Nor if nobody else can be asked.
        for member in cluster.members:
            if member is not other:
                member.kill()
        status, _, problem = call(cluster, other, "GET", "/v1/networks/n",
                                  token=token)
        assert status == 503 and "cannot be reached" in problem["detail"]
        # Of itself it speaks.
        assert other.api.healthy()
        assert raw(other, "/readyz")[0] == 200
        assert raw(other, "/metrics")[0] == 200
        assert other.api.get("cluster")["role"] == "standby"


def test_survivor_of_three(cluster):
    """Who stood by is read at its machine, and says that it may be old, also
    once it was started again; it changes nothing."""
    writer, other = cluster.writer(), standbys(cluster)[0]
    token = account(cluster, "ina", "admin")
    made = raise_description(writer, "n", "x")["revision"]
    other.await_current()
    for member in cluster.members:
        if member is not other:
            member.kill()
            member.kill_server()

    def is_marked():
        status, headers, page = raw(other, "/v1/networks/n")
        return (status == 200 and page["spec"]["description"] == "x"
                and headers.get("Vmn-May-Be-Old") == "true"
                and int(headers["Vmn-Revision"]) >= made)

    for turn in range(2):
        wait_for("it to answer", other.api.healthy, 30)
        wait_for("its copy to be old", is_marked, 60)
        for target in ("networks", "ports", "policies", "revisions",
                       "revisions/%d" % made, "usage"):
            status, headers, page = raw(other, "/v1/" + target)
            assert status == 200, (target, page)
            assert headers["Vmn-May-Be-Old"] == "true", target
        status, said = vmnctl(other, "get", "networks")
        assert status == 0 and "revision" in said and "may be old" in said
        status, said = vmnctl(other, "backup", other.path("b%d" % turn))
        assert status == 0 and "may be old" in said, said
        if not turn:
            # These wait for a writer.
            status, _, problem = call(cluster, other, "GET", "/v1/networks",
                                      token=token)
            assert status == 503, problem
            status, _, problem = raw(other, "/v1/networks/n", "DELETE")
            assert status == 503 and problem["detail"], problem
            other.kill()
            other.start()


def test_any_member_gives_a_backup(cluster):
    other = standbys(cluster)[0]
    made = raise_description(other, "n", "x")["revision"]
    other.await_current()
    before, passed = other.n_answered(), n_passed(other)
    status, said = vmnctl(other, "backup", other.path("b"))
    assert status == 0 and "verified" in said and "old" not in said, said
    assert int(re.search(r"revision (\d+)", said)[1]) >= made
    assert (other.n_answered(), n_passed(other)) == (before + 1, passed)
    text = raw(other, "/metrics")[2]
    assert b"\nvmn_backup_last_revision %d\n" % made in text


def test_reads_while_the_writer_changes(cluster):
    """Who reads at one member is never refused, and sees no older state."""
    writer = cluster.writer()
    other = standbys(cluster)[1]
    other.await_current()
    faults, newest, n_reads = [], [0], [0]
    stop = threading.Event()

    def read():
        while not stop.is_set():
            status, headers, page = raw(other, "/v1/networks")
            if status != 200:
                faults.append((status, page))
                return
            revision = int(headers["Vmn-Revision"])
            if revision < newest[0] or page["revision"] < revision:
                faults.append((revision, newest, page["revision"]))
            newest[0] = revision
            n_reads[0] += 1

    reader = threading.Thread(target=read)
    reader.start()
    writer.kill()
    successor = cluster.writer(but=[writer])
    made = raise_description(successor, "n", "x")["revision"]
    wait_for("it to be read", lambda: newest[0] >= made or faults, 30)
    before = n_reads[0]
    wait_for("more reads", lambda: n_reads[0] > before + 10 or faults, 30)
    stop.set()
    reader.join(30 * PATIENCE)
    assert not faults


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_reply_says_its_revision(cluster, method):
    for member in cluster.members:
        revision = raise_description(member, "n", member.name)["revision"]
        status, headers, _ = raw(member, "/v1/networks/n", method)
        assert status == 200
        assert int(headers["Vmn-Revision"]) >= revision
        # Not to everybody.
        _, headers, _ = call(cluster, member, method, "/v1/networks/n")
        assert "Vmn-Revision" not in headers
        assert "Vmn-Shown" not in headers


# Events.  -----------------------------------------------------------------

def listen(member, last=None, kinds="revision"):
    return Reader(member.path("vmnd.sock"), "?kinds=" + kinds, last=last)


def take_until(reader, revision, seconds=30):
    """(id, data) of all events up to that of this revision."""
    found = []
    while not found or found[-1][1]["revision"] < revision:
        found.append(reader.take("revision", seconds * PATIENCE))
    return found


def revisions_since(member, revision):
    return [item["revision"] for item in member.api.get(
        "revisions", after=revision, limit=1000)["items"]]


def test_events_of_revisions_are_the_same(cluster):
    writer, other = cluster.writer(), standbys(cluster)[0]
    other.await_current()
    begin = raise_description(other, "n", "x")["revision"]
    passed = n_passed(other)
    readers = [listen(m) for m in (writer, other)]
    for reader in readers:
        assert reader.take("start")[0] == begin
    assert n_passed(other) == passed
    for i in range(100):
        made = raise_description(writer, "n", str(i))["revision"]
        # Who is told of a change can read it.
        number, event = readers[1].take("revision", 30 * PATIENCE)
        assert number == event["revision"] == made
        reply = raw(other, "/v1/networks/n")
        assert reply[2]["spec"]["description"] == str(i)
    assert n_passed(other) == passed
    assert [number for number, _ in take_until(readers[0], made)] == (
        revisions_since(writer, begin))
    resumed = [take_until(listen(m, begin), made) for m in cluster.members]
    assert resumed[0] == resumed[1] == resumed[2]
    assert len(resumed[0]) == 100


def test_events_go_on_at_another_member(cluster):
    """Also if the writer dies in between: no revision is lost, or told
    twice."""
    first = cluster.writer()
    begin = raise_description(first, "n", "begin")["revision"]
    for member in standbys(cluster):
        member.await_current()
    last, told = begin, []
    # This one sees it all at one member, which may become the writer.
    loyal_at = standbys(cluster)[0]
    loyal = listen(loyal_at, begin)
    for turn in range(12):
        writer = cluster.writer(but=[] if turn < 6 else [first])
        for i in range(10):
            made = raise_description(writer, "n", "%d.%d" % (turn, i))
        reader = listen([m for m in cluster.members if m.runs()][turn % 2],
                        last)
        # Of some it is not there yet what another one has told.
        found = take_until(reader, made["revision"] - turn % 3)
        told += found
        last = found[-1][0]
        reader.sock.close()
        if turn == 5:
            writer.kill()
            cluster.writer(but=[writer])
    made = raise_description(cluster.writer(but=[first]), "n", "end")
    told += take_until(listen(loyal_at, last), made["revision"])
    log = revisions_since(cluster.writer(but=[first]), begin)
    assert [number for number, _ in told] == log
    assert take_until(loyal, made["revision"]) == told
    assert [e["revision"] for _, e in told] == log


def test_mixed_events_are_the_writers(cluster):
    """Who is told of a change of the writer's by this member can read it
    here."""
    writer, other = cluster.writer(), standbys(cluster)[0]
    other.await_current()
    wait_for("its events", lambda: serves_mixed(other), 30)
    reader = listen(other, kinds="revision,health")
    start, _ = reader.take("start")
    with asleep(other.server):
        for i in range(5):
            newest = raise_description(writer, "n", str(i))["revision"]
        listen(writer, start, kinds="revision,health").take(
            "revision", revision=newest)
        assert not reader.read(0.5) or not reader.events
    found = []
    while not found or found[-1]["revision"] < newest:
        found.append(reader.take("revision", 30 * PATIENCE)[1])
        if len(found) == 1:
            shown = raw(other, "/v1/networks/n")[2]
            assert shown["metadata"]["revision"] >= found[0]["revision"]
    assert len(found) == 5
    # They go on at any member, also when another one is the writer.
    again = listen(standbys(cluster)[1], start, kinds="revision,health")
    assert len(take_until(again, newest)) == 5
    writer.kill()
    successor = cluster.writer(but=[writer])
    again = listen(successor, start, kinds="revision,health")
    assert len(take_until(again, newest)) == 5


def serves_mixed(member):
    before = n_passed(member)
    listen(member, kinds="revision,health").close()
    return n_passed(member) == before


def test_stream_ends_with_its_token(cluster):
    writer, other = cluster.writer(), standbys(cluster)[0]
    token = account(cluster, "ina", "viewer")
    other.await_current()
    wait_for("the token to be known", lambda: "ina" in [
        o["name"] for o in other.api.get("tokens")["items"]], 30)
    answered = other.n_answered()
    link = connect(cluster, cluster.place.api[other.name])
    link.request("GET", "/v1/events?kinds=revision",
                 headers={"Authorization": "Bearer " + token})
    reply = link.getresponse()
    assert reply.status == 200 and reply.readline().startswith(b"id: ")
    assert other.n_answered() == answered + 1
    writer.api.delete("tokens/ina")
    reply.read()
    link.close()
