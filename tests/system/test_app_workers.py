# SPDX-License-Identifier: Apache-2.0
"""Apps of others run in processes of their own: what such an app does wrong
(tests/unit/bad-app.c) costs nobody else anything."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading

import pytest
from app_lab import build_bad_app
from conftest import (HERE, World, changes, check_log, close_lab, flows,
                      make_lab, wait_aged)
from test_live_apps import ctl

from vmnlab.netns import wait_for

TOP = os.path.join(HERE, "../..")


@pytest.fixture(scope="module", name="module")
def _module(tmp_path_factory):
    return build_bad_app(tmp_path_factory.mktemp("app"))


@pytest.fixture(scope="module", name="lab")
def _lab(module):
    lab = make_lab("workers", 2, apps=[
        module, TOP + "/apps/example/mailguard.lua"])
    yield lab
    close_lab(lab)


@pytest.fixture(name="world")
def _world(lab):
    world = World(lab)
    world.network("net", "10.0.0.0/24")
    world.network("other", "10.1.0.0/24")
    resume(lab)
    yield world
    world.close()
    check_log(lab.vmnd)
    assert lab.vmnd.pid() is not None, lab.vmnd.last_words(60)


def resume(lab):
    """A new beginning: no test pauses since others ended the process."""
    subprocess.run(["ovs-appctl", "-t", lab.vmnd.unixctl, "apps/resume",
                    "bad"], check=True)


def worker(lab):
    """What the API says of the app's process."""
    return lab.vmnd.api.get("apps/bad")["status"]["worker"]


def problems(lab):
    """{unit: what is wrong with it}"""
    return {unit: issue["detail"]
            for issue in lab.vmnd.api.get("status")["problems"]
            for unit in issue["units"] if issue["kind"] == "failed"}


def of_app(lab, host="h1"):
    """The app's flows on a host, which end with a drop at priority 10."""
    return {key: flow for key, flow in flows(lab.host(host)).items()
            if "priority=10," in key[1] and flow.table == table(lab)}


def table(lab):
    return lab.vmnd.api.get("apps/bad")["status"]["stages"][0]["first_table"]


def test_it_has_a_process(lab, world):
    found = worker(lab)
    assert found["state"] == "running"
    with open("/proc/%d/status" % found["pid"], encoding="ascii") as status:
        text = dict(line.split(":", 1) for line in status)
    assert text["Seccomp"].strip() == "2"       # A filter.
    assert text["NoNewPrivs"].strip() == "1"
    assert "worker" not in lab.vmnd.api.get("apps/overlay")["status"]
    metrics = lab.vmnd.api.metrics()
    assert metrics['vmn_app_worker_up{app="bad"}'] == 1
    assert metrics['vmn_app_worker_ends_total{app="bad"}'] == found["ends"]
    world.vm("one", "net", "h1", "10.0.0.1")
    assert of_app(lab)


def test_a_script_is_an_app_as_any_other(lab, world):
    """mailguard.lua keeps VMs from sending mail, except for mail=yes."""
    status = lab.vmnd.api.get("apps/mailguard")["status"]
    assert status["worker"]["state"] == "running"
    relay = world.vm("relay", "net", "h1", "10.0.0.1", tcp=[25, 80])
    sender = world.vm("sender", "net", "h2", "10.0.0.2")
    assert world.reaches(sender, relay)
    assert world.blocked(sender, relay, 25)
    world.patch("ports", "sender", labels={"mail": "yes"})
    assert world.reaches(sender, relay, 25)
    assert problems(lab) == {}
    assert lab.vmnd.api.get("apps/mailguard")["status"]["worker"]["ends"] == 0


@pytest.mark.parametrize("deed", ["null", "abort", "stack", "memory", "loop",
                                  "file"])
def test_misdeeds_cost_nobody_anything(lab, world, deed):
    """Its unit fails, and says why; connections stay, and other changes come
    through, those of the same app as well."""
    one = world.vm("one", "net", "h1", "10.0.0.1", tcp=[80])
    two = world.vm("two", "net", "h2", "10.0.0.2", tcp=[80])
    world.vm("far", "other", "h1", "10.1.0.1")
    held = world.held(one, two)
    ends = worker(lab)["ends"]
    wait_aged(lab)
    before = {name: flows(lab.host(name)) for name in ("h1", "h2")}

    world.patch("networks", "other", labels={"do": deed})
    wait_for("its worker to end", lambda: worker(lab)["ends"] == ends + 1, 30)
    wait_for("the unit to fail",
             lambda: "bad.network/other" in problems(lab), 30)
    assert list(problems(lab)) == ["bad.network/other"]
    found = worker(lab)
    assert found["computed"] == "bad.network/other"
    assert found["failure"] in problems(lab)["bad.network/other"]
    for name in ("h1", "h2"):
        assert changes(before[name], flows(lab.host(name))) == []

    three = world.vm("three", "net", "h1", "10.0.0.3", tcp=[80])
    assert world.reaches(two, three)
    assert held.exchange(seconds=5)
    world.put("networks", "third", subnets=[{"cidr": "10.2.0.0/24"}])
    world.vm("there", "third", "h1", "10.2.0.1")
    wait_for("its flows", lambda: len(of_app(lab)) == 3, 30)
    held.close()

    world.patch("networks", "other", labels={"do": None})
    wait_for("all to be well", lambda: not problems(lab), 30)
    assert worker(lab)["ends"] == ends + 1


