# SPDX-License-Identifier: Apache-2.0
"""Mirrors to an interface of the host, those that sample, and that ovs-ofctl
reads what it writes of mirrors' flows (docs/apps/mirrors.md), from real
switches on two hosts.  What mirrors of all kinds have in common is in
test_mirrors.py."""

import os
import re

import pytest
from app_lab import app_lab, close_world
from conftest import World, make_lab, wait_quiet
from test_capture import datagrams
from test_mirrors import status_of

from vmnlab import frames, netns
from vmnlab.api import Refused
from vmnlab.netns import wait_for

IDS = "ids0"


def attach(host, name=IDS, *settings):
    host.vsctl("add-port", "br-int", name, "--", "set", "interface", name,
               "type=internal", *settings)
    netns.ip(host.ns, "link set %s up" % name)


def detach(host, name=IDS):
    host.vsctl("--if-exists", "del-port", "br-int", name)


@pytest.fixture(scope="module")
def lab():
    with app_lab(make_lab("mirrloc", 2), "mirrors") as lab:
        yield lab


@pytest.fixture(name="world")
def _world(lab):
    world = World(lab)
    world.network("net", "10.0.0.0/24")
    for i, (name, host) in enumerate((("a", "h1"), ("b", "h1"), ("c", "h2")),
                                     1):
        world.vm(name, "net", host, "10.0.0.%d" % i)
    yield world
    close_world(world, "mirrors")
    for host in lab.hosts:
        detach(host)


def mirror(world, name="m", **spec):
    """A mirror whose hosts have what it takes."""
    world.put("mirrors", name, **spec)
    wait_for("the mirror's interfaces", lambda: "problem" not in
             status_of(world, name), 30)
    wait_quiet(world.lab)
    world.revalidated()


class Sensor:
    """What listens on such an interface of a host."""

    def __init__(self, host, link=IDS):
        self.capture = frames.Capture(host.ns, link)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.capture.close()

    def seen(self, size=None):
        return [f for f in self.capture.read()
                if frames.parse(f)["kind"] == 0x800
                and (len(f) == size or (frames.of_udp(f) or (0, 0))[1] == 7)]

    def gets(self, wanted, size=None):
        """Waits until it has got just these, in any order."""
        wait_for("copies", lambda: len(self.seen(size)) >= len(wanted), 30)
        assert sorted(self.seen(size)) == sorted(wanted)


# To an interface.  -----------------------------------------------------------

def test_each_host_has_its_own(world, lab):
    """Of what VMs send and get, byte by byte, on the host that they are on;
    and what is longer than is asked for is cut in the copy alone."""
    a, b, c = (lab.vm(name) for name in "abc")
    h1, h2 = lab.hosts
    for host in lab.hosts:
        attach(host)
    mirror(world, ports=["a", "c"], to_interface=IDS)
    out, back, aside = (datagrams(a, c, 20), datagrams(c, a, 20),
                        datagrams(b, a, 5))
    with Sensor(h1) as at_h1, Sensor(h2) as at_h2, \
            frames.Capture(c.ns) as at_c:
        frames.send(a, *out)
        frames.send(c, *back)
        frames.send(b, *aside)
        at_h1.gets(out + back + aside)
        at_h2.gets(out + back)
        wait_for("what is sent", lambda: set(out) <= set(at_c.read()), 30)
    status = status_of(world)
    assert status["active"] and status["hosts"] == ["h1", "h2"]
    for name, n in (("h1", 2), ("h2", 1)):
        host = world.api.get("hosts/" + name)["status"]
        # It is no VM without a network.
        assert host["ports"] == n and not host.get("unclaimed"), host
    wait_for("counters", lambda: status_of(world)["packets"] >= 85, 30)
    mirror(world, ports=["c"], to_interface=IDS, max_size=100,
           direction="ingress")
    small, large = datagrams(a, c, 3), datagrams(a, c, 3, size=1000)
    with Sensor(h2) as at_h2, frames.Capture(c.ns) as at_c:
        frames.send(a, *small, *large)
        at_h2.gets(small + [frame[:100] for frame in large], 100)
        wait_for("what is sent", lambda: set(small + large)
                 <= set(at_c.read()), 30)


