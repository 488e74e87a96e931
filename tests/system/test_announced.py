# SPDX-License-Identifier: Apache-2.0
"""What changes or goes is announced to guests: leases by DHCPNAK and by
lifetimes of 0, addresses with another MAC by ARP and neighbour discovery,
routers by their advertisements.  And the DHCP servers of others."""

import struct

import pytest
from conftest import close_lab, make_lab
from dhcp_guests import Udhcpc, bare_vm, wait_for_address

from vmnlab import frames, netns
from vmnlab.netns import wait_for

SERVER = "169.254.0.67"
SERVER_MAC = "0e:56:4d:ff:00:43"
SERVER_ID = bytes.fromhex("000300010e564dff0043")
ALL_SERVERS = ("33:33:00:01:00:02", "ff02::1:2")
DISCOVER, OFFER, REQUEST, ACK, NAK = 1, 2, 3, 5, 6
RENEW, REBIND, REPLY = 5, 6, 7


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("announced", 2)
    yield lab
    close_lab(lab)


# DHCP.  ---------------------------------------------------------------------

def dhcp4(vm, kind, ciaddr="0.0.0.0", to=None, options=b""):
    """A message of a DHCPv4 client, whose address is 'ciaddr'; 'to' is a
    (MAC, address), by default those of broadcasts."""
    dst, dst_ip = to or (frames.BROADCAST, "255.255.255.255")
    body = (struct.pack("!BBBB4sHH4s12s", 1, 1, 6, 0, b"vmn1", 0, 0,
                        netns.socket.inet_aton(ciaddr), bytes(12))
            + frames.mac_bytes(vm.mac) + bytes(202) + b"\x63\x82\x53\x63"
            + bytes([53, 1, kind]) + options + b"\xff").ljust(300, b"\0")
    return frames.udp(dst, vm.mac, ciaddr, dst_ip, 68, 67, body)


def dhcp6(vm, kind, ip):
    """A message of a DHCPv6 client that extends its lease of 'ip'."""
    address = netns.socket.inet_pton(netns.socket.AF_INET6, ip)

    def option(code, data):
        return struct.pack("!HH", code, len(data)) + data
    body = (bytes([kind]) + b"vmn" + option(1, b"client")
            + (option(2, SERVER_ID) if kind == RENEW else b"")
            + option(3, bytes(12) + option(5, address + bytes(8))))
    return frames.udp6(ALL_SERVERS[0], vm.mac, frames.link_local(vm.mac),
                       ALL_SERVERS[1], 546, 547, body)


def answer(vm, frame, port=68):
    """The payload of the answer that the guest gets at 'port', or None."""
    def is_answer(f):
        return (frames.of_udp(f) or (0, 0))[1] == port
    with frames.Capture(vm.ns) as capture:
        frames.send(vm, frame)
        found = capture.wait(is_answer, 5)
    return found and frames.parse(found)["payload"][8:]


def type_of(payload):
    """The type of a DHCPv4 message."""
    at = payload.index(b"\x63\x82\x53\x63") + 4
    assert payload[at:at + 2] == b"\x35\x01"
    return payload[at + 2]


def another_address(world, old):
    world.patch("ports", "a", ips=["10.0.0.77", "fd00::77"])


def another_subnet(world, old):
    world.patch("ports", "a", ips=["10.0.1.7", "fd01::7"])


def other_family(world, old):
    """The port loses its addresses of one family, then of the other."""
    world.patch("ports", "a", ips=[old[1]])
    yield 4
    world.patch("ports", "a", ips=[old[0]])
    yield 6


def subnet_without_dhcp(world, old):
    subnets = world.api.get("networks/net")["spec"]["subnets"]
    world.patch("networks", "net", subnets=[
        dict(s, dhcp=s["cidr"] not in ("10.0.0.0/24", "fd00::/64"))
        for s in subnets])


def network_without_dhcp(world, old):
    """By unicast alone: another server may have given what a client without
    a server extends."""
    subnets = world.api.get("networks/net")["spec"]["subnets"]
    world.patch("networks", "net", subnets=[dict(s, dhcp=False)
                                            for s in subnets])
    return ("renew",)


