# SPDX-License-Identifier: Apache-2.0
"""What a hostile tenant tries with objects of apps' types (limits, chains,
multicast, mirrors, monitors), and what it tries to learn by all that can be
asked, whatever type there is.  One function per attack, named for what the
attacker wants.  Which field of which type refuses what is in
tests/unit/test-own-fields.c."""

import concurrent.futures
import json
import os
import re
import urllib.parse

import pytest
from conftest import (World, check_log, close_lab, entry, make_token_lab,
                      rule, wait_counted, wait_quiet)
from tenants import BANK, PORT, SHARED, SHOP, make_tenant
from test_live_apps import ctl, verify

from vmnlab.api import Refused
from vmnlab.netns import wait_for

APPDIR = os.environ.get("VMN_APPDIR", "_build/normal/appdir")
APPS = ("chains", "metadata", "mirrors", "monitors", "multicast", "paths",
        "qos", "traffic")


@pytest.fixture(name="lab", scope="module")
def _lab(tmp_path_factory):
    lab = make_token_lab("atx", 2, tmp_path_factory.mktemp("api"), PORT,
                         "--count-interval=1")
    try:
        for app in APPS:
            ctl(lab, "app", "load", "%s/%s.so" % (APPDIR, app), "--wait")
        wait_quiet(lab)
        yield lab
    finally:
        close_lab(lab)


@pytest.fixture(name="town", scope="module")
def _town(lab):
    """Two tenants with VMs in a network that they share, and with networks of
    their own, which a router of an administrator's joins."""
    world = World(lab)
    world.put("networks", "wire", labels=SHARED,
              subnets=[{"cidr": "10.9.0.0/24"}])
    for i, (name, labels) in enumerate((("shop", SHOP), ("secret", BANK)), 1):
        world.put("networks", name + "-net", labels=labels, subnets=[
            {"cidr": "10.%d.0.0/24" % i, "gateway": "10.%d.0.1" % i}])
    world.put("routers", "secret-core", interfaces=[
        {"network": "shop-net"}, {"network": "secret-net"}])
    for name, network, host, ip, labels in (
            ("shop-1", "wire", "h1", "10.9.0.11", SHOP),
            ("shop-2", "wire", "h2", "10.9.0.12", SHOP),
            ("shop-fw", "shop-net", "h1", "10.1.0.13", SHOP),
            ("secret-1", "wire", "h2", "10.9.0.21", BANK),
            ("secret-2", "secret-net", "h2", "10.2.0.22", BANK),
            ("secret-3", "secret-net", "h1", "10.2.0.23", BANK)):
        world.vm(name, network, host, ip, tcp=[80], labels=labels)
    for name, labels in ("shop", SHOP), ("secret", BANK):
        world.group(name + "-all", "project=%s" % labels["project"],
                    labels=labels)
    yield world
    world.close()
    verify(lab)
    check_log(lab.vmnd)


@pytest.fixture(name="shop", scope="module")
def _shop(lab, town):
    assert town
    return make_tenant(lab, "shop", scope="project=shop", reads="shared=yes")


@pytest.fixture(name="made")
def _made(lab):
    """Objects of apps' types go again."""
    yield lab.vmnd.api
    for item in lab.vmnd.api.get("types")["items"]:
        for one in lab.vmnd.api.get(item["name"])["items"]:
            lab.vmnd.api.delete("%s/%s" % (item["name"], one["name"]))


def mine(**spec):
    return dict(spec, labels=SHOP)


# What others have.  ----------------------------------------------------------

