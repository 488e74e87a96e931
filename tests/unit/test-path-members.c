/* SPDX-License-Identifier: Apache-2.0
 *
 * Who of a cluster's members measures paths, what the others tell the writer,
 * and what it makes of that: hosts, switches and time are the test's.  Not for
 * a vmnd of its own (test-path-measuring.c), nor for suspects
 * (test-path-suspects.c). */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <event2/event.h>

#include "controller/paths/path-report.h"
#include "controller/paths/paths-private.h"
#include "tests/unit/paths-fixture.h"
#include "util.h"

#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

static const char *manager;     /* Of all hosts; NULL: this member. */

static const char *
manager_cb(void *aux OVS_UNUSED, const char *host OVS_UNUSED)
{
    return manager;
}

/* Two hosts, and a member that stands by. */
static void
begin_member(void)
{
    static const struct paths_sharing sharing = { .manager = manager_cb };

    manager = "b";
    add_hosts(2);
    add_network("net", 1500, 0, 1);
    begin(&sharing);
}

static struct path *
only_path(void)
{
    assert_int_equal(hmap_count(&paths->pairs), 1);
    return CONTAINER_OF(hmap_first(&paths->pairs), struct path, node);
}

/* Asks as the writer of that epoch; returns the report. */
static struct path_report
ask(uint64_t epoch, uint64_t run, uint64_t after)
{
    const struct path_ask asked = { .epoch = epoch, .run = run,
                                    .after = after };
    char *text = path_ask_print(&asked), *answer;
    struct path_report report;

    assert_null(paths_answer(paths, text, strlen(text), &answer));
    assert_null(path_report_read(answer, strlen(answer), &report));
    free(answer);
    free(text);
    return report;
}

/* The host that probes is 'a' of a result. */
static size_t
count(const struct path_report *report, int value)
{
    uint32_t host = only_path()->hosts[0]->number;
    uint32_t peer = only_path()->hosts[1]->number;
    size_t n = 0;

    for (size_t i = 0; i < report->n; i++) {
        const struct path_result *r = &report->results[i];

        assert_int_equal(r->host, host);
        assert_true(!r->peer || r->peer == peer);
        n += r->peer && (value >= 0 ? r->value >= 0 : r->value == value);
    }
    return n;
}

static void
member_measures_and_tells_while_it_is_asked(void **state OVS_UNUSED)
{
    static const char former[] = "{\"epoch\":5,\"run\":0,\"after\":0}";
    struct path_report report;
    uint64_t run, seq;
    char *answer;

    begin_member();
    mastered[0] = mastered[1] = true;
    take_turns(5);
    assert_int_equal(n_references, 0);
    report = ask(5, 0, 0);
    assert_int_equal(report.n, 0);
    free(report.results);
    take_turns(2);              /* It was asked less than 3 s ago. */
    report = ask(5, 0, 0);
    free(report.results);
    take_turns(2);
    report = ask(5, 0, 0);
    run = report.run;
    seq = report.seq;
    assert_true(run && count(&report, 0) >= 2 && !report.more);
    free(report.results);
    /* What the writer has it is not told again, another writer all. */
    report = ask(5, run, seq);
    assert_int_equal(report.n, 0);
    free(report.results);
    report = ask(6, run + 1, seq);
    assert_true(count(&report, 0) >= 2);
    free(report.results);
    assert_string_equal(paths_answer(paths, former, strlen(former), &answer),
                        "a former writer asks");
    /* What is lost. */
    lost[0][1] = lost[1][0] = true;
    take_turns(2);
    free(ask(6, run, seq).results);
    take_turns(2);
    report = ask(6, run, seq);
    assert_true(count(&report, PATH_RESULT_LOST) >= 2);
    free(report.results);
    /* It tells nobody else, and looks at no direction. */
    assert_int_equal(n_told, 0);
    assert_int_equal(only_path()->forth, DIRECTION_UNKNOWN);
    assert_null(paths_ask(paths, "b"));
    /* Nobody asks, and then it is the master of no host. */
    take_turns(5);
    n_references = 0;
    take_turns(5);
    assert_int_equal(n_references, 0);
    mastered[0] = mastered[1] = false;
    free(ask(6, run, seq).results);
    take_turns(2);
    assert_int_equal(n_references, 0);
}

