# SPDX-License-Identifier: Apache-2.0
"""Addresses by DHCP, DHCPv6 and router advertisements, with the clients that
guests have."""

import re
import struct

import pytest
from conftest import (close_lab, held_back, make_lab, wait_counted,
                      wait_quiet)
from dhcp_guests import (Dhclient, Udhcpc, addresses, bare_vm, enable_ipv6,
                         wait_for_address)

from vmnlab import frames, netns, traffic
from vmnlab.netns import wait_for

SERVER = "169.254.0.67"
SERVER_MAC = "0e:56:4d:ff:00:43"
PORT_RATE = 50


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("dhcp", 2, options=["--packet-port-rate=%d" % PORT_RATE])
    yield lab
    close_lab(lab)


def unanswered(lab):
    """{(handler, reason): packets} from the metrics."""
    return {tuple(re.match(r'.*by="(.*)",reason="(.*)"', name).groups()): n
            for name, n in lab.vmnd.api.metrics().items()
            if name.startswith("vmn_packet_ins_dropped_total")}


OPTIONS = {
    "lease_time": 600, "dns": ["10.0.0.53", "fd00::53", "10.0.0.54"],
    "domain": "shop.example", "search": ["shop.example", "example"],
    "ntp": ["10.0.0.123", "fd00::123"],
    "routes": [{"destination": "192.168.0.0/16", "via": "10.0.0.9"}],
    "boot_server": "10.0.0.69", "boot_file": "net.img",
}


def shop(world, **more):
    subnet = dict({"cidr": "10.0.0.0/24", "gateway": "10.0.0.1",
                   "dhcp": True}, **more)
    world.put("networks", "net", subnets=[subnet], dhcp_options=OPTIONS,
              mtu=1400)


def count(lab, handler, reason):
    return unanswered(lab).get(("dhcp." + handler, reason), 0)


def drops(world, reason):
    """How many packets the hosts' switches have dropped for a reason."""
    return sum(d["packets"] for d in world.api.get(
        "drops", reason=reason)["counters"])


# Whole lives.  --------------------------------------------------------------

def test_udhcpc_lives_through_a_lease(lab, world, tmp_path):
    """It gets what there is to be told, renews at the server that it knows,
    and gives its address back, after which it gets the same again."""
    shop(world)
    vm = bare_vm(world, "a", "net", "h1")
    with Udhcpc(vm, tmp_path, "-O", "mtu", "-O", "search", "-O",
                "staticroutes", "-O", "ntpsrv", "-O", "bootfile", "-O",
                "tftp", "-O", "hostname") as client:
        told = client.wait("bound")
        assert told["ip"] == vm.own[0] and told["mask"] == "24"
        assert told["router"] == "10.0.0.1"
        assert told["dns"] == "10.0.0.53 10.0.0.54"
        assert told["domain"] == "shop.example"
        assert told["search"] == "shop.example example"
        assert told["ntpsrv"] == "10.0.0.123"
        assert told["mtu"] == "1400" and told["lease"] == "600"
        assert told["hostname"] == "a"
        assert told["boot_file"] == "net.img"
        assert told["siaddr"] == "10.0.0.69"
        assert told["serverid"] == SERVER
        assert "192.168.0.0/16 10.0.0.9" in told["staticroutes"]
        assert "0.0.0.0/0 10.0.0.1" in told["staticroutes"]
        wait_for_address(vm, vm.own[0])

        # As guests have it that know link-local addresses.
        netns.ip(vm.ns, "route add 169.254.0.0/16 dev eth0")
        world.patch("networks", "net", dhcp_options={"domain": "new.example"})
        n = len(client.events())
        with frames.Capture(vm.ns, outgoing=True) as capture:
            client.renew()
            assert client.wait("renew", after=n)["domain"] == "new.example"
            asked = [frames.parse(f) for f in capture.read()
                     if (frames.of_udp(f) or (0, 0))[1] == 67]
        # If that one is lost, it asks everybody.
        assert asked and (asked[0]["dst_ip"], asked[0]["dst"],
                          asked[0]["src_ip"]) == (SERVER, SERVER_MAC,
                                                  vm.own[0])

        released = count(lab, "v4", "released")
        n = len(client.events())
        client.release()
        client.wait("deconfig", after=n)
        wait_for("it to be counted",
                 lambda: count(lab, "v4", "released") > released)
        client.renew()
        assert client.wait("bound", after=n)["ip"] == vm.own[0]


