# SPDX-License-Identifier: Apache-2.0
"""Backends of balancers are looked after: each kind of probe against servers
that live, hang, refuse, fail, are slow, close early or say too much."""

import socket
import struct
import threading
import time

import pytest
from conftest import (make_lab, close_lab, rule, wait_quiet, World,
                      check_log)

from test_events import Reader
from vmnlab import netns, traffic
from vmnlab.netns import wait_for

# The servers are threads of this program, which a busy machine has wait for a
# tenth of a second or two.
FAST = {"interval_ms": 400, "timeout_ms": 350, "healthy_after": 2,
        "unhealthy_after": 3}
PORT = 8080


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("health", 2)
    yield lab
    close_lab(lab)


class Web:
    """A web server in a VM, that behaves as it is told."""

    def __init__(self, vm, family=socket.AF_INET):
        self.vm = vm
        self.family = family
        self.mode = "ok"
        self.n_sent = 0         # Bytes of the longest answer that went out.
        self._stop = False
        self._listener = None
        self._open()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _open(self):
        self._listener = netns.socket_in(self.vm.ns, self.family)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self.family == socket.AF_INET6:
            self._listener.setsockopt(socket.IPPROTO_IPV6,
                                      socket.IPV6_V6ONLY, 1)
        self._listener.bind(("", PORT))
        self._listener.listen(512)
        self._listener.settimeout(0.05)

    def be(self, mode):
        """"hang" accepts as a stopped process does: its kernel alone."""
        if mode == "refuse":
            self.mode = mode
            self._listener.close()
        elif self.mode == "refuse":
            self._open()
        self.mode = mode

    def close(self):
        self._stop = True
        self._thread.join()
        self._listener.close()

    def _run(self):
        while not self._stop:
            if self.mode in ("hang", "refuse"):
                time.sleep(0.02)
                continue
            try:
                conn, _ = self._listener.accept()
            except OSError:
                continue
            try:
                conn.settimeout(0.3)
                self._serve(conn)
            except OSError:
                pass
            conn.close()

    def _serve(self, conn):
        asked = conn.recv(4096)
        if not asked.startswith(b"GET /health HTTP/1.1\r\nHost: "):
            return
        if self.mode == "ok":
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        elif self.mode == "500":
            conn.sendall(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n")
        elif self.mode == "slow":
            conn.sendall(b"HTTP/1.1 ")
            conn.settimeout(2)
            conn.recv(1)        # Until it is reset.
        elif self.mode == "chatter":
            conn.sendall(b"220 mail.example.com ESMTP\r\n")
        elif self.mode == "big":
            # The status says nothing until there is much more.
            answer = b"HTTP/1.1 103 x\r\nLink: " + b"x" * (1 << 20)
            n = 0
            while n < len(answer):
                n += conn.send(answer[n:])
                self.n_sent = max(self.n_sent, n)
        # "early": nothing.


@pytest.fixture
def world(lab):
    world = World(lab)
    world.webs = []
    world.network("net", "10.0.0.0/24", "fd00::/64")
    yield world
    for web in world.webs:
        web.close()
    world.close()
    check_log(lab.vmnd)
    assert lab.vmnd.pid() is not None, lab.vmnd.last_words(60)


@pytest.fixture
def reader(lab):
    reader = Reader(lab.vmnd.socket,
                    "?kinds=health,standby&loadbalancer=lb")
    reader.take("start")
    yield reader
    reader.close()


def serve(world, name, host, ip, **spec):
    """A VM with a web server."""
    vm = world.vm(name, "net", host, ip, labels={"role": "web"}, **spec)
    web = Web(vm, traffic.family_of(vm.ip))
    world.webs.append(web)
    return web


def balancer(world, vip="10.0.0.100", **spec):
    spec.setdefault("selector", "role=web")
    world.put("loadbalancers", "lb", vip=vip, networks=["net"],
              ports=[{"port": 80, "target": PORT}], **spec)


def http(**more):
    return dict(FAST, type="http", path="/health", **more)


def backends(world):
    found = world.api.get("loadbalancers/lb")["status"]["backends"]
    return {b["port"]: b for b in found}


def becomes(world, name, state, reason=None, seconds=30):
    """Waits until a backend's health is so, for this reason."""
    def right():
        health = backends(world)[name].get("health", {})
        return health.get("state") == state and (
            reason is None or health.get("reason") == reason) and health
    try:
        return wait_for("%s to be %s: %s" % (name, state, reason), right,
                        seconds)
    except netns.Error:
        print(backends(world))
        raise


def patient(**more):
    """Probes of which so many have to fail that a pause of this program, which
    is the backends' server, takes none out."""
    return http(unhealthy_after=25, **more)


def stays(world, names, state="up", n=3):
    """Whether these are in a state until each has answered 'n' probes more."""
    before = {name: backends(world)[name]["health"] for name in names}

    def probed():
        now = {name: backends(world)[name]["health"] for name in names}
        assert all(h["state"] == state for h in now.values()), now
        return all(now[x]["ok"] >= before[x]["ok"] + n for x in names)
    return wait_for("more probes", probed, 30)


def serves(world, client, wanted, vip="10.0.0.100"):
    """Whether those who answer at the virtual IP are 'wanted' by now."""
    def right():
        return {b["port"] for b in backends(world).values()
                if b["serving"]} == set(wanted)
    wait_for("%s to serve" % wanted, right, 30)
    if not wanted:
        return world.unanswered(client, vip, 80)
    return wait_for("an answer", lambda: get(client, vip), 30)


def get(client, vip):
    sock = netns.socket_in(client.ns, traffic.family_of(vip))
    sock.settimeout(1)
    try:
        sock.connect((vip, 80))
        sock.send(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        return sock.recv(100)
    except OSError:
        return b""
    finally:
        sock.close()


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_http(world, family):
    start, vip = ("10.0.0.", "10.0.0.100") if family == "ipv4" \
        else ("fd00::", "fd00::100")
    web = serve(world, "w1", "h1", start + "11")
    cli = world.vm("cli", "net", "h2", start + "1")
    balancer(world, vip, health=http())
    becomes(world, "w1", "up")
    assert serves(world, cli, ["w1"], vip).startswith(b"HTTP/1.1 200")
    modes = [("hang", "connected, but no answer to GET"),
             ("refuse", "connection refused"),
             ("500", "status 500"),
             ("slow", "answer not complete"),
             ("early", "closed early"),
             ("chatter", "not HTTP"),
             ("big", "answer too long")]
    for mode, reason in modes if family == "ipv4" else modes[:3]:
        web.be(mode)
        began = time.monotonic()
        health = becomes(world, "w1", "down", reason)
        print("%s: out after %.2f s" % (mode, time.monotonic() - began))
        assert health["failed"] > 0 and health["history"][-1]["reason"]
        web.be("ok")
        # Flapping is damped; nothing here waits for that.
        world.patch("loadbalancers", "lb", health=None)
        balancer(world, vip, health=http())
        becomes(world, "w1", "up")
    # Of a megabyte a server gets rid of what its own buffers hold, and of
    # our window.
    assert web.n_sent < 1 << 20
    assert serves(world, cli, ["w1"], vip)


def test_tcp_udp_ping(world):
    web = serve(world, "w1", "h1", "10.0.0.11")
    cli = world.vm("cli", "net", "h2", "10.0.0.1")
    balancer(world, health=dict(FAST, type="tcp"))
    becomes(world, "w1", "up")
    web.be("refuse")
    becomes(world, "w1", "down", "connection refused")
    assert serves(world, cli, [])
    # A process that hangs has a kernel that does not.
    web.be("hang")
    becomes(world, "w1", "up")

    # UDP: nobody listens, somebody does, somebody answers.
    world.delete("loadbalancers", "lb")
    balancer(world, protocol="udp", health=dict(FAST, type="udp", port=5353))
    becomes(world, "w1", "down", "no such port")
    silent = netns.socket_in(web.vm.ns, kind=socket.SOCK_DGRAM)
    silent.bind(("", 5353))
    becomes(world, "w1", "up")
    balancer(world, protocol="udp", health=dict(FAST, type="udp", port=5353,
                                                send="hello"))
    becomes(world, "w1", "down", "no answer")
    silent.close()
    world.servers.udp(web.vm, 5353)
    becomes(world, "w1", "up")

    # Pings, and what is known without them.
    world.delete("loadbalancers", "lb")
    balancer(world, health=dict(FAST, type="ping"))
    becomes(world, "w1", "up")
    web.vm.run("sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=1")
    becomes(world, "w1", "down", "no answer")


def test_policies_do_not_judge_probes_and_what_is_cut_off_is_out(world,
                                                                 reader):
    for i in (1, 2):
        serve(world, "w%d" % i, "h%d" % i, "10.0.0.1%d" % i)
    world.group("web", "role=web")
    world.policy("nothing", "web", rule("ingress", "deny"),
                 rule("egress", "deny"))
    balancer(world, health=patient())
    for name in ("w1", "w2"):
        becomes(world, name, "up")
    stays(world, ["w1", "w2"])
    assert {reader.take("health", loadbalancer="lb", state="up")[1]["port"]
            for _ in range(2)} == {"w1", "w2"}

    world.patch("ports", "w1", quarantined=True)
    assert not backends(world)["w1"]["serving"]
    becomes(world, "w1", "idle", "it is quarantined")
    reader.take("health", port="w1", state="idle",
                reason="it is quarantined")
    world.patch("ports", "w1", quarantined=False)
    becomes(world, "w1", "up")

    vm = world.webs[0].vm
    vm.run("ip", "link", "set", "eth0", "down")
    becomes(world, "w1", "down", "its link is down")
    vm.run("ip", "link", "set", "eth0", "up")
    becomes(world, "w1", "up")

    world.lab.unplug("w1")
    wait_for("w1 to be out", lambda: not backends(world)["w1"]["serving"],
             30)
    assert backends(world)["w2"]["serving"]
    world.lab.replug("w1", "h1")
    becomes(world, "w1", "up")


def test_open_connections_of_one_that_fails(world):
    web = serve(world, "w1", "h1", "10.0.0.11", tcp=[90])
    clients = [world.vm("c%d" % i, "net", "h%d" % i, "10.0.0.%d" % i)
               for i in (1, 2)]

    def fails(**more):
        world.put("loadbalancers", "lb", vip="10.0.0.100", networks=["net"],
                  ports=[{"port": 80, "target": 90}], selector="role=web",
                  health=patient(port=PORT), **more)
        becomes(world, "w1", "up")
        for client in clients:
            assert wait_for("it to serve", lambda c=client: traffic.ask(
                c, "10.0.0.100", 80))
        held = [traffic.Connection(c, "10.0.0.100", 80) for c in clients]
        web.be("500")
        becomes(world, "w1", "down", "status 500", 90)
        return held
    for one in fails():
        assert one.exchange(seconds=20)
        one.close()
    web.be("ok")
    for one in fails(when_down="cut"):
        with pytest.raises(ConnectionResetError):
            one.sock.settimeout(20)
            while True:         # Until the switch's cache has heard of it.
                one.sock.send(b"still there?\n")
                one.sock.recv(100)
        one.close()


def test_clients_that_wait_for_one_that_is_cut(world):
    """A client whose question has been acknowledged sends nothing more by
    itself: it is told when the backend sends something, be it its answer or
    that its process has ended.  The backend is told as well."""
    web = serve(world, "w1", "h1", "10.0.0.11")
    listener = netns.socket_in(web.vm.ns)
    listener.bind(("", 90))
    listener.listen()
    listener.settimeout(20)
    world.put("loadbalancers", "lb", vip="10.0.0.100", networks=["net"],
              ports=[{"port": 80, "target": 90}], selector="role=web",
              health=patient(port=PORT), when_down="cut")
    becomes(world, "w1", "up")
    held = []
    for i, does in enumerate(("answers", "closes", "answers", "closes"), 1):
        # The first two are on the backend's own host.
        client = world.vm("c%d" % i, "net", "h%d" % ((i + 1) // 2),
                          "10.0.0.%d" % i)
        wait_quiet(world.lab)
        ours = traffic.Connection(client, "10.0.0.100", 80)
        theirs, _ = listener.accept()
        ours.sock.send(b"question\n")
        assert theirs.recv(100) == b"question\n"
        held.append((does, ours, theirs))
    web.be("500")
    becomes(world, "w1", "down", "status 500", 90)
    wait_quiet(world.lab)
    # A client acknowledges an answer once.  Until the datapath's own flows go
    # by the new ones, that acknowledgement still gets to the backend.
    world.revalidated()
    for does, ours, theirs in held:
        ours.sock.settimeout(20)
        theirs.settimeout(20)
        if does == "answers":
            theirs.send(b"answer\n")
            with pytest.raises(ConnectionResetError):
                while ours.sock.recv(100):
                    pass
            # As its answer was never acknowledged, it is sent again.
            with pytest.raises(ConnectionResetError):
                theirs.recv(100)
        else:
            # By a reset, as of a process that was killed.
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                              struct.pack("ii", 1, 0))
            theirs.close()
            with pytest.raises(ConnectionResetError):
                ours.sock.recv(100)
        ours.close()
        theirs.close()
    listener.close()


def test_restart_and_hosts_that_go(world):
    for i in (1, 2):
        serve(world, "w%d" % i, "h%d" % i, "10.0.0.1%d" % i)
    balancer(world, health=patient())
    for name in ("w1", "w2"):
        becomes(world, name, "up")
    # What was not durable would be found anew.  What a backend does is told
    # as soon as it is decided; a write is answered when all before it are
    # durable as well.
    wait_for("rows of both", lambda: all(
        b["serving"] for b in backends(world).values()))
    world.network("later", "10.1.0.0/24", "fd01::/64")
    wait_quiet(world.lab)
    world.lab.vmnd.kill()
    world.lab.vmnd.start()
    world.lab.await_synced()
    stays(world, ["w1", "w2"])
    for name in ("w1", "w2"):
        assert not backends(world)[name]["health"]["history"]

    world.patch("loadbalancers", "lb", unheard_seconds=0)
    world.lab.host("h2").cut()
    try:
        becomes(world, "w2", "down", "its host is not connected", 30)
        # Where h1 is not heard for a moment, w1 rightly is out as well; what
        # became of h2 is no reason.
        before = backends(world)["w1"]["health"]["ok"]
        wait_for("w1 to go on", lambda: backends(world)["w1"]["serving"]
                 and backends(world)["w1"]["health"]["ok"] >= before + 3, 20)
        assert {h["reason"] for h in backends(world)["w1"]["health"][
            "history"] if h["state"] == "down"} <= {"its host is not heard"}
    finally:
        world.lab.host("h2").heal()
    becomes(world, "w2", "up", seconds=30)
    world.lab.await_synced()


def test_standby_that_serves_is_told(world, reader):
    web = serve(world, "w1", "h1", "10.0.0.11")
    serve(world, "w2", "h2", "10.0.0.12")
    cli = world.vm("cli", "net", "h1", "10.0.0.1")
    balancer(world, health=http(), min_serving=1,
             backends=[{"port": "w1"}, {"port": "w2", "standby": True}])
    for name in ("w1", "w2"):
        becomes(world, name, "up")
    assert serves(world, cli, ["w1"])
    web.be("500")
    # It may have served before w1 was known to be up.
    reader.take("health", port="w1", state="down")
    found = reader.take("standby", port="w2", state="serving")[1]
    assert found["loadbalancer"] == "lb"
    assert found["reason"] == "none of the others serves"
    assert serves(world, cli, ["w2"])
    web.be("ok")
    found = reader.take("standby", port="w2", state="standby")[1]
    assert found["reason"] == "enough others serve"


def test_drains_end(world):
    for i in (1, 2):
        serve(world, "w%d" % i, "h%d" % i, "10.0.0.1%d" % i)
    cli = world.vm("cli", "net", "h1", "10.0.0.1")
    named = [{"port": "w1"}, {"port": "w2"}]
    balancer(world, backends=named, health=patient(), drain_seconds=2)
    for name in ("w1", "w2"):
        becomes(world, name, "up")
    named[0] = {"port": "w1", "drain": True}
    balancer(world, backends=named, health=patient(), drain_seconds=50)
    found = wait_for("it to drain", lambda: [
        b for b in [backends(world)["w1"]] if b["state"] == "draining"])[0]
    assert found["reason"] == "it is draining"
    assert "drain_result" not in found
    # Not quiet long enough before it is cut.
    drain = found["drain"]
    assert drain["since"] <= drain["quiet_since"] <= drain["earliest"] \
        == drain["latest"], drain
    balancer(world, backends=named, health=patient(), drain_seconds=2)
    becomes(world, "w1", "drained")
    wait_for("it to be told", lambda: backends(world)["w1"]["state"] ==
             "drained", 30)
    found = backends(world)["w1"]
    assert found["reason"] == "it is drained: drain_seconds are over: " \
        "open connections are cut, how many is not known"
    assert found["drain_result"] == "cut"
    assert "drain" not in found
    assert serves(world, cli, ["w2"])
    named[0] = {"port": "w1"}
    balancer(world, backends=named, health=patient(), drain_seconds=2)
    becomes(world, "w1", "up")
    assert serves(world, cli, ["w1", "w2"])
