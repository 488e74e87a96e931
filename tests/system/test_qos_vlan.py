# SPDX-License-Identifier: Apache-2.0
"""VLAN priorities of qos policies (docs/apps/qos.md): of the tags with which
what VMs send gets to a physical network.  All else that policies say is
test_qos.py's."""

import socket
import struct

import pytest
from app_lab import app_lab, close_world
from conftest import make_lab
from test_qos import Place, limit

from vmnlab import frames, netns
from vmnlab.netns import wait_for

_AUXDATA = struct.Struct("IIIHHHH")     # struct tpacket_auxdata.


def is_icmp(frame, ip, types):
    """Whether it is ICMP of these types, of the version of 'ip'."""
    if ":" in ip:
        return (frame[12:14] == b"\x86\xdd" and frame[20] == 58
                and frame[54] in types)
    return frame[12:14] == b"\x08\0" and frame[23] == 1 and frame[34] in types


def tags_on_wire(world, host, vm, ip, tos=0, types=(8, 128), mac=None):
    """Of the packets with which 'vm' pings 'ip', or those of other types of
    ICMP, as they get from a host to the physical network: {(VLAN, PCP)}, None
    for what has no tag.  They come from the VM's MAC address, or another
    one."""
    sock = netns.socket_in(world.lab.wire.ns, socket.AF_PACKET,
                           socket.SOCK_RAW, socket.htons(3))
    with sock:
        sock.setsockopt(263, 8, 1)      # SOL_PACKET, PACKET_AUXDATA.
        sock.bind(("x-" + host, 3))
        vm.run("ping", "-c1", "-W20", "-Q", str(tos), ip)
        sock.setblocking(False)
        found = set()
        while True:
            try:
                data, more, _, address = sock.recvmsg(65535, 256)
            except BlockingIOError:
                return found
            status, tci = 0, 0
            for _, _, aux in more:
                status, _, _, _, _, tci, _ = _AUXDATA.unpack(
                    aux[:_AUXDATA.size])
            tag = None
            if status & 1 << 4:         # TP_STATUS_VLAN_VALID.
                tag = tci & 0xfff, tci >> 13
            elif data[12:14] == b"\x81\0":
                tci = int.from_bytes(data[14:16], "big")
                tag = tci & 0xfff, tci >> 13
                data = data[:12] + data[16:]
            if (address[2] != socket.PACKET_OUTGOING
                    and frames.mac_text(data[6:12]) == (mac or vm.mac)
                    and is_icmp(data, ip, types)):
                found.add(tag)


@pytest.fixture(scope="module")
def lab():
    with app_lab(make_lab("qosvlan", 2), "qos") as lab:
        yield lab


@pytest.fixture
def world(lab):
    world = Place(lab)
    yield world
    close_world(world)


@pytest.fixture
def lane(world):
    """Two VMs of a VLAN of the physical network, and one of what has none
    there, with a machine in each."""
    world.provider_hosts_are("h1")
    for name, n, provider in (("lane", 51, {"physical": "dc", "vlan": 7}),
                              ("flat", 52, {"physical": "dc"})):
        world.network(name, "198.51.%d.0/24" % n, "fd%d::/64" % n,
                      provider=provider)
    lane = [world.vm(name, net, "h1", ["198.51.%d.%d" % (n, i),
                                       "fd%d::%d" % (n, i)])
            for name, net, n, i in (("l1", "lane", 51, 1),
                                    ("l2", "lane", 51, 2),
                                    ("f1", "flat", 52, 1))]
    world.network("net", "10.0.0.0/24")
    lane.append(world.vm("a", "net", "h1", ["10.0.0.1"]))
    world.outside("out", "198.51.51.9/24", "fd51::9/64", vlan=7)
    world.outside("flatout", "198.51.52.9/24", "fd52::9/64")
    for vm in lane:
        vm.await_addresses()
    return lane[:3]


