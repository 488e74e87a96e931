# SPDX-License-Identifier: Apache-2.0
"""A host with twenty VMs is emptied while they work: it goes into maintenance,
and the VM manager migrates them to another host, some at a time, as libvirt
does, and some as one does that asks before.  What a host in maintenance does
besides is in test_host_drain.py; how long all of it takes, and what is lost,
tests/bench/evacuate measures."""

import concurrent.futures
import subprocess
import threading

import pytest
from conftest import World, check_log, close_lab, make_lab, rule, wait_quiet
from migrating import Twin
from test_host_drain import left
from test_live_apps import ctl
from test_migration import announce

from vmnlab import netns, traffic
from vmnlab.daemon import find
from vmnlab.netns import wait_for
from vmnlab.stream import WAY_S, Streams

VMS = ["v%02d" % i for i in range(20)]
# Their rows name the host that they are on.
PINNED = VMS[::4]
PEERS = ("peer0", "peer1")
AT_ONCE = 3
# How many packets a second each VM gets, and sends.
RATE = 25


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("evac", 3)
    yield lab
    close_lab(lab)


@pytest.fixture
def world(lab):
    world = World(lab)
    yield world
    world.patch("hosts", "h1", maintenance=False)
    world.close()
    check_log(lab.vmnd)


def port(name, ip, role, **more):
    return {"type": "ports", "name": name, "spec": dict(
        more, network="net", ips=[ip], labels={"role": role})}


def fill(world):
    """The VMs on h1, and who talks to them on h3; one who must not, too."""
    world.network("net", "10.0.0.0/24")
    world.group("vm", "role=vm")
    world.group("peer", "role=peer")
    world.policy("p", "vm", rule("ingress", "allow", ["peer"]),
                 rule("egress", "allow", ["peer"]))
    ports = [port(name, "10.0.0.%d" % (10 + i), "vm",
                  **{"host": "h1"} if name in PINNED else {})
             for i, name in enumerate(VMS)]
    ports += [port(name, "10.0.0.%d" % (100 + i), "peer")
              for i, name in enumerate(PEERS)]
    ports.append(port("bad", "10.0.0.200", "bad"))
    names = [p["name"] for p in ports]
    world.made += [("ports", name) for name in names]
    world.api.apply(ports, wait="installed", timeout="60s")
    for name in names:
        world.own_vms.append(name)
        world.lab.add_vm_of_port(name, "h1" if name in VMS else "h3")
    world.lab.await_ports(names)
    for name in VMS:
        world.servers.tcp(world.lab.vm(name), 80, "0.0.0.0")


class Manager:
    """What migrates one of the VMs."""

    turn = threading.Lock()     # To tell the streams.

    def __init__(self, world, name):
        self.world = world
        self.name = name
        self.vm = world.lab.vm(name)
        self.twin = Twin(world, self.vm)
        self.twin.make(world.lab.host("h2"))

    def status(self):
        return self.world.api.get("ports/" + self.name)["status"]

    def state(self):
        return self.status().get("migration", {}).get("state")

    def patch(self, **spec):
        self.world.api.patch("ports/" + self.name, spec, wait="installed",
                             timeout="60s")

    def goes_on(self, streams):
        """The guest goes on at its other link, with what it has open."""
        address = self.vm.state["ips"][0]
        netns.ip(self.vm.ns, "addr del %s dev eth0" % address,
                 "addr add %s dev eth1" % address)
        announce(self.twin)
        with self.turn:
            streams.switch("from " + self.name, 1)

    def migrate(self, streams):
        if self.name in PINNED:
            self.patch(migration={"to": "h2"})
        self.twin.plug()
        wait_for(self.name + " to be prepared",
                 lambda: self.state() == "prepared", 30)
        self.goes_on(streams)
        wait_for(self.name + " to be activated",
                 lambda: self.state() == "activated", 30)
        with self.turn:
            self.world.lab.unplug(self.name)
        wait_for(self.name + " to be there alone",
                 lambda: "migration" not in self.status(), 30)
        if self.name in PINNED:
            self.patch(host="h2", migration=None)


def add_streams(lab, managers):
    """To each VM and from it, and to each from who must not."""
    streams = Streams(rate=RATE)
    for i, one in enumerate(managers):
        peer = lab.vm(PEERS[i % len(PEERS)])
        to_it = (("eth0", "eth0"), ("eth0", "eth1"))
        streams.add("to " + one.name, peer, one.vm, 9000 + i, links=to_it)
        streams.add("from " + one.name, one.vm, peer, 9500 + i,
                    links=(("eth0", "eth0"), ("eth1", "eth0")))
        streams.add("bad " + one.name, lab.vm("bad"), one.vm, 9900,
                    links=to_it)
    return streams


def evacuate(lab, managers, streams):
    """Drains h1, and migrates all; what is left is told, and then nothing."""
    said = ctl(lab, "host", "drain", "h1")
    assert "h1: 20 ports are bound: v00, v01" in said, said
    assert left(lab, "h1")["ports"] == 20
    # Who waits for it meanwhile.
    waits = subprocess.Popen(
        [find("vmnctl"), "-s", "unix:" + lab.vmnd.socket, "wait", "host/h1",
         "--for", "drained", "--timeout", "300s"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda one: one.migrate(streams), managers[:-1]))
        found = left(lab, "h1")
        assert (found["state"], found["ports"], found["port_names"]) == (
            "draining", 1, VMS[-1:]), found
        assert waits.poll() is None
        managers[-1].migrate(streams)
        assert waits.communicate(timeout=60)[0] == "h1 drained\n"
        assert waits.returncode == 0
    finally:
        waits.kill()
        waits.wait()
    assert left(lab, "h1") == {"state": "drained", "routers": [], "ports": 0,
                               "port_names": [], "migrating": 0,
                               "migrating_names": [], "draining": 0}


def test_twenty_vms_move_while_they_work(lab, world):
    """With what they have open.  Nothing is there twice, nor where it must
    not be; and all arrives once that is over."""
    fill(world)
    managers = [Manager(world, name) for name in VMS]
    held = [traffic.Connection(lab.vm(PEERS[i % len(PEERS)]), one.vm.ip, 80)
            for i, one in enumerate(managers)]
    assert all(h.exchange(seconds=5) for h in held)
    try:
        with add_streams(lab, managers) as streams:
            evacuate(lab, managers, streams)
            wait_quiet(lab)
            lab.revalidated()
            over = streams.now()
            found = streams.run(1.0).stop([
                way + one.name for way in ("to ", "from ")
                for one in managers])
        for one in managers:
            status = one.status()
            assert status["host"] == "h2" and "candidate" not in status, status
            for way, sink in (("to ", 1), ("from ", 0)):
                result = found[way + one.name]
                assert not result.n_copies, result
                assert not result.missed(sink, start=over + WAY_S), result
            assert not found["bad " + one.name].seen
        assert all(h.again() for h in held)
        for name in PINNED:
            assert world.api.get("ports/" + name)["spec"]["host"] == "h2"
    finally:
        for one in managers:
            one.twin.unplug()
    for h in held:
        h.close()