/* What was under way as its host got another master proves nothing. */
static void
host_that_was_away_has_lost_nothing(void **state OVS_UNUSED)
{
    struct path_report report;

    begin_member();
    mastered[0] = mastered[1] = true;
    for (unsigned i = 0; i < 4; i++) {
        free(ask(5, 0, 0).results);
        take_turns(1);
    }
    now_us += 1000 * 1000;
    fire(paths->turn_timer);
    now_us += 100;
    deliver(true);              /* Its probes are not back yet. */
    mastered[0] = mastered[1] = false;
    drop_held();
    free(ask(5, 0, 0).results);
    take_turns(3);
    mastered[0] = mastered[1] = true;
    for (unsigned i = 0; i < 4; i++) {
        free(ask(5, 0, 0).results);
        take_turns(1);
    }
    report = ask(5, 0, 0);
    assert_int_equal(count(&report, PATH_RESULT_LOST), 0);
    assert_true(count(&report, 0) >= 4);
    free(report.results);
}

static uint64_t told_run, told_seq;

/* Has the member tell the writer of a turn, and of 'n' results that it found
 * so long before. */
static void
tell_old(const char *member, unsigned n, int32_t value, uint32_t age_ms)
{
    const struct path *path = only_path();
    struct path_result *results = xcalloc(n + 1, sizeof *results);
    struct path_report report = { .run = told_run, .seq = told_seq += n + 1,
                                  .n = n + 1, .results = results };
    char *asked, *text;
    bool more;

    now_us += 1000;
    asked = paths_ask(paths, member);
    assert_non_null(asked);
    free(asked);
    results[0] = (struct path_result) { path->hosts[0]->number, 0, 100,
                                          age_ms };
    for (unsigned i = 1; i <= n; i++) {
        results[i] = (struct path_result) {
            path->hosts[0]->number, path->hosts[1]->number, value, age_ms,
        };
    }
    text = path_report_print(&report);
    assert_null(paths_take(paths, member, text, strlen(text), &more));
    assert_false(more);
    free(text);
    free(results);
}

static void
tell_as(const char *member, unsigned n, int32_t value)
{
    tell_old(member, n, value, 0);
}

static void
help(void)
{
    now_us += 600 * 1000;
    fire(paths->help_timer);
    now_us += 100;
    deliver(false);
}

/* The writer, which "b" tells of all. */
static void
lead(void)
{
    told_run = 9;
    told_seq = 0;
    begin_member();
    paths_lead(paths, 7);
    tell_as("b", 4, 350);
    assert_int_equal(get("h000", "h001").state, PATH_UP);
    assert_int_equal(get("h000", "h001").of, 4);
    assert_int_equal(get("h000", "h001").latency_us, 250);
}

static void
writer_concludes_from_what_it_is_told(void **state OVS_UNUSED)
{
    lead();
    tell_as("c", 3, PATH_RESULT_LOST); /* Which does not manage the host. */
    assert_int_equal(get("h000", "h001").lost, 0);
    lost[0][1] = true;
    tell_as("b", 1, PATH_RESULT_LOST); /* It looks at directions. */
    deliver(false);
    help();
    tell_as("b", 2, PATH_RESULT_LOST);
    assert_int_equal(get("h000", "h001").state, PATH_DOWN);
    assert_int_equal(n_told, 1);
    assert_string_equal(get("h000", "h001").reason,
                        "no probe from h000 reaches h001");
    lost[0][1] = false;
    tell_as("b", 3, 300);
    assert_int_equal(get("h000", "h001").state, PATH_UP);
    assert_int_equal(n_told, 2);
    tell_as("b", 3, PATH_RESULT_LARGE_LOST);
    assert_int_equal(get("h000", "h001").state, PATH_MTU);
    tell_as("b", 2, PATH_RESULT_LARGE);
    assert_int_equal(get("h000", "h001").state, PATH_UP);
    assert_int_equal(stats().n_lost, 3);
    assert_int_equal(stats().n_answered, 7);
}

