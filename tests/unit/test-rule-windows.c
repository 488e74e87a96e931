/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of the windows of rules: what the app firewall compiles as time
 * passes (apps/firewall/rule-window.c), beside what holds at a time
 * (model/rule-windows.c). */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "controller/engine/engine.h"
#include "controller/model/model.h"
#include "controller/model/rule-windows.h"
#include "controller/model/time-zones.h"
#include "controller/schema/value.h"
#include "random.h"
#include "tests/unit/apps-fixture.h"
#include "tests/unit/apps-rows.h"
#include "util.h"

#define DAY (24 * 60 * 60)

static int64_t the_time;

static int64_t
get_time(void)
{
    return the_time;
}

static int64_t
time_of(const char *text)
{
    assert_int_equal(value_check_time(text, NULL), 0);
    return value_parse_time(text);
}

static bool
valid_at(struct apps_fixture *f, int64_t when)
{
    const struct vmn_policy *policy = model_get(apps_fixture_model(f),
                                                VMN_TABLE_POLICY, "p");

    return rule_is_valid_at(model_time_zones(apps_fixture_model(f)),
                            &policy->rules[0], when);
}

/* Whether the rule is in h1's flows: it has the ports of group web as its
 * peers. */
static bool
is_compiled(struct apps_fixture *f)
{
    struct ds flows = DS_EMPTY_INITIALIZER;
    bool found;

    apps_fixture_flows(f, "h1", false, &flows);
    found = strstr(ds_cstr(&flows), "conjunction(") != NULL;
    ds_destroy(&flows);
    return found;
}

/* Has there be the policy, with a rule of such windows, at the_time. */
static void
put_policy(struct apps_fixture *f, const char *windows)
{
    char *rows = xasprintf(
        "{'policies/p': {'applies_to': ['app'], 'rules': ["
        "{'direction': 'ingress', 'action': 'allow', 'peers':"
        " [{'group': 'web'}], 'services': [{'protocol': 'tcp', 'ports':"
        " [80]}], 'windows': [%s]}]}}", windows);

    engine_take_past_times(apps_fixture_engine(f));
    apps_fixture_apply(f, rows);
    free(rows);
}

/* Has it be 'when'. */
static void
pass(struct apps_fixture *f, int64_t when)
{
    the_time = when;
    engine_take_past_times(apps_fixture_engine(f));
    apps_fixture_apply(f, "{}");
}

static struct apps_fixture *
begin(const char *when)
{
    struct apps_fixture *f = apps_fixture_create(shop_apps);

    the_time = time_of(when);
    engine_set_clock(apps_fixture_engine(f), get_time);
    apps_fixture_apply(f, "{" BASE "," TIERS "}");
    return f;
}

static void
check_at(struct apps_fixture *f, const char *when, bool valid)
{
    pass(f, time_of(when));
    assert_int_equal(valid_at(f, the_time), valid);
    assert_int_equal(is_compiled(f), valid);
}

