# SPDX-License-Identifier: Apache-2.0
"""Networks joined by routers: who reaches whom, over how many hops, by both
families; what routers answer themselves, and what becomes of packets that have
no way on."""

import itertools
import socket
import struct

import pytest
from conftest import rule

from vmnlab import frames, netns, traffic
from vmnlab.netns import wait_for

# Who reports what (linux/errqueue.h), and the options that have it told.
_ORIGIN_ICMP, _ORIGIN_ICMP6 = 2, 3
_IP_RECVERR, _IPV6_RECVERR, _IP_RECVTTL = 11, 25, 12


def network(world, name, n, **spec):
    """Network 10.0.N.0/24 and fd00:N::/64, whose gateways are .1 and ::1."""
    world.put("networks", name, subnets=[
        {"cidr": "10.0.%d.0/24" % n, "gateway": "10.0.%d.1" % n},
        {"cidr": "fd00:%x::/64" % n, "gateway": "fd00:%x::1" % n}], **spec)


def vm(world, name, net, n, host, number, **spec):
    """A VM with addresses that end in 'number' in network N."""
    made = world.vm(name, net, host, ["10.0.%d.%d" % (n, number),
                                      "fd00:%x::%x" % (n, number)], **spec)
    made.await_addresses()
    return made


def join(world, name, *networks, **spec):
    """A router with the gateways of networks."""
    world.put("routers", name,
              interfaces=[{"network": n} for n in networks], **spec)


def hop(source, ip, ttl, port=33434, seconds=2.0):
    """What a UDP datagram to 'ip' with this TTL is answered: (address, type,
    code) of an ICMP error, or None."""
    v6 = ":" in ip
    sock = netns.socket_in(source.ns, traffic.family_of(ip),
                           socket.SOCK_DGRAM)
    with sock:
        if v6:
            sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS,
                            ttl)
        else:
            sock.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        sock.setblocking(False)
        sock.connect((ip, port))
        sock.send(b"trace")

        def told():
            try:
                _, control, _, _ = sock.recvmsg(2048, 2048,
                                                socket.MSG_ERRQUEUE)
            except (BlockingIOError, ConnectionError, OSError):
                return None
            for level, kind, data in control:
                if (level, kind) in ((socket.IPPROTO_IP, _IP_RECVERR),
                                     (socket.IPPROTO_IPV6, _IPV6_RECVERR)):
                    _, origin, type_, code = struct.unpack_from("=IBBB", data)
                    if origin not in (_ORIGIN_ICMP, _ORIGIN_ICMP6):
                        continue
                    from_ = (socket.inet_ntop(socket.AF_INET6, data[24:40])
                             if v6 else
                             socket.inet_ntop(socket.AF_INET, data[20:24]))
                    return from_, type_, code
            return None
        try:
            return wait_for("an ICMP error", told, seconds, step=0.02)
        except netns.Error:
            return None


def told(source, ip, ttl):
    """The same as hop(), asked again until there is an answer: it comes by
    way of vmnd, and is late where that gets no processor."""
    return wait_for("an ICMP error about %s" % ip,
                    lambda: hop(source, ip, ttl), 20)


def route(source, ip, port=33434, seconds=30):
    """The addresses of all hops to 'ip', as traceroute has them: of routers,
    and at last of whoever says that nobody listens there."""
    found = []
    for ttl in range(1, 30):
        answer = wait_for("hop %d to %s" % (ttl, ip),
                          lambda: hop(source, ip, ttl, port), seconds)
        found.append(answer[0])
        if answer[1:] in ((3, 3), (1, 4)):
            return found
        assert answer[1:] == ((3, 0) if ":" in ip else (11, 0)), answer
    return found


def ttl_at(sink, source, ip, port=5005):
    """The TTL with which what 'source' sends comes to 'sink'."""
    v6 = ":" in ip
    with netns.socket_in(sink.ns, traffic.family_of(ip),
                         socket.SOCK_DGRAM) as server, \
            netns.socket_in(source.ns, traffic.family_of(ip),
                            socket.SOCK_DGRAM) as client:
        if v6:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT,
                              1)
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        else:
            server.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
        server.bind(("::" if v6 else "0.0.0.0", port))
        server.settimeout(0.5)

        def received():
            client.sendto(b"ttl", (ip, port))
            try:
                _, control, _, peer = server.recvmsg(100, 100)
            except TimeoutError:
                return None
            assert peer[0] in (source.ip, source.ip6), peer
            return struct.unpack("=i", control[0][2])[0]
        return wait_for("a datagram at %s" % sink.name, received, 30)


