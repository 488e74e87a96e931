# SPDX-License-Identifier: Apache-2.0
"""What vmnd keeps for an app is bounded, at a start as well, and authors see
what their app says and why it fails."""

import contextlib
import os
import re
import sqlite3

import pytest
from app_lab import build_bad_app
from conftest import HERE, close_lab, make_lab
from test_app_kit import WORLD, check
from test_live_apps import ctl

from vmnlab import frames
from vmnlab.netns import wait_for

TOP = os.path.join(HERE, "../..")
MIB = 1 << 20
# Networks whose units read a value of 8 MiB each, four times the limit.
NETWORKS = ["n%d" % i for i in range(8)]
LIMIT = 16

ASK = """\
local function compile(view, key, emit)
    print("compiles", key, {})
    emit:flow { scope = { network = key }, stage = "ask", priority = 10,
                match = { reg_network = view:network(key).vni,
                          eth_type = vmn.eth_ipv4, udp_dst = 43 }
              }:punt("ask", 0, 65535)
end
local function handle(view, packet, out)
    local udp = vmn.udp_parse(packet.bytes)
    print("asked at", packet.now_s > 1600000000 and "some time" or "no time")
    if udp.payload ~= "count" then
        out:send_back(udp.payload .. nothing)
    end
    out:count("asks", "x")
    out:count("asks", "x", 3)
    out:count("asks", "absent")
    out:send_nothing("counted")
end
return { name = "asks", description = "Fails.",
         types = { { name = "asks", singular = "ask", doc = "Questions.",
                     fields = { { name = "why", type = "text",
                                  doc = "Why." } } } },
         stages = { { name = "ask", hook = "service", order = 10 } },
         units = { { name = "network", each = "network",
                     compile = compile } },
         handlers = { { name = "ask", handle = handle } } }
"""


# Fails with 100 IDs whose keys follow a label.
IDS = """\
local function compile(view, key, emit)
    local salt = view:labels(view:network(key)).salt
    if salt then
        for i = 1, 100 do
            view:id_of("ids.some", salt .. i)
        end
        emit:fail("salt " .. salt)
    end
end
return { name = "ids", description = "Fails.",
         id_pools = { { name = "ids.some", max = 1000000 } },
         units = { { name = "network", each = "network",
                     compile = compile } } }
"""


@pytest.fixture(scope="module", name="lab")
def _lab(tmp_path_factory):
    path = tmp_path_factory.mktemp("app")
    (path / "asks.lua").write_text(ASK)
    (path / "ids.lua").write_text(IDS)
    lab = make_lab("bounds", 1, apps=[build_bad_app(path),
                                      str(path / "asks.lua"),
                                      str(path / "ids.lua")])
    yield lab
    close_lab(lab)


def status(lab, app="bad"):
    return lab.vmnd.api.get("apps/" + app)["status"]


def failed(lab):
    return {unit for issue in lab.vmnd.api.get("status")["problems"]
            for unit in issue["units"]
            if "no memory is left for it: app bad keeps" in issue["detail"]}


def test_values_beyond_the_limit_fail_their_units(lab, world):
    ctl(lab, "patch", "app", "bad", "-p", "spec: {max_memory_mib: %d}" % LIMIT)
    try:
        for i, name in enumerate(NETWORKS):
            world.put("networks", name, labels={"large": "8192"},
                      subnets=[{"cidr": "10.%d.0.0/24" % i}])
        wait_for("the units to be computed", lambda:
                 len(failed(lab)) == len(NETWORKS) - 1, 60)
        before = status(lab)
        assert before["max_memory_bytes"] == LIMIT * MIB
        assert 8 * MIB < before["memory_bytes"] < (LIMIT + 1) * MIB
        assert before["problems"] == len(NETWORKS) - 1
        assert before["worker"]["ends"] == 0

        lab.vmnd.kill()
        lab.vmnd.start()
        wait_for("the units to be computed", lambda:
                 len(failed(lab)) == len(NETWORKS) - 1, 60)
        after = status(lab)
        assert 8 * MIB < after["memory_bytes"] < (LIMIT + 1) * MIB

        # One that failed has its value once there is room.
        gone = (set(NETWORKS)
                - {unit.partition("/")[2] for unit in failed(lab)}).pop()
        world.delete("networks", gone)
        wait_for("another one", lambda:
                 len(failed(lab)) == len(NETWORKS) - 2, 60)
    finally:
        ctl(lab, "patch", "app", "bad", "-p", "spec: {max_memory_mib: null}")
    wait_for("all others", lambda: not failed(lab)
             and status(lab)["memory_bytes"] > 56 * MIB, 60)


