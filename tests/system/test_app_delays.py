# SPDX-License-Identifier: Apache-2.0
"""vmnd waits for no app: one whose process does not answer is late, and keeps
its flows, while all others go on.  A process that is stopped (SIGSTOP) never
answers, so no test depends on a time."""

import base64
import contextlib
import os
import signal
import subprocess
import threading

import pytest
from conftest import (World, changes, check_log, close_lab, flows, installed,
                      make_lab, wait_aged)
from test_live_apps import ctl, verify
from test_misdeeds import make_apps
from test_own_types import build

from vmnlab.api import Refused
from vmnlab.netns import wait_for

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.realpath(__file__))))
APP = "bad-c"
UNIT = APP + ".network/victim"


@pytest.fixture(scope="module", name="lab")
def _lab(tmp_path_factory):
    lab = make_lab("delays", 1, apps=make_apps(
        tmp_path_factory.mktemp("apps"))[:1])
    yield lab
    close_lab(lab)


@pytest.fixture(name="world")
def _world(lab):
    world = World(lab)
    world.network("net", "10.0.0.0/24")
    world.network("victim", "10.1.0.0/24")
    world.vm("there", "victim", "h1", "10.1.0.1")
    world.one = world.vm("one", "net", "h1", "10.0.0.1", tcp=[80])
    subprocess.run(["ovs-appctl", "-t", lab.vmnd.unixctl, "apps/resume", APP],
                   check=True)
    wait_for("all to be well", lambda: not issues(lab, "failed", "late"), 60)
    yield world
    world.close()
    check_log(lab.vmnd)
    assert lab.vmnd.pid() is not None, lab.vmnd.last_words(60)


def worker(lab, app=APP):
    return lab.vmnd.api.get("apps/" + app)["status"]["worker"]


def issues(lab, *kinds):
    """{unit: kind}"""
    return {unit: issue["kind"]
            for issue in lab.vmnd.api.get("status")["problems"]
            for unit in issue["units"] if issue["kind"] in kinds}


def of_app(lab):
    stage = lab.vmnd.api.get("apps/" + APP)["status"]["stages"][0]
    return {key: flow for key, flow in flows(lab.host("h1")).items()
            if flow.table == stage["first_table"] and "priority=10," in key[1]}


def label(lab, **options):
    """Has the app make three flows of the network, and returns the answer."""
    return lab.vmnd.api.patch("networks/victim",
                              {"labels": {APP + "/flows": "3"}}, **options)


def test_stopped_process_delays_no_other_change(lab, world):
    """The change of its unit is stored, not in effect, and named; another's is
    in effect.  Once the process goes on, so is the first one."""
    was, before = worker(lab), of_app(lab)
    os.kill(was["pid"], signal.SIGSTOP)
    try:
        revision = label(lab)["revision"]
        wait_for("the unit to be late",
                 lambda: issues(lab, "late").get(UNIT) == "late", 60)
        assert lab.vmnd.api.get("apps/" + APP)["status"]["problems"] >= 1

        two = world.vm("two", "net", "h1", "10.0.0.2")
        assert world.reaches(two, world.one)
        installed(lab.vmnd.api.patch("ports/one", {"labels": {"a": "b"}},
                                     wait="installed", timeout="120s"))

        late = label(lab, wait="installed", timeout="100ms")["receipt"]
        assert not late["installed"]
        assert late["late"] == APP
        assert issues(lab, "late") == {UNIT: "late"}
        assert changes(before, of_app(lab)) == []
    finally:
        os.kill(was["pid"], signal.SIGCONT)
    installed(label(lab, wait="installed", timeout="120s"))
    assert lab.vmnd.api.get(
        "revisions/%d" % revision)["receipt"]["installed"]
    assert len(of_app(lab)) == len(before) + 2
    assert not issues(lab, "late", "failed")
    assert worker(lab)["ends"] == was["ends"]
    assert worker(lab)["pid"] == was["pid"]
    verify(lab)


def test_plan_warns_of_late_flows(lab, world):
    was = worker(lab)
    os.kill(was["pid"], signal.SIGSTOP)
    try:
        plan = label(lab, dry_run="plan")
        assert [issue["units"] for issue in plan["problems"]
                if issue["kind"] == "late"] == [[UNIT]]
    finally:
        os.kill(was["pid"], signal.SIGCONT)
    wait_for("all to be well", lambda: not issues(lab, "late"), 60)
    installed(label(lab, wait="installed", timeout="120s"))
    verify(lab)