static void
a_rule_is_there_in_its_windows(void **state)
{
    /* A Sunday. */
    struct apps_fixture *f = begin("2026-11-29T12:00:00Z");

    (void) state;
    put_policy(f, "{'days': ['mon', 'tue'], 'start': '08:00',"
               " 'end': '18:00'}");
    check_at(f, "2026-11-29T12:00:01Z", false);
    check_at(f, "2026-11-30T07:59:59Z", false);
    check_at(f, "2026-11-30T08:00:00Z", true);
    check_at(f, "2026-11-30T17:59:59Z", true);
    check_at(f, "2026-11-30T18:00:00Z", false);
    check_at(f, "2026-12-01T09:00:00Z", true);
    check_at(f, "2026-12-02T09:00:00Z", false);
    /* A week later. */
    check_at(f, "2026-12-07T10:00:00Z", true);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

static void
a_window_may_end_on_the_next_day_and_in_the_next_week(void **state)
{
    struct apps_fixture *f = begin("2026-11-28T12:00:00Z");

    (void) state;
    put_policy(f, "{'days': ['sun'], 'start': '22:00', 'end': '02:30'}");
    check_at(f, "2026-11-29T01:00:00Z", false);
    check_at(f, "2026-11-29T22:00:00Z", true);
    check_at(f, "2026-11-30T00:00:00Z", true);
    check_at(f, "2026-11-30T02:29:59Z", true);
    check_at(f, "2026-11-30T02:30:00Z", false);
    check_at(f, "2026-11-30T22:30:00Z", false);
    apps_fixture_destroy(f);
}

static void
a_window_has_a_first_and_a_last_time(void **state)
{
    struct apps_fixture *f = begin("2026-01-01T00:00:00Z");

    (void) state;
    put_policy(f, "{'not_before': '2026-11-28T10:30:00Z',"
               " 'not_after': '2027-02-01T00:00:00Z'}");
    /* Nothing is computed again until then, but for each new week. */
    assert_true(engine_next_time(apps_fixture_engine(f)) > the_time + DAY);
    check_at(f, "2026-11-28T10:29:59Z", false);
    check_at(f, "2026-11-28T10:30:00Z", true);
    check_at(f, "2027-01-31T23:59:59Z", true);
    check_at(f, "2027-02-01T00:00:00Z", false);
    /* It is never valid any more. */
    check_at(f, "2031-02-01T00:00:00Z", false);
    apps_fixture_destroy(f);
}

/* Of an exchange of summer time: clocks of Berlin are set from 02:00 to 03:00
 * at the end of March 2027, and from 03:00 to 02:00 at the end of October. */
static void
a_window_goes_by_the_clocks_of_its_time_zone(void **state)
{
    struct apps_fixture *f = begin("2027-03-26T12:00:00Z");

    (void) state;
    put_policy(f, "{'start': '08:00', 'end': '18:00',"
               " 'timezone': 'Europe/Berlin'}");
    check_at(f, "2027-03-27T06:59:59Z", false);
    check_at(f, "2027-03-27T07:00:00Z", true);
    check_at(f, "2027-03-27T16:59:59Z", true);
    check_at(f, "2027-03-27T17:00:00Z", false);
    check_at(f, "2027-03-28T05:59:59Z", false);
    check_at(f, "2027-03-28T06:00:00Z", true);
    check_at(f, "2027-03-28T15:59:59Z", true);
    check_at(f, "2027-03-28T16:00:00Z", false);
    check_at(f, "2027-10-30T06:00:00Z", true);
    check_at(f, "2027-10-31T06:59:59Z", false);
    check_at(f, "2027-10-31T07:00:00Z", true);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

/* A time that is skipped is as much later; of one that is there twice it is
 * the first. */
static void
a_window_may_begin_and_end_while_clocks_are_set(void **state)
{
    struct apps_fixture *f = begin("2027-03-26T12:00:00Z");

    (void) state;
    put_policy(f, "{'start': '02:15', 'end': '02:45',"
               " 'timezone': 'Europe/Berlin'}");
    check_at(f, "2027-03-27T01:15:00Z", true);
    check_at(f, "2027-03-27T01:45:00Z", false);
    check_at(f, "2027-03-28T01:14:59Z", false);
    check_at(f, "2027-03-28T01:15:00Z", true);
    check_at(f, "2027-03-28T01:44:59Z", true);
    check_at(f, "2027-03-28T01:45:00Z", false);
    check_at(f, "2027-03-29T00:15:00Z", true);
    check_at(f, "2027-10-31T00:14:59Z", false);
    check_at(f, "2027-10-31T00:15:00Z", true);
    check_at(f, "2027-10-31T00:45:00Z", false);
    check_at(f, "2027-10-31T01:20:00Z", false);
    check_at(f, "2027-11-01T01:15:00Z", true);
    apps_fixture_destroy(f);
}

/* Days are those of the zone, which may be the day before or after. */
static void
days_are_those_of_the_time_zone(void **state)
{
    struct apps_fixture *f = begin("2026-11-28T12:00:00Z");

    (void) state;
    put_policy(f, "{'days': ['mon'], 'timezone': 'Pacific/Kiritimati'},"
               "{'days': ['sun'], 'start': '20:00', 'end': '10:00',"
               " 'timezone': 'Pacific/Pago_Pago'}");
    /* From 10:00 on Sunday for a day; and from 07:00 to 21:00 on Monday. */
    check_at(f, "2026-11-29T09:59:59Z", false);
    check_at(f, "2026-11-29T10:00:00Z", true);
    check_at(f, "2026-11-30T09:59:59Z", true);
    check_at(f, "2026-11-30T20:59:59Z", true);
    check_at(f, "2026-11-30T21:00:00Z", false);
    check_at(f, "2026-12-06T10:00:00Z", true);
    apps_fixture_destroy(f);
}

/* All that clocks do, held against what the C library says of them. */
static void
times_are_what_clocks_show(void **state)
{
    static const char *const names[] = {
        "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe",
        "Asia/Kathmandu", "Africa/Casablanca", "Pacific/Chatham", "UTC",
    };
    struct time_zones zones;

    (void) state;
    time_zones_init(&zones);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        setenv("TZ", names[i], 1);
        tzset();
        for (int64_t t = time_of("2026-01-01T00:07:00Z");
             t < time_of("2028-01-01T00:00:00Z"); t += 30 * 60) {
            time_t there = t;
            struct tm tm;
            int64_t local, when;

            localtime_r(&there, &tm);
            local = t + tm.tm_gmtoff;
            assert_true(time_zones_to_utc(&zones, names[i], local, &when));
            if (when != t) {
                /* It was shown before already. */
                there = when;
                localtime_r(&there, &tm);
                assert_true(when < t && when + tm.tm_gmtoff == local);
            }
        }
    }
    unsetenv("TZ");
    tzset();
    time_zones_uninit(&zones);
}

static void
what_is_no_time_zone_is_refused(void **state)
{
    static const char *const bad[] = {
        "", "Europe", "Europe/", "/Europe", "Europe//Berlin", "Mars/Base",
        "europe/berlin", "../../../etc/passwd", "Europe/../Europe/Berlin",
        "XYZ-3", "EST5EDT,M3.2.0,M11.1.0", "+01:00", "localtime",
        "leapseconds", "right/UTC", "Europe/Berlin ", ":UTC",
        "A/2345678901234567890123456789012345678901",
    };
    struct time_zones zones;
    int64_t when = 7;

    (void) state;
    time_zones_init(&zones);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_false(time_zones_have(&zones, bad[i]));
        assert_false(time_zones_to_utc(&zones, bad[i], 0, &when));
    }
    assert_false(time_zones_to_utc(&zones, NULL, INT64_MIN, &when));
    assert_false(time_zones_to_utc(&zones, "UTC", INT64_MAX, &when));
    assert_int_equal(when, 7);
    assert_true(time_zones_have(&zones, "America/Argentina/Buenos_Aires"));
    assert_true(time_zones_have(&zones, "Etc/GMT+12"));
    time_zones_uninit(&zones);
}

