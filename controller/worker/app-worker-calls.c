/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of an app's worker: sends a call's message, answers the worker's
 * reads, and takes the result.  Not for calls that exceed the caller's wait
 * (app-worker-late.c). */

#include <config.h>

#include "controller/worker/app-worker-private.h"

#include <stdlib.h>
#include <string.h>

#include "timeval.h"
#include "util.h"

/* Steps of a computation.  ------------------------------------------------ */

/* Parses a WORKER_DONE message.  Returns NULL, or the error, which the caller
 * frees. */
static char *
take_result(const struct ofpbuf *in, struct app_worker_result *result)
{
    struct wire_reader reader;

    wire_reader_init(&reader, in->data, in->size);
    wire_take(&reader, sizeof(struct worker_head));
    result->n_used = wire_take_u32(&reader);
    if (result->n_used > in->size / sizeof *result->used) {
        return xstrdup("sent what is no result");
    }
    result->used = wire_take(&reader, result->n_used * sizeof *result->used);
    result->value = wire_take_block(&reader, &result->value_size);
    result->log = wire_take_block(&reader, &result->log_size);
    return reader.bad ? xstrdup("sent what is no result") : NULL;
}

/* Returns the error of an answer, which the caller frees, or NULL.  'n_ends'
 * is the worker's number before the answer was made. */
static char *
check_answer(const struct app_worker *worker, struct open_call *call,
             uint64_t n_ends)
{
    return (worker->n_ends != n_ends
            ? xstrdup("was ended by a query that it reads")
            : call->answer.size > WORKER_MESSAGE_MAX
            ? xstrdup("reads what is too large")
            : ++call->n_reads > WORKER_READS_MAX
            ? xasprintf("read more than %d things", WORKER_READS_MAX)
            : call->asked.size + call->in.size > WORKER_ASKED_MAX
            ? xasprintf("read things whose names have more than %d MiB",
                        WORKER_ASKED_MAX / 1024 / 1024) : NULL);
}

/* Answers a WORKER_READ message. */
static enum step
answer(struct app_worker *worker, struct open_call *call,
       const struct app_worker_client *client,
       struct app_worker_result *result)
{
    uint64_t n_processes = worker->n_processes, n_ends = worker->n_ends;
    uint64_t n_calls = worker->n_calls;

    if (call->in.size > WORKER_MESSAGE_MIN
        || !app_worker_make_answer(call->in.data, call->in.size, &call->answer,
                                   client)) {
        result->problem = xstrdup("sent what is no question");
        return STEP_FAILED;
    }
    if (worker->n_processes != n_processes && worker->n_ends == n_ends) {
        return STEP_STALE;
    } else if (worker->n_open > worker->n_active) {
        return STEP_LATE;       /* An inner call is late. */
    }
    result->problem = check_answer(worker, call, n_ends);
    if (result->problem) {
        return STEP_FAILED;
    }
    if (worker->n_calls != n_calls) {
        worker_timer_forget(&call->timer);
    }
    if (call->resumable) {
        call->timer.reads_us += WORKER_READ_US;
        /* ofpbuf_put() alone would copy all of it each time. */
        if (ofpbuf_tailroom(&call->asked) < call->in.size) {
            ofpbuf_prealloc_tailroom(&call->asked,
                                     call->asked.size + call->in.size);
        }
        ofpbuf_put(&call->asked, call->in.data, call->in.size);
        call->digest = app_worker_digest(worker, call->digest,
                                         &call->answer);
    }
    app_worker_start_talk(&call->talk, &call->answer, &call->in);
    return STEP_ON;
}

/* Answers a WORKER_LOG message. */
static enum step
answer_log(struct app_worker *worker, struct open_call *call,
           const struct app_worker_client *client,
           struct app_worker_result *result)
{
    result->problem = (++call->n_reads > WORKER_READS_MAX
                       ? xasprintf("read more than %d things",
                                   WORKER_READS_MAX)
                       : app_worker_take_log(worker, &call->in, client->quiet,
                                             &call->answer));
    if (result->problem) {
        return STEP_FAILED;
    }
    app_worker_start_talk(&call->talk, &call->answer, &call->in);
    return STEP_ON;
}

/* Processes a message of the worker. */
static enum step
take_message(struct app_worker *worker, struct open_call *call,
             const struct app_worker_client *client,
             struct app_worker_result *result)
{
    const struct worker_head *head = call->in.data;

    if (head->size > call->in.size) {
        result->excess = head->size;
        return STEP_DONE;
    }
    switch (head->type) {
    case WORKER_LOG:
        return answer_log(worker, call, client, result);
    case WORKER_DONE:
        result->problem = take_result(&call->in, result);
        return result->problem ? STEP_FAILED : STEP_DONE;
    case WORKER_READ:
        return answer(worker, call, client, result);
    case WORKER_REFUSED:
        result->problem = app_worker_take_refusal(&call->in);
        return STEP_FAILED;
    default:
        result->problem = xstrdup("sent what is no answer");
        return STEP_FAILED;
    }
}

