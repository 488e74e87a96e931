/* SPDX-License-Identifier: Apache-2.0
 *
 * A column of the cluster's database that is a map from strings to integers,
 * as updates of the database say it.  Not for what it means
 * (cluster-shares.h). */

#ifndef CONTROLLER_CLUSTER_CLUSTER_MAP_H
#define CONTROLLER_CLUSTER_CLUSTER_MAP_H 1

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/shash.h"

struct json;

struct cluster_map {
    struct shash numbers;       /* Of int64_t. */
};

void cluster_map_init(struct cluster_map *);
void cluster_map_uninit(struct cluster_map *);
void cluster_map_clear(struct cluster_map *);
/* Sets the map to 'json', a <map> (RFC 7047, section 5.1), or with 'is_diff'
 * changes it by that (ovsdb-server(7), "update2"); NULL: says nothing.  Pairs
 * that are not a string and an integer are left out. */
void cluster_map_update(struct cluster_map *, const struct json *,
                        bool is_diff);
/* Returns the number of that name; 0: there is none. */
int64_t cluster_map_get(const struct cluster_map *, const char *name);

#endif /* controller/cluster/cluster-map.h */
