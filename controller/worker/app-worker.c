/* SPDX-License-Identifier: Apache-2.0
 *
 * Workers of apps, seen from vmnd: see app-worker.h. */

#include <config.h>

#include "controller/worker/app-worker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "controller/siphash.h"
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

/* A computation that the worker has begun and not ended. */
struct open_call {
    struct ofpbuf *message;     /* What was sent for it.  Kept once nobody
                                 * waits for it; until then NULL. */
    char *what;                 /* For people. */
    uint32_t who, owner;        /* As in struct app_worker_client. */
    bool resumable;             /* It is worth being resumed. */
    bool resumed;               /* It was, since it was offered. */
    bool announced;             /* What has come is counted in 'n_ready'. */
    unsigned outer;             /* 'n_active' outside of it. */
    struct worker_timer timer;
    struct worker_talk talk;
    struct ofpbuf in, answer;
    /* What the worker has read: its messages, and a digest of the answers. */
    size_t n_reads;
    struct ofpbuf asked;
    uint64_t digest;
};

/* A process that is being started. */
struct worker_start {
    struct ofpbuf out, in;      /* 'in' has the description in the end. */
    struct worker_talk talk;
    struct worker_timer timer;
    bool closing;               /* It has said that it closes its sandbox. */
    unsigned n_lines;           /* For the app's log. */
};

struct app_worker {
    char *program;
    int module_fd;              /* A copy of the module, sealed. */
    struct worker_process process;
    struct worker_start start;
    struct app_description description;
    struct ofpbuf described;    /* The message that it was taken from. */
    struct replay_texts texts;
    struct app_log log;
    struct siphash_key key;     /* Random; of answers' digests. */

    /* Computations, one within another.  The first 'n_active' ones are waited
     * for; the others, and those that these have begun, were left. */
    unsigned n_open, n_active;
    struct open_call *open[WORKER_DEPTH_MAX];
    bool computing;             /* It computes, and does not wait for us. */
    bool refused;               /* Somebody was, since it was computing. */
    bool offered;               /* What is left may be resumed now. */
    int64_t quiet_until_msec;   /* Urgent calls are not tried before. */
    const char *what;           /* What it computes, for people. */
    /* A computation that has failed while nobody waited for it, or NULL, and
     * why. */
    struct open_call *failed;
    char *failed_problem;

    /* Ends. */
    enum app_worker_state state;
    unsigned n_recent;          /* Ends without a new beginning. */
    int64_t end_msec;           /* time_msec() of the last one. */
    int64_t restart_msec;       /* When it is to be started again. */
    uint64_t n_processes;       /* That have ended, for whatever reason. */
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

static void
free_call(struct open_call *call)
{
    if (call) {
        ofpbuf_delete(call->message);
        ofpbuf_uninit(&call->in);
        ofpbuf_uninit(&call->answer);
        ofpbuf_uninit(&call->asked);
        free(call->what);
        free(call);
    }
}

static void
close_call(struct app_worker *worker, unsigned i)
{
    free_call(worker->open[i]);
    worker->n_open--;
    memmove(&worker->open[i], &worker->open[i + 1],
            (worker->n_open - i) * sizeof *worker->open);
}

static void
forget_failed(struct app_worker *worker)
{
    free_call(worker->failed);
    worker->failed = NULL;
    free(worker->failed_problem);
    worker->failed_problem = NULL;
}

/* The process has ended, and with it what it has computed; what somebody waits
 * for he closes himself. */
static void
close_left(struct app_worker *worker)
{
    worker->n_processes++;
    while (worker->n_open > worker->n_active) {
        close_call(worker, worker->n_open - 1);
    }
}

/* Ends the process; 'why', which becomes the worker's, says for which
 * reason, 'what' what it computed, and 'by_guest' that a guest's packet did
 * it. */
static void
end_process(struct app_worker *worker, const char *what, char *why,
            bool by_guest)
{
    char *how = worker_process_end(&worker->process);

    if (how) {
        free(why);
        why = how;
    }
    VLOG_WARN("app %s: its worker, computing %s, %s", name_of(worker), what,
              why);
    free(worker->failure);
    worker->failure = why;
    free(worker->computed);
    worker->computed = xstrdup(what);
    worker->failure_ms = time_wall_msec();
    worker->n_ends++;
    plan_restart(worker, by_guest);
    close_left(worker);
}

/* Has another process take its place, by no fault of it: it is at something
 * that does not concern anybody any more. */
static void
drop_process(struct app_worker *worker)
{
    free(worker_process_end(&worker->process));
    worker->state = APP_WORKER_PAUSING;
    worker->restart_msec = time_msec();
    close_left(worker);
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

/* Takes a line for the app's log, unless 'quiet', and makes 'out' the answer
 * that the worker waits for.  Returns NULL, or what is wrong. */
static char *
take_log(struct app_worker *worker, const struct ofpbuf *in, bool quiet,
         struct ofpbuf *out)
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
    ofpbuf_clear(out);
    wire_begin(out, WORKER_ANSWER);
    wire_end(out);
    return NULL;
}

/* Starting.  It is sent WORKER_GO, sends WORKER_CLOSES once its module is
 * loaded, is sent WORKER_GO again, and sends its description. ------------- */

static void
start_talk(struct worker_talk *talk, const struct ofpbuf *out,
           struct ofpbuf *in)
{
    ofpbuf_clear(in);
    *talk = (struct worker_talk) { .out = out, .in = in, .max = talk->max };
}

static void
send_go(struct worker_start *start)
{
    ofpbuf_clear(&start->out);
    wire_begin(&start->out, WORKER_GO);
    wire_end(&start->out);
    start_talk(&start->talk, &start->out, &start->in);
}

/* Starts the process.  Returns NULL, or why it cannot be. */
static char *
begin_start(struct app_worker *worker)
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
    worker_timer_start(&start->timer, WORKER_CPU_MS, WORKER_START_MS, 0);
    return NULL;
}

