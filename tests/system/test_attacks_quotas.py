# SPDX-License-Identifier: Apache-2.0
"""Requests that look as if they protected something, and tenants that want
more than their share: what can never decide is refused with its field, and
nobody gets past a quota."""

import pytest
from conftest import entry, rule

from vmnlab.api import Refused


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