def test_a_host_without_it_is_named(world, lab):
    """Others copy; it does so once the interface is there, which is no port
    of anybody's."""
    a, c = lab.vm("a"), lab.vm("c")
    h1, h2 = lab.hosts
    attach(h2, IDS, "external_ids:iface-id=c-too")
    world.put("mirrors", "m", ports=["a", "c"], to_interface=IDS)
    wait_for("no host", lambda: not status_of(world)["active"], 30)
    assert "host h1 and 1 more: no interface \"ids0\"" \
        in status_of(world)["problem"]
    attach(h1)
    wait_for("h1", lambda: status_of(world)["active"], 30)
    assert "host h2: no interface" in status_of(world)["problem"]
    wait_quiet(lab)
    world.revalidated()
    out = datagrams(a, c, 5)
    with Sensor(h1) as at_h1, Sensor(h2) as at_h2:
        frames.send(a, *out)
        at_h1.gets(out)
        assert not at_h2.seen()
    h2.vsctl("remove", "interface", IDS, "external_ids", "iface-id")
    wait_for("h2", lambda: "problem" not in status_of(world), 30)
    wait_quiet(lab)
    world.revalidated()
    with Sensor(h1) as at_h1, Sensor(h2) as at_h2:
        frames.send(a, *out)
        at_h1.gets(out)
        at_h2.gets(out)
    detach(h1)
    wait_for("h1", lambda: "host h1: no interface" in
             status_of(world).get("problem", ""), 30)
    # What it does not copy goes on as ever.
    with frames.Capture(c.ns) as at_c:
        frames.send(a, *out)
        wait_for("packets", lambda: set(out) <= set(at_c.read()), 30)


def test_who_listens_sends_nothing_and_costs_nothing(world, lab):
    """Whatever leaves there is dropped by the switch; and what is over the
    limit is lost to the sensor alone, also where vmnd starts anew."""
    a, c = lab.vm("a"), lab.vm("c")
    h1 = lab.hosts[0]
    attach(h1)
    mirror(world, ports=["a"], to_interface=IDS, max_pps=10,
           direction="egress")
    assert lab.vmnd.stop() == 0
    lab.vmnd.start()
    wait_quiet(lab)
    forged, out = datagrams(c, a, 3), datagrams(a, c, 100)
    with frames.Capture(a.ns) as at_a, frames.Capture(c.ns) as at_c, \
            Sensor(h1) as at_h1:
        frames.send_on(h1.ns, IDS, *forged)
        frames.send(a, *out)
        wait_for("packets", lambda: set(out) <= set(at_c.read()), 30)
        wait_for("copies", at_h1.seen, 30)
        # All have been looked at for a copy by then.
        wait_for("counters", lambda: sum(map(int, re.findall(
            r"n_packets=(\d+),.*clone\(.*max_len=",
            h1.ofctl("dump-flows", "br-int")))) >= 100, 30)
        assert set(at_h1.seen()) <= set(out)
        assert not set(forged) & set(at_a.read())
        assert len(at_h1.seen()) < len(out)


# One of so many.  ------------------------------------------------------------

def test_some_connections_are_copied_whole(world, lab):
    """Both directions of these, and the same ones on each host."""
    a, c = lab.vm("a"), lab.vm("c")
    for host in lab.hosts:
        attach(host)
    mirror(world, ports=["a", "c"], to_interface=IDS, sampling=4,
           filters=[{"protocol": "udp", "prefix": "10.0.0.0/24"}])
    n, sent = 200, []
    for port in range(2000, 2000 + n):
        there = frames.udp(c.mac, a.mac, a.ip, c.ip, port, 7,
                           b"there".ljust(20))
        back = frames.udp(a.mac, c.mac, c.ip, a.ip, 7, port,
                          b"back".ljust(20))
        sent.append((there, back))

    def chosen(frames_):
        return [i for i, pair in enumerate(sent)
                if pair[0] in frames_ and pair[1] in frames_]
    h1, h2 = lab.hosts
    with Sensor(h1) as at_h1, Sensor(h2) as at_h2, \
            frames.Capture(a.ns) as at_a, frames.Capture(c.ns) as at_c:
        for i in range(0, n, 20):
            there, back = map(list, zip(*sent[i:i + 20]))
            frames.send(a, *there)
            frames.send(c, *back)
            # What is still on its way would be copied by the other mirror.
            wait_for("packets", lambda t=there, b=back: set(t) <= set(
                at_c.read()) and set(b) <= set(at_a.read()), 30)
        # A mirror of all is what comes last.
        mirror(world, "all", ports=["a"], to_interface=IDS)
        last = datagrams(a, c, 1, port=9)
        frames.send(a, *last)
        wait_for("the last one", lambda: last[0] in at_h1.capture.read(), 30)
        found = [set(s.capture.read()) & {f for pair in sent for f in pair}
                 for s in (at_h1, at_h2)]
    for got in found:
        assert n / 8 < len(chosen(got)) < n / 2
        assert len(got) == 2 * len(chosen(got))
    assert found[0] == found[1]


