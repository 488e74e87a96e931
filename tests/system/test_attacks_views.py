# SPDX-License-Identifier: Apache-2.0
"""What a tenant tries to learn of others by the views of its own: status,
counts of all that everybody sees, and the log.  One function per attack,
named for what the attacker wants."""

import http.client
import json
import re
import time

import pytest
from conftest import World, close_lab, make_token_lab
from tenants import PORT, log_of, make_tenant

from vmnlab.api import Refused
from vmnlab.netns import inside, wait_for

SHOP = {"project": "shop"}
BANK = {"project": "bank"}


@pytest.fixture(name="lab", scope="module")
def _lab(tmp_path_factory):
    lab = make_token_lab("avw", 2, tmp_path_factory.mktemp("api"), PORT)
    yield lab
    close_lab(lab)


@pytest.fixture(name="town", scope="module")
def _town(lab):
    """Two tenants with ports in a network that they share."""
    world = World(lab)
    world.put("networks", "wire", labels={"shared": "yes"},
              subnets=[{"cidr": "10.9.0.0/24"}])
    for name, host, ip, labels in (
            ("shop-1", "h1", "10.9.0.11", SHOP),
            ("shop-2", "h2", "10.9.0.12", SHOP),
            ("bank-1", "h2", "10.9.0.21", BANK)):
        world.vm(name, "wire", host, ip, labels=labels)
    for name in "shop", "bank":
        world.put("groups", name + "-all", labels={"project": name},
                  selector="project=" + name)
    yield world
    world.close()


@pytest.fixture(name="tenants", scope="module")
def _tenants(lab, town):
    assert town
    return {name: make_tenant(lab, name, scope="project=" + name,
                              reads="shared=yes")
            for name in ("shop", "bank")}


@pytest.fixture(name="shop")
def _shop(tenants):
    return tenants["shop"]


def remove(api, name):
    try:
        api.delete(name)
    except Refused as refused:
        assert refused.status == 404, refused


def has_own(**more):
    return dict({"networks": 0, "ports": 2, "groups": 1, "policies": 0,
                 "quarantines": 0, "loadbalancers": 0, "routers": 0,
                 "services": 0, "dns-zones": 0, "observations": 0,
                 "floating-ips": 0, "drafts": 0}, **more)


def test_learn_by_the_status_what_others_have(shop, town):
    """Its own objects, its own ports by their states, and warnings of its own
    alone: the same, whatever others have."""
    def seen():
        return dict(shop.may("GET", "status"), revision=0)

    before = seen()
    assert sorted(before) == ["objects", "ports", "ready", "revision",
                              "scope", "version"]
    assert before["scope"] == "project=shop"
    assert before["objects"] == has_own()
    assert {s: n for s, n in before["ports"].items() if n} == {"up": 2}

    # What others have and do, and what is wrong with it.
    api = town.api
    api.put("groups/secret-1", {"selector": "secret=2"})
    api.put("policies/secret-3", {"labels": BANK,
                                  "applies_to": ["secret-1"]})
    api.put("ports/secret-4", {"labels": BANK, "network": "wire"})
    api.put("hosts/secret-5", {"ovsdb": "tcp:192.0.2.7:6640",
                               "tunnel_ip": "192.0.2.7"})
    try:
        assert "secret" in json.dumps(api.get("status"))
        assert seen() == before
        # Its own: a port that nobody has, one that is cut off by others, and
        # a selector of nobody.
        shop.may("PUT", "ports/shop-3", {"network": "wire"})
        shop.may("PUT", "groups/shop-none",
                 {"selector": "project=shop,role=none"})
        api.put("quarantines/secret-6", {"ports": ["shop-3"]})
        now = seen()
        assert {s: n for s, n in now["ports"].items() if n} == {
            "up": 2, "unbound": 1, "quarantined": 1}
        assert now["objects"] == has_own(ports=3, groups=2)
        assert now["warnings"] == [{
            "type": "groups", "name": "shop-none",
            "pointer": "/spec/selector", "text": "matches no port"}]
    finally:
        for name in ("quarantines/secret-6", "policies/secret-3",
                     "groups/secret-1", "ports/secret-4", "hosts/secret-5",
                     "ports/shop-3", "groups/shop-none"):
            remove(api, name)


