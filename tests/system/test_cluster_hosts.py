# SPDX-License-Identifier: Apache-2.0
"""What hosts see of a cluster: whichever member dies, packets go on and no
flow is touched; and hosts obey no former writer.

Packets are a thousand a second between VMs of two hosts, both ways, and a TCP
connection by a virtual IP that is held throughout.  Where some were lost and
the machine was overloaded, a test is skipped as "not proven"
(test_stream.py)."""

import collections
import contextlib
import json
import os
import re
import shutil
import signal
import sqlite3
import tempfile
import time
import types

import pytest
from cluster import Cluster
from conftest import (World, changes, check_log, entry, flows, lab_name, rule,
                      wait_aged, wait_quiet)
from test_cluster import takes_changes
from test_cluster_api import Place
from test_stream import Waits, excuse

from vmnlab import netns
from vmnlab.lab import Lab
from vmnlab.netns import PATIENCE, wait_for
from vmnlab.stream import Streams
from vmnlab.traffic import Connection, Pinger

DEPOSED = 4                     # vmnd's exit status.
AWAY_S = 30                     # For so long there is no majority.


class Traffic:
    """Packets of which none is to be lost, from now on."""

    def __init__(self, lab):
        v1, v2, v3 = (lab.vm(name) for name in ("v1", "v2", "v3"))
        self.held = Connection(v1, "10.0.0.100", 80)
        assert self.held.again()
        # By the policy, and back.
        self.pings = [Pinger(v1, v2.ip).start(), Pinger(v2, v1.ip).start()]
        self.streams = Streams().add("there", v1, v3).add("back", v3, v1)
        self.streams.start()
        self.streams.waits = Waits(lab)
        self.streams.arrive("there", "back")

    def end(self):
        """For a test that has failed."""
        self.held.close()
        for ping in self.pings:
            ping.stop()
        self.streams.stop()

    def lost(self):
        """Ends it; returns what was lost, {what: how many packets}."""
        answer = self.held.exchange(seconds=10)
        self.held.close()
        lost = {p.what: n for p in self.pings for n in [p.stop()] if n}
        found = self.streams.run(0.3).stop(("there", "back"))
        self.streams.shares = self.streams.waits.shares()
        print()
        for name, result in found.items():
            print("   ", result)
            if result.lost:
                lost[name] = len(result.lost)
        if lost:
            excuse(self.streams)
        assert answer, "the held connection is dead"
        return lost


def use_member(lab, member):
    """Has the lab's functions ask this member."""
    lab.vmnd = types.SimpleNamespace(api=member.api, log=member.log,
                                     program=None, options=(),
                                     pid=lambda: member.process.pid)


class Town:
    """Two hosts, three VMs, a policy and a balancer, and a cluster that
    manages them."""

    def __init__(self, lab, cluster):
        self.lab = lab
        self.cluster = cluster
        self.now = None         # The traffic of a test.
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
        use_member(self.lab, member)

    def has(self, writer):
        """Waits until the writer has both hosts as they are to be."""
        self.use(writer)
        self.world.api = writer.api
        self.lab.await_synced(seconds=60)
        wait_quiet(self.lab)

    def traffic(self):
        self.now = Traffic(self.lab)
        return self.now

    def flows(self):
        return {host.name: flows(host) for host in self.lab.hosts}

    def untouched_since(self, before):
        after = self.flows()
        return all(not changes(before[h], after[h]) for h in before)

    def epochs(self):
        return [int(host.vsctl("get", "bridge", "br-int",
                               "external_ids:vmn-epoch").strip('"\n'))
                for host in self.lab.hosts]

    def roles(self, host):
        """Returns the members' roles at its switch, {name: role}; "" of one
        that is not connected."""
        names = {m.openflow: m.name for m in self.cluster.members}
        rows = json.loads(host.vsctl(
            "--format=json", "--columns=target,role,is_connected", "list",
            "controller"))["data"]
        return {names.get(target): role if connected else ""
                for target, role, connected in rows}

    def are_mastered(self):
        """Returns whether the writer is the master of each host, and all other
        members that run are slaves."""
        desired = {m.name: "" if not m.runs() else "master"
                   if m is self.cluster.writer() else "slave"
                   for m in self.cluster.members}
        return all(self.roles(host) == desired for host in self.lab.hosts)

    def await_masters(self):
        wait_for("the members' roles", self.are_mastered, 90)

    def are_warm(self):
        """Whether all members know that both hosts have all their flows."""
        return all({host["state"] for host in member.hosts().values()}
                   == {"synced"} and len(member.hosts()) == 2
                   for member in self.cluster.members if member.runs())

    def computed(self, member):
        """How many units and queries it has computed, and how many units there
        are."""
        text = member.ctl("engine/show")
        units, queries = re.search(r"units computed (\d+), queries computed "
                                   r"(\d+)", text).groups()
        return (int(units) + int(queries),
                int(re.search(r"^units (\d+)", text, re.M)[1]))

    def connections(self, member):
        """Those that switches have made to it, by their ports."""
        with open(member.log) as log:
            return set(re.findall(r"\|([^|]+): switch \w+ connected",
                                  log.read()))


