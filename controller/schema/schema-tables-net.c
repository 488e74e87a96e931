/* SPDX-License-Identifier: Apache-2.0
 *
 * The fields of the resources that join networks, and of what leads to
 * physical ones; see schema-tables.c. */

#include <config.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/schema-finish.h"
#include "controller/schema/value.h"

static const struct schema_struct interface = {
    .name = "interface", .size = sizeof(struct vmn_router_interface),
    .fields = FIELDS {
        { .name = "network", .type = SCHEMA_REF,
          AT(vmn_router_interface, network),
          .flags = SCHEMA_REQUIRED | SCHEMA_KEY, .ref = VMN_TABLE_NETWORK,
          .reach = SCHEMA_ACTS,
          .doc = "A network that it joins to the others." },
        { .name = "addresses", .type = SCHEMA_IP, .flags = SCHEMA_SET,
          LIST_AT(vmn_router_interface, addresses), .min_items = 1,
          .max_items = VMN_ADDRESSES_MAX,
          .absent = "the gateways of its subnets",
          .doc = "The router's addresses there; the gateways of its subnets "
                 "when absent." },
        { .name = NULL },
    },
};

static const struct schema_struct route = {
    .name = "route", .size = sizeof(struct vmn_route),
    .fields = FIELDS {
        { .name = "destination", .type = SCHEMA_PREFIX,
          AT(vmn_route, destination),
          .flags = SCHEMA_REQUIRED | SCHEMA_BARE_ADDRESS,
          .doc = "Where packets are going; the longest that fits wins." },
        { .name = "source", .type = SCHEMA_PREFIX, AT(vmn_route, source),
          .flags = SCHEMA_BARE_ADDRESS,
          .doc = "Where they come from; anywhere when absent. Of equal "
                 "destinations the longest that fits wins." },
        { .name = "via", .type = SCHEMA_IP,
          .flags = SCHEMA_SET | SCHEMA_REQUIRED, LIST_AT(vmn_route, via),
          .min_items = 1, .max_items = 64, .unless = "blackhole",
          .doc = "The next hop; several share the connections." },
        { .name = "blackhole", .type = SCHEMA_BOOL,
          AT(vmn_route, blackhole), .unless = "via",
          .flags = SCHEMA_REQUIRED | SCHEMA_HIDE_DEFAULT,
          .doc = "Whether packets end here, without a word." },
        { .name = NULL },
    },
    .finish = schema_finish_route,
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
          .doc = "The lowest of those that are there is the gateway; of "
                 "equal ones the first by name." },
        { .name = NULL },
    },
};

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
          .doc = "The port that gets it, by its first address of the same "
                 "family." },
        { .name = "target", .type = SCHEMA_U16, AT(vmn_forward, target),
          .min = 1, .max = 65535,
          .doc = "The port there; the same when absent." },
        { .name = NULL },
    },
    .finish = schema_finish_forward,
};

static const struct schema_struct external = {
    .name = "external", .size = sizeof(struct vmn_external),
    .fields = FIELDS {
        { .name = "network", .type = SCHEMA_REF, AT(vmn_external, network),
          .flags = SCHEMA_REQUIRED, .ref = VMN_TABLE_NETWORK,
          .reach = SCHEMA_ACTS,
          .doc = "A provider network; the gateways of its subnets lead "
                 "further on." },
        { .name = "addresses", .type = SCHEMA_IP,
          .flags = SCHEMA_SET | SCHEMA_REQUIRED,
          LIST_AT(vmn_external, addresses), .min_items = 1,
          .max_items = VMN_ADDRESSES_MAX,
          .doc = "The router's own addresses there. What is of a family "
                 "of which it has none neither leaves nor comes in." },
        { .name = "gateways", .type = SCHEMA_STRUCT,
          .flags = SCHEMA_SET | SCHEMA_REQUIRED,
          LIST_AT(vmn_external, gateways), .min_items = 1, .max_items = 16,
          .nested = &gateway,
          .doc = "The hosts that may be its gateway: one at a time is." },
        { .name = "routed", .type = SCHEMA_BOOL, AT(vmn_external, routed),
          .flags = SCHEMA_HIDE_DEFAULT,
          .doc = "Whether what goes out keeps its sender's address, to which "
                 "those outside have a route then; else it comes from the "
                 "first of `addresses` of its family." },
        { .name = "exempt", .type = SCHEMA_PREFIX, .flags = SCHEMA_SET,
          LIST_AT(vmn_external, exempt), .max_items = 64,
          .doc = "Where it keeps that all the same: ::/0 for all of IPv6." },
        { .name = "forwards", .type = SCHEMA_STRUCT, .flags = SCHEMA_SET,
          LIST_AT(vmn_external, forwards), .max_items = 256,
          .nested = &forward,
          .doc = "What comes in to the router's own addresses." },
        { .name = "port_shares", .type = SCHEMA_U32,
          AT(vmn_external, port_shares), .flags = SCHEMA_HIDE_DEFAULT,
          .min = 1, .max = VMN_PORT_SHARES_MAX,
          .doc = "Into how many parts source ports below 32768 are divided, of "
                 "which a sender gets one: 2, 4, 8, up to 64, or 1 for no "
                 "such thing; 16 when absent." },
        { .name = "strict_port_shares", .type = SCHEMA_BOOL,
          AT(vmn_external, strict_port_shares), .flags = SCHEMA_HIDE_DEFAULT,
          .doc = "Whether source ports from 32768 on are divided as well: no "
                 "number of senders takes other shares then, and no source "
                 "port is kept." },
        { .name = NULL },
    },
    .finish = schema_finish_external,
};

