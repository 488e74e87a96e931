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
#define WIDER "what the wider one says"

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
          .doc = "The addresses that it is for; IPv4." },
        { .name = "via", .type = SCHEMA_IP, AT(vmn_dhcp_route, via),
          .flags = SCHEMA_REQUIRED | SCHEMA_IPV4,
          .doc = "Who takes them; IPv4." },
        { .name = NULL },
    },
    .finish = finish_route,
};

#define OPTIONS                                                             \
    { .name = "lease_time", .type = SCHEMA_U32,                             \
      AT(vmn_dhcp_options, lease_time), .flags = SCHEMA_HIDE_DEFAULT,       \
      .min = 60, .max = YEAR,                                               \
      .doc = "For how many seconds addresses are leased; 86400 where nobody "     \
             "says." },                                                     \
    { .name = "dns", .type = SCHEMA_IP, .flags = SCHEMA_LIST,               \
      LIST_AT(vmn_dhcp_options, dns), .min_items = 1, .max_items = 8,       \
      .absent = WIDER,                                                      \
      .doc = "Resolvers, of both families, the first one first." },         \
    { .name = "domain", .type = SCHEMA_STRING,                              \
      AT(vmn_dhcp_options, domain), .max = VALUE_DOMAIN_LEN,                \
      .check = value_check_domain, .doc = "The domain that hosts are in." },  \
    { .name = "search", .type = SCHEMA_STRING, .flags = SCHEMA_LIST,        \
      LIST_AT(vmn_dhcp_options, search), .min_items = 1, .max_items = 8,    \
      .max = VALUE_DOMAIN_LEN, .check = value_check_domain,                 \
      .absent = WIDER,                                                      \
      .doc = "Domains in which names are looked up; `domain` where "        \
             "nobody says." },                                              \
    { .name = "ntp", .type = SCHEMA_IP, .flags = SCHEMA_LIST,               \
      LIST_AT(vmn_dhcp_options, ntp), .min_items = 1, .max_items = 8,       \
      .absent = WIDER, .doc = "Servers of the time, of both families." },   \
    { .name = "routes", .type = SCHEMA_STRUCT, .flags = SCHEMA_SET,         \
      LIST_AT(vmn_dhcp_options, routes), .min_items = 1, .max_items = 32,   \
      .absent = WIDER, .nested = &route,                                    \
      .doc = "Static routes, by DHCPv4." },                                 \
    { .name = "boot_server", .type = SCHEMA_IP,                             \
      AT(vmn_dhcp_options, boot_server), .flags = SCHEMA_IPV4,              \
      .doc = "Where a machine without a disk goes on; IPv4." },             \
    { .name = "boot_file", .type = SCHEMA_STRING,                           \
      AT(vmn_dhcp_options, boot_file), .max = 127,                          \
      .doc = "What it loads from there: a path, or a URL." }

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
          .doc = "Its name; the port's when absent." },
        { .name = NULL },
    },
};
