# SPDX-License-Identifier: Apache-2.0
"""Policies: who may speak with whom, and what becomes of open
connections."""

import struct
import time

import pytest
from conftest import cut, entry, rule, userspace_only

from vmnlab import frames, traffic
from vmnlab.netns import wait_for

HTTP = entry("tcp", 80)


@pytest.fixture
def trio(world):
    """A client and two servers on three hosts; groups by their role."""
    world.network("net")
    ports = {"tcp": [80, 81, 443, 8000, 8010, 8011], "udp": [53, 54]}
    vms = [world.vm("cli", "net", "h1", "10.0.0.1", labels={"role": "cli"},
                    **ports),
           world.vm("srv", "net", "h2", "10.0.0.2", labels={"role": "srv"},
                    **ports),
           world.vm("oth", "net", "h1", "10.0.0.3", labels={"role": "oth"},
                    **ports)]
    for role in ("cli", "srv", "oth"):
        world.group(role, "role=" + role)
    for a in vms:
        for b in vms:
            assert a is b or world.reaches(a, b)
    return vms


# What is allowed.  ---------------------------------------------------------

def test_ingress_rule_lets_in_only_what_it_names(world, trio):
    cli, srv, oth = trio
    world.policy("p", "srv", rule("ingress", "allow", ["cli"], [HTTP]))
    assert world.reaches(cli, srv, 80)
    assert world.blocked(cli, srv, 81)
    assert world.blocked(cli, srv, 53, "udp")
    assert world.blocked(cli, srv, 0, "icmp")
    assert world.blocked(oth, srv, 80)
    # The other direction and other VMs are left alone.
    assert world.reaches(srv, cli, 80)
    assert world.reaches(oth, cli, 80)


def test_egress_rule_lets_out_only_what_it_names(world, trio):
    cli, srv, oth = trio
    world.policy("p", "cli", rule("egress", "allow", ["srv"], [HTTP]))
    assert world.reaches(cli, srv, 80)
    assert world.blocked(cli, srv, 81)
    assert world.blocked(cli, oth, 80)
    assert world.reaches(srv, cli, 81)
    assert world.reaches(oth, srv, 81)


def test_both_sides_have_to_allow(world, trio):
    cli, srv, _ = trio
    world.policy("in", "srv", rule("ingress", "allow", ["cli"], [HTTP]))
    world.policy("out", "cli", rule("egress", "allow", ["srv"],
                                    [entry("tcp", 81)]))
    assert world.blocked(cli, srv, 80)
    assert world.blocked(cli, srv, 81)
    world.policy("out", "cli", rule("egress", "allow", ["srv"], [HTTP]))
    assert world.reaches(cli, srv, 80)
    assert world.blocked(cli, srv, 81)


def test_rules_hold_on_one_host_as_between_two(world, trio):
    cli, _, oth = trio          # Both on h1.
    world.policy("p", "oth", rule("ingress", "allow", ["cli"], [HTTP]))
    assert world.reaches(cli, oth, 80)
    assert world.blocked(cli, oth, 81)


def test_ports_and_ranges(world, trio):
    cli, srv, _ = trio
    world.policy("p", "srv", rule("ingress", "allow", ["cli"], [
        entry("tcp", 81, "8000-8010")]))
    for port in (81, 8000, 8010):
        assert world.reaches(cli, srv, port)
    for port in (80, 443, 8011):
        assert world.blocked(cli, srv, port)


def test_named_service_and_its_change(world, trio):
    cli, srv, _ = trio
    world.put("services", "web", entries=[HTTP, entry("udp", 53)])
    world.policy("p", "srv", rule("ingress", "allow", ["cli"],
                                  [{"service": "web"}]))
    assert world.reaches(cli, srv, 80)
    assert world.reaches(cli, srv, 53, "udp")
    assert world.blocked(cli, srv, 54, "udp")
    world.put("services", "web", entries=[entry("udp", 54)])
    assert world.reaches(cli, srv, 54, "udp")
    assert world.blocked(cli, srv, 80)


