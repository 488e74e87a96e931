/* SPDX-License-Identifier: Apache-2.0
 *
 * What the JSON API answers about traffic: pairs that a fabric has counted,
 * grouped, sorted and filtered. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <event2/event.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "controller/fabric/fabric-pairs.h"
#include "controller/northbound/traffic-groups.h"
#include "controller/schema/arena.h"
#include "fatal-signal.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/list.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "tests/unit/northbound-fixture.h"
#include "tests/unit/turn-until.h"
#include "timeval.h"
#include "util.h"

/* The fabric gives the same pointer for the same name. */
static const char web1[] = "web-1", web2[] = "web-2", db1[] = "db-1";
static const char old[] = "db-1";
static const char hv1[] = "hv1", hv2[] = "hv2";

static const struct fabric_pair pairs[] = {
    { .src = web1, .src_host = hv1, .dst = db1, .dst_host = hv1,
      .last_ms = 2, .packets = 1, .bytes = 500 },
    /* The same, when db-1 was elsewhere: in which order they come says
     * nothing. */
    { .src = web1, .src_host = hv1, .dst = db1, .dst_host = hv2,
      .last_ms = 1, .packets = 3, .bytes = 3000, .uncertain_bytes = 7 },
    { .src = db1, .src_host = hv1, .dst = web1, .dst_host = hv1,
      .last_ms = 2, .packets = 90, .bytes = 900 },
    { .src = web2, .src_host = hv1, .dst = web1, .dst_host = hv1,
      .last_ms = 2, .packets = 1, .bytes = 400 },
    { .src = old, .src_gone = true, .src_host = hv2, .dst = web2,
      .dst_host = hv1, .last_ms = 2, .packets = 1, .bytes = 50 },
    { .dst = web2, .dst_host = hv1, .last_ms = 2, .packets = 1,
      .bytes = 10 },
};

/* Nobody has said that the ports were deleted: one was created anew. */
static const struct fabric_pair pairs_of_gone[] = {
    { .src_created_ms = 1, .src = old, .src_host = hv2, .dst = web2,
      .dst_host = hv1, .packets = 1, .bytes = 50 },
    { .src = "nosuch", .src_host = hv2, .dst = web1, .dst_host = hv1,
      .packets = 1, .bytes = 30 },
};

static int64_t
created(const struct fixture *f, const char *port)
{
    struct model_meta meta = { .created_ms = 0 };

    if (port) {
        model_get_durable(f->model, VMN_TABLE_PORT, port, &meta);
    }
    return meta.created_ms;
}

/* Has the fabric tell of pairs of the ports that there are, except those that
 * say when theirs were created. */
static void
set_pairs(const struct fixture *f, const struct fabric_pair *list, size_t n)
{
    static struct fabric_pair told[16];

    assert_true(n <= ARRAY_SIZE(told));
    for (size_t i = 0; i < n; i++) {
        told[i] = list[i];
        if (!told[i].src_created_ms) {
            told[i].src_created_ms = created(f, told[i].src);
        }
        told[i].dst_created_ms = created(f, told[i].dst);
    }
    fake_fabric.pairs = told;
    fake_fabric.n_pairs = n;
}

