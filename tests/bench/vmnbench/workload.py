# SPDX-License-Identifier: Apache-2.0
"""What both sides are asked for: ports over networks, which a router joins if
that is asked for, five groups with ten rules each, ten virtual IPs with five
backends each (or as many as are asked for).

Port x, counted over all hosts, is in network x mod NETWORKS and in group
(x div NETWORKS) mod 5.  With 10 networks (the wide layout) a host has one port
of each group in a network at the most; with 2 (narrow) it has two."""

N_GROUPS = 5
N_RULES = 50
N_VIPS = 10
N_BACKENDS = 5
NETWORKS = {"wide": 10, "narrow": 2}


class Port:
    def __init__(self, name, host, network, index, group, mac):
        self.name = name
        self.host = host        # Index of the host.
        self.network = network
        self.index = index      # In its network.
        self.group = group      # Or None.
        self.mac = mac
        self.ip = "10.%d.%d.%d" % (network, 1 + index // 250,
                                   2 + index % 250)


class Workload:
    def __init__(self, n_hosts, n_vifs, layout, routed=False, n_vips=N_VIPS,
                 n_backends=N_BACKENDS):
        self.n_vips = n_vips
        self.n_backends = n_backends
        self.n_hosts = n_hosts
        self.n_vifs = n_vifs    # Of each host.
        self.n_networks = NETWORKS[layout]
        self.routed = routed
        self.ports = []
        for x in range(n_hosts * n_vifs):
            self.ports.append(self._port("lp%d" % x, x // n_vifs, x,
                                         (x // self.n_networks) % N_GROUPS))

    def _port(self, name, host, x, group):
        network, index = x % self.n_networks, x // self.n_networks
        return Port(name, host, network, index, group,
                    "02:00:00:%02x:%02x:%02x"
                    % (network, index // 256, index % 256))

    @staticmethod
    def gateway(network):
        """The router's address in a network, which is 10.NETWORK.0.0/16."""
        return "10.%d.0.1" % network

    def new_port(self, r):
        """The r-th port that is added later; in no group."""
        return self._port("new%d" % r, r % self.n_hosts,
                          len(self.ports) + r, None)

    def quarantined(self, r):
        """The r-th port that is cut off: members of groups, on many hosts and
        in many networks."""
        return self.ports[r * (self.n_vifs + 1) % len(self.ports)]

    def ends(self):
        """A port of host 0 and one of host 1 in the same network."""
        a = self.ports[0]
        return a, next(port for port in self.of_network(a.network)
                       if port.host == 1)

    def of_network(self, network):
        return [port for port in self.ports if port.network == network]

    def of_group(self, group):
        return [port for port in self.ports if port.group == group]

    @staticmethod
    def rules(group):
        """The rules of a group before the last, which denies what comes in:
        (direction, other side's group, TCP port), all allowed."""
        return [("egress" if r % 3 == 2 else "ingress", r % N_GROUPS, 8000 + r)
                for r in range(N_RULES // N_GROUPS - 1)]

    @staticmethod
    def new_rule(r):
        """(group, peer, TCP port) of the r-th rule that is added later."""
        return r % N_GROUPS, (r + 1) % N_GROUPS, 9000 + r

    def vip_network(self, vip):
        """A virtual IP is offered where its backends are: without a router it
        would be of no use elsewhere."""
        return vip % self.n_networks

    def vip_ip(self, vip):
        return "10.%d.%d.%d" % (self.vip_network(vip), 200 + vip // 250,
                                vip % 250 + 1)

    def backends(self, vip, n):
        ports = self.of_network(self.vip_network(vip))
        start = vip // self.n_networks * self.n_backends
        return [ports[(start + b) % len(ports)] for b in range(n)]

    def added(self, r):
        """The virtual IP that gets a backend by the r-th change, and how many
        it has then."""
        return r % self.n_vips, self.n_backends + 1 + r // self.n_vips

    def removed(self, r, repetitions):
        """The same of those that are taken away again."""
        vip, n = self.added(repetitions - 1 - r)
        return vip, n - 1
