# SPDX-License-Identifier: Apache-2.0
"""What a standby answers.  It relays every request to the writer but those
about its own process.  While there is no writer it answers reads from its own
copy, and says how old that is; and it refuses changes after a time."""

import contextlib
import json
import re
import signal
import threading

import pytest
from cluster import started
from test_cluster import vmnctl
from test_cluster_api import (WAITS_S, _cluster, _place,  # noqa: F401
                              account, call, connect, standbys)
from test_events import Reader

from vmnlab.netns import PATIENCE, wait_for

# What a standby answers about itself, and the page.
OWN = {"/", "/healthz", "/readyz", "/metrics", "/v1/cluster"}
# What is read of hosts and of processes, or computed by the writer alone.
LIVE = ("drops", "paths", "traffic", "activity", "logs", "placement",
        "rejected-hosts", "events", "events?kinds=revision")


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


def describe(member, name, value):
    return member.api.put("networks/" + name, {"description": value})


def description(member, name):
    return member.api.get("networks/" + name)["spec"]["description"]


def is_relayed(member, target):
    """Returns whether the writer answers it."""
    before = member.n_relayed()
    raw(member, target)
    return member.n_relayed() > before


def kill_others(cluster, member):
    """Leaves it alone, without the database."""
    for other in cluster.members:
        if other is not member:
            other.kill()
            other.kill_server()


# With a writer.  ------------------------------------------------------------

def test_relays_all_but_what_is_about_itself(cluster):
    """Each call of the description that has no arguments."""
    writer, other = cluster.writer(), standbys(cluster)[0]
    paths = writer.api.get("openapi.json")["paths"]
    targets = [path for path, calls in paths.items()
               if "get" in calls and "{" not in path and path not in (
                   "/v1/events", "/v1/packets")]
    assert OWN < set(targets) and len(targets) > 30
    wait_for("the writer to be heard", lambda: is_relayed(other, "/v1"), 30)
    own = {target for target in targets if not is_relayed(other, target)}
    assert own == OWN, own ^ OWN


def test_a_change_is_read_at_once(cluster):
    """At the member that relayed it, and at any other."""
    writer, other = cluster.writer(), standbys(cluster)[0]
    for i in range(30):
        revision = describe(other, "n", str(i))["revision"]
        for member in cluster.members:
            reply = raw(member, "/v1/networks/n")
            assert reply[2]["spec"]["description"] == str(i), member.name
            assert int(reply[1]["Vmn-Revision"]) >= revision
            assert not {"Age", "Vmn-May-Be-Old"} & set(reply[1])
    # Also if the standby's own copy lags.
    with asleep(other.server):
        describe(writer, "n", "x")
        assert description(other, "n") == "x"


def test_at_least(cluster):
    writer, other = cluster.writer(), standbys(cluster)[0]
    revision = describe(writer, "n", "x")["revision"]
    for member in (writer, other):
        reply = raw(member, "/v1/networks/n?at_least=%d" % revision)
        assert reply[2]["spec"]["description"] == "x"
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
    # The wait ends with the next change, made at any member.
    found = []
    waiter = threading.Thread(target=lambda: found.append(raw(
        other, "/v1/networks/later?at_least=%d" % (revision + 1))))
    waiter.start()
    describe(writer, "later", "x")
    waiter.join(30 * PATIENCE)
    assert found[0][0] == 200, found


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_reply_says_its_revision(cluster, method):
    for member in cluster.members:
        revision = describe(member, "n", member.name)["revision"]
        status, headers, _ = raw(member, "/v1/networks/n", method)
        assert status == 200
        assert int(headers["Vmn-Revision"]) >= revision
        # Not to a client that is not authenticated.
        _, headers, _ = call(cluster, member, method, "/v1/networks/n")
        assert "Vmn-Revision" not in headers


def test_revoked_token_is_refused_at_once(cluster):
    writer, other = cluster.writer(), standbys(cluster)[0]
    # The standby's copy lacks both changes.
    with asleep(other.server):
        token = account(cluster, "ute", "viewer")
        assert call(cluster, other, "GET", "/v1/networks",
                    token=token)[0] == 200
        writer.api.delete("tokens/ute")
        assert call(cluster, other, "GET", "/v1/networks",
                    token=token)[0] == 401


def test_any_member_gives_a_backup(cluster):
    other = standbys(cluster)[0]
    made = describe(other, "n", "x")["revision"]
    status, said = vmnctl(other, "backup", other.path("b"))
    assert status == 0 and "verified" in said and "old" not in said, said
    assert int(re.search(r"revision (\d+)", said)[1]) >= made


# Without one.  --------------------------------------------------------------

