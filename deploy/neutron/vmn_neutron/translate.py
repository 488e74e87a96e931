# SPDX-License-Identifier: Apache-2.0
"""From Neutron's dictionaries to VMN's objects: pure functions, which know
neither Neutron's code nor vmnd.  What they return is {(type, name): spec}.

The check_...() raise Unsupported for what VMN cannot do.  The driver calls
them before Neutron commits, so that the API refuses it; what is translated
has passed them.

Names follow from Neutron's ids: networks, ports, routers and floating IPs
have the id itself, what a security group is made of has "sg-ID".  All have the
label "neutron", by which the driver knows its own."""

import hashlib
import ipaddress
import re

LABEL = "neutron"
PROJECT_LABEL = "neutron-project"
SECURED_LABEL = "neutron-secured"
GROUP_PREFIX = "neutron-sg/"
SECURED = "neutron-secured"
GROUPS_MAX = 60                 # A port of VMN has 64 labels at most.

_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_NOT_IN_TEXTS = re.compile("[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e"
                           "\u2066-\u2069\ud800-\udfff]+")
_ANYWHERE = {4: "0.0.0.0/0", 6: "::/0"}

_OVERLAYS = ("vxlan", "geneve")
_PHYSICAL = ("flat", "vlan")


class Unsupported(Exception):
    """VMN cannot do what is asked for; the text says what."""


def _head(kind, what, **labels):
    """What all objects have."""
    project = what.get("project_id") or what.get("tenant_id") or ""
    labels[LABEL] = kind
    if _LABEL_VALUE.fullmatch(project):
        labels[PROJECT_LABEL] = project
    text = _NOT_IN_TEXTS.sub(" ", what.get("name") or "")
    head = {"labels": labels}
    if text:
        head["description"] = text.encode()[:1024].decode(errors="ignore")
    return head


def address(text):
    return str(ipaddress.ip_address(text))


def prefix(text):
    return str(ipaddress.ip_network(text, strict=False))


def version(text):
    return ipaddress.ip_network(text, strict=False).version


def host_name(host):
    """The name of a host in VMN, of a host in Neutron."""
    return host.lower()


# Networks.  ------------------------------------------------------------------

def check_network(segments, transparent=False):
    """'segments' are those of a network, as ML2 has them."""
    if len(segments) != 1:
        raise Unsupported("a network of VMN has one segment, and not %d"
                          % len(segments))
    kind = segments[0]["network_type"]
    if kind not in _OVERLAYS + _PHYSICAL:
        raise Unsupported("network type %s: VMN has %s" % (
            kind, ", ".join(_OVERLAYS + _PHYSICAL)))
    physical = segments[0].get("physical_network")
    if kind in _PHYSICAL and not re.fullmatch("[a-z0-9.-]{1,32}",
                                              physical or ""):
        raise Unsupported("physical network %r: VMN's names are 1 to 32 of "
                          "a-z, 0-9, '.' and '-'" % physical)
    if transparent:
        raise Unsupported("VLAN transparency: VMN's networks carry VLANs "
                          "only as trunks do")


def check_subnet(subnet):
    cidr = ipaddress.ip_network(subnet["cidr"])
    longest = {4: 31, 6: 127}[cidr.version]
    if not 8 <= cidr.prefixlen <= longest:
        raise Unsupported("subnet %s: VMN's have prefixes of 8 to %d bits"
                          % (cidr, longest))
    gateway = subnet.get("gateway_ip")
    if gateway and ipaddress.ip_address(gateway) not in cidr:
        raise Unsupported("gateway %s: must be in the subnet, %s"
                          % (gateway, cidr))
    for server in subnet.get("dns_nameservers") or ():
        if version(server) != cidr.version:
            raise Unsupported("DNS server %s: must be of IPv%d, as the subnet"
                              % (server, cidr.version))
    if cidr.version == 6:
        if subnet.get("host_routes"):
            raise Unsupported("host routes of an IPv6 subnet: VMN tells "
                              "routes by DHCPv4 alone")
        modes = {subnet.get(mode) or None
                 for mode in ("ipv6_ra_mode", "ipv6_address_mode")}
        if len(modes) > 1:
            raise Unsupported("ipv6_ra_mode and ipv6_address_mode must be the "
                              "same: VMN's routers and servers advertise both")
    if subnet.get("segment_id"):
        raise Unsupported("subnets of segments (routed provider networks)")