/* Continues a computation until it is complete, has failed, or its timer has
 * expired. */
static enum step
compute(struct app_worker *worker, struct open_call *call,
        const struct app_worker_client *client,
        struct app_worker_result *result)
{
    enum step step;

    do {
        if (!call->talk.whole) {
            worker->computing = true;
            result->problem = worker_process_talk(
                &worker->process, &call->talk, &call->timer);
            worker->computing = false;
        }
        if (!call->talk.whole) {
            return result->problem ? STEP_FAILED : STEP_LATE;
        }
        step = take_message(worker, call, client, result);
        if (step == STEP_ON) {
            result->problem = worker_timer_check(&worker->process,
                                                 &call->timer);
        }
    } while (step == STEP_ON && !result->problem);
    return step == STEP_ON ? STEP_FAILED : step;
}

/* Calls.  ----------------------------------------------------------------- */

/* Returns the reason why a worker that does not run cannot be called.  The
 * caller frees it. */
static char *
describe_absence(const struct app_worker *worker)
{
    return (worker->state == APP_WORKER_SUSPENDED
            ? xasprintf("the app is suspended, since its worker has ended %u "
                        "times; it %s", worker->n_recent, worker->failure)
            : worker->state == APP_WORKER_STARTING || !worker->failure
            ? xstrdup("its worker is being started")
            : xasprintf("its worker pauses, since it %s", worker->failure));
}

/* Returns the maximum wait for a call, in ms. */
static int
wait_of(const struct app_worker *worker,
        const struct app_worker_client *client)
{
    return (client->urgent ? MIN(client->wait_ms, worker->patience_ms)
            : client->wait_ms);
}

enum end_cause
app_worker_cause(const struct open_call *call)
{
    return (call->who ? END_BY_GUEST : call->check ? END_BY_WRITE
            : END_BY_APP);
}

/* Returns true if the wait counts for the owner's share of vmnd's time: there
 * is a loop that waits, too. */
static bool
has_share(const struct app_worker_client *client)
{
    return client->who && client->wait_ms < WORKER_WAIT_MS;
}

/* Returns true if the call has to wait for a check of what is written. */
static bool
must_give_way(struct app_worker *worker,
              const struct app_worker_client *client)
{
    if (client->check) {
        worker->check_waits = false;
    }
    return worker->check_waits && !client->urgent && !client->quiet;
}

/* Returns APP_WORKER_DONE if the worker can be called.  Waits for a start of
 * the process until 'end_ms' (time_msec()). */
static enum app_worker_outcome
check_called(struct app_worker *worker, const struct ofpbuf *message,
             const struct app_worker_client *client, int64_t end_ms,
             struct app_worker_result *result)
{
    if (message->size > WORKER_MESSAGE_MAX) {
        result->problem = xstrdup("what it reads is too large");
        return APP_WORKER_FAILED;
    }
    if (worker->n_active >= WORKER_DEPTH_MAX) {
        result->problem = xasprintf("more than %d queries of the app read "
                                    "each other", WORKER_DEPTH_MAX);
        return APP_WORKER_FAILED;
    }
    if (worker->computing) {
        worker->refused = true;
        result->problem = xasprintf("its worker is computing %s",
                                    worker->what);
        return APP_WORKER_AWAY;
    }
    if (!worker->n_open && must_give_way(worker, client)) {
        worker->refused = true;
        result->problem = xstrdup("a check of what is written comes first");
        return APP_WORKER_AWAY;
    }
    if (!worker->n_open) {
        app_worker_note_ended(worker);
    }
    if (worker->n_active ? worker->state != APP_WORKER_RUNNING
        : !worker->n_open && !app_worker_run_until(worker, end_ms)) {
        result->problem = describe_absence(worker);
        return APP_WORKER_AWAY;
    }
    if (client->urgent && time_msec() < worker->quiet_until_msec) {
        result->problem = xstrdup("its worker was late a moment ago");
        return APP_WORKER_AWAY;
    }
    if (has_share(client) && !fair_rate_take(&worker->waits, client->owner)) {
        result->problem = xstrdup("packets of this tenant have used their "
                                  "share of vmnd's time");
        return APP_WORKER_AWAY;
    }
    return APP_WORKER_DONE;
}

/* Ends the process, unless an inner call has ended it since 'n_ends' was read,
 * and completes the result's problem.  Returns APP_WORKER_AWAY if another
 * program has killed the process: the computation has not failed. */
static enum app_worker_outcome
fail(struct app_worker *worker, const struct open_call *call, uint64_t n_ends,
     struct app_worker_result *result)
{
    char *why = result->problem;

