# SPDX-License-Identifier: Apache-2.0
"""Traces: what is said of packets is what becomes of real ones, and each step
is the one that Open vSwitch's own ofproto/trace takes."""

import json
import os
import random
import re
import subprocess

import pytest
from conftest import OWN_TABLES, WAIT, entry, rule, wait_quiet
from vmnlab.api import Refused
from vmnlab.daemon import find

SEED = 20261120


def trace(world, a, b, protocol="tcp", port=80, **more):
    body = dict(more, to=b, protocol=protocol, **{"from": a})
    if protocol != "icmp":
        body["port"] = port
    return world.api.call("POST", "/v1/trace", body)


# As packets do.  -------------------------------------------------------------

@pytest.fixture
def shop(world):
    """Four VMs on three hosts, with servers, a policy and a balancer."""
    world.network("net")
    servers = {"tcp": [80, 81], "udp": [53]}
    for i, (name, host) in enumerate((("cli", "h1"), ("srv", "h2"),
                                      ("two", "h3"), ("oth", "h1"))):
        world.vm(name, "net", host, "10.0.0.%d" % (i + 1),
                 labels={"role": name}, **servers)
        world.group(name, "role=" + name)
    world.policy("p", "srv", rule("ingress", "allow", ["cli"],
                                  [entry("tcp", 80), entry("icmp")]))
    world.policy("q", "oth", rule("egress", "deny", ["10.0.0.3/32"]),
                 tier="security")
    world.put("loadbalancers", "www", vip="10.0.0.100", networks=["net"],
              protocol="tcp", ports=[{"port": 80}],
              backends=[{"port": "srv"}, {"port": "two"}])
    wait_quiet(world.lab)
    return world


CASES = [("cli", "srv", "tcp", 80), ("cli", "srv", "tcp", 81),
         ("cli", "srv", "icmp", 0), ("oth", "srv", "tcp", 80),
         ("srv", "cli", "udp", 53), ("oth", "two", "tcp", 80),
         ("two", "oth", "tcp", 81), ("cli", "oth", "udp", 53)]


def test_packets_do_what_a_trace_says(shop):
    for a, b, protocol, port in CASES:
        said = trace(shop, a, b, protocol, port, reply=True)
        x, y = shop.lab.vm(a), shop.lab.vm(b)
        if said["verdict"] == "delivered":
            assert shop.reaches(x, y, port, protocol), said
        else:
            assert said["verdict"] == "dropped", said
            assert shop.blocked(x, y, port, protocol), said
    assert {trace(shop, *case)["verdict"] for case in CASES} \
        == {"delivered", "dropped"}


def test_balanced_packets_do_what_a_trace_says(shop):
    said = trace(shop, "cli", "www", reply=True)
    assert said["verdict"] == "delivered"
    assert {o["at"]["port"]: o["share"] for o in said["outcomes"]} \
        == {"srv": 0.5, "two": 0.5}
    assert shop.answers(shop.lab.vm("cli"), "10.0.0.100") in ("srv", "two")
    said = trace(shop, "oth", "www", reply=True)
    assert said["verdict"] == "dropped"
    assert {o["at"]["reason"] for o in said["outcomes"]} \
        == {"isolated", "denied by rule"}


def vmnctl(world, *args):
    done = subprocess.run(
        [find("vmnctl"), *args], stdout=subprocess.PIPE, text=True,
        env=dict(os.environ, VMNCTL_SERVER="unix:" + world.api.path),
        timeout=60)
    return done.returncode, done.stdout


def test_vmnctl_traces_now_and_after_a_change(shop, tmp_path):
    status, text = vmnctl(shop, "trace", "cli", "srv", "tcp/80", "--reply")
    assert status == 0
    assert text.startswith("delivered to srv on h2\n"), text
    assert "\nreply:\n" in text and "tunnel to h2" in text
    status, text = vmnctl(shop, "trace", "cli", "srv", "tcp/81")
    assert status == 1
    assert text.startswith("request dropped on h2: isolated\n"), text
    [last] = [line for line in text.splitlines() if "drop: isolated" in line]
    assert last.split()[:2] == ["h2", "policies/p"], text

    path = tmp_path / "open.yaml"
    path.write_text("type: policies\nname: p\nspec:\n  applies_to: [srv]\n"
                    "  rules: [{direction: ingress, action: allow}]\n")
    revision = shop.api.get("revisions", limit=1)["revision"]
    assert vmnctl(shop, "trace", "cli", "srv", "tcp/81", "--after",
                  str(path))[0] == 0
    assert vmnctl(shop, "trace", "cli", "srv", "tcp/81")[0] == 1
    assert shop.api.get("revisions", limit=1)["revision"] == revision
    path.write_text("type: policies\nname: p\nspec:\n  applies_to: [none]\n")
    assert vmnctl(shop, "trace", "cli", "srv", "tcp/81", "--after",
                  str(path))[0] == 2
    status, text = vmnctl(shop, "trace", "cli", "srv", "icmp", "-o", "json")
    assert status == 0 and json.loads(text)["verdict"] == "delivered"


