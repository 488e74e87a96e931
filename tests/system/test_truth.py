# SPDX-License-Identifier: Apache-2.0
"""Truth tables of policies, in the manner of the conformance cases of
Kubernetes NetworkPolicy, with real packets; truth.py says how to read
them."""

import copy

import pytest

from truth import Nine, address, egress, group, ingress, policy

XA = address("x/a") + "/32"
YA = address("y/a") + "/32"
ALL_OF_X = "10.0.0.0/24"
ALL_OF_Y = "10.0.1.0/24"


@pytest.fixture(scope="module")
def nine(module_lab):
    from conftest import World, check_log
    world = World(module_lab)
    yield Nine(world)
    world.api.apply([], prune="truth")
    world.close()
    check_log(module_lab.vmnd)


CASES = {}


def case(name, objects, *lines):
    assert name not in CASES, name
    CASES[name] = (objects, lines)


def service(name, *entries):
    return [{"type": "services", "name": name,
             "spec": {"entries": list(entries)}}]


# Isolation.  ----------------------------------------------------------------

case("nothing in force", [])
case("deny all ingress", policy("p", "ns=x"), "deny * -> x/*")
case("deny all egress", policy("p", "ns=x", directions=["egress"]),
     "deny x/* -> *")
case("deny all, both ways",
     policy("p", "ns=x", directions=["ingress", "egress"]),
     "deny * -> x/*", "deny x/* -> *")
case("deny all ingress of one", policy("p", "ns=x,pod=a"), "deny * -> x/a")
case("deny all ingress of everyone", policy("p", ""), "deny * -> *")
case("allow all ingress beats isolation",
     policy("p", "ns=x") + policy("q", "ns=x", ingress()))
case("allow all egress beats isolation",
     policy("p", "ns=x", directions=["egress"])
     + policy("q", "ns=x", egress()))
case("applies to nobody", policy("p", "ns=nowhere"))
case("a group without members or selector is empty",
     [group("none")] + policy("p", "none"))
case("an ingress rule does not isolate egress",
     policy("p", "ns=x", ingress(peers=["ns=y"])),
     "deny * -> x/*", "allow y/* -> x/*")
case("an egress rule does not isolate ingress",
     policy("p", "ns=x", egress(peers=["ns=y"])),
     "deny x/* -> *", "allow x/* -> y/*")
case("directions add isolation to rules of the other",
     policy("p", "ns=x", ingress(peers=["ns=y"]),
            directions=["ingress", "egress"]),
     "deny * -> x/*", "allow y/* -> x/*", "deny x/* -> *")

# Peers by selectors.  -------------------------------------------------------

case("ingress from another namespace",
     policy("p", "ns=x,pod=a", ingress(peers=["ns=y"])),
     "deny * -> x/a", "allow y/* -> x/a")
case("ingress from the own namespace",
     policy("p", "ns=x", ingress(peers=["ns=x"])),
     "deny * -> x/*", "allow x/* -> x/*")
case("ingress by pod label",
     policy("p", "ns=x,pod=a", ingress(peers=["pod=b"])),
     "deny * -> x/a", "allow */b -> x/a")
case("ingress by namespace and pod label",
     policy("p", "ns=x,pod=a", ingress(peers=["ns=y,pod=b"])),
     "deny * -> x/a", "allow y/b -> x/a")
case("ingress by namespace or pod label",
     policy("p", "ns=x,pod=a", ingress(peers=["ns=y", "pod=b"])),
     "deny * -> x/a", "allow y/* -> x/a", "allow */b -> x/a")
case("selector with in",
     policy("p", "ns=x", ingress(peers=["ns in (y,z)"])),
     "deny * -> x/*", "allow y/* -> x/*", "allow z/* -> x/*")
case("selector with notin",
     policy("p", "ns=x", ingress(peers=["ns notin (x,z)"])),
     "deny * -> x/*", "allow y/* -> x/*")