/* Takes a message of a process that is being started.  Returns NULL, or what
 * is wrong.  Sets '*done' if it was the last one. */
static char *
take_start(struct app_worker *worker, bool *done)
{
    struct worker_start *start = &worker->start;
    const struct worker_head *head = start->in.data;

    if (head->type == WORKER_REFUSED) {
        return take_refusal(&start->in);
    }
    if (head->type == WORKER_LOG && start->n_lines++ < VMN_LOG_LINES_MAX) {
        char *why = take_log(worker, &start->in, false, &start->out);

        start_talk(&start->talk, &start->out, &start->in);
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

/* Goes on with the start until 'end_ms' (time_msec()).  Sets '*done' once
 * that is done.  Returns NULL, or why it failed. */
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
fail_start(struct app_worker *worker, char *why)
{
    end_process(worker, "its start", why, false);
}

static void
restart(struct app_worker *worker)
{
    char *why = begin_start(worker);

    if (why) {
        fail_start(worker, why);
    } else {
        worker->state = APP_WORKER_STARTING;
    }
}

/* Has it run, if it is time to and that is done by 'end_ms'. */
static bool
run_until(struct app_worker *worker, int64_t end_ms)
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
    if (done && !same_contents(&worker->start.in, &worker->described)) {
        why = xstrdup("describes its app otherwise than the last time");
    }
    if (why) {
        fail_start(worker, why);
    } else if (done) {
        worker->state = APP_WORKER_RUNNING;
        worker->n_ready++;
        VLOG_INFO("app %s: its worker is started again", name_of(worker));
    }
    return worker->state == APP_WORKER_RUNNING;
}

/* Notes that it has ended by itself, while it computed nothing. */
static void
note_ended(struct app_worker *worker)
{
    if (worker->state == APP_WORKER_RUNNING
        && worker_process_has_ended(&worker->process)) {
        worker->process.closed = true;
        end_process(worker, "nothing", xstrdup("has ended"), false);
    }
}

bool
app_worker_run(struct app_worker *worker)
{
    return run_until(worker, 0);
}

void
app_worker_resume(struct app_worker *worker)
{
    worker->n_recent = 0;
    if (worker->state == APP_WORKER_PAUSING
        || worker->state == APP_WORKER_SUSPENDED) {
        worker->state = APP_WORKER_PAUSING;
        worker->restart_msec = time_msec();
        app_worker_run(worker);
    }
}

/* Starts the first process, and takes over its description.  Returns NULL, or
 * why there is none. */
static char *
start_first(struct app_worker *worker)
{
    struct worker_start *start = &worker->start;
    char *why = begin_start(worker), *how;
    struct wire_reader reader;
    bool done;

    if (why) {
        return why;
    }
    why = go_on_starting(worker, time_msec() + WORKER_START_MS, &done);
    if (!why && !done) {
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

/* Creates one with the module 'fd', or for a negative errno fails. */
static struct app_worker *
create(const char *program, int fd, struct vmn_error *why)
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
    replay_texts_init(&worker->texts);
    app_log_init(&worker->log);
    ofpbuf_init(&worker->described, 1024);
    ofpbuf_init(&worker->start.out, 64);
    ofpbuf_init(&worker->start.in, 1024);
    worker->end_msec = time_msec();
    if (getrandom(&worker->key, sizeof worker->key, 0) < 0) {
        VLOG_FATAL("no random numbers (%s)", ovs_strerror(errno));
    }
    problem = start_first(worker);
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
    close_left(worker);
    forget_failed(worker);
    close(worker->module_fd);
    app_description_uninit(&worker->description);
    replay_texts_uninit(&worker->texts);
    app_log_uninit(&worker->log);
    ofpbuf_uninit(&worker->described);
    ofpbuf_uninit(&worker->start.out);
    ofpbuf_uninit(&worker->start.in);
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

/* Returns the digest of an answer that follows answers with 'digest': without
 * the head, which has the processor in it. */
static uint64_t
digest_answer(const struct app_worker *worker, uint64_t digest,
              const struct ofpbuf *answer)
{
    const size_t ofs = sizeof(struct worker_head);

    return siphash24(&worker->key, digest, (const char *) answer->data + ofs,
                     answer->size - ofs);
}

/* Puts the answer of what the worker reads by 'message' into 'out'.  Others
 * may have it compute meanwhile.  Returns false if the message is none. */
static bool
make_answer(const void *message, size_t size, struct ofpbuf *out,
            const struct app_worker_client *client)
{
    struct wire_reader reader;
    struct worker_read read;

    wire_reader_init(&reader, message, size);
    wire_take(&reader, sizeof(struct worker_head));
    wire_take_read(&reader, &read);
    ofpbuf_clear(out);
    wire_begin(out, WORKER_ANSWER);
    if (!reader.bad) {
        client->answer(client->aux, &read, out);
    }
    wire_end(out);
    return !reader.bad;
}

/* What becomes of a computation. */
enum step {
    STEP_ON,                    /* It goes on. */
    STEP_DONE,
    STEP_LATE,                  /* It is left. */
    STEP_STALE,                 /* It has read what is otherwise now, or its
                                 * process has gone, by no fault of it. */
    STEP_FAILED,                /* The result's problem says why. */
};

/* Returns what is wrong with an answer, or NULL. */
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

/* Answers what the worker reads. */
static enum step
answer(struct app_worker *worker, struct open_call *call,
       const struct app_worker_client *client,
       struct app_worker_result *result)
{
    uint64_t n_processes = worker->n_processes, n_ends = worker->n_ends;
    uint64_t n_calls = worker->n_calls;

    if (call->in.size > WORKER_MESSAGE_MIN
        || !make_answer(call->in.data, call->in.size, &call->answer,
                        client)) {
        result->problem = xstrdup("sent what is no question");
        return STEP_FAILED;
    }
    if (worker->n_processes != n_processes && worker->n_ends == n_ends) {
        return STEP_STALE;
    } else if (worker->n_open > worker->n_active) {
        return STEP_LATE;       /* An inner one is. */
    }
    result->problem = check_answer(worker, call, n_ends);
    if (result->problem) {
        return STEP_FAILED;
    }
    if (worker->n_calls != n_calls) {
        worker_timer_forget(&call->timer);
    }
    if (call->resumable) {
        ofpbuf_put(&call->asked, call->in.data, call->in.size);
        call->digest = digest_answer(worker, call->digest, &call->answer);
    }
    start_talk(&call->talk, &call->answer, &call->in);
    return STEP_ON;
}

/* Takes a line for the app's log. */
static enum step
answer_log(struct app_worker *worker, struct open_call *call,
           const struct app_worker_client *client,
           struct app_worker_result *result)
{
    result->problem = (++call->n_reads > WORKER_READS_MAX
                       ? xasprintf("read more than %d things",
                                   WORKER_READS_MAX)
                       : take_log(worker, &call->in, client->quiet,
                                  &call->answer));
    if (result->problem) {
        return STEP_FAILED;
    }
    start_talk(&call->talk, &call->answer, &call->in);
    return STEP_ON;
}

/* Takes up a computation that was left: reads what it has read, and compares
 * that with what it got. */
static enum step
read_again(struct app_worker *worker, const struct open_call *call,
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
        make_answer(p, head.size, &out, client);
        digest = digest_answer(worker, digest, &out);
        p += head.size;
    }
    ofpbuf_uninit(&out);
    same = digest == call->digest && worker->n_processes == n_processes;
    return same ? STEP_ON : STEP_STALE;
}

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
        result->problem = take_refusal(&call->in);
        return STEP_FAILED;
    default:
        result->problem = xstrdup("sent what is no answer");
        return STEP_FAILED;
    }
}

