# SPDX-License-Identifier: Apache-2.0
"""A rolling upgrade of a cluster: members of two versions side by side.  The
later one is vmnd-newer, whose tiers have fields that vmnd does not know."""

import contextlib
import json
import os
import sqlite3

import pytest
from cluster import run, started

from vmnlab.api import Refused
from vmnlab.cluster import schema
from vmnlab.daemon import find
from vmnlab.netns import PATIENCE, wait_for

DEPOSED = 4                     # vmnd's exit status.


@pytest.fixture
def cluster():
    with started() as cluster:
        yield cluster


def query(member, sql):
    with contextlib.closing(sqlite3.connect(member.state)) as db, db:
        return db.execute(sql).fetchall()


def upgrade(member):
    """Has the member be of the later version, whose file has another
    format."""
    if member.runs():
        member.stop()
    member.program = find("vmnd") + "-newer"
    # It has some objects twice, of which the newer ones count.
    member.prefix = ["env", "ASAN_OPTIONS=%s:detect_odr_violation=0"
                     % os.environ.get("ASAN_OPTIONS", "")]
    member.start()


def transfer(cluster, member):
    """Makes it the writer."""
    former = cluster.writer()
    former.hand_over(member.name)
    assert former.process.wait(30 * PATIENCE) == DEPOSED
    former.start()
    assert cluster.writer(but=[former]) is member


def in_sync(cluster, but=()):
    for member in cluster.members:
        if member not in but:
            wait_for("%s to follow" % member.name,
                     lambda m=member: cluster.follows(m), 60)


def refusal(member, method, path, spec=None):
    with pytest.raises(Refused) as refused:
        getattr(member.api, method)(path, *([spec] if spec else []))
    return refused.value.status, str(refused.value)


def n_unknown(member):
    """In how many rows, as its status says it."""
    return int(member.status().get(
        "rows with fields that this version does not know", "0"))


def test_unknown_fields_are_kept(cluster, tmp_path):
    a, b, c = cluster.members
    a.api.put("networks/n", {})
    a.api.put("networks/m", {})
    upgrade(b)
    in_sync(cluster)
    assert {m["version"] for m in a.api.get("cluster")["members"]} > {
        "99.0.0"}
    assert "different versions" in run(
        find("vmnctl"), "--server=unix:" + a.path("vmnd.sock"), "cluster")

    transfer(cluster, b)
    b.api.put("tiers/gold", {"position": 3, "network": "n"})
    coloured = b.api.patch("tiers/gold", {"colour": "red"})["revision"]
    in_sync(cluster)
    assert [n_unknown(m) for m in cluster.members] == [1, 0, 1]
    for member in a, c:
        with open(member.log) as log:
            assert log.read().count("they are kept, and have no effect") == 1

    # A writer of the older version: it shows what it knows, changes that, and
    # passes the rest on.
    transfer(cluster, a)
    assert a.api.get("tiers/gold")["spec"] == {"position": 3}
    assert a.api.get("cluster")["unknown_fields"] == 1
    assert "1 row has fields" in run(
        find("vmnctl"), "--server=unix:" + a.path("vmnd.sock"), "cluster")
    a.api.put("tiers/gold", {"position": 4})
    a.api.patch("tiers/gold", {"description": "d"})
    status, why = refusal(a, "put", "tiers/gold",
                          {"position": 4, "colour": "red"})
    assert status == 400 and "unknown field" in why, why
    with pytest.raises(Refused) as refused:
        a.api.call("POST", "/v1/revisions/%d/undo" % coloured)
    assert "changed fields of tier" in str(refused.value)
    assert refused.value.status == 409
    status, why = refusal(a, "delete", "networks/n")
    assert status == 409 and "may be referenced by tier" in why, why
    a.api.delete("networks/m")
    in_sync(cluster)
    spec = "SELECT position, colour, network FROM tiers WHERE name = 'gold'"
    assert query(b, spec) == [(4, "red", "n")]
    kept = query(c, "SELECT unknown_fields FROM tiers WHERE name = 'gold'")
    assert json.loads(kept[0][0])["spec"]["fields"] == {
        "colour": "red", "network": "n"}

    # Over a restart, and in a backup.
    c.stop()
    c.start()
    in_sync(cluster)
    assert n_unknown(c) == 1
    backup = str(tmp_path / "backup")
    cluster.backup(backup, a)
    with contextlib.closing(sqlite3.connect(backup)) as db:
        assert db.execute("SELECT unknown_fields FROM tiers WHERE name = "
                          "'gold'").fetchall() == kept

    # Their own upgrade makes it a field as any other.
    transfer(cluster, c)
    upgrade(a)
    in_sync(cluster)
    transfer(cluster, a)
    upgrade(c)
    in_sync(cluster)
    assert [n_unknown(m) for m in cluster.members] == [0, 0, 0]
    gold = a.api.get("tiers/gold")["spec"]
    assert gold == {"position": 4, "description": "d", "colour": "red",
                    "network": "n"}
    status, why = refusal(a, "delete", "networks/n")
    assert status == 409 and "is referenced by tier" in why, why
    transfer(cluster, c)
    assert c.api.get("tiers/gold")["spec"] == gold


