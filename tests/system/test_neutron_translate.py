# SPDX-License-Identifier: Apache-2.0
"""What Neutron's dictionaries become in VMN, and what is refused
(deploy/neutron): pure functions, without Neutron and vmnd.  test_neutron.py
has both."""

import os
import sys
import time

import pytest

from conftest import HERE

sys.path.insert(0, os.path.join(HERE, "../../deploy/neutron"))

from vmn_neutron import client, spool, translate  # noqa: E402

ID = "6c1a5f0e-9c0b-4f55-8a7e-2f1f5f9b7c11"
PROJECT = "0123456789abcdef0123456789abcdef"


def subnet(cidr, **more):
    return dict({"cidr": cidr, "gateway_ip": None, "enable_dhcp": True,
                 "dns_nameservers": [], "host_routes": [],
                 "ipv6_ra_mode": None, "ipv6_address_mode": None}, **more)


def spec_of(objects, kind, name=ID):
    return objects[kind, name]


def network(*subnets, **more):
    net = dict({"id": ID, "name": "shop", "project_id": PROJECT, "mtu": 1450,
                "provider:network_type": "vxlan",
                "provider:physical_network": None,
                "provider:segmentation_id": 5001}, **more)
    return spec_of(translate.network(net, subnets), "networks")


def test_network():
    assert network() == {
        "labels": {"neutron": "network", "neutron-project": PROJECT},
        "description": "shop", "vni": 5001, "mtu": 1450, "subnets": []}


def test_network_on_a_physical_one():
    flat = network(**{"provider:network_type": "flat",
                      "provider:physical_network": "dc",
                      "provider:segmentation_id": None})
    vlan = network(**{"provider:network_type": "vlan",
                      "provider:physical_network": "dc"})
    assert (flat["provider"], "vni" in flat) == ({"physical": "dc"}, False)
    assert vlan["provider"] == {"physical": "dc", "vlan": 5001}


@pytest.mark.parametrize("segments,text", [
    ([], "has one segment"),
    ([{"network_type": "vxlan"}] * 2, "has one segment"),
    ([{"network_type": "gre"}], "network type gre"),
    ([{"network_type": "flat", "physical_network": "Data_Centre"}],
     "Data_Centre"),
])
def test_network_is_refused(segments, text):
    with pytest.raises(translate.Unsupported, match=text):
        translate.check_network(segments)
    with pytest.raises(translate.Unsupported, match="VLAN transparency"):
        translate.check_network([{"network_type": "vxlan"}], True)


def test_subnets():
    v4 = subnet("10.0.0.0/24", gateway_ip="10.0.0.1",
                dns_nameservers=["10.0.0.54", "10.0.0.53"],
                host_routes=[{"destination": "10.9.0.0/16",
                              "nexthop": "10.0.0.9"}])
    slaac = subnet("fd00::/64", gateway_ip="fd00:0::1", ip_version=6,
                   ipv6_ra_mode="slaac", ipv6_address_mode="slaac")
    stateful = dict(slaac, cidr="fd01::/64", gateway_ip=None,
                    ipv6_ra_mode="dhcpv6-stateful",
                    ipv6_address_mode="dhcpv6-stateful")
    stateless = dict(stateful, cidr="fd02::/64",
                     ipv6_address_mode="dhcpv6-stateless")
    quiet = subnet("fd03::/64", dns_nameservers=["fd03::53"])
    assert network(v4, slaac, stateful, stateless, quiet)["subnets"] == [
        {"cidr": "10.0.0.0/24", "gateway": "10.0.0.1", "dhcp": True,
         "dhcp_options": {
             "dns": ["10.0.0.54", "10.0.0.53"],
             "routes": [{"destination": "10.9.0.0/16", "via": "10.0.0.9"}]}},
        {"cidr": "fd00::/64", "gateway": "fd00::1", "slaac": True},
        {"cidr": "fd01::/64", "dhcp": True},
        {"cidr": "fd02::/64", "slaac": True, "dhcp": True},
        {"cidr": "fd03::/64"}]
    # Options that would be told to nobody are left out.
    assert network(dict(v4, enable_dhcp=False))["subnets"] == [
        {"cidr": "10.0.0.0/24", "gateway": "10.0.0.1"}]


