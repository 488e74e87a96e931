/* SPDX-License-Identifier: Apache-2.0
 *
 * Late calls of an app's worker: calls that exceed the caller's wait.  The
 * worker continues them.  Another call of the same message resumes a late
 * call, or takes its failure.  Not for active calls (app-worker-calls.c). */

#include <config.h>

#include "controller/worker/app-worker-private.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(app_worker_late);

/* From a call to a late call and back.  ----------------------------------- */

void
app_worker_leave(struct app_worker *worker, struct open_call *call,
                 const struct ofpbuf *message, int wait_ms)
{
    if (!call->message) {
        call->message = ofpbuf_clone(message);
        if (call->talk.out == message) {
            call->talk.out = call->message;
        }
        VLOG_INFO("app %s: its worker has not computed %s yet, and is not "
                  "waited for", app_worker_name(worker), call->what);
    }
    call->announced = false;
    if (call->urgent) {
        worker->quiet_until_msec = time_msec() + WORKER_QUIET_MS;
        worker->patience_ms = MAX(MIN(worker->patience_ms, wait_ms) / 2,
                                  WORKER_PATIENCE_MIN_MS);
    }
}

/* Returns true if two messages have the same type and contents.  'a' may be
 * NULL. */
static bool
same_message(const struct ofpbuf *a, const struct ofpbuf *b)
{
    return (a && app_worker_same_contents(a, b)
            && (((const struct worker_head *) a->data)->type
                == ((const struct worker_head *) b->data)->type));
}

int
app_worker_find_late(const struct app_worker *worker,
                     const struct ofpbuf *message)
{
    for (unsigned i = worker->n_active; i < worker->n_open; i++) {
        if (worker->open[i]->resumable
            && same_message(worker->open[i]->message, message)) {
            return i;
        }
    }
    return -1;
}

enum step
app_worker_read_again(struct app_worker *worker, const struct open_call *call,
                      const struct app_worker_client *client)
{
    uint64_t n_processes = worker->n_processes, digest = 0;
    const char *p = call->asked.data;
    const char *end = p + call->asked.size;
    struct ofpbuf out;
    bool same;

    ofpbuf_init(&out, 0);
    while (p < end && worker->n_processes == n_processes) {
        struct worker_head head;

        memcpy(&head, p, sizeof head);
        app_worker_make_answer(p, head.size, &out, client);
        digest = app_worker_digest(worker, digest, &out);
        p += head.size;
    }
    ofpbuf_uninit(&out);
    same = digest == call->digest && worker->n_processes == n_processes;
    return same ? STEP_ON : STEP_STALE;
}

bool
app_worker_take_failed(struct app_worker *worker, const struct ofpbuf *message,
                       const struct app_worker_client *client,
                       struct app_worker_result *result)
{
    struct open_call *call = worker->failed;
    char *problem = worker->failed_problem;
    bool same;

    if (!call || !same_message(call->message, message)) {
        return false;
    }
    worker->failed = NULL;
    worker->failed_problem = NULL;
    same = app_worker_read_again(worker, call, client) == STEP_ON;
    app_worker_free_call(call);
    if (same) {
        result->problem = problem;
    } else {
        free(problem);
    }
    return same;
}

/* Progress of late calls.  ------------------------------------------------ */

bool
app_worker_has_left(const struct app_worker *worker)
{
    return worker->n_open > worker->n_active || worker->failed;
}

bool
app_worker_is_busy(const struct app_worker *worker)
{
    return (app_worker_has_left(worker)
            || worker->state == APP_WORKER_STARTING);
}

/* Ends the process because the innermost late call has failed.  Keeps the
 * failure for the next call of the same message. */
static void
fail_left(struct app_worker *worker, char *why)
{
    struct open_call *call = worker->open[--worker->n_open];

    app_worker_end_process(worker, call->what, why, app_worker_cause(call));
    if (!worker->process.killed && call->who) {
        app_worker_bar(worker, call->who, call->owner);
    }
    if (worker->process.killed || !call->resumable) {
        app_worker_free_call(call);
        return;
    }
    app_worker_forget_failed(worker);
    worker->failed = call;
    worker->failed_problem = xasprintf("its worker %s", worker->failure);
    worker->n_ready++;
}

/* Ends a late call that no client needs any more, and of which a message was
 * received.  If the worker waits for an answer, its process is replaced. */
static void
end_left(struct app_worker *worker)
{
    const struct open_call *call = worker->open[worker->n_open - 1];
    const struct worker_head *head = call->in.data;

    if (head->type == WORKER_DONE && worker->n_open == 1) {
        app_worker_close_call(worker, 0);
    } else {
        app_worker_drop_process(worker);
    }
    worker->n_ready++;
}

/* Continues the innermost late call. */
static void
look_left(struct app_worker *worker)
{
    struct open_call *call = worker->open[worker->n_open - 1];
    char *why = NULL;

    if (!call->talk.whole) {
        why = worker_process_step(&worker->process, &call->talk);
        if (!call->talk.whole && !why) {
            why = worker_timer_check(&worker->process, &call->timer);
        }
    }
    if (why) {
        fail_left(worker, why);
    } else if (call->talk.whole && !call->resumable) {
        end_left(worker);
    } else if (call->talk.whole && !call->announced) {
        call->announced = true;
        worker->n_ready++;
    }
}

void
app_worker_look(struct app_worker *worker)
{
    if (worker->n_active) {
        return;
    }
    if (worker->n_open) {
        look_left(worker);
    } else {
        app_worker_note_ended(worker);
    }
    app_worker_run(worker);
}

void
app_worker_offer(struct app_worker *worker)
{
    worker->offered = true;
    for (unsigned i = 0; i < worker->n_open; i++) {
        worker->open[i]->resumed = false;
    }
}

void
app_worker_end_offer(struct app_worker *worker)
{
    const struct open_call *call
        = (worker->n_open && !worker->n_active
           ? worker->open[worker->n_open - 1] : NULL);

    if (worker->offered) {
        worker->offered = false;
        if (worker->failed && !worker->failed->check) {
            app_worker_forget_failed(worker);
        }
        if (call && call->talk.whole && !call->resumed && !call->check) {
            end_left(worker);
        }
    }
    if (worker->refused && !worker->n_open) {
        worker->refused = false;
        worker->n_ready++;
    }
}

void
app_worker_end_checks(struct app_worker *worker)
{
    struct open_call *call = worker->n_open ? worker->open[worker->n_open - 1]
                             : NULL;

    worker->check_waits = false;
    if (worker->failed && worker->failed->check) {
        app_worker_forget_failed(worker);
    }
    if (call && call->check && !worker->n_active) {
        call->resumable = false;
        if (call->talk.whole) {
            end_left(worker);
        }
    }
}

void
app_worker_refuse(struct app_worker *worker)
{
    worker->refused = true;
}
