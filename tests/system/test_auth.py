# SPDX-License-Identifier: Apache-2.0
"""Who gets in by TLS, and what for: tokens, certificates, roles, scopes,
rates; each cell of docs/api.md's table."""

import hashlib
import http.client
import json
import os
import socket
import ssl
import subprocess
import time

import pytest
from conftest import assert_condition, close_lab, make_lab
from vmnlab.netns import inside, wait_for

PORT = 8443
ALL = ("viewer", "operator", "admin", "shop", "looker")


def openssl(folder, *args):
    subprocess.run(["openssl", *args], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Pki:
    """A CA and certificates in a folder."""

    def __init__(self, folder, name="ca"):
        self.dir = str(folder)
        self.name = name
        openssl(self.dir, "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                "/CN=" + name, "-keyout", name + ".key", "-out",
                name + ".pem")

    def path(self, name):
        return os.path.join(self.dir, name)

    def issue(self, name, file=None, days=2, alt="IP:127.0.0.1"):
        """A certificate for 'name', as FILE.pem and FILE.key."""
        file = file or name
        openssl(self.dir, "req", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name,
                "-addext", "subjectAltName=" + alt,
                "-keyout", "new.key", "-out", "new.req")
        if days > 0:
            openssl(self.dir, "x509", "-req", "-in", "new.req", "-CA",
                    self.name + ".pem", "-CAkey", self.name + ".key",
                    "-CAcreateserial", "-copy_extensions", "copy",
                    "-days", str(days), "-out", "new.pem")
        else:
            expired(self, "new.req", "new.pem")
        os.rename(self.path("new.key"), self.path(file + ".key"))
        os.rename(self.path("new.pem"), self.path(file + ".pem"))


def expired(pki, request, out):
    """Signs what was good for a day long ago, which x509 cannot say."""
    with open(pki.path("ca.conf"), "w", encoding="ascii") as conf:
        conf.write("[ca]\ndefault_ca=x\n[x]\ndatabase=index.txt\n"
                   "rand_serial=yes\ndefault_md=sha256\npolicy=any\n"
                   "new_certs_dir=.\n[any]\ncommonName=supplied\n")
    with open(pki.path("index.txt"), "w", encoding="ascii"):
        pass
    openssl(pki.dir, "ca", "-batch", "-config", "ca.conf", "-cert",
            pki.name + ".pem", "-keyfile", pki.name + ".key", "-in", request,
            "-out", out, "-startdate", "20200101000000Z", "-enddate",
            "20200102000000Z", "-notext")


class Client:
    """Who calls the API over TLS."""

    def __init__(self, pki, lab, token=None, certificate=None):
        self.lab = lab
        self.token = token
        self.context = ssl.create_default_context(
            cafile=pki.path(pki.name + ".pem"))
        if certificate:
            self.context.load_cert_chain(pki.path(certificate + ".pem"),
                                         pki.path(certificate + ".key"))

    def call(self, method, target, body=None):
        """Returns status and JSON."""
        link = http.client.HTTPSConnection("127.0.0.1", PORT, timeout=30,
                                           context=self.context)
        headers = {"Content-Type": "application/json"} if body else {}
        if self.token:
            headers["Authorization"] = "Bearer " + self.token
        try:
            with inside(self.lab.net_ns):
                link.connect()
            link.request(method, target, json.dumps(body) if body else None,
                         headers)
            reply = link.getresponse()
            text = reply.read()
        finally:
            link.close()
        try:
            return reply.status, json.loads(text)
        except ValueError:
            return reply.status, text

    def status(self, *args):
        return self.call(*args)[0]

    def statuses(self, n, method, target):
        """Those of 'n' requests on one connection: quicker than with a
        handshake for each."""
        link = http.client.HTTPSConnection("127.0.0.1", PORT, timeout=30,
                                           context=self.context)
        found = []
        try:
            with inside(self.lab.net_ns):
                for _ in range(n):
                    link.request(method, target, headers={
                        "Authorization": "Bearer " + self.token})
                    reply = link.getresponse()
                    reply.read()
                    found.append(reply.status)
        finally:
            link.close()
        return found


@pytest.fixture(name="pki", scope="module")
def _pki(tmp_path_factory):
    pki = Pki(tmp_path_factory.mktemp("pki"))
    pki.issue("vmnd")
    return pki


@pytest.fixture(name="lab", scope="module")
def _lab(pki):
    lab = make_lab("doo", 1, options=[
        "--api-listen=ssl:127.0.0.1:%d" % PORT,
        "--private-key=" + pki.path("vmnd.key"),
        "--certificate=" + pki.path("vmnd.pem"),
        "--ca-cert=" + pki.path("ca.pem"), "--api-rate=1000"])
    yield lab
    close_lab(lab)


def make_token(api, name, account, **spec):
    return api.put("tokens/" + name, dict(spec, account=account))["secret"]


@pytest.fixture(name="who", scope="module")
def _who(pki, lab):
    """A client of each role: two in projects, of which one only looks."""
    api = lab.vmnd.api
    for name in "viewer", "operator", "admin":
        api.put("accounts/" + name, {"role": name})
    api.put("accounts/shop", {"role": "operator", "scope": "project=shop",
                              "reads": "shared=yes"})
    api.put("accounts/looker", {"role": "viewer", "scope": "project=shop"})
    clients = {name: Client(pki, lab, make_token(api, name, name))
               for name in ALL}
    for project in "shop", "bank":
        labels = {"project": project}
        api.put("networks/" + project, {
            "labels": labels, "subnets": [{"cidr": "10.0.0.0/24"}]})
        api.put("ports/%s-1" % project, {"labels": labels,
                                         "network": project})
        api.put("groups/" + project, {"labels": labels,
                                      "ports": [project + "-1"]})
    api.put("networks/wire", {"labels": {"shared": "yes"},
                              "subnets": [{"cidr": "10.9.0.0/24"}]})
    return clients


# What each may do: 1 for yes, in the order of ALL.
SPEC = {"spec": {"labels": {"project": "shop"}}}
CALLS = [
    ("GET", "/v1", None, "11111"),
    ("GET", "/v1/openapi.json", None, "11111"),
    ("GET", "/v1/status", None, "11111"),       # With a scope, of its own.
    ("GET", "/v1/summary", None, "11100"),
    ("GET", "/metrics", None, "11100"),
    ("GET", "/v1/revisions", None, "11111"),    # With a scope, its own ones.
    ("GET", "/v1/revisions/1", None, "11100"),
    ("GET", "/v1/activity", None, "11100"),
    ("GET", "/v1/drops", None, "11111"),
    ("GET", "/v1/logs", None, "11111"),
    ("GET", "/v1/identities", None, "11100"),
    ("GET", "/v1/usage", None, "11111"),
    ("GET", "/v1/reachability?protocol=tcp&port=80", None, "11100"),
    ("GET", "/v1/open-services?from=shop-1&to=bank-1", None, "11100"),
    ("POST", "/v1/trace", {"from": "shop-1", "to": "bank-1",
                           "protocol": "tcp", "port": 80}, "11111"),
    ("GET", "/v1/hosts/h1/flows", None, "11100"),
    ("POST", "/v1/hosts/h1/audit", None, "01100"),
    ("GET", "/v1/backup", None, "00100"),
    ("GET", "/v1/accounts", None, "00100"),
    ("GET", "/v1/tokens/viewer", None, "00100"),
    ("PUT", "/v1/accounts/x", {"spec": {"role": "viewer"}}, "00100"),
    ("DELETE", "/v1/accounts/x", None, "00100"),
    ("GET", "/v1/hosts", None, "11111"),
    ("PUT", "/v1/hosts/h1", None, "00100"),
    ("PATCH", "/v1/apps/dns", {"spec": {"enabled": True}}, "00100"),
    ("PUT", "/v1/telemetries/x", {"spec": {"ipfix": {
        "targets": ["127.0.0.1:4739"]}}}, "00100"),
    ("GET", "/v1/networks", None, "11111"),
    ("GET", "/v1/networks/shop", None, "11111"),
    ("GET", "/v1/networks/bank", None, "11100"),
    ("GET", "/v1/networks/wire", None, "11110"),
    ("PUT", "/v1/groups/s", SPEC, "01110"),
    ("PATCH", "/v1/groups/s", {"spec": {"description": "@"}}, "01110"),
    ("PATCH", "/v1/networks/bank", {"spec": {"description": "@"}}, "01100"),
    ("PATCH", "/v1/networks/wire", {"spec": {"description": "@"}}, "01100"),
    ("PUT", "/v1/groups/s?dry_run=plan", SPEC, "01110"),
    ("POST", "/v1/apply", {"objects": [dict(SPEC, type="groups", name="t")]},
     "01110"),
    ("POST", "/v1/apply", {"objects": [{"type": "groups", "name": "u",
                                        "spec": {"description": "@"}}]},
     "01100"),
    ("DELETE", "/v1/groups/none", None, "01110"),
    ("POST", "/v1/revisions/999999/undo", None, "01110"),
]


@pytest.mark.parametrize("i", range(len(CALLS)),
                         ids=["%s %s" % c[:2] for c in CALLS])
def test_who_may_do_what(lab, who, i):
    method, target, body, may = CALLS[i]
    if target == "/v1/hosts/h1":
        spec = lab.vmnd.api.get("hosts/h1")["spec"]
        body = {"spec": dict(spec, description="@")}
    for n, name in enumerate(ALL):
        if target == "/v1/apps/dns":
            enabled = lab.vmnd.api.get("apps/dns")["spec"]["enabled"]
            body = {"spec": {"enabled": not enabled}}
        mine = json.loads(json.dumps(body).replace("@", name + target))
        status = who[name].status(method, target, mine)
        good = (200, 201, 202)
        if target.endswith("/none") or target.endswith("/undo"):
            good = (404,)
        elif target == "/v1/trace" or "open-services" in target:
            good = (409,)       # Neither port is on a host.
        if target.endswith("/networks/bank") and name in ("shop", "looker") \
                and method == "GET" or (target.endswith("/networks/bank")
                                        and name == "shop"):
            assert status == 404, (name, status)
        elif target.endswith("/networks/wire") and name == "looker" \
                and method == "GET":
            assert status == 404
        elif target == "/v1/revisions/1" and name in ("shop", "looker"):
            assert status == 404        # As one that was never made.
        elif may[n] == "1":
            assert status in good, (name, status)
        else:
            assert status == 403, (name, status)


def test_lists_show_what_one_sees(who):
    def names(account, target):
        return [o["name"] for o in who[account].call("GET", target)[1][
            "items"]]

    assert names("viewer", "/v1/networks") == ["bank", "shop", "wire"]
    assert names("shop", "/v1/networks") == ["shop", "wire"]
    assert names("looker", "/v1/networks") == ["shop"]
    assert names("shop", "/v1/ports?selector=") == ["shop-1"]
    assert names("shop", "/v1/ports?limit=1") == ["shop-1"]
    assert "emergency" in names("shop", "/v1/tiers")


def refused(client, method, target, body, status, word):
    got, problem = client.call(method, target, body)
    assert got == status, problem
    assert word in json.dumps(problem), problem


def test_project_cannot_leave_its_scope(who):
    shop = who["shop"]
    mine = {"project": "shop"}

    # Labels: others', an empty list, and of one that is changed.
    refused(shop, "PUT", "/v1/networks/n", {"spec": {
        "labels": {"project": "bank"}}}, 403, "/spec/labels")
    refused(shop, "PUT", "/v1/networks/n", {"spec": {"labels": {}}}, 403,
            "project=shop")
    refused(shop, "PATCH", "/v1/networks/shop", {"spec": {
        "labels": {"project": "bank"}}}, 403, "/spec/labels")
    # References: to what is not seen, and to what is only read.
    refused(shop, "PUT", "/v1/ports/p", {"spec": {
        "labels": mine, "network": "bank"}}, 400, "does not exist")
    assert shop.status("PUT", "/v1/ports/p", {"spec": {
        "labels": mine, "network": "wire"}}) == 201
    assert shop.status("DELETE", "/v1/ports/p") == 200
    refused(shop, "PUT", "/v1/groups/g", {"spec": {
        "labels": mine, "ports": ["bank-1"]}}, 400, "does not exist")
    # Selectors.
    for selector in "", "role=web", "project in (bank,shop)", "project":
        refused(shop, "PUT", "/v1/groups/g", {"spec": {
            "labels": mine, "selector": selector}}, 403, "/spec/selector")
    for selector in "project=shop", "project=shop,role!=web":
        assert shop.status("PUT", "/v1/groups/g", {"spec": {
            "labels": mine, "selector": selector}}) in (200, 201)
    # A quarantine of others, a name that is taken, and a cascade into theirs.
    refused(shop, "PUT", "/v1/quarantines/q", {"spec": {
        "labels": mine, "ports": ["bank-1"]}}, 400, "does not exist")
    refused(shop, "PUT", "/v1/groups/bank", {"spec": {"labels": mine}}, 403,
            "taken")
    assert shop.status("DELETE", "/v1/groups/g") == 200


def test_cascades_and_prunes_stay_within_the_scope(lab, who):
    api, shop = lab.vmnd.api, who["shop"]
    labels = {"project": "shop"}
    api.put("groups/theirs", {"labels": {"project": "bank"},
                              "ports": ["shop-1"]})
    refused(shop, "DELETE", "/v1/ports/shop-1?cascade=true", None, 403,
            "an object that is out of this account's scope would change")
    api.apply([{"type": "groups", "name": name, "spec": {
        "labels": {"project": project}}}
        for name, project in (("old", "bank"), ("mine", "shop"))],
        prune="both")
    assert shop.status("POST", "/v1/apply?prune=both", {"objects": [
        {"type": "groups", "name": "new", "spec": {"labels": labels}}]}) == 200
    names = [g["name"] for g in api.get("groups")["items"]]
    assert "old" in names and "new" in names and "mine" not in names
    api.delete("groups/old")
    api.delete("groups/new")
    api.delete("groups/theirs")


def test_list_of_operations_does_not_tell_of_what_is_not_seen(who):
    """What is hidden is as what is not there, to be changed or deleted."""
    for name in "bank-1", "none":
        for op in ({"op": "delete"}, {"op": "patch", "spec": {"ips": 1}}):
            status, problem = who["shop"].call("POST", "/v1/apply", {
                "objects": [dict(op, type="ports", name=name)]})
            assert status == 404, problem
            assert problem["errors"] == [
                {"pointer": "/objects/0", "code": "not-found",
                 "detail": 'port "%s" does not exist' % name}], problem


def test_stream_ends_with_what_let_it_in(pki, lab, who):
    """A token that is revoked, and an account that is less than it was."""
    api = lab.vmnd.api
    api.put("accounts/late", {"role": "viewer"})
    tokens = {n: make_token(api, n, "late") for n in ("late-1", "late-2")}
    context = ssl.create_default_context(cafile=pki.path("ca.pem"))
    streams = {}
    for name, token in tokens.items():
        with inside(lab.net_ns):
            plain = socket.create_connection(("127.0.0.1", PORT), 40)
        streams[name] = context.wrap_socket(plain,
                                            server_hostname="127.0.0.1")
        streams[name].sendall(
            ("GET /v1/events?kinds=host HTTP/1.1\r\nHost: h\r\nAuthorization:"
             " Bearer %s\r\n\r\n" % token).encode())
        read_start(streams[name])
    api.delete("tokens/late-1")
    while streams["late-1"].recv(4096):
        pass                            # Until it ends.
    with pytest.raises(TimeoutError):
        streams["late-2"].settimeout(0.5)
        while streams["late-2"].recv(4096):
            pass                        # It goes on, whatever is said.
    streams["late-2"].settimeout(40)
    api.patch("accounts/late", {"scope": "project=shop"})
    while streams["late-2"].recv(4096):
        pass
    for stream in streams.values():
        stream.close()
    api.delete("accounts/late", cascade="true")


def read_start(stream, text=b""):
    """Reads up to what a stream of events begins with; 'text' has come."""
    while b"event: start" not in text:
        more = stream.recv(4096)
        assert more, text
        text += more


def test_stream_ends_when_its_token_expires(pki, lab, who):
    """Nothing else happens meanwhile that would have it looked at."""
    # A busy machine may not be there before the shorter one is over.
    assert stream_of_token(pki, lab, 8) or stream_of_token(pki, lab, 40)


def stream_of_token(pki, lab, seconds):
    """Whether one begins with a token that is good for so long; it has to end
    then."""
    api = lab.vmnd.api
    expires_s = int(time.time() + seconds)
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires_s))
    token = make_token(api, "short", "viewer", expires=expires)
    context = ssl.create_default_context(cafile=pki.path("ca.pem"))
    try:
        with inside(lab.net_ns), socket.create_connection(
                ("127.0.0.1", PORT), 60) as plain, context.wrap_socket(
                    plain, server_hostname="127.0.0.1") as stream:
            stream.sendall(
                ("GET /v1/events?kinds=host HTTP/1.1\r\nHost: h\r\n"
                 "Authorization: Bearer %s\r\n\r\n" % token).encode())
            head = b""
            while b"\r\n" not in head:
                more = stream.recv(4096)
                assert more, head
                head += more
            if head.startswith(b"HTTP/1.1 401 "):
                assert time.time() >= expires_s, "it is refused too early"
                return False
            read_start(stream, head)
            # It is looked at every 15 s.
            end = time.monotonic() + seconds + 60
            while stream.recv(4096):
                assert time.monotonic() < end, "it goes on"
    finally:
        api.delete("tokens/short")
    return True