@contextlib.contextmanager
def cluster_lab(kind, n_hosts, prepare=None, options=None, **more):
    """A lab whose hosts three members are to manage, and these, who have
    nothing to complain of in the end; 'prepare' as of Cluster, 'options' are
    further ones of a member by its name, and 'more' is for Lab.up()."""
    folder = tempfile.mkdtemp(prefix="vmn-cluster-")
    lab = Lab(lab_name(kind))
    lab.lock(create=True)
    cluster = None
    try:
        lab.up(n_hosts, **more)
        place = Place(folder)
        cluster = Cluster(
            folder, lab=lab, prepare=prepare, options=lambda name:
            place.options(name) + (options(name) if options else []))
        cluster.place = place
        yield lab, cluster
        for member in cluster.members:
            check_log(member)
    finally:
        if cluster:
            cluster.end()
        lab.vmnd = None
        lab.down()
        lab.unlock()
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def town():
    with cluster_lab("clu", 2) as (lab, cluster):
        yield Town(lab, cluster)


@pytest.fixture(autouse=True)
def _no_traffic_is_left(town):
    yield
    if town.now:
        town.now.end()
        town.now = None


def check_policy(town):
    """It is put into force, and out of it."""
    v1, v2 = (town.lab.vm(name) for name in ("v1", "v2"))
    town.world.patch("policies", "p", rules=[])
    assert town.world.blocked(v1, v2)
    town.world.patch("policies", "p", rules=[
        rule("ingress", "allow", ["r1"], [entry("tcp", 80), entry("icmp")])])
    assert town.world.reaches(v1, v2)


def test_killed_writer(town):
    writer = town.cluster.writer()
    wait_for("the others to have the hosts", town.are_warm, 60)
    town.await_masters()
    wait_for("all to say so", lambda: [m["hosts"] for m in writer.api.get(
        "cluster")["members"]] == [2, 2, 2], 60)
    before, traffic, epochs = town.flows(), town.traffic(), town.epochs()
    connections = {m.name: town.connections(m) for m in town.cluster.members}
    computed = {m.name: town.computed(m)[0] for m in town.cluster.members}
    writer.kill()
    successor = town.cluster.writer(but=[writer])
    town.has(successor)
    # It had all flows already.
    now, n_units = town.computed(successor)
    assert now - computed[successor.name] < n_units / 4
    assert not traffic.lost()
    assert town.untouched_since(before)
    assert all(a < b for a, b in zip(epochs, town.epochs()))
    # By the connections that it had.
    assert town.connections(successor) == connections[successor.name]
    town.await_masters()
    # And they do what it says.
    check_policy(town)
    writer.start()
    town.await_masters()


def resumed(member):
    """How many hosts it has sent what had changed, without reading flows."""
    return json.loads(member.ctl("fabric/stats"))["reconciles_resumed"]


