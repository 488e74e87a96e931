# SPDX-License-Identifier: Apache-2.0
"""Numbered datagrams to somebody who sends each of them back, at a steady
rate: which came back, and when.  Not for what takes no program at the other
end (vmnlab.traffic.Pinger, vmnlab.stream)."""

import re
import selectors
import threading
import time

_NUMBER = re.compile(rb"#(\d+);")
# How long what is on its way may take, when the last one is sent.
DRAIN_S = 2.0


class Asker:
    """Sends by 'sock', of UDP, which is connected, 'rate' datagrams a second
    until it is stopped, and then waits 'drain_s' seconds for the last one.
    One may come back with others, in one."""

    def __init__(self, sock, rate=1000, drain_s=DRAIN_S):
        self.sock = sock
        self.sock.setblocking(False)
        self.interval = 1.0 / rate
        self.drain_s = drain_s
        self.sent = {}          # Number -> time.
        self.seen = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def stop(self):
        """Sends no more; what is on its way is waited for until the end."""
        self._stop.set()

    def __exit__(self, *unused):
        self.stop()
        self._thread.join()
        self.sock.close()

    def _run(self):
        selector = selectors.DefaultSelector()
        selector.register(self.sock, selectors.EVENT_READ)
        due = time.monotonic()
        number = 0
        while not self._stop.is_set():
            while time.monotonic() < due:
                if selector.select(max(0.0, due - time.monotonic())):
                    self._receive()
            number += 1
            try:
                self.sock.send(b"#%d;\n" % number)
            except OSError:
                pass            # Nobody is there: lost.
            self.sent[number] = time.monotonic()
            # Not in one burst what this thread did not get to send in time.
            due = max(due + self.interval, time.monotonic())
        end = time.monotonic() + self.drain_s
        while number not in self.seen and time.monotonic() < end:
            if selector.select(0.1):
                self._receive()
        selector.close()

    def _receive(self):
        try:
            while True:
                now = time.monotonic()
                for number in _NUMBER.findall(self.sock.recv(8192)):
                    self.seen.setdefault(int(number), now)
        except OSError:
            pass

    def lost(self):
        """The numbers of what did not come back."""
        return [n for n in self.sent if n not in self.seen]

    def gap_ms(self):
        """The longest time in which nothing came back."""
        times = sorted(self.seen.values())
        return 1000 * max((b - a for a, b in zip(times, times[1:])),
                          default=0.0)
