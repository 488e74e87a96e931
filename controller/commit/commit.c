/* SPDX-License-Identifier: Apache-2.0
 *
 * The one door in; see commit.h.
 *
 * A group goes through: apply -> compile -> write -> (durable) -> sink,
 * settle, answer.  All but the write is done in slices of a few ms (fiber.h),
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
    json_t *plan;               /* If it was planned only. */
    void (*look)(void *aux);    /* If it is only tried, or NULL. */
};

struct settled_cb {
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
    struct fiber *slices;      /* Does all below, from run(). */
    struct batching pace;           /* When the next group may begin, */
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
    bool unasked;               /* What nobody asked for is not durable yet:
                                 * what was loaded, or units' second try. */
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
    struct ovs_list settled_cbs;
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
    commit->slices = fiber_create(base, run, commit);
    engine_set_yield(engine, fiber_yield, commit->slices);
    model_set_yield(model, fiber_yield, commit->slices);
    commit->later = event_new(base, -1, 0, later_cb, commit);
    commit->retry = event_new(base, -1, 0, retry_cb, commit);
    commit->retry_ms = RETRY_MIN_MS;
    commit->busy = true;        /* Nothing is compiled yet. */
    ovs_list_init(&commit->queue);
    ovs_list_init(&commit->plans);
    ovs_list_init(&commit->refused);
    ovs_list_init(&commit->group);
    ovs_list_init(&commit->settled_cbs);
    fiber_schedule(commit->slices);
    return commit;
}

static void
kick(struct commit *commit)
{
    fiber_schedule(commit->slices);
}

void
commit_yield(struct commit *commit)
{
    fiber_yield(commit->slices);
}

void
commit_set_max_yields(struct commit *commit, unsigned n)
{
    fiber_set_max_yields(commit->slices, n);
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
    kick(commit);
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
answer(struct commit *commit, struct pending *pending)
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
    json_decref(pending->plan);
    free(pending);
}