def test_dhclient_lives_through_leases_of_both_families(lab, world, tmp_path):
    """It binds, renews by itself, starts again with the lease that it had, and
    is told when that is another's by then."""
    world.put("networks", "net", subnets=[
        {"cidr": "10.0.0.0/24", "gateway": "10.0.0.1", "dhcp": True},
        {"cidr": "fd00::/64", "dhcp": True}],
        dhcp_options=dict(OPTIONS, lease_time=60))
    vm = bare_vm(world, "a", "net", "h1", ipv6=True)
    own4, own6 = sorted(vm.own)
    four = Dhclient(vm, tmp_path / "4", 4)
    six = Dhclient(vm, tmp_path / "6", 6)
    wait_for("the link-local address", lambda: "scope link" in vm.run(
        "ip", "-6", "addr", "show", "dev", "eth0", "-tentative"))
    with four, six:
        told = four.wait("BOUND")
        assert told["new_ip_address"] == own4
        assert told["new_routers"] == "10.0.0.1"
        assert told["new_domain_name_servers"] == "10.0.0.53 10.0.0.54"
        assert told["new_ntp_servers"] == "10.0.0.123"
        assert told["new_interface_mtu"] == "1450"
        assert told["new_dhcp_server_identifier"] == SERVER
        assert told["new_bootfile_name"] == "net.img"
        assert told["new_rfc3442"] == "16 192 168 10 0 0 9 0 10 0 0 1"
        told = six.wait("BOUND6")
        assert told["new_ip6_address"] == own6
        assert told["new_dhcp6_name_servers"] == "fd00::53"
        assert told["new_dhcp6_domain_search"] == "shop.example. example."
        assert told["new_max_life"] == "60"
        # Both by themselves, when half of the time is over.
        assert four.wait("RENEW", "REBIND", seconds=70)[
            "new_ip_address"] == own4
        assert six.wait("RENEW6", "REBIND6", seconds=70)[
            "new_ip6_address"] == own6

        # The same again after a start; another once the port has another.
        four.stop()
        n = len(four.events())
        four.start()
        assert four.wait("REBOOT", after=n)["new_ip_address"] == own4
        four.stop()
        world.patch("ports", "a", ips=["10.0.0.77", own6])
        n = len(four.events())
        four.start()
        assert four.wait("BOUND", after=n)["new_ip_address"] == "10.0.0.77"
        # A confirm, of the other family, and the end.
        six.stop()
        n = len(six.events())
        six.start()
        assert six.wait("BOUND6", "REBIND6", "RENEW6", after=n)[
            "new_ip6_address"] == own6
        six.release()
        assert six.wait("RELEASE6", "STOP6", "EXPIRE6")


def test_stateless_dhcpv6_tells_and_leases_nothing(world, tmp_path):
    world.put("networks", "net", dhcp_options=OPTIONS, subnets=[
        {"cidr": "fd00::/64", "dhcp": True, "slaac": True}])
    vm = bare_vm(world, "a", "net", "h1", ipv6=True)
    wait_for_address(vm, vm.own[0])
    with Dhclient(vm, tmp_path, 6, "-S") as client:
        told = client.wait("BOUND6", "RENEW6")
        assert told["new_dhcp6_name_servers"] == "fd00::53"
        assert "new_ip6_address" not in told


# Advertisements.  -----------------------------------------------------------

