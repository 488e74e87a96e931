# SPDX-License-Identifier: Apache-2.0
"""What is between hosts: tunnels over IPv4 and IPv6, in VXLAN and Geneve."""

import itertools
import os
import re

import pytest
from conftest import World, check_log, close_lab, flows, make_lab
from test_live_apps import ctl

from vmnlab import frames, netns, traffic
from vmnlab.api import Refused
from vmnlab.frames import Capture
from vmnlab.netns import wait_for

APP = os.path.join(os.environ.get("VMN_APPDIR", "_build/normal/appdir"),
                   "paths.so")
VXLAN, GENEVE = 4789, 6081      # UDP ports (RFC 7348, RFC 8926).


@pytest.fixture(scope="module", params=("ipv6", "both"))
def tunnel_lab(request):
    lab = make_lab("tun", 3, underlay=request.param,
                   options=["--mtu-hold=0"])
    yield lab
    close_lab(lab)


@pytest.fixture
def world(tunnel_lab):
    world = World(tunnel_lab)
    yield world
    for host in tunnel_lab.hosts:
        world.api.patch("hosts/" + host.name, dict(
            tunnel_lab.host_object(host)["spec"], encap=None,
            tunnel_dscp=None))
    world.close()
    tunnel_lab.await_synced()
    check_log(tunnel_lab.vmnd)


@pytest.fixture
def three(world):
    """A VM of each family's addresses on each host."""
    world.network("net", "10.0.0.0/24", "fd00::/64")
    return [world.vm("vm%d" % i, "net", "h%d" % i,
                     ["10.0.0.%d" % i, "fd00::%d" % i], tcp=[80], udp=[53])
            for i in (1, 2, 3)]


def patch_host(world, name, **spec):
    """Changes a host, and returns once all have what follows from it, their
    tunnel ports among it."""
    world.api.patch("hosts/" + name, spec, wait="installed", timeout="20s")
    uses = {world.api.get("hosts/" + h.name)["spec"]["encap"]
            for h in world.lab.hosts}
    for host in world.lab.hosts:
        wait_for("%s's tunnel ports" % host.name,
                 lambda h=host: tunnel_ports(h) == uses, 10)


def tunnel_ports(host):
    """The encapsulations that a host's switch has a port for."""
    shown = host.appctl("dpif/show")
    return {e for e in ("vxlan", "geneve") if "vmn-" + e in shown}


def numbers(host):
    """The numbers and settings of a host's ports."""
    return host.appctl("dpif/show").splitlines()[1:]


def all_reach_all(world, vms):
    for a in vms:
        for b in vms:
            if a is not b:
                for port, protocol in ((80, "tcp"), (53, "udp"), (0, "icmp")):
                    assert world.reaches(a, b, port, protocol)
                assert world.answers(a, b.ip6) == b.name


def outer(frame):
    """Returns (family, source, destination, UDP port, checksum) of what is
    around a frame of the underlay, or None."""
    found = frames.parse(frame)
    udp = frames.of_udp(frame)
    if not udp or udp[1] not in (VXLAN, GENEVE):
        return None
    return (6 if found["kind"] == frames.ETH_IPV6 else 4, found["src_ip"],
            found["dst_ip"], udp[1], found["payload"][6:8])


def sender(frame):
    """Returns the MAC that has sent what is in a tunnel packet."""
    _, port, payload = frames.of_udp(frame)
    options = (payload[0] & 0x3f) * 4 if port == GENEVE else 0
    return frames.parse(payload[8 + options:])["src"]


def on_wire(world, a, b, host):
    """The kinds of tunnel packets of 'a', (family, UDP port), that come to
    'host' while 'a' asks 'b'.  Others may just look whether their neighbours
    are there."""
    with Capture(world.lab.host(host).ns, "u0") as seen:
        assert world.reaches(a, b)
        return {(outer(f)[0], outer(f)[3]) for f in seen.read()
                if outer(f) and sender(f) == a.mac}


def test_hosts_talk_over_ipv6(world, three):
    """Hosts with an address of each family use the first one."""
    all_reach_all(world, three)
    wanted = 6 if world.lab.underlay == "ipv6" else 4
    assert on_wire(world, three[0], three[1], "h2") == {(wanted, VXLAN)}


