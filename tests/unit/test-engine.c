/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of the engine, with apps made for the purpose. */

#include <config.h>

#include "tests/unit/toy-app.h"

#include <string.h>

#include "controller/model/id-pools.h"
#include "openflow/openflow.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-bundle.h"
#include "openvswitch/ofp-errors.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "byte-order.h"
#include "util.h"

/* What the apps below have done, reset by each test. */
static int n_port_compiles;
static int n_query_evals;

enum { STAGE };

static const struct vmn_stage_class one_stage[] = {
    { .name = "stage", .hook = VMN_HOOK_ADMIT, .n_tables = 2,
      .miss = VMN_MISS_DROP },
    { .name = NULL },
};

static struct toy toy;

static int
teardown(void **state)
{
    toy_uninit(&toy);
    return 0;
}

/* App "count": a flow per port, made from the network's MTU through a query,
 * with priority from the port's role. ------------------------------------- */

static void
eval_mtu(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    const struct vmn_network *network = vmn_read_network(view, key);

    n_query_evals++;
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
    if (role && !strcmp(role, "broken")) {
        flow = vmn_flow_add(emit, vmn_scope_all(), STAGE, 7, 1);
        return;
    }
    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE, 0, 10);
    vmn_match_mac(flow, VMN_F_ETH_SRC, port->mac);
    vmn_match(flow, VMN_F_REG0, role && !strcmp(role, "web"));
    vmn_act_set(vmn_flow_actions(flow), VMN_F_REG1, *mtu);
    vmn_act_goto(vmn_flow_actions(flow), STAGE, 1);
}

static const struct vmn_app_class count_app = {
    VMN_APP_HEAD, .name = "count",
    .stages = one_stage,
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
                        "app count has no stage 0 with a table 7");

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
    assert_true(del.cookie_mask == OVS_BE64_MAX);
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

/* App "facts": ports publish their host's membership of a network; a unit per
 * network has a flow in the scope of these hosts. ------------------------- */

static void
compile_membership(struct vmn_view *view, const char *key,
                   struct vmn_emit *emit)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    const struct vmn_binding *binding = vmn_read_binding(view, key);

    if (binding) {
        vmn_publish(emit, "facts.hosts", port->network, binding->host);
    }
}

static int n_network_compiles;

static void
compile_network(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_names hosts = vmn_relation_values(view, "facts.hosts", key);
    struct vmn_flow *flow;

    n_network_compiles++;
    flow = vmn_flow_add(emit, vmn_scope_relation("facts.hosts", key), STAGE, 0,
                        20);
    vmn_match(flow, VMN_F_REG0, hosts.n);
    vmn_act_drop(vmn_flow_actions(flow), "test");
}

static const struct vmn_app_class facts_app = {
    VMN_APP_HEAD, .name = "facts",
    .stages = one_stage,
    .units = (const struct vmn_unit_class[]) {
        { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
          .compile = compile_membership },
        { .name = "network", .each = VMN_EACH_KEY, .relation = "facts.hosts",
          .compile = compile_network },
        { .name = NULL },
    },
};

static void
bind_port(const char *port, const char *host)
{
    toy_edit(&toy, VMN_TABLE_BINDING, port,
             host ? json_pack("{s:s}", "host", host) : NULL);
}

static int
setup_facts(void **state)
{
    toy_init(&toy, &facts_app, NULL);
    toy_edit(&toy, VMN_TABLE_HOST, "h1", toy_host(1));
    toy_edit(&toy, VMN_TABLE_HOST, "h2", toy_host(2));
    toy_edit(&toy, VMN_TABLE_NETWORK, "net", toy_network());
    toy_edit(&toy, VMN_TABLE_PORT, "a", toy_port("net", "web"));
    toy_edit(&toy, VMN_TABLE_PORT, "b", toy_port("net", "db"));
    bind_port("a", "h1");
    toy_settle(&toy);
    n_network_compiles = 0;
    return 0;
}

static void
a_fact_published_twice_changes_nothing(void **state)
{
    bind_port("b", "h1");
    toy_expect(&toy, 0, 0);
    assert_int_equal(n_network_compiles, 0);
    bind_port("a", NULL);
    toy_expect(&toy, 0, 0);
    assert_int_equal(n_network_compiles, 0);
}

