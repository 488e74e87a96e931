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

#include "controller/model/id-pools.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static int
setup(void **state)
{
    struct id_pools *numbers = id_pools_create();

    assert_int_equal(id_pools_declare(numbers, "zone", 3), 0);
    id_pools_set_revision(numbers, 1);
    *state = numbers;
    return 0;
}

static int
teardown(void **state)
{
    id_pools_destroy(*state);
    return 0;
}

/* What the store is told of (zone, key): its number, 0 for freed, or -1. */
static int
pending_of(struct id_pools *numbers, const char *key)
{
    const struct id_write *writes;
    size_t n;

    id_pools_get_pending(numbers, &n, &writes);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(writes[i].pool, "zone");
        if (!strcmp(writes[i].key, key)) {
            return writes[i].value;
        }
    }
    return -1;
}

static void
same_key_has_same_number(void **state)
{
    struct id_pools *numbers = *state;
    struct id_entry *a = id_pools_ref(numbers, "zone", "a");
    struct id_entry *b = id_pools_ref(numbers, "zone", "b");

    assert_int_equal(id_entry_value(a), 1);
    assert_int_equal(id_entry_value(b), 2);
    assert_ptr_equal(id_pools_ref(numbers, "zone", "a"), a);
    assert_int_equal(id_pools_peek(numbers, "zone", "b"), 2);
    assert_int_equal(id_pools_peek(numbers, "zone", "c"), 0);
    assert_int_equal(id_pools_peek(numbers, "none", "c"), 0);
    assert_string_equal(id_pools_key_of(numbers, "zone", 2), "b");
    assert_null(id_pools_key_of(numbers, "zone", 3));
}

static void
declaring_twice_must_agree(void **state)
{
    struct id_pools *numbers = *state;

    assert_int_equal(id_pools_declare(numbers, "zone", 3), 0);
    assert_int_equal(id_pools_declare(numbers, "zone", 4), EEXIST);
    assert_null(id_pools_ref(numbers, "undeclared", "a"));
}

static void
exhaustion_is_refused_until_hosts_acknowledge(void **state)
{
    struct id_pools *numbers = *state;
    struct id_entry *a = id_pools_ref(numbers, "zone", "a");

    assert_non_null(id_pools_ref(numbers, "zone", "b"));
    assert_non_null(id_pools_ref(numbers, "zone", "c"));
    assert_null(id_pools_ref(numbers, "zone", "d"));

    /* Retired is not free: a switch may hold it. */
    id_pools_set_revision(numbers, 5);
    id_pools_unref(numbers, a);
    assert_null(id_pools_ref(numbers, "zone", "d"));
    id_pools_acked(numbers, 4);
    assert_null(id_pools_ref(numbers, "zone", "d"));
    assert_int_equal(id_pools_n_freed(numbers, "zone"), 0);

    id_pools_acked(numbers, 5);
    assert_int_equal(id_pools_n_freed(numbers, "zone"), 1);
    assert_int_equal(id_pools_n_freed(numbers, "unknown"), 0);
    assert_int_equal(id_pools_peek(numbers, "zone", "a"), 0);
    assert_int_equal(id_entry_value(id_pools_ref(numbers, "zone", "d")), 1);
}

static void
retired_number_revives_with_its_key(void **state)
{
    struct id_pools *numbers = *state;
    struct id_entry *a = id_pools_ref(numbers, "zone", "a");

    id_pools_unref(numbers, id_pools_ref_again(a));
    id_pools_unref(numbers, a);
    assert_int_equal(id_pools_peek(numbers, "zone", "a"), 1);
    assert_ptr_equal(id_pools_ref(numbers, "zone", "a"), a);
    id_pools_acked(numbers, 100);
    assert_int_equal(id_pools_peek(numbers, "zone", "a"), 1);
}

static void
freed_number_is_used_again_last(void **state)
{
    struct id_pools *numbers = *state;

    id_pools_unref(numbers, id_pools_ref(numbers, "zone", "a"));
    id_pools_acked(numbers, 1);
    assert_int_equal(id_entry_value(id_pools_ref(numbers, "zone", "b")), 2);
    assert_int_equal(id_entry_value(id_pools_ref(numbers, "zone", "c")), 3);
    assert_int_equal(id_entry_value(id_pools_ref(numbers, "zone", "d")), 1);
}

