/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of the fabric's OpenFlow side: the real model, engine and commit,
 * an app made for the purpose, fake switches, and a fake OVSDB side that says
 * what the test wants. */

#include <config.h>

#include "tests/unit/fabric-fixture.h"

#include <event2/event.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "controller/fabric/marker.h"
#include "controller/model/numbers.h"
#include "openvswitch/ofp-bundle.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofmsg.h"
#include "random.h"
#include "tests/unit/fake-switch.h"
#include "timeval.h"
#include "util.h"

#define N_HOSTS 3

/* The app.  A host's labels "net" and "net2" put it into the scopes of these
 * networks.  A port makes a flow whose priority is its label "prio" and whose
 * action is its label "value", in the scope of its label "scope": "all",
 * "net" or a host's name; with a label "group", through a group. ---------- */

static void
compile_host(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_host *host = vmn_read_host(view, key);
    const char *const labels[] = { "net", "net2" };

    for (size_t i = 0; host && i < 2; i++) {
        const char *net = vmn_labels_get(&host->labels, labels[i]);

        if (net) {
            vmn_publish(emit, "toy.members", net, key);
        }
    }
}

static void
compile_port(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    const char *prio = vmn_labels_get(&port->labels, "prio");
    const char *value = vmn_labels_get(&port->labels, "value");
    const char *where = vmn_labels_get(&port->labels, "scope");
    struct vmn_actions *actions;
    struct vmn_scope scope;
    struct vmn_flow *flow;

    if (!prio) {
        return;
    }
    scope = (!where || !strcmp(where, "all") ? vmn_scope_all()
             : !strcmp(where, "net")
             ? vmn_scope_facts("toy.members", port->network)
             : vmn_scope_host(where));
    flow = vmn_flow_add(emit, scope, 0, 0, atoi(prio));
    vmn_match(flow, VMN_F_REG0, 7);
    actions = vmn_flow_actions(flow);
    if (vmn_labels_get(&port->labels, "group")) {
        struct vmn_group_msg *group;

        group = vmn_group_add(emit, scope, VMN_GROUP_SELECT, key);
        vmn_act_output(vmn_bucket_add(group, 1, 1),
                       value ? atoi(value) + 1 : 1);
        vmn_act_output(vmn_bucket_add(group, 2, 1), 2000);
        vmn_act_group(actions, group);
    } else {
        vmn_act_set(actions, VMN_F_REG1, value ? atoi(value) : 0);
        vmn_act_next(actions);
    }
}

static const struct vmn_app_class toy_app = {
    .abi = VMN_APP_ABI, .size = sizeof(struct vmn_app_class), .name = "toy",
    .stages = (const struct vmn_stage_class[]) {
        { .name = "one", .hook = VMN_HOOK_ADMIT, .n_tables = 1,
          .miss = VMN_MISS_DROP },
        { .name = "two", .hook = VMN_HOOK_DELIVER, .n_tables = 1,
          .miss = VMN_MISS_DROP },
        { .name = NULL },
    },
    .units = (const struct vmn_unit_class[]) {
        { .name = "host", .each = VMN_EACH_ROW, .table = VMN_TABLE_HOST,
          .compile = compile_host },
        { .name = "port", .each = VMN_EACH_ROW, .table = VMN_TABLE_PORT,
          .compile = compile_port },
        { .name = NULL },
    },
};

/* The fixture.  ---------------------------------------------------------- */

static struct fake_switch switches[N_HOSTS];
static char dir[] = "/tmp/test-fabric-XXXXXX";
static char *path;

static struct fabric_host *
host(int i)
{
    char name[16];

    snprintf(name, sizeof name, "h%d", i);
    return fabric_find_host(fabric, name);
}

static void
turn(void)
{
    fixture_turn();
    for (int i = 0; i < N_HOSTS; i++) {
        fake_switch_run(&switches[i]);
    }
}

#define TURN_UNTIL(CONDITION) FIXTURE_TURN_UNTIL(turn, CONDITION)

static void
edit(enum vmn_table table, const char *name, json_t *spec)
{
    fixture_edit(table, name, spec, turn);
}

static void
edit_host(int i, const char *net, const char *net2)
{
    json_t *labels = json_pack("{s:s*, s:s*}", "net", net, "net2", net2);
    char name[16];

    snprintf(name, sizeof name, "h%d", i);
    edit(VMN_TABLE_HOST, name,
         json_pack("{s:s, s:o, s:o}", "ovsdb", "inbound",
                   "tunnel_ip", json_sprintf("192.0.2.%d", i + 1),
                   "labels", labels));
}

static json_t *
port_spec(const char *network, int prio, const char *scope, int value,
          bool group)
{
    json_t *labels = json_pack("{s:o, s:s, s:o, s:s*}",
                               "prio", json_sprintf("%d", prio),
                               "scope", scope,
                               "value", json_sprintf("%d", value),
                               "group", group ? "yes" : NULL);

    return json_pack("{s:s, s:o}", "network", network, "labels", labels);
}

/* A port whose flow has priority 'prio', see the app. */
static void
edit_port(const char *name, const char *network, int prio, const char *scope,
          int value, bool group)
{
    edit(VMN_TABLE_PORT, name, port_spec(network, prio, scope, value, group));
}

/* 'n' ports in one revision; 'value' -1 deletes them. */
static void
edit_ports(int n, const char *scope, int value)
{
    struct model_request request;

    model_request_init(&request, "test");
    request.list = true;
    for (int i = 0; i < n; i++) {
        char name[16];

        snprintf(name, sizeof name, "many%d", i);
        model_request_add(&request, value < 0 ? MODEL_DELETE : MODEL_PUT,
                          VMN_TABLE_PORT, name,
                          value < 0 ? NULL
                          : port_spec("red", 1000 + i, scope, value, false));
    }
    fixture_submit(&request, turn);
}

/* Three hosts and a network, no switch. */
static int
setup_with(struct fabric_options *options)
{
    strcpy(dir, "/tmp/test-fabric-XXXXXX");
    assert_non_null(mkdtemp(dir));
    path = xasprintf("unix:%s/openflow", dir);
    for (int i = 0; i < N_HOSTS; i++) {
        fake_switch_init(&switches[i], 0x100 + i);
    }
    options->openflow_listen = path;
    fixture_start_with(options, &toy_app, NULL);
    for (int i = 0; i < N_HOSTS; i++) {
        edit_host(i, NULL, NULL);
    }
    edit(VMN_TABLE_NETWORK, "red",
         json_pack("{s:[{s:s}]}", "subnets", "cidr", "10.0.0.0/16"));
    edit(VMN_TABLE_NETWORK, "blue",
         json_pack("{s:[{s:s}]}", "subnets", "cidr", "10.0.0.0/16"));
    return 0;
}

