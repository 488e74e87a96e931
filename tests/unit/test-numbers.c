/* SPDX-License-Identifier: Apache-2.0
 *
 * Stored numbers: who has which, when one is free again, what the store is
 * told. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controller/model/numbers.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static int
setup(void **state)
{
    struct numbers *numbers = numbers_create();

    assert_int_equal(numbers_declare(numbers, "zone", 3), 0);
    numbers_set_revision(numbers, 1);
    *state = numbers;
    return 0;
}

static int
teardown(void **state)
{
    numbers_destroy(*state);
    return 0;
}

/* What the store is told of (zone, key): its number, 0 for freed, or -1. */
static int
pending_of(struct numbers *numbers, const char *key)
{
    const struct number_write *writes;
    size_t n;

    numbers_get_pending(numbers, &n, &writes);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(writes[i].kind, "zone");
        if (!strcmp(writes[i].key, key)) {
            return writes[i].value;
        }
    }
    return -1;
}

static void
same_key_has_same_number(void **state)
{
    struct numbers *numbers = *state;
    struct number *a = numbers_ref(numbers, "zone", "a");
    struct number *b = numbers_ref(numbers, "zone", "b");

    assert_int_equal(number_value(a), 1);
    assert_int_equal(number_value(b), 2);
    assert_ptr_equal(numbers_ref(numbers, "zone", "a"), a);
    assert_int_equal(numbers_peek(numbers, "zone", "b"), 2);
    assert_int_equal(numbers_peek(numbers, "zone", "c"), 0);
    assert_int_equal(numbers_peek(numbers, "none", "c"), 0);
    assert_string_equal(numbers_key_of(numbers, "zone", 2), "b");
    assert_null(numbers_key_of(numbers, "zone", 3));
}

static void
declaring_twice_must_agree(void **state)
{
    struct numbers *numbers = *state;

    assert_int_equal(numbers_declare(numbers, "zone", 3), 0);
    assert_int_equal(numbers_declare(numbers, "zone", 4), EEXIST);
    assert_null(numbers_ref(numbers, "undeclared", "a"));
}

static void
exhaustion_is_refused_until_hosts_acknowledge(void **state)
{
    struct numbers *numbers = *state;
    struct number *a = numbers_ref(numbers, "zone", "a");

    assert_non_null(numbers_ref(numbers, "zone", "b"));
    assert_non_null(numbers_ref(numbers, "zone", "c"));
    assert_null(numbers_ref(numbers, "zone", "d"));

    /* Retired is not free: a switch may hold it. */
    numbers_set_revision(numbers, 5);
    numbers_unref(numbers, a);
    assert_null(numbers_ref(numbers, "zone", "d"));
    numbers_acked(numbers, 4);
    assert_null(numbers_ref(numbers, "zone", "d"));
    assert_int_equal(numbers_n_freed(numbers, "zone"), 0);

    numbers_acked(numbers, 5);
    assert_int_equal(numbers_n_freed(numbers, "zone"), 1);
    assert_int_equal(numbers_n_freed(numbers, "unknown"), 0);
    assert_int_equal(numbers_peek(numbers, "zone", "a"), 0);
    assert_int_equal(number_value(numbers_ref(numbers, "zone", "d")), 1);
}

static void
retired_number_revives_with_its_key(void **state)
{
    struct numbers *numbers = *state;
    struct number *a = numbers_ref(numbers, "zone", "a");

    numbers_unref(numbers, numbers_ref_again(a));
    numbers_unref(numbers, a);
    assert_int_equal(numbers_peek(numbers, "zone", "a"), 1);
    assert_ptr_equal(numbers_ref(numbers, "zone", "a"), a);
    numbers_acked(numbers, 100);
    assert_int_equal(numbers_peek(numbers, "zone", "a"), 1);
}

static void
freed_number_is_used_again_last(void **state)
{
    struct numbers *numbers = *state;

    numbers_unref(numbers, numbers_ref(numbers, "zone", "a"));
    numbers_acked(numbers, 1);
    assert_int_equal(number_value(numbers_ref(numbers, "zone", "b")), 2);
    assert_int_equal(number_value(numbers_ref(numbers, "zone", "c")), 3);
    assert_int_equal(number_value(numbers_ref(numbers, "zone", "d")), 1);
}

