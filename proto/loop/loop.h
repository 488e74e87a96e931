/* SPDX-License-Identifier: Apache-2.0
 *
 * The one event loop.  libevent drives everything; the poll-based parts of
 * libopenvswitch (OVSDB client, unixctl) run on it as tasks, through the five
 * poll-loop functions that loop-poll.c defines in place of libopenvswitch's.
 *
 * A task has a 'run' function that does what can be done now and a 'wait'
 * function that calls poll_fd_wait() and the like for what it waits for. Only
 * the task whose file descriptor or timer fired runs. */

#ifndef PROTO_LOOP_LOOP_H
#define PROTO_LOOP_LOOP_H 1

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct loop;
struct loop_task;

/* Makes the loop.  After daemonize_start(): an event base does not survive a
 * fork.  One per process, on the thread that calls; SIGPIPE is ignored from
 * then on, and poll_block() aborts on this thread until loop_destroy(). */
struct loop *loop_create(void);
/* After its tasks and all other events of its base. */
void loop_destroy(struct loop *);
struct event_base *loop_base(struct loop *);

/* Runs turns until loop_exit() or a terminating signal.  Each turn: wait and
 * dispatch, then fatal_signal_run(), coverage, ovsrcu_quiesce(). */
void loop_run(struct loop *);
/* One turn, which waits at most 'timeout_ms' (-1: until something happens).
 * For tests. */
void loop_turn(struct loop *, int timeout_ms);
void loop_exit(struct loop *);

/* True once this turn has taken so long that what can wait is better left to
 * the next one, so that new events are looked at: a callback for a file that
 * stays ready just returns.  Tasks are put off by themselves. */
bool loop_turn_is_over(const struct loop *);

/* How long turns took: CPU time of the loop's thread, in which waiting does not
 * count.  n[i] turns took no longer than loop_turn_us[i] and longer than the
 * one before; the last element is for all longer ones. */
#define LOOP_N_BOUNDS 11
extern const uint32_t loop_turn_us[LOOP_N_BOUNDS];
struct loop_stats {
    uint64_t n[LOOP_N_BOUNDS + 1];
    uint64_t total_us;
    uint64_t longest_us;
};
void loop_get_stats(const struct loop *, struct loop_stats *);

/* Monotonic time in ms, read once a turn. */
int64_t loop_now_ms(const struct loop *);

/* Adds a task and schedules its first run.  'name' is for logs. */
struct loop_task *loop_task_create(struct loop *, const char *name,
                                   void (*run)(void *aux),
                                   void (*wait)(void *aux), void *aux);
/* May be called from inside the task's own functions.  Whoever closes file
 * descriptors that a task waits for, other than from inside the task's own run
 * function, destroys the task first. */
void loop_task_destroy(struct loop_task *);
/* Schedules a run in the next turn, which then does not wait. */
void loop_task_kick(struct loop_task *);
/* How often the task has run. */
uint64_t loop_task_n_runs(const struct loop_task *);
/* How many turns the loop has made. */
uint64_t loop_n_turns(const struct loop *);

/* Registers "loop/show" with unixctl. */
void loop_unixctl_init(struct loop *);

#endif /* proto/loop/loop.h */