static int
setup(void **state OVS_UNUSED)
{
    struct fabric_options options = { .max_bundles = 0 };

    return setup_with(&options);
}

/* Few bundles may be under way, and few bytes queued. */
static int
setup_tight(void **state OVS_UNUSED)
{
    struct fabric_options options = {
        .max_bundles = 4, .max_queue = 512 * 1024,
    };

    return setup_with(&options);
}

/* Each host is audited every second. */
static int
setup_audits(void **state OVS_UNUSED)
{
    struct fabric_options options = { .audit_s = 1 };

    return setup_with(&options);
}

/* Answers are due soon. */
static int
setup_hasty(void **state OVS_UNUSED)
{
    struct fabric_options options = { .stall_ms = 1000 };

    return setup_with(&options);
}

/* Nothing but that few bundles may be under way. */
static int
setup_narrow(void **state OVS_UNUSED)
{
    struct fabric_options options = { .max_bundles = 2 };

    return setup_with(&options);
}

static int
teardown(void **state OVS_UNUSED)
{
    for (int i = 0; i < N_HOSTS; i++) {
        fake_switch_uninit(&switches[i]);
    }
    fixture_stop();
    rmdir(dir);
    free(path);
    return 0;
}

/* Connects the switch of host 'i', which has reported, and waits until it is
 * right. */
static bool
is_synced(int i)
{
    const char *reason;

    return !strcmp(switch_state_name(host(i)->sw, &reason), "synced");
}

static bool
is_diverged(int i)
{
    const char *reason;

    return !strcmp(switch_state_name(host(i)->sw, &reason), "diverged");
}

static void
connect_only(int i)
{
    fabric_host_set_datapath(host(i), switches[i].datapath_id);
    fabric_host_set_reported(host(i));
    fake_switch_connect(&switches[i], path + strlen("unix:"));
}

static void
connect_host(int i)
{
    connect_only(i);
    TURN_UNTIL(is_synced(i));
}

static void
disconnect_host(int i)
{
    fake_switch_disconnect(&switches[i]);
    TURN_UNTIL(!host(i)->sw->conn);
}

/* Waits until all bundles are acknowledged by host 'i'. */
static void
until_acked(int i)
{
    TURN_UNTIL(switch_acked(host(i)->sw) >= fabric->last_revision);
}

struct check {
    const struct fake_switch *fs;
    size_t n_flows, n_groups;
};

static void
check_cb(void *check_, const struct engine_item *item)
{
    struct check *check = check_;
    const struct fake_flow *flow;
    const struct fake_group *group;
    bool found = false;

    /* Inside of the bundle's message, behind 16 bytes, is the flow_mod. */
    if (item->kind == ENGINE_FLOW) {
        check->n_flows++;
        LIST_FOR_EACH (flow, node, &check->fs->flows) {
            found |= (flow->mod->size == item->add_size - 16
                      && !memcmp((char *) flow->mod->data + 8,
                                 item->add + 24, flow->mod->size - 8));
        }
    } else {
        check->n_groups++;
        LIST_FOR_EACH (group, node, &check->fs->groups) {
            found |= (group->mod->size == item->add_size - 16
                      && !memcmp((char *) group->mod->data + 8,
                                 item->add + 24, group->mod->size - 8));
        }
    }
    if (!found) {
        fail_msg("switch %"PRIx64" lacks %s", check->fs->datapath_id,
                 item_describe(toy.engine, item));
    }
}

/* The switch holds exactly what the engine wants it to. */
static void
check_host(int i)
{
    struct check check = { .fs = &switches[i] };

    engine_host_items(toy.engine, host(i)->name, check_cb, &check);
    /* ... and the marker, which says so. */
    assert_int_equal(ovs_list_size(&switches[i].flows), check.n_flows + 1);
    assert_int_equal(fake_switch_marker(&switches[i]),
                     marker_cookie(engine_host_digest(toy.engine,
                                                      host(i)->name)));
    assert_int_equal(ovs_list_size(&switches[i].groups), check.n_groups);
}

/* How a host is listed in the receipt of 'rev', or NULL. */
static const char *
receipt_of(uint64_t rev, int i)
{
    static char word[16];
    json_t *receipt = fabric_receipt(fabric, rev);
    json_t *entry;
    size_t j;

    word[0] = '\0';
    json_array_foreach (json_object_get(receipt, "hosts"), j, entry) {
        if (!strcmp(json_string_value(json_object_get(entry, "host")),
                    host(i)->name)) {
            ovs_strlcpy(word, json_string_value(json_object_get(entry,
                                                                "state")),
                        sizeof word);
        }
    }
    json_decref(receipt);
    return word[0] ? word : "none";
}

/* Reconciling.  ---------------------------------------------------------- */

static void
empty_switch_gets_all_in_one_bundle(void **state OVS_UNUSED)
{
    edit_port("a", "red", 100, "all", 1, false);
    edit_port("b", "red", 200, "all", 2, true);
    edit_port("c", "red", 300, "h1", 3, false);
    connect_host(0);
    check_host(0);
    assert_int_equal(switches[0].n_commits, 1);
    assert_non_null(fake_switch_find(&switches[0], 200));
    assert_null(fake_switch_find(&switches[0], 300));
    assert_int_equal(ovs_list_size(&switches[0].groups), 1);
}

static void
nothing_is_compared_before_the_host_has_reported(void **state OVS_UNUSED)
{
    edit_port("a", "red", 100, "all", 1, false);
    fabric_host_set_datapath(host(0), switches[0].datapath_id);
    fake_switch_connect(&switches[0], path + strlen("unix:"));
    TURN_UNTIL(host(0)->sw->conn);
    for (int i = 0; i < 20; i++) {
        turn();
    }
    assert_int_equal(switches[0].n_dumps, 0);
    assert_int_equal(switches[0].n_questions, 0);
    fabric_host_set_reported(host(0));
    TURN_UNTIL(is_synced(0));
    check_host(0);
}

static void
switch_is_kept_until_its_host_is_known(void **state OVS_UNUSED)
{
    fabric_host_set_reported(host(0));
    fake_switch_connect(&switches[0], path + strlen("unix:"));
    for (int i = 0; i < 20; i++) {
        turn();
    }
    assert_true(switches[0].fd >= 0);
    assert_null(host(0)->sw->conn);
    assert_true(fabric_host_set_datapath(host(0), switches[0].datapath_id));
    TURN_UNTIL(is_synced(0));
    check_host(0);

    /* Two hosts cannot have one switch. */
    assert_false(fabric_host_set_datapath(host(1), switches[0].datapath_id));

    /* Another bridge took its place: the switch is let go of. */
    assert_true(fabric_host_set_datapath(host(0), 0x999));
    TURN_UNTIL(switches[0].fd < 0);
    assert_null(host(0)->sw->conn);
}

