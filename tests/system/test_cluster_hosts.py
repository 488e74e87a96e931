# SPDX-License-Identifier: Apache-2.0
"""What hosts see of a cluster: whichever member dies, packets go on and no
flow is touched; and one that was the writer has no say any more."""

import os
import shutil
import signal
import tempfile
import types

import pytest
from cluster import Cluster
from conftest import (World, changes, check_log, entry, flows, lab_name, rule,
                      wait_aged, wait_quiet)
from test_cluster import takes_changes

from vmnlab.lab import Lab
from vmnlab.netns import PATIENCE, wait_for
from vmnlab.traffic import Pinger

DEPOSED = 4                     # vmnd's exit status.


class Town:
    """Two hosts, three VMs, a policy and a balancer, and a cluster that
    manages them."""

    def __init__(self, lab, cluster):
        self.lab = lab
        self.cluster = cluster
        self.use(cluster.writer())
        lab.vmnd.api.apply([lab.host_object(h) for h in lab.hosts])
        lab.await_synced()
        self.world = world = World(lab)
        world.network("n")
        for i, host in enumerate(("h1", "h2", "h2")):
            world.vm("v%d" % (i + 1), "n", host, "10.0.0.%d" % (i + 1),
                     tcp=[80], labels={"role": "r%d" % (i + 1)})
        world.group("r1", "role=r1")
        world.group("r2", "role=r2")
        world.policy("p", "r2", rule("ingress", "allow", ["r1"], [
            entry("tcp", 80), entry("icmp")]))
        world.put("loadbalancers", "lb", vip="10.0.0.100", networks=["n"],
                  ports=[{"port": 80}], selector="role=r3")
        wait_aged(lab)

    def use(self, member):
        """Has the lab's functions ask this member."""
        self.lab.vmnd = types.SimpleNamespace(api=member.api, log=member.log,
                                              program=None, options=(),
                                              pid=lambda: member.process.pid)

    def has(self, writer):
        """Waits until the writer has both hosts as they are to be."""
        self.use(writer)
        self.world.api = writer.api
        self.lab.await_synced(seconds=60)
        wait_quiet(self.lab)

    def pings(self):
        vm = self.lab.vm
        return [Pinger(vm("v1"), vm("v2").ip).start(),
                Pinger(vm("v2"), vm("v1").ip).start(),
                Pinger(vm("v3"), vm("v1").ip).start()]

    def flows(self):
        return {host.name: flows(host) for host in self.lab.hosts}

    def untouched_since(self, before):
        after = self.flows()
        return all(not changes(before[h], after[h]) for h in before)

    def epochs(self):
        return [int(host.vsctl("get", "bridge", "br-int",
                               "external_ids:vmn-epoch").strip('"\n'))
                for host in self.lab.hosts]

    def controllers(self):
        return {host.vsctl("get-controller", "br-int").strip()
                for host in self.lab.hosts}


@pytest.fixture(scope="module")
def town():
    folder = tempfile.mkdtemp(prefix="vmn-cluster-")
    lab = Lab(lab_name("clu"))
    lab.lock(create=True)
    cluster = None
    try:
        lab.up(2)
        cluster = Cluster(folder, lab=lab)
        yield Town(lab, cluster)
        for member in cluster.members:
            check_log(member)
    finally:
        if cluster:
            cluster.end()
        lab.vmnd = None
        lab.down()
        lab.unlock()
        shutil.rmtree(folder)


def lost(pingers):
    return {p.what: n for p in pingers for n in [p.stop()] if n}


def test_killed_writer(town):
    writer = town.cluster.writer()
    before, pings, epochs = town.flows(), town.pings(), town.epochs()
    writer.kill()
    successor = town.cluster.writer(but=[writer])
    town.has(successor)
    assert not lost(pings)
    assert town.untouched_since(before)
    assert all(a < b for a, b in zip(epochs, town.epochs()))
    assert town.controllers() == {successor.openflow}
    # And it manages them.
    assert not town.world.blocked(town.lab.vm("v1"), town.lab.vm("v2"))
    town.world.patch("policies", "p", rules=[])
    assert town.world.blocked(town.lab.vm("v1"), town.lab.vm("v2"))
    town.world.patch("policies", "p", rules=[
        rule("ingress", "allow", ["r1"], [entry("tcp", 80), entry("icmp")])])
    assert town.world.reaches(town.lab.vm("v1"), town.lab.vm("v2"))
    writer.start()


