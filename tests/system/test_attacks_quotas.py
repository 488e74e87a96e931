# SPDX-License-Identifier: Apache-2.0
"""Requests that look as if they protected something, and tenants that want
more than their share: what can never decide is refused with its field, and
nobody gets past a quota."""

import concurrent.futures
import os
import re
import subprocess

import pytest
from conftest import (World, close_lab, entry, make_token_lab, rule,
                      wait_quiet)
from tenants import PORT, make_tenant

from vmnlab.api import Refused
from vmnlab.daemon import find
from vmnlab.netns import wait_for


def refusal(call, *args, **query):
    """The errors that a request is refused with, {pointer: detail}."""
    with pytest.raises(Refused) as refused:
        call(*args, **query)
    return {e["pointer"]: e["detail"]
            for e in refused.value.problem["errors"]}


def test_attack_have_a_policy_fail_open(world):
    """An operator means to deny all that comes in, in a tier where nothing is
    denied but by a rule: refused, also in a plan, and the words say why."""
    world.network("net")
    client = world.vm("client", "net", "h1", "10.0.0.1")
    server = world.vm("server", "net", "h2", "10.0.0.2", tcp=[80],
                      labels={"role": "server"})
    world.group("servers", "role=server")
    spec = {"tier": "security", "applies_to": ["servers"],
            "directions": ["ingress"]}
    for query in ({}, {"dry_run": "plan"}):
        errors = refusal(world.api.put, "policies/guard", spec, **query)
        assert "outside of tier application" in errors["/spec/rules"]
    spec["rules"] = [rule("egress", "deny")]
    assert "ingress" in refusal(world.api.put, "policies/guard", spec)[
        "/spec/directions"]
    assert world.reaches(client, server)
    # What it has to say instead, and what it may say in its own tier.
    world.put("policies", "guard", **dict(spec, rules=[
        rule("ingress", "deny")]))
    assert world.blocked(client, server)
    world.delete("policies", "guard")
    world.put("policies", "guard", applies_to=["servers"],
              directions=["ingress"])
    assert world.blocked(client, server)


def test_attack_have_a_quarantine_hold_nobody(world):
    for spec, field in (({}, "/spec/selector"),
                        ({"selector": "a=1,a=2"}, "/spec/selector"),
                        ({"allow": [{"direction": "ingress"}]},
                         "/spec/selector")):
        assert field in refusal(world.api.put, "quarantines/q", spec)
    world.put("quarantines", "q", selector="role=nobody-yet")


def test_attack_have_rules_that_never_match(world):
    """Of several rules the one that can never match is named; groups without
    members, which may come, are taken."""
    world.group("empty")
    world.group("away", None, cidrs=["192.0.2.0/24"])
    errors = refusal(world.api.put, "policies/p", {
        "applies_to": ["empty"], "rules": [
            rule("ingress", "deny", ["192.0.2.0/24"], [entry("icmp")]),
            rule("ingress", "deny", ["192.0.2.0/24"], [entry("icmpv6")])]})
    assert list(errors) == ["/spec/rules/1/services"]
    assert "/spec/applies_to" in refusal(world.api.put, "policies/p", {
        "applies_to": ["away"], "rules": [rule("ingress", "deny")]})
    world.put("policies", "p", applies_to=["empty"],
              rules=[rule("ingress", "deny", ["away"])])


# Quotas.  ------------------------------------------------------------------

SHOP = {"project": "shop"}
LIMITS = dict(networks=2, ports=3, groups=2, services=2, policies=2,
              quarantines=2, loadbalancers=2, routers=2, dns_zones=2,
              addresses=6, members=8, rules=6)


@pytest.fixture(name="api", scope="module")
def _api(tmp_path_factory):
    """A vmnd with two tenants, of which the first has two accounts and a
    quota."""
    lab = make_token_lab("quo", 1, tmp_path_factory.mktemp("api"), PORT)
    try:
        lab.vmnd.api.put("quotas/shop", dict(LIMITS, scope="project=shop"))
        yield lab
    finally:
        close_lab(lab)


def enter(lab, name, scope):
    """A tenant with a new token."""
    try:
        lab.vmnd.api.delete("tokens/" + name)
    except Refused as refused:
        assert refused.status == 404
    return make_tenant(lab, name, scope=scope)


