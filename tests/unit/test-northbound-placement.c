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

#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "controller/schema/selector.h"
#include "fatal-signal.h"
#include "openvswitch/vlog.h"
#include "tests/unit/northbound-fixture.h"
#include "util.h"

#define ADVICE "/v1/advice/placement"

/* What the client may see; NULL: all. */
static const struct model_rights *its_rights;

const struct model_rights *__wrap_nb_rights(const struct http_request *);
const struct model_rights *
__wrap_nb_rights(const struct http_request *req OVS_UNUSED)
{
    return its_rights;
}

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
    assert_int_equal(number(f, "capacity"), 2);
    assert_int_equal(number(f, "moves.0.saved_bytes")
                     + number(f, "moves.1.saved_bytes"), 1600);
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
    assert_int_equal(number(f, "capacity"), 2);
    assert_null(at(f, "full_hosts"));
    fake_fabric.n_full_hosts = 1;
    ask(f, "");
    assert_int_equal(number(f, "full_hosts"), 1);
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
        /* Those of a lost host stay, so nobody meets them. */
        assert_true(n > 0 || strstr(reasons[i], "lost"));
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
    assert_null(at(f, "hosts"));
}

/* Nobody can move a VM from a host that is not there. */
static void
vms_of_lost_hosts_stay(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    put_port(f, "d", ", \"hosts\": [\"hv2\"]");
    put_port(f, "c", ", \"hosts\": [\"hv2\"]");
    assert_int_equal(ask(f, "?capacity=4"), 2);
    assert_null(at(f, "unsynced"));
    fake_fabric.offline_host = "hv1";
    assert_int_equal(ask(f, "?capacity=4"), 0);
    assert_int_equal(number(f, "unsynced"), 2);
    /* From one in maintenance it is what is wanted. */
    fake_fabric.offline_host = NULL;
    put_host(f, 1, ", \"maintenance\": true");
    assert_int_equal(ask(f, "?capacity=4"), 2);
    put_host(f, 1, ", \"lost\": true");
    assert_int_equal(ask(f, "?capacity=4"), 0);
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
    assert_int_equal(ask(f, "?capacity=4&apart=x,app,x"), 1);
    assert_int_equal(number(f, "predicted_bytes"), 1500);
    /* What nobody has, as of a key that is mistyped, is told. */
    assert_text(f, "unused_labels.0", "x");
    assert_null(at(f, "unused_labels.1"));
    assert_null(at(f, "unused_capacity_label"));
    ask(f, "?capacity=4&together=y&apart=y,app&capacity_label=app");
    assert_text(f, "unused_labels.0", "y");
    assert_null(at(f, "unused_labels.1"));
    assert_text(f, "unused_capacity_label", "app");
    ask(f, "?capacity=4&together=vm&apart=app");
    assert_null(at(f, "unused_labels"));
}

/* What hosts have and VMs need binds beside the number of VMs, and what it
 * forbids is named. */
static void
capacities_of_several_kinds(void **state)
{
#define NEEDS(WHAT) ", \"resources\": {" WHAT "}"
#define HAS(WHAT) ", \"capacity\": {" WHAT "}"
    struct fixture *f = *state;

    make_world(f);
    put_port(f, "a", NEEDS("\"memory_mb\": 4096, \"vcpus\": 2"));
    put_port(f, "c", NEEDS("\"memory_mb\": 4096, \"vcpus\": 2")
             ", \"hosts\": [\"hv2\"]");
    put_port(f, "d", ", \"hosts\": [\"hv2\"]");
    /* Where it is not said it is any amount. */
    assert_int_equal(ask(f, "?capacity=4"), 2);
    assert_null(at(f, "unsized"));
    assert_null(at(f, "hosts_with_capacity"));
    put_host(f, 2, HAS("\"memory_mb\": 8191, \"vcpus\": 3, \"disk_gb\": 1"));
    assert_int_equal(ask(f, "?capacity=4"), 1);
    assert_text(f, "moves.0.ports.0", "b");
    assert_int_equal(number(f, "unsized"), 2);
    assert_int_equal(number(f, "hosts_with_capacity"), 1);
    assert_int_equal(number(f, "all_no_room"), 1);
    assert_text(f, "no_room.0.ports.0", "a");
    assert_text(f, "no_room.0.from", "hv1");
    assert_text(f, "no_room.0.to", "hv2");
    assert_int_equal(number(f, "no_room.0.saved_bytes"), 1500);
    assert_int_equal(number(f, "no_room.0.missing.memory_mb"), 1);
    assert_int_equal(number(f, "no_room.0.missing.vcpus"), 1);
    assert_null(at(f, "no_room.0.missing.disk_gb"));
    assert_null(at(f, "no_room.0.missing.vms"));
    put_host(f, 2, HAS("\"memory_mb\": 8192, \"vcpus\": 4"));
    assert_int_equal(ask(f, "?capacity=4"), 2);
    assert_null(at(f, "no_room"));
    /* Places: by label, else as the host says, else by the request; and any
     * number where it says something else. */
    put_host(f, 2, HAS("\"vms\": 3"));
    assert_int_equal(ask(f, "?capacity=4"), 1);
    assert_text(f, "moves.0.ports.0", "a");
    assert_int_equal(number(f, "no_room.0.missing.vms"), 1);
    put_host(f, 2, HAS("\"vms\": 3") ", \"labels\": {\"max\": \"4\"}");
    assert_int_equal(ask(f, "?capacity_label=max"), 2);
    put_host(f, 2, HAS("\"disk_gb\": 3"));
    assert_int_equal(ask(f, ""), 2);
    assert_int_equal(number(f, "capacity"), 2);
    assert_int_equal(ask(f, "?capacity=3"), 1);
}

