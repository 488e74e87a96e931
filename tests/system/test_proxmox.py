# SPDX-License-Identifier: Apache-2.0
"""Proxmox VE: the zone plugin of deploy/proxmox, called as Proxmox's scripts
call it, in their order and with their arguments, on hosts with real Open
vSwitch.  proxmox/proxmox-calls says which calls these are; its stand-ins for
Proxmox's modules have what the plugin uses."""

import contextlib
import fcntl
import json
import os
import re
import struct
import subprocess
import time

import pytest
import yaml
from conftest import HERE, SETTLE, close_lab, make_lab

from vmnlab import frames, netns
from vmnlab.netns import wait_for
from vmnlab.stream import WAY_S, Streams
from vmnlab.vm import Vm

DEPLOY = os.path.join(HERE, "../../deploy")
DOCUMENT = os.path.join(HERE, "../../docs/proxmox.md")
PERL = os.path.join(DEPLOY, "proxmox/perl")
STAND_INS = os.path.join(HERE, "proxmox")
CALLS = os.path.join(STAND_INS, "proxmox-calls")
COMMAND = os.path.join(DEPLOY, "proxmox/vmn-proxmox")
API = 8443
SCOPE = {"site": "pve"}
MACS = {100: "bc:24:11:00:01:00", 101: "bc:24:11:00:01:01",
        200: "bc:24:11:00:02:00"}

TUNSETIFF = 0x400454ca
IFF_TAP, IFF_NO_PI = 2, 0x1000


class Called:
    """What a call wrote, and whether it succeeded."""

    def __init__(self, done):
        self.ok = done.returncode == 0
        self.out = done.stdout
        self.err = done.stderr


class Cluster:
    """A Proxmox VE cluster whose nodes are the lab's hosts: its files are in
    'etc'."""

    def __init__(self, lab, folder):
        self.lab = lab
        self.etc = folder / "etc"
        self.run = folder / "run"
        self.zone = {"type": "vmn", "mtu": 1400, "vmn-labels": "site=pve",
                     "vmn-networks": "Odd1=shop-odd",
                     "vmn-server": "https://%s:%d" % (lab.control_ip, API)}
        self.vnets = {"shop": {}, "bank": {}, "none": {}, "Odd1": {},
                      "Odd2": {}}
        self.guests = {}
        (self.etc / "sdn").mkdir(parents=True)
        (self.etc / "priv/vmn").mkdir(parents=True)
        self.write_zone()
        self.write_members(1)
        for host in lab.hosts:
            for vnet in ("shop", "bank", "none", "Odd1", "Odd2"):
                netns.ip(host.ns, "link add %s mtu 1400 type bridge" % vnet)

    # Its files.  ----------------------------------------------------------

    def write(self, name, text):
        """As in the cluster's file system: whole, at once."""
        path = self.etc / name
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(path.name + ".new")
        new.write_text(text)
        new.rename(path)

    def write_zone(self, **changes):
        zone = {k: v for k, v in dict(self.zone, **changes).items()
                if v is not None}
        self.write("sdn/.running-config", json.dumps({
            "version": 1, "zones": {"ids": {"z": zone,
                                            "other": {"type": "simple"}}},
            "vnets": {"ids": {n: dict(spec, zone="z", type="vnet")
                              for n, spec in self.vnets.items()}},
            "subnets": {"ids": {}}}))

    def write_members(self, quorate):
        self.write(".members", json.dumps({
            "nodename": "h1", "cluster": {"name": "c", "quorate": quorate}}))

    def write_guest(self, vmid, node, lines, pending=(), kind="qemu",
                    snapshots="[before]\nnet0: virtio=%s,bridge=bank\n"
                    % MACS[100]):
        """A guest's configuration, and the list that has it."""
        folder = "qemu-server" if kind == "qemu" else "lxc"
        section = "[PENDING]" if kind == "qemu" else "[pve:pending]"
        self.write("nodes/%s/%s/%d.conf" % (node, folder, vmid), "".join(
            line + "\n" for line in ["#a comment: none", *lines])
            + (section + "\n" + "\n".join(pending) + "\n" if pending else "")
            + snapshots)
        old = self.guests.get(vmid)
        self.guests[vmid] = {"node": node, "type": kind}
        if old and old["node"] != node:
            self._conf(vmid, old).unlink()
        self.write_list()

    def _conf(self, vmid, guest):
        return self.etc / "nodes" / guest["node"] / (
            "qemu-server" if guest["type"] == "qemu" else "lxc") / (
                "%d.conf" % vmid)

    def move_guest(self, vmid, node):
        old = dict(self.guests[vmid])
        self.guests[vmid]["node"] = node
        new = self._conf(vmid, self.guests[vmid])
        new.parent.mkdir(parents=True, exist_ok=True)
        self._conf(vmid, old).rename(new)
        self.write_list()

    def delete_guest(self, vmid):
        self._conf(vmid, self.guests.pop(vmid)).unlink()
        self.write_list()

    def write_list(self):
        self.write(".vmlist", json.dumps({
            "version": 1, "ids": {str(i): g for i, g in self.guests.items()}}))

    # What runs on its nodes.  ---------------------------------------------

    def perl(self, host, *args, **env):
        # As root's processes there have it: a /sys that shows its links.
        return Called(subprocess.run(
            ["ip", "netns", "exec", host.ns, "perl", "-I", PERL, "-I",
             STAND_INS, *args], text=True, capture_output=True, timeout=90,
            env=dict(host.env, PROXMOX_ETC=str(self.etc),
                     PROXMOX_RUN=str(self.run), **env)))

    def call(self, host, *args, **env):
        """A call that succeeds; returns what it warns of."""
        done = self.perl(host, CALLS, *args, **env)
        assert done.ok, done.err
        return done.err

    def sync(self, *args, host=None):
        return self.perl(
            host or self.lab.hosts[0], "-MVMN::Proxmox", "-e",
            "$VMN::Proxmox::ETC = $ENV{PROXMOX_ETC}; $0 = shift @ARGV;"
            " do $0 or die $@ || $!", COMMAND, "sync", *args)


