/* SPDX-License-Identifier: Apache-2.0
 *
 * Observations of networks; see schema.h. */

#include <config.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/status.h"
#include "controller/schema/value.h"

static const struct schema_example examples[] = {
    EXAMPLE("shop", {"minutes": 60}),
    { .name = NULL },
};

const struct schema_table schema_observation = {
    .id = VMN_TABLE_OBSERVATION, .row_type = VMN_ROW_OBSERVATION,
    .plural = "observations",
    .singular = "observation", .kind = "Observation", .stored = true,
    .max_rows = 100, .named_as = VMN_TABLE_NETWORK,
    .check_name = value_check_name,
    .examples = examples,
    .doc = "Records the connections of the network of its name.",
    .status = &schema_status_observation,
    .columns = COLUMNS {
        { .heading = "NAME", .path = "/name" },
        { .heading = "MINUTES", .path = "/spec/minutes" },
        { .heading = "EXPIRES", .path = "/status/expires" },
        { .heading = "DESCRIPTION", .path = "/spec/description" },
        { .heading = NULL },
    },
    .row = {
        .name = "observation", .size = sizeof(struct vmn_observation),
        .fields = FIELDS {
            COMMON(vmn_observation),
            { .name = "minutes", .type = SCHEMA_U32,
              AT(vmn_observation, minutes), .min = 1, .max = 43200,
              .def = 1440,
              .doc = "Its lifetime; then it is deleted, with all that was "
                     "recorded." },
            { .name = NULL },
        },
    },
};
