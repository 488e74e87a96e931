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

    assert_int_equal(value_parse_prefix(text, true, &p, NULL), 0);
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
        bool v6 = set[i].ip.family == 6;
        unsigned first = set[i].ip.addr[v6 ? 15 : 3] % SPACE;
        unsigned size = 1u << ((v6 ? 128 : 32) - set[i].len);

        for (unsigned a = first; a < first + size; a++) {
            m.in[a] = true;
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

/* Fills 'set', of N_MAX. */
static size_t
random_prefixes(struct vmn_prefix *set, bool v6)
{
    size_t n = random_range(N_MAX + 1);

    memset(set, 0, N_MAX * sizeof *set);
    for (size_t i = 0; i < n; i++) {
        unsigned bits = random_range(7);

        set[i].len = (v6 ? 128 : 32) - bits;
        set[i].ip = (struct vmn_ip) { .family = v6 ? 6 : 4, .addr = { 10 } };
        set[i].ip.addr[v6 ? 15 : 3] = random_range(SPACE) >> bits << bits;
    }
    return n;
}

static void
merged_prefixes_are_the_same_set_and_fewest(void **state OVS_UNUSED)
{
    random_set_seed(1);
    for (int round = 0; round < N_ROUNDS; round++) {
        struct vmn_prefix set[N_MAX], again[N_MAX];
        size_t n = random_prefixes(set, round & 1), n_again = n;

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

static void
check_subtract(const char *const from_[], const char *const except_[],
               const char *const out[])
{
    struct vmn_prefix from[16], except[16], left[64];
    char text[VALUE_PREFIX_SIZE];
    size_t n = 0, n_except = 0;

    for (; from_[n]; n++) {
        from[n] = prefix(from_[n]);
    }
    for (; except_[n_except]; n_except++) {
        except[n_except] = prefix(except_[n_except]);
    }
    n = vmn_prefixes_subtract(from, n, except, n_except, left);
    for (size_t i = 0; i < n; i++) {
        assert_non_null(out[i]);
        assert_string_equal(value_format_prefix(&left[i], text), out[i]);
    }
    assert_null(out[n]);
}

static void
exceptions_leave_the_fewest_prefixes(void **state OVS_UNUSED)
{
    const char *const none[] = { NULL };

    check_subtract(none, LIST("10.0.0.0/8"), none);
    check_subtract(LIST("10.0.0.0/8"), none, LIST("10.0.0.0/8"));
    check_subtract(LIST("10.0.0.0/8"), LIST("10.0.0.0/8"), none);
    check_subtract(LIST("10.0.0.0/8", "12.0.0.0/8"), LIST("0.0.0.0/0"), none);
    check_subtract(LIST("10.0.0.0/8", "12.0.0.0/8"),
                   LIST("9.0.0.0/8", "11.0.0.0/8", "13.0.0.0/8"),
                   LIST("10.0.0.0/8", "12.0.0.0/8"));
    check_subtract(LIST("0.0.0.0/0"), LIST("128.0.0.0/2"),
                   LIST("0.0.0.0/1", "192.0.0.0/2"));
    check_subtract(LIST("10.0.0.0/29"), LIST("10.0.0.7"),
                   LIST("10.0.0.0/30", "10.0.0.4/31", "10.0.0.6/32"));
}

static void
exceptions_are_of_the_same_family(void **state OVS_UNUSED)
{
    const struct vmn_prefix from[2] = {
        { .ip = { .family = 4, .addr = { 0x20 } }, .len = 3 },
        { .ip = { .family = 6, .addr = { 0x20 } }, .len = 3 },
    };
    struct vmn_prefix left[2];

    assert_int_equal(vmn_prefixes_subtract(from, 2, from, 1, left), 1);
    assert_memory_equal(&left[0], &from[1], sizeof left[0]);
    assert_int_equal(vmn_prefixes_subtract(from, 2, from + 1, 1, left), 1);
    assert_memory_equal(&left[0], &from[0], sizeof left[0]);
}

static void
what_exceptions_leave_is_the_difference_and_fewest(void **state OVS_UNUSED)
{
    random_set_seed(3);
    for (int round = 0; round < N_ROUNDS; round++) {
        struct vmn_prefix from[N_MAX], except[N_MAX], left[SPACE];
        bool v6 = round & 1;
        size_t n = vmn_prefixes_merge(from, random_prefixes(from, v6));
        size_t n_except = vmn_prefixes_merge(except,
                                             random_prefixes(except, v6));
        size_t n_left = vmn_prefixes_subtract(from, n, except, n_except,
                                              left);
        struct members want = prefix_members(from, n);
        struct members less = prefix_members(except, n_except);
        struct members got = prefix_members(left, n_left);

        for (int i = 0; i < SPACE; i++) {
            want.in[i] &= !less.in[i];
        }
        assert_memory_equal(&want, &got, sizeof want);
        assert_int_equal(n_left, fewest(&want, 0, SPACE));
        assert_int_equal(n_left, vmn_prefixes_subtract(from, n, except,
                                                       n_except, NULL));
        assert_int_equal(n_left, vmn_prefixes_merge(left, n_left));
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
        cmocka_unit_test(exceptions_leave_the_fewest_prefixes),
        cmocka_unit_test(exceptions_are_of_the_same_family),
        cmocka_unit_test(what_exceptions_leave_is_the_difference_and_fewest),
        cmocka_unit_test(merged_ranges_are_the_same_set_and_fewest),
        cmocka_unit_test(ranges_end_at_the_last_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