def test_what_is_another_apps_is_refused(lab, world):
    """Its unit fails and keeps its flow; another app's relation, group and
    connections stay as they are."""
    one = world.vm("one", "net", "h1", "10.0.0.1", tcp=[80])
    two = world.vm("two", "net", "h2", "10.0.0.2", tcp=[80])
    ends = worker(lab)["ends"]
    wait_aged(lab)
    before = {name: flows(lab.host(name)) for name in ("h1", "h2")}
    for use, why in (
            ("relation", 'unit bad.network/net publishes to '
             '"firewall.members", a relation of app firewall'),
            ("pool", 'unit bad.network/net asks for an ID of pool '
             '"firewall.identity", one of app firewall'),
            ("register", "stage bad of app bad writes register 12, which is "
             "not among its scratch registers"),
            ("zone", "stage bad of app bad writes register 5 "
             "(VMN_REG_ZONE), which is the pipeline's")):
        world.patch("networks", "net", labels={"use": use})
        wait_for("the unit to fail for " + use,
                 lambda: problems(lab) == {"bad.network/net": why}, 30)
    for name in ("h1", "h2"):
        assert changes(before[name], flows(lab.host(name))) == []
    assert world.reaches(one, two)

    world.patch("networks", "net", labels={"use": "group"})
    wait_for("all to be well", lambda: not problems(lab), 30)
    assert not lab.vmnd.api.get("status")["problems"]
    assert worker(lab)["ends"] == ends


def test_others_are_served_while_it_computes_for_ever(lab, world):
    """The API answers, while a change waits for what does not end."""
    answers = []

    def change():
        world.patch("networks", "other", labels={"do": "loop"})
        answers.append("changed")

    thread = threading.Thread(target=change)
    thread.start()
    while thread.is_alive():
        lab.vmnd.api.get("networks/net")
        answers.append("read")
    thread.join()
    # It took a second of the processor: much longer than an answer.
    assert answers.count("read") >= 3, answers
    # Or ten of a machine that has not given it that.
    assert problems(lab)["bad.network/other"] in (
        "its worker took more than 1000 ms of processor time",
        "its worker took more than 10000 ms")


def test_killed_by_others(lab, world):
    """It was nobody's fault: what was to be computed is."""
    world.vm("one", "net", "h1", "10.0.0.1")
    was = worker(lab)
    os.kill(was["pid"], signal.SIGKILL)
    world.patch("networks", "net", labels={"colour": "red"})
    wait_for("another process", lambda: worker(lab)["state"] == "running"
             and worker(lab)["pid"] != was["pid"], 30)
    assert not problems(lab)
    assert worker(lab)["ends"] == was["ends"] + 1


def test_its_file_may_be_overwritten(lab, world, module):
    """What runs is a copy."""
    with open(module, "rb") as file:
        content = file.read()
    with open(module, "r+b") as file:
        file.write(b"\0" * len(content))
    try:
        world.patch("networks", "net", labels={"colour": "blue"})
        was = worker(lab)
        os.kill(was["pid"], signal.SIGKILL)
        world.patch("networks", "net", labels={"colour": "green"})
        wait_for("another process", lambda: worker(lab)["state"] == "running"
                 and worker(lab)["pid"] != was["pid"], 30)
        assert not problems(lab)
    finally:
        with open(module, "wb") as file:
            file.write(content)


def events(lab):
    """What was told of the app's process."""
    status, _, text = lab.vmnd.api.raw(
        "GET", "/v1/events?kinds=app&follow=false&since=2000-01-01T00:00:00Z")
    assert status == 200, text
    return [json.loads(line[6:]) for line in text.decode().splitlines()
            if line.startswith('data: {"app"')]


def test_its_ends_are_told(lab, world):
    ends = worker(lab)["ends"]
    world.patch("networks", "other", labels={"do": "abort"})
    event = wait_for("an event", lambda: [
        e for e in events(lab) if e["ends"] == ends + 1], 30)[0]
    assert event["app"] == "bad"
    assert event["computed"] == "bad.network/other"
    assert event["failure"] == worker(lab)["failure"]


def restart(lab):
    lab.vmnd.kill()
    lab.vmnd.start()
    lab.await_synced()


