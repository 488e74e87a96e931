/* SPDX-License-Identifier: Apache-2.0
 *
 * The worker process of an app, as vmnd sees it: starts it, has it compute,
 * answers what it reads meanwhile, ends it when it takes too long, and starts
 * it again when it has ended.  A worker can do nothing but compute
 * (worker-sandbox.h).  Not for what is computed, and from what (engine/), nor
 * for which apps have one (apphost/). */

#ifndef CONTROLLER_WORKER_APP_WORKER_H
#define CONTROLLER_WORKER_APP_WORKER_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/schema/error.h"
#include "controller/worker/worker-sandbox.h"
#include "controller/worker/worker-wire.h"

struct app_description;
struct app_log;
struct app_worker;
struct ofpbuf;
struct replay_texts;

/* Limits of a computation, after which the worker is ended: of its processor
 * time, and of the time that it sleeps.  Time in which it waits for a
 * processor, or is stopped, has no limit: it is not the computation's fault.
 * What all else waits for has less: packets, and whom a flow belongs to. */
#define WORKER_CPU_MS 1000
#define WORKER_WAIT_MS 10000
#define WORKER_URGENT_CPU_MS 50
#define WORKER_URGENT_WAIT_MS 1000
/* After an urgent computation that was not waited for, none is tried for so
 * long, and the next one is waited for half as long, but not less than the
 * minimum.  Each one that is done in time adds a millisecond to the wait. */
#define WORKER_QUIET_MS 1000
#define WORKER_PATIENCE_MIN_MS 10
#define WORKER_PATIENCE_MAX_MS (2 * WORKER_WAIT_MS)
/* The share of vmnd's time that waits for urgent computations on behalf of
 * guests may take, in units of 100 us per second: a quarter.  Their owners
 * share it (fair-rate.h). */
#define WORKER_SHARE_UNIT_US 100
#define WORKER_SHARE_RATE 2500
#define WORKER_SHARE_BURST_S 2
/* To load its app for the first time a worker has this much processor time,
 * and may sleep as long; in all it may take WORKER_START_MS.  A load that vmnd
 * waits for has twice as much, so that it does not fail where the first one
 * succeeded.  A restart has the limits of a computation. */
#define WORKER_LOAD_MS (WORKER_IS_SANITIZED ? 1000 : 100)
#define WORKER_START_MS 5000
/* What one computation may ask for, and the processor time that each question
 * adds to its limit: the worker spins while vmnd makes the answer. */
#define WORKER_READS_MAX 100000
#define WORKER_READ_US 50
/* Bytes of the messages by which a computation that may be late asks: they are
 * kept until it is done. */
#define WORKER_ASKED_MAX (16 << 20)
#define WORKER_MEMORY_MIB 512
/* Depth of queries of an app that read each other. */
#define WORKER_DEPTH_MAX 16

/* A worker that a unit ends is started again at once the first times, then
 * after a pause that doubles each time, and in the end not any more: the app
 * is suspended.  A minute without such an end is a new beginning. */
#define WORKER_ENDS_AT_ONCE 3
#define WORKER_ENDS_MAX 12
#define WORKER_FIRST_PAUSE_MS 20
#define WORKER_NEW_BEGINNING_MS 60000
/* A worker that another program has killed, such as the kernel for lack of
 * memory, is started again at once, but not more often than this, and its app
 * is not suspended.  The same holds for ends by checks of what is written, and
 * by guests' packets while WORKER_BARRED_MAX guests are barred. */
#define WORKER_PACE_MS 1000

/* Starts program 'program' (vmn-app-worker) with a copy of the module 'file',
 * and waits until it is loaded.  Returns NULL with the error set, which names
 * no file, if that fails. */
struct app_worker *app_worker_create(const char *program, const char *file,
                                     struct vmn_error *why);
/* The same with what such a file has in it: 'size' bytes.  The name says
 * whether it is a script. */
struct app_worker *app_worker_create_from(const char *program,
                                          const char *file,
                                          const void *content, size_t size,
                                          struct vmn_error *why);
/* The same, without waiting: the worker is of no use before app_worker_load()
 * has returned APP_WORKER_DONE. */
struct app_worker *app_worker_begin(const char *program, const char *file,
                                    const void *content, size_t size,
                                    struct vmn_error *why);
void app_worker_destroy(struct app_worker *);

/* The app, as the worker described it when it was first started.  Owned by the
 * worker. */
const struct app_description *app_worker_description(
    const struct app_worker *);
/* The texts that the app's calls have, which stay. */
struct replay_texts *app_worker_texts(struct app_worker *);

/* The lines that the app has written since it was loaded. */
const struct app_log *app_worker_log(const struct app_worker *);

/* Whoever has a worker compute. */
struct app_worker_client {
    const char *what;           /* What is computed, for people. */
    /* Appends the answer as one block (wire_put_block()). */
    void (*answer)(void *aux, const struct worker_read *, struct ofpbuf *);
    bool urgent;                /* All else waits. */
    bool check;                 /* A check of an object that is written.  It
                                 * has the limits of an urgent computation. */
    int wait_ms;                /* For how long he waits; 0: takes what is
                                 * there. */
    uint32_t who;               /* The guest on whose behalf, which is barred
                                 * if it ends the worker; 0: none. */
    uint32_t owner;             /* Whose guest that is. */
    bool quiet;                 /* Lines for the app's log are dropped. */
    size_t result_max;          /* Bytes.  A larger result is not taken. */
    /* Called now and then while it computes for long; or NULL. */
    void (*yield)(void *aux);
    void *aux;
};

