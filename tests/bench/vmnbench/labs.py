# SPDX-License-Identifier: Apache-2.0
"""Labs with real packets, switched by NORMAL, by VMN and by OVN: each with the
same VMs, which are all in the same groups, and the same rules for what comes
in.  Real Open vSwitch with its userspace datapath and tunnels, in namespaces
(deploy/lab); or with the kernel's (VMN_LAB_DATAPATH=system).

Not for hosts by the dozen: see hosts.py and ../compare."""

import base64
import ipaddress
import os
import shutil
import subprocess
import tempfile

from vmnlab import netns
from vmnlab.api import Refused
from vmnlab.lab import Lab

from . import ovsdb
from .process import (Error, Processes, cpu_seconds, run, wait_for,
                      wait_for_socket)

N_GROUPS = 10
SCHEMAS = "/usr/share/ovn/"
# A minute, or on an emulated processor as long as vmnd waits at most.
INSTALLED = {"wait": "installed",
             "timeout": "%ds" % min(300, 60 * netns.PATIENCE)}


class Rule:
    """For packets of one protocol to one port, from members of group 'peer'
    (a number), or from 'cidr' if there is one.  What no rule allows is denied,
    if there are any."""

    def __init__(self, port, peer=0, action="allow", protocol="tcp",
                 log=False, cidr=None):
        self.port = port
        self.peer = peer
        self.action = action
        self.protocol = protocol
        self.log = log
        self.cidr = cidr


def rules_before(port, n):
    """'n' rules, of which the last one lets packets to 'port' in; none if
    there are to be none."""
    return [Rule(10000 + i, i % N_GROUPS) for i in range(n - 1)] + [
        Rule(port, (n - 1) % N_GROUPS)] if n else []


class Switched:
    """A lab with VMs; what lets their packets through is the subclass's.
    'vms' has (name, host, MAC, IP) of each; hosts are named h1, h2, ...  Where
    their addresses are in more than one subnet of 'length', each is a network
    of its own, and a router joins them.  more[NAME] are further addresses of
    VM NAME's own, and allowed[NAME] those that it may send from besides: each
    an address or a prefix."""

    name = None

    def __init__(self, vmnd, vms, prefix, length=24, more=None, allowed=None):
        self.vmnd = vmnd
        self.vms = vms
        self.length = length
        self.more = more or {}
        self.allowed = allowed or {}
        self.subnets = sorted({self.subnet(vm[3]) for vm in vms})
        self.n_hosts = max(int(vm[1][1:]) for vm in vms)
        self.lab = Lab("%s%s%d" % (prefix, self.name[:1].lower(),
                                   os.getpid()))
        self.lab.lock(create=True)
        self.switches = {}      # Pid -> host, as they were started.

    def up(self):
        self.start()
        for name, host, mac, ip in self.vms:
            self.lab.add_vm(name, host, mac,
                            ["%s/%d" % (one, self.length)
                             for one in self.ips(name, ip)],
                            gateway=self.gateway(ip))
        self.bind()
        self.switches = {pid: host for host in self.lab.hosts
                         for pid in host.pids("ovs-vswitchd")}
        a, b = self.lab.vm(self.vms[0][0]), self.vms[1][3]
        wait_for("packets of " + self.name, lambda: netns.run(
            ["ping", "-c", "1", "-W", "%d" % max(1, netns.PATIENCE), b],
            ns=a.ns, check=False).find(" 0% packet loss") > 0, 60)

    def ips(self, name, ip):
        return [ip, *self.more.get(name, ())]

    def subnet(self, ip):
        return ipaddress.ip_network("%s/%d" % (ip, self.length), strict=False)

    def gateway(self, ip):
        """The router's address beside 'ip', or None."""
        return str(self.subnet(ip)[-2]) if len(self.subnets) > 1 else None

    def network(self, ip):
        """The name of the network of 'ip'."""
        return "net%d" % self.subnets.index(self.subnet(ip))

    def start(self):
        """Hosts that are connected to whoever programs them."""
        raise NotImplementedError

    def bind(self):
        """What is there to be told about the VMs; done when it is."""
        raise NotImplementedError

    def set_rules(self, rules):
        """For all VMs, in place of those before; done when installed."""
        raise NotImplementedError

    def add_rule(self, rule):
        """One more, until set_rules() is called next; done when installed."""
        raise NotImplementedError

    def control_cpu(self):
        """Of whoever programs the switches."""
        raise NotImplementedError

    def down(self):
        self.lab.down()
        self.lab.unlock()

    def check(self):
        """Raises if a switch has ended: its figures would be of nothing."""
        for pid, host in self.switches.items():
            if pid not in host.pids("ovs-vswitchd"):
                raise Error("%s: ovs-vswitchd of %s has ended: %s"
                            % (self.name, host.name, last_words(host)))

    def flows(self, host):
        text = self.lab.host(host).ofctl("dump-aggregate", "br-int")
        return int(text.rsplit("flow_count=", 1)[1].split()[0])

    def switch_cpu(self, *hosts):
        """Of the switches of 'hosts', or of all."""
        return sum(cpu_seconds(pid) for pid, host in self.switches.items()
                   if not hosts or host.name in hosts)

    def forget(self):
        """Empties the datapath's cache and conntrack on all hosts."""
        for host in self.lab.hosts:
            host.appctl("dpctl/flush-conntrack")
            host.appctl("revalidator/purge")


