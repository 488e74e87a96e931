# SPDX-License-Identifier: Apache-2.0
"""Mirrors to an address outside (docs/apps/mirrors.md): copies by GRE and
ERSPAN to a machine on the underlay, from real switches on two hosts.  What
mirrors of all kinds have in common is in test_mirrors.py."""

import socket
import struct

import pytest
from app_lab import app_lab, close_world, load
from conftest import World, make_lab, wait_quiet
from test_capture import datagrams
from test_live_apps import ctl
from test_mirrors import status_of

from vmnlab import frames, netns
from vmnlab.api import Refused
from vmnlab.netns import wait_for

GRE, TEB, ERSPAN2, ERSPAN3 = 47, 0x6558, 0x88be, 0x22eb
IDS, IDS_TOO, IDS6 = "10.99.9.9", "10.99.9.10", "fd99::99"
MAC = "02:99:00:00:09:09"


class Collector:
    """A machine on the underlay, which is nobody's port, and takes apart what
    it gets by GRE (RFC 2784, RFC 2890) and ERSPAN
    (draft-foschiano-erspan-03)."""

    def __init__(self, lab):
        self.ns = lab.ns("ids")
        netns.add(self.ns)
        netns.ip(self.ns,
                 "link add name eth0 address %s mtu %d type veth peer name ids "
                 "netns %s" % (MAC, lab.underlay_mtu, lab.net_ns),
                 "link set eth0 up", "addr add %s/16 dev eth0" % IDS,
                 "addr add %s/16 dev eth0" % IDS_TOO,
                 "addr add %s/64 dev eth0 nodad" % IDS6)
        netns.ip(lab.net_ns, "link set ids mtu %d master underlay up"
                 % lab.underlay_mtu)
        for host in lab.hosts:
            for ip in (IDS, IDS_TOO, IDS6):
                # Else the first copy is lost while the switch asks.
                host.appctl("tnl/neigh/set", "br-phys", ip, MAC)
        self.capture = None

    def __enter__(self):
        self.capture = frames.Capture(self.ns)
        return self

    def __exit__(self, *_):
        self.capture.close()

    def copies(self):
        """(what its headers say, the frame) of each copy of UDP to port 7."""
        found = []
        for frame in self.capture.read():
            outer = frames.parse(frame)
            if outer.get("protocol") == GRE:
                copy = decode(outer["payload"])
                copy.update({"from": outer["src_ip"], "to": outer["dst_ip"]})
                inner = copy.pop("frame")
                if frames.parse(inner)["kind"] in (0x800, 0x86dd) \
                        and (frames.of_udp(inner) or (0, 0))[1] in (7, 9):
                    found.append((copy, inner))
        return found

    def gets(self, wanted, seconds=30):
        """Waits until it has got just these frames, in any order; returns what
        the headers said, in the order of 'wanted'."""
        wait_for("copies", lambda: len(self.copies()) >= len(wanted), seconds)
        copies = self.copies()
        assert sorted(f for _, f in copies) == sorted(wanted)
        return [next(h for h, f in copies if f == frame) for frame in wanted]


def decode(packet):
    """What GRE and ERSPAN headers say, and the frame behind them."""
    flags, kind = struct.unpack_from("!HH", packet)
    assert not flags & 0xcfff, "only a key or a sequence number"
    found, at = {"kind": kind}, 4
    if flags & 0x2000:
        found["key"] = struct.unpack_from("!I", packet, at)[0]
        at += 4
    if flags & 0x1000:
        found["sequence"] = struct.unpack_from("!I", packet, at)[0]
        at += 4
    if kind in (ERSPAN2, ERSPAN3):
        head, second = struct.unpack_from("!II", packet, at)
        found.update(version=head >> 28, session=head & 0x3ff)
        if kind == ERSPAN2:
            found["index"] = second & 0xfffff
            at += 8
        else:
            last = struct.unpack_from("!I", packet, at + 8)[0]
            found.update(hwid=last >> 4 & 0x3f, direction=last >> 3 & 1)
            at += 12
    found["frame"] = packet[at:]
    return found


@pytest.fixture(scope="module")
def lab():
    with app_lab(make_lab("mirrem", 2, underlay="both"), "mirrors") as lab:
        try:
            lab.ids = Collector(lab)
            yield lab
        finally:
            if netns.exists(lab.ns("ids")):
                netns.delete(lab.ns("ids"))


