# SPDX-License-Identifier: Apache-2.0
"""Many ports on an emulated swarm of hosts, for what is to stay usable with
them: also what tests/system/test_page.py looks at."""

from .process import wait_for

N_GROUPS = 5
APPLY_MAX = 20000               # Objects in a request, as vmnd takes them.


class Crowd:
    """'n_ports' on each host of 'swarm', in 'spread' networks of each.  Port x
    is "pX" on host x div n_ports; there are as many networks as hosts, or
    'times' as many."""

    def __init__(self, swarm, n_ports, spread=2, times=1):
        self.swarm = swarm
        self.n_ports = n_ports
        self.spread = spread
        self.times = times
        self.n_networks = times * swarm.n_hosts
        self.n = n_ports * swarm.n_hosts

    def network(self, x):
        host = x // self.n_ports
        return (self.times * host + x % self.spread) % self.n_networks

    def port(self, x):
        return {"network": "n%d" % self.network(x),
                "labels": {"group": "g%d" % (x % N_GROUPS)}}

    @staticmethod
    def policy(group):
        return {"applies_to": ["g%d" % group], "directions": ["ingress"],
                "rules": [{"direction": "ingress", "action": "allow",
                           "peers": [{"group": "g%d" % ((group + 1)
                                                        % N_GROUPS)}],
                           "services": [{"protocol": "tcp",
                                         "ports": [8000 + group]}]}]}

    def objects(self):
        found = [("networks", "n%d" % n, {"subnets": [{"cidr":
                                                       "10.0.0.0/16"}]})
                 for n in range(self.n_networks)]
        for group in range(N_GROUPS):
            found += [("groups", "g%d" % group,
                       {"selector": "group=g%d" % group}),
                      ("policies", "g%d" % group, self.policy(group))]
        found += [("ports", "p%d" % x, self.port(x)) for x in range(self.n)]
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
