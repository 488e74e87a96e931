/* SPDX-License-Identifier: Apache-2.0
 *
 * One process of a worker: spawned, sent messages and received from, within
 * time limits, and ended.  Not for what is said, nor for when it is started
 * again (app-worker.h). */

#ifndef CONTROLLER_WORKER_WORKER_PROCESS_H
#define CONTROLLER_WORKER_WORKER_PROCESS_H 1

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct ofpbuf;

struct worker_process {
    pid_t pid;                  /* 0: there is none. */
    int fd;                     /* Our end of the socketpair. */
    clockid_t cpu_clock;        /* Its processor time. */
    uint16_t cpu;               /* Its processor when it sent something. */
    bool closed;                /* It has closed its end: it ends. */
    bool killed;                /* Somebody else has killed the last one. */
    size_t receive_max;         /* Of a larger message, in bytes, no more than
                                 * the head is kept; 0: there is no limit. */
};

/* The time that a worker takes for one computation.  Its processor time is
 * measured only if it takes longer than a moment. */
struct worker_timer {
    int cpu_ms;                 /* Its limits: of processor time, */
    int wait_ms;                /* and of time. */
    int64_t start_ms;           /* time_msec(). */
    int64_t next_ms;            /* When to look at the time again. */
    bool measured;
    int64_t start_cpu_ms;       /* If 'measured'. */
    void (*yield)(void *aux);   /* Or NULL. */
    void *aux;
};

/* Copies 'file' to memory, so that it may be replaced while it is loaded.
 * The copy has the file's name.  Returns the file descriptor, or a negative
 * errno. */
int worker_module_copy(const char *file);
/* The same with what such a file has in it. */
int worker_module_make(const char *file, const void *content, size_t size);

/* Starts 'program' with the module.  Returns 0 or a positive errno. */
int worker_process_start(struct worker_process *, const char *program,
                         int module_fd);

void worker_timer_start(struct worker_timer *);
/* Looks at the time, if that is due, and lets others have theirs.  To be
 * called often in a computation that goes on.  Returns NULL, or why it must
 * not. */
char *worker_timer_check(const struct worker_process *,
                         struct worker_timer *);
/* Has the processor time count from now on: the process has computed something
 * else. */
void worker_timer_forget(struct worker_timer *);

/* Return NULL, or why it failed; the process may have ended.  The caller frees
 * that, and ends the process.  'in' gets one whole message, or, if that has
 * more than 'receive_max' bytes, its head alone. */
char *worker_process_send(struct worker_process *, const struct ofpbuf *,
                          struct worker_timer *);
char *worker_process_receive(struct worker_process *, struct ofpbuf *in,
                             struct worker_timer *);

/* Returns true if the process has ended. */
bool worker_process_has_ended(const struct worker_process *);

/* Ends the process, if there is one, and waits for its end.  If it has ended
 * by itself, returns a sentence that says how, which the caller frees; else
 * NULL. */
char *worker_process_end(struct worker_process *);

#endif /* controller/worker/worker-process.h */
