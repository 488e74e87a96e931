# SPDX-License-Identifier: Apache-2.0
"""Apps that contradict each other: the plan says so and shows the packet, and
what then happens does not depend on who came first."""

import os
import re
import subprocess

import pytest
from conftest import HERE, World, check_log, close_lab, flows, make_lab, \
    wait_quiet

TOP = os.path.join(HERE, "../..")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Two hosts, and a vmnd with two apps that do what labels say."""
    apps = []
    for name in ("alpha", "beta"):
        path = str(tmp_path_factory.mktemp("app") / (name + ".so"))
        subprocess.run(["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror",
                        "-g", "-fPIC", "-shared", "-I" + TOP + "/include",
                        '-DNAME="%s"' % name, "-o", path,
                        os.path.join(HERE, "quarrel.c")], check=True)
        apps.append(path)
    lab = make_lab("quarrel", 2, apps=apps)
    yield lab
    close_lab(lab)


@pytest.fixture
def world(lab):
    world = World(lab)
    world.network("net")
    for i, name in ((1, "a"), (2, "b")):
        world.vm(name, "net", "h%d" % i, "10.0.0.%d" % i,
                 udp=[9000, 9002, 9003])
    for port in (9000, 9002, 9003):
        assert world.reaches(lab.vm("a"), lab.vm("b"), port, "udp")
    yield world
    world.close()
    check_log(lab.vmnd)


def label(world, port, **labels):
    """Plans new labels of a port, then makes them so.  Returns the problems
    that the plan shows."""
    old = world.api.get("ports/" + port)["spec"].get("labels", {})
    labels = dict({key: None for key in old},
                  **{key.replace("_", "-"): value
                     for key, value in labels.items()})
    plan = world.api.call("PATCH", "/v1/ports/" + port,
                          {"spec": {"labels": labels}}, dry_run="plan")
    world.patch("ports", port, labels=labels)
    wait_quiet(world.lab)
    return plan["problems"]


def held(lab):
    """All flows and groups of all hosts, without their counters."""
    return [(sorted((key, f.actions, f.cookie) for key, f in
                    flows(h).items()),
             sorted(line.strip() for line in h.ofctl(
                 "dump-groups", "br-int").splitlines() if "group_id" in line))
            for h in lab.hosts]


def problems(lab):
    return lab.vmnd.api.get("status")["problems"]


def restart(lab, turned=False):
    if turned:
        lab.vmnd.apps = list(reversed(lab.vmnd.apps))
    assert lab.vmnd.stop() == 0
    lab.vmnd.start()
    wait_quiet(lab)


# Who says what: (port, labels).  The last words are what becomes of UDP to a
# port, and what the problem tells.
QUARRELS = {
    "one match, two ports": (
        [("a", {"alpha": "drop"}), ("b", {"alpha": "pass"})], 9000, False,
        "conflict", ["alpha.port/a", "alpha.port/b"], "tp_dst=9000"),
    "the same, the other way round": (
        [("a", {"alpha": "pass"}), ("b", {"alpha": "drop"})], 9000, True,
        "conflict", ["alpha.port/a", "alpha.port/b"], "tp_dst=9000"),
    "one group, two ports": (
        [("a", {"alpha_group": "pass"}), ("b", {"alpha_group": "drop"})],
        9002, None, "conflict", ["alpha.port/a", "alpha.port/b"], None),
}


@pytest.mark.parametrize("who,port,passes,kind,units,packet",
                         QUARRELS.values(), ids=QUARRELS.keys())
def test_first_by_name_has_it_whoever_came_first(
        lab, world, who, port, passes, kind, units, packet):
    found = []
    for order in (who, list(reversed(who))):
        (first, labels), (second, others) = order
        assert label(world, first, **labels) == []
        problem, = label(world, second, **others)
        assert (problem["kind"], problem["units"]) == (kind, units), problem
        if packet:
            assert packet in problem["packet"], problem
        found.append((held(lab), problem))
        assert problems(lab) == [problem]

        a, b = lab.vm("a"), lab.vm("b")
        if passes:
            assert world.reaches(a, b, port, "udp")
        elif passes is not None:
            assert world.blocked(a, b, port, "udp")
        assert world.reaches(a, b, 9003, "udp")

        before = held(lab)
        restart(lab)
        assert held(lab) == before

        # Without the one that has it, the other has its way.
        label(world, "a")
        if passes is not None:
            judge = world.blocked if passes else world.reaches
            assert judge(a, b, port, "udp")
        assert problems(lab) == []
        label(world, "b")
    # A group that is made again has another number.
    first, second = (re.sub(r"group(_id=|:| )\d+", "group", repr(one))
                     for one in found)
    assert first == second


def test_overlap_is_shown_with_the_packet_that_meets_it(lab, world):
    """Two flows of one priority that some packet meets both of.  Which one it
    gets is the switch's choice; that it is told is not."""
    found = []
    who = [("a", {"alpha_from": "pass"}), ("b", {"alpha_to": "drop"})]
    for order in (who, list(reversed(who))):
        (first, labels), (second, others) = order
        assert label(world, first, **labels) == []
        problem, = label(world, second, **others)
        assert problem["kind"] == "overlap", problem
        assert problem["units"] == ["alpha.port/a", "alpha.port/b"]
        assert "nw_src=10.0.0.1" in problem["packet"]
        assert "nw_dst=10.0.0.2" in problem["packet"]
        assert problems(lab) == [problem]
        found.append((held(lab), problem))
        restart(lab)
        assert problems(lab) == [problem]
        label(world, "a")
        label(world, "b")
    assert found[0] == found[1]


def test_stages_go_by_name_however_apps_are_listed(lab, world):
    """One app drops what the other would pass on: each has its own stage, and
    nothing to contradict."""
    assert label(world, "a", alpha="pass", beta="drop") == []
    assert world.blocked(lab.vm("a"), lab.vm("b"), 9000, "udp")
    before = held(lab)
    tables = [lab.vmnd.api.get("apps/" + app) for app in ("alpha", "beta")]
    restart(lab, turned=True)
    assert held(lab) == before
    assert [lab.vmnd.api.get("apps/" + app)["status"]["flows"]
            for app in ("alpha", "beta")] == [t["status"]["flows"]
                                              for t in tables]
    assert world.blocked(lab.vm("a"), lab.vm("b"), 9000, "udp")
    restart(lab, turned=True)
