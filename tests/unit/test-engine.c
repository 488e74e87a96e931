/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of the engine, with an app made for the purpose: what is computed
 * again after a change, what becomes of its flows, and their messages.  Facts
 * and queries are in test-engine-dependencies.c, flows that several units
 * make in test-engine-flows.c. */

#include <config.h>

#include "tests/unit/toy-fixture.h"

#include <string.h>

#include "byte-order.h"
#include "openflow/openflow.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-bundle.h"
#include "openvswitch/ofp-errors.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofpbuf.h"
#include "proto/watchdog/watchdog.h"
#include "util.h"

/* What the apps below have done, reset by each test. */
static int n_port_compiles;
static int n_query_evals;
/* What the watchdog would see the app at, the last time. */
static char port_mark[64], query_mark[64];

/* Sets 'text' to what this thread is marked as busy with. */
static void
read_mark(char text[64])
{
    const struct watchdog_mark *mark;

    atomic_read_relaxed(&watchdog_work.mark, &mark);
    assert_non_null(mark);
    snprintf(text, 64, "%s %s %s", mark->kind, mark->what, mark->object);
}

/* App "count": a flow per port, made from the network's MTU through a query,
 * with priority from the port's role. ------------------------------------- */

static void
eval_mtu(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    const struct vmn_network *network = vmn_read_network(view, key);

    n_query_evals++;
    read_mark(query_mark);
    if (network) {
        vmn_value_set(value, &network->mtu, sizeof network->mtu);
    }
}

static void
compile_port(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    const char *role = vmn_labels_get(vmn_labels_of(view, &port->row),
                                      "role");
    size_t size;
    const uint32_t *mtu = vmn_query(view, "count.mtu", port->network, &size);
    struct vmn_flow *flow;

    n_port_compiles++;
    read_mark(port_mark);
    if (role && !strcmp(role, "broken")) {
        flow = vmn_flow_add(emit, vmn_scope_all(), STAGE, 7, 1);
        return;
    }
    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE, 0, 10);
    vmn_match_mac(flow, VMN_F_ETH_SRC, port->mac);
    vmn_match(flow, VMN_F_REG0, role && !strcmp(role, "web"));
    vmn_act_set(vmn_flow_actions(flow), VMN_F_REG10, *mtu);
    vmn_act_goto(vmn_flow_actions(flow), STAGE, 1);
}

static const struct vmn_app_class count_app = {
    VMN_APP_HEAD, .name = "count",
    .stages = toy_stages,
    .queries = (const struct vmn_query_class[]) {
        { .name = "mtu", .eval = eval_mtu }, { .name = NULL },
    },
    .units = (const struct vmn_unit_class[]) {
        { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
          .compile = compile_port },
        { .name = NULL },
    },
};

static int
setup_count(void **state)
{
    toy_init(&toy, &count_app, NULL);
    toy_edit(&toy, VMN_TABLE_NETWORK, "net", toy_network());
    toy_edit(&toy, VMN_TABLE_PORT, "a", toy_port("net", "web"));
    toy_edit(&toy, VMN_TABLE_PORT, "b", toy_port("net", "db"));
    toy_settle(&toy);
    n_port_compiles = n_query_evals = 0;
    return 0;
}

static void
only_the_changed_port_is_compiled(void **state)
{
    toy_edit(&toy, VMN_TABLE_PORT, "a", toy_port("net", "app"));
    toy_expect(&toy, 1, 1);
    assert_int_equal(n_port_compiles, 1);
    assert_int_equal(n_query_evals, 0);
}

static void
an_equal_query_value_stops_the_wave(void **state)
{
    json_t *network = toy_network();

    json_object_set_new(network, "default", json_string("deny"));
    toy_edit(&toy, VMN_TABLE_NETWORK, "net", network);
    toy_expect(&toy, 0, 0);
    assert_int_equal(n_query_evals, 1);
    assert_int_equal(n_port_compiles, 0);
}

static void
what_is_for_people_computes_nothing(void **state)
{
    json_t *network = toy_network();
    json_t *port = toy_port("net", "web");

    json_object_set_new(network, "description", json_string("other"));
    json_object_set_new(port, "description", json_string("other"));
    toy_edit(&toy, VMN_TABLE_NETWORK, "net", network);
    toy_expect(&toy, 0, 0);
    toy_edit(&toy, VMN_TABLE_PORT, "a", port);
    toy_expect(&toy, 0, 0);
    assert_int_equal(n_query_evals, 0);
    assert_int_equal(n_port_compiles, 0);
}

