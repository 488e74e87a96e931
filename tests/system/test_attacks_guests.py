# SPDX-License-Identifier: Apache-2.0
"""What a hostile guest wants: to be somebody else, and to take what all share.
One function for each attack; an attack that succeeds fails its test."""

import re
import socket

import pytest
from conftest import close_lab, make_lab, rule

from vmnlab import frames, netns, traffic
from vmnlab.api import Refused
from vmnlab.netns import wait_for

BROADCAST = "ff:ff:ff:ff:ff:ff"
ALL_NODES = ("33:33:00:00:00:01", "ff02::1")
# Of a guest behind a port: an address that is nobody's.
GUEST = "02:aa:00:00:00:01"
FREE = ("10.0.0.200", "fd00::200")
WIRE_FREE = ("198.51.100.200", "fd51::200")


@pytest.fixture(scope="module")
def module_lab(request):
    lab = make_lab("guests", 3)
    yield lab
    close_lab(lab)


def claims(ip, to, mac=GUEST):
    """Packets of one who says that it has 'ip', to 'to': as a source, in ARP
    or neighbour discovery that answers, and unasked."""
    if ":" in ip:
        return [frames.udp6(to.mac, mac, ip, to.ip6, 7, 7, b"claim"),
                frames.advertisement(to.mac, mac, FREE[1], to.ip6, ip, mac),
                frames.advertisement(to.mac, mac, ip, to.ip6, ip, mac),
                frames.advertisement(ALL_NODES[0], mac, ip, ALL_NODES[1], ip,
                                     mac, 0x20)]
    return [frames.udp(to.mac, mac, ip, to.ip, 7, 7, b"claim"),
            frames.arp(to.mac, mac, 2, mac, ip, to.mac, to.ip),
            frames.arp(BROADCAST, mac, 1, mac, ip, "00:00:00:00:00:00", ip),
            frames.arp(BROADCAST, mac, 2, mac, ip, mac, ip)]


def got_through(sender, to, *forged):
    """Those of 'forged' that arrive at 'to' when 'sender' sends them; the last
    one sent, an honest packet, arrives after them."""
    honest = frames.udp(to.mac, GUEST, FREE[0] if to.ip.startswith("10.")
                        else WIRE_FREE[0], to.ip, 9, 9, b"honest")
    with frames.Capture(to.ns) as capture:
        frames.send(sender, *forged, honest)
        assert capture.wait(lambda f: f == honest, 10), "nothing arrives"
        # A flood and what is for one take different ways in a switch.
        frames.send(sender, *forged, honest)
        assert capture.wait(lambda f: capture.frames.count(honest) >= 2, 10)
        return [frames.parse(f) for f in capture.frames if f in forged]


class Nest:
    """Network "net" with router "r", a port with "unknown" on h1, and who it
    would deceive: neighbours on that host and on another."""

    def __init__(self, world):
        self.world = world
        world.put("networks", "net", subnets=[
            {"cidr": "10.0.0.0/24", "gateway": "10.0.0.1", "dhcp": True,
             "reservations": [{"ip": "10.0.0.60", "port": "later"}]},
            {"cidr": "fd00::/64", "gateway": "fd00::1", "dhcp": True}])
        self.liar = world.vm("liar", "net", "h1", ["10.0.0.11", "fd00::11"],
                             unknown=True)
        self.peers = [world.vm("peer" + h, "net", h, [
            "10.0.0.2" + h[1], "fd00::2" + h[1]]) for h in ("h1", "h3")]

    def router(self):
        self.world.put("routers", "r", interfaces=[{"network": "net"}])
        return self.world.api.get("routers/r")["status"]["mac"]

    def fails_to_be(self, *ips, mac=GUEST):
        """Whether nobody is deceived by claims to the addresses."""
        for peer in self.peers:
            for ip in ips:
                assert not got_through(self.liar, peer,
                                       *claims(ip, peer, mac)), ip
        return True

    def fails_with(self, mac):
        """Whether nobody gets a packet from the Ethernet address."""
        return self.fails_to_be(*FREE, mac=mac)


@pytest.fixture
def nest(world):
    return Nest(world)


def test_to_be_nobody_is_allowed(nest):
    """What the other tests hold theirs against: these packets do arrive."""
    for peer in nest.peers:
        for ip in FREE:
            assert len(got_through(nest.liar, peer, *claims(ip, peer))) >= 4


def test_to_be_the_gateway(nest):
    """Where no router has that address yet, and where one does."""
    assert nest.fails_to_be("10.0.0.1", "fd00::1")
    nest.router()
    assert nest.fails_to_be("10.0.0.1", "fd00::1")


