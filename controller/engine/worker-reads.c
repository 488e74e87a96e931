/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads of a computation in a worker: answers what the worker reads, sends
 * along what the computation read the last time, and records what was used.
 * Not for the encoding of values (worker-values.c). */

#include <config.h>

#include "controller/engine/worker-calls-private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/app-view.h"
#include "controller/engine/late-nodes.h"
#include "controller/engine/ownership.h"
#include "controller/model/id-pools.h"
#include "util.h"

/* Maximum number of relations with which an app in a worker may create one
 * more.  The others are reserved for VMN's own apps. */
#define RELATIONS_OF_WORKERS_MAX 1024
/* Maximum size of the values that are sent along with a call. */
#define KNOWN_BYTES_MAX (4 << 20)

/* Answers.  --------------------------------------------------------------- */

static const struct vmn_labels *
read_labels(struct vmn_view *view, const struct worker_read *read)
{
    const struct vmn_row *row;
    uint32_t table;

    table = worker_table_here(view->app, read->id);
    if (table >= VMN_N_TABLES || !schema_tables[table]->row_type) {
        view_failf(view, "labels of a row of table %"PRIu32, read->id);
        return NULL;
    }
    row = worker_find_row(view, table, read->key);
    return row ? vmn_labels_of(view, row) : NULL;
}

static struct vmn_names
read_values(struct vmn_view *view, const struct worker_read *read)
{
    if (!relation_may_be_new(view->engine, read->name,
                             RELATIONS_OF_WORKERS_MAX)) {
        view_failf(view, "relation %s is one too many", read->name);
        return (struct vmn_names) { 0, NULL };
    }
    return vmn_relation_values(view, read->name, read->key);
}

/* Parses seconds since 1970.  Returns false, and fails the view, if 'key' is
 * invalid. */
static bool
read_time(struct vmn_view *view, const char *key, int64_t *when)
{
    long long number;
    int n = 0;

    if (!ovs_scan(key, "%lld%n", &number, &n) || key[n]) {
        view_failf(view, "\"%s\" is no time", key);
        return false;
    }
    *when = number;
    return true;
}

static void
put_past(struct vmn_view *view, const char *key, struct ofpbuf *out)
{
    int64_t when;
    bool past = read_time(view, key, &when) && vmn_is_past(view, when);

    wire_put_block(out, past ? "" : NULL, 0);
}

static void
put_zoned(struct vmn_view *view, const struct worker_read *read,
          struct ofpbuf *out)
{
    int64_t local, when;
    bool known = (read_time(view, read->key, &local)
                  && vmn_time_in_zone(view, read->name[0] ? read->name : NULL,
                                      local, &when));

    wire_put_block(out, known ? &when : NULL, known ? sizeof when : 0);
}

/* Reads like an app in this process, so that the read is recorded, and appends
 * the value as a block. */
static void
put_value(struct vmn_view *view, const struct worker_read *read,
          struct ofpbuf *out)
{
    const void *value;
    size_t size;

    switch ((enum worker_read_kind) read->kind) {
    case WORKER_READ_ROW:
        worker_put_row(out, view->app, vmn_read(view, read->id, read->key));
        break;
    case WORKER_READ_LABELS:
        worker_put_labels(out, read_labels(view, read));
        break;
    case WORKER_READ_INDEX:
        worker_put_names(out, vmn_lookup(view, read->id, read->key));
        break;
    case WORKER_READ_VALUES:
        worker_put_names(out, read_values(view, read));
        break;
    case WORKER_READ_QUERY:
        value = vmn_query(view, read->name, read->key, &size);
        wire_put_block(out, value, size);
        break;
    case WORKER_READ_ID:
        worker_put_id(out, vmn_id_of(view, read->name, read->key));
        break;
    case WORKER_READ_PAST:
        put_past(view, read->key, out);
        break;
    case WORKER_READ_ZONED:
        put_zoned(view, read, out);
        break;
    case WORKER_N_READS:
        wire_put_block(out, NULL, 0);
        break;
    }
}

/* Returns the memory that a read counts for, in bytes. */
static size_t
read_size(const struct worker_read *read)
{
    return MEMORY_READ_BYTES + strlen(read->name) + strlen(read->key);
}

