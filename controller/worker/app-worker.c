/* SPDX-License-Identifier: Apache-2.0
 *
 * Workers of apps, seen from vmnd: see app-worker.h. */

#include <config.h>

#include "controller/worker/app-worker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/worker/app-description.h"
#include "controller/worker/app-log.h"
#include "controller/worker/replay-calls.h"
#include "controller/worker/worker-process.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(app_worker);

/* Buffers that have grown larger are not kept. */
#define KEPT_SIZE_MAX (1 << 20)
/* Characters of a text of a worker that people get to see. */
#define REFUSAL_LEN 200

struct app_worker {
    char *program;
    int module_fd;              /* A copy of the module, sealed. */
    struct worker_process process;
    struct app_description description;
    struct ofpbuf described;    /* The message that it was taken from. */
    struct replay_texts texts;
    struct app_log log;

    /* Computations, one within another. */
    unsigned depth;
    bool computing;             /* It computes, and does not wait for us. */
    const char *what;           /* The last one, for people. */
    bool refused;               /* Somebody was, since it was computing. */
    struct ofpbuf in[WORKER_DEPTH_MAX];
    struct ofpbuf out;          /* Answers. */

    /* Ends. */
    enum app_worker_state state;
    unsigned n_recent;          /* Ends without a new beginning. */
    int64_t end_msec;           /* time_msec() of the last one. */
    int64_t restart_msec;       /* When it is to be started again. */
    uint64_t n_ends, n_calls, n_ready;
    char *failure;              /* Of the last one, or NULL. */
    char *computed;             /* What it computed then. */
    int64_t failure_ms;

    /* The last ones that were barred, in a ring. */
    size_t n_barred;
    struct {
        uint32_t who, owner;
        int64_t until_msec;
    } barred[WORKER_BARRED_MAX];
};

/* Ends and beginnings.  --------------------------------------------------- */

static const char *
name_of(const struct app_worker *worker)
{
    const char *name = worker->description.class_.name;

    return name ? name : "(unnamed)";
}