def address_of_another_port(world, old):
    world.patch("ports", "a", ips=["10.0.0.77", "fd00::77"])
    world.put("ports", "b", network="net", ips=list(old))


CHANGES = [another_address, another_subnet, other_family,
           subnet_without_dhcp, network_without_dhcp,
           address_of_another_port]


def refused4(vm, old, how=("renew", "rebind", "reboot")):
    frames_of = {
        "renew": dhcp4(vm, REQUEST, old, (SERVER_MAC, SERVER)),
        "rebind": dhcp4(vm, REQUEST, old),
        "reboot": dhcp4(vm, REQUEST, options=b"\x32\x04"
                        + netns.socket.inet_aton(old)),
    }
    for name in how:
        payload = answer(vm, frames_of[name])
        assert payload and type_of(payload) == NAK, name


def expired6(vm, old, how=("renew", "rebind")):
    for name in how:
        payload = answer(vm, dhcp6(vm, RENEW if name == "renew" else REBIND,
                                   old), 546)
        assert payload and payload[0] == REPLY, name
        gone = struct.pack("!HH", 5, 24) + netns.socket.inet_pton(
            netns.socket.AF_INET6, old) + bytes(8)
        assert gone in payload, name


@pytest.mark.parametrize("change", CHANGES, ids=lambda c: c.__name__)
def test_lost_leases_are_refused(world, change):
    """Whatever takes a leased address from a port: the guest that renews,
    rebinds or reboots is refused, and no other guest gets its packets."""
    world.put("networks", "net", subnets=[
        {"cidr": "10.0.0.0/24", "gateway": "10.0.0.1", "dhcp": True},
        {"cidr": "10.0.1.0/24", "dhcp": True},
        {"cidr": "fd00::/64", "dhcp": True},
        {"cidr": "fd01::/64", "dhcp": True}])
    world.put("routers", "r", interfaces=[{"network": "net"}])
    mac = world.api.get("routers/r")["status"]["mac"]
    vm = bare_vm(world, "a", "net", "h1", ips=["10.0.0.31", "fd00::31"])
    near = bare_vm(world, "near", "net", "h1", ips=["10.0.0.5", "fd00::5"])
    old = ("10.0.0.31", "fd00::31")
    for kind, to in ((REQUEST, (SERVER_MAC, SERVER)), (REQUEST, None)):
        assert type_of(answer(vm, dhcp4(vm, kind, old[0], to))) == ACK
    with frames.Capture(near.ns) as capture:
        result = change(world, old)
        if hasattr(result, "__next__"):
            for family in result:
                (refused4 if family == 4 else expired6)(
                    vm, old[0] if family == 4 else old[1])
        elif result:
            refused4(vm, old[0], result)
        else:
            refused4(vm, old[0])
            expired6(vm, old[1])
        # On its way there, it resolves the server, or its router.
        for target, at in ((SERVER, SERVER_MAC), ("10.0.0.1", mac)):
            if target == SERVER or not result or hasattr(result, "__next__"):
                assert resolve(vm, old[0], target) == at
        # Nothing else is let in from an address that is not the port's.
        frames.send(
            vm, frames.udp(near.mac, vm.mac, "10.0.0.99", "10.0.0.5", 68, 67,
                           b"forged"),
            frames.udp(frames.BROADCAST, vm.mac, "10.0.0.99",
                       "255.255.255.255", 67, 67, b"forged"),
            frames.arp_question(vm.mac, "10.0.0.99", "10.0.0.5"))
        assert resolve(vm, old[0], SERVER)
        assert not [f for f in capture.read() if b"forged" in f
                    or frames.parse(f).get("sender_ip") == "10.0.0.99"]


def resolve(vm, own, target):
    """The MAC of 'target' by ARP, as 'own' resolves it; or None."""
    with frames.Capture(vm.ns) as capture:
        frames.send(vm, frames.arp_question(vm.mac, own, target))
        found = capture.wait(lambda f: frames.parse(f).get("sender_ip")
                             == target, 5)
    return found and frames.parse(found)["sender"]


