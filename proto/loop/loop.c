/* SPDX-License-Identifier: Apache-2.0
 *
 * The event loop and its tasks; see loop.h.
 *
 * Beside dispatching events, a turn does what libopenvswitch's poll_block()
 * would have done: fatal signals, coverage, sequence numbers, RCU.  libevent
 * 2.1 has no hook round its wait, hence EVLOOP_ONCE in a loop of our own. */

#include <config.h>

#include "proto/loop/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "coverage.h"
#include "fatal-signal.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovs-rcu.h"
#include "proto/loop/loop-poll.h"
#include "proto/watchdog/watchdog.h"
#include "seq.h"
#include "timeval.h"
#include "unixctl.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(loop);

COVERAGE_DEFINE(loop_turn);
COVERAGE_DEFINE(loop_task_run);

/* A turn that takes longer is logged: it delays everything else. */
#define LOOP_LONG_TURN_MS 1000
/* One that takes longer is kept for "loop/show". */
#define LOOP_KEPT_TURN_MS 100

/* CPU time after which a turn defers work that can wait. */
#define LOOP_TURN_US 3000
/* Files a turn that are not watched any more: less than a millisecond. */
#define LOOP_UNWATCHED_MAX 200

/* When libevent refuses a file descriptor that a task waits for, the task runs
 * again after this time: poll(2) would have woken it at once. */
#define LOOP_BAD_FD_MS 100

struct loop {
    struct event_base *base;
    struct ovs_list tasks;      /* Of struct loop_task. */
    struct ovs_list deferred;   /* Of struct loop_deferred, oldest first. */
    struct loop_task *signals;  /* Wakes the loop for fatal_signal_run(). */
    struct event *turn_timer;   /* Ends loop_turn()'s wait. */
    struct event *seq_event;    /* On 'seq_fd'. */
    int seq_fd;                 /* This thread's latch of all its seqs. */
    int n_unwatched;            /* loop_should_unwatch() in this turn. */
    uint64_t n_turns;
    int64_t turn_began_us;      /* CPU time of this thread. */
    bool turn_is_over;          /* Was found: to ask the clock again, for each
                                 * of a thousand tasks, would take longer. */
    struct loop_stats stats;
    struct watchdog *watchdog;  /* Sees what takes long. */
    int64_t now_ms;             /* If 'now_valid'. */
    bool now_valid;
    bool exiting;
};

struct loop_task {
    struct loop *loop;
    struct ovs_list node;       /* In loop's 'tasks'. */
    char *name;
    void (*run)(void *aux);
    void (*wait)(void *aux);
    void *aux;
    struct poll_record want;    /* What it waits for. */
    struct event *timer;        /* For 'want.when' and kicks. */
    struct loop_deferred deferred;
    size_t n_events;            /* Of 'events', those that are armed. */
    size_t allocated_events;    /* Of 'events', those that exist. */
    struct event **events;      /* One for each fd of 'want'. */
    uint64_t n_runs;
    bool urgent;                /* See loop_task_set_urgent(). */
    bool running;
    bool kicked;                /* While running: run again. */
    bool destroyed;             /* While running: free afterwards. */
};

const uint32_t loop_turn_us[LOOP_N_BOUNDS] = {
    100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 1000000,
};

static void task_run(void *task);

/* Returns the CPU time of this thread. */
static int64_t
cpu_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
}

static void
loop_log_cb(int severity, const char *msg)
{
    VLOG(severity >= EVENT_LOG_ERR ? VLL_ERR
         : severity == EVENT_LOG_WARN ? VLL_WARN
         : VLL_DBG, "libevent: %s", msg);
}

static void
loop_turn_timer_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED,
                   void *aux OVS_UNUSED)
{
    /* That it fired is all. */
}

/* A seq that some task waits for has changed.  libopenvswitch keeps its
 * waiters by thread, not by task, and forgets all of them in seq_woke(), so
 * everyone looks and waits anew. */
