# SPDX-License-Identifier: Apache-2.0
"""Live traces: packets that are put in at a port go the way that is predicted,
reach no guest unless that is asked for, leave nothing behind, and show what
somebody has changed on a switch."""

import http.client
import json
import os
import random
import socket
import struct
import subprocess
import sys
import threading
import time
import types

import pytest
from conftest import World, entry, rule, wait_quiet
from test_cluster_hosts import cluster_lab, use_member
from test_events import Reader
from vmnlab import frames, traffic
from vmnlab.api import Refused
from vmnlab.daemon import find
from vmnlab.netns import wait_for

SEED = 20261128
# By hand more.  vmnd begins five traces a second: 10,000 take half an hour.
PAIRS = int(os.environ.get("VMN_TEST_PAIRS", "30"))
COOKIE = "cookie=0x766d6e74"


def live(world, a, b, protocol="tcp", port=80, **more):
    body = dict({"timeout": 30}, to=b, protocol=protocol, **{"from": a})
    body.update(more)
    if protocol not in ("icmp", "icmpv6"):
        body["port"] = port
    while True:
        try:
            return world.api.call("POST", "/v1/live-trace", body)
        except Refused as refused:
            if refused.status != 429:
                raise
        time.sleep(0.2)         # Of so many a second.


def shown(said):
    return json.dumps(said, indent=1)


def agreed(said, verdict, **seen):
    """Returns what was said of a packet whose way is as predicted."""
    assert said["agrees"] and "difference" not in said, shown(said)
    assert said["seen"] == dict(said["predicted"]), shown(said)
    assert said["seen"]["verdict"] == verdict, shown(said)
    for key, value in seen.items():
        assert said["seen"].get(key) == value, shown(said)
    assert {s["result"] for s in said["stages"]} == {"same"}, shown(said)
    return said


def hosts_of(said):
    found = []
    for stage in said["stages"]:
        if stage["host"] not in found:
            found.append(stage["host"])
    return found


def nothing_left(world):
    """Whether no host has a flow of a trace any more."""
    return not any(COOKIE in host.ofctl("dump-flows", "br-int")
                   for host in world.lab.hosts)


def source_port(frame):
    """Of a TCP packet; else None."""
    packet = frames.parse(frame)
    return (int.from_bytes(packet["payload"][:2], "big")
            if packet.get("protocol") == 6 else None)


@pytest.fixture
def shop(world):
    world.put("networks", "net", subnets=[{"cidr": "10.0.0.0/24"},
                                          {"cidr": "2001:db8::/64"}])
    for i, (name, host) in enumerate((("cli", "h1"), ("srv", "h2"),
                                      ("two", "h3"), ("oth", "h1"))):
        world.vm(name, "net", host,
                 ["10.0.0.%d" % (i + 1), "2001:db8::%d" % (i + 1)],
                 labels={"role": name})
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


def test_ways_are_as_predicted(shop):
    said = agreed(live(shop, "cli", "srv"), "delivered", host="h2",
                  port="srv")
    assert hosts_of(said) == ["h1", "h2"] and not said["delivered"]
    assert [s["stage"] for s in said["stages"]][0] == "overlay.admit"
    said = agreed(live(shop, "cli", "oth"), "delivered", host="h1",
                  port="oth")
    assert hosts_of(said) == ["h1"]
    agreed(live(shop, "cli", "srv", "icmp"), "delivered", port="srv")
    agreed(live(shop, "cli", "2001:db8::3", "udp", 53), "delivered",
           port="two", host="h3")
    agreed(live(shop, "cli", "2001:db8::3", "icmpv6"), "delivered",
           port="two")
    # By policies, of the receiver and of the sender.
    agreed(live(shop, "cli", "srv", port=81), "dropped", host="h2",
           reason="isolated")
    agreed(live(shop, "oth", "two"), "dropped", host="h1",
           reason="denied by rule", owner="firewall.verdicts/q")
    # By whoever it says that it is.
    mac = shop.api.get("ports/srv")["status"]["mac"]
    for forged in ({"source_ip": "10.0.0.77"},
                   {"source_mac": "02:00:00:00:00:77"}):
        agreed(live(shop, "cli", "srv", destination_mac=mac, **forged),
               "dropped", host="h1", reason="spoofed")
        with pytest.raises(Refused, match="nothing would be sent"):
            live(shop, "cli", "srv", **forged)
    # By a balancer: the port is chosen by chance, and so is the backend.
    said = agreed(live(shop, "cli", "www"), "delivered")
    assert said["seen"]["port"] in ("srv", "two")
    assert any("ip_dst 10.0.0.100 -> " in c for s in said["stages"]
               for c in s.get("changes", [])), shown(said)
    assert nothing_left(shop)


