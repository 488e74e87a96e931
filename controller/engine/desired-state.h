/* SPDX-License-Identifier: Apache-2.0
 *
 * The desired state of all units, by key on a switch.  A slot is one flow key
 * (table, priority, match) or group ID; entries are what units want there.
 * Resolving a slot determines its items: the merged clauses of a conjunction,
 * or, if units conflict, the item of the first unit by name. */

#ifndef CONTROLLER_ENGINE_DESIRED_H
#define CONTROLLER_ENGINE_DESIRED_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/engine/number-table.h"
#include "controller/engine/overlap-index.h"
#include "controller/flow/flow-item.h"
#include "controller/sharded-hmap.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"

struct engine;
struct engine_delta;
struct unit_node;

/* One clause of one conjunction. */
struct clause {
    uint32_t id;
    uint8_t clause;             /* From 0. */
    uint8_t n_clauses;
};

/* Compares clauses, for qsort(). */
int clause_compare(const void *, const void *);

/* Several clauses that one entry contributes. */
struct clauses {
    size_t n;
    struct clause clauses[];    /* Sorted. */
};

/* What one unit wants in one slot: an item, or to contribute clauses.  Entries
 * are the most numerous objects, so they are small, and known by numbers. */
struct entry {
    struct unit_node *unit;
    struct slot *slot;
    uintptr_t what;             /* A struct flow_item; or a struct
                                 * engine_scope plus 1, or plus 3 if it
                                 * contributes several clauses.  Counted. */
    union {                     /* What it contributes. */
        struct clause one;
        struct clauses *several; /* Owned. */
    };
};

static inline bool
entry_contributes(const struct entry *entry)
{
    return entry->what & 1;
}

/* Returns the item, or NULL for a contribution. */
static inline struct flow_item *
entry_item(const struct entry *entry)
{
    return entry_contributes(entry) ? NULL : (struct flow_item *) entry->what;
}

/* Returns the clauses of an entry that contributes, sorted. */
static inline const struct clause *
entry_clauses(const struct entry *entry, size_t *n)
{
    bool several = entry->what & 2;

    *n = several ? entry->several->n : 1;
    return several ? entry->several->clauses : &entry->one;
}

struct engine_scope *entry_scope(const struct entry *);
bool entry_is_of_host(const struct entry *);
/* Returns a digest of the whole entry except its scope. */
uint64_t entry_digest(const struct entry *);

/* The entries of a slot that has, or had, several. */
struct entry_array {
    uint32_t allocated;
    bool conflict;              /* In desired's 'conflicts'. */
    struct ovs_list conflict_node;
    struct slot *slot;
    uint32_t entries[];
};

/* Nearly all slots have one entry and one item. */
struct slot {
    struct hmap_node hmap_node; /* In desired's 'slots', by its key. */
    union {
        uint32_t entry;         /* Undefined if 'n_entries' is 0. */
        struct entry_array *array; /* If 'has_array'. */
    };
    union {                     /* The items for switches: */
        struct flow_item *item; /* if 'n_active' is 1, */
        struct flow_item **items; /* or more. */
    } active;
    struct match_shape *shape;  /* In the overlap index, or NULL. */
    struct ovs_list shape_node; /* In 'shape'. */
    uint32_t n_entries;
    uint32_t n_active;
    uint32_t n_marks;           /* Of desired's 'dirty'. */
    uint32_t group_id;
    uint16_t priority;
    uint16_t match_size;
    uint8_t table;
    uint8_t kind;               /* An enum flow_item_kind. */
    bool has_array;
    bool by_host;               /* entry_is_of_host() of all entries; they and
                                 * the items are in the order of their scopes'
                                 * addresses. */
    bool dirty;                 /* To be resolved as a whole. */
    uint8_t match[];            /* Encoded; flows only. */
};

/* Returns the numbers of the slot's entries. */
static inline uint32_t *
slot_entries(struct slot *slot)
{
    return slot->has_array ? slot->array->entries : &slot->entry;
}