def issue(folder):
    """vmnd's certificate, as vmn-pki makes it."""
    for args in (["init", "controller"], ["vmnd", "vmnd", "10.98.0.1"],
                 ["init", "host"]):
        subprocess.run([os.path.join(DEPLOY, "pki"), *args], check=True,
                       env=dict(os.environ, VMN_PKI=str(folder)),
                       stdout=subprocess.DEVNULL)


@pytest.fixture(name="lab", scope="module")
def _lab(tmp_path_factory):
    """A vmnd that serves its API to accounts, by TLS alone."""
    pki = tmp_path_factory.mktemp("pki")
    issue(pki)
    lab = make_lab("pve", 3, options=[
        "--api-listen=ssl:10.98.0.1:%d" % API,
        "--private-key=%s" % (pki / "vmnd.key"),
        "--certificate=%s" % (pki / "vmnd.pem"),
        "--ca-cert=%s" % (pki / "controller-ca.pem")])
    lab.pki = pki
    yield lab
    close_lab(lab)


@pytest.fixture(name="token", scope="module")
def _token(lab):
    """Of the account that docs/proxmox.md makes, with its network."""
    api = lab.vmnd.api
    with open(DOCUMENT) as text:
        shown = re.search(r"(?s)<<END\n(.*?)\nEND\n", text.read())[1]
    api.apply(list(yaml.safe_load_all(shown)))
    for name, cidr in (("bank", "10.1.0.0/24"), ("shop-odd", "10.2.0.0/24")):
        api.put("networks/" + name, {"labels": SCOPE,
                                     "subnets": [{"cidr": cidr}]})
    return api.put("tokens/pve", {"account": "proxmox"})["secret"]


@pytest.fixture(name="cluster")
def _cluster(lab, token, tmp_path):
    cluster = Cluster(lab, tmp_path)
    cluster.write("priv/vmn/z.token", token + "\n")
    cluster.write("priv/vmn/z.ca.pem",
                  (lab.pki / "controller-ca.pem").read_text())
    with contextlib.ExitStack() as machines:
        cluster.machines = machines
        yield cluster
    for host in lab.hosts:
        for vnet in cluster.vnets:
            netns.ip(host.ns, "link del " + vnet)
        for link in re.findall(r"(?m)^(?:tap|veth|fw)\S+",
                               host.vsctl("list-ports", "br-int")):
            host.vsctl("del-port", link)
    for port in lab.vmnd.api.get("ports?limit=1000")["items"]:
        lab.vmnd.api.delete("ports/" + port["name"], cascade="true")


