/* SPDX-License-Identifier: Apache-2.0
 *
 * A dry run of the engine; see dry-run.h. */

#include <config.h>

#include "controller/engine/dry-run.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/dependency-graph.h"
#include "controller/flow/flow-item.h"
#include "util.h"

struct withdrawn {
    struct hmap_node node;      /* By the item's digest. */
    struct flow_item *item;     /* Counted. */
};

void
dry_run_init(struct dry_run *dry_run)
{
    memset(dry_run, 0, sizeof *dry_run);
    hmap_init(&dry_run->withdrawn);
}

void
withdrawn_forget(struct dry_run *dry_run)
{
    struct withdrawn *withdrawn;

    HMAP_FOR_EACH_SAFE (withdrawn, node, &dry_run->withdrawn) {
        hmap_remove(&dry_run->withdrawn, &withdrawn->node);
        flow_item_unref(withdrawn->item);
        free(withdrawn);
    }
}

void
dry_run_end(struct dry_run *dry_run)
{
    free(dry_run->skipped);
    dry_run->skipped = NULL;
    free(dry_run->late);
    dry_run->late = NULL;
    dry_run->running = false;
}

void
dry_run_uninit(struct dry_run *dry_run)
{
    withdrawn_forget(dry_run);
    dry_run_end(dry_run);
    hmap_destroy(&dry_run->withdrawn);
}

void
withdrawn_keep(struct dry_run *dry_run, const struct flow_item *item)
{
    struct withdrawn *withdrawn = xmalloc(sizeof *withdrawn);

    withdrawn->item = flow_item_ref(item);
    hmap_insert(&dry_run->withdrawn, &withdrawn->node, item->digest);
}

struct flow_item *
withdrawn_take(struct dry_run *dry_run, const struct flow_item *item)
{
    struct withdrawn *withdrawn;

    HMAP_FOR_EACH_WITH_HASH (withdrawn, node, item->digest,
                             &dry_run->withdrawn) {
        struct flow_item *found = withdrawn->item;

        if (found->scope == item->scope
            && flow_item_equal(found, item)) {
            hmap_remove(&dry_run->withdrawn, &withdrawn->node);
            free(withdrawn);
            return found;
        }
    }
    return NULL;
}

bool
dry_run_holds(const struct dry_run *dry_run, const struct unit_node *unit)
{
    return dry_run->running && unit->failed;
}

void
dry_run_set_skipped(struct dry_run *dry_run, const struct unit_node *unit)
{
    if (!dry_run->skipped) {
        dry_run->skipped = xstrdup(unit->name);
    }
}

void
dry_run_set_late(struct dry_run *dry_run, const struct unit_node *unit)
{
    if (!dry_run->late) {
        dry_run->late = xstrdup(unit->name);
    }
}
