# SPDX-License-Identifier: Apache-2.0
"""From the single CA of former versions to three, as docs/deploying.md says
it, step by step: packets flow all the time, and after each step every host
comes back, changes reach it, and the API's client is let in.  In the end the
old CA opens nothing."""

import os
import shutil
import subprocess

import pytest
from conftest import HERE, close_lab, make_lab
from test_attacks_pki import (ADDRESS, API, OPENFLOW, OVSDB, PKI, PSSL, dial,
                              pki)
from vmnlab import netns
from vmnlab.daemon import find
from vmnlab.netns import wait_for
from vmnlab.traffic import Pinger

JOIN = os.path.join(HERE, "../../deploy/host-join")


def old_pki(folder, name, usage):
    """What vmn-pki made when there was one CA."""
    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    if not usage:
        openssl("req", "-x509", *key, "-subj", "/CN=VMN CA", "-addext",
                "basicConstraints=critical,CA:true,pathlen:0", "-addext",
                "keyUsage=critical,keyCertSign,cRLSign", "-keyout",
                "ca.key", "-out", "ca.pem")
        return
    openssl("req", *key, "-subj", "/CN=" + name, "-addext",
            "extendedKeyUsage=" + usage, "-addext", "subjectAltName=IP:"
            + ADDRESS, "-keyout", name + ".key", "-out", "new.req")
    openssl("x509", "-req", "-in", "new.req", "-CA", "ca.pem", "-CAkey",
            "ca.key", "-copy_extensions", "copy", "-days", "2", "-out",
            name + ".pem")


def install(out, *parts):
    """Puts a file of these into its place at once, as install(1) and mv(1)."""
    with open(str(out) + ".new", "wb") as new:
        for part in parts:
            new.write(part.read_bytes())
    os.replace(str(out) + ".new", out)


class Site:
    """All folders: where the CAs are, vmnd's, the hosts', and the client's."""

    def __init__(self, top):
        self.old, self.new, self.vmnd, self.client = (
            top / name for name in ("old", "new", "vmnd", "client"))
        for folder in self.old, self.new, self.vmnd, self.client:
            folder.mkdir()
        old_pki(self.old, "ca", None)
        for name in "vmnd", "h1", "h2":
            old_pki(self.old, name, "serverAuth,clientAuth")
        old_pki(self.old, "alice", "clientAuth")
        for folder in self.vmnd, self.client:
            name = "vmnd" if folder == self.vmnd else "alice"
            for file in name + ".key", name + ".pem", "ca.pem":
                shutil.copy(self.old / file, folder)
        self.top = top

    def host(self, name, which="etc"):
        """A folder of host 'name'."""
        folder = self.top / name / which
        folder.mkdir(parents=True, exist_ok=True)
        return folder


@pytest.fixture(name="site", scope="module")
def _site(tmp_path_factory):
    return Site(tmp_path_factory.mktemp("site"))


def set_options(lab, site, *cas):
    lab.vmnd.options = [
        "--openflow-listen=ssl:%s:%d" % (ADDRESS, OPENFLOW),
        "--ovsdb-listen=ssl:%s:%d" % (ADDRESS, OVSDB),
        "--api-listen=ssl:%s:%d" % (ADDRESS, API),
        "--private-key=%s/vmnd.key" % site.vmnd,
        "--certificate=%s/vmnd.pem" % site.vmnd,
        *("--%s=%s/%s" % (option, site.vmnd, file) for option, file in cas)]


def restart(lab):
    assert lab.vmnd.stop() == 0
    lab.vmnd.start()


@pytest.fixture(name="lab", scope="module")
def _lab(site):
    """Two hosts and vmnd of one CA, by either way."""
    lab = make_lab("pku", 2)
    try:
        set_options(lab, site, ("ca-cert", "ca.pem"))
        restart(lab)
        h1, h2 = lab.hosts
        lab.managers = {"h1": "pssl:%d:%s" % (PSSL, h1.control_ip),
                        "h2": "ssl:%s:%d" % (ADDRESS, OVSDB)}
        lab.vmnd.api.patch("hosts/h1", {"ovsdb": "ssl:%s:%d"
                                        % (h1.control_ip, PSSL)})
        lab.vmnd.api.patch("hosts/h2", {"ovsdb": "inbound"})
        for host in lab.hosts:
            etc = site.host(host.name)
            for file in host.name + ".key", host.name + ".pem", "ca.pem":
                shutil.copy(site.old / file, etc)
            host.vsctl("set-ssl", "%s/%s.key" % (etc, host.name), "%s/%s.pem"
                       % (etc, host.name), "%s/ca.pem" % etc, "--",
                       "set-manager", lab.managers[host.name])
        lab.await_synced(seconds=60)
        lab.vmnd.api.put("networks/net",
                         {"subnets": [{"cidr": "10.0.0.0/24"}]})
        for name, host in ("a", "h1"), ("b", "h2"):
            lab.vmnd.api.put("ports/" + name, {"network": "net"})
            lab.add_vm_of_port(name, host)
        lab.await_ports(["a", "b"])
        yield lab
    finally:
        close_lab(lab)