def _subnet(subnet):
    cidr = ipaddress.ip_network(subnet["cidr"])
    found = {"cidr": str(cidr)}
    if subnet.get("gateway_ip"):
        found["gateway"] = address(subnet["gateway_ip"])
    mode = subnet.get("ipv6_address_mode")
    if cidr.version == 4 and subnet.get("enable_dhcp"):
        found["dhcp"] = True
    if mode in ("slaac", "dhcpv6-stateless"):
        found["slaac"] = True
    if mode in ("dhcpv6-stateful", "dhcpv6-stateless"):
        found["dhcp"] = True
    if not (found.get("dhcp") or found.get("slaac")):
        return found
    options = {}
    if subnet.get("dns_nameservers"):
        options["dns"] = [address(a) for a in subnet["dns_nameservers"]]
    if subnet.get("host_routes"):
        options["routes"] = sorted(
            ({"destination": prefix(r["destination"]),
              "via": address(r["nexthop"])} for r in subnet["host_routes"]),
            key=str)
    if options:
        found["dhcp_options"] = options
    return found


def network(net, subnets):
    spec = _head("network", net)
    kind = net["provider:network_type"]
    if kind in _OVERLAYS:
        spec["vni"] = int(net["provider:segmentation_id"])
    else:
        spec["provider"] = {"physical": net["provider:physical_network"]}
        if kind == "vlan":
            spec["provider"]["vlan"] = int(net["provider:segmentation_id"])
    if net.get("mtu"):
        spec["mtu"] = net["mtu"]
    spec["subnets"] = [_subnet(s)
                       for s in sorted(subnets, key=lambda s: s["cidr"])]
    return {("networks", net["id"]): spec}


# Ports.  ---------------------------------------------------------------------

def is_vm(port):
    """Whether a port is of those that become ports of VMN once they are
    bound; routers' are parts of routers, floating IPs' of floating IPs."""
    owner = port.get("device_owner") or ""
    return not owner.startswith("network:") or owner == "network:dhcp"


def is_bound(port):
    """Whether there is to be a port of VMN.  A port that is bound nowhere only
    keeps its addresses: they may be among the allowed addresses of others."""
    return is_vm(port) and port.get("binding:vif_type") == "ovs"


def check_port(port):
    groups = port.get("security_groups") or ()
    if len(groups) > GROUPS_MAX:
        raise Unsupported("%d security groups of a port: VMN has %d at most"
                          % (len(groups), GROUPS_MAX))
    if not is_vm(port):
        return
    profile = port.get("binding:profile") or {}
    for key in ("parent_name", "tag", "parent_port_id"):
        if key in profile:
            raise Unsupported("binding:profile %s: ports within ports" % key)


def port(what, hosts):
    """'hosts' are the other hosts that the port has bindings for, as when it
    is migrated."""
    if not is_bound(what):
        return {}
    labels = {GROUP_PREFIX + group: "" for group in what["security_groups"]}
    secured = what.get("port_security_enabled", True)
    if secured:
        labels[SECURED_LABEL] = ""
    host = host_name(what["binding:host_id"])
    spec = dict(_head("port", what, **labels),
                network=what["network_id"],
                mac=what["mac_address"].lower(),
                ips=sorted(address(f["ip_address"])
                           for f in what["fixed_ips"]),
                enabled=bool(what["admin_state_up"]),
                iface_id=what["id"], host=host)
    others = {host_name(h) for h in hosts} | {host}
    if len(others) > 1:
        spec["hosts"] = sorted(others)
    if spec["ips"]:
        spec["dhcp_options"] = {"hostname": "host-" + re.sub(
            "[.:]+", "-", spec["ips"][0]).strip("-")}
    if secured:
        allowed = [_allowed(pair, spec["mac"])
                   for pair in what.get("allowed_address_pairs") or ()]
    else:
        spec["unknown"] = True
        allowed = [{"ip": ip} for ip in _ANYWHERE.values()]
    if allowed:
        spec["allowed_addresses"] = sorted(allowed, key=str)
    return {("ports", what["id"]): spec}


def _allowed(pair, own_mac):
    net = ipaddress.ip_network(pair["ip_address"], strict=False)
    found = {"ip": str(net if net.num_addresses > 1 else net.network_address)}
    mac = (pair.get("mac_address") or own_mac).lower()
    if mac != own_mac:
        found["mac"] = mac
    return found


# Security groups.  -----------------------------------------------------------

_PROTOCOLS = {
    "tcp": "tcp", "6": "tcp", "udp": "udp", "17": "udp", "sctp": "sctp",
    "132": "sctp", "icmp": "icmp", "1": "icmp", "icmpv6": "icmpv6",
    "ipv6-icmp": "icmpv6", "58": "icmpv6"}