static void
reconnecting_unchanged_sends_no_flow_message(void **state OVS_UNUSED)
{
    struct fabric_stats stats;
    unsigned n_mods;

    edit_port("a", "red", 100, "all", 1, false);
    edit_port("b", "red", 200, "all", 2, true);
    connect_host(0);
    n_mods = switches[0].n_mods;
    disconnect_host(0);
    connect_host(0);
    assert_int_equal(switches[0].n_mods, n_mods);
    assert_int_equal(switches[0].n_commits, 1);
    assert_int_equal(switches[0].n_dumps, 1);
    assert_int_equal(switches[0].n_questions, 2);
    assert_int_equal(switches[0].n_markers, 1);
    fabric_get_stats(fabric, &stats);
    assert_int_equal(stats.n_reconciles, 2);
    assert_int_equal(stats.n_reconciles_unchanged, 1);
    assert_int_equal(stats.n_fingerprints_equal, 1);
    assert_int_equal(stats.n_synced, 1);
}

static void
restarted_controller_leaves_right_flows_alone(void **state OVS_UNUSED)
{
    unsigned n_mods;

    edit_port("a", "red", 100, "all", 1, false);
    edit_port("b", "red", 200, "all", 2, true);
    connect_host(0);
    n_mods = switches[0].n_mods;

    /* Another engine, with other xids, that wants the same. */
    disconnect_host(0);
    fixture_stop();
    fixture_start(path, NULL, &toy_app, NULL);
    edit_host(0, NULL, NULL);
    edit(VMN_TABLE_NETWORK, "red",
         json_pack("{s:[{s:s}]}", "subnets", "cidr", "10.0.0.0/16"));
    edit_port("b", "red", 200, "all", 2, true);
    edit_port("a", "red", 100, "all", 1, false);
    connect_host(0);
    check_host(0);
    assert_int_equal(switches[0].n_mods, n_mods);
    /* One question was enough. */
    assert_int_equal(switches[0].n_dumps, 1);
    assert_int_equal(switches[0].n_questions, 2);
    assert_int_equal(switches[0].n_commits, 1);

    /* It goes on from there by differences. */
    edit_port("c", "red", 300, "all", 1, false);
    until_acked(0);
    check_host(0);
}

static void
missing_or_wrong_marker_means_a_dump(void **state OVS_UNUSED)
{
    unsigned n_mods;

    edit_port("a", "red", 100, "all", 1, false);
    connect_host(0);
    n_mods = switches[0].n_mods;
    for (int i = 0; i < 3; i++) {
        disconnect_host(0);
        if (i == 0) {
            fake_switch_add_flow(&switches[0],
                                 "table=253,priority=65535,cookie=5,"
                                 "actions=drop");
        } else if (i == 1) {
            fake_switch_add_flow(&switches[0],
                                 "table=253,priority=65535,cookie=0,"
                                 "actions=drop");
        } else {
            /* The marker is right, but there is a stranger beside it. */
            fake_switch_add_flow(&switches[0],
                                 "table=253,priority=9,actions=drop");
        }
        connect_host(0);
        assert_int_equal(switches[0].n_dumps, 2 + i);
        check_host(0);
    }
    /* The stranger's was deleted. */
    assert_int_equal(switches[0].n_mods, n_mods + 1);
}

static void
refusal_takes_the_marker_away(void **state OVS_UNUSED)
{
    unsigned n_unmarks = switches[0].n_unmarks;

    connect_host(0);
    switches[0].refuse_priority = 200;
    edit_port("b", "red", 200, "all", 1, false);
    edit_port("a", "red", 100, "all", 1, false);
    TURN_UNTIL(is_diverged(0));
    assert_true(switches[0].n_unmarks > n_unmarks);
    assert_int_equal(fake_switch_marker(&switches[0]), 0);

    /* Nor does a later bundle bring one. */
    edit_port("c", "red", 300, "all", 1, false);
    TURN_UNTIL(!strcmp(receipt_of(revision, 0), "confirmed"));
    assert_int_equal(fake_switch_marker(&switches[0]), 0);
    switches[0].refuse_priority = 0;
    TURN_UNTIL(is_synced(0));
    check_host(0);
}

static void
unanswered_bundle_means_a_dump(void **state OVS_UNUSED)
{
    unsigned n_dumps;

    connect_host(0);
    switches[0].hold = true;
    edit_port("a", "red", 100, "all", 1, false);
    n_dumps = switches[0].n_dumps;
    disconnect_host(0);
    switches[0].hold = false;
    connect_host(0);
    assert_int_equal(switches[0].n_dumps, n_dumps + 1);
    check_host(0);
}

static void
only_the_difference_is_mended(void **state OVS_UNUSED)
{
    const struct fake_flow *flow;
    unsigned n_mods;

    edit_port("a", "red", 100, "all", 1, false);
    edit_port("b", "red", 200, "all", 2, false);
    connect_host(0);
    disconnect_host(0);
    n_mods = switches[0].n_mods;
    /* A stranger's flow, one of ours with other actions, and what changed
     * while the switch was away. */
    fake_switch_add_flow(&switches[0], "table=5,priority=9,actions=drop");
    fake_switch_add_flow(&switches[0],
                         "priority=100,reg0=7,actions=output:9");
    edit_port("c", "red", 300, "all", 3, false);
    connect_host(0);
    check_host(0);
    assert_int_equal(switches[0].n_mods, n_mods + 3);
    flow = fake_switch_find(&switches[0], 200);
    assert_int_equal(flow->age, 1);
    assert_null(fake_switch_find(&switches[0], 9));
}

static void
change_during_the_check_is_not_lost(void **state OVS_UNUSED)
{
    edit_port("a", "red", 100, "all", 1, false);
    edit_port("b", "red", 200, "all", 1, false);
    switches[0].hold = true;
    connect_only(0);
    TURN_UNTIL(host(0)->sw->state == SWITCH_CHECKING);
    edit_port("a", "red", 100, "all", 5, false);
    edit_port("c", "red", 300, "all", 5, false);
    edit(VMN_TABLE_PORT, "b", NULL);
    assert_string_equal(receipt_of(revision, 0), "pending");
    fake_switch_release(&switches[0]);
    until_acked(0);
    check_host(0);
    assert_string_equal(receipt_of(revision, 0), "confirmed");
    assert_int_equal(switches[0].n_dumps, 1);
}

