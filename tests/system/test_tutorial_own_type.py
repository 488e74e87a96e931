# SPDX-License-Identifier: Apache-2.0
"""An app with a type of its own: docs/tutorial-own-type.md, done as it is
written there, and the example that it ends with: what a port guard blocks is
dropped, in both families, and nothing else."""

import os
import socket
import subprocess

import pytest
from conftest import (HERE, World, check_log, close_lab, cut, make_lab,
                      wait_quiet)
from console_page import run_page, steps

from vmnlab import netns, traffic
from vmnlab.daemon import find

TOP = os.path.join(HERE, "../..")
PAGE = TOP + "/docs/tutorial-own-type.md"
EXAMPLE = TOP + "/apps/example/portguards.lua"


def test_tutorial(tmp_path):
    assert run_page(PAGE, tmp_path) == len(steps(PAGE)) > 40
    with open(EXAMPLE) as example, open(tmp_path / "portguards.lua") as made:
        assert made.read() == example.read()


@pytest.fixture(scope="module", name="lab")
def _lab():
    lab = make_lab("guard", 2)
    yield lab
    close_lab(lab)


@pytest.fixture(name="world")
def _world(lab):
    world = World(lab)
    network(world, "shop", 0)
    ctl(lab, "app", "load", EXAMPLE, "--wait")
    yield world
    world.close()
    ctl(lab, "app", "unload", "portguards", "--wait")
    check_log(lab.vmnd)
    assert lab.vmnd.pid() is not None, lab.vmnd.last_words(60)


def ctl(lab, *args):
    subprocess.run([find("vmnctl"), "-s", "unix:" + lab.vmnd.socket]
                   + list(args), check=True, stdout=subprocess.DEVNULL,
                   timeout=120)


def verify(world):
    """What the engine has is what it computes from nothing, and no unit of
    the app has failed."""
    said = subprocess.run(["ovs-appctl", "-t", world.lab.vmnd.unixctl,
                           "engine/verify"], check=True, text=True,
                          capture_output=True).stdout
    assert "0 differences" in said, said
    assert world.api.get("apps/portguards")["status"]["problems"] == 0


def network(world, name, n):
    world.put("networks", name, subnets=[
        {"cidr": "10.0.%d.0/24" % n, "gateway": "10.0.%d.1" % n},
        {"cidr": "fd00:%x::/64" % n, "gateway": "fd00:%x::1" % n}])


def vm(world, name, net, n, host, number, role):
    made = world.vm(name, net, host,
                    ["10.0.%d.%d" % (n, number), "fd00:%x::%x" % (n, number)],
                    tcp=[25, 53, 80], udp=[25, 53, 80], labels={"role": role})
    made.await_addresses()
    return made


def guard(world, name="no-mail", **spec):
    world.put("portguards", name, **dict(
        {"network": "shop", "selector": "role=web", "ports": [25],
         "reason": "only the relay sends mail"}, **spec))
    world.settle()


def check(world, a, b, *blocked):
    """'a' reaches 'b' at all ports, but those; in both families."""
    for ip in (b.ip, b.ip6):
        for protocol in ("tcp", "udp"):
            for port in (25, 53, 80):
                if (protocol, port) in blocked:
                    assert world.unanswered(a, ip, port, protocol), (
                        ip, protocol, port)
                else:
                    assert world.answers(a, ip, port, protocol) == b.name, (
                        ip, protocol, port)
        assert world.answers(a, ip, protocol="icmp"), ip


def test_what_a_guard_blocks_is_dropped_and_nothing_else(world):
    web = vm(world, "web", "shop", 0, "h1", 11, "web")
    near = vm(world, "near", "shop", 0, "h1", 12, "db")
    far = vm(world, "far", "shop", 0, "h2", 13, "db")
    check(world, web, far)
    guard(world)
    guard(world, "no-dns", ports=[53], protocol="udp")
    for other in (near, far):
        check(world, web, other, ("tcp", 25), ("udp", 53))
        check(world, other, web)
    check(world, near, far)
    verify(world)

    # It follows its objects, and the labels of ports.
    guard(world, ports=[80])
    check(world, web, far, ("tcp", 80), ("udp", 53))
    world.patch("ports", "web", labels={"role": "relay"})
    check(world, web, far)
    world.patch("ports", "far", labels={"role": "web"})
    check(world, far, web, ("tcp", 80), ("udp", 53))
    world.delete("portguards", "no-mail")
    check(world, far, web, ("udp", 53))
    world.delete("portguards", "no-dns")
    check(world, far, web)
    verify(world)


