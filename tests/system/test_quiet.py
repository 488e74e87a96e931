# SPDX-License-Identifier: Apache-2.0
"""A change that nobody's flows read sends the switches nothing: counted by
reading the control links, not by asking vmnd."""

import struct

import pytest
from conftest import World, close_lab, entry, flows, make_lab, rule, \
    wait_quiet

from vmnlab import frames
from vmnlab.daemon import OPENFLOW_PORT
from vmnlab.frames import Capture

ECHO = (2, 3)                   # OFPT_ECHO_REQUEST, OFPT_ECHO_REPLY.


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("quiet", 2)
    yield lab
    close_lab(lab)


@pytest.fixture
def world(lab):
    world = World(lab)
    world.network("net")
    for i in (1, 2):
        world.vm("v%d" % i, "net", "h%d" % i, "10.0.0.%d" % i, tcp=[80],
                 labels={"role": "r%d" % i, "note": "x"})
    world.group("r1", "role=r1")
    world.group("r2", "role=r2")
    world.policy("p", "r2", rule("ingress", "allow", ["r1"],
                                 [entry("tcp", 80)]))
    world.put("loadbalancers", "lb", vip="10.0.0.100", networks=["net"],
              ports=[{"port": 80}], selector="role=r2")
    wait_quiet(lab)
    yield world
    world.close()


def openflow_messages(capture):
    """Returns the types of the OpenFlow messages, without echoes, that a
    switch got from vmnd in segments that begin with one."""
    found = []
    for frame in capture.read():
        got = frames.parse(frame)
        if got.get("protocol") != 6:
            continue
        segment = got["payload"]
        data = segment[(segment[12] >> 4) * 4:]
        if struct.unpack("!H", segment[:2])[0] != OPENFLOW_PORT or not data:
            continue
        kind = data[1]
        if kind not in ECHO:
            found.append(kind)
    return found


class Wire:
    """What vmnd sends to the switches during the body."""

    def __init__(self, lab):
        self.lab = lab

    def __enter__(self):
        self.before = [flows(h) for h in self.lab.hosts]
        self.captures = [Capture(h.ns, "control") for h in self.lab.hosts]
        return self

    def __exit__(self, *unused):
        for capture in self.captures:
            capture.read()
            capture.close()
            capture.read = lambda c=capture: c.frames

    def messages(self):
        return [openflow_messages(c) for c in self.captures]


QUIET = {
    "a port's description": lambda w: w.patch("ports", "v1",
                                              description="hello"),
    "a label that no selector names": lambda w: w.patch(
        "ports", "v1", labels={"note": "y", "other": "z"}),
    "a network's description": lambda w: w.patch("networks", "net",
                                                 description="hello"),
    "a policy's description": lambda w: w.patch("policies", "p",
                                                description="hello"),
    "a group's label": lambda w: w.patch("groups", "r1",
                                         labels={"a": "b"}),
    "a balancer's description": lambda w: w.patch("loadbalancers", "lb",
                                                  description="hello"),
    "a host's labels": lambda w: w.patch("hosts", "h1",
                                         labels={"rack": "7"}),
    "a group that nobody uses": lambda w: w.group("unused", "role=nobody"),
    "a service that nobody uses": lambda w: w.put(
        "services", "unused", entries=[entry("tcp", 80)]),
    "a network without ports": lambda w: w.network("empty", "10.9.0.0/24"),
    "the same policy again": lambda w: w.policy(
        "p", "r2", rule("ingress", "allow", ["r1"], [entry("tcp", 80)])),
}


@pytest.mark.parametrize("change", QUIET.values(), ids=QUIET.keys())
def test_change_that_no_flow_reads_sends_nothing(lab, world, change):
    with Wire(lab) as wire:
        change(world)
    assert wire.messages() == [[], []]


def test_change_that_flows_read_is_seen_by_this_test(lab, world):
    """The measure measures something."""
    with Wire(lab) as wire:
        world.patch("policies", "p", rules=[
            rule("ingress", "allow", ["r1"], [entry("tcp", 81)])])
    assert all(wire.messages())


def test_a_change_costs_only_what_it_changes(lab, world):
    """One more port in a rule: a flow or two a host, whatever else there
    is."""
    for i in range(20):
        world.put("ports", "idle%d" % i, network="net")
    world.patch("policies", "p", rules=[
        rule("ingress", "allow", ["r1"], [entry("tcp", 80)])])
    wait_quiet(lab)
    before = [flows(h) for h in lab.hosts]
    world.patch("policies", "p", rules=[
        rule("ingress", "allow", ["r1"], [entry("tcp", 80, 99)])])
    wait_quiet(lab)
    for host, had in zip(lab.hosts, before):
        has = flows(host)
        new = set(has) - set(had)
        gone = set(had) - set(has)
        assert not gone and len(new) <= 2, (new, gone)
        # And nothing was put in again, but for the marker of what it holds.
        anew = [k for k in had if has[k].since > had[k].since + 0.5]
        assert len(anew) <= 1, anew