static void
change_during_the_reading_is_not_lost(void **state OVS_UNUSED)
{
    const struct fake_flow *flow;
    unsigned n_mods;
    char name[16];

    /* A dump that takes several turns. */
    edit_ports(3000, "all", 1);
    edit_port("a", "red", 100, "all", 1, false);
    edit_port("b", "red", 200, "all", 1, false);
    connect_host(0);
    disconnect_host(0);
    n_mods = switches[0].n_mods;
    fake_switch_remove(&switches[0], MARKER_PRIORITY);
    connect_only(0);
    TURN_UNTIL(switches[0].n_dumps == 2);
    for (int i = 0; i < 40; i++) {
        turn();                 /* Its beginning is read. */
    }
    LIST_FOR_EACH (flow, node, &switches[0].flows) {
        if (flow->table == 0 && flow->priority >= 1000) {
            break;
        }
    }
    snprintf(name, sizeof name, "many%d", flow->priority - 1000);
    edit(VMN_TABLE_PORT, name, NULL);
    edit_port("a", "red", 100, "all", 2, false);
    edit_port("new", "red", 5000, "all", 1, false);
    assert_int_equal(host(0)->sw->state, SWITCH_READING);
    TURN_UNTIL(is_synced(0));
    until_acked(0);
    check_host(0);
    assert_int_equal(switches[0].n_mods, n_mods + 3);
    assert_string_equal(receipt_of(revision, 0), "confirmed");
}

/* Differences.  ---------------------------------------------------------- */

static void
each_revision_is_one_bundle_in_order(void **state OVS_UNUSED)
{
    edit_port("a", "red", 100, "all", 1, true);
    connect_host(0);
    ds_clear(&switches[0].order);

    edit_port("b", "red", 200, "all", 1, true);
    until_acked(0);
    assert_string_equal(ds_cstr(&switches[0].order), "GF.");
    /* The flow's key stays: it is added over the old, and not deleted. */
    ds_clear(&switches[0].order);
    edit_port("b", "red", 200, "all", 1, false);
    until_acked(0);
    assert_string_equal(ds_cstr(&switches[0].order), "Fg.");
    ds_clear(&switches[0].order);
    edit(VMN_TABLE_PORT, "a", NULL);
    until_acked(0);
    assert_string_equal(ds_cstr(&switches[0].order), "fg.");
    check_host(0);
}

static void
change_that_no_flow_reads_sends_nothing(void **state OVS_UNUSED)
{
    json_t *receipt;
    unsigned n;

    edit_port("a", "red", 100, "all", 1, false);
    connect_host(0);
    n = switches[0].n_commits;
    edit(VMN_TABLE_NETWORK, "blue",
         json_pack("{s:s, s:[{s:s}]}", "description", "other",
                   "subnets", "cidr", "10.0.0.0/16"));
    receipt = fabric_receipt(fabric, revision);
    assert_true(json_is_true(json_object_get(receipt, "installed")));
    assert_int_equal(json_array_size(json_object_get(receipt, "hosts")), 0);
    json_decref(receipt);
    for (int i = 0; i < 10; i++) {
        turn();
    }
    assert_int_equal(switches[0].n_commits, n);
    assert_int_equal(switch_acked(host(0)->sw), revision);
}

static void
joining_a_scope_installs_all_and_leaving_withdraws(void **state OVS_UNUSED)
{
    edit_port("a", "red", 100, "net", 1, true);
    edit_port("b", "red", 200, "net", 1, false);
    edit_port("c", "blue", 300, "net", 1, false);
    for (int i = 0; i < N_HOSTS; i++) {
        connect_host(i);
        assert_true(ovs_list_is_empty(&switches[i].groups));
    }
    edit_host(1, "red", NULL);
    until_acked(1);
    check_host(1);
    assert_non_null(fake_switch_find(&switches[1], 200));
    assert_int_equal(ovs_list_size(&switches[1].groups), 1);
    assert_string_equal(receipt_of(revision, 0), "none");
    assert_string_equal(receipt_of(revision, 1), "confirmed");

    edit_host(1, "blue", NULL);
    until_acked(1);
    check_host(1);
    assert_null(fake_switch_find(&switches[1], 200));
    assert_non_null(fake_switch_find(&switches[1], 300));

    edit_host(1, NULL, NULL);
    until_acked(1);
    check_host(1);
    assert_null(fake_switch_find(&switches[1], 300));
}

static void
large_differences_reach_all_hosts_whole(void **state OVS_UNUSED)
{
    /* More than a reference is worth, and more than a socket holds. */
    const int n = 3000;

    for (int i = 0; i < N_HOSTS; i++) {
        connect_host(i);
    }
    edit_ports(n, "all", 1);
    for (int i = 0; i < N_HOSTS; i++) {
        until_acked(i);
        check_host(i);
    }
    disconnect_host(0);
    connect_host(0);
    check_host(0);
    edit_ports(n, "net", 2);
    edit_host(0, "red", NULL);
    edit_host(1, "red", NULL);
    for (int i = 0; i < N_HOSTS; i++) {
        until_acked(i);
        check_host(i);
    }
    assert_int_equal(ovs_list_size(&switches[2].flows),
                     ovs_list_size(&switches[0].flows) - n);
    edit_ports(n, NULL, -1);
    for (int i = 0; i < N_HOSTS; i++) {
        until_acked(i);
        check_host(i);
    }
}

static void
flow_that_changes_scope_is_never_missing(void **state OVS_UNUSED)
{
    edit_port("a", "red", 100, "all", 1, false);
    for (int i = 0; i < N_HOSTS; i++) {
        connect_host(i);
    }
    for (int round = 0; round < 3; round++) {
        /* The same cookie, match and actions, in another scope. */
        edit_port("a", "red", 100, "h1", 1, false);
        for (int i = 0; i < N_HOSTS; i++) {
            until_acked(i);
            check_host(i);
        }
        assert_non_null(fake_switch_find(&switches[1], 100));
        assert_null(fake_switch_find(&switches[2], 100));
        assert_null(strchr(ds_cstr(&switches[1].order), 'f'));

        edit_port("a", "red", 100, "h2", 1, false);
        until_acked(1);
        until_acked(2);
        check_host(1);
        check_host(2);
        edit_port("a", "red", 100, "all", 1, false);
        for (int i = 0; i < N_HOSTS; i++) {
            until_acked(i);
            check_host(i);
            ds_clear(&switches[i].order);
        }
    }
}

/* Acknowledgements.  ----------------------------------------------------- */

static int n_waits;
static bool wait_installed;

static void
wait_cb(void *aux OVS_UNUSED, bool installed, const json_t *receipt)
{
    n_waits++;
    wait_installed = installed;
    assert_non_null(receipt);
}

