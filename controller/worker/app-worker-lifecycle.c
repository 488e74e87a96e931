/* SPDX-License-Identifier: Apache-2.0
 *
 * The life cycle of an app's worker: starts the process, ends it, and plans
 * and carries out the restart.  Not for system calls on the process
 * (worker-process.c), nor for calls (app-worker-calls.c). */

#include <config.h>

#include "controller/worker/app-worker-private.h"

#include <stdlib.h>

#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(app_worker_lifecycle);

/* End of a process.  ------------------------------------------------------ */

/* Decides when the process is restarted, or suspends the app if the app itself
 * ends its process too often. */
static void
plan_restart(struct app_worker *worker, enum end_cause cause)
{
    int64_t now = time_msec();

    if (cause != END_BY_APP || worker->process.killed) {
        bool paced = (worker->process.killed || cause == END_BY_WRITE
                      || app_worker_bars_are_full(worker));

        worker->state = APP_WORKER_PAUSING;
        worker->restart_msec = (paced ? MAX(now, worker->restart_msec
                                                 + WORKER_PACE_MS)
                                : now);
        return;
    }
    if (now - worker->end_msec > WORKER_NEW_BEGINNING_MS) {
        worker->n_recent = 0;
    }
    worker->end_msec = now;
    worker->n_recent++;
    if (worker->n_recent >= WORKER_ENDS_MAX) {
        worker->state = APP_WORKER_SUSPENDED;
        worker->n_ready++;      /* Flows of the app may be withdrawn. */
        VLOG_ERR("app %s: its worker has ended %u times: the app is suspended",
                 app_worker_name(worker), worker->n_recent);
        return;
    }
    worker->state = APP_WORKER_PAUSING;
    worker->restart_msec = now;
    if (worker->n_recent > WORKER_ENDS_AT_ONCE) {
        worker->restart_msec += (int64_t) WORKER_FIRST_PAUSE_MS
                                << (worker->n_recent - WORKER_ENDS_AT_ONCE
                                    - 1);
    }
}

void
app_worker_end_process(struct app_worker *worker, const char *what, char *why,
                       enum end_cause cause)
{
    char *how = worker_process_end(&worker->process);

    if (how) {
        free(why);
        why = how;
    }
    VLOG_WARN("app %s: its worker, computing %s, %s",
              app_worker_name(worker), what, why);
    free(worker->failure);
    worker->failure = why;
    free(worker->computed);
    worker->computed = xstrdup(what);
    worker->failure_ms = time_wall_msec();
    worker->n_ends++;
    plan_restart(worker, cause);
    app_worker_close_late(worker);
}

void
app_worker_drop_process(struct app_worker *worker)
{
    free(worker_process_end(&worker->process));
    worker->state = APP_WORKER_PAUSING;
    worker->restart_msec = time_msec();
    app_worker_close_late(worker);
}

void
app_worker_note_ended(struct app_worker *worker)
{
    if (worker->state == APP_WORKER_RUNNING
        && worker_process_has_ended(&worker->process)) {
        worker->process.closed = true;
        app_worker_end_process(worker, "nothing", xstrdup("has ended"),
                               END_BY_APP);
    }
}

/* Start of a process.  vmnd sends WORKER_GO.  The worker loads its module and
 * sends WORKER_CLOSES.  vmnd sends WORKER_GO again, and the worker sends its
 * description (WORKER_LOADED).  ------------------------------------------- */

static void
send_go(struct worker_start *start)
{
    ofpbuf_clear(&start->out);
    wire_begin(&start->out, WORKER_GO);
    wire_end(&start->out);
    app_worker_start_talk(&start->talk, &start->out, &start->in);
}

/* Starts the process, with limits of processor time and of sleep.  Returns
 * NULL, or the error, which the caller frees. */
static char *
begin_start(struct app_worker *worker, int cpu_ms, int sleep_ms)
{
    struct worker_start *start = &worker->start;
    int error = worker_process_start(&worker->process, worker->program,
                                     worker->module_fd);

    if (error) {
        return xasprintf("%s cannot be started (%s)", worker->program,
                         ovs_strerror(error));
    }
    start->closing = false;
    start->n_lines = 0;
    send_go(start);
    worker_timer_start(&start->timer, cpu_ms, sleep_ms, 0);
    return NULL;
}

/* Processes a message of a process that is starting.  Returns NULL, or the
 * error, which the caller frees.  Sets '*done' after the last message. */