@pytest.fixture(name="shop")
def _shop(api):
    yield enter(api, "shop", "project=shop")
    for kind in ("quarantines", "policies", "dns-zones", "loadbalancers",
                 "routers", "groups", "services", "ports", "networks"):
        for item in api.vmnd.api.get(kind)["items"]:
            api.vmnd.api.delete("%s/%s" % (kind, item["name"]),
                                cascade="true")


def used(tenant, quota="shop"):
    """{name: used} as the tenant is told."""
    status, answer = tenant.call("GET", "usage")
    assert status == 200
    [item] = [i for i in answer["items"] if i["quota"] == quota]
    return {i["name"]: i["used"] for i in item["limits"]}


def mine(**spec):
    return dict(spec, labels=SHOP)


def refuses(tenant, target, spec, what, limit, more=1):
    """It is refused for the limit alone, in a plan too, and says so."""
    for query in ("", "?dry_run=plan"):
        status, answer = tenant.tries("PUT", target + query, spec)
        assert status == 403, answer
        [error] = answer["errors"]
        assert error["detail"].startswith(
            'quota "shop" exceeded: %d of %d %s used' % (
                error["used"], limit, what)), answer
        assert (error["code"], error["quota"], error["resource"],
                error["limit"], error["requested"]) == (
                    "quota", "shop", what, limit, limit + more), answer


def test_attack_fill_each_table(api, shop):
    """A tenant makes as many objects of each type as it is let; and one more
    of each."""
    specs = {
        "networks": lambda i: mine(subnets=[{"cidr": "10.%d.0.0/24" % i}]),
        "ports": lambda i: mine(network="x0"),
        "groups": lambda i: mine(),
        "services": lambda i: mine(entries=[entry("tcp", 80)]),
        "policies": lambda i: mine(applies_to=["x0"]),
        "quarantines": lambda i: mine(selector="project=shop,no=%d" % i),
        "loadbalancers": lambda i: mine(vip="10.0.0.%d" % (100 + i),
                                        networks=["x0"],
                                        ports=[{"port": 80}]),
        "routers": lambda i: mine(),
        "dns-zones": lambda i: mine(domain="d%d.shop" % i, networks=["x0"]),
    }
    for kind, spec in specs.items():
        name = kind.replace("-", "_")
        for i in range(LIMITS[name]):
            shop.may("PUT", "%s/x%d" % (kind, i), spec(i))
        refuses(shop, kind + "/y", spec(50), name, LIMITS[name])
    assert {k: v for k, v in used(shop).items()
            if k in LIMITS and k not in ("addresses", "members", "rules")} \
        == {k: v for k, v in LIMITS.items()
            if k not in ("addresses", "members", "rules")}
    # Another account of the same scope has nothing left either, another
    # tenant has all, and what goes makes room.
    twin = enter(api, "twin", "project=shop")
    refuses(twin, "groups/y", mine(), "groups", 2)
    bank = enter(api, "bank", "project=bank")
    bank.may("PUT", "groups/y", {"labels": {"project": "bank"}})
    status, answer = bank.call("GET", "usage")
    assert [i["quota"] for i in answer["items"]] == ["account/bank"], answer
    shop.may("DELETE", "groups/x1")
    twin.may("PUT", "groups/x1", mine())


def test_attack_make_few_objects_huge(shop):
    """The same by addresses, members and rules of the objects that it has."""
    shop.may("PUT", "networks/x", mine(subnets=[{"cidr": "10.0.0.0/24"}]))
    ips = ["10.0.0.%d" % i for i in range(1, 8)]
    refuses(shop, "ports/x", mine(network="x", ips=ips), "addresses", 6)
    shop.may("PUT", "ports/x", mine(network="x", ips=ips[:6]))
    refuses(shop, "ports/y", mine(network="x"), "addresses", 6)
    cidrs = ["10.0.%d.0/24" % i for i in range(0, 12, 2)]
    shop.may("PUT", "services/s", mine(
        entries=[entry("tcp", 80), entry("udp", 53), entry("icmp")]))
    refuses(shop, "groups/x", mine(cidrs=cidrs), "members", 8)
    shop.may("PUT", "groups/x", mine(cidrs=cidrs[:5]))
    shop.may("PUT", "groups/y", mine())
    refuses(shop, "services/t", mine(entries=[entry("tcp", 80)]), "members",
            8)
    one = rule("ingress", "allow", ["10.1.0.0/24"], [entry("tcp", 80)])
    more = rule("egress", "deny", ["10.1.0.0/24"], [entry("tcp", 80)])
    refuses(shop, "policies/p", mine(applies_to=["y"], rules=[
        one, more, rule("egress", "allow")]), "rules", 6)
    shop.may("PUT", "policies/p", mine(applies_to=["y"], rules=[one, more]))


