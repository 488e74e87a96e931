# SPDX-License-Identifier: Apache-2.0
"""Attacks of a host that wants ports which are not its own: it plugs
interfaces with their iface-ids.  A port is bound only where its row and the
host's row allow it; what is refused is an event, a metric and in its
status."""

import contextlib

import pytest
from test_events import Reader

from vmnlab.api import Refused
from vmnlab.netns import wait_for


@contextlib.contextmanager
def claim(host, iface_id, name="evil0"):
    """An interface on 'host' that says it is the port's; gone again at the
    end."""
    host.vsctl("--may-exist", "add-port", "br-int", name, "--", "set",
               "interface", name, "type=internal",
               "external_ids:iface-id=" + iface_id)
    try:
        yield
    finally:
        host.vsctl("--if-exists", "del-port", "br-int", name)


def status(world, port):
    return world.api.get("ports/" + port)["status"]


def host_of(world, port):
    return status(world, port).get("host")


def refused(world, host, expected):
    """How often a claim of 'host' was refused where 'expected' is named."""
    return world.api.metrics().get(
        'vmn_port_claims_rejected_total{host="%s",expected="%s"}'
        % (host, expected), 0)


@pytest.fixture
def net(world):
    world.network("net")
    yield world
    for name in ("h1", "h2", "h3"):
        world.api.patch("hosts/" + name, {"port_selector": None})


def test_attack_take_a_port_that_is_to_be_elsewhere(net):
    """h2 plugs the interface of a port that is to be on h1, before h1 does:
    nobody gets it but h1."""
    before = refused(net, "h2", "h1")
    net.put("ports", "web", network="net", host="h1", ips=["10.0.0.1"])
    reader = Reader(net.api.path, "?kinds=claim&port=web")
    with claim(net.lab.host("h2"), "web"):
        event = reader.take("claim")[1]
        reader.close()
        assert event["host"] == "h2" and event["expected"] == "h1"
        assert event["network"] == "net"
        assert 'only on "h1"' in event["reason"]
        assert status(net, "web") == {
            "mac": status(net, "web")["mac"], "ips": ["10.0.0.1"],
            "state": "unbound", "rejected_claims": ["h2"]}
        assert refused(net, "h2", "h1") == before + 1

        net.lab.add_vm_of_port("web", "h1")
        net.own_vms.append("web")
        net.lab.await_ports(["web"])
        assert host_of(net, "web") == "h1"
        assert "candidate" not in status(net, "web")
        assert status(net, "web")["rejected_claims"] == ["h2"]
    wait_for("the claim to be forgotten", lambda: "rejected_claims" not in
             status(net, "web"))


def test_attack_keep_a_port_that_nobody_was_to_have(net):
    """h2 plugs the interface of a port without a host, and keeps it when h1
    plugs the VM: that is shown, and the row decides."""
    net.put("ports", "web", network="net", ips=["10.0.0.1"])
    with claim(net.lab.host("h2"), "web"):
        wait_for("the claim", lambda: host_of(net, "web") == "h2")
        net.lab.add_vm_of_port("web", "h1")
        net.own_vms.append("web")
        wait_for("the candidate", lambda: status(net, "web").get("candidate")
                 == "h1")
        assert net.api.metrics()["vmn_ports_with_candidate"] == 1
        net.patch("ports", "web", host="h1")
        wait_for("the move", lambda: host_of(net, "web") == "h1")
        wait_for("the refusal", lambda: status(net, "web").get(
            "rejected_claims") == ["h2"])
        assert "candidate" not in status(net, "web")
        # Also when the VM stops for a while.
        net.lab.unplug("web")
        wait_for("it to be unbound", lambda: status(net, "web")["state"] ==
                 "unbound")
        assert status(net, "web")["rejected_claims"] == ["h2"]