static void
claims_are_exclusive(void **state)
{
    struct id_pools *numbers = *state;
    struct id_entry *number;
    const char *owner;

    assert_int_equal(id_pools_claim(numbers, "zone", "a", 2, &number, &owner),
                     0);
    assert_int_equal(id_entry_value(number), 2);
    assert_int_equal(id_pools_claim(numbers, "zone", "a", 2, &number, &owner),
                     0);
    assert_int_equal(id_pools_claim(numbers, "zone", "b", 2, &number, &owner),
                     EEXIST);
    assert_string_equal(owner, "a");
    assert_null(number);
    assert_int_equal(id_pools_claim(numbers, "zone", "a", 3, &number, &owner),
                     EEXIST);
    assert_string_equal(owner, "a");
    assert_int_equal(id_pools_claim(numbers, "zone", "b", 4, &number, &owner),
                     EINVAL);
    assert_int_equal(id_pools_claim(numbers, "zone", "b", 0, &number, &owner),
                     EINVAL);

    /* What is given out goes round what was claimed. */
    assert_int_equal(id_entry_value(id_pools_ref(numbers, "zone", "c")), 1);
    assert_int_equal(id_entry_value(id_pools_ref(numbers, "zone", "d")), 3);
}

static void
claim_waits_for_acknowledgement(void **state)
{
    struct id_pools *numbers = *state;
    struct id_entry *number;
    const char *owner;

    id_pools_unref(numbers, id_pools_ref(numbers, "zone", "a"));
    assert_int_equal(id_pools_claim(numbers, "zone", "b", 1, &number, &owner),
                     EEXIST);
    assert_string_equal(owner, "a");
    id_pools_acked(numbers, 1);
    assert_int_equal(id_pools_claim(numbers, "zone", "b", 1, &number, &owner),
                     0);
}

static void
cancel_takes_back_what_nobody_saw(void **state)
{
    struct id_pools *numbers = *state;
    struct id_entry *number;
    const char *owner;

    assert_int_equal(id_pools_claim(numbers, "zone", "a", 2, &number, &owner),
                     0);
    id_pools_cancel(numbers, number);
    assert_int_equal(id_pools_claim(numbers, "zone", "b", 2, &number, &owner),
                     0);

    /* Once kept, it is only retired. */
    id_pools_keep(number);
    id_pools_cancel(numbers, number);
    assert_int_equal(id_pools_peek(numbers, "zone", "b"), 2);
    id_pools_cancel(numbers, NULL);
    id_pools_unref(numbers, NULL);
}

static void
store_is_told_of_made_and_freed(void **state)
{
    struct id_pools *numbers = *state;
    struct id_entry *a = id_pools_ref(numbers, "zone", "a");

    assert_int_equal(pending_of(numbers, "a"), 1);
    assert_int_equal(pending_of(numbers, "a"), 1);
    id_pools_written(numbers);
    assert_int_equal(pending_of(numbers, "a"), -1);

    id_pools_unref(numbers, a);
    assert_int_equal(pending_of(numbers, "a"), -1);
    id_pools_acked(numbers, 1);
    assert_int_equal(pending_of(numbers, "a"), 0);
    id_pools_written(numbers);
    assert_int_equal(pending_of(numbers, "a"), -1);
}

static void
change_during_a_write_is_not_lost(void **state)
{
    struct id_pools *numbers = *state;

    id_pools_unref(numbers, id_pools_ref(numbers, "zone", "a"));
    assert_int_equal(pending_of(numbers, "a"), 1);
    id_pools_acked(numbers, 1);          /* The write is on its way. */
    assert_non_null(id_pools_ref(numbers, "zone", "b"));
    id_pools_written(numbers);
    assert_int_equal(pending_of(numbers, "a"), 0);
    assert_int_equal(pending_of(numbers, "b"), 2);
}

/* Who asks for an ID will ask for the next one, too, if it has a range of its
 * own. */
static void
search_does_not_go_on_among_claims(void **state)
{
    struct id_pools *numbers = *state;

    assert_int_equal(id_pools_declare(numbers, "far", 1000), 0);
    assert_int_equal(id_pools_load(numbers, "far", "x=500", 500), 0);
    assert_int_equal(id_pools_load(numbers, "far", "y", 7), 0);
    assert_int_equal(id_entry_value(id_pools_ref(numbers, "far", "z")), 8);
}

