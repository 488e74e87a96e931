/* SPDX-License-Identifier: Apache-2.0
 *
 * The one event loop.  libevent drives everything; the poll-based parts of
 * libopenvswitch (OVSDB client, unixctl) run on it as tasks, through the five
 * poll-loop functions that loop-poll.c defines in place of libopenvswitch's.
 *
 * A task has a 'run' function that does the work that is due, and a 'wait'
 * function that registers what it waits for by poll_fd_wait() and the like.
 * Only the task whose file descriptor or timer fired runs. */

#ifndef PROTO_LOOP_LOOP_H
#define PROTO_LOOP_LOOP_H 1

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/list.h"

struct event_base;
struct loop;
struct loop_task;

/* Creates the loop.  To be called after daemonize_start(): an event base does
 * not survive a fork.  One per process, on the thread that calls; SIGPIPE is
 * ignored from then on, and poll_block() aborts on this thread until
 * loop_destroy(). */
struct loop *loop_create(void);
/* All tasks and all other events of its base must have been destroyed. */
void loop_destroy(struct loop *);
struct event_base *loop_base(struct loop *);

/* Runs iterations ("turns") until loop_exit() or a terminating signal.  Each
 * waits and dispatches, then calls fatal_signal_run(), runs coverage counters
 * and ovsrcu_quiesce(). */
void loop_run(struct loop *);
/* Runs one turn, which waits at most 'timeout_ms' (-1: until something
 * happens).  For tests. */
void loop_turn(struct loop *, int timeout_ms);
void loop_exit(struct loop *);

/* Returns true once this turn has taken so long that work that can wait should
 * be deferred to the next one, so that new events are seen.  Tasks are
 * deferred by the loop. */
bool loop_turn_is_over(const struct loop *);

/* Work that may be deferred.  In the order in which it was deferred the turns
 * that follow do it, each for a part of its time. */
struct loop_deferred {
    struct loop *loop;
    struct ovs_list node;       /* In the loop's 'deferred', or empty. */
    void (*run)(void *aux);
    void *aux;
};
/* To be called once for each.  The structure is the caller's. */
void loop_deferred_init(struct loop_deferred *, struct loop *,
                        void (*run)(void *aux), void *aux);
/* Has 'run' called, once, by a turn that follows; also from 'run'. */
void loop_defer(struct loop_deferred *);
/* Takes that back, if it is still to come. */
void loop_deferred_cancel(struct loop_deferred *);
/* For a callback that defers work on a file that stays ready: returns true if
 * the file should not be watched until then.  With a thousand of them a turn
 * may be over by the time that all were looked at.  True a bounded number of
 * times a turn, since each is a system call or two. */
bool loop_should_unwatch(struct loop *);

/* Duration of turns, as CPU time of the loop's thread, which excludes waiting.
 * n[i] turns took at most loop_turn_us[i] and longer than the bound before it;
 * the last element counts all longer ones. */
#define LOOP_N_BOUNDS 11
extern const uint32_t loop_turn_us[LOOP_N_BOUNDS];
struct loop_stats {
    uint64_t n[LOOP_N_BOUNDS + 1];
    uint64_t total_us;
    uint64_t longest_us;
};
void loop_get_stats(const struct loop *, struct loop_stats *);

/* Returns the monotonic time in ms, which is read once a turn. */
int64_t loop_now_ms(const struct loop *);

/* Adds a task and schedules its first run.  'name' is for logs. */
struct loop_task *loop_task_create(struct loop *, const char *name,
                                   void (*run)(void *aux),
                                   void (*wait)(void *aux), void *aux);
/* May be called from inside the task's own functions.  A task must be
 * destroyed before file descriptors that it waits for are closed, unless its
 * own run function closes them. */
void loop_task_destroy(struct loop_task *);
/* Schedules a run in the next turn, which then does not wait. */
void loop_task_kick(struct loop_task *);
/* Has the task run whenever it is due, also where loop_turn_is_over(): others
 * wait for their turn then, which with thousands of connections that all have
 * something to say may take seconds. */
void loop_task_set_urgent(struct loop_task *);

/* Returns the first file descriptor that 'wait' waits for with
 * poll_fd_wait(); -1: none.  For those of libopenvswitch's, which hides them.
 * Not from inside of a task. */
int loop_wait_fd(void (*wait)(void *aux), void *aux);

/* Registers "loop/show" with unixctl. */
void loop_unixctl_init(struct loop *);

#endif /* proto/loop/loop.h */
