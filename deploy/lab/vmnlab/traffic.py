# SPDX-License-Identifier: Apache-2.0
"""Packets between VMs, from sockets that this program holds in the VMs'
namespaces: servers that say who they are, probes, connections that stay open,
pings at a steady rate.

Each 'vm' is anything with a 'name' and a 'ns'; that of a Pinger has a 'lab',
too."""

import collections
import errno
import itertools
import os
import selectors
import socket
import struct
import threading
import time

from . import netns

TCP, UDP, ICMP, SCTP = "tcp", "udp", "icmp", "sctp"

_BUFFER_SIZE = 8 << 20

_IN_PROGRESS = (errno.EINPROGRESS, errno.EAGAIN)


def family_of(ip):
    return socket.AF_INET6 if ":" in ip else socket.AF_INET


class Servers:
    """Servers of any number of VMs, in one thread.  Each answers a line or
    datagram with its VM's name, the peer's address and the line.  The line
    "stream" has it send a line each 10 ms from then on, unasked: its VM's
    name, a number, and the time (time.monotonic())."""

    INTERVAL = 0.01

    def __init__(self):
        self._selector = selectors.DefaultSelector()
        self._streams = []      # Functions that send one more.
        self._wake_r, self._wake_w = os.pipe()
        self._stop = False
        self._selector.register(self._wake_r, selectors.EVENT_READ, None)
        self._lock = threading.Lock()
        self._sockets = set()
        # Whom INIT chunks have reached, by (source, its port, port).
        self.sctp_heard = {}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def tcp(self, vm, port, ip="0.0.0.0"):
        sock = netns.socket_in(vm.ns, family_of(ip))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._only(sock, ip)
        sock.bind((ip, port))
        sock.listen(512)
        self._add(sock, lambda: self._accept(sock, vm.name))
        return self

    def udp(self, vm, port, ip="0.0.0.0"):
        sock = netns.socket_in(vm.ns, family_of(ip), socket.SOCK_DGRAM)
        self._only(sock, ip)
        sock.bind((ip, port))
        self._add(sock, lambda: self._datagram(sock, vm.name))
        return self

    def sctp(self, vm, ports):
        """Answers INIT chunks to 'ports' by INIT ACK, which is as far as an
        association gets without SCTP in the kernel."""
        sock = netns.socket_in(vm.ns, kind=socket.SOCK_RAW,
                               proto=socket.IPPROTO_SCTP)
        self._add(sock, lambda: self._init(sock, vm.name, frozenset(ports)))
        return self

    def close(self):
        self._stop = True
        os.write(self._wake_w, b".")
        self._thread.join()
        for sock in self._sockets:
            sock.close()
        self._selector.close()
        os.close(self._wake_r)
        os.close(self._wake_w)

    @staticmethod
    def _only(sock, ip):
        """"::" is to leave IPv4 to another."""
        if ":" in ip:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)

    def _add(self, sock, function):
        sock.setblocking(False)
        with self._lock:
            self._sockets.add(sock)
            self._selector.register(sock, selectors.EVENT_READ, function)
        os.write(self._wake_w, b".")

    def _drop(self, sock):
        with self._lock:
            self._selector.unregister(sock)
            self._sockets.discard(sock)
        sock.close()

    def _run(self):
        next_tick = time.monotonic()
        while not self._stop:
            wait = None
            if self._streams:
                wait = max(0.0, next_tick - time.monotonic())
            for key, _ in self._selector.select(wait):
                if key.data:
                    key.data()
                else:
                    os.read(self._wake_r, 4096)
            if self._streams and time.monotonic() >= next_tick:
                next_tick = time.monotonic() + self.INTERVAL
                self._streams = [s for s in self._streams if s()]

    def _accept(self, listener, name):
        try:
            sock, peer = listener.accept()
        except OSError:
            return
        # Of a connection that died, retransmissions only disturb.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._add(sock, lambda: self._line(sock, name, peer))

    def _line(self, sock, name, peer):
        try:
            data = sock.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(sock)
            return
        self._reply(data, name, peer, sock.send)

    def _datagram(self, sock, name):
        try:
            data, peer = sock.recvfrom(65535)
        except OSError:
            return
        self._reply(data, name, peer, lambda text: sock.sendto(text, peer))

    def _init(self, sock, name, ports):
        try:
            data, peer = sock.recvfrom(65535)
        except OSError:
            return
        found = sctp_parse(data)
        if found and found[1] in ports and found[2] == SCTP_INIT:
            self.sctp_heard[peer[0], found[0], found[1]] = name
            _try(lambda text: sock.sendto(text, (peer[0], 0)),
                 sctp_chunk(found[1], found[0], SCTP_INIT_ACK,
                            name.encode()))

    def _reply(self, data, name, peer, send):
        for line in data.splitlines():
            if line == b"stream":
                count = iter(range(1, 1 << 31))
                self._streams.append(lambda: _try(send, b"%s %d %.6f\n" % (
                    name.encode(), next(count), time.monotonic())))
                continue
            _try(send, b"%s %s %s\n" % (name.encode(), peer[0].encode(),
                                        line))


