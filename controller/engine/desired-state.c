/* SPDX-License-Identifier: Apache-2.0
 *
 * The desired state of all units; see desired-state.h. */

#include <config.h>

#include "controller/engine/desired-state.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/delta.h"
#include "controller/engine/engine-private.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

void
desired_init(struct desired_state *desired)
{
    memset(desired, 0, sizeof *desired);
    shards_init(&desired->slots);
    number_table_init(&desired->entries, sizeof(struct entry));
    ovs_list_init(&desired->conflicts);
    overlap_index_init(&desired->overlap_levels);
}

void
desired_uninit(struct desired_state *desired)
{
    overlap_index_uninit(&desired->overlap_levels);
    shards_destroy(&desired->slots);
    number_table_destroy(&desired->entries);
    free(desired->dirty);
}

/* Slots.  ---------------------------------------------------------------- */

static struct slot *
find_flow(const struct desired_state *desired, uint64_t key, uint8_t table,
          uint16_t priority, const uint8_t *match, size_t match_size)
{
    struct slot *slot;

    HMAP_FOR_EACH_WITH_HASH (slot, hmap_node, key,
                             shards_at(&desired->slots, key)) {
        if (slot->kind == FLOW_ITEM_FLOW && slot->table == table
            && slot->priority == priority && slot->match_size == match_size
            && !memcmp(slot->match, match, match_size)) {
            return slot;
        }
    }
    return NULL;
}

const struct slot *
desired_find_flow(const struct desired_state *desired, uint8_t table,
                  uint16_t priority, const uint8_t *match, size_t match_size)
{
    return find_flow(desired, flow_item_flow_key(table, priority, match,
                                                 match_size),
                     table, priority, match, match_size);
}

static struct slot *
find_group(const struct desired_state *desired, uint32_t group_id)
{
    uint64_t key = flow_item_group_key(group_id);
    struct slot *slot;

    HMAP_FOR_EACH_WITH_HASH (slot, hmap_node, key,
                             shards_at(&desired->slots, key)) {
        if (slot->kind == FLOW_ITEM_GROUP && slot->group_id == group_id) {
            return slot;
        }
    }
    return NULL;
}

const struct slot *
desired_find_group(const struct desired_state *desired, uint32_t group_id)
{
    return find_group(desired, group_id);
}

static struct slot *
slot_get(struct desired_state *desired, const struct flow_draft *draft)
{
    const uint8_t *match = NULL;
    struct slot *slot;
    size_t match_size = 0;

    if (draft->kind == FLOW_ITEM_FLOW) {
        match = flow_draft_get_match(draft, &match_size);
        slot = find_flow(desired, draft->key, draft->table, draft->priority,
                         match, match_size);
    } else {
        slot = find_group(desired, draft->group_id);
    }
    if (slot) {
        return slot;
    }

    slot = xzalloc(offsetof(struct slot, match) + match_size);
    slot->kind = draft->kind;
    slot->table = draft->table;
    slot->priority = draft->priority;
    slot->group_id = draft->group_id;
    slot->match_size = match_size;
    if (match) {
        memcpy(slot->match, match, match_size);
    }
    shards_insert(&desired->slots, &slot->hmap_node, draft->key);
    return slot;
}

static void
slot_mark(struct desired_state *desired, struct slot *slot)
{
    if (!slot->dirty) {
        slot->dirty = true;
        if (desired->n_dirty >= desired->allocated_dirty) {
            desired->dirty = x2nrealloc(desired->dirty,
                                        &desired->allocated_dirty,
                                        sizeof *desired->dirty);
        }
        desired->dirty[desired->n_dirty++] = slot;
    }
}

static void
note_conflict(struct desired_state *desired, struct slot *slot, bool conflict)
{
    struct entry_array *array = slot->has_array ? slot->array : NULL;

    if (array && conflict != array->conflict) {
        array->conflict = conflict;
        if (conflict) {
            ovs_list_push_back(&desired->conflicts, &array->conflict_node);
        } else {
            ovs_list_remove(&array->conflict_node);
        }
    }
}

static void
slot_free(struct desired_state *desired, struct slot *slot)
{
    note_conflict(desired, slot, false);
    hmap_remove(shards_at(&desired->slots, slot->hmap_node.hash),
                &slot->hmap_node);
    if (slot->has_array) {
        free(slot->array);
    }
    free(slot);
}

const struct entry *
slot_entry(const struct desired_state *desired, const struct slot *slot,
           size_t i)
{
    return desired_entry(desired,
                         slot_entries(CONST_CAST(struct slot *, slot))[i]);
}

