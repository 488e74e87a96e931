# SPDX-License-Identifier: Apache-2.0
"""Balancers in a routing domain: who reaches a virtual IP from where, who
stays with which backend while they come and go, and what clients are told when
nobody serves.  How they spread is test_loadbalancer's, probes are
test_health's."""

import collections
import itertools
import math
import os
import random
import re
import select
import socket
import time

import pytest
from conftest import SETTLE, WAIT, rule, wait_counted, wait_quiet

from vmnlab import frames, netns, traffic
from vmnlab.api import Refused
from vmnlab.netns import wait_for

VIPS = {"ipv4": "10.0.2.100", "ipv6": "fd00:2::100"}


@pytest.fixture(scope="module")
def town(module_lab):
    """Two networks that a router joins: clients in both, servers on all
    hosts."""
    from conftest import World, check_log
    world = World(module_lab)
    for n, name in ((1, "a"), (2, "b")):
        world.put("networks", name, subnets=[
            {"cidr": "10.0.%d.0/24" % n, "gateway": "10.0.%d.1" % n},
            {"cidr": "fd00:%d::/64" % n, "gateway": "fd00:%d::1" % n}])
    world.put("routers", "r", interfaces=[{"network": n} for n in "ab"])
    for name, net, n, host, number in (
            ("ca", "a", 1, "h1", 11), ("cb", "b", 2, "h2", 12),
            ("b1", "b", 2, "h1", 21), ("b2", "b", 2, "h2", 22),
            ("a3", "a", 1, "h3", 23)):
        server = name[1].isdigit()
        world.vm(name, net, host, ["10.0.%d.%d" % (n, number),
                                   "fd00:%d::%d" % (n, number)],
                 tcp=[8080, 8081] if server else [],
                 udp=[5353] if server else [],
                 labels={"role": "web"} if server else {})
    for vm in module_lab.vms.values():
        vm.await_addresses()
    yield world
    world.close()
    check_log(module_lab.vmnd)


@pytest.fixture(params=sorted(VIPS))
def vip(town, request):
    """Where the balancers of a test are, which go when it ends."""
    yield VIPS[request.param]
    for name in ("lb", "other", "sorry"):
        try:
            town.api.delete("loadbalancers/" + name, wait="installed")
        except Refused as refused:
            assert refused.status == 404


def balance(town, vip, name="lb", **spec):
    spec.setdefault("ports", [{"port": 80, "target": 8080}])
    spec.setdefault("networks", ["a", "b"])
    town.api.put("loadbalancers/" + name, dict(spec, vip=vip),
                 wait="installed", timeout=WAIT)


def spread(client, vip, n=40, port=80, protocol="tcp", seconds=5):
    """Who answers how often; None: nobody, within that time."""
    return collections.Counter(
        traffic.ask(client, vip, port, protocol, seconds) for _ in range(n))


def serve(client, vip, wanted, **more):
    wait_for("answers of %s" % wanted, lambda: set(
        spread(client, vip, **more)) == set(wanted), 20)


def refusal(client, vip, port=80, udp=False):
    """What a client is told at once; None: nothing."""
    with netns.socket_in(client.ns, traffic.family_of(vip),
                         socket.SOCK_DGRAM if udp
                         else socket.SOCK_STREAM) as sock:
        sock.settimeout(2.0)
        try:
            sock.connect((vip, port))
            sock.send(b"who\n")
            sock.recv(100)
        except socket.timeout:
            return None
        except OSError as error:
            return type(error)


def test_clients_of_both_networks_are_served_by_both(town, vip):
    ca, cb, b1 = (town.lab.vm(n) for n in ("ca", "cb", "b1"))
    balance(town, vip, selector="role=web")
    for client in (ca, cb, b1):     # The last one is a backend itself.
        serve(client, vip, ["a3", "b1", "b2"])
        held = traffic.Connection(client, vip, 80)
        assert held.exchange(seconds=20)
        held.close()
    # The client keeps its address, but where it is its own server.
    seen = traffic.Connection(ca, vip, 80)
    own = ca.ip6 if ":" in vip else ca.ip
    assert seen.exchange(seconds=20).split()[1] == own
    seen.close()
    for client in (ca, cb):
        assert wait_for("a pong", lambda c=client: traffic.ask(
            c, vip, 0, "icmp", 1), 30)


