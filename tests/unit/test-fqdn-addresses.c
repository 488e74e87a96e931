/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of controller/fqdn/fqdn-addresses.h: which addresses a name has,
 * by answers and times that are given.  Not for asking
 * (tests/system/test_fqdn_policy.py). */

#include <config.h>

#include "controller/fqdn/fqdn-addresses.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "openvswitch/dynamic-string.h"
#include "util.h"

static const struct fqdn_times times = { .min_ttl_ms = 60000,
                                         .grace_ms = 300000 };

/* Reads "192.0.2.1 2001:db8::1" into 'ips'; returns how many they are. */
static size_t
read_ips(const char *text, struct vmn_ip ips[8])
{
    char *copy = xstrdup(text);
    char *save = NULL;
    size_t n = 0;

    for (char *s = strtok_r(copy, " ", &save); s;
         s = strtok_r(NULL, " ", &save)) {
        bool v6 = strchr(s, ':') != NULL;

        memset(&ips[n], 0, sizeof ips[n]);
        ips[n].family = v6 ? 6 : 4;
        assert_int_equal(inet_pton(v6 ? AF_INET6 : AF_INET, s, ips[n++].addr),
                         1);
    }
    free(copy);
    return n;
}

/* Takes an answer at 'now_s'. */
static bool
take(struct fqdn_addresses *set, int family, const char *text,
     uint32_t ttl_s, int64_t now_s)
{
    struct vmn_ip ips[8];
    size_t n = read_ips(text, ips);

    return fqdn_addresses_take(set, family, ips, n, ttl_s, &times,
                               now_s * 1000);
}

static void
assert_has(const struct fqdn_addresses *set, const char *text)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    char buf[VALUE_IP_SIZE];

    for (size_t i = 0; i < set->n; i++) {
        ds_put_format(&ds, "%s%s", i ? " " : "",
                      value_format_ip(&set->addresses[i].ip, buf));
    }
    assert_string_equal(ds_cstr(&ds), text);
    ds_destroy(&ds);
}

static void
what_an_answer_has_is_there_in_any_order(void **state OVS_UNUSED)
{
    struct fqdn_addresses set = { .n = 0 };

    assert_true(take(&set, 4, "192.0.2.9 192.0.2.1", 60, 0));
    assert_has(&set, "192.0.2.1 192.0.2.9");
    assert_false(take(&set, 4, "192.0.2.1 192.0.2.9", 60, 60));
    assert_true(take(&set, 6, "2001:db8::1", 60, 60));
    assert_has(&set, "192.0.2.1 192.0.2.9 2001:db8::1");
    assert_int_equal(fqdn_addresses_due(&set), INT64_MAX);
    fqdn_addresses_uninit(&set);
}

static void
what_an_answer_lacks_leaves_after_its_time_and_the_grace(
    void **state OVS_UNUSED)
{
    struct fqdn_addresses set = { .n = 0 };

    take(&set, 4, "192.0.2.1", 100, 0);
    assert_true(take(&set, 4, "192.0.2.2", 100, 100));
    assert_has(&set, "192.0.2.1 192.0.2.2");
    assert_int_equal(fqdn_addresses_due(&set), 400000);
    assert_false(fqdn_addresses_expire(&set, 399999));
    assert_true(fqdn_addresses_expire(&set, 400000));
    assert_has(&set, "192.0.2.2");
    fqdn_addresses_uninit(&set);
}

static void
an_answer_of_one_family_says_nothing_of_the_other(void **state OVS_UNUSED)
{
    struct fqdn_addresses set = { .n = 0 };

    take(&set, 4, "192.0.2.1", 100, 0);
    take(&set, 6, "2001:db8::1", 100, 0);
    take(&set, 4, "", 100, 1000);
    assert_has(&set, "2001:db8::1");
    fqdn_addresses_uninit(&set);
}

static void
what_nobody_has_refuted_stays(void **state OVS_UNUSED)
{
    struct fqdn_addresses set = { .n = 0 };

    take(&set, 4, "192.0.2.1", 100, 0);
    assert_false(fqdn_addresses_expire(&set, INT64_MAX));
    assert_has(&set, "192.0.2.1");
    fqdn_addresses_uninit(&set);
}

