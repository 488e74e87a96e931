# SPDX-License-Identifier: Apache-2.0
"""Random changes under open connections of each kind: afterwards each either
works or was visibly ended, unless a policy denies it, and none works that a
trace no longer delivers.  VMN_TEST_SEQUENCES is how many sequences there are,
from number VMN_TEST_FIRST on; all of them follow from VMN_TEST_SEED.  A
sequence is of IPv4 or of IPv6."""

import collections
import errno
import itertools
import os
import socket
import time
from random import Random

import pytest
from conftest import WAIT, entry, rule, wait_quiet

from vmnlab import traffic
from vmnlab.api import Refused
from vmnlab.netns import PATIENCE, wait_for

SEQUENCES = int(os.environ.get("VMN_TEST_SEQUENCES", "20"))
FIRST = int(os.environ.get("VMN_TEST_FIRST", "0"))
SEED = int(os.environ.get("VMN_TEST_SEED", "54"))
N_CHANGES = 4                   # In a sequence, at most.
# How long a connection may need to work again, or to end.
PATIENT_S = 6

Addresses = collections.namedtuple(
    "Addresses", "gateway ours other floating floating_vip vip client servers "
    "moved front bits")
ADDRESSES = (
    Addresses("198.51.100.1", "198.51.100.10", "198.51.100.11",
              "198.51.100.22", "198.51.100.30", "10.0.1.100", "10.0.1.10",
              "10.0.2.1%d", "10.0.2.2%d", "10.0.1.0/24", 32),
    Addresses("fd51::1", "fd51::10", "fd51::11", "fd51::22", "fd51::30",
              "fd01::100", "fd01::10", "fd02::1%d", "fd02::2%d", "fd01::/64",
              128))
SERVERS = ["s1", "s2", "s3"]
PLACES = {"client": "h1", "s1": "h1", "s2": "h2", "s3": "h3"}
NETWORKS = ["front", "back"]
# Of a server alone; of the balancer; of the port forward.
PORT, VIP_PORT, FORWARD_PORT = 80, 8000, 8080
# ip(7), ipv6(7).
RECVERR = (socket.IPPROTO_IP, 11), (socket.IPPROTO_IPV6, 25)
# Reasons for which nothing comes back, the last one if the server was the
# first to send after the change (docs/api.md, "Open connections").
GONE = "an address is gone"
DENIED = {"denied by rule", "isolated"}
REJECTED = "rejected by rule"
SILENT = DENIED | {"quarantined", GONE, "no such service at external address"}
# No server is there, so probes of it fail.
CLOSED_PORT = 9
# Changed, and never deleted.
PATCHED = "hosts", "networks"
# The link of a VM, whose host is no field of an object here.  No change of it,
# or of the former, ends a connection.
PLACE = "place"
PROVIDER = {"provider_bridges": [{"physical": "dc", "bridge": "br-ex"}]}

# From whom, to which address and port, and the object that has the address.
Kind = collections.namedtuple("Kind", "source ip port owner")


def kinds(a):
    return {
        "a routed VM": Kind("client", a.servers % 1, PORT, ("ports", "s1")),
        "a VM on another host": Kind("client", a.servers % 3, PORT,
                                     ("ports", "s3")),
        "a virtual IP": Kind("client", a.vip, VIP_PORT, ("loadbalancers",)),
        "a backend's own virtual IP": Kind("s1", a.vip, VIP_PORT,
                                           ("loadbalancers",)),
        "a floating address": Kind("gw", a.floating, PORT,
                                   ("floating-ips", "f")),
        "a floating address from inside": Kind("client", a.floating, PORT,
                                               ("floating-ips", "f")),
        "a port forward": Kind("gw", a.ours, FORWARD_PORT, ("routers", "r")),
        "a virtual IP's floating address": Kind(
            "gw", a.floating_vip, VIP_PORT, ("floating-ips", "fv")),
        "a machine outside": Kind("s2", a.gateway, PORT, None),
        "a machine outside, translated": Kind("client", a.gateway, PORT, None),
    }