# Guests.  --------------------------------------------------------------------

class Guest(Vm):
    """A guest whose eth0 leads to the interface that Proxmox plugs."""

    def __init__(self, lab, link, mac):
        super().__init__(lab, "g" + link, {"mac": mac, "ips": []})
        self.link = link

    @property
    def ip6(self):
        return None

    def learn(self, port):
        """Takes the address that its port was given, as by DHCP."""
        self.state["ips"] = [
            ip + "/24" for ip in self.lab.vmnd.api.get("ports/" + port)
            ["status"]["ips"]]
        netns.ip(self.ns, "addr flush dev eth0", "addr add %s dev eth0"
                 % self.state["ips"][0])
        return self

    def twin(self, host):
        """Its interface on a node that it is about to move to."""
        netns.ip(self.ns, "link add name eth1 address %s mtu 1400 type veth "
                 "peer name %s netns %s" % (self.mac, self.link, host.ns),
                 "link set eth1 up")
        netns.run(["ethtool", "-K", "eth1", "tx", "off"], ns=self.ns)
        host.prepare(self.link)


def guest(cluster, host, vmid, index=0, kind="tap", mac=None):
    made = Guest(cluster.lab, "%s%di%d" % (kind, vmid, index),
                 mac or MACS[vmid])
    cluster.machines.callback(made.delete)
    made.create(host)
    return made


def net0(vmid, bridge="shop", more=""):
    return "net0: virtio=%s,bridge=%s%s" % (MACS[vmid].upper(), bridge, more)


def start(cluster, host, vmid, *lines, index=0):
    """A VM as it starts on 'host', with one device that matters."""
    cluster.write_guest(vmid, host.name, lines or [net0(vmid)])
    made = guest(cluster, host, vmid, index)
    assert cluster.call(host, "bridge", made.link) == ""
    cluster.lab.await_ports(["vm%d-net%d" % (vmid, index)])
    return made.learn("vm%d-net%d" % (vmid, index))


def port(cluster, name="vm100-net0"):
    return cluster.lab.vmnd.api.get("ports/" + name)


def ports(cluster):
    return sorted(p["name"] for p in cluster.lab.vmnd.api.get(
        "ports?limit=1000")["items"])


def iface_id(host, link):
    return host.vsctl("--if-exists", "get", "interface", link,
                      "external_ids:iface-id").strip().strip('"')


def reaches(a, b, seconds=10):
    with contextlib.suppress(netns.Error):
        return wait_for("an answer", lambda: " 0% packet loss" in a.run(
            "ping", "-c1", "-W1", b.ip, check=False), seconds)
    return False


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
    assert not reaches(peer, mover, SETTLE)
    cluster.write_zone()
    assert cluster.sync(host=h2).out == "zone z: vm100-net0: updated\n"
    lab.await_ports(["vm100-net0"])
    assert port(cluster)["spec"]["network"] == "bank"


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


# Migration.  -----------------------------------------------------------------

def migrate(cluster, mover, streams, old, new):
    """A live migration: the calls on both nodes.  Returns when the VM stood
    still: the time at which its old node was left, and that at which VMN had
    it on the new one."""
    link, mac = mover.link, mover.mac
    # The VM is started at the new node, and waits.
    assert cluster.call(new, "bridge", link, PVE_MIGRATED_FROM=old.name) == ""
    wait_for("the candidate", lambda: port(cluster)["status"].get(
        "candidate") == new.name)
    assert port(cluster)["status"]["host"] == old.name
    # The memory is copied, and meanwhile its packets come and go.
    streams.run(1)
    # Here it is stopped, and its configuration moved.
    paused = streams.now()
    cluster.move_guest(100, new.name)
    cluster.call(old, "leave", link, mac, "shop")
    left = streams.now()
    cluster.call(new, "arrive", link, mac, "shop")
    streams.switch("from it", 1)
    wait_for("the new node", lambda: port(cluster)["status"].get(
        "host") == new.name and port(cluster)["status"]["state"] == "up")
    goes_on = streams.now()
    print("    paused for %.0f ms, %.0f ms since it was left"
          % (1000 * (goes_on - paused), 1000 * (goes_on - left)))
    # Its old process is ended once the new one goes on.
    streams.run(0.5)
    cluster.call(old, "bridgedown", link)
    return paused, goes_on


