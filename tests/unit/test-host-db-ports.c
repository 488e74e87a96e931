/* SPDX-License-Identifier: Apache-2.0
 *
 * The fabric's OVSDB side with real ovsdb-servers and ovs-vswitchds: external
 * ports, and sub-ports with ports of the switch of their own. */

#include <config.h>

#include "tests/unit/fabric-fixture.h"

#include <stdlib.h>

#include "controller/fabric/fabric-status.h"
#include "openvswitch/vlog.h"
#include "svec.h"
#include "controller/fabric/ovsdb/ovsdb-side.h"
#include "tests/unit/host-db-fixture.h"
#include "tests/unit/ovs-sandbox.h"
#include "util.h"

/* Whether the port's status gives a reason that has 'text' in it. */
static bool
port_reason_has(const char *port, const char *text)
{
    json_t *status = fixture_port_status(port);
    const char *reason = json_string_value(json_object_get(status, "reason"));
    bool has = reason && strstr(reason, text);

    json_decref(status);
    return has;
}

/* Nor is a port on a host that is a machine outside. */
static void
external_port_claims_no_interface(void **state OVS_UNUSED)
{
    start_hosts();
    change(VMN_TABLE_NETWORK, "pub", json_pack("{s:{s:s}}", "provider",
                                               "physical", "dc"));
    change(VMN_TABLE_PORT, "metal", json_pack("{s:s, s:b}", "network", "pub",
                                              "external", true));
    add_vif(0, "tap1", "metal", 5);
    UNTIL(get_vif("hv1/metal"));
    host_db_settle();
    assert_true(bound("metal", NULL, NULL));
    assert_true(port_state_is("metal", "external"));

    /* It may become a VM. */
    change(VMN_TABLE_PORT, "metal", json_pack("{s:s}", "network", "pub"));
    UNTIL(bound("metal", "hv1", NULL));

    UNTIL(port_reason_has("metal", "no way to physical network \"dc\""));

    change(VMN_TABLE_PORT, "metal", json_pack("{s:s, s:b}", "network", "pub",
                                              "external", true));
    UNTIL(bound("metal", NULL, NULL));
}

/* Interfaces without a port.  -------------------------------------------- */

/* Asserts that the host's status, and the count of all hosts, say that so many
 * interfaces are unclaimed.  Returns the list, which the caller owns. */
static json_t *
assert_unclaimed(int i, json_int_t n)
{
    json_t *status = fixture_host_status(i ? "hv2" : "hv1");
    json_t *list = json_incref(json_object_get(status,
                                               "unclaimed_interfaces"));

    assert_int_equal(json_integer_value(json_object_get(status, "unclaimed")),
                     n);
    json_decref(status);
    return list;
}

/* Interfaces that no port claims are no ports. */
static void
assert_n_ports(const char *host, json_int_t n)
{
    json_t *status = fixture_host_status(host);

    assert_int_equal(json_integer_value(json_object_get(status, "ports")), n);
    json_decref(status);
}

static void
assert_none_is_unclaimed(void)
{
    assert_null(assert_unclaimed(0, 0));
    assert_int_equal(fabric_unclaimed_interfaces(fabric, NULL), 0);
}

static void
assert_interface(const json_t *list, size_t i, const char *iface_id,
                 const char *interface, const char *mac)
{
    const json_t *found = json_array_get(list, i);
    const char *given = json_string_value(json_object_get(found, "mac"));

    assert_string_equal(json_string_value(json_object_get(found, "iface_id")),
                        iface_id);
    assert_string_equal(json_string_value(json_object_get(found,
                                                          "interface")),
                        interface);
    assert_true(nullable_string_is_equal(given, mac));
    assert_non_null(json_object_get(found, "since"));
}

