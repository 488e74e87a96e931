# SPDX-License-Identifier: Apache-2.0
"""Names of ports, balancers and zones, asked for by dig and by glibc."""

import os
import socket
import subprocess

import pytest
from conftest import World, check_log, close_lab, make_lab

from vmnlab import netns
from vmnlab.netns import wait_for

SERVER = "169.254.0.53"
RESOLVER = "10.0.0.53"
ZONE = {"networks": ["net"], "records": [
    {"name": "@", "type": "A", "values": ["10.0.0.80"]},
    {"name": "www", "type": "CNAME", "values": ["cli.shop.test"]},
    {"name": "away", "type": "CNAME", "values": ["www.example.com"]},
    {"name": "loop", "type": "CNAME", "values": ["loop.shop.test"]},
    {"name": "_sip._udp", "type": "SRV", "values": [
        "10 5 5060 srv.shop.test", "20 5 5061 cli.shop.test"]},
    {"name": "many", "type": "AAAA", "values": [
        "fd00::%x" % i for i in range(1, 61)]},
    {"name": "b.a.deep", "type": "A", "values": ["10.0.0.81"]},
    {"name": "a-deep", "type": "A", "values": ["10.0.0.82"]},
    {"name": "10.0.0.77", "type": "PTR", "values": ["printer.test"]}]}


@pytest.fixture(scope="module")
def module_lab():
    lab = make_lab("dns", 2)
    yield lab
    close_lab(lab)


@pytest.fixture(scope="module")
def shop(module_lab):
    """Two VMs on two hosts, a third in a network without names, a zone."""
    world = World(module_lab)
    world.network("net", "10.0.0.0/24", "fd00::/64", dhcp_options={
        "dns": [RESOLVER]})
    world.network("other", "10.0.0.0/24")
    world.put("dns-zones", "shop.test", **ZONE)
    vms = {name: world.vm(name, net, host, ip) for name, net, host, ip in (
        ("cli", "net", "h1", ["10.0.0.1", "fd00::1"]),
        ("srv", "net", "h2", ["10.0.0.2", "fd00::2"]),
        ("res", "net", "h2", RESOLVER),
        ("out", "other", "h1", "10.0.0.1"))}
    for vm in vms.values():
        netns.ip(vm.ns, "route add 169.254.0.0/16 dev eth0")
    world.put("loadbalancers", "web", vip="10.0.0.100", networks=["net"],
              ports=[{"port": 80}], backends=[{"port": "srv"}])
    world.settle()
    yield world, vms
    world.close()
    check_log(module_lab.vmnd)


def dig(vm, *args, server=SERVER):
    """What dig prints, in words."""
    return vm.run("dig", "+tries=3", "+time=10", "@" + server, *args,
                  timeout=60, check=False)


def short(vm, *args, **more):
    return sorted(dig(vm, "+short", *args, **more).split("\n")[:-1])


def is_silent(vm):
    return "no servers" in dig(vm, "+tries=1", "+time=1", "srv.shop.test")


def status(text):
    return text.split("status: ")[1].split(",")[0]


def test_names_are_told(shop):
    cli = shop[1]["cli"]
    assert short(cli, "srv.shop.test", "A") == ["10.0.0.2"]
    assert short(cli, "SRV.shop.TEST", "AAAA") == ["fd00::2"]
    assert short(cli, "shop.test", "A") == ["10.0.0.80"]
    assert short(cli, "web.shop.test", "A") == ["10.0.0.100"]
    assert short(cli, "www.shop.test", "A") == ["10.0.0.1", "cli.shop.test."]
    assert short(cli, "_sip._udp.shop.test", "SRV") == [
        "10 5 5060 srv.shop.test.", "20 5 5061 cli.shop.test."]
    assert short(cli, "-x", "10.0.0.2") == ["srv.shop.test."]
    assert short(cli, "-x", "fd00::2") == ["srv.shop.test."]
    assert short(cli, "-x", "10.0.0.77") == ["printer.test."]
    assert short(shop[1]["srv"], "cli.shop.test") == ["10.0.0.1"]


