/* SPDX-License-Identifier: Apache-2.0
 *
 * Bindings of ports to hosts; see schema.h. */

#include <config.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/value.h"

const struct schema_table schema_binding = {
    .id = VMN_TABLE_BINDING, .row_type = VMN_ROW_BINDING,
    .plural = "bindings",
    .singular = "binding", .kind = "Binding", .observed = true,
    .stored = true, .max_rows = 100000, .named_as = VMN_TABLE_PORT,
    .check_name = value_check_name,
    .doc = "The host that a port is bound to, as hosts report.",
    .columns = COLUMNS {
        { .heading = "PORT", .path = "/name" },
        { .heading = "HOST", .path = "/spec/host" },
        { .heading = "CANDIDATE", .path = "/spec/candidate" },
        { .heading = NULL },
    },
    .row = {
        .name = "binding", .size = sizeof(struct vmn_binding),
        .fields = FIELDS {
            { .name = "host", .type = SCHEMA_REF,
              AT(vmn_binding, host), .ref = VMN_TABLE_HOST,
              .flags = SCHEMA_REQUIRED,
              .doc = "The host that it is bound to." },
            { .name = "candidate", .type = SCHEMA_REF,
              AT(vmn_binding, candidate), .ref = VMN_TABLE_HOST,
              .doc = "Another host that claims it." },
            { .name = "activated", .type = SCHEMA_BOOL,
              AT(vmn_binding, activated),
              .doc = "Its guest has moved from the candidate, which still has "
                     "its interface." },
            { .name = "former", .type = SCHEMA_REF,
              AT(vmn_binding, former), .ref = VMN_TABLE_HOST,
              .doc = "The host that its guest has moved from, which has "
                     "dropped its interface, for a while: its switch knows "
                     "connections that the new one's does not." },
            { .name = NULL },
        },
    },
};
