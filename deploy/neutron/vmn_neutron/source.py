# SPDX-License-Identifier: Apache-2.0
"""What Neutron's database says at this moment, as VMN's objects.

A key is (kind, id) of an object of Neutron: "network", "port",
"security_group", "router", "floating_ip"; or SECURED.  owned() says which
objects of VMN a key may have, read() which it is to have now, and with what in
them.  Each read begins a session of its own, so it sees what was committed
before it began."""

from neutron.db.models import securitygroup as sg_models
from neutron.objects import ports as port_objects
from neutron_lib import constants
from neutron_lib import context as n_context
from neutron_lib.db import api as db_api
from neutron_lib.plugins import constants as plugin_constants
from neutron_lib.plugins import directory

from vmn_neutron import translate

SECURED = ("secured", "")

# Who refers to whom: deleted from the end, made from the start.
ORDER = ("networks", "groups", "ports", "policies", "routers", "floating-ips")


def owned(key):
    """Returns the (type, name) of all that 'key' may have in VMN."""
    kind, ident = key
    if kind == "security_group":
        return [("groups", translate.group_name(ident)),
                ("groups", translate.group_name(ident, 4)),
                ("groups", translate.group_name(ident, 6)),
                ("policies", translate.group_name(ident))]
    if kind == "secured":
        return list(translate.secured())
    return [({"network": "networks", "port": "ports", "router": "routers",
              "floating_ip": "floating-ips"}[kind], ident)]


def key_of(kind, name):
    """Returns the key that owns an object of VMN; the reverse of owned()."""
    if name == translate.SECURED:
        return SECURED
    if kind in ("groups", "policies"):
        return "security_group", name[len("sg-"):][:36]
    return {"networks": "network", "ports": "port", "routers": "router",
            "floating-ips": "floating_ip"}[kind], name


def keys_of_id(ident):
    """Returns all keys that an id of Neutron's may be in."""
    return {(kind, ident) for kind in (
        "network", "port", "security_group", "router", "floating_ip")}


def _ids(keys, kind):
    return [ident for k, ident in keys if k == kind]