static inline struct flow_item *const *
slot_active(const struct slot *slot)
{
    return slot->n_active > 1 ? slot->active.items : &slot->active.item;
}

/* Some of a slot's entries: from 'first' until before 'end'. */
struct slot_range {
    size_t first, end;
};

static inline struct slot_range
slot_all(const struct slot *slot)
{
    return (struct slot_range) { 0, slot->n_entries };
}

/* What is to be resolved again: of a slot that is by host one scope, which may
 * be gone, and otherwise all. */
struct slot_mark {
    struct slot *slot;
    const struct engine_scope *scope;
};

struct desired_state {
    struct shards slots;
    struct number_table entries; /* Of struct entry. */
    size_t n_dirty, allocated_dirty;
    struct slot_mark *dirty;    /* In the order in which they were marked. */
    struct ovs_list conflicts;  /* Of struct entry_array. */
    struct overlap_index overlap_levels;
    size_t n_flows, n_groups;   /* Active items. */
};

void desired_init(struct desired_state *);
/* Frees it.  All entries must have been removed, and the slots resolved. */
void desired_uninit(struct desired_state *);

static inline struct entry *
desired_entry(const struct desired_state *desired, uint32_t number)
{
    return number_table_at(&desired->entries, number);
}

/* Returns an entry of the slot, of 'n_entries'. */
const struct entry *slot_entry(const struct desired_state *,
                               const struct slot *, size_t i);

/* Returns the entries that may be of 'scope': just these if the slot is by
 * host, and otherwise all. */
struct slot_range slot_range_of(const struct desired_state *,
                                const struct slot *,
                                const struct engine_scope *);
/* Returns the item of 'scope', or NULL, of a slot that is by host. */
const struct flow_item *slot_item_of(const struct slot *,
                                     const struct engine_scope *);
/* Returns entries of a slot in conflict, of which the first and the last have
 * different owners. */
struct slot_range slot_get_conflict(const struct desired_state *,
                                    const struct slot *);

/* For desired-settle.c.  Remembers whether an entry is overridden. */
void slot_note_conflict(struct desired_state *, struct slot *, bool conflict);
/* For desired-settle.c.  The slot must have neither entries nor items. */
void slot_free(struct desired_state *, struct slot *);

/* Add an entry of 'unit', and return its number.  desired_add() creates the
 * item of 'draft'; for desired_contribute() a draft of the match is
 * sufficient.  Both take ownership of a reference to the scope. */
uint32_t desired_add(struct engine *, struct unit_node *,
                     struct engine_scope *, const struct flow_draft *,
                     const char *drop_reason);
uint32_t desired_contribute(struct engine *, struct unit_node *,
                            struct engine_scope *, const struct flow_draft *,
                            const struct clause *, size_t n_clauses);
void desired_remove(struct engine *, uint32_t entry);
/* Schedules the entry's slot to be resolved again, though its entries are
 * unchanged. */
void desired_mark(struct engine *, uint32_t entry);

/* Resolves all dirty slots; appends the changes to 'delta'. */
void desired_update(struct engine *, struct engine_delta *);

/* Returns true if desired_add() of 'draft', in the entry's scope, would result
 * in an equal entry. */
bool desired_is_of_draft(const struct entry *, const struct flow_draft *);
/* Returns the same for desired_contribute(). */
bool desired_is_of_clauses(const struct entry *, const struct flow_draft *,
                           const struct clause *, size_t n_clauses);

/* Returns the digest of a contribution of these clauses to the slot of this
 * key. */
uint64_t desired_clauses_digest(uint64_t key, const struct clause *,
                                size_t n_clauses);

const struct slot *desired_find_flow(const struct desired_state *,
                                     uint8_t table,
                                     uint16_t priority, const uint8_t *match,
                                     size_t match_size);
const struct slot *desired_find_group(const struct desired_state *,
                                      uint32_t group_id);

/* Returns the name of a merged flow's cookie, or NULL. */
const char *desired_clause_name(const struct desired_state *, uint64_t cookie);

#endif /* controller/engine/desired-state.h */
