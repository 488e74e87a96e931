# SPDX-License-Identifier: Apache-2.0
"""Live migration of a guest from host to host, as libvirt does it: the
interface is plugged in at the destination first, under the same iface-id, then
QEMU copies the guest over the underlay while it runs, and announces it (RARP)
once it runs there; then the interface at the source goes."""

import collections
import contextlib
import time

from . import netns
from .netns import Error
from .qemu import Gone

COMPLETED, FAILED, CANCELLED = "completed", "failed", "cancelled"
OVER = (COMPLETED, FAILED, CANCELLED)
SECONDS = 120
# QEMU's own defaults, said so that they stay: a process keeps those of a
# migration that failed.  The last ones are when the destination tells the
# network where the guest is now (migrate-set-parameters of its QMP).
BANDWIDTH_MIB = 128
DOWNTIME_MS = 300
ANNOUNCE = {"announce-initial": 50, "announce-max": 550,
            "announce-rounds": 5, "announce-step": 100}      # ms, but rounds.
_STEP = 0.02

_Result = collections.namedtuple(
    "Result", "guest host status downtime_ms total_ms transferred error")


class Result(_Result):
    """How a migration ended: "completed", "failed" (why: 'error') or
    "cancelled"; 'host' is the name of the one that it runs on now.  The
    downtime, for which it ran nowhere, is QEMU's, and None unless completed.
    'transferred' are bytes."""

    def check(self):
        """Raises an Error unless it completed."""
        if self.status != COMPLETED:
            raise Error("the migration of %s %s%s; it is on %s" % (
                self.guest, "was cancelled" if self.status == CANCELLED
                else "failed", ": " + self.error if self.error else "",
                self.host))
        return self


class Migration:
    """The migration of 'guest' to Host 'host', which begins when this is
    made.  'bandwidth' is the most that QEMU may send, in MiB/s; 'downtime_ms'
    for how long the guest may stand still."""

    def __init__(self, guest, host, bandwidth=BANDWIDTH_MIB,
                 downtime_ms=DOWNTIME_MS):
        recover(guest)
        if guest.state["machine"] == host.name:
            raise Error("%s is on %s already" % (guest.name, host.name))
        if not guest.host:
            raise Error("%s is unplugged: it migrates when it is plugged in"
                        % guest.name)
        self.guest = guest
        self.source = guest.running_on
        self.destination = host
        self._result = None
        self._qmp = guest.machine(self.source).qmp()
        try:
            guest.state["to"] = host.name
            guest.lab.save()
            self._start(bandwidth, downtime_ms)
        except BaseException:
            self._abandon()
            raise

    def _start(self, bandwidth, downtime_ms):
        machine = self.guest.start_machine(self.destination, incoming=True)
        self.guest.plug_at(self.destination)
        ip = self.destination.tunnel_ip
        with machine.qmp() as qmp:
            qmp.execute("migrate-set-parameters", **ANNOUNCE)
            qmp.execute("migrate-incoming", uri="tcp:%s:0" % _bracket(ip))
            address, = qmp.execute("query-migrate")["socket-address"]
        self._qmp.execute("migrate-set-parameters", **{
            "max-bandwidth": max(1, int(bandwidth * (1 << 20))),
            "downtime-limit": int(downtime_ms), **ANNOUNCE})
        self._qmp.execute("migrate", uri="tcp:%s:%s" % (_bracket(ip),
                                                        address["port"]))

    def status(self):
        """QEMU's word: "setup", "active", ...; how it ended once it has."""
        if self._result:
            return self._result.status
        return self._query().get("status", "setup")

    def cancel(self):
        """Has QEMU give it up; wait() tells whether it came in time.  Another
        thread may wait meanwhile."""
        if not self._result:
            self._qmp.execute("migrate_cancel")

    def kill_destination(self):
        """Ends the QEMU that the guest was to migrate to."""
        self.guest.machine(self.destination).end()

    def wait(self, seconds=SECONDS, cancel_after=None):
        """Waits for its end and returns its Result.  It is cancelled after
        'cancel_after' seconds, and with an Error after 'seconds'; and when
        this is interrupted."""
        if self._result:
            return self._result
        start = time.monotonic()
        end = start + seconds * netns.PATIENCE
        late = False
        try:
            while True:
                found = self._query()
                if _is_over(found):
                    break
                now = time.monotonic()
                if cancel_after is not None and now > start + cancel_after:
                    cancel_after = None
                    self.cancel()
                if now > end:
                    if late:
                        raise Error("QEMU does not cancel the migration of %s"
                                    % self.guest.name)
                    late = True
                    end = now + 10 * netns.PATIENCE
                    self.cancel()
                time.sleep(_STEP)
        except BaseException:
            self._abandon()
            raise
        self._finish(found)
        if late and self._result.status == CANCELLED:
            raise Error("%s has not migrated within %g s: cancelled" % (
                self.guest.name, seconds * netns.PATIENCE))
        return self._result

    def _query(self):
        try:
            return self._qmp.execute("query-migrate")
        except Gone:
            raise Error("%s has ended on %s while it migrated" % (
                self.guest.name, self.source.name))

    def _finish(self, found):
        status, error = found["status"], found.get("error-desc")
        if status == COMPLETED and not _runs(self.guest, self.destination):
            # All was sent, and then it died.
            status = FAILED
            error = "QEMU has ended on " + self.destination.name
        if status != COMPLETED:
            self._abandon()
        else:
            self._qmp.close()
            _come_out(self.guest, self.destination, self.source)
        self._result = Result(
            self.guest.name, self.guest.state["machine"], status,
            found.get("downtime") if status == COMPLETED else None,
            found.get("total-time"), found.get("ram", {}).get("transferred"),
            error)

    def _abandon(self):
        """Leaves the guest where it was."""
        try:
            self.kill_destination()
            with contextlib.suppress(Gone):
                _resume(self._qmp)
        finally:
            self._qmp.close()
            _come_out(self.guest, self.source, self.destination)


