# SPDX-License-Identifier: Apache-2.0
"""Probes in a cluster: a host's master sends those of what is on the host, and
the writer, which it tells, says how backends are: also if a host gets another
master, is silent, a master dies, or the writer does, of which nothing else
follows."""

import os
import re
import signal

import pytest
from conftest import wait_aged
from test_cluster_hosts import Town, cluster_lab
from test_monitors import be_silent

from vmnlab.netns import wait_for

FAST = {"type": "ping", "interval_ms": 500, "timeout_ms": 400,
        "healthy_after": 2, "unhealthy_after": 3}
VMS = ("v1", "v2", "v3")


@pytest.fixture(scope="module")
def town():
    with cluster_lab("cpr", 2) as (lab, cluster):
        yield Town(lab, cluster)


@pytest.fixture(scope="module")
def probes(town):
    town.world.put("loadbalancers", "probed", vip="10.0.0.101",
                   networks=["n"], ports=[{"port": 80}], health=FAST,
                   selector="role")
    wait_aged(town.lab)
    return Probes(town)


class Probes:
    """Those of balancer "probed", which has all VMs."""

    def __init__(self, town):
        self.town = town

    def running(self):
        return [m for m in self.town.cluster.members if m.runs()]

    def sent(self, member):
        """How many have had a result, of all that this member has sent."""
        metrics = member.api.metrics()
        return sum(metrics['vmn_health_probes_total{result="%s"}' % result]
                   for result in ("ok", "failed"))

    def probers(self):
        """{VM: names of the members that probe it}."""
        found = {vm: [] for vm in VMS}
        for member in self.running():
            for vm, rest in re.findall(r"^probed/(\w+): (.*)$", member.ctl(
                    "health/show", "probed"), re.M):
                if "probed by another" not in rest:
                    found[vm].append(member.name)
        return found

    def desired(self):
        """What probers() is to say."""
        hosts = {vm: self.town.lab.vm(vm).host for vm in VMS}
        masters = self.town.masters() or {}
        return {vm: [masters.get(host)] for vm, host in hosts.items()}

    def by_masters(self):
        """Waits until each host's master, and nobody else, probes it."""
        wait_for("masters to probe",
                 lambda: self.probers() == self.desired(), 60)

    def status(self, vm, balancer="probed"):
        backends = self.town.cluster.writer().api.get(
            "loadbalancers/" + balancer)["status"]["backends"]
        return next(b for b in backends if b["port"] == vm)["health"]

    def states(self):
        return {vm: self.status(vm)["state"] for vm in VMS}

    def all_up(self):
        wait_for("all to be up", lambda: set(self.states().values())
                 == {"up"}, 60)

    def changed(self):
        """How many changes the writer has in its backends' histories."""
        return {vm: len(self.status(vm).get("history", [])) for vm in VMS}

    def hears(self):
        """Waits until the writer knows of three more results of each."""
        def results():
            return {vm: s["ok"] + s["failed"]
                    for vm in VMS for s in [self.status(vm)]}

        first = results()
        wait_for("results", lambda: all(
            n >= first[vm] + 3 for vm, n in results().items()), 60)

    def finds(self, *vms):
        """Those that are silent fall, and nobody else, and rise again."""
        for vm in vms:
            be_silent(self.town.lab.vm(vm))
            wait_for("%s to fall" % vm,
                     lambda v=vm: self.states()[v] == "down", 60)
            assert self.status(vm)["reason"] == "no answer"
            assert all(state == "up" for name, state in self.states().items()
                       if name != vm)
            be_silent(self.town.lab.vm(vm), False)
            self.all_up()


def test_masters_probe(town, probes):
    member, _ = town.other_master()
    probes.all_up()
    probes.by_masters()

    def by_whom():
        """Who has sent three since the call, of which the writer knows."""
        before = {m.name: probes.sent(m) for m in probes.running()}
        probes.hears()
        return {m.name for m in probes.running()
                if probes.sent(m) >= before[m.name] + 3}

    # What is told late was sent before; and who is not heard for a moment, as
    # on a busy machine, has its hosts probed by the writer.
    wait_for("masters alone to probe", lambda: by_whom() == set(
        town.masters().values()), 120)
    assert member.name in town.masters().values()
    assert probes.status("v1")["latency_us"] > 0
    probes.finds("v2")


def test_silent_host(town, probes):
    """The writer asks a host that its master does not hear itself: for how
    long it is silent does not wait for a probe of the writer's, which is not
    due for long."""
    _, names = town.other_master()
    vm = next(vm for vm in VMS if town.lab.vm(vm).host in names)
    host = next(h for h in town.lab.hosts if h.name == town.lab.vm(vm).host)
    town.world.put("loadbalancers", "slow", vip="10.0.0.102",
                   networks=["n"], ports=[{"port": 80}], selector="role",
                   health=dict(FAST, interval_ms=600000))
    wait_for("it to be up", lambda: probes.status(vm, "slow")["state"] == "up",
             60)
    probes.by_masters()
    frozen = host.pids("ovs-vswitchd") + host.pids("ovsdb-server")
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        wait_for("it to be not heard",
                 lambda: probes.status(vm, "slow").get("reason")
                 == "its host is not heard: it keeps its state", 60)
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    wait_for("it to be heard",
             lambda: "reason" not in probes.status(vm, "slow"), 60)
    assert probes.status(vm, "slow")["state"] == "up"
    town.world.delete("loadbalancers", "slow")
    probes.by_masters()


def test_dead_master(town, probes):
    """Nothing is concluded from its death, and all goes on."""
    member, _ = town.other_master()
    probes.by_masters()
    before = probes.changed()
    member.kill()
    town.shared()
    probes.by_masters()
    probes.hears()
    assert set(probes.states().values()) == {"up"}
    assert probes.changed() == before
    probes.finds("v1")


def test_dead_writer(town, probes):
    """The next one goes on with what was concluded."""
    be_silent(town.lab.vm("v2"))
    wait_for("v2 to fall", lambda: probes.states()["v2"] == "down", 60)
    writer = town.cluster.writer()
    writer.kill()
    town.has(town.cluster.writer(but=[writer]))
    probes.hears()
    assert probes.states() == {"v1": "up", "v2": "down", "v3": "up"}
    assert not any(probes.changed().values())
    be_silent(town.lab.vm("v2"), False)
    probes.all_up()
    town.shared()
    probes.by_masters()
    probes.hears()
