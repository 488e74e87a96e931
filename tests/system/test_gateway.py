# SPDX-License-Identifier: Apache-2.0
"""From VMs to what is outside and back, by way of a router's gateway."""

import ipaddress
import re
import socket

import pytest
from conftest import flows, in_turn, rule, wait_quiet
from test_balancer import burst
from test_mtu import fits, told
from test_router import hop

from vmnlab import netns, traffic
from vmnlab.frames import (Capture, link_local, of_udp, parse, send,
                           solicitation, solicited_node, udp)
from vmnlab.netns import wait_for

CIDR = "198.51.100.0/24"
ROUTER = "198.51.100.1"         # Outside: the gateway of the subnet.
OURS = "198.51.100.10"
NEAR = "198.51.100.50"
FAR = "192.0.2.1"

CIDR6 = "fd51::/64"
ROUTER6, OURS6, NEAR6, FAR6 = "fd51::1", "fd51::10", "fd51::50", "fd52::1"

# What is told apart by the family alone.
FAMILIES = ((ROUTER, OURS, NEAR, FAR), (ROUTER6, OURS6, NEAR6, FAR6))


@pytest.fixture(params=in_turn(None, 7),
                ids=lambda vlan: "vlan" if vlan else "flat")
def shop(request, world):
    """Networks "a" and "b" of router "r", which has its gateway on h1 or else
    h2; a VM of each on h1 and on h3, which has no way out of its own; and
    outside, a router, a machine beside it and one behind it.  All of both
    families."""
    world.provider_hosts_are("h1", "h2")
    provider = {"physical": "dc"}
    if request.param:
        provider["vlan"] = request.param
    world.put("networks", "out", provider=provider, mtu=1500,
              subnets=[{"cidr": CIDR, "gateway": ROUTER},
                       {"cidr": CIDR6, "gateway": ROUTER6}])
    for name, n in (("a", 1), ("b", 2)):
        world.put("networks", name, subnets=[
            {"cidr": "10.0.%d.0/24" % n, "gateway": "10.0.%d.1" % n},
            {"cidr": "fd00:%d::/64" % n, "gateway": "fd00:%d::1" % n}])
    world.put("routers", "r", interfaces=[{"network": "a"}, {"network": "b"}],
              external={"network": "out", "addresses": [OURS, OURS6],
                        "gateways": [{"host": "h1", "priority": 1},
                                     {"host": "h2", "priority": 2}]})
    vms = {}
    for name, network, host, n in (("a1", "a", "h1", 1), ("a3", "a", "h3", 3),
                                   ("b3", "b", "h3", 4)):
        link = 1 if network == "a" else 2
        vm = world.vm(name, network, host,
                      ["10.0.%d.%d" % (link, 10 + n),
                       "fd00:%d::%d" % (link, 10 + n)], tcp=[80], udp=[53])
        vms[name] = vm
    vms["gw"] = world.outside("gw", ROUTER + "/24", FAR + "/32",
                              ROUTER6 + "/64", FAR6 + "/128",
                              vlan=request.param, tcp=[80], udp=[53])
    vms["near"] = world.outside("near", NEAR + "/24", NEAR6 + "/64", tcp=[80],
                                udp=[53], vlan=request.param)
    return vms


def test_what_goes_out_comes_from_the_router(world, shop):
    """TCP, UDP and pings of VMs on the gateway and elsewhere."""
    for router, ours, near, far in FAMILIES:
        for name in ("a1", "a3", "b3"):
            vm = shop[name]
            assert world.answers(vm, far) == "gw", name
            for ip, who in ((router, "gw"), (near, "near")):
                for protocol, port in (("tcp", 80), ("udp", 53)):
                    assert world.answers(vm, ip, port, protocol) == who, (
                        name, ip, protocol)
            assert seen_as(vm, shop["near"], near) == ours
        # One each: the userspace datapath does not translate identifiers of
        # pings, which all have the same here.
        for name, ip in (("a1", far), ("a3", near), ("b3", router)):
            assert world.answers(shop[name], ip, 0, "icmp") == "icmp", name
            wait_for("an ICMP error", lambda: refused(shop[name], ip), 30)
        # The router itself answers pings, and nothing else gets in.
        for who in ("gw", "near"):
            assert world.answers(shop[who], ours, 0, "icmp") == "icmp"
            assert world.unanswered(shop[who], ours)


