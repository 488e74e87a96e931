/* SPDX-License-Identifier: Apache-2.0
 *
 * Tiers: each has a position of its own. */

#include <config.h>

#include <stdio.h>

#include "controller/model/model-class.h"
#include "controller/model/row-index.h"
#include "controller/model/txn.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static void
add_keys(const struct index_sink *sink, const struct vmn_row *row)
{
    const struct vmn_tier *tier = (const struct vmn_tier *) row;
    char position[12];

    snprintf(position, sizeof position, "%u", tier->position);
    index_add(sink, VMN_INDEX_ALL_TIERS, "");
    index_add(sink, INDEX_POSITION, position);
}

/* Returns the names of all tiers in their order.  The caller frees the
 * text. */
static char *
tier_names(const struct model *model)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (int i = 1; i <= VMN_TIER_POSITIONS; i++) {
        char position[12];

        snprintf(position, sizeof position, "%d", i);
        const struct name_set *names = index_get(model, INDEX_POSITION,
                                                 position);
        for (size_t j = 0; j < names->n; j++) {
            ds_put_format(&ds, "%s%s", ds.length ? ", " : "",
                          names->names[j]);
        }
    }
    return ds_steal_cstr(&ds);
}

static void
check_tier(struct txn *txn, const struct entry *entry)
{
    const struct vmn_tier *tier = entry_row(entry);
    char position[12];
    const char *other;

    snprintf(position, sizeof position, "%u", tier->position);
    other = index_find_other(txn->model, INDEX_POSITION, position,
                             entry->name);
    if (other) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/position",
                  "%s is that of tier \"%s\"", position, other);
    }
}

const struct model_class model_tier = {
    .add_keys = add_keys,
    .check = check_tier,
    .list = tier_names,
};
