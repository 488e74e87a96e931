# SPDX-License-Identifier: Apache-2.0
"""A bare OpenFlow 1.5 client: it sends ready bytes, and reads replies without
decoding more than their headers.  What a switch does for it is the least that
a controller can ask for."""

import socket
import struct
import time

from .process import Error

VERSION = 6
HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY = 0, 1, 2, 3
FLOW_MOD, GROUP_MOD = 14, 15
MULTIPART_REQUEST, MULTIPART_REPLY = 18, 19
BARRIER_REQUEST, BARRIER_REPLY = 20, 21
BUNDLE_CONTROL, BUNDLE_ADD = 33, 34
OPEN_REQUEST, COMMIT_REQUEST, COMMIT_REPLY = 0, 4, 5
FLOW_DESC, GROUP_DESC = 1, 7
ATOMIC_ORDERED = 3
ADD, ADD_OR_MOD, DELETE, DELETE_STRICT = 0, 0x8000, 3, 4
ANY, NO_BUFFER = 0xffffffff, 0xffffffff
ALL_TABLES = 255
ALL_BUCKETS = 0xffffffff
NO_MATCH = struct.pack("!HHI", 1, 4, 0)
BUNDLE = 7


def message(kind, xid, body=b""):
    return struct.pack("!BBHI", VERSION, kind, 8 + len(body), xid) + body


def control(kind, xid):
    return message(BUNDLE_CONTROL, xid,
                   struct.pack("!IHH", BUNDLE, kind, ATOMIC_ORDERED))


def added(inner):
    """Wraps a message as one of a bundle."""
    xid, = struct.unpack_from("!I", inner, 4)
    return message(BUNDLE_ADD, xid,
                   struct.pack("!IHH", BUNDLE, 0, ATOMIC_ORDERED) + inner)


def flow_mod(xid, command, table, priority, cookie=0, mask=0, rest=NO_MATCH):
    """'rest': the match and the instructions."""
    return message(FLOW_MOD, xid, struct.pack(
        "!QQBBHHHIIIHH", cookie, mask, table, command, 0, 0, priority,
        NO_BUFFER, ANY, ANY, 0, 0) + rest)


def flow_request(xid, table=ALL_TABLES):
    return message(MULTIPART_REQUEST, xid, struct.pack(
        "!HHIB3xII4xQQ", FLOW_DESC, 0, 0, table, ANY, ANY, 0, 0) + NO_MATCH)


def group_request(xid):
    return message(MULTIPART_REQUEST, xid, struct.pack(
        "!HHII4x", GROUP_DESC, 0, 0, 0xfffffffc))


class Switch:
    """A connection to a bridge's management socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(120)
        self.socket.connect(path)
        self.buffer = bytearray(1 << 20)
        self.view = memoryview(self.buffer)
        self.start = self.end = 0
        self.socket.sendall(message(HELLO, 1))
        kind, _ = self.receive()
        if kind != HELLO:
            raise Error("the switch says no hello")

    def close(self):
        self.socket.close()

    def receive(self):
        """The next message, echo requests apart: its type and a view of its
        bytes that is valid until the next call."""
        while True:
            self._fill(8)
            _, kind, length, xid = struct.unpack_from("!BBHI", self.buffer,
                                                      self.start)
            self._fill(length)
            one = self.view[self.start:self.start + length]
            self.start += length
            if kind == ECHO_REQUEST:
                self.socket.sendall(message(ECHO_REPLY, xid, one[8:]))
            else:
                return kind, one

    def _fill(self, n):
        while self.end - self.start < n:
            if len(self.buffer) - self.start < 65536:
                left = self.end - self.start
                self.buffer[:left] = self.buffer[self.start:self.end]
                self.start, self.end = 0, left
            got = self.socket.recv_into(self.view[self.end:])
            if not got:
                raise Error("the switch closed the connection")
            self.end += got

    def _expect(self, kind):
        """The next message, which is to be of this type."""
        got, one = self.receive()
        if got == ERROR:
            raise Error("the switch refuses: type %u, code %u"
                        % struct.unpack_from("!HH", one, 8))
        if got != kind:
            raise Error("message of type %u where %u was awaited"
                        % (got, kind))
        return one

    def push(self, data):
        """Sends ready messages as one bundle.  Returns the seconds until the
        switch has committed it."""
        start = time.monotonic()
        self.socket.sendall(control(OPEN_REQUEST, 2))
        self.socket.sendall(data)
        self.socket.sendall(control(COMMIT_REQUEST, 3))
        self._expect(BUNDLE_CONTROL)            # It is open.
        one = self._expect(BUNDLE_CONTROL)
        if struct.unpack_from("!H", one, 12) != (COMMIT_REPLY,):
            raise Error("the bundle was not committed")
        return time.monotonic() - start

    def _dump(self, request, part=None):
        self.socket.sendall(request)
        n_bytes = 0
        while True:
            one = self._expect(MULTIPART_REPLY)
            n_bytes += len(one)
            if part:
                part(one)
            if not struct.unpack_from("!H", one, 10)[0] & 1:
                return n_bytes

    def dump(self):
        """Reads all flows and throws them away.  Returns the seconds and the
        bytes."""
        start = time.monotonic()
        n_bytes = self._dump(flow_request(4))
        return time.monotonic() - start, n_bytes

    def _records(self, request):
        parts = []
        self._dump(request, lambda one: parts.append(bytes(one[16:])))
        for part in parts:
            ofs = 0
            while ofs < len(part):
                length, = struct.unpack_from("!H", part, ofs)
                yield part[ofs:ofs + length]
                ofs += length

    def flows(self):
        """All flows, as the messages of a bundle that would make them."""
        for record in self._records(flow_request(5)):
            table, priority, cookie = struct.unpack_from("!4xBxH8xQ", record)
            ofs = 24
            match = ofs + (struct.unpack_from("!H", record, ofs + 2)[0]
                           + 7) // 8 * 8
            stats = match + (struct.unpack_from("!H", record, match + 2)[0]
                             + 7) // 8 * 8
            yield added(flow_mod(10, ADD, table, priority, cookie, 0,
                                 record[ofs:match] + record[stats:]))

    def groups(self):
        for record in self._records(group_request(6)):
            kind, number, size = struct.unpack_from("!2xBxIH", record)
            yield added(message(GROUP_MOD, 11, struct.pack(
                "!HBxIH2xI", ADD_OR_MOD, kind, number, size, ALL_BUCKETS)
                + record[16:]))

    def clear(self):
        """Deletes all flows and groups."""
        self.socket.sendall(
            flow_mod(12, DELETE, ALL_TABLES, 0)
            + message(GROUP_MOD, 13, struct.pack(
                "!HBxIH2xI", 2, 0, 0xfffffffc, 0, ALL_BUCKETS))
            + message(BARRIER_REQUEST, 14))
        self._expect(BARRIER_REPLY)

    def unmark(self, table=253):
        """Deletes all flows of one table: by default vmnd's marker."""
        self.socket.sendall(flow_mod(15, DELETE, table, 0)
                            + message(BARRIER_REQUEST, 16))
        self._expect(BARRIER_REPLY)
