/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of controller/health's prober: when probes leave, and what
 * becomes of answers.  Drains are in test-prober-drain.c. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controller/health/host-silence.h"
#include "controller/health/probe-rate.h"
#include "controller/health/prober.h"
#include "openvswitch/vlog.h"
#include "tests/unit/prober-fixture.h"
#include "timeval.h"
#include "util.h"

static void
backend_goes_up_down_and_up(void **state OVS_UNUSED)
{
    struct prober_world *w = prober_world_create();
    struct prober_member m = member_of("p");
    const struct backend *b;

    set_member(w, &m);
    pass_ms(w, 10);             /* At once. */
    assert_string_equal(w->told, "up ");
    assert_string_equal(w->host, "h1");
    assert_int_equal(w->ofport, 7);
    b = prober_find(&w->prober, "lb", "p");
    assert_int_equal(b->latency_us, 1500);
    w->answers = false;
    pass_ms(w, 3000);
    assert_string_equal(w->told, "up down ");
    assert_string_equal(b->reason, "no answer");
    w->answers = true;
    pass_ms(w, 3000);
    assert_string_equal(w->told, "up down up ");
    assert_string_equal(b->reason, "");
    assert_int_equal(b->n_changes, 3);
    assert_string_equal(b->history[1].reason, "no answer");
    assert_true(b->n_ok >= 3);
    assert_true(b->n_failed >= 2);
    assert_int_equal(w->prober.stats.n_changes, 3);
    prober_world_destroy(w);
}

static void
probes_come_once_an_interval(void **state OVS_UNUSED)
{
    struct prober_world *w = prober_world_create();
    struct prober_member m = member_of("p");
    int64_t first;

    set_member(w, &m);
    pass_ms(w, 1000);
    first = w->sent_us[w->n_sent - 1];
    w->n_sent = 0;
    pass_ms(w, 20000);
    assert_in_range(w->n_sent, 19, 21);
    for (size_t i = 0; i < w->n_sent; i++) {
        assert_int_equal((w->sent_us[i] - first) % 1000000, 0);
    }
    /* Without answers: three times, then not until the next one. */
    w->answers = false;
    w->n_sent = 0;
    pass_ms(w, 10000);
    assert_in_range(w->n_sent, 28, 32);
    prober_world_destroy(w);
}

/* A timeout may be as long as the interval, and what is noticed a little late
 * costs no turn either. */
static void
long_timeouts_cost_no_turn(void **state OVS_UNUSED)
{
    struct prober_world *w = prober_world_create();
    struct prober_member m = member_of("p");
    struct prober_settings other = default_settings;
    int64_t probed_us;

    other.timeout_ms = other.interval_ms;
    prober_set(&w->prober, "lb", &other, &m, 1, w->now_us);
    pass_ms(w, 10);
    probed_us = prober_next(&w->prober);
    w->answers = false;
    while (!strstr(w->told, "down")) {
        assert_true(w->prober.stats.n_failed < 2);
        w->now_us = prober_next(&w->prober) + 300;
        prober_run(&w->prober, w->now_us);
    }
    assert_in_range(w->now_us - probed_us, 2000000, 2010000);
    w->prober.stats.n_failed = 0;
    pass_ms(w, 10000);
    assert_in_range(w->prober.stats.n_failed, 9, 10);
    prober_world_destroy(w);
}

static void
probes_are_spread_by_name(void **state OVS_UNUSED)
{
    struct prober_world *w = prober_world_create();
    struct prober_member members[100];
    unsigned in_tenth[10] = { 0 };
    char names[100][8];

    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        snprintf(names[i], sizeof names[i], "p%"PRIuSIZE, i);
        members[i] = member_of(names[i]);
        members[i].row = BACKEND_UP;
        members[i].ip.addr[3] = i;
    }
    w->answers = false;
    prober_set(&w->prober, "lb", &default_settings, members,
               ARRAY_SIZE(members), w->now_us);
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        const struct backend *b = prober_find(&w->prober, "lb", names[i]);

        in_tenth[b->timer.at / 100000 % 10]++;
    }
    assert_string_equal(w->told, "");
    for (size_t i = 0; i < 10; i++) {
        assert_in_range(in_tenth[i], 1, 30);
    }
    prober_world_destroy(w);
}

/* Many at once: those that had to wait are counted, and all have their
 * turn. */
