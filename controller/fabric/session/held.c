/* SPDX-License-Identifier: Apache-2.0
 *
 * Items that a switch holds as they are to be; see held.h. */

#include <config.h>

#include "controller/fabric/session/held.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "hash.h"
#include "util.h"

void
held_init(struct held *held)
{
    memset(held, 0, sizeof *held);
}

void
held_uninit(struct held *held)
{
    for (size_t i = 0; i < held->n; i++) {
        engine_item_unref(held->items[i]);
    }
    free(held->items);
    free(held->table);
    held_init(held);
}

void
held_add(struct held *held, const struct engine_item *item)
{
    if (held->n >= held->allocated) {
        held->items = x2nrealloc(held->items, &held->allocated,
                                 sizeof *held->items);
    }
    held->items[held->n++] = engine_item_ref(item);
    held->digest += item->digest;
    free(held->table);
    held->table = NULL;
}

bool
held_are_all(const struct held *held, uint64_t digest)
{
    return held->digest == digest;
}

/* Where 'item' is in the table, or would be. */
static const struct engine_item **
find(const struct held *held, const struct engine_item *item)
{
    size_t i = hash_pointer(item, 0);

    for (;; i++) {
        const struct engine_item **place = &held->table[i & held->table_mask];

        if (!*place || *place == item) {
            return place;
        }
    }
}

static void
sort_in(struct held *held)
{
    size_t n = 0;

    /* At most half full. */
    held->table_mask = ROUND_UP_POW2(2 * held->n + 1) - 1;
    held->table = xcalloc(held->table_mask + 1, sizeof *held->table);
    for (size_t i = 0; i < held->n; i++) {
        const struct engine_item **place = find(held, held->items[i]);

        if (*place) {
            held->digest -= held->items[i]->digest;
            engine_item_unref(held->items[i]);
        } else {
            *place = held->items[n++] = held->items[i];
        }
    }
    held->n = n;
}

bool
held_contains(struct held *held, const struct engine_item *item)
{
    if (!held->table) {
        sort_in(held);
    }
    return *find(held, item) != NULL;
}