def test_a_kernel_makes_the_ports_address(world):
    """Two guests are told nothing but by advertisements, and reach each other
    on two hosts: what they made is what their ports have."""
    world.put("networks", "net", mtu=1400, subnets=[
        {"cidr": "fd00::/64", "slaac": True}])
    vms = [bare_vm(world, name, "net", host, ipv6=True)
           for name, host in (("a", "h1"), ("b", "h2"))]
    for vm in vms:
        wait_for_address(vm, vm.own[0])
        assert addresses(vm, 6) == [vm.own[0] + "/64"]
        with netns.inside(vm.ns):
            with open("/proc/sys/net/ipv6/conf/eth0/mtu") as mtu:
                assert int(mtu.read()) == 1400
        routes = vm.run("ip", "-6", "route")
        assert "fd00::/64 dev eth0" in routes and "default" not in routes
    a, b = vms
    wait_for("an answer", lambda: traffic.ask(a, b.own[0], 0, "icmp", 1.0)
             or "1 received" in a.run("ping", "-c1", "-W1", b.own[0],
                                      check=False))


def test_a_router_is_told_of_and_leads_to_the_server(world, tmp_path):
    """By an advertisement and by DHCP; a lease is renewed by way of it, and
    what is behind it is reached with what was told."""
    for name, net4, net6 in (("net", "10.0.0", "fd00"),
                             ("other", "10.0.1", "fd01")):
        world.put("networks", name, subnets=[
            {"cidr": net4 + ".0/24", "gateway": net4 + ".1", "dhcp": True},
            {"cidr": net6 + "::/64", "gateway": net6 + "::1",
             "slaac": True}])
    world.put("routers", "r", interfaces=[{"network": "net"},
                                          {"network": "other"}])
    mac = world.api.get("routers/r")["status"]["mac"]
    a = bare_vm(world, "a", "net", "h1", ipv6=True)
    b = bare_vm(world, "b", "other", "h2", ipv6=True)
    for vm in (a, b):
        wait_for("a default route of %s" % vm.name, lambda: "default via "
                 + frames.link_local(mac) in vm.run("ip", "-6", "route"))
        wait_for_address(vm, next(ip for ip in vm.own if ":" in ip))
    with Udhcpc(a, tmp_path) as client:
        told = client.wait("bound")
        wait_for_address(a, told["ip"])
        netns.ip(a.ns, "route add default via " + told["router"])
        n = len(client.events())
        with frames.Capture(a.ns, outgoing=True) as capture:
            client.renew()
            assert client.wait("renew", after=n)["ip"] == told["ip"]
            asked = [frames.parse(f) for f in capture.read()
                     if (frames.of_udp(f) or (0, 0))[1] == 67]
        # If that one is lost, it asks everybody.
        assert asked and (asked[0]["dst_ip"], asked[0]["dst"]) == (
            SERVER, mac), asked
        to = next(ip for ip in b.own if ":" in ip)
        wait_for("an answer of the other network", lambda: "1 received"
                 in a.run("ping", "-c1", "-W1", to, check=False))


def test_no_address_is_made_where_the_port_has_another(world):
    """DHCPv6 has it: the prefix is on the link, and nothing is made of it."""
    world.put("networks", "net", subnets=[{"cidr": "fd00::/64", "dhcp": True}])
    vm = bare_vm(world, "a", "net", "h1")
    with frames.Capture(vm.ns) as capture:
        enable_ipv6(vm)
        frame = capture.wait(lambda f: f[12:14] == b"\x86\xdd"
                             and f[54] == 134, 20)
    assert frame and frame[59] == 0xc0
    wait_for("the route", lambda: "fd00::/64 dev eth0" in vm.run(
        "ip", "-6", "route"))
    assert addresses(vm, 6) == []


def test_a_change_is_told_unasked(lab, world):
    """What is said by the clock says what is so by then; it is not waited for
    here, but asked for."""
    world.put("networks", "net", mtu=1400, subnets=[
        {"cidr": "fd00::/64", "slaac": True}])
    vm = bare_vm(world, "a", "net", "h1", ipv6=True)
    wait_for_address(vm, vm.own[0])
    with netns.inside(vm.ns):
        path = "/proc/sys/net/ipv6/conf/eth0/mtu"
        assert open(path).read().strip() == "1400"
        world.patch("networks", "net", mtu=1300)

        def told():
            netns.run(["ovs-appctl", "-t", lab.vmnd.unixctl,
                       "fabric/announce", "h1"])
            return open(path).read().strip() == "1300"
        wait_for("it to be told", told, step=0.5)


