# SPDX-License-Identifier: Apache-2.0
"""Probes in a cluster: the writer sends them; the next writer begins with the
states that backends have, and concludes nothing from the change."""

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


def test_writer_probes(town, probes):
    probes.all_up()
    probes.hears()
    assert probes.status("v1")["latency_us"] > 0
    probes.finds("v2")


def test_dead_writer(town, probes):
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
    probes.finds("v1")
    writer.start()
