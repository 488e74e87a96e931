/* SPDX-License-Identifier: Apache-2.0
 *
 * Services; see schema.h. */

#include <config.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/schema-rule.h"
#include "controller/schema/value.h"

static const struct schema_example examples[] = {
    EXAMPLE("http", {
        "entries": [{"protocol": "tcp", "ports": [80, "8000-8010"]}]}),
    { .name = NULL },
};

const struct schema_table schema_service = {
    .id = VMN_TABLE_SERVICE, .row_type = VMN_ROW_SERVICE,
    .plural = "services",
    .singular = "service", .kind = "Service", .stored = true,
    .max_rows = 10000, .named_as = VMN_N_TABLES,
    .check_name = value_check_name,
    .examples = examples,
    .doc = "A named set of protocols and ports.",
    .columns = COLUMNS {
        { .heading = "NAME", .path = "/name" },
        { .heading = "ENTRIES", .path = "/spec/entries" },
        { .heading = NULL },
    },
    .row = {
        .name = "service", .size = sizeof(struct vmn_service),
        .fields = FIELDS {
            COMMON(vmn_service),
            { .name = "entries", .type = SCHEMA_STRUCT,
              .flags = SCHEMA_SET | SCHEMA_REQUIRED,
              LIST_AT(vmn_service, entries), .min_items = 1,
              .max_items = 64, .nested = &schema_service_entry,
              .doc = "Protocols with their ports." },
            { .name = NULL },
        },
    },
};
