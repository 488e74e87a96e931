/* SPDX-License-Identifier: Apache-2.0
 *
 * What libopenvswitch's waits record into while a task of the loop runs.
 * Between loop.c and loop-poll.c only. */

#ifndef PROTO_LOOP_LOOP_POLL_H
#define PROTO_LOOP_LOOP_POLL_H 1

#include <stddef.h>

/* One file descriptor that is waited for. */
struct poll_wait {
    int fd;
    short events;               /* POLLIN, POLLOUT or both. */
    const char *where;          /* "FILE:LINE" of the wait; static. */
};

/* Everything that is waited for. */
struct poll_record {
    size_t n;
    size_t allocated;
    struct poll_wait *waits;    /* Owned.  No fd twice. */
    long long int when;         /* As time_msec() tells time; LLONG_MAX for
                                 * never, LLONG_MIN for at once. */
    const char *when_where;     /* Who asked for 'when'; static, or NULL. */
};

void poll_record_init(struct poll_record *);
void poll_record_clear(struct poll_record *);
void poll_record_uninit(struct poll_record *);

/* The calling thread runs a loop from now on, until loop_poll_release():
 * poll_block() aborts on it, and waits outside of a task are dropped. */
void loop_poll_claim(void);
void loop_poll_release(void);

/* What the calling thread waits for goes to 'record', on behalf of task 'name'
 * (borrowed), until loop_poll_end(). */
void loop_poll_begin(struct poll_record *record, const char *name);
void loop_poll_end(void);

#endif /* proto/loop/loop-poll.h */