@pytest.fixture(name="world")
def _world(lab):
    world = World(lab)
    world.network("net", "10.0.0.0/24", vni=7)
    for i, (name, host) in enumerate((("a", "h1"), ("b", "h1"), ("c", "h2")),
                                     1):
        world.vm(name, "net", host, "10.0.0.%d" % i)
    yield world
    close_world(world, "mirrors")
    for host in lab.hosts:
        wait_for("no tunnel for copies", lambda h=host: not tunnels(h), 30)


def tunnels(host):
    """The interfaces that vmnd has made for copies."""
    return sorted(name for name in host.vsctl("list-ports", "br-int").split()
                  if name in ("vmn-gre", "vmn-ip6gre", "vmn-erspan",
                              "vmn-ip6erspan"))


def await_tunnels(world, name):
    wait_for("the mirror's tunnels", lambda: "problem" not in
             status_of(world, name), 30)
    wait_quiet(world.lab)


def mirror(world, name="m", **spec):
    """A mirror whose hosts have their tunnels."""
    world.put("mirrors", name, **spec)
    await_tunnels(world, name)
    world.revalidated()


def test_gre_from_each_host(world, lab):
    """Of what VMs of both hosts send and get, byte by byte, each once for each
    mirrored port, from the host that has the port.  With the mirror the tunnel
    goes, and what it was made of."""
    a, b, c = (lab.vm(name) for name in "abc")
    h1, h2 = lab.hosts
    mirror(world, ports=["a", "c"], to_remote=IDS, key=4711)
    assert tunnels(h1) == tunnels(h2) == ["vmn-gre"]
    out, back, aside = (datagrams(a, c, 20), datagrams(c, a, 20),
                        datagrams(b, a, 5))
    with lab.ids as ids:
        frames.send(a, *out)
        frames.send(c, *back)
        frames.send(b, *aside)
        ids.gets(2 * out + 2 * back + aside)
        for copy, frame in ids.copies():
            assert copy["kind"] == TEB and copy["key"] == 4711
            assert frame not in aside or copy["from"] == h1.tunnel_ip
        for host in lab.hosts:
            assert sum(copy["from"] == host.tunnel_ip
                       for copy, _ in ids.copies()) == (45 if host is h1
                                                        else 40)
    status = status_of(world)
    assert status["active"] and status["hosts"] == ["h1", "h2"]
    wait_for("counters", lambda: status_of(world)["packets"] >= 85, 30)
    world.delete("mirrors", "m")
    for host in lab.hosts:
        wait_for("no tunnel", lambda h=host: not tunnels(h), 30)


def test_one_interface_for_all_and_only_where_ports_are(world, lab):
    a, c = lab.vm("a"), lab.vm("c")
    mirror(world, "one", ports=["a"], to_remote=IDS, key=1,
           direction="egress")
    mirror(world, "two", ports=["a"], to_remote=IDS, key=2,
           filters=[{"protocol": "udp", "ports": "9"}])
    assert [tunnels(host) for host in lab.hosts] == [["vmn-gre"], []]
    seven, nine = datagrams(a, c, 5), datagrams(a, c, 5, port=9)
    with lab.ids as ids:
        frames.send(a, *seven, *nine)
        ids.gets(seven + 2 * nine)
        assert sorted(f for copy, f in ids.copies() if copy["key"] == 2) \
            == sorted(nine)
    world.delete("mirrors", "one")
    assert tunnels(lab.hosts[0]) == ["vmn-gre"]


def test_two_addresses_restarts_and_unloading(world, lab):
    """By one interface; a restart of vmnd leaves that as it is, and the app's
    end takes it away."""
    a, h1 = lab.vm("a"), lab.hosts[0]
    for name, ip in (("one", IDS), ("two", IDS_TOO)):
        mirror(world, name, ports=["a"], to_remote=ip, direction="egress")

    def sends(first):
        out = datagrams(a, lab.vm("c"), first + 5)[first:]
        with lab.ids as ids:
            frames.send(a, *out)
            ids.gets(2 * out)
            for ip in IDS, IDS_TOO:
                assert sorted(f for copy, f in ids.copies()
                              if copy["to"] == ip) == sorted(out)

    def interface():
        return h1.vsctl("get", "interface", "vmn-gre", "_uuid", "ofport")

    sends(0)
    before = interface()
    assert lab.vmnd.stop() == 0
    sends(5)
    lab.vmnd.start()
    wait_quiet(lab)
    assert interface() == before
    sends(10)
    ctl(lab, "app", "unload", "mirrors", "--wait")
    wait_for("no tunnel", lambda: not tunnels(h1), 30)
    load(lab, "mirrors")
    await_tunnels(world, "two")
    world.revalidated()
    sends(15)


