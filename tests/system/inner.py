# SPDX-License-Identifier: Apache-2.0
"""Guests inside of a VM: namespaces that have no link to a hypervisor, but one
to a VM's."""

import ipaddress
import os
import sys

from vmnlab import netns

MTU = 1450
TAGGER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tagger.py")


class Inner:
    """A namespace inside of 'vm'.  It answers as a VM does where packets and
    servers are concerned: has a name, a namespace and addresses."""

    def __init__(self, vm, name, *ips, mac=None):
        self.vm = vm
        self.name = name
        self.ips = [ipaddress.ip_interface(ip) for ip in ips]
        self.ns = vm.lab.ns(name)
        self.mac = mac
        self.tagger = None
        netns.add(self.ns)
        with netns.inside(self.ns):
            for which in ("all", "default"):
                _write("/proc/sys/net/ipv6/conf/%s/disable_ipv6" % which, "1")

    @property
    def ip(self):
        return str(self.ips[0].ip)

    @property
    def ip6(self):
        return next((str(i.ip) for i in self.ips if i.version == 6), None)

    def linked(self):
        """Its eth0 has another end in the VM, which is returned."""
        inside = "i-" + self.name[-12:]
        netns.ip(self.vm.ns,
                 "link add name %s mtu %d type veth peer name eth0 "
                 "netns %s" % (inside, MTU, self.ns),
                 "link set %s up" % inside)
        netns.run(["ethtool", "-K", "eth0", "tx", "off"], ns=self.ns)
        if self.ip6:
            with netns.inside(self.ns):
                _write("/proc/sys/net/ipv6/conf/eth0/disable_ipv6", "0")
        if self.mac:
            netns.ip(self.ns, "link set eth0 address " + self.mac)
        netns.ip(self.ns, "link set eth0 up", *[
            "addr add %s dev eth0%s" % (ip, " nodad" if ip.version == 6
                                        else "") for ip in self.ips])
        return inside

    def tagged(self, vlan):
        """What it sends leaves the VM with a VLAN tag."""
        self.tagger = netns.spawn([sys.executable, TAGGER, "eth0",
                                   "%s=%d" % (self.linked(), vlan)],
                                  self.vm.ns)
        return self

    def bridged(self):
        """Its eth0 is on a bridge in the VM, which eth0 of the VM is on, too.
        That has no address of its own any more."""
        if "br0" not in self.vm.run("ip", "-br", "link"):
            netns.ip(self.vm.ns, "addr flush dev eth0",
                     "link add name br0 type bridge forward_delay 0",
                     "link set br0 address " + self.vm.mac)
            if self.vm.ip6:
                with netns.inside(self.vm.ns):
                    _write("/proc/sys/net/ipv6/conf/br0/disable_ipv6", "0")
            netns.ip(self.vm.ns, "link set eth0 master br0", "link set br0 up",
                     *["addr add %s dev br0%s" % (ip, " nodad" if ":" in ip
                                                  else "")
                       for ip in self.vm.state["ips"]])
        netns.ip(self.vm.ns, "link set %s master br0" % self.linked())
        return self

    def run(self, *args, check=True, timeout=60):
        return netns.run(list(args), ns=self.ns, check=check, timeout=timeout)

    def close(self):
        if self.tagger:
            self.tagger.kill()
            self.tagger.wait()
        # Servers' sockets keep a namespace alive.
        self.run("ip", "link", "del", "eth0", check=False)
        netns.delete(self.ns)


def _write(path, text):
    with open(path, "w") as out:
        out.write(text)
