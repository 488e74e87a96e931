# SPDX-License-Identifier: Apache-2.0
"""Ports for servers that a test starts."""

import random
import socket

# Held until this process ends: nobody else gets the same port meanwhile.
_held = []


def free_port():
    """Returns a port that nobody listens at, and that no other test gets,
    though it may be long until it is listened at.  It is none of those that
    the system gives to connections (ip_local_port_range), one of which could
    have it by then."""
    while True:
        port = random.randrange(10000, 32768)
        hold = socket.socket(socket.AF_UNIX)
        with socket.socket() as sock:
            try:
                # An abstract name, which goes with the process.
                hold.bind("\0vmn-test-port-%d" % port)
                sock.bind(("127.0.0.1", port))
            except OSError:
                hold.close()
                continue
        _held.append(hold)
        return port
