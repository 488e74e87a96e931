# SPDX-License-Identifier: Apache-2.0
"""Frames by which a hostile guest tries to get past what judges its packets:
service chains, policies, quarantines, the guards of DHCP and of neighbour
discovery.  An attack that succeeds fails its test."""

import socket
import struct

import pytest
from app_lab import app_lab
from conftest import World, check_log, make_lab, rule
from service_functions import Bridge

from vmnlab import frames
from vmnlab.netns import wait_for

BROADCAST = frames.BROADCAST
GROUP4 = ("01:00:5e:00:00:fb", "224.0.0.251")
GROUP6 = ("33:33:00:00:00:fb", "ff02::fb")
UDP, ICMPV6 = 17, 58


@pytest.fixture(scope="module")
def lab():
    with app_lab(make_lab("frames", 2), "chains") as lab:
        yield lab


@pytest.fixture
def world(lab):
    world = World(lab)
    world.log = []
    world.functions = []
    world.network("net", "10.0.0.0/24", "fd00::/64")
    yield world
    for function in world.functions:
        function.close()
    world.close()
    check_log(lab.vmnd)
    assert lab.vmnd.pid() is not None, lab.vmnd.last_words(60)


def guests(world, **spec):
    """The liar "eve", an honest neighbour, and one to attack on each host."""
    eve = world.vm("eve", "net", "h1", labels={"role": "eve"}, **spec)
    honest = world.vm("honest", "net", "h1")
    return eve, honest, [world.vm("v" + h, "net", h, labels={"role": "victim"})
                         for h in ("h1", "h2")]


# Frames.  -------------------------------------------------------------------

def udp4(eve, to_ip, dst_port=7, payload=b"attack", src_port=7):
    """UDP as the payload of IPv4."""
    frame = frames.udp(BROADCAST, eve.mac, eve.ip, to_ip, src_port, dst_port,
                       payload)
    return frame[34:34 + 8 + len(payload)]


def udp6(src_ip, dst_ip, dst_port=7, payload=b"attack", src_port=7):
    frame = frames.udp6(BROADCAST, BROADCAST, src_ip, dst_ip, src_port,
                        dst_port, payload)
    return frame[54:54 + 8 + len(payload)]


def icmp6(src_ip, dst_ip, kind, rest):
    frame = frames.icmpv6(BROADCAST, BROADCAST, src_ip, dst_ip, kind, 0, rest)
    return frame[54:54 + 4 + len(rest)]


