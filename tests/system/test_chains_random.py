# SPDX-License-Identifier: Apache-2.0
"""Random service chains, and packets between random VMs: by which functions
they go, and back, is what traces say.  VMN_TEST_PAIRS is how many pairs; of
SEED everything follows."""

import os
import time
from random import Random

import pytest
from conftest import check_log, close_lab, make_lab, wait_quiet
from service_functions import Router
from test_chains import APP, HOSTS, Place, through
from test_live_apps import ctl, verify

from vmnlab import frames
from vmnlab.netns import Error, wait_for

PAIRS = int(os.environ.get("VMN_TEST_PAIRS", "400"))
BATCH = 100                     # Sent at a time.
BATCHES = 4                     # Between changes of the chains.
PORTS = [53, 80, 443, 5000, 5001]
ROLES = ["web", "app", "db"]
N_VMS = 12
N_BRIDGES = 8
N_ROUTERS = 3


@pytest.fixture(scope="module", name="lab")
def _lab():
    lab = make_lab("random", 3)
    ctl(lab, "app", "load", APP, "--wait")
    yield lab
    close_lab(lab)


@pytest.fixture(name="world")
def _world(lab):
    world = Place(lab)
    world.network("net", "10.0.0.0/24", "fd00::/64")
    yield world
    world.close()
    check_log(lab.vmnd)


def selector(random):
    """Of some roles, of all but one, or None: of everybody."""
    return random.choice([None, "role=" + random.choice(ROLES),
                          "role in (%s)" % ", ".join(random.sample(ROLES, 2)),
                          "role!=" + random.choice(ROLES)])


def sides(random, hops):
    """Selectors of sources and destinations.  Where a function with one port
    is one of several hops, nobody is of both."""
    if len(hops) > 1 and any(isinstance(f, Router) for h in hops for f in h):
        role = random.choice(ROLES)
        return dict(zip(("sources", "destinations"), random.sample(
            ["role=" + role, "role!=" + role], 2)))
    return {field: chosen for field, chosen in (
        (field, selector(random)) for field in ("sources", "destinations"))
        if chosen}


def random_chain(random, world, name, functions):
    """Takes what it needs of 'functions'."""
    spec = {"priority": random.randrange(3),
            "services": random.choice([[], [{"protocol": "udp"}], [
                {"protocol": "udp", "ports": sorted(random.sample(
                    ["53", "80", "443", "5000-5001"], 2))}]])}
    hops = []
    for _ in range(random.choice([1, 1, 2, 3])):
        n = min(len(functions), random.choice([1, 1, 2, 3]))
        if n:
            hops.append([functions.pop() for _ in range(n)])
    if hops:
        have_routers = any(isinstance(f, Router) for h in hops for f in h)
        world.chain(name, *hops, hop={
            "on_failure": random.choice(["next", "bypass", "block"]),
            "health": ("link" if have_routers
                       else random.choice(["link", "heartbeat"]))},
            **spec, **sides(random, hops))
        return [name]
    return []


def random_chains(random, world, names):
    """Replaces the chains, of 'names'; waits until all functions are up."""
    for name in names:
        world.delete("chains", name)
    functions = random.sample(world.functions, len(world.functions))
    names = []
    for i in range(random.randrange(1, 5)):
        names += random_chain(random, world, "c%d" % i, functions)
    wait_for("functions to be up", lambda: not any(
        world.api.get("chains/" + name)["status"]["down"] for name in names),
        60)
    wait_quiet(world.lab)
    world.lab.purged()
    return names