static void
wait_ends_when_every_host_has_it(void **state OVS_UNUSED)
{
    n_waits = 0;
    connect_host(0);
    connect_host(1);
    switches[1].hold = true;
    edit_port("a", "red", 100, "all", 1, false);
    fabric_wait(fabric, revision, 60000, wait_cb, NULL);
    TURN_UNTIL(!strcmp(receipt_of(revision, 0), "confirmed"));
    assert_string_equal(receipt_of(revision, 1), "pending");
    assert_string_equal(receipt_of(revision, 2), "offline");
    assert_int_equal(n_waits, 0);
    fake_switch_release(&switches[1]);
    TURN_UNTIL(!strcmp(receipt_of(revision, 1), "confirmed"));
    assert_int_equal(n_waits, 0);
    connect_host(2);
    TURN_UNTIL(n_waits);
    assert_true(wait_installed);
    assert_int_equal(n_waits, 1);

    /* Once more: at once, but not from inside of the call. */
    fabric_wait(fabric, revision, 60000, wait_cb, NULL);
    assert_int_equal(n_waits, 1);
    TURN_UNTIL(n_waits == 2);
}

static void
wait_ends_at_its_time_out(void **state OVS_UNUSED)
{
    struct fabric_wait *cancelled;

    n_waits = 0;
    edit_port("a", "red", 100, "all", 1, false);
    cancelled = fabric_wait(fabric, revision, 1, wait_cb, NULL);
    fabric_wait_cancel(cancelled);
    fabric_wait(fabric, revision, 1, wait_cb, NULL);
    TURN_UNTIL(n_waits);
    assert_false(wait_installed);
    assert_int_equal(n_waits, 1);
}

static void
removed_host_is_not_waited_for(void **state OVS_UNUSED)
{
    n_waits = 0;
    connect_host(0);
    connect_host(1);
    edit_port("a", "red", 100, "all", 1, false);
    fabric_wait(fabric, revision, 60000, wait_cb, NULL);
    TURN_UNTIL(!strcmp(receipt_of(revision, 1), "confirmed"));
    edit(VMN_TABLE_HOST, "h2", NULL);
    TURN_UNTIL(n_waits);
    assert_true(wait_installed);
    assert_null(host(2));
    edit(VMN_TABLE_HOST, "h1", NULL);
    TURN_UNTIL(switches[1].fd < 0);
}

static void
numbers_are_freed_once_every_host_has_acknowledged(void **state OVS_UNUSED)
{
    struct numbers *numbers = model_numbers(toy.model);
    uint32_t value;

    connect_host(0);
    connect_host(1);
    edit_port("a", "red", 100, "all", 1, true);
    value = numbers_peek(numbers, VMN_NUMBER_GROUP, "a");
    assert_int_not_equal(value, 0);
    edit(VMN_TABLE_PORT, "a", NULL);
    until_acked(0);
    until_acked(1);
    for (int i = 0; i < 10; i++) {
        turn();
    }
    /* Host 2 is offline. */
    assert_string_equal(numbers_key_of(numbers, VMN_NUMBER_GROUP, value),
                        "a");
    connect_host(2);
    TURN_UNTIL(!numbers_key_of(numbers, VMN_NUMBER_GROUP, value));
}

/* Trouble.  -------------------------------------------------------------- */

static const char *
host_reason(int i)
{
    const char *reason;

    switch_state_name(host(i)->sw, &reason);
    return reason ? reason : "";
}

static void
refused_flow_is_named_and_does_not_spin(void **state OVS_UNUSED)
{
    uint64_t refused;
    unsigned n_dumps;

    connect_host(0);
    switches[0].refuse_priority = 200;
    edit_port("b", "red", 200, "all", 1, false);
    refused = revision;
    TURN_UNTIL(is_diverged(0));
    assert_string_equal(receipt_of(refused, 0), "failed");
    assert_non_null(strstr(host_reason(0), "priority=200"));
    assert_non_null(strstr(host_reason(0), "toy.port/b"));
    assert_non_null(strstr(host_reason(0), "OFPBAC_BAD_TYPE"));

    /* It is not tried again all the time, and the rest goes on. */
    n_dumps = switches[0].n_dumps;
    edit_port("a", "red", 100, "all", 1, false);
    TURN_UNTIL(!strcmp(receipt_of(revision, 0), "confirmed"));
    for (int i = 0; i < 50; i++) {
        turn();
    }
    assert_true(switches[0].n_dumps <= n_dumps + 1);
    assert_non_null(fake_switch_find(&switches[0], 100));
    assert_null(fake_switch_find(&switches[0], 200));

    /* Tried again after the rest, and no longer refused. */
    switches[0].refuse_priority = 0;
    TURN_UNTIL(is_synced(0));
    check_host(0);
    assert_string_equal(receipt_of(refused, 0), "confirmed");
}

static void
refused_flow_that_is_withdrawn_is_forgotten_at_once(void **state OVS_UNUSED)
{
    connect_host(0);
    switches[0].refuse_priority = 200;
    edit_port("b", "red", 200, "all", 1, false);
    TURN_UNTIL(is_diverged(0));
    host(0)->sw->rest_ms = 1000000;
    edit(VMN_TABLE_PORT, "b", NULL);
    TURN_UNTIL(is_synced(0));
    check_host(0);
}

static void
first_bundle_commits_nothing_before_it_is_checked(void **state OVS_UNUSED)
{
    edit_port("a", "red", 100, "all", 1, false);
    edit_port("b", "red", 200, "all", 1, false);
    switches[0].refuse_priority = 200;
    connect_only(0);
    TURN_UNTIL(is_diverged(0));
    /* Dropped, and made again without the refused flow. */
    assert_int_equal(switches[0].n_discards, 1);
    assert_int_equal(switches[0].n_commits, 1);
    assert_non_null(fake_switch_find(&switches[0], 100));
    assert_null(fake_switch_find(&switches[0], 200));
}

static void
fault_at_commit_leaves_out_what_caused_it(void **state OVS_UNUSED)
{
    /* Once in a first bundle ... */
    edit_port("a", "red", 100, "all", 1, false);
    edit_port("b", "red", 200, "all", 1, false);
    switches[0].refuse_at_commit = 200;
    connect_only(0);
    TURN_UNTIL(is_diverged(0));
    assert_non_null(fake_switch_find(&switches[0], 100));
    assert_null(fake_switch_find(&switches[0], 200));
    assert_non_null(strstr(host_reason(0), "OFPBAC_BAD_OUT_GROUP"));

    /* ... and once in a later one. */
    switches[0].refuse_at_commit = 0;
    TURN_UNTIL(is_synced(0));
    switches[0].refuse_at_commit = 300;
    edit_port("c", "red", 300, "all", 1, false);
    TURN_UNTIL(is_diverged(0));
    switches[0].refuse_at_commit = 0;
    TURN_UNTIL(is_synced(0));
    check_host(0);
}

