/* SPDX-License-Identifier: Apache-2.0
 *
 * Declarations that the files of an app's worker share: app-worker.c creates a
 * worker, and has its status and the bars of guests; app-worker-lifecycle.c
 * starts, ends and restarts the process; app-worker-open.c has the open calls
 * and their messages; app-worker-calls.c makes calls; app-worker-late.c has
 * calls that exceed the caller's wait.  Not for the process itself
 * (worker-process.h). */

#ifndef CONTROLLER_WORKER_APP_WORKER_PRIVATE_H
#define CONTROLLER_WORKER_APP_WORKER_PRIVATE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/siphash.h"
#include "controller/worker/app-description.h"
#include "controller/worker/app-log.h"
#include "controller/worker/app-worker.h"
#include "controller/worker/replay-calls.h"
#include "controller/worker/worker-process.h"
#include "openvswitch/ofpbuf.h"
#include "proto/admission/fair-rate.h"

/* A call that the worker has begun and not completed.  A call is active while
 * a caller waits for its result, and late after the caller's wait has
 * expired. */
struct open_call {
    struct ofpbuf *message;     /* A copy of the call's message, if the call
                                 * has been late; otherwise NULL. */
    char *what;                 /* Name of the computation, for logs. */
    uint32_t who, owner;        /* As in struct app_worker_client. */
    bool urgent;
    bool check;                 /* A check of an object that is written. */
    bool resumable;             /* Another call of the same message resumes
                                 * this one. */
    bool resumed;               /* Resumed since app_worker_offer(). */
    bool announced;             /* 'n_ready' counts the message in 'in'. */
    unsigned outer;             /* The worker's 'n_active' before the call. */
    struct worker_timer timer;
    struct worker_talk talk;
    struct ofpbuf in, answer;
    /* The worker's reads: their count, their messages, and a digest of the
     * answers. */
    size_t n_reads;
    struct ofpbuf asked;
    uint64_t digest;
};

/* The start of a process. */
struct worker_start {
    struct ofpbuf out, in;      /* The last message in 'in' is the app's
                                 * description. */
    struct worker_talk talk;
    struct worker_timer timer;
    bool closing;               /* WORKER_CLOSES was received. */
    unsigned n_lines;           /* Lines for the app's log. */
    int64_t end_msec;           /* time_msec() at which the first start fails
                                 * at the latest. */
};

struct app_worker {
    char *program;
    int module_fd;              /* A sealed copy of the module. */
    struct worker_process process;
    struct worker_start start;
    struct app_description description;
    struct ofpbuf described;    /* The message with the description. */
    struct replay_texts texts;
    struct app_log log;
    struct siphash_key key;     /* For digests of answers; random. */

    /* Open calls, each one made by a query of the call before it.  The first
     * 'n_active' calls are active, the others are late. */
    unsigned n_open, n_active;
    struct open_call *open[WORKER_DEPTH_MAX];
    bool computing;             /* The worker computes; it does not wait for
                                 * an answer. */
    bool refused;               /* A call was refused while another one was
                                 * open; 'n_ready' does not count it yet. */
    bool check_waits;           /* A check was refused while another call was
                                 * open; new calls wait for it. */
    bool offered;               /* Between app_worker_offer() and
                                 * app_worker_end_offer(). */
    int64_t quiet_until_msec;   /* time_msec() until which urgent calls are
                                 * refused. */
    int patience_ms;            /* Maximum wait for an urgent call. */
    struct fair_rate waits;     /* Waits for urgent calls, by owner. */
    const char *what;           /* Name of the current computation, for
                                 * logs. */
    /* The last late call that has failed, and the reason; NULL: none.  The
     * next call of the same message takes the failure. */
    struct open_call *failed;
    char *failed_problem;

    /* Ends of the process. */
    enum app_worker_state state;
    unsigned n_recent;          /* Ends since the restart plan was last
                                 * reset. */
    int64_t end_msec;           /* time_msec() of the last end. */
    int64_t restart_msec;       /* time_msec() of the next restart. */
    uint64_t n_processes;       /* Processes that have ended, for any
                                 * reason. */
    uint64_t n_ends;            /* Ends that are failures. */
    uint64_t n_calls;           /* Calls begun. */
    uint64_t n_ready;           /* app_worker_n_ready(). */
    char *failure;              /* Reason of the last failure, or NULL. */
    char *computed;             /* Name of the computation that failed. */
    int64_t failure_ms;         /* Time of the last failure, since 1970. */

    /* The last WORKER_BARRED_MAX guests that were barred, in a ring. */
    size_t n_barred;
    struct {
        uint32_t who, owner;
        int64_t until_msec;     /* time_msec(). */
    } barred[WORKER_BARRED_MAX];
};