case("selector with notin and in",
     policy("p", "ns=x", ingress(peers=["ns notin (x),pod in (a,c)"])),
     "deny * -> x/*", "allow y/a -> x/*", "allow y/c -> x/*",
     "allow z/a -> x/*", "allow z/c -> x/*")
case("selector not equal",
     policy("p", "ns=x", ingress(peers=["ns!=x"])),
     "deny * -> x/*", "allow y/* -> x/*", "allow z/* -> x/*")
case("selector of a label that nobody has",
     policy("p", "ns=x", ingress(peers=["tier=gold"])), "deny * -> x/*")
case("selector of a label that nobody must have",
     policy("p", "ns=x", ingress(peers=["ns=y,!tier"])),
     "deny * -> x/*", "allow y/* -> x/*")
case("applies to by in and notin",
     policy("p", "ns in (x,y),pod notin (b,c)"),
     "deny * -> x/a", "deny * -> y/a")
case("the empty selector is everyone",
     policy("p", "ns=x", ingress(peers=[""])))
case("egress to another namespace",
     policy("p", "ns=x,pod=a", egress(peers=["ns=y"])),
     "deny x/a -> *", "allow x/a -> y/*")
case("egress by in",
     policy("p", "pod=a", egress(peers=["pod in (a,b)"])),
     "deny */a -> *", "allow */a -> */a", "allow */a -> */b")
case("egress by namespace and pod label",
     policy("p", "ns=x", egress(peers=["ns=z,pod=c"])),
     "deny x/* -> *", "allow x/* -> z/c")

# Services.  -----------------------------------------------------------------

case("one TCP port", policy("p", "ns=x", ingress(services=["tcp/80"])),
     "deny * -> x/*", "allow * -> x/* tcp/80")
case("one UDP port", policy("p", "ns=x", ingress(services=["udp/81"])),
     "deny * -> x/*", "allow * -> x/* udp/81")
case("a port of two protocols",
     policy("p", "ns=x", ingress(services=["tcp/80", "udp/80"])),
     "deny * -> x/*", "allow * -> x/* tcp/80", "allow * -> x/* udp/80")
case("a whole protocol", policy("p", "ns=x", ingress(services=["tcp"])),
     "deny * -> x/*", "allow * -> x/* tcp/*")
case("a range", policy("p", "ns=x", ingress(services=["tcp/80-81"])),
     "deny * -> x/*", "allow * -> x/* tcp/*")
case("a range that begins at the port",
     policy("p", "ns=x", ingress(services=["tcp/81-90"])),
     "deny * -> x/*", "allow * -> x/* tcp/81")
case("a range beside the ports",
     policy("p", "ns=x", ingress(services=["tcp/82-1000"])),
     "deny * -> x/*")
case("overlapping ranges",
     policy("p", "ns=x", ingress(services=["udp/70-80", "udp/75-80"])),
     "deny * -> x/*", "allow * -> x/* udp/80")
case("a named port",
     service("web", {"protocol": "tcp", "ports": [81]})
     + policy("p", "ns=x", ingress(services=["web"])),
     "deny * -> x/*", "allow * -> x/* tcp/81")
case("a name for several ports",
     service("mix", {"protocol": "tcp", "ports": [80]},
             {"protocol": "udp", "ports": [81]})
     + policy("p", "ns=x", ingress(services=["mix"])),
     "deny * -> x/*", "allow * -> x/* tcp/80", "allow * -> x/* udp/81")
case("a name and a port of its own",
     service("web", {"protocol": "tcp", "ports": [81]})
     + policy("p", "ns=x", ingress(services=["web", "udp/80"])),
     "deny * -> x/*", "allow * -> x/* tcp/81", "allow * -> x/* udp/80")
case("egress to a port",
     policy("p", "ns=x", egress(services=["tcp/80"])),
     "deny x/* -> *", "allow x/* -> * tcp/80")
case("egress to a range of a peer",
     policy("p", "ns=x", egress(peers=["ns=y"], services=["udp/80-81"])),
     "deny x/* -> *", "allow x/* -> y/* udp/*")

