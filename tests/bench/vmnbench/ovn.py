# SPDX-License-Identifier: Apache-2.0
"""OVN of the distribution: the same workload, by transactions on its
northbound database."""

import os
import time

from . import ovsdb
from .hosts import hosts_of
from .process import Processes, run, wait_for, wait_for_socket
from .result import Meter, Result
from .workload import N_GROUPS

CONTROL = ("northd", "northbound", "southbound", "controller")
SCHEMAS = "/usr/share/ovn/"


class Ovn:
    def __init__(self, directory, workload, wire=None):
        self.dir = directory
        self.workload = workload
        self.processes = Processes(wire and wire.ns)
        self.hosts = hosts_of(self.processes, directory, workload, wire)
        self.env = {"OVN_RUNDIR": directory, "OVS_RUNDIR": directory}
        self.nb = None

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self):
        for name, schema in (("northbound", "ovn-nb"),
                             ("southbound", "ovn-sb")):
            run(["ovsdb-tool", "create", self.path(name + ".db"),
                 SCHEMAS + schema + ".ovsschema"])
            self.processes.start(
                name, ["ovsdb-server", self.path(name + ".db"),
                       "--remote=punix:" + self.path(name + ".sock"),
                       "--unixctl=" + self.path(name + ".ctl"),
                       "-vconsole:off"], self.path(name + ".out"), self.env)
            wait_for_socket(name, self.path(name + ".sock"))
            run(["ovn-%sctl" % schema[-2:], "--db=unix:"
                 + self.path(name + ".sock"), "init"], self.env)
        self.processes.start(
            "northd", ["ovn-northd",
                       "--ovnnb-db=unix:" + self.path("northbound.sock"),
                       "--ovnsb-db=unix:" + self.path("southbound.sock"),
                       "--unixctl=" + self.path("northd.ctl"),
                       "-vconsole:off"], self.path("northd.out"), self.env)
        for host in self.hosts:
            self._start_host(host)
        sb = ovsdb.Connection(self.path("southbound.sock"), "OVN_Southbound")
        sb.monitor(Chassis=["name"])
        sb.wait_for("all chassis", lambda rows:
                    len(rows.get("Chassis", {})) == len(self.hosts), 60)
        sb.close()
        self.nb = ovsdb.Connection(self.path("northbound.sock"),
                                   "OVN_Northbound")
        self.nb.monitor(NB_Global=["nb_cfg", "hv_cfg"],
                        Logical_Switch_Port=["name", "up"])

    def _start_host(self, host):
        host.start({"ovn-remote": "unix:" + self.path("southbound.sock"),
                    "ovn-encap-type": "geneve",
                    "ovn-encap-ip": host.tunnel_ip,
                    "ovn-monitor-all": "false",
                    "ovn-ofctrl-wait-before-clear": "0"})
        host.transact(
            {"op": "insert", "table": "Interface", "uuid-name": "i",
             "row": {"name": "br-int", "type": "internal"}},
            {"op": "insert", "table": "Port", "uuid-name": "p",
             "row": {"name": "br-int", "interfaces": ["named-uuid", "i"]}},
            {"op": "insert", "table": "Bridge", "uuid-name": "b",
             "row": {"name": "br-int", "datapath_type": host.datapath,
                     "fail_mode": "secure", "ports": ["named-uuid", "p"],
                     "other_config": ovsdb.string_map(
                         {"disable-in-band": "true"})}},
            {"op": "mutate", "table": "Open_vSwitch", "where": [],
             "mutations": [["bridges", "insert", ["named-uuid", "b"]],
                           ["next_cfg", "+=", 1]]})
        wait_for("the bridge of " + host.name, host.has_bridge)
        self.processes.start(
            "controller:" + host.name,
            ["ovn-controller", "unix:" + host.db, "-vconsole:off"],
            host.dir + "/ovn.out", host.env)

    def stop(self):
        if self.nb:
            self.nb.close()
        self.processes.stop_all()

    # Changes.

    def commit(self, *operations):
        """Commits, and waits until all hosts have it."""
        results = self.nb.transact(
            *operations,
            {"op": "mutate", "table": "NB_Global", "where": [],
             "mutations": [["nb_cfg", "+=", 1]]},
            {"op": "select", "table": "NB_Global", "where": [],
             "columns": ["nb_cfg"]})
        number = results[-1]["rows"][0]["nb_cfg"]
        self.nb.wait_for(
            "the hosts", lambda rows:
            next(iter(rows["NB_Global"].values()))["hv_cfg"] >= number)

    def wait_up(self, names):
        names = set(names)
        self.nb.wait_for("ports to be up", lambda rows: names <= {
            row["name"] for row in rows["Logical_Switch_Port"].values()
            if row["up"] is True})

    @staticmethod
    def port_row(port, uuid):
        addresses = "%s %s" % (port.mac, port.ip)
        return {"op": "insert", "table": "Logical_Switch_Port",
                "uuid-name": uuid,
                "row": {"name": port.name, "addresses": addresses,
                        "port_security": addresses}}

    @staticmethod
    def acl_row(group, rule, uuid, protocol="tcp"):
        """'rule' is (direction, peer, port), or None for the last."""
        row = {"direction": "to-lport", "priority": 1000, "action": "drop",
               "match": "outport == @pg%d && ip" % group}
        if rule:
            direction, peer, port = rule
            here, there = (("outport", "src") if direction == "ingress"
                           else ("inport", "dst"))
            row = {"direction": ("to-lport" if direction == "ingress"
                                 else "from-lport"),
                   "priority": 2000, "action": "allow-related",
                   "match": "%s == @pg%d && ip4 && %s && ip4.%s == "
                            "$pg%d_ip4 && %s.dst == %d"
                            % (here, group, protocol, there, peer, protocol,
                               port)}
        return {"op": "insert", "table": "ACL", "uuid-name": uuid, "row": row}

    def lb_vips(self, vip, n):
        backends = ",".join("%s:8080" % port.ip
                            for port in self.workload.backends(vip, n))
        return ovsdb.string_map({self.workload.vip_ip(vip) + ":80": backends})

    def everything(self):
        """The operations that make the whole workload."""
        workload = self.workload
        operations = [self.port_row(port, port.name)
                      for port in workload.ports]
        for vip in range(self.workload.n_vips):
            operations.append(
                {"op": "insert", "table": "Load_Balancer",
                 "uuid-name": "lb%d" % vip,
                 "row": {"name": "lb%d" % vip, "protocol": "tcp",
                         "vips": self.lb_vips(
                             vip, self.workload.n_backends)}})
        operations += self.router()
        for network in range(workload.n_networks):
            operations.append(
                {"op": "insert", "table": "Logical_Switch",
                 "row": {"name": "ls%d" % network,
                         "ports": ovsdb.uuid_set([
                             port.name
                             for port in workload.of_network(network)] + (
                                 ["lsr%d" % network] if workload.routed
                                 else [])),
                         "load_balancer": ovsdb.uuid_set(
                             "lb%d" % vip
                             for vip in range(self.workload.n_vips)
                             if workload.vip_network(vip) == network)}})
        for group in range(N_GROUPS):
            rules = workload.rules(group) + [None]
            uuids = ["acl%d_%d" % (group, r) for r in range(len(rules))]
            operations += [self.acl_row(group, rule, uuid)
                           for rule, uuid in zip(rules, uuids)]
            operations.append(
                {"op": "insert", "table": "Port_Group",
                 "row": {"name": "pg%d" % group,
                         "acls": ovsdb.uuid_set(uuids),
                         "ports": ovsdb.uuid_set(
                             port.name
                             for port in workload.of_group(group))}})
        return operations + self.quarantine_group()

    def router(self):
        """It and its ports, of both sides, if there is one."""
        networks = range(self.workload.n_networks)
        if not self.workload.routed:
            return []
        return [{"op": "insert", "table": "Logical_Router_Port",
                 "uuid-name": "lrp%d" % n, "row": {
                     "name": "lrp%d" % n, "mac": "02:00:00:ff:00:%02x" % n,
                     "networks": self.workload.gateway(n) + "/16"}}
                for n in networks] + [
            {"op": "insert", "table": "Logical_Switch_Port",
             "uuid-name": "lsr%d" % n, "row": {
                 "name": "lsr%d" % n, "type": "router",
                 "addresses": "router", "options": ovsdb.string_map(
                     {"router-port": "lrp%d" % n})}} for n in networks] + [
            {"op": "insert", "table": "Logical_Router", "row": {
                "name": "lr", "ports": ovsdb.uuid_set(
                    "lrp%d" % n for n in networks)}}]

    @staticmethod
    def quarantine_group():
        """OVN has no quarantine; the nearest is a group of ports whose ACLs
        drop everything and come before all others."""
        return [{"op": "insert", "table": "ACL", "uuid-name": uuid,
                 "row": {"direction": direction, "priority": 32767,
                         "action": "drop", "match": match}}
                for uuid, direction, match in (
                    ("cut0", "from-lport", "inport == @quarantine"),
                    ("cut1", "to-lport", "outport == @quarantine"))] + [
            {"op": "insert", "table": "Port_Group", "row": {
                "name": "quarantine",
                "acls": ovsdb.uuid_set(["cut0", "cut1"])}}]

    def port_uuid(self, name):
        with self.nb.changed:
            for uuid, row in self.nb.rows["Logical_Switch_Port"].items():
                if row["name"] == name:
                    return ["uuid", uuid]
        raise KeyError(name)

    def mutate(self, table, name, column, mutator, value):
        return {"op": "mutate", "table": table, "where": [["name", "==",
                                                           name]],
                "mutations": [[column, mutator, value]]}

    # Measured operations; each returns its seconds.

    def port_add(self, r):
        port = self.workload.new_port(r)
        start = time.monotonic()
        self.hosts[port.host].plug([port.name])
        self.commit(self.port_row(port, "p"), self.mutate(
            "Logical_Switch", "ls%d" % port.network, "ports", "insert",
            ovsdb.uuid_set(["p"])))
        self.wait_up([port.name])
        self.commit()
        return time.monotonic() - start

    def _timed(self, *operations):
        start = time.monotonic()
        self.commit(*operations)
        return time.monotonic() - start

    def rule_add(self, r):
        group, peer, number = self.workload.new_rule(r)
        return self._timed(
            self.acl_row(group, ("ingress", peer, number), "a"),
            self.mutate("Port_Group", "pg%d" % group, "acls", "insert",
                        ovsdb.uuid_set(["a"])))

    def _member(self, r, mutator):
        uuid = self.port_uuid(self.workload.new_port(r).name)
        return self._timed(self.mutate(
            "Port_Group", "pg%d" % (r % N_GROUPS), "ports", mutator,
            ["set", [uuid]]))

    def member_add(self, r):
        return self._member(r, "insert")

    def member_remove(self, r):
        return self._member(r, "delete")

    def _backends(self, vip, n):
        return self._timed(
            {"op": "update", "table": "Load_Balancer",
             "where": [["name", "==", "lb%d" % vip]],
             "row": {"vips": self.lb_vips(vip, n)}})

    def backend_add(self, r):
        return self._backends(*self.workload.added(r))

    def backend_remove(self, r):
        return self._backends(*self.workload.removed(r, self.repetitions))

    def _quarantine(self, port, mutator):
        return self._timed(self.mutate(
            "Port_Group", "quarantine", "ports", mutator,
            ["set", [self.port_uuid(port.name)]]))

    def quarantine(self, r):
        return self._quarantine(self.workload.quarantined(r), "insert")

    def release(self, r):
        return self._quarantine(self.workload.quarantined(r), "delete")

    def port_delete(self, r):
        port = self.workload.new_port(r)
        return self._timed(self.mutate(
            "Logical_Switch", "ls%d" % port.network, "ports", "delete",
            ["set", [self.port_uuid(port.name)]]))

    # The connection whose last packet is looked for.

    def allow_stream(self, a, b, number):
        self.commit(*(one for i, (here, there) in enumerate(((a, b), (b, a)))
                      for one in (
            self.acl_row(here.group, ("ingress", there.group, number),
                         "a%d" % i, "udp"),
            self.mutate("Port_Group", "pg%d" % here.group, "acls", "insert",
                        ovsdb.uuid_set(["a%d" % i])))))

    def cut(self, port):
        self._quarantine(port, "insert")

    def uncut(self, port):
        self._quarantine(port, "delete")


