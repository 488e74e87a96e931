# SPDX-License-Identifier: Apache-2.0
"""A day of a tenant's operator: vmnctl with the token of an account that has a
scope.  What such an account must not get at is in test_attacks_rights.py and
test_attacks_leaks.py."""

import os
import subprocess

import pytest
from conftest import close_lab, make_token_lab
from vmnlab.api import Refused
from vmnlab.daemon import find
from vmnlab.netns import inside

PORT = 8121
ACME = {"tenant": "acme"}
OTHER = {"tenant": "other"}
OBJECTS = [
    ("networks", "acme-net", {"labels": ACME, "subnets": [
        {"cidr": "10.0.0.0/24", "gateway": "10.0.0.1"}]}),
    ("networks", "other-net", {"labels": OTHER,
                               "subnets": [{"cidr": "10.0.0.0/24"}]}),
    ("ports", "acme-1", {"labels": ACME, "network": "acme-net"}),
    ("ports", "acme-2", {"labels": ACME, "network": "acme-net"}),
    ("ports", "other-1", {"labels": OTHER, "network": "other-net"}),
]


class Operator:
    """Who has a token."""

    def __init__(self, lab, name, **spec):
        self.lab = lab
        lab.vmnd.api.put("accounts/" + name,
                         dict({"role": "operator"}, **spec))
        secret = lab.vmnd.api.put("tokens/" + name, {"account": name})[
            "secret"]
        self.env = dict(os.environ, VMNCTL_TOKEN=secret,
                        VMNCTL_SERVER="tcp:127.0.0.1:%d" % PORT)

    def vmnctl(self, *words, status=0):
        """Returns what it wrote, complaints included."""
        with inside(self.lab.net_ns):
            done = subprocess.run(
                [find("vmnctl"), *words], text=True, timeout=60,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                env=self.env)
        assert done.returncode == status, (words, done.stdout)
        return done.stdout


@pytest.fixture(name="lab", scope="module")
def _lab(tmp_path_factory):
    lab = make_token_lab("ten", 1, tmp_path_factory.mktemp("api"), PORT)
    try:
        lab.vmnd.api.apply([{"type": kind, "name": name, "spec": spec}
                            for kind, name, spec in OBJECTS])
        yield lab
    finally:
        close_lab(lab)


@pytest.fixture(name="acme", scope="module")
def _acme(lab):
    return Operator(lab, "acme", scope="tenant=acme")


def test_cuts_off_a_vm_and_lets_it_go(lab, acme):
    text = acme.vmnctl("quarantine", "acme-1")
    assert text.startswith("quarantines/acme-1 created\n"), text
    held = lab.vmnd.api.get("quarantines/acme-1")["spec"]
    assert held["labels"] == ACME and held["ports"] == ["acme-1"]
    text = acme.vmnctl("quarantine", "other-1", status=1)
    assert 'port "other-1" does not exist' in text, text
    assert acme.vmnctl("release", "acme-1").startswith(
        'warning: loosens: port "acme-1" is not quarantined any more\n'
        "quarantines/acme-1 deleted\n")
    # One that is not its own it is not told the name of.
    lab.vmnd.api.put("quarantines/secret", {"ports": ["acme-1"]})
    assert acme.vmnctl("release", "acme-1", status=1) == (
        'vmnctl: no quarantine "acme-1"; port acme-1 is in a quarantine that '
        "is not within this account's scope\n")
    lab.vmnd.api.delete("quarantines/secret")


def test_recommendations_are_refused_before_the_observation(lab, acme):
    newest = lab.vmnd.api.get("revisions", limit=1)["items"][0]["revision"]
    text = acme.vmnctl("policy", "recommend", "--network", "acme-net",
                       "--for", "10m", status=1)
    assert "requires an account without a scope" in text, text
    assert lab.vmnd.api.get("revisions", limit=1)["items"][0][
        "revision"] == newest


def test_makes_objects_of_a_file_without_labels(lab, acme, tmp_path):
    file = tmp_path / "more.yaml"
    file.write_text("type: groups\nname: acme-all\n"
                    "spec: {selector: tenant=acme}\n")
    assert "created" in acme.vmnctl("apply", "-f", str(file))
    assert "unchanged" in acme.vmnctl("apply", "-f", str(file))
    assert lab.vmnd.api.get("groups/acme-all")["spec"]["labels"] == ACME


def test_who_deletes_its_own_token_is_told_so(lab):
    """It waits no longer than what it has let in."""
    boss = Operator(lab, "boss", role="admin")
    assert boss.vmnctl("delete", "token", "boss").startswith(
        "tokens/boss deleted\n")
    assert "HTTP 401" in boss.vmnctl("status", status=2)
    lab.vmnd.api.delete("accounts/boss")


def test_undoes_its_own_changes(lab, acme):
    acme.vmnctl("label", "port", "acme-1", "role=web")
    assert "role" in lab.vmnd.api.get("ports/acme-1")["spec"]["labels"]
    assert "ports/acme-1" in acme.vmnctl("undo", "ports/acme-1")
    assert lab.vmnd.api.get("ports/acme-1")["spec"]["labels"] == ACME
    acme.vmnctl("delete", "port", "acme-2")
    acme.vmnctl("undo", "ports/acme-2")
    assert lab.vmnd.api.get("ports/acme-2")["spec"]["labels"] == ACME
    number = lab.vmnd.api.patch("ports/other-1", {"description": "x"})[
        "revision"]
    text = acme.vmnctl("undo", str(number), status=1)
    assert "This account has made no revision %d" % number in text


