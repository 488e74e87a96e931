# SPDX-License-Identifier: Apache-2.0
"""Paths between hosts: latency, loss and MTU, measured through the tunnels
(docs/monitoring.md).  App paths, in a process of its own; three hosts, whose
underlay loses what the test says."""

import os
import re

import pytest
from conftest import (World, assert_condition, assert_no_condition, check_log,
                      close_lab, make_lab)
from test_events import Reader
from test_live_apps import ctl

from vmnlab import frames, netns
from vmnlab.netns import wait_for

APP = os.path.join(os.environ.get("VMN_APPDIR", "_build/normal/appdir"),
                   "paths.so")
# So many probes in a row break a path, as path-window.h has it.  One that a
# busy machine answers late has been lost, too.
DOWN_AFTER = 3


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("paths", 3)
    ctl(lab, "app", "load", APP, "--wait")
    yield lab
    close_lab(lab)


class Place(World):
    def paths(self, **query):
        return {(p["host"], p["peer"]): p for p in self.api.get(
            "paths", **query)["items"]}

    def becomes(self, host, peer, state, seconds=40):
        found = {}

        def is_so():
            found.update(self.paths(host=host, peer=peer))
            return found.get((host, peer), {}).get("state") == state
        wait_for("the path of %s and %s to be %s" % (host, peer, state),
                 is_so, seconds)
        return found[host, peer]


@pytest.fixture
def world(lab):
    world = Place(lab)
    world.network("net", "10.0.0.0/24")
    for i in 1, 2, 3:
        world.vm("p%d" % i, "net", "h%d" % i, "10.0.0.%d" % i)
    wait_for("all pairs", lambda: sorted(world.paths()) == [
        ("h1", "h2"), ("h1", "h3"), ("h2", "h3")], 20)
    for host, peer in world.paths():
        world.becomes(host, peer, "up")
    yield world
    world.close()
    check_log(lab.vmnd)
    assert lab.vmnd.api.get("status")["problems"] == []


def lose(lab, host, peer):
    """What 'host' sends to 'peer' by the underlay is lost."""
    lab.host(host).ofctl("add-flow", "br-phys", "priority=9,ip,nw_dst=%s,"
                         "actions=drop" % lab.host(peer).tunnel_ip)


def pass_again(lab, host):
    lab.host(host).ofctl("del-flows", "br-phys", "ip")


def ignored(lab):
    """Frames that came as a probe's, and are none."""
    said = netns.run(["ovs-appctl", "-t", lab.vmnd.unixctl, "paths/show"])
    return int(re.search(r"(\d+) frames ignored", said)[1])


def test_all_pairs_are_measured(world, lab):
    for path in world.paths().values():
        assert path["latency_us"] >= 0 and path["lost"] < DOWN_AFTER
        assert path["mtu"] == 1450 and "ports" not in path
    metrics = world.api.metrics()
    assert metrics['vmn_paths{state="up"}'] == 3
    assert_no_condition(lab, "paths")
    assert metrics['vmn_path_probes_total{result="ok"}'] > 0
    assert list(world.paths(host="h1")) == [("h1", "h2"), ("h1", "h3")]
    assert list(world.paths(host="h3", peer="h2")) == [("h2", "h3")]
    assert list(world.paths(peer="h2")) == [("h1", "h2"), ("h2", "h3")]
    assert list(world.paths(host="h1", peer="h1")) == []
    assert len(ctl(lab, "paths", "h1").splitlines()) == 3
    world.delete("ports", "p3")
    wait_for("h3 to share nothing",
             lambda: list(world.paths()) == [("h1", "h2")])


