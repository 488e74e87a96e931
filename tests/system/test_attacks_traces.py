# SPDX-License-Identifier: Apache-2.0
"""What a tenant tries to learn of others by traces, drops and logs.  One
function per attack, named for what the attacker wants."""

import json
import re
import time

import pytest
from conftest import World, close_lab, entry, make_token_lab, rule
from tenants import PORT, make_tenant

from vmnlab.netns import wait_for

HIDDEN = "(out of scope)"
SHOP = {"project": "shop"}
BANK = {"project": "bank"}


@pytest.fixture(name="lab", scope="module")
def _lab(tmp_path_factory):
    lab = make_token_lab("atr", 2, tmp_path_factory.mktemp("api"), PORT)
    yield lab
    close_lab(lab)


@pytest.fixture(name="town", scope="module")
def _town(lab):
    """Two tenants with ports in a network that they share.  The bank lets
    nobody but itself in, is asked at 81 in vain, and has a balancer."""
    world = World(lab)
    world.put("networks", "wire", labels={"shared": "yes"},
              subnets=[{"cidr": "10.9.0.0/24"}])
    servers = (80, 81)
    for name, host, ip, labels in (
            ("shop-1", "h1", "10.9.0.11", SHOP),
            ("shop-2", "h2", "10.9.0.12", SHOP),
            ("bank-1", "h2", "10.9.0.21", BANK),
            ("bank-2", "h1", "10.9.0.22", BANK),
            ("bank-3", "h2", "10.9.0.23", BANK),
            ("clock", "h2", "10.9.0.31", {"shared": "yes"})):
        world.vm(name, "wire", host, ip, labels=labels, tcp=servers)
    for name in "shop", "bank":
        world.put("groups", name + "-all", labels={"project": name},
                  selector="project=" + name)
    world.put("policies", "bank-in", labels=BANK, applies_to=["bank-all"],
              rules=[dict(rule("ingress", "deny", services=[entry("tcp", 81)]),
                          log=True),
                     rule("ingress", "allow", services=[entry("tcp", 80)])])
    world.put("policies", "shop-in", labels=SHOP, applies_to=["shop-all"],
              rules=[dict(rule("ingress", "deny", services=[entry("tcp", 81)]),
                          log=True),
                     rule("ingress", "allow", services=[entry("tcp", 80)])])
    world.put("loadbalancers", "vault", labels=BANK, vip="10.9.0.100",
              networks=["wire"], ports=[{"port": 80},
                                        {"port": 90, "target": 81}],
              backends=[{"port": "bank-1"}, {"port": "bank-2"}])
    yield world
    world.close()


@pytest.fixture(name="tenants", scope="module")
def _tenants(lab, town):
    assert town
    return {name: make_tenant(lab, name, scope="project=" + name,
                              reads="shared=yes")
            for name in ("shop", "bank")}


@pytest.fixture(name="shop")
def _shop(tenants):
    return tenants["shop"]


def asks(to, port=80, source="shop-1", **more):
    return dict({"from": source, "to": to, "protocol": "tcp", "port": port},
                **more)


def trace(tenant, to, port=80, **more):
    status, answer = tenant.call("POST", "trace", asks(to, port, **more))
    assert status == 200, answer
    return answer


def full(town, to, port=80, **more):
    return town.api.call("POST", "/v1/trace", asks(to, port, **more))


def unnamed(answer, *words):
    """No name of the bank's is in the answer, nor any of 'words'."""
    text = json.dumps(answer)
    for word in ("bank", "vault") + words:
        assert word not in text, (word, answer)


def only(outcomes):
    assert len(outcomes) == 1, outcomes
    return outcomes[0]


# Traces.  --------------------------------------------------------------------

