/* SPDX-License-Identifier: Apache-2.0
 *
 * What the JSON API advises on where VMs are to be, by bindings and pairs that
 * the fabric has counted: what a VM is, what binds it, and where it may go. */

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

#include "fatal-signal.h"
#include "openvswitch/vlog.h"
#include "tests/unit/northbound-fixture.h"
#include "util.h"

#define ADVICE "/v1/advice/placement"

/* "a" and "b" on hv1, "c" and "d" on hv2, nobody on hv3. */
static const char *const homes[][2] = {
    { "a", "hv1" }, { "b", "hv1" }, { "c", "hv2" }, { "d", "hv2" },
};

static struct fabric_pair pairs[] = {
    { .src = "a", .dst = "c",
      .src_host = "hv1", .dst_host = "hv2", .bytes = 1000 },
    { .src = "c", .dst = "a",
      .src_host = "hv1", .dst_host = "hv2", .bytes = 500 },
    { .src = "b", .dst = "d",
      .src_host = "hv1", .dst_host = "hv2", .bytes = 100 },
    { .src = NULL, .dst = "a", .dst_host = "hv2", .bytes = 9999 },
    { .src = "a", .dst = "a",
      .src_host = "hv1", .dst_host = "hv2", .bytes = 9999 },
    { .src = "gone", .src_gone = true, .dst = "a",
      .src_host = "hv1", .dst_host = "hv2", .bytes = 9999 },
};

static void
put_host(struct fixture *f, int i, const char *more)
{
    char *path = xasprintf("/v1/hosts/hv%d", i);
    char *body = xasprintf("{\"spec\": {\"ovsdb\": \"inbound\", "
                           "\"tunnel_ip\": \"192.0.2.%d\"%s}}", i, more);

    call(f, "PUT", path, body);
    free(path);
    free(body);
}

static void
put_port(struct fixture *f, const char *name, const char *more)
{
    char *path = xasprintf("/v1/ports/%s", name);
    char *body = xasprintf("{\"spec\": {\"network\": \"shop\"%s}}", more);

    call(f, "PUT", path, body);
    free(path);
    free(body);
}

static void
bind_ports(struct fixture *f)
{
    struct model_request request;
    bool done = false;

    model_request_init(&request, "host:hv1");
    for (size_t i = 0; i < ARRAY_SIZE(homes); i++) {
        model_request_add(&request, MODEL_PUT, VMN_TABLE_BINDING, homes[i][0],
                          json_pack("{s:s}", "host", homes[i][1]));
    }
    commit_submit(f->commit, &request, on_committed, &done);
    model_request_uninit(&request);
    while (!done) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
}

/* Binds "a01" and so on to hv1. */
static void
bind_many(struct fixture *f, int n)
{
    struct model_request request;
    bool done = false;

    model_request_init(&request, "host:hv1");
    for (int i = 1; i < n; i++) {
        char *name = xasprintf("a%02d", i);

        model_request_add(&request, MODEL_PUT, VMN_TABLE_BINDING, name,
                          json_pack("{s:s}", "host", "hv1"));
        free(name);
    }
    commit_submit(f->commit, &request, on_committed, &done);
    model_request_uninit(&request);
    while (!done) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
}

static int64_t
created(const struct fixture *f, const char *port)
{
    struct model_meta meta = { .created_ms = 0 };

    if (port) {
        model_get_durable(f->model, VMN_TABLE_PORT, port, &meta);
    }
    return meta.created_ms;
}

static void
make_world(struct fixture *f)
{
    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    for (int i = 1; i <= 3; i++) {
        put_host(f, i, "");
    }
    for (size_t i = 0; i < ARRAY_SIZE(homes); i++) {
        put_port(f, homes[i][0], "");
    }
    bind_ports(f);
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        pairs[i].src_created_ms = created(f, pairs[i].src);
        pairs[i].dst_created_ms = created(f, pairs[i].dst);
    }
    fake_fabric.pairs = pairs;
    fake_fabric.n_pairs = ARRAY_SIZE(pairs);
    fake_fabric.host_state = "synced";
    fake_fabric.counted_ms = 11000;
}