def test_a_client_moves_to_the_new_address(world, tmp_path):
    """busybox's udhcpc renews at the server, by way of its router, with the
    address that its port has lost, and has the new one at once."""
    world.put("networks", "net", subnets=[
        {"cidr": "10.0.0.0/24", "gateway": "10.0.0.1", "dhcp": True}])
    world.put("routers", "r", interfaces=[{"network": "net"}])
    vm = bare_vm(world, "a", "net", "h1", ips=["10.0.0.31"])
    with Udhcpc(vm, tmp_path) as client:
        assert client.wait("bound")["ip"] == "10.0.0.31"
        wait_for_address(vm, "10.0.0.31")
        netns.ip(vm.ns, "route add default via 10.0.0.1")
        world.patch("ports", "a", ips=["10.0.0.41"])
        n = len(client.events())
        client.renew()
        assert client.wait("bound", after=n)["ip"] == "10.0.0.41"


def test_a_network_has_its_own_dhcp_server(world):
    """A guest on a physical network is asked for by broadcast there, and
    answered by the server there, unless VMN serves the network."""
    world.provider_hosts_are("h1")
    world.put("networks", "pub", provider={"physical": "dc"}, subnets=[
        {"cidr": "198.51.100.0/24"}])
    out = world.outside("out", "198.51.100.9/24")
    vm = bare_vm(world, "a", "pub", "h1", ips=["198.51.100.31"])

    def is_asked(f):
        return (frames.of_udp(f) or (0, 0))[1] == 67
    with frames.Capture(out.ns) as there:
        frames.send(vm, dhcp4(vm, DISCOVER))
        assert there.wait(is_asked, 10)
    with frames.Capture(vm.ns) as here:
        frames.send(out, frames.udp(
            vm.mac, out.mac, "198.51.100.9", "198.51.100.31", 67, 68,
            b"offer"))
        assert here.wait(lambda f: b"offer" in f, 10)
    # As another one, or with a former address, it still asks nobody.
    with frames.Capture(out.ns) as there:
        frames.send(vm, dhcp4(vm, DISCOVER, "198.51.100.77"),
                    dhcp4(vm, DISCOVER)[:6] + b"\x02\0\0\0\0\x99"
                    + dhcp4(vm, DISCOVER)[12:], dhcp4(vm, DISCOVER))
        assert there.wait(is_asked, 10)
        seen = [frames.parse(f) for f in there.read() if is_asked(f)]
        assert {(f["src"], f["src_ip"]) for f in seen} == {
            (vm.mac, "0.0.0.0")}
    world.patch("networks", "pub", subnets=[
        {"cidr": "198.51.100.0/24", "dhcp": True}])
    payload = answer(vm, dhcp4(vm, DISCOVER))
    assert payload and type_of(payload) == OFFER


# Addresses with another MAC.  -----------------------------------------------

NET = [{"cidr": "10.0.0.0/24", "gateway": "10.0.0.1"},
       {"cidr": "fd00::/64", "gateway": "fd00::1"}]


def is_announcement(frame, mac, ip):
    """Whether the frame has neighbours learn that 'ip' is at 'mac'."""
    found = frames.parse(frame)
    if ":" in ip:
        return (found.get("nd") == 136 and found["target"] == ip
                and found["options"].get(2) == mac
                and found["flags"] & 0x20 and not found["flags"] & 0x40)
    return (found.get("sender_ip") == ip and found.get("target_ip") == ip
            and found["sender"] == mac)


def own_announcements(vm, ip):
    """{name: frame}: what guests announce themselves by."""
    none = "00:00:00:00:00:00"
    if ":" in ip:
        return {"advertisement": frames.advertisement(
            "33:33:00:00:00:01", vm.mac, ip, "ff02::1", ip, tll=vm.mac,
            flags=0x20), "from the link": frames.advertisement(
                "33:33:00:00:00:01", vm.mac, frames.link_local(vm.mac),
                "ff02::1", ip, tll=vm.mac, flags=0x20)}
    return {"request": frames.arp(frames.BROADCAST, vm.mac, 1, vm.mac, ip,
                                  none, ip),
            "reply": frames.arp(frames.BROADCAST, vm.mac, 2, vm.mac, ip,
                                vm.mac, ip)}


