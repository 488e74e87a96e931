/* SPDX-License-Identifier: Apache-2.0
 *
 * What depends on other fields of the same object; see schema-finish.h. */

#include <config.h>

#include "controller/schema/schema-finish.h"

#include <stdlib.h>
#include <string.h>

#include "controller/schema/schema-fault.h"
#include "controller/schema/value.h"
#include "sset.h"
#include "util.h"

#define IPV6_MTU_MIN 1280

const char *const schema_protocol_names[] = {
    [VMN_PROTO_ANY] = "any",
    [VMN_PROTO_TCP] = "tcp",
    [VMN_PROTO_UDP] = "udp",
    [VMN_PROTO_ICMP] = "icmp",
    [VMN_PROTO_SCTP] = "sctp",
    [VMN_PROTO_ICMPV6] = "icmpv6",
    NULL,
};

const char *const schema_action_names[] = {
    [VMN_ALLOW] = "allow",
    [VMN_DENY] = "deny",
    [VMN_PASS] = "pass",
    [VMN_REJECT] = "reject",
    NULL,
};

const char *const schema_direction_names[] = {
    [VMN_INGRESS] = "ingress",
    [VMN_EGRESS] = "egress",
    NULL,
};

void
schema_finish_host(void *host_, const json_t *json OVS_UNUSED,
                   const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_host *host = host_;

    for (size_t i = 0; i < host->n_provider_bridges; i++) {
        const char *bridge = host->provider_bridges[i].bridge;

        if (!strcmp(bridge, host->bridge)) {
            fault(errors, pointer, "provider_bridges",
                  "must not name the integration bridge: \"%s\"", bridge);
        }
        for (size_t j = 0; j < i; j++) {
            if (!strcmp(bridge, host->provider_bridges[j].bridge)) {
                fault(errors, pointer, "provider_bridges",
                      "must name each \"bridge\" once: \"%s\" appears "
                      "twice", bridge);
            }
        }
    }
}

/* A prefix of "/8" or longer is in one class as a whole; of IPv6, all that
 * begins with 0 has other uses.  Ports are given addresses of it, and no port
 * may have one of another class. */
static void
check_subnet_cidr(const struct vmn_prefix *cidr, const char *pointer,
                  struct vmn_errors *errors)
{
    bool v6 = cidr->ip.family == 6;

    if (cidr->len < 8 || cidr->len > (v6 ? 127 : 31)) {
        fault(errors, pointer, "cidr",
              v6 ? "must have a length from \"/8\" to \"/127\""
              : "must have a length from \"/8\" to \"/31\"");
    } else if (v6 ? !cidr->ip.addr[0] || cidr->ip.addr[0] == 0xff
               : !value_ip_is_unicast(&cidr->ip)) {
        fault(errors, pointer, "cidr",
              "must be a prefix of unicast addresses");
    } else if (v6 && cidr->ip.addr[0] == 0xfe
               && (cidr->len < 10 || (cidr->ip.addr[1] & 0xc0) == 0x80)) {
        fault(errors, pointer, "cidr",
              "must not have link-local addresses (fe80::/10): each port with "
              "IPv6 has one by itself");
    }
}

static void
check_subnet_dhcp(const struct vmn_subnet *subnet, const char *pointer,
                  struct vmn_errors *errors)
{
    const struct vmn_ip *ip = &subnet->cidr.ip;

    if (subnet->slaac && (ip->family != 6 || subnet->cidr.len != 64)) {
        fault(errors, pointer, "slaac",
              "is only for subnets of IPv6 with a length of \"/64\"");
    }
    if (subnet->slaac && subnet->n_pools) {
        fault(errors, pointer, "pools",
              "cannot be combined with \"slaac\": addresses follow from MACs");
    }
    if (subnet->dhcp && ip->family == 4 && ip->addr[0] == 169
        && ip->addr[1] == 254) {
        fault(errors, pointer, "dhcp",
              "is not for link-local addresses (169.254.0.0/16): the server "
              "itself has one");
    }
}

void
schema_finish_ip_range(void *range_, const json_t *json OVS_UNUSED,
                       const char *pointer, struct vmn_errors *errors)
{
    struct vmn_ip_range *range = range_;

    if (!range->end.family) {
        range->end = range->start;
    } else if (range->end.family != range->start.family) {
        fault(errors, pointer, "end", "must be of the family of \"start\"");
    } else if (memcmp(&range->end, &range->start, sizeof range->end) < 0) {
        fault(errors, pointer, "end", "must not come before \"start\"");
    }
}