@contextlib.contextmanager
def cut_from_hosts(lab, member):
    """What it sends to switches is lost, also what it has sent when it ends;
    its connections end with this."""
    port = member.openflow.rsplit(":")[-1]
    ways = ["ipproto tcp sport %s to %s blackhole" % (port, host.control_ip)
            for host in lab.hosts]
    for way in ways:
        netns.ip(lab.net_ns, "rule add " + way)
    try:
        yield
    finally:
        netns.run(["ss", "-K", "sport", "=", ":" + port], ns=lab.net_ns)
        for way in ways:
            netns.ip(lab.net_ns, "rule del " + way)


def test_change_that_hosts_lack_is_sent_without_reading_flows(town):
    """The writer dies when a change is durable, and hosts have not got it: the
    successor sends that, and nothing else."""
    wait_for("the others to have the hosts", town.are_warm, 60)
    town.await_masters()
    writer = town.cluster.writer()
    others = [m for m in town.cluster.members if m is not writer]
    n_resumed = {m.name: resumed(m) for m in others}
    before, traffic = town.flows(), town.traffic()
    late = {"vip": "10.0.0.101", "networks": ["n"], "ports": [{"port": 80}],
            "selector": "role=r3"}
    with cut_from_hosts(town.lab, writer):
        made = writer.api.put("loadbalancers/late", late)["revision"]
        for member in others:
            wait_for("%s to follow" % member.name,
                     lambda m=member: town.cluster.follows(m), 60)
        writer.kill()
    successor = town.cluster.writer(but=[writer])
    town.has(successor)
    assert successor.api.get("revisions/%d" % made, wait="installed",
                             timeout="60s")["receipt"]["installed"]
    assert resumed(successor) == n_resumed[successor.name] + 2
    town.world.delete("loadbalancers", "late")
    assert not traffic.lost()
    assert town.untouched_since(before)
    check_policy(town)
    writer.start()
    town.await_masters()


def set_flow_limits(host, tables):
    """Has each of these tables of its switch take so many flows and no more;
    None: no limit."""
    there = dict(re.findall(r"(\d+)=([-0-9a-f]+)", host.vsctl(
        "get", "bridge", "br-int", "flow_tables")))
    for table, limit in tables.items():
        if limit is None:
            host.vsctl("clear", "flow_table", there[str(table)], "flow_limit")
        elif str(table) in there:
            host.vsctl("set", "flow_table", there[str(table)],
                       "flow_limit=%d" % limit)
        else:
            host.vsctl("--id=@t", "create", "flow_table",
                       "flow_limit=%d" % limit, "--", "set", "bridge",
                       "br-int", "flow_tables:%d=@t" % table)


def test_audit_by_any_member(town):
    """A standby relays it to the writer."""
    host = town.lab.host("h1")
    for i, member in enumerate(town.cluster.members):
        host.ofctl("-O", "OpenFlow15", "add-flow", "br-int",
                   "table=0,priority=%d,udp,actions=drop" % (60000 + i))
        found = member.api.get("hosts/h1/flows", diff="true")
        assert (found["missing"], found["unknown"]) == (0, 1), found
        done = member.api.call("POST", "/v1/hosts/h1/audit")
        assert done["unknown"] == 1 and done["repairing"], done
        wait_for("it to be gone", lambda: "priority=600" not in host.ofctl(
            "dump-flows", "br-int"), 30)
    assert town.cluster.writer().api.raw(
        "POST", "/v1/hosts/h9/audit")[0] == 404


def test_rejected_flow_survives_the_writer(town):
    """A flow that the switch rejects: the successor finds it by itself."""
    writer = town.cluster.writer()
    host = town.lab.host("h2")
    used = collections.Counter(int(t) for t in re.findall(
        r"table=(\d+)", host.ofctl("dump-flows", "br-int")))
    limited = {table: n for table, n in used.items() if table < 240}
    set_flow_limits(host, limited)

    def status():
        return town.cluster.writer().api.get("hosts/h2")["status"]

    try:
        done = writer.api.patch("policies/p", {"rules": [rule(
            "ingress", "allow", ["r1"],
            [entry("icmp")] + [entry("tcp", port) for port in (80, 81, 83)])]})
        revision = "revisions/%d" % done["metadata"]["revision"]
        wait_for("it to be rejected", lambda: status()["state"] == "diverged",
                 60)
        assert "OFPFMFC_TABLE_FULL" in status()["reason"], status()
        assert "failed" in {
            h["state"] for h in writer.api.get(revision)["receipt"]["hosts"]
            if h["host"] == "h2"}
        writer.kill()
        town.cluster.writer(but=[writer])
        wait_for("it to be rejected again",
                 lambda: status()["state"] == "diverged", 60)
        assert "OFPFMFC_TABLE_FULL" in status()["reason"], status()
    finally:
        set_flow_limits(host, dict.fromkeys(limited))
    town.cluster.writer().ctl("fabric/reconnect", "h2")
    town.has(town.cluster.writer())
    writer.start()
    wait_for("all to know", town.are_warm, 60)


