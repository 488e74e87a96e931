# SPDX-License-Identifier: Apache-2.0
"""What is a host's master's in a cluster, besides probes and counters: the
paths that are measured from it, of which the writer makes states; and what it
alone knows of the host and its ports, which any member says."""

import os
import re
import signal

import pytest
from dhcp_guests import Dhclient, bare_vm
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
        self.broken = set()

    def paths(self):
        return {(p["host"], p["peer"]): p for p in
                self.town.cluster.writer().api.get("paths")["items"]}

    def states(self):
        return [self.paths().get(pair, {}).get("state") for pair in PAIRS]

    def unbroken(self):
        """A pair that was not broken a short while ago, since it would be
        lossy: one of which another member tells the writer, if there is
        one."""
        said = self.town.cluster.writer().ctl("paths/show")
        told = re.findall(r"^(\w+) (\w+): .*as member", said, re.M)
        pair = next(p for p in told + PAIRS if p not in self.broken)
        self.broken.add(pair)
        return pair

    def becomes(self, pair, state):
        wait_for("the path of %s and %s to be %s" % (*pair, state),
                 lambda: self.paths().get(pair, {}).get("state") == state, 60)
        return self.paths()[pair]

    def all_up(self):
        wait_for("all to be up", lambda: self.states() == ["up"] * 3, 60)

    def turns(self, member):
        """How many hosts have their turns at the member, of how many."""
        said = member.ctl("paths/show")
        return (int(re.search(r"turns here: (\d+) hosts", said)[1]),
                int(re.search(r", (\d+) hosts with turns", said)[1]))

    def by_masters(self):
        """Waits until each host's turns are those of its master."""
        def is_so():
            turns = [self.turns(m) for m in self.town.cluster.members
                     if m.runs()]
            of = turns[0][1]
            return (of and all(t[1] == of for t in turns)
                    and sum(t[0] for t in turns) == of)
        wait_for("masters to measure", is_so, 60)

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
    town.other_master()
    net.all_up()
    net.by_masters()
    return net


def test_masters_measure(town, net):
    here = {m.name: net.turns(m)[0] for m in town.cluster.members}
    masters = set(town.masters().values())
    assert all(name in masters for name, n in here.items() if n)
    net.goes_on()
    for path in net.paths().values():
        assert path["latency_us"] >= 0 and path["lost"] < DOWN_AFTER


def test_broken_path(town, net):
    """Which direction it is the writer finds out, where another member
    measures."""
    reader = Reader(town.cluster.writer().path("vmnd.sock"), "?kinds=path")
    reader.take("start")
    host, peer = pair = net.unbroken()
    reason = "no probe from %s reaches %s" % (peer, host)
    lose(town.lab, peer, host)
    net.becomes(pair, "down")
    wait_for("the direction", lambda: net.paths()[pair]["reason"] == reason)
    event = reader.take("path")[1]
    assert (event["host"], event["peer"], event["state"]) == (*pair, "down")
    assert event["reason"] in (reason, "no probe is answered")
    pass_again(town.lab, peer)
    net.becomes(pair, "up")
    assert reader.take("path")[1]["state"] == "up"
    reader.close()


def test_parts_of_the_manager(town, tmp_path):
    """The member that manages a host is asked for what it alone knows, by the
    writer for whoever is asked."""
    member, names = town.other_master()
    name = names[0]
    town.world.put("networks", "told",
                   subnets=[{"cidr": "10.1.0.0/24", "dhcp": True}])
    vm = bare_vm(town.world, "leaser", "told", name)
    with Dhclient(vm, tmp_path, 4) as client:
        client.wait("BOUND")
    for m in town.cluster.members:
        lease, = m.api.get("ports/leaser")["status"]["leases"]
        assert lease["ip"] in vm.own and lease["until"] > lease["given"]
    found = member.api.call("POST", "/v1/hosts/%s/audit" % name)
    for m in town.cluster.members:
        status = m.api.get("hosts/" + name)["status"]
        assert status["manager"] == member.name
        assert status["audit"]["time"] == found["time"]
        assert "installed" in status["packet_in_meters"]
        assert "incomplete" not in status
    # It is silent, which is not known yet; if it is, another has its hosts.
    api = town.cluster.writer().api
    os.kill(member.process.pid, signal.SIGSTOP)
    try:
        for path in "hosts/" + name, "ports/leaser":
            status = api.get(path)["status"]
            if "incomplete" in status:
                assert 'member "%s"' % member.name in status["incomplete"]
                assert "audit" not in status and "leases" not in status
            else:
                other = api.get("hosts/" + name)["status"]["manager"]
                assert other != member.name
    finally:
        os.kill(member.process.pid, signal.SIGCONT)


def test_dead_writer(town, net):
    """The next one has what the masters know."""
    town.shared()
    writer = town.cluster.writer()
    writer.kill()
    town.has(town.cluster.writer(but=[writer]))
    town.shared()
    net.by_masters()
    net.all_up()
    net.goes_on()


def test_dead_master(town, net):
    """What is known stays known, and nothing is concluded of its death."""
    pair = net.unbroken()
    since = {pair: p["since"] for pair, p in net.paths().items()}
    lose(town.lab, *pair)
    since[pair] = net.becomes(pair, "down")["since"]
    states = net.states()
    writer = town.cluster.writer()
    next(m for m in town.cluster.members if m.runs() and m != writer).kill()
    town.shared()
    net.by_masters()
    net.goes_on()
    assert net.states() == states and sorted(states) == ["down", "up", "up"]
    assert {pair: p["since"] for pair, p in net.paths().items()} == since
    pass_again(town.lab, pair[0])
    net.all_up()
