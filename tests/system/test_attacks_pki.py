# SPDX-License-Identifier: Apache-2.0
"""What a certificate that was stolen, or that somebody has anyway, opens: each
test is named for what the attacker wants, and asserts that it is not had.  All
against real Open vSwitch, with certificates as deploy/pki makes them."""

import http.client
import os
import socket
import ssl
import subprocess

import pytest
from conftest import HERE, close_lab, make_lab
from vmnlab import netns
from vmnlab.netns import inside, wait_for

PKI = os.path.join(HERE, "../../deploy/pki")
ADDRESS = "10.98.0.1"           # The lab's vmnd, as hosts reach it.
API, OPENFLOW, OVSDB = 8443, 6643, 6641
PSSL = 6650                     # Where a host's database listens.
FAKE = 6699                     # Where somebody poses as vmnd.

LIST_DBS = b'{"id":1,"method":"list_dbs","params":[]}'


def pki(folder, *args):
    subprocess.run([PKI, *args], cwd=folder, check=True, timeout=60,
                   stdout=subprocess.DEVNULL)


class Ca:
    """What vmn-pki has made in a folder, and more that it would not make."""

    def __init__(self, folder):
        self.dir = str(folder)
        pki(folder, "init")
        pki(folder, "vmnd", "vmnd", ADDRESS)
        for name in "h1", "h2":
            pki(folder, "host", name)
        for name in "alice", "h3":
            pki(folder, "client", name)
        pki(folder, "init", "ipsec")
        pki(folder, "ipsec", "h2")

    def path(self, name):
        return os.path.join(self.dir, name)

    def pair(self, name):
        return self.path(name + ".pem"), self.path(name + ".key")

    def issue(self, which, name, file, usage):
        """A certificate of CA 'which' for 'name', good for 'usage', as
        FILE.pem and FILE.key."""
        for args in (
                ["req", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name,
                 "-addext", "extendedKeyUsage=" + usage, "-keyout",
                 file + ".key", "-out", "new.req"],
                ["x509", "-req", "-in", "new.req", "-CA", which + "-ca.pem",
                 "-CAkey", which + "-ca.key", "-copy_extensions", "copy",
                 "-days", "2", "-out", file + ".pem"]):
            subprocess.run(["openssl", *args], cwd=self.dir, check=True,
                           stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)


@pytest.fixture(name="ca", scope="module")
def _ca(tmp_path_factory):
    return Ca(tmp_path_factory.mktemp("ca"))


def set_ssl(host, ca, name, trust="controller-ca"):
    host.vsctl("set-ssl", ca.pair(name)[1], ca.pair(name)[0],
               ca.path(trust + ".pem"))


@pytest.fixture(name="lab", scope="module")
def _lab(ca):
    """Host h1 listens, h2 dials in; vmnd speaks TLS alone."""
    lab = make_lab("apk", 2)
    try:
        assert lab.vmnd.stop() == 0
        lab.vmnd.options = [
            "--openflow-listen=ssl:%s:%d" % (ADDRESS, OPENFLOW),
            "--ovsdb-listen=ssl:%s:%d" % (ADDRESS, OVSDB),
            "--api-listen=ssl:%s:%d" % (ADDRESS, API),
            "--private-key=" + ca.path("vmnd.key"),
            "--certificate=" + ca.path("vmnd.pem"),
            "--host-ca-cert=" + ca.path("host-ca.pem"),
            "--api-ca-cert=" + ca.path("api-ca.pem")]
        lab.vmnd.start()
        api = lab.vmnd.api
        h1, h2 = lab.hosts
        api.patch("hosts/h1", {"ovsdb": "ssl:%s:%d" % (h1.control_ip, PSSL)})
        api.patch("hosts/h2", {"ovsdb": "inbound"})
        set_ssl(h1, ca, "h1")
        set_ssl(h2, ca, "h2")
        h1.vsctl("set-manager", "pssl:%d:%s" % (PSSL, h1.control_ip))
        h2.vsctl("set-manager", "ssl:%s:%d" % (ADDRESS, OVSDB))
        lab.await_synced(seconds=60)
        yield lab
    finally:
        close_lab(lab)


# As a client.  ---------------------------------------------------------------

def dial(ns, address, port, pair, send=b""):
    """Returns what a TLS client with certificate 'pair' receives in namespace
    'ns' once it has sent 'send', or b"" if it is turned away.  It believes
    everybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(*pair)
    with inside(ns):
        plain = socket.create_connection((address, port), 20)
    try:
        with context.wrap_socket(plain) as link:
            link.sendall(send)
            return link.recv(4096)
    except (ssl.SSLError, ConnectionError):
        return b""


def opens_database(lab, pair):
    """Does h1's database answer who has 'pair'?"""
    return b"Open_vSwitch" in dial(lab.host("h2").ns,
                                   lab.host("h1").control_ip, PSSL, pair,
                                   LIST_DBS)


