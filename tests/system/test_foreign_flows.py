# SPDX-License-Identifier: Apache-2.0
"""What somebody else does to a switch's flows and groups is found, named and
repaired, and nothing else is touched."""

import json
import re

import pytest
from conftest import (World, changes, check_log, close_lab, flows, make_lab,
                      entry, rule, wait_aged, wait_quiet)

from vmnlab import netns
from vmnlab.netns import wait_for
from vmnlab.stream import Streams

MARKER = "table=253,priority=65535"


def make_town(lab):
    """Something of each app on each host."""
    world = World(lab)
    world.network("net")
    for i in (1, 2):
        world.vm("v%d" % i, "net", "h%d" % i, "10.0.0.%d" % i, tcp=[80],
                 labels={"role": "r%d" % i})
        world.group("r%d" % i, "role=r%d" % i)
    world.policy("p", "r2", rule("ingress", "allow", ["r1"],
                                 [entry("tcp", 80), entry("udp", 9000)]))
    world.put("loadbalancers", "lb", vip="10.0.0.100", networks=["net"],
              ports=[{"port": 80}],
              backends=[{"port": "v1"}, {"port": "v2"}])
    assert world.reaches(lab.vm("v1"), lab.vm("v2"))
    return world


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("foreign", 2)
    yield lab
    close_lab(lab)


@pytest.fixture(scope="module")
def town(lab):
    world = make_town(lab)
    yield world
    world.close()
    check_log(lab.vmnd)


def appctl(lab, *args):
    return netns.run(["ovs-appctl", "-t", lab.vmnd.unixctl, *args])


def audit(lab, host):
    """Returns ((missing, altered, unknown), the differences in words)."""
    found = json.loads(appctl(lab, "fabric/audit", host.name))
    return ((found["missing"], found["altered"], found["unknown"]),
            "\n".join(found["differences"]))


def groups(host):
    """Returns {number: description} of a host's groups."""
    found = {}
    for line in host.ofctl("dump-groups", "br-int").splitlines():
        number = re.search(r"group_id=(\d+)", line)
        if number:
            found[int(number[1])] = line.strip()
    return found


def marker(host):
    """The cookie of the marker flow, or None."""
    found = re.search(r"cookie=(\w+),", host.ofctl(
        "dump-flows", "br-int", "table=253"))
    return found and found[1]


def one(host, table, text):
    """A flow of a table with 'text' in it."""
    return next(f for f in flows(host).values()
                if f.table == table and text in repr(f))


def add(host, flow, cookie=None, actions=None, more=""):
    """Puts 'flow' in again, with some of it changed."""
    host.ofctl("add-flow", "br-int", "cookie=%#x,table=%d,%s%s,actions=%s"
               % (flow.cookie if cookie is None else cookie, flow.table,
                  flow.match, more, actions or flow.actions))


def select_group(host):
    return next(n for n, text in groups(host).items()
                if "type=select" in text)


def remove_flow(host):
    flow = one(host, 3, "nw_src=10.0.0.1")
    host.ofctl("--strict", "del-flows", "br-int", "table=3," + flow.match)


def remove_all(host):
    host.ofctl("del-flows", "br-int")


def foreign_flow(host):
    host.ofctl("add-flow", "br-int",
               "table=0,priority=65535,in_port=99,actions=drop")


def foreign_flow_with_our_cookie(host):
    flow = one(host, 3, "nw_src=10.0.0.1")
    host.ofctl("add-flow", "br-int", "cookie=%#x,table=3,priority=101,ip,"
               "actions=drop" % flow.cookie)


def foreign_flow_in_an_unused_table(host):
    host.ofctl("add-flow", "br-int", "table=200,actions=normal")


def foreign_group(host):
    host.ofctl("add-group", "br-int",
               "group_id=4000000,type=all,bucket=actions=in_port")
    host.ofctl("add-flow", "br-int", "table=0,priority=9,in_port=98,"
               "actions=group:4000000")


def other_actions(host):
    flow = one(host, 64, "priority=300")
    host.ofctl("--strict", "mod-flows", "br-int", "table=64,%s,actions=drop"
               % flow.match)


def other_cookie(host):
    add(host, one(host, 64, "priority=300"), cookie=1)


def a_timeout(host):
    add(host, one(host, 64, "priority=300"), more=",hard_timeout=600")


def remove_group(host):
    host.ofctl("del-groups", "br-int", "group_id=%d" % select_group(host))


def other_buckets(host):
    host.ofctl("mod-group", "br-int", "group_id=%d,type=select,"
               "bucket=weight:1,actions=drop" % select_group(host))


def remove_marker(host):
    host.ofctl("--strict", "del-flows", "br-int", MARKER)


