# SPDX-License-Identifier: Apache-2.0
"""What a hostile tenant tries to change, with an account that has a `scope`
and a `reads`: what is others', what is for administrators, and its own
quarantine.  One function per attack, named for what the attacker wants."""

import pytest
from conftest import World, close_lab, make_token_lab
from inner import Inner
from tenants import (BANK, PORT, SHARED, SHOP, _api, _shop, _tenants,
                     make_tenant, mine, policy)

from vmnlab.api import Refused
from vmnlab.netns import wait_for

FIXTURES = (_api, _shop, _tenants)
RESERVED = ("0e:56:4d:ff:00:0e", "0e:56:4e:00:00:01",
            "0e:56:4f:00:00:64")


@pytest.fixture(name="lab", scope="module")
def _lab(tmp_path_factory):
    lab = make_token_lab("att", 1, tmp_path_factory.mktemp("api"), PORT)
    yield lab
    close_lab(lab)


# What belongs to others, and is only to be read.  ----------------------------

def test_quarantine_a_port_that_is_only_read(shop):
    shop.may_not("PUT", "quarantines/q", mine(ports=["wire-1"]), "/ports/0")
    shop.may_not("PUT", "quarantines/q", mine(selector="shared=yes"),
                 "/selector")
    shop.may("PUT", "quarantines/q", mine(ports=["shop-1"]))


def test_police_a_group_that_is_only_read(shop):
    shop.may_not("PUT", "policies/p", policy("wire-all"), "/applies_to/0")
    shop.may("PUT", "policies/p", policy("shop-all"))
    # It may be mentioned: that decides about the tenant's own ports.
    shop.may("PUT", "policies/p", mine(applies_to=["shop-all"], rules=[
        {"direction": "ingress", "action": "allow",
         "peers": [{"group": "wire-all"}]}]))


def test_police_others_by_a_group_of_ones_own(shop, api):
    for members, pointer in (({"ports": ["wire-1"]}, "/ports/0"),
                             ({"groups": ["wire-all"]}, "/groups/0"),
                             ({"selector": "shared=yes"}, "/selector")):
        shop.may_not("PUT", "groups/g", mine(**members), pointer)
    # Nor by one that an administrator has labelled so.
    api.put("groups/inner", {"labels": SHOP, "ports": ["wire-1"]})
    api.put("groups/outer", {"labels": SHOP, "groups": ["inner"]})
    for group in "inner", "outer":
        shop.may_not("PUT", "policies/p", policy(group), "/applies_to/0")
        shop.may_not("PUT", "groups/g", mine(groups=[group]), "/groups/0")


def test_make_an_administrators_policy_ones_own(shop, api):
    """What an administrator has labelled so, and what acts on others, is not
    for the tenant to change."""
    api.put("policies/theirs", {"labels": SHOP, "applies_to": ["wire-all"]})
    shop.may_not("PATCH", "policies/theirs", {"rules": [
        {"direction": "ingress", "action": "deny"}]}, "/applies_to/0")
    shop.may_not("DELETE", "policies/theirs")


def test_serve_names_in_a_network_that_is_only_read(shop):
    shop.may_not("PUT", "dns-zones/z", mine(networks=["wire"]),
                 "/networks/0")
    shop.may("PUT", "dns-zones/z", mine(networks=["shop"]))


def test_offer_a_balancer_in_a_network_that_is_only_read(shop):
    balancer = mine(vip="10.9.0.9", networks=["wire"], ports=[{"port": 80}])
    shop.may_not("PUT", "loadbalancers/b", balancer, "/networks/0")
    own = dict(balancer, vip="10.0.0.9", networks=["shop"])
    shop.may_not("PUT", "loadbalancers/b", dict(own, fallback="front"),
                 "/fallback")
    shop.may_not("PUT", "loadbalancers/b", dict(own, selector="shared=yes"),
                 "/selector")
    shop.may("PUT", "loadbalancers/b", own)


