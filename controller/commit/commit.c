/* SPDX-License-Identifier: Apache-2.0
 *
 * The queue and the groups of changes; see commit.h.
 *
 * A group goes through: apply -> compile -> write -> (durable) -> sink,
 * settle, answer.  All but the write is done on a fiber (fiber.h),
 * so that a large group does not hold up the loop.  Nothing is applied while a
 * group is being written, so the model's undo is one step, and what the engine
 * holds between two groups is just what is durable.  That is when a plan is
 * made. */

#include <config.h>

#include "controller/commit/commit.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/commit/activity.h"
#include "controller/commit/batching.h"
#include "controller/commit/fiber.h"
#include "controller/commit/plan.h"
#include "controller/model/id-pools.h"
#include "openvswitch/list.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(commit);

/* A group takes no more requests once it has so many, or so many operations,
 * so that it stays short. */
#define GROUP_MAX 512
#define GROUP_OPS_MAX 2000
/* Before what was loaded is given to the store again, at first and at most. */
#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 5000

struct pending {
    struct ovs_list node;
    struct model_request request;
    commit_done_cb *done;
    void *aux;
    bool ok;
    uint64_t revision;
    struct vmn_errors errors;
    struct plan *plan;          /* If it was planned only. */
    void (*inspect)(void *aux); /* Of a dry run, or NULL. */
};

struct quiescent_cb {
    struct ovs_list node;
    void (*cb)(void *aux);
    void *aux;
};

struct commit {
    struct event_base *base;
    struct model *model;
    struct engine *engine;
    const struct store_class *store_class;
    struct store *store;
    struct fiber *fiber;        /* Does all below, from run(). */
    struct batching batching;   /* When the next group may begin, */
    struct event *later;        /* which this waits for. */
    bool behind;                /* Most hosts owe answers. */
    uint64_t n_groups, n_requests; /* Begun, and in them. */
    uint64_t n_revisions;       /* Stored. */
    struct histogram stored;
    struct ovs_list queue;      /* Of struct pending. */
    size_t n_queue;
    size_t n_single;            /* The first of them get a group each. */
    struct ovs_list plans;      /* Of struct pending. */
    size_t n_plans;
    struct ovs_list refused;    /* Overflow of the queue, to be answered. */
    struct ovs_list group;      /* Being written. */
    bool started;
    bool internal;              /* An internal commit is not durable yet: of
                                 * what was loaded, or of units that were
                                 * computed again. */
    struct event *retry;        /* Gives that to the store again ... */
    int retry_ms;               /* ... after so long, next time. */
    bool held;                  /* Until commit_begin(), */
    void (*load)(void *aux);    /* which may say what loads first. */
    void *load_aux;
    bool stopped;
    bool busy;                  /* Model and engine are not as is durable. */
    bool writing;
    bool written;               /* The store has answered ... */
    int write_error;            /* ... with this, or 0 ... */
    char *write_error_text;     /* ... for this reason, or NULL. */
    struct commit_group info;
    struct activity *activity;
    char *store_error;          /* Of the newest write, or NULL. */
    struct ovs_list quiescent_cbs;
    commit_sink_cb *sink;
    void *sink_aux;
    struct {
        commit_sink_cb *cb;
        void *aux;
    } watchers[COMMIT_WATCHERS_MAX];
    size_t n_watchers;
};

static void run(void *commit);
static void later_cb(evutil_socket_t, short, void *);
static void retry_cb(evutil_socket_t, short, void *);

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
    commit->retry_ms = RETRY_MIN_MS;
    commit->busy = true;        /* Nothing is compiled yet. */
    ovs_list_init(&commit->queue);
    ovs_list_init(&commit->plans);
    ovs_list_init(&commit->refused);
    ovs_list_init(&commit->group);
    ovs_list_init(&commit->quiescent_cbs);
    fiber_schedule(commit->fiber);
    return commit;
}

static void
schedule(struct commit *commit)
{
    fiber_schedule(commit->fiber);
}

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
    commit->held = !commit->started;
    return commit->held;
}