def test_udp_checksums_of_tunnels_over_ipv6_are_right(world, three):
    """RFC 8200, section 8.1: over IPv6 there is one."""
    if world.lab.underlay != "ipv6":
        pytest.skip("of the IPv6 underlay alone: over IPv4 the checksum is 0")
    with Capture(world.lab.host("h2").ns, "u0") as seen:
        assert world.reaches(three[0], three[1])
        found = [f for f in seen.read() if outer(f)]
    assert found
    for frame in found:
        packet = frames.parse(frame)
        assert outer(frame)[4] != b"\0\0"
        assert not frames._sum6(packet["src_ip"], packet["dst_ip"], 17,
                                packet["payload"])


def dscp_on_wire(world, a, ip, tos):
    """The DSCPs of tunnel packets that come to h2 while 'a' sends 'ip' packets
    with that type of service."""
    with Capture(world.lab.host("h2").ns, "u0") as seen:
        a.run("ping", "-c1", "-W5", "-Q", str(tos), ip)
        return {frames.dscp(f) for f in seen.read()
                if outer(f) and sender(f) == a.mac}


def test_tunnels_have_the_dscp_of_what_they_carry_if_so_asked(world, three):
    """Of either family, in either encapsulation; nothing else of the type of
    service but ECN, which they have in any case (RFC 6040)."""
    a, b, _ = three
    assert world.reaches(a, b) and world.answers(a, b.ip6)
    for ip in b.ip, b.ip6:
        assert dscp_on_wire(world, a, ip, 46 << 2) == {0}
    patch_host(world, "h1", tunnel_dscp="inherit")
    for encap in "vxlan", "geneve":
        patch_host(world, "h2", encap=encap)
        for ip in b.ip, b.ip6:
            wait_for("the DSCP outside", lambda ip=ip: dscp_on_wire(
                world, a, ip, 46 << 2) == {46}, 20)
            assert dscp_on_wire(world, a, ip, 0) == {0}
    # It is the sender's matter.
    with Capture(world.lab.host("h1").ns, "u0") as seen:
        b.run("ping", "-c1", "-W5", "-Q", str(46 << 2), a.ip)
        found = {frames.dscp(f) for f in seen.read()
                 if outer(f) and sender(f) == b.mac}
    assert found == {0}
    patch_host(world, "h1", tunnel_dscp="zero")
    wait_for("no DSCP outside", lambda: dscp_on_wire(
        world, a, b.ip, 46 << 2) == {0}, 20)


def test_full_size_packets_pass_over_ipv6(world, three):
    """The underlay has room for 1450 bytes in VXLAN over IPv6, exactly."""
    a, b, _ = three
    assert world.reaches(a, b) and world.answers(a, b.ip6)
    for ip, head in ((b.ip, 28), (b.ip6, 48)):
        assert "1 received" in a.run("ping", "-c1", "-W5", "-M", "do", "-s",
                                     str(1450 - head), ip)
        assert "1 received" in a.run("ping", "-c1", "-W5", "-s", "4000", ip)


def test_the_mtu_of_the_underlay_is_known_and_held_to(world, three):
    """One byte less in the underlay is one less than VMs are told: that is
    said, and it is so."""
    if world.lab.underlay != "ipv6":
        pytest.skip("of the IPv6 underlay alone: over IPv4 there is more room")
    a, b, _ = three
    host = world.lab.host("h1")
    world.patch("networks", "net", mtu=1450)

    def underlay():
        status = world.api.get("hosts/h1")["status"]
        return status["underlay"], status.get("reason")

    def set_mtu(mtu):
        netns.ip(host.ns, "link set u0 mtu %d" % mtu)
        host.vsctl("set", "interface", "br-phys", "mtu_request=%d" % mtu)
        wait_for("the new MTU", lambda: underlay()[0].get("mtu") == mtu, 10)

    def passes(size):
        out = a.run("ping", "-c1", "-W1", "-M", "do", "-s", str(size - 28),
                    b.ip, check=False)
        return "1 received" in out

    assert underlay() == ({"interface": "br-phys", "mtu": 1520,
                           "network_mtu": 1450}, None)
    assert world.reaches(a, b)
    wait_for("a large packet", lambda: passes(1450), 10)
    try:
        set_mtu(1519)
        found, reason = underlay()
        assert found["network_mtu"] == 1449
        assert found["reason"] == reason and '"net"' in reason
        # A link that changes has ovs-vswitchd read its routes again: what it
        # translates for a tunnel in between finds none.
        wait_for("a packet as large as VMs may send", lambda: passes(1449), 10)
        assert not passes(1450)
        world.patch("networks", "net", mtu=1449)
        assert underlay()[1] is None
    finally:
        set_mtu(1520)


