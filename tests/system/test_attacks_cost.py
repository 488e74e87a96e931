# SPDX-License-Identifier: Apache-2.0
"""What one owner (a peer, a guest, a tenant, an app) can make vmnd, a switch
or another owner's answer cost; each test is a cell of "Bounds by owner" in
docs/security.md."""

import os
import socket
import struct
import threading
import time

import pytest
from app_lab import build_bad_app
from conftest import (HERE, World, check_log, close_lab, entry, installed,
                      make_token_lab, rule)
from multicast_guests import igmp, mld
from tenants import PORT, make_tenant
from test_app_workers import problems
from test_attacks_packet_ins import DNS, Flood, dns_question, floods
from test_dhcp import discover
from test_fqdn_policy import to_name

from vmnlab import frames, netns
from vmnlab.netns import wait_for
from vmnlab.traffic import checksum

TOP = os.path.join(HERE, "../..")


@pytest.fixture(scope="module", name="lab")
def _lab(tmp_path_factory):
    path = tmp_path_factory.mktemp("apps")
    bad = build_bad_app(path)
    apps = os.environ.get("VMN_APPDIR", TOP + "/_build/normal/appdir")
    lab = make_token_lab(
        "cost", 1, path, PORT, "--packet-port-rate=50",
        "--packet-host-rate=80", apps=[bad] + [
            os.path.join(apps, name + ".so")
            for name in ("multicast", "metadata", "chains")])
    for host in lab.hosts:
        host.deepen_sockets()
    yield lab
    close_lab(lab)


# Answers of apps.  -----------------------------------------------------------

