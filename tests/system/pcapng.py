# SPDX-License-Identifier: Apache-2.0
"""Reads pcapng (draft-ietf-opsawg-pcapng), as far as vmnd writes it; and has
tcpdump read the same, whose word counts for whether it is well-formed."""

import collections
import os
import struct
import subprocess
import tempfile

SECTION, INTERFACE, STATISTICS, PACKET = 0x0a0d0d0a, 1, 5, 6

# 'direction' is "in" or "out"; 'size' that of the whole packet.
Packet = collections.namedtuple("Packet",
                                "port host time direction size frame")


def _options(data):
    found = {}
    while len(data) >= 4:
        code, size = struct.unpack("=HH", data[:4])
        if not code:
            break
        found[code] = data[4:4 + size]
        data = data[4 + (size + 3) // 4 * 4:]
    return found


def blocks(data):
    """Type and body of each."""
    while data:
        kind, size = struct.unpack("=II", data[:8])
        assert size % 4 == 0 and 12 <= size <= len(data), (kind, size)
        assert struct.unpack("=I", data[size - 4:size])[0] == size
        yield kind, data[8:size - 4]
        data = data[size:]


def frames_so_far(path):
    """Those of a file that is being written: its last block may be a part."""
    with open(path, "rb") as file:
        data, found = file.read(), []
    while len(data) >= 8:
        kind, size = struct.unpack("=II", data[:8])
        if size > len(data):
            break
        if kind == PACKET:
            n, = struct.unpack("=I", data[20:24])
            found.append(data[28:28 + n])
        data = data[size:]
    return found


def count_packets(path):
    return len(frames_so_far(path))


class File:
    def __init__(self, data):
        self.packets = []
        self.interfaces = []    # (port, host)
        self.statistics = {}    # By number: (received, dropped)
        kinds = []
        for kind, body in blocks(data):
            kinds.append(kind)
            if kind == SECTION:
                assert struct.unpack("=IHH", body[:8]) == (0x1a2b3c4d, 1, 0)
            elif kind == INTERFACE:
                assert struct.unpack("=H", body[:2])[0] == 1
                options = _options(body[8:])
                self.interfaces.append((options[2].decode(),
                                        options.get(3, b"").decode()))
            elif kind == STATISTICS:
                number = struct.unpack("=I", body[:4])[0]
                options = _options(body[12:])
                self.statistics[number] = tuple(
                    struct.unpack("=Q", options[code])[0] for code in (4, 5))
            elif kind == PACKET:
                self._packet(body)
        assert kinds[:1] == [SECTION] and kinds.count(SECTION) == 1
        self._as_tcpdump_reads(data)

    def _packet(self, body):
        number, high, low, size, full = struct.unpack("=IIIII", body[:20])
        flags = struct.unpack("=I", _options(
            body[20 + (size + 3) // 4 * 4:])[2])[0]
        port, host = self.interfaces[number]
        self.packets.append(Packet(
            port, host, (high << 32 | low) / 1e6,
            {1: "in", 2: "out"}[flags & 3], full, body[20:20 + size]))

    def _as_tcpdump_reads(self, data):
        """The same packets, and nothing to complain of."""
        with tempfile.NamedTemporaryFile(suffix=".pcapng") as file:
            file.write(data)
            file.flush()
            done = subprocess.run(
                ["tcpdump", "-n", "-t", "-r", file.name, "-e"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                timeout=60, check=True)
        lines = [x for x in done.stdout.splitlines()
                 if x and not x[0].isspace()]
        assert len(lines) == len(self.packets), (len(lines),
                                                 len(self.packets))
        for line, packet in zip(lines, self.packets):
            assert "length %d:" % packet.size in line, (line, packet)


def read(path):
    with open(path, "rb") as file:
        return File(file.read())


def remove(path):
    if os.path.exists(path):
        os.unlink(path)
