# SPDX-License-Identifier: Apache-2.0
"""Whatever is killed, cut off or started again: traffic goes on, no flow is
taken out and put back, and what changed meanwhile is caught up with.

Flow ages on the switches tell: a flow that was taken out and put back is
younger than the event."""

import itertools

import pytest
from conftest import (World, changes, check_log, close_lab, entry, flows,
                      make_lab, rule, wait_aged, wait_quiet)

from vmnlab.netns import wait_for
from vmnlab.traffic import Pinger


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("restart", 3)
    yield lab
    close_lab(lab)


@pytest.fixture
def town(lab):
    """Two networks, policies and a balancer over three hosts: something of
    each app on each host."""
    world = World(lab)
    for net in ("red", "blue"):
        world.network(net)
        for i in (1, 2, 3):
            world.vm("%s%d" % (net, i), net, "h%d" % i, "10.0.0.%d" % i,
                     tcp=[80], udp=[53], labels={"role": "r%d" % i})
    world.group("r3", "role=r3")
    world.group("r1", "role=r1")
    world.policy("p", "r3", rule("ingress", "allow", ["r1"], [
        entry("tcp", 80), entry("icmp")]))
    world.put("loadbalancers", "lb", vip="10.0.0.100", networks=["red"],
              ports=[{"port": 80}], selector="role=r2")
    wait_aged(lab)
    for net in ("red", "blue"):
        for a, b in ((1, 2), (2, 1), (1, 3)):
            assert world.reaches(world.lab.vm("%s%d" % (net, a)),
                                 world.lab.vm("%s%d" % (net, b)))
    assert world.answers(lab.vm("red1"), "10.0.0.100") == "red2"
    yield world
    for host in lab.hosts:
        if host.is_cut():
            host.heal()
    world.close()
    check_log(lab.vmnd)


def all_flows(lab):
    return {host.name: flows(host) for host in lab.hosts}


def all_changes(before, after):
    return {name: found for name in before
            for found in [changes(before[name], after[name])] if found}


def pings(world):
    """Pings of every kind: between hosts in both directions, where a policy
    judges, and back."""
    vm = world.lab.vm
    return [Pinger(vm("red1"), vm("red2").ip), Pinger(vm("blue2"),
                                                      vm("blue1").ip),
            Pinger(vm("red1"), vm("red3").ip), Pinger(vm("blue3"),
                                                      vm("blue2").ip)]


def stop_all(lab, running):
    """Returns what was lost: {who to whom: sequence numbers}."""
    lost = {p.what: p.stop() for p in running}
    sent = {p.what: len(p.sent) for p in running}
    assert all(n > 10 for n in sent.values()), sent
    lost = {what: n for what, n in lost.items() if n}
    for host in lab.hosts if lost else ():
        print(host.name, [line for line in host.appctl(
            "coverage/show").splitlines() if "drop" in line])
    return lost


# vmnd.  --------------------------------------------------------------------

@pytest.mark.parametrize("how", ["kill", "stop"])
def test_vmnd_restart_touches_no_flow_and_loses_no_packet(lab, town, how):
    before = all_flows(lab)
    running = [p.start() for p in pings(town)]
    for _ in range(3):
        if how == "kill":
            lab.vmnd.kill()
        else:
            assert lab.vmnd.stop() == 0
        lab.vmnd.start()
        wait_quiet(lab)
    lost = stop_all(lab, running)
    assert not all_changes(before, all_flows(lab))
    assert not lost
    assert town.blocked(lab.vm("red2"), lab.vm("red3"))


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))),
                         ids=lambda order: "".join(str(i + 1)
                                                   for i in order))
def test_hosts_come_back_in_any_order_after_a_kill(lab, town, order):
    """All hosts are cut off while vmnd is killed, and come back one by one:
    what those know that are still away is not forgotten."""
    before = all_flows(lab)
    running = [p.start() for p in pings(town)]
    for host in lab.hosts:
        host.cut()
    lab.vmnd.kill()
    lab.vmnd.start()
    for i in order:
        lab.hosts[i].heal()
        lab.await_synced([lab.hosts[i]])
    wait_quiet(lab)
    lost = stop_all(lab, running)
    assert not all_changes(before, all_flows(lab))
    assert not lost


@pytest.mark.parametrize("away", [0, 1, 2])
def test_vmnd_killed_while_a_host_is_offline(lab, town, away):
    host = lab.hosts[away]
    before = all_flows(lab)
    running = [p.start() for p in pings(town)]
    host.cut()
    wait_for(host.name + " to be offline",
             lambda: lab.host_state(host) == "offline")
    lab.vmnd.kill()
    lab.vmnd.start()
    lab.await_synced([h for h in lab.hosts if h is not host])
    assert lab.host_state(host) == "offline"
    # The others hold what they held, that of the one away included.
    assert not all_changes(before, all_flows(lab))
    host.heal()
    wait_quiet(lab)
    lost = stop_all(lab, running)
    assert not all_changes(before, all_flows(lab))
    assert not lost