def test_what_there_is_not_is_said_so(shop):
    cli = shop[1]["cli"]
    answer = dig(cli, "none.shop.test")
    assert status(answer) == "NXDOMAIN" and "SOA" in answer
    for name in "c.a.deep", "a", "77", "10.0.0.77", "eep":
        assert status(dig(cli, name + ".shop.test")) == "NXDOMAIN"
    for name, kind in (("_udp.shop.test", "SRV"), ("web.shop.test", "AAAA"),
                       ("srv.shop.test", "TXT"), ("deep.shop.test", "A"),
                       ("a.deep.shop.test", "A")):
        answer = dig(cli, name, kind)
        assert status(answer) == "NOERROR" and "ANSWER: 0" in answer, answer
        assert "SOA" in answer
    for args in (("example.com",), ("-x", "10.0.0.99"),
                 ("srv.shop.test", "CH")):
        assert status(dig(cli, *args)) == "REFUSED"
    assert short(cli, "away.shop.test") == ["www.example.com."]
    assert set(short(cli, "loop.shop.test")) == {"loop.shop.test."}
    # A network that no zone is for hears nothing.
    assert is_silent(shop[1]["out"])


def test_long_answers_are_cut_or_not(shop):
    cli = shop[1]["cli"]
    whole = dig(cli, "+bufsize=1232", "+ignore", "many.shop.test", "AAAA")
    cut = dig(cli, "+noedns", "+ignore", "many.shop.test", "AAAA")
    assert " tc" in cut and " tc" in whole
    assert cut.count("fd00::") == (512 - 12 - 20) // 28
    assert whole.count("fd00::") == (1232 - 12 - 20 - 11) // 28
    # No longer than what the network takes in one piece.
    world = shop[0]
    world.patch("networks", "net", mtu=1280)
    brief = dig(cli, "+bufsize=1232", "+ignore", "many.shop.test", "AAAA")
    assert brief.count("fd00::") == (1280 - 48 - 12 - 20 - 11) // 28
    world.patch("networks", "net", mtu=1450)
    few = dig(cli, "+bufsize=1232", "+ignore", "_sip._udp.shop.test", "SRV")
    assert " tc" not in few


class Resolver:
    """Answers each question with its own bytes, as a name server would."""

    def __init__(self, vm):
        self.sock = netns.socket_in(vm.ns, kind=socket.SOCK_DGRAM)
        self.sock.bind((RESOLVER, 53))
        self.sock.settimeout(0.2)
        self.heard = []

    def serve(self):
        try:
            data, peer = self.sock.recvfrom(2048)
        except TimeoutError:
            return
        self.heard.append(data)
        # An answer (QR), REFUSED.
        self.sock.sendto(data[:2] + b"\x81\x05" + data[4:], peer)


def ask(vm, server, name):
    """A question by hand; its bytes, and the socket."""
    data = b"\xab\xcd\x01\x00\x00\x01\0\0\0\0\0\0" + b"".join(
        bytes([len(part)]) + part.encode() for part in name.split(".")
    ) + b"\0\0\x01\0\x01"
    sock = netns.socket_in(vm.ns, kind=socket.SOCK_DGRAM)
    sock.settimeout(0.5)
    sock.connect((server, 53))
    return data, sock


def answer_of(vm, server, name, resolver):
    data, sock = ask(vm, server, name)

    def answer():
        sock.send(data)
        resolver.serve()
        try:
            return sock.recv(2048)
        except TimeoutError:
            return None
    with sock:
        return data, wait_for("an answer", answer)


def test_the_resolver_gets_the_rest_untouched(shop):
    cli, resolver = shop[1]["cli"], Resolver(shop[1]["res"])
    with resolver.sock:
        question, answer = answer_of(cli, RESOLVER, "Www.Example.Com",
                                     resolver)
        assert resolver.heard and resolver.heard[0] == question
        assert answer[3] & 0xf == 5
        resolver.heard.clear()
        question, answer = answer_of(cli, RESOLVER, "srv.shop.test", resolver)
        assert answer[3] & 0xf == 0 and answer.endswith(b"\x0a\0\0\x02")
        # The other one may have been asked several times.
        assert question not in resolver.heard
        # What is no question at all goes on as well.
        with netns.socket_in(cli.ns, kind=socket.SOCK_DGRAM) as sock:
            sock.connect((RESOLVER, 53))
            wait_for("rubbish", lambda: sock.send(b"rubbish")
                     and resolver.serve() or b"rubbish" in resolver.heard)