def test_policies_judge_the_backend_behind_a_router(town, vip):
    ca, cb = (town.lab.vm(n) for n in ("ca", "cb"))
    balance(town, vip, selector="role=web")
    serve(ca, vip, ["a3", "b1", "b2"])
    town.put("groups", "web", selector="role=web")
    town.put("groups", "near", ports=["cb"])
    town.policy("p", "web", rule("ingress", "allow", ["near"]))
    assert wait_for("it to be denied", lambda: traffic.ask(
        ca, vip, 80, "tcp", SETTLE) is None, 20)
    assert set(spread(cb, vip, seconds=20)) == {"a3", "b1", "b2"}
    town.delete("policies", "p")


def test_nobody_serves_and_the_client_is_told(town, vip):
    ca, cb = (town.lab.vm(n) for n in ("ca", "cb"))
    balance(town, vip, backends=[])
    balance(town, vip, name="other", protocol="udp",
            ports=[{"port": 53, "target": 5353}])
    for client in (ca, cb):
        for udp, port in ((False, 80), (True, 53)):
            wait_for("%s to be refused" % client.name, lambda c=client, u=udp,
                     p=port: refusal(c, vip, p, u) is ConnectionRefusedError,
                     30)
    # The other one serves instead.
    balance(town, vip.replace("100", "101"), name="sorry",
            ports=[{"port": 80, "target": 8081}], backends=[{"port": "a3"}])
    balance(town, vip, backends=[], fallback="sorry")
    serve(ca, vip, ["a3"])
    balance(town, vip, backends=[{"port": "b1"}], fallback="sorry")
    serve(ca, vip, ["b1"])


def hold(client, vip, n=12):
    """Connections by who serves them."""
    held = collections.defaultdict(list)
    for _ in range(n):
        one = traffic.Connection(client, vip, 80)
        held[(one.exchange(seconds=20) or "").split()[0]].append(one)
    return held


def ends(connection):
    """Whether the client is told that it is over."""
    def told():
        try:
            connection.sock.settimeout(0.5)
            connection.sock.send(b"x\n")
            return connection.sock.recv(100) == b""
        except socket.timeout:
            return False
        except ConnectionError:
            return True
    return wait_for("the end", told, 30)


def all_answer(held, names):
    """All at once, which takes no longer than the slowest."""
    for name in names:
        for one in held[name]:
            one.sock.send(b"hello\n")
    for name in names:
        for one in held[name]:
            assert (one.line(20) or "none").split()[0] == name


def told_of_what(town, vip):
    """Drops at a backend that is gone say what the client had connected
    to."""
    def sampled():
        drops = town.api.get("drops?reason=backend%20is%20gone")
        return [one for one in drops["samples"]
                if one.get("connection_dst") == {"ip": vip, "l4_port": 80}]
    one = wait_for("a sample", sampled, 30)[0]
    assert one["src"]["port"] == "ca" and one["dst"]["port"] == "b1"
    assert one["dst"]["l4_port"] == 8080


def test_connections_stay_or_are_cut_as_told(town, vip):
    ca, h1 = town.lab.vm("ca"), town.lab.host("h1")
    names = ["a3", "b1", "b2"]

    def backends(**more):
        return [dict({"port": n}, **more.get(n, {})) for n in names]
    balance(town, vip, backends=backends())
    serve(ca, vip, names)
    held = hold(ca, vip, 200)
    assert set(held) == set(names)

    def all_go_on(some):
        all_answer(held, some)

    # Another weight, none at all, a drain, a standby, another name.
    for change in ({"b1": {"weight": 7}}, {"b1": {"weight": 0}},
                   {"b1": {"drain": True}}, {"b1": {"standby": True}}):
        balance(town, vip, backends=backends(**change))
        all_go_on(names)
    serve(ca, vip, ["a3", "b2"])
    spec = town.api.get("loadbalancers/lb")["spec"]
    for name in ("lb", "other"):
        town.api.apply([{"type": "loadbalancers", "name": name, "spec": spec}],
                       prune="renamed", wait="installed", timeout=WAIT)
    all_go_on(names)
    town.lab.vmnd.kill()
    all_go_on(names)
    town.lab.vmnd.start()
    wait_quiet(town.lab)
    all_go_on(names)
    # The control link of the client's host.
    h1.cut()
    wait_for("h1 to be offline",
             lambda: town.lab.host_state(h1) == "offline")
    all_go_on(names)
    h1.heal()
    wait_quiet(town.lab)
    all_go_on(names)
    # One that is taken away is cut, and its clients are told.
    names.remove("b1")
    balance(town, vip, name="other", backends=backends())
    assert all(ends(one) for one in held["b1"])     # And none hangs.
    told_of_what(town, vip)
    all_go_on(names)
    for some in held.values():
        for one in some:
            one.close()


