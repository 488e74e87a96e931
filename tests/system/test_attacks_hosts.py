# SPDX-License-Identifier: Apache-2.0
"""What a hostile hypervisor may try against vmnd, whose certificate and place
in the configuration are in order: to take its memory, and to wash out the
record of who changed what.  One function for each attack, named for what the
attacker wants.  The hosts are emulated (tests/bench/swarm/hostile.c)."""

import contextlib
import functools
import json
import os
import resource
import shutil
import socket
import sqlite3
import sys
import tempfile
import threading
import time

import pytest
from conftest import REPORT
from vmnlab.daemon import find

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "../bench"))

from vmnbench.hostile import KINDS, MixedSwarm, Mixture  # noqa: E402
from vmnbench.process import memory_mib, wait_for  # noqa: E402

# Resident memory at which an attack has succeeded, in MiB; and the same of a
# sanitized vmnd, which keeps up to 256 MiB of what it has freed and pads what
# it has not.
TOO_MUCH = 300
TOO_MUCH_SANITIZED = 900
# Of the address space, where there is no sanitizer, which wants terabytes.
ADDRESS_SPACE = 1 << 30


def log_of(swarm, name):
    with open(swarm.path(name), errors="replace") as log:
        return log.read()


@functools.lru_cache()
def is_sanitized(program):
    real = os.path.join(os.path.dirname(program), ".libs",
                        os.path.basename(program))
    with open(real if os.path.exists(real) else program, "rb") as binary:
        return b"__asan_init" in binary.read()


@contextlib.contextmanager
def hosts(n, *options, n_hostile=0):
    vmnd = find("vmnd")
    program = os.path.join(os.path.dirname(vmnd), "tests/bench/swarm/swarm")
    directory = tempfile.mkdtemp(prefix="vmnh.", dir="/tmp")
    found = MixedSwarm(directory, n, n_hostile, vmnd, program,
                       app_dir=os.environ.get("VMN_APPDIR"),
                       options=options)
    try:
        found.start()
        if n_hostile and not is_sanitized(vmnd):
            resource.prlimit(found.processes.running["vmnd"].pid,
                             resource.RLIMIT_AS,
                             (ADDRESS_SPACE, ADDRESS_SPACE))
        found.add_hosts()
        yield found
        assert found.stop_vmnd() == 0, log_of(found, "vmnd.log")[-3000:]
        text = log_of(found, "vmnd.log")
        report = REPORT.search(text)
        assert not report, text[max(0, report.start() - 500):][:6000]
    finally:
        found.stop()
        place = os.environ.get("VMN_TEST_LOGS")
        if place:
            os.makedirs(place, exist_ok=True)
            shutil.copy(found.path("vmnd.log"),
                        place + "/attacks-hosts-vmnd.log")
        shutil.rmtree(directory, ignore_errors=True)


def memory(swarm):
    """Resident memory of vmnd; fails if the attack has succeeded."""
    mib = memory_mib(swarm.processes.running["vmnd"].pid)
    limit = TOO_MUCH_SANITIZED if is_sanitized(swarm.vmnd) else TOO_MUCH
    assert mib < limit, "vmnd has %d MiB" % mib
    return mib


def status(swarm, host):
    swarm.processes.check()
    memory(swarm)
    return swarm.host_status(host)


def over_budget(swarm, host, what):
    """How often vmnd has dropped a session of the host for its size."""
    return swarm.metrics().get('vmn_host_budget_exceeded_total{host="hv%d",'
                               'session="%s"}' % (host, what), 0)


class HostEvents:
    """What events say of hosts, from now on."""

    def __init__(self, swarm):
        self.found = []
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(swarm.path("vmnd.sock"))
        self.socket.sendall(b"GET /v1/events?kinds=host HTTP/1.1\r\n"
                            b"Host: vmn\r\n\r\n")
        self.lines = self.socket.makefile("rb")
        for line in self.lines:
            if b"event: start" in line:
                break
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self):
        with contextlib.suppress(OSError, ValueError):
            for line in self.lines:
                if line.startswith(b"data: ") and b'"host"' in line:
                    self.found.append(json.loads(line[6:]))

    def say(self, host, reason):
        return any(event["host"] == "hv%d" % host
                   and reason in event.get("reason", "")
                   for event in list(self.found))

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)
        self.lines.close()
        self.socket.close()