    if (worker->n_ends == n_ends) {
        app_worker_end_process(worker, call->what, why,
                               app_worker_cause(call));
        result->problem = xasprintf("its worker %s", worker->failure);
    } else {
        result->problem = xasprintf("its worker %s", why);
        free(why);
    }
    if (worker->process.killed) {
        return APP_WORKER_AWAY;
    }
    if (call->who) {
        app_worker_bar(worker, call->who, call->owner);
    }
    return APP_WORKER_FAILED;
}

/* Closes the innermost active call. */
static void
end_active(struct app_worker *worker)
{
    unsigned i = worker->n_active - 1;

    worker->n_active = worker->open[i]->outer;
    app_worker_close_call(worker, i);
    /* Late calls outside of this one end with its process. */
    while (!worker->process.pid && worker->n_open > worker->n_active) {
        app_worker_close_call(worker, worker->n_open - 1);
    }
    if (worker->refused && !worker->n_active) {
        worker->refused = false;
        worker->n_ready++;
    }
}

/* Makes a call, or resumes the late call with index 'left', if 'left' is not
 * negative. */
static enum app_worker_outcome
try_call(struct app_worker *worker, const struct ofpbuf *message, int left,
         const struct app_worker_client *client,
         struct app_worker_result *result)
{
    struct open_call *call = (left >= 0 ? worker->open[left]
                              : app_worker_open_call(worker, message, client));
    const char *what = worker->what;
    enum step step = STEP_ON;
    enum app_worker_outcome outcome;
    uint64_t n_ends = worker->n_ends;

    call->outer = worker->n_active;
    worker->n_active = left >= 0 ? (unsigned) left + 1 : worker->n_open;
    worker->what = call->what;
    if (left >= 0) {
        call->resumed = true;
        step = app_worker_read_again(worker, call, client);
    }
    call->talk.max = client->result_max;
    call->timer.end_ms = time_msec() + (call->check && left >= 0 ? 0
                                        : wait_of(worker, client));
    call->timer.yield = client->yield;
    call->timer.aux = client->aux;
    if (step == STEP_ON) {
        step = compute(worker, call, client, result);
    }
    worker->what = what;
    if (step == STEP_DONE) {
        worker->patience_ms = MIN(worker->patience_ms + client->urgent,
                                  WORKER_PATIENCE_MAX_MS);
        return APP_WORKER_DONE;
    } else if (step == STEP_FAILED) {
        outcome = fail(worker, call, n_ends, result);
        end_active(worker);
        return outcome;
    }
    result->problem = xasprintf("its worker is computing %s", call->what);
    if (step == STEP_LATE) {
        app_worker_leave(worker, call, message, client->wait_ms);
        worker->n_active = call->outer;
    } else {
        if (worker->process.pid) {
            app_worker_drop_process(worker);
        }
        end_active(worker);
    }
    return APP_WORKER_AWAY;
}

static enum app_worker_outcome
call_worker(struct app_worker *worker, const struct ofpbuf *message,
            const struct app_worker_client *client,
            struct app_worker_result *result)
{
    int64_t end_ms = time_msec() + wait_of(worker, client);
    enum app_worker_outcome outcome;
    uint64_t n_ends;
    int left = -1;

    memset(result, 0, sizeof *result);
    if (!client->urgent
        && app_worker_take_failed(worker, message, client, result)) {
        return APP_WORKER_FAILED;
    }
    outcome = check_called(worker, message, client, end_ms, result);
    if (outcome != APP_WORKER_DONE) {
        return outcome;
    }
    if (worker->n_open > worker->n_active) {
        left = client->urgent ? -1 : app_worker_find_late(worker, message);
        if (left < 0) {
            result->problem = xasprintf(
                "its worker is computing %s",
                worker->open[worker->n_open - 1]->what);
            worker->refused = true;
            worker->check_waits |= client->check;
            if (worker->n_active) {
                /* An active call waits for this one, which is refused. */
                app_worker_drop_process(worker);
            }
            return APP_WORKER_AWAY;
        }
    }
    n_ends = worker->n_ends;
    outcome = try_call(worker, message, left, client, result);
    /* The process was killed by another program: try once more. */
    if (outcome == APP_WORKER_AWAY && worker->n_ends != n_ends
        && worker->process.killed && !worker->n_active
        && app_worker_run_until(worker, end_ms)) {
        free(result->problem);
        outcome = try_call(worker, message, -1, client, result);
    }
    return outcome;
}

enum app_worker_outcome
app_worker_call(struct app_worker *worker, const struct ofpbuf *message,
                const struct app_worker_client *client,
                struct app_worker_result *result)
{
    long long int start_us = time_usec();
    enum app_worker_outcome outcome = call_worker(worker, message, client,
                                                  result);

    if (has_share(client)) {
        fair_rate_charge(&worker->waits, client->owner,
                         (time_usec() - start_us) / WORKER_SHARE_UNIT_US);
    }
    return outcome;
}

void
app_worker_release(struct app_worker *worker)
{
    end_active(worker);
}