def test_learn_by_warnings_where_backends_of_others_are(shop, town):
    """A balancer of its own, to which an administrator gave others' ports:
    no warning tells their states and hosts."""
    api = town.api
    api.put("loadbalancers/front", {
        "labels": SHOP, "vip": "10.9.0.100", "networks": ["wire"],
        "ports": [{"port": 80}], "backends": [{"port": "bank-1"}]})
    api.patch("ports/bank-1", {"enabled": False})
    try:
        wait_for("a warning", lambda: "bank-1" in json.dumps(
            api.get("status").get("warnings", [])), 20)
        assert "bank-1" not in json.dumps(shop.may("GET", "status"))
    finally:
        api.delete("loadbalancers/front")
        api.patch("ports/bank-1", {"enabled": None}, wait="installed")


def test_learn_by_warnings_the_floating_addresses_of_others(shop, town):
    """A router of its own, by which others are reached."""
    api = town.api
    api.put("networks/road", {"provider": {"physical": "dc", "vlan": 10},
                              "subnets": [{"cidr": "192.0.2.0/24",
                                           "gateway": "192.0.2.254"}]})
    api.put("routers/edge", {
        "labels": SHOP, "interfaces": [{"network": "wire",
                                        "addresses": ["10.9.0.1"]}],
        "external": {"network": "road", "addresses": ["192.0.2.1"],
                     "gateways": [{"host": "h1"}]}})
    api.put("floating-ips/secret", {"router": "edge", "ip": "192.0.2.80",
                                    "port": "bank-1"})
    try:
        wait_for("a warning", lambda: "secret" in json.dumps(
            api.get("status").get("warnings", [])))
        told = json.dumps(shop.may("GET", "status"))
        assert "has no active gateway" in told and "secret" not in told
        assert "192.0.2.80" not in told
    finally:
        for name in "floating-ips/secret", "routers/edge", "networks/road":
            api.delete(name)


def test_learn_by_what_all_see_how_much_there_is(shop, town):
    """Apps, tiers and hosts are seen by all, but not what they count."""
    api = town.api
    assert all(item["status"]["flows"] >= 0 and "units" in item["status"]
               for item in api.get("apps")["items"])
    assert "retained" in api.get("tiers/application")["status"]
    for kind in "apps", "tiers":
        for item in shop.may("GET", kind)["items"]:
            one = shop.may("GET", "%s/%s" % (kind, item["name"]))
            for status in item["status"], one["status"]:
                assert set(status) <= {"description", "stages"}, item


def test_learn_by_a_history_that_others_have_changed_something(shop, town):
    """That changes of others are not listed is told always, so that nothing
    follows from it."""
    api = town.api
    assert "own_only" not in api.get("revisions")
    for query in ("limit=1", "type=groups&name=shop-all",
                  "type=groups&name=bank-all", "type=groups&name=none",
                  "type=groups&name=none&contents=true"):
        status, answer = shop.call("GET", "revisions?" + query)
        assert status == 200 and answer["own_only"] is True, answer
    assert log_of(shop, "type=groups&name=shop-all") == []


# Events.  --------------------------------------------------------------------

class Stream:
    """What a tenant is told of events: a stream that goes on."""

    def __init__(self, tenant, query=""):
        self.link = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        with inside(tenant.lab.net_ns):
            self.link.connect()
        self.link.request("GET", "/v1/events" + query, None,
                          {"Authorization": "Bearer " + tenant.token})
        self.reply = self.link.getresponse()
        assert self.reply.status == 200, self.reply.read()

    def __iter__(self):
        """Yields (id, kind, data) of each event."""
        fields = {}
        for line in self.reply:
            line = line.decode().rstrip("\n")
            if ": " in line:
                key, fields[key] = (line.split(": ", 1)[0],
                                    line.split(": ", 1)[1])
            elif not line and fields:
                yield (int(fields["id"]), fields["event"],
                       json.loads(fields["data"]))
                fields = {}

    def until(self, kind, **data):
        """All events up to the one that has these members."""
        found = []
        for event in self:
            found.append(event)
            if event[1] == kind and data.items() <= event[2].items():
                return found
        raise AssertionError(found)

    def close(self):
        self.link.close()