def test_who_did_it_is_in_the_log(lab, who):
    answer = who["operator"].call("PUT", "/v1/groups/mine", {"spec": {}})[1]
    log = lab.vmnd.api.get("revisions/%d" % answer["revision"])
    assert log["who"] == "account:operator/operator"
    lab.vmnd.api.delete("groups/mine")


# Getting in.  ---------------------------------------------------------------

def test_tokens_end(pki, lab, who):
    api = lab.vmnd.api
    good = make_token(api, "t", "viewer")
    client = Client(pki, lab, good)
    assert client.status("GET", "/v1") == 200
    # Again, it is the same; its hash is kept, its secret told no more.
    again = api.put("tokens/t", {"account": "viewer"})
    assert "secret" not in again and again["outcome"] == "unchanged"
    assert again["spec"]["sha256"] == hashlib.sha256(
        good.encode()).hexdigest()
    assert good not in json.dumps(again)

    # Changed by a character, of another name, without its name, or empty.
    for bad in (good[:-1] + ("A" if good[-1] != "A" else "B"),
                good.replace("t.", "viewer.", 1), good.split(".")[1], "t.",
                "x" * 600):
        assert Client(pki, lab, bad).status("GET", "/v1") == 401

    # It expires.
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 6))
    api.patch("tokens/t", {"expires": soon})
    wait_for("the token to expire",
             lambda: client.status("GET", "/v1") == 401, 30)
    assert "expired" in client.call("GET", "/v1")[1]["detail"]
    api.patch("tokens/t", {"expires": None})
    assert client.status("GET", "/v1") == 200

    # Its account is shut out, and the token revoked.
    api.patch("accounts/viewer", {"enabled": False})
    assert client.status("GET", "/v1") == 401
    assert who["viewer"].status("GET", "/v1") == 401
    api.patch("accounts/viewer", {"enabled": True})
    assert client.status("GET", "/v1") == 200
    api.delete("tokens/t")
    assert client.status("GET", "/v1") == 401
    # One of the same name is another.
    make_token(api, "t", "viewer")
    assert client.status("GET", "/v1") == 401
    api.delete("tokens/t")


