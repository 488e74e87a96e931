/* SPDX-License-Identifier: Apache-2.0
 *
 * Three hosts with fake switches and a toy app; see fabric-hosts.h. */

#include <config.h>

#include "tests/unit/fabric-hosts.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/fabric/fabric.h"
#include "controller/fabric/session/flow-format.h"
#include "controller/fabric/session/host-openflow-state.h"
#include "controller/fabric/session/marker.h"
#include "controller/schema/schema-struct.h"
#include "openvswitch/vlog.h"
#include "util.h"

/* The app.  -------------------------------------------------------------- */

static void
compile_host(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_host *host = vmn_read_host(view, key);
    const char *const labels[] = { "net", "net2" };

    for (size_t i = 0; host && i < 2; i++) {
        const char *net = vmn_labels_get(vmn_labels_of(view, &host->row),
                                         labels[i]);

        if (net) {
            vmn_publish(emit, "toy.members", net, key);
        }
    }
}

/* Sends to a group with a bucket for each of 'parts', "17.18", which counts
 * for that part. */
static void
act_group_of_parts(struct vmn_emit *emit, struct vmn_scope scope,
                   const char *key, const char *parts,
                   struct vmn_actions *actions)
{
    struct vmn_group_msg *group = vmn_group_add(emit, scope, VMN_GROUP_SELECT,
                                                key);

    for (int i = 1; parts; i++) {
        struct vmn_actions *bucket = vmn_bucket_add(group, i, 1);

        vmn_bucket_count_part(bucket, atoi(parts));
        vmn_act_output(bucket, i);
        parts = strchr(parts, '.');
        parts = parts ? parts + 1 : NULL;
    }
    vmn_act_group(actions, group);
}

/* A conjunction with so many clauses for its first dimension. */
static void
compile_conjunction(struct vmn_emit *emit, struct vmn_scope scope,
                    unsigned prio, uint32_t id, int n)
{
    struct vmn_flow *flow = vmn_flow_add(emit, scope, 0, 0, prio);

    vmn_match(flow, VMN_F_CONJ_ID, id);
    vmn_act_next(vmn_flow_actions(flow));
    for (int i = 0; i < n; i++) {
        flow = vmn_flow_add(emit, scope, 0, 0, prio);
        vmn_match(flow, VMN_F_REG0, i);
        vmn_act_conjunction(vmn_flow_actions(flow), id, 1, 2);
    }
}

static void
compile_port(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    const struct vmn_labels *labels = vmn_labels_of(view, &port->row);
    const char *prio = vmn_labels_get(labels, "prio");
    const char *value = vmn_labels_get(labels, "value");
    const char *where = vmn_labels_get(labels, "scope");
    struct vmn_actions *actions;
    struct vmn_scope scope;
    struct vmn_flow *flow;

    if (!prio) {
        return;
    }
    scope = (!where || !strcmp(where, "all") ? vmn_scope_all()
             : !strcmp(where, "net")
             ? vmn_scope_relation("toy.members", port->network)
             : vmn_scope_host(where));
    if (vmn_labels_get(labels, "clauses")) {
        compile_conjunction(emit, scope, atoi(prio), atoi(value),
                            atoi(vmn_labels_get(labels, "clauses")));
        return;
    }
    flow = vmn_flow_add(emit, scope, 0, 0, atoi(prio));
    vmn_match(flow, VMN_F_REG0, 7);
    if (vmn_labels_get(&port->labels, "log")) {
        vmn_flow_count(flow);
        vmn_flow_log(flow);
    } else if (vmn_labels_get(&port->labels, "count")) {
        vmn_flow_count(flow);
    } else if (vmn_labels_get(&port->labels, "part")) {
        vmn_flow_count_part(flow, atoi(vmn_labels_get(&port->labels,
                                                      "part")));
    }
    actions = vmn_flow_actions(flow);
    if (vmn_labels_get(labels, "group")) {
        struct vmn_group_msg *group;

        group = vmn_group_add(emit, scope, VMN_GROUP_SELECT, key);
        vmn_act_output(vmn_bucket_add(group, 1, 1),
                       value ? atoi(value) + 1 : 1);
        vmn_act_output(vmn_bucket_add(group, 2, 1), 2000);
        vmn_act_group(actions, group);
    } else if (vmn_labels_get(labels, "parts")) {
        act_group_of_parts(emit, scope, key, vmn_labels_get(labels, "parts"),
                           actions);
    } else if (vmn_labels_get(labels, "limit")) {
        vmn_act_limit(actions, key, atoi(vmn_labels_get(labels, "limit")), 7);
        vmn_act_next(actions);
    } else if (vmn_labels_get(labels, "few")) {
        vmn_act_set(actions, VMN_F_REG10, vmn_id_of(view, "toy.few", key));
        vmn_act_next(actions);
    } else if (vmn_labels_get(&port->labels, "drop")) {
        vmn_act_drop(actions, "not desired");
    } else {
        vmn_act_set(actions, VMN_F_REG10, value ? atoi(value) : 0);
        vmn_act_next(actions);
    }
}