/* A VM that migrates takes room on both hosts.  VMs that do not say how much
 * of what is limited they need are told of, as hosts that nothing goes to do
 * not limit it. */
static void
room_is_taken_by_who_comes(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    put_port(f, "a", ", \"hosts\": [\"hv1\"]" NEEDS("\"memory_mb\": 5"));
    put_port(f, "c", NEEDS("\"memory_mb\": 5, \"vcpus\": 9")
             ", \"hosts\": [\"hv1\", \"hv2\"]");
    put_port(f, "b", ", \"hosts\": [\"hv1\"]" NEEDS("\"disk_gb\": 1"));
    put_port(f, "d", ", \"hosts\": [\"hv1\", \"hv2\"]"
             NEEDS("\"vcpus\": 1, \"memory_mb\": 3"));
    put_host(f, 1, HAS("\"memory_mb\": 12"));
    assert_int_equal(ask(f, ""), 1);
    assert_text(f, "moves.0.ports.0", "c");
    assert_int_equal(number(f, "unsized"), 1);
    assert_int_equal(number(f, "hosts_with_capacity"), 1);
    put_port(f, "c", NEEDS("\"memory_mb\": 5")
             ", \"migration\": {\"to\": \"hv1\"}");
    assert_int_equal(ask(f, ""), 0);
    assert_int_equal(number(f, "migrating"), 1);
    assert_text(f, "no_room.0.ports.0", "d");
    assert_int_equal(number(f, "no_room.0.missing.memory_mb"), 1);
    put_host(f, 1, HAS("\"memory_mb\": 13"));
    assert_int_equal(ask(f, ""), 1);
    put_host(f, 1, HAS("\"memory_mb\": 12") ", \"maintenance\": true");
    ask(f, "");
    assert_null(at(f, "unsized"));
    assert_null(at(f, "hosts_with_capacity"));
}

