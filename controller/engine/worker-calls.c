/* SPDX-License-Identifier: Apache-2.0
 *
 * Computes in the worker process of an app: units, queries, packets, checks of
 * objects, and owners of flows.  Not for what a worker reads (worker-reads.c),
 * nor for processes (worker/). */

#include <config.h>

#include "controller/engine/worker-calls-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/app-view.h"
#include "controller/engine/packet-handler.h"
#include "controller/model/packet-owner.h"
#include "controller/schema/own-check.h"
#include "controller/worker/replay-calls.h"
#include "hash.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(engine_worker_calls);

/* For app_worker_bar(): the sender of packets of traces. */
#define TRACES 1

/* Calls.  ----------------------------------------------------------------- */

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

static void
yield_cb(void *run_)
{
    struct worker_run *run = run_;

    if (run->view->node || run->check) {
        engine_yield(run->view->engine);
    }
}

/* Returns the maximum size of a result, in bytes.  The flows and values of a
 * result count for the app's memory, and have to fit into it.  The indexes of
 * values that were used come in addition. */
static size_t
result_max(const struct vmn_view *view)
{
    return MIN(memory_room(view), WORKER_MESSAGE_MAX)
           + KNOWN_MAX * sizeof(uint32_t) + WORKER_MESSAGE_MIN;
}

/* Calls the worker.  The wait of nested calls counts once, as part of the
 * outermost one. */
static enum app_worker_outcome
call_in_time(struct worker_run *run, const char *what,
             struct app_worker_result *result)
{
    struct engine *engine = run->view->engine;
    const struct app_worker_client client = {
        .what = what, .urgent = !run->view->node && !run->check,
        .check = run->check,
        .wait_ms = worker_time_left(run),
        .quiet = engine->shadow, .result_max = result_max(run->view),
        .who = run->who, .owner = run->owner, .answer = worker_answer_cb,
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

/* Calls the worker, and records the values that it has used.  If the outcome
 * is APP_WORKER_DONE, run_uninit() releases the result; otherwise the view
 * fails. */
static enum app_worker_outcome
call(struct worker_run *run, const char *what,
     struct app_worker_result *result)
{
    struct vmn_view *view = run->view;
    enum app_worker_outcome outcome;

    wire_end(&run->message);
    outcome = call_in_time(run, what, result);
    if (outcome != APP_WORKER_DONE && view->engine->rolling_back) {
        /* The changes that are rolled back may have ended the worker; the
         * state before them did not. */
        free(result->problem);
        app_worker_resume(run->worker);
        outcome = call_in_time(run, what, result);
    }
    if (outcome == APP_WORKER_DONE) {
        run->done = true;
        worker_record_used(run, result->excess ? NULL : result);
        memory_charge(view, result->excess);
        return outcome;
    }
    if (outcome == APP_WORKER_FAILED) {
        worker_record_used(run, NULL);
    }
    if (outcome == APP_WORKER_AWAY || view->engine->rolling_back) {
        worker_note_late(run);
    }
    view_failf(view, "%s", result->problem);
    free(result->problem);
    return outcome;
}

/* Returns true, and fails the view, if a call would have no result. */
static bool
skip_late(struct worker_run *run)
{
    if (!worker_is_too_late(run)) {
        return false;
    }
    worker_note_late(run);
    app_worker_refuse(run->worker);
    view_failf(run->view, "its worker has had no time for it yet");
    return true;
}

/* Computations.  ---------------------------------------------------------- */

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
    worker_put_known(&run, old_reads, unit->late, &unit->ids, unit);
    if (call(&run, unit->name, &result) == APP_WORKER_DONE && result.log) {
        replay_emit(result.log, result.log_size, emit,
                    app_worker_texts(app->worker), yield_cb, &run);
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

        worker_put_known(&run, old_reads, query->late, &query->ids, NULL);
    } else {
        worker_put_known(&run, old_reads, NULL, &none, NULL);
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
    /* The client chooses the packet of a trace; the VM has not sent it.  All
     * traces share one key, so that they cannot end the process more often
     * than one VM can. */
    uint32_t who = (out->simulated ? TRACES
                    : hash_string(in->host, in->in_port) | 2);
    uint32_t owner = (out->simulated ? PACKET_OWNER_TRACES
                      : packet_owner(view->engine->model,
                                     in->regs[VMN_REG_NETWORK - VMN_F_REG0]));
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
    wire_put_block(message, &in->sent_to, sizeof in->sent_to);
    wire_put_u32(message, in->sent_to_port);
    worker_put_row(message, app, in->vif ? &in->vif->row : NULL);
    worker_put_row(message, app, in->port ? &in->port->row : NULL);
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

/* Adds the faults in the result to 'faults'.  Returns false if the result is
 * malformed. */
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

enum app_worker_outcome
worker_check(struct vmn_view *view, const struct pipeline_app *app, int type,
             const struct vmn_row *row, uint64_t *checked,
             struct vmn_errors *faults)
{
    enum app_worker_outcome outcome = APP_WORKER_DONE;
    struct app_worker_result result;
    struct worker_run run;
    uint64_t digest;

    run_init(&run, view, app, WORKER_CHECK);
    run.check = true;
    wire_put_u32(&run.message, type);
    worker_put_row(&run.message, app, row);
    digest = app_worker_digest(app->worker, 0, &run.message);
    if (digest != *checked) {
        outcome = call(&run, app->types[type].class_->name, &result);
        if (outcome == APP_WORKER_DONE
            && !(result.value && take_faults(&result, faults))) {
            outcome = APP_WORKER_FAILED;
        }
    }
    if (outcome == APP_WORKER_DONE && !faults->n) {
        *checked = digest;
    }
    run_uninit(&run);
    return outcome;
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
