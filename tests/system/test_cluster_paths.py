# SPDX-License-Identifier: Apache-2.0
"""Paths between hosts in a cluster: the writer measures them; the next writer
begins anew, and has all paths after their first probes."""

import pytest
from test_cluster import vmnctl
from test_cluster_hosts import Town, cluster_lab
from test_events import Reader
from test_paths import APP, DOWN_AFTER, lose, pass_again

from vmnlab.netns import wait_for

PAIRS = [("h1", "h2"), ("h1", "h3"), ("h2", "h3")]


class Net:
    """The paths between three hosts."""

    def __init__(self, town):
        self.town = town

    def paths(self):
        return {(p["host"], p["peer"]): p for p in
                self.town.cluster.writer().api.get("paths")["items"]}

    def states(self):
        return [self.paths().get(pair, {}).get("state") for pair in PAIRS]

    def becomes(self, pair, state):
        wait_for("the path of %s and %s to be %s" % (*pair, state),
                 lambda: self.paths().get(pair, {}).get("state") == state, 60)
        return self.paths()[pair]

    def all_up(self):
        wait_for("all to be up", lambda: self.states() == ["up"] * 3, 60)

    def goes_on(self):
        """Waits until the writer knows of more probes of all paths."""
        since = {pair: p["checked"] for pair, p in self.paths().items()}
        wait_for("new results", lambda: all(
            p["checked"] > since.get(pair, "")
            for pair, p in self.paths().items()), 60)


@pytest.fixture(scope="module")
def town():
    with cluster_lab("cpa", 3) as (lab, cluster):
        town = Town(lab, cluster)
        town.world.vm("v4", "n", "h3", "10.0.0.4")
        said = vmnctl(cluster.writer(), "app", "load", APP, "--wait")
        assert not said[0], said
        yield town


@pytest.fixture(scope="module")
def net(town):
    net = Net(town)
    net.all_up()
    return net


def test_broken_path(town, net):
    """The next writer finds it again, and its direction."""
    reader = Reader(town.cluster.writer().path("vmnd.sock"), "?kinds=path")
    reader.take("start")
    host, peer = pair = PAIRS[0]
    reason = "no probe from %s reaches %s" % (peer, host)
    lose(town.lab, peer, host)
    net.becomes(pair, "down")
    wait_for("the direction", lambda: net.paths()[pair]["reason"] == reason)
    event = reader.take("path")[1]
    assert (event["host"], event["peer"], event["state"]) == (*pair, "down")
    assert event["reason"] in (reason, "no probe is answered")
    reader.close()
    writer = town.cluster.writer()
    writer.kill()
    town.has(town.cluster.writer(but=[writer]))
    wait_for("the states", lambda: net.states() == ["down", "up", "up"], 60)
    wait_for("the direction", lambda: net.paths()[pair]["reason"] == reason)
    status, said = vmnctl(town.cluster.writer(), "status")
    assert status and "path" in said, said
    pass_again(town.lab, peer)
    net.becomes(pair, "up")
    writer.start()


def test_dead_writer(town, net):
    net.all_up()
    writer = town.cluster.writer()
    writer.kill()
    town.has(town.cluster.writer(but=[writer]))
    net.all_up()
    net.goes_on()
    for path in net.paths().values():
        assert path["latency_us"] >= 0 and path["lost"] < DOWN_AFTER
    writer.start()