def test_certificates_prove_accounts(pki, lab, who):
    api = lab.vmnd.api
    for name in "robot", "viewer", "h1":
        pki.issue(name)
    pki.issue("robot", "old", days=0)
    assert Client(pki, lab).status("GET", "/v1") == 401
    api.put("accounts/robot", {"role": "operator", "certificate": True})
    robot = Client(pki, lab, certificate="robot")
    answer = robot.call("PUT", "/v1/groups/mine", {"spec": {}})
    assert answer[0] == 201
    log = api.get("revisions/%d" % answer[1]["revision"])
    assert log["who"] == "account:robot"
    assert robot.status("DELETE", "/v1/groups/mine") == 200
    # An account that certificates do not prove, and a host's.
    assert Client(pki, lab, certificate="viewer").status("GET", "/v1") == 401
    assert Client(pki, lab, certificate="h1").status("GET", "/v1") == 401
    # One that has expired, and another CA's.
    other = Pki(pki.dir, "otherca")
    other.issue("robot", "foreign")
    for name in "old", "foreign":
        client = Client(pki, lab, who["viewer"].token, certificate=name)
        with pytest.raises((ssl.SSLError, ConnectionError,
                            http.client.HTTPException)):
            client.call("GET", "/v1")
    api.delete("accounts/robot")
    assert robot.status("GET", "/v1") == 401