@pytest.fixture
def town(world):
    """A client and three servers behind a router with a gateway on h1, and a
    machine outside."""
    v4, v6 = ADDRESSES
    world.provider_hosts_are("h1", "h2")
    world.put("networks", "out", provider={"physical": "dc"}, mtu=1500,
              subnets=[{"cidr": "198.51.100.0/24", "gateway": v4.gateway},
                       {"cidr": "fd51::/64", "gateway": v6.gateway}])
    for n, name in enumerate(NETWORKS, 1):
        world.put("networks", name, subnets=[
            {"cidr": "10.0.%d.0/24" % n, "gateway": "10.0.%d.1" % n},
            {"cidr": "fd0%d::/64" % n, "gateway": "fd0%d::1" % n}])
    vms = {"client": world.vm("client", "front", PLACES["client"],
                              [v4.client, v6.client])}
    for n, name in enumerate(SERVERS, 1):
        vms[name] = world.vm(name, "back", PLACES[name],
                             [a.servers % n for a in ADDRESSES],
                             tcp=[PORT], udp=[PORT], labels={"role": name})
        world.group(name, "role=" + name)
        # The guest that has an address keeps its routes with another one.
        vms[name].run("sysctl", "-qw",
                      "net.ipv4.conf.all.promote_secondaries=1")
    vms["gw"] = world.outside("gw", v4.gateway + "/24", v6.gateway + "/64",
                              tcp=[PORT], udp=[PORT])
    for vm in world.lab.vms.values():
        vm.await_addresses()
    town = Town(world, vms)
    town.begin(v4)
    wait_for("a gateway", lambda: world.api.get("routers/r")["status"].get(
        "gateway"), 30)
    yield town
    town.apply({key: None for key in town.objects
                if key[0] not in PATCHED + (PLACE, "routers", "ports")})


def router(addresses, *forwards):
    """'forwards' are (protocol, server)."""
    return {"interfaces": [{"network": "front"}, {"network": "back"}],
            "external": {"network": "out", "addresses": list(addresses),
                         "gateways": [{"host": "h1"}], "forwards": [
                             {"protocol": protocol, "port": FORWARD_PORT,
                              "to": server, "target": PORT}
                             for protocol, server in forwards]}}


def balancer(town, protocol, *servers, **more):
    return dict({"vip": town.a.vip, "networks": ["front", "back"],
                 "protocol": protocol,
                 "drain_seconds": 1,
                 "ports": [{"port": VIP_PORT, "target": PORT}],
                 "backends": [{"port": s} for s in servers]}, **more)


def fails(balancer):
    return balancer.get("health", {}).get("port") == CLOSED_PORT


def server(town, name, moved=False, **more):
    n = SERVERS.index(name) + 1
    other = ADDRESSES[town.a is ADDRESSES[0]]
    return dict({"network": "back", "labels": {"role": name},
                 "ips": [(town.a.moved if moved else town.a.servers) % n,
                         other.servers % n]}, **more)


def floating(town, name):
    return {"router": "r", "ip": town.a.floating, "port": name}


def floating_vip(town, name):
    return {"router": "r", "ip": town.a.floating_vip, "load_balancer": name}


