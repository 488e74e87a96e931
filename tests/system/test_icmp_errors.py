# SPDX-License-Identifier: Apache-2.0
"""ICMP errors arrive: each way to a VM, each error, both families, from the
address of the router that sends it, and about the packet that its sender
knows.  Packets that are too large end with such an error, also as
fragments."""

import itertools
import select
import socket
import struct

import pytest
from conftest import World, check_log
from test_router import _IP_RECVERR, _IPV6_RECVERR, _ORIGIN_ICMP, _ORIGIN_ICMP6

from vmnlab import frames, netns, traffic
from vmnlab.netns import wait_for

# The MTU of networks "a" and "p"; "b" and "inet" have the default, which is
# larger.
MTU = 1400
TOO_BIG, TTL, PORT, HOST, REJECTED = (
    "too big", "time exceeded", "port unreachable", "host unreachable",
    "prohibited")
# Type and code of each error.
CODES = {4: {TOO_BIG: (3, 4), TTL: (11, 0), PORT: (3, 3), HOST: (3, 1),
             REJECTED: (3, 13)},
         6: {TOO_BIG: (2, 0), TTL: (3, 0), PORT: (1, 4), HOST: (1, 3),
             REJECTED: (1, 1)}}
ROUTER = {4: "198.51.100.10", 6: "2001:db8:5::10"}
PLAIN = {4: "198.51.100.11", 6: "2001:db8:5::11"}
B_GATEWAY = {4: "10.0.2.1", 6: "fd00:2::1"}
# The VMs' hosts: the gateway, one on the physical network, one without.
HOSTS = {"1": "h1", "2": "h2", "3": "h3"}


# Source ports of TCP segments, and identifiers of pings.
numbers = itertools.count(20000)


def client_socket(source, version, protocol="udp"):
    """A socket that reports errors, and sends what may not be cut up, whatever
    MTU its kernel has learned."""
    family = socket.AF_INET6 if version == 6 else socket.AF_INET
    if protocol == "udp":
        sock = netns.socket_in(source.ns, family, socket.SOCK_DGRAM)
    else:
        sock = netns.socket_in(
            source.ns, family, socket.SOCK_RAW,
            socket.IPPROTO_TCP if protocol == "tcp" else
            socket.IPPROTO_ICMPV6 if version == 6 else socket.IPPROTO_ICMP)
    if version == 6 and protocol == "tcp":
        # IPV6_CHECKSUM: where the kernel writes it.
        sock.setsockopt(socket.IPPROTO_IPV6, 7, 16)
    level = socket.IPPROTO_IPV6 if version == 6 else socket.IPPROTO_IP
    sock.setsockopt(level, _IPV6_RECVERR if version == 6 else _IP_RECVERR, 1)
    # IP_MTU_DISCOVER or IPV6_MTU_DISCOVER: IP_PMTUDISC_PROBE.
    sock.setsockopt(level, 23 if version == 6 else 10, 3)
    return sock


def set_hops(sock, version, hops):
    if version == 6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)


def read_error(sock, version):
    """(address, (type, code), MTU) of an ICMP error for the socket, or
    None."""
    try:
        _, control, _, _ = sock.recvmsg(4096, 2048, socket.MSG_ERRQUEUE
                                        | socket.MSG_DONTWAIT)
    except (BlockingIOError, ConnectionError, OSError):
        return None
    for level, kind, data in control:
        if (level, kind) in ((socket.IPPROTO_IP, _IP_RECVERR),
                             (socket.IPPROTO_IPV6, _IPV6_RECVERR)):
            _, origin, type_, code, _, info = struct.unpack_from("=IBBBBI",
                                                                 data)
            if origin in (_ORIGIN_ICMP, _ORIGIN_ICMP6):
                where = data[24:40] if version == 6 else data[20:24]
                return (socket.inet_ntop(sock.family, where), (type_, code),
                        info)
    return None


def error_of(send, sock, version, seconds):
    """Sends until there is an error; None: there is none."""
    waiting = select.poll()
    waiting.register(sock, 0)   # For POLLERR alone.

    def told():
        try:
            send()
        except OSError:
            pass                # A pending error, which is read next.
        waiting.poll(300)
        return read_error(sock, version)
    try:
        return wait_for("an ICMP error", told, seconds, step=0.01)
    except netns.Error:
        return None


