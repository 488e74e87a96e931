/* SPDX-License-Identifier: Apache-2.0
 *
 * Loads against thresholds: the state machine on a clock of its own, and the
 * room that feeds it, on a real model, with figures that the test makes. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/load-monitor/load-monitor.h"
#include "controller/load-monitor/load-thresholds.h"
#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "controller/schema/error.h"
#include "controller/schema/schema-struct.h"
#include "controller/schema/status.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "proto/webhook/webhook.h"
#include "random.h"
#include "sset.h"
#include "tests/unit/model-util.h"
#include "util.h"

/* Thresholds.  ------------------------------------------------------------ */

static const struct vmn_lb_scale ten_to_five = {
    .metric = VMN_SCALE_CONNECTIONS, .high = 10, .low = 5, .for_s = 10,
    .cooldown_s = 30,
};

/* Takes 'value' (below 0: it is not known) each second from 'from_s' until
 * before 'to_s'.  Returns what was told, as letters: u, d. */
static char *
feed(struct load_thresholds *t, const struct vmn_lb_scale *scale, double value,
     bool may_shrink, int from_s, int to_s)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (int s = from_s; s < to_s; s++) {
        enum load_direction direction = load_thresholds_step(
            t, scale, value >= 0, value, may_shrink, s * 1000);

        if (direction != LOAD_SAME) {
            ds_put_format(&ds, "%c%d", direction == LOAD_UP ? 'u' : 'd', s);
        }
    }
    return ds_steal_cstr(&ds);
}

static void
assert_fed(struct load_thresholds *t, const struct vmn_lb_scale *scale,
           double value, bool may_shrink, int from_s, int to_s,
           const char *told, enum load_state state, int since_s)
{
    char *text = feed(t, scale, value, may_shrink, from_s, to_s);
    int64_t since_ms;

    assert_string_equal(text, told);
    assert_int_equal(load_thresholds_state(t, &since_ms), state);
    assert_int_equal(since_ms, since_s * 1000);
    free(text);
}

static void
load_is_told_when_it_has_lasted(void **state OVS_UNUSED)
{
    struct load_thresholds t = { .side = LOAD_UNKNOWN };

    assert_fed(&t, &ten_to_five, 7, true, 100, 200, "", LOAD_NORMAL, 100);
    assert_fed(&t, &ten_to_five, 11, true, 200, 210, "", LOAD_HIGH, 200);
    assert_fed(&t, &ten_to_five, 11, true, 210, 211, "u210", LOAD_COOLING,
               210);
    /* Down to normal while it cools: then it is normal. */
    assert_fed(&t, &ten_to_five, 7, true, 211, 240, "", LOAD_COOLING, 210);
    assert_fed(&t, &ten_to_five, 7, true, 240, 300, "", LOAD_NORMAL, 211);
    assert_fed(&t, &ten_to_five, 4, true, 300, 311, "d310", LOAD_COOLING,
               310);
}

static void
thresholds_themselves_are_normal(void **state OVS_UNUSED)
{
    struct load_thresholds t = { .side = LOAD_UNKNOWN };

    assert_fed(&t, &ten_to_five, 10, true, 1, 100, "", LOAD_NORMAL, 1);
    assert_fed(&t, &ten_to_five, 5, true, 100, 200, "", LOAD_NORMAL, 1);
}

static void
break_begins_the_window_anew(void **state OVS_UNUSED)
{
    struct load_thresholds t = { .side = LOAD_UNKNOWN };

    assert_fed(&t, &ten_to_five, 11, true, 1, 10, "", LOAD_HIGH, 1);
    assert_fed(&t, &ten_to_five, 10, true, 10, 11, "", LOAD_NORMAL, 10);
    assert_fed(&t, &ten_to_five, 11, true, 11, 20, "", LOAD_HIGH, 11);
    /* So does a time in which nobody knows. */
    assert_fed(&t, &ten_to_five, -1, true, 20, 21, "", LOAD_UNKNOWN, 20);
    assert_fed(&t, &ten_to_five, 11, true, 21, 31, "", LOAD_HIGH, 21);
    assert_fed(&t, &ten_to_five, 11, true, 31, 32, "u31", LOAD_COOLING, 31);
    /* And the other side is another window. */
    assert_fed(&t, &ten_to_five, 1, true, 55, 56, "", LOAD_COOLING, 31);
    assert_fed(&t, &ten_to_five, 1, true, 56, 66, "d65", LOAD_COOLING, 65);
}