/* Ranges are sorted by where they start. */
static void
check_ranges(const struct vmn_subnet *subnet, const char *name,
             const struct vmn_ip_range *ranges, size_t n,
             const char *pointer, struct vmn_errors *errors)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t index;

        if (!value_prefix_contains(&subnet->cidr, &ranges[i].start)
            || !value_prefix_contains(&subnet->cidr, &ranges[i].end)) {
            fault(errors, pointer, name,
                  "must have addresses of the subnet only");
            return;
        } else if (!value_prefix_index(&subnet->cidr, &ranges[i].end,
                                       &index)) {
            fault(errors, pointer, name,
                  "must be among the first 2^63 addresses of the subnet");
            return;
        } else if (i && memcmp(&ranges[i].start, &ranges[i - 1].end,
                               sizeof ranges[i].start) <= 0) {
            fault(errors, pointer, name, "must not have ranges that overlap");
            return;
        }
    }
}

static void
check_reservations(const struct vmn_subnet *subnet, const char *pointer,
                   struct vmn_errors *errors)
{
    struct sset ports = SSET_INITIALIZER(&ports);

    for (size_t i = 0; i < subnet->n_reservations; i++) {
        const struct vmn_reservation *r = &subnet->reservations[i];
        char buf[VALUE_IP_SIZE];

        value_format_ip(&r->ip, buf);
        if (!value_prefix_contains(&subnet->cidr, &r->ip)) {
            fault(errors, pointer, "reservations",
                  "%s is no address of the subnet", buf);
        } else if (value_prefix_is_reserved(&subnet->cidr, &r->ip)
                   || !memcmp(&r->ip, &subnet->gateway, sizeof r->ip)) {
            fault(errors, pointer, "reservations",
                  "%s cannot be an address of a port", buf);
        } else if (!sset_add(&ports, r->port)) {
            fault(errors, pointer, "reservations",
                  "port \"%s\" has two addresses of one subnet", r->port);
        }
    }
    sset_destroy(&ports);
}

void
schema_finish_subnet(void *subnet_, const json_t *json OVS_UNUSED,
                     const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_subnet *subnet = subnet_;

    check_subnet_cidr(&subnet->cidr, pointer, errors);
    check_ranges(subnet, "pools", subnet->pools, subnet->n_pools, pointer,
                 errors);
    check_ranges(subnet, "exclude", subnet->exclude, subnet->n_exclude,
                 pointer, errors);
    check_reservations(subnet, pointer, errors);
    check_subnet_dhcp(subnet, pointer, errors);
    if (!subnet->gateway.family) {
        return;
    }
    if (!value_prefix_contains(&subnet->cidr, &subnet->gateway)) {
        fault(errors, pointer, "gateway", "must be an address of the subnet");
    } else if (value_prefix_is_reserved(&subnet->cidr, &subnet->gateway)) {
        fault(errors, pointer, "gateway", subnet->cidr.ip.family == 4
              ? "must not be the subnet's first or last address"
              : "must not be the subnet's first address");
    }
}

void
schema_finish_network(void *network_, const json_t *json OVS_UNUSED,
                      const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_network *network = network_;

    for (size_t i = 0; i < network->n_subnets; i++) {
        if (network->subnets[i].cidr.ip.family == 6
            && network->mtu && network->mtu < IPV6_MTU_MIN) {
            fault(errors, pointer, "mtu",
                  "must be at least 1280 in a network with IPv6 (RFC 8200, "
                  "section 5)");
            break;
        }
    }

    /* They are sorted, so only neighbours can overlap. */
    for (size_t i = 1; i < network->n_subnets; i++) {
        const struct vmn_prefix *a = &network->subnets[i - 1].cidr;
        const struct vmn_prefix *b = &network->subnets[i].cidr;

        if (value_prefix_overlaps(a, b)) {
            char buf_a[VALUE_PREFIX_SIZE], buf_b[VALUE_PREFIX_SIZE];

            fault(errors, pointer, "subnets",
                  "must not overlap: %s and %s do",
                  value_format_prefix(a, buf_a),
                  value_format_prefix(b, buf_b));
        }
    }
}

/* A sub-port is where its parent is, and nowhere by itself. */
static void
finish_sub_port(const struct vmn_port *port, const char *pointer,
                struct vmn_errors *errors)
{
    if (!port->parent && port->vlan) {
        fault(errors, pointer, "vlan",
              "is only for a sub-port, which has a \"parent\"");
    } else if (port->parent && !port->vlan) {
        fault(errors, pointer, "vlan", "is required with \"parent\"");
    }
    if (port->parent && port->host) {
        fault(errors, pointer, "host",
              "cannot be combined with \"parent\": a sub-port is where its "
              "parent is");
    }
    if (port->parent && port->n_hosts) {
        fault(errors, pointer, "hosts",
              "cannot be combined with \"parent\": a sub-port is where its "
              "parent is");
    }
    if (port->parent && port->external) {
        fault(errors, pointer, "external",
              "cannot be combined with \"parent\"");
    }
}