def test_packets_that_are_rejected_or_logged_are_followed(shop):
    """No guest is told of the first, and both have their marks again after
    they were sampled."""
    rejects = rule("ingress", "reject", ["cli"], [entry("tcp", 90)])
    logs = dict(rule("ingress", "allow", ["cli"], [entry("tcp", 91)]),
                log=True)
    shop.policy("r", "srv", rejects, logs, tier="security", priority=900)
    wait_quiet(shop.lab)
    cli, srv = shop.lab.vm("cli"), shop.lab.vm("srv")
    with frames.Capture(cli.ns) as to_cli, frames.Capture(srv.ns) as to_srv:
        agreed(live(shop, "cli", "srv", port=90, source_port=1001),
               "dropped", host="h2", owner="firewall.verdicts/r")
        for _ in range(3):
            agreed(live(shop, "cli", "srv", port=91, source_port=1002),
                   "delivered", port="srv")
        agreed(live(shop, "cli", "srv", source_port=1000, deliver=True),
               "delivered")
        assert to_srv.wait(lambda f: source_port(f) == 1000, 20)
        assert not {1001, 1002} & {source_port(f) for f in to_srv.frames}
        assert not {90, 91} & {source_port(f) for f in to_cli.frames}


def test_routed_packets_are_followed(world):
    for i, (network, host) in enumerate((("one", "h1"), ("far", "h2"))):
        world.put("networks", network, subnets=[
            {"cidr": "10.%d.0.0/24" % i, "gateway": "10.%d.0.1" % i},
            {"cidr": "2001:db8:%d::/64" % i,
             "gateway": "2001:db8:%d::1" % i}])
        world.vm("on-" + network, network, host,
                 ["10.%d.0.9" % i, "2001:db8:%d::9" % i])
    world.put("routers", "r", interfaces=[{"network": "one"},
                                          {"network": "far"}])
    wait_quiet(world.lab)
    for to in "10.1.0.9", "2001:db8:1::9":
        said = agreed(live(world, "on-one", to), "delivered", host="h2",
                      port="on-far")
        assert any("nw_ttl 64 -> 63" in c for s in said["stages"]
                   for c in s.get("changes", [])), shown(said)
    with pytest.raises(Refused, match="the network itself answers"):
        live(world, "on-one", "10.0.0.1", "icmp")
    agreed(live(world, "on-one", "10.0.0.1", "icmp", deliver=True,
                timeout=5), "delivered", port="on-one")
    assert nothing_left(world)


def test_a_guest_gets_the_packet_only_if_asked(shop):
    srv = shop.lab.vm("srv")
    with frames.Capture(srv.ns) as capture:
        for _ in range(3):
            agreed(live(shop, "cli", "srv"), "delivered")
        said = agreed(live(shop, "cli", "srv", source_port=5555,
                           deliver=True), "delivered", port="srv")
        assert said["delivered"]
        # What was sent before would have come before.
        assert capture.wait(lambda f: source_port(f) == 5555, 20)
        assert [source_port(f) for f in capture.frames
                if source_port(f)] == [5555]


