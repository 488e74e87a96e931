/* SPDX-License-Identifier: Apache-2.0
 *
 * What probes of a path say of it, whose turn it is, and their frames. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controller/paths/path-probe.h"
#include "controller/paths/path-turns.h"
#include "controller/paths/path-window.h"
#include "util.h"
#include "vmn/types.h"
#include "vmn/vocabulary.h"

#define T(NAME) cmocka_unit_test(NAME)

/* Adds 'n' results.  Returns how often the state changed. */
static unsigned
add(struct path_window *w, unsigned n, bool answered)
{
    unsigned changes = 0;

    for (unsigned i = 0; i < n; i++) {
        changes += path_window_add(w, answered, answered ? 100 : -1);
    }
    return changes;
}

static unsigned
lost(const struct path_window *w)
{
    unsigned n;

    path_window_count(w, &n);
    return n;
}

static void
path_is_up_with_the_first_answer(void **state OVS_UNUSED)
{
    struct path_window w;

    path_window_init(&w);
    assert_int_equal(path_window_state(&w), PATH_UNKNOWN);
    assert_int_equal(path_least_get(&w.took), -1);
    assert_int_equal(add(&w, 1, false), 0);
    assert_int_equal(path_window_state(&w), PATH_UNKNOWN);
    assert_int_equal(add(&w, 1, true), 1);
    assert_int_equal(path_window_state(&w), PATH_UP);
}

static void
single_losses_change_nothing(void **state OVS_UNUSED)
{
    struct path_window w;

    path_window_init(&w);
    add(&w, 40, true);
    assert_int_equal(add(&w, PATH_DOWN_AFTER - 1, false), 0);
    assert_true(path_window_is_urgent(&w));
    assert_int_equal(add(&w, 1, true), 0);
    assert_false(path_window_is_urgent(&w));
    assert_int_equal(lost(&w), PATH_DOWN_AFTER - 1);
}

static void
path_goes_down_once_and_comes_up_clean(void **state OVS_UNUSED)
{
    struct path_window w;

    path_window_init(&w);
    add(&w, 40, true);
    assert_int_equal(add(&w, 300, false), 1);
    assert_int_equal(path_window_state(&w), PATH_DOWN);
    assert_int_equal(lost(&w), PATH_WINDOW);
    assert_int_equal(path_least_get(&w.took), -1);
    assert_true(path_window_is_urgent(&w));
    assert_int_equal(add(&w, PATH_UP_AFTER - 1, true), 0);
    assert_int_equal(lost(&w), 0);
    assert_int_equal(add(&w, 1, false), 0);
    assert_int_equal(add(&w, PATH_UP_AFTER, true), 1);
    assert_int_equal(path_window_state(&w), PATH_UP);
    assert_int_equal(lost(&w), 1);
}

static void
what_was_lost_before_a_cut_counts(void **state OVS_UNUSED)
{
    struct path_window w;

    path_window_init(&w);
    add(&w, 10, true);
    add(&w, PATH_LOSSY_FROM - 2, false);
    add(&w, 1, true);
    assert_int_equal(add(&w, PATH_DOWN_AFTER, false), 1);
    assert_int_equal(lost(&w), PATH_LOSSY_FROM - 2 + PATH_DOWN_AFTER);
    assert_int_equal(path_window_count(&w, &(unsigned) { 0 }),
                     11 + PATH_LOSSY_FROM - 2 + PATH_DOWN_AFTER);
    add(&w, PATH_UP_AFTER, true);
    assert_int_equal(path_window_state(&w), PATH_UP);
    assert_int_equal(lost(&w), PATH_LOSSY_FROM - 2);
}

static void
path_that_is_down_again_is_lossy(void **state OVS_UNUSED)
{
    struct path_window w;

    path_window_init(&w);
    add(&w, 100, true);
    add(&w, PATH_DOWN_AFTER, false);
    add(&w, PATH_UP_AFTER, true);
    assert_int_equal(path_window_state(&w), PATH_UP);
    add(&w, PATH_WINDOW / 2, true);
    assert_int_equal(add(&w, PATH_DOWN_AFTER, false), 1);
    assert_int_equal(path_window_state(&w), PATH_DOWN);
    add(&w, PATH_UP_AFTER, true);
    assert_int_equal(path_window_state(&w), PATH_LOSSY);
    assert_int_equal(add(&w, PATH_WINDOW - PATH_UP_AFTER - 1, true), 0);
    assert_int_equal(add(&w, 1, true), 1);
    assert_int_equal(path_window_state(&w), PATH_UP);

    /* After a whole window it is as if it had never been. */
    add(&w, PATH_DOWN_AFTER, false);
    add(&w, PATH_UP_AFTER, true);
    assert_int_equal(path_window_state(&w), PATH_UP);
}