@pytest.mark.parametrize("failover", [False, True], ids=["", "failover"])
def test_attack_wait_until_the_host_is_silent(net, failover):
    """h2 may have the port as well, and claims it; then h1 is cut off.  It
    stays h1's, unless it says that another may take over."""
    spec = {"failover": True} if failover else {}
    net.vm("web", "net", "h1", "10.0.0.1", hosts=["h1", "h2"], **spec)
    h1 = net.lab.host("h1")
    with claim(net.lab.host("h2"), "web"), claim(net.lab.host("h3"), "web"):
        wait_for("the candidate", lambda: status(net, "web").get("candidate")
                 == "h2")
        wait_for("the refusal", lambda: status(net, "web").get(
            "rejected_claims") == ["h3"])
        # A port without hosts tells when h1 counts as silent.
        net.put("ports", "free", network="net", iface_id="free")
        with claim(h1, "free", "t1"):
            wait_for("free", lambda: host_of(net, "free") == "h1")
            with claim(net.lab.host("h3"), "free", "t3"):
                wait_for("the other", lambda: status(net, "free").get(
                    "candidate") == "h3")
                h1.stop_db()
                try:
                    wait_for("h1's silence", lambda: host_of(net, "free") ==
                             "h3", 30)
                    if failover:
                        wait_for("failover", lambda: host_of(net, "web") ==
                                 "h2")
                    assert host_of(net, "web") == ("h2" if failover else "h1")
                    assert status(net, "web")["rejected_claims"] == ["h3"]
                finally:
                    h1.start_db()
                net.lab.await_synced()


def test_attack_take_a_tenants_ports_on_a_host_that_is_not_for_them(net):
    """h2 is only for the ports of one project, and claims another's, which
    names no host."""
    net.patch("hosts", "h2", port_selector="project=lab")
    net.put("ports", "web", network="net", ips=["10.0.0.1"],
            labels={"project": "shop"})
    net.put("ports", "own", network="net", labels={"project": "lab"})
    reader = Reader(net.api.path, "?kinds=claim&host=h2")
    with claim(net.lab.host("h2"), "web"), \
            claim(net.lab.host("h2"), "own", "own0"):
        event = reader.take("claim", port="web")[1]
        reader.close()
        assert 'match "project=lab"' in event["reason"]
        assert event["expected"] is None
        assert status(net, "web")["state"] == "unbound"
        wait_for("its own", lambda: host_of(net, "own") == "h2")
        # It follows the labels, both ways.
        net.patch("ports", "web", labels={"project": "lab"})
        wait_for("the binding", lambda: host_of(net, "web") == "h2")
        net.patch("hosts", "h2", port_selector="project=none")
        wait_for("both to go", lambda: not host_of(net, "web")
                 and not host_of(net, "own"))


def test_attack_take_a_sub_port(net):
    """h2 claims a sub-port, whose parent is on h1."""
    net.vm("node", "net", "h1", "10.0.0.1")
    net.put("ports", "pod", network="net", parent="node", vlan=7)
    with claim(net.lab.host("h2"), "pod"):
        wait_for("the refusal", lambda: status(net, "pod").get(
            "rejected_claims") == ["h2"])
        wait_for("its place", lambda: host_of(net, "pod") == "h1")
        assert "candidate" not in status(net, "pod")
        net.lab.unplug("node")
        wait_for("it to be unbound", lambda: not host_of(net, "pod")
                 and not host_of(net, "node"))


def test_attack_name_hosts_that_contradict(net):
    """What says that a port is bound somewhere and cannot be is refused."""
    for spec, field, words in (
            ({"host": "h1", "hosts": ["h2"]}, "/spec/host", "one of"),
            ({"hosts": []}, "/spec/hosts", "must not be empty"),
            ({"host": "h1", "failover": True}, "/spec/failover", "hosts"),
            ({"failover": True}, "/spec/failover", "hosts"),
            ({"hosts": ["nowhere"]}, "/spec/hosts", "does not exist")):
        with pytest.raises(Refused) as refusal:
            net.api.put("ports/web", dict(spec, network="net"))
        errors = refusal.value.problem["errors"]
        assert any(field in e["pointer"] and words in e["detail"]
                   for e in errors), errors


def test_port_is_prepared_on_its_next_host_before_it_moves(net):
    """What a VM manager does with a pinned port: `hosts` has both during the
    migration, `host` where it runs."""
    net.vm("web", "net", "h1", "10.0.0.1")
    net.patch("ports", "web", host="h1")
    with claim(net.lab.host("h2"), "web"):
        wait_for("the refusal", lambda: status(net, "web").get(
            "rejected_claims") == ["h2"])
        net.patch("ports", "web", hosts=["h1", "h2"])
        wait_for("the candidate", lambda: status(net, "web").get("candidate")
                 == "h2")
        assert host_of(net, "web") == "h1"
        assert "rejected_claims" not in status(net, "web")
        net.patch("ports", "web", host="h2")
        wait_for("the move", lambda: host_of(net, "web") == "h2")
        assert status(net, "web")["candidate"] == "h1"
        net.lab.unplug("web")
        wait_for("the source to let go", lambda: "candidate" not in
                 status(net, "web"))
        net.patch("ports", "web", hosts=None)
        assert host_of(net, "web") == "h2"
