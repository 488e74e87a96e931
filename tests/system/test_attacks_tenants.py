# SPDX-License-Identifier: Apache-2.0
"""What a curious or hostile tenant tries by the API: accounts with a `scope`
and a `reads`.  One function per attack, named for what the attacker wants."""

import http.client
import json
import sqlite3
import time

import pytest
from conftest import World, close_lab, make_token_lab
from inner import Inner

from vmnlab.api import _Connection, Refused
from vmnlab.netns import inside, wait_for

PORT = 8117
SHOP = {"project": "shop"}
BANK = {"project": "bank"}
SHARED = {"shared": "yes"}
RESERVED = ("0e:56:4d:ff:00:0e", "0e:56:4e:00:00:01",
            "0e:56:4f:00:00:64")


class Tenant:
    """Who calls the API by TCP, with a token."""

    def __init__(self, lab, token):
        self.lab = lab
        self.token = token

    def call(self, method, target, body=None):
        """Returns status and JSON."""
        link = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
        headers = {"Content-Type": "application/json",
                   "Authorization": "Bearer " + self.token}
        try:
            with inside(self.lab.net_ns):
                link.connect()
            link.request(method, "/v1/" + target,
                         json.dumps(body) if body else None, headers)
            reply = link.getresponse()
            return reply.status, json.loads(reply.read() or b"null")
        finally:
            link.close()

    def tries(self, method, target, spec=None):
        return self.call(method, target,
                         {"spec": spec} if spec is not None else None)

    def may(self, method, target, spec=None):
        """It is allowed, and done."""
        status, answer = self.tries(method, target, spec)
        assert status in (200, 201), answer
        return answer

    def may_not(self, method, target, spec=None, pointer="", status=403):
        """It is refused, and the field is named."""
        got, answer = self.tries(method, target, spec)
        assert got == status, answer
        if pointer:
            pointers = [e["pointer"] for e in answer["errors"]]
            assert "/spec" + pointer in pointers, answer
        return answer


@pytest.fixture(name="lab", scope="module")
def _lab(tmp_path_factory):
    lab = make_token_lab("att", 1, tmp_path_factory.mktemp("api"), PORT)
    yield lab
    close_lab(lab)


def make_tenant(lab, name, **spec):
    api = lab.vmnd.api
    api.put("accounts/" + name, dict({"role": "operator"}, **spec))
    secret = api.put("tokens/" + name, {"account": name})["secret"]
    return Tenant(lab, secret)


# Each test finds this, and nothing besides.
OBJECTS = [
    ("networks", "shop", {"labels": SHOP, "subnets": [
        {"cidr": "10.0.0.0/24", "gateway": "10.0.0.1"}]}),
    ("networks", "bank", {"labels": BANK,
                          "subnets": [{"cidr": "10.0.0.0/24"}]}),
    ("networks", "wire", {"labels": SHARED, "subnets": [
        {"cidr": "10.9.0.0/24", "gateway": "10.9.0.1",
         "pools": [{"start": "10.9.0.50", "end": "10.9.0.199"}],
         "exclude": [{"start": "10.9.0.60", "end": "10.9.0.69"}],
         "reservations": [{"ip": "10.9.0.53", "port": "dns"}]}]}),
    ("networks", "street", {"labels": SHARED,
                            "provider": {"physical": "dc", "vlan": 10},
                            "subnets": [{"cidr": "192.0.2.0/24",
                                         "gateway": "192.0.2.254"}]}),
    ("ports", "shop-1", {"labels": SHOP, "network": "shop"}),
    ("ports", "shop-2", {"labels": SHOP, "network": "shop"}),
    ("ports", "bank-1", {"labels": BANK, "network": "bank"}),
    ("ports", "wire-1", {"labels": SHARED, "network": "wire"}),
    ("groups", "shop-all", {"labels": SHOP, "selector": "project=shop"}),
    ("groups", "wire-all", {"labels": SHARED, "ports": ["wire-1"]}),
    ("services", "web", {"labels": SHOP, "entries": [
        {"protocol": "tcp", "ports": [443]}]}),
    ("routers", "core", {"labels": SHARED,
                         "interfaces": [{"network": "wire"}]}),
    ("loadbalancers", "front", {
        "labels": SHARED, "vip": "10.9.0.2", "networks": ["wire"],
        "ports": [{"port": 80}], "backends": [{"port": "wire-1"}]}),
]
KINDS = ("quarantines", "policies", "floating-ips", "dns-zones",
         "observations", "loadbalancers", "routers", "groups", "services",
         "tiers", "ports", "networks")


