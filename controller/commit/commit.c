/* SPDX-License-Identifier: Apache-2.0
 *
 * The commit's life cycle, and the order of its steps in an iteration of the
 * loop; see commit.h.
 *
 * The steps of a group: apply -> compile -> write -> (durable) -> sink,
 * settle, complete (commit-group.c).  All except the write run on a fiber
 * (fiber.h), so that a large group does not block the loop.  Nothing is
 * applied while a group is being written, so the model's undo is one step, and
 * between two groups the engine's state is exactly the durable one.  That is
 * when a plan is made.  Not for the queues (commit-queue.c). */

#include <config.h>

#include "controller/commit/commit.h"
#include "controller/commit/commit-private.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "controller/commit/activity.h"
#include "controller/commit/fiber.h"
#include "timeval.h"
#include "util.h"

/* Interval at which what units wait for is looked at, in milliseconds: the
 * wall clock may be set. */
#define TIMES_MS 10000

/* The state.  ------------------------------------------------------------- */

void
commit_set_state(struct commit *commit, enum commit_state to)
{
#define TO(STATE) (1u << COMMIT_##STATE)
    static const unsigned allowed[] = {
        [COMMIT_LOADED] = TO(HELD) | TO(COMPILING),
        [COMMIT_HELD] = TO(LOADED),
        [COMMIT_QUIESCENT] = TO(TRYING) | TO(COMPILING) | TO(WRITING),
        [COMMIT_TRYING] = TO(QUIESCENT),
        [COMMIT_COMPILING] = TO(WRITING) | TO(QUIESCENT),
        [COMMIT_WRITING] = TO(WRITTEN) | TO(BROKEN),
        [COMMIT_WRITTEN] = TO(QUIESCENT) | TO(RETRYING),
        [COMMIT_RETRYING] = TO(WRITING),
        [COMMIT_BROKEN] = 0,
    };
#undef TO

    ovs_assert(allowed[commit->state] & 1u << to);
    commit->state = to;
}

/* A turn.  --------------------------------------------------------------- */

void
commit_schedule(struct commit *commit)
{
    fiber_schedule(commit->fiber);
}

static void
later_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *commit)
{
    commit_schedule(commit);
}

static void
again_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *commit)
{
    commit_retry(commit);
}

static void
retry_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *commit)
{
    commit_write_group(commit);
}

/* Has the times that units wait for looked at when the next one comes. */
static void
set_times(struct commit *commit)
{
    int64_t next_s = engine_next_time(commit->engine);

    if (next_s == INT64_MAX) {
        event_del(commit->times);
    } else {
        int64_t in_ms = next_s - time_wall() > TIMES_MS / 1000 ? TIMES_MS
                        : next_s * 1000 - time_wall_msec();
        struct timeval in;

        in_ms = MIN(MAX(in_ms, 1), TIMES_MS);
        in = (struct timeval) { in_ms / 1000, in_ms % 1000 * 1000 };
        event_add(commit->times, &in);
    }
}

/* Commits what is queued. */
static void
run_once(struct commit *commit)
{
    if (commit->state == COMMIT_WRITTEN) {
        commit_handle_store_reply(commit);
    }
    if (commit->intake != COMMIT_OPEN || commit->state == COMMIT_BROKEN) {
        return;
    }
    commit_reply_all(commit, &commit->refused);
    if (commit->state == COMMIT_LOADED) {
        commit_compile_loaded(commit);
    }
    if (commit->state != COMMIT_QUIESCENT) {
        return;
    }
    commit_queue_again(commit);
    commit_call_quiescent(commit);
    commit_compute_again(commit);
    if (commit->state != COMMIT_QUIESCENT) {
        return;                 /* A group is being written. */
    }
    if (commit->batch.text) {
        commit_run_batch(commit);
        return;
    }
    if (commit->n_plans) {
        commit_run_plan(commit);
    }
    if (commit_is_due(commit)) {
        commit_run_group(commit);
    }
    if (commit->state == COMMIT_QUIESCENT
        && (commit_is_due(commit) || commit->n_plans
            || !ovs_list_is_empty(&commit->quiescent_cbs))) {
        commit_schedule(commit);
    }
}

/* Runs on the fiber. */
static void
run(void *commit_)
{
    struct commit *commit = commit_;

    run_once(commit);
    /* When a write is done, it is run again. */
    if (commit->state == COMMIT_QUIESCENT && commit->intake == COMMIT_OPEN) {
        set_times(commit);
    }
}

void
commit_retry(struct commit *commit)
{
    commit->queue_again = true;
    commit_schedule(commit);
}

void
commit_recompute(struct commit *commit)
{
    commit->recompute = true;
    commit_schedule(commit);
}

/* Receipts.  ------------------------------------------------------------- */

void
commit_put_receipt(struct commit *commit, const struct store_receipt *receipt)
{
    if (commit->store_class->put_receipt) {
        commit->store_class->put_receipt(commit->store, receipt);
    } else {
        free(receipt->body);
    }
}

int
commit_get_receipt(const struct commit *commit, uint64_t revision, bool body,
                   struct store_receipt *receipt)
{
    return (commit->store_class->get_receipt
            ? commit->store_class->get_receipt(commit->store, revision, body,
                                               receipt)
            : ENOENT);
}

/* Life.  ----------------------------------------------------------------- */

struct commit *
commit_create(struct event_base *base, struct model *model,
              struct engine *engine, const struct store_class *store_class,
              struct store *store)
{
    struct commit *commit = xzalloc(sizeof *commit);