def test_trace_from_others_ports(lab, shop):
    """As if they were not there; those that are only read are not ones
    own."""
    viewer = make_tenant(lab, "looker", role="viewer", scope="project=shop",
                         reads="shared=yes")
    for tenant in shop, viewer:
        assert trace(tenant, "10.9.0.12")["verdict"] == "delivered"
        refusals = [tenant.call("POST", "trace", asks("10.9.0.11",
                                                      source=name))
                    for name in ("bank-1", "bank-7", "nobody")]
        assert [r[0] for r in refusals] == [400] * 3, refusals
        # Nor is one of them suggested.
        for i, name in enumerate(("bank-1", "bank-7")):
            assert (json.dumps(refusals[i]).replace(name, "nobody")
                    == json.dumps(refusals[2]))
    status, answer = shop.call("POST", "trace", asks("10.9.0.11",
                                                     source="clock"))
    assert status == 403 and answer["errors"][0]["pointer"] == "/from", answer
    assert "not within" in answer["detail"]
    # A change that it may not make it may not try, either.
    status, answer = shop.call("POST", "trace", asks("10.9.0.21", 81, after=[
        {"type": "policies", "name": "bank-in", "op": "delete"}]))
    assert status in (403, 404), answer
    unnamed(answer.get("detail", "").replace('"bank-in"', ""))


def test_learn_names_by_traces(shop):
    """A name of others is no name."""
    for name, absent in ("bank-1", "bunk-1"), ("vault", "vualt"):
        refusals = [shop.call("POST", "trace", asks(n))
                    for n in (name, absent)]
        assert [r[0] for r in refusals] == [400, 400], refusals
        assert (json.dumps(refusals[0]).replace(name, absent)
                == json.dumps(refusals[1]))
    # What it sees it may name.
    answer = trace(shop, "clock")
    assert answer["verdict"] == "delivered"
    assert only(answer["outcomes"])["at"]["port"] == "clock"


def test_learn_by_traces_who_drops(shop, town):
    """Verdict and reason are those of everybody; names and places are not."""
    for to, port in ("10.9.0.21", 81), ("10.9.0.22", 82), ("10.9.0.21", 80):
        want = full(town, to, port, reply=True)
        got = trace(shop, to, port, reply=True)
        assert got["verdict"] == want["verdict"]
        a, b = only(want["outcomes"])["at"], only(got["outcomes"])["at"]
        assert b.get("reason") == a.get("reason")
        assert b["kind"] == a["kind"]
        assert only(got["outcomes"])["legs"] == []
        assert b["host"] is None and b["stage"] is None
        assert not set(b) & {"table", "ofport", "rule"}, b
        unnamed(got, "h2", "identity")
    assert only(trace(shop, "10.9.0.21")["outcomes"])["at"]["port"] == HIDDEN
    denied = only(trace(shop, "10.9.0.21", 81)["outcomes"])["at"]
    assert denied["owner"] == HIDDEN and "object" not in denied
    isolated = only(trace(shop, "10.9.0.22", 82)["outcomes"])["at"]
    assert isolated["isolated_by"] == [HIDDEN]
    # Of its own it is told all.
    denied = only(trace(shop, "shop-2", 81)["outcomes"])["at"]
    assert denied["object"] == {"type": "policies", "name": "shop-in"}
    assert denied["rule"] == 0 and denied["host"] == "h2"
    isolated = only(trace(shop, "10.9.0.12", 82)["outcomes"])["at"]
    assert isolated["isolated_by"] == ["shop-in"]
    # So with quarantines.
    town.put("quarantines", "case-7", ports=["bank-1", "shop-2"])
    town.put("quarantines", "own", labels=SHOP, ports=["shop-2"])
    for to, all_, told in (
            ("10.9.0.21", ["quarantines/case-7"], None),
            ("10.9.0.12", ["quarantines/case-7", "quarantines/own"],
             ["quarantines/own"])):
        at = only(full(town, to, 80)["outcomes"])["at"]
        assert (at["reason"], at["quarantined_by"]) == ("quarantined", all_)
        got = trace(shop, to, 80)
        assert only(got["outcomes"])["at"].get("quarantined_by") == told
        unnamed(got, "case-7")
    town.delete("quarantines", "own")
    town.delete("quarantines", "case-7")