def clear(api):
    for kind in KINDS:
        for item in api.get(kind)["items"]:
            if kind != "tiers" or item["name"] not in (
                    "emergency", "security", "platform", "application",
                    "baseline"):
                api.delete("%s/%s" % (kind, item["name"]), cascade="true")


@pytest.fixture(name="api")
def _api(lab):
    api = lab.vmnd.api
    api.apply([{"type": kind, "name": name, "spec": spec}
               for kind, name, spec in OBJECTS])
    yield api
    clear(api)


@pytest.fixture(name="tenants", scope="module")
def _tenants(lab):
    return {name: make_tenant(lab, name, scope="project=" + name,
                              reads="shared=yes")
            for name in ("shop", "bank")}


@pytest.fixture(name="shop")
def _shop(tenants, api):
    assert api
    return tenants["shop"]


def mine(**spec):
    return dict(spec, labels=SHOP)


def policy(*groups, **spec):
    return mine(applies_to=list(groups), rules=[
        {"direction": "ingress", "action": "allow"}], **spec)


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


# What others have.  ----------------------------------------------------------

MACS = ["02:00:00:00:77:%02x" % i for i in range(4)]
# What the bank has in networks of the shop and of all; "secret" is in each
# name, and nowhere else.
SECRETS = [
    ("ports", "secret-port", {
        "network": "shop", "ips": ["10.0.0.70"], "mac": MACS[0],
        "iface_id": "plug7", "allowed_addresses": [
            {"ip": "10.0.0.71", "mac": MACS[1]}]}),
    ("ports", "secret-wire", {"network": "wire", "ips": ["10.9.0.70"]}),
    ("ports", "secret-sub", {"network": "shop", "parent": "shop-2",
                             "vlan": 5}),
    ("networks", "secret-net", {"subnets": [
        {"cidr": "10.77.0.0/24", "gateway": "10.77.0.1"}]}),
    ("routers", "secret-router", {"mac": MACS[2], "interfaces": [
        {"network": "shop", "addresses": ["10.0.0.72"]},
        {"network": "secret-net"}]}),
    ("loadbalancers", "secret-balancer", {
        "vip": "10.0.0.73", "networks": ["shop"], "ports": [{"port": 80}],
        "backends": [{"port": "shop-1"}]}),
    ("groups", "secret-group", {"ports": ["shop-1"]}),
    ("policies", "secret-policy", {"applies_to": ["secret-group"],
                                   "tier": "platform", "priority": 7,
                                   "rules": [{"direction": "ingress",
                                              "action": "deny"}]}),
    ("dns-zones", "secret-zone", {"networks": ["shop"],
                                  "domain": "example.org"}),
    ("quarantines", "secret-hold", {"ports": ["shop-2"]}),
]
# The way out, which the administrator has given to the shop.
OUTSIDE = [
    ("networks", "lane", {"provider": {"physical": "dc", "vlan": 20},
                          "vni": 4000, "subnets": [
                              {"cidr": "198.51.100.0/24",
                               "gateway": "198.51.100.254"}]}),
    ("routers", "edge", {
        "interfaces": [{"network": "shop", "addresses": ["10.0.0.1"]}],
        "external": {"network": "lane", "addresses": ["198.51.100.5"],
                     "gateways": [{"host": "h1"}]}}),
]
FLOATING = [
    ("floating-ips", "secret-f1", {"router": "edge", "ip": "198.51.100.80",
                                   "port": "shop-1"}),
    ("floating-ips", "secret-f2", {"router": "edge", "ip": "198.51.100.81",
                                   "load_balancer": "secret-balancer"}),
]


def shop_subnet(**spec):
    return {"subnets": [dict({"cidr": "10.0.0.0/24",
                              "gateway": "10.0.0.1"}, **spec)]}


def port(**spec):
    return dict({"network": "shop"}, **spec)


def allowed(**pair):
    return port(allowed_addresses=[pair])


def balancer(vip):
    return {"vip": vip, "networks": ["shop"], "ports": [{"port": 80}]}


def router(*addresses, **spec):
    return dict({"interfaces": [{"network": "shop",
                                 "addresses": list(addresses)}]}, **spec)