def test_attack_fill_memory_by_labels_and_texts(api, shop):
    shop.may("PUT", "groups/a", mine())
    now = used(shop)
    assert now["object_labels"] == 1
    try:
        api.vmnd.api.patch("quotas/shop", {"object_labels": 2})
        refuses(shop, "groups/a", {"labels": dict(SHOP, a="", b="")},
                "object_labels", 2)
        shop.may("PUT", "groups/a", {"labels": dict(SHOP, a="")})
        shop.may("PUT", "groups/a", mine())
        api.vmnd.api.patch("quotas/shop", {"bytes": now["bytes"]})
        refuses(shop, "groups/a", mine(description="x" * 1000), "bytes",
                now["bytes"], len(',"description":""') + 1000)
    finally:
        api.vmnd.api.patch("quotas/shop", {"object_labels": None,
                                           "bytes": None})


def exceeds(tenant, target, spec, what, limit):
    """It is refused for what would be used with it, in a plan too."""
    for query in ("", "?dry_run=plan"):
        status, answer = tenant.tries("PUT", target + query, spec)
        assert status == 403, answer
        [error] = answer["errors"]
        assert (error["quota"], error["resource"], error["limit"]) == (
            "shop", what, limit), error
        assert "used" not in error and error["requested"] > limit, error
        assert error["detail"] == (
            'quota "shop" exceeded: %d of %d %s with this change' % (
                error["requested"], limit, what))


def test_attack_fill_memory_by_groups_and_policies(api, shop):
    """By many groups of each port; and by a rule of few bytes whose peers are
    many prefixes, in many networks."""
    admin = api.vmnd.api
    for i in range(4):
        admin.put("networks/n%d" % i,
                  mine(subnets=[{"cidr": "10.0.0.0/24"}]))
        admin.put("ports/p%d" % i, mine(network="n%d" % i))
    try:
        admin.put("quotas/shop", {"scope": "project=shop", "memberships": 7})
        shop.may("PUT", "groups/all", mine(selector="project=shop"))
        exceeds(shop, "groups/more", mine(selector="project=shop"),
                "memberships", 7)
        assert used(shop)["memberships"] == 4
        shop.may("PUT", "groups/more", mine(cidrs=[
            "11.0.%d.0/25" % i for i in range(250)]))
        now = used(shop)["flows"]
        admin.patch("quotas/shop", {"flows": now + 500})
        spec = mine(applies_to=["all"],
                    rules=[rule("ingress", "allow", ["more"])])
        exceeds(shop, "policies/p", spec, "flows", now + 500)
        assert used(shop)["flows"] == now
        assert not admin.get("status")["problems"]
        admin.patch("quotas/shop", {"flows": None})
        shop.may("PUT", "policies/p", spec)
        assert used(shop)["flows"] > now + 1000
        shop.may("DELETE", "policies/p")
        assert used(shop)["flows"] == now
    finally:
        admin.put("quotas/shop", dict(LIMITS, scope="project=shop"))


def test_account_without_a_quota_has_one_of_labels_and_bytes(api):
    inn = enter(api, "inn", "project=inn")
    inn.may("PUT", "groups/inn", {"labels": {"project": "inn"}})
    status, answer = inn.call("GET", "usage")
    assert status == 200
    [item] = answer["items"]
    assert item["quota"] == "account/inn" and item["scope"] == "project=inn"
    limits = {i["name"]: (i["used"], i["limit"]) for i in item["limits"]
              if "limit" in i}
    assert set(limits) == {"object_labels", "bytes", "memberships", "flows",
                           "drafts", "observations"}
    assert limits["object_labels"] == (1, 100000)
    assert limits["memberships"] == (0, 2000000)
    assert limits["drafts"] == (0, 20)
    inn.may("DELETE", "groups/inn")