/* What a computation results in: see WORKER_DONE.  It lasts until
 * app_worker_release(). */
struct app_worker_result {
    char *problem;              /* Unless it is APP_WORKER_DONE: a sentence,
                                 * which the caller frees. */
    size_t excess;              /* Its size, if it was larger than
                                 * 'result_max'; or 0.  There is nothing else
                                 * of it then. */
    size_t n_used;
    const uint32_t *used;       /* Indexes of what was sent along. */
    const void *value;          /* Or NULL: none. */
    size_t value_size;
    const void *log;            /* What was emitted: a call log. */
    size_t log_size;
};

/* How a computation has ended. */
enum app_worker_outcome {
    APP_WORKER_DONE,
    APP_WORKER_FAILED,          /* It ended the worker. */
    APP_WORKER_AWAY,            /* It was not done: worth another try when
                                 * app_worker_n_ready() has grown. */
};

/* Continues a load.  Returns APP_WORKER_AWAY if it is not complete yet, and
 * APP_WORKER_FAILED with the error set. */
enum app_worker_outcome app_worker_load(struct app_worker *,
                                        struct vmn_error *why);

/* Sends the message 'call' and waits for the result, which has to be released
 * if it is APP_WORKER_DONE.
 *
 * If it takes longer than 'wait_ms', the worker goes on, and the computation
 * is left.  Unless it is urgent it is resumed by another call of the same
 * message: what it has read until then is read again, and has to be the same.
 * A late check is not waited for then.  Other computations of the worker are
 * APP_WORKER_AWAY meanwhile.  A check that found the worker busy comes before
 * other computations, urgent ones apart. */
enum app_worker_outcome app_worker_call(struct app_worker *,
                                        const struct ofpbuf *call,
                                        const struct app_worker_client *,
                                        struct app_worker_result *);

void app_worker_release(struct app_worker *);

/* Returns the digest of answers with digest 'digest' and one more answer, or
 * of a message with 'digest' 0, under the worker's key. */
uint64_t app_worker_digest(const struct app_worker *, uint64_t digest,
                           const struct ofpbuf *message);

/* Returns true if a computation was left, or has failed since then. */
bool app_worker_has_left(const struct app_worker *);
/* Returns true if app_worker_look() is to be called soon again. */
bool app_worker_is_busy(const struct app_worker *);
/* To be called before and after all is tried that was APP_WORKER_AWAY: what
 * was left and is not asked for meanwhile is forgotten. */
void app_worker_offer(struct app_worker *);
void app_worker_end_offer(struct app_worker *);
/* Forgets late checks, of which app_worker_end_offer() forgets none: no write
 * waits for them. */
void app_worker_end_checks(struct app_worker *);
/* Notes that a computation was not tried, since there was no time for it: as
 * if it was APP_WORKER_AWAY. */
void app_worker_refuse(struct app_worker *);

/* A guest whose packet has ended the worker is barred for a while, so that it
 * does not end it again and again; and if several guests of one owner are, all
 * of that owner's.  The bar doubles with each guest of the owner that is
 * barred.  Such ends do not suspend the app.  'who' and 'owner' are hashes.
 * Of many guests, the last ones are barred, and restarts are paced then. */
#define WORKER_BAR_MS 120000
#define WORKER_BARRED_MAX 256
#define WORKER_BARRED_OF_OWNER_MAX 4
void app_worker_bar(struct app_worker *, uint32_t who, uint32_t owner);
bool app_worker_is_barred(const struct app_worker *, uint32_t who,
                          uint32_t owner);
void app_worker_end_bars(struct app_worker *);

/* Returns true if it is not started again any more. */
bool app_worker_is_suspended(const struct app_worker *);

/* Grows whenever computations that were APP_WORKER_AWAY are worth another
 * try, and when it is suspended. */
uint64_t app_worker_n_ready(const struct app_worker *);

/* Starts the worker again if it is time to, without waiting for it.  Returns
 * true if it is there. */
bool app_worker_run(struct app_worker *);
/* The same; before that, sees whether it has ended by itself, or what becomes
 * of a computation that was left. */
void app_worker_look(struct app_worker *);
/* Makes a new beginning: former ends do not count any more. */
void app_worker_resume(struct app_worker *);

enum app_worker_state {
    APP_WORKER_RUNNING,
    APP_WORKER_PAUSING,         /* Until it is started again. */
    APP_WORKER_STARTING,        /* Which its status does not tell from that. */
    APP_WORKER_SUSPENDED,
};
struct app_worker_status {
    enum app_worker_state state;
    int64_t pid;                /* 0: it does not run. */
    uint64_t n_ends;            /* Since vmnd's start. */
    const char *failure;        /* Why it ended the last time, or NULL, */
    const char *computed;       /* and what it computed then. */
    int64_t failure_ms;         /* When that was, since 1970. */
    uint64_t n_calls;           /* Computations, since vmnd's start. */
};
void app_worker_get_status(const struct app_worker *,
                           struct app_worker_status *);

#endif /* controller/worker/app-worker.h */