def test_route_a_network_that_is_only_read(shop):
    shop.may_not("PUT", "routers/r", mine(interfaces=[
        {"network": "shop", "addresses": ["10.0.0.1"]},
        {"network": "wire", "addresses": ["10.9.0.3"]}]),
        "/interfaces/1/network")
    shop.may_not("PUT", "routers/r", mine(external={
        "network": "street", "addresses": ["192.0.2.1"],
        "gateways": [{"host": "h1"}]}), "/external/network")
    shop.may("PUT", "routers/r", mine(interfaces=[
        {"network": "shop"}]))


def test_watch_a_network_that_is_only_read(shop):
    shop.may_not("PUT", "observations/wire", mine(), status=403)
    shop.may("PUT", "observations/shop", mine())


def test_give_an_address_outside_to_ones_own_port(shop, api):
    api.put("routers/edge", {"labels": SHARED, "interfaces": [
        {"network": "shop", "addresses": ["10.0.0.1"]}],
        "external": {"network": "street", "addresses": ["192.0.2.5"],
                     "gateways": [{"host": "h1"}]}})
    shop.may_not("PUT", "floating-ips/f", mine(
        router="edge", ip="192.0.2.80", port="shop-1"), "/router")


def test_ride_on_a_trunk_that_is_only_read(shop):
    shop.may_not("PUT", "ports/p", mine(network="shop", parent="wire-1",
                                        vlan=5), "/parent")
    shop.may("PUT", "ports/p", mine(network="shop", parent="shop-1", vlan=5))


# Objects without labels.  ----------------------------------------------------

def test_have_labels_given_that_one_may_not_give(lab, shop, tenants, api):
    """What is made without labels gets those of the scope, as if the account
    had sent them: it reaches no more than that."""
    made = shop.may("PUT", "quarantines/q", {"ports": ["shop-1"]})
    assert made["spec"]["labels"] == SHOP
    # The same again is the same, alone and in a list.
    assert shop.may("PUT", "quarantines/q", {"ports": ["shop-1"]})[
        "outcome"] == "unchanged"
    item = {"type": "quarantines", "name": "q", "spec": {"ports": ["shop-1"]}}
    status, answer = shop.call("POST", "apply", {"objects": [item]})
    assert status == 200 and answer["results"][0]["outcome"] == "unchanged"
    shop.may("DELETE", "quarantines/q")

    # It neither acts on others, nor makes theirs one's own.
    shop.may_not("PUT", "quarantines/q", {"ports": ["wire-1"]}, "/ports/0")
    shop.may_not("PUT", "quarantines/q", {"ports": ["bank-1"]}, "/ports/0",
                 status=400)
    wire = api.get("ports/wire-1")
    shop.may_not("PUT", "ports/wire-1", {"network": "wire"})
    shop.may_not("PUT", "ports/bank-1", {"network": "bank"})
    api.put("groups/plain", {})
    shop.may_not("PUT", "groups/plain", {})
    assert api.get("groups/plain")["spec"] == {}
    assert api.get("ports/wire-1")["spec"] == wire["spec"]
    # Labels that are given are not added to.
    for labels in {}, {"role": "web"}, BANK:
        shop.may_not("PUT", "groups/g", {"labels": labels}, "/labels")
    shop.may("PUT", "groups/g", {"labels": dict(SHOP, role="web")})
    shop.may_not("PATCH", "groups/g", {"labels": None}, "/labels")
    shop.may_not("PUT", "tiers/mine", {"position": 2})

    # Where it does not follow which label is meant, none is given; and one
    # that only administrators give stays theirs.
    for scope, made in (("project in (shop,bank)", None),
                        ("project", None), ("admin/project=shop", None),
                        ("project=shop,team=pay,!old",
                         {"project": "shop", "team": "pay"})):
        one = make_tenant(lab, "one", scope=scope)
        if made:
            assert one.may("PUT", "groups/o", {})["spec"]["labels"] == made
        else:
            one.may_not("PUT", "groups/o", {}, "/labels")
        api.delete("accounts/one", cascade="true")
    # Nor does it put an object into another account's scope, too.
    api.put("accounts/pay", {"role": "operator", "scope": "team=pay,!x"})
    one = make_tenant(lab, "one", scope="project=shop,team=pay")
    one.may_not("PUT", "groups/p", {}, "/labels")
    for name in "one", "pay":
        api.delete("accounts/" + name, cascade="true")
    assert tenants["bank"].may("PUT", "groups/b", {})["spec"]["labels"] == BANK