/* Entries.  -------------------------------------------------------------- */

struct engine_scope *
entry_scope(const struct entry *entry)
{
    return (entry_contributes(entry)
            ? (struct engine_scope *) (entry->what & ~(uintptr_t) 3)
            : CONST_CAST(struct engine_scope *,
                         entry_item(entry)->scope));
}

uint64_t
desired_clauses_digest(uint64_t key, const struct clause *clauses,
                       size_t n_clauses)
{
    return key ^ stable_hash64(clauses, n_clauses * sizeof *clauses, 1);
}

static uint64_t
flow_slot_key(const struct slot *slot)
{
    return flow_item_flow_key(slot->table, slot->priority, slot->match,
                              slot->match_size);
}

uint64_t
entry_digest(const struct entry *entry)
{
    if (entry_contributes(entry)) {
        size_t n;
        const struct clause *clauses = entry_clauses(entry, &n);

        return desired_clauses_digest(flow_slot_key(entry->slot), clauses, n);
    }
    return entry_item(entry)->digest;
}

bool
desired_is_of_draft(const struct entry *entry, const struct flow_draft *draft)
{
    return (!entry_contributes(entry)
            && entry_item(entry)->digest == draft->digest
            && flow_item_is_of_draft(entry_item(entry), draft));
}

bool
desired_is_of_clauses(const struct entry *entry,
                      const struct flow_draft *draft,
                      const struct clause *clauses, size_t n_clauses)
{
    const struct slot *slot = entry->slot;
    const struct clause *old;
    const uint8_t *match;
    size_t size, n_old;

    if (!entry_contributes(entry)) {
        return false;
    }
    old = entry_clauses(entry, &n_old);
    match = flow_draft_get_match(draft, &size);
    return (slot->kind == draft->kind && slot->table == draft->table
            && slot->priority == draft->priority && slot->match_size == size
            && !memcmp(slot->match, match, size)
            && n_old == n_clauses
            && !memcmp(old, clauses, n_clauses * sizeof *clauses));
}

static void
slot_grow(struct slot *slot)
{
    struct entry_array *old = slot->has_array ? slot->array : NULL;
    uint32_t allocated = 2 * slot->n_entries;
    struct entry_array *array = xmalloc(sizeof *array + allocated
                                        * sizeof *array->entries);

    memcpy(array->entries, slot_entries(slot),
           slot->n_entries * sizeof *array->entries);
    array->allocated = allocated;
    array->slot = slot;
    array->conflict = old && old->conflict;
    if (array->conflict) {
        ovs_list_replace(&array->conflict_node, &old->conflict_node);
    }
    free(old);
    slot->array = array;
    slot->has_array = true;
}

/* Returns the number of a new entry, of which the caller sets what it
 * contributes. */
static uint32_t
add_entry(struct engine *engine, struct unit_node *unit,
          const struct flow_draft *draft, uintptr_t what)
{
    struct desired_state *desired = &engine->desired;
    struct slot *slot = slot_get(desired, draft);
    uint32_t number = number_table_add(&desired->entries);
    struct entry *entry = desired_entry(desired, number);

    entry->unit = unit;
    entry->slot = slot;
    entry->what = what;
    if (slot->n_entries >= (slot->has_array ? slot->array->allocated : 1)) {
        slot_grow(slot);
    }
    slot_entries(slot)[slot->n_entries++] = number;
    slot_mark(desired, slot);
    unit_class(engine, unit)->n_desired[slot->kind]++;
    return number;
}

uint32_t
desired_add(struct engine *engine, struct unit_node *unit,
            struct engine_scope *scope, const struct flow_draft *draft,
            const char *drop_reason)
{
    struct flow_item *item = flow_item_create(engine->registry, scope, draft);

    item->drop_reason = drop_reason;
    item->app = unit_class(engine, unit)->app_index;
    return add_entry(engine, unit, draft, (uintptr_t) item);
}

uint32_t
desired_contribute(struct engine *engine, struct unit_node *unit,
                   struct engine_scope *scope, const struct flow_draft *draft,
                   const struct clause *clauses, size_t n_clauses)
{
    bool several = n_clauses != 1;
    uint32_t number = add_entry(engine, unit, draft,
                                (uintptr_t) scope | (several ? 3 : 1));
    struct entry *entry = desired_entry(&engine->desired, number);

    if (several) {
        entry->several = xmalloc(sizeof *entry->several
                                 + n_clauses * sizeof *clauses);
        entry->several->n = n_clauses;
        memcpy(entry->several->clauses, clauses, n_clauses * sizeof *clauses);
    } else {
        memcpy(&entry->one, clauses, sizeof entry->one); /* With padding. */
    }
    return number;
}

