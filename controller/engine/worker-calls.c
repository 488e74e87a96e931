/* SPDX-License-Identifier: Apache-2.0
 *
 * Has an app that runs in a worker process compute: sends along what the
 * computation read the last time, answers what it reads besides, records what
 * it has used, and takes over what it emits.  Not for processes (worker/). */

#include <config.h>

#include "controller/engine/engine-private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/app-view.h"
#include "controller/engine/late-nodes.h"
#include "controller/engine/ownership.h"
#include "controller/engine/packet-handler.h"
#include "controller/model/id-pools.h"
#include "controller/schema/own-check.h"
#include "controller/schema/schema-own.h"
#include "controller/schema/schema-row.h"
#include "controller/worker/app-worker.h"
#include "controller/worker/replay-calls.h"
#include "controller/worker/row-image.h"
#include "hash.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(engine_worker_calls);

/* Apps with workers get no new relations where there are this many: VMN's own
 * get theirs. */
#define RELATIONS_OF_WORKERS_MAX 1024
/* Bounds of what is sent along. */
#define KNOWN_MAX 4096
#define KNOWN_BYTES_MAX (4 << 20)
/* For app_worker_bar(): the sender of packets of traces, and its owner. */
#define TRACES 1

/* One computation in a worker. */
struct worker_run {
    struct vmn_view *view;
    struct app_worker *worker;
    uint32_t who, owner;        /* Of a packet: see app_worker_bar(). */
    const char *app;
    struct ofpbuf message;
    size_t n_known, allocated_known;
    struct worker_read *known;  /* What is sent along.  Texts of the graph, or
                                 * of the view. */
    uint64_t n_queries_computed; /* When it was. */
    bool done;                  /* There is a result to be released. */
};

/* Values, as blocks.  ----------------------------------------------------- */

/* The app's own types have their places in its process in its order. */
static uint32_t
table_there(const struct pipeline_app *app, uint32_t table)
{
    int i = schema_is_own(table) ? pipeline_type_of(app, table) : -1;

    return i >= 0 ? VMN_TABLE_OWN_FIRST + (uint32_t) i : table;
}

/* The other way round; VMN_N_TABLES: it has no such type. */
static uint32_t
table_here(const struct pipeline_app *app, uint32_t table)
{
    int own;

    if (!schema_is_own(table)) {
        return table;
    }
    own = pipeline_table_of(app, VMN_ROW_OWN(table - VMN_TABLE_OWN_FIRST));
    return own >= 0 ? (uint32_t) own : VMN_N_TABLES;
}

/* 'row' may be NULL, as what follows. */
static void
put_row(struct ofpbuf *out, const struct pipeline_app *app,
        const struct vmn_row *row)
{
    if (row) {
        size_t opened = wire_open_block(out);

        row_image_put(out, row, table_there(app, row->table));
        wire_close_block(out, opened);
    } else {
        wire_put_block(out, NULL, 0);
    }
}

static void
put_labels(struct ofpbuf *out, const struct vmn_labels *labels)
{
    if (labels) {
        size_t opened = wire_open_block(out);

        labels_image_put(out, labels);
        wire_close_block(out, opened);
    } else {
        wire_put_block(out, NULL, 0);
    }
}

static void
put_names(struct ofpbuf *out, struct vmn_names names)
{
    size_t opened = wire_open_block(out);

    names_image_put(out, &names);
    wire_close_block(out, opened);
}

static void
put_id(struct ofpbuf *out, uint32_t id)
{
    wire_put_block(out, &id, sizeof id);
}

/* What is read.  ---------------------------------------------------------- */

static const struct vmn_row *
find_row(const struct vmn_view *view, enum vmn_table table, const char *name)
{
    const struct model *model = view->engine->model;

    return (view->node ? model_get(model, table, name)
            : model_get_durable(model, table, name, NULL));
}

