# SPDX-License-Identifier: Apache-2.0
"""Attacks on the API by those who can reach it: pages of other origins in an
operator's browser, accounts that may do little, and who has no account.  Each
function is named for what the attacker wants, and shows that he fails."""

import contextlib
import http.client
import http.server
import json
import os
import select
import socket
import ssl
import subprocess
import threading
import time

import pytest
from conftest import HERE, close_lab, make_lab
from test_auth import Pki, make_token
from test_durable import alone                       # noqa: F401
from vmnlab import netns
from vmnlab.daemon import find

TOP = os.path.join(HERE, "../..")
PORT = 8443
PROXY = 8080
SITE = "https://127.0.0.1:%d" % PORT


@pytest.fixture(name="pki", scope="module")
def _pki(tmp_path_factory):
    pki = Pki(tmp_path_factory.mktemp("pki"))
    pki.issue("vmnd")
    pki.issue("alice")
    return pki


@pytest.fixture(name="lab", scope="module")
def _lab(pki):
    lab = make_lab("ata", 1, options=[
        "--api-listen=ssl:127.0.0.1:%d" % PORT,
        "--private-key=" + pki.path("vmnd.key"),
        "--certificate=" + pki.path("vmnd.pem"),
        "--ca-cert=" + pki.path("ca.pem"), "--api-rate=1000",
        "--api-origin=http://vmn.test:%d,https://vmn.example.org" % PROXY])
    try:
        lab.vmnd.api.put("accounts/alice", {"role": "admin",
                                            "certificate": True})
        yield lab
    finally:
        close_lab(lab)


def call(lab, pki, method, target, headers=(), body=None):
    """A call with alice's certificate; returns status and what was said."""
    context = ssl.create_default_context(cafile=pki.path("ca.pem"))
    context.load_cert_chain(pki.path("alice.pem"), pki.path("alice.key"))
    link = http.client.HTTPSConnection("127.0.0.1", PORT, timeout=30,
                                       context=context)
    try:
        with netns.inside(lab.net_ns):
            link.connect()
        link.request(method, target, body, dict(headers))
        reply = link.getresponse()
        return reply.status, reply.read().decode(errors="replace")
    finally:
        link.close()


# Pages of other origins.  --------------------------------------------------

def openssl(*args):
    subprocess.run(["openssl", *args], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


@pytest.fixture(name="home", scope="module")
def _home(pki, tmp_path_factory):
    """A home folder with alice's certificate in the browser's store."""
    home = tmp_path_factory.mktemp("home")
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True)
    database = "sql:%s" % store

    subprocess.run(["certutil", "-d", database, "-N", "--empty-password"],
                   check=True)
    subprocess.run(["certutil", "-d", database, "-A", "-n", "ca", "-t",
                    "CT,,", "-i", pki.path("ca.pem")], check=True)
    openssl("pkcs12", "-export", "-in", pki.path("alice.pem"), "-inkey",
            pki.path("alice.key"), "-name", "alice", "-passout", "pass:x",
            "-out", pki.path("alice.p12"))
    subprocess.run(["pk12util", "-d", database, "-i", pki.path("alice.p12"),
                    "-W", "x"], check=True, stdout=subprocess.DEVNULL)
    return home


@pytest.fixture(name="modules", scope="module")
def _modules():
    return subprocess.run([os.path.join(TOP, "build-aux/page-modules")],
                          stdout=subprocess.PIPE, text=True,
                          check=True).stdout.strip()


# Chromium takes policies from one folder only.  They are put there in a mount
# namespace of its own, so that nobody else sees them and nothing stays.
IN_PRIVATE = """
set -e
mkdir -p /etc/chromium
mount -t tmpfs tmpfs /etc/chromium
mkdir -p /etc/chromium/policies/managed
printf '%s' "$POLICY" >/etc/chromium/policies/managed/vmn.json
exec node "$@"
"""


def browse(lab, home, modules, *steps):
    """Opens pages and runs scripts in them; returns what these come to."""
    policy = json.dumps({"AutoSelectCertificateForUrls": [
        json.dumps({"pattern": SITE, "filter": {}})]})
    said = netns.run(
        ["unshare", "--mount", "sh", "-c", IN_PRIVATE, "sh",
         os.path.join(HERE, "browser.mjs"), modules], ns=lab.net_ns,
        env=dict(os.environ, HOME=str(home), POLICY=policy), timeout=400,
        data=json.dumps([{"open": url, "run": run} for url, run in steps]))
    return json.loads(said.splitlines()[-1])


