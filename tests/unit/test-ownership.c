/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of what belongs to which app: an app of others uses what is
 * another's, and its unit fails; what two claim is that of VMN's own app.  The
 * same from a worker is in test-app-worker.c; refusals at loading are in
 * test-apphost.c. */

#include <config.h>

#include "tests/unit/toy-app.h"

#include <string.h>

#include "controller/engine/relation.h"
#include "controller/flow/flow-item.h"
#include "controller/model/id-pools.h"
#include "openvswitch/vlog.h"
#include "util.h"

static struct toy toy;

#define ALLOWED VMN_F_REG10             /* All that the guest declares. */
#define OTHER VMN_F_REG12

/* What the guest's unit does where a port's role says so.  ---------------- */

struct call {
    struct vmn_view *view;
    struct vmn_emit *emit;
    struct vmn_flow *flow;
    struct vmn_actions *actions;        /* Of 'flow'. */
};

static void
publish_foreign(const struct call *c)
{
    vmn_publish(c->emit, "firewall.members", "k", "v");
}

static void
publish_similar(const struct call *c)
{
    vmn_publish(c->emit, "guest-house.members", "k", "v");
}

static void
publish_unnamed(const struct call *c)
{
    vmn_publish(c->emit, "members", "k", "v");
}

static void
publish_own(const struct call *c)
{
    vmn_publish(c->emit, "guest.members", "k", "v");
    vmn_publish(c->emit, VMN_REL_CLAIMED, "net|10.0.0.9/32", "");
    vmn_relation_values(c->view, "firewall.members", "k");
}

static void
target_own(const struct call *c)
{
    vmn_publish(c->emit, VMN_REL_PROBE_TARGETS, "guest.1",
                "p|4||10.0.0.2|10.0.0.1|0e:56:4d:00:00:01|02:00:00:00:00:01|0"
                "|1000|500|2|3");
}

static void
target_foreign(const struct call *c)
{
    vmn_publish(c->emit, VMN_REL_PROBE_TARGETS, "chains.1", "");
}

static void
id_foreign(const struct call *c)
{
    vmn_id_of(c->view, "firewall.identity", "k");
}

static void
id_undeclared(const struct call *c)
{
    vmn_id_of(c->view, "guest.undeclared", "k");
}

static void
id_own(const struct call *c)
{
    vmn_match(c->flow, VMN_F_REG1, vmn_id_of(c->view, "guest.number", "k"));
    vmn_match(c->flow, VMN_REG_ZONE, vmn_domain_zone(c->view, "net"));
    vmn_match(c->flow, VMN_F_REG2, vmn_id_of(c->view, VMN_ID_POOL_ZONE,
                                             "gateway/r"));
    vmn_match(c->flow, VMN_F_REG3, vmn_id_of(c->view, VMN_ID_POOL_HOST,
                                             "h1"));
}

static void
query_foreign(const struct call *c)
{
    size_t size;

    vmn_query(c->view, "guest.asks", "k", &size);
}

static void
meter(const struct call *c)
{
    vmn_act_limit(c->actions, "all", 100, 7);
}

static void
meter_kbps(const struct call *c)
{
    vmn_act_limit_kbps(c->actions, "all", 100, 7);
}

static void
copy(const struct call *c)
{
    vmn_act_copy(c->actions, &(const struct vmn_copy) {
        .key = "copy", .rate = 100, .burst = 7, .to = VMN_COPY_TO_READERS,
        .type = 3, .name = "k", .max_size = 100 });
}

static void
set_scratch(const struct call *c)
{
    vmn_act_set(c->actions, OTHER, 1);
}

static void
set_masked(const struct call *c)
{
    vmn_act_set_masked(c->actions, OTHER, 1, 1);
}

static void
move(const struct call *c)
{
    vmn_act_move(c->actions, ALLOWED, OTHER);
}