# Each is a conflict with a secret: whoever may know of it is told its name.
CONFLICTS = [
    ("PUT", "ports/x", port(ips=["10.0.0.70"])),
    ("PUT", "ports/x", port(ips=["10.0.0.71"])),
    ("PUT", "ports/x", port(ips=["10.0.0.72"])),
    ("PUT", "ports/x", port(ips=["10.0.0.73"])),
    ("PUT", "ports/x", {"network": "wire", "ips": ["10.9.0.70"]}),
    ("PUT", "ports/x", port(mac=MACS[0])),
    ("PUT", "ports/x", port(mac=MACS[1])),
    ("PUT", "ports/x", port(mac=MACS[2])),
    ("PUT", "ports/plug7", port()),
    ("PUT", "ports/x", port(parent="shop-2", vlan=5)),
    ("PATCH", "ports/shop-2", {"parent": "shop-1", "vlan": 9}),
    ("PUT", "ports/x", allowed(ip="10.0.0.70")),
    ("PUT", "ports/x", allowed(ip="10.0.0.72")),
    ("PUT", "ports/x", allowed(ip="10.0.0.73")),
    ("PUT", "ports/x", allowed(ip="10.0.0.79", mac=MACS[0])),
    ("PUT", "ports/x", allowed(ip="10.0.0.79", mac=MACS[2])),
    ("PATCH", "ports/shop-1", {"network": "other"}),
    ("DELETE", "ports/shop-1", None),
    ("DELETE", "networks/shop", None),
    ("PUT", "loadbalancers/x", balancer("10.0.0.70")),
    ("PUT", "loadbalancers/x", balancer("10.0.0.71")),
    ("PUT", "loadbalancers/x", balancer("10.0.0.72")),
    ("PUT", "loadbalancers/x", balancer("10.0.0.73")),
    ("PUT", "routers/x", router("10.0.0.70")),
    ("PUT", "routers/x", router("10.0.0.71")),
    ("PUT", "routers/x", router("10.0.0.72")),
    ("PUT", "routers/x", router("10.0.0.73")),
    ("PUT", "routers/x", router("10.0.0.9", mac=MACS[0])),
    ("PUT", "routers/x", router("10.0.0.9", mac=MACS[2])),
    ("PATCH", "networks/shop", {"subnets": [
        {"cidr": "10.0.0.0/26", "gateway": "10.0.0.1"}]}),
    ("PATCH", "networks/shop", shop_subnet(gateway="10.0.0.73")),
    ("PATCH", "networks/shop", shop_subnet(reservations=[
        {"ip": "10.0.0.70", "port": "shop-1"}])),
    ("PATCH", "networks/shop", shop_subnet(reservations=[
        {"ip": "10.0.0.73", "port": "shop-1"}])),
    ("PATCH", "networks/shop", {"subnets": [
        {"cidr": "10.0.0.0/24", "gateway": "10.0.0.1"},
        {"cidr": "10.77.0.0/25"}]}),
    ("PUT", "dns-zones/x", {"networks": ["shop"], "domain": "example.org"}),
    ("PUT", "policies/x", {"applies_to": ["shop-all"], "tier": "platform",
                           "priority": 7, "rules": [
                               {"direction": "ingress", "action": "deny"}]}),
    ("PUT", "floating-ips/x", {"router": "edge", "ip": "198.51.100.80",
                               "port": "shop-2"}),
    ("PUT", "floating-ips/x", {"router": "edge", "ip": "198.51.100.82",
                               "port": "shop-1"}),
    ("PATCH", "routers/edge", {"external": {
        "addresses": ["198.51.100.5", "198.51.100.80"]}}),
    ("PATCH", "routers/edge", {"external": None}),
]
# The same of what is for administrators to say, and of what takes others
# along.
FORBIDDEN = [
    ("PUT", "networks/x", {"vni": 4001}),
    ("PUT", "networks/x", {"provider": {"physical": "dc", "vlan": 21}}),
    ("DELETE", "networks/shop?cascade=true", None),
    ("DELETE", "ports/shop-1?cascade=true", None),
    ("PATCH", "ports/shop-2", {"quarantined": True}),
]


def answers(shop, method, target, spec):
    """What the tenant is told, and what an administrator is."""
    labels = {} if method == "PATCH" else {"labels": SHOP}
    spec = None if spec is None else dict(spec, **labels)
    status, answer = shop.tries(method, target, spec)
    assert status >= 400, (method, target, spec)
    link = shop.lab.vmnd.api
    with pytest.raises(Refused) as told:
        link.call(method, "/v1/" + target,
                  {"spec": spec} if spec is not None else None)
    return json.dumps(answer), str(told.value)