def test_glibc_finds_names(shop, tmp_path):
    cli = shop[1]["cli"]
    folder = "/etc/netns/" + cli.ns
    os.makedirs(folder)
    try:
        with open(folder + "/resolv.conf", "w", encoding="ascii") as conf:
            conf.write("nameserver %s\nsearch shop.test\n" % SERVER)
        for name, ips in (("srv", {"10.0.0.2", "fd00::2"}),
                          ("www.shop.test", {"10.0.0.1", "fd00::1"})):
            found = subprocess.run(
                ["ip", "netns", "exec", cli.ns, "getent", "ahosts", name],
                check=True, text=True, capture_output=True).stdout
            assert {line.split()[0] for line in found.splitlines()} == ips
    finally:
        os.unlink(folder + "/resolv.conf")
        os.rmdir(folder)


def test_changes_hold_at_once(shop):
    world, vms = shop
    cli = vms["cli"]
    world.patch("ports", "srv", enabled=False)
    assert status(dig(cli, "srv.shop.test")) == "NXDOMAIN"
    world.patch("ports", "srv", enabled=True)
    assert short(cli, "srv.shop.test") == ["10.0.0.2"]
    world.patch("dns-zones", "shop.test", ports=False)
    assert status(dig(cli, "srv.shop.test")) == "NXDOMAIN"
    assert short(cli, "shop.test") == ["10.0.0.80"]
    world.patch("dns-zones", "shop.test", ports=True, domain="new.test")
    assert short(cli, "srv.new.test") == ["10.0.0.2"]
    world.patch("dns-zones", "shop.test", domain="shop.test")


def test_rubbish_is_counted_and_does_no_harm(shop):
    world, vms = shop

    def dropped():
        return world.api.metrics().get(
            'vmn_packet_ins_dropped_total{by="dns.query",reason="malformed"}', 0)
    before = dropped()
    with netns.socket_in(vms["cli"].ns, kind=socket.SOCK_DGRAM) as sock:
        sock.connect((SERVER, 53))
        for data in (b"", b"x", b"\0" * 11, b"\xab\xcd\x01\0\0\x01\0\0\0\0\0\0"
                     + b"\xc0\x0c\0\x01\0\x01", b"\xff" * 600):
            sock.send(data)
    wait_for("them to be counted", lambda: dropped() >= before + 4)
    world.patch("ports", "cli", quarantined=True)
    assert is_silent(vms["cli"])
    world.patch("ports", "cli", quarantined=False)
    assert short(vms["cli"], "srv.shop.test") == ["10.0.0.2"]


@pytest.mark.parametrize("spec, field", [
    ({"domain": "Shop.test"}, "domain"),
    ({"networks": ["none"]}, "networks/0"),
    ({"networks": []}, "networks"),
    ({"records": [{"name": "a", "type": "A", "values": ["fd00::1"]}]},
     "records/0/values/0"),
    ({"records": [{"name": "a", "type": "SRV", "values": ["1 2 3"]}]},
     "records/0/values/0"),
    ({"records": [{"name": "a", "type": "SRV", "values": ["1 2 70000 b"]}]},
     "records/0/values/0"),
    ({"records": [{"name": "a", "type": "CNAME", "values": ["b", "c"]}]},
     "records/0/values"),
    ({"records": [{"name": "a", "type": "PTR", "values": ["b"]}]},
     "records/0/name"),
    ({"records": [{"name": "a", "type": "CNAME", "values": ["b"]},
                  {"name": "a", "type": "A", "values": ["10.0.0.1"]}]},
     "records"),
    ({"domain": "shop.test"}, "networks"),
])
def test_wrong_zones_are_refused(shop, spec, field):
    with pytest.raises(Exception) as refused:
        shop[0].api.put("dns-zones/wrong", {"networks": ["net"], **spec})
    assert "/" + field in str(refused.value.problem), refused.value.problem