def test_to_be_a_router_on_the_link(nest):
    mac = nest.router()
    assert nest.fails_to_be(frames.link_local(mac))


def test_to_be_a_router_with_its_own_address(nest):
    """One that has another address than the gateway's."""
    nest.world.put("routers", "r", interfaces=[
        {"network": "net", "addresses": ["10.0.0.9", "fd00::9"]}])
    assert nest.fails_to_be("10.0.0.9", "fd00::9")


def test_to_send_from_a_routers_mac(nest):
    assert nest.fails_with(nest.router())


def test_to_be_a_virtual_ip(nest):
    for name, vip in (("v4", "10.0.0.100"), ("v6", "fd00::100")):
        nest.world.put("loadbalancers", name, vip=vip, networks=["net"],
                       protocol="tcp", ports=[{"port": 80}],
                       backends=[{"port": "peerh1"}])
    assert nest.fails_to_be("10.0.0.100", "fd00::100")


def test_to_send_from_a_mac_of_vmn(nest):
    """Virtual IPs', servers', floating addresses', and what says that a packet
    came from outside."""
    for mac in ("0e:56:4d:00:00:01", "0e:56:4d:ff:00:43", "0e:56:4d:ff:00:0e",
                "0e:56:4e:00:00:01", "0e:56:4f:00:00:64"):
        assert nest.fails_with(mac), mac


def test_to_be_what_another_port_is_allowed(nest):
    """One address, and a part of a prefix."""
    nest.world.patch("ports", "peerh3", allowed_addresses=[
        {"ip": "10.0.0.77"}, {"ip": "fd00::77"}, {"ip": "10.0.0.128/26"},
        {"ip": "fd00::1:0/112"},
        {"ip": "10.0.0.78", "mac": "00:00:5e:00:01:07"}])
    assert nest.fails_to_be("10.0.0.77", "fd00::77", "10.0.0.130", "fd00::1:5",
                            "10.0.0.78")
    assert nest.fails_with("00:00:5e:00:01:07")


def test_to_be_a_vm_that_is_not_started(nest):
    nest.world.put("ports", "still", network="net",
                   ips=["10.0.0.41", "fd00::41"])
    nest.world.put("ports", "off", network="net", enabled=False,
                   ips=["10.0.0.42", "fd00::42"])
    assert nest.fails_to_be("10.0.0.41", "fd00::41", "10.0.0.42", "fd00::42")
    mac = nest.world.api.get("ports/still")["status"]["mac"]
    assert nest.fails_with(mac)
    assert nest.fails_to_be(frames.link_local(mac))


def test_to_be_who_has_a_reservation(nest):
    assert nest.fails_to_be("10.0.0.60")


def test_to_be_another_port_with_unknown(nest):
    """Its addresses, and its MAC, which its own VM may use freely."""
    other = nest.world.vm("other", "net", "h3", ["10.0.0.12", "fd00::12"],
                          unknown=True)
    assert nest.fails_to_be(other.ip, other.ip6, frames.link_local(other.mac))
    assert nest.fails_with(other.mac)
    peer = nest.peers[0]
    assert len(got_through(other, peer, *claims(FREE[0], peer,
                                                other.mac))) >= 4


def test_to_be_the_dhcp_server_or_the_dns_server(nest):
    nest.world.put("dns-zones", "zone", domain="lab.example",
                   networks=["net"])
    assert nest.fails_to_be("169.254.0.67", "169.254.0.53",
                            frames.link_local("0e:56:4d:ff:00:43"))


def test_what_a_port_is_allowed_its_guests_may_be(nest):
    """But not who has an address in that prefix, nor with another's MAC."""
    shared = [{"ip": "10.0.0.77"}, {"ip": "fd00::77"},
              {"ip": "10.0.0.0/27"}]
    for port in ("liar", "peerh3"):
        nest.world.patch("ports", port, allowed_addresses=shared)
    for peer in nest.peers:
        for ip in ("10.0.0.77", "10.0.0.30"):
            assert len(got_through(nest.liar, peer, *claims(ip, peer))) >= 4
        assert len(got_through(nest.liar, peer, *claims("fd00::77", peer))) \
            >= 3
    assert nest.fails_to_be("10.0.0.1", "10.0.0.21", "10.0.0.23")
    mac = nest.router()
    assert nest.fails_to_be("10.0.0.77", "fd00::77", mac=mac)


