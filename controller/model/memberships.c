/* SPDX-License-Identifier: Apache-2.0
 *
 * Memberships of ports in groups.  Each takes vmnd some 60 bytes, so many
 * groups of many ports would take all of its memory.
 *
 * A group counts for each port that it lists, and for each one that has the
 * label by which the group is found (index_add_anchor()).  These are at least
 * its members, and as many as are compared with its selector.  Not for ports
 * of groups in groups, which take nothing, nor for quotas of other amounts
 * (quota-limits.c). */

#include <config.h>

#include <inttypes.h>

#include "controller/model/model-class.h"
#include "controller/model/quota-usage.h"
#include "controller/model/row-checks.h"
#include "controller/model/row-index.h"
#include "controller/model/txn.h"
#include "controller/schema/schema-row.h"
#include "util.h"

/* Of all groups.  A tenth of them is for accounts without a scope. */
#define MEMBERSHIPS_MAX 20000000
#define RESERVED_ONE_IN 10

struct counting {
    const struct model *model;
    int64_t n;
};

static void
count_key(void *counting_, int index, const char *key)
{
    struct counting *counting = counting_;

    if (index == VMN_INDEX_GROUP_BY_PORT) {
        counting->n++;
    } else if (index == VMN_INDEX_GROUP_BY_ANCHOR) {
        counting->n += index_get(counting->model, VMN_INDEX_PORT_BY_LABEL,
                                 key)->n;
    } else if (index == VMN_INDEX_PORT_BY_LABEL) {
        counting->n += index_get(counting->model, VMN_INDEX_GROUP_BY_ANCHOR,
                                 key)->n;
    }
}

int64_t
memberships_of(const struct model *model, const struct vmn_row *row)
{
    struct counting counting = { model, 0 };
    struct index_sink sink = { count_key, &counting, row };

    model->classes[row->table]->add_keys(&sink, row);
    return counting.n;
}

/* Returns true if 'quota' is NULL, or counts the row. */
static bool
counts(const struct vmn_quota *quota, const struct vmn_row *row)
{
    return !quota || vmn_selector_matches(&quota->scope,
                                          schema_row_labels(row));
}

/* Returns true if the request adds memberships of groups that 'quota'
 * counts. */
static bool
adds_memberships(const struct txn *txn, const struct vmn_quota *quota)
{
    int64_t added = 0;

    for (size_t i = 0; i < txn->n_touched; i++) {
        const struct entry *entry = txn->touched[i];
        const struct version *versions[] = { entry->before, entry->cur };
        bool is_group = entry->table == VMN_TABLE_GROUP;

        if (!entry_is_changed(entry)
            || (!is_group && entry->table != VMN_TABLE_PORT)) {
            continue;
        }
        for (int j = 0; j < 2; j++) {
            if (versions[j]
                && (!is_group || counts(quota, versions[j]->row))) {
                int64_t n = memberships_of(txn->model, versions[j]->row);

                added += j ? n : -n;
            }
        }
        model_yield(txn->model);
    }
    return added > 0;
}

/* Returns how many memberships the groups have that 'quota' counts, or 0 if
 * they cannot be more than 'max'. */
static int64_t
count_all(const struct txn *txn, const struct vmn_quota *quota, int64_t max)
{
    const struct model *model = txn->model;
    struct vmn_names names = model_names(model, VMN_TABLE_GROUP);
    int64_t n_ports = model_names(model, VMN_TABLE_PORT).n, n = 0;

    for (size_t i = 0; (int64_t) names.n * n_ports > max && i < names.n;
         i++) {
        const struct vmn_row *row = model_get(model, VMN_TABLE_GROUP,
                                              names.names[i]);

        if (counts(quota, row)) {
            n += memberships_of(model, row);
        }
        model_yield(model);
    }
    return n;
}

void
check_memberships(struct txn *txn)
{
    const struct model_rights *rights = txn->request->rights;
    bool scoped = rights && rights->scope.text;
    int64_t max = (MEMBERSHIPS_MAX
                   - (scoped ? MEMBERSHIPS_MAX / RESERVED_ONE_IN : 0));
    int64_t n = (adds_memberships(txn, NULL) ? count_all(txn, NULL, max) : 0);

    if (n > max && scoped) {
        vmn_errors_add(txn->errors, VMN_ERR_TOO_LARGE, "",
                       "there are too many memberships of ports in groups: "
                       "what is left is for accounts without a scope");
    } else if (n > max) {
        vmn_errors_add(txn->errors, VMN_ERR_TOO_LARGE, "",
                       "groups would have %"PRId64" memberships of ports, "
                       "and at most %"PRId64" are allowed", n, max);
    }
}

void
check_quota_memberships(struct txn *txn, const struct vmn_quota *quota)
{
    int64_t max = quota->memberships;
    int64_t n = (max >= 0 && adds_memberships(txn, quota)
                 ? count_all(txn, quota, max) : 0);

    if (n > MAX(max, 0)) {
        vmn_errors_add_excess(txn->errors, &(const struct vmn_excess) {
            .quota = quota->row.name, .resource = "memberships",
            .limit = max, .used = -1, .requested = n,
        });
    }
}