def host_join(lab, site, host, folder):
    with netns.inside(host.ns):
        done = subprocess.run(
            [JOIN, "--apply", "--pki", str(folder), host.name,
             lab.managers[host.name]], env=dict(host.env, OVS_ETC=str(
                 site.host(host.name))), text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
            check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


def check(lab, site, ca, step):
    """Every connection is made anew, a change reaches both hosts, and the
    client, who believes file 'ca', is let in."""
    restart(lab)
    lab.await_synced(seconds=60)
    api = lab.vmnd.api
    api.patch("networks/net", {"description": step, "mtu": 1300 + len(step)})
    lab.await_synced(seconds=60)
    for name in "h1", "h2":
        status = api.get("hosts/" + name)["status"]
        assert status["ovsdb"]["state"] == "connected", step
        assert status["openflow"]["peer"].startswith("ssl:"), step
    done = subprocess.run(
        ["ip", "netns", "exec", lab.net_ns, find("vmnctl"), "--server",
         "ssl:%s:%d" % (ADDRESS, API), "--ca-cert", str(ca), "--certificate",
         str(site.client / "alice.pem"), "--private-key",
         str(site.client / "alice.key"), "get", "hosts", "-o", "name"],
        text=True, timeout=60, stdout=subprocess.PIPE, check=False)
    assert done.stdout == "h1\nh2\n", step


def problems(lab):
    return [p for p in lab.vmnd.api.get("status")["problems"]
            if p["kind"] == "certificates"]


def upgrade(lab, site):
    """The steps of docs/deploying.md."""
    old_ca = site.old / "ca.pem"
    yield old_ca, "the single CA"

    pki(site.new, "init")
    # vmnd believes new and old.
    for which in "host", "api":
        install(site.vmnd / (which + "-ca.pem"),
                site.new / (which + "-ca.pem"), old_ca)
    set_options(lab, site, ("host-ca-cert", "host-ca.pem"),
                ("api-ca-cert", "api-ca.pem"))
    restart(lab)
    yield old_ca, "vmnd believes both"

    # Hosts and clients believe the new CA of vmnd, and the old one.
    for host in lab.hosts:
        etc = site.host(host.name)
        install(etc / "controller-ca.pem", site.new / "controller-ca.pem",
                old_ca)
        said = host_join(lab, site, host, etc)
        assert "believes this host's own certificate" in said
    client_ca = site.client / "ca.pem"
    install(client_ca, site.new / "controller-ca.pem", old_ca)
    yield client_ca, "hosts believe both"

    # vmnd's certificate is of the new CA.
    pki(site.new, "vmnd", "vmnd", ADDRESS)
    for file in "vmnd.key", "vmnd.pem":
        install(site.vmnd / file, site.new / file)
    yield client_ca, "vmnd's certificate"

    # So are those of hosts, one after the other, and the client's.
    for host in lab.hosts:
        pki(site.new, "host", host.name)
        new = site.host(host.name, "new")
        for file in host.name + ".key", host.name + ".pem":
            install(new / file, site.new / file)
        install(new / "controller-ca.pem", site.new / "controller-ca.pem")
        assert "believes" not in host_join(lab, site, host, new)
        yield client_ca, host.name + "'s certificate"
    pki(site.new, "client", "alice")
    for file in "alice.key", "alice.pem":
        install(site.client / file, site.new / file)
    install(client_ca, site.new / "controller-ca.pem")
    yield client_ca, "the client's certificate"

    # vmnd believes the new ones alone, at once.
    assert problems(lab)
    for which in "host", "api":
        install(site.vmnd / (which + "-ca.pem"),
                site.new / (which + "-ca.pem"))
    wait_for("the old CA to be gone", lambda: not problems(lab), 20)
    yield client_ca, "the old CA is gone"


def test_upgrade_from_one_ca_loses_nothing(lab, site):
    lab.vmnd.api.put("accounts/alice", {"role": "viewer",
                                        "certificate": True})
    pingers = [Pinger(lab.vm("a"), lab.vm("b").ip),
               Pinger(lab.vm("b"), lab.vm("a").ip)]
    wait_for("a to reach b", lambda: not lost_of_a_few(lab), 30)
    for pinger in pingers:
        pinger.start()
    for ca, step in upgrade(lab, site):
        check(lab, site, ca, step)
    lost = {p.what: p.stop() for p in pingers}
    assert all(len(p.sent) > 10 for p in pingers)
    assert not any(lost.values()), lost

    # What the old CA has signed, opens nothing any more.
    assert problems(lab) == []
    old = [str(site.old / name) for name in ("h2.pem", "h2.key")]
    ns = lab.host("h2").ns
    assert dial(ns, ADDRESS, OVSDB, old) == b""
    assert dial(ns, ADDRESS, OPENFLOW, old) == b""
    assert dial(ns, lab.host("h1").control_ip, PSSL, old,
                b'{"id":1,"method":"list_dbs","params":[]}') == b""


def lost_of_a_few(lab):
    """Whether a ping between the VMs is lost."""
    pinger = Pinger(lab.vm("a"), lab.vm("b").ip).start()
    try:
        wait_for("some pings", lambda: len(pinger.sent) > 3, 20)
    finally:
        lost = pinger.stop()
    return lost