def test_vlan_priority_is_set(world, lane):
    l1, l2, f1 = lane

    def seen(vm, tos=0, n=51):
        world.revalidated()     # The flow of the ping before may be cached.
        return [tags_on_wire(world, "h1", vm, ip, tos)
                for ip in ("198.51.%d.9" % n, "fd%d::9" % n)]

    def status(name):
        found = world.api.get("qos-policies/" + name)["status"]
        return found.get("untagged", [])
    assert seen(l1, 46 << 2) == [{(7, 0)}] * 2
    world.policy("p", network="lane", pcp=5)
    for vm in l1, l2:
        assert seen(vm) == [{(7, 5)}] * 2
    assert status("p") == []
    # To one on the same host it has no tag.
    assert "1 received" in l1.run("ping", "-c1", "-W20", l2.ip)
    # One counts, beside another's limits and DSCP.
    world.policy("q", limit("egress", max_kbps=100000), ports=["l1"],
                 priority=1, dscp=46, pcp_from_dscp=True)
    assert seen(l1) == [{(7, 5)}] * 2           # 46 >> 3.
    # Neighbour discovery has it, though not that limit.
    netns.ip(l1.ns, "neigh flush dev eth0")
    world.revalidated()
    assert tags_on_wire(world, "h1", l1, "fd51::9", types=(135,)) == {(7, 5)}
    world.patch("qos-policies", "q", dscp=8)
    assert seen(l1, 46 << 2) == [{(7, 1)}] * 2
    world.patch("qos-policies", "q", dscp=-1)
    assert seen(l1, 56 << 2) == [{(7, 7)}] * 2  # As the VM sets it.
    assert seen(l1, 0) == [{(7, 0)}] * 2
    world.patch("qos-policies", "q", pcp_from_dscp=False, pcp=0)
    assert seen(l1, 46 << 2) == [{(7, 0)}] * 2
    assert seen(l2) == [{(7, 5)}] * 2
    # Without a tag there is none to have it.
    world.policy("r", ports=["f1", "a"], pcp=3)
    assert seen(f1, n=52) == [{None}] * 2
    found = status("r")
    assert len(found) == 2 and found[0].startswith("flat: "), found
    assert found[1].startswith("net: no provider network"), found
    # It is 0 there anyway.
    world.patch("qos-policies", "r", pcp=0)
    assert status("r") == []


def test_vlan_priority_goes_out_by_a_gateway_of_the_same_host(world, lane):
    """It is not known on another host, and the status says so."""
    del lane
    world.put("networks", "shop", subnets=[
        {"cidr": "10.1.0.0/24", "gateway": "10.1.0.254"}])
    world.patch("networks", "lane", subnets=[
        {"cidr": "198.51.51.0/24", "gateway": "198.51.51.9"},
        {"cidr": "fd51::/64"}])
    world.put("routers", "r", interfaces=[{"network": "shop"}],
              external={"network": "lane", "addresses": ["198.51.51.99"],
                        "gateways": [{"host": "h1", "priority": 1}]})
    world.policy("p", network="shop", pcp=6)
    mac = world.api.get("routers/r")["status"]["mac"]
    for i, (name, host, pcp) in enumerate((("s1", "h1", 6), ("s2", "h2", 0)),
                                          1):
        vm = world.vm(name, "shop", host, ["10.1.0.%d" % i])
        vm.await_addresses()
        # By ping(8), which has an identifier of its own each time: of two
        # that are the same the router's NAT would let one through.
        wait_for("an answer from outside", lambda v=vm: "1 received" in v.run(
            "ping", "-c1", "-W1", "198.51.51.9", check=False), 30, step=0.1)
        assert tags_on_wire(world, "h1", vm, "198.51.51.9",
                            mac=mac) == {(7, pcp)}
    assert world.api.get("qos-policies/p")["status"]["untagged"][0] \
        .startswith("shop: no provider network")