static const struct vmn_labels *
read_labels(struct vmn_view *view, const struct worker_read *read)
{
    const struct vmn_row *row;
    uint32_t table;

    table = table_here(view->app, read->id);
    if (table >= VMN_N_TABLES || !schema_tables[table]->row_type) {
        view_failf(view, "labels of a row of table %"PRIu32, read->id);
        return NULL;
    }
    row = find_row(view, table, read->key);
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

/* Reads seconds since 1970.  Returns false if the computation fails. */
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

/* Reads as the app would in this process, so that it is recorded, and appends
 * the value as a block. */
static void
put_value(struct vmn_view *view, const struct worker_read *read,
          struct ofpbuf *out)
{
    const void *value;
    size_t size;

    switch ((enum worker_read_kind) read->kind) {
    case WORKER_READ_ROW:
        put_row(out, view->app, vmn_read(view, read->id, read->key));
        break;
    case WORKER_READ_LABELS:
        put_labels(out, read_labels(view, read));
        break;
    case WORKER_READ_INDEX:
        put_names(out, vmn_lookup(view, read->id, read->key));
        break;
    case WORKER_READ_VALUES:
        put_names(out, read_values(view, read));
        break;
    case WORKER_READ_QUERY:
        value = vmn_query(view, read->name, read->key, &size);
        wire_put_block(out, value, size);
        break;
    case WORKER_READ_ID:
        put_id(out, vmn_id_of(view, read->name, read->key));
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

/* Returns what a thing that was read takes, in bytes. */
static size_t
read_size(const struct worker_read *read)
{
    return MEMORY_READ_BYTES + strlen(read->name) + strlen(read->key);
}

static void
answer_cb(void *run_, const struct worker_read *read, struct ofpbuf *out)
{
    struct worker_run *run = run_;

    if (memory_charge_read(run->view, read_size(read))) {
        put_value(run->view, read, out);
    } else {
        wire_put_block(out, NULL, 0);
    }
}

static void
yield_cb(void *run_)
{
    struct worker_run *run = run_;

    if (run->view->node) {
        engine_yield(run->view->engine);
    }
}

/* What is sent along.  ---------------------------------------------------- */

/* Fills in how a worker reads a source.  False if it does not. */
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
        return read->id != 0;   /* Not the app's own row. */
    case NODE_LABELS:
        read->kind = WORKER_READ_LABELS;
        read->id = table_there(app, source->id);
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

/* Returns true for an object that is laid out otherwise than the app declares
 * it: reading it fails (view_read()). */
static bool
is_another(const struct vmn_view *view, const struct node *source)
{
    const struct vmn_row *row;

    if (source->kind != NODE_ROW || !schema_is_own(source->id)) {
        return false;
    }
    row = find_row(view, source->id, source->key);
    return row && !pipeline_declares(view->app, source->id, row);
}

/* Appends what can be told of a source without recording anything.  False if
 * nothing can. */
static bool
put_known_value(struct worker_run *run, struct node *source,
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
        put_row(out, run->view->app, row);
        break;
    case NODE_LABELS:
        row = model_get(model, source->id, source->key);
        put_labels(out, row ? schema_row_labels(row) : NULL);
        break;
    case NODE_INDEX:
        put_names(out, model_lookup(model, source->id, source->key));
        break;
    case NODE_RELATION:
        put_names(out, relation_names(relation_node_cast(source)));
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

static void
add_known(struct worker_run *run, const struct worker_read *read)
{
    if (run->n_known >= run->allocated_known) {
        run->known = x2nrealloc(run->known, &run->allocated_known,
                                sizeof *run->known);
    }
    run->known[run->n_known++] = *read;
}

static void
put_known_ids(struct worker_run *run, const struct id_refs *ids)
{
    for (size_t i = 0; i < ids->n && run->n_known < KNOWN_MAX; i++) {
        struct worker_read read = { .kind = WORKER_READ_ID };

        read.key = id_entry_key(ids->refs[i], &read.name);
        if (!run->view->app->builtin) {
            const char *plain = ownership_plain_key(read.key);

            /* A key of a pool of its own may look the same. */
            if (!strcmp(ownership_id_key(run->view, read.name, plain),
                        read.key)) {
                read.key = plain;
            }
        }
        wire_put_read(&run->message, &read);
        put_id(&run->message, id_entry_value(ids->refs[i]));
        add_known(run, &read);
    }
}

/* What a unit that has not been computed yet will read: its own row. */
static void
put_own_row(struct worker_run *run, const struct unit_node *unit)
{
    const struct unit_class *class_ = unit_class(run->view->engine, unit);
    struct node source = { .kind = NODE_ROW, .id = class_->table,
                           .key = unit->node.key };
    struct worker_read read;

    if (class_->class_->each == VMN_EACH_ROW
        && put_known_value(run, &source, &read)) {
        add_known(run, &read);
    }
}

/* Appends what the computation read the last time, 'old_reads' but for what is
 * of 'late' (which may be NULL), with the IDs that it has; what 'unit', if it
 * is not NULL, reads anyway. */
static void
put_known(struct worker_run *run, uint32_t old_reads, const struct late *late,
          const struct id_refs *ids, const struct unit_node *unit)
{
    size_t ofs = run->message.size;
    const struct node *source;
    uint32_t n;

    old_reads = late_known_reads(run->view->engine, late, old_reads);
    wire_put_u32(&run->message, 0);
    while (run->n_known < KNOWN_MAX && run->message.size < KNOWN_BYTES_MAX
           && (source = graph_next_source(&run->view->engine->graph,
                                          &old_reads))) {
        struct worker_read read;

        if (put_known_value(run, CONST_CAST(struct node *, source), &read)) {
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

/* Records one thing that was sent along and used. */
static void
record_one(struct worker_run *run, size_t i, struct ofpbuf *ignored)
{
    struct vmn_view *view = run->view;

    memory_add_read(view, read_size(&run->known[i]));
    put_value(view, &run->known[i], ignored);
    ofpbuf_clear(ignored);
    /* A query that was computed meanwhile may have another value than what was
     * sent along. */
    if (run->known[i].kind == WORKER_READ_QUERY
        && run->n_queries_computed != view->engine->stats.n_queries_computed) {
        graph_mark(&view->engine->graph, view->node);
    }
}

/* Records what was sent along and used, each thing once; all of it if 'result'
 * is NULL. */
static void
record_used(struct worker_run *run, const struct app_worker_result *result)
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

/* Calling.  --------------------------------------------------------------- */

static void
run_init(struct worker_run *run, struct vmn_view *view,
         const struct pipeline_app *app, enum worker_message type)
{
    memset(run, 0, sizeof *run);
    run->view = view;
    run->worker = app->worker;
    run->app = app->class_->name;
    ofpbuf_init(&run->message, 4096);
    wire_begin(&run->message, type);
}

static void
run_uninit(struct worker_run *run)
{
    if (run->done) {
        app_worker_release(run->worker);
    }
    ofpbuf_uninit(&run->message);
    free(run->known);
}

static struct absence_node *
absence_get(struct engine *engine, const char *app,
            struct app_worker *worker)
{
    struct node *node = graph_find(&engine->graph, NODE_WORKER_ABSENCE, 0,
                                   app);

    if (!node) {
        struct absence_node *absence;

        node = graph_insert(&engine->graph, sizeof *absence,
                            NODE_WORKER_ABSENCE, 0, app, 0);
        absence = absence_node_cast(node);
        absence->worker = worker;
        absence->n_ready = app_worker_n_ready(worker);
        ovs_list_push_back(&engine->absences, &absence->absences_node);
    }
    return absence_node_cast(node);
}

void
absence_destroy(struct absence_node *absence, struct graph *graph)
{
    ovs_list_remove(&absence->absences_node);
    graph_remove(graph, &absence->node);
    free(absence);
}

/* Withdraws the flows of apps that are suspended and have VMN_APP_WITHDRAW, or
 * has them computed again.  Returns true if there is an app for that. */
static bool
take_suspended(struct engine *engine)
{
    bool any = false;

    for (size_t i = 0; i < engine->pipeline->n_apps; i++) {
        const struct pipeline_app *app = &engine->pipeline->apps[i];

        if (app->worker && app->class_->options & VMN_APP_WITHDRAW
            && app_worker_is_suspended(app->worker) != engine->withdrawn[i]) {
            engine->withdrawn[i] = !engine->withdrawn[i];
            engine_mark_app(engine, app);
            any = true;
        }
    }
    return any;
}

/* Has workers forget what was left of computations that are not there any
 * more. */
static void
forget_left(const struct engine *engine)
{
    for (size_t i = 0; i < engine->pipeline->n_apps; i++) {
        const struct pipeline_app *app = &engine->pipeline->apps[i];

        if (app->worker && app_worker_has_left(app->worker)
            && !graph_find(&engine->graph, NODE_WORKER_ABSENCE, 0,
                           app->class_->name)) {
            app_worker_offer(app->worker);
            app_worker_end_offer(app->worker);
        }
    }
}

bool
engine_take_ready_workers(struct engine *engine)
{
    bool any = take_suspended(engine);
    struct absence_node *absence;

    forget_left(engine);

    LIST_FOR_EACH (absence, absences_node, &engine->absences) {
        uint64_t n_ready = (absence->worker
                            ? app_worker_n_ready(absence->worker)
                            : absence->n_ready);

        if (n_ready != absence->n_ready) {
            absence->n_ready = n_ready;
            app_worker_offer(absence->worker);
            graph_mark_readers(&engine->graph, &absence->node);
            any = true;
        }
    }
    return any;
}

/* Has a computation that was not done depend on that its app's worker is
 * there. */
static void
await_worker(struct worker_run *run)
{
    struct engine *engine = run->view->engine;
    struct absence_node *absence = absence_get(engine, run->app, run->worker);

    graph_read(&engine->graph, run->view->node, &absence->node,
               run->view->serial);
}

/* Returns how large a result may be, in bytes: what it has of flows and values
 * counts for the app's memory, so one with more does not fit.  Numbers of what
 * was read come beside. */
static size_t
result_max(const struct vmn_view *view)
{
    return MIN(memory_room(view), WORKER_MESSAGE_MAX)
           + KNOWN_MAX * sizeof(uint32_t) + WORKER_MESSAGE_MIN;
}

void
engine_set_worker_wait(struct engine *engine, int ms)
{
    engine->worker_wait_ms = ms;
}

void
worker_calls_begin(struct engine *engine)
{
    engine->worker_left_ms = engine->worker_wait_ms;
}

void
worker_calls_end(struct engine *engine)
{
    for (size_t i = 0; i < engine->pipeline->n_apps; i++) {
        struct app_worker *worker = engine->pipeline->apps[i].worker;

        if (worker && !engine->shadow) {
            app_worker_end_offer(worker);
        }
    }
}

/* Returns for how long the worker may be waited for.  One whose end is not
 * limited otherwise exceeds a limit of its own before. */
static int
time_left(const struct worker_run *run)
{
    const struct engine *engine = run->view->engine;

    return (!engine->worker_wait_ms || engine->shadow ? 2 * WORKER_WAIT_MS
            : run->view->node ? MAX(engine->worker_left_ms, 0)
            : engine->worker_wait_ms);
}

/* Returns true if the computation need not be tried: there is no time left in
 * this run, and there can be no result. */
static bool
is_too_late(const struct worker_run *run)
{
    return !time_left(run) && !app_worker_has_left(run->worker);
}

/* Calls the worker.  What one computation waits for counts once, however many
 * it has others compute. */
static enum app_worker_outcome
call_in_time(struct worker_run *run, const char *what,
             struct app_worker_result *result)
{
    struct engine *engine = run->view->engine;
    const struct app_worker_client client = {
        .what = what, .urgent = !run->view->node, .wait_ms = time_left(run),
        .quiet = engine->shadow, .result_max = result_max(run->view),
        .who = run->who, .owner = run->owner, .answer = answer_cb,
        .yield = yield_cb, .aux = run };
    int left_ms = engine->worker_left_ms;
    int64_t start_ms = time_msec();
    enum app_worker_outcome outcome;

    outcome = app_worker_call(run->worker, &run->message, &client, result);
    if (run->view->node) {
        engine->worker_left_ms = left_ms - (int) (time_msec() - start_ms);
    }
    return outcome;
}

/* A computation that is not done is late, unless it will not be. */
static void
note_late(struct worker_run *run)
{
    struct vmn_view *view = run->view;

    if (view->node) {
        await_worker(run);
        view->late = !app_worker_is_suspended(run->worker);
    }
}

/* Calls the worker, and records what it has used.  Fails the view, unless it
 * is APP_WORKER_DONE: then run_uninit() releases the result. */
static enum app_worker_outcome
call(struct worker_run *run, const char *what,
     struct app_worker_result *result)
{
    struct vmn_view *view = run->view;
    enum app_worker_outcome outcome;

    wire_end(&run->message);
    outcome = call_in_time(run, what, result);
    if (outcome != APP_WORKER_DONE && view->engine->rolling_back) {
        /* What is undone may have ended it; what was there before did not. */
        free(result->problem);
        app_worker_resume(run->worker);
        outcome = call_in_time(run, what, result);
    }
    if (outcome == APP_WORKER_DONE) {
        run->done = true;
        record_used(run, result->excess ? NULL : result);
        memory_charge(view, result->excess);
        return outcome;
    }
    if (outcome == APP_WORKER_FAILED) {
        record_used(run, NULL);
    }
    if (outcome == APP_WORKER_AWAY || view->engine->rolling_back) {
        note_late(run);
    }
    view_failf(view, "%s", result->problem);
    free(result->problem);
    return outcome;
}

/* Fails the view if its computation need not be tried. */
static bool
skip_late(struct worker_run *run)
{
    if (!is_too_late(run)) {
        return false;
    }
    note_late(run);
    app_worker_refuse(run->worker);
    view_failf(run->view, "its worker has had no time for it yet");
    return true;
}

void
worker_compile(struct vmn_view *view, const struct unit_node *unit,
               uint32_t old_reads, struct vmn_emit *emit)
{
    const struct unit_class *class_ = unit_class(view->engine, unit);
    const struct pipeline_app *app = class_->app;
    struct app_worker_result result;
    struct worker_run run;

    run_init(&run, view, app, WORKER_COMPILE);
    if (skip_late(&run)) {
        run_uninit(&run);
        return;
    }
    wire_put_u32(&run.message, class_->class_ - app->class_->units);
    wire_put_text(&run.message, unit->node.key);
    put_known(&run, old_reads, unit->late, &unit->ids, unit);
    if (call(&run, unit->name, &result) == APP_WORKER_DONE && result.log) {
        replay_emit(result.log, result.log_size, emit,
                    app_worker_texts(app->worker));
    }
    run_uninit(&run);
}

bool
worker_eval(struct vmn_view *view, const struct query_class *class_,
            const char *key, uint32_t old_reads, struct vmn_value *value)
{
    static const struct id_refs none = { 0, 0, NULL };
    const struct pipeline_app *app = class_->app;
    struct app_worker_result result;
    struct worker_run run;
    bool done;

    run_init(&run, view, app, WORKER_EVAL);
    if (view->node && skip_late(&run)) {
        run_uninit(&run);
        return false;
    }
    wire_put_u32(&run.message, class_->class_ - app->class_->queries);
    wire_put_text(&run.message, key);
    if (view->node) {
        const struct query_node *query = query_node_cast(view->node);

        put_known(&run, old_reads, query->late, &query->ids, NULL);
    } else {
        put_known(&run, old_reads, NULL, &none, NULL);
    }
    done = (call(&run, class_->name, &result) == APP_WORKER_DONE
            && memory_charge(view, result.value_size)
            && !view->memory.failed);
    if (done && result.log) {
        char *why = replay_query(result.log, result.log_size);

        if (why) {
            static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 20);

            VLOG_WARN_RL(&rl, "query %s at \"%s\": %s; its former value "
                         "stays", class_->name, key, why);
            view_failf(view, "%s", why);
            free(why);
            done = false;
        }
    }
    if (done && result.value) {
        vmn_value_set(value, result.value, result.value_size);
    }
    run_uninit(&run);
    return done;
}

void
worker_handle(struct vmn_view *view, const struct engine_handler *handler,
              const struct vmn_packet_in *in, struct vmn_packets_out *out)
{
    const struct pipeline_app *app = handler->app;
    /* Whoever traces may choose the packet, and is not the VM that he says it
     * is from.  All traces share one key, so they cannot end the process more
     * often than a VM can, either. */
    uint32_t who = (out->simulated ? TRACES
                    : hash_string(in->host, in->in_port) | 2);
    uint32_t owner = (out->simulated ? TRACES
                      : in->regs[VMN_REG_NETWORK - VMN_F_REG0]);
    struct app_worker_result result;
    struct ofpbuf *message;
    struct worker_run run;

    if (app_worker_is_barred(app->worker, who, owner)) {
        vmn_send_nothing(out, "barred");
        return;
    }
    run_init(&run, view, app, WORKER_HANDLE);
    run.who = who;
    run.owner = owner;
    message = &run.message;
    wire_put_u32(message, handler->number);
    wire_put_text(message, in->host);
    wire_put_u32(message, in->in_port);
    wire_put_u32(message, in->arg);
    for (int i = 0; i < VMN_N_REGS; i++) {
        wire_put_u32(message, in->regs[i]);
    }
    wire_put_u64(message, in->full_size);
    wire_put_u64(message, (uint64_t) in->now_s);
    wire_put_block(message, in->key, sizeof in->key);
    wire_put_u32(message, in->number);
    put_row(message, app, in->vif ? &in->vif->row : NULL);
    put_row(message, app, in->port ? &in->port->row : NULL);
    wire_put_block(message, in->bytes, in->size);
    if (call(&run, handler->name, &result) == APP_WORKER_DONE
        && result.log) {
        char *why = replay_packets(result.log, result.log_size, out,
                                   app_worker_texts(app->worker));

        if (why) {
            view_failf(view, "%s", why);
            free(why);
        }
    }
    run_uninit(&run);
}

/* Takes what the app says is wrong.  Returns false if it says that in no way
 * that could be. */
static bool
take_faults(const struct app_worker_result *result, struct vmn_errors *faults)
{
    struct wire_reader in;
    uint32_t n;

    wire_reader_init(&in, result->value, result->value_size);
    n = wire_take_u32(&in);
    for (uint32_t i = 0; i < n && i < OWN_CHECK_FAULTS_MAX && !in.bad; i++) {
        const char *pointer = wire_take_text(&in);
        const char *text = wire_take_text(&in);
        struct vmn_check check = { faults, 0 };

        vmn_check_fail(&check, pointer, "%s", text);
    }
    return !in.bad;
}

bool
worker_check(struct vmn_view *view, const struct pipeline_app *app, int type,
             const struct vmn_row *row, struct vmn_errors *faults)
{
    struct app_worker_result result;
    struct worker_run run;
    bool done;

    run_init(&run, view, app, WORKER_CHECK);
    wire_put_u32(&run.message, type);
    put_row(&run.message, app, row);
    done = (call(&run, app->types[type].class_->name, &result)
            == APP_WORKER_DONE && result.value
            && take_faults(&result, faults));
    run_uninit(&run);
    return done;
}

bool
worker_find_owner(struct vmn_view *view, const struct unit_class *class_,
                  const char *key, uint32_t part,
                  struct vmn_flow_owner *owner)
{
    const struct pipeline_app *app = class_->app;
    struct app_worker_result result;
    struct worker_run run;
    bool known = false;

    run_init(&run, view, app, WORKER_OWNER);
    wire_put_text(&run.message, class_->class_->name);
    wire_put_text(&run.message, key);
    wire_put_u32(&run.message, part);
    if (call(&run, "a flow's owner", &result) == APP_WORKER_DONE
        && result.value
        && result.value_size == sizeof(struct worker_owner)) {
        const struct worker_owner *found = result.value;
        size_t len = strnlen(found->name, sizeof found->name);

        known = len < sizeof found->name && len;
        owner->row_type = found->row_type;
        owner->rule = found->rule;
        owner->name = known ? vmn_printf(view, "%s", found->name) : NULL;
    }
    run_uninit(&run);
    return known;
}