def _try(send, text):
    """Sends; returns whether there is a point in trying again."""
    try:
        send(text)
    except BlockingIOError:
        pass
    except OSError as error:
        return error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH,
                               errno.ECONNREFUSED)
    return True


# SCTP, as far as raw sockets go.  --------------------------------------------

SCTP_INIT, SCTP_INIT_ACK = 1, 2


def crc32c(data):
    """RFC 9260, appendix A."""
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def sctp_chunk(source, destination, kind, text=b""):
    """A packet with an INIT or INIT ACK chunk (RFC 9260, section 3.3.2) that
    carries 'text' in a parameter that receivers skip."""
    parameter = struct.pack("!HH", 0x8fff, 4 + len(text)) + text
    parameter += b"\0" * (-len(parameter) % 4)
    body = struct.pack("!IIHHI", 0x56564d4e, 65536, 1, 1, 1) + parameter
    head = struct.pack("!HHI", source, destination,
                       0 if kind == SCTP_INIT else 0x56564d4e)
    chunk = struct.pack("!BBH", kind, 0, 4 + len(body)) + body
    crc = crc32c(head + b"\0\0\0\0" + chunk)
    return head + struct.pack("<I", crc) + chunk


def sctp_parse(packet):
    """Returns (source port, destination port, kind of chunk, text) of an IPv4
    packet as raw sockets give it, or None."""
    start = 4 * (packet[0] & 15)
    data = packet[start:]
    if len(data) < 36:
        return None
    source, destination = struct.unpack("!HH", data[:4])
    length = struct.unpack("!H", data[34:36])[0]
    return source, destination, data[12], data[36:32 + length]


# One question, one answer.  --------------------------------------------------

Probe = collections.namedtuple("Probe", "vm protocol ip port")


def probe(probes, seconds=1.0, sctp_heard=None):
    """Makes all 'probes' at once, and returns for each the name of the VM that
    answered ("icmp" for a ping), or None for those that nobody answered within
    'seconds'.  With 'sctp_heard', those of servers, SCTP need not be answered:
    it is told whom it has reached."""
    answers = [None] * len(probes)
    attempts = []
    selector = selectors.DefaultSelector()
    sockets = []
    for number, one in enumerate(probes):
        attempt = _Attempt(one, number)
        sockets.append(attempt.sock)
        attempts.append(attempt)
        if attempt.start():
            selector.register(attempt.sock, attempt.events, attempt)
    end = time.monotonic() + seconds
    while selector.get_map():
        left = end - time.monotonic()
        if left <= 0:
            break
        for key, events in selector.select(left):
            attempt = key.data
            done, answer = attempt.step(events)
            if done:
                answers[attempt.number] = answer
                selector.unregister(key.fileobj)
            elif attempt.events != key.events:
                selector.modify(key.fileobj, attempt.events, attempt)
    selector.close()
    for sock in sockets:
        sock.close()
    for attempt in attempts if sctp_heard is not None else ():
        what = attempt.what
        if what.protocol == SCTP:
            answers[attempt.number] = sctp_heard.pop(
                (what.vm.ip, attempt.source, what.port), None)
    return answers


def ask(vm, ip, port, protocol=TCP, seconds=1.0):
    """Returns who answers VM 'vm' at 'ip' and 'port', or None."""
    return probe([Probe(vm, protocol, ip, port)], seconds)[0]


# Below those that the kernel chooses (ip(7), ip_local_port_range).
_ports = itertools.cycle(range(10000, 32768))


def _bind(sock):
    """Binds a client's socket to a port that none had for long.  The kernel
    soon chooses the port of one that had no answer again, and a switch still
    knows that connection: it goes where it went, not where it should go by
    now."""
    if sock.type == socket.SOCK_STREAM:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for port in itertools.islice(_ports, 100):
        try:
            sock.bind(("", port))
            return
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    raise netns.Error("all ports are in use")


