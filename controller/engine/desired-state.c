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
    ovs_list_init(&desired->conflicts);
    overlap_index_init(&desired->overlap_levels);
}

void
desired_uninit(struct desired_state *desired)
{
    overlap_index_uninit(&desired->overlap_levels);
    shards_destroy(&desired->slots);
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

const char *
slot_unit_name(const struct slot *slot, size_t i)
{
    return slot_entries(CONST_CAST(struct slot *, slot))[i]->unit->name;
}

/* Entries.  -------------------------------------------------------------- */

struct engine_scope *
entry_scope(const struct entry *entry)
{
    return (entry_contributes(entry)
            ? (struct engine_scope *) (entry->what & ~(uintptr_t) 1)
            : CONST_CAST(struct engine_scope *,
                         entry_item(entry)->scope));
}

const struct engine_scope *
slot_entry_scope(const struct slot *slot, size_t i)
{
    return entry_scope(slot_entries(CONST_CAST(struct slot *, slot))[i]);
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
        const struct contribution *c = contribution_cast(entry);

        return desired_clauses_digest(flow_slot_key(entry->slot), c->clauses,
                                      c->n_clauses);
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
    const struct contribution *c;
    const uint8_t *match;
    size_t size;

    if (!entry_contributes(entry)) {
        return false;
    }
    c = contribution_cast(entry);
    match = flow_draft_get_match(draft, &size);
    return (slot->kind == draft->kind && slot->table == draft->table
            && slot->priority == draft->priority && slot->match_size == size
            && !memcmp(slot->match, match, size)
            && c->n_clauses == n_clauses
            && !memcmp(c->clauses, clauses, n_clauses * sizeof *clauses));
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

static void
entry_init(struct entry *entry, struct engine *engine,
           struct unit_node *unit, const struct flow_draft *draft,
           uintptr_t what)
{
    struct slot *slot = slot_get(&engine->desired, draft);

    entry->unit = unit;
    entry->slot = slot;
    entry->what = what;
    if (slot->n_entries >= (slot->has_array ? slot->array->allocated : 1)) {
        slot_grow(slot);
    }
    slot_entries(slot)[slot->n_entries++] = entry;
    slot_mark(&engine->desired, slot);
    unit_class(engine, unit)->n_desired[slot->kind]++;
}

struct entry *
desired_add(struct engine *engine, struct unit_node *unit,
            struct engine_scope *scope, const struct flow_draft *draft,
            const char *drop_reason)
{
    struct flow_item *item = flow_item_create(engine->registry, scope, draft);
    struct entry *entry = xmalloc(sizeof *entry);

    item->drop_reason = drop_reason;
    item->app = unit_class(engine, unit)->app_index;
    entry_init(entry, engine, unit, draft, (uintptr_t) item);
    return entry;
}

struct entry *
desired_contribute(struct engine *engine, struct unit_node *unit,
                   struct engine_scope *scope, const struct flow_draft *draft,
                   const struct clause *clauses, size_t n_clauses)
{
    struct contribution *c = xmalloc(sizeof *c
                                     + n_clauses * sizeof *clauses);

    c->n_clauses = n_clauses;
    memcpy(c->clauses, clauses, n_clauses * sizeof *clauses);
    entry_init(&c->entry, engine, unit, draft, (uintptr_t) scope | 1);
    return &c->entry;
}

void
desired_remove(struct engine *engine, struct entry *entry)
{
    struct slot *slot = entry->slot;
    struct entry **entries = slot_entries(slot);

    for (size_t i = 0; i < slot->n_entries; i++) {
        if (entries[i] == entry) {
            entries[i] = entries[--slot->n_entries];
            break;
        }
    }
    slot_mark(&engine->desired, slot);
    unit_class(engine, entry->unit)->n_desired[slot->kind]--;
    if (entry_contributes(entry)) {
        scope_unref(entry_scope(entry));
    } else {
        flow_item_unref(entry_item(entry));
    }
    free(entry);
}

void
desired_mark(struct engine *engine, const struct entry *entry)
{
    slot_mark(&engine->desired, entry->slot);
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
collect_clauses(struct slot *slot, const struct engine_scope *scope,
                size_t *n_clauses)
{
    struct entry **entries = slot_entries(slot);
    size_t n = 0, allocated = slot->n_entries;
    struct clause *clauses = xmalloc(allocated * sizeof *clauses);

    for (size_t i = 0; i < slot->n_entries; i++) {
        if (entry_contributes(entries[i])
            && entry_scope(entries[i]) == scope) {
            const struct contribution *c = contribution_cast(entries[i]);

            while (allocated - n < c->n_clauses) {
                clauses = x2nrealloc(clauses, &allocated, sizeof *clauses);
            }
            memcpy(&clauses[n], c->clauses,
                   c->n_clauses * sizeof *clauses);
            n += c->n_clauses;
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
    struct clause *clauses = collect_clauses(slot, scope, &n_clauses);

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

static int
compare_entries(const void *a_, const void *b_)
{
    const struct entry *a = *(const struct entry *const *) a_;
    const struct entry *b = *(const struct entry *const *) b_;
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

/* Returns true if the entries only contribute clauses in one scope. */
static bool
is_one_merge(struct entry *const *entries, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (entries[i]->what != entries[0]->what) {
            return false;
        }
    }
    return entry_contributes(entries[0]);
}

/* Sorts the entries, as far as their order matters. */
static void
order_entries(struct entry **entries, size_t n)
{
    if (n < 2) {
        return;
    }
    if (!is_one_merge(entries, n)) {
        qsort(entries, n, sizeof *entries, compare_entries);
        return;
    }
    /* Only the first and the last matter, and there may be many. */
    for (size_t i = 1; i < n; i++) {
        if (compare_entries(&entries[i], &entries[0]) < 0) {
            struct entry *first = entries[i];

            entries[i] = entries[0];
            entries[0] = first;
        }
    }
    for (size_t i = 1; i < n - 1; i++) {
        if (compare_entries(&entries[i], &entries[n - 1]) > 0) {
            struct entry *last = entries[i];

            entries[i] = entries[n - 1];
            entries[n - 1] = last;
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

static bool
clauses_are_merged(struct entry *const *entries, size_t n,
                   const struct engine_scope *scope)
{
    for (size_t i = 0; i < n; i++) {
        if (entry_contributes(entries[i])
            && entry_scope(entries[i]) == scope) {
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
    struct flow_item **chosen = xmalloc(MAX(slot->n_entries, 1) * sizeof
                                        *chosen);
    struct entry **entries = slot_entries(slot);
    size_t n = 0;

    *conflict = false;
    order_entries(entries, slot->n_entries);
    for (size_t i = 0; i < slot->n_entries; i++) {
        const struct entry *entry = entries[i];
        const struct engine_scope *scope = entry_scope(entry);

        if (entry_contributes(entry)
            && clauses_are_merged(entries, i, scope)) {
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
keep_equal(struct slot *slot, struct flow_item *chosen, struct flow_item *old)
{
    struct entry **entries = slot_entries(slot);

    for (size_t i = 0; i < slot->n_entries; i++) {
        if (entry_item(entries[i]) == chosen && chosen != old) {
            flow_item_unref(chosen);
            entries[i]->what
                = (uintptr_t) flow_item_ref(old);
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
    struct flow_item **active = (slot->n_active > 1
                                 ? slot->active.items : &slot->active.item);
    struct flow_item **chosen;
    size_t n_chosen;
    bool conflict;

    chosen = slot_choose(engine, slot, &n_chosen, &conflict);
    note_conflict(&engine->desired, slot, conflict);
    for (size_t i = 0; i < n_chosen; i++) {
        struct flow_item *old = take_old(active, slot->n_active, chosen[i],
                                         false);

        if (old) {
            /* Keep the item that switches have. */
            chosen[i] = keep_equal(slot, chosen[i], old);
            continue;
        }
        old = take_old(active, slot->n_active, chosen[i], true);
        bool replaced = old != NULL;
        if (replaced) {
            withdraw(engine, old, delta, true);
        }
        old = withdrawn_take(&engine->dry_run, chosen[i]);
        if (old) {
            chosen[i] = keep_equal(slot, chosen[i], old);
        }
        scope_add_item(chosen[i]);
        count_item(&engine->desired, chosen[i], 1);
        delta_add(delta, chosen[i], true, replaced);
    }
    for (size_t i = 0; i < slot->n_active; i++) {
        if (active[i]) {
            withdraw(engine, active[i], delta, false);
        }
    }
    set_active(slot, chosen, n_chosen);
    quotas_update_slot(engine, slot);
    overlap_index_update(&engine->desired.overlap_levels, slot);
    if (!slot->n_entries) {
        slot_free(&engine->desired, slot);
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
                                    ? slot_entries(slot)[slot->n_entries - 1]
                                    : NULL);

        if (last && entry_contributes(last)
            && flow_slot_key(slot) == cookie) {
            return last->unit->name;
        }
    }
    return NULL;
}
