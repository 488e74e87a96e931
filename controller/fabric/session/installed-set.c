/* SPDX-License-Identifier: Apache-2.0
 *
 * Items that a switch has installed as desired; see installed-set.h. */

#include <config.h>

#include "controller/fabric/session/installed-set.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "hash.h"
#include "util.h"

void
installed_set_init(struct installed_set *set)
{
    memset(set, 0, sizeof *set);
}

void
installed_set_uninit(struct installed_set *set)
{
    for (size_t i = 0; i < set->n; i++) {
        flow_item_unref(set->items[i]);
    }
    free(set->items);
    free(set->table);
    installed_set_init(set);
}

void
installed_set_add(struct installed_set *set, const struct flow_item *item)
{
    if (set->n >= set->allocated) {
        set->items = x2nrealloc(set->items, &set->allocated,
                                sizeof *set->items);
    }
    set->items[set->n++] = flow_item_ref(item);
    set->digest += item->digest;
    free(set->table);
    set->table = NULL;
}

bool
installed_set_is_all(const struct installed_set *set, uint64_t digest)
{
    return set->digest == digest;
}

/* Returns the slot of 'item' in the hash table, or where it would be. */
static const struct flow_item **
find(const struct installed_set *set, const struct flow_item *item)
{
    size_t i = hash_pointer(item, 0);

    for (;; i++) {
        const struct flow_item **place = &set->table[i & set->table_mask];

        if (!*place || *place == item) {
            return place;
        }
    }
}

static void
sort_in(struct installed_set *set)
{
    size_t n = 0;

    /* At most half full. */
    set->table_mask = ROUND_UP_POW2(2 * set->n + 1) - 1;
    set->table = xcalloc(set->table_mask + 1, sizeof *set->table);
    for (size_t i = 0; i < set->n; i++) {
        const struct flow_item **place = find(set, set->items[i]);

        if (*place) {
            set->digest -= set->items[i]->digest;
            flow_item_unref(set->items[i]);
        } else {
            *place = set->items[n++] = set->items[i];
        }
    }
    set->n = n;
}

bool
installed_set_contains(struct installed_set *set,
                       const struct flow_item *item)
{
    if (!set->table) {
        sort_in(set);
    }
    return *find(set, item) != NULL;
}