static json_int_t
number(struct fixture *f, const char *path)
{
    const json_t *value = at(f, path);

    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static void
assert_pair(struct fixture *f, int i, const char *src, const char *dst,
            json_int_t bytes, json_int_t cross)
{
    const json_t *pair = json_array_get(json_object_get(f->body, "pairs"), i);

    assert_string_equal(json_string_value(json_object_get(pair, "src")), src);
    assert_string_equal(json_string_value(json_object_get(pair, "dst")), dst);
    assert_int_equal(json_integer_value(json_object_get(pair, "bytes")),
                     bytes);
    assert_int_equal(json_integer_value(json_object_get(
                         pair, "cross_host_bytes")), cross);
}

static size_t
n_shown(struct fixture *f)
{
    return json_array_size(json_object_get(f->body, "pairs"));
}

static void
nothing_is_counted_at_first(void **state)
{
    struct fixture *f = *state;

    set_pairs(f, NULL, 0);
    assert_call(f, 200, "GET", "/v1/traffic", NULL);
    assert_int_equal(n_shown(f), 0);
    assert_true(json_is_null(json_object_get(f->body, "since")));
    assert_int_equal(number(f, "bytes"), 0);
}

static void
pairs_of_ports_are_summed_up(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    set_pairs(f, pairs, ARRAY_SIZE(pairs));
    assert_call(f, 200, "GET", "/v1/traffic", NULL);
    assert_int_equal(n_shown(f), 5);
    assert_int_equal(number(f, "matching"), 5);
    assert_pair(f, 0, "web-1", "db-1", 3500, 3000);
    assert_text(f, "pairs.0.src_host", "hv1");
    assert_text(f, "pairs.0.dst_host", "hv1"); /* The last one. */
    assert_int_equal(number(f, "pairs.0.uncertain_bytes"), 7);
    assert_pair(f, 1, "db-1", "web-1", 900, 0);
    assert_pair(f, 2, "web-2", "web-1", 400, 0);
    assert_pair(f, 3, "db-1", "web-2", 50, 50);
    assert_true(json_is_true(at(f, "pairs.3.src_deleted")));
    assert_pair(f, 4, "(no port)", "web-2", 10, 0);
    assert_int_equal(number(f, "bytes"), 4860);
    assert_int_equal(number(f, "packets"), 97);
    assert_int_equal(number(f, "cross_host_bytes"), 3050);
    assert_int_equal(number(f, "same_host_bytes"), 1800);
    assert_int_equal(number(f, "other_bytes"), 10);
    /* The deleted port is another one than that of its name. */
    assert_text(f, "talkers.0.name", "web-1");
    assert_int_equal(number(f, "talkers.0.sent_bytes"), 3500);
    assert_int_equal(number(f, "talkers.0.received_bytes"), 1300);
    assert_text(f, "talkers.1.name", "db-1");
    assert_int_equal(number(f, "talkers.1.sent_bytes"), 900);
    assert_int_equal(number(f, "unlisted_bytes"), 11);
}

static void
ports_that_were_made_later_or_are_gone_are_deleted(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    set_pairs(f, pairs_of_gone, ARRAY_SIZE(pairs_of_gone));
    assert_call(f, 200, "GET", "/v1/traffic", NULL);
    assert_pair(f, 0, "db-1", "web-2", 50, 50);
    assert_true(json_is_true(at(f, "pairs.0.src_deleted")));
    assert_pair(f, 1, "nosuch", "web-1", 30, 30);
    assert_true(json_is_true(at(f, "pairs.1.src_deleted")));
    assert_call(f, 200, "GET", "/v1/traffic?port=db-1", NULL);
    assert_int_equal(n_shown(f), 0);
}

static void
pairs_are_sorted_and_cut_off(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    set_pairs(f, pairs, ARRAY_SIZE(pairs));
    assert_call(f, 200, "GET", "/v1/traffic?sort=packets&limit=1", NULL);
    assert_int_equal(n_shown(f), 1);
    assert_int_equal(number(f, "matching"), 5);
    assert_pair(f, 0, "db-1", "web-1", 900, 0);
    assert_call(f, 200, "GET", "/v1/traffic?sort=cross_host_bytes", NULL);
    assert_pair(f, 1, "db-1", "web-2", 50, 50);
}

static void
pairs_are_grouped(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    set_pairs(f, pairs, ARRAY_SIZE(pairs));
    assert_call(f, 200, "GET", "/v1/traffic?group_by=label&label=role", NULL);
    assert_text(f, "label", "role");
    assert_pair(f, 0, "web", "db", 3500, 3000);
    assert_pair(f, 1, "db", "web", 900, 0);
    assert_pair(f, 2, "web", "web", 400, 0);
    assert_pair(f, 3, "(deleted)", "web", 50, 50);
    assert_null(at(f, "pairs.0.src_host"));
    assert_call(f, 200, "GET", "/v1/traffic?group_by=label&label=x", NULL);
    assert_pair(f, 0, "(none)", "(none)", 4800, 3000);
    assert_call(f, 200, "GET", "/v1/traffic?group_by=host", NULL);
    assert_pair(f, 0, "hv1", "hv2", 3000, 3000);
    assert_pair(f, 1, "hv1", "hv1", 1800, 0);
    assert_pair(f, 2, "hv2", "hv1", 50, 50);
    assert_call(f, 200, "GET", "/v1/traffic?group_by=network", NULL);
    assert_pair(f, 0, "shop", "shop", 4800, 3000);
}

/* Groups.  ---------------------------------------------------------------- */

static const char groups[]
    = "{\"objects\": ["
      "{\"type\": \"groups\", \"name\": \"web\", \"spec\":"
      " {\"selector\": \"role=web\"}},"
      "{\"type\": \"groups\", \"name\": \"db\", \"spec\":"
      " {\"ports\": [\"db-1\"]}},"
      "{\"type\": \"groups\", \"name\": \"prod\", \"spec\":"
      " {\"groups\": [\"web\"], \"selector\": \"role=app\"}},"
      "{\"type\": \"groups\", \"name\": \"others\", \"spec\":"
      " {\"selector\": \"role notin (web,db)\"}}]}";

/* A port counts in each of its groups, and everything once in sums. */
static void
pairs_are_of_all_groups_of_ports(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    set_pairs(f, pairs, ARRAY_SIZE(pairs));
    assert_call(f, 200, "GET", "/v1/traffic?group_by=group", NULL);
    assert_pair(f, 0, "(none)", "(none)", 4800, 3000);
    assert_int_equal(number(f, "matching"), 3);
    assert_call(f, 200, "POST", "/v1/apply", groups);
    assert_call(f, 200, "GET", "/v1/traffic?group_by=group", NULL);
    assert_text(f, "group_by", "group");
    assert_int_equal(number(f, "matching"), 12);
    assert_pair(f, 0, "prod", "db", 3500, 3000);
    assert_pair(f, 1, "web", "db", 3500, 3000);
    assert_pair(f, 2, "db", "prod", 900, 0);
    assert_pair(f, 3, "db", "web", 900, 0);
    assert_pair(f, 4, "prod", "prod", 400, 0);
    assert_pair(f, 7, "web", "web", 400, 0);
    assert_pair(f, 8, "(deleted)", "prod", 50, 50);
    assert_pair(f, 11, "(no port)", "web", 10, 0);
    assert_int_equal(number(f, "pairs.0.packets"), 4);
    assert_int_equal(number(f, "pairs.1.uncertain_bytes"), 7);
    assert_int_equal(number(f, "bytes"), 4860);
    assert_int_equal(number(f, "cross_host_bytes"), 3050);
    assert_text(f, "talkers.0.name", "prod");
    assert_int_equal(number(f, "talkers.0.sent_bytes"), 3900);
    assert_int_equal(number(f, "talkers.0.received_bytes"), 1360);
    assert_text(f, "talkers.1.name", "web");
    assert_int_equal(number(f, "talkers.1.sent_bytes"), 3900);
    assert_text(f, "talkers.2.name", "db");
    assert_int_equal(number(f, "talkers.2.received_bytes"), 3500);
    /* As of now. */
    assert_call(f, 200, "DELETE", "/v1/groups/db", NULL);
    assert_call(f, 200, "GET", "/v1/traffic?group_by=group&port=db-1", NULL);
    assert_pair(f, 0, "prod", "(none)", 3500, 3000);
    assert_int_equal(number(f, "matching"), 4);
    assert_int_equal(number(f, "bytes"), 4400);
}

/* Makes groups of all web VMs, number 'from' to 'to'. */
static void
make_groups(struct fixture *f, int from, int to)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&ds, "{\"objects\": [");
    for (int i = from; i <= to; i++) {
        ds_put_format(&ds, "%s{\"type\": \"groups\", \"name\": \"g%d\","
                      " \"spec\": {\"selector\": \"role=web\"}}",
                      i > from ? "," : "", i);
    }
    ds_put_cstr(&ds, "]}");
    assert_call(f, 200, "POST", "/v1/apply", ds_cstr(&ds));
    ds_destroy(&ds);
}