# Others who would be servers.  ----------------------------------------------

def bootp(kind, mac, xid=b"1234", client=bytes(4), options=b"", op=1):
    """A message of DHCPv4; 'kind' is its type."""
    return (struct.pack("!BBBB4sHH4s4s4s4s", op, 1, 6, 0, xid, 0, 0x8000,
                        client, bytes(4), bytes(4), bytes(4))
            + frames.mac_bytes(mac) + bytes(202) + b"\x63\x82\x53\x63"
            + bytes([53, 1, kind]) + options + b"\xff").ljust(300, b"\0")


def discover(vm, **more):
    return frames.udp(frames.BROADCAST, vm.mac, "0.0.0.0", "255.255.255.255",
                      68, 67, bootp(1, vm.mac, **more))


def fragments(frame, first=1240):
    """An IPv4 packet in two parts, of which the first holds the message; Open
    vSwitch takes none below 1200 bytes for a first one."""
    head, payload = frame[14:34], frame[34:]

    def part(data, offset, more):
        ip = head[:2] + struct.pack("!HHH", 20 + len(data), 7,
                                    more << 13 | offset // 8) \
            + head[8:10] + b"\0\0" + head[12:]
        ip = ip[:10] + struct.pack("!H", frames.checksum(ip)) + ip[12:]
        return frame[:14] + ip + data
    return (part(payload[:first], 0, 1), part(payload[first:], first, 0))


def test_a_guest_is_no_server(lab, world):
    """Neither of DHCP of both families, whatever port it sends from, nor by
    fragments, nor a router: nothing of it arrives, and it is counted."""
    world.put("networks", "net", subnets=[
        {"cidr": "10.0.0.0/24", "dhcp": True},
        {"cidr": "fd00::/64", "dhcp": True}])
    rogue = bare_vm(world, "rogue", "net", "h1", ipv6=True)
    near = bare_vm(world, "near", "net", "h1", ipv6=True)
    far = bare_vm(world, "far", "net", "h2", ipv6=True)
    wait_quiet(lab)             # Each frame is sent once.
    own4 = next(ip for ip in rogue.own if "." in ip)
    local = frames.link_local(rogue.mac)
    offer = bootp(2, near.mac, op=2)
    rubbish = bytes(1400)
    bad = {
        "DHCP server": [
            frames.udp(dst, rogue.mac, own4, ip, port, 68, offer)
            for port in (67, 4000) for dst, ip in (
                (frames.BROADCAST, "255.255.255.255"),
                (near.mac, near.own[0]), (far.mac, far.own[0]))]
        + [frames.udp6(to.mac, rogue.mac, local, frames.link_local(to.mac),
                       547, 546, b"\2123") for to in (near, far)]
        + [part for to in (near, far) for part in fragments(frames.udp(
            to.mac, rogue.mac, own4, next(i for i in to.own if "." in i), 67,
            68, offer + rubbish))],
        "router advertisement": [frames.icmpv6(
            "33:33:00:00:00:01", rogue.mac, local, "ff02::1", 134, 0,
            struct.pack("!BBHII", 64, 0, 1800, 0, 0))],
    }
    before = {reason: drops(world, reason) for reason in bad}
    mark = frames.udp6(near.mac, rogue.mac, local,
                       frames.link_local(near.mac), 4000, 4000, b"mark")
    with frames.Capture(near.ns) as a, frames.Capture(far.ns) as b:
        for reason, sent in bad.items():
            frames.send(rogue, *sent)
        for capture, to in ((a, near), (b, far)):
            frames.send(rogue, frames.udp6(
                to.mac, rogue.mac, local, frames.link_local(to.mac), 4000,
                4000, b"mark"))
            assert capture.wait(lambda f: b"mark" in f)
            seen = [frames.parse(f) for f in capture.read()]
            assert not [f for f in seen if f["src"] == rogue.mac
                        and f.get("protocol") == 17
                        and b"mark" not in f["payload"]
                        and offer[240:] in f["payload"]], seen
            assert not [f for f in seen if f["src"] == rogue.mac
                        and f.get("protocol") == 58
                        and f["payload"][0] == 134], seen
    assert mark
    # Of fragments the first one is; the others are no message.
    for reason, sent in bad.items():
        wait_counted("%r to be counted" % reason, lambda: drops(
            world, reason) >= before[reason] + (
                len(sent) - 2 if reason == "DHCP server" else 1), 0.2)


def test_only_where_it_is_served(world):
    """In another network a question from nobody's address goes nowhere, unless
    a port is a DHCP server."""
    world.put("networks", "net", subnets=[{"cidr": "10.0.0.0/24"}])
    a = bare_vm(world, "a", "net", "h1")
    b = bare_vm(world, "b", "net", "h1")
    wait_quiet(world.lab)
    spoofed, asked = drops(world, "spoofed"), drops(world, "no DHCP here")
    with frames.Capture(b.ns) as capture:
        frames.send(a, discover(a))
        frames.send(a, frames.udp(b.mac, a.mac, a.own[0], b.own[0], 67, 69,
                                  b"mine"))
        assert capture.wait(lambda f: b"mine" in f)
        assert not [f for f in capture.read()
                    if (frames.of_udp(f) or (0, 0))[1] == 67]
    # To ask is no forgery, and who reads of the drop learns what is missing.
    wait_counted("it to be counted",
                 lambda: drops(world, "no DHCP here") > asked, 0.2)
    assert drops(world, "spoofed") == spoofed


# Rubbish and floods.  -------------------------------------------------------

def rubbish(vm):
    """{what: (frame, reason)}: questions that are none."""
    good = bootp(1, vm.mac)

    def asked(payload, mac=vm.mac):
        return frames.udp(frames.BROADCAST, mac, "0.0.0.0",
                          "255.255.255.255", 68, 67, payload)
    loop = good[:240] + bytes([53, 1, 1, 52, 1, 3]) + b"\xff"
    return {
        "cut in the head": (asked(good[:200]), "malformed"),
        "without a cookie": (asked(good[:236] + bytes(64)), "malformed"),
        "an option beyond the end": (asked(good[:240] + b"\x35\x01\x01\x0c"
                                           b"\xff" + b"x" * 20), "malformed"),
        "options in names that point at each other": (asked(
            (loop[:44] + b"\x34\x01\x03" * 21 + b"\x34" + b"\x34\x01\x01"
             * 42 + b"\x34\x01" + loop[236:])), "malformed"),
        "no type": (asked(good[:240] + b"\xff" + bytes(60)), "BOOTP"),
        "a type of 2 bytes": (asked(good[:240] + b"\x35\2\1\1\xff"),
                              "malformed"),
        "of a server": (asked(bootp(2, vm.mac, op=2)), "not a client message"),
        "an offer": (asked(bootp(2, vm.mac)), "not a client message"),
        "for another": (asked(bootp(1, "02:00:00:00:00:99")),
                        "not the port's MAC"),
        "from another": (asked(good, "02:00:00:00:00:99"),
                         "not the port's MAC"),
        "relayed": (asked(good[:24] + b"\x0a\0\0\x09" + good[28:]),
                    "relayed"),
        "a checksum": (asked(good)[:40] + b"\x12\x34" + asked(good)[42:],
                       "malformed"),
    }


def test_rubbish_is_counted_and_not_answered(lab, world, tmp_path):
    world.put("networks", "net", subnets=[{"cidr": "10.0.0.0/24",
                                           "dhcp": True}])
    vm = bare_vm(world, "a", "net", "h1")
    for what, (frame, reason) in rubbish(vm).items():
        before = count(lab, "v4", reason)
        with frames.Capture(vm.ns) as capture:
            frames.send(vm, frame)
            wait_for(what + " to be counted",
                     lambda: count(lab, "v4", reason) > before)
            assert not [f for f in capture.read() if frames.of_udp(f)], what
    with Udhcpc(vm, tmp_path) as client:
        assert client.wait("bound")["ip"] == vm.own[0]


def test_a_flood_of_one_guest_takes_nothing_from_another(lab, world,
                                                         tmp_path):
    """While one asks without an end, its questions are limited, others get
    their leases, and changes go through."""
    shop(world)
    flooder = bare_vm(world, "flooder", "net", "h1")
    vms = [bare_vm(world, "v%d" % i, "net", "h1") for i in range(4)]
    frame = discover(flooder)
    limited = held_back(lab.host("h1"))
    with netns.socket_in(flooder.ns, frames.socket.AF_PACKET,
                         frames.socket.SOCK_RAW) as sock:
        sock.bind(("eth0", 0))
        stop = traffic.threading.Event()

        def flood():
            while not stop.wait(0.005):
                for _ in range(20):
                    sock.send(frame)
        thread = traffic.threading.Thread(target=flood)
        thread.start()
        try:
            wait_for("the flood to be limited", lambda: held_back(
                lab.host("h1")) > limited + 500)
            for i, vm in enumerate(vms):
                with Udhcpc(vm, tmp_path / vm.name) as client:
                    assert client.wait("bound")["ip"] == vm.own[0]
                world.patch("ports", vm.name, description="change %d" % i)
        finally:
            stop.set()
            thread.join()
    shown = netns.run(["ovs-appctl", "-t", lab.vmnd.unixctl,
                       "fabric/packets", "h1"])
    assert re.search(r"\(flooder\): \d+/s, \d+ in, ", shown), shown
    for vm in vms:
        assert re.search(r"\(%s\): \d+/s, \d+ in, 0 over" % vm.name,
                         shown), shown


# Trouble, and who is cut off.  ----------------------------------------------

def test_leases_go_on_without_vmnd(lab, world, tmp_path):
    """A guest with a lease goes on while vmnd is away, one that asks meanwhile
    is answered when it is back, by any vmnd alike."""
    shop(world)
    a = bare_vm(world, "a", "net", "h1")
    b = bare_vm(world, "b", "net", "h2")
    late = bare_vm(world, "late", "net", "h1")
    with Udhcpc(a, tmp_path / "a") as first, \
            Udhcpc(b, tmp_path / "b") as second:
        first.wait("bound")
        second.wait("bound")
        for vm in (a, b):
            wait_for_address(vm, vm.own[0])
        n = len(first.events())
        lab.vmnd.stop()
        wait_for("a ping", lambda: "1 received" in a.run(
            "ping", "-c1", "-W1", b.own[0], check=False))
        with Udhcpc(late, tmp_path / "late", "-A", "1") as third:
            first.renew()
            assert not third.events()[1:]
            lab.vmnd.start()
            lab.await_synced()
            assert third.wait("bound")["ip"] == late.own[0]
            first.renew()
            assert first.wait("renew", "bound", after=n)["ip"] == a.own[0]


def test_a_quarantined_guest_keeps_its_address(world, tmp_path):
    shop(world)
    a = bare_vm(world, "a", "net", "h1", quarantined=True)
    world.group("all", "")
    world.policy("none", "all", {"direction": "egress", "action": "deny"})
    with Udhcpc(a, tmp_path) as client:
        assert client.wait("bound")["ip"] == a.own[0]


def test_a_port_has_the_last_word(world, tmp_path):
    shop(world, dhcp_options={"domain": "sub.example", "lease_time": 700})
    a = bare_vm(world, "a", "net", "h1", dhcp_options={
        "hostname": "alpha", "lease_time": 800, "boot_file": "own.img"})
    with Udhcpc(a, tmp_path, "-O", "hostname", "-O", "bootfile") as client:
        told = client.wait("bound")
    assert told["hostname"] == "alpha" and told["lease"] == "800"
    assert told["domain"] == "sub.example"
    assert told["boot_file"] == "own.img"
    assert told["dns"] == "10.0.0.53 10.0.0.54"
