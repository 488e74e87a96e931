# SPDX-License-Identifier: Apache-2.0
"""The page of a lab's vmnd, for a browser on this machine.  vmnd serves it on
its own loopback, which is inside of the lab: a relay listens on this
machine's, and ends with the lab.

    python3 page.py FD PORT...   relays what comes to listening socket FD to
                                 the first PORT where somebody listens

Not for what the page shows."""

import os
import secrets
import socket
import subprocess
import sys
import threading

API_PORT = 8181                 # Of vmnd, or the first, inside of the lab.


def token(path):
    """The API's token, made if need be."""
    try:
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        with open(path, encoding="ascii") as there:
            return there.read().strip()
    made = secrets.token_urlsafe(24)
    with open(file, "w", encoding="ascii") as new:
        new.write(made + "\n")
    return made


def serve(lab, port):
    """Starts a relay on this machine's loopback, unless there is one.  Returns
    the port that it listens on."""
    from . import netns

    note = os.path.join(lab.dir, "page.port")
    if any(_is_relay(pid) for pid in netns.pids(lab.net_ns)):
        with open(note, encoding="ascii") as there:
            return int(there.read())
    with socket.create_server(("127.0.0.1", port)) as server:
        netns.popen(
            [sys.executable, os.path.realpath(__file__), server.fileno()]
            + [API_PORT + i for i in range(len(lab.controllers) or 1)],
            lab.net_ns, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
            pass_fds=[server.fileno()])
        port = server.getsockname()[1]
    with open(note, "w", encoding="ascii") as new:
        new.write("%d\n" % port)
    return port


def _is_relay(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as words:
            return words.read().split(b"\0")[1:2] == [
                os.path.realpath(__file__).encode()]
    except OSError:
        return False


# The relay.  ----------------------------------------------------------------

def _pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for end in source, sink:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass            # The other side was first.


def _connect(ports):
    """A connection to the first that listens: any member serves.  None if all
    are away."""
    for port in ports:
        try:
            return socket.create_connection(("127.0.0.1", port), 10)
        except OSError:
            continue
    return None


def _relay(client, ports):
    with client:
        vmnd = _connect(ports)
        if not vmnd:
            return              # The browser says so.
        with vmnd:
            vmnd.settimeout(None)
            back = threading.Thread(target=_pump, args=(vmnd, client))
            back.start()
            _pump(client, vmnd)
            back.join()


def main():
    server = socket.socket(fileno=int(sys.argv[1]))
    while True:
        client, _ = server.accept()
        threading.Thread(target=_relay, daemon=True, args=(
            client, list(map(int, sys.argv[2:])))).start()


if __name__ == "__main__":
    main()