# What is the shop's, an object of each type that a tenant may have...
OWN = [
    ("services", "shop-web", {"entries": [entry("tcp", 80)]}),
    ("policies", "shop-in", {"applies_to": ["shop-all"], "rules": [
        dict(rule("ingress", "allow", services=[entry("tcp", 80)]), log=True,
             windows=[{"days": ["mon"], "start": "08:00", "end": "09:00",
                       "timezone": "UTC"}]),
        {"direction": "egress", "action": "allow",
         "peers": [{"fqdn": "shop.example"}]}]}),
    ("quarantines", "shop-hold", {"selector": "project=shop,sick"}),
    ("loadbalancers", "shop-vip", {
        "vip": "10.1.0.100", "networks": ["shop-net"],
        "ports": [{"port": 80}], "backends": [{"port": "shop-fw"}]}),
    ("dns-zones", "shop-zone", {"domain": "shop.example",
                                "networks": ["shop-net"]}),
    ("routers", "shop-router", {}),
    ("observations", "shop-net", {}),
    ("drafts", "shop-draft", {"changes": [
        {"op": "patch", "type": "ports", "name": "shop-1",
         "spec": {"description": "x"}}]}),
    ("mirrors", "shop-mirror", {"ports": ["shop-1"],
                                "policies": [{"policy": "shop-in"}]}),
    ("monitors", "shop-monitor", {"group": "shop-all"}),
    ("multicast-networks", "shop-mc", {"network": "shop-net"}),
    ("qos-policies", "shop-limit", {
        "selector": "project=shop", "filters": [{"protocol": "tcp"}],
        "shared_limits": [{"direction": "egress", "max_pps": 100000}]}),
    ("chains", "shop-chain", {
        "network": "shop-net", "sources": "project=shop",
        "destinations": "project=shop", "hops": [
            {"name": "fw", "functions": [{"in": "shop-fw"}]}]}),
    ("metadata", "shop-meta", {"ports": ["shop-1"]}),
    ("metadata-networks", "shop-net", {"network": "shop-net"}),
]
# ... and what others have, which is about the same ports and networks, as far
# as it can be: "secret" is in each name, and nowhere else.
SECRETS = [
    ("groups", "secret-group", {"ports": ["shop-1", "secret-1"]}),
    ("policies", "secret-policy", {"applies_to": ["secret-group"], "rules": [
        {"direction": "ingress", "action": "allow"},
        {"direction": "egress", "action": "allow",
         "peers": [{"fqdn": "secret-zone.example"}]},
        {"direction": "egress", "action": "allow"}]}),
    ("quarantines", "secret-hold", {"ports": ["shop-2"], "allow": [
        {"direction": "ingress"}]}),
    ("mirrors", "secret-mirror", {"groups": ["secret-group"],
                                  "to_port": "secret-2"}),
    ("mirrors", "secret-rules", {"policies": [{"policy": "secret-policy"}]}),
    ("monitors", "secret-monitor", {"group": "secret-group"}),
    ("multicast-networks", "secret-mc", {"network": "shop-net"}),
    ("multicast-networks", "secret-wire", {"network": "wire"}),
    ("qos-policies", "secret-limit", {
        "network": "wire", "min_kbps": 100, "shared_limits": [
            {"direction": "egress", "max_pps": 100000}]}),
    ("qos-policies", "secret-dscp", {"hosts": ["h1"], "dscp": 3, "pcp": 2}),
    ("qos-uplinks", "secret-uplink", {"interface": "eth9",
                                      "max_kbps": 1000}),
    ("chains", "secret-chain", {
        "network": "secret-net", "priority": 1, "destinations":
        "project=shop", "sources": "project=bank", "hops": [
            {"name": "secret-hop", "functions": [{"in": "secret-3"}]}]}),
    ("metadata", "secret-meta", {"selector": "project=shop",
                                 "vendor_data": "secret-data"}),
    ("metadata-networks", "secret-told", {"network": "wire"}),
    ("traffic-counts", "secret-counts", {"all_networks": True}),
    ("drafts", "secret-draft", {"changes": [
        {"op": "patch", "type": "ports", "name": "secret-1",
         "spec": {"description": "secret-x"}}]}),
]
# Calls that do not answer at once, or not by JSON.
STREAMS = ("/v1/backup", "/v1/packets")
# What a call wants, or shows more by.
QUERIES = {
    "traffic": ["", "group_by=network", "group_by=host",
                "group_by=label&label=project", "network=wire",
                "sort=cross_host_bytes"],
    "advice/placement": ["capacity=9", "capacity=9&move_pinned=true"],
    "events": ["limit=1000&follow=false"],
    "drops": ["", "background=true"],
    "revisions": ["limit=1000"],
}


def told(text):
    """Where a name of others is, with what is around it.  (Secrets of other
    kinds are spoken of by the API's description.)"""
    return re.findall(".{0,60}secret-.{0,60}", text)[:3]


def targets(shop, document):
    """What can be read: each call, and each object that is seen."""
    for path, calls in document["paths"].items():
        target = path[len("/v1/"):]
        if ("get" not in calls or path in STREAMS
                or not path.startswith("/v1/")):
            continue
        if "{" not in path:
            for query in QUERIES.get(target, [""]):
                yield target + ("?" + query if query else "")
        elif path.endswith("/{name}"):
            status, answer = shop.call("GET", target[:-len("/{name}")])
            assert status in (200, 403), (path, answer)
            for item in answer.get("items", []):
                yield target.replace("{name}", item["name"])
    yield "ports/shop-1/policies"
    yield "drafts/shop-draft/effects"
    yield "hosts/h1/flows"
    for item in shop.may("GET", "revisions?limit=1000")["items"]:
        yield "revisions/%d" % item["revision"]


