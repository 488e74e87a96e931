/* SPDX-License-Identifier: Apache-2.0
 *
 * What a host is to hold, flow by flow, for people.  What it holds is for
 * audit.c to find. */

#include <config.h>

#include <stdlib.h>

#include "controller/fabric/fabric-private.h"
#include "controller/fabric/words.h"
#include "util.h"

/* Items that pass. */
struct list {
    const struct engine *engine;
    const struct fabric_filter *filter;
    size_t n[2], allocated[2];  /* By enum engine_item_kind. */
    const struct engine_item **items[2];
};

static void
item_cb(void *list_, const struct engine_item *item)
{
    struct list *list = list_;
    enum engine_item_kind k = item->kind;

    if (!filter_passes(list->filter, engine_item_owner(list->engine, item),
                       k == ENGINE_FLOW ? item->table : -1)) {
        return;
    }
    if (list->n[k] >= list->allocated[k]) {
        list->items[k] = x2nrealloc(list->items[k], &list->allocated[k],
                                    sizeof *list->items[k]);
    }
    list->items[k][list->n[k]++] = item;
}

/* Groups by number, flows as a packet meets them, and such of one priority in
 * the order in which they came to be. */
static int
compare_items(const void *a_, const void *b_)
{
    const struct engine_item *a = *(const struct engine_item *const *) a_;
    const struct engine_item *b = *(const struct engine_item *const *) b_;

    return (a->group_id != b->group_id ? (a->group_id < b->group_id ? -1 : 1)
            : a->table != b->table ? a->table - b->table
            : a->priority != b->priority ? b->priority - a->priority
            : a->xid < b->xid ? -1 : a->xid > b->xid);
}

static json_t *
items_to_json(const struct list *list, enum engine_item_kind k, size_t limit)
{
    json_t *array = json_array();

    if (list->n[k]) {
        qsort(list->items[k], list->n[k], sizeof *list->items[k],
              compare_items);
    }
    for (size_t i = 0; i < MIN(list->n[k], limit); i++) {
        json_array_append_new(array, item_to_json(list->engine,
                                                  list->items[k][i]));
    }
    return array;
}

json_t *
fabric_host_flows(const struct fabric *f, const char *host,
                  const struct fabric_filter *filter, size_t limit)
{
    struct list list = { .engine = f->engine, .filter = filter };
    json_t *json;

    if (!fabric_find_host(f, host)) {
        return NULL;
    }
    engine_host_items(f->engine, host, item_cb, &list);
    json = json_pack("{s:I, s:I, s:o, s:o}",
                     "n_flows", (json_int_t) list.n[ENGINE_FLOW],
                     "n_groups", (json_int_t) list.n[ENGINE_GROUP],
                     "flows", items_to_json(&list, ENGINE_FLOW, limit),
                     "groups", items_to_json(&list, ENGINE_GROUP, limit));
    free(list.items[ENGINE_FLOW]);
    free(list.items[ENGINE_GROUP]);
    return json;
}