@contextlib.contextmanager
def late_write(lab, name, spec, app=APP, **options):
    """Writes an object of the app's while its process is stopped, until the
    check is late.  Others write and read meanwhile.  Once the context ends,
    the list that it is has the answer."""
    def n_late():
        with open(lab.vmnd.log, encoding="utf-8", errors="replace") as log:
            return log.read().count("worker has not computed %s yet"
                                    % name.split("/", maxsplit=1)[0])

    def put():
        try:
            answers.append(api.put(name, spec, **options))
        except Refused as refused:
            answers.append(refused)

    api, answers = lab.vmnd.api, []
    pid, before = worker(lab, app)["pid"], n_late()
    thread = threading.Thread(target=put)
    os.kill(pid, signal.SIGSTOP)
    try:
        thread.start()
        wait_for("the check to be late",
                 lambda: n_late() > before or answers, 60, 0.02)
        api.put("groups/other", {"selector": "a=b"})
        api.delete("groups/other")
        assert not answers
        yield answers
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
        thread.join()


def test_write_waits_for_a_busy_app_check(lab, world):
    """The write of an object of its type takes the result of the check, which
    is made once."""
    name = APP + "-deeds/one"
    ends = worker(lab)["ends"]
    with late_write(lab, name, {"deed": "sort"}) as answers:
        pass
    assert answers[0]["spec"]["deed"] == "sort", answers
    lab.vmnd.api.delete(name)
    with late_write(lab, name, {"deed": "sort"}, dry_run="plan") as answers:
        # A unit of the app is not computed before the check.
        label(lab)
        assert not answers
    assert not isinstance(answers[0], Refused), answers
    wait_for("the unit", lambda: not issues(lab, "late"), 60)
    assert worker(lab)["ends"] == ends


def test_checks_of_a_large_request_continue(lab, world):
    """They take longer than vmnd waits at a time, on a slow machine at least.
    Another write comes through, before or in between."""
    names = ["one-%d" % i for i in range(1000)]
    ends = worker(lab)["ends"]
    thread = threading.Thread(target=lab.vmnd.api.apply, args=([
        {"type": APP + "-deeds", "name": name, "spec": {"deed": "sort"}}
        for name in names],))
    thread.start()
    lab.vmnd.api.put("groups/other", {"selector": "a=b"})
    thread.join()
    lab.vmnd.api.delete("groups/other")
    for name in names[0], names[-1]:
        assert lab.vmnd.api.get("%s-deeds/%s" % (APP, name))
    lab.vmnd.api.apply([{"op": "delete", "type": APP + "-deeds", "name": name}
                        for name in names])
    assert worker(lab)["ends"] == ends


def test_write_ends_when_its_app_is_unloaded(lab, world, tmp_path):
    """It does not wait for the process, which is gone."""
    ctl(lab, "app", "load", build(str(tmp_path / "gates")), "--wait")
    try:
        with late_write(lab, "gates/one", {"network": "net"},
                        "gates") as answers:
            ctl(lab, "app", "unload", "gates", "--wait")
            wait_for("the answer", lambda: answers, 60)
        assert answers[0].status in (404, 409), answers
        assert "computing" not in str(answers[0])
    finally:
        for name in "gates", "gates-settings":
            with contextlib.suppress(Refused):
                lab.vmnd.api.delete("types/" + name)
    verify(lab)


def test_looping_check_ends_the_process_once(lab, world):
    """Its write is refused, whether the check is late or not, and others'
    writes come through."""
    name = APP + "-deeds/one"
    ends = worker(lab)["ends"]
    for late in True, False:
        if late:
            with late_write(lab, name, {"deed": "loop"}) as answers:
                pass
            refused, = answers
        else:
            with pytest.raises(Refused) as caught:
                lab.vmnd.api.put(name, {"deed": "loop"})
            refused = caught.value
        ends += 1
        detail = refused.problem["errors"][0]["detail"]
        assert refused.status == 409
        assert "app %s could not look at it: its worker took more than" % APP \
            in detail
        assert "50 ms of processor time" in detail or "1000 ms" in detail
        found = worker(lab)
        assert (found["ends"], found["computed"]) == (ends, APP + "-deeds")
        lab.vmnd.api.put(name, {"deed": "sort"})
        lab.vmnd.api.delete(name)
        assert worker(lab)["ends"] == ends
    installed(label(lab, wait="installed", timeout="120s"))


