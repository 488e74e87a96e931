/* SPDX-License-Identifier: Apache-2.0
 *
 * Resolving slots: which items switches are to install for what units want in
 * a slot, and what has changed; see desired-state.h.
 *
 * What is wanted on one host meets nothing that is wanted on another.  So a
 * slot all of whose entries are of one host each, as flows by input port are,
 * is resolved for the host that has changed only. */

#include <config.h>

#include "controller/engine/desired-state.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/delta.h"
#include "controller/engine/engine-private.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

/* Merging.  -------------------------------------------------------------- */

int
clause_compare(const void *a_, const void *b_)
{
    const struct clause *a = a_;
    const struct clause *b = b_;

    return (a->id != b->id ? (a->id < b->id ? -1 : 1)
            : a->clause != b->clause ? a->clause - b->clause
            : a->n_clauses - b->n_clauses);
}

/* Returns all clauses that entries of 'scope' in the range contribute, sorted,
 * without duplicates.  The caller frees them. */
static struct clause *
collect_clauses(const struct desired_state *desired, const struct slot *slot,
                struct slot_range range, const struct engine_scope *scope,
                size_t *n_clauses)
{
    size_t n = 0, allocated = range.end - range.first;
    struct clause *clauses = xmalloc(allocated * sizeof *clauses);

    for (size_t i = range.first; i < range.end; i++) {
        const struct entry *entry = slot_entry(desired, slot, i);

        if (entry_contributes(entry) && entry_scope(entry) == scope) {
            size_t n_own;
            const struct clause *own = entry_clauses(entry, &n_own);

            while (allocated - n < n_own) {
                clauses = x2nrealloc(clauses, &allocated, sizeof *clauses);
            }
            memcpy(&clauses[n], own, n_own * sizeof *clauses);
            n += n_own;
        }
    }
    qsort(clauses, n, sizeof *clauses, clause_compare);
    *n_clauses = 0;
    for (size_t i = 0; i < n; i++) {
        if (!i || clause_compare(&clauses[i], &clauses[*n_clauses - 1])) {
            clauses[(*n_clauses)++] = clauses[i];
        }
    }
    return clauses;
}

/* Returns the flow with the clauses of all entries of the range in the scope
 * of 'first'. */
static struct flow_item *
merge(struct engine *engine, struct slot *slot, struct slot_range range,
      const struct entry *first)
{
    struct engine_scope *scope = entry_scope(first);
    struct ofpbuf ofpacts;
    struct flow_draft draft;
    size_t n_clauses;
    struct clause *clauses = collect_clauses(&engine->desired, slot, range,
                                             scope, &n_clauses);

    ofpbuf_init(&ofpacts, n_clauses * sizeof(struct ofpact_conjunction));
    for (size_t i = 0; i < n_clauses; i++) {
        struct ofpact_conjunction *conj = ofpact_put_CONJUNCTION(&ofpacts);

        conj->id = clauses[i].id;
        conj->clause = clauses[i].clause;
        conj->n_clauses = clauses[i].n_clauses;
    }
    free(clauses);
    flow_draft_encoded_match(&draft, slot->table, slot->priority, slot->match,
                             slot->match_size);
    flow_draft_actions(&draft, engine->registry, draft.key, ofpacts.data,
                       ofpacts.size);
    ofpbuf_uninit(&ofpacts);

    struct flow_item *item;

    scope_ref(scope);
    item = flow_item_create(engine->registry, scope, &draft);
    flow_draft_uninit(&draft);
    item->app = unit_class(engine, first->unit)->app_index;
    return item;
}

/* Choosing.  ------------------------------------------------------------- */

/* An entry that is sorted. */
struct ordered_entry {
    const struct entry *entry;
    uint32_t number;
};

/* Units of VMN's own apps come before those of others, then they come by
 * name. */
static int
compare_units(const struct unit_node *a, const struct unit_node *b)
{
    int order = b->builtin - a->builtin;

    return order ? order : strcmp(a->name, b->name);
}