@pytest.mark.parametrize("isolation", ["none", "promiscuous", "isolated"])
def test_guests_announce_themselves(world, isolation):
    """Gratuitous ARP and unsolicited advertisements reach all guests of the
    network on all hosts, but those that are isolated from the sender, and
    nobody's else are let in."""
    world.put("networks", "net", subnets=NET, **(
        {} if isolation == "none" else {"isolation": "isolated"}))
    ports = {} if isolation == "none" else {"isolation": isolation}
    vm = bare_vm(world, "a", "net", "h1", ips=["10.0.0.31", "fd00::31"],
                 **ports)
    near, far = (bare_vm(world, name, "net", host) for name, host in (
        ("near", "h1"), ("far", "h2")))
    gate = bare_vm(world, "gate", "net", "h2", **(
        {} if isolation == "none" else {"isolation": "promiscuous"}))
    reached = [gate] if isolation == "isolated" else [near, far, gate]
    with frames.Capture(near.ns) as a, frames.Capture(far.ns) as b, \
            frames.Capture(gate.ns) as c:
        captures = {near: a, far: b, gate: c}
        for ip in vm.own:
            for name, frame in own_announcements(vm, ip).items():
                for capture in captures.values():
                    capture.read().clear()
                frames.send(vm, frame)
                for to in reached:
                    assert captures[to].wait(
                        lambda f: is_announcement(f, vm.mac, ip), 5), (
                            to.name, name)
                for to in set(captures) - set(reached):
                    assert not [f for f in captures[to].read()
                                if is_announcement(f, vm.mac, ip)], to.name
        # Another's address, and another's MAC.
        for forged in (gate.own[0], gate.own[-1]):
            for frame in own_announcements(vm, forged).values():
                frames.send(vm, frame)
        frames.send(vm, own_announcements(vm, vm.own[0])["request"])
        assert c.wait(lambda f: is_announcement(f, vm.mac, vm.own[0]), 5)
        assert not [f for f in c.read() for forged in gate.own
                    if is_announcement(f, vm.mac, forged)]


def test_an_address_gets_another_mac(world):
    """Of another port, of the same port with another MAC, and of another
    router: neighbours on all hosts are notified at once."""
    world.put("networks", "net", subnets=NET)
    near, far = (bare_vm(world, name, "net", host, ips=ips)
                 for name, host, ips in (
                     ("near", "h1", ["10.0.0.5", "fd00::5"]),
                     ("far", "h2", ["10.0.0.6", "fd00::6"])))
    old = bare_vm(world, "old", "net", "h1", ips=["10.0.0.31", "fd00::31"])
    new = bare_vm(world, "new", "net", "h2", ips=["10.0.0.41", "fd00::41"])

    def swap():
        world.patch("ports", "old", ips=["10.0.0.32", "fd00::32"])
        world.patch("ports", "new", ips=["10.0.0.31", "fd00::31"])
        return new.mac, ("10.0.0.31", "fd00::31")

    def start():
        world.delete("ports", "old")
        return bare_vm(world, "next", "net", "h1", ips=[
            "10.0.0.32", "fd00::32"]).mac, ("10.0.0.32", "fd00::32")

    def router():
        world.put("routers", "r", interfaces=[{"network": "net"}])
        return (world.api.get("routers/r")["status"]["mac"],
                ("10.0.0.1", "fd00::1"))

    def other_router():
        world.delete("routers", "r")
        world.put("routers", "s", interfaces=[{"network": "net"}])
        return (world.api.get("routers/s")["status"]["mac"],
                ("10.0.0.1", "fd00::1"))
    assert old.mac
    for change in (swap, start, router, other_router):
        with frames.Capture(near.ns) as a, frames.Capture(far.ns) as b:
            mac, ips = change()
            for capture in (a, b):
                for ip in ips:
                    assert capture.wait(
                        lambda f: is_announcement(f, mac, ip), 20), (
                            change.__name__, ip)


# Routers.  ------------------------------------------------------------------

