# SPDX-License-Identifier: Apache-2.0
"""A host that is deleted: what vmnd has put there goes if it can be reached,
what is others' stays, and what is left is told."""

import re
import time

import pytest
from conftest import World, check_log, close_lab, entry, make_lab, rule
from test_events import Reader
from test_live_apps import ctl

from vmnlab.netns import wait_for

COOKIE = 0xfeed0001


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("delete", 3)
    yield lab
    close_lab(lab)


@pytest.fixture
def world(lab):
    world = World(lab)
    yield world
    host = lab.host("h1")
    if host.is_cut():
        host.heal()
    add_again(lab)
    world.close()
    check_log(lab.vmnd)


def add_again(lab):
    lab.vmnd.api.apply([lab.host_object(lab.host("h1"))])
    lab.await_synced(seconds=60)


def with_all_there_is(world):
    """Something of each kind that vmnd puts on a host: flows, groups, meters,
    patch ports, telemetry, tables' prefixes, a limit of zones."""
    world.network("net", "10.0.0.0/24")
    a = world.vm("a", "net", "h1", tcp=[80], labels={"role": "a"})
    b = world.vm("b", "net", "h1", tcp=[80])
    c = world.vm("c", "net", "h2", tcp=[80])
    world.group("as", "role=a")
    world.policy("p", "as", rule("ingress", "allow", [], [entry("tcp", 80)]))
    world.put("loadbalancers", "lb", vip="10.0.0.100", networks=["net"],
              ports=[{"port": 80}], backends=[{"port": "a"}, {"port": "c"}])
    world.put("telemetries", "t", sflow={"targets": ["10.98.0.1:6343"]})
    world.provider_hosts_are("h1")
    world.put("networks", "out", provider={"physical": "dc"}, mtu=1500,
              subnets=[{"cidr": "198.51.100.0/24",
                        "gateway": "198.51.100.1"}])
    world.put("ports", "dhcp", network="net")
    assert world.reaches(c, a) and world.reaches(b, a)
    return a, b, c


def add_foreign(host):
    """What somebody else has put into the bridge."""
    host.ofctl("add-group", "br-int", "group_id=4000000000,type=all,"
               "bucket=actions=drop")
    host.ofctl("add-meter", "br-int", "meter=7,pktps,band=type=drop,rate=1")
    host.ofctl("add-flow", "br-int", "cookie=%#x,table=200,priority=5,"
               "actions=drop" % COOKIE)
    host.vsctl("--may-exist", "add-port", "br-int", "user0", "--",
               "set", "interface", "user0", "type=internal", "--",
               "--id=@c", "create", "controller", "type=service",
               'target="ptcp:9999:127.0.0.1"', "--",
               "add", "bridge", "br-int", "controller", "@c")


def remove_foreign(host):
    host.ofctl("del-flows", "br-int", "table=200")
    host.ofctl("del-groups", "br-int", "group_id=4000000000")
    host.ofctl("del-meter", "br-int", "meter=7")
    host.vsctl("--if-exists", "del-port", "br-int", "user0", "--",
               "remove", "bridge", "br-int", "controller",
               controllers(host).pop("ptcp:9999:127.0.0.1"))


def found(host, table, *columns):
    """What 'columns' of a table's rows have, as {first: others}."""
    text = host.vsctl("--format=csv", "--no-headings", "--data=bare",
                      "--columns=" + ",".join(columns), "list", table)
    rows = [line.split(",") for line in text.splitlines() if line]
    return {row[0]: row[1] if len(row) > 1 else None for row in rows}


def controllers(host):
    return found(host, "controller", "target", "_uuid")


def of_vmnd(host):
    """Names, or types, of all rows that vmnd has in the host's database, but
    for the bridge and its local port."""
    text = ""
    for table, column in (("port", "name"), ("interface", "name"),
                          ("controller", "target"), ("flow_table", "prefixes"),
                          ("sflow", "targets"), ("ipfix", "targets"),
                          ("datapath", "external_ids")):
        text += host.vsctl("--bare", "--columns=" + column, "find", table,
                           'external_ids:vmn-owner=vmnd')
        if table == "datapath":
            text += host.vsctl("--bare", "--columns=" + column, "find", table,
                               'external_ids:vmn-zone-limit=true')
    return sorted(set(text.split()) - {"br-int"})


def flow_lines(host):
    return [line for line in host.ofctl(
        "dump-flows", "br-int", "--no-stats").splitlines()
        if "cookie" in line or "actions" in line]


def group_ids(host):
    return re.findall(r"group_id=(\d+)", host.ofctl("dump-groups", "br-int"))


def meter_ids(host):
    return re.findall(r"meter=(\d+)", host.ofctl("dump-meters", "br-int"))


def is_clean(host):
    return (not of_vmnd(host) and not flow_lines(host)
            and not group_ids(host) and not meter_ids(host))


def deleted_event(lab):
    """A reader of what becomes of h1."""
    reader = Reader(lab.vmnd.socket, "?kinds=host&host=h1")
    reader.take("start")
    return reader


