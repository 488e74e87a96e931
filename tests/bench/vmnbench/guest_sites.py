# SPDX-License-Identifier: Apache-2.0
"""Three hosts with a guest of QEMU or libvirt that is to migrate between the
first two, and who talks to it by its address, by virtual IPs, and by a router
on the third: the same by VMN and by OVN.

Not for how it is measured (../migrate-ways), nor for VMs that are namespaces
(labs.py)."""

import os

from vmnlab import guest, netns, traffic
from vmnlab.lab import Lab
from vmnlab.netns import wait_for

from . import ovsdb
from .labs import Ovn

PORT = 80
HOSTS = ("h1", "h2")            # Between which it goes.
IFACE_ID = "6c1a5f0e-9c0b-4f55-8a7e-2f1f5f9b7c11"
MAC = "02:00:00:00:00:11"
IPS = ["10.0.1.11", "fd00:1::11"]
# Who asks, and who is denied, on h3.
OTHERS = {"peer": 13, "bad": 14}
GATEWAYS = {4: "10.0.1.1", 6: "fd00:1::1"}
OUTSIDE, OURS, FLOATING = "198.51.100.50", "198.51.100.10", "198.51.100.21"
OUTSIDE6, OURS6, FLOATING6 = "fd51::50", "fd51::10", "fd51::21"
VIPS = {4: "10.0.1.100", 6: "fd00:1::100"}
TCP_VIPS = {4: "10.0.1.101", 6: "fd00:1::101"}


def ips_of(name):
    return ["10.0.1.%d" % OTHERS[name], "fd00:1::%d" % OTHERS[name]]


class Site:
    """What both have in common: 'guest', 'peer', 'bad', and 'near', which is
    outside.  'floats' has the kinds of floating addresses that the guest may
    have, one at a time, and the address of each."""

    def _begin(self, kind):
        self.kind = kind
        self.servers = traffic.Servers()

    def _add_outside(self):
        self.near = self.lab.add_outside("near", [OUTSIDE + "/24",
                                                  OUTSIDE6 + "/64"])
        self.servers.tcp(self.near, PORT, "0.0.0.0")

    def _await_guest(self):
        self.guest.await_ready()
        self.guest.await_address(60)
        self.guest.serve(PORT)

    def floating(self, kind):
        """Gives it a floating address of that kind, or none; done when
        installed."""
        raise NotImplementedError

    def before(self, to):
        """Tells that it is to go to host 'to'."""
        raise NotImplementedError

    def after(self, to):
        """Tells that it has come there; done when all have followed."""
        raise NotImplementedError


class VmnSite(Site):
    """Nobody is told anything: the port names no host."""

    name = "VMN"
    floats = {"a floating address, IPv4": FLOATING,
              "a floating address, IPv6": FLOATING6}

    def __init__(self, vmnd, kind):
        self.lab = Lab("migv%d" % os.getpid())
        self.lab.lock(create=True)
        self.vmnd = vmnd
        self._begin(kind)

    def up(self):
        lab = self.lab
        lab.up(3, self.vmnd)
        for host in lab.hosts:
            host.add_provider_bridge()
            lab.vmnd.api.patch("hosts/" + host.name, {"provider_bridges": [
                {"physical": "dc", "bridge": "br-ex"}]})
        lab.vmnd.api.apply(self._objects(), wait="installed", timeout="60s")
        self.peer, self.bad = (lab.add_vm_of_port(name, "h3")
                               for name in OTHERS)
        self._add_outside()
        self.guest = lab.add_guest_of_port("g", HOSTS[0], guest.find_image(),
                                           kind=self.kind)
        lab.await_ports([*OTHERS, "g"])
        self._await_guest()

    @staticmethod
    def _objects():
        def of(kind, name, **spec):
            return {"type": kind, "name": name, "spec": spec}

        def balancer(name, protocol, vip):
            return of("loadbalancers", name, networks=["a"], vip=vip,
                      protocol=protocol, ports=[{"port": PORT}],
                      backends=[{"port": "g"}])

        return [
            of("networks", "out", provider={"physical": "dc"}, mtu=1500,
               subnets=[{"cidr": "198.51.100.0/24",
                         "gateway": "198.51.100.1"},
                        {"cidr": "fd51::/64", "gateway": "fd51::1"}]),
            of("networks", "a", subnets=[
                {"cidr": "10.0.1.0/24", "gateway": GATEWAYS[4], "dhcp": True},
                {"cidr": "fd00:1::/64", "gateway": GATEWAYS[6],
                 "dhcp": True}]),
            of("routers", "r", interfaces=[{"network": "a"}], external={
                "network": "out", "addresses": [OURS, OURS6],
                "gateways": [{"host": "h3"}]}),
            of("ports", "g", network="a", ips=IPS, mac=MAC,
               iface_id=IFACE_ID, labels={"role": "guest"}),
            *(of("ports", name, network="a", labels={"role": name},
                 ips=ips_of(name)) for name in OTHERS),
            *(of("groups", name, selector="role=" + name)
              for name in ("guest", *OTHERS)),
            of("policies", "p", applies_to=["guest"], rules=[
                {"direction": "ingress", "action": "allow",
                 "peers": [{"group": "peer"}, {"cidr": OUTSIDE + "/32"},
                           {"cidr": OUTSIDE6 + "/128"}]},
                {"direction": "ingress", "action": "deny"}]),
            *(balancer("udp%d" % v, "udp", VIPS[v]) for v in VIPS),
            *(balancer("tcp%d" % v, "tcp", TCP_VIPS[v]) for v in TCP_VIPS)]

    def floating(self, kind):
        api = self.lab.vmnd.api
        if kind:
            api.put("floating-ips/f", {
                "router": "r", "ip": self.floats[kind], "port": "g"},
                wait="installed")
        else:
            api.delete("floating-ips/f", wait="installed")

    def before(self, to):
        pass

    def after(self, to):
        def follows():
            status = self.lab.vmnd.api.get("ports/g")["status"]
            return (status.get("host"), status.get("migration")) == (to, None)

        wait_for("the port to follow", follows, 30)

    def down(self):
        self.servers.close()
        self.lab.down()