def test_sctp_is_begun_as_by_a_guest(shop):
    """With a chunk and a checksum that conntrack takes for real."""
    shop.policy("s", "srv", rule("ingress", "allow", ["cli"],
                                 [entry("sctp", 90)]), tier="security",
                priority=900)
    wait_quiet(shop.lab)
    srv = shop.lab.vm("srv")
    for to in "srv", "2001:db8::2":
        agreed(live(shop, "cli", to, "sctp", 90), "delivered", host="h2",
               port="srv")
        agreed(live(shop, "cli", to, "sctp", 91), "dropped", host="h2",
               reason="isolated")
    with frames.Capture(srv.ns) as capture:
        for to in "srv", "2001:db8::2":
            agreed(live(shop, "cli", to, "sctp", 90, source_port=5555,
                        deliver=True), "delivered")
        for kind in frames.ETH_IP, frames.ETH_IPV6:
            frame = capture.wait(lambda f, k=kind: frames.parse(f)["kind"] == k
                                 and frames.parse(f).get("protocol") == 132,
                                 20)
            packet = frames.parse(frame)["payload"]
            assert struct.unpack("!HHL", packet[:8]) == (5555, 90, 0)
            assert packet[12] == traffic.SCTP_INIT and len(packet) == 32
            assert packet[8:12] == struct.pack(
                "<I", traffic.crc32c(packet[:8] + bytes(4) + packet[12:]))


class Calls:
    """New TCP connections from cli to srv, one after the other, which a
    switch has cached flows for."""

    def __init__(self, world):
        self.addresses = {name: world.lab.vm(name).ns for name in
                          ("cli", "srv")}
        self.log = open(os.path.join(world.lab.dir, "calls"), "w+",
                        encoding="utf-8")
        self.processes = []

    def _run(self, name, code):
        self.processes.append(subprocess.Popen(
            ["ip", "netns", "exec", self.addresses[name], sys.executable,
             "-c", code], stdout=self.log, stderr=self.log))

    def n(self):
        with open(self.log.name, encoding="utf-8") as file:
            return file.read().count("called")

    def __enter__(self):
        self._run("srv", "import socket\n"
                  "s = socket.create_server(('10.0.0.2', 80))\n"
                  "while True: s.accept()[0].close()\n")
        self._run("cli", "import socket, time\n"
                  "while True:\n"
                  "  try:\n"
                  "    socket.create_connection(('10.0.0.2', 80), 2).close()\n"
                  "    print('called', flush=True)\n"
                  "  except OSError: pass\n"
                  "  time.sleep(0.02)\n")
        wait_for("connections", lambda: self.n() > 20, 30)
        return self

    def __exit__(self, *unused):
        for process in self.processes:
            process.kill()
            process.wait()
        self.log.close()


def test_without_its_flows_the_packet_goes_nowhere(shop):
    """As vmnd puts it in, but for the VNI."""
    host, cli, oth = (shop.lab.host("h1"), shop.lab.vm("cli"),
                      shop.lab.vm("oth"))
    ofport = host.vsctl("get", "interface", cli.link, "ofport").strip()

    def put_in(port, *actions):
        packet = frames.udp(oth.mac, cli.mac, "10.0.0.1", "10.0.0.4", port, 9,
                            b"?")
        host.ofctl("packet-out", "br-int", "in_port=%s,packet=%s,actions=%s"
                   % (ofport, packet.hex(), ",".join(actions)))

    def seen(frame, port):
        packet = frames.parse(frame)
        return packet.get("protocol") == 17 \
            and int.from_bytes(packet["payload"][:2], "big") == port

    with frames.Capture(oth.ns) as capture:
        put_in(1001, "set_field:16777214->tun_id", "resubmit(40000,0)")
        put_in(1000, "resubmit(%s,0)" % ofport)
        assert capture.wait(lambda f: seen(f, 1000), 20)
        assert not any(seen(f, 1001) for f in capture.frames)