static void
switch_without_bundles_is_let_go_and_rests(void **state OVS_UNUSED)
{
    unsigned n_dumps;

    edit_port("a", "red", 100, "all", 1, false);
    switches[0].refuse_open = true;
    connect_only(0);
    TURN_UNTIL(switches[0].fd < 0);
    assert_non_null(strstr(host_reason(0), "refuses bundles"));
    n_dumps = switches[0].n_dumps;
    switches[0].refuse_open = false;
    fake_switch_connect(&switches[0], path + strlen("unix:"));
    TURN_UNTIL(host(0)->sw->conn);
    assert_int_equal(switches[0].n_dumps, n_dumps);
    TURN_UNTIL(is_synced(0));
    check_host(0);
}

static void
reply_out_of_the_blue_ends_the_connection(void **state OVS_UNUSED)
{
    struct ofputil_bundle_ctrl_msg ctrl = {
        .bundle_id = 1, .type = OFPBCT_COMMIT_REPLY,
    };
    struct ofpbuf request;

    connect_host(0);
    ofpbuf_init(&request, 0);
    ofmsg_put_bundle_commit(&request, 1, 77);
    fake_switch_send(&switches[0],
                     ofputil_encode_bundle_ctrl_reply(request.data, &ctrl));
    ofpbuf_uninit(&request);
    TURN_UNTIL(switches[0].fd < 0);
    TURN_UNTIL(!host(0)->sw->conn);
}

static void
second_connection_takes_the_place_of_the_first(void **state OVS_UNUSED)
{
    struct fake_switch other;

    connect_host(0);
    fake_switch_init(&other, switches[0].datapath_id);
    fake_switch_connect(&other, path + strlen("unix:"));
    TURN_UNTIL((fake_switch_run(&other), switches[0].fd < 0));
    fake_switch_uninit(&other);
}

/* Back-pressure.  -------------------------------------------------------- */

static json_int_t
openflow_figure(int i, const char *name)
{
    json_t *status = switch_status(host(i)->sw);
    json_int_t value = json_integer_value(json_object_get(status, name));

    json_decref(status);
    return value;
}

static void
slow_switch_gets_the_net_difference(void **state OVS_UNUSED)
{
    uint64_t revisions[32];
    unsigned n_mods, n_commits;
    int n = 0;

    edit_port("a", "red", 100, "all", 1, false);
    edit_port("gone", "red", 150, "all", 1, true);
    connect_host(0);
    connect_host(1);
    n_mods = switches[0].n_mods;
    n_commits = switches[0].n_commits;
    switches[0].hold = true;
    edit_port("b", "red", 200, "all", 1, false);
    edit_port("b", "red", 200, "all", 2, false);
    assert_int_equal(openflow_figure(0, "outstanding_bundles"), 2);
    assert_true(openflow_figure(0, "outstanding_bytes") > 0);
    assert_int_equal(openflow_figure(0, "merging"), 0);

    /* From here on all is put off. */
    for (int i = 0; i < 5; i++) {
        edit_port("c", "red", 300, "all", i, i % 2);    /* Group 1, 3. */
        revisions[n++] = revision;
        edit_port("flicker", "red", 400, "all", i, true);
        revisions[n++] = revision;
        edit(VMN_TABLE_PORT, "flicker", NULL);
        revisions[n++] = revision;
    }
    edit_port("a", "red", 100, "all", 7, false);
    edit_port("a", "red", 100, "all", 1, false);        /* As it was. */
    edit(VMN_TABLE_PORT, "gone", NULL);
    revisions[n++] = revision;
    assert_int_equal(openflow_figure(0, "outstanding_bundles"), 2);
    assert_int_equal(openflow_figure(0, "merging"), n + 2);
    for (int i = 0; i < n; i++) {
        assert_string_equal(receipt_of(revisions[i], 0), "pending");
    }
    assert_true(switch_acked(host(0)->sw) < revisions[0]);

    /* The other one was not slowed. */
    until_acked(1);
    check_host(1);
    assert_string_equal(receipt_of(revision, 1), "confirmed");

    fake_switch_release(&switches[0]);
    until_acked(0);
    check_host(0);
    /* Two for b, and then c's flow, and gone's flow and group. */
    assert_int_equal(switches[0].n_commits, n_commits + 3);
    assert_int_equal(switches[0].n_mods, n_mods + 2 + 3);
    assert_int_equal(openflow_figure(0, "merging"), 0);
    for (int i = 0; i < n; i++) {
        assert_string_equal(receipt_of(revisions[i], 0), "confirmed");
    }
    assert_int_equal(switches[0].n_dumps, 1);
}

static void
what_comes_to_nothing_sends_nothing(void **state OVS_UNUSED)
{
    unsigned n_commits;

    connect_host(0);
    switches[0].hold = true;
    edit_port("b", "red", 200, "all", 1, false);
    edit_port("c", "red", 300, "all", 1, false);
    edit_port("d", "red", 400, "all", 1, true);
    edit(VMN_TABLE_PORT, "d", NULL);
    n_commits = switches[0].n_commits;
    fake_switch_release(&switches[0]);
    until_acked(0);
    assert_string_equal(receipt_of(revision, 0), "confirmed");
    assert_string_equal(receipt_of(revision - 1, 0), "confirmed");
    assert_int_equal(switches[0].n_commits, n_commits + 2);
    check_host(0);
}

static void
error_with_a_backlog_is_mended(void **state OVS_UNUSED)
{
    connect_host(0);
    switches[0].hold = true;
    switches[0].refuse_priority = 300;
    edit_port("b", "red", 200, "all", 1, false);
    edit_port("c", "red", 300, "all", 1, false);
    edit_port("d", "red", 400, "all", 1, false);
    edit_port("e", "red", 300, "h0", 1, false);
    fake_switch_release(&switches[0]);
    TURN_UNTIL(is_diverged(0));
    assert_non_null(fake_switch_find(&switches[0], 400));
    assert_int_equal(fake_switch_marker(&switches[0]), 0);
    switches[0].refuse_priority = 0;
    TURN_UNTIL(is_synced(0));
    until_acked(0);
    check_host(0);
}

