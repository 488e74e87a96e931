/* SPDX-License-Identifier: Apache-2.0
 *
 * The desired flows and groups of a host, as text.  Not for the installed ones
 * (audit.c).  Items are immutable and counted, so a snapshot can be formatted
 * later. */

#include <config.h>

#include <stdlib.h>

#include "controller/fabric/fabric-flows.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/flow-format.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

struct fabric_flows {
    const struct engine *engine;
    const struct fabric_filter *filter; /* While they are collected. */
    size_t limit;
    size_t n[2], allocated[2];  /* By enum flow_item_kind. */
    const struct flow_item **items[2]; /* Counted. */
    size_t next[2];             /* Index of the next one. */
};

static void
item_cb(void *flows_, const struct flow_item *item)
{
    struct fabric_flows *flows = flows_;
    enum flow_item_kind k = item->kind;

    if (!filter_passes_item(flows->filter, flows->engine, item)) {
        return;
    }
    if (flows->n[k] >= flows->allocated[k]) {
        flows->items[k] = x2nrealloc(flows->items[k], &flows->allocated[k],
                                     sizeof *flows->items[k]);
    }
    flows->items[k][flows->n[k]++] = flow_item_ref(item);
}

/* Groups by number, flows as a packet meets them, and such of one priority in
 * the order in which they came to be. */
static int
compare_items(const void *a_, const void *b_)
{
    const struct flow_item *a = *(const struct flow_item *const *) a_;
    const struct flow_item *b = *(const struct flow_item *const *) b_;

    return (a->group_id != b->group_id ? (a->group_id < b->group_id ? -1 : 1)
            : a->table != b->table ? a->table - b->table
            : a->priority != b->priority ? b->priority - a->priority
            : a->xid < b->xid ? -1 : a->xid > b->xid);
}

struct fabric_flows *
fabric_flows_create(const struct fabric *f, const char *host,
                    const struct fabric_filter *filter, size_t limit,
                    size_t *n_flows, size_t *n_groups)
{
    struct fabric_flows *flows;

    if (!fabric_find_host(f, host)) {
        return NULL;
    }
    flows = xzalloc(sizeof *flows);
    flows->engine = f->engine;
    flows->filter = filter;
    flows->limit = limit;
    engine_host_items(f->engine, host, item_cb, flows);
    flows->filter = NULL;
    for (int k = 0; k < 2; k++) {
        if (flows->n[k]) {
            qsort(flows->items[k], flows->n[k], sizeof *flows->items[k],
                  compare_items);
        }
    }
    *n_flows = flows->n[FLOW_ITEM_FLOW];
    *n_groups = flows->n[FLOW_ITEM_GROUP];
    return flows;
}

/* Returns the next item of a kind, or NULL. */
static const struct flow_item *
next_item(struct fabric_flows *flows, enum flow_item_kind kind)
{
    size_t i = flows->next[kind];

    if (i >= MIN(flows->n[kind], flows->limit)) {
        return NULL;
    }
    flows->next[kind]++;
    return flows->items[kind][i];
}

bool
fabric_flows_next_group(struct fabric_flows *flows, struct arena *arena,
                        struct fabric_group *group)
{
    const struct flow_item *item = next_item(flows, FLOW_ITEM_GROUP);

    if (item) {
        item_show_group(flows->engine, item, arena, group);
    }
    return item != NULL;
}

bool
fabric_flows_next_flow(struct fabric_flows *flows, struct arena *arena,
                       struct fabric_flow *flow)
{
    const struct flow_item *item = next_item(flows, FLOW_ITEM_FLOW);

    if (item) {
        item_show_flow(flows->engine, item, arena, flow);
    }
    return item != NULL;
}

void
fabric_flows_destroy(struct fabric_flows *flows)
{
    if (flows) {
        for (int k = 0; k < 2; k++) {
            for (size_t i = 0; i < flows->n[k]; i++) {
                flow_item_unref(CONST_CAST(struct flow_item *,
                                           flows->items[k][i]));
            }
            free(flows->items[k]);
        }
        free(flows);
    }
}
