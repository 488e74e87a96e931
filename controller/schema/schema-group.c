/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups; see schema.h. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/schema-error.h"
#include "controller/schema/status.h"
#include "controller/schema/value.h"
#include "util.h"

/* Checks for overlaps.  Both lists are sorted, so a prefix comes before those
 * that it contains. */
static void
finish_group(void *group_, const json_t *json OVS_UNUSED,
                    const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_group *group = group_;
    size_t n = group->n_cidrs;
    struct vmn_prefix *cidrs = n ? xmemdup(group->cidrs, n * sizeof *cidrs)
                                 : NULL;
    char buf[VALUE_PREFIX_SIZE];

    n = vmn_prefixes_merge(cidrs, n);
    for (size_t i = 0, j = 0; i < group->n_except; i++) {
        const struct vmn_prefix *except = &group->except[i];

        while (j < n && !value_prefix_overlaps(&cidrs[j], except)
               && memcmp(&cidrs[j].ip, &except->ip, sizeof except->ip) < 0) {
            j++;
        }
        if (j >= n || !value_prefix_overlaps(&cidrs[j], except)) {
            add_error(errors, pointer, "except",
                      "must exclude something from \"cidrs\": %s does not",
                      value_format_prefix(except, buf));
        }
    }
    free(cidrs);
}

static const struct schema_example examples[] = {
    EXAMPLE("web", {"selector": "role=web"}),
    EXAMPLE("db", {"selector": "role in (db,cache)",
                   "cidrs": ["192.0.2.0/24"],
                   "except": ["192.0.2.128/25"]}),
    { .name = NULL },
};

const struct schema_table schema_group = {
    .id = VMN_TABLE_GROUP, .row_type = VMN_ROW_GROUP,
    .plural = "groups", .singular = "group",
    .kind = "Group", .stored = true, .max_rows = 10000,
    .named_as = VMN_N_TABLES, .check_name = value_check_name,
    .passes_on = true, .contains = true,
    .examples = examples,
    .doc = "A set of ports and addresses.",
    .status = &schema_status_group,
    .columns = COLUMNS {
        { .heading = "NAME", .path = "/name" },
        { .heading = "SELECTOR", .path = "/spec/selector" },
        { .heading = "GROUPS", .path = "/spec/groups" },
        { .heading = "PORTS", .path = "/spec/ports" },
        { .heading = "CIDRS", .path = "/spec/cidrs" },
        { .heading = "EXCEPT", .path = "/spec/except", .wide = true },
        { .heading = NULL },
    },
    .row = {
        .name = "group", .size = sizeof(struct vmn_group),
        .fields = FIELDS {
            COMMON(vmn_group),
            { .name = "selector", .type = SCHEMA_SELECTOR,
              AT(vmn_group, selector),
              .reach = SCHEMA_ACTS,
              .doc = "Ports by their labels; \"\" selects all, absent "
                     "none." },
            { .name = "groups", .type = SCHEMA_REF, .flags = SCHEMA_SET,
              LIST_AT(vmn_group, groups), .max_items = 256,
              .ref = VMN_TABLE_GROUP,
              .reach = SCHEMA_ACTS,
              .doc = "Nested groups, whose ports and addresses it includes; "
                     "at most 8 levels." },
            { .name = "ports", .type = SCHEMA_REF, .flags = SCHEMA_SET,
              LIST_AT(vmn_group, ports), .max_items = 10000,
              .ref = VMN_TABLE_PORT,
              .reach = SCHEMA_ACTS,
              .doc = "Ports by name." },
            { .name = "cidrs", .type = SCHEMA_PREFIX,
              .flags = SCHEMA_SET, LIST_AT(vmn_group, cidrs),
              .max_items = 10000,
              .doc = "Prefixes. As a peer: whoever has an address in them, "
                     "VMs included. A policy does not apply to ports by "
                     "them." },
            { .name = "except", .type = SCHEMA_PREFIX,
              .flags = SCHEMA_SET, LIST_AT(vmn_group, except),
              .max_items = 10000,
              .doc = "Prefixes excluded from `cidrs`." },
            { .name = NULL },
        },
        .finish = finish_group,
    },
};