def test_a_family_is_routed(world, shop):
    """IPv6 keeps its addresses, as those outside may open connections to them,
    by the router's link-local address or another; IPv4 does not."""
    router = world.api.get("routers/r")
    world.patch("routers", "r", external=dict(router["spec"]["external"],
                                              exempt=["::/0"]))
    for who, via in (("gw", link_local(router["status"]["mac"])),
                     ("near", OURS6)):
        shop[who].run("ip", "route", "add", "fd00::/16", "via", via, "dev",
                      "eth0")
    for name in ("a1", "b3"):
        vm = shop[name]
        assert seen_as(vm, shop["near"], NEAR6) == vm.ip6
        assert seen_as(vm, shop["gw"], FAR6) == vm.ip6
        assert seen_as(vm, shop["near"], NEAR) == OURS
        for who, ip in (("gw", FAR6), ("near", NEAR6)):
            assert seen_as(shop[who], vm, vm.ip6) == ip
            assert world.answers(shop[who], vm.ip6, 0, "icmp") == "icmp"
    world.patch("ports", "b3", labels={"role": "web"})
    world.group("web", "role=web")
    world.policy("p", "web", rule("ingress", "allow", [FAR6 + "/128"]))
    assert world.unanswered(shop["near"], shop["b3"].ip6)
    assert world.answers(shop["gw"], shop["b3"].ip6) == "b3"


def test_neighbours_on_the_wire_are_answered(world, shop):
    """By a solicitation of one's own, by an advertisement where one is asked
    by its own address or looks for duplicates; and nobody is who is further
    away."""
    mac = world.api.get("routers/r")["status"]["mac"]
    near = shop["near"]
    world.put("floating-ips", "f6", router="r", ip="fd51::24", port="b3")
    for ip in (OURS6, "fd51::24", link_local(mac)):
        asked = solicitation(near.mac, NEAR6, ip, near.mac)
        # To its MAC address: the router may look for it by multicast, too, as
        # the tests before have had VMs send there.
        said = answer_to(near, asked, lambda f: f.get("nd") == 135
                         and f["src_ip"] == ip and f["dst"] == near.mac)
        assert (said["src"], said["target"], said["options"],
                said["sum_is_right"]) == (mac, NEAR6, {1: mac}, True)
        directly = solicitation(near.mac, NEAR6, ip, near.mac, to=(mac, ip))
        said = answer_to(near, directly, lambda f: f.get("nd") == 136
                         and f["target"] == ip and f["dst"] == near.mac)
        assert (said["src"], said["flags"], said["options"]) == (
            mac, 0xe0, {2: mac})
        said = answer_to(near, solicitation(near.mac, "::", ip), lambda f:
                         f.get("nd") == 136 and f["target"] == ip
                         and f["flags"] == 0)
        assert said["dst_ip"] == "ff02::1"
    # "fd51::66" is heard of from here, "fd51::67" from further away, which is
    # answered neither.
    honest = solicitation(near.mac, "fd51::66", OURS6, near.mac)
    for to in (solicited_node(OURS6), (mac, OURS6)):
        lie = bytearray(solicitation(near.mac, "fd51::67", OURS6, near.mac,
                                     to=to))
        lie[21] = 254
        with Capture(near.ns) as capture:
            send(near, bytes(lie))
            send(near, honest)
            assert capture.wait(lambda f: parse(f).get("dst_ip")
                                == "fd51::66")
            assert not [f for f in capture.read() if parse(f).get("dst_ip")
                        == "fd51::67"]
    known = wait_for("it to be known", lambda: next((
        found for found in [neighbours(world.lab.host("h1"))]
        if "fd51::66" in found), None))
    assert known["fd51::66"] == near.mac and "fd51::67" not in known


