# SPDX-License-Identifier: Apache-2.0
"""Many ports on an emulated swarm of hosts, for what is to stay usable with
them: also what tests/system/test_page.py looks at."""

import base64
import ipaddress
import os

from .process import wait_for

N_GROUPS = 5
APPLY_MAX = 20000               # Objects in a request, as vmnd takes them.
N_ROUTED = 4                    # Networks of a router.
N_BALANCED = 8                  # Networks for each balancer.
N_GATEWAYS = 8                  # Hosts that are gateways, for all routers.
N_PEERS = 4                     # That send to each port.
KEPT_MAX = 2048                 # Pairs of five minutes.
SUBNET_SIZE = 1024
FIRST_SUBNET = ipaddress.ip_address("10.0.0.0")
FIRST_OUTSIDE = ipaddress.ip_address("198.18.0.0")


class Crowd:
    """'n_ports' on each host of 'swarm', in 'spread' networks of each.  Port x
    is "pX" on host x div n_ports; there are as many networks as hosts, or
    'times' as many.  Routers join some networks each, and lead outside by
    gateways that have no bridge to there; some networks have a balancer."""

    def __init__(self, swarm, n_ports, spread=2, times=1):
        self.swarm = swarm
        self.n_ports = n_ports
        self.spread = spread
        self.times = times
        self.n_networks = times * swarm.n_hosts
        self.n = n_ports * swarm.n_hosts
        self.members = {}       # Ports of each network.
        for x in range(self.n):
            self.members.setdefault(self.network(x), []).append(x)

    def network(self, x):
        host = x // self.n_ports
        return (self.times * host + x % self.spread) % self.n_networks

    def port(self, x):
        return {"network": "n%d" % self.network(x),
                "labels": {"group": "g%d" % (x % N_GROUPS)}}

    @staticmethod
    def address(network, i):
        return str(FIRST_SUBNET + network * SUBNET_SIZE + i)

    @staticmethod
    def policy(group):
        return {"applies_to": ["g%d" % group], "directions": ["ingress"],
                "rules": [{"direction": "ingress", "action": "allow",
                           "peers": [{"group": "g%d" % ((group + 1)
                                                        % N_GROUPS)}],
                           "services": [{"protocol": "tcp",
                                         "ports": [8000 + group]}]}]}

    def _networks(self):
        return [("networks", "outside", {
            "provider": {"physical": "street"},
            "subnets": [{"cidr": "%s/15" % FIRST_OUTSIDE,
                         "gateway": str(FIRST_OUTSIDE + 1)}]})] + [
            ("networks", "n%d" % n, {"subnets": [
                {"cidr": self.address(n, 0) + "/22",
                 "gateway": self.address(n, 1)}]})
            for n in range(self.n_networks)]

    def _routers(self):
        gateways = min(N_GATEWAYS, self.swarm.n_hosts)
        return [("routers", "r%d" % r, {
            "interfaces": [{"network": "n%d" % n} for n in range(
                r * N_ROUTED, min((r + 1) * N_ROUTED, self.n_networks))],
            "external": {
                "network": "outside",
                "addresses": [str(FIRST_OUTSIDE + 256 + r)],
                "gateways": [{"host": "hv%d" % ((r + i) % gateways),
                              "priority": i} for i in range(2)]}})
            for r in range(-(-self.n_networks // N_ROUTED))]

    def _addresses(self):
        """Balancers, and a floating address for each, and for a port of each
        router that has no balancer."""
        found = []
        for n in range(0, self.n_networks, N_ROUTED):
            if n not in self.members:
                continue
            to = {"port": "p%d" % self.members[n][0]}
            if n % N_BALANCED == 0:
                to = {"load_balancer": "lb%d" % n}
                found.append(("loadbalancers", "lb%d" % n, {
                    "vip": self.address(n, 1000), "networks": ["n%d" % n],
                    "protocol": "tcp", "ports": [{"port": 80}],
                    "backends": [{"port": "p%d" % x}
                                 for x in self.members[n][:3]]}))
            found.append(("floating-ips", "f%d" % n, {
                "router": "r%d" % (n // N_ROUTED),
                "ip": str(FIRST_OUTSIDE + 65536 + n), **to}))
        return found

    def objects(self):
        found = self._networks()
        for group in range(N_GROUPS):
            found += [("groups", "g%d" % group,
                       {"selector": "group=g%d" % group}),
                      ("policies", "g%d" % group, self.policy(group))]
        found += [("ports", "p%d" % x, self.port(x)) for x in range(self.n)]
        found += self._routers() + self._addresses()
        return [{"type": kind, "name": name, "spec": spec}
                for kind, name, spec in found]

    def come(self, seconds=600):
        """Makes all of it, and waits until all ports are up."""
        objects = self.objects()
        for i in range(0, len(objects), APPLY_MAX):
            self.swarm.api.call("POST", "/v1/apply",
                                {"objects": objects[i:i + APPLY_MAX]})
        self.swarm.plug({host: ["p%d" % x for x in range(
            host * self.n_ports, (host + 1) * self.n_ports)]
            for host in range(self.swarm.n_hosts)})
        wait_for("all ports to be up", lambda: self.swarm.api.call(
            "GET", "/v1/summary")["ports"]["up"] == self.n, seconds, 0.1)

    def talk(self, seconds=600):
        """Loads app traffic, has it count everything, has some ports of each
        network send to each other one of it, and waits until that is counted
        on all hosts."""
        api = self.swarm.api
        with open(os.path.join(self.swarm.app_dir, "traffic.so"),
                  "rb") as file:
            code = base64.b64encode(file.read()).decode()
        api.call("PUT", "/v1/apps/traffic/code", {
            "file": "traffic.so", "code": code}, wait="installed",
            timeout="300s")
        api.call("PUT", "/v1/traffic-counts/all",
                 {"spec": {"all_networks": True}})
        self.swarm.wait_settled(seconds)
        vnis = {one["name"]: one["status"].get("vni")
                for one in api.items("networks")}
        ports = {one["name"]: one for one in api.items("ports")}
        n_pairs = 0
        for members in self.members.values():
            for i, x in enumerate(members):
                to = ports["p%d" % x]
                peers = {members[(i + k) % len(members)]
                         for k in range(1, N_PEERS + 1)} - {x}
                n_pairs += len(peers)
                if peers:
                    self.swarm.control(
                        "talk", to["status"]["host"],
                        vnis[to["spec"]["network"]], to["status"]["ofport"],
                        *(ports["p%d" % peer]["status"]["ips"][0]
                          for peer in sorted(peers)))
        wait_for("traffic to be counted", lambda: self._counts(n_pairs),
                 seconds, 0.5)

    def _counts(self, n_pairs):
        """Whether as many pairs are counted as vmnd keeps, or nearly."""
        found = self.swarm.api.call("GET", "/v1/traffic", limit=1)
        return not found.get("unread_hosts") and found["matching"] >= min(
            n_pairs, KEPT_MAX) * 9 // 10
