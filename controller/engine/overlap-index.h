/* SPDX-License-Identifier: Apache-2.0
 *
 * Which plain flows could overlap.  A level is one (table, priority); its
 * flows are sorted by shape: the fields and masks that they match, and the
 * values of Ethernet type and IP protocol.  Flows of one shape have different
 * values in the same bits, so no packet matches two of them.  Most levels have
 * one shape, and nobody needs to look at them.  Not for looking
 * (engine-problems.c).
 */

#ifndef CONTROLLER_ENGINE_OVERLAP_INDEX_H
#define CONTROLLER_ENGINE_OVERLAP_INDEX_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/hmap.h"
#include "openvswitch/list.h"

struct slot;

struct level {
    struct hmap_node node;      /* In level_table's 'levels'. */
    uint8_t table;
    uint16_t priority;
    struct hmap shapes;         /* Of struct shape. */
    struct ovs_list mixed_node; /* In level_table's 'mixed', if there is more
                                 * than one shape. */
};

struct shape {
    struct hmap_node node;      /* In level's 'shapes', by 'key'. */
    struct level *level;
    uint64_t key;               /* Hash of all that makes the shape. */
    uint16_t eth_type;          /* That all of them match, or 0. */
    uint8_t ip_proto;           /* The same. */
    size_t n;
    struct ovs_list slots;      /* Of struct slot, by 'shape_node'. */
};

struct level_table {
    struct hmap levels;
    struct ovs_list mixed;      /* Of struct level. */
};

void level_table_init(struct level_table *);
/* All slots must have been removed. */
void level_table_uninit(struct level_table *);

/* Puts 'slot' where it belongs, or takes it out: only those belong that
 * switches hold as one unit's own flow. */
void level_update(struct level_table *, struct slot *);
void level_remove(struct level_table *, struct slot *);

struct level *level_find(const struct level_table *, uint8_t table,
                         uint16_t priority);

/* False if no packet can have both shapes. */
bool shapes_may_overlap(const struct shape *, const struct shape *);

#endif /* controller/engine/overlap-index.h */
