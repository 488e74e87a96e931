# SPDX-License-Identifier: Apache-2.0
"""What clients of HTTP expect of any API: a selection of fields, 304 for what
did not change, compressed replies, the methods of a path, limits, figures with
a refusal, and services as text.  The same of a member of a cluster that stands
by."""

import fnmatch
import glob
import gzip
import json
import os
import re
import subprocess
import zlib

import pytest
from cluster import started
from conftest import close_lab, make_token_lab
from tenants import PORT, SHOP, make_tenant
from test_cluster_api import Place

from vmnlab.api import Refused
from vmnlab.daemon import find
from vmnlab.netns import PATIENCE, wait_for

OBJECTS = [
    ("networks", "shop", {"labels": SHOP, "subnets": [
        {"cidr": "10.0.0.0/24"}]}),
    ("ports", "web-1", {"network": "shop", "labels": {
        "project": "shop", "app.kubernetes.io/name": "web"}}),
    ("ports", "web-2", {"network": "shop", "labels": SHOP}),
    ("groups", "web", {"labels": SHOP, "selector": "project=shop"}),
    ("policies", "web-in", {"labels": SHOP, "applies_to": ["web"], "rules": [
        {"direction": "ingress", "action": "allow",
         "peers": [{"group": "web"}, {"cidr": "192.0.2.0/24"}],
         "services": [{"protocol": "tcp", "ports": [80]}]}]}),
    ("loadbalancers", "front", {"labels": SHOP, "vip": "10.0.0.100",
                                "networks": ["shop"],
                                "ports": [{"port": 80}], "backends": []}),
]
TOP = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../..")
# More than one slice of what is compressed at a time.
N_MANY = 400


@pytest.fixture(scope="module", name="lab")
def _lab(tmp_path_factory):
    lab = make_token_lab("requests", 1, tmp_path_factory.mktemp("api"), PORT)
    try:
        lab.vmnd.api.apply([{"type": kind, "name": name, "spec": spec}
                            for kind, name, spec in OBJECTS])
        yield lab
    finally:
        close_lab(lab)


@pytest.fixture(name="api")
def _api(lab):
    return lab.vmnd.api


def ask(api, target, method="GET", body=None, **headers):
    """Returns (status, headers, bytes) of /v1/TARGET.  Underscores in names of
    headers are hyphens."""
    return api.raw(method, "/v1/" + target, body, {
        name.replace("_", "-"): value for name, value in headers.items()})


def refusal(api, target, method="GET", body=None):
    """Returns the status and the only error."""
    with pytest.raises(Refused) as caught:
        api.call(method, "/v1/" + target, body)
    [error] = caught.value.problem["errors"]
    return caught.value.status, error


# Fields.  -----------------------------------------------------------------

@pytest.mark.parametrize("fields, shown", [
    ("spec.network", {"spec": {"network": "shop"}}),
    ("name,spec.labels.app.kubernetes.io/name,status.state",
     {"spec": {"labels": {"app.kubernetes.io/name": "web"}},
      "status": {"state": "unbound"}}),
    ("spec.labels.none", {"spec": {"labels": {}}}),
    ("spec.labels,spec.labels.project", {"spec": {
        "labels": OBJECTS[1][2]["labels"]}}),
    ("type", {}),
])
def test_fields_of_a_port(api, fields, shown):
    want = dict(shown, type="ports", name="web-1")
    assert api.get("ports/web-1", fields=fields) == want
    page = api.get("ports", fields=fields, selector="app.kubernetes.io/name")
    assert page["items"] == [want] and page["revision"]


def test_fields_inside_of_lists(api):
    assert api.get("policies/web-in", fields="spec.rules.peers.group,"
                   "spec.rules.services,metadata.etag")["spec"] == {
        "rules": [{"peers": [{}, {"group": "web"}],
                   "services": [{"protocol": "tcp", "ports": ["80"]}]}]}
    whole = api.get("networks/shop")
    assert api.get("networks/shop", fields="metadata,spec,status") == whole
    assert api.get("networks/shop", fields="status.subnets.used,status.mtu")[
        "status"] == {"mtu": whole["status"]["mtu"],
                      "subnets": [{"used": whole["status"]["subnets"][0][
                          "used"]}]}