def test_learn_by_all_that_can_be_read_what_others_have(
        lab, town, shop, made):
    """Whatever calls and types there are: of a type that is new this needs an
    object in OWN, and one of others."""
    api = made
    for kind, name, spec in OWN:
        if kind not in ("drafts", "observations"):
            spec = mine(**spec)
        shop.may("PUT", "%s/%s" % (kind, name), spec)
    for kind, name, spec in SECRETS:
        api.put("%s/%s" % (kind, name), spec)
    try:
        document = api.get("openapi.json")
        kinds = {path[len("/v1/"):-len("/{name}")]
                 for path, calls in document["paths"].items()
                 if path.endswith("/{name}") and "put" in calls}
        nobodys = {"accounts", "apps", "floating-ips", "groups", "hosts",
                   "networks", "ports", "quotas", "telemetries", "tiers",
                   "tokens", "types"}
        admins = {"qos-uplinks", "traffic-counts"}
        assert {kind for kind, _, _ in OWN} == kinds - nobodys - admins
        meet(lab, town)
        found = set()
        for target in targets(shop, document):
            status, text = shop.raw("GET", target)
            assert status in (200, 400, 403), (target, status, text)
            assert not told(text), (target, told(text))
            found.add(target.split("?")[0].split("/")[0])
        assert {"traffic", "advice", "events", "drops", "status",
                "usage"} < found
        # An administrator is told of them.
        for target in "traffic", "status", "events?limit=1000&follow=false":
            assert b"secret" in api.raw("GET", "/v1/" + target)[2], target
        check_simulations(shop, OWN)
        check_mistakes(shop, {item["name"]
                              for item in api.get("types")["items"]})
    finally:
        for kind, name, _ in reversed(OWN + SECRETS):
            try:
                api.delete("%s/%s" % (kind, name), cascade="true")
            except Refused as refused:
                assert refused.status == 404, refused


def meet(lab, town):
    """VMs of both talk, some in vain, until that is counted and told."""
    api = town.api
    vm = lab.vm
    for a, b in (("shop-1", "secret-1"), ("secret-1", "shop-1"),
                 ("shop-1", "shop-2")):
        assert town.reaches(vm(a), vm(b)), (a, b)
    town.unanswered(vm("shop-1"), "10.9.0.99")

    def is_counted():
        town.answers(vm("shop-1"), vm("secret-1").ip, seconds=0)
        return "secret-1" in json.dumps(api.get("traffic"))
    wait_counted("the pairs", is_counted, 0.2)


def not_yet(answer):
    """None if that is too much at a time: it is to be asked again."""
    return None if answer[0] == 429 else answer


def check_simulations(shop, own):
    """Traces, tried and sent, and what would become of a change."""
    for to in ({"to_ip": "10.9.0.21"}, {"to": "shop-2"}, {"to": "secret-1"},
               {"to_ip": "10.2.0.22"}):
        for call in "trace", "live-trace":
            body = dict({"from": "shop-1", "protocol": "tcp", "port": 80},
                        **to)
            status, answer = wait_for(
                "a turn", lambda c=call, b=body: not_yet(
                    shop.call("POST", c, b)), 20)
            text = json.dumps(answer)
            if to.get("to") == "secret-1":
                assert status == 400, answer    # Its own word.
                text = text.replace('"secret-1', "").replace(
                    '\\"secret-1\\"', "")
            assert "secret" not in text, (call, to, text)
    for kind, name, _ in own:
        status, answer = shop.tries(
            "PATCH", "%s/%s?dry_run=plan" % (kind, name),
            {"description": "another"})
        assert status in (200, 403), (kind, answer)
        assert "secret" not in json.dumps(answer), (kind, answer)


def check_mistakes(shop, kinds):
    """Names that are nearly those of others: nobody is suggested."""
    for kind, more in (("mirrors", {}), ("qos-policies", {"dscp": 1}),
                       ("metadata", {}), ("groups", {})):
        status, answer = shop.tries("PUT", kind + "/x", mine(
            ports=["secre-1"], **more))
        assert status == 400, answer
        assert "secret" not in json.dumps(answer), answer
    for kind in kinds - {"metadata-networks", "qos-uplinks"}:
        for name in "secret-mirror", "secre-chain", "secret-mc":
            status, answer = shop.call("GET", "%s/%s" % (kind, name))
            assert status == 404, answer
            text = json.dumps(answer).replace(name, "")
            assert "secret" not in text, answer


# Hosts.  ---------------------------------------------------------------------

