# SPDX-License-Identifier: Apache-2.0
"""Guaranteed rates (docs/apps/qos.md): the queues of the interfaces that
packets leave hosts by, and what leaves by which.  Only the kernel's datapath
has queues: `tests/run kernel`.  That a queue gets its part of a full uplink is
seen by the order in which packets arrive that were sent at once, however long
they take."""

import contextlib
import re
import socket

import pytest
from app_lab import app_lab
from conftest import check_log, flows, kernel_only, make_token_lab
from tenants import PORT
from test_live_apps import verify
from test_qos import Place

from vmnlab import netns
from vmnlab.netns import PATIENCE, socket_in, wait_for
from vmnlab.stream import Streams

KBPS = 1000                     # What the uplink carries.
N = 250                         # Datagrams that a VM sends, and their bytes:
SIZE = 1350                     # three seconds of the uplink.
UDP_PORT = 9100
SO_SNDBUFFORCE = 32
BUFFER_SIZE = 8 << 20

pytestmark = kernel_only


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = make_token_lab("qos", 2, tmp_path_factory.mktemp("api"), PORT)
    with app_lab(lab, "qos"):
        yield lab


@pytest.fixture(scope="module")
def ports(lab):
    world = Place(lab)
    world.network("net", "10.0.0.0/24")
    for i, (name, host) in enumerate((("a", "h1"), ("b", "h1"), ("c", "h2")),
                                     1):
        world.vm(name, "net", host, ["10.0.0.%d" % i],
                 labels={"role": "vm", "name": name})
    yield
    world.close()


@pytest.fixture
def world(lab, ports):
    world = Place(lab)
    yield world
    world.close()
    wait_for("no queues", lambda: not classes(world), 20)
    verify(lab)
    check_log(lab.vmnd)


def sent(world, *pairs):
    """Has packets of streams flow that no queue is too small for, and returns
    how many were sent; all arrive."""
    streams = Streams(200)
    for a, b in pairs:
        streams.add(a + b, world.lab.vm(a), world.lab.vm(b))
    with streams:
        found = streams.run(0.2).stop(whole=[a + b for a, b in pairs])
    for result in found.values():
        assert result.sent and not result.lost, str(result)
    return sum(len(result.sent) for result in found.values())


def put_uplink(world, **spec):
    world.put("qos-uplinks", "up", **dict({"interface": "u0",
                                           "max_kbps": KBPS}, **spec))


def unguaranteed(world, name):
    return world.api.get("qos-policies/" + name)["status"].get("unguaranteed",
                                                               [])


def qos_of(world, host):
    return world.lab.host(host).vsctl("get", "Port", "u0", "qos").strip()


def classes(world):
    """The queues of h1's uplink as the kernel has them: {number: (packets that
    have left by it, packets that wait in it)}."""
    text = netns.run(["tc", "-s", "class", "show", "dev", "u0"],
                     ns=world.lab.host("h1").ns)
    return {int(minor, 16) - 1: (int(sent), int(waiting))
            for minor, sent, waiting in re.findall(
                r"^class htb 1:(\w+) parent .*\n"
                r" Sent \d+ bytes (\d+) pkt .*\n"
                r" backlog \S+ (\d+)p", text, re.MULTILINE)}


def guaranteed(world):
    """The numbers of those queues that are VMN's; they come some time after
    the flows, which `wait` does not wait for.  Where there are no queues, none
    has a packet overtake others, or wait for them."""
    numbers = [number for number in classes(world) if 32768 <= number < 61440]
    assert all((number + 1) % 16 >= 8 for number in numbers), numbers
    return numbers


def sets_queue(world, host="h1"):
    return any("set_queue" in flow.actions
               for flow in flows(world.lab.host(host)).values())


def open_in(stack, vm):
    return stack.enter_context(
        socket_in(vm.ns, socket.AF_INET, socket.SOCK_DGRAM))


def receive(sink, n):
    """The addresses that so many datagrams come from, in order."""
    sources = []
    while len(sources) < n:
        try:
            sources.append(sink.recvfrom(SIZE)[1][0])
        except socket.timeout:
            pytest.fail("of %d datagrams there came %s" % (n, sources))
    return sources


def arrivals(world):
    """Has VMs a and b send N datagrams each to c, by turns, and returns whose
    have arrived, in order.  The VMs send them as fast as they can, and the
    uplink takes much longer for them, so they wait in its queues."""
    a, b, c = (world.lab.vm(name) for name in "abc")
    with contextlib.ExitStack() as stack:
        sink = open_in(stack, c)
        netns.deepen(sink, BUFFER_SIZE)
        sink.bind((c.ip, UDP_PORT))
        sink.settimeout(10 * PATIENCE)
        sources = [open_in(stack, vm) for vm in (a, b)]
        for source in sources:
            # What waits in a queue counts to its sender's buffer.  By default
            # that is full with 90 packets, and who sends by turns waits for
            # the slower queue: then both get the same.
            source.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_SIZE)
            source.connect((c.ip, UDP_PORT))
        # By the switches themselves: then their datapaths have flows for it.
        for _ in range(3):
            for source in sources:
                source.send(bytes(SIZE))
                receive(sink, 1)
        for _ in range(N):
            for source in sources:
                source.send(bytes(SIZE))
        return "".join("a" if ip == a.ip else "b"
                       for ip in receive(sink, 2 * N))