@pytest.mark.parametrize("wrong,text", [
    (subnet("10.0.0.1/32"), "prefixes of 8 to 31"),
    (subnet("fd00::/128"), "prefixes of 8 to 127"),
    (subnet("10.0.0.0/24", gateway_ip="10.0.1.1"), "must be in the subnet"),
    (subnet("fd00::/64", gateway_ip="fe80::1"), "must be in the subnet"),
    (subnet("10.0.0.0/24", dns_nameservers=["fd00::53"]), "must be of IPv4"),
    (subnet("fd00::/64", host_routes=[{}]), "host routes of an IPv6 subnet"),
    (subnet("fd00::/64", ipv6_address_mode="slaac"), "must be the same"),
    (subnet("10.0.0.0/24", segment_id=ID), "subnets of segments"),
])
def test_subnet_is_refused(wrong, text):
    with pytest.raises(translate.Unsupported, match=text):
        translate.check_subnet(wrong)


def port(**more):
    return dict({
        "id": ID, "name": "web-1", "project_id": PROJECT, "network_id": "net",
        "mac_address": "FA:16:3E:00:00:01", "admin_state_up": True,
        "fixed_ips": [{"ip_address": "10.0.0.11"}], "device_owner":
        "compute:nova", "security_groups": ["g1"], "status": "DOWN",
        "port_security_enabled": True, "allowed_address_pairs": [],
        "binding:vif_type": "ovs", "binding:host_id": "Node1.Example"},
        **more)


def ports_spec(hosts=(), **more):
    return spec_of(translate.port(port(**more), hosts), "ports")


def test_port():
    assert ports_spec() == {
        "labels": {"neutron": "port", "neutron-project": PROJECT,
                   "neutron-sg/g1": "", "neutron-secured": ""},
        "description": "web-1", "network": "net", "mac": "fa:16:3e:00:00:01",
        "ips": ["10.0.0.11"], "enabled": True, "iface_id": ID,
        "host": "node1.example", "dhcp_options": {"hostname":
                                                  "host-10-0-0-11"}}
    assert ports_spec(admin_state_up=False)["enabled"] is False
    assert ports_spec(["node1.example"]).get("hosts") is None
    assert ports_spec(["Node2"])["hosts"] == ["node1.example", "node2"]
    bare = ports_spec(fixed_ips=[])
    assert (bare["ips"], "dhcp_options" in bare) == ([], False)


@pytest.mark.parametrize("other", [
    {"binding:vif_type": "unbound", "binding:host_id": ""},
    {"binding:vif_type": "binding_failed"},
    {"device_owner": "network:router_interface"},
    {"device_owner": "network:router_gateway"},
    {"device_owner": "network:floatingip"},
])
def test_port_is_none_of_vmn(other):
    assert translate.port(port(**other), []) == {}


def test_addresses_that_a_port_may_use():
    pairs = [{"ip_address": "10.0.0.9", "mac_address": "fa:16:3e:00:00:01"},
             {"ip_address": "10.5.0.0/16"},
             {"ip_address": "10.0.0.8", "mac_address": "FA:16:3E:00:00:02"}]
    assert ports_spec(allowed_address_pairs=pairs)["allowed_addresses"] == [
        {"ip": "10.0.0.8", "mac": "fa:16:3e:00:00:02"}, {"ip": "10.0.0.9"},
        {"ip": "10.5.0.0/16"}]
    free = ports_spec(port_security_enabled=False, security_groups=[])
    assert free["unknown"] is True
    assert free["allowed_addresses"] == [{"ip": "0.0.0.0/0"}, {"ip": "::/0"}]
    assert "neutron-secured" not in free["labels"]