static void
too_many_probes_come_later(void **state OVS_UNUSED)
{
    struct prober_world *w = prober_world_create();
    struct prober_member members[300];
    char names[300][8];

    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        snprintf(names[i], sizeof names[i], "p%"PRIuSIZE, i);
        members[i] = member_of(names[i]);
    }
    w->answers = false;
    prober_set(&w->prober, "lb", &default_settings, members,
               ARRAY_SIZE(members), w->now_us);
    pass_ms(w, 0);
    pass_ms(w, 0);
    assert_int_equal(w->n_sent, PROBE_RATE_HOST_BURST);
    assert_int_equal(w->prober.stats.n_late, 300 - PROBE_RATE_HOST_BURST);
    pass_ms(w, 10000);
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        assert_true(prober_find(&w->prober, "lb", names[i])->n_failed >= 2);
    }
    prober_world_destroy(w);
}

static void
known_state_is_believed(void **state OVS_UNUSED)
{
    struct prober_world *w = prober_world_create();
    struct prober_member m = member_of("p");

    m.row = BACKEND_UP;
    set_member(w, &m);
    pass_ms(w, 5000);
    assert_string_equal(w->told, "");

    set_member(w, NULL);
    assert_null(prober_find(&w->prober, "lb", "p"));
    m.row = BACKEND_DOWN;
    set_member(w, &m);
    pass_ms(w, 100);
    assert_string_equal(w->told, "");   /* One is not enough. */
    pass_ms(w, 2000);
    assert_string_equal(w->told, "up ");
    prober_world_destroy(w);
}

static void
out_is_told_at_once(void **state OVS_UNUSED)
{
    struct prober_world *w = prober_world_create();
    struct prober_member m = member_of("p");
    const struct backend *b;
    size_t n;

    set_member(w, &m);
    pass_ms(w, 100);
    m.out = "its link is down";
    set_member(w, &m);
    assert_string_equal(w->told, "up down ");
    b = prober_find(&w->prober, "lb", "p");
    assert_string_equal(b->reason, "its link is down");
    n = w->n_sent;
    pass_ms(w, 10000);
    assert_int_equal(w->n_sent, n);
    m.out = NULL;
    set_member(w, &m);
    pass_ms(w, 10);
    assert_string_equal(w->told, "up down up ");

    /* What nothing is known of yet changes nothing. */
    n = w->n_sent;
    m.waits = true;
    set_member(w, &m);
    pass_ms(w, 10000);
    assert_int_equal(w->n_sent, n);
    m.waits = false;
    set_member(w, &m);
    pass_ms(w, 10000);
    assert_string_equal(w->told, "up down up ");

    /* Who is not to be probed is as if new. */
    m.idle = "it is quarantined";
    set_member(w, &m);
    assert_string_equal(w->told, "up down up idle ");
    assert_string_equal(b->reason, "it is quarantined");
    m.idle = NULL;
    w->answers = false;
    set_member(w, &m);
    assert_string_equal(w->told, "up down up idle checking ");
    /* Why it was idle is no reason of what it is now. */
    assert_string_equal(b->reason, "");
    assert_string_equal(b->history[(b->n_changes - 1) % BACKEND_HISTORY]
                        .reason, "");
    pass_ms(w, 700);
    assert_string_equal(w->told, "up down up idle checking ");
    prober_world_destroy(w);
}

static void
unsent_probes_say_nothing(void **state OVS_UNUSED)
{
    struct prober_world *w = prober_world_create();
    struct prober_member m = member_of("p");

    set_member(w, &m);
    pass_ms(w, 10);
    w->online = false;
    pass_ms(w, 10000);
    assert_string_equal(w->told, "up ");
    assert_in_range(w->prober.stats.n_unsent, 9, 11);
    prober_world_destroy(w);
}

/* Silence may be the host's, whose link is cut: nothing is held against the
 * backend until it has been so for long. */
static void
silence_of_the_host_proves_nothing(void **state OVS_UNUSED)
{
    struct prober_world *w = prober_world_create();
    struct prober_member m = member_of("p");
    const struct backend *b;

    set_member(w, &m);
    pass_ms(w, 10);
    assert_int_equal(w->n_probed, 0);
    b = prober_find(&w->prober, "lb", "p");
    w->cut = true;
    pass_ms(w, 29000);
    assert_string_equal(w->told, "up ");
    assert_int_equal(b->n_failed, 0);
    assert_string_equal(b->reason,
                        "its host is not heard: it keeps its state");
    w->cut = false;
    pass_ms(w, 3000);
    assert_string_equal(w->told, "up ");
    assert_int_equal(b->n_failed, 0);
    assert_string_equal(b->reason, "");
    assert_true(w->prober.stats.n_unproven >= 1);

    /* A host that does not come back. */
    w->cut = true;
    pass_ms(w, 35000);
    assert_string_equal(w->told, "up down ");
    assert_string_equal(b->reason, "its host is not heard");
    w->cut = false;
    pass_ms(w, 3000);
    assert_string_equal(w->told, "up down up ");

    /* A host that answers: the backend has failed. */
    w->answers = false;
    pass_ms(w, 3000);
    assert_string_equal(w->told, "up down up down ");
    assert_string_equal(b->reason, "no answer");
    prober_world_destroy(w);
}

