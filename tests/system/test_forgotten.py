# SPDX-License-Identifier: Apache-2.0
"""What conntrack holds lasts no longer than what allowed it: open connections
through port forwards, floating addresses, source NAT and balancers, while
these change; also where vmnd is killed right after its reply, or the host
that translates is cut off from vmnd until vmnd has restarted."""

import socket
import time

import pytest
from conftest import World, check_log, close_lab, make_lab
from vmnlab import traffic
from vmnlab.api import Refused
from vmnlab.netns import wait_for

OURS, OTHER = "198.51.100.10", "198.51.100.11"
FLOATING = "198.51.100.30"
NEAR = "198.51.100.50"
RW, RO = "10.0.0.100", "10.0.0.101"
OURS6, NEAR6, RW6, RO6 = "fd51::10", "fd51::50", "fd00::100", "fd00::101"


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("forgotten", 3)
    yield lab
    close_lab(lab)


def furnish(lab, *providers):
    """Returns the lab's world: network "net" behind router "r", whose gateway
    is h1; servers a1 (h1), a2 (h2) and c (h3); "near", a machine outside.
    Hosts 'providers' are on the physical network."""
    world = World(lab)
    world.provider_hosts_are(*providers)
    world.put("networks", "out", provider={"physical": "dc"}, mtu=1500,
              subnets=[{"cidr": "198.51.100.0/24", "gateway": "198.51.100.1"},
                       {"cidr": "fd51::/64", "gateway": "fd51::1"}])
    world.put("networks", "net", subnets=[
        {"cidr": "10.0.0.0/24", "gateway": "10.0.0.254"},
        {"cidr": "fd00::/64", "gateway": "fd00::fe"}])
    world.put("routers", "r", interfaces=[{"network": "net"}],
              external=external())
    for name, host, n in (("a1", "h1", 1), ("a2", "h2", 2), ("c", "h3", 3)):
        world.vm(name, "net", host, ["10.0.0.%d" % n, "fd00::%d" % n],
                 tcp=[80], udp=[53])
    near = world.outside("near", NEAR + "/24", NEAR6 + "/64", tcp=[80],
                         udp=[53])
    near.run("ip", "route", "add", "10.0.0.0/24", "via", OURS)
    for vm in lab.vms.values():
        vm.await_addresses()
    return world


@pytest.fixture(scope="module")
def place(lab):
    world = furnish(lab, "h1")
    yield world
    world.close()
    check_log(lab.vmnd)


def external(forwards=(), addresses=(OURS, OURS6), exempt=()):
    return {"network": "out", "addresses": list(addresses),
            "gateways": [{"host": "h1"}], "forwards": list(forwards),
            "exempt": list(exempt)}


def forwards(to, target=None):
    """Ports 8080 (TCP) and 5353 (UDP) of both addresses."""
    return [dict({"protocol": protocol, "port": port, "to": to,
                  "target": target or own}, **more)
            for protocol, port, own in (("tcp", 8080, 80), ("udp", 5353, 53))
            for more in ({}, {"address": OURS6})]


class Flow:
    """An open connection, whose client goes on to send.  'who' is to answer
    it before the change, with the client's address as seen there."""

    def __init__(self, place, client, ip, port, protocol, who):
        self.client = (place.lab.outsides if client == "near"
                       else place.lab.vms)[client]
        self.what = "%s from %s to %s" % (protocol, client, ip)
        assert wait_for("an answer by " + self.what, lambda: (
            traffic.ask(self.client, ip, port, protocol, 2.0)), 60)
        place.lab.purged()
        self.held = traffic.Connection(self.client, ip, port, protocol)
        self.is_udp = protocol == "udp"
        found = (self.held.again(30) or "").split()
        assert found[:1] == [who[0]], (self.what, found)
        assert who[1:] in ((), tuple(found[1:2])), (self.what, found)

    def answer(self):
        """The server's name and the client's address as seen there, "reset",
        "refused" (of UDP), or None."""
        sock = self.held.sock
        sock.settimeout(0.4)
        try:
            sock.send(b"%.6f\n" % time.monotonic())
            data = sock.recv(4096)
        except socket.timeout:
            return None
        except BlockingIOError:
            return None
        except ConnectionRefusedError:
            return "refused"
        except OSError:
            return None if self.is_udp else "reset"
        if not data:
            return "reset"
        return tuple(data.split(b"\n")[0].decode().split()[:2])

    def becomes(self, wanted):
        """Waits until the client gets 'wanted': answers of another server, of
        (server, its own address), "reset", "refused", or None: nothing of the
        former server, as of the second try."""
        def settled():
            found = self.answer()
            if wanted is None:
                return (isinstance(found, (str, type(None)))
                        and isinstance(self.answer(), (str, type(None))))
            if isinstance(found, tuple):
                return found[:len(wanted)] == wanted
            return found == wanted
        try:
            wait_for("%s: %s" % (self.what, wanted), settled, 30)
        finally:
            self.held.close()


