/* SPDX-License-Identifier: Apache-2.0
 *
 * The loop's tasks: when they run, and what they may do in a run. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/event.h>
#include <poll.h>
#include <unistd.h>

#include "openvswitch/poll-loop.h"
#include "proto/loop/loop.h"
#include "socket-util.h"
#include "svec.h"
#include "tests/unit/loop-help.h"
#include "timeval.h"
#include "util.h"

/* How long a turn waits at most, in ms.  Only a failing test takes it. */
#define TURN_MS 30000

static void
only_the_task_whose_fd_fired_runs(void **state OVS_UNUSED)
{
    struct loop *loop = loop_create();
    struct reader a = { .fd = -1 }, b = { .fd = -1 };
    int pa[2], pb[2];

    make_pipe(pa);
    make_pipe(pb);
    a.fd = pa[0];
    b.fd = pb[0];
    a.task = loop_task_create(loop, "a", reader_run, reader_wait, &a);
    b.task = loop_task_create(loop, "b", reader_run, reader_wait, &b);
    settle(loop);
    assert_int_equal(a.n_runs, 1);
    assert_int_equal(b.n_runs, 1);

    put_byte(pb[1]);
    loop_turn(loop, -1);
    settle(loop);
    assert_int_equal(a.n_runs, 1);
    assert_int_equal(b.n_runs, 2);
    assert_int_equal(b.n_bytes, 1);

    loop_task_destroy(a.task);
    loop_task_destroy(b.task);
    loop_destroy(loop);
    for (int i = 0; i < 2; i++) {
        close(pa[i]);
        close(pb[i]);
    }
}

struct timed {
    struct loop_task *task;
    long long int when;
    int n_early;
    int n_due;
};

static void
timed_run(void *timed_)
{
    struct timed *timed = timed_;

    if (time_msec() < timed->when) {
        timed->n_early++;
        poll(NULL, 0, 5);       /* What libevent took for now gets old. */
    } else {
        timed->n_due++;
        timed->when = LLONG_MAX;
    }
}

static void
timed_wait(void *timed_)
{
    struct timed *timed = timed_;

    poll_timer_wait_until(timed->when);
}

/* The clock that libevent takes by default runs behind, so that tasks would
 * run too early, and again. */
static void
deadline_wakes_once_and_not_early(void **state OVS_UNUSED)
{
    struct loop *loop = loop_create();
    struct timed timed = { .when = time_msec() + 10 };

    timed.task = loop_task_create(loop, "timed", timed_run, timed_wait,
                                  &timed);
    for (int i = 1; i <= 20; i++) {
        uint64_t n_runs = 0;

        timed.when = time_msec() + 7;
        loop_task_kick(timed.task);
        loop_turn(loop, 0);     /* Early, by the kick; or due if slow. */
        n_runs = timed.n_early;
        while (timed.n_due < i) {
            loop_turn(loop, -1);
        }
        assert_int_equal(timed.n_early, n_runs);
    }
    loop_task_destroy(timed.task);
    loop_destroy(loop);
}

static void
always_wait(void *aux OVS_UNUSED)
{
    poll_immediate_wake();
}

static void
run_that_wakes(void *n_)
{
    int *n = n_;

    if (++*n < 3) {
        poll_immediate_wake();  /* As some of libopenvswitch's do. */
    }
}

static void
immediate_wake_counts_from_run_and_starves_nobody(void **state OVS_UNUSED)
{
    struct loop *loop = loop_create();
    struct loop_task *task, *busy;
    uint64_t n_busy = 0;
    int n = 0;

    task = loop_task_create(loop, "waker", run_that_wakes, wait_nothing, &n);
    settle(loop);
    assert_int_equal(n, 3);

    busy = loop_task_create(loop, "busy", count_run, always_wait, &n_busy);
    settle(loop);
    assert_int_equal(n_busy, 5);    /* Once a turn. */

    loop_task_destroy(task);
    loop_task_destroy(busy);
    loop_destroy(loop);
}

/* Replaces its pipe in the run by another with the same numbers. */
static void
reopen_run(void *reader_)
{
    struct reader *reader = reader_;
    static const char *const bytes = "x";
    int fds[2];

    reader_run(reader);
    if (reader->n_bytes == 1) {
        make_pipe(fds);
        assert_int_equal(dup2(fds[0], reader->fd), reader->fd);
        close(fds[0]);
        reader->n_bytes++;
        assert_int_equal(write(fds[1], bytes, 1), 1);
        close(fds[1]);
    }
}