def payload(sock, protocol, ip, port, size):
    """What a socket sends so that its IP packet has 'size' bytes."""
    v6 = ":" in ip
    room = size - (40 if v6 else 20)
    if protocol == "udp":
        return bytes(room - 8)
    if protocol == "icmp":
        data = struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, next(numbers),
                           1) + bytes(room - 8)
        at, pseudo = 2, b""
    else:                       # A SYN.
        data = struct.pack("!HHIIBBHHH", next(numbers), port, 1, 0, 5 << 4, 2,
                           1024, 0, 0) + bytes(room - 20)
        at, pseudo = 16, socket.inet_pton(
            sock.family, sock.getsockname()[0]) + socket.inet_pton(
                sock.family, ip) + struct.pack("!HH", socket.IPPROTO_TCP, room)
    if v6:
        return data             # The kernel writes the checksum.
    return data[:at] + struct.pack("!H", frames.checksum(
        pseudo + data)) + data[at + 2:]


def provoke(source, ip, port, error, protocol="udp", seconds=6, hops=1,
            mtu=MTU):
    """The error about what 'source' sends to 'ip', as of error_of()."""
    version = 6 if ":" in ip else 4
    with client_socket(source, version, protocol) as sock:
        if error == TTL:
            set_hops(sock, version, hops)
        sock.connect((ip, port if protocol == "udp" else 0))
        return error_of(lambda: sock.send(payload(
            sock, protocol, ip, port, mtu + 1 if error == TOO_BIG else 80)),
                        sock, version, seconds)


def provoke_by_reply(client, server, ip, hops, size, version):
    """The error about what 'server' answers 'client', with so many hops left
    and of so many bytes."""
    with client_socket(server, version) as there, \
            netns.socket_in(client.ns, traffic.family_of(ip),
                            socket.SOCK_DGRAM) as here:
        there.bind((ip, 0))
        there.settimeout(0.5)
        port = there.getsockname()[1]
        set_hops(there, version, 64)

        def opened():
            here.sendto(b"open", (ip, port))
            try:
                return there.recvfrom(100)[1]
            except TimeoutError:
                return None
        peer = wait_for("a datagram of %s" % client.name, opened, 30)
        set_hops(there, version, hops)
        return error_of(lambda: there.sendto(bytes(
            size - (48 if version == 6 else 28)), peer), there, version, 6)


def check(found, version, error, source, mtu=MTU):
    """What is wrong with an error, or None."""
    wanted = (source, CODES[version][error])
    if not found:
        return "no error"
    if found[:2] != wanted:
        return "%s, not %s" % (found[:2], wanted)
    if error == TOO_BIG and found[2] != mtu:
        return "MTU %d" % found[2]
    return None


@pytest.fixture(scope="module")
def shop(module_lab):
    """Router "r" with networks "a" and "b" and its gateway on h1: a1, a2 and
    a3 have floating addresses, which are distributed but for that of a3; s1
    to s3 have none.  Router "q" joins "p" and translates nothing.  Outside is
    a machine, which knows how to reach "p"."""
    world = World(module_lab)
    try:
        yield make_shop(world)
        check_log(module_lab.vmnd)
    finally:
        world.close()