class Town:
    """'objects' is (type, name) -> spec, or None: it is not there.  The
    protocol of a balancer's connections is the end of its name."""

    def __init__(self, world, vms):
        self.world, self.vms = world, vms
        self.objects = {}

    def begin(self, a):
        """All objects become as each sequence begins, with these addresses.
        Conntrack does not know the end of connections that were cut, and would
        drop a new one from the same port (docs/pipeline.md, "Known limits").
        """
        self.world.lab.ask_switches("dpctl/flush-conntrack")
        self.a = a
        self.kinds = kinds(a)
        self.apply({
            **{key: None for key, spec in self.objects.items() if spec},
            ("routers", "r"): router([a.ours], ("tcp", "s1"), ("udp", "s1")),
            **{("ports", name): server(self, name) for name in SERVERS},
            ("loadbalancers", "lb-tcp"): balancer(self, "tcp", "s1", "s2"),
            ("loadbalancers", "lb-udp"): balancer(self, "udp", "s1", "s2"),
            ("floating-ips", "f"): floating(self, "s2"),
            ("floating-ips", "fv"): floating_vip(self, "lb-tcp"),
            ("hosts", "h2"): PROVIDER,
            **{("networks", name): {"mtu": None} for name in NETWORKS},
            **{(PLACE, name): host for name, host in PLACES.items()},
        })

    def apply(self, changes, how=None):
        """Applies 'changes', those of objects in one transaction."""
        self.world.made += [key for key in changes
                            if key not in self.world.made
                            and key[0] not in PATCHED + (PLACE,)]
        changes = {key: spec for key, spec in changes.items()
                   if spec != self.objects.get(key)}
        moves = {name: spec for (kind, name), spec in changes.items()
                 if kind == PLACE and self.vms[name].host != spec}
        objects = [dict({"type": kind, "name": name}, **(
            {"op": "delete"} if not spec else
            {"op": "patch", "spec": spec} if kind in PATCHED else
            {"spec": spec})) for (kind, name), spec in changes.items()
            if kind != PLACE]
        if objects or moves:
            (how or at_once)(self, objects, moves)
            self.world.lab.await_ports(moves)
            self.world.settle()
        for (kind, name), spec in changes.items():
            if kind == "ports" and self.objects.get((kind, name)):
                self.renumber(name, self.objects[kind, name]["ips"],
                              spec["ips"])
        self.objects.update(changes)

    def renumber(self, name, old, new):
        """A guest gets its new addresses."""
        for verb, ips in (("add", set(new) - set(old)),
                          ("del", set(old) - set(new))):
            for ip in ips:
                self.vms[name].run("ip", "addr", verb, *(
                    [ip + "/64"] + ["nodad"] * (verb == "add")
                    if ":" in ip else [ip + "/24"]),
                    "dev", "eth0")

    def trace(self, kind, protocol):
        """Returns the servers to which new connections are delivered, and the
        reasons why others are not."""
        source, ip, port, owner = self.kinds[kind]
        if self.is_gone(source, ip, owner):
            return set(), {GONE}
        if owner and not self.owner(owner, protocol):
            # The error that ends a connection reaches no client that is in
            # quarantine.
            return set(), ({"quarantined"} if self.is_quarantined(source)
                           else set())
        to, reasons = self.outcomes(ip, protocol, port, **(
            {"from": source} if source != "gw" else
            {"from": "outside", "source_ip": self.a.gateway}))
        if any(name.startswith("@") for name in to):
            # It leaves by the physical network.
            if ip == self.a.gateway:
                return {"gw"}, reasons
            address, = self.objects["routers", "r"]["external"]["addresses"]
            to, reasons = self.outcomes(ip, protocol, port, source_ip=address,
                                        **{"from": "outside"})
        return to, reasons

    def is_quarantined(self, name):
        port = self.objects.get(("ports", name)) or {}
        return port.get("quarantined") or self.objects.get(
            ("quarantines", "q")) == {"selector": "role=" + name}

    def is_gone(self, source, ip, owner):
        """Whether the client's address is gone, or that of the other side."""
        for key in (("ports", source), owner):
            spec = self.objects.get(key)
            address = (self.a.servers % (1 + SERVERS.index(source))
                       if key == ("ports", source) and spec else ip)
            if key in self.objects and address not in str(spec):
                return True
        return False

    def outcomes(self, ip, protocol, port, **sender):
        found = self.world.api.call("POST", "/v1/trace", dict(
            sender, to=ip, protocol=protocol, port=port, reply=True))
        to = {o["at"]["port"] for o in found["outcomes"]
              if o["verdict"] == "delivered"}
        return to, {o["at"].get("reason") for o in found["outcomes"]
                    if o["verdict"] != "delivered"}

    def balancer(self, protocol):
        """Returns the name of that of a protocol, or None."""
        for (kind, name), spec in self.objects.items():
            if kind == "loadbalancers" and spec and name.endswith(protocol):
                return name
        return None

    def owner(self, key, protocol):
        """Returns the spec of what has an address, or None."""
        if key == ("loadbalancers",):
            key = "loadbalancers", self.balancer(protocol)
        return self.objects.get(key)

    def only_open(self, kind, protocol, name):
        """Whether a balancer leaves a backend its open connections alone."""
        spec = self.owner(self.kinds[kind].owner, protocol) or {}
        if "load_balancer" in spec:
            spec = self.objects["loadbalancers", spec["load_balancer"]]
        return any(b["port"] == name and (
            b.get("weight") == 0 or b.get("standby")
            or (fails(spec) and spec["when_down"] == "keep"))
            for b in spec.get("backends", []))

    def await_probes(self):
        """Waits until backends that fail their probes are down."""
        for (kind, name), spec in self.objects.items():
            if kind == "loadbalancers" and spec and fails(spec):
                wait_for("%s's backends to be down" % name, lambda n=name: all(
                    b["state"] != "serving" for b in self.world.api.get(
                        "loadbalancers/" + n)["status"]["backends"]), 60)

    def is_disabled(self, name):
        spec = self.objects.get(("ports", name)) or {}
        return not spec.get("enabled", True)

    def keeps(self, name):
        """Whether rules that let connections in to a server keep them."""
        policy = self.objects.get(("policies", "p")) or {}
        return (policy.get("on_change") == "keep"
                and name in policy["applies_to"])


