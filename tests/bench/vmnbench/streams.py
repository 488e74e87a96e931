# SPDX-License-Identifier: Apache-2.0
"""TCP between two namespaces of a lab: streams, and connections opened one
after the other.

No connection has a source port that an earlier one had: where OVN commits with
nat(src), a port that is used again while conntrack remembers it ends
Open vSwitch 3.1.0 (assertion in conn_update_state())."""

import itertools
import multiprocessing
import socket
import statistics
import struct
import threading
import time

from vmnlab import netns

from .process import Error, wait_for

PORT = 5201
FIRST_SOURCE_PORT, LAST_SOURCE_PORT = 6000, 65535
STALL_S = 0.2                   # A packet was lost, and sent again.


def serve(ns, ready):
    """Takes what comes on PORT, in a process of its own: a connection that
    begins with "s" is a stream, of "c" each byte is answered."""
    listener = netns.socket_in(ns)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("0.0.0.0", PORT))
    listener.listen(1024)
    ready.set()

    def one(connection):
        buffer = bytearray(1 << 20)
        total = 0
        try:
            kind = connection.recv(1)
            if kind == b"c":
                connection.send(b"c")
                return
            while True:
                n = connection.recv_into(buffer)
                if not n:
                    break
                total += n
            connection.send(struct.pack("!Q", total))
        except OSError:
            pass
        finally:
            connection.close()

    while True:
        connection, _ = listener.accept()
        try:
            first = connection.recv(1, socket.MSG_PEEK)
        except OSError:
            first = b"c"        # Whoever gave up has closed it.
        if first == b"c":
            one(connection)
        else:
            threading.Thread(target=one, args=(connection,),
                             daemon=True).start()


class Client:
    """Connections from namespace 'ns' to 'ips' by turns, each from another
    source port from 'first' to 'last'."""

    def __init__(self, ns, ips, first=FIRST_SOURCE_PORT,
                 last=LAST_SOURCE_PORT):
        self.ns = ns
        self.ips = itertools.cycle(ips)
        self.first, self.last = first, last
        self.source_port = first

    def _socket(self):
        sock = netns.socket_in(self.ns)
        # Of the time before the last flush of conntrack it may be.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("0.0.0.0", self.source_port))
        self.source_port += 1
        if self.source_port > self.last:
            self.source_port = self.first
        return sock

    def stream(self, seconds):
        """Sends for so long; returns bytes that arrived, and the seconds."""
        data = bytes(1 << 18)
        with self._socket() as sock:
            # A switch that has ended is to be told, not waited for.
            sock.settimeout(30)
            sock.connect((next(self.ips), PORT))
            sock.sendall(b"s")
            start = time.monotonic()
            while time.monotonic() < start + seconds:
                sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            answer = b""
            while len(answer) < 8:
                more = sock.recv(8 - len(answer))
                if not more:
                    raise Error("the stream was cut")
                answer += more
            return (struct.unpack("!Q", answer)[0], time.monotonic() - start)

    def connect(self, seconds):
        """Opens a connection and closes it; whether it came to be."""
        with self._socket() as sock:
            sock.settimeout(seconds)
            # Nothing waits in the kernel afterwards.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            struct.pack("ii", 1, 0))
            try:
                sock.connect((next(self.ips), PORT))
                sock.sendall(b"c")
                return sock.recv(1) == b"c"
            except OSError:
                return False

    def connections(self, seconds):
        """Opens one connection after the other.  Returns the seconds that
        each took, and how many were not opened at all."""
        start = now = time.monotonic()
        took, failed = [], 0
        while now < start + seconds:
            if self.connect(5.0):
                took.append(time.monotonic() - now)
            else:
                failed += 1
            now = time.monotonic()
        return took, failed


def carried_bytes(vm):
    """Of all frames that its interface got, and of those that it sent, with
    their Ethernet headers.  No program is started: on an emulated processor
    that takes a part of the time in which is counted."""
    with netns.inside(vm.ns), open("/proc/thread-self/net/dev") as links:
        for line in links:
            name, _, counters = line.partition(":")
            if name.strip() == "eth0":
                fields = counters.split()
                return int(fields[0]), int(fields[8])
    raise Error("%s has no eth0" % vm.name)


def received_bytes(vm):
    return carried_bytes(vm)[0]


def start_server(vm):
    ready = multiprocessing.Event()
    server = multiprocessing.Process(target=serve, args=(vm.ns, ready),
                                     daemon=True)
    server.start()
    ready.wait(10)
    return server


class Measured:
    """What 'client' can send through 'peer' (of labs.py), once: a stream, and
    connections, for 'seconds' each.  'watch', if any, is called after the
    stream, which begins with an empty cache of the datapath: what that has of
    before is not to be measured, nor (see docs/pipeline.md, "Known limits") to
    stay; and conntrack is to know no source port that comes again."""

    def __init__(self, peer, client, seconds, watch=None):
        peer.forget()
        wait_for("connections through " + peer.name, lambda: all(
            client.connect(1.0) for _ in range(20)) or peer.check(), 60)
        client.stream(0.5)
        cpu = peer.switch_cpu()
        n_bytes, took = client.stream(seconds)
        cpu = peer.switch_cpu() - cpu
        self.watched = watch(peer) if watch else None
        self.mbit = 8e-6 * n_bytes / took
        self.us_per_mb = 1e12 * cpu / n_bytes
        client.connections(0.2)
        cpu = peer.switch_cpu()
        took, self.failed = client.connections(seconds)
        cpu = peer.switch_cpu() - cpu
        peer.check()
        if not took:
            raise Error("%s: no connection in %g s" % (peer.name, seconds))
        usual = [one for one in took if one < STALL_S]
        self.stalls = len(took) - len(usual) + self.failed
        self.per_second = len(usual) / sum(usual) if usual else 0.0
        self.us_per_connection = 1e6 * cpu / len(took)


FIGURES = (("Mbit/s", "mbit", "{:,.0f}"),
           ("CPU of the switches for a MB, us", "us_per_mb", "{:,.0f}"),
           ("connections a second", "per_second", "{:,.0f}"),
           ("CPU of the switches for one, us", "us_per_connection",
            "{:,.0f}"))


def spread(values, form):
    return "%s (%s to %s)" % tuple(form.format(value) for value in (
        statistics.median(values), min(values), max(values)))


def figures(rounds):
    """The cells of a row: FIGURES of all rounds, then stalls."""
    return " | ".join([spread([getattr(one, what) for one in rounds], form)
                       for _, what, form in FIGURES]
                      + [str(sum(one.stalls for one in rounds))])