def test_clients_of_a_deleted_balancer_are_reset(town, vip):
    """As docs/api.md says, also behind the router."""
    balance(town, vip, backends=[{"port": "b1"}])
    held = []
    for name in ("ca", "cb"):
        serve(town.lab.vm(name), vip, ["b1"])
        held += hold(town.lab.vm(name), vip, 1)["b1"]
    town.api.delete("loadbalancers/lb", wait="installed", timeout=WAIT)
    assert len(held) == 2
    for one in held:
        assert ends(one)
        one.close()


def test_connections_are_cut_by_their_own_balancer(town, vip):
    """Not those to the same port that another one keeps."""
    ca = town.lab.vm("ca")

    def probed(port, ms):
        balance(town, vip, backends=[{"port": "b1"}], when_down="cut",
                health={"type": "tcp", "port": port, "interval_ms": ms,
                        "timeout_ms": ms})
    # A host that gets no processor for a moment is not to cut anything.
    probed(8081, 1000)
    balance(town, vip, name="other", backends=[{"port": "b1"}],
            ports=[{"port": 81, "target": 8080}])
    serve(ca, vip, ["b1"])
    serve(ca, vip, ["b1"], port=81)
    held = hold(ca, vip, 2)["b1"]
    kept = traffic.Connection(ca, vip, 81)
    assert kept.exchange(seconds=20)
    probed(9999, 200)           # Where nobody listens.
    wait_for("it to be down", lambda: town.api.get("loadbalancers/lb")[
        "status"]["backends"][0]["state"] == "down", 20)
    wait_quiet(town.lab)
    assert all(ends(one) for one in held)
    assert kept.exchange(seconds=20)
    for one in [kept] + held:
        one.close()


def test_udp_client_gets_another_backend(town, vip):
    """It sends and sends, so conntrack would never forget where to."""
    ca = town.lab.vm("ca")

    def both(*names):
        balance(town, vip, protocol="udp",
                ports=[{"port": 53, "target": 5353}],
                backends=[{"port": n} for n in names])
    both("b1", "b2")
    serve(ca, vip, ["b1", "b2"], port=53, protocol="udp")
    held = traffic.Connection(ca, vip, 53, "udp")
    mine = wait_for("an answer", lambda: held.exchange(seconds=1.0)).split()[0]
    other, = {"b1", "b2"} - {mine}
    both(other)
    assert wait_for("the other", lambda: (held.exchange(seconds=0.2) or "")
                    .startswith(other), 30)
    held.close()


def test_clients_stay_with_their_backend(town, vip):
    ca, cb = (town.lab.vm(n) for n in ("ca", "cb"))
    balance(town, vip, backends=[{"port": "b1"}, {"port": "b2"}],
            affinity={"seconds": 600})
    mine = {}
    for client in (ca, cb):
        wait_for("an answer", lambda c=client: traffic.ask(c, vip, 80), 20)
        answered = spread(client, vip, seconds=20)
        assert len(answered) == 1, answered
        mine[client], = answered
    # Whoever else comes or goes.
    balance(town, vip, selector="role=web", affinity={"seconds": 600},
            backends=[{"port": "a3", "weight": 100}])
    for client in (ca, cb):
        assert set(spread(client, vip, seconds=20)) == {mine[client]}
    balance(town, vip, backends=[{"port": "a3"}], affinity={"seconds": 600})
    serve(ca, vip, ["a3"])


def test_clients_prefer_their_own_host(town, vip):
    ca, cb = (town.lab.vm(n) for n in ("ca", "cb"))
    balance(town, vip, selector="role=web", locality="prefer")
    serve(ca, vip, ["b1"])
    serve(cb, vip, ["b2"])
    balance(town, vip, backends=[{"port": "b1"}], locality="prefer")
    serve(cb, vip, ["b1"])
    balance(town, vip, backends=[{"port": "b1"}], locality="require")
    serve(ca, vip, ["b1"])
    wait_for("cb to be refused", lambda: refusal(cb, vip)
             is ConnectionRefusedError, 30)