def test_floating_address_is_the_ports_own(world, shop):
    """In both directions, on the gateway and elsewhere; and policies judge as
    whom it is."""
    for name, n in (("a1", 21), ("b3", 24)):
        for ip, near in (("198.51.100.%d" % n, NEAR),
                         ("fd51::%d" % n, NEAR6)):
            world.put("floating-ips", "f%d-%s" % (6 if ":" in ip else 4, name),
                      router="r", ip=ip, port=name)
            for who in ("gw", "near"):
                for protocol, port in (("tcp", 80), ("udp", 53)):
                    assert world.answers(shop[who], ip, port,
                                         protocol) == name
                assert world.answers(shop[who], ip, 0, "icmp") == "icmp"
            assert seen_as(shop[name], shop["near"], near) == ip
            assert seen_as(shop["near"], shop[name], ip) == near
    assert seen_as(shop["a3"], shop["near"]) == OURS
    assert seen_as(shop["a3"], shop["near"], NEAR6) == OURS6

    # What the router has to say of a packet comes from its own address: that
    # it went too far, or that the port's network takes no more.
    for ip, router, ttl in (("198.51.100.21", OURS, 11),
                            ("fd51::24", OURS6, 3)):
        assert wait_for("the router to be a hop", lambda: hop(
            shop["near"], ip, 1)) == (router, ttl, 0)
        assert fits(shop["near"], ip, 1450)
        assert told(shop["near"], ip, 1451) == (router, 1450)

    world.patch("ports", "b3", labels={"role": "web"})
    world.group("web", "role=web")
    world.policy("p", "web", rule("ingress", "allow",
                                  [ROUTER + "/32", ROUTER6 + "/128"]))
    for ip in ("198.51.100.24", "fd51::24"):
        assert world.unanswered(shop["near"], ip)
        assert world.answers(shop["gw"], ip) == "b3"
    world.policy("q", "web", rule("egress", "deny",
                                  [NEAR + "/32", NEAR6 + "/128"]),
                 rule("egress", "allow"))
    for near, router in ((NEAR, ROUTER), (NEAR6, ROUTER6)):
        assert world.unanswered(shop["b3"], near)
        assert world.answers(shop["b3"], router) == "gw"

    world.delete("floating-ips", "f4-a1")
    assert world.unanswered(shop["near"], "198.51.100.21")
    assert seen_as(shop["a1"], shop["near"]) == OURS
    assert seen_as(shop["a1"], shop["near"], NEAR6) == "fd51::21"
    world.delete("floating-ips", "f6-a1")
    assert world.unanswered(shop["near"], "fd51::21")
    assert seen_as(shop["a1"], shop["near"], NEAR6) == OURS6


def mac_of(guest, ip):
    """The Ethernet address by which 'guest' knows 'ip'."""
    words = guest.run("ip", "neigh", "show", ip).split()
    return words[words.index("lladdr") + 1] if "lladdr" in words else None


def test_floating_address_is_at_home_on_a_host_with_a_wire(world, shop):
    """There it needs no gateway, and has a MAC address of its own.  Where its
    port moves it goes."""
    pairs = (("198.51.100.22", NEAR), ("fd51::22", NEAR6))
    shop["a2"] = world.vm("a2", "a", "h2", ["10.0.1.12", "fd00:1::12"],
                          tcp=[80])
    for name, (ip, _) in zip(("f4", "f6"), pairs):
        world.put("floating-ips", name, router="r", ip=ip, port="a2")
    router = world.api.get("routers/r")["status"]["mac"]
    held = []
    for ip, near in pairs:
        assert seen_as(shop["a2"], shop["near"], near) == ip
        assert world.answers(shop["near"], ip) == "a2"
        assert mac_of(shop["near"], ip) not in (router, None)
        # Others of the router's come by it, though its gateway is elsewhere.
        assert world.answers(shop["b3"], ip) == "a2"
        for vm, to in (("near", ip), ("a2", near)):
            held.append(traffic.Connection(shop[vm], to, 80))
    for far in (FAR, FAR6):
        told = world.api.call("POST", "/v1/trace", {
            "from": "a2", "to": far, "protocol": "tcp", "port": 80})
        assert told["verdict"] == "delivered", told
        end = told["outcomes"][0]["legs"][0]["ends"][0]
        assert (end["port"], end["host"]) == ("@dc", "h2"), end
    assert all(h.exchange(seconds=20) for h in held)
    await_gateway(world, "h1")
    h1 = world.lab.host("h1")
    try:
        h1.stop()
        # Not by h2 in its place either: what comes has not gone by a router.
        with Capture(shop["near"].ns) as capture:
            assert all(h.exchange(seconds=20) for h in held)
            came = {(f["src_ip"], f["src"] == router)
                    for f in map(parse, capture.read()) if "src_ip" in f}
        for ip, _ in pairs:
            assert (ip, False) in came and (ip, True) not in came, came
    finally:
        h1.start()
    await_gateway(world, "h1")

    # To a host without a wire, whose packets take the gateway's; and back.
    for host, is_home in (("h3", False), ("h1", True)):
        world.lab.move("a2", host)
        world.lab.await_ports(["a2"])
        for ip, near in pairs:
            assert world.answers(shop["near"], ip, seconds=40) == "a2", host
            assert seen_as(shop["a2"], shop["near"], near) == ip
            wait_for("its MAC address", lambda a=ip: (
                mac_of(shop["near"], a) == router) == (not is_home), 40)