static void
one_that_comes_back_stays(void **state OVS_UNUSED)
{
    struct fqdn_addresses set = { .n = 0 };

    take(&set, 4, "192.0.2.1", 60, 0);
    take(&set, 4, "", 60, 60);
    assert_false(take(&set, 4, "192.0.2.1", 60, 120));
    assert_int_equal(fqdn_addresses_due(&set), INT64_MAX);
    fqdn_addresses_uninit(&set);
}

static void
times_to_live_are_bounded(void **state OVS_UNUSED)
{
    assert_int_equal(fqdn_ttl_ms(&times, 0), 60000);
    assert_int_equal(fqdn_ttl_ms(&times, 60), 60000);
    assert_int_equal(fqdn_ttl_ms(&times, 61), 61000);
    assert_int_equal(fqdn_ttl_ms(&times, UINT32_MAX), 86400000);
}

static void
addresses_that_no_server_has_are_left_out(void **state OVS_UNUSED)
{
    static const char *const unusable[] = {
        "0.0.0.0", "0.1.2.3", "127.0.0.1", "169.254.169.254", "224.0.0.1",
        "255.255.255.255", "::", "::1", "::192.0.2.1", "::ffff:192.0.2.1",
        "fe80::1", "febf::1", "ff02::1", "64:ff9b::169.254.169.254",
        "64:ff9b::1", "64:ff9b:1::192.0.2.1", "2002:7f00:1::1",
    };
    static const char *const usable[] = {
        "1.0.0.1", "10.0.0.1", "126.255.255.255", "169.253.0.1",
        "223.255.255.255", "2001:db8::1", "fd00::1", "fec0::1",
        "64:ff9b::192.0.2.1", "2002:c000:201::1",
    };
    struct vmn_ip ip[8];

    for (size_t i = 0; i < ARRAY_SIZE(unusable); i++) {
        struct fqdn_addresses set = { .n = 0 };

        read_ips(unusable[i], ip);
        assert_false(take(&set, ip->family, unusable[i], 60, 0));
        assert_int_equal(set.n, 0);
        fqdn_addresses_uninit(&set);
    }
    for (size_t i = 0; i < ARRAY_SIZE(usable); i++) {
        read_ips(usable[i], ip);
        assert_true(fqdn_ip_is_usable(ip));
    }
}

static struct vmn_ip
nth_of(int family, size_t i)
{
    struct vmn_ip ip = { .family = 4,
                         .addr = { 198, 51, (uint8_t) (i >> 8),
                                   (uint8_t) i } };

    if (family == 6) {
        ip = (struct vmn_ip) { .family = 6, .addr = { 0x20, 0x01, 0x0d, 0xb8,
                                                      [15] = (uint8_t) i } };
    }
    return ip;
}

static struct vmn_ip
nth_ip(size_t i)
{
    return nth_of(4, i);
}

static bool
take_family(struct fqdn_addresses *set, int family, size_t first, size_t n,
            int64_t now_s)
{
    struct vmn_ip *ips = xcalloc(n, sizeof *ips);
    bool changed;

    for (size_t i = 0; i < n; i++) {
        ips[i] = nth_of(family, first + i);
    }
    changed = fqdn_addresses_take(set, family, ips, n, 60, &times,
                                  now_s * 1000);
    free(ips);
    return changed;
}

static void
take_range(struct fqdn_addresses *set, size_t first, size_t n, int64_t now_s)
{
    take_family(set, 4, first, n, now_s);
}

static void
the_oldest_make_way_when_there_are_too_many(void **state OVS_UNUSED)
{
    struct fqdn_addresses set = { .n = 0 };

    take_range(&set, 0, 60, 0);
    assert_false(fqdn_addresses_are_limited(&set));
    take_range(&set, 60, 30, 60);
    assert_int_equal(set.n, 90);
    take_range(&set, 90, 30, 120);
    assert_int_equal(set.n, VALUE_FQDN_IPS_MAX);
    assert_true(fqdn_addresses_are_limited(&set));
    /* The 20 that went are of the first answer. */
    for (size_t i = 0; i < set.n; i++) {
        struct vmn_ip ip = nth_ip(20 + i);

        assert_memory_equal(&set.addresses[i].ip, &ip, sizeof ip);
    }
    /* It is over once there is room. */
    take_range(&set, 90, 30, 10000);
    assert_int_equal(set.n, 30);
    take_range(&set, 90, 30, 10060);
    assert_false(fqdn_addresses_are_limited(&set));
    fqdn_addresses_uninit(&set);
}

