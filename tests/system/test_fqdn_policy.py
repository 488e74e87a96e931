# SPDX-License-Identifier: Apache-2.0
"""Rules about names in DNS, which a server in the lab answers for."""

import socket
import sqlite3
import struct
import threading

import pytest
from conftest import World, check_log, close_lab, make_token_lab, rule
from tenants import PORT, SHOP, make_tenant

from vmnlab import netns
from vmnlab.api import Refused
from vmnlab.netns import wait_for

DNS_PORT = 5353
A, AAAA, CNAME = 1, 28, 5
NAME = "api.example.com"


class Names:
    """A DNS server beside vmnd.  'records' has addresses and aliases of
    names; 'rcode' is what it answers instead, if it is not 0.  It answers
    nothing while it is 'silent'."""

    def __init__(self, ns):
        self.records = {}
        self.rcode = 0
        self.silent = False
        self.ttl = 1
        self.asked = []
        self.forged = []        # What a forger says that a name has.
        self.socket = netns.socket_in(ns, socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(0.2)
        self.elsewhere = netns.socket_in(ns, socket.AF_INET,
                                         socket.SOCK_DGRAM)
        self.ended = threading.Event()
        self.socket.bind(("127.0.0.1", DNS_PORT))
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def close(self):
        self.ended.set()
        self.thread.join(10)
        self.socket.close()
        self.elsewhere.close()

    def run(self):
        while not self.ended.is_set():
            try:
                query, peer = self.socket.recvfrom(4096)
            except socket.timeout:
                continue
            if self.silent:
                continue
            if self.forged:
                self.forge(query, peer)
            self.socket.sendto(self.answer(query), peer)

    def forge(self, query, peer):
        """Answers before the server does: as from it with a wrong ID, and
        with the right one from elsewhere."""
        true, self.records = self.records, {NAME: self.forged}
        wrong = self.answer(query)
        self.records = true
        self.socket.sendto(bytes([wrong[0] ^ 1]) + wrong[1:], peer)
        self.elsewhere.sendto(wrong, peer)

    def answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
            at += 1 + query[at]
        kind, = struct.unpack_from("!H", query, at + 1)
        name = ".".join(labels)
        self.asked.append((name, kind))
        found = []
        while isinstance(self.records.get(name), str):
            found.append((name, CNAME, wire(self.records[name])))
            name = self.records[name]
        for ip in self.records.get(name, ()):
            family = socket.AF_INET6 if ":" in ip else socket.AF_INET
            if (kind == AAAA) == (":" in ip):
                found.append((name, kind, socket.inet_pton(family, ip)))
        rcode = self.rcode or (0 if name in self.records else 3)
        if rcode:
            found = []
        return (query[:2] + struct.pack("!HHHHH", 0x8180 | rcode, 1,
                                        len(found), 0, 0)
                + query[12:at + 5]
                + b"".join(wire(name) + struct.pack("!HHIH", kind, 1,
                                                    self.ttl, len(data)) + data
                           for name, kind, data in found))


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode()
                    for label in name.split(".")) + b"\0"


@pytest.fixture(scope="module")
def module_lab(tmp_path_factory):
    lab = make_token_lab(
        "fqd", 2, tmp_path_factory.mktemp("api"), PORT,
        "--resolvers=127.0.0.1@%d" % DNS_PORT, "--fqdn-min-ttl=1",
        "--fqdn-grace=1")
    yield lab
    close_lab(lab)


@pytest.fixture(scope="module")
def dns(module_lab):
    names = Names(module_lab.net_ns)
    yield names
    names.close()


@pytest.fixture(scope="module")
def trio(module_lab):
    """A client on one host, two servers on the other."""
    world = World(module_lab)
    world.network("net", "10.0.0.0/24", "fd00::/64")
    vms = [world.vm(name, "net", host, ["10.0.0.%d" % i, "fd00::%d" % i],
                    labels={"role": name}, tcp=[80])
           for i, (name, host) in enumerate((("cli", "h1"), ("srv", "h2"),
                                             ("oth", "h2")), 1)]
    world.group("cli", "role=cli")
    yield (world, *vms)
    world.close()
    check_log(module_lab.vmnd)


@pytest.fixture
def allowed(trio, dns):
    """The client may reach nothing but NAME, which is the first server."""
    world, cli, srv, oth = trio
    dns.records.clear()
    dns.rcode = 0
    dns.ttl = 1
    dns.records[NAME] = ["10.0.0.2", "fd00::2"]
    world.policy("out", "cli", to_name(NAME))
    yield trio
    world.delete("policies", "out")
    world.made.remove(("policies", "out"))
    wait_for("the row to go", lambda: not rows(world))


