/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups of ports and addresses. */

#include <config.h>

#include "controller/model/checks.h"
#include "controller/model/model-class.h"
#include "controller/model/rights.h"
#include "controller/model/row-index.h"
#include "controller/model/txn.h"
#include "controller/schema/value.h"

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

static bool
is_excepted(const struct vmn_group *group, const struct vmn_prefix *cidr)
{
    for (size_t i = 0; i < group->n_except; i++) {
        if (group->except[i].len <= cidr->len
            && value_prefix_contains(&group->except[i], &cidr->ip)) {
            return true;
        }
    }
    return false;
}

static void
check_group_effect(struct txn *txn, const struct entry *entry)
{
    const struct vmn_group *group = entry_row(entry);

    for (size_t i = 0; i < group->n_cidrs; i++) {
        if (!is_excepted(group, &group->cidrs[i])) {
            return;
        }
    }
    if (group->n_cidrs) {
        txn_error(txn, entry, VMN_ERR_INVALID, "/except",
                  "must not exclude all of \"cidrs\"");
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
