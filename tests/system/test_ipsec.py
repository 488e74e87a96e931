# SPDX-License-Identifier: Apache-2.0
"""--ipsec-key-file: what has hosts encrypt their tunnels is written, repaired
and removed exactly; each pair of hosts has a key of its own; packets go as
without.  Open vSwitch's own ovs-monitor-ipsec takes it.  That anything is
encrypted is not shown: the lab's datapath is userspace's, which IPsec does not
see, and vmnd says so."""

import glob
import json
import os
import re
import subprocess
import sys

import pytest
from conftest import close_lab, make_lab
from vmnlab import netns, traffic
from vmnlab.netns import wait_for
from vmnlab.traffic import Pinger

SECRET = "a-secret-of-some-thirty-characters"


@pytest.fixture(name="key_file", scope="module")
def _key_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("ipsec") / "key"
    file.write_text(SECRET + "\n")
    file.chmod(0o600)
    return file


@pytest.fixture(name="lab", scope="module")
def _lab():
    lab = make_lab("ips", 3)
    try:
        api = lab.vmnd.api
        api.put("networks/net", {"subnets": [{"cidr": "10.0.0.0/24"}]})
        for name, host in ("a", "h1"), ("b", "h2"):
            api.put("ports/" + name, {"network": "net"})
            lab.add_vm_of_port(name, host)
        lab.await_ports(["a", "b"])
        wait_for("a to reach b", lambda: traffic.ask(
            lab.vm("a"), lab.vm("b").ip, 0, "icmp", 1.0), 20)
        yield lab
    finally:
        close_lab(lab)


def restart(lab, *options):
    assert lab.vmnd.stop() == 0
    lab.vmnd.options = options
    lab.vmnd.start()
    lab.await_synced(seconds=60)


@pytest.fixture(name="encrypting")
def _encrypting(lab, key_file):
    restart(lab, "--ipsec-key-file=%s" % key_file)
    yield lab
    if lab.vmnd.options:
        restart(lab)


def rows(host, *columns):
    """All interfaces: a list of dictionaries, by name."""
    table = json.loads(host.vsctl("--format=json", "--columns="
                                  + ",".join(("name",) + columns), "list",
                                  "Interface"))
    found = [dict(zip(table["headings"], row)) for row in table["data"]]
    for row in found:
        for key, value in row.items():
            if isinstance(value, list) and value and value[0] == "map":
                row[key] = dict(value[1])
    return sorted(found, key=lambda row: row["name"])


def peers(host):
    """{remote_ip: options} of what ovs-monitor-ipsec would look at."""
    return {row["options"]["remote_ip"]: row["options"]
            for row in rows(host, "options") if "psk" in row["options"]}


def ip(host):
    return host.tunnel_ips[0]


def await_peers(host, others):
    wait_for("%s's peers" % host.name,
             lambda: set(peers(host)) == {ip(other) for other in others}, 20)


def config(host):
    """What the database holds of it, but for what the switch reports."""
    return ({bridge: host.vsctl("list-ports", bridge)
             for bridge in host.vsctl("list-br").split()},
            rows(host, "type", "options", "external_ids", "ofport_request"),
            host.vsctl("--columns=other_config,external_ids", "list",
                       "Open_vSwitch"),
            host.vsctl("--columns=name,external_ids", "--format=csv", "list",
                       "Port").count("\n"))


def test_configuration_is_written_and_removed_exactly(lab, key_file):
    before = {host.name: config(host) for host in lab.hosts}
    mtu = lab.vmnd.api.get("hosts/h1")["status"]["underlay"]["network_mtu"]
    with Pinger(lab.vm("a"), lab.vm("b").ip) as pinger:
        restart(lab, "--ipsec-key-file=%s" % key_file)
        for host in lab.hosts:
            await_peers(host, [h for h in lab.hosts if h is not host])
        restart(lab)
        for host in lab.hosts:
            await_peers(host, [])
        restart(lab, "--ipsec-key-file=%s" % key_file)
        for host in lab.hosts:
            await_peers(host, [h for h in lab.hosts if h is not host])
    assert len(pinger.sent) > 10 and not pinger.stop()
    status = lab.vmnd.api.get("hosts/h1")["status"]
    assert status["state"] == "synced"
    assert "not encrypted" in status["reason"]      # Of a userspace datapath.
    assert status["underlay"]["network_mtu"] == mtu - 46

    restart(lab)
    for host in lab.hosts:
        await_peers(host, [])
        wait_for("%s to be as before" % host.name,
                 lambda h=host: config(h) == before[h.name], 20)
    assert "reason" not in lab.vmnd.api.get("hosts/h1")["status"]