/* Port "rule" stands for the second rule of policy "p", "lb1" and the like for
 * balancer "lb". */
static bool
flow_owner(struct vmn_view *view OVS_UNUSED, const char *unit, const char *key,
           uint32_t part OVS_UNUSED, struct vmn_flow_owner *owner)
{
    if (!strcmp(unit, "port") && !strcmp(key, "rule")) {
        *owner = (struct vmn_flow_owner) { VMN_ROW_POLICY, "p", 1 };
    } else if (!strcmp(unit, "port") && !strncmp(key, "lb", 2)) {
        *owner = (struct vmn_flow_owner) { VMN_ROW_LOADBALANCER, "lb", -1 };
    } else {
        return false;
    }
    return true;
}

const struct vmn_app_class hosts_app = {
    VMN_APP_HEAD, .name = "toy",
    .stages = (const struct vmn_stage_class[]) {
        { .name = "one", .hook = VMN_HOOK_ADMIT, .n_tables = 1,
          .miss = VMN_MISS_DROP,
          .scratch = VMN_SCRATCH(VMN_F_REG10) },
        { .name = "two", .hook = VMN_HOOK_DELIVER, .n_tables = 1,
          .miss = VMN_MISS_DROP },
        { .name = NULL },
    },
    .units = (const struct vmn_unit_class[]) {
        { .name = "host", .each = VMN_EACH_ROW, .row_type = VMN_ROW_HOST,
          .compile = compile_host },
        { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
          .compile = compile_port },
        { .name = NULL },
    },
    .id_pools = (const struct vmn_id_pool_class[]) {
        { "toy.few", 1 }, { NULL, 0 },
    },
    .flow_owner = flow_owner,
};

/* The fixture.  ---------------------------------------------------------- */

struct fake_switch switches[N_HOSTS];
static char dir[] = "/tmp/test-fabric-XXXXXX";
char *listen_path;

struct fabric_host *
host(int i)
{
    char name[16];

    snprintf(name, sizeof name, "h%d", i);
    return fabric_find_host(fabric, name);
}

void
turn(void)
{
    fixture_turn();
    for (int i = 0; i < N_HOSTS; i++) {
        fake_switch_run(&switches[i]);
    }
}

void
edit(enum vmn_table table, const char *name, json_t *spec)
{
    fixture_edit(table, name, spec, turn);
}

void
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
void
edit_port(const char *name, const char *network, int prio, const char *scope,
          int value, bool group)
{
    edit(VMN_TABLE_PORT, name, port_spec(network, prio, scope, value, group));
}

void
edit_conjunction(int id, int n)
{
    edit(VMN_TABLE_PORT, "conjunction",
         json_pack("{s:s, s:{s:s, s:s, s:o, s:o}}", "network", "red",
                   "labels", "prio", "100", "scope", "h0",
                   "value", json_sprintf("%d", id),
                   "clauses", json_sprintf("%d", n)));
}

/* 'n' ports in one revision; 'value' -1 deletes them. */
void
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
    listen_path = xasprintf("unix:%s/openflow", dir);
    for (int i = 0; i < N_HOSTS; i++) {
        fake_switch_init(&switches[i], 0x100 + i);
    }
    options->openflow_listen = listen_path;
    fixture_start_with(options, &hosts_app, NULL);
    for (int i = 0; i < N_HOSTS; i++) {
        edit_host(i, NULL, NULL);
    }
    edit(VMN_TABLE_NETWORK, "red",
         json_pack("{s:[{s:s}]}", "subnets", "cidr", "10.0.0.0/16"));
    edit(VMN_TABLE_NETWORK, "blue",
         json_pack("{s:[{s:s}]}", "subnets", "cidr", "10.0.0.0/16"));
    return 0;
}

int
setup(void **state OVS_UNUSED)
{
    struct fabric_options options = { .max_bundles = 0 };

    return setup_with(&options);
}

/* Few bundles may be under way, and few bytes queued. */
int
setup_tight(void **state OVS_UNUSED)
{
    struct fabric_options options = {
        .max_bundles = 4, .max_queue = 512 * 1024,
    };

    return setup_with(&options);
}

/* Each host is audited every second. */
int
setup_audits(void **state OVS_UNUSED)
{
    struct fabric_options options = { .audit_s = 1 };

    return setup_with(&options);
}

/* Counters are read every second. */
int
setup_counts(void **state OVS_UNUSED)
{
    struct fabric_options options = { .count_s = 1 };

    return setup_with(&options);
}