def test_learn_by_conflicts_what_others_have(lab, api):
    tenant = make_tenant(lab, "nosy", scope="project=shop",
                         reads="shared=yes",
                         tiers=["application", "platform"])
    api.put("networks/other", mine())
    for objects, labels in ((SECRETS, BANK), (OUTSIDE, SHOP),
                            (FLOATING, BANK)):
        api.apply([{"type": kind, "name": name, "spec": dict(
            spec, labels=labels)} for kind, name, spec in objects])
    api.put("networks/secret-wire", {"labels": BANK, "vni": 4001,
                                     "provider": {"physical": "dc",
                                                  "vlan": 21}})
    wrong = []
    for one in CONFLICTS:
        answer, told = answers(tenant, *one)
        if "secret" in answer or "secret" not in told:
            wrong.append((one, answer, told))
    for one in FORBIDDEN:
        _, answer = tenant.tries(*one[:2], one[2] and mine(**one[2])
                                 if one[0] == "PUT" else one[2])
        if "secret" in json.dumps(answer):
            wrong.append((one, answer))
    # What is just as it is guessed to be is refused like what is not.
    guess = {"type": "groups", "name": "secret-group", "spec": {
        "labels": BANK, "ports": ["shop-1"]}}
    for ports in ["shop-1"], ["shop-2"]:
        guess["spec"]["ports"] = ports
        status, answer = tenant.call("POST", "apply", {"objects": [guess]})
        if status != 403:
            wrong.append((guess, answer))
    assert not wrong, "\n".join(str(one) for one in wrong)
    api.delete("accounts/nosy", cascade="true")


def test_learn_what_others_networks_have_left(lab, api):
    """What is to be given out is looked for before rights are: that there is
    none is not for everybody to know."""
    tenant = make_tenant(lab, "greedy", scope="project=shop")
    api.put("networks/secret-full", {"labels": BANK, "vni": 4002, "subnets": [
        {"cidr": "10.55.0.0/30", "gateway": "10.55.0.1"}]})
    api.put("ports/secret-last", {"labels": BANK, "network": "secret-full"})
    for target, taken, free in (
            ("ports/x", {"network": "secret-full"}, {"network": "no-such"}),
            ("networks/x", {"vni": 4002}, {"vni": 4003})):
        told = []
        for spec in taken, free:
            status, answer = tenant.tries("PUT", target, mine(**spec))
            text = json.dumps(answer)
            told.append((status, text.replace(str(*spec.values()), "X")))
        assert told[0] == told[1]
    api.delete("networks/secret-full?cascade=true")
    api.delete("accounts/greedy", cascade="true")


# Out of quarantine.  ---------------------------------------------------------

def log_of(tenant, query="limit=1000"):
    """What a tenant is told of the log of changes, whole."""
    found, before = [], ""
    while True:
        status, answer = tenant.call("GET", "revisions?%s%s" % (query, before))
        assert status == 200, answer
        found = answer["items"] + found
        if "next" not in answer:
            return found
        before = "&before=" + answer["next"]


def test_learn_by_the_log_what_others_do(shop, tenants, api):
    """An account sees what it has made itself: neither who else has changed
    what, nor what somebody says of it."""
    bank = tenants["bank"]
    theirs = api.call("PUT", "/v1/groups/secret-1", {"spec": {
        "selector": "project=bank"}}, comment="secret-2")["revision"]
    status, answer = bank.call(
        "PUT", "groups/secret-3?comment=secret-4",
        {"spec": {"labels": BANK, "selector": "project=bank"}})
    assert status == 201, answer
    banks = answer["revision"]
    status, answer = shop.call(
        "PUT", "groups/shop-own?comment=mine",
        {"spec": mine(selector="project=shop")})
    assert status == 201, answer
    own = answer["revision"]
    # An administrator changes what is the account's own.
    admins = api.patch("groups/shop-own", {"description": "secret-5"})[
        "revision"]

    seen = log_of(shop)
    assert {entry["who"] for entry in seen} == {"account:shop/shop"}, seen
    assert seen[-1]["revision"] == own and seen[-1]["comment"] == "mine"
    for query in ("who=account:bank", "who=unix:uid=0", "users=true&who=unix",
                  "type=groups&name=secret-3", "since=2000-01-01T00:00:00Z",
                  "type=groups&name=shop-own&contents=true"):
        assert "secret" not in json.dumps(log_of(shop, query)), query
    status, answer = shop.call("GET", "revisions?after=0")
    assert status == 400 and answer["errors"][0]["parameter"] == "after"

    status, answer = shop.call("GET", "revisions/%d?contents=true" % own)
    assert status == 200 and answer["comment"] == "mine", answer
    assert answer["receipt"]["installed"] and "duration_us" not in answer
    # What others made is as what nobody made, waited for or not.
    for more in "", "?contents=true", "?wait=installed&timeout=200ms":
        for number in theirs, banks, admins, 99999999, 0:
            status, answer = shop.call("GET", "revisions/%d%s" % (number,
                                                                  more))
            assert status == 404, answer
            assert answer["detail"] == (
                "This account has made no revision %d" % number)
    # The list and each single entry follow one rule.
    for tenant in shop, bank:
        listed = {entry["revision"] for entry in log_of(tenant)}
        for number in range(max(admins - 100, 0), admins + 2):
            status, _ = tenant.call("GET", "revisions/%d" % number)
            assert status == (200 if number in listed else 404), number
    # The other account sees its own alone, as well.
    assert {entry["who"] for entry in log_of(bank)} == {"account:bank/bank"}
    assert bank.call("GET", "revisions/%d" % own)[0] == 404


