# SPDX-License-Identifier: Apache-2.0
"""Counters of flows in a cluster: the writer reads them; the next writer
begins with what the switches have counted of the flows that there are."""

import operator
import re

import pytest
from conftest import entry, rule
from test_cluster_hosts import Town, cluster_lab

from vmnlab.netns import Error, wait_for
from vmnlab.traffic import Connection, ask

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


def connections(host):
    """How many connections the host's balancers have distributed."""
    balancers = re.findall(r"group_id=(\d+),type=select", host.ofctl(
        "dump-groups", "br-int"))
    return sum(int(n) for line in host.ofctl(
        "dump-group-stats", "br-int").splitlines()
        if re.match(r"\s*group_id=(%s)," % "|".join(balancers), line)
        for n in re.findall(r"bucket\d+:packet_count=(\d+)", line))


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

    def await_readings(self):
        """Waits until all hosts were read twice."""
        def n_polls():
            return self.town.cluster.writer().api.metrics()[
                "vmn_flow_count_polls_total"]

        before = n_polls()
        wait_for("hosts to be read", lambda: n_polls() >= before + 2 * len(
            self.town.lab.hosts) + 1, 60)

    def of_switches(self):
        hosts = self.town.lab.hosts
        return (sum(int(re.search(r"n_packets=(\d+)", line)[1])
                    for host in hosts for line in host.ofctl(
                        "dump-flows", "br-int").splitlines()
                    if "conj_id=" in line
                    and int(re.search(r"cookie=0x([0-9a-f]+)", line)[1],
                            16) >> 63),
                sum(map(connections, hosts)))

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
                "the writer says", self.said(), "switches",
                self.right())) from None
        assert all(self.said())


def test_sums_are_of_all_hosts(town, sums):
    """The rule's flows are replaced, and what they have counted stays; each
    member says the same."""
    sums.patch([
        rule("egress", "deny", ["10.9.0.0/24"]),
        rule("ingress", "allow", ["r1"], [entry("tcp", 80), entry("icmp")])])
    sums.add(2)
    sums.are_right()
    for member in town.cluster.members:
        assert member.api.get("policies/p")["status"]["packets"] == (
            sums.said()[0])


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
        sums.await_readings()
        assert ask(v3, v2.ip, 80, "tcp", 0.5) is None
        wait_for("the switch to count it",
                 lambda: sums.of_switches()[0] > before, 10)
        sums.are_right()


def test_next_writer_begins_with_what_switches_have_counted(town, sums):
    """What flows have counted that are gone it does not know."""
    writer = town.cluster.writer()
    writer.kill()
    town.has(town.cluster.writer(but=[writer]))
    sums.before = 0
    sums.add(2)
    sums.are_right()
    writer.start()
