# SPDX-License-Identifier: Apache-2.0
"""What a hostile guest does to a host by packets that its switch cannot deal
with in the datapath, and by SCTP; each test is named for what the attacker
wants."""

import multiprocessing
import re
import socket
import struct
import time

import pytest
from conftest import (World, check_log, close_lab, entry, flows, make_lab,
                      rule, wait_quiet)
from test_dhcp import discover
from test_drops import vmnctl
from test_firewall import sctp_arrives
from test_mtu import widen

from vmnlab import frames, netns
from vmnlab.netns import wait_for
from vmnlab.traffic import checksum

# What vmnd takes from one sender: a second, and at once.
RATE = 50
# Packets a second of a flood: far more than may come up, and not so many that
# the datapath, a process among others here, loses those of everybody for want
# of a processor.  tests/bench/packet-ins floods as fast as it can.
FLOOD_RATE = 100 * RATE
# Of so many requests of the one that is attacked.
REQUESTS = 20
DNS = "169.254.0.53"
DNS_MAC = "0e:56:4d:ff:00:35"
ROUTER = "10.0.1.1"
ROUTER6 = "fd00:1::1"
OUTSIDE = "198.51.100.%d"


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("attp", 2, options=["--packet-port-rate=%d" % RATE,
                                       "--count-interval=1"])
    yield lab
    close_lab(lab)


@pytest.fixture
def world(lab):
    """Two networks and a router; the attacker "eve" and its victim "vic" on
    h1, and "srv" on h2, which rejects UDP to port 9."""
    world = World(lab)
    for name, n in (("a", 1), ("b", 2)):
        world.put("networks", name, subnets=[
            {"cidr": "10.0.%d.0/24" % n, "gateway": "10.0.%d.1" % n,
             "dhcp": True},
            {"cidr": "fd00:%d::/64" % n, "gateway": "fd00:%d::1" % n}])
    world.put("routers", "r", interfaces=[{"network": "a"}, {"network": "b"}])
    world.put("dns-zones", "shop.test", networks=["a"])
    for name, host, n in (("eve", "h1", 11), ("vic", "h1", 12),
                          ("srv", "h2", 13)):
        world.vms = getattr(world, "vms", {})
        world.vms[name] = world.vm(name, "a", host, [
            "10.0.1.%d" % n, "fd00:1::%d" % n], labels={"name": name})
        world.group(name, "name=" + name)
    world.policy("p", "srv", rule("ingress", "reject", ["eve", "vic"],
                                  [entry("udp", 9)]),
                 rule("ingress", "allow"))
    yield world
    world.close()
    check_log(lab.vmnd)
    assert lab.vmnd.pid() is not None, lab.vmnd.last_words(60)


# Floods.  -------------------------------------------------------------------

