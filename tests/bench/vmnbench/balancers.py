# SPDX-License-Identifier: Apache-2.0
"""Labs (labs.py) whose VMs are reached by virtual IPs as well: the same
balancers by VMN and by OVN, with or without probes of their backends."""

from vmnlab import netns

from . import ovsdb
from .labs import Ovn, Vmn
from .process import Error
from .streams import PORT

ROUTER_IP, ROUTER_MAC = "10.0.0.254", "02:00:00:00:ff:00"
PROBER_IP = "10.0.0.253"        # OVN's; VMN needs none.


class Health:
    """How backends are probed, by TCP."""

    def __init__(self, interval_ms, timeout_ms, failures, successes):
        self.interval_ms = interval_ms
        self.timeout_ms = timeout_ms
        self.failures = failures        # In a row, until one is out.
        self.successes = successes      # In a row, until it is back.

    @property
    def allowed(self):
        """Seconds that it takes at most to find out, with a probe each
        interval."""
        return (self.interval_ms * self.failures + self.timeout_ms) / 1000.0

    def of_vmn(self):
        return {"type": "tcp", "interval_ms": self.interval_ms,
                "timeout_ms": self.timeout_ms,
                "unhealthy_after": self.failures,
                "healthy_after": self.successes}

    def of_ovn(self):
        if self.interval_ms % 1000 or self.timeout_ms % 1000:
            raise Error("OVN has whole seconds")
        return {"interval": str(self.interval_ms // 1000),
                "timeout": str(self.timeout_ms // 1000),
                "failure_count": str(self.failures),
                "success_count": str(self.successes)}


class Balancer:
    """'port' of 'vip' is that of VMs 'backends', by their names; without a
    name it is named as the first of them."""

    def __init__(self, vip, backends, health=None, name=None, port=PORT):
        self.vip = vip
        self.backends = backends
        self.health = health
        self.name = name or backends[0]
        self.port = port


class VmnBalanced(Vmn):
    def __init__(self, vmnd, vms, prefix, balancers, **more):
        super().__init__(vmnd, vms, prefix, **more)
        self.balancers = balancers

    def bind(self):
        super().bind()
        self.apply([("loadbalancers", b.name, {
            "vip": b.vip, "networks": ["net0"], "ports": [{"port": b.port}],
            "backends": [{"port": name} for name in b.backends],
            **({"health": b.health.of_vmn()} if b.health else {})})
                    for b in self.balancers])


class OvnBalanced(Ovn):
    """A logical switch answers no ARP for a virtual IP, and leaves the MAC as
    it is: that takes a router, whose MAC clients then know: VMs 'clients', or
    the first VM."""

    def __init__(self, vmnd, vms, prefix, balancers, clients=(), **more):
        super().__init__(vmnd, vms, prefix, **more)
        self.balancers = balancers
        self.clients = clients or [vms[0][0]]

    def gateway(self, ip):
        return ROUTER_IP

    def bind(self):
        super().bind()
        self.commit(*(row for b in self.balancers for row in self._rows(b)), {
            "op": "insert", "table": "Logical_Router_Port",
            "uuid-name": "r0", "row": {
                "name": "r0", "mac": ROUTER_MAC,
                "networks": "%s/%d" % (ROUTER_IP, self.length)}}, {
            "op": "insert", "table": "Logical_Router", "row": {
                "name": "r", "ports": ovsdb.uuid_set(["r0"])}}, {
            "op": "insert", "table": "Logical_Switch_Port",
            "uuid-name": "s0", "row": {
                "name": "s0", "type": "router", "addresses": "router",
                "options": ["map", [["router-port", "r0"]]]}}, {
            "op": "mutate", "table": "Logical_Switch",
            "where": [["name", "==", "net0"]], "mutations": [
                ["ports", "insert", ovsdb.uuid_set(["s0"])],
                ["load_balancer", "insert", ovsdb.uuid_set(
                    b.name for b in self.balancers)]]})
        for client in self.clients:
            netns.ip(self.lab.vm(client).ns, *(
                "neigh replace %s lladdr %s dev eth0 nud permanent"
                % (b.vip, ROUTER_MAC) for b in self.balancers))

    def _rows(self, balancer):
        address = {vm[0]: vm[3] for vm in self.vms}
        row = {"name": balancer.name, "protocol": "tcp",
               "vips": ovsdb.string_map({self._vip(balancer): ",".join(
                   "%s:%d" % (address[name], balancer.port)
                   for name in balancer.backends)})}
        rows = [{"op": "insert", "table": "Load_Balancer",
                 "uuid-name": balancer.name, "row": row}]
        if balancer.health:
            row["ip_port_mappings"] = ovsdb.string_map({
                address[name]: "%s:%s" % (name, PROBER_IP)
                for name in balancer.backends})
            row["health_check"] = ovsdb.uuid_set(["hc_" + balancer.name])
            rows.append(self._health_check(balancer))
        return rows

    @staticmethod
    def _vip(balancer):
        return "%s:%d" % (balancer.vip, balancer.port)

    def _health_check(self, balancer):
        return {"op": "insert", "table": "Load_Balancer_Health_Check",
                "uuid-name": "hc_" + balancer.name, "row": {
                    "vip": self._vip(balancer), "options": ovsdb.string_map(
                        balancer.health.of_ovn())}}

    def probe_anew(self, balancer):
        """Its backends are probed as if they never were before."""
        for rows, checks in (([], []), ([self._health_check(balancer)],
                                        ["hc_" + balancer.name])):
            self.commit(*rows, {
                "op": "update", "table": "Load_Balancer",
                "where": [["name", "==", balancer.name]],
                "row": {"health_check": ovsdb.uuid_set(checks)}})