def test_a_host_is_sent_to_in_its_encapsulation(world, three):
    patch_host(world, "h3", encap="geneve")
    all_reach_all(world, three)
    family = 6 if world.lab.underlay == "ipv6" else 4
    a, b, c = three
    assert on_wire(world, a, c, "h3") == {(family, GENEVE)}
    assert on_wire(world, c, a, "h1") == {(family, VXLAN)}
    assert on_wire(world, a, b, "h2") == {(family, VXLAN)}
    for ip, head in ((c.ip, 28), (c.ip6, 48)):
        for size in (1450 - head, 4000):
            assert "1 received" in a.run("ping", "-c1", "-W5", "-s",
                                         str(size), ip)
    # Broadcast goes to both kinds.
    text = b"to all"
    with Capture(b.ns) as at_b, Capture(c.ns) as at_c:
        frames.send(a, frames.udp(frames.BROADCAST, a.mac, a.ip,
                                  "10.0.0.255", 4000, 4000, text))
        for seen in (at_b, at_c):
            assert seen.wait(lambda f: (frames.of_udp(f) or [0])[-1] == text)
        # Once: what came by a tunnel goes into none.
        assert world.reaches(c, b) and world.reaches(b, c)
        for seen in (at_b, at_c):
            assert sum((frames.of_udp(f) or [0])[-1] == text
                       for f in seen.read()) == 1


def test_policies_and_open_connections_outlive_geneve(world, three):
    """Connection tracking knows the port that a packet came by: it is the
    same for both encapsulations."""
    a, _, c = three
    world.group("all", "")
    patch_host(world, "h3", encap="geneve")
    held = world.held(a, c)
    back = world.held(c, a)
    for encap in ("vxlan", "geneve"):
        patch_host(world, "h3", encap=encap)
        assert held.exchange(seconds=10)
        assert back.exchange(seconds=10)
    held.close()
    back.close()


def test_all_hosts_may_use_geneve_alone(world, three):
    for i in (1, 2, 3):
        patch_host(world, "h%d" % i, encap="geneve")
    all_reach_all(world, three)
    for host in world.lab.hosts:
        assert "vmn-vxlan" not in host.vsctl("list-ports", "br-int")
    # Whose the hosts' addresses are not does not come in by Geneve either.
    h1, h2 = world.lab.hosts[:2]
    dropped = next(f for f in flows(h2).values()
                   if f.match == "priority=50,in_port=40001").n_packets
    family = frames.udp6 if ":" in h2.tunnel_ip else frames.udp
    stranger = h1.tunnel_ip + ("77" if ":" in h1.tunnel_ip else "7")
    vni = world.api.get("networks/net")["status"]["vni"]
    packet = family(h2.tunnel_mac, h1.tunnel_mac, stranger, h2.tunnel_ip,
                    40000, GENEVE, b"\0\0\x65\x58" + (vni << 8).to_bytes(
                        4, "big") + frames.udp(
                            three[1].mac, three[0].mac, three[0].ip,
                            three[1].ip, 4000, 4000, b"forged"))
    with Capture(three[1].ns) as seen:
        frames.send_on(world.lab.net_ns, "u-h2", packet)

        def is_dropped():
            return next(f for f in flows(h2).values()
                        if f.match == "priority=50,in_port=40001"
                        ).n_packets > dropped
        wait_for("the stranger's packet to be dropped", is_dropped, 10)
        assert not any(b"forged" in f for f in seen.read())


def megaflows(world, host, peer, to, sender):
    """What Open vSwitch would have of a packet for VM 'to' on 'host' in its
    datapath, before and after conntrack; it comes from VM 'sender' by the
    tunnel between the first addresses of 'peer' and that host."""
    source, own = (world.api.get("hosts/" + h.name)["spec"]["tunnel_ip"]
                   for h in (peer, host))
    v6 = "ipv6_" if ":" in own else ""
    vni = world.api.get("networks/net")["status"]["vni"]
    text = host.appctl(
        "ofproto/trace", "br-int", "in_port=40000,tun_id=%d,tun_%ssrc=%s,"
        "tun_%sdst=%s,dl_src=%s,dl_dst=%s,ip,nw_src=%s,nw_dst=%s,nw_proto=1"
        % (vni, v6, source, v6, own, sender.mac, to.mac, sender.ip, to.ip))
    assert "Datapath actions" in text
    return [line for line in text.splitlines() if line.startswith("Megaflow")]


