/* SPDX-License-Identifier: Apache-2.0
 *
 * All that units want; see wanted.h. */

#include <config.h>

#include "controller/engine/wanted.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/delta.h"
#include "controller/engine/engine-private.h"
#include "nx-match.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-match.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

void
wanted_init(struct wanted *wanted)
{
    memset(wanted, 0, sizeof *wanted);
    hmap_init(&wanted->slots);
    ovs_list_init(&wanted->dirty);
    ovs_list_init(&wanted->conflicts);
    level_table_init(&wanted->levels);
    hmap_init(&wanted->clauses);
}

void
wanted_uninit(struct wanted *wanted)
{
    level_table_uninit(&wanted->levels);
    hmap_destroy(&wanted->clauses);
    hmap_destroy(&wanted->slots);
}

/* Slots.  ---------------------------------------------------------------- */

const struct slot *
wanted_find_flow(const struct wanted *wanted, uint8_t table,
                 uint16_t priority, const uint8_t *match, size_t match_size)
{
    uint32_t hash = item_flow_key_hash(table, priority, match, match_size);
    struct slot *slot;

    HMAP_FOR_EACH_WITH_HASH (slot, hmap_node, hash, &wanted->slots) {
        if (slot->kind == ENGINE_FLOW && slot->table == table
            && slot->priority == priority && slot->match_size == match_size
            && !memcmp(slot->match, match, match_size)) {
            return slot;
        }
    }
    return NULL;
}

const struct slot *
wanted_find_group(const struct wanted *wanted, uint32_t group_id)
{
    struct slot *slot;

    HMAP_FOR_EACH_WITH_HASH (slot, hmap_node, item_group_key_hash(group_id),
                             &wanted->slots) {
        if (slot->kind == ENGINE_GROUP && slot->group_id == group_id) {
            return slot;
        }
    }
    return NULL;
}

static struct slot *
slot_get(struct wanted *wanted, const struct item_draft *draft)
{
    const uint8_t *match = NULL;
    const struct slot *found;
    size_t match_size = 0;

    if (draft->kind == ENGINE_FLOW) {
        match = item_draft_match(draft, &match_size);
        found = wanted_find_flow(wanted, draft->table, draft->priority,
                                 match, match_size);
    } else {
        found = wanted_find_group(wanted, draft->group_id);
    }
    if (found) {
        return CONST_CAST(struct slot *, found);
    }

    struct slot *slot = xzalloc(sizeof *slot);

    slot->kind = draft->kind;
    slot->table = draft->table;
    slot->priority = draft->priority;
    slot->group_id = draft->group_id;
    slot->key_hash = draft->key_hash;
    slot->match_size = match_size;
    slot->match = match ? xmemdup(match, match_size) : NULL;
    slot->entries = slot->only_entry;
    slot->allocated_entries = 1;
    slot->active = slot->only_active;
    hmap_insert(&wanted->slots, &slot->hmap_node, slot->key_hash);
    return slot;
}

static void
slot_mark(struct wanted *wanted, struct slot *slot)
{
    if (!slot->dirty) {
        slot->dirty = true;
        ovs_list_push_back(&wanted->dirty, &slot->dirty_node);
    }
}

static void
slot_free(struct wanted *wanted, struct slot *slot)
{
    if (slot->conflict) {
        ovs_list_remove(&slot->conflict_node);
    }
    hmap_remove(&wanted->slots, &slot->hmap_node);
    free(slot->match);
    if (slot->entries != slot->only_entry) {
        free(slot->entries);
    }
    if (slot->active != slot->only_active) {
        free(slot->active);
    }
    free(slot);
}

/* Entries.  -------------------------------------------------------------- */

static void
slot_grow(struct slot *slot)
{
    size_t allocated = 2 * (size_t) slot->allocated_entries;
    struct entry **entries = xmalloc(allocated * sizeof *entries);

    memcpy(entries, slot->entries, slot->n_entries * sizeof *entries);
    if (slot->entries != slot->only_entry) {
        free(slot->entries);
    }
    slot->entries = entries;
    slot->allocated_entries = allocated;
}