static int
compare_entries(const struct entry *a, const struct entry *b)
{
    int order = entry_contributes(a) - entry_contributes(b);

    if (!order) {
        order = a->unit != b->unit ? compare_units(a->unit, b->unit) : 0;
    }
    if (!order) {
        const struct engine_scope *x = entry_scope(a);
        const struct engine_scope *y = entry_scope(b);

        order = x != y ? strcmp(x->name, y->name) : 0;
    }
    if (!order && !entry_contributes(a)) { /* Clauses are sorted later. */
        uint64_t x = entry_item(a)->digest;
        uint64_t y = entry_item(b)->digest;

        order = x < y ? -1 : x > y;
    }
    return order;
}

static int
compare_ordered(const void *a_, const void *b_)
{
    const struct ordered_entry *a = a_;
    const struct ordered_entry *b = b_;

    return compare_entries(a->entry, b->entry);
}

static void
sort_entries(const struct desired_state *desired, struct slot *slot,
             struct slot_range range,
             int (*compare)(const void *, const void *))
{
    uint32_t *entries = &slot_entries(slot)[range.first];
    size_t n = range.end - range.first;
    struct ordered_entry *ordered = xmalloc(n * sizeof *ordered);

    for (size_t i = 0; i < n; i++) {
        ordered[i].number = entries[i];
        ordered[i].entry = desired_entry(desired, entries[i]);
    }
    qsort(ordered, n, sizeof *ordered, compare);
    for (size_t i = 0; i < n; i++) {
        entries[i] = ordered[i].number;
    }
    free(ordered);
}

/* Returns true if the range's entries only contribute clauses in one scope. */
static bool
is_one_merge(const struct desired_state *desired, const struct slot *slot,
             struct slot_range range)
{
    const struct engine_scope *scope = entry_scope(
        slot_entry(desired, slot, range.first));

    for (size_t i = range.first; i < range.end; i++) {
        const struct entry *entry = slot_entry(desired, slot, i);

        if (!entry_contributes(entry) || entry_scope(entry) != scope) {
            return false;
        }
    }
    return true;
}

static void
swap_entries(struct slot *slot, size_t i, size_t j)
{
    uint32_t *entries = slot_entries(slot);
    uint32_t number = entries[i];

    entries[i] = entries[j];
    entries[j] = number;
}

/* Sorts the range's entries, as far as their order matters. */
static void
order_entries(const struct desired_state *desired, struct slot *slot,
              struct slot_range range)
{
    size_t first = range.first, last = range.end - 1;

    if (range.end - range.first < 2) {
        return;
    }
    if (!is_one_merge(desired, slot, range)) {
        sort_entries(desired, slot, range, compare_ordered);
        return;
    }
    /* Only the first and the last matter, and there may be many. */
    for (size_t i = first + 1; i < range.end; i++) {
        if (compare_entries(slot_entry(desired, slot, i),
                            slot_entry(desired, slot, first)) < 0) {
            swap_entries(slot, i, first);
        }
    }
    for (size_t i = first + 1; i < last; i++) {
        if (compare_entries(slot_entry(desired, slot, i),
                            slot_entry(desired, slot, last)) > 0) {
            swap_entries(slot, i, last);
        }
    }
}

static bool
scope_is_taken(struct flow_item *const *items, size_t n,
               const struct engine_scope *scope)
{
    for (size_t i = 0; i < n; i++) {
        if (scope_may_meet(items[i]->scope, scope)) {
            return true;
        }
    }
    return false;
}

/* Returns true if one of the range's entries contributes in the scope. */
static bool
clauses_are_merged(const struct desired_state *desired,
                   const struct slot *slot, struct slot_range range,
                   const struct engine_scope *scope)
{
    for (size_t i = range.first; i < range.end; i++) {
        const struct entry *entry = slot_entry(desired, slot, i);

        if (entry_contributes(entry) && entry_scope(entry) == scope) {
            return true;
        }
    }
    return false;
}

