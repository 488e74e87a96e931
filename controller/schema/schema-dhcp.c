/* SPDX-License-Identifier: Apache-2.0
 *
 * The description of vmn_dhcp_options; see schema-dhcp.h. */

#include <config.h>

#include "controller/schema/schema-dhcp.h"

#include <stdlib.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/value.h"
#include "util.h"

#define YEAR (366 * 24 * 3600)
#define WIDER "the inherited value"

static void
finish_route(void *route_, const json_t *json OVS_UNUSED, const char *pointer,
             struct vmn_errors *errors)
{
    const struct vmn_dhcp_route *route = route_;

    if (route->destination.ip.family != 4) {
        char *where = xasprintf("%s/destination", pointer);

        vmn_errors_add(errors, VMN_ERR_INVALID, where,
                       "must be IPv4: DHCPv6 has no routes");
        free(where);
    }
}

static const struct schema_struct route = {
    .name = "route", .size = sizeof(struct vmn_dhcp_route),
    .fields = FIELDS {
        { .name = "destination", .type = SCHEMA_PREFIX,
          AT(vmn_dhcp_route, destination),
          .flags = SCHEMA_REQUIRED | SCHEMA_KEY,
          .doc = "The destination; IPv4." },
        { .name = "via", .type = SCHEMA_IP, AT(vmn_dhcp_route, via),
          .flags = SCHEMA_REQUIRED | SCHEMA_IPV4,
          .doc = "The next hop; IPv4." },
        { .name = NULL },
    },
    .finish = finish_route,
};

#define OPTIONS                                                             \
    { .name = "lease_time", .type = SCHEMA_U32,                             \
      AT(vmn_dhcp_options, lease_time), .flags = SCHEMA_HIDE_DEFAULT,       \
      .min = 60, .max = YEAR,                                               \
      .doc = "The lease time, in seconds; 86400 if set nowhere." },         \
    { .name = "dns", .type = SCHEMA_IP, .flags = SCHEMA_LIST,               \
      LIST_AT(vmn_dhcp_options, dns), .min_items = 1, .max_items = 8,       \
      .absent = WIDER,                                                      \
      .doc = "DNS servers, of both families, in order of preference." },    \
    { .name = "domain", .type = SCHEMA_STRING,                              \
      AT(vmn_dhcp_options, domain), .max = VALUE_DOMAIN_LEN,                \
      .check = value_check_domain, .doc = "The domain of clients." },       \
    { .name = "search", .type = SCHEMA_STRING, .flags = SCHEMA_LIST,        \
      LIST_AT(vmn_dhcp_options, search), .min_items = 1, .max_items = 8,    \
      .max = VALUE_DOMAIN_LEN, .check = value_check_domain,                 \
      .absent = WIDER,                                                      \
      .doc = "The search list of domains; `domain` if set nowhere." },      \
    { .name = "ntp", .type = SCHEMA_IP, .flags = SCHEMA_LIST,               \
      LIST_AT(vmn_dhcp_options, ntp), .min_items = 1, .max_items = 8,       \
      .absent = WIDER, .doc = "NTP servers, of both families." },           \
    { .name = "routes", .type = SCHEMA_STRUCT, .flags = SCHEMA_SET,         \
      LIST_AT(vmn_dhcp_options, routes), .min_items = 1, .max_items = 32,   \
      .absent = WIDER, .nested = &route,                                    \
      .doc = "Classless static routes, by DHCPv4 (RFC 3442)." },            \
    { .name = "boot_server", .type = SCHEMA_IP,                             \
      AT(vmn_dhcp_options, boot_server), .flags = SCHEMA_IPV4,              \
      .doc = "The server that a client boots from (PXE); IPv4." },          \
    { .name = "boot_file", .type = SCHEMA_STRING,                           \
      AT(vmn_dhcp_options, boot_file), .max = 127,                          \
      .doc = "The boot file there: a path, or a URL." }

const struct schema_struct schema_dhcp_options = {
    .name = "dhcp_options", .size = sizeof(struct vmn_dhcp_options),
    .fields = FIELDS {
        OPTIONS,
        { .name = NULL },
    },
};

const struct schema_struct schema_port_dhcp_options = {
    .name = "dhcp_options", .size = sizeof(struct vmn_dhcp_options),
    .fields = FIELDS {
        OPTIONS,
        { .name = "hostname", .type = SCHEMA_STRING,
          AT(vmn_dhcp_options, hostname), .max = VALUE_DOMAIN_LEN,
          .check = value_check_domain,
          .doc = "Its host name; the port's name when absent." },
        { .name = NULL },
    },
};
