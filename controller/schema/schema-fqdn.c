/* SPDX-License-Identifier: Apache-2.0
 *
 * Names in DNS that rules have as peers; see schema.h. */

#include <config.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/value.h"

const struct schema_table schema_fqdn = {
    .id = VMN_TABLE_FQDN, .row_type = VMN_ROW_FQDN,
    .plural = "fqdns", .singular = "fqdn",
    .kind = "Fqdn", .observed = true, .stored = true,
    .max_rows = VALUE_FQDNS_MAX, .named_as = VMN_N_TABLES,
    .check_name = value_check_fqdn,
    .doc = "What the addresses of a name are by DNS.",
    .columns = COLUMNS {
        { .heading = "NAME", .path = "/name" },
        { .heading = "STATE", .path = "/spec/state" },
        { .heading = NULL },
    },
    .row = {
        .name = "fqdn", .size = sizeof(struct vmn_fqdn),
        .fields = FIELDS {
            { .name = "state", .type = SCHEMA_ENUM,
              AT(vmn_fqdn, state), .flags = SCHEMA_REQUIRED,
              .names = value_fqdn_states,
              .doc = "What came of asking." },
            { .name = "ips", .type = SCHEMA_IP, .flags = SCHEMA_SET,
              LIST_AT(vmn_fqdn, ips), .max_items = VALUE_FQDN_IPS_MAX,
              .doc = "Its addresses." },
            { .name = "names", .type = SCHEMA_STRING, .flags = SCHEMA_SET,
              LIST_AT(vmn_fqdn, names), .max_items = VALUE_FQDN_NAMES_MAX,
              .max = VALUE_DOMAIN_LEN, .check = value_check_fqdn,
              .doc = "Of a wildcard: the names that guests have asked for." },
            { .name = NULL },
        },
    },
};
