# SPDX-License-Identifier: Apache-2.0
"""What a tenant tries by revisions, with an account that has a `scope`: to
learn by the log and by receipts what others do, to undo it, and to use rights
that end while a request of its own waits.  One function per attack, named for
what the attacker wants."""

import http.client
import json
import sqlite3
import time

import pytest
from conftest import close_lab, make_token_lab
from tenants import (BANK, PORT, SHARED, SHOP, _api, _shop, _tenants, log_of,
                     make_tenant, mine)

from vmnlab.api import _Connection
from vmnlab.netns import inside, wait_for

FIXTURES = (_api, _shop, _tenants)


@pytest.fixture(name="lab", scope="module")
def _lab(tmp_path_factory):
    lab = make_token_lab("atg", 1, tmp_path_factory.mktemp("api"), PORT)
    yield lab
    close_lab(lab)


# The log of changes, and receipts.  ------------------------------------------

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


# Undoing.  -------------------------------------------------------------------

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


# Rights that end while a request waits.  -------------------------------------

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
                                 time.gmtime(time.time() + 6))}),
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
