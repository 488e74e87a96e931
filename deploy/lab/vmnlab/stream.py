# SPDX-License-Identifier: Apache-2.0
"""Fast streams of numbered packets between VMs: which arrived, where and when.

A process of its own sends and receives, so that nothing that its caller does
makes it late.  It writes frames past the VMs' network stacks, and takes them
as they arrive at their links.  Where it gets no processor for a while it sends
less, rather than all at once: a burst would overflow the switches' sockets."""

import contextlib
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time

from . import frames, netns

# Whose it is (random), the number of its stream, and its own, with its
# complement: so all have one checksum.
_HEAD = struct.Struct("!8sHII")
_OWN = struct.Struct("!II")
# Where that begins in a frame of IP's version, and the number in it.
_HEAD_AT = {4: 14 + 20 + 8, 6: 14 + 40 + 8}
_OWN_AT = 10
_ETHERTYPES = {4: frames.ETH_IP, 6: frames.ETH_IPV6}

# What one turn may send of a stream, to make up for time that was lost.
BURST_MAX = 20
# How long a packet is on its way at most, if the machine does not stand still.
WAY_S = 0.3 * netns.PATIENCE
# How long stragglers are waited for, when all is sent, after the last one.
DRAIN_S = 1.0
# The same of streams of which all is to arrive: a switch may get no processor
# for seconds.
WHOLE_S = 10.0

_SO_TIMESTAMPNS = 35
_BUFFER_SIZE = 64 << 20
_SOL_PACKET, _PACKET_STATISTICS = 263, 6


class Result:
    """What became of a stream.  Times are time.time()."""

    def __init__(self, name, found):
        self.name = name
        self.sent = found["sent"]       # Packet's number -> time.
        self.seen = {}                  # Number -> (time, number of sink),
                                        # of its first copy.
        self.n_copies = 0               # More than one of a packet at a sink.
        self.seen_at = {}               # Sink -> numbers.
        for number, at, sink in found["seen"]:
            self.seen.setdefault(number, (at, sink))
            at_sink = self.seen_at.setdefault(sink, set())
            self.n_copies += number in at_sink
            at_sink.add(number)

    @property
    def lost(self):
        """The numbers of packets that did not arrive."""
        return [n for n in range(len(self.sent)) if n not in self.seen]

    def arrived(self, start=0.0, end=float("inf")):
        """The numbers of packets sent in a time that arrived."""
        return [n for n in sorted(self.seen) if start <= self.sent[n] < end]

    def missed(self, sink, start=0.0, end=float("inf")):
        """The numbers of packets sent in a time that did not arrive at
        'sink', whether or not they did elsewhere."""
        seen = self.seen_at.get(sink, ())
        return [n for n, sent in enumerate(self.sent)
                if start <= sent < end and n not in seen]

    def sinks(self, start=0.0, end=float("inf")):
        """Where packets sent in a time have arrived: {sink: how many}."""
        found = {}
        for n in self.arrived(start, end):
            sink = self.seen[n][1]
            found[sink] = found.get(sink, 0) + 1
        return found

    def gaps(self):
        """Runs of lost packets: (time of the first, how many)."""
        runs = []
        for n in self.lost:
            if runs and n == runs[-1][0] + runs[-1][1]:
                runs[-1][1] += 1
            else:
                runs.append([n, 1])
        return [(self.sent[first], length) for first, length in runs]

    def __str__(self):
        seconds = (self.sent[-1] - self.sent[0]) if self.sent else 0.0
        gaps = self.gaps()
        start = self.sent[0] if self.sent else 0.0
        return "%s: %d sent in %.1f s, %d lost%s%s" % (
            self.name, len(self.sent), seconds, len(self.lost),
            " (%s%s)" % (", ".join("%d at %.3f s" % (n, at - start)
                                   for at, n in gaps[:8]),
                         ", ..." if len(gaps) > 8 else "") if gaps else "",
            ", %d twice" % self.n_copies if self.n_copies else "")