def test_port_is_refused():
    with pytest.raises(translate.Unsupported, match="61 security groups"):
        translate.check_port(port(security_groups=["g"] * 61))
    with pytest.raises(translate.Unsupported, match="parent_name"):
        translate.check_port(port(**{"binding:profile":
                                     {"parent_name": ID}}))
    translate.check_port(port())


# Security groups.  ----------------------------------------------------------

def rule(**more):
    return dict({"direction": "ingress", "ethertype": "IPv4",
                 "protocol": None, "port_range_min": None,
                 "port_range_max": None, "remote_group_id": None,
                 "remote_ip_prefix": None}, **more)


def rules(*found):
    return translate.security_group(
        {"id": "g1", "name": "g"}, found, [], [])["policies", "sg-g1"]["rules"]


@pytest.mark.parametrize("attributes,service", [
    ({"protocol": "tcp", "port_range_min": 80, "port_range_max": 80},
     {"protocol": "tcp", "ports": [80]}),
    ({"protocol": "6", "port_range_min": 80, "port_range_max": 90},
     {"protocol": "tcp", "ports": ["80-90"]}),
    ({"protocol": "udp"}, {"protocol": "udp"}),
    ({"protocol": "UDP", "port_range_min": 1, "port_range_max": 65535},
     {"protocol": "udp"}),
    ({"protocol": "132"}, {"protocol": "sctp"}),
    ({"protocol": "any"}, None),
])
def test_services_of_rules(attributes, service):
    expected = {"direction": "ingress", "action": "allow",
                "peers": [{"cidr": "0.0.0.0/0"}]}
    if service:
        expected["services"] = [service]
    assert rules(rule(**attributes)) == [expected]


def test_icmp_is_of_one_family_by_itself():
    assert rules(rule(protocol="icmp", port_range_min=8, port_range_max=0,
                      remote_group_id="g2")) == [
        {"direction": "ingress", "action": "allow",
         "peers": [{"group": "sg-g2"}], "services": [
             {"protocol": "icmp", "icmp_type": 8, "icmp_code": 0}]}]
    assert rules(rule(protocol="icmp", ethertype="IPv6")) == [
        {"direction": "ingress", "action": "allow",
         "services": [{"protocol": "icmpv6"}]}]


def test_rules_of_both_families_are_one():
    both = [rule(direction="egress", ethertype=e) for e in ("IPv4", "IPv6")]
    assert rules(*both) == [{"direction": "egress", "action": "allow"}]
    groups = [dict(r, remote_group_id="g1") for r in both]
    assert rules(*groups) == [{"direction": "egress", "action": "allow",
                               "peers": [{"group": "sg-g1"}]}]
    assert translate.remote_families(groups) == {}


def test_members_of_one_family_are_named_by_address():
    one = rule(protocol="tcp", remote_group_id="g2")
    assert rules(one)[0]["peers"] == [{"group": "sg-g2-v4"}]
    assert translate.remote_families([one]) == {"g2": {4}}
    ports = [port(fixed_ips=[{"ip_address": "10.0.0.5"},
                             {"ip_address": "fd00::5"}],
                  allowed_address_pairs=[{"ip_address": "10.7.0.0/16"}]),
             port(fixed_ips=[{"ip_address": "10.0.0.6"}],
                  **{"binding:vif_type": "unbound"})]
    found = translate.security_group({"id": "g2", "name": ""}, [], [4], ports)
    assert found["groups", "sg-g2-v4"]["cidrs"] == ["10.0.0.5/32",
                                                   "10.7.0.0/16"]
    assert found["groups", "sg-g2"]["selector"] == "neutron-sg/g2"


def test_a_group_closes_both_directions():
    found = translate.security_group({"id": "g1"}, [], [], [])
    assert found["policies", "sg-g1"] == {
        "labels": {"neutron": "security-group"}, "applies_to": ["sg-g1"],
        "directions": ["egress", "ingress"], "rules": []}
    assert rules(rule(remote_ip_prefix="10.1.2.3/16")) == [
        {"direction": "ingress", "action": "allow",
         "peers": [{"cidr": "10.1.0.0/16"}]}]