# What is the administrator's.  -----------------------------------------------

def test_overrule_every_tier(shop, api):
    for tier in "emergency", "security", "platform", "baseline":
        shop.may_not("PUT", "policies/p", policy("shop-all", tier=tier),
                     "/tier")
    shop.may("PUT", "policies/p", policy("shop-all"))
    shop.may_not("PATCH", "policies/p", {"tier": "emergency"}, "/tier")
    # One that was made for it stays out of its hands.
    api.put("policies/top", policy("shop-all", tier="security"))
    shop.may_not("PATCH", "policies/top", {"rules": []}, "/tier")
    shop.may_not("PATCH", "policies/top", {"tier": "application"})
    shop.may_not("DELETE", "policies/top")


def test_account_names_its_tiers(lab, api):
    tester = make_tenant(lab, "tester", scope="project=shop",
                         tiers=["platform", "baseline"])
    for tier in "platform", "baseline":
        tester.may("PUT", "policies/" + tier, policy("shop-all", tier=tier))
    tester.may_not("PUT", "policies/p", policy("shop-all"), "/tier")
    # It holds from the next call on.
    api.patch("accounts/tester", {"tiers": ["application"]})
    tester.may("PUT", "policies/p", policy("shop-all"))
    tester.may_not("DELETE", "policies/platform")
    with pytest.raises(Refused, match="scope"):
        api.put("accounts/wrong", {"role": "operator", "tiers": ["platform"]})
    with pytest.raises(Refused, match="does not exist"):
        api.put("accounts/wrong", {"role": "operator", "scope": "a=b",
                                   "tiers": ["none"]})
    api.delete("accounts/tester", cascade="true")


def test_make_a_tier(shop):
    shop.may_not("PUT", "tiers/mine", mine(position=2))


def test_take_a_vlan_of_the_physical_network(shop, api):
    for provider in {"physical": "dc"}, {"physical": "dc", "vlan": 666}:
        shop.may_not("PUT", "networks/n", mine(provider=provider),
                     "/provider")
        shop.may_not("PATCH", "networks/shop", {"provider": provider},
                     "/provider")
    shop.may_not("PUT", "networks/n", mine(vni=77), "/vni")
    # One that was made for the tenant stays where it is.
    api.put("networks/own", {"labels": SHOP,
                             "provider": {"physical": "dc", "vlan": 11}})
    shop.may("PATCH", "networks/own", {"description": "ours"})
    shop.may_not("PATCH", "networks/own", {"provider": {"vlan": 12}},
                 "/provider")
    shop.may_not("PATCH", "networks/own", {"provider": None}, "/provider")


def test_pin_a_port_to_a_host(shop, api):
    shop.may_not("PUT", "ports/p", mine(network="shop", host="h1"), "/host")
    # Where the administrator has put it, it stays, whatever else changes.
    api.patch("ports/shop-1", {"host": "h1"})
    shop.may("PATCH", "ports/shop-1", {"enabled": False})
    # A host of the tenant's own is another matter.
    api.patch("hosts/h1", {"labels": SHOP})
    shop.may("PATCH", "ports/shop-2", {"host": "h1"})
    api.patch("hosts/h1", {"labels": None})


def test_have_a_port_migrate_to_a_host(shop, api):
    """One that is there already as well: where it goes is not its to say, and
    what an administrator has asked for stays, or is taken back."""
    for name in "p", "shop-1":
        shop.may_not("PUT", "ports/" + name, mine(
            network="shop", migration={"to": "h1"}), "/migration/to")
    shop.may_not("PATCH", "ports/shop-2", {"migration": {"to": "h1"}},
                 "/migration/to")
    api.patch("ports/shop-1", {"migration": {"to": "h1"}})
    shop.may("PATCH", "ports/shop-1", {"description": "on its way"})
    shop.may("PATCH", "ports/shop-1", {"migration": None})


# Out of quarantine.  ---------------------------------------------------------