def test_learn_by_traces_on_which_host_others_are(shop):
    """bank-2 is where shop-1 is, bank-1 is not."""
    for port in 80, 81, 82:
        one, two = (json.dumps(trace(shop, ip, port, reply=True))
                    for ip in ("10.9.0.21", "10.9.0.22"))
        assert one.replace("10.9.0.21", "10.9.0.22") == two


def test_learn_by_traces_how_many_backends_there_are(shop, town, lab):
    assert len(full(town, "10.9.0.100")["outcomes"]) == 2
    for port in 80, 90:
        answer = trace(shop, "10.9.0.100", port, reply=True)
        assert only(answer["outcomes"])["share"] == 1.0
        assert answer["complete"] is True
        unnamed(answer, "10.9.0.21", "10.9.0.22", "h2")
    # Where they differ it is said that they do, and not how many do which.
    town.put("groups", "bank-two", labels=BANK, ports=["bank-2"])
    town.put("policies", "bank-off", labels=BANK, applies_to=["bank-two"],
             tier="security", rules=[rule("ingress", "deny",
                                          services=[entry("tcp", 80)])])
    try:
        answer = trace(shop, "10.9.0.100")
        assert answer["verdict"] == "mixed"
        assert [o["share"] for o in answer["outcomes"]] == [None, None]
        unnamed(answer, "10.9.0.21", "10.9.0.22", "h2")
        # Who owns the balancer is told of both.
        bank = make_tenant(lab, "teller", scope="project=bank",
                           reads="shared=yes")
        answer = trace(bank, "vault", source="bank-1")
        assert sorted(o["share"] for o in answer["outcomes"]) == [0.5, 0.5]
    finally:
        lab.vmnd.api.delete("policies/bank-off", wait="installed")


def test_learn_by_traces_why_a_host_is_away(lab, shop, town):
    """A trace says in which state a host on its way is, but neither why, nor
    how far it is behind, nor by which interfaces its VMs are attached."""
    h2 = lab.host("h2")
    h2.stop_switch(0)
    try:
        wait_for("h2 to be away", lambda: town.api.get("hosts/h2")["status"][
            "state"] != "synced", 30)
        assert full(town, "shop-2")["warnings"]
        told, = trace(shop, "shop-2")["warnings"]
        assert re.fullmatch('host "h2" is [a-z]+: the trace goes by the flows '
                            'that it is to hold', told), told
    finally:
        h2.start()
    wait_for("h2 to be back", lambda: town.api.get("hosts/h2")["status"][
        "state"] == "synced", 30)
    wait_for("its ports to be up", lambda: all(
        lab.port_state(name) == "up"
        for name in ("shop-2", "bank-1", "bank-3", "clock")), 30)
    town.settle()


def test_learn_by_traces_what_leads_outside(shop, town):
    """Which networks routers of others lead to: neither by a trace to outside
    nor by why there is none."""
    for n in 1, 2:
        town.put("networks", "bank-out-%d" % n, labels=BANK, provider={
            "physical": "dc", "vlan": 30 + n}, subnets=[
            {"cidr": "198.51.%d.0/24" % n, "gateway": "198.51.%d.1" % n}])
    try:
        for n in 1, 2:
            town.put("routers", "bank-%d" % n, labels=BANK, interfaces=[
                {"network": "wire", "addresses": ["10.9.0.%d" % (200 + n)]}],
                external={"network": "bank-out-%d" % n,
                          "addresses": ["198.51.%d.9" % n],
                          "gateways": [{"host": "h1"}]})
            assert full(town, "outside", network="bank-out-1")[
                "to"]["network"] == "bank-out-1"
            status, answer = shop.call("POST", "trace", asks("outside"))
            unnamed(answer, "198.51")
            assert status == 409, answer
            assert "give an address" in answer["detail"], answer
        status, answer = shop.call("POST", "trace", asks(
            "outside", network="bank-out-1"))
        assert status == 400 and "not found" in answer["detail"], answer
        # Of those that it sees it is told.
        town.patch("networks", "bank-out-1", labels={"project": None,
                                                     "shared": "yes"})
        assert trace(shop, "outside", network="bank-out-1")[
            "to"]["network"] == "bank-out-1"
    finally:
        for kind in "routers", "networks":
            for item in town.api.get(kind)["items"]:
                if item["name"].startswith("bank-"):
                    town.delete(kind, item["name"])