/* Sets 'chosen', which has room for as many as the range has scopes, to what
 * switches are to install for its entries: counted items, plain ones first.
 * Returns their number, and sets '*conflict' if an entry is overridden. */
static size_t
slot_choose(struct engine *engine, struct slot *slot, struct slot_range range,
            struct flow_item **chosen, bool *conflict)
{
    const struct desired_state *desired = &engine->desired;
    size_t n = 0;

    *conflict = false;
    order_entries(desired, slot, range);
    for (size_t i = range.first; i < range.end; i++) {
        const struct entry *entry = slot_entry(desired, slot, i);
        const struct engine_scope *scope = entry_scope(entry);

        if (entry_contributes(entry)
            && clauses_are_merged(desired, slot,
                                  (struct slot_range) { range.first, i },
                                  scope)) {
            continue;
        }
        if (scope_is_taken(chosen, n, scope)) {
            *conflict = true;
            continue;
        }
        chosen[n++] = (entry_contributes(entry)
                       ? merge(engine, slot, range, entry)
                       : flow_item_ref(entry_item(entry)));
    }
    return n;
}

/* Installing.  ----------------------------------------------------------- */

static void
count_item(struct desired_state *desired, const struct flow_item *item, int n)
{
    if (item->kind == FLOW_ITEM_FLOW) {
        desired->n_flows += n;
    } else {
        desired->n_groups += n;
    }
}

/* Finds and removes from 'active' the item that equals 'item' or, with
 * 'replace', that 'item' replaces. */
static struct flow_item *
take_old(struct flow_item **active, size_t n_active, const struct flow_item
         *item, bool replace)
{
    for (size_t i = 0; i < n_active; i++) {
        struct flow_item *old = active[i];

        if (old && old->scope == item->scope
            && (replace || flow_item_equal(old, item))) {
            active[i] = NULL;
            return old;
        }
    }
    return NULL;
}

static void
withdraw(struct engine *engine, struct flow_item *old, struct engine_delta
         *delta, bool replaced)
{
    quotas_remove_item(engine, old);
    scope_remove_item(old);
    count_item(&engine->desired, old, -1);
    delta_add(delta, old, false, replaced);
    flow_item_unref(old);
}

/* Uses 'old', which is equal, instead of 'chosen', also in the entries. */
static struct flow_item *
keep_equal(const struct desired_state *desired, struct slot *slot,
           struct slot_range range, struct flow_item *chosen,
           struct flow_item *old)
{
    const uint32_t *entries = slot_entries(slot);

    for (size_t i = range.first; i < range.end; i++) {
        struct entry *entry = desired_entry(desired, entries[i]);

        if (entry_item(entry) == chosen && chosen != old) {
            flow_item_unref(chosen);
            entry->what = (uintptr_t) flow_item_ref(old);
            break;
        }
    }
    flow_item_unref(chosen);
    return old;
}

/* Replaces the items 'active', which are what switches have of the range, by
 * the 'n' items 'chosen', and takes 'active' apart. */
static void
replace_items(struct engine *engine, struct slot *slot,
              struct slot_range range, struct flow_item **active,
              size_t n_active, struct flow_item **chosen, size_t n,
              struct engine_delta *delta)
{
    struct desired_state *desired = &engine->desired;

    for (size_t i = 0; i < n; i++) {
        struct flow_item *old = take_old(active, n_active, chosen[i], false);

        if (old) {
            /* Keep the item that switches have. */
            chosen[i] = keep_equal(desired, slot, range, chosen[i], old);
            continue;
        }
        old = take_old(active, n_active, chosen[i], true);
        bool replaced = old != NULL;
        if (replaced) {
            withdraw(engine, old, delta, true);
        }
        old = withdrawn_take(&engine->dry_run, chosen[i]);
        if (old) {
            chosen[i] = keep_equal(desired, slot, range, chosen[i], old);
        }
        scope_add_item(chosen[i]);
        count_item(desired, chosen[i], 1);
        delta_add(delta, chosen[i], true, replaced);
    }
    for (size_t i = 0; i < n_active; i++) {
        if (active[i]) {
            withdraw(engine, active[i], delta, false);
        }
    }
}

