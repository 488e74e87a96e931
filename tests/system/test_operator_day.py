# SPDX-License-Identifier: Apache-2.0
"""What a day of an operator who knows the documents alone has found: answers
that were not true, and errors that did not say what is wrong."""

import json

import pytest
from app_lab import app_lab
from conftest import make_lab, vmnctl
from test_live_apps import ctl

from vmnlab.netns import wait_for


@pytest.fixture(scope="module", name="lab")
def _lab():
    with app_lab(make_lab("opday", 2), "mirrors") as lab:
        yield lab


@pytest.fixture(name="net")
def _net(world):
    """A port on each host."""
    world.network("net", "10.0.0.0/24")
    for i in 1, 2:
        world.vm("p%d" % i, "net", "h%d" % i, "10.0.0.%d" % i, tcp=[80])
    return world


def refused(lab, *args, status=1):
    """The error of a command that is refused."""
    found, text = vmnctl(lab, *args)
    assert found == status, text
    return text


def unreachable(lab, *args):
    """Why a trace says that a packet does not arrive."""
    text = refused(lab, "trace", *args)
    _, body = vmnctl(lab, "trace", *args, "-o", "json")
    body = json.loads(body)
    assert body["verdict"] == "unreachable", body
    [outcome] = body["outcomes"]
    assert outcome["at"]["reason"] in text, text
    return outcome["at"]["reason"]


def test_a_trace_names_the_port_without_flows(lab, net):
    """A port that is disabled, or on no host, rather than the flow that is
    missing."""
    ctl(lab, "patch", "port", "p2", "-p", "{spec: {enabled: false}}",
        "--wait")
    for pair in ("p1", "p2"), ("p2", "p1"):
        assert unreachable(lab, *pair, "icmp") == 'port "p2" is disabled'
    ctl(lab, "patch", "port", "p2", "-p", "{spec: {enabled: true}}", "--wait")
    assert vmnctl(lab, "trace", "p1", "p2", "icmp")[0] == 0
    net.put("ports", "p3", network="net", ips=["10.0.0.3"])
    assert unreachable(lab, "p1", "p3", "icmp") == 'port "p3" is on no host'


def test_a_trace_to_an_address_of_the_same_gateway(lab, world):
    """A packet that leaves by the host which serves its destination does not
    come back, and a trace says so."""
    world.gateway("h1")
    world.vm("p2", "net", "h2", "10.0.0.2")
    world.vm("p1", "net", "h1", "10.0.0.1")
    world.put("floating-ips", "f", router="r", port="p2", ip="198.51.100.9")
    for ip in "198.51.100.9", "198.51.100.1":
        assert ip in unreachable(lab, "p1", ip, "tcp/80")
    for way in ("p1", "198.51.100.77"), ("p1", "outside"), (
            "outside", "198.51.100.9"):
        status, text = vmnctl(lab, "trace", *way, "tcp/80")
        assert status == 0, text


def test_packets_pass_a_disabled_app(lab, net):
    """Without mirrors nothing is copied, and all is delivered; without
    policies nothing is allowed."""
    def arrives():
        return vmnctl(lab, "trace", "p1", "p2", "tcp/80")[0] == 0

    try:
        ctl(lab, "app", "disable", "mirrors", "--wait")
        assert arrives()
        assert net.reaches(lab.vm("p1"), lab.vm("p2"))
        ctl(lab, "app", "enable", "mirrors", "--wait")
        assert arrives()
        assert vmnctl(lab, "status")[0] == 0
        _, text = vmnctl(lab, "app", "disable", "firewall", "--wait")
        assert "apps/firewall: /spec/enabled: hosts drop all packets" in text
        assert not arrives()
        assert "app firewall is disabled" in refused(lab, "status")
    finally:
        ctl(lab, "app", "enable", "mirrors", "--wait")
        ctl(lab, "app", "enable", "firewall", "--wait")
    assert arrives()


def test_a_refused_restore_fails(lab, net, tmp_path):
    """With --dry-run, too."""
    old, now = str(tmp_path / "old.db"), str(tmp_path / "now.db")
    ctl(lab, "backup", old)
    net.put("quarantines", "q", ports=["p1"])
    ctl(lab, "backup", now)
    restore = "restore", old, "--database", now, "--dry-run"
    status, text = vmnctl(lab, *restore)
    assert status == 0 and 'port "p1" is not quarantined any more' in text
    assert "nothing was done" in refused(lab, *restore,
                                         "--refuse-loosening")


def test_capture_of_an_unknown_rule(lab, net, tmp_path):
    net.put("groups", "g", ports=["p2"])
    net.put("policies", "p", applies_to=["g"], rules=[
        {"direction": "ingress", "action": "allow"}])
    file = tmp_path / "x.pcapng"
    text = refused(lab, "capture", "--policy", "p", "--rule", "1", "-w",
                   str(file), "--for", "1s")
    assert 'policy "p" has 1 rule, counted from 0, and no rule 1' in text
    assert not file.exists()
    assert ", of 1 port\n" in ctl(lab, "describe", "port", "p2")
    assert vmnctl(lab, "capture", "--policy", "p", "--rule", "0", "-w",
                  str(file), "--for", "1s")[0] == 0


def test_suggestions_are_several(lab, net):
    """Where the next number is there as well, it may be the one that is
    meant."""
    net.put("ports", "buyer1", network="net")
    net.put("ports", "buyer2", network="net")
    for command in ("quarantine", "buyr1"), ("delete", "port", "buyr1"):
        text = refused(lab, *command)
        assert '"buyer1"' in text and '"buyer2"' in text, text


def test_packet_time_is_kept_when_read_twice(lab, net):
    """The last packet of an address has one time, so a client's copy of the
    port stays valid."""
    assert net.reaches(lab.vm("p1"), lab.vm("p2"))

    def seen():
        return [(a["ip"], a["packets"], a["last"]) for a in net.api.get(
            "ports/p1")["status"].get("seen", [])]

    def is_steady():
        """Of as many packets."""
        before, after = seen(), seen()
        return (before and [a[:2] for a in before] == [a[:2] for a in after]
                and (before, after))

    before, after = wait_for("the guest to be silent", is_steady, 30)
    assert before == after


def test_errors_name_the_fault(lab, net):
    ctl(lab, "quarantine", "p1", "p2")
    text = refused(lab, "release", "p1", "p2", "--refuse-loosening")
    assert "other objects" not in text, text
    ctl(lab, "release", "p1", "p2")
    assert "FIRST must not be after LAST" in refused(
        lab, "rollback", "66-60", status=2)
    ctl(lab, "label", "port", "p1", "a=b", "--wait")
    revision = net.api.get("status")["revision"]
    ctl(lab, "label", "port", "p1", "a-", "--wait")
    last = net.api.get("status")["revision"]
    assert "together changed nothing" in refused(
        lab, "rollback", "%d-%d" % (revision, last))
    assert "the log has no change of ports/nosuch" in refused(
        lab, "undo", "ports/nosuch")
    assert "--for TIME" in refused(lab, "policy", "recommend", "--network",
                                   "net")
    text = refused(lab, "token", "t", "--account", "a", "--expires", "1x",
                   status=2)
    assert "90d" in text and '"1x"' in text, text