static void
lossy_path_is_down_later(void **state OVS_UNUSED)
{
    struct path_window w;

    path_window_init(&w);
    for (unsigned i = 0; i < PATH_WINDOW / 2; i++) {
        add(&w, 1, false);
        add(&w, 1, true);
    }
    assert_int_equal(path_window_state(&w), PATH_LOSSY);
    assert_int_equal(add(&w, PATH_DOWN_AFTER_LOSSY - 1, false), 0);
    assert_int_equal(add(&w, 1, false), 1);
    assert_int_equal(path_window_state(&w), PATH_DOWN);
    add(&w, PATH_UP_AFTER, true);
    assert_int_equal(path_window_state(&w), PATH_LOSSY);
}

/* A path that loses 'percent' of what is sent, at random: how it is seen for
 * ten hours, of a probe a second. */
struct seen {
    unsigned changes_an_hour;
    unsigned percent[PATH_N_STATES]; /* Of the time. */
};

static struct seen
see_loss(unsigned percent)
{
    enum { SECONDS = 36000 };
    struct seen seen = { 0 };
    struct path_window w;
    uint64_t random = 1;

    path_window_init(&w);
    for (unsigned i = 0; i < SECONDS; i++) {
        /* Knuth's, "MMIX". */
        random = random * UINT64_C(6364136223846793005)
                 + UINT64_C(1442695040888963407);
        seen.changes_an_hour += add(&w, 1, (random >> 33) % 100 >= percent);
        seen.percent[path_window_state(&w)]++;
    }
    seen.changes_an_hour /= 10;
    for (unsigned i = 0; i < PATH_N_STATES; i++) {
        seen.percent[i] = seen.percent[i] * 100 / SECONDS;
    }
    return seen;
}

static void
loss_is_seen_and_does_not_flap(void **state OVS_UNUSED)
{
    struct seen seen = see_loss(0);

    assert_int_equal(seen.changes_an_hour, 0);
    assert_int_equal(seen.percent[PATH_UP], 100);
    seen = see_loss(5);         /* About as much as is allowed. */
    assert_true(seen.changes_an_hour <= 40);
    assert_true(seen.percent[PATH_LOSSY] >= 5);
    assert_int_equal(seen.percent[PATH_DOWN], 0);
    for (unsigned percent = 20; percent <= 50; percent += 10) {
        seen = see_loss(percent);
        assert_true(seen.changes_an_hour <= 15);
        assert_true(seen.percent[PATH_LOSSY] >= 95);
    }
    seen = see_loss(60);
    assert_true(seen.changes_an_hour <= 60);
    assert_true(seen.percent[PATH_LOSSY] + seen.percent[PATH_DOWN] >= 98);
    for (unsigned percent = 70; percent < 100; percent += 10) {
        seen = see_loss(percent);
        assert_true(seen.changes_an_hour <= 90);
        assert_true(seen.percent[PATH_LOSSY] + seen.percent[PATH_DOWN] >= 98);
    }
}

static void
path_that_never_answered_is_down(void **state OVS_UNUSED)
{
    struct path_window w;

    path_window_init(&w);
    assert_int_equal(add(&w, PATH_DOWN_AFTER, false), 1);
    assert_int_equal(path_window_state(&w), PATH_DOWN);
}

static void
loss_has_hysteresis(void **state OVS_UNUSED)
{
    struct path_window w;
    unsigned n = 0;

    path_window_init(&w);
    add(&w, PATH_WINDOW, true);
    for (unsigned i = 0; i < PATH_LOSSY_FROM; i++) {
        assert_int_equal(path_window_state(&w), PATH_UP);
        add(&w, 1, false);
        add(&w, 1, true);
    }
    assert_int_equal(path_window_state(&w), PATH_LOSSY);
    while (path_window_state(&w) == PATH_LOSSY) {
        add(&w, 1, true);
        assert_true(++n <= PATH_WINDOW);
    }
    assert_int_equal(lost(&w), PATH_LOSSY_UNTIL);
}

static void
few_probes_are_not_loss(void **state OVS_UNUSED)
{
    struct path_window w;

    path_window_init(&w);
    add(&w, 1, true);
    add(&w, PATH_DOWN_AFTER - 1, false);
    add(&w, 1, true);
    add(&w, PATH_LOSSY_FROM - (PATH_DOWN_AFTER - 1), false);
    add(&w, 1, true);
    assert_true(w.n < PATH_LOSSY_OF);
    assert_int_equal(path_window_state(&w), PATH_UP);
    add(&w, PATH_LOSSY_OF - w.n - 1, true);
    assert_int_equal(path_window_state(&w), PATH_UP);
    assert_int_equal(add(&w, 1, true), 1);
    assert_int_equal(path_window_state(&w), PATH_LOSSY);
}