def test_guess_how_hosts_are_set_up(shop, made):
    """A change that changes nothing is refused as one that does, with or
    without an ETag: else who guesses would be told that he was right."""
    host = made.get("hosts/h1")
    told = set()
    for spec in ({"tunnel_ip": host["spec"]["tunnel_ip"]},
                 {"tunnel_ip": "192.0.2.77"}, {"labels": None},
                 {"labels": {"rack": "1"}}, {"tunnel_ip": "nothing"}):
        for query in "", "?dry_run=true", "?dry_run=plan":
            status, answer = shop.tries("PATCH", "hosts/h1" + query, spec)
            assert status == 403, answer
            told.add(json.dumps(answer))
    status, answer = shop.tries("PUT", "hosts/h1", host["spec"])
    told.add(json.dumps(answer))
    for etag in host["metadata"]["etag"], "1":
        status, answer = shop.call(
            "PUT", "hosts/h1", {"spec": host["spec"]},
            {"If-Match": '"%s"' % etag})
        assert status == 403, answer
        told.add(json.dumps(answer))
    assert len(told) == 1, told


# Objects with something that is shown to who may change them alone, each with
# changes that guess it: what it says first, then what it does not, what it
# cannot be, and what goes or does not go with what it may be.
READ = [
    ("loadbalancers/read", {
        "vip": "10.9.0.200", "networks": ["shop-net"],
        "ports": [{"port": 80}],
        "scale": {"metric": "connections", "high": 10,
                  "webhook": "https://a.example/key"}}, [
                      {"scale": {"webhook": "https://a.example/key"}},
                      {"scale": {"webhook": "https://a.example/guess"}},
                      {"scale": {"webhook": "nothing"}},
                      {"scale": {"high": -1}}, {"scale": None}]),
    ("metadata/read", {"selector": "project=bank", "user_data": "a?key"}, [
        {"user_data": "a?key"}, {"user_data": "guess"},
        {"user_data_encoding": "base64"}, {"user_data": None},
        {"hostname": "x"}]),
    # Nor is it told that there is nothing to guess.
    ("metadata/read-2", {"selector": "project=bank"}, [
        {"user_data": "guess"}, {"user_data_encoding": "base64"},
        {"user_data": None}, {"hostname": "x"}]),
]


@pytest.mark.parametrize("name, spec, guesses", READ,
                         ids=[one[0] for one in READ])
def test_guess_the_secrets_of_what_is_read(shop, made, name, spec, guesses):
    """Whatever one tries, and with which ETag, the answer is that of what is
    not the account's."""
    kind, short = name.split("/")
    item = made.put(name, dict(spec, labels={"shared": "yes"}))
    etags = [{}] + [{"If-Match": '"%s"' % etag}
                    for etag in (item["metadata"]["etag"], "1")]
    told = set()
    try:
        assert "key" not in shop.raw("GET", name)[1]
        for guess in guesses + [item["spec"]]:
            for query in "", "?dry_run=true", "?dry_run=plan":
                for etag in etags:
                    for method in "PATCH", "PUT":
                        status, answer = shop.call(
                            method, name + query, {"spec": guess}, etag)
                        assert status == 403, answer
                        told.add(json.dumps(answer))
            status, answer = shop.call("POST", "apply", {"objects": [
                {"type": kind, "name": short, "op": "patch", "spec": guess}]})
            assert status == 403, answer
            assert [e["detail"] for e in answer["errors"]] == [
                json.loads(next(iter(told)))["errors"][0]["detail"]], answer
        for etag in etags:
            status, answer = shop.call("DELETE", name, headers=etag)
            assert status == 403, answer
            told.add(json.dumps(answer))
        assert len(told) == 1, told
        assert made.get(name)["spec"] == item["spec"]
    finally:
        made.delete(name)


# Chains.  --------------------------------------------------------------------

def chain(**spec):
    return mine(**dict({
        "network": "shop-net", "sources": "project=shop",
        "destinations": "project=shop",
        "hops": [{"name": "fw", "functions": [{"in": "shop-fw"}]}]}, **spec))


