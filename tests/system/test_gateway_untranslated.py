# SPDX-License-Identifier: Apache-2.0
"""What a gateway cannot translate, since conntrack has no room for one more
connection, does not leave with a guest's own address."""

import contextlib
import ipaddress
import re
import socket

from conftest import wait_counted
from test_gateway import await_gateway, seen_as
from test_gateway_failover import (  # noqa: F401 - shop is a fixture
    NEAR, NEAR6, OURS, OURS6, shop)

from vmnlab import netns, traffic
from vmnlab.frames import Capture, parse

INSIDE = [ipaddress.ip_network(n) for n in ("10.0.0.0/8", "fd00:1::/64")]
WAYS = ((NEAR, OURS, socket.AF_INET), (NEAR6, OURS6, socket.AF_INET6))


def is_inside(frame):
    found = parse(frame)
    return "src_ip" in found and any(
        ipaddress.ip_address(found["src_ip"]) in n for n in INSIDE)


def nat_zone(host):
    """The conntrack zone in which the router translates."""
    found = re.search(r"reply=\([^)]*dst=%s,[^)]*\),zone=(\d+)"
                      % re.escape(OURS), host.appctl("dpctl/dump-conntrack"))
    assert found
    return int(found.group(1))


@contextlib.contextmanager
def full(host):
    """The zone has no room for further connections."""
    zone = nat_zone(host)
    host.appctl("dpctl/ct-set-limits", "zone=%d,limit=1" % zone)
    try:
        yield
    finally:
        host.appctl("dpctl/ct-del-limits", "zone=%d" % zone)


def drops(world):
    return sum(c.get("packets", 0)
               for c in world.api.get("drops?host=h1")["counters"]
               if c["reason"] == "no room for NAT")


class Datagrams:
    """From a port of 'vm' to one of 'near' where nobody answers."""

    def __init__(self, vm, near, ip, family):
        self.to = netns.socket_in(near.ns, family, socket.SOCK_DGRAM)
        self.to.bind((ip, 0))
        self.to.settimeout(20 * netns.PATIENCE)
        self.sock = netns.socket_in(vm.ns, family, socket.SOCK_DGRAM)
        self.sock.connect((ip, self.to.getsockname()[1]))

    def seen_as(self):
        """Sends one, and returns whom it comes from."""
        self.sock.send(b"hello")
        return self.to.recvfrom(100)[1][0]

    def close(self):
        self.to.close()
        self.sock.close()


def test_nothing_leaves_untranslated(world, shop):  # noqa: F811
    near, h1 = shop["near"], world.lab.host("h1")
    await_gateway(world, "h1")
    for ip, ours, _ in WAYS:
        for name in ("a1", "a2"):
            assert seen_as(shop[name], near, ip) == ours
    with contextlib.ExitStack() as stack:
        unanswered = []
        for ip, ours, family in WAYS:
            one = Datagrams(shop["a1"], near, ip, family)
            stack.callback(one.close)
            assert one.seen_as() == ours
            unanswered.append(one)
        stack.enter_context(full(h1))
        # One that is counted.
        traffic.ask(shop["a1"], NEAR, 80)
        before = drops(world)
        capture = stack.enter_context(Capture(near.ns))
        for ip, _, _ in WAYS:
            for name in ("a1", "a2"):
                for port, protocol in ((80, "tcp"), (53, "udp"), (0, "icmp")):
                    assert not traffic.ask(shop[name], ip, port, protocol,
                                           0.8), (name, ip, protocol)
        # What belongs to a connection that is there is.
        for one, (_, ours, _) in zip(unanswered, WAYS):
            assert one.seen_as() == ours
        assert not any(map(is_inside, capture.read()))
        wait_counted("the drops to be told", lambda: drops(world) > before)

        # What is not to be translated is not concerned.
        external = world.api.get("routers/r")["spec"]["external"]
        for more in ({"exempt": [NEAR + "/32", NEAR6 + "/128"]},
                     {"routed": True}):
            world.patch("routers", "r", external=dict(external, **more))
            world.revalidated()
            for ip, _, _ in WAYS:
                with Capture(near.ns) as seen:
                    traffic.ask(shop["a2"], ip, 80, seconds=0.3)
                    assert seen.wait(is_inside, 20), (more, ip)