void
commit_begin(struct commit *commit, void (*load)(void *aux), void *aux)
{
    commit->held = false;
    commit->load = load;
    commit->load_aux = aux;
    schedule(commit);
}

/* Answers.  -------------------------------------------------------------- */

static bool
request_changed(const struct model_request *request)
{
    for (size_t i = 0; i < request->n_ops; i++) {
        if (request->ops[i].outcome != MODEL_UNCHANGED) {
            return true;
        }
    }
    return request->also != NULL;
}

static void
reply(struct commit *commit, struct pending *pending)
{
    struct commit_result result = {
        .ok = pending->ok,
        .changed = pending->ok && request_changed(&pending->request),
        .revision = pending->revision,
        .request = &pending->request,
        .errors = &pending->errors,
        .plan = pending->plan,
    };

    if (pending->done) {
        pending->done(pending->aux, &result);
    }
    while (model_request_drop_last(&pending->request)) {
        commit_yield(commit);
    }
    model_request_uninit(&pending->request);
    vmn_errors_uninit(&pending->errors);
    plan_destroy(pending->plan);
    free(pending);
}

static void
reply_all(struct commit *commit, struct ovs_list *list)
{
    struct ovs_list replies;

    /* Callbacks may submit again; they must not meet a half-walked list. */
    ovs_list_init(&replies);
    ovs_list_push_back_all(&replies, list);
    while (!ovs_list_is_empty(&replies)) {
        reply(commit, CONTAINER_OF(ovs_list_pop_front(&replies),
                                   struct pending, node));
        commit_yield(commit);
    }
}

static void
refuse(struct pending *pending, const char *text)
{
    vmn_errors_uninit(&pending->errors);
    vmn_errors_add(&pending->errors, VMN_ERR_UNAVAILABLE, "", "%s", text);
    pending->ok = false;
}

static struct pending *
pending_create(struct model_request *request, commit_done_cb *done, void *aux)
{
    struct pending *pending = xzalloc(sizeof *pending);

    pending->request = *request;
    memset(request, 0, sizeof *request);
    pending->done = done;
    pending->aux = aux;
    vmn_errors_init(&pending->errors);
    return pending;
}

void
commit_submit(struct commit *commit, struct model_request *request,
              commit_done_cb *done, void *aux)
{
    if (commit->stopped) {
        model_request_uninit(request);
        return;
    }

    struct pending *pending = pending_create(request, done, aux);

    if (commit->n_queue >= COMMIT_QUEUE_MAX) {
        refuse(pending, "too many requests are waiting to be stored");
        ovs_list_push_back(&commit->refused, &pending->node);
    } else {
        ovs_list_push_back(&commit->queue, &pending->node);
        commit->n_queue++;
    }
    schedule(commit);
}

/* Quiescence.  ----------------------------------------------------------- */

bool
commit_is_quiescent(const struct commit *commit)
{
    return !commit->busy;
}

void
commit_when_quiescent(struct commit *commit, void (*cb)(void *aux), void *aux)
{
    struct quiescent_cb *waiter = xmalloc(sizeof *waiter);

    waiter->cb = cb;
    waiter->aux = aux;
    ovs_list_push_back(&commit->quiescent_cbs, &waiter->node);
    schedule(commit);
}

void
commit_cancel_when_quiescent(struct commit *commit, void (*cb)(void *aux),
                             void *aux)
{
    struct quiescent_cb *waiter, *next;

    LIST_FOR_EACH_SAFE (waiter, next, node, &commit->quiescent_cbs) {
        if (waiter->cb == cb && waiter->aux == aux) {
            ovs_list_remove(&waiter->node);
            free(waiter);
        }
    }
}

static void
call_quiescent_cbs(struct commit *commit)
{
    size_t n = ovs_list_size(&commit->quiescent_cbs);

    /* One at a time off the list, since a callback may cancel others. */
    for (; n && !ovs_list_is_empty(&commit->quiescent_cbs); n--) {
        struct quiescent_cb *waiter
            = CONTAINER_OF(ovs_list_pop_front(&commit->quiescent_cbs),
                           struct quiescent_cb, node);

        waiter->cb(waiter->aux);
        free(waiter);
        commit_yield(commit);
    }
}