class BlankPage(http.server.BaseHTTPRequestHandler):
    """An empty page at any address."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args):
        pass


def make_proxy(lab, pki):
    """A reverse proxy in front of vmnd, which calls it by another name and
    vouches for its users by alice's certificate."""
    class Proxy(BlankPage):
        def do_GET(self):
            size = int(self.headers.get("Content-Length", 0))
            headers = {k: v for k, v in self.headers.items()
                       if k.lower() not in ("host", "connection")}
            status, text = call(lab, pki, self.command, self.path, headers,
                                self.rfile.read(size) if size else None)
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(text.encode())

        do_POST = do_GET
    return Proxy


@contextlib.contextmanager
def serving(lab, handler, context=None, port=0):
    """A web server in the lab's namespace; gives its port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler,
                                             bind_and_activate=False)
    server.socket.close()
    server.socket = netns.socket_in(lab.net_ns)
    server.server_bind()
    server.server_activate()
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def body_of(name):
    return json.dumps({"objects": [{"type": "groups", "name": name,
                                    "spec": {}}]})


# A blob of no type has no Content-Type: the request needs no preflight.
POST_BLOB = """fetch("%s/v1/apply", { method: "POST", mode: "no-cors",
    credentials: "include", body: new Blob([%s]) })
    .then(() => "sent", (error) => String(error))"""

# JSON in the name of a form's field, as text.  It answers when the browser
# has gone to what it posted to.
POST_FORM = """new Promise((done) => {
    const frame = document.createElement("iframe");
    const form = document.createElement("form");
    const field = document.createElement("input");

    frame.name = "target";
    document.body.append(frame, form);
    frame.onload = () => done("sent");
    Object.assign(form, { method: "POST", enctype: "text/plain",
      target: "target", action: "%s/v1/apply" });
    [field.name, field.value] = %s.split(/=/);
    form.append(field);
    form.submit();
})"""

# What the page that vmnd serves may do.
POST_JSON = """fetch("/v1/apply", { method: "POST", credentials: "include",
    headers: { "Content-Type": "application/json" }, body: %s })
    .then((response) => response.status)"""


def groups(lab):
    return [g["name"] for g in lab.vmnd.api.get("groups")["items"]]


def test_foreign_page_changes_nothing_with_a_certificate(lab, pki, home,
                                                         modules):
    """A page at another site, and one at another port of the same machine,
    that an operator visits whose browser holds a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.path("vmnd.pem"), pki.path("vmnd.key"))
    form = '{"objects":[{"type":"groups","name":"form","spec":{' \
        '"description":"="}}]}'
    with serving(lab, BlankPage) as plain, \
            serving(lab, BlankPage, context) as secure:
        cross = "http://evil.test:%d/" % plain
        same = "https://127.0.0.1:%d/" % secure
        found = browse(
            lab, home, modules,
            (cross, POST_BLOB % (SITE, json.dumps(body_of("cross")))),
            (same, POST_BLOB % (SITE, json.dumps(body_of("same")))),
            (cross, POST_FORM % (SITE, json.dumps(form))),
            # The browser does show the certificate where it may.
            (SITE, POST_JSON % json.dumps(body_of("page"))))
    assert found == ["sent", "sent", "sent", 200]
    assert groups(lab) == ["page"]
    lab.vmnd.api.delete("groups/page")


