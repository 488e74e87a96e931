# SPDX-License-Identifier: Apache-2.0
"""A VM that migrates, as its network sees it: its interface is on two hosts
for a while, and streams of packets tell where it is served."""

from conftest import rule, wait_aged

from vmnlab import netns
from vmnlab.stream import Streams


class Twin:
    """A second link of a VM, on another host, as the target of a migration
    has it: with the same MAC and the same iface-id.  The VM runs on both, and
    the tests say where it sends."""

    def __init__(self, world, vm):
        self.vm = vm
        self.world = world
        self.host = None

    def make(self, host):
        netns.ip(self.vm.ns, "link add name eth1 address %s mtu 1450 type "
                 "veth peer name w-%s netns %s" % (self.vm.mac, self.vm.name,
                                                   host.ns),
                 "link set eth1 up")
        netns.run(["ethtool", "-K", "eth1", "tx", "off"], ns=self.vm.ns)
        host.prepare("w-" + self.vm.name)
        self.host = host

    def plug(self, iface_id=None):
        self.host.plug("w-" + self.vm.name, "br-int",
                       iface_id or self.vm.state["iface_id"])

    def name(self):
        """Tells whose it is, without waiting for the switch."""
        self.host.vsctl("--no-wait", "set", "interface",
                        "w-" + self.vm.name, "external_ids:iface-id="
                        + self.vm.state["iface_id"])

    def unplug(self):
        self.host.unplug("w-" + self.vm.name)

    def remove(self):
        """At once: it would go with the VM's namespace, but some time after
        that, when there may be another one of its name."""
        netns.ip(self.vm.ns, "link delete eth1")


def make_moving(world):
    """A VM on h1 whose twin is to be on h2, where nobody else is; a peer
    beside it and one on h3, which it is allowed to hear.  Yields the twin."""
    lab = world.lab
    world.network("net", "10.0.0.0/24", "fd00::/64")
    for i, (name, host, role) in enumerate((
            ("mover", "h1", "m"), ("near", "h1", "peer"),
            ("far", "h3", "peer"), ("bad", "h3", "bad")), 1):
        world.vm(name, "net", host, ["10.0.0.%d" % i, "fd00::%d" % i],
                 labels={"role": role})
    vm = lab.vm("mover")
    world.group("m", "role=m")
    world.group("peer", "role=peer")
    world.policy("p", "m", rule("ingress", "allow", ["peer"]),
                 rule("egress", "allow", ["peer"]))
    twin = Twin(world, vm)
    twin.make(lab.host("h2"))
    for made in lab.vms.values():
        made.await_addresses()
    wait_aged(lab)
    yield twin
    twin.unplug()
    twin.remove()


# What is allowed of both_ways().
WAYS = [way % peer for peer in ("near", "far") for way in ("%s to it",
                                                           "it to %s")]


def both_ways(world, version=4):
    vm = world.lab.vm
    streams = Streams()
    for peer in ("near", "far"):
        streams.add(peer + " to it", vm(peer), vm("mover"), version=version,
                    links=(("eth0", "eth0"), ("eth0", "eth1")))
        streams.add("it to " + peer, vm("mover"), vm(peer), port=9010,
                    version=version,
                    links=(("eth0", "eth0"), ("eth1", "eth0")))
    return streams.add("bad", vm("bad"), vm("mover"), version=version,
                       links=(("eth0", "eth0"), ("eth0", "eth1")))


# What may be lost around the end of a port of another VM: Open vSwitch's
# userspace datapath has no way for tunnels for some milliseconds, once in 30
# times, if any port of the bridge comes or goes.  That is one run of packets.
GONE_S = 0.3
GONE_N = 20


def beyond_end(way, result, numbers, gone):
    """Those of the packets 'numbers', which did not arrive, that this does
    not explain; in order."""
    numbers = sorted(set(numbers))
    at_end = [n for n in numbers if gone and way == "near to it"
              and gone <= result.sent[n] < gone + GONE_S]
    if at_end and at_end[-1] - at_end[0] >= GONE_N:
        return numbers
    return [n for n in numbers if n not in at_end]
