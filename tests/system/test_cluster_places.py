# SPDX-License-Identifier: Apache-2.0
"""Members of a cluster have the stages of apps at the same tables, in whatever
order these were loaded and whoever was started again meanwhile: so hosts do
not notice that another member is the writer, or their master."""

import base64
import json

import pytest
from conftest import wait_aged
from test_cluster_hosts import DEPOSED, Town, cluster_lab

from vmnlab.api import Refused
from vmnlab.netns import PATIENCE, wait_for

# The first table of hook admit that VMN's own apps leave: six of 16 are
# free.
FREE = 10
SCRIPT = """\
local function compile(view, key, emit)
    local network = view:network(key)
    if not network then return end
    for i = 1, %(n_flows)d do
        emit:flow { scope = { network = key }, stage = "s", priority = i,
                    match = { reg_network = network.vni } }:next()
    end
end
return { name = "%(name)s",
         stages = { { name = "s", hook = "admit", order = %(order)d,
                      n_tables = %(n_tables)d } },
         units = { { name = "n", each = "network", compile = compile } } }
"""


@pytest.fixture(scope="module")
def town():
    with cluster_lab("cpl", 2, options=lambda name: [
            "--max-flows-per-host=2000"]) as (lab, cluster):
        yield Town(lab, cluster)


@pytest.fixture(autouse=True)
def _no_app_is_left(town):
    yield
    for member in town.cluster.members:
        if not member.runs():
            member.start()
    api = town.cluster.writer().api
    for name in ("p", "x", "y", "z"):
        try:
            api.delete("apps/%s/code" % name)
        except Refused as refused:
            assert refused.status == 404, refused


def load(member, name, order, n_tables, n_flows=1):
    code = (SCRIPT % locals()).encode()
    member.api.call("PUT", "/v1/apps/%s/code" % name, {
        "file": name + ".lua", "code": base64.b64encode(code).decode()})


def table(member, name):
    """The first table of the app's stage, by the row and by the pipeline."""
    found = member.api.get("apps/" + name)
    noted, = found["spec"]["module"]["stages"]
    now, = found["status"]["stages"]
    assert now["first_table"] == noted["first_table"]
    return now["first_table"]


def agree(town):
    """Waits until all members follow, and hosts have all that they are to
    have; all members want the same there then."""
    cluster = town.cluster
    town.has(cluster.writer())
    for member in cluster.members:
        wait_for("%s to follow" % member.name,
                 lambda m=member: cluster.follows(m), 60)
    wait_for("all to have the hosts", town.are_warm, 60)

    def want_the_same():
        wanted = [json.loads(m.ctl("fabric/digest")) for m in cluster.members]
        return len(wanted[0]) == 2 and wanted[0] == wanted[1] == wanted[2]

    # Not all that they compute has a revision.
    wait_for("all to want the same", want_the_same, 60)


def test_standby_that_is_started_between(town):
    """One has the second app come to it while it runs, and the other one has
    both at its start; then they are the writer in turn."""
    writer = town.cluster.writer()
    first, second = [m for m in town.cluster.members if m is not writer]
    load(writer, "z", 1000, 5)
    first.kill()
    first.start()
    wait_for("it to follow", lambda: town.cluster.follows(first), 60)
    second.kill()
    load(writer, "y", 900, 5)
    second.start()
    assert (table(writer, "z"), table(writer, "y")) == (FREE, 208)
    agree(town)
    wait_aged(town.lab)
    before = town.flows()
    assert {f.table for f in before["h1"].values()} >= {FREE, 208}
    for successor in first, second:
        writer = town.cluster.writer()
        writer.hand_over(successor.name)
        assert writer.process.wait(30 * PATIENCE) == DEPOSED
        town.has(successor)
        assert (table(successor, "z"), table(successor, "y")) == (FREE, 208)
        writer.start()
        agree(town)
    assert town.untouched_since(before)


def test_what_is_rolled_back_is_where_it_was(town):
    """Also if its next version has other tables, and there are lower ones by
    now: the other members have never seen that version."""
    writer = town.cluster.writer()
    load(writer, "p", 1000, 1)
    load(writer, "x", 1000, 1)
    assert (table(writer, "p"), table(writer, "x")) == (FREE, FREE + 1)
    writer.api.delete("apps/p/code")
    agree(town)
    wait_aged(town.lab)
    before = town.flows()
    with pytest.raises(Refused, match="2000"):
        load(writer, "x", 1000, 2, 3000)
    assert table(writer, "x") == FREE + 1
    agree(town)
    assert town.untouched_since(before)