def burst(client, vip, n, kind=socket.SOCK_STREAM, port=80):
    """Tries to open 'n' connections at once.  Returns how many were opened
    within a second, and how many seconds there were for that."""
    began, opened = time.monotonic(), 0
    udp = kind == socket.SOCK_DGRAM
    socks = [netns.socket_in(client.ns, traffic.family_of(vip), kind)
             for _ in range(n)]
    for sock in socks:
        sock.setblocking(False)
        sock.connect_ex((vip, port))
        if udp:
            sock.send(b"who\n")
    end = time.monotonic() + 1
    while socks and time.monotonic() < end:
        for some in select.select(socks if udp else [], [] if udp else socks,
                                  [], 0.1):
            for sock in some:
                assert not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                opened += 1
                socks.remove(sock)
                sock.close()
    for sock in socks:
        sock.close()
    return opened, time.monotonic() - began


def test_clients_open_no_more_than_they_may(town, vip):
    ca, b1 = (town.lab.vm(n) for n in ("ca", "b1"))     # On one host.
    services = {"lb": ("tcp", 80, 8080, socket.SOCK_STREAM),
                "other": ("udp", 53, 5353, socket.SOCK_DGRAM)}

    def limit(**more):
        for name, (protocol, port, target, _) in services.items():
            balance(town, vip, name=name, protocol=protocol,
                    ports=[{"port": port, "target": target}],
                    selector="role=web", **more)

    floods = collections.Counter()

    def some(name):
        """Whether ca may open some, and another client as many right after:
        of a bucket that both share, ca leaves none."""
        kind, port = services[name][3], services[name][1]
        floods[name] += 1
        n, seconds = burst(ca, vip, 60, kind, port)
        return 1 <= n <= 5 + seconds + 1 and burst(
            b1, vip, 5, kind, port)[0] == 5
    limit()
    # A datapath's cache may know for some time yet that nobody is there.
    wait_for("an answer", lambda: traffic.ask(ca, vip, 80), 20)
    held = traffic.Connection(ca, vip, 80)
    for rate, affinity in ((1, None), (2, {"seconds": 600})):
        limit(client_limit={"rate": rate, "burst": 5}, affinity=affinity)
        town.revalidated()
        for name in services:
            # A switch that gets no processor for that second opens none.  Both
            # clients may as many again some 5 s later.
            wait_for("some", lambda n=name: some(n), 40, step=6.0)
            # What is open goes on.
            assert held.exchange(seconds=20)
    # Each time some 55, of TCP perhaps once or twice more each.
    for name, n in floods.items():
        most = 190 if services[name][0] == "tcp" else 125
        wait_counted("counters of %s" % name, lambda name=name, n=n, most=most:
                     45 * n <= town.api.get("loadbalancers/" + name)["status"][
                         "limited"] <= most * n, 0.2)
    assert town.api.call("POST", "/v1/trace", {
        "from": "ca", "to": vip, "protocol": "tcp", "port": 80,
    })["verdict"] == "delivered"
    limit(client_limit={"rate": 100000})
    assert wait_for("all", lambda: burst(ca, vip, 60)[0] == 60)
    held.close()


def test_ranges_and_an_address_that_balancers_share(town, vip):
    ca = town.lab.vm("ca")
    balance(town, vip, ports=[{"port": 8080, "end_port": 8081}],
            backends=[{"port": "b1"}])
    balance(town, vip, name="other", protocol="udp",
            ports=[{"port": 53, "target": 5353}], backends=[{"port": "b2"}])
    serve(ca, vip, ["b1"], port=8080, n=5)
    serve(ca, vip, ["b1"], port=8081, n=5)
    serve(ca, vip, ["b2"], port=53, n=5, protocol="udp")
    assert town.unanswered(ca, vip, 8082)


# Spread.  ------------------------------------------------------------------

N_CLIENTS = 4096