class _Attempt:
    """One probe that is under way."""

    QUESTION = b"who\n"

    def __init__(self, what, number):
        self.what = what
        self.number = number
        self.source = next(_ports)
        self.events = selectors.EVENT_READ
        self.v6 = ":" in what.ip
        family = family_of(what.ip)
        if what.protocol == ICMP:
            self.sock = netns.socket_in(what.vm.ns, family, socket.SOCK_RAW,
                                        socket.IPPROTO_ICMPV6 if self.v6
                                        else socket.IPPROTO_ICMP)
        elif what.protocol == SCTP:
            self.sock = netns.socket_in(what.vm.ns, kind=socket.SOCK_RAW,
                                        proto=socket.IPPROTO_SCTP)
        else:
            self.sock = netns.socket_in(
                what.vm.ns, family, socket.SOCK_STREAM
                if what.protocol == TCP else socket.SOCK_DGRAM)
            _bind(self.sock)
        self.sock.setblocking(False)

    def start(self):
        """Returns whether there is an answer to wait for."""
        what = self.what
        try:
            if what.protocol == ICMP:
                self.sock.connect((what.ip, 0))
                self.sock.send(echo_request(self._icmp_id(), 1,
                                            kind=128 if self.v6 else 8))
            elif what.protocol == SCTP:
                self.sock.connect((what.ip, 0))
                self.sock.send(sctp_chunk(self.source, what.port,
                                          SCTP_INIT))
            elif what.protocol == UDP:
                self.sock.connect((what.ip, what.port))
                self.sock.send(self.QUESTION)
            else:
                self.events = selectors.EVENT_WRITE
                code = self.sock.connect_ex((what.ip, what.port))
                return code == 0 or code in _IN_PROGRESS
        except OSError:
            return False
        return True

    def _icmp_id(self):
        return (os.getpid() * 251 + self.number) & 0xffff

    def step(self, events):
        """Returns (whether it is over, the answer)."""
        try:
            if self.events == selectors.EVENT_WRITE:
                if self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    return True, None
                self.sock.send(self.QUESTION)
                self.events = selectors.EVENT_READ
                return False, None
            data = self.sock.recv(4096)
        except BlockingIOError:
            return False, None
        except OSError:
            return True, None
        if self.what.protocol == ICMP:
            if not self.v6:
                data = data[20:]        # Here with its IP header.
            kind = b"\x81" if self.v6 else b"\0"
            mine = data[:1] == kind and struct.unpack(
                "!H", data[4:6])[0] == self._icmp_id()
            return mine, "icmp" if mine else None
        if self.what.protocol == SCTP:
            found = sctp_parse(data)
            mine = found is not None and found[:3] == (
                self.what.port, self.source, SCTP_INIT_ACK)
            return mine, found[3].decode() if mine else None
        words = data.split()
        return True, words[0].decode() if words else None


# Connections that stay open.  ------------------------------------------------

class Connection:
    """A TCP connection, or UDP flow, from a VM."""

    def __init__(self, vm, ip, port, protocol=TCP, seconds=20.0):
        self.sock = netns.socket_in(
            vm.ns, family_of(ip), socket.SOCK_STREAM if protocol == TCP
            else socket.SOCK_DGRAM)
        self.sock.settimeout(seconds * netns.PATIENCE)
        self.sock.connect((ip, port))
        self._rest = b""

    def exchange(self, text="hello", seconds=1.0):
        """Sends a line; returns the answer, or None if none comes."""
        self.sock.settimeout(seconds * netns.PATIENCE)
        try:
            self.sock.send(text.encode() + b"\n")
            return self.line(seconds)
        except OSError:
            return None

    def line(self, seconds=1.0):
        """Returns the next line that arrives, or None."""
        end = time.monotonic() + seconds * netns.PATIENCE
        while b"\n" not in self._rest:
            left = end - time.monotonic()
            if left <= 0:
                return None
            self.sock.settimeout(left)
            try:
                data = self.sock.recv(4096)
            except OSError:
                return None
            if not data:
                return None
            self._rest += data
        line, self._rest = self._rest.split(b"\n", 1)
        return line.decode()

    def drain(self):
        """Forgets what has arrived so far."""
        self._rest = b""
        self.sock.setblocking(False)
        try:
            while self.sock.recv(65536):
                pass
        except OSError:
            pass

    def again(self, seconds=20.0):
        """Asks until an answer comes; returns it, or None."""
        end = time.monotonic() + seconds * netns.PATIENCE
        while True:
            answer = self.exchange(seconds=1.0)
            if answer or time.monotonic() > end:
                return answer

    def cut(self, within=1.0, late=5.0, stays=0.8, ask=True):
        """Returns how many seconds from now the newest of what arrives was
        asked for, if that is less than 'within' and nothing has come for
        'stays' then, 'late' seconds from now at most; 0 if nothing of it
        arrives; otherwise None.  Asks on and on meanwhile, unless 'ask' is
        false: then what matters is when the other side, a stream of Servers,
        has sent something.

        When something arrives tells little: on a busy machine what has passed
        a switch long ago may be read only now.  'stays' is long enough for
        two of TCP's retransmissions."""
        self.drain()
        start = last = newest = time.monotonic()
        while last - start < late and newest - start < within:
            now = time.monotonic()
            if now - last >= stays:
                return newest - start
            try:
                if ask:
                    self.sock.setblocking(False)
                    self.sock.send(b"still there? %.6f\n" % now)
            except BlockingIOError:
                pass            # All that fits is on its way.
            except OSError:
                return newest - start   # The connection itself has ended.
            times = self._arrived(0.01)
            if times:
                last = time.monotonic()
                newest = max(newest, *[t for t in times if t <= last])
        return None

    def _arrived(self, seconds):
        """Of all that arrives within 'seconds' when it was asked for, or 0
        where that cannot be told, as of parts of lines."""
        self.sock.settimeout(seconds)
        try:
            data = self.sock.recv(65536)
        except OSError:
            return []
        *lines, self._rest = (self._rest + data).split(b"\n")
        times = [0.0] if data else []
        for line in lines:
            try:
                times.append(float(line.split()[-1]))
            except (IndexError, ValueError):
                pass
        return times

    def close(self):
        self.sock.close()


