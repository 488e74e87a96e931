# SPDX-License-Identifier: Apache-2.0
"""A change that nobody's flows read sends the switches nothing: counted by
reading the control links, not by asking vmnd."""

import struct

import pytest
from conftest import (World, close_lab, entry, flows, is_anew, make_lab,
                      rule, wait_aged, wait_quiet)

from vmnlab import frames
from vmnlab.daemon import OPENFLOW_PORT
from vmnlab.frames import Capture

ECHO = (2, 3)                   # OFPT_ECHO_REQUEST, OFPT_ECHO_REPLY.
MULTIPART_REQUEST = 18          # OFPT_MULTIPART_REQUEST.


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
        """Their types, but for questions: counters are read by the clock, and
        no change has to do with it."""
        return [[kind for kind in openflow_messages(c)
                 if kind != MULTIPART_REQUEST] for c in self.captures]


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


def changed_by(lab, change):
    """Returns, for each host, the flows that 'change' added, took away, and
    put in again."""
    wait_aged(lab)
    before = [flows(h) for h in lab.hosts]
    change()
    wait_quiet(lab)
    found = []
    for host, had in zip(lab.hosts, before):
        has = flows(host)
        found.append((set(has) - set(had), set(had) - set(has),
                      [has[k] for k in had if k in has
                       and is_anew(had[k], has[k])]))
    return found


@pytest.fixture
def crowd(lab, world):
    """More than what is about to change."""
    for i in range(20):
        world.put("ports", "idle%d" % i, network="net")
    world.put("services", "web", entries=[entry("tcp", 80)])
    world.policy("p", "r2", rule("ingress", "allow", ["r1"],
                                 [{"service": "web"}]))
    world.policy("q", "r2", rule("ingress", "allow", ["r1"],
                                 [entry("udp", 53)]))
    return world


def test_a_port_in_a_service_costs_a_flow(lab, crowd):
    """80 and 90 are of one block of ports."""
    for new, gone, anew in changed_by(lab, lambda: crowd.put(
            "services", "web", entries=[entry("tcp", 80, 90)])):
        assert len(new) == 1 and not gone and not anew, (new, gone, anew)


def test_a_port_in_another_block_costs_the_block_as_well(lab, crowd):
    """Blocks are of 16 ports, a flow for each of TCP's families."""
    for new, gone, anew in changed_by(lab, lambda: crowd.put(
            "services", "web", entries=[entry("tcp", 80, 99)])):
        assert len(new) == 3 and not gone and not anew, (new, gone, anew)
        blocks = [f for f in new if "tp_dst=0x60/0xfff0" in str(f)]
        assert len(blocks) == 2, new


def test_a_port_in_a_rule_costs_that_rule(lab, crowd):
    """A rule that says something else is another rule: a verdict and a clause
    for each of the two sides and ports.  The policy beside it stays."""
    for new, gone, anew in changed_by(lab, lambda: crowd.policy(
            "q", "r2", rule("ingress", "allow", ["r1"],
                            [entry("udp", 53, 54)]))):
        assert len(new) == 2 and len(gone) == 1 and len(anew) <= 3, (
            new, gone, anew)


def test_a_member_of_a_group_costs_its_own_flows(lab, crowd):
    """Rules are on identities: one more with the same labels is no business
    of theirs.  What lists a network's ports, to flood to, is put in again."""
    crowd.put("ports", "v3", network="net", ips=["10.0.0.77"],
              labels={"role": "r1"})
    for new, gone, anew in changed_by(lab, lambda: (
            lab.add_vm_of_port("v3", "h1"), crowd.own_vms.append("v3"),
            lab.await_ports(["v3"]))):
        assert new and len(new) < 20 and not gone, (new, gone, anew)
        assert all("dl_dst=01:00:00:00:00:00/01" in f.match for f in anew), \
            anew