static void
what_lasts_is_told_again_after_the_cooldown(void **state OVS_UNUSED)
{
    struct load_thresholds t = { .side = LOAD_UNKNOWN };

    assert_fed(&t, &ten_to_five, 99, true, 1, 100, "u11u41u71", LOAD_COOLING,
               71);
    assert_fed(&t, &ten_to_five, 99, true, 101, 102, "u101", LOAD_COOLING,
               101);
    /* What begins to be high before it is over has to last as long. */
    assert_fed(&t, &ten_to_five, 7, true, 102, 125, "", LOAD_COOLING, 101);
    assert_fed(&t, &ten_to_five, 99, true, 125, 136, "u135", LOAD_COOLING,
               135);
}

static void
last_one_is_not_to_go(void **state OVS_UNUSED)
{
    struct load_thresholds t = { .side = LOAD_UNKNOWN };

    assert_fed(&t, &ten_to_five, 0, false, 1, 100, "", LOAD_LOW, 1);
    assert_fed(&t, &ten_to_five, 0, true, 100, 101, "d100", LOAD_COOLING,
               100);
}

static void
threshold_that_is_absent_is_not_crossed(void **state OVS_UNUSED)
{
    const struct vmn_lb_scale high = { .metric = VMN_SCALE_BYTES, .high = 10,
                                       .for_s = 5, .cooldown_s = 5 };
    const struct vmn_lb_scale low = { .metric = VMN_SCALE_BYTES, .low = 10,
                                      .for_s = 5, .cooldown_s = 5 };
    struct load_thresholds t = { .side = LOAD_UNKNOWN };

    assert_fed(&t, &high, 0, true, 1, 100, "", LOAD_NORMAL, 1);
    assert_fed(&t, &low, 1e12, true, 100, 200, "", LOAD_NORMAL, 1);
}

/* Whatever comes, what is told was so for long enough, and no two are closer
 * than the cooldown. */
static void
told_is_what_was_so(void **state OVS_UNUSED)
{
    struct load_thresholds t = { .side = LOAD_UNKNOWN };
    int high_s = -1, low_s = -1, told_s = -1000, n_told = 0;

    random_set_seed(20261121);
    print_message("seed 20261121\n");
    for (int s = 1; s < 200000; s++) {
        static int value;

        if (!random_range(12)) {
            value = random_range(16) - 1;
        }
        high_s = value > 10 ? (high_s < 0 ? s : high_s) : -1;
        low_s = (value >= 0 && value < 5 ? (low_s < 0 ? s : low_s) : -1);

        bool due = s - told_s >= 30;
        bool up = due && high_s >= 0 && s - high_s >= 10;
        bool down = due && low_s >= 0 && s - low_s >= 10;
        assert_int_equal(load_thresholds_step(&t, &ten_to_five, value >= 0,
                                              value, true, s * INT64_C(1000)),
                         up     ? LOAD_UP
                         : down ? LOAD_DOWN
                                : LOAD_SAME);
        if (up || down) {
            told_s = s;
            n_told++;
        }
    }
    assert_true(n_told > 100);
}

/* Balancers.  ------------------------------------------------------------- */

struct fixture {
    struct event_base *base;
    struct model *model;
    struct webhook *webhook;    /* That may call nobody. */
    struct load_monitor *load;
    double rate;                /* Below 0: not known. */
    bool part;                  /* It is no more than a part. */
    size_t n_backends, n_serving;
    enum vmn_scale_metric metric; /* That was asked for last. */
    size_t n_networks;          /* Of those that have thresholds. */
    json_t *told;               /* All events. */
};