def last_words(host):
    """The newest line of its switch's log that tells of trouble."""
    with open(os.path.join(host.dir, "ovs-vswitchd.log")) as log:
        lines = [line for line in log if "|EMER|" in line or "|ERR|" in line]
    return lines[-1].strip() if lines else "its log does not say why"


class Normal(Switched):
    name = "NORMAL"

    def start(self):
        self.lab.up(self.n_hosts)
        for host in self.lab.hosts:
            command = ["add-br", "br-int", "--", "set", "bridge", "br-int",
                       host.datapath_type]
            for other in self.lab.hosts:
                # A star, in which nothing goes round in circles.
                if (host.index == 1) != (other.index == 1):
                    command += ["--", "add-port", "br-int",
                                "x-" + other.name, "--", "set", "interface",
                                "x-" + other.name, "type=vxlan",
                                "options:remote_ip=" + other.tunnel_ip,
                                "options:key=1"]
            host.vsctl(*command)

    def bind(self):
        pass

    def set_rules(self, rules):
        if rules:
            raise Error("NORMAL has no rules")

    def add_rule(self, rule):
        raise Error("NORMAL has no rules")

    def control_cpu(self):
        return 0.0


class Vmn(Switched):
    name = "VMN"
    rules = ()                  # Of the policy as it is.

    def start(self):
        self.lab.up(self.n_hosts, self.vmnd)

    def bind(self):
        routed = len(self.subnets) > 1
        self.apply([("networks", "net%d" % i, {"subnets": [
            {"cidr": str(net),
             **({"gateway": str(net[-2])} if routed else {})}]})
                    for i, net in enumerate(self.subnets)] + ([
            ("routers", "r", {"interfaces": [
                {"network": "net%d" % i}
                for i, _ in enumerate(self.subnets)]})] if routed else []) + [
                    self._port(*vm) for vm in self.vms] + [
                        ("groups", "g%d" % g, {"selector": "g%d" % g})
                        for g in range(N_GROUPS)])
        self.lab.await_ports([vm[0] for vm in self.vms])

    def _port(self, name, _, mac, ip):
        return ("ports", name, {
            "network": self.network(ip), "mac": mac,
            "ips": self.ips(name, ip),
            "allowed_addresses": [{"ip": other}
                                  for other in self.allowed.get(name, ())],
            "labels": {"g%d" % g: "yes" for g in range(N_GROUPS)}})

    def apply(self, objects, **query):
        """Whether it made a difference."""
        return self.lab.vmnd.api.apply(
            [{"type": t, "name": n, "spec": s} for t, n, s in objects],
            **INSTALLED, **query)["changed"]

    def load_app(self, name):
        """One that is not there by itself."""
        with open(os.path.join(os.path.dirname(self.vmnd), "appdir",
                               name + ".so"), "rb") as file:
            code = base64.b64encode(file.read()).decode()

        def loaded():
            """On an emulated processor it may take longer than it may."""
            try:
                self.lab.vmnd.api.call("PUT", "/v1/apps/%s/code" % name, {
                    "file": name + ".so", "code": code}, **INSTALLED)
            except Refused as refused:
                if "of processor time" not in str(refused):
                    raise
                return False
            return True

        wait_for("app " + name, loaded)

    def set_rules(self, rules):
        self._set_policy(list(rules))

    def add_rule(self, rule):
        if not self._set_policy(self.rules + [rule]):
            raise Error("the rule for port %d is there already" % rule.port)

    def _set_policy(self, rules):
        self.rules = rules
        return self.apply([("policies", "p", {"applies_to": ["g0"], "rules": [
            {"direction": "ingress", "action": rule.action,
             "peers": [{"cidr": rule.cidr} if rule.cidr
                       else {"group": "g%d" % rule.peer}],
             "log": bool(rule.log),
             "services": [{"protocol": rule.protocol,
                           "ports": [rule.port]}]}
            for rule in rules]})] if rules else [], prune="policies")

    def control_cpu(self):
        return cpu_seconds(self.lab.vmnd.pid())