@pytest.fixture(scope="module")
def many(town):
    """Fifty backends that are nothing but a port."""
    h3 = town.lab.host("h3")
    names = ["m%02d" % i for i in range(50)]
    town.api.apply([{"type": "ports", "name": name, "spec": {
        "network": "b", "ips": ["10.0.2.%d" % (150 + i)],
        "mac": "02:00:00:00:77:%02x" % i}} for i, name in enumerate(names)])
    h3.vsctl(*itertools.chain(*(
        ["--", "add-port", "br-int", name, "--", "set", "interface", name,
         "type=internal", "external_ids:iface-id=" + name]
        for name in names)))
    for name in names:
        netns.ip(h3.ns, "link set %s up" % name)
    wait_for("them to be bound", lambda: all(
        town.api.get("ports/" + name)["status"]["state"] == "up"
        for name in names), 30)
    yield names
    h3.vsctl(*itertools.chain(*(["--", "del-port", name] for name in names)))
    for name in names:
        town.api.delete("ports/" + name, cascade="true")


def opened(town, vip, seed):
    """Sends that many first packets, and returns how many each backend's
    address was given."""
    ca, h1 = town.lab.vm("ca"), town.lab.host("h1")
    rng = random.Random(seed)
    gateway = town.api.get("routers/r")["status"]["mac"]
    h1.deepen_sockets()
    pairs = rng.sample(range(1024 << 10), N_CLIENTS)
    for i in range(0, N_CLIENTS, 64):
        frames.send(ca, *(frames.udp(
            gateway, ca.mac, ca.ip, vip, 1024 + (pair >> 10),
            1024 + (pair & 1023), b"?") for pair in pairs[i:i + 64]))

    def lines(command):
        """What it prints of each group, by its number."""
        return {re.search(r"group_id=(\d+)", line).group(1): line
                for line in h1.ofctl(command, "br-int").splitlines()
                if "group_id=" in line}

    def count():
        found = collections.Counter()
        buckets = {group: re.findall(r"nat\(dst=([0-9.]+)", line)
                   for group, line in lines("dump-groups").items()}
        for group, line in lines("dump-group-stats").items():
            packets = re.findall(r"bucket\d+:packet_count=(\d+)", line)
            for ip, n in zip(buckets[group], packets):
                found[ip] += int(n)
        return found
    wait_for("most to be counted",
             lambda: sum(count().values()) >= N_CLIENTS * 0.9, 20)
    return count()


def slots_of(weights):
    """How many of 256 slots each has: what is left over goes to the largest
    remainders."""
    total = sum(weights)
    slots = [256 * weight // total for weight in weights]
    for i in sorted(range(len(weights)),
                    key=lambda i: -(256 * weights[i] % total))[
                        :256 - sum(slots)]:
        slots[i] += 1
    return slots


def hash_values(host):
    """How many hash values the cached flows of a host tell apart."""
    return {int(mask, 16) + 1 for mask in re.findall(
        r"dp_hash\(0x[0-9a-f]+/(0x[0-9a-f]*[1-9a-f][0-9a-f]*)\)",
        host.appctl("dpctl/dump-flows"))}


@pytest.mark.parametrize("n, heavier, n_values", [
    (3, 3, 256), (4, 0, 16), (5, 3, 256), (50, 3, 256)])
def test_connections_spread_by_weight(town, many, n, heavier, n_values):
    """Chi-square against the weights: what chance gives once in a million
    times is too much."""
    seed = int(os.environ.get("VMN_TEST_SEED") or time.time())
    print("seed", seed)
    weights = {name: 1 + (i % 4) * heavier for i, name in enumerate(many[:n])}
    balance(town, VIPS["ipv4"], protocol="udp",
            ports=[{"port": 1024, "end_port": 2047}],
            backends=[{"port": name, "weight": weight}
                      for name, weight in weights.items()])
    h1 = town.lab.host("h1")
    # What was cached of the balancer as it was before.
    town.revalidated()
    h1.appctl("revalidator/purge")
    try:
        found = opened(town, VIPS["ipv4"], seed)
        # Less than equal: what is idle is forgotten.
        assert hash_values(h1) <= {n_values}
    finally:
        town.api.delete("loadbalancers/lb", wait="installed")
    chi = 0.0
    for i, slots in enumerate(slots_of(list(weights.values()))):
        expected = sum(found.values()) * slots / 256
        chi += (found["10.0.2.%d" % (150 + i)] - expected) ** 2 / expected
    # The quantile of 0.999999, by Wilson and Hilferty.
    k = n - 1
    assert chi < k * (1 - 2 / (9 * k) + 4.753 * math.sqrt(2 / (9 * k))) ** 3