@pytest.mark.parametrize("protocol,port", [("udp", 53), ("icmp", 0)])
def test_protocol_alone(world, trio, protocol, port):
    cli, srv, _ = trio
    world.policy("p", "srv", rule("ingress", "allow", ["cli"],
                                  [entry(protocol)]))
    assert world.reaches(cli, srv, port, protocol)
    for other, number in (("tcp", 80), ("udp", 53), ("icmp", 0)):
        if other != protocol:
            assert world.blocked(cli, srv, number, other)


def test_icmp_type(world, trio):
    cli, srv, _ = trio
    world.policy("p", "srv", rule("ingress", "allow", ["cli"],
                                  [entry("icmp", icmp_type=13)]))
    assert world.blocked(cli, srv, 0, "icmp")
    world.policy("p", "srv", rule("ingress", "allow", ["cli"],
                                  [entry("icmp", icmp_type=8)]))
    assert world.reaches(cli, srv, 0, "icmp")


def test_icmp_code(world, trio):
    cli, srv, _ = trio
    world.policy("p", "srv", rule("ingress", "allow", ["cli"],
                                  [entry("icmp", icmp_type=8, icmp_code=1)]))
    assert world.blocked(cli, srv, 0, "icmp")
    world.policy("p", "srv", rule("ingress", "allow", ["cli"],
                                  [entry("icmp", icmp_type=8, icmp_code=0)]))
    assert world.reaches(cli, srv, 0, "icmp")


def sctp_arrives(a, b, src_port, dst_port):
    """Whether SCTP arrives, sent thrice with UDP behind it that may pass."""
    pair = (b.mac, a.mac, a.ip, b.ip)
    with frames.Capture(b.ns) as seen:
        for i in range(3):
            mark = b"behind %d" % i
            frames.send(a, frames.sctp(*pair, src_port, dst_port),
                        frames.udp(*pair, 1000, 9, mark))
            assert seen.wait(lambda f, mark=mark: mark in f, 10)
        found = [frames.parse(f) for f in seen.read()]
    return any(f.get("protocol") == 132 and f["src_ip"] == a.ip
               for f in found)


@userspace_only
def test_sctp_by_raw_packets(world, trio):
    cli, srv, oth = trio
    behind = entry("udp", 9)
    world.policy("in", "srv", rule("ingress", "allow", ["cli"],
                                   [entry("sctp", "5000-5001"), behind]),
                 rule("ingress", "allow", ["oth"], [behind]))
    world.policy("back", "cli", rule("ingress", "allow", ["srv"], [behind]))
    assert not sctp_arrives(cli, srv, 40000, 5002)
    assert not sctp_arrives(oth, srv, 40000, 5001)
    assert sctp_arrives(cli, srv, 40000, 5001)
    assert not sctp_arrives(cli, srv, 40000, 5002)
    # What goes back is judged by itself: this conntrack, which sees but the
    # two addresses, is not asked.
    assert not sctp_arrives(srv, cli, 5001, 40000)
    world.policy("back", "cli", rule("ingress", "allow", ["srv"], [
        behind, entry("sctp", "32768-60999")]))
    world.revalidated()
    assert sctp_arrives(srv, cli, 5001, 40000)
    assert not sctp_arrives(srv, cli, 5001, 5002)


def error_arrives(a, b, port, about, seconds=20):
    """Whether an ICMP error of 'a' arrives at 'b' within 'seconds' that quotes
    a packet from UDP port 'port' of 'b' to 'about', port 53."""
    quoted = frames.udp(about.mac, b.mac, b.ip, about.ip, port, 53, b"")[14:]
    text = struct.pack("!BBHI", 3, 3, 0, 0) + quoted
    text = text[:2] + struct.pack("!H", traffic.checksum(text)) + text[4:]
    with frames.Capture(b.ns) as capture:
        frames.send(a, frames.ipv4(b.mac, a.mac, a.ip, b.ip, 1, text))
        return capture.wait(
            lambda f: frames.parse(f).get("protocol") == 1
            and frames.parse(f)["src_ip"] == a.ip
            and frames.parse(f)["payload"][0] == 3, seconds) is not None


