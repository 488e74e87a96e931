# SPDX-License-Identifier: Apache-2.0
"""--ipsec=certificates: hosts have certificates as deploy/pki makes them,
which deploy/host-join notes and vmnd has Open vSwitch use; moving there from
keys and back leaves nothing behind.  Open vSwitch's own ovs-monitor-ipsec
takes it.  As with keys, that anything is encrypted is not shown."""

import os
import re
import subprocess
import sys

import pytest
from conftest import HERE, close_lab, make_lab
from test_ipsec import SECRET, config, ip, monitor_source, restart, rows
from vmnlab import netns
from vmnlab.netns import wait_for

PKI = os.path.join(HERE, "../../deploy/pki")
JOIN = os.path.join(HERE, "../../deploy/host-join")
FILES = {"certificate": "%s/%s-ipsec.pem", "private_key": "%s/%s-ipsec.key",
         "ca_cert": "%s/cacerts/ipsec-ca.pem"}


def pki(folder, *args):
    return subprocess.run([PKI, *args], cwd=folder, check=True, timeout=120,
                          text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT).stdout


@pytest.fixture(name="certs", scope="module")
def _certs(tmp_path_factory):
    """As /etc/ipsec.d, of all hosts."""
    folder = tmp_path_factory.mktemp("ipsec.d")
    pki(folder, "init", "ipsec")
    for name in "h1", "h2":
        pki(folder, "ipsec", name)
    (folder / "cacerts").mkdir()
    (folder / "ipsec-ca.pem").rename(folder / "cacerts/ipsec-ca.pem")
    return folder


@pytest.fixture(name="lab", scope="module")
def _lab():
    lab = make_lab("ipc", 3, ovsdb_mode="inbound")
    yield lab
    close_lab(lab)


@pytest.fixture(name="key_file", scope="module")
def _key_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("ipsec") / "key"
    file.write_text(SECRET + "\n")
    file.chmod(0o600)
    return file


def join(host, folder, *args, fails=False):
    """Runs host-join on the host, with the manager that it has."""
    (folder / "system-id.conf").write_text(host.name + "\n")
    manager = host.vsctl("get-manager").strip()
    with netns.inside(host.ns):
        done = subprocess.run(
            [JOIN, "--apply", *args, host.name, manager],
            env=dict(host.env, OVS_ETC=str(folder)), text=True, timeout=60,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False)
    assert (done.returncode != 0) == fails, done.stdout
    return done.stdout


def forget(host):
    """Undoes that."""
    for key in "certificate", "private-key", "ca-cert":
        host.vsctl("remove", "Open_vSwitch", ".", "external_ids",
                   "vmn-ipsec-" + key)


@pytest.fixture(name="joined")
def _joined(lab, certs, tmp_path):
    """Hosts h1 and h2 have certificates, h3 has none."""
    for name in "h1", "h2":
        join(lab.host(name), tmp_path, "--ipsec", str(certs))
    yield lab
    if lab.vmnd.options:
        restart(lab)
    for name in "h1", "h2":
        forget(lab.host(name))


def peers(host):
    """{remote_ip: options} of what ovs-monitor-ipsec would look at."""
    return {row["options"]["remote_ip"]: row["options"]
            for row in rows(host, "options")
            if "psk" in row["options"] or "remote_name" in row["options"]}


def named(host):
    """{remote_ip: remote_name}, if all have one and no key."""
    found = peers(host)
    return ({remote: options["remote_name"]
             for remote, options in found.items()}
            if all("remote_name" in options and "psk" not in options
                   for options in found.values()) else {})


def await_names(lab, host):
    wanted = {ip(other): other.name for other in lab.hosts
              if other is not host}
    wait_for("names of %s's peers" % host.name,
             lambda: named(host) == wanted, 30)


def other_config(host):
    found = host.vsctl("--columns=other_config", "--bare", "list",
                       "Open_vSwitch")
    return dict(pair.split("=", 1) for pair in found.split() if "=" in pair)


def has_files(host, folder):
    config_now = other_config(host)
    return all(config_now.get(key) == file.replace("%s", str(folder), 1)
               .replace("%s", host.name) for key, file in FILES.items())


