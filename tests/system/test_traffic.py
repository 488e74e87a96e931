# SPDX-License-Identifier: Apache-2.0
"""Who sends how much to whom (docs/apps/traffic.md, GET /v1/traffic): app
traffic, real packets between VMs of two hosts, and the switches' counters.

A switch counts a pair from when it has learned it: the first packets of each
may be missing, so tests let a pair be learned before they count.  From then on
what is counted is exact: all that a VM has got is there, no byte more."""

import os

import pytest
from conftest import (World, check_log, close_lab, flows, make_token_lab,
                      wait_counted, wait_quiet)
from tenants import PORT, make_tenant
from test_capture import datagrams
from test_live_apps import ctl, verify

from vmnlab import frames, traffic
from vmnlab.api import Refused
from vmnlab.netns import wait_for

APP = os.path.join(os.environ.get("VMN_APPDIR", "_build/normal/appdir"),
                   "traffic.so")
PAIR_TABLES = (243, 244)        # Of all other sources, and of pairs.
PAIRS_MAX = 2048                # Of a domain, on a host.
SIZE = 1000
HOSTS = {"a": "h1", "b": "h1", "c": "h2", "r": "h2", "(no port)": "(no port)"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = make_token_lab("traffic", 2, tmp_path_factory.mktemp("api"), PORT,
                         "--count-interval=1")
    ctl(lab, "app", "load", APP, "--wait")
    wait_quiet(lab)
    yield lab
    close_lab(lab)


@pytest.fixture(name="world", scope="module")
def _world(lab):
    world = World(lab)
    world.put("networks", "net", subnets=[
        {"cidr": "10.0.0.0/24", "gateway": "10.0.0.1"},
        {"cidr": "fd00::/64", "gateway": "fd00::1"}])
    world.put("networks", "far", subnets=[
        {"cidr": "10.1.0.0/24", "gateway": "10.1.0.1"}])
    world.put("routers", "core",
              interfaces=[{"network": "net"}, {"network": "far"}])
    for i, (name, host, labels) in enumerate(
            (("a", "h1", {"app": "web", "project": "shop"}),
             ("b", "h1", {"app": "web", "project": "bank"}),
             ("c", "h2", {"app": "db", "project": "bank"})), 11):
        world.vm(name, "net", host, ["10.0.0.%d" % i, "fd00::%d" % i],
                 tcp=[80], labels=labels)
    world.vm("r", "far", "h2", "10.1.0.11", tcp=[80])
    world.put("traffic-counts", "net", networks=["net"])
    for name in "abcr":
        lab.vm(name).await_addresses()
    yield world
    for item in world.api.get("traffic-counts")["items"]:
        world.api.delete("traffic-counts/" + item["name"], wait="installed")
    world.close()
    verify(lab)
    check_log(lab.vmnd)


def ask(world, **query):
    return world.api.get("traffic", **query)


def pairs(reply):
    return {(p["src"], p["dst"]): p for p in reply["pairs"]
            if not p.get("src_deleted") and not p.get("dst_deleted")}


def bytes_of(world, src, dst):
    pair = pairs(ask(world)).get((src, dst))
    return pair["bytes"] if pair else 0


def learned(world, a, b):
    """Has the pair learned: packets are sent until one was counted, and then
    what is counted stands still."""
    def is_there():
        frames.send(a, *datagrams(a, b, 1, SIZE))
        return bytes_of(world, a.name, b.name) > 0
    wait_counted("%s to %s" % (a.name, b.name), is_there, 0.2)
    return still(world, a, b)


def still(world, a, b):
    """What is counted when nothing is on its way any more: when switches have
    what their datapaths counted, and after two more readings of all hosts, of
    which the second has begun since."""
    world.revalidated()
    for _ in range(2):
        before = world.api.get("traffic")["counted"]
        wait_counted("a reading", lambda: world.api.get("traffic")["counted"]
                     > before, 0.1)
    return bytes_of(world, a.name, b.name)


def exchange(src, dst, n):
    """Sends datagrams, and returns them when all were got.  No more are on
    their way at a time than buffers hold."""
    sent = datagrams(src, dst, n, SIZE)
    with frames.Capture(dst.ns) as capture:
        for i in range(0, n, 20):
            frames.send(src, *sent[i:i + 20])
            wait_for("the datagrams", lambda end=i + 20: len(
                [f for f in capture.read() if f in sent]) == end, 30)
    return sent


def test_bytes_of_pairs_are_exact(world, lab):
    """What a VM has got is counted for the pair, frame by frame, on one host
    and across hosts."""
    a, b, c = (lab.vm(name) for name in "abc")
    for src, dst, hosts in ((a, c, ("h1", "h2")), (a, b, ("h1", "h1")),
                            (c, a, ("h2", "h1"))):
        before = learned(world, src, dst)
        total = before + sum(len(f) for f in exchange(src, dst, 200))
        wait_for("the counters", lambda: bytes_of(
            world, src.name, dst.name) >= total, 30)
        assert still(world, src, dst) == total
        pair = pairs(ask(world))[src.name, dst.name]
        assert (pair["src_host"], pair["dst_host"]) == hosts
        assert pair["cross_host_bytes"] == (0 if hosts[0] == hosts[1]
                                            else pair["bytes"])
        assert "uncertain_bytes" not in pair


def check_hosts(world):
    """Each pair of hosts has the bytes of the ports that are there."""
    def of_one_moment():
        replies = ask(world), ask(world, group_by="host")
        return replies if replies[0]["bytes"] == replies[1]["bytes"] else None
    by_port, by_host = wait_for("two answers of one moment", of_one_moment, 30)
    sums = {}
    for pair in by_port["pairs"]:
        ends = HOSTS[pair["src"]], HOSTS[pair["dst"]]
        sums[ends] = sums.get(ends, 0) + pair["bytes"]
    assert sums == {ends: p["bytes"] for ends, p in pairs(by_host).items()}
    assert sums["h1", "h2"] and sums["h2", "h1"] and sums["h1", "h1"]
    assert {ends: p["cross_host_bytes"] for ends, p in
            pairs(by_host).items()} == {
                ends: n * (ends in (("h1", "h2"), ("h2", "h1")))
                for ends, n in sums.items()}


def test_sums_and_groups(world):
    """Groups have the bytes of their pairs, and sums those of all."""
    # Those of one moment: guests say something at times.
    reply = ask(world)
    total = sum(p["bytes"] for p in reply["pairs"])
    assert reply["bytes"] == total and reply["matching"] == len(
        reply["pairs"])
    assert reply["same_host_bytes"] + reply["cross_host_bytes"] \
        + reply["other_bytes"] == total
    share = reply["cross_host_bytes"] / (reply["cross_host_bytes"]
                                         + reply["same_host_bytes"])
    assert abs(reply["cross_host_share"] - share) < 1e-9
    assert 0.3 < share < 0.9
    sent = {t["name"]: t["sent_bytes"] for t in reply["talkers"]}
    for name in "abc":
        assert sent[name] == sum(p["bytes"] for p in reply["pairs"]
                                 if p["src"] == name)
    order = [p["bytes"] for p in reply["pairs"]]
    assert order == sorted(order, reverse=True)
    assert len(ask(world, limit=1)["pairs"]) == 1
    check_hosts(world)
    by_label = pairs(ask(world, group_by="label", label="app"))
    assert by_label["web", "db"]["bytes"] >= pairs(reply)["a", "c"]["bytes"]
    assert by_label["web", "web"]["bytes"] >= pairs(reply)["a", "b"]["bytes"]
    assert pairs(ask(world, group_by="network"))["net", "net"]["bytes"] \
        >= total - reply["other_bytes"]
    assert all("b" in key for key in pairs(ask(world, port="b")))
    assert ask(world, since="2100-01-01T00:00:00Z")["pairs"] == []
    shown = ctl(world.lab, "top", "traffic", "--by", "label=app",
                "--since", "1h")
    assert "TALKER" in shown and "CROSS-HOST" in shown
    assert ["web", "db"] in [line.split()[:2] for line in shown.splitlines()]


def test_ports_count_in_each_of_their_groups(world):
    """Also by another group; and in sums once."""
    world.put("groups", "fronts", selector="app=web")
    world.put("groups", "named", ports=["b", "c"])
    world.put("groups", "all", groups=["fronts", "named"])

    def of_one_moment():
        replies = ask(world), ask(world, group_by="group")
        return replies if replies[0]["bytes"] == replies[1]["bytes"] else None
    by_port, by_group = wait_for("two answers of one moment", of_one_moment,
                                 30)
    groups = {"a": ("all", "fronts"), "b": ("all", "fronts", "named"),
              "c": ("all", "named"), "r": ("(none)",),
              "(no port)": ("(no port)",)}
    sums, sent = {}, {}
    for pair in by_port["pairs"]:
        for src in groups[pair["src"]]:
            sent[src] = sent.get(src, 0) + pair["bytes"]
            for dst in groups[pair["dst"]]:
                sums[src, dst] = sums.get((src, dst), 0) + pair["bytes"]
    assert sums == {ends: p["bytes"] for ends, p in pairs(by_group).items()}
    assert {t["name"]: t["sent_bytes"] for t in by_group["talkers"]} \
        == {name: sent.get(name, 0) for name in
            {"all", "fronts", "named", *sent}}
    assert sums["fronts", "named"] and sums["fronts", "fronts"]
    assert by_group["cross_host_bytes"] == by_port["cross_host_bytes"]
    shown = ctl(world.lab, "top", "traffic", "--by", "group")
    assert ["all", "all"] in [line.split()[:2] for line in shown.splitlines()]
    for name in ("all", "named", "fronts"):
        world.delete("groups", name)


def forwarded(world):
    return world.api.get("routers/core")["status"]["traffic"]


def test_a_router_tells_what_it_has_forwarded(world, lab):
    """Each packet once, whichever hosts it passes; what stays in a network is
    none of it."""
    a, b, r = (lab.vm(name) for name in "abr")
    mac = world.api.get("routers/core")["status"]["mac"]

    def settled():
        still(world, a, b)
        return forwarded(world)

    def send(n):
        sent = [frames.udp(mac, a.mac, a.ip, r.ip, 1000, i, bytes(SIZE))
                for i in range(7, 7 + n)]
        with frames.Capture(r.ns) as capture:
            frames.send(a, *sent)
            wait_for("the datagrams", lambda: len(
                [f for f in capture.read() if SIZE < len(f)]) >= n, 15)

    # The way is learned first: a first packet may be lost.
    first = forwarded(world)["packets"]

    def is_learned():
        frames.send(a, frames.udp(mac, a.mac, a.ip, r.ip, 1000, 7, b"x"))
        return forwarded(world)["packets"] > first
    wait_for("the way", is_learned, 30, 0.2)
    before = settled()
    send(20)
    send(20)
    after = settled()
    # Whom nobody listens to may be told so.
    assert 40 <= after["packets"] - before["packets"] <= 80
    assert 40 * SIZE < after["bytes"] - before["bytes"] < 60 * SIZE
    exchange(a, b, 40)
    # Guests say something at times, but not so much.
    quiet = settled()
    assert quiet["packets"] - after["packets"] < 40
    assert quiet["bytes"] - after["bytes"] < 40 * SIZE
    assert "traffic" not in world.api.get("routers")["items"][0]["status"]


def test_each_router_on_the_way_counts_a_packet(world, lab):
    """Once, on one host: the way back is not asked for."""
    a = lab.vm("a")
    world.put("networks", "off", subnets=[{"cidr": "10.2.0.0/24",
                                           "gateway": "10.2.0.1"}])
    world.put("routers", "edge", interfaces=[
        {"network": "far", "addresses": ["10.1.0.2"]}, {"network": "off"}])
    core = world.api.get("routers/core")
    world.put("routers", "core", **dict(core["spec"], routes=[
        {"destination": "10.2.0.0/24", "via": ["10.1.0.2"]}]))
    s = world.vm("s", "off", "h2", "10.2.0.11")
    s.await_addresses()
    wait_quiet(lab)

    def now():
        return [world.api.get("routers/" + name)["status"]["traffic"]
                for name in ("core", "edge")]

    def send(n):
        frames.send(a, *[frames.udp(core["status"]["mac"], a.mac, a.ip, s.ip,
                                    1000, 7, bytes(SIZE)) for _ in range(n)])

    def is_learned():
        send(1)
        return now()[1]["packets"] > first
    first = now()[1]["packets"]
    wait_for("the way", is_learned, 30, 0.2)
    still(world, a, lab.vm("b"))
    before = now()
    send(20)
    wait_for("the counters", lambda: now()[1]["packets"]
             >= before[1]["packets"] + 20, 30)
    still(world, a, lab.vm("b"))
    for old, new in zip(before, now()):
        # Its answer, that nobody listens, has no way back from "edge".
        assert 20 <= new["packets"] - old["packets"] < 40
        assert 20 * SIZE < new["bytes"] - old["bytes"] < 40 * SIZE
    world.put("routers", "core", **core["spec"])
    lab.remove_vm("s")
    world.own_vms.remove("s")
    for kind, name in (("ports", "s"), ("routers", "edge"),
                       ("networks", "off")):
        world.delete(kind, name)


def test_routed_and_balanced_pairs(world, lab):
    """A source in another network of the domain has its port's name, and a
    backend's answer its own, not the virtual IP's."""
    a, r = lab.vm("a"), lab.vm("r")
    world.put("loadbalancers", "front", vip="10.0.0.100", networks=["net"],
              ports=[{"port": 80}], backends=[{"port": "c"}])

    def is_counted():
        assert traffic.ask(r, a.ip, 80, seconds=20) == "a"
        assert traffic.ask(a, "10.0.0.100", 80, seconds=20) == "c"
        return {("r", "a"), ("c", "a"), ("a", "c")} <= set(pairs(ask(world)))
    wait_for("pairs", is_counted, 30, 0.2)
    reply = ask(world)
    # What "far" gets is not counted.
    assert all(p["dst"] != "r" for p in reply["pairs"])
    assert all(p["src"] != "(no port)" or p["dst"] in "abc"
               for p in reply["pairs"])
    assert ("far", "net") in pairs(ask(world, group_by="network"))
    world.delete("loadbalancers", "front")


def test_sources_that_are_no_ports_are_one(world, lab):
    """However many there are, in a subnet or not: one flow of the switch, and
    "(no port)"."""
    a = lab.vm("a")
    e = world.vm("e", "net", "h1", ["10.0.0.50"],
                 allowed_addresses=[{"ip": "172.16.0.0/24"},
                                    {"ip": "10.0.0.128/25"}])
    e.await_addresses()

    def is_counted():
        frames.send(e, *[frames.udp(a.mac, e.mac, ip % i, a.ip, 1000, 7,
                                    bytes(100))
                         for i in range(1, 26)
                         for ip in ("172.16.0.%d", "10.0.0.2%02d")])
        return bytes_of(world, "(no port)", "a") > 0
    wait_for("outsiders", is_counted, 30, 0.2)
    assert [flow.table for flow in flows(lab.host("h1")).values()
            if flow.table == 243] == [243]
    matches = str([flow.match for flow in flows(lab.host("h1")).values()
                   if flow.table in PAIR_TABLES])
    assert "172.16" not in matches and "10.0.0.2" not in matches


def test_a_host_that_has_as_many_pairs_as_it_may(world, lab, tmp_path):
    """It is told of, what it counts it counts on, and packets of further
    pairs go where they went; and those are counted when there is room."""
    a, c, h1 = lab.vm("a"), lab.vm("c"), lab.host("h1")
    before = learned(world, c, a)
    vm = world.vm("g", "net", "h2", ["10.0.0.60"])
    vm.await_addresses()
    like = next(f for f in flows(h1).values() if f.table == 244)
    path = tmp_path / "pairs"
    path.write_text("".join(
        "table=244,priority=1,cookie=%#x,ip,reg0=1,reg7=9999,"
        "nw_src=10.99.%d.%d,actions=drop\n" % (like.cookie, i // 256, i % 256)
        for i in range(PAIRS_MAX)))
    assert "full_hosts" not in ask(world)
    h1.ofctl("add-flows", "br-int", str(path))
    wait_for("a full host", lambda: ask(world).get("full_hosts") == 1, 30)
    sent = exchange(c, a, 40)
    exchange(vm, a, 20)
    total = before + sum(len(frame) for frame in sent)
    wait_for("the counters", lambda: bytes_of(world, "c", "a") >= total, 30)
    assert still(world, c, a) == total
    assert bytes_of(world, "g", "a") == 0
    h1.ofctl("del-flows", "br-int", "table=244,ip,nw_src=10.99.0.0/16")
    learned(world, vm, a)
    wait_for("room", lambda: "full_hosts" not in ask(world), 30)
    lab.remove_vm("g")
    world.own_vms.remove("g")
    world.delete("ports", "g")


def test_a_tenant_is_told_of_its_own_pairs(world, lab):
    """Of the other end no more than that there is one."""
    shop = make_tenant(lab, "shop", scope="project=shop")
    status, reply = shop.call("GET", "traffic")
    assert status == 200
    assert reply["pairs"] and all(
        sorted((p["src"], p["dst"])) == ["(out of scope)", "a"]
        or p["src"] == "(no port)" for p in reply["pairs"]), reply
    assert not any("h2" in str(p) for p in reply["pairs"])
    assert reply["bytes"] == sum(p["bytes"] for p in reply["pairs"])
    text = str(shop.call("GET", "traffic?group_by=host")[1])
    assert "h2" not in text and "h1" in text
    assert "db" not in str(shop.call(
        "GET", "traffic?group_by=label&label=app")[1])
    # Of groups those that it sees, of its own ports.
    world.put("groups", "mine", selector="project=shop,app=web",
              labels={"project": "shop"})
    world.put("groups", "theirs", selector="app")
    status, reply = shop.call("GET", "traffic?group_by=group")
    assert status == 200
    assert {n for p in reply["pairs"] for n in (p["src"], p["dst"])} \
        == {"mine", "(out of scope)", "(no port)"}, reply
    for name in ("mine", "theirs"):
        world.delete("groups", name)
    assert shop.call("GET", "traffic?port=b")[0] == 400
    # Whose switches count is not for it to say.
    assert shop.call("PUT", "traffic-counts/mine", {
        "spec": {"labels": {"project": "shop"}, "all_networks": True}}
    )[0] == 403
    world.api.delete("accounts/shop", cascade="true")


def test_a_deleted_port_is_told_as_such(world, lab):
    """A port of its name begins at nothing."""
    a = lab.vm("a")
    vm = world.vm("d", "net", "h2", ["10.0.0.40"], labels={"app": "db"})
    vm.await_addresses()
    learned(world, a, vm)
    lab.remove_vm("d")
    world.own_vms.remove("d")
    world.delete("ports", "d")
    gone = [p for p in ask(world)["pairs"] if p["dst"] == "d"]
    assert gone and all(p["dst_deleted"] for p in gone)
    world.put("ports", "d", network="net", ips=["10.0.0.40"])
    assert ("a", "d") not in pairs(ask(world))
    assert ("web", "(deleted)") in pairs(ask(world, group_by="label",
                                             label="app"))


def test_a_vmnd_that_starts_counts_from_then_on(world, lab):
    """What switches had counted before is nobody's, and what comes while vmnd
    is up again is there, no byte more."""
    a, c = lab.vm("a"), lab.vm("c")
    learned(world, a, c)
    lab.vmnd.stop()
    exchange(a, c, 20)
    lab.vmnd.start()
    lab.await_synced()
    wait_for("a reading", lambda: "unread_hosts" not in ask(world), 30)
    before = still(world, a, c)
    sent = exchange(a, c, 40)
    total = before + sum(len(frame) for frame in sent)
    wait_for("the counters", lambda: bytes_of(world, "a", "c") >= total, 30)
    assert still(world, a, c) == total
    # The switch may have told of the twenty after the first reading only.
    assert before <= 20 * len(sent[0])


def test_metrics(world):
    text = world.api.raw("GET", "/metrics")[2].decode()
    series = {line.split()[0]: float(line.split()[1])
              for line in text.splitlines() if line.startswith("vmn_traffic")}
    reply = ask(world)
    assert 0 < series['vmn_traffic_bytes_total{way="cross_host"}'] \
        <= reply["cross_host_bytes"]
    assert series["vmn_traffic_full_hosts"] == 0
    assert series["vmn_traffic_pairs"] > 0


def test_bad_requests(world):
    for query, field in (("group_by=rack", "group_by"), ("sort=name", "sort"),
                         ("group_by=label", "label"), ("label=app", "label"),
                         ("group_by=label&label=a+b", "label"),
                         ("limit=0", "limit"), ("port=nosuch", "port"),
                         ("since=today", "since")):
        with pytest.raises(Refused) as refused:
            world.api.get("traffic?" + query)
        assert refused.value.status == 400
        assert "?%s " % field in refused.value.problem["detail"]


def test_nothing_is_there_when_it_is_off(world, lab):
    """The last object that counts takes all its flows with it, and what
    switches have learned."""
    def tables():
        return [flow.table for host in lab.hosts
                for flow in flows(host).values()]
    first = next(stage["first_table"] for stage in world.api.get(
        "apps/traffic")["status"]["stages"])
    there = tables()
    assert 244 in there and there.count(first + 1) > 2
    world.delete("traffic-counts", "net")
    wait_for("pairs to go", lambda: not set(PAIR_TABLES) & set(tables()), 30)
    # What lets all others pass is the stage's.
    assert tables().count(first) == tables().count(first + 1) == 2
    # What was counted stays.
    assert ask(world)["pairs"]
