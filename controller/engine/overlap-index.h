/* SPDX-License-Identifier: Apache-2.0
 *
 * An index of plain flows that may overlap.  A level is one (table, priority);
 * its flows are grouped by shape: the fields and masks that they match, and
 * the values of Ethernet type and IP protocol.  Flows of one shape have
 * different values in the same bits, so no packet matches two of them.  Most
 * levels have one shape, and need no search.  Not for the search
 * (engine-problems.c). */

#ifndef CONTROLLER_ENGINE_OVERLAP_INDEX_H
#define CONTROLLER_ENGINE_OVERLAP_INDEX_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/hmap.h"
#include "openvswitch/list.h"

struct slot;

struct overlap_level {
    struct hmap_node node;      /* In overlap_index's 'overlap_levels'. */
    uint8_t table;
    uint16_t priority;
    struct hmap shapes;         /* Of struct match_shape. */
    struct ovs_list mixed_node; /* In overlap_index's 'mixed', if there is more
                                 * than one shape. */
};

struct match_shape {
    struct hmap_node node;      /* In level's 'shapes', by 'key'. */
    struct overlap_level *level;
    uint64_t key;               /* Hash of all that makes the shape. */
    uint16_t eth_type;          /* That all of them match, or 0. */
    uint8_t ip_proto;           /* The same. */
    size_t n;
    struct ovs_list slots;      /* Of struct slot, by 'shape_node'. */
};

struct overlap_index {
    struct hmap overlap_levels;
    struct ovs_list mixed;      /* Of struct overlap_level. */
};

void overlap_index_init(struct overlap_index *);
/* Frees the index.  All slots must have been removed. */
void overlap_index_uninit(struct overlap_index *);

/* Adds 'slot' to the index, or removes it: only slots with one unit's own flow
 * as their item belong in it.  'plain': its item is one unit's own. */
void overlap_index_update(struct overlap_index *, struct slot *, bool plain);

struct overlap_level *overlap_index_find(const struct overlap_index *, uint8_t
                                         table, uint16_t priority);

/* Returns false if no packet can match flows of both shapes. */
bool shapes_may_overlap(const struct match_shape *,
                        const struct match_shape *);

#endif /* controller/engine/overlap-index.h */