def is_refused(client, ip, port):
    with netns.socket_in(client.ns, traffic.family_of(ip)) as sock:
        sock.settimeout(1.0)
        try:
            sock.connect((ip, port))
        except ConnectionRefusedError:
            return True
        except OSError:
            pass
        return False


@pytest.mark.parametrize("vip, floating, near", [
    ("10.0.1.100", "198.51.100.24", "198.51.100.50"),
    ("fd00:1::100", "fd51::24", "fd51::50")], ids=["ipv4", "ipv6"])
def test_virtual_ip_is_reached_from_outside(world, shop, vip, floating, near):
    """By a floating address; backends are on the gateway and elsewhere, and
    they see who asks."""
    world.put("loadbalancers", "www", vip=vip, networks=["a"],
              ports=[{"port": 8000, "target": 80}],
              backends=[{"port": "a1"}, {"port": "a3"}])
    world.put("floating-ips", "f", router="r", ip=floating,
              load_balancer="www")
    for who in ("gw", "near"):
        wait_for("both backends", lambda w=who: {traffic.ask(
            shop[w], floating, 8000) for _ in range(20)} >= {"a1", "a3"})
        assert world.unanswered(shop[who], floating, 80)
    assert world.answers(shop["near"], floating, 0, "icmp")
    held = traffic.Connection(shop["near"], floating, 8000)
    assert held.exchange(seconds=20).split()[1] == near
    # Neither those inside nor what backends send by themselves is touched.
    assert world.answers(shop["b3"], shop["a1"].ip) == "a1"
    assert seen_as(shop["a3"], shop["near"]) == OURS
    assert seen_as(shop["a3"], shop["near"], NEAR6) == OURS6
    assert held.exchange(seconds=20)
    # Who may reach one backend, and who may not, is that one's policy.
    world.group("one", ports=["a1"])
    world.policy("p", "one", rule("ingress", "deny", [
        near + ("/128" if ":" in near else "/32")]),
        rule("ingress", "allow"))
    world.revalidated()
    seen = set()
    wait_for("a1 to be cut off, and a3 not", lambda: seen.add(traffic.ask(
        shop["near"], floating, 8000, "tcp", 0.3)) or seen == {"a3", None})
    wait_for("a1", lambda: traffic.ask(shop["gw"], floating, 8000) == "a1")
    world.delete("policies", "p")
    # A client outside may have a limit, and other clients are others.
    world.patch("loadbalancers", "www", client_limit={"rate": 1, "burst": 9})
    # Until then a connection may take the former way in part, to no backend's
    # port.
    world.revalidated()
    # All 9 may: of a bucket that both share, the one who floods leaves none.
    # On a busy machine one or the other takes more than burst()'s second, or
    # all do; some 9 s later all may again.
    wait_for("too many of one, and others of another", lambda: burst(
        shop["near"], floating, 60, port=8000)[0] < 20 and burst(
            shop["gw"], floating, 9, port=8000)[0] > 4, 60, step=10.0)
    world.patch("loadbalancers", "www", client_limit={"rate": 1000})
    for name in ("a1", "a3"):
        wait_for(name, lambda n=name: traffic.ask(
            shop["gw"], floating, 8000) == n)
    world.patch("loadbalancers", "www", client_limit=None)
    # Where nobody serves, those outside are told at once as well.
    world.patch("loadbalancers", "www", backends=[])
    assert wait_for("the end", lambda: held.exchange(seconds=1.0) is None, 30)
    wait_for("a refusal", lambda: is_refused(
        shop["near"], floating, 8000), 30)
    world.delete("floating-ips", "f")
    assert world.unanswered(shop["near"], floating, 8000)