static void
claims_are_exclusive(void **state)
{
    struct numbers *numbers = *state;
    struct number *number;
    const char *owner;

    assert_int_equal(numbers_claim(numbers, "zone", "a", 2, &number, &owner),
                     0);
    assert_int_equal(number_value(number), 2);
    assert_int_equal(numbers_claim(numbers, "zone", "a", 2, &number, &owner),
                     0);
    assert_int_equal(numbers_claim(numbers, "zone", "b", 2, &number, &owner),
                     EEXIST);
    assert_string_equal(owner, "a");
    assert_null(number);
    assert_int_equal(numbers_claim(numbers, "zone", "a", 3, &number, &owner),
                     EEXIST);
    assert_string_equal(owner, "a");
    assert_int_equal(numbers_claim(numbers, "zone", "b", 4, &number, &owner),
                     EINVAL);
    assert_int_equal(numbers_claim(numbers, "zone", "b", 0, &number, &owner),
                     EINVAL);

    /* What is given out goes round what was claimed. */
    assert_int_equal(number_value(numbers_ref(numbers, "zone", "c")), 1);
    assert_int_equal(number_value(numbers_ref(numbers, "zone", "d")), 3);
}

static void
claim_waits_for_acknowledgement(void **state)
{
    struct numbers *numbers = *state;
    struct number *number;
    const char *owner;

    numbers_unref(numbers, numbers_ref(numbers, "zone", "a"));
    assert_int_equal(numbers_claim(numbers, "zone", "b", 1, &number, &owner),
                     EEXIST);
    assert_string_equal(owner, "a");
    numbers_acked(numbers, 1);
    assert_int_equal(numbers_claim(numbers, "zone", "b", 1, &number, &owner),
                     0);
}

static void
cancel_takes_back_what_nobody_saw(void **state)
{
    struct numbers *numbers = *state;
    struct number *number;
    const char *owner;

    assert_int_equal(numbers_claim(numbers, "zone", "a", 2, &number, &owner),
                     0);
    numbers_cancel(numbers, number);
    assert_int_equal(numbers_claim(numbers, "zone", "b", 2, &number, &owner),
                     0);

    /* Once kept, it is only retired. */
    numbers_keep(number);
    numbers_cancel(numbers, number);
    assert_int_equal(numbers_peek(numbers, "zone", "b"), 2);
    numbers_cancel(numbers, NULL);
    numbers_unref(numbers, NULL);
}

static void
store_is_told_of_made_and_freed(void **state)
{
    struct numbers *numbers = *state;
    struct number *a = numbers_ref(numbers, "zone", "a");

    assert_int_equal(pending_of(numbers, "a"), 1);
    assert_int_equal(pending_of(numbers, "a"), 1);
    numbers_written(numbers);
    assert_int_equal(pending_of(numbers, "a"), -1);

    numbers_unref(numbers, a);
    assert_int_equal(pending_of(numbers, "a"), -1);
    numbers_acked(numbers, 1);
    assert_int_equal(pending_of(numbers, "a"), 0);
    numbers_written(numbers);
    assert_int_equal(pending_of(numbers, "a"), -1);
}

static void
change_during_a_write_is_not_lost(void **state)
{
    struct numbers *numbers = *state;

    numbers_unref(numbers, numbers_ref(numbers, "zone", "a"));
    assert_int_equal(pending_of(numbers, "a"), 1);
    numbers_acked(numbers, 1);          /* The write is on its way. */
    assert_non_null(numbers_ref(numbers, "zone", "b"));
    numbers_written(numbers);
    assert_int_equal(pending_of(numbers, "a"), 0);
    assert_int_equal(pending_of(numbers, "b"), 2);
}

static void
loaded_numbers_wait_for_the_first_acknowledgement(void **state)
{
    struct numbers *numbers = *state;

    assert_int_equal(numbers_load(numbers, "zone", "a", 2), 0);
    assert_int_equal(numbers_load(numbers, "zone", "b", 3), 0);
    assert_int_equal(numbers_load(numbers, "zone", "a", 1), EEXIST);
    assert_int_equal(numbers_load(numbers, "zone", "c", 3), EEXIST);
    assert_int_equal(numbers_load(numbers, "zone", "c", 0), EINVAL);
    assert_int_equal(numbers_load(numbers, "later", "x", 9), 0);
    assert_int_equal(numbers_declare(numbers, "later", 10), 0);
    assert_int_equal(number_value(numbers_ref(numbers, "later", "y")), 10);

    numbers_acked(numbers, 1000);
    assert_int_equal(numbers_peek(numbers, "zone", "a"), 2);
    numbers_set_revision(numbers, 7);
    assert_int_equal(number_value(numbers_ref(numbers, "zone", "b")), 3);
    numbers_acked(numbers, 6);
    assert_int_equal(numbers_peek(numbers, "zone", "a"), 2);
    numbers_acked(numbers, 7);
    assert_int_equal(numbers_peek(numbers, "zone", "a"), 0);
    assert_int_equal(numbers_peek(numbers, "zone", "b"), 3);
}