static json_int_t
number(struct fixture *f, const char *path)
{
    const json_t *value = at(f, path);

    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

/* Asks, and returns how many moves there are. */
static size_t
ask(struct fixture *f, const char *query)
{
    char *path = xasprintf(ADVICE "%s", query);

    assert_call(f, 200, "GET", path, NULL);
    free(path);
    return json_array_size(json_object_get(f->body, "moves"));
}

/* Full hosts exchange VMs, with what that saves. */
static void
moves_are_told_with_what_they_save(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    assert_int_equal(ask(f, "?capacity=2"), 2);
    assert_int_equal(number(f, "vms"), 4);
    assert_int_equal(number(f, "hosts"), 3);
    assert_int_equal(number(f, "pairs"), 2);
    assert_int_equal(number(f, "cross_host_bytes"), 1600);
    assert_int_equal(number(f, "predicted_bytes"), 0);
    assert_int_equal(number(f, "seconds"), 10);
    assert_int_equal(number(f, "moves.0.saved_bytes")
                     + number(f, "moves.1.saved_bytes"), 1600);
    assert_int_equal(number(f, "moves.0.saved_bytes_per_s"),
                     number(f, "moves.0.saved_bytes") / 10);
    assert_true(json_is_true(at(f, "optimal")));
    assert_int_equal(number(f, "unlisted_bytes"), 11);
    /* What is not selected, and what costs more than it saves, stays. */
    assert_int_equal(ask(f, "?capacity=4&move_cost=101"), 1);
    assert_int_equal(number(f, "predicted_bytes"), 100);
    assert_int_equal(ask(f, "?capacity=4&max_moves=1"), 1);
    assert_int_equal(ask(f, "?capacity=4&selector=x"), 0);
    assert_int_equal(number(f, "not_selected"), 4);
    /* The capacity is that of the fullest: so are both. */
    assert_int_equal(ask(f, ""), 2);
}

static void
hosts_that_take_nobody(void **state)
{
    static const char *const reasons[] = {
        ", \"maintenance\": true", ", \"lost\": true",
        ", \"port_selector\": \"no=way\"", ", \"labels\": {\"max\": \"x\"}",
        ", \"labels\": {\"max\": \"0\"}", ", \"labels\": {\"off\": \"1\"}",
    };
    struct fixture *f = *state;

    make_world(f);
    for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
        size_t n;

        put_host(f, 2, reasons[i]);
        n = ask(f, "?capacity=4&capacity_label=max&host_selector=!off");
        assert_true(n > 0);
        for (size_t j = 0; j < n; j++) {
            const json_t *move = json_array_get(json_object_get(
                f->body, "moves"), j);

            assert_string_not_equal(json_string_value(json_object_get(
                move, "to")), "hv2");
        }
    }
    put_host(f, 2, "");
    fake_fabric.host_state = "offline";
    assert_int_equal(ask(f, "?capacity=4"), 0);
    assert_int_equal(number(f, "hosts"), 0);
}

static void
ports_that_stay(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    put_port(f, "a", ", \"host\": \"hv1\"");
    put_port(f, "c", ", \"migration\": {\"to\": \"hv3\"}");
    assert_int_equal(ask(f, "?capacity=4"), 1);
    assert_int_equal(number(f, "predicted_bytes"), 1500);
    assert_int_equal(number(f, "pinned"), 1);
    assert_int_equal(number(f, "migrating"), 1);
    assert_int_equal(ask(f, "?capacity=4&move_pinned=true"), 2);
    assert_int_equal(number(f, "predicted_bytes"), 0);
    /* Where alone it may be. */
    put_port(f, "c", ", \"hosts\": [\"hv2\", \"hv3\"]");
    put_port(f, "b", ", \"hosts\": [\"hv1\"]");
    put_port(f, "d", ", \"hosts\": [\"hv2\"]");
    assert_int_equal(ask(f, "?capacity=4"), 0);
    put_port(f, "a", ", \"hosts\": [\"hv1\", \"hv3\"]");
    assert_int_equal(ask(f, "?capacity=4"), 2);
    assert_text(f, "moves.0.to", "hv3");
    assert_text(f, "moves.1.to", "hv3");
}

/* A port in a physical network is where that is. */
static void
provider_bridges_are_needed(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    assert_call(f, 200, "PUT", "/v1/networks/shop", "{\"spec\": {\"subnets\": "
                "[{\"cidr\": \"10.0.0.0/24\"}], \"provider\": {\"physical\": "
                "\"dc\"}}}");
    assert_int_equal(ask(f, "?capacity=4"), 0);
    put_host(f, 3, ", \"provider_bridges\": [{\"physical\": \"dc\", "
             "\"bridge\": \"br-ex\"}]");
    assert_true(ask(f, "?capacity=4") > 0);
    assert_text(f, "moves.0.to", "hv3");
}