def test_ports_are_forwarded(world, shop):
    """Of the router's address, to ports on the gateway and elsewhere."""
    external = world.api.get("routers/r")["spec"]["external"]
    world.patch("routers", "r", external=dict(external, forwards=[
        {"protocol": "tcp", "port": 8080, "to": "b3", "target": 80},
        {"protocol": "udp", "port": 53, "to": "a1"},
        {"address": OURS6, "protocol": "tcp", "port": 8080, "to": "b3",
         "target": 80},
        {"address": OURS6, "protocol": "udp", "port": 53, "to": "a3"}]))
    for ours, who_answers in ((OURS, "a1"), (OURS6, "a3")):
        for who in ("gw", "near"):
            assert world.answers(shop[who], ours, 8080) == "b3"
            assert world.answers(shop[who], ours, 53, "udp") == who_answers
        assert world.unanswered(shop["near"], ours, 80)
        assert world.unanswered(shop["near"], ours, 53, "tcp")
    for near, ours in ((NEAR, OURS), (NEAR6, OURS6)):
        assert seen_as(shop["b3"], shop["near"], near) == ours
    world.patch("routers", "r", external=dict(external, forwards=None))
    for ours in (OURS, OURS6):
        assert world.unanswered(shop["near"], ours, 8080)


def test_who_is_outside_is_nobody(world, shop):
    """One that says it has a VM's address is judged as a stranger, and gets no
    further than others."""
    world.patch("ports", "a1", labels={"role": "web"})
    world.patch("ports", "b3", labels={"role": "db"})
    world.group("web", "role=web")
    world.group("db", "role=db")
    world.put("floating-ips", "f", router="r", ip="198.51.100.24", port="b3")
    assert world.answers(shop["near"], "198.51.100.24") == "b3"
    world.policy("p", "db", rule("ingress", "allow", ["web"]))
    assert world.reaches(shop["a1"], shop["b3"])
    assert world.unanswered(shop["near"], "198.51.100.24")
    mac = world.api.get("routers/r")["status"]["mac"]
    with Capture(shop["b3"].ns) as capture:
        for _ in range(5):
            send(shop["near"], udp(mac, shop["near"].mac, "10.0.1.11",
                                      "198.51.100.24", 4000, 53, b"hello\n"))
            assert world.answers(shop["a1"], shop["b3"].ip, 53, "udp") == "b3"
        assert not [f for f in capture.read() if of_udp(f) == (4000, 53)]


def test_another_gateway_stands_in(world, shop):
    """When the host of the gateway is not heard any more, the next one takes
    over, also what is open."""
    pairs = (("198.51.100.24", NEAR), ("fd51::24", NEAR6))
    for name, (ip, _) in zip(("f4", "f6"), pairs):
        world.put("floating-ips", name, router="r", ip=ip, port="b3")
    mac = world.api.get("routers/r")["status"]["mac"]
    await_gateway(world, "h1")
    moves = 'vmn_router_gateway_changes_total{router="r"}'
    before = world.api.metrics()[moves]
    held = []
    for ip, near in pairs:
        for vm, to, who in (("b3", near, "near"), ("near", ip, "b3"),
                            ("a3", near, "near")):
            assert world.answers(shop[vm], to) == who
            held.append(traffic.Connection(shop[vm], to, 80))
    assert all(h.exchange(seconds=20) for h in held)
    h1 = world.lab.host("h1")
    try:
        h1.stop()
        with Capture(shop["gw"].ns) as capture:
            await_gateway(world, "h2")
            wait_for("the other one to be announced",
                     lambda: {"fd51::24", OURS6} <= told_of(capture, mac), 30)
        for ip, near in pairs:
            assert world.answers(shop["b3"], near) == "near"
            assert world.answers(shop["near"], ip) == "b3"
        assert all(h.exchange(seconds=20) for h in held)
        # The status is ahead of what is counted, which waits for the store;
        # and a machine with too much to do may lose it again for a moment.
        wait_for("the change to be counted", lambda: [
            m for m in [world.api.metrics()] if m[moves] > before
            and not m["vmn_routers_without_gateway"]])
    finally:
        h1.start()
    await_gateway(world, "h1")
    wait_for("the change to be counted",
             lambda: world.api.metrics()[moves] >= before + 2)
    for ip, near in pairs:
        assert world.answers(shop["b3"], near) == "near"