/* Goes through a computation for as long as its timer says. */
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

static struct open_call *
open_call(struct app_worker *worker, const struct ofpbuf *message,
          const struct app_worker_client *client)
{
    struct open_call *call = xzalloc(sizeof *call);

    call->what = xstrdup(client->what);
    call->who = client->who;
    call->owner = client->owner;
    call->resumable = !client->urgent;
    ofpbuf_init(&call->in, 0);
    ofpbuf_init(&call->answer, 0);
    ofpbuf_init(&call->asked, 0);
    start_talk(&call->talk, message, &call->in);
    worker_timer_start(&call->timer,
                       client->urgent ? WORKER_URGENT_CPU_MS : WORKER_CPU_MS,
                       client->urgent ? WORKER_URGENT_WAIT_MS
                       : WORKER_WAIT_MS, 0);
    worker->open[worker->n_open++] = call;
    worker->n_calls++;
    return call;
}

static bool
same_message(const struct ofpbuf *a, const struct ofpbuf *b)
{
    return (a && same_contents(a, b)
            && (((const struct worker_head *) a->data)->type
                == ((const struct worker_head *) b->data)->type));
}

/* Returns the index of a computation that was left, and is this one, or -1. */
static int
find_left(const struct app_worker *worker, const struct ofpbuf *message)
{
    for (unsigned i = worker->n_active; i < worker->n_open; i++) {
        if (worker->open[i]->resumable
            && same_message(worker->open[i]->message, message)) {
            return i;
        }
    }
    return -1;
}

