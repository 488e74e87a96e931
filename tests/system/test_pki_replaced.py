# SPDX-License-Identifier: Apache-2.0
"""All CAs are replaced at once, by the steps of docs/handbook/certificates.md:
packets flow all the time, and after each step every host comes back, changes
reach it, and the API's client is let in.  In the end the old CAs open
nothing."""

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
        pki(self.old, "init")
        pki(self.old, "vmnd", "vmnd", ADDRESS)
        for name in "h1", "h2":
            pki(self.old, "host", name)
        pki(self.old, "client", "alice")
        for file in "vmnd.key", "vmnd.pem", "host-ca.pem", "api-ca.pem":
            shutil.copy(self.old / file, self.vmnd)
        for file in "alice.key", "alice.pem":
            shutil.copy(self.old / file, self.client)
        shutil.copy(self.old / "controller-ca.pem", self.client / "ca.pem")
        self.top = top

    def host(self, name, which="etc"):
        """A folder of host 'name'."""
        folder = self.top / name / which
        folder.mkdir(parents=True, exist_ok=True)
        return folder


@pytest.fixture(name="site", scope="module")
def _site(tmp_path_factory):
    return Site(tmp_path_factory.mktemp("site"))


def set_options(lab, site):
    lab.vmnd.options = [
        "--openflow-listen=ssl:%s:%d" % (ADDRESS, OPENFLOW),
        "--ovsdb-listen=ssl:%s:%d" % (ADDRESS, OVSDB),
        "--api-listen=ssl:%s:%d" % (ADDRESS, API),
        "--private-key=%s/vmnd.key" % site.vmnd,
        "--certificate=%s/vmnd.pem" % site.vmnd,
        "--host-ca-cert=%s/host-ca.pem" % site.vmnd,
        "--api-ca-cert=%s/api-ca.pem" % site.vmnd]


def restart(lab):
    assert lab.vmnd.stop() == 0
    lab.vmnd.start()


@pytest.fixture(name="lab", scope="module")
def _lab(site):
    """Two hosts, one of which dials vmnd, and vmnd."""
    lab = make_lab("pku", 2)
    try:
        set_options(lab, site)
        restart(lab)
        h1, h2 = lab.hosts
        lab.managers = {"h1": "pssl:%d:%s" % (PSSL, h1.control_ip),
                        "h2": "ssl:%s:%d" % (ADDRESS, OVSDB)}
        lab.vmnd.api.patch("hosts/h1", {"ovsdb": "ssl:%s:%d"
                                        % (h1.control_ip, PSSL)})
        lab.vmnd.api.patch("hosts/h2", {"ovsdb": "inbound"})
        for host in lab.hosts:
            etc = site.host(host.name)
            for file in (host.name + ".key", host.name + ".pem",
                         "controller-ca.pem"):
                shutil.copy(site.old / file, etc)
            host.vsctl("set-ssl", "%s/%s.key" % (etc, host.name), "%s/%s.pem"
                       % (etc, host.name), "%s/controller-ca.pem" % etc, "--",
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


def replace(lab, site):
    """Yields after each step."""
    client_ca = site.client / "ca.pem"
    yield client_ca, "the old CAs"

    pki(site.new, "init")
    # vmnd believes new and old.
    for which in "host", "api":
        install(site.vmnd / (which + "-ca.pem"),
                site.new / (which + "-ca.pem"),
                site.old / (which + "-ca.pem"))
    yield client_ca, "vmnd believes both"

    # Hosts and clients believe the new CA of vmnd, and the old one.
    for host in lab.hosts:
        etc = site.host(host.name)
        install(etc / "controller-ca.pem", site.new / "controller-ca.pem",
                site.old / "controller-ca.pem")
        host_join(lab, site, host, etc)
    install(client_ca, site.new / "controller-ca.pem",
            site.old / "controller-ca.pem")
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
        host_join(lab, site, host, new)
        yield client_ca, host.name + "'s certificate"
    pki(site.new, "client", "alice")
    for file in "alice.key", "alice.pem":
        install(site.client / file, site.new / file)
    install(client_ca, site.new / "controller-ca.pem")
    yield client_ca, "the client's certificate"

    # vmnd believes the new ones alone.
    for which in "host", "api":
        install(site.vmnd / (which + "-ca.pem"),
                site.new / (which + "-ca.pem"))
    yield client_ca, "the old CAs are gone"


def test_replacing_all_cas_loses_nothing(lab, site):
    lab.vmnd.api.put("accounts/alice", {"role": "viewer",
                                        "certificate": True})
    pingers = [Pinger(lab.vm("a"), lab.vm("b").ip),
               Pinger(lab.vm("b"), lab.vm("a").ip)]
    wait_for("a to reach b", lambda: not lost_of_a_few(lab), 30)
    for pinger in pingers:
        pinger.start()
    for ca, step in replace(lab, site):
        check(lab, site, ca, step)
    lost = {p.what: p.stop() for p in pingers}
    assert all(len(p.sent) > 10 for p in pingers)
    assert not any(lost.values()), lost

    # What the old CAs have signed opens nothing any more.
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
