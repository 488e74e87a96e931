/* SPDX-License-Identifier: Apache-2.0
 *
 * The five functions that libopenvswitch waits with, in place of its own.
 *
 * A program that links libopenvswitch statically and defines all five before
 * it never pulls in lib/poll-loop.o, so every poll_fd_wait() and the like in
 * libopenvswitch ends here.  On the loop's thread they record into the task
 * that runs (loop.c turns that into libevent events).  On every other thread
 * they behave as the originals do, down to poll(2). */

#include <config.h>

#include "proto/loop/loop-poll.h"

#include <execinfo.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>

#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovs-thread.h"
#include "seq.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(loop_poll);

/* The state of one thread.  The five functions have no context argument, so it
 * has to be found by thread. */
struct poll_thread {
    bool is_loop;               /* Between claim and release. */
    struct poll_record *record; /* Of the task that runs, or NULL. */
    const char *task;           /* Its name. */
    const char *last_where;     /* Of the newest wait, for poll_block(). */
    struct poll_record own;     /* For threads without a loop. */
};

static void
poll_thread_free(void *thread_)
{
    struct poll_thread *thread = thread_;

    poll_record_uninit(&thread->own);
    free(thread);
}

static struct poll_thread *
poll_thread_get(void)
{
    static struct ovsthread_once once = OVSTHREAD_ONCE_INITIALIZER;
    static pthread_key_t key;

    if (ovsthread_once_start(&once)) {
        xpthread_key_create(&key, poll_thread_free);
        ovsthread_once_done(&once);
    }

    struct poll_thread *thread = pthread_getspecific(key);
    if (!thread) {
        thread = xzalloc(sizeof *thread);
        poll_record_init(&thread->own);
        xpthread_setspecific(key, thread);
    }
    return thread;
}

/* Where a wait of this thread is to be recorded, or NULL for nowhere: on the
 * loop's thread outside of any task nobody would ever act on it. */
static struct poll_record *
poll_record_here(const char *where)
{
    struct poll_thread *thread = poll_thread_get();

    thread->last_where = where;
    return (thread->record ? thread->record
            : thread->is_loop ? NULL : &thread->own);
}

static void
poll_record_clear(struct poll_record *record)
{
    record->n = 0;
    record->when = LLONG_MAX;
    record->when_where = NULL;
}

void
poll_record_init(struct poll_record *record)
{
    record->n = record->allocated = 0;
    record->waits = NULL;
    poll_record_clear(record);
}

void
poll_record_uninit(struct poll_record *record)
{
    free(record->waits);
}

void
loop_poll_claim(void)
{
    struct poll_thread *thread = poll_thread_get();

    ovs_assert(!thread->is_loop);
    thread->is_loop = true;
    poll_record_clear(&thread->own);
}

void
loop_poll_release(void)
{
    struct poll_thread *thread = poll_thread_get();

    ovs_assert(thread->is_loop);
    thread->is_loop = false;
}

void
loop_poll_begin(struct poll_record *record, const char *name)
{
    struct poll_thread *thread = poll_thread_get();

    ovs_assert(!thread->record);
    thread->record = record;
    thread->task = name;
    poll_record_clear(record);
}

void
loop_poll_end(void)
{
    struct poll_thread *thread = poll_thread_get();

    thread->record = NULL;
    thread->task = NULL;
}

/* The five functions.  Their contracts are in libopenvswitch's
 * lib/poll-loop.c. */

void
poll_fd_wait_at(int fd, short int events, const char *where)
{
    struct poll_record *record = poll_record_here(where);

    if (!record) {
        return;
    }
    for (size_t i = 0; i < record->n; i++) {
        if (record->waits[i].fd == fd) {
            record->waits[i].events |= events;
            return;
        }
    }
    if (record->n >= record->allocated) {
        record->waits = x2nrealloc(record->waits, &record->allocated,
                                   sizeof *record->waits);
    }
    record->waits[record->n++] = (struct poll_wait) {
        .fd = fd, .events = events, .where = where,
    };
}

void
poll_timer_wait_until_at(long long int when, const char *where)
{
    struct poll_record *record = poll_record_here(where);

    if (record && when < record->when) {
        record->when = when;
        record->when_where = where;
    }
}

void
poll_timer_wait_at(long long int msec, const char *where)
{
    long long int now = time_msec();

    poll_timer_wait_until_at(msec <= 0 ? LLONG_MIN
                             : msec <= LLONG_MAX - now ? now + msec
                             : LLONG_MAX, where);
}

void
poll_immediate_wake_at(const char *where)
{
    poll_timer_wait_until_at(LLONG_MIN, where);
}

/* Blocking the loop would hang all that runs on it: a bug, so say whose. */
static void OVS_NO_RETURN
poll_block_abort(const struct poll_thread *thread)
{
    void *frames[16];
    int n = backtrace(frames, ARRAY_SIZE(frames));
    char **names = backtrace_symbols(frames, n);

    for (int i = 0; names && i < n; i++) {
        VLOG_ERR("poll_block() called from: %s", names[i]);
    }
    VLOG_ABORT("poll_block() on the loop's thread, in task \"%s\", to wait at "
               "%s", thread->task ? thread->task : "(none)",
               thread->last_where ? thread->last_where : "(nowhere)");
}

void
poll_block(void)
{
    struct poll_thread *thread = poll_thread_get();

    if (thread->is_loop) {
        poll_block_abort(thread);
    }

    struct poll_record *record = &thread->own;
    struct pollfd *fds = xmalloc(MAX(record->n, 1) * sizeof *fds);
    int n = (int) record->n;    /* As many as there are descriptors at most. */
    int elapsed;

    for (int i = 0; i < n; i++) {
        fds[i] = (struct pollfd) {
            .fd = record->waits[i].fd, .events = record->waits[i].events,
        };
    }

    long long int when = record->when;
    poll_record_clear(record);

    /* Also quiesces while it waits. */
    int retval = time_poll(fds, n, NULL, when, &elapsed);
    if (retval < 0) {
        static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);
        VLOG_ERR_RL(&rl, "poll: %s", ovs_strerror(-retval));
    }
    free(fds);
    seq_woke();
}
