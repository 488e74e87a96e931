# SPDX-License-Identifier: Apache-2.0
"""Bytes that no switch and no database would send: each stream ends with an
error or a closed connection, and the other hosts notice nothing."""

import errno
import json
import random
import socket
import struct
import threading

import pytest
from conftest import (World, changes, check_log, close_lab, flows, make_lab,
                      wait_quiet)

from vmnlab import netns
from vmnlab.daemon import OPENFLOW_PORT, OVSDB_PORT
from vmnlab.netns import wait_for
from vmnlab.traffic import Pinger

HELLO, ERROR, ECHO_REQUEST = 0, 1, 2
FEATURES_REQUEST, FEATURES_REPLY, PACKET_IN = 5, 6, 10
MULTIPART_REPLY, BARRIER_REPLY, BUNDLE_CONTROL = 19, 21, 33


@pytest.fixture(scope="module")
def lab():
    """Two hosts that dial in, so that vmnd listens for both protocols."""
    lab = make_lab("bytes", 2, ovsdb_mode="inbound")
    yield lab
    close_lab(lab)


@pytest.fixture(scope="module")
def bystanders(lab):
    """Two VMs that ping each other all the time."""
    world = World(lab)
    world.network("net")
    a = world.vm("a", "net", "h1", "10.0.0.1")
    b = world.vm("b", "net", "h2", "10.0.0.2")
    assert world.reaches(a, b, 0, "icmp")
    wait_quiet(lab)
    with Pinger(a, b.ip, 20) as pinger:
        yield world
        assert not pinger.stop()
    world.close()


@pytest.fixture
def unharmed(lab, bystanders):
    """vmnd is the same process afterwards, the real hosts are as they were,
    and changes still go through."""
    before = [flows(h) for h in lab.hosts]
    pid = lab.vmnd.pid()
    yield
    assert lab.vmnd.pid() == pid, lab.vmnd.last_words(60)
    check_log(lab.vmnd)
    lab.await_synced()
    assert not any(changes(b, flows(h)) for b, h in zip(before, lab.hosts))
    bystanders.network("probe", "10.1.0.0/24")
    bystanders.delete("networks", "probe")


# OpenFlow.  ----------------------------------------------------------------

def of(kind, body=b"", version=6, length=None, xid=1):
    return struct.pack("!BBHI", version, kind,
                       8 + len(body) if length is None else length,
                       xid) + body


def hello(*versions):
    bits = sum(1 << v for v in versions)
    return of(HELLO, struct.pack("!HHI", 1, 8, bits))


def features(datapath, tables=254):
    return of(FEATURES_REPLY, struct.pack("!QIBBHII", datapath, 256, tables,
                                          0, 0, 0x4f, 0))


def noise(seed, size):
    return random.Random(seed).randbytes(size)


OPENFLOW = {
    "nothing": b"",
    "one byte": b"\x06",
    "half a header": hello(6)[:5],
    "noise 1": noise(1, 64),
    "noise 2": noise(2, 5000),
    "noise 3": noise(3, 200000),
    "zeros": bytes(4096),
    "an HTTP request": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "TLS": bytes.fromhex("16030100050100000100") + noise(4, 200),
    "only version 1.0": of(HELLO, version=1),
    "only version 1.3": of(HELLO, version=4) + of(FEATURES_REQUEST,
                                                  version=4),
    "a hello that offers nothing": hello(),
    "a hello of version 255": of(HELLO, version=255),
    "a length of 0": of(HELLO, length=0),
    "a length of 7": of(HELLO, length=7),
    "a hello whose element is too long": of(HELLO, struct.pack(
        "!HHI", 1, 400, 1 << 6)),
    "a hello whose element is too short": of(HELLO, struct.pack(
        "!HHI", 1, 2, 1 << 6)),
    "a hello of 60,000 bytes": of(HELLO, bytes(60000)),
    "no hello first": features(0x1234),
    "an echo first": of(ECHO_REQUEST, b"x" * 100),
    "a refusal": hello(6) + of(ERROR, struct.pack("!HH", 0, 0)),
    "an error of no length": hello(6) + of(ERROR),
    "a packet-in too early": hello(6) + of(PACKET_IN, noise(5, 40)),
    "features cut short": hello(6) + of(FEATURES_REPLY, b"\0" * 5),
    "features too long": hello(6) + of(FEATURES_REPLY, b"\0" * 500),
    "features of a stranger": hello(6) + features(0xdeadbeef),
    "features of datapath 0": hello(6) + features(0),
    "features twice": hello(6) + features(0xdead) + features(0xbeef),
    "a message of another version": hello(6) + of(FEATURES_REPLY,
                                                  bytes(24), version=4),
    "an unknown message": hello(6) + of(99, bytes(8)),
    "a vendor's message": hello(6) + of(4, struct.pack("!II", 0xffffffff, 1)),
    "a reply that nobody asked for": hello(6) + features(0xdead) + of(
        MULTIPART_REPLY, struct.pack("!HHI", 1, 0, 0)),
    "a multipart cut short": hello(6) + features(0xdead) + of(
        MULTIPART_REPLY, b"\0\1"),
    "a flow dump of noise": hello(6) + features(0xdead) + of(
        MULTIPART_REPLY, struct.pack("!HHI", 1, 0, 0) + noise(6, 400)),
    "a dump that never ends": hello(6) + features(0xdead) + of(
        MULTIPART_REPLY, struct.pack("!HHI", 1, 1, 0)) * 2000,
    "a bundle's commit out of the blue": hello(6) + features(0xdead) + of(
        BUNDLE_CONTROL, struct.pack("!IHH", 1, 5, 3)),
    "a barrier out of the blue": hello(6) + features(0xdead) + of(
        BARRIER_REPLY),
    "ten thousand hellos": hello(6) * 10000,
    "a length that never comes": hello(6) + of(PACKET_IN, length=65535),
}