static void
labels_concern_those_who_read_them(void **state)
{
    json_t *network = toy_network();

    /* The query reads the network, but not its labels. */
    json_object_set_new(network, "labels", json_pack("{s:s}", "a", "b"));
    toy_edit(&toy, VMN_TABLE_NETWORK, "net", network);
    toy_expect(&toy, 0, 0);
    assert_int_equal(n_query_evals, 0);
    toy_edit(&toy, VMN_TABLE_PORT, "a", toy_port("net", "app"));
    toy_expect(&toy, 1, 1);
    assert_int_equal(n_port_compiles, 1);
    /* Who reads them hears of a row that comes anew as well. */
    toy_edit(&toy, VMN_TABLE_PORT, "a", NULL);
    toy_expect(&toy, 0, 1);
    toy_edit(&toy, VMN_TABLE_PORT, "a", toy_port("net", "web"));
    toy_expect(&toy, 1, 0);
    assert_int_equal(n_port_compiles, 2);
}

static void
a_changed_query_value_reaches_its_readers(void **state)
{
    json_t *network = toy_network();

    json_object_set_new(network, "mtu", json_integer(1400));
    toy_edit(&toy, VMN_TABLE_NETWORK, "net", network);
    toy_expect(&toy, 2, 2);
    assert_int_equal(n_query_evals, 1);
    assert_int_equal(n_port_compiles, 2);
}

static void
who_asks_a_query_first_is_compiled_once(void **state)
{
    toy_edit(&toy, VMN_TABLE_NETWORK, "other", toy_network());
    toy_edit(&toy, VMN_TABLE_PORT, "c", toy_port("other", "web"));
    toy_expect(&toy, 1, 0);
    assert_int_equal(n_query_evals, 1);
    assert_int_equal(n_port_compiles, 1);
}

static void
a_deleted_row_takes_its_flows_along(void **state)
{
    toy_edit(&toy, VMN_TABLE_PORT, "a", NULL);
    toy_expect(&toy, 0, 1);
    assert_int_equal(n_port_compiles, 0);
}

static void
a_failed_unit_keeps_its_flows_and_says_why(void **state)
{
    toy_edit(&toy, VMN_TABLE_PORT, "a", toy_port("net", "broken"));
    toy_expect(&toy, 0, 0);

    const struct engine_problems *problems = engine_problems(toy.engine);

    assert_int_equal(problems->n, 1);
    assert_string_equal(problems->problems[0].detail,
                        "stage stage of app count has no table 7: it has 2, "
                        "from 0");

    toy_edit(&toy, VMN_TABLE_PORT, "a", toy_port("net", "web"));
    toy_expect(&toy, 0, 0);
    assert_int_equal(engine_problems(toy.engine)->n, 0);
}

static void
an_undone_edit_leaves_no_trace(void **state)
{
    toy_edit(&toy, VMN_TABLE_PORT, "c", toy_port("net", "web"));
    engine_delta_destroy(engine_run(toy.engine));
    model_undo(toy.model);
    engine_delta_destroy(engine_run(toy.engine));

    struct ds ds = DS_EMPTY_INITIALIZER;

    assert_int_equal(engine_verify(toy.engine, &ds), 0);
    ds_destroy(&ds);
}

static const struct flow_item *first_flow;

static void
remember_flow(void *aux, const struct flow_item *item)
{
    if (item->priority == 10) {
        first_flow = item;
    }
}

/* Decodes a bundle-add message whose inner message is a flow mod. */
static void
decode(const void *data, struct ofputil_flow_mod *fm, struct ofpbuf *ofpacts)
{
    const struct ofp_header *oh = data;
    struct ofputil_bundle_add_msg add;
    enum ofptype type;

    assert_int_equal(oh->version, OFP15_VERSION);
    assert_int_equal(ofputil_decode_bundle_add(oh, &add, &type), 0);
    assert_int_equal(type, OFPTYPE_FLOW_MOD);
    assert_int_equal(add.bundle_id, FLOW_ITEM_BUNDLE_ID);
    assert_int_equal(add.msg->xid, oh->xid);
    ofpbuf_init(ofpacts, 64);
    assert_int_equal(ofputil_decode_flow_mod(fm, add.msg, OFPUTIL_P_OF15_OXM,
                                             NULL, NULL, ofpacts, OFPP_MAX,
                                             255), 0);
}

