# SPDX-License-Identifier: Apache-2.0
"""Ports with "unknown": guests inside of VMs, of whom no row tells."""

import socket

import pytest
from conftest import close_lab, cut, entry, make_lab, rule
from inner import Inner

from vmnlab import netns, traffic
from vmnlab.api import Refused
from vmnlab.netns import wait_for

LEARNED = "table=249"


@pytest.fixture(scope="module")
def module_lab(request):
    lab = make_lab("nested", 3)
    yield lab
    close_lab(lab)


class Nests:
    """Network "net" with VMs that have guests inside of them."""

    def __init__(self, world):
        self.world = world
        world.network("net", "10.0.0.0/24", "fd00::/64")
        self.inner = []

    def nest(self, name, host, number, **spec):
        return self.world.vm(name, "net", host, [
            "10.0.0.%d" % number, "fd00::%d" % number], tcp=(80,), udp=(90,),
            unknown=True, **spec)

    def guest(self, vm, name, number, mac=None):
        guest = Inner(vm, name, "10.0.0.%d/24" % number,
                      "fd00::%d/64" % number, mac=mac)
        self.inner.append(guest)
        guest.bridged()
        for any_ip in ("0.0.0.0", "::"):
            self.world.servers.tcp(guest, 80, any_ip)
            self.world.servers.udp(guest, 90, any_ip)
        return guest

    def close(self):
        for guest in self.inner:
            guest.close()


@pytest.fixture
def nests(world):
    nests = Nests(world)
    yield nests
    nests.close()


def both(world, a, b):
    """Whether each of the two gets answers of the other, in both families."""
    return all(world.answers(x, ip, port, protocol) == y.name
               for x, y in ((a, b), (b, a)) for ip in (y.ip, y.ip6)
               for port, protocol in ((80, "tcp"), (90, "udp")))


def test_guests_behind_ports_are_found(world, nests):
    near, far = nests.nest("near", "h1", 11), nests.nest("far", "h2", 12)
    one = nests.guest(near, "one", 101)
    two = nests.guest(near, "two", 102)
    three = nests.guest(far, "three", 103)
    plain = [world.vm("plain" + h, "net", h, ["10.0.0.2" + h[1],
                                              "fd00::2" + h[1]],
                      tcp=(80,), udp=(90,)) for h in ("h1", "h2", "h3")]
    assert both(world, one, two)
    for other in [three, far, *plain]:
        assert both(world, one, other), other.name
    assert both(world, three, plain[2])
    # What was learned is not flooded: h3 has no such port.
    flows = world.lab.host("h3").ofctl("dump-flows", "br-int", LEARNED)
    assert flows.count("dl_dst=") >= 2, flows


def test_a_guest_that_was_not_heard_is_found(world, nests):
    near = nests.nest("near", "h1", 11)
    silent = nests.guest(near, "silent", 101, mac="02:11:22:33:44:55")
    asker = world.vm("asker", "net", "h2", "10.0.0.21")
    # The asker knows who it is, and the switches do not.
    asker.run("ip", "neigh", "replace", silent.ip, "lladdr", silent.mac,
              "dev", "eth0")
    assert world.answers(asker, silent.ip, 90, "udp") == "silent"


def test_policies_know_whose_guest_it_is(world, nests):
    good = nests.nest("good", "h1", 11, labels={"role": "app"})
    bad = nests.nest("bad", "h2", 12, labels={"role": "other"})
    friend = nests.guest(good, "friend", 101)
    foe = nests.guest(bad, "foe", 102)
    db = world.vm("db", "net", "h3", ["10.0.0.31", "fd00::31"], tcp=(80,),
                  labels={"role": "db"})
    assert both_tcp(world, foe, db) and both_tcp(world, friend, db)
    held = world.held(foe, db)
    world.group("dbs", "role=db")
    world.group("apps", "role=app")
    world.policy("dbs", "dbs", rule("ingress", "allow", peers=["apps"],
                                    services=[entry("tcp", 80)]))
    assert world.reaches(friend, db) and world.blocked(foe, db)
    assert cut(held)
    assert world.unanswered(foe, db.ip6)
    assert world.answers(friend, db.ip6) == "db"
    # And of what is sent to them: judged where they are.
    world.policy("apps", "apps", rule("ingress", "deny", peers=["dbs"]))
    assert world.blocked(db, friend) and world.unanswered(db, friend.ip6)
    assert world.reaches(db, foe)

    world.patch("ports", "good", quarantined=True)
    assert world.blocked(friend, db)


def both_tcp(world, a, b):
    return world.reaches(a, b) and world.reaches(b, a)


def test_guests_may_not_be_somebody_else(world, nests):
    near = nests.nest("near", "h1", 11)
    liar = nests.guest(near, "liar", 101)
    victim = world.vm("victim", "net", "h2", ["10.0.0.21", "fd00::21"],
                      tcp=(80,))
    peer = world.vm("peer", "net", "h3", ["10.0.0.31", "fd00::31"], tcp=(80,))
    assert both_tcp(world, liar, peer) and world.reaches(peer, victim)
    liar.run("ip", "addr", "add", victim.ip + "/24", "dev", "eth0")
    for how in ("-A", "-U"):
        liar.run("busybox", "arping", "-q", "-c", "3", "-w", "2", how, "-I",
                 "eth0", victim.ip, check=False)
    # What the peer knows of it is of before, or was asked for anew.
    assert victim.mac in peer.run("ip", "neigh", "show", victim.ip)
    assert world.reaches(peer, victim)
    # With its Ethernet address neither.
    liar.run("ip", "addr", "del", victim.ip + "/24", "dev", "eth0")
    liar.run("ip", "link", "set", "eth0", "address", victim.mac)
    assert world.unanswered(liar, peer.ip)
    assert world.reaches(peer, victim)