static void
switch_that_does_not_read_is_cut_off(void **state OVS_UNUSED)
{
    struct fabric_stats stats;

    connect_host(0);
    connect_host(1);
    switches[0].deaf = true;
    host(0)->sw->rest_ms = 100000;
    for (int i = 1; host(0)->sw->conn; i++) {
        assert_true(i < 5);
        edit_ports(3000, "all", i);     /* Half of what may wait. */
        until_acked(1);
    }
    assert_non_null(strstr(host_reason(0), "does not read"));
    check_host(1);
    assert_non_null(strstr(host_reason(0), "stalled"));
    assert_string_equal(receipt_of(revision, 0), "offline");
    assert_int_equal(openflow_figure(0, "stalls"), 1);
    fabric_get_stats(fabric, &stats);
    assert_int_equal(stats.n_stalls, 1);

    /* It comes back, rests a while, and is made right bit by bit. */
    fake_switch_disconnect(&switches[0]);
    switches[0].deaf = false;
    edit_ports(3000, NULL, -1);
    fake_switch_connect(&switches[0], path + strlen("unix:"));
    TURN_UNTIL(host(0)->sw->conn);
    assert_non_null(strstr(host_reason(0), "stalled"));
    assert_true(host(0)->sw->resting);
    event_active(host(0)->sw->rest, EV_TIMEOUT, 1);
    TURN_UNTIL(is_synced(0));
    check_host(0);
    assert_string_equal(receipt_of(revision, 0), "confirmed");
}

static void
switch_that_does_not_answer_is_cut_off(void **state OVS_UNUSED)
{
    connect_host(0);
    switches[0].hold = true;
    edit_port("b", "red", 200, "all", 1, false);
    TURN_UNTIL(!host(0)->sw->conn);
    assert_non_null(strstr(host_reason(0), "stalled: no answer"));
    assert_string_equal(receipt_of(revision, 0), "offline");
    fake_switch_disconnect(&switches[0]);
    switches[0].hold = false;
    fake_switch_connect(&switches[0], path + strlen("unix:"));
    TURN_UNTIL(is_synced(0));
    assert_string_equal(receipt_of(revision, 0), "confirmed");
    check_host(0);

    /* One that owes nothing is left alone. */
    for (int64_t end = time_msec() + 2000; time_msec() < end;) {
        turn();
    }
    assert_non_null(host(0)->sw->conn);
}

/* Audits.  --------------------------------------------------------------- */

static json_t *audit_result;    /* Of the last audit, or NULL. */
static int n_audits;

static void
audit_cb(void *aux OVS_UNUSED, const json_t *result, const char *reason)
{
    assert_true(!result == !!reason);
    json_decref(audit_result);
    audit_result = result ? json_deep_copy(result) : NULL;
    n_audits++;
}

static void
audit_begin(int i)
{
    const char *reason = fabric_audit(fabric, host(i)->name, audit_cb, NULL);

    if (reason) {
        fail_msg("%s", reason);
    }
    n_audits = 0;
}

static void
audit_end(int n_missing, int n_altered, int n_strangers)
{
    TURN_UNTIL(n_audits);
    assert_non_null(audit_result);
    assert_int_equal(n_missing, json_integer_value(
                         json_object_get(audit_result, "missing")));
    assert_int_equal(n_altered, json_integer_value(
                         json_object_get(audit_result, "altered")));
    assert_int_equal(n_strangers, json_integer_value(
                         json_object_get(audit_result, "strangers")));
}

static bool
audit_says(const char *word1, const char *word2)
{
    json_t *line;
    size_t i;

    json_array_foreach (json_object_get(audit_result, "differences"), i,
                        line) {
        if (strstr(json_string_value(line), word1)
            && strstr(json_string_value(line), word2)) {
            return true;
        }
    }
    return false;
}

static int
teardown_audit(void **state)
{
    json_decref(audit_result);
    audit_result = NULL;
    return teardown(state);
}

static void
audit_finds_names_and_mends(void **state OVS_UNUSED)
{
    struct fabric_stats stats;
    json_t *status;
    unsigned n_mods;

    edit_port("a", "red", 100, "all", 1, false);
    edit_port("b", "red", 200, "all", 1, true);
    edit_port("c", "red", 300, "all", 1, false);
    connect_host(0);
    audit_begin(0);
    audit_end(0, 0, 0);
    n_mods = switches[0].n_mods;
    assert_int_equal(switches[0].n_dumps, 2);

    fake_switch_remove(&switches[0], 100);
    fake_switch_add_flow(&switches[0], "priority=300,reg0=7,actions=drop");
    fake_switch_add_flow(&switches[0], "table=5,priority=9,actions=drop");
    audit_begin(0);
    assert_non_null(fabric_audit(fabric, "h0", audit_cb, NULL));
    assert_non_null(fabric_audit(fabric, "h1", audit_cb, NULL));
    assert_non_null(fabric_audit(fabric, "h9", audit_cb, NULL));
    audit_end(1, 1, 1);
    assert_true(audit_says("missing: flow", "toy.port/a"));
    assert_true(audit_says("altered: flow", "toy.port/c"));
    assert_true(audit_says("not wanted: flow table=5,priority=9",
                           "of a stranger"));
    TURN_UNTIL(is_synced(0));
    check_host(0);
    assert_int_equal(switches[0].n_mods, n_mods + 3);
    fabric_get_stats(fabric, &stats);
    assert_int_equal(stats.n_audits, 2);
    assert_int_equal(stats.n_audit_missing, 1);
    assert_int_equal(stats.n_audit_altered, 1);
    assert_int_equal(stats.n_audit_strangers, 1);
    status = fabric_host_status(fabric, "h0");
    assert_int_equal(json_integer_value(json_object_get(
                         json_object_get(status, "audit"), "missing")), 1);
    json_decref(status);

    /* The marker is looked at as well. */
    fake_switch_remove(&switches[0], MARKER_PRIORITY);
    audit_begin(0);
    audit_end(0, 1, 0);
    TURN_UNTIL(is_synced(0));
    check_host(0);
}

static void
changes_during_an_audit_are_no_findings(void **state OVS_UNUSED)
{
    unsigned n_dumps;

    edit_port("a", "red", 100, "all", 1, false);
    edit_port("b", "red", 200, "all", 1, true);
    edit_port("c", "red", 300, "all", 1, true);
    edit_port("d", "red", 400, "all", 1, false);
    connect_host(0);
    n_dumps = switches[0].n_dumps;
    fake_switch_remove(&switches[0], 400);
    /* The dump is older than the changes, two of which are even put off. */
    switches[0].deaf = true;
    audit_begin(0);
    edit_port("a", "red", 100, "all", 2, false);
    edit(VMN_TABLE_PORT, "b", NULL);
    edit_port("c", "red", 300, "all", 2, true);
    edit_port("e", "red", 500, "all", 1, true);
    assert_true(openflow_figure(0, "merging") > 0);
    switches[0].deaf = false;
    audit_end(1, 0, 0);
    assert_true(audit_says("missing", "toy.port/d"));
    TURN_UNTIL(is_synced(0));
    until_acked(0);
    check_host(0);
    assert_int_equal(switches[0].n_dumps, n_dumps + 2);
}