static void
messages_add_and_withdraw_just_one_flow(void **state)
{
    struct ofputil_flow_mod add, del;
    struct ofpbuf add_acts, del_acts, b;

    toy_edit(&toy, VMN_TABLE_HOST, "h1", toy_host(1));
    toy_settle(&toy);
    engine_host_items(toy.engine, "h1", remember_flow, NULL);
    assert_non_null(first_flow);

    decode(first_flow->add, &add, &add_acts);
    assert_int_equal(add.command, OFPFC_ADD);
    assert_int_equal(ntohll(add.new_cookie), first_flow->cookie);
    assert_int_equal(add.priority, 10);
    assert_true(add.ofpacts_len > 0);

    ofpbuf_init(&b, 0);
    flow_item_put_delete(first_flow, &b);
    decode(b.data, &del, &del_acts);
    assert_int_equal(del.command, OFPFC_DELETE_STRICT);
    assert_int_equal(ntohll(del.cookie), first_flow->cookie);
    /* Not all ones: with that, deletions are quadratic in the switch. */
    assert_true(ntohll(del.cookie_mask) == FLOW_COOKIE_OWNER);
    assert_true(minimatch_equal(&add.match, &del.match));

    struct match match;

    minimatch_expand(&add.match, &match);
    assert_ptr_equal(engine_find_flow(toy.engine, "h1", 0, 10, &match),
                     first_flow);
    assert_null(engine_find_flow(toy.engine, "h2", 0, 10, &match));
    assert_ptr_equal(engine_find_xid(toy.engine, first_flow->xid),
                     first_flow);

    const char *name = engine_cookie_name(toy.engine, first_flow->cookie);

    assert_memory_equal(name, "count.port/", 11);
    ofpbuf_uninit(&b);
    ofpbuf_uninit(&add_acts);
    ofpbuf_uninit(&del_acts);
    minimatch_destroy(&add.match);
    minimatch_destroy(&del.match);
}

static void
app_that_is_disabled_wants_nothing(void **state)
{
    toy_edit(&toy, VMN_TABLE_APP, "count", json_pack("{s:b}", "enabled", 0));
    toy_expect(&toy, 0, 2);
    toy_edit(&toy, VMN_TABLE_APP, "count", json_pack("{s:b}", "enabled", 1));
    toy_expect(&toy, 2, 0);
}

static void
work_is_marked_for_the_watchdog(void **state OVS_UNUSED)
{
    const struct watchdog_mark *mark;

    toy_edit(&toy, VMN_TABLE_PORT, "p1", toy_port("net", "web"));
    toy_settle(&toy);
    assert_string_equal(port_mark, "unit count.port p1");
    assert_string_equal(query_mark, "query count.mtu net");
    atomic_read_relaxed(&watchdog_work.mark, &mark);
    assert_null(mark);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME, SETUP) \
        cmocka_unit_test_setup_teardown(NAME, SETUP, toy_teardown)
        T(only_the_changed_port_is_compiled, setup_count),
        T(an_equal_query_value_stops_the_wave, setup_count),
        T(what_is_for_people_computes_nothing, setup_count),
        T(labels_concern_those_who_read_them, setup_count),
        T(a_changed_query_value_reaches_its_readers, setup_count),
        T(who_asks_a_query_first_is_compiled_once, setup_count),
        T(a_deleted_row_takes_its_flows_along, setup_count),
        T(a_failed_unit_keeps_its_flows_and_says_why, setup_count),
        T(an_undone_edit_leaves_no_trace, setup_count),
        T(messages_add_and_withdraw_just_one_flow, setup_count),
        T(app_that_is_disabled_wants_nothing, setup_count),
        T(work_is_marked_for_the_watchdog, setup_count),
#undef T
    };

    return toy_run_all(argv, tests, ARRAY_SIZE(tests));
}