def test_to_be_allowed_what_is_anothers(nest):
    """By somebody who may change ports, and names the address of another."""
    world = nest.world
    mac = nest.router()
    world.put("loadbalancers", "lb", vip="10.0.0.100", networks=["net"],
              protocol="tcp", ports=[{"port": 80}],
              backends=[{"port": "peerh1"}])
    world.put("ports", "evil", network="net", ips=["10.0.0.99"])

    def refused(*allowed, where="/spec/allowed_addresses", **spec):
        with pytest.raises(Refused) as error:
            world.api.patch("ports/evil", dict(
                {"allowed_addresses": list(allowed)}, **spec))
        assert where in str(error.value), error.value
        return True

    for ip in ("10.0.0.1", "fd00::1", frames.link_local(mac), "10.0.0.100",
               nest.peers[0].ip, nest.peers[1].ip6, "10.0.0.60",
               frames.link_local(nest.liar.mac), "169.254.0.53"):
        assert refused({"ip": ip}), ip
    for taken in (mac, nest.liar.mac):
        assert refused({"ip": "10.0.0.98", "mac": taken})
    # What two share is nobody's own, and stays so.
    for name in ("evil", "peerh1"):
        world.patch("ports", name, allowed_addresses=[{"ip": "10.0.0.98"}])
    with pytest.raises(Refused) as error:
        world.api.put("ports/thief", {"network": "net",
                                      "ips": ["10.0.0.98"]})
    assert "/spec/ips" in str(error.value)


def test_to_answer_for_what_is_in_an_allowed_prefix(nest):
    """A port that is allowed a prefix forwards for those in it, but is none of
    them: not by ARP, nor by neighbour discovery."""
    world = nest.world
    mac = nest.router()
    broad = world.vm("broad", "net", "h1", ["10.0.0.30", "fd00::30"],
                     allowed_addresses=[
                         {"ip": "0.0.0.0/0"}, {"ip": "fd00::/64"},
                         {"ip": "fe80::/64"}, {"ip": "10.0.0.128/26"}])
    taken = ["10.0.0.1", "fd00::1", frames.link_local(mac), "10.0.0.60"]
    for peer in nest.peers:
        others = [ip for p in nest.peers if p is not peer
                  for ip in (p.ip, p.ip6)]
        for ip in taken + others:
            said = claims(ip, peer, broad.mac)[1:]
            if ":" in ip:
                said = [frames.advertisement(peer.mac, broad.mac, broad.ip6,
                                             peer.ip6, ip, broad.mac),
                        frames.solicitation(broad.mac, ip, peer.ip6, broad.mac,
                                            to=(peer.mac, peer.ip6)), *said]
            assert not heard(broad, peer, *said), ip
        # But its own, and what nobody has.
        for ip in ("10.0.0.130", broad.ip, "10.0.0.201"):
            assert len(heard(broad, peer, *claims(ip, peer,
                                                  broad.mac)[1:])) >= 1, ip
        for ip in (broad.ip6, "fd00::1:30"):
            assert heard(broad, peer, frames.advertisement(
                peer.mac, broad.mac, broad.ip6, peer.ip6, ip, broad.mac)), ip


def heard(sender, to, *sent):
    """Those of 'sent' that arrive at 'to'; an honest packet comes last."""
    honest = frames.udp(to.mac, sender.mac, sender.ip, to.ip, 9, 9, b"honest")
    with frames.Capture(to.ns) as capture:
        for n in (1, 2):
            frames.send(sender, *sent, honest)
            assert capture.wait(
                lambda f: capture.frames.count(honest) >= n, 10)
        return [frames.parse(f) for f in capture.frames if f in sent]


# On a physical network.  ----------------------------------------------------

@pytest.fixture
def wired(world):
    """Router "r" of network "net" leads out by network "out", in which there
    is a port with "unknown"; and a machine outside."""
    world.provider_hosts_are("h1", "h2")
    world.put("networks", "out", provider={"physical": "dc"}, mtu=1500,
              subnets=[{"cidr": "198.51.100.0/24", "gateway": "198.51.100.1"},
                       {"cidr": "fd51::/64", "gateway": "fd51::1"}])
    nest = Nest(world)
    world.put("routers", "r", interfaces=[{"network": "net"}], external={
        "network": "out", "addresses": ["198.51.100.2", "fd51::2"],
        "gateways": [{"host": "h2"}]})
    world.put("floating-ips", "f4", router="r", ip="198.51.100.24",
              port="peerh1")
    world.put("floating-ips", "f6", router="r", ip="fd51::24", port="peerh3")
    nest.liar = world.vm("wired", "out", "h1", ["198.51.100.11", "fd51::11"],
                         unknown=True)
    nest.peers = [world.outside("victim", "198.51.100.50/24", "fd51::50/64")]
    return nest