def test_learn_by_what_shows_the_whole_network(shop):
    for method, target in (
            ("GET", "reachability?protocol=tcp&port=80"),
            ("GET", "identities"), ("GET", "hosts/h1/flows"),
            ("GET", "rejected-hosts"),
            ("GET", "recommendations?network=wire"), ("GET", "summary")):
        status, answer = shop.call(method, target)
        assert status == 403, (target, answer)
        assert "without a scope" in answer["detail"]


# Drops.  ---------------------------------------------------------------------

def ask_in_vain(town, source, ip, port):
    assert town.unanswered(town.lab.vm(source), ip, port)


def wait_told(what, ask, condition):
    """wait_for() of what is told of packets that 'ask' sends: some seconds
    later they are sent again, since a host tells of few of all its drops in a
    second."""
    asked = [float("-inf")]

    def is_told():
        if time.monotonic() > asked[0] + 10:
            ask()
            asked[0] = time.monotonic()
        return condition()
    return wait_for(what, is_told, 60)


def samples(tenant, **query):
    words = "&".join("%s=%s" % pair for pair in query.items())
    status, answer = tenant.call("GET", "drops?" + words)
    assert status == 200, answer
    return answer


def sampled(tenant, ends, ask=lambda: None, **query):
    """The newest sample between these, source and destination, once 'ask' has
    sent something."""
    def find():
        for sample in reversed(samples(tenant, **query)["samples"]):
            if (sample["src"].get("ip"), sample["dst"].get("ip")) == ends:
                return sample
        return None
    return wait_told("a sample of %s" % (ends,), ask, find)


def test_learn_of_others_packets_by_drops(tenants, shop, town):
    bank = tenants["bank"]
    ask_in_vain(town, "bank-2", "10.9.0.23", 81)
    mine = sampled(shop, ("10.9.0.11", "10.9.0.23"), lambda: ask_in_vain(
        town, "shop-1", "10.9.0.23", 81))
    assert mine["src"]["port"] == "shop-1" and mine["reason"]
    assert mine["dst"]["port"] == HIDDEN
    assert mine["dst"]["mac"] == "00:00:00:00:00:00"    # It tells the name.
    assert mine["host"] == HIDDEN and mine["owner"] == HIDDEN
    assert mine["object"] is None and "rule" not in mine
    assert mine["suppressed"] == 0
    everything = samples(shop, background="true")
    unnamed(everything)
    for sample in everything["samples"]:
        assert {"shop-1", "shop-2"} & {sample["src"]["port"],
                                       sample["dst"]["port"]}, sample
    # They would tell how many others there were.
    assert all(s["id"] // 2048 == wall_ms(s["time"])
               for s in everything["samples"])
    assert everything["newest"] == everything["samples"][-1]["id"]
    later = samples(shop, after=everything["newest"])
    assert later["samples"] == [] and later["newest"] == everything["newest"]
    assert everything["matching"] == len(everything["counters"])
    for counter in everything["counters"]:
        assert counter["object"]["name"].startswith("shop-"), counter
    # The other end is told the same of it.
    theirs = sampled(bank, ("10.9.0.11", "10.9.0.23"))
    assert theirs["dst"]["port"] == "bank-3"
    assert theirs["src"]["port"] == HIDDEN
    assert theirs["object"]["name"] == "bank-in"


def test_drops_by_what_is_not_told_blame_nothing_else(shop, town):
    """The flow is of the network, which the account sees, and which is not
    why; what quarantines may be others'."""
    town.put("quarantines", "case-8", ports=["shop-2"])
    try:
        mine = sampled(shop, ("10.9.0.11", "10.9.0.12"), lambda: ask_in_vain(
            town, "shop-1", "10.9.0.12", 83), reason="quarantined")
    finally:
        town.delete("quarantines", "case-8")
    assert mine["object"] is None and "quarantined_by" not in mine


