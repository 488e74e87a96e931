# SPDX-License-Identifier: Apache-2.0
"""What a hostile tenant tries with drafts, with an account that has a `scope`
and a `reads`: to see or touch what is others', by what it writes down itself
or by what others have written.  One function per attack, named for what the
attacker wants."""

import json

import pytest
from conftest import close_lab, make_token_lab
from tenants import (BANK, PORT, SHARED, SHOP, _api, _shop, _tenants,
                     make_tenant, mine)

from vmnlab.api import Refused

FIXTURES = (_api, _shop, _tenants)


@pytest.fixture(name="lab", scope="module")
def _lab(tmp_path_factory):
    lab = make_token_lab("atd", 1, tmp_path_factory.mktemp("api"), PORT)
    yield lab
    close_lab(lab)


@pytest.fixture(autouse=True)
def _no_drafts(api):
    yield
    for item in api.get("drafts")["items"]:
        api.delete("drafts/" + item["name"])


def patch(kind, name, **spec):
    return {"op": "patch", "type": kind, "name": name, "spec": spec}


def delete(kind, name):
    return {"op": "delete", "type": kind, "name": name}


def put(kind, name, **spec):
    return {"type": kind, "name": name, "spec": spec}


def drafts(tenant):
    status, answer = tenant.call("GET", "drafts")
    assert status == 200
    return [item["name"] for item in answer["items"]]


def test_draft_what_is_others(shop, api):
    """Of an object of others no more is told than by its change itself."""
    for change, status in (
            (patch("ports", "bank-1", description="x"), 404),
            (delete("networks", "bank"), 404),
            (put("groups", "bank-all", selector="project=shop"), 403),
            (patch("ports", "wire-1", description="x"), 403),
            (delete("groups", "wire-all"), 403)):
        if change["name"] == "bank-all":
            api.put("groups/bank-all", {"labels": BANK,
                                        "selector": "project=bank"})
        got, answer = shop.tries("PUT", "drafts/d",
                                 mine(changes=[change]))
        assert got == status, answer
    missing = shop.tries("PUT", "drafts/d", mine(
        changes=[delete("networks", "bonk")]))[1]
    hidden = shop.tries("PUT", "drafts/d", mine(
        changes=[delete("networks", "bank")]))[1]
    assert missing["detail"].replace("bonk", "bank").split(";")[0] \
        == hidden["detail"].split(";")[0]
    shop.may("PUT", "drafts/d", mine(changes=[
        patch("ports", "shop-1", description="x")]))


def test_draft_what_one_may_not_change(shop):
    for kind in "hosts", "tiers", "quotas", "telemetries":
        shop.may_not("PUT", "drafts/d", mine(changes=[put(kind, "x")]),
                     "/changes/0/type")
    for kind in "accounts", "tokens", "apps", "drafts":
        shop.may_not("PUT", "drafts/d", mine(changes=[put(kind, "x")]),
                     "/changes/0/type", 400)


def test_draft_ones_object_into_anothers_scope(shop):
    shop.may_not("PUT", "drafts/d", mine(changes=[
        patch("ports", "shop-1", labels={"project": "bank"})]))
    shop.may_not("PUT", "drafts/d", mine(changes=[
        put("services", "s", labels=BANK,
            entries=[{"protocol": "tcp", "ports": [1]}])]))
    # One without labels is the tenant's own.
    made = shop.may("PUT", "drafts/d", {"changes": [
        put("services", "s", entries=[{"protocol": "tcp", "ports": [1]}])]})
    assert made["spec"]["labels"] == SHOP
    assert made["spec"]["changes"][0]["spec"]["labels"] == SHOP