def other_marker(host):
    host.ofctl("add-flow", "br-int", "cookie=0x77," + MARKER +
               ",actions=drop")


def second_marker(host):
    host.ofctl("add-flow", "br-int", "table=253,priority=7,actions=drop")


# What is done, what is found (missing, altered, unknown), and words about
# each.
DONE = [
    (remove_flow, (1, 0, 0), ["missing: flow table=3", "of overlay.port/v1"]),
    (foreign_flow, (0, 0, 1), ["unknown: flow table=0,priority=65535",
                           "unknown owner"]),
    (foreign_flow_with_our_cookie, (0, 0, 1), [
        "unknown: flow table=3,priority=101"]),
    (foreign_flow_in_an_unused_table, (0, 0, 1), ["unknown: flow table=200"]),
    (foreign_group, (0, 0, 2), ["unknown: group 4000000",
                    "unknown owner"]),
    (other_actions, (0, 1, 0), ["altered: flow table=64,priority=300",
                                "of overlay.port/v1"]),
    (other_cookie, (0, 1, 0), ["altered: flow table=64,priority=300",
                               "of overlay.port/v1"]),
    (a_timeout, (0, 1, 0), ["altered: flow table=64,priority=300"]),
    # The flows that use a group go with it.
    (remove_group, (2, 0, 0), ["missing: group", "missing: flow table=35",
                               "of loadbalancer.vip/lb"]),
    (other_buckets, (0, 1, 0), ["altered: group", "of loadbalancer.vip/lb"]),
    (remove_marker, (0, 1, 0), ["marker"]),
    (other_marker, (0, 1, 0), ["marker"]),
    (second_marker, (0, 0, 1), ["unknown: flow table=253,priority=7"]),
]


def key_of(line):
    """"table=T,MATCH" of what changes() tells."""
    return re.sub(r"^[a-z ]+: ", "", line).split(" actions=")[0]


def test_a_host_is_reconciled_when_it_is_told_to(lab, town):
    host = lab.host("h1")
    foreign_flow(host)
    assert appctl(lab, "fabric/reconcile", "h1") == ""
    wait_for("the flow to go", lambda: "in_port=99" not in host.ofctl(
        "dump-flows", "br-int", "table=0"), 20)
    with pytest.raises(netns.Error):
        appctl(lab, "fabric/reconcile", "nobody")


@pytest.mark.parametrize("act,found,words", DONE,
                         ids=[row[0].__name__ for row in DONE])
def test_audit_finds_names_and_mends(lab, town, act, found, words):
    h1 = lab.hosts[0]
    wait_aged(lab)
    before, had, cookie = flows(h1), groups(h1), marker(h1)
    act(h1)
    touched = {key_of(line) for line in changes(before, flows(h1))}
    counts, text = audit(lab, h1)
    assert counts == found, text
    for word in words:
        assert word in text
    wait_quiet(lab)
    wait_for("h1 to be as before", lambda: (
        set(flows(h1)) == set(before) and groups(h1) == had
        and marker(h1) == cookie))
    after = flows(h1)
    assert {key: f.actions for key, f in after.items()} \
        == {key: f.actions for key, f in before.items()}
    assert {key: f.cookie for key, f in after.items()} \
        == {key: f.cookie for key, f in before.items()}
    # Nothing was touched but what somebody else had.
    assert {key_of(line) for line in changes(before, after)} <= touched
    assert audit(lab, h1)[0] == (0, 0, 0)


def test_packets_go_on_while_foreign_flows_are_repaired(lab, town):
    """What is no concern of theirs is not interrupted: neither by what
    somebody does nor by repairing it."""
    h1 = lab.hosts[0]
    harmless = [row[0] for row in DONE if row[0] not in (
        remove_flow, other_actions, foreign_flow_with_our_cookie, remove_group,
        other_buckets)]
    v1, v2 = lab.vm("v1"), lab.vm("v2")
    with Streams().add("there", v1, v2).add("back", v2, v1) as streams:
        for act in harmless:
            act(h1)
            audit(lab, h1)
            wait_quiet(lab)
        # What is late is not lost.
        found = streams.run(0.3).stop(("there", "back"))
    print()
    for result in found.values():
        print("   ", result)
        assert not result.lost


def test_all_is_put_back(lab, town):
    h1 = lab.hosts[0]

    def to_meters():
        """The flows to meters of packet-ins, and of samples, which audits
        count."""
        return sum(h1.ofctl("dump-flows", "br-int", "--no-names",
                            "table=%d" % table).count("cookie=")
                   for table in (246, 247, 252))

    before, had, n = flows(h1), groups(h1), to_meters()
    assert n > 256
    remove_all(h1)
    assert not flows(h1) and not to_meters()
    counts, _ = audit(lab, h1)
    assert counts == (len(before) + n, 1, 0)
    wait_quiet(lab)
    wait_for("h1 to be as before", lambda: set(flows(h1)) == set(before)
             and groups(h1) == had and to_meters() == n)
    assert town.reaches(lab.vm("v1"), lab.vm("v2"))


