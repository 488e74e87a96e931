/* SPDX-License-Identifier: Apache-2.0
 *
 * The fabric's OVSDB side with real ovsdb-servers and, where it matters, real
 * ovs-vswitchds with dummy datapaths: hosts that are set up, what they report,
 * and the bindings that follow. */

#include <config.h>

#include "tests/unit/fabric-fixture.h"

#include <string.h>
#include <unistd.h>

#include "controller/fabric/facts.h"
#include "controller/fabric/host-db.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "proto/ovsdb/ovsdb.h"
#include "tests/unit/ovs-sandbox.h"
#include "util.h"

#define N_HOSTS 2

static struct ovs_sandbox sandboxes[N_HOSTS]; /* "hv1", "hv2". */
static struct fabric_options options;
static char *target;

static void
compile_host(struct vmn_view *view OVS_UNUSED, const char *key,
             struct vmn_emit *emit)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(key), 0, 0, 10);

    vmn_match(flow, VMN_F_REG0, 1);
}

static const struct vmn_app_class app = {
    .abi = VMN_APP_ABI, .size = sizeof(struct vmn_app_class), .name = "toy",
    .stages = (const struct vmn_stage_class[]) {
        { .name = "stage", .hook = VMN_HOOK_ADMIT, .n_tables = 1,
          .miss = VMN_MISS_DROP },
        { .name = NULL },
    },
    .units = (const struct vmn_unit_class[]) {
        { .name = "host", .each = VMN_EACH_ROW, .table = VMN_TABLE_HOST,
          .compile = compile_host },
        { .name = NULL },
    },
};

#define UNTIL(CONDITION) FIXTURE_TURN_UNTIL(fixture_turn, CONDITION)

/* Edits.  ---------------------------------------------------------------- */

static void
edit(enum vmn_table table, const char *name, json_t *spec)
{
    fixture_edit(table, name, spec, fixture_turn);
}

static void
put_host(int i, const char *bridge, bool adopt)
{
    char *ip = xasprintf("192.0.2.%d", i + 1);

    edit(VMN_TABLE_HOST, i ? "hv2" : "hv1",
         json_pack("{s:s, s:s, s:s, s:s, s:b}", "ovsdb", sandboxes[i].remote,
                   "tunnel_ip", ip, "bridge", bridge, "datapath", "netdev",
                   "adopt", adopt));
    free(ip);
}

static void
put_port(const char *name, const char *host, const char *iface_id)
{
    edit(VMN_TABLE_PORT, name,
         json_pack("{s:s, s:s*, s:s*}", "network", "net", "host", host,
                   "iface_id", iface_id));
}

/* Runs ovs-vsctl on host 'I', without waiting for its switch. */
#define VSCTL(I, ...) free(ovs_sandbox_vsctl(&sandboxes[I], __VA_ARGS__))

/* Adds an interface with an iface-id and the number that a switch would have
 * given it. */
static void
add_vif(int i, const char *iface, const char *iface_id, int ofport)
{
    VSCTL(i, "add-port br-int %s -- set Interface %s external_ids:iface-id=%s "
          "ofport=%d link_state=up", iface, iface, iface_id, ofport);
}

/* Looks.  ---------------------------------------------------------------- */

static bool
bound(const char *port, const char *active, const char *candidate)
{
    const struct vmn_binding *b = model_get_durable(
        toy.model, VMN_TABLE_BINDING, port, NULL);

    return (active ? b && !strcmp(b->host, active)
            && nullable_string_is_equal(b->candidate, candidate) : !b);
}

static uint64_t
revision_of(enum vmn_table table, const char *name)
{
    struct model_meta meta;

    assert_non_null(model_get_durable(toy.model, table, name, &meta));
    return meta.revision;
}

static const struct vmn_vif *
get_vif(const char *name)
{
    return model_get_durable(toy.model, VMN_TABLE_VIF, name, NULL);
}

static bool
reported(const char *host)
{
    const struct fabric_host *h = fabric_find_host(fabric, host);

    return h && h->reported;
}