@pytest.mark.parametrize("attributes,text", [
    ({"protocol": "gre"}, "protocol gre"),
    ({"protocol": "112"}, "protocol 112"),
    ({"protocol": "icmpv6"}, "icmpv6 in a rule about IPv4"),
    ({"remote_address_group_id": ID}, "remote address groups"),
])
def test_rule_is_refused(attributes, text):
    with pytest.raises(translate.Unsupported, match=text):
        translate.check_rule(rule(**attributes))


# Routers.  ------------------------------------------------------------------

def router(interfaces=(), hosts=("h1", "h2", "h3"), preferred=False, **more):
    what = dict({"id": ID, "name": "r", "admin_state_up": True,
                 "routes": [], "external_gateway_info": None}, **more)
    return translate.router(what, interfaces, list(hosts), preferred)


def outside(*ips, **more):
    return dict({"network_id": "ext", "external_fixed_ips": [
        {"ip_address": ip} for ip in ips]}, **more)


def test_router():
    interfaces = [
        {"network_id": "n2", "fixed_ips": [{"ip_address": "10.0.2.1"}]},
        {"network_id": "n1", "fixed_ips": [{"ip_address": "10.0.1.1"}]},
        {"network_id": "n1", "fixed_ips": [{"ip_address": "fd00:0::1"}]}]
    routes = [{"destination": "10.9.0.0/16", "nexthop": "10.0.1.9"},
              {"destination": "10.9.0.0/16", "nexthop": "10.0.1.8"}]
    assert spec_of(router(interfaces, routes=routes), "routers") == {
        "labels": {"neutron": "router"}, "description": "r",
        "interfaces": [
            {"network": "n1", "addresses": ["10.0.1.1", "fd00::1"]},
            {"network": "n2", "addresses": ["10.0.2.1"]}],
        "routes": [{"destination": "10.9.0.0/16",
                    "via": ["10.0.1.8", "10.0.1.9"]}]}
    assert router(admin_state_up=False) == {}


def external(*args, **kwargs):
    return spec_of(router(*args, **kwargs), "routers").get("external")


def test_way_outside():
    both = outside("198.51.100.5", "2001:db8::5")
    found = external(external_gateway_info=both)
    assert (found["network"], found["addresses"], found["exempt"]) == (
        "ext", ["198.51.100.5", "2001:db8::5"], ["::/0"])
    found = external(external_gateway_info=outside("198.51.100.5",
                                                   enable_snat=False))
    assert found["routed"] is True and "exempt" not in found
    assert external() is None
    assert external(hosts=[], external_gateway_info=both) is None


def test_gateways_have_an_order():
    found = external(preferred=True, hosts=["h3", "h1"],
                     external_gateway_info=outside("198.51.100.5"))
    assert found["gateways"] == [{"host": "h3", "priority": 0},
                                 {"host": "h1", "priority": 1}]

    def order(router_id, names):
        return [g["host"] for g in translate.gateways(router_id, names)]
    firsts = {order("router-%d" % i, ["h1", "h2", "h3"])[0]
              for i in range(30)}
    assert firsts == {"h1", "h2", "h3"}
    for i in range(30):
        # Who is left keeps its place.
        with_all = order("router-%d" % i, ["h1", "h2", "h3"])
        assert order("router-%d" % i, ["h3", "h1"]) == [
            h for h in with_all if h != "h2"]