def test_handed_over(town):
    writer = town.cluster.writer()
    before, pings = town.flows(), town.pings()
    writer.ctl("cluster/transfer")
    assert writer.process.wait(30 * PATIENCE) == DEPOSED
    town.has(town.cluster.writer(but=[writer]))
    assert not lost(pings)
    assert town.untouched_since(before)
    writer.start()


def test_writer_that_slept_has_no_say(town):
    """It finds its connections open, and its flows to send: the switches
    refuse them, and their databases say whose they are."""
    writer = town.cluster.writer()
    server = writer.server
    before, pings = town.flows(), town.pings()
    # It cannot learn from the database that it is none any more.
    os.kill(server.pid, signal.SIGSTOP)
    os.kill(writer.process.pid, signal.SIGSTOP)
    successor = town.cluster.writer(but=[writer])
    town.has(successor)
    epochs = town.epochs()
    os.kill(writer.process.pid, signal.SIGCONT)
    wait_for("it to be told", lambda: all(
        "later epoch" in str(host["status"]) for host in
        writer.api.get("hosts")["items"]), 60)
    town.world.patch("ports", "v3", labels={"role": "r3", "seen": "yes"})
    town.has(successor)
    assert town.epochs() == epochs
    assert town.controllers() == {successor.openflow}
    os.kill(server.pid, signal.SIGCONT)
    assert writer.process.wait(60 * PATIENCE) == DEPOSED
    assert not lost(pings)
    assert town.untouched_since(before)
    writer.start()


def test_port_that_comes_while_nobody_writes(town):
    """What hosts report is taken up by the successor."""
    writer = town.cluster.writer()
    town.world.put("ports", "v4", network="n", ips=["10.0.0.4"])
    writer.kill()
    vm = town.lab.add_vm("v4", "h1", "02:00:00:00:44:44", ["10.0.0.4/24"],
                         iface_id="v4")
    successor = town.cluster.writer(but=[writer])
    town.has(successor)
    town.lab.await_ports(["v4"])
    town.world.own_vms.append("v4")
    assert vm is town.lab.vm("v4")
    writer.start()


def test_dead_machine_with_the_leader(town):
    """The writer's vmnd and the server that leads the others, at once."""
    cluster = town.cluster
    leader = next(m for m in cluster.members if m.is_raft_leader())
    if cluster.writer() is not leader:
        wait_for("it to follow", lambda: cluster.follows(leader), 60)
        former = cluster.writer()
        former.ctl("cluster/transfer", leader.name)
        assert former.process.wait(30 * PATIENCE) == DEPOSED
        wait_for("it to be the writer", leader.is_writer, 60)
        former.start()
    town.has(leader)
    before, pings = town.flows(), town.pings()
    for process in (leader.process, leader.server):
        process.kill()
        process.wait()
    town.has(cluster.writer(but=[leader]))
    leader.start_server()
    leader.start()
    wait_for("it to follow", lambda: cluster.follows(leader), 60)
    assert not lost(pings)
    assert town.untouched_since(before)


def test_majority_that_goes_and_comes_back(town):
    writer = town.cluster.writer()
    others = [m for m in town.cluster.members if m is not writer]
    before, pings = town.flows(), town.pings()
    for member in others:
        member.kill_server()
    wait_for("changes to be refused", writer.refuses, 60)
    # A host that connects anew meanwhile is as it was.
    writer.ctl("fabric/reconnect", "h1")
    town.lab.await_synced(seconds=60)
    for member in others:
        member.start_server()
    wait_for("changes to be taken", lambda: takes_changes(town.cluster), 60)
    town.has(town.cluster.writer())
    assert not lost(pings)
    assert town.untouched_since(before)


def test_rolling_upgrade(town):
    """Each member in turn hands over, is stopped and started again."""
    cluster = town.cluster
    before, pings = town.flows(), town.pings()
    for member in cluster.members:
        if member.is_writer():
            member.ctl("cluster/transfer")
            assert member.process.wait(30 * PATIENCE) == DEPOSED
        else:
            assert member.stop() == 0
        town.has(cluster.writer(but=[member]))
        member.start()
        wait_for("it to follow", lambda m=member: cluster.follows(m), 60)
    assert not lost(pings)
    assert town.untouched_since(before)
