# SPDX-License-Identifier: Apache-2.0
"""Live traces to outside, from outside and over physical networks: packets go
the way that is predicted, and none goes out to a physical network unless that
is asked for."""

import pytest
from conftest import entry, rule, wait_quiet
from test_events import Reader
from test_live_trace import agreed, hosts_of, live, nothing_left, shown
from test_truth_outside import GATEWAY, NEAR, OURS, street
from vmnlab import frames
from vmnlab.api import Refused

__all__ = ["street"]            # A fixture.

# Nobody has it.
NOBODY = "198.51.100.99"


def datagrams(capture, port=53):
    """Of what came for this UDP port: from which address and port."""
    found = []
    for frame in capture.read():
        packet = frames.parse(frame)
        payload = packet.get("payload", b"")
        if packet.get("protocol") == 17 \
                and int.from_bytes(payload[2:4], "big") == port:
            found.append((packet["src_ip"],
                          int.from_bytes(payload[:2], "big")))
    return found


def leaves(said, host, source):
    """What was said of a packet that leaves so."""
    agreed(said, "delivered", host=host, port="@dc", where="outside")
    assert said["seen"]["leaves_as"].split(" -> ")[0] == source, shown(said)
    return said


def pointer_of(refused):
    return refused.value.problem["errors"][0]["pointer"]


# Each port's packets leave by the last host, with this address: of "one" by
# the gateway where it is; of "three" by that from another host, as its
# floating address; of "two" by its own host, as its own.
WAYS = (("one", ["h1"], OURS), ("three", ["h3", "h1"], "198.51.100.23"),
        ("two", ["h2"], "198.51.100.22"))


def test_packets_leave_as_is_predicted(world, street):
    for name, _, _ in WAYS:
        assert world.answers(street[name], GATEWAY, 53, "udp") == "gw"
    with frames.Capture(street["gw"].ns) as capture:
        for name, hosts, source in WAYS:
            said = leaves(live(world, name, "outside", "udp", 53,
                               source_port=40001), hosts[-1],
                          source + ":40001")
            assert hosts_of(said) == hosts and not said["delivered"]
            assert said["to"] == {"ip": GATEWAY, "port": None,
                                  "network": "out"}, said
            assert any("_src 10.0.1.1" in c for s in said["stages"]
                       for c in s.get("changes", [])), shown(said)
            leaves(live(world, name, GATEWAY, "icmp"), hosts[-1], source)
            leaves(live(world, name, GATEWAY, "sctp", 80, source_port=40002),
                   hosts[-1], source + ":40002")
        # What is asked to be sent comes behind all that was not.
        for name, hosts, source in WAYS:
            said = leaves(live(world, name, GATEWAY, "udp", 53, deliver=True,
                               source_port=50001), hosts[-1],
                          source + ":50001")
            assert said["delivered"]
            assert capture.wait(lambda f, s=source: (s, 50001) in datagrams(
                capture), 20)
        assert [port for _, port in datagrams(capture)] == [50001] * 3
    world.group("one", "role=one")
    world.policy("q", "one", rule("egress", "deny", [GATEWAY + "/32"]),
                 tier="security")
    agreed(live(world, "one", "outside", "udp", 53), "dropped", host="h1",
           owner="firewall.verdicts/q")
    assert nothing_left(world)