/* Plans.  ---------------------------------------------------------------- */

void
commit_plan(struct commit *commit, struct model_request *request,
            commit_done_cb *done, void *aux)
{
    commit_dry_run(commit, request, NULL, done, aux);
}

void
commit_dry_run(struct commit *commit, struct model_request *request,
               void (*inspect)(void *aux), commit_done_cb *done, void *aux)
{
    if (commit->stopped) {
        model_request_uninit(request);
        return;
    }

    struct pending *pending = pending_create(request, done, aux);

    pending->inspect = inspect;
    if (commit->n_plans >= COMMIT_PLANS_MAX) {
        refuse(pending, "too many plans are waiting to be made");
        ovs_list_push_back(&commit->refused, &pending->node);
    } else {
        ovs_list_push_back(&commit->plans, &pending->node);
        commit->n_plans++;
    }
    schedule(commit);
}

/* Makes one plan, at a quiescent moment. */
static void
run_plan(struct commit *commit)
{
    struct pending *pending = CONTAINER_OF(
        ovs_list_pop_front(&commit->plans), struct pending, node);

    commit->n_plans--;
    commit->busy = true;
    pending->revision = model_revision(commit->model);
    if (pending->inspect) {
        pending->ok = plan_dry_run(commit->model, commit->engine,
                                   &pending->request, time_wall_msec(),
                                   pending->inspect, pending->aux,
                                   &pending->errors);
    } else {
        pending->plan = plan_make(commit->model, commit->engine,
                                  &pending->request, time_wall_msec(),
                                  &pending->errors);
        pending->ok = pending->plan != NULL;
    }
    commit->busy = false;
    reply(commit, pending);
}

/* Waiting for more.  ----------------------------------------------------- */

void
commit_set_max_delay(struct commit *commit, int ms)
{
    commit->batching.max_us = 1000 * (int64_t) ms;
}

void
commit_set_behind(struct commit *commit, bool behind)
{
    commit->behind = behind;
    if (!behind && commit->batching.waiting) {
        schedule(commit);
    }
}

static void
later_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *commit)
{
    schedule(commit);
}

/* Returns true if what is in the queue is to begin now. */
static bool
is_due(struct commit *commit)
{
    int64_t us = (!commit->n_queue || commit->n_queue >= GROUP_MAX ? 0
                  : batching_wait(&commit->batching, commit->behind,
                                  commit->n_queue, time_usec()));

    if (us) {
        const struct timeval tv = { us / 1000000, us % 1000000 };

        event_add(commit->later, &tv);
    }
    return commit->n_queue && !us;
}

void
commit_get_stats(const struct commit *commit, struct commit_stats *stats)
{
    *stats = (struct commit_stats) {
        .n_queue = commit->n_queue,
        .n_groups = commit->n_groups,
        .n_requests = commit->n_requests,
        .delay_us = commit->batching.delay_us,
        .n_waits = commit->batching.n_waits,
        .waited_us = commit->batching.waited_us,
        .n_revisions = commit->n_revisions,
        .stored = commit->stored,
    };
}

/* A group.  -------------------------------------------------------------- */

/* Applies what waits.  Requests that change nothing are part of the group as
 * well: what they found may be in it. */
static void
apply(struct commit *commit)
{
    int max = commit->n_single ? 1 : GROUP_MAX;
    size_t n_ops = 0;
    int64_t now_ms = time_wall_msec(), begin_us = time_usec();
    uint64_t before = model_revision(commit->model);

    activity_begin(commit->activity, now_ms);
    batching_begin(&commit->batching, commit->n_queue, time_usec());
    commit->n_groups++;
    commit->n_single -= commit->n_single ? 1 : 0;
    for (int n = 0; n < max && commit->n_queue && n_ops < GROUP_OPS_MAX;
         n++) {
        struct pending *pending = CONTAINER_OF(
            ovs_list_pop_front(&commit->queue), struct pending, node);

        commit->n_queue--;
        n_ops += pending->request.n_ops;
        commit->n_requests++;
        pending->ok = !model_apply(commit->model, &pending->request, now_ms,
                                   &pending->revision, &pending->errors);
        if (pending->ok && request_changed(&pending->request)) {
            activity_add_request(commit->activity, &pending->request);
        }
        ovs_list_push_back(&commit->group, &pending->node);
        commit_yield(commit);
    }
    commit->info.first_revision = before + 1;
    commit->info.last_revision = model_revision(commit->model);
    commit->info.time_ms = now_ms;
    commit->info.begin_us = begin_us;
    activity_step(commit->activity, ACTIVITY_APPLY);
}