@pytest.fixture(name="stream")
def _stream(tenants):
    made = []

    def make(name, query=""):
        made.append(Stream(tenants[name], query))
        return made[-1]
    yield make
    for stream in made:
        stream.close()


def set_link(lab, name, state):
    lab.vm(name).run("ip", "link", "set", "eth0", state)
    wait_for("%s to be %s" % (name, state),
             lambda: lab.port_state(name) == state)


def past(stream, query=""):
    """What is told of the past, without what begins and ends it."""
    events = stream("shop", "?follow=false" + query).until("end")
    assert events[0][1] == "start"
    return events[1:-1]


def test_learn_by_events_what_others_do(shop, tenants, town, stream):
    """Those of its own objects alone: of changes of others to these neither
    who made them nor what was said of them, nor what else they changed."""
    api = town.api
    live = stream("shop")
    assert next(iter(live))[1] == "start"
    tenants["bank"].may("PUT", "groups/secret-1", {"labels": BANK})
    api.call("PUT", "/v1/groups/secret-2", {"spec": {}}, comment="secret-3")
    api.call("POST", "/v1/apply", {"objects": [
        {"type": "groups", "name": "secret-4", "spec": {"labels": BANK}},
        {"type": "groups", "name": "shop-all", "spec": {
            "labels": SHOP, "selector": "project=shop",
            "description": "more"}}]}, comment="secret-5")
    told = live.until("revision", who=None)
    for name in "bank-1", "shop-2":
        for state in "down", "up":
            set_link(town.lab, name, state)
    told += live.until("binding", port="shop-2", state="up")
    own = shop.may("PUT", "groups/shop-end", {})["revision"]
    try:
        told += live.until("revision", revision=own)
        text = json.dumps(told)
        assert "secret" not in text and "bank" not in text, text
        assert "unix" not in text and "uid" not in text, text
        kinds = {kind for _, kind, _ in told}
        assert kinds == {"revision", "binding"}, told
        changes = [(e["who"], e["changes"]) for _, kind, e in told
                   if kind == "revision"]
        assert changes[0] == (None, [{
            "op": "update", "type": "groups", "name": "shop-all"}])
        assert changes[-1][0] == "account:shop/shop"
        assert [e["state"] for _, kind, e in told
                if kind == "binding"] == ["down", "up"]
        # The past is told in the same words, with the same ids.
        again = past(stream, "&limit=%d" % len(told))
        assert again[-len(told):] == told
        ids = [number for number, _, _ in told]
        assert ids == sorted(set(ids)) and max(ids) < 1 << 53
        # Nothing follows from ids but the time.
        for _ in range(20):
            before = time.time()
            told_at = next(iter(stream("shop")))[0] // 256 * 64e-6
            assert before - 64e-6 <= told_at <= time.time()
    finally:
        for name in "shop-end", "secret-1", "secret-2", "secret-4":
            api.delete("groups/" + name)


def test_learn_by_filters_of_events(shop, town, stream):
    """A filter by what is others' finds nothing in what is told."""
    host = town.lab.host("h2")
    live = stream("shop", "?kinds=ports")
    assert next(iter(live))[1] == "start"
    host.stop_db(0)
    try:
        _, _, event = live.until("ports", host="h2", state="unknown")[-1]
    finally:
        host.start_db()
    assert (event["n_ports"], event["ports"]) == (1, ["shop-2"])
    assert "reason" not in event and "bank" not in json.dumps(event)
    live.until("ports", host="h2", state="known")
    for query, n in (("port=shop-2", 2), ("network=wire", 2), ("host=h2", 2),
                     ("port=bank-1", 0), ("port=shop-1", 0),
                     ("network=vault", 0), ("host=h1", 0)):
        found = past(stream, "&kinds=ports&" + query)
        assert len(found) >= n if n else not found, (query, found)


