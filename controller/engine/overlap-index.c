/* SPDX-License-Identifier: Apache-2.0
 *
 * An index of plain flows that may overlap; see overlap-index.h. */

#include <config.h>

#include "controller/engine/overlap-index.h"

#include <stdlib.h>

#include "controller/engine/desired-state.h"
#include "controller/flow/match-overlap.h"
#include "hash.h"
#include "util.h"

void
overlap_index_init(struct overlap_index *table)
{
    hmap_init(&table->overlap_levels);
    ovs_list_init(&table->mixed);
}

void
overlap_index_uninit(struct overlap_index *table)
{
    hmap_destroy(&table->overlap_levels);
}

struct overlap_level *
overlap_index_find(const struct overlap_index *table, uint8_t table_id,
                   uint16_t priority)
{
    struct overlap_level *level;

    HMAP_FOR_EACH_WITH_HASH (level, node, hash_2words(table_id, priority),
                             &table->overlap_levels) {
        if (level->table == table_id && level->priority == priority) {
            return level;
        }
    }
    return NULL;
}

static struct overlap_level *
level_get(struct overlap_index *table, uint8_t table_id, uint16_t priority)
{
    struct overlap_level *level = overlap_index_find(table, table_id,
                                                     priority);

    if (!level) {
        level = xzalloc(sizeof *level);
        level->table = table_id;
        level->priority = priority;
        hmap_init(&level->shapes);
        hmap_insert(&table->overlap_levels, &level->node,
                    hash_2words(table_id, priority));
    }
    return level;
}

static struct match_shape *
shape_get(struct overlap_index *table, struct overlap_level *level,
          const struct match_shape *like)
{
    struct match_shape *shape;

    HMAP_FOR_EACH_WITH_HASH (shape, node, (uint32_t) like->key,
                             &level->shapes) {
        if (shape->key == like->key) {
            return shape;
        }
    }
    shape = xzalloc(sizeof *shape);
    shape->level = level;
    shape->key = like->key;
    shape->eth_type = like->eth_type;
    shape->ip_proto = like->ip_proto;
    ovs_list_init(&shape->slots);
    hmap_insert(&level->shapes, &shape->node, (uint32_t) like->key);
    if (hmap_count(&level->shapes) == 2) {
        ovs_list_push_back(&table->mixed, &level->mixed_node);
    }
    return shape;
}

static void
shape_free(struct overlap_index *table, struct match_shape *shape)
{
    struct overlap_level *level = shape->level;

    hmap_remove(&level->shapes, &shape->node);
    free(shape);
    if (hmap_count(&level->shapes) == 1) {
        ovs_list_remove(&level->mixed_node);
    } else if (hmap_is_empty(&level->shapes)) {
        hmap_remove(&table->overlap_levels, &level->node);
        hmap_destroy(&level->shapes);
        free(level);
    }
}

static void
overlap_index_remove(struct overlap_index *table, struct slot *slot)
{
    struct match_shape *shape = slot->shape;

    if (shape) {
        slot->shape = NULL;
        ovs_list_remove(&slot->shape_node);
        if (!--shape->n) {
            shape_free(table, shape);
        }
    }
}

/* A slot's match never changes, and so its shape does not. */
void
overlap_index_update(struct overlap_index *table, struct slot *slot,
                     bool plain)
{
    if (!plain || slot->kind != FLOW_ITEM_FLOW) {
        overlap_index_remove(table, slot);
    } else if (!slot->shape) {
        struct match_shape like;

        like.key = match_shape_of_item(slot_active(slot)[0], &like.eth_type,
                                       &like.ip_proto);
        slot->shape = shape_get(table, level_get(table, slot->table,
                                                 slot->priority), &like);
        ovs_list_push_back(&slot->shape->slots, &slot->shape_node);
        slot->shape->n++;
    }
}

bool
shapes_may_overlap(const struct match_shape *a, const struct match_shape *b)
{
    return (a != b
            && (!a->eth_type || !b->eth_type || a->eth_type == b->eth_type)
            && (!a->ip_proto || !b->ip_proto
                || a->ip_proto == b->ip_proto));
}