def advert(frame):
    """{"mac", "router", "prefixes": {prefix: (flags, valid, preferred)},
    "mtu", "dns": {address: lifetime}} of a router advertisement, or None."""
    found = frames.parse(frame)
    payload = found.get("payload", b"")
    if found.get("protocol") != 58 or payload[:1] != b"\x86":
        return None
    assert found["src_ip"] == frames.link_local(found["src"])
    told = {"mac": found["src"], "prefixes": {}, "dns": {}, "mtu": None,
            "router": struct.unpack("!H", payload[6:8])[0]}
    at = 16
    while at < len(payload):
        option = payload[at:at + 8 * payload[at + 1]]
        if option[0] == 3:
            told["prefixes"][netns.socket.inet_ntop(
                netns.socket.AF_INET6, option[16:32])] = (
                    option[3],) + struct.unpack("!II", option[4:12])
        elif option[0] == 5:
            told["mtu"] = struct.unpack("!I", option[4:8])[0]
        elif option[0] == 25:
            for i in range(8, len(option), 16):
                told["dns"][netns.socket.inet_ntop(
                    netns.socket.AF_INET6, option[i:i + 16])] = \
                        struct.unpack("!I", option[4:8])[0]
        at += len(option)
    return told


def advertised(capture, wanted):
    """Waits for an advertisement of which 'wanted' is true."""
    return capture.wait(
        lambda f: (advert(f) is not None and wanted(advert(f))), 20)


def default_routes(vm):
    return [line.split()[2] for line in vm.run(
        "ip", "-6", "route", "show", "default").splitlines()]


def test_what_routers_advertise_changes(world):
    """At once, and from the address of the router: what guests would use up
    to its lifetime is withdrawn, and what is new is advertised."""
    dns = {"dns": ["fd00::53"]}
    world.put("networks", "net", mtu=1400, dhcp_options=dns, subnets=[
        dict(NET[1], slaac=True)])
    world.put("routers", "r", interfaces=[{"network": "net"}])
    mac = world.api.get("routers/r")["status"]["mac"]
    vms = [bare_vm(world, name, "net", host, ipv6=True)
           for name, host in (("a", "h1"), ("b", "h2"))]
    for vm in vms:
        wait_for("a default route", lambda: default_routes(vm) == [
            frames.link_local(mac)])
        wait_for_address(vm, vm.own[0])

    def mtu():
        world.patch("networks", "net", mtu=1300)
        return [lambda r: r["mac"] == mac and r["mtu"] == 1300
                and r["router"]]

    def resolver():
        world.patch("networks", "net", dhcp_options={"dns": ["fd00::54"]})
        return [lambda r: r["mac"] == mac and r["dns"].get("fd00::53") == 0,
                lambda r: r["mac"] == mac and r["dns"].get("fd00::54")]

    def new_prefix():
        world.patch("networks", "net", subnets=[
            dict(NET[1], slaac=True), {"cidr": "fd01::/64"}])
        return [lambda r: r["mac"] == mac
                and r["prefixes"].get("fd01::", (0, 0))[1]]

    def no_prefix():
        world.patch("networks", "net", subnets=[dict(NET[1], slaac=True)])
        return [lambda r: r["mac"] == mac
                and r["prefixes"].get("fd01::", (0, 1))[1:] == (0, 0)]

    def other_router():
        world.delete("routers", "r")
        world.put("routers", "s", interfaces=[{"network": "net"}])
        new = world.api.get("routers/s")["status"]["mac"]
        return [lambda r: r["mac"] == mac and r["router"] == 0,
                lambda r: r["mac"] == new and r["router"]]

    def no_router():
        new = world.api.get("routers/s")["status"]["mac"]
        world.delete("routers", "s")
        return [lambda r: r["mac"] == new and r["router"] == 0]

    def no_slaac():
        world.patch("networks", "net", subnets=[dict(NET[1])])
        return [lambda r: r["prefixes"].get("fd00::", (0, 1, 1))[2] == 0]
    for change in (mtu, resolver, new_prefix, no_prefix, other_router,
                   no_router, no_slaac):
        with frames.Capture(vms[0].ns) as a, frames.Capture(vms[1].ns) as b:
            for wanted in change():
                for capture in (a, b):
                    assert advertised(capture, wanted), change.__name__
    for vm in vms:
        wait_for("no default route", lambda: not default_routes(vm))
        wait_for("a deprecated address", lambda: "deprecated" in vm.run(
            "ip", "-6", "addr", "show", "dev", "eth0"))