/* What has made a process end. */
enum end_cause {
    END_BY_APP,
    END_BY_GUEST,               /* The packet of a guest. */
    END_BY_WRITE,               /* The check of an object that is written. */
};

/* What follows for a call from a step of its computation. */
enum step {
    STEP_ON,                    /* The computation continues. */
    STEP_DONE,
    STEP_LATE,                  /* The caller's wait has expired. */
    STEP_STALE,                 /* A value that the computation has read has
                                 * changed, or the process was replaced without
                                 * a failure of the computation. */
    STEP_FAILED,                /* The result's problem has the reason. */
};

/* Returns the app's name, for logs. */
static inline const char *
app_worker_name(const struct app_worker *worker)
{
    const char *name = worker->description.class_.name;

    return name ? name : "(unnamed)";
}

/* app-worker.c */
/* Returns true if the next guest that is barred replaces another one's bar. */
bool app_worker_bars_are_full(const struct app_worker *);

/* app-worker-open.c */
struct open_call *app_worker_open_call(struct app_worker *,
                                       const struct ofpbuf *message,
                                       const struct app_worker_client *);
/* Removes open call 'i' and frees it. */
void app_worker_close_call(struct app_worker *, unsigned i);
/* Closes the late calls, since their process has ended.  Active calls are
 * closed by their callers. */
void app_worker_close_late(struct app_worker *);
void app_worker_free_call(struct open_call *);
/* Forgets the failure of a late call. */
void app_worker_forget_failed(struct app_worker *);

/* Prepares to send 'out' and to receive the reply in 'in'. */
void app_worker_start_talk(struct worker_talk *, const struct ofpbuf *out,
                           struct ofpbuf *in);
/* Returns true if the contents of two messages are equal, heads apart. */
bool app_worker_same_contents(const struct ofpbuf *, const struct ofpbuf *);
/* Returns the text of a WORKER_REFUSED message: at most REFUSAL_LEN
 * characters, without control characters.  The caller frees it. */
char *app_worker_take_refusal(const struct ofpbuf *in);
/* Adds the line of a WORKER_LOG message to the app's log, unless 'quiet', and
 * puts the reply into 'out'.  Returns NULL, or the error, which the caller
 * frees. */
char *app_worker_take_log(struct app_worker *, const struct ofpbuf *in,
                          bool quiet, struct ofpbuf *out);
/* Puts the answer to a WORKER_READ message into 'out'.  The client's answer()
 * may make calls of the same worker.  Returns false if the message is
 * invalid. */
bool app_worker_make_answer(const void *message, size_t size,
                            struct ofpbuf *out,
                            const struct app_worker_client *);

/* app-worker-lifecycle.c */
/* Starts the first process, with a limit of its processor time and of its
 * sleep.  Returns NULL, or the error, which the caller frees. */
char *app_worker_begin_first(struct app_worker *, int limit_ms);
/* Continues that until 'end_ms' (time_msec()).  Sets '*done' once the worker
 * has the app's description.  The result is as above. */
char *app_worker_continue_first(struct app_worker *, int64_t end_ms,
                                bool *done);
/* Restarts the process if its restart is due, and continues a start until
 * 'end_ms' (time_msec()).  Returns true if the process runs. */
bool app_worker_run_until(struct app_worker *, int64_t end_ms);
/* Ends the process because of a failure.  Takes ownership of 'why', the
 * reason.  'what' names the computation.  Only END_BY_APP counts for
 * suspending the app. */
void app_worker_end_process(struct app_worker *, const char *what, char *why,
                            enum end_cause);
/* Replaces the process because its open calls are obsolete.  This is not a
 * failure. */
void app_worker_drop_process(struct app_worker *);
/* Records the end of a process that has ended without an open call. */
void app_worker_note_ended(struct app_worker *);

/* app-worker-calls.c */
/* Returns the cause if a call's failure ends the process. */
enum end_cause app_worker_cause(const struct open_call *);

/* app-worker-late.c */
/* Returns the index of the late call that a call of 'message' resumes, or
 * -1. */
int app_worker_find_late(const struct app_worker *,
                         const struct ofpbuf *message);
/* Repeats the reads of a late call and compares the answers.  Returns STEP_ON
 * or STEP_STALE. */
enum step app_worker_read_again(struct app_worker *, const struct open_call *,
                                const struct app_worker_client *);
/* Makes an active call late, for which the caller would wait 'wait_ms'. */
void app_worker_leave(struct app_worker *, struct open_call *,
                      const struct ofpbuf *message, int wait_ms);
/* Takes the failure of a late call of the same message into the result.
 * Returns false if there is none, or if a value that the call has read has
 * changed since then. */
bool app_worker_take_failed(struct app_worker *, const struct ofpbuf *message,
                            const struct app_worker_client *,
                            struct app_worker_result *);

#endif /* controller/worker/app-worker-private.h */
