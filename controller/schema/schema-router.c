/* SPDX-License-Identifier: Apache-2.0
 *
 * Routers, with their external sides; see schema.h. */

#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/schema-error.h"
#include "controller/schema/schema-rule.h"
#include "controller/schema/status.h"
#include "controller/schema/value.h"
#include "util.h"

static const struct schema_struct interface = {
    .name = "interface", .size = sizeof(struct vmn_router_interface),
    .fields = FIELDS {
        { .name = "network", .type = SCHEMA_REF,
          AT(vmn_router_interface, network),
          .flags = SCHEMA_REQUIRED | SCHEMA_KEY, .ref = VMN_TABLE_NETWORK,
          .reach = SCHEMA_ACTS,
          .doc = "A network that it joins to the others." },
        { .name = "addresses", .type = SCHEMA_IP,
          .flags = SCHEMA_SET | SCHEMA_UNSERVED,
          LIST_AT(vmn_router_interface, addresses), .min_items = 1,
          .max_items = VMN_ADDRESSES_MAX,
          .absent = "the gateways of its subnets",
          .doc = "The router's addresses there; the gateways of its subnets "
                 "when absent." },
        { .name = NULL },
    },
};

/* Checks that a route's addresses have one family. */
static void
finish_route(void *route_, const json_t *json OVS_UNUSED,
                    const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_route *route = route_;
    uint8_t family = route->destination.ip.family;

    if (route->source.ip.family && route->source.ip.family != family) {
        add_error(errors, pointer, "source",
                  "must be of the family of \"destination\", IPv%u", family);
    }
    for (size_t i = 0; i < route->n_via; i++) {
        if (route->via[i].family != family) {
            add_error(errors, pointer, "via",
                      "must be of the family of \"destination\", IPv%u",
                      family);
            break;
        }
    }
    if (!route->n_via && !route->blackhole) {
        add_error(errors, pointer, "blackhole",
                  "must be true where there is no \"via\"");
    }
}

static const struct schema_struct route = {
    .name = "route", .size = sizeof(struct vmn_route),
    .fields = FIELDS {
        { .name = "destination", .type = SCHEMA_PREFIX,
          AT(vmn_route, destination),
          .flags = SCHEMA_REQUIRED | SCHEMA_BARE_ADDRESS,
          .doc = "The destination; the longest prefix wins." },
        { .name = "source", .type = SCHEMA_PREFIX, AT(vmn_route, source),
          .flags = SCHEMA_BARE_ADDRESS,
          .doc = "The source; any when absent. Of equal destinations, the "
                 "longest source prefix wins." },
        { .name = "via", .type = SCHEMA_IP,
          .flags = SCHEMA_SET | SCHEMA_REQUIRED, LIST_AT(vmn_route, via),
          .min_items = 1, .max_items = 64, .unless = "blackhole",
          .doc = "The next hop; several share the connections (ECMP)." },
        { .name = "blackhole", .type = SCHEMA_BOOL,
          AT(vmn_route, blackhole), .unless = "via",
          .flags = SCHEMA_REQUIRED | SCHEMA_HIDE_DEFAULT,
          .doc = "Whether packets are dropped, without an ICMP error." },
        { .name = NULL },
    },
    .finish = finish_route,
};

static const struct schema_struct gateway = {
    .name = "gateway", .size = sizeof(struct vmn_gateway),
    .fields = FIELDS {
        { .name = "host", .type = SCHEMA_REF, AT(vmn_gateway, host),
          .flags = SCHEMA_REQUIRED | SCHEMA_KEY, .ref = VMN_TABLE_HOST,
          .reach = SCHEMA_ACTS,
          .doc = "A host that has a bridge to the physical network." },
        { .name = "priority", .type = SCHEMA_U32, AT(vmn_gateway, priority),
          .max = 999, .def = 100,
          .doc = "The available host with the lowest one is the gateway; of "
                 "equal ones the first by name." },
        { .name = NULL },
    },
};

static void
finish_forward(void *forward_, const json_t *json OVS_UNUSED,
                      const char *pointer OVS_UNUSED,
                      struct vmn_errors *errors OVS_UNUSED)
{
    struct vmn_forward *forward = forward_;

    if (!forward->target) {
        forward->target = forward->port;
    }
}

