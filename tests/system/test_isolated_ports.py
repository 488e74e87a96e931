# SPDX-License-Identifier: Apache-2.0
"""Isolated, community and promiscuous ports of one network (docs/api.md,
"isolated ports"): who gets what is sent by unicast, broadcast and multicast,
of either family, on one host and across two; and that neither VMN's answers,
nor a router, nor a virtual IP, nor a migration are a way around.  Members of
groups are in test_multicast.py."""

import itertools

import pytest
from conftest import (World, check_log, close_lab, cut, flows, make_lab,
                      wait_quiet)
from migrating import Twin

from vmnlab import frames, traffic
from vmnlab.api import Refused
from vmnlab.netns import PATIENCE, wait_for

BROADCAST = "ff:ff:ff:ff:ff:ff"
COMMUNITY = "community"
ISOLATED = "isolated"
PROMISCUOUS = "promiscuous"

# Port: its host, what it is to others, and with whom.  The network says
# "isolated", so those that are say nothing.
PORTS = {
    "i1": ("h1", None, None), "i2": ("h1", None, None),
    "i3": ("h2", ISOLATED, None),
    "c1": ("h1", COMMUNITY, "web"), "c2": ("h1", COMMUNITY, "web"),
    "c3": ("h2", COMMUNITY, "web"),
    "d1": ("h1", COMMUNITY, "db"), "d2": ("h2", COMMUNITY, "db"),
    "p1": ("h1", PROMISCUOUS, None), "p2": ("h2", PROMISCUOUS, None),
}
PAIRS = list(itertools.permutations(PORTS, 2))


def spec_of(name):
    _, kind, community = PORTS[name]
    spec = {}
    if kind:
        spec["isolation"] = kind
    if community:
        spec["community"] = community
    return spec


def may(a, b):
    """RFC 5517, section 3, of two ports."""
    kinds = [PORTS[name][1] or ISOLATED for name in (a, b)]
    if PROMISCUOUS in kinds:
        return True
    return kinds == [COMMUNITY] * 2 and PORTS[a][2] == PORTS[b][2]


def friends(a, names=PORTS):
    return {b for b in names if b != a and may(a, b)}


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("isolated", 2)
    yield lab
    close_lab(lab)


@pytest.fixture(scope="module")
def full(lab):
    world = World(lab)
    world.put("networks", "net", subnets=[
        {"cidr": "10.0.0.0/24", "gateway": "10.0.0.1"},
        {"cidr": "fd00::/64", "gateway": "fd00::1"}])
    world.put("networks", "other", subnets=[
        {"cidr": "10.0.9.0/24", "gateway": "10.0.9.1"}])
    world.put("routers", "r", interfaces=[{"network": "net"},
                                          {"network": "other"}])

    def start(name, **spec):
        i = 11 + list(PORTS).index(name)
        world.vm(name, "net", PORTS[name][0],
                 ["10.0.0.%d" % i, "fd00::%d" % i], tcp=[80], udp=[53], **spec)

    start("p1")
    start("p2")
    wait_quiet(lab)
    plain = [set(flows(host)) for host in lab.hosts]
    world.patch("networks", "net", isolation=PROMISCUOUS)
    wait_quiet(lab)
    # No flow for isolation where no port is isolated.
    assert [set(flows(host)) for host in lab.hosts] == plain
    for name in ("p1", "p2"):
        world.patch("ports", name, **spec_of(name))
    world.patch("networks", "net", isolation=ISOLATED)
    for name in PORTS:
        if name not in ("p1", "p2"):
            start(name, **spec_of(name))
    wait_quiet(lab)
    assert all(set(flows(host)) - before
               for host, before in zip(lab.hosts, plain))
    world.vm("far", "other", "h2", "10.0.9.11", tcp=[80], udp=[53])
    for name in PORTS:
        lab.vm(name).await_addresses()
    wait_quiet(lab)
    yield world
    world.close()
    check_log(lab.vmnd)


