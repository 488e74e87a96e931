# SPDX-License-Identifier: Apache-2.0
"""Proxmox VE: the zone plugin of deploy/proxmox, called as Proxmox's scripts
call it, in their order and with their arguments, on hosts with real Open
vSwitch: guests that stay where they are, zones and VNets, and its files.
test_proxmox_migration.py has guests that move, and what goes wrong."""

import contextlib
import fcntl
import json
import os
import re
import struct
import subprocess
import time

import pytest
from conftest import SETTLE
from proxmox_cluster import (CALLS, COMMAND, DEPLOY, DOCUMENT, MACS, PERL,
                             STAND_INS, guest, iface_id, net0, port, ports,
                             reaches, start)
# Fixtures, as tests name them: lab, token, cluster.
from proxmox_cluster import (cluster_fixture, lab_fixture,  # noqa: F401
                             token_fixture)

from vmnlab import frames, netns
from vmnlab.netns import wait_for

LAB = "pve"
TUNSETIFF = 0x400454ca
IFF_TAP, IFF_NO_PI = 2, 0x1000


# At a start.  ----------------------------------------------------------------

def test_vm_starts_and_stops(cluster, lab):
    h1, h2 = lab.hosts[:2]
    first = start(cluster, h1, 100, "name: web1", "tags: web;prod;_odd",
                  net0(100, more=",firewall=0,rate=3"), "cores: 2")
    spec = port(cluster)["spec"]
    assert (spec["network"], spec["mac"], spec["iface_id"]) == \
        ("shop", MACS[100], "vm100-net0.shop")
    assert spec["labels"] == {
        "site": "pve", "proxmox/zone": "z", "proxmox/vm": "100",
        "proxmox/name": "web1", "proxmox/tag-web": "", "proxmox/tag-prod": "",
        "proxmox/tag-_odd": ""}
    assert port(cluster)["status"]["host"] == "h1"
    assert iface_id(h1, "tap100i0") == "vm100-net0.shop"
    assert "mtu 1400" in netns.run(["ip", "-n", h1.ns, "link", "show",
                                    "tap100i0"])
    second = start(cluster, h2, 101)
    assert reaches(first, second)
    cluster.call(h1, "bridgedown", "tap100i0")
    lab.await_ports(["vm100-net0"], "unbound")
    lab.revalidated()
    assert not reaches(second, first, 0)
    # A start again changes nothing of the port, and all works.
    etag = port(cluster)["metadata"]["etag"]
    cluster.call(h1, "bridge", "tap100i0")
    lab.await_ports(["vm100-net0"])
    assert port(cluster)["metadata"]["etag"] == etag
    assert reaches(second, first)


def test_two_interfaces_are_two_ports(cluster, lab):
    h1, h2 = lab.hosts[:2]
    mac = "bc:24:11:00:01:99"
    lines = [net0(100), "net1: e1000=%s,bridge=bank" % mac,
             "net2: virtio=bc:24:11:00:01:98,bridge=vmbr0,tag=5"]
    first = start(cluster, h1, 100, *lines)
    second = guest(cluster, h1, 100, 1, mac=mac)
    cluster.call(h1, "bridge", "tap100i1")
    lab.await_ports(["vm100-net1"])
    assert ports(cluster) == ["vm100-net0", "vm100-net1"]
    assert port(cluster, "vm100-net1")["spec"]["network"] == "bank"
    second.learn("vm100-net1")
    peer = start(cluster, h2, 101)
    assert reaches(peer, first) and second.ip.startswith("10.1.0.")
    # The other bridge is no VNet of VMN: nothing is left of it.
    assert cluster.sync().out == ""


def test_a_real_tap_is_answered(cluster, lab):
    """Of QEMU: the device is there before the script, and its frames come by
    a file descriptor."""
    h1 = lab.hosts[0]
    peer = start(cluster, lab.hosts[1], 101)
    cluster.write_guest(100, "h1", [net0(100)])
    with netns.inside(h1.ns):
        tap = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(tap, TUNSETIFF, struct.pack(
            "16sH", b"tap100i0", IFF_TAP | IFF_NO_PI))
    try:
        assert cluster.call(h1, "bridge", "tap100i0") == ""
        lab.await_ports(["vm100-net0"])
        own, = port(cluster)["status"]["ips"]
        os.set_blocking(tap, False)
        question = frames.arp_question(MACS[100], own, peer.ip)
        answers = []

        def answered():
            os.write(tap, question)
            end = time.monotonic() + 0.5
            while time.monotonic() < end:
                with contextlib.suppress(BlockingIOError):
                    answers.append(os.read(tap, 2000))
                if any(a[12:14] == b"\x08\x06" and
                       a[22:28] == frames.mac_bytes(MACS[101])
                       for a in answers):
                    return True
            return False
        assert wait_for("an answer to ARP", answered, 10)
        cluster.call(h1, "bridgedown", "tap100i0")
    finally:
        os.close(tap)