static void
audit_ends_with_the_connection(void **state OVS_UNUSED)
{
    connect_host(0);
    audit_begin(0);
    fake_switch_disconnect(&switches[0]);
    TURN_UNTIL(n_audits);
    assert_null(audit_result);
    connect_host(0);
    audit_begin(0);
    fixture_edit(VMN_TABLE_HOST, "h0", NULL, turn);
    TURN_UNTIL(n_audits);
}

static void
refused_flow_is_not_missing(void **state OVS_UNUSED)
{
    connect_host(0);
    switches[0].refuse_priority = 200;
    edit_port("b", "red", 200, "all", 1, false);
    TURN_UNTIL(is_diverged(0));
    audit_begin(0);
    audit_end(0, 0, 0);
}

static void
every_host_has_its_turn(void **state OVS_UNUSED)
{
    struct fabric_stats stats;

    edit_port("a", "red", 100, "all", 1, false);
    for (int i = 0; i < N_HOSTS; i++) {
        connect_host(i);
        fake_switch_remove(&switches[i], 100);
    }
    for (int i = 0; i < N_HOSTS; i++) {
        TURN_UNTIL(fake_switch_find(&switches[i], 100));
    }
    fabric_get_stats(fabric, &stats);
    assert_int_equal(stats.n_audit_missing, N_HOSTS);
}

/* All together.  --------------------------------------------------------- */

static void
random_edit(void)
{
    static const char *const scopes[] = { "all", "net", "h0", "h1", "h2" };
    static const char *const nets[] = { "red", "blue" };
    static const char *const none_or_net[] = { NULL, "red", "blue" };
    char name[16];

    snprintf(name, sizeof name, "p%d", random_range(6));
    switch (random_range(8)) {
    case 0:
        edit_host(random_range(N_HOSTS), none_or_net[random_range(3)],
                  none_or_net[random_range(3)]);
        break;
    case 1:
        if (model_get(toy.model, VMN_TABLE_PORT, name)) {
            edit(VMN_TABLE_PORT, name, NULL);
        }
        break;
    default:
        /* A priority of its own, so that there are no conflicts. */
        if (model_get(toy.model, VMN_TABLE_PORT, name)) {
            edit(VMN_TABLE_PORT, name, NULL);
        }
        edit_port(name, nets[random_range(2)], 100 + name[1],
                  scopes[random_range(5)], random_range(3),
                  random_range(2));
    }
}

static void
random_edits_and_drops_end_in_what_is_wanted(void **state OVS_UNUSED)
{
    uint32_t seed = 4711;

    print_message("seed %"PRIu32"\n", seed);
    random_set_seed(seed);
    for (int i = 0; i < N_HOSTS; i++) {
        connect_only(i);
    }
    for (int round = 0; round < 60; round++) {
        for (int i = 0; i < N_HOSTS; i++) {
            switches[i].hold = !random_range(3);
        }
        for (int n = random_range(12); n >= 0; n--) {
            random_edit();
        }
        for (int i = 0; i < N_HOSTS; i++) {
            fake_switch_release(&switches[i]);
        }
        if (!random_range(3)) {
            int i = random_range(N_HOSTS);

            fake_switch_disconnect(&switches[i]);
            if (random_range(2)) {
                random_edit();
            }
            connect_only(i);
            if (random_range(2)) {
                random_edit();
            }
        }
        for (int i = 0; i < N_HOSTS; i++) {
            TURN_UNTIL(is_synced(i));
            until_acked(i);
            check_host(i);
        }
    }
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
        T(empty_switch_gets_all_in_one_bundle),
        T(nothing_is_compared_before_the_host_has_reported),
        T(switch_is_kept_until_its_host_is_known),
        T(reconnecting_unchanged_sends_no_flow_message),
        T(restarted_controller_leaves_right_flows_alone),
        T(missing_or_wrong_marker_means_a_dump),
        T(refusal_takes_the_marker_away),
        T(unanswered_bundle_means_a_dump),
        T(only_the_difference_is_mended),
        T(change_during_the_check_is_not_lost),
        T(change_during_the_reading_is_not_lost),
        T(each_revision_is_one_bundle_in_order),
        T(change_that_no_flow_reads_sends_nothing),
        T(joining_a_scope_installs_all_and_leaving_withdraws),
        T(large_differences_reach_all_hosts_whole),
        T(flow_that_changes_scope_is_never_missing),
        T(wait_ends_when_every_host_has_it),
        T(wait_ends_at_its_time_out),
        T(removed_host_is_not_waited_for),
        T(numbers_are_freed_once_every_host_has_acknowledged),
        T(refused_flow_is_named_and_does_not_spin),
        T(refused_flow_that_is_withdrawn_is_forgotten_at_once),
        T(first_bundle_commits_nothing_before_it_is_checked),
        T(fault_at_commit_leaves_out_what_caused_it),
        T(switch_without_bundles_is_let_go_and_rests),
        T(reply_out_of_the_blue_ends_the_connection),
        T(second_connection_takes_the_place_of_the_first),
#define T_WITH(NAME, SETUP) \
        cmocka_unit_test_setup_teardown(NAME, SETUP, teardown)
        T_WITH(slow_switch_gets_the_net_difference, setup_narrow),
        T_WITH(what_comes_to_nothing_sends_nothing, setup_narrow),
        T_WITH(error_with_a_backlog_is_mended, setup_narrow),
        T_WITH(switch_that_does_not_read_is_cut_off, setup_tight),
        T_WITH(switch_that_does_not_answer_is_cut_off, setup_hasty),
#define T_AUDIT(NAME, SETUP) \
        cmocka_unit_test_setup_teardown(NAME, SETUP, teardown_audit)
        T_AUDIT(audit_finds_names_and_mends, setup),
        T_AUDIT(changes_during_an_audit_are_no_findings, setup_narrow),
        T_AUDIT(audit_ends_with_the_connection, setup),
        T_AUDIT(refused_flow_is_not_missing, setup),
        T_AUDIT(every_host_has_its_turn, setup_audits),
        T_WITH(random_edits_and_drops_end_in_what_is_wanted, setup_narrow),
    };

    signal(SIGPIPE, SIG_IGN);
    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION,
                    getenv("VERBOSE") ? VLL_DBG : VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