static void
what_too_many_groups_would_take_is_refused(void **state)
{
    static const struct fabric_pair pair = {
        .src = web2, .src_host = hv1, .dst = web1, .dst_host = hv1,
        .bytes = 400,
    };
    struct fixture *f = *state;

    make_shop(f);
    make_groups(f, 1, 500);
    set_pairs(f, &pair, 1);
    assert_call(f, 200, "GET", "/v1/traffic?group_by=group", NULL);
    assert_int_equal(number(f, "matching"), 250000);
    assert_int_equal(number(f, "bytes"), 400);
    make_groups(f, 501, 501);
    assert_call(f, 413, "GET", "/v1/traffic?group_by=group", NULL);
    assert_text(f, "type", "urn:vmn:problem:too-large");
    assert_call(f, 200, "GET", "/v1/traffic", NULL);
}

/* However many ports there are, so many groups are looked at. */
static void
groups_that_are_looked_at_are_bounded(void **state)
{
    const struct traffic_class *class_;
    const struct vmn_port *port;
    struct fixture *f = *state;
    struct traffic_groups tg;
    struct arena arena;

    make_shop(f);
    assert_call(f, 200, "POST", "/v1/apply", groups);
    arena_init(&arena);
    traffic_groups_init(&tg, f->model, NULL, &arena);
    port = model_get_durable(f->model, VMN_TABLE_PORT, web1, NULL);
    class_ = traffic_groups_of(&tg, port);
    assert_string_equal(class_->text, "prod,web");
    assert_int_equal(class_->n, 2);
    port = model_get_durable(f->model, VMN_TABLE_PORT, web2, NULL);
    assert_ptr_equal(traffic_groups_of(&tg, port), class_);
    tg.n_looks = TRAFFIC_GROUPS_LOOKS_MAX - 1;
    assert_null(traffic_groups_of(&tg, port));
    traffic_groups_uninit(&tg);
    arena_uninit(&arena);
}

