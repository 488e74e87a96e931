/* SPDX-License-Identifier: Apache-2.0
 *
 * What the loop's thread is busy with.  Whoever does work that may take long
 * marks it: a unit of an app that is computed, a task, a request.  A thread
 * looks ten times a second which mark is set, so it can be said what an
 * iteration of the loop that took long was spent on, and what one is spent on
 * that does not end.  A mark costs a few stores, and no clock.  Not for
 * measuring what takes less than a tenth of a second, and without a mark
 * computing is seen, but no waiting. */

#ifndef PROTO_WATCHDOG_WATCHDOG_H
#define PROTO_WATCHDOG_WATCHDOG_H 1

#include <stddef.h>

#include "ovs-atomic.h"

struct ds;

/* Work, on the stack of who does it. */
struct watchdog_mark {
    const char *kind;           /* Such as "unit". */
    const char *what;           /* Such as "firewall.policy". */
    const char *object;         /* What that is done for, or NULL. */
    const struct watchdog_mark *outer;
};

/* Of one thread. */
struct watchdog_work {
    ATOMIC(const struct watchdog_mark *) mark; /* The innermost, or NULL. */
    atomic_uint n_changes;      /* Of 'mark'. */
};
extern __thread struct watchdog_work watchdog_work;

/* Sets this thread's mark.  To be called by watchdog_begin() and
 * watchdog_end() alone. */
static inline void
watchdog_set__(const struct watchdog_mark *mark)
{
    unsigned int n;

    atomic_read_relaxed(&watchdog_work.n_changes, &n);
    atomic_store_relaxed(&watchdog_work.n_changes, n + 1);
    /* Who has read what follows sees the count, too. */
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&watchdog_work.mark, mark, memory_order_release);
}

/* Begins work of this thread, perhaps within other work.  'kind', 'what' and
 * 'object' (or NULL) must stay until watchdog_end(), which the same function
 * must call; where fibers are used, no other may run in between. */
static inline void
watchdog_begin(struct watchdog_mark *mark, const char *kind, const char *what,
               const char *object)
{
    mark->kind = kind;
    mark->what = what;
    mark->object = object;
    atomic_read_relaxed(&watchdog_work.mark, &mark->outer);
    watchdog_set__(mark);
}

/* Ends it. */
static inline void
watchdog_end(const struct watchdog_mark *mark)
{
    watchdog_set__(mark->outer);
}

struct watchdog;

/* Starts to look at the work of the thread that calls.  Returns NULL if there
 * can be no more threads: the other functions take that. */
struct watchdog *watchdog_create(void);
void watchdog_destroy(struct watchdog *);

/* An iteration of the loop begins, or begins to wait. */
void watchdog_turn(struct watchdog *);
/* Appends to 'text' what this iteration has been spent on, such as "1.2 s unit
 * firewall.policy of \"web\", 0.3 s other work"; nothing if it was not seen at
 * work.  What it lasted, 'ms', is kept with that for watchdog_show(). */
void watchdog_turn_was_long(struct watchdog *, long long int ms,
                            struct ds *text);
/* Appends the last iterations that were long, a line each. */
void watchdog_show(struct watchdog *, struct ds *);

#endif /* proto/watchdog/watchdog.h */
