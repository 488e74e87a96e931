/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups inside of groups: never in a circle, and not too deep.
 *
 * Whatever a request makes wrong goes through a group that it changed, so only
 * what is inside and outside of those is looked at, and each group once.  The
 * first circle is reported, with the way around it. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "controller/model/checks.h"
#include "controller/model/row-index.h"
#include "controller/model/txn.h"
#include "openvswitch/dynamic-string.h"
#include "simap.h"
#include "svec.h"
#include "util.h"

/* Most levels of nested groups, and most groups that the text of an error
 * about a loop names. */
#define NEST_MAX 8
#define PATH_MAX_GROUPS 64

struct nest {
    struct txn *txn;
    /* Length of the longest chain of groups that starts at each group, the
     * group itself included, down to nested groups, and up to those that
     * contain it.  0: being measured. */
    struct simap inside, outside;
    struct svec path;           /* From the start to the current group. */
    bool loops;
};

/* Returns the groups that 'name' lists, or those that list it. */
static struct vmn_names
neighbours(const struct nest *nest, const char *name, bool inside)
{
    const struct model *model = nest->txn->model;
    const struct vmn_group *group = model_get(model, VMN_TABLE_GROUP, name);
    const struct name_set *set = index_get(
        model, index_refs(VMN_TABLE_GROUP, VMN_TABLE_GROUP), name);

    if (!group) {
        return (struct vmn_names) { 0, NULL };
    }
    return inside ? (struct vmn_names) { group->n_groups, group->groups }
           : (struct vmn_names) { set->n, (const char *const *) set->names };
}

/* Reports the loop from 'name' in the path back to it. */
static void
report_loop(struct nest *nest, const struct entry *entry, const char *name)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    size_t i = 0;

    while (strcmp(nest->path.names[i], name)) {
        i++;
    }
    for (; i < nest->path.n; i++) {
        ds_put_format(&ds, "%s, which has ", nest->path.names[i]);
    }
    ds_put_cstr(&ds, name);
    txn_error(nest->txn, entry, VMN_ERR_INVALID, "/groups",
              "must not form a cycle: %s", ds_cstr(&ds));
    ds_destroy(&ds);
    nest->loops = true;
}

/* Returns the length of the longest chain of groups from 'name' on, itself
 * included. */
static unsigned
measure(struct nest *nest, const struct entry *entry, const char *name,
        bool inside)
{
    struct simap *known = inside ? &nest->inside : &nest->outside;
    struct simap_node *node = simap_find(known, name);
    struct vmn_names next;
    unsigned longest = 0;

    if (node) {
        if (!node->data && inside) {
            report_loop(nest, entry, name);
        }
        return node->data;
    }
    simap_put(known, name, 0);
    svec_add(&nest->path, name);
    next = neighbours(nest, name, inside);
    for (size_t i = 0; i < next.n && nest->path.n < PATH_MAX_GROUPS
                       && !nest->loops; i++) {
        unsigned n = measure(nest, entry, next.names[i], inside);

        longest = MAX(longest, n);
    }
    free(nest->path.names[--nest->path.n]);
    simap_put(known, name, longest + 1);
    model_yield(nest->txn->model);
    return longest + 1;
}

static void
check_group(struct nest *nest, const struct entry *entry)
{
    unsigned n = measure(nest, entry, entry->name, true);

    if (!nest->loops) {
        n += measure(nest, entry, entry->name, false) - 1;
    }
    if (!nest->loops && n > NEST_MAX) {
        txn_error(nest->txn, entry, VMN_ERR_INVALID, "/groups",
                  "must not nest more than %d groups: "
                  "with these there are %u%s", NEST_MAX, n,
                  n < PATH_MAX_GROUPS ? "" : " or more");
    }
}

void
check_nesting(struct txn *txn)
{
    struct nest nest = { .txn = txn, .path = SVEC_EMPTY_INITIALIZER };
    struct entry **groups;
    size_t n;

    simap_init(&nest.inside);
    simap_init(&nest.outside);
    groups = txn_changed(txn, VMN_TABLE_GROUP, &n);
    for (size_t i = 0; i < n && !nest.loops; i++) {
        const struct vmn_group *group = entry_row(groups[i]);

        if (group->n_groups) {
            check_group(&nest, groups[i]);
        }
    }
    free(groups);
    simap_destroy(&nest.inside);
    simap_destroy(&nest.outside);
    svec_destroy(&nest.path);
}
