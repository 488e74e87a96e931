# SPDX-License-Identifier: Apache-2.0
"""Uplinks that guarantee nothing (docs/apps/qos.md), and who says so: policies
of qos, uplinks, the host and its events.  The host is a database alone, with
what a switch of the kernel's datapath would write into it, so this needs none;
what a queue is good for is test_guaranteed_rate.py's."""

import json
import os
import shutil
import signal
import subprocess
import tempfile

import pytest
from app_lab import load
from conftest import check_log, close_lab, make_lab
from vmnlab import netns
from vmnlab.host import SCHEMA
from vmnlab.netns import wait_for

NOTHING = 'k1: "%s" has no queues that count, or not yet: see its status ' \
          '(reason, uplinks)'


class Database:
    """An ovsdb-server with an empty database of Open vSwitch."""

    def __init__(self):
        # A unix socket's path has 107 characters at the most.
        self.directory = tempfile.mkdtemp(prefix="vmnu.", dir="/tmp")
        self.remote = "unix:%s/db.sock" % self.directory
        path = os.path.join(self.directory, "conf.db")
        netns.run(["ovsdb-tool", "create", path, SCHEMA])
        self.process = subprocess.Popen([
            "ovsdb-server", "--remote=p" + self.remote, path,
            "--unixctl=%s/ctl" % self.directory],
            stderr=subprocess.DEVNULL)
        wait_for("the database", lambda: os.path.exists(
            os.path.join(self.directory, "db.sock")), 20)
        self.vsctl("init")

    def vsctl(self, *arguments):
        return netns.run(["ovs-vsctl", "--no-wait", "--db=" + self.remote,
                          *arguments])

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        shutil.rmtree(self.directory)


class Uplinks:
    def __init__(self, lab, db):
        self.api = lab.vmnd.api
        self.db = db

    def status(self, name):
        return self.api.get(name)["status"]

    def events(self):
        """Those of hosts."""
        status, _, text = self.api.raw(
            "GET", "/v1/events?kinds=host&follow=false"
            "&since=2000-01-01T00:00:00Z")
        assert status == 200, text
        return [json.loads(line[6:]) for line in text.decode().splitlines()
                if line.startswith("data: {")]

    def guarantees(self, interface="eth1"):
        """Whether all say so."""
        return (not self.status("qos-policies/p").get("unguaranteed")
                and not self.status("qos-uplinks/up").get("unqueued")
                and self.status("hosts/k1").get("uplinks") == [
                    {"interface": interface, "max_kbps": 100000,
                     "active": True}]
                and "uplink" not in self.status("hosts/k1").get("reason", ""))

    def lacks(self, reason, interface="eth1"):
        """Whether all say that it guarantees nothing, and why."""
        host = self.status("hosts/k1")
        nothing = [NOTHING % interface]
        if not host.get("uplinks"):
            return False        # Not known yet.
        uplink, = host["uplinks"]
        return (self.status("qos-policies/p").get("unguaranteed") == nothing
                and self.status("qos-uplinks/up").get("unqueued") == nothing
                and uplink["interface"] == interface
                and not uplink["active"] and reason in uplink.get("reason", "")
                and "uplink \"%s\" %s" % (interface, reason) in host.get(
                    "reason", ""))


@pytest.fixture(name="lab", scope="module")
def _lab():
    lab = make_lab("upl", 1)
    load(lab, "qos")
    yield lab
    close_lab(lab)


@pytest.fixture(name="uplinks", scope="module")
def _uplinks(lab):
    db = Database()
    try:
        db.vsctl("add-br", "br-ex", "--", "add-port", "br-ex", "eth1", "--",
                 "set", "Interface", "eth1", "ofport=1")
        found = Uplinks(lab, db)
        found.api.apply([
            {"type": "hosts", "name": "k1", "spec": {
                "ovsdb": db.remote, "tunnel_ip": "192.0.2.91",
                "datapath": "system"}},
            {"type": "networks", "name": "net", "spec": {}},
            {"type": "ports", "name": "a", "spec": {"network": "net"}},
            {"type": "qos-uplinks", "name": "up", "spec": {
                "interface": "eth1", "max_kbps": 100000, "hosts": ["k1"]}},
            {"type": "qos-policies", "name": "p", "spec": {
                "ports": ["a"], "min_kbps": 1000}}])
        wait_for("the bridge", lambda: "br-int" in db.vsctl("list-br"), 20)
        db.vsctl("add-port", "br-int", "tap0", "--", "set", "Interface",
                 "tap0", "external_ids:iface-id=a", "ofport=5",
                 "link_state=up")
        wait_for("a queue", lambda: "32780" in db.vsctl("list", "QoS"), 20)
        yield found
        check_log(lab.vmnd)
    finally:
        db.close()