    commit->base = base;
    commit->model = model;
    commit->engine = engine;
    commit->store_class = store_class;
    commit->store = store;
    commit->activity = activity_create(engine);
    commit->fiber = fiber_create(base, run, commit);
    engine_set_yield(engine, fiber_yield, commit->fiber);
    model_set_yield(model, fiber_yield, commit->fiber);
    commit->later = event_new(base, -1, 0, later_cb, commit);
    commit->retry = event_new(base, -1, 0, retry_cb, commit);
    commit->retry_ms = COMMIT_RETRY_MIN_MS;
    commit->times = event_new(base, -1, 0, later_cb, commit);
    commit->again = event_new(base, -1, 0, again_cb, commit);
    ovs_list_init(&commit->queue);
    ovs_list_init(&commit->put_off);
    ovs_list_init(&commit->plans);
    ovs_list_init(&commit->refused);
    ovs_list_init(&commit->group);
    ovs_list_init(&commit->quiescent_cbs);
    fiber_schedule(commit->fiber);
    return commit;
}

void
commit_stop(struct commit *commit)
{
    struct pending *pending;

    if (commit->intake != COMMIT_OPEN) {
        return;
    }
    commit->intake = COMMIT_STOPPED;
    event_del(commit->retry);
    event_del(commit->times);
    event_del(commit->again);
    fiber_disable_yield(commit->fiber);
    while ((commit->state == COMMIT_WRITING || commit->state == COMMIT_WRITTEN
            || fiber_is_running(commit->fiber))
           && !event_base_loop(commit->base, EVLOOP_ONCE)) {
        continue;
    }
    commit->intake = COMMIT_CLOSED;
    ovs_list_push_back_all(&commit->refused, &commit->put_off);
    ovs_list_push_back_all(&commit->refused, &commit->queue);
    ovs_list_push_back_all(&commit->refused, &commit->plans);
    commit->n_queue = commit->n_queue_ops = commit->n_queue_clients = 0;
    commit->n_plans = commit->n_single = 0;
    LIST_FOR_EACH (pending, node, &commit->refused) {
        commit_refuse(pending, VMN_ERR_UNAVAILABLE,
                      "the controller is shutting down");
    }
    commit_reply_all(commit, &commit->refused);
}

void
commit_destroy(struct commit *commit)
{
    if (!commit) {
        return;
    }
    commit_stop(commit);
    commit_drop_quiescent(commit);
    engine_set_yield(commit->engine, NULL, NULL);
    model_set_yield(commit->model, NULL, NULL);
    fiber_destroy(commit->fiber);
    free(commit->batch.text);
    free(commit->write_error_text);
    event_free(commit->later);
    event_free(commit->retry);
    event_free(commit->times);
    event_free(commit->again);
    engine_delta_destroy(CONST_CAST(struct engine_delta *,
                                    commit->info.delta));
    activity_destroy(commit->activity);
    free(commit->store_error);
    free(commit);
}

/* Settings, and what is told.  ------------------------------------------- */

void
commit_yield(struct commit *commit)
{
    fiber_yield(commit->fiber);
}

void
commit_set_max_yields(struct commit *commit, unsigned n)
{
    fiber_set_max_yields(commit->fiber, n);
}

void
commit_set_follow(struct commit *commit, bool (*follow)(void *aux), void *aux)
{
    commit->follow = follow;
    commit->follow_aux = aux;
}

void
commit_set_note(struct commit *commit,
                void (*note)(void *aux, struct model_request *), void *aux)
{
    commit->note = note;
    commit->note_aux = aux;
}

void
commit_set_sink(struct commit *commit, commit_sink_cb *sink, void *aux)
{
    commit->sink = sink;
    commit->sink_aux = aux;
}

void
commit_add_watch(struct commit *commit, commit_sink_cb *cb, void *aux)
{
    ovs_assert(commit->n_watchers < COMMIT_WATCHERS_MAX);
    commit->watchers[commit->n_watchers].cb = cb;
    commit->watchers[commit->n_watchers++].aux = aux;
}

void
commit_remove_watch(struct commit *commit, commit_sink_cb *cb, void *aux)
{
    for (size_t i = 0; i < commit->n_watchers; i++) {
        if (commit->watchers[i].cb == cb && commit->watchers[i].aux == aux) {
            commit->watchers[i] = commit->watchers[--commit->n_watchers];
            return;
        }
    }
}

bool
commit_hold(struct commit *commit)
{
    if (commit->state == COMMIT_LOADED) {
        commit_set_state(commit, COMMIT_HELD);
    }
    return commit->state == COMMIT_HELD;
}

void
commit_begin(struct commit *commit, void (*load)(void *aux), void *aux)
{
    if (commit->state == COMMIT_HELD) {
        commit_set_state(commit, COMMIT_LOADED);
    }
    commit->load = load;
    commit->load_aux = aux;
    commit_schedule(commit);
}

const struct engine *
commit_engine(const struct commit *commit)
{
    return commit->engine;
}

const struct activity *
commit_activity(const struct commit *commit)
{
    return commit->activity;
}

const char *
commit_store_error(const struct commit *commit)
{
    return commit->store_error;
}

void
commit_get_stats(const struct commit *commit, struct commit_stats *stats)
{
    *stats = (struct commit_stats) {
        .n_queue = commit->n_queue,
        .n_groups = commit->n_groups,
        .n_requests = commit->n_requests,
        .delay_us = commit->batching.delay_us,
        .n_waits = commit->n_waits,
        .waited_us = commit->waited_us,
        .n_revisions = commit->n_revisions,
        .stored = commit->stored,
    };
}