static struct entry *
entry_create(struct wanted *wanted, struct unit_node *unit,
             struct engine_scope *scope, const struct item_draft *draft)
{
    struct entry *entry = xzalloc(sizeof *entry);
    struct slot *slot = slot_get(wanted, draft);

    entry->unit = unit;
    entry->slot = slot;
    entry->scope = scope;
    if (slot->n_entries >= slot->allocated_entries) {
        slot_grow(slot);
    }
    slot->entries[slot->n_entries++] = entry;
    slot_mark(wanted, slot);
    return entry;
}

struct entry *
wanted_add(struct engine *engine, struct unit_node *unit,
           struct engine_scope *scope, struct item_draft *draft,
           const char *drop_reason)
{
    struct entry *entry = entry_create(&engine->wanted, unit, scope, draft);

    entry->digest = draft->digest;
    entry->item = item_create(engine->registry, scope, draft);
    entry->item->drop_reason = drop_reason;
    entry->item->app = unit_class(engine, unit)->app_index;
    return entry;
}

struct entry *
wanted_contribute(struct engine *engine, struct unit_node *unit,
                  struct engine_scope *scope, struct item_draft *draft,
                  uint64_t digest, struct clause *clauses, size_t n_clauses)
{
    struct entry *entry = entry_create(&engine->wanted, unit, scope, draft);

    entry->digest = digest;
    entry->clauses = clauses;
    entry->n_clauses = n_clauses;
    return entry;
}