def test_sessions_outlive_vmnd(world, shop):
    """By SNAT, by floating addresses at the gateway and at home, and by a port
    that is forwarded: vmnd is killed, stays away, and comes back."""
    lab = world.lab
    for name, ip, port in (("f1", "198.51.100.21", "a1"),
                           ("f3", "198.51.100.24", "b3"),
                           ("g1", "fd51::21", "a1"), ("g3", "fd51::24", "b3")):
        world.put("floating-ips", name, router="r", ip=ip, port=port)
    external = world.api.get("routers/r")["spec"]["external"]
    world.patch("routers", "r", external=dict(external, forwards=[
        {"protocol": "tcp", "port": 8080, "to": "a3", "target": 80}]))
    ways = [("a3", NEAR, 80), ("a3", NEAR6, 80), ("a1", NEAR, 80),
            ("b3", NEAR6, 80), ("near", "198.51.100.21", 80),
            ("near", "fd51::24", 80), ("near", OURS, 8080)]
    held = []
    for vm, ip, port in ways:
        assert world.answers(shop[vm], ip, port), (vm, ip)
        held.append(traffic.Connection(shop[vm], ip, port))
    assert all(h.exchange(seconds=20) for h in held)
    lab.vmnd.kill()
    assert all(h.exchange(seconds=20) for h in held)
    for vm, ip, port in ways:
        assert world.answers(shop[vm], ip, port), (vm, ip)
    lab.vmnd.start()
    lab.await_ports(["a1", "a3", "b3"])
    await_gateway(world, "h1")
    wait_quiet(lab)
    assert all(h.exchange(seconds=20) for h in held)
    for h in held:
        h.close()


def test_addresses_are_announced_unasked(world, shop):
    """And by an ARP request, so that whoever hears it knows the address, and
    the answer says who is asked for; in IPv6 by an advertisement, and a
    question beside it."""
    world.put("floating-ips", "f", router="r", ip="198.51.100.24", port="b3")
    world.put("floating-ips", "f6", router="r", ip="fd51::24", port="b3")
    mac = world.api.get("routers/r")["status"]["mac"]
    heard = set()
    with Capture(shop["gw"].ns) as capture:
        def both():
            for frame in map(parse, capture.read()):
                if frame.get("operation") == 1 and frame["src"] == mac:
                    heard.add((frame["sender_ip"], frame["target_ip"]))
            return heard >= {(OURS, ROUTER), ("198.51.100.24", ROUTER)}
        wait_for("both addresses on the wire", both, 30)
        wait_for("those of IPv6", lambda: told_of(capture, mac)
                 >= {OURS6, "fd51::24"}, 30)
    for router in (ROUTER, ROUTER6):
        wait_for("the gateway to be known", lambda: neighbours(
            world.lab.host("h1")).get(router) == shop["gw"].mac, 30)


def test_trace_leads_outside(world, shop):
    world.put("floating-ips", "f", router="r", ip="198.51.100.24", port="b3")
    world.put("floating-ips", "f6", router="r", ip="fd51::24", port="b3")

    def leaves_at(name, far):
        told = world.api.call("POST", "/v1/trace", {
            "from": name, "to": far, "protocol": "tcp", "port": 80})
        print(told)
        if told["verdict"] != "delivered":
            return None
        end = told["outcomes"][0]["legs"][0]["ends"][0]
        return end["port"], end["host"]
    for name in ("a1", "a3", "b3"):
        for far in (FAR, FAR6, NEAR6):
            # Where the gateway is, which may be h2 for a while.
            wait_for("%s's way to %s" % (name, far),
                     lambda n=name, f=far: leaves_at(n, f) == ("@dc", "h1"),
                     90)
    # What has no room in the tunnel to the gateway ends at the router.
    for name in ("a1", "a3"):
        for size, verdict in ((1450, "delivered"), (1451, "dropped")):
            outcome = world.api.call("POST", "/v1/trace", {
                "from": name, "to": FAR, "protocol": "tcp", "port": 80,
                "size": size})["outcomes"][0]
            assert outcome["verdict"] == verdict, outcome
        assert outcome["at"]["owner"] == "router.router/r"
        assert outcome["answer"]["message"] == "ICMP error 3/4"


