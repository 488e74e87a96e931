/* SPDX-License-Identifier: Apache-2.0
 *
 * A group of changes: it is applied, compiled, checked against the limits,
 * written, and passed on once it is durable; or rolled back, if it exceeds a
 * limit or the store rejects it.  Internal commits are groups without a
 * request.  Not for the queue of requests (commit-queue.c). */

#include <config.h>

#include "controller/commit/commit.h"
#include "controller/commit/commit-private.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>

#include "controller/commit/activity.h"
#include "controller/commit/batching.h"
#include "controller/commit/gathering.h"
#include "controller/commit/plan.h"
#include "controller/model/id-pools.h"
#include "controller/schema/schema-origin.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(commit);

/* Maximum delay before the loaded state is written again. */
#define RETRY_MAX_MS 5000

/* Applies the queued requests.  Requests that change nothing are part of the
 * group, too, since their replies may depend on changes in it. */
static void
apply(struct commit *commit)
{
    int max = commit->n_single ? 1 : COMMIT_GROUP_MAX;
    size_t n_ops = 0;
    int64_t now_ms = time_wall_msec(), begin_us = time_usec();
    uint64_t before = model_revision(commit->model);

    commit->info.of_people = false;
    activity_begin(commit->activity, now_ms);
    commit_end_wait(commit, true);
    commit->n_groups++;
    commit->n_single -= commit->n_single ? 1 : 0;
    for (int n = 0; n < max && commit->n_queue && n_ops < COMMIT_GROUP_OPS_MAX;
         n++) {
        struct pending *pending = CONTAINER_OF(
            ovs_list_front(&commit->queue), struct pending, node);

        commit_dequeue(commit, pending);
        n_ops += pending->request.n_ops;
        commit->n_requests++;
        pending->ok = !model_apply(commit->model, &pending->request, now_ms,
                                   &pending->revision, &pending->errors);
        if (!pending->ok && commit_put_off(commit, pending)) {
            continue;
        }
        if (pending->ok && commit_request_changed(&pending->request)) {
            activity_add_request(commit->activity, &pending->request);
            commit->info.of_people |= model_is_of_people(pending->request.who);
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

bool
commit_follow_rows(struct commit *commit)
{
    if (!commit->follow || !commit->follow(commit->follow_aux)) {
        return false;
    }
    commit->queue_again = true; /* Another app checks, or none. */
    activity_grow(commit->activity);
    return true;
}

/* Adds a revision to the group with what the rows are to say of the apps that
 * follow it.  It is none of the group's requests: it stands or falls with
 * these, and is made anew if they are tried one by one. */
static void
note_apps(struct commit *commit)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 10);
    struct model_request request;
    struct vmn_errors errors;
    uint64_t revision;

    model_request_init(&request, ORIGIN_NAME_VMND);
    vmn_errors_init(&errors);
    commit->note(commit->note_aux, &request);
    commit->noted_again = commit->unnoted;
    commit->unnoted = false;
    if (request.n_ops) {
        if (model_apply(commit->model, &request, commit->info.time_ms,
                        &revision, &errors)) {
            VLOG_ERR_RL(&rl, "the rows of the apps: %s",
                        errors.errors[0].text);
            commit->unnoted = true;
        } else if (commit_request_changed(&request)) {
            activity_add_request(commit->activity, &request);
        }
        commit->info.last_revision = model_revision(commit->model);
    }
    vmn_errors_uninit(&errors);
    model_request_uninit(&request);
}

static bool
has_pending(struct commit *commit)
{
    return (model_has_pending(commit->model)
            || id_pools_has_pending(model_id_pools(commit->model)));
}

/* Counts revisions; rows loaded at the start are none. */
static void
count_stored(struct commit *commit)
{
    const struct commit_group *info = &commit->info;

    if (info->last_revision >= info->first_revision) {
        commit->n_revisions += info->last_revision - info->first_revision + 1;
        histogram_add(&commit->stored, time_usec() - info->begin_us);
    }
}

/* Passes on a group that has become durable, and completes its requests. */
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
    commit->noted_again = false;
    commit->retry_ms = COMMIT_RETRY_MIN_MS;
    commit_set_state(commit, COMMIT_QUIESCENT);
    commit_reply_all(commit, &commit->group);
    engine_delta_destroy(delta);
}