def flood(ns, sent, stop, packets):
    """Sends 'packets' in turn, FLOOD_RATE a second, until 'stop' is set; in a
    process of its own."""
    start = time.monotonic()
    n_tried = 0
    with netns.socket_in(ns, socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind(("eth0", 0))
        while not stop.is_set():
            if n_tried > FLOOD_RATE * (time.monotonic() - start):
                time.sleep(0.001)
                continue
            for packet in packets:
                n_tried += 1
                try:
                    sock.send(packet)
                    sent.value += 1
                except OSError:
                    pass        # The link's queue is full.


class Flood:
    """While it is entered, 'vm' sends 'packets', FLOOD_RATE a second."""

    def __init__(self, vm, packets):
        self.sent = multiprocessing.Value("Q", 0, lock=False)
        self.stop = multiprocessing.Event()
        self.process = multiprocessing.Process(
            target=flood, args=(vm.ns, self.sent, self.stop, packets),
            daemon=True)

    def __enter__(self):
        self.process.start()
        wait_for("the flood to begin", lambda: self.sent.value > 1000, 30)
        return self

    def __exit__(self, *unused):
        self.stop.set()
        self.process.join(30)


def with_ttl(frame, ttl):
    head = frame[14:22] + bytes([ttl]) + frame[23:24] + b"\0\0" + frame[26:34]
    return (frame[:14] + head[:10] + struct.pack("!H", checksum(head))
            + head[12:] + frame[34:])


def router_mac(world):
    return world.api.get("routers/r")["status"]["mac"]


def dns_question(name):
    labels = b"".join(bytes([len(l)]) + l.encode() for l in name.split("."))
    return struct.pack("!HHHHHH", 7, 0x100, 1, 0, 0, 0) + labels \
        + b"\0" + struct.pack("!HH", 1, 1)


def floods(world, eve, srv):
    """{kind: packets}: each has a copy sent up, or would."""
    mac = router_mac(world)
    far = frames.udp(mac, eve.mac, eve.ip, "10.0.2.50", 1000, 7, b"x" * 18)
    return {
        "ttl": [with_ttl(far, 1)],
        "too big": [frames.udp(srv.mac, eve.mac, eve.ip, srv.ip, 1000, 7,
                               b"x" * 1472)],
        "reject": [frames.udp(srv.mac, eve.mac, eve.ip, srv.ip, 1000, 9,
                              b"x" * 18)],
        "no neighbour": [far],
        "dhcp": [discover(eve)],
        "dns": [frames.udp(DNS_MAC, eve.mac, eve.ip, DNS, 1000, 53,
                           dns_question("eve.shop.test"))],
        "nd": [frames.solicitation(eve.mac, eve.ip6, ROUTER6, sll=eve.mac,
                                   to=(mac, ROUTER6))],
    }


KINDS = ("ttl", "too big", "reject", "no neighbour", "dhcp", "dns", "nd")


def answered(world, eve):
    """{kind: packets}: each is answered by eve's switch itself."""
    mac = router_mac(world)
    echo = struct.pack("!BBHHH", 8, 0, 0, 1, 1) + bytes(18)
    echo = echo[:2] + struct.pack("!H", checksum(echo)) + echo[4:]
    return {
        "arp": [frames.arp_question(eve.mac, eve.ip, ROUTER)],
        "solicitation": [frames.solicitation(eve.mac, eve.ip6, ROUTER6,
                                             sll=eve.mac)],
        "ping": [frames.ipv4(mac, eve.mac, eve.ip, ROUTER, 1, echo)],
        "ping6": [frames.icmpv6(mac, eve.mac, eve.ip6, ROUTER6, 128, 0,
                                bytes(22))],
    }


def sent_up(lab, host, sender):
    """How many packets of a sender have come to vmnd from a host."""
    shown = netns.run(["ovs-appctl", "-t", lab.vmnd.unixctl,
                       "fabric/packets", host])
    return sum(int(n) for n in re.findall(
        r"port \d+ \(%s\): \d+/s, (\d+) in" % sender, shown))


# Victims: each request is sent once.  ----------------------------------------

def leases(vic):
    """How many of vic's DHCPDISCOVERs are answered."""
    found = 0
    with frames.Capture(vic.ns) as seen:
        for i in range(REQUESTS):
            xid = struct.pack("!I", 0x766d0000 + i)
            frames.send(vic, discover(vic, xid=xid))
            found += seen.wait(lambda f, xid=xid: (frames.of_udp(f) or (0,))[
                0] == 67 and xid in f, 10) is not None
    return found


def resolutions(vic, srv):
    """How many of vic's questions for the address of srv are answered."""
    found = 0
    for _ in range(REQUESTS):
        with frames.Capture(vic.ns) as seen:
            frames.send(vic, frames.arp_question(vic.mac, vic.ip, srv.ip))
            found += seen.wait(lambda f: frames.parse(f).get("sender_ip")
                               == srv.ip, 10) is not None
    return found


def solicited(vic, srv):
    """The same of neighbour discovery."""
    found = 0
    for _ in range(REQUESTS):
        with frames.Capture(vic.ns) as seen:
            frames.send(vic, frames.solicitation(vic.mac, vic.ip6, srv.ip6,
                                                 sll=vic.mac))
            found += seen.wait(lambda f: frames.parse(f).get("target")
                               == vic.ip6, 10) is not None
    return found


@pytest.mark.parametrize("kind", ("arp", "solicitation", "ping", "ping6"))
def test_occupy_a_switch_by_what_it_answers_itself(world, kind):
    """Whatever a switch answers itself takes its slow path; another VM of it
    is served all the same."""
    eve, vic, srv = (world.vms[n] for n in ("eve", "vic", "srv"))
    packets = answered(world, eve)[kind]
    with frames.Capture(eve.ns) as seen:
        frames.send(eve, *packets)
        assert seen.wait(lambda f: frames.parse(f)["dst"] == eve.mac, 10)
    undisturbed = leases(vic), resolutions(vic, srv), solicited(vic, srv)
    with Flood(eve, packets) as flooding:
        disturbed = leases(vic), resolutions(vic, srv), solicited(vic, srv)
        assert flooding.process.is_alive()
    print("%s: %d sent; answered %s, before %s"
          % (kind, flooding.sent.value, disturbed, undisturbed))
    for during, alone in zip(disturbed, undisturbed):
        assert during >= 0.9 * alone > 0


@pytest.mark.parametrize("kind", KINDS)
def test_occupy_a_switch_by_packets_for_the_controller(lab, world, kind):
    """Of a flood no more comes up than its sender's rate allows, and another
    VM's requests are answered meanwhile."""
    eve, vic, srv = (world.vms[n] for n in ("eve", "vic", "srv"))
    widen(eve)
    # Rejected where it arrives, so it comes there by the tunnel.
    host, sender = (("h2", "tunnel[^)]*") if kind == "reject"
                    else ("h1", "eve"))
    undisturbed = leases(vic), resolutions(vic, srv)
    before = sent_up(lab, host, sender)
    start = time.monotonic()
    with Flood(eve, floods(world, eve, srv)[kind]) as flooding:
        disturbed = leases(vic), resolutions(vic, srv)
        # Enough for a rate to be seen, however slow all is.
        wait_for("the flood to be one", lambda: flooding.sent.value
                 > 20 * RATE * (time.monotonic() - start + 2), 60)
        wait_for("some of it to come up", lambda: sent_up(
            lab, host, sender) > before, 30)
        up = sent_up(lab, host, sender) - before
        seconds = time.monotonic() - start
    print("%s: %d sent, %d came up in %.1f s; answered %s, before %s"
          % (kind, flooding.sent.value, up, seconds, disturbed, undisturbed))
    assert 0 < up <= RATE * (seconds + 1) + RATE
    for during, alone in zip(disturbed, undisturbed):
        assert during >= 0.9 * alone > 0


def test_take_what_others_are_told_of_rejections(lab, world):
    """What comes by a tunnel is limited for each identity: one that floods
    takes nothing of what another VM of its host is told."""
    eve, vic, srv = (world.vms[n] for n in ("eve", "vic", "srv"))

    def told():
        found = 0
        for i in range(REQUESTS):
            with frames.Capture(vic.ns) as seen:
                frames.send(vic, frames.udp(srv.mac, vic.mac, vic.ip, srv.ip,
                                            2000 + i, 9, b"x" * 18))
                found += seen.wait(
                    lambda f: frames.parse(f).get("protocol") == 1,
                    3) is not None
        return found

    undisturbed = told()
    with Flood(eve, floods(world, eve, srv)["reject"]):
        disturbed = told()
    print("told of %d rejections, of %d before" % (disturbed, undisturbed))
    assert disturbed >= 0.9 * undisturbed > 0


# Neighbours on a physical network.  ------------------------------------------

@pytest.fixture
def outside(lab, world):
    """The way out of router r is on h1; outside there are "near" and
    addresses that nobody has."""
    world.provider_hosts_are("h1")
    world.put("networks", "out", provider={"physical": "dc"}, mtu=1500,
              subnets=[{"cidr": OUTSIDE % 0 + "/24",
                        "gateway": OUTSIDE % 1}])
    world.patch("routers", "r", external={
        "network": "out", "addresses": [OUTSIDE % 10],
        "gateways": [{"host": "h1", "priority": 1}]})
    yield world.outside("near", *[OUTSIDE % n + "/24"
                                  for n in range(50, 50 + REQUESTS)])
    world.patch("routers", "r", external=None)


def asked_for(capture, ip):
    return sum(1 for f in capture.read() if len(f) >= 42
               and frames.parse(f).get("operation") == 1
               and frames.parse(f)["target_ip"] == ip)


def test_have_a_physical_network_asked_for_nobody(lab, world, outside):
    """A neighbour that does not answer is not asked for each packet, however
    slowly they come."""
    eve = world.vms["eve"]
    nobody = OUTSIDE % 200
    packet = frames.udp(router_mac(world), eve.mac, eve.ip, nobody, 1000, 7,
                        b"x" * 18)
    sent = 0
    with frames.Capture(outside.ns) as seen:
        start = time.monotonic()
        while asked_for(seen, nobody) < 3 or sent < 100:
            frames.send(eve, packet)
            sent += 1
            time.sleep(1.0 / RATE)
            assert time.monotonic() < start + 60
        asked = asked_for(seen, nobody)
    print("asked %d times for %d packets" % (asked, sent))
    assert asked <= sent // 2


def test_keep_others_from_resolving_neighbours(lab, world, outside):
    """While eve floods the addresses that vic looks for, and one that nobody
    has, vic's packets get there."""
    eve, vic = world.vms["eve"], world.vms["vic"]
    mac = router_mac(world)

    def to(vm, ip, port):
        return frames.udp(mac, vm.mac, vm.ip, ip, 1000, port, b"x" * 18)

    def gets_there(ip):
        """The first packet is lost while the neighbour is resolved."""
        with frames.Capture(outside.ns) as seen:
            for _ in range(20):
                frames.send(vic, to(vic, ip, 4242))
                if seen.wait(lambda f: (frames.of_udp(f) or (0, 0))[1] == 4242
                             and frames.parse(f)["dst_ip"] == ip, 0.5):
                    return True
        return False

    ips = [OUTSIDE % n for n in range(50, 50 + REQUESTS)]
    with Flood(eve, [to(eve, ip, 7) for ip in [OUTSIDE % 200] + ips]):
        reached = sum(gets_there(ip) for ip in ips)
    print("%d of %d neighbours reached" % (reached, len(ips)))
    assert reached >= 0.9 * len(ips)


# What is dropped is told.  ---------------------------------------------------

METERED = 'vmn_packet_ins_metered_total{sender="port"}'


def test_be_dropped_by_a_meter_and_have_nobody_know(lab, world):
    """What a meter drops is counted, for all and by who sent it."""
    eve, srv = world.vms["eve"], world.vms["srv"]
    before = world.api.metrics()[METERED]
    with Flood(eve, floods(world, eve, srv)["dhcp"]):
        wait_for("drops to be told", lambda: any(
            row["object"] == {"type": "ports", "name": "eve"}
            and row["packets"] > 0 for row in world.api.get(
                "drops?host=h1&port=eve")["counters"]
            if row["owner"] == "vmn"), 60)
    assert world.api.metrics()[METERED] > before
    assert lab.vmnd.api.get("hosts/h1")["status"]["packet_in_meters"][
        "dropped"] > 0
    shown = vmnctl(world, "drops", "--port", "eve")
    assert "too many packets to the controller" in shown
    # A trace of what is to be answered says so as well, but of nobody else.
    for port, told in ("eve", True), ("vic", False):
        found = world.api.call("POST", "/v1/trace", {
            "from": port, "to": DNS, "protocol": "udp", "port": 53,
            "payload_hex": dns_question("eve.shop.test").hex()})
        assert "payload_hex" in found["outcomes"][0]["answer"]
        assert any("has sent more packets that apps answer" in warning
                   for warning in found.get("warnings", [])) == told, found


# Flows that go, and a restart.  ----------------------------------------------

def own(host):
    """The flows that send copies up, and the meters that they have."""
    text = host.ofctl("dump-flows", "br-int", "--no-stats", "table=246") \
        + host.ofctl("dump-flows", "br-int", "--no-stats", "table=247")
    meters = re.findall(r"meter=(27\d\d\d)\s[^\n]*\n[^\n]*rate=%d " % RATE,
                        host.ofctl("dump-meters", "br-int"))
    return sorted(line for line in text.splitlines() if "table=" in line) \
        + sorted(meters)


def meters_status(lab):
    return lab.vmnd.api.get("hosts/h1")["status"].get("packet_in_meters", {})


def damage(host):
    """Takes some flows away, and puts one there by which there is no limit."""
    host.ofctl("del-flows", "br-int", "table=247,metadata=0x3/0x100ff")
    host.ofctl("del-flows", "--strict", "br-int",
               "table=246,priority=20,in_port=40000")
    host.ofctl("add-flow", "br-int", "table=246,priority=99,actions=drop")


def damage_meter(host):
    """A meter goes: its flow has no limit, or another's, from then on."""
    host.ofctl("del-meter", "br-int", "meter=27007")


@pytest.mark.parametrize("attack", (damage, damage_meter))
def test_take_the_limits_away_while_connected(lab, world, attack):
    """An audit finds flows to meters that are gone, and they come back."""
    host = lab.host("h1")
    wait_for("meters", lambda: meters_status(lab).get("installed"), 30)
    before = own(host)
    assert len(before) > 2 * 256
    attack(host)
    assert own(host) != before
    found = lab.vmnd.api.call("POST", "/v1/hosts/h1/audit")
    assert found["missing"] > 0
    assert found["owners"]["vmnd"]["missing"] == found["missing"]
    wait_for("the flows", lambda: own(host) == before, 30)
    wait_for("the status", lambda: meters_status(lab).get("installed"), 30)
    found = lab.vmnd.api.call("POST", "/v1/hosts/h1/audit")
    assert found["missing"] == found["unknown"] == 0


@pytest.mark.parametrize("attack", (damage, damage_meter))
def test_take_the_limits_away_while_vmnd_is_away(lab, world, attack):
    """The next connection finds it."""
    host = lab.host("h1")
    wait_for("meters", lambda: meters_status(lab).get("installed"), 30)
    wait_quiet(lab)
    before = own(host)
    lab.vmnd.stop()
    attack(host)
    assert own(host) != before
    lab.vmnd.start()
    lab.await_synced()
    wait_for("the status", lambda: meters_status(lab).get("installed"), 30)
    assert own(host) == before


def test_lose_the_meters_by_a_restart(lab, world):
    """What limits packets is there after a restart of vmnd, which sends
    nothing."""
    host = lab.host("h1")

    def age():
        text = host.ofctl("dump-flows", "br-int", "table=247")
        return min(float(s) for s in re.findall(r"duration=([\d.]+)s", text))

    wait_quiet(lab)
    before = own(host)
    wait_for("meters", lambda: meters_status(lab).get("installed"), 30)
    held = flows(host)
    wait_for("flows to have aged", lambda: age() > 2, 20)
    restarted = time.monotonic()
    lab.vmnd.stop()
    lab.vmnd.start()
    lab.await_synced()
    assert own(host) == before
    assert age() > time.monotonic() - restarted
    assert {k: f.actions for k, f in held.items()} \
        == {k: f.actions for k, f in flows(host).items()}


# SCTP.  ----------------------------------------------------------------------

def test_get_past_a_denial_by_sctp_that_the_other_side_has_sent(world):
    """Userspace conntrack takes all SCTP of two addresses for one connection:
    it passes no denial there all the same, and a trace says the same."""
    vic, srv = world.vms["vic"], world.vms["srv"]
    world.policy("guard", "vic", rule("ingress", "allow", ["srv"],
                                      [entry("udp", 9)]))
    world.delete("policies", "p")

    def said(a, b, port):
        return world.api.call("POST", "/v1/trace", {
            "from": a.name, "to": b.name, "protocol": "sctp",
            "port": port})["verdict"]

    assert not sctp_arrives(srv, vic, 5001, 40000)
    assert sctp_arrives(vic, srv, 40000, 5001)
    assert said(vic, srv, 5001) == "delivered"
    # By now vic has sent something.
    assert not sctp_arrives(srv, vic, 5001, 5002)
    assert not sctp_arrives(srv, vic, 5001, 40000)
    assert said(srv, vic, 5002) == "dropped"
    # Until a rule says so, in that direction.
    world.policy("guard", "vic", rule("ingress", "allow", ["srv"], [
        entry("udp", 9), entry("sctp", 40000)]))
    world.revalidated()
    assert sctp_arrives(srv, vic, 5001, 40000)
    assert not sctp_arrives(srv, vic, 5001, 5002)