def heard_by(world, sender, frame, mark):
    """Who gets a frame of 'sender' that has 'mark' in it.  When all who are to
    get it have it, and frames that promiscuous ports have sent behind it as
    well, it has had its time with the others."""
    vms = {name: world.lab.vm(name) for name in PORTS if name != sender}
    with_last = {}
    captures = {name: frames.Capture(vm.ns) for name, vm in vms.items()}
    try:
        frames.send(world.lab.vm(sender), frame)
        for last in ("p1", "p2"):
            if last != sender:
                text = b"last of " + last.encode()
                p = world.lab.vm(last)
                frames.send(p, frames.udp(BROADCAST, p.mac, p.ip,
                                          "10.0.0.255", 9, 9, text))
                with_last[last] = text
        for name, capture in captures.items():
            for last, text in with_last.items():
                if last != name:
                    assert capture.wait(lambda f, t=text: t in f,
                                        20 * PATIENCE), (name, last)
        for name in friends(sender):
            assert captures[name].wait(lambda f: mark in f,
                                       20 * PATIENCE), name
        return {name for name, capture in captures.items()
                if any(mark in f for f in capture.read())}
    finally:
        for capture in captures.values():
            capture.close()


def probes_of(world, pairs):
    vm = world.lab.vm
    return [traffic.Probe(vm(a), protocol, ip, port) for a, b in pairs
            for ip in (vm(b).ip, vm(b).ip6)
            for protocol, port in (("tcp", 80), ("udp", 53))]


def check_pairs(world, pairs=tuple(PAIRS)):
    """Sockets of the VMs, which ask for MAC addresses."""
    wanted = [b if may(a, b) else None for a, b in pairs for _ in range(4)]
    probes = probes_of(world, pairs)
    found = traffic.probe(probes, 1.5)
    # Those that a busy machine has kept waiting.
    for i, (want, has) in enumerate(zip(wanted, found)):
        if want and not has:
            found[i] = world.answers(probes[i].vm, *probes[i][2:],
                                     probes[i].protocol)
    assert not [(p.vm.name, p.ip, p.protocol, want, has) for p, want, has
                in zip(probes, wanted, found) if want != has]


def test_sockets_reach_whom_they_may(full):
    check_pairs(full)
    # VMN's own are promiscuous: the router, and whoever is behind it.
    for name in ("i1", "i3", "c1"):
        vm = full.lab.vm(name)
        assert full.answers(vm, "10.0.0.1", 0, "icmp") == "icmp"
        assert full.answers(vm, "10.0.9.11") == "far"
        assert full.answers(full.lab.vm("far"), vm.ip) == name


def unicast(a, b, mark, mac=None):
    mac = mac or b.mac
    return [frames.udp(mac, a.mac, a.ip, b.ip, 4000, 4001, mark),
            frames.udp6(mac, a.mac, a.ip6, b.ip6, 4000, 4001, mark)]


def test_frames_for_a_guessed_mac(full):
    """No question is asked, so only the way of the frame itself is judged;
    ARP and advertisements of one to another as well."""
    vm = full.lab.vm
    captures = {name: frames.Capture(vm(name).ns) for name in PORTS}
    sent = []
    router = full.api.get("routers/r")["status"]["mac"]
    for a, b in PAIRS:
        one, other = vm(a), vm(b)
        mark = ("from %s to %s." % (a, b)).encode()
        sent += [(a, b, f, mark) for f in unicast(one, other, mark)]
        # By the router: the same network, and back.
        mark = ("routed from %s to %s." % (a, b)).encode()
        sent += [(a, b, f, mark) for f in unicast(one, other, mark, router)]
        f = frames.arp(other.mac, one.mac, 2, one.mac, one.ip, other.mac,
                       other.ip)
        # No ARP crosses a tunnel here.
        if PORTS[a][0] == PORTS[b][0]:
            sent.append((a, b, f, f[14:42]))
        f = frames.advertisement(other.mac, one.mac, one.ip6, other.ip6,
                                 one.ip6, one.mac)
        sent.append((a, b, f, f[54:]))
    for a, _, f, _ in sent:
        frames.send(vm(a), f)
    try:
        wrong = []
        for a, b, f, mark in sent:
            if may(a, b) and not captures[b].wait(lambda g, m=mark: m in g,
                                                  20 * PATIENCE):
                wrong.append((a, b, mark, "is missing"))
        wrong += [(a, b, mark, "has come") for a, b, f, mark in sent
                  if not may(a, b)
                  and any(mark in g for g in captures[b].read())]
        assert not wrong
    finally:
        for capture in captures.values():
            capture.close()


@pytest.mark.parametrize("sender", ["i1", "i3", "c1", "d2", "p1"])
def test_floods_are_heard_by_whom_they_may(full, sender):
    vm = full.lab.vm(sender)
    mark = b"flood of " + sender.encode()
    floods = [
        frames.udp(BROADCAST, vm.mac, vm.ip, "255.255.255.255", 5, 5, mark),
        frames.udp("01:00:5e:00:00:fb", vm.mac, vm.ip, "224.0.0.251", 5, 5,
                   mark),
        frames.udp6("33:33:00:00:00:fb", vm.mac, vm.ip6, "ff02::fb", 5, 5,
                    mark),
        frames.udp6("33:33:00:00:00:01", vm.mac, frames.link_local(vm.mac),
                    "ff02::1", 5, 5, mark),
    ]
    for i, flood in enumerate(floods):
        assert heard_by(full, sender, flood, mark) == friends(sender), i


