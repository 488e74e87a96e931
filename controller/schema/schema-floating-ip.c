/* SPDX-License-Identifier: Apache-2.0
 *
 * Floating addresses; see schema.h. */

#include <config.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/value.h"

static const struct schema_field fields[] = {
    COMMON(vmn_floating_ip),
    { .name = "router", .type = SCHEMA_REF, AT(vmn_floating_ip, router),
      .flags = SCHEMA_REQUIRED, .ref = VMN_TABLE_ROUTER,
      .reach = SCHEMA_ACTS,
      .doc = "The router whose external network the address is in." },
    { .name = "ip", .type = SCHEMA_IP, AT(vmn_floating_ip, ip),
      .flags = SCHEMA_REQUIRED | SCHEMA_UNSERVED,
      .doc = "The address; the router has an external address of its "
             "family." },
    { .name = "port", .type = SCHEMA_REF, AT(vmn_floating_ip, port),
      .flags = SCHEMA_REQUIRED, .ref = VMN_TABLE_PORT,
      .unless = "load_balancer",
      .reach = SCHEMA_ACTS,
      .doc = "The port that it is translated to, in one of the router's "
             "networks: to its first address of the same family. From "
             "outside everything is let through to it that no policy or "
             "`default` of its network denies." },
    { .name = "load_balancer", .type = SCHEMA_REF,
      AT(vmn_floating_ip, load_balancer), .flags = SCHEMA_REQUIRED,
      .ref = VMN_TABLE_LOADBALANCER, .unless = "port",
      .reach = SCHEMA_ACTS,
      .doc = "The balancer whose virtual IP it is translated to, in one of "
             "the router's networks." },
    { .name = NULL },
};

static const struct schema_column columns[] = {
    { .heading = "NAME", .path = "/name" },
    { .heading = "IP", .path = "/spec/ip" },
    { .heading = "PORT", .path = "/spec/port" },
    { .heading = "BALANCER", .path = "/spec/load_balancer" },
    { .heading = "ROUTER", .path = "/spec/router" },
    { .heading = "DESCRIPTION", .path = "/spec/description", .wide = true },
    { .heading = NULL },
};

static const struct schema_example examples[] = {
    EXAMPLE("web", {
        "router": "shop", "ip": "198.51.100.20", "port": "web-1"}),
    { .name = NULL },
};

const struct schema_table schema_floating_ip = {
    .id = VMN_TABLE_FLOATING_IP, .row_type = VMN_ROW_FLOATING_IP,
    .plural = "floating-ips",
    .singular = "floating-ip", .kind = "FloatingIp", .stored = true,
    .max_rows = 20000, .named_as = VMN_N_TABLES,
    .check_name = value_check_name,
    .examples = examples,
    .doc = "A port's address in an external network.",
    .columns = columns,
    .row = {
        .name = "floating-ip", .size = sizeof(struct vmn_floating_ip),
        .fields = fields,
    },
};