def undo(tenant, number, query=""):
    return tenant.call("POST", "revisions/%d/undo%s" % (number, query))


def test_undo_what_others_did(shop, tenants, api):
    """One's own revisions alone, and of these none with an object in it that
    is not one's own any more; nobody learns what became of that."""
    made = shop.may("PUT", "groups/own-1", mine())["revision"]
    bank = tenants["bank"].may("PUT", "groups/bank-1",
                               {"labels": BANK})["revision"]
    admins = api.put("groups/own-2", {"labels": SHOP})["revision"]
    for number in bank, admins, 99999999, 0:
        for query in "", "?force=true", "?type=groups&name=own-2&force=true":
            status, answer = undo(shop, number, query)
            assert status == 404, answer
            assert answer["detail"] == (
                "This account has made no revision %d" % number)

    # Deleted, and made by another since; given away; and only read now.
    deleted = shop.may("DELETE", "groups/own-1")["revision"]
    api.put("groups/own-1", {"labels": BANK, "description": "secret"})
    given = shop.may("PUT", "groups/own-3", mine())["revision"]
    changed = shop.may("PATCH", "groups/own-3", {"description": "x"})[
        "revision"]
    for labels in BANK, SHARED, {}:
        api.put("groups/own-3", {"labels": labels, "description": "secret"})
        for number in made, deleted, given, changed:
            for query in "", "?force=true", "?dry_run=plan", \
                    "?force=true&type=groups&name=own-3":
                if "own-3" in query and number in (made, deleted):
                    continue
                status, answer = undo(shop, number, query)
                assert status == 403, answer
                assert [e["detail"] for e in answer["errors"]] == [
                    "revision %d changed what is not within this account's "
                    "scope now" % number]
                assert "secret" not in json.dumps(answer)
        assert api.get("groups/own-3")["spec"]["description"] == "secret"
    # Half of a revision does not count as all of it.
    status, answer = shop.call("POST", "apply", {"objects": [
        {"type": "groups", "name": name, "spec": mine()}
        for name in ("own-4", "own-5")]})
    assert status == 200, answer
    api.patch("groups/own-4", {"labels": BANK})
    status, answer = undo(shop, answer["revision"], "?force=true")
    assert status == 403 and api.get("groups/own-5"), answer


def test_get_back_by_undoing_what_one_may_not_set(shop, api):
    """What is put back is a change as any other."""
    api.patch("ports/shop-1", {"host": "h1", "labels": {"admin/a": "b"}})
    taken = shop.may("PATCH", "ports/shop-1", {"host": None})["revision"]
    status, answer = undo(shop, taken)
    assert status == 403, answer
    assert answer["errors"][0]["pointer"].endswith("/host"), answer
    viewer = make_tenant(shop.lab, "looks", role="viewer",
                         scope="project=shop")
    assert undo(viewer, taken)[0] == 403
    api.delete("accounts/looks", cascade="true")


def test_learn_by_a_receipt_how_much_others_change(lab, shop, api):
    """Changes made in one go share a receipt, with the flows of all."""
    lab.add_vm_of_port("shop-1", "h1")
    try:
        wait_for("its port to be up",
                 lambda: lab.port_state("shop-1") == "up")
        status, answer = shop.call("PATCH", "ports/shop-1?wait=installed",
                                   {"spec": {"enabled": False}})
        assert status == 200 and answer["receipt"]["flows"] == [], answer
        number = answer["revision"]
        status, answer = shop.call("GET", "revisions/%d" % number)
        assert status == 200 and answer["receipt"]["flows"] == [], answer
        assert api.get("revisions/%d" % number)["receipt"]["flows"]
    finally:
        lab.remove_vm("shop-1")


