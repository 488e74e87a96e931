/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups of ports and addresses. */

#include <config.h>

#include <stdlib.h>

#include "controller/model/checks.h"
#include "controller/model/model-class.h"
#include "controller/model/rights.h"
#include "controller/model/row-index.h"
#include "controller/model/txn.h"
#include "util.h"

static void
add_keys(const struct index_sink *sink, const struct vmn_row *row)
{
    const struct vmn_group *group = (const struct vmn_group *) row;

    for (size_t i = 0; i < group->n_ports; i++) {
        index_add(sink, VMN_INDEX_GROUP_BY_PORT, group->ports[i]);
    }
    if (group->selector.text) {
        index_add_anchor(sink, VMN_INDEX_GROUP_BY_ANCHOR, &group->selector);
    }
}

static void
count(const struct vmn_row *row, struct model_usage *used)
{
    const struct vmn_group *group = (const struct vmn_group *) row;

    used->members = (group->n_ports + group->n_groups + group->n_cidrs
                     + group->n_except);
}

/* Returns a copy in the fewest prefixes, which the caller frees, and sets '*n'
 * to their number. */
static struct vmn_prefix *
merged(const struct vmn_prefix *prefixes, size_t *n)
{
    struct vmn_prefix *copy = *n ? xmemdup(prefixes, *n * sizeof *copy) : NULL;

    *n = vmn_prefixes_merge(copy, *n);
    return copy;
}

size_t
group_prefixes(const struct vmn_group *group)
{
    size_t n = group->n_cidrs, n_except = group->n_except;
    struct vmn_prefix *cidrs = merged(group->cidrs, &n);
    struct vmn_prefix *except = merged(group->except, &n_except);

    n = vmn_prefixes_subtract(cidrs, n, except, n_except, NULL);
    free(cidrs);
    free(except);
    return n;
}

static void
check_group_effect(struct txn *txn, const struct entry *entry)
{
    const struct vmn_group *group = entry_row(entry);
    size_t n = group_prefixes(group);

    if (group->n_cidrs && !n) {
        txn_error(txn, entry, VMN_ERR_INVALID, "/except",
                  "must not exclude all of \"cidrs\"");
    } else if (n > CHECKS_MATCHES_MAX) {
        txn_error(txn, entry, VMN_ERR_INVALID, "/except",
                  "must leave at most %d prefixes of \"cidrs\"",
                  CHECKS_MATCHES_MAX);
    }
}

const struct model_class model_group = {
    .add_keys = add_keys,
    .check_effect = check_group_effect,
    .check_all = check_nesting,
    .check_users = check_meaning_is_kept,
    .count = count,
    .limit = "groups",
    .limit_offset = offsetof(struct vmn_quota, groups),
};