def test_flows_to_meters_of_samples_are_put_back(lab, town):
    """The meters stay, so nothing but the audit notices."""
    def held():
        return sorted(re.findall(r"cookie=(0x[0-9a-f]+).* (priority=.*)",
                                 h1.ofctl("dump-flows", "br-int",
                                          "--no-names", "table=252")))

    h1 = lab.hosts[0]
    before = held()
    assert len(before) >= 48
    h1.ofctl("del-flows", "br-int", "table=252,cookie=1/-1")
    h1.ofctl("add-flow", "br-int", "table=252,priority=9,reg3=7,actions=drop")
    counts, text = audit(lab, h1)
    assert counts == (1, 0, 1), text
    assert "flows to meters of samples" in text
    wait_for("h1 to be as before", lambda: held() == before)
    assert audit(lab, h1)[0] == (0, 0, 0)
    wait_for("samples to be active", lambda: lab.vmnd.api.get("hosts/h1")[
        "status"]["samples"]["active"])


def sampling_meters(host):
    """{number: what it does} of the switch's meters for samples."""
    return dict(re.findall(r"meter=(252\d\d) (.*(?:\n .*)*)", host.ofctl(
        "dump-meters", "br-int")))


def test_meters_of_samples_are_put_back(lab, town):
    """One that is gone, and one that is another: the flows to them stay."""
    h1 = lab.hosts[0]
    before = sampling_meters(h1)
    assert len(before) >= 32
    assert audit(lab, h1)[0] == (0, 0, 0)
    h1.ofctl("del-meter", "br-int", "meter=25203")
    h1.ofctl("mod-meter", "br-int",
             "meter=25204,pktps,burst,band=type=drop,rate=1,burst_size=1")
    assert sampling_meters(h1) != before
    counts, text = audit(lab, h1)
    assert counts == (2, 0, 0), text
    assert "2 meters of samples" in text
    wait_for("h1 to be as before", lambda: sampling_meters(h1) == before,
             30)
    assert audit(lab, h1)[0] == (0, 0, 0)


def test_flows_to_meters_of_samples_are_put_back_at_a_restart(lab, town):
    """Deleted while vmnd is away, when the meters stay: no audit is needed."""
    def held():
        return sorted(re.findall(r"cookie=(0x[0-9a-f]+).* (priority=.*)",
                                 h1.ofctl("dump-flows", "br-int",
                                          "--no-names", "table=252")))

    h1 = lab.hosts[0]
    before = held()
    assert len(before) >= 48
    lab.vmnd.kill()
    h1.ofctl("del-flows", "br-int", "table=252")
    lab.vmnd.start()
    wait_for("h1 to be as before", lambda: held() == before, 60)
    wait_quiet(lab)
    assert audit(lab, h1)[0] == (0, 0, 0)


def test_what_is_found_at_a_restart(lab, town):
    """The marker says that all is as it was left, so nobody looks; the audit
    does.  Without the marker, the restart does."""
    h1 = lab.hosts[0]
    before = flows(h1)
    foreign_flow(h1)
    lab.vmnd.kill()
    lab.vmnd.start()
    wait_quiet(lab)
    assert len(flows(h1)) == len(before) + 1
    assert audit(lab, h1)[0] == (0, 0, 1)
    wait_for("h1 to be as before", lambda: set(flows(h1)) == set(before))
    wait_quiet(lab)
    foreign_flow(h1)
    remove_marker(h1)
    lab.vmnd.kill()
    lab.vmnd.start()
    wait_quiet(lab)
    assert set(flows(h1)) == set(before)


def test_audits_come_by_themselves():
    """Nobody asks: each host is looked at in the interval that was set."""
    lab = make_lab("audit", 2, options=["--audit-interval=1"])
    try:
        world = make_town(lab)
        wait_quiet(lab)
        before = [flows(h) for h in lab.hosts]
        for host in lab.hosts:
            foreign_flow(host)
            other_actions(host)
            remove_group(host)
        wait_for("both hosts to be as before", lambda: all(
            set(flows(h)) == set(b) and "drop" not in one(
                h, 64, "priority=300").actions
            for h, b in zip(lab.hosts, before)), 30)
        metrics = lab.vmnd.api.metrics()
        assert metrics["vmn_fabric_audits_total"] >= 2
        world.close()
    finally:
        close_lab(lab)