def test_have_others_connections_go_through_ones_own_vm(lab, town, shop,
                                                        made):
    """By a chain without selectors, in a network that an administrator's
    router joins to others': its function would see what these say, and could
    say it in their names."""
    api = made
    for field in "sources", "destinations":
        for selector in None, "", "project=bank", "shared=yes":
            spec = chain(**{field: selector})
            shop.may_not("PUT", "chains/x", spec, "/" + field)
    shop.may("PUT", "chains/x", chain())
    shop.may_not("PATCH", "chains/x", {"sources": None}, "/sources")
    shop.may_not("PUT", "chains/x", chain(network="wire"), "/network")
    # One that an administrator has labelled so is not for it to change.
    api.patch("chains/x", {"sources": None})
    shop.may_not("PATCH", "chains/x", {"sources": "project=shop"})
    shop.may_not("DELETE", "chains/x")
    api.delete("chains/x")
    # What it may have goes by its own alone.
    shop.may("PUT", "chains/x?wait=installed", chain())
    assert town.reaches(lab.vm("secret-2"), lab.vm("secret-3"))
    [leg] = api.call("POST", "/v1/trace", {
        "from": "secret-2", "to": "secret-3", "protocol": "tcp",
        "port": 80})["outcomes"][:1]
    assert "shop-fw" not in json.dumps(leg), leg


def test_go_round_a_chain_that_an_operator_has(shop, made):
    """By one of its own that comes first: the priority is not its to say, and
    stays what others have set."""
    for priority in 0, 499, 1000:
        shop.may_not("PUT", "chains/a", chain(priority=priority),
                     "/priority")
    shop.may("PUT", "chains/a", chain(priority=500))
    made.patch("chains/a", {"priority": 700})
    shop.may("PUT", "chains/a", chain(priority=700, enabled=False))
    shop.may_not("PATCH", "chains/a", {"priority": 1}, "/priority")


# Tables and quotas.  ---------------------------------------------------------

def test_fill_the_table_of_a_type_of_an_app(lab, shop, made):
    """The last tenth is for accounts without a scope: an administrator has a
    mirror to make when it is needed."""
    def put(i):
        return shop.tries("PUT", "mirrors/m%d" % i, mine(ports=["shop-1"]))
    objects = [{"type": "mirrors", "name": "m%d" % i,
                "spec": mine(ports=["shop-1"])} for i in range(901)]
    status, answer = shop.call("POST", "apply", {"objects": objects})
    assert status == 413 and "are too many mirrors" in answer["errors"][0][
        "detail"], answer
    status, answer = shop.call("POST", "apply", {"objects": objects[:899]})
    assert status == 200, answer
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = [s for s, _ in pool.map(put, range(900, 908))]
    assert sorted(statuses) == [201] + 7 * [413]
    assert len(shop.may("GET", "mirrors?limit=1000")["items"]) == 900
    made.put("mirrors/needed", {"ports": ["secret-1"]})
    # Of one that is replaced there are no more than before.
    status, answer = shop.call("POST", "apply", {"objects": [
        {"type": "mirrors", "name": "m0", "op": "delete"},
        dict(objects[0], name="anew")]})
    assert status == 200, answer
    status, answer = shop.call("POST", "apply", {"objects": [
        {"type": "mirrors", "name": "m1", "op": "delete"},
        dict(objects[0], name="anew-1"), dict(objects[0], name="anew-2")]})
    assert status == 413, answer
    status, answer = shop.call("POST", "apply", {
        "objects": [dict(one, op="delete") for one in (
            {"type": item["type"], "name": item["name"]} for item in
            shop.may("GET", "mirrors?limit=1000")["items"])]})
    assert status == 200, answer


def test_have_more_objects_of_apps_than_a_quota_lets(lab, shop, made):
    """Each counts for one of `rules`, and what its lists have for one of
    `members`; in plans, in lists, and for other accounts of the scope, too."""
    api = made
    used = count_used(api, rules=0, members=0)
    api.put("quotas/shop", {"scope": "project=shop",
                            "rules": used["rules"] + 2,
                            "members": used["members"] + 4})
    twin = make_tenant(lab, "twin", scope="project=shop")
    limits = [{"direction": "egress", "max_pps": 1000}]
    try:
        for query in "", "?dry_run=plan":
            status, answer = shop.tries("PUT", "qos-policies/x" + query, mine(
                selector="project=shop", limits=limits,
                filters=4 * [{"protocol": "tcp"}]))
            assert status == 403 and " members" in answer["errors"][0][
                "detail"], answer
        shop.may("PUT", "qos-policies/x", mine(selector="project=shop",
                                               limits=limits))
        twin.may("PUT", "metadata-networks/x", mine(network="shop-net"))
        for who, kind, spec in (
                (shop, "metadata-networks", {"network": "shop-net"}),
                (twin, "qos-policies", {"selector": "project=shop",
                                        "dscp": 1}),
                (twin, "mirrors", {"selector": "project=shop"})):
            status, answer = who.tries("PUT", kind + "/y", mine(**spec))
            assert status == 403, answer
            assert [e["detail"] for e in answer["errors"]] == [
                'quota "shop" exceeded: %d of %d rules used'
                % (used["rules"] + 2, used["rules"] + 2)], answer
        shop.may("DELETE", "metadata-networks/x")
        twin.may("PUT", "qos-policies/y", mine(selector="project=shop",
                                               dscp=1))
    finally:
        api.delete("quotas/shop")
        api.delete("accounts/twin", cascade="true")