/* The same ones each time, whatever order the answer has them in. */
static void
of_one_answer_that_is_too_long_the_first_are_kept(void **state OVS_UNUSED)
{
    struct fqdn_addresses set = { .n = 0 };
    struct vmn_ip last = nth_ip(VALUE_FQDN_IPS_MAX - 1);

    take_range(&set, 0, 500, 0);
    assert_int_equal(set.n, VALUE_FQDN_IPS_MAX);
    assert_true(fqdn_addresses_are_limited(&set));
    assert_memory_equal(&set.addresses[set.n - 1].ip, &last, sizeof last);
    take_range(&set, 0, 500, 60);
    assert_int_equal(set.n, VALUE_FQDN_IPS_MAX);
    assert_true(fqdn_addresses_are_limited(&set));
    assert_memory_equal(&set.addresses[set.n - 1].ip, &last, sizeof last);
    fqdn_addresses_uninit(&set);
}

/* So that the row, and flows, stay as they are while answers do. */
static void
families_that_are_too_many_do_not_drive_each_other_out(
    void **state OVS_UNUSED)
{
    struct fqdn_addresses set = { .n = 0 };
    size_t n4 = 0;

    take_family(&set, 4, 0, 60, 0);
    assert_true(take_family(&set, 6, 0, 60, 0));
    assert_int_equal(set.n, VALUE_FQDN_IPS_MAX);
    for (int i = 1; i <= 20; i++) {
        assert_false(take_family(&set, 4, 0, 60, i * 60));
        assert_false(take_family(&set, 6, 0, 60, i * 60));
        assert_true(fqdn_addresses_are_limited(&set));
    }
    for (size_t i = 0; i < set.n; i++) {
        n4 += set.addresses[i].ip.family == 4;
    }
    assert_int_equal(n4, 60);
    /* What one leaves the other has. */
    take_family(&set, 4, 0, 10, 10000);
    assert_true(take_family(&set, 6, 0, 60, 10000));
    assert_int_equal(set.n, 70);
    assert_false(fqdn_addresses_are_limited(&set));
    fqdn_addresses_uninit(&set);
}

/* An answer has as many as there may be, and they are there already. */
static void
what_is_in_the_answer_does_not_make_way_for_others(void **state OVS_UNUSED)
{
    struct fqdn_addresses set = { .n = 0 };

    take_range(&set, 50, VALUE_FQDN_IPS_MAX, 0);
    assert_false(fqdn_addresses_are_limited(&set));
    assert_false(take_family(&set, 4, 0, 50 + VALUE_FQDN_IPS_MAX, 60));
    assert_true(fqdn_addresses_are_limited(&set));
    assert_false(take_family(&set, 4, 50, VALUE_FQDN_IPS_MAX, 120));
    assert_false(fqdn_addresses_are_limited(&set));
    fqdn_addresses_uninit(&set);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_answer_has_is_there_in_any_order),
        cmocka_unit_test(
            what_an_answer_lacks_leaves_after_its_time_and_the_grace),
        cmocka_unit_test(an_answer_of_one_family_says_nothing_of_the_other),
        cmocka_unit_test(what_nobody_has_refuted_stays),
        cmocka_unit_test(one_that_comes_back_stays),
        cmocka_unit_test(times_to_live_are_bounded),
        cmocka_unit_test(addresses_that_no_server_has_are_left_out),
        cmocka_unit_test(the_oldest_make_way_when_there_are_too_many),
        cmocka_unit_test(of_one_answer_that_is_too_long_the_first_are_kept),
        cmocka_unit_test(
            families_that_are_too_many_do_not_drive_each_other_out),
        cmocka_unit_test(what_is_in_the_answer_does_not_make_way_for_others),
    };

    return cmocka_run_group_tests_name("fqdn-addresses", tests, NULL, NULL);
}