def test_page_behind_a_proxy_goes_on_working(lab, pki, home, modules):
    """By a name that vmnd is not called by: where the browser says that the
    page is its own, and where only --api-origin can."""
    post = POST_JSON.replace('"include"', '"omit"')
    with serving(lab, make_proxy(lab, pki), port=PROXY):
        found = browse(
            lab, home, modules,
            ("http://127.0.0.1:%d/" % PROXY,
             post % json.dumps(body_of("loopback"))),
            ("http://vmn.test:%d/" % PROXY,
             post % json.dumps(body_of("listed"))),
            ("http://other.test:%d/" % PROXY,
             post % json.dumps(body_of("unlisted"))))
    assert found == [200, 200, 403]
    assert groups(lab) == ["listed", "loopback"]
    for name in groups(lab):
        lab.vmnd.api.delete("groups/" + name)


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("headers, status", [
    ({}, 200),                                  # No browser.
    ({"Sec-Fetch-Site": "same-origin"}, 200),
    ({"Sec-Fetch-Site": "none"}, 200),
    ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Origin": SITE}, 200),
    ({"Origin": "https://vmn.example.org"}, 200),
    ({"Origin": "https://vmn.example.org", "Sec-Fetch-Site": "cross-site"},
     200),
    ({"Origin": "https://vmn.example.org.evil.example"}, 403),
    ({"Origin": "https://127.0.0.1"}, 403),     # Another port.
    ({"Origin": "null"}, 403),
    ({"Origin": ""}, 403),
], ids=str)
def test_foreign_page_causes_no_work(lab, pki, headers, status):
    """Not by reading either: some calls that change nothing cost much."""
    before = lab.vmnd.api.metrics()["vmn_http_requests_cross_origin_total"]
    calls = [("GET", "/v1/backup", None), ("GET", "/metrics", None),
             ("GET", "/v1/hosts/h1/flows?diff=true", None),
             ("POST", "/v1/hosts/h1/audit", None),
             ("POST", "/v1/apply", json.dumps({"objects": []}))]
    for method, target, body in calls:
        more = dict(headers, **JSON) if body else headers
        got, text = call(lab, pki, method, target, more, body)
        assert got == status, (method, target, text)
        assert (status == 200) or "--api-origin" in text
    after = lab.vmnd.api.metrics()["vmn_http_requests_cross_origin_total"]
    assert after - before == (len(calls) if status == 403 else 0)
    # A link to the page is followed from anywhere.
    assert call(lab, pki, "GET", "/", headers)[0] == 200


def test_body_of_no_type_is_taken_by_the_socket_alone(lab, pki):
    body = json.dumps({"objects": []})
    for headers in ({}, {"Content-Type": "text/plain"},
                    {"Content-Type": "application/x-www-form-urlencoded"}):
        status, text = call(lab, pki, "POST", "/v1/apply", headers,
                            body.encode())
        assert status == 415 and "application/json" in text
    assert call(lab, pki, "POST", "/v1/apply", JSON, body)[0] == 200
    assert lab.vmnd.api.raw("POST", "/v1/apply", body.encode())[0] == 200


# Bodies that never end.  ---------------------------------------------------

MIB = 1 << 20


