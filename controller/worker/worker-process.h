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
};

/* The time that a worker takes for one computation: measured only if it takes
 * longer than a moment. */
struct worker_timer {
    bool started;
    int64_t start_ms;           /* time_msec(). */
    int64_t start_cpu_ms;
    int64_t next_yield_ms;
    void (*yield)(void *aux);   /* Or NULL. */
    void *aux;
};

/* Copies 'file' to memory, so that it may be replaced while it is loaded.
 * Returns the file descriptor, or a negative errno. */
int worker_module_copy(const char *file);

/* Starts 'program' with the module.  Returns 0 or a positive errno. */
int worker_process_start(struct worker_process *, const char *program,
                         int module_fd);

/* Return NULL, or why it failed; the process may have ended.  The caller frees
 * that, and ends the process.  'in' gets one whole message. */
char *worker_process_send(struct worker_process *, const struct ofpbuf *,
                          struct worker_timer *);
char *worker_process_receive(struct worker_process *, struct ofpbuf *in,
                             struct worker_timer *);

/* Ends the process, if there is one, and waits for its end.  If it has ended
 * by itself, returns a sentence that says how, which the caller frees; else
 * NULL. */
char *worker_process_end(struct worker_process *);

#endif /* controller/worker/worker-process.h */