def take(reader, seconds=60):
    reason = reader.take("host", seconds, state="deleted")[1]["reason"]
    reader.close()
    return reason


def gone(lab, host="h1"):
    return host not in {o["name"] for o in lab.vmnd.api.get("hosts")["items"]}


def delete(lab, **more):
    answer = lab.vmnd.api.delete("hosts/h1", **more)
    assert gone(lab)
    return answer


def warnings_of_host(answer):
    return [w["text"] for w in answer.get("warnings", [])
            if w.get("type") == "hosts"]


def test_what_is_vmnds_goes_and_what_is_others_stays(lab, world):
    a, b, c = with_all_there_is(world)
    h1 = lab.host("h1")
    had = of_vmnd(h1)
    for some in ("vmn-vxlan", "10.98.0.1:6343", "nw_dst"):
        assert any(some in name for name in had), (some, had)
    assert any("patch" in kind for kind in found(
        h1, "interface", "name", "type").values())
    assert group_ids(h1) and meter_ids(h1)
    add_foreign(h1)
    before = set(h1.vsctl("list-ports", "br-int").split())
    reader = deleted_event(lab)
    answer = delete(lab, wait="installed")
    assert not warnings_of_host(answer), answer
    assert take(reader) == (
        'its bridge "br-int" was cleaned up; 1 flows and 1 groups that are '
        "not vmnd's are still in it")
    assert of_vmnd(h1) == []
    assert list(controllers(h1)) == ["ptcp:9999:127.0.0.1"]
    lines = flow_lines(h1)
    assert len(lines) == 1 and "cookie=%#x" % COOKIE in lines[0], lines
    assert group_ids(h1) == ["4000000000"] and meter_ids(h1) == ["7"]
    # VMs and the user's port are where they were; nobody is bridged.
    after = set(h1.vsctl("list-ports", "br-int").split())
    assert "user0" in after and after < before
    assert not [n for n in after if n.startswith("vmn-")], after
    assert h1.vsctl("get", "bridge", "br-int", "fail_mode").strip() == "secure"
    assert h1.vsctl("list-ports", "br-ex").split() == ["x0"]
    assert world.unanswered(c, a.ip) and world.unanswered(b, a.ip)
    assert not re.search(r"rejected|closed:", lab.vmnd.last_words(5))

    # It is added again, with all that it had; the bridge needs no adoption.
    remove_foreign(h1)
    add_again(lab)
    world.patch("hosts", "h1", provider_bridges=[
        {"physical": "dc", "bridge": "br-ex"}])
    lab.await_ports(["a", "b"])
    assert world.reaches(c, a) and world.reaches(b, a)
    wait_for("its rows", lambda: of_vmnd(h1) == had, 20)


def test_host_that_cannot_be_reached(lab, world):
    """The plan and the reply say so, the event what is left; the commands of
    the handbook remove it."""
    world.network("net", "10.0.0.0/24")
    world.vm("a", "net", "h1")
    h1 = lab.host("h1")
    h1.cut()
    wait_for("h1 to be offline",
             lambda: lab.host_state(h1) == "offline", 30)
    said = ctl(lab, "delete", "host", "h1", "--dry-run")
    assert "warning: hosts/h1: it cannot be reached now" in said, said
    assert not gone(lab)
    reader = deleted_event(lab)
    began = time.monotonic()
    answer = delete(lab)
    assert "cannot be reached now" in warnings_of_host(answer)[0]
    reason = take(reader)
    print("told after %.1f s: %s" % (time.monotonic() - began, reason))
    assert reason.startswith(
        'its bridge was not cleaned up: left on it are the flows, groups and '
        'meters of bridge "br-int" (its switch: ')
    assert "controllers, tunnel and patch ports" in reason
    assert "ovs-vsctl --if-exists del-br br-int" in reason
    assert flow_lines(h1) and "vmn-vxlan" in of_vmnd(h1)
    # It comes back, nobody knows it, and what the event told cleans up.  VMs
    # are plugged in again then.
    h1.heal()
    lab.unplug("a")
    h1.vsctl("--if-exists", "del-br", "br-int")
    assert of_vmnd(h1) == []
    add_again(lab)
    lab.replug("a", "h1")
    lab.await_ports(["a"])


def test_lost_host_is_left_alone(lab, world):
    """It is not contacted, even if it comes back within the seconds that
    another host is waited for."""
    h1 = lab.host("h1")
    h1.cut()
    wait_for("h1 to be offline",
             lambda: lab.host_state(h1) == "offline", 30)
    lab.vmnd.api.patch("hosts/h1", {"lost": True})
    reader = deleted_event(lab)
    delete(lab)
    h1.heal()
    assert "the host was declared lost" in take(reader)
    assert flow_lines(h1) and "vmn-vxlan" in of_vmnd(h1)


