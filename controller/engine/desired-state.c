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
    uint32_t hash = flow_key_hash(key);
    struct slot *slot;

    HMAP_FOR_EACH_WITH_HASH (slot, hmap_node, hash,
                             shards_at(&desired->slots, hash)) {
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
    uint32_t hash = flow_key_hash(flow_item_group_key(group_id));
    struct slot *slot;

    HMAP_FOR_EACH_WITH_HASH (slot, hmap_node, hash,
                             shards_at(&desired->slots, hash)) {
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
    slot->by_host = true;
    slot->table = draft->table;
    slot->priority = draft->priority;
    slot->group_id = draft->group_id;
    slot->match_size = match_size;
    if (match) {
        memcpy(slot->match, match, match_size);
    }
    shards_insert(&desired->slots, &slot->hmap_node,
                  flow_key_hash(draft->key));
    return slot;
}

/* Schedules what is wanted in 'scope' to be resolved or, if the slot is not
 * by host, all of it. */
static void
slot_mark(struct desired_state *desired, struct slot *slot,
          const struct engine_scope *scope)
{
    if (slot->dirty) {
        return;
    }
    slot->dirty = !slot->by_host;
    if (desired->n_dirty >= desired->allocated_dirty) {
        desired->dirty = x2nrealloc(desired->dirty,
                                    &desired->allocated_dirty,
                                    sizeof *desired->dirty);
    }
    desired->dirty[desired->n_dirty].slot = slot;
    desired->dirty[desired->n_dirty++].scope = slot->by_host ? scope : NULL;
    slot->n_marks++;
}

void
slot_note_conflict(struct desired_state *desired, struct slot *slot,
                   bool conflict)
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

void
slot_free(struct desired_state *desired, struct slot *slot)
{
    slot_note_conflict(desired, slot, false);
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

/* Returns the first of the slot's entries, which are by host, whose scope is
 * not before 'scope' or, with 'after', is after it. */
static size_t
slot_bound(const struct desired_state *desired, const struct slot *slot,
           const struct engine_scope *scope, bool after)
{
    size_t low = 0, high = slot->n_entries;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct engine_scope *other = entry_scope(slot_entry(desired,
                                                                  slot, mid));

        if (other < scope || (after && other == scope)) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

struct slot_range
slot_range_of(const struct desired_state *desired, const struct slot *slot,
              const struct engine_scope *scope)
{
    struct slot_range range = { 0, slot->n_entries };

    if (slot->by_host) {
        range.first = slot_bound(desired, slot, scope, false);
        range.end = slot_bound(desired, slot, scope, true);
    }
    return range;
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
    return key ^ keyed_hash64(clauses, n_clauses * sizeof *clauses, 1);
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

/* Returns true if the entry wants an item of its own on one host. */
bool
entry_is_of_host(const struct entry *entry)
{
    return (!entry_contributes(entry)
            && entry_scope(entry)->kind == VMN_SCOPE_HOST);
}

/* Adds an entry.  A slot ceases to be by host with the first entry that is
 * not. */
static void
slot_insert(const struct desired_state *desired, struct slot *slot,
            uint32_t number)
{
    const struct entry *entry = desired_entry(desired, number);
    size_t at = slot->n_entries;
    uint32_t *entries;

    slot->by_host = slot->by_host && entry_is_of_host(entry);
    if (slot->by_host) {
        at = slot_bound(desired, slot, entry_scope(entry), true);
    }
    if (slot->n_entries >= (slot->has_array ? slot->array->allocated : 1)) {
        slot_grow(slot);
    }
    entries = slot_entries(slot);
    memmove(&entries[at + 1], &entries[at],
            (slot->n_entries++ - at) * sizeof *entries);
    entries[at] = number;
}

/* Removes an entry. */
static void
slot_extract(const struct desired_state *desired, struct slot *slot,
             uint32_t number)
{
    struct slot_range range = slot_range_of(
        desired, slot, entry_scope(desired_entry(desired, number)));
    uint32_t *entries = slot_entries(slot);
    size_t i = range.first;

    while (entries[i] != number) {
        i++;
    }
    slot->n_entries--;
    if (slot->by_host) {
        memmove(&entries[i], &entries[i + 1],
                (slot->n_entries - i) * sizeof *entries);
    } else {
        entries[i] = entries[slot->n_entries];
    }
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
    slot_insert(desired, slot, number);
    slot_mark(desired, slot, entry_scope(entry));
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

    slot_extract(&engine->desired, slot, number);
    slot_mark(&engine->desired, slot, entry_scope(entry));
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
desired_mark(struct engine *engine, uint32_t number)
{
    struct entry *entry = desired_entry(&engine->desired, number);

    slot_mark(&engine->desired, entry->slot, entry_scope(entry));
}

/* The cookie of a merged flow is its slot's key. */
const char *
desired_clause_name(const struct desired_state *desired, uint64_t cookie)
{
    uint32_t hash = flow_key_hash(cookie);
    struct slot *slot;

    HMAP_FOR_EACH_WITH_HASH (slot, hmap_node, hash,
                             shards_at(&desired->slots, hash)) {
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