def test_vmn_tells_nobody_a_hidden_mac(full):
    """VMN's own answers to ARP and neighbour discovery; a router's address is
    told everybody."""
    vm = full.lab.vm
    found = set()
    captures = {name: frames.Capture(vm(name).ns) for name in PORTS}
    try:
        for a, b in PAIRS:
            one, other = vm(a), vm(b)
            frames.send(one, frames.arp_question(one.mac, one.ip, other.ip),
                        frames.solicitation(one.mac, one.ip6, other.ip6,
                                            one.mac))
        for name in PORTS:
            one = vm(name)
            frames.send(one,
                        frames.arp_question(one.mac, one.ip, "10.0.0.1"),
                        frames.solicitation(one.mac, one.ip6, "fd00::1",
                                            one.mac))
            for what in ("10.0.0.1", "fd00::1"):
                assert captures[name].wait(
                    lambda f, w=what: w in (frames.parse(f).get("sender_ip"),
                                            frames.parse(f).get("src_ip")),
                    20 * PATIENCE), (name, what)
        by_address = {ip: name for name in PORTS
                      for ip in (vm(name).ip, vm(name).ip6)}
        for name, capture in captures.items():
            for f in capture.read():
                told = frames.parse(f)
                ip = (told.get("sender_ip") if told["kind"] == 0x806
                      else told.get("src_ip") if "nd" in told else None)
                if ip in by_address:
                    found.add((name, by_address[ip], ":" in ip))
        assert found >= {(a, b, v6) for a, b in PAIRS if may(a, b)
                         for v6 in (False, True)}
        assert not {(a, b) for a, b, _ in found if not may(a, b)}
    finally:
        for capture in captures.values():
            capture.close()


def test_what_is_told_of_it(full):
    """Traces, reachability, and the reason and owner of what is dropped."""
    found = full.api.get("reachability", protocol="tcp", port=80)
    kinds = {k["id"]: k["ports"] for k in found["classes"]}
    cells = {(a, b): c["verdict"] == "delivered" for c in found["cells"]
             for a in kinds[c["from"]] for b in kinds[c["to"]]}
    assert {pair: cells[pair] for pair in PAIRS} == {
        pair: may(*pair) for pair in PAIRS}

    # Without a question for its MAC address, which is not answered.
    i1, i3 = full.lab.vm("i1"), full.lab.vm("i3")
    said = full.api.call("POST", "/v1/trace", {
        "from": "i1", "to": "i3", "protocol": "tcp", "port": 80})
    at = said["outcomes"][0]["at"]
    assert (at["reason"], at["host"], at["object"]["name"]) == (
        "port isolation", "h1", "i3"), said

    def drops(reason="port isolation"):
        return [s for s in full.api.get("drops", reason=reason)["samples"]
                if s["object"] == {"type": "networks", "name": "net"}]

    frames.send(i1, frames.udp(BROADCAST, i1.mac, i1.ip, "255.255.255.255",
                               5, 5, b"a flood"))
    wait_for("its copies to be sampled, if asked for", lambda: [
        s for s in drops("copy of a flood held by port isolation")
        if s["src"].get("port") == "i1" and s["background"]])
    frames.send(i1, *unicast(i1, i3, b"a guess"))
    wait_for("it to be sampled", lambda: [
        s for s in drops() if (s["src"].get("port"), s["dst"].get("port"))
        == ("i1", "i3")])
    # What guests say all the time is not among it.
    assert not [s for s in drops() if s["src"].get("ip") == "::"
                or s["dst"].get("ip", "").startswith(("224.", "255.", "ff"))]


def test_virtual_ips_are_no_way_around(full):
    """A backend sees its client's address and answers it directly, so a
    client that may not talk with it does not by a virtual IP either."""
    full.patch("ports", "i3", labels={"role": "backend"})
    full.put("loadbalancers", "lb", networks=["net"], vip="10.0.0.100",
             ports=[{"port": 80}], selector="role=backend")
    try:
        for who in ("p1", "p2", "far"):
            assert full.answers(full.lab.vm(who), "10.0.0.100") == "i3"
        for who in ("i1", "c1", "c3"):
            assert full.unanswered(full.lab.vm(who), "10.0.0.100")
        # A backend that reaches itself.
        assert full.answers(full.lab.vm("i3"), "10.0.0.100") == "i3"
    finally:
        full.delete("loadbalancers", "lb")
        full.patch("ports", "i3", labels=None)