def dropped(swarm, host, kind, what, reason, times=2):
    """Lets the host attack, and waits until it was dropped so often."""
    events = HostEvents(swarm)
    swarm.control("hostile", "hv%d" % host, kind)
    wait_for("vmnd to drop the host",
             lambda: status(swarm, host)
             and over_budget(swarm, host, what) >= times, 120, 0.05)
    found = wait_for("the reason",
                     lambda: reason in status(swarm, host).get("reason", "")
                     and status(swarm, host)["reason"], 60, 0.05)
    assert any(text in found for text in (
        "exceeds", "larger than", "too much")), found
    wait_for("the event", lambda: events.say(host, reason), 60, 0.05)
    events.close()
    # It is not let in again at once, and does no more harm when it is.
    n = over_budget(swarm, host, what)
    assert n <= times + 2
    memory(swarm)


@pytest.mark.parametrize("spec", [{"hosts": ["hv0", "hv1"]}, {}])
def test_budget_keeps_out_a_host_with_many_interfaces(spec):
    """An honest host comes with thousands of interfaces whose ports nobody
    has seen there yet: the budgets are for others."""
    n = 8000                    # Of 8,192 that a snapshot may have.
    names = ["p%d" % x for x in range(n)]
    with hosts(2) as swarm:
        swarm.api.call("POST", "/v1/apply", {"objects": [
            {"type": "networks", "name": "n%d" % x,
             "spec": {"subnets": [{"cidr": "10.0.0.0/16"}]}}
            for x in range(50)]})
        swarm.api.call("POST", "/v1/apply", {"objects": [
            {"type": "ports", "name": name,
             "spec": {"network": "n%d" % (x % 50), **spec}}
            for x, name in enumerate(names)]})
        assert swarm.stop_vmnd() == 0
        swarm.control("plug", "hv0", *names)
        swarm.start_vmnd()
        wait_for("the ports", lambda: swarm.host_status(0).get("ports") == n
                 or over_budget(swarm, 0, "ovsdb"), 120, 0.2)
        swarm.wait_synced(120)
        assert over_budget(swarm, 0, "ovsdb") == 0
        assert over_budget(swarm, 0, "openflow") == 0
        assert swarm.differences() == {}


def marker_of(swarm, host):
    """The flow by which vmnd knows what the host holds: all of it, as a dump
    has it (struct ofp15_flow_desc)."""
    found = [record for record in swarm.control("dump", "hv%d" % host)
             if record[8:10] == "%02x" % 253]
    assert len(found) == 1
    return found[0]


def test_foresee_the_marker_of_a_host():
    """A marker that follows from what a host holds alone, as it did once, is
    one that whoever chooses parts of that can have stay as it is."""
    found = []
    for _ in range(2):
        with hosts(1) as swarm:
            swarm.api.call("PUT", "/v1/networks/n", {
                "spec": {"subnets": [{"cidr": "10.0.0.0/16"}]}})
            swarm.wait_settled()
            found.append((swarm.control("digest", "hv0"),
                          marker_of(swarm, 0)))
            # It is the same as long as the state is.
            assert swarm.stop_vmnd() == 0
            swarm.start_vmnd()
            swarm.wait_synced(120)
            assert marker_of(swarm, 0) == found[-1][1]
            assert swarm.metrics()["vmn_fabric_reconciles_digest_matched_total"] == 1
            # After an upgrade from markers without a key, or with another
            # one, all is read once and nothing but the marker sent.
            before = swarm.control("show", "hv0")
            assert swarm.stop_vmnd() == 0
            with contextlib.closing(sqlite3.connect(
                    swarm.path("vmn.db"))) as database, database:
                database.execute("DROP TABLE secrets")
                database.execute("DROP INDEX revisions_key")
                for column in ("comment", "undoes", "request_key",
                               "request_digest", "draft", "draft_author"):
                    database.execute(
                        "ALTER TABLE revisions DROP COLUMN " + column)
                database.execute("PRAGMA user_version = 6")
            swarm.start_vmnd()
            swarm.wait_synced(120)
            assert marker_of(swarm, 0) != found[-1][1]
            after = swarm.control("show", "hv0")
            assert after["dumps"] > before["dumps"]
            assert after["flow_adds"] - before["flow_adds"] <= 1
            assert after["flow_deletes"] == before["flow_deletes"]
            assert swarm.control("digest", "hv0") == found[-1][0]
    assert found[0][0] == found[1][0]
    assert found[0][1] != found[1][1]


def recovers(swarm, host):
    """A host that stops attacking is used again."""
    swarm.control("hostile", "hv%d" % host, "none")
    wait_for("the host to be synced",
             lambda: status(swarm, host)["state"] == "synced", 120, 0.05)


def test_host_fills_memory_with_database_rows():
    """Rows that no bridge owns, in gigabytes."""
    with hosts(2) as swarm:
        dropped(swarm, 1, "rows", "ovsdb", "its database")
        assert status(swarm, 0)["state"] == "synced"
        recovers(swarm, 1)