def test_apply_by_a_draft_what_is_refused_at_once(lab, shop, api):
    """It is checked again when it is applied, by what is there then."""
    shop.may("PUT", "drafts/d", mine(changes=[
        patch("ports", "shop-1", description="x")]))
    api.patch("ports/shop-1", {"labels": BANK})
    status, answer = shop.call("POST", "drafts/d/apply")
    assert status == 409 and "deleted since" in answer["detail"], answer
    assert "bank" not in str(answer)
    assert "description" not in api.get("ports/shop-1")["spec"]
    shop.may("PUT", "drafts/e", mine(changes=[
        put("policies", "p", applies_to=["wire-all"], rules=[
            {"direction": "ingress", "action": "deny"}])]))
    status, answer = shop.call("POST", "drafts/e/apply")
    assert status in (400, 403), answer
    assert "/spec/changes/0/spec/applies_to/0" in [
        e["pointer"] for e in answer["errors"]]
    viewer = make_tenant(lab, "viewer", role="viewer", scope="project=shop")
    shop.may("PUT", "drafts/f", mine(changes=[
        patch("ports", "shop-2", description="x")]))
    assert viewer.call("POST", "drafts/f/apply")[0] == 403
    assert viewer.tries("PUT", "drafts/f", mine(changes=[]))[0] == 403


def test_learn_by_a_draft_a_secret_of_what_was_ones_own(shop, api):
    """The draft goes by what the object was when it was written; of what it
    is now, which is another's, no more is told than to who reads it."""
    balancer = {"vip": "10.0.0.100", "networks": ["shop"],
                "ports": [{"port": 80}], "scale": {
                    "metric": "connections", "high": 10}}
    shop.may("PUT", "loadbalancers/vip", mine(**balancer))
    secret = "https://a.example/secret"
    for name, guess in ("right", secret), ("wrong", "https://a.example/x"):
        shop.may("PUT", "drafts/" + name, mine(changes=[
            patch("loadbalancers", "vip", scale={"webhook": guess})]))
    shop.may("PUT", "drafts/whole", mine(changes=[
        put("loadbalancers", "vip", **mine(**balancer))]))
    balancer["scale"]["webhook"] = secret
    api.put("loadbalancers/vip", dict(balancer, labels=SHARED))
    for name in "right", "wrong", "whole":
        made = shop.may("GET", "drafts/" + name)
        [now] = [c["now"] for c in made["status"]["conflicts"]
                 if c["path"] == "/spec/scale/webhook"]
        assert now == "redacted", made
        status, answer = shop.call("POST", "drafts/%s/apply" % name)
        assert status == 409, answer
        assert (secret in json.dumps([made, answer])) == (name == "right")


def test_watch_by_a_cascade_what_refers_to_ones_object(shop, api):
    """What would go with the tenant's object is told of to those alone who may
    delete it: not when it has changed, nor how much there is."""
    api.put("groups/asked", {"labels": SHOP})
    api.put("policies/theirs", {"labels": BANK, "applies_to": ["asked"]})
    shop.may("PUT", "drafts/d", mine(changes=[
        dict(delete("groups", "asked"), cascade=True)]))
    told = []
    for i in range(2):
        told += [shop.call("POST", path) for path in (
            "drafts/d/apply", "drafts/d/apply?dry_run=plan")]
        api.patch("policies/theirs", {"description": "%d" % i})
        api.put("policies/theirs-%d" % i, {"labels": BANK,
                                           "applies_to": ["asked"]})
    assert told[0][0] == 403, told
    assert told[:2] == told[2:]
    for name in "theirs", "theirs-0", "theirs-1":
        api.delete("policies/" + name)
    api.delete("groups/asked", cascade="true")