def test_listen_to_hosts_and_packets_of_all(shop):
    for kind in "host", "installed", "audit", "drop", "log":
        status, answer = shop.call("GET", "events?kinds=binding," + kind)
        assert status == 400, answer
        error, = answer["errors"]
        assert error["parameter"] == "kinds"
        assert "accounts without a scope" in error["detail"], error


def test_kinds_that_tell_of_own_objects_are_told(stream):
    assert next(iter(stream("shop", "?kinds=binding,ports,claim,health,"
                            "standby,monitor,scale,gateway")))[1] == "start"


def test_learn_by_resuming_what_happened_to_others(shop, town, stream):
    """Where a stream goes on by an id, it neither repeats nor leaves out, and
    any other number tells nothing."""
    api = town.api
    live = stream("shop")
    start = next(iter(live))
    assert start[1] == "start"
    for number in range(3):
        api.put("groups/secret", {"description": "%d" % number})
        shop.may("PUT", "groups/shop-more", {"description": "%d" % number})
    shop.may("DELETE", "groups/shop-more")
    api.delete("groups/secret")
    told = live.until("revision", who="account:shop/shop", changes=[
        {"op": "delete", "type": "groups", "name": "shop-more"}])
    for i, (number, _, _) in enumerate([start] + told):
        more = stream("shop", "?follow=false&after=%d" % number).until("end")
        # What has come since may follow.
        assert more[:-1][:len(told[i:])] == told[i:], i
        since = more[:-1][len(told[i:]):]
        numbers = [told[-1][0]] + [n for n, _, _ in since]
        assert numbers == sorted(set(numbers)), more
        assert not re.search("secret|bank", json.dumps(since)), since
    for number in 0, 1, 9 * 10 ** 17:
        first = next(iter(stream("shop", "?after=%d" % number)))
        assert first[1] == "reset" and first[2]["hidden"] == 0


def test_stream_of_a_tenant_ends_with_what_let_it_in(lab, town):
    late = make_tenant(lab, "late", scope="project=shop")
    stream = Stream(late)
    assert next(iter(stream))[1] == "start"
    town.api.patch("accounts/late", {"scope": "project=bank"})
    assert list(stream) == []
    stream.close()
    town.api.delete("accounts/late", cascade="true")


# Traces from outside.  -------------------------------------------------------

@pytest.fixture(name="bridge", scope="module")
def _bridge(town):
    """A host has a way to the physical network."""
    town.provider_hosts_are("h1")
    return town


@pytest.fixture(name="road")
def _road(bridge):
    """By an administrator's router the shop and the bank are reached from
    outside."""
    api = bridge.api
    api.put("networks/road", {"provider": {"physical": "dc", "vlan": 10},
                              "subnets": [{"cidr": "192.0.2.0/24",
                                           "gateway": "192.0.2.254"}]})
    api.put("routers/edge", {
        "interfaces": [{"network": "wire", "addresses": ["10.9.0.1"]}],
        "external": {"network": "road", "addresses": ["192.0.2.1"],
                     "gateways": [{"host": "h1"}]}})
    api.put("loadbalancers/shop-lb", {
        "labels": SHOP, "vip": "10.9.0.101", "networks": ["wire"],
        "ports": [{"port": 80}], "backends": [{"port": "shop-2"}]})
    api.put("ports/bank-2", {"labels": BANK, "network": "wire"})
    for name, ip, more in (
            ("shop-out", "192.0.2.80", {"labels": SHOP, "port": "shop-1"}),
            ("shop-vip", "192.0.2.81", {"labels": SHOP,
                                        "load_balancer": "shop-lb"}),
            ("bank-out", "192.0.2.90", {"labels": BANK, "port": "bank-1"}),
            ("mixed", "192.0.2.91", {"labels": SHOP, "port": "bank-2"})):
        api.put("floating-ips/" + name, dict(more, router="edge", ip=ip))
    wait_for("the gateway", lambda: api.get("routers/edge")["status"].get(
        "gateway") == "h1", 20)
    yield api
    for name in ("floating-ips/shop-out", "floating-ips/shop-vip",
                 "floating-ips/bank-out", "floating-ips/mixed",
                 "loadbalancers/shop-lb", "routers/edge", "networks/road",
                 "ports/bank-2"):
        api.delete(name, wait="installed")