static void
interfaces_that_no_port_claims_are_listed(void **state OVS_UNUSED)
{
    struct svec hosts = SVEC_EMPTY_INITIALIZER;
    json_t *list;

    start_hosts();
    add_vif(0, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv1", NULL));
    assert_none_is_unclaimed();

    /* Its port is deleted. */
    VSCTL(0, "set Interface tap1 "
          "external_ids:attached-mac=\"02:00:00:00:00:0A\"");
    change(VMN_TABLE_PORT, "p1", NULL);
    UNTIL(fabric_unclaimed_interfaces(fabric, NULL) == 1);
    /* No port was ever made; what is no address is none. */
    VSCTL(0, "add-port br-int tap2 -- set Interface tap2 ofport=6 "
          "external_ids:iface-id=never external_ids:attached-mac=x");
    UNTIL(fabric_unclaimed_interfaces(fabric, &hosts) == 2);
    list = assert_unclaimed(0, 2);
    assert_n_ports("hv1", 0);
    assert_int_equal(json_array_size(list), 2);
    assert_interface(list, 0, "p1", "tap1", "02:00:00:00:00:0a");
    assert_interface(list, 1, "never", "tap2", NULL);
    json_decref(list);
    assert_null(assert_unclaimed(1, 0));
    svec_sort_unique(&hosts);
    assert_int_equal(hosts.n, 1);
    assert_string_equal(hosts.names[0], "hv1");
    svec_destroy(&hosts);

    /* One gets a port of another name, one goes. */
    put_port("p2", NULL, "p1");
    UNTIL(bound("p2", "hv1", NULL));
    assert_n_ports("hv1", 1);
    list = assert_unclaimed(0, 1);
    assert_interface(list, 0, "never", "tap2", NULL);
    json_decref(list);
    VSCTL(0, "del-port tap2");
    UNTIL(fabric_unclaimed_interfaces(fabric, NULL) == 0);
    assert_none_is_unclaimed();
}

/* A port's iface_id changes; and an external one claims no interface. */
static void
a_port_gives_its_interface_up(void **state OVS_UNUSED)
{
    json_t *list;

    start_hosts();
    add_vif(0, "tap1", "vm", 5);
    UNTIL(fabric_unclaimed_interfaces(fabric, NULL) == 1);
    put_port("p1", NULL, "vm");
    UNTIL(fabric_unclaimed_interfaces(fabric, NULL) == 0);
    put_port("p1", NULL, "other");
    UNTIL(fabric_unclaimed_interfaces(fabric, NULL) == 1);
    list = assert_unclaimed(0, 1);
    assert_interface(list, 0, "vm", "tap1", NULL);
    json_decref(list);

    /* A host that is deleted has none. */
    change(VMN_TABLE_HOST, "hv1", NULL);
    UNTIL(fabric_unclaimed_interfaces(fabric, NULL) == 0);
}

static void
many_interfaces_without_a_port_are_counted(void **state OVS_UNUSED)
{
    json_t *list;

    start_hosts();
    for (int i = 0; i < 103; i++) {
        char *iface = xasprintf("tap%d", i);
        char *iface_id = xasprintf("vm%d", i);

        add_vif(0, iface, iface_id, i + 1);
        free(iface);
        free(iface_id);
    }
    UNTIL(fabric_unclaimed_interfaces(fabric, NULL) == 103);
    list = assert_unclaimed(0, 103);
    assert_int_equal(json_array_size(list), 100);
    json_decref(list);
}

/* Trunks.  -------------------------------------------------------------- */

static void
put_sub_port(const char *name, const char *parent, int vlan)
{
    change(VMN_TABLE_PORT, name,
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

/* As many as there were, but not the same: those that are there go. */
static void
a_sub_port_takes_anothers_place(void **state OVS_UNUSED)
{
    struct model_request request;

    start_hosts();
    put_sub_port("s1", "p1", 7);
    put_sub_port("s2", "p1", 8);
    add_vif(0, "tap1", "p1", 5);
    UNTIL(has_pair(0, "s1") && has_pair(0, "s2"));

    model_request_init(&request, "test");
    model_request_add(&request, MODEL_DELETE, VMN_TABLE_PORT, "s1", NULL);
    model_request_add(&request, MODEL_PUT, VMN_TABLE_PORT, "s3",
                      json_pack("{s:s, s:s, s:i}", "network", "net",
                                "parent", "p1", "vlan", 7));
    fixture_submit(&request, fixture_turn);
    UNTIL(has_pair(0, "s3") && !has_pair(0, "s1"));
    assert_true(has_pair(0, "s2"));
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
    host_db_settle();
    assert_false(has_pair(0, "s1"));

    add_vif(0, "tap1", "p1", 5);
    UNTIL(has_pair(0, "s1") && has_pair(0, "s2"));
    assert_true(bound("s1", NULL, NULL));
    /* One end by itself is no way to a port. */
    VSCTL(0, "set Interface vmn-sub-s1 ofport=6 link_state=up");
    host_db_settle();
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
    change(VMN_TABLE_PORT, "s1", NULL);
    UNTIL(!has_pair(0, "s1"));
    assert_true(has_pair(1, "s2"));
}

/* The switch of the first host is looked at with each group. */
static void
look_at_switch(void *aux OVS_UNUSED, const struct commit_group *g OVS_UNUSED)
{
    fabric_db_switch_changed(fabric_find_host(fabric, "hv1"));
}

/* What else happens at a host between the change of a sub-port and its write
 * does not take the latter's turn. */
static void
sub_port_goes_though_its_host_is_looked_at(void **state OVS_UNUSED)
{
    start_hosts();
    put_sub_port("s1", "p1", 7);
    add_vif(0, "tap1", "p1", 5);
    UNTIL(has_pair(0, "s1"));
    host_db_settle();
    commit_add_watch(commit, look_at_switch, NULL);
    change(VMN_TABLE_PORT, "s1", NULL);
    UNTIL(!has_pair(0, "s1"));
    commit_remove_watch(commit, look_at_switch, NULL);
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
    start_vmnd();
    UNTIL(get_vif("hv1/s1"));
    host_db_settle();
    assert_true(bound("s1", "hv1", NULL));
    after = ovs_sandbox_vsctl(&sandboxes[0], "get Port vmn-sub-s1 _uuid");
    assert_string_equal(before, after);
    free(before);
    free(after);
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) \
    cmocka_unit_test_setup_teardown(NAME, host_db_setup, host_db_teardown)
        T(external_port_claims_no_interface),
        T(interfaces_that_no_port_claims_are_listed),
        T(a_port_gives_its_interface_up),
        T(many_interfaces_without_a_port_are_counted),
        T(sub_port_has_ports_of_its_own_by_a_real_switch),
        T(a_sub_port_takes_anothers_place),
        T(sub_ports_follow_their_parent),
        T(sub_port_goes_though_its_host_is_looked_at),
        T(sub_ports_stay_while_vmnd_is_away),
    };

    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION,
                    getenv("VERBOSE") ? VLL_INFO : VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
