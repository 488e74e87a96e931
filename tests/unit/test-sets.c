/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of sets of prefixes and port ranges: random sets in a space so
 * small that each member can be counted. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "controller/schema/value.h"
#include "random.h"
#include "util.h"
#include "vmn/types.h"

/* Addresses 10.0.0.0 to 10.0.0.63 and ports 0 to 63. */
#define SPACE 64
#define N_MAX 24
#define N_ROUNDS 20000

static struct vmn_prefix
prefix(const char *text)
{
    struct vmn_prefix p = { .len = 0 };

    assert_null(value_parse_prefix(text, true, &p));
    return p;
}

static void
check_prefixes(const char *const in[], const char *const out[])
{
    struct vmn_prefix set[16];
    char text[VALUE_PREFIX_SIZE];
    size_t n = 0;

    for (; in[n]; n++) {
        set[n] = prefix(in[n]);
    }
    n = vmn_prefixes_merge(set, n);
    for (size_t i = 0; i < n; i++) {
        assert_non_null(out[i]);
        assert_string_equal(value_format_prefix(&set[i], text), out[i]);
    }
    assert_null(out[n]);
}

#define LIST(...) (const char *const[]) { __VA_ARGS__, NULL }

static void
prefixes_that_belong_together_become_one(void **state OVS_UNUSED)
{
    check_prefixes((const char *const[]) { NULL },
                   (const char *const[]) { NULL });
    check_prefixes(LIST("10.0.0.128/25", "10.0.0.0/25"), LIST("10.0.0.0/24"));
    check_prefixes(LIST("10.0.0.0/26", "10.0.0.192/26", "10.0.0.128/26",
                        "10.0.0.64/26"), LIST("10.0.0.0/24"));
    check_prefixes(LIST("10.0.0.7", "10.0.0.0/24", "10.0.0.0/8",
                        "10.0.0.0/24"), LIST("10.0.0.0/8"));
    check_prefixes(LIST("0.0.0.0/1", "128.0.0.0/1"), LIST("0.0.0.0/0"));
    check_prefixes(LIST("10.0.0.0/24", "0.0.0.0/0"), LIST("0.0.0.0/0"));
}

static void
prefixes_that_only_touch_stay_apart(void **state OVS_UNUSED)
{
    check_prefixes(LIST("10.0.0.128/25", "10.0.1.0/25"),
                   LIST("10.0.0.128/25", "10.0.1.0/25"));
    check_prefixes(LIST("10.0.0.0/25", "10.0.0.128/26"),
                   LIST("10.0.0.0/25", "10.0.0.128/26"));
}

static void
prefixes_of_both_families_do_not_mix(void **state OVS_UNUSED)
{
    struct vmn_prefix set[4] = {
        { .ip = { .family = 6, .addr = { 0x20, 1, 0xd, 0xb8, [15] = 1 } },
          .len = 128 },
        { .ip = { .family = 4 }, .len = 0 },
        { .ip = { .family = 6, .addr = { 0x20, 1, 0xd, 0xb8 } }, .len = 128 },
        { .ip = { .family = 4, .addr = { 0x20, 1, 0xd, 0xb8 } }, .len = 32 },
    };

    assert_int_equal(vmn_prefixes_merge(set, 4), 2);
    assert_int_equal(set[0].ip.family, 4);
    assert_int_equal(set[0].len, 0);
    assert_int_equal(set[1].ip.family, 6);
    assert_int_equal(set[1].len, 127);
}

/* Whether each member of the space is in a set. */
struct members {
    bool in[SPACE];
};

static struct members
prefix_members(const struct vmn_prefix *set, size_t n)
{
    struct members m = { { false } };

    for (size_t i = 0; i < n; i++) {
        uint32_t first, last;

        value_prefix_bounds(&set[i], &first, &last);
        for (uint32_t a = first; a <= last; a++) {
            m.in[a % SPACE] = true;
        }
    }
    return m;
}