static void
loop_seq_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *loop_)
{
    struct loop *loop = loop_;
    struct loop_task *task;

    seq_woke();
    LIST_FOR_EACH (task, node, &loop->tasks) {
        loop_task_kick(task);
    }
}

/* Returns the file descriptor that wakes this thread for its seqs.
 * libopenvswitch has no function for that, so this waits for a seq and
 * inspects the recorded wait. */
static int
loop_find_seq_fd(void)
{
    struct poll_record record;
    struct seq *seq = seq_create();

    poll_record_init(&record);
    seq_woke();
    loop_poll_begin(&record, "loop_create");
    seq_wait(seq, seq_read(seq));
    loop_poll_end();
    ovs_assert(record.n == 1);

    int fd = record.waits[0].fd;
    seq_woke();
    seq_destroy(seq);
    poll_record_uninit(&record);
    return fd;
}

static void
signals_run(void *aux OVS_UNUSED)
{
    /* The turn calls fatal_signal_run(). */
}

static void
signals_wait(void *aux OVS_UNUSED)
{
    fatal_signal_wait();
}

static struct event_base *
loop_create_base(void)
{
    struct event_config *config = event_config_new();

    /* Libevent's usual clock is up to 4 ms late and its cached time older
     * still, so that deadlines would be met too early, and tasks run once for
     * nothing. */
    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
    event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);

    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    if (!base) {
        VLOG_FATAL("cannot create the event base (%s)", ovs_strerror(errno));
    }
    return base;
}

struct loop *
loop_create(void)
{
    struct loop *loop = xzalloc(sizeof *loop);

    fatal_signal_init();
    /* A peer that went away is an error of a write, not a signal. */
    fatal_ignore_sigpipe();

    event_set_log_callback(loop_log_cb);
    loop->base = loop_create_base();
    ovs_list_init(&loop->tasks);
    ovs_list_init(&loop->deferred);
    loop_poll_claim();
    loop->turn_timer = evtimer_new(loop->base, loop_turn_timer_cb, loop);
    loop->seq_fd = loop_find_seq_fd();
    loop->seq_event = event_new(loop->base, loop->seq_fd,
                                EV_READ | EV_PERSIST, loop_seq_cb, loop);
    event_add(loop->seq_event, NULL);
    loop->turn_began_us = cpu_us();
    loop->watchdog = watchdog_create();
    loop->signals = loop_task_create(loop, "signals", signals_run,
                                     signals_wait, NULL);
    return loop;
}

/* Frees the event base, too.  All tasks must have been destroyed. */
void
loop_destroy(struct loop *loop)
{
    if (!loop) {
        return;
    }
    watchdog_destroy(loop->watchdog);
    loop_task_destroy(loop->signals);
    ovs_assert(ovs_list_is_empty(&loop->tasks));
    event_free(loop->seq_event);
    event_free(loop->turn_timer);
    /* A bufferevent that was freed is still there while a callback of its own
     * is deferred, and the base would forget that. */
    event_base_loop(loop->base, EVLOOP_NONBLOCK);
    event_base_free(loop->base);
    loop_poll_release();
    free(loop);
}

struct event_base *
loop_base(struct loop *loop)
{
    return loop->base;
}

/* Turns.  ---------------------------------------------------------------- */

bool
loop_turn_is_over(const struct loop *loop_)
{
    struct loop *loop = CONST_CAST(struct loop *, loop_);

    if (!loop->turn_is_over) {
        loop->turn_is_over = cpu_us() - loop->turn_began_us > LOOP_TURN_US;
    }
    return loop->turn_is_over;
}

void
loop_deferred_init(struct loop_deferred *deferred, struct loop *loop,
                   void (*run)(void *aux), void *aux)
{
    deferred->loop = loop;
    ovs_list_init(&deferred->node);
    deferred->run = run;
    deferred->aux = aux;
}

void
loop_defer(struct loop_deferred *deferred)
{
    if (ovs_list_is_empty(&deferred->node)) {
        ovs_list_push_back(&deferred->loop->deferred, &deferred->node);
    }
}