/* Is string 'key' of the host's status 'value'? */
static bool
status_is(const char *host, const char *key, const char *value)
{
    json_t *status = fabric_host_status(fabric, host);
    const char *s = json_string_value(json_object_get(status, key));
    bool equal = nullable_string_is_equal(s, value);

    json_decref(status);
    return equal;
}

static bool
reason_has(const char *host, const char *part)
{
    json_t *status = fabric_host_status(fabric, host);
    const char *s = json_string_value(json_object_get(status, "reason"));
    bool has = s && strstr(s, part);

    json_decref(status);
    return has;
}

static bool
port_state_is(const char *port, const char *state)
{
    json_t *status = fabric_port_status(fabric, port);
    bool equal;

    assert_non_null(status);
    equal = !strcmp(json_string_value(json_object_get(status, "state")),
                    state);
    json_decref(status);
    return equal;
}

/* Lets the fabric do what it may do, for a moment. */
static void
settle(void)
{
    for (int i = 0; i < 50; i++) {
        loop_turn(loop, 10);
    }
}

/* Fixture.  -------------------------------------------------------------- */

static int
setup(void **state OVS_UNUSED)
{
    for (int i = 0; i < N_HOSTS; i++) {
        ovs_sandbox_create(&sandboxes[i], i ? "hv2" : "hv1");
    }
    target = xasprintf("unix:%s/of.sock", sandboxes[0].dir);
    options = (struct fabric_options) {
        .openflow_listen = target,
        .openflow_target = target,
    };
    fixture_store_errors = 0;
    fixture_start_with(&options, &app, NULL);
    edit(VMN_TABLE_NETWORK, "net", json_object());
    return 0;
}

static int
teardown(void **state OVS_UNUSED)
{
    fixture_stop();
    for (int i = 0; i < N_HOSTS; i++) {
        ovs_sandbox_destroy(&sandboxes[i]);
    }
    free(target);
    return 0;
}

/* Both hosts, set up and reported; port "p1". */
static void
start_hosts(void)
{
    for (int i = 0; i < N_HOSTS; i++) {
        put_host(i, "br-int", false);
        UNTIL(reported(i ? "hv2" : "hv1"));
    }
    put_port("p1", NULL, NULL);
}

/* vmnd ends, and is started again later: VIF rows are not stored. */
static void
stop_vmnd(void)
{
    const struct vmn_vif *row;

    fabric_destroy(fabric);
    fabric = NULL;
    while ((row = model_next_durable(toy.model, VMN_TABLE_VIF, "", NULL))) {
        char *name = xstrdup(row->row.name);

        edit(VMN_TABLE_VIF, name, NULL);
        free(name);
    }
}

/* Hosts.  ---------------------------------------------------------------- */

static void
host_is_set_up_and_synced(void **state OVS_UNUSED)
{
    char *output;

    ovs_sandbox_start_vswitchd(&sandboxes[0]);
    put_host(0, "br-int", false);
    UNTIL(status_is("hv1", "state", "synced"));
    output = ovs_sandbox_vsctl(&sandboxes[0], "get Interface vmn-vxlan "
                               "ofport error options:local_ip");
    assert_string_equal(output, "40000\n[]\n\"192.0.2.1\"");
    free(output);
    output = ovs_sandbox_vsctl(&sandboxes[0], "get Bridge br-int "
                               "datapath_id");
    char *quoted = xasprintf("\"%016"PRIx64"\"",
                             fabric_find_host(fabric, "hv1")->datapath_id);
    assert_string_equal(output, quoted);
    free(quoted);
    free(output);
    assert_true(status_is("hv1", "reason", NULL));
}

static void
inbound_host_is_taken_in(void **state OVS_UNUSED)
{
    char *listen = xasprintf("unix:%s/in.sock", sandboxes[0].dir);

    /* As if vmnd had been started with that option. */
    stop_vmnd();
    options.ovsdb_listen = listen;
    fixture_start_fabric(&options);
    for (int i = 0; i < N_HOSTS; i++) {
        edit(VMN_TABLE_HOST, i ? "hv2" : "hv1",
             json_pack("{s:s, s:s, s:s}", "ovsdb", "inbound", "tunnel_ip",
                       i ? "192.0.2.2" : "192.0.2.1", "datapath", "netdev"));
        VSCTL(i, "set-manager %s", listen);
    }
    UNTIL(reported("hv1") && reported("hv2"));
    options.ovsdb_listen = NULL;
    free(listen);
}