@pytest.mark.parametrize("target, says", [
    ("ports?fields=spec.netwrok", 'unknown field "spec.netwrok" of ports; did '
     'you mean "spec.network"?'),
    ("ports/web-1?fields=network", 'did you mean "spec.network"?'),
    ("ports?fields=state", 'did you mean "status.state"?'),
    ("ports?fields=status.mca", 'did you mean "status.mac"?'),
    ("ports?fields=metadata.revisio", 'did you mean "metadata.revision"?'),
    ("ports?fields=statu", 'did you mean "status"?'),
    ("ports?fields=spec.network.name", '"spec.network" has no fields'),
    ("ports?fields=name.x", '"name" has no fields'),
    ("policies?fields=spec.rules.peers.grou",
     'did you mean "spec.rules.peers.group"?'),
    ("ports?fields=", "must be fields separated by commas"),
    ("ports?fields=name,,type", "must be fields separated by commas"),
    ("ports?fields=spec.", 'unknown field "spec."'),
    ("ports?fields=spec.zzz", 'unknown field "spec.zzz" of ports'),
])
def test_wrong_fields_are_named(api, target, says):
    status, error = refusal(api, target)
    assert status == 400 and error["parameter"] == "fields"
    assert says in error["detail"], error


def test_fields_select_any_shown_field(api):
    """What is selected is what is there."""
    for kind, name, _spec in OBJECTS:
        whole = api.get("%s/%s" % (kind, name))
        parts = {}
        for part in "metadata", "spec", "status":
            for field in whole[part]:
                got = api.get("%s/%s" % (kind, name),
                              fields="%s.%s" % (part, field))
                parts.setdefault(part, {}).update(got[part])
        assert parts == {part: whole[part] for part in parts}


# What did not change.  ------------------------------------------------------

def test_unchanged_object_is_304(api):
    status, headers, _ = ask(api, "ports/web-1")
    tag = headers["ETag"]
    assert status == 200 and tag.startswith('"')
    status, headers, body = ask(api, "ports/web-1", If_None_Match=tag)
    assert (status, headers["ETag"], body) == (304, tag, b"")
    assert headers["Cache-Control"] == "no-store"
    status, headers, body = ask(api, "ports/web-1", If_None_Match=tag,
                                Accept_Encoding="gzip")
    assert status == 304
    assert ask(api, "ports/web-1", If_None_Match='"0", W/' + tag)[0] == 304
    assert ask(api, "ports/web-1?fields=name", If_None_Match=tag)[0] == 200
    # The whole of it counts, not the revision alone.
    etag = api.get("ports/web-1")["metadata"]["etag"]
    assert ask(api, "ports/web-1", If_None_Match='"%s"' % etag)[0] == 200
    assert ask(api, "ports/none", If_None_Match=tag)[0] == 404


def test_changed_status_is_not_304(lab, api):
    """Its spec is the same: that of a network counts its ports."""
    tag = ask(api, "networks/shop")[1]["ETag"]
    listed = ask(api, "networks")[1]["ETag"]
    revision = api.get("networks/shop")["metadata"]["revision"]
    api.put("ports/web-3", {"network": "shop"})
    try:
        assert api.get("networks/shop")["metadata"]["revision"] == revision
        assert ask(api, "networks/shop", If_None_Match=tag)[0] == 200
        assert ask(api, "networks", If_None_Match=listed)[0] == 200
    finally:
        api.delete("ports/web-3")
    wait_for("the same again", lambda: ask(
        api, "networks/shop", If_None_Match=tag)[0] == 304, 20)
    # Of a list the revision that was read is of no consequence.
    assert ask(api, "networks", If_None_Match=listed)[0] == 304
    assert listed.startswith("W/")


def test_tag_of_a_read_is_for_if_match(api):
    """By its revision: a status that changed meanwhile is not overwritten."""
    body = json.dumps({"spec": {"description": "x"}})
    tag = ask(api, "groups/web", Accept_Encoding="gzip")[1]["ETag"]
    patch = {"Content_Type": "application/merge-patch+json"}
    status, headers, _ = ask(api, "groups/web", "PATCH", body, If_Match=tag,
                             **patch)
    assert status == 200
    assert ask(api, "groups/web", "PATCH", body, If_Match=tag, **patch)[
        0] == 412
    assert ask(api, "groups/web", "PATCH", '{"spec": {"description": null}}',
               If_Match=headers["ETag"], **patch)[0] == 200


# Compressed replies.  -------------------------------------------------------

def is_gzip(headers):
    return headers.get("Content-Encoding") == "gzip"