def count_used(api, **limits):
    """What the shop has by now."""
    api.put("quotas/shop", {"scope": "project=shop", **limits})
    [item] = [i for i in api.get("usage")["items"] if i["quota"] == "shop"]
    api.delete("quotas/shop")
    return {limit["name"]: limit["used"] for limit in item["limits"]}


def test_fill_switches_by_a_limit_for_some_packets(lab, shop, made):
    """Eight filters of many ports take 976 flows on each host with ports of
    the policy: they count as all flows of a tenant do."""
    api = made
    spec = mine(selector="project=shop", limits=[
        {"direction": d, "max_pps": 1000} for d in ("egress", "ingress")],
        filters=[{"protocol": "tcp", "ports": "%d-65534" % i}
                 for i in range(1, 9)])
    api.put("quotas/shop", {"scope": "project=shop", "flows_per_host": 700})
    try:
        wait_for("the count", lambda: "flows_per_host" in json.dumps(
            shop.may("GET", "usage")), 20)
        for query in "", "?dry_run=plan":
            status, answer = shop.tries("PUT", "qos-policies/x" + query, spec)
            assert status == 403 and "flows_per_host" in answer["errors"][0][
                "detail"], answer
        assert shop.call("GET", "qos-policies/x")[0] == 404
        shop.may("PUT", "qos-policies/x", dict(spec, filters=[
            {"protocol": "tcp", "ports": "80"}]))
    finally:
        api.delete("quotas/shop")


# Others' limits and networks.  -----------------------------------------------

def test_limit_what_others_send(lab, town, shop, made):
    """By name, by labels, by a network that it shares or that is its own, or
    by a host; and to be let send more than an operator lets it."""
    limits = [{"direction": "egress", "max_pps": 1}]
    for spec, pointer, status in (
            ({"ports": ["secret-1"]}, "/ports/0", 400),
            ({"selector": ""}, "/selector", 403),
            ({"selector": "project"}, "/selector", 403),
            ({"selector": "project in (shop,bank)"}, "/selector", 403),
            ({"network": "wire"}, "/network", 403),
            ({"network": "shop-net"}, "/network", 403),
            ({"hosts": ["h1"]}, "/hosts", 403)):
        shop.may_not("PUT", "qos-policies/x", mine(limits=limits, **spec),
                     pointer, status=status)
    made.put("qos-policies/of-all", {"network": "wire", "limits": [
        {"direction": "egress", "max_pps": 10}]}, wait="installed")
    shop.may("PUT", "qos-policies/a?wait=installed", mine(
        selector="project=shop", priority=0, limits=[
            {"direction": "egress", "max_pps": 100000}]))
    flows = made.get("hosts/h1/flows", app="qos")["flows"]
    limited = json.dumps([flow for flow in flows
                          if flow["owner"] == "qos.limits/shop-1"])
    assert "100000" not in limited and limited != "[]", limited
    # It is not one that it may change, by its labels or otherwise.
    made.patch("qos-policies/of-all", {"labels": SHOP})
    shop.may_not("PATCH", "qos-policies/of-all", {"priority": 1})
    shop.may_not("DELETE", "qos-policies/of-all")


# Of policies that are the shop's: what is named, and names nothing of others.
BY_RULE = [
    ("qos-policies/by-rule", {"policies": [{"policy": "shop-rules"}],
                              "shared_limits": [{"direction": "egress",
                                                 "max_pps": 1000}]}),
    ("mirrors/by-rule", {"policies": [{"policy": "shop-rules"}]}),
]


@pytest.fixture(name="rules")
def _rules(made):
    """Called with a tier, makes a policy of the shop in it, whose group may
    get others' ports."""
    made.put("groups/shop-few", {"ports": ["shop-1"], "labels": SHOP})

    def make(tier):
        made.put("policies/shop-rules", {
            "labels": SHOP, "applies_to": ["shop-few"], "tier": tier,
            "priority": 77, "rules": [rule("ingress", "allow")]})
    try:
        yield make
    finally:
        for kind, name in ("policies", "shop-rules"), ("groups", "shop-few"):
            if name in [one["name"] for one in made.get(kind)["items"]]:
                made.delete("%s/%s" % (kind, name), cascade="true")


