/* SPDX-License-Identifier: Apache-2.0
 *
 * Units that have failed for an object: units of its row, and units that have
 * read it.  The object is not in effect then.  Not for the problems of all
 * objects (engine-problems.c). */

#include <config.h>

#include "controller/engine/engine-private.h"

#include <string.h>

/* Counts 'unit' if it has failed; the first one by name is named. */
static void
count_failed(const struct engine *engine, const struct unit_node *unit,
             struct engine_failure *failure)
{
    if (!unit->failed) {
        return;
    }
    if (!failure->n_units++ || strcmp(unit->name, failure->unit) < 0) {
        failure->app = unit_class(engine, unit)->app->class_->name;
        failure->unit = unit->name;
        failure->detail = unit->problem;
    }
}

/* Counts the units that have read the row 'source', or only its labels. */
static void
count_readers(const struct engine *engine, const struct node *source,
              enum vmn_table table, struct engine_failure *failure)
{
    uint32_t edge = source ? source->readers : 0;
    struct node *reader;

    while ((reader = graph_next_reader(&engine->graph, &edge))) {
        if (reader->kind == NODE_UNIT
            && (engine->unit_classes[reader->id].table != table
                || strcmp(reader->key, source->key))) {
            count_failed(engine, unit_node_cast(reader), failure);
        }
    }
}

bool
engine_find_failure(const struct engine *engine, enum vmn_table table,
                    const char *name, struct engine_failure *failure)
{
    const struct graph *graph = &engine->graph;

    memset(failure, 0, sizeof *failure);
    if (ovs_list_is_empty(&engine->problems)) {
        return false;           /* As a rule. */
    }
    /* A unit has no reads if its worker was absent. */
    for (unsigned i = 0; i < engine->n_unit_classes; i++) {
        struct node *node = (engine->unit_classes[i].table == table
                             ? graph_find(graph, NODE_UNIT, i, name) : NULL);

        if (node) {
            count_failed(engine, unit_node_cast(node), failure);
        }
    }
    count_readers(engine, graph_find(graph, NODE_ROW, table, name), table,
                  failure);
    count_readers(engine, graph_find(graph, NODE_LABELS, table, name), table,
                  failure);
    return failure->n_units;
}