def test_long_replies_are_compressed(api):
    many = [{"type": "groups", "name": "many-%d" % i,
             "spec": {"description": "x" * 200, "labels": SHOP}}
            for i in range(N_MANY)]
    api.apply(many, prune="many")
    try:
        plain = ask(api, "groups?limit=1000")
        status, headers, packed = ask(api, "groups?limit=1000",
                                      Accept_Encoding="br, gzip")
        assert status == 200 and is_gzip(headers)
        assert not is_gzip(plain[1]) and len(packed) < len(plain[2]) / 4
        assert gzip.decompress(packed) == plain[2]
        assert len(plain[2]) > 128 * 1024
        for _, found, _ in (plain, (0, headers, 0)):
            assert found["Vary"] == "Accept-Encoding"
        assert headers["ETag"] == plain[1]["ETag"]
    finally:
        api.apply([], prune="many")


def test_short_replies_changes_and_streams_are_not_compressed(api):
    for target in "ports/web-1?fields=name", "ports?limit=1&fields=name":
        assert not is_gzip(ask(api, target, Accept_Encoding="gzip")[1])
    status, headers, _ = ask(api, "apply", "POST", json.dumps({"objects": [
        {"type": kind, "name": name, "spec": spec}
        for kind, name, spec in OBJECTS]}), Accept_Encoding="gzip")
    assert status == 200 and not is_gzip(headers)
    status, headers, _ = ask(api, "events?since=1&follow=false",
                             Accept_Encoding="gzip")
    assert status == 200 and not is_gzip(headers)


def test_secrets_are_not_compressed(api):
    """The length of what is compressed would show what a tenant's text has in
    common with the secret beside it (BREACH)."""
    front = dict(OBJECTS[-1][2], description="d" * 512)
    padding = {"labels": {"k%d" % i: "v" * 60 for i in range(30)}}
    api.put("loadbalancers/front", dict(front, **padding))
    assert is_gzip(ask(api, "loadbalancers/front",
                       Accept_Encoding="gzip")[1])
    api.put("drafts/d", {"changes": [
        {"op": "put", "type": "groups", "name": "g%d" % i, "spec": {
            "description": "x" * 300}} for i in range(9)]})
    try:
        for target in "drafts/d", "drafts":
            headers = ask(api, target, Accept_Encoding="gzip")[1]
            assert not is_gzip(headers) and "Vary" not in headers
    finally:
        api.delete("drafts/d")
        api.put("loadbalancers/front", OBJECTS[-1][2])


# Methods and limits.  -------------------------------------------------------