static void
bridge_of_others_is_refused_until_adopted(void **state OVS_UNUSED)
{
    VSCTL(0, "add-br br-int");
    put_host(0, "br-int", false);
    UNTIL(status_is("hv1", "state", "refused"));
    assert_true(reason_has("hv1", "adopt"));
    assert_false(reported("hv1"));
    put_host(0, "br-int", true);
    UNTIL(reported("hv1") && !status_is("hv1", "state", "refused"));
    assert_false(reason_has("hv1", "adopt"));
}

static void
wrong_tunnel_number_is_refused(void **state OVS_UNUSED)
{
    start_hosts();
    VSCTL(0, "set Interface vmn-vxlan ofport=100 -- "
          "set Bridge br-int datapath_id=\"0000000000000001\"");
    UNTIL(status_is("hv1", "state", "refused"));
    assert_true(reason_has("hv1", "40000"));
    assert_int_equal(fabric_find_host(fabric, "hv1")->datapath_id, 0);
    VSCTL(0, "set Interface vmn-vxlan ofport=40000");
    UNTIL(fabric_find_host(fabric, "hv1")->datapath_id == 1);
    assert_false(status_is("hv1", "state", "refused"));

    /* One that could not be made is told, but harms no local traffic. */
    VSCTL(0, "set Interface vmn-vxlan ofport=-1 error=broken");
    UNTIL(reason_has("hv1", "broken"));
    assert_int_equal(fabric_find_host(fabric, "hv1")->datapath_id, 1);
}

static void
same_datapath_id_twice_is_refused(void **state OVS_UNUSED)
{
    start_hosts();
    VSCTL(0, "set Bridge br-int datapath_id=\"00000000000000aa\"");
    UNTIL(fabric_find_host(fabric, "hv1")->datapath_id == 0xaa);
    VSCTL(1, "set Bridge br-int datapath_id=\"00000000000000aa\"");
    UNTIL(status_is("hv2", "state", "refused"));
    assert_true(reason_has("hv2", "another host"));
}

static void
what_else_is_wrong_is_told(void **state OVS_UNUSED)
{
    start_hosts();
    VSCTL(0, "set Open_vSwitch . other_config:flow-restore-wait=true");
    UNTIL(reason_has("hv1", "flow-restore-wait"));
    VSCTL(0, "remove Open_vSwitch . other_config flow-restore-wait");
    UNTIL(!reason_has("hv1", "flow-restore-wait"));
    VSCTL(0, "set Open_vSwitch . datapath_types=system");
    UNTIL(reason_has("hv1", "datapath of type"));
}

static void
host_that_is_not_there_has_a_status(void **state OVS_UNUSED)
{
    edit(VMN_TABLE_HOST, "gone",
         json_pack("{s:s, s:s}", "ovsdb", "unix:/nonexistent", "tunnel_ip",
                   "192.0.2.7"));
    json_t *status = fabric_host_status(fabric, "gone");
    json_t *ovsdb = json_object_get(status, "ovsdb");

    assert_string_not_equal(json_string_value(json_object_get(ovsdb,
                                                              "state")),
                            "connected");
    json_decref(status);
    UNTIL(reason_has("gone", "no connection to its database: "));
    edit(VMN_TABLE_HOST, "gone", NULL);
    assert_null(fabric_host_status(fabric, "gone"));
    assert_null(fabric_port_status(fabric, "no-port"));
}

/* Bindings.  ------------------------------------------------------------- */

