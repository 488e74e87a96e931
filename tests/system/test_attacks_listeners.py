# SPDX-License-Identifier: Apache-2.0
"""Attacks on vmnd's listeners by whoever reaches them: memory before identity,
floods of idle connections that lock others out, certificates of nobody, and
other hosts' datapath ids.  One function for each, named for what the attacker
wants and does not get."""

import contextlib
import os
import re
import resource
import select
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time

import pytest
from conftest import HERE, check_log, close_lab, make_lab
from free_port import free_port
from vmnlab import netns, page
from vmnlab.api import Api
from vmnlab.daemon import OPENFLOW_PORT, OVSDB_PORT
from vmnlab.netns import Error, wait_for

PKI = os.path.join(HERE, "../../deploy/pki")
UNIT = os.path.join(HERE, "../../deploy/systemd/vmn-ovsdb.service.in")
ADDRESS = "10.98.0.1"           # The lab's vmnd, as hosts reach it.
ATTACKER = "127.0.0.2"          # Another address of that machine.
HONEST = "127.0.0.3"

HELLO, ECHO_REQUEST, FEATURES_REQUEST, FEATURES_REPLY = 0, 2, 5, 6


# OpenFlow.  ----------------------------------------------------------------

def message(kind, xid=1, body=b""):
    return struct.pack("!BBHI", 6, kind, 8 + len(body), xid) + body


def features_reply(xid, datapath_id):
    return message(FEATURES_REPLY, xid, struct.pack(
        "!QIBB2xII", datapath_id, 0, 254, 0, 0x4f, 0))


def read_message(sock):
    """Returns (type, xid) of the next message, without its body."""
    head = b""
    while len(head) < 8:
        more = sock.recv(8 - len(head))
        if not more:
            return None, 0
        head += more
    _, kind, size, xid = struct.unpack("!BBHI", head)
    while size > 8:
        size -= len(sock.recv(size - 8))
    return kind, xid


def be_switch(sock, datapath_id):
    """The handshake of a switch."""
    sock.sendall(message(HELLO, body=struct.pack("!HHI", 1, 8, 1 << 6)))
    while True:
        kind, xid = read_message(sock)
        assert kind is not None, "vmnd closed the connection"
        if kind == FEATURES_REQUEST:
            sock.sendall(features_reply(xid, datapath_id))
            return


def flood_echoes(socks, limit):
    """Sends up to 'limit' bytes of echo requests on each, and reads nothing,
    until nothing more is taken for a while.  Returns how much was, by
    connection."""
    request = message(ECHO_REQUEST, body=b"e" * 1016)
    block = request * 64
    sent = {sock: 0 for sock in socks}
    poll = select.poll()
    for sock in socks:
        sock.setblocking(False)
        poll.register(sock, select.POLLOUT)
    by_fd = {sock.fileno(): sock for sock in socks}
    over = time.monotonic() + 60
    while time.monotonic() < over:
        ready = poll.poll(3000)
        if not ready:
            break                       # Nobody reads us any more.
        for fd, _ in ready:
            sock = by_fd[fd]
            try:
                sent[sock] += sock.send(block[sent[sock] % 1024:])
            except BlockingIOError:
                continue
            except OSError:
                poll.unregister(sock)   # It was cut off.
                continue
            if sent[sock] >= limit:
                poll.unregister(sock)
    return list(sent.values())