static enum load_sample_quality
rate_cb(void *f_, const char *balancer, enum vmn_scale_metric metric,
        double *rate)
{
    struct fixture *f = f_;

    assert_int_equal(strncmp(balancer, "vip", 3), 0);
    f->metric = metric;
    *rate = f->rate;
    return f->rate < 0 ? LOAD_NOTHING : f->part ? LOAD_PART : LOAD_WHOLE;
}

static void
count_cb(void *f_, const char *balancer OVS_UNUSED, size_t *n_backends,
         size_t *n_serving)
{
    struct fixture *f = f_;

    *n_backends = f->n_backends;
    *n_serving = f->n_serving;
}

static void
end_cb(void *f_, const struct sset *networks, long long int now_ms OVS_UNUSED)
{
    struct fixture *f = f_;

    f->n_networks = sset_count(networks);
    assert_int_equal(f->n_networks, sset_contains(networks, "shop"));
}

static void
told_cb(void *f_, const struct load_event *event)
{
    struct fixture *f = f_;

    json_array_append_new(f->told, schema_struct_to_json(&load_event_shown,
                                                         event));
}

/* The member "scale" of the balancer's status, or NULL. */
static json_t *
shown(struct fixture *f)
{
    struct status_scale scale;
    struct status_loadbalancer status = { .scale = &scale };
    struct arena arena;
    json_t *json = NULL;

    arena_init(&arena);
    if (load_monitor_get_status(f->load, "vip", &arena, &scale)) {
        json_t *all = schema_struct_to_json(&schema_status_loadbalancer,
                                            &status);

        json = json_incref(json_object_get(all, "scale"));
        json_decref(all);
    }
    arena_uninit(&arena);
    return json;
}

static void
apply(struct fixture *f, const char *text)
{
    uint64_t revision;
    char *errors = model_util_apply(f->model, "test", NULL, text, &revision);

    assert_string_equal(errors, "");
    free(errors);
    model_settle(f->model);
}

#define VIP "{'vip': '10.0.0.100', 'networks': ['shop'], " \
            "'ports': [{'port': 80}]"
#define SCALE(MORE) ", 'scale': {'metric': 'packets', 'high': 10, " \
                    "'low': 2, 'for_seconds': 10, 'cooldown_seconds': 30" \
                    MORE "}"
#define PUT "put loadbalancers vip " VIP

static int
setup(void **state)
{
    static const struct webhook_options options = WEBHOOK_OPTIONS_DEFAULT;
    struct fixture *f = xzalloc(sizeof *f);
    struct vmn_errors errors;
    char *text;

    f->base = event_base_new();
    f->model = model_create();
    vmn_errors_init(&errors);
    assert_int_equal(model_load_done(f->model, 0, &errors), 0);
    assert_int_equal(webhook_create(&options, f->base, &f->webhook, &text),
                     0);
    const struct load_source source = { NULL, rate_cb, count_cb, end_cb, f };
    f->load = load_monitor_create(f->base, f->model, NULL, f->webhook, &source,
                                  1000000);
    f->told = json_array();
    load_monitor_set_watch(f->load, told_cb, f);
    f->n_backends = 3;
    f->n_serving = 2;
    apply(f, "put networks shop {'subnets': [{'cidr': '10.0.0.0/24'}]}");
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    load_monitor_destroy(f->load);
    webhook_destroy(f->webhook);
    model_destroy(f->model);
    event_base_free(f->base);
    json_decref(f->told);
    free(f);
    return 0;
}

/* Looks at 'rate' each second. */
static void
look(struct fixture *f, double rate, int from_s, int to_s)
{
    f->rate = rate;
    for (int s = from_s; s < to_s; s++) {
        load_monitor_evaluate(f->load, s * 1000);
    }
}