def test_errors_are_judged_as_what_they_are_about(world, trio):
    cli, srv, oth = trio
    held = world.held(cli, srv, 53, "udp")
    port = held.sock.getsockname()[1]
    assert error_arrives(srv, cli, port, srv)
    assert error_arrives(oth, cli, port, srv)

    # They need no rule of their own, and others have no part in it.
    world.policy("p", "cli", rule("egress", "allow", ["srv"],
                                  [entry("udp", 53)]),
                 directions=["ingress", "egress"])
    assert error_arrives(srv, cli, port, srv)
    assert world.never(lambda: error_arrives(oth, cli, port, srv, 0.8))

    world.patch("ports", "srv", quarantined=True)
    assert world.never(lambda: error_arrives(srv, cli, port, srv, 0.8))
    held.close()


def test_everything_from_everyone(world, trio):
    cli, srv, oth = trio
    world.policy("p", "srv", rule("ingress", "allow"))
    assert world.reaches(cli, srv, 81)
    assert world.reaches(oth, srv, 53, "udp")
    assert world.reaches(oth, srv, 0, "icmp")


def test_cidr_peers(world, trio):
    cli, srv, oth = trio
    world.policy("p", "srv", rule("ingress", "allow", ["10.0.0.0/31"],
                                  [HTTP]))
    assert world.reaches(cli, srv, 80)
    assert world.blocked(oth, srv, 80)
    world.policy("p", "srv", rule("ingress", "allow", ["10.0.0.3/32"]))
    assert world.reaches(oth, srv, 80)
    assert world.blocked(cli, srv, 80)
    world.policy("p", "cli", rule("egress", "allow", ["10.0.0.2/31"]))
    assert world.reaches(cli, oth, 80)
    assert world.reaches(cli, srv, 80)


def test_cidrs_in_a_group(world, trio):
    cli, srv, oth = trio
    world.group("some", cidrs=["10.0.0.3/32"])
    world.policy("p", "srv", rule("ingress", "allow", ["some"], [HTTP]))
    assert world.reaches(oth, srv, 80)
    assert world.blocked(cli, srv, 80)
    world.group("some", cidrs=["10.0.0.1/32"])
    assert world.reaches(cli, srv, 80)
    assert world.blocked(oth, srv, 80)


# What is denied.  ----------------------------------------------------------

def test_first_rule_that_matches_decides(world, trio):
    cli, srv, oth = trio
    deny = rule("ingress", "deny", ["cli"], [HTTP])
    allow = rule("ingress", "allow")
    world.policy("p", "srv", deny, allow)
    assert world.blocked(cli, srv, 80)
    assert world.reaches(cli, srv, 81)
    assert world.reaches(oth, srv, 80)
    world.policy("p", "srv", rule("ingress", "allow", [], [HTTP]),
                 rule("ingress", "deny", ["cli"]))
    assert world.reaches(cli, srv, 80)
    assert world.blocked(cli, srv, 81)


def test_rules_take_turns(world, trio):
    cli, srv, oth = trio
    world.policy("p", "srv",
                 rule("ingress", "allow", ["cli"], [entry("tcp", 8010)]),
                 rule("ingress", "deny", [], [entry("tcp", "8000-8010")]),
                 rule("ingress", "allow", ["cli"]),
                 rule("ingress", "deny"))
    assert world.reaches(cli, srv, 8010)
    assert world.reaches(cli, srv, 8011)
    assert world.blocked(cli, srv, 8000)
    assert world.blocked(oth, srv, 8011)


def test_lower_priority_number_comes_first(world, trio):
    cli, srv, _ = trio
    world.policy("allow", "srv", rule("ingress", "allow"), priority=500)
    assert world.reaches(cli, srv, 80)
    world.policy("deny", "srv", rule("ingress", "deny", ["cli"]),
                 priority=400)
    assert world.blocked(cli, srv, 80)
    world.policy("deny", "srv", rule("ingress", "deny", ["cli"]),
                 priority=600)
    assert world.reaches(cli, srv, 80)


def test_earlier_tier_comes_first(world, trio):
    cli, srv, oth = trio
    world.policy("allow", "srv", rule("ingress", "allow"), priority=0)
    world.policy("deny", "srv", rule("ingress", "deny", ["cli"], [HTTP]),
                 tier="security", priority=999)
    assert world.blocked(cli, srv, 80)
    assert world.reaches(cli, srv, 81)
    assert world.reaches(oth, srv, 80)