def test_to_be_a_floating_address(wired):
    assert wired.fails_to_be("198.51.100.24", "fd51::24")


def test_to_be_the_way_in(wired):
    """The router's addresses outside, and its MAC there."""
    mac = wired.world.api.get("routers/r")["status"]["mac"]
    assert wired.fails_to_be("198.51.100.2", "fd51::2",
                             frames.link_local(mac))
    assert wired.fails_to_be(*WIRE_FREE, mac=mac)


def test_to_be_the_way_out(wired):
    """The physical network's own gateway, which is outside."""
    assert wired.fails_to_be("198.51.100.1", "fd51::1")


def test_to_be_allowed_an_external_address(wired):
    wired.world.put("ports", "evil", network="out", ips=["198.51.100.99"])
    for ip in ("198.51.100.24", "fd51::24", "198.51.100.2", "fd51::2",
               "198.51.100.1", "fd51::1"):
        with pytest.raises(Refused) as error:
            wired.world.api.patch("ports/evil", {
                "allowed_addresses": [{"ip": ip}]})
        assert "/spec/allowed_addresses" in str(error.value), ip


def test_a_floating_address_that_is_gone_is_nobodys(wired):
    wired.world.delete("floating-ips", "f4")
    wired.world.made.remove(("floating-ips", "f4"))
    victim = wired.peers[0]
    assert len(got_through(wired.liar, victim,
                           *claims("198.51.100.24", victim))) >= 4


# What all share.  -----------------------------------------------------------

def connections(host, ip, port=None):
    """How many connections to 'ip' the host's conntrack has."""
    text = host.appctl("dpctl/dump-conntrack")
    return sum("dst=%s," % ip in line and (port is None or "dport=%d" % port
                                           in line)
               for line in text.splitlines())