def pings(source, ip, *options):
    """Whether a ping is answered in the end."""
    def answered():
        return "1 received" in source.run(
            "ping", *options, "-c1", "-W1", ip, check=False)
    try:
        return wait_for("an answer to a ping", answered, 30)
    except netns.Error:
        return False


@pytest.fixture
def pair(world):
    """A router between two networks; in each a VM on either host."""
    network(world, "red", 1)
    network(world, "blue", 2)
    join(world, "r", "red", "blue")
    return {name: vm(world, name, net, n, host, number, tcp=[80], udp=[53])
            for name, net, n, host, number in (
                ("r1", "red", 1, "h1", 11), ("r2", "red", 1, "h2", 12),
                ("b1", "blue", 2, "h1", 11), ("b2", "blue", 2, "h2", 12))}


def test_two_networks_reach_each_other(world, pair):
    for one, other in itertools.permutations(pair.values(), 2):
        for ip in (other.ip, other.ip6):
            assert pings(one, ip)
            assert world.answers(one, ip) == other.name
            assert world.answers(one, ip, 53, "udp") == other.name
            same = one.name[0] == other.name[0]
            assert ttl_at(other, one, ip) == (64 if same else 63)


def test_a_router_answers_at_each_of_its_addresses(world, pair):
    for source, n in itertools.product(pair.values(), (1, 2)):
        for ip in ("10.0.%d.1" % n, "fd00:%x::1" % n):
            assert pings(source, ip)
            assert told(source, ip, 64)[0] == ip
            # Of TCP there is a reset.
            with netns.socket_in(source.ns, traffic.family_of(ip)) as sock:
                sock.settimeout(20)
                with pytest.raises(ConnectionRefusedError):
                    sock.connect((ip, 80))


def test_routes_show_every_hop(world, pair):
    for source, sink in (("r1", "b1"), ("r1", "b2"), ("b2", "r1")):
        source, sink = pair[source], pair[sink]
        n = 1 if source.name[0] == "r" else 2
        assert route(source, sink.ip) == ["10.0.%d.1" % n, sink.ip]
        assert route(source, sink.ip6) == ["fd00:%x::1" % n, sink.ip6]


def test_what_has_no_way_on_is_told(world, pair):
    r1 = pair["r1"]
    assert told(r1, "10.0.9.9", 64) == ("10.0.1.1", 3, 0)
    assert told(r1, "10.0.2.99", 64) == ("10.0.1.1", 3, 1)
    assert told(r1, "fd00:9::9", 64) == ("fd00:1::1", 1, 0)
    assert told(r1, "fd00:2::99", 64) == ("fd00:1::1", 1, 3)


# Three routers in a row.  --------------------------------------------------

# r1 joins n1 to n3, r2 n3 to n6, r3 n6 to n9.  The gateway of n3 is r1, that
# of n6 r2; the next router in a row has the address that ends in 2.
ROUTERS = {"r1": (1, 2, 3), "r2": (3, 4, 5, 6), "r3": (6, 7, 8, 9)}
SECOND = {("r2", 3), ("r3", 6)}
ROUTES = {"r1": {None: ("r2", 3)}, "r3": {None: ("r2", 6)},
          "r2": {1: ("r1", 3), 2: ("r1", 3), 7: ("r3", 6), 8: ("r3", 6),
                 9: ("r3", 6)}}


def address(router, n, v6):
    host = 2 if (router, n) in SECOND else 1
    return "fd00:%x::%x" % (n, host) if v6 else "10.0.%d.%d" % (n, host)


def way(source, sink, v6):
    """The addresses of the routers between two networks, by which a packet
    comes to each, worked out from the tables above alone."""
    hops, came = [], source
    at = next(r for r, ns in ROUTERS.items()
              if source in ns and (r, source) not in SECOND)
    if source == sink:
        return hops
    while True:
        hops.append(address(at, came, v6))
        if sink in ROUTERS[at]:
            return hops
        at, came = ROUTES[at].get(sink) or ROUTES[at][None]


def prefix(n, v6):
    if n is None:
        return "::/0" if v6 else "0.0.0.0/0"
    return "fd00:%x::/64" % n if v6 else "10.0.%d.0/24" % n