case("an SCTP port", policy("p", "ns=x", ingress(services=["sctp/80"])),
     "deny * -> x/*", "allow * -> x/* sctp/80")
case("all of SCTP", policy("p", "ns=y", ingress(services=["sctp"])),
     "deny * -> y/*", "allow * -> y/* sctp/*")
case("a range of SCTP ports, out",
     policy("p", "ns=x", egress(services=["sctp/81-99"])),
     "deny x/* -> *", "allow x/* -> * sctp/81")

# Several rules and policies.  -----------------------------------------------

case("peer and port belong together",
     policy("p", "ns=x", ingress(peers=["ns=y"], services=["tcp/80"])),
     "deny * -> x/*", "allow y/* -> x/* tcp/80")
case("rules add up",
     policy("p", "ns=x", ingress(peers=["ns=y"], services=["tcp/80"]),
            ingress(peers=["ns=z"], services=["tcp/81"])),
     "deny * -> x/*", "allow y/* -> x/* tcp/80", "allow z/* -> x/* tcp/81")
case("policies add up",
     policy("p", "ns=x", ingress(peers=["ns=y"], services=["tcp/80"]))
     + policy("q", "ns=x", ingress(peers=["ns=y"], services=["tcp/81"])),
     "deny * -> x/*", "allow y/* -> x/* tcp/*")
case("policies of overlapping groups add up",
     policy("p", "ns=x", ingress(peers=["ns=y"]))
     + policy("q", "pod=a", ingress(peers=["ns=z"])),
     "deny * -> x/*", "deny * -> */a", "allow y/* -> x/*",
     "allow z/* -> */a")
case("ingress and egress both have to allow",
     policy("p", "ns=x", ingress(peers=["ns=y"]))
     + policy("q", "ns=y", egress(peers=["ns=z"])),
     "deny * -> x/*", "deny y/* -> *", "allow y/* -> z/*")
case("ingress and egress that allow each other",
     policy("p", "ns=x", ingress(peers=["ns=y"], services=["tcp/80"]))
     + policy("q", "ns=y", egress(peers=["ns=x"], services=["tcp"])),
     "deny * -> x/*", "deny y/* -> *", "allow y/* -> x/* tcp/80")
case("a rule with everything beside one with little",
     policy("p", "ns=x", ingress(peers=["ns=y"], services=["tcp/80"]),
            ingress(peers=["ns=y"])),
     "deny * -> x/*", "allow y/* -> x/*")

# Prefixes.  -----------------------------------------------------------------

case("ingress from an address", policy("p", "ns=y", ingress(peers=[XA])),
     "deny * -> y/*", "allow x/a -> y/*")
case("ingress from a prefix",
     policy("p", "ns=y", ingress(peers=[ALL_OF_X])),
     "deny * -> y/*", "allow x/* -> y/*")
case("egress to an address", policy("p", "ns=x", egress(peers=[YA])),
     "deny x/* -> *", "allow x/* -> y/a")
case("egress to prefixes that overlap",
     policy("p", "ns=x", egress(peers=[YA, ALL_OF_Y])),
     "deny x/* -> *", "allow x/* -> y/*")
case("egress to any address",
     policy("p", "ns=x", egress(peers=["0.0.0.0/0"], services=["tcp"])),
     "deny x/* -> *", "allow x/* -> * tcp/*")
case("a prefix that holds nobody",
     policy("p", "ns=x", ingress(peers=["192.0.2.0/24"])),
     "deny * -> x/*")
case("a prefix and a port",
     policy("p", "ns=x", egress(peers=[ALL_OF_Y], services=["tcp/81"])),
     "deny x/* -> *", "allow x/* -> y/* tcp/81")
case("a prefix or a group",
     policy("p", "ns=z", ingress(peers=[XA, "ns=y"])),
     "deny * -> z/*", "allow x/a -> z/*", "allow y/* -> z/*")
