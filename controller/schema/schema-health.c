/* SPDX-License-Identifier: Apache-2.0
 *
 * The health of backends; see schema.h. */

#include <config.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/value.h"

const struct schema_table schema_health = {
    .id = VMN_TABLE_HEALTH, .row_type = VMN_ROW_HEALTH,
    .plural = "healths", .singular = "health",
    .kind = "Health", .observed = true, .stored = true,
    .max_rows = 1000000, .named_as = VMN_N_TABLES,
    .check_name = value_check_health_name,
    .doc = "The observed health of a balancer's backend, or of what an app "
           "has probed.",
    .columns = COLUMNS {
        { .heading = "NAME", .path = "/name" },
        { .heading = "STATE", .path = "/spec/state" },
        { .heading = NULL },
    },
    .row = {
        .name = "health", .size = sizeof(struct vmn_health),
        .fields = FIELDS {
            { .name = "loadbalancer", .type = SCHEMA_REF,
              AT(vmn_health, loadbalancer),
              .ref = VMN_TABLE_LOADBALANCER,
              .doc = "The balancer; or there is a target." },
            { .name = "port", .type = SCHEMA_REF, AT(vmn_health, port),
              .flags = SCHEMA_REQUIRED, .ref = VMN_TABLE_PORT,
              .doc = "Its backend, or the target's port." },
            { .name = "state", .type = SCHEMA_ENUM,
              AT(vmn_health, state), .flags = SCHEMA_REQUIRED,
              .names = NAMES("up", "down", "drained"),
              .doc = "Its state." },
            { .name = "target", .type = SCHEMA_STRING,
              AT(vmn_health, target), .max = VMN_NAME_LEN,
              .check = value_check_name,
              .doc = "What an app has probed: APP.NAME." },
            { .name = NULL },
        },
    },
};