/* Each port of a VM says what all of it needs, or one does. */
static void
several_ports_need_it_once(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    put_port(f, "c", ", \"hosts\": [\"hv2\"]");
    put_port(f, "d", ", \"hosts\": [\"hv2\"]");
    put_port(f, "a", ", \"labels\": {\"vm\": \"1\"}"
             NEEDS("\"memory_mb\": 5, \"disk_gb\": 1"));
    put_port(f, "b", ", \"labels\": {\"vm\": \"1\"}"
             NEEDS("\"memory_mb\": 5, \"vcpus\": 1"));
    put_host(f, 2, HAS("\"memory_mb\": 5, \"disk_gb\": 1, \"vcpus\": 1"));
    assert_int_equal(ask(f, "?together=vm"), 1);
    assert_int_equal(number(f, "moves.0.saved_bytes"), 1600);
    assert_int_equal(number(f, "unsized"), 2);
    assert_int_equal(ask(f, ""), 1);
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
    assert_int_equal(number(f, "many_sets"), 1);
    assert_null(at(f, "pinned"));
    assert_int_equal(ask(f, "?together=vm&apart=vm&capacity=4"), 2);
    assert_int_equal(number(f, "vms"), 4);
    assert_null(at(f, "many_sets"));
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

/* The VM may be only where its sub-ports may, which come before it here. */
static void
sub_ports_bind_their_vm(void **state)
{
#define SUB(MORE) ", \"parent\": \"a\", \"vlan\": 7" MORE
    struct fixture *f = *state;

    make_world(f);
    put_port(f, "c", ", \"hosts\": [\"hv2\"], "
             "\"labels\": {\"app\": \"db\"}");
    put_port(f, "d", ", \"hosts\": [\"hv2\"]");
    put_port(f, "0sub", SUB(""));
    assert_int_equal(ask(f, "?capacity=4&apart=app"), 2);
    /* By what it is to be apart from. */
    put_port(f, "0sub", SUB(", \"labels\": {\"app\": \"db\"}"));
    assert_int_equal(ask(f, "?capacity=4&apart=app"), 1);
    assert_text(f, "moves.0.ports.0", "b");
    assert_int_equal(ask(f, "?capacity=4"), 2);
    /* By what the host takes. */
    put_host(f, 2, ", \"port_selector\": \"app!=db\"");
    assert_int_equal(ask(f, "?capacity=4"), 1);
    assert_text(f, "moves.0.ports.0", "b");
    put_host(f, 2, "");
    /* By its network, which is on no host. */
    assert_call(f, 201, "PUT", "/v1/networks/dc", "{\"spec\": {\"subnets\": "
                "[{\"cidr\": \"10.1.0.0/24\"}], \"provider\": "
                "{\"physical\": \"dc\"}}}");
    assert_call(f, 200, "PUT", "/v1/ports/0sub", "{\"spec\": {\"network\": "
                "\"dc\", \"parent\": \"a\", \"vlan\": 7}}");
    assert_int_equal(ask(f, "?capacity=4"), 1);
    assert_text(f, "moves.0.ports.0", "b");
    put_host(f, 2, ", \"provider_bridges\": [{\"physical\": \"dc\", "
             "\"bridge\": \"br-ex\"}]");
    assert_int_equal(ask(f, "?capacity=4"), 2);
}

/* Gives the client a scope. */
static void
begin_scope(struct model_rights *rights, struct arena *arena)
{
    static const char text[] = "project=shop";

    memset(rights, 0, sizeof *rights);
    arena_init(arena);
    assert_int_equal(selector_parse(text, strlen(text), arena, &rights->scope,
                                    NULL), 0);
    its_rights = rights;
}

/* Returns the reply to an account with a scope. */
static char *
ask_in_scope(struct fixture *f, const char *query)
{
    struct model_rights rights;
    struct arena arena;
    char *text;

    begin_scope(&rights, &arena);
    ask(f, query);
    text = xstrdup(ds_cstr(&f->client.body));
    its_rights = NULL;
    arena_uninit(&arena);
    return text;
}

static const char *const absent_to_scopes[] = {
    "hosts", "hosts_with_capacity", "unsized", "unlisted_bytes", "full_hosts",
};

/* Not by how many they are, nor by what they send, nor by labels that they
 * share with its own. */
static void
others_do_not_matter_in_a_scope(void **state)
{
    static struct fabric_pair more[ARRAY_SIZE(pairs) + 2];
    struct fixture *f = *state;
    char *before, *after;

    make_world(f);
    put_host(f, 2, HAS("\"vms\": 1, \"memory_mb\": 1"));
    for (size_t i = 0; i < ARRAY_SIZE(homes); i++) {
        put_port(f, homes[i][0], ", \"labels\": {\"project\": \"shop\", "
                 "\"app\": \"db\"}" NEEDS("\"memory_mb\": 2"));
    }
    before = ask_in_scope(f, "?capacity=4");
    assert_int_equal(json_array_size(at(f, "moves")), 2);
    assert_int_equal(number(f, "vms"), 4);
    for (size_t i = 0; i < ARRAY_SIZE(absent_to_scopes); i++) {
        assert_null(at(f, absent_to_scopes[i]));
    }
    for (int i = 1; i < 20; i++) {
        char *name = xasprintf("a%02d", i);

        put_port(f, name, ", \"labels\": {\"app\": \"x\"}");
        free(name);
    }
    bind_many(f, 20);
    put_port(f, "a02", ", \"parent\": \"a\", \"vlan\": 7, "
             "\"labels\": {\"app\": \"db\"}");
    memcpy(more, pairs, sizeof pairs);
    for (size_t i = 0; i < 2; i++) {
        more[ARRAY_SIZE(pairs) + i] = (struct fabric_pair) {
            .src = "a01", .dst = i ? "d" : "a03",
            .src_host = "hv1", .dst_host = "hv2", .bytes = 1000000,
            .src_created_ms = created(f, "a01"),
            .dst_created_ms = created(f, i ? "d" : "a03"),
        };
    }
    fake_fabric.pairs = more;
    fake_fabric.n_pairs = ARRAY_SIZE(more);
    fake_fabric.n_full_hosts = 3;
    after = ask_in_scope(f, "?capacity=4");
    assert_string_equal(before, after);
    free(before);
    free(after);
    assert_int_equal(ask(f, "?capacity=30"), 2);
    assert_true(number(f, "cross_host_bytes") > 1000000);
}

/* What it has no room for is so by the capacity that it gives alone. */
static void
a_scope_is_told_what_has_no_room(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    put_host(f, 1, HAS("\"vms\": 1, \"memory_mb\": 1"));
    for (size_t i = 0; i < ARRAY_SIZE(homes); i++) {
        char *more = xasprintf(", \"labels\": {\"project\": \"shop\"}, "
                               "\"hosts\": [\"hv1\"%s]"
                               NEEDS("\"memory_mb\": 2"),
                               i < 2 ? "" : ", \"hv2\"");

        put_port(f, homes[i][0], more);
        free(more);
    }
    free(ask_in_scope(f, "?capacity=2"));
    assert_int_equal(json_array_size(at(f, "moves")), 0);
    assert_int_equal(number(f, "all_no_room"), 2);
    assert_text(f, "no_room.0.ports.0", "c");
    assert_text(f, "no_room.0.to", "hv1");
    assert_int_equal(number(f, "no_room.0.missing.vms"), 1);
    assert_null(at(f, "no_room.0.missing.memory_mb"));
}

/* It is not told how many VMs hosts have. */
static void
a_scope_needs_a_capacity(void **state)
{
    struct fixture *f = *state;
    struct model_rights rights;
    struct arena arena;

    make_world(f);
    begin_scope(&rights, &arena);
    assert_call(f, 400, "GET", ADVICE, NULL);
    assert_text(f, "errors.0.parameter", "capacity");
    assert_call(f, 400, "GET", ADVICE "?capacity=1&host_selector=x", NULL);
    assert_text(f, "errors.0.parameter", "host_selector");
    assert_call(f, 400, "GET", ADVICE "?capacity=1&capacity_label=x", NULL);
    assert_text(f, "errors.0.parameter", "capacity_label");
    its_rights = NULL;
    arena_uninit(&arena);
}

/* Asks by so many clients at once, and counts replies of each status.  All
 * requests are there before the first one is read. */
static void
ask_at_once(struct fixture *f, size_t n, size_t *n_ok, int refused,
            size_t *n_refused)
{
    char *request = make_request("GET", ADVICE "?capacity=4", "", NULL);
    struct client clients[5];

    *n_ok = *n_refused = 0;
    for (size_t i = 0; i < n; i++) {
        client_connect(&clients[i], f->base, f->path);
        /* The server has accepted it. */
        assert_int_equal(client_ask(&clients[i], "GET /healthz HTTP/1.1\r\n"
                                    "Host: x\r\n\r\n"), 200);
    }
    for (size_t i = 0; i < n; i++) {
        client_say(&clients[i], request);
    }
    for (size_t i = 0; i < n; i++) {
        int status = client_reply(&clients[i]);

        *n_ok += status == 200;
        *n_refused += status == refused;
        if (status == refused) {
            assert_has(&clients[i].head, "Retry-After: 1");
        }
    }
    for (size_t i = 0; i < n; i++) {
        client_close(&clients[i]);
    }
    free(request);
}

static void
not_too_many_at_once(void **state)
{
    struct fixture *f = *state;
    size_t n_ok, n_refused;
    struct model_rights rights;
    struct arena arena;

    make_world(f);
    ask_at_once(f, 5, &n_ok, 503, &n_refused);
    assert_int_equal(n_ok, 3);
    assert_int_equal(n_refused, 2);
    /* One account has one. */
    begin_scope(&rights, &arena);
    ask_at_once(f, 3, &n_ok, 429, &n_refused);
    assert_int_equal(n_ok, 1);
    assert_int_equal(n_refused, 2);
    its_rights = NULL;
    arena_uninit(&arena);
    /* They have ended. */
    ask_at_once(f, 3, &n_ok, 503, &n_refused);
    assert_int_equal(n_ok, 3);
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
    assert_null(at(f, "optimal"));
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
        TEST(vms_of_lost_hosts_stay),
        TEST(ports_that_stay),
        TEST(provider_bridges_are_needed),
        TEST(ports_together_and_apart),
        TEST(capacities_of_several_kinds),
        TEST(several_ports_need_it_once),
        TEST(room_is_taken_by_who_comes),
        TEST(a_scope_is_told_what_has_no_room),
        TEST(vm_of_many_sets_stays),
        TEST(sub_ports_go_with_their_parent),
        TEST(sub_ports_bind_their_vm),
        TEST(others_do_not_matter_in_a_scope),
        TEST(a_scope_needs_a_capacity),
        TEST(not_too_many_at_once),
        TEST(nothing_was_counted),
        TEST(what_is_wrong_is_named),
    };

    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