class Questions(threading.Thread):
    """Asks DNS from a VM, 'rate' times a second, until it is stopped; no
    question is sent twice."""

    def __init__(self, vm, name, rate=20):
        super().__init__(daemon=True)
        self.sock = netns.socket_in(vm.ns, socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.connect((DNS, 53))
        self.sock.settimeout(1.0 / rate)
        self.question = dns_question(name)[2:]
        self.rate = rate
        self.sent, self.late = {}, {}
        self.stopped = False
        self.start()

    def receive(self):
        try:
            number, = struct.unpack("!H", self.sock.recv(2048)[:2])
        except socket.timeout:
            return
        if number in self.sent:
            self.late.setdefault(number, time.monotonic() - self.sent[number])

    def run(self):
        start = time.monotonic()
        while not self.stopped:
            if len(self.sent) <= (time.monotonic() - start) * self.rate:
                number = len(self.sent)
                self.sent[number] = time.monotonic()
                self.sock.send(struct.pack("!H", number) + self.question)
            self.receive()

    def stop(self):
        """Returns how many were not answered."""
        self.stopped = True
        self.join()
        end = time.monotonic() + 20
        while len(self.late) < len(self.sent) and time.monotonic() < end:
            self.receive()
        self.sock.close()
        return len(self.sent) - len(self.late)


def test_take_answers_of_another_app_by_very_many_flows(lab, world):
    """A unit's flows go to a switch in bundles; answers go between these."""
    world.network("net", "10.0.0.0/24")
    world.network("victim", "10.1.0.0/24")
    world.put("dns-zones", "shop.test", networks=["net"])
    one = world.vm("one", "net", "h1", "10.0.0.1")
    netns.ip(one.ns, "route add 169.254.0.0/16 dev eth0")
    world.vm("there", "victim", "h1", "10.1.0.1")
    world.settle()
    questions = Questions(one, "one.shop.test")
    for n in os.environ.get("VMN_TEST_FLOWS", "60000"), None:
        installed(lab.vmnd.api.patch(
            "networks/victim", {"labels": {"flows": n}}, wait="installed",
            timeout="240s"))
        assert not problems(lab), problems(lab)
    lost = questions.stop()
    print("%d of %d lost, the slowest took %.0f ms" % (
        lost, len(questions.sent), 1000 * max(questions.late.values())))
    assert not lost


# Floods of a tenant's guests.  -----------------------------------------------

SERVER = "169.254.169.254"
SERVER_MAC = "0e:56:4d:ff:00:50"
KINDS = ("ttl", "reject", "no neighbour", "dhcp", "dns", "nd",
         "metadata", "igmp", "mld", "fqdn")


def syn(vm, port):
    """The first packet of a connection to the metadata server."""
    head = struct.pack("!HHLLBBHHH", port, 80, 1, 0, 5 << 4, 2, 65535, 0, 0)
    ends = socket.inet_aton(vm.ip) + socket.inet_aton(SERVER)
    total = checksum(ends + struct.pack("!HH", 6, len(head)) + head)
    return frames.ipv4(SERVER_MAC, vm.mac, vm.ip, SERVER, 6,
                       head[:16] + struct.pack("!H", total) + head[18:])


def packets_of(world, kind, vm, srv):
    if kind == "metadata":
        return [syn(vm, port) for port in range(1024, 1280)]
    if kind == "igmp":
        return [igmp(vm, 0x16, "239.1.0.%d" % i, "239.1.0.%d" % i)
                for i in range(1, 200)]
    if kind == "mld":
        return [mld(vm, 131, struct.pack("!HH16s", 0, 0, socket.inet_pton(
            socket.AF_INET6, "ff15::%x" % i)), "ff15::%x" % i)
            for i in range(1, 200)]
    if kind == "fqdn":
        return [frames.udp(srv.mac, vm.mac, vm.ip, srv.ip, 1000, 53,
                           dns_question("n%d.example.com" % i))
                for i in range(200)]
    return floods(world, vm, srv)[kind]


@pytest.fixture(name="tenants", scope="module")
def _tenants(lab):
    """Tenant a with a guest in each of two networks, and tenant b with one;
    all of them are on one host."""
    world = World(lab)
    for tenant in "ab":
        world.put("accounts", tenant, role="operator", scope="t=" + tenant)
    for n, tenant in enumerate("aab", 1):
        name = "n%d" % n
        world.put("networks", name, labels={"t": tenant}, subnets=[
            {"cidr": "10.0.%d.0/24" % n, "gateway": "10.0.%d.1" % n,
             "dhcp": True},
            {"cidr": "fd00:%d::/64" % n, "gateway": "fd00:%d::1" % n}])
        world.put("metadata-networks", name, network=name)
        world.put("multicast-networks", name, network=name)
    world.put("routers", "r", interfaces=[{"network": "n1"},
                                          {"network": "n2"}])
    world.put("dns-zones", "shop.test", networks=["n1", "n2", "n3"])
    world.vms = {}
    for name, n, i in (("eve", 1, 11), ("eva", 2, 11), ("vic", 3, 11),
                       ("srv1", 1, 13), ("srv2", 2, 13)):
        world.vms[name] = world.vm(name, "n%d" % n, "h1", [
            "10.0.%d.%d" % (n, i), "fd00:%d::%d" % (n, i)],
            labels={"t": "ab"[n == 3], "r": name[:3]})
    netns.ip(world.vms["vic"].ns, "route add 169.254.0.0/16 dev eth0")
    world.group("srv", "r=srv")
    world.policy("p", "srv", rule("ingress", "reject", None,
                                  [entry("udp", 9)]),
                 rule("ingress", "allow"))
    for name in "eve", "eva":
        world.group(name, "r=" + name)
        world.policy("out-" + name, name, rule("egress", "allow"),
                     to_name("*.example.com"))
    world.settle()
    yield world
    world.close()
    check_log(lab.vmnd)


def leases(vm, n=10):
    """How many of n DHCPDISCOVERs are answered."""
    found = 0
    with frames.Capture(vm.ns) as seen:
        for i in range(n):
            xid = struct.pack("!I", 0x766d0000 + i)
            frames.send(vm, discover(vm, xid=xid))
            found += seen.wait(lambda f, xid=xid: (frames.of_udp(f) or (0,))[
                0] == 67 and xid in f, 5) is not None
    return found


def undisturbed(vic):
    """Asserts that a guest gets its answers of vmnd."""
    questions = Questions(vic, "vic.shop.test", rate=5)
    found = leases(vic)
    while len(questions.sent) < 10:
        time.sleep(0.05)
    lost = questions.stop()
    print("%d of 10 leases, %d of %d questions lost"
          % (found, lost, len(questions.sent)))
    assert found >= 9
    assert lost <= len(questions.sent) / 10


@pytest.mark.parametrize("kind", KINDS)
def test_flood_vmnd_from_all_networks_of_a_tenant(tenants, kind):
    """Two guests of a tenant, each in a network of its own, send more than
    vmnd takes of their host; a guest of another tenant there is answered."""
    eve, eva, vic, srv1, srv2 = (tenants.vms[n] for n in (
        "eve", "eva", "vic", "srv1", "srv2"))
    print(kind)
    with Flood(eve, packets_of(tenants, kind, eve, srv1)), \
            Flood(eva, packets_of(tenants, kind, eva, srv2)):
        undisturbed(vic)


# Costly calls of a tenant.  --------------------------------------------------

MANY = 1000


@pytest.fixture(name="large", scope="module")
def _large(lab):
    """Many ports of a network, on no host, and a group of all of them."""
    world = World(lab)
    world.put("networks", "wide", subnets=[{"cidr": "10.64.0.0/16"}])
    lab.vmnd.api.apply([
        {"type": "ports", "name": "wide%d" % i, "spec": {
            "network": "wide", "labels": {"wide": "yes", "n": str(i)}}}
        for i in range(MANY)])
    world.group("wide", "wide=yes")
    yield world
    world.api.delete("networks/wide", cascade="true")
    world.made.remove(("networks", "wide"))
    world.close()


POLICY = {"applies_to": ["wide"], "rules": [
    rule("ingress", "allow", ["wide"], [entry("tcp", 80)])]}
CALLS = {
    "plan of a policy": ("PUT", "policies/wide?dry_run=plan",
                         {"spec": POLICY}),
    "plan of ports": ("POST", "apply?dry_run=plan", {"objects": [
        {"type": "ports", "name": "wide%d" % i, "spec": {
            "network": "wide", "labels": {"wide": "no"}}}
        for i in range(MANY)]}),
    "what a policy would allow": (
        "POST", "reachability?service=tcp/80", {"after": [
            {"type": "policies", "name": "wide", "spec": POLICY}]}),
    "a quota, which is counted": ("PUT", "quotas/wide", {"spec": {
        "scope": "wide=yes"}}),
}


@pytest.mark.parametrize("call", CALLS)
def test_hold_the_loop_by_a_costly_call(lab, large, call):
    """The loop goes on before the call is answered, unless that is at once."""
    method, target, body = CALLS[call]
    api, n = lab.vmnd.api, 0
    outcome = []
    caller = threading.Thread(target=lambda: outcome.append(
        api.call(method, "/v1/" + target, body)))
    start = time.monotonic()
    caller.start()
    slowest = 0.0
    while caller.is_alive():
        asked = time.monotonic()
        assert api.raw("GET", "/healthz")[0] == 200
        slowest = max(slowest, time.monotonic() - asked)
        n += caller.is_alive()
    seconds = time.monotonic() - start
    print("%s: %.2f s, %d others answered, the slowest after %.0f ms"
          % (call, seconds, n, 1000 * slowest))
    assert outcome
    assert n or seconds < 1


# Live traces and probes of a tenant.  ----------------------------------------

class Repeat(threading.Thread):
    """Does the same again and again until it is stopped."""

    def __init__(self, what):
        super().__init__(daemon=True)
        self.what = what
        self.stopped = False
        self.results = []
        self.start()

    def run(self):
        while not self.stopped:
            self.results.append(self.what())

    def stop(self):
        self.stopped = True
        self.join()
        return self.results


def test_begin_live_traces_without_end(lab, tenants):
    """Most are refused, and what the others have the switch do reaches no
    other tenant's guest."""
    tenant = make_tenant(lab, "tracer", scope="t=a")
    body = {"from": "eve", "to": "srv1", "protocol": "udp", "port": 53,
            "timeout": 10}
    tracers = [Repeat(lambda: tenant.call("POST", "live-trace", body)[0])
               for _ in range(2)]
    try:
        wait_for("traces, and refusals", lambda: {200, 429} <= {
            status for t in tracers for status in t.results}, 30)
        undisturbed(tenants.vms["vic"])
    finally:
        found = [status for t in tracers for status in t.stop()]
        lab.vmnd.api.delete("accounts/tracer", cascade="true")
    print("%d traces, %d refused" % (found.count(200), found.count(429)))
    assert set(found) <= {200, 429, 503}
    assert found.count(429) > found.count(200)
    wait_for("no flows of traces", lambda: "cookie=0x766d6e74" not in
             lab.host("h1").ofctl("dump-flows", "br-int"), 30)


# Of one tenant.  vmnd sends 25 probes of apps' targets a second to a host.
FUNCTIONS = 12


def echoes(seen):
    """How many pings are among the frames."""
    return sum(frame[12:14] == b"\x08\0" and frame[23] == 1
               and frame[34] == 8 for frame in seen.read())


def test_have_functions_of_chains_probed_as_often_as_possible(lab, tenants):
    """A function of another tenant on that host is probed as it says."""
    world = World(lab)
    vic = tenants.vms["vic"]
    try:
        world.put("routers", "vr", interfaces=[{"network": "n3"}])
        functions = [world.vm("f%d" % i, "n1", "h1", "10.0.1.%d" % (40 + i),
                              labels={"t": "a"}) for i in range(FUNCTIONS)]
        spec = {"health": "ping", "health_interval_ms": 200}
        world.put("chains", "greedy", network="n1", labels={"t": "a"},
                  sources="r=eve", destinations="r=srv", hops=[
                      dict(spec, name="h0", functions=[
                          {"in": "f%d" % i} for i in range(FUNCTIONS)])])
        world.put("chains", "modest", network="n3", labels={"t": "b"},
                  sources="r=none", destinations="r=other", hops=[
                      dict(spec, name="h0", health_interval_ms=1000,
                           functions=[{"in": "vic"}])])
        with frames.Capture(vic.ns) as seen, \
                frames.Capture(functions[0].ns) as first:
            wait_for("its function to be probed", lambda: echoes(seen) >= 10,
                     120)
            modest, greedy = echoes(seen), echoes(first)
        print("%d probes of the one, %d of a greedy function" % (
            modest, greedy))
        # Asked for five times as often.
        assert greedy < 5 * modest * 0.7
        wait_for("its function to be up", lambda: not world.api.get(
            "chains/modest")["status"]["down"], 60)
    finally:
        world.close()


# The outside address of a gateway.  ------------------------------------------

OURS, FAR = "198.51.100.10", "198.51.100.50"


def from_outside(kind, mac, far):
    """What a machine on the physical network sends to a router's address."""
    if kind == "ping":
        echo = struct.pack("!BBHHH", 8, 0, 0, 1, 1) + bytes(18)
        echo = echo[:2] + struct.pack("!H", checksum(echo)) + echo[4:]
        return [frames.ipv4(mac, far.mac, FAR, OURS, 1, echo)]
    if kind == "syn":
        ends = socket.inet_aton(FAR) + socket.inet_aton(OURS)
        found = []
        for port in range(1024, 9024):
            head = struct.pack("!HHLLBBHHH", port, 80, 1, 0, 5 << 4, 2, 65535,
                               0, 0)
            total = checksum(ends + struct.pack("!HH", 6, len(head)) + head)
            found.append(frames.ipv4(
                mac, far.mac, FAR, OURS, 6,
                head[:16] + struct.pack("!H", total) + head[18:]))
        return found
    if kind == "arp":
        return [frames.arp_question(far.mac, FAR, OURS)]
    return [frames.arp_question(far.mac, "198.51.%d.%d" % (100 + i // 256,
                                                           i % 256), OURS)
            for i in range(8192)]


@pytest.fixture(name="far", scope="module")
def _far(tenants):
    """A machine outside of the gateway of tenant a."""
    tenants.provider_hosts_are("h1")
    tenants.put("networks", "out", provider={"physical": "dc"}, subnets=[
        {"cidr": "198.51.0.0/16", "gateway": "198.51.100.1"}])
    tenants.patch("routers", "r", external={
        "network": "out", "addresses": [OURS], "gateways": [{"host": "h1"}]})
    far = tenants.outside("far", FAR + "/16", udp=[53])
    yield far
    tenants.patch("routers", "r", external=None)


@pytest.mark.parametrize("kind", ["ping", "syn", "arp", "arp of many"])
def test_flood_the_outside_address_of_a_gateway(lab, tenants, far, kind):
    """It costs another tenant's guest no answer, and the tenant that has the
    address none of its connections; conntrack and what the switch learns of
    neighbours stay as they are, or within a limit."""
    host = lab.host("h1")
    eve, vic = tenants.vms["eve"], tenants.vms["vic"]
    mac = tenants.api.get("routers/r")["status"]["mac"]
    assert tenants.answers(eve, FAR, 53, "udp") == "far"
    with Flood(far, from_outside(kind, mac, far)) as flood:
        undisturbed(vic)
        assert tenants.answers(eve, FAR, 53, "udp") == "far"
        sent = flood.sent.value
    tracked = sum("dst=%s," % OURS in line and "src=%s,dst=%s," % (FAR, OURS)
                  in line.split("reply=")[0] for line in host.appctl(
                      "dpctl/dump-conntrack").splitlines())
    learned = len(host.ofctl("dump-flows", "br-int",
                             "table=250").splitlines())
    print("%s: %d sent, %d connections, %d neighbours" % (
        kind, sent, tracked, learned))
    assert tracked < 100
    assert learned <= 2 * 4096 + 2