def test_end_ones_own_quarantine(shop, api):
    api.patch("ports/shop-1", {"quarantined": True})
    shop.may_not("PATCH", "ports/shop-1", {"quarantined": False},
                 "/quarantined")
    shop.may_not("DELETE", "ports/shop-1")
    shop.may("PATCH", "ports/shop-1", {"description": "held"})
    api.put("quarantines/held", {"ports": ["shop-2"]})
    shop.may_not("DELETE", "quarantines/held", status=404)
    shop.may_not("DELETE", "ports/shop-2?cascade=true")


def test_slip_out_of_a_quarantine_by_its_labels(shop, api):
    labels = dict(SHOP, role="web")
    api.patch("ports/shop-1", {"labels": labels})
    api.put("quarantines/held", {"selector": "role=web"})
    shop.may_not("PATCH", "ports/shop-1", {"labels": {"role": "db"}},
                 "/labels")
    shop.may_not("DELETE", "ports/shop-1")
    # Nor does its interface get another port.
    shop.may_not("PATCH", "ports/shop-1", {"iface_id": "other"}, "/iface_id")
    shop.may("PATCH", "ports/shop-1", {"labels": {"more": "x"}})
    # One's own quarantine is another matter.
    api.delete("quarantines/held")
    shop.may("PUT", "quarantines/own", mine(selector="project=shop,role=web"))
    shop.may("PATCH", "ports/shop-1", {"labels": {"role": "db"}})
    shop.may("DELETE", "quarantines/own")


def test_give_the_vlan_of_a_quarantined_sub_port_to_another(shop, api):
    """Frames of a sub-port are known by its parent and VLAN."""
    sub = mine(network="shop", parent="shop-1", vlan=5)
    shop.may("PUT", "ports/sub", sub)
    api.put("quarantines/held", {"ports": ["sub"]})
    shop.may_not("PATCH", "ports/sub", {"vlan": 99}, "/vlan")
    shop.may_not("PATCH", "ports/sub", {"parent": None, "vlan": None},
                 "/parent")
    api.patch("ports/shop-2", {"quarantined": True})
    shop.may_not("PATCH", "ports/shop-2", {"external": True}, "/external")
    api.delete("quarantines/held")
    shop.may("PATCH", "ports/sub", {"vlan": 99})
    shop.may("DELETE", "ports/sub")


def test_allow_everything_through_ones_quarantine(shop, api):
    """What any quarantine allows is allowed, before all tiers but one."""
    api.put("quarantines/held", {"ports": ["shop-1"]})
    every = [{"direction": "ingress"}, {"direction": "egress"}]
    shop.may_not("PUT", "quarantines/open", mine(ports=["shop-1"],
                                                 allow=every), "/allow")


# Ports in a network that is only read.  --------------------------------------

def test_send_with_others_addresses(shop, api):
    plain = mine(network="wire")
    for field, value in (("allowed_addresses", [{"ip": "10.9.0.1"}]),
                         ("unknown", True), ("mac", "02:00:00:00:00:01")):
        shop.may_not("PUT", "ports/p", dict(plain, **{field: value}),
                     "/" + field)
    shop.may_not("PUT", "ports/p", mine(
        network="street", external=True, ips=["192.0.2.9"]), "/external")
    shop.may("PUT", "ports/p", plain)
    shop.may_not("PATCH", "ports/p", {"unknown": True}, "/unknown")
    # Not by way of one's own network, where that is allowed.
    shop.may("PUT", "ports/q", mine(network="shop", unknown=True,
                                    mac="02:00:00:00:00:02",
                                    allowed_addresses=[{"ip": "10.0.0.9"}]))
    shop.may_not("PATCH", "ports/q", {"network": "wire"}, "/unknown")
    # Nor with a MAC that it had there.
    shop.may("PATCH", "ports/q", {"unknown": None, "mac": None,
                                  "allowed_addresses": None})
    shop.may_not("PATCH", "ports/q", {"network": "wire"}, "/network")
    # What an administrator has granted stays, whatever else changes.
    api.patch("ports/p", {"unknown": True})
    shop.may("PATCH", "ports/p", {"description": "ours"})
    shop.may("PATCH", "ports/p", {"unknown": False})
    shop.may_not("PATCH", "ports/p", {"unknown": True}, "/unknown")