static void
a_host_joins_and_leaves_a_scope(void **state)
{
    bind_port("b", "h2");

    struct engine_delta *delta = toy_run(&toy);

    assert_int_equal(delta->n_members, 1);
    assert_string_equal(delta->members[0].host, "h2");
    assert_true(delta->members[0].joined);
    engine_delta_destroy(delta);

    bind_port("b", NULL);
    delta = toy_run(&toy);
    assert_int_equal(delta->n_members, 1);
    assert_false(delta->members[0].joined);
    engine_delta_destroy(delta);
}

static void
the_last_fact_takes_the_unit_along(void **state)
{
    bind_port("a", NULL);

    struct engine_delta *delta = toy_run(&toy);

    assert_int_equal(delta->n_changes, 1);
    assert_false(delta->changes[0].added);
    assert_int_equal(delta->n_members, 1);
    assert_string_equal(delta->members[0].host, "h1");
    assert_false(delta->members[0].joined);
    engine_delta_destroy(delta);
}

/* Apps "one" and "two", which write to the same flows. -------------------- */

static void
compile_clause(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(), STAGE, 0, 30);

    vmn_match(flow, VMN_F_REG1, 7);
    vmn_act_conjunction(vmn_flow_actions(flow),
                        vmn_id_of(view, "one.conj", key), 1, 2);
    if (key[0] == 'z') {
        vmn_flow_count(flow);
    }
}

/* Wants register 2 = 9 to lead to a value of the port's own. */
static void
compile_rival(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(), STAGE, 0, 40);

    vmn_match(flow, VMN_F_REG2, 9);
    vmn_act_set(vmn_flow_actions(flow), VMN_F_REG3, key[0]);
    vmn_act_goto(vmn_flow_actions(flow), STAGE, 1);
}

static const struct vmn_app_class one_app = {
    VMN_APP_HEAD, .name = "one",
    .stages = one_stage,
    .id_pools = (const struct vmn_id_pool_class[]) {
        { "one.conj", 1000 }, { NULL, 0 },
    },
    .units = (const struct vmn_unit_class[]) {
        { .name = "clause", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
          .compile = compile_clause },
        { .name = "rival", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
          .compile = compile_rival },
        { .name = NULL },
    },
};

static int
setup_one(void **state)
{
    toy_init(&toy, &one_app, NULL);
    toy_edit(&toy, VMN_TABLE_NETWORK, "net", toy_network());
    toy_edit(&toy, VMN_TABLE_PORT, "b", toy_port("net", "web"));
    toy_settle(&toy);
    return 0;
}

static size_t
count_desired_flows(void)
{
    struct engine_stats stats;

    engine_get_stats(toy.engine, &stats);
    return stats.n_flows;
}

/* Every flow, merged ones too, leads to who wants it. */
static void
check_owner(void *n_clauses, const struct flow_item *item)
{
    const char *name = engine_cookie_name(toy.engine, item->cookie);

    assert_non_null(name);
    if (item->priority == 30) {
        assert_memory_equal(name, "one.clause/", 11);
        ++*(int *) n_clauses;
    }
}

static void
a_merged_flow_names_one_of_its_units(void **state)
{
    int n_clauses = 0;

    toy_edit(&toy, VMN_TABLE_HOST, "h1", toy_host(1));
    toy_edit(&toy, VMN_TABLE_PORT, "c", toy_port("net", "web"));
    toy_settle(&toy);
    engine_host_items(toy.engine, "h1", check_owner, &n_clauses);
    assert_int_equal(n_clauses, 1);
}

static void
clauses_cannot_be_counted(void **state)
{
    const struct engine_problems *problems;

    toy_edit(&toy, VMN_TABLE_PORT, "z", toy_port("net", "web"));
    toy_settle(&toy);
    problems = engine_problems(toy.engine);
    assert_string_equal("one.clause/z", problems->problems[0].units[0]);
    assert_non_null(strstr(problems->problems[0].detail, "counted"));
}

/* App "parts": a port's flow is counted as the part that its role says, and as
 * what else it says. */
static void
compile_part(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    const char *role = vmn_labels_get(vmn_labels_of(view, &port->row),
                                      "role");
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(), STAGE, 0, 10);

    vmn_match_mac(flow, VMN_F_ETH_SRC, port->mac);
    vmn_flow_count_part(flow, strtoul(role, NULL, 10));
    if (strstr(role, "conjunction")) {
        vmn_match(flow, VMN_F_CONJ_ID, 3);
    }
    if (strstr(role, "log")) {
        vmn_flow_log(flow);
    }
    if (strstr(role, "drop")) {
        vmn_act_drop(vmn_flow_actions(flow), "the test wants it");
    } else {
        vmn_act_set(vmn_flow_actions(flow), VMN_F_REG1, 1);
        vmn_act_goto(vmn_flow_actions(flow), STAGE, 1);
    }
}

