/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of the engine as blocks of a worker's messages, and those that are
 * sent along with a call.  Not for recording what is read (worker-reads.c). */

#include <config.h>

#include "controller/engine/worker-calls-private.h"

#include "controller/engine/app-view.h"
#include "controller/schema/schema-own.h"
#include "controller/schema/schema-row.h"
#include "controller/worker/row-image.h"
#include "util.h"

/* Values, as blocks.  ----------------------------------------------------- */

/* The process numbers the app's own types in the order in which the app
 * declares them. */
uint32_t
worker_table_there(const struct pipeline_app *app, uint32_t table)
{
    int i = schema_is_own(table) ? pipeline_type_of(app, table) : -1;

    return i >= 0 ? VMN_TABLE_OWN_FIRST + (uint32_t) i : table;
}

uint32_t
worker_table_here(const struct pipeline_app *app, uint32_t table)
{
    int own;

    if (!schema_is_own(table)) {
        return table;
    }
    own = pipeline_table_of(app, VMN_ROW_OWN(table - VMN_TABLE_OWN_FIRST));
    return own >= 0 ? (uint32_t) own : VMN_N_TABLES;
}

void
worker_put_row(struct ofpbuf *out, const struct pipeline_app *app,
               const struct vmn_row *row)
{
    if (row) {
        size_t opened = wire_open_block(out);

        row_image_put(out, row, worker_table_there(app, row->table));
        wire_close_block(out, opened);
    } else {
        wire_put_block(out, NULL, 0);
    }
}

void
worker_put_labels(struct ofpbuf *out, const struct vmn_labels *labels)
{
    if (labels) {
        size_t opened = wire_open_block(out);

        labels_image_put(out, labels);
        wire_close_block(out, opened);
    } else {
        wire_put_block(out, NULL, 0);
    }
}

void
worker_put_names(struct ofpbuf *out, struct vmn_names names)
{
    size_t opened = wire_open_block(out);

    names_image_put(out, &names);
    wire_close_block(out, opened);
}

void
worker_put_id(struct ofpbuf *out, uint32_t id)
{
    wire_put_block(out, &id, sizeof id);
}

/* Values of sources.  ----------------------------------------------------- */

const struct vmn_row *
worker_find_row(const struct vmn_view *view, enum vmn_table table,
                const char *name)
{
    const struct model *model = view->engine->model;

    return (view->node ? model_get(model, table, name)
            : model_get_durable(model, table, name, NULL));
}

/* Fills in how a worker reads a source.  Returns false if a worker does not
 * read such a source. */
static bool
source_to_read(const struct engine *engine, const struct pipeline_app *app,
               const struct node *source, struct worker_read *read)
{
    int own;

    *read = (struct worker_read) { .id = source->id, .name = "",
                                   .key = source->key };
    switch ((enum node_kind) source->kind) {
    case NODE_ROW:
        read->kind = WORKER_READ_ROW;
        own = pipeline_type_of(app, source->id);
        read->id = (own >= 0 ? VMN_ROW_OWN(own)
                    : schema_is_own(source->id) ? 0
                    : schema_tables[source->id]->row_type);
        return read->id != 0;   /* 0: the app cannot read it. */
    case NODE_LABELS:
        read->kind = WORKER_READ_LABELS;
        read->id = worker_table_there(app, source->id);
        return (!schema_is_own(source->id)
                || pipeline_type_of(app, source->id) >= 0);
    case NODE_INDEX:
        read->kind = WORKER_READ_INDEX;
        return true;
    case NODE_RELATION:
        read->kind = WORKER_READ_VALUES;
        read->name = engine->relation_names[source->id];
        return true;
    case NODE_QUERY:
        read->kind = WORKER_READ_QUERY;
        read->name = engine->query_classes[source->id].name;
        return !node_is_stale(source);
    case NODE_TIME:
        read->kind = WORKER_READ_PAST;
        return true;
    case NODE_ID_EXHAUSTION:
    case NODE_WORKER_ABSENCE:
    case NODE_UNIT:
    default:
        return false;
    }
}

/* Returns true for an object whose layout is not the one that the app
 * declares: reading that object fails (view_read()). */
static bool
is_another(const struct vmn_view *view, const struct node *source)
{
    const struct vmn_row *row;

    if (source->kind != NODE_ROW || !schema_is_own(source->id)) {
        return false;
    }
    row = worker_find_row(view, source->id, source->key);
    return row && !pipeline_declares(view->app, source->id, row);
}

bool
worker_put_known_value(struct worker_run *run, struct node *source,
                       struct worker_read *read)
{
    const struct model *model = run->view->engine->model;
    struct ofpbuf *out = &run->message;
    const struct vmn_row *row;

    if (!source_to_read(run->view->engine, run->view->app, source, read)
        || is_another(run->view, source)) {
        return false;
    }
    wire_put_read(out, read);
    switch (source->kind) {
    case NODE_ROW:
        row = model_get(model, source->id, source->key);
        worker_put_row(out, run->view->app, row);
        break;
    case NODE_LABELS:
        row = model_get(model, source->id, source->key);
        worker_put_labels(out, row ? schema_row_labels(row) : NULL);
        break;
    case NODE_INDEX:
        worker_put_names(out, model_lookup(model, source->id, source->key));
        break;
    case NODE_RELATION:
        worker_put_names(out, relation_names(relation_node_cast(source)));
        break;
    case NODE_TIME:
        wire_put_block(out, time_node_is_past(run->view->engine, source)
                       ? "" : NULL, 0);
        break;
    default:
        wire_put_block(out, query_node_cast(source)->value,
                       query_node_cast(source)->value_size);
        break;
    }
    return true;
}