static void
move_bits(const struct call *c)
{
    vmn_act_move_bits(c->actions, ALLOWED, 0, OTHER, 0, 4);
}

static void
swap_left(const struct call *c)
{
    vmn_act_swap(c->actions, OTHER, ALLOWED);
}

static void
swap_right(const struct call *c)
{
    vmn_act_swap(c->actions, ALLOWED, OTHER);
}

static void
hash_client(const struct call *c)
{
    vmn_act_hash_client(c->actions, 0, OTHER, 4);
}

static void
hash_connection(const struct call *c)
{
    vmn_act_hash_connection(c->actions, 0, OTHER, 4);
}

static void
find_mac(const struct call *c)
{
    vmn_act_find_mac(c->actions);
}

static void
find_client(const struct call *c)
{
    vmn_act_find_client(c->actions);
}

static void
find_member(const struct call *c)
{
    vmn_act_find_member(c->actions);
}

static void
learn_member(const struct call *c)
{
    vmn_act_learn_member(c->actions, &(struct vmn_member) {
        .hard_s = 1, .limit = 1, .from = OTHER });
}

static void
learn_source(const struct call *c)
{
    vmn_act_learn_source(c->actions, &(struct vmn_member) {
        .eth_type = VMN_ETH_IPV4, .hard_s = 1, .limit = 1, .from = OTHER });
}

static void
in_bucket(const struct call *c)
{
    struct vmn_group_msg *group = vmn_group_add(c->emit, vmn_scope_all(),
                                                VMN_GROUP_SELECT, "b");

    vmn_act_set(vmn_bucket_add(group, 1, 1), OTHER, 1);
}

static void
set_zone(const struct call *c)
{
    vmn_act_set(c->actions, VMN_REG_ZONE, 1);
}

static void
set_source(const struct call *c)
{
    vmn_act_set(c->actions, VMN_REG_SRC_ID, 1);
}

static void
set_where(const struct call *c)
{
    vmn_act_set(c->actions, VMN_REG_OUT_PORT, 1);
}

static void
set_hairpin(const struct call *c)
{
    vmn_act_set_masked(c->actions, VMN_REG_FLAGS, VMN_FLAG_HAIRPIN,
                       VMN_FLAG_HAIRPIN | VMN_FLAG_LIMITED);
}

static void
move_flags(const struct call *c)
{
    vmn_act_move_bits(c->actions, OTHER, 0, VMN_REG_FLAGS,
                      VMN_FLAG_PCP_SHIFT, VMN_FLAG_PCP_BITS + 1);
}

static void
set_allowed(const struct call *c)
{
    vmn_act_set(c->actions, ALLOWED, 1);
    vmn_act_move(c->actions, OTHER, ALLOWED);
    vmn_act_set_masked(c->actions, VMN_REG_FLAGS, VMN_FLAG_LIMITED,
                       VMN_FLAG_LIMITED);
    vmn_act_move_bits(c->actions, OTHER, 0, VMN_REG_FLAGS,
                      VMN_FLAG_PCP_SHIFT, VMN_FLAG_PCP_BITS);
    vmn_act_check_size(c->actions, 1400);
    vmn_act_restart(c->actions);
}

static void
set_where_in_locate(const struct call *c)
{
    struct vmn_flow *flow = vmn_flow_add(c->emit, vmn_scope_all(), 1, 0, 20);

    vmn_act_set(vmn_flow_actions(flow), VMN_REG_OUT_PORT, 1);
    vmn_act_set(vmn_flow_actions(flow), VMN_REG_DST_HOST, 1);
    vmn_act_set(vmn_flow_actions(flow), VMN_REG_DST_LOCAL, 1);
}

/* What the policies have let in is for them to say; the rest is free. */
static void
commit_in_zone(const struct call *c)
{
    vmn_act_ct(c->actions, &(struct vmn_ct) {
        .commit = true, .zone = VMN_REG_ZONE });
}