static void
plan_restart(struct app_worker *worker, bool by_guest)
{
    int64_t now = time_msec();

    if (by_guest) {
        worker->state = APP_WORKER_PAUSING;
        worker->restart_msec = now;
        return;
    }
    if (now - worker->end_msec > WORKER_NEW_BEGINNING_MS) {
        worker->n_recent = 0;
    }
    worker->end_msec = now;
    worker->n_recent++;
    if (worker->n_recent >= WORKER_ENDS_MAX) {
        worker->state = APP_WORKER_SUSPENDED;
        worker->n_ready++;      /* Its units may have to be withdrawn. */
        VLOG_ERR("app %s: its worker has ended %u times: the app is suspended",
                 name_of(worker), worker->n_recent);
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

/* Ends the process; 'why', which becomes the worker's, says for which
 * reason; 'by_guest', that a guest's packet did it. */
static void
end_process(struct app_worker *worker, char *why, bool by_guest)
{
    char *how = worker_process_end(&worker->process);

    if (how) {
        free(why);
        why = how;
    }
    VLOG_WARN("app %s: its worker, computing %s, %s",
              name_of(worker), worker->what, why);
    free(worker->failure);
    worker->failure = why;
    free(worker->computed);
    worker->computed = xstrdup(worker->what);
    worker->failure_ms = time_wall_msec();
    worker->n_ends++;
    plan_restart(worker, by_guest);
}

/* What a worker says is for people: without control characters, and short. */
static char *
take_refusal(const struct ofpbuf *in)
{
    struct wire_reader reader;

    wire_reader_init(&reader, in->data, in->size);
    wire_take(&reader, sizeof(struct worker_head));
    return app_text_clean(wire_take_text(&reader), REFUSAL_LEN);
}

/* Takes a line for the app's log, unless 'quiet', and says so to the worker,
 * which waits.  Returns NULL, or why that cannot be done. */
static char *
take_log(struct app_worker *worker, const struct ofpbuf *in, bool quiet,
         struct worker_timer *timer)
{
    struct wire_reader reader;
    const char *text;

    wire_reader_init(&reader, in->data, in->size);
    wire_take(&reader, sizeof(struct worker_head));
    text = wire_take_text(&reader);
    if (reader.bad) {
        return xstrdup("sent what is no line");
    }
    if (!quiet) {
        app_log_add(&worker->log, worker->what, text);
    }
    wire_begin(&worker->out, WORKER_ANSWER);
    wire_end(&worker->out);
    return worker_process_send(&worker->process, &worker->out, timer);
}

/* Reads what a worker that was just started says of its app.  Returns NULL, or
 * why there is none. */
static char *
receive_description(struct app_worker *worker, struct ofpbuf *in)
{
    struct worker_timer timer = { .cpu_ms = WORKER_CPU_MS,
                                  .wait_ms = WORKER_START_MS };
    const struct worker_head *head;
    char *why;

    worker_timer_start(&timer);
    worker->process.receive_max = 0;
    for (int i = 0; ; i++) {
        why = worker_process_receive(&worker->process, in, &timer);
        if (why) {
            return why;
        }
        head = in->data;
        if (head->type != WORKER_LOG || i == VMN_LOG_LINES_MAX) {
            break;
        }
        why = take_log(worker, in, false, &timer);
        if (why) {
            return why;
        }
    }
    if (head->type == WORKER_REFUSED) {
        return take_refusal(in);
    }
    return (head->type == WORKER_LOADED ? NULL
            : xstrdup("sent what is no description"));
}

/* Starts the process.  Returns NULL, or why it cannot be. */
static char *
start_process(struct app_worker *worker, struct ofpbuf *described)
{
    int error = worker_process_start(&worker->process, worker->program,
                                     worker->module_fd);
    char *why, *how;

    if (error) {
        return xasprintf("%s cannot be started (%s)", worker->program,
                         ovs_strerror(error));
    }
    why = receive_description(worker, described);
    if (why) {
        how = worker_process_end(&worker->process);
        if (how) {
            free(why);
            why = how;
        }
    }
    return why;
}

/* Returns true if two messages say the same. */
static bool
same_contents(const struct ofpbuf *a, const struct ofpbuf *b)
{
    const size_t ofs = sizeof(struct worker_head);

    return (a->size == b->size
            && !memcmp((const char *) a->data + ofs,
                       (const char *) b->data + ofs, a->size - ofs));
}

static void
restart(struct app_worker *worker)
{
    struct ofpbuf described;
    char *why;

    ofpbuf_init(&described, 1024);
    why = start_process(worker, &described);
    if (!why && !same_contents(&described, &worker->described)) {
        why = xstrdup("describes its app otherwise than the last time");
    }
    if (why) {
        worker->what = "its start";
        end_process(worker, why, false);
        worker->what = "nothing";
    } else {
        worker->state = APP_WORKER_RUNNING;
        worker->n_ready++;
        VLOG_INFO("app %s: its worker is started again", name_of(worker));
    }
    ofpbuf_uninit(&described);
}

void
app_worker_look(struct app_worker *worker)
{
    if (worker->state == APP_WORKER_RUNNING && !worker->depth
        && worker_process_has_ended(&worker->process)) {
        worker->process.closed = true;
        end_process(worker, xstrdup("has ended"), false);
    }
    app_worker_run(worker);
}

bool
app_worker_run(struct app_worker *worker)
{
    if (worker->state == APP_WORKER_PAUSING
        && time_msec() >= worker->restart_msec) {
        restart(worker);
    }
    return worker->state == APP_WORKER_RUNNING;
}

void
app_worker_resume(struct app_worker *worker)
{
    worker->n_recent = 0;
    if (worker->state != APP_WORKER_RUNNING) {
        worker->state = APP_WORKER_PAUSING;
        worker->restart_msec = time_msec();
        app_worker_run(worker);
    }
}

/* Creates one with the module 'fd', or for a negative errno fails. */
static struct app_worker *
create(const char *program, int fd, struct vmn_error *why)
{
    struct app_worker *worker = xzalloc(sizeof *worker);
    struct wire_reader reader;
    char *problem = NULL;

    worker->module_fd = fd;
    if (worker->module_fd < 0) {
        vmn_error_set(why, VMN_ERR_NOT_FOUND, "", "%s",
                      ovs_strerror(-worker->module_fd));
        free(worker);
        return NULL;
    }
    worker->program = xstrdup(program);
    worker->what = "its start";
    replay_texts_init(&worker->texts);
    app_log_init(&worker->log);
    ofpbuf_init(&worker->described, 1024);
    ofpbuf_init(&worker->out, 1024);
    for (size_t i = 0; i < ARRAY_SIZE(worker->in); i++) {
        ofpbuf_init(&worker->in[i], 0);
    }
    worker->end_msec = time_msec();
    problem = start_process(worker, &worker->described);
    if (!problem) {
        wire_reader_init(&reader, worker->described.data,
                         worker->described.size);
        wire_take(&reader, sizeof(struct worker_head));
        if (!app_description_take(&reader, &worker->description)) {
            problem = xstrdup("its worker sent what is no description");
        }
    }
    if (problem) {
        vmn_error_invalid(why, "%s", problem);
        free(problem);
        arena_init(&worker->description.arena);
        app_worker_destroy(worker);
        return NULL;
    }
    worker->what = "nothing";
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

void
app_worker_destroy(struct app_worker *worker)
{
    if (!worker) {
        return;
    }
    free(worker_process_end(&worker->process));
    close(worker->module_fd);
    app_description_uninit(&worker->description);
    replay_texts_uninit(&worker->texts);
    app_log_uninit(&worker->log);
    ofpbuf_uninit(&worker->described);
    ofpbuf_uninit(&worker->out);
    for (size_t i = 0; i < ARRAY_SIZE(worker->in); i++) {
        ofpbuf_uninit(&worker->in[i]);
    }
    free(worker->failure);
    free(worker->computed);
    free(worker->program);
    free(worker);
}

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
app_worker_bar(struct app_worker *worker, uint32_t who, uint32_t owner)
{
    size_t i = worker->n_barred++ % WORKER_BARRED_MAX;

    worker->barred[i].who = who;
    worker->barred[i].owner = owner;
    worker->barred[i].until_msec = time_msec() + WORKER_BAR_MS;
}

bool
app_worker_is_barred(const struct app_worker *worker, uint32_t who,
                     uint32_t owner)
{
    int64_t now = time_msec();
    unsigned n_of_owner = 0;

    for (size_t i = 0; i < MIN(worker->n_barred, WORKER_BARRED_MAX); i++) {
        if (worker->barred[i].until_msec > now) {
            n_of_owner += worker->barred[i].owner == owner;
            if (worker->barred[i].who == who
                || n_of_owner >= WORKER_BARRED_OF_OWNER_MAX) {
                return true;
            }
        }
    }
    return false;
}

void
app_worker_get_status(const struct app_worker *worker,
                      struct app_worker_status *status)
{
    *status = (struct app_worker_status) {
        .state = worker->state,
        .pid = worker->process.pid,
        .n_ends = worker->n_ends,
        .failure = worker->failure,
        .computed = worker->computed,
        .failure_ms = worker->failure_ms,
        .n_calls = worker->n_calls,
    };
}

/* Computations.  ---------------------------------------------------------- */

/* Takes the result apart.  Returns NULL, or why that cannot be done. */
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

/* Answers what the worker reads.  Computations of the same worker may take
 * place meanwhile.  Returns NULL, or why it cannot be answered. */
static char *
answer(struct app_worker *worker, const struct ofpbuf *in,
       const struct app_worker_client *client, struct worker_timer *timer)
{
    struct worker_process *process = &worker->process;
    uint64_t n_ends = worker->n_ends, n_calls = worker->n_calls;
    struct wire_reader reader;
    struct worker_read read;
    struct ofpbuf out;
    char *why = NULL;

    wire_reader_init(&reader, in->data, in->size);
    wire_take(&reader, sizeof(struct worker_head));
    wire_take_read(&reader, &read);
    if (reader.bad) {
        return xstrdup("sent what is no question");
    }
    /* The buffer is taken, so that an inner answer gets another one. */
    out = worker->out;
    ofpbuf_init(&worker->out, 0);
    wire_begin(&out, WORKER_ANSWER);
    worker->computing = false;
    client->answer(client->aux, &read, &out);
    wire_end(&out);
    if (worker->n_ends != n_ends) {
        /* An inner computation has ended it. */
        why = xstrdup("was ended by a query that it reads");
    } else if (out.size > WORKER_MESSAGE_MAX) {
        why = xstrdup("reads what is too large");
    } else {
        if (worker->n_calls != n_calls) {
            worker_timer_forget(timer);
        }
        worker->computing = true;
        why = worker_process_send(process, &out, timer);
    }
    ofpbuf_uninit(&worker->out);
    worker->out = out;
    return why;
}

/* Goes through a computation that was sent.  Returns NULL, or why it
 * failed. */
static char *
compute(struct app_worker *worker, const struct app_worker_client *client,
        struct worker_timer *timer, struct app_worker_result *result)
{
    struct ofpbuf *in = &worker->in[worker->depth - 1];
    size_t n_reads = 0;

    for (;;) {
        const struct worker_head *head;
        char *why;

        worker->process.receive_max = client->result_max;
        why = worker_process_receive(&worker->process, in, timer);
        if (why) {
            return why;
        }
        head = in->data;
        if (head->size > in->size) {
            result->excess = head->size;
            return NULL;
        } else if (head->type == WORKER_DONE) {
            return take_result(in, result);
        } else if (head->type == WORKER_READ || head->type == WORKER_LOG) {
            why = (head->type == WORKER_READ
                   ? answer(worker, in, client, timer)
                   : take_log(worker, in, client->quiet, timer));
            if (!why) {
                why = (++n_reads > WORKER_READS_MAX
                       ? xasprintf("read more than %d things",
                                   WORKER_READS_MAX)
                       : worker_timer_check(&worker->process, timer));
            }
            if (why) {
                return why;
            }
        } else if (head->type == WORKER_REFUSED) {
            return take_refusal(in);
        } else {
            return xstrdup("sent what is no answer");
        }
    }
}

/* Returns APP_WORKER_DONE if the worker can be called. */
static enum app_worker_outcome
check_called(struct app_worker *worker, const struct ofpbuf *call,
             struct app_worker_result *result)
{
    if (call->size > WORKER_MESSAGE_MAX) {
        result->problem = xstrdup("what it reads is too large");
        return APP_WORKER_FAILED;
    }
    if (worker->depth >= WORKER_DEPTH_MAX) {
        result->problem = xasprintf("more than %d queries of the app read "
                                    "each other", WORKER_DEPTH_MAX);
        return APP_WORKER_FAILED;
    }
    if (worker->computing) {
        worker->refused = true;
        result->problem = xasprintf("its worker is computing %s",
                                    worker->what);
    } else if (worker->depth ? worker->state == APP_WORKER_RUNNING
               : app_worker_run(worker)) {
        return APP_WORKER_DONE;
    } else if (worker->state == APP_WORKER_SUSPENDED) {
        result->problem = xasprintf(
            "the app is suspended, since its worker has ended %u times; it %s",
            worker->n_recent, worker->failure);
    } else {
        result->problem = xasprintf("its worker pauses, since it %s",
                                    worker->failure);
    }
    return APP_WORKER_AWAY;
}

/* Sends the call.  One that finds the worker gone, since something else has
 * ended it, starts it again.  Returns APP_WORKER_DONE if it is sent. */
static enum app_worker_outcome
send_call(struct app_worker *worker, const struct ofpbuf *call,
          struct worker_timer *timer, struct app_worker_result *result)
{
    const char *what = worker->what;

    result->problem = worker_process_send(&worker->process, call, timer);
    if (result->problem && worker->process.closed && worker->depth == 1) {
        worker->what = "nothing";
        end_process(worker, result->problem, false);
        worker->what = what;
        result->problem = NULL;
        if (!app_worker_run(worker)) {
            result->problem = xasprintf("its worker pauses, since it %s",
                                        worker->failure);
            return APP_WORKER_AWAY;
        }
        worker_timer_start(timer);
        result->problem = worker_process_send(&worker->process, call, timer);
    }
    return result->problem ? APP_WORKER_FAILED : APP_WORKER_DONE;
}

/* Ends the worker, if a computation within this one has not since there were
 * 'n_ends' ends, and completes the result's problem.  Returns APP_WORKER_AWAY
 * if somebody else has killed it, which is no fault of the computation. */
static enum app_worker_outcome
fail(struct app_worker *worker, uint64_t n_ends,
     const struct app_worker_client *client, struct app_worker_result *result)
{
    char *why = result->problem;

    if (worker->n_ends == n_ends) {
        end_process(worker, why, client->who != 0);
        result->problem = xasprintf("its worker %s", worker->failure);
    } else {
        result->problem = xasprintf("its worker %s", why);
        free(why);
    }
    if (worker->process.killed) {
        return APP_WORKER_AWAY;
    }
    if (client->who) {
        app_worker_bar(worker, client->who, client->owner);
    }
    return APP_WORKER_FAILED;
}

/* One try of a computation. */
static enum app_worker_outcome
try_call(struct app_worker *worker, const struct ofpbuf *call,
         const struct app_worker_client *client,
         struct app_worker_result *result)
{
    struct worker_timer timer = {
        .cpu_ms = client->urgent ? WORKER_URGENT_CPU_MS : WORKER_CPU_MS,
        .wait_ms = client->urgent ? WORKER_URGENT_WAIT_MS : WORKER_WAIT_MS,
        .yield = client->yield, .aux = client->aux,
    };
    enum app_worker_outcome outcome;
    uint64_t n_ends;

    worker_timer_start(&timer);
    worker->computing = true;
    worker->what = client->what;
    outcome = send_call(worker, call, &timer, result);
    n_ends = worker->n_ends;
    if (outcome == APP_WORKER_DONE) {
        result->problem = compute(worker, client, &timer, result);
        outcome = result->problem ? APP_WORKER_FAILED : APP_WORKER_DONE;
    }
    worker->computing = false;
    return (outcome == APP_WORKER_FAILED ? fail(worker, n_ends, client, result)
            : outcome);
}

static void
leave(struct app_worker *worker)
{
    struct ofpbuf *in = &worker->in[--worker->depth];

    if (in->allocated > KEPT_SIZE_MAX) {
        ofpbuf_uninit(in);
        ofpbuf_init(in, 0);
    }
    if (worker->refused && !worker->depth) {
        worker->refused = false;
        worker->n_ready++;
    }
}

enum app_worker_outcome
app_worker_call(struct app_worker *worker, const struct ofpbuf *call,
                const struct app_worker_client *client,
                struct app_worker_result *result)
{
    const char *outer = worker->what;
    enum app_worker_outcome outcome;

    memset(result, 0, sizeof *result);
    outcome = check_called(worker, call, result);
    if (outcome != APP_WORKER_DONE) {
        return outcome;
    }
    worker->depth++;
    worker->n_calls++;
    outcome = try_call(worker, call, client, result);
    /* Killed: it is tried once more. */
    if (outcome == APP_WORKER_AWAY && worker->process.killed
        && worker->depth == 1 && app_worker_run(worker)) {
        free(result->problem);
        outcome = try_call(worker, call, client, result);
    }
    worker->what = outer;
    if (outcome != APP_WORKER_DONE) {
        leave(worker);
    }
    return outcome;
}

void
app_worker_release(struct app_worker *worker)
{
    leave(worker);
}