def test_receipts_by_way_of_each_member(town):
    writer = town.cluster.writer()
    for port in range(60, 65):
        done = writer.api.patch("policies/p", {"rules": [rule(
            "ingress", "allow", ["r1"], [
                entry("tcp", 80), entry("udp", port), entry("icmp")])]})
        receipts = [member.api.get(
            "revisions/%d" % done["revision"], wait="installed",
            timeout="60s")["receipt"] for member in town.cluster.members]
        assert receipts[0]["installed"] and receipts[0]["recorded"]
        assert receipts[0] == receipts[1] == receipts[2]


def test_handed_over(town):
    writer = town.cluster.writer()
    done = writer.api.patch("policies/p", {"rules": [rule(
        "ingress", "allow", ["r1"], [entry("tcp", 80), entry("udp", 53),
                                     entry("icmp")])]}, wait="installed")
    assert done["receipt"]["installed"] and done["receipt"]["hosts"]
    revision = "revisions/%d" % done["metadata"]["revision"]
    before, traffic = town.flows(), town.traffic()
    writer.ctl("cluster/transfer")
    assert writer.process.wait(30 * PATIENCE) == DEPOSED
    successor = town.cluster.writer(but=[writer])
    town.has(successor)
    assert not traffic.lost()
    assert town.untouched_since(before)
    # What hosts had confirmed it knows of them, not of the former writer.
    receipt = successor.api.get(revision)["receipt"]
    assert receipt["recorded"] and receipt["installed"]
    assert ({h["host"]: h["state"] for h in receipt["hosts"]}
            == {h["host"]: h["state"] for h in done["receipt"]["hosts"]})
    assert receipt["flows"] == done["receipt"]["flows"]
    writer.start()


def test_interfaces_that_no_member_knows(town):
    """As when a cluster was just made of a vmnd that was in use."""
    before, traffic = town.flows(), town.traffic()
    for member in town.cluster.members:
        member.kill()
    for member in town.cluster.members:
        with contextlib.closing(sqlite3.connect(member.path("vmnd.db"))) as db:
            assert db.execute("DELETE FROM vifs").rowcount
            db.commit()
    for member in town.cluster.members:
        member.start()
    town.has(town.cluster.writer())
    assert not traffic.lost()
    assert town.untouched_since(before)
    town.lab.await_ports(["v1", "v2", "v3"])


def test_writer_that_slept_has_no_say(town):
    """It finds its connections open, and its flows to send: the switches
    refuse them, and their databases say whose they are."""
    writer = town.cluster.writer()
    server = writer.server
    before, traffic = town.flows(), town.traffic()
    # It cannot learn from the database that it is none any more.
    os.kill(server.pid, signal.SIGSTOP)
    os.kill(writer.process.pid, signal.SIGSTOP)
    successor = town.cluster.writer(but=[writer])
    town.has(successor)
    epochs = town.epochs()
    os.kill(writer.process.pid, signal.SIGCONT)
    wait_for("it to be told", lambda: all(
        re.search("later (epoch|generation)", str(host["status"])) for host in
        writer.api.get("hosts")["items"]), 60)
    town.world.patch("ports", "v3", labels={"role": "r3", "seen": "yes"})
    town.has(successor)
    assert town.epochs() == epochs
    wait_for("the switches to say so", lambda: all(
        "master" in roles.values() and roles[writer.name] != "master"
        for roles in map(town.roles, town.lab.hosts)), 60)
    os.kill(server.pid, signal.SIGCONT)
    assert writer.process.wait(60 * PATIENCE) == DEPOSED
    assert not traffic.lost()
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
    before, traffic = town.flows(), town.traffic()
    for process in (leader.process, leader.server):
        process.kill()
        process.wait()
    town.has(cluster.writer(but=[leader]))
    leader.start_server()
    leader.start()
    wait_for("it to follow", lambda: cluster.follows(leader), 60)
    assert not traffic.lost()
    assert town.untouched_since(before)