def test_host_fills_memory_with_values_of_a_message():
    """A message of 8 MiB whose values take thirty times that when parsed."""
    with hosts(2) as swarm:
        dropped(swarm, 1, "values", "ovsdb", "its database")
        recovers(swarm, 1)


def test_host_fills_memory_with_a_long_name():
    """A bridge's name that is copied for each of its interfaces."""
    with hosts(2) as swarm:
        swarm.control("hostile", "hv1", "names")
        wait_for("the attack", lambda: status(swarm, 1) and
                 over_budget(swarm, 1, "ovsdb") or memory(swarm), 60, 0.05)
        for _ in range(200):
            memory(swarm)
            swarm.metrics()
        assert status(swarm, 0)["state"] == "synced"


def test_host_fills_memory_with_an_endless_dump():
    with hosts(2) as swarm:
        dropped(swarm, 1, "dump", "openflow", "its flows")
        assert status(swarm, 0)["state"] == "synced"
        recovers(swarm, 1)


def test_host_keeps_vmnd_reading_parts_of_a_dump():
    """Each part of the reply is empty, and another follows."""
    with hosts(2) as swarm:
        dropped(swarm, 1, "parts", "openflow", "its flows")
        recovers(swarm, 1)


def test_host_fills_the_queue_to_it_by_meters():
    """Each meter that nobody wants is answered by a message."""
    with hosts(2) as swarm:
        dropped(swarm, 1, "meters", "openflow", "its meters")
        recovers(swarm, 1)


# As many changes as vmnd takes in at once of a host, and how many a second
# from then on (vmnd --report-rate).
BURST, RATE = 100, 10


def revision(swarm):
    return swarm.api.call("GET", "/v1/networks", limit=1)["revision"]


def put_port(swarm, name, ip):
    swarm.api.call("PUT", "/v1/ports/" + name, {
        "spec": {"network": "n", "ips": [ip]}})


def flips(swarm):
    return swarm.control("show", "hv1")["flaps"]


def test_host_washes_out_the_log_by_an_interface():
    """The host plugs and unplugs an interface thousands of times: revisions
    come at the rate for a host, and others of it are taken in meanwhile."""
    with hosts(2) as swarm:
        swarm.api.call("PUT", "/v1/networks/n", {
            "spec": {"subnets": [{"cidr": "10.0.0.0/16"}]}})
        put_port(swarm, "victim", "10.0.0.2")
        put_port(swarm, "other", "10.0.0.3")
        before, start = revision(swarm), time.monotonic()
        swarm.control("hostile", "hv1", "flap", "victim")
        wait_for("many changes, some of which wait", lambda: (
            flips(swarm) > 2000
            and swarm.metrics()["vmn_host_reports_delayed_total"]), 120)
        made = revision(swarm) - before
        # Each report may be a revision of its own, and one of a binding.
        most = 2 * (BURST + RATE * (time.monotonic() - start))
        assert made <= most + 10, (made, most)
        swarm.control("plug", "hv1", "other")
        wait_for("the other port", lambda: swarm.api.call(
            "GET", "/v1/ports/other")["status"]["state"] == "up", 60)
        swarm.control("hostile", "hv1", "none")
        swarm.control("plug", "hv1", "victim")
        wait_for("the port", lambda: swarm.api.call(
            "GET", "/v1/ports/victim")["status"]["state"] == "up", 60)


def test_host_has_all_computed_anew_by_an_mtu():
    """The MTU of networks follows from the lowest of the hosts' underlays:
    one that flips its own has the lower one hold, and no more computed."""
    with hosts(2) as swarm:
        swarm.api.call("PATCH", "/v1/hosts/hv1", {
            "spec": {"tunnel_interface": "victim"}})
        swarm.api.call("PUT", "/v1/networks/n", {
            "spec": {"subnets": [{"cidr": "10.0.0.0/16"}]}})
        put_port(swarm, "victim", "10.0.0.2")
        swarm.control("plug", "hv1", "victim")
        wait_for("the port", lambda: swarm.api.call(
            "GET", "/v1/ports/victim")["status"]["state"] == "up", 60)
        swarm.wait_settled()
        before = revision(swarm)
        swarm.control("hostile", "hv1", "mtu", "victim")
        wait_for("many changes", lambda: flips(swarm) > 2000, 120)
        # The first one, whichever it is, and the lower one after it.
        assert revision(swarm) - before <= 2