def convert(member, tmp_path, change=lambda tables: None):
    """Converts the database, to a schema that differs from this version's."""
    with open(schema()) as file:
        other = json.load(file)
    change(other["tables"])
    path = tmp_path / "other.ovsschema"
    path.write_text(json.dumps(other))
    run("ovsdb-client", "--no-leader-only", "convert",
        "unix:" + member.path("db.sock"), str(path))


def goes_on(cluster, name):
    """Has the writer make a change, which all members get."""
    wait_for("the writer", lambda: not cluster.writer().refuses(), 30)
    cluster.writer().api.put("networks/" + name, {})
    in_sync(cluster)


def test_database_has_a_newer_schema(cluster, tmp_path):
    """What a newer version may have in the cluster's database is nothing to
    the older ones that use it."""
    def newer(tables):
        tables["Member"]["columns"]["later"] = {"type": "integer"}

    a, b, _ = cluster.members
    for i in range(2):          # The second time it is there already.
        convert(b, tmp_path, newer)
        assert "later" in run("ovsdb-client", "--no-leader-only",
                              "list-columns", "unix:" + b.path("db.sock"),
                              "VMN", "Member")
        goes_on(cluster, "n%d" % i)
    assert cluster.writer() is a


def test_database_without_an_essential_column(cluster, tmp_path):
    """Of it members say which one they need, and go on once it is there."""
    def useless(tables):
        del tables["Batch"]["columns"]["serial"]

    _, b, _ = cluster.members
    convert(b, tmp_path, useless)
    for member in cluster.members:
        wait_for("it to say so", lambda m=member: "no column Batch.serial"
                 in m.status().get("problem", ""), 30)
    assert b.status()["database"].endswith("without most of its servers")
    convert(b, tmp_path)
    goes_on(cluster, "n")


def test_deleted_with_the_object(cluster):
    a, b, c = cluster.members
    upgrade(b)
    in_sync(cluster)
    transfer(cluster, b)
    b.api.put("tiers/gold", {"position": 3, "colour": "red"})
    transfer(cluster, a)
    a.api.delete("tiers/gold")
    a.api.put("tiers/gold", {"position": 3})
    in_sync(cluster)
    assert query(b, "SELECT colour FROM tiers") == [(None,)]
    assert [n_unknown(m) for m in cluster.members] == [0, 0, 0]


def test_unknown_value_stops_a_member_until_its_upgrade(cluster):
    """What it cannot keep: a value that it cannot read in a field that it
    knows."""
    a, b, c = cluster.members
    upgrade(b)
    in_sync(cluster)
    transfer(cluster, b)
    in_sync(cluster)
    before = wait_for("its batch", lambda: a.batches()[1])
    text = "x" * 1500
    b.api.put("tiers/gold", {"position": 3, "description": text})
    b.api.put("tiers/later", {"position": 4})

    def problem(member):
        return member.status().get("problem", "")

    def stands_still(member):
        return (problem(member).startswith(
            "batch %d cannot be applied: /tiers/gold/description: "
            % (before + 1)) and "the writer is of version 99.0.0" in
            problem(member))

    for member in a, c:
        wait_for("it to say so", lambda m=member: stands_still(m), 30)
    a.kill()
    a.start()
    wait_for("it to say so again", lambda: stands_still(a), 30)
    for member in a, c:
        assert "this member has %d" % before in member.last_status()
        assert not query(member, "SELECT name FROM tiers")

    # They go on from there.
    for member in a, c:
        upgrade(member)
    in_sync(cluster)
    transfer(cluster, a)
    tiers = {t["name"]: t["spec"] for t in a.api.get("tiers")["items"]}
    assert tiers["gold"] == {"position": 3, "description": text}
    assert "later" in tiers
    assert os.path.exists(c.state)
