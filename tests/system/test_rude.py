# SPDX-License-Identifier: Apache-2.0
"""Clients that mean no good, on a live vmnd: 10,000 idle connections, heads
without an end, bodies byte by byte, pipelines, half-closed and broken
requests.  Each is bounded and answered, and others are not kept waiting."""

import os
import resource
import socket
import time

import pytest
from vmnlab.netns import wait_for

GET = b"GET /v1 HTTP/1.1\r\nHost: h\r\n\r\n"
N_IDLE = 10000


def connect(lab):
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(lab.vmnd.socket)       # It waits while the queue is full.
    sock.settimeout(30)
    return sock


def read_all(sock):
    text = b""
    while True:
        try:
            more = sock.recv(65536)
        except ConnectionResetError:
            return text
        if not more:
            return text
        text += more


def resident(pid):
    with open("/proc/%d/statm" % pid, encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture(name="descriptors")
def _descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = N_IDLE + 1000
    if hard != resource.RLIM_INFINITY and hard < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
    else:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("descriptors")
def test_idle_connections_keep_nobody_out(world):
    """As many as there may be are kept, the newest; the others make room."""
    lab = world.lab
    memory = resident(lab.vmnd.pid())
    idle = []
    longest = 0
    try:
        for i in range(N_IDLE):
            idle.append(connect(lab))
            if i % 500 == 0:
                before = time.monotonic()
                assert world.api.get("status")["ready"]
                longest = max(longest, time.monotonic() - before)
        assert world.api.metrics()["vmn_http_connections"] <= 1256
        assert resident(lab.vmnd.pid()) - memory < 64 << 20
        # The newest are served, the oldest gone.
        idle[-1].sendall(GET)
        assert idle[-1].recv(12) == b"HTTP/1.1 200"
        assert read_all(idle[0]) == b""
        print("longest: %.1f s" % longest)
        assert longest < 30
    finally:
        for sock in idle:
            sock.close()
    wait_for("them to be gone", lambda: world.api.metrics()[
        "vmn_http_connections"] < 10, 20)


def test_slow_heads_keep_nobody_out(world):
    """A head that begins and does not end is answered within its 10 s."""
    slow = [connect(world.lab) for _ in range(200)]
    for sock in slow:
        sock.sendall(b"GET /v1 HTTP/1.1\r\nHost:")
    assert world.api.get("status")["ready"]
    answers = [read_all(sock) for sock in slow]
    assert all(b" 408 " in a for a in answers)
    for sock in slow:
        sock.close()


BROKEN = {
    "huge header": (b"GET /v1 HTTP/1.1\r\nX: " + b"a" * 20000 + b"\r\n\r\n",
                    431),
    "many headers": (b"GET /v1 HTTP/1.1\r\n" + b"A: b\r\n" * 100 + b"\r\n",
                     431),
    "long target": (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", 414),
    "two lengths": (b"PUT /v1/groups/g HTTP/1.1\r\nHost: h\r\n"
                    b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
    "length and chunks": (b"PUT /v1/groups/g HTTP/1.1\r\nHost: h\r\n"
                          b"Content-Length: 2\r\nTransfer-Encoding: chunked"
                          b"\r\n\r\n0\r\n\r\n", 400),
    "bad chunk size": (b"PUT /v1/groups/g HTTP/1.1\r\nHost: h\r\n"
                       b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    "negative chunk": (b"PUT /v1/groups/g HTTP/1.1\r\nHost: h\r\n"
                       b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400),
    "chunk too large": (b"PUT /v1/groups/g HTTP/1.1\r\nHost: h\r\n"
                        b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\n",
                        413),
    "body too large": (b"PUT /v1/groups/g HTTP/1.1\r\nHost: h\r\n"
                       b"Content-Length: 99999999999\r\n\r\n", 413),
    "rubbish": (b"\x00\x01\x02\x03\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n\r\n",
            400),
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_broken_requests_are_answered(world, name):
    request, status = BROKEN[name]
    sock = connect(world.lab)
    try:
        sock.sendall(request)
    except (BrokenPipeError, ConnectionResetError):
        pass                    # Refused before its end.
    answer = read_all(sock)
    sock.close()
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:200]
    assert b"application/problem+json" in answer


def test_pipelines_are_answered_in_turn(world):
    n = 2000
    sock = connect(world.lab)
    sock.sendall(GET * n)
    assert world.api.get("status")["ready"]
    sock.shutdown(socket.SHUT_WR)       # It waits for all answers.
    text = read_all(sock)
    sock.close()
    assert text.count(b"HTTP/1.1 200 OK") == n


def test_who_leaves_in_the_middle_leaves_nothing(world):
    for end in range(1, 60, 7):
        sock = connect(world.lab)
        sock.sendall(b"PUT /v1/groups/gone HTTP/1.1\r\nHost: h\r\n"
                     b"Content-Length: 30\r\n\r\n{\"spec\": {}}"[:end])
        sock.close()
    wait_for("them to be gone", lambda: world.api.metrics()[
        "vmn_http_connections"] < 10, 20)
    assert "gone" not in [g["name"] for g in world.api.get("groups")["items"]]