/* Checks where it may be bound. */
static void
finish_hosts(const struct vmn_port *port, const char *pointer,
             struct vmn_errors *errors)
{
    bool found = !port->host || !port->n_hosts;

    for (size_t i = 0; !found && i < port->n_hosts; i++) {
        found = !strcmp(port->hosts[i], port->host);
    }
    if (!found) {
        fault(errors, pointer, "host",
              "must be one of \"hosts\": \"%s\" is not", port->host);
    }
    if (port->failover && !port->n_hosts) {
        fault(errors, pointer, "failover",
              "is only for a port with \"hosts\": it says whether another of "
              "them takes over");
    }
}

void
schema_finish_port(void *port_, const json_t *json, const char *pointer,
                   struct vmn_errors *errors)
{
    static const char *const members[] = { "host", "iface_id", "hosts" };
    const struct vmn_port *port = port_;

    for (size_t i = 0; port->external && i < ARRAY_SIZE(members); i++) {
        const json_t *value = json_object_get(json, members[i]);

        /* A name is what absence stands for, and is shown. */
        if (value && !json_is_null(value)
            && (i != 1
                || strcmp(json_string_value(value), port->row.name))) {
            fault(errors, pointer, members[i],
                  "cannot be combined with \"external\": such a port is on no "
                  "host");
        }
    }
    if (port->external && port->unknown) {
        fault(errors, pointer, "unknown",
              "cannot be combined with \"external\": whoever is on a physical "
              "network is known there");
    }
    finish_sub_port(port, pointer, errors);
    finish_hosts(port, pointer, errors);
}

void
schema_finish_peer(void *peer_, const json_t *json OVS_UNUSED,
                   const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_peer *peer = peer_;
    char buf[VALUE_PREFIX_SIZE];

    for (size_t i = 0; i < peer->n_except; i++) {
        const struct vmn_prefix *except = &peer->except[i];

        if (!value_prefix_overlaps(&peer->cidr, except)
            || except->len <= peer->cidr.len) {
            fault(errors, pointer, "except",
                  "must be inside of \"cidr\", and not all of it: %s is not",
                  value_format_prefix(except, buf));
        }
    }
}

/* Both lists are sorted: what contains others comes before them. */
void
schema_finish_group(void *group_, const json_t *json OVS_UNUSED,
                    const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_group *group = group_;
    size_t n = group->n_cidrs;
    struct vmn_prefix *cidrs = n ? xmemdup(group->cidrs, n * sizeof *cidrs)
                                 : NULL;
    char buf[VALUE_PREFIX_SIZE];

    n = vmn_prefixes_merge(cidrs, n);
    for (size_t i = 0, j = 0; i < group->n_except; i++) {
        const struct vmn_prefix *except = &group->except[i];

        while (j < n && !value_prefix_overlaps(&cidrs[j], except)
               && memcmp(&cidrs[j].ip, &except->ip, sizeof except->ip) < 0) {
            j++;
        }
        if (j >= n || !value_prefix_overlaps(&cidrs[j], except)) {
            fault(errors, pointer, "except",
                  "must exclude something from \"cidrs\": %s does not",
                  value_format_prefix(except, buf));
        }
    }
    free(cidrs);
}

void
schema_finish_service_entry(void *entry_, const json_t *json OVS_UNUSED,
                            const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_service_entry *entry = entry_;

    bool is_icmp = entry->protocol == VMN_PROTO_ICMP
                   || entry->protocol == VMN_PROTO_ICMPV6;

    if (entry->n_ports && (is_icmp || entry->protocol == VMN_PROTO_ANY)) {
        fault(errors, pointer, "ports",
              "is only for the protocols \"tcp\", \"udp\" and \"sctp\"");
    }
    if (entry->icmp_type >= 0 && !is_icmp) {
        fault(errors, pointer, "icmp_type",
              "is only for the protocols \"icmp\" and \"icmpv6\"");
    }
    if (entry->icmp_code >= 0 && entry->icmp_type < 0) {
        fault(errors, pointer, "icmp_code", "needs \"icmp_type\"");
    }
}

void
schema_finish_rule_service(void *service_, const json_t *json,
                           const char *pointer, struct vmn_errors *errors)
{
    struct vmn_rule_service *service = service_;

    if (!service->service) {
        schema_finish_service_entry(&service->inline_entry, json, pointer,
                                    errors);
    }
}

void
schema_finish_policy(void *policy_, const json_t *json, const char *pointer,
                     struct vmn_errors *errors)
{
    struct vmn_policy *policy = policy_;
    const json_t *directions = json_object_get(json, "directions");
    bool united = policy->tier && !strcmp(policy->tier, "application");
    struct vmn_level levels[VMN_N_DIRECTIONS] = { { .started = false } };