def from_outside(tenant, to, **more):
    return tenant.call("POST", "trace", dict(
        {"from": "outside", "to": to, "protocol": "tcp", "port": 80}, **more))


def test_learn_by_traces_from_outside_what_leads_there(shop, road):
    """One's own floating addresses, and what they are for; neither by which
    network, nor its gateway, nor who lets it in where."""
    hidden = ("road", "edge", "192.0.2.254", "h1", "bank", '"dc"')
    for to in "shop-out", "192.0.2.80", "shop-1", "shop-vip", "shop-lb":
        status, answer = from_outside(shop, to)
        assert status == 400, answer
        error, = answer["errors"]
        assert error["pointer"] == "/source_ip", answer
        assert "is required" in error["detail"]
        assert not [h for h in hidden if h in json.dumps(answer)], answer

        status, answer = from_outside(shop, to, source_ip="198.51.100.7")
        assert status == 200, answer
        full = road.call("POST", "/v1/trace", {
            "from": "outside", "to": to, "protocol": "tcp", "port": 80,
            "source_ip": "198.51.100.7"})
        assert answer["verdict"] == full["verdict"] == "delivered"
        port = "shop-1" if to in ("shop-out", "192.0.2.80",
                                  "shop-1") else "shop-2"
        outcome, = answer["outcomes"]
        assert outcome["at"]["port"] == port and outcome["legs"] == []
        text = json.dumps(answer)
        if port == "shop-2":
            assert not [h for h in hidden if h in text], answer
        assert answer["from"]["network"] == "(out of scope)"
        assert answer["from"].get("host") is None
    # Who sees the network is told of it.
    road.patch("networks/road", {"labels": {"shared": "yes"}})
    status, answer = from_outside(shop, "shop-out")
    assert status == 200 and answer["from"]["network"] == "road", answer
    assert answer["from"]["ip"] == "192.0.2.254"
    assert answer["from"].get("host") is None


def test_trace_from_outside_to_what_is_others(shop, tenants, road):
    """As to what is not there; also where one's own address leads to what is
    not one's own."""
    told = set()
    for to in ("bank-out", "192.0.2.90", "bank-1", "10.9.0.21", "mixed",
               "192.0.2.91", "none", "192.0.2.99", "192.0.2.1", "edge",
               "outside", "10.9.0.11"):
        for more in {}, {"source_ip": "198.51.100.7"}:
            status, answer = from_outside(shop, to, **more)
            assert status == 400, (to, answer)
            told.add(json.dumps(answer["errors"]))
    assert len(told) == 1 and "/to" in told.pop()
    status, answer = from_outside(tenants["bank"], "bank-out",
                                  source_ip="198.51.100.7")
    assert status == 200 and answer["verdict"] == "delivered", answer


def test_learn_by_traces_from_outside_where_and_by_whom_it_is_dropped(
        shop, road):
    road.put("policies/secret", {
        "tier": "security", "applies_to": ["shop-all"], "rules": [
            {"direction": "ingress", "action": "deny",
             "services": [{"protocol": "tcp", "ports": [80]}]}]},
             wait="installed")
    try:
        status, answer = from_outside(shop, "shop-out",
                                      source_ip="198.51.100.7")
        assert status == 200 and answer["verdict"] == "dropped", answer
        at = answer["outcomes"][0]["at"]
        assert at["owner"] == "(out of scope)" and at["host"] is None, at
        assert "secret" not in json.dumps(answer)
    finally:
        road.delete("policies/secret", wait="installed")