def test_attack_slip_past_at_the_same_time(api, shop):
    """Many requests at once, by two accounts, and many objects in one."""
    twin = enter(api, "twin", "project=shop")
    objects = [{"type": "groups", "name": "m%d" % i, "spec": mine()}
               for i in range(3)]
    status, answer = shop.call("POST", "apply", {"objects": objects})
    assert status == 403, answer
    assert used(shop)["groups"] == 0
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(
            lambda i: (shop, twin)[i % 2].tries(
                "PUT", "groups/g%d" % i, mine())[0], range(40)))
    assert sorted(statuses) == [201] * 2 + [403] * 38
    assert used(twin)["groups"] == 2


def test_attack_have_a_restart_forget(api, shop):
    """Counts are of what is stored; vmnctl and the metrics have them too."""
    shop.may("PUT", "groups/a", mine())
    shop.may("PUT", "groups/b", mine())
    before = used(shop)
    api.vmnd.stop()
    api.vmnd.start()
    wait_for("the API", lambda: api.vmnd.api.healthy())
    assert used(shop) == before
    refuses(shop, "groups/c", mine(), "groups", 2)
    found = api.vmnd.api.metrics()
    assert found['vmn_quota_used{quota="shop",limit="groups"}'] == 2
    assert found['vmn_quota_limit{quota="shop",limit="ports"}'] == 3
    text = subprocess.run(
        [find("vmnctl"), "usage"], check=True, text=True,
        stdout=subprocess.PIPE, env=dict(
            os.environ, VMNCTL_SERVER="unix:" + api.vmnd.api.path)).stdout
    assert ["shop", "project=shop", "groups", "2", "2", "-"] in [
        line.split() for line in text.splitlines()]


@pytest.mark.usefixtures("shop")        # Deletes what is left.
def test_take_the_loops_time_by_one_request(api):
    """Large lists and long names that were compared each with each: vmnd stood
    still for half a minute, or was killed for its memory.  No quota is for
    the tenant."""
    free = enter(api, "free", "project=free")

    def own(**spec):
        return dict(spec, labels={"project": "free"})

    free.may("PUT", "networks/net", own())
    free.may("PUT", "groups/all", own(selector="project=free"))
    answer = free.may_not("PUT", "dns-zones/one.example", own(
        networks=["net"], records=[
            {"name": "x", "type": "A", "ttl": 1 + i, "values": ["192.0.2.1"]}
            for i in range(10000)]), "/records", status=400)
    assert answer["detail"] == "9999 fields are wrong"
    holes = ["10.%d.%d.1/32" % (i, i) for i in range(256)]
    rules = [dict(rule("ingress", "allow" if i < 500 else "deny"), peers=[
        {"cidr": "10.0.0.0/8", "except": holes}], services=[
            {"protocol": "tcp", "ports": [i + 1]}]) for i in range(1000)]
    for query in ("", "?dry_run=plan"):
        answer = free.may_not("PUT", "policies/holes" + query, own(
            applies_to=["all"], rules=rules), "/rules", status=400)
        assert any("at most 100000 matches" in error["detail"]
                   for error in answer["errors"]), answer
    odd = [{"protocol": "tcp", "ports": list(range(first, first + 128, 2))}
           for first in range(1, 4096, 128)]
    for i in range(50):
        free.may("PUT", "services/odd-%d" % i, own(entries=odd))
    answer = free.may_not("PUT", "policies/odd?dry_run=plan", own(
        applies_to=["all"], rules=[dict(rule("ingress", "allow"), services=[
            {"service": "odd-%d" % i} for i in range(50)])]), "/rules",
        status=400)
    assert "at most 100000 matches" in answer["detail"]
    name = "a-" * 1900 + "z"
    assert "did you mean" not in free.call("GET", "groups/" + name)[1][
        "detail"]


