# SPDX-License-Identifier: Apache-2.0
"""Open connections that are translated (source NAT, floating addresses, port
forwards, virtual IPs) while a cluster gets another writer: none loses a
packet.  A change ends the connections that it concerns, and no others, whether
the new writer makes it, or the former one did right before it was killed."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import wait_quiet
from test_cluster_hosts import cluster_lab, use_member
from test_forgotten import (FLOATING, NEAR, NEAR6, OURS, OURS6, RO, RO6, RW,
                            RW6, Flow, external, furnish)

from vmnlab import traffic
from vmnlab.netns import wait_for

PORTS = {"tcp": 80, "udp": 53}
FORWARD_PORTS = {"tcp": 8080, "udp": 5353}
REMOVED_PORTS = {"tcp": 8081, "udp": 5354}
ADDRESSES = {
    "4": {"ours": OURS, "near": NEAR, "rw": RW, "ro": RO,
          "floating": FLOATING[:-1] + "%d"},
    "6": {"ours": OURS6, "near": NEAR6, "rw": RW6, "ro": RO6,
          "floating": "fd51::3%d"}}
FAMILIES = sorted(ADDRESSES)


@pytest.fixture(scope="module")
def place():
    """The VM of each floating address is on a host of its own: "a2" on one
    that is on the physical network."""
    with cluster_lab("cco", 3) as (lab, cluster):
        use_member(lab, cluster.writer())
        lab.vmnd.api.apply([lab.host_object(h) for h in lab.hosts])
        lab.await_synced()
        world = furnish(lab, "h1", "h2")
        world.vm("d", "net", "h3", ["10.0.0.4", "fd00::4"], tcp=[80],
                 udp=[53]).await_addresses()
        world.cluster = cluster
        yield world
        world.close()


def floating(family, n):
    return ADDRESSES[family]["floating"] % n


def objects(changed=""):
    """All that translates; those of the families 'changed' have another
    server."""
    def of(family, before, after):
        return after if family in changed else before

    found = [("routers", "r", {
        "interfaces": [{"network": "net"}],
        "external": external([
            {"protocol": protocol, "port": ports[protocol], "address":
             ADDRESSES[family]["ours"], "to": of(family, "a1", "a2"),
             "target": PORTS[protocol]}
            for protocol in PORTS for family in FAMILIES
            for ports in of(family, (FORWARD_PORTS, REMOVED_PORTS),
                            (FORWARD_PORTS,))])})]
    for family in FAMILIES:
        for name, n, port in (("central", 0, of(family, "c", "d")),
                              ("distributed", 1, of(family, "a2", "c"))):
            found.append(("floating-ips", name + family, {
                "router": "r", "ip": floating(family, n), "port": port}))
        for n, (protocol, name) in enumerate(
                ((p, n) for p in PORTS for n in ("rw", "ro")), 2):
            balancer = "%s-%s%s" % (name, protocol, family)
            found.append(("loadbalancers", balancer, {
                "vip": ADDRESSES[family][name], "networks": ["net"],
                "protocol": protocol, "ports": [{"port": PORTS[protocol]}],
                "backends": [{"port": of(family, "a1", "a2")
                              if name == "rw" else "a1"}]}))
            found.append(("floating-ips", balancer, {
                "router": "r", "ip": floating(family, n),
                "load_balancer": balancer}))
    return [{"type": kind, "name": name, "spec": spec}
            for kind, name, spec in found]


def kinds(family, protocol):
    """Returns {kind: (client, address, port, who answers, and who after the
    change; "refused", or None: the same)}."""
    a, port = ADDRESSES[family], PORTS[protocol]
    n = 2 if protocol == "tcp" else 4
    return {
        "source NAT": ("a1", a["near"], port, ("near", a["ours"]), None),
        "floating, central": (
            "near", floating(family, 0), port, ("c",), ("d",)),
        "floating, distributed": (
            "near", floating(family, 1), port, ("a2",), ("c",)),
        "port forward": (
            "near", a["ours"], FORWARD_PORTS[protocol], ("a1",), ("a2",)),
        "port forward, removed": (
            "near", a["ours"], REMOVED_PORTS[protocol], ("a1",), "refused"),
        "virtual IP": ("c", a["rw"], port, ("a1",), ("a2",)),
        "other virtual IP": ("c", a["ro"], port, ("a1",), None),
        "virtual IP, outside": (
            "near", floating(family, n), port, ("a1",), ("a2",)),
        "other virtual IP, outside": (
            "near", floating(family, n + 1), port, ("a1",), None),
    }


@pytest.fixture
def held(place):
    """Open connections of all kinds: {(family, protocol, kind): Flow}."""
    place.api.apply(objects(), prune="changes", wait="installed", timeout=60)
    place.revalidated()
    found = {}
    for family in FAMILIES:
        for protocol in PORTS:
            for kind, (client, ip, port, who, _) in kinds(
                    family, protocol).items():
                found[family, protocol, kind] = Flow(
                    place, client, ip, port, protocol, who)
    yield found
    for flow in found.values():
        flow.held.close()


def kill_writer(place):
    writer = place.cluster.writer()
    writer.kill()
    return writer


def take_over(place, writer):
    """Waits for the next writer, and for all hosts to have its state."""
    successor = place.cluster.writer(but=[writer])
    use_member(place.lab, successor)
    place.api = successor.api
    place.lab.await_synced(seconds=60)
    wait_quiet(place.lab)


def come_back(place, writer):
    writer.start()
    wait_for("%s to follow" % writer.name,
             lambda: place.cluster.follows(writer), 60)


def none_lost(held, function):
    """Fails if a packet of the connections is lost before function() returns.
    Each sends the next one when it has the answer, so none waits in a buffer
    for long."""
    with ThreadPoolExecutor() as pool:
        done = pool.submit(function)
        number = 0
        while not done.done() or number < 2:
            number += 1
            text = "number %d" % number
            for flow in held.values():
                flow.held.sock.send(text.encode() + b"\n")
            for key, flow in held.items():
                answer = flow.held.line(20)
                assert answer and answer.endswith(text), (key, answer)
        done.result()
        print("%d packets of each" % number)


def come_to(place, held, changed):
    """Each connection of the families 'changed' whose server is another, or
    gone, has ended, the others go on, and new ones fare by the change."""
    place.revalidated()
    for (family, protocol, kind), flow in held.items():
        client, ip, port, who, after = kinds(family, protocol)[kind]
        if family not in changed or not after:
            flow.becomes(who)
            continue
        flow.becomes("reset" if protocol == "tcp" else after)
        server = after[0] if after != "refused" else None
        wait_for("%s at %s" % (server, ip), lambda: traffic.ask(
            flow.client, ip, port, protocol, 2.0) == server, 30)


@pytest.mark.parametrize("changed", FAMILIES, ids="ipv{}".format)
def test_new_writer_ends_what_it_changes(place, held, changed):
    writer = kill_writer(place)
    none_lost(held, lambda: take_over(place, writer))
    place.api.apply(objects(changed), wait="installed", timeout=60)
    come_to(place, held, changed)
    come_back(place, writer)


@pytest.mark.parametrize("changed,cut", [("4", False), ("6", True)],
                         ids=["ipv4", "ipv6-host-cut-off"])
def test_change_of_a_writer_that_is_killed_ends_connections(
        place, held, changed, cut):
    """Also on a host that no member reaches meanwhile."""
    host = place.lab.host("h1")
    if cut:
        host.cut()
    try:
        place.api.apply(objects(changed))
        writer = kill_writer(place)
        place.cluster.writer(but=[writer])
    finally:
        host.heal()
    take_over(place, writer)
    come_to(place, held, changed)
    come_back(place, writer)
