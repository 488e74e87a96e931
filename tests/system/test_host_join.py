# SPDX-License-Identifier: Apache-2.0
"""deploy/host-join: a hypervisor becomes a host by it, and none again."""

import json
import os
import re
import shlex
import subprocess

import pytest
from conftest import HERE, close_lab, make_lab

from vmnlab import netns
from vmnlab.netns import wait_for

JOIN = os.path.join(HERE, "../../deploy/host-join")
FORMER = "9a3c0d52-40a5-4d0e-8b53-7a5c5a0f9e10"


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("join", 1, ovsdb_mode="inbound")
    yield lab
    close_lab(lab)


class Hypervisor:
    """The lab's host, as it was before it joined."""

    def __init__(self, lab, folder):
        self.lab = lab
        self.host = lab.host("h1")
        self.conf = folder / "system-id.conf"
        self.conf.write_text(FORMER + "\n")
        self.manager = self.host.vsctl("get-manager").strip()
        self.host.vsctl("del-manager", "--", "set", "Open_vSwitch", ".",
                        "external_ids:system-id=" + FORMER)
        self.await_state(False)

    def await_state(self, joined):
        """Until vmnd has it, and has it programmed; or has it no more."""
        def ready():
            status = self.lab.vmnd.api.get("hosts/h1")["status"]
            if not joined:
                return status["ovsdb"]["state"] != "connected"
            return status["ovsdb"]["state"] == "connected" \
                and status["state"] == "synced"
        wait_for("h1 to %s" % ("join" if joined else "leave"), ready, 60)

    def join(self, *args, fails=False):
        with netns.inside(self.host.ns):
            done = subprocess.run(
                [JOIN, *args], env=dict(self.host.env, OVS_ETC=str(
                    self.conf.parent)), text=True, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                check=False)
        assert (done.returncode != 0) == fails, done.stdout
        return done.stdout

    def database(self):
        return re.sub(r"cur_cfg.*|next_cfg.*|statistics.*", "",
                      self.host.vsctl("list", "Open_vSwitch") +
                      self.host.vsctl("--columns=target", "list", "Manager"))

    def id(self):
        return self.host.vsctl("get", "Open_vSwitch", ".",
                               "external_ids:system-id").strip().strip('"')


@pytest.fixture
def hypervisor(lab, tmp_path):
    hypervisor = Hypervisor(lab, tmp_path)
    yield hypervisor
    hypervisor.host.vsctl(
        "set-manager", hypervisor.manager, "--", "--if-exists", "remove",
        "Open_vSwitch", ".", "external_ids", "vmn-former-system-id", "--",
        "remove", "Open_vSwitch", ".", "external_ids", "ovn-remote", "--",
        "set", "Open_vSwitch", ".", "external_ids:system-id=h1")
    hypervisor.await_state(True)


def test_joins_and_leaves(lab, hypervisor):
    h = hypervisor
    before = h.database()
    printed = h.join("h1", h.manager)
    assert "system-id=h1" in printed and h.manager in printed
    assert h.database() == before           # It only said so.

    h.host.vsctl("set-manager", "ptcp:6641:127.0.0.1")
    assert "managed by" in h.join("--apply", "h1", h.manager)
    h.await_state(True)
    assert h.conf.read_text() == "h1\n"
    joined = h.database()
    h.join("--apply", "h1", h.manager)      # Once more changes nothing.
    assert h.database() == joined

    # A VM is plugged: its bridge stays, and forwards.
    h.host.vsctl("add-port", "br-int", "vm0", "--", "set", "interface", "vm0",
                 "type=internal", "external_ids:iface-id=vm0")
    assert "del-br br-int" in h.join("--undo", "--apply", "h1", h.manager)
    h.await_state(False)
    assert (h.id(), h.conf.read_text()) == (FORMER, FORMER + "\n")
    assert h.host.vsctl("get-manager") == "ptcp:6641:127.0.0.1\n"

    assert "table=0" in h.host.ofctl("dump-flows", "br-int")

    # With no VM, it goes as well.
    h.host.vsctl("del-port", "vm0")
    h.join("--apply", "h1", h.manager)
    h.await_state(True)
    h.join("--undo", "--apply", "h1", h.manager)
    h.await_state(False)
    assert h.host.vsctl("list-br") == "br-phys\n"
    assert h.host.vsctl("get-manager") == "ptcp:6641:127.0.0.1\n"


def test_printed_commands_are_quoted(hypervisor):
    """Whatever name the host has had."""
    h, former = hypervisor, "it's $(touch w) `w`"
    h.join("--apply", "h1", h.manager)
    h.host.vsctl("set", "Open_vSwitch", ".",
                 "external_ids:vmn-former-system-id=" + json.dumps(former))
    printed = [shlex.split(line) for line in h.join(
        "--undo", "h1", h.manager).splitlines()]
    assert "external_ids:system-id=" + former in printed[-2]
    assert printed[-1] == ["echo", former, ">" + str(h.conf)]