/* A rule that is not valid keeps its place and its ID: others' counts, and
 * "rule 1" in traces, stay about the same. */
static void
rules_keep_their_ids(void **state)
{
    struct apps_fixture *f = begin("2026-11-30T07:00:00Z");
    struct ds before = DS_EMPTY_INITIALIZER, after = DS_EMPTY_INITIALIZER;

    (void) state;
    put_policy(f, "{'start': '06:00', 'end': '08:00'}");
    apps_fixture_flows(f, "h1", false, &before);
    pass(f, time_of("2026-11-30T08:00:00Z"));
    assert_false(is_compiled(f));
    pass(f, time_of("2026-12-01T06:00:00Z"));
    apps_fixture_flows(f, "h1", false, &after);
    assert_string_equal(ds_cstr(&after), ds_cstr(&before));
    ds_destroy(&after);
    ds_destroy(&before);
    apps_fixture_destroy(f);
}

static void
add_random_window(struct ds *ds)
{
    static const char *const days[] = {
        "mon", "tue", "wed", "thu", "fri", "sat", "sun",
    };
    static const char *const zones[] = {
        "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe",
        "Pacific/Kiritimati", "Pacific/Pago_Pago",
    };
    int start = random_range(24 * 60), end = random_range(24 * 60 + 1);

    ds_put_format(ds, "%s{'days': ['%s'", ds->length ? ", " : "",
                  days[random_range(7)]);
    for (size_t i = 0; i < 7; i++) {
        if (!random_range(4)) {
            ds_put_format(ds, ", '%s'", days[i]);
        }
    }
    end += end == start;
    ds_put_format(ds, "], 'start': '%02d:%02d', 'end': '%02d:%02d'",
                  start / 60, start % 60, end / 60, end % 60);
    if (random_range(2)) {
        ds_put_format(ds, ", 'timezone': '%s'", zones[random_range(
            ARRAY_SIZE(zones))]);
    }
    if (!random_range(3)) {
        ds_put_format(ds, ", 'not_before': '2026-12-%02uT%02u:00:07Z'",
                      1 + random_range(30), random_range(24));
    }
    if (!random_range(3)) {
        ds_put_format(ds, ", 'not_after': '2027-01-%02uT%02u:30:00Z'",
                      1 + random_range(30), random_range(24));
    }
    ds_put_char(ds, '}');
}