void
loop_deferred_cancel(struct loop_deferred *deferred)
{
    ovs_list_remove(&deferred->node);
    ovs_list_init(&deferred->node);
}

bool
loop_should_unwatch(struct loop *loop)
{
    return loop->n_unwatched < LOOP_UNWATCHED_MAX && ++loop->n_unwatched;
}

/* Does what was deferred, for half of a turn's time: new events have the
 * rest. */
static void
run_deferred(struct loop *loop)
{
    while (!ovs_list_is_empty(&loop->deferred)) {
        struct loop_deferred *first = CONTAINER_OF(
            ovs_list_front(&loop->deferred), struct loop_deferred, node);

        loop_deferred_cancel(first);
        first->run(first->aux);
        if (cpu_us() - loop->turn_began_us > LOOP_TURN_US / 2) {
            break;
        }
    }
}

static void
loop_count_turn(struct loop *loop, uint64_t turn_us)
{
    int i = 0;

    while (i < LOOP_N_BOUNDS && turn_us > loop_turn_us[i]) {
        i++;
    }
    loop->stats.n[i]++;
    loop->stats.total_us += turn_us;
    loop->stats.longest_us = MAX(loop->stats.longest_us, turn_us);
}

void
loop_get_stats(const struct loop *loop, struct loop_stats *stats)
{
    *stats = loop->stats;
}

/* Tells of a turn that has delayed everything else; 'ms' is what it took. */
static void
loop_turn_was_long(struct loop *loop, long long int ms)
{
    struct ds spent = DS_EMPTY_INITIALIZER;

    watchdog_turn_was_long(loop->watchdog, ms, &spent);
    if (ms > LOOP_LONG_TURN_MS) {
        VLOG_WARN("an iteration of the loop took %lld ms%s%s", ms,
                  spent.length ? ": " : "", ds_cstr(&spent));
    }
    ds_destroy(&spent);
}

/* Waits and dispatches, then performs the steps at the end of a turn.  'flags'
 * are event_base_loop()'s. */
static void
loop_turn__(struct loop *loop, int flags)
{
    uint64_t turn_us;
    long long int ms;

    watchdog_turn(loop->watchdog);
    loop->now_valid = false;
    /* What the caller did before belongs to no turn. */
    loop->turn_began_us = cpu_us();
    loop->turn_is_over = false;
    loop->n_unwatched = 0;
    if (!ovs_list_is_empty(&loop->deferred)) {
        flags |= EVLOOP_NONBLOCK;
        run_deferred(loop);
    }
    event_base_loop(loop->base, flags);

    loop->n_turns++;
    COVERAGE_INC(loop_turn);
    fatal_signal_run();
    coverage_clear();           /* Both keep their own pace. */
    coverage_run();
    /* Nobody holds an RCU-protected pointer between turns.  Without this no
     * postponed free would ever run. */
    ovsrcu_quiesce();

    /* Only what somebody dated has a time of its own, which also counts
     * waits, such as for a disk. */
    turn_us = cpu_us() - loop->turn_began_us;
    ms = turn_us / 1000;
    if (loop->now_valid) {
        ms = MAX(ms, time_msec() - loop->now_ms);
    }
    if (ms > LOOP_KEPT_TURN_MS) {
        loop_turn_was_long(loop, ms);
    }
    loop->now_valid = false;
    loop_count_turn(loop, turn_us);
}

void
loop_turn(struct loop *loop, int timeout_ms)
{
    if (!timeout_ms) {
        loop_turn__(loop, EVLOOP_NONBLOCK | EVLOOP_ONCE);
        return;
    }
    if (timeout_ms > 0) {
        struct timeval tv = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
        event_add(loop->turn_timer, &tv);
    }
    loop_turn__(loop, EVLOOP_ONCE);
    event_del(loop->turn_timer);
}

void
loop_run(struct loop *loop)
{
    while (!loop->exiting) {
        loop_turn__(loop, EVLOOP_ONCE);
    }
    loop->exiting = false;
}

void
loop_exit(struct loop *loop)
{
    loop->exiting = true;
}

