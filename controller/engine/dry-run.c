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

struct former {
    struct hmap_node node;      /* By the item's digest. */
    struct item *item;          /* Counted. */
};

void
trial_init(struct trial *trial)
{
    memset(trial, 0, sizeof *trial);
    hmap_init(&trial->former);
}

void
trial_forget(struct trial *trial)
{
    struct former *former;

    HMAP_FOR_EACH_SAFE (former, node, &trial->former) {
        hmap_remove(&trial->former, &former->node);
        engine_item_unref(&former->item->pub);
        free(former);
    }
}

void
trial_end(struct trial *trial)
{
    free(trial->fault);
    trial->fault = NULL;
    trial->running = false;
}

void
trial_uninit(struct trial *trial)
{
    trial_forget(trial);
    trial_end(trial);
    hmap_destroy(&trial->former);
}

void
trial_keep(struct trial *trial, struct item *item)
{
    struct former *former = xmalloc(sizeof *former);

    former->item = item_cast(engine_item_ref(&item->pub));
    hmap_insert(&trial->former, &former->node, item->pub.digest);
}

struct item *
trial_take(struct trial *trial, const struct item *item)
{
    struct former *former;

    HMAP_FOR_EACH_WITH_HASH (former, node, item->pub.digest,
                             &trial->former) {
        struct item *found = former->item;

        if (found->pub.scope == item->pub.scope
            && engine_item_equal(&found->pub, &item->pub)) {
            hmap_remove(&trial->former, &former->node);
            free(former);
            return found;
        }
    }
    return NULL;
}

bool
trial_holds(const struct trial *trial, const struct unit_node *unit)
{
    return trial->running && unit->failed;
}

void
trial_note_fault(struct trial *trial, const struct unit_node *unit)
{
    if (!trial->fault) {
        trial->fault = xstrdup(unit->name);
    }
}
