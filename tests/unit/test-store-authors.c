/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of what authors have of the log, by random numbers with a fixed seed,
 * against a list that is scanned. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controller/store/store-private.h"
#include "random.h"
#include "util.h"

#define N_AUTHORS 40

struct oracle {
    struct {
        char name[24];
        int64_t entries, bytes;
    } authors[N_AUTHORS];
};

/* Returns who has most, or NULL; of equals the first, as names are sorted. */
static const char *
most_of(const struct oracle *oracle, bool bytes, int64_t *more)
{
    const char *most = NULL;
    int64_t first = 0, second = 0;

    for (int i = 0; i < N_AUTHORS; i++) {
        int64_t n = bytes ? oracle->authors[i].bytes
                          : oracle->authors[i].entries;

        if (n > first) {
            second = first;
            first = n;
            most = oracle->authors[i].name;
        } else {
            second = MAX(second, n);
        }
    }
    *more = first - second;
    return most;
}

static void
assert_same_name(const char *found, const char *expected)
{
    if (expected) {
        assert_non_null(found);
        assert_string_equal(found, expected);
    } else {
        assert_null(found);
    }
}

static void
check(const struct store_authors *authors, const struct oracle *oracle)
{
    int64_t entries = 0, bytes = 0, more, expected_more;
    const char *expected;

    for (int i = 0; i < N_AUTHORS; i++) {
        entries += oracle->authors[i].entries;
        bytes += oracle->authors[i].bytes;
    }
    assert_int_equal(authors->entries, entries);
    assert_int_equal(authors->bytes, bytes);
    expected = most_of(oracle, true, &expected_more);
    assert_same_name(store_authors_most_bytes(authors), expected);
    expected = most_of(oracle, false, &expected_more);
    assert_same_name(store_authors_most_entries(authors, &more), expected);
    assert_int_equal(more, expected_more);
}

/* Whatever is added and taken away, and in whatever order authors come and
 * go. */
static void
who_has_most_is_first(void **state OVS_UNUSED)
{
    struct store_authors authors;
    struct oracle oracle;

    memset(&oracle, 0, sizeof oracle);
    for (unsigned i = 0; i < N_AUTHORS; i++) {
        snprintf(oracle.authors[i].name, sizeof oracle.authors[i].name,
                 "author%02u", i % 100);
    }
    random_set_seed(1);
    store_authors_init(&authors);
    check(&authors, &oracle);
    for (int step = 0; step < 20000; step++) {
        int i = random_range(N_AUTHORS);
        /* Half of the time most of them lose what they have. */
        bool shrinks = (step / 1000) % 2 && random_range(4);
        int64_t entries = random_range(4), bytes = random_range(9);
        char *who = xasprintf("%s%s", oracle.authors[i].name,
                              random_range(2) ? "/token" : "");

        if (shrinks) {
            entries = -MIN(entries, oracle.authors[i].entries);
            bytes = -oracle.authors[i].bytes;
        }
        oracle.authors[i].entries += entries;
        oracle.authors[i].bytes += bytes;
        store_authors_add(&authors, who, entries, bytes);
        free(who);
        check(&authors, &oracle);
    }
    store_authors_uninit(&authors);
}

static void
authors_who_have_nothing_are_forgotten(void **state OVS_UNUSED)
{
    struct store_authors authors;
    int64_t more;

    store_authors_init(&authors);
    for (int round = 1; round >= -1; round -= 2) {
        for (int i = 0; i < 1000; i++) {
            char *who = xasprintf("a%d", i);

            store_authors_add(&authors, who, round * (1 + i % 7), round * 5);
            free(who);
        }
        assert_int_equal(shash_count(&authors.by_name), round > 0 ? 1000 : 0);
    }
    assert_null(store_authors_most_entries(&authors, &more));
    assert_int_equal(more, 0);
    assert_null(store_authors_most_bytes(&authors));
    store_authors_uninit(&authors);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_has_most_is_first),
        cmocka_unit_test(authors_who_have_nothing_are_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