def at_once(place, host, change):
    change("installed")


def killed(place, host, change):
    """As soon as vmnd has answered."""
    change(None)
    place.lab.vmnd.kill()
    place.lab.vmnd.start()
    place.lab.await_synced()


def away(place, host, change):
    """The host that translates, until vmnd has restarted."""
    host = place.lab.host(host)
    host.cut()
    try:
        change(None)
        place.lab.vmnd.stop()
        place.lab.vmnd.start()
    finally:
        host.heal()
    place.lab.await_synced(seconds=60)


def patch(place, ref, spec):
    return lambda wait: place.api.patch(ref, spec, **(
        {"wait": wait, "timeout": 60} if wait else {}))


def through(place, spec):
    """Changes the router's way out."""
    return patch(place, "routers/r", {"external": spec})


# Each returns the host that translates, the open connections with what becomes
# of them, and the change.

def forward_to_another(place):
    place.patch("routers", "r", external=external(forwards("a1")))
    return "h1", [
        (Flow(place, "near", ip, port, protocol, ("a1",)), after)
        for ip in (OURS, OURS6)
        for port, protocol, after in ((8080, "tcp", "reset"),
                                      (5353, "udp", ("a2",)))
    ], through(place, external(forwards("a2")))


def forward_removed(place):
    place.patch("routers", "r", external=external(forwards("a1")))
    return "h1", [
        (Flow(place, "near", ip, port, protocol, ("a1",)), after)
        for ip in (OURS, OURS6)
        for port, protocol, after in ((8080, "tcp", "reset"),
                                      (5353, "udp", "refused"))
    ], through(place, external())


def forward_to_another_port(place):
    place.patch("routers", "r", external=external(forwards("a1")))
    return "h1", [
        (Flow(place, "near", OURS, port, protocol, ("a1",)), after)
        for port, protocol, after in ((8080, "tcp", "reset"),
                                      (5353, "udp", None))
    ], through(place, external(forwards("a1", 99)))


def floating_to_another(place):
    place.put("floating-ips", "f", router="r", ip=FLOATING, port="a1")
    return "h1", [
        (Flow(place, "near", FLOATING, 80, "tcp", ("a1",)), "reset"),
        (Flow(place, "near", FLOATING, 53, "udp", ("a1",)), ("a2",)),
        (Flow(place, "a1", NEAR, 53, "udp", ("near", FLOATING)),
         ("near", OURS)),
    ], patch(place, "floating-ips/f", {"port": "a2"})


def floating_removed(place):
    place.put("floating-ips", "f", router="r", ip=FLOATING, port="a1")
    return "h1", [
        (Flow(place, "near", FLOATING, 80, "tcp", ("a1",)), None),
        (Flow(place, "near", FLOATING, 53, "udp", ("a1",)), None),
        (Flow(place, "a1", NEAR, 53, "udp", ("near", FLOATING)),
         ("near", OURS)),
        (Flow(place, "a1", NEAR, 80, "tcp", ("near", FLOATING)), "reset"),
    ], lambda wait: place.api.delete("floating-ips/f", **(
        {"wait": wait} if wait else {}))


def address_of_router(place):
    return "h1", [
        (Flow(place, "a2", NEAR, 53, "udp", ("near", OURS)), ("near", OTHER)),
        (Flow(place, "a1", NEAR, 80, "tcp", ("near", OURS)), "reset"),
    ], through(place, external(addresses=(OTHER, OURS6)))


def no_longer_exempt(place):
    place.patch("routers", "r", external=external(exempt=[NEAR + "/32"]))
    return "h1", [
        (Flow(place, "a1", NEAR, 53, "udp", ("near", "10.0.0.1")),
         ("near", OURS)),
        (Flow(place, "near", "10.0.0.2", 53, "udp", ("a2",)), "refused"),
    ], through(place, external())


def balance(place, name, vip, protocol, backends, **more):
    place.put("loadbalancers", name, vip=vip, networks=["net"],
              protocol=protocol, backends=[{"port": b} for b in backends],
              ports=[{"port": 80 if protocol == "tcp" else 53}], **more)