def test_what_routers_are_refused():
    with pytest.raises(translate.Unsupported, match="flat or vlan"):
        translate.check_gateway({"id": ID, "provider:network_type": "vxlan"})
    with pytest.raises(translate.Unsupported, match="vxlan and geneve"):
        translate.check_interface({"id": ID, "provider:network_type": "flat"})
    with pytest.raises(translate.Unsupported, match="next hop 10.0.2.9"):
        translate.check_routes([{"nexthop": "10.0.2.9"}], ["10.0.1.0/24"])
    two = port(fixed_ips=[{"ip_address": "10.0.0.5"},
                          {"ip_address": "10.0.0.6"},
                          {"ip_address": "fd00::1"}])
    with pytest.raises(translate.Unsupported, match="2 addresses of IPv4"):
        translate.check_floating_ip("10.0.0.5", two)
    translate.check_floating_ip("10.0.0.11", port())


def test_floating_ip():
    what = {"id": ID, "router_id": "r1", "floating_ip_address":
            "198.51.100.20"}
    found = translate.floating_ip(what, port(id="p1"), True)
    assert spec_of(found, "floating-ips") == {
        "labels": {"neutron": "floating-ip"}, "router": "r1",
        "ip": "198.51.100.20", "port": "p1"}
    unbound = port(**{"binding:vif_type": "unbound"})
    for args in ((None, True), (unbound, True), (port(), False)):
        assert translate.floating_ip(what, *args) == {}


# What vmnd has already.  ----------------------------------------------------

def test_what_differs():
    wanted = ports_spec(["h2"], allowed_address_pairs=[
        {"ip_address": "10.0.0.9"}])
    there = dict(wanted, quarantined=False, failover=False,
                 hosts=list(reversed(wanted["hosts"])))
    assert not translate.differs(wanted, there)
    assert translate.differs(wanted, dict(there, enabled=False))
    assert translate.differs(wanted, dict(there, quarantined=True))
    assert translate.differs(wanted, dict(there, ips=["10.0.0.12"]))
    assert translate.differs(wanted, dict(there, labels={}))
    policy = {"applies_to": ["g"], "rules": [
        {"direction": "ingress", "action": "allow"},
        {"direction": "egress", "action": "allow"}]}
    filled = dict(policy, tier="application", priority=500, mode="enforce",
                  on_change="recheck",
                  rules=[dict(r, log=False) for r in policy["rules"]])
    assert not translate.differs(policy, filled)
    assert translate.differs(policy, dict(filled, mode="shadow"))
    assert translate.differs(policy, dict(filled, rules=[]))


def test_texts_and_labels_that_vmn_does_not_take():
    spec = network(name="a\nb\u202ec\u2028\ud800" + "\u00e4" * 600,
                   project_id="no/label")
    assert spec["description"].startswith("a b c \u00e4")
    assert len(spec["description"].encode()) <= 1024
    assert spec["labels"] == {"neutron": "network"}


def test_refusals_name_their_objects():
    sent = [{"type": "ports", "name": "a"}, {"type": "ports", "name": "b"}]
    refused = client.Refused(409, {"detail": "no", "errors": [
        {"pointer": "/objects/1/spec/ips/0", "detail": "taken"},
        {"pointer": "", "detail": "more"}]}, sent)
    assert refused.objects == {("ports", "b")}
    assert "/objects/1/spec/ips/0: taken" in str(refused)


# The spool.  ----------------------------------------------------------------

def test_marks(tmp_path):
    marks = spool.Spool(str(tmp_path / "spool"))
    marks.begin(("port", "a"))
    marks.begin(("port", "a"))
    marks.begin(("network", "b"))
    assert marks.marked("port") == {("port", "a")}
    assert marks.due() == {}            # They are somebody's.
    marks.finish([("port", "a")])
    assert set(marks.due(True).values()) == {("network", "b")}
    marks.retry([("network", "b"), ("router", "c")])
    assert sorted(marks.due().values()) == [("network", "b"), ("router", "c")]
    for path in marks.due():
        spool.remove(path)
    assert marks.due(True) == {}


def test_a_mark_of_who_was_killed_is_found(tmp_path):
    marks = spool.Spool(str(tmp_path))
    marks.begin(("port", "a"))
    path, = marks.due(True)
    then = time.time() - spool.OLD_S - 1
    os.utime(path, (then, then))
    assert marks.due() == {path: ("port", "a")}