/* Fails the test unless the member "PATH" of the status is the text. */
static void
assert_shown(struct fixture *f, const char *path, const char *want)
{
    json_t *status = shown(f), *at = status;
    char *copy = xstrdup(path), *save = NULL;

    for (char *part = strtok_r(copy, ".", &save); part;
         part = strtok_r(NULL, ".", &save)) {
        at = json_object_get(at, part);
    }
    char *text = at ? json_dumps(at, JSON_ENCODE_ANY) : xstrdup("");
    if (want ? !strstr(text, want) : *text) {
        fail_msg("%s is %s", path, text);
    }
    free(text);
    free(copy);
    json_decref(status);
}

static void
balancer_without_thresholds_is_passed_by(void **state)
{
    struct fixture *f = *state;

    apply(f, PUT "}");
    look(f, 1000, 1, 100);
    assert_null(shown(f));
    assert_int_equal(json_array_size(f->told), 0);
    assert_int_equal(f->n_networks, 0);
}

static void
load_is_that_of_one_who_serves(void **state)
{
    struct fixture *f = *state;

    apply(f, PUT SCALE("") "}");
    look(f, 20, 1, 100);        /* 10 each. */
    assert_int_equal(f->metric, VMN_SCALE_PACKETS);
    assert_int_equal(f->n_networks, 1);
    assert_shown(f, "state", "normal");
    assert_shown(f, "value", "10.0");
    assert_int_equal(json_array_size(f->told), 0);
    look(f, 20.5, 100, 111);
    assert_int_equal(json_array_size(f->told), 1);

    const json_t *event = json_array_get(f->told, 0);
    const char *balancer, *direction, *metric, *time;
    int threshold, serving, backends;
    double value;
    assert_int_equal(json_unpack(
        CONST_CAST(json_t *, event),
        "{s:s, s:s, s:s, s:f, s:i, s:i, s:i, s:s}",
        "loadbalancer", &balancer, "direction", &direction, "metric", &metric,
        "value", &value,
        "threshold", &threshold, "serving", &serving, "backends", &backends,
        "time", &time), 0);
    assert_string_equal(balancer, "vip");
    assert_string_equal(direction, "up");
    assert_string_equal(metric, "packets");
    assert_true(value == 10.25);
    assert_int_equal(threshold, 10);
    assert_int_equal(serving, 2);
    assert_int_equal(backends, 3);
    assert_shown(f, "state", "cooling");
    assert_shown(f, "last.direction", "up");
    assert_shown(f, "last.time", time);
    assert_shown(f, "last.webhook", NULL);

    /* One more, and it is normal. */
    f->n_serving = 3;
    look(f, 20.5, 111, 200);
    assert_shown(f, "state", "normal");
    assert_int_equal(json_array_size(f->told), 1);
    look(f, 5, 200, 211);
    assert_int_equal(json_array_size(f->told), 2);
    assert_shown(f, "last.direction", "down");
}

static void
what_nobody_knows_is_said(void **state)
{
    struct fixture *f = *state;

    apply(f, PUT SCALE("") "}");
    look(f, -1, 1, 100);
    assert_shown(f, "state", "unknown");
    assert_shown(f, "value", "null");
    assert_shown(f, "reason", "hosts are not connected");
    f->n_serving = 0;
    look(f, 1000, 100, 200);
    assert_shown(f, "state", "unknown");
    assert_shown(f, "reason", "no backend serves");
    assert_int_equal(json_array_size(f->told), 0);
}

static void
part_of_the_load_may_be_too_much_and_never_too_little(void **state)
{
    struct fixture *f = *state;

    apply(f, PUT SCALE("") "}");
    f->part = true;
    look(f, 1, 1, 100);
    assert_shown(f, "state", "unknown");
    assert_shown(f, "value", "null");
    look(f, 10, 100, 200);
    assert_shown(f, "state", "unknown");
    assert_int_equal(json_array_size(f->told), 0);
    look(f, 30, 200, 211);
    assert_shown(f, "value", "15.0");
    assert_int_equal(json_array_size(f->told), 1);
    assert_shown(f, "last.direction", "up");
}

