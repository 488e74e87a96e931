/* SPDX-License-Identifier: Apache-2.0
 *
 * A hash map in many shards, for maps with a node per unit or flow.  An hmap
 * that grows rehashes all of its nodes at once, which takes tens of
 * milliseconds with some hundred thousand; here only one shard grows.  Callers
 * look up and iterate over the shards as hmaps. */

#ifndef CONTROLLER_SHARDED_HMAP_H
#define CONTROLLER_SHARDED_HMAP_H 1

#include <stddef.h>
#include <stdint.h>

#include "openvswitch/hmap.h"
#include "openvswitch/util.h"

#define SHARDS_N 64

struct shards {
    struct hmap maps[SHARDS_N];
};

static inline void
shards_init(struct shards *shards)
{
    for (int i = 0; i < SHARDS_N; i++) {
        hmap_init(&shards->maps[i]);
    }
}

static inline void
shards_destroy(struct shards *shards)
{
    for (int i = 0; i < SHARDS_N; i++) {
        hmap_destroy(&shards->maps[i]);
    }
}

/* Returns the shard of nodes with 'hash'.  Within the shard, hmap uses the low
 * bits. */
static inline struct hmap *
shards_at(const struct shards *shards, size_t hash)
{
    uint32_t i = (uint32_t) hash * UINT32_C(0x9e3779b1) >> 26;

    return CONST_CAST(struct hmap *, &shards->maps[i]);
}

/* Inserts 'node'.  A shard grows before it has more nodes than buckets; hmap
 * alone allows two per bucket, and with so many nodes each one passed in a
 * bucket is a cache miss. */
static inline void
shards_insert(struct shards *shards, struct hmap_node *node, size_t hash)
{
    struct hmap *map = shards_at(shards, hash);

    if (hmap_count(map) > map->mask) {
        hmap_reserve(map, 2 * (hmap_count(map) + 1));
    }
    hmap_insert(map, node, hash);
}

static inline size_t
shards_count(const struct shards *shards)
{
    size_t n = 0;

    for (int i = 0; i < SHARDS_N; i++) {
        n += hmap_count(&shards->maps[i]);
    }
    return n;
}

#endif /* controller/sharded-hmap.h */