def test_pass_leaves_the_rest_of_the_tier(world, trio):
    cli, srv, oth = trio
    world.policy("first", "srv", rule("ingress", "pass", ["cli"]),
                 rule("ingress", "deny"), tier="security")
    assert world.reaches(cli, srv, 80)
    assert world.blocked(oth, srv, 80)


def test_default_deny(world):
    world.network("net", default="deny")
    a = world.vm("a", "net", "h1", "10.0.0.1", tcp=[80],
                 labels={"role": "a"})
    b = world.vm("b", "net", "h2", "10.0.0.2", tcp=[80],
                 labels={"role": "b"})
    world.group("a", "role=a")
    world.group("b", "role=b")
    assert world.blocked(a, b)
    assert world.blocked(a, b, 0, "icmp")
    world.policy("out", "a", rule("egress", "allow", ["b"], [HTTP]))
    world.policy("in", "b", rule("ingress", "allow", ["a"], [HTTP]))
    assert world.reaches(a, b)
    assert world.blocked(a, b, 0, "icmp")
    assert world.blocked(b, a)
    # What policies isolate, they still do; the rest opens.
    c = world.vm("c", "net", "h3", "10.0.0.3", tcp=[80])
    assert world.blocked(b, c)
    world.patch("networks", "net", default="allow")
    assert world.reaches(b, c)
    assert world.blocked(a, c)


def test_policy_without_rules_isolates(world, trio):
    cli, srv, _ = trio
    world.policy("p", "srv", directions=["ingress"])
    assert world.blocked(cli, srv)
    assert world.reaches(srv, cli)
    world.policy("p", "srv", directions=["ingress", "egress"])
    assert world.blocked(srv, cli)


# Time.  ---------------------------------------------------------------------

