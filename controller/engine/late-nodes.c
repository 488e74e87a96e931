/* SPDX-License-Identifier: Apache-2.0
 *
 * Late computations; see late-nodes.h. */

#include <config.h>

#include "controller/engine/late-nodes.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/app-view.h"
#include "controller/engine/engine-private.h"
#include "controller/model/id-pools.h"
#include "util.h"

/* Starts, or notes that a group of revisions that is being compiled has made
 * it stale once more. */
static void
note_revisions(const struct engine *engine, struct late *late, bool new)
{
    uint64_t durable = model_durable_revision(engine->model);
    uint64_t revision = model_revision(engine->model);

    if (new) {
        late->first = MIN(durable + 1, revision);
        late->last = revision;
    } else if (revision > durable) {
        late->last = revision;
    }
}

void
late_keep(struct engine *engine, struct vmn_view *view, uint32_t old_reads,
          struct late **late)
{
    struct graph *graph = &engine->graph;
    struct node *node = view->node;
    uint32_t reads = graph_take_reads(node), next = reads;
    struct id_refs ids;
    struct node *source;

    if (!*late) {
        *late = xzalloc(sizeof **late);
        (*late)->node = node;
        ovs_list_push_back(&engine->late, &(*late)->engine_node);
        note_revisions(engine, *late, true);
    } else {
        note_revisions(engine, *late, false);
    }
    graph_put_reads(graph, node, old_reads, ++graph->serial);
    while ((source = graph_next_source(graph, &next))) {
        uint32_t last = node->reads;

        graph_read(graph, node, source, graph->serial);
        (*late)->n_reads += node->reads != last;
    }
    graph_drop_reads(graph, reads);

    ids = (*late)->ids;
    (*late)->ids = view->ids;
    memset(&view->ids, 0, sizeof view->ids);
    id_refs_uninit(&ids, model_id_pools(engine->model));
}

void
late_end(struct engine *engine, struct late **late)
{
    if (*late) {
        ovs_list_remove(&(*late)->engine_node);
        id_refs_uninit(&(*late)->ids, model_id_pools(engine->model));
        free(*late);
        *late = NULL;
    }
}

uint32_t
late_known_reads(const struct engine *engine, const struct late *late,
                 uint32_t reads)
{
    for (uint32_t i = 0; late && i < late->n_reads; i++) {
        graph_next_source(&engine->graph, &reads);
    }
    return reads;
}

const char *
engine_late_app(const struct engine *engine, uint64_t revision)
{
    const struct late *late;

    LIST_FOR_EACH (late, engine_node, &engine->late) {
        if (late->first <= revision && revision <= late->last) {
            return engine_app_of(engine, late->node)->class_->name;
        }
    }
    return NULL;
}