def test_certificates_are_renewed(pki, lab, who):
    def serial():
        context = ssl.create_default_context(cafile=pki.path("ca.pem"))
        with inside(lab.net_ns), socket.create_connection(
                ("127.0.0.1", PORT), 30) as plain, context.wrap_socket(
                    plain, server_hostname="127.0.0.1") as sock:
            return sock.getpeercert()["serialNumber"]

    before = serial()
    pki.issue("vmnd")
    wait_for("the new certificate", lambda: serial() != before, 20)
    metrics = lab.vmnd.api.metrics()
    left = metrics['vmn_certificate_expiry_timestamp_seconds{use="api"}'] \
        - time.time()
    assert 86400 < left < 3 * 86400
    # Within the second in which it was issued, it has two days.
    wait_for("the problem", lambda: (
        "vmnd's certificate for api expires in less than 2 days" in [
            problem["detail"]
            for problem in lab.vmnd.api.get("status")["problems"]
            if problem["kind"] == "certificates"]), 20)
    assert who["viewer"].status("GET", "/v1") == 200
    assert_condition(lab, "certificates", "expires in less than 2 days")
    with open(pki.path("vmnd.pem"), "w", encoding="ascii") as file:
        file.write("none\n")
    wait_for("the invalid one", lambda: lab.vmnd.api.metrics()[
        'vmn_certificate_load_failures_total{use="api"}'] > 0, 20)
    assert_condition(lab, "certificates", "certificate for api is invalid")
    assert who["viewer"].status("GET", "/v1") == 200
    pki.issue("vmnd")
    wait_for("a valid one", lambda: "is invalid" not in str(
        lab.vmnd.api.get("status")["problems"]), 20)