class Ovn(Switched):
    name = "OVN"

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.dir = tempfile.mkdtemp(prefix="vmn-bench-")
        self.env = {"OVN_RUNDIR": self.dir, "OVS_RUNDIR": self.dir}
        self.processes = Processes()
        self.controllers = []
        self.nb = None

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self):
        self.lab.up(self.n_hosts)
        for name, schema in (("nb", "ovn-nb"), ("sb", "ovn-sb")):
            run(["ovsdb-tool", "create", self.path(name + ".db"),
                 SCHEMAS + schema + ".ovsschema"])
            self.processes.start(
                name, ["ovsdb-server", self.path(name + ".db"),
                       "--remote=punix:" + self.path(name + ".sock"),
                       "--unixctl=" + self.path(name + ".ctl"),
                       "-vconsole:off"], self.path(name + ".out"), self.env)
            wait_for_socket(name, self.path(name + ".sock"))
            run(["ovn-%sctl" % name, "--db=unix:"
                 + self.path(name + ".sock"), "init"], self.env)
        self.processes.start(
            "northd", ["ovn-northd", "--ovnnb-db=unix:" + self.path("nb.sock"),
                       "--ovnsb-db=unix:" + self.path("sb.sock"),
                       "--unixctl=" + self.path("northd.ctl"),
                       "-vconsole:off"], self.path("northd.out"), self.env)
        for host in self.lab.hosts:
            self._start_host(host)
        self.nb = ovsdb.Connection(self.path("nb.sock"), "OVN_Northbound")
        self.nb.monitor(NB_Global=["nb_cfg", "hv_cfg"])

    def _start_host(self, host):
        host.vsctl(
            "add-br", "br-int", "--", "set", "bridge", "br-int",
            host.datapath_type, "fail_mode=secure",
            "other_config:disable-in-band=true", "--",
            "set", "Open_vSwitch", ".",
            "external_ids:ovn-remote=unix:" + self.path("sb.sock"),
            "external_ids:ovn-encap-type=vxlan",
            "external_ids:ovn-encap-ip=" + host.tunnel_ip,
            "external_ids:ovn-bridge-datapath-type=" + self.lab.datapath)
        self.controllers.append(netns.spawn(
            ["ovn-controller", host.db, "-vconsole:off",
             "--log-file=" + self.controller_log(host)],
            host.ns, dict(os.environ, OVS_RUNDIR=host.dir,
                          OVN_RUNDIR=host.dir)))

    def controller_log(self, host):
        return self.path(host.name + ".log")

    def commit(self, *operations):
        """Commits, and waits until all hosts have it."""
        results = self.nb.transact(
            *operations,
            {"op": "mutate", "table": "NB_Global", "where": [],
             "mutations": [["nb_cfg", "+=", 1]]},
            {"op": "select", "table": "NB_Global", "where": [],
             "columns": ["nb_cfg"]})
        number = results[-1]["rows"][0]["nb_cfg"]
        self.nb.wait_for("the hosts", lambda rows: next(iter(
            rows["NB_Global"].values()))["hv_cfg"] >= number)

    def bind(self):
        rows = [{"op": "insert", "table": "Logical_Switch_Port",
                 "uuid-name": "p" + name,
                 "row": {"name": name, "addresses": " ".join(
                     [mac, *self.ips(name, ip)]), "port_security": " ".join(
                         [mac, *self.ips(name, ip),
                          *self.allowed.get(name, ())])}}
                for name, _, mac, ip in self.vms]
        ports = ovsdb.uuid_set("p" + vm[0] for vm in self.vms)
        self.commit(*rows, *self._networks(), *[
            {"op": "insert", "table": "Port_Group",
             "row": {"name": "g%d" % g, "ports": ports}}
            for g in range(N_GROUPS)], {
                "op": "insert", "table": "Meter", "uuid-name": "m", "row": {
                    "name": "log", "unit": "pktps", "fair": True,
                    "bands": ["set", [["named-uuid", "band"]]]}}, {
                "op": "insert", "table": "Meter_Band", "uuid-name": "band",
                "row": {"action": "drop", "rate": 50, "burst_size": 100}})

    def _networks(self):
        """Logical switches, and the router if there are several."""
        rows, routed = [], len(self.subnets) > 1
        for i, net in enumerate(self.subnets):
            ports = ["p" + vm[0] for vm in self.vms
                     if self.subnet(vm[3]) == net]
            if routed:
                rows += [
                    {"op": "insert", "table": "Logical_Router_Port",
                     "uuid-name": "r%d" % i, "row": {
                         "name": "r%d" % i, "mac": "02:00:00:00:ff:%02x" % i,
                         "networks": "%s/%d" % (net[-2], self.length)}},
                    {"op": "insert", "table": "Logical_Switch_Port",
                     "uuid-name": "s%d" % i, "row": {
                         "name": "s%d" % i, "type": "router",
                         "addresses": "router", "options": [
                             "map", [["router-port", "r%d" % i]]]}}]
                ports.append("s%d" % i)
            rows.append({"op": "insert", "table": "Logical_Switch", "row": {
                "name": "net%d" % i, "ports": ovsdb.uuid_set(ports)}})
        if routed:
            rows.append({"op": "insert", "table": "Logical_Router", "row": {
                "name": "r", "ports": ovsdb.uuid_set(
                    "r%d" % i for i in range(len(self.subnets)))}})
        return rows

    def set_rules(self, rules):
        rows = [self._acl("a%d" % i, rule) for i, rule in enumerate(rules)]
        if rules:
            rows.append({"op": "insert", "table": "ACL", "uuid-name": "last",
                         "row": {"direction": "to-lport", "priority": 1000,
                                 "action": "drop",
                                 "match": "outport == @g0 && ip"}})
        self.commit(*rows, {
            "op": "update", "table": "Port_Group",
            "where": [["name", "==", "g0"]],
            "row": {"acls": ovsdb.uuid_set(r["uuid-name"] for r in rows)}})

    def add_rule(self, rule):
        self.commit(self._acl("a", rule), {
            "op": "mutate", "table": "Port_Group",
            "where": [["name", "==", "g0"]],
            "mutations": [["acls", "insert", ovsdb.uuid_set(["a"])]]})

    def _acl(self, uuid, rule):
        return {"op": "insert", "table": "ACL", "uuid-name": uuid,
                "row": {"direction": "to-lport", "priority": 2000,
                        "action": ("allow-related" if rule.action == "allow"
                                   else "drop"), **self._log(rule),
                        "match": "outport == @g0 && ip4.src == %s && "
                                 "%s.dst == %d" % (
                                     rule.cidr or "$g%d_ip4" % rule.peer,
                                     rule.protocol, rule.port)}}

    @staticmethod
    def _log(rule):
        """'log' may be "metered": by a meter for each rule, with the rate of
        VMN's."""
        if not rule.log:
            return {}
        return {"log": True, "severity": "info", "name": str(rule.port),
                **({"meter": "log"} if rule.log == "metered" else {})}

    def control_cpu(self):
        return (self.processes.cpu("northd", "nb", "sb")
                + sum(cpu_seconds(child.pid) for child in self.controllers))

    def down(self):
        if self.nb:
            self.nb.close()
        self.processes.stop_all()
        super().down()
        for child in self.controllers:
            try:
                child.wait(5)   # It was in one of the lab's namespaces.
            except subprocess.TimeoutExpired:
                pass
        shutil.rmtree(self.dir)