def make_row(world):
    """The networks and routers, and a VM of each network on each host."""
    for n in range(1, 10):
        network(world, "n%d" % n, n)
    for name, networks in ROUTERS.items():
        world.put("routers", name, interfaces=[
            {"network": "n%d" % n, "addresses": [
                address(name, n, v6) for v6 in (False, True)]}
            for n in networks], routes=[
                {"destination": prefix(n, v6), "via": [address(*via, v6)]}
                for n, via in ROUTES[name].items() for v6 in (False, True)])
    vms = {}
    for n, host in itertools.product(range(1, 10), (1, 2, 3)):
        vms[n, host] = world.vm(
            "n%dh%d" % (n, host), "n%d" % n, "h%d" % host,
            ["10.0.%d.1%d" % (n, host), "fd00:%x::1%d" % (n, host)],
            tcp=[80], labels={"net": "n%d" % n})
    for made in vms.values():
        made.await_addresses()
    return vms


def probe_all(vms, pairs, protocol):
    """{(who, whom, address): answer} for all pairs, by both families."""
    asked = [traffic.Probe(vms[a], protocol, ip, 80) for a, b in pairs
             for ip in (vms[b].ip, vms[b].ip6)]
    keys = [(a, b, ip) for a, b in pairs for ip in (vms[b].ip, vms[b].ip6)]
    found = dict.fromkeys(keys)
    for _ in range(15):
        left = [i for i, key in enumerate(keys) if not found[key]]
        for chunk in (left[i:i + 200] for i in range(0, len(left), 200)):
            answers = traffic.probe([asked[i] for i in chunk], 2.0)
            found.update(zip((keys[i] for i in chunk), answers))
        if all(found.values()):
            break
    return found


def ttls(vms, pairs, v6):
    """{(who, whom): TTL} of a datagram for each pair, as it comes in."""
    servers = {}
    for key, made in vms.items():
        sock = netns.socket_in(made.ns, socket.AF_INET6 if v6
                               else socket.AF_INET, socket.SOCK_DGRAM)
        if v6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
        sock.bind(("::" if v6 else "0.0.0.0", 5005))
        sock.setblocking(False)
        servers[key] = sock
    who = {made.ip6 if v6 else made.ip: key for key, made in vms.items()}
    found = {}

    def receive():
        for key, sock in servers.items():
            while True:
                try:
                    _, control, _, peer = sock.recvmsg(100, 100)
                except BlockingIOError:
                    break
                found[who[peer[0]], key] = struct.unpack(
                    "=i", control[0][2])[0]

    def complete():
        for a, b in pairs:
            if (a, b) not in found:
                servers[a].sendto(b"ttl", (vms[b].ip6 if v6 else vms[b].ip,
                                           5005))
                receive()
        receive()
        return set(found) >= set(pairs)
    try:
        wait_for("a datagram of everybody at everybody", complete, 30)
    finally:
        for sock in servers.values():
            sock.close()
    return found


def test_three_routers_and_nine_networks(world):
    vms = make_row(world)
    pairs = [(a, b) for a, b in itertools.permutations(vms, 2)]

    # Every pair, by ping and TCP, in both families.
    for protocol in ("icmp", "tcp"):
        found = probe_all(vms, pairs, protocol)
        wrong = {key: answer for key, answer in found.items()
                 if answer != ("icmp" if protocol == "icmp"
                               else vms[key[1]].name)}
        assert not wrong, list(wrong.items())[:10]

    # The TTL is one less for each router.
    for v6 in (False, True):
        found = ttls(vms, pairs, v6)
        wrong = {(a, b): ttl for (a, b), ttl in found.items()
                 if ttl != 64 - len(way(a[0], b[0], v6))}
        assert not wrong, list(wrong.items())[:10]

    # And every hop shows, from each network to each other, across hosts.
    for source, sink in itertools.permutations(range(1, 10), 2):
        a, b = vms[source, 1 + source % 3], vms[sink, 1 + sink % 3]
        for v6 in (False, True):
            ip = b.ip6 if v6 else b.ip
            assert route(a, ip) == way(source, sink, v6) + [ip]

    # So it is foretold.
    for source, sink in ((1, 9), (9, 1), (3, 5), (5, 3), (6, 2)):
        told = world.api.call("POST", "/v1/trace", {
            "from": vms[source, 1].name, "to": vms[sink, 2].name,
            "protocol": "tcp", "port": 80, "reply": True})
        assert told["verdict"] == "delivered", told

    # Policies hold over routers as inside of a network.
    for n in (1, 9):
        world.group("n%d" % n, "net=n%d" % n)
    world.policy("only-n1", "n9", rule("ingress", "allow", ["n1"]))
    let = [(a, b) for a, b in pairs if b[0] == 9 and a[0] == 1]
    kept = [(a, b) for a, b in pairs if b[0] == 9 and a[0] != 1]
    assert all(probe_all(vms, let, "tcp").values())
    for a, b in kept[::3]:
        assert world.blocked(vms[a], vms[b])
    # From there, everybody is reached, and answers come back.
    out = [(a, b) for a, b in pairs if a[0] == 9 and b[0] != 9]
    assert all(probe_all(vms, out[::3], "tcp").values())

    # A network that denies by default does so to other networks as well.
    world.delete("policies", "only-n1")
    world.patch("networks", "n5", default="deny")
    world.policy("in", "n1", rule("egress", "allow"))
    assert world.blocked(vms[1, 1], vms[5, 2])
    assert world.blocked(vms[5, 1], vms[5, 2])
    assert world.reaches(vms[5, 1], vms[1, 2])

    # What is cut off gets no word of routers either.
    world.patch("ports", vms[2, 1].name, quarantined=True)
    assert world.never(lambda: hop(vms[2, 1], "10.0.99.1", 64, seconds=0.5))
    assert world.never(lambda: "1 received" in vms[2, 1].run(
        "ping", "-c1", "-W1", "10.0.2.1", check=False))