def test_switch_that_is_down(lab, world):
    """Its database is cleaned up."""
    h1 = lab.host("h1")
    h1.stop_switch()
    wait_for("h1 to be offline",
             lambda: lab.host_state(h1) == "offline", 30)
    reader = deleted_event(lab)
    delete(lab)
    reason = take(reader)
    assert reason.startswith("its bridge was cleaned up in part: left on it "
                             "are the flows"), reason
    assert "database" not in reason
    assert of_vmnd(h1) == []
    h1.start_switch()
    h1.await_ready()


def test_added_again_at_once(lab, world):
    """By its name, by its address with another name, and in one request: what
    is cleaned up is never the new one's."""
    world.network("net", "10.0.0.0/24")
    a = world.vm("a", "net", "h1", tcp=[80])
    c = world.vm("c", "net", "h2")
    h1 = lab.host("h1")
    for _ in range(5):
        delete(lab)
        add_again(lab)
        lab.await_ports(["a"])
        assert world.reaches(c, a)
    # Another name for it.
    renamed = dict(lab.host_object(h1), name="other")
    delete(lab)
    lab.vmnd.api.apply([renamed])
    wait_for("it to be synced", lambda: lab.vmnd.api.get("hosts/other")[
        "status"]["state"] == "synced", 30)
    lab.await_ports(["a"])
    assert world.reaches(c, a)
    assert "vmn-vxlan" in of_vmnd(h1)
    # The same by one request, and back.
    others = [lab.host_object(h) for h in lab.hosts[1:]]
    before = lab.vmnd.api.apply(others + [renamed], prune="hosts")["revision"]
    answer = lab.vmnd.api.apply(others + [lab.host_object(h1)], prune="hosts")
    assert answer["revision"] == before + 1, answer
    lab.await_synced()
    assert gone(lab, "other")
    lab.await_ports(["a"])
    assert world.reaches(c, a)
    assert "vmn-vxlan" in of_vmnd(h1)


def test_vmnd_that_ends_meanwhile(lab, world):
    """What it had not done by then stays there: it knows of the host no more.
    To add it again and delete it again does it, or the commands that the
    event would have had."""
    h1 = lab.host("h1")
    h1.freeze_switch()
    try:
        delete(lab)
        lab.vmnd.kill()
        lab.vmnd.start()
        assert gone(lab)
    finally:
        h1.thaw_switch()
    assert flow_lines(h1) and "vmn-vxlan" in of_vmnd(h1)
    add_again(lab)
    reader = deleted_event(lab)
    delete(lab)
    assert take(reader) == 'its bridge "br-int" was cleaned up'
    wait_for("it to be clean", lambda: is_clean(h1), 10)


def test_host_that_is_slow(lab, world):
    """Nobody waits for one whose switch does not answer at all, but its
    bridge is cleaned up if it does in time."""
    h1 = lab.host("h1")
    reader = deleted_event(lab)
    h1.freeze_switch()
    try:
        delete(lab, wait="installed")
        with pytest.raises(AssertionError):
            reader.take("host", 1, state="deleted")
    finally:
        h1.thaw_switch()
    assert take(reader) == 'its bridge "br-int" was cleaned up'
    assert is_clean(h1)


def test_host_that_dials_vmnd():
    """By the connection that there is; it goes on dialling, in vain."""
    lab = make_lab("deli", 1, ovsdb_mode="inbound")
    try:
        h1 = lab.host("h1")
        assert flow_lines(h1)
        reader = deleted_event(lab)
        delete(lab)
        assert take(reader) == 'its bridge "br-int" was cleaned up'
        assert is_clean(h1)
        wait_for("it to be refused", lambda: any(
            'no host "h1" is known' in r["reason"]
            for r in lab.vmnd.api.get("rejected-hosts")["items"]), 30)
        add_again(lab)
        assert flow_lines(h1)
        check_log(lab.vmnd)
    finally:
        close_lab(lab)


def test_host_of_a_cluster():
    """The writer removes all members, and what is not of VMN stays."""
    lab = make_lab("delc", 2, controllers=3)
    try:
        world = World(lab)
        lab.await_synced()
        world.network("net", "10.0.0.0/24")
        a = world.vm("a", "net", "h1", tcp=[80])
        c = world.vm("c", "net", "h2")
        assert world.reaches(c, a)
        h1 = lab.host("h1")
        assert len(controllers(h1)) == 3
        h1.ofctl("add-flow", "br-int", "cookie=%#x,table=200,priority=5,"
                 "actions=drop" % COOKIE)
        reader = deleted_event(lab)
        delete(lab)
        assert take(reader).startswith('its bridge "br-int" was cleaned up; '
                                       "1 flows and 0 groups")
        assert not controllers(h1) and not of_vmnd(h1) and not meter_ids(h1)
        assert len(flow_lines(h1)) == 1
        h1.ofctl("del-flows", "br-int")
        add_again(lab)
        lab.await_ports(["a"])
        assert world.reaches(c, a)
        world.close()
    finally:
        close_lab(lab)
