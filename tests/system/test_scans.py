# SPDX-License-Identifier: Apache-2.0
"""What a scan leaves in the caches of switches: a few flows, and not one for
each port or address that was tried."""

from conftest import entry, rule

from vmnlab import frames

N_TRIED = 3000
# Of all that a host has cached meanwhile.
FEW = 600
# What fits into the queues on the way.
PART = 100
PORTS = [80, 443, "8080-8083", 9000]


def most_cached(world, scan, honest, to):
    """The most flows that the caches of h1 and h2 have while VM 'a' sends
    'scan'; packet 'honest', sent after it, arrives at 'to'."""
    hosts = [world.lab.host(name) for name in ("h1", "h2")]
    most = 0
    for host in hosts:
        host.appctl("revalidator/purge")
    with frames.Capture(to.ns) as capture:
        # In parts: what is idle does not stay forever.
        for i in range(0, len(scan), PART):
            frames.send(world.lab.vm("a"), *scan[i:i + PART], honest)
            assert capture.wait(lambda f, n=i // PART + 1: (
                f == honest and capture.frames.count(honest) >= n), 20)
            most = max([most] + [len(host.appctl(
                "dpctl/dump-flows").splitlines()) for host in hosts])
        got = [f for f in capture.frames if f in set(scan)]
    return most, len(got)


def two(world, **spec):
    world.network("net", "10.0.0.0/24")
    world.group("all", "in=yes")
    a = world.vm("a", "net", "h1", "10.0.0.1", labels={"in": "yes"}, **spec)
    b = world.vm("b", "net", "h2", "10.0.0.2", labels={"in": "yes"})
    return a, b


def udp(a, b, ip, port):
    return frames.udp(b.mac, a.mac, ip, b.ip, 40000, port, b"scan")


def test_ports(world):
    a, b = two(world)
    world.policy("p", "all",
                 rule("ingress", "allow", services=[entry("udp", *PORTS)]),
                 rule("egress", "allow"))
    scan = [udp(a, b, a.ip, port) for port in range(1, 1 + N_TRIED)]
    honest = frames.udp(b.mac, a.mac, a.ip, b.ip, 40001, 9000, b"honest")
    most, got = most_cached(world, scan, honest, b)
    assert got == 2             # Ports 80 and 443.
    assert most < FEW