static void
full_size_has_hysteresis(void **state OVS_UNUSED)
{
    struct path_window w;

    path_window_init(&w);
    add(&w, 5, true);
    for (unsigned i = 1; i < PATH_MTU_AFTER; i++) {
        assert_false(path_window_add_large(&w, false));
        assert_true(path_window_is_large_urgent(&w));
    }
    assert_true(path_window_add_large(&w, false));
    assert_int_equal(path_window_state(&w), PATH_MTU);
    assert_false(path_window_add_large(&w, true));
    assert_false(path_window_add_large(&w, false));
    assert_false(path_window_add_large(&w, true));
    assert_true(path_window_add_large(&w, true));
    assert_int_equal(path_window_state(&w), PATH_UP);
    assert_false(path_window_is_urgent(&w));
}

static void
full_size_takes_more_where_small_ones_are_lost(void **state OVS_UNUSED)
{
    struct path_window w;

    path_window_init(&w);
    add(&w, PATH_WINDOW, true);
    for (unsigned i = 0; i <= PATH_LOSSY_UNTIL; i++) {
        add(&w, 1, false);
        add(&w, 1, true);
    }
    for (unsigned i = 1; i < PATH_MTU_AFTER_LOSSY; i++) {
        assert_false(path_window_add_large(&w, false));
    }
    assert_true(path_window_add_large(&w, false));
    assert_int_equal(path_window_state(&w), PATH_MTU);
}

static void
down_counts_for_more_than_size(void **state OVS_UNUSED)
{
    struct path_window w;

    path_window_init(&w);
    add(&w, 5, true);
    for (unsigned i = 0; i < PATH_MTU_AFTER; i++) {
        path_window_add_large(&w, false);
    }
    add(&w, PATH_DOWN_AFTER, false);
    assert_int_equal(path_window_state(&w), PATH_DOWN);
}

static void
least_is_of_the_last(void **state OVS_UNUSED)
{
    struct path_least least;

    path_least_init(&least);
    assert_int_equal(path_least_get(&least), -1);
    path_least_add(&least, 50);
    for (unsigned i = 1; i < 2 * PATH_LEAST_OF; i++) {
        path_least_add(&least, 300);
        assert_int_equal(path_least_get(&least), 50);
    }
    path_least_add(&least, 300);
    assert_int_equal(path_least_get(&least), 300);
    path_least_add(&least, INT64_MAX);
    assert_int_equal(path_least_get(&least), 300);
    path_least_add(&least, -1);
    assert_int_equal(path_least_get(&least), 0);
}

/* Turns.  ----------------------------------------------------------------- */

struct some {
    const bool *urgent;
};

static unsigned
is_urgent(const void *some_, size_t i)
{
    const struct some *some = some_;

    return some->urgent[i];
}

static void
all_paths_get_turns(void **state OVS_UNUSED)
{
    bool urgent[50] = { false };
    const struct some some = { urgent };

    for (size_t n = 0; n <= ARRAY_SIZE(urgent); n++) {
        unsigned seen[ARRAY_SIZE(urgent)] = { 0 };
        struct path_turns t = { 0 };
        size_t picks[PATH_TURN_PATHS];

        /* All but one are urgent: that one has turns, too. */
        memset(urgent, true, sizeof urgent);
        urgent[MIN(n / 2, ARRAY_SIZE(urgent) - 1)] = false;
        for (size_t i = 0; i < 2 * ARRAY_SIZE(urgent); i++) {
            size_t n_picks = path_turns_take(&t, n, 0, is_urgent, &some,
                                             picks);

            assert_int_equal(n_picks, MIN(n, PATH_TURN_PATHS));
            for (size_t j = 0; j < n_picks; j++) {
                assert_true(picks[j] < n);
                seen[picks[j]]++;
                for (size_t k = 0; k < j; k++) {
                    assert_int_not_equal(picks[j], picks[k]);
                }
            }
        }
        for (size_t i = 0; i < n; i++) {
            assert_true(seen[i] > 0);
        }
    }
}

static void
urgent_ones_come_in_each_turn(void **state OVS_UNUSED)
{
    bool urgent[50] = { [7] = true, [8] = true };
    const struct some some = { urgent };
    struct path_turns t = { 0 };
    size_t picks[PATH_TURN_PATHS];

    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(path_turns_take(&t, 50, 0, is_urgent, &some, picks),
                         PATH_TURN_PATHS);
        assert_true(picks[0] + picks[1] == 15);
    }
}

static unsigned
some_urgency(const void *urgencies, size_t i)
{
    return ((const unsigned *) urgencies)[i];
}