def test_no_packet_is_delivered_beside_those_of_guests(shop):
    """Though the switches have cached what they do with such packets."""
    with Calls(shop), frames.Capture(shop.lab.vm("srv").ns) as capture:
        for i in range(20):
            agreed(live(shop, "cli", "srv", source_port=1001 + i),
                   "delivered")
        agreed(live(shop, "cli", "srv", source_port=1000, deliver=True),
               "delivered")
        assert capture.wait(lambda f: source_port(f) == 1000, 20)
        # That cli's kernel resets it, of which it knows nothing, is no matter.
        ports = {source_port(f) for f in capture.frames}
        assert not ports & set(range(1001, 1021)), ports


def test_what_was_changed_on_a_switch_is_a_difference(shop):
    h2 = shop.lab.host("h2")
    reader = Reader(shop.lab.vmnd.socket, "?kinds=trace")
    agreed(live(shop, "cli", "srv"), "delivered")
    # Somebody drops what is for srv, before the flows that are VMN's.
    h2.ofctl("add-flow", "br-int", "cookie=0xbad,table=64,priority=60000,"
             "ip,nw_dst=10.0.0.2,actions=drop")
    try:
        said = live(shop, "cli", "srv", timeout=5)
        assert not said["agrees"] and not said["changing"], shown(said)
        assert said["seen"]["verdict"] == "lost", shown(said)
        lost = ("it came to stage overlay.locate on h2, but not to the next "
                "one, firewall.track")
        assert said["difference"] == lost, shown(said)
        event = reader.take("trace")[1]
        assert (event["from"], event["to_port"], event["difference"]) \
            == ("cli", "srv", said["difference"])
        done = vmnctl(shop, "trace", "cli", "srv", "tcp/80", "--live")
        assert done[0] == 1
        assert done[1].startswith("FIRST DIFFERENCE: %s\n" % lost), done[1]
    finally:
        h2.ofctl("del-flows", "br-int", "cookie=0xbad/-1")
    agreed(live(shop, "cli", "srv"), "delivered")


def test_what_a_switch_lets_pass_is_not_delivered(shop):
    """Though it was to be dropped."""
    h2, srv = shop.lab.host("h2"), shop.lab.vm("srv")
    table = next(s["table"] for s in live(shop, "cli", "srv")["stages"]
                 if s["stage"] == "loadbalancer.unbalance")
    h2.ofctl("add-flow", "br-int", "cookie=0xbad,table=114,priority=65510,"
             "tcp,tp_dst=81,actions=resubmit(,%d)" % table)
    try:
        with frames.Capture(srv.ns) as capture:
            said = live(shop, "cli", "srv", port=81, timeout=5)
            assert said["predicted"]["verdict"] == "dropped", shown(said)
            assert said["seen"] == {"verdict": "delivered", "host": "h2",
                                    "port": "srv"}, shown(said)
            assert "loadbalancer.unbalance on h2, which was not predicted" \
                in said["difference"], shown(said)
            # That it is a guest's way now is seen by one that is delivered.
            live(shop, "cli", "srv", port=81, timeout=5, source_port=5555,
                 deliver=True)
            assert capture.wait(lambda f: source_port(f) == 5555, 20)
            assert [source_port(f) for f in capture.frames
                    if source_port(f)] == [5555]
    finally:
        h2.ofctl("del-flows", "br-int", "cookie=0xbad/-1")


def vmnctl(world, *args):
    done = subprocess.run(
        [find("vmnctl"), *args], stdout=subprocess.PIPE, text=True,
        env=dict(os.environ, VMNCTL_SERVER="unix:" + world.api.path),
        timeout=60)
    return done.returncode, done.stdout