def test_attack_call_without_end(api, shop):
    """Two accounts share the calls of their scope's quota; another tenant's
    calls are not touched."""
    twin = enter(api, "twin", "project=shop,env=dev")
    bank = enter(api, "bank", "project=bank")
    api.vmnd.api.put("quotas/calls", {"scope": "project=shop",
                                      "requests": 1})
    try:
        statuses = [(shop, twin)[i % 2].call("GET", "groups")[0]
                    for i in range(100)]
        assert 429 in statuses[::2] and 429 in statuses[1::2]
        assert {bank.call("GET", "groups")[0] for _ in range(20)} == {200}
    finally:
        api.vmnd.api.delete("quotas/calls")
    assert shop.call("GET", "groups")[0] == 200


def test_attack_use_up_a_shared_quota_by_refused_calls(api, shop):
    """Calls that the caller's own quota refuses cost nothing in the one that
    it shares with others."""
    dev = enter(api, "dev", "project=shop,env=dev")
    api.vmnd.api.put("quotas/calls-all", {"scope": "project=shop",
                                          "requests": 20})
    api.vmnd.api.put("quotas/calls-dev", {"scope": "project=shop,env=dev",
                                          "requests": 1})
    try:
        statuses = []

        def most_are_refused():
            statuses.append(dev.call("GET", "groups")[0])
            return statuses.count(429) > 60
        wait_for("calls to be refused", most_are_refused, 120, 0.001)
        assert {shop.call("GET", "groups")[0] for _ in range(10)} == {200}
    finally:
        api.vmnd.api.delete("quotas/calls-all")
        api.vmnd.api.delete("quotas/calls-dev")


def test_attack_use_up_a_shared_quota_by_a_disabled_account(api, shop):
    """Calls of an account that is not let in any more cost nothing in the
    quota that it shared with others."""
    dev = enter(api, "dev", "project=shop,env=dev")
    api.vmnd.api.patch("accounts/dev", {"enabled": False})
    api.vmnd.api.put("quotas/calls-all", {"scope": "project=shop",
                                          "requests": 1})
    try:
        assert {dev.call("GET", "groups")[0] for _ in range(100)} == {401}
        assert shop.call("GET", "groups")[0] == 200
    finally:
        api.vmnd.api.delete("quotas/calls-all")


def test_attack_raise_ones_own_quota(api, shop):
    for method, spec in (("PUT", {"scope": "project=shop"}),
                         ("PATCH", {"groups": 1000}), ("DELETE", None)):
        assert shop.tries(method, "quotas/shop", spec)[0] in (403, 404)
    assert shop.tries("PUT", "quotas/mine", mine(scope=""))[0] == 403
    assert api.vmnd.api.get("quotas/shop")["spec"]["groups"] == 2


# Flows.  -------------------------------------------------------------------

