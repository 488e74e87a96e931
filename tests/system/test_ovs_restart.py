# SPDX-License-Identifier: Apache-2.0
"""A switch that Open vSwitch's own scripts restart ("ovs-ctl restart", which
packages run to reload it): its flows and groups are saved as text and restored
before it looks for vmnd.  It has all of them again, also where no vmnd is, and
a vmnd that is there sends what no text holds: its meters, and the flows that
send packets through them.  Not for switches that crash (test_restart.py)."""

import pytest
import shop
from conftest import check_log, close_lab, held_back, make_lab, wait_quiet

from vmnlab import frames
from vmnlab.netns import wait_for
from vmnlab.traffic import ask

HOST = "h1"


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("ovs-restart", 3)
    yield lab
    close_lab(lab)


@pytest.fixture(scope="module")
def opened(lab):
    made = shop.Shop(lab)
    try:
        made.open()
        wait_quiet(lab)
        yield made
        check_log(lab.vmnd)
    finally:
        made.close()


def held(host):
    """What ovs-save saves, sorted; what a switch has learned comes and
    goes."""
    text = host.ofctl("dump-flows", "br-int", "--no-stats", "--no-names") \
        + host.ofctl("dump-groups", "br-int")
    return sorted(line for line in text.splitlines()
                  if "=" in line and "_timeout=" not in line)


def meters(lab):
    return lab.vmnd.api.get("hosts/" + HOST)["status"].get(
        "packet_in_meters", {}).get("installed")


def await_meters(lab):
    wait_for("meters", lambda: meters(lab), 30)
    return lab.host(HOST).ofctl("dump-meters", "br-int")


def audit(lab):
    found = lab.vmnd.api.call("POST", "/v1/hosts/%s/audit" % HOST)
    return found["missing"], found["altered"], found["unknown"]


def reaches(lab, client, ip, port):
    """Who answers 'client' in the end."""
    return wait_for("%s to reach %s" % (client, ip), lambda: ask(
        lab.vm(client), ip, port, "tcp", 1.0), 20)


def test_all_is_back_where_vmnd_is_away(lab, opened):
    host = lab.host(HOST)
    await_meters(lab)
    wait_quiet(lab)
    before = held(host)
    assert len(before) > 300
    lab.vmnd.stop()
    try:
        assert host.restart_switch() is None
        assert held(host) == before
        assert "rate=" not in host.ofctl("dump-meters", "br-int")
        assert reaches(lab, "web1", lab.vm("app1").ip, shop.APP) == "app1"
        assert reaches(lab, "buyer1", shop.VIP, shop.VIP_PORT)
        # A policy's denial, and an isolation.
        assert not ask(lab.vm("web1"), lab.vm("db1").ip, shop.DB, "tcp", 1.0)
        assert not ask(lab.vm("app1"), lab.vm("web1").ip, shop.WEB, "tcp", 1.0)
    finally:
        lab.vmnd.start()
    lab.await_synced()
    await_meters(lab)
    assert lab.vmnd.api.metrics()["vmn_fabric_bundles_total"] == 0
    assert held(host) == before
    assert audit(lab) == (0, 0, 0)
    assert opened.address_and_names()


def test_vmnd_sends_no_more_than_meters(lab, opened):
    """And with each the flow that sends packets through it: the switch looks
    for a flow's meter when it takes the flow."""
    host = lab.host(HOST)
    meters_before = await_meters(lab)
    wait_quiet(lab)
    before, metrics = held(host), lab.vmnd.api.metrics()
    assert host.restart_switch() is None
    wait_for("the marker to be found", lambda: lab.vmnd.api.metrics()[
        "vmn_fabric_reconciles_digest_matched_total"]
        > metrics["vmn_fabric_reconciles_digest_matched_total"], 30)
    lab.await_synced()
    assert await_meters(lab) == meters_before
    assert lab.vmnd.api.metrics()["vmn_fabric_bundles_total"] \
        == metrics["vmn_fabric_bundles_total"]
    assert held(host) == before
    assert audit(lab) == (0, 0, 0)
    vm = lab.vm("buyer1")
    query = frames.udp("02:00:00:00:00:01", vm.mac, vm.ip, "169.254.0.53",
                       1053, 53, b"no query")

    def is_limited():
        frames.send(vm, *[query] * 300)
        return held_back(host)
    wait_for("a sender to be limited", is_limited)


def test_a_limit_keeps_all_from_coming_back(lab, opened):
    """A flow that goes by a limit's meter is refused while there is none, and
    Open vSwitch's script restores all flows or none: vmnd brings them."""
    host = lab.host(HOST)
    api = lab.vmnd.api
    name = api.get("loadbalancers")["items"][0]["name"]
    limit = {"rate": 1000, "burst": 1000}
    api.call("PATCH", "/v1/loadbalancers/" + name,
             {"spec": {"client_limit": limit}})
    wait_quiet(lab)
    before = held(host)
    assert "OFPMMFC" in host.restart_switch()
    wait_for("vmnd to bring them", lambda: held(host) == before, 30)
    api.call("PATCH", "/v1/loadbalancers/" + name,
             {"spec": {"client_limit": None}})
    wait_quiet(lab)
    assert host.restart_switch() is None
