/* SPDX-License-Identifier: Apache-2.0
 *
 * Apps; see schema.h. */

#include <config.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/status.h"
#include "controller/schema/value.h"

static const struct schema_example examples[] = {
    EXAMPLE("dns", {"enabled": true}),
    { .name = NULL },
};

const struct schema_table schema_app = {
    .id = VMN_TABLE_APP, .plural = "apps", .singular = "app",
    .kind = "App", .stored = true, .unscoped = true, .max_rows = 64,
    .named_as = VMN_N_TABLES, .check_name = value_check_name,
    .everyone_sees = true, .of_daemon = true,
    .for_admins = true,
    .examples = examples,
    .doc = "An app that is loaded.",
    .status = &schema_status_app,
    .columns = COLUMNS {
        { .heading = "NAME", .path = "/name" },
        { .heading = "ENABLED", .path = "/spec/enabled" },
        { .heading = "UNITS", .path = "/status/units" },
        { .heading = "FLOWS", .path = "/status/flows" },
        { .heading = "DESCRIPTION", .path = "/spec/description" },
        { .heading = NULL },
    },
    .row = {
        .name = "app", .size = sizeof(struct vmn_app_row),
        .later = NAMES("config"),
        .fields = FIELDS {
            COMMON(vmn_app_row),
            { .name = "enabled", .type = SCHEMA_BOOL,
              AT(vmn_app_row, enabled), .def = true,
              .doc = "Whether its flows are installed." },
            { .name = NULL },
        },
    },
};