def test_a_copy_that_comes_back_is_not_copied(world, lab):
    """The analyser is a VM of a provider network, which hosts reach by the
    underlay, and is mirrored itself: of GRE to it there is no copy, neither to
    itself nor to another analyser, and of all else there is one."""
    a, c = lab.vm("a"), lab.vm("c")
    world.provider_hosts_are("h1")
    lab.wire.add_link(lab.net_ns, "wire", "x-underlay")
    try:
        netns.ip(lab.net_ns, "link set wire master underlay")
        world.network("pub", "10.99.0.0/16", provider={"physical": "dc"})
        probe = world.vm("probe", "pub", "h1", "10.99.9.8")
        lab.hosts[0].appctl("tnl/neigh/set", "br-phys", probe.ip, probe.mac)
        mirror(world, ports=["a", "probe"], to_remote=probe.ip)
        mirror(world, "other", ports=["probe"], to_remote=IDS)
        out, own = datagrams(a, c, 5), datagrams(probe, c, 3)
        with lab.ids as ids, frames.Capture(probe.ns) as at_probe:
            def seen():
                return [decode(outer["payload"])["frame"] for outer in
                        map(frames.parse, at_probe.read())
                        if outer.get("protocol") == GRE]
            frames.send(a, *out)
            wait_for("copies", lambda: set(out) <= set(seen()), 30)
            # What comes last has no copies of copies before it.
            frames.send(probe, *own)
            wait_for("more copies", lambda: set(own) <= set(seen()), 30)
            ids.gets(own)
            for found in seen():
                assert frames.parse(found).get("protocol") != GRE
            assert sorted(f for f in seen() if f in out + own) \
                == sorted(out + own)
    finally:
        lab.wire.remove_link("x-underlay")


@pytest.mark.parametrize("remote", [IDS, IDS6])
def test_erspan(world, lab, remote):
    """Both versions by one interface, with what each has in its header; of
    type III with the direction that the switch's port sees."""
    a, c = lab.vm("a"), lab.vm("c")
    mirror(world, "two", ports=["a"], to_remote=remote, encap="erspan",
           key=1023, erspan_idx=0x12345)
    mirror(world, "three", ports=["c"], to_remote=remote, encap="erspan",
           key=5, erspan_ver=2, erspan_hwid=42)
    name = "vmn-ip6erspan" if ":" in remote else "vmn-erspan"
    assert [tunnels(host) for host in lab.hosts] == [[name], [name]]
    out, back = datagrams(a, c, 5), datagrams(c, a, 5)
    with lab.ids as ids:
        frames.send(a, *out)
        frames.send(c, *back)
        ids.gets(2 * out + 2 * back)
        copies = ids.copies()
    ips = [next(ip for ip in host.tunnel_ips if (":" in ip) == (":" in remote))
           for host in lab.hosts]
    for copy, frame in copies:
        del copy["sequence"]
        assert copy.pop("to") == remote
        assert copy == (
            {"kind": ERSPAN2, "version": 1, "session": 1023,
             "index": 0x12345, "from": ips[0]} if copy["kind"] == ERSPAN2
            else {"kind": ERSPAN3, "version": 2, "session": 5, "hwid": 42,
                  "direction": int(frame in out), "from": ips[1]})
    assert sum(copy["kind"] == ERSPAN2 for copy, _ in copies) == 10


def test_ipv6_and_what_is_too_large(world, lab):
    """By GRE over IPv6, of each packet its first bytes; what the VM gets is
    whole."""
    a, c = lab.vm("a"), lab.vm("c")
    mirror(world, ports=["c"], to_remote=IDS6, key=9, max_size=100)
    assert [tunnels(host) for host in lab.hosts] == [[], ["vmn-ip6gre"]]
    small, large = datagrams(a, c, 3), datagrams(a, c, 3, size=1400)
    with lab.ids as ids, frames.Capture(c.ns) as at_c:
        frames.send(a, *small, *large)
        ids.gets(small + [frame[:100] for frame in large])
        wait_for("what is sent", lambda: set(small + large)
                 <= set(at_c.read()), 30)


def received(host):
    """How many packets its tunnels for copies have taken.  The userspace
    datapath gives GRE of both families to one of them."""
    return sum(int(host.vsctl("get", "interface", name,
                              "statistics:rx_packets").strip())
               for name in tunnels(host))


def forge(ids, ip, heads, forged):
    """Sends frames to a host, as if it were the collector."""
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    with netns.socket_in(ids.ns, family, socket.SOCK_RAW, GRE) as sock:
        for frame in forged:
            for head in heads:
                sock.sendto(head + frame, (ip, 0))


