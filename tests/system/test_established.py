# SPDX-License-Identifier: Apache-2.0
"""What becomes of open connections when something changes: each case has a TCP
connection and a UDP flow open from cli (on h1) to srv (on h2), and both from
srv to cli, in use all the time.

    A  TCP cli -> srv       C  TCP srv -> cli
    B  UDP cli -> srv       D  UDP srv -> cli

A change cuts those that it names, within a second, and no others: whoever asks
in them gets no answer any more, whoever opened them."""

import threading
import time

import pytest
from conftest import SETTLE, World, check_log, installed

from truth import egress, group, ingress, policy
from vmnlab import traffic
from vmnlab.netns import PATIENCE

CLI, SRV = "10.0.0.1", "10.0.0.2"
SET = "established"

# For how long a connection has to be silent to count as cut: two of TCP's
# first retransmissions.
SILENCE = 0.8 * PATIENCE


class Open:
    """The four connections, each asked and answered every 20 ms."""

    def __init__(self, cli, srv):
        self.held = {
            "A": traffic.Connection(cli, srv.ip, 80, "tcp"),
            "B": traffic.Connection(cli, srv.ip, 53, "udp"),
            "C": traffic.Connection(srv, cli.ip, 80, "tcp"),
            "D": traffic.Connection(srv, cli.ip, 53, "udp")}
        self.lab = cli.lab
        self.last = {}
        self.n_turns = 0        # How often all of them were asked.
        self.stop = False
        for name, held in self.held.items():
            assert held.again(5), name
            held.sock.setblocking(False)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stop:
            for name, held in self.held.items():
                try:
                    held.sock.send(b"still there?\n")
                except OSError:
                    pass        # Full, or over.
                try:
                    if held.sock.recv(65536):
                        self.last[name] = time.monotonic()
                except OSError:
                    pass
            self.n_turns += 1
            time.sleep(0.02)

    def cut(self, since):
        """The names of those that are cut by a change that was installed at
        'since'; each of the others has to go on to have been answered after
        that.  Waits until all of them are one or the other.

        All are silent as well where a switch, or this program, stands still
        for a while.  So those that are have to remain so for half of SILENCE
        after all switches have answered a question, and be asked meanwhile."""
        doubted = None          # Who was silent when the switches answered.
        while True:
            now = time.monotonic()
            silent = {n for n in self.held
                      if now - self.last.get(n, since) > SILENCE}
            alive = {n for n in self.held
                     if self.last.get(n, 0) > since + SETTLE}
            if len(silent) + len(alive) == len(self.held) \
                    and not silent & alive:
                if not silent:
                    return ""
                if silent != doubted:
                    for host in self.lab.hosts:
                        host.appctl("version")
                    doubted = silent
                    sure = time.monotonic() + SILENCE / 2
                    n_sure = self.n_turns + 10
                elif now > sure and self.n_turns > n_sure:
                    return "".join(sorted(silent))
            else:
                doubted = None
            assert now < since + 10 * PATIENCE, (silent, alive)
            time.sleep(0.02)

    def close(self):
        self.stop = True
        self.thread.join()
        for held in self.held.values():
            held.close()


class Pair:
    kept = False                # Whether the last case was of kept ones.

    def __init__(self, world):
        self.world = world
        world.network("net")
        self.vms = [world.vm(name, "net", host, ip, tcp=[80], udp=[53],
                             labels={"role": name})
                    for name, host, ip in (("cli", "h1", CLI),
                                           ("srv", "h2", SRV),
                                           ("oth", "h3", "10.0.0.3"))]
        for a in self.vms:
            for b in self.vms:
                assert a is b or world.reaches(a, b)

    def apply(self, objects):
        unique = {(o["type"], o["name"]): o for o in objects}
        installed(self.world.api.apply(list(unique.values()), prune=SET,
                                       wait="installed", timeout="20s"))


def open_four(pair, name):
    """Opens the four, of the mode of the case 'name', which is applied.  One
    that opens while a datapath's cache is still as it was before a change is
    of the mode before it, or does not open at all."""
    kept = name.startswith("kept")
    if kept or pair.kept:
        pair.world.lab.purged()
    pair.kept = kept
    return Open(*pair.vms[:2])


@pytest.fixture(scope="module")
def pair(module_lab):
    world = World(module_lab)
    yield Pair(world)
    world.api.apply([], prune=SET)
    world.close()
    check_log(module_lab.vmnd)


# What is asked of the pair.  -------------------------------------------------

