/* SPDX-License-Identifier: Apache-2.0
 *
 * ID exhaustion: a computation that found no free ID in a pool depends on the
 * pool, and is repeated once IDs of the pool are freed.  That takes a run of
 * its own, which cannot be rolled back. */

#include <config.h>

#include "controller/engine/engine-private.h"

#include <stdlib.h>

#include "controller/model/id-pools.h"
#include "util.h"

struct exhaustion_node *
id_exhaustion_get(struct engine *engine, const char *kind)
{
    struct node *node = graph_find(&engine->graph, NODE_ID_EXHAUSTION, 0,
                                   kind);

    if (!node) {
        struct exhaustion_node *exhaustion;

        node = graph_insert(&engine->graph, sizeof *exhaustion,
                            NODE_ID_EXHAUSTION, 0, kind, 0);
        exhaustion = exhaustion_node_cast(node);
        exhaustion->n_freed = id_pools_n_freed(model_id_pools(engine->model),
                                               kind);
        ovs_list_push_back(&engine->exhaustions,
                           &exhaustion->exhaustions_node);
    }
    return exhaustion_node_cast(node);
}

void
id_exhaustion_destroy(struct engine *engine,
                      struct exhaustion_node *exhaustion)
{
    ovs_list_remove(&exhaustion->exhaustions_node);
    graph_remove(&engine->graph, &exhaustion->node);
    free(exhaustion);
}

bool
engine_take_freed_ids(struct engine *engine)
{
    const struct id_pools *ids = model_id_pools(engine->model);
    struct exhaustion_node *exhaustion;
    bool any = false;

    LIST_FOR_EACH (exhaustion, exhaustions_node, &engine->exhaustions) {
        uint64_t n_freed = id_pools_n_freed(ids, exhaustion->node.key);

        if (n_freed != exhaustion->n_freed) {
            exhaustion->n_freed = n_freed;
            graph_mark_readers(&engine->graph, &exhaustion->node);
            any = true;
        }
    }
    return any;
}
