# SPDX-License-Identifier: Apache-2.0
"""A Proxmox VE cluster whose nodes are a lab's hosts, with the zone plugin of
deploy/proxmox: its files, the calls of Proxmox's scripts, and its guests.
proxmox/proxmox-calls says which calls these are; its stand-ins for Proxmox's
modules have what the plugin uses."""

import contextlib
import json
import os
import re
import subprocess

import pytest
import yaml
from conftest import HERE, close_lab, make_lab

from vmnlab import netns
from vmnlab.netns import wait_for
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
def lab_fixture(request, tmp_path_factory):
    """A vmnd that serves its API to accounts, by TLS alone; the test file's
    LAB is its lab's name."""
    pki = tmp_path_factory.mktemp("pki")
    issue(pki)
    lab = make_lab(request.module.LAB, 3, options=[
        "--api-listen=ssl:10.98.0.1:%d" % API,
        "--private-key=%s" % (pki / "vmnd.key"),
        "--certificate=%s" % (pki / "vmnd.pem"),
        "--ca-cert=%s" % (pki / "controller-ca.pem")])
    lab.pki = pki
    yield lab
    close_lab(lab)


@pytest.fixture(name="token", scope="module")
def token_fixture(lab):
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
def cluster_fixture(lab, token, tmp_path):
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