@pytest.mark.parametrize("path, allowed", [
    ("/v1/ports", "GET, HEAD, OPTIONS"),
    ("/v1/ports/web-1", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
    ("/v1/ports/none", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
    ("/v1/trace", "POST, OPTIONS"),
    ("/healthz", "GET, HEAD, OPTIONS"),
])
def test_options(api, path, allowed):
    status, headers, body = api.raw("OPTIONS", path)
    assert (status, headers["Allow"], body) == (204, allowed, b"")
    assert "Content-Length" not in headers


def test_options_of_nothing(api):
    assert api.raw("OPTIONS", "/v1/prots")[0] == 404


@pytest.mark.parametrize("target", [
    "ports", "revisions", "drops", "logs", "activity", "traffic",
    "identities", "paths", "summary", "events?since=1&follow=false",
    "hosts/h1/flows?diff=true"])
def test_limit_above_the_maximum_is_the_maximum(api, target):
    join = "&" if "?" in target else "?"
    for limit in "1000000000", "9" * 30:
        assert ask(api, "%s%slimit=%s" % (target, join, limit))[0] == 200
    for limit in "0", "-1", "x", "", "1.5", "00":
        status, error = refusal(api, "%s%slimit=%s" % (target, join, limit))
        assert (status, error["parameter"]) == (400, "limit"), limit


# Quotas.  -------------------------------------------------------------------

def test_exceeded_quota_is_403_with_figures(lab, api):
    shop = make_tenant(lab, "quota-shop", scope="project=shop")
    api.put("quotas/globex", {"scope": "project=shop", "ports": 3,
                              "networks": 1})
    try:
        spec = {"network": "shop", "labels": SHOP}
        shop.may("PUT", "ports/web-3", spec)
        for query in "", "?dry_run=plan":
            answer = shop.may_not("PUT", "ports/web-4" + query, spec)
            assert answer["type"] == "urn:vmn:problem:quota"
            assert answer["detail"] == ('quota "globex" exceeded: 3 of 3 '
                                        'ports used')
            assert answer["errors"] == [{
                "pointer": "", "code": "quota", "detail": answer["detail"],
                "quota": "globex", "resource": "ports", "limit": 3, "used": 3,
                "requested": 4}]
        shop.may("DELETE", "ports/web-3")
        status, answer = shop.call("POST", "apply", {"objects": [
            {"type": "ports", "name": "more-%d" % i, "spec": spec}
            for i in range(5)]})
        assert (status, answer["detail"]) == (
            403, 'quota "globex" exceeded: 2 of 3 ports used, 7 with this '
            'change')
    finally:
        api.delete("quotas/globex")
        api.delete("accounts/quota-shop", cascade="true")


# Services as text.  ---------------------------------------------------------

@pytest.mark.parametrize("text, entry", [
    ("tcp/80", {"protocol": "tcp", "ports": ["80"]}),
    ("udp/53-60", {"protocol": "udp", "ports": ["53-60"]}),
    ("sctp/9", {"protocol": "sctp", "ports": ["9"]}),
    ("icmp/8", {"protocol": "icmp", "icmp_type": 8}),
    ("icmpv6/128/0", {"protocol": "icmpv6", "icmp_type": 128,
                      "icmp_code": 0}),
])
def test_service_of_a_rule_as_text(api, text, entry):
    rule = dict(OBJECTS[4][2]["rules"][0], services=[{"service": text}])
    spec = dict(OBJECTS[4][2], rules=[rule])
    try:
        assert api.put("policies/web-in", spec)["spec"]["rules"][0][
            "services"] == [entry]
        assert api.put("policies/web-in", spec)["outcome"] == "unchanged"
        held = api.put("quarantines/q", {
            "ports": ["web-1"], "allow": [
                {"direction": "ingress", "services": [{"service": text}]}]})
        assert held["spec"]["allow"][0]["services"] == [entry]
        api.put("drafts/d", {"changes": [
            {"op": "put", "type": "quarantines", "name": "q",
             "spec": held["spec"]}]})
    finally:
        api.delete("drafts/d")
        api.delete("quarantines/q")
        api.put("policies/web-in", OBJECTS[4][2])


@pytest.mark.parametrize("text, field", [
    ("tcp/x", "ports/0"), ("tcp/", "ports/0"), ("tcp/0", "ports/0"),
    ("tcp/80/81", "ports/0"), ("foo/80", "protocol"), ("icmp/x", "icmp_type"),
    ("icmp/300", "icmp_type"), ("icmp/8/x", "icmp_code"),
])
def test_wrong_service_of_a_rule(api, text, field):
    rule = {"direction": "ingress", "action": "allow",
            "services": [{"service": text}]}
    status, error = refusal(api, "policies/p", "PUT", {
        "spec": {"applies_to": ["web"], "rules": [rule]}})
    assert status == 400
    assert error["pointer"] == "/spec/rules/0/services/0/" + field


def test_service_excludes_protocol(api):
    rule = {"direction": "ingress", "action": "allow",
            "services": [{"service": "tcp/80", "protocol": "udp"}]}
    with pytest.raises(Refused) as caught:
        api.put("policies/p", {"applies_to": ["web"], "rules": [rule]})
    assert {"pointer": "/spec/rules/0/services/0/protocol",
            "code": "invalid", "detail": 'cannot be combined with "service"'} \
        in caught.value.problem["errors"]


def test_service_of_a_trace_as_text(api):
    for text, members in (
            ("tcp/80", {"protocol": "tcp", "port": 80}),
            ("icmp", {"protocol": "icmp"}),
            ("icmp/8/0", {"protocol": "icmp", "icmp_type": 8,
                          "icmp_code": 0})):
        way = {"from": "web-1", "to": "web-2"}
        for more in {"service": text}, members:
            # It is on no host, which is found out last.
            assert refusal(api, "trace", "POST", dict(way, **more)) == (
                409, {"pointer": "/from", "code": "conflict", "detail":
                      'port "web-1" is on no host that is known to have its '
                      'interface'})
    for text in "tcp", "tcp/80-90", "tcp/0", "gre/1", "icmp/1/2/3":
        status, error = refusal(api, "trace", "POST", dict(
            way, service=text))
        assert (status, error["pointer"]) == (400, "/service"), text
    status, error = refusal(api, "trace", "POST", dict(
        way, service="tcp/80", port=80))
    assert (status, error["pointer"]) == (400, "/service")


def test_service_of_reachability_as_text(api):
    by_text = api.get("reachability", network="shop", service="tcp/80")
    assert by_text == api.get("reachability", network="shop", protocol="tcp",
                              port=80)
    for query in ({"service": "tcp"}, {"service": "icmp/8"},
                  {"service": "tcp/80", "port": 80}):
        with pytest.raises(Refused) as caught:
            api.get("reachability", **query)
        assert caught.value.problem["errors"][0]["parameter"] == "service"


# Containers.  ---------------------------------------------------------------

def read(*path):
    with open(os.path.join(TOP, *path), encoding="utf-8") as file:
        return file.read()


def test_health_check_of_the_image_is_of_the_process_alone(lab, api):
    """A host that is down makes `vmnctl status` fail, and must not have the
    controller restarted."""
    [words] = re.findall(r"^HEALTHCHECK .*CMD (\[.*\])$",
                         read("deploy", "container", "Containerfile"), re.M)
    program, *args = json.loads(words)

    def run(server, *args):
        return subprocess.run(
            [find(program), *args], check=False, timeout=60 * PATIENCE,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=dict(os.environ, VMNCTL_SERVER="unix:" + server)).returncode

    api.put("hosts/gone", {"ovsdb": "tcp:127.0.0.1:9", "tunnel_ip":
                           "192.0.2.99"})
    try:
        wait_for("the host to be missed",
                 lambda: run(lab.vmnd.socket, "status") == 1, 30)
        assert run(lab.vmnd.socket, *args) == 0
    finally:
        api.delete("hosts/gone")
    assert run(lab.vmnd.socket + ".none", *args) != 0


def test_documents_do_not_listen_for_everybody_in_the_clear():
    """No example of an option or a configuration opens plain TCP on all
    addresses."""
    pages = glob.glob(os.path.join(TOP, "docs", "**", "*"), recursive=True)
    pages += glob.glob(os.path.join(TOP, "deploy", "**", "*"),
                       recursive=True)
    pages.append(os.path.join(TOP, "README.md"))
    bad = []
    for page in filter(os.path.isfile, pages):
        with open(page, encoding="utf-8", errors="replace") as file:
            bad += [(page, line) for line in file if re.search(
                r"listen\S*[=:]? *\"?p?tcp:(0\.0\.0\.0|\[::\])",
                line.replace("\\", ""))]
    assert not bad


def test_image_build_context():
    """All that is tracked, and nothing that is made."""
    patterns = [line for line in read(".containerignore").splitlines()
                if line and not line.startswith("#")]
    assert read(".dockerignore") == read(".containerignore")
    assert {".git", "_build*"} <= set(patterns)
    tracked = subprocess.run(
        ["git", "-C", TOP, "ls-files"], check=False, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.split()
    for path in tracked:
        parts = path.split("/")
        for pattern in patterns:
            deep = pattern.startswith("**/")
            names = parts if deep else parts[:1]
            assert not fnmatch.filter(names, pattern.removeprefix("**/")), (
                path, pattern)


# Of a standby.  -------------------------------------------------------------

def test_all_this_at_a_standby(tmp_path):
    """It relays all of it to the writer."""
    with started(options=Place(str(tmp_path)).options) as cluster:
        writer = cluster.writer()
        standby = next(m for m in cluster.members if m is not writer)
        made = writer.api.apply([
            {"type": kind, "name": name, "spec": spec}
            for kind, name, spec in OBJECTS] + [
            {"type": "groups", "name": "many-%d" % i,
             "spec": {"description": "x" * 200}} for i in range(20)])
        wait_for("the standby to have it", lambda: standby.api.get(
            "networks")["revision"] >= made["revision"], 30)
        for target in ("networks/shop", "networks", "ports/web-1",
                       "loadbalancers/front", "loadbalancers",
                       "groups?limit=1000"):
            for api in standby.api, writer.api:
                status, headers, body = ask(api, target)
                tag = headers["ETag"]
                assert ask(api, target, If_None_Match=tag)[0::2] == (304, b"")
                status, headers, packed = ask(api, target,
                                              Accept_Encoding="gzip")
                assert status == 200
                assert is_gzip(headers) == (len(body) >= 1400), target
                if is_gzip(headers):
                    assert json.loads(zlib.decompress(packed, 31))
        for kind, name in (("networks", "shop"), ("loadbalancers", "front")):
            assert standby.api.get("%s/%s" % (kind, name),
                                   fields="spec.labels") == {
                "type": kind, "name": name, "spec": {"labels": SHOP}}
            assert refusal(standby.api, kind + "?fields=spce")[1][
                "parameter"] == "fields"
            assert ask(standby.api, kind + "?limit=99999")[0] == 200
        for path, allowed in (
                ("/v1/networks/x", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
                ("/v1/apply", "POST, OPTIONS")):
            status, headers, body = standby.api.raw("OPTIONS", path)
            assert status == 204, body
            assert (headers["Allow"], body) == (allowed, b"")
        # A tag of a member is good at another one.
        tag = ask(writer.api, "networks/shop")[1]["ETag"]
        assert ask(standby.api, "networks/shop", If_None_Match=tag)[0] == 304