static void
fd_reopened_under_its_number_is_watched(void **state OVS_UNUSED)
{
    struct loop *loop = loop_create();
    struct reader reader = { .fd = -1 };
    int fds[2];

    make_pipe(fds);
    reader.fd = fds[0];
    reader.task = loop_task_create(loop, "reopen", reopen_run, reader_wait,
                                   &reader);
    settle(loop);
    put_byte(fds[1]);
    loop_turn(loop, -1);
    assert_int_equal(reader.n_bytes, 2);
    loop_turn(loop, TURN_MS);
    assert_int_equal(reader.n_bytes, 3);

    loop_task_destroy(reader.task);
    loop_destroy(loop);
    close(fds[0]);
    close(fds[1]);
}

/* Closes its fd in the run; another user of the base gets the number. */
struct handover {
    struct loop *loop;
    struct loop_task *task;
    struct event *event;
    int fd;
    int n_fired;
};

static void
handover_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *h_)
{
    struct handover *h = h_;

    h->n_fired++;
}

static void
handover_run(void *h_)
{
    struct handover *h = h_;
    char byte;

    if (h->fd >= 0 && read(h->fd, &byte, 1) == 1) {
        int fds[2];

        make_pipe(fds);
        assert_int_equal(dup2(fds[0], h->fd), h->fd);
        close(fds[0]);
        put_byte(fds[1]);
        close(fds[1]);
        h->event = event_new(loop_base(h->loop), h->fd, EV_READ, handover_cb,
                             h);
        event_add(h->event, NULL);
        h->fd = -1;
    }
}

static void
handover_wait(void *h_)
{
    struct handover *h = h_;

    if (h->fd >= 0) {
        poll_fd_wait(h->fd, POLLIN);
    }
}

static void
fd_given_to_another_user_in_a_run_is_watched(void **state OVS_UNUSED)
{
    struct loop *loop = loop_create();
    struct handover h = { .loop = loop };
    int fds[2];

    make_pipe(fds);
    h.fd = fds[0];
    h.task = loop_task_create(loop, "handover", handover_run, handover_wait,
                              &h);
    settle(loop);
    put_byte(fds[1]);
    loop_turn(loop, -1);
    loop_turn(loop, TURN_MS);
    assert_int_equal(h.n_fired, 1);

    event_free(h.event);
    loop_task_destroy(h.task);
    loop_destroy(loop);
    close(fds[0]);
    close(fds[1]);
}

struct kicker {
    struct loop_task *task;
    int n_kicks;
    int n_runs;
    bool destroy;
    struct loop_task *other;    /* Kicked by each run. */
};

static void
kicker_run(void *kicker_)
{
    struct kicker *kicker = kicker_;

    kicker->n_runs++;
    if (kicker->destroy) {
        loop_task_destroy(kicker->task);
    } else if (kicker->n_kicks) {
        kicker->n_kicks--;
        loop_task_kick(kicker->task);
    }
    if (kicker->other) {
        loop_task_kick(kicker->other);
    }
}

static void
task_may_kick_and_destroy_itself(void **state OVS_UNUSED)
{
    struct loop *loop = loop_create();
    struct kicker kicker = { .n_kicks = 3 };

    kicker.task = loop_task_create(loop, "kicker", kicker_run, wait_nothing,
                                   &kicker);
    loop_turn(loop, 0);
    assert_int_equal(kicker.n_runs, 1);     /* Not 4. */
    settle(loop);
    assert_int_equal(kicker.n_runs, 4);

    kicker.destroy = true;
    loop_task_kick(kicker.task);
    settle(loop);
    loop_destroy(loop);         /* Asserts that no task is left. */
}