def test_keep_a_limit_that_has_come_to_hold_for_others(shop, made, rules):
    """Others' ports have come into the group: nothing is the shop's to do to
    them any more, but to let go of them.  What isolates them stays."""
    rules("application")
    for name, spec in BY_RULE:
        shop.may("PUT", name, mine(**spec))
    made.patch("groups/shop-few", {"ports": ["shop-1", "secret-1"]})
    for name, spec in BY_RULE:
        shop.may_not("PATCH", name, {"description": "x"},
                     "/policies/0/policy")
        shop.may("DELETE", name)
        shop.may_not("PUT", name, mine(**spec), "/policies/0/policy")
    shop.may_not("DELETE", "policies/shop-rules")
    shop.may_not("DELETE", "groups/shop-few?cascade=true")


def test_limit_or_mirror_what_another_tier_decides(shop, made, rules):
    """To be shown what an administrator's policy denies, or to deny what it
    allows, if that has the shop's labels."""
    rules("security")
    for name, spec in BY_RULE:
        shop.may_not("PUT", name, mine(**spec), "/policies/0/policy")
    rules("application")
    for name, spec in BY_RULE:
        shop.may("PUT", name, mine(**spec))
        shop.may_not("PATCH", "policies/shop-rules", {"tier": "security"},
                     "/tier")
    # One of before is not its own to change any more, but to delete.
    rules("security")
    for name, spec in BY_RULE:
        shop.may_not("PATCH", name, {"description": "x"},
                     "/policies/0/policy")
        shop.may("DELETE", name)


def test_hear_others_multicast(shop, made):
    """By a network that it only reads, by a port of its own as a router in
    its own, and by one of others that is not seen."""
    for spec, pointer, status in (
            ({"network": "wire"}, "/network", 403),
            ({"network": "secret-net"}, "/network", 400),
            ({"network": "shop-net", "routers": ["shop-fw"]}, "/routers",
             403),
            ({"network": "shop-net", "learn_routers": True},
             "/learn_routers", 403),
            ({"network": "shop-net", "source_filtering": True},
             "/source_filtering", 403)):
        shop.may_not("PUT", "multicast-networks/x", mine(**spec), pointer,
                     status=status)
    # What an administrator has for the wire stays, whatever the name.
    made.put("multicast-networks/z", {"network": "wire", "labels": SHOP})
    shop.may_not("PATCH", "multicast-networks/z", {"flood_unregistered":
                                                   True})
    shop.may_not("DELETE", "multicast-networks/z")
    assert made.get("multicast-networks/z")["status"]["in_effect"]
    # Nor is it gone with a port of its own that it names.
    shop.may("PUT", "ports/shop-router", mine(network="wire"))
    made.patch("multicast-networks/z", {"routers": ["shop-router"]})
    shop.may("PATCH", "ports/shop-router", {"network": "shop-net"})
    wait_for("it to be said", lambda: "router shop-router is not a port" in
             json.dumps(made.get("status")["problems"]), 20)
    assert made.get("multicast-networks/z")["status"]["in_effect"]
    made.delete("multicast-networks/z")
    shop.may("DELETE", "ports/shop-router")


def test_have_switches_count_and_hosts_advised_on(lab, town, shop, made):
    """Who counts whose traffic, and what is known of hosts, is not a
    tenant's to say or to ask for."""
    for spec, pointer in (({"networks": ["shop-net"]}, "/networks"),
                          ({"all_networks": True}, "/all_networks")):
        shop.may_not("PUT", "traffic-counts/x", mine(**spec), pointer)
    for query in ("", "capacity=9&capacity_label=vms",
                  "capacity=9&host_selector=" + urllib.parse.quote("rack=1")):
        assert shop.call("GET", "advice/placement?" + query)[0] == 400
    for query in "port=secret-1", "network=secret-net":
        unseen = shop.call("GET", "traffic?" + query)
        nobody = shop.call("GET", "traffic?" + query.replace("secret",
                                                             "nobody"))
        assert unseen[0] == nobody[0] == 400
        assert json.dumps(unseen).replace("secret", "nobody") == json.dumps(
            nobody)


# Settings of an app.  --------------------------------------------------------

SETTINGS = """
return {
  name = "dial",
  types = {
    { name = "dial", singular = "a-dial", doc = "Settings.", single = true,
      fields = {
        { name = "rate", type = "int", min = 0, max = 9, doc = "A rate." }%s
      } },
  },
  units = {
    { name = "one", each = "dial", compile = function(view, name, emit)
        view:object("dial", name)
      end },
  },
}
"""


