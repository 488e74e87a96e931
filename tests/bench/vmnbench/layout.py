# SPDX-License-Identifier: Apache-2.0
"""What many emulated hosts are given: ports over as many networks as are asked
for, each port in one of five groups, and a policy for each group, so that all
hosts need all rules.  Of the benches scale and members."""

N_GROUPS = 5
PORTS = 20                      # Of a host.
APPLY_MAX = 20000               # Objects in a request, as vmnd takes them.


class Layout:
    """Port x is on host x div 20 and in network x mod N; its group differs
    between neighbours in a network and on a host."""

    def __init__(self, n_hosts, n_networks, n_rules):
        self.n_hosts = n_hosts
        self.n_networks = n_networks
        self.n_rules = n_rules
        self.n_ports = n_hosts * PORTS

    def port(self, x, group=True):
        network, index = x % self.n_networks, x // self.n_networks
        spec = {"network": "n%d" % network,
                "mac": "02:00:%02x:%02x:%02x:%02x" % (
                    x >> 24 & 255, x >> 16 & 255, x >> 8 & 255, x & 255),
                "ips": ["10.0.%d.%d" % (1 + index // 250, 2 + index % 250)]}
        if group:
            spec["labels"] = {"group": "g%d" % ((x + index) % N_GROUPS)}
        return spec

    def policy(self, group, n_extra=0):
        rules = [{"direction": "ingress", "action": "allow",
                  "peers": [{"group": "g%d" % (r % N_GROUPS)}],
                  "services": [{"protocol": "tcp", "ports": [8000 + r]}]}
                 for r in range(self.n_rules // N_GROUPS - 1 + n_extra)]
        rules.append({"direction": "ingress", "action": "deny"})
        return {"applies_to": ["g%d" % group], "directions": ["ingress"],
                "rules": rules}

    def everything(self):
        objects = [("networks", "n%d" % n,
                    {"subnets": [{"cidr": "10.0.0.0/16"}]})
                   for n in range(self.n_networks)]
        ports = [("ports", "lp%d" % x, self.port(x))
                 for x in range(self.n_ports)]
        for group in range(N_GROUPS):
            objects += [("groups", "g%d" % group,
                         {"selector": "group=g%d" % group}),
                        ("policies", "g%d" % group, self.policy(group))]
        objects += ports
        return [{"type": kind, "name": name, "spec": spec}
                for kind, name, spec in objects]
