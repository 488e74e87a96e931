# SPDX-License-Identifier: Apache-2.0
"""Rules that reject: what they drop is answered, by a reset or by an ICMP
error, wherever the sender is and whichever side rejects."""

import errno
import re
import socket
import subprocess
import time

import pytest
from conftest import entry, flows, held_back, rule, wait_counted

from vmnlab import frames, netns, traffic
from vmnlab.daemon import find
from vmnlab.frames import Capture
from vmnlab.netns import wait_for

REJECTED = 81
# What Linux makes of what is sent back (icmp_err_convert, tab_unreach).
UDP_ERRORS = {4: errno.EHOSTUNREACH, 6: errno.EACCES}
PORT_RATE = 100                 # vmnd's, unless it is told otherwise.


@pytest.fixture
def trio(world):
    """A client, a server beside it, and one on another host."""
    world.network("net", "10.0.0.0/24", "fd00::/64")
    vms = [world.vm(name, "net", host, ["10.0.0.%d" % i, "fd00::%d" % i],
                    tcp=[80, REJECTED], udp=[53, REJECTED],
                    labels={"role": role})
           for i, (name, host, role) in enumerate((
               ("cli", "h1", "cli"), ("near", "h1", "srv"),
               ("far", "h2", "srv")), 1)]
    for vm in vms:
        vm.await_addresses()
    world.group("cli", "role=cli")
    world.group("srv", "role=srv")
    return vms


def reject(world, direction, *services, **spec):
    """Rejects port 81 between clients and servers, on the side told."""
    own, other = ("srv", "cli") if direction == "ingress" else ("cli", "srv")
    world.policy("p", own, rule(direction, "reject", [other], services or [
        entry("tcp", REJECTED), entry("udp", REJECTED)]),
        rule(direction, "allow"), **spec)


def outcome(vm, ip, port, protocol):
    """What becomes of a question: the answer, an errno, or None if nothing
    comes."""
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    sock = netns.socket_in(vm.ns, traffic.family_of(ip), kind)
    sock.settimeout(2.0)
    try:
        sock.connect((ip, port))
        sock.send(b"who\n")
        return sock.recv(4096)
    except socket.timeout:
        return None
    except OSError as error:
        return error.errno
    finally:
        sock.close()


def becomes(vm, ip, port, protocol, wanted):
    """Waits for that outcome: a first packet may meet a former cache, or get
    lost."""
    seen = []

    def found():
        seen.append(outcome(vm, ip, port, protocol))
        return seen[-1] == wanted
    wait_for("%s of %s/%d at %s, not %s" % (wanted, protocol, port, ip, seen),
             found, 20)


@pytest.mark.parametrize("direction", ["ingress", "egress"])
@pytest.mark.parametrize("place", ["near", "far"])
def test_who_is_rejected_is_told(world, trio, direction, place):
    cli, near, far = trio
    srv = near if place == "near" else far
    reject(world, direction)
    for family, ip in ((4, srv.ip), (6, srv.ip6)):
        becomes(cli, ip, REJECTED, "tcp", errno.ECONNREFUSED)
        becomes(cli, ip, REJECTED, "udp", UDP_ERRORS[family])
        assert world.answers(cli, ip, 80) == srv.name
        assert world.answers(cli, ip, 53, "udp") == srv.name


@pytest.mark.parametrize("tier", ["emergency", "security", "baseline", "own"])
def test_every_tier_can_reject(world, trio, tier):
    cli, _, far = trio
    world.put("tiers", "own", position=7)
    reject(world, "ingress", tier=tier)
    becomes(cli, far.ip, REJECTED, "tcp", errno.ECONNREFUSED)
    assert world.reaches(cli, far, 80)


def test_policies_of_the_sender_do_not_hold_the_answer_back(world, trio):
    """Both sides let nothing in and reject: no answer is answered, either."""
    cli, near, far = trio
    world.policy("c", "cli", rule("ingress", "reject"), tier="security",
                 priority=1)
    reject(world, "ingress", tier="security")
    for srv in (near, far):
        becomes(cli, srv.ip, REJECTED, "tcp", errno.ECONNREFUSED)
        becomes(cli, srv.ip, REJECTED, "udp", errno.EHOSTUNREACH)
        becomes(srv, cli.ip, 80, "tcp", errno.ECONNREFUSED)
        becomes(srv, cli.ip, 53, "udp", errno.EHOSTUNREACH)


