# SPDX-License-Identifier: Apache-2.0
"""The API as it describes itself (GET /v1/openapi.json): the document is what
OpenAPI says one is, tells of all calls and no others, its examples can be
made, what vmnd answers is what it says, and a client that is generated from it
works."""

import copy
import http.client
import json
import os
import shutil
import subprocess
import urllib.parse

import jsonschema
import pytest
from conftest import (HERE, WAIT, check_log, close_lab, make_lab,
                      wait_counted)
from test_events import Reader
from vmnlab import netns, traffic
from vmnlab.api import Refused
from vmnlab.netns import wait_for

TOKEN = "a-token-of-the-tests-12345"
PORT = 8181
CLIENT = os.path.join(HERE, "api-client")
METHODS = ("get", "put", "post", "patch", "delete")
# Calls that answer something else than JSON.
NO_JSON = ("/", "/page/{file}", "/metrics", "/v1/backup", "/v1/events",
           "/v1/packets")


def token_file():
    path = "/tmp/vmn-openapi-%d.token" % os.getpid()
    with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600),
              "w", encoding="ascii") as file:
        file.write(TOKEN + "\n")
    return path


@pytest.fixture(scope="module")
def lab():
    tokens = token_file()
    lab = make_lab("oapi", 2, options=(
        "--api-listen=127.0.0.1:%d" % PORT, "--api-token-file=" + tokens,
        "--count-interval=1"))
    try:
        reader = Reader(lab.vmnd.socket)
        lab.first_event = reader.take("start")[0]
        reader.close()
        yield lab
    finally:
        close_lab(lab)
    os.unlink(tokens)


@pytest.fixture(scope="module")
def document(lab):
    return lab.vmnd.api.get("openapi.json")


def closed(node):
    """The same, where an object that has other members than those described
    is wrong."""
    if isinstance(node, list):
        return [closed(n) for n in node]
    if not isinstance(node, dict):
        return node
    node = {key: closed(value) for key, value in node.items()}
    if node.get("type") == "object" and "properties" in node:
        node.setdefault("additionalProperties", False)
    return node


class Checker:
    """Asks vmnd, and holds what it answers against the document."""

    def __init__(self, api, document):
        self.api = api
        self.document = document
        self.strict = closed(copy.deepcopy(document))
        self.resolver = jsonschema.RefResolver.from_schema(self.strict)
        self.calls = {(method, path): call
                      for path, calls in document["paths"].items()
                      for method, call in calls.items()}
        self.asked = set()

    def resolve(self, node):
        while "$ref" in node:
            node = self.resolver.resolve(node["$ref"])[1]
        return node

    def check(self, schema, value):
        error = jsonschema.exceptions.best_match(
            jsonschema.Draft202012Validator(
                schema, resolver=self.resolver,
                format_checker=jsonschema.FormatChecker(["ipv4", "ipv6"])
            ).iter_errors(value))
        assert not error, (list(error.absolute_path), error.message)

    def body_schema(self, method, path):
        return self.calls[method, path]["requestBody"]["content"][
            "application/json"]["schema"]

    def ask(self, method, path, body=None, headers=None, **more):
        """A call, by its path in the document.  'more' is what is in braces
        in it, and the query.  Returns the status and the answer."""
        call = self.calls[method, path]
        target = path
        for name in list(more):
            if "{%s}" % name in target:
                target = target.replace("{%s}" % name, str(more.pop(name)))
        if more:
            target += "?" + urllib.parse.urlencode(more)
        data = None if body is None else json.dumps(body)
        status, got, text = self.api.raw(
            method.upper(), target, data,
            dict({"Content-Type": "application/json"} if data else {},
                 **headers or {}))
        reply = self.resolve(call["responses"].get(
            str(status), call["responses"]["default"]))
        media = got["Content-Type"].split(";")[0]
        assert media in reply["content"], (target, status, media)
        for header in reply.get("headers", {}):
            if header in ("Vmn-May-Be-Old", "Age"):
                continue        # Of a member that is cut off.
            if str(status) in call["responses"] and "dry_run" not in more:
                assert header in got, (target, status, header)
        if media.endswith("json"):
            text = json.loads(text)
            try:
                self.check(reply["content"][media]["schema"], text)
            except AssertionError as error:
                raise AssertionError("%s %s: %d %s: %r" % (
                    method, target, status, error, text)) from None
        self.asked.add((method, path, str(status)))
        return status, text

    def done(self, method, path, body=None, status=200, **more):
        """The same for what must succeed; the body must be as described."""
        if body is not None:
            self.check(self.body_schema(method, path), body)
        found, answer = self.ask(method, path, body, **more)
        assert found == status, (method, path, found, answer)
        return answer


