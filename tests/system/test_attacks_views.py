# SPDX-License-Identifier: Apache-2.0
"""What a tenant tries to learn of others by the views of its own: status,
counts of all that everybody sees, and the log.  One function per attack,
named for what the attacker wants."""

import json

import pytest
from conftest import World, close_lab, make_token_lab
from test_attacks_tenants import PORT, log_of, make_tenant

from vmnlab.api import Refused
from vmnlab.netns import wait_for

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
                 "floating-ips": 0}, **more)


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
        assert "secret" in json.dumps(api.get("status")["warnings"])
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