static void
ports_together_and_apart(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    put_port(f, "a", ", \"labels\": {\"vm\": \"1\", \"app\": \"db\"}");
    put_port(f, "b", ", \"labels\": {\"vm\": \"1\"}");
    put_port(f, "c", ", \"labels\": {\"app\": \"db\"}");
    /* Both of a VM, or those who talk with them. */
    assert_true(ask(f, "?capacity=4&together=vm") > 0);
    assert_int_equal(number(f, "vms"), 3);
    assert_int_equal(number(f, "predicted_bytes"), 0);
    assert_int_equal(ask(f, "?capacity=4&together=vm&max_moves=1"), 1);
    assert_int_equal(json_array_size(at(f, "moves.0.ports")), 2);
    assert_int_equal(number(f, "moves.0.saved_bytes"), 1600);
    assert_int_equal(ask(f, "?capacity=4&apart=x,app"), 1);
    assert_int_equal(number(f, "predicted_bytes"), 1500);
}

/* Of more values than are checked for each move: it stays. */
static void
vm_of_many_sets_stays(void **state)
{
    struct fixture *f = *state;
    char more[100];

    make_world(f);
    for (int i = 0; i < 65; i++) {
        char *name = xasprintf("a%02d", i);

        snprintf(more, sizeof more, ", \"labels\": {\"vm\": \"1\", "
                 "\"app\": \"%d\"}", i);
        put_port(f, i ? name : "a", more);
        free(name);
    }
    bind_many(f, 65);
    assert_int_equal(ask(f, "?together=vm&apart=app&capacity=4"), 2);
    assert_int_equal(number(f, "pinned"), 1);
    assert_int_equal(ask(f, "?together=vm&apart=vm&capacity=4"), 2);
    assert_int_equal(number(f, "vms"), 4);
    assert_null(at(f, "pinned"));
}

/* A sub-port is where its parent is, and takes no room of its own. */
static void
sub_ports_go_with_their_parent(void **state)
{
    static struct fabric_pair pair = {
        .src = "sub", .dst = "c",
        .src_host = "hv1", .dst_host = "hv2", .bytes = 70,
    };
    struct fixture *f = *state;

    make_world(f);
    put_port(f, "sub", ", \"parent\": \"a\", \"vlan\": 7");
    pair.src_created_ms = created(f, "sub");
    pair.dst_created_ms = created(f, "c");
    fake_fabric.pairs = &pair;
    fake_fabric.n_pairs = 1;
    assert_int_equal(ask(f, "?capacity=3"), 1);
    assert_int_equal(number(f, "vms"), 4);
    assert_int_equal(number(f, "cross_host_bytes"), 70);
    assert_int_equal(number(f, "moves.0.saved_bytes"), 70);
    assert_int_equal(json_array_size(at(f, "moves.0.ports")), 1);
}

static void
nothing_was_counted(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    fake_fabric.n_pairs = 0;
    assert_int_equal(ask(f, ""), 0);
    assert_true(json_is_null(at(f, "since")));
    assert_int_equal(number(f, "pairs"), 0);
}

static void
what_is_wrong_is_named(void **state)
{
    static const char *const calls[][2] = {
        { "capacity=0", "capacity" }, { "capacity=100001", "capacity" },
        { "capacity_label=%20", "capacity_label" },
        { "apart=", "apart" }, { "apart=a,b%20c", "apart" },
        { "apart=a,b,c,d,e,f,g,h,i", "apart" },
        { "together=", "together" }, { "selector=%3D", "selector" },
        { "host_selector=%3D", "host_selector" },
        { "move_pinned=1", "move_pinned" }, { "move_cost=-1", "move_cost" },
        { "move_cost=9007199254740993", "move_cost" },
        { "max_moves=0", "max_moves" }, { "max_moves=1001", "max_moves" },
        { "since=today", "since" }, { "size=1", "size" },
    };
    struct fixture *f = *state;

    make_world(f);
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        char *path = xasprintf(ADVICE "?%s", calls[i][0]);

        assert_call(f, 400, "GET", path, NULL);
        assert_text(f, "errors.0.parameter", calls[i][1]);
        free(path);
    }
}

int
main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(moves_are_told_with_what_they_save),
        TEST(hosts_that_take_nobody),
        TEST(ports_that_stay),
        TEST(provider_bridges_are_needed),
        TEST(ports_together_and_apart),
        TEST(vm_of_many_sets_stays),
        TEST(sub_ports_go_with_their_parent),
        TEST(nothing_was_counted),
        TEST(what_is_wrong_is_named),
    };

    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