@pytest.mark.parametrize("encap,heads", [
    ("gre", [struct.pack("!HHI", 0x2000, TEB, 7), struct.pack("!HH", 0, TEB)]),
    ("erspan", [struct.pack("!HHIII", 0x1000, ERSPAN2, 1, 0x10000007, 0)])],
    ids=["gre", "erspan"])
def test_nothing_comes_in_by_it(world, lab, encap, heads):
    """Neither by the number of a network, nor by that of a port, nor with no
    key: what a collector sends, of which each switch has taken all, gets to no
    VM, and to no mirror."""
    a, c = lab.vm("a"), lab.vm("c")
    for name, remote in (("m", IDS), ("m6", IDS6)):
        mirror(world, name, ports=["a", "c"], to_remote=remote, key=7,
               encap=encap)
    to_a, to_c = datagrams(c, a, 4), datagrams(a, c, 4)
    with lab.ids as ids, frames.Capture(a.ns) as at_a, \
            frames.Capture(c.ns) as at_c:
        for host, forged in zip(lab.hosts, (to_a, to_c)):
            before = received(host)
            for ip in host.tunnel_ips:
                forge(ids, ip, heads, forged)
            wait_for("what was forged", lambda h=host, b=before:
                     received(h) - b >= 2 * 4 * len(heads), 30)
        last = datagrams(c, a, 5)[4:]
        frames.send(c, *last)
        ids.gets(4 * last)
        wait_for("the last one", lambda: last[0] in at_a.read(), 30)
        assert not set(to_a + to_c) & set(at_a.read() + at_c.read())


def test_somebody_elses_port_stays(world, lab):
    """The mirror says of which host it gets nothing, and the host why; it is
    healed when the other port goes."""
    h1, h2 = lab.hosts
    h1.vsctl("add-port", "br-int", "vmn-gre", "--", "set", "interface",
             "vmn-gre", "type=internal")
    try:
        world.put("mirrors", "m", ports=["a", "c"], to_remote=IDS)
        wait_for("one tunnel", lambda: status_of(world).get("problem", "")
                 .startswith("host h1: no tunnel of type gre"), 30)
        assert status_of(world)["active"]
        wait_for("why", lambda: "\"vmn-gre\"" in world.api.get("hosts/h1")[
            "status"].get("reason", ""), 30)
        assert tunnels(h2) == ["vmn-gre"]
        assert h1.vsctl("get", "interface", "vmn-gre", "type").strip() \
            == "internal"
    finally:
        h1.vsctl("del-port", "br-int", "vmn-gre")
    wait_for("the tunnel", lambda: "problem" not in status_of(world), 30)
    wait_for("no fault", lambda: "reason" not in world.api.get("hosts/h1")[
        "status"], 30)


# Mistakes.  ------------------------------------------------------------------

MISTAKES = [
    (dict({"to_remote": IDS}, **more), pointer) for more, pointer in (
        ({"to_port": "b"}, "/to_remote"),
        ({"encap": "vxlan"}, "/encap"),
        ({"erspan_idx": 1}, "/encap"),
        ({"erspan_ver": 2}, "/encap"),
        ({"key": -1}, "/key"),
        ({"key": 1 << 31}, "/key"),
        ({"encap": "erspan", "key": 1024}, "/key"),
        ({"encap": "erspan", "erspan_ver": 3}, "/erspan_ver"),
        ({"encap": "erspan", "erspan_idx": 1 << 20}, "/erspan_idx"),
        ({"encap": "erspan", "erspan_ver": 2, "erspan_idx": 1},
         "/erspan_idx"),
        ({"encap": "erspan", "erspan_hwid": 1}, "/erspan_hwid"),
        ({"encap": "erspan", "erspan_ver": 2, "erspan_hwid": 64},
         "/erspan_hwid"),
        ({"max_pps": 1000001}, "/max_pps"),
        ({"max_size": 63}, "/max_size"))
] + [
    ({"to_remote": address}, "/to_remote") for address in (
        "collector", "239.0.0.1", "255.255.255.255", "127.0.0.1", "0.0.0.0",
        "::1", "::", "ff02::1", "fe80::1", "::ffff:10.99.9.9")
] + [
    ({"key": 1}, "/to_remote"),
    ({"to_port": "b", "encap": "erspan"}, "/to_remote"),
]


def test_mistakes_are_named(world):
    for spec, pointer in MISTAKES:
        with pytest.raises(Refused) as refused:
            world.api.put("mirrors/m", dict(spec, ports=["a"]))
        assert refused.value.status == 400
        assert [e["pointer"] for e in refused.value.problem["errors"]] \
            == ["/spec" + pointer], spec