class Source:
    def __init__(self, client, settings):
        self.client = client
        self.settings = settings

    @property
    def plugin(self):
        return directory.get_plugin()

    @property
    def l3(self):
        """The plugin of routers, if that is ours."""
        plugin = directory.get_plugin(plugin_constants.L3)
        return plugin if getattr(plugin, "is_vmn", False) else None

    def all_keys(self):
        context = n_context.get_admin_context()
        keys = [SECURED]
        fields = ["id"]
        keys += [("network", n["id"]) for n in
                 self.plugin.get_networks(context, fields=fields)]
        keys += [("security_group", g["id"]) for g in
                 self.plugin.get_security_groups(context, fields=fields)]
        keys += [("port", p["id"]) for p in
                 self.plugin.get_ports(context) if translate.is_vm(p)]
        if self.l3:
            keys += [("router", r["id"]) for r in
                     self.l3.get_routers(context, fields=fields)]
            keys += [("floating_ip", f["id"]) for f in
                     self.l3.get_floatingips(context, fields=fields)]
        return keys

    def read(self, keys):
        """Returns {key: {(type, name): spec}}."""
        context = n_context.get_admin_context()
        found = {key: {} for key in keys}
        if SECURED in found:
            found[SECURED] = translate.secured()
        for kind, read in (("network", self._networks),
                           ("port", self._ports),
                           ("security_group", self._security_groups),
                           ("router", self._routers),
                           ("floating_ip", self._floating_ips)):
            ids = _ids(keys, kind)
            if ids:
                for ident, objects in read(context, ids).items():
                    found[kind, ident] = objects
        return found

    def _networks(self, context, ids):
        subnets = {}
        for subnet in self.plugin.get_subnets(context,
                                              filters={"network_id": ids}):
            subnets.setdefault(subnet["network_id"], []).append(subnet)
        return {n["id"]: translate.network(n, subnets.get(n["id"], []))
                for n in self.plugin.get_networks(context,
                                                  filters={"id": ids})}

    def _ports(self, context, ids):
        hosts = {}
        for ident, host in bindings(context, ids):
            hosts.setdefault(ident, []).append(host)
        return {p["id"]: translate.port(p, hosts.get(p["id"], []))
                for p in self.ports(context, ids)}

    def ports(self, context, ids):
        return self.plugin.get_ports(context, filters={"id": list(ids)}) \
            if ids else []

    def _security_groups(self, context, ids):
        groups = self.plugin.get_security_groups(context, filters={"id": ids})
        rules = {}
        for rule in self.plugin.get_security_group_rules(
                context, filters={"security_group_id": ids}):
            rules.setdefault(rule["security_group_id"], []).append(rule)
        families = self.families(context, ids)
        members = self._members(context, list(families))
        return {g["id"]: translate.security_group(
            g, rules.get(g["id"], []), sorted(families.get(g["id"], ())),
            members.get(g["id"], [])) for g in groups}

    def families(self, context, ids):
        """Returns {id: families} of those security groups of whose members
        some rule names those of one family alone."""
        found = {}
        rules = {}
        for rule in self.plugin.get_security_group_rules(
                context, filters={"remote_group_id": list(ids)}):
            rules.setdefault(rule["security_group_id"], []).append(rule)
        for one in rules.values():
            for remote, families in translate.remote_families(one).items():
                found.setdefault(remote, set()).update(families)
        return found

    def _members(self, context, ids):
        """Returns {id: ports} of security groups."""
        if not ids:
            return {}
        model = sg_models.SecurityGroupPortBinding
        with db_api.CONTEXT_READER.using(context):
            pairs = [(b.security_group_id, b.port_id) for b in
                     context.session.query(model).filter(
                         model.security_group_id.in_(ids))]
        ports = {p["id"]: p for p in self.ports(
            context, {port for _, port in pairs})}
        found = {}
        for group, port in pairs:
            if port in ports:
                found.setdefault(group, []).append(ports[port])
        return found

    # Routers.  ------------------------------------------------------------

    def gateway_hosts(self, context, network_id):
        """Returns the hosts that may lead to an external network."""
        if self.settings.gateway_hosts:
            return [translate.host_name(h)
                    for h in self.settings.gateway_hosts]
        physical = self.plugin.get_network(context, network_id)[
            "provider:physical_network"]
        return [h["name"] for h in self.client.list("hosts")
                if any(b["physical"] == physical for b in
                       h["spec"].get("provider_bridges", []))]

    def interfaces(self, context, router_ids):
        """Returns {router: ports of its interfaces}."""
        found = {}
        for port in self.plugin.get_ports(context, filters={
                "device_id": list(router_ids),
                "device_owner": [constants.DEVICE_OWNER_ROUTER_INTF]}):
            found.setdefault(port["device_id"], []).append(port)
        return found

    def _routers(self, context, ids):
        if not self.l3:
            return {}
        interfaces = self.interfaces(context, ids)
        found, hosts = {}, {}
        for one in self.l3.get_routers(context, filters={"id": ids}):
            net = (one.get("external_gateway_info") or {}).get("network_id")
            if net and net not in hosts:
                hosts[net] = self.gateway_hosts(context, net)
            found[one["id"]] = translate.router(
                one, interfaces.get(one["id"], []), hosts.get(net, []),
                bool(self.settings.gateway_hosts))
        return found

    def _floating_ips(self, context, ids):
        if not self.l3:
            return {}
        floating = self.l3.get_floatingips(context, filters={"id": ids})
        ports = {p["id"]: p for p in self.ports(
            context, {f["port_id"] for f in floating if f["port_id"]})}
        routers = self._routers(context, list(
            {f["router_id"] for f in floating if f["router_id"]}))
        return {f["id"]: translate.floating_ip(
            f, ports.get(f["port_id"]),
            "external" in routers.get(f["router_id"], {}).get(
                ("routers", f["router_id"]), {}))
                for f in floating}

    # What belongs together.  ----------------------------------------------

    def followers(self, context, ports):
        """Returns the keys of what changes with ports (dictionaries, as they
        are and as they were)."""
        keys = set()
        groups = {g for p in ports for g in p.get("security_groups") or ()}
        if groups:
            keys |= {("security_group", g)
                     for g in self.families(context, groups)}
        if self.l3:
            ids = list({p["id"] for p in ports if translate.is_vm(p)})
            if ids:
                keys |= {("floating_ip", f["id"]) for f in
                         self.l3.get_floatingips(
                             context, filters={"port_id": ids})}
            keys |= {("router", p["device_id"]) for p in ports
                     if p["device_owner"].startswith("network:router_")}
        return keys

    def needs(self, keys):
        """Returns the keys of what those objects refer to that 'keys' have;
        and those of the ports of networks, whose addresses their subnets
        have."""
        context = n_context.get_admin_context()
        networks = _ids(keys, "network")
        found = {("port", p["id"]) for p in self.plugin.get_ports(
            context, filters={"network_id": networks})
            if translate.is_vm(p)} if networks else set()
        for objects in self.read(keys).values():
            for (kind, _), spec in objects.items():
                found |= set(_references(kind, spec))
        return found


def _references(kind, spec):
    if kind == "ports":
        yield "network", spec["network"]
    elif kind == "policies":
        for rule in spec.get("rules", ()):
            for peer in rule.get("peers", ()):
                if "group" in peer:
                    yield key_of("groups", peer["group"])
    elif kind == "routers":
        for interface in spec["interfaces"]:
            yield "network", interface["network"]
        if "external" in spec:
            yield "network", spec["external"]["network"]
    elif kind == "floating-ips":
        yield "router", spec["router"]
        yield "port", spec["port"]


def bindings(context, port_ids=None, **filters):
    """Returns [(port, host)] of bindings that Nova may plug an interface
    by."""
    if port_ids is not None:
        filters["port_id"] = list(port_ids)
    return [(b.port_id, b.host) for b in port_objects.PortBinding.get_objects(
        context, vif_type="ovs", **filters)]