def test_a_port_loses_its_prefix(world):
    """The port gets an address of another prefix, and then none of IPv6."""
    world.put("networks", "net", subnets=[
        dict(NET[1], slaac=True), {"cidr": "fd01::/64", "slaac": True}])
    world.put("routers", "r", interfaces=[{"network": "net"}])
    mac = world.api.get("routers/r")["status"]["mac"]
    vm = bare_vm(world, "a", "net", "h1", ipv6=True)
    wait_for_address(vm, vm.own[0])
    first = "fd00::" if vm.own[0].startswith("fd00") else "fd01::"
    with frames.Capture(vm.ns) as capture:
        world.patch("ports", "a", ips=[
            ("fd01::" if first == "fd00::" else "fd00::") + "77"])
        assert advertised(capture, lambda r: r["prefixes"].get(
            first, (0, 1, 1)) == (0x40, 0, 0))
    with frames.Capture(vm.ns) as capture:
        world.patch("networks", "net", subnets=[
            {"cidr": "10.0.9.0/24"}, dict(NET[1], slaac=True),
            {"cidr": "fd01::/64", "slaac": True}])
        world.patch("ports", "a", ips=["10.0.9.7"])
        assert advertised(capture, lambda r: r["mac"] == mac
                          and r["router"] == 0)


# Changes while vmnd or a host is away.  --------------------------------------

def vmnd_is_killed(lab, change):
    change()
    lab.vmnd.kill()
    lab.vmnd.start()


def host_is_cut(lab, change):
    lab.host("h1").cut()
    try:
        wait_for("h1 to be offline", lambda: lab.vmnd.api.get("hosts/h1")[
            "status"]["state"] != "synced", 60)
        change()
    finally:
        lab.host("h1").heal()


@pytest.mark.parametrize("away", [vmnd_is_killed, host_is_cut],
                         ids=lambda a: a.__name__)
def test_changes_are_announced_after_an_outage(world, away):
    """vmnd is killed as soon as it has replied, or the host is cut off: what
    changed is announced once both are connected."""
    world.put("networks", "net", dhcp_options={"dns": ["fd00::53"]}, subnets=[
        dict(NET[0]), dict(NET[1], slaac=True)])
    world.put("routers", "r", interfaces=[{"network": "net"}])
    mac = world.api.get("routers/r")["status"]["mac"]
    moved = bare_vm(world, "moved", "net", "h1", ips=["10.0.0.31",
                                                      "fd00::31"])
    guest = bare_vm(world, "guest", "net", "h1", ipv6=True)
    far = bare_vm(world, "far", "net", "h2")
    wait_for_address(guest, [ip for ip in guest.own if ":" in ip][0])
    for change in ({"ips": ["10.0.0.32", "fd00::32"]},
                   {"mac": "02:00:00:00:00:32"}):
        with frames.Capture(far.ns) as capture:
            away(world.lab, lambda: world.api.patch("ports/moved", change))
            for ip in ("10.0.0.32", "fd00::32"):
                assert capture.wait(
                    lambda f: is_announcement(
                        f, change.get("mac", moved.mac), ip), 60), ip
    with frames.Capture(guest.ns) as capture:
        away(world.lab, lambda: world.api.patch("networks/net", {
            "subnets": [dict(NET[0]), dict(NET[1], slaac=True),
                        {"cidr": "fd01::/64"}]}))
        assert capture.wait(
            lambda f: (advert(f) is not None and advert(f)["mac"] == mac
                       and "fd01::" in advert(f)["prefixes"]), 60)
    for path, change, wanted in (
            ("networks/net", {"subnets": [dict(NET[0]),
                                          dict(NET[1], slaac=True)]},
             lambda r: r["prefixes"].get("fd01::", (0, 1))[1:] == (0, 0)),
            ("networks/net", {"dhcp_options": {"dns": ["fd00::54"]}},
             lambda r: r["dns"].get("fd00::53") == 0),
            ("ports/guest", {"ips": ["fd00::77"]},
             lambda r: r["prefixes"].get("fd00::", (0, 1))[:2] == (0x40, 0)),
            ("routers/r", None, lambda r: r["router"] == 0)):
        with frames.Capture(guest.ns) as capture:
            away(world.lab, (lambda: world.api.patch(path, change)) if change
                 else lambda: world.api.delete(path))
            assert capture.wait(
                lambda f: (advert(f) is not None and advert(f)["mac"] == mac
                           and wanted(advert(f))), 60), (path, change)
