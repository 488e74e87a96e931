# SPDX-License-Identifier: Apache-2.0
"""A thousand packets a second, both ways between two hosts, while vmnd, a
third host, databases and the control links have their troubles.  What was lost
is printed; it is nothing wherever the stream's own switches went on.

A switch that gets no processor loses what it does not get to read, whatever
vmnd does.  Where packets were lost and Linux says that the switches' threads
were ready to run and not let run for much of the time, the test says so and is
skipped as "not proven": it can show nothing then.

VMN_TEST_MINUTE says how many seconds a minute has (5)."""

import os
import time

import pytest
from conftest import (World, check_log, close_lab, entry, make_lab, rule,
                      wait_aged, wait_quiet)

from vmnlab.netns import wait_for
from vmnlab.stream import WAY_S, Streams

# That much of a test's time the threads of a switch may wait for a processor.
WAITED_MAX = 0.2

MINUTE = float(os.environ.get("VMN_TEST_MINUTE", "5"))


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("stream", 3)
    yield lab
    close_lab(lab)


@pytest.fixture(scope="module")
def town(lab):
    """A client, a server on another host that a policy protects, and a VM on
    the third host."""
    world = World(lab)
    world.network("net")
    for i, role in ((1, "client"), (2, "server"), (3, "other")):
        world.vm(role, "net", "h%d" % i, "10.0.0.%d" % i, tcp=[80],
                 labels={"role": role})
        world.group(role, "role=" + role)
    world.put("policies", "p", **policy(0))
    wait_aged(lab)
    yield world
    world.close()
    check_log(lab.vmnd)


@pytest.fixture
def streams(lab, town):
    """Between client and server, and from one that may not to the server."""
    client, server, other = (lab.vm(n) for n in ("client", "server", "other"))
    for a, b in ((client, server), (server, client)):
        assert town.reaches(a, b)
    assert town.blocked(other, server)
    streams = Streams()
    streams.add("there", client, server)
    streams.add("back", server, client)
    streams.add("denied", other, server)
    streams.waits = Waits(lab)
    with streams:
        yield streams.run(0.5)
    for host in lab.hosts:
        if host.is_cut():
            host.heal()
    wait_quiet(lab)


class Waits:
    """How long switches have waited for a processor since this was made."""

    def __init__(self, lab):
        self.hosts = lab.hosts
        self.start = time.monotonic()
        self.before = [host.waited() for host in lab.hosts]

    def shares(self):
        """Of the time since then, for each host: those of a switch that was
        started meanwhile are since its start."""
        seconds = time.monotonic() - self.start
        now = [host.waited() for host in self.hosts]
        return {host.name: (new - (old if new >= old else 0)) / seconds
                for host, old, new in zip(self.hosts, self.before, now)}


def show(lab, streams):
    """Prints what was lost, and what the switches say that they were busy
    with."""
    # What is late is not lost.
    found = streams.run(0.5).stop(("there", "back"))
    print()
    for result in found.values():
        print("   ", result)
    streams.shares = streams.waits.shares()
    print("    waited for a processor: " + ", ".join(
        "%s %.1f %%" % (name, 100 * share)
        for name, share in streams.shares.items()))
    if found["there"].lost or found["back"].lost:
        print("    sent from %s" % time.strftime(
            "%H:%M:%S", time.gmtime(found["there"].sent[0])))
        for host in lab.hosts:
            with open(os.path.join(host.dir, "ovs-vswitchd.log")) as log:
                print("".join("    %s: %s" % (host.name, line)
                              for line in log if "|WARN|" in line
                              or "poll interval" in line), end="")
            print("".join("    %s: %s\n" % (host.name, line) for line in
                          host.appctl("coverage/show").splitlines()
                          if "drop" in line or "route" in line), end="")
    assert len(found["there"].sent) > 1000
    return found


def excuse(streams):
    """Skips the test if the machine was overloaded: packets were lost."""
    name, share = max(streams.shares.items(), key=lambda item: item[1])
    if share > WAITED_MAX:
        pytest.skip("not proven: packets were lost on a machine that is "
                    "overloaded: the switch of %s waited for a processor %.0f %% of the time"
                    % (name, 100 * share))


def judge(lab, streams):
    """Lets nothing be lost."""
    found = show(lab, streams)
    assert not found["denied"].seen
    if found["there"].lost or found["back"].lost:
        excuse(streams)
    assert not found["there"].lost
    assert not found["back"].lost


def check_gap(lab, streams, start, end):
    """Lets only packets be lost that were sent, or on their way, in that
    time."""
    found = show(lab, streams)
    assert not found["denied"].seen
    for name in ("there", "back"):
        result = found[name]
        assert result.arrived(end)
        lost = [n for n in result.lost
                if not start - WAY_S <= result.sent[n] < end]
        if lost:
            excuse(streams)
        assert not lost


