# SPDX-License-Identifier: Apache-2.0
"""What a curious tenant tries to learn of others, with an account that has a
`scope` and a `reads`: by what its requests are refused for, and by what its
own objects and the hosts say.  One function per attack, named for what the
attacker wants.  Traces, status and the log have files of their own."""

import json

import pytest
from conftest import close_lab, make_token_lab, wait_quiet
from tenants import (BANK, PORT, SHARED, SHOP, _api, _shop, _tenants,
                     make_tenant, mine, policy)

from vmnlab.api import Refused
from vmnlab.netns import wait_for

FIXTURES = (_api, _shop, _tenants)


@pytest.fixture(name="lab", scope="module")
def _lab(tmp_path_factory):
    lab = make_token_lab("atk", 1, tmp_path_factory.mktemp("api"), PORT)
    yield lab
    close_lab(lab)


# Conflicts with what others have.  -------------------------------------------

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


# Hosts.  ---------------------------------------------------------------------

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
    wait_quiet(lab)
    api.patch("hosts/h1", {"labels": SHOP, "description": "secret-place"})
    reader = make_tenant(lab, "reader", scope="project=shop", role="viewer",
                         reads="project")
    want = {"type": "hosts", "name": "h1", "spec": {},
            "metadata": {"revision": 0, "etag": "0"},
            "status": {"state": "synced"}}

    def but_its_state(host):
        """Which may be another for a moment, on a busy machine."""
        return dict(host, status=dict(host["status"], state="synced"))
    try:
        for tenant in shop, tenants["bank"], reader:
            assert but_its_state(tenant.may("GET", "hosts/h1")) == want
            found, = tenant.may("GET", "hosts")["items"]
            assert but_its_state(found) == want
            # Nor by what a filter finds.
            assert not tenant.may("GET", "hosts?selector=project%3Dshop")[
                "items"]
            found, = tenant.may("GET", "hosts?selector=project!%3Dbank")[
                "items"]
            assert but_its_state(found) == want
            wait_for("its state", lambda t=tenant: t.may(
                "GET", "hosts/h1") == want, 30)
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


# Its own ports.  -------------------------------------------------------------

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


def test_learn_by_ones_own_labels_which_quarantines_there_are(shop, api):
    """The log says that a port's labels brought it into a quarantine, and into
    which one to who sees that."""
    api.put("quarantines/case-4711", {"selector": "role=web"})
    shop.may("PUT", "ports/shop-9", {
        "network": "wire", "labels": dict(SHOP, role="web")})
    entry = shop.may("GET", "revisions?type=ports&name=shop-9")["items"][0]
    held = {"op": "quarantine", "type": "ports", "name": "shop-9"}
    assert held in entry["changes"]
    assert "case-4711" not in str(shop.may(
        "GET", "revisions/%d" % entry["revision"]))
    assert "case-4711" not in str(entry)
    # Whose quarantine it is, it is named.
    api.delete("quarantines/case-4711")
    shop.may("PUT", "quarantines/own", mine(
        selector="role=db,project=shop"))
    shop.may("PUT", "ports/shop-9", {
        "network": "wire", "labels": dict(SHOP, role="db")})
    newest = shop.may(
        "GET", "revisions?type=ports&name=shop-9")["items"][-1]
    assert dict(held, by="quarantines/own") in newest["changes"]
    shop.may("DELETE", "quarantines/own")
    shop.may("DELETE", "ports/shop-9")


def test_learn_by_a_plan_how_much_others_have(shop, api, lab):
    """A host's flows are those of all."""
    api.put("ports/shop-8", {"network": "wire", "labels": SHOP})
    lab.add_vm("shop-8", "h1", "02:00:00:00:08:08", [])
    lab.await_ports(["shop-8"])
    asked = "ports/shop-8?dry_run=plan"
    hosts = shop.may("DELETE", asked)["flows"]["hosts"]
    assert hosts
    assert all("total" not in h for h in hosts)
    seen = api.call("DELETE", "/v1/ports/shop-8", dry_run="plan")
    assert [h["host"] for h in seen["flows"]["hosts"]] == [
        h["host"] for h in hosts]
    assert all(h["total"] for h in seen["flows"]["hosts"])
    lab.remove_vm("shop-8")
    api.delete("ports/shop-8")


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
