# SPDX-License-Identifier: Apache-2.0
"""A hypervisor joins by TLS, with what deploy/pki and `vmnctl host
join-command` say: packets flow; a certificate that is another host's gets
nobody in."""

import os
import shlex
import subprocess

import pytest
from conftest import HERE, close_lab, make_lab
from vmnlab import netns, traffic
from vmnlab.daemon import find
from vmnlab.netns import wait_for

PKI = os.path.join(HERE, "../../deploy/pki")
ADDRESS = "10.98.0.1"           # The lab's vmnd, as hosts reach it.


def pki(folder, *args, **more):
    return subprocess.run([PKI, *args], cwd=folder, text=True, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          **more)


def vmnctl(lab, *args):
    return subprocess.run(
        [find("vmnctl"), *args], text=True, check=True, timeout=60,
        stdout=subprocess.PIPE, cwd="/",
        env=dict(os.environ, VMNCTL_SERVER="unix:" + lab.vmnd.socket)).stdout


@pytest.fixture(name="ca", scope="module")
def _ca(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ca")
    pki(folder, "init", check=True)
    pki(folder, "vmnd", "vmnd", ADDRESS, check=True)
    return folder


@pytest.fixture(name="lab", scope="module")
def _lab(ca):
    """Two hosts, whose vmnd then speaks nothing but TLS."""
    lab = make_lab("joi", 2)
    try:
        end = lab.vmnd.stop()
        assert end == 0
        lab.vmnd.options = [
            "--openflow-listen=ssl:%s:6643" % ADDRESS,
            "--ovsdb-listen=ssl:%s:6641" % ADDRESS,
            "--private-key=%s/vmnd.key" % ca, "--certificate=%s/vmnd.pem" % ca,
            "--host-ca-cert=%s/host-ca.pem" % ca,
            "--api-ca-cert=%s/api-ca.pem" % ca]
        lab.vmnd.start()
        yield lab
    finally:
        close_lab(lab)


def join(lab, ca, name, host):
    """What `vmnctl host join-command` tells to do, on 'host'; its folder for
    certificates is the CA's."""
    text = vmnctl(lab, "host", "join-command", name, "--address",
                  ADDRESS + ":6641")
    make, vsctl = [line for line in text.splitlines()
                   if not line.startswith("#")]
    assert make.startswith("vmn-pki host %s && scp %s.key %s.pem "
                           "controller-ca.pem " % (name, name, name))
    if not os.path.exists(ca / (name + ".key")):
        pki(ca, "host", name, check=True)
    words = shlex.split(vsctl.replace("/etc/openvswitch", str(ca)))
    assert words.pop(0) == "ovs-vsctl"
    host.vsctl(*words)


def state(lab, name):
    return lab.vmnd.api.get("hosts/" + name)["status"]


def test_hosts_join_by_tls(lab, ca):
    api = lab.vmnd.api
    for host in lab.hosts:
        api.patch("hosts/" + host.name, {"ovsdb": "inbound"})
        join(lab, ca, host.name, host)
    lab.await_synced(seconds=60)
    for host in lab.hosts:
        status = state(lab, host.name)
        assert status["openflow"]["peer"].startswith("ssl:")
    api.put("networks/net", {"subnets": [{"cidr": "10.0.0.0/24"}]})
    for name, host in ("a", "h1"), ("b", "h2"):
        api.put("ports/" + name, {"network": "net"})
        lab.add_vm_of_port(name, host)
    lab.await_ports(["a", "b"])
    wait_for("a to reach b", lambda: traffic.ask(
        lab.vm("a"), lab.vm("b").ip, 0, "icmp", 1.0), 20)


def test_certificate_of_another_host_gets_nobody_in(lab, ca):
    """h2 shows h1's: neither its database nor its switch is heard."""
    def come_again_as(name):
        h2.vsctl("set-ssl", "%s/%s.key" % (ca, name), "%s/%s.pem"
                 % (ca, name), "%s/controller-ca.pem" % ca)
        h2.stop()
        h2.start()

    def told(words):
        with open(lab.vmnd.log, encoding="utf-8", errors="replace") as log:
            return words in log.read()

    h2 = lab.host("h2")
    come_again_as("h1")
    wait_for("its database to be refused", lambda: told(
        'its system-id is "h2", but its certificate is for "h1"'), 30)
    wait_for("its switch to be refused", lambda: told(
        'host "h1" has datapath id'), 30)
    assert state(lab, "h2")["ovsdb"]["state"] != "connected"
    assert state(lab, "h2")["openflow"]["state"] != "connected"
    assert state(lab, "h2")["state"] == "offline"
    shown = vmnctl(lab, "hosts")
    assert 'its certificate is for "h1"' in shown, shown
    come_again_as("h2")
    lab.await_synced(seconds=60)
    assert state(lab, "h1")["state"] == "synced"


def test_certificate_of_vmnd_is_renewed(lab, ca):
    for name in "vmnd.key", "vmnd.pem":
        os.rename(ca / name, ca / ("old-" + name))
    pki(ca, "vmnd", "vmnd", ADDRESS, check=True)
    serial = subprocess.run(
        ["openssl", "x509", "-noout", "-serial", "-in", str(ca / "vmnd.pem")],
        stdout=subprocess.PIPE, text=True, check=True).stdout.strip()

    def shown():
        told = netns.run(["openssl", "s_client", "-connect", ADDRESS
                          + ":6643", "-CAfile",
                          str(ca / "controller-ca.pem")],
                         ns=lab.net_ns, data="", check=False)
        return subprocess.run(["openssl", "x509", "-noout", "-serial"],
                              input=told, stdout=subprocess.PIPE, text=True,
                              check=False).stdout.strip()

    wait_for("the new certificate", lambda: shown() == serial, 60)
    # Hosts that come again take it.
    for host in lab.hosts:
        host.stop()
        host.start()
    lab.await_synced(seconds=60)


def sign_expired(ca, name):
    """Has the host CA sign the key of host 'name' for a day long ago."""
    with open(ca / "old.conf", "w", encoding="ascii") as conf:
        conf.write("[ca]\ndefault_ca=x\n[x]\ndatabase=old.txt\n"
                   "rand_serial=yes\ndefault_md=sha256\npolicy=any\n"
                   "new_certs_dir=.\ncopy_extensions=copy\n"
                   "[any]\ncommonName=supplied\n")
    with open(ca / "old.txt", "w", encoding="ascii"):
        pass
    for args in (["req", "-new", "-key", name + ".key", "-subj", "/CN="
                  + name, "-addext", "subjectAltName=DNS:" + name, "-addext",
                  "extendedKeyUsage=serverAuth,clientAuth", "-out",
                  "old.req"],
                 ["ca", "-batch", "-notext", "-config", "old.conf", "-cert",
                  "host-ca.pem", "-keyfile", "host-ca.key", "-in", "old.req",
                  "-out", "old.pem", "-startdate", "20200101000000Z",
                  "-enddate", "20200102000000Z"]):
        subprocess.run(["openssl", *args], cwd=ca, check=True,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    os.replace(ca / "old.pem", ca / (name + ".pem"))


def test_expired_certificate_keeps_a_host_out_until_it_is_renewed(lab, ca):
    """What is connected stays so, and packets pass all the while."""
    h2, opened = lab.host("h2"), "vmn_openflow_sessions_opened_total"
    a, b = lab.vm("a"), lab.vm("b")
    good = (ca / "h2.pem").read_bytes()
    sign_expired(ca, "h2")
    # Open vSwitch reads both files again once both are others.
    os.utime(ca / "h2.key")
    try:
        before = lab.vmnd.api.metrics()[opened]
        lab.vmnd.api.put("groups/while-expired", {})
        lab.await_synced()
        assert lab.vmnd.api.metrics()[opened] == before
        # From the next connection on it counts.
        h2.cut()
        wait_for("h2 to be away", lambda: state(lab, "h2")["state"] ==
                 "offline", 30)
        h2.heal()

        def told():
            with open(lab.vmnd.log, encoding="utf-8",
                      errors="replace") as log:
                return "certificate verify failed" in log.read()
        wait_for("it to be told", told, 60)
        assert state(lab, "h2")["state"] == "offline"
        rejected = vmnctl(lab, "hosts").partition("\nRejected:\n")[2]
        assert "certificate" in rejected, rejected
        wait_for("a to reach b", lambda: traffic.ask(a, b.ip, 0, "icmp"))
    finally:
        (ca / "h2.pem").write_bytes(good)
        os.utime(ca / "h2.key")
    # A renewed one is taken up without a restart of anything.
    lab.await_synced(seconds=90)
    wait_for("a to reach b", lambda: traffic.ask(a, b.ip, 0, "icmp"))
    lab.vmnd.api.delete("groups/while-expired")


def test_pki_refuses_what_makes_no_sense(ca, tmp_path):
    assert "host-ca.key is not found" in pki(tmp_path, "host", "h1").stdout
    assert "usage:" in pki(tmp_path).stdout
    assert "must be controller, host, api, ipsec or members" in pki(
        tmp_path, "init", "x").stdout
    for name in "../x", "a b", "-x", "", "a/b", "x" * 64:
        assert pki(ca, "host", name).returncode == 1, name
    kept = {name: (ca / name).read_bytes() for name in (
        "controller-ca.pem", "host-ca.pem", "api-ca.pem")}
    assert "already exists" in pki(ca, "init").stdout
    assert "already exists" in pki(ca, "init", "api").stdout
    assert "already exists" in pki(ca, "host", "api-ca").stdout
    assert "already exists" in pki(ca, "host", "h1").stdout
    for name, data in kept.items():
        assert (ca / name).read_bytes() == data
        key = ca / name.replace(".pem", ".key")
        assert oct(os.stat(key).st_mode & 0o777) == "0o600"
    assert "CN = h1" in pki(ca, "show", "h1.pem").stdout


@pytest.mark.parametrize("name, signer, purposes", [
    ("vmnd", "controller", "sslserver sslclient"),
    ("h1", "host", "sslserver sslclient"),
    ("carol", "api", "sslclient")])
def test_pki_keeps_cas_and_purposes_apart(ca, name, signer, purposes):
    """Each certificate is of its CA alone, for its purposes alone."""
    for command, of in ("host", "h1"), ("client", "carol"):
        if not os.path.exists(ca / (of + ".pem")):
            pki(ca, command, of, check=True)
    for which in "controller", "host", "api":
        for purpose in "sslserver", "sslclient":
            done = subprocess.run(
                ["openssl", "verify", "-CAfile", which + "-ca.pem",
                 "-purpose", purpose, name + ".pem"], cwd=ca,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                check=False)
            assert (done.returncode == 0) == (which == signer and purpose
                                              in purposes.split()), which


def test_join_command_knows_ways_in(lab):
    api = lab.vmnd.api
    for name, ovsdb in ("x", "ssl:192.0.2.7:6640"), ("y", "tcp:192.0.2.8:99"):
        api.put("hosts/" + name, {"ovsdb": ovsdb, "tunnel_ip": "192.0.2.%d"
                                  % ord(name)})
    text = vmnctl(lab, "host", "join-command", "x")
    assert "target=\"pssl:6640\"" in text and "set-ssl" in text
    assert "does not check names" in text         # What that means.
    text = vmnctl(lab, "host", "join-command", "y")
    assert "target=\"ptcp:99\"" in text and "set-ssl" not in text
    text = vmnctl(lab, "host", "join-command", "h1", "--address", "[fd00::1]",
                  "--plain")
    assert "target=\"tcp:[fd00::1]:6640\"" in text
    for args in ["host", "join-command", "h1"], ["host", "join", "h1"], \
            ["host", "join-command", "nobody"]:
        with pytest.raises(subprocess.CalledProcessError):
            vmnctl(lab, *args)
    for name in "x", "y":
        api.delete("hosts/" + name)


def test_vmnctl_makes_tokens_and_speaks_tls(ca, lab, tmp_path):
    """For people: a token, and a certificate of the API's CA."""
    api = lab.vmnd.api
    api.put("accounts/alice", {"role": "viewer", "certificate": True})
    secret = vmnctl(lab, "token", "laptop", "--account", "alice",
                    "--expires", "1d").strip()
    assert secret.startswith("laptop.")
    with pytest.raises(subprocess.CalledProcessError):
        vmnctl(lab, "token", "laptop", "--account", "alice")
    pki(ca, "client", "alice", check=True)
    lab.vmnd.stop()
    lab.vmnd.options = lab.vmnd.options + ["--api-listen=ssl:%s:8443"
                                           % ADDRESS]
    lab.vmnd.start()

    def remote(*args, **env):
        done = subprocess.run(
            ["ip", "netns", "exec", lab.net_ns, find("vmnctl"), "--server",
             "ssl:%s:8443" % ADDRESS, "--ca-cert",
             str(ca / "controller-ca.pem"), *args],
            env=dict(os.environ, **env), text=True, timeout=60,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return done.returncode, done.stdout + done.stderr

    status, said = remote("get", "hosts", "-o", "name")
    assert status == 1
    assert said.startswith("vmnctl: The header 'Authorization: Bearer TOKEN' "
                           "is required (HTTP 401)\n  give a token: ")
    assert remote("get", "hosts", "-o", "name",
                  VMNCTL_TOKEN=secret) == (0, "h1\nh2\n")
    file = tmp_path / "token"
    file.write_text(secret + "\n")
    file.chmod(0o644)
    assert remote("get", "hosts", "--token-file", str(file)) == (
        2, "vmnctl: %s: others may read or change this token (mode 0644): "
        "chmod 600 %s\n" % (file, file))
    file.chmod(0o600)
    cert = ["--certificate", str(ca / "alice.pem"), "--private-key",
            str(ca / "alice.key")]
    assert remote("get", "hosts", "-o", "name", "--token-file",
                  str(file))[0] == 0
    assert remote("get", "hosts", "-o", "name", *cert) == (0, "h1\nh2\n")
    status, text = remote("delete", "host", "h1", *cert)
    assert status == 1 and "requires the role operator" in text
    # Another CA's server is not believed.
    pki(tmp_path, "init", check=True)
    status, text = remote("get", "hosts", "--ca-cert",
                          str(tmp_path / "controller-ca.pem"),
                          VMNCTL_TOKEN=secret)
    assert status == 3, text
