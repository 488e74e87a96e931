# SPDX-License-Identifier: Apache-2.0
"""TCP connections of many clients to many servers: some are held open, and
others come and go, so many at a time.

Not for throughput, nor for one client at a time: see streams.py."""

import contextlib
import multiprocessing
import random
import resource
import selectors
import socket
import struct
import time

from vmnlab import netns

from .process import Error

_LINGER = struct.pack("ii", 1, 0)   # Nothing is left of it when it is closed.
GIVE_UP_S = 5.0
FIRST_SOURCE_PORT, LAST_SOURCE_PORT = 10000, 60000


def many_files():
    """As many sockets as this process may have at all."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _serve(listening, ready):
    many_files()
    selector = selectors.DefaultSelector()
    for ns, port in listening:
        sock = netns.socket_in(ns)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("0.0.0.0", port))
        sock.listen(1024)
        sock.setblocking(False)
        selector.register(sock, selectors.EVENT_READ, True)
    ready.set()
    while True:
        for key, _ in selector.select():
            if key.data:
                with contextlib.suppress(OSError):
                    taken = key.fileobj.accept()[0]
                    taken.setblocking(False)
                    selector.register(taken, selectors.EVENT_READ, False)
            elif not _answer(key.fileobj):
                selector.unregister(key.fileobj)
                key.fileobj.close()


def _answer(sock):
    """Whether the connection goes on."""
    try:
        if not sock.recv(64):
            return False
        sock.send(b"a")
    except BlockingIOError:
        pass
    except OSError:
        return False
    return True


class Servers:
    """Answer what they hear at 'listening', (namespace, port) each, in a
    process of their own."""

    def __init__(self, listening):
        ready = multiprocessing.Event()
        self.process = multiprocessing.Process(
            target=_serve, args=(listening, ready), daemon=True)
        self.process.start()
        if not ready.wait(60):
            self.close()
            raise Error("servers do not start")

    def close(self):
        self.process.terminate()
        self.process.join(10)


class Clients:
    """Connections from 'sources', (namespace, IP) each, to 'targets', lists of
    (IP, port): each from a source to a target of a list, all chosen at random,
    the same ones each time.  No source port is used twice."""

    def __init__(self, sources, targets):
        many_files()
        self.sources = sources
        self.targets = targets
        self.order = random.Random(1000)
        self.ports = {}
        self.selector = selectors.DefaultSelector()
        self.held = []
        self.n_under_way = 0

    def _begin(self):
        ns, ip = self.order.choice(self.sources)
        port = self.ports.get(ip, FIRST_SOURCE_PORT)
        self.ports[ip] = (port + 1 if port < LAST_SOURCE_PORT
                          else FIRST_SOURCE_PORT)
        sock = netns.socket_in(ns)
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((ip, port))
        at = time.monotonic()
        sock.connect_ex(self.order.choice(self.order.choice(self.targets)))
        self.selector.register(sock, selectors.EVENT_WRITE, at)
        self.n_under_way += 1

    def _end(self, sock, keep):
        self.selector.unregister(sock)
        self.n_under_way -= 1
        if keep:
            self.held.append(sock)
        else:
            sock.close()

    def _step(self, keep):
        """Goes on with what has happened; returns (seconds of each that was
        answered, how many failed)."""
        took, n_failed = [], 0
        for key, events in self.selector.select(0.05):
            try:
                if events & selectors.EVENT_WRITE:
                    key.fileobj.send(b"q")
                    self.selector.modify(key.fileobj, selectors.EVENT_READ,
                                         key.data)
                elif key.fileobj.recv(64):
                    took.append(time.monotonic() - key.data)
                    self._end(key.fileobj, keep)
                else:
                    n_failed += 1
                    self._end(key.fileobj, False)
            except BlockingIOError:
                pass
            except OSError:
                n_failed += 1
                self._end(key.fileobj, False)
        late = time.monotonic() - GIVE_UP_S
        if self.n_under_way and not took:
            for key in [k for k in self.selector.get_map().values()
                        if k.data < late]:
                n_failed += 1
                self._end(key.fileobj, False)
        return took, n_failed

    def run(self, at_once, seconds=None, hold=None):
        """Opens connections, 'at_once' at a time: for 'seconds', and closes
        each when it is answered; or 'hold' that stay open.  Returns (seconds
        that each took, how many failed, seconds altogether)."""
        start = time.monotonic()
        took, n_failed, n_begun = [], 0, 0
        while True:
            going = (time.monotonic() < start + seconds if seconds
                     else n_begun - n_failed < hold)
            while going and self.n_under_way < at_once and (
                    seconds or n_begun - n_failed < hold):
                self._begin()
                n_begun += 1
            if not going and not self.n_under_way:
                return took, n_failed, time.monotonic() - start
            more, failed = self._step(keep=hold is not None)
            took += more
            n_failed += failed
            if n_failed > 1000:
                raise Error("connections fail")

    def close(self):
        """Closes all that are held."""
        for sock in self.held:
            sock.close()
        self.held = []


def _obey(pipe, sources, targets):
    clients = Clients(sources, targets)
    while True:
        try:
            pipe.send(clients.run(**pipe.recv()))
        except Error as error:
            pipe.send(error)


class ClientsBeside:
    """Clients in a process of their own, so that this one can do something
    else meanwhile without being in their way."""

    def __init__(self, sources, targets):
        self.pipe, other = multiprocessing.Pipe()
        self.process = multiprocessing.Process(
            target=_obey, args=(other, sources, targets), daemon=True)
        self.process.start()

    def begin(self, **args):
        """As Clients.run()."""
        self.pipe.send(args)

    def end(self):
        """Waits for what was begun, and returns what run() does."""
        result = self.pipe.recv()
        if isinstance(result, Exception):
            raise result
        return result

    def close(self):
        self.process.terminate()
        self.process.join(10)