def make_changes(swarm):
    """Three revisions of a person, and some of hosts."""
    swarm.api.call("PUT", "/v1/networks/n", {
        "spec": {"subnets": [{"cidr": "10.0.0.0/16"}]}})
    put_port(swarm, "victim", "10.0.0.2")
    swarm.control("plug", "hv0", "victim")
    wait_for("the port", lambda: swarm.api.call(
        "GET", "/v1/ports/victim")["status"]["state"] == "up", 60)
    swarm.api.call("DELETE", "/v1/ports/victim", comment="CHG-17: \u00e4 = b")


def check_entries(entries):
    """'entries', parsed, tell of add_hosts() and make_changes(), and of what
    no host has done."""
    assert [one["who"] for one in entries] == ["unix:uid=%d"
                                               % os.getuid()] * 4
    assert [one["changes"][0] for one in entries[1:]] == [
        {"op": "create", "type": "networks", "name": "n"},
        {"op": "create", "type": "ports", "name": "victim"},
        {"op": "delete", "type": "ports", "name": "victim"}]
    assert [one.get("comment") for one in entries] == [
        None, None, None, "CHG-17: \u00e4 = b"]
    numbers = [one["revision"] for one in entries]
    assert numbers == sorted(set(numbers))
    assert numbers[3] - numbers[2] > 1      # The host's are between.
    assert all(one["n_changes"] == len(one["changes"]) for one in entries)


def test_record_is_lost_with_the_database():
    """The audit trail is in a file, too, whoever holds the database; and the
    file may be rotated."""
    with tempfile.TemporaryDirectory(prefix="vmna.") as directory:
        path = directory + "/trail"
        with hosts(1, "--audit-log=" + path) as swarm:
            assert os.stat(path).st_mode & 0o077 == 0
            make_changes(swarm)
            with open(path) as trail:
                check_entries([json.loads(line) for line in trail])
            os.rename(path, path + ".1")
            swarm.api.call("DELETE", "/v1/networks/n")
            with open(path) as trail:
                assert len(trail.readlines()) == 1
            assert swarm.metrics()["vmn_audit_log_entries_total"] == 5
            assert swarm.metrics()["vmn_audit_log_lost_total"] == 0


def receive_all(listener):
    """What has come to a datagram socket."""
    found = []
    with contextlib.suppress(BlockingIOError):
        while True:
            found.append(listener.recv(65536, socket.MSG_DONTWAIT).decode())
    return found


@pytest.mark.parametrize("kind", ["syslog", "journal"])
def test_record_is_lost_with_the_machine(kind):
    """The same by syslog's and the journal's own sockets.  Nobody who does not
    read them holds vmnd up: what they do not take is counted."""
    with tempfile.TemporaryDirectory(prefix="vmna.") as directory, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(directory + "/log")
        with hosts(1, "--audit-log=%s:%s/log" % (kind, directory)) as swarm:
            make_changes(swarm)
            found = receive_all(listener)
            if kind == "syslog":
                assert all(one.startswith("<85>") and " vmnd[" in one
                           for one in found)
                check_entries([json.loads(one.split("]: ", 1)[1])
                               for one in found])
            else:
                fields = [dict(line.split("=", 1)
                               for line in one.splitlines())
                          for one in found]
                check_entries([json.loads(one["MESSAGE"]) for one in fields])
                assert {one["VMN_WHO"] for one in fields} == {
                    "unix:uid=%d" % os.getuid()}
                assert fields[-1]["VMN_COMMENT"] == "CHG-17: \u00e4 = b"
            for i in range(2000):
                swarm.api.call("PATCH", "/v1/networks/n", {
                    "spec": {"mtu": 1300 + i % 2}})
                if swarm.metrics()["vmn_audit_log_lost_total"]:
                    break
            else:
                pytest.fail("the socket took all")
            receive_all(listener)
            swarm.api.call("DELETE", "/v1/networks/n")
            assert "networks" in receive_all(listener)[-1]


def test_hosts_of_each_kind_disturb_the_honest_ones():
    """All attacks at once, beside 50 honest hosts, and with 1 GiB of address
    space: no honest host is lost, and changes are installed on all of them.
    How fast that is is for tests/bench/hostile."""
    n_honest = 50
    with hosts(n_honest + len(KINDS), n_hostile=len(KINDS)) as swarm:
        mixture = Mixture(swarm, n_honest, KINDS)
        mixture.fill()
        mixture.attack()
        for kind, host in mixture.hostile().items():
            session = ("ovsdb" if kind in ("rows", "values") else
                       "openflow" if kind in ("dump", "parts", "meters")
                       else None)
            if session:
                wait_for(kind, lambda host=host, session=session:
                         over_budget(swarm, int(host[2:]), session), 400)
        for _ in range(5):
            mixture.change()
            memory(swarm)
        wait_for("honest hosts to be synced", lambda: not mixture.states(),
                 60)
        swarm.control("hostile", "all", "none")