static void
loaded_numbers_wait_for_the_first_acknowledgement(void **state)
{
    struct id_pools *numbers = *state;

    assert_int_equal(id_pools_load(numbers, "zone", "a", 2), 0);
    assert_int_equal(id_pools_load(numbers, "zone", "b", 3), 0);
    assert_int_equal(id_pools_load(numbers, "zone", "a", 1), EEXIST);
    assert_int_equal(id_pools_load(numbers, "zone", "c", 3), EEXIST);
    assert_int_equal(id_pools_load(numbers, "zone", "c", 0), EINVAL);
    assert_int_equal(id_pools_load(numbers, "later", "x", 9), 0);
    assert_int_equal(id_pools_declare(numbers, "later", 10), 0);
    assert_int_equal(id_entry_value(id_pools_ref(numbers, "later", "y")), 10);

    id_pools_acked(numbers, 1000);
    assert_int_equal(id_pools_peek(numbers, "zone", "a"), 2);
    id_pools_set_revision(numbers, 7);
    assert_int_equal(id_entry_value(id_pools_ref(numbers, "zone", "b")), 3);
    id_pools_acked(numbers, 6);
    assert_int_equal(id_pools_peek(numbers, "zone", "a"), 2);
    id_pools_acked(numbers, 7);
    assert_int_equal(id_pools_peek(numbers, "zone", "a"), 0);
    assert_int_equal(id_pools_peek(numbers, "zone", "b"), 3);
}

/* Trials.  --------------------------------------------------------------- */

static char *
dump(const struct id_pools *numbers)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    id_pools_format(numbers, &ds);
    return ds_steal_cstr(&ds);
}

static void
end_dry_run_as_before(struct id_pools *numbers, char *before)
{
    char *after;

    id_pools_end_dry_run(numbers);
    after = dump(numbers);
    assert_string_equal(after, before);
    free(after);
    free(before);
}

static void
dry_run_forgets_what_it_allocated(void **state)
{
    struct id_pools *numbers = *state;
    char *before;

    id_pools_ref(numbers, "zone", "a");
    before = dump(numbers);
    id_pools_begin_dry_run(numbers);
    struct id_entry *b = id_pools_ref(numbers, "zone", "b");
    assert_int_equal(id_entry_value(b), 2);
    id_pools_unref(numbers, b);
    /* As long as it goes on, the number stays the key's. */
    assert_ptr_equal(id_pools_ref(numbers, "zone", "b"), b);
    id_pools_keep(b);
    id_pools_unref(numbers, b);
    id_pools_cancel(numbers, id_pools_ref(numbers, "zone", "c"));
    end_dry_run_as_before(numbers, before);
    assert_int_equal(id_entry_value(id_pools_ref(numbers, "zone", "d")), 2);
}

static void
dry_run_retires_nothing_and_revives_nothing(void **state)
{
    struct id_pools *numbers = *state;
    struct id_entry *a = id_pools_ref(numbers, "zone", "a");
    struct id_entry *b = id_pools_ref(numbers, "zone", "b");
    struct id_entry *c = id_pools_ref(numbers, "zone", "c");
    char *before;

    id_pools_set_revision(numbers, 3);
    id_pools_unref(numbers, b);
    id_pools_unref(numbers, c);
    before = dump(numbers);
    id_pools_begin_dry_run(numbers);
    id_pools_set_revision(numbers, 4);
    id_pools_unref(numbers, a);
    id_pools_unref(numbers, id_pools_ref(numbers, "zone", "b"));
    id_pools_ref(numbers, "zone", "a");
    id_pools_ref(numbers, "zone", "a");
    id_pools_unref(numbers, a);
    end_dry_run_as_before(numbers, before);
    id_pools_acked(numbers, 3);
    assert_int_equal(id_pools_peek(numbers, "zone", "a"), 1);
    assert_int_equal(id_pools_peek(numbers, "zone", "b"), 0);
}

static void
dry_run_leaves_pending_writes_as_they_were(void **state)
{
    struct id_pools *numbers = *state;
    char *before;

    id_pools_unref(numbers, id_pools_ref(numbers, "zone", "a"));
    id_pools_acked(numbers, 1);
    assert_int_equal(pending_of(numbers, "a"), 0);
    before = dump(numbers);
    id_pools_begin_dry_run(numbers);
    id_pools_unref(numbers, id_pools_ref(numbers, "zone", "a"));
    end_dry_run_as_before(numbers, before);
}

