# SPDX-License-Identifier: Apache-2.0
"""What a guest's link gets and sends on each host that has it while it
migrates, with the kernel's times: which datagrams of an Asker were delivered
there, when the guest last sent some back, and when QEMU announced it."""

import contextlib
import re
import socket
import struct
import threading
import time

from vmnlab import netns

_NUMBER = re.compile(rb"#(\d+);")
_ETH_P_ALL, _ETH_RARP = 0x0003, 0x8035
_SO_TIMESTAMPNS = 35
_BUFFER_SIZE = 64 << 20         # Nothing is read before the end.


class Tap:
    """Link 'link' of 'host', from when it is there."""

    def __init__(self, host, link):
        self.delivered = {}     # Number of a datagram -> time.time().
        self.answered = 0.0     # When the last one was sent back.
        self.announced = None   # When the guest was, first.
        self._link = link
        self._bound = False
        self._sock = netns.socket_in(host.ns, socket.AF_PACKET,
                                     socket.SOCK_RAW, 0)
        netns.deepen(self._sock, _BUFFER_SIZE)
        self._sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._sock.setblocking(False)

    def bind(self):
        if not self._bound:
            with contextlib.suppress(OSError):
                self._sock.bind((self._link, _ETH_P_ALL))
                self._bound = True

    def read(self):
        """Reads all, and ends."""
        while self._bound:
            try:
                data, control, _, address = self._sock.recvmsg(2048, 64)
            except BlockingIOError:
                break
            except OSError:
                continue        # It went down.
            seconds, ns = struct.unpack("qq", control[0][2][:16])
            self._take(data, seconds + ns / 1e9,
                       address[2] == socket.PACKET_OUTGOING)
        self._sock.close()

    def _take(self, data, when, to_guest):
        if len(data) < 42:
            return
        kind, = struct.unpack_from("!H", data, 12)
        if kind == _ETH_RARP and not to_guest and self.announced is None:
            self.announced = when
        for number in _NUMBER.findall(data):
            if to_guest:
                self.delivered.setdefault(int(number), when)
            else:
                self.answered = max(self.answered, when)


class Taps:
    """Those of guest 'one' on the host that it is on, and on 'to'."""

    def __init__(self, one, to):
        self.source = Tap(one.running_on, one.link)
        self.target = Tap(to, one.link)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.source.bind()
        self._thread.start()
        return self

    def __exit__(self, *unused):
        self._stop.set()
        self._thread.join()
        self.source.read()
        self.target.read()

    def _run(self):
        while not self._stop.wait(0.005):
            self.target.bind()

    def missed(self, asker):
        """The numbers of what was sent while the guest ran, before it stopped
        or since it was announced, and was not delivered to it."""
        offset = time.time() - time.monotonic()
        return [n for n, sent in asker.sent.items()
                if (sent + offset < self.source.answered - 0.05
                    and n not in self.source.delivered)
                or (self.target.announced
                    and sent + offset > self.target.announced
                    and n not in self.target.delivered)]

    def served_ms(self):
        """How long after its announcement the guest was delivered
        something."""
        after = [when for when in self.target.delivered.values()
                 if when >= self.target.announced]
        return 1000 * (min(after) - self.target.announced)