/* Sums are of what was asked for. */
static void
pairs_of_a_port_are_asked_for(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    set_pairs(f, pairs, ARRAY_SIZE(pairs));
    assert_call(f, 200, "GET", "/v1/traffic?port=db-1", NULL);
    assert_int_equal(n_shown(f), 2);
    assert_int_equal(number(f, "bytes"), 4400);
    assert_int_equal(number(f, "cross_host_bytes"), 3000);
    assert_call(f, 200, "GET", "/v1/traffic?network=shop", NULL);
    assert_int_equal(n_shown(f), 5);
}

static void
what_is_wrong_is_named(void **state)
{
    static const char *const calls[][2] = {
        { "/v1/traffic?group_by=rack", "group_by" },
        { "/v1/traffic?group_by=label", "label" },
        { "/v1/traffic?label=role", "label" },
        { "/v1/traffic?sort=name", "sort" },
        { "/v1/traffic?limit=0", "limit" },
        { "/v1/traffic?since=today", "since" },
        { "/v1/traffic?port=web-9", "port" },
        { "/v1/traffic?network=shap", "network" },
    };
    struct fixture *f = *state;

    make_shop(f);
    set_pairs(f, pairs, ARRAY_SIZE(pairs));
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        assert_call(f, 400, "GET", calls[i][0], NULL);
        assert_text(f, "errors.0.parameter", calls[i][1]);
    }
}