/* Answers are due soon. */
int
setup_hasty(void **state OVS_UNUSED)
{
    struct fabric_options options = { .stall_ms = 1000 };

    return setup_with(&options);
}

/* Another member is the writer, of epoch 7. */
int
setup_observing(void **state OVS_UNUSED)
{
    struct fabric_options options = { .stands_by = true, .count_s = 1 };
    int error = setup_with(&options);

    fabric_set_epoch(fabric, 7);
    return error;
}

/* Nothing but that few bundles may be under way. */
int
setup_narrow(void **state OVS_UNUSED)
{
    struct fabric_options options = { .max_bundles = 2 };

    return setup_with(&options);
}

/* Three flows and groups fill a bundle. */
int
setup_parts(void **state OVS_UNUSED)
{
    struct fabric_options options = {
        .max_bundles = 2, .max_bundle_items = 3,
    };

    return setup_with(&options);
}

/* Hosts may send little beyond what is desired of them: 256 records. */
int
setup_meagre(void **state OVS_UNUSED)
{
    struct fabric_options options = { .host_memory = 65536 };

    return setup_with(&options);
}

int
teardown(void **state OVS_UNUSED)
{
    for (int i = 0; i < N_HOSTS; i++) {
        fake_switch_uninit(&switches[i]);
    }
    fixture_stop();
    rmdir(dir);
    free(listen_path);
    return 0;
}

bool
is_synced(int i)
{
    const char *reason;

    return !strcmp(host_openflow_state_name(host(i)->sw, &reason), "synced");
}

bool
is_diverged(int i)
{
    const char *reason;

    return !strcmp(host_openflow_state_name(host(i)->sw, &reason), "diverged");
}

void
connect_only(int i)
{
    fabric_host_set_datapath(host(i), switches[i].datapath_id);
    if (!fabric_stands_by(fabric)) {
        fabric_host_set_reported(host(i));
    }
    fake_switch_connect(&switches[i], listen_path + strlen("unix:"));
}

void
connect_host(int i)
{
    connect_only(i);
    TURN_UNTIL(is_synced(i));
}

void
disconnect_host(int i)
{
    fake_switch_disconnect(&switches[i]);
    TURN_UNTIL(!host(i)->sw->conn);
}

/* Waits until all bundles are acknowledged by host 'i'. */
void
until_acked(int i)
{
    TURN_UNTIL(switch_acked(host(i)->sw) >= fabric->last_revision);
}

struct check {
    const struct fake_switch *fs;
    size_t n_flows, n_groups;
};

static void
check_cb(void *check_, const struct flow_item *item)
{
    struct check *check = check_;
    const struct fake_flow *flow;
    const struct fake_group *group;
    bool found = false;

    /* Inside of the bundle's message, behind 16 bytes, is the flow_mod. */
    if (item->kind == FLOW_ITEM_FLOW) {
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
void
check_host(int i)
{
    struct check check = { .fs = &switches[i] };

    engine_host_items(toy.engine, host(i)->name, check_cb, &check);
    /* ... and the marker, which says so. */
    assert_int_equal(fake_switch_n_flows(&switches[i]), check.n_flows);
    assert_true(ovs_list_size(&switches[i].flows) > check.n_flows);
    assert_int_equal(fake_switch_marker(&switches[i]),
                     switch_marker_of(host(i)->sw,
                                      engine_host_digest(toy.engine,
                                                         host(i)->name)));
    assert_int_equal(ovs_list_size(&switches[i].groups), check.n_groups);
    assert_int_equal(engine_host_total(toy.engine, host(i)->name),
                     check.n_flows + check.n_groups);
    assert_int_equal(engine_host_groups(toy.engine, host(i)->name),
                     check.n_groups);
}

/* How a host is listed in the receipt of 'rev', or NULL. */
const char *
receipt_of(uint64_t rev, int i)
{
    static char word[16];
    json_t *receipt = fixture_receipt(rev);
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

const char *
host_reason(int i)
{
    const char *reason;

    host_openflow_state_name(host(i)->sw, &reason);
    return reason ? reason : "";
}
json_int_t
openflow_figure(int i, const char *name)
{
    struct status_host all = { .ports = -1 };
    json_t *status, *openflow;
    json_int_t value;

    host_openflow_status(host(i)->sw, &all.openflow);
    status = schema_struct_to_json(&schema_status_host, &all);
    openflow = json_object_get(status, "openflow");
    value = json_integer_value(json_object_get(openflow, name));
    json_decref(status);
    return value;
}

int
run_all(char *argv[], const struct CMUnitTest *tests, size_t n)
{
    signal(SIGPIPE, SIG_IGN);
    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION,
                    getenv("VERBOSE") ? VLL_DBG : VLL_OFF);
    if (argv[1]) {
        cmocka_set_test_filter(argv[1]);
    }
    return _cmocka_run_group_tests("fabric", tests, n, NULL, NULL);
}