def test_have_an_administrator_apply_what_is_refused(shop, api):
    """What the writer may not do is not done with the rights of who applies
    it, whoever has edited the draft since."""
    api.patch("networks/shop", {"labels": SHOP})
    for change, pointer in (
            (put("policies", "p", applies_to=["wire-all"], rules=[
                {"direction": "ingress", "action": "deny"}]),
             "/spec/applies_to/0"),
            (put("policies", "p", applies_to=["shop-all"], tier="security",
                 rules=[{"direction": "ingress", "action": "deny"}]),
             "/spec/tier"),
            (put("groups", "g", selector="project=bank"), "/spec/selector"),
            (patch("networks", "shop", provider={"physical": "dc",
                                                 "vlan": 11}),
             "/spec/provider"),
            (put("ports", "spoof", network="shop", iface_id="others-1"),
             "/spec/iface_id")):
        made = shop.may("PUT", "drafts/e", mine(changes=[change]))
        assert made["spec"]["writers"] == ["account:shop"]
        for edit in {}, {"changes": made["spec"]["changes"] + [
                put("services", "s", labels=SHOP, entries=[
                    {"protocol": "tcp", "ports": [1]}])]}:
            if edit:
                assert api.patch("drafts/e", edit)["spec"]["writers"][0] == (
                    "account:shop")
            for query in {}, {"dry_run": "plan"}:
                with pytest.raises(Refused) as refused:
                    api.call("POST", "/v1/drafts/e/apply", **query)
                assert refused.value.status == 403, refused.value
                errors = refused.value.problem["errors"]
                assert [e["pointer"] for e in errors] == [
                    "/spec/changes/0" + pointer]
                assert 'account "shop"' in errors[0]["detail"]
        api.delete("drafts/e")


def test_apply_what_was_written_with_more_rights(lab, shop, api):
    """Nor is it done by the rights that the writer had."""
    once = make_tenant(lab, "once", role="operator", scope="project=shop",
                       tiers=["security"])
    once.may("PUT", "drafts/e", mine(changes=[
        put("policies", "p", labels=SHOP, applies_to=["shop-all"],
            tier="security", rules=[{"direction": "ingress",
                                     "action": "deny"}])]))
    assert shop.call("POST", "drafts/e/apply")[0] == 403
    api.patch("accounts/once", {"tiers": None})
    with pytest.raises(Refused) as refused:
        api.call("POST", "/v1/drafts/e/apply")
    assert refused.value.status == 403
    api.patch("accounts/once", {"tiers": ["security"]})
    assert api.call("POST", "/v1/drafts/e/apply", dry_run="plan")["objects"]
    api.delete("tokens/once")
    api.delete("accounts/once")
    with pytest.raises(Refused) as refused:
        api.call("POST", "/v1/drafts/e/apply")
    assert refused.value.status == 409
    assert refused.value.problem["errors"][0]["pointer"] == "/spec/writers"


def test_learn_who_has_a_draft_that_is_not_seen(shop, api):
    """By what is filled in, if what is guessed is right."""
    api.put("drafts/bank", {"labels": BANK, "changes": [
        patch("ports", "bank-1", description="secret")]})
    author = api.get("drafts/bank")["spec"]["author"]
    answers = [shop.tries("PUT", "drafts/bank", mine(author=who))
               for who in (author, "unix:uid=12345")]
    assert answers[0] == answers[1]
    assert answers[0][0] == 403


def test_say_that_a_draft_takes_a_revision_back(shop):
    shop.may_not("PUT", "drafts/d", mine(undoes=1), "/undoes", 400)
    shop.may_not("PUT", "drafts/d", mine(writers=["unix:uid=0"]), "/writers",
                 400)


def test_see_drafts_of_others(shop, api):
    """Also one that an administrator has labelled so by mistake, of what is
    others'."""
    api.put("drafts/bank", {"labels": BANK, "changes": [
        patch("ports", "bank-1", description="secret")]})
    api.put("drafts/mixed", {"labels": SHOP, "changes": [
        patch("ports", "shop-1", description="x"),
        patch("ports", "bank-1", description="secret")]})
    api.put("drafts/moves", {"labels": SHOP, "changes": [
        patch("ports", "shop-1", labels={"project": "bank"})]})
    api.put("drafts/shared", {"labels": SHARED, "changes": [
        patch("ports", "bank-1", description="secret")]})
    api.put("drafts/own", {"labels": SHOP, "changes": [
        patch("ports", "shop-1", description="x")]})
    assert drafts(shop) == ["own"]
    for name in "bank", "mixed", "moves", "shared":
        assert shop.call("GET", "drafts/" + name)[0] == 404
        assert shop.call("POST", "drafts/%s/apply" % name)[0] == 404
        assert shop.tries("DELETE", "drafts/" + name)[0] == 404
        assert shop.tries("PATCH", "drafts/" + name, {})[0] == 404
        assert shop.tries("PUT", "drafts/" + name, mine())[0] == 403
    status, answer = shop.call("POST", "drafts/own/apply")
    assert status == 200, answer
    assert "secret" not in str(shop.call("GET", "revisions"))


