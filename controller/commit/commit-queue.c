/* SPDX-License-Identifier: Apache-2.0
 *
 * The queues of requests and of plans, the start of the next group, and the
 * completion of each request.  Not for processing a group (commit-group.c). */

#include <config.h>

#include "controller/commit/commit.h"
#include "controller/commit/commit-private.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/commit/batching.h"
#include "controller/commit/gathering.h"
#include "controller/commit/plan.h"
#include "controller/model/request-author.h"
#include "timeval.h"
#include "util.h"

/* How long a request waits for apps that look at its objects. */
#define CHECKS_WAIT_MS 10000

/* Answers.  -------------------------------------------------------------- */

bool
commit_request_changed(const struct model_request *request)
{
    for (size_t i = 0; i < request->n_ops; i++) {
        if (request->ops[i].outcome != MODEL_UNCHANGED) {
            return true;
        }
    }
    return request->n_also > 0;
}

/* Completes a request that is in no list any more, and frees it. */
static void
commit_reply(struct commit *commit, struct pending *pending)
{
    struct commit_result result = {
        .ok = pending->ok,
        .changed = pending->ok && commit_request_changed(&pending->request),
        .revision = pending->revision,
        .request = &pending->request,
        .errors = &pending->errors,
        .plan = pending->plan,
    };

    if (pending->done) {
        pending->done(pending->aux, &result);
    }
    if (pending->until_ms && !--commit->n_waiting) {
        engine_end_checks(commit->engine);
    }
    while (model_request_drop_last(&pending->request)) {
        commit_yield(commit);
    }
    model_request_uninit(&pending->request);
    vmn_errors_uninit(&pending->errors);
    plan_destroy(pending->plan);
    free(pending);
}

void
commit_reply_all(struct commit *commit, struct ovs_list *list)
{
    struct ovs_list replies;

    /* Callbacks may submit requests again, and must not find the list half
     * processed. */
    ovs_list_init(&replies);
    ovs_list_push_back_all(&replies, list);
    while (!ovs_list_is_empty(&replies)) {
        commit_reply(commit, CONTAINER_OF(ovs_list_pop_front(&replies),
                                          struct pending, node));
        commit_yield(commit);
    }
}

void
commit_refuse(struct pending *pending, enum vmn_error_code code,
              const char *text)
{
    vmn_errors_uninit(&pending->errors);
    vmn_errors_add(&pending->errors, code, "", "%s", text);
    pending->ok = false;
}

/* Requests.  ------------------------------------------------------------- */

static struct pending *
pending_create(struct model_request *request, commit_done_cb *done, void *aux)
{
    struct pending *pending = xzalloc(sizeof *pending);

    pending->request = *request;
    memset(request, 0, sizeof *request);
    pending->done = done;
    pending->aux = aux;
    pending->client = done && model_is_of_people(pending->request.who);
    vmn_errors_init(&pending->errors);
    return pending;
}

static void
count_queued(struct commit *commit, const struct pending *pending, int n)
{
    commit->n_queue += n;
    commit->n_queue_ops += n * pending->request.n_ops;
    commit->n_queue_clients += n * pending->client;
}

void
commit_enqueue(struct commit *commit, struct pending *pending)
{
    ovs_list_push_back(&commit->queue, &pending->node);
    count_queued(commit, pending, 1);
}

void
commit_dequeue(struct commit *commit, struct pending *pending)
{
    ovs_list_remove(&pending->node);
    count_queued(commit, pending, -1);
}

/* Returns true if a late app is all that is wrong. */
static bool
is_busy(const struct vmn_errors *errors)
{
    for (size_t i = 0; i < errors->n; i++) {
        if (errors->errors[i].code != VMN_ERR_BUSY) {
            return false;
        }
    }
    return errors->n != 0;
}

/* A request of which some objects have been checked continues at once, after
 * others.  Otherwise commit_retry() has it continue, once the app has a
 * result. */
bool
commit_put_off(struct commit *commit, struct pending *pending)
{
    bool progress = pending->request.n_checked != pending->n_checked;
    int64_t now_ms = time_msec();
    struct timeval wait = { 0, 0 };

    if (!is_busy(&pending->errors) || commit->intake != COMMIT_OPEN
        || (pending->until_ms ? now_ms >= pending->until_ms
            : commit->n_waiting >= COMMIT_QUEUE_MAX)) {
        return false;
    }
    if (!pending->until_ms) {
        pending->until_ms = now_ms + CHECKS_WAIT_MS;
        commit->n_waiting++;
    }
    pending->n_checked = pending->request.n_checked;
    vmn_errors_uninit(&pending->errors);
    vmn_errors_init(&pending->errors);
    ovs_list_push_back(&commit->put_off, &pending->node);
    if (!progress) {
        wait.tv_sec = (pending->until_ms - now_ms) / 1000 + 1;
    }
    if (progress || !event_pending(commit->again, EV_TIMEOUT, NULL)) {
        event_add(commit->again, &wait);
    }
    return true;
}