# What a switch is given back.  -----------------------------------------------

def written(host):
    """The switch's flows, as ovs-ofctl writes them."""
    text = host.ofctl("dump-flows", "br-int", "--no-names", "--no-stats")
    return sorted(re.sub("(idle|hard)_age=[^,]*,", "", line)
                  for line in text.splitlines() if "OFPST_FLOW" not in line)


def test_flows_can_be_written_down_and_read_again(world, lab):
    """By ovs-ofctl: of mirrors of all kinds, and of all else that is in their
    tables.  (Meters stay; what restarts a switch does not save these.)  And
    then copies that are too many are lost, and packets not."""
    a, b, h1 = lab.vm("a"), lab.vm("b"), lab.hosts[0]
    attach(h1)
    mirror(world, "file", ports=["a"], sampling=3)
    mirror(world, "port", ports=["a"], to_port="c", sampling=5)
    mirror(world, "here", ports=["a"], to_interface=IDS, max_size=64,
           max_pps=1)
    mirror(world, "gre", ports=["a"], to_remote="10.99.9.9", max_size=64)
    mirror(world, "erspan", ports=["a"], to_remote="10.99.9.9",
           encap="erspan", erspan_ver=2)
    lines = written(h1)
    tables = {re.search(r"table=(\d+)", line).group(1) for line in lines
              if "clone(" in line or "actions=meter:" in line
              or "symmetric_l3l4" in line}
    assert len(tables) >= 3

    def of_tables(flows):
        return [line for line in flows for table in
                re.findall(r"table=(\d+)", line)[:1] if table in tables]
    assert sum("clone(" in line and "max_len=64" in line
               for line in lines) == 4
    path = os.path.join(lab.dir, "flows.dump")
    with open(path, "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")
    for table in sorted(tables):
        h1.ofctl("del-flows", "br-int", "table=" + table)
    assert not of_tables(written(h1))
    h1.ofctl("add-flows", "br-int", path, "--bundle")
    assert of_tables(written(h1)) == of_tables(lines)
    world.revalidated()
    out = datagrams(a, b, 100)
    with frames.Capture(b.ns) as at_b, Sensor(h1) as at_h1:
        frames.send(a, *out)
        wait_for("packets", lambda: set(out) <= set(at_b.read()), 30)
        wait_for("copies", lambda: at_h1.seen(64), 30)


# Mistakes.  ------------------------------------------------------------------

@pytest.mark.parametrize("spec, pointer", [
    ({"to_interface": "a-name-too-long-"}, "/to_interface"),
    ({"to_interface": "ids 0"}, "/to_interface"),
    ({"to_interface": "ids0", "to_port": "b"}, "/to_interface"),
    ({"to_interface": "ids0", "to_remote": "10.99.9.9"}, "/to_interface"),
    ({"to_interface": "ids0", "key": 1}, "/to_remote"),
    ({"sampling": 0}, "/sampling"),
    ({"sampling": 1001}, "/sampling"),
])
def test_mistakes_are_named(world, spec, pointer):
    with pytest.raises(Refused) as refused:
        world.api.put("mirrors/m", {"ports": ["a"], **spec})
    assert refused.value.status == 400
    assert "/spec" + pointer in [
        e["pointer"] for e in refused.value.problem["errors"]]