static char *
take_start(struct app_worker *worker, bool *done)
{
    struct worker_start *start = &worker->start;
    const struct worker_head *head = start->in.data;

    if (head->type == WORKER_REFUSED) {
        return app_worker_take_refusal(&start->in);
    }
    if (head->type == WORKER_LOG && start->n_lines++ < VMN_LOG_LINES_MAX) {
        char *why = app_worker_take_log(worker, &start->in, false,
                                        &start->out);

        app_worker_start_talk(&start->talk, &start->out, &start->in);
        return why;
    }
    if (head->type != (start->closing ? WORKER_LOADED : WORKER_CLOSES)) {
        return xstrdup("sent what is no description");
    }
    if (!worker_process_is_filtered(&worker->process,
                                    start->closing ? 2 : 1)) {
        return xstrdup("has other filters of system calls than its sandbox");
    }
    *done = start->closing;
    if (!*done) {
        start->closing = true;
        send_go(start);
    }
    return NULL;
}

/* Continues the start until 'end_ms' (time_msec()).  Sets '*done' if the start
 * is complete.  Returns NULL, or the error, which the caller frees. */
static char *
go_on_starting(struct app_worker *worker, int64_t end_ms, bool *done)
{
    struct worker_start *start = &worker->start;
    char *why = NULL;

    *done = false;
    start->timer.end_ms = end_ms;
    while (!why && !*done) {
        why = worker_process_talk(&worker->process, &start->talk,
                                  &start->timer);
        if (!why && !start->talk.whole) {
            break;
        }
        why = why ? why : take_start(worker, done);
    }
    return why;
}

char *
app_worker_begin_first(struct app_worker *worker, int limit_ms)
{
    worker->start.end_msec = time_msec() + WORKER_START_MS;
    return begin_start(worker, limit_ms, limit_ms);
}

char *
app_worker_continue_first(struct app_worker *worker, int64_t end_ms,
                          bool *done)
{
    struct worker_start *start = &worker->start;
    char *why = go_on_starting(worker, MIN(end_ms, start->end_msec), done);
    char *how;
    struct wire_reader reader;

    if (!why && !*done) {
        if (time_msec() < start->end_msec) {
            return NULL;
        }
        why = xasprintf("took more than %d ms", WORKER_START_MS);
    }
    if (!why) {
        ofpbuf_put(&worker->described, start->in.data, start->in.size);
        wire_reader_init(&reader, worker->described.data,
                         worker->described.size);
        wire_take(&reader, sizeof(struct worker_head));
        return (app_description_take(&reader, &worker->description) ? NULL
                : xstrdup("its worker sent what is no description"));
    }
    how = worker_process_end(&worker->process);
    if (how) {
        free(why);
        why = how;
    }
    return why;
}

/* Restart.  --------------------------------------------------------------- */

static void
fail_start(struct app_worker *worker, char *why)
{
    app_worker_end_process(worker, "its start", why, END_BY_APP);
}

static void
restart(struct app_worker *worker)
{
    char *why = begin_start(worker, WORKER_CPU_MS, WORKER_START_MS);

    if (why) {
        fail_start(worker, why);
    } else {
        worker->state = APP_WORKER_STARTING;
    }
}

bool
app_worker_run_until(struct app_worker *worker, int64_t end_ms)
{
    bool done = false;
    char *why = NULL;

    if (worker->state == APP_WORKER_PAUSING
        && time_msec() >= worker->restart_msec) {
        restart(worker);
    }
    if (worker->state == APP_WORKER_STARTING) {
        why = go_on_starting(worker, end_ms, &done);
    }
    if (done
        && !app_worker_same_contents(&worker->start.in, &worker->described)) {
        why = xstrdup("describes its app otherwise than the last time");
    }
    if (why) {
        fail_start(worker, why);
    } else if (done) {
        worker->state = APP_WORKER_RUNNING;
        worker->n_ready++;
        VLOG_INFO("app %s: its worker is started again",
                  app_worker_name(worker));
    }
    return worker->state == APP_WORKER_RUNNING;
}

bool
app_worker_run(struct app_worker *worker)
{
    return app_worker_run_until(worker, 0);
}

void
app_worker_resume(struct app_worker *worker)
{
    worker->n_recent = 0;
    worker->check_waits = false;
    worker->patience_ms = WORKER_PATIENCE_MAX_MS;
    if (worker->state == APP_WORKER_PAUSING
        || worker->state == APP_WORKER_SUSPENDED) {
        worker->state = APP_WORKER_PAUSING;
        worker->restart_msec = time_msec();
        app_worker_run(worker);
    }
}