def random_objects(rng, names):
    """Ports' labels, and policies, anew."""
    objects = []
    for i, name in enumerate(names):
        objects.append({"type": "ports", "name": name, "spec": {
            "network": "net",
            "ips": ["10.0.0.%d" % (i + 1), "2001:db8::%d" % (i + 1)],
            "labels": {g: "y" for g in "abc" if rng.random() < 0.4},
            "quarantined": rng.random() < 0.1}})
    for i, (tier, direction) in enumerate((("security", "ingress"),
                                           ("application", "egress"),
                                           ("application", "ingress"))):
        objects.append({"type": "policies", "name": "p%d" % i, "spec": {
            "tier": tier, "priority": i, "applies_to": [rng.choice("abc")],
            "rules": [rule(direction, "allow" if i else "deny",
                           [rng.choice("abc")],
                           [entry("tcp", 80), entry("icmp")])]}})
    return objects


def test_random_pairs_agree_with_the_simulator(world):
    print("seed %d" % SEED)
    rng = random.Random(SEED)
    world.put("networks", "net", subnets=[{"cidr": "10.0.0.0/24"},
                                          {"cidr": "2001:db8::/64"}])
    for group in "abc":
        world.group(group, group + "=y")
    names = ["v%d" % i for i in range(6)]
    for i, name in enumerate(names):
        world.vm(name, "net", "h%d" % (i % 3 + 1),
                 ["10.0.0.%d" % (i + 1), "2001:db8::%d" % (i + 1)])
    world.made += [("policies", "p%d" % i) for i in range(3)]
    macs = {n: world.api.get("ports/" + n)["status"]["mac"] for n in names}
    verdicts = {}
    start = time.monotonic()
    for n in range(PAIRS):
        if n % 30 == 0:
            answer = world.api.apply(random_objects(rng, names),
                                     wait="installed", timeout="60s")
            assert answer["receipt"]["installed"], answer
        a, b = rng.sample(names, 2)
        to = rng.choice([b, "2001:db8::%d" % (int(b[1:]) + 1)])
        said = live(world, a, to, rng.choice(["tcp", "tcp", "udp", "icmp"]),
                    rng.choice([80, 81]), destination_mac=macs[b])
        assert said["agrees"], print(n, shown(said))
        verdict = said["seen"]["verdict"]
        verdicts[verdict] = verdicts.get(verdict, 0) + 1
    print("%d pairs as predicted in %.0f s: %s"
          % (PAIRS, time.monotonic() - start, verdicts))
    assert min(verdicts.get(v, 0) for v in ("delivered", "dropped")) > 0
    assert nothing_left(world)


DROP = "cookie=0xbad,table=64,priority=60000,ip,nw_dst=10.0.0.2,actions=drop"


def trace_flows(host):
    """Matches and actions, without counters."""
    return sorted(line.split(" priority=")[1] for line in
                  host.ofctl("dump-flows", "br-int").splitlines()
                  if COOKIE in line)


def hangs(world):
    """A client that waits for a trace which takes 30 s."""
    client = socket.socket(socket.AF_UNIX)
    client.connect(world.api.path)
    body = json.dumps({"from": "cli", "to": "srv", "protocol": "tcp",
                       "port": 80, "timeout": 30})
    client.sendall(("POST /v1/live-trace HTTP/1.1\r\nHost: vmnd\r\n"
                    "Content-Type: application/json\r\n"
                    "Content-Length: %d\r\n\r\n%s"
                    % (len(body), body)).encode())
    return client


class Lost:
    """Traces that are under way for some seconds, as h2 drops their
    packets."""

    def __init__(self, world, timeout, n=1):
        self.host = world.lab.host("h2")
        self.world = world
        self.said = []
        self.refused = []
        self.threads = [threading.Thread(target=self._run, args=(timeout,))
                        for _ in range(n)]

    def _run(self, timeout):
        try:
            self.said.append(live(self.world, "cli", "srv", timeout=timeout))
        except Refused as refused:
            self.refused.append(refused)
        except (OSError, http.client.HTTPException):
            pass                # vmnd was killed.

    def __enter__(self):
        self.host.ofctl("add-flow", "br-int", DROP)
        for thread in self.threads:
            thread.start()
        wait_for("the trace's flows", lambda: not nothing_left(self.world),
                 20)
        return self

    def __exit__(self, *unused):
        for thread in self.threads:
            thread.join()
        self.host.ofctl("del-flows", "br-int", "cookie=0xbad/-1")