def to_name(*names):
    found = rule("egress", "allow")
    found["peers"] = [{"fqdn": name} for name in names]
    return found


def rows(world):
    vmnd = world.lab.vmnd
    one = vmnd.writer() if hasattr(vmnd, "writer") else vmnd
    with sqlite3.connect("file:%s?mode=ro" % one.db, uri=True) as db:
        return db.execute("SELECT name FROM fqdns").fetchall()


def known(world, name=NAME):
    """What the policy's status says of a name."""
    found = world.api.get("policies/out")["status"]["fqdns"]
    return {f["name"]: f for f in found}[name]


def await_state(world, state, name=NAME):
    wait_for("%s to be %s" % (name, state),
             lambda: known(world, name)["state"] == state, 60)


def await_ips(world, *ips, name=NAME):
    wait_for("the addresses of " + name,
             lambda: set(known(world, name)["ips"]) == set(ips), 60)


def test_what_a_name_resolves_to_is_allowed(allowed):
    world, cli, srv, oth = allowed
    await_ips(world, "10.0.0.2", "fd00::2")
    assert known(world)["state"] == "resolved"
    assert known(world)["answered"]
    assert world.reaches(cli, srv)
    assert world.answers(cli, "fd00::2") == "srv"
    assert world.blocked(cli, oth)
    assert world.unanswered(cli, "fd00::3")
    found = world.api.call("POST", "/v1/trace", {
        "from": "cli", "to": "srv", "protocol": "tcp", "port": 80})
    assert found["verdict"] == "delivered", found
    assert "'out'" in str(found["outcomes"]), found


def test_accounts_with_a_scope_do_not_see_what_vmnd_is_told(allowed):
    world, *_ = allowed
    world.policy("out", "cli", to_name(NAME, "none.example.com"), labels=SHOP)
    await_ips(world, "10.0.0.2", "fd00::2")
    await_state(world, "no_name", "none.example.com")
    tenant = make_tenant(world.lab, "shop", scope="project=shop")
    policy = tenant.may("GET", "policies/out")
    assert policy["status"]["fqdns"] == [
        {"name": NAME, "state": "resolved", "ips": []},
        {"name": "none.example.com", "state": "pending", "ips": []}]
    world.api.delete("accounts/shop", cascade="true")


def test_addresses_follow_the_name_and_old_ones_leave(allowed, dns):
    world, cli, srv, oth = allowed
    assert world.reaches(cli, srv)
    dns.records[NAME] = ["10.0.0.3"]
    assert world.reaches(cli, oth)
    await_ips(world, "10.0.0.3")
    world.settle()
    assert world.blocked(cli, srv)
    assert world.unanswered(cli, "fd00::2")


def test_aliases_are_followed(allowed, dns):
    world, cli, srv, oth = allowed
    dns.records["edge.home.arpa"] = ["10.0.0.3"]
    dns.records["www.example.com"] = "edge.home.arpa"
    world.policy("out", "cli", to_name("www.example.com"))
    assert world.reaches(cli, oth)
    assert world.blocked(cli, srv)


def test_a_name_is_pending_until_it_is_answered(allowed, dns):
    """The reply says so, and warns that it is nobody by now."""
    world, cli, srv, _ = allowed
    dns.records["new.example.com"] = ["10.0.0.2"]
    dns.silent = True
    try:
        reply = world.put("policies", "out", applies_to=["cli"],
                          rules=[to_name("new.example.com")])
        assert known(world, "new.example.com")["ips"] == []
        [fqdn] = reply["status"]["fqdns"]
        assert (fqdn["name"], fqdn["state"]) == ("new.example.com", "pending")
        [warning] = [w for w in reply["warnings"] if "pointer" in w]
        assert warning["pointer"] == "/spec/rules/0/peers/0/fqdn"
        assert '"new.example.com" has no known address by now' in warning[
            "text"]
    finally:
        dns.silent = False
    await_state(world, "resolved", "new.example.com")
    assert world.reaches(cli, srv)


def test_what_was_known_is_kept_while_nobody_answers(allowed, dns):
    world, cli, srv, _ = allowed
    assert world.reaches(cli, srv)
    await_ips(world, "10.0.0.2", "fd00::2")
    dns.rcode = 2               # SERVFAIL
    await_state(world, "failing")
    assert known(world)["reason"]
    assert set(known(world)["ips"]) == {"10.0.0.2", "fd00::2"}
    assert world.reaches(cli, srv)
    # Also by a vmnd that has never had an answer.
    world.lab.vmnd.stop()
    world.lab.vmnd.start()
    world.lab.await_synced()
    await_state(world, "failing")
    assert set(known(world)["ips"]) == {"10.0.0.2", "fd00::2"}
    assert world.reaches(cli, srv)
    dns.rcode = 0
    await_state(world, "resolved")


