# SPDX-License-Identifier: Apache-2.0
"""New connections at a steady rate, whatever becomes of those before: who
answers each, and when it was begun.

For servers of vmnlab.traffic, which say who they are.  Not for throughput (see
streams.py)."""

import re
import selectors
import socket
import struct
import threading
import time

from vmnlab import netns

from . import streams

EVERY_S = 0.01
SILENT_S = 0.5                  # One not answered by then has failed.
_LINGER = struct.pack("ii", 1, 0)   # Nothing is left of it when it is closed.


class Attempt:
    """'who' is None while it is under way, then the name of the server, or ""
    if there was none."""

    def __init__(self, ns, address, source_port):
        self.source_port = source_port
        self.who = None
        self.socket = netns.socket_in(ns)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
        self.socket.bind(("0.0.0.0", source_port))
        self.at = time.monotonic()
        self.socket.connect_ex(address)

    def step(self, events):
        """Goes on after 'events'."""
        try:
            if events & selectors.EVENT_READ:
                self.who = self.socket.recv(256).decode().split(" ")[0]
            else:
                self.socket.send(b"who\n")
        except BlockingIOError:
            pass
        except OSError:
            self.who = ""


class Attempts:
    """From namespace 'ns' to 'ip', each from a source port of its own, 'first'
    to 'last' in turn."""

    def __init__(self, ns, ip, first, last):
        self.ns = ns
        self.address = (ip, streams.PORT)
        self.first, self.last = first, last
        self.source_port = first
        self.all = []           # Appended to by the thread.
        self.failed = None      # What ended the thread.
        self._running = False
        self._thread = None

    def __enter__(self):
        self.all = []
        self._running = True
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._running = False
        self._thread.join()

    def lost(self, since):
        """Those begun since then that nobody answered."""
        return [a for a in self.all if a.at >= since and a.who == ""]

    def answered(self, name, since):
        return [a for a in self.all if a.at >= since and a.who == name]

    def _run(self):
        selector = selectors.DefaultSelector()
        try:
            self._steadily(selector)
        except OSError as error:
            self.failed = error
        finally:
            for key in list(selector.get_map().values()):
                key.data.socket.close()
            selector.close()

    def _steadily(self, selector):
        under_way = []          # The oldest first.
        next_at = time.monotonic()
        while self._running:
            now = time.monotonic()
            if now >= next_at:
                attempt = self._begin()
                under_way.append(attempt)
                selector.register(attempt.socket, selectors.EVENT_WRITE,
                                  attempt)
                next_at = max(next_at + EVERY_S, now)
            for key, events in selector.select(
                    max(0.0, next_at - time.monotonic())):
                key.data.step(events)
                if key.data.who is None:
                    selector.modify(key.data.socket, selectors.EVENT_READ,
                                    key.data)
                else:
                    selector.unregister(key.data.socket)
                    key.data.socket.close()
            while under_way and (under_way[0].who is not None or now
                                 > under_way[0].at + SILENT_S):
                oldest = under_way.pop(0)
                if oldest.who is None:
                    selector.unregister(oldest.socket)
                    oldest.socket.close()
                    oldest.who = ""

    def _begin(self):
        attempt = Attempt(self.ns, self.address, self.source_port)
        self.source_port += 1
        if self.source_port > self.last:
            self.source_port = self.first
        self.all.append(attempt)
        return attempt


def sent_to(host, vip):
    """Who was given what came from each source port for 'vip', as far as the
    conntrack of 'host' remembers: {source port: IP}."""
    return {int(port): ip for port, ip in re.findall(
        r"orig=\(src=[^,]*,dst=%s,sport=(\d+),[^)]*\),reply=\(src=([^,]*),"
        % re.escape(vip), host.appctl("dpctl/dump-conntrack"))}