def service(name, protocol, *ports):
    return [{"type": "services", "name": name, "spec": {
        "entries": [{"protocol": protocol, "ports": list(ports)}]}}]


def named(name, **spec):
    return [group(name, **spec)]


# Everything of A and B, and nothing else, into srv; and likewise of cli's.
INTO_SRV = [ingress(peers=["role=cli"], services=["tcp/80"]),
            ingress(peers=["role=cli"], services=["udp/53"])]
OUT_OF_CLI = [egress(peers=["role=srv"], services=["tcp/80"]),
              egress(peers=["role=srv"], services=["udp/53"])]
IN = policy("in", "role=srv", *INTO_SRV)
OUT = policy("out", "role=cli", *OUT_OF_CLI)
KEEP_IN = policy("in", "role=srv", *INTO_SRV, on_change="keep")
KEEP_OUT = policy("out", "role=cli", *OUT_OF_CLI, on_change="keep")

# name: (before, after, which are cut)
CASES = {
    "rule removed":
        (IN, policy("in", "role=srv", INTO_SRV[1]), "A"),
    "other rule removed":
        (IN, policy("in", "role=srv", INTO_SRV[0]), "B"),
    "all rules removed":
        (IN, policy("in", "role=srv"), "AB"),
    "egress rule removed":
        (OUT, policy("out", "role=cli", OUT_OF_CLI[1]), "A"),
    "all egress rules removed":
        (OUT, policy("out", "role=cli", directions=["egress"]), "AB"),
    "ports narrowed, past the connection":
        (policy("in", "role=srv", ingress(services=["tcp/70-90", "udp/53"])),
         policy("in", "role=srv", ingress(services=["tcp/81-90", "udp/53"])),
         "A"),
    "ports narrowed, not past the connection":
        (policy("in", "role=srv", ingress(services=["tcp/70-90", "udp/53"])),
         policy("in", "role=srv", ingress(services=["tcp/80", "udp/53"])),
         ""),
    "peers narrowed to a group":
        (policy("in", "role=srv", ingress()),
         policy("in", "role=srv", ingress(peers=["role=oth"])), "AB"),
    "peers narrowed to a prefix":
        (policy("in", "role=srv", ingress(peers=["10.0.0.0/24"])),
         policy("in", "role=srv", ingress(peers=["10.0.0.2/31"])), "AB"),
    "peers by prefix in the place of a group":
        (IN, policy("in", "role=srv", ingress(peers=[CLI + "/32"])), ""),
    "peers widened":
        (IN, policy("in", "role=srv", ingress()), ""),
    "rules reordered":
        (IN, policy("in", "role=srv", *reversed(INTO_SRV)), ""),
    "two rules become one":
        (IN, policy("in", "role=srv", ingress(
            peers=["role=cli"], services=["udp/53", "tcp/80"])), ""),
    "description and labels":
        (IN, policy("in", "role=srv", *INTO_SRV, description="new",
                    labels={"a": "b"}), ""),
    "policy deleted, the only one":
        (IN, [], ""),
    "policy deleted that allowed, another isolates":
        (IN + policy("base", "role=srv"), policy("base", "role=srv"), "AB"),
    "policy deleted that allowed the same as another":
        (IN + policy("twin", "role=srv", *INTO_SRV), IN, ""),
    "policy renamed":
        (IN, policy("other", "role=srv", *INTO_SRV), ""),
    "policy isolates, added":
        ([], policy("p", "role=srv"), "AB"),
    "policy isolates egress, added":
        ([], policy("p", "role=cli", directions=["egress"]), "AB"),
    "policy isolates both ways, added":
        ([], policy("p", "role=srv", directions=["ingress", "egress"]),
         "ABCD"),
    "policy isolates the other's side, added":
        ([], policy("p", "role=cli"), "CD"),
    "policy that allows, added":
        ([], IN, ""),
    "directions added":
        (IN, policy("in", "role=srv", *INTO_SRV,
                    directions=["ingress", "egress"]), "CD"),
    "tier above denies":
        (IN, IN + policy("p", "role=srv", ingress("deny"), tier="security"),
         "AB"),
    "tier above denies one protocol":
        (IN, IN + policy("p", "role=srv", ingress("deny", services=["tcp"]),
                         tier="security"), "A"),
    "tier above denies ICMP":
        (IN, IN + policy("p", "role=srv", ingress("deny", services=["icmp"]),
                         tier="security"), ""),
    "tier above passes":
        (IN, IN + policy("p", "role=srv", ingress("pass"), tier="security"),
         ""),
    "tier above allows":
        (IN, IN + policy("p", "role=srv", ingress(), tier="security"), ""),
    "tier above denies a prefix":
        ([], policy("p", "role=srv", ingress("deny", peers=[CLI + "/32"]),
                    tier="platform"), "AB"),
    "tier above denies egress":
        ([], policy("p", "role=cli", egress("deny", peers=["role=srv"]),
                    tier="platform"), "AB"),
    "tier above denies everything of everyone":
        ([], policy("p", "", ingress("deny"), tier="emergency"), "ABCD"),
    "tier below denies, this one allows":
        (IN, IN + policy("p", "role=srv", ingress("deny"), tier="baseline"),
         ""),
    "tier below denies, nothing above":
        ([], policy("p", "role=srv", ingress("deny"), tier="baseline"), "AB"),
    "allowance moves to a tier above":
        (IN, policy("in", "role=srv", *INTO_SRV, tier="security"), ""),
    "allowance moves below a denial":
        (policy("in", "role=srv", *INTO_SRV, tier="security")
         + policy("no", "role=srv", ingress("deny"), tier="platform"),
         policy("in", "role=srv", *INTO_SRV, tier="baseline")
         + policy("no", "role=srv", ingress("deny"), tier="platform"), "AB"),
    "priorities exchanged":
        (policy("in", "role=srv", *INTO_SRV, tier="security", priority=10)
         + policy("no", "role=srv", ingress("deny"), tier="security",
                  priority=20),
         policy("in", "role=srv", *INTO_SRV, tier="security", priority=20)
         + policy("no", "role=srv", ingress("deny"), tier="security",
                  priority=10), "AB"),
    "priority changed without consequence":
        (policy("in", "role=srv", *INTO_SRV, priority=10),
         policy("in", "role=srv", *INTO_SRV, priority=11), ""),
    "action becomes deny":
        (IN, policy("in", "role=srv", ingress(
            "deny", ["role=cli"], ["tcp/80"]), INTO_SRV[1]), "A"),
    "action becomes pass":
        (policy("in", "role=srv", *INTO_SRV, tier="security")
         + policy("no", "role=srv"),
         policy("in", "role=srv", ingress("pass", ["role=cli"], ["tcp/80"]),
                INTO_SRV[1], tier="security")
         + policy("no", "role=srv"), "A"),
    "denial put before":
        (IN, policy("in", "role=srv", ingress("deny", [CLI + "/32"], ["tcp"]),
                    *INTO_SRV), "A"),
    "denial put behind":
        (IN, policy("in", "role=srv", *INTO_SRV, ingress("deny")), ""),
    "named service loses the port":
        (service("web", "tcp", 80, 81)
         + policy("in", "role=srv", ingress(services=["web", "udp/53"])),
         service("web", "tcp", 81)
         + policy("in", "role=srv", ingress(services=["web", "udp/53"])),
         "A"),
    "named service gets a port more":
        (service("web", "tcp", 80)
         + policy("in", "role=srv", ingress(services=["web", "udp/53"])),
         service("web", "tcp", 80, 81)
         + policy("in", "role=srv", ingress(services=["web", "udp/53"])),
         ""),
    "group's selector lets go of the peer":
        (named("who", selector="role=cli")
         + policy("in", "role=srv", ingress(peers=["who"])),
         named("who", selector="role=oth")
         + policy("in", "role=srv", ingress(peers=["who"])), "AB"),
    "group names the peer in another way":
        (named("who", selector="role=cli")
         + policy("in", "role=srv", ingress(peers=["who"])),
         named("who", ports=["cli"])
         + policy("in", "role=srv", ingress(peers=["who"])), ""),
    "group loses the peer's address":
        (named("who", cidrs=["10.0.0.0/31"])
         + policy("in", "role=srv", ingress(peers=["who"])),
         named("who", cidrs=["10.0.0.4/31"])
         + policy("in", "role=srv", ingress(peers=["who"])), "AB"),
    "group takes in the protected":
        (named("some", selector="role=oth") + policy("p", "some"),
         named("some", selector="role in (oth,srv)") + policy("p", "some"),
         "AB"),
    "group lets go of the protected":
        (named("some", selector="role in (oth,srv)")
         + policy("p", "some", *INTO_SRV),
         named("some", selector="role=oth")
         + policy("p", "some", *INTO_SRV), ""),
    "policy applies to others":
        (policy("p", "role=oth"), policy("p", "role=srv"), "AB"),
    "group renamed":
        (named("one", selector="role=cli")
         + policy("in", "role=srv", ingress(peers=["one"])),
         named("two", selector="role=cli")
         + policy("in", "role=srv", ingress(peers=["two"])), ""),
    "kept, rules removed":
        (KEEP_IN, policy("in", "role=srv", on_change="keep"), ""),
    "kept, egress rules removed":
        (KEEP_OUT, policy("out", "role=cli", directions=["egress"],
                          on_change="keep"), ""),
    "kept, policy deleted, another isolates":
        (KEEP_IN + policy("base", "role=srv"), policy("base", "role=srv"),
         ""),
    "kept, denial put before":
        (KEEP_IN, policy("in", "role=srv", ingress("deny", services=["tcp"]),
                         INTO_SRV[1], on_change="keep"), ""),
    "kept, and no longer keeps":
        (KEEP_IN, policy("in", "role=srv"), ""),
    "not kept, and keeps from now on":
        (IN, policy("in", "role=srv", on_change="keep"), "AB"),
    "kept in one direction, the other is closed":
        (KEEP_OUT + IN, KEEP_OUT + policy("in", "role=srv"), "AB"),
    "kept, tier above denies one protocol":
        (KEEP_IN, KEEP_IN + policy("p", "role=srv", ingress(
            "deny", services=["tcp"]), tier="security"), "A"),
    "kept, tier below denies":
        (KEEP_IN, policy("in", "role=srv", on_change="keep",
                         directions=["egress"])
         + policy("p", "role=srv", ingress("deny"), tier="baseline"), "CD"),
    "kept, policy of others closes those from there":
        (KEEP_IN, KEEP_IN + policy("p", "role=cli"), "CD"),
}


