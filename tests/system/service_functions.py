# SPDX-License-Identifier: Apache-2.0
"""Service functions for tests of chains: VMs that forward what others send
each other, and remember it."""

import collections
import os
import selectors
import socket
import struct
import threading

from vmnlab import frames, netns

# What a function has forwarded: when the packet came (the kernel's clock), the
# function's name, "in" or "out" (the port by which it came; a function with
# one port has only "in"), and the packet's.
Seen = collections.namedtuple(
    "Seen", "at function side src dst protocol src_port dst_port")

_SO_TIMESTAMPNS = 35

_PORTS = (6, 17)                # TCP, UDP.


def _seen(at, name, side, frame):
    """What a frame is, or None if it has no IP in it."""
    found = frames.parse(frame)
    if "protocol" not in found:
        return None
    ports = (0, 0)
    if found["protocol"] in _PORTS and len(found["payload"]) >= 4:
        ports = struct.unpack("!HH", found["payload"][:4])
    return Seen(at, name, side, found["src_ip"], found["dst_ip"],
                found["protocol"], *ports)


class _Function:
    """Reads what comes by its VMs' interfaces, in a thread, or when it is
    told to.  All functions append to 'log'."""

    def __init__(self, name, vms, log):
        self.name = name
        self.vms = vms
        self.log = log
        self._reads = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._wake_r, self._wake_w = os.pipe()
        self._selector.register(self._wake_r, selectors.EVENT_READ, None)
        self._sockets = []
        for i, vm in enumerate(vms):
            sock = netns.socket_in(vm.ns, socket.AF_PACKET, socket.SOCK_RAW,
                                   socket.htons(frames.ETH_P_ALL))
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            sock.bind(("eth0", frames.ETH_P_ALL))
            sock.setblocking(False)
            self._sockets.append(sock)
            self._selector.register(sock, selectors.EVENT_READ, i)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                self._read(key.data)

    def read(self):
        """Reads what has come.  The thread may be late with what the kernel
        has forwarded: it may even be answered before."""
        for side in range(len(self.vms)):
            self._read(side)

    def _read(self, side):
        with self._reads:
            self._read_all(side)

    def _read_all(self, side):
        try:
            while True:
                data, extra, _, address = self._sockets[side].recvmsg(
                    65535, 64)
                if address[2] == socket.PACKET_OUTGOING:
                    continue
                seen = _seen(struct.unpack("@qq", extra[0][2]), self.name,
                             ("in", "out")[side], data)
                if seen and not self._is_own(seen):
                    self.log.append(seen)
                self._forward(side, data)
        except OSError:             # Nothing more, or its link is down.
            pass

    def _is_own(self, seen):
        """Also of heartbeats."""
        return seen.src == "198.18.0.1" or any(
            ip in (seen.src, seen.dst) for vm in self.vms
            for ip in (vm.ip, vm.ip6))

    def _forward(self, side, data):
        """The kernel does."""

    def link(self, up):
        """Sets the link of its first port up or down, as its guest may."""
        netns.ip(self.vms[0].ns, "link set eth0 " + ("up" if up else "down"))

    def close(self):
        os.write(self._wake_w, b".")
        self._thread.join()
        for sock in self._sockets:
            sock.close()
        self._selector.close()
        os.close(self._wake_r)
        os.close(self._wake_w)


class Bridge(_Function):
    """A function with two ports, NAME-in and NAME-out on 'host': whatever
    comes by one leaves by the other as it is, broadcasts, too, while it is not
    'stuck'."""

    stuck = False

    def __init__(self, world, name, network, host, log):
        super().__init__(name, [world.vm("%s-%s" % (name, side), network, host)
                                for side in ("in", "out")], log)

    @property
    def spec(self):
        """As a chain has it."""
        return {"in": self.vms[0].name, "out": self.vms[1].name}

    def _forward(self, side, data):
        if not self.stuck:
            self._sockets[1 - side].send(data)


class Router(_Function):
    """A function with one port: Linux routes what is sent to its MAC
    address."""

    def __init__(self, world, name, network, host, log, **spec):
        vm = world.vm(name, network, host, **spec)
        with netns.inside(vm.ns):
            for path in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
                _set(path, 1)
            for conf in ("all", "eth0"):
                _set("ipv4/conf/%s/send_redirects" % conf, 0)
        super().__init__(name, [vm], log)

    @property
    def spec(self):
        return {"in": self.name}


def _set(path, value):
    with open("/proc/sys/net/" + path, "w", encoding="ascii") as out:
        out.write(str(value))