static const struct schema_struct forward = {
    .name = "forward", .size = sizeof(struct vmn_forward),
    .fields = FIELDS {
        { .name = "address", .type = SCHEMA_IP, AT(vmn_forward, address),
          .absent = "the first of \"addresses\"",
          .doc = "One of the router's; the first when absent, which is of "
                 "IPv4 where there is one." },
        { .name = "protocol", .type = SCHEMA_ENUM, AT(vmn_forward, protocol),
          .flags = SCHEMA_REQUIRED, .names = schema_protocol_names,
          .allowed = 1u << VMN_PROTO_TCP | 1u << VMN_PROTO_UDP,
          .doc = "The protocol." },
        { .name = "port", .type = SCHEMA_U16, AT(vmn_forward, port),
          .flags = SCHEMA_REQUIRED, .min = 1, .max = 65535,
          .doc = "The port on that address." },
        { .name = "to", .type = SCHEMA_REF, AT(vmn_forward, to),
          .flags = SCHEMA_REQUIRED, .ref = VMN_TABLE_PORT,
          .reach = SCHEMA_ACTS,
          .doc = "The port that it is forwarded to, at its first address of "
                 "the same family." },
        { .name = "target", .type = SCHEMA_U16, AT(vmn_forward, target),
          .min = 1, .max = 65535,
          .doc = "The port there; the same when absent." },
        { .name = NULL },
    },
    .finish = finish_forward,
};

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

static void
finish_external(void *external_, const json_t *json OVS_UNUSED,
                       const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_external *external = external_;

    if (external->port_shares & (external->port_shares - 1)) {
        add_error(errors, pointer, "port_shares",
                  "must be a power of two: %"PRIu32" is none",
                  external->port_shares);
    }
    if (external->strict_port_shares && external->port_shares == 1) {
        add_error(errors, pointer, "strict_port_shares",
                  "needs 2 \"port_shares\" or more");
    }
    for (size_t i = 0; external->n_addresses && i < external->n_forwards;
         i++) {
        const struct vmn_forward *a = &external->forwards[i];
        const struct vmn_ip *ip = vmn_forward_address(external, a);
        char buf[VALUE_IP_SIZE];

        value_format_ip(ip, buf);
        if (!has_address(external, ip)) {
            add_error(errors, pointer, "forwards",
                      "must be for \"addresses\" of the router: %s is none",
                      buf);
        }
        for (size_t j = 0; j < i; j++) {
            const struct vmn_forward *b = &external->forwards[j];

            if (a->protocol == b->protocol && a->port == b->port
                && !memcmp(ip, vmn_forward_address(external, b),
                           sizeof *ip)) {
                add_error(errors, pointer, "forwards",
                          "must name each address, protocol and port once: "
                          "port %u of %s appears twice", a->port, buf);
            }
        }
    }
}

static const struct schema_struct external = {
    .name = "external", .size = sizeof(struct vmn_external),
    .fields = FIELDS {
        { .name = "network", .type = SCHEMA_REF, AT(vmn_external, network),
          .flags = SCHEMA_REQUIRED, .ref = VMN_TABLE_NETWORK,
          .reach = SCHEMA_ACTS,
          .doc = "A provider network; the gateways of its subnets are the "
                 "next hops." },
        { .name = "addresses", .type = SCHEMA_IP,
          .flags = SCHEMA_SET | SCHEMA_REQUIRED | SCHEMA_UNSERVED,
          LIST_AT(vmn_external, addresses), .min_items = 1,
          .max_items = VMN_ADDRESSES_MAX,
          .doc = "The router's own addresses there. Packets of a family of "
                 "which it has none neither leave nor enter." },
        { .name = "gateways", .type = SCHEMA_STRUCT,
          .flags = SCHEMA_SET | SCHEMA_REQUIRED,
          LIST_AT(vmn_external, gateways), .min_items = 1, .max_items = 16,
          .nested = &gateway,
          .doc = "The hosts that may be its gateway: one at a time is "
                 "active." },
        { .name = "routed", .type = SCHEMA_BOOL, AT(vmn_external, routed),
          .flags = SCHEMA_HIDE_DEFAULT,
          .doc = "Whether outgoing packets keep their source address, to "
                 "which the outside needs a route; else it is translated to "
                 "the first of `addresses` of its family (SNAT)." },
        { .name = "exempt", .type = SCHEMA_PREFIX, .flags = SCHEMA_SET,
          LIST_AT(vmn_external, exempt), .max_items = 64,
          .doc = "Destinations without SNAT: ::/0 for all of IPv6." },
        { .name = "forwards", .type = SCHEMA_STRUCT, .flags = SCHEMA_SET,
          LIST_AT(vmn_external, forwards), .max_items = 256,
          .nested = &forward,
          .doc = "Port forwards, from the router's own addresses." },
        { .name = "port_shares", .type = SCHEMA_U32,
          AT(vmn_external, port_shares), .flags = SCHEMA_HIDE_DEFAULT,
          .min = 1, .max = VMN_PORT_SHARES_MAX,
          .doc = "Into how many parts source ports below 32768 are divided, "
                 "of which a sender gets one: 2, 4, 8, up to 64, or 1 for no "
                 "division; 16 when absent." },
        { .name = "strict_port_shares", .type = SCHEMA_BOOL,
          AT(vmn_external, strict_port_shares), .flags = SCHEMA_HIDE_DEFAULT,
          .doc = "Whether source ports from 32768 on are divided as well: "
                 "then senders cannot exhaust the shares of others, however "
                 "many they are, and no source port is kept." },
        { .name = NULL },
    },
    .finish = finish_external,
};