static void
more_urgent_ones_come_first(void **state OVS_UNUSED)
{
    unsigned urgencies[50] = { [3] = 1, [4] = 1, [30] = 2, [40] = 1 };
    struct path_turns t = { 0 };
    size_t picks[PATH_TURN_PATHS];

    for (unsigned i = 0; i < 20; i++) {
        path_turns_take(&t, 50, 0, some_urgency, urgencies, picks);
        assert_int_equal(picks[0], 30);
        assert_true(picks[1] == 3 || picks[1] == 4 || picks[1] == 40);
    }
}

/* What the turn has already is of its paths, and one that is urgent still has
 * a place. */
static void
what_is_taken_counts(void **state OVS_UNUSED)
{
    unsigned urgencies[50] = { [20] = 1, [21] = 1, [22] = 1 };
    struct path_turns t = { 0 };
    size_t picks[PATH_TURN_PATHS];

    assert_int_equal(path_turns_take(&t, 50, 1, some_urgency, urgencies,
                                     picks), 3);
    assert_int_equal(picks[0], 20);
    assert_int_equal(picks[1], 0);
    assert_int_equal(path_turns_take(&t, 50, 2, some_urgency, urgencies,
                                     picks), 2);
    assert_int_equal(picks[0], 21);
    assert_int_equal(picks[1], 2);
}

static void
list_that_shrinks_is_gone_through(void **state OVS_UNUSED)
{
    bool urgent[2] = { true, true };
    const struct some some = { urgent };
    struct path_turns t = { 1000, { 1000, 1000, 1000 } };
    size_t picks[PATH_TURN_PATHS];

    assert_int_equal(path_turns_take(&t, 2, 0, is_urgent, &some, picks), 2);
}

static void
rate_is_bounded(void **state OVS_UNUSED)
{
    assert_int_equal(path_turns_interval_us(0), PATH_TURN_MIN_US);
    assert_int_equal(path_turns_interval_us(10), PATH_TURN_MIN_US);
    for (size_t n = 1; n < 100000; n = n * 3 + 1) {
        int64_t us = path_turns_interval_us(n);

        assert_true(us >= PATH_TURN_MIN_US);
        assert_true((int64_t) n * PATH_TURN_PATHS * 1000000 / us
                    <= PATH_RATE_MAX);
    }
}

/* Frames.  ---------------------------------------------------------------- */

static void
frame_is_read_as_it_was_written(void **state OVS_UNUSED)
{
    static const struct vmn_mac request = VMN_PATH_MAC_REQUEST;
    const struct path_probe probe = {
        0x12345678, 0xfedc, UINT64_C(0x1122334455667788)
    };
    uint8_t frame[VMN_PATH_FRAME_MIN];
    struct path_probe read;

    path_probe_write(&probe, false, 0xa1b2c3d4, frame, sizeof frame);
    assert_true(path_probe_read(frame, sizeof frame, &read));
    assert_int_equal(read.sender, probe.sender);
    assert_int_equal(read.index, probe.index);
    assert_true(read.nonce == probe.nonce);
    assert_memory_equal(frame + 8, "\xa1\xb2\xc3\xd4", 4);
    assert_int_equal(frame[6] & 1, 0);
    for (size_t size = 0; size < 32; size++) {
        assert_false(path_probe_read(frame, size, &read));
    }
    for (size_t i = 12; i < 18; i++) {
        frame[i] ^= 1;
        assert_false(path_probe_read(frame, sizeof frame, &read));
        frame[i] ^= 1;
    }

    /* What another host is to return is not for vmnd. */
    path_probe_write(&probe, true, 1, frame, sizeof frame);
    assert_memory_equal(frame, &request, 6);
    assert_false(path_probe_read(frame, sizeof frame, &read));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(path_is_up_with_the_first_answer),
        T(single_losses_change_nothing),
        T(path_goes_down_once_and_comes_up_clean),
        T(what_was_lost_before_a_cut_counts),
        T(path_that_is_down_again_is_lossy),
        T(lossy_path_is_down_later),
        T(loss_is_seen_and_does_not_flap),
        T(path_that_never_answered_is_down),
        T(loss_has_hysteresis),
        T(few_probes_are_not_loss),
        T(full_size_has_hysteresis),
        T(full_size_takes_more_where_small_ones_are_lost),
        T(down_counts_for_more_than_size),
        T(least_is_of_the_last),
        T(all_paths_get_turns),
        T(urgent_ones_come_in_each_turn),
        T(more_urgent_ones_come_first),
        T(what_is_taken_counts),
        T(list_that_shrinks_is_gone_through),
        T(rate_is_bounded),
        T(frame_is_read_as_it_was_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