def test_stolen_host_has_no_key_of_others(encrypting):
    """Keys are for pairs: what one host holds opens no tunnel between two
    others, and tells nothing of the secret."""
    lab = encrypting
    keys = {}
    for host in lab.hosts:
        others = [h for h in lab.hosts if h is not host]
        await_peers(host, others)
        found = peers(host)
        for other in others:
            psk = found[ip(other)]["psk"]
            assert re.fullmatch("[0-9a-f]{64}", psk)
            assert found[ip(other)]["local_ip"] == ip(host)
            keys.setdefault(frozenset((host.name, other.name)),
                            set()).add(psk)
        dump = "".join(map(str, config(host)))
        assert SECRET not in dump
    assert len(keys) == 3 and all(len(psks) == 1 for psks in keys.values())
    assert len(set.union(*keys.values())) == 3
    with open(lab.vmnd.log, encoding="utf-8", errors="replace") as log:
        text = log.read()
    assert SECRET not in text and not any(
        psk in text for psk in set.union(*keys.values()))


def test_follows_hosts_and_mends(encrypting):
    lab, api = encrypting, encrypting.vmnd.api
    h1, h2, h3 = lab.hosts
    for host in lab.hosts:
        await_peers(host, [h for h in lab.hosts if h is not host])
    was = peers(h1)
    # A host that is not there yet, and one that goes.
    api.put("hosts/far", {"ovsdb": "inbound", "tunnel_ip": "10.99.0.77"})
    wait_for("a fourth", lambda: "10.99.0.77" in peers(h1), 20)
    api.patch("hosts/far", {"tunnel_ip": "10.99.0.78"})
    wait_for("its other address", lambda: set(peers(h1)) == {
        ip(h2), ip(h3), "10.99.0.78"}, 20)
    api.delete("hosts/far")
    await_peers(h1, [h2, h3])
    assert peers(h1) == was
    # Somebody else's hand.
    name = next(row["name"] for row in rows(h1, "options")
                if row["options"].get("remote_ip") == ip(h2))
    assert len(name) <= 15 and "-" not in name
    h1.vsctl("remove", "Interface", name, "options", "psk")
    wait_for("its key", lambda: peers(h1) == was, 20)
    h1.vsctl("del-port", "br-int", name)
    wait_for("the port", lambda: peers(h1) == was, 20)


def test_port_takes_no_packet(encrypting):
    """Packets go by the flow-based port; what comes in by one of these ends
    at once."""
    lab = encrypting
    h1, h2, h3 = lab.hosts
    for host in h1, h2:
        await_peers(host, [h for h in lab.hosts if h is not host])
    for _ in range(3):
        assert traffic.ask(lab.vm("a"), lab.vm("b").ip, 0, "icmp", 10)
    found = [row for row in rows(h1, "options", "ofport", "statistics")
             if "psk" in row["options"]]
    assert len(found) == 2
    for row in found:
        assert row["ofport"] > 0 and row["options"]["key"] == "0"
        assert row["statistics"]["rx_packets"] == 0
        assert row["statistics"]["tx_packets"] == 0
        for packet in "arp", "icmp,nw_dst=%s" % lab.vm("a").ip:
            told = h1.appctl("ofproto/trace", "br-int",
                             "in_port=%d,%s" % (row["ofport"], packet))
            # A drop, of which vmnd has a copy perhaps.
            assert "goto_table:252" in told and "output" not in told, told


