# SPDX-License-Identifier: Apache-2.0
"""A thousand packets a second, both ways between two hosts, while vmnd, a
third host, databases and the control links have their troubles.  What was lost
is printed; it is nothing wherever the stream's own switches went on.

VMN_TEST_MINUTE says how many seconds a minute has (10)."""

import os
import time

import pytest
from conftest import (World, check_log, close_lab, entry, make_lab, rule,
                      wait_aged, wait_quiet)

from vmnlab.netns import wait_for
from vmnlab.stream import Streams

MINUTE = float(os.environ.get("VMN_TEST_MINUTE", "10"))


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("stream", 3)
    yield lab
    close_lab(lab)


@pytest.fixture(scope="module")
def town(lab):
    """A client, a server on another host that a policy protects, and a VM on
    the third host."""
    world = World(lab)
    world.network("net")
    for i, role in ((1, "client"), (2, "server"), (3, "other")):
        world.vm(role, "net", "h%d" % i, "10.0.0.%d" % i, tcp=[80],
                 labels={"role": role})
        world.group(role, "role=" + role)
    world.policy("p", "server", rule("ingress", "allow", ["client"],
                                     [
                                         entry("udp", 9000),
                                         entry("tcp", 80)]))
    wait_aged(lab)
    yield world
    world.close()
    check_log(lab.vmnd)


@pytest.fixture
def streams(lab, town):
    """Between client and server, and from one that may not to the server."""
    client, server, other = (lab.vm(n) for n in ("client", "server", "other"))
    for a, b in ((client, server), (server, client)):
        assert town.reaches(a, b)
    assert town.blocked(other, server)
    streams = Streams()
    streams.add("there", client, server)
    streams.add("back", server, client)
    streams.add("denied", other, server)
    with streams:
        yield streams.run(0.5)
    for host in lab.hosts:
        if host.is_cut():
            host.heal()
    wait_quiet(lab)


def judge(streams):
    """Prints what was lost, and lets nothing be."""
    found = streams.run(0.5).stop()
    print()
    for result in found.values():
        print("   ", result)
    assert len(found["there"].sent) > 1000
    assert not found["there"].lost
    assert not found["back"].lost
    assert not found["denied"].seen


def test_vmnd_killed(lab, streams):
    for _ in range(3):
        lab.vmnd.kill()
        time.sleep(0.3)
        lab.vmnd.start()
        wait_quiet(lab)
    judge(streams)


def test_vmnd_upgraded(lab, streams):
    """Stopped, and another one started on what it left behind."""
    for _ in range(3):
        assert lab.vmnd.stop() == 0
        time.sleep(0.3)
        lab.vmnd.start()
        wait_quiet(lab)
    judge(streams)