static void
dry_run_lets_what_is_kept_stay(void **state)
{
    struct id_pools *numbers = *state;
    struct id_entry *a = id_pools_ref(numbers, "zone", "a");
    struct id_entry *b = id_pools_ref(numbers, "zone", "b");

    id_pools_set_revision(numbers, 5);
    id_pools_unref(numbers, b);
    id_pools_begin_dry_run(numbers);
    struct id_entry *c = id_pools_ref(numbers, "zone", "c");
    id_pools_ref(numbers, "zone", "b");
    id_pools_unref(numbers, a);
    id_pools_end_dry_run(numbers);
    assert_int_equal(pending_of(numbers, "c"), 3);
    id_pools_acked(numbers, 5);
    assert_int_equal(id_pools_peek(numbers, "zone", "a"), 0);
    assert_int_equal(id_pools_peek(numbers, "zone", "b"), 2);
    assert_int_equal(id_pools_peek(numbers, "zone", "c"), 3);
    id_pools_unref(numbers, c);
    id_pools_acked(numbers, 5);
    assert_int_equal(id_pools_peek(numbers, "zone", "c"), 0);
}

/* Else an ID that is in use again elsewhere would be gone here. */
static void
frozen_pool_frees_nothing(void **state)
{
    const struct id_write freed = { "zone", "a", 0 };
    struct id_pools *numbers = *state;

    id_pools_unref(numbers, id_pools_ref(numbers, "zone", "a"));
    id_pools_set_frozen(numbers, true);
    id_pools_acked(numbers, 100);
    assert_int_equal(id_pools_peek(numbers, "zone", "a"), 1);
    assert_int_equal(id_pools_replicate(numbers, &freed, 1), 0);
    assert_int_equal(id_pools_peek(numbers, "zone", "a"), 0);
    id_pools_unref(numbers, id_pools_ref(numbers, "zone", "a"));
    id_pools_set_frozen(numbers, false);
    id_pools_unref(numbers, id_pools_ref(numbers, "zone", "a"));
    id_pools_acked(numbers, 100);
    assert_int_equal(id_pools_peek(numbers, "zone", "a"), 0);
}

static void
frozen_pool_allocates_nothing(void **state)
{
    const struct id_write b = { "zone", "b", 3 };
    struct id_pools *numbers = *state;
    struct id_entry *a = id_pools_ref(numbers, "zone", "a");

    id_pools_set_frozen(numbers, true);
    assert_ptr_equal(id_pools_ref(numbers, "zone", "a"), a);
    assert_null(id_pools_ref(numbers, "zone", "b"));
    assert_int_equal(id_pools_n_freed(numbers, "zone"), 0);

    /* Who was refused may ask again once there is an ID. */
    assert_int_equal(id_pools_replicate(numbers, &b, 1), 0);
    assert_int_equal(id_pools_n_freed(numbers, "zone"), 1);
    assert_int_equal(id_entry_value(id_pools_ref(numbers, "zone", "b")), 3);
    id_pools_set_frozen(numbers, false);
    assert_int_equal(id_pools_n_freed(numbers, "zone"), 1);

    id_pools_set_frozen(numbers, true);
    assert_null(id_pools_ref(numbers, "zone", "c"));
    id_pools_set_frozen(numbers, false);
    assert_int_equal(id_pools_n_freed(numbers, "zone"), 2);
    assert_int_equal(id_entry_value(id_pools_ref(numbers, "zone", "c")), 2);
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
        TEST(search_does_not_go_on_among_claims),
        TEST(claim_waits_for_acknowledgement),
        TEST(cancel_takes_back_what_nobody_saw),
        TEST(store_is_told_of_made_and_freed),
        TEST(change_during_a_write_is_not_lost),
        TEST(loaded_numbers_wait_for_the_first_acknowledgement),
        TEST(dry_run_forgets_what_it_allocated),
        TEST(dry_run_retires_nothing_and_revives_nothing),
        TEST(dry_run_leaves_pending_writes_as_they_were),
        TEST(dry_run_lets_what_is_kept_stay),
        TEST(frozen_pool_allocates_nothing),
        TEST(frozen_pool_frees_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