def test_with_a_firewall_of_proxmox(cluster, lab):
    """Its bridge is between; the port is what leads out of that."""
    h1, h2 = lab.hosts[:2]
    first = start(cluster, h1, 100, net0(100, more=",firewall=1"))
    second = start(cluster, h2, 101)
    assert iface_id(h1, "fwln100o0") == "vm100-net0.shop"
    assert "tap100i0" not in h1.vsctl("list-ports", "br-int").split()
    assert reaches(second, first)
    # Without it again, by the GUI.
    cluster.write_guest(100, "h1", [net0(100, more=",firewall=1")],
                        pending=[net0(100)])
    cluster.call(h1, "replug", "tap100i0", net0(100)[6:])
    assert iface_id(h1, "tap100i0") == "vm100-net0.shop"
    assert "fwln100o0" not in h1.vsctl("list-ports", "br-int").split()
    lab.await_ports(["vm100-net0"])
    assert reaches(second, first)


# While it runs.  -------------------------------------------------------------

def test_hot_plug_and_unplug(cluster, lab):
    h1, h2 = lab.hosts[:2]
    mac = "bc:24:11:00:01:77"
    peer = start(cluster, h2, 101)
    start(cluster, h1, 100)
    cluster.write_guest(100, "h1", [net0(100)], pending=[
        "net1: virtio=%s,bridge=shop" % mac])
    plugged = guest(cluster, h1, 100, 1, mac=mac)
    assert cluster.call(h1, "bridge", "--hotplug", "tap100i1") == ""
    lab.await_ports(["vm100-net1"])
    assert reaches(peer, plugged.learn("vm100-net1"))
    # It is not in the configuration proper yet: nobody takes the port away.
    assert cluster.sync().out == ""
    cluster.write_guest(100, "h1", [
        net0(100), "net1: virtio=%s,bridge=shop" % mac])
    assert cluster.sync().out == ""

    cluster.call(h1, "bridgedown", "tap100i1")
    lab.await_ports(["vm100-net1"], "unbound")
    cluster.write_guest(100, "h1", [net0(100)])
    assert cluster.sync().out == "zone z: vm100-net1: deleted\n"
    assert ports(cluster) == ["vm100-net0", "vm101-net0"]


def test_another_mac_is_plugged_anew(cluster, lab):
    h1 = lab.hosts[0]
    start(cluster, h1, 100)
    new = "bc:24:11:00:01:55"
    cluster.call(h1, "bridgedown", "tap100i0")
    cluster.write_guest(100, "h1", [net0(100)], pending=[
        "net0: virtio=%s,bridge=shop" % new])
    cluster.call(h1, "bridge", "--hotplug", "tap100i0")
    assert port(cluster)["status"]["mac"] == new
    # What is still in the configuration is not what was plugged.
    assert cluster.sync().out == ""
    assert port(cluster)["status"]["mac"] == new


def test_another_bridge(cluster, lab):
    h1, h2 = lab.hosts[:2]
    mover = start(cluster, h1, 100)
    shop = start(cluster, h2, 101)
    cluster.write_guest(200, "h2", ["net0: virtio=%s,bridge=bank"
                                    % MACS[200]])
    bank = guest(cluster, h2, 200)
    cluster.call(h2, "bridge", "tap200i0")
    lab.await_ports(["vm200-net0"])
    bank.learn("vm200-net0")
    assert reaches(shop, mover)
    # The operator chose its address there; it has none of that network any
    # more, and what else he chose stays.
    lab.vmnd.api.patch("ports/vm100-net0", {
        "ips": [mover.ip], "labels": {"role": "web"},
        "description": "Mine."})
    cluster.write_guest(100, "h1", [net0(100)],
                        pending=[net0(100, "bank")])
    assert cluster.call(h1, "replug", "tap100i0", net0(100, "bank")[6:]) == ""
    lab.await_ports(["vm100-net0"])
    spec = port(cluster)["spec"]
    assert (spec["network"], spec["labels"]["role"], spec["description"]) == \
        ("bank", "web", "Mine.")
    lab.revalidated()
    assert not reaches(shop, mover, 0)
    mover.learn("vm100-net0")
    assert reaches(bank, mover)


def test_another_bridge_while_vmnd_is_away(cluster, lab):
    """The device must not stay in the network that it was taken out of."""
    h1, h2 = lab.hosts[:2]
    mover = start(cluster, h1, 100)
    peer = start(cluster, h1, 101)
    assert reaches(peer, mover)
    cluster.write_zone(**{"vmn-server": "https://10.98.0.1:1"})
    cluster.write_guest(100, "h1", [net0(100, "bank")])
    assert "vmnd does not answer" in cluster.call(
        h1, "replug", "tap100i0", net0(100, "bank")[6:])
    lab.await_ports(["vm100-net0"], "unbound")
    lab.revalidated()
    assert not reaches(peer, mover, SETTLE)
    cluster.write_zone()
    assert cluster.sync(host=h2).out == "zone z: vm100-net0: updated\n"
    lab.await_ports(["vm100-net0"])
    assert port(cluster)["spec"]["network"] == "bank"