def test_learn_by_a_conflict_who_the_others_are(shop, api):
    shop.may("PUT", "drafts/d", mine(changes=[
        patch("ports", "shop-1", description="mine")]))
    api.patch("ports/shop-1", {"description": "theirs"})
    status = shop.call("GET", "drafts/d")[1]["status"]
    assert status["conflicts"][0]["now"] == "theirs"
    assert status["conflicts"][0]["who"] is None
    answer = shop.call("POST", "drafts/d/apply")[1]
    assert "unix:" not in str(answer)


def test_learn_by_effects_what_others_have(shop):
    shop.may("PUT", "drafts/d", mine(changes=[
        patch("ports", "shop-1", description="x")]))
    assert shop.call("GET", "drafts/d/effects")[0] == 403


def test_take_back_what_others_did(shop, api):
    theirs = api.patch("ports/shop-1", {"description": "x"})["revision"]
    assert shop.call("POST", "revisions/%d/undo?draft=d" % theirs)[0] == 404
    own = shop.may("PATCH", "ports/shop-1", {"description": "y"})["revision"]
    status, answer = shop.call("POST", "revisions/%d/undo?draft=d" % own)
    assert status == 201, answer
    assert answer["spec"]["labels"] == SHOP
    assert shop.call("POST", "drafts/d/apply")[0] == 200
    assert api.get("ports/shop-1")["spec"]["description"] == "x"


def test_have_an_administrator_change_what_is_others(shop, api):
    """By a draft that claims to be of an object of its own, for who applies
    it without a second look."""
    base = {"base": str(api.get("ports/bank-1")["metadata"]["revision"]),
            "base_spec": {"network": "bank", "labels": SHOP}}
    for change in (dict(patch("ports", "bank-1", enabled=False), **base),
                   dict(delete("ports", "bank-1"), **base),
                   dict(patch("ports", "shop-1", enabled=False), **base)):
        shop.may_not("PUT", "drafts/d", mine(changes=[change]),
                     "/changes/0/base")
    # The log has both: who wrote it, and who applied it.
    shop.may("PUT", "drafts/two", mine(changes=[
        patch("ports", "shop-2", description="x")]))
    api.patch("drafts/two", {"description": "looked at"})
    revision = api.call("POST", "/v1/drafts/two/apply")["revision"]
    logged = api.get("revisions/%d" % revision)
    assert logged["draft_author"] == "account:shop/shop"
    assert logged["who"].startswith("unix:")
    # What it has been given it keeps.
    made = shop.may("PUT", "drafts/d", mine(changes=[
        patch("ports", "shop-1", enabled=False)]))
    made["spec"]["description"] = "x"
    shop.may("PUT", "drafts/d", made["spec"])
    made["spec"]["changes"][0]["base_spec"]["labels"] = BANK
    shop.may_not("PUT", "drafts/d", made["spec"], "/changes/0/base")


def test_sign_a_draft_with_anothers_name(shop):
    shop.may_not("PUT", "drafts/d", mine(author="unix:uid=0"), "/author", 400)
    assert shop.may("PUT", "drafts/d", mine())["spec"]["author"].startswith(
        "account:")