int64_t
loop_now_ms(const struct loop *loop_)
{
    struct loop *loop = CONST_CAST(struct loop *, loop_);

    /* Read by the first who asks in a turn: libevent waits and dispatches in
     * one call, so there is no moment of ours in between. */
    if (!loop->now_valid) {
        loop->now_ms = time_msec();
        loop->now_valid = true;
    }
    return loop->now_ms;
}

/* Tasks.  ---------------------------------------------------------------- */

/* Stops waiting.  Before each run, since the run may close a file descriptor
 * and another may get its number: libevent would go on to believe that the
 * kernel watches it. */
static void
task_disarm(struct loop_task *task)
{
    event_del(task->timer);
    for (size_t i = 0; i < task->n_events; i++) {
        event_del(task->events[i]);
    }
    task->n_events = 0;
}

/* Has the task run in its turn, and returns true, unless it may run now. */
static bool
task_defer(struct loop_task *task)
{
    if (task->urgent || !loop_turn_is_over(task->loop)) {
        return false;
    }
    loop_defer(&task->deferred);
    if (loop_should_unwatch(task->loop)) {
        task_disarm(task);
    }
    return true;
}

static void
task_timer_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED,
              void *task_)
{
    struct loop_task *task = task_;

    if (task_defer(task)) {
        return;
    }
    VLOG_DBG("task \"%s\" wakes by time%s%s", task->name,
             task->want.when_where ? " at " : "",
             task->want.when_where ? task->want.when_where : "");
    task_run(task);
}

static void
task_fd_cb(evutil_socket_t fd, short what, void *task_)
{
    struct loop_task *task = task_;

    if (task_defer(task)) {
        return;
    }
    VLOG_DBG("task \"%s\" wakes by fd %d:%s%s", task->name, (int) fd,
             what & EV_READ ? " readable" : "",
             what & EV_WRITE ? " writable" : "");
    task_run(task);
}

static void
task_arm_fd(struct loop_task *task, const struct poll_wait *wait)
{
    short what = ((wait->events & POLLIN ? EV_READ : 0)
                  | (wait->events & POLLOUT ? EV_WRITE : 0));

    if (task->n_events >= task->allocated_events) {
        size_t old = task->allocated_events;

        task->events = x2nrealloc(task->events, &task->allocated_events,
                                  sizeof *task->events);
        for (size_t i = old; i < task->allocated_events; i++) {
            task->events[i] = xzalloc(event_get_struct_event_size());
        }
    }

    struct event *event = task->events[task->n_events];
    event_assign(event, task->loop->base, wait->fd, what | EV_PERSIST,
                 task_fd_cb, task);
    if (event_add(event, NULL)) {
        static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);
        long long int retry = time_msec() + LOOP_BAD_FD_MS;

        VLOG_WARN_RL(&rl, "task \"%s\" cannot wait for fd %d at %s (%s)",
                     task->name, wait->fd, wait->where, ovs_strerror(errno));
        task->want.when = MIN(task->want.when, retry);
        return;
    }
    task->n_events++;
}

/* Registers events for what the task's wait function recorded. */
static void
task_arm(struct loop_task *task)
{
    for (size_t i = 0; i < task->want.n; i++) {
        if (task->want.waits[i].fd != task->loop->seq_fd) {
            task_arm_fd(task, &task->want.waits[i]);
        }
    }

    if (task->kicked) {
        task->kicked = false;
        task->want.when = LLONG_MIN;
        task->want.when_where = NULL;
    }
    if (task->want.when != LLONG_MAX) {
        long long int now = time_msec();
        long long int left = task->want.when > now ? task->want.when - now : 0;
        struct timeval tv = { left / 1000, left % 1000 * 1000 };
        event_add(task->timer, &tv);
    }
}

static void
task_free(struct loop_task *task)
{
    task_disarm(task);
    loop_deferred_cancel(&task->deferred);
    event_free(task->timer);
    for (size_t i = 0; i < task->allocated_events; i++) {
        free(task->events[i]);
    }
    free(task->events);
    poll_record_uninit(&task->want);
    ovs_list_remove(&task->node);
    free(task->name);
    free(task);
}