def test_live_migration(cluster, lab):
    h1, h2, h3 = lab.hosts
    mover = start(cluster, h1, 100)
    peer = start(cluster, h3, 101)
    assert reaches(peer, mover)
    mover.twin(h2)
    streams = Streams()
    streams.add("to it", peer, mover,
                links=(("eth0", "eth0"), ("eth0", "eth1")))
    streams.add("from it", mover, peer, port=9010,
                links=(("eth0", "eth0"), ("eth1", "eth0")))
    with streams:
        streams.run(0.5)
        paused, goes_on = migrate(cluster, mover, streams, h1, h2)
        streams.run(1)
        found = streams.stop()
    for result in found.values():
        print("   ", result)
        lost = [result.sent[n] for n in result.lost]
        # Nothing is lost but while it stands still.
        assert all(paused - WAY_S < at < goes_on + WAY_S for at in lost), lost
    # Where it is, there it is served: before at the old node alone, then at
    # the new one.
    assert set(found["to it"].sinks(end=paused - WAY_S)) == {0}
    assert set(found["to it"].sinks(start=goes_on + WAY_S)) == {1}
    assert len(found["to it"].arrived()) > 1000
    status = port(cluster)["status"]
    assert (status["host"], status.get("candidate")) == ("h2", None)
    assert iface_id(h1, "tap100i0") == ""
    assert cluster.sync(host=h2).out == ""


def test_migration_that_fails(cluster, lab):
    """The VM at the new node ends before it goes on: nothing has moved."""
    h1, h2, h3 = lab.hosts
    mover = start(cluster, h1, 100)
    peer = start(cluster, h3, 101)
    mover.twin(h2)
    cluster.call(h2, "bridge", "tap100i0", PVE_MIGRATED_FROM="h1")
    wait_for("the candidate", lambda: port(cluster)["status"].get(
        "candidate") == "h2")
    cluster.call(h2, "bridgedown", "tap100i0")
    wait_for("no candidate", lambda: "candidate" not in
             port(cluster)["status"])
    assert port(cluster)["status"]["host"] == "h1"
    assert reaches(peer, mover)


def test_migration_by_an_older_proxmox(cluster, lab):
    """Without the call of the node that is left, the end of the old process
    moves the port."""
    h1, h2, h3 = lab.hosts
    mover = start(cluster, h1, 100)
    peer = start(cluster, h3, 101)
    mover.twin(h2)
    cluster.call(h2, "bridge", "tap100i0", PVE_MIGRATED_FROM="h1")
    cluster.move_guest(100, "h2")
    cluster.call(h1, "bridgedown", "tap100i0")
    wait_for("the new node", lambda: port(cluster)["status"].get(
        "host") == "h2" and port(cluster)["status"]["state"] == "up")
    netns.ip(mover.ns, "addr flush dev eth0",
             "addr add %s/24 dev eth1" % mover.ip)
    assert reaches(peer, mover)


def test_node_that_was_switched_off(cluster, lab):
    """Its Open vSwitch still lists the interface, of which there is nothing:
    the VM is where it is started next, also once the node is back."""
    h1, h2, h3 = lab.hosts
    mover = start(cluster, h1, 100)
    peer = start(cluster, h3, 101)
    h1.stop_switch(0)
    netns.ip(h1.ns, "link del tap100i0")
    h1.start_switch()
    h1.await_ready()
    assert iface_id(h1, "tap100i0") == "vm100-net0.shop"
    lab.await_ports(["vm100-net0"], "unbound")
    cluster.move_guest(100, "h2")
    mover._link(h2)
    cluster.call(h2, "bridge", "tap100i0")
    lab.await_ports(["vm100-net0"])
    status = port(cluster)["status"]
    assert (status["host"], status.get("candidate")) == ("h2", None)
    assert reaches(peer, mover)


