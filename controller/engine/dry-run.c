/* SPDX-License-Identifier: Apache-2.0
 *
 * A trial of the engine; see dry-run.h. */

#include <config.h>

#include "controller/engine/dry-run.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/dependency-graph.h"
#include "controller/flow/flow-item.h"
#include "util.h"

struct withdrawn {
    struct hmap_node node;      /* By the item's digest. */
    struct flow_item *item;          /* Counted. */
};

void
dry_run_init(struct dry_run *trial)
{
    memset(trial, 0, sizeof *trial);
    hmap_init(&trial->former);
}

void
withdrawn_forget(struct dry_run *trial)
{
    struct withdrawn *former;

    HMAP_FOR_EACH_SAFE (former, node, &trial->former) {
        hmap_remove(&trial->former, &former->node);
        flow_item_unref(former->item);
        free(former);
    }
}

void
dry_run_end(struct dry_run *trial)
{
    free(trial->fault);
    trial->fault = NULL;
    trial->running = false;
}

void
dry_run_uninit(struct dry_run *trial)
{
    withdrawn_forget(trial);
    dry_run_end(trial);
    hmap_destroy(&trial->former);
}

void
withdrawn_keep(struct dry_run *trial, const struct flow_item *item)
{
    struct withdrawn *former = xmalloc(sizeof *former);

    former->item = flow_item_ref(item);
    hmap_insert(&trial->former, &former->node, item->digest);
}

struct flow_item *
withdrawn_take(struct dry_run *trial, const struct flow_item *item)
{
    struct withdrawn *former;

    HMAP_FOR_EACH_WITH_HASH (former, node, item->digest,
                             &trial->former) {
        struct flow_item *found = former->item;

        if (found->scope == item->scope
            && flow_item_equal(found, item)) {
            hmap_remove(&trial->former, &former->node);
            free(former);
            return found;
        }
    }
    return NULL;
}

bool
dry_run_holds(const struct dry_run *trial, const struct unit_node *unit)
{
    return trial->running && unit->failed;
}

void
dry_run_set_fault(struct dry_run *trial, const struct unit_node *unit)
{
    if (!trial->fault) {
        trial->fault = xstrdup(unit->name);
    }
}