def managers(hypervisor):
    return sorted(hypervisor.host.vsctl("get-manager").split())


def test_members_of_a_cluster(hypervisor):
    """Each is given once, however often it is named, and all go: those that
    VMN has added, too, and nobody misses one that it has taken away."""
    h, b = hypervisor, "tcp:192.0.2.2:6640"
    h.host.vsctl("set-manager", "ptcp:6641:127.0.0.1", "tcp:192.0.2.2")
    h.join("--apply", "h1", h.manager, b, h.manager, "tcp:192.0.2.2",
           "tcp:192.0.2.3", "tcp:192.0.2.3:6640")
    assert managers(h) == sorted([
        h.manager, "ptcp:6641:127.0.0.1", "tcp:192.0.2.2",
        "tcp:192.0.2.3:6640"])
    h.await_state(True)
    h.host.vsctl("--id=@m", "create", "Manager", 'target="tcp:192.0.2.4:6640"',
                 "external_ids:vmn-owner=vmnd", "--", "add", "Open_vSwitch",
                 ".", "manager_options", "@m")
    h.join("--undo", "--apply", "h1", h.manager, b, "tcp:192.0.2.3",
           "tcp:192.0.2.5")
    h.await_state(False)
    assert managers(h) == ["ptcp:6641:127.0.0.1"]


@pytest.mark.parametrize("args,reason", [
    (["h 1", "tcp:192.0.2.1"], "is no name"),
    (["h" * 64, "tcp:192.0.2.1"], "longer than 63"),
    (["h1", "192.0.2.1"], "must be ssl:ADDRESS"),
    (["h1", "tcp:a b"], "must be ssl:ADDRESS"),
    (["h1", "tcp:1.2.3.4;reboot"], "must be ssl:ADDRESS"),
    (["--undo", "h1", "tcp:192.0.2.1"], "not \"h1\""),
    (["--pki", "/nonexistent", "h1", "ssl:192.0.2.1"], "h1.key is missing"),
    (["h1"], "usage"),
])
def test_refuses(hypervisor, args, reason):
    before = hypervisor.database()
    assert reason in hypervisor.join("--apply", *args, fails=True)
    assert hypervisor.database() == before


def test_refuses_the_certificate_of_another(hypervisor, tmp_path):
    for name in ("h1.key", "h1.pem", "controller-ca.pem"):
        (tmp_path / name).touch()
    netns.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
               "-subj", "/CN=h2", "-keyout", str(tmp_path / "h1.key"), "-out",
               str(tmp_path / "h1.pem")])
    said = hypervisor.join("--apply", "--pki", str(tmp_path), "h1",
                           "ssl:192.0.2.1", fails=True)
    assert 'speaks for "h2"' in said


def test_says_what_is_left_to_do(hypervisor, tmp_path):
    """By ssl: too, the second time there is nothing."""
    for name, who in (("h1", "h1"), ("controller-ca", "ca")):
        netns.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                   "-subj", "/CN=" + who, "-keyout",
                   str(tmp_path / (name + ".key")), "-out",
                   str(tmp_path / (name + ".pem"))])
    args = ["--pki", str(tmp_path), "h1", "ssl:192.0.2.1"]
    try:
        assert "set-ssl %s/h1.key" % tmp_path in hypervisor.join(*args)
        hypervisor.join("--apply", *args)
        assert hypervisor.join(*args) == ""
        other = tmp_path / "other"
        other.mkdir()
        for name in ("h1.key", "h1.pem", "controller-ca.pem"):
            (tmp_path / name).rename(other / name)
        args[1] = str(other)
        assert hypervisor.join(*args).strip() == (
            "ovs-vsctl --timeout=10 -- set-ssl %s/h1.key %s/h1.pem "
            "%s/controller-ca.pem" % (other, other, other))
    finally:
        hypervisor.host.vsctl("del-ssl")


def test_wants_the_ca_of_vmnd(hypervisor, tmp_path):
    """Another CA is not taken for it."""
    for name in ("h1.key", "h1.pem", "ca.pem"):
        (tmp_path / name).touch()
    said = hypervisor.join("--apply", "--pki", str(tmp_path), "h1",
                           "ssl:192.0.2.1", fails=True)
    assert "controller-ca.pem is missing" in said


def test_refuses_a_chassis_of_ovn(hypervisor):
    hypervisor.host.vsctl("set", "Open_vSwitch", ".",
                          "external_ids:ovn-remote=tcp:192.0.2.9:6642")
    assert "chassis of OVN" in hypervisor.join(
        "--apply", "h1", hypervisor.manager, fails=True)
