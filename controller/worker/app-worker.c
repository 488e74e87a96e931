/* SPDX-License-Identifier: Apache-2.0
 *
 * An app's worker, seen from vmnd: its creation and destruction, its status,
 * and the bars of guests whose packets have ended it; see app-worker.h.  Not
 * for starting the process again (app-worker-lifecycle.c), nor for calls
 * (app-worker-calls.c). */

#include <config.h>

#include "controller/worker/app-worker.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "controller/worker/app-worker-private.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(app_worker);

/* Creation and destruction.  ---------------------------------------------- */

/* Has a worker for the module 'fd', which the worker takes over, begin to load
 * it.  A negative 'fd' is a negative errno, and an error. */
static struct app_worker *
begin(const char *program, int fd, int limit_ms, struct vmn_error *why)
{
    struct app_worker *worker;
    char *problem;

    if (fd < 0) {
        vmn_error_set(why, VMN_ERR_NOT_FOUND, "", "%s", ovs_strerror(-fd));
        return NULL;
    }
    worker = xzalloc(sizeof *worker);
    worker->module_fd = fd;
    worker->program = xstrdup(program);
    worker->what = "its start";
    arena_init(&worker->description.arena);
    replay_texts_init(&worker->texts);
    app_log_init(&worker->log);
    ofpbuf_init(&worker->described, 1024);
    ofpbuf_init(&worker->start.out, 64);
    ofpbuf_init(&worker->start.in, 1024);
    worker->end_msec = time_msec();
    worker->patience_ms = WORKER_PATIENCE_MAX_MS;
    fair_rate_init(&worker->waits, WORKER_SHARE_RATE, WORKER_SHARE_BURST_S);
    if (getrandom(&worker->key, sizeof worker->key, 0) < 0) {
        VLOG_FATAL("no random numbers (%s)", ovs_strerror(errno));
    }
    problem = app_worker_begin_first(worker, limit_ms);
    if (problem) {
        vmn_error_invalid(why, "%s", problem);
        free(problem);
        app_worker_destroy(worker);
        return NULL;
    }
    return worker;
}

/* Continues the load until 'end_ms' (time_msec()). */
static enum app_worker_outcome
load_until(struct app_worker *worker, int64_t end_ms, struct vmn_error *why)
{
    bool done;
    char *problem = app_worker_continue_first(worker, end_ms, &done);

    if (problem) {
        vmn_error_invalid(why, "%s", problem);
        free(problem);
        return APP_WORKER_FAILED;
    }
    if (done) {
        worker->what = "nothing";
    }
    return done ? APP_WORKER_DONE : APP_WORKER_AWAY;
}

enum app_worker_outcome
app_worker_load(struct app_worker *worker, struct vmn_error *why)
{
    return load_until(worker, 0, why);
}

/* Loads the module 'fd' and waits for that. */
static struct app_worker *
create(const char *program, int fd, struct vmn_error *why)
{
    struct app_worker *worker = begin(program, fd, 2 * WORKER_LOAD_MS, why);

    if (worker
        && load_until(worker, INT64_MAX, why) != APP_WORKER_DONE) {
        app_worker_destroy(worker);
        return NULL;
    }
    return worker;
}

struct app_worker *
app_worker_create(const char *program, const char *file,
                  struct vmn_error *why)
{
    return create(program, worker_module_copy(file), why);
}

struct app_worker *
app_worker_create_from(const char *program, const char *file,
                       const void *content, size_t size,
                       struct vmn_error *why)
{
    return create(program, worker_module_make(file, content, size), why);
}

struct app_worker *
app_worker_begin(const char *program, const char *file, const void *content,
                 size_t size, struct vmn_error *why)
{
    return begin(program, worker_module_make(file, content, size),
                 WORKER_LOAD_MS, why);
}

void
app_worker_destroy(struct app_worker *worker)
{
    if (!worker) {
        return;
    }
    free(worker_process_end(&worker->process));
    app_worker_close_late(worker);
    app_worker_forget_failed(worker);
    close(worker->module_fd);
    app_description_uninit(&worker->description);
    replay_texts_uninit(&worker->texts);
    app_log_uninit(&worker->log);
    ofpbuf_uninit(&worker->described);
    ofpbuf_uninit(&worker->start.out);
    ofpbuf_uninit(&worker->start.in);
    fair_rate_uninit(&worker->waits);
    free(worker->failure);
    free(worker->computed);
    free(worker->program);
    free(worker);
}

/* Status.  ---------------------------------------------------------------- */

const struct app_description *
app_worker_description(const struct app_worker *worker)
{
    return &worker->description;
}

struct replay_texts *
app_worker_texts(struct app_worker *worker)
{
    return &worker->texts;
}

const struct app_log *
app_worker_log(const struct app_worker *worker)
{
    return &worker->log;
}

bool
app_worker_is_suspended(const struct app_worker *worker)
{
    return worker->state == APP_WORKER_SUSPENDED;
}

uint64_t
app_worker_n_ready(const struct app_worker *worker)
{
    return worker->n_ready;
}

void
app_worker_get_status(const struct app_worker *worker,
                      struct app_worker_status *status)
{
    *status = (struct app_worker_status) {
        .state = (worker->state == APP_WORKER_STARTING ? APP_WORKER_PAUSING
                  : worker->state),
        .pid = (worker->state == APP_WORKER_RUNNING ? worker->process.pid
                : 0),
        .n_ends = worker->n_ends,
        .failure = worker->failure,
        .computed = worker->computed,
        .failure_ms = worker->failure_ms,
        .n_calls = worker->n_calls,
    };
}

/* Bars of guests.  -------------------------------------------------------- */

/* Counts the guests of 'owner' that are barred.  Sets '*found' if 'who' is
 * barred. */
static unsigned
count_barred(const struct app_worker *worker, uint32_t who, uint32_t owner,
             bool *found)
{
    int64_t now = time_msec();
    unsigned n = 0;

    *found = false;
    for (size_t i = 0; i < MIN(worker->n_barred, WORKER_BARRED_MAX); i++) {
        if (worker->barred[i].until_msec > now) {
            n += worker->barred[i].owner == owner;
            *found |= worker->barred[i].who == who;
        }
    }
    return n;
}

void
app_worker_bar(struct app_worker *worker, uint32_t who, uint32_t owner)
{
    bool found;
    unsigned n = count_barred(worker, who, owner, &found);
    size_t i = worker->n_barred++ % WORKER_BARRED_MAX;

    worker->barred[i].who = who;
    worker->barred[i].owner = owner;
    worker->barred[i].until_msec
        = time_msec() + ((int64_t) WORKER_BAR_MS
                         << MIN(n, WORKER_BARRED_OF_OWNER_MAX - 1));
}

void
app_worker_end_bars(struct app_worker *worker)
{
    worker->n_barred = 0;
}

bool
app_worker_is_barred(const struct app_worker *worker, uint32_t who,
                     uint32_t owner)
{
    bool found;

    return (count_barred(worker, who, owner, &found)
            >= WORKER_BARRED_OF_OWNER_MAX || found);
}

bool
app_worker_bars_are_full(const struct app_worker *worker)
{
    size_t oldest = worker->n_barred % WORKER_BARRED_MAX;

    return (worker->n_barred >= WORKER_BARRED_MAX
            && worker->barred[oldest].until_msec > time_msec());
}