static const struct vmn_app_class parts_app = {
    VMN_APP_HEAD, .name = "parts",
    .stages = one_stage,
    .units = (const struct vmn_unit_class[]) {
        { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
          .compile = compile_part },
        { .name = NULL },
    },
};

static int
setup_parts(void **state)
{
    toy_init(&toy, &parts_app, NULL);
    toy_edit(&toy, VMN_TABLE_NETWORK, "net", toy_network());
    toy_edit(&toy, VMN_TABLE_HOST, "h1", toy_host(1));
    return 0;
}

static void
part_cb(void *part_, const struct flow_item *item)
{
    uint32_t *part = part_;

    if (item->priority == 10) {
        assert_true(item->cookie & FLOW_COOKIE_COUNTED);
        *part = flow_item_part(item);
    } else {
        assert_int_equal(flow_item_part(item), 0);
    }
}

static uint32_t
part_now(void)
{
    uint32_t part = 99;

    engine_host_items(toy.engine, "h1", part_cb, &part);
    return part;
}

static void
counted_flows_have_the_part_that_was_said(void **state)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    toy_edit(&toy, VMN_TABLE_PORT, "a", toy_port("net", "4000000001"));
    toy_settle(&toy);
    assert_int_equal(part_now(), 4000000001u);
    toy_edit(&toy, VMN_TABLE_PORT, "a", toy_port("net", "7"));
    toy_expect(&toy, 1, 1);
    assert_int_equal(part_now(), 7);
    assert_int_equal(engine_verify(toy.engine, &ds), 0);
    ds_destroy(&ds);
    toy_edit(&toy, VMN_TABLE_PORT, "a", toy_port("net", "0"));
    toy_expect(&toy, 1, 1);
    assert_int_equal(part_now(), 0);
    /* With none they may be what they like. */
    toy_edit(&toy, VMN_TABLE_PORT, "a", toy_port("net", "0-drop"));
    toy_expect(&toy, 1, 1);
    assert_int_equal(part_now(), 0);
}

static void
what_is_counted_as_something_else_has_no_part(void **state)
{
    static const char *const roles[] = { "7-drop", "7-log", "7-conjunction" };

    for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
        const struct engine_problems *problems;

        toy_edit(&toy, VMN_TABLE_PORT, "a", toy_port("net", roles[i]));
        toy_settle(&toy);
        problems = engine_problems(toy.engine);
        assert_int_equal(problems->n, 1);
        assert_non_null(strstr(problems->problems[0].detail,
                               "has no other part"));
        toy_edit(&toy, VMN_TABLE_PORT, "a", NULL);
        toy_settle(&toy);
    }
}

static void
clauses_of_several_units_meet_in_one_flow(void **state)
{
    size_t before = count_desired_flows();

    toy_edit(&toy, VMN_TABLE_PORT, "c", toy_port("net", "web"));
    toy_expect(&toy, 1, 1);     /* The merged flow, with one more clause. */
    assert_int_equal(count_desired_flows(), before);
    toy_edit(&toy, VMN_TABLE_PORT, "b", NULL);
    toy_settle(&toy);
    assert_int_equal(count_desired_flows(), before);
    toy_edit(&toy, VMN_TABLE_PORT, "c", NULL);
    toy_settle(&toy);
    assert_int_equal(count_desired_flows(), before - 2);
}

static void
of_two_rivals_the_first_by_name_wins(void **state)
{
    const struct engine_problems *problems;

    /* "a" comes later and takes the place of "b": order of arrival does not
     * matter. */
    toy_edit(&toy, VMN_TABLE_PORT, "a", toy_port("net", "web"));
    toy_settle(&toy);
    problems = engine_problems(toy.engine);
    assert_int_equal(problems->n, 1);
    assert_string_equal(problems->problems[0].units[0], "one.rival/a");
    assert_string_equal(problems->problems[0].units[1], "one.rival/b");

    toy_edit(&toy, VMN_TABLE_PORT, "a", NULL);
    toy_settle(&toy);
    assert_int_equal(engine_problems(toy.engine)->n, 0);
}

/* App "late": a unit that, when it is new, reads a query's value before it
 * learns that it is stale, and once more after. --------------------------- */

static void
eval_base(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    const struct vmn_network *network = vmn_read_network(view, key);

    if (network) {
        vmn_value_set(value, &network->mtu, sizeof network->mtu);
    }
}