    if (!directions || json_is_null(directions)) {
        for (size_t i = 0; i < policy->n_rules; i++) {
            policy->isolates[policy->rules[i].direction] = true;
        }
        if (!policy->n_rules) {
            policy->isolates[VMN_INGRESS] = true;
        }
    }

    /* What is kept there would get past quarantine. */
    if (policy->on_change == VMN_KEEP && policy->tier
        && !strcmp(policy->tier, "emergency")) {
        fault(errors, pointer, "on_change",
              "must be \"recheck\" in tier emergency: quarantine comes behind "
              "it");
    }

    if (policy->mode == VMN_SHADOW && policy->tier
        && !strcmp(policy->tier, "emergency")) {
        fault(errors, pointer, "mode",
              "must be \"enforce\" in tier emergency: try it in a tier behind "
              "it");
    }

    for (size_t i = 0; i < policy->n_rules; i++) {
        const struct vmn_rule *rule = &policy->rules[i];

        if (!vmn_level_next(&levels[rule->direction], united, rule->action,
                            policy->on_change == VMN_KEEP)) {
            fault(errors, pointer, "rules",
                  "must not change between actions so often in one direction "
                  "as up to rule %zu: split the policy", i);
            break;
        }
    }
}

void
schema_finish_forward(void *forward_, const json_t *json OVS_UNUSED,
                      const char *pointer OVS_UNUSED,
                      struct vmn_errors *errors OVS_UNUSED)
{
    struct vmn_forward *forward = forward_;

    if (!forward->target) {
        forward->target = forward->port;
    }
}

static bool
has_address(const struct vmn_external *external, const struct vmn_ip *ip)
{
    for (size_t i = 0; i < external->n_addresses; i++) {
        if (!memcmp(&external->addresses[i], ip, sizeof *ip)) {
            return true;
        }
    }
    return false;
}

void
schema_finish_external(void *external_, const json_t *json OVS_UNUSED,
                       const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_external *external = external_;

    if (external->port_shares & (external->port_shares - 1)) {
        fault(errors, pointer, "port_shares",
              "must be a power of two: %"PRIu32" is none",
              external->port_shares);
    }
    if (external->strict_port_shares && external->port_shares == 1) {
        fault(errors, pointer, "strict_port_shares",
              "needs 2 \"port_shares\" or more");
    }
    for (size_t i = 0; external->n_addresses && i < external->n_forwards;
         i++) {
        const struct vmn_forward *a = &external->forwards[i];
        const struct vmn_ip *ip = vmn_forward_address(external, a);
        char buf[VALUE_IP_SIZE];

        value_format_ip(ip, buf);
        if (!has_address(external, ip)) {
            fault(errors, pointer, "forwards",
                  "must be for \"addresses\" of the router: %s is none", buf);
        }
        for (size_t j = 0; j < i; j++) {
            const struct vmn_forward *b = &external->forwards[j];

            if (a->protocol == b->protocol && a->port == b->port
                && !memcmp(ip, vmn_forward_address(external, b),
                           sizeof *ip)) {
                fault(errors, pointer, "forwards",
                      "must name each address, protocol and port once: port "
                      "%u of %s appears twice", a->port, buf);
            }
        }
    }
}

/* A route is of one family. */
void
schema_finish_route(void *route_, const json_t *json OVS_UNUSED,
                    const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_route *route = route_;
    uint8_t family = route->destination.ip.family;

    if (route->source.ip.family && route->source.ip.family != family) {
        fault(errors, pointer, "source",
              "must be of the family of \"destination\", IPv%u", family);
    }
    for (size_t i = 0; i < route->n_via; i++) {
        if (route->via[i].family != family) {
            fault(errors, pointer, "via",
                  "must be of the family of \"destination\", IPv%u", family);
            break;
        }
    }
    if (!route->n_via && !route->blackhole) {
        fault(errors, pointer, "blackhole",
              "must be true where there is no \"via\"");
    }
}

void
schema_finish_router(void *router_, const json_t *json OVS_UNUSED,
                     const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_router *router = router_;

    /* They are sorted by destination, then source. */
    for (size_t i = 1; i < router->n_routes; i++) {
        const struct vmn_route *a = &router->routes[i - 1];
        const struct vmn_route *b = &router->routes[i];
        char to[VALUE_PREFIX_SIZE], from[VALUE_PREFIX_SIZE];
        bool has_source = a->source.ip.family;

        if (memcmp(&a->destination, &b->destination, sizeof a->destination)
            || memcmp(&a->source, &b->source, sizeof a->source)) {
            continue;
        }
        fault(errors, pointer, "routes",
              "must name each \"destination\" and \"source\" once: %s%s%s "
              "appears twice", value_format_prefix(&a->destination, to),
              has_source ? " from " : "",
              has_source ? value_format_prefix(&a->source, from) : "");
    }
}
