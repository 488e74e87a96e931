/* SPDX-License-Identifier: Apache-2.0
 *
 * Maps in the cluster's database; see cluster-map.h. */

#include <config.h>

#include "controller/cluster/cluster-map.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/json.h"
#include "util.h"

void
cluster_map_init(struct cluster_map *map)
{
    shash_init(&map->numbers);
}

void
cluster_map_uninit(struct cluster_map *map)
{
    shash_destroy_free_data(&map->numbers);
}

void
cluster_map_clear(struct cluster_map *map)
{
    shash_clear_free_data(&map->numbers);
}

static bool
is_array(const struct json *json, size_t n)
{
    return json->type == JSON_ARRAY && json->array.n == n;
}

/* In a difference, a pair that is there goes, and any other one is to be
 * there. */
static void
apply_pair(struct cluster_map *map, const struct json *pair)
{
    const struct json *name, *value;
    int64_t *number;

    if (!is_array(pair, 2)) {
        return;
    }
    name = pair->array.elems[0];
    value = pair->array.elems[1];
    if (name->type != JSON_STRING || value->type != JSON_INTEGER) {
        return;
    }
    number = shash_find_data(&map->numbers, json_string(name));
    if (!number) {
        number = xmalloc(sizeof *number);
        *number = value->integer;
        shash_add(&map->numbers, json_string(name), number);
    } else if (*number != value->integer) {
        *number = value->integer;
    } else {
        free(shash_find_and_delete(&map->numbers, json_string(name)));
    }
}

void
cluster_map_update(struct cluster_map *map, const struct json *json,
                   bool is_diff)
{
    const struct json *pairs;

    if (!json) {
        return;
    }
    if (!is_diff) {
        cluster_map_clear(map);
    }
    if (!is_array(json, 2) || json->array.elems[0]->type != JSON_STRING
        || strcmp(json_string(json->array.elems[0]), "map")) {
        return;
    }
    pairs = json->array.elems[1];
    for (size_t i = 0; pairs->type == JSON_ARRAY && i < pairs->array.n; i++) {
        apply_pair(map, pairs->array.elems[i]);
    }
}

int64_t
cluster_map_get(const struct cluster_map *map, const char *name)
{
    const int64_t *number = shash_find_data(&map->numbers, name);

    return number ? *number : 0;
}