/* Of what one answer says states are told, and not each on the way. */
static void
what_is_over_is_not_told(void **state OVS_UNUSED)
{
    static const char answer[] = "{\"run\":9,\"seq\":99,\"results\":["
                                 "%u,%u,-1,5,%u,%u,-1,4,%u,%u,-1,3,"
                                 "%u,%u,50,2,%u,%u,50,1,%u,%u,50,0]}";
    unsigned a, b;
    char *text;
    bool more;

    lead();
    a = only_path()->hosts[0]->number;
    b = only_path()->hosts[1]->number;
    text = xasprintf(answer, a, b, a, b, a, b, a, b, a, b, a, b);
    assert_null(paths_take(paths, "b", text, strlen(text), &more));
    free(text);
    assert_int_equal(get("h000", "h001").state, PATH_UP);
    assert_int_equal(stats().n_lost, 3);
    assert_int_equal(n_told, 0);
}

/* As it moves, a path keeps what is known of it, but for how long it takes:
 * another member is another way from its host. */
static void
path_goes_on_with_another_master(void **state OVS_UNUSED)
{
    lead();
    tell_as("b", 2, PATH_RESULT_LOST);
    manager = "c";
    told_run = 10;
    tell_as("c", 1, PATH_RESULT_LOST);
    assert_int_equal(get("h000", "h001").state, PATH_DOWN);
    tell_as("c", 3, 900);
    assert_int_equal(get("h000", "h001").state, PATH_UP);
    assert_int_equal(get("h000", "h001").latency_us, 800);
    manager = "b";
    tell_as("b", 1, 1300);
    assert_int_equal(get("h000", "h001").latency_us, 1200);
    manager = NULL;             /* The writer itself. */
    take_turns(5);
    assert_int_equal(get("h000", "h001").state, PATH_UP);
    assert_int_equal(get("h000", "h001").latency_us, 0);
    assert_true(get("h000", "h001").of > 8);
}

static void
writer_measures_what_nobody_does(void **state OVS_UNUSED)
{
    unsigned of;

    lead();
    for (unsigned i = 0; i < 12; i++) {
        tell_as("b", 1, 350);
        take_turns(1);
        help();
    }
    assert_int_equal(n_references, 0);
    of = get("h000", "h001").of;
    /* "b" has turns, but not of this path. */
    for (unsigned i = 0; i < 20; i++) {
        tell_as("b", 0, 0);
        help();
    }
    assert_true(get("h000", "h001").of > of);
    assert_int_equal(get("h000", "h001").lost, 0);
    tell_as("b", 1, 350);
    help();
    help();
    n_references = 0;
    for (unsigned i = 0; i < 6; i++) {
        tell_as("b", 1, 350);
        help();
    }
    assert_int_equal(n_references, 0);
    /* "b" says nothing. */
    take_turns(20);
    assert_true(n_references > 5);
    n_references = 0;
    tell_as("b", 1, 350);
    take_turns(3);
    assert_int_equal(n_references, 0);
}

/* "b" goes on to measure while its answers do not come: what it tells then is
 * of a time that the writer has measured. */
static void
what_was_measured_already_is_passed_over(void **state OVS_UNUSED)
{
    unsigned of;

    lead();
    take_turns(20);
    of = get("h000", "h001").of;
    assert_true(of > 8);
    tell_old("b", 3, PATH_RESULT_LOST, 9000);
    tell_old("b", 3, PATH_RESULT_LARGE_LOST, 9000);
    assert_int_equal(get("h000", "h001").state, PATH_UP);
    assert_int_equal(get("h000", "h001").of, of);
    assert_int_equal(stats().n_lost, 0);
    assert_int_equal(n_told, 0);
    /* What it finds later counts, and all that follows. */
    now_us += 9500 * 1000;
    tell_old("b", 1, PATH_RESULT_LOST, 9000);
    tell_old("b", 2, PATH_RESULT_LOST, 9000);
    assert_int_equal(get("h000", "h001").state, PATH_DOWN);
    assert_int_equal(stats().n_lost, 3);
    assert_int_equal(n_told, 1);
}

/* One that gets a host has to tell of it, and of all of its paths, first. */
static void
writer_waits_for_who_gets_a_host(void **state OVS_UNUSED)
{
    lead();
    manager = NULL;
    take_turns(30);
    manager = "b";
    paths_set_shares(paths, 2);
    help();                     /* What is under way is judged. */
    help();
    n_references = 0;
    for (unsigned i = 0; i < 2; i++) {
        take_turns(1);          /* "b" begins late, */
        help();
    }
    for (unsigned i = 0; i < 2; i++) {
        tell_as("b", 0, 0);     /* and not with this path. */
        help();
    }
    tell_as("b", 1, 350);
    assert_int_equal(n_references, 0);
    paths_set_shares(paths, 2); /* They are the same. */
    take_turns(20);
    assert_true(n_references > 5);
}