def test_majority_that_goes_and_comes_back(town):
    writer = town.cluster.writer()
    others = [m for m in town.cluster.members if m is not writer]
    before, traffic = town.flows(), town.traffic()
    for member in others:
        member.kill_server()
    wait_for("changes to be refused", writer.refuses, 60)
    # A host that connects anew meanwhile is as it was.
    writer.ctl("fabric/reconnect", "h1")
    town.lab.await_synced(seconds=60)
    time.sleep(AWAY_S)
    assert writer.refuses()
    for member in others:
        member.start_server()
    wait_for("changes to be taken", lambda: takes_changes(town.cluster), 60)
    town.has(town.cluster.writer())
    assert not traffic.lost()
    assert town.untouched_since(before)


def test_rolling_upgrade(town):
    """Each member in turn hands over, is stopped and started again."""
    cluster = town.cluster
    before, traffic = town.flows(), town.traffic()
    for member in cluster.members:
        if member.is_writer():
            member.ctl("cluster/transfer")
            assert member.process.wait(30 * PATIENCE) == DEPOSED
        else:
            assert member.stop() == 0
        town.has(cluster.writer(but=[member]))
        member.start()
        wait_for("it to follow", lambda m=member: cluster.follows(m), 60)
    assert not traffic.lost()
    assert town.untouched_since(before)


def test_member_that_is_added_and_removed(town):
    cluster = town.cluster
    before, traffic = town.flows(), town.traffic()
    writer = cluster.writer()
    new = cluster.add("d")
    assert "    d: standby" in writer.ctl("cluster/status")
    # It can do what the others can.
    writer.ctl("cluster/transfer", "d")
    assert writer.process.wait(30 * PATIENCE) == DEPOSED
    town.has(cluster.writer(but=[writer]))
    assert new.is_writer()
    writer.start()
    wait_for("it to follow", lambda: cluster.follows(writer), 60)
    cluster.remove(new)
    town.has(cluster.writer())
    town.await_masters()
    assert not traffic.lost()
    assert town.untouched_since(before)


@pytest.mark.parametrize("liar, owner", [("h1", "h2"), ("h2", "h1")])
def test_datapath_id_of_another(town, liar, owner):
    """A host that has taken the datapath ID of another one's bridge does not
    get its place in the moment in which another writer has both anew."""
    def states():
        return {host["name"]: (host["status"]["state"],
                               host["status"].get("reason", ""))
                for host in town.cluster.writer().api.get("hosts")["items"]}

    def are_told_apart():
        found = states()
        return (found[owner][0] == "synced" and found[liar][0] == "rejected"
                and owner in found[liar][1])

    def all_see_it():
        return all({name: host["state"] for name, host in m.hosts().items()}
                   == {owner: "synced", liar: "rejected"}
                   for m in town.cluster.members)

    bridge = town.lab.host(liar)
    taken = town.lab.host(owner).vsctl("get", "bridge", "br-int",
                                       "datapath_id").strip().strip('"')
    writer = town.cluster.writer()
    try:
        bridge.vsctl("set", "bridge", "br-int",
                     "other_config:datapath-id=" + taken)
        wait_for("it to be rejected", are_told_apart, 60)
        # The others see it by themselves.
        try:
            wait_for("the others to see it", all_see_it, 60)
        except netns.Error:
            for member in town.cluster.members:
                print(member.name, json.dumps(member.hosts(), indent=1))
                print(member.ctl("cluster/status"))
            raise
        writer.kill()
        town.use(town.cluster.writer(but=[writer]))
        wait_for("it to be rejected again", are_told_apart, 60)
    finally:
        bridge.vsctl("remove", "bridge", "br-int", "other_config",
                     "datapath-id")
    writer.start()
    town.has(town.cluster.writer())