const struct schema_field schema_router_fields[] = {
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
      .doc = "Where it sends what is for none of its networks." },
    { .name = "external", .type = SCHEMA_STRUCT, AT(vmn_router, external),
      .nested = &external,
      .doc = "How it reaches what is outside: whatever no route is for." },
    { .name = NULL },
};

const struct schema_column schema_router_columns[] = {
    { .heading = "NAME", .path = "/name" },
    { .heading = "MAC", .path = "/status/mac" },
    { .heading = "NETWORKS", .path = "/spec/interfaces" },
    { .heading = "ROUTES", .path = "/spec/routes" },
    { .heading = "EXTERNAL", .path = "/spec/external/addresses" },
    { .heading = "GATEWAY", .path = "/status/gateway" },
    { .heading = "DESCRIPTION", .path = "/spec/description", .wide = true },
    { .heading = NULL },
};

/* Floating addresses.  ---------------------------------------------------- */

const struct schema_field schema_floating_ip_fields[] = {
    COMMON(vmn_floating_ip),
    { .name = "router", .type = SCHEMA_REF, AT(vmn_floating_ip, router),
      .flags = SCHEMA_REQUIRED, .ref = VMN_TABLE_ROUTER,
      .reach = SCHEMA_ACTS,
      .doc = "The router, of whose external network the address is." },
    { .name = "ip", .type = SCHEMA_IP, AT(vmn_floating_ip, ip),
      .flags = SCHEMA_REQUIRED,
      .doc = "The address, of a family of which the router has one there." },
    { .name = "port", .type = SCHEMA_REF, AT(vmn_floating_ip, port),
      .flags = SCHEMA_REQUIRED, .ref = VMN_TABLE_PORT,
      .unless = "load_balancer",
      .reach = SCHEMA_ACTS,
      .doc = "Whose it is: a port of one of the router's networks, and its "
             "first address of the same family." },
    { .name = "load_balancer", .type = SCHEMA_REF,
      AT(vmn_floating_ip, load_balancer), .flags = SCHEMA_REQUIRED,
      .ref = VMN_TABLE_LOADBALANCER, .unless = "port",
      .reach = SCHEMA_ACTS,
      .doc = "Whose virtual IP it is: a balancer in one of the router's "
             "networks." },
    { .name = NULL },
};

const struct schema_column schema_floating_ip_columns[] = {
    { .heading = "NAME", .path = "/name" },
    { .heading = "IP", .path = "/spec/ip" },
    { .heading = "PORT", .path = "/spec/port" },
    { .heading = "BALANCER", .path = "/spec/load_balancer" },
    { .heading = "ROUTER", .path = "/spec/router" },
    { .heading = "DESCRIPTION", .path = "/spec/description", .wide = true },
    { .heading = NULL },
};

/* Physical networks.  ----------------------------------------------------- */

const struct schema_struct schema_provider_bridge = {
    .name = "bridge", .size = sizeof(struct vmn_provider_bridge),
    .fields = FIELDS {
        { .name = "physical", .type = SCHEMA_STRING,
          AT(vmn_provider_bridge, physical),
          .flags = SCHEMA_REQUIRED | SCHEMA_KEY, .max = VALUE_PHYSICAL_LEN,
          .check = value_check_physical,
          .doc = "The physical network: a name that hosts share, 1 to 32 of "
                 "`a-z 0-9 . -`." },
        { .name = "bridge", .type = SCHEMA_STRING,
          AT(vmn_provider_bridge, bridge), .flags = SCHEMA_REQUIRED,
          .max = 15, .check = value_check_bridge,
          .doc = "The bridge of the host's Open vSwitch that the network's "
                 "interface is in; made by the host's operator." },
        { .name = NULL },
    },
};