def test_a_path_breaks_and_recovers(world, lab):
    reader = Reader(lab.vmnd.socket, "?kinds=path")
    reader.take("start")
    lose(lab, "h1", "h2")
    path = world.becomes("h1", "h2", "down")
    reason = "no probe from h1 reaches h2"
    assert path["reason"] == reason
    assert (path["ports"], path["port_names"]) == (2, ["p1", "p2"])
    _, event = reader.take("path")
    assert (event["host"], event["peer"], event["state"], event["ports"]) == (
        "h1", "h2", "down", 2)
    assert event["reason"] == reason
    [told] = world.api.get("ports/p1")["status"]["paths"]
    assert (told["host"], told["state"]) == ("h2", "down")
    assert "paths" not in world.api.get("ports/p3")["status"]
    assert "no probe" in ctl(lab, "describe", "port", "p1")
    assert world.api.metrics()['vmn_host_paths_bad{host="h2"}'] == 1
    assert_condition(lab, "paths", "the path between hosts h1 and h2 is down: "
                     + reason)
    assert list(world.paths())[0] == ("h1", "h2")
    assert world.paths()["h2", "h3"]["state"] == "up"
    lose(lab, "h2", "h1")
    wait_for("both directions to be broken", lambda: world.paths()[
        "h1", "h2"]["reason"] == "no probe passes, in either direction", 40)
    pass_again(lab, "h1")
    pass_again(lab, "h2")
    world.becomes("h1", "h2", "up")
    assert_no_condition(lab, "paths")
    assert reader.take("path")[1]["state"] == "up"
    reader.close()
    assert "paths" not in world.api.get("ports/p1")["status"]


def test_an_underlay_with_less_room(world, lab):
    """Of a link between: no host sees that its own has less."""
    netns.ip(lab.net_ns, "link set u-h3 mtu 1400")
    try:
        path = world.becomes("h1", "h3", "mtu")
        assert path["reason"] == (
            "packets of 1450 bytes, the MTU, are lost; small ones pass")
        assert path["ports"] == 2
        assert_condition(lab, "paths", "the path between hosts h1 and h3 has "
                         "too small an MTU: " + path["reason"])
        assert world.becomes("h1", "h2", "up")["lost"] < DOWN_AFTER
    finally:
        netns.ip(lab.net_ns, "link set u-h3 mtu %d" % lab.underlay_mtu)
    world.becomes("h1", "h3", "up")
    assert_no_condition(lab, "paths")


def test_no_guest_takes_part(world, lab):
    """Frames as a probe's, by a guest: none comes to vmnd as one, none to
    another guest, and no host returns one."""
    before = ignored(lab)
    vm = lab.vm("p1")
    for last in "00", "01":
        frames.send(vm, bytes.fromhex("0e564dff03" + last + "0e5600000002"
                                      "88b5564d4e50") + bytes(46))
    wait_for("them to be dropped", lambda: [
        d for d in world.api.get("drops", reason="neither IP nor ARP")[
            "counters"] if d["packets"] >= 2], 20)
    assert ignored(lab) == before


def n_flows(lab, host):
    return len(lab.host(host).ofctl("dump-flows", "br-int").splitlines())


def test_only_while_it_is_asked_for(world, lab):
    before = n_flows(lab, "h1")
    ctl(lab, "app", "unload", "paths", "--wait")
    wait_for("nothing to be measured",
             lambda: not world.api.get("paths")["measured"])
    assert ctl(lab, "paths") == (
        "paths are not measured: app paths is not loaded or not enabled, or "
        "was only a moment ago\n")
    assert before - n_flows(lab, "h1") == 4
    ctl(lab, "app", "load", APP, "--wait")
    world.becomes("h1", "h2", "up")


def test_measured_anew_after_a_restart(world, lab):
    """A path that breaks meanwhile is told of, and nothing is taken for broken
    since hosts are not back yet."""
    lose(lab, "h2", "h3")
    assert lab.vmnd.stop() == 0
    lab.vmnd.start()
    assert world.becomes("h2", "h3", "down")["ports"] == 2
    assert world.becomes("h1", "h2", "up")["lost"] < DOWN_AFTER
    assert world.becomes("h1", "h3", "up")["lost"] < DOWN_AFTER
    pass_again(lab, "h2")
    world.becomes("h2", "h3", "up")