class Held:
    """An open connection of a kind, with whom it is."""

    def __init__(self, town, kind, protocol):
        self.town, self.kind, self.protocol = town, kind, protocol
        source, ip, port, _ = town.kinds[kind]
        self.link = traffic.Connection(town.vms[source], ip, port, protocol)
        self.link.sock.setblocking(False)
        self.has_ended = False
        if protocol == "udp":
            # By default "host unreachable" is none of its matter.
            self.link.sock.setsockopt(*RECVERR[":" in ip], 1)
        self.server = wait_for("an answer of %s" % self,
                               lambda: ask([self])[self], 20)
        self.is_kept = town.keeps(self.server)

    def attempt(self, function, text):
        try:
            return function(text)
        except OSError:
            self.has_ended = True
            return None

    def send(self, text):
        try:
            self.link.sock.send(text + b"\n")
        except BlockingIOError:
            pass                # All that fits is on its way.

    def receive(self, text):
        """Returns who has answered 'text', or None."""
        try:
            data = self.link.sock.recv(65536)
        except BlockingIOError:
            return None
        if not data:
            raise ConnectionResetError(errno.ECONNRESET, "ended")
        for line in data.split(b"\n"):
            if line.endswith(text):
                return line.split()[0].decode()
        return None

    def judge(self, who, changed):
        """Returns what is wrong if 'who' answers: a server, "" if the
        connection has ended, None.  'changed' are the objects that have."""
        to, reasons = self.town.trace(self.kind, self.protocol)
        if self.is_kept and reasons and reasons <= DENIED | {REJECTED}:
            # By the mode under which it was opened.
            if who == self.server:
                return None
            if changed <= {("policies", "p")}:
                return "%s answers, and %s was kept" % (who, self.server)
        ends = any(key[0] not in PATCHED + (PLACE,) for key in changed)
        if who in to or who == "" and ends:
            return None
        if who and self.town.only_open(self.kind, self.protocol, who):
            return None
        if not who and self.server not in to and (reasons & SILENT
                                                  or self.is_off()
                                                  or self.is_denied()
                                                  or self.has_left(changed)):
            return None
        return "%s; it was with %s, a new one is with %s, but %s" % (
            "%s answers" % who if who else "is silent" if who is None else
            "has ended", self.server,
            sorted(to) or "nobody", sorted(reasons))

    def is_off(self):
        """Whether a disabled port ends it, of which only clients of balancers
        are notified."""
        source = self.town.kinds[self.kind].source
        return (self.town.is_disabled(source) or self.town.is_disabled(
            self.server) and "virtual IP" not in self.kind)

    def has_left(self, changed):
        """Whether the balancer is gone and the client has moved to a host that
        does not have its connection."""
        source, _, _, owner = self.town.kinds[self.kind]
        return (owner == ("loadbalancers",) and (PLACE, source) in changed
                and not self.town.owner(owner, self.protocol))

    def is_denied(self):
        """Whether a policy denies the client its server, to which an open
        connection by way of a balancer goes on."""
        source, ip, _, _ = self.town.kinds[self.kind]
        spec = self.town.objects["ports", self.server]
        if source == "gw" or "virtual IP" not in self.kind:
            return False
        address = next(i for i in spec["ips"] if (":" in i) == (":" in ip))
        return bool(SILENT & self.town.outcomes(
            address, self.protocol, PORT, **{"from": source})[1])

    def __str__(self):
        return "%s, %s" % (self.kind, self.protocol)