def test_changes_while_packets_flow(full):
    vm = full.lab.vm
    held = traffic.Connection(vm("c1"), vm("c3").ip, 80)
    near = traffic.Connection(vm("c1"), vm("c2").ip, 80)
    assert held.exchange(seconds=5) and near.exchange(seconds=5)
    full.patch("ports", "c3", isolation=ISOLATED, community=None)
    assert cut(held)
    assert near.exchange(seconds=5)
    assert full.unanswered(vm("c1"), vm("c3").ip6)
    assert full.answers(vm("p1"), vm("c3").ip) == "c3"
    full.patch("ports", "c3", isolation=COMMUNITY, community="web")
    assert held.again()
    full.patch("ports", "c3", community="db")
    assert cut(held)
    assert full.answers(vm("d1"), vm("c3").ip) == "c3"
    full.patch("ports", "c3", community="web")
    assert held.again()

    # The network's own word.
    full.patch("networks", "net", isolation=PROMISCUOUS)
    assert full.answers(vm("i1"), vm("i2").ip) == "i2"
    assert full.answers(vm("i1"), vm("i3").ip) == "i3"
    assert full.unanswered(vm("c1"), vm("d1").ip)
    with pytest.raises(Refused) as refused:
        full.patch("networks", "net", isolation=None)
    assert "/isolation" in str(refused.value)
    full.patch("networks", "net", isolation=ISOLATED)
    for ip in (vm("i2").ip, vm("i3").ip, vm("i3").ip6):
        assert full.unanswered(vm("i1"), ip)
    held.close()
    near.close()


def test_a_port_that_migrates(full):
    """It is on both hosts for a while, and what is for it goes to both."""
    vm = full.lab.vm
    twin = Twin(full, vm("i1"))
    twin.make(full.lab.host("h2"))
    twin.plug()
    wait_for("it to be prepared", lambda: (
        full.api.get("ports/i1")["status"].get("migration") or {})
        .get("state") == "prepared")
    wait_quiet(full.lab)
    try:
        others = [name for name in PORTS if name != "i1"]
        for announced in (False, True):
            if announced:
                frames.send_on(twin.vm.ns, "eth1", frames.ethernet(
                    BROADCAST, twin.vm.mac, 0x8035,
                    b"\x00\x01\x08\x00\x06\x04\x00\x03"
                    + 2 * (frames.mac_bytes(twin.vm.mac) + b"\0\0\0\0")))
                wait_for("its activation", lambda: full.api.get(
                    "ports/i1")["status"]["host"] == "h2")
                wait_quiet(full.lab)
            full.revalidated()
            with frames.Capture(twin.vm.ns) as one, \
                    frames.Capture(twin.vm.ns, "eth1") as two:
                for name in others:
                    mark = b"to i1 from %s." % name.encode()
                    frames.send(vm(name), *unicast(vm(name), vm("i1"), mark))
                for name in ("p1", "p2"):
                    mark = b"to i1 from %s." % name.encode()
                    assert (two if announced else one).wait(
                        lambda f, m=mark: m in f, 20 * PATIENCE), name
                got = {name for name in others for f in one.read()
                       + two.read() if b"to i1 from %s." % name.encode() in f}
                assert got == friends("i1")
    finally:
        twin.unplug()
    wait_for("it to be back", lambda: full.api.get(
        "ports/i1")["status"].get("host") == "h1")
    wait_quiet(full.lab)