static void
state_is_kept_while_the_host_is_away(void **state OVS_UNUSED)
{
    struct prober_world *w = prober_world_create();
    struct prober_member m = member_of("p");
    const struct backend *b;
    size_t n;

    set_member(w, &m);
    pass_ms(w, 10);
    b = prober_find(&w->prober, "lb", "p");
    m.out = "its host is not connected";
    m.out_us = w->now_us + 30000000;
    set_member(w, &m);
    n = w->n_sent;
    pass_ms(w, 29000);
    set_member(w, &m);          /* For another reason. */
    assert_int_equal(w->n_sent, n);
    assert_string_equal(w->told, "up ");
    assert_string_equal(b->reason,
                        "its host is not connected: it keeps its state");
    pass_ms(w, 1000);
    assert_string_equal(w->told, "up down ");
    assert_string_equal(b->reason, "its host is not connected");
    m.out = NULL;
    set_member(w, &m);
    pass_ms(w, 10);
    assert_string_equal(w->told, "up down up ");

    /* It comes back in time, and is probed at once. */
    m.out = "its host is not connected";
    m.out_us = w->now_us + 30000000;
    set_member(w, &m);
    pass_ms(w, 20000);
    m.out = NULL;
    n = w->n_sent;
    set_member(w, &m);
    pass_ms(w, 0);
    assert_int_equal(w->n_sent, n + 1);
    pass_ms(w, 30000);
    assert_string_equal(w->told, "up down up ");
    assert_string_equal(b->reason, "");

    /* Its link is cut, which is noticed by a probe, and then by others: the
     * time began with the former. */
    w->cut = true;
    pass_ms(w, 10000);
    m.out = "its host is not connected";
    m.out_us = w->now_us + 30000000;
    set_member(w, &m);
    pass_ms(w, 19000);
    assert_string_equal(w->told, "up down up ");
    pass_ms(w, 3000);
    assert_string_equal(w->told, "up down up down ");
    prober_world_destroy(w);
}

static void
silence_is_judged_by_when_the_host_answers(void **state OVS_UNUSED)
{
    const int64_t t = 5000000;
    struct host_silence s = { .probed_us = 0 };
    int64_t at = t;

    host_silence_begin(&s, t);
    at = host_silence_next_us(&s);
    assert_in_range(at, t + 1, t + 5000);
    /* However late the look is. */
    assert_int_equal(host_silence_look(&s, true, at, t + 9000000),
                     HOST_SILENCE_BACKEND);
    assert_int_equal(s.probed_us, 0);

    /* Looks become rare, but not too rare. */
    host_silence_begin(&s, t);
    at = t;
    for (int i = 0; i < 100; i++) {
        assert_in_range(host_silence_next_us(&s) - at, 1, 1000000);
        at = host_silence_next_us(&s);
        assert_int_equal(host_silence_look(&s, false, at, at),
                         HOST_SILENCE_UNKNOWN);
    }
    assert_true(at - t > 80000000);
    assert_int_equal(host_silence_look(&s, true, at, at),
                     HOST_SILENCE_UNPROVEN);

    /* A host that is always slow does not shield its backends. */
    for (int i = 1; i < HOST_SILENCE_UNPROVEN_MAX; i++) {
        host_silence_begin(&s, t);
        assert_int_equal(host_silence_look(&s, true, t + 300000, t + 300000),
                         HOST_SILENCE_UNPROVEN);
    }
    host_silence_begin(&s, t);
    assert_int_equal(host_silence_look(&s, true, t + 300000, t + 300000),
                     HOST_SILENCE_BACKEND);
}