static bool
has_pending(struct commit *commit)
{
    return (model_has_pending(commit->model)
            || id_pools_has_pending(model_id_pools(commit->model)));
}

/* Counts revisions; what was loaded at the start is none. */
static void
count_stored(struct commit *commit)
{
    const struct commit_group *info = &commit->info;

    if (info->last_revision >= info->first_revision) {
        commit->n_revisions += info->last_revision - info->first_revision + 1;
        histogram_add(&commit->stored, time_usec() - info->begin_us);
    }
}

/* Hands on a group that is durable, and answers its requests. */
static void
finish(struct commit *commit)
{
    struct engine_delta *delta
        = CONST_CAST(struct engine_delta *, commit->info.delta);

    activity_step(commit->activity, ACTIVITY_STORE);
    count_stored(commit);
    batching_sent(&commit->batching, commit->behind, time_usec());
    if (commit->sink) {
        commit->sink(commit->sink_aux, &commit->info);
    }
    activity_step(commit->activity, ACTIVITY_SEND);
    for (size_t i = 0; i < commit->n_watchers; i++) {
        commit->watchers[i].cb(commit->watchers[i].aux, &commit->info);
    }
    activity_end(commit->activity, commit->info.first_revision,
                 commit->info.last_revision);
    model_settle(commit->model);
    commit->info.delta = NULL;
    commit->internal = false;
    commit->retry_ms = RETRY_MIN_MS;
    commit->busy = false;
    reply_all(commit, &commit->group);
    engine_delta_destroy(delta);
}

/* Goes back to what is durable. */
static void
roll_back(struct commit *commit)
{
    struct engine_delta *delta
        = CONST_CAST(struct engine_delta *, commit->info.delta);

    commit->info.delta = NULL;
    model_undo(commit->model);
    /* Takes the engine back as well; nobody has seen either difference. */
    id_pools_set_revision(model_id_pools(commit->model),
                          model_revision(commit->model) + 1);
    engine_delta_destroy(engine_roll_back(commit->engine, delta));
    engine_delta_destroy(delta);
    commit->busy = false;
}

static void
refuse_unstored(struct commit *commit, struct pending *pending)
{
    char *reason = xasprintf("the change could not be stored: %s",
                             commit->store_error);

    refuse(pending, reason);
    free(reason);
}

/* Rolls back a group that the store refused, and fails its requests. */
static void
fail(struct commit *commit)
{
    struct pending *pending;

    roll_back(commit);
    LIST_FOR_EACH (pending, node, &commit->group) {
        if (pending->ok) {
            refuse_unstored(commit, pending);
        }
    }
    reply_all(commit, &commit->group);
}

/* Returns false for what a host reports, which has happened already, and for
 * vmnd's own, which is little. */
static bool
may_be_refused(const struct pending *pending)
{
    const char *who = pending->request.who;

    return strncmp(who, "host:", 5) && strcmp(who, "vmnd");
}

/* Handles a failed internal commit: the store refused the IDs of what was
 * loaded, or of units that were computed again.  There is nothing to roll back
 * to, and no host may see them: all waits until they are durable, but users do
 * not. */
static void
fail_internal(struct commit *commit)
{
    const struct timeval tv = { commit->retry_ms / 1000,
                                commit->retry_ms % 1000 * 1000 };
    struct pending *pending, *next;

    LIST_FOR_EACH_SAFE (pending, next, node, &commit->queue) {
        if (may_be_refused(pending)) {
            ovs_list_remove(&pending->node);
            ovs_list_push_back(&commit->refused, &pending->node);
            commit->n_queue--;
        }
    }
    ovs_list_push_back_all(&commit->refused, &commit->plans);
    commit->n_plans = 0;
    LIST_FOR_EACH (pending, node, &commit->refused) {
        refuse_unstored(commit, pending);
    }
    reply_all(commit, &commit->refused);
    if (!commit->stopped) {
        event_add(commit->retry, &tv);
    }
    commit->retry_ms = MIN(2 * commit->retry_ms, RETRY_MAX_MS);
}