void
worker_answer_cb(void *run_, const struct worker_read *read,
                 struct ofpbuf *out)
{
    struct worker_run *run = run_;

    if (memory_charge_read(run->view, read_size(read))) {
        put_value(run->view, read, out);
    } else {
        wire_put_block(out, NULL, 0);
    }
}

/* Values that are sent along.  -------------------------------------------- */

static void
add_known(struct worker_run *run, const struct worker_read *read)
{
    if (run->n_known >= run->allocated_known) {
        run->known = x2nrealloc(run->known, &run->allocated_known,
                                sizeof *run->known);
    }
    run->known[run->n_known++] = *read;
}

/* Returns true if one more may be sent along. */
static bool
has_room(const struct worker_run *run)
{
    return run->n_known < KNOWN_MAX && run->message.size < KNOWN_BYTES_MAX;
}

static void
put_known_ids(struct worker_run *run, const struct id_refs *ids)
{
    for (size_t i = 0; i < ids->n && has_room(run); i++) {
        struct worker_read read = { .kind = WORKER_READ_ID };

        read.key = id_entry_key(ids->refs[i], &read.name);
        if (!run->view->app->builtin) {
            const char *plain = ownership_plain_key(read.key);

            /* A key of an app's own pool may have the same form. */
            if (!strcmp(ownership_id_key(run->view, read.name, plain),
                        read.key)) {
                read.key = plain;
            }
        }
        wire_put_read(&run->message, &read);
        worker_put_id(&run->message, id_entry_value(ids->refs[i]));
        add_known(run, &read);
    }
}

/* Appends the row that a unit reads in its first computation. */
static void
put_own_row(struct worker_run *run, const struct unit_node *unit)
{
    const struct unit_class *class_ = unit_class(run->view->engine, unit);
    struct node source = { .kind = NODE_ROW, .id = class_->table,
                           .key = unit->node.key };
    struct worker_read read;

    if (class_->class_->each == VMN_EACH_ROW
        && worker_put_known_value(run, &source, &read)) {
        add_known(run, &read);
    }
}

void
worker_put_known(struct worker_run *run, uint32_t old_reads,
                 const struct late *late, const struct id_refs *ids,
                 const struct unit_node *unit)
{
    size_t ofs = run->message.size;
    const struct node *source;
    uint32_t n;

    old_reads = late_known_reads(run->view->engine, late, old_reads);
    wire_put_u32(&run->message, 0);
    while (has_room(run)
           && (source = graph_next_source(&run->view->engine->graph,
                                          &old_reads))) {
        struct worker_read read;

        if (worker_put_known_value(run, CONST_CAST(struct node *, source),
                                   &read)) {
            add_known(run, &read);
        }
    }
    if (!run->n_known && unit) {
        put_own_row(run, unit);
    }
    put_known_ids(run, ids);
    n = run->n_known;
    memcpy((char *) run->message.data + ofs, &n, sizeof n);
    run->n_queries_computed = run->view->engine->stats.n_queries_computed;
}

/* Values that were used.  ------------------------------------------------- */

/* Records one value that was sent along and used. */
static void
record_one(struct worker_run *run, size_t i, struct ofpbuf *ignored)
{
    struct vmn_view *view = run->view;

    memory_add_read(view, read_size(&run->known[i]));
    put_value(view, &run->known[i], ignored);
    ofpbuf_clear(ignored);
    /* A query that was computed after its value was sent along may have
     * another value now. */
    if (run->known[i].kind == WORKER_READ_QUERY
        && run->n_queries_computed != view->engine->stats.n_queries_computed) {
        graph_mark(&view->engine->graph, view->node);
    }
}

void
worker_record_used(struct worker_run *run,
                   const struct app_worker_result *result)
{
    bool *used = xcalloc(MAX(run->n_known, 1), sizeof *used);
    struct ofpbuf ignored;

    for (size_t i = 0; result && i < result->n_used; i++) {
        if (result->used[i] < run->n_known) {
            used[result->used[i]] = true;
        }
    }
    ofpbuf_init(&ignored, 0);
    for (size_t i = 0; i < run->n_known; i++) {
        if (used[i] || !result) {
            record_one(run, i, &ignored);
        }
    }
    ofpbuf_uninit(&ignored);
    free(used);
}