def test_ids_of_a_unit_that_fails_again_are_freed(lab, world):
    """All but those of its last failure."""
    def n_stored():
        # IDs are freed once all hosts have a later revision.
        world.put("groups", "later", selector="a=b")
        world.delete("groups", "later")
        with contextlib.closing(sqlite3.connect(
                "file:%s?mode=ro" % lab.vmnd.db, uri=True)) as db:
            return db.execute("SELECT COUNT(*) FROM numbers "
                              "WHERE kind = 'ids.some'").fetchone()[0]

    for salt in ("a", "b", "c", "d"):
        world.put("networks", "net", labels={"salt": salt},
                  subnets=[{"cidr": "10.50.0.0/24"}])
        wait_for("the failure", lambda salt=salt: "salt " + salt in str(
            lab.vmnd.api.get("status")["problems"]), 30)
    wait_for("IDs to be freed", lambda: n_stored() == 100, 30)
    world.put("networks", "net", subnets=[{"cidr": "10.50.0.0/24"}])
    wait_for("all of them", lambda: n_stored() == 0, 30)


def test_an_author_sees_lines_and_why_a_handler_fails(lab, world):
    world.network("net", "10.50.0.0/24")
    vm = world.vm("a", "net", "h1", "10.50.0.1")
    assert re.search("asks.network/net +compiles net table",
                     ctl(lab, "app", "logs", "asks"))
    frames.send(vm, frames.udp("02:00:00:00:00:99", vm.mac, "10.50.0.1",
                               "10.50.0.9", 4000, 43, b"who"))
    wait_for("the failure", lambda: status(lab, "asks").get("handlers"), 20)
    handler = status(lab, "asks")["handlers"][0]
    assert handler["handler"] == "asks.ask"
    assert 'there is no global "nothing"' in handler["failure"]
    assert "asks.ask" in ctl(lab, "app", "logs", "asks")
    assert "asked at some time" in ctl(lab, "app", "logs", "asks")
    assert "handler asks.ask has not answered" in "".join(
        issue["detail"] for issue in lab.vmnd.api.get("status")["problems"])
    assert lab.vmnd.api.get("apps/asks/logs")["dropped"] == 0
    assert '"nothing" not found' in ctl(lab, "app", "logs", "nothing",
                                        status=1)


def test_a_handler_counts_for_objects(lab, world):
    """In the status of an object: packets that have arrived, none of traces,
    and none for what does not exist."""
    world.network("net", "10.50.0.0/24")
    vm = world.vm("a", "net", "h1", "10.50.0.1")
    lab.vmnd.api.put("asks/x", {"why": "test"})
    try:
        trace = lab.vmnd.api.call("POST", "/v1/trace", {
            "from": "a", "to": "10.50.0.9", "protocol": "udp", "port": 43,
            "payload": "count", "destination_mac": "02:00:00:00:00:99"})
        assert trace["outcomes"][0]["answer"]["message"] == "nothing: counted"
        for _ in range(3):
            frames.send(vm, frames.udp(
                "02:00:00:00:00:99", vm.mac, "10.50.0.1", "10.50.0.9", 4000,
                43, b"count"))
        wait_for("three packets", lambda: lab.vmnd.api.get("asks/x")[
            "status"]["packets"] == 6, 20)
        shown = lab.vmnd.api.get("asks/x")["status"]
        assert {part["part"]: part["packets"]
                for part in shown["parts"]} == {0: 3, 3: 3}
    finally:
        lab.vmnd.api.delete("asks/x")
    assert status(lab, "asks")["worker"]["ends"] == 0


def test_the_kit_shows_lines_and_why_a_handler_fails(tmp_path):
    path = tmp_path / "asks.lua"
    path.write_text(ASK)
    shown = check(path, WORLD + """\
time: "2027-01-01T00:00:00Z"
traces:
- {from: a, to: b, protocol: udp, port: 43, payload: who,
   expect: {answer: {payload: who}}}
""", tmp_path, status=1)
    assert "# log: asks.network/n: compiles n table" in shown
    assert "# log: asks.ask: asked at some time" in shown
    assert "# answer: it is nothing: the app failed: asks.lua:12: " in shown
