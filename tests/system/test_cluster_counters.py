# SPDX-License-Identifier: Apache-2.0
"""Counters of flows in a cluster: a host's master reads them, and the writer
is told and has the sums, which neither lose nor repeat anything when a host
gets another master, a master dies, or the writer does."""

import json
import operator
import re

import pytest
from conftest import entry, rule
from test_cluster_hosts import Town, cluster_lab

from vmnlab.netns import Error, wait_for
from vmnlab.traffic import Connection, ask

# Readings by one member that follow each other, in which no other one has read
# the host: it would be as often.
READINGS = 2


def prepare(member):
    member.options += ["--count-interval=1"]


@pytest.fixture(scope="module")
def town():
    with cluster_lab("cco", 2, prepare) as (lab, cluster):
        yield Town(lab, cluster)


@pytest.fixture(scope="module")
def sums(town):
    # A balancer of several counts them by the buckets of a group.
    town.world.patch("loadbalancers", "lb", selector="role!=r1")
    return Sums(town)


def readings(member):
    return json.loads(member.ctl("fabric/counters"))


class Sums:
    """What the writer says of the rule of policy p and of the backends of
    balancer lb, and what the switches say.  'before' is what was counted by
    flows that there are not any more."""

    def __init__(self, town):
        self.town = town
        self.before = 0

    def said(self):
        api = self.town.cluster.writer().api
        return (api.get("policies/p")["status"]["packets"],
                sum(b["load"]["connections"] for b in api.get(
                    "loadbalancers/lb")["status"]["backends"]))

    def of_switches(self):
        hosts = self.town.lab.hosts
        return (sum(int(re.search(r"n_packets=(\d+)", line)[1])
                    for host in hosts for line in host.ofctl(
                        "dump-flows", "br-int").splitlines()
                    if "conj_id=" in line
                    and int(re.search(r"cookie=0x([0-9a-f]+)", line)[1],
                            16) >> 63),
                sum(int(n) for host in hosts for n in re.findall(
                    r"bucket\d+:packet_count=(\d+)",
                    host.ofctl("dump-group-stats", "br-int"))))

    def right(self):
        """What the switches say, with what they have forgotten."""
        packets, connections = self.of_switches()
        return self.before + packets, connections

    def add(self, n):
        """So many connections, by the rule and by the balancer."""
        v1, v2 = (self.town.lab.vm(name) for name in ("v1", "v2"))
        for _ in range(n):
            assert self.town.world.reaches(v1, v2, 80)
            Connection(v1, "10.0.0.100", 80).close()

    def patch(self, rules):
        """Gives the policy these rules, which replaces some of its flows."""
        # Else what the datapath has counted, and the switch has not been told
        # yet, would seem to have come with the new flows.
        self.town.lab.revalidated()
        counted, _ = self.right()
        self.town.world.patch("policies", "p", rules=rules)
        self.before = counted - self.of_switches()[0]

    def are_right(self):
        """Waits until the writer says what there is; it never says more."""
        def right():
            said = self.said()
            right = self.right()
            assert all(map(operator.le, said, right)), (said, right)
            return said == right

        self.town.lab.revalidated()
        try:
            wait_for("all to be counted", right, 60)
        except Error:
            raise AssertionError((
                "the writer says", self.said(), "switches", self.right(),
                {m.name: readings(m) for m in self.town.cluster.members
                 if m.runs()})) from None
        assert all(self.said())


def await_readings(town):
    """Waits until all hosts were read twice, by whomever."""
    writer = town.cluster.writer()

    def counts():
        return {h: sum(n.values()) for h, n in readings(writer).items()}

    before = counts()
    wait_for("hosts to be read", lambda: all(
        n >= before[h] + 2 for h, n in counts().items()), 60)


def await_read(town, here, told):
    """Waits until the writer reads the counters of the hosts 'here', and is
    told of those of 'told' again and again and reads none of these."""
    writer = town.cluster.writer()

    def counts(what):
        return {host: n[what] for host, n in readings(writer).items()
                if host in (here if what == "read_here" else told)}

    def more(what, first):
        return all(n >= first[host] + READINGS
                   for host, n in counts(what).items())

    def are_so():
        own, others, before = (counts("read_here"), counts("told_by_members"),
                               readings(writer))
        wait_for("readings", lambda: more("read_here", own)
                 and more("told_by_members", others), 60)
        now = readings(writer)
        return (all(now[h]["told_by_members"] == before[h]["told_by_members"]
                    for h in here)
                and all(now[h]["read_here"] == before[h]["read_here"]
                        for h in told))

    wait_for("%s to read %s, and be told of %s" % (writer.name, here, told),
             are_so, 60)


def test_master_reads_its_hosts(town, sums):
    member, hosts = town.other_master()
    masters, writer = town.masters(), town.cluster.writer()
    sums.add(2)
    sums.are_right()
    await_read(town, told={h for h, m in masters.items() if m != writer.name},
               here={h for h, m in masters.items() if m == writer.name})
    assert all(r == {"read_here": 0, "told_by_members": 0}
               for m in town.cluster.members if m not in (writer, member)
               for h, r in readings(m).items() if h in hosts)
    # Each says so.
    for m in town.cluster.members:
        assert m.api.get("policies/p")["status"]["packets"] == sums.said()[0]


def test_sums_go_on(town, sums):
    """The rule's flows are replaced, so what there was before the writer alone
    knows; then its host gets another master, as its own has died."""
    sums.patch([
        rule("egress", "deny", ["10.9.0.0/24"]),
        rule("ingress", "allow", ["r1"], [entry("tcp", 80), entry("icmp")])])
    sums.add(2)
    sums.are_right()
    member, _ = town.other_master()
    member.kill()
    sums.add(2)
    town.shared()
    sums.add(2)
    sums.are_right()


def test_log_of_a_rule_counts_nothing_again(town, sums):
    """The flow of a rule that denies is idle when it gets a log, for which
    there is another counter, and keeps what the switch has counted."""
    world = town.world
    v2, v3 = (town.lab.vm(name) for name in ("v2", "v3"))
    world.group("r3", "role=r3")
    rules = [rule("ingress", "deny", ["r3"], [entry("tcp", 80)]),
             *world.api.get("policies/p")["spec"]["rules"]]
    sums.patch(rules)
    assert ask(v3, v2.ip, 80, "tcp", 0.5) is None
    sums.add(1)
    sums.are_right()
    for logged in (True, False):
        before, _ = sums.of_switches()
        rules[0]["log"] = logged
        sums.patch(rules)
        assert sums.of_switches()[0] >= before > 0
        await_readings(town)
        assert ask(v3, v2.ip, 80, "tcp", 0.5) is None
        wait_for("the switch to count it",
                 lambda: sums.of_switches()[0] > before, 10)
        sums.are_right()


def test_next_writer_goes_on(town, sums):
    """What there was of flows that are gone it does not know."""
    writer = town.cluster.writer()
    writer.kill()
    town.has(town.cluster.writer(but=[writer]))
    sums.before = 0
    sums.add(2)
    sums.are_right()


def test_master_that_does_not_tell(town, sums):
    """Such as one of the version before: the writer reads its hosts."""
    member = next(m for m in town.cluster.members if not m.runs())
    member.options.append("--count-interval=0")
    member.start()
    await_read(town, told=set(), here={
        h for h, m in town.shared().items() if m == member.name})
    sums.add(2)
    sums.are_right()