static void
finish_router(void *router_, const json_t *json OVS_UNUSED,
                     const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_router *router = router_;

    /* Routes are sorted by destination, then source. */
    for (size_t i = 1; i < router->n_routes; i++) {
        const struct vmn_route *a = &router->routes[i - 1];
        const struct vmn_route *b = &router->routes[i];
        char to[VALUE_PREFIX_SIZE], from[VALUE_PREFIX_SIZE];
        bool has_source = a->source.ip.family;

        if (memcmp(&a->destination, &b->destination, sizeof a->destination)
            || memcmp(&a->source, &b->source, sizeof a->source)) {
            continue;
        }
        add_error(errors, pointer, "routes",
                  "must name each \"destination\" and \"source\" once: %s%s%s "
                  "appears twice", value_format_prefix(&a->destination, to),
                  has_source ? " from " : "",
                  has_source ? value_format_prefix(&a->source, from) : "");
    }
}

static const struct schema_field fields[] = {
    COMMON(vmn_router),
    { .name = "mac", .type = SCHEMA_MAC, .flags = SCHEMA_ASSIGNED,
      AT(vmn_router, want_mac), ASSIGNED_AT(vmn_router, mac),
      .doc = "Its MAC address, the same in all of its networks; allocated "
             "when absent." },
    { .name = "interfaces", .type = SCHEMA_STRUCT, .flags = SCHEMA_SET,
      LIST_AT(vmn_router, interfaces), .max_items = 1000,
      .nested = &interface, .doc = "The networks that it joins." },
    { .name = "routes", .type = SCHEMA_STRUCT, .flags = SCHEMA_SET,
      LIST_AT(vmn_router, routes), .max_items = 1000, .nested = &route,
      .doc = "Static routes, to destinations outside of its networks." },
    { .name = "external", .type = SCHEMA_STRUCT, AT(vmn_router, external),
      .nested = &external,
      .doc = "Its external gateway, for destinations without a route." },
    { .name = NULL },
};

static const struct schema_column columns[] = {
    { .heading = "NAME", .path = "/name" },
    { .heading = "MAC", .path = "/status/mac" },
    { .heading = "NETWORKS", .path = "/spec/interfaces" },
    { .heading = "ROUTES", .path = "/spec/routes" },
    { .heading = "EXTERNAL", .path = "/spec/external/addresses" },
    { .heading = "GATEWAY", .path = "/status/gateway" },
    { .heading = "REASON", .path = "/status/reason" },
    { .heading = "DESCRIPTION", .path = "/spec/description", .wide = true },
    { .heading = NULL },
};

static const struct schema_example examples[] = {
    EXAMPLE("shop", {
        "interfaces": [{"network": "shop"}],
        "routes": [{"destination": "10.9.0.0/16", "via": ["10.0.0.9"]}],
        "external": {"network": "internet",
                     "addresses": ["198.51.100.10"],
                     "gateways": [{"host": "hv1", "priority": 1}]}}),
    { .name = NULL },
};

const struct schema_table schema_router = {
    .id = VMN_TABLE_ROUTER, .row_type = VMN_ROW_ROUTER,
    .plural = "routers", .singular = "router",
    .kind = "Router", .stored = true, .max_rows = 10000,
    .named_as = VMN_N_TABLES, .check_name = value_check_name,
    .passes_on = true,
    .examples = examples,
    .doc = "Routes between networks.",
    .status = &schema_status_router,
    .columns = columns,
    .row = {
        .name = "router", .size = sizeof(struct vmn_router),
        .fields = fields,
        .finish = finish_router,
    },
};