void
desired_remove(struct engine *engine, uint32_t number)
{
    struct entry *entry = desired_entry(&engine->desired, number);
    struct slot *slot = entry->slot;
    uint32_t *entries = slot_entries(slot);

    for (size_t i = 0; i < slot->n_entries; i++) {
        if (entries[i] == number) {
            entries[i] = entries[--slot->n_entries];
            break;
        }
    }
    slot_mark(&engine->desired, slot);
    unit_class(engine, entry->unit)->n_desired[slot->kind]--;
    if (entry_contributes(entry)) {
        scope_unref(entry_scope(entry));
        if (entry->what & 2) {
            free(entry->several);
        }
    } else {
        flow_item_unref(entry_item(entry));
    }
    number_table_remove(&engine->desired.entries, number);
}

void
desired_mark(struct engine *engine, uint32_t entry)
{
    slot_mark(&engine->desired, desired_entry(&engine->desired, entry)->slot);
}

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

/* Returns all clauses that entries of 'scope' contribute, sorted, without
 * duplicates.  The caller frees them. */
static struct clause *
collect_clauses(const struct desired_state *desired, const struct slot *slot,
                const struct engine_scope *scope, size_t *n_clauses)
{
    size_t n = 0, allocated = slot->n_entries;
    struct clause *clauses = xmalloc(allocated * sizeof *clauses);

    for (size_t i = 0; i < slot->n_entries; i++) {
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

/* Returns the flow with the clauses of all entries in the scope of 'first'. */
static struct flow_item *
merge(struct engine *engine, struct slot *slot, const struct entry *first)
{
    struct engine_scope *scope = entry_scope(first);
    struct ofpbuf ofpacts;
    struct flow_draft draft;
    size_t n_clauses;
    struct clause *clauses = collect_clauses(&engine->desired, slot, scope,
                                             &n_clauses);

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

/* Settling.  ------------------------------------------------------------- */

/* An entry that is sorted. */
struct ordered_entry {
    const struct entry *entry;
    uint32_t number;
};

static int
compare_entries(const struct entry *a, const struct entry *b)
{
    int order = entry_contributes(a) - entry_contributes(b);

    if (!order) {
        order = a->unit != b->unit ? strcmp(a->unit->name, b->unit->name) : 0;
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
sort_entries(const struct desired_state *desired, struct slot *slot)
{
    struct ordered_entry *ordered = xmalloc(slot->n_entries * sizeof *ordered);
    uint32_t *entries = slot_entries(slot);

    for (size_t i = 0; i < slot->n_entries; i++) {
        ordered[i].number = entries[i];
        ordered[i].entry = desired_entry(desired, entries[i]);
    }
    qsort(ordered, slot->n_entries, sizeof *ordered, compare_ordered);
    for (size_t i = 0; i < slot->n_entries; i++) {
        entries[i] = ordered[i].number;
    }
    free(ordered);
}

/* Returns true if the slot's entries only contribute clauses in one scope. */
static bool
is_one_merge(const struct desired_state *desired, const struct slot *slot)
{
    const struct engine_scope *scope = entry_scope(slot_entry(desired, slot,
                                                              0));

    for (size_t i = 0; i < slot->n_entries; i++) {
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

/* Sorts the slot's entries, as far as their order matters. */
static void
order_entries(const struct desired_state *desired, struct slot *slot)
{
    size_t n = slot->n_entries;

    if (n < 2) {
        return;
    }
    if (!is_one_merge(desired, slot)) {
        sort_entries(desired, slot);
        return;
    }
    /* Only the first and the last matter, and there may be many. */
    for (size_t i = 1; i < n; i++) {
        if (compare_entries(slot_entry(desired, slot, i),
                            slot_entry(desired, slot, 0)) < 0) {
            swap_entries(slot, i, 0);
        }
    }
    for (size_t i = 1; i < n - 1; i++) {
        if (compare_entries(slot_entry(desired, slot, i),
                            slot_entry(desired, slot, n - 1)) > 0) {
            swap_entries(slot, i, n - 1);
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

/* Returns true if one of the first 'n' entries contributes in the scope. */
static bool
clauses_are_merged(const struct desired_state *desired,
                   const struct slot *slot, size_t n,
                   const struct engine_scope *scope)
{
    for (size_t i = 0; i < n; i++) {
        const struct entry *entry = slot_entry(desired, slot, i);

        if (entry_contributes(entry) && entry_scope(entry) == scope) {
            return true;
        }
    }
    return false;
}

/* Returns what switches are to install for the slot's entries: an array of
 * counted items, plain ones first.  Sets '*conflict' if an entry is
 * overridden. */
static struct flow_item **
slot_choose(struct engine *engine, struct slot *slot, size_t *n_chosen,
            bool *conflict)
{
    const struct desired_state *desired = &engine->desired;
    struct flow_item **chosen = xmalloc(MAX(slot->n_entries, 1) * sizeof
                                        *chosen);
    size_t n = 0;

    *conflict = false;
    order_entries(desired, slot);
    for (size_t i = 0; i < slot->n_entries; i++) {
        const struct entry *entry = slot_entry(desired, slot, i);
        const struct engine_scope *scope = entry_scope(entry);

        if (entry_contributes(entry)
            && clauses_are_merged(desired, slot, i, scope)) {
            continue;
        }
        if (scope_is_taken(chosen, n, scope)) {
            *conflict = true;
            continue;
        }
        chosen[n++] = (entry_contributes(entry)
                       ? merge(engine, slot, entry)
                       : flow_item_ref(entry_item(entry)));
    }
    *n_chosen = n;
    return chosen;
}

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
           struct flow_item *chosen, struct flow_item *old)
{
    const uint32_t *entries = slot_entries(slot);

    for (size_t i = 0; i < slot->n_entries; i++) {
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

/* Sets what switches are to install from now on. */
static void
set_active(struct slot *slot, struct flow_item **chosen, size_t n_chosen)
{
    if (slot->n_active > 1) {
        free(slot->active.items);
    }
    slot->n_active = n_chosen;
    if (n_chosen > 1) {
        slot->active.items = chosen;
    } else {
        slot->active.item = n_chosen ? chosen[0] : NULL;
        free(chosen);
    }
}

static void
slot_update(struct engine *engine, struct slot *slot,
            struct engine_delta *delta)
{
    struct desired_state *desired = &engine->desired;
    struct flow_item **active = (slot->n_active > 1
                                 ? slot->active.items : &slot->active.item);
    struct flow_item **chosen;
    size_t n_chosen;
    bool conflict;

    chosen = slot_choose(engine, slot, &n_chosen, &conflict);
    note_conflict(desired, slot, conflict);
    for (size_t i = 0; i < n_chosen; i++) {
        struct flow_item *old = take_old(active, slot->n_active, chosen[i],
                                         false);

        if (old) {
            /* Keep the item that switches have. */
            chosen[i] = keep_equal(desired, slot, chosen[i], old);
            continue;
        }
        old = take_old(active, slot->n_active, chosen[i], true);
        bool replaced = old != NULL;
        if (replaced) {
            withdraw(engine, old, delta, true);
        }
        old = withdrawn_take(&engine->dry_run, chosen[i]);
        if (old) {
            chosen[i] = keep_equal(desired, slot, chosen[i], old);
        }
        scope_add_item(chosen[i]);
        count_item(desired, chosen[i], 1);
        delta_add(delta, chosen[i], true, replaced);
    }
    for (size_t i = 0; i < slot->n_active; i++) {
        if (active[i]) {
            withdraw(engine, active[i], delta, false);
        }
    }
    set_active(slot, chosen, n_chosen);
    quotas_update_slot(engine, slot);
    overlap_index_update(&desired->overlap_levels, slot, n_chosen
                         && !entry_contributes(slot_entry(desired, slot, 0)));
    if (!slot->n_entries) {
        slot_free(desired, slot);
    }
}

void
desired_update(struct engine *engine, struct engine_delta *delta)
{
    struct desired_state *desired = &engine->desired;

    for (size_t i = 0; i < desired->n_dirty; i++) {
        desired->dirty[i]->dirty = false;
        slot_update(engine, desired->dirty[i], delta);
        engine_yield(engine);
    }
    free(desired->dirty);
    desired->dirty = NULL;
    desired->n_dirty = desired->allocated_dirty = 0;
}

/* The cookie of a merged flow is its slot's key. */
const char *
desired_clause_name(const struct desired_state *desired, uint64_t cookie)
{
    struct slot *slot;

    HMAP_FOR_EACH_WITH_HASH (slot, hmap_node, cookie,
                             shards_at(&desired->slots, cookie)) {
        /* Contributions are the last of the sorted entries. */
        const struct entry *last = (slot->n_entries
                                    ? slot_entry(desired, slot,
                                                 slot->n_entries - 1) : NULL);

        if (last && entry_contributes(last)
            && flow_slot_key(slot) == cookie) {
            return last->unit->name;
        }
    }
    return NULL;
}