static void
port_is_bound_whichever_comes_first(void **state OVS_UNUSED)
{
    start_hosts();
    assert_true(port_state_is("p1", "unbound"));
    add_vif(0, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv1", NULL) && get_vif("hv1/p1"));
    assert_int_equal(get_vif("hv1/p1")->ofport, 5);
    assert_string_equal(get_vif("hv1/p1")->iface, "tap1");
    assert_true(get_vif("hv1/p1")->link_up);
    /* No switch has its flows. */
    assert_true(port_state_is("p1", "pending"));

    add_vif(0, "tap2", "uuid-2", 6);
    UNTIL(get_vif("hv1/uuid-2"));
    put_port("p2", NULL, "uuid-2");
    UNTIL(bound("p2", "hv1", NULL));

    VSCTL(0, "set Interface tap1 link_state=down");
    UNTIL(port_state_is("p1", "down"));
    assert_true(bound("p1", "hv1", NULL));

    /* Another iface-id is another interface. */
    put_port("p2", NULL, "uuid-3");
    UNTIL(bound("p2", NULL, NULL));
    put_port("p2", NULL, "uuid-2");
    UNTIL(bound("p2", "hv1", NULL));

    /* Gone and there again. */
    edit(VMN_TABLE_PORT, "p2", NULL);
    UNTIL(bound("p2", NULL, NULL));
    put_port("p2", NULL, "uuid-2");
    UNTIL(bound("p2", "hv1", NULL));
    VSCTL(0, "del-port tap1");
    UNTIL(bound("p1", NULL, NULL) && !get_vif("hv1/p1"));
}

static void
migration_moves_when_the_source_lets_go(void **state OVS_UNUSED)
{
    start_hosts();
    add_vif(0, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv1", NULL));
    add_vif(1, "tap1", "p1", 9);
    UNTIL(bound("p1", "hv1", "hv2"));
    VSCTL(0, "del-port tap1");
    UNTIL(bound("p1", "hv2", NULL));

    /* By the port's row, not before the target's switch is ready: here there
     * is none. */
    add_vif(0, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv2", "hv1"));
    put_port("p1", "hv1", NULL);
    settle();
    assert_true(bound("p1", "hv2", "hv1"));
    VSCTL(1, "del-port tap1");
    UNTIL(bound("p1", "hv1", NULL));
}

static void
silent_host_keeps_its_bindings(void **state OVS_UNUSED)
{
    uint64_t before;

    start_hosts();
    put_port("p2", NULL, NULL);
    add_vif(0, "tap1", "p1", 5);
    add_vif(0, "tap2", "p2", 6);
    UNTIL(bound("p1", "hv1", NULL) && bound("p2", "hv1", NULL));
    before = revision_of(VMN_TABLE_BINDING, "p1");
    ovs_sandbox_stop_server(&sandboxes[0]);
    UNTIL(facts_find_host(fabric->db->facts, "hv1")->silent);
    settle();
    assert_int_equal(revision_of(VMN_TABLE_BINDING, "p1"), before);
    assert_non_null(get_vif("hv1/p1"));

    /* A VM that was started again elsewhere is followed; the old host is the
     * candidate when it comes back, and no more. */
    add_vif(1, "tap2", "p2", 7);
    UNTIL(bound("p2", "hv2", "hv1"));
    ovs_sandbox_start_server(&sandboxes[0]);
    UNTIL(!facts_find_host(fabric->db->facts, "hv1")->silent);
    settle();
    assert_true(bound("p1", "hv1", NULL));
    assert_true(bound("p2", "hv2", "hv1"));
    assert_int_equal(revision_of(VMN_TABLE_BINDING, "p1"), before);
}

static void
bindings_survive_a_restart_of_vmnd(void **state OVS_UNUSED)
{
    uint64_t p1, p2;

    start_hosts();
    put_port("p2", NULL, NULL);
    put_port("p3", NULL, NULL);
    add_vif(0, "tap1", "p1", 5);
    add_vif(0, "tap3", "p3", 8);
    UNTIL(bound("p1", "hv1", NULL));
    add_vif(1, "tap1", "p1", 6);
    add_vif(1, "tap2", "p2", 7);
    UNTIL(bound("p1", "hv1", "hv2") && bound("p2", "hv2", NULL)
          && bound("p3", "hv1", NULL));
    p1 = revision_of(VMN_TABLE_BINDING, "p1");
    p2 = revision_of(VMN_TABLE_BINDING, "p2");

    /* One host is away while vmnd starts, and the other has lost a VM. */
    stop_vmnd();
    ovs_sandbox_stop_server(&sandboxes[1]);
    VSCTL(0, "del-port tap3");
    fixture_start_fabric(&options);
    assert_false(reported("hv1"));
    UNTIL(reported("hv1"));
    assert_non_null(get_vif("hv1/p1"));
    UNTIL(bound("p3", NULL, NULL));
    settle();
    assert_false(reported("hv2"));
    assert_true(bound("p2", "hv2", NULL));
    assert_true(port_state_is("p2", "pending"));
    ovs_sandbox_start_server(&sandboxes[1]);
    UNTIL(reported("hv2"));
    settle();
    assert_int_equal(revision_of(VMN_TABLE_BINDING, "p1"), p1);
    assert_int_equal(revision_of(VMN_TABLE_BINDING, "p2"), p2);
}

static void
deleted_host_takes_its_bindings_along(void **state OVS_UNUSED)
{
    start_hosts();
    put_port("p2", NULL, NULL);
    add_vif(0, "tap1", "p1", 5);
    add_vif(0, "tap2", "p2", 6);
    UNTIL(bound("p1", "hv1", NULL) && bound("p2", "hv1", NULL));
    add_vif(1, "tap1", "p1", 9);
    UNTIL(bound("p1", "hv1", "hv2"));
    edit(VMN_TABLE_HOST, "hv1", NULL);
    UNTIL(bound("p1", "hv2", NULL) && bound("p2", NULL, NULL));
    assert_null(get_vif("hv1/p1"));
    /* It comes back as any host. */
    put_host(0, "br-int", false);
    UNTIL(bound("p1", "hv2", "hv1") && bound("p2", "hv1", NULL));
}

/* Numbers.  -------------------------------------------------------------- */

static void
number_that_vanishes_for_a_moment_is_kept(void **state OVS_UNUSED)
{
    uint64_t vif, binding;

    start_hosts();
    add_vif(0, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv1", NULL));
    vif = revision_of(VMN_TABLE_VIF, "hv1/p1");
    binding = revision_of(VMN_TABLE_BINDING, "p1");
    VSCTL(0, "clear Interface tap1 ofport");
    settle();
    VSCTL(0, "clear Interface tap1 link_state");
    settle();
    VSCTL(0, "set Interface tap1 ofport=-1");
    settle();
    VSCTL(0, "set Interface tap1 ofport=5 link_state=up");
    settle();
    assert_int_equal(revision_of(VMN_TABLE_VIF, "hv1/p1"), vif);
    assert_int_equal(revision_of(VMN_TABLE_BINDING, "p1"), binding);

    /* Another one is taken over at once. */
    VSCTL(0, "set Interface tap1 ofport=6");
    UNTIL(get_vif("hv1/p1")->ofport == 6);
    assert_int_equal(revision_of(VMN_TABLE_BINDING, "p1"), binding);

    /* A device that stays away is gone in the end. */
    VSCTL(0, "set Interface tap1 ofport=-1");
    UNTIL(bound("p1", NULL, NULL) && !get_vif("hv1/p1"));
    VSCTL(0, "set Interface tap1 ofport=6");
    UNTIL(bound("p1", "hv1", NULL));
}

static void
number_that_another_interface_has_is_given_up(void **state OVS_UNUSED)
{
    start_hosts();
    put_port("p2", NULL, NULL);
    add_vif(0, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv1", NULL));
    VSCTL(0, "set Interface tap1 ofport=-1 -- add-port br-int tap2 -- "
          "set Interface tap2 ofport=5 external_ids:iface-id=p2");
    UNTIL(bound("p2", "hv1", NULL));
    assert_null(get_vif("hv1/p1"));
    assert_true(bound("p1", NULL, NULL));
}

static void
of_equal_iface_ids_the_one_that_has_it_counts(void **state OVS_UNUSED)
{
    start_hosts();
    add_vif(0, "tap3", "p1", 3);
    UNTIL(get_vif("hv1/p1"));
    add_vif(0, "tap2", "p1", 2);
    add_vif(0, "tap4", "p1", 4);
    settle();
    assert_string_equal(get_vif("hv1/p1")->iface, "tap3");
    /* One without a number does not stand in the way. */
    VSCTL(0, "add-port br-int tap1 -- set Interface tap1 "
          "external_ids:iface-id=p1");
    settle();
    assert_string_equal(get_vif("hv1/p1")->iface, "tap3");
    VSCTL(0, "del-port tap3");
    UNTIL(!strcmp(get_vif("hv1/p1")->iface, "tap2"));
    /* What is left behind by a VM that is gone gives way. */
    VSCTL(0, "set Interface tap2 link_state=down");
    UNTIL(!strcmp(get_vif("hv1/p1")->iface, "tap4"));
}

static void
what_is_not_a_vif_is_ignored(void **state OVS_UNUSED)
{
    start_hosts();
    VSCTL(0, "add-br br-ex -- add-port br-ex tap1 -- set Interface tap1 "
          "ofport=1 external_ids:iface-id=p1");
    add_vif(0, "tap2", "\"a/b\"", 2);
    add_vif(0, "tap3", "\"x,y\"", 3);
    add_vif(0, "tap4", "0123456789012345678901234567890123456789"
            "012345678901234567890123456789", 4);
    add_vif(0, "tap5", "good", 5);
    UNTIL(get_vif("hv1/good"));
    assert_int_equal(model_names(toy.model, VMN_TABLE_VIF).n, 1);
    assert_true(bound("p1", NULL, NULL));
}

static void
many_interfaces_are_one_transaction(void **state OVS_UNUSED)
{
    struct ds script = DS_EMPTY_INITIALIZER;
    uint64_t before;

    start_hosts();
    for (int i = 0; i < 6; i++) {
        char *name = xasprintf("many-%d", i);

        put_port(name, NULL, NULL);
        free(name);
    }
    for (int i = 0; i < 6; i++) {
        ds_put_format(&script, "%sadd-port br-int tap%d -- set Interface "
                      "tap%d external_ids:iface-id=many-%d ofport=%d",
                      i ? " -- " : "", i, i, i, i + 1);
    }
    before = model_durable_revision(toy.model);
    VSCTL(0, "%s", ds_cstr(&script));
    ds_destroy(&script);
    UNTIL(bound("many-5", "hv1", NULL));
    settle();
    assert_int_equal(model_durable_revision(toy.model), before + 1);
    for (int i = 0; i < 6; i++) {
        char *name = xasprintf("many-%d", i);

        assert_true(bound(name, "hv1", NULL));
        free(name);
    }
}

static void
refused_report_is_sent_again(void **state OVS_UNUSED)
{
    start_hosts();
    put_port("p2", NULL, NULL);
    add_vif(0, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv1", NULL));
    fixture_store_errors = 2;
    VSCTL(0, "del-port tap1");
    add_vif(0, "tap2", "p2", 6);
    add_vif(1, "tap2", "p2", 6);
    UNTIL(!fixture_store_errors && bound("p1", NULL, NULL)
          && get_vif("hv1/p2") && get_vif("hv2/p2")
          && !bound("p2", NULL, NULL));
    assert_null(get_vif("hv1/p1"));
    settle();

    const struct fact_port *port = facts_find_port(fabric->db->facts, "p2");
    assert_true(bound("p2", port->active, port->candidate));
    assert_non_null(port->candidate);
}

/* Real switches.  -------------------------------------------------------- */

static void
switch_that_restarts_changes_nothing(void **state OVS_UNUSED)
{
    uint64_t bindings[3], vifs[3];
    char name[16];

    ovs_sandbox_start_vswitchd(&sandboxes[0]);
    put_host(0, "br-int", false);
    UNTIL(status_is("hv1", "state", "synced"));
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "vm%d", i);
        put_port(name, NULL, NULL);
        VSCTL(0, "add-port br-int %s -- set Interface %s type=dummy "
              "external_ids:iface-id=%s", name, name, name);
        UNTIL(bound(name, "hv1", NULL));
    }
    /* So that numbers given anew would be others. */
    VSCTL(0, "del-port vm0");
    UNTIL(bound("vm0", NULL, NULL));
    settle();
    for (int i = 1; i < 3; i++) {
        snprintf(name, sizeof name, "vm%d", i);
        bindings[i] = revision_of(VMN_TABLE_BINDING, name);
        snprintf(name, sizeof name, "hv1/vm%d", i);
        vifs[i] = revision_of(VMN_TABLE_VIF, name);
    }
    for (int round = 0; round < 2; round++) {
        ovs_sandbox_stop_vswitchd(&sandboxes[0]);
        UNTIL(!status_is("hv1", "state", "synced"));
        settle();
        ovs_sandbox_start_vswitchd(&sandboxes[0]);
        UNTIL(status_is("hv1", "state", "synced"));
        settle();
    }
    for (int i = 1; i < 3; i++) {
        snprintf(name, sizeof name, "vm%d", i);
        assert_int_equal(revision_of(VMN_TABLE_BINDING, name), bindings[i]);
        snprintf(name, sizeof name, "hv1/vm%d", i);
        assert_int_equal(revision_of(VMN_TABLE_VIF, name), vifs[i]);
    }
}

static void
migration_moves_once_the_target_is_ready(void **state OVS_UNUSED)
{
    start_hosts();
    add_vif(1, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv2", NULL));

    /* The target has the interface, but its switch does not answer yet. */
    put_port("p1", "hv1", NULL);
    VSCTL(0, "add-port br-int tap1 -- set Interface tap1 type=dummy "
          "external_ids:iface-id=p1 ofport_request=7 ofport=7 "
          "link_state=up");
    UNTIL(bound("p1", "hv2", "hv1"));
    settle();
    assert_true(bound("p1", "hv2", "hv1"));
    assert_int_equal(get_vif("hv1/p1")->ofport, 7);

    ovs_sandbox_start_vswitchd(&sandboxes[0]);
    UNTIL(bound("p1", "hv1", "hv2"));
    assert_true(status_is("hv1", "state", "synced"));
}

static void
taken_tunnel_number_is_found_out(void **state OVS_UNUSED)
{
    ovs_sandbox_start_vswitchd(&sandboxes[0]);
    VSCTL(0, "add-br br-int -- set Bridge br-int datapath_type=dummy "
          "-- add-port br-int taken -- set Interface taken type=dummy "
          "ofport_request=40000");
    UNTIL(({
        char *output = ovs_sandbox_vsctl(&sandboxes[0], "get Interface taken "
                                         "ofport");
        bool done = !strcmp(output, "40000");
        free(output);
        done;
    }));
    put_host(0, "br-int", true);
    UNTIL(status_is("hv1", "state", "refused"));
    assert_true(reason_has("hv1", "40000"));
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
        T(host_is_set_up_and_synced),
        T(inbound_host_is_taken_in),
        T(bridge_of_others_is_refused_until_adopted),
        T(wrong_tunnel_number_is_refused),
        T(same_datapath_id_twice_is_refused),
        T(what_else_is_wrong_is_told),
        T(host_that_is_not_there_has_a_status),
        T(port_is_bound_whichever_comes_first),
        T(migration_moves_when_the_source_lets_go),
        T(silent_host_keeps_its_bindings),
        T(bindings_survive_a_restart_of_vmnd),
        T(deleted_host_takes_its_bindings_along),
        T(number_that_vanishes_for_a_moment_is_kept),
        T(number_that_another_interface_has_is_given_up),
        T(of_equal_iface_ids_the_one_that_has_it_counts),
        T(what_is_not_a_vif_is_ignored),
        T(many_interfaces_are_one_transaction),
        T(refused_report_is_sent_again),
        T(switch_that_restarts_changes_nothing),
        T(migration_moves_once_the_target_is_ready),
        T(taken_tunnel_number_is_found_out),
    };

    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION,
                    getenv("VERBOSE") ? VLL_INFO : VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