def wall_ms(text):
    import datetime     # pylint: disable=import-outside-toplevel

    then = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")
    return round(then.replace(tzinfo=datetime.timezone.utc).timestamp() * 1000)


def test_learn_by_filters_of_drops(shop, town):
    """A filter that picked by what is hidden would tell it."""
    sampled(shop, ("10.9.0.11", "10.9.0.23"), lambda: ask_in_vain(
        town, "shop-1", "10.9.0.23", 81))
    for call in "drops", "logs":
        for word, name, absent in (("port", "bank-1", "bunk-1"),
                                   ("policy", "bank-in", "bunk-in")):
            if (call, word) == ("drops", "policy"):
                continue
            refusals = [shop.call("GET", "%s?%s=%s" % (call, word, n))
                        for n in (name, absent)]
            assert [r[0] for r in refusals] == [400, 400], refusals
            assert (json.dumps(refusals[0]).replace(name, absent)
                    == json.dumps(refusals[1]))
    for host in "h1", "h2":
        found = samples(shop, host=host)["samples"]
        assert not [s for s in found if s["dst"]["port"] == HIDDEN], found


def test_learn_backends_addresses_by_drops(shop, town):
    """What a balancer has rewritten is no address that one has sent to."""
    def ask():
        ask_in_vain(town, "shop-2", "10.9.0.100", 90)
        ask_in_vain(town, "shop-2", "10.9.0.21", 81)
    wait_told("samples", ask, lambda: len(
        [s for s in samples(shop)["samples"]
         if s["src"].get("ip") == "10.9.0.12"]))
    unnamed(samples(shop, background="true"), "10.9.0.21", "10.9.0.22")


def test_get_others_packets_by_a_name_of_theirs(lab, shop, town):
    """A port's name is free when the port is gone; what was told of it
    is not."""
    api = lab.vmnd.api
    town.vm("late", "wire", "h1", "10.9.0.41", labels=BANK)
    wait_told("a sample", lambda: ask_in_vain(town, "late", "10.9.0.21", 81),
              lambda: api.get("drops", port="late")["samples"])
    lab.remove_vm(lab.vm("late").name)
    town.own_vms.remove("late")
    api.delete("ports/late", wait="installed")
    shop.may("PUT", "ports/late", {"labels": SHOP, "network": "wire"})
    try:
        assert api.get("drops", port="late")["samples"]
        found = samples(shop, port="late", background="true")
        assert found["samples"] == [] and found["samples_matching"] == 0
        assert found["counters"] == []
        unnamed(found)
    finally:
        api.delete("ports/late")


# Logs.  ----------------------------------------------------------------------

def test_read_others_logs(tenants, shop, town):
    """A log is its policy's owner's."""
    def logged(tenant):
        status, answer = tenant.call("GET", "logs")
        assert status == 200, answer
        return answer

    bank = wait_told("the bank's log", lambda: ask_in_vain(
        town, "shop-1", "10.9.0.23", 81), lambda: [
            e for e in logged(tenants["bank"])["items"]
            if e["src"].get("ip") == "10.9.0.11"])[-1]
    assert bank["object"]["name"] == "bank-in" and bank["rule"] == 0
    assert bank["src"]["port"] == HIDDEN and bank["dst"]["port"] == "bank-3"
    wait_told("the shop's log", lambda: ask_in_vain(
        town, "bank-2", "10.9.0.12", 81), lambda: logged(shop)["items"])
    mine = logged(shop)
    unnamed(mine)
    assert {e["object"]["name"] for e in mine["items"]} == {"shop-in"}
    assert {r["policy"] for r in mine["rules"]} <= {"shop-in"}


def call_slowly(tenant, body):
    """A live trace, as soon as the account's rate allows another one."""
    said = []
    wait_for("the account's rate", lambda: said.append(
        tenant.call("POST", "live-trace", body)) or said[-1][0] != 429, 30)
    return said[-1]