def measure(directory, workload, operations, repetitions, say, wire):
    version = run(["ovn-northd", "--version"]).split()[1]
    result = Result("OVN " + version)
    ovn = Ovn(directory, workload, wire)
    ovn.repetitions = repetitions
    try:
        say("%s: starting %d hosts" % (result.name, workload.n_hosts))
        ovn.start()
        for host in ovn.hosts:
            host.plug([port.name for port in workload.ports
                       if port.host == host.index])
        ovn.commit()
        time.sleep(1)
        say("%s: cold start" % result.name)
        meter = Meter(ovn.processes, CONTROL)
        start = time.monotonic()
        ovn.commit(*ovn.everything())
        ovn.wait_up(port.name for port in workload.ports)
        ovn.commit()
        result.cold = (time.monotonic() - start,) + meter.read()
        time.sleep(2)
        result.flows = [host.n_flows() for host in ovn.hosts]
        memory = ovn.processes.memory
        result.memory = {
            "northd and databases": sum(memory("northd", "northbound",
                                               "southbound")),
            "each ovn-controller": max(memory("controller")),
            "each ovs-vswitchd": max(memory("vswitchd"))}
        for name in operations:
            say("%s: %s" % (result.name, name))
            meter = Meter(ovn.processes, CONTROL)
            times = [getattr(ovn, name)(r) for r in range(repetitions)]
            time.sleep(0.2)
            result.operations[name] = (times,) + meter.read()
            result.flows_after[name] = [host.n_flows() for host in ovn.hosts]
            ovn.processes.check()
        if wire:
            say("%s: quarantine to the last packet" % result.name)
            result.last_packet = wire.last_packets(ovn, repetitions)
    finally:
        ovn.stop()
    return result