/* Records that the newest write failed, for this reason. */
static void
note_store_error(struct commit *commit, int error, const char *text)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 10);

    VLOG_ERR_RL(&rl, "the store refused revisions %"PRIu64" to %"PRIu64
                ": %s (%s)", commit->info.first_revision,
                commit->info.last_revision, text ? text : "no reason given",
                ovs_strerror(error));
    free(commit->store_error);
    commit->store_error = xstrdup(text ? text : ovs_strerror(error));
}

static void
stored(void *commit_, int error, const char *text)
{
    struct commit *commit = commit_;

    commit->written = true;
    commit->write_error = error;
    free(commit->write_error_text);
    commit->write_error_text = nullable_xstrdup(text);
    schedule(commit);
}

/* Goes on with the group once the store has answered. */
static void
handle_store_reply(struct commit *commit)
{
    commit->written = commit->writing = false;
    if (commit->write_error) {
        note_store_error(commit, commit->write_error,
                         commit->write_error_text);
        if (commit->internal) {
            fail_internal(commit);
        } else {
            fail(commit);
        }
    } else {
        free(commit->store_error);
        commit->store_error = NULL;
        finish(commit);
    }
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

/* Returns true if no host exceeds the limit on its flows, and no quota that
 * binds one of the group's requests its own. */
static bool
is_within_limits(const struct commit *commit, struct vmn_errors *errors)
{
    bool ok = plan_is_within_limit(commit->engine, errors);
    const struct pending *pending;

    LIST_FOR_EACH (pending, node, &commit->group) {
        ok = ok && (!pending->ok
                    || plan_is_within_quotas(commit->model, commit->engine,
                                             pending->request.rights,
                                             errors));
    }
    return ok;
}

/* Returns true if the group may go on.  Else all is as it was, and the group's
 * only request is refused, or several go back to the front of the queue, for a
 * group each. */
static bool
check_limits(struct commit *commit)
{
    struct ovs_list *group = &commit->group;
    struct vmn_errors errors;
    struct pending *pending;
    bool ok;

    vmn_errors_init(&errors);
    ok = is_within_limits(commit, &errors);
    if (ok || ovs_list_is_empty(group)) {
        vmn_errors_uninit(&errors);
        return true;
    }
    pending = CONTAINER_OF(ovs_list_front(group), struct pending, node);
    if (ovs_list_is_singleton(group)) {
        if (!may_be_refused(pending)) {
            VLOG_WARN("%s: %s", pending->request.who, errors.errors[0].text);
            vmn_errors_uninit(&errors);
            return true;
        }
        roll_back(commit);
        pending->ok = false;
        vmn_errors_uninit(&pending->errors);
        pending->errors = errors;
        reply_all(commit, group);
        return false;
    }
    roll_back(commit);
    vmn_errors_uninit(&errors);
    LIST_FOR_EACH (pending, node, group) {
        vmn_errors_uninit(&pending->errors);
        vmn_errors_init(&pending->errors);
        commit->n_queue++;
        commit->n_single++;
    }
    ovs_list_push_back_all(group, &commit->queue);
    ovs_list_push_back_all(&commit->queue, group);
    return false;
}

static void
write_group(struct commit *commit)
{
    commit->writing = true;
    commit->store_class->submit(commit->store, commit->model, stored, commit);
}

static void
retry_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *commit)
{
    write_group(commit);
}

/* Compiles what was applied, and has it written.  Numbers that go out of use
 * are free once every host has acknowledged revision 'retired'. */
