# SPDX-License-Identifier: Apache-2.0
"""Emulated hypervisors, as far as a controller can tell: an ovsdb-server and
an ovs-vswitchd each, with the dummy datapath, so that no packet flows."""

import os
import re

from . import ovsdb
from .process import run, wait_for_socket

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


class Host:
    datapath = "dummy"

    def __init__(self, processes, directory, index, bridge="br-int"):
        self.processes = processes
        self.index = index
        self.name = "h%d" % index
        self.bridge = bridge
        self.dir = os.path.join(directory, self.name)
        self.db = os.path.join(self.dir, "db.sock")
        self.tunnel_ip = "127.0.1.%d" % (index + 1)
        self.env = {"OVS_RUNDIR": self.dir, "OVS_DBDIR": self.dir,
                    "OVS_LOGDIR": self.dir, "OVS_SYSCONFDIR": self.dir,
                    "OVN_RUNDIR": self.dir, "OVN_LOGDIR": self.dir}

    def start(self, external_ids):
        os.mkdir(self.dir)
        conf = os.path.join(self.dir, "conf.db")
        run(["ovsdb-tool", "create", conf, SCHEMA])
        self.processes.start(
            "hostdb:" + self.name,
            ["ovsdb-server", conf, "--remote=punix:" + self.db,
             "-vconsole:off", "--unixctl=%s/db.ctl" % self.dir],
            self.dir + "/db.out", self.env)
        wait_for_socket("the database of " + self.name, self.db)
        # A hypervisor would have a thread a core; here all share two.
        self.transact({
            "op": "insert", "table": "Open_vSwitch", "row": {
                "system_type": "bench", "system_version": "1",
                "external_ids": ovsdb.string_map(
                    dict({"system-id": self.name, "hostname": self.name},
                         **external_ids)),
                "other_config": ovsdb.string_map(
                    {"n-handler-threads": "1",
                     "n-revalidator-threads": "1"})}})
        self.processes.start(
            "vswitchd:" + self.name,
            ["ovs-vswitchd", "unix:" + self.db, "--enable-dummy=override",
             "--disable-system", "-vconsole:off", "-vfile:warn",
             "--log-file=%s/vswitchd.log" % self.dir,
             "--unixctl=%s/vswitchd.ctl" % self.dir],
            self.dir + "/vswitchd.out", self.env)

    def transact(self, *operations):
        return ovsdb.transact_once(self.db, "Open_vSwitch", *operations)

    def plug(self, names):
        """Adds interfaces whose iface-ids are 'names'."""
        operations = []
        for i, name in enumerate(names):
            operations += [
                {"op": "insert", "table": "Interface", "uuid-name": "i%d" % i,
                 "row": {"name": name, "type": "dummy",
                         "external_ids": ovsdb.string_map(
                             {"iface-id": name})}},
                {"op": "insert", "table": "Port", "uuid-name": "p%d" % i,
                 "row": {"name": name,
                         "interfaces": ["named-uuid", "i%d" % i]}}]
        operations += [
            {"op": "mutate", "table": "Bridge",
             "where": [["name", "==", self.bridge]],
             "mutations": [["ports", "insert", ovsdb.uuid_set(
                 "p%d" % i for i in range(len(names)))]]},
            {"op": "mutate", "table": "Open_vSwitch", "where": [],
             "mutations": [["next_cfg", "+=", 1]]}]
        self.transact(*operations)

    def n_flows(self):
        """Flows in the switch's tables, or -1 if there is no bridge."""
        text = run(["ovs-ofctl", "-O", "OpenFlow15", "dump-aggregate",
                    "unix:%s/%s.mgmt" % (self.dir, self.bridge)], check=False)
        found = re.search(r"flow_count=(\d+)", text)
        return int(found.group(1)) if found else -1

    def has_bridge(self):
        return os.path.exists("%s/%s.mgmt" % (self.dir, self.bridge))


def hosts_of(processes, directory, workload, wire=None):
    """All hosts of a workload; with 'wire' (see wire.py) the first of them
    pass packets."""
    hosts = wire.hosts(processes) if wire else []
    return hosts + [Host(processes, directory, i)
                    for i in range(len(hosts), workload.n_hosts)]