/* All of a slot.  -------------------------------------------------------- */

static int
compare_scopes(const struct engine_scope *a, const struct engine_scope *b)
{
    return a < b ? -1 : a > b;
}

static int
compare_ordered_scopes(const void *a_, const void *b_)
{
    const struct ordered_entry *a = a_;
    const struct ordered_entry *b = b_;

    int order = compare_scopes(entry_scope(a->entry), entry_scope(b->entry));

    return order ? order : compare_ordered(a, b);
}

static int
compare_item_scopes(const void *a_, const void *b_)
{
    const struct flow_item *const *a = a_;
    const struct flow_item *const *b = b_;

    return compare_scopes((*a)->scope, (*b)->scope);
}

static bool
is_by_host(const struct desired_state *desired, const struct slot *slot)
{
    for (size_t i = 0; i < slot->n_entries; i++) {
        if (!entry_is_of_host(slot_entry(desired, slot, i))) {
            return false;
        }
    }
    return true;
}

/* Has a slot by host from now on. */
static void
set_by_host(const struct desired_state *desired, struct slot *slot)
{
    slot->by_host = true;
    sort_entries(desired, slot, slot_all(slot), compare_ordered_scopes);
    if (slot->n_active > 1) {
        qsort(slot->active.items, slot->n_active, sizeof *slot->active.items,
              compare_item_scopes);
    }
}

/* Returns the items that switches have, to change them. */
static struct flow_item **
slot_items(struct slot *slot)
{
    return slot->n_active > 1 ? slot->active.items : &slot->active.item;
}

/* Sets what switches are to install from now on.  Takes 'chosen'. */
static void
set_active(struct slot *slot, struct flow_item **chosen, size_t n)
{
    if (slot->n_active > 1) {
        free(slot->active.items);
    }
    slot->n_active = n;
    if (n > 1) {
        slot->active.items = chosen;
    } else {
        slot->active.item = n ? chosen[0] : NULL;
        free(chosen);
    }
}

static void
update_all(struct engine *engine, struct slot *slot,
           struct engine_delta *delta)
{
    struct desired_state *desired = &engine->desired;
    struct slot_range all = slot_all(slot);
    struct flow_item **chosen = xmalloc(MAX(slot->n_entries, 1)
                                        * sizeof *chosen);
    bool conflict, plain;
    size_t n = slot_choose(engine, slot, all, chosen, &conflict);

    slot_note_conflict(desired, slot, conflict);
    replace_items(engine, slot, all, slot_items(slot), slot->n_active, chosen,
                  n, delta);
    set_active(slot, chosen, n);
    quotas_update_slot(engine, slot, slot_active(slot), n);
    plain = n && !entry_contributes(slot_entry(desired, slot, 0));
    overlap_index_update(&desired->overlap_levels, slot, plain);
    if (is_by_host(desired, slot)) {
        set_by_host(desired, slot);
    }
}

/* One host of a slot.  ---------------------------------------------------- */

/* Returns where among the slot's items, which are by host, that of 'scope' is
 * or belongs. */
