# SPDX-License-Identifier: Apache-2.0
"""What a scan leaves in the caches of switches: a few flows, and not one for
each port or address that was tried."""

from conftest import entry, rule, wait_quiet

from vmnlab import frames
from vmnlab.netns import wait_for

N_TRIED = 3000
# Of all that a host has cached meanwhile.
FEW = 600
# What fits into the queues on the way.
PART = 100
N_VIPS = 20
PORTS = [80, 443, "8080-8083", 9000]
CIDRS = ["10.1.0.0/20", "10.1.33.7", "10.1.77.0/24", "192.0.2.0/24"]


def bare(frame):
    """Without what it is padded with, which the kernel's conntrack cuts
    off."""
    return frame.rstrip(b"\0")


def is_it(frame, sent):
    """By what it says last: a router has changed the rest."""
    return bare(frame).endswith(bare(sent)[-6:])


def arrives(world, honest, capture):
    """Whether what VM 'a' sends now comes to the capture's VM."""
    def n_arrived():
        return sum(is_it(frame, honest) for frame in capture.read())
    before = n_arrived()
    frames.send(world.lab.vm("a"), honest)
    return capture.wait(lambda f: is_it(f, honest) and n_arrived() > before,
                        0.5) is not None


def most_cached(world, scan, honest, to):
    """The most flows that the caches of h1 and h2 have while VM 'a' sends
    'scan', and what of it arrives at 'to', as 'honest' does, which is sent in
    between."""
    hosts = [world.lab.host(name) for name in ("h1", "h2")]
    most = 0
    for host in hosts:
        host.appctl("revalidator/purge")
    with frames.Capture(to.ns) as capture:
        # In parts: what is idle does not stay forever.
        for i in range(0, len(scan), PART):
            frames.send(world.lab.vm("a"), *scan[i:i + PART])
            wait_for("what is sent after the scan",
                     lambda: arrives(world, honest, capture), 20)
            most = max([most] + [len(host.appctl(
                "dpctl/dump-flows").splitlines()) for host in hosts])
        sent = {bare(frame) for frame in scan}
        return most, [bare(f) for f in capture.frames if bare(f) in sent]


def two(world, **spec):
    world.network("net", "10.0.0.0/24")
    world.group("all", "in=yes")
    a = world.vm("a", "net", "h1", "10.0.0.1", labels={"in": "yes"}, **spec)
    b = world.vm("b", "net", "h2", "10.0.0.2", labels={"in": "yes"})
    return a, b


def udp(a, b, ip, port):
    return frames.udp(b.mac, a.mac, ip, b.ip, 40000, port, b"scan")


def test_scan_of_ports(world):
    a, b = two(world)
    world.policy("p", "all",
                 rule("ingress", "allow", services=[entry("udp", *PORTS)]),
                 rule("egress", "allow"))
    scan = [udp(a, b, a.ip, port) for port in range(1, 1 + N_TRIED)]
    honest = frames.udp(b.mac, a.mac, a.ip, b.ip, 40001, 9000, b"honest")
    most, got = most_cached(world, scan, honest, b)
    assert {frames.of_udp(f)[1] for f in got} <= {80, 443}
    assert most < FEW


def test_scan_from_many_addresses(world):
    a, b = two(world, allowed_addresses=[{"ip": "10.1.0.0/16"}])
    world.policy("p", "all",
                 {"direction": "ingress", "action": "allow",
                  "peers": [{"cidr": cidr} for cidr in CIDRS]},
                 rule("egress", "allow"))
    scan = [udp(a, b, "10.1.%d.%d" % (64 + i // 256, i % 256), 9)
            for i in range(14 * 256)]
    honest = frames.udp(b.mac, a.mac, "10.1.1.1", b.ip, 40001, 9, b"honest")
    most, got = most_cached(world, scan, honest, b)
    allowed = {bare(frame) for frame in scan[-256:]}
    assert got and set(got) <= allowed
    assert most < FEW


def test_scan_of_addresses_behind_a_router(world):
    for i, name in enumerate(("near", "far")):
        world.put("networks", name, subnets=[
            {"cidr": "10.%d.0.0/16" % i, "gateway": "10.%d.255.254" % i},
            {"cidr": "fd0%d::/64" % i, "gateway": "fd0%d::fffe" % i}])
    world.put("routers", "r", interfaces=[{"network": "near"},
                                          {"network": "far"}])
    mac = world.api.get("routers/r")["status"]["mac"]
    a = world.vm("a", "near", "h1", ["10.0.0.1", "fd00::1"])
    b = world.vm("b", "far", "h2", ["10.1.0.2", "fd01::2"])
    for scan, honest in (
            ([frames.udp(mac, a.mac, a.ip, "10.1.%d.%d" % (
                1 + i // 256, i % 256), 40000, 9, b"scan")
              for i in range(N_TRIED)],
             frames.udp(mac, a.mac, a.ip, b.ip, 40001, 9, b"honest")),
            ([frames.udp6(mac, a.mac, a.ip6, "fd01::%x" % (256 + i), 40000,
                          9, b"scan") for i in range(N_TRIED)],
             frames.udp6(mac, a.mac, a.ip6, b.ip6, 40001, 9, b"honest")),
            # And as from others, which is not even let in.
            ([frames.udp6(mac, a.mac, "fd07::%x" % i, b.ip6, 40000, 9,
                          b"scan") for i in range(N_TRIED)],
             frames.udp6(mac, a.mac, a.ip6, b.ip6, 40001, 9, b"honest"))):
        most, _ = most_cached(world, scan, honest, b)
        assert most < FEW


def test_many_virtual_ips_of_one_server(world):
    """From where they go to the server on, they are all alike."""
    a, b = two(world)
    for i in range(N_VIPS):
        world.put("loadbalancers", "lb%d" % i, vip="10.0.0.%d" % (100 + i),
                  networks=["net"], ports=[{"port": 80}], protocol="udp",
                  backends=[{"port": "b"}])
    wait_quiet(world.lab)
    h1 = world.lab.host("h1")
    h1.appctl("revalidator/purge")
    with frames.Capture(b.ns) as capture:
        for i in range(N_VIPS):
            frames.send(a, frames.udp("0e:56:4f:00:00:64", a.mac, a.ip,
                                      "10.0.0.%d" % (100 + i), 40000 + i, 80,
                                      b"hello"))
        wait_for("all of them", lambda: len({frames.of_udp(f)[0] for f in
                                             capture.read() if b"hello" in f})
                 == N_VIPS, 20)
    to_server = [line for line in h1.appctl(
        "dpctl/dump-flows").splitlines()
        if "dst=%s," % b.ip in line or "dst=%s/" % b.ip in line]
    assert to_server and len(to_server) < N_VIPS / 2