def is_old(member, target, token=None, cluster=None):
    """Returns its age if it is from the member's copy, or None."""
    status, headers, page = (call(cluster, member, "GET", target, token=token)
                             if token else raw(member, target))
    assert status in (200, 503), page
    if "Age" not in headers:
        return None
    assert status == 200 and headers["Vmn-May-Be-Old"] == "true", headers
    return int(headers["Age"])


def test_survivor_of_three(cluster):
    """It answers reads from its copy, with its age and revision, to each
    client that the copy authenticates, also after a restart."""
    writer, other = cluster.writer(), standbys(cluster)[0]
    token = account(cluster, "ina", "admin")
    revoked = account(cluster, "ute", "admin")
    writer.api.delete("tokens/ute")
    made = describe(writer, "n", "x")["revision"]
    wait_for("it to follow", lambda: cluster.follows(other), 60)
    kill_others(cluster, other)
    wait_for("its copy", lambda: is_old(other, "/v1/networks/n") is not None,
             60)
    for turn in range(2):
        for target in ("networks", "networks/n", "ports", "policies", "hosts",
                       "loadbalancers", "routers", "revisions",
                       "revisions/%d" % made, "usage", "summary", "status",
                       "reachability?protocol=tcp&port=80"):
            status, headers, page = raw(other, "/v1/" + target)
            assert status == 200, (target, page)
            assert int(headers["Vmn-Revision"]) >= made, headers
            assert "Age" in headers and "Vmn-May-Be-Old" in headers, target
        assert description(other, "n") == "x"
        first = is_old(other, "/v1/networks", token, cluster)
        assert first is not None
        wait_for("its age to grow", lambda f=first: is_old(
            other, "/v1/networks", token, cluster) > f or turn, 30)
        status, headers, _ = raw(other, "/v1/networks/n", "HEAD")
        assert status == 200 and "Age" in headers
        assert other.api.get("cluster")["role"] == "standby"
        assert raw(other, "/metrics")[0] == 200
        assert other.api.healthy() and raw(other, "/readyz")[0] == 200
        status, said = vmnctl(other, "get", "networks")
        assert status == 0 and "revision" in said and "may be old" in said
        status, said = vmnctl(other, "status")
        assert status and "failing: writer" in said, said
        status, said = vmnctl(other, "backup", other.path("b%d" % turn))
        assert status == 0 and "may be old" in said, said
        # A client that the copy does not authenticate waits for a writer.
        if not turn:
            assert call(cluster, other, "GET", "/v1/networks",
                        token=revoked)[0] == 503
            other.kill()
            other.start()
            wait_for("it to answer", other.api.healthy, 30)


