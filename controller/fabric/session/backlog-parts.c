/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of a backlog's changes; see backlog-parts.h.
 *
 * What is new or changed comes first, then what is deleted.  In a table the
 * flow with the highest priority decides.  So flows are set from high
 * priorities to low ones: a packet that finds one that was set finds the one
 * that is to decide, and any other packet what decided before.  They are
 * deleted from low priorities to high ones, so that none is found that another
 * one hid.  A conjunction whose clauses are not all there decides nothing, so
 * that holds for these too.
 *
 * What a flow sends packets to is there before it and goes after it: flows are
 * set from the last table to the first one, and deleted from the first to the
 * last one; new groups come before all flows, and go after them.  A group that
 * is changed may send to new flows. */

#include <config.h>

#include "controller/fabric/session/backlog-parts.h"

#include <stdbool.h>
#include <stdlib.h>

#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/backlog.h"
#include "controller/fabric/session/reported-flows.h"
#include "controller/fabric/session/switch.h"
#include "controller/flow/flow-item.h"
#include "util.h"

enum step {
    GROUPS_NEW,
    FLOWS_SET,
    GROUPS_CHANGED,
    FLOWS_DELETED,
    GROUPS_DELETED,
};

static uint64_t
make_order(enum step step, unsigned table, unsigned priority)
{
    return (uint64_t) step << 32 | table << 16 | priority;
}

/* Returns the place of what becomes of 'entry'. */
static uint64_t
order_of(const struct backlog_entry *entry, const struct flow_item *desired)
{
    const struct flow_item *key = entry->key;

    if (key->kind == FLOW_ITEM_GROUP) {
        return make_order(!desired ? GROUPS_DELETED
                          : !entry->sent || entry->doubtful ? GROUPS_NEW
                          : GROUPS_CHANGED, 0, 0);
    }
    return (desired ? make_order(FLOWS_SET, UINT8_MAX - key->table,
                                 UINT16_MAX - key->priority)
            : make_order(FLOWS_DELETED, key->table, key->priority));
}

static int
compare_changes(const void *a_, const void *b_)
{
    const struct backlog_change *a = a_;
    const struct backlog_change *b = b_;

    return a->order < b->order ? -1 : a->order > b->order;
}

struct backlog_change *
backlog_get_changes(const struct fabric_switch *sw, size_t *n)
{
    const struct backlog *backlog = &sw->bundles.backlog;
    size_t max = MAX(hmap_count(&backlog->entries), 1);
    struct backlog_change *changes = xmalloc(max * sizeof *changes);
    struct backlog_entry *entry;

    *n = 0;
    HMAP_FOR_EACH (entry, node, &backlog->entries) {
        const struct flow_item *sent = entry->sent;
        const struct flow_item *desired = ofmessage_find_desired(
            sw->host->fabric->engine, sw->host->name, entry->key);

        if (desired ? !sent || entry->doubtful
                      || !flow_item_equal(sent, desired) : sent != NULL) {
            changes[(*n)++] = (struct backlog_change) {
                .entry = entry, .desired = desired,
                .order = order_of(entry, desired),
            };
        }
    }
    if (*n) {
        qsort(changes, *n, sizeof *changes, compare_changes);
    }
    return changes;
}

size_t
backlog_count_fitting(const struct backlog_change *changes, size_t n,
                      size_t max_items, size_t max_bytes)
{
    size_t size = 0;

    for (size_t i = 0; i < n; i++) {
        const struct backlog_change *change = &changes[i];

        size += (change->desired ? change->desired : change->entry->sent)
                ->send_size;
        if (i && (i >= max_items || size > max_bytes)) {
            return i;
        }
    }
    return n;
}