def resident(pid):
    with open("/proc/%d/statm" % pid, encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def connect(lab, pki):
    """A connection by TLS, without a certificate."""
    context = ssl.create_default_context(cafile=pki.path("ca.pem"))
    with netns.inside(lab.net_ns):
        plain = socket.create_connection(("127.0.0.1", PORT), 30)
    return context.wrap_socket(plain, server_hostname="127.0.0.1")


def begin_body(lab, pki, token, target, size, n_sent=None):
    """Announces a body of that size and sends all of it but one byte, as far
    as it is taken, or 'n_sent' bytes; returns the connection."""
    link = connect(lab, pki)
    with contextlib.suppress(OSError):      # It may be refused meanwhile.
        link.sendall(("POST %s HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer "
                      "%s\r\nContent-Type: application/json\r\n"
                      "Content-Length: %d\r\n\r\n"
                      % (target, token, size)).encode())
        link.sendall(b" " * (size - 1 if n_sent is None else n_sent))
    return link


def status_of(link):
    """The status that the server closes with."""
    text = b""
    with contextlib.suppress(OSError):
        while more := link.recv(65536):
            text += more
    link.close()
    return int(text.split()[1]) if text else None


@pytest.fixture(name="tokens", scope="module")
def _tokens(lab):
    api = lab.vmnd.api
    api.put("accounts/looker", {"role": "viewer"})
    tokens = {"looker": make_token(api, "looker", "looker")}
    for i in range(5):
        name = "worker%d" % i
        api.put("accounts/" + name, {"role": "operator"})
        tokens[name] = make_token(api, name, name)
    return tokens


def test_stalled_bodies_take_no_memory(lab, pki, tokens):
    """A viewer, an operator, and several operators together."""
    api = lab.vmnd.api
    before = resident(lab.vmnd.pid())
    refused = api.metrics()["vmn_http_bodies_rejected_total"]
    viewer = [begin_body(lab, pki, tokens["looker"], "/v1/trace", 8 * MIB)
              for _ in range(60)]
    assert {status_of(link) for link in viewer} == {413}
    assert resident(lab.vmnd.pid()) - before < 200 * MIB
    held = [begin_body(lab, pki, tokens["looker"], "/v1/trace", MIB // 4)
            for _ in range(8)]
    held += [begin_body(lab, pki, tokens["worker%d" % i], "/v1/apply",
                        8 * MIB) for i in range(5) for _ in range(4)]
    assert api.metrics()["vmn_http_body_bytes"] <= 64 * MIB
    # Who runs the machine is not kept out, whatever others send.
    large = json.dumps({"objects": [{"type": "groups", "name": "g", "spec": {
        "description": "x"}}]}).ljust(8 * MIB)
    assert api.raw("POST", "/v1/apply", large.encode())[0] == 200
    assert resident(lab.vmnd.pid()) - before < 400 * MIB
    assert api.metrics()["vmn_http_bodies_rejected_total"] - refused > 60
    for link in held:
        link.close()
    netns.wait_for("the bodies to be gone", lambda: api.metrics()[
        "vmn_http_body_bytes"] == 0, 20)
    # Of what nothing comes is given up long before it is all due.
    assert status_of(begin_body(lab, pki, tokens["worker0"], "/v1/apply", 8,
                                n_sent=1)) == 408
    api.delete("groups/g")


# Connections.  -------------------------------------------------------------

def listen(lab, pki, token):
    """A connection on which events come, or were refused; and the reply's
    first line."""
    link = connect(lab, pki)
    link.sendall(("GET /v1/events HTTP/1.1\r\nHost: h\r\nAuthorization: "
                  "Bearer %s\r\n\r\n" % token).encode())
    return link, link.recv(65536).split(b"\r\n")[0].decode()


def test_take_all_connections_by_events(lab, pki, tokens):
    """One account listens as often as it can; others, and who comes by the
    socket, go on listening."""
    api = lab.vmnd.api
    links = []
    try:
        while True:
            link, said = listen(lab, pki, tokens["looker"])
            links.append(link)
            if said != "HTTP/1.1 200 OK":
                break
        assert said == "HTTP/1.1 429 Too Many Requests"
        assert len(links) == 101
        metrics = api.metrics()
        assert metrics["vmn_event_streams"] == 100
        assert metrics["vmn_event_streams_rejected_total"] == 1
        link, said = listen(lab, pki, tokens["worker0"])
        links.append(link)
        assert said == "HTTP/1.1 200 OK"
        assert ask(lab, pki, tokens["looker"], "/v1/groups")[0] == 200
        # One that leaves makes room.
        links.pop(0).close()
        netns.wait_for("it to be gone", lambda: api.metrics()[
            "vmn_event_streams"] == 100, 20)
        link, said = listen(lab, pki, tokens["looker"])
        links.append(link)
        assert said == "HTTP/1.1 200 OK"
    finally:
        for link in links:
            link.close()


# Tokens.  ------------------------------------------------------------------

def guess(lab, pki, token):
    """A connection on which a call with a token was made."""
    link = connect(lab, pki)
    link.sendall(("GET /v1/networks HTTP/1.1\r\nHost: h\r\nAuthorization: "
                  "Bearer %s\r\n\r\n" % token).encode())
    return link


def count(lab, name):
    return lab.vmnd.api.metrics()["vmn_http_" + name]


def test_guess_a_token(lab, pki, tokens):
    """Guesses are answered later and later; a good token, of the same address,
    waits for nobody."""
    guesses = []
    # The answer to the last of them comes seven seconds after it: those to the
    # ones before may all be there on a busy machine.
    while count(lab, "auth_failures_delayed_total") < 7:
        assert len(guesses) < 100
        n_before = count(lab, "requests_unauthorized_total")
        guesses.append(guess(lab, pki, "guess-%d" % len(guesses)))
        netns.wait_for("it to be counted", lambda: count(
            lab, "requests_unauthorized_total") > n_before, 20)
    good = guess(lab, pki, tokens["looker"])
    assert good.recv(12) == b"HTTP/1.1 200"
    waiting = set(guesses) - set(select.select(guesses, [], [], 0)[0])
    assert waiting
    assert count(lab, "auth_attempts_rejected_total") == 0
    for link in [good] + guesses:
        link.close()


def test_guess_tokens_without_waiting_for_answers(lab, pki, tokens):
    """Each guess on a connection that is closed at once: past the twentieth,
    one a second is looked at.  A certificate, and a token that was right on
    its connection, are not concerned."""
    good = guess(lab, pki, tokens["looker"])
    assert good.recv(65536).startswith(b"HTTP/1.1 200")
    since = time.monotonic()
    n_before = count(lab, "requests_unauthorized_total")
    n_guesses = 0
    while count(lab, "auth_attempts_rejected_total") < 20:
        assert time.monotonic() < since + 300
        links = [guess(lab, pki, "guess-%d" % (n_guesses + i))
                 for i in range(10)]
        n_guesses += 10
        netns.wait_for("them to be counted", lambda: count(
            lab, "requests_unauthorized_total") - n_before + count(
            lab, "auth_attempts_rejected_total") >= n_guesses, 60)
        for link in links:
            link.close()
    assert (count(lab, "requests_unauthorized_total") - n_before
            <= 21 + time.monotonic() - since)
    good.sendall(b"GET /v1/networks HTTP/1.1\r\nHost: h\r\nAuthorization: "
                 b"Bearer %s\r\n\r\n" % tokens["looker"].encode())
    assert good.recv(65536).startswith(b"HTTP/1.1 200")
    good.close()
    assert call(lab, pki, "GET", "/v1/networks")[0] == 200
    # It is over when they stop.
    netns.wait_for("a token to be looked at", lambda: ask(
        lab, pki, tokens["looker"], "/v1/networks")[0] == 200, 30)


def call_with_certificate(lab, pki, n):
    """What 'n' calls with bob's certificate on one connection get."""
    context = ssl.create_default_context(cafile=pki.path("ca.pem"))
    context.load_cert_chain(pki.path("bob.pem"), pki.path("bob.key"))
    link = http.client.HTTPSConnection("127.0.0.1", PORT, timeout=30,
                                       context=context)
    statuses = []
    try:
        with netns.inside(lab.net_ns):
            link.connect()
        for _ in range(n):
            link.request("GET", "/v1")
            reply = link.getresponse()
            reply.read()
            statuses.append(reply.status)
    finally:
        link.close()
    return statuses


def test_use_up_an_account_by_a_certificate_that_was_taken_from_it(lab, pki):
    """Who has the certificate goes on calling: that costs the account, which
    comes by its token now, nothing."""
    api = lab.vmnd.api
    pki.issue("bob")
    api.put("accounts/bob", {"role": "operator", "scope": "project=bob",
                             "certificate": True})
    token = make_token(api, "bob", "bob")
    api.put("quotas/bob", {"scope": "project=bob", "requests": 1})
    assert call_with_certificate(lab, pki, 1) == [200]
    api.patch("accounts/bob", {"certificate": False})
    assert set(call_with_certificate(lab, pki, 100)) == {401}
    assert ask(lab, pki, token, "/v1/groups")[0] == 200


# What accounts are not to know.  --------------------------------------------

def ask(lab, pki, token, target):
    """What a token gets: status and text."""
    context = ssl.create_default_context(cafile=pki.path("ca.pem"))
    link = http.client.HTTPSConnection("127.0.0.1", PORT, timeout=30,
                                       context=context)
    try:
        with netns.inside(lab.net_ns):
            link.connect()
        link.request("GET", target, None,
                     {"Authorization": "Bearer " + token})
        reply = link.getresponse()
        return reply.status, reply.read().decode()
    finally:
        link.close()


def test_filter_tells_nothing_of_what_is_not_seen(lab, pki):
    api = lab.vmnd.api
    for name, project in (("mine", "shop"), ("theirs", "bank")):
        api.put("networks/" + name, {"labels": {"project": project},
                                     "subnets": [{"cidr": "10.0.0.0/24"}]})
    api.put("accounts/shop", {"role": "operator", "scope": "project=shop"})
    token = make_token(api, "shop", "shop")
    status, text = ask(lab, pki, token, "/v1/ports?network=mine")
    assert (status, json.loads(text)["items"]) == (200, [])
    for target in ("/v1/ports?network=%s", "/v1/networks/%s"):
        there = ask(lab, pki, token, target % "theirs")
        nowhere = ask(lab, pki, token, target % "nobody")
        assert there == (nowhere[0], nowhere[1].replace("nobody", "theirs"))
        assert there[0] in (400, 404)
    for name in ("mine", "theirs"):
        api.delete("networks/" + name)


def test_viewer_does_not_learn_the_address_of_a_webhook(lab, pki, tokens):
    api = lab.vmnd.api
    secret = "https://hooks.example/T0SECRET"
    api.put("networks/n", {"subnets": [{"cidr": "10.0.0.0/24"}]})
    api.put("loadbalancers/lb", {
        "vip": "10.0.0.100", "networks": ["n"],
        "ports": [{"port": 80, "target": 8080}], "selector": "a=b",
        "scale": {"metric": "connections", "high": 9, "webhook": secret}})
    targets = ("/v1/loadbalancers", "/v1/loadbalancers/lb",
               "/v1/revisions?limit=1000", "/v1/status", "/v1/summary",
               "/v1/revisions?type=loadbalancers&name=lb")
    for target in targets:
        status, text = ask(lab, pki, tokens["looker"], target)
        assert status == 200 and "SECRET" not in text, target
    found = ask(lab, pki, tokens["looker"], targets[1])[1]
    assert json.loads(found)["spec"]["scale"]["webhook"] == "redacted"
    # Who may change it sees it.
    found = ask(lab, pki, tokens["worker0"], targets[1])[1]
    assert json.loads(found)["spec"]["scale"]["webhook"] == secret
    bundle = os.path.join(lab.dir, "bundle.tar.gz")
    netns.run([find("vmnctl"), "--server", "unix:" + lab.vmnd.socket,
               "support-bundle", bundle], check=False)
    listed = subprocess.run(["tar", "-xzOf", bundle], check=True,
                            stdout=subprocess.PIPE).stdout
    assert b"(left out)" in listed
    assert b"SECRET" not in listed
    os.unlink(bundle)
    api.delete("loadbalancers/lb")
    api.delete("networks/n")


def test_replies_are_kept_and_shown_by_no_browser(lab, pki, tokens):
    context = ssl.create_default_context(cafile=pki.path("ca.pem"))
    for target, cache in (("/v1/groups", "no-store"), ("/v1/no", "no-store"),
                          ("/metrics", "no-store"), ("/", "no-cache")):
        link = http.client.HTTPSConnection("127.0.0.1", PORT, timeout=30,
                                           context=context)
        with netns.inside(lab.net_ns):
            link.connect()
        link.request("GET", target, None, {
            "Authorization": "Bearer " + tokens["looker"]})
        headers = link.getresponse().headers
        link.close()
        assert headers.get_all("Cache-Control") == [cache], target
        assert headers.get_all("X-Content-Type-Options") == ["nosniff"]
        assert headers["Strict-Transport-Security"].startswith("max-age=")
        assert len(headers.get_all("Content-Security-Policy")) == 1
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    # Without TLS there is nothing to insist on.
    assert "Strict-Transport-Security" not in lab.vmnd.api.raw("GET", "/")[1]


def test_use_a_revoked_token_after_a_restore(alone):     # noqa: F811
    """A token that was stolen, and an account that was disabled for it, since
    the backup; and an account that the thief has made."""
    def vmnctl(*args, status=0):
        done = subprocess.run([find("vmnctl"), *args], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60)
        assert done.returncode == status, done.stdout
        return done.stdout

    def restored(*more):
        assert alone.stop() == 0
        said = vmnctl("restore", saved, "--database", alone.db, "--yes", *more)
        alone.start()
        tokens = {token["name"] for token in alone.api.get("tokens")["items"]}
        accounts = {one["name"]: one["spec"]["enabled"]
                    for one in alone.api.get("accounts")["items"]}
        return said, tokens, accounts

    saved = os.path.join(alone.lab.dir, "saved.db")
    alone.start()
    for name in "anna", "bob":
        alone.api.put("accounts/" + name, {"role": "admin"})
        make_token(alone.api, name + "-1", name)
    vmnctl("backup", saved, "-s", "unix:" + alone.socket)
    alone.api.delete("tokens/anna-1")
    alone.api.put("accounts/bob", {"role": "admin", "enabled": False})
    alone.api.put("accounts/thief", {"role": "admin"})
    alone.api.put("networks/new", {})
    said, tokens, accounts = restored()
    assert "tokens     anna-1   deleted since the backup\n" in said, said
    assert "accounts   bob      disabled since the backup\n" in said, said
    assert tokens == {"bob-1"}
    assert accounts == {"anna": True, "bob": False}
    entry = alone.api.get("revisions")["items"][-1]
    assert {(one["type"], one["name"]) for one in entry["changes"]} == {
        ("database", "saved.db"), ("tokens", "anna-1"), ("accounts", "bob")}
    # Only if it is asked for.
    said, tokens, accounts = restored("--with-revoked")
    assert "and valid again as they were:\n" in said, said
    assert tokens == {"anna-1", "bob-1"}
    assert accounts == {"anna": True, "bob": True}
    assert alone.stop() == 0
