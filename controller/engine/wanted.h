/* SPDX-License-Identifier: Apache-2.0
 *
 * All that units want, by what identifies it on a switch.  A slot is one flow
 * key (table, priority, match) or group number; entries are what units want
 * there.  Settling a slot decides which items switches are to hold: the merged
 * clauses of a conjunction, or the first by unit name where units contradict
 * each other. */

#ifndef CONTROLLER_ENGINE_WANTED_H
#define CONTROLLER_ENGINE_WANTED_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/engine/item.h"
#include "controller/engine/level.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"

struct engine;
struct engine_delta;
struct match;
struct unit_node;

/* One clause of one conjunction. */
struct clause {
    uint32_t id;
    uint8_t clause;             /* From 0. */
    uint8_t n_clauses;
};

/* For qsort(). */
int clause_compare(const void *, const void *);

/* What one unit wants in one slot. */
struct entry {
    struct unit_node *unit;
    struct slot *slot;
    struct hmap_node unit_node; /* Used while a unit is compared. */
    struct engine_scope *scope; /* Counted. */
    uint64_t digest;            /* Of its content. */
    struct item *item;          /* NULL for a contribution. */
    size_t n_clauses;
    struct clause *clauses;     /* Sorted. */
};

struct slot {
    struct hmap_node hmap_node; /* In wanted's 'slots', by key hash. */
    enum engine_item_kind kind;
    uint8_t table;
    uint16_t priority;
    uint32_t group_id;
    uint32_t key_hash;
    uint32_t match_size;
    uint8_t *match;             /* Encoded; flows only. */
    uint32_t n_entries, allocated_entries;
    uint32_t n_active;
    struct entry **entries;     /* Or 'only_entry'. */
    struct item **active;       /* What switches are to hold; or
                                 * 'only_active'. */
    struct entry *only_entry[1]; /* Nearly all slots have one of each. */
    struct item *only_active[1];
    bool has_clauses;           /* In wanted's 'clauses'. */
    struct hmap_node clause_node;
    struct shape *shape;        /* Where level.c has put it, or NULL. */
    struct ovs_list shape_node; /* In 'shape'. */
    bool dirty;
    struct ovs_list dirty_node;
    bool conflict;              /* In wanted's 'conflicts'. */
    struct ovs_list conflict_node;
};

struct wanted {
    struct hmap slots;
    struct ovs_list dirty;
    struct ovs_list conflicts;
    struct level_table levels;
    struct hmap clauses;        /* Slots that units contribute to, by the
                                 * cookie of the merged flow. */
    size_t n_flows, n_groups;   /* Active items. */
};

void wanted_init(struct wanted *);
/* All entries must have been removed, and the slots settled. */
void wanted_uninit(struct wanted *);

/* Adds what 'unit' wants.  wanted_add() makes the item of 'draft', and
 * consumes it; wanted_contribute() takes over 'clauses', and takes the slot
 * from 'draft'.  Takes over a reference to 'scope'. */
struct entry *wanted_add(struct engine *, struct unit_node *,
                         struct engine_scope *, struct item_draft *,
                         const char *drop_reason);
struct entry *wanted_contribute(struct engine *, struct unit_node *,
                                struct engine_scope *, struct item_draft *,
                                uint64_t digest, struct clause *clauses,
                                size_t n_clauses);
void wanted_remove(struct engine *, struct entry *);

/* Settles all dirty slots; appends what changed to 'delta'. */
void wanted_settle(struct engine *, struct engine_delta *);

const struct slot *wanted_find_flow(const struct wanted *, uint8_t table,
                                    uint16_t priority, const uint8_t *match,
                                    size_t match_size);
const struct slot *wanted_find_group(const struct wanted *,
                                     uint32_t group_id);

/* The name of a merged flow's cookie, or NULL. */
const char *wanted_clause_name(const struct wanted *, uint64_t cookie);

#endif /* controller/engine/wanted.h */