def test_accounts_have_a_rate(pki):
    lab = make_lab("dor", 1, options=[
        "--api-listen=ssl:127.0.0.1:%d" % PORT,
        "--private-key=" + pki.path("vmnd.key"),
        "--certificate=" + pki.path("vmnd.pem"),
        "--ca-cert=" + pki.path("ca.pem"), "--api-rate=5"])
    try:
        api = lab.vmnd.api
        for name in "a", "b":
            api.put("accounts/" + name, {"role": "viewer"})
        a, b = (Client(pki, lab, make_token(api, n, n)) for n in "ab")
        got = []

        def is_refused():
            """Once it is quicker than that."""
            got.extend(a.statuses(40, "GET", "/v1"))
            return 429 in got
        wait_for("calls to be refused", is_refused, 60)
        assert got[:5] == [200] * 5, got
        # Others are not concerned, nor is who comes by the socket.
        assert b.status("GET", "/v1") == 200
        assert all(api.get("status") for _ in range(40))
        wait_for("its next turn", lambda: a.status("GET", "/v1") == 200, 30)
        assert api.metrics()["vmn_http_requests_throttled_total"] >= 1
    finally:
        close_lab(lab)


def test_nothing_is_told_without_tls(lab):
    with inside(lab.net_ns), socket.create_connection(("127.0.0.1", PORT),
                                                30) as sock:
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
        answer = b""
        while True:
            try:
                more = sock.recv(4096)
            except ConnectionResetError:
                break
            if not more:
                break
            answer += more
    assert b"200" not in answer and b"ok" not in answer


def test_events_and_large_answers_go_by_tls(pki, lab, who):
    token = who["viewer"].token
    context = ssl.create_default_context(cafile=pki.path("ca.pem"))
    with inside(lab.net_ns), socket.create_connection(
            ("127.0.0.1", PORT), 60) as plain, context.wrap_socket(
                plain, server_hostname="127.0.0.1") as sock:
        sock.sendall(("GET /v1/events HTTP/1.1\r\nHost: h\r\nAuthorization: "
                      "Bearer %s\r\n\r\n" % token).encode())
        text = b""
        while b"event: start" not in text:
            text += sock.recv(4096)
        lab.vmnd.api.put("groups/told", {})
        while b"told" not in text:
            more = sock.recv(4096)
            assert more
            text += more
    lab.vmnd.api.delete("groups/told")
    assert len(json.dumps(who["viewer"].call(
        "GET", "/v1/openapi.json")[1])) > 100000
