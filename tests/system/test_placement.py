# SPDX-License-Identifier: Apache-2.0
"""Advice on where VMs are to be (GET /v1/advice/placement): it is followed,
and what goes through the hosts' tunnels falls as was predicted.

Six VMs fill three hosts.  Three pairs of them talk from host to host; the
VMs of one pair are to be apart."""

import json
import os
import re

import pytest
from conftest import (World, check_log, close_lab, make_token_lab,
                      wait_counted, wait_quiet)
from tenants import PORT, make_tenant
from test_live_apps import ctl
from test_traffic import bytes_of, exchange, learned, still

from vmnlab.api import Refused
from vmnlab.netns import wait_for

APP = os.path.join(os.environ.get("VMN_APPDIR", "_build/normal/appdir"),
                   "traffic.so")
# VM: its host, and labels.
VMS = {"a": ("h1", {"project": "shop"}), "b": ("h1", {"app": "db"}),
       "c": ("h2", {}), "x": ("h2", {"project": "shop"}),
       "y": ("h3", {"app": "db"}), "z": ("h3", {})}
# Who sends how many datagrams to whom.
LOAD = (("a", "x", 200), ("b", "y", 80), ("c", "z", 60))


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = make_token_lab("placement", 3, tmp_path_factory.mktemp("api"), PORT,
                         "--count-interval=1")
    ctl(lab, "app", "load", APP, "--wait")
    wait_quiet(lab)
    yield lab
    close_lab(lab)


@pytest.fixture(name="world", scope="module")
def _world(lab):
    world = World(lab)
    world.network("net")
    for i, (name, (host, labels)) in enumerate(VMS.items(), 11):
        world.vm(name, "net", host, "10.0.0.%d" % i, labels=labels)
    world.put("traffic-counts", "net", networks=["net"])
    for name in VMS:
        lab.vm(name).await_addresses()
    yield world
    world.close()
    check_log(lab.vmnd)


@pytest.fixture(scope="module")
def counted(world, lab):
    """Who talks with whom is known.  Returns what tunnels had of it."""
    for src, dst, n in LOAD:
        learned(world, lab.vm(src), lab.vm(dst))
    before = offer(world)
    assert before >= sum(n for _, _, n in LOAD) * 1000
    wait_counted("what was offered", lambda: all(
        bytes_of(world, src, dst) >= n * 1000 for src, dst, n in LOAD), 0.2)
    return before


def move(world, vm, host):
    world.lab.move(vm, host)
    wait_for(vm + " to be there", lambda: is_at(world, vm, host), 30)


@pytest.fixture
def placed(world, lab, counted):
    """All is as in the beginning.  Returns what tunnels had then."""
    # What is advised goes by the parts that pairs have, of which hosts are not
    # read at the same time.
    still(world, lab.vm("a"), lab.vm("x"))
    for vm, (host, _) in VMS.items():
        if not is_at(world, vm, host):
            move(world, vm, host)
    yield counted
    world.patch("hosts", "h3", maintenance=None)
    for host in ("h1", "h2", "h3"):
        world.patch("hosts", host, capacity=None)
    for vm in VMS:
        world.patch("ports", vm, host=None, resources=None,
                    labels={"vm": None})


def advice(world, **query):
    return world.api.get("advice/placement", **query)


def tunnel_bytes(world):
    """What all hosts have sent through their tunnels."""
    world.revalidated()
    total = 0
    for host in world.lab.hosts:
        for tunnel in re.findall(r"\bvmn-(?:vxlan|geneve)\b",
                                 host.appctl("dpif/show")):
            shown = host.ofctl("dump-ports", "br-int", tunnel)
            total += int(re.search(r"tx pkts=\d+, bytes=(\d+)", shown)[1])
    return total


def offer(world):
    """Offers the load, and returns what of it went through tunnels."""
    before = tunnel_bytes(world)
    for src, dst, n in LOAD:
        exchange(world.lab.vm(src), world.lab.vm(dst), n)
    return tunnel_bytes(world) - before


def is_at(world, vm, host):
    status = world.api.get("ports/" + vm)["status"]
    return status.get("host") == host and status["state"] == "up"


def test_tunnel_bytes_fall_as_predicted(world, lab, placed):
    reply = advice(world, capacity=2, apart="app")
    assert reply["vms"] == 6 and reply["hosts"] == 3 and reply["pairs"] >= 3
    assert reply["optimal"] and reply["capacity"] == 2
    # The heaviest pair meets: hosts are full, so somebody makes room.
    moves = reply["moves"]
    assert len(moves) == 2 and {m["step"] for m in moves} == {1}
    assert {"a", "x"} & {m["ports"][0] for m in moves}
    predicted = 1 - reply["predicted_bytes"] / reply["cross_host_bytes"]
    assert 0.4 < predicted < 0.8
    assert sum(m["saved_bytes"] for m in moves) == (
        reply["cross_host_bytes"] - reply["predicted_bytes"])
    shown = ctl(lab, "advise", "placement", "--capacity=2", "--apart=app")
    for m in moves:
        assert re.search(r"^1 +%s +%s +%s " % (
            m["ports"][0], m["from"], m["to"]), shown, re.M), shown
    assert json.loads(ctl(lab, "advise", "placement", "--capacity=2",
                          "--apart=app", "-o", "json"))["moves"][0]["step"] \
        == 1
    for m in moves:
        move(world, m["ports"][0], m["to"])
    for src, dst, _ in LOAD:    # They know each other's way again.
        exchange(lab.vm(src), lab.vm(dst), 20)
    measured = 1 - offer(world) / placed
    assert abs(measured - predicted) <= 0.15 * predicted, (measured, predicted)
    # Nothing is left to be done, of what may be.
    assert advice(world, capacity=2, apart="app")["moves"] == []


