# SPDX-License-Identifier: Apache-2.0
"""The demonstration's scenes, one test each, in the order in which they are
shown; and the command that shows them."""

import os
import subprocess
import sys

import pytest
import shop
from conftest import (HERE, check_log, close_lab, lab_name, make_lab,
                      wait_quiet)

from vmnlab.daemon import find
from vmnlab.netns import wait_for

VMN_LAB = os.path.join(HERE, "../../deploy/lab/vmn-lab")

# What the scenes have dropped, and show that it is.
MEANT = {"isolated", "quarantined", "ARP for unknown address",
         "no such service at virtual IP",
         "no such service at external address"}
# What is sent to a VM, and by it, while it moves: its guest announces itself
# when its link is there, on a busy machine before the flows of its port are; a
# flood's copy for the host that it has left, which has no port of that network
# any more; and resets that answer what came late, where the machine is busy.
MOVED = {"unknown destination", "unknown source", "unknown port",
         "destination is not here", "unknown network", "invalid state"}


@pytest.fixture(scope="module")
def module_lab():
    """Three hosts, of which counters are read every second."""
    lab = make_lab("demo", 3, options=["--count-interval=1"])
    yield lab
    close_lab(lab)


@pytest.fixture(scope="module")
def opened(module_lab):
    made = shop.Shop(module_lab)
    try:
        made.open()
        wait_quiet(module_lab)
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("scene", [s for _, s in shop.SCENES],
                         ids=[s.__name__ for _, s in shop.SCENES])
def test_scene(opened, scene):
    del opened.failed[:]
    assert scene(opened), opened.failed
    check_log(opened.lab.vmnd)


def test_nothing_is_dropped_but_what_scenes_mean_to_be(opened):
    lab = opened.lab

    def polls():
        return lab.vmnd.api.metrics()["vmn_flow_count_polls_total"]

    lab.revalidated()
    before = polls()
    wait_for("the counters", lambda: polls() >= before + 2 * len(lab.hosts),
             60)
    drops = lab.vmnd.api.get("drops")["counters"]
    strange = [(d["host"], d["reason"], d["packets"], d["bytes"])
               for d in drops if d["reason"] not in MEANT | MOVED]
    assert not strange
    # The counter of the quarantine went with it.
    assert "isolated" in {d["reason"] for d in drops}
    # One question, asked anew, and what is learned with it.
    moved = [(d["host"], d["reason"], d["packets"], d["bytes"], d["last"])
             for d in drops if d["reason"] in MOVED]
    assert sum(packets for _, _, packets, _, _ in moved) <= 30, moved


@pytest.mark.parametrize("controllers", [1, 3])
def test_vmn_lab_demo_succeeds_and_cleans_up(controllers):
    """With three controllers, one of them is killed."""
    name = lab_name("demo")
    env = dict(os.environ, VMND=find("vmnd"), VMNCTL=find("vmnctl"))
    done = subprocess.run([sys.executable, VMN_LAB, "demo", "--name", name,
                           "--controllers", str(controllers)],
                          env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=300)
    assert done.returncode == 0, done.stdout
    assert ("was killed" in done.stdout) == (controllers > 1)
    assert "all claims held" in done.stdout
    listed = subprocess.run([sys.executable, VMN_LAB, "list"],
                            stdout=subprocess.PIPE, text=True, check=True)
    assert name not in listed.stdout.split()