def begin(tenant, method, target, spec=None):
    """Sends a request that is not answered at once; returns the link."""
    link = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    with inside(tenant.lab.net_ns):
        link.connect()
    link.request(method, "/v1/" + target,
                 json.dumps({"spec": spec}) if spec else None,
                 {"Content-Type": "application/json",
                  "Authorization": "Bearer " + tenant.token})
    # Whatever is sent after this is read after it.
    tenant.call("GET", "usage")
    return link


ENDS = {
    "token deleted": lambda api: api.delete("tokens/late"),
    "account disabled": lambda api: api.patch("accounts/late",
                                              {"enabled": False}),
    "account narrowed": lambda api: api.patch(
        "accounts/late", {"scope": "project=shop,team=pay"}),
    "account less": lambda api: api.patch("accounts/late",
                                          {"role": "viewer"}),
    "account deleted": lambda api: api.delete("accounts/late",
                                              cascade="true"),
    "token expires": lambda api: api.patch("tokens/late", {
        "expires": time.strftime("%Y-%m-%dT%H:%M:%SZ",
                                 time.gmtime(time.time() + 2))}),
}


@pytest.mark.parametrize("how", ENDS)
def test_learn_by_waiting_what_one_may_not_know_any_more(lab, api, how):
    """A request that waits ends with what let it in, as streams do, and long
    before its time is over."""
    late = make_tenant(lab, "late", scope="project=shop")
    host = lab.host("h1")
    lab.add_vm_of_port("shop-1", "h1")
    links = []
    try:
        wait_for("its port to be up",
                 lambda: lab.port_state("shop-1") == "up")
        host.freeze_switch()
        links.append(begin(late, "PATCH",
                           "ports/shop-1?wait=installed&timeout=300s",
                           {"enabled": False}))
        wait_for("its revision", lambda: log_of(late))
        made = log_of(late)[-1]["revision"]
        links.append(begin(late, "GET", "revisions/%d?wait=installed"
                           "&timeout=300s" % made))
        ENDS[how](api)
        for link in links:
            reply = link.getresponse()
            answer = json.loads(reply.read())
            assert reply.status == 401, answer
            assert "while it waited" in answer["detail"]
            assert "shop-1" not in json.dumps(answer)
        # What was asked for has been done, and is in the log.
        assert api.get("revisions/%d" % made)["who"] == "account:late/late"
        assert api.get("ports/shop-1")["spec"]["enabled"] is False
    finally:
        for link in links:
            link.close()
        host.thaw_switch()
        lab.remove_vm("shop-1")
        if how != "account deleted":
            api.delete("accounts/late", cascade="true")


def begin_as_admin(api, method, target, spec):
    """As begin(), by the socket."""
    link = _Connection(api.path, 60)
    link.request(method, "/v1/" + target, json.dumps({"spec": spec}),
                 {"Content-Type": "application/json"})
    api.get("status")
    return link


def use_while_queued(lab, api, late):
    """Has a change of LATE queued behind one that takes its rights.  Returns
    the replies to both."""
    lock = sqlite3.connect(lab.vmnd.db, isolation_level=None, timeout=60)
    links = []
    try:
        # What comes while the writer waits for the lock is one group.
        lock.execute("BEGIN IMMEDIATE")
        links.append(begin_as_admin(api, "PUT", "groups/first", {
            "description": str(time.monotonic())}))
        links.append(begin_as_admin(api, "PATCH", "accounts/late", {
            "scope": "project=shop,team=pay"}))
        links.append(begin(late, "PUT", "groups/stolen", mine()))
        lock.execute("ROLLBACK")
        replies = [link.getresponse() for link in links]
        return [(reply.status, json.loads(reply.read()))
                for reply in replies[1:]]
    finally:
        lock.close()
        for link in links:
            link.close()


def test_use_rights_that_are_taken_while_ones_request_is_queued(lab, api):
    """What was let in with rights that a request before it in the queue takes
    is refused when its turn comes."""
    late = make_tenant(lab, "late", scope="project=shop")
    taken = None
    try:
        for _ in range(20):
            taken, used = use_while_queued(lab, api, late)
            if taken[0] == 200:
                break
            # The writer has waited for too long, and has failed that one.
        assert taken[0] == 200, taken
        assert used[0] in (401, 403), used
        assert "stolen" not in [g["name"] for g in api.get("groups")["items"]]
    finally:
        api.delete("accounts/late", cascade="true")
        for group in api.get("groups")["items"]:
            if group["name"] in ("first", "stolen"):
                api.delete("groups/" + group["name"])