def utc(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def test_rules_are_valid_in_their_windows(world, trio):
    """One ends when the other begins: what was open is cut, too."""
    cli, srv, _ = trio
    margin = 8
    while True:
        change = int(time.time()) + margin
        world.policy("p", "srv", {
            **rule("ingress", "allow", ["cli"], [HTTP]),
            "windows": [{"not_after": utc(change)}]}, {
            **rule("ingress", "allow", ["cli"], [entry("tcp", 81)]),
            "windows": [{"not_before": utc(change)}]})
        held = None
        try:
            before = world.reaches(cli, srv, 80), world.blocked(cli, srv, 81)
            held = world.held(cli, srv, 80)
            outside = [r.get("outside", False) for r in world.api.get(
                "policies/p")["status"]["rules"]]
        except (AssertionError, OSError):
            if time.time() < change:
                raise
        if time.time() < change:
            break
        # It was not in time to see how it was before.
        if held:
            held.close()
        margin *= 2
    assert before == (True, True)
    assert outside == [False, True]
    wait_for("the second rule", lambda: traffic.ask(cli, srv.ip, 81, "tcp", 1),
             margin + 30)
    world.settle()
    assert world.blocked(cli, srv, 80)
    assert cut(held)
    held.close()
    assert [r.get("outside", False) for r in world.api.get(
        "policies/p")["status"]["rules"]] == [True, False]


# Open connections.  --------------------------------------------------------

def allow_http(world):
    world.policy("p", "srv", rule("ingress", "allow", ["cli"], [
        HTTP, entry("udp", 53)]))


@pytest.mark.parametrize("protocol,port", [("tcp", 80), ("udp", 53)])
def test_removed_rule_cuts_open_connections(world, trio, protocol, port):
    cli, srv, _ = trio
    allow_http(world)
    held = world.held(cli, srv, port, protocol)
    world.policy("p", "srv", rule("ingress", "allow", ["cli"],
                                  [entry("tcp", 443)]))
    assert cut(held)
    # Put back, it works at once.
    allow_http(world)
    assert held.again()
    held.close()


@pytest.mark.parametrize("protocol,port", [("tcp", 80), ("udp", 53)])
def test_stream_that_only_the_server_sends_is_cut(world, trio, protocol,
                                                  port):
    """Replies are judged by the same rules as requests."""
    cli, srv, _ = trio
    allow_http(world)
    held = world.held(cli, srv, port, protocol)
    held.sock.send(b"stream\n")
    assert held.line(10)
    world.policy("p", "srv", rule("ingress", "allow", ["cli"],
                                  [entry("tcp", 443)]))
    assert cut(held, ask=False)
    held.close()


@pytest.mark.parametrize("protocol,port", [("tcp", 80), ("udp", 53)])
def test_removed_egress_rule_cuts_the_servers_stream(world, trio, protocol,
                                                     port):
    cli, srv, _ = trio
    world.policy("p", "cli", rule("egress", "allow", ["srv"]))
    held = world.held(cli, srv, port, protocol)
    held.sock.send(b"stream\n")
    assert held.line(10)
    world.policy("p", "cli", rule("egress", "allow", ["oth"]))
    assert cut(held, ask=False)
    held.close()


def test_added_deny_cuts_and_its_removal_restores(world, trio):
    cli, srv, oth = trio
    held = world.held(cli, srv)
    bystander = world.held(oth, srv)
    world.policy("p", "srv", rule("ingress", "deny", ["cli"]),
                 tier="emergency")
    assert cut(held)
    assert bystander.exchange(seconds=20)
    world.delete("policies", "p")
    assert held.again()
    held.close()
    bystander.close()


def test_replies_need_no_rule_of_their_own(world, trio):
    cli, srv, _ = trio
    world.policy("in", "srv", rule("ingress", "allow", ["cli"], [HTTP]),
                 directions=["ingress", "egress"])
    world.policy("out", "cli", rule("egress", "allow", ["srv"], [HTTP]),
                 directions=["ingress", "egress"])
    assert world.reaches(cli, srv, 80)
    assert world.blocked(srv, cli, 80)
    held = world.held(cli, srv)
    assert all(held.exchange(seconds=20) for _ in range(10))
    held.close()


def test_quarantine_cuts_both_ways_and_ends(world, trio):
    cli, srv, oth = trio
    held = world.held(cli, srv)
    back = world.held(srv, cli, 81)
    world.patch("ports", "srv", quarantined=True)
    assert cut(held)
    assert cut(back)
    assert world.blocked(cli, srv)
    assert world.blocked(srv, cli)
    assert world.reaches(cli, oth)
    world.patch("ports", "srv", quarantined=False)
    assert world.reaches(cli, srv)
    assert world.reaches(srv, cli)
    held.close()
    back.close()


def test_quarantine_lets_in_only_whom_it_lists_and_gives_back_what_was(
        world, trio):
    cli, srv, oth = trio
    world.policy("p", "srv", rule("ingress", "allow", ["cli"], [HTTP]))
    held = world.held(cli, srv)
    spy = {"direction": "ingress", "peers": [{"group": "oth"}],
           "services": [entry("tcp", 81)]}
    world.put("quarantines", "q", selector="role=srv", allow=[spy])
    assert cut(held)
    assert world.blocked(cli, srv)
    # No policy has to let forensics in; but nothing else gets either way.
    forensics = world.held(oth, srv, 81)
    assert world.blocked(oth, srv, 80)
    assert world.blocked(srv, oth, 81)
    # What any of several lists, gets through.
    world.put("quarantines", "r", ports=["srv"], allow=[
        {"direction": "egress", "services": [entry("udp", 53)]}])
    assert world.reaches(srv, cli, 53, "udp")
    assert forensics.again()
    assert world.api.get("ports/srv")["status"]["quarantines"] == ["q", "r"]
    assert world.api.get("quarantines/q")["status"]["members"] == ["srv"]
    # The list holds for open connections as well.
    world.patch("quarantines", "q", allow=[])
    assert cut(forensics)
    world.delete("quarantines", "r")
    assert world.blocked(srv, cli, 53, "udp")
    world.delete("quarantines", "q")
    assert held.again()
    assert world.blocked(oth, srv, 81)
    assert "quarantines" not in world.api.get("ports/srv")["status"]
    held.close()
    forensics.close()


def test_identities_say_who_ports_are(world, trio):
    def identities(**query):
        answer = world.api.get("identities", **query)
        return answer, {",".join(i["groups"]): i for i in answer["items"]}

    world.vm("cl2", "net", "h3", "10.0.0.4", labels={"role": "cli"})
    world.put("quarantines", "q", ports=["oth"])
    _, found = identities(network="net")
    assert sorted(found) == ["cli", "oth", "srv"]
    assert found["cli"]["ports"] == ["cl2", "cli"]
    assert found["cli"]["n_ports"] == 2 and not found["cli"]["quarantined"]
    assert found["oth"]["quarantines"] == ["q"] and found["oth"]["quarantined"]
    assert {i["network"] for i in found.values()} == {"net"}
    # A page goes on behind the number at which the last one ended.
    numbers = sorted(i["number"] for i in found.values())
    page, _ = identities(limit=2)
    assert [i["number"] for i in page["items"]] == numbers[:2]
    page, _ = identities(limit=2, after=page["next"])
    assert [i["number"] for i in page["items"]] == numbers[2:]
    assert "next" not in page


# Membership.  --------------------------------------------------------------

def test_label_decides(world, trio):
    """A port that gets a label gets its rights; one that loses it loses them,
    for open connections too."""
    cli, srv, oth = trio
    allow_http(world)
    assert world.blocked(oth, srv)
    world.patch("ports", "oth", labels={"role": "cli"})
    held = world.held(oth, srv)
    world.patch("ports", "oth", labels={"role": None})
    assert cut(held)
    assert world.blocked(oth, srv)
    assert world.reaches(cli, srv)
    held.close()


def test_label_of_the_protected_side_decides(world, trio):
    cli, srv, oth = trio
    allow_http(world)
    assert world.reaches(cli, oth, 81)
    world.patch("ports", "oth", labels={"role": "srv"})
    assert world.blocked(cli, oth, 81)
    assert world.reaches(cli, oth, 80)
    world.patch("ports", "oth", labels={"role": "oth"})
    assert world.reaches(cli, oth, 81)


def test_ports_listed_by_name(world, trio):
    cli, srv, oth = trio
    world.group("named", ports=["oth"])
    world.policy("p", "srv", rule("ingress", "allow", ["named"]))
    assert world.reaches(oth, srv)
    assert world.blocked(cli, srv)
    world.group("named", ports=["oth", "cli"])
    assert world.reaches(cli, srv)


def test_selector_change(world, trio):
    cli, srv, oth = trio
    allow_http(world)
    world.group("cli", "role in (cli,oth)")
    assert world.reaches(oth, srv)
    world.group("cli", "role=oth")
    assert world.blocked(cli, srv)


def test_groups_of_another_network_do_not_count(world, trio):
    """A rule that names a group concerns its members in the same network."""
    cli, srv, _ = trio
    world.network("two")
    twin = world.vm("twin", "two", "h1", "10.0.0.1", labels={"role": "cli"})
    far = world.vm("far", "two", "h2", "10.0.0.2", labels={"role": "srv"},
                   tcp=[80, 81])
    allow_http(world)
    assert world.reaches(twin, far, 80)
    assert world.blocked(twin, far, 81)
    assert world.answers(twin, "10.0.0.2") == "far"
    assert world.answers(cli, "10.0.0.2") == "srv"


def test_moved_vm_keeps_its_rights(world, trio):
    cli, srv, oth = trio
    allow_http(world)
    held = world.held(cli, srv)
    for vm, host in (("srv", "h3"), ("cli", "h2"), ("srv", "h2")):
        world.lab.move(vm, host)
        world.lab.await_ports([vm])
        assert world.reaches(cli, srv)
        assert world.blocked(oth, srv)
        assert world.blocked(cli, srv, 81)
        assert held.again()
    held.close()


def test_large_datagrams_pass_in_fragments(world, trio):
    cli, srv, _ = trio
    allow_http(world)
    held = traffic.Connection(cli, srv.ip, 53, "udp")
    # Nobody sends a datagram again that is lost.
    wait_for("an answer", lambda: held.exchange("x" * 4000, 5))
    held.close()