def test_all_meet_that_may(world, placed):
    """Where there is room for three, all do but those that are to be apart:
    80 of 340 datagrams."""
    roomy = advice(world, capacity=3, apart="app")
    assert roomy["optimal"] and len(roomy["moves"]) == 2
    assert {m["ports"][0] for m in roomy["moves"]} & set("ax")
    assert {m["ports"][0] for m in roomy["moves"]} & set("cz")
    assert 0.2 < roomy["predicted_bytes"] / roomy["cross_host_bytes"] < 0.28
    assert advice(world, capacity=6)["predicted_bytes"] == 0


def test_what_may_move_where(world, placed):
    """Hosts in maintenance take nobody, who is pinned or not selected
    stays."""
    world.patch("hosts", "h3", maintenance=True)
    reply = advice(world, capacity=6)
    assert reply["hosts"] == 2 and reply["moves"]
    assert all(m["to"] != "h3" for m in reply["moves"])
    world.patch("hosts", "h3", maintenance=None)
    reply = advice(world, capacity=6, selector="app=db")
    assert reply["not_selected"] == 4
    assert {p for m in reply["moves"] for p in m["ports"]} <= {"b", "y"}
    where = world.api.get("ports/y")["status"]["host"]
    world.patch("ports", "y", host=where)
    reply = advice(world, capacity=6, selector="app=db")
    assert reply["pinned"] == 1
    assert [m["ports"] for m in reply["moves"]] == [["b"]]
    reply = advice(world, capacity=6, selector="app=db", move_pinned="true")
    assert "pinned" not in reply
    world.patch("ports", "y", host=None)
    assert advice(world, capacity=6, move_cost=10 ** 9)["moves"] == []
    assert len(advice(world, capacity=6, max_moves=1)["moves"]) == 1
    # All on one host are one VM.
    on_h1 = [vm for vm in VMS if is_at(world, vm, "h1")]
    assert len(on_h1) == 2
    for vm in on_h1:
        world.patch("ports", vm, labels={"vm": "v1"})
    assert advice(world, together="vm")["vms"] == 5


def test_hosts_have_room_for_what_vms_need(world, lab, placed):
    """Memory binds beside the number of VMs, and what it forbids is named: a
    fills a host by itself."""
    for vm in VMS:
        world.patch("ports", vm, resources={
            "vcpus": 1, "memory_mb": 6144 if vm == "a" else 2048})
    for host in ("h1", "h2", "h3"):
        world.patch("hosts", host,
                    capacity={"vms": 6, "vcpus": 64, "memory_mb": 6144})
    reply = advice(world)
    assert reply["hosts_with_capacity"] == 3 and "unsized" not in reply
    assert reply["optimal"] and reply["moves"]
    assert all(m["ports"][0] in "bcz" for m in reply["moves"])
    assert 0.4 < reply["predicted_bytes"] / reply["cross_host_bytes"] < 0.8
    lack, = (m for m in reply["no_room"] if m["ports"] == ["x"])
    assert (lack["from"], lack["to"]) == ("h2", "h1")
    assert lack["missing"] == {"memory_mb": 2048}
    assert lack["saved_bytes"] == reply["predicted_bytes"]
    assert {m["ports"][0] for m in reply["no_room"]} == set("ax")
    shown = ctl(lab, "advise", "placement")
    assert re.search(r"^x +h1 +h2 .* memory_mb 2048$", shown, re.M), shown
    world.patch("hosts", "h1", capacity={"memory_mb": 8192})
    reply = advice(world)
    assert reply["predicted_bytes"] == 0 and "no_room" not in reply
    shown = ctl(lab, "advise", "placement")
    assert "or its capacity (3 hosts)" in shown and "NO ROOM" not in shown
    # What a VM does not say it does not need.
    world.patch("ports", "a", resources=None)
    assert advice(world)["unsized"] == 1


def test_a_tenant_is_advised_on_its_own(world, lab, placed):
    """Others' VMs neither move for it nor count: hosts have two each, and no
    room for a third."""
    shop = make_tenant(lab, "shop", scope="project=shop")
    status, reply = shop.call("GET", "advice/placement?capacity=2")
    assert status == 200, reply
    assert reply["vms"] == 2 and len(reply["moves"]) == 1, reply
    assert reply["moves"][0]["ports"][0] in "ax"
    assert not {"hosts", "unlisted_bytes"} & set(reply)
    for query in ("", "?capacity=2&host_selector=x",
                  "?capacity=2&capacity_label=x"):
        assert shop.call("GET", "advice/placement" + query)[0] == 400
    world.api.delete("accounts/shop", cascade="true")


def test_bad_requests(world):
    for query, field in (("capacity=0", "capacity"), ("apart=", "apart"),
                         ("apart=a%20b", "apart"), ("together=", "together"),
                         ("selector=%3D", "selector"),
                         ("host_selector=%3D", "host_selector"),
                         ("max_moves=1001", "max_moves"),
                         ("move_cost=-1", "move_cost"),
                         ("move_pinned=yes", "move_pinned"),
                         ("since=today", "since")):
        with pytest.raises(Refused) as refused:
            world.api.get("advice/placement?" + query)
        assert refused.value.status == 400
        assert "?%s " % field in refused.value.problem["detail"]