def connect(lab, port):
    """A connection to vmnd from host h1's namespace."""
    sock = netns.socket_in(lab.hosts[0].ns)
    sock.settimeout(20)
    sock.connect((lab.control_ip, port))
    return sock


def closed_in_the_end(sock, stream):
    """Sends 'stream', then says that there is no more; reads until vmnd has
    closed.  Returns what vmnd sent."""
    answer = b""
    try:
        sock.sendall(stream)
        sock.shutdown(socket.SHUT_WR)
        while True:
            data = sock.recv(65536)
            if not data:
                break
            answer += data
            assert len(answer) < 64 << 20
    except OSError as error:
        # What a peer sees whose connection was closed before it was done.
        assert error.errno in (errno.ECONNRESET, errno.EPIPE,
                               errno.ENOTCONN), error
    finally:
        sock.close()
    return answer


@pytest.mark.parametrize("stream", OPENFLOW.values(), ids=OPENFLOW.keys())
def test_openflow_stream(lab, unharmed, stream):
    closed_in_the_end(connect(lab, OPENFLOW_PORT), stream)


@pytest.mark.parametrize("stream", [
    noise(1, 64), of(HELLO, version=1), of(HELLO, length=7),
    features(0x1234), hello(6) + of(FEATURES_REPLY, b"\0" * 5)],
    ids=["noise", "version", "length", "order", "features"])
def test_openflow_fault_is_closed_without_waiting(lab, unharmed, stream):
    """The peer need not hang up first."""
    sock = connect(lab, OPENFLOW_PORT)
    try:
        sock.sendall(stream)
        while sock.recv(65536):
            pass
    except ConnectionResetError:
        pass
    finally:
        sock.close()


def test_datapath_that_claims_to_be_a_real_host_changes_nothing(lab,
                                                                unharmed):
    """An impostor gets no flows for long: the host's own switch goes on."""
    real = int(lab.hosts[0].vsctl("get", "bridge", "br-int",
                                  "datapath_id").strip().strip('"'), 16)
    for _ in range(5):
        closed_in_the_end(connect(lab, OPENFLOW_PORT),
                          hello(6) + features(real))
    lab.await_synced()


def test_two_hundred_idle_connections(lab, unharmed):
    socks = [connect(lab, OPENFLOW_PORT) for _ in range(200)]
    lab.vmnd.api.get("hosts")
    for sock in socks:
        sock.close()


def test_peer_that_never_reads_is_bounded(lab, unharmed):
    """Questions without end, whose answers nobody takes."""
    sock = connect(lab, OPENFLOW_PORT)
    sock.setblocking(False)
    question = of(ECHO_REQUEST, b"x" * 60000)
    before = memory(lab.vmnd.pid())
    sent = 0
    rest = hello(6) + features(0xdead)
    try:
        for _ in range(3000):
            try:
                sent += sock.send(rest)
                rest = question
            except BlockingIOError:
                lab.vmnd.api.healthy()
    except OSError:
        pass
    sock.close()
    assert memory(lab.vmnd.pid()) < before + (64 << 20)


def memory(pid):
    with open("/proc/%d/statm" % pid) as statm:
        return int(statm.read().split()[1]) * 4096


# OVSDB, from those who dial in.  -------------------------------------------

def rpc(**members):
    return json.dumps(members).encode()


INBOUND = {
    "nothing": b"",
    "noise": noise(11, 3000),
    "much noise": noise(12, 1 << 20),
    "an HTTP request": b"GET / HTTP/1.1\r\n\r\n",
    "not an object": b"[1,2,3]",
    "a string": b"\"hello\"",
    "half an object": b'{"id": 1, "meth',
    "an object of no kind": b"{}",
    "a method that is a number": rpc(id=1, method=7, params=[]),
    "an unknown method": rpc(id=1, method="nonsense", params=[]),
    "params that are no list": rpc(id=1, method="echo", params={}),
    "an answer that nobody asked for": rpc(id=77, result=[], error=None),
    "an error that nobody asked for": rpc(id=77, result=None, error="x"),
    "an answer of the wrong shape": rpc(id=0, result=7, error=None),
    "brackets a million deep": b"[" * 1000000,
    "objects a hundred thousand deep": b'{"a":' * 100000,
    "a string without end": b'{"id":"' + b"a" * (24 << 20),
    "a number without end": b'{"id":' + b"9" * 1000000,
    "bytes that are not UTF-8": b'{"id":"\xff\xfe"}',
    "a zero byte": b'{"id":"\\u0000","method":"echo","params":[]}\0',
    "a lone surrogate": b'{"id":"\\ud800","method":"echo","params":[]}',
    "a thousand echoes": rpc(id="echo", method="echo", params=[]) * 1000,
}


