# SPDX-License-Identifier: Apache-2.0
"""The process of neutron-server that follows vmnd: what vmnd tells of ports
becomes their status in Neutron, and what vmnd has not been told is told.

Each neutron-server has one.  Several do no harm: all that they do may be done
twice."""

import threading
import time

from neutron_lib import context as n_context
from neutron_lib import worker
from oslo_log import log

from vmn_neutron import client as vmn
from vmn_neutron import source as sources
from vmn_neutron import spool
from vmn_neutron import sync
from vmn_neutron import translate

LOG = log.getLogger(__name__)

# How often the spool is looked at, and vmnd is tried again.
TICK_S = 1


class Worker(worker.BaseWorker):
    def __init__(self, driver):
        super().__init__(desc="vmn worker")
        self.driver = driver
        self.threads = []
        self.stopped = threading.Event()
        self.wanted = threading.Event()     # A comparison of everything.
        self.migrating = set()              # Bindings.
        self.migrated = set()               # Keys that are not told yet.
        self.said = {}

    def start(self):
        super().start(desc="vmn worker")
        self.stopped.clear()
        for target in (self._follow, self._catch_up):
            thread = threading.Thread(target=target, daemon=True)
            thread.start()
            self.threads.append(thread)

    def stop(self):
        self.stopped.set()

    def wait(self):
        pass

    @staticmethod
    def reset():
        pass

    def _say(self, about, text):
        """Warns, once as long as it is the same."""
        if self.said.get(about) != text:
            LOG.warning("%s", text)
            self.said[about] = text

    # Events.  -------------------------------------------------------------

    def _follow(self):
        last = None
        while not self.stopped.is_set():
            try:
                for kind, data, last in self.driver.client.events(
                        ("binding",), last):
                    self._take_in(kind, data)
                    if self.stopped.is_set():
                        return
                self._say("events", "vmnd has ended its events")
            except vmn.Unreachable as error:
                self._say("events", "no events of vmnd: %s" % error)
            except Exception:
                # The next attempt reads the status of all ports.
                LOG.exception("an event of vmnd could not be taken in")
                last = None
            self.stopped.wait(TICK_S)

    def _take_in(self, kind, data):
        context = n_context.get_admin_context()
        self.said.pop("events", None)
        if kind in ("start", "reset"):
            self.wanted.set()
            self._look_at_all(context)
        elif kind == "binding":
            for port in self.driver.source.ports(context, [data["port"]]):
                if translate.is_bound(port):
                    self.driver.port_is(context, port, data)

    def _look_at_all(self, context):
        states = {p["name"]: p["status"] for p in self.driver.client.list(
            "ports", translate.LABEL)}
        names = sorted(states)
        for i in range(0, len(names), sync.CHUNK):
            for port in self.driver.source.ports(context,
                                                 names[i:i + sync.CHUNK]):
                if translate.is_bound(port):
                    self.driver.port_is(context, port, states[port["id"]])

    # What was not told.  --------------------------------------------------

    def _catch_up(self):
        compared = None
        while not self.stopped.is_set():
            try:
                now = time.monotonic()
                interval = self.driver.settings.resync_interval
                if compared is None or self.wanted.is_set() or \
                        now > compared + interval:
                    self.wanted.clear()
                    self._compare()
                    compared = now
                self._tell_marked()
                self._tell_migrating()
                self.said.pop("telling", None)
            except (vmn.Unreachable, sync.Unsettled) as error:
                self._say("telling", "vmnd is told later: %s" % error)
            except Exception:
                LOG.exception("vmnd could not be told")
            self.stopped.wait(TICK_S)

    def _compare(self):
        try:
            self._see_to(self.driver.sync.compare())
            context = n_context.get_admin_context()
            self._look_at_all(context)
            if self.driver.source.l3:
                self.driver.source.l3.follow(
                    context, self.driver.source.all_keys())
        except Exception:
            self.wanted.set()
            raise

    def _see_to(self, refused):
        """Has what vmnd does not let go of told once more, later."""
        self.driver.spool.later(self.driver.sync.gone(refused))

    def _tell_marked(self):
        due = self.driver.spool.due()
        if not due:
            return
        keys = set(due.values())
        ports = self.driver.source.ports(
            n_context.get_admin_context(),
            [ident for kind, ident in keys if kind == "port"])
        keys |= self.driver.source.followers(n_context.get_admin_context(),
                                             ports)
        refused = self.driver.sync.tell_all(keys)
        self.driver.follow(keys - refused)
        self._see_to(refused)
        for path in due:
            spool.remove(path)

    def _tell_migrating(self):
        """Nothing tells a driver that a port has got or lost a second
        binding, as it does while its VM is migrated."""
        bindings = set(sources.bindings(n_context.get_admin_context(),
                                        status="INACTIVE"))
        self.migrated |= {("port", port)
                          for port, _ in bindings ^ self.migrating}
        self.migrating = bindings
        if self.migrated:
            refused = self.driver.sync.tell_all(self.migrated)
            self.driver.follow(self.migrated - refused)
            self.migrated = set()