/* From each time at which it is computed again to the next one, nothing
 * changes. */
static void
whenever_it_changes_it_is_computed_again(void **state)
{
    (void) state;
    for (uint32_t seed = 1; seed <= 12; seed++) {
        struct apps_fixture *f = begin("2026-11-28T12:00:00Z");
        struct ds windows = DS_EMPTY_INITIALIZER;

        random_set_seed(seed);
        for (unsigned n = 1 + random_range(3); n; n--) {
            add_random_window(&windows);
        }
        put_policy(f, ds_cstr(&windows));
        for (int i = 0; i < 40; i++) {
            int64_t next = engine_next_time(apps_fixture_engine(f));
            bool valid = is_compiled(f);

            assert_int_equal(valid, valid_at(f, the_time));
            assert_true(next > the_time && next < INT64_MAX);
            for (int j = 0; j < 20; j++) {
                assert_int_equal(valid_at(f, the_time + random_range(
                    MIN(next - the_time, INT32_MAX))), valid);
            }
            assert_int_equal(valid_at(f, next - 1), valid);
            if (next > time_of("2028-01-01T00:00:00Z")) {
                break;
            }
            pass(f, next);
        }
        ds_destroy(&windows);
        apps_fixture_destroy(f);
    }
}

int
main(int argc, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_is_there_in_its_windows),
        cmocka_unit_test(
            a_window_may_end_on_the_next_day_and_in_the_next_week),
        cmocka_unit_test(a_window_has_a_first_and_a_last_time),
        cmocka_unit_test(a_window_goes_by_the_clocks_of_its_time_zone),
        cmocka_unit_test(a_window_may_begin_and_end_while_clocks_are_set),
        cmocka_unit_test(days_are_those_of_the_time_zone),
        cmocka_unit_test(times_are_what_clocks_show),
        cmocka_unit_test(what_is_no_time_zone_is_refused),
        cmocka_unit_test(rules_keep_their_ids),
        cmocka_unit_test(whenever_it_changes_it_is_computed_again),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("rule windows", tests, NULL, NULL);
}
