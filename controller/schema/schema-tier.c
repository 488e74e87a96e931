/* SPDX-License-Identifier: Apache-2.0
 *
 * Tiers, some of which are built in; see schema.h. */

#include <config.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/status.h"
#include "controller/schema/value.h"

/* The positions are those of vmn/rows.h. */
#define BUILTIN_TIER(NAME, POSITION, DESCRIPTION)                       \
    { .name = NAME, .spec = "{\"position\": " #POSITION                 \
                            ", \"description\": \"" DESCRIPTION "\"}" }

static const struct schema_example builtin_tiers[] = {
    BUILTIN_TIER("emergency", 1, "Before all else, even quarantine"),
    BUILTIN_TIER("security", 5, "What no tier below may override"),
    BUILTIN_TIER("platform", 9, "Services that all need: DNS, backup, "
                                "metrics"),
    BUILTIN_TIER("application", 13,
                 "Closes what it selects, as Kubernetes does"),
    BUILTIN_TIER("baseline", 17, "For what no other tier decides"),
    { .name = NULL },
};

_Static_assert(VMN_TIER_EMERGENCY == 1 && VMN_TIER_SECURITY == 5
               && VMN_TIER_PLATFORM == 9 && VMN_TIER_APPLICATION == 13
               && VMN_TIER_BASELINE == 17, "positions of built-in tiers");

static const struct schema_example examples[] = {
    EXAMPLE("tenants", {"position": 11}),
    { .name = NULL },
};

const struct schema_table schema_tier = {
    .id = VMN_TABLE_TIER, .row_type = VMN_ROW_TIER,
    .plural = "tiers", .singular = "tier",
    .kind = "Tier", .stored = true, .unscoped = true,
    .builtin = builtin_tiers,
    .max_rows = VMN_TIER_POSITIONS, .named_as = VMN_N_TABLES,
    .check_name = value_check_name,
    .everyone_sees = true,
    .examples = examples,
    .doc = "A step in which policies are evaluated.",
    .status = &schema_status_tier,
    .columns = COLUMNS {
        { .heading = "NAME", .path = "/name" },
        { .heading = "POSITION", .path = "/spec/position" },
        { .heading = "RETAINED", .path = "/status/retained/packets",
          .wide = true },
        { .heading = "DESCRIPTION", .path = "/spec/description" },
        { .heading = NULL },
    },
    .row = {
        .name = "tier", .size = sizeof(struct vmn_tier),
        .fields = FIELDS {
            COMMON(vmn_tier),
            { .name = "position", .type = SCHEMA_U32,
              AT(vmn_tier, position), .flags = SCHEMA_REQUIRED,
              .min = 1, .max = VMN_TIER_POSITIONS,
              .doc = "Tiers are evaluated in this order; each has its "
                     "own." },
            { .name = NULL },
        },
    },
};
