# SPDX-License-Identifier: Apache-2.0
"""What VMs do to be told who they are: HTTP by sockets of their namespace, and
a TCP of our own that loses what it gets."""

import http.client
import io
import random
import socket
import struct
import time
from collections import namedtuple

from vmnlab import frames, netns
from vmnlab.netns import wait_for

SERVER = "169.254.169.254"
LINK_LOCAL = "fe80::a9fe:a9fe"

Reply = namedtuple("Reply", "status headers body")

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def on_link(vm, ipv6=True):
    """The VM knows that the server is on its link, as DHCP says it; and has a
    link-local address of IPv6."""
    netns.ip(vm.ns, "route replace %s/32 dev eth0" % SERVER)
    if not ipv6:
        return
    if not vm.ip6:
        with netns.inside(vm.ns):
            with open("/proc/sys/net/ipv6/conf/eth0/disable_ipv6", "w") as out:
                out.write("0")
    wait_for("%s to have a link-local address" % vm.name,
             lambda: "tentative" not in (said := vm.run(
                 "ip", "-6", "addr", "show", "dev", "eth0"))
             and "fe80" in said)


def route(vm, what):
    netns.ip(vm.ns, "route replace " + what)


def open_connection(vm, ip=SERVER, timeout=10, source_port=0, source=None):
    """Returns a socket that is connected, or raises OSError."""
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    sock = netns.socket_in(vm.ns, family)
    try:
        sock.settimeout(timeout)
        if source or source_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((source or "", source_port))
        with netns.inside(vm.ns):
            to = ((ip, 80, 0, socket.if_nametoindex("eth0"))
                  if family == socket.AF_INET6 else (ip, 80))
        sock.connect(to)
    except BaseException:
        sock.close()
        raise
    return sock


def fetch(vm, path, method="GET", headers=None, ip=SERVER, timeout=20,
          source=None):
    """Returns the reply to a request, or raises OSError.  What is refused
    since the VM has asked too often is asked again."""
    while True:
        conn = http.client.HTTPConnection("metadata")
        conn.sock = open_connection(vm, ip, timeout, source=source)
        conn.request(method, path, headers=headers or {})
        said = conn.getresponse()
        reply = Reply(said.status, said.headers, said.read())
        conn.close()
        if reply.status != 429:
            return reply
        time.sleep(0.2)


def get(vm, path, **more):
    reply = fetch(vm, path, **more)
    assert reply.status == 200, (path, reply.status)
    return reply.body


def fetch_raw(vm, data, until=None, shutdown=False):
    """Sends bytes and returns what comes, until the server closes or
    until(that)."""
    got = b""
    with open_connection(vm) as sock:
        try:
            sock.sendall(data)
            if shutdown:
                sock.shutdown(socket.SHUT_WR)
            while not (until and until(got)):
                more = sock.recv(65536)
                if not more:
                    break
                got += more
        except ConnectionError:
            pass                # It has heard enough.
    return got


# A TCP that loses what it gets.  ------------------------------------------

class LossyClient:
    """Fetches something by segments of its own, from 'ip', which the VM's
    kernel does not have; and loses one of 'every' that it gets, and as many of
    those that it sends."""

    def __init__(self, vm, ip, every, seed=1):
        self.vm = vm
        self.ip = ip
        self.every = every
        self.random = random.Random(seed)
        self.port = 45678
        self.sent = 1000
        self.next = None        # Of the server's bytes.
        self.n_lost = 0

    def _send(self, flags, data=b"", options=b""):
        tcp = struct.pack("!HHIIBBHHH", self.port, 80, self.sent,
                          self.next or 0, (20 + len(options)) // 4 << 4,
                          flags, 65535, 0, 0) + options + data
        pseudo = (socket.inet_aton(self.ip) + socket.inet_aton(SERVER)
                  + struct.pack("!HH", 6, len(tcp)))
        total = _sum(pseudo + tcp)
        tcp = tcp[:16] + struct.pack("!H", total) + tcp[18:]
        if self.random.randrange(self.every):
            frames.send(self.vm, frames.ipv4(
                "0e:56:4d:ff:00:50", self.vm.mac, self.ip, SERVER, 6, tcp))
        else:
            self.n_lost += 1

    def fetch(self, path, seconds=120):
        """Returns all that the server says."""
        request = ("GET %s HTTP/1.0\r\n\r\n" % path).encode()
        end = time.monotonic() + seconds
        heard = asked = time.monotonic()
        got = io.BytesIO()
        with frames.Capture(self.vm.ns) as capture:
            self._send(SYN, options=struct.pack("!BBH", 2, 4, 536))
            done = 0
            while not done and time.monotonic() < end:
                found = capture.wait(lambda f: True, 0.05)
                arrived, capture.frames = capture.frames, []
                for frame in arrived if found else []:
                    if frame[12:14] != b"\x08\x00" or frame[23] != 6:
                        continue
                    if not self.random.randrange(self.every):
                        self.n_lost += 1
                        continue
                    heard = time.monotonic()
                    done |= self._take(frame, request, got)
                if not done and time.monotonic() > max(heard, asked) + 0.5:
                    # It may be our own that was lost.
                    asked = time.monotonic()
                    if self.next is None:
                        self.sent = 1000
                        self._send(SYN, options=struct.pack("!BBH", 2, 4, 536))
                    elif self.sent == 1001:
                        self._send(ACK | PSH, request)
                    else:
                        self._send(ACK)
        assert done, "%d bytes came" % len(got.getvalue())
        return got.getvalue()

    def _take(self, frame, request, got):
        """Takes a segment.  Returns true if it was the last."""
        ip = frame[14:14 + struct.unpack("!H", frame[16:18])[0]]
        tcp = ip[(ip[0] & 15) * 4:]
        seq, ack = struct.unpack("!II", tcp[4:12])
        flags = tcp[13]
        data = tcp[(tcp[12] >> 4) * 4:]
        assert not flags & RST
        if flags & SYN:
            if self.next is None:
                self.next = seq + 1
                self.sent += 1
            self._send(ACK | PSH, request)
            return False
        if self.sent == 1001 and ack > self.sent:
            self.sent = ack
        if seq == self.next and (data or flags & FIN):
            got.write(data)
            self.next += len(data) + bool(flags & FIN)
            self._send(ACK)
            return bool(flags & FIN)
        if data or flags & FIN:
            self._send(ACK)
        return False


def _sum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
