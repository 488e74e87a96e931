# SPDX-License-Identifier: Apache-2.0
"""OpenStack's Neutron with VMN's driver (deploy/neutron): a real
neutron-server, a real vmnd, VMs and packets.  What is translated into what,
unit tests say (test_neutron_translate.py)."""

import os
import signal
import uuid

import pytest

from conftest import World, cut, check_log, wait_quiet
from dhcp_guests import Udhcpc
from neutron_server import Failed, Neutron, add_vm, await_status
from vmnlab import traffic
from vmnlab.api import Refused
from vmnlab.netns import Error, wait_for

# What Neutron's objects become in vmnd, what refers to others first.
LEFT = ("floating-ips", "routers", "policies", "ports", "groups", "networks")


@pytest.fixture(scope="module")
def neutron(module_lab, tmp_path_factory):
    server = Neutron(tmp_path_factory.mktemp("neutron"),
                     "unix:" + module_lab.vmnd.api.path)
    try:
        yield server.start()
    finally:
        server.stop()
        keep = os.environ.get("VMN_TEST_LOGS")
        if keep:
            os.makedirs(keep, exist_ok=True)
            with open(server.log, "rb") as log, open(os.path.join(
                    keep, "neutron-server.log"), "wb") as copy:
                copy.write(log.read())


class Cloud(World):
    """What a test makes in Neutron, and what it plugs.  Before and after it
    there is nothing in Neutron, and nothing of Neutron's in vmnd."""

    def __init__(self, lab, neutron):
        super().__init__(lab)
        self.neutron = neutron

    def make(self, kind, **attributes):
        return self.neutron.make(kind, **attributes)

    def net(self, cidr="10.0.0.0/24", **subnet):
        """Of IPv4, Neutron gives ports addresses from 10 to 199 at random, so
        that no port has one that a test chooses."""
        net = self.make("network", name="net")
        if cidr.endswith(".0/24"):
            subnet.setdefault("allocation_pools", [
                {"start": cidr[:-4] + "10", "end": cidr[:-4] + "199"}])
        return net, self.make("subnet", network_id=net["id"], cidr=cidr,
                              ip_version=6 if ":" in cidr else 4, **subnet)

    def port(self, net, **attributes):
        return self.make("port", network_id=net["id"], **attributes)

    def plug(self, name, port, host, tcp=(), udp=(), **more):
        vm = add_vm(self.lab, self.neutron, name, port, host, **more)
        self.own_vms.append(name)
        for any_ip in ("0.0.0.0", "::") if vm.ip6 else ("0.0.0.0",):
            for number in tcp:
                self.servers.tcp(vm, number, any_ip)
            for number in udp:
                self.servers.udp(vm, number, any_ip)
        return vm

    def there(self, kind, name):
        """The object's spec in vmnd, or None."""
        try:
            return self.api.get("%s/%s" % (kind, name))["spec"]
        except Refused as refused:
            assert refused.status == 404
            return None

    def left(self):
        """Returns what vmnd has of Neutron's, as [(type, name)]; but what it
        always has, which is what closes ports."""
        always = {"neutron-secured"} | {
            "sg-%s%s" % (g["id"], family) for family in ("", "-v4", "-v6")
            for g in self.neutron.list("security_group")}
        return [(kind, one["name"]) for kind in LEFT
                for one in self.api.get(kind, selector="neutron",
                                        limit=1000)["items"]
                if one["name"] not in always]

    def close(self):
        """Fails if something is left, and puts it away all the same: what
        comes next does not fail for it."""
        try:
            failed = self.neutron.empty()
            failed += self.neutron.empty() if failed else []
            try:
                wait_for("vmnd to be told", lambda: not self.left(), 20, 0.1)
            except Error:
                for kind, name in self.left():
                    failed.append("vmnd still has %s/%s: %s" % (
                        kind, name, self.there(kind, name)))
                    self.api.delete("%s/%s" % (kind, name))
            # Neutron may give the next network a VNI that was in use: vmnd
            # frees it when all hosts have confirmed.
            wait_quiet(self.lab)
            assert not failed, "\n".join(failed)
        finally:
            super().close()