def test_send_by_live_traces_as_others_and_learn_what_is_theirs(lab, shop,
                                                                town):
    """A packet is sent as one's own guest alone, by who may change its port,
    and the reply tells how it ended: neither by which hosts and stages it
    went, nor whose flows it met.  Of one that cannot be followed, nothing."""
    viewer = make_tenant(lab, "gazer", role="viewer", scope="project=shop",
                         reads="shared=yes")
    assert viewer.call("POST", "live-trace", asks("10.9.0.12"))[0] == 403
    for name in "bank-1", "nobody":
        status, answer = call_slowly(shop, asks("10.9.0.12", source=name))
        assert status == 400, answer
    status, answer = call_slowly(shop, asks("10.9.0.12", source="clock"))
    assert status == 403, answer
    for to, port, verdict in (("10.9.0.21", 80, "delivered"),
                              ("10.9.0.22", 81, "dropped"),
                              ("10.9.0.22", 82, "dropped"),
                              ("10.9.0.100", 80, "delivered")):
        status, answer = call_slowly(shop, asks(to, port, timeout=30))
        assert status == 200 and answer["agrees"], answer
        assert answer["seen"]["verdict"] == verdict, answer
        assert answer["stages"] == [] and "packet" not in answer
        assert not answer["changing"], answer
        for end in "seen", "predicted":
            assert set(answer[end]) <= {"verdict", "reason"}, answer
        unnamed(json.dumps(answer).replace('"shop-', ""))
        assert '"h1"' not in json.dumps(answer).replace(
            '"host": "h1"', "", 1 if answer["from"].get("host") else 0)
    # Where hosts are not connected, that is not told.
    lab.host("h2").stop_switch()
    try:
        wait_for("h2 to be away", lambda: town.api.get("hosts/h2")["status"]
                 ["state"] not in ("synced", "syncing"), 30)
        status, answer = call_slowly(shop, asks("10.9.0.21"))
        assert status == 503 and answer["detail"] \
            == "this packet cannot be followed now", answer
    finally:
        lab.host("h2").start()  # With its tunnels' address, which is gone.
        lab.await_synced()


def test_send_by_live_traces_from_outside_and_learn_by_whom_they_leave(shop,
                                                                      town):
    """What one's own guest sends to outside is told of as to end there: not by
    whose address and host.  As from outside, where one may be anybody, nobody
    with a scope sends."""
    town.provider_hosts_are("h1")
    gateway = "198.51.7.1"
    try:
        town.put("networks", "bank-out", labels={"shared": "yes"}, provider={
            "physical": "dc", "vlan": 37}, subnets=[
            {"cidr": "198.51.7.0/24", "gateway": gateway}])
        town.put("routers", "bank-r", labels=BANK, interfaces=[
            {"network": "wire", "addresses": ["10.9.0.201"]}],
            external={"network": "bank-out", "addresses": ["198.51.7.9"],
                      "gateways": [{"host": "h1"}]})
        town.put("floating-ips", "shop-f", labels=SHOP, router="bank-r",
                 ip="198.51.7.20", port="shop-1")
        town.outside("bank-gw", gateway + "/24", vlan=37)
        mac = town.api.get("routers/bank-r")["status"]["mac"]
        wait_for("the gateway's neighbour to be known", lambda: call_slowly(
            shop, asks(gateway, timeout=1, destination_mac=mac))[1]
            .get("agrees"), 60)
        status, answer = call_slowly(shop, asks(
            gateway, timeout=30, destination_mac=mac))
        assert status == 200 and answer["agrees"], answer
        for end in "seen", "predicted":
            assert answer[end] == {"verdict": "delivered",
                                   "where": "outside"}, answer
        unnamed(answer, "198.51.7.20", "198.51.7.9", "@dc")
        body = asks("shop-1", source="outside", timeout=30)
        status, answer = call_slowly(shop, dict(body, source_ip=gateway))
        assert status == 403, answer
        assert answer["errors"][0]["pointer"] == "/from", answer
        assert town.api.call("POST", "/v1/live-trace", body)["seen"][
            "port"] == "shop-1"
    finally:
        for kind in "floating-ips", "routers", "networks":
            for item in town.api.get(kind)["items"]:
                if item["name"] in ("shop-f", "bank-r", "bank-out"):
                    town.delete(kind, item["name"])