/* Returns to the durable state. */
static void
roll_back(struct commit *commit)
{
    struct engine_delta *delta
        = CONST_CAST(struct engine_delta *, commit->info.delta);

    commit->info.delta = NULL;
    model_undo(commit->model);
    commit->unnoted |= commit->noted_again;
    commit->noted_again = false;
    /* Roll back the engine, too.  Neither difference was passed on. */
    id_pools_set_revision(model_id_pools(commit->model),
                          model_revision(commit->model) + 1);
    commit_follow_rows(commit);
    engine_delta_destroy(engine_roll_back(commit->engine, delta));
    engine_delta_destroy(delta);
    commit_set_state(commit, COMMIT_QUIESCENT);
}

static void
refuse_unstored(struct commit *commit, struct pending *pending)
{
    bool uncertain = commit->write_error == EINTR;
    char *reason = xasprintf("%s: %s", uncertain
                             ? "it is not known whether the change is stored"
                             : "the change could not be stored",
                             commit->store_error);

    commit_refuse(pending, uncertain ? VMN_ERR_UNCERTAIN
                  : VMN_ERR_UNAVAILABLE, reason);
    free(reason);
}

/* Rolls back a group that the store rejected, and fails its requests. */
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
    commit_reply_all(commit, &commit->group);
}

/* Returns false for a host's report, which describes something that has
 * happened already, and for vmnd's own requests, which are small. */
static bool
may_be_refused(const struct pending *pending)
{
    enum schema_origin origin = schema_origin(pending->request.who);

    return origin != ORIGIN_HOST && origin != ORIGIN_VMND;
}

/* Handles a failed internal commit: the store rejected the IDs of what was
 * loaded, or of units that were computed again.  There is no state to return
 * to, and hosts must not get these IDs: all hosts wait until they are durable,
 * but users do not. */
static void
fail_internal(struct commit *commit)
{
    const struct timeval tv = { commit->retry_ms / 1000,
                                commit->retry_ms % 1000 * 1000 };
    struct pending *pending, *next;

    commit_set_state(commit, COMMIT_RETRYING);
    LIST_FOR_EACH_SAFE (pending, next, node, &commit->queue) {
        if (may_be_refused(pending)) {
            commit_dequeue(commit, pending);
            ovs_list_push_back(&commit->refused, &pending->node);
        }
    }
    commit_end_wait(commit, false);
    ovs_list_push_back_all(&commit->refused, &commit->plans);
    commit->n_plans = 0;
    LIST_FOR_EACH (pending, node, &commit->refused) {
        refuse_unstored(commit, pending);
    }
    commit_reply_all(commit, &commit->refused);
    if (commit->intake == COMMIT_OPEN) {
        event_add(commit->retry, &tv);
    }
    commit->retry_ms = MIN(2 * commit->retry_ms, RETRY_MAX_MS);
}

/* Records that the newest write failed, and why. */
static void
note_store_error(struct commit *commit, int error, const char *text)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 10);

    VLOG_ERR_RL(&rl, "cannot store revisions %"PRIu64" to %"PRIu64
                ": %s (%s)", commit->info.first_revision,
                commit->info.last_revision, text ? text : "no reason given",
                ovs_strerror(error));
    free(commit->store_error);
    commit->store_error = xstrdup(text ? text : ovs_strerror(error));
}

void
commit_stored(void *commit_, int error, const struct vmn_error *why)
{
    struct commit *commit = commit_;

    commit_set_state(commit, COMMIT_WRITTEN);
    commit->write_error = error;
    free(commit->write_error_text);
    commit->write_error_text = nullable_xstrdup(error ? why->text : NULL);
    commit_schedule(commit);
}

/* Ends a batch of another member's that could not be written: it is durable
 * all the same, and is to be applied again. */
static void
fail_batch(struct commit *commit)
{
    struct vmn_error why = VMN_ERROR_INIT;

    roll_back(commit);
    vmn_error_errno(&why, commit->write_error, "%s", commit->store_error);
    commit_end_batch(commit, commit->write_error, &why);
    vmn_error_uninit(&why);
}

/* Passes on a group that the store has written, and has the next one wait for
 * its clients, who come back once they are answered. */
static void
finish_written(struct commit *commit)
{
    int64_t took_us = time_usec() - commit->submitted_us;
    size_t n = commit->n_queue_clients;
    const struct pending *pending;

    LIST_FOR_EACH (pending, node, &commit->group) {
        n += pending->client;
    }
    finish(commit);
    gathering_answered(&commit->gathering, n, took_us, time_usec());
}

