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
    int fd;                     /* Our end of the socketpair; non-blocking. */
    int status_fd;              /* Its /proc/PID/status. */
    clockid_t cpu_clock;        /* Its processor time. */
    uint16_t cpu;               /* Its processor when it sent something. */
    bool closed;                /* It has closed its end: it ends. */
    bool killed;                /* Another program has ended the last one by a
                                 * signal. */
};

/* The time that a worker takes for one computation, which is measured only if
 * it takes longer than a moment. */
struct worker_timer {
    int cpu_ms;                 /* Its limits: of processor time, */
    int sleep_ms;               /* and of time that it sleeps. */
    int64_t reads_us;           /* Processor time that it may take for what it
                                 * has read, in addition to 'cpu_ms'. */
    int64_t end_ms;             /* time_msec() from when on nobody waits for it
                                 * any more. */
    int64_t next_ms;            /* When to look at the time again. */
    int64_t slept_ms;
    bool measured;
    int64_t start_cpu_ms;       /* If 'measured'. */
    void (*yield)(void *aux);   /* Or NULL. */
    void *aux;
};

/* A message to the worker, and the one that it answers with. */
struct worker_talk {
    const struct ofpbuf *out;
    size_t n_sent;              /* Bytes of 'out'. */
    struct ofpbuf *in;
    size_t max;                 /* Of a larger message, in bytes, 'in' gets the
                                 * head alone; 0: of none. */
    size_t n_dropped;           /* Bytes of it. */
    bool whole;                 /* All of it has come. */
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

/* Sets the limits, and that it is waited for until 'end_ms'. */
void worker_timer_start(struct worker_timer *, int cpu_ms, int sleep_ms,
                        int64_t end_ms);
/* Looks at the time, if that is due.  To be called often while the worker
 * computes.  Time in which it is stopped, or waits for a processor, does not
 * count.  Returns NULL, or which limit it exceeds. */
char *worker_timer_check(const struct worker_process *,
                         struct worker_timer *);
/* Has the processor time count from now on: the process has computed something
 * else. */
void worker_timer_forget(struct worker_timer *);

/* Sends and receives what is possible at once.  Returns NULL, or why that
 * fails, which the caller frees, and ends the process, which may have
 * ended. */
char *worker_process_step(struct worker_process *, struct worker_talk *);
/* The same, and waits until all is received, or for the timer's end. */
char *worker_process_talk(struct worker_process *, struct worker_talk *,
                          struct worker_timer *);

/* Returns true if the process has as many filters of system calls as 'n'
 * besides those that it was started with (worker-sandbox.h), and gains no
 * privileges.  An app cannot remove one; one that adds its own has more. */
bool worker_process_is_filtered(const struct worker_process *, int n);

/* Returns true if the kernel has Landlock, so that a process that loads a
 * module opens libraries and no other files (worker-sandbox.c). */
bool worker_files_are_confined(void);

/* Returns true if the process has ended. */
bool worker_process_has_ended(const struct worker_process *);

/* Ends the process, if there is one, and waits for its end.  If it has ended
 * by itself, returns a sentence that says how, which the caller frees; else
 * NULL. */
char *worker_process_end(struct worker_process *);

#endif /* controller/worker/worker-process.h */