# Routes.  ------------------------------------------------------------------

def test_same_addresses_behind_separate_routers(world):
    vms = {}
    for tenant, host in (("x", "h1"), ("y", "h2")):
        for n, color in ((1, "red"), (2, "blue")):
            network(world, tenant + color, n)
            vms[tenant, color] = vm(world, tenant + color, tenant + color, n,
                                    host, 11, tcp=[80])
        join(world, tenant, tenant + "red", tenant + "blue")
    for tenant in "xy":
        red, blue = vms[tenant, "red"], vms[tenant, "blue"]
        for a, b in ((red, blue), (blue, red)):
            for ip in (b.ip, b.ip6):
                assert world.answers(a, ip) == b.name


def appliance(world, name, host, number):
    """A VM that has 10.66.0.1 behind it, and answers there."""
    made = world.vm(name, "blue", host, "10.0.2.%d" % number,
                    allowed_addresses=[{"ip": "10.66.0.0/24"}])
    made.run("ip", "addr", "add", "10.66.0.1/32", "dev", "lo")
    made.run("ip", "link", "set", "lo", "up")
    world.servers.tcp(made, 80, "10.66.0.1")
    return made


def test_next_hops_share_connections(world):
    network(world, "red", 1)
    network(world, "blue", 2)
    client = vm(world, "client", "red", 1, "h1", 11)
    for i, host in enumerate(("h1", "h2", "h3")):
        appliance(world, "fw%d" % i, host, 21 + i)
    vias = ["10.0.2.%d" % n for n in (21, 22, 23)]
    join(world, "r", "red", "blue",
         routes=[{"destination": "10.66.0.0/24", "via": vias}])

    def serving(n=60):
        found = traffic.probe([traffic.Probe(client, "tcp", "10.66.0.1", 80)
                               for _ in range(n)], 3.0)
        return set(found)
    wait_for("all to serve", lambda: serving() == {"fw0", "fw1", "fw2"}, 20)

    # A connection stays where it is.
    held = [traffic.Connection(client, "10.66.0.1", 80) for _ in range(12)]
    first = [one.exchange(seconds=20) for one in held]
    assert all(first) and [one.exchange(seconds=20) for one in held] == first
    for one in held:
        one.close()

    # Nobody is sent to a next hop that is not there.
    world.patch("ports", "fw1", enabled=False)
    wait_for("the others to serve", lambda: serving() == {"fw0", "fw2"}, 20)
    world.lab.unplug("fw2")
    wait_for("the last to serve", lambda: serving() == {"fw0"}, 20)
    world.patch("ports", "fw0", enabled=False)
    wait_for("nobody to be there",
             lambda: hop(client, "10.66.0.1", 64) == ("10.0.1.1", 3, 1), 20)