# What goes wrong.  -----------------------------------------------------------

def test_vm_starts_while_vmnd_is_away(cluster, lab):
    """Nothing waits for it but once; the port follows."""
    h1, h2 = lab.hosts[:2]
    lines = [net0(100), "net1: virtio=bc:24:11:00:01:33,bridge=shop"]
    cluster.write_guest(100, "h1", lines)
    first = guest(cluster, h1, 100)
    guest(cluster, h1, 100, 1, mac="bc:24:11:00:01:33")
    peer = start(cluster, h2, 101)
    assert lab.vmnd.stop() == 0
    try:
        said = cluster.call(h1, "bridge", "tap100i0")
        assert "VMN: port vm100-net0: vmnd does not answer at " \
            "https://10.98.0.1:8443: " in said
        assert "vmn-proxmox.timer tries again" in said
        assert "a moment ago" in cluster.call(h1, "bridge", "tap100i1")
        done = cluster.sync()
        assert not done.ok and "vmnd does not answer" in done.err
    finally:
        lab.vmnd.start()
    lab.await_synced()
    assert ports(cluster) == ["vm101-net0"]
    assert iface_id(h1, "tap100i0") == "vm100-net0.shop"
    assert cluster.sync("--dry-run").out.count("created") == 2
    assert ports(cluster) == ["vm101-net0"]
    done = cluster.sync()
    assert done.ok and done.out == \
        "zone z: vm100-net0: created\nzone z: vm100-net1: created\n"
    lab.await_ports(["vm100-net0", "vm100-net1"])
    assert reaches(peer, first.learn("vm100-net0"))
    assert cluster.sync().out == ""


@pytest.mark.parametrize("name,text,word", [
    ("z.token", "pve.wrong-wrong-wrong", "vmnd does not take the token"),
    ("z.token", "two words", "is to have a token alone"),
    ("z.token", None, "z.token: is not there"),
    ("z.ca.pem", None, "z.ca.pem: is not there"),
    ("z.ca.pem", "host-ca.pem", "certificate verify failed"),
])
def test_without_the_right_to_make_ports(cluster, lab, name, text, word):
    """The VM starts, is told why, and has its port once that is put right."""
    h1 = lab.hosts[0]
    path = cluster.etc / "priv/vmn" / name
    right = path.read_text()
    path.unlink()
    if text:
        path.write_text((lab.pki / text).read_text() if ".pem" in text
                        else text)
    cluster.write_guest(100, "h1", [net0(100)])
    made = guest(cluster, h1, 100)
    said = cluster.call(h1, "bridge", made.link)
    assert said.startswith("VMN: port vm100-net0: ") and word in said
    done = cluster.sync()
    assert not done.ok and word in done.out + done.err
    assert ports(cluster) == []
    path.write_text(right)
    assert cluster.sync().ok
    lab.await_ports(["vm100-net0"])


def test_unknown_network(cluster, lab):
    h1 = lab.hosts[0]
    cluster.write_guest(100, "h1", [net0(100, "none")])
    made = guest(cluster, h1, 100)
    said = cluster.call(h1, "bridge", made.link)
    assert 'port vm100-net0: network: ' in said and '"none"' in said
    done = cluster.sync()
    assert not done.ok and '"none"' in done.out
    lab.vmnd.api.put("networks/none", {
        "labels": SCOPE, "subnets": [{"cidr": "10.3.0.0/24"}]})
    assert cluster.sync().out == "zone z: vm100-net0: created\n"
    lab.await_ports(["vm100-net0"])
    lab.vmnd.api.delete("networks/none", cascade="true")