const struct schema_struct schema_provider = {
    .name = "provider", .size = sizeof(struct vmn_provider),
    .fields = FIELDS {
        { .name = "physical", .type = SCHEMA_STRING,
          AT(vmn_provider, physical), .flags = SCHEMA_REQUIRED,
          .max = VALUE_PHYSICAL_LEN, .check = value_check_physical,
          .doc = "The physical network, as hosts name it in "
                 "`provider_bridges`." },
        { .name = "vlan", .type = SCHEMA_U32, AT(vmn_provider, vlan),
          .flags = SCHEMA_HIDE_DEFAULT, .min = 1, .max = 4094,
          .doc = "Its VLAN there; packets have no tag when absent." },
        { .name = NULL },
    },
};

/* DNS zones.  ------------------------------------------------------------- */

static const struct schema_struct dns_record = {
    .name = "record", .size = sizeof(struct vmn_dns_record),
    .fields = FIELDS {
        { .name = "name", .type = SCHEMA_STRING, AT(vmn_dns_record, name),
          .flags = SCHEMA_REQUIRED, .max = VALUE_DOMAIN_LEN,
          .doc = "A name in the zone, \"@\" for the zone itself; of PTR an "
                 "address." },
        { .name = "type", .type = SCHEMA_ENUM, AT(vmn_dns_record, type),
          .flags = SCHEMA_REQUIRED,
          .names = NAMES("A", "AAAA", "CNAME", "SRV", "PTR"),
          .doc = "The type of the record." },
        { .name = "ttl", .type = SCHEMA_U32, AT(vmn_dns_record, ttl),
          .flags = SCHEMA_HIDE_DEFAULT, .max = 604800,
          .doc = "For how many seconds it may be kept; the zone's when "
                 "absent." },
        { .name = "values", .type = SCHEMA_STRING, .flags = SCHEMA_LIST
          | SCHEMA_REQUIRED, LIST_AT(vmn_dns_record, values),
          .min_items = 1, .max_items = 64, .max = 512,
          .doc = "Addresses, a name in full, or \"PRIORITY WEIGHT PORT "
                 "NAME\"." },
        { .name = NULL },
    },
    .finish = schema_finish_dns_record,
};

const struct schema_field schema_dns_zone_fields[] = {
    COMMON(vmn_dns_zone),
    { .name = "domain", .type = SCHEMA_STRING, AT(vmn_dns_zone, domain),
      .flags = SCHEMA_NAME_DEFAULT, .max = VALUE_DOMAIN_LEN,
      .check = value_check_lower_domain,
      .doc = "What its names end with; the zone's own name when absent." },
    { .name = "networks", .type = SCHEMA_REF,
      .flags = SCHEMA_SET | SCHEMA_REQUIRED, LIST_AT(vmn_dns_zone, networks),
      .min_items = 1, .max_items = 1000, .ref = VMN_TABLE_NETWORK,
      .reach = SCHEMA_ACTS,
      .doc = "Those whose ports may ask." },
    { .name = "ports", .type = SCHEMA_BOOL, AT(vmn_dns_zone, ports),
      .def = true,
      .doc = "Whether ports and balancers of these networks have names in "
             "it: their own." },
    { .name = "ttl", .type = SCHEMA_U32, AT(vmn_dns_zone, ttl), .min = 1,
      .max = 604800, .def = 30,
      .doc = "For how many seconds answers may be kept." },
    { .name = "records", .type = SCHEMA_STRUCT, .flags = SCHEMA_SET,
      LIST_AT(vmn_dns_zone, records), .max_items = 10000,
      .nested = &dns_record, .doc = "Other names." },
    { .name = NULL },
};

const struct schema_column schema_dns_zone_columns[] = {
    { .heading = "NAME", .path = "/name" },
    { .heading = "DOMAIN", .path = "/spec/domain" },
    { .heading = "NETWORKS", .path = "/spec/networks" },
    { .heading = "PORTS", .path = "/spec/ports" },
    { .heading = "RECORDS", .path = "/spec/records/*/name", .wide = true },
    { .heading = "DESCRIPTION", .path = "/spec/description", .wide = true },
    { .heading = NULL },
};