/* A daemon that was stopped for a while reads answers before it judges. */
static void
late_timeouts_wait_for_answers(void **state OVS_UNUSED)
{
    struct prober_world *w = prober_world_create();
    struct prober_member m = member_of("p");

    w->answers = false;
    set_member(w, &m);
    for (int i = 0; i < 3; i++) {
        prober_run(&w->prober, w->now_us = prober_next(&w->prober));
    }
    assert_int_equal(w->n_sent, 3);
    w->now_us += 30 * 1000000;
    prober_run(&w->prober, w->now_us);
    assert_int_equal(w->prober.stats.n_failed, 0);
    w->now_us += 100;
    answer_ping(w, "h1", 7);
    assert_string_equal(w->told, "up ");
    /* But not for ever. */
    for (int i = 0; i < 10; i++) {
        w->now_us = prober_next(&w->prober) + 1000000;
        prober_run(&w->prober, w->now_us);
    }
    assert_true(w->prober.stats.n_failed > 0);
    prober_world_destroy(w);
}

/* What passes through a function comes by another port than it went to. */
static void
what_comes_through_does_so_at_its_port(void **state OVS_UNUSED)
{
    struct prober_settings settings = default_settings;
    struct prober_world *w = prober_world_create();
    struct prober_member m = member_of("in");

    settings.type = PROBE_THROUGH;
    m.out_ofport = 8;
    w->answers = false;
    prober_set(&w->prober, "@app.1", &settings, &m, 1, w->now_us);
    prober_run(&w->prober, w->now_us = prober_next(&w->prober));
    assert_int_equal(w->n_sent, 1);
    prober_receive(&w->prober, "h1", 7, w->last, w->last_size, w->now_us);
    prober_receive(&w->prober, "h2", 8, w->last, w->last_size, w->now_us);
    assert_int_equal(w->prober.stats.n_ok, 0);
    prober_receive(&w->prober, "h1", 8, w->last, w->last_size, w->now_us);
    assert_int_equal(w->prober.stats.n_ok, 1);
    assert_string_equal(w->told, "up ");
    prober_world_destroy(w);
}

static void
answers_of_others_are_ignored(void **state OVS_UNUSED)
{
    struct prober_world *w = prober_world_create();
    struct prober_member m = member_of("p");

    w->answers = false;
    set_member(w, &m);
    pass_ms(w, 0);
    answer_ping(w, "h2", 7);
    answer_ping(w, "h1", 8);
    prober_receive(&w->prober, "h1", 7, w->last, 10, w->now_us);
    assert_string_equal(w->told, "");
    assert_int_equal(w->prober.stats.n_ignored, 3);
    answer_ping(w, "h1", 7);
    assert_string_equal(w->told, "up ");
    answer_ping(w, "h1", 7);
    assert_int_equal(w->prober.stats.n_ignored, 4);
    prober_world_destroy(w);
}

static void
change_of_settings_begins_anew_and_keeps_the_state(void **state OVS_UNUSED)
{
    struct prober_world *w = prober_world_create();
    struct prober_member m = member_of("p");
    struct prober_settings other = default_settings;

    other.interval_ms = 60000;
    prober_set(&w->prober, "lb", &other, &m, 1, w->now_us);
    pass_ms(w, 10);
    w->n_sent = 0;
    other.interval_ms = 100;
    other.timeout_ms = 50;
    prober_set(&w->prober, "lb", &other, &m, 1, w->now_us);
    pass_ms(w, 1000);
    assert_in_range(w->n_sent, 9, 11);
    assert_string_equal(w->told, "up ");
    prober_remove(&w->prober, "lb");
    assert_int_equal(prober_next(&w->prober), INT64_MAX);
    prober_world_destroy(w);
}

int
main(int argc, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(backend_goes_up_down_and_up),
        cmocka_unit_test(probes_come_once_an_interval),
        cmocka_unit_test(long_timeouts_cost_no_turn),
        cmocka_unit_test(probes_are_spread_by_name),
        cmocka_unit_test(too_many_probes_come_later),
        cmocka_unit_test(known_state_is_believed),
        cmocka_unit_test(out_is_told_at_once),
        cmocka_unit_test(unsent_probes_say_nothing),
        cmocka_unit_test(silence_of_the_host_proves_nothing),
        cmocka_unit_test(state_is_kept_while_the_host_is_away),
        cmocka_unit_test(silence_is_judged_by_when_the_host_answers),
        cmocka_unit_test(late_timeouts_wait_for_answers),
        cmocka_unit_test(answers_of_others_are_ignored),
        cmocka_unit_test(what_comes_through_does_so_at_its_port),
        cmocka_unit_test(change_of_settings_begins_anew_and_keeps_the_state),
    };

    vlog_set_levels(NULL, VLF_CONSOLE, VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
