/* SPDX-License-Identifier: Apache-2.0
 *
 * The fabric's OVSDB side with real ovsdb-servers and, where it matters, real
 * ovs-vswitchds with dummy datapaths: hosts that are set up, what they report,
 * and the bindings that follow. */

#include <config.h>

#include "tests/unit/fabric-fixture.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/fabric/fabric-status.h"
#include "controller/fabric/fabric.h"
#include "controller/fabric/ovsdb/host-db.h"
#include "controller/fabric/ovsdb/observed-state.h"
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
    VMN_APP_HEAD, .name = "toy",
    .stages = (const struct vmn_stage_class[]) {
        { .name = "stage", .hook = VMN_HOOK_ADMIT, .n_tables = 1,
          .miss = VMN_MISS_DROP },
        { .name = NULL },
    },
    .units = (const struct vmn_unit_class[]) {
        { .name = "host", .each = VMN_EACH_ROW, .row_type = VMN_ROW_HOST,
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

/* A port that may be on both hosts, and is to be on 'host'. */
static void
put_port_on_both(const char *name, const char *host)
{
    edit(VMN_TABLE_PORT, name,
         json_pack("{s:s, s:s, s:[s, s]}", "network", "net", "host", host,
                   "hosts", "hv1", "hv2"));
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

static bool
has_interface(int i, const char *name)
{
    char *found = ovs_sandbox_vsctl(&sandboxes[i], "--bare --columns=name "
                                    "find Interface name=%s", name);
    bool has = found[0] != '\0';

    free(found);
    return has;
}

/* Is string 'key' of the host's status 'value'? */
static bool
status_is(const char *host, const char *key, const char *value)
{
    json_t *status = fixture_host_status(host);
    const char *s = json_string_value(json_object_get(status, key));
    bool equal = nullable_string_is_equal(s, value);

    json_decref(status);
    return equal;
}

static bool
reason_has(const char *host, const char *part)
{
    json_t *status = fixture_host_status(host);
    const char *s = json_string_value(json_object_get(status, "reason"));
    bool has = s && strstr(s, part);

    json_decref(status);
    return has;
}

static bool
port_state_is(const char *port, const char *state)
{
    json_t *status = fixture_port_status(port);
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

/* As the schema of 3.1 is. */
static void
host_without_zone_limits_says_so(void **state OVS_UNUSED)
{
    ovs_sandbox_start_vswitchd(&sandboxes[0]);
    put_host(0, "br-int", false);
    UNTIL(status_is("hv1", "state", "synced"));
    assert_true(status_is("hv1", "reason", NULL));
    edit(VMN_TABLE_HOST, "hv1",
         json_pack("{s:s, s:s, s:s, s:i}", "ovsdb", sandboxes[0].remote,
                   "tunnel_ip", "192.0.2.1", "datapath", "netdev",
                   "zone_limit", 5000));
    UNTIL(reason_has("hv1", "has no zone limits"));
    assert_true(status_is("hv1", "state", "synced"));
    put_host(0, "br-int", false);
    UNTIL(status_is("hv1", "reason", NULL));
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

/* All hosts get the port that one host is sent to by. */
static void
tunnel_ports_are_those_that_some_host_receives_by(void **state OVS_UNUSED)
{
    start_hosts();
    edit(VMN_TABLE_HOST, "hv2",
         json_pack("{s:s, s:s, s:s, s:s}", "ovsdb", sandboxes[1].remote,
                   "tunnel_ip", "192.0.2.2", "datapath", "netdev", "encap",
                   "geneve"));
    for (int i = 0; i < N_HOSTS; i++) {
        UNTIL(has_interface(i, "vmn-geneve"));
        assert_true(has_interface(i, "vmn-vxlan"));
    }
    VSCTL(0, "set Interface vmn-geneve ofport=100");
    UNTIL(status_is("hv1", "state", "refused"));
    assert_true(reason_has("hv1", "\"vmn-geneve\" got number 100 instead of "
                           "40001"));
    edit(VMN_TABLE_HOST, "hv2", NULL);
    UNTIL(!has_interface(0, "vmn-geneve"));
    UNTIL(!status_is("hv1", "state", "refused"));
    assert_true(has_interface(0, "vmn-vxlan"));
}

static bool
underlay_is(const char *host, int mtu, int network_mtu)
{
    json_t *status = fixture_host_status(host);
    json_t *underlay = json_object_get(status, "underlay");
    bool is = (json_integer_value(json_object_get(underlay, "mtu")) == mtu
               && json_integer_value(json_object_get(underlay, "network_mtu"))
               == network_mtu);

    json_decref(status);
    return is;
}

static bool
underlay_says(const char *part)
{
    json_t *status = fixture_host_status("hv1");
    const char *s = json_string_value(json_object_get(
        json_object_get(status, "underlay"), "reason"));
    bool says = s && strstr(s, part);

    json_decref(status);
    return says;
}

static void
put_underlay(const char *tunnel_ip, const char *second, const char *interface)
{
    edit(VMN_TABLE_HOST, "hv1",
         json_pack("{s:s, s:s, s:s, s:s*, s:s}", "ovsdb", sandboxes[0].remote,
                   "tunnel_ip", tunnel_ip, "datapath", "netdev",
                   "second_tunnel_ip", second, "tunnel_interface",
                   interface));
}

static bool
underlay_row_is(const char *host, uint32_t mtu)
{
    const struct vmn_underlay *row = model_get_durable(
        toy.model, VMN_TABLE_UNDERLAY, host, NULL);

    return mtu ? row && row->mtu == mtu : !row;
}

static void
mtu_of_the_underlay_holds_on(void **state OVS_UNUSED)
{
    start_hosts();
    put_underlay("192.0.2.1", NULL, "br-phys");
    VSCTL(0, "add-br br-phys -- set Interface br-phys mtu=9000");
    UNTIL(underlay_row_is("hv1", 9000));
    /* Not known for a moment, and after a restart not yet. */
    VSCTL(0, "clear Interface br-phys mtu");
    UNTIL(underlay_is("hv1", 0, 0));
    assert_true(underlay_row_is("hv1", 9000));
    stop_vmnd();
    assert_true(underlay_row_is("hv1", 9000));
    fixture_start_fabric(&options);
    VSCTL(0, "set Interface br-phys mtu=4000");
    UNTIL(underlay_row_is("hv1", 4000));
    /* It goes with its host. */
    edit(VMN_TABLE_HOST, "hv1", NULL);
    assert_true(underlay_row_is("hv1", 0));
}

static void
mtu_of_the_underlay_is_told_and_held_against_networks(void **state OVS_UNUSED)
{
    start_hosts();
    edit(VMN_TABLE_NETWORK, "net", json_pack("{s:i}", "mtu", 1450));
    put_underlay("192.0.2.1", NULL, "br-phys");
    UNTIL(underlay_says("no interface \"br-phys\""));
    VSCTL(0, "add-br br-phys");
    UNTIL(!underlay_says("br-phys"));
    assert_true(underlay_is("hv1", 0, 0));
    VSCTL(0, "set Interface br-phys mtu=1500");
    UNTIL(underlay_is("hv1", 1500, 1450));
    UNTIL(underlay_row_is("hv1", 1500));

    /* A network counts where it has a port. */
    add_vif(0, "tap1", "p1", 1);
    UNTIL(bound("p1", "hv1", NULL));
    assert_false(underlay_says("MTU"));
    VSCTL(0, "set Interface br-phys mtu=1499");
    UNTIL(underlay_says("the MTU of network \"net\" is larger than the "
                     "1449 bytes"));
    VSCTL(0, "set Interface br-phys mtu=1500");
    UNTIL(!underlay_says("MTU"));
    put_underlay("192.0.2.1", "fd99::1", "br-phys");
    assert_true(underlay_is("hv1", 1500, 1430));
    assert_true(underlay_says("\"net\" is larger than the 1430 bytes"));
    VSCTL(0, "set Interface br-phys mtu=1520");
    UNTIL(!underlay_says("MTU"));

    /* Nonsense. */
    VSCTL(0, "set Interface br-phys mtu=-5");
    UNTIL(underlay_is("hv1", 0, 0));
    VSCTL(0, "set Interface br-phys mtu=9");
    UNTIL(underlay_is("hv1", 9, 0));
}

/* Physical networks.  ---------------------------------------------------- */

/* Host "hv1" with 'physical' by way of 'bridge', and perhaps another. */
static void
put_provider(const char *physical, const char *bridge, const char *other)
{
    json_t *bridges = json_pack("[{s:s, s:s}]", "physical", physical,
                                "bridge", bridge);

    if (other) {
        json_array_append_new(bridges, json_pack("{s:s, s:s}", "physical",
                                                 other, "bridge", "br-other"));
    }
    edit(VMN_TABLE_HOST, "hv1",
         json_pack("{s:s, s:s, s:s, s:o}", "ovsdb", sandboxes[0].remote,
                   "tunnel_ip", "192.0.2.1", "datapath", "netdev",
                   "provider_bridges", bridges));
}

/* Asserts what ovs-vsctl answers for "get ...". */
static void
assert_got(const char *get, const char *expected)
{
    char *output = ovs_sandbox_vsctl(&sandboxes[0], "get %s", get);

    assert_string_equal(output, expected);
    free(output);
}

static void
physical_network_is_reached_by_a_real_switch(void **state OVS_UNUSED)
{
    uint32_t ofport;

    ovs_sandbox_start_vswitchd(&sandboxes[0]);
    VSCTL(0, "add-br br-ex -- set Bridge br-ex datapath_type=netdev");
    put_provider("dc", "br-ex", NULL);
    UNTIL(get_vif("hv1/@dc"));
    ofport = get_vif("hv1/@dc")->ofport;
    assert_in_range(ofport, 1, 65279);
    assert_string_equal(get_vif("hv1/@dc")->iface, "vmn-to-br-ex");
    assert_got("Interface vmn-to-br-ex type options external_ids error",
               "patch\n{peer=vmn-from-br-ex}\n{iface-id=\"@dc\", "
               "vmn-owner=vmnd}\n[]");
    assert_got("Interface vmn-from-br-ex type options external_ids error",
               "patch\n{peer=vmn-to-br-ex}\n{vmn-owner=vmnd}\n[]");
    UNTIL(status_is("hv1", "state", "synced"));
    assert_true(status_is("hv1", "reason", NULL));

    /* The operator's bridge stays as it is. */
    assert_got("Bridge br-ex external_ids fail_mode controller",
               "{}\n[]\n[]");

    /* Nobody is bound by it. */
    put_port("p1", NULL, NULL);
    assert_true(bound("p1", NULL, NULL));
    json_t *status = fixture_host_status("hv1");
    assert_int_equal(json_integer_value(json_object_get(status, "ports")), 0);
    json_decref(status);
}

static void
physical_network_waits_for_its_bridge(void **state OVS_UNUSED)
{
    put_provider("dc", "br-ex", NULL);
    UNTIL(reason_has("hv1", "has no bridge \"br-ex\""));
    assert_true(reported("hv1"));
    assert_false(has_interface(0, "vmn-to-br-ex"));
    assert_false(status_is("hv1", "state", "refused"));

    VSCTL(0, "add-br br-ex -- set Bridge br-ex datapath_type=system");
    UNTIL(reason_has("hv1", "on datapath \"system\""));
    assert_false(has_interface(0, "vmn-to-br-ex"));
    VSCTL(0, "set Bridge br-ex datapath_type=netdev");
    UNTIL(has_interface(0, "vmn-to-br-ex"));
    assert_true(has_interface(0, "vmn-from-br-ex"));
    UNTIL(!reason_has("hv1", "br-ex"));

    /* With the bridge goes the port that leads to it. */
    VSCTL(0, "set Interface vmn-to-br-ex ofport=7");
    UNTIL(get_vif("hv1/@dc"));
    VSCTL(0, "del-br br-ex");
    UNTIL(!get_vif("hv1/@dc"));
    UNTIL(!has_interface(0, "vmn-to-br-ex"));
    UNTIL(reason_has("hv1", "has no bridge \"br-ex\""));

    /* What is known holds on when something else of the host changes. */
    put_provider("dc", "br-ex", "wan");
    assert_true(reason_has("hv1", "has no bridge \"br-ex\""));
}

static void
physical_networks_come_and_go(void **state OVS_UNUSED)
{
    VSCTL(0, "add-br br-ex -- set Bridge br-ex datapath_type=netdev "
          "-- add-br br-other -- set Bridge br-other datapath_type=netdev "
          "-- add-port br-other vmn-mine");
    put_provider("dc", "br-ex", "wan");
    UNTIL(has_interface(0, "vmn-to-br-ex")
          && has_interface(0, "vmn-from-br-other"));
    VSCTL(0, "set Interface vmn-to-br-ex ofport=7 -- "
          "set Interface vmn-to-br-other ofport=8");
    UNTIL(get_vif("hv1/@dc") && get_vif("hv1/@wan"));

    /* Another name for the same bridge; the other is no longer wanted. */
    put_provider("lab", "br-ex", NULL);
    UNTIL(get_vif("hv1/@lab") && !get_vif("hv1/@dc") && !get_vif("hv1/@wan"));
    assert_int_equal(get_vif("hv1/@lab")->ofport, 7);
    UNTIL(!has_interface(0, "vmn-to-br-other")
          && !has_interface(0, "vmn-from-br-other"));
    assert_true(has_interface(0, "vmn-mine"));

    /* What others change comes back. */
    VSCTL(0, "set Interface vmn-to-br-ex options:peer=x -- "
          "del-port br-ex vmn-from-br-ex");
    UNTIL(has_interface(0, "vmn-from-br-ex"));
    assert_got("Interface vmn-to-br-ex options", "{peer=vmn-from-br-ex}");
}

static void
stranger_does_not_lead_to_a_physical_network(void **state OVS_UNUSED)
{
    VSCTL(0, "add-br br-ex -- set Bridge br-ex datapath_type=netdev "
          "-- add-port br-ex vmn-from-br-ex");
    put_provider("dc", "br-ex", NULL);
    UNTIL(reason_has("hv1", "port \"vmn-from-br-ex\" already exists"));
    assert_false(has_interface(0, "vmn-to-br-ex"));
    add_vif(0, "tap1", "@dc", 5);
    VSCTL(0, "set Interface tap1 external_ids:vmn-owner=vmnd");
    settle();
    assert_null(get_vif("hv1/@dc"));
    VSCTL(0, "del-port br-ex vmn-from-br-ex");
    UNTIL(has_interface(0, "vmn-to-br-ex"));
    VSCTL(0, "set Interface vmn-to-br-ex ofport=9");
    UNTIL(get_vif("hv1/@dc"));
    assert_int_equal(get_vif("hv1/@dc")->ofport, 9);
}

/* Nor is a port on a host that is a machine outside. */
static void
external_port_claims_no_interface(void **state OVS_UNUSED)
{
    start_hosts();
    edit(VMN_TABLE_NETWORK, "pub", json_pack("{s:{s:s}}", "provider",
                                             "physical", "dc"));
    edit(VMN_TABLE_PORT, "metal", json_pack("{s:s, s:b}", "network", "pub",
                                            "external", true));
    add_vif(0, "tap1", "metal", 5);
    UNTIL(get_vif("hv1/metal"));
    settle();
    assert_true(bound("metal", NULL, NULL));
    assert_true(port_state_is("metal", "external"));

    /* It may become a VM. */
    edit(VMN_TABLE_PORT, "metal", json_pack("{s:s}", "network", "pub"));
    UNTIL(bound("metal", "hv1", NULL));

    json_t *status = fixture_port_status("metal");
    const char *reason = json_string_value(json_object_get(status, "reason"));
    assert_non_null(reason);
    assert_non_null(strstr(reason, "no way to physical network \"dc\""));
    json_decref(status);

    edit(VMN_TABLE_PORT, "metal", json_pack("{s:s, s:b}", "network", "pub",
                                            "external", true));
    UNTIL(bound("metal", NULL, NULL));
}

/* Trunks.  -------------------------------------------------------------- */

static void
put_sub_port(const char *name, const char *parent, int vlan)
{
    edit(VMN_TABLE_PORT, name,
         json_pack("{s:s, s:s, s:i}", "network", "net", "parent", parent,
                   "vlan", vlan));
}

static bool
has_pair(int i, const char *sub)
{
    char *name = xasprintf("vmn-sub-%s", sub);
    char *tag = xasprintf("vmn-tag-%s", sub);
    bool has = has_interface(i, name);

    assert_int_equal(has_interface(i, tag), has);
    free(name);
    free(tag);
    return has;
}

static void
sub_port_has_ports_of_its_own_by_a_real_switch(void **state OVS_UNUSED)
{
    ovs_sandbox_start_vswitchd(&sandboxes[0]);
    put_host(0, "br-int", false);
    put_port("p1", NULL, NULL);
    put_sub_port("s1", "p1", 7);
    UNTIL(reported("hv1"));
    VSCTL(0, "add-port br-int tap1 -- set Interface tap1 type=internal "
          "external_ids:iface-id=p1");
    UNTIL(bound("p1", "hv1", NULL) && bound("s1", "hv1", NULL));
    assert_string_equal(get_vif("hv1/s1")->iface, "vmn-sub-s1");
    assert_in_range(get_vif("hv1/s1")->tag_ofport, 1, 65279);
    assert_int_not_equal(get_vif("hv1/s1")->tag_ofport,
                         get_vif("hv1/s1")->ofport);
    assert_int_equal(get_vif("hv1/p1")->tag_ofport, 0);
    assert_got("Interface vmn-sub-s1 type options error external_ids",
               "patch\n{peer=vmn-tag-s1}\n[]\n"
               "{iface-id=s1, vmn-owner=vmnd}");
    assert_got("Interface vmn-tag-s1 type options error external_ids",
               "patch\n{peer=vmn-sub-s1}\n[]\n{vmn-owner=vmnd}");
    UNTIL(status_is("hv1", "state", "synced"));
    assert_true(status_is("hv1", "reason", NULL));
}

/* The numbers that a switch would have given. */
static void
number_pair(int i, const char *sub, int ofport)
{
    VSCTL(i, "set Interface vmn-sub-%s ofport=%d link_state=up -- "
          "set Interface vmn-tag-%s ofport=%d", sub, ofport, sub, ofport + 1);
}

static void
sub_ports_follow_their_parent(void **state OVS_UNUSED)
{
    start_hosts();
    put_sub_port("s1", "p1", 7);
    put_sub_port("s2", "p1", 8);
    put_port("p2", NULL, NULL);
    settle();
    assert_false(has_pair(0, "s1"));

    add_vif(0, "tap1", "p1", 5);
    UNTIL(has_pair(0, "s1") && has_pair(0, "s2"));
    assert_true(bound("s1", NULL, NULL));
    /* One end by itself is no way to a port. */
    VSCTL(0, "set Interface vmn-sub-s1 ofport=6 link_state=up");
    settle();
    assert_true(bound("s1", NULL, NULL));
    number_pair(0, "s1", 6);
    UNTIL(bound("s1", "hv1", NULL));
    assert_int_equal(get_vif("hv1/s1")->tag_ofport, 7);
    assert_false(has_pair(1, "s1"));

    /* Its next host is made ready, for the sub-port as well. */
    add_vif(1, "tap1", "p1", 15);
    UNTIL(bound("p1", "hv1", "hv2") && has_pair(1, "s1"));
    number_pair(1, "s1", 16);
    UNTIL(bound("s1", "hv1", "hv2"));
    VSCTL(0, "del-port tap1");
    UNTIL(bound("p1", "hv2", NULL) && bound("s1", "hv2", NULL));
    UNTIL(!has_pair(0, "s1") && !has_pair(0, "s2"));

    /* Another parent, another place; and gone, nowhere. */
    add_vif(0, "tap2", "p2", 9);
    put_sub_port("s1", "p2", 7);
    UNTIL(has_pair(0, "s1") && !has_pair(1, "s1"));
    UNTIL(bound("s1", NULL, NULL));
    edit(VMN_TABLE_PORT, "s1", NULL);
    UNTIL(!has_pair(0, "s1"));
    assert_true(has_pair(1, "s2"));
}

static void
sub_ports_stay_while_vmnd_is_away(void **state OVS_UNUSED)
{
    char *before, *after;

    start_hosts();
    put_sub_port("s1", "p1", 7);
    add_vif(0, "tap1", "p1", 5);
    UNTIL(has_pair(0, "s1"));
    number_pair(0, "s1", 6);
    UNTIL(bound("s1", "hv1", NULL));
    before = ovs_sandbox_vsctl(&sandboxes[0], "get Port vmn-sub-s1 _uuid");
    stop_vmnd();
    fixture_start_fabric(&options);
    UNTIL(get_vif("hv1/s1"));
    settle();
    assert_true(bound("s1", "hv1", NULL));
    after = ovs_sandbox_vsctl(&sandboxes[0], "get Port vmn-sub-s1 _uuid");
    assert_string_equal(before, after);
    free(before);
    free(after);
}

static void
same_datapath_id_twice_is_refused(void **state OVS_UNUSED)
{
    start_hosts();
    VSCTL(0, "set Bridge br-int datapath_id=\"00000000000000aa\"");
    UNTIL(fabric_find_host(fabric, "hv1")->datapath_id == 0xaa);
    VSCTL(1, "set Bridge br-int datapath_id=\"00000000000000aa\"");
    UNTIL(status_is("hv2", "state", "refused"));
    assert_true(reason_has("hv2", "host \"hv1\""));
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
    json_t *status = fixture_host_status("gone");
    json_t *ovsdb = json_object_get(status, "ovsdb");

    assert_string_not_equal(json_string_value(json_object_get(ovsdb,
                                                              "state")),
                            "connected");
    json_decref(status);
    UNTIL(reason_has("gone", "no connection to its database: "));
    edit(VMN_TABLE_HOST, "gone", NULL);
    assert_null(fixture_host_status("gone"));
    assert_null(fixture_port_status("no-port"));
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
    put_port_on_both("p1", "hv1");
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
    UNTIL(observed_find_host(fabric->db->observed, "hv1")->silent);
    settle();
    assert_int_equal(revision_of(VMN_TABLE_BINDING, "p1"), before);
    assert_non_null(get_vif("hv1/p1"));

    /* A VM that was started again elsewhere is followed; the old host is the
     * candidate when it comes back, and no more. */
    add_vif(1, "tap2", "p2", 7);
    UNTIL(bound("p2", "hv2", "hv1"));
    ovs_sandbox_start_server(&sandboxes[0]);
    UNTIL(!observed_find_host(fabric->db->observed, "hv1")->silent);
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

/* vmnd starts again, with a commit of its own, which has compiled nothing. */
static void
restart_vmnd(void)
{
    stop_vmnd();
    commit_destroy(commit);
    fixture_start_commit();
    fixture_start_fabric(&options);
}

/* What hosts report at a start belongs to what is compiled first, and is no
 * revision. */
static void
first_reports_are_loaded(void **state OVS_UNUSED)
{
    uint64_t before;

    start_hosts();
    put_port("p2", NULL, NULL);
    add_vif(0, "tap1", "p1", 5);
    add_vif(1, "tap2", "p2", 7);
    UNTIL(bound("p1", "hv1", NULL) && bound("p2", "hv2", NULL));
    restart_vmnd();
    before = model_durable_revision(toy.model);
    assert_false(commit_is_quiescent(commit));
    UNTIL(commit_is_quiescent(commit));
    assert_true(reported("hv1") && reported("hv2"));
    assert_int_equal(get_vif("hv1/p1")->ofport, 5);
    assert_int_equal(get_vif("hv2/p2")->ofport, 7);
    settle();
    assert_int_equal(model_durable_revision(toy.model), before);

    /* A host that is away is not waited for.  What another has lost or got
     * since then is seen. */
    ovs_sandbox_stop_server(&sandboxes[1]);
    VSCTL(0, "set Interface tap1 ofport=6");
    restart_vmnd();
    UNTIL(commit_is_quiescent(commit));
    UNTIL(reported("hv1"));
    assert_false(reported("hv2"));
    assert_int_equal(get_vif("hv1/p1")->ofport, 6);
    assert_int_equal(model_durable_revision(toy.model), before + 2);
    VSCTL(0, "del-port tap1");
    UNTIL(bound("p1", NULL, NULL) && !get_vif("hv1/p1"));
    ovs_sandbox_start_server(&sandboxes[1]);
    UNTIL(reported("hv2") && get_vif("hv2/p2"));
}

/* A report that a test makes up.  The host's database is not there. */
struct made_up {
    size_t n;
    struct vif_report *reports;
};

static void
made_up_init(struct made_up *m, size_t n)
{
    m->n = n;
    m->reports = xcalloc(n, sizeof *m->reports);
    for (size_t i = 0; i < n; i++) {
        m->reports[i] = (struct vif_report) {
            .iface_id = xasprintf("i%"PRIuSIZE, i), .iface = "tap",
            .ofport = 1 + i, .link_up = true,
        };
    }
}

static void
made_up_uninit(struct made_up *m)
{
    for (size_t i = 0; i < m->n; i++) {
        free(CONST_CAST(char *, m->reports[i].iface_id));
    }
    free(m->reports);
}

/* One comes, one goes, one has another number. */
static void
made_up_change(struct made_up *m, int i)
{
    struct vif_report *other = &m->reports[m->n / 2 + 7 * i];

    free(CONST_CAST(char *, m->reports[i].iface_id));
    m->reports[i].iface_id = xasprintf("new%d", i);
    other->ofport = 30000 + i;
}

static void
assert_loaded(const struct made_up *m)
{
    assert_int_equal(model_names(toy.model, VMN_TABLE_VIF).n, m->n);
    for (size_t i = 0; i < m->n; i++) {
        char *name = xasprintf("hv1/%s", m->reports[i].iface_id);
        const struct vmn_vif *vif = get_vif(name);

        assert_non_null(vif);
        assert_int_equal(vif->ofport, m->reports[i].ofport);
        free(name);
    }
}

/* Loading many interfaces takes several turns, in which hosts may report. */
static void
report_in_the_middle_of_loading_counts(void **state OVS_UNUSED)
{
    struct observed_host *observed;
    struct made_up m;
    int n = 0;

    ovs_sandbox_stop_server(&sandboxes[0]);
    put_host(0, "br-int", false);
    restart_vmnd();
    observed = observed_find_host(fabric->db->observed, "hv1");
    assert_true(observed->state->in_barrier);
    made_up_init(&m, 20000);
    observed_host_report(observed, m.reports, m.n);
    fabric->db->barrier_until_ms = 0;
    event_active(fabric->db->barrier, EV_TIMEOUT, 1);
    UNTIL(observed->loaded);
    for (; observed->state->in_barrier; n++) {
        /* The slower the machine, the more turns. */
        if (n < 100) {
            made_up_change(&m, n);
            observed_host_report(observed, m.reports, m.n);
        }
        loop_turn(loop, 0);
    }
    assert_true(n > 1);
    UNTIL(commit_is_quiescent(commit)
          && ovs_list_is_empty(&observed->state->submitted)
          && !observed->request.n_ops);
    assert_loaded(&m);
    made_up_uninit(&m);
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

    const struct observed_port *port
        = observed_find_port(fabric->db->observed, "p2");
    assert_true(bound("p2", port->active, port->candidate));
    assert_non_null(port->candidate);
}

static void
port_made_anew_in_one_group_is_bound_again(void **state OVS_UNUSED)
{
    struct model_request gone, anew;
    uint64_t before;

    start_hosts();
    add_vif(0, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv1", NULL));
    before = revision_of(VMN_TABLE_BINDING, "p1");
    model_request_init(&gone, "test");
    model_request_add(&gone, MODEL_DELETE, VMN_TABLE_PORT, "p1", NULL);
    model_request_init(&anew, "test");
    model_request_add(&anew, MODEL_PUT, VMN_TABLE_PORT, "p1",
                      json_pack("{s:s}", "network", "net"));
    commit_submit(commit, &gone, NULL, NULL);
    fixture_submit(&anew, fixture_turn);
    UNTIL(bound("p1", "hv1", NULL));
    assert_true(revision_of(VMN_TABLE_BINDING, "p1") > before);
}

/* More than the log names. */
static void
ports_of_a_large_request_are_followed(void **state OVS_UNUSED)
{
    struct model_request request;

    start_hosts();
    add_vif(0, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv1", NULL));
    add_vif(0, "tap2", "p2", 6);
    model_request_init(&request, "test");
    model_request_add(&request, MODEL_DELETE, VMN_TABLE_PORT, "p1", NULL);
    for (int i = 0; i < 1100; i++) {
        char *name = xasprintf("n%d", i);

        model_request_add(&request, MODEL_PUT, VMN_TABLE_NETWORK, name,
                          json_object());
        free(name);
    }
    model_request_add(&request, MODEL_PUT, VMN_TABLE_PORT, "p2",
                      json_pack("{s:s}", "network", "net"));
    fixture_submit(&request, fixture_turn);
    assert_null(observed_find_port(fabric->db->observed, "p1"));
    assert_false(fabric->db->observed->resyncing);
    UNTIL(bound("p2", "hv1", NULL));
}

/* Real switches.  -------------------------------------------------------- */

static void
switch_that_restarts_changes_nothing(void **state OVS_UNUSED)
{
    uint64_t bindings[3], vifs[3];
    char name[24];

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
    put_port_on_both("p1", "hv1");
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

/* Telemetry.  ------------------------------------------------------------ */

/* Asserts that the status of telemetry 'name' comes to say this of "hv1";
 * NULL: nothing. */
static bool
telemetry_is(const char *name, const char *sflow, const char *ipfix,
             const char *reason)
{
    const struct vmn_telemetry *row = model_get_durable(
        toy.model, VMN_TABLE_TELEMETRY, name, NULL);
    json_t *status = fixture_telemetry_status(row);
    const json_t *host = json_array_get(json_object_get(status, "hosts"), 0);
    const char *why = json_string_value(json_object_get(host, "reason"));
    bool equal;

    assert_int_equal(json_integer_value(json_object_get(status, "n_hosts")),
                     1);
    equal = (nullable_string_is_equal(
                 json_string_value(json_object_get(host, "sflow")), sflow)
             && nullable_string_is_equal(
                 json_string_value(json_object_get(host, "ipfix")), ipfix)
             && (reason ? why && strstr(why, reason) : !why));
    equal &= (json_integer_value(json_object_get(status, "n_active"))
              == !reason);
    json_decref(status);
    return equal;
}

static json_t *
sflow_spec(const char *target_, int sampling)
{
    return json_pack("{s:{s:[s], s:i}}", "sflow", "targets", target_,
                     "sampling", sampling);
}

/* The number of rows in 'table'. */
static int
n_rows(const char *table)
{
    char *output = ovs_sandbox_vsctl(&sandboxes[0], "--bare --columns=_uuid "
                                     "find %s", table);
    int n = output[0] != '\0';

    for (const char *p = output; *p; p++) {
        n += p[0] == '\n' && p[1] != '\n' && p[1];
    }
    free(output);
    return n;
}

static void
telemetry_is_set_up_and_removed(void **state OVS_UNUSED)
{
    put_host(0, "br-int", false);
    edit(VMN_TABLE_TELEMETRY, "t", json_pack(
        "{s:{s:[s,s], s:i, s:i, s:i, s:s}, s:{s:[s], s:i, s:i, s:i, s:i,"
        " s:i}}",
        "sflow", "targets", "192.0.2.9:6343", "[2001:db8::9]:6343",
        "sampling", 10, "polling", 20, "header", 64, "agent", "eth0",
        "ipfix", "targets", "192.0.2.9:4739", "sampling", 5,
        "obs_domain_id", 7, "obs_point_id", 8, "cache_active_timeout", 60,
        "cache_max_flows", 100));
    UNTIL(telemetry_is("t", "active", "active", NULL));
    char *row = ovs_sandbox_vsctl(&sandboxes[0], "get Bridge br-int sflow");
    char *get = xasprintf("sFlow %s agent sampling polling header "
                          "external_ids:vmn-owner", row);
    assert_got(get, "eth0\n10\n20\n64\nvmnd");
    free(get);
    get = xasprintf("sFlow %s targets", row);
    assert_got(get, "[\"192.0.2.9:6343\", \"[2001:db8::9]:6343\"]");
    free(get);

    /* What becomes another is changed, in the same row. */
    edit(VMN_TABLE_TELEMETRY, "t", sflow_spec("192.0.2.8:6343", 11));
    UNTIL(n_rows("IPFIX") == 0);
    get = xasprintf("sFlow %s agent sampling polling header targets", row);
    UNTIL(({
        char *output = ovs_sandbox_vsctl(&sandboxes[0], "get %s", get);
        bool done = !strcmp(output, "[]\n11\n[]\n[]\n[\"192.0.2.8:6343\"]");
        free(output);
        done;
    }));
    UNTIL(telemetry_is("t", "active", NULL, NULL));
    free(get);
    free(row);

    edit(VMN_TABLE_TELEMETRY, "t", NULL);
    UNTIL(n_rows("sFlow") == 0);
}

static void
telemetry_of_others_stays(void **state OVS_UNUSED)
{
    put_host(0, "br-int", false);
    UNTIL(has_interface(0, "br-int"));
    VSCTL(0, "--id=@s create sFlow targets=\"192.0.2.1:1\" "
          "-- set Bridge br-int sflow=@s");
    edit(VMN_TABLE_TELEMETRY, "t", json_pack(
        "{s:{s:[s]}, s:{s:[s]}}", "sflow", "targets", "192.0.2.9:6343",
        "ipfix", "targets", "192.0.2.9:4739"));
    UNTIL(telemetry_is("t", "blocked", "active", "has sFlow already"));
    assert_int_equal(n_rows("sFlow"), 1);
    edit(VMN_TABLE_TELEMETRY, "t", NULL);
    UNTIL(n_rows("IPFIX") == 0);
    settle();
    assert_int_equal(n_rows("sFlow"), 1);

    /* When it goes, ours has its place. */
    edit(VMN_TABLE_TELEMETRY, "t", sflow_spec("192.0.2.9:6343", 1));
    UNTIL(telemetry_is("t", "blocked", NULL, "has sFlow already"));
    VSCTL(0, "clear Bridge br-int sflow");
    UNTIL(telemetry_is("t", "active", NULL, NULL));
}

static void
of_telemetries_the_first_by_name_counts(void **state OVS_UNUSED)
{
    put_host(0, "br-int", false);
    edit(VMN_TABLE_TELEMETRY, "b", sflow_spec("192.0.2.2:1", 2));
    UNTIL(telemetry_is("b", "active", NULL, NULL));
    edit(VMN_TABLE_TELEMETRY, "a", sflow_spec("192.0.2.1:1", 1));
    UNTIL(telemetry_is("a", "active", NULL, NULL));
    assert_true(telemetry_is("b", "blocked", NULL, "telemetry \"a\" sets up"
                             " sFlow there"));
    assert_int_equal(n_rows("sFlow"), 1);
    edit(VMN_TABLE_TELEMETRY, "a", NULL);
    UNTIL(telemetry_is("b", "active", NULL, NULL));

    /* Hosts are named by their labels, which may change. */
    edit(VMN_TABLE_TELEMETRY, "a", json_pack(
        "{s:s, s:{s:[s]}}", "selector", "rack=x", "sflow", "targets",
        "192.0.2.1:1"));
    settle();
    assert_true(telemetry_is("b", "active", NULL, NULL));
    edit(VMN_TABLE_HOST, "hv1", json_pack(
        "{s:s, s:s, s:s, s:{s:s}}", "ovsdb", sandboxes[0].remote,
        "tunnel_ip", "192.0.2.1", "datapath", "netdev", "labels", "rack",
        "x"));
    UNTIL(telemetry_is("a", "active", NULL, NULL));
    assert_true(telemetry_is("b", "blocked", NULL, "\"a\""));
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
        T(host_is_set_up_and_synced),
        T(host_without_zone_limits_says_so),
        T(inbound_host_is_taken_in),
        T(bridge_of_others_is_refused_until_adopted),
        T(wrong_tunnel_number_is_refused),
        T(tunnel_ports_are_those_that_some_host_receives_by),
        T(mtu_of_the_underlay_is_told_and_held_against_networks),
        T(mtu_of_the_underlay_holds_on),
        T(physical_network_is_reached_by_a_real_switch),
        T(physical_network_waits_for_its_bridge),
        T(physical_networks_come_and_go),
        T(stranger_does_not_lead_to_a_physical_network),
        T(external_port_claims_no_interface),
        T(sub_port_has_ports_of_its_own_by_a_real_switch),
        T(sub_ports_follow_their_parent),
        T(sub_ports_stay_while_vmnd_is_away),
        T(same_datapath_id_twice_is_refused),
        T(what_else_is_wrong_is_told),
        T(host_that_is_not_there_has_a_status),
        T(port_is_bound_whichever_comes_first),
        T(migration_moves_when_the_source_lets_go),
        T(silent_host_keeps_its_bindings),
        T(bindings_survive_a_restart_of_vmnd),
        T(first_reports_are_loaded),
        T(report_in_the_middle_of_loading_counts),
        T(deleted_host_takes_its_bindings_along),
        T(number_that_vanishes_for_a_moment_is_kept),
        T(number_that_another_interface_has_is_given_up),
        T(of_equal_iface_ids_the_one_that_has_it_counts),
        T(what_is_not_a_vif_is_ignored),
        T(many_interfaces_are_one_transaction),
        T(refused_report_is_sent_again),
        T(port_made_anew_in_one_group_is_bound_again),
        T(ports_of_a_large_request_are_followed),
        T(switch_that_restarts_changes_nothing),
        T(migration_moves_once_the_target_is_ready),
        T(taken_tunnel_number_is_found_out),
        T(telemetry_is_set_up_and_removed),
        T(telemetry_of_others_stays),
        T(of_telemetries_the_first_by_name_counts),
    };

    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION,
                    getenv("VERBOSE") ? VLL_INFO : VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
