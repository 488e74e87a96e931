# SPDX-License-Identifier: Apache-2.0
"""Honest hosts beside hostile ones, of emulated hypervisors: for
tests/bench/hostile and tests/system/test_attacks_hosts.py."""

import time

from .process import wait_for
from .swarm import Control, Swarm

N_GROUPS = 3
PORTS = 2                       # Of an honest host.
# What a host may do (tests/bench/swarm/hostile.c), and whether it needs an
# interface for it.
KINDS = {"rows": False, "values": False, "names": False, "dump": False,
         "parts": False, "meters": False, "echo": False, "flap": True,
         "mtu": True}


def port(x, group):
    return {"network": "n", "labels": {"group": "g%d" % group},
            "ips": ["10.0.%d.%d" % (1 + x // 250, 2 + x % 250)]}


class MixedSwarm(Swarm):
    """As Swarm, of whose hosts the last 'n_hostile' are emulated by a process
    of their own: what an attack costs its host is not to be the others'."""

    def __init__(self, directory, n_hosts, n_hostile, vmnd, program, **more):
        super().__init__(directory, n_hosts, vmnd, program, **more)
        self.n_hostile = n_hostile
        self.hostile_control = None

    def start(self):
        first = self.n_hosts - self.n_hostile
        if self.n_hostile:
            self.processes.start(
                "hostile", [self.program, "--hosts=%d" % self.n_hostile,
                            "--first=%d" % first, "--dir=" + self.dir],
                self.path("hostile.log"))
            wait_for("the hostile hosts",
                     lambda: self._connect_hostile(first))
        self.n_hosts -= self.n_hostile
        super().start()
        self.n_hosts += self.n_hostile
        self.control = Both(self.control, self.hostile_control, first)

    def _connect_hostile(self, first):
        self.processes.check()
        try:
            self.hostile_control = Control(self.path("control-%d" % first))
        except OSError:
            return False
        return True


class Both:
    """Commands for two processes: 'second' has hosts from 'first' on."""

    def __init__(self, first_control, second_control, first):
        self.controls = [one for one in (first_control, second_control)
                         if one]
        self.first = first

    def __call__(self, command, *words):
        """Of one that concerns all, the honest ones' answer is returned."""
        if words and words[0] != "all":
            hostile = int(str(words[0])[2:]) >= self.first
            return self.controls[hostile](command, *words)
        return [control(command, *words) for control in self.controls][0]

    def close(self):
        for control in self.controls:
            control.close()


class Mixture:
    """'n_honest' hosts, then one of each of 'kinds'."""

    def __init__(self, swarm, n_honest, kinds):
        self.swarm = swarm
        self.n_honest = n_honest
        self.kinds = list(kinds)
        self.n_changes = 0

    def honest(self):
        return ["hv%d" % i for i in range(self.n_honest)]

    def hostile(self):
        return {kind: "hv%d" % (self.n_honest + i)
                for i, kind in enumerate(self.kinds)}

    def fill(self):
        """One network that is on all hosts, the hostile ones too, so that
        whatever changes about a port concerns all."""
        n = PORTS * self.swarm.n_hosts
        objects = [("networks", "n", {"subnets": [{"cidr": "10.0.0.0/16"}]})]
        for g in range(N_GROUPS):
            objects += [
                ("groups", "g%d" % g, {"selector": "group=g%d" % g}),
                ("policies", "g%d" % g, {
                    "applies_to": ["g%d" % g], "directions": ["ingress"],
                    "rules": [{"direction": "ingress", "action": "allow",
                               "peers": [{"group": "g%d" % ((g + 1)
                                                            % N_GROUPS)}],
                               "services": [{"protocol": "tcp",
                                             "ports": [8000]}]}]})]
        objects += [("ports", "p%d" % x, port(x, x % N_GROUPS))
                    for x in range(n)]
        self.swarm.api.call("POST", "/v1/apply", {"objects": [
            {"type": kind, "name": name, "spec": spec}
            for kind, name, spec in objects]})
        self.swarm.plug({host: ["p%d" % x for x in range(n)
                                if x % self.swarm.n_hosts == host]
                         for host in range(self.swarm.n_hosts)})
        wait_for("the ports", lambda: all(
            one["status"].get("state") == "up"
            for one in self.swarm.api.items("ports")), 120, 0.2)
        self.swarm.wait_settled()

    def attack(self):
        for i, kind in enumerate(self.kinds):
            host = self.n_honest + i
            self.swarm.control("hostile", "hv%d" % host, kind,
                               *(["p%d" % host] if KINDS[kind] else []))

    def states(self):
        """Of the honest hosts, those that are not synced: {host: state}."""
        return {one["name"]: one["status"]["state"]
                for one in self.swarm.api.items("hosts")
                if one["name"] in self.honest()
                and one["status"]["state"] != "synced"}

    def change(self, seconds=120):
        """Another group for a port; returns in how many seconds all honest
        hosts have it."""
        self.n_changes += 1
        x = self.n_changes % self.n_honest
        start = time.monotonic()
        number = self.swarm.api.call("PUT", "/v1/ports/p%d" % x, {
            "spec": port(x, (x + self.n_changes) % N_GROUPS)})["revision"]
        honest = set(self.honest())

        def lacking():
            hosts = self.swarm.api.call(
                "GET", "/v1/revisions/%d" % number)["receipt"]["hosts"]
            return [one for one in hosts if one["host"] in honest
                    and one["state"] != "confirmed"]

        wait_for("revision %d on the honest hosts" % number,
                 lambda: not lacking(), seconds, 0.002)
        return time.monotonic() - start