def test_be_less_isolated_in_a_network_of_others(shop, api):
    api.patch("networks/wire", {"isolation": "promiscuous"})
    try:
        plain = mine(network="wire")
        for spec in ({"isolation": "promiscuous"}, {"isolation": "isolated"},
                     {"isolation": "community", "community": "x"}):
            shop.may_not("PUT", "ports/p", dict(plain, **spec), "/isolation")
        shop.may("PUT", "ports/p", plain)
        # What the network's owner has set stays.
        api.patch("ports/p", {"isolation": "isolated"})
        shop.may("PATCH", "ports/p", {"description": "ours"})
        for spec in ({"isolation": None}, {"isolation": "network"},
                     {"isolation": "promiscuous"}):
            shop.may_not("PATCH", "ports/p", spec, "/isolation")
        shop.may_not("PATCH", "ports/p", {"isolation": "community",
                                          "community": "x"}, "/isolation")
        api.patch("ports/p", {"isolation": None})
    finally:
        api.patch("networks/wire", {"isolation": None})


def test_take_an_address_that_is_not_given_out(shop):
    for ip in ("10.9.0.1", "10.9.0.7", "10.9.0.200", "10.9.0.65",
               "10.9.0.53"):
        shop.may_not("PUT", "ports/p", mine(network="wire", ips=[ip]),
                     "/ips")
    # By its name a port gets what is reserved for one that is to come.
    shop.may_not("PUT", "ports/dns", mine(network="wire"), "/ips")
    shop.may("PUT", "ports/p", mine(network="wire", ips=["10.9.0.77"]))
    shop.may("PUT", "ports/q", mine(network="shop", ips=["10.0.0.77"]))


def test_squat_on_an_interface(lab, shop, api):
    # By its id: it is not there yet.
    shop.may_not("PUT", "ports/p", mine(network="shop", iface_id="bank-2"),
                 "/iface_id")
    shop.may_not("PATCH", "ports/shop-1", {"iface_id": "bank-2"},
                 "/iface_id")
    # By a port's name: it is there, and waits for its port.
    host = lab.host("h1")
    host.vsctl("add-port", "br-int", "bank3", "--", "set", "Interface",
               "bank3", "type=internal", "external_ids:iface-id=bank-3")
    try:
        wait_for("the interface", lambda: api.get("hosts/h1")["status"].get(
            "unclaimed"), 20)
        shop.may_not("PUT", "ports/bank-3", mine(network="shop"),
                     "/iface_id")
    finally:
        host.vsctl("del-port", "br-int", "bank3")


def test_account_says_which_interfaces(lab, api):
    tester = make_tenant(lab, "tester", scope="project=shop",
                         iface_ids="shop-")
    tester.may("PUT", "ports/shop-3", mine(network="shop"))
    tester.may("PUT", "ports/p", mine(network="shop", iface_id="shop-4.x"))
    for name, spec in (("bank-2", {}), ("q", {"iface_id": "bank-2"}),
                       ("q", {"iface_id": "shop"})):
        tester.may_not("PUT", "ports/" + name, mine(network="shop", **spec),
                       "/iface_id")
    api.delete("accounts/tester", cascade="true")


