# SPDX-License-Identifier: Apache-2.0
"""What a day of an operator who knows the documents alone has found: answers
that were not true, and errors that did not say what is wrong."""

import json
import os

import pytest
from app_lab import app_lab
from conftest import make_lab, vmnctl
from test_live_apps import ctl

from vmnlab import traffic
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
    """A packet for an address that its own gateway serves does not leave, and
    a trace follows it."""
    world.gateway("h1")
    world.vm("p2", "net", "h2", "10.0.0.2")
    world.vm("p1", "net", "h1", "10.0.0.1")
    world.put("floating-ips", "f", router="r", port="p2", ip="198.51.100.9")
    for way in ("p1", "198.51.100.9"), ("p1", "198.51.100.77"), (
            "p1", "outside"), ("outside", "198.51.100.9"):
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


def test_errors_name_what_is_wrong_and_the_next_step(lab, net):
    """A type with a slip, a time that is too long, an object without flows,
    and a change of which nothing is kept."""
    text = refused(lab, "revisions", "--type", "polices")
    assert 'did you mean "policies"?' in text, text
    text = refused(lab, "capture", "p1", "-w", "-", "--for", "99h", status=2)
    assert "at most 1h" in text, text
    for form in [], ["-o", "json"]:
        text = refused(lab, "flows", "h1", "--object", "nosuch", *form)
        assert 'is of an object "nosuch"' in text, text
    assert vmnctl(lab, "flows", "h1", "--object", "p1")[0] == 0
    report = next(item["revision"] for item in net.api.get("revisions")[
        "items"] if item["who"].startswith("host:"))
    text = refused(lab, "undo", str(report))
    assert "a report of a host" in text and "--users" in text, text


def test_hosts_lists_maintenance(lab, net):
    def state():
        [line] = [ln for ln in ctl(lab, "hosts").splitlines()
                  if ln.startswith("h1 ")]
        return line.split()[1]
    assert state() == "synced"
    ctl(lab, "host", "drain", "h1")
    try:
        wait_for("h1 to drain", lambda: state() == "synced,draining", 30)
    finally:
        ctl(lab, "host", "undrain", "h1")
    wait_for("h1 to be in service", lambda: state() == "synced", 30)


def test_trace_to_a_balancer_whose_backend_is_the_sender(lab, net):
    """The sender answers, not the network; that answers pings alone."""
    net.put("loadbalancers", "vip", vip="10.0.0.100", networks=["net"],
            ports=[{"port": 80}], backends=[{"port": "p1"}])
    text = ctl(lab, "trace", "p1", "10.0.0.100", "tcp/80")
    assert text.startswith("delivered to p1 on h1\n"), text
    for ping in "icmp", "icmp/8":
        text = ctl(lab, "trace", "p1", "10.0.0.100", ping)
        assert text.startswith("answered by the network itself"), text


def test_quota_below_the_present_use_warns(lab, net):
    """It is applied, and says so with the figures."""
    for i in range(3):
        net.put("ports", "q%d" % i, network="net", labels={"tenant": "q"})
    net.made.append(("quotas", "q"))
    spec = os.path.join(lab.dir, "quota.json")

    def apply(*more, **limits):
        with open(spec, "w", encoding="utf-8") as file:
            json.dump({"type": "quotas", "name": "q", "spec": dict(
                limits, scope="tenant=q")}, file)
        status, text = vmnctl(lab, "apply", "-f", spec, *more)
        assert status == 0, text
        return text

    assert "warning" not in apply("--wait", ports=3)
    for more in ["--dry-run"], ["--wait"]:
        text = apply(*more, ports=2)
        assert "quotas/q: /spec/ports: 3 are used, more than 2" in text, text
    assert "3 of 2 ports used" in vmnctl(lab, "status")[1]
    ctl(lab, "delete", "quota", "q")
    text = apply("--wait", ports=1)
    assert "quotas/q: /spec/ports: 3 are used, more than 1" in text, text


def test_patch_port_of_vmnd_is_not_malformed(lab, net):
    """Its patch port, while a provider bridge is removed."""
    net.provider_hosts_are("h1")
    net.patch("hosts", "h1", provider_bridges=[])
    wait_for("the patch port to go", lambda: "@dc" not in lab.host("h1").vsctl(
        "--columns=external_ids", "list", "Interface"), 30)
    with open(lab.vmnd.log, encoding="utf-8") as log:
        assert "malformed" not in log.read()


KNOCK = """
local function compile(view, key, emit)
    local vni = view:network(key).vni
    local function flow(number, priority, match)
        match.reg_network, match.reg_src_local = vni, 1
        return emit:flow { scope = { network = key }, stage = "knock",
                           table = number, priority = priority,
                           match = match }
    end
    flow(0, 10, { eth_type = vmn.eth_ipv4, udp_dst = 7000 })
        :set("reg12", 1):set("reg10", 1)
        :learn_client(vmn.eth_ipv4, 300, "reg10"):next()
    flow(0, 10, { eth_type = vmn.eth_ipv4, tcp_dst = 80 })
        :set("reg12", 1):find_client():goto_table("knock", 1)
    flow(1, 10, { reg_client_value = 0 }):drop("no knock")
    flow(1, 1, {}):next()
end
return { name = "knock", description = "Opens port 80 to who has knocked.",
         stages = { { name = "knock", hook = "service", order = 50,
                      n_tables = 2,
                      scratch = { "reg10", "reg11", "reg12" } } },
         units = { { name = "network", each = "network",
                     compile = compile } } }
"""


def test_trace_warns_of_learned_flows(lab, net, tmp_path):
    """So it says that the packet which it has dropped may pass."""
    app = tmp_path / "knock.lua"
    app.write_text(KNOCK)
    ctl(lab, "app", "load", str(app), "--wait")
    try:
        a, b = lab.vm("p1"), lab.vm("p2")
        warning = "app knock may pass this packet where the switch has learned"
        text = refused(lab, "trace", "p1", "p2", "tcp/80")
        assert "no knock" in text and warning in text, text
        assert net.blocked(a, b)
        traffic.ask(a, b.ip, 7000, "udp", 0.2)
        assert net.reaches(a, b)
        assert warning in refused(lab, "trace", "p1", "p2", "tcp/80")
        status, text = vmnctl(lab, "trace", "p1", "p2", "tcp/81")
        assert warning not in text, text
    finally:
        ctl(lab, "app", "unload", "knock", "--wait")
