/* SPDX-License-Identifier: Apache-2.0
 *
 * Long work in slices: the loop has its turns, the work is done once for each
 * time that it was asked for, and in order. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>
#include <time.h>

#include "controller/commit/fiber.h"
#include "util.h"

struct fixture {
    struct event_base *base;
    struct fiber *s;
    int n_works;                /* Begun. */
    int n_done;
    int n_ticks;                /* Of a timer that is always due. */
    int until_ticks;            /* The work goes on until then. */
    int n_slices;               /* It goes on for as long as so many take. */
    int n_ticks_inside;         /* While it went on. */
    int kicks;                  /* That the work is to give itself. */
    char text[64];              /* On the work's stack, it must survive. */
};

static int64_t
now_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
}

static void
work(void *f_)
{
    struct fixture *f = f_;
    int64_t end_us = now_us() + f->n_slices * FIBER_SLICE_US;
    int n_before = f->n_ticks;
    char kept[64];

    f->n_works++;
    snprintf(kept, sizeof kept, "work %d", f->n_works);
    if (f->kicks) {
        f->kicks--;
        fiber_schedule(f->s);
    }
    while (f->n_ticks < f->until_ticks || now_us() < end_us) {
        assert_true(fiber_is_running(f->s));
        fiber_yield(f->s);
    }
    f->n_ticks_inside += f->n_ticks - n_before;
    memcpy(f->text, kept, sizeof kept);
    f->n_done++;
}

static void
tick_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *f_)
{
    struct fixture *f = f_;

    f->n_ticks++;
}

static int
setup(void **state)
{
    struct fixture *f = xzalloc(sizeof *f);

    f->base = event_base_new();
    f->s = fiber_create(f->base, work, f);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    fiber_destroy(f->s);
    event_base_free(f->base);
    free(f);
    return 0;
}

static void
run_until_done(struct fixture *f, int n)
{
    time_t limit = time(NULL) + 30;

    while (f->n_done < n && time(NULL) < limit) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    assert_int_equal(f->n_done, n);
    event_base_loop(f->base, EVLOOP_NONBLOCK);
    assert_int_equal(f->n_done, n);
    assert_false(fiber_is_running(f->s));
}

static void
loop_has_its_turns_in_between(void **state)
{
    static const struct timeval at_once = { 0, 1 };
    struct fixture *f = *state;
    struct event *tick = event_new(f->base, -1, EV_PERSIST, tick_cb, f);

    event_add(tick, &at_once);
    f->until_ticks = 5;
    fiber_schedule(f->s);
    run_until_done(f, 1);
    assert_int_equal(f->n_works, 1);
    assert_string_equal(f->text, "work 1");
    event_free(tick);
}

static void
nothing_runs_before_the_loop(void **state)
{
    struct fixture *f = *state;

    fiber_schedule(f->s);
    fiber_schedule(f->s);
    assert_int_equal(f->n_works, 0);
    fiber_yield(f->s);            /* From outside: nothing. */
    run_until_done(f, 1);
}

static void
kick_from_inside_has_it_done_again(void **state)
{
    struct fixture *f = *state;

    f->kicks = 2;
    fiber_schedule(f->s);
    run_until_done(f, 3);
    assert_string_equal(f->text, "work 3");
}

static void
kick_between_slices_has_it_done_again(void **state)
{
    struct fixture *f = *state;
    time_t limit = time(NULL) + 30;

    f->until_ticks = 1;
    fiber_schedule(f->s);
    while (!fiber_is_running(f->s) && time(NULL) < limit) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    assert_int_equal(f->n_done, 0);
    fiber_schedule(f->s);
    fiber_schedule(f->s);
    f->n_ticks = 1;
    run_until_done(f, 2);
}

static void
hurried_work_does_not_pause(void **state)
{
    struct fixture *f = *state;
    static const struct timeval at_once = { 0, 1 };
    struct event *tick = event_new(f->base, -1, EV_PERSIST, tick_cb, f);

    event_add(tick, &at_once);
    f->n_slices = 3;
    fiber_disable_yield(f->s);
    fiber_schedule(f->s);
    run_until_done(f, 1);
    assert_int_equal(f->n_ticks_inside, 0);
    event_free(tick);
}

int
main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(loop_has_its_turns_in_between),
        TEST(nothing_runs_before_the_loop),
        TEST(kick_from_inside_has_it_done_again),
        TEST(kick_between_slices_has_it_done_again),
        TEST(hurried_work_does_not_pause),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