static void
as_many_stay_as_the_balancer_wants(void **state)
{
    struct fixture *f = *state;

    apply(f, PUT ", 'min_serving': 2" SCALE("") "}");
    look(f, 0, 1, 100);
    assert_shown(f, "state", "low");
    assert_int_equal(json_array_size(f->told), 0);
    f->n_serving = 3;
    look(f, 0, 100, 102);
    assert_int_equal(json_array_size(f->told), 1);
}

static void
other_thresholds_begin_anew(void **state)
{
    struct fixture *f = *state;

    apply(f, PUT SCALE("") "}");
    look(f, 100, 1, 11);
    apply(f, PUT SCALE(", 'webhook': 'http://a/'") "}");
    look(f, 100, 11, 12);
    assert_int_equal(json_array_size(f->told), 1); /* Not so by a webhook. */
    apply(f, "patch loadbalancers vip {'scale': {'high': 20}}");
    look(f, 100, 12, 22);
    assert_shown(f, "state", "high");
    assert_int_equal(json_array_size(f->told), 1);
    look(f, 100, 22, 23);
    assert_int_equal(json_array_size(f->told), 2);
}

static void
balancer_that_goes_is_forgotten(void **state)
{
    struct webhook_status status;
    struct fixture *f = *state;
    struct load_monitor_stats stats;

    apply(f, PUT SCALE(", 'webhook': 'http://a/'") "}");
    look(f, 100, 1, 12);
    load_monitor_get_stats(f->load, &stats);
    assert_int_equal(stats.n_told[LOAD_UP], 1);
    assert_int_equal(stats.n_in_state[LOAD_COOLING], 1);
    assert_true(webhook_get_status(f->webhook, "loadbalancers/vip",
                                   &status));
    apply(f, "patch loadbalancers vip {'scale': null}");
    look(f, 100, 12, 13);
    assert_null(shown(f));
    assert_false(webhook_get_status(f->webhook, "loadbalancers/vip",
                                    &status));
    apply(f, PUT SCALE("") "}");
    look(f, 100, 13, 14);
    assert_shown(f, "last", NULL);
    apply(f, "delete loadbalancers vip");
    look(f, 100, 14, 15);
    assert_null(shown(f));
    load_monitor_get_stats(f->load, &stats);
    assert_int_equal(stats.n_told[LOAD_UP], 1);
    assert_int_equal(stats.n_in_state[LOAD_COOLING], 0);
}

static void
webhook_that_may_not_be_called_is_said(void **state)
{
    struct fixture *f = *state;

    apply(f, PUT SCALE(", 'webhook': 'http://a.example/x'") "}");
    look(f, 100, 1, 2);
    assert_shown(f, "reason", "the URL is not among those that "
                              "--webhook-allow names");
    look(f, 100, 2, 12);
    assert_int_equal(json_array_size(f->told), 1);
    assert_shown(f, "last.webhook.result", "rejected");
    assert_shown(f, "last.webhook.attempts", "0");
    assert_shown(f, "last.webhook.reason", "--webhook-allow");
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(load_is_told_when_it_has_lasted),
        cmocka_unit_test(thresholds_themselves_are_normal),
        cmocka_unit_test(break_begins_the_window_anew),
        cmocka_unit_test(what_lasts_is_told_again_after_the_cooldown),
        cmocka_unit_test(last_one_is_not_to_go),
        cmocka_unit_test(threshold_that_is_absent_is_not_crossed),
        cmocka_unit_test(told_is_what_was_so),
        TEST(balancer_without_thresholds_is_passed_by),
        TEST(load_is_that_of_one_who_serves),
        TEST(what_nobody_knows_is_said),
        TEST(part_of_the_load_may_be_too_much_and_never_too_little),
        TEST(as_many_stay_as_the_balancer_wants),
        TEST(other_thresholds_begin_anew),
        TEST(balancer_that_goes_is_forgotten),
        TEST(webhook_that_may_not_be_called_is_said),
    };

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