static void
tasks_that_kick_each_other_let_the_turn_end(void **state OVS_UNUSED)
{
    struct loop *loop = loop_create();
    struct kicker a = { .task = NULL }, b = { .task = NULL };

    a.task = loop_task_create(loop, "a", kicker_run, wait_nothing, &a);
    b.task = loop_task_create(loop, "b", kicker_run, wait_nothing, &b);
    loop_turn(loop, 0);
    a.other = b.task;
    b.other = a.task;
    loop_task_kick(a.task);
    settle(loop);
    assert_in_range(a.n_runs, 2, 6);
    assert_in_range(b.n_runs, 2, 6);

    loop_task_destroy(a.task);
    loop_task_destroy(b.task);
    loop_destroy(loop);
}

static void
exit_run(void *loop_)
{
    loop_exit(loop_);
}

/* Deferred work that takes all of a turn, and says in which order. */
struct slow {
    struct loop_deferred deferred;
    struct svec *done;
    const char *name;
    bool again;
};

static void
slow_run(void *slow_)
{
    struct slow *slow = slow_;

    while (!loop_turn_is_over(slow->deferred.loop)) {
        continue;
    }
    svec_add(slow->done, slow->name);
    if (slow->again) {
        loop_defer(&slow->deferred);
    }
}

static void
deferred_work_is_done_in_order_some_each_turn(void **state OVS_UNUSED)
{
    struct loop *loop = loop_create();
    struct svec done = SVEC_EMPTY_INITIALIZER;
    struct slow slow[] = {
        { .name = "a", .again = true }, { .name = "b" }, { .name = "c" },
        { .name = "d" },
    };
    struct loop_task *task;
    uint64_t n_runs = 0;
    char *names;

    for (size_t i = 0; i < ARRAY_SIZE(slow); i++) {
        slow[i].done = &done;
        loop_deferred_init(&slow[i].deferred, loop, slow_run, &slow[i]);
        loop_defer(&slow[i].deferred);
        loop_defer(&slow[i].deferred);
    }
    loop_deferred_cancel(&slow[2].deferred);
    loop_deferred_cancel(&slow[2].deferred);
    for (size_t i = 0; i < 5; i++) {
        loop_turn(loop, TURN_MS);   /* Does not wait. */
        assert_int_equal(done.n, i + 1);
    }
    names = svec_join(&done, " ", "");
    assert_string_equal(names, "a b d a a");
    free(names);

    /* A task comes to its turn as well, though all turns are over. */
    task = loop_task_create(loop, "late", count_run, wait_nothing, &n_runs);
    loop_turn(loop, TURN_MS);
    assert_int_equal(n_runs, 0);
    loop_turn(loop, TURN_MS);
    loop_turn(loop, TURN_MS);
    assert_int_equal(n_runs, 1);
    loop_task_kick(task);
    loop_turn(loop, TURN_MS);
    loop_task_destroy(task);    /* While it is deferred. */
    assert_int_equal(n_runs, 1);

    /* At once, if it is urgent. */
    task = loop_task_create(loop, "urgent", count_run, wait_nothing, &n_runs);
    loop_task_set_urgent(task);
    for (uint64_t n = 2; n < 5; n++) {
        loop_task_kick(task);
        loop_turn(loop, TURN_MS);
        assert_int_equal(n_runs, n);
    }
    loop_task_destroy(task);

    loop_deferred_cancel(&slow[0].deferred);
    settle(loop);
    assert_int_equal(n_runs, 4);
    svec_destroy(&done);
    loop_destroy(loop);
}

static void
exit_ends_the_run(void **state OVS_UNUSED)
{
    struct loop *loop = loop_create();
    struct loop_task *task = loop_task_create(loop, "exit", exit_run,
                                              wait_nothing, loop);

    loop_run(loop);
    assert_true(turns_of(loop) >= 1);
    loop_task_destroy(task);
    loop_destroy(loop);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_task_whose_fd_fired_runs),
        cmocka_unit_test(deadline_wakes_once_and_not_early),
        cmocka_unit_test(immediate_wake_counts_from_run_and_starves_nobody),
        cmocka_unit_test(fd_reopened_under_its_number_is_watched),
        cmocka_unit_test(fd_given_to_another_user_in_a_run_is_watched),
        cmocka_unit_test(task_may_kick_and_destroy_itself),
        cmocka_unit_test(tasks_that_kick_each_other_let_the_turn_end),
        cmocka_unit_test(deferred_work_is_done_in_order_some_each_turn),
        cmocka_unit_test(exit_ends_the_run),
    };

    ovs_set_program_name("test-loop", "0");
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