void
commit_handle_store_reply(struct commit *commit)
{
    if (commit->write_error) {
        note_store_error(commit, commit->write_error,
                         commit->write_error_text);
        if (commit->batch.text) {
            fail_batch(commit);
        } else if (ovs_list_is_empty(&commit->group)) {
            fail_internal(commit);
        } else {
            fail(commit);
        }
        return;
    }
    free(commit->store_error);
    commit->store_error = NULL;
    if (commit->batch.text) {
        commit_note_people(commit);
        finish(commit);
        commit_end_batch(commit, 0, NULL);
    } else {
        finish_written(commit);
    }
}

/* Returns true if no host exceeds its limit of flows, and no quota that binds
 * one of the group's requests is exceeded. */
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

/* Puts the group's requests back at the front of the queue, one group each. */
static void
put_back(struct commit *commit)
{
    struct ovs_list later;

    ovs_list_init(&later);
    ovs_list_push_back_all(&later, &commit->queue);
    while (!ovs_list_is_empty(&commit->group)) {
        struct pending *pending = CONTAINER_OF(
            ovs_list_pop_front(&commit->group), struct pending, node);

        vmn_errors_uninit(&pending->errors);
        vmn_errors_init(&pending->errors);
        commit_enqueue(commit, pending);
        commit->n_single++;
    }
    ovs_list_push_back_all(&commit->queue, &later);
}

/* Returns true if the group is within the limits.  If not, rolls it back, and
 * rejects its request, or if it has several, puts them back at the front of
 * the queue, one group each. */
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
        commit_reply_all(commit, group);
        return false;
    }
    roll_back(commit);
    vmn_errors_uninit(&errors);
    put_back(commit);
    return false;
}

void
commit_write_group(struct commit *commit)
{
    commit_set_state(commit, COMMIT_WRITING);
    commit->submitted_us = time_usec();
    commit->store_class->submit(commit->store, commit->model,
                                commit_stored, commit);
}

/* Compiles what was applied, and starts to write it.  IDs that are released
 * are free once every host has acknowledged revision 'retired'. */
static void
compile(struct commit *commit, uint64_t retired)
{
    const struct pending *pending;

    id_pools_set_revision(model_id_pools(commit->model), retired);
    LIST_FOR_EACH (pending, node, &commit->group) {
        engine_bind_quotas(commit->engine, pending->request.rights);
    }
    commit->info.delta = engine_run(commit->engine);
    activity_compiled(commit->activity, commit->info.delta);
    if (!check_limits(commit)) {
        return;
    }
    /* Who follows writes what is pending with the next batch. */
    if (has_pending(commit) && commit->role != COMMIT_FOLLOWS) {
        commit_write_group(commit);
    } else {
        finish(commit);
    }
}

/* Makes an internal commit, which has no revision: it adds only IDs, which
 * must be durable before hosts get them. */
static void
compile_internal(struct commit *commit, uint64_t retired)
{
    uint64_t revision = model_revision(commit->model);

    commit_set_state(commit, COMMIT_COMPILING);
    commit->info = (struct commit_group) {
        .first_revision = revision + 1,
        .last_revision = revision,
        .time_ms = time_wall_msec(),
        .begin_us = time_usec(),
    };
    activity_begin(commit->activity, commit->info.time_ms);
    compile(commit, retired);
}

void
commit_compile_loaded(struct commit *commit)
{
    if (commit->load) {
        commit->load(commit->load_aux);
    }
    compile_internal(commit, model_revision(commit->model));
}

/* Retries units whose IDs were exhausted, whose worker was absent, whose app
 * had no memory left, or for which a time has passed, and computes what
 * commit_recompute() is for, apart from requests' groups, which may be rolled
 * back.  That hosts have acknowledged the newest revision does not mean that
 * they have this commit; the next revision follows it. */
void
commit_compute_again(struct commit *commit)
{
    bool freed = engine_take_freed_ids(commit->engine);
    bool room = engine_take_freed_memory(commit->engine);
    bool past = engine_take_past_times(commit->engine);
    bool again = commit->recompute;

    commit->recompute = false;
    if (engine_take_ready_workers(commit->engine) || freed || room || past
        || again) {
        compile_internal(commit, model_revision(commit->model) + 1);
    }
}

void
commit_run_group(struct commit *commit)
{
    commit_set_state(commit, COMMIT_COMPILING);
    apply(commit);
    if (model_is_unsettled(commit->model)) {
        if ((commit_follow_rows(commit) || commit->unnoted) && commit->note) {
            note_apps(commit);
        }
        compile(commit, commit->info.last_revision);
    } else {
        commit_set_state(commit, COMMIT_QUIESCENT);
        commit_reply_all(commit, &commit->group);
    }
}