def test_latest_revision_is_its_own(lab, acme):
    """However many another tenant has made since; one that has made none is
    not named another's."""
    acme.vmnctl("label", "port", "acme-1", "env=test")
    own = lab.vmnd.api.get("revisions", limit=1)["items"][0]["revision"]
    for text in "abc":
        lab.vmnd.api.patch("ports/other-1", {"description": text})
    shown = acme.vmnctl("revision", "latest")
    assert shown.startswith("Revision:    %d\n" % own), shown
    assert "ports/acme-1" in shown and "other" not in shown
    assert "env" in acme.vmnctl("undo", "latest", "--dry-run")
    fresh = Operator(lab, "fresh", scope="tenant=fresh")
    text = fresh.vmnctl("revision", "latest", status=1)
    assert text.startswith("vmnctl: ") and "other" not in text, text
    acme.vmnctl("undo", "latest")
    lab.vmnd.api.delete("tokens/fresh")
    lab.vmnd.api.delete("accounts/fresh")


def test_sees_the_rules_of_its_port(lab, acme):
    lab.vmnd.api.apply([
        {"type": "groups", "name": "acme-web", "spec": {
            "labels": ACME, "ports": ["acme-1"]}},
        {"type": "policies", "name": "acme-in", "spec": {
            "labels": ACME, "applies_to": ["acme-web"], "rules": [
                {"direction": "ingress", "action": "allow",
                 "services": [{"protocol": "tcp", "ports": [443]}]}]}},
        {"type": "policies", "name": "secret", "spec": {
            "applies_to": ["acme-web"], "rules": [
                {"direction": "ingress", "action": "deny"}]}}])
    text = acme.vmnctl("describe", "port", "acme-1")
    assert "acme-web" in text and "acme-in" in text and "tcp/443" in text
    assert "policies of others may" in text and "secret" not in text
    assert "Then: not known: no policy isolates the port" in text
    assert "Then: allowed" not in text
    # That others isolate it is told, and not who.
    lab.vmnd.api.patch("policies/secret", {"directions": ["egress"],
                                           "rules": None})
    text = acme.vmnctl("describe", "port", "acme-1")
    assert "Then: isolated, by policies out of this account's scope" in text
    assert "secret" not in text
    lab.vmnd.api.delete("policies/secret")


def test_log_by_who_did_it(lab, acme):
    """By the name as people say it; a slip is an error, and who was deleted
    since is not."""
    api = lab.vmnd.api

    def ctl(*words, status=0):
        done = subprocess.run(
            [find("vmnctl"), "revisions", *words], text=True, timeout=60,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=dict(os.environ, VMNCTL_SERVER="unix:" + api.path))
        assert done.returncode == status, (words, done.stdout)
        return done.stdout

    anna = Operator(lab, "anna")
    ctl("--who", "anna")                # Nothing yet, but there is one.
    anna.vmnctl("label", "port", "other-1", "by=anna")
    assert "account:anna/anna" in ctl("--who", "anna")
    assert "account:anna/anna" in ctl("--who", "account:anna")
    assert "unix:uid=0 (root)" in ctl("--who", "root")
    assert ctl("--who", "ana", status=1) == (
        'vmnctl: no account, token or user of the name "ana" is known; did '
        'you mean "anna"?\n')
    assert ctl("--who", "account:ana", status=1).endswith('"anna"?\n')
    assert ctl("--who", "nobody-at-all", status=1).endswith("is known\n")
    api.delete("accounts/anna", cascade="true")
    assert "account:anna/anna" in ctl("--who", "anna")
    assert "account:" not in ctl("--who", "anna", "--type", "routers")
    # Who may not list accounts is not told whether there is one.
    assert "only\nadministrators" in acme.vmnctl("revisions", "--who", "bob")


def test_names_of_users_are_beside_their_numbers(lab):
    lab.vmnd.api.patch("ports/other-1", {"description": "by root"})
    for words in (["events", "--limit", "5", "--kinds", "revision"],
                  ["describe", "port", "other-1"]):
        text = subprocess.run(
            [find("vmnctl"), *words], text=True, timeout=60, check=True,
            stdout=subprocess.PIPE, env=dict(
                os.environ, VMNCTL_SERVER="unix:" + lab.vmnd.api.path)).stdout
        assert "unix:uid=0 (root)" in text, text


def test_sees_how_its_own_is_and_what_happened_to_it(lab, acme):
    acme.vmnctl("label", "port", "acme-2", "role=db")
    lab.vmnd.api.patch("ports/acme-2", {"description": "by others"},
                       comment="secret")
    text = acme.vmnctl("events", "--limit", "2")
    assert text.splitlines()[0].endswith(
        "by account:acme/acme: update ports/acme-2"), text
    assert text.splitlines()[1].endswith("update ports/acme-2"), text
    assert "unix" not in text and "secret" not in text, text
    text = acme.vmnctl("status")
    assert "Scope:       tenant=acme\n" in text, text
    assert "Ports:       2 unbound\n" in text, text
    text = acme.vmnctl("events", "--kinds", "host", status=1)
    assert '"host" is for accounts without a scope' in text, text
    for query in (("history", "ports/acme-2"), ("revisions",)):
        text = acme.vmnctl(*query)
        assert text.endswith("(changes that this account has not made are "
                             "not shown)\n"), text


def test_what_vmnd_has_made_at_its_start_is_not_undone(lab):
    with pytest.raises(Refused, match="revision 1 is of vmnd's start: its "
                       "apps come and go with vmnd's configuration") as told:
        lab.vmnd.api.call("POST", "/v1/revisions/1/undo")
    assert len(told.value.problem["errors"]) == 1