def has_no_files(host):
    return not set(FILES) & set(other_config(host))


def reason(lab, name):
    return lab.vmnd.api.get("hosts/" + name)["status"].get("reason", "")


def test_moves_from_keys_to_certificates_and_back(joined, certs, key_file):
    lab = joined
    h1, h2, h3 = lab.hosts
    before = {host.name: config(host) for host in lab.hosts}
    keys = "--ipsec-key-file=%s" % key_file

    restart(lab, keys)
    for host in lab.hosts:
        wait_for("keys", lambda h=host: len(peers(h)) == 2 and all(
            "psk" in options for options in peers(h).values()), 30)
        # What host-join has noted disturbs nobody, until it is wanted.
        assert has_no_files(host)
    with_keys = {host.name: config(host) for host in lab.hosts}

    restart(lab, "--ipsec=certificates")
    for host in lab.hosts:
        await_names(lab, host)
    for host in h1, h2:
        wait_for("its files", lambda h=host: has_files(h, certs), 20)
        wait_for("the userspace datapath to be what is left",
                 lambda h=host: "datapath type" in reason(lab, h.name), 20)
    assert has_no_files(h3)
    wait_for("a word of h3", lambda: "lacks certificate" in reason(lab, "h3"),
             20)

    restart(lab, keys, "--ipsec=psk")
    for host in lab.hosts:
        wait_for("%s to have keys again" % host.name,
                 lambda h=host: config(h) == with_keys[h.name], 30)
    restart(lab, "--ipsec=certificates")
    for host in lab.hosts:
        await_names(lab, host)
    restart(lab)
    for host in lab.hosts:
        wait_for("%s to be as before" % host.name,
                 lambda h=host: config(h) == before[h.name], 30)


def test_follows_the_host_and_mends(joined, certs, tmp_path):
    lab = joined
    h1, h3 = lab.host("h1"), lab.host("h3")
    restart(lab, "--ipsec=certificates")
    wait_for("its files", lambda: has_files(h1, certs), 20)
    h1.vsctl("remove", "Open_vSwitch", ".", "other_config", "private_key")
    wait_for("them again", lambda: has_files(h1, certs), 20)
    name = next(row["name"] for row in rows(h1, "options")
                if "remote_name" in row["options"])
    h1.vsctl("set", "Interface", name, "options:remote_name=h1")
    await_names(lab, h1)
    # A host that gets its certificate at last.
    pki(tmp_path, "init", "ipsec")
    pki(tmp_path, "ipsec", "h3")
    (tmp_path / "cacerts").mkdir()
    (tmp_path / "ipsec-ca.pem").rename(tmp_path / "cacerts/ipsec-ca.pem")
    join(h3, tmp_path, "--ipsec", str(tmp_path))
    try:
        wait_for("its files", lambda: has_files(h3, tmp_path), 20)
        wait_for("no more of it",
                 lambda: "lacks certificate" not in reason(lab, "h3"), 20)
    finally:
        # A certificate of its own that nobody asked for stays, and with keys
        # it is pointed out.
        forget(h3)
    restart(lab)
    assert has_files(h3, tmp_path)
    for key in FILES:
        h3.vsctl("remove", "Open_vSwitch", ".", "other_config", key)


def test_certificate_beside_keys_is_pointed_out(joined, key_file):
    lab = joined
    h3 = lab.host("h3")
    h3.vsctl("set", "Open_vSwitch", ".", "other_config:certificate=/own")
    try:
        restart(lab, "--ipsec-key-file=%s" % key_file)
        wait_for("a word of it", lambda: "takes no keys" in reason(lab, "h3"),
                 20)
        assert "takes no keys" not in reason(lab, "h1")
    finally:
        h3.vsctl("remove", "Open_vSwitch", ".", "other_config", "certificate")
    wait_for("no more", lambda: "takes no keys" not in reason(lab, "h3"), 20)