def test_a_next_hop_that_is_not_known_is_no_event(world, street):
    """The simulator takes it for known; nobody asks for it for a packet that
    no guest has sent."""
    assert street
    reader = Reader(world.lab.vmnd.socket, "?kinds=trace")
    wait_quiet(world.lab)
    # As long as a slow machine may take: how it ends is not as predicted.
    said = live(world, "three", NOBODY, "udp", 53, timeout=10)
    assert not said["agrees"] and said["next_hop_unknown"], shown(said)
    assert said["predicted"]["where"] == "outside"
    assert said["seen"].get("reason") == "neighbour is not known yet", \
        shown(said)
    assert "does not know the next hop's address" in said["difference"]
    # The first event is of the next one, which somebody drops.
    h1 = world.lab.host("h1")
    h1.ofctl("add-flow", "br-int", "cookie=0xbad,table=0,priority=60000,"
             "ip,nw_dst=%s,actions=drop" % GATEWAY)
    try:
        wait_quiet(world.lab)
        said = live(world, "one", GATEWAY, "udp", 53, timeout=5)
        assert not said["agrees"] and not said["next_hop_unknown"], \
            shown(said)
        assert reader.take("trace")[1]["to_ip"] == GATEWAY
    finally:
        h1.ofctl("del-flows", "br-int", "cookie=0xbad/-1")


# To whom, from whom, where it comes in, and where it goes.
INWARDS = (
    ("two", {}, "h2", ["h2"], "dropped"),
    ("three", {"source_ip": NEAR}, "h1", ["h1", "h3"], "three"),
    ("www", {"source_ip": NEAR, "port": 8000}, "h1", None, ("one", "three")),
    (OURS, {"port": 8080}, "h1", ["h1", "h3"], "three"),
    (OURS, {"port": 81}, "h1", ["h1"], "dropped"),
    ("fd01::13", {"source_ip": "fd51::50"}, "h1", ["h1", "h3"], "three"),
)


def test_packets_come_in_as_is_predicted(world, street):
    world.policy("p", "two", rule("ingress", "allow", [GATEWAY + "/32"],
                                  [entry("tcp", 443)]))
    wait_quiet(world.lab)
    with frames.Capture(street["three"].ns) as capture:
        for to, more, enters, hosts, end in INWARDS:
            said = live(world, "outside", to, **dict({"network": "out"},
                                                     **more))
            if end == "dropped":
                agreed(said, "dropped", host=enters)
            else:
                assert agreed(said, "delivered")["seen"]["port"] in end
            assert (said["from"]["host"], said["from"]["network"]) \
                == (enters, "out"), said["from"]
            assert hosts is None or hosts_of(said) == hosts, shown(said)
        agreed(live(world, "outside", "two", port=443), "delivered",
               port="two")
        agreed(live(world, "outside", "three", "sctp", 80), "delivered")
        agreed(live(world, "outside", "three", "udp", 53, deliver=True,
                    source_ip=NEAR, source_port=50001), "delivered")
        assert capture.wait(lambda f: (NEAR, 50001) in datagrams(capture), 20)
        assert not [f for f in capture.frames
                    if frames.parse(f).get("protocol") in (6, 132)]
    # The gateway answers by itself, and the answer is not sent either.
    agreed(live(world, "outside", OURS, "icmp"), "delivered")
    assert nothing_left(world)


@pytest.fixture(name="lan")
def _lan(world):
    """A network of the physical one itself: VMs on both of its hosts, and a
    machine."""
    world.provider_hosts_are("h1", "h2")
    world.put("networks", "lan", provider={"physical": "dc", "vlan": 8},
              mtu=1500, subnets=[{"cidr": "10.8.0.0/24",
                                  "gateway": "10.8.0.1"}])
    vms = {name: world.vm(name, "lan", "h%d" % n, "10.8.0.1%d" % n, udp=[53],
                          labels={"role": name})
           for n, name in ((1, "near"), (2, "far"))}
    world.group("far", "role=far")
    world.policy("p", "far", rule("ingress", "allow", ["10.8.0.0/24"],
                                  [entry("udp", 53), entry("sctp", 53)]))
    vms["box"] = world.outside("box", "10.8.0.1/24", vlan=8, udp=[53])
    wait_quiet(world.lab)
    return vms