/* Trials.  --------------------------------------------------------------- */

static char *
dump(const struct numbers *numbers)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    numbers_format(numbers, &ds);
    return ds_steal_cstr(&ds);
}

static void
end_trial_as_before(struct numbers *numbers, char *before)
{
    char *after;

    numbers_end_trial(numbers);
    after = dump(numbers);
    assert_string_equal(after, before);
    free(after);
    free(before);
}

static void
trial_forgets_what_it_made(void **state)
{
    struct numbers *numbers = *state;
    char *before;

    numbers_ref(numbers, "zone", "a");
    before = dump(numbers);
    numbers_begin_trial(numbers);
    struct number *b = numbers_ref(numbers, "zone", "b");
    assert_int_equal(number_value(b), 2);
    numbers_unref(numbers, b);
    /* As long as it goes on, the number stays the key's. */
    assert_ptr_equal(numbers_ref(numbers, "zone", "b"), b);
    numbers_keep(b);
    numbers_unref(numbers, b);
    numbers_cancel(numbers, numbers_ref(numbers, "zone", "c"));
    end_trial_as_before(numbers, before);
    assert_int_equal(number_value(numbers_ref(numbers, "zone", "d")), 2);
}

static void
trial_retires_nothing_and_revives_nothing(void **state)
{
    struct numbers *numbers = *state;
    struct number *a = numbers_ref(numbers, "zone", "a");
    struct number *b = numbers_ref(numbers, "zone", "b");
    struct number *c = numbers_ref(numbers, "zone", "c");
    char *before;

    numbers_set_revision(numbers, 3);
    numbers_unref(numbers, b);
    numbers_unref(numbers, c);
    before = dump(numbers);
    numbers_begin_trial(numbers);
    numbers_set_revision(numbers, 4);
    numbers_unref(numbers, a);
    numbers_unref(numbers, numbers_ref(numbers, "zone", "b"));
    numbers_ref(numbers, "zone", "a");
    numbers_ref(numbers, "zone", "a");
    numbers_unref(numbers, a);
    end_trial_as_before(numbers, before);
    numbers_acked(numbers, 3);
    assert_int_equal(numbers_peek(numbers, "zone", "a"), 1);
    assert_int_equal(numbers_peek(numbers, "zone", "b"), 0);
}

static void
trial_leaves_pending_writes_as_they_were(void **state)
{
    struct numbers *numbers = *state;
    char *before;

    numbers_unref(numbers, numbers_ref(numbers, "zone", "a"));
    numbers_acked(numbers, 1);
    assert_int_equal(pending_of(numbers, "a"), 0);
    before = dump(numbers);
    numbers_begin_trial(numbers);
    numbers_unref(numbers, numbers_ref(numbers, "zone", "a"));
    end_trial_as_before(numbers, before);
}

static void
trial_lets_what_is_kept_stay(void **state)
{
    struct numbers *numbers = *state;
    struct number *a = numbers_ref(numbers, "zone", "a");
    struct number *b = numbers_ref(numbers, "zone", "b");

    numbers_set_revision(numbers, 5);
    numbers_unref(numbers, b);
    numbers_begin_trial(numbers);
    struct number *c = numbers_ref(numbers, "zone", "c");
    numbers_ref(numbers, "zone", "b");
    numbers_unref(numbers, a);
    numbers_end_trial(numbers);
    assert_int_equal(pending_of(numbers, "c"), 3);
    numbers_acked(numbers, 5);
    assert_int_equal(numbers_peek(numbers, "zone", "a"), 0);
    assert_int_equal(numbers_peek(numbers, "zone", "b"), 2);
    assert_int_equal(numbers_peek(numbers, "zone", "c"), 3);
    numbers_unref(numbers, c);
    numbers_acked(numbers, 5);
    assert_int_equal(numbers_peek(numbers, "zone", "c"), 0);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(same_key_has_same_number),
        TEST(declaring_twice_must_agree),
        TEST(exhaustion_is_refused_until_hosts_acknowledge),
        TEST(retired_number_revives_with_its_key),
        TEST(freed_number_is_used_again_last),
        TEST(claims_are_exclusive),
        TEST(claim_waits_for_acknowledgement),
        TEST(cancel_takes_back_what_nobody_saw),
        TEST(store_is_told_of_made_and_freed),
        TEST(change_during_a_write_is_not_lost),
        TEST(loaded_numbers_wait_for_the_first_acknowledgement),
        TEST(trial_forgets_what_it_made),
        TEST(trial_retires_nothing_and_revives_nothing),
        TEST(trial_leaves_pending_writes_as_they_were),
        TEST(trial_lets_what_is_kept_stay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