def make_shop(world):
    world.provider_hosts_are("h1", "h2")
    world.put("networks", "inet", provider={"physical": "dc"}, subnets=[
        {"cidr": "198.51.100.0/24", "gateway": "198.51.100.254"},
        {"cidr": "2001:db8:5::/64", "gateway": "2001:db8:5::fe"}])
    for name, n, mtu in (("a", 1, MTU), ("b", 2, None), ("p", 7, MTU)):
        world.put("networks", name, mtu=mtu, subnets=[
            {"cidr": "10.0.%d.0/24" % n, "gateway": "10.0.%d.1" % n},
            {"cidr": "fd00:%d::/64" % n, "gateway": "fd00:%d::1" % n}])
    gateways = [{"host": "h1"}]
    vms = {}
    for n, host in HOSTS.items():
        for kind, network, link, base in (("a", "a", 1, 10), ("s", "a", 1, 20),
                                          ("b", "b", 2, 10),
                                          ("p", "p", 7, 10)):
            last = base + int(n)
            vms[kind + n] = world.vm(kind + n, network, host, [
                "10.0.%d.%d" % (link, last), "fd00:%d::%d" % (link, last)],
                udp=[53])
    forwards = [{"address": ROUTER[version], "protocol": protocol,
                 "port": 8000 + i + int(n), "to": "s" + n, "target": port}
                for version in (4, 6) for n in HOSTS
                for protocol in ("udp", "tcp")
                for i, port in ((0, 53), (10, 54))]
    world.put("routers", "r", interfaces=[{"network": "a"}, {"network": "b"}],
              external={"network": "inet", "gateways": gateways,
                        "addresses": [ROUTER[4], ROUTER[6]],
                        "forwards": forwards})
    world.put("routers", "q", interfaces=[{"network": "p"}], external={
        "network": "inet", "gateways": gateways, "routed": True,
        "addresses": [PLAIN[4], PLAIN[6]]})
    for n in HOSTS:
        for version, inside, outside in (
                (4, "10.0.1.%d", "198.51.100.%d"),
                (6, "fd00:1::%d", "2001:db8:5::%d")):
            name = "%d-%s" % (version, n)
            world.put("floating-ips", "f" + name, router="r", port="a" + n,
                      ip=outside % (30 + int(n)))
            world.put("loadbalancers", "w" + name, networks=["a"],
                      vip=inside % (100 + int(n)), protocol="udp",
                      ports=[{"port": 8000, "target": 53},
                             {"port": 8010, "target": 54}],
                      backends=[{"port": "s" + n}])
            world.put("floating-ips", "v" + name, router="r",
                      load_balancer="w" + name, ip=outside % (60 + int(n)))
    vms["out"] = world.outside("out", "198.51.100.50/24",
                               "2001:db8:5::50/64", udp=[53])
    for to, via in (("10.0.7.0/24", PLAIN[4]), ("fd00:7::/64", PLAIN[6])):
        vms["out"].run("ip", "route", "add", to, "via", via)
    wait_for("gateways", lambda: all(world.api.get("routers/" + r)["status"]
             .get("gateway") == "h1" for r in "qr"), 60)
    return world, vms


def ways(version, n):
    """(way, client, address, port with a server, port without one, the
    router's address) to VMs on host 'n'."""
    inside, outside = (("10.0.%d.%d", "198.51.100.%d") if version == 4
                       else ("fd00:%d::%d", "2001:db8:5::%d"))
    n = int(n)
    return [
        ("floating", "out", outside % (30 + n), 53, 54, ROUTER[version]),
        ("forward", "out", ROUTER[version], 8000 + n, 8010 + n,
         ROUTER[version]),
        ("floating VIP", "out", outside % (60 + n), 8000, 8010,
         ROUTER[version]),
        ("routed", "out", inside % (7, 10 + n), 53, 54, PLAIN[version]),
        *(("%s %s" % (way, client), client, inside % (1, last + n), port, none,
           B_GATEWAY[version])
          for client in ("b1", "b2", "b3")
          for way, last, port, none in (("routed from", 20, 53, 54),
                                        ("VIP from", 100, 8000, 8010))),
    ]


def protocols(way):
    """What is sent that way: the virtual IPs are UDP's, and a ping of the
    router's address is answered by the router."""
    return (("udp",) if "VIP" in way else ("udp", "tcp") if way == "forward"
            else ("udp", "tcp", "icmp"))


def errors_of(way):
    """(error, protocol): a closed port of TCP is a reset, and the router does
    not forward what comes for a virtual IP from outside."""
    yield PORT, "udp"
    for protocol in protocols(way):
        yield TOO_BIG, protocol
        if way != "floating VIP":
            yield TTL, protocol


@pytest.mark.parametrize("version", (4, 6))
def test_senders_receive_errors(shop, version):
    """Of each way, and wherever the VM is."""
    world, vms = shop
    wrong = []
    for n in HOSTS:
        for way, client, ip, port, none, router in ways(version, n):
            assert wait_for("%s to h%s" % (way, n), lambda: traffic.ask(
                vms[client], ip, port, "udp", 0.5), 30)
            balanced = way == "floating VIP"
            for error, protocol in errors_of(way):
                found = provoke(vms[client], ip, none if error == PORT
                                else port, error, protocol)
                why = check(found, version, error,
                            ip if balanced or error == PORT else router)
                if why:
                    wrong.append("%s to h%s, %s, %s: %s" % (
                        way, n, protocol, error, why))
    for client, network, router in (("out", 7, PLAIN), ("b1", 1, B_GATEWAY),
                                    ("b3", 1, B_GATEWAY)):
        ip = ("10.0.%d.99" if version == 4 else "fd00:%d::99") % network
        why = check(provoke(vms[client], ip, 53, HOST), version, HOST,
                    router[version])
        if why:
            wrong.append("%s to %s: %s" % (client, ip, why))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("version", (4, 6))