case("a group of prefixes",
     [group("some", cidrs=[XA, YA])]
     + policy("p", "ns=z", ingress(peers=["some"])),
     "deny * -> z/*", "allow x/a -> z/*", "allow y/a -> z/*")
case("a group of prefixes, ports and labels",
     [group("some", cidrs=[XA], ports=["y-b"], selector="ns=z,pod=c")]
     + policy("p", "", ingress(peers=["some"])),
     "deny * -> *", "allow x/a -> *", "allow y/b -> *", "allow z/c -> *")

case("a prefix with an exception",
     policy("p", "ns=x", egress(peers=[
         {"cidr": ALL_OF_Y, "except": [YA]}])),
     "deny x/* -> *", "allow x/* -> y/*", "deny x/* -> y/a")
case("an exception of one peer, allowed by another",
     policy("p", "ns=x", egress(peers=[
         {"cidr": ALL_OF_Y, "except": [YA]}, YA])),
     "deny x/* -> *", "allow x/* -> y/*")
case("a group of prefixes with exceptions",
     [{"type": "groups", "name": "some", "spec": {
         "cidrs": ["10.0.0.0/16"], "except": [ALL_OF_X, YA]}}]
     + policy("p", "ns=z", ingress(peers=["some"])),
     "deny * -> z/*", "allow y/* -> z/*", "allow z/* -> z/*",
     "deny y/a -> z/*")
case("groups inside of groups",
     [group("inner", selector="ns=y,pod=b"), group("far", cidrs=[XA]),
      group("outer", groups=["inner", "far"], ports=["z-c"])]
     + policy("p", "ns in (x,z),pod=b", ingress(peers=["outer"])),
     "deny * -> x/b", "deny * -> z/b", "allow y/b -> ?/b",
     "allow x/a -> ?/b", "allow z/c -> ?/b")
case("applies to what is inside of a group",
     [group("inner", selector="ns=y"), group("outer", groups=["inner"])]
     + policy("p", "outer", ingress(peers=["ns=x"])),
     "deny * -> y/*", "allow x/* -> y/*")

# Tiers and priorities.  -----------------------------------------------------

case("security denies what application allows",
     policy("p", "ns=x", ingress("deny", ["ns=y"]), tier="security")
     + policy("q", "ns=x", ingress(peers=["ns=y", "ns=z"])),
     "deny * -> x/*", "allow z/* -> x/*")
case("security allows what application denies",
     policy("p", "ns=x", ingress("allow", ["ns=y"]), tier="security")
     + policy("q", "ns=x"), "deny * -> x/*", "allow y/* -> x/*")
case("pass leaves the tier",
     policy("p", "ns=x", ingress("pass", ["ns=y"]), ingress("deny"),
            tier="security")
     + policy("q", "ns=x", ingress(services=["tcp/80"])),
     "deny * -> x/*", "allow y/* -> x/* tcp/80")
case("baseline holds where application is silent",
     policy("p", "", ingress("deny"), tier="baseline")
     + policy("q", "ns=x", ingress(peers=["ns=y"])),
     "deny * -> *", "allow y/* -> x/*")
case("the smaller priority comes first",
     policy("p", "ns=x", ingress("deny", ["ns=y"]), tier="platform",
            priority=10)
     + policy("q", "ns=x", ingress("allow", ["ns=y", "ns=z"]),
              tier="platform", priority=20)
     + policy("r", "ns=x", ingress("deny"), tier="platform", priority=30),
     "deny * -> x/*", "allow z/* -> x/*")
case("emergency comes before security",
     policy("p", "ns=x", ingress("deny", services=["tcp/80"]),
            tier="emergency", priority=999)
     + policy("q", "ns=x", ingress("allow"), tier="security", priority=0),
     "deny * -> x/* tcp/80")
case("rules of a policy in their order",
     policy("p", "ns=x", ingress("allow", ["pod=a"], ["tcp/80"]),
            ingress("deny", ["pod=a"]), ingress("allow", ["ns=y"]),
            ingress("deny"), tier="security"),
     "deny * -> x/*", "allow y/* -> x/*", "deny */a -> x/*",
     "allow */a -> x/* tcp/80")