@pytest.fixture
def cloud(module_lab, neutron):
    if module_lab.vmnd.pid() is None:
        module_lab.vmnd.start()
    if not neutron.is_running():
        neutron.stop(signal.SIGKILL)
        neutron.start()
    cloud = Cloud(module_lab, neutron)
    yield cloud
    cloud.close()
    check_log(module_lab.vmnd)


def test_vms_of_a_network_talk_over_two_hosts(cloud, neutron, tmp_path):
    net, subnet = cloud.net(dns_nameservers=["192.0.2.53"], host_routes=[
        {"destination": "198.51.100.0/24", "nexthop": "10.0.0.9"}])
    spec = cloud.there("networks", net["id"])
    assert spec["vni"] == net["provider:segmentation_id"]
    assert spec["mtu"] == net["mtu"] == 1450
    assert spec["subnets"] == [{
        "cidr": "10.0.0.0/24", "gateway": "10.0.0.1", "dhcp": True,
        "dhcp_options": {
            "dns": ["192.0.2.53"], "routes": [
                {"destination": "198.51.100.0/24", "via": "10.0.0.9"}]}}]
    one, two = (cloud.port(net, port_security_enabled=False)
                for _ in range(2))
    assert cloud.there("ports", one["id"]) is None      # Bound nowhere yet.
    a = cloud.plug("a", one, "h1")
    b = cloud.plug("b", two, "h2", tcp=[80])
    assert cloud.reaches(a, b)
    assert cloud.reaches(a, b, protocol="icmp")

    # A guest that asks gets what Neutron has for it.
    asking = cloud.port(net, port_security_enabled=False)
    c = cloud.plug("c", asking, "h2", dhcp=True)
    with Udhcpc(c, tmp_path, "-O", "mtu", "-O", "staticroutes") as client:
        told = client.wait("bound")
    assert told["ip"] == asking["fixed_ips"][0]["ip_address"]
    assert (told["router"], told["dns"]) == ("10.0.0.1", "192.0.2.53")
    assert told["mtu"] == "1450"
    assert "198.51.100.0/24 10.0.0.9" in told["staticroutes"]

    # Off and on, by the port's admin state.
    neutron.change("port", two["id"], admin_state_up=False)
    assert cloud.there("ports", two["id"])["enabled"] is False
    await_status(neutron, two["id"], "DOWN")
    cloud.settle()
    assert cloud.blocked(a, b)
    neutron.change("port", two["id"], admin_state_up=True)
    await_status(neutron, two["id"], "ACTIVE")
    assert cloud.reaches(a, b)

    # The VM ends: first its interface, then the binding.
    cloud.lab.unplug("b")
    await_status(neutron, two["id"], "DOWN")
    neutron.change("port", two["id"], **{"binding:host_id": "",
                                         "device_id": "", "device_owner": ""})
    assert cloud.there("ports", two["id"]) is None
    neutron.delete("port", one["id"])
    assert cloud.there("ports", one["id"]) is None


def test_migration_follows_the_bindings(cloud, neutron):
    """As Nova's live migration: a binding for the other host, the VM moves,
    that binding becomes the active one, the first one goes."""
    net, _ = cloud.net()
    ports = [cloud.port(net, port_security_enabled=False) for _ in range(2)]
    port = ports[0]["id"]
    vm = cloud.plug("vm", ports[0], "h1", tcp=[80])
    peer = cloud.plug("peer", ports[1], "h3")
    assert cloud.reaches(peer, vm)

    neutron.call("POST", "ports/%s/bindings" % port,
                 {"binding": {"host": "h2"}})
    wait_for("vmnd to know both hosts", lambda: cloud.there("ports", port)
             .get("hosts") == ["h1", "h2"], 20)
    assert cloud.there("ports", port)["host"] == "h1"
    cloud.lab.move("vm", "h2")
    neutron.call("PUT", "ports/%s/bindings/h2/activate" % port)
    assert cloud.there("ports", port)["host"] == "h2"
    await_status(neutron, port, "ACTIVE")
    assert neutron.get("port", port)["binding:host_id"] == "h2"
    neutron.call("DELETE", "ports/%s/bindings/h1" % port)
    wait_for("vmnd to know one host", lambda: "hosts" not in
             cloud.there("ports", port), 20)
    assert cloud.reaches(peer, vm)