def fragments4(dst, eve, to_ip, protocol, payload):
    """The packet in two fragments."""
    whole = frames.ipv4(dst, eve.mac, eve.ip, to_ip, protocol, payload)
    found = []
    for more, first, part in ((0x2000, 0, payload[:8]), (0, 8, payload[8:])):
        head = bytearray(whole[14:34])
        struct.pack_into("!HHH", head, 2, 20 + len(part), 77,
                         more | first // 8)
        head[10:12] = b"\0\0"
        struct.pack_into("!H", head, 10, frames.checksum(bytes(head)))
        found.append(frames.ethernet(dst, eve.mac, frames.ETH_IP,
                                     bytes(head) + part))
    return found


def fragments6(dst, eve, src_ip, dst_ip, protocol, payload, first=b"",
               inner=None):
    """The packet in two fragments: 8 bytes, and the rest; or 'first', headers
    of their own, and all of the packet."""
    data = first + payload
    cut = len(first) or 8
    return [frames.ipv6(dst, eve.mac, src_ip, dst_ip, 44, struct.pack(
        "!BBHI", inner or protocol, 0, ofs | more, 4242) + part)
        for ofs, more, part in ((0, 1, data[:cut]), (cut, 0, data[cut:]))]


def options(protocol):
    """A header of options, which does nothing (PadN), in front of
    'protocol'."""
    return struct.pack("!BBBB4x", protocol, 0, 1, 4)


def source_route(dst, eve, via, to_ip):
    """UDP by a loose source route (RFC 791)."""
    head = struct.pack("!BBHHHBBH4s4s", 0x47, 0, 28 + 14, 1, 0, 64, UDP, 0,
                       socket.inet_aton(eve.ip), socket.inet_aton(via))
    head += struct.pack("!BBB4sB", 131, 7, 4, socket.inet_aton(to_ip), 0)
    head = head[:10] + struct.pack("!H", frames.checksum(head)) + head[12:]
    return frames.ethernet(dst, eve.mac, frames.ETH_IP,
                           head + udp4(eve, to_ip))


def unicast_in_groups(eve, to):
    return [frames.udp(BROADCAST, eve.mac, eve.ip, to.ip, 7, 7, b"attack"),
            frames.udp(GROUP4[0], eve.mac, eve.ip, to.ip, 7, 7, b"attack"),
            frames.udp(GROUP6[0], eve.mac, eve.ip, to.ip, 7, 7, b"attack"),
            frames.udp(BROADCAST, eve.mac, eve.ip, "240.0.0.1", 7, 7, b"e"),
            frames.udp6(BROADCAST, eve.mac, eve.ip6, to.ip6, 7, 7, b"attack"),
            frames.udp6(GROUP6[0], eve.mac, eve.ip6, to.ip6, 7, 7, b"attack"),
            frames.udp6(GROUP6[0], eve.mac, frames.link_local(eve.mac),
                        frames.link_local(to.mac), 7, 7, b"attack")]


def link_local(eve, to):
    mine, theirs = map(frames.link_local, (eve.mac, to.mac))
    syn = struct.pack("!HHIIBBHHH", 1000, 80, 1, 0, 0x50, 2, 1000, 0, 0)
    total = frames._sum6(mine, theirs, 6, syn)
    syn = syn[:16] + struct.pack("!H", total) + syn[18:]
    return [frames.udp6(to.mac, eve.mac, mine, theirs, 7, 7, b"attack"),
            frames.udp6(to.mac, eve.mac, mine, to.ip6, 7, 7, b"attack"),
            frames.udp6(to.mac, eve.mac, eve.ip6, theirs, 7, 7, b"attack"),
            frames.ipv6(to.mac, eve.mac, mine, theirs, 6, syn)]


def others(eve, to):
    """{what: frames} that are no UDP from address to address in a unicast
    frame."""
    return {
        "group in unicast frames": [
            frames.udp(to.mac, eve.mac, eve.ip, ip, 7, 7, b"attack")
            for ip in ("255.255.255.255", "10.0.0.255", GROUP4[1])] + [
            frames.udp6(to.mac, eve.mac, eve.ip6, ip, 7, 7, b"attack")
            for ip in ("ff02::1", GROUP6[1])],
        "other protocols": [
            frames.ipv4(to.mac, eve.mac, eve.ip, to.ip, p, b"attack" * 8)
            for p in (47, 50, 51, 253)] + [
            frames.ipv6(to.mac, eve.mac, eve.ip6, to.ip6, p, b"attack" * 8)
            for p in (47, 50, 253)],
        "SCTP": [frames.sctp(to.mac, eve.mac, eve.ip, to.ip, 7, 7)],
        "options": [source_route(to.mac, eve, to.ip, to.ip)],
        "extension headers": [
            frames.ipv6(to.mac, eve.mac, eve.ip6, to.ip6, kind,
                        options(UDP) + udp6(eve.ip6, to.ip6))
            for kind in (0, 60)],
        "fragments": fragments4(
            to.mac, eve, to.ip, UDP, udp4(eve, to.ip, payload=b"f" * 40))
        + fragments6(to.mac, eve, eve.ip6, to.ip6, UDP,
                     udp6(eve.ip6, to.ip6, payload=b"f" * 40)),
        "not IP": [
            frames.ethernet(to.mac, eve.mac, kind, b"attack" * 8)
            for kind in (0x88b5, 0x8847, 0x8863, 0x0806, 0x0030)] + [
            frames.ethernet(to.mac, eve.mac, tag, struct.pack(
                "!HH", 7, frames.ETH_IP) + frames.udp(
                    to.mac, eve.mac, eve.ip, to.ip, 7, 7, b"attack")[14:])
            for tag in (0x8100, 0x88a8)],
        "SNAP": [frames.mac_bytes(to.mac) + frames.mac_bytes(eve.mac)
                 + struct.pack("!H", 8 + 42) + b"\xaa\xaa\x03\0\0\0\x08\0"
                 + frames.udp(to.mac, eve.mac, eve.ip, to.ip, 7, 7,
                              b"attack" * 3)[14:]],
    }


def arrived(honest, sender, to, *forged):
    """Those of 'forged' that arrive at 'to' when 'sender' sends them; what
    'honest' sends last arrives after them.  A flood and what is for one take
    different ways in a switch, so they are sent twice."""
    last = frames.udp(to.mac, honest.mac, honest.ip, to.ip, 9, 9, b"honest")
    with frames.Capture(to.ns) as capture:
        for n in (1, 2):
            frames.send(sender, *forged)
            frames.send(honest, last)
            assert capture.wait(lambda f, n=n: capture.frames.count(last)
                                >= n, 20), "nothing arrives"
        return [f.hex() for f in capture.frames if f in forged]


def arrives(sender, to, frame):
    """Whether it arrives, which may be after what others send later: a switch
    forwards the first frame of a kind slowly."""
    with frames.Capture(to.ns) as capture:
        frames.send(sender, frame)
        return capture.wait(lambda f: f == frame)


def nothing_arrives(world, honest, sender, to, forged):
    return world.never(lambda: arrived(honest, sender, to, *forged))


# Group frames.  -------------------------------------------------------------

def test_unicast_packets_in_group_frames_are_dropped(world):
    eve, honest, victims = guests(world)
    for to in victims:
        assert not arrived(honest, eve, to, *unicast_in_groups(eve, to))
    wait_for("a counter", lambda: [
        d for d in world.api.get("drops")["counters"]
        if d.get("reason") == "unicast IP in a group frame"
        and d["packets"] > 0], 30)


def test_groups_and_broadcasts_arrive(world):
    eve, _, victims = guests(world)
    sent = [frames.udp(BROADCAST, eve.mac, eve.ip, ip, 7, 7, b"attack")
            for ip in ("255.255.255.255", "10.0.0.255")] + [
        frames.udp(GROUP4[0], eve.mac, eve.ip, GROUP4[1], 7, 7, b"attack"),
        frames.udp6(GROUP6[0], eve.mac, eve.ip6, GROUP6[1], 7, 7, b"attack")]
    for to in victims:
        for frame in sent:
            assert arrives(eve, to, frame), frame.hex()


def test_unicast_packets_in_group_frames_of_a_physical_network(world):
    world.provider_hosts_are("h1")
    world.network("wire", "198.51.100.0/24", provider={"physical": "dc"})
    to = world.vm("inside", "wire", "h1", "198.51.100.10")
    honest = world.vm("near", "wire", "h1", "198.51.100.11")
    eve = world.outside("eve", "198.51.100.20/24")
    forged = frames.udp(BROADCAST, eve.mac, eve.ip, to.ip, 7, 7, b"attack")
    fair = frames.udp(BROADCAST, eve.mac, eve.ip, "198.51.100.255", 7, 7,
                      b"attack")
    assert arrives(eve, to, fair)
    assert not arrived(honest, eve, to, forged)


# Past chains, policies and quarantines.  -----------------------------------

def block_chain(world, **more):
    """What eve sends to victims goes through a function that is down."""
    function = Bridge(world, "f", "net", "h2", world.log)
    world.functions.append(function)
    world.put("chains", "c", network="net", sources="role=eve",
              destinations="role=victim",
              hops=[{"name": "h0", "functions": [function.spec],
                     "on_failure": "block"}], **more)
    function.link(False)
    wait_for("the function to be down", lambda: world.api.get(
        "chains/c")["status"].get("down"), 30)
    world.settle()


def test_nothing_goes_round_a_chain(world):
    eve, honest, victims = guests(
        world, allowed_addresses=[{"ip": "10.0.0.200"}, {"ip": "fd00::200"}])
    block_chain(world)
    for to in victims:
        kinds = others(eve, to)
        kinds["usual"] = [frames.udp(to.mac, eve.mac, eve.ip, to.ip, 7, 7,
                                     b"usual")]
        kinds["group frames"] = unicast_in_groups(eve, to)
        kinds["link-local"] = link_local(eve, to)
        kinds["allowed addresses"] = [
            frames.udp(to.mac, eve.mac, "10.0.0.200", to.ip, 7, 7, b"attack"),
            frames.udp6(to.mac, eve.mac, "fd00::200", to.ip6, 7, 7, b"att")]
        for kind, forged in kinds.items():
            assert nothing_arrives(world, honest, eve, to, forged), kind
    # Neighbours are found, and victims may answer those who are not eve.
    assert world.reaches(honest, victims[0], protocol="icmp")


def test_guests_behind_a_port_do_not_go_round_a_chain(world):
    """Nor does the port, as one of them."""
    eve, honest, victims = guests(world, unknown=True)
    block_chain(world)
    for to in victims:
        forged = [frames.udp(to.mac, mac, ip, to.ip, 7, 7, b"attack")
                  for mac in (eve.mac, "02:aa:00:00:00:01")
                  for ip in (eve.ip, "10.0.0.77")]
        forged += [frames.udp6(to.mac, mac, ip, to.ip6, 7, 7, b"attack")
                   for mac in (eve.mac, "02:aa:00:00:00:01")
                   for ip in ("fd00::77", "fe80::77")]
        assert nothing_arrives(world, honest, eve, to, forged)


def test_chain_blocks_its_service_alone(world):
    eve, honest, victims = guests(world)
    block_chain(world, services=[{"protocol": "udp", "ports": ["7"]}])
    mine = frames.link_local(eve.mac)
    for to in victims:
        theirs = frames.link_local(to.mac)
        assert nothing_arrives(world, honest, eve, to, link_local(eve, to)[:3]
                               + fragments6(to.mac, eve, mine, theirs, UDP,
                                            udp6(mine, theirs,
                                                 payload=b"f" * 40)))
        for frame in (
                frames.udp6(to.mac, eve.mac, mine, theirs, 7, 8, b"x"),
                frames.udp(to.mac, eve.mac, eve.ip, to.ip, 7, 8, b"x")):
            assert arrives(eve, to, frame)


def test_victims_of_a_chain_answer_by_link_local_addresses(world):
    """What the chain's destinations have opened is not the chain's."""
    eve, _, victims = guests(world)
    block_chain(world)
    for to in victims:
        mine, theirs = map(frames.link_local, (eve.mac, to.mac))
        ask = frames.udp6(eve.mac, to.mac, theirs, mine, 1000, 7, b"ask")
        reply = frames.udp6(to.mac, eve.mac, mine, theirs, 7, 1000, b"reply")
        assert arrives(to, eve, ask)
        assert arrives(eve, to, reply)


def test_chain_may_be_bypassed_by_link_local_addresses(world):
    eve, honest, victims = guests(world)
    block_chain(world, unsupported="bypass")
    for to in victims:
        for frame in link_local(eve, to):
            assert arrives(eve, to, frame), frame.hex()
        assert nothing_arrives(world, honest, eve, to,
                               unicast_in_groups(eve, to))


def assert_nothing_arrives(world, honest, eve, victims):
    for to in victims:
        kinds = others(eve, to)
        kinds["group frames"] = unicast_in_groups(eve, to)
        kinds["link-local"] = link_local(eve, to)
        for kind, forged in kinds.items():
            assert nothing_arrives(world, honest, eve, to, forged), kind


def test_nothing_gets_past_a_denial(world):
    eve, honest, victims = guests(world)
    world.group("victims", "role=victim")
    world.group("eve", "role=eve")
    world.policy("p", "victims", rule("ingress", "deny", ["eve"]),
                 rule("ingress", "allow"))
    assert_nothing_arrives(world, honest, eve, victims)


def test_nothing_gets_out_of_a_quarantine(world):
    eve, honest, victims = guests(world)
    world.put("quarantines", "q", ports=["eve"])
    assert_nothing_arrives(world, honest, eve, victims)


def test_nothing_gets_past_a_denial_by_routed_neighbour_discovery(world):
    """No policy applies to neighbour discovery, and no router forwards it."""
    for i in (1, 2):
        world.put("networks", "net%d" % i, subnets=[
            {"cidr": "fd0%d::/64" % i, "gateway": "fd0%d::1" % i}])
    world.put("routers", "r", interfaces=[{"network": "net1"},
                                          {"network": "net2"}])
    eve = world.vm("eve", "net1", "h1", labels={"role": "eve"})
    honest = world.vm("honest", "net1", "h1")
    victims = [world.vm("v" + h, "net2", h, labels={"role": "victim"})
               for h in ("h1", "h2")]
    world.group("victims", "role=victim")
    world.group("eve", "role=eve")
    world.policy("p", "victims", rule("ingress", "deny", ["eve"]),
                 rule("ingress", "allow"))
    router = world.api.get("routers/r")["status"]["mac"]
    rest = bytes(4) + socket.inet_pton(socket.AF_INET6, eve.ip6) \
        + b"\x0e\4" + b"attack past a denial" + bytes(10)
    for to in victims:
        fair = frames.udp6(router, honest.mac, honest.ip6, to.ip6, 9, 9,
                           b"honest")
        forged = [frames.ipv6(router, eve.mac, eve.ip6, to.ip6, ICMPV6,
                              icmp6(eve.ip6, to.ip6, kind, rest), hops=hops)
                  for kind in (133, 134, 135, 136, 137) for hops in (255, 64)]
        with frames.Capture(to.ns) as capture:
            for n in (1, 2):
                frames.send(eve, *forged)
                frames.send(honest, fair)
                assert capture.wait(lambda f, n=n: sum(
                    b"honest" in f for f in capture.frames) >= n, 20)
            assert not [f.hex() for f in capture.frames if b"attack" in f]


# DHCP and routers.  ---------------------------------------------------------

def dhcp_answers(eve, to):
    """{what: frames} of a DHCP or DHCPv6 server."""
    mine, theirs = map(frames.link_local, (eve.mac, to.mac))
    long = b"\2\1\6\0" + b"a" * 300
    reply6 = udp6(mine, theirs, 546, b"advertise" * 5, 547)
    return {
        "usual": [
            frames.udp(BROADCAST, eve.mac, eve.ip, "255.255.255.255", 67, 68,
                       long),
            frames.udp(to.mac, eve.mac, eve.ip, to.ip, 67, 68, long),
            frames.udp6(to.mac, eve.mac, mine, theirs, 547, 546, b"adv"),
            frames.udp6(to.mac, eve.mac, eve.ip6, to.ip6, 547, 546, b"adv")],
        "other ports": [
            frames.udp(to.mac, eve.mac, eve.ip, to.ip, 1067, 68, long),
            frames.udp6(to.mac, eve.mac, mine, theirs, 1547, 546, b"adv")],
        "groups": [
            frames.udp(GROUP4[0], eve.mac, eve.ip, GROUP4[1], 67, 68, long),
            frames.udp6(GROUP6[0], eve.mac, mine, GROUP6[1], 547, 546, b"a")],
        "extension headers": [
            frames.ipv6(to.mac, eve.mac, mine, theirs, kind,
                        options(UDP) + reply6) for kind in (0, 60)],
        "SNAP": [frames.mac_bytes(to.mac) + frames.mac_bytes(eve.mac)
                 + struct.pack("!H", 8 + 28 + 60)
                 + b"\xaa\xaa\x03\0\0\0\x08\0"
                 + frames.udp(to.mac, eve.mac, eve.ip, to.ip, 67, 68,
                              b"s" * 60)[14:]],
    }


def dhcp_fragments(eve, to):
    """The same in fragments, and the last one alone: who gets the first one
    as well has all of it."""
    mine, theirs = map(frames.link_local, (eve.mac, to.mac))
    reply6 = udp6(mine, theirs, 546, b"advertise" * 5, 547)
    return [
        fragments4(to.mac, eve, to.ip, UDP,
                   udp4(eve, to.ip, 68, b"f" * 64, 67)),
        fragments6(to.mac, eve, mine, theirs, UDP, reply6),
        fragments6(to.mac, eve, mine, theirs, UDP, reply6,
                   first=options(UDP), inner=60)]


def router_messages(eve, to):
    mine, theirs = map(frames.link_local, (eve.mac, to.mac))
    found = {}
    for name, kind, rest in (
            ("advertisement", 134, struct.pack("!IHHII", 64 << 24 | 1800,
                                               0, 0, 0, 0)),
            ("redirect", 137, bytes(36))):
        payload = icmp6(mine, theirs, kind, rest)
        found[name] = [frames.ipv6(to.mac, eve.mac, mine, theirs, ICMPV6,
                                   payload)] + [
            frames.ipv6(to.mac, eve.mac, mine, theirs, header,
                        options(ICMPV6) + payload) for header in (0, 60)]
        found[name + " in fragments"] = fragments6(
            to.mac, eve, mine, theirs, ICMPV6, payload)[:1]
        found[name + " behind a first fragment"] = fragments6(
            to.mac, eve, mine, theirs, ICMPV6, payload,
            first=options(ICMPV6), inner=60)[:1]
    return found


def test_guest_dhcp_server_is_blocked_without_vmn_dhcp(world):
    eve, honest, victims = guests(world)
    for to in victims:
        for kind, forged in dhcp_answers(eve, to).items():
            assert not arrived(honest, eve, to, *forged), kind
        for forged in dhcp_fragments(eve, to):
            assert forged[0].hex() not in arrived(honest, eve, to, *forged)


def test_guest_router_advertisements_are_dropped(world):
    eve, honest, victims = guests(world)
    for to in victims:
        for kind, forged in router_messages(eve, to).items():
            assert not arrived(honest, eve, to, *forged), kind


def test_port_with_dhcp_server_serves(world):
    """Its answers arrive, and it hears who has no address yet, wherever that
    one is."""
    server, honest, clients = guests(world, dhcp_server=True)
    for to in clients:
        kinds = dhcp_answers(server, to)
        for frame in kinds["usual"]:
            assert arrives(server, to, frame), frame.hex()
        ask = frames.udp(BROADCAST, to.mac, "0.0.0.0", "255.255.255.255", 68,
                         67, b"\1\1\6\0" + b"d" * 300)
        assert arrives(to, server, ask)
        # Nobody else serves, nor speaks in another's name.
        assert not arrived(honest, to, server, *dhcp_answers(
            to, server)["usual"])
        other = frames.udp(BROADCAST, server.mac, "10.0.0.77",
                           "255.255.255.255", 67, 68, b"spoofed")
        assert not arrived(honest, server, to, other)
    world.patch("ports", "eve", dhcp_server=False)
    for to in clients:
        assert nothing_arrives(world, honest, server, to,
                               dhcp_answers(server, to)["usual"])


# Neighbour discovery.  ------------------------------------------------------

def test_two_link_layer_addresses_announce_nothing(world):
    """Of a message with the same option twice a switch sees neither."""
    eve, honest, victims = guests(world)

    def option(kind, mac):
        return struct.pack("!BB", kind, 1) + frames.mac_bytes(mac)

    for to in victims:
        target = bytes(4) + socket.inet_pton(socket.AF_INET6, to.ip6)
        own = bytes(4) + socket.inet_pton(socket.AF_INET6, eve.ip6)
        for macs in ((honest.mac, eve.mac), (eve.mac, honest.mac),
                     (honest.mac, honest.mac), (eve.mac, eve.mac)):
            forged = [frames.icmpv6(
                to.mac, eve.mac, eve.ip6, to.ip6, 135, code, target
                + option(1, macs[0]) + option(1, macs[1]))
                for code in (0, 1)]
            forged += [frames.icmpv6(
                to.mac, eve.mac, eve.ip6, to.ip6, 136, code, own
                + option(2, macs[0]) + option(2, macs[1]))
                for code in (0, 1)]
            assert not arrived(honest, eve, to, *forged), macs
        fair = frames.solicitation(eve.mac, eve.ip6, to.ip6, eve.mac,
                                   (to.mac, to.ip6))
        assert arrives(eve, to, fair)


def test_fragments_announce_nothing(world):
    eve, honest, victims = guests(world)
    for to in victims:
        rest = (bytes(4) + socket.inet_pton(socket.AF_INET6, to.ip6)
                + struct.pack("!BB", 1, 1) + frames.mac_bytes(honest.mac))
        forged = fragments6(to.mac, eve, eve.ip6, to.ip6, ICMPV6,
                            icmp6(eve.ip6, to.ip6, 135, rest))
        assert not arrived(honest, eve, to, *forged)