def test_guests_behind_ports(lab):
    """What is behind a port with 'unknown' is as the port is; nobody knows
    where it is, so all such ports are asked."""
    world = World(lab)
    try:
        world.put("networks", "nest", isolation=ISOLATED,
                  subnets=[{"cidr": "10.5.0.0/24"}])
        names = {"u1": ("h1", {}), "u2": ("h1", {}), "u3": ("h2", {}),
                 "v1": ("h1", {"isolation": PROMISCUOUS}),
                 "v2": ("h2", {"isolation": PROMISCUOUS})}
        for i, (name, (host, spec)) in enumerate(names.items(), 1):
            world.vm(name, "nest", host, "10.5.0.%d" % i, unknown=True,
                     **spec)
        wait_quiet(lab)
        guest = {name: ("02:aa:00:00:00:0%d" % i, "10.5.0.10%d" % i)
                 for i, name in enumerate(names)}
        captures = {name: frames.Capture(lab.vm(name).ns) for name in names}
        # First nobody has heard of them, then all have.
        for turn in range(2):
            for a, b in itertools.permutations(names, 2):
                frames.send(lab.vm(a), frames.udp(
                    guest[b][0], guest[a][0], guest[a][1], guest[b][1], 7, 7,
                    b"%d: %s for %s." % (turn, a.encode(), b.encode())))
            for a, b in itertools.permutations(names, 2):
                mark = b"%d: %s for %s." % (turn, a.encode(), b.encode())
                if "v" in a + b:
                    assert captures[b].wait(lambda f, m=mark: m in f,
                                            20 * PATIENCE), mark
            for a, b in itertools.permutations(names, 2):
                if "v" not in a + b:
                    assert not any(b": %s for" % a.encode() in f
                                   for f in captures[b].read()), (a, b)
        for capture in captures.values():
            capture.close()
    finally:
        world.close()
    check_log(lab.vmnd)


def test_a_provider_network(lab):
    """Between VMs it is as in an overlay; all machines of the physical network
    are promiscuous."""
    world = World(lab)
    try:
        world.provider_hosts_are("h1", "h2")
        world.put("networks", "pub", isolation=ISOLATED,
                  provider={"physical": "dc"},
                  subnets=[{"cidr": "198.51.100.0/24"},
                           {"cidr": "fd51::/64"}])
        names = {"x1": ("h1", {}), "x2": ("h1", {}), "x3": ("h2", {}),
                 "y1": ("h2", {"isolation": PROMISCUOUS})}
        for i, (name, (host, spec)) in enumerate(names.items(), 1):
            world.vm(name, "pub", host,
                     ["198.51.100.%d" % i, "fd51::%d" % i], tcp=[80],
                     **spec)
        out = world.outside("out", "198.51.100.9/24", "fd51::9/64", tcp=[80])
        # Nobody knows on other hosts who is behind a port.
        with pytest.raises(Refused) as refused:
            world.patch("ports", "x1", unknown=True)
        assert "/isolation" in str(refused.value)
        for name in names:
            vm = lab.vm(name)
            vm.await_addresses()
            assert world.answers(vm, out.ip) == "out"
            assert world.answers(out, vm.ip6) == name
        pairs = list(itertools.permutations(names, 2))
        for a, b in pairs:
            if "y1" in (a, b):
                for ip in (lab.vm(b).ip, lab.vm(b).ip6):
                    assert world.answers(lab.vm(a), ip) == b
        assert not any(traffic.probe([
            traffic.Probe(lab.vm(a), "tcp", ip, 80) for a, b in pairs
            if "y1" not in (a, b) for ip in (lab.vm(b).ip, lab.vm(b).ip6)]))
        x1 = lab.vm("x1")
        # Somebody outside looks for duplicates, also where guests' probes
        # cross tunnels.
        world.patch("ports", "y1", allowed_addresses=[{"ip": "fd51::77"}])
        wait_quiet(lab)
        with frames.Capture(x1.ns) as capture:
            probe = frames.solicitation(out.mac, "::", x1.ip6)
            frames.send(out, probe)
            assert capture.wait(lambda f: probe[14:] in f, 20 * PATIENCE)
        # What says a MAC address crosses the physical network.
        with frames.Capture(lab.vm("x2").ns) as near, \
                frames.Capture(lab.vm("x3").ns) as far, \
                frames.Capture(lab.vm("y1").ns) as y1:
            announce = frames.arp(BROADCAST, x1.mac, 1, x1.mac, x1.ip,
                                  "00:00:00:00:00:00", x1.ip)
            mark = b"a flood of x1"
            frames.send(x1, announce, frames.udp(
                BROADCAST, x1.mac, x1.ip, "198.51.100.255", 5, 5, mark))
            assert y1.wait(lambda f: announce[14:42] in f, 20 * PATIENCE)
            assert y1.wait(lambda f: mark in f, 20 * PATIENCE)
            last = b"behind it"
            frames.send(lab.vm("y1"), frames.udp(
                BROADCAST, lab.vm("y1").mac, lab.vm("y1").ip,
                "198.51.100.255", 5, 5, last))
            for capture in (near, far):
                assert capture.wait(lambda f: last in f, 20 * PATIENCE)
                assert not any(announce[14:42] in f or mark in f
                               for f in capture.read())
    finally:
        world.close()
    check_log(lab.vmnd)