def test_a_port_is_bound_only_where_vmnd_has_a_host(cloud, neutron):
    net, _ = cloud.net()
    port = cloud.port(net)
    bound = neutron.change("port", port["id"], **{"binding:host_id": "other"})
    assert bound["binding:vif_type"] == "binding_failed"
    assert cloud.there("ports", port["id"]) is None
    with pytest.raises(Failed):
        neutron.call("POST", "ports/%s/bindings" % port["id"],
                     {"binding": {"host": "another"}})


@pytest.mark.parametrize("kind,attributes,text", [
    ("network", {"provider:network_type": "local"}, "network type local"),
    ("network", {"vlan_transparent": True}, "vlan_transparent"),
    ("network", {"qos_policy_id": None}, "qos_policy_id"),
    ("network", {"segments": [
        {"provider:network_type": "vxlan",
         "provider:segmentation_id": n} for n in (5998, 5999)]}, "segments"),
])
def test_networks_that_vmn_has_not_are_refused(cloud, kind, attributes, text):
    with pytest.raises(Failed, match=text) as failed:
        cloud.make(kind, **attributes)
    assert failed.value.status == 400


@pytest.mark.parametrize("attributes,text", [
    ({"cidr": "10.0.0.1/32", "enable_dhcp": False}, "prefixes of 8 to 31"),
    ({"cidr": "fd00::/64", "ip_version": 6, "ipv6_ra_mode": "slaac"},
     "must be the same"),
    ({"cidr": "fd00::/64", "ip_version": 6,
      "host_routes": [{"destination": "fd01::/64", "nexthop": "fd00::9"}]},
     "host routes of an IPv6 subnet"),
])
def test_subnets_that_vmn_has_not_are_refused(cloud, attributes, text):
    net = cloud.make("network")
    with pytest.raises(Failed, match=text) as failed:
        cloud.make("subnet", **dict({"network_id": net["id"],
                                     "ip_version": 4}, **attributes))
    assert failed.value.status == 400
    assert cloud.there("networks", net["id"]).get("subnets", []) == []


def test_addresses_of_others_are_refused(cloud, neutron):
    """An address of a port that is somewhere is no allowed address of another
    one; one that is only kept is."""
    net, _ = cloud.net()
    here, kept, asking = (cloud.port(net) for _ in range(3))
    cloud.plug("here", here, "h1")
    with pytest.raises(Failed, match=here["id"]) as failed:
        neutron.change("port", asking["id"], allowed_address_pairs=[
            {"ip_address": here["fixed_ips"][0]["ip_address"]}])
    assert failed.value.status == 400
    address = kept["fixed_ips"][0]["ip_address"]
    neutron.change("port", asking["id"],
                   allowed_address_pairs=[{"ip_address": address}])
    cloud.plug("asking", asking, "h1")
    assert cloud.there("ports", asking["id"])["allowed_addresses"] == [
        {"ip": address}]
    with pytest.raises(Failed, match=asking["id"]):
        neutron.change("port", kept["id"], **{"binding:host_id": "h2"})


def test_nothing_is_lost_while_vmnd_is_away(cloud, neutron):
    net, _ = cloud.net()
    gone, stays = (cloud.port(net, port_security_enabled=False)
                   for _ in range(2))
    cloud.plug("gone", gone, "h1")
    a = cloud.plug("stays", stays, "h1", tcp=[80])
    cloud.lab.vmnd.kill()
    try:
        neutron.delete("port", gone["id"])
        neutron.change("port", stays["id"], name="renamed")
        fresh = cloud.port(net, port_security_enabled=False)
        other, _ = cloud.net("10.9.0.0/24")
        cloud.lab.unplug("stays")
    finally:
        cloud.lab.vmnd.start()
    # What was made meanwhile is there, what was deleted is not.
    wait_for("vmnd to be told", lambda: cloud.there("networks", other["id"])
             and not cloud.there("ports", gone["id"]), 30)
    assert cloud.there("ports", stays["id"])["description"] == "renamed"
    # What happened to interfaces meanwhile is seen, too.
    await_status(neutron, stays["id"], "DOWN", 30)
    cloud.lab.replug("stays", "h1")
    await_status(neutron, stays["id"], "ACTIVE", 30)
    b = cloud.plug("fresh", fresh, "h2")
    assert cloud.reaches(b, a)


