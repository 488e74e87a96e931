# SPDX-License-Identifier: Apache-2.0
"""What is outside: a physical network that hosts' provider bridges lead to,
and machines on it that VMN knows nothing of, each in a VLAN or without a tag.

The network is a switch of Open vSwitch in a namespace of its own, since not
every kernel has VLANs: it takes machines' tags off and puts them on."""

import hashlib
import os

from . import netns
from .host import SCHEMA, Host

MTU = 1500
NAME = "wire"


class Wire(Host):
    """The physical network of 'lab'."""

    def __init__(self, lab):
        self.lab = lab
        self.name = NAME
        self.ns = lab.ns(NAME)
        self.dir = os.path.join(lab.dir, NAME)
        self.db = "unix:%s/db.sock" % self.dir
        self.env = dict(os.environ, OVS_RUNDIR=self.dir, OVS_DBDIR=self.dir,
                        OVS_LOGDIR=self.dir)

    def create(self):
        if netns.exists(self.ns):
            return
        os.makedirs(self.dir)
        netns.add(self.ns)
        netns.run(["ovsdb-tool", "create", self._file("conf.db"), SCHEMA])
        self.start_db()
        self.vsctl("--no-wait", "init", "--",
                   "set", "Open_vSwitch", ".",
                   "other_config:n-handler-threads=1",
                   "other_config:n-revalidator-threads=1", "--",
                   "add-br", NAME, "--",
                   "set", "bridge", NAME, self.datapath_type)
        self.start_switch()
        netns.wait_for("the physical network", lambda: self._shows(
            NAME, "ofproto/list"), 30)

    def remotes(self):
        return []

    def add_link(self, ns, name, far, mac=None, vlan=None):
        """Makes link 'name' in 'ns', whose other end 'far' is here.  Without
        'vlan' it carries all of them, with their tags; with 0 what has
        none."""
        netns.ip(ns, "link add name %s %s mtu %d type veth peer name %s netns "
                 "%s" % (name, "address " + mac if mac else "", MTU, far,
                         self.ns), "link set %s up" % name)
        netns.ip(self.ns, "link set %s up" % far)
        # Checksums are to be in the frames.
        netns.run(["ethtool", "-K", name, "tx", "off"], ns=ns)
        self.vsctl("--may-exist", "add-port", NAME, far,
                   *(["tag=%d" % vlan] if vlan is not None else []))
        # What it has cached goes to the ports that were there before.
        self.appctl("revalidator/purge")

    def remove_link(self, far):
        self.vsctl("--if-exists", "del-port", NAME, far)
        # As in Vm: the name would be taken for some time.
        netns.run(["ip", "-n", self.ns, "link", "del", far], check=False)


def link_name(name):
    """The name of a machine's link's far end, 15 characters at most."""
    if len(name) <= 13:
        return "o-" + name
    return "o-%s-%s" % (name[:6],
                        hashlib.sha256(name.encode()).hexdigest()[:6])


class Outside:
    """A machine.  'state' is a dictionary that the lab keeps: "ips" (address/
    length each), "mac", "vlan" (or None), "gateway" and "gateway6" (may be
    missing)."""

    def __init__(self, lab, name, state):
        self.lab = lab
        self.name = name
        self.state = state
        self.ns = lab.ns(name)
        self.link = link_name(name)

    @property
    def mac(self):
        return self.state["mac"]

    @property
    def ip(self):
        """The first address, without its length."""
        return self.state["ips"][0].split("/")[0]

    @property
    def ip6(self):
        """The first address of IPv6, or None."""
        return next((a.split("/")[0] for a in self.state["ips"] if ":" in a),
                    None)

    def is_as(self, ips, vlan, gateway):
        """Whether it has these."""
        return (self.state["ips"] == ips
                and self.state.get("vlan") == vlan
                and self.state.get("gateway") == gateway)

    def create(self):
        netns.add(self.ns)
        self.lab.wire.add_link(self.ns, "eth0", self.link, self.mac,
                               self.state.get("vlan") or 0)
        netns.ip(self.ns, "link set lo up", *(
            "addr add %s dev eth0%s" % (ip, " nodad" if ":" in ip else "")
            for ip in self.state["ips"]), *(
            "route add default via %s" % self.state[which]
            for which in ("gateway", "gateway6") if self.state.get(which)))

    def run(self, *args, check=True, timeout=60):
        return netns.run(list(args), ns=self.ns, check=check, timeout=timeout)

    def delete(self):
        self.lab.wire.remove_link(self.link)
        netns.delete(self.ns)