def test_vmnd_stops_and_starts_while_an_app_is_late(lab, world):
    """Hosts keep the flows of its unit."""
    wait_aged(lab)
    before = of_app(lab)
    os.kill(worker(lab)["pid"], signal.SIGSTOP)
    lab.vmnd.api.patch("networks/victim", {"labels": {
        APP + "/do": "wait", APP + "/flows": "3"}})
    wait_for("the unit to be late", lambda: UNIT in issues(lab, "late"), 60)
    lab.vmnd.stop()
    lab.vmnd.start()
    lab.await_synced()
    assert UNIT in issues(lab, "late", "failed")
    assert changes(before, of_app(lab)) == []
    two = world.vm("two", "net", "h1", "10.0.0.2")
    assert world.reaches(two, world.one)
    assert changes(before, of_app(lab)) == []
    # It sleeps for too long at last.
    wait_for("the unit to fail",
             lambda: issues(lab, "failed").get(UNIT), 60)
    lab.vmnd.api.patch("networks/victim", {"labels": {APP + "/do": None}})
    wait_for("its flows", lambda: len(of_app(lab)) == len(before) + 2, 60)


def test_many_looping_objects(lab, world):
    """Each ends a process.  Others' changes come through meanwhile."""
    for i in range(5):
        lab.vmnd.api.patch("networks/victim", {"mtu": 1300 + i})
        lab.vmnd.api.put("networks/loop-%d" % i, {
            "subnets": [{"cidr": "10.%d.0.0/24" % (10 + i)}],
            "labels": {APP + "/do": "loop"}})
    two = world.vm("two", "net", "h1", "10.0.0.2")
    assert world.reaches(two, world.one)
    wait_for("all of them to fail", lambda: len(
        [unit for unit in issues(lab, "failed") if "/loop-" in unit]) == 5,
             120)
    for i in range(5):
        lab.vmnd.api.delete("networks/loop-%d" % i)
    wait_for("all to be well", lambda: not issues(lab, "late", "failed"), 60)


# Matches for a long time, by few instructions of Lua's.
BOMB = """\
return { name = (("a"):rep(4000):find((".-"):rep(8) .. "b")) or "bomb" }
"""


def workers(lab):
    """Processes of vmnd's apps."""
    with open("/proc/%d/task/%d/children" % (lab.vmnd.pid(), lab.vmnd.pid()),
              encoding="ascii") as children:
        return set(map(int, children.read().split()))


def load_bomb(lab, answers):
    try:
        lab.vmnd.api.call("PUT", "/v1/apps/bomb/code", {
            "file": "bomb.lua",
            "code": base64.b64encode(BOMB.encode()).decode()})
        answers.append("it is loaded")
    except Refused as refused:
        answers.append(refused.problem["errors"][0]["detail"])


def stop_loading(lab, answers):
    """Begins a load, and stops its process in the middle of it.  Returns the
    thread that loads and the process, or None if the load has ended before."""
    before = workers(lab)
    thread = threading.Thread(target=load_bomb, args=(lab, answers))

    def loading():
        """Not before it has been executed: vmnd waits for that."""
        return [pid for pid in workers(lab) - before
                if stat(pid)[0] == "vmn-app-worker"] or answers

    thread.start()
    wait_for("a process", loading, 20, 0.001)
    with contextlib.suppress(ProcessLookupError, ValueError):
        pid, = workers(lab) - before
        os.kill(pid, signal.SIGSTOP)
        wait_for("it to stop", lambda: stat(pid)[1] in "TZX", 20, 0.001)
        if stat(pid)[1] == "T":
            return thread, pid
    thread.join()
    return None


def stat(pid):
    """The process's name and state; "X": it is gone."""
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii") as file:
            name, state = file.read().split("(", 1)[1].split(") ")[:2]
            return name, state[0]
    except OSError:
        return None, "X"


def test_others_are_served_while_an_app_is_loaded(lab, world):
    """Its process is stopped in the middle of the load, which ends by its
    limits when the process continues, or after 5 s."""
    before, stopped = workers(lab), None
    while not stopped:
        answers = []
        stopped = stop_loading(lab, answers)
    thread, pid = stopped
    try:
        lab.vmnd.api.get("networks/net")
        label(lab)
        assert not answers
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    thread.join()
    assert "app bomb cannot be loaded: took more than" in answers[0]
    assert "bomb" not in [app["name"] for app in
                          lab.vmnd.api.get("apps")["items"]]
    wait_for("its end", lambda: workers(lab) == before, 20)