static void
look_in_zone(const struct call *c)
{
    vmn_act_ct(c->actions, &(struct vmn_ct) {
        .zone = VMN_REG_ZONE, .then = VMN_CT_NEXT });
}

static void
commit_elsewhere(const struct call *c)
{
    vmn_act_ct(c->actions, &(struct vmn_ct) {
        .commit = true, .zone = ALLOWED });
}

#define STAGE_WRITES "stage guest of app guest writes register "
#define NOT_SCRATCH ", which is not among its scratch registers"
#define PIPELINE "), which is the pipeline's"

static const struct deed {
    const char *name;
    void (*function)(const struct call *);
    const char *problem;                /* NULL: none. */
} deeds[] = {
    { "publish-foreign", publish_foreign,
      "unit guest.port/p publishes to \"firewall.members\", a relation of app "
      "firewall" },
    { "publish-similar", publish_similar,
      "unit guest.port/p publishes to \"guest-house.members\", a relation of "
      "app guest-house" },
    { "publish-unnamed", publish_unnamed,
      "unit guest.port/p publishes to \"members\", a relation that is not "
      "named \"APP.NAME\"" },
    { "publish-own", publish_own, NULL },
    { "target-own", target_own, NULL },
    { "target-foreign", target_foreign,
      "unit guest.port/p publishes \"chains.1\", a probe target of app "
      "chains" },
    { "id-foreign", id_foreign,
      "unit guest.port/p asks for an ID of pool \"firewall.identity\", one of "
      "app firewall" },
    { "id-undeclared", id_undeclared,
      "unit guest.port/p asks for an ID of pool \"guest.undeclared\", an "
      "undeclared one of app guest" },
    { "id-own", id_own, NULL },
    { "query-foreign", query_foreign,
      "query guest.asks at \"k\" has failed: query guest.asks at \"k\" "
      "asks for an ID of pool \"firewall.identity\", one of app firewall" },
    { "meter", meter, NULL },
    { "meter-kbps", meter_kbps, NULL },
    { "copy", copy, "app guest has no type 3 of its own: it has 0, from 0" },
    { "set", set_scratch, STAGE_WRITES "12" NOT_SCRATCH },
    { "set-masked", set_masked, STAGE_WRITES "12" NOT_SCRATCH },
    { "move", move, STAGE_WRITES "12" NOT_SCRATCH },
    { "move-bits", move_bits, STAGE_WRITES "12" NOT_SCRATCH },
    { "swap-left", swap_left, STAGE_WRITES "12" NOT_SCRATCH },
    { "swap-right", swap_right, STAGE_WRITES "12" NOT_SCRATCH },
    { "hash-client", hash_client, STAGE_WRITES "12" NOT_SCRATCH },
    { "hash-connection", hash_connection, STAGE_WRITES "12" NOT_SCRATCH },
    { "find-mac", find_mac, STAGE_WRITES "11" NOT_SCRATCH },
    { "find-client", find_client, STAGE_WRITES "11" NOT_SCRATCH },
    { "find-member", find_member, STAGE_WRITES "11" NOT_SCRATCH },
    { "learn-member", learn_member, NULL },
    { "learn-source", learn_source, NULL },
    { "bucket", in_bucket, "a bucket of app guest writes register 12, which "
      "is not scratch in all of its stages" },
    { "zone", set_zone, STAGE_WRITES "5 (VMN_REG_ZONE" PIPELINE },
    { "source", set_source, STAGE_WRITES "1 (VMN_REG_SRC_ID" PIPELINE },
    { "where", set_where, STAGE_WRITES "7 (VMN_REG_OUT_PORT" PIPELINE },
    { "hairpin", set_hairpin, STAGE_WRITES "9 (VMN_REG_FLAGS" PIPELINE },
    { "move-flags", move_flags, STAGE_WRITES "9 (VMN_REG_FLAGS" PIPELINE },
    { "commit", commit_in_zone, "a connection is not committed in "
      "VMN_REG_ZONE, the policies' zone, before these have judged it" },
    { "look", look_in_zone, NULL },
    { "commit-elsewhere", commit_elsewhere, NULL },
    { "allowed", set_allowed, NULL },
    { "where-in-locate", set_where_in_locate, NULL },
};

