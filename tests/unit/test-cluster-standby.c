/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of when a standby can relay requests, and of how old its copy is
 * (cluster-standby.c). */

#include <config.h>

#include "tests/unit/cluster-fixture.h"

#include "util.h"

#define BEAT (LEASE / LEASE_BEATS)

static void
assert_asked(const struct world *w, bool asked)
{
    assert_int_equal(cluster_can_relay(w->c), asked);
}

/* The first one may be of any age: it is believed for longer, and says nothing
 * of the copy's age. */
static void
writer_is_asked_until_its_lease_ends(void **state)
{
    struct world *w = *state;

    assert_asked(w, true);
    assert_int_equal(cluster_age_s(w->c), INT32_MAX);
    world_pass(w, LEASE_ANEW * LEASE);
    assert_asked(w, true);
    world_pass(w, 1);
    assert_asked(w, false);
    fake_beat();
    assert_asked(w, true);
    world_pass(w, LEASE);
    assert_asked(w, true);
    world_pass(w, 1);
    assert_asked(w, false);
    assert_int_equal(cluster_age_s(w->c), 1);
    world_pass(w, 41999);
    assert_int_equal(cluster_age_s(w->c), 43);
    for (int i = 0; i < 20; i++) {
        fake_beat();
        assert_asked(w, true);
        assert_int_equal(cluster_age_s(w->c), 0);
        world_pass(w, BEAT);
    }
}

/* Which member is the writer then is not known, nor what another server shows
 * of the time without one. */
static void
writer_is_not_asked_without_the_database(void **state)
{
    struct world *w = *state;

    world_pass(w, BEAT);
    fake_beat();
    fake_cut();
    assert_asked(w, false);
    world_pass(w, 5000);
    fake_mend();
    assert_asked(w, true);
    assert_int_equal(cluster_age_s(w->c), 5);
    world_pass(w, LEASE_ANEW * LEASE + 1);
    assert_asked(w, false);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, world_setup, \
                                                   world_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(writer_is_asked_until_its_lease_ends),
        TEST(writer_is_not_asked_without_the_database),
    };

    return cmocka_run_group_tests(tests, world_group_setup,
                                  world_group_teardown);
}
