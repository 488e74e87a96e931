# SPDX-License-Identifier: Apache-2.0
"""Guests as their systems configure them: link-local addresses that they
choose (RFC 7217), priority tags (IEEE 802.1Q), resolvers that ask DNS again by
TCP (RFC 7766).  docs/standards.md has the sections."""

import os
import socket
import struct
import subprocess

import pytest
from conftest import close_lab, make_lab, wait_counted
from dhcp_guests import Dhclient, addresses, bare_vm, enable_ipv6

from vmnlab import frames, netns
from vmnlab.frames import Capture
from vmnlab.netns import wait_for

CHOSEN = "fe80::1234:5678:9abc:def0"
SERVER = "169.254.0.53"
RESOLVER = "10.0.0.53"
MANY = ["10.1.%d.%d" % (i // 8, i % 8 + 1) for i in range(64)]


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("guests", 2, options=["--packet-port-rate=1000"])
    yield lab
    close_lab(lab)


def drops(world, reason):
    return sum(d["packets"] for d in world.api.get(
        "drops", reason=reason, background="true")["counters"])


def marked(text):
    return lambda frame: (frames.of_udp(frame) or (0, 0, b""))[2] == text


def udp6(source, sink, text, src_ip=None):
    return frames.udp6(sink.mac, source.mac, src_ip or source.ip6, sink.ip6,
                       4000, 4000, text)


def arrived(source, sinks, *sent):
    """What arrives at each of 'sinks' up to an honest datagram that 'source'
    sends behind 'sent'."""
    captures = [Capture(vm.ns) for vm in sinks]
    try:
        frames.send(source, *sent)
        for sink, seen in zip(sinks, captures):
            def honest(sink=sink, seen=seen):
                frames.send(source, udp6(source, sink, b"honest"))
                return seen.wait(marked(b"honest"), 0.5)
            wait_for("an honest packet at %s" % sink.name, honest, 30)
        return [[f for f in seen.read() if not marked(b"honest")(f)]
                for seen in captures]
    finally:
        for seen in captures:
            seen.close()


# Link-local addresses.  -----------------------------------------------------

def choose_address(vm):
    """Has the guest's kernel choose its link-local address (addr_gen_mode 3:
    at random)."""
    with netns.inside(vm.ns):
        for where in ("eth0", "default"):
            with open("/proc/sys/net/ipv6/conf/%s/addr_gen_mode" % where,
                      "w") as out:
                out.write("3")
    enable_ipv6(vm)

    def chosen():
        lines = [line.split() for line in vm.run(
            "ip", "-6", "-o", "addr", "show", "dev", "eth0").splitlines()]
        found = [words[3].split("/")[0] for words in lines
                 if "link" in words and "tentative" not in words]
        return found and found[0]
    address = wait_for("a link-local address of %s" % vm.name, chosen, 60)
    assert address != frames.link_local(vm.mac)
    return address


def test_guests_with_chosen_addresses_are_served(world, tmp_path):
    """RFC 4861, 4862, 8415: advertisements, DHCPv6, and neighbours on this
    host and on another one."""
    world.put("networks", "net", subnets=[
        {"cidr": "fd00::/64", "gateway": "fd00::ffff", "dhcp": True}])
    world.put("routers", "r", interfaces=[{"network": "net"}])
    vms = [bare_vm(world, name, "net", host)
           for name, host in (("a", "h1"), ("b", "h1"), ("c", "h2"))]
    chosen = [choose_address(vm) for vm in vms]
    for i, vm in enumerate(vms):
        wait_for("a default route of %s" % vm.name, lambda vm=vm: vm.run(
            "ip", "-6", "route", "show", "default", "dev", "eth0"), 60)
        with Dhclient(vm, tmp_path / vm.name, 6) as client:
            client.wait("BOUND6")
        wait_for("an address of %s" % vm.name, lambda vm=vm:
                 vm.own[0] in [a.split("/")[0] for a in addresses(vm, 6)])
        for address in chosen[:i] + chosen[i + 1:]:
            assert "1 received" in vm.run("ping", "-6", "-c1", "-W20", "-I",
                                          "eth0", address)


@pytest.fixture
def four(world):
    """The victim chooses an address; attackers are beside it and on another
    host, where its neighbour is."""
    world.network("net", "10.0.0.0/24", "fd00::/64")
    vms = {name: world.vm(name, "net", host, ["10.0.0.%d" % i, "fd00::%d" % i])
           for i, (name, host) in enumerate(
               (("victim", "h1"), ("near", "h1"), ("far", "h2"),
                ("other", "h2")), 1)}
    for vm in vms.values():
        vm.await_addresses()
    return vms


def claims(liar, sink, address):
    """Each way to use or to claim 'address', by its name."""
    return {
        "solicitation": frames.solicitation(liar.mac, address, sink.ip6,
                                            liar.mac, (sink.mac, sink.ip6)),
        "solicitation to the group": frames.solicitation(
            liar.mac, address, "fe80::77", liar.mac),
        "advertisement from it": frames.advertisement(
            sink.mac, liar.mac, address, sink.ip6, address, liar.mac),
        "advertisement of it": frames.advertisement(
            sink.mac, liar.mac, liar.ip6, sink.ip6, address, liar.mac),
        "advertisement without a MAC": frames.advertisement(
            sink.mac, liar.mac, liar.ip6, sink.ip6, address),
        "advertisement to all": frames.advertisement(
            "33:33:00:00:00:01", liar.mac, address, "ff02::1", address,
            liar.mac, flags=0x20),
        "datagram": udp6(liar, sink, b"claim", address),
        "datagram to all": frames.udp6(
            "33:33:00:00:00:01", liar.mac, address, "ff02::1", 4000, 4000,
            b"claim"),
    }


def concerns(frame, address):
    found = frames.parse(frame)
    return address in (found.get("src_ip"), found.get("target"))


@pytest.mark.parametrize("whose", ["chosen", "of its MAC"])
def test_claims_on_an_address_of_another_are_spoofs(world, four, whose):
    """RFC 6620: first come, first served; the first one goes on."""
    victim, near, far, other = (four[n] for n in ("victim", "near", "far",
                                                  "other"))
    address = (CHOSEN if whose == "chosen" else
               frames.link_local(victim.mac))
    dad = frames.solicitation(victim.mac, "::", address)
    arrived(victim, (near, far, other), dad)
    before = drops(world, "spoofed")
    n = 0
    for liar in (near, far):
        sent = claims(liar, other, address)
        n += len(sent)
        for got in arrived(liar, (victim, other), *sent.values()):
            assert not [kind for kind, frame in sent.items() if frame in got]
            assert not [f for f in got if concerns(f, address)]
    wait_counted("the spoofs", lambda: drops(world, "spoofed") >= before + n)
    # Its owner hears of it who asks whether it is free, and may defend it.
    if whose == "chosen":
        for liar in (near, far):
            got, = arrived(liar, (victim,), frames.solicitation(
                liar.mac, "::", address))
            assert [f for f in got if frames.parse(f).get("nd") == 135]
    sent = claims(victim, other, address)
    got, = arrived(victim, (other,), *sent.values())
    heard = [f for f in got if concerns(f, address)]
    assert len(heard) >= len(sent), (len(heard), len(sent))


def test_reserved_addresses_are_no_ones_to_choose(world, four):
    """Those of routers and of servers, whether or not they were used."""
    world.put("routers", "r", interfaces=[{"network": "net",
                                           "addresses": ["fd00::ffff"]}])
    router = world.api.get("routers/r")["status"]["mac"]
    world.patch("ports", "other", allowed_addresses=[{"ip": "fe80::1"}])
    near, victim = four["near"], four["victim"]
    for address in (frames.link_local(router), "fe80::1",
                    frames.link_local("0e:56:4d:ff:00:43")):
        got, = arrived(near, (victim,),
                       *claims(near, victim, address).values())
        assert not [f for f in got if concerns(f, address)], address


def test_a_port_has_a_bounded_number_of_addresses(world, four):
    """No guest fills tables; what it has goes on, and others are not
    concerned."""
    victim, near, other = four["victim"], four["near"], four["other"]

    def nth(i):
        return "fe80::aaaa:%x" % (i + 1)
    reason = "too many link-local addresses"
    before = drops(world, reason)
    arrived(near, (victim, other), *[
        frames.solicitation(near.mac, "::", nth(i)) for i in range(40)])
    wait_counted("the rest", lambda: drops(world, reason) > before)
    for sink in (victim, other):
        got, = arrived(near, (sink,), *[
            udp6(near, sink, b"%d" % i, nth(i)) for i in range(40)])
        heard = {frames.parse(f)["src_ip"] for f in got}
        assert heard == {nth(i) for i in range(16)}
    got, = arrived(victim, (other,), udp6(victim, other, b"mine", CHOSEN))
    assert [f for f in got if marked(b"mine")(f)]


def test_addresses_of_a_port_that_goes_are_free(world, four):
    victim, near, other = four["victim"], four["near"], four["other"]
    arrived(victim, (near, other),
            frames.solicitation(victim.mac, "::", CHOSEN))
    world.patch("ports", "victim", enabled=False)

    def mine():
        got, = arrived(near, (other,), udp6(near, other, b"mine", CHOSEN))
        return [f for f in got if marked(b"mine")(f)]
    wait_for("the address to be free", mine, 30)


# Tags.  ---------------------------------------------------------------------

def tagged(frame, *tcis, kind=0x8100):
    tags = b"".join(struct.pack("!HH", kind, tci) for tci in tcis)
    return frame[:12] + tags + frame[12:]


def test_priority_tags_are_taken_off(world, four):
    """IEEE 802.1Q: a tag with VLAN 0 is a priority, and no VLAN."""
    near = four["near"]
    for sink in (four["victim"], four["other"]):
        texts, sent = set(), []
        for kind in (0x8100, 0x88a8):
            for priority in (0, 5, 7):
                for v6 in (False, True):
                    text = b"%x %d %d" % (kind, priority, v6)
                    texts.add(text)
                    sent.append(tagged(
                        udp6(near, sink, text) if v6 else
                        frames.udp(sink.mac, near.mac, near.ip, sink.ip, 4000,
                                   4000, text), priority << 13, kind=kind))
        got, = arrived(near, (sink,), *sent)
        assert texts <= {(frames.of_udp(f) or (0, 0, b""))[2] for f in got}
    # ARP and discovery are answered.
    with Capture(near.ns) as seen:
        frames.send(near, tagged(frames.arp_question(
            near.mac, near.ip, four["other"].ip), 5 << 13))
        assert seen.wait(lambda f: frames.parse(f).get("operation") == 2)
        frames.send(near, tagged(frames.solicitation(
            near.mac, near.ip6, four["other"].ip6, near.mac), 5 << 13))
        assert seen.wait(lambda f: frames.parse(f).get("src_ip")
                         == four["other"].ip6)


def test_vlans_of_guests_go_nowhere(world, four):
    """Nor do two tags."""
    near = four["near"]
    reasons = ("VLAN tag", "neither IP nor ARP")
    before = sum(drops(world, r) for r in reasons)
    tags = [(5,), (0x1005,), (0, 5), (5, 0), (0, 0, 5), (4095,)]
    for sink in (four["victim"], four["other"]):
        got, = arrived(near, (sink,), *[
            tagged(udp6(near, sink, b"vlan"), *tcis) for tcis in tags])
        assert not [f for f in got if b"vlan" in f]
    wait_counted("the tags", lambda: sum(drops(world, r) for r in reasons)
                 >= before + 2 * len(tags))


def test_priority_tags_do_not_hide_a_spoof(world, four):
    near, victim, other = four["near"], four["victim"], four["other"]
    got, = arrived(near, (other,), tagged(frames.udp6(
        other.mac, near.mac, victim.ip6, other.ip6, 4000, 4000, b"spoof"),
        5 << 13))
    assert not [f for f in got if marked(b"spoof")(f)]


# DNS.  ----------------------------------------------------------------------

@pytest.fixture
def client(world):
    world.network("net", "10.0.0.0/24", "fd00::/64",
                  dhcp_options={"dns": [RESOLVER]})
    world.put("dns-zones", "shop.test", networks=["net"], records=[
        {"name": "many", "type": "A", "values": MANY},
        {"name": "one", "type": "A", "values": ["10.0.0.80"]}])
    vm = world.vm("cli", "net", "h1", ["10.0.0.1", "fd00::1"])
    netns.ip(vm.ns, "route add 169.254.0.0/16 dev eth0")
    return vm


def question(name, number=1):
    return struct.pack("!6H", number, 0x100, 1, 0, 0, 0) + b"".join(
        bytes([len(part)]) + part.encode() for part in name.split(".")
    ) + b"\0\0\x01\0\x01"


def behind_size(message):
    return struct.pack("!H", len(message)) + message


def connect(vm, ip, port):
    sock = netns.socket_in(vm.ns, kind=socket.SOCK_STREAM)
    sock.settimeout(30)
    sock.connect((ip, port))
    return sock


def read_all(sock, size):
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        assert more, data
        data += more
    return data


def read_message(sock):
    return read_all(sock, struct.unpack("!H", read_all(sock, 2))[0])


def test_glibc_finds_all_of_many_addresses(client):
    """Without EDNS, as glibc asks by default: the answer by UDP is truncated,
    and it asks by TCP (RFC 1035, section 4.2; RFC 7766, section 5)."""
    folder = "/etc/netns/" + client.ns
    os.makedirs(folder)
    try:
        with open(folder + "/resolv.conf", "w", encoding="ascii") as conf:
            conf.write("nameserver %s\noptions timeout:30\n" % SERVER)
        found = subprocess.run(
            ["ip", "netns", "exec", client.ns, "getent", "ahostsv4",
             "many.shop.test"], check=True, text=True,
            capture_output=True, timeout=120).stdout
        assert {line.split()[0] for line in found.splitlines()} == set(MANY)
    finally:
        os.unlink(folder + "/resolv.conf")
        os.rmdir(folder)


def test_dns_by_tcp_is_as_rfc_7766_has_it(client):
    with connect(client, SERVER, 53) as sock:
        # Several on a connection, one behind the other and in pieces.
        sock.sendall(behind_size(question("one.shop.test", 1))
                     + behind_size(question("many.shop.test", 2))
                     + behind_size(question("none.shop.test", 3)))
        answers = [read_message(sock) for _ in range(3)]
        assert [struct.unpack("!H", a[:2])[0] for a in answers] == [1, 2, 3]
        assert [a[3] & 15 for a in answers] == [0, 0, 3]
        assert [struct.unpack("!H", a[6:8])[0] for a in answers] == [1, 64, 0]
        assert not any(a[2] & 2 for a in answers)
        for byte in behind_size(question("one.shop.test", 4)):
            sock.sendall(bytes([byte]))
        assert read_message(sock)[:2] == b"\0\4"
        # Refused, what is no zone's.
        sock.sendall(behind_size(question("example.com", 5)))
        assert read_message(sock)[3] & 15 == 5
        # The client ends it.
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""
    for rubbish in (b"\0\0", b"\0\1x", b"\xff\xff" + bytes(9000),
                    behind_size(question("one.shop.test")[:20])):
        with connect(client, SERVER, 53) as sock:
            try:
                sock.sendall(rubbish)
                assert sock.recv(1) == b""
            except ConnectionError:
                pass            # Reset, which the client sees as well.
    with connect(client, SERVER, 53) as sock:
        sock.sendall(behind_size(question("one.shop.test")))
        assert read_message(sock)[3] & 15 == 0


def test_a_resolver_of_the_network_is_not_asked_again(world, client):
    """It knows nothing of the zone: an answer in its name has what fits."""
    world.vm("res", "net", "h2", RESOLVER)
    answer = client.run("dig", "+noedns", "+tries=3", "+time=10",
                        "@" + RESOLVER, "many.shop.test", "A")
    assert " tc" not in answer and "Truncated" not in answer
    assert answer.count("10.1.") == (512 - 12 - 20) // 16


@pytest.mark.parametrize("ip, port", [(SERVER, 80), (SERVER, 853)])
def test_servers_refuse_what_they_do_not_serve(client, ip, port):
    """Else a guest would try for minutes."""
    with pytest.raises(ConnectionRefusedError):
        connect(client, ip, port)
    with netns.socket_in(client.ns, kind=socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.5)
        sock.connect((ip, port))

        def refused():
            try:
                sock.send(b"x")
                sock.recv(1)
            except ConnectionRefusedError:
                return True
            except TimeoutError:
                return False
            return False
        wait_for("port unreachable", refused)