def test_names_of_zones_are_known_without_asking(allowed):
    world, cli, srv, oth = allowed
    world.put("dns-zones", "shop", domain="shop.example", networks=["net"],
              records=[{"name": "db", "type": "CNAME",
                        "values": ["oth.shop.example"]}])
    world.policy("out", "cli", to_name("db.shop.example"))
    assert world.reaches(cli, oth)
    assert world.answers(cli, "fd00::3") == "oth"
    assert world.blocked(cli, srv)
    world.put("dns-zones", "shop", domain="shop.example", networks=["net"],
              records=[{"name": "db", "type": "A", "values": ["10.0.0.2"]}])
    assert world.reaches(cli, srv)
    assert world.blocked(cli, oth)
    world.delete("dns-zones", "shop")
    world.made.remove(("dns-zones", "shop"))
    assert world.blocked(cli, srv)


def test_a_name_that_does_not_exist_is_nobody(allowed, dns):
    world, cli, srv, oth = allowed
    world.policy("out", "cli", to_name("none.example.com"))
    await_state(world, "no_name", "none.example.com")
    assert world.blocked(cli, srv)
    dns.records["none.example.com"] = ["10.0.0.3"]
    assert world.reaches(cli, oth, seconds=60)


def test_addresses_are_bounded_and_answers_do_not_fill_the_log(allowed, dns):
    world, *_ = allowed
    dns.records[NAME] = ["198.51.100.%d" % i for i in range(1, 151)]
    await_state(world, "limited")
    assert len(known(world)["ips"]) == 100
    await_ips(world, *["198.51.100.%d" % i for i in range(1, 101)])
    before = world.api.get("status")["revision"]
    n = len(dns.asked)
    wait_for("more answers", lambda: len(dns.asked) > n + 3, 60)
    assert world.api.get("status")["revision"] == before


def test_forged_answers_are_not_taken(allowed, dns):
    world, *_ = allowed
    await_ips(world, "10.0.0.2", "fd00::2")
    dns.forged = ["10.0.0.3"]
    try:
        n = len(dns.asked)
        wait_for("more answers", lambda: len(dns.asked) > n + 4, 60)
        assert set(known(world)["ips"]) == {"10.0.0.2", "fd00::2"}
    finally:
        dns.forged = []


def test_dangerous_addresses_are_not_taken(allowed, dns):
    world, *_ = allowed
    dns.records[NAME] = ["169.254.169.254", "127.0.0.1", "10.0.0.3", "::1"]
    await_ips(world, "10.0.0.3")


# Wildcards.  ----------------------------------------------------------------

OUTSIDE = "198.51.100.7"        # The first server has it besides.
WILD = "*.example.com"


@pytest.fixture
def wild(allowed):
    """The client may reach what names below example.com are, and has a way to
    OUTSIDE."""
    world, cli, srv, _ = allowed
    world.patch("ports", "srv", allowed_addresses=[{"ip": OUTSIDE}])
    netns.ip(srv.ns, "addr replace %s/32 dev eth0" % OUTSIDE)
    netns.ip(cli.ns, "route replace %s/32 dev eth0" % OUTSIDE,
             "neigh replace %s lladdr %s dev eth0" % (OUTSIDE, srv.mac))
    world.policy("out", "cli", to_name(WILD))
    yield allowed
    netns.ip(srv.ns, "addr del %s/32 dev eth0" % OUTSIDE)
    world.patch("ports", "srv", allowed_addresses=[])


def ask(vm, name, server):
    """Has the VM ask a server for a name, whether it may or not."""
    with netns.socket_in(vm.ns, socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + wire(name)
                    + struct.pack("!HH", A, 1), (server, 53))


def learn(world, vm, name, server="10.0.0.3"):
    """Has the VM ask until the name is known: one packet may be lost."""
    def is_known():
        ask(vm, name, server)
        return name in known(world, WILD).get("names", [])
    wait_for("%s to be learned" % name, is_known, 60, step=0.5)