def test_flows_of_what_fails_at_a_start_stay(lab, world):
    """Until it has been computed.  Those of others follow what is desired."""
    one = world.vm("one", "net", "h1", "10.0.0.1", tcp=[80])
    two = world.vm("two", "net", "h1", "10.0.0.2", tcp=[80])
    world.vm("far", "other", "h1", "10.1.0.1")
    world.patch("networks", "other", labels={"flows": "3"})
    world.patch("networks", "net", labels={"flows": "2"})
    wait_for("its flows", lambda: len(of_app(lab)) == 5, 30)
    world.patch("networks", "other", labels={"do": "null"})
    wait_for("the unit to fail", lambda: problems(lab), 30)
    wait_aged(lab)
    before = of_app(lab)

    restart(lab)
    assert list(problems(lab)) == ["bad.network/other"]
    assert changes(before, of_app(lab)) == []
    audit = subprocess.run(
        ["ovs-appctl", "-t", lab.vmnd.unixctl, "fabric/audit", "h1"],
        check=True, capture_output=True, text=True).stdout
    assert json.loads(audit)["unknown"] == 0
    assert changes(before, of_app(lab)) == []
    assert world.reaches(one, two)

    world.patch("networks", "net", labels={"flows": "1"})
    wait_for("a flow to go", lambda: len(of_app(lab)) == 4, 30)
    world.patch("networks", "other", labels={"do": None, "flows": "1"})
    wait_for("flows to go", lambda: len(of_app(lab)) == 2, 30)
    assert not problems(lab)


@contextlib.contextmanager
def absent(lab, module):
    """vmnd is restarted, and its app cannot be loaded."""
    with open(module, "rb") as file:
        content = file.read()
    try:
        with open(module, "wb") as file:
            file.write(b"rubbish")
        restart(lab)
        yield
    finally:
        with open(module, "wb") as file:
            file.write(content)
        restart(lab)


def test_vmnd_starts_without_an_app_that_does_not_load(lab, world, module):
    """The app's flows stay, and what VMN's own apps do goes on."""
    one = world.vm("one", "net", "h1", "10.0.0.1", tcp=[80])
    two = world.vm("two", "net", "h2", "10.0.0.2", tcp=[80])
    wait_aged(lab)
    before = of_app(lab)
    assert before
    with absent(lab, module):
        found = worker(lab)
        assert found["state"] == "absent"
        assert module in found["failure"]
        assert lab.vmnd.api.metrics()['vmn_app_worker_up{app="bad"}'] == 0
        assert wait_for("an event", lambda: events(lab), 30)[0]["state"] \
            == "absent"
        assert changes(before, of_app(lab)) == []
        three = world.vm("three", "net", "h2", "10.0.0.3", tcp=[80])
        assert world.reaches(one, three) and world.reaches(one, two)
        lab.vmnd.api.patch("apps/bad", {"enabled": False})
        wait_for("its flows to go", lambda: not of_app(lab), 30)
        lab.vmnd.api.patch("apps/bad", {"enabled": True})
    assert worker(lab)["state"] == "running"
    wait_for("its flows", lambda: of_app(lab).keys() == before.keys(), 30)


def test_what_was_kept_goes_although_the_host_was_away(lab, world, module):
    """The app is disabled while the host does not answer, and vmnd restarted
    once more: what is desired of the host is the same before and after."""
    world.vm("one", "net", "h1", "10.0.0.1")
    host = lab.host("h1")
    with absent(lab, module):
        assert of_app(lab)
        lab.vmnd.kill()
        host.freeze_switch()
        try:
            lab.vmnd.start()
            lab.vmnd.api.patch("apps/bad", {"enabled": False})
            lab.vmnd.kill()
            lab.vmnd.start()
        finally:
            host.thaw_switch()
        wait_for("its flows to go", lambda: not of_app(lab), 60)
        restart(lab)
        assert lab.vmnd.api.metrics()[
            "vmn_fabric_reconciles_digest_matched_total"] >= 2
        lab.vmnd.api.patch("apps/bad", {"enabled": True})
    wait_for("its flows", lambda: of_app(lab), 30)


def test_it_ends_with_vmnd(lab, world):
    world.vm("one", "net", "h1", "10.0.0.1")
    pid = worker(lab)["pid"]
    before = of_app(lab)
    lab.vmnd.kill()
    wait_for("its end", lambda: not os.path.exists("/proc/%d" % pid), 30)
    lab.vmnd.start()
    lab.await_synced()
    assert worker(lab)["pid"] != pid
    assert worker(lab)["ends"] == 0
    assert changes(before, of_app(lab)) == []


def test_status_warns_where_the_kernel_lacks_landlock(lab, world):
    """It names the module, not the script, which runs no code of its own while
    it is loaded."""
    def warnings():
        return [one["text"] for one in
                lab.vmnd.api.get("status").get("warnings", [])
                if "Landlock" in one["text"]]

    kernel_lacks_it = warnings()
    lab.vmnd.stop()
    lab.vmnd.start(wrapper=[sys.executable, HERE + "/without_landlock.py"])
    try:
        found, = warnings()
        assert "the kernel lacks Landlock" in found
        assert "(bad)" in found
        lab.await_synced()
        shown = ctl(lab, "status")
        assert "modules of apps (bad) may read the files" \
            in " ".join(shown.split())
        assert worker(lab)["state"] == "running"
    finally:
        lab.vmnd.stop()
        lab.vmnd.start()
    lab.await_synced()
    assert warnings() == kernel_lacks_it