/* The apps.  -------------------------------------------------------------- */

static void
emit_group(struct vmn_emit *emit, const char *key, uint32_t port)
{
    struct vmn_group_msg *group = vmn_group_add(emit, vmn_scope_all(),
                                                VMN_GROUP_SELECT, key);

    vmn_act_output(vmn_bucket_add(group, 1, 1), port);
}

static void
compile_port(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    const char *role = port ? vmn_labels_get(vmn_labels_of(view, &port->row),
                                             "role") : NULL;

    for (size_t i = 0; role && i < ARRAY_SIZE(deeds); i++) {
        if (!strcmp(role, deeds[i].name)) {
            struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(), 0, 0,
                                                 10);

            vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_IPV4);
            deeds[i].function(&(struct call) { view, emit, flow,
                                               vmn_flow_actions(flow) });
        }
    }
    if (role && !strcmp(role, "group")) {
        emit_group(emit, "g", 1);
    }
}

static void
compile_own(struct vmn_view *view OVS_UNUSED, const char *key,
            struct vmn_emit *emit)
{
    /* The other one is by chance what the guest's "g" is called. */
    emit_group(emit, strcmp(key, "claims") ? "g" : "app/guest/g", 2);
}

static void
eval_asks(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    uint32_t id = vmn_id_of(view, "firewall.identity", key);

    vmn_value_set(value, &id, sizeof id);
}

static const struct vmn_app_class guest_app = {
    VMN_APP_HEAD, .name = "guest",
    .stages = (const struct vmn_stage_class[]) {
        { .name = "guest", .hook = VMN_HOOK_SERVICE, .n_tables = 1,
          .scratch = VMN_SCRATCH(ALLOWED) },
        { .name = "locate", .hook = VMN_HOOK_LOCATE, .n_tables = 1,
          .scratch = VMN_SCRATCH(OTHER) },
        { .name = "last", .hook = VMN_HOOK_DELIVER, .n_tables = 1 },
        { .name = NULL },
    },
    .queries = (const struct vmn_query_class[]) {
        { .name = "asks", .eval = eval_asks }, { .name = NULL },
    },
    .units = (const struct vmn_unit_class[]) {
        { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
          .compile = compile_port },
        { .name = NULL },
    },
    .id_pools = (const struct vmn_id_pool_class[]) {
        { "guest.number", 100 }, { NULL },
    },
};

/* One of VMN's own by its name, which comes after the guest's. */
static const struct vmn_app_class own_app = {
    VMN_APP_HEAD, .name = "overlay",
    .units = (const struct vmn_unit_class[]) {
        { .name = "host", .each = VMN_EACH_ROW, .row_type = VMN_ROW_HOST,
          .compile = compile_own },
        { .name = NULL },
    },
};

static int
setup(void **state OVS_UNUSED)
{
    toy_init(&toy, &guest_app, &own_app);
    toy_edit(&toy, VMN_TABLE_HOST, "h1", toy_host(1));
    toy_edit(&toy, VMN_TABLE_NETWORK, "net", toy_network());
    toy_settle(&toy);
    return 0;
}

static int
teardown(void **state OVS_UNUSED)
{
    toy_uninit(&toy);
    return 0;
}

static void
put_port(const char *role)
{
    toy_edit(&toy, VMN_TABLE_PORT, "p", toy_port("net", role));
    toy_settle(&toy);
}

static uint32_t
id_of(const char *pool, const char *key)
{
    return id_pools_peek(model_id_pools(toy.model), pool, key);
}

/* The tests.  ------------------------------------------------------------- */