static void
task_run(void *task_)
{
    struct loop_task *task = task_;
    struct watchdog_mark mark;

    COVERAGE_INC(loop_task_run);
    loop_now_ms(task->loop);    /* Dates the turn. */
    task->n_runs++;
    task_disarm(task);
    loop_deferred_cancel(&task->deferred);

    /* What 'run' asks for counts too: some of libopenvswitch's run functions
     * call poll_immediate_wake(). */
    task->running = true;
    watchdog_begin(&mark, "task", task->name, NULL);
    loop_poll_begin(&task->want, task->name);
    task->run(task->aux);
    if (!task->destroyed) {
        task->wait(task->aux);
    }
    loop_poll_end();
    watchdog_end(&mark);
    task->running = false;

    if (task->destroyed) {
        task_free(task);
    } else {
        task_arm(task);
    }
}

int
loop_wait_fd(void (*wait)(void *aux), void *aux)
{
    struct poll_record record;
    int fd;

    poll_record_init(&record);
    loop_poll_begin(&record, "loop_wait_fd");
    wait(aux);
    loop_poll_end();
    fd = record.n ? record.waits[0].fd : -1;
    poll_record_uninit(&record);
    return fd;
}

struct loop_task *
loop_task_create(struct loop *loop, const char *name,
                 void (*run)(void *aux), void (*wait)(void *aux), void *aux)
{
    struct loop_task *task = xzalloc(sizeof *task);

    task->loop = loop;
    task->name = xstrdup(name);
    task->run = run;
    task->wait = wait;
    task->aux = aux;
    poll_record_init(&task->want);
    task->timer = evtimer_new(loop->base, task_timer_cb, task);
    loop_deferred_init(&task->deferred, loop, task_run, task);
    ovs_list_push_back(&loop->tasks, &task->node);
    loop_task_kick(task);
    return task;
}

void
loop_task_destroy(struct loop_task *task)
{
    if (!task) {
        return;
    }
    if (task->running) {
        task->destroyed = true;
    } else {
        task_free(task);
    }
}

void
loop_task_kick(struct loop_task *task)
{
    static const struct timeval at_once = { 0, 0 };

    if (task->running) {
        task->kicked = true;
    } else {
        /* By a timer and not event_active(): a task that kicks another, which
         * kicks it back, would never let the turn end. */
        event_add(task->timer, &at_once);
    }
}

void
loop_task_set_urgent(struct loop_task *task)
{
    task->urgent = true;
}

/* For people.  ------------------------------------------------------------ */

static void
loop_show_cb(struct unixctl_conn *conn, int argc OVS_UNUSED,
             const char *argv[] OVS_UNUSED, void *loop_)
{
    const struct loop *loop = loop_;
    const struct loop_task *task;
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_format(&ds, "turns: %"PRIu64", longest %"PRIu64" us\n",
                  loop->n_turns, loop->stats.longest_us);
    for (int i = 0; i <= LOOP_N_BOUNDS; i++) {
        if (loop->stats.n[i] && i < LOOP_N_BOUNDS) {
            ds_put_format(&ds, "up to %"PRIu32" us: %"PRIu64"\n",
                          loop_turn_us[i], loop->stats.n[i]);
        } else if (loop->stats.n[i]) {
            ds_put_format(&ds, "longer: %"PRIu64"\n", loop->stats.n[i]);
        }
    }
    watchdog_show(loop->watchdog, &ds);
    LIST_FOR_EACH (task, node, &loop->tasks) {
        ds_put_format(&ds, "task %s: %"PRIu64" runs\n", task->name,
                      task->n_runs);
    }
    unixctl_command_reply(conn, ds_cstr(&ds));
    ds_destroy(&ds);
}

void
loop_unixctl_init(struct loop *loop)
{
    unixctl_command_register("loop/show", "", 0, 0, loop_show_cb, loop);
}