def test_make_an_apps_settings_ones_own(lab, shop, tmp_path):
    """There is one object of them, for everybody."""
    path = tmp_path / "dial.lua"
    path.write_text(SETTINGS % "")
    api = lab.vmnd.api
    ctl(lab, "app", "load", str(path), "--wait")
    try:
        shop.may_not("PUT", "dial/default", mine(rate=1))
        api.put("dial/default", {"rate": 2, "labels": SHOP})
        shop.may_not("PATCH", "dial/default", {"rate": 3})
        shop.may_not("DELETE", "dial/default")
        assert api.get("dial/default")["spec"]["rate"] == 2
        api.delete("dial/default")
    finally:
        ctl(lab, "app", "unload", "dial", "--wait")


def test_find_out_whether_an_app_has_settings_with_a_secret(lab, shop,
                                                            tmp_path):
    """Nor what: whatever one tries, and whether there are any."""
    path = tmp_path / "dial.lua"
    path.write_text(SETTINGS % """, { name = "pin", type = "text", max = 9,
                                      secret = true, doc = "A PIN." }""")
    api = lab.vmnd.api
    ctl(lab, "app", "load", str(path), "--wait")
    told = set()
    try:
        for _ in range(2):
            for spec in {"rate": 1}, {"rate": 10}, {"pin": "sesame"}, {}:
                for method in "PUT", "PATCH", "DELETE":
                    told.add(shop.raw(method, "dial/default", None
                                      if method == "DELETE"
                                      else {"spec": spec}))
                    for op in ({"spec": spec}, {"spec": spec, "op": "patch"},
                               {"op": "delete"}):
                        status, answer = shop.call("POST", "apply", {
                            "objects": [dict(op, type="dial",
                                             name="default")]})
                        told.add((status, answer["errors"][0]["detail"]))
            assert shop.raw("GET", "dial/default")[0] == 404
            api.put("dial/default", {"rate": 2, "pin": "sesame"})
        assert {status for status, _ in told} == {403}, told
        assert len(told) == 2, told     # As a reply, and as an error in one.
    finally:
        if api.get("dial")["items"]:
            api.delete("dial/default")
        ctl(lab, "app", "unload", "dial", "--wait")


def test_read_by_a_draft_what_has_become_a_secret(lab, shop, tmp_path):
    """An app declares its type anew: neither is compared what the object says
    now, nor does a viewer read what the draft said."""
    path = tmp_path / "dial.lua"
    plain = SETTINGS.replace("single = true,", "") % (
        """, { name = "pin", type = "text", max = 9, doc = "A PIN."%s }""")
    path.write_text(plain % "")
    api = lab.vmnd.api
    viewer = make_tenant(lab, "viewer", role="viewer")
    ctl(lab, "app", "load", str(path), "--wait")
    try:
        api.put("dial/d", {"pin": "former", "labels": SHOP})
        shop.may("PUT", "drafts/d", mine(changes=[
            {"op": "patch", "type": "dial", "name": "d",
             "spec": {"pin": "sesame"}}]))
        assert "sesame" in viewer.raw("GET", "drafts/d")[1]
        path.write_text(plain % ", secret = true")
        ctl(lab, "app", "load", str(path), "--wait")
        api.put("dial/d", {"pin": "sesame", "labels": SHARED})
        status, text = viewer.raw("GET", "drafts/d")
        assert status == 200 and '"d"' in text, text
        assert "sesame" not in text and "former" not in text, text
        status, answer = shop.call("GET", "drafts/d")
        conflict, = answer["status"]["conflicts"]
        assert conflict["left_out"] and not conflict["path"], answer
        assert not {"now", "base", "draft"} & set(conflict), answer
        status, answer = shop.call("POST", "drafts/d/apply")
        assert status == 409 and "secret field" in answer["errors"][0][
            "detail"], answer
        # Nor while the app is away, and it is not known what was a secret.
        api.delete("dial/d")
        ctl(lab, "app", "unload", "dial", "--wait")
        assert viewer.raw("GET", "dial")[0] == 404
        status, text = viewer.raw("GET", "drafts/d")
        assert status == 200 and '"d"' in text, text
        assert "sesame" not in text and "former" not in text, text
    finally:
        loaded = "dial" in [one["name"] for one in api.get("apps")["items"]]
        for kind in ("drafts", "dial") if loaded else ("drafts",):
            for one in api.get(kind)["items"]:
                api.delete("%s/%s" % (kind, one["name"]))
        if loaded:
            ctl(lab, "app", "unload", "dial", "--wait")
        api.delete("accounts/viewer", cascade="true")