def _family(rule):
    return 6 if rule["ethertype"] == "IPv6" else 4


def _service(rule):
    """Returns the service of a rule, or None for all."""
    protocol = str(rule.get("protocol") or "any").lower()
    if protocol in ("any", "0"):
        return None
    name = _PROTOCOLS.get(protocol)
    if not name:
        raise Unsupported("protocol %s: VMN's rules are about tcp, udp, sctp, "
                          "icmp and icmpv6, or about any" % protocol)
    # Neutron takes "icmp" for either family.
    if name == "icmp" and _family(rule) == 6:
        name = "icmpv6"
    if name == "icmpv6" and _family(rule) == 4:
        raise Unsupported("protocol icmpv6 in a rule about IPv4")
    found = {"protocol": name}
    first, last = rule.get("port_range_min"), rule.get("port_range_max")
    if name in ("icmp", "icmpv6"):
        if first is not None:
            found["icmp_type"] = first
            if last is not None:
                found["icmp_code"] = last
    elif first is not None or last is not None:
        first = last if first is None else first
        last = first if last is None else last
        if (first, last) != (1, 65535) and (first, last) != (0, 65535):
            found["ports"] = [first if first == last
                              else "%d-%d" % (first, last)]
    return found


def check_rule(rule):
    _service(rule)
    if rule.get("remote_address_group_id"):
        raise Unsupported("remote address groups")


def group_name(group_id, family=None):
    """The group of a security group's ports; or, with 'family', of their
    addresses of that family."""
    return "sg-" + group_id + ("-v%d" % family if family else "")


def _is_of_one_family(service):
    return service and service["protocol"] in ("icmp", "icmpv6")


def _merged(rules):
    """Returns [(direction, service, remote group, remote prefix, families)]:
    rules that say the same of IPv4 and of IPv6 are one."""
    found = {}
    for rule in rules:
        service = _service(rule)
        remote = rule.get("remote_ip_prefix")
        key = (rule["direction"], str(service), rule.get("remote_group_id"),
               remote and prefix(remote))
        found.setdefault(key, (service, set()))[1].add(_family(rule))
    return [(key[0], service, key[2], key[3], families)
            for key, (service, families) in sorted(found.items(), key=str)]


def remote_families(rules):
    """Returns {remote group: families}: of which groups rules name the members
    of one family alone.  Rules of VMN know no family where the peer is a group
    of ports, so such a rule names a group of their addresses."""
    found = {}
    for _, service, remote, _, families in _merged(rules):
        if remote and len(families) == 1 and not _is_of_one_family(service):
            found.setdefault(remote, set()).update(families)
    return found


def _rule(direction, service, remote, remote_prefix, families):
    found = {"direction": direction, "action": "allow"}
    one = next(iter(families)) if len(families) == 1 else None
    if remote_prefix:
        found["peers"] = [{"cidr": remote_prefix}]
    elif remote:
        found["peers"] = [{"group": group_name(
            remote, None if _is_of_one_family(service) else one)}]
    elif one and not _is_of_one_family(service):
        found["peers"] = [{"cidr": _ANYWHERE[one]}]
    if service:
        found["services"] = [service]
    return found


def security_group(group, rules, families, ports):
    """'families' are those of which some rule names this group's members
    alone; 'ports' the group's ports, if there are such families."""
    head = _head("security-group", group)
    found = {
        ("groups", group_name(group["id"])): dict(
            head, selector=GROUP_PREFIX + group["id"]),
        ("policies", group_name(group["id"])): dict(
            head, applies_to=[group_name(group["id"])],
            directions=["egress", "ingress"],
            rules=[_rule(*one) for one in _merged(rules)])}
    for family in families:
        cidrs = {prefix(ip) for p in ports if is_bound(p)
                 for ip in _all_addresses(p) if version(ip) == family}
        found["groups", group_name(group["id"], family)] = dict(
            head, cidrs=sorted(cidrs))
    return found


def _all_addresses(port_):
    return [f["ip_address"] for f in port_["fixed_ips"]] + [
        pair["ip_address"] for pair in
        port_.get("allowed_address_pairs") or ()]


def secured():
    """What closes ports with port security that are in no security group: for
    those in one, its own policy does."""
    head = {"labels": {LABEL: "port-security"}}
    return {
        ("groups", SECURED): dict(head, selector=SECURED_LABEL),
        ("policies", SECURED): dict(
            head, applies_to=[SECURED], directions=["egress", "ingress"])}