def test_senders_of_replies_receive_errors(shop, version):
    """Machines outside that answer VMs with floating addresses, and others."""
    _, vms = shop
    outside = {4: "198.51.100.%d", 6: "2001:db8:5::%d"}[version]
    wrong = []
    for n in HOSTS:
        for kind, source in (("a", outside % (30 + int(n))),
                             ("s", ROUTER[version])):
            for error, hops, size in (TTL, 1, 80), (TOO_BIG, 64, MTU + 1):
                why = check(provoke_by_reply(
                    vms[kind + n], vms["out"], outside % 50, hops, size,
                    version), version, error, source)
                if why:
                    wrong.append("%s%s, %s: %s" % (kind, n, error, why))
    assert not wrong, "\n".join(wrong)


def trace(world, source, way, protocol, size):
    """(verdict, reason, verdict of the error that goes back) of a trace."""
    _, client, ip, port, _, _ = way
    request = {"from": client, "to": ip, "protocol": protocol, "size": size}
    if protocol != "icmp":
        request["port"] = port
    if client == "out":
        request["from"] = "outside"
        request["source_ip"] = source.ip6 if ":" in ip else source.ip
    outcome = world.api.call("POST", "/v1/trace", request)["outcomes"][0]
    return (outcome["verdict"], outcome["at"].get("reason"),
            outcome.get("answer", {}).get("verdict"))


@pytest.mark.parametrize("version", (4, 6))
def test_traces_say_the_same_of_sizes(shop, version):
    """What is as large as the smaller MTU is delivered; one byte more is
    dropped, and an error goes back."""
    world, vms = shop
    wrong = []
    for way in (way for n in HOSTS for way in ways(version, n)):
        for protocol in protocols(way[0]):
            for size, wanted in (
                    (MTU, ("delivered", None, None)),
                    (MTU + 1, ("dropped", "larger than the MTU",
                               "delivered"))):
                said = trace(world, vms[way[1]], way, protocol, size)
                if said != wanted:
                    wrong.append("%s, %s, %d bytes: %s" % (
                        way, protocol, size, said))
    assert not wrong, "\n".join(wrong)


def large_echo(client, server, ip, size=4000):
    """Whether a datagram of 'size' bytes comes to a server and back, both
    ways in fragments."""
    family = traffic.family_of(ip)
    with netns.socket_in(server.ns, family, socket.SOCK_DGRAM) as there, \
            netns.socket_in(client.ns, family, socket.SOCK_DGRAM) as here:
        there.bind(("::" if ":" in ip else "0.0.0.0", 7777))
        there.settimeout(0.5)
        here.settimeout(0.5)

        def answered():
            here.sendto(bytes(size), (ip, 7777))
            try:
                data, peer = there.recvfrom(size + 1)
                there.sendto(data, peer)
                return len(here.recv(size + 1)) == size
            except OSError:
                return False
        wait_for("%d bytes from %s to %s and back" % (size, client.name, ip),
                 answered, 30, step=0.1)


@pytest.mark.parametrize("version", (4, 6))
def test_fragments_fit_in_the_end(shop, version):
    """A sender outside, whose fragments are larger than the VM's network
    takes, receives an error about the first one, and sends smaller ones."""
    _, vms = shop
    out = vms["out"].ip if version == 4 else vms["out"].ip6
    for kind in "sap":
        for n in HOSTS:
            vm = vms[kind + n]
            vms["out"].run("ip", "-%d" % version, "route", "flush", "cache")
            wait_for("a ping of 3000 bytes from %s" % vm.name,
                     lambda v=vm: "1 received" in v.run(
                         "ping", "-%d" % version, "-c1", "-W1", "-s3000", out,
                         check=False), 30, step=0.1)
            vms["out"].run("ip", "-%d" % version, "route", "flush", "cache")
            large_echo(vm, vms["out"], out)