def test_what_is_in_the_way_goes_too(cloud, neutron):
    """A slower process may bring back to vmnd for a moment what Neutron has
    deleted: see test_neutron_sync.py.  Here it is brought back for good."""
    def bring_back(net, **spec):
        name = str(uuid.uuid4())
        cloud.api.put("ports/" + name, dict(
            spec, labels={"neutron": "port"}, network=net["id"]))
        return name
    net, _ = cloud.net()
    old = bring_back(net, ips=["10.0.0.240"])
    port = cloud.port(net, fixed_ips=[{"ip_address": "10.0.0.240"}])
    neutron.change("port", port["id"], **{"binding:host_id": "h1"})
    assert cloud.there("ports", port["id"])["ips"] == ["10.0.0.240"]
    assert cloud.there("ports", old) is None
    neutron.delete("port", port["id"])
    old = bring_back(net)
    neutron.delete("network", net["id"])
    assert cloud.there("networks", net["id"]) is None
    assert cloud.there("ports", old) is None

    # What is not Neutron's stays, and the log says what it is.
    wait_quiet(cloud.lab)
    net, _ = cloud.net()
    own = str(uuid.uuid4())
    cloud.api.put("ports/" + own, {"network": net["id"]})
    try:
        neutron.delete("network", net["id"])
        assert cloud.there("networks", net["id"])
        assert cloud.there("ports", own)
        assert 'is referenced by port "%s"' % own in neutron.last_words()
    finally:
        cloud.api.delete("ports/" + own)
    # The worker would do this in half a minute.
    cloud.api.delete("networks/" + net["id"])


def test_all_is_compared_when_neutron_starts(cloud, neutron):
    """Whoever has changed something in vmnd, and whatever was lost."""
    net, _ = cloud.net()
    port = cloud.port(net, port_security_enabled=False)
    cloud.plug("vm", port, "h1")
    before = {kind: cloud.there(kind, one["id"]) for kind, one in
              (("networks", net), ("ports", port))}
    neutron.stop(signal.SIGKILL)
    cloud.api.patch("networks/" + net["id"], {"mtu": 1300})
    cloud.api.delete("ports/" + port["id"])
    cloud.api.put("networks/left-over", {"labels": {"neutron": "network"}})
    cloud.api.put("networks/own", {})
    try:
        neutron.start()
        wait_for("what is nobody's to go",
                 lambda: not cloud.there("networks", "left-over"), 30)
        assert {kind: cloud.there(kind, one["id"]) for kind, one in
                (("networks", net), ("ports", port))} == before
        assert cloud.there("networks", "own")
        await_status(neutron, port["id"], "ACTIVE")
    finally:
        cloud.api.delete("networks/own")


# Security groups.  ----------------------------------------------------------

def rule(cloud, group, direction="ingress", **attributes):
    return cloud.neutron.make("security_group_rule", **dict(
        {"security_group_id": group["id"], "direction": direction,
         "ethertype": "IPv4"}, **attributes))


def test_security_groups_decide_who_gets_in(cloud, neutron):
    net, _ = cloud.net()
    web, client = (cloud.make("security_group", name=n)
                   for n in ("web", "client"))
    served = cloud.port(net, security_groups=[web["id"]])
    asking = cloud.port(net, security_groups=[client["id"]])
    alone = cloud.port(net, security_groups=[])
    b = cloud.plug("b", served, "h2", tcp=[80, 81], udp=[53])
    a = cloud.plug("a", asking, "h1", tcp=[80])
    c = cloud.plug("c", alone, "h1", tcp=[80])
    # Nobody gets in; who is in a group gets out.
    assert cloud.blocked(a, b)
    first = rule(cloud, web, protocol="tcp", port_range_min=80,
                 port_range_max=80)
    assert cloud.reaches(a, b)
    assert cloud.blocked(a, b, 81)
    # A port in no group neither sends nor receives.
    assert cloud.blocked(c, b)
    assert cloud.blocked(a, c)
    # Of open connections, too.
    held = cloud.held(a, b)
    neutron.delete("security-group-rule", first["id"])
    cloud.settle()
    assert cut(held)
    assert cloud.blocked(a, b)

    # A remote group: its members, by the families that are named.
    rule(cloud, web, protocol="udp", remote_group_id=client["id"])
    assert cloud.there("groups", "sg-%s-v4" % client["id"])["cidrs"] == [
        a.ip + "/32"]
    assert cloud.reaches(a, b, 53, "udp")
    neutron.change("port", alone["id"], security_groups=[client["id"]])
    assert cloud.reaches(c, b, 53, "udp")
    neutron.change("port", asking["id"], security_groups=[])
    cloud.settle()
    assert cloud.blocked(a, b, 53, "udp")

    # Without port security nothing is held against it.
    neutron.change("port", alone["id"], security_groups=[],
                   port_security_enabled=False)
    neutron.change("port", asking["id"], security_groups=[],
                   port_security_enabled=False)
    assert cloud.reaches(a, c)
    # It may send from addresses that are not its own, as a router does.
    spoof(a, c)