# Routers.  -------------------------------------------------------------------

def check_gateway(net):
    if net.get("provider:network_type") not in _PHYSICAL:
        raise Unsupported("external network %s: must be of type %s, since "
                          "gateways lead to a physical network"
                          % (net["id"], " or ".join(_PHYSICAL)))


def check_interface(net):
    if net.get("provider:network_type") not in _OVERLAYS:
        raise Unsupported("network %s: VMN's routers join networks of type %s"
                          % (net["id"], " and ".join(_OVERLAYS)))


def check_routes(routes, cidrs):
    """'cidrs' are the subnets of the router's interfaces."""
    for route in routes:
        hop = ipaddress.ip_address(route["nexthop"])
        if not any(hop in ipaddress.ip_network(c) for c in cidrs):
            raise Unsupported("next hop %s: must be in a subnet of one of the "
                              "router's interfaces" % hop)


def gateways(router_id, names):
    """An order of hosts that is the router's own, and stays for the others
    when one comes or goes."""
    order = sorted(names, key=lambda name: hashlib.sha256(
        ("%s %s" % (router_id, name)).encode()).digest())
    return [{"host": name, "priority": i} for i, name in enumerate(order)]


def router(what, interfaces, hosts, preferred=False):
    """'interfaces' are the ports of its interfaces, 'hosts' those that may be
    its gateway; in this order, if 'preferred'."""
    if not what["admin_state_up"]:
        return {}
    addresses = {}
    for one in interfaces:
        addresses.setdefault(one["network_id"], set()).update(
            address(f["ip_address"]) for f in one["fixed_ips"])
    spec = dict(_head("router", what), interfaces=[
        {"network": net, "addresses": sorted(found)}
        for net, found in sorted(addresses.items()) if found])
    hops = {}
    for route in what.get("routes") or ():
        hops.setdefault(prefix(route["destination"]), set()).add(
            address(route["nexthop"]))
    if hops:
        spec["routes"] = [{"destination": to, "via": sorted(via)}
                          for to, via in sorted(hops.items())]
    outside = what.get("external_gateway_info")
    own = sorted(address(f["ip_address"]) for f in
                 (outside or {}).get("external_fixed_ips") or ())
    if own and hosts:
        spec["external"] = {
            "network": outside["network_id"], "addresses": own,
            "gateways": [{"host": h, "priority": i}
                         for i, h in enumerate(hosts)] if preferred
            else gateways(what["id"], hosts)}
        if not outside.get("enable_snat", True):
            spec["external"]["routed"] = True
        elif any(":" in ip for ip in own):
            # Neutron translates IPv4 alone.
            spec["external"]["exempt"] = ["::/0"]
    return {("routers", what["id"]): spec}


def check_floating_ip(fixed_ip, port_):
    """'port_' is the port that it is for."""
    own = [f["ip_address"] for f in port_["fixed_ips"]
           if version(f["ip_address"]) == version(fixed_ip)]
    if len(own) > 1:
        raise Unsupported("port %s has %d addresses of IPv%d: a floating IP "
                          "of VMN is for a port that has one"
                          % (port_["id"], len(own), version(fixed_ip)))


def floating_ip(what, port_, has_router):
    """'port_' is that which it is associated with, or None; 'has_router' says
    whether VMN has its router, with a way outside."""
    if not (port_ and is_bound(port_) and what.get("router_id")
            and has_router):
        return {}
    return {("floating-ips", what["id"]): dict(
        _head("floating-ip", what), router=what["router_id"],
        ip=address(what["floating_ip_address"]), port=port_["id"])}


# What is there already.  -----------------------------------------------------

# What VMN fills in where a field is absent.
_DEFAULTS = {
    "default": "allow", "enabled": True, "mode": "enforce", "priority": 500,
    "on_change": "recheck", "tier": "application"}


def _canonical(value):
    if isinstance(value, dict):
        return {k: c for k, c in ((k, _canonical(v)) for k, v in value.items())
                if c not in (None, False, [], {})}
    if isinstance(value, list):
        return sorted((_canonical(v) for v in value), key=str)
    if isinstance(value, str):
        try:
            return prefix(value)
        except ValueError:
            return value
    return value


def differs(wanted, there):
    """Whether spec 'there', which vmnd has, is another than 'wanted'.  In
    doubt it is: to say again what is so changes nothing."""
    def whole(spec):
        found = _canonical(dict(_DEFAULTS, **spec))
        return dict(found, rules=[_canonical(r)
                                  for r in spec.get("rules") or ()])
    return whole(wanted) != whole(there)