def test_reachability_is_what_packets_do(shop, tmp_path):
    said = shop.api.get("reachability", network="net", protocol="tcp",
                        port=80)
    names = {k["id"]: k["ports"] for k in said["classes"]}
    assert sorted(p for ports in names.values() for p in ports) \
        == ["cli", "oth", "srv", "two"]
    cells = {(a, b): c["verdict"] for c in said["cells"]
             for a in names[c["from"]] for b in names[c["to"]]}
    for a, b, protocol, port in CASES:
        if (protocol, port) == ("tcp", 80):
            x, y = shop.lab.vm(a), shop.lab.vm(b)
            assert (shop.reaches if cells[a, b] == "delivered"
                    else shop.blocked)(x, y, 80), (a, b)

    status, text = vmnctl(shop, "reachability", "--network", "net", "tcp/80")
    assert status == 0
    rows = [line.split() for line in text.splitlines()]
    assert ["FROM", "\\", "TO", "cli", "oth", "srv", "two"] == rows[0]
    assert ["cli", "self", "yes", "yes", "yes"] in rows
    assert ["oth", "yes", "self", "no", "no"] in rows
    assert ["oth", "two", "dropped", "denied", "by", "rule",
            "firewall.verdicts/q", "rule", "0", "of", "q"] in rows

    path = tmp_path / "shut.yaml"
    path.write_text("type: policies\nname: p\nspec:\n  applies_to: [srv]\n"
                    "  rules: []\n")
    status, text = vmnctl(shop, "reachability", "tcp/80", "--after",
                          str(path))
    assert status == 1
    assert text.splitlines()[1].split() == [
        "cli", "srv", "delivered", "(firewall.verdicts/p,", "rule", "0", "of",
        "p)", "dropped:", "isolated", "(ingress,", "by", "p)",
        "(firewall.isolated/net|ingress)"], text
    assert len(text.splitlines()) == 2
    assert vmnctl(shop, "reachability", "tcp/81", "--after",
                  str(path)) == (0, "no reachability would change\n")


# As ofproto/trace does.  -----------------------------------------------------

N_MODELS = 5
N_PACKETS = 30
N_VMS = 6

# " 3. in_port=5, priority 100, cookie 0x1", on any bridge.
BRIDGE = re.compile(r'^ *bridge\("(.*)"\)$', re.M)
TABLE = re.compile(r"^ *(\d+)\. (?:.*?)priority (\d+)", re.M)
TOO_LARGE = ("199", "115")


def random_policy(rng):
    def peers():
        return rng.choice([[], [rng.choice("abc")], [rng.choice("abc")],
                           ["10.0.0.%d/%d" % (rng.choice([0, 2, 4]), 31)],
                           ["2001:db8::%d/126" % rng.choice([0, 4])],
                           [rng.choice("abc"), "10.0.0.4/30"]])

    def services():
        return rng.choice([[], [entry("tcp", 80)], [entry("icmp")],
                           [entry("tcp", 80, "1000-1100"),
                            entry("udp", 53)]])
    # Of two in one direction the second might never decide, and be refused.
    rules = [rule(direction, rng.choice(["allow", "allow", "deny"]), peers(),
                  services())
             for direction in rng.sample(["ingress", "egress"],
                                         rng.randint(1, 2))]
    return {"applies_to": [rng.choice("abc")], "rules": rules}


def random_model(world, rng):
    """Labels and policies anew.  What contradicts itself is tried again."""
    objects = []
    for i in range(N_VMS):
        labels = {g: "y" for g in "abc" if rng.random() < 0.4}
        objects.append({"type": "ports", "name": "v%d" % i, "spec": {
            "network": "net",
            "ips": ["10.0.0.%d" % (i + 1), "2001:db8::%d" % (i + 1)],
            "labels": labels, "quarantined": rng.random() < 0.1}})
    for i, tier in enumerate(("security", "platform", "application",
                              "application")):
        objects.append({"type": "policies", "name": "p%d" % i, "spec":
                        dict(random_policy(rng), tier=tier, priority=i)})
    try:
        answer = world.api.apply(objects, wait="installed", timeout=WAIT)
    except Refused as refused:
        if not re.search("never decides|can never match", str(refused)):
            raise
        random_model(world, rng)
    else:
        assert answer["receipt"]["installed"], answer


