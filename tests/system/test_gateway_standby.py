# SPDX-License-Identifier: Apache-2.0
"""A gateway that stands by, and whose switch is restarted: it has its flows
again before it sees the active one, and must not take that for dead.  What
becomes of failures of the active one is in test_gateway_failover.py."""

import contextlib
import threading
import time

from test_gateway import gateway
from test_gateway_failover import (  # noqa: F401 - shop is a fixture
    FLOATING, NEAR, OURS, bfd, both_ways, frozen, shop, wait_watched)

from vmnlab.frames import Capture, arp_question, parse, send
from vmnlab.netns import wait_for
from vmnlab.stream import Streams

# How often somebody outside asks for a router's address meanwhile, and as
# whom: its kernel has questions of its own.
ASK_S = 0.02
ASKER = "198.51.100.60"
# Streams from outside to a floating address, and to outside.
WAYS = ("in", "out")


class Asking:
    """Asks for the router's address from machine 'near', all the time, and
    counts who says that it has it."""

    def __init__(self, near):
        self.near = near
        self.asked = 0
        self.answers = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._capture = Capture(self.near.ns)
        self._thread.start()
        return self

    def __exit__(self, *unused):
        self._end.set()
        self._thread.join()
        self.answers = sum(
            1 for f in map(parse, self._capture.read())
            if f.get("operation") == 2
            and (f["sender_ip"], f["target_ip"]) == (OURS, ASKER))
        self._capture.close()

    def _run(self):
        question = arp_question(self.near.mac, ASKER, OURS)
        while not self._end.wait(ASK_S):
            send(self.near, question)
            self.asked += 1


@contextlib.contextmanager
def unheard(host, by):
    """Nothing of the host's tunnels gets to host 'by'."""
    host.set_neighbour(by.tunnel_ip, "02:99:00:00:00:ff")
    try:
        yield
    finally:
        host.set_neighbour(by.tunnel_ip, by.tunnel_mac)


def restart(host):
    host.stop_switch(grace=0)
    host.start_switch()
    host.await_ready()


def test_restarted_standby_serves_only_once_it_sees(world,
                                                    shop):  # noqa: F811
    """Though it sees others before.  Nobody has two answers, and no packet is
    lost, or there twice."""
    h1, h2 = world.lab.host("h1"), world.lab.host("h2")
    near, a3 = shop["near"], shop["a3"]
    inside = world.api.get("routers/r")["status"]["mac"]
    assert gateway(world) == "h1" and both_ways(world, shop)
    streams = (Streams(rate=500)
               .add("in", near, a3, to=(inside, FLOATING))
               .add("out", a3, near, port=9010, to=(inside, NEAR)))
    with Asking(near) as asking, streams:
        streams.run(0.5)
        with unheard(h1, by=h2):
            restart(h2)
            wait_for("h2 to see h3 alone", lambda: bfd(world, "h2") == {
                "sessions": 2, "down": ["h1"]}, 30)
            streams.run(1.0)
            assert gateway(world) == "h1"
        wait_watched(world)
        streams.run(0.5)
        found = streams.stop(WAYS)
    assert gateway(world) == "h1"
    for way in WAYS:
        assert not found[way].lost and not found[way].n_copies, found[way]
    assert 0 < asking.answers <= asking.asked


def test_of_two_hosts(world, shop):  # noqa: F811
    """There the second one serves without another that it sees."""
    h1, h2 = world.lab.host("h1"), world.lab.host("h2")
    world.lab.remove_vm("a3")
    world.own_vms.remove("a3")
    wait_watched(world, ("h1", "h2"), 1)
    with Asking(shop["near"]) as asking:
        with unheard(h1, by=h2):
            restart(h2)
            wait_for("h2 to have its flows", lambda: world.api.get(
                "hosts/h2")["status"]["state"] == "synced", 30)
            wait_for("h2 not to see h1", lambda: bfd(world, "h2") == {
                "sessions": 1, "down": ["h1"]}, 30)
            time.sleep(0.5)     # Questions, meanwhile.
            assert gateway(world) == "h1"
        wait_watched(world, ("h1", "h2"), 1)
    assert gateway(world) == "h1"
    assert 0 < asking.answers <= asking.asked


def test_restarted_standby_replaces_one_that_has_died(world,
                                                      shop):  # noqa: F811
    """It never sees it again, and serves all the same."""
    h1, h2 = world.lab.host("h1"), world.lab.host("h2")
    assert gateway(world) == "h1" and both_ways(world, shop)
    with frozen(h1):
        restart(h2)
        wait_for("h2 to be the gateway", lambda: gateway(world) == "h2", 30)
        wait_for("packets to pass by it", lambda: both_ways(
            world, shop) and both_ways(world, shop, "a2"))
    wait_for("h1 to be the gateway", lambda: gateway(world) == "h1", 60)
    wait_watched(world)
    assert both_ways(world, shop)