/* The fewest prefixes for what 'm' has in a block. */
static unsigned
fewest(const struct members *m, unsigned first, unsigned size)
{
    unsigned n = 0;

    for (unsigned i = 0; i < size; i++) {
        n += m->in[first + i];
    }
    return (!n || n == size ? n == size
            : fewest(m, first, size / 2) + fewest(m, first + size / 2,
                                                  size / 2));
}

static void
shuffle(void *array, size_t n, size_t size)
{
    char *a = array;
    char tmp[64];

    for (size_t i = n; i > 1; i--) {
        size_t j = random_range(i);

        memcpy(tmp, a + (i - 1) * size, size);
        memmove(a + (i - 1) * size, a + j * size, size);
        memcpy(a + j * size, tmp, size);
    }
}

static void
merged_prefixes_are_the_same_set_and_fewest(void **state OVS_UNUSED)
{
    random_set_seed(1);
    for (int round = 0; round < N_ROUNDS; round++) {
        struct vmn_prefix set[N_MAX], again[N_MAX];
        size_t n = random_range(N_MAX + 1), n_again = n;

        memset(set, 0, sizeof set);
        for (size_t i = 0; i < n; i++) {
            set[i].len = 26 + random_range(7);
            set[i].ip = value_ip_from_u32(
                0x0a000000 | (random_range(SPACE)
                              & ~((1u << (32 - set[i].len)) - 1)));
        }
        memcpy(again, set, sizeof set);
        shuffle(again, n, sizeof *again);

        struct members before = prefix_members(set, n);

        n = vmn_prefixes_merge(set, n);
        n_again = vmn_prefixes_merge(again, n_again);

        struct members after = prefix_members(set, n);

        assert_memory_equal(&before, &after, sizeof before);
        assert_int_equal(n, fewest(&before, 0, SPACE));
        assert_int_equal(n, n_again);
        assert_memory_equal(set, again, n * sizeof *set);
        assert_int_equal(vmn_prefixes_merge(again, n), n);
    }
}

static struct members
range_members(const struct vmn_port_range *set, size_t n)
{
    struct members m = { { false } };

    for (size_t i = 0; i < n; i++) {
        for (unsigned p = set[i].first; p <= set[i].last; p++) {
            m.in[p] = true;
        }
    }
    return m;
}

static void
merged_ranges_are_the_same_set_and_fewest(void **state OVS_UNUSED)
{
    random_set_seed(2);
    for (int round = 0; round < N_ROUNDS; round++) {
        struct vmn_port_range set[N_MAX];
        size_t n = random_range(N_MAX + 1);

        for (size_t i = 0; i < n; i++) {
            unsigned last;

            set[i].first = random_range(SPACE);
            last = set[i].first + random_range(8);
            set[i].last = MIN(SPACE - 1, last);
        }

        struct members before = range_members(set, n);

        n = vmn_ranges_merge(set, n);

        struct members after = range_members(set, n);
        unsigned n_runs = before.in[0];

        for (int i = 1; i < SPACE; i++) {
            n_runs += before.in[i] && !before.in[i - 1];
        }
        assert_memory_equal(&before, &after, sizeof before);
        assert_int_equal(n, n_runs);
    }
}

static void
ranges_end_at_the_last_port(void **state OVS_UNUSED)
{
    struct vmn_port_range set[] = {
        { 65535, 65535 }, { 0, 65535 }, { 1, 2 }, { 65000, 65535 },
    };

    assert_int_equal(vmn_ranges_merge(set, ARRAY_SIZE(set)), 1);
    assert_int_equal(set[0].first, 0);
    assert_int_equal(set[0].last, 65535);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefixes_that_belong_together_become_one),
        cmocka_unit_test(prefixes_that_only_touch_stay_apart),
        cmocka_unit_test(prefixes_of_both_families_do_not_mix),
        cmocka_unit_test(merged_prefixes_are_the_same_set_and_fewest),
        cmocka_unit_test(merged_ranges_are_the_same_set_and_fewest),
        cmocka_unit_test(ranges_end_at_the_last_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