/* Says why a worker that does not run cannot be called. */
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

/* Returns APP_WORKER_DONE if the worker can be called, by 'end_ms'. */
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
    if (!worker->n_open) {
        note_ended(worker);
    }
    if (worker->n_active ? worker->state != APP_WORKER_RUNNING
        : !worker->n_open && !run_until(worker, end_ms)) {
        result->problem = describe_absence(worker);
        return APP_WORKER_AWAY;
    }
    if (client->urgent && time_msec() < worker->quiet_until_msec) {
        result->problem = xstrdup("its worker was late a moment ago");
        return APP_WORKER_AWAY;
    }
    return APP_WORKER_DONE;
}

/* Ends the worker, if a computation within this one has not since there were
 * 'n_ends' ends, and completes the result's problem.  Returns APP_WORKER_AWAY
 * if somebody else has killed it, which is no fault of the computation. */
static enum app_worker_outcome
fail(struct app_worker *worker, const struct open_call *call, uint64_t n_ends,
     struct app_worker_result *result)
{
    char *why = result->problem;

    if (worker->n_ends == n_ends) {
        end_process(worker, call->what, why, call->who != 0);
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

/* Leaves a computation that is not done in time. */
static void
leave(struct app_worker *worker, struct open_call *call,
      const struct ofpbuf *message)
{
    if (!call->message) {
        call->message = ofpbuf_clone(message);
        if (call->talk.out == message) {
            call->talk.out = call->message;
        }
        VLOG_INFO("app %s: its worker has not computed %s yet, and is not "
                  "waited for", name_of(worker), call->what);
    }
    call->announced = false;
    if (!call->resumable) {
        worker->quiet_until_msec = time_msec() + WORKER_QUIET_MS;
    }
}

/* Ends the innermost computation that is waited for. */
static void
end_active(struct app_worker *worker)
{
    unsigned i = worker->n_active - 1;

    worker->n_active = worker->open[i]->outer;
    close_call(worker, i);
    if (worker->refused && !worker->n_active) {
        worker->refused = false;
        worker->n_ready++;
    }
}

/* One try of a computation, which was left if 'left' is not negative. */
static enum app_worker_outcome
try_call(struct app_worker *worker, const struct ofpbuf *message, int left,
         const struct app_worker_client *client,
         struct app_worker_result *result)
{
    struct open_call *call = (left >= 0 ? worker->open[left]
                              : open_call(worker, message, client));
    const char *what = worker->what;
    enum step step = STEP_ON;
    enum app_worker_outcome outcome;
    uint64_t n_ends = worker->n_ends;

    call->outer = worker->n_active;
    worker->n_active = left >= 0 ? (unsigned) left + 1 : worker->n_open;
    worker->what = call->what;
    if (left >= 0) {
        call->resumed = true;
        step = read_again(worker, call, client);
    }
    call->talk.max = client->result_max;
    call->timer.end_ms = time_msec() + client->wait_ms;
    call->timer.yield = client->yield;
    call->timer.aux = client->aux;
    if (step == STEP_ON) {
        step = compute(worker, call, client, result);
    }
    worker->what = what;
    if (step == STEP_DONE) {
        return APP_WORKER_DONE;
    } else if (step == STEP_FAILED) {
        outcome = fail(worker, call, n_ends, result);
        end_active(worker);
        return outcome;
    }
    result->problem = xasprintf("its worker is computing %s", call->what);
    if (step == STEP_LATE) {
        leave(worker, call, message);
        worker->n_active = call->outer;
    } else {
        if (worker->process.pid) {
            drop_process(worker);
        }
        end_active(worker);
    }
    return APP_WORKER_AWAY;
}

/* Takes how a computation has failed that nobody waited for.  Returns false if
 * this one has not, or what it has read is otherwise now. */
static bool
take_failed(struct app_worker *worker, const struct ofpbuf *message,
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
    same = read_again(worker, call, client) == STEP_ON;
    free_call(call);
    if (same) {
        result->problem = problem;
    } else {
        free(problem);
    }
    return same;
}

enum app_worker_outcome
app_worker_call(struct app_worker *worker, const struct ofpbuf *message,
                const struct app_worker_client *client,
                struct app_worker_result *result)
{
    int64_t end_ms = time_msec() + client->wait_ms;
    enum app_worker_outcome outcome;
    uint64_t n_ends;
    int left = -1;

    memset(result, 0, sizeof *result);
    if (!client->urgent && take_failed(worker, message, client, result)) {
        return APP_WORKER_FAILED;
    }
    outcome = check_called(worker, message, client, end_ms, result);
    if (outcome != APP_WORKER_DONE) {
        return outcome;
    }
    if (worker->n_open > worker->n_active) {
        left = client->urgent ? -1 : find_left(worker, message);
        if (left < 0) {
            result->problem = xasprintf(
                "its worker is computing %s",
                worker->open[worker->n_open - 1]->what);
            worker->refused = true;
            if (worker->n_active) {
                drop_process(worker); /* It waits for what does not come. */
            }
            return APP_WORKER_AWAY;
        }
    }
    n_ends = worker->n_ends;
    outcome = try_call(worker, message, left, client, result);
    /* Killed: it is tried once more. */
    if (outcome == APP_WORKER_AWAY && worker->n_ends != n_ends
        && worker->process.killed && !worker->n_active
        && run_until(worker, end_ms)) {
        free(result->problem);
        outcome = try_call(worker, message, -1, client, result);
    }
    return outcome;
}

void
app_worker_release(struct app_worker *worker)
{
    end_active(worker);
}

/* What was left.  --------------------------------------------------------- */

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

/* Notes a failure, for when it is asked for. */
static void
fail_left(struct app_worker *worker, char *why)
{
    struct open_call *call = worker->open[--worker->n_open];

    end_process(worker, call->what, why, call->who != 0);
    if (!worker->process.killed && call->who) {
        app_worker_bar(worker, call->who, call->owner);
    }
    if (worker->process.killed || !call->resumable) {
        free_call(call);
        return;
    }
    forget_failed(worker);
    worker->failed = call;
    worker->failed_problem = xasprintf("its worker %s", worker->failure);
    worker->n_ready++;
}

/* Ends what nobody is interested in any more, as far as it has come: at a
 * question the process is of no use. */
static void
end_left(struct app_worker *worker)
{
    const struct open_call *call = worker->open[worker->n_open - 1];
    const struct worker_head *head = call->in.data;

    if (head->type == WORKER_DONE && worker->n_open == 1) {
        close_call(worker, 0);
    } else {
        drop_process(worker);
    }
    worker->n_ready++;
}

/* Looks after the innermost computation, which was left. */
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
        note_ended(worker);
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
        forget_failed(worker);
        if (call && call->talk.whole && !call->resumed) {
            end_left(worker);
        }
    }
    if (worker->refused && !worker->n_open) {
        worker->refused = false;
        worker->n_ready++;
    }
}

void
app_worker_refuse(struct app_worker *worker)
{
    worker->refused = true;
}