# A steady ping.  -------------------------------------------------------------

def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def echo_request(ident, sequence, payload=b"vmn-lab.", kind=8):
    """Of IPv6 ('kind' 128) the kernel makes the checksum."""
    head = struct.pack("!BBHHH", kind, 0, 0, ident, sequence)
    return struct.pack("!BBHHH", kind, 0, checksum(head + payload), ident,
                       sequence) + payload


class Pinger:
    """Pings from 'vm' to 'ip', 'rate' times a second, until it is stopped."""

    def __init__(self, vm, ip, rate=100):
        self.hosts = vm.lab.hosts       # Whose switches are to keep up.
        self.what = "%s -> %s" % (vm.name, ip)
        self.sock = netns.socket_in(vm.ns, kind=socket.SOCK_RAW,
                                    proto=socket.IPPROTO_ICMP)
        # What a switch has kept meanwhile comes at once.
        netns.deepen(self.sock, _BUFFER_SIZE)
        self.sock.connect((ip, 0))
        self.sock.setblocking(False)
        self.ident = (os.getpid() ^ id(self) >> 4) & 0xffff
        self.interval = 1.0 / rate
        self.sent = {}          # Sequence number -> time.
        self.seen = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        for host in self.hosts:
            host.deepen_sockets()
        self._thread.start()
        return self

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        self.stop()

    def _run(self):
        selector = selectors.DefaultSelector()
        selector.register(self.sock, selectors.EVENT_READ)
        due = time.monotonic()
        number = 0
        while not self._stop.is_set():
            self._receive()
            while time.monotonic() < due:
                if selector.select(max(0.0, due - time.monotonic())):
                    self._receive()
            number += 1
            try:
                self.sock.send(echo_request(self.ident, number & 0xffff))
            except OSError:
                pass            # Sent into the void: counted as lost.
            self.sent[number] = time.monotonic()
            if number == 1:
                # Where two packets of a connection meet that conntrack does
                # not have yet, the kernel's drops one.
                self._receive_until(0.5 * netns.PATIENCE, selector,
                                    lambda: 1 in self.seen)
            # What this thread did not get to send in time is not sent in one
            # burst: sockets' buffers would lose some of it.
            due = max(due + self.interval, time.monotonic())
        # A switch that gets no processor for a while answers late, and in
        # order: what was sent before the last one is lost once that is here.
        self._receive_until(10.0 * netns.PATIENCE, selector,
                            lambda: number & 0xffff in self.seen)
        self._receive_until(1.0, selector,
                            lambda: len(self.seen) >= len(self.sent))
        selector.close()

    def _receive_until(self, seconds, selector, enough):
        """Receives until 'enough' says so, but 'seconds' at most."""
        end = time.monotonic() + seconds
        while not enough() and time.monotonic() < end:
            if selector.select(max(0.0, end - time.monotonic())):
                self._receive()

    def _receive(self):
        try:
            while True:
                data = self.sock.recv(2048)
                kind, ident, sequence = (data[20],) + struct.unpack(
                    "!HH", data[24:28])
                if kind == 0 and ident == self.ident:
                    self.seen[sequence] = time.monotonic()
        except OSError:
            pass

    def replies_after(self, when):
        """The number of pings sent after time 'when' (time.monotonic()) that
        were answered."""
        return sum(1 for n, at in list(self.sent.items())
                   if at > when and n & 0xffff in self.seen)

    def stop(self):
        """Stops; returns the sequence numbers that were lost."""
        if self._thread.is_alive():
            self._stop.set()
            self._thread.join()
        self.sock.close()
        return self.lost()

    def lost(self):
        return [n for n in self.sent if n & 0xffff not in self.seen]
