# SPDX-License-Identifier: Apache-2.0
"""VMN: the workload through vmnd's API."""

import http.client
import json
import os
import shlex
import socket
import time
import urllib.parse

from .hosts import hosts_of
from .process import Error, Processes, wait_for
from .result import Meter, Result
from .workload import N_GROUPS


def free_port():
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Api(http.client.HTTPConnection):
    """One connection that is kept, on a unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=360)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)

    def call(self, method, target, body=None, **query):
        if query:
            target += "?" + urllib.parse.urlencode(query)
        data = None if body is None else json.dumps(body)
        headers = {} if body is None else {
            "Content-Type": ("application/merge-patch+json"
                             if method == "PATCH" else "application/json")}
        self.request(method, target, data, headers)
        reply = self.getresponse()
        text = reply.read()
        if reply.status not in (200, 201):
            raise Error("%s %s: %d %s" % (method, target, reply.status,
                                          text.decode()[:1000]))
        return json.loads(text)

    def answers(self):
        try:
            self.request("GET", "/readyz")
            reply = self.getresponse()
            reply.read()
            return reply.status == 200
        except (OSError, http.client.HTTPException):
            self.close()
            return False

    def write(self, method, target, spec=None):
        """Until it is installed on every host concerned."""
        return self.call(method, "/v1/" + target,
                         None if spec is None else {"spec": spec},
                         wait="installed", timeout="60s")

    def items(self, kind):
        found, after = [], {}
        while True:
            page = self.call("GET", "/v1/" + kind, limit=1000, **after)
            found += page["items"]
            if "next" not in page:
                return found
            after = {"after": page["next"]}


class Vmn:
    def __init__(self, directory, workload, args, wire=None):
        self.dir = directory
        self.workload = workload
        self.args = args
        self.processes = Processes(wire and wire.ns)
        self.address = wire.control_ip if wire else "127.0.0.1"
        self.hosts = hosts_of(self.processes, directory, workload, wire)
        self.api = Api(self.path("vmnd.sock"))

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self):
        build = self.args.build
        # Switches take a unix socket for a controller only in a place of
        # their own, so OpenFlow is over TCP.
        openflow = "tcp:%s:%d" % (self.address, free_port())
        command = shlex.split(self.args.vmnd_wrapper) + [
            os.path.join(build, "vmnd"),
            "--state=" + self.path("vmn.db"),
            "--unixctl=" + self.path("vmnd.ctl"),
            "--socket=" + self.path("vmnd.sock"),
            "--openflow-listen=" + openflow]
        command += ["--app=%s/apps/%s/.libs/%s.so" % (build, app, app)
                    for app in ("overlay", "firewall", "loadbalancer",
                                "router")]
        self.processes.start("vmnd", command, self.path("vmnd.out"))
        for host in self.hosts:
            host.start({})
        wait_for("vmnd", self._is_up)
        self.api.call("POST", "/v1/apply", {"objects": [
            {"type": "hosts", "name": host.name,
             "spec": dict({"ovsdb": "unix:" + host.db,
                           "tunnel_ip": host.tunnel_ip},
                          **({} if host.datapath == "dummy"
                             else {"datapath": host.datapath}))}
            for host in self.hosts]})
        wait_for("all hosts to be synced", lambda: all(
            host["status"].get("state") == "synced"
            for host in self.api.items("hosts")))

    def _is_up(self):
        self.processes.check()
        return self.api.answers()

    def stop(self):
        self.api.close()
        self.processes.stop_all()

    # What to ask for.

    def policy(self, group, extra=()):
        def rule(direction, peer, port):
            return {"direction": direction, "action": "allow",
                    "peers": [{"group": "g%d" % peer}],
                    "services": [{"protocol": "tcp", "ports": [port]}]}

        rules = [rule(*one) for one in self.workload.rules(group)]
        rules += [rule("ingress", peer, port) for peer, port in extra]
        rules.append({"direction": "ingress", "action": "deny"})
        return {"applies_to": ["g%d" % group], "directions": ["ingress"],
                "rules": rules}

    def loadbalancer(self, vip, n):
        return {"vip": self.workload.vip_ip(vip), "protocol": "tcp",
                "networks": ["n%d" % self.workload.vip_network(vip)],
                "ports": [{"port": 80, "target": 8080}],
                "backends": [{"port": port.name}
                             for port in self.workload.backends(vip, n)]}

    @staticmethod
    def port(port):
        spec = {"network": "n%d" % port.network, "mac": port.mac,
                "ips": [port.ip]}
        if port.group is not None:
            spec["labels"] = {"group": "g%d" % port.group}
        return spec

    def everything(self):
        workload = self.workload
        networks = range(workload.n_networks)
        objects = [("networks", "n%d" % n, {"subnets": [
            {"cidr": "10.%d.0.0/16" % n, "gateway": workload.gateway(n)}]})
                   for n in networks]
        if workload.routed:
            objects.append(("routers", "r", {"interfaces": [
                {"network": "n%d" % n} for n in networks]}))
        objects += [("ports", port.name, self.port(port))
                    for port in workload.ports]
        for group in range(N_GROUPS):
            objects += [("groups", "g%d" % group,
                         {"selector": "group=g%d" % group}),
                        ("policies", "g%d" % group, self.policy(group))]
        objects += [("loadbalancers", "lb%d" % vip,
                     self.loadbalancer(vip, workload.n_backends))
                    for vip in range(workload.n_vips)]
        return [{"type": kind, "name": name, "spec": spec}
                for kind, name, spec in objects]

    # Waiting.

    def wait_settled(self):
        """Until every host has the newest revision of the log."""
        newest = self.api.call("GET", "/v1/revisions", limit=1)["items"][-1]
        number = newest["revision"]
        wait_for("revision %d" % number, lambda: self.api.call(
            "GET", "/v1/revisions/%d" % number)["receipt"]["installed"],
            60, 0.0005)

    def wait_up(self, name):
        wait_for(name, lambda: self.api.call(
            "GET", "/v1/ports/" + name)["status"].get("state") == "up",
            60, 0.0005)

    def wait_all_up(self):
        wait_for("all ports", lambda: all(
            port["status"].get("state") == "up"
            for port in self.api.items("ports")), 300)

    # Measured operations; each returns its seconds.

    def port_add(self, r):
        port = self.workload.new_port(r)
        start = time.monotonic()
        self.hosts[port.host].plug([port.name])
        self.api.write("PUT", "ports/" + port.name, self.port(port))
        self.wait_up(port.name)
        self.wait_settled()
        return time.monotonic() - start

    def _timed(self, method, target, spec=None):
        start = time.monotonic()
        reply = self.api.write(method, target, spec)
        took = time.monotonic() - start
        if reply["outcome"] == "unchanged":
            raise Error("%s %s changed nothing: there is nothing to time"
                        % (method, target))
        return took

    def rule_add(self, r):
        group = r % N_GROUPS
        extra = [self.workload.new_rule(i)[1:]
                 for i in range(group, r + 1, N_GROUPS)]
        return self._timed("PUT", "policies/g%d" % group,
                           self.policy(group, extra))

    def _member(self, r, value):
        return self._timed("PATCH", "ports/" + self.workload.new_port(r).name,
                           {"labels": {"group": value}})

    def member_add(self, r):
        return self._member(r, "g%d" % (r % N_GROUPS))

    def member_remove(self, r):
        return self._member(r, None)

    def _backends(self, vip, n):
        return self._timed("PUT", "loadbalancers/lb%d" % vip,
                           self.loadbalancer(vip, n))

    def backend_add(self, r):
        return self._backends(*self.workload.added(r))

    def backend_remove(self, r):
        return self._backends(*self.workload.removed(
            r, self.args.repetitions))

    def _quarantine(self, port, on):
        return self._timed("PATCH", "ports/" + port.name, {"quarantined": on})

    def quarantine(self, r):
        return self._quarantine(self.workload.quarantined(r), True)

    def release(self, r):
        return self._quarantine(self.workload.quarantined(r), False)

    def port_delete(self, r):
        return self._timed("DELETE",
                           "ports/" + self.workload.new_port(r).name)

    # The connection whose last packet is looked for.

    def allow_stream(self, a, b, number):
        groups = sorted({"g%d" % port.group for port in (a, b)})
        self.api.write("PUT", "policies/stream", {
            "applies_to": groups, "directions": ["ingress"],
            "rules": [{"direction": "ingress", "action": "allow",
                       "peers": [{"group": group} for group in groups],
                       "services": [{"protocol": "udp",
                                     "ports": [number]}]}]})

    def cut(self, port):
        self._quarantine(port, True)

    def uncut(self, port):
        self._quarantine(port, False)


def measure(directory, workload, operations, repetitions, say, wire, args):
    result = Result("VMN")
    side = Vmn(directory, workload, args, wire)
    try:
        say("VMN: starting %d hosts" % workload.n_hosts)
        side.start()
        for host in side.hosts:
            host.plug([port.name for port in workload.ports
                       if port.host == host.index])
        time.sleep(1)
        say("VMN: cold start")
        meter = Meter(side.processes, ("vmnd",))
        start = time.monotonic()
        side.api.call("POST", "/v1/apply", {"objects": side.everything()},
                      wait="installed", timeout="300s")
        side.wait_all_up()
        side.wait_settled()
        result.cold = (time.monotonic() - start,) + meter.read()
        time.sleep(2)
        result.flows = [host.n_flows() for host in side.hosts]
        result.memory = {"vmnd": sum(side.processes.memory("vmnd")),
                         "each ovs-vswitchd":
                         max(side.processes.memory("vswitchd"))}
        for name in operations:
            say("VMN: %s" % name)
            meter = Meter(side.processes, ("vmnd",))
            times = [getattr(side, name)(r) for r in range(repetitions)]
            time.sleep(0.2)
            result.operations[name] = (times,) + meter.read()
            result.flows_after[name] = [host.n_flows() for host in side.hosts]
            side.processes.check()
        if wire:
            say("VMN: quarantine to the last packet")
            result.last_packet = wire.last_packets(side, repetitions)
    finally:
        side.stop()
    return result