def spoof(sender, receiver):
    """Sends from an address that nobody has, and sees it arrive."""
    sender.run("ip", "addr", "replace", "10.0.0.250/32", "dev", "eth0")
    wait_for("an answer to an address of its own", lambda: "1 received" in
             sender.run("ping", "-c1", "-W3", "-I", "10.0.0.250",
                        receiver.ip, check=False), 30)


def test_a_group_among_itself(cloud, neutron):
    """The default group: its members reach each other, and nobody else
    them."""
    net, _ = cloud.net()
    ports = [cloud.port(net) for _ in range(2)]
    assert ports[0]["security_groups"] == ports[1]["security_groups"] != []
    other = cloud.port(net, security_groups=[
        cloud.make("security_group", name="other")["id"]])
    a = cloud.plug("a", ports[0], "h1")
    b = cloud.plug("b", ports[1], "h2", tcp=[80])
    c = cloud.plug("c", other, "h2")
    assert cloud.reaches(a, b)
    assert cloud.blocked(c, b)
    # Anti-spoofing, and an address that is allowed.
    a.run("ip", "addr", "add", "10.0.0.250/32", "dev", "eth0")
    assert "0 received" in a.run("ping", "-c1", "-W1", "-I", "10.0.0.250",
                                 b.ip, check=False)
    neutron.change("port", ports[0]["id"], allowed_address_pairs=[
        {"ip_address": "10.0.0.250"}])
    spoof(a, b)


def test_rules_that_vmn_has_not_are_refused(cloud, neutron):
    group = cloud.make("security_group", name="group")
    addresses = cloud.make("address_group", name="some",
                           addresses=["192.0.2.1/32"])
    for attributes, text in (
            ({"protocol": "47"}, "protocol 47: VMN's rules are about tcp"),
            ({"remote_address_group_id": addresses["id"]},
             "remote address groups")):
        with pytest.raises(Failed, match=text) as failed:
            rule(cloud, group, **attributes)
        assert failed.value.status == 409
    assert len(neutron.get("security_group", group["id"])
               ["security_group_rules"]) == 2
    assert {r["direction"] for r in cloud.there(
        "policies", "sg-" + group["id"])["rules"]} == {"egress"}


# Routers and floating IPs.  -------------------------------------------------

