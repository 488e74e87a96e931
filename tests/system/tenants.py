# SPDX-License-Identifier: Apache-2.0
"""What the tests of accounts with a `scope` and a `reads` share: a tenant who
calls the API by TCP, and two of them, a shop and a bank, with the objects that
each test finds.  A file of tests has a fixture "lab", and imports those that
it uses of "api", "tenants" and "shop"."""

import http.client
import json

import pytest

from vmnlab.netns import PATIENCE, inside


PORT = 8117
SHOP = {"project": "shop"}
BANK = {"project": "bank"}
SHARED = {"shared": "yes"}


class Tenant:
    """Who calls the API by TCP, with a token."""

    def __init__(self, lab, token):
        self.lab = lab
        self.token = token

    def raw(self, method, target, body=None, headers=None):
        """Returns status and text; of a stream that ends, all of it."""
        link = http.client.HTTPConnection("127.0.0.1", PORT,
                                          timeout=60 * PATIENCE)
        headers = {"Content-Type": "application/json",
                   "Authorization": "Bearer " + self.token,
                   **(headers or {})}
        try:
            with inside(self.lab.net_ns):
                link.connect()
            link.request(method, "/v1/" + target,
                         json.dumps(body) if body else None, headers)
            reply = link.getresponse()
            return reply.status, reply.read().decode()
        finally:
            link.close()

    def call(self, method, target, body=None, headers=None):
        """Returns status and JSON."""
        status, text = self.raw(method, target, body, headers)
        return status, json.loads(text or "null")

    def tries(self, method, target, spec=None):
        return self.call(method, target,
                         {"spec": spec} if spec is not None else None)

    def may(self, method, target, spec=None):
        """It is allowed, and done."""
        status, answer = self.tries(method, target, spec)
        assert status in (200, 201), answer
        return answer

    def may_not(self, method, target, spec=None, pointer="", status=403):
        """It is refused, and the field is named."""
        got, answer = self.tries(method, target, spec)
        assert got == status, answer
        if pointer:
            pointers = [e["pointer"] for e in answer["errors"]]
            assert "/spec" + pointer in pointers, answer
        return answer


def make_tenant(lab, name, **spec):
    api = lab.vmnd.api
    api.put("accounts/" + name, dict({"role": "operator"}, **spec))
    secret = api.put("tokens/" + name, {"account": name})["secret"]
    return Tenant(lab, secret)


# Each test finds this, and nothing besides.
OBJECTS = [
    ("networks", "shop", {"labels": SHOP, "subnets": [
        {"cidr": "10.0.0.0/24", "gateway": "10.0.0.1"}]}),
    ("networks", "bank", {"labels": BANK,
                          "subnets": [{"cidr": "10.0.0.0/24"}]}),
    ("networks", "wire", {"labels": SHARED, "subnets": [
        {"cidr": "10.9.0.0/24", "gateway": "10.9.0.1",
         "pools": [{"start": "10.9.0.50", "end": "10.9.0.199"}],
         "exclude": [{"start": "10.9.0.60", "end": "10.9.0.69"}],
         "reservations": [{"ip": "10.9.0.53", "port": "dns"}]}]}),
    ("networks", "street", {"labels": SHARED,
                            "provider": {"physical": "dc", "vlan": 10},
                            "subnets": [{"cidr": "192.0.2.0/24",
                                         "gateway": "192.0.2.254"}]}),
    ("ports", "shop-1", {"labels": SHOP, "network": "shop"}),
    ("ports", "shop-2", {"labels": SHOP, "network": "shop"}),
    ("ports", "bank-1", {"labels": BANK, "network": "bank"}),
    ("ports", "wire-1", {"labels": SHARED, "network": "wire"}),
    ("groups", "shop-all", {"labels": SHOP, "selector": "project=shop"}),
    ("groups", "wire-all", {"labels": SHARED, "ports": ["wire-1"]}),
    ("services", "web", {"labels": SHOP, "entries": [
        {"protocol": "tcp", "ports": [443]}]}),
    ("routers", "core", {"labels": SHARED,
                         "interfaces": [{"network": "wire"}]}),
    ("loadbalancers", "front", {
        "labels": SHARED, "vip": "10.9.0.2", "networks": ["wire"],
        "ports": [{"port": 80}], "backends": [{"port": "wire-1"}]}),
]
KINDS = ("quarantines", "policies", "floating-ips", "dns-zones",
         "observations", "loadbalancers", "routers", "groups", "services",
         "tiers", "ports", "networks")


def clear(api):
    for kind in KINDS:
        for item in api.get(kind)["items"]:
            if kind != "tiers" or item["name"] not in (
                    "emergency", "security", "platform", "application",
                    "baseline"):
                api.delete("%s/%s" % (kind, item["name"]), cascade="true")


@pytest.fixture(name="api")
def _api(lab):
    api = lab.vmnd.api
    api.apply([{"type": kind, "name": name, "spec": spec}
               for kind, name, spec in OBJECTS])
    yield api
    clear(api)


@pytest.fixture(name="tenants", scope="module")
def _tenants(lab):
    return {name: make_tenant(lab, name, scope="project=" + name,
                              reads="shared=yes")
            for name in ("shop", "bank")}


@pytest.fixture(name="shop")
def _shop(tenants, api):
    assert api
    return tenants["shop"]


def mine(**spec):
    return dict(spec, labels=SHOP)


def policy(*groups, **spec):
    return mine(applies_to=list(groups), rules=[
        {"direction": "ingress", "action": "allow"}], **spec)


def log_of(tenant, query="limit=1000"):
    """What a tenant is told of the log of changes, whole."""
    found, before = [], ""
    while True:
        status, answer = tenant.call("GET", "revisions?%s%s" % (query, before))
        assert status == 200, answer
        found = answer["items"] + found
        if "next" not in answer:
            return found
        before = "&before=" + answer["next"]