def test_routes_by_source_and_to_nowhere(world):
    network(world, "red", 1)
    network(world, "blue", 2)
    clients = [vm(world, "c%d" % i, "red", 1, "h1", i) for i in (11, 12)]
    for i, host in enumerate(("h1", "h2")):
        appliance(world, "fw%d" % i, host, 21 + i)
    join(world, "r", "red", "blue", routes=[
        {"destination": "10.66.0.0/16", "via": ["10.0.2.21"]},
        {"destination": "10.66.0.0/16", "source": clients[1].ip,
         "via": ["10.0.2.22"]},
        {"destination": "10.66.9.0/24", "blackhole": True}])
    assert world.answers(clients[0], "10.66.0.1") == "fw0"
    assert world.answers(clients[1], "10.66.0.1") == "fw1"

    # Of what goes nowhere nobody is told.
    for client in clients:
        assert hop(client, "10.66.9.1", 64, seconds=1.0) is None
    wait_for("the drops to be told", lambda: [
        d for d in world.api.get("drops")["samples"]
        if (d["reason"], d["object"]) == (
            "blackhole route", {"type": "routers", "name": "r"})])


def test_routers_in_circles_end(world):
    """Two routers that send to each other what neither knows."""
    network(world, "red", 1)
    network(world, "blue", 2)
    network(world, "way", 3)
    for name, net, own, other in (("r", "red", 1, 2), ("s", "blue", 2, 1)):
        world.put("routers", name, interfaces=[
            {"network": net}, {"network": "way", "addresses": [
                "10.0.3.%d" % own, "fd00:3::%x" % own]}], routes=[
            {"destination": "0.0.0.0/0", "via": ["10.0.3.%d" % other]},
            {"destination": "::/0", "via": ["fd00:3::%x" % other]}])
    client = vm(world, "client", "red", 1, "h1", 11)
    far = vm(world, "far", "blue", 2, "h2", 11, tcp=[80])
    assert world.answers(client, far.ip) == "far"
    assert world.answers(client, far.ip6) == "far"
    for ttl, last in ((1, "10.0.1.1"), (2, "10.0.3.2"), (3, "10.0.3.1"),
                      (10, "10.0.3.2"), (25, "10.0.3.1"), (64, "10.0.3.2"),
                      (255, "10.0.3.2")):
        assert told(client, "10.9.9.9", ttl) == (last, 11, 0), ttl
    assert told(client, "fd00:9::9", 64) == ("fd00:3::2", 3, 0)
    # The switch did not give up: vmnd's flows ended it.
    with open(world.lab.hosts[0]._file("ovs-vswitchd.log")) as log:
        assert "over max translation depth" not in log.read()


# Time.  --------------------------------------------------------------------

def test_a_restart_of_vmnd_is_not_noticed(world, pair):
    running = [traffic.Pinger(pair["r1"], pair["b1"].ip).start(),
               traffic.Pinger(pair["r1"], pair["b2"].ip).start(),
               traffic.Pinger(pair["b2"], "10.0.2.1").start()]
    held = world.held(pair["b2"], pair["r1"])
    for how in ("kill", "stop"):
        getattr(world.lab.vmnd, how)()
        assert held.exchange(seconds=20)
        world.lab.vmnd.start()
        world.lab.await_synced()
    assert held.exchange(seconds=20)
    held.close()
    assert not {p.what: lost for p in running for lost in (p.stop(),) if lost}


def asked_again(guest, ip):
    """What 'guest' knows of neighbour 'ip' once that has answered it by its
    own address, as is asked who is known.  Linux asks three times, a second
    apart, and knows it no more if there is no answer: then by multicast, or
    broadcast, and again."""
    def known():
        return guest.run("ip", "neigh", "show", ip)

    def answered():
        if "lladdr" not in known():
            guest.run("ping", "-c1", "-W1", "-I", "eth0", ip, check=False)
        try:
            guest.run("ip", "neigh", "change", ip, "dev", "eth0", "nud",
                      "probe")
        except netns.Error:
            return None         # It does not know it.
        wait_for("an answer or none", lambda: "PROBE" not in known())
        found = known()
        return "REACHABLE" in found and found
    return wait_for("%s to be there still" % ip, answered, 60)


def test_a_router_is_found_to_be_there_still(world, pair):
    """By neighbour discovery: the answer says that it is a router."""
    r1 = pair["r1"]
    assert pings(r1, pair["b2"].ip6)
    for gateway in ("fd00:1::1", frames.link_local(
            world.api.get("routers/r")["status"]["mac"])):
        known = asked_again(r1, gateway)
        assert "router" in known, known