def ask(held):
    """Asks by all, and returns {connection: who answers}; without an answer
    "" if it has ended some time (UDP is notified once), otherwise None."""
    end = time.monotonic() + 0.5 * PATIENCE
    text = b"%.6f" % end
    found = {}
    left = set(held)
    for one in held:
        one.attempt(one.send, text)
    while left and time.monotonic() < end:
        time.sleep(0.005)
        for one in left:
            found[one] = one.attempt(one.receive, text)
        left = {one for one in left if not (found[one] or one.has_ended)}
    return {one: found.get(one) or ("" if one.has_ended else None)
            for one in held}


# How a change is made.  ------------------------------------------------------

def make(town, objects, moves, **wait):
    for name, host in moves.items():
        town.vms[name].move(town.world.lab.host(host))
    if objects:
        town.world.api.apply(objects, **wait)


def at_once(town, objects, moves):
    make(town, objects, moves, wait="installed", timeout=WAIT)


def killed(town, objects, moves):
    """vmnd ends as soon as it has replied, and starts again."""
    make(town, objects, moves)
    town.world.lab.vmnd.kill()
    town.world.lab.vmnd.start()
    town.world.lab.await_synced(seconds=60)


def away(town, objects, moves):
    """The gateway's host is cut off from vmnd meanwhile."""
    host = town.world.lab.host("h1")
    host.cut()
    try:
        make(town, objects, moves)
    finally:
        host.heal()
    town.world.lab.await_synced(seconds=60)


# Changes.  -----------------------------------------------------------------

def some(random, least=0):
    return random.sample(SERVERS, random.randint(least, len(SERVERS)))


def change_balancer(random, town):
    protocol = random.choice(["tcp", "udp"])
    name = town.balancer(protocol) or "lb-" + protocol
    spec = balancer(town, protocol, *some(random, 1))
    spec.update(random.choice([
        {}, {"affinity": {"seconds": 60}}, {"when_down": "cut"},
        {"networks": ["back", "front"]}, {"client_limit": {"rate": 100000}},
        {"drain_seconds": 0}, {"health": {"type": "tcp", "port": PORT}},
        *({"when_down": when, "health": {
            "type": "tcp", "port": CLOSED_PORT, "interval_ms": 200,
            "timeout_ms": 200}} for when in ("keep", "cut"))]))
    for backend in spec["backends"][1:]:
        backend.update(random.choice([{}, {}, {"weight": 0}, {"weight": 7},
                                      {"drain": True}, {"standby": True}]))
    return {("loadbalancers", name): spec}


def change_balancer_gone(random, town):
    """With its floating address, if it has one."""
    protocol = random.choice(["tcp", "udp"])
    name = town.balancer(protocol)
    changes = {("loadbalancers", name): None} if name else {}
    if protocol == "tcp":
        changes["floating-ips", "fv"] = None
    return changes