BANK = {"project": "bank"}
FLOWS = 1000
# No two of them are one.
PREFIXES = ["10.%d.%d.0/24" % (i // 100, 2 * (i % 100)) for i in range(5000)]


@pytest.fixture(name="bank")
def _bank(api):
    """A tenant with a VM, a large group, and a quota of flows."""
    world = World(api)
    world.network("bank", labels=BANK)
    world.vm("bank-vm", "bank", "h1", "10.0.0.1", labels=BANK)
    world.group("bank", "project=bank", labels=BANK)
    world.group("many", labels=BANK, cidrs=PREFIXES)
    world.put("quotas", "bank", scope="project=bank", flows_per_host=FLOWS)
    # What is to come to the host for the VM is not to come later.
    wait_quiet(api)
    yield enter(api, "bank", "project=bank")
    for item in world.api.get("policies")["items"]:
        world.api.delete("policies/" + item["name"])
    world.close()


def flows(lab):
    return lab.vmnd.api.get("hosts/h1")["status"]["flows"]


def caused(bank):
    """What the quota of flows is told to be used, and whether that is too
    much; None before vmnd has counted them, after a start."""
    [item] = bank.call("GET", "usage")[1]["items"]
    found = [i for i in item["limits"] if i["name"] == "flows_per_host"]
    if not found:
        return None
    [found] = found
    assert found["limit"] == FLOWS and found.get("host", "h1") == "h1"
    return found["used"], found.get("exceeded", False)


def refuses_flows(bank, method, target, spec):
    """For the flows on the host, with figures, in a plan too.  Returns how
    many there would be."""
    for query in ("", "?dry_run=plan"):
        status, answer = bank.tries(method, target + query, spec)
        assert status == 403, answer
        [error] = answer["errors"]
        found = re.fullmatch(
            r'quota "bank" exceeded: (\d+) of %d flows_per_host with this '
            'change, on host "h1"' % FLOWS, error["detail"])
        assert found, error
        assert (error["limit"], error["requested"], error["host"]) == (
            FLOWS, int(found.group(1)), "h1"), error
        assert "used" not in error
    return int(found.group(1))


def banks(*peers):
    return dict(labels=BANK, applies_to=["bank"],
                rules=[rule("ingress", "allow", peers)])


def test_attack_fill_each_hosts_tables(api, bank):
    """One policy of 5,000 prefixes, and a policy that is there already whose
    group becomes so large."""
    before, total = caused(bank), flows(api)
    assert refuses_flows(bank, "PUT", "policies/p", banks("many")) > 5000
    assert bank.call("GET", "policies/p")[0] == 404
    assert (caused(bank), flows(api)) == (before, total)
    bank.may("PATCH", "groups/many", {"cidrs": PREFIXES[:500]})
    bank.may("PUT", "policies/p", banks("many"))
    grown = caused(bank)[0] - before[0]
    assert 500 < grown < 550
    wait_for("the flows", lambda: flows(api) == total + grown, 60)
    assert refuses_flows(bank, "PATCH", "groups/many",
                         {"cidrs": PREFIXES}) > 5000
    assert len(bank.call("GET", "groups/many")[1]["spec"]["cidrs"]) == 500
    bank.may("DELETE", "policies/p")
    assert caused(bank) == before


def test_attack_fill_each_hosts_tables_at_the_same_time(api, bank):
    """Policies of 100 prefixes each: as many as there is room for."""
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda i: bank.tries(
            "PUT", "policies/p%d" % i,
            banks(*PREFIXES[100 * i:100 * i + 100]))[0], range(30)))
    used, over = caused(bank)
    assert statuses.count(403) == 30 - statuses.count(201) > 15
    assert statuses.count(201) > 5 and FLOWS - 150 < used <= FLOWS
    assert not over
    # Others are not kept out by it.
    shop = enter(api, "shop", "project=shop")
    shop.may("PUT", "groups/g", mine())
    shop.may("DELETE", "groups/g")


def test_flows_beyond_a_quota_are_shown(api, bank):
    """Administrators are not bound, and so are reports of hosts; the tenant
    may shrink, and not grow, until it is below its limit again."""
    api.vmnd.api.put("policies/p", banks("many"))
    used, over = caused(bank)
    assert used > 5000 and over
    [problem] = [p["detail"] for p in api.vmnd.api.get("status")["problems"]
                 if p["kind"] == "quota"]
    assert problem == ('quota "bank" exceeded: %d of %d flows_per_host used, '
                       'on host "h1"' % (used, FLOWS))
    found = api.vmnd.api.metrics()
    assert found['vmn_quota_used{quota="bank",limit="flows_per_host"}'] == used
    assert found[
        'vmn_quota_limit{quota="bank",limit="flows_per_host"}'] == FLOWS
    text = subprocess.run(
        [find("vmnctl"), "usage"], check=True, text=True,
        stdout=subprocess.PIPE, env=dict(
            os.environ, VMNCTL_SERVER="unix:" + api.vmnd.api.path)).stdout
    assert ["bank", "project=bank", "flows_per_host", str(used), str(FLOWS),
            "h1"] in [line.split() for line in text.splitlines()]
    assert refuses_flows(bank, "PUT", "policies/q",
                         banks("192.0.2.0/24")) > used
    api.vmnd.stop()
    api.vmnd.start()
    wait_for("the API", lambda: api.vmnd.api.healthy())
    wait_for("the same count", lambda: caused(bank) == (used, True), 20)
    bank.may("PATCH", "groups/many", {"cidrs": PREFIXES[:3000]})
    bank.may("PATCH", "groups/many", {"cidrs": PREFIXES[:100]})
    assert not caused(bank)[1]
    bank.may("PUT", "policies/q", banks("192.0.2.0/24"))
    assert not [p for p in api.vmnd.api.get("status")["problems"]
                if p["kind"] == "quota"]