static void
answer_all(struct commit *commit, struct ovs_list *list)
{
    struct ovs_list answers;

    /* Callbacks may submit again; they must not meet a half-walked list. */
    ovs_list_init(&answers);
    ovs_list_push_back_all(&answers, list);
    while (!ovs_list_is_empty(&answers)) {
        answer(commit, CONTAINER_OF(ovs_list_pop_front(&answers),
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
    kick(commit);
}

/* Settled moments.  ------------------------------------------------------ */

bool
commit_is_quiescent(const struct commit *commit)
{
    return !commit->busy;
}

void
commit_when_quiescent(struct commit *commit, void (*cb)(void *aux), void *aux)
{
    struct settled_cb *settled = xmalloc(sizeof *settled);

    settled->cb = cb;
    settled->aux = aux;
    ovs_list_push_back(&commit->settled_cbs, &settled->node);
    kick(commit);
}

void
commit_cancel_when_quiescent(struct commit *commit, void (*cb)(void *aux),
                             void *aux)
{
    struct settled_cb *settled, *next;

    LIST_FOR_EACH_SAFE (settled, next, node, &commit->settled_cbs) {
        if (settled->cb == cb && settled->aux == aux) {
            ovs_list_remove(&settled->node);
            free(settled);
        }
    }
}

static void
call_settled(struct commit *commit)
{
    size_t n = ovs_list_size(&commit->settled_cbs);

    /* One at a time off the list, since a callback may cancel others. */
    for (; n && !ovs_list_is_empty(&commit->settled_cbs); n--) {
        struct settled_cb *settled
            = CONTAINER_OF(ovs_list_pop_front(&commit->settled_cbs),
                           struct settled_cb, node);

        settled->cb(settled->aux);
        free(settled);
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
               void (*look)(void *aux), commit_done_cb *done, void *aux)
{
    if (commit->stopped) {
        model_request_uninit(request);
        return;
    }

    struct pending *pending = pending_create(request, done, aux);

    pending->look = look;
    if (commit->n_plans >= COMMIT_PLANS_MAX) {
        refuse(pending, "too many plans are waiting to be made");
        ovs_list_push_back(&commit->refused, &pending->node);
    } else {
        ovs_list_push_back(&commit->plans, &pending->node);
        commit->n_plans++;
    }
    kick(commit);
}

/* Makes one plan.  All is settled. */
static void
run_plan(struct commit *commit)
{
    struct pending *pending = CONTAINER_OF(
        ovs_list_pop_front(&commit->plans), struct pending, node);

    commit->n_plans--;
    commit->busy = true;
    pending->revision = model_revision(commit->model);
    if (pending->look) {
        pending->ok = plan_dry_run(commit->model, commit->engine,
                                   &pending->request, time_wall_msec(),
                                   pending->look, pending->aux,
                                   &pending->errors);
    } else {
        pending->plan = plan_make(commit->model, commit->engine,
                                  &pending->request, time_wall_msec(),
                                  &pending->errors);
        pending->ok = pending->plan != NULL;
    }
    commit->busy = false;
    answer(commit, pending);
}

/* Waiting for more.  ----------------------------------------------------- */

void
commit_set_max_delay(struct commit *commit, int ms)
{
    commit->pace.max_us = 1000 * (int64_t) ms;
}

void
commit_set_behind(struct commit *commit, bool behind)
{
    commit->behind = behind;
    if (!behind && commit->pace.waiting) {
        kick(commit);
    }
}

static void
later_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *commit)
{
    kick(commit);
}

/* True if what is in the queue is to begin now. */
static bool
is_due(struct commit *commit)
{
    int64_t us = (!commit->n_queue || commit->n_queue >= GROUP_MAX ? 0
                  : batching_wait(&commit->pace, commit->behind,
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
        .delay_us = commit->pace.delay_us,
        .n_waits = commit->pace.n_waits,
        .waited_us = commit->pace.waited_us,
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
    batching_begin(&commit->pace, commit->n_queue, time_usec());
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

/* What was loaded at the start is no revision. */
static void
count_stored(struct commit *commit)
{
    const struct commit_group *info = &commit->info;

    if (info->last_revision >= info->first_revision) {
        commit->n_revisions += info->last_revision - info->first_revision + 1;
        histogram_add(&commit->stored, time_usec() - info->begin_us);
    }
}

/* The group is durable. */
static void
finish(struct commit *commit)
{
    struct engine_delta *delta
        = CONST_CAST(struct engine_delta *, commit->info.delta);

    activity_step(commit->activity, ACTIVITY_STORE);
    count_stored(commit);
    batching_sent(&commit->pace, commit->behind, time_usec());
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
    commit->unasked = false;
    commit->retry_ms = RETRY_MIN_MS;
    commit->busy = false;
    answer_all(commit, &commit->group);
    engine_delta_destroy(delta);
}

/* Goes back to what is durable. */
static void
go_back(struct commit *commit)
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

/* The store refused the group: nothing of it has happened. */
static void
fail(struct commit *commit)
{
    struct pending *pending;

    go_back(commit);
    LIST_FOR_EACH (pending, node, &commit->group) {
        if (pending->ok) {
            refuse_unstored(commit, pending);
        }
    }
    answer_all(commit, &commit->group);
}

/* What a host reports has happened already, and vmnd's own is little. */
static bool
may_be_refused(const struct pending *pending)
{
    const char *who = pending->request.who;

    return strncmp(who, "host:", 5) && strcmp(who, "vmnd");
}

/* The store refused the numbers of what was loaded, or of units that were
 * tried again.  There is nothing to go back to, and no host may see them: all
 * waits until they are durable, but users do not. */
static void
fail_unasked(struct commit *commit)
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
    answer_all(commit, &commit->refused);
    if (!commit->stopped) {
        event_add(commit->retry, &tv);
    }
    commit->retry_ms = MIN(2 * commit->retry_ms, RETRY_MAX_MS);
}

/* The newest write failed, for this reason. */
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
    kick(commit);
}

/* Goes on with the group once the store has answered. */
static void
take_answer(struct commit *commit)
{
    commit->written = commit->writing = false;
    if (commit->write_error) {
        note_store_error(commit, commit->write_error,
                         commit->write_error_text);
        if (commit->unasked) {
            fail_unasked(commit);
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

/* Whether no host exceeds the limit on its flows, and no quota that binds one
 * of the group's requests its own. */
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

/* True if the group may go on.  Else all is as it was, and the group's only
 * request is refused, or several go back to the front of the queue, for a
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
        go_back(commit);
        pending->ok = false;
        vmn_errors_uninit(&pending->errors);
        pending->errors = errors;
        answer_all(commit, group);
        return false;
    }
    go_back(commit);
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

/* Compiles a group without a revision: what is new in it are numbers, which
 * must be durable before a host sees them. */
static void
compile_unasked(struct commit *commit, uint64_t retired)
{
    uint64_t revision = model_revision(commit->model);

    commit->busy = commit->unasked = true;
    commit->info = (struct commit_group) {
        .first_revision = revision + 1,
        .last_revision = revision,
        .time_ms = time_wall_msec(),
        .begin_us = time_usec(),
    };
    activity_begin(commit->activity, commit->info.time_ms);
    compile(commit, retired);
}

/* The state as it was loaded. */
static void
start(struct commit *commit)
{
    commit->started = commit->busy = true;
    if (commit->load) {
        commit->load(commit->load_aux);
    }
    compile_unasked(commit, model_revision(commit->model));
}

/* Tries units again that lacked a number, if some have become free.  That is
 * no part of a request's group, which may be taken back.  That hosts have
 * acknowledged the newest revision says nothing of this; the next one comes
 * behind it. */
static void
try_again(struct commit *commit)
{
    if (engine_take_freed_ids(commit->engine)) {
        compile_unasked(commit, model_revision(commit->model) + 1);
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
        answer_all(commit, &commit->group);
    }
}

/* The work, in slices. */
static void
run(void *commit_)
{
    struct commit *commit = commit_;

    if (commit->written) {
        take_answer(commit);
    }
    if (commit->stopped) {
        return;
    }
    answer_all(commit, &commit->refused);
    if (commit->held) {
        return;
    }
    if (!commit->started) {
        start(commit);
    }
    if (commit->writing || commit->unasked) {
        return;
    }
    call_settled(commit);
    try_again(commit);
    if (commit->unasked) {
        return;                 /* It is being written. */
    }
    if (commit->n_plans) {
        run_plan(commit);
    }
    if (is_due(commit)) {
        run_group(commit);
    }
    if (!commit->writing && (is_due(commit) || commit->n_plans
                             || !ovs_list_is_empty(&commit->settled_cbs))) {
        kick(commit);
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
    fiber_disable_yield(commit->slices);
    while ((commit->writing || fiber_is_running(commit->slices))
           && !event_base_loop(commit->base, EVLOOP_ONCE)) {
        continue;
    }
    ovs_list_push_back_all(&commit->refused, &commit->queue);
    ovs_list_push_back_all(&commit->refused, &commit->plans);
    commit->n_queue = commit->n_plans = commit->n_single = 0;
    LIST_FOR_EACH (pending, node, &commit->refused) {
        refuse(pending, "the controller is shutting down");
    }
    answer_all(commit, &commit->refused);
}

void
commit_destroy(struct commit *commit)
{
    struct settled_cb *settled;

    if (!commit) {
        return;
    }
    commit_stop(commit);
    LIST_FOR_EACH_POP (settled, node, &commit->settled_cbs) {
        free(settled);
    }
    engine_set_yield(commit->engine, NULL, NULL);
    model_set_yield(commit->model, NULL, NULL);
    fiber_destroy(commit->slices);
    free(commit->write_error_text);
    event_free(commit->later);
    event_free(commit->retry);
    engine_delta_destroy(CONST_CAST(struct engine_delta *,
                                    commit->info.delta));
    activity_destroy(commit->activity);
    free(commit->store_error);
    free(commit);
}