def test_an_audit_leaves_a_trace_alone(shop):
    h2 = shop.lab.host("h2")
    h2.ofctl("add-flow", "br-int", DROP)
    client = hangs(shop)
    wait_for("the trace's flows", lambda: not nothing_left(shop), 20)
    wait_for("the packet", lambda: "n_packets=0" not in
             h2.ofctl("dump-flows", "br-int", "cookie=0xbad/-1"), 20)
    # One of somebody else's is not a trace's, whatever its cookie.
    h2.ofctl("add-flow", "br-int", COOKIE + "00000000,table=199,"
             "priority=65535,tun_id=77777,actions=drop")
    flows = {host.name: trace_flows(host) for host in shop.lab.hosts}
    assert flows["h1"] and flows["h2"] and not flows["h3"], flows
    for name in "h1", "h2":
        found = shop.api.call("POST", "/v1/hosts/%s/audit" % name)
        assert bool(found["differences"]) == (name == "h2"), found
        wait_for("the repair", lambda: COOKIE + "00000000" not in
                 shop.lab.host("h2").ofctl("dump-flows", "br-int")
                 or name == "h1", 20)
        assert trace_flows(shop.lab.host(name)) \
            == [f for f in flows[name] if "tun_id=0x12fd1" not in f]
    # Its client hangs up: the packet is nobody's any more.
    client.close()
    wait_for("the trace's flows to go", lambda: nothing_left(shop), 20)
    agreed(live(shop, "cli", "srv"), "delivered")


def test_a_trace_ends_with_vmnd(shop):
    """Its flows go by themselves.  The one afterwards is in the audit log."""
    vmnd = shop.lab.vmnd
    audit, usual = os.path.join(shop.lab.dir, "audit"), vmnd.args
    with Lost(shop, 1) as lost:
        vmnd.kill()
        assert not nothing_left(shop)
    assert not lost.said
    wait_for("the trace's flows to go", lambda: nothing_left(shop), 40)
    vmnd.args = lambda: usual() + ["--audit-log=" + audit]
    vmnd.start()
    shop.lab.await_synced()
    agreed(live(shop, "cli", "srv"), "delivered")
    with open(audit, encoding="utf-8") as file:
        last = [json.loads(line) for line in file][-1]
    assert last["action"].startswith(
        "live trace from port cli to srv: tcp,"), last
    assert last["who"] and last["time"] and "revision" not in last, last


def test_no_more_than_four_at_a_time(shop):
    with Lost(shop, 5, n=8) as lost:
        pass
    assert len(lost.said) + len(lost.refused) == 8
    assert {said["seen"]["verdict"] for said in lost.said} == {"lost"}
    assert lost.refused
    for refused in lost.refused:
        assert refused.status == 503 and "4 other" in str(refused), refused
    agreed(live(shop, "cli", "oth"), "delivered")
    assert nothing_left(shop)


def test_any_member_of_a_cluster_is_asked():
    """A standby relays the trace to the writer, which puts the packet in."""
    with cluster_lab("clt", 2) as (lab, cluster):
        writer = cluster.writer()
        use_member(lab, writer)
        writer.api.apply([lab.host_object(h) for h in lab.hosts])
        lab.await_synced()
        world = World(lab)
        world.network("net")
        for i, name in enumerate(("cli", "srv"), 1):
            world.vm(name, "net", "h%d" % i, "10.0.0.%d" % i)
        for member in cluster.members:
            wait_for("%s to follow" % member.name,
                     lambda m=member: cluster.follows(m), 60)
            place = types.SimpleNamespace(api=member.api)
            agreed(live(place, "cli", "srv"), "delivered", host="h2")
            agreed(live(place, "srv", "cli"), "delivered", host="h1")
        assert nothing_left(world)
        world.close()