def share_before(order):
    """Which part of b's datagrams arrives before the last one of a's."""
    return order[:order.rindex("a")].count("b") / order.count("b")


@pytest.mark.parametrize("spec", [
    {"ports": ["a"], "min_kbps": 900},
    {"selector": "name=a", "shared_min_kbps": 900},
], ids=["of-a-port", "shared"])
def test_guaranteed_rate_holds_where_an_uplink_is_full(world, spec):
    """Tunnels leave by it.  In one queue they keep their order; where a's have
    nine tenths of the uplink, a ninth of b's arrives with them."""
    put_uplink(world)
    wait_for("the queues", lambda: classes(world), 20)
    order = arrivals(world)
    assert share_before(order) >= 0.9, order
    world.policy("p", **spec)
    wait_for("a queue", lambda: len(guaranteed(world)) == 1, 20)
    wait_for("it to hold", lambda: not unguaranteed(world, "p"), 20)
    world.revalidated()
    order = arrivals(world)
    assert share_before(order) <= 1 / 2, order
    world.delete("qos-uplinks", "up")
    wait_for("no queues", lambda: qos_of(world, "h1") == "[]"
             and not classes(world), 20)
    assert unguaranteed(world, "p") == ["h1: it has no uplink"]
    sent(world, ("a", "c"), ("b", "c"))


def test_ports_of_a_policy_share_a_queue(world):
    put_uplink(world, max_kbps=100000)
    world.policy("p", selector="role=vm", shared_min_kbps=500)
    wait_for("a queue", lambda: len(guaranteed(world)) == 1, 20)
    number, = guaranteed(world)
    world.revalidated()
    before = classes(world)[number][0]
    n = sent(world, ("a", "c"), ("b", "c"))
    assert classes(world)[number][0] - before >= n
    # One that has more of its own has no part in it.
    world.policy("q", ports=["b"], min_kbps=200)
    wait_for("another", lambda: len(guaranteed(world)) == 2, 20)
    world.delete("qos-policies", "p")
    wait_for("one", lambda: len(guaranteed(world)) == 1, 20)
    assert guaranteed(world) != [number]


def test_uplink_keeps_the_queues_of_others(world):
    """And what goes by which: VMN's numbers are none that operators use."""
    host = world.lab.host("h1")
    host.vsctl("set", "Port", "u0", "qos=@q", "--", "--id=@q", "create", "QoS",
               "type=linux-htb", "other-config:max-rate=100000000",
               *("queues:%d=@a" % number for number in range(1, 10)), "--",
               "--id=@a", "create", "Queue", "other-config:max-rate=20000")
    qos = qos_of(world, "h1")
    try:
        put_uplink(world, hosts=["h1"])
        world.policy("p", ports=["a"], min_kbps=500)
        world.policy("q", ports=["b"], shared_min_kbps=200)
        wait_for("the reason", lambda: "has a QoS that was not made by" in str(
            world.api.get("hosts/h1")["status"].get("reason")), 20)
        assert sets_queue(world)
        wait_for("the policies' status", lambda: all(
            "\"u0\" has no queues" in str(unguaranteed(world, name))
            for name in "pq"), 20)
        world.revalidated()
        sent(world, ("a", "c"), ("b", "c"))
        assert [classes(world)[n][0] for n in range(1, 10)] == [0] * 9
        assert qos_of(world, "h1") == qos
    finally:
        host.vsctl("clear", "Port", "u0", "qos", "--", "--all", "destroy",
                   "QoS", "--", "--all", "destroy", "Queue")


def test_no_more_is_guaranteed_than_an_uplink_carries(world):
    """Nine tenths; those that are shared come first, and then others by
    their names."""
    more = ": more than nine tenths of its least uplink"
    put_uplink(world, hosts=["h1"])
    world.policy("p", selector="role=vm", min_kbps=500)
    wait_for("the queues", lambda: unguaranteed(world, "p") == [
        "h1" + more, "h2: it has no uplink"], 20)
    put_uplink(world, max_kbps=2000)
    wait_for("the queues", lambda: not unguaranteed(world, "p"), 20)
    world.policy("q", ports=["b"], min_kbps=1500)
    wait_for("the queues", lambda: (
        unguaranteed(world, "q") == ["h1" + more]
        and not unguaranteed(world, "p")), 20)
    put_uplink(world, interface="nowhere")
    wait_for("the reason", lambda: "\"nowhere\" is no port" in str(
        world.api.get("hosts/h1")["status"].get("reason")), 20)
    wait_for("no queues", lambda: qos_of(world, "h1") == "[]", 20)
    assert unguaranteed(world, "q") == ["h1" + more]
    for i in range(4):
        world.put("qos-uplinks", "up%d" % i, interface="n%d" % i,
                  max_kbps=1000)
    assert unguaranteed(world, "q") == ["h1: it has too many uplinks"]