def test_a_ping_is_told(world, trio):
    """The error quotes what was sent, and is from whom that was for."""
    cli, near, far = trio
    reject(world, "ingress", entry("icmp"))
    for srv in (near, far):
        def told(srv=srv):
            traffic.ask(cli, srv.ip, 0, "icmp", 0.3)
            for frame in capture.read():
                found = frames.parse(frame)
                if (found.get("protocol") == 1
                        and found["payload"][:2] == b"\3\15"
                        and found["src_ip"] == srv.ip):
                    return found
            return None
        with Capture(cli.ns) as capture:
            found = wait_for("an error", told)
        assert found["src"] == srv.mac and found["dst"] == cli.mac
        assert frames.checksum(found["payload"]) == 0
        quoted = found["payload"][8:]
        assert quoted[9] == 1 and quoted[20] == 8
        assert socket.inet_ntoa(quoted[16:20]) == srv.ip


@pytest.mark.parametrize("place", ["near", "far"])
@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_an_open_connection_is_reset(world, trio, place, direction):
    """At both of its ends, as soon as they send something."""
    cli, near, far = trio
    srv = near if place == "near" else far
    listener = netns.socket_in(srv.ns)
    listener.bind((srv.ip, 9000))
    listener.listen(1)
    sock = netns.socket_in(cli.ns)
    sock.settimeout(10)
    sock.connect((srv.ip, 9000))
    other, _ = listener.accept()
    other.settimeout(10)
    try:
        sock.send(b"one")
        assert other.recv(10) == b"one"
        other.send(b"two")
        assert sock.recv(10) == b"two"
        reject(world, direction, entry("tcp"))
        for end in (sock, other):
            with pytest.raises((ConnectionResetError, BrokenPipeError)):
                while True:
                    end.send(b"x")
                    end.settimeout(0.3)
                    try:
                        end.recv(10)
                    except socket.timeout:
                        pass
    finally:
        for s in (sock, other, listener):
            s.close()


@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_behind_a_virtual_ip(world, trio, direction):
    """The reset is the virtual IP's, as any answer is."""
    cli, near, far = trio
    vip = "10.0.0.100"
    reject(world, direction)
    for srv in (near, far):
        for protocol, error in (("tcp", errno.ECONNREFUSED),
                                ("udp", errno.EHOSTUNREACH)):
            world.put("loadbalancers", "lb", vip=vip, networks=["net"],
                      protocol=protocol,
                      ports=[{"port": 8000, "target": REJECTED}],
                      backends=[{"port": srv.name}])
            becomes(cli, vip, 8000, protocol, error)


# What is counted and told.  --------------------------------------------------

def dropped(world):
    """{reason: packets} that the handler gave no answer to, and that were over
    a limit."""
    return {re.match(r'.*reason="(.*)"', name).group(1): n
            for name, n in world.api.metrics().items()
            if name.startswith('vmn_packet_ins_dropped_total{by="firewall')
            or name.startswith('vmn_packet_ins_dropped_total{by="vmn"')}


def test_drops_logs_and_traces_say_so(world, trio):
    cli, _, far = trio
    # With a name of its own: counters of other tests' policies go on.
    world.policy("told", "srv", dict(rule("ingress", "reject", ["cli"], [
        entry("tcp", REJECTED)]), log=True))
    becomes(cli, far.ip, REJECTED, "tcp", errno.ECONNREFUSED)

    def drop():
        return [c for c in world.api.get(
                    "drops", reason="rejected by rule")["counters"]
                if c["object"] == {"type": "policies", "name": "told"}]
    counted = wait_counted("the drop to be counted", drop)[0]
    assert counted["host"] == "h2"
    assert counted["rule"] == 0 and counted["packets"] >= 1
    told = wait_for("the log", lambda: world.api.get(
        "logs", policy="told")["items"])[0]
    assert told["verdict"] == "reject"
    shown = subprocess.run([find("vmnctl"), "-s", "unix:" + world.api.path,
                            "trace", "cli", "far", "tcp/%d" % REJECTED],
                           check=False, text=True, capture_output=True).stdout
    assert "request dropped on h2: rejected by rule" in shown
    assert "answered by TCP reset: delivered to cli on h1" in shown
    assert told["src"]["port"] == "cli" and told["dst"]["port"] == "far"


def test_a_shadow_only_counts(world, trio):
    cli, _, far = trio
    world.policy("s", "srv", dict(rule("ingress", "reject", ["cli"], [
        entry("tcp", REJECTED)]), log=True), mode="shadow")

    def hits():
        assert world.reaches(cli, far, REJECTED)
        return world.api.get("policies/s")["status"]["rules"][0]["packets"]
    wait_counted("hits", hits, step=0.5)
    told = wait_for("the log", lambda: world.api.get(
        "logs", policy="s")["items"])[0]
    assert told["verdict"] == "reject" and told["shadow"] is True