def change_balancer_name(random, town):
    protocol = random.choice(["tcp", "udp"])
    name = town.balancer(protocol)
    if not name:
        return {}
    other = ("lb-" if name.startswith("bl-") else "bl-") + protocol
    changes = {("loadbalancers", name): None,
               ("loadbalancers", other): town.objects["loadbalancers", name]}
    if protocol == "tcp" and town.objects["floating-ips", "fv"]:
        changes["floating-ips", "fv"] = floating_vip(town, other)
    return changes


def change_floating(random, town):
    return {("floating-ips", "f"): random.choice([None] + [
        floating(town, name) for name in SERVERS])}


def change_floating_vip(random, town):
    name = town.balancer("tcp")
    return {("floating-ips", "fv"): random.choice(
        [None, floating_vip(town, name)]) if name else None}


def change_router(random, town):
    return {("routers", "r"): router(
        [random.choice([town.a.ours, town.a.ours, town.a.other])],
        *((protocol, random.choice(SERVERS)) for protocol in random.sample(
            ["tcp", "udp"], random.randint(0, 2))))}


def change_policy(random, town):
    rules = [rule("ingress", random.choice(["allow", "allow", "deny",
                                            "reject"]),
                  random.choice([[], [town.a.front], ["s1"], [
                      "%s/%d" % (town.a.gateway, town.a.bits)]]),
                  random.choice([[], [entry("tcp", PORT)],
                                 [entry("udp", PORT)]]))
             for _ in range(random.randint(1, 3))]
    return {("policies", "p"): random.choice([None, {
        "applies_to": some(random, 1), "rules": rules,
        "on_change": random.choice(["recheck", "keep"])}])}


def change_quarantine(random, town):
    return {("quarantines", "q"): random.choice([
        None, {"selector": "role=" + random.choice(SERVERS)}])}


def change_port(random, town):
    name = random.choice(SERVERS)
    return {("ports", name): server(
        town, name, random.random() < 0.5,
        **random.choice([{}, {}, {"quarantined": True},
                         {"enabled": False}]))}


def change_place(random, town):
    """A VM continues on another host."""
    return {(PLACE, random.choice(sorted(PLACES))): random.choice(
        ["h1", "h2", "h3"])}


def change_distribution(random, town):
    """Floating addresses of VMs on h2 are there, or at the gateway."""
    return {("hosts", "h2"): random.choice([
        PROVIDER, {"provider_bridges": None}])}


def change_mtu(random, town):
    return {("networks", random.choice(NETWORKS)): {
        "mtu": random.choice([None, 1280, 1400])}}


CHANGES = [change_balancer, change_balancer, change_balancer,
           change_balancer_gone, change_balancer_name, change_floating,
           change_floating_vip, change_router, change_policy, change_policy,
           change_quarantine, change_port, change_place, change_place,
           change_distribution, change_mtu]
HOW = 4 * [at_once] + [killed, away]


def hold(town):
    """Opens connections of all kinds that are delivered, by whichever of
    several backends."""
    wait_quiet(town.world.lab)
    town.world.revalidated()
    traced = {key: town.trace(*key) for key in itertools.product(
        town.kinds, ("tcp", "udp"))}
    return [Held(town, *key) for key, (to, reasons) in traced.items()
            if to and not reasons]


def run(random, town):
    """One sequence; returns what is wrong after it."""
    steps = []

    def step(change, how):
        changes = change(random, town)
        try:
            town.apply(changes, how)
            steps.append((how.__name__, changes))
        except Refused as refused:
            # Such as a rule that another one precludes.
            assert refused.status == 400, refused

    if random.random() < 0.5:
        step(change_policy, at_once)
    held = hold(town)
    n = len(steps)
    for _ in range(random.randint(1, N_CHANGES)):
        step(random.choice(CHANGES), random.choice(HOW))
    changed = {key for _, changes in steps[n:] for key in changes}
    town.await_probes()
    end = time.monotonic() + PATIENT_S * PATIENCE
    while True:
        wrong = {str(one): found for one, who in ask(held).items()
                 if (found := one.judge(who, changed))}
        if not wrong or time.monotonic() > end:
            break
    for one in held:
        one.link.close()
    return [steps, wrong] if wrong else None