def test_first_server_of_a_list_is_away(cluster, lab):
    servers = "https://10.98.0.1:1,%s" % cluster.zone["vmn-server"]
    cluster.write_zone(**{"vmn-server": servers})
    start(cluster, lab.hosts[0], 100)
    assert cluster.sync().out == ""
    cluster.write_zone(**{"vmn-server": "https://10.98.0.1:1,"
                          "https://10.98.0.1:2"})
    done = cluster.sync()
    assert not done.ok and re.search(
        r"vmnd does not answer at https://10\.98\.0\.1:1: .*refused.*; "
        r"https://10\.98\.0\.1:2: .*refused", done.err), done.err
    cluster.write_zone()


def test_vlans_are_refused(cluster, lab):
    h1 = lab.hosts[0]
    for more, word in ((",tag=5", "VLAN tag"), (",trunks=5;6", "trunks")):
        cluster.write_guest(100, "h1", [net0(100, more=more)])
        made = guest(cluster, h1, 100)
        done = cluster.perl(h1, CALLS, "bridge", made.link)
        assert not done.ok and word in done.err and "VNet shop" in done.err
        cluster.machines.close()
    assert ports(cluster) == []


# Containers.  ----------------------------------------------------------------

def test_container(cluster, lab):
    h1, h2 = lab.hosts[:2]
    peer = start(cluster, h2, 101)
    line = "name=eth0,bridge=shop,hwaddr=%s,ip=dhcp,type=veth"
    cluster.write_guest(200, "h1", ["hostname: ct1", "net0: " + line
                                    % MACS[200].upper()], kind="lxc")
    first = guest(cluster, h1, 200, kind="veth")
    assert cluster.call(h1, "lxc-up", "veth200i0") == ""
    lab.await_ports(["vm200-net0"])
    assert port(cluster, "vm200-net0")["spec"]["labels"]["proxmox/name"] == \
        "ct1"
    assert reaches(peer, first.learn("vm200-net0"))

    # A second device while it runs.  Proxmox makes the pair, and tells the
    # address; the configuration has it later.
    mac = "bc:24:11:00:02:44"
    assert cluster.call(h1, "lxc-hotplug", "veth200i1", line % mac) == ""
    lab.await_ports(["vm200-net1"])
    assert port(cluster, "vm200-net1")["status"]["mac"] == mac
    netns.ip(h1.ns, "link set veth200i1p netns %s name eth1" % first.ns)
    own, = port(cluster, "vm200-net1")["status"]["ips"]
    netns.run(["ethtool", "-K", "eth1", "tx", "off"], ns=first.ns)
    netns.ip(first.ns, "addr flush dev eth0", "link set eth1 up",
             "addr add %s/24 dev eth1" % own)
    assert wait_for("an answer", lambda: " 0% packet loss" in peer.run(
        "ping", "-c1", "-W1", own, check=False))
    cluster.call(h1, "lxc-delete", "veth200i1")
    lab.await_ports(["vm200-net1"], "unbound")
    assert iface_id(h1, "veth200i1") == ""


# Zones and VNets.  -----------------------------------------------------------

def test_network_configuration(cluster, lab):
    h1 = lab.hosts[0]
    cluster.vnets = {"shop": {"alias": "The shop"}}
    cluster.write_zone()
    assert cluster.perl(h1, CALLS, "generate").out == (
        "iface shop\n\tbridge_ports none\n\tbridge_stp off\n\tbridge_fd 0\n"
        "\tmtu 1400\n\talias The shop\n")
    cluster.write_zone(mtu=None)
    assert "\tmtu 1450\n" in cluster.perl(h1, CALLS, "generate").out
    assert cluster.perl(h1, CALLS, "status", "shop").out == ""
    cluster.vnets = {name: {} for name in
                     ("shop", "bank", "none", "Odd1", "Odd2")}