def test_settings_exempt_ports(world):
    web = vm(world, "web", "shop", 0, "h1", 11, "web")
    far = vm(world, "far", "shop", 0, "h2", 13, "db")
    guard(world, selector=None)
    check(world, web, far, ("tcp", 25))
    check(world, far, web, ("tcp", 25))
    world.put("portguards-settings", "default", exempt="role=db")
    check(world, web, far, ("tcp", 25))
    check(world, far, web)
    world.delete("portguards-settings", "default")
    world.settle()
    check(world, far, web, ("tcp", 25))
    verify(world)


def test_of_several_guards_one_that_enforces_wins(world):
    web = vm(world, "web", "shop", 0, "h1", 11, "web")
    far = vm(world, "far", "shop", 0, "h2", 13, "db")
    guard(world, "a", mode="shadow", ports=[25, 80])
    check(world, web, far)
    netns.wait_for("a shadow to be logged", lambda: any(
        log["owner"] == "portguards.port/web" and log["verdict"] == "allow"
        for log in world.api.get("logs")["items"]), 20)
    guard(world, "z")
    check(world, web, far, ("tcp", 25))
    verify(world)
    world.delete("portguards", "z")
    check(world, web, far)


def test_of_a_connection_counts_who_opened_it(world):
    """One that is open is cut; an answer to a guarded number is not
    dropped."""
    web = vm(world, "web", "shop", 0, "h1", 11, "web")
    far = vm(world, "far", "shop", 0, "h2", 13, "db")
    held = {ip: traffic.Connection(web, ip, 25) for ip in (far.ip, far.ip6)}
    kept = world.held(web, far, 80)
    assert all(one.exchange(seconds=5) for one in held.values())
    guard(world, ports=[25, 9000])
    assert all(cut(one) for one in held.values())
    assert kept.exchange(seconds=5)
    for ip in (web.ip, web.ip6):
        with netns.socket_in(far.ns, traffic.family_of(ip)) as sock:
            sock.settimeout(10 * netns.PATIENCE)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("", 9000))
            sock.connect((ip, 80))
    verify(world)


def echo(source, ip, port, size):
    """Whether a datagram of that size is answered."""
    with netns.socket_in(source.ns, traffic.family_of(ip),
                         socket.SOCK_DGRAM) as sock:
        sock.settimeout(1.0)
        sock.sendto(b"x" * size + b"\n", (ip, port))
        try:
            return bool(sock.recv(65535))
        except (TimeoutError, ConnectionError):
            return False


def test_fragments_do_not_get_round_it(world):
    web = vm(world, "web", "shop", 0, "h1", 11, "web")
    far = vm(world, "far", "shop", 0, "h2", 13, "db")
    guard(world, ports=[53], protocol="udp")
    for ip in (far.ip, far.ip6):
        netns.wait_for("an answer", lambda to=ip: echo(web, to, 80, 3000), 20)
        assert world.never(lambda to=ip: echo(web, to, 53, 3000))
    verify(world)


def test_it_holds_towards_other_networks(world):
    """And in a network that a router joins later."""
    web = vm(world, "web", "shop", 0, "h1", 11, "web")
    network(world, "office", 1)
    desk = vm(world, "desk", "office", 1, "h2", 14, "web")
    guard(world)
    world.put("routers", "r", interfaces=[{"network": "shop"},
                                          {"network": "office"}])
    wait_quiet(world.lab)
    check(world, web, desk, ("tcp", 25))
    check(world, desk, web)
    verify(world)
    world.lab.move("web", "h2")
    wait_quiet(world.lab)
    check(world, web, desk, ("tcp", 25))
    verify(world)