/* Where one of its hosts is away. */
static void
writer_does_not_help_in_vain(void **state OVS_UNUSED)
{
    for (size_t i = 0; i < 2; i++) {
        teardown(NULL);
        setup(NULL);
        lead();
        hosts[i].offline = true;
        for (unsigned k = 0; k < 30; k++) {
            tell_as("b", 0, 0);
            help();
        }
        assert_int_equal(n_references, 0);
        assert_false(paths->helps);
        hosts[i].offline = false;
        for (unsigned k = 0; k < 6; k++) {
            tell_as("b", 0, 0);
            help();
        }
        assert_true(n_references > 0);
    }
}

/* Directions are looked at until that proves something. */
static void
directions_are_looked_at_again(void **state OVS_UNUSED)
{
    lead();
    lost[0][1] = true;
    tell_as("b", 1, PATH_RESULT_LOST);
    deliver(false);
    now_us += 600 * 1000;
    fire(paths->help_timer);
    now_us += 400 * 1000;
    deliver(false);             /* Late. */
    tell_as("b", 2, PATH_RESULT_LOST);
    assert_string_equal(get("h000", "h001").reason, "no probe is answered");
    for (unsigned i = 0; i < 3; i++) {
        help();
    }
    assert_string_equal(get("h000", "h001").reason,
                        "no probe from h000 reaches h001");
}

/* Whatever it has not heard meanwhile. */
static void
writer_that_slept_waits_for_others(void **state OVS_UNUSED)
{
    lead();
    take_turns(1);
    now_us += 60 * 1000 * 1000;
    take_turns(3);
    help();
    assert_int_equal(n_references, 0);
}

static void
bad_answers_are_refused(void **state OVS_UNUSED)
{
    static const char *const bad[] = {
        "", "[]", "{}", "{\"run\":0,\"seq\":1,\"results\":[]}",
        "{\"run\":1,\"seq\":-1,\"results\":[]}",
        "{\"run\":1,\"seq\":1}",
        "{\"run\":1,\"seq\":1,\"results\":[1,2]}",
        "{\"run\":1,\"seq\":1,\"results\":[1,2,3]}",
        "{\"run\":1,\"seq\":1,\"results\":[0,2,3,0]}",
        "{\"run\":1,\"seq\":1,\"results\":[2,2,3,0]}",
        "{\"run\":1,\"seq\":1,\"results\":[1,2,-4,0]}",
        "{\"run\":1,\"seq\":1,\"results\":[1,0,-1,0]}",
        "{\"run\":1,\"seq\":1,\"results\":[1,4294967296,1,0]}",
        "{\"run\":1,\"seq\":1,\"results\":[1,2,600000001,0]}",
        "{\"run\":1,\"seq\":1,\"results\":[1,2,1.5,0]}",
        "{\"run\":1,\"seq\":1,\"results\":[1,2,3,-1]}",
        "{\"run\":1,\"seq\":1,\"results\":[1,2,3,30001]}",
    };
    char *answer;
    bool more;

    lead();
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_non_null(paths_take(paths, "b", bad[i], strlen(bad[i]),
                                   &more));
        assert_false(more);
    }
    assert_string_equal(paths_take(paths, "x", "{}", 2, &more),
                        "it was not asked");
    assert_non_null(paths_answer(paths, "{}", 2, &answer));
    assert_null(answer);
    assert_non_null(paths_answer(NULL, "{}", 2, &answer));
    assert_int_equal(get("h000", "h001").of, 4);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(member_measures_and_tells_while_it_is_asked),
        T(host_that_was_away_has_lost_nothing),
        T(writer_concludes_from_what_it_is_told),
        T(what_is_over_is_not_told),
        T(path_goes_on_with_another_master),
        T(writer_measures_what_nobody_does),
        T(what_was_measured_already_is_passed_over),
        T(writer_waits_for_who_gets_a_host),
        T(writer_does_not_help_in_vain),
        T(directions_are_looked_at_again),
        T(writer_that_slept_waits_for_others),
        T(bad_answers_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
