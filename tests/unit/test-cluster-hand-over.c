/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of how a writer gives its lease up (cluster.c): when, and
 * what it refuses meanwhile. */

#include <config.h>

#include "tests/unit/cluster-fixture.h"

#include <errno.h>

#include "util.h"

/* Since when a member that was heard is handed nothing, as in cluster.c: a
 * change of that is to be noticed. */
#define HEARD 3000

static void
hand_over(struct world *w, const char *successor)
{
    struct vmn_error why = VMN_ERROR_INIT;

    fake.fault = NULL;
    assert_int_equal(cluster_hand_over(w->c, successor, &why), 0);
}

/* It has given the lease up, or has it still. */
static void
assert_resigned(const struct world *w, bool resigned)
{
    assert_int_equal(fake.n_resigned, resigned);
}

static void
lease_is_given_up_in_the_same_turn(void **state)
{
    struct world *w = *state;

    world_lead(w);
    hand_over(w, WRITER);
    assert_resigned(w, true);
    assert_string_equal(fake.successor, WRITER);
    assert_int_equal(w->n_deposed, 0);
    fake_see();
    assert_int_equal(w->n_deposed, 1);
}

/* It has left this member, so it counts. */
static void
batch_in_flight_is_waited_for(void **state)
{
    struct world *w = *state;
    int error, late;

    world_lead(w);
    fake.holds = true;
    world_submit(w, &error);
    hand_over(w, "");
    assert_resigned(w, false);
    world_pass(w, LEASE);
    assert_resigned(w, false);
    assert_int_equal(error, -1);
    fake.holds = false;
    fake_see();
    assert_int_equal(error, 0);
    assert_resigned(w, true);
    /* Later ones are the next writer's. */
    world_submit(w, &late);
    assert_int_equal(late, EAGAIN);
}

static void
changes_are_refused_meanwhile(void **state)
{
    struct world *w = *state;
    int error;

    world_lead(w);
    world_submit(w, &error);
    assert_int_equal(error, 0);
    hand_over(w, "");
    world_submit(w, &error);
    assert_int_equal(error, EAGAIN);
}

static void
lose_file(struct world *w)
{
    fake.fault = NULL;
    w->store.replicator->fell_behind(w->store.replicator->aux, "no room");
}

/* Another one is better at it. */
static void
who_cannot_write_its_file_gives_the_lease_up(void **state)
{
    struct world *w = *state;
    int error;

    world_lead(w);
    world_submit(w, &error);
    assert_int_equal(error, 0);
    lose_file(w);
    world_submit(w, &error);
    assert_int_equal(error, EAGAIN);
    world_pass(w, 1);
    assert_resigned(w, true);
    assert_string_equal(fake.successor, "");
    fake_see();
    assert_int_equal(w->n_deposed, 1);
}

/* The database may refuse it, or not answer: nobody writes until then. */
static void
resignation_is_sent_again(void **state)
{
    struct world *w = *state;

    world_lead(w);
    hand_over(w, "");
    assert_resigned(w, true);
    fake.fault = "timed out";
    world_pass(w, 0);
    fake_see();
    assert_int_equal(w->n_deposed, 0);
    world_pass(w, LEASE_AGAIN_MS - 1);
    assert_int_equal(fake.n_resigned, 1);
    fake.fault = NULL;
    world_pass(w, 1);
    assert_int_equal(fake.n_resigned, 2);
    assert_int_equal(w->n_deposed, 1);
}

static void
assert_refused(struct world *w, const char *successor, int want)
{
    struct vmn_error why = VMN_ERROR_INIT;

    assert_int_equal(cluster_hand_over(w->c, successor, &why), want);
    assert_non_null(why.text);
    vmn_error_uninit(&why);
}

static void
hand_over_is_refused_with_a_reason(void **state)
{
    struct world *w = *state;

    assert_refused(w, "", EPERM);       /* It stands by. */
    world_lead(w);
    assert_refused(w, "b", ENOENT);
    assert_refused(w, SELF, EPERM);
    fake_add_member("b", "192.0.2.3:6644")->heard_ms -= HEARD + 1;
    assert_refused(w, "b", EAGAIN);
    assert_resigned(w, false);
    hand_over(w, WRITER);
    assert_refused(w, "", EPERM);
}

static void
assert_not_removed(struct world *w, const char *member, int want)
{
    struct vmn_error why = VMN_ERROR_INIT;

    assert_int_equal(cluster_remove_member(w->c, member, NULL, NULL, &why),
                     want);
    assert_non_null(why.text);
    vmn_error_uninit(&why);
}

/* As another one hands over to it, and when that one has. */
static void
who_is_about_to_be_the_writer_is_not_removed(void **state)
{
    struct world *w = *state;

    assert_not_removed(w, WRITER, EPERM);
    assert_not_removed(w, "b", ENOENT);
    world_lead(w);
    hand_over(w, WRITER);
    assert_not_removed(w, WRITER, EAGAIN);
    assert_resigned(w, true);
    fake_answer();
    assert_not_removed(w, WRITER, EAGAIN);
}

/* Who of them is the first to take the lease is, and any of them may be. */
static void
none_is_removed_while_anybody_may_be_the_writer(void **state)
{
    struct world *w = *state;

    world_lead(w);
    hand_over(w, "");
    assert_not_removed(w, WRITER, EAGAIN);
    assert_not_removed(w, "b", ENOENT);
    assert_resigned(w, true);
    assert_not_removed(w, WRITER, EAGAIN);
    /* As one that stands by sees it. */
    fake_answer();
    assert_not_removed(w, WRITER, EAGAIN);
}

static void
removed_cb(void *fault, const char *fault_)
{
    *(char **) fault = xstrdup(fault_ ? fault_ : "");
}

/* Has "b" be removed, which the database replies 'fault' to. */
static void
remove_b(struct world *w, const char *fault, const char *expected)
{
    struct vmn_error why = VMN_ERROR_INIT;
    char *replied = NULL;

    assert_int_equal(cluster_remove_member(w->c, "b", removed_cb, &replied,
                                           &why), 0);
    assert_null(replied);
    fake.fault = fault;
    fake_answer();
    assert_string_equal(replied, expected);
    free(replied);
}

static void
removal_says_what_the_database_replies(void **state)
{
    struct world *w = *state;

    world_lead(w);
    fake_add_member("b", "192.0.2.3:6644");
    remove_b(w, "timed out", "it is the writer since, or may be about to be: "
             "try again");
    remove_b(w, "the server refuses the transaction",
             "the server refuses the transaction");
    remove_b(w, NULL, "");
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, world_setup, \
                                                   world_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lease_is_given_up_in_the_same_turn),
        TEST(batch_in_flight_is_waited_for),
        TEST(changes_are_refused_meanwhile),
        TEST(who_cannot_write_its_file_gives_the_lease_up),
        TEST(resignation_is_sent_again),
        TEST(hand_over_is_refused_with_a_reason),
        TEST(who_is_about_to_be_the_writer_is_not_removed),
        TEST(none_is_removed_while_anybody_may_be_the_writer),
        TEST(removal_says_what_the_database_replies),
    };

    return cmocka_run_group_tests(tests, world_group_setup,
                                  world_group_teardown);
}