case("a tier of one's own, between two",
     [{"type": "tiers", "name": "zone", "spec": {"position": 7}}]
     + policy("p", "ns=x", ingress("deny", ["ns=y"]), tier="zone")
     + policy("q", "ns=x", ingress("allow", ["ns=y"], ["tcp/80"]),
              tier="security")
     + policy("r", "ns=x", ingress("allow", ["ns=y"]), tier="platform"),
     "deny y/* -> x/*", "allow y/* -> x/* tcp/80")
case("what the last tier passes is left to the network",
     policy("p", "ns=x", ingress("pass", ["ns=y"]), ingress("deny"),
            tier="baseline"),
     "deny * -> x/*", "allow y/* -> x/*")
case("egress in a tier above",
     policy("p", "ns=x", egress("deny", ["ns=z"]), tier="security")
     + policy("q", "ns=x", egress()), "deny x/* -> z/*")


def rejecting(objects):
    """The same with rules that reject where others deny: who reaches whom does
    not change by it."""
    objects = copy.deepcopy(objects)
    for one in objects:
        for rule in one["spec"].get("rules", ()):
            if rule["action"] == "deny":
                rule["action"] = "reject"
    return objects


for name, (objects, lines) in list(CASES.items()):
    if rejecting(objects) != objects:
        case(name + ", by rejecting", rejecting(objects), *lines)


@pytest.mark.parametrize("name", CASES)
def test_table(nine, name):
    objects, lines = CASES[name]
    nine.apply(objects)
    nine.check(lines)


# Changes.  ------------------------------------------------------------------

def test_policy_changes_and_goes(nine):
    nine.apply(policy("p", "ns=x", ingress(peers=["ns=y"])))
    nine.check(["deny * -> x/*", "allow y/* -> x/*"])
    nine.apply(policy("p", "ns=x", ingress(peers=["ns=z"])))
    nine.check(["deny * -> x/*", "allow z/* -> x/*"])
    nine.apply(policy("p", "ns=x", egress(peers=["ns=z"])))
    nine.check(["deny x/* -> *", "allow x/* -> z/*"])
    nine.apply([])
    nine.check([])


def test_one_of_two_goes(nine):
    one = policy("p", "ns=x", ingress(peers=["ns=y"]))
    other = policy("q", "ns=x", ingress(services=["tcp/80"]))
    nine.apply(one + other)
    nine.check(["deny * -> x/*", "allow y/* -> x/*", "allow * -> x/* tcp/80"])
    nine.apply(other)
    nine.check(["deny * -> x/*", "allow * -> x/* tcp/80"])


def test_labels_of_a_peer_change(nine):
    nine.apply(policy("p", "ns=x", ingress(peers=["ns=y"])))
    nine.label("z/a", ns="y")
    try:
        nine.check(["deny * -> x/*", "allow y/* -> x/*", "allow z/a -> x/*"])
    finally:
        nine.label("z/a", ns="z")
    nine.check(["deny * -> x/*", "allow y/* -> x/*"])


def test_labels_of_the_protected_change(nine):
    nine.apply(policy("p", "ns=x,pod=a"))
    nine.label("x/a", pod="b")
    try:
        nine.check([])
    finally:
        nine.label("x/a", pod="a")
    nine.check(["deny * -> x/a"])


def test_group_changes_its_selector(nine):
    def objects(selector):
        return [group("who", selector=selector)] + policy(
            "p", "ns=x", ingress(peers=["who"]))
    nine.apply(objects("ns=y"))
    nine.check(["deny * -> x/*", "allow y/* -> x/*"])
    nine.apply(objects("ns=z,pod=b"))
    nine.check(["deny * -> x/*", "allow z/b -> x/*"])
    nine.apply(objects("ns=nowhere"))
    nine.check(["deny * -> x/*"])