/* Ends a turn of the northbound's loop, and begins one with no time left. */
static void
next_busy_turn(struct fixture *f, struct loop *loop)
{
    loop_turn(loop, 0);
    while (!loop_turn_is_over(loop)) {
        continue;               /* It is measured in time of the processor. */
    }
    event_base_loop(f->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
}

/* Waits until 'n' readings are due.  Each goes on from turn to turn, so events
 * are looked at once. */
static void
wait_for_tallies(const struct fixture *f, size_t n)
{
    long long int deadline = time_msec() + PATIENCE_MS;

    while (ovs_list_size(&f->nb->tallies) != n) {
        assert_true(time_msec() < deadline);
        event_base_loop(f->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
    }
}

/* However little time turns have: each gets one reading on, and who has asked
 * first is first. */
static void
pairs_are_read_where_no_turn_has_time_for_them(void **state)
{
    struct loop *loop = loop_create();
    struct fixture *f = *state;
    struct client other;
    char *request = make_request("GET", "/v1/traffic", "", NULL);

    make_shop(f);
    set_pairs(f, pairs, ARRAY_SIZE(pairs));
    client_connect(&other, f->base, f->path);
    f->nb->loop = loop;
    next_busy_turn(f, loop);
    assert_call(f, 200, "GET", "/v1/traffic", NULL);

    /* Of that turn this was the one. */
    send_only(f, "GET", "/v1/traffic", NULL);
    wait_for_tallies(f, 1);
    client_say(&other, request);
    wait_for_tallies(f, 2);
    for (size_t left = 2; left > 0; left--) {
        next_busy_turn(f, loop);
        wait_for_tallies(f, left - 1);
        if (left == 2) {
            char c;

            assert_int_equal(recv(f->client.fd, &c, 1, MSG_PEEK), 1);
            assert_int_equal(recv(other.fd, &c, 1, MSG_PEEK), -1);
        }
    }
    assert_int_equal(take_reply(f), 200);
    assert_int_equal(client_reply(&other), 200);

    /* Who leaves is not waited for. */
    send_only(f, "GET", "/v1/traffic", NULL);
    wait_for_tallies(f, 1);
    client_say(&other, request);
    wait_for_tallies(f, 2);
    shutdown(f->client.fd, SHUT_RDWR);
    wait_for_tallies(f, 1);
    next_busy_turn(f, loop);
    wait_for_tallies(f, 0);
    assert_int_equal(client_reply(&other), 200);

    f->nb->loop = NULL;
    loop_destroy(loop);
    client_close(&other);
    free(request);
}

static void
metrics_sum_it_up(void **state)
{
    struct fixture *f = *state;
    const char *text;

    set_pairs(f, pairs, ARRAY_SIZE(pairs));
    assert_call(f, 200, "GET", "/metrics", NULL);
    text = ds_cstr(&f->client.body);
    assert_non_null(strstr(text, "\nvmn_traffic_bytes_total"
                           "{way=\"cross_host\"} 3050\n"));
    assert_non_null(strstr(text, "\nvmn_traffic_pairs 6\n"));
}

int
main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_counted_at_first),
        TEST(pairs_of_ports_are_summed_up),
        TEST(ports_that_were_made_later_or_are_gone_are_deleted),
        TEST(pairs_are_sorted_and_cut_off),
        TEST(pairs_are_grouped),
        TEST(pairs_are_of_all_groups_of_ports),
        TEST(what_too_many_groups_would_take_is_refused),
        TEST(groups_that_are_looked_at_are_bounded),
        TEST(pairs_of_a_port_are_asked_for),
        TEST(what_is_wrong_is_named),
        TEST(pairs_are_read_where_no_turn_has_time_for_them),
        TEST(metrics_sum_it_up),
    };

    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