def test_packets_cross_a_physical_network_as_is_predicted(world, lan):
    with frames.Capture(lan["far"].ns) as capture:
        for protocol in "udp", "sctp":
            said = agreed(live(world, "near", "far", protocol, 53,
                               source_port=40001), "delivered", host="h2",
                          port="far")
            assert hosts_of(said) == ["h1", "h2"] and "where" not in \
                said["seen"], shown(said)
            assert "not sent over the physical" in said["warnings"][-1], said
        agreed(live(world, "near", "far", "udp", 54), "dropped", host="h2",
               reason="isolated")
        # This one goes over it, as the trace's, and comes as its sender's.
        said = agreed(live(world, "near", "far", "udp", 53, deliver=True,
                           source_port=50001), "delivered", port="far")
        assert said["delivered"] and hosts_of(said) == ["h1", "h2"]
        assert not said.get("warnings"), said
        assert capture.wait(lambda f: datagrams(capture), 20)
        assert datagrams(capture) == [("10.8.0.11", 50001)]
        assert [frames.parse(f)["src"] for f in capture.frames
                if frames.parse(f).get("src_ip") == "10.8.0.11"
                ] == [lan["near"].mac]
        assert not [f for f in capture.frames
                    if frames.parse(f).get("protocol") == 132]
    # The physical network loses the VLAN: who does not send by it does not
    # see that.
    wire = world.lab.wire
    wire.ofctl("add-flow", "wire", "priority=9,dl_vlan=8,actions=drop")
    try:
        agreed(live(world, "near", "far", "udp", 53), "delivered", port="far")
        said = live(world, "near", "far", "udp", 53, timeout=5, deliver=True)
        assert said["seen"]["verdict"] == "lost", shown(said)
        assert "it did not come to h2" in said["difference"], shown(said)
    finally:
        wire.ofctl("--strict", "del-flows", "wire", "priority=9,dl_vlan=8")
    # Somebody there drops what comes in.
    h2 = world.lab.host("h2")
    h2.ofctl("add-flow", "br-int", "cookie=0xbad,table=0,priority=65535,"
             "dl_vlan=8,actions=drop")
    try:
        for deliver in False, True:
            said = live(world, "near", "far", "udp", 53, timeout=5,
                        deliver=deliver)
            assert said["seen"]["verdict"] == "lost", shown(said)
            assert "it did not come to h2" in said["difference"]
    finally:
        h2.ofctl("del-flows", "br-int", "cookie=0xbad/-1")
    assert nothing_left(world)


def test_packets_for_machines_of_a_physical_network_leave(world, lan):
    mac = lan["box"].mac
    with frames.Capture(lan["box"].ns) as capture:
        for to, more in (("outside", {}), ("10.8.0.1",
                                           {"destination_mac": mac})):
            leaves(live(world, "near", to, "udp", 53, source_port=40001,
                        **more), "h1", "10.8.0.11:40001")
        with pytest.raises(Refused, match="is required with") as refused:
            live(world, "near", "outside", "udp", 53, deliver=True)
        assert pointer_of(refused) == "/destination_mac"
        leaves(live(world, "near", "outside", "udp", 53, source_port=50001,
                    deliver=True, destination_mac=mac), "h1",
               "10.8.0.11:50001")
        assert capture.wait(lambda f: datagrams(capture), 20)
        assert datagrams(capture) == [("10.8.0.11", 50001)]
        # From one of them to a VM.
        agreed(live(world, "outside", "far", "udp", 53), "delivered",
               host="h2", port="far")
    assert nothing_left(world)


def test_bad_requests(world, street):
    assert street
    for field, match, more in (
            ("/network", "not found", {"network": "nowhere"}),
            ("/network", "is no provider network", {"network": "in"}),
            ("/source_ip", "must be an IPv4", {"source_ip": "fd51::9"}),
            ("/destination_mac", "cannot be combined",
             {"destination_mac": "02:00:00:00:00:09"})):
        with pytest.raises(Refused, match=match) as refused:
            live(world, "outside", "f3", **more)
        assert pointer_of(refused) == field, refused.value
    with pytest.raises(Refused, match="requires") as refused:
        live(world, "one", "three", network="out")
    assert pointer_of(refused) == "/network"