@pytest.fixture(scope="module")
def checker(lab, document):
    return Checker(lab.vmnd.api, document)


def examples(document, path, method="put"):
    """The examples of a call's body, by name."""
    return {name: example["value"] for name, example in
            document["paths"][path][method]["requestBody"]["content"]
            ["application/json"]["examples"].items()}


@pytest.fixture(scope="module")
def shop(lab, checker, document):
    """The world of the examples, with its two ports running."""
    world = examples(document, "/v1/apply", "post")["all"]
    checker.done("post", "/v1/apply", world)
    vms = {name: lab.add_vm_of_port(name, host.name)
           for name, host in zip(("web-1", "db-1"), lab.hosts)}
    lab.await_ports(list(vms))
    yield vms
    for name in vms:
        lab.remove_vm(name)
    check_log(lab.vmnd)


def modules():
    """Where npm's packages are."""
    return subprocess.run(
        [os.path.join(HERE, "../../build-aux/npm-modules"), CLIENT],
        check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def run(args, cwd, **more):
    done = subprocess.run(args, cwd=cwd, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=300,
                          check=False, **more)
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def client(document, tmp_path_factory):
    """A folder with the document, the client's source, and what it takes to
    make it."""
    folder = str(tmp_path_factory.mktemp("client"))
    for name in os.listdir(CLIENT):
        shutil.copy(os.path.join(CLIENT, name), folder)
    os.symlink(os.path.join(modules(), "node_modules"),
               os.path.join(folder, "node_modules"))
    with open(os.path.join(folder, "openapi.json"), "w",
              encoding="utf-8") as file:
        json.dump(document, file)
    return folder


# The document.  ------------------------------------------------------------

def test_document_is_valid(client):
    assert run(["node", "validate.mjs", "openapi.json"], client) \
        == "OpenAPI 3.1\n"


def test_document_passes_a_linter(client):
    """Redocly's recommended rules have nothing to say, no warning either."""
    assert run(["node", "lint.mjs", "openapi.json"], client) == "0 problems\n"


def test_all_calls_are_described_and_no_others(lab, document):
    described = {"%s %s" % (method.upper(), path): " ".join(
        p["name"] for p in (resolve(document, p) for p in call["parameters"])
        if p["in"] == "query")
        for path, calls in document["paths"].items()
        for method, call in calls.items()}
    assert described == {c["call"]: c["query"]
                         for c in lab.vmnd.api.call("GET", "/v1")["calls"]}
    ids = [call["operationId"] for calls in document["paths"].values()
           for call in calls.values()]
    assert len(set(ids)) == len(ids)


def resolve(document, node):
    if "$ref" not in node:
        return node
    for part in node["$ref"].split("/")[1:]:
        document = document[part]
    return document


def test_examples_can_be_made(lab, checker, document, shop):
    """One by one as well; they are there already."""
    n = 0
    for path, calls in document["paths"].items():
        if "put" not in calls or not path.endswith("/{name}"):
            continue
        for name, body in examples(document, path).items():
            answer = checker.done("put", path, body, name=name)
            assert answer["outcome"] == "unchanged", answer
            n += 1
    assert n >= len(lab.vmnd.api.call("GET", "/v1")["types"])


def test_bodies_of_other_tests_are_as_described(checker):
    with open(os.path.join(HERE, "../unit/bad-requests.json"),
              encoding="utf-8") as file:
        checker.check(checker.body_schema("post", "/v1/apply"),
                      json.load(file)["setup"])


def beyond(schema):
    """Values of a parameter that its schema does not have."""
    values = [schema[bound] + step for bound, step in
              (("minimum", -1), ("maximum", 1)) if bound in schema]
    if "enum" in schema or schema.get("type") == "boolean":
        values.append("~none~")
    return values


def beside(path, name):
    """What parameter 'name' does not go without."""
    return ({"wait": "installed"} if name == "timeout"
            else {"protocol": "tcp"} if "reachability" in path
            and name == "port"
            else {"network": "shop"} if path == "/v1/recommendations"
            else {})


def test_parameters_have_the_bounds_that_are_told(checker, shop):
    """A value beyond them is refused, by the parameter's name."""
    n = 0
    for (method, path), call in checker.calls.items():
        body = ({"after": []} if "reachability" in path
                else {"objects": []} if path == "/v1/apply"
                else {"spec": {}}) if "requestBody" in call else None
        names = {"name": "h1" if "/hosts/" in path else "none"} \
            if "{name}" in path else {"revision": 1} \
            if "{revision}" in path else {}
        for parameter in map(checker.resolve, call["parameters"]):
            if parameter["in"] != "query" or path in NO_JSON:
                continue
            name = parameter["name"]
            for value in beyond(checker.resolve(parameter["schema"])):
                status, problem = checker.ask(method, path, body, **{
                    **names, **beside(path, name), name: value})
                assert status == 400, (path, name, value, problem)
                assert problem["errors"][0]["parameter"] == name, problem
                n += 1
    assert n > 100


# What is answered.  --------------------------------------------------------

def test_reads_are_as_described(lab, checker, document, shop):
    for path in document["paths"]:
        if path.endswith("/{name}") and path != "/v1/types/{name}":
            kind = path[:-len("/{name}")]
            answer = checker.done("get", kind)
            assert answer["items"], kind
            for item in answer["items"]:
                checker.done("get", path, name=item["name"])
            page = checker.done("get", kind, limit=1, selector="!none")
            assert ("next" in page) == (len(answer["items"]) > 1)
    revision = checker.done("get", "/v1/revisions")["revision"]
    checker.done("get", "/v1/revisions/{revision}", revision=revision)
    checker.done("get", "/v1/revisions/{revision}", revision=revision,
                 contents="true")
    plan = checker.ask("post", "/v1/revisions/{revision}/undo", None,
                       revision=revision, dry_run="plan")
    assert plan[0] in (200, 404, 409), plan
    checker.done("get", "/v1/hosts/{name}/flows", name="h1")
    checker.done("get", "/v1/recommendations", network="shop")
    for by in "port", "group":
        checker.done("get", "/v1/reachability", protocol="tcp", port=5432,
                     by=by)
    checker.done("get", "/v1/open-services", **{"from": "web-1", "to": "db-1"})
    checker.done("get", "/v1/open-services", from_group="web", to="db-1")
    for path, calls in document["paths"].items():
        if "get" in calls and "{" not in path and path not in NO_JSON and (
                "get", path, "200") not in checker.asked:
            checker.done("get", path)


class Tenant:
    """Calls the API by TCP, with a token, as Api.raw() does."""

    def __init__(self, lab, secret):
        self.net_ns = lab.net_ns
        self.headers = {"Authorization": "Bearer " + secret}

    def raw(self, method, target, body=None, headers=None):
        link = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        try:
            with netns.inside(self.net_ns):
                link.connect()
            link.request(method, target, body, {**self.headers,
                                                **(headers or {})})
            reply = link.getresponse()
            return reply.status, dict(reply.getheaders()), reply.read()
        finally:
            link.close()


def test_what_an_account_with_a_scope_reads_is_as_described(lab, document,
                                                            shop):
    api = lab.vmnd.api
    api.put("accounts/tenant", {"role": "operator", "scope": "role=web",
                                "reads": "role"})
    secret = api.put("tokens/tenant", {"account": "tenant"})["secret"]
    tenant = Checker(Tenant(lab, secret), document)
    try:
        for path in document["paths"]:
            kind = path[:-len("/{name}")]
            if not path.endswith("/{name}") or kind in ("/v1/accounts",
                                                        "/v1/tokens"):
                continue
            for item in tenant.done("get", kind)["items"]:
                tenant.done("get", path, name=item["name"])
        host = tenant.done("get", "/v1/hosts/{name}", name="h1")
        assert host["spec"] == {} and host["status"] == {"state": "synced"}
        assert tenant.done("get", "/v1/status")["scope"] == "role=web"
        for path in "/v1/revisions", "/v1/usage", "/v1/drops", "/v1/logs":
            tenant.done("get", path)
    finally:
        api.delete("accounts/tenant", cascade="true")


def test_packets_are_as_described(lab, checker, shop):
    assert traffic.ask(shop["web-1"], shop["db-1"].ip, 81, "tcp", 1.0) is None
    found = {}

    def told():
        found["drops"] = checker.done("get", "/v1/drops")
        found["logs"] = checker.done("get", "/v1/logs", policy="db-in")
        return found["drops"]["counters"] and found["drops"]["samples"] \
            and found["logs"]["items"] and found["logs"]["rules"]
    wait_counted("packets to be told of", told, 0.2)
    assert found["logs"]["items"][0]["verdict"] == "reject"


def test_simulations_are_as_described(checker, document, shop):
    body = document["paths"]["/v1/trace"]["post"]["requestBody"]["content"][
        "application/json"]["example"]
    answer = checker.done("post", "/v1/trace", body)
    assert answer["verdict"] == "delivered", answer
    for port in 80, 81:
        checker.done("post", "/v1/trace", dict(body, port=port, reply=False))
    checker.done("post", "/v1/trace", dict(body, to="10.0.0.77"))
    checker.done("post", "/v1/trace", dict(body, to="web"))
    after = [{"type": "policies", "name": "db-in",
              "spec": {"applies_to": ["db"]}}]
    answer = checker.done("post", "/v1/reachability", {"after": after},
                          protocol="tcp", port=5432)
    assert answer["changes"]


def test_differences_are_as_described(lab, checker, shop):
    lab.host("h1").ofctl("add-flow", "br-int",
                         "cookie=0x99,table=16,priority=7,ip,actions=drop")
    answer = {}

    def compared():
        status, found = checker.ask("get", "/v1/hosts/{name}/flows",
                                    name="h1", diff="true")
        answer.update(found)
        return status == 200
    wait_for("h1 to be compared", compared)
    assert answer["unknown"] == 1, answer
    checker.done("post", "/v1/hosts/{name}/audit", name="h1")
    assert checker.ask("post", "/v1/hosts/{name}/audit", name="hv1")[0] == 503
    wait_for("the audit to be in the status", lambda: "audit" in checker.done(
        "get", "/v1/hosts/{name}", name="h1")["status"])


def test_objects_of_all_types_change_as_described(checker, document, shop):
    for path, calls in document["paths"].items():
        # Of an app nothing is changed but whether it is enabled.
        if path.endswith("/{name}") and "put" in calls \
                and "/apps/" not in path:
            name = next(iter(examples(document, path)))
            for text in "Some words.", None:
                answer = checker.done("patch", path, {
                    "spec": {"description": text}}, name=name)
                assert answer["outcome"] == "updated"
                assert answer["spec"].get("description") == text


def test_changes_are_as_described(lab, checker, shop):
    port = "/v1/ports/{name}"
    spec = {"spec": {"network": "shop"}}
    made = checker.done("put", port, spec, 201, name="x")
    checker.done("patch", port, {"spec": {"labels": {"a": "b"}}}, name="x",
                 wait="installed", timeout=WAIT)
    checker.done("patch", port, {"spec": {"labels": None}}, name="x",
                 dry_run="plan")
    checker.done("delete", port, name="x", dry_run="plan")
    status, _ = checker.ask("patch", port, {"spec": {"enabled": False}},
                            {"If-Match": '"%s"' % made["metadata"]["etag"]},
                            name="x")
    assert status == 412
    assert checker.ask("put", port, spec, {"If-None-Match": "*"},
                       name="x")[0] == 412
    checker.done("delete", port, name="x")
    lab.host("h2").freeze_switch()
    answer = checker.done(
        "patch", "/v1/networks/{name}", {"spec": {"default": "allow"}}, 202,
        name="shop", wait="installed", timeout="100ms")
    assert not answer["receipt"]["installed"]
    lab.host("h2").thaw_switch()
    objects = [{"type": "groups", "name": "y", "spec": {"ports": ["db-1"]}}]
    checker.done("post", "/v1/apply", {"objects": objects}, dry_run="plan")
    checker.done("post", "/v1/apply", {"objects": objects}, prune="s")
    assert checker.ask("delete", port, name="db-1")[0] == 409
    answer = checker.done("post", "/v1/apply", {"objects": []}, prune="s")
    assert answer["also_changed"]


def test_refusals_are_as_described(lab, checker, document, shop):
    port = "/v1/ports/{name}"
    assert checker.ask("get", port, name="none")[0] == 404
    for body in ({}, {"spec": {"nothing": 1}}, {"spec": {"network": 7}}):
        status, problem = checker.ask("put", port, body, name="z")
        assert status == 400 and problem["errors"]
        with pytest.raises(AssertionError):
            checker.check(checker.body_schema("put", port), body)
    assert checker.ask("put", port, {"spec": {"network": "shop"}},
                       {"Content-Type": "text/plain"}, name="z")[0] == 415
    status, headers, text = lab.vmnd.api.raw("POST", "/v1/ports/z")
    assert status == 405 and headers["Allow"]
    checker.check({"$ref": "#/components/schemas/Problem"}, json.loads(text))
    done = netns.run(["curl", "-sw", "%{http_code}",
                      "http://127.0.0.1:%d/v1/ports" % PORT], lab.net_ns)
    checker.check({"$ref": "#/components/schemas/Problem"},
                  json.loads(done[:-3]))
    assert done.endswith("401")
    with pytest.raises(Refused):
        lab.vmnd.api.get("ports", limit=0)


def test_events_are_as_described(lab, checker, shop):
    """All that happened in the tests above."""
    lab.vmnd.api.put("groups/last", {})
    reader = Reader(lab.vmnd.socket, last=lab.first_event)
    kinds = set()
    last = {"op": "create", "type": "groups", "name": "last"}
    while not any(last in data.get("changes", ())
                  for _, _, data in reader.events):
        assert reader.read(60), reader.events[-1:]
    for _, kind, data in reader.events:
        checker.check({"$ref": "#/components/schemas/Events"}, {kind: data})
        kinds.add(kind)
    reader.close()
    assert kinds >= {"revision", "installed", "binding", "drop", "log",
                     "audit"}, kinds


# A client.  ----------------------------------------------------------------

def test_generated_client_works(lab, client):
    programs = os.path.join(client, "node_modules", ".bin")
    run([os.path.join(programs, "openapi-typescript"), "openapi.json",
         "--default-non-nullable=false", "-o", "api.d.ts"], client)
    run([os.path.join(programs, "tsc")], client)
    assert "done" in netns.run(
        ["node", os.path.join(client, "client.js"),
         "http://127.0.0.1:%d" % PORT], lab.net_ns,
        env=dict(os.environ, TOKEN=TOKEN))