def test_stolen_host_opens_the_database_of_another(lab, ca):
    assert opens_database(lab, ca.pair("vmnd"))     # That is how it is done.
    assert not opens_database(lab, ca.pair("h2"))


def test_api_client_opens_the_database_of_a_host(lab, ca):
    assert not opens_database(lab, ca.pair("alice"))


def call_api(lab, ca, certificate):
    """GET /v1 with a client's certificate; the status, or None if it is turned
    away."""
    context = ssl.create_default_context(cafile=ca.path("controller-ca.pem"))
    context.load_cert_chain(*ca.pair(certificate))
    link = http.client.HTTPSConnection(ADDRESS, API, timeout=30,
                                       context=context)
    try:
        with inside(lab.net_ns):
            link.connect()
        link.request("GET", "/v1")
        return link.getresponse().status
    except (ssl.SSLError, ConnectionError, http.client.HTTPException):
        return None
    finally:
        link.close()


def test_stolen_host_calls_the_api_as_an_account_of_its_name(lab, ca):
    api = lab.vmnd.api
    for name in "h2", "alice":
        api.put("accounts/" + name, {"role": "admin", "certificate": True})
    assert call_api(lab, ca, "alice") == 200
    assert call_api(lab, ca, "h2") is None
    assert call_api(lab, ca, "vmnd") is None


def test_api_client_reports_as_a_host_of_its_name(lab, ca):
    """Account h3's certificate, where a host h3 dials in."""
    lab.vmnd.api.put("hosts/h3", {"ovsdb": "inbound",
                                  "tunnel_ip": "10.99.0.77"})
    ns = lab.host("h2").ns
    # vmnd asks who it is, of those whom it lets in.
    assert b"Open_vSwitch" in dial(ns, ADDRESS, OVSDB, ca.pair("h2"))
    assert dial(ns, ADDRESS, OVSDB, ca.pair("h3")) == b""
    lab.vmnd.api.delete("hosts/h3")


def test_api_client_takes_the_flows_of_a_host(lab, ca):
    """The same by OpenFlow: vmnd says hello to those whom it lets in."""
    ns = lab.host("h2").ns
    hello = bytes([6, 0])           # OpenFlow 1.5, OFPT_HELLO.
    assert dial(ns, ADDRESS, OPENFLOW, ca.pair("h2"))[:2] == hello
    for name in "h3", "alice":
        assert dial(ns, ADDRESS, OPENFLOW, ca.pair(name)) == b""


def test_server_certificate_dials_in(lab, ca):
    """One of the right CA that may be used for servers alone."""
    ca.issue("host", "h2", "server-only", "serverAuth")
    ca.issue("api", "alice", "server-only-api", "serverAuth")
    ns = lab.host("h2").ns
    for port in OVSDB, OPENFLOW:
        assert dial(ns, ADDRESS, port, ca.pair("server-only")) == b""
    assert call_api(lab, ca, "server-only-api") is None


def test_key_for_ipsec_reports_as_its_host(lab, ca):
    """The IKE daemon's key, which is in another place on the host: nobody who
    reads it is that host for vmnd.  Nor with a certificate of the host CA, if
    that is what it is for."""
    ca.issue("host", "h2", "ike", "1.3.6.1.5.5.7.3.17")
    ns = lab.host("h2").ns
    for name in "h2-ipsec", "ike":
        for port in OVSDB, OPENFLOW:
            assert dial(ns, ADDRESS, port, ca.pair(name)) == b""
        assert call_api(lab, ca, name) is None
        assert not opens_database(lab, ca.pair(name))


def test_key_of_openflow_passes_for_its_host_in_the_underlay(ca):
    """IKE daemons believe ipsec-ca alone."""
    for name, good in ("h2-ipsec", True), ("h2", False), ("vmnd", False):
        done = subprocess.run(
            ["openssl", "verify", "-CAfile", ca.path("ipsec-ca.pem"),
             ca.path(name + ".pem")], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, check=False)
        assert (done.returncode == 0) == good


# As a server.  ---------------------------------------------------------------

class FakeVmnd:
    """Listens as vmnd would, with 'pair', and keeps what it is told by hosts
    that let it in."""

    def __init__(self, lab, pair):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        self.context = context
        with inside(lab.net_ns):
            self.sock = socket.create_server((ADDRESS, FAKE))
        self.sock.settimeout(30)

    def close(self):
        self.sock.close()

    def serve(self, send):
        """What the next host says in answer to 'send'; b"" if it hangs up."""
        plain = self.sock.accept()[0]
        plain.settimeout(30)
        try:
            with self.context.wrap_socket(plain, server_side=True) as link:
                link.sendall(send)
                told = link.recv(4096)
                while told and b"echo" in told:     # It may ask first.
                    told = link.recv(4096)
                return told
        except (ssl.SSLError, ConnectionError):
            return b""