def test_learn_by_an_accounts_name_what_another_did(lab, api):
    """One that is made anew has made nothing."""
    old = make_tenant(lab, "again", scope="project=shop")
    old.may("PUT", "groups/again", mine(selector="project=shop"))
    made = log_of(old)[-1]["revision"]
    api.call("DELETE", "/v1/accounts/again", cascade="true")
    new = make_tenant(lab, "again", scope="project=bank")
    assert log_of(new) == []
    assert new.call("GET", "revisions/%d" % made)[0] == 404
    api.call("DELETE", "/v1/accounts/again", cascade="true")
    api.delete("groups/again")


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


def test_learn_by_which_quarantine_one_is_held(shop, api):
    """That it is held is told, and by which one if that is one's own."""
    shop.may("PUT", "quarantines/own", mine(ports=["shop-1"]))
    api.put("quarantines/case-4711", {"ports": ["shop-1", "shop-2"]})
    api.patch("ports/shop-2", {"labels": SHOP})

    def told(name):
        status, answer = shop.tries("GET", "ports/" + name)
        assert status == 200, answer
        listed = [port for port in shop.tries("GET", "ports")[1]["items"]
                  if port["name"] == name][0]
        assert listed["status"].get("quarantines") == \
            answer["status"].get("quarantines")
        return (answer["status"].get("quarantined"),
                answer["status"].get("quarantines"))

    assert told("shop-1") == (True, ["own"])
    assert told("shop-2") == (True, None)
    assert api.get("ports/shop-2")["status"]["quarantines"] == ["case-4711"]
    api.delete("quarantines/case-4711")
    assert told("shop-2") == (None, None)
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


def test_see_interfaces_without_a_port(lab, shop, api):
    """Not even that there are any: they may be anybody's."""
    host = lab.host("h1")
    host.vsctl("add-port", "br-int", "bank3", "--", "set", "Interface",
               "bank3", "type=internal", "external_ids:iface-id=bank-3",
               'external_ids:attached-mac="02:00:00:00:00:03"')
    try:
        wait_for("the interface", lambda: api.get("hosts/h1")["status"].get(
            "unclaimed") == 1, 20)
        found, = api.get("hosts/h1")["status"]["unclaimed_interfaces"]
        assert dict(found, since=0) == {
            "iface_id": "bank-3", "interface": "bank3",
            "mac": "02:00:00:00:00:03", "since": 0}
        warning = api.get("status")["warnings"][0]
        assert warning["text"].startswith("1 interface of VMs on h1 has no")
        for target in ("hosts/h1", "hosts", "status"):
            seen = json.dumps(shop.may("GET", target))
            assert "unclaimed" not in seen and "bank-3" not in seen
            assert "has no port" not in seen
    finally:
        host.vsctl("del-port", "br-int", "bank3")


def test_learn_of_hosts_more_than_names_and_states(lab, shop, tenants, api):
    """Neither where they are and how they are set up, nor how many ports and
    flows of all they have, nor why they do not answer."""
    wait_for("the host", lambda: api.get("hosts/h1")["status"]["state"]
             == "synced")
    api.patch("hosts/h1", {"labels": SHOP, "description": "secret-place"})
    reader = make_tenant(lab, "reader", scope="project=shop", role="viewer",
                         reads="project")
    want = {"type": "hosts", "name": "h1", "spec": {},
            "metadata": {"revision": 0, "etag": "0"},
            "status": {"state": "synced"}}
    try:
        for tenant in shop, tenants["bank"], reader:
            assert tenant.may("GET", "hosts/h1") == want
            assert tenant.may("GET", "hosts")["items"] == [want]
            # Nor by what a filter finds.
            assert not tenant.may("GET", "hosts?selector=project%3Dshop")[
                "items"]
            assert tenant.may("GET", "hosts?selector=project!%3Dbank")[
                "items"] == [want]
    finally:
        api.patch("hosts/h1", {"labels": None, "description": None})
        api.delete("accounts/reader", cascade="true")


def test_learn_by_a_receipt_where_a_host_is(lab, shop, api):
    """That it has not confirmed is told, but not why."""
    lab.add_vm_of_port("shop-1", "h1")
    host = lab.host("h1")
    try:
        wait_for("its port to be up",
                 lambda: lab.port_state("shop-1") == "up")
        host.freeze_switch()
        status, answer = shop.call(
            "PATCH", "ports/shop-1?wait=installed&timeout=100ms",
            {"spec": {"enabled": False}})
        assert status == 202, answer
        told, = answer["receipt"]["hosts"]
        assert told["host"] == "h1" and "reason" not in told, told
        full, = api.get("revisions/%d" % answer["revision"])["receipt"][
            "hosts"]
        assert full["reason"]
    finally:
        host.thaw_switch()
        lab.remove_vm("shop-1")