static void
what_is_another_apps_fails_the_unit(void **state OVS_UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(deeds); i++) {
        const struct engine_problems *problems;

        put_port(deeds[i].name);
        problems = engine_problems(toy.engine);
        if (!deeds[i].problem) {
            if (problems->n) {
                fail_msg("%s: %s", deeds[i].name,
                         problems->problems[0].detail);
            }
            continue;
        }
        if (problems->n != 1) {
            fail_msg("%s: %"PRIuSIZE" problems", deeds[i].name, problems->n);
        }
        assert_string_equal(problems->problems[0].units[0], "guest.port/p");
        assert_string_equal(problems->problems[0].detail, deeds[i].problem);
    }
    assert_int_equal(engine_relation_values(toy.engine, "firewall.members",
                                            "k").n, 0);
}

static void
keys_of_shared_pools_are_the_apps_own(void **state OVS_UNUSED)
{
    put_port("id-own");
    assert_int_not_equal(id_of(VMN_ID_POOL_ZONE, "policy/net"), 0);
    assert_int_not_equal(id_of(VMN_ID_POOL_HOST, "h1"), 0);
    assert_int_not_equal(id_of(VMN_ID_POOL_ZONE, "app/guest/gateway/r"), 0);
    assert_int_equal(id_of(VMN_ID_POOL_ZONE, "gateway/r"), 0);

    put_port("group");
    assert_int_not_equal(id_of(VMN_ID_POOL_GROUP, "g"), 0);
    assert_int_not_equal(id_of(VMN_ID_POOL_GROUP, "app/guest/g"), 0);
    assert_int_equal(engine_problems(toy.engine)->n, 0);
}

static void
a_meter_of_the_apps_own_key_has_its_rate(void **state OVS_UNUSED)
{
    struct flow_limit limit;
    uint32_t number;

    put_port("meter");
    put_port("meter-kbps");
    number = id_of(VMN_ID_POOL_METER, "app/guest/100|7|all");
    assert_int_not_equal(number, 0);
    assert_true(engine_get_limit(toy.engine,
                                 FLOW_LIMIT_FIRST_METER - 1 + number,
                                 &limit));
    assert_int_equal(limit.rate, 100);
    assert_int_equal(limit.burst, 7);
    assert_int_equal(limit.kbps, 0);
    number = id_of(VMN_ID_POOL_METER, "app/guest/100k|7|all");
    assert_int_not_equal(number, 0);
    assert_true(engine_get_limit(toy.engine,
                                 FLOW_LIMIT_FIRST_METER - 1 + number,
                                 &limit));
    assert_int_equal(limit.rate, 100);
    assert_int_equal(limit.kbps, 1);
}

/* Not who comes first by name. */
static void
of_conflicting_claims_that_of_an_own_app_holds(void **state OVS_UNUSED)
{
    const struct engine_problems *problems;
    const struct flow_item *item;

    put_port("group");
    toy_edit(&toy, VMN_TABLE_HOST, "claims", toy_host(2));
    toy_settle(&toy);
    problems = engine_problems(toy.engine);
    assert_int_equal(problems->n, 1);
    assert_string_equal(problems->problems[0].kind, "conflict");
    assert_string_equal(problems->problems[0].units[0], "overlay.host/claims");
    assert_string_equal(problems->problems[0].units[1], "guest.port/p");
    item = engine_find_group(toy.engine, "h1",
                             id_of(VMN_ID_POOL_GROUP, "app/guest/g"));
    assert_string_equal(engine_item_owner(toy.engine, item),
                        "overlay.host/claims");
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
        T(what_is_another_apps_fails_the_unit),
        T(keys_of_shared_pools_are_the_apps_own),
        T(a_meter_of_the_apps_own_key_has_its_rate),
        T(of_conflicting_claims_that_of_an_own_app_holds),
#undef T
    };

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    if (argv[1]) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