def learned(host):
    return [flow for flow in host.ofctl("dump-flows", "br-int",
                                        LEARNED).splitlines()
            if "dl_dst=" in flow]


def test_what_was_learned_follows_the_port(world, nests):
    lab = world.lab
    near = nests.nest("near", "h1", 11)
    guest = nests.guest(near, "guest", 101)
    peer = world.vm("peer", "net", "h3", ["10.0.0.31", "fd00::31"], tcp=(80,))
    held = world.held(peer, guest)
    near.move(lab.host("h2"))
    wait_for("the port on its new host", lambda: world.api.get(
        "ports/near")["status"].get("host") == "h2", 20)
    assert held.exchange(seconds=10)
    assert both_tcp(world, guest, peer)
    # vmnd comes back: switches keep what they know, and it does not mind.
    assert learned(lab.host("h3"))
    lab.vmnd.kill()
    assert held.exchange(seconds=5)
    lab.vmnd.start()
    lab.await_ports(["near", "peer"])
    assert learned(lab.host("h3")) and held.exchange(seconds=5)
    # Without "unknown" there is nobody behind it, and nothing is left.
    world.patch("ports", "near", unknown=False)
    assert world.blocked(peer, guest)
    wait_for("learned flows to go", lambda: not any(
        learned(lab.host(h)) for h in ("h1", "h2", "h3")), 10)


def test_an_address_that_moves_is_heard_elsewhere(world, nests):
    mac = "02:11:22:33:44:66"
    near, far = nests.nest("near", "h1", 11), nests.nest("far", "h2", 12)
    here = nests.guest(near, "here", 101, mac=mac)
    peer = world.vm("peer", "net", "h3", "10.0.0.31", tcp=(80,))
    assert world.reaches(peer, here)
    here.close()
    nests.inner.remove(here)
    there = nests.guest(far, "there", 101, mac=mac)
    there.run("busybox", "arping", "-q", "-c", "1", "-A", "-I", "eth0",
              there.ip, check=False)
    world.revalidated()         # What datapaths cached of it goes to h1.
    assert both_tcp(world, peer, there)


def test_no_more_than_so_many_are_remembered(world, nests):
    near = nests.nest("near", "h1", 11)
    peer = world.vm("peer", "net", "h1", "10.0.0.31", tcp=(80,))
    frames = [bytes.fromhex("ffffffffffff") + b"\x02\xaa\x00\x00"
              + bytes([i >> 8, i & 255]) + bytes.fromhex(
                  "08060001080006040001") + b"\x02\xaa\x00\x00"
              + bytes([i >> 8, i & 255, 10, 0, 0, 200]) + bytes(6)
              + bytes([10, 0, 0, 31]) for i in range(1200)]
    host = world.lab.host("h1")
    with netns.socket_in(near.ns, socket.AF_PACKET,
                         socket.SOCK_RAW) as sock:
        sock.bind(("eth0", 0))

        def as_many_as_may_be():
            for frame in frames:
                sock.send(frame)
            return len(learned(host)) >= 1024

        assert wait_for("addresses to be learned", as_many_as_may_be, 20)
    assert len(learned(host)) <= 1024
    assert world.reaches(peer, near)


def test_unknown_on_a_provider_network(world, nests):
    world.provider_hosts_are("h1", "h2")
    world.network("phys", "10.7.0.0/24", provider={"physical": "dc"})
    vm = world.vm("vm", "phys", "h1", "10.7.0.11", tcp=(80,), unknown=True)
    plain = world.vm("plain", "phys", "h2", "10.7.0.12", tcp=(80,))
    guest = Inner(vm, "guest", "10.7.0.101/24")
    nests.inner.append(guest)
    guest.bridged()
    world.servers.tcp(guest, 80, "0.0.0.0")
    outside = world.outside("out", "10.7.0.201/24", tcp=(80,))
    assert both_tcp(world, guest, outside)
    assert both_tcp(world, guest, plain)


def test_unknown_is_for_ports_of_vms(world):
    world.network("phys", "10.7.0.0/24", provider={"physical": "dc"})
    with pytest.raises(Refused) as refused:
        world.api.put("ports/x", {"network": "phys", "external": True,
                                  "unknown": True})
    assert "/spec/unknown" in str(refused.value)


def test_traces_follow_guests(world, nests):
    near = nests.nest("near", "h1", 11)
    guest = nests.guest(near, "guest", 101, mac="02:11:22:33:44:77")
    plain = world.vm("plain", "net", "h2", "10.0.0.21", tcp=(80,))
    assert world.reaches(guest, plain)
    nested = {"from": "near", "source_ip": guest.ip, "source_mac": guest.mac,
              "protocol": "tcp", "port": 80}
    trace = world.api.call("POST", "/v1/trace", dict(nested, to="plain"))
    assert trace["verdict"] == "delivered", trace
    # As whoever is known already, a guest is heard by nobody.
    trace = world.api.call("POST", "/v1/trace", dict(nested, to="plain",
                                         source_ip=plain.ip))
    assert trace["verdict"] == "dropped", trace
    assert trace["outcomes"][0]["at"]["reason"] == "spoofed", trace
    # What switches have heard no trace knows: it goes where it might be.
    trace = world.api.call("POST", "/v1/trace", {
        "from": "plain", "to": guest.ip, "destination_mac": guest.mac,
        "protocol": "tcp", "port": 80})
    assert trace["verdict"] == "delivered", trace
    assert trace["outcomes"][0]["at"]["port"] == "near", trace