def mixes_families(megaflow):
    return (re.search(r"\btun_(src|dst)=", megaflow)
            and "tun_ipv6_" in megaflow)


def test_no_flow_mixes_addresses_of_both_families(world, three):
    """The kernel's datapath takes none that does, and each packet would go by
    way of ovs-vswitchd ("Mixed IPv4 and IPv6 tunnel attributes")."""
    for swapped in (False, True) if world.lab.underlay == "both" else (False,):
        for host in world.lab.hosts if swapped else ():
            v4, v6 = host.tunnel_ips
            patch_host(world, host.name, tunnel_ip=v6, second_tunnel_ip=v4)
        for i, j in itertools.permutations(range(3), 2):
            found = megaflows(world, world.lab.hosts[i], world.lab.hosts[j],
                              three[i], three[j])
            assert len(found) >= 2, found
            assert not any(map(mixes_families, found)), found


def test_hosts_of_one_family_meet_those_of_both(world, three):
    """h3 has but the family that is the others' second."""
    if world.lab.underlay != "both":
        pytest.skip("of the underlay of both families alone")
    a, b, c = three
    v4, v6 = world.lab.host("h3").tunnel_ips
    patch_host(world, "h3", tunnel_ip=v6, second_tunnel_ip=None)
    all_reach_all(world, three)
    assert on_wire(world, a, c, "h3") == {(6, VXLAN)}
    assert on_wire(world, c, a, "h1") == {(6, VXLAN)}
    assert on_wire(world, a, b, "h2") == {(4, VXLAN)}
    with pytest.raises(Refused) as refused:
        world.api.patch("hosts/h1", {"second_tunnel_ip": None})
    assert refused.value.status == 409
    assert "second_tunnel_ip" in str(refused.value)


def test_paths_are_measured_over_all_of_it(world, three):
    """Probes come back whatever the sender's family and encapsulation are, and
    full-sized ones are not too large."""
    lab = world.lab

    def states():
        return [(p["host"], p["peer"], p["state"])
                for p in world.api.get("paths")["items"]]

    patch_host(world, "h1", encap="geneve")
    ctl(lab, "app", "load", APP, "--wait")
    try:
        wait_for("all to be up", lambda: sorted(states()) == [
            ("h1", "h2", "up"), ("h1", "h3", "up"), ("h2", "h3", "up")], 30)
        wait_for("some turns", lambda: world.api.metrics()[
            'vmn_path_probes_total{result="ok"}'] >= 15, 60)
        assert {state for _, _, state in states()} == {"up"}
    finally:
        ctl(lab, "app", "unload", "paths", "--wait")


def test_another_family_is_reached_step_by_step(world, three):
    """From IPv4 to IPv6, host by host, while a connection is open."""
    if world.lab.underlay != "both":
        pytest.skip("of the underlay of both families alone")
    a, _, c = three
    held = world.held(a, c)
    for host in world.lab.hosts:
        v4, v6 = host.tunnel_ips
        patch_host(world, host.name, tunnel_ip=v6, second_tunnel_ip=v4)
        assert held.exchange(seconds=10)
    for host in world.lab.hosts:
        patch_host(world, host.name, second_tunnel_ip=None)
        assert held.exchange(seconds=10)
    all_reach_all(world, three)
    assert on_wire(world, a, c, "h3") == {(6, VXLAN)}
    held.close()


def test_a_restart_of_vmnd_changes_no_tunnel(world, three):
    patch_host(world, "h3", encap="geneve")
    held = world.held(three[0], three[2])
    before = {h.name: set(flows(h)) for h in world.lab.hosts}
    ports = {h.name: numbers(h) for h in world.lab.hosts}
    world.lab.vmnd.stop()
    assert held.exchange(seconds=5)
    world.lab.vmnd.start()
    world.lab.await_synced()
    assert held.exchange(seconds=5)
    held.close()
    for host in world.lab.hosts:
        assert set(flows(host)) == before[host.name]
        assert numbers(host) == ports[host.name]


def test_trace_follows_both_encapsulations(world, three):
    patch_host(world, "h3", encap="geneve")
    for source, sink in ((three[0], three[2]), (three[2], three[0])):
        answer = world.api.call("POST", "/v1/trace", {
            "from": source.name, "to": sink.name, "protocol": "tcp",
            "port": 80, "reply": True})
        assert answer["verdict"] == "delivered", answer
        assert traffic.ask(source, sink.ip, 80, "tcp", 5.0) == sink.name