def resident(pid):
    with open("/proc/%d/statm" % pid, encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def dial(lab, port, source=ATTACKER, address=ADDRESS, small=False):
    over = time.monotonic() + 180
    while True:
        sock = netns.socket_in(lab.net_ns)
        if small:                       # What it does not read is not kept.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        # What finds the queue for accept() full is sent anew after 1, 3, 7, 15
        # and 31 s: another socket's begins with the short times again.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 2)
        sock.settimeout(60)
        sock.bind((source, 0))
        try:
            sock.connect((address, port))
            return sock
        except TimeoutError:
            sock.close()
            if time.monotonic() > over:
                raise


@pytest.fixture(scope="module", autouse=True)
def _descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 12000
    if hard != resource.RLIM_INFINITY:
        hard = max(hard, wanted)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(name="lab", scope="module")
def _lab():
    lab = make_lab("att", 2, ovsdb_mode="inbound")
    yield lab
    check_log(lab.vmnd)
    close_lab(lab)


def metric(lab, name, **labels):
    text = ",".join('%s="%s"' % pair for pair in labels.items())
    return lab.vmnd.api.metrics().get(
        name + ("{%s}" % text if text else ""), 0)


def refused(lab, listener, reason):
    return metric(lab, "vmn_connections_rejected_total", listener=listener,
                  reason=reason)


def listed(lab, protocol, words):
    """The refused hosts from the attacker's address, for this reason."""
    return [e for e in lab.vmnd.api.get("rejected-hosts")["items"]
            if e["protocol"] == protocol and words in e["reason"]
            and e["address"] == ATTACKER]


# Memory.  ------------------------------------------------------------------

MIB = 1 << 20
# ASan keeps 256 MiB of what was freed.
GROWN_MAX = 400 * MIB


def test_memory_of_vmnd_before_anybody_knows_who_asks(lab):
    """12 connections of nobody ask for echoes and do not read them."""
    def since():
        return [lab.vmnd.api.get("hosts/" + h.name)["status"]["openflow"].get(
            "since") for h in lab.hosts]

    # The hosts stay connected meanwhile.  A machine that is busy with other
    # work as well may cut one off once.
    for _ in range(2):
        lab.await_synced()
        before = since()
        flood_before_anybody_knows(lab)
        stayed = since() == before
        if stayed:
            break
        print("    hosts were cut off:", before, since())
    assert stayed
    lab.await_synced()


def flood_before_anybody_knows(lab):
    before = resident(lab.vmnd.pid())
    socks = [dial(lab, OPENFLOW_PORT, small=True) for _ in range(12)]
    for sock in socks:
        sock.sendall(message(HELLO, body=struct.pack("!HHI", 1, 8, 1 << 6)))
    taken = flood_echoes(socks, 64 * MIB)
    grown = resident(lab.vmnd.pid()) - before
    print("    taken: %d KiB at most of a connection, memory: %+d KiB"
          % (max(taken) >> 10, grown >> 10))
    for sock in socks:
        sock.close()
    assert max(taken) < 16 * MIB
    assert grown < GROWN_MAX


def test_memory_of_vmnd_as_a_switch_that_does_not_read(lab):
    """The switch of a host is known; what it does not read is bounded all the
    same."""
    h2 = lab.host("h2")
    datapath_id = int(lab.vmnd.api.get("hosts/h2")["status"]["datapath_id"],
                      16)
    h2.stop_switch()
    wait_for("h2's switch to be gone", lambda: lab.vmnd.api.get(
        "hosts/h2")["status"]["openflow"]["state"] == "disconnected", 30)
    try:
        sock = dial(lab, OPENFLOW_PORT, small=True)
        be_switch(sock, datapath_id)
        wait_for("it to be taken for h2's", lambda: lab.vmnd.api.get(
            "hosts/h2")["status"]["openflow"]["state"] == "connected", 30)
        before = resident(lab.vmnd.pid())
        taken = flood_echoes([sock], 512 * MIB)
        grown = resident(lab.vmnd.pid()) - before
        print("    taken: %d KiB, memory: %+d KiB"
              % (taken[0] >> 10, grown >> 10))
        sock.close()
        assert taken[0] < 32 * MIB
        assert grown < GROWN_MAX
    finally:
        h2.start_switch()
    lab.await_synced(seconds=60)


# Starving.  ----------------------------------------------------------------

def await_refusals(lab, listener):
    wait_for("the attacker to be refused", lambda: refused(
        lab, listener, "source_share") > 0, 60)


class Flood:
    """Keeps 'n' connections from one address open, in a thread of its own:
    each sends 'data' and no more, and is dialled again when it was closed."""


    def __init__(self, lab, port, n, data=b"", address=ADDRESS):
        self.lab, self.port, self.data = lab, port, data
        self.address, self.n = address, n
        self.socks = {}
        self.n_dialled = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _dial(self, poll):
        sock = netns.socket_in(self.lab.net_ns)
        sock.setblocking(False)
        # Not longer and longer pauses while the queue for accept() is full:
        # it is given up after 3 s, and another one is dialled.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 1)
        sock.bind((ATTACKER, 0))
        sock.connect_ex((self.address, self.port))
        self.socks[sock.fileno()] = sock
        poll.register(sock, select.POLLIN | select.POLLOUT if self.data
                      else select.POLLIN)
        self.n_dialled += 1

    def _close(self, poll, fd):
        poll.unregister(fd)
        self.socks.pop(fd).close()

    def _serve(self, poll, fd, what):
        sock = self.socks[fd]
        try:
            if what & select.POLLOUT:
                sock.send(self.data)
                poll.modify(fd, select.POLLIN)
            elif not sock.recv(65536):
                self._close(poll, fd)
        except BlockingIOError:
            pass
        except OSError:
            self._close(poll, fd)

    def _run(self):
        poll = select.poll()
        while not self.over.is_set():
            # Not faster: a machine of two cores has other things to do.
            for _ in range(min(self.n - len(self.socks), 100)):
                self._dial(poll)
            for fd, what in poll.poll(20):
                self._serve(poll, fd, what)
            self.over.wait(0.02)
        for sock in self.socks.values():
            sock.close()

    def __enter__(self):
        self.thread.start()
        wait_for("the flood", lambda: self.n_dialled >= self.n, 120)
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def answers(lab, port):
    """Whether vmnd says its first word to somebody from another address."""
    with contextlib.closing(dial(lab, port, HONEST)) as sock:
        try:
            return len(sock.recv(8)) > 0
        except OSError:
            return False


def test_all_connections_for_switches(lab):
    """4,400 idle connections on OpenFlow, and more as they are closed."""
    h1 = lab.host("h1")
    with Flood(lab, OPENFLOW_PORT, 4400):
        assert all(answers(lab, OPENFLOW_PORT) for _ in range(20))
        h1.stop_switch()
        wait_for("h1's switch to be gone", lambda: lab.host_state(
            h1) != "synced", 60)
        h1.start_switch()
        wait_for("h1 to be back", lambda: lab.host_state(
            h1) == "synced", 120)
        await_refusals(lab, "openflow")


def test_all_connections_for_databases(lab):
    """300 idle connections on OVSDB."""
    h1 = lab.host("h1")

    def is_connected():
        return lab.vmnd.api.get("hosts/h1")["status"]["ovsdb"][
            "state"] == "connected"

    with Flood(lab, OVSDB_PORT, 300):
        assert all(answers(lab, OVSDB_PORT) for _ in range(20))
        h1.stop_db()
        wait_for("h1's database to be gone", lambda: not is_connected(), 60)
        h1.start_db()
        wait_for("h1's database to be back", is_connected, 120)
        await_refusals(lab, "ovsdb")
    lab.await_synced(seconds=60)


def test_all_connections_for_clients(lab):
    """1,300 halves of heads on the API."""
    token = page.token(lab.vmnd.token_file)

    def ask():
        with contextlib.closing(dial(lab, page.API_PORT, HONEST,
                                     "127.0.0.1")) as sock:
            sock.sendall(b"GET /v1/status HTTP/1.1\r\nHost: h\r\n"
                         b"Connection: close\r\nAuthorization: Bearer "
                         + token.encode() + b"\r\n\r\n")
            return sock.recv(12)

    with Flood(lab, page.API_PORT, 1300, b"GET /v1 HTTP/1.1\r\nHost:",
               "127.0.0.1"):
        for _ in range(20):
            assert ask() == b"HTTP/1.1 200"
        await_refusals(lab, "api")


# Certificates.  ------------------------------------------------------------

def pki(folder, *args):
    return subprocess.run([PKI, *args], cwd=folder, text=True, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=True)


TLS_OPENFLOW, TLS_OVSDB = 6643, 6641


@pytest.fixture(name="ca", scope="module")
def _ca(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ca")
    pki(folder, "init")
    pki(folder, "vmnd", "vmnd", ADDRESS)
    for name in "h1", "h2", "nobody":
        pki(folder, "host", name)
    return folder


@pytest.fixture(name="tls_lab", scope="module")
def _tls_lab(ca):
    """Two hosts, whose vmnd speaks nothing but TLS."""
    lab = make_lab("atl", 2)
    try:
        assert lab.vmnd.stop() == 0
        lab.vmnd.options = [
            "--openflow-listen=ssl:%s:%d" % (ADDRESS, TLS_OPENFLOW),
            "--ovsdb-listen=ssl:%s:%d" % (ADDRESS, TLS_OVSDB),
            "--private-key=%s/vmnd.key" % ca, "--certificate=%s/vmnd.pem" % ca,
            "--host-ca-cert=%s/host-ca.pem" % ca,
            "--api-ca-cert=%s/api-ca.pem" % ca]
        lab.vmnd.start()
        for host in lab.hosts:
            lab.vmnd.api.patch("hosts/" + host.name, {"ovsdb": "inbound"})
            host.vsctl("set-ssl", "%s/%s.key" % (ca, host.name),
                       "%s/%s.pem" % (ca, host.name),
                       "%s/controller-ca.pem" % ca, "--",
                       "set-manager", "ssl:%s:%d" % (ADDRESS, TLS_OVSDB), "--",
                       "set", "Open_vSwitch", ".",
                       "external_ids:system-id=" + host.name)
        lab.await_synced(seconds=60)
        yield lab
    finally:
        close_lab(lab)


def secure(plain, ca, name):
    """A connection with the certificate of 'name', its handshake done."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(str(ca / "controller-ca.pem"))
    context.load_cert_chain(str(ca / (name + ".pem")),
                            str(ca / (name + ".key")))
    return context.wrap_socket(plain)


def ended(sock):
    """Reads to the end of what comes."""
    try:
        while sock.recv(65536):
            pass
    except (ConnectionResetError, ssl.SSLError):
        pass
    return True


WITHOUT_AEAD = "HIGH:!AESGCM:!CHACHA20:!AESCCM:!aNULL"


def negotiated(plain, ca_file, client, ciphers):
    """The cipher of TLS 1.2 that the client, a path without suffix, gets with
    these on a new connection, or None."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(ciphers)
    context.load_verify_locations(str(ca_file))
    context.load_cert_chain("%s.pem" % client, "%s.key" % client)
    with contextlib.closing(plain):
        try:
            return context.wrap_socket(plain).cipher()[0]
        except (OSError, ssl.SSLError):
            return None


@pytest.mark.parametrize("port", [TLS_OPENFLOW, TLS_OVSDB])
def test_speak_tls_without_aead(tls_lab, ca, port):
    def cipher(ciphers):
        return negotiated(dial(tls_lab, port), ca / "controller-ca.pem",
                          ca / "nobody", ciphers) or ""
    wait_for("a handshake", lambda: "GCM" in cipher("HIGH"), 60)
    assert not cipher(WITHOUT_AEAD)


def test_speak_tls_without_aead_to_the_database_of_a_member(tmp_path):
    """By the options of its unit."""
    with open(UNIT, encoding="utf-8") as unit:
        options = re.findall(r"--ssl\S*", unit.read())
    pki(tmp_path, "init", "members")
    pki(tmp_path, "member", "a")
    (tmp_path / "schema").write_text(
        '{"name": "A", "version": "1.0.0", "tables": {}}')
    subprocess.run(["ovsdb-tool", "create", "db", "schema"], cwd=tmp_path,
                   check=True)
    port = free_port()
    with subprocess.Popen(
            ["ovsdb-server", "db", "--remote=pssl:%d:127.0.0.1" % port,
             "--private-key=a-member.key", "--certificate=a-member.pem",
             "--ca-cert=members-ca.pem", "--unixctl=%s/ctl" % tmp_path,
             "--no-chdir", *options], cwd=tmp_path) as server:
        try:
            def cipher(ciphers):
                try:
                    plain = socket.create_connection(("127.0.0.1", port))
                except ConnectionRefusedError:
                    return ""
                return negotiated(plain, tmp_path / "members-ca.pem",
                                  tmp_path / "a-member", ciphers) or ""
            wait_for("a handshake", lambda: "GCM" in cipher("HIGH"), 60)
            assert not cipher(WITHOUT_AEAD)
        finally:
            server.terminate()


@pytest.mark.parametrize("listener,port", [("openflow", TLS_OPENFLOW),
                                           ("ovsdb", TLS_OVSDB)])
def test_attention_with_a_certificate_of_no_host(tls_lab, ca, listener, port):
    """The CA signed it, but there is no host of its name: the connection is
    closed without waiting for a word of it."""
    before = refused(tls_lab, listener, "identity")
    late = refused(tls_lab, listener, "timeout")
    tries = []

    def is_judged():
        """It is not if its own handshake takes too long, as where this process
        gets no turn."""
        tries.append(port)
        with contextlib.suppress(OSError), contextlib.closing(secure(
                dial(tls_lab, port), ca, "nobody")) as sock:
            ended(sock)
        return refused(tls_lab, listener, "identity") > before
    wait_for("it to be judged", is_judged, 60)
    assert refused(tls_lab, listener, "identity") == before + 1
    # A host's own handshake may be one on a busy machine.
    assert refused(tls_lab, listener, "timeout") <= late + len(tries)
    assert listed(tls_lab, listener, "certificate"), \
        tls_lab.vmnd.api.get("rejected-hosts")


@pytest.mark.parametrize("listener,port", [("openflow", TLS_OPENFLOW),
                                           ("ovsdb", TLS_OVSDB)])
def test_connections_without_an_end_to_the_handshake(tls_lab, listener, port):
    late = refused(tls_lab, listener, "timeout")
    socks = [dial(tls_lab, port) for _ in range(20)]
    for sock in socks:
        assert ended(sock)
        sock.close()
    # A host's own handshake may be one more on a busy machine.
    assert refused(tls_lab, listener, "timeout") >= late + 20


@pytest.mark.parametrize("listener,port", [("openflow", TLS_OPENFLOW),
                                           ("ovsdb", TLS_OVSDB)])
def test_handshakes_as_fast_as_possible(tls_lab, ca, listener, port):
    """An address that connects faster than its share of the rate is refused;
    another one has a share of its own."""
    with Flood(tls_lab, port, 400):
        wait_for("the attacker to be refused", lambda: refused(
            tls_lab, listener, "rate") > 0, 60)

        def is_served():
            with contextlib.suppress(OSError), contextlib.closing(secure(
                    dial(tls_lab, port, HONEST), ca, "nobody")):
                return True
            return False
        wait_for("another address to be served", is_served, 60)
    tls_lab.await_synced(seconds=60)


@pytest.mark.parametrize("listener,port", [("openflow", TLS_OPENFLOW),
                                           ("ovsdb", TLS_OVSDB)])
def test_honest_handshake_outlives_a_long_turn(tls_lab, ca, listener, port):
    """vmnd does something else for longer than a handshake may take, which a
    host has begun: it is not dropped for that.  It may be for what this
    process does in between, on a busy machine."""
    assert any(outlives_a_long_turn(tls_lab, ca, listener, port)
               for _ in range(3))


def outlives_a_long_turn(tls_lab, ca, listener, port):
    pid = tls_lab.vmnd.pid()
    pending = metric(tls_lab, "vmn_connections_pending", listener=listener)
    turn = threading.Timer(3.5, os.kill, (pid, signal.SIGCONT))
    plain = dial(tls_lab, port)
    try:
        wait_for("it to be accepted", lambda: metric(
            tls_lab, "vmn_connections_pending", listener=listener) > pending)
        os.kill(pid, signal.SIGSTOP)
        turn.start()
        with contextlib.closing(secure(plain, ca, "h1")) as sock:
            return len(sock.recv(8)) > 0
    except (OSError, Error):
        return False
    finally:
        turn.cancel()
        os.kill(pid, signal.SIGCONT)


# Datapath ids.  ------------------------------------------------------------

def datapath_id(lab, name):
    return lab.vmnd.api.get("hosts/" + name)["status"]["datapath_id"]


def status(lab, name):
    return lab.vmnd.api.get("hosts/" + name)["status"]


def set_datapath_id(host, value):
    host.vsctl("set", "Bridge", "br-int",
               "other_config:datapath-id=" + value)
    wait_for("the switch to have it", lambda: host.vsctl(
        "get", "Bridge", "br-int", "datapath_id").strip().strip('"') == value)


def test_switch_of_another_host_by_its_datapath_id(tls_lab, ca):
    """h2's certificate with h1's datapath id: h1's switch stays."""
    before = metric(tls_lab, "vmn_datapath_id_conflicts_total")
    since = status(tls_lab, "h1")["openflow"]["since"]
    with contextlib.closing(secure(dial(tls_lab, TLS_OPENFLOW), ca,
                                   "h2")) as sock:
        be_switch(sock, int(datapath_id(tls_lab, "h1"), 16))
        assert ended(sock)
    assert metric(tls_lab, "vmn_datapath_id_conflicts_total") > before
    assert listed(tls_lab, "openflow", 'host "h1" has its datapath id')
    assert status(tls_lab, "h1")["openflow"]["since"] == since
    tls_lab.await_synced(seconds=60)


def test_datapath_id_of_a_host_that_is_away(lab):
    """vmnd is restarted while h1 is away, and h2 comes with h1's datapath id:
    it is refused, and says whose id that is; h1 comes back to what is its."""
    h1, h2 = lab.hosts
    stolen = datapath_id(lab, "h1")
    own = datapath_id(lab, "h2")
    h1.stop()
    assert lab.vmnd.stop() == 0
    set_datapath_id(h2, stolen)
    lab.vmnd.start()
    wait_for("h2 to be refused", lambda: status(lab, "h2")[
        "state"] == "rejected", 60)
    reason = status(lab, "h2")["reason"]
    assert 'host "h1"' in reason and stolen not in reason
    assert metric(lab, "vmn_datapath_id_conflicts_total") >= 1
    h1.start()
    wait_for("h1 to be back", lambda: lab.host_state(h1) == "synced", 60)
    assert datapath_id(lab, "h1") == stolen
    assert status(lab, "h2")["state"] == "rejected"
    set_datapath_id(h2, own)
    lab.await_synced(seconds=60)


def test_datapath_ids_by_a_scoped_account(lab):
    api = lab.vmnd.api
    api.put("accounts/scoped", {"role": "viewer", "scope": "project=shop"})
    api.put("accounts/whole", {"role": "viewer"})

    def ask(account, target):
        secret = api.put("tokens/" + account, {"account": account})["secret"]
        with contextlib.closing(dial(lab, page.API_PORT, HONEST,
                                     "127.0.0.1")) as sock:
            sock.sendall(("GET /v1/%s HTTP/1.1\r\nHost: h\r\nConnection: close"
                          "\r\nAuthorization: Bearer %s\r\n\r\n"
                          % (target, secret)).encode())
            answer = b""
            while more := sock.recv(65536):
                answer += more
        api.delete("tokens/" + account)
        assert answer.startswith(b"HTTP/1.1 200"), answer[:300]
        return answer.decode()

    for target in "hosts/h1", "hosts":
        assert datapath_id(lab, "h1") in ask("whole", target)
        assert datapath_id(lab, "h1") not in ask("scoped", target)
    for account in "scoped", "whole":
        api.delete("accounts/" + account)
