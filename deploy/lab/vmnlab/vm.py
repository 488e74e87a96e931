# SPDX-License-Identifier: Apache-2.0
"""A VM of the lab: a namespace whose eth0 is one end of a veth pair.  The
other end is on its hypervisor's integration bridge, with the iface-id that
names its port in VMN, as libvirt would do it."""

import hashlib
import ipaddress

from . import netns
from .netns import Error, wait_for

BRIDGE = "br-int"
MTU = 1450                      # Room for VXLAN in the underlay's 1500.


def link_name(vm):
    """The name of VM 'vm''s interface on its host, 15 characters at most."""
    if len(vm) <= 13:
        return "v-" + vm
    return "v-%s-%s" % (vm[:6], hashlib.sha256(vm.encode()).hexdigest()[:6])


class Vm:
    """'state' is a dictionary that the lab keeps: "host", "iface_id", "mac",
    "ips" (address/length each), "gateway" and "gateway6" (may be missing), and
    "port", its name in VMN, if it was made for one."""

    def __init__(self, lab, name, state):
        self.lab = lab
        self.name = name
        self.state = state
        self.ns = lab.ns(name)
        self.link = link_name(name)

    def kind(self):
        """What it is, in a word or two."""
        return "namespace"

    @property
    def host(self):
        return self.state.get("host")

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

    def create(self, host):
        """Makes the namespace and its link to 'host', not yet plugged."""
        netns.add(self.ns)
        with netns.inside(self.ns):
            # Packets that a test did not send only get in its way.
            for which in ("all", "default"):
                _write("/proc/sys/net/ipv6/conf/%s/disable_ipv6" % which, "1")
            _write("/proc/sys/net/ipv6/conf/default/router_solicitations",
                   "0")
        self._link(host)

    def _link(self, host):
        """Makes eth0 with its addresses."""
        netns.ip(self.ns,
                 "link add name eth0 address %s mtu %d type veth peer "
                 "name %s netns %s" % (self.mac, MTU, self.link, host.ns))
        host.prepare(self.link)
        if self.ip6:
            with netns.inside(self.ns):
                _write("/proc/sys/net/ipv6/conf/eth0/disable_ipv6", "0")
        commands = []
        for address in self.state["ips"]:
            ipaddress.ip_interface(address)
            commands.append("addr add %s dev eth0" % address)
        commands.append("link set eth0 up")
        for which in ("gateway", "gateway6"):
            if self.state.get(which):
                commands.append("route add default via %s"
                                % self.state[which])
        netns.ip(self.ns, *commands)
        # The datapath reads packets as the kernel left them, and it would
        # leave their checksums to a network card.
        netns.run(["ethtool", "-K", "eth0", "tx", "off"], ns=self.ns)

    def await_addresses(self):
        """Waits for its addresses of IPv6 to be known as nobody else's: until
        then its kernel sends from the link-local one."""
        wait_for("%s to have its addresses" % self.name,
                 lambda: "tentative" not in self.run(
                     "ip", "-6", "-o", "addr", "show", "dev", "eth0"), 20)

    def plug(self, host):
        host.plug(self.link, BRIDGE, self.state["iface_id"])
        self.state["host"] = host.name

    def unplug(self):
        """Takes it off its bridge, as when a hypervisor ends a VM.  Its
        namespace and processes stay."""
        if self.host:
            host = self.lab.host(self.host)
            if host.running():
                host.unplug(self.link)
            self.state["host"] = None

    def move(self, host):
        """Moves it to 'host': its processes and open connections live on, the
        link appears on the other bridge."""
        if self.host == host.name:
            raise Error("%s is on %s already" % (self.name, host.name))
        if not host.running():
            raise Error("%s is stopped: %s stays where it is" % (host.name,
                                                                 self.name))
        old = self._link_host()
        self.unplug()
        if old is not host:
            netns.ip(old.ns, "link set %s netns %s" % (self.link, host.ns))
            netns.ip(host.ns, "link set %s mtu %d" % (self.link, MTU))
            host.prepare(self.link)
        self.plug(host)

    def _link_host(self):
        for host in self.lab.hosts:
            if host.has_link(self.link):
                return host
        raise Error("%s has no link to any host" % self.name)

    def run(self, *args, check=True, timeout=60):
        return netns.run(list(args), ns=self.ns, check=check, timeout=timeout)

    def delete(self):
        self.unplug()
        # The kernel removes what is in a namespace some time after it: the
        # link's name would be taken until then.
        for host in self.lab.hosts:
            if host.has_link(self.link):
                netns.ip(host.ns, "link del " + self.link)
        netns.delete(self.ns)


def _write(path, text):
    with open(path, "w") as out:
        out.write(text)