@pytest.mark.parametrize("changes,word", [
    ({}, None),
    ({"vmn-server": "http://127.0.0.1:8181"}, None),
    ({"vmn-server": "https://[fd00::1]:8443/"}, None),
    ({"vmn-server": "https://a:8443,https://b:8443/"}, None),
    ({"vmn-server": "http://10.0.0.1:80"}, "vmn-server: must be https://"),
    ({"vmn-server": "https://a:8443,b:8443"}, 'between: "b:8443"'),
    ({"vmn-server": ""}, "vmn-server: must be https://"),
    ({"vmn-prefix": "VM"}, "vmn-prefix: must be 1 to 20 of"),
    ({"vmn-labels": "a=1,proxmox/vm=2"}, "vmn-labels: labels"),
    ({"vmn-labels": "a"}, "vmn-labels: must be KEY=VALUE"),
    ({"vmn-labels": "a b=ü"}, "vmn-labels: must be KEY=VALUE"),
    ({"vmn-networks": "shop=Shop"}, "vmn-networks: must be VNET=NETWORK"),
    ({"bridge": "br int"}, "bridge: no name of a bridge"),
])
def test_properties_of_a_zone(cluster, lab, changes, word):
    done = cluster.perl(lab.hosts[0], CALLS, "zone", json.dumps(
        dict(cluster.zone, **changes)))
    assert done.ok == (word is None), done.err
    assert (word or "") in done.err


@pytest.mark.parametrize("vnet,word", [
    ({"vnet": "shop"}, None),
    ({"vnet": "Odd1"}, None),
    ({"vnet": "Odd2"}, "vnet: VNet Odd2: no network of VMN"),
    ({"vnet": "shop", "tag": 5}, "tag: networks of VMN have no VLAN tag"),
    ({"vnet": "shop", "vlanaware": 1}, "vlanaware: "),
    ({"vnet": "shop", "isolate-ports": 1}, "isolate-ports: "),
])
def test_properties_of_a_vnet(cluster, lab, vnet, word):
    done = cluster.perl(lab.hosts[0], CALLS, "vnet",
                        json.dumps(cluster.zone), json.dumps(vnet))
    assert done.ok == (word is None), done.err
    assert (word or "") in done.err


# Its own files.  -------------------------------------------------------------

def test_proxmox_goes_on_without_the_plugin(cluster, lab, tmp_path):
    """A half that is left of an installation must not stop Proxmox."""
    only = tmp_path / "PVE/Network/SDN"
    only.mkdir(parents=True)
    with open(os.path.join(PERL, "PVE/Network/SDN/Zones.pm")) as text:
        (only / "Zones.pm").write_text(text.read())
    (tmp_path / "VMN").mkdir()
    for name in ("Proxmox", "Client"):
        with open(os.path.join(PERL, "VMN/%s.pm" % name)) as text:
            (tmp_path / "VMN" / (name + ".pm")).write_text(text.read())
    done = subprocess.run(["perl", "-I", str(tmp_path), "-I", STAND_INS,
                           CALLS, "types"], text=True, capture_output=True)
    assert done.returncode == 0 and done.stdout == ""
    assert "zones of type vmn are not available" in done.stderr


def test_installs_and_removes(tmp_path):
    script = os.path.join(DEPLOY, "proxmox/install")
    root = tmp_path / "root"

    def files():
        return sorted(str(p.relative_to(root)) for p in root.rglob("*")
                      if p.is_file())
    netns.run([script, "--root=%s" % root])
    assert files() == [
        "etc/perl/PVE/Network/SDN/Zones.pm",
        "etc/systemd/system/vmn-proxmox.service",
        "etc/systemd/system/vmn-proxmox.timer", "usr/sbin/vmn-proxmox",
        "usr/share/perl5/PVE/Network/SDN/Zones/VmnPlugin.pm",
        "usr/share/perl5/VMN/Client.pm", "usr/share/perl5/VMN/Proxmox.pm"]
    assert os.access(root / "usr/sbin/vmn-proxmox", os.X_OK)
    netns.run([script, "--root=%s" % root])
    netns.run([script, "--root=%s" % root, "--remove"])
    assert files() == []


def test_document_has_all_properties():
    with open(DOCUMENT) as text:
        table = set(re.findall(r"(?m)^\| `([a-z-]+)` \|", text.read()))
    with open(os.path.join(PERL, "PVE/Network/SDN/Zones/VmnPlugin.pm")) as \
            text:
        options = re.search(r"(?s)sub options {(.*?)\n}", text.read())[1]
    assert set(re.findall(r"(?m)^ +'?([a-z-]+)'? =>", options)) <= table


def test_says_how_it_is_used():
    for args in ([], ["what"], ["sync", "more"], ["--help"]):
        done = subprocess.run(["perl", "-I", PERL, COMMAND, *args],
                              text=True, capture_output=True)
        assert done.returncode == 2
        assert "usage: vmn-proxmox sync [--dry-run]" in done.stderr


def test_runs_tainted():
    """As pvedaemon does: what reaches a command was looked at."""
    assert "vmn" in subprocess.run(
        ["perl", "-T", "-I", PERL, "-I", STAND_INS, CALLS, "types"],
        text=True, capture_output=True, env={"PATH": "/usr/bin:/usr/sbin"},
        check=True).stdout