void
wanted_remove(struct engine *engine, struct entry *entry)
{
    struct slot *slot = entry->slot;

    for (size_t i = 0; i < slot->n_entries; i++) {
        if (slot->entries[i] == entry) {
            slot->entries[i] = slot->entries[--slot->n_entries];
            break;
        }
    }
    slot_mark(&engine->wanted, slot);
    if (entry->item) {
        engine_item_unref(&entry->item->pub);
    }
    scope_unref(entry->scope);
    free(entry->clauses);
    free(entry);
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

/* All clauses that entries of 'scope' contribute, sorted, each once. */
static struct clause *
collect_clauses(const struct slot *slot, const struct engine_scope *scope,
                size_t *n_clauses)
{
    struct clause *clauses;
    size_t n = 0;

    for (size_t i = 0; i < slot->n_entries; i++) {
        if (!slot->entries[i]->item && slot->entries[i]->scope == scope) {
            n += slot->entries[i]->n_clauses;
        }
    }
    clauses = xmalloc(MAX(n, 1) * sizeof *clauses);
    n = 0;
    for (size_t i = 0; i < slot->n_entries; i++) {
        const struct entry *entry = slot->entries[i];

        if (!entry->item && entry->scope == scope) {
            memcpy(&clauses[n], entry->clauses,
                   entry->n_clauses * sizeof *clauses);
            n += entry->n_clauses;
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

static uint64_t
clause_cookie(const struct slot *slot)
{
    return item_hash64(slot->match, slot->match_size,
                       slot->table << 16 | slot->priority);
}

/* The flow that holds the clauses of all entries of 'scope'. */
static struct item *
merge(struct engine *engine, const struct slot *slot,
      const struct entry *first)
{
    struct ofpbuf b = ofpbuf_const_initializer(slot->match,
                                               slot->match_size);
    struct ofpbuf ofpacts;
    struct item_draft draft;
    struct match match;
    uint16_t padded;
    size_t n_clauses;
    struct clause *clauses = collect_clauses(slot, first->scope, &n_clauses);

    ofpbuf_init(&ofpacts, n_clauses * sizeof(struct ofpact_conjunction));
    for (size_t i = 0; i < n_clauses; i++) {
        struct ofpact_conjunction *conj = ofpact_put_CONJUNCTION(&ofpacts);

        conj->id = clauses[i].id;
        conj->clause = clauses[i].clause;
        conj->n_clauses = clauses[i].n_clauses;
    }
    free(clauses);

    /* Our own bytes: they decode. */
    enum ofperr error = ofputil_pull_ofp11_match(&b, NULL, NULL, &match,
                                                 &padded);
    ovs_assert(!error);
    item_draft_flow(&draft, slot->table, slot->priority, clause_cookie(slot),
                    &match, ofpacts.data, ofpacts.size);
    ofpbuf_uninit(&ofpacts);

    struct item *item = item_create(engine->registry, first->scope, &draft);

    item->app = unit_class(engine, first->unit)->app_index;
    return item;
}

/* Settling.  ------------------------------------------------------------- */

static int
compare_entries(const void *a_, const void *b_)
{
    const struct entry *const *a = a_;
    const struct entry *const *b = b_;
    int order = !(*a)->item - !(*b)->item;

    if (!order) {
        order = strcmp((*a)->unit->name, (*b)->unit->name);
    }
    if (!order) {
        order = strcmp((*a)->scope->name, (*b)->scope->name);
    }
    return order ? order
           : (*a)->digest < (*b)->digest ? -1
           : (*a)->digest > (*b)->digest;
}

static bool
scope_is_taken(struct item *const *items, size_t n,
               const struct engine_scope *scope)
{
    for (size_t i = 0; i < n; i++) {
        if (scope_may_meet(items[i]->pub.scope, scope)) {
            return true;
        }
    }
    return false;
}

static bool
clauses_are_merged(const struct slot *slot, size_t n,
                   const struct engine_scope *scope)
{
    for (size_t i = 0; i < n; i++) {
        if (!slot->entries[i]->item && slot->entries[i]->scope == scope) {
            return true;
        }
    }
    return false;
}

/* What switches are to hold of the slot's entries: an array of counted items,
 * plain ones in front.  '*conflict' says that an entry had to give way. */
static struct item **
slot_choose(struct engine *engine, struct slot *slot, size_t *n_chosen,
            bool *conflict)
{
    struct item **chosen = xmalloc(MAX(slot->n_entries, 1) * sizeof *chosen);
    size_t n = 0;

    *conflict = false;
    qsort(slot->entries, slot->n_entries, sizeof *slot->entries,
          compare_entries);
    for (size_t i = 0; i < slot->n_entries; i++) {
        const struct entry *entry = slot->entries[i];

        if (!entry->item && clauses_are_merged(slot, i, entry->scope)) {
            continue;
        }
        if (scope_is_taken(chosen, n, entry->scope)) {
            *conflict = true;
            continue;
        }
        chosen[n++] = (entry->item
                       ? item_cast(engine_item_ref(&entry->item->pub))
                       : merge(engine, slot, entry));
    }
    *n_chosen = n;
    return chosen;
}

static void
note_conflict(struct wanted *wanted, struct slot *slot, bool conflict)
{
    if (conflict != slot->conflict) {
        slot->conflict = conflict;
        if (conflict) {
            ovs_list_push_back(&wanted->conflicts, &slot->conflict_node);
        } else {
            ovs_list_remove(&slot->conflict_node);
        }
    }
}

static void
count_item(struct wanted *wanted, const struct item *item, int n)
{
    if (item->pub.kind == ENGINE_FLOW) {
        wanted->n_flows += n;
    } else {
        wanted->n_groups += n;
    }
}

/* Finds and takes the old item that 'item' is equal to or (if 'replace')
 * takes the place of. */
static struct item *
take_old(struct slot *slot, const struct item *item, bool replace)
{
    for (size_t i = 0; i < slot->n_active; i++) {
        struct item *old = slot->active[i];

        if (old && old->pub.scope == item->pub.scope
            && (replace || old->pub.digest == item->pub.digest)) {
            slot->active[i] = NULL;
            return old;
        }
    }
    return NULL;
}

static void
withdraw(struct engine *engine, struct item *old, struct engine_delta *delta,
         bool replaced)
{
    scope_remove_item(old);
    count_item(&engine->wanted, old, -1);
    delta_add(delta, old, false, replaced);
    engine_item_unref(&old->pub);
}

/* Puts 'old', which is equal, in the place of 'chosen', also for who wants
 * it. */
static struct item *
keep_equal(struct slot *slot, struct item *chosen, struct item *old)
{
    for (size_t i = 0; i < slot->n_entries; i++) {
        struct entry *entry = slot->entries[i];

        if (entry->item == chosen && chosen != old) {
            engine_item_unref(&chosen->pub);
            entry->item = item_cast(engine_item_ref(&old->pub));
            break;
        }
    }
    engine_item_unref(&chosen->pub);
    return old;
}

/* So that a cookie leads to its clause's slot.  Contributions come last among
 * the sorted entries. */
static void
index_clauses(struct wanted *wanted, struct slot *slot)
{
    bool has_clauses = (slot->n_entries
                        && !slot->entries[slot->n_entries - 1]->item);

    if (has_clauses && !slot->has_clauses) {
        hmap_insert(&wanted->clauses, &slot->clause_node,
                    (uint32_t) clause_cookie(slot));
    } else if (!has_clauses && slot->has_clauses) {
        hmap_remove(&wanted->clauses, &slot->clause_node);
    }
    slot->has_clauses = has_clauses;
}

static void
slot_settle(struct engine *engine, struct slot *slot,
            struct engine_delta *delta)
{
    struct item **chosen;
    size_t n_chosen;
    bool conflict;

    chosen = slot_choose(engine, slot, &n_chosen, &conflict);
    note_conflict(&engine->wanted, slot, conflict);
    for (size_t i = 0; i < n_chosen; i++) {
        struct item *old = take_old(slot, chosen[i], false);

        if (old) {
            /* The one that switches hold goes on. */
            chosen[i] = keep_equal(slot, chosen[i], old);
            continue;
        }
        old = take_old(slot, chosen[i], true);
        bool replaced = old != NULL;
        if (replaced) {
            withdraw(engine, old, delta, true);
        }
        old = trial_take(&engine->trial, chosen[i]);
        if (old) {
            chosen[i] = keep_equal(slot, chosen[i], old);
        }
        scope_add_item(chosen[i]);
        count_item(&engine->wanted, chosen[i], 1);
        delta_add(delta, chosen[i], true, replaced);
    }
    for (size_t i = 0; i < slot->n_active; i++) {
        if (slot->active[i]) {
            withdraw(engine, slot->active[i], delta, false);
        }
    }
    if (slot->active != slot->only_active) {
        free(slot->active);
    }
    slot->active = chosen;
    slot->n_active = n_chosen;
    if (n_chosen <= 1) {
        slot->active = slot->only_active;
        slot->only_active[0] = n_chosen ? chosen[0] : NULL;
        free(chosen);
    }
    level_update(&engine->wanted.levels, slot);
    index_clauses(&engine->wanted, slot);
    if (!slot->n_entries) {
        slot_free(&engine->wanted, slot);
    }
}

void
wanted_settle(struct engine *engine, struct engine_delta *delta)
{
    struct wanted *wanted = &engine->wanted;

    while (!ovs_list_is_empty(&wanted->dirty)) {
        struct slot *slot = CONTAINER_OF(ovs_list_pop_front(&wanted->dirty),
                                         struct slot, dirty_node);

        slot->dirty = false;
        slot_settle(engine, slot, delta);
    }
}

const char *
wanted_clause_name(const struct wanted *wanted, uint64_t cookie)
{
    const struct slot *slot;

    HMAP_FOR_EACH_WITH_HASH (slot, clause_node, (uint32_t) cookie,
                             &wanted->clauses) {
        if (slot->n_entries && clause_cookie(slot) == cookie) {
            return slot->entries[slot->n_entries - 1]->unit->name;
        }
    }
    return NULL;
}