def balancers_that_share(place):
    """A backend leaves one of two."""
    shared = []
    for name, rw, ro, protocol, after in (
            ("t4", RW, RO, "tcp", "reset"), ("u4", RW, RO, "udp", ("a2",)),
            ("t6", RW6, RO6, "tcp", "reset"),
            ("u6", RW6, RO6, "udp", ("a2",))):
        balance(place, "ro-" + name, ro, protocol, ["a1"])
        balance(place, "rw-" + name, rw, protocol, ["a1"])
        port = 80 if protocol == "tcp" else 53
        shared += [
            (Flow(place, "c", rw, port, protocol, ("a1",)), after),
            (Flow(place, "c", ro, port, protocol, ("a1",)), ("a1",))]
    return "h3", shared, lambda wait: [
        patch(place, "loadbalancers/rw-" + name,
              {"backends": [{"port": "a2"}]})(wait)
        for name in ("t4", "u4", "t6", "u6")]


def drained_in_one_of_two(place):
    balance(place, "ro-t4", RO, "tcp", ["a1"])
    balance(place, "rw-t4", RW, "tcp", ["a1"], drain_seconds=1)
    balance(place, "rw-u4", RW, "udp", ["a1"], drain_seconds=1)
    balance(place, "ro-u4", RO, "udp", ["a1"])
    draining = {"backends": [{"port": "a1", "drain": True}, {"port": "a2"}]}
    return "h3", [
        (Flow(place, "c", RW, 80, "tcp", ("a1",)), "reset"),
        (Flow(place, "c", RO, 80, "tcp", ("a1",)), ("a1",)),
        (Flow(place, "c", RW, 53, "udp", ("a1",)), ("a2",)),
        (Flow(place, "c", RO, 53, "udp", ("a1",)), ("a1",)),
    ], lambda wait: [patch(place, "loadbalancers/rw-" + name, draining)(wait)
                     for name in ("t4", "u4")]


def backends_at_one_virtual_ip(place):
    """Balancers of two services of one address share a backend."""
    balance(place, "one", RW, "udp", ["a1"])
    place.put("loadbalancers", "two", vip=RW, networks=["net"],
              protocol="udp", backends=[{"port": "a1"}],
              ports=[{"port": 54, "target": 53}])
    return "h3", [
        (Flow(place, "c", RW, 53, "udp", ("a1",)), ("a2",)),
        (Flow(place, "c", RW, 54, "udp", ("a1",)), ("a1",)),
    ], patch(place, "loadbalancers/one", {"backends": [{"port": "a2"}]})


def another_balancer_at_the_virtual_ip(place):
    balance(place, "one", RW, "udp", ["a1"])
    balance(place, "ro-u4", RO, "udp", ["a1"])

    def change(wait):
        place.api.delete("loadbalancers/one")
        place.made.append(("loadbalancers", "two"))
        place.api.put("loadbalancers/two", {
            "vip": RW, "networks": ["net"], "protocol": "udp",
            "backends": [{"port": "a2"}], "ports": [{"port": 53}]})
    return "h3", [(Flow(place, "c", RW, 53, "udp", ("a1",)), ("a2",))], change


def balancer_with_floating_address(place):
    """Translated twice at the gateway."""
    balance(place, "ro-u4", RO, "udp", ["a1"])
    balance(place, "rw-u4", RW, "udp", ["a1"])
    place.put("floating-ips", "f", router="r", ip=FLOATING,
              load_balancer="rw-u4")
    return "h1", [
        (Flow(place, "near", FLOATING, 53, "udp", ("a1",)), ("a2",)),
    ], patch(place, "loadbalancers/rw-u4", {"backends": [{"port": "a2"}]})


CASES = [forward_to_another, forward_removed, forward_to_another_port,
         floating_to_another, floating_removed, address_of_router,
         no_longer_exempt, balancers_that_share, drained_in_one_of_two,
         backends_at_one_virtual_ip, another_balancer_at_the_virtual_ip,
         balancer_with_floating_address]


@pytest.fixture
def clean(place):
    """What a case has made goes."""
    n = len(place.made)
    yield place
    if place.lab.vmnd.pid() is None:
        place.lab.vmnd.start()
    for kind, name in reversed(place.made[n:]):
        try:
            place.api.delete("%s/%s" % (kind, name), cascade="true")
        except Refused as refused:
            assert refused.status == 404, refused
    del place.made[n:]
    place.patch("routers", "r", external=external())


@pytest.mark.parametrize("how", [at_once, killed, away],
                         ids=lambda f: f.__name__)
@pytest.mark.parametrize("case", CASES, ids=lambda f: f.__name__)
def test_connections_of_what_has_changed(clean, case, how):
    host, held, change = case(clean)
    how(clean, host, change)
    for flow, after in held:
        flow.becomes(after)