def test_what_must_not_be_answered_is_not(world, trio):
    """Broadcasts and multicasts, which go to all; errors and resets are looked
    at by test-reject-message, since conntrack lets none of them come as
    far."""
    cli, near, far = trio
    reject(world, "egress", entry("udp"))
    # A broadcast's copies are judged where they arrive.
    many = [frames.udp("ff:ff:ff:ff:ff:ff", cli.mac, cli.ip, "10.0.0.255",
                       4000, REJECTED, b"x"),
            frames.udp("01:00:5e:00:00:fb", cli.mac, cli.ip, "224.0.0.251",
                       4000, REJECTED, b"x")]
    before = dropped(world).get("multicast", 0)

    def counted():
        frames.send(cli, *many)
        return dropped(world).get("multicast", 0) > before
    with Capture(cli.ns) as capture:
        wait_for("them to be counted", counted, step=0.2)
        becomes(cli, far.ip, REJECTED, "udp", errno.EHOSTUNREACH)
        errors = [found for found in map(frames.parse, capture.read())
                  if found.get("protocol") == 1]
    assert errors and all(e["src_ip"] == far.ip for e in errors)


def test_a_flood_is_answered_within_the_rate(world, trio):
    """What is over it is dropped, and counted, and the neighbours have their
    answers all the same."""
    cli, near, far = trio
    reject(world, "egress", entry("udp"))
    becomes(cli, far.ip, REJECTED, "udp", errno.EHOSTUNREACH)
    host = world.lab.host("h1")
    before = held_back(host)
    flood = [frames.udp(far.mac, cli.mac, cli.ip, far.ip, 4000 + i % 500,
                        REJECTED, b"x") for i in range(1000)]

    def is_limited():
        frames.send(cli, *flood)
        return held_back(host) > before + 500
    world.policy("q", "srv", rule("egress", "reject", [], [entry("udp")]))
    with Capture(far.ns) as capture, Capture(cli.ns) as errors:
        start = time.monotonic()
        wait_for("it to be limited", is_limited)
        becomes(near, far.ip, REJECTED, "udp", errno.EHOSTUNREACH)
        assert not [f for f in capture.read() if frames.of_udp(f)]
        n = sum(frames.parse(f).get("protocol") == 1 for f in errors.read())
        seconds = time.monotonic() - start
        print("%d answers in %.2f s" % (n, seconds))
        # A bucket is filled up only when it is empty, so it may hold two.
        assert 0 < n <= PORT_RATE * (seconds + 2) + 1
    # On the switch they are counted, whatever became of the answers.
    n_limited = held_back(host) - before
    wait_for("all to be counted", lambda: any(
        "resubmit(,246)" in f.actions and f.n_packets >= n_limited
        for f in flows(host).values()))


# Between networks.  ----------------------------------------------------------

@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_across_a_router(world, direction):
    """What was routed is answered by way of the router."""
    for n, name in enumerate(("front", "back"), 1):
        world.put("networks", name, subnets=[
            {"cidr": "10.%d.0.0/24" % n, "gateway": "10.%d.0.1" % n},
            {"cidr": "fd0%d::/64" % n, "gateway": "fd0%d::1" % n}])
    world.put("routers", "r", interfaces=[{"network": "front"},
                                          {"network": "back"}])
    vms = [world.vm(name, net, host, ["10.%d.0.%d" % (n, i),
                                      "fd0%d::%d" % (n, i)],
                    tcp=[80, REJECTED], udp=[REJECTED],
                    labels={"role": role})
           for name, net, n, host, i, role in (
               ("cli", "front", 1, "h1", 2, "cli"),
               ("near", "back", 2, "h1", 2, "srv"),
               ("far", "back", 2, "h2", 3, "srv"))]
    for vm in vms:
        vm.await_addresses()
    world.group("cli", "role=cli")
    world.group("srv", "role=srv")
    cli, near, far = vms
    reject(world, direction)
    for srv in (near, far):
        for family, ip in ((4, srv.ip), (6, srv.ip6)):
            assert world.answers(cli, ip, 80) == srv.name
            becomes(cli, ip, REJECTED, "tcp", errno.ECONNREFUSED)
            becomes(cli, ip, REJECTED, "udp", UDP_ERRORS[family])