def test_connections_work_or_end_after_random_changes(town):
    failed = []
    for number in range(FIRST, FIRST + SEQUENCES):
        town.begin(ADDRESSES[number % 2])
        found = run(Random(SEED * 1000 + number), town)
        if found:
            print("sequence %d: %s" % (number, found))
            failed.append(found)
    assert not failed


@pytest.mark.parametrize("a", ADDRESSES, ids=["ipv4", "ipv6"])
def test_floating_address_of_the_gateway_host_beside_virtual_ips(town, a):
    """A datapath passes a packet through conntrack a few times only."""
    town.begin(a)
    udp = dict(balancer(town, "udp", "s1"), vip=a.vip[:-1] + "1")
    town.apply({("loadbalancers", "other-udp"): udp,
                ("floating-ips", "fu"): dict(floating_vip(town, "other-udp"),
                                             ip=a.floating_vip[:-1] + "1"),
                ("floating-ips", "f"): floating(town, "s1"),
                ("policies", "p"): {"applies_to": SERVERS, "rules": [
                    rule("ingress", "allow", [], [])]}})
    for protocol in ("tcp", "udp"):
        assert town.trace("a floating address from inside", protocol)[0]
        wait_for(protocol, lambda p=protocol: traffic.ask(
            town.vms["client"], a.floating, PORT, p, 2.0) == "s1", 20)
    town.apply({("floating-ips", "fu"): None,
                ("loadbalancers", "other-udp"): None})


@pytest.mark.parametrize("a", ADDRESSES, ids=["ipv4", "ipv6"])
def test_rejections_reach_clients_of_all_kinds(town, a):
    """A policy's rejection ends connections through NAT visibly, too."""
    town.begin(a)
    held = [one for one in hold(town)
            if town.kinds[one.kind].owner
            and one.server != town.kinds[one.kind].source]
    town.apply({("policies", "p"): {"applies_to": SERVERS, "rules": [
        rule("ingress", "reject", [], [])]}})
    town.world.revalidated()
    wait_for("an end of each", lambda: not [
        str(one) for one, who in ask(held).items() if who != ""], 20)
    for one in held:
        one.link.close()


def all_continue(held):
    """Waits until the same server answers each."""
    def others():
        return {str(one): who for one, who in ask(held).items()
                if who != one.server}

    wait_for("the same server of each", lambda: not others(), 20)
    for one in held:
        one.link.close()


@pytest.mark.parametrize("a", ADDRESSES, ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("after", ["recheck", "keep", None])
def test_kept_connections_of_all_kinds_continue(town, a, after):
    town.begin(a)

    def ingress(action, on_change):
        town.apply({("policies", "p"): {
            "applies_to": SERVERS, "on_change": on_change,
            "rules": [rule("ingress", action, [], [])]}})

    ingress("allow", "keep")
    held = [one for one in hold(town) if town.kinds[one.kind].owner]
    assert len(held) > 12
    ingress("reject", after or "keep")
    if not after:
        town.apply({("policies", "p"): {"applies_to": SERVERS}})
    town.world.revalidated()
    assert not [str(one) for one in held
                if town.kinds[one.kind].source != one.server
                and one.server in town.trace(one.kind, one.protocol)[0]]
    all_continue(held)


CONTINUE = {
    "mtu": {("networks", name): {"mtu": 1280} for name in NETWORKS},
    "servers on other hosts": {(PLACE, "s1"): "h2", (PLACE, "s3"): "h1"},
    "floating address on another host": {(PLACE, "s2"): "h3"},
    "floating address at the gateway": {
        ("hosts", "h2"): {"provider_bridges": None}},
    "client on another host": {(PLACE, "client"): "h2"},
}


@pytest.mark.parametrize("a", ADDRESSES, ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("what", sorted(CONTINUE))
def test_connections_continue_elsewhere(town, a, what):
    town.begin(a)
    held = hold(town)
    town.apply(CONTINUE[what])
    town.world.revalidated()
    all_continue(held)