def test_names_of_a_wildcard_are_those_that_guests_ask_for(wild, dns):
    world, cli, srv, _ = wild
    dns.records["www.example.com"] = [OUTSIDE]
    dns.records["www.example.org"] = ["198.51.100.8"]
    assert known(world, WILD)["state"] == "pending"
    assert world.unanswered(cli, OUTSIDE)
    ask(cli, "www.example.org", "10.0.0.3")
    ask(cli, "WWW.Example.COM", "10.0.0.3")
    learn(world, cli, "www.example.com")
    await_ips(world, OUTSIDE, name=WILD)
    assert known(world, WILD)["names"] == ["www.example.com"]
    assert world.answers(cli, OUTSIDE) == "srv"
    assert "www.example.org" not in [name for name, _ in dns.asked]
    # What moves is followed.
    dns.records["www.example.com"] = ["198.51.100.9"]
    await_ips(world, "198.51.100.9", name=WILD)
    world.settle()
    assert world.unanswered(cli, OUTSIDE)


def test_questions_that_the_dns_app_passes_on_are_seen(wild, dns):
    """Those for a resolver that the network names, where it has a zone."""
    world, cli, *_ = wild
    dns.records["www.example.com"] = [OUTSIDE]
    world.patch("networks", "net", dhcp_options={"dns": ["10.0.0.3"]})
    world.put("dns-zones", "shop", domain="shop.example", networks=["net"])
    learn(world, cli, "www.example.com", server="10.0.0.3")
    await_ips(world, OUTSIDE, name=WILD)
    world.delete("dns-zones", "shop")
    world.made.remove(("dns-zones", "shop"))
    world.patch("networks", "net", dhcp_options=None)


def test_a_wildcard_opens_nothing_inside(wild, dns):
    world, cli, srv, _ = wild
    dns.records["in.example.com"] = ["10.0.0.2", "fd00::2", OUTSIDE]
    learn(world, cli, "in.example.com")
    await_ips(world, OUTSIDE, name=WILD)
    assert world.answers(cli, OUTSIDE) == "srv"
    assert world.blocked(cli, srv)
    assert world.unanswered(cli, "fd00::2")


def test_a_guest_cannot_say_what_a_name_is(wild, dns):
    """It may send answers as well as questions: vmnd asks for itself."""
    world, cli, srv, oth = wild
    dns.records["www.example.com"] = ["198.51.100.8"]
    forger = Names.__new__(Names)
    forger.records, forger.rcode, forger.ttl = {
        "www.example.com": [OUTSIDE]}, 0, 3600
    forger.asked = []
    question = (b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + wire("www.example.com")
                + struct.pack("!HH", A, 1))
    for sender, to in ((cli, "10.0.0.3"), (oth, "10.0.0.1")):
        for port in (53, 5353):
            with netns.socket_in(sender.ns, socket.AF_INET,
                                 socket.SOCK_DGRAM) as sock:
                sock.sendto(forger.answer(question), (to, port))
    learn(world, cli, "www.example.com")
    await_ips(world, "198.51.100.8", name=WILD)
    assert world.unanswered(cli, OUTSIDE)


def test_what_a_wildcard_has_learned_outlives_vmnd(wild, dns):
    world, cli, srv, _ = wild
    dns.records["www.example.com"] = [OUTSIDE]
    learn(world, cli, "www.example.com")
    await_ips(world, OUTSIDE, name=WILD)
    world.lab.vmnd.stop()
    assert world.answers(cli, OUTSIDE) == "srv"
    world.lab.vmnd.start()
    world.lab.await_synced()
    n = len(dns.asked)
    wait_for("it to be asked for again",
             lambda: ("www.example.com", A) in dns.asked[n:], 60)
    assert known(world, WILD)["names"] == ["www.example.com"]
    assert world.answers(cli, OUTSIDE) == "srv"


@pytest.mark.parametrize("peer, direction, action, text", [
    ("*.example.com", "ingress", "allow", "only for egress"),
    ("*.example.com", "egress", "deny", "get around"),
    ("a.*.example.com", "egress", "allow", "as its first part"),
    ("*.com", "egress", "allow", "two or more parts"),
    ("api.example.com.", "egress", "allow", "none at the end"),
    (NAME, "ingress", "allow", "only for egress"),
    (NAME, "egress", "deny", "get around"),
])
def test_what_cannot_be_is_refused(trio, peer, direction, action, text):
    world, *_ = trio
    wrong = dict(to_name(peer), direction=direction, action=action)
    with pytest.raises(Refused) as refused:
        world.api.put("policies/wrong", {"applies_to": ["cli"],
                                         "rules": [wrong]})
    assert text in str(refused.value)
    assert "fqdn" in str(refused.value)