def test_learn_by_the_rules_of_a_port_which_others_have(shop, api):
    """Which groups and policies that it sees concern its own ports, and as if
    there were no others."""
    shop.may("PUT", "policies/own", policy("shop-all"))
    before = shop.may("GET", "ports/shop-1/policies")
    assert before["groups"] == ["shop-all"]
    assert [p["name"] for p in before["policies"]] == ["own"]

    api.put("groups/secret-in", {"ports": ["shop-1"]})
    api.put("groups/secret-out", {"labels": BANK, "groups": ["shop-all"]})
    rules = [{"direction": "ingress", "action": "deny"}]
    api.put("policies/secret-1", {"applies_to": ["secret-in", "shop-all"],
                                  "rules": rules})
    # One that it sees, which applies by a group that it does not see.
    api.put("policies/seen", {"labels": SHARED, "applies_to": ["secret-in"],
                              "rules": rules})
    after = shop.may("GET", "ports/shop-1/policies")
    # That others isolate it is told, as a trace does; and nothing else.
    assert before["isolated_ingress"] == ["own"]
    assert after["isolated_ingress"] == ["own", "(out of scope)"]
    assert {**after, "isolated_ingress": ["own"]} == before
    assert len(api.get("ports/shop-1/policies")["policies"]) == 3
    # Of others' ports nothing, seen or not.
    shop.may_not("GET", "ports/wire-1/policies")
    _, answer = shop.tries("GET", "ports/bank-1/policies")
    _, nobody = shop.tries("GET", "ports/none/policies")
    assert answer["status"] == 404
    assert json.dumps(answer) == json.dumps(nobody).replace("none", "bank-1")


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


# Cascades.  ------------------------------------------------------------------

def test_learn_by_a_cascade_what_ones_router_leads_to(shop, api):
    """Which objects a delete would change as well, and that others' are among
    what these use; not which."""
    api.put("networks/secret-1", {
        "labels": BANK, "provider": {"physical": "dc", "vlan": 30},
        "subnets": [{"cidr": "198.51.100.0/24", "gateway": "198.51.100.1"}]})
    api.put("routers/own", {
        "labels": SHOP, "interfaces": [{"network": "shop",
                                        "addresses": ["10.0.0.254"]}],
        "external": {"network": "secret-1", "addresses": ["198.51.100.9"],
                     "gateways": [{"host": "h1"}]}})
    api.put("routers/secret-2", {
        "labels": BANK, "interfaces": [{"network": "shop",
                                        "addresses": ["10.0.0.253"]}]})
    api.put("policies/secret-3", {"applies_to": ["shop-all"]})
    status, answer = shop.call("DELETE", "groups/shop-all?cascade=true")
    assert [e["detail"] for e in answer["errors"]] == [
        "an object that is out of this account's scope would change as well"]
    # Nor how many.
    api.put("policies/secret-4", {"applies_to": ["shop-all"]})
    assert shop.call("DELETE", "groups/shop-all?cascade=true")[1] == answer
    for query in "cascade=true", "cascade=true&dry_run=plan":
        status, answer = shop.call("DELETE", "networks/shop?" + query)
        assert status == 403, answer
        assert "secret" not in json.dumps(answer), answer
        assert "198.51" not in json.dumps(answer), answer
        details = [e["detail"] for e in answer["errors"]]
        assert ('router "own" would change as well, and refers to a network '
                "that is out of this account's scope") in details, details
        assert ("an object that is out of this account's scope would change "
                "as well") in details, details
        assert not [d for d in details if "does not exist" in d], details


def test_learn_by_a_quarantined_parent_whose_it_is(shop, api):
    """That of a sub-port is named to who sees it."""
    api.put("ports/trunk", {"labels": BANK, "network": "wire",
                            "quarantined": True})
    api.put("ports/sub", {"labels": SHOP, "network": "wire",
                          "parent": "trunk", "vlan": 5})
    status = api.get("ports/sub")["status"]
    assert status["quarantined"] and status["quarantined_parent"] == "trunk"
    assert "quarantined_parent" not in api.get("ports/trunk")["status"]
    for status in (shop.may("GET", "ports/sub")["status"],
                   [p for p in shop.may("GET", "ports")["items"]
                    if p["name"] == "sub"][0]["status"]):
        assert status["quarantined"] and "quarantined_parent" not in status
    # By its own row it is itself.
    api.patch("ports/sub", {"quarantined": True})
    assert "quarantined_parent" not in api.get("ports/sub")["status"]
    api.delete("ports/sub")