class OvnSite(Ovn, Site):
    """OVN is told of both hosts before, and of the new one after
    (requested-chassis, activation-strategy=rarp).  Clients know the router's
    MAC address as that of the virtual IPs: a logical switch answers for
    none."""

    _ROUTER_MAC = "02:00:00:00:ff:00"
    _DISTRIBUTED = ", distributed"
    # By a way's name.
    floats = {"a floating address, IPv4, at the gateway": FLOATING,
              "a floating address, IPv4" + _DISTRIBUTED: FLOATING,
              "a floating address, IPv6, at the gateway": FLOATING6,
              "a floating address, IPv6" + _DISTRIBUTED: FLOATING6}

    def __init__(self, vmnd, kind):
        super().__init__(vmnd, [
            (name, "h3", "02:00:00:00:00:%d" % n, ips_of(name)[0])
            for name, n in OTHERS.items()], "mig")
        self._begin(kind)

    def up(self):
        lab = self.lab
        self.start()
        for host in lab.hosts:
            host.add_provider_bridge()
            host.vsctl("set", "Open_vSwitch", ".",
                       "external_ids:ovn-bridge-mappings=dc:br-ex")
        self.peer, self.bad = (
            lab.add_vm(name, host, mac, [ip + "/24", ips_of(name)[1] + "/64"],
                       gateway=GATEWAYS[4], gateway6=GATEWAYS[6])
            for name, host, mac, ip in self.vms)
        netns.ip(self.peer.ns, *(
            "neigh replace %s lladdr %s dev eth0 nud permanent"
            % (vip, self._ROUTER_MAC)
            for vip in (*VIPS.values(), *TCP_VIPS.values())))
        self.bind()
        self._add_outside()
        self.guest = lab.add_guest(
            "g", HOSTS[0], guest.find_image(), MAC,
            [IPS[0] + "/24", IPS[1] + "/128"], IFACE_ID, kind=self.kind)
        self._await_guest()

    # The network.  --------------------------------------------------------

    def bind(self):
        self.commit(*self._ports(), *self._router(), *self._balancers(),
                    *self._rules())

    @staticmethod
    def _insert(table, uuid, **row):
        return {"op": "insert", "table": table, "uuid-name": uuid, "row": row}

    def _ports(self):
        insert = self._insert

        def addresses(mac, ips):
            return " ".join([mac, *ips])

        return [
            insert("DHCP_Options", "dhcp4", cidr="10.0.1.0/24",
                   options=ovsdb.string_map({
                       "server_id": GATEWAYS[4], "router": GATEWAYS[4],
                       "server_mac": self._ROUTER_MAC,
                       "lease_time": "3600"})),
            insert("DHCP_Options", "dhcp6", cidr="fd00:1::/64",
                   options=ovsdb.string_map({"server_id": self._ROUTER_MAC})),
            insert("Logical_Switch_Port", "g", name=IFACE_ID,
                   addresses=addresses(MAC, IPS),
                   port_security=addresses(MAC, IPS),
                   dhcpv4_options=["named-uuid", "dhcp4"],
                   dhcpv6_options=["named-uuid", "dhcp6"],
                   options=ovsdb.string_map({"requested-chassis": HOSTS[0]})),
            *(insert("Logical_Switch_Port", name, name=name,
                     addresses=addresses(mac, ips_of(name)),
                     port_security=addresses(mac, ips_of(name)))
              for name, _, mac, _ in self.vms)]

    def _router(self):
        insert = self._insert

        def to_router(name, port):
            return insert("Logical_Switch_Port", name, name=name,
                          type="router", addresses="router",
                          options=ovsdb.string_map({"router-port": port}))

        return [
            insert("Gateway_Chassis", "gc", name="rout-h3", chassis_name="h3",
                   priority=1),
            insert("Logical_Router_Port", "ra", name="ra",
                   mac=self._ROUTER_MAC, networks=["set", [
                       GATEWAYS[4] + "/24", GATEWAYS[6] + "/64"]],
                   ipv6_ra_configs=ovsdb.string_map({
                       "address_mode": "dhcpv6_stateful",
                       "send_periodic": "true"})),
            insert("Logical_Router_Port", "rout", name="rout",
                   mac="02:00:00:00:ff:01", networks=["set", [
                       OURS + "/24", OURS6 + "/64"]],
                   gateway_chassis=ovsdb.uuid_set(["gc"])),
            insert("NAT", "snat", type="snat", external_ip=OURS,
                   logical_ip="10.0.1.0/24"),
            insert("Logical_Router", "r", name="r",
                   ports=ovsdb.uuid_set(["ra", "rout"]),
                   nat=ovsdb.uuid_set(["snat"])),
            to_router("sa", "ra"), to_router("sout", "rout"),
            insert("Logical_Switch_Port", "ln", name="ln", type="localnet",
                   addresses="unknown",
                   options=ovsdb.string_map({"network_name": "dc"})),
            insert("Logical_Switch", "out", name="out",
                   ports=ovsdb.uuid_set(["sout", "ln"]))]

    def _balancers(self):
        """With them, the network that they are of."""
        def with_port(ip):
            return "%s:%d" % ("[%s]" % ip if ":" in ip else ip, PORT)

        rows = [self._insert("Load_Balancer", protocol, name=protocol,
                             protocol=protocol, vips=ovsdb.string_map({
                                 with_port(vips[4]): with_port(IPS[0]),
                                 with_port(vips[6]): with_port(IPS[1])}))
                for protocol, vips in (("udp", VIPS), ("tcp", TCP_VIPS))]
        return [*rows, self._insert(
            "Logical_Switch", "a", name="a",
            ports=ovsdb.uuid_set(["g", "sa", *OTHERS]),
            load_balancer=ovsdb.uuid_set(["udp", "tcp"]))]

    def _rules(self):
        insert = self._insert
        allowed = ["ip4.src == %s || ip6.src == %s" % tuple(ips_of("peer")),
                   "ip4.src == %s || ip6.src == %s" % (OUTSIDE, OUTSIDE6)]
        rules = [insert("ACL", "a%d" % i, direction="to-lport", priority=2000,
                        action="allow-related",
                        match="outport == @guest && (%s)" % match)
                 for i, match in enumerate(allowed)]
        rules.append(insert("ACL", "last", direction="to-lport", priority=1000,
                            action="drop", match="outport == @guest && ip"))
        return [*rules, insert(
            "Port_Group", "guest", name="guest", ports=ovsdb.uuid_set(["g"]),
            acls=ovsdb.uuid_set(rule["uuid-name"] for rule in rules))]

    def floating(self, kind):
        of_router = {"table": "Logical_Router", "where": [["name", "==", "r"]]}
        if not kind:
            found = self.nb.transact(
                {"op": "select", "table": "NAT", "columns": ["_uuid"],
                 "where": [["type", "==", "dnat_and_snat"]]})[0]["rows"]
            self.commit(*({"op": "mutate", **of_router, "mutations": [
                ["nat", "delete", row["_uuid"]]]} for row in found))
            return
        more = ({"logical_port": IFACE_ID, "external_mac": "02:00:00:00:fe:11"}
                if kind.endswith(self._DISTRIBUTED) else {})
        ip = self.floats[kind]
        self.commit(
            self._insert("NAT", "f", type="dnat_and_snat", external_ip=ip,
                         logical_ip=IPS[1] if ":" in ip else IPS[0], **more),
            {"op": "mutate", **of_router, "mutations": [
                ["nat", "insert", ovsdb.uuid_set(["f"])]]})

    # Where the guest is.  -------------------------------------------------

    def _request(self, chassis):
        self.commit({
            "op": "update", "table": "Logical_Switch_Port",
            "where": [["name", "==", IFACE_ID]],
            "row": {"options": ovsdb.string_map({
                "requested-chassis": chassis,
                "activation-strategy": "rarp"})}})

    def before(self, to):
        self._request("%s,%s" % (self.guest.host, to))

    def after(self, to):
        self._request(to)

    def down(self):
        self.servers.close()
        super().down()