def test_neighbours_that_do_not_answer_are_told(world, shop):
    """By the trace that leads to them, and by the status if packets of all go
    there: the trace's verdict is the flows', which send to whoever answers."""
    nobody, late = "198.51.100.77", "198.51.100.99"

    def told(ip):
        return world.api.call("POST", "/v1/trace", {
            "from": "a3", "to": ip, "protocol": "udp", "port": 53,
            "reply": True}).get("warnings", [])

    def in_vain(ip, via):
        """What a trace says after another packet to 'ip'."""
        traffic.ask(shop["a3"], ip, 53, "udp", 0.3)
        return [text for text in told(ip) if re.fullmatch(
            r'%s in network "out" has not answered host "h1": \d+ requests '
            r"within \d+ s, the last \d+ s ago" % re.escape(via), text)]

    def warned(via):
        wanted = 'its next hop %s in network "out" has not answered' % via
        return any((w.get("name"), w["pointer"]) == (
            "r", "/spec/external/network") and w["text"].startswith(wanted)
                   for w in world.api.get("status").get("warnings", []))

    assert world.answers(shop["a3"], NEAR, 53, "udp") == "near"
    wait_for("a silent neighbour to be told",
             lambda: in_vain(nobody, via=nobody), 30)
    assert not told(NEAR) and not warned(ROUTER)
    # The way on is by another machine, which is not there yet.
    world.patch("networks", "out", subnets=[
        {"cidr": CIDR, "gateway": late}, {"cidr": CIDR6, "gateway": ROUTER6}])
    wait_for("a silent next hop to be told",
             lambda: in_vain(FAR, via=late) and warned(late), 30)
    assert not told(NEAR)


def neighbours(host):
    """{address: MAC} that the host has learned on the wire."""
    found = {}
    for flow in flows(host).values():
        if flow.table == 250:
            regs = {int(n): int(value, 16) for n, value in re.findall(
                r"\breg(\d+)=(0x\w+|0)", flow.match)}
            ip = ipaddress.IPv4Address(regs[15])
            if any(regs[12 + i] for i in range(3)):
                ip = ipaddress.IPv6Address(sum(
                    regs[12 + i] << 96 - 32 * i for i in range(4)))
            found[str(ip)] = re.search(
                r"set_field:([0-9a-f:]+)->eth_dst", flow.actions).group(1)
    return found


def told_of(capture, mac):
    """The addresses that all were told 'mac' has, unasked."""
    return {f["target"] for f in map(parse, capture.read())
            if f.get("nd") == 136 and f["dst_ip"] == "ff02::1"
            and f["src"] == mac and f["options"] == {2: mac}
            and f["flags"] == 0xa0 and f["sum_is_right"]}


def refused(vm, ip):
    """Whether a UDP port is told to be closed, by an ICMP error."""
    with netns.socket_in(vm.ns, traffic.family_of(ip),
                         socket.SOCK_DGRAM) as sock:
        sock.settimeout(1.0)
        sock.connect((ip, 54))
        try:
            sock.send(b"hello\n")
            sock.recv(100)
        except ConnectionRefusedError:
            return True
        except TimeoutError:
            return False
    return False


def answer_to(machine, frame, wanted):
    """The first frame, parsed, for which 'wanted' is true after 'frame'."""
    with Capture(machine.ns) as capture:
        send(machine, frame)
        found = capture.wait(lambda f: wanted(parse(f)))
    assert found, "no answer"
    return parse(found)


def gateway(world):
    return world.api.get("routers/r")["status"].get("gateway")


def await_gateway(world, host):
    """Waits until 'host' is the gateway.  On a busy machine the witnesses may
    not hear it for half a second: another one stands in, and it is so again
    once they have heard it for as long as a minute."""
    wait_for("%s to be the gateway" % host, lambda: gateway(world) == host, 90)


def seen_as(vm, server, ip=None):
    """The address that 'server' says a connection of 'vm' comes from."""
    wait_for("an answer", lambda: traffic.ask(vm, ip or server.ip, 80))
    held = traffic.Connection(vm, ip or server.ip, 80)
    answer = held.exchange(seconds=20)
    held.close()
    name, peer = answer.split()[:2]
    assert name == server.name
    return peer