def test_changes_and_live_state_wait_for_a_writer(cluster):
    """And are refused in the end."""
    other = standbys(cluster)[0]
    describe(cluster.writer(), "n", "x")
    wait_for("it to follow", lambda: cluster.follows(other), 60)
    kill_others(cluster, other)
    wait_for("its copy", lambda: is_old(other, "/v1/networks/n") is not None,
             60)
    replies = {}

    def request(method, target):
        replies[method, target] = raw(other, "/v1/" + target, method)

    requests = [("GET", target) for target in LIVE] + [
        ("PUT", "networks/n"), ("DELETE", "networks/n"), ("POST", "apply"),
        ("POST", "hosts/h1/audit")]
    threads = [threading.Thread(target=request, args=one) for one in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join((WAITS_S + 30) * PATIENCE)
    assert set(replies) == set(requests)
    for one, (status, headers, problem) in replies.items():
        assert status == 503 and headers["Retry-After"], (one, problem)
        assert problem["detail"], one
    assert description(other, "n") == "x"


def test_started_without_its_database(cluster):
    """It knows no other member yet."""
    other = standbys(cluster)[0]
    token = account(cluster, "ina", "admin")
    describe(other, "n", "x")
    wait_for("it to follow", lambda: cluster.follows(other), 60)
    other.kill()
    other.kill_server()
    other.spawn()
    wait_for("it to answer", lambda: other.api.healthy(), 30)
    status, headers, page = call(cluster, other, "GET", "/v1/networks/n",
                                 token=token)
    assert status == 200 and page["spec"]["description"] == "x"
    assert int(headers["Age"]) > 10 ** 9, headers
    status, headers, problem = call(cluster, other, "DELETE", "/v1/networks/n",
                                    token=token)
    assert (status, headers.get("Retry-After")) == (503, "1"), problem
    assert "database is out of reach" in problem["detail"], problem
    found = other.api.get("cluster")
    assert (found["role"], found["connected"]) == ("standby", False), found
    other.start_server()
    wait_for("the writer to answer", lambda: is_relayed(
        other, "/v1/networks/n"), 60)
    assert description(other, "n") == "x"


def test_cut_off_from_its_database(cluster):
    """It relays nothing more once it has not heard the writer for a lease,
    and answers from a copy that it does not hide to be old."""
    writer, other = cluster.writer(), standbys(cluster)[0]
    token = account(cluster, "ina", "viewer")
    describe(writer, "n", "old")
    wait_for("it to follow", lambda: cluster.follows(other), 60)
    with asleep(other.server):
        wait_for("its copy", lambda: is_old(other, "/v1/networks/n")
                 is not None, 60)
        describe(writer, "n", "new")
        assert description(other, "n") == "old"
        assert is_old(other, "/v1/networks/n") is not None
        # Its copy has the token (docs/security.md).
        writer.api.delete("tokens/ina")
        assert is_old(other, "/v1/networks/n", token, cluster) is not None
    wait_for("the writer to answer", lambda: is_old(other, "/v1/networks/n")
             is None, 60)
    assert description(other, "n") == "new"
    assert call(cluster, other, "GET", "/v1/networks", token=token)[0] == 401


def test_reads_while_the_writer_changes(cluster):
    """No read is refused, and none shows an older state than a former one
    unless it says so."""
    writer, other = cluster.writer(), standbys(cluster)[1]
    describe(writer, "n", "x")
    wait_for("it to follow", lambda: cluster.follows(other), 60)
    faults, newest, n_reads = [], [0], [0]
    stop = threading.Event()

    def read():
        while not stop.is_set():
            status, headers, page = raw(other, "/v1/networks")
            if status != 200:
                faults.append((status, page))
                return
            revision = int(headers["Vmn-Revision"])
            if "Vmn-May-Be-Old" not in headers:
                if revision < newest[0] or page["revision"] < revision:
                    faults.append((revision, newest, page["revision"]))
                newest[0] = revision
            n_reads[0] += 1

    reader = threading.Thread(target=read)
    reader.start()
    try:
        writer.kill()
        successor = cluster.writer(but=[writer])
        made = describe(successor, "n", "y")["revision"]
        wait_for("it to be read", lambda: newest[0] >= made or faults, 30)
    finally:
        stop.set()
        reader.join(30 * PATIENCE)
    assert not faults and n_reads[0]


def test_member_that_relays_nothing():
    """Without "cluster-listen" the writer cannot be reached: a standby answers
    from its copy, though there is a writer."""
    with started() as cluster:
        writer = cluster.writer()
        other = next(m for m in cluster.members if m is not writer)
        made = describe(writer, "n", "x")["revision"]
        found = raw(other, "/v1/networks/n?at_least=%d" % made)[2]
        assert found["spec"]["description"] == "x"
        assert is_old(other, "/v1/networks/n") is not None
        for method, path in (("POST", "/v1/apply"), ("GET", "/v1/drops")):
            status, _, problem = raw(other, path, method)
            assert status == 503, (path, problem)
            assert problem["type"].endswith(":standby"), problem


# A member that is away.  ----------------------------------------------------

def test_dead_member_is_away():
    """Within 5 s of the last that was heard of it; and "vmnctl status" is not
    ok until it is back."""
    def prepare(member):
        member.lease_ms = 1000

    with started(prepare=prepare) as cluster:
        c = cluster.members[2]

        def members():
            return {m["name"]: m
                    for m in cluster.writer().api.get("cluster")["members"]}

        def status():
            return vmnctl(cluster.writer(), "status")

        wait_for("all to be there", lambda: status()[0] == 0 and set(
            m["role"] for m in members().values()) == {"writer", "standby"},
            60)
        c.kill()

        def is_away():
            found = members()["c"]
            assert found["role"] == "away" or found["heard"] < 5, found
            return found["role"] == "away"

        wait_for("c to be away", is_away, 60)
        code, said = status()
        assert code == 1 and "member c of the cluster is away" in said, said
        assert cluster.writer().api.metrics()[
            'vmn_health_reason{reason="members"}'] == 1
        assert "away" in vmnctl(cluster.writer(), "cluster")[1]
        assert cluster.writer().api.metrics()["vmn_cluster_members_away"] == 1
        c.start()
        wait_for("it to be well", lambda: status()[0] == 0, 60)


# Events.  -------------------------------------------------------------------

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


def test_events_of_revisions_are_the_same_at_each_member(cluster):
    begin = describe(cluster.writer(), "n", "x")["revision"]
    readers = [listen(m) for m in cluster.members]
    for reader in readers:
        assert reader.take("start")[0] == begin
    for i in range(50):
        made = describe(cluster.members[i % 3], "n", str(i))["revision"]
    told = [take_until(reader, made) for reader in readers]
    resumed = [take_until(listen(m, begin), made) for m in cluster.members]
    assert told[0] == told[1] == told[2] == resumed[0]
    assert resumed[0] == resumed[1] == resumed[2]
    assert [number for number, _ in told[0]] == (
        revisions_since(cluster.writer(), begin))


def test_events_of_revisions_resume_with_the_next_writer(cluster):
    """No revision is lost, or sent twice, wherever a client resumes."""
    first = cluster.writer()
    begin = last = describe(first, "n", "begin")["revision"]
    told = []
    for turn in range(12):
        writer = cluster.writer(but=[] if turn < 6 else [first])
        for i in range(10):
            made = describe(writer, "n", "%d.%d" % (turn, i))["revision"]
        running = [m for m in cluster.members if m.runs()]
        reader = listen(running[turn % len(running)], last)
        # Some are left for the next stream.
        told += take_until(reader, made - turn % 3)
        last = told[-1][0]
        reader.sock.close()
        if turn == 5:
            writer.kill()
            cluster.writer(but=[writer])
    made = describe(writer, "n", "end")["revision"]
    told += take_until(listen(writer, last), made)
    assert [number for number, _ in told] == revisions_since(writer, begin)


def test_other_events_begin_anew_with_the_next_writer(cluster):
    """Their log is the writer's: a stream ends with it, and a client that
    resumes is sent "reset"."""
    writer, other = cluster.writer(), standbys(cluster)[0]
    kinds = "revision,health"
    reader = listen(other, kinds=kinds)
    start, _ = reader.take("start")
    made = describe(writer, "n", "x")["revision"]
    last = take_until(reader, made)[-1][0]
    # At each member, while the writer is the same.
    for member in cluster.members:
        again = listen(member, start, kinds)
        assert take_until(again, made)[-1][0] == last
    writer.kill()
    while not reader.ended:
        reader.read(30 * PATIENCE)
    cluster.writer(but=[writer])
    for member in cluster.members:
        if member.runs():
            again = listen(member, last, kinds)
            assert again.take("reset")[1]["revision"] >= made


def scoped_stream(cluster, member, token, query):
    """Returns (connection, reply) of a stream of events."""
    link = connect(cluster, cluster.place.api[member.name])
    link.request("GET", "/v1/events?kinds=revision" + query,
                 headers={"Authorization": "Bearer " + token})
    reply = link.getresponse()
    assert reply.status == 200, reply.read()
    return link, reply


def next_event(reply):
    """{"id": ..., "event": ..., "data": ...}"""
    fields = {}
    while True:
        line = reply.readline().decode()
        assert line, "the stream has ended"
        if line == "\n" and fields:
            return dict(fields, data=json.loads(fields["data"]))
        if line != "\n" and line[0] != ":":
            name, value = line.rstrip("\n").split(": ", 1)
            fields[name] = value


def test_scope_holds_by_way_of_each_member(cluster):
    """An account with a scope reads its own objects, and events of these."""
    writer = cluster.writer()
    token = account(cluster, "ina", "viewer")
    begin = writer.api.patch("accounts/ina", {"scope": "a=b"})["revision"]
    made = writer.api.apply([
        {"type": "networks", "name": "n",
         "spec": {"subnets": [{"cidr": "10.0.0.0/24"}],
                  "labels": {"a": "b"}}},
        {"type": "ports", "name": "own", "spec": {
            "network": "n", "labels": {"a": "b"}}},
        {"type": "ports", "name": "others", "spec": {"network": "n"}}])
    told = []
    for member in cluster.members:
        names = {i["name"] for i in call(
            cluster, member, "GET", "/v1/ports", token=token)[2]["items"]}
        assert names == {"own"}, (member.name, names)
        assert call(cluster, member, "GET", "/v1/ports/others",
                    token=token)[0] == 404
        assert call(cluster, member, "GET", "/v1/events?kinds=host",
                    token=token)[0] == 400
        link, reply = scoped_stream(cluster, member, token,
                                    "&after=%d" % begin)
        told.append(next_event(reply))
        link.close()
    assert told[0] == told[1] == told[2]
    assert told[0]["data"]["revision"] == made["revision"]
    assert {c["name"] for c in told[0]["data"]["changes"]} == {"n", "own"}


def test_stream_ends_with_its_token(cluster):
    other = standbys(cluster)[0]
    token = account(cluster, "ina", "viewer")
    link, reply = scoped_stream(cluster, other, token, "")
    assert next_event(reply)["event"] == "start"
    cluster.writer().api.delete("tokens/ina")
    reply.read()
    link.close()