static void
compile(struct commit *commit, uint64_t retired)
{
    id_pools_set_revision(model_id_pools(commit->model), retired);
    commit->info.delta = engine_run(commit->engine);
    activity_compiled(commit->activity, commit->info.delta);
    if (!check_limits(commit)) {
        return;
    }
    if (has_pending(commit)) {
        write_group(commit);
    } else {
        finish(commit);
    }
}

/* Makes an internal commit, which has no revision: what is new in it are IDs,
 * which must be durable before a host sees them. */
static void
compile_internal(struct commit *commit, uint64_t retired)
{
    uint64_t revision = model_revision(commit->model);

    commit->busy = commit->internal = true;
    commit->info = (struct commit_group) {
        .first_revision = revision + 1,
        .last_revision = revision,
        .time_ms = time_wall_msec(),
        .begin_us = time_usec(),
    };
    activity_begin(commit->activity, commit->info.time_ms);
    compile(commit, retired);
}

/* Compiles the state as it was loaded. */
static void
start(struct commit *commit)
{
    commit->started = commit->busy = true;
    if (commit->load) {
        commit->load(commit->load_aux);
    }
    compile_internal(commit, model_revision(commit->model));
}

/* Computes units again that had failed for want of an ID, if IDs have become
 * free.  That is no part of a request's group, which may be rolled back.  That
 * hosts have acknowledged the newest revision says nothing of this commit; the
 * next revision comes behind it. */
static void
retry_exhausted(struct commit *commit)
{
    if (engine_take_freed_ids(commit->engine)) {
        compile_internal(commit, model_revision(commit->model) + 1);
    }
}

static void
run_group(struct commit *commit)
{
    commit->busy = true;
    apply(commit);
    if (model_is_unsettled(commit->model)) {
        compile(commit, commit->info.last_revision);
    } else {
        commit->busy = false;
        reply_all(commit, &commit->group);
    }
}

/* Does the work, on the fiber. */
static void
run(void *commit_)
{
    struct commit *commit = commit_;

    if (commit->written) {
        handle_store_reply(commit);
    }
    if (commit->stopped) {
        return;
    }
    reply_all(commit, &commit->refused);
    if (commit->held) {
        return;
    }
    if (!commit->started) {
        start(commit);
    }
    if (commit->writing || commit->internal) {
        return;
    }
    call_quiescent_cbs(commit);
    retry_exhausted(commit);
    if (commit->internal) {
        return;                 /* It is being written. */
    }
    if (commit->n_plans) {
        run_plan(commit);
    }
    if (is_due(commit)) {
        run_group(commit);
    }
    if (!commit->writing && (is_due(commit) || commit->n_plans
                             || !ovs_list_is_empty(&commit->quiescent_cbs))) {
        schedule(commit);
    }
}

void
commit_stop(struct commit *commit)
{
    struct pending *pending;

    if (commit->stopped) {
        return;
    }
    commit->stopped = true;
    event_del(commit->retry);
    fiber_disable_yield(commit->fiber);
    while ((commit->writing || fiber_is_running(commit->fiber))
           && !event_base_loop(commit->base, EVLOOP_ONCE)) {
        continue;
    }
    ovs_list_push_back_all(&commit->refused, &commit->queue);
    ovs_list_push_back_all(&commit->refused, &commit->plans);
    commit->n_queue = commit->n_plans = commit->n_single = 0;
    LIST_FOR_EACH (pending, node, &commit->refused) {
        refuse(pending, "the controller is shutting down");
    }
    reply_all(commit, &commit->refused);
}

void
commit_destroy(struct commit *commit)
{
    struct quiescent_cb *waiter;

    if (!commit) {
        return;
    }
    commit_stop(commit);
    LIST_FOR_EACH_POP (waiter, node, &commit->quiescent_cbs) {
        free(waiter);
    }
    engine_set_yield(commit->engine, NULL, NULL);
    model_set_yield(commit->model, NULL, NULL);
    fiber_destroy(commit->fiber);
    free(commit->write_error_text);
    event_free(commit->later);
    event_free(commit->retry);
    engine_delta_destroy(CONST_CAST(struct engine_delta *,
                                    commit->info.delta));
    activity_destroy(commit->activity);
    free(commit->store_error);
    free(commit);
}