void
commit_queue_again(struct commit *commit)
{
    struct pending *pending;

    if (!commit->queue_again) {
        return;
    }
    commit->queue_again = false;
    LIST_FOR_EACH_POP (pending, node, &commit->put_off) {
        if (pending->planned) {
            ovs_list_push_back(&commit->plans, &pending->node);
            commit->n_plans++;
        } else {
            commit_enqueue(commit, pending);
        }
    }
    event_del(commit->again);
}

void
commit_submit(struct commit *commit, struct model_request *request,
              commit_done_cb *done, void *aux)
{
    if (commit->intake == COMMIT_CLOSED) {
        model_request_uninit(request);
        return;
    }

    struct pending *pending = pending_create(request, done, aux);

    if (commit->role == COMMIT_FOLLOWS) {
        commit_refuse(pending, VMN_ERR_UNAVAILABLE,
                      "this member of the cluster is not its writer");
        ovs_list_push_back(&commit->refused, &pending->node);
    } else if (commit->n_queue >= COMMIT_QUEUE_MAX) {
        commit_refuse(pending, VMN_ERR_UNAVAILABLE,
                      "too many requests are waiting to be stored");
        ovs_list_push_back(&commit->refused, &pending->node);
    } else {
        commit_enqueue(commit, pending);
    }
    commit_schedule(commit);
}

/* Plans.  ---------------------------------------------------------------- */

void
commit_plan(struct commit *commit, struct model_request *request,
            commit_done_cb *done, void *aux)
{
    commit_dry_run(commit, request, NULL, done, aux);
}

/* Returns true if 'request' is by an account with a scope that has as many
 * plans in the queue as it may. */
static bool
has_its_plans(const struct commit *commit, const struct model_request *request)
{
    const struct model_author *author = request->author;
    const struct pending *pending;
    size_t n = 0;

    if (!author || !request->rights || !request->rights->scope.text) {
        return false;
    }
    LIST_FOR_EACH (pending, node, &commit->plans) {
        const struct model_author *other = pending->request.author;

        n += other && !strcmp(other->account, author->account);
    }
    return n >= COMMIT_PLANS_ACCOUNT_MAX;
}

void
commit_dry_run(struct commit *commit, struct model_request *request,
               void (*inspect)(void *aux), commit_done_cb *done, void *aux)
{
    if (commit->intake == COMMIT_CLOSED) {
        model_request_uninit(request);
        return;
    }

    struct pending *pending = pending_create(request, done, aux);

    pending->inspect = inspect;
    pending->planned = true;
    if (has_its_plans(commit, &pending->request)) {
        commit_refuse(pending, VMN_ERR_UNAVAILABLE,
                      "too many plans of this account are waiting to be made");
        ovs_list_push_back(&commit->refused, &pending->node);
    } else if (commit->n_plans >= COMMIT_PLANS_MAX) {
        commit_refuse(pending, VMN_ERR_UNAVAILABLE,
                      "too many plans are waiting to be made");
        ovs_list_push_back(&commit->refused, &pending->node);
    } else {
        ovs_list_push_back(&commit->plans, &pending->node);
        commit->n_plans++;
    }
    commit_schedule(commit);
}

void
commit_run_plan(struct commit *commit)
{
    struct pending *pending = CONTAINER_OF(
        ovs_list_pop_front(&commit->plans), struct pending, node);

    commit->n_plans--;
    commit_set_state(commit, COMMIT_TRYING);
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
    commit_set_state(commit, COMMIT_QUIESCENT);
    if (pending->ok || !commit_put_off(commit, pending)) {
        commit_reply(commit, pending);
    }
}

/* Waiting for more.  ----------------------------------------------------- */

void
commit_set_max_delay(struct commit *commit, int ms)
{
    commit->batching.max_us = commit->gathering.max_us = 1000 * (int64_t) ms;
}

void
commit_set_behind(struct commit *commit, bool behind)
{
    commit->behind = behind;
    if (!behind && commit->batching.waiting) {
        commit_schedule(commit);
    }
}

bool
commit_is_due(struct commit *commit)
{
    size_t n = commit->n_queue;
    int64_t us = 0;

    if (n && n < COMMIT_GROUP_MAX
        && commit->n_queue_ops < COMMIT_GROUP_OPS_MAX) {
        int64_t now_us = time_usec();

        us = batching_wait(&commit->batching, commit->behind, n, now_us);
        if (!us && commit->role == COMMIT_LEADS
            && !commit->n_single) {
            us = gathering_wait(&commit->gathering, commit->n_queue_clients,
                                now_us);
        }
        if (us && !commit->waiting_us) {
            commit->waiting_us = now_us;
        }
    }
    if (us) {
        const struct timeval tv = { us / 1000000, us % 1000000 };

        event_add(commit->later, &tv);
    }
    return n && !us;
}

void
commit_end_wait(struct commit *commit, bool begins)
{
    if (begins && commit->waiting_us) {
        commit->n_waits++;
        commit->waited_us += time_usec() - commit->waiting_us;
    }
    commit->waiting_us = 0;
    if (begins) {
        batching_begin(&commit->batching, commit->n_queue);
        gathering_begin(&commit->gathering, commit->n_queue_clients);
    } else {
        commit->batching.waiting = commit->gathering.waiting = false;
    }
}