def recover(guest):
    """Ends a migration that a program has left that was killed."""
    if "to" not in guest.state:
        return
    source = guest.running_on
    destination = guest.lab.host(guest.state["to"])
    moved = True
    try:
        with guest.machine(source).qmp() as qmp:
            # (A migration that has "completed" may be the one by which it
            # came here.)
            moved = qmp.execute("query-status")["status"] == "postmigrate"
            if not moved or not _runs(guest, destination):
                moved = False
                guest.machine(destination).end()
                _resume(qmp)
    except Gone:
        pass                    # It has ended there.
    except Error:
        raise Error("%s is being migrated to %s" % (guest.name,
                                                    destination.name))
    if moved:
        _come_out(guest, destination, source)
    else:
        _come_out(guest, source, destination)


def _bracket(ip):
    return "[%s]" % ip if ":" in ip else ip


def _is_over(found):
    """Whether QEMU has ended it, and says how long it took: it says first that
    it is completed, and computes that then (migration_iteration_finish())."""
    status = found.get("status")
    return status in OVER and (status != COMPLETED or found.get("total-time"))


def _runs(guest, host):
    """Whether it runs at 'host', as soon as that is known."""
    machine = guest.machine(host)
    status = ""

    def known():
        nonlocal status
        status = machine.status()
        return status != "inmigrate"

    netns.wait_for("%s to go on at %s" % (guest.name, host.name), known)
    return status == "running"


def _resume(qmp):
    """Has the guest go on at the source, whatever it was stopped for."""
    if qmp.execute("query-migrate").get("status", "none") not in \
            OVER + ("none",):
        qmp.execute("migrate_cancel")
    netns.wait_for("the end of a migration", lambda: qmp.execute(
        "query-migrate").get("status", "none") in OVER + ("none",))
    if not qmp.execute("query-status")["running"]:
        qmp.execute("cont")


def _come_out(guest, here, gone):
    """Ends a migration: 'guest' is at 'here' now, and nothing is left of it
    at 'gone'."""
    if gone.running():
        gone.unplug(guest.link)
    guest.state.update(machine=here.name, host=here.name)
    guest.state.pop("to", None)
    # Before QEMU ends: whoever it leaves looks there.
    guest.lab.record(guest)
    guest.end_machine(gone)
