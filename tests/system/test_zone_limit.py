# SPDX-License-Identifier: Apache-2.0
"""A host's zone_limit, on hosts whose Open vSwitch has zone limits: real
ovsdb-servers with the schema of 3.1 and the column that came with 3.3, which
the lab's ovs-vswitchd passes over."""

import os
import subprocess

import pytest
from conftest import close_lab, make_lab
from vmnlab import host as vmnlab_host
from vmnlab import netns
from vmnlab.netns import wait_for

SCRIPT = os.path.join(os.path.dirname(os.path.realpath(__file__)),
                      "../../proto/ovsdb/newer-schema.sed")
# What is to be as before: all rows, and of those that others write all the
# time what is not theirs.
TABLES = [["Datapath", "ct_zone_default_limit", "ct_zones", "external_ids"],
          ["CT_Zone"],
          ["Open_vSwitch", "datapaths", "external_ids", "other_config"],
          ["Bridge", "name", "external_ids", "other_config", "ports"]]


@pytest.fixture(name="lab", scope="module")
def _lab(tmp_path_factory):
    schema = tmp_path_factory.mktemp("schema") / "vswitch.ovsschema"
    schema.write_text(subprocess.run(
        ["sed", "-f", SCRIPT, vmnlab_host.SCHEMA], check=True,
        capture_output=True, text=True).stdout)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vmnlab_host, "SCHEMA", str(schema))
        lab = make_lab("zon", 2)
    yield lab
    close_lab(lab)


def client(host, *arguments):
    return netns.run(["ovsdb-client", "--format=json", *arguments])


def rows(host):
    return [client(host, "dump", host.db, "Open_vSwitch", *table)
            for table in TABLES]


def limits(host):
    """The default limits of all datapaths."""
    text = client(host, "dump", host.db, "Open_vSwitch", "Datapath",
                  "ct_zone_default_limit")
    return text.split('"data":')[1].split(',"headings"')[0]


def become(host, version):
    """Has the host say that its Open vSwitch is of that version."""
    host.vsctl("--no-wait", "set", "Open_vSwitch", ".",
               "ovs_version=" + version)


def status(lab, name):
    return lab.vmnd.api.get("hosts/" + name)["status"]


def test_limit_is_written_and_removed_exactly(lab):
    h1, h2 = lab.hosts
    # The operator of h2 has a zone of his own.
    h2.vsctl("--no-wait", "--id=@z", "create", "CT_Zone",
             "external_ids:of=operator", "--", "--id=@d", "create",
             "Datapath", "datapath_version=mine", "ct_zones:7=@z", "--",
             "set", "Open_vSwitch", ".", "datapaths:netdev=@d")
    for host in lab.hosts:
        become(host, "3.5.1")
    before = {host.name: rows(host) for host in lab.hosts}
    for host in lab.hosts:
        lab.vmnd.api.patch("hosts/" + host.name, {"zone_limit": 20000})
        wait_for("%s's limit" % host.name,
                 lambda h=host: limits(h) == "[[20000]]", 20)
    assert "operator" in rows(h2)[1]
    lab.await_synced()
    for host in lab.hosts:
        wait_for("no reason", lambda h=host: "reason" not in status(
            lab, h.name))

    # Another vmnd writes nothing anew.
    written = {host.name: rows(host) for host in lab.hosts}
    assert lab.vmnd.stop() == 0
    lab.vmnd.start()
    lab.await_synced(seconds=60)
    assert {host.name: rows(host) for host in lab.hosts} == written

    # Another limit, while one of them is away.
    h2.stop_db()
    wait_for("h2 to be away", lambda: status(lab, "h2")["ovsdb"]["state"]
             != "connected", 20)
    for host in lab.hosts:
        lab.vmnd.api.patch("hosts/" + host.name, {"zone_limit": 5})
    wait_for("h1's limit", lambda: limits(h1) == "[[5]]", 20)
    h2.start_db()
    wait_for("h2's limit", lambda: limits(h2) == "[[5]]", 20)

    for host in lab.hosts:
        lab.vmnd.api.patch("hosts/" + host.name, {"zone_limit": None})
    for host in lab.hosts:
        wait_for("%s to be as before" % host.name,
                 lambda h=host: rows(h) == before[h.name], 20)
    h2.vsctl("--no-wait", "clear", "Open_vSwitch", ".", "datapaths")


def test_limit_that_is_not_there_is_told(lab):
    """By a version whose userspace datapath would have all zones share it."""
    h1 = lab.hosts[0]
    become(h1, "3.4.2")
    lab.vmnd.api.patch("hosts/h1", {"zone_limit": 20000})
    wait_for("the reason", lambda: "before 3.5" in status(lab, "h1").get(
        "reason", ""), 20)
    assert limits(h1) == "[]"
    become(h1, "3.5.0")
    wait_for("no reason", lambda: "reason" not in status(lab, "h1"), 20)
    wait_for("the limit", lambda: limits(h1) == "[[20000]]", 20)
    lab.vmnd.api.patch("hosts/h1", {"zone_limit": None})
    wait_for("no limit", lambda: limits(h1) == "[]", 20)