class Streams:
    """Any number of streams.  add() them, start(), and stop() for what became
    of them; or use it as a context."""

    def __init__(self, rate=1000, size=64):
        self.rate = rate        # Packets a second, of each.
        self.size = size        # Of their payload, in bytes.
        self.key = os.urandom(8)
        self.names = []
        self.specs = []
        self.hosts = []         # Whose switches are to keep up.
        self._process = None
        self._results = None

    def add(self, name, source, sink, port=9000, links=(("eth0", "eth0"),),
            to=None, others=(), version=4):
        """A stream of UDP over IP's 'version' from VM 'source' to VM 'sink',
        where nobody may listen at 'port'. 'links' are pairs of the source's
        and the sink's: it is sent from the first pair's until switch() is
        called, and may arrive at any. 'to' is a (MAC, IP) to send to instead
        of the sink's, and 'others' are more VMs where it may arrive, at their
        eth0."""
        payload = _HEAD.pack(self.key, len(self.specs), 0,
                             0xffffffff).ljust(self.size, b".")
        mac, ip = to or (sink.mac, sink.ip if version == 4 else sink.ip6)
        frame = (frames.udp if version == 4 else frames.udp6)(
            mac, source.mac, source.ip if version == 4 else source.ip6, ip,
            port, port, payload)
        self.names.append(name)
        self.hosts = source.lab.hosts
        self.specs.append({
            "key": self.key.hex(), "frame": frame.hex(), "rate": self.rate,
            "version": version,
            "listen": [[vm.ns, port] for vm in (sink, *others)],
            "sources": [[source.ns, pair[0]] for pair in links],
            "sinks": sorted({(sink.ns, pair[1]) for pair in links})
            + [(vm.ns, "eth0") for vm in others]})
        return self

    def start(self):
        for host in self.hosts:
            host.deepen_sockets()
        place = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "vmnlab.stream"], cwd=place, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._tell(self.specs)
        if self._process.stdout.readline() != "ready\n":
            raise netns.Error("the streams' process does not start")
        return self

    def switch(self, name, number):
        """From now on stream 'name' is sent from link pair 'number'.  Returns
        the time at which it was done."""
        self._tell({"switch": self.names.index(name), "to": number})
        return float(self._process.stdout.readline())

    @staticmethod
    def now():
        """The time, as in results."""
        return time.time()

    def arrive(self, *names, seconds=10):
        """Waits until as many packets of each stream have arrived as were sent
        before the call, but 'seconds' at most: the results say what is
        lost."""
        sent = [n for n, _ in self._counts(names)]
        with contextlib.suppress(netns.Error):
            netns.wait_for("packets", lambda: all(
                seen >= n for (_, seen), n in zip(self._counts(names), sent)),
                           seconds)
        return self

    def await_first(self, *names, seconds=20):
        """Waits until some of each stream has arrived, but 'seconds' at
        most."""
        with contextlib.suppress(netns.Error):
            netns.wait_for("packets", lambda: all(
                seen for _, seen in self._counts(names)), seconds)
        return self

    def _counts(self, names):
        """[(sent, arrived)] of the streams."""
        self._tell("count")
        found = json.loads(self._process.stdout.readline())
        return [found[self.names.index(name)] for name in names]

    def run(self, seconds):
        """Lets the streams flow for a while."""
        time.sleep(seconds)
        return self

    def send(self, packets):
        """Lets them flow until so many packets of each were sent: in a time
        that is given it may be few."""
        def all_sent():
            self._tell("count")
            return all(n >= packets for n, _ in
                       json.loads(self._process.stdout.readline()))
        netns.wait_for("packets to be sent", all_sent, 60)
        return self

    def stop(self, whole=()):
        """Returns {name: Result}.  Streams named in 'whole' are to arrive
        whole: what is late of them is waited for."""
        if self._results is None:
            self._tell({"stop": [self.names.index(name) for name in whole]})
            text = self._process.stdout.readline()
            self._end()
            found = json.loads(text)
            self._results = {name: Result(name, one) for name, one
                             in zip(self.names, found["streams"])}
            if found["overflows"]:
                raise netns.Error("the receiver was too slow for %d packets"
                                  % found["overflows"])
        return self._results

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        if self._process:
            self._end()

    def _tell(self, what):
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()

    def _end(self):
        self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


# The process.  ---------------------------------------------------------------

class _Sender:
    def __init__(self, spec):
        self.frame = bytearray.fromhex(spec["frame"])
        self.own_at = _HEAD_AT[spec["version"]] + _OWN_AT
        self.interval = 1.0 / spec["rate"]
        self.sockets = []
        for ns, link in spec["sources"]:
            sock = netns.socket_in(ns, socket.AF_PACKET, socket.SOCK_RAW)
            sock.bind((link, 0))
            self.sockets.append(sock)
        self.socket = self.sockets[0]
        self.sent = []
        self.due = time.time()

    def send(self, now):
        """Sends what is due; returns when there is more."""
        for _ in range(BURST_MAX):
            if self.due > now:
                break
            _OWN.pack_into(self.frame, self.own_at, len(self.sent),
                           len(self.sent) ^ 0xffffffff)
            self.sent.append(time.time())
            try:
                self.socket.send(self.frame)
            except OSError:
                pass            # Its link is not there: lost.
            self.due += self.interval
        else:
            self.due = now + self.interval
        return self.due