def steps_by_host(leg):
    """[(host, [(table, priority)...])] of the hosts in turn."""
    found = []
    for step in leg["steps"]:
        if step["kind"] == "lookup":
            if not found or found[-1][0] != step["host"]:
                found.append((step["host"], []))
            found[-1][1].append((step["table"], step["priority"]))
    return found


def steps_of_switch(shown):
    """The same on br-int, of what ofproto/trace wrote, but for copies that are
    taken for people, and for the way of packets that are too large for a
    tunnel, which it shows beside that of the others."""
    parts = BRIDGE.split(shown)
    return [(int(table), int(priority))
            for bridge, text in zip(parts[1::2], parts[2::2])
            if bridge == "br-int"
            for table, priority in TABLE.findall(text)
            if int(table) not in OWN_TABLES and (table, priority) != TOO_LARGE]


def flow_text(world, said, leg, host, first, macs, ofports, tuple_):
    """What ofproto/trace is to be told of the packet where it comes in."""
    a, b, protocol, sport, dport = tuple_
    ip_a, ip_b = said["from"]["ip"], said["to"]["ip"]
    place = ("in_port=%d" % ofports[a] if first else
             "in_port=40000,tun_id=%d,tun_src=%s" % (
                 world.api.get("networks/net")["status"]["vni"],
                 world.api.get("hosts/" + said["from"]["host"])
                 ["spec"]["tunnel_ip"]))
    number = {"tcp": 6, "udp": 17, "icmp": 1}[protocol]
    six = ":" in ip_a
    kind, nw, ping = (("6", "ipv6", 128) if six else ("", "nw", 8))
    if six and protocol == "icmp":
        number = 58
    text = ("%s,%s%s,dl_src=%s,dl_dst=%s,%s_src=%s,%s_dst=%s,nw_ttl=64,"
            % (place, protocol, kind, macs[a], macs[b], nw, ip_a, nw, ip_b))
    if protocol == "icmp":
        sport, dport = ping, 0
        name = "icmpv6" if six else "icmp"
        text += "%s_type=%d,%s_code=0," % (name, ping, name)
    else:
        text += "%s_src=%d,%s_dst=%d," % (protocol, sport, protocol, dport)
    return text + ("ct_state=new|trk,ct_%s_src=%s,ct_%s_dst=%s,"
                   "ct_nw_proto=%d,ct_tp_src=%d,ct_tp_dst=%d"
                   % (nw, ip_a, nw, ip_b, number, sport, dport))


def test_steps_are_those_of_ofproto_trace(world):
    rng = random.Random(SEED)
    print("seed %d" % SEED)
    world.put("networks", "net", subnets=[{"cidr": "10.0.0.0/24"},
                                          {"cidr": "2001:db8::/64"}])
    for group in "abc":
        world.group(group, group + "=y")
    vms = {}
    for i in range(N_VMS):
        name = "v%d" % i
        vms[name] = world.vm(name, "net", "h%d" % (i % 3 + 1),
                             "10.0.0.%d" % (i + 1))
    world.made += [("policies", "p%d" % i) for i in range(4)]
    hosts = {h.name: h for h in world.lab.hosts}
    macs = {n: world.api.get("ports/" + n)["status"]["mac"] for n in vms}
    ofports = {n: int(hosts["h%d" % (int(n[1:]) % 3 + 1)].vsctl(
        "--bare", "--columns=ofport", "find", "Interface",
        "external_ids:iface-id=" + n)) for n in vms}
    verdicts = {"delivered": 0, "dropped": 0}
    for _ in range(N_MODELS):
        random_model(world, rng)
        for _ in range(N_PACKETS):
            a, b = rng.sample(sorted(vms), 2)
            protocol = rng.choice(["tcp", "tcp", "udp", "icmp"])
            dport = rng.choice([80, 81, 53, 1050])
            to = rng.choice([b, "2001:db8::%d" % (int(b[1:]) + 1)])
            said = trace(world, a, to, protocol, dport,
                         destination_mac=macs[b])
            leg = said["outcomes"][0]["legs"][0]
            verdicts[said["verdict"]] += 1
            for i, (host, steps) in enumerate(steps_by_host(leg)):
                text = flow_text(world, said, leg, host, i == 0, macs,
                                 ofports, (a, b, protocol, 40000, dport))
                shown = hosts[host].appctl("ofproto/trace", "br-int", text)
                assert steps_of_switch(shown) == steps, (said, text, shown)
    assert min(verdicts.values()) > N_MODELS * N_PACKETS // 10, verdicts