def test_vmnd_killed(lab, streams):
    for _ in range(3):
        lab.vmnd.kill()
        time.sleep(0.3)
        lab.vmnd.start()
        wait_quiet(lab)
    judge(lab, streams)


def test_vmnd_upgraded(lab, streams):
    """Stopped, and another one started on what it left behind."""
    for _ in range(3):
        assert lab.vmnd.stop() == 0
        time.sleep(0.3)
        lab.vmnd.start()
        wait_quiet(lab)
    judge(lab, streams)


def test_vmnd_killed_in_the_middle_of_changes(lab, town, streams):
    """Whatever was durable, sent or acknowledged by then."""
    for edit in range(6):
        town.api.put("policies/p", policy(edit))
        lab.vmnd.kill()
        lab.vmnd.start()
        wait_quiet(lab)
    judge(lab, streams)


@pytest.mark.parametrize("grace", [0, 5.0], ids=["kill", "stop"])
def test_own_switch_restarted(lab, streams, grace):
    """That starts with nothing: it lets nothing through before it has all, and
    then all again, once its datapath has forgotten what it dropped."""
    h2 = lab.host("h2")
    start = Streams.now()
    h2.stop_switch(grace)
    wait_for("h2 to be offline", lambda: lab.host_state(h2) != "synced")
    h2.start()
    wait_quiet(lab)
    lab.revalidated()
    end = Streams.now()
    check_gap(lab, streams, start, end)


@pytest.mark.parametrize("grace", [0, 5.0], ids=["kill", "stop"])
def test_another_hosts_switch_restarted(lab, streams, grace):
    h3 = lab.host("h3")
    h3.stop_switch(grace)
    wait_for("h3 to be offline", lambda: lab.host_state(h3) != "synced")
    h3.start()
    wait_quiet(lab)
    judge(lab, streams)


def restart_database(lab, host):
    """Returns when it ended, and when the host had caught up again."""
    start = Streams.now()
    host.stop_db()
    time.sleep(0.5)
    host.start_db()
    wait_for("its database session", lambda: lab.vmnd.api.get(
        "hosts/" + host.name)["status"]["ovsdb"]["state"] == "connected", 30)
    wait_quiet(lab)
    return start, Streams.now()


def test_another_hosts_database_restarted(lab, streams):
    restart_database(lab, lab.host("h3"))
    judge(lab, streams)


@pytest.mark.parametrize("where", ["h1", "h2"])
def test_own_database_restarted(lab, streams, where):
    """Open vSwitch looks at no packet of its userspace datapath while it has
    no database.  It takes up again what it left, and nothing else is lost."""
    start, end = restart_database(lab, lab.host(where))
    check_gap(lab, streams, start, end)


@pytest.mark.parametrize("silent", [False, True], ids=["cut", "silent"])
def test_own_control_link_cut_for_a_minute(lab, town, streams, silent):
    """Changes go on meanwhile, and are caught up with."""
    h1 = lab.host("h1")
    h1.cut(silent=silent)
    if not silent:
        wait_for("h1 to be offline",
                 lambda: lab.host_state(h1) == "offline")
    end = time.monotonic() + MINUTE
    edit = 0
    while time.monotonic() < end:
        town.api.put("policies/p", policy(edit))
        edit += 1
        time.sleep(0.2)
    h1.heal()
    # A silent link is found out by a probe, or as soon as packets pass again
    # and TCP tries once more.
    lab.await_synced([h1], seconds=90)
    wait_quiet(lab, 90)
    judge(lab, streams)


def policy(number):
    """Another policy each time; they all allow and deny the same of the
    streams."""
    services = [entry("udp", 9000), entry("tcp", 80, 1000 + number % 50)]
    rules = [rule("ingress", "allow", ["client"], services)]
    if number % 2:
        rules.insert(0, rule("ingress", "deny", ["other"]))
    if number % 3 == 1:
        rules.append(rule("ingress", "allow", ["10.0.9.%d/32"
                                               % (number % 250)]))
    return {"applies_to": ["server"], "rules": rules,
            "priority": 100 + number % 7,
            "tier": "security" if number % 10 == 9 else "application"}


def test_a_thousand_policy_edits_a_minute(lab, town, streams):
    start = time.monotonic()
    edit = 0
    while time.monotonic() < start + MINUTE:
        town.api.put("policies/p", policy(edit))
        edit += 1
        time.sleep(max(0.0, start + edit * 0.06 - time.monotonic()))
    wait_quiet(lab)
    print("\n    %d edits in %.0f s" % (edit, time.monotonic() - start))
    judge(lab, streams)
