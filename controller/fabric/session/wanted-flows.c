/* SPDX-License-Identifier: Apache-2.0
 *
 * What a host is to hold, flow by flow, for people.  What it holds is for
 * audit.c to find.
 *
 * Items are immutable and counted, so what was wanted at one moment can be put
 * into words in later ones. */

#include <config.h>

#include <stdlib.h>

#include "controller/fabric/fabric-flows.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/flow-format.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Items that are put into words in one go: about a millisecond. */
#define BIT_MAX 100

struct fabric_flows {
    const struct engine *engine;
    const struct fabric_filter *filter; /* While they are gathered. */
    size_t limit;
    size_t n[2], allocated[2];  /* By enum flow_item_kind. */
    const struct flow_item **items[2]; /* Counted. */
    enum flow_item_kind kind; /* Of the next one. */
    size_t next;
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
                    const struct fabric_filter *filter, size_t limit)
{
    struct fabric_flows *flows;

    if (!fabric_find_host(f, host)) {
        return NULL;
    }
    flows = xzalloc(sizeof *flows);
    flows->engine = f->engine;
    flows->filter = filter;
    flows->limit = limit;
    flows->kind = FLOW_ITEM_GROUP;
    engine_host_items(f->engine, host, item_cb, flows);
    flows->filter = NULL;
    for (int k = 0; k < 2; k++) {
        if (flows->n[k]) {
            qsort(flows->items[k], flows->n[k], sizeof *flows->items[k],
                  compare_items);
        }
    }
    return flows;
}

static void
put_item(const struct engine *engine, const struct flow_item *item,
         struct ds *ds)
{
    json_t *json = item_to_json(engine, item);
    char *text = json_dumps(json, JSON_COMPACT);

    ds_put_cstr(ds, text);
    free(text);
    json_decref(json);
}

bool
fabric_flows_put(struct fabric_flows *flows, struct ds *ds)
{
    for (int n = 0; n < BIT_MAX; n++) {
        enum flow_item_kind k = flows->kind;
        size_t end = MIN(flows->n[k], flows->limit);

        if (!flows->next && k == FLOW_ITEM_GROUP) {
            ds_put_format(ds, "\"n_flows\":%"PRIuSIZE",\"n_groups\":%"PRIuSIZE
                          ",\"groups\":[", flows->n[FLOW_ITEM_FLOW],
                          flows->n[FLOW_ITEM_GROUP]);
        }
        if (flows->next < end) {
            ds_put_cstr(ds, flows->next ? "," : "");
            put_item(flows->engine, flows->items[k][flows->next++], ds);
        } else if (k == FLOW_ITEM_GROUP) {
            ds_put_cstr(ds, "],\"flows\":[");
            flows->kind = FLOW_ITEM_FLOW;
            flows->next = 0;
        } else {
            ds_put_char(ds, ']');
            return false;
        }
    }
    return true;
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