def test_change_made_right_before_a_kill_is_installed_after_it(lab, town):
    """Acknowledged as durable, killed before it may have been sent."""
    red1, red2 = lab.vm("red1"), lab.vm("red2")
    running = [Pinger(red1, red2.ip).start()]
    for i in range(5):
        town.api.put("policies/late", {
            "applies_to": ["r3"], "priority": 10 + i, "rules": [
                rule("ingress", "allow" if i % 2 else "deny", ["r1"])]})
        lab.vmnd.kill()
        lab.vmnd.start()
        wait_quiet(lab)
        town.settle()
        judge = town.reaches if i % 2 else town.blocked
        assert judge(red1, lab.vm("red3"))
    town.made.append(("policies", "late"))
    assert not stop_all(lab, running)


def test_ovsdb_stays_as_it_is(lab, town):
    """A restart writes nothing to the hosts' databases."""
    def content():
        return [host.vsctl("--format=csv", "--columns=_uuid,fail_mode,ports,"
                           "controller,other_config,external_ids,protocols",
                           "list", "bridge") for host in lab.hosts]
    before = content()
    lab.vmnd.kill()
    lab.vmnd.start()
    wait_quiet(lab)
    assert content() == before


# ovs-vswitchd.  ------------------------------------------------------------

@pytest.mark.parametrize("grace", [0, 5.0], ids=["kill", "stop"])
def test_switch_restart_brings_its_flows_back(lab, town, grace):
    """All of its flows return without help; other hosts see nothing."""
    h1, h2, h3 = lab.hosts
    before = all_flows(lab)
    with Pinger(lab.vm("blue1"), lab.vm("blue3").ip) as others:
        h2.stop_switch(grace)
        wait_for("h2 to be offline", lambda: lab.host_state(h2) != "synced")
        h2.start()
        wait_quiet(lab)
        lost = others.stop()
    after = all_flows(lab)
    assert not all_changes({h.name: before[h.name] for h in (h1, h3)}, after)
    assert not lost
    assert set(after["h2"]) == set(before["h2"])
    for net in ("red", "blue"):
        assert town.reaches(lab.vm(net + "1"), lab.vm(net + "2"))
        assert town.reaches(lab.vm(net + "2"), lab.vm(net + "1"))
    assert town.answers(lab.vm("red1"), "10.0.0.100") == "red2"


def test_whole_host_off_and_on_again(lab, town):
    h1, h2, h3 = lab.hosts
    before = all_flows(lab)
    h2.stop()
    wait_for("h2 to be offline", lambda: lab.host_state(h2) == "offline")
    assert not changes(before["h1"], flows(h1))
    h2.start()
    wait_quiet(lab)
    after = all_flows(lab)
    assert not all_changes({n: before[n] for n in ("h1", "h3")}, after)
    assert set(after["h2"]) == set(before["h2"])
    assert town.reaches(lab.vm("red1"), lab.vm("red2"))


# A host cut off.  ----------------------------------------------------------

def test_host_cut_off_is_caught_up_and_rid_of_what_went(lab, town):
    h2 = lab.hosts[1]
    before = flows(h2)
    red1, red2, blue1 = lab.vm("red1"), lab.vm("red2"), lab.vm("blue1")
    h2.cut()
    wait_for("h2 to be offline", lambda: lab.host_state(h2) == "offline")
    # It goes on as it was.
    assert town.reaches(red1, red2)
    assert not changes(before, flows(h2))
    # Meanwhile: a VM comes, a port goes, a policy changes.
    town.put_nowait("ports", "red4", network="red", ips=["10.0.0.4"])
    new = lab.add_vm_of_port("red4", "h3")
    town.own_vms.append("red4")
    town.servers.tcp(new, 80)
    town.api.delete("ports/blue1")
    town.put_nowait("groups", "r2", selector="role=r2")
    town.put_nowait("policies", "late", applies_to=["r2"], rules=[
        rule("ingress", "deny", [], [entry("tcp", 80)]),
        rule("ingress", "allow")])
    assert [f for f in flows(h2).values() if blue1.mac in repr(f)]
    h2.heal()
    lab.await_ports(["red4"])
    wait_quiet(lab)
    town.settle()
    after = flows(h2)
    assert not [f for f in after.values() if blue1.mac in repr(f)]
    assert [f for f in after.values() if new.mac in repr(f)]
    assert town.reaches(red2, new)
    assert town.blocked(red1, red2)
    # What did not change was not touched.
    anew = [line for line in changes(before, after)
            if line.startswith("added anew")]
    assert not anew


def test_half_open_connections_are_noticed(lab, town):
    """A link that goes silent, without a word to either side, is caught up
    with as well."""
    h3 = lab.hosts[2]
    h3.cut(silent=True)
    town.put_nowait("ports", "red5", network="red", ips=["10.0.0.5"])
    new = lab.add_vm_of_port("red5", "h1")
    town.own_vms.append("red5")
    town.servers.tcp(new, 80)
    h3.heal()
    lab.await_ports(["red5"])
    assert town.reaches(lab.vm("red3"), new, seconds=60)
    lab.await_synced([h3], seconds=120)


def test_wait_installed_names_the_host_that_is_away(lab, town):
    h2 = lab.hosts[1]
    h2.cut()
    wait_for("h2 to be offline", lambda: lab.host_state(h2) == "offline")
    answer = town.api.patch("policies/p", {"priority": 77}, wait="installed",
                            timeout="1s")
    print(answer)
    assert "h2" in str(answer)
    assert "offline" in str(answer)