def lets_in(lab, pair, kind):
    """Does h2 let somebody in who poses as vmnd with 'pair'?  Its database is
    told that vmnd moved, or its switch; both come by several times."""
    h2 = lab.host("h2")
    target = "ssl:%s:%d" % (ADDRESS, FAKE)
    fake = FakeVmnd(lab, pair)
    try:
        if kind == "ovsdb":
            h2.vsctl("--id=@m", "create", "Manager",
                     'target="%s"' % target, "max_backoff=1000", "--", "add",
                     "Open_vSwitch", ".", "manager_options", "@m")
            return any(fake.serve(LIST_DBS) for _ in range(3))
        h2.vsctl("--no-wait", "--", "set-controller", "br-phys", target, "--",
                 "set", "controller", "br-phys", "max_backoff=1000")
        return any(fake.serve(bytes([6, 0, 0, 8, 0, 0, 0, 1]))
                   for _ in range(3))
    finally:
        if kind == "ovsdb":
            row = h2.vsctl("--bare", "--columns=_uuid", "find", "Manager",
                           'target="%s"' % target).strip()
            if row:
                h2.vsctl("remove", "Open_vSwitch", ".", "manager_options",
                         row)
        else:
            h2.vsctl("--no-wait", "del-controller", "br-phys")
        fake.close()


@pytest.mark.parametrize("kind", ["ovsdb", "openflow"])
def test_stolen_host_poses_as_vmnd(lab, ca, kind):
    assert lets_in(lab, ca.pair("vmnd"), kind)
    assert not lets_in(lab, ca.pair("h1"), kind)


@pytest.mark.parametrize("kind", ["ovsdb", "openflow"])
def test_api_client_poses_as_vmnd(lab, ca, kind):
    # Also with one that says that it may serve, which vmn-pki makes for none.
    ca.issue("api", "vmnd", "posing", "serverAuth,clientAuth")
    for name in "alice", "posing":
        assert not lets_in(lab, ca.pair(name), kind)


def test_stolen_host_stands_in_for_another_that_vmnd_dials(lab, ca):
    """h1 shows h2's certificate where vmnd looks for h1; then one that may not
    be a server's, and vmnd's own."""
    h1 = lab.host("h1")
    ca.issue("host", "h1", "client-only", "clientAuth")

    def comes_again_as(name):
        set_ssl(h1, ca, name)
        h1.stop_db()
        h1.start_db()

    def error():
        return lab.vmnd.api.get("hosts/h1")["status"]["ovsdb"].get("error")

    try:
        for name in "h2", "client-only", "vmnd":
            comes_again_as(name)
            wait_for("its refusal", lambda: error() and
                     ("not this host's" in error() if name == "h2"
                      else "Protocol error" in error()), 40)
            state = lab.vmnd.api.get("hosts/h1")["status"]["ovsdb"]["state"]
            assert state != "connected"
    finally:
        comes_again_as("h1")
        lab.await_synced(seconds=60)


# What is said of it.  --------------------------------------------------------

def test_one_ca_for_all_is_pointed_out(lab, ca):
    """Three CAs are no problem; --ca-cert for both is, and so is vmnd's own
    among them."""
    def problems():
        return [p["detail"] for p in lab.vmnd.api.get("status")["problems"]
                if p["kind"] == "certificates"]

    metrics = lab.vmnd.api.metrics()
    assert problems() == [] and metrics["vmn_certificate_ca_shared"] == 0
    for use in "api", "hosts":
        assert metrics['vmn_certificate_ca_expiry_timestamp_seconds{use="%s"}'
                       % use] > metrics[
                           'vmn_certificate_expiry_timestamp_seconds{use="%s"}'
                           % use]
    options = lab.vmnd.options
    both = ca.path("both.pem")
    with open(both, "w", encoding="ascii") as out:
        for name in "host-ca.pem", "api-ca.pem":
            with open(ca.path(name), encoding="ascii") as one:
                out.write(one.read())
    try:
        lab.vmnd.stop()
        lab.vmnd.options = [o for o in options if "-ca-cert" not in o] + [
            "--ca-cert=" + both]
        lab.vmnd.start()
        lab.await_synced(seconds=60)    # It serves both.
        assert call_api(lab, ca, "alice") == 200
        assert len(problems()) == 1 and "one CA" in problems()[0]
        assert lab.vmnd.api.metrics()["vmn_certificate_ca_shared"] == 1
        # Files that are replaced count at once.
        with open(ca.path("new.pem"), "w", encoding="ascii") as out:
            for name in "controller-ca.pem", "both.pem":
                with open(ca.path(name), encoding="ascii") as one:
                    out.write(one.read())
        os.replace(ca.path("new.pem"), both)
        wait_for("it to be noticed", lambda: any(
            "own certificate" in text for text in problems()), 20)
        with open(lab.vmnd.log, encoding="utf-8", errors="replace") as log:
            assert "contains the CA of our own certificate" in log.read()
    finally:
        lab.vmnd.stop()
        lab.vmnd.options = options
        lab.vmnd.start()
        lab.await_synced(seconds=60)