static size_t
find_active(const struct slot *slot, const struct engine_scope *scope)
{
    struct flow_item *const *active = slot_active(slot);
    size_t low = 0, high = slot->n_active;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (active[mid]->scope < scope) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

/* Returns the slot's item at 'i', as find_active() has it, or NULL if it is
 * not of 'scope'. */
static struct flow_item *
item_at(const struct slot *slot, size_t i, const struct engine_scope *scope)
{
    return (i < slot->n_active && slot_active(slot)[i]->scope == scope
            ? slot_active(slot)[i] : NULL);
}

const struct flow_item *
slot_item_of(const struct slot *slot, const struct engine_scope *scope)
{
    return item_at(slot, find_active(slot, scope), scope);
}

/* Makes room among the slot's items, and sets that at 'i'. */
static void
insert_active(struct slot *slot, size_t i, struct flow_item *item)
{
    struct flow_item *only = slot->active.item;

    if (!slot->n_active) {
        slot->active.item = item;
    } else {
        if (slot->n_active == 1) {
            slot->active.items = xmalloc(2 * sizeof *slot->active.items);
            slot->active.items[0] = only;
        } else {
            slot->active.items = xrealloc(slot->active.items,
                                          (slot->n_active + 1)
                                          * sizeof *slot->active.items);
        }
        memmove(&slot->active.items[i + 1], &slot->active.items[i],
                (slot->n_active - i) * sizeof *slot->active.items);
        slot->active.items[i] = item;
    }
    slot->n_active++;
}

/* Removes the slot's item at 'i'. */
static void
remove_active(struct slot *slot, size_t i)
{
    struct flow_item **items = slot->active.items;

    slot->n_active--;
    if (!slot->n_active) {
        slot->active.item = NULL;
    } else if (slot->n_active == 1) {
        slot->active.item = items[1 - i];
        free(items);
    } else {
        memmove(&items[i], &items[i + 1],
                (slot->n_active - i) * sizeof *items);
    }
}

/* Returns true if a host has several entries, of which one overrides the
 * others.  Sets '*range' to those of the first such host. */
static bool
find_conflict(const struct desired_state *desired, const struct slot *slot,
              struct slot_range *range)
{
    for (size_t i = 1; i < slot->n_entries; i++) {
        const struct engine_scope *scope = entry_scope(
            slot_entry(desired, slot, i));

        if (scope == entry_scope(slot_entry(desired, slot, i - 1))) {
            *range = slot_range_of(desired, slot, scope);
            return true;
        }
    }
    return false;
}

struct slot_range
slot_get_conflict(const struct desired_state *desired, const struct slot *slot)
{
    struct slot_range range = slot_all(slot);

    if (slot->by_host) {
        find_conflict(desired, slot, &range);
    }
    return range;
}

static void
update_host(struct engine *engine, struct slot *slot,
            const struct engine_scope *scope, struct engine_delta *delta)
{
    struct desired_state *desired = &engine->desired;
    struct slot_range other, range = slot_range_of(desired, slot, scope);
    size_t n, at = find_active(slot, scope);
    struct flow_item *active = item_at(slot, at, scope);
    bool conflict, was = active != NULL;
    struct flow_item *chosen = NULL; /* Of one scope it is one at most. */

    n = slot_choose(engine, slot, range, &chosen, &conflict);
    replace_items(engine, slot, range, &active, was, &chosen, n, delta);
    if (n && was) {
        slot_items(slot)[at] = chosen;
    } else if (n) {
        insert_active(slot, at, chosen);
    } else if (was) {
        remove_active(slot, at);
    }
    quotas_update_slot(engine, slot, &chosen, n);
    slot_note_conflict(desired, slot,
                       conflict || (slot->has_array && slot->array->conflict
                                    && find_conflict(desired, slot, &other)));
    overlap_index_update(&desired->overlap_levels, slot, slot->n_active > 0);
}

/* ------------------------------------------------------------------------ */

void
desired_update(struct engine *engine, struct engine_delta *delta)
{
    struct desired_state *desired = &engine->desired;

    for (size_t i = 0; i < desired->n_dirty; i++) {
        struct slot *slot = desired->dirty[i].slot;

        slot->n_marks--;
        if (slot->dirty) {
            slot->dirty = false;
            update_all(engine, slot, delta);
        } else if (slot->by_host && desired->dirty[i].scope) {
            update_host(engine, slot, desired->dirty[i].scope, delta);
        }
        if (!slot->n_entries && !slot->n_marks) {
            slot_free(desired, slot);
        }
        engine_yield(engine);
    }
    free(desired->dirty);
    desired->dirty = NULL;
    desired->n_dirty = desired->allocated_dirty = 0;
}