@pytest.mark.parametrize("name, kind, words", [
    ("plain", ["/CN=h1", "DNS:h1", "rsa:2048"], "does not begin with CN=h1,"),
    ("other", ["/O=x/CN=h2", "DNS:h2", "rsa:2048"], "does not begin with"),
    ("bare", ["/O=x/CN=h1", "DNS:h10", "rsa:2048"], "does not have DNS:h1"),
    ("ec", ["/O=x/CN=h1", "DNS:h1", "ec"], "is not of an RSA key"),
    ("stranger", ["/O=x/CN=h1", "DNS:h1", "rsa:2048"], "has not signed"),
])
def test_host_join_refuses_what_would_not_work(lab, certs, tmp_path, name,
                                               kind, words):
    """What ovs-monitor-ipsec of Open vSwitch 3.1 and IKE daemons do not take:
    told when a host joins, and not by tunnels that do not come up."""
    del name
    host = lab.host("h1")
    before = config(host)
    subject, alternative, key = kind
    more = ["-pkeyopt", "ec_paramgen_curve:P-256"] if key == "ec" else []
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", key, *more, "-nodes", "-subj",
         subject, "-addext", "subjectAltName=" + alternative, "-keyout",
         str(tmp_path / "h1-ipsec.key"), "-out",
         str(tmp_path / "h1-ipsec.pem")], check=True,
        stderr=subprocess.DEVNULL)
    (tmp_path / "cacerts").mkdir()
    (tmp_path / "cacerts/ipsec-ca.pem").write_text(
        (certs / "cacerts/ipsec-ca.pem").read_text())
    assert words in join(host, tmp_path, "--ipsec", str(tmp_path), fails=True)
    assert config(host) == before


def test_ovs_monitor_ipsec_takes_it(joined, certs, tmp_path):
    """It makes strongSwan's configuration for each peer, by names that it
    reads in the certificates, and unmakes it."""
    lab = joined
    h1, h2, h3 = lab.hosts
    program, python = monitor_source()
    for folder in "etc/strongswan.d", "usr/sbin", "run":
        (tmp_path / folder).mkdir(parents=True)
    ipsec = tmp_path / "usr/sbin/ipsec"
    ipsec.write_text("#!/bin/sh\nexit 0\n")
    ipsec.chmod(0o755)
    monitor = netns.spawn(
        [sys.executable, program, "--root-prefix=%s" % tmp_path,
         "--ike-daemon=strongswan", h1.db], h1.ns,
        dict(h1.env, PYTHONPATH=python, OVS_RUNDIR=str(tmp_path / "run"),
             OVS_PKGDATADIR="/usr/share/openvswitch"),
        str(tmp_path / "log"))
    lab.children.append(monitor)

    def text(name):
        file = tmp_path / "etc" / name
        return file.read_text() if file.exists() else ""

    def conns():
        return set(re.findall(r"right=(\S+)\n *leftid=(\S+)\n *rightid=(\S+)\n"
                              r" *leftcert=(\S+)\n", text("ipsec.conf")))

    pem = str(certs / "h1-ipsec.pem")
    try:
        restart(lab, "--ipsec=certificates")
        wait_for("its configuration (log: %s)" % (tmp_path / "log"),
                 lambda: conns() == {(ip(h2), "h1", "h2", pem),
                                     (ip(h3), "h1", "h3", pem)}, 30)
        assert "cacert=%s/cacerts/ipsec-ca.pem\n" % certs in text("ipsec.conf")
        for host in h2, h3:
            assert "%%any %s : RSA %s/h1-ipsec.key\n" % (ip(host), certs) \
                in text("ipsec.secrets")
        restart(lab)
        wait_for("it to be gone",
                 lambda: not conns() and "right=" not in text("ipsec.conf"),
                 30)
    finally:
        netns.kill([monitor.pid])


def test_undo_takes_it_away(joined, certs, tmp_path):
    """host-join --undo, also while vmnd wants it."""
    lab = joined
    h2 = lab.host("h2")
    manager = h2.vsctl("get-manager").strip()
    restart(lab, "--ipsec=certificates")
    wait_for("its files", lambda: has_files(h2, certs), 20)
    try:
        join(h2, tmp_path, "--undo")
        assert has_no_files(h2)
        assert "vmn-ipsec" not in h2.vsctl("list", "Open_vSwitch")
    finally:
        h2.vsctl("set-manager", manager)
    lab.await_synced(seconds=60)
