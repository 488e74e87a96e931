/* SPDX-License-Identifier: Apache-2.0
 *
 * Quarantines; see schema.h. */

#include <config.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/schema-rule.h"
#include "controller/schema/status.h"
#include "controller/schema/value.h"

static const struct schema_example examples[] = {
    EXAMPLE("infected", {
        "selector": "state=infected",
        "allow": [{"direction": "ingress",
                   "peers": [{"cidr": "10.0.0.5/32"}],
                   "services": [{"protocol": "tcp", "ports": [22]}]}]}),
    { .name = NULL },
};

const struct schema_table schema_quarantine = {
    .id = VMN_TABLE_QUARANTINE, .row_type = VMN_ROW_QUARANTINE,
    .plural = "quarantines", .singular = "quarantine",
    .kind = "Quarantine", .stored = true,
    .max_rows = 1000, .named_as = VMN_N_TABLES,
    .check_name = value_check_name,
    .examples = examples,
    .doc = "Ports that are cut off.",
    .status = &schema_status_quarantine,
    .columns = COLUMNS {
        { .heading = "NAME", .path = "/name" },
        { .heading = "SELECTOR", .path = "/spec/selector" },
        { .heading = "PORTS", .path = "/spec/ports" },
        { .heading = "MEMBERS", .path = "/status/n_members" },
        { .heading = "ALLOW", .path = "/spec/allow" },
        { .heading = "ALLOWED-PACKETS", .path = "/status/packets",
          .wide = true },
        { .heading = "ALLOWED-BYTES", .path = "/status/bytes", .wide = true },
        { .heading = "LAST-ALLOWED", .path = "/status/last", .wide = true },
        { .heading = "DESCRIPTION", .path = "/spec/description" },
        { .heading = NULL },
    },
    .row = {
        .name = "quarantine", .size = sizeof(struct vmn_quarantine),
        .fields = FIELDS {
            COMMON(vmn_quarantine),
            { .name = "selector", .type = SCHEMA_SELECTOR,
              AT(vmn_quarantine, selector),
              .reach = SCHEMA_ACTS,
              .doc = "Ports by their labels; \"\" selects all, absent "
                     "none." },
            { .name = "ports", .type = SCHEMA_REF, .flags = SCHEMA_SET,
              LIST_AT(vmn_quarantine, ports), .max_items = 10000,
              .ref = VMN_TABLE_PORT,
              .reach = SCHEMA_ACTS,
              .doc = "Ports by name." },
            { .name = "allow", .type = SCHEMA_STRUCT,
              .flags = SCHEMA_LIST, LIST_AT(vmn_quarantine, allow),
              .max_items = 64, .nested = &schema_rule_allowed,
              .doc = "What they may still send and receive." },
            { .name = NULL },
        },
    },
};