def test_routers_and_floating_ips(cloud, neutron):
    cloud.provider_hosts_are("h1", "h2")
    outside = cloud.outside("customer", "198.51.100.9/24", tcp=[80])
    street = cloud.make("network", name="street", **{
        "router:external": True, "provider:network_type": "flat",
        "provider:physical_network": "dc"})
    cloud.make("subnet", network_id=street["id"], ip_version=4,
               cidr="198.51.100.0/24", gateway_ip="198.51.100.1",
               enable_dhcp=False, allocation_pools=[
                   {"start": "198.51.100.50", "end": "198.51.100.99"}])
    net, subnet = cloud.net("10.0.0.0/24")
    net2, subnet2 = cloud.net("10.0.1.0/24")
    one, two = (cloud.port(n, port_security_enabled=False)
                for n in (net, net2))
    a = cloud.plug("a", one, "h2", tcp=[80])
    b = cloud.plug("b", two, "h3", tcp=[80])
    assert cloud.unanswered(a, b.ip)

    router = cloud.make("router", name="router")
    add = {"subnet_id": subnet["id"]}, {"subnet_id": subnet2["id"]}
    for interface in add:
        neutron.call("PUT", "routers/%s/add_router_interface" % router["id"],
                     interface)
    assert cloud.reaches(a, b)
    # Out by the gateway, which translates.
    neutron.change("router", router["id"], external_gateway_info={
        "network_id": street["id"]})
    spec = cloud.there("routers", router["id"])["external"]
    assert {g["host"] for g in spec["gateways"]} == {"h1", "h2"}
    assert cloud.reaches(a, outside)
    assert cloud.reaches(b, outside)
    # In by the floating address.
    floating = neutron.make("floatingip", **{
        "floating_network_id": street["id"], "port_id": one["id"]})
    address = floating["floating_ip_address"]
    assert floating["status"] == "ACTIVE"
    assert cloud.answers(outside, address) == "a"
    floats(cloud, floating["id"], one, two, subnet2)
    assert cloud.answers(outside, address) == "b"
    refused_of_routers(cloud, router, net, street, two, floating)
    neutron.delete("floatingip", floating["id"])
    assert cloud.there("floating-ips", floating["id"]) is None
    neutron.change("router", router["id"], external_gateway_info={},
                   admin_state_up=False)
    assert cloud.there("routers", router["id"]) is None
    cloud.settle()
    assert cloud.blocked(a, b)


def test_routers_that_do_not_translate(cloud, neutron):
    """enable_snat: false has a network's own addresses outside.  IPv6 has them
    there in any case; within a network and by a router it is as IPv4."""
    cloud.provider_hosts_are("h1", "h2")
    outside = cloud.outside("customer", "198.51.100.9/24",
                            "2001:db8:1::9/64", tcp=[80])
    street = cloud.make("network", name="street", **{
        "router:external": True, "provider:network_type": "flat",
        "provider:physical_network": "dc"})
    # Neutron does not choose the address of the machine outside.
    for part in "198.51.100.", "2001:db8:1::":
        cloud.make("subnet", network_id=street["id"],
                   cidr=part + ("0/24" if "." in part else "/64"),
                   ip_version=4 if "." in part else 6, gateway_ip=part + "1",
                   enable_dhcp=False, allocation_pools=[
                       {"start": part + "50", "end": part + "99"}])
    router = cloud.make("router", name="router", external_gateway_info={
        "network_id": street["id"], "enable_snat": False})
    own = {"." in f["ip_address"]: f["ip_address"] for f in
           router["external_gateway_info"]["external_fixed_ips"]}
    for inside, via in (("10.0.0.0/16", own[True]),
                        ("2001:db8:2::/47", own[False])):
        outside.run("ip", "route", "add", inside, "via", via)

    vms = []
    for i, host in ((0, "h2"), (1, "h3")):
        net, subnet = cloud.net("10.0.%d.0/24" % i)
        subnet6 = cloud.make(
            "subnet", network_id=net["id"], cidr="2001:db8:%d::/64" % (2 + i),
            ip_version=6, ipv6_ra_mode="slaac", ipv6_address_mode="slaac")
        for one in subnet, subnet6:
            neutron.call("PUT", "routers/%s/add_router_interface"
                         % router["id"], {"subnet_id": one["id"]})
        vms += [cloud.plug("vm%d%s" % (i, at), cloud.port(
            net, port_security_enabled=False), at, tcp=[80])
            for at in ("h1", host)]
    assert cloud.there("networks", net["id"])["subnets"] == [
        {"cidr": "10.0.1.0/24", "gateway": "10.0.1.1", "dhcp": True},
        {"cidr": "2001:db8:3::/64", "gateway": "2001:db8:3::",
         "slaac": True}]                # As Neutron chooses it.
    # In a network, by the router, and from outside.
    for sender in vms[1:] + [outside]:
        for ip in vms[0].ip, vms[0].ip6:
            assert cloud.answers(sender, ip) == vms[0].name
    for ip in outside.ip, outside.ip6:
        assert cloud.answers(vms[0], ip) == "customer"
        assert seen(cloud, outside, vms[0], ip) in (vms[0].ip, vms[0].ip6)

    # IPv4 alone is translated, when it is.
    neutron.change("router", router["id"], external_gateway_info={
        "network_id": street["id"], "enable_snat": True})
    cloud.settle()
    assert cloud.unanswered(outside, vms[0].ip)
    assert seen(cloud, outside, vms[0], outside.ip) == own[True]
    assert seen(cloud, outside, vms[0], outside.ip6) == vms[0].ip6
    assert cloud.answers(outside, vms[0].ip6) == vms[0].name