@pytest.mark.parametrize("stream", INBOUND.values(), ids=INBOUND.keys())
def test_ovsdb_stream_of_one_who_dials_in(lab, unharmed, stream):
    closed_in_the_end(connect(lab, OVSDB_PORT), stream)


def test_ovsdb_impostor_with_a_real_hosts_name(lab, unharmed):
    """It says that it is h1, and has nothing to show."""
    sock = connect(lab, OVSDB_PORT)
    answer_all(sock, lambda request: system_id("h1")
               if request["method"] == "transact" else None, 20)


# OVSDB, from those whom vmnd dials.  ---------------------------------------

def system_id(name):
    return [{"rows": [{"external_ids": ["map", [["system-id", name]]]}]}]


def answer_all(sock, answer, limit):
    """Answers requests with what answer(request) returns, until it returns
    None or the other side hangs up."""
    decoder = json.JSONDecoder()
    text = ""
    try:
        for _ in range(limit):
            while True:
                try:
                    request, end = decoder.raw_decode(text.lstrip())
                    text = text.lstrip()[end:]
                    break
                except ValueError:
                    data = sock.recv(65536)
                    if not data:
                        return
                    text += data.decode()
            if request.get("method") == "echo":
                sock.sendall(rpc(id=request["id"], result=request["params"],
                                 error=None))
                continue
            result = answer(request)
            if result is None:
                return
            sock.sendall(result if isinstance(result, bytes) else
                         rpc(id=request["id"], result=result, error=None))
    except (OSError, UnicodeDecodeError):
        pass
    finally:
        sock.close()


class FakeDatabase:
    """A database at h1 port 7777 that answers as it is told."""

    PORT = 7777

    def __init__(self, host, behave):
        self.listener = netns.socket_in(host.ns)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((host.control_ip, self.PORT))
        self.listener.listen(16)
        self.behave = behave
        self.n_served = 0
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.settimeout(20)
            try:
                self.behave(sock)
            except OSError:
                pass
            sock.close()
            self.n_served += 1

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(30)


def says(data):
    def behave(sock):
        sock.recv(65536)
        sock.sendall(data)
    return behave


def answers(**by_method):
    """Answers each method as told, others with an error."""
    def behave(sock):
        answer_all(sock, lambda request: by_method.get(
            request["method"], rpc(id=request["id"], result=None,
                                   error={"error": "no"})), 20)
    return behave


def column(kind):
    return {"type": kind}


TINY_SCHEMA = {"name": "Open_vSwitch", "version": "8.3.1", "tables": {
    "Open_vSwitch": {"columns": {"bridges": column("integer")}}}}

DIALLED = {
    "hangs up at once": lambda sock: None,
    "noise": says(noise(21, 4000)),
    "not JSON-RPC": says(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "a list": says(b"[]"),
    "brackets a million deep": says(b"[" * 1000000),
    "a string without end": says(b'{"id":"' + b"a" * (24 << 20)),
    "errors only": answers(),
    "a schema that is none": answers(get_schema={"name": 7}),
    "a schema without tables": answers(get_schema={
        "name": "Open_vSwitch", "version": "1.0.0", "tables": {}}),
    "a schema of other types": answers(get_schema=TINY_SCHEMA,
                                       transact=system_id("fake")),
    "another system's name": answers(transact=system_id("h2"),
                                     get_schema=TINY_SCHEMA),
    "updates that nobody asked for": says(rpc(
        id=None, method="update3", params=[["x"], "0", {"Bridge": 1}]) * 50),
    "half an answer": says(b'{"id":0,"result":[{"rows":'),
}


@pytest.mark.parametrize("behave", DIALLED.values(), ids=DIALLED.keys())
def test_ovsdb_server_that_misbehaves(lab, unharmed, behave):
    """vmnd says that this host is not well, tries again, and goes on."""
    api = lab.vmnd.api
    host = lab.hosts[0]
    fake = FakeDatabase(host, behave)
    try:
        api.put("hosts/fake", {
            "ovsdb": "tcp:%s:%d" % (host.control_ip, fake.PORT),
            "tunnel_ip": "10.99.0.66", "datapath": "netdev"})
        wait_for("vmnd to speak with it", lambda: fake.n_served, 30)
        assert api.get("hosts/fake")["status"]["state"] != "synced"
    finally:
        api.delete("hosts/fake")
        fake.close()
