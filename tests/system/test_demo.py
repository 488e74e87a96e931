# SPDX-License-Identifier: Apache-2.0
"""The demonstration's scenes, one test each, in the order in which they are
shown; and the command that shows them."""

import os
import subprocess
import sys

import pytest
import shop
from conftest import HERE, check_log, lab_name, wait_quiet

from vmnlab.daemon import find

VMN_LAB = os.path.join(HERE, "../../deploy/lab/vmn-lab")


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


def test_vmn_lab_demo_succeeds_and_cleans_up():
    name = lab_name("demo")
    env = dict(os.environ, VMND=find("vmnd"), VMNCTL=find("vmnctl"))
    done = subprocess.run([sys.executable, VMN_LAB, "demo", "--name", name],
                          env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=300)
    assert done.returncode == 0, done.stdout
    assert "all claims held" in done.stdout
    listed = subprocess.run([sys.executable, VMN_LAB, "list"],
                            stdout=subprocess.PIPE, text=True, check=True)
    assert name not in listed.stdout.split()