FAULTS = [
    # Somebody else's that takes the place of vmnd's.
    (["set", "Port", "eth1", "qos=@q", "--", "--id=@q", "create", "QoS",
      "type=linux-htb"], ["clear", "Port", "eth1", "qos"],
     "has a QoS that was not made by vmnd"),
    (["set", "Bridge", "br-ex", "datapath_type=netdev"],
     ["set", "Bridge", "br-ex", "datapath_type=system"],
     "is on datapath \"netdev\", which has no queues"),
    (["set", "Interface", "eth1", "ofport=-1", "error=gone"],
     ["set", "Interface", "eth1", "ofport=1", "--", "clear", "Interface",
      "eth1", "error"],
     "could not be opened by the switch (gone)"),
    (["set", "Open_vSwitch", ".", "other_config:hw-offload=true"],
     ["remove", "Open_vSwitch", ".", "other_config", "hw-offload"],
     "may be given packets past its queues, by hardware"),
    (["del-port", "eth1"],
     ["add-port", "br-ex", "eth1", "--", "set", "Interface", "eth1",
      "ofport=1"],
     "is no port of a bridge"),
]


@pytest.mark.parametrize("harm, mend, reason", FAULTS, ids=[
    "others", "datapath", "missing", "hardware", "no-port"])
def test_uplink_that_guarantees_nothing_is_told(uplinks, harm, mend, reason):
    """As soon as the host's database tells, and no longer."""
    wait_for("it to hold", uplinks.guarantees, 20)
    uplinks.db.vsctl(*harm)
    wait_for("the reason", lambda: uplinks.lacks(reason), 20)
    wait_for("the event", lambda: [
        event for event in uplinks.events()
        if event.get("host") == "k1" and reason in str(event.get("reason"))],
        20)
    uplinks.db.vsctl(*mend)
    wait_for("it to hold", uplinks.guarantees, 20)


def test_bond_guarantees_what_all_its_members_do(uplinks):
    uplinks.db.vsctl("add-bond", "br-ex", "bond0", "eth2", "eth3")
    uplinks.api.patch("qos-uplinks/up", {"interface": "bond0"})
    wait_for("it to hold", lambda: uplinks.guarantees("bond0"), 20)
    uplinks.db.vsctl("set", "Interface", "eth3", "ofport=-1", "error=gone")
    wait_for("the reason", lambda: uplinks.lacks(
        "could not be opened by the switch (gone)", "bond0"), 20)
    # Nor does one that is told to be of another interface, or that nobody
    # has.
    uplinks.api.patch("qos-uplinks/up", {"interface": "nowhere"})
    wait_for("the reason", lambda: uplinks.lacks("is no port of a bridge",
                                                 "nowhere"), 20)
    uplinks.api.patch("qos-uplinks/up", {"interface": "eth1"})
    wait_for("it to hold", uplinks.guarantees, 20)


def test_restart_tells_nothing_else(uplinks, lab):
    """Interfaces are not stored: it is known once the host has reported."""
    wait_for("it to hold", uplinks.guarantees, 20)
    uplinks.db.vsctl("set", "Open_vSwitch", ".",
                     "other_config:hw-offload=true")
    wait_for("the reason", lambda: uplinks.lacks("may be given"), 20)
    assert lab.vmnd.stop() == 0
    lab.vmnd.start()
    wait_for("the reason", lambda: uplinks.lacks("may be given"), 60)
    uplinks.db.vsctl("remove", "Open_vSwitch", ".", "other_config",
                     "hw-offload")
    wait_for("it to hold", uplinks.guarantees, 20)


def test_host_without_guarantees_has_no_uplinks(uplinks):
    uplinks.api.delete("qos-policies/p")
    wait_for("no queue", lambda: "32780" not in uplinks.db.vsctl(
        "list", "QoS"), 20)
    assert uplinks.status("hosts/k1")["uplinks"]
    uplinks.api.delete("qos-uplinks/up")
    wait_for("no uplinks", lambda: "uplinks" not in uplinks.status("hosts/k1"),
             20)
    wait_for("no QoS", lambda: "linux-htb" not in uplinks.db.vsctl(
        "--columns=type,external_ids", "find", "QoS",
        "external_ids:vmn-owner=vmnd"), 20)