def open_many(vm, gateway_mac, ip, port, first=1024, last=65535):
    """Sends a packet from each of its ports: each opens a connection."""
    with netns.socket_in(vm.ns, socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind(("eth0", 0))
        for source in range(first, last + 1):
            sock.send(frames.udp(gateway_mac, vm.mac, vm.ip, ip, source, port,
                                 b"x"))


def test_to_use_up_the_source_ports_of_nat(world):
    """One VM opens a connection from each of its ports to one server outside.
    Others still reach that server by the same address."""
    world.provider_hosts_are("h2")
    world.put("networks", "out", provider={"physical": "dc"}, mtu=1500,
              subnets=[{"cidr": "198.51.100.0/24",
                        "gateway": "198.51.100.1"}])
    world.put("networks", "net", subnets=[
        {"cidr": "10.0.0.0/24", "gateway": "10.0.0.1"}])
    world.put("routers", "r", interfaces=[{"network": "net"}], external={
        "network": "out", "addresses": ["198.51.100.2"],
        "gateways": [{"host": "h2"}]})
    mac = world.api.get("routers/r")["status"]["mac"]
    server = world.outside("server", "198.51.100.50/24", udp=[53])
    greedy = world.vm("greedy", "net", "h1", "10.0.0.17")
    modest = world.vm("modest", "net", "h3", "10.0.0.18")
    assert world.answers(greedy, server.ip, 53, "udp") == "server"
    host = world.lab.host("h2")

    def opened():
        before = connections(host, server.ip, 53)
        open_many(greedy, mac, server.ip, 53)
        return connections(host, server.ip, 53) <= before + 100
    wait_for("no more ports", opened, 60)
    # Where the port of its own is taken a switch looks for another here and
    # there, and may look in vain; who asks tries again.
    n = left = 100
    for _ in range(4):
        left -= traffic.probe([traffic.Probe(modest, "udp", server.ip, 53)
                               for _ in range(left)], 3.0).count("server")
    assert left <= 0.1 * n, left


def test_to_use_up_the_source_ports_of_nat_together(world):
    """Two VMs open a connection from each of their ports to one server
    outside: the second gets what is left, where others would find a port.  Not
    with strict shares."""
    world.provider_hosts_are("h2")
    world.put("networks", "out", provider={"physical": "dc"}, mtu=1500,
              subnets=[{"cidr": "198.51.100.0/24",
                        "gateway": "198.51.100.1"}])
    world.put("networks", "net", subnets=[
        {"cidr": "10.0.0.0/24", "gateway": "10.0.0.1"}])
    world.put("routers", "r", interfaces=[{"network": "net"}], external={
        "network": "out", "addresses": ["198.51.100.2"],
        "gateways": [{"host": "h2"}], "strict_port_shares": True})
    mac = world.api.get("routers/r")["status"]["mac"]
    server = world.outside("server", "198.51.100.50/24", udp=[53])
    greedy = [world.vm("greedy%d" % n, "net", "h1", "10.0.0.%d" % n)
              for n in (17, 18)]
    modest = world.vm("modest", "net", "h3", "10.0.0.19")
    for vm in *greedy, modest:
        assert world.answers(vm, server.ip, 53, "udp") == "server"
    host = world.lab.host("h2")
    host.appctl("dpctl/flush-conntrack")    # What others have left.

    # A port is a sender's whatever it is that he sends from.
    def ports_of(vm):
        return [int(re.search(r"reply=.*dport=(\d+)", line).group(1))
                for line in host.appctl("dpctl/dump-conntrack").splitlines()
                if "src=%s,dst=%s," % (vm.ip, server.ip) in line
                and "dst=198.51.100.2," in line]

    def opened_some(vm):
        open_many(vm, mac, server.ip, 53, 40000, 40099)
        return len(ports_of(vm)) > 90
    for vm in *greedy, modest:
        wait_for("connections of %s" % vm.ip, lambda v=vm: opened_some(v), 60)
        first = 1024 + 4032 * (int(vm.ip.rsplit(".")[-1]) % 16)
        assert all(first <= port < first + 4032 for port in ports_of(vm))

    def opened():
        before = connections(host, server.ip, 53)
        for vm in greedy:
            open_many(vm, mac, server.ip, 53)
        return connections(host, server.ip, 53) <= before + 100
    wait_for("no more ports", opened, 90)
    answers = traffic.probe([traffic.Probe(modest, "udp", server.ip, 53)
                             for _ in range(100)], 10.0)
    assert answers.count("server") >= 90


@pytest.fixture
def small_conntrack(world):
    """h1 with room for so few connections that a VM can have them all."""
    host = world.lab.host("h1")
    host.appctl("dpctl/flush-conntrack")    # What others have left.
    host.appctl("dpctl/ct-set-maxconns", "1500")
    yield host
    host.appctl("dpctl/ct-set-maxconns", "3000000")
    host.appctl("dpctl/flush-conntrack")
    world.patch("hosts", "h1", connection_limit=None)


def others_get_through(vm, ip, n=20):
    """How many of 'n' new connections get an answer."""
    found = traffic.probe([traffic.Probe(vm, "udp", ip, 53)
                           for _ in range(n)], 3.0)
    return sum(answer is not None for answer in found)


@pytest.mark.parametrize("by_vip", [False, True], ids=["direct", "vip"])
@pytest.mark.parametrize("limited", ["hosts/h1", "ports/greedy"])
def test_to_fill_conntrack(world, small_conntrack, by_vip, limited):
    """One VM opens a connection from each of its ports, to a neighbour or by a
    virtual IP, until its host has room for no more; with a limit, of the host
    or of the port alone, it has not."""
    world.put("networks", "net", subnets=[{"cidr": "10.0.0.0/24"}])
    server = world.vm("server", "net", "h3", "10.0.0.20", udp=[53])
    greedy, modest = [world.vm(name, "net", "h1", ip,
                               labels={"role": "client"})
                      for name, ip in (("greedy", "10.0.0.17"),
                                       ("modest", "10.0.0.18"))]
    # Clients get answers alone, and which packets are some conntrack knows.
    world.group("clients", "role=client")
    world.policy("shut", "clients", rule("ingress", "deny"))
    ip, mac = server.ip, server.mac
    if by_vip:
        ip = "10.0.0.100"
        world.put("loadbalancers", "lb", vip=ip, networks=["net"],
                  protocol="udp", ports=[{"port": 53}],
                  backends=[{"port": "server"}])
    assert world.answers(greedy, ip, 53, "udp") == "server"
    assert world.answers(modest, ip, 53, "udp") == "server"
    if by_vip:
        mac = next(line.split()[4] for line in greedy.run(
            "ip", "neigh").splitlines() if line.startswith(ip + " "))

    def fill():
        open_many(greedy, mac, ip, 53, 1024, 12000)
        return others_get_through(modest, ip)
    # Without a limit.
    wait_for("conntrack to be full", lambda: fill() <= 5, 60)
    # Within it, the most that greedy has until the first are forgotten is
    # half of what there is room for.
    kind, name = limited.split("/")
    world.patch(kind, name, connection_limit={"rate": 10, "burst": 100})
    world.revalidated()
    small_conntrack.appctl("dpctl/flush-conntrack")
    fill()
    # Who asks has the host's limit, too.
    wait_for("room for others", lambda: fill() >= 18, 60)
    assert connections(small_conntrack, "10.0.0.20") < 1400