class _Sink:
    """A link at which packets of streams arrive."""

    def __init__(self, ns, link, key, version):
        kind = _ETHERTYPES[version]
        self.key = key
        self.head_at = _HEAD_AT[version]
        self.socket = netns.socket_in(ns, socket.AF_PACKET, socket.SOCK_RAW,
                                      socket.htons(kind))
        netns.deepen(self.socket, _BUFFER_SIZE)
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self.socket.bind((link, kind))
        self.socket.setblocking(False)
        self.streams = {}       # Stream's number -> sink's number there.

    def receive(self, seen):
        """Adds what has come to 'seen'; returns whether any has."""
        some = False
        for _ in range(200):
            try:
                data, control, _, address = self.socket.recvmsg(128, 64)
            except BlockingIOError:
                break
            except OSError:
                continue        # The link went down.
            if (address[2] == socket.PACKET_OUTGOING
                    or len(data) < self.head_at + _HEAD.size):
                continue
            key, stream, number, _ = _HEAD.unpack_from(data, self.head_at)
            if key == self.key and stream in self.streams:
                seconds, ns = struct.unpack("qq", control[0][2][:16])
                seen[stream].append((number, seconds + ns / 1e9,
                                     self.streams[stream]))
                some = True
        return some

    def n_overflows(self):
        data = self.socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
        return struct.unpack("II", data)[1]


def _open_sinks(specs):
    sinks = {}
    for number, spec in enumerate(specs):
        for i, (ns, link) in enumerate(spec["sinks"]):
            where = ns, link, spec["version"]
            if where not in sinks:
                sinks[where] = _Sink(ns, link, bytes.fromhex(spec["key"]),
                                     spec["version"])
            sinks[where].streams[number] = i
    return list(sinks.values())


def _open_ports(specs):
    """Takes the streams' ports, so that no VM answers that nobody is there.
    What arrives is not read, and dropped soon."""
    opened = []
    for ns, port in {tuple(one) for spec in specs for one in spec["listen"]}:
        sock = netns.socket_in(ns, socket.AF_INET6, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.bind(("::", port))         # Of both versions.
        opened.append(sock)
    return opened


def _main():
    specs = json.loads(sys.stdin.readline())
    sinks = _open_sinks(specs)
    ports = _open_ports(specs)
    senders = [_Sender(spec) for spec in specs]
    seen = [[] for _ in specs]
    poller = select.epoll()
    by_fd = {sink.socket.fileno(): sink for sink in sinks}
    for fd in by_fd:
        poller.register(fd, select.EPOLLIN)
    # Not sys.stdin: lines that it has read ahead would not be polled for.
    os.set_blocking(0, False)
    poller.register(0, select.EPOLLIN)
    words, end, commands = b"", None, True
    whole, limit = [], 0.0

    def is_over():
        now = time.time()
        return now >= end and (now >= limit or all(
            len(seen[i]) >= len(senders[i].sent) for i in whole))

    print("ready", flush=True)
    while end is None or not is_over():
        due = (min(s.send(time.time()) for s in senders) if end is None
               else max(end, time.time() + 0.01))
        for fd, _ in poller.poll(max(0.0, due - time.time())):
            if fd in by_fd:
                if by_fd[fd].receive(seen) and end is not None:
                    end = time.time() + DRAIN_S     # More may come.
                continue
            data = os.read(0, 4096)
            words += data
            while b"\n" in words and commands:
                line, words = words.split(b"\n", 1)
                command = json.loads(line)
                if isinstance(command, dict) and "stop" in command:
                    whole = command["stop"]
                    limit = time.time() + WHOLE_S * netns.PATIENCE
                    commands = False
                    break
                if command == "count":
                    print(json.dumps([[len(sender.sent), len(found)] for
                                      sender, found in zip(senders, seen)]),
                          flush=True)
                    continue
                sender = senders[command["switch"]]
                sender.socket = sender.sockets[command["to"]]
                print(repr(time.time()), flush=True)
            if not data or not commands:
                poller.unregister(0)
                end = time.time() + DRAIN_S
                if not data:
                    return      # Nobody wants to know.
    for sock in ports:
        sock.close()
    print(json.dumps({
        "overflows": sum(sink.n_overflows() for sink in sinks),
        "streams": [{"sent": sender.sent, "seen": found}
                    for sender, found in zip(senders, seen)]}), flush=True)


if __name__ == "__main__":
    _main()
