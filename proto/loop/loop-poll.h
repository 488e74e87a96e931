/* SPDX-License-Identifier: Apache-2.0
 *
 * Records what libopenvswitch's poll_fd_wait() and the like wait for while a
 * task of the loop runs.  Shared by loop.c and loop-poll.c only. */

#ifndef PROTO_LOOP_LOOP_POLL_H
#define PROTO_LOOP_LOOP_POLL_H 1

#include <stddef.h>

/* A file descriptor to wait for. */
struct poll_wait {
    int fd;
    short events;               /* POLLIN, POLLOUT or both. */
    const char *where;          /* "FILE:LINE" of the wait; static. */
};

/* Everything that a task waits for. */
struct poll_record {
    size_t n;
    size_t allocated;
    struct poll_wait *waits;    /* Owned.  Each fd once. */
    long long int when;         /* In time_msec()'s time; LLONG_MAX: never,
                                 * LLONG_MIN: at once. */
    const char *when_where;     /* "FILE:LINE" that set 'when'; static, or
                                 * NULL. */
};

void poll_record_init(struct poll_record *);
void poll_record_uninit(struct poll_record *);

/* Marks the calling thread as running a loop, until loop_poll_release():
 * poll_block() aborts on it, and waits outside of a task are dropped. */
void loop_poll_claim(void);
void loop_poll_release(void);

/* Records the waits of the calling thread into 'record', for task 'name'
 * (borrowed), until loop_poll_end(). */
void loop_poll_begin(struct poll_record *record, const char *name);
void loop_poll_end(void);

#endif /* proto/loop/loop-poll.h */