def test_refuses_what_is_somebody_elses(encrypting):
    """A port that has the name: the host is not configured, and says so."""
    lab, api = encrypting, encrypting.vmnd.api
    h1 = lab.host("h1")
    h1.vsctl("add-port", "br-phys", "vmnv0a63004d", "--", "set", "interface",
             "vmnv0a63004d", "type=internal")
    api.put("hosts/far", {"ovsdb": "inbound", "tunnel_ip": "10.99.0.77"})
    wait_for("a word of it", lambda: "which IPsec needs" in api.get(
        "hosts/h1")["status"].get("reason", ""), 20)
    h1.vsctl("del-port", "br-phys", "vmnv0a63004d")
    wait_for("it to go on", lambda: "10.99.0.77" in peers(h1), 20)
    api.delete("hosts/far")
    lab.await_synced(seconds=60)


def test_wants_a_file_for_its_owner_alone(lab, tmp_path):
    file = tmp_path / "key"
    for text, mode, reason in ((SECRET, 0o644, "others"),
                               ("short", 0o600, "16")):
        file.write_text(text + "\n")
        file.chmod(mode)
        done = subprocess.run(
            [lab.vmnd.program, "--state=%s/x.db" % tmp_path,
             "--unixctl=none", "--socket=%s/x.sock" % tmp_path,
             "--openflow-listen=unix:%s/x.of" % tmp_path,
             "--ipsec-key-file=%s" % file], text=True, timeout=60,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        assert done.returncode == 1 and reason in done.stdout, done.stdout
        assert not os.path.exists(tmp_path / "x.db")


# Open vSwitch's part.  -------------------------------------------------------

def monitor_source():
    """Its ovs-monitor-ipsec and what that imports, as build-aux/build-ovs
    unpacks it."""
    cache = os.environ.get("VMN_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
        "vmn")
    found = glob.glob(cache + "/openvswitch-*/ipsec/ovs-monitor-ipsec.in")
    if not found:
        pytest.skip("no source of Open vSwitch in " + cache)
    return found[0], os.path.join(os.path.dirname(os.path.dirname(found[0])),
                                  "python")


def test_ovs_monitor_ipsec_takes_it(encrypting, tmp_path):
    """It makes strongSwan's configuration for each peer, and unmakes it."""
    lab = encrypting
    h1, h2, h3 = lab.hosts
    program, python = monitor_source()
    for folder in "etc/strongswan.d", "usr/sbin", "run":
        (tmp_path / folder).mkdir(parents=True)
    ipsec = tmp_path / "usr/sbin/ipsec"
    ipsec.write_text("#!/bin/sh\nexit 0\n")
    ipsec.chmod(0o755)
    await_peers(h1, [h2, h3])
    monitor = netns.spawn(
        [sys.executable, program, "--root-prefix=%s" % tmp_path,
         "--ike-daemon=strongswan", h1.db], h1.ns,
        dict(h1.env, PYTHONPATH=python, OVS_RUNDIR=str(tmp_path / "run"),
             OVS_PKGDATADIR="/usr/share/openvswitch"),
        str(tmp_path / "log"))
    lab.children.append(monitor)

    # It writes them anew now and then, so that a reader may find a part.
    def text_of(name):
        path = tmp_path / "etc" / name
        return path.read_text() if path.exists() else ""

    def conns():
        return set(re.findall(r"right=(\S+)", text_of("ipsec.conf")))

    def secrets():
        return ['%s : PSK "%s"' % (remote, options["psk"])
                for remote, options in peers(h1).items()]

    try:
        wait_for("its configuration (log: %s)" % (tmp_path / "log"),
                 lambda: conns() == {ip(h2), ip(h3)}, 30)
        wait_for("the keys", lambda: all(
            line in text_of("ipsec.secrets") for line in secrets()), 30)
        wait_for("what is encrypted", lambda: "rightprotoport=udp/4789"
                 in text_of("ipsec.conf"), 30)
        restart(lab)
        wait_for("it to be gone", lambda: not conns(), 30)
    finally:
        netns.kill([monitor.pid])