def test_have_a_port_open_more_connections(shop, api):
    """What an account with a scope makes has a limit, whatever it says; it may
    lower that, and raise it up to the default or what an administrator has
    set."""
    default = {"rate": 500, "burst": 1000}

    def limit(name="p"):
        return api.get("ports/" + name)["spec"].get("connection_limit")

    for more in {"rate": 501}, {"rate": 10, "burst": 1001}:
        shop.may_not("PUT", "ports/p", mine(network="shop",
                                            connection_limit=more),
                     "/connection_limit/" + ("burst" if "burst" in more
                                             else "rate"))
    shop.may("PUT", "ports/p", mine(network="shop"))
    assert limit() == default
    shop.may("PATCH", "ports/p", {"connection_limit": {"rate": 20,
                                                       "burst": None}})
    assert limit() == {"rate": 20}
    for spec in ({"connection_limit": None}, {"description": "x"}):
        shop.may("PATCH", "ports/p", spec)
        assert limit() == {"rate": 20}
    shop.may("PUT", "ports/p", mine(network="shop"))
    assert limit() == {"rate": 20}
    shop.may("PATCH", "ports/p", {"connection_limit": default})
    # What an administrator has set stays, and is given up by who deletes it.
    api.patch("ports/p", {"connection_limit": {"rate": 9000, "burst": None}})
    shop.may("PUT", "ports/p", mine(network="shop", description="y"))
    assert limit() == {"rate": 9000}
    shop.may_not("PATCH", "ports/p", {"connection_limit": {"rate": 9001}},
                 "/connection_limit/rate")
    api.patch("ports/p", {"connection_limit": None})
    shop.may("PATCH", "ports/p", {"description": "z"})
    assert limit() is None
    shop.may("DELETE", "ports/p")
    shop.may("PUT", "ports/p", mine(network="shop"))
    assert limit() == default
    # By a draft that an administrator applies.
    shop.may("PUT", "drafts/d", mine(changes=[
        {"type": "ports", "name": name, "op": "put", "spec": mine(
            network="shop")} for name in ("p", "q")]))
    api.call("POST", "/v1/drafts/d/apply")
    assert limit() == limit("q") == default


# By way of others.  ----------------------------------------------------------

def test_put_ones_port_into_anothers_scope(shop, api):
    """Their selectors would take it: as a backend of their balancer, say."""
    both = dict(SHOP, team="pay")
    api.put("accounts/pay", {"role": "operator", "scope": "team=pay"})
    shop.may_not("PUT", "ports/p", {"labels": both, "network": "shop"},
                 "/labels")
    shop.may_not("PATCH", "ports/shop-1", {"labels": both}, "/labels")
    # Scopes inside of each other are one tenant's.
    api.put("accounts/pay", {"role": "operator",
                             "scope": "project=shop,team=pay"})
    shop.may("PATCH", "ports/shop-1", {"labels": both})
    api.delete("accounts/pay")


def test_take_a_label_that_only_administrators_give(shop, api):
    label = {"admin/role": "backup"}
    shop.may_not("PATCH", "ports/shop-1", {"labels": label}, "/labels")
    shop.may_not("PUT", "ports/p", {"labels": dict(SHOP, **label),
                                    "network": "shop"}, "/labels")
    api.patch("ports/shop-1", {"labels": label})
    shop.may("PATCH", "ports/shop-1", {"labels": {"role": "web"}})
    shop.may_not("PATCH", "ports/shop-1", {"labels": {"admin/role": None}},
                 "/labels")


def test_open_others_ports_by_a_group_that_they_trust(shop, api):
    api.put("groups/outer", {"groups": ["shop-all"]})
    api.put("policies/wire", {"applies_to": ["wire-all"], "rules": [
        {"direction": "ingress", "action": "allow",
         "peers": [{"group": "outer"}]}]})
    shop.may_not("PATCH", "groups/shop-all", {"cidrs": ["0.0.0.0/0"]})
    shop.may("PATCH", "groups/shop-all", {"description": "ours"})
    # Nor by one in between.
    api.put("groups/inner", {"labels": SHOP})
    api.patch("groups/shop-all", {"groups": ["inner"]})
    shop.may_not("PATCH", "groups/inner", {"cidrs": ["0.0.0.0/0"]})
    api.delete("policies/wire")
    api.delete("groups/outer")
    shop.may("PATCH", "groups/inner", {"cidrs": ["0.0.0.0/0"]})


def test_open_others_ports_by_a_service_that_they_use(shop, api):
    api.put("policies/wire", {"applies_to": ["wire-all"], "rules": [
        {"direction": "ingress", "action": "allow",
         "services": [{"service": "web"}]}]})
    shop.may_not("PATCH", "services/web", {"entries": [{"protocol": "any"}]})
    api.patch("policies/wire", {"labels": SHOP})
    shop.may_not("PATCH", "services/web", {"entries": [{"protocol": "any"}]})
    api.delete("policies/wire")
    shop.may("PATCH", "services/web", {"entries": [{"protocol": "any"}]})