@pytest.mark.parametrize("name", CASES)
def test_change(pair, name):
    before, after, want = CASES[name]
    pair.apply(before)
    held = open_four(pair, name)
    try:
        pair.apply(after)
        assert held.cut(time.monotonic()) == want
    finally:
        held.close()


def test_only_what_is_open_is_kept(pair):
    pair.apply(KEEP_IN)
    held = open_four(pair, "kept")
    try:
        pair.apply(policy("in", "role=srv", on_change="keep"))
        pair.world.blocked(*pair.vms[:2])
        pair.world.blocked(*pair.vms[:2], port=53, protocol="udp")
        assert held.cut(time.monotonic()) == ""
    finally:
        held.close()


# Changes of other objects: (before, type, name, patch, how it is undone, cut).
OBJECTS = {
    "peer's label changes":
        (IN, "ports", "cli", {"labels": {"role": "x"}},
         {"labels": {"role": "cli"}}, "AB"),
    "protected one's label changes":
        (policy("p", "role=x"), "ports", "srv", {"labels": {"role": "x"}},
         {"labels": {"role": "srv"}}, "AB"),
    "label that nobody reads":
        (IN, "ports", "cli", {"labels": {"some": "thing"}},
         {"labels": {"some": None}}, ""),
    "server quarantined":
        ([], "ports", "srv", {"quarantined": True}, {"quarantined": False},
         "ABCD"),
    "client quarantined":
        ([], "ports", "cli", {"quarantined": True}, {"quarantined": False},
         "ABCD"),
    "kept, server quarantined":
        (KEEP_IN, "ports", "srv", {"quarantined": True},
         {"quarantined": False}, "ABCD"),
    "kept, client quarantined":
        (KEEP_OUT, "ports", "cli", {"quarantined": True},
         {"quarantined": False}, "ABCD"),
    "kept, peer's label changes":
        (KEEP_IN, "ports", "cli", {"labels": {"role": "x"}},
         {"labels": {"role": "cli"}}, ""),
    "another one quarantined":
        ([], "ports", "oth", {"quarantined": True}, {"quarantined": False},
         ""),
    "port disabled":
        ([], "ports", "srv", {"enabled": False}, {"enabled": True}, "ABCD"),
    "network denies by default":
        ([], "networks", "net", {"default": "deny"}, {"default": "allow"},
         "ABCD"),
    "network denies by default, a policy allows":
        (IN, "networks", "net", {"default": "deny"}, {"default": "allow"},
         "CD"),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_object(pair, name):
    before, kind, what, patch, undo, want = OBJECTS[name]
    pair.apply(before)
    held = open_four(pair, name)
    try:
        pair.world.patch(kind, what, **patch)
        assert held.cut(time.monotonic()) == want
    finally:
        held.close()
        pair.world.patch(kind, what, **undo)
        assert pair.world.reaches(*pair.vms[:2])