def seen(cloud, outside, vm, ip):
    """Returns the address that 'vm' has outside."""
    assert cloud.answers(vm, ip) == outside.name
    found = traffic.Connection(vm, ip, 80, "tcp")
    try:
        assert found.exchange(seconds=5)
        text = outside.run("ss", "-Htn", "state", "established",
                           "sport = :80")
    finally:
        found.close()
    return text.split()[3].rsplit(":", 1)[0].strip("[]")


def floats(cloud, floating, one, two, subnet2):
    """The floating IP goes from one port to another; with its port it is
    unbound, and comes back."""
    neutron = cloud.neutron
    neutron.change("floatingip", floating, port_id=None)
    assert cloud.there("floating-ips", floating) is None
    neutron.change("floatingip", floating, port_id=two["id"])
    assert cloud.there("floating-ips", floating)["port"] == two["id"]
    neutron.change("port", two["id"], **{"binding:host_id": ""})
    assert cloud.there("floating-ips", floating) is None
    assert neutron.get("floatingip", floating)["status"] == "DOWN"
    neutron.change("port", two["id"], **{"binding:host_id": "h3"})
    assert neutron.get("floatingip", floating)["status"] == "ACTIVE"
    await_status(neutron, two["id"], "ACTIVE")


def refused_of_routers(cloud, router, net, street, two, floating):
    neutron = cloud.neutron

    def refused(text, method, path, body):
        with pytest.raises(Failed, match=text) as failed:
            neutron.call(method, path, body)
        assert failed.value.status == 400, failed.value
    refused("routers join networks of type", "PUT",
            "routers/%s/add_router_interface" % router["id"],
            {"port_id": cloud.port(street)["id"]})
    inside = cloud.make("network", **{"router:external": True})
    refused("must be of type flat or vlan", "POST", "routers", {"router": {
        "external_gateway_info": {"network_id": inside["id"]}}})
    refused("must be in a subnet of one of the router's interfaces", "PUT",
            "routers/" + router["id"], {"router": {"routes": [
                {"destination": "192.0.2.0/24",
                 "nexthop": "198.51.100.9"}]}})
    refused("has floating IP %s already" % floating["id"], "POST",
            "floatingips", {"floatingip": {
                "floating_network_id": street["id"], "port_id": two["id"]}})


def test_what_vmnd_refuses_is_taken_back(cloud, neutron):
    """Two networks with the same addresses, which routers would join by way
    of a third: Neutron sees one router at a time."""
    nets = [cloud.net(cidr) for cidr in
            ("10.0.0.0/24", "10.0.1.0/24", "10.0.0.0/24")]
    routers = [cloud.make("router", name="r%d" % i) for i in range(2)]
    made = []

    def join(router, **interface):
        made.append((router["id"], neutron.call(
            "PUT", "routers/%s/add_router_interface" % router["id"],
            interface)["port_id"]))
    join(routers[0], subnet_id=nets[0][1]["id"])
    join(routers[0], subnet_id=nets[1][1]["id"])
    join(routers[1], port_id=neutron.make(
        "port", network_id=nets[1][0]["id"])["id"])
    # By a subnet, whose port ML2 takes back, and by a port that is there.
    for interface in ({"subnet_id": nets[2][1]["id"]},
                      {"port_id": neutron.make(
                          "port", network_id=nets[2][0]["id"])["id"]}):
        with pytest.raises(Failed, match="VMN refuses it: ") as failed:
            join(routers[1], **interface)
        assert failed.value.status == 409
        ports = neutron.call("GET", "ports?device_id=" + routers[1]["id"])
        assert [p["id"] for p in ports["ports"]] == [made[-1][1]]
    assert len(cloud.there("routers", routers[1]["id"])
               ["interfaces"]) == 1