def test_take_addresses_from_a_router_of_others(shop, api):
    """Of what a router joins, subnets are where it sends packets."""
    api.put("routers/core", {"labels": SHARED, "interfaces": [
        {"network": "wire"},
        {"network": "shop", "addresses": ["10.0.0.254"]}]})
    shop.may_not("PATCH", "networks/shop", {"subnets": [
        {"cidr": "10.0.0.0/24"}, {"cidr": "8.8.8.0/24"}]}, "/subnets")
    shop.may("PATCH", "networks/shop", {"subnets": [
        {"cidr": "10.0.0.0/24", "gateway": "10.0.0.1", "dhcp": True}]})
    # Nor by a virtual IP, which all networks reach that routers join.
    balancer = mine(vip="8.8.8.8", networks=["shop"], ports=[{"port": 53}])
    shop.may_not("PUT", "loadbalancers/b", balancer, "/vip")
    shop.may("PUT", "loadbalancers/b", dict(balancer, vip="10.0.0.8"))


def test_have_others_prunes_refused(tenants, shop, api):
    """Who joins a set of others' is not in the way of theirs."""
    status, answer = shop.call("POST", "apply?prune=site", {"objects": [
        {"type": "groups", "name": "g", "spec": mine()}]})
    assert status == 200, answer
    for n in range(2):
        status, answer = tenants["bank"].call(
            "POST", "apply?prune=site", {"objects": [
                {"type": "groups", "name": "b%d" % n,
                 "spec": {"labels": BANK}}]})
        assert status == 200, answer
    names = [g["name"] for g in api.get("groups")["items"]]
    assert "g" in names and "b1" in names and "b0" not in names


CHANGES = [
    {"op": "patch", "spec": {}}, {"op": "patch", "spec": {"enabled": False}},
    {"op": "patch", "spec": {"sha256": "0"}}, {"op": "delete"},
    {"op": "delete", "cascade": True}, {"spec": {}},
    {"spec": {"role": "viewer"}}, {"spec": {"account": "shop"}},
]


@pytest.fixture(name="operator")
def _operator(lab, api):
    yield make_tenant(lab, "ci")
    api.delete("accounts/ci", cascade="true")


def test_find_accounts_and_tokens_by_changing_them(shop, operator):
    """Whether there is one or not, there is one answer."""
    for who in shop, operator:
        for kind in "accounts", "tokens":
            answers = set()
            for name in "bank", "nobody", "bankk":
                for change in CHANGES:
                    status, text = who.raw("POST", "apply", {"objects": [
                        dict(change, type=kind, name=name)]})
                    assert status == 403, text
                    answers.add(text.replace('"%s' % name, '"NAME'))
            assert len(answers) == 1, answers


def test_find_tokens_by_having_ones_own_secret_made(shop, operator):
    """A PUT of one without a hash keeps that of the token that there is, which
    is no proof that one knows it: it is for administrators alone."""
    for who in shop, operator:
        answers = set()
        for name in "bank", "nobody":
            for spec in ({"account": "bank"}, {"account": "shop"}, {},
                         {"account": "bank", "expires": "then"}):
                status, text = who.raw("PUT", "tokens/" + name,
                                       {"spec": spec})
                assert status == 403, text
                answers.add(text.replace('"%s\\"' % name, '"NAME\\"'))
        assert len(answers) == 1, answers


def test_tell_a_name_that_is_taken_from_a_free_one(shop):
    """By a change or deletion, whatever ETag it is for."""
    for method, body in (("DELETE", None), ("PATCH", {"spec": {}}),
                         ("PATCH", {"spec": {"vip": "x"}})):
        for headers in {}, {"If-Match": '"1"'}, {"If-Match": "*"}, {
                "If-Match": "x"}, {"If-None-Match": "*"}:
            taken, free = (shop.raw(method, "networks/" + name, body, headers)
                           for name in ("bank", "bonk"))
            assert taken[0] >= 400
            assert taken == (free[0], free[1].replace("bonk", "bank")), taken


