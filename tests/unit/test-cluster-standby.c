/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of when a member that stands by takes its copy for current, and the
 * writer for one that is heard (cluster-standby.c). */

#include <config.h>

#include "tests/unit/cluster-fixture.h"

#include "util.h"

/* What is private to cluster-standby.c is said once more here: a change of it
 * is to be noticed. */
#define BEAT (LEASE / LEASE_BEATS)
/* The shortest pause by which a beat counts. */
#define PACE (BEAT / 2)
/* From beat to beat of a writer that appends a batch each time. */
#define BUSY 50
/* Leases after which the pace does not count, and for which a copy is current
 * without a beat. */
#define STEADY (3 * LEASE)
#define CURRENT (2 * LEASE)

static void
assert_heard(const struct world *w, bool heard)
{
    assert_int_equal(cluster_hears_writer(w->c), heard);
}

static void
assert_current(const struct world *w, bool current)
{
    assert_int_equal(cluster_is_current(w->c), current);
}

/* Has the writer beat each 'every_ms', 'ms' long, and the member be of this
 * opinion after each of these. */
static void
beat_for(struct world *w, int64_t ms, int64_t every_ms, bool heard)
{
    for (int64_t end_ms = fake.now_ms + ms; fake.now_ms < end_ms; ) {
        world_pass(w, every_ms);
        fake_beat();
        assert_heard(w, heard);
        assert_current(w, heard);
    }
}

/* The first one may be of any age. */
static void
second_beat_counts(void **state)
{
    struct world *w = *state;

    assert_heard(w, false);
    assert_current(w, false);
    world_pass(w, BEAT);
    assert_heard(w, false);
    fake_beat();
    assert_heard(w, true);
    assert_current(w, true);
    /* It is silent from now on. */
    world_pass(w, LEASE);
    assert_heard(w, true);
    world_pass(w, 1);
    assert_heard(w, false);
    world_pass(w, CURRENT - LEASE - 2);
    assert_current(w, true);
    world_pass(w, 1);
    assert_current(w, false);
}

static void
beat_counts_by_the_pause_before_it(void **state)
{
    static const struct {
        int64_t pause_ms;
        bool counts;
    } beats[] = {
        { 0, false }, { 1, false }, { PACE - 1, false }, { PACE, true },
        { BEAT, true }, { LEASE, true }, { LEASE + 1, false },
        { 10 * LEASE, false },
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_SIZE(beats); i++) {
        /* The next one is the first. */
        world_pass(w, CURRENT);
        fake_beat();
        assert_heard(w, false);
        world_pass(w, beats[i].pause_ms);
        fake_beat();
        assert_heard(w, beats[i].counts);
        assert_current(w, beats[i].counts);
    }
}

/* Each batch beats: with one each 50 ms no pause is long enough. */
static void
beats_of_a_busy_writer_count(void **state)
{
    struct world *w = *state;

    beat_for(w, STEADY, BEAT, true);
    beat_for(w, 5 * LEASE, BUSY, true);
    beat_for(w, STEADY, BEAT, true);
}

/* Of one that was busy when it was seen first, or after a pause, they count
 * once all that a server was away for has been shown. */
static void
writer_that_was_always_busy_is_heard_after_some_leases(void **state)
{
    struct world *w = *state;

    beat_for(w, STEADY, BUSY, false);
    beat_for(w, 5 * LEASE, BUSY, true);
    world_pass(w, CURRENT);
    fake_beat();
    beat_for(w, STEADY, BUSY, false);
    beat_for(w, LEASE, BUSY, true);
}

/* A server that was away shows them as fast as it gets them. */
static void
burst_of_old_beats_does_not_count(void **state)
{
    struct world *w = *state;

    beat_for(w, STEADY, BEAT, true);
    beat_for(w, STEADY, BUSY, true);
    world_pass(w, CURRENT);
    beat_for(w, LEASE / 2, 1, false);
    /* Those that come then are new. */
    beat_for(w, LEASE, BEAT, true);
}

/* So it is with another server, however short the time without one was. */
static void
beats_before_the_connection_was_lost_do_not_count(void **state)
{
    struct world *w = *state;

    beat_for(w, 2 * STEADY, BEAT, true);
    fake_cut();
    assert_heard(w, false);
    assert_current(w, false);
    world_pass(w, BEAT);
    fake_mend();
    assert_heard(w, false);
    assert_current(w, false);
    beat_for(w, LEASE / 2, 1, false);
    beat_for(w, LEASE, BEAT, true);
}

/* What the database has when it is seen again, the copy is to have first. */
static void
copy_has_to_catch_up(void **state)
{
    struct world *w = *state;

    beat_for(w, LEASE, BEAT, true);
    fake_cut();
    fake_append();
    fake_mend();
    for (int i = 0; i < LEASE_BEATS; i++) {
        world_pass(w, BEAT);
        fake_beat();
        assert_heard(w, true);
        assert_current(w, false);
    }
    world_end_apply(w);
    assert_current(w, true);
}

static void
copy_that_lacks_a_batch_is_old_after_two_leases(void **state)
{
    struct world *w = *state;

    beat_for(w, LEASE, BEAT, true);
    fake_append();
    beat_for(w, CURRENT - BEAT, BEAT, true);
    world_pass(w, BEAT);
    fake_beat();
    assert_heard(w, true);
    assert_current(w, false);
    world_end_apply(w);
    assert_current(w, true);
}

/* Of a writer that is busy it lacks one nearly always, each for a moment. */
static void
copy_that_lacks_another_batch_each_time_is_current(void **state)
{
    struct world *w = *state;

    beat_for(w, STEADY, BEAT, true);
    fake_append();
    for (int i = 0; i < 5 * LEASE / BUSY; i++) {
        world_pass(w, BUSY);
        fake_append();
        assert_current(w, true);
        world_end_apply(w);
        assert_current(w, true);
    }
    assert_non_null(w->applied);
}

/* It gets on, by batches that others have shown long ago. */
static void
copy_that_catches_up_is_old_until_it_has_what_is_old(void **state)
{
    struct world *w = *state;
    const int n = 3 * LEASE / BEAT;

    beat_for(w, LEASE, BEAT, true);
    for (int i = 0; i < n; i++) {
        world_pass(w, BEAT);
        fake_append();
    }
    assert_heard(w, true);
    for (int i = 0; i < n; i++) {
        assert_current(w, i >= n - CURRENT / BEAT);
        world_end_apply(w);
    }
    assert_current(w, true);
    assert_null(w->applied);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, world_setup, \
                                                   world_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(second_beat_counts),
        TEST(beat_counts_by_the_pause_before_it),
        TEST(beats_of_a_busy_writer_count),
        TEST(writer_that_was_always_busy_is_heard_after_some_leases),
        TEST(burst_of_old_beats_does_not_count),
        TEST(beats_before_the_connection_was_lost_do_not_count),
        TEST(copy_has_to_catch_up),
        TEST(copy_that_lacks_a_batch_is_old_after_two_leases),
        TEST(copy_that_lacks_another_batch_each_time_is_current),
        TEST(copy_that_catches_up_is_old_until_it_has_what_is_old),
    };

    return cmocka_run_group_tests(tests, world_group_setup,
                                  world_group_teardown);
}