def test_names_with_odd_characters(cluster, lab):
    """A VNet that no network can be named like has one named for it, or the
    guest is told so; names and tags that no label can have are left out."""
    h1 = lab.hosts[0]
    cluster.write_guest(100, "h1", [
        "name: web.example.org", "tags: a+b,_x;ok.1 -",
        net0(100, "Odd1")], snapshots="")
    made = guest(cluster, h1, 100)
    assert cluster.call(h1, "bridge", made.link) == ""
    spec = port(cluster)["spec"]
    assert spec["network"] == "shop-odd"
    assert {k for k in spec["labels"] if "tag" in k} == {
        "proxmox/tag-_x", "proxmox/tag-ok.1"}
    cluster.call(h1, "bridgedown", "tap100i0")

    cluster.write_guest(101, "h1", [net0(101, "Odd2")])
    made = guest(cluster, h1, 101)
    assert "VNet Odd2: no network of VMN has such a name" in cluster.call(
        h1, "bridge", made.link)
    assert iface_id(h1, "tap101i0") == "vm101-net0.Odd2"


def test_labels_follow_the_guest(cluster, lab):
    h1 = lab.hosts[0]
    start(cluster, h1, 100, "name: a", "tags: web", net0(100))
    cluster.write_guest(100, "h1", ["name: b", "tags: db", net0(100)])
    assert cluster.sync().out == "zone z: vm100-net0: updated\n"
    assert port(cluster)["spec"]["labels"] == {
        "site": "pve", "proxmox/zone": "z", "proxmox/vm": "100",
        "proxmox/name": "b", "proxmox/tag-db": ""}


def test_guests_that_are_deleted(cluster, lab):
    h1 = lab.hosts[0]
    start(cluster, h1, 100)
    start(cluster, h1, 101)
    # Others' ports are left alone, whatever their names are.
    lab.vmnd.api.put("ports/vm9-net0", {"network": "shop"})
    cluster.delete_guest(101)
    assert cluster.sync().out == \
        "zone z: vm101-net0: has no device, but h1 has its interface: left\n"
    cluster.call(h1, "bridgedown", "tap101i0")
    lab.await_ports(["vm101-net0"], "unbound")
    # Ports that somebody refers to go, too.
    lab.vmnd.api.put("groups/some", {"labels": SCOPE,
                                     "ports": ["vm100-net0", "vm101-net0"]})
    # A node that is alone does not know who is there.
    cluster.write_members(0)
    done = cluster.sync()
    assert not done.ok and "no quorum" in done.err
    cluster.write_members(1)
    assert cluster.sync().out == "zone z: vm101-net0: deleted\n"
    assert ports(cluster) == ["vm100-net0", "vm9-net0"]
    lab.vmnd.api.delete("groups/some")


def test_guest_on_its_way_keeps_its_port(cluster, lab):
    """Its file is at neither node for the moment of a move."""
    h1 = lab.hosts[0]
    start(cluster, h1, 100)
    cluster.call(h1, "bridgedown", "tap100i0")
    lab.await_ports(["vm100-net0"], "unbound")
    cluster.guests[100]["node"] = "h2"
    cluster.write_list()
    done = cluster.sync()
    assert done.ok and done.out == ""
    assert ports(cluster) == ["vm100-net0"]


def test_a_name_that_is_somebody_elses(cluster, lab):
    """A port that the account does not see is not taken over."""
    h1 = lab.hosts[0]
    lab.vmnd.api.put("ports/vm100-net0", {"network": "shop"})
    cluster.write_guest(100, "h1", [net0(100)])
    made = guest(cluster, h1, 100)
    assert "HTTP 403" in cluster.call(h1, "bridge", made.link)
    assert port(cluster)["spec"]["iface_id"] == "vm100-net0"


def test_node_that_is_no_host_of_vmn(cluster, lab):
    h1 = lab.hosts[0]
    cluster.write_zone(bridge="br-none")
    cluster.write_guest(100, "h1", [net0(100)])
    made = guest(cluster, h1, 100)
    done = cluster.perl(h1, CALLS, "bridge", made.link)
    assert not done.ok
    assert "tap100i0 cannot be plugged into br-none, which vmnd makes on " \
        "its hosts: ovs-vsctl: no bridge named br-none" in done.err
    assert cluster.perl(h1, CALLS, "status", "shop").out == \
        "bridge br-none is missing: vmnd makes it on its hosts\n"


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
    ({"vmn-server": "http://10.0.0.1:80"}, "vmn-server: must be https://"),
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