def test_learn_by_a_prune_which_accounts_there_are(operator, api):
    """Administrators have accounts in a set that operators apply as well."""
    accounts = [
        {"type": "accounts", "name": "alice", "spec": {
            "role": "operator", "scope": "a=b", "tiers": ["own"]}},
        {"type": "tokens", "name": "alice-1", "spec": {
            "account": "alice", "sha256": "ab" * 32}}]
    others = [
        {"type": "tiers", "name": "own", "spec": {"position": 2}},
        {"type": "groups", "name": "g", "spec": {}}]

    def apply(objects, query=""):
        return operator.call("POST", "apply?prune=s" + query,
                             {"objects": objects})

    api.call("POST", "/v1/apply?prune=s", {"objects": accounts + others})
    status, answer = apply(accounts + others)
    assert status == 200 and not answer["changed"], answer
    others[1]["spec"]["description"] = "changed"
    status, answer = apply(accounts + others)
    assert status == 200, answer
    assert [r["outcome"] for r in answer["results"]] == [
        "unchanged", "unchanged", "unchanged", "updated"]
    # Without them they stay, and are not named.
    for query in "&dry_run=true", "":
        status, answer = apply(others[:1], query)
        assert status == 200 and "alice" not in str(answer), answer
    assert [o["name"] for o in answer["also_changed"]] == ["g"]
    assert api.get("accounts/alice")["spec"]["tiers"] == ["own"]
    assert api.get("tokens/alice-1")["spec"]["account"] == "alice"
    # Nor are they by what they refer to.
    for status, answer in (apply([]), operator.tries("DELETE", "tiers/own"),
                           operator.tries("DELETE",
                                          "tiers/own?cascade=true")):
        assert status in (403, 409) and "alice" not in str(answer), answer
    api.delete("accounts/alice", cascade="true")


def test_crash_by_groups_inside_of_each_other(lab, shop):
    """A chain, and groups that all have all others: it takes no stack, and
    no time."""
    chain = [{"type": "groups", "name": "c%d" % i, "spec": mine(
        groups=["c%d" % (i + 1)] if i < 4999 else [])} for i in range(5000)]
    web = [{"type": "groups", "name": "w%d" % i, "spec": mine(
        groups=["w%d" % j for j in range(i + 1, min(i + 100, 400))])}
        for i in range(400)]
    for objects in chain, web, chain[::-1], web[::-1]:
        status, answer = shop.call("POST", "apply", {"objects": objects})
        assert status in (400, 403), answer
        assert lab.vmnd.pid() is not None


# Reserved MAC addresses.  ----------------------------------------------------

@pytest.mark.parametrize("mac", RESERVED)
def test_be_taken_for_the_outside_by_a_reserved_mac(shop, api, mac):
    """Whoever sends with those is nobody, or a floating address."""
    for spec, pointer in (({"mac": mac}, "/mac"),
                          ({"allowed_addresses": [
                              {"ip": "10.0.0.9", "mac": mac}]},
                           "/allowed_addresses/0/mac")):
        shop.may_not("PUT", "ports/p", mine(network="shop", **spec), pointer,
                     status=400)
        with pytest.raises(Refused, match="reserved"):
            api.put("ports/p", dict(spec, network="shop"))
    with pytest.raises(Refused, match="/mac.*reserved"):
        api.put("routers/r", {"mac": mac})


@pytest.fixture(name="world")
def _world(lab):
    world = World(lab)
    yield world
    world.close()


@pytest.mark.parametrize("mac", RESERVED)
def test_send_by_a_reserved_mac_behind_a_port(world, mac):
    world.network("net", "10.0.0.0/24")
    nest = world.vm("nest", "net", "h1", "10.0.0.11", unknown=True)
    other = world.vm("other", "net", "h1", "10.0.0.12", tcp=(80,))
    guests = []
    try:
        for name, ip, own in (("good", "10.0.0.101", None),
                              ("evil", "10.0.0.102", mac)):
            guests.append(Inner(nest, name, ip + "/24", "fd00::1/64",
                                mac=own))
            guests[-1].bridged()
        assert world.answers(guests[0], other.ip, 80, "tcp") == "other"
        # Whom to answer is known, so that its packets alone decide.
        for one, two in (other, guests[1]), (guests[1], other):
            one.run("ip", "neigh", "replace", two.ip, "lladdr", two.mac,
                    "dev", "eth0")
        assert world.unanswered(guests[1], other.ip)
    finally:
        for guest in guests:
            guest.close()