class Packet:
    """One of UDP from VM 'a' to 'b', and its answer."""

    def __init__(self, random, number, a, b):
        self.a, self.b = a, b
        self.v6 = random.random() < 0.3
        self.ports = 1024 + number % 60000, random.choice(PORTS)
        self.text = b"%016x" % random.getrandbits(64)
        self.way = None         # The functions' ports, as a trace has them.

    def ends(self, reply):
        """Who sends it, and whom it is for, with their ports."""
        ends = (self.a, self.b, *self.ports)
        return (ends[1], ends[0], ends[3], ends[2]) if reply else ends

    def frame(self, reply):
        a, b, sport, dport = self.ends(reply)
        if self.v6:
            return frames.udp6(b.mac, a.mac, a.ip6, b.ip6, sport, dport,
                               self.text)
        return frames.udp(b.mac, a.mac, a.ip, b.ip, sport, dport, self.text)

    def trace(self, world):
        found = world.api.call("POST", "/v1/trace", {
            "from": self.a.name, "to": self.b.ip6 if self.v6 else self.b.ip,
            "protocol": "udp", "port": self.ports[1],
            "source_port": self.ports[0]})["outcomes"]
        assert len(found) == 1 and found[0]["verdict"] == "delivered", found
        self.way = through(found[0])

    def expected(self, reply):
        """The ports of functions by which it comes to them."""
        if not reply:
            return self.way
        other = {"in": "-out", "out": "-in", "": ""}
        return [name + other[side] for name, _, side in (
            port.partition("-") for port in reversed(self.way))]

    def seen(self, log, reply):
        a, b, sport, dport = self.ends(reply)
        key = ((a.ip6, b.ip6) if self.v6 else (a.ip, b.ip)) + (sport, dport)
        return [s.function if s.function[0] == "r"
                else "%s-%s" % (s.function, s.side) for s in sorted(log)
                if (s.src, s.dst, s.src_port, s.dst_port) == key]

    def describe(self, log, reply):
        return "%s to %s, UDP %d to %d: %s, not %s%s" % (
            self.a.name, self.b.name, *self.ports, self.seen(log, reply),
            self.expected(reply), " (reply)" if reply else "")


def exchange(world, packets, captures, reply):
    """Sends the packets, or their answers, and waits for all of them."""
    world.seen()
    for packet in packets:
        frames.send(packet.ends(reply)[0], packet.frame(reply))
        # No faster than switches take what is new to them.
        time.sleep(0.001)

    def missing():
        return [p for p in packets if not any(
            p.text in frame for frame in captures[p.ends(reply)[1].name]
            .read())]

    def wrong():
        log = list(world.log)
        return [p.describe(log, reply) for p in packets
                if p.seen(log, reply) != p.expected(reply)]
    wait_for("packets to arrive", lambda: not missing(), 30)
    try:
        wait_for("what functions have seen of it", lambda: not wrong(), 10)
    except Error:
        pass                    # Say how it is instead.
    assert wrong() == [], [(o["name"], o["spec"]) for o in
                           world.api.get("chains")["items"]]


def test_random_pairs_go_as_traces_say(lab, world):
    seed = int(os.environ.get("SEED", time.time()))
    print("SEED=%d" % seed)
    random = Random(seed)
    vms = [world.vm("v%d" % i, "net", random.choice(HOSTS),
                    labels={"role": random.choice(ROLES)})
           for i in range(N_VMS)]
    for i in range(N_BRIDGES):
        world.bridge("b%d" % i, random.choice(HOSTS))
    for i in range(N_ROUTERS):
        world.router("r%d" % i, random.choice(HOSTS))
    names, through_some = [], 0
    for number in range(0, PAIRS, BATCH):
        if number % (BATCH * BATCHES) == 0:
            names = random_chains(random, world, names)
        packets = [Packet(random, number + i, *random.sample(vms, 2))
                   for i in range(min(BATCH, PAIRS - number))]
        for packet in packets:
            packet.trace(world)
            through_some += bool(packet.way)
        captures = {vm.name: frames.Capture(vm.ns) for vm in vms}
        for reply in False, True:
            exchange(world, packets, captures, reply)
        for capture in captures.values():
            capture.close()
    print("%d of %d through functions" % (through_some, PAIRS))
    verify(lab)
    assert lab.vmnd.pid() is not None
