/* SPDX-License-Identifier: Apache-2.0
 *
 * What routers may have to withdraw; see schema.h. */

#include <config.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/value.h"

const struct schema_table schema_withdrawal = {
    .id = VMN_TABLE_WITHDRAWAL, .row_type = VMN_ROW_WITHDRAWAL,
    .plural = "withdrawals", .singular = "withdrawal",
    .kind = "Withdrawal", .observed = true, .stored = true,
    .max_rows = 200000, .named_as = VMN_N_TABLES,
    .check_name = value_check_health_name,
    .doc = "What was advertised in a network, or to a port, before it "
           "changed, and guests may still have.",
    .columns = COLUMNS {
        { .heading = "NAME", .path = "/name" },
        { .heading = NULL },
    },
    .row = {
        .name = "withdrawal", .size = sizeof(struct vmn_withdrawal),
        .fields = FIELDS {
            { .name = "network", .type = SCHEMA_REF,
              AT(vmn_withdrawal, network), .ref = VMN_TABLE_NETWORK,
              .doc = "The network; or there is a port." },
            { .name = "port", .type = SCHEMA_REF, AT(vmn_withdrawal, port),
              .ref = VMN_TABLE_PORT, .doc = "The port." },
            { .name = "items", .type = SCHEMA_STRING, .flags = SCHEMA_LIST,
              LIST_AT(vmn_withdrawal, items), .max_items = 64, .max = 300,
              .doc = "What it is, and until when guests may have it." },
            { .name = NULL },
        },
    },
};
