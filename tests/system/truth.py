# SPDX-License-Identifier: Apache-2.0
"""Truth tables: nine VMs, some objects, and who then reaches whom.

The VMs are a, b and c in each of x, y and z (labels "ns" and "pod"), spread
over three hosts: in one network, or in three that a router joins.  A case says
what is in force and what becomes of "everyone reaches everyone" by it, in
lines like

    deny * -> x/a           allow y/* -> x/a tcp/80

of which the last that fits holds.  All pairs are then tried with all services,
with packets of sockets in the VMs.  What is written here is the
documentation's meaning of policies; nothing is taken from vmnd.

On the userspace datapath SCTP is judged packet by packet (docs/api.md,
"services"), so an answer is another packet: of SCTP it is looked at whom it
reaches."""

import fnmatch
import itertools
import re
import time

from conftest import SETTLE, WAIT, installed
from vmnlab import traffic

PODS = ["%s/%s" % (ns, pod) for ns in "xyz" for pod in "abc"]
SERVICES = [(protocol, port) for protocol in ("tcp", "udp", "sctp")
            for port in (80, 81)]
SET = "truth"

# How long a probe is waited for that may go unanswered, and one that must not.
PATIENCE = 0.4
LIMIT = 30


def vm_name(pod):
    return pod.replace("/", "-")


def address(pod):
    return "10.0.%d.%d" % ("xyz".index(pod[0]), 1 + "abc".index(pod[2]))


# What is in force.  ---------------------------------------------------------

def group_name(selector):
    """The name of the group that a selector gets here."""
    return "g-" + (re.sub(r"[^a-z0-9]+", "-", selector.replace("!", "not-"))
                   .strip("-") or "all")


def group(name, **spec):
    return {"type": "groups", "name": name, "spec": spec}


def is_selector(text):
    return text == "" or re.search(r"[=! ]", text) is not None


def peer(text):
    """A prefix, a selector, or the name of a group."""
    if isinstance(text, dict):
        return text
    if "/" in text:
        return {"cidr": text}
    return {"group": group_name(text) if is_selector(text) else text}


def service(text):
    """"tcp", "tcp/80", "tcp/80-81", or the name of a service."""
    protocol, _, port = text.partition("/")
    if protocol not in ("tcp", "udp", "sctp", "icmp"):
        return {"service": text}
    return {"protocol": protocol, "ports": [port if "-" in port else
                                            int(port)]} \
        if port else {"protocol": protocol}


class Rule:
    def __init__(self, direction, action, peers, services):
        self.peers = peers
        self.spec = {"direction": direction, "action": action}
        if peers:
            self.spec["peers"] = [peer(p) for p in peers]
        if services:
            self.spec["services"] = [service(s) for s in services]


def ingress(action="allow", peers=(), services=()):
    return Rule("ingress", action, peers, services)


def egress(action="allow", peers=(), services=()):
    return Rule("egress", action, peers, services)


def policy(name, applies_to, *rules, **spec):
    """The objects of a policy: itself, and a group for each selector."""
    texts = [applies_to] + [p for r in rules for p in r.peers]
    objects = [group(group_name(t), selector=t) for t in texts
               if isinstance(t, str) and "/" not in t and is_selector(t)]
    spec.update(applies_to=[peer(applies_to)["group"]],
                rules=[r.spec for r in rules])
    return objects + [{"type": "policies", "name": name, "spec": spec}]


# Who reaches whom.  ---------------------------------------------------------

def expected(lines):
    """Returns {(source, destination, service): whether}."""
    table = {(a, b, s): True for a, b in itertools.permutations(PODS, 2)
             for s in SERVICES}
    for line in lines:
        verb, source, arrow, rest = line.split(None, 3)
        assert verb in ("allow", "deny") and arrow == "->", line
        destination, _, what = rest.partition(" ")
        for a, b, s in table:
            if fnmatch.fnmatch(a, source) \
                    and fnmatch.fnmatch(b, destination) \
                    and fnmatch.fnmatch("%s/%d" % s, what or "*"):
                table[a, b, s] = verb == "allow"
    return table


class Nine:
    """The nine VMs, in a world of their own."""

    def __init__(self, world, routed=False):
        self.world = world
        if routed:
            for i, ns in enumerate("xyz"):
                world.put("networks", ns, subnets=[
                    {"cidr": "10.0.%d.0/24" % i,
                     "gateway": "10.0.%d.254" % i}])
            world.put("routers", "nine", interfaces=[
                {"network": ns} for ns in "xyz"])
        else:
            world.network("net", "10.0.0.0/16")
        self.vms = {}
        for i, pod in enumerate(PODS):
            self.vms[pod] = world.vm(
                vm_name(pod), pod[0] if routed else "net",
                "h%d" % (1 + i % 3), address(pod),
                tcp=[80, 81], udp=[80, 81],
                labels={"ns": pod[0], "pod": pod[2]})
            world.servers.sctp(self.vms[pod], [80, 81])
        self.check([])

    def apply(self, objects):
        """Puts what a case wants in the place of what the last one wanted."""
        unique = {(o["type"], o["name"]): o for o in objects}
        installed(self.world.api.apply(list(unique.values()), prune=SET,
                                       wait="installed", timeout=WAIT))

    def label(self, where, **labels):
        self.world.patch("ports", vm_name(where), labels=labels)

    def check(self, lines):
        """Fails unless everything is as it should be, in the end: a first
        packet may get lost, and a switch's cache follows some milliseconds
        after the change.  Or never: the userspace datapath of Open vSwitch
        3.1.0 now and then goes on with a cached flow's former actions for as
        long as there are packets for it (docs/pipeline.md, "Known limits").
        What is judged here are the tables, so what is still wrong then is
        tried again without the cache."""
        want = expected(lines)
        wrong = self.differences(want, list(want))
        if wrong:
            print("%d cells wrong, tried again with empty caches: %s"
                  % (len(wrong), wrong[:12]))
            self.world.lab.purged()
            wrong = self.differences(want, wrong)
        assert not wrong, "should be otherwise: " + ", ".join(
            "%s %s -> %s %s/%d" % ("allow" if want[c] else "deny", c[0], c[1],
                                   *c[2]) for c in wrong[:12])

    def differences(self, want, open_cells):
        """Returns the cells that go on to be otherwise."""
        start = time.monotonic()
        while open_cells:
            waited = time.monotonic() - start
            found = traffic.probe(
                [traffic.Probe(self.vms[a], s[0], address(b), s[1])
                 for a, b, s in open_cells],
                PATIENCE if waited < SETTLE else 1.0,
                self.world.servers.sctp_heard)
            open_cells = [
                cell for cell, who in zip(open_cells, found)
                if (who == vm_name(cell[1])) != want[cell]]
            if waited > LIMIT or (waited > 2 * SETTLE and
                                  any(not want[c] for c in open_cells)):
                break
        return open_cells
