/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of a backlog's changes; see backlog-parts.h.
 *
 * What is new or changed comes first, then what is deleted.  In a table the
 * flow with the highest priority decides.  So flows are set from high
 * priorities to low ones: a packet that finds one that was set finds the one
 * that is to decide, and any other packet what decided before.  They are
 * deleted from low priorities to high ones, so that none is found that another
 * one hid.
 *
 * A conjunction with a clause missing decides nothing, so that holds for these
 * too, if all its flows come and go as follows.
 * - Its verdict comes before its clauses and goes after them.  Of a packet
 *   that matches all clauses of a conjunction without a verdict, a switch
 *   finds no flow that has a clause's match at any priority
 *   (classifier_lookup__() in lib/classifier.c, Open vSwitch 3.1 to 3.7).
 * - Clauses that replace others follow, all of a priority in one bundle: they
 *   move from one conjunction to another, and a packet that matches both may
 *   match neither while only some have moved.
 *
 * What a flow sends packets to is there before it and goes after it: flows are
 * set from the last table to the first one, and deleted from the first to the
 * last one; new groups come before all flows, and go after them.  A group that
 * is changed may send to new flows. */

#include <config.h>

#include "controller/fabric/session/backlog-parts.h"

#include <stdlib.h>

#include "controller/commit/commit.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/backlog.h"
#include "controller/fabric/session/reported-flows.h"
#include "controller/fabric/session/switch.h"
#include "controller/flow/flow-item.h"
#include "util.h"

/* Entries between two yields. */
#define PAUSE_STEPS 256

enum step {
    GROUPS_NEW,
    FLOWS_SET,
    GROUPS_CHANGED,
    FLOWS_DELETED,
    GROUPS_DELETED,
};

/* The order among flows of one table and priority. */
enum rank {
    VERDICTS_SET,
    OTHERS,
    CLAUSES_REPLACED,           /* Not to be cut. */
    VERDICTS_DELETED,
};
#define RANK_MASK 3

static uint64_t
make_order(enum step step, unsigned table, unsigned priority, enum rank rank)
{
    return ((uint64_t) step << 32 | table << 16 | priority) << 2 | rank;
}

static enum rank
rank_of(const struct backlog_entry *entry, const struct flow_item *desired)
{
    const struct flow_item *sent = entry->sent;

    if (entry->key->role == FLOW_ITEM_VERDICT) {
        return desired ? VERDICTS_SET : VERDICTS_DELETED;
    }
    return (desired && sent && (desired->role == FLOW_ITEM_CLAUSE
                                || sent->role == FLOW_ITEM_CLAUSE)
            ? CLAUSES_REPLACED : OTHERS);
}

/* Returns the place of what becomes of 'entry'. */
static uint64_t
order_of(const struct backlog_entry *entry, const struct flow_item *desired)
{
    const struct flow_item *key = entry->key;
    enum rank rank = rank_of(entry, desired);

    if (key->kind == FLOW_ITEM_GROUP) {
        return make_order(!desired ? GROUPS_DELETED
                          : !entry->sent || entry->doubtful ? GROUPS_NEW
                          : GROUPS_CHANGED, 0, 0, OTHERS);
    }
    return (desired ? make_order(FLOWS_SET, UINT8_MAX - key->table,
                                 UINT16_MAX - key->priority, rank)
            : make_order(FLOWS_DELETED, key->table, key->priority, rank));
}

static int
compare_changes(const void *a_, const void *b_)
{
    const struct backlog_change *a = a_;
    const struct backlog_change *b = b_;

    return a->order < b->order ? -1 : a->order > b->order;
}

static const struct flow_item *
find_desired(const struct fabric_switch *sw, const struct backlog_entry *entry)
{
    return ofmessage_find_desired(sw->host->fabric->engine, sw->host->name,
                                  entry->key);
}

/* Returns true if 'entry' is no longer what the switch was sent. */
static bool
is_changed(const struct backlog_entry *entry, const struct flow_item *desired)
{
    const struct flow_item *sent = entry->sent;

    return (desired ? !sent || entry->doubtful
                      || !flow_item_equal(sent, desired) : sent != NULL);
}

bool
backlog_find_changes(struct fabric_switch *sw)
{
    struct backlog *backlog = &sw->bundles.backlog;
    size_t max = MAX(hmap_count(&backlog->entries), 1), n = 0, n_seen = 0;
    unsigned n_clears = backlog->n_clears;
    struct backlog_change *changes;
    struct backlog_entry *entry;

    if (backlog->changes) {
        return true;
    }
    changes = xmalloc(max * sizeof *changes);
    HMAP_FOR_EACH (entry, node, &backlog->entries) {
        const struct flow_item *desired = find_desired(sw, entry);

        if (is_changed(entry, desired)) {
            changes[n++] = (struct backlog_change) {
                .entry = entry, .desired = desired,
                .order = order_of(entry, desired),
            };
        }
        if (++n_seen % PAUSE_STEPS == 0) {
            commit_yield(sw->host->fabric->commit);
            if (backlog->n_clears != n_clears) {
                free(changes);
                return false;
            }
        }
    }
    if (n) {
        qsort(changes, n, sizeof *changes, compare_changes);
    }
    backlog->changes = changes;
    backlog->n_changes = n;
    backlog->next = 0;
    return true;
}

/* Returns true if 'change' may be the first of a part. */
static bool
is_cut(const struct backlog_change *change)
{
    return ((change->order & RANK_MASK) != CLAUSES_REPLACED
            || change[-1].order != change->order);
}

size_t
backlog_count_fitting(struct fabric_switch *sw, size_t max_items,
                      size_t max_bytes)
{
    struct backlog *backlog = &sw->bundles.backlog;
    size_t n = backlog->n_changes - backlog->next, size = 0, cut = 0;

    for (size_t i = 0; i < n; i++) {
        struct backlog_change *change = &backlog->changes[backlog->next + i];

        change->desired = find_desired(sw, change->entry);
        size += (change->desired ? change->desired : change->entry->sent)
                ->send_size;
        if (i && is_cut(change)) {
            cut = i;
        }
        if (cut && (i >= max_items || size > max_bytes)) {
            return cut;
        }
    }
    return n;
}
