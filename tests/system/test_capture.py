# SPDX-License-Identifier: Apache-2.0
"""Captures (docs/apps/mirrors.md): packets of VMs as pcapng, by `vmnctl
capture` and GET /v1/packets.  App mirrors, and real switches on two hosts."""

import base64
import datetime
import http.client
import os
import signal
import socket
import struct
import subprocess
import time
import types

import pcapng
import pytest
from conftest import (WAIT, World, check_log, close_lab, flows, installed,
                      make_token_lab, wait_counted, wait_quiet)
from tenants import PORT, make_tenant
from test_cluster_hosts import cluster_lab, use_member
from test_live_apps import ctl, verify
from test_stream import Waits, excuse

from vmnlab import frames, netns
from vmnlab.api import Refused
from vmnlab.daemon import find
from vmnlab.netns import inside, wait_for
from vmnlab.stream import Streams

APP = os.path.join(os.environ.get("VMN_APPDIR", "_build/normal/appdir"),
                   "mirrors.so")
SHOP, BANK = {"project": "shop"}, {"project": "bank"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = make_token_lab("capture", 2, tmp_path_factory.mktemp("api"), PORT,
                         "--count-interval=1")
    ctl(lab, "app", "load", APP, "--wait")
    wait_quiet(lab)
    yield lab
    close_lab(lab)


@pytest.fixture(name="world")
def _world(lab):
    world = World(lab)
    world.network("net", "10.0.0.0/24", "fd00::/64")
    for i, (name, host, labels) in enumerate(
            (("a", "h1", SHOP), ("b", "h1", SHOP), ("c", "h2", SHOP),
             ("x", "h2", BANK)), 1):
        world.vm(name, "net", host, ["10.0.0.%d" % i, "fd00::%d" % i],
                 tcp=[80], labels=labels)
    for name in "abcx":
        lab.vm(name).await_addresses()
    yield world
    for item in world.api.get("mirrors")["items"]:
        world.api.delete("mirrors/" + item["name"], wait="installed")
    world.close()
    verify(lab)
    check_log(lab.vmnd)


class Capture:
    """A vmnctl that captures, in the background."""

    def __init__(self, lab, path, *args):
        self.lab, self.path = lab, path
        self.process = subprocess.Popen(
            [find("vmnctl"), "-s", "unix:" + lab.vmnd.socket, "capture",
             "-w", str(path)] + list(args), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        wait_for("the capture", self._began, 20)
        # Else packets may go as ones like them went before.
        self.lab.revalidated()
        return self

    def _began(self):
        return (self.process.poll() is not None
                or os.path.exists(self.path)
                and os.path.getsize(self.path) > 0)

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self

    def done(self, status=0):
        """What it has captured, and what it says."""
        _, said = self.process.communicate(timeout=60)
        assert self.process.returncode == status, said
        assert self.lab.vmnd.api.get("mirrors")["items"] == []
        return pcapng.read(self.path), said

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def datagrams(a, b, n, size=20, port=7, source=1000):
    """Frames from a to b that differ.  They need no padding: the kernel's
    conntrack would take it off."""
    return [frames.udp(b.mac, a.mac, a.ip, b.ip, source, port,
                       struct.pack("!I", i) + bytes(size - 4))
            for i in range(n)]


def in_seconds(n):
    """The time then, as objects have it."""
    then = datetime.datetime.utcnow() + datetime.timedelta(seconds=n)
    return then.strftime("%Y-%m-%dT%H:%M:%SZ")


# What is captured.  ----------------------------------------------------------

def test_a_vm_is_captured_from_wherever_it_is(world, lab, tmp_path):
    """All that it sends and gets, each once, byte by byte, in order, with its
    name and host."""
    a, c = lab.vm("a"), lab.vm("c")
    there, back = datagrams(a, c, 50), datagrams(c, a, 30)
    with Capture(lab, tmp_path / "a", "a", "--filter", "udp/7") as capture:
        frames.send(a, *there)
        frames.send(c, *back)
        wait_for("them", lambda: pcapng.count_packets(capture.path) >= 80, 20)
        file, said = capture.interrupt().done()
    assert file.interfaces == [("a", "h1")]
    assert [p.frame for p in file.packets if p.direction == "out"] == there
    assert [p.frame for p in file.packets if p.direction == "in"] == back
    assert file.statistics == {0: (80, 0)}
    assert "80 packets captured\n" in said
    times = [p.time for p in file.packets]
    assert times == sorted(times) and abs(times[-1] - time.time()) < 60


def test_arp_and_pings_in_both_families(world, lab, tmp_path):
    a, c = lab.vm("a"), lab.vm("c")
    with Capture(lab, tmp_path / "a", "a") as capture:
        a.run("ip", "neigh", "flush", "dev", "eth0")
        for ip in c.ip, c.ip6:
            a.run("ping", "-c", "2", "-i", "0.2", ip)
        wanted = {("out", "0806"), ("out", "0800"), ("in", "0800"),
                  ("out", "86dd"), ("in", "86dd")}
        wait_for("them", lambda: wanted <= {
            ("out" if f[6:12] == frames.mac_bytes(a.mac) else "in",
             f[12:14].hex()) for f in pcapng.frames_so_far(capture.path)}, 20)
        file, _ = capture.interrupt().done()
    kinds = {(p.direction, p.frame[12:14].hex()) for p in file.packets}
    # What a switch answers itself it does not deliver: no reply to ARP.
    assert wanted <= kinds


def test_several_ports_on_several_hosts(world, lab, tmp_path):
    """By a selector, by a group, and by name."""
    a, b, c, x = (lab.vm(name) for name in "abcx")
    world.group("some", "project=shop")
    for args in (["-l", "project=shop"], ["--group", "some"],
                 ["-l", "project=shop", "--network", "net"],
                 ["a", "b", "c"]):
        path = tmp_path / ("-".join(args).replace("/", ""))
        with Capture(lab, path, *args, "--filter", "udp/7", "--direction",
                     "egress") as capture:
            for vm in (a, b, c, x):
                frames.send(vm, *datagrams(vm, a if vm is not a else b, 5))
            wait_for("them", lambda p=path: pcapng.count_packets(p) >= 15, 20)
            file, _ = capture.interrupt().done()
        assert sorted(file.interfaces) == [("a", "h1"), ("b", "h1"),
                                           ("c", "h2")], args
        assert len(file.packets) == 15
        assert {p.direction for p in file.packets} == {"out"}


def test_a_network_and_a_port_are_for_who_has_no_scope(world, lab, tmp_path):
    """All of a network may be anybody's, and copies go past policies."""
    shop = make_tenant(lab, "shop", scope="project=shop")
    try:
        with Capture(lab, tmp_path / "n", "--network", "net", "--filter",
                     "udp/7", "--direction", "egress", "--count", "4") as all_:
            for name in "abcx":
                frames.send(lab.vm(name), *datagrams(
                    lab.vm(name), lab.vm("a" if name != "a" else "b"), 1))
            file, _ = all_.done()
        assert sorted(p for p, _ in file.interfaces) == list("abcx")
        world.patch("networks", "net", labels=SHOP)
        shop.may_not("PUT", "mirrors/m", {
            "labels": SHOP, "networks": ["net"]}, "/networks")
        shop.may_not("PUT", "mirrors/m", {
            "labels": SHOP, "ports": ["a"], "to_port": "b"}, "/to_port")
        shop.may_not("PUT", "mirrors/m", {
            "labels": SHOP, "ports": ["a"], "to_remote": "10.99.9.9"},
            "/to_remote")
        shop.may_not("PUT", "mirrors/m", {
            "labels": SHOP, "ports": ["a"], "to_interface": "ids0"},
            "/to_interface")
        # Each connection costs the switch a flow of its cache, before a limit.
        shop.may_not("PUT", "mirrors/m", {
            "labels": SHOP, "ports": ["a"], "sampling": 2}, "/sampling")
        world.put("mirrors", "r", labels=SHOP, ports=["a"],
                  to_remote="10.99.9.9")
        shop.may_not("PUT", "mirrors/r", {
            "labels": SHOP, "ports": ["a"], "to_remote": "10.99.9.9",
            "key": 7}, "/key")
        world.delete("mirrors", "r")
        # What an operator has set may stay, and not be another one.
        world.put("mirrors", "m", labels=SHOP, ports=["a"], to_port="b")
        shop.may("PUT", "mirrors/m", {
            "labels": SHOP, "ports": ["c"], "to_port": "b"})
        shop.may_not("PUT", "mirrors/m", {
            "labels": SHOP, "ports": ["c"], "to_port": "a"}, "/to_port")
        shop.may_not("PUT", "mirrors/m", {"labels": SHOP, "ports": ["c"]},
                     "/to_port")
    finally:
        world.api.delete("accounts/shop", cascade="true")


def test_filters(world, lab, tmp_path):
    a, b, c = (lab.vm(name) for name in "abc")
    sent = (datagrams(a, b, 1, port=7) + datagrams(a, b, 1, port=8)
            + datagrams(a, c, 1, port=7) + datagrams(a, c, 1, port=9))
    for filters, wanted in (
            (["udp/7"], {0, 2}), (["udp/7-8"], {0, 1, 2}),
            (["udp/1000"], {0, 1, 2, 3}), ([c.ip], {2, 3}),
            (["udp/9 " + b.ip], set()), (["10.0.0.2/31"], {0, 1, 2, 3}),
            (["udp/8", "udp/9"], {1, 3}), (["tcp"], set()),
            (["udp/9", c.ip], {2, 3})):
        path = tmp_path / "f"
        pcapng.remove(path)
        with Capture(lab, path, "a", "--direction", "egress",
                     *(x for f in filters for x in ("--filter", f)),
                     "--filter", "udp/5") as capture:
            frames.send(a, *sent, *datagrams(a, b, 1, port=5))
            wait_for("all", lambda p=path, n=len(wanted) + 1:
                     pcapng.count_packets(p) == n, 20)
            file, _ = capture.interrupt().done()
        got = {p.frame for p in file.packets}
        # The first packets of several flows overtake one another.
        assert len(got) == len(file.packets) == len(wanted) + 1
        assert got >= {sent[i] for i in wanted}, filters


def test_it_says_that_no_port_is_selected(world, lab, tmp_path):
    with Capture(lab, tmp_path / "a", "-l", "project=none", "--for",
                 "1s") as capture:
        _, said = capture.done()
    assert "no port is captured so far" in said


# Bounds.  --------------------------------------------------------------------

def test_it_ends_after_so_many(world, lab, tmp_path):
    a, c = lab.vm("a"), lab.vm("c")
    with Capture(lab, tmp_path / "a", "a", "--count", "7", "--filter",
                 "udp/7") as capture:
        frames.send(a, *datagrams(a, c, 20))
        file, said = capture.done()
    assert len(file.packets) == 7 and "7 packets captured" in said


def test_it_ends_after_that_time(world, lab, tmp_path):
    start = time.monotonic()
    with Capture(lab, tmp_path / "a", "a", "--for", "2s", "--filter",
                 "udp/7") as capture:
        file, said = capture.done()
    assert not file.packets and "0 packets captured" in said
    assert "no port is captured" not in said
    assert time.monotonic() - start >= 2


def test_long_packets_are_cut(world, lab, tmp_path):
    a, c = lab.vm("a"), lab.vm("c")
    sent = datagrams(a, c, 5, size=1000)
    with Capture(lab, tmp_path / "a", "a", "--max-size", "64", "--count", "5",
                 "--filter", "udp/7") as capture:
        frames.send(a, *sent)
        file, _ = capture.done()
    assert [p.frame for p in file.packets] == [f[:64] for f in sent]
    assert {p.size for p in file.packets} == {len(sent[0])}


def test_what_is_too_much_is_left_out_and_nothing_else(world, lab, tmp_path):
    """So many a second, and no more; what VMs send each other arrives."""
    a, c = lab.vm("a"), lab.vm("c")
    with Capture(lab, tmp_path / "a", "a", "--max-pps", "50", "--for",
                 "5m") as capture:
        start = time.monotonic()
        with Streams(1000).add("s", a, c).add("t", c, a) as streams:
            waits = Waits(lab)
            found = streams.run(2.0).stop(("s", "t"))
            streams.shares = waits.shares()
        wait_counted("packets", lambda: world.api.get("mirrors")["items"][0][
            "status"].get("packets", 0) >= 3000)
        seconds = time.monotonic() - start
        file, said = capture.interrupt().done()
    if found["s"].lost or found["t"].lost:
        excuse(streams)
    assert not found["s"].lost and not found["t"].lost
    assert 50 <= len(file.packets) <= 50 + 50 * seconds + 2
    assert "beyond --max-pps" in said


def test_who_reads_slowly_misses_packets_and_nobody_else(world, lab,
                                                         tmp_path):
    """What one does not read is counted, and not kept."""
    a, c = lab.vm("a"), lab.vm("c")
    world.put("mirrors", "m", ports=["a"], max_pps=2000,
              until=in_seconds(600),
              filters=[{"protocol": "udp", "ports": "7"}])
    slow = socket.socket(socket.AF_UNIX)
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect(lab.vmnd.socket)
    slow.sendall(b"GET /v1/packets?of=mirrors/m&seconds=600&limit=100000 "
                 b"HTTP/1.1\r\nHost: x\r\n\r\n")
    sent = datagrams(a, c, 100, size=1400)

    def is_flooded():
        frames.send(a, *sent)
        return world.api.get("mirrors/m")["status"].get("packets", 0) > 8000
    wait_counted("many packets", is_flooded)
    world.delete("mirrors", "m")
    data = bytearray()
    while True:
        part = slow.recv(65536)
        if not part:
            break
        data += part
    slow.close()
    body = unchunked(bytes(data))
    file = pcapng.File(body)
    received, left_out = file.statistics[0]
    assert left_out > 0 and received == len(file.packets) + left_out


def unchunked(reply):
    head, body = reply.split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 200"), head
    if b"chunked" not in head.lower():
        return body
    found = b""
    while body:
        size, body = body.split(b"\r\n", 1)
        n = int(size, 16)
        found += body[:n]
        body = body[n + 2:]
    return found


# Ends.  ----------------------------------------------------------------------

def test_who_is_killed_leaves_nothing(world, lab):
    """Its mirror's time ends: nothing is copied any more, and it is gone; the
    log says by whom."""
    before = len(flows(lab.host("h1")))
    world.put("mirrors", "m", ports=["a"], until=in_seconds(120))
    assert world.api.get("mirrors/m")["status"]["active"]
    assert len(flows(lab.host("h1"))) > before
    world.api.patch("mirrors/m", {"until": in_seconds(5)})
    wait_for("the end", lambda: not world.api.get("mirrors")["items"], 40)
    wait_for("the flows to go", lambda: len(flows(lab.host("h1"))) == before,
             20)
    last = world.api.get("revisions?type=mirrors&name=m&limit=1")["items"][0]
    assert last["who"] == "vmnd"


def test_it_goes_through_a_pipe(world, lab):
    """tcpdump reads it while it comes, and ends it."""
    a, c = lab.vm("a"), lab.vm("c")
    with subprocess.Popen(
            "%s -s unix:%s capture a --filter udp/7 --for 1m -w - | "
            "tcpdump -n -l -c 3 -r -" % (find("vmnctl"), lab.vmnd.socket),
            shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True) as pipe:
        wait_for("the mirror", lambda: any(
            item["status"].get("hosts") for item in
            world.api.get("mirrors")["items"]), 20)

        def is_read():
            frames.send(a, *datagrams(a, c, 5))
            return pipe.poll() is not None or not world.api.get("mirrors")[
                "items"]
        wait_for("tcpdump to have enough", is_read, 30)
        out, err = pipe.communicate(timeout=30)
    assert out.count("10.0.0.1.1000 > 10.0.0.3.7: UDP") == 3, (out, err)
    assert not world.api.get("mirrors")["items"]


def test_it_ends_with_its_mirror(world, lab, tmp_path):
    with Capture(lab, tmp_path / "a", "a", "--for", "10m") as capture:
        name = world.api.get("mirrors")["items"][0]["name"]
        world.api.delete("mirrors/" + name)
        file, _ = capture.done()
    assert not file.statistics or file.statistics[0][1] == 0


# Who may.  -------------------------------------------------------------------

def stream(lab, token, target):
    """Status of a request, and its connection."""
    link = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    with inside(lab.net_ns):
        link.connect()
    link.request("GET", "/v1/" + target,
                 headers={"Authorization": "Bearer " + token})
    return link.getresponse(), link


def test_nobody_captures_others_ports(world, lab, tmp_path):
    """Neither by name, nor by labels, groups or another's mirror; nor what an
    administrator has given a mirror of his."""
    shop = make_tenant(lab, "shop", scope="project=shop")
    viewer = make_tenant(lab, "viewer", role="viewer")
    try:
        world.put("groups", "both", labels=SHOP, ports=["a", "x"])
        shop.may("PUT", "mirrors/mine", {"labels": SHOP, "ports": ["a"]})
        shop.may_not("PUT", "mirrors/m", {"labels": SHOP, "ports": ["x"]},
                     "/ports/0", status=400)
        shop.may_not("PUT", "mirrors/m", {"labels": SHOP,
                                          "selector": "project=bank"},
                     "/selector")
        shop.may_not("PUT", "mirrors/m", {"labels": SHOP,
                                          "groups": ["both"]}, "/groups/0")
        world.put("mirrors", "others", labels=BANK, ports=["a"])
        world.put("mirrors", "wide", labels=SHOP, ports=["a", "x"],
                  filters=[{"protocol": "udp", "ports": "7"}])
        world.revalidated()
        for target, status in (("packets?of=mirrors/others", 404),
                               ("packets?of=mirrors/none", 404)):
            assert shop.call("GET", target)[0] == status
        assert viewer.call("GET", "packets?of=mirrors/mine")[0] == 403
        reply, link = stream(lab, shop.token,
                             "packets?of=mirrors/wide&limit=10&seconds=60")
        assert reply.status == 200
        a, x, c = (lab.vm(name) for name in "axc")
        frames.send(x, *datagrams(x, c, 10))
        frames.send(a, *datagrams(a, c, 10))
        file = pcapng.File(reply.read())
        link.close()
        assert file.interfaces == [("a", "h1")]
        assert [p.frame for p in file.packets] == datagrams(a, c, 10)
        # By vmnctl, whose mirror gets the labels that it needs.
        token = tmp_path / "token"
        token.touch(0o600)
        token.write_text(shop.token)
        path = tmp_path / "own"
        said = netns.run([find("vmnctl"), "-s", "tcp:127.0.0.1:%d" % PORT,
                          "--token-file", str(token), "capture", "a", "--for",
                          "1s", "-w", str(path), "--filter", "udp/9"],
                         ns=lab.net_ns)
        assert said == "" and not pcapng.read(path).packets
    finally:
        for name in "shop", "viewer":
            world.api.delete("accounts/" + name, cascade="true")


def test_a_port_that_is_anothers_by_then_is_read_no_more(world, lab):
    """Its mirror names it all the same; what came before is told of."""
    shop = make_tenant(lab, "shop", scope="project=shop")
    try:
        # Packets are sent once: it has to be on its host by then.
        installed(shop.may("PUT", "mirrors/mine?wait=installed&timeout="
                           + WAIT, {
                               "labels": SHOP, "ports": ["a", "b"],
                               "direction": "egress", "filters": [
                                   {"protocol": "udp", "ports": "7"}]}))
        world.revalidated()
        reply, link = stream(lab, shop.token,
                             "packets?of=mirrors/mine&seconds=600&limit=5")
        a, b, c = (lab.vm(name) for name in "abc")
        sent = datagrams(a, c, 3)
        frames.send(a, *sent)
        data = b""
        while data.count(sent[-1]) == 0:
            data += reply.read1()
        world.patch("ports", "a", labels=BANK)
        frames.send(a, *datagrams(a, c, 3))
        frames.send(b, *datagrams(b, c, 2))
        file = pcapng.File(data + reply.read())
        link.close()
        assert file.interfaces == [("a", "h1"), ("b", "h1")]
        assert [p.frame for p in file.packets] == sent + datagrams(b, c, 2)
        assert file.statistics == {0: (3, 0), 1: (2, 0)}
    finally:
        world.api.delete("accounts/shop", cascade="true")


def test_who_may_no_more_gets_no_more(world, lab):
    shop = make_tenant(lab, "shop", scope="project=shop")
    try:
        shop.may("PUT", "mirrors/mine", {"labels": SHOP, "ports": ["a"]})
        reply, link = stream(lab, shop.token,
                             "packets?of=mirrors/mine&seconds=600")
        assert reply.status == 200
        world.api.delete("tokens/shop")
        pcapng.File(reply.read())
        link.close()
    finally:
        world.api.delete("accounts/shop", cascade="true")


# Mistakes.  ------------------------------------------------------------------

@pytest.mark.parametrize("query, parameter", [
    ("", "of"), ("?of=ports/a", "of"), ("?of=mirrors", "of"),
    ("?of=mirrors/m&limit=0", "limit"),
    ("?of=mirrors/m&seconds=3601", "seconds"),
    ("?of=mirrors/m&seconds=x", "seconds"),
])
def test_mistakes_are_named(world, query, parameter):
    with pytest.raises(Refused) as refused:
        world.api.get("packets" + query)
    assert refused.value.status == 400
    assert [e["parameter"] for e in refused.value.problem["errors"]] == [
        parameter]


def test_vmnctl_says_what_it_wants(world, lab, tmp_path):
    path = str(tmp_path / "x")
    for args, said in (
            (["a"], "give -w FILE"),
            (["-w", path], "name ports"),
            (["a", "-w", path, "--filter", "tcp udp"], "--filter is"),
            (["a", "-w", path, "--network", "net"], "in one already"),
            (["--policy", "p", "-w", path, "--network", "net"],
             "nor of --policy"),
            (["a", "-w", path, "--for", "2h"], "at most 1h"),
            (["a", "-w", path, "--count", "1000001"], "at most 1000000")):
        assert said in ctl(lab, "capture", *args, status=2), args
    # What is refused leaves the file as it was.
    with open(path, "w", encoding="ascii") as file:
        file.write("before")
    assert "nobody" in ctl(lab, "capture", "nobody", "-w", path, status=1)
    with open(path, encoding="ascii") as file:
        assert file.read() == "before"
    # And what cannot be written is named.
    assert "/dev/full: No space left" in ctl(
        lab, "capture", "a", "-w", "/dev/full", "--for", "60s", status=1)


# Clusters.  ------------------------------------------------------------------

def test_each_member_of_a_cluster_has_the_packets_of_all_hosts(tmp_path):
    """A standby relays the writer's stream."""
    with cluster_lab("ccp", 3) as (lab, cluster):
        writer = cluster.writer()
        use_member(lab, writer)
        lab.vmnd.api.apply([lab.host_object(h) for h in lab.hosts])
        lab.await_synced()
        place = types.SimpleNamespace(
            vmnd=types.SimpleNamespace(socket=writer.api.path),
            revalidated=lab.revalidated)
        with Capture(place, tmp_path / "none", "a") as capture:
            _, said = capture.process.communicate(timeout=60)
            assert capture.process.returncode == 1
            assert "the app mirrors is not loaded" in said
        with open(APP, "rb") as file:
            code = base64.b64encode(file.read()).decode()
        writer.api.call("PUT", "/v1/apps/mirrors/code", {
            "file": "mirrors.so", "code": code}, wait="installed",
            timeout="60s")
        world = World(lab)
        world.network("net", "10.0.0.0/24")
        for i, name in enumerate("ab", 1):
            world.vm(name, "net", "h%d" % i, "10.0.0.%d" % i)
        a, b = lab.vm("a"), lab.vm("b")
        for member in cluster.members:
            wait_for("%s to follow" % member.name,
                     lambda m=member: cluster.follows(m), 60)
            place.vmnd = types.SimpleNamespace(socket=member.api.path,
                                               api=writer.api)
            path = tmp_path / member.name
            with Capture(place, path, "a", "b", "--count", "20", "--filter",
                         "udp/7", "--direction", "egress") as capture:
                frames.send(a, *datagrams(a, b, 10))
                frames.send(b, *datagrams(b, a, 10))
                file, _ = capture.done()
            assert sorted(file.interfaces) == [("a", "h1"), ("b", "h2")]
            assert len(file.packets) == 20
        world.close()