static void
eval_above(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    size_t size;
    const void *base = vmn_query(view, "late.base", key, &size);

    if (base) {
        vmn_value_set(value, base, size);
    }
}

static void
compile_late(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    size_t size;
    const uint32_t *value = vmn_query(view, "late.above", port->network,
                                      &size);
    uint32_t first = value ? *value : 0;
    struct vmn_flow *flow;

    vmn_query(view, "late.base", port->network, &size);
    vmn_query(view, "late.above", port->network, &size);
    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE, 0, 10);
    vmn_match_mac(flow, VMN_F_ETH_SRC, port->mac);
    vmn_act_set(vmn_flow_actions(flow), VMN_F_REG1, first);
}

static const struct vmn_app_class late_app = {
    VMN_APP_HEAD, .name = "late",
    .stages = one_stage,
    .queries = (const struct vmn_query_class[]) {
        { .name = "base", .eval = eval_base },
        { .name = "above", .eval = eval_above },
        { .name = NULL },
    },
    .units = (const struct vmn_unit_class[]) {
        { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
          .compile = compile_late },
        { .name = NULL },
    },
};

static int
setup_late(void **state)
{
    toy_init(&toy, &late_app, NULL);
    toy_edit(&toy, VMN_TABLE_NETWORK, "net", toy_network());
    toy_edit(&toy, VMN_TABLE_PORT, "a", toy_port("net", "web"));
    toy_settle(&toy);
    return 0;
}

static void
a_value_read_too_early_is_read_again(void **state)
{
    json_t *network = toy_network();
    struct ds ds = DS_EMPTY_INITIALIZER;

    json_object_set_new(network, "mtu", json_integer(1400));
    toy_edit(&toy, VMN_TABLE_NETWORK, "net", network);
    toy_edit(&toy, VMN_TABLE_PORT, "b", toy_port("net", "web"));
    toy_expect(&toy, 2, 1);
    if (engine_verify(toy.engine, &ds)) {
        fail_msg("%s", ds_cstr(&ds));
    }
    ds_destroy(&ds);
}

/* App "circle": queries and facts that depend on themselves. -------------- */

static void
eval_circle(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    size_t size;

    vmn_query(view, "circle.self", key, &size);
    vmn_value_set(value, "x", 1);
}

static void
compile_query_circle(struct vmn_view *view, const char *key,
                     struct vmn_emit *emit)
{
    size_t size;

    vmn_query(view, "circle.self", key, &size);
}

/* Publishes one more than what it reads. */
static void
compile_fact_circle(struct vmn_view *view, const char *key,
                    struct vmn_emit *emit)
{
    struct vmn_names names = vmn_relation_values(view, "circle.facts", "k");

    vmn_publish(emit, "circle.facts", "k",
                vmn_printf(view, "%d", names.n ? atoi(names.names[0]) + 1
                                               : 0));
}

static const struct vmn_app_class circle_app = {
    VMN_APP_HEAD,
    .name = "circle",
    .queries = (const struct vmn_query_class[]) {
        { .name = "self", .eval = eval_circle }, { .name = NULL },
    },
    .units = (const struct vmn_unit_class[]) {
        { .name = "query", .each = VMN_EACH_ONCE,
          .compile = compile_query_circle },
        { .name = "fact", .each = VMN_EACH_ONCE,
          .compile = compile_fact_circle },
        { .name = NULL },
    },
};

static int
setup_circle(void **state)
{
    toy_init(&toy, &circle_app, NULL);
    return 0;
}

static void
circles_come_to_an_end(void **state)
{
    toy_settle(&toy);
    toy_edit(&toy, VMN_TABLE_HOST, "h1", toy_host(1));
    toy_settle(&toy);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(NAME, SETUP) cmocka_unit_test_setup_teardown(NAME, SETUP, teardown)
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
        T(a_fact_published_twice_changes_nothing, setup_facts),
        T(a_host_joins_and_leaves_a_scope, setup_facts),
        T(the_last_fact_takes_the_unit_along, setup_facts),
        T(clauses_of_several_units_meet_in_one_flow, setup_one),
        T(a_merged_flow_names_one_of_its_units, setup_one),
        T(clauses_cannot_be_counted, setup_one),
        T(counted_flows_have_the_part_that_was_said, setup_parts),
        T(what_is_counted_as_something_else_has_no_part, setup_parts),
        T(of_two_rivals_the_first_by_name_wins, setup_one),
        T(a_value_read_too_early_is_read_again, setup_late),
        T(circles_come_to_an_end, setup_circle),
#undef T
    };

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