def test_read_the_url_of_a_webhook(lab, shop, api):
    """Who may not change a balancer is not shown it in a draft either."""
    url = "http://192.0.2.1/hook/secret"
    change = put("loadbalancers", "lb", vip="10.0.0.9", networks=["shop"],
                 ports=[{"port": 80}], selector="project=shop", labels=SHOP,
                 scale={"metric": "connections", "high": 10, "webhook": url})
    shop.may("PUT", "drafts/d", mine(changes=[change]))
    viewer = make_tenant(lab, "looker", role="viewer", scope="project=shop")
    assert "secret" in str(shop.call("GET", "drafts/d"))
    status, answer = viewer.call("GET", "drafts/d")
    assert status == 200
    assert "secret" not in str(answer)
    assert "secret" not in str(viewer.call("GET", "drafts"))
    # Nor in a conflict, of what has gone since, which is shown else.
    api.put("loadbalancers/lb", change["spec"])
    shop.may("PUT", "drafts/e", mine(changes=[
        patch("loadbalancers", "lb", description="x")]))
    api.delete("loadbalancers/lb")
    assert "secret" in str(shop.call("GET", "drafts/e")[1]["status"])
    status, answer = viewer.call("GET", "drafts/e")
    conflict, = answer["status"]["conflicts"]
    assert conflict["base"]["vip"] == "10.0.0.9", answer
    assert conflict["base"]["scale"]["webhook"] == "redacted", answer
    assert "secret" not in str(answer)
    api.delete("drafts/e")
    # Nor in the log of changes, once it is made.
    api.delete("drafts/d")
    made = api.put("loadbalancers/lb", change["spec"])["revision"]
    path = "revisions/%d?contents=true" % made
    of_lb = "revisions?type=loadbalancers&name=lb&contents=true"
    guest = make_tenant(lab, "guest", role="viewer")
    for target in path, of_lb:
        assert url in str(api.call("GET", "/v1/" + target))
        status, answer = guest.call("GET", target)
        assert status == 200 and "redacted" in str(answer), answer
        assert "secret" not in str(answer)
    # It is kept, to be taken back.
    api.patch("loadbalancers/lb", {"scale": None})
    api.call("POST", "/v1/revisions/%d/undo" % (
        api.get("revisions", limit=1)["items"][0]["revision"]))
    assert api.get("loadbalancers/lb")["spec"]["scale"]["webhook"] == url


def test_fill_the_table_of_drafts_without_a_quota(tenants, shop, api):
    made = [{"type": "drafts", "name": "d%d" % i, "spec": mine()}
            for i in range(11)]
    status, answer = shop.call("POST", "apply", {"objects": made})
    assert status == 413, answer
    assert [e["pointer"] for e in answer["errors"]] == [
        "/objects/10"]
    status, answer = shop.call("POST", "apply", {"objects": made[:10]})
    assert status == 200, answer
    shop.may_not("PUT", "drafts/d10", mine(), status=413)
    shop.may("PUT", "drafts/d9", mine(description="x"))
    tenants["bank"].may("PUT", "drafts/bank", {})
    api.put("drafts/d10", {})
    assert shop.tries("DELETE", "drafts/d9")[0] == 200
    shop.may("PUT", "drafts/d9", mine())
    # Some are left to administrators, however many scopes there are.
    for i in range(80 - len(api.get("drafts")["items"])):
        api.put("drafts/a%d" % i, {})
    assert shop.tries("DELETE", "drafts/d9")[0] == 200
    api.put("drafts/last", {})
    shop.may_not("PUT", "drafts/d9", mine(), status=413)


def test_use_up_a_share_by_drafts_that_are_not_seen(shop, api):
    """Operators label theirs by project, too."""
    for i in range(10):
        api.put("drafts/h%d" % i, {"labels": SHOP, "changes": [
            patch("hosts", "h1", description="x")]})
    shop.may("PUT", "drafts/own", mine())


def test_fill_the_table_of_drafts(shop, api):
    api.put("quotas/shop", {"scope": "project=shop", "drafts": 2})
    try:
        for name in "a", "b":
            shop.may("PUT", "drafts/" + name, mine())
        shop.may_not("PUT", "drafts/c", mine(), status=403)
    finally:
        api.delete("quotas/shop")
