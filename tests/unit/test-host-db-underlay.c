/* SPDX-License-Identifier: Apache-2.0
 *
 * The fabric's OVSDB side with real ovsdb-servers and ovs-vswitchds: the
 * underlay's MTU, physical networks, and what VMs have to do. */

#include <config.h>

#include "tests/unit/fabric-fixture.h"

#include <stdlib.h>

#include "openvswitch/vlog.h"
#include "tests/unit/host-db-fixture.h"
#include "tests/unit/ovs-sandbox.h"
#include "util.h"

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
    change(VMN_TABLE_HOST, "hv1",
           json_pack("{s:s, s:s, s:s, s:s*, s:s}",
                     "ovsdb", sandboxes[0].remote, "tunnel_ip", tunnel_ip,
                     "datapath", "netdev",
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

/* Checksums.  ------------------------------------------------------------ */

static bool
warning_has(const char *part)
{
    json_t *status = fixture_host_status("hv1");
    const char *s = json_string_value(json_array_get(
        json_object_get(status, "warnings"), 0));
    bool has = s && strstr(s, part);

    json_decref(status);
    return has;
}

static void
taps_of_a_userspace_datapath_are_warned_of(void **state OVS_UNUSED)
{
    start_hosts();
    add_vif(0, "veth1", "p1", 1);
    UNTIL(bound("p1", "hv1", NULL));
    assert_false(warning_has(""));
    /* Nobody's VM, and no interface of this bridge. */
    VSCTL(0, "add-port br-int tap0 -- set Interface tap0 "
          "status:driver_name=tun -- add-br br-x -- add-port br-x tapx -- "
          "set Interface tapx status:driver_name=tun "
          "external_ids:iface-id=x");
    add_vif(0, "tap1", "p2", 2);
    UNTIL(get_vif("hv1/p2"));
    assert_false(warning_has(""));
    VSCTL(0, "set Interface tap1 status:driver_name=tun");
    UNTIL(warning_has("on taps (tap1) have to compute"));
    add_vif(0, "tap2", "p3", 3);
    VSCTL(0, "set Interface tap2 status:driver_name=tun");
    UNTIL(warning_has("on taps (tap1 and 1 more) have to compute"));
    assert_false(reason_has("hv1", "taps"));

    /* The kernel's computes them. */
    change(VMN_TABLE_HOST, "hv1",
           json_pack("{s:s, s:s, s:s}", "ovsdb", sandboxes[0].remote,
                     "tunnel_ip", "192.0.2.1", "datapath", "system"));
    UNTIL(!warning_has(""));
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
    start_vmnd();
    VSCTL(0, "set Interface br-phys mtu=4000");
    UNTIL(underlay_row_is("hv1", 4000));
    /* It goes with its host. */
    change(VMN_TABLE_HOST, "hv1", NULL);
    assert_true(underlay_row_is("hv1", 0));
}

static void
mtu_of_the_underlay_is_told_and_held_against_networks(void **state OVS_UNUSED)
{
    start_hosts();
    change(VMN_TABLE_NETWORK, "net", json_pack("{s:i}", "mtu", 1450));
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
    change(VMN_TABLE_HOST, "hv1",
           json_pack("{s:s, s:s, s:s, s:o}", "ovsdb", sandboxes[0].remote,
                     "tunnel_ip", "192.0.2.1", "datapath", "netdev",
                     "provider_bridges", bridges));
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
    assert_false(status_is("hv1", "state", "rejected"));

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

static bool
is_in_bridge(const char *iface, const char *bridge)
{
    char *output = ovs_sandbox_vsctl(&sandboxes[0], "iface-to-br %s", iface);
    bool is = !strcmp(output, bridge);

    free(output);
    return is;
}

/* It is put back, and not made anew: its number stays. */
static void
port_that_was_moved_elsewhere_is_put_back(void **state OVS_UNUSED)
{
    char *before, *after;

    VSCTL(0, "add-br br-ex -- set Bridge br-ex datapath_type=netdev");
    put_provider("dc", "br-ex", NULL);
    UNTIL(has_interface(0, "vmn-to-br-ex"));
    assert_true(is_in_bridge("vmn-to-br-ex", "br-int"));
    before = ovs_sandbox_vsctl(&sandboxes[0], "get Port vmn-to-br-ex _uuid");
    VSCTL(0, "remove Bridge br-int ports %s -- add Bridge br-ex ports %s",
          before, before);
    UNTIL(is_in_bridge("vmn-to-br-ex", "br-int"));
    after = ovs_sandbox_vsctl(&sandboxes[0], "get Port vmn-to-br-ex _uuid");
    assert_string_equal(before, after);
    free(before);
    free(after);
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

    /* Another name for the same bridge; the other is no longer desired. */
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
    host_db_settle();
    assert_null(get_vif("hv1/@dc"));
    VSCTL(0, "del-port br-ex vmn-from-br-ex");
    UNTIL(has_interface(0, "vmn-to-br-ex"));
    VSCTL(0, "set Interface vmn-to-br-ex ofport=9");
    UNTIL(get_vif("hv1/@dc"));
    assert_int_equal(get_vif("hv1/@dc")->ofport, 9);
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) \
    cmocka_unit_test_setup_teardown(NAME, host_db_setup, host_db_teardown)
        T(mtu_of_the_underlay_is_told_and_held_against_networks),
        T(mtu_of_the_underlay_holds_on),
        T(taps_of_a_userspace_datapath_are_warned_of),
        T(physical_network_is_reached_by_a_real_switch),
        T(physical_network_waits_for_its_bridge),
        T(port_that_was_moved_elsewhere_is_put_back),
        T(physical_networks_come_and_go),
        T(stranger_does_not_lead_to_a_physical_network),
    };

    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION,
                    getenv("VERBOSE") ? VLL_INFO : VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
