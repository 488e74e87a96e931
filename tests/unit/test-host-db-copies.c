/* SPDX-License-Identifier: Apache-2.0
 *
 * The fabric's OVSDB side with real ovsdb-servers: ports by which copies
 * leave, and which interfaces of others may be given some.  What is written
 * into the database for the former is in test-ovsdb-copies.c. */

#include <config.h>

#include "tests/unit/fabric-fixture.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-status.h"
#include "openvswitch/vlog.h"
#include "tests/unit/host-db-fixture.h"
#include "tests/unit/ovs-sandbox.h"
#include "util.h"

static int
setup(void **state)
{
    static const char *const copies[] = {
        "gre", "~br-int", "~err0", "~far0", "~ids0", "~patch0", "~tap0",
        "~vmn-vxlan", NULL
    };

    host_db_copies = copies;
    return host_db_setup(state);
}

static int
teardown(void **state)
{
    host_db_copies = NULL;
    return host_db_teardown(state);
}

/* Which interfaces of the first host are given copies is 'names', sorted, each
 * with a blank behind it. */
static bool
takers_are(const char *names)
{
    struct ds found = DS_EMPTY_INITIALIZER;
    const struct vmn_vif *row;
    bool equal;

    for (row = model_next_durable(toy.model, VMN_TABLE_VIF, "", NULL); row;
         row = model_next_durable(toy.model, VMN_TABLE_VIF, row->row.name,
                                  NULL)) {
        if (row->iface_id[0] == '~' && !strcmp(row->host, "hv1")) {
            ds_put_format(&found, "%s ", row->iface);
        }
    }
    equal = !strcmp(ds_cstr(&found), names);
    ds_destroy(&found);
    return equal;
}

/* The numbers and types that a switch would have written are set by hand. */
static void
only_what_is_nobodys_is_given_copies(void **state OVS_UNUSED)
{
    start_hosts();
    VSCTL(0, "set Interface br-int ofport=65534 "
          "-- set Interface vmn-vxlan ofport=1 "
          "-- add-br br-far -- add-port br-far far0 "
          "-- set Interface far0 type=internal ofport=10 "
          "-- add-port br-int patch0 -- set Interface patch0 type=patch "
          "options:peer=patch1 ofport=11 "
          "-- add-port br-int err0 -- set Interface err0 type=internal "
          "ofport=12 error=failed "
          "-- add-port br-int ids1 -- set Interface ids1 type=internal "
          "ofport=13");
    add_vif(0, "tap0", "p1", 14);
    UNTIL(bound("p1", "hv1", NULL));
    /* What is last is of the kind that is taken. */
    VSCTL(0, "add-port br-int ids0 -- set Interface ids0 type=internal "
          "ofport=7");
    UNTIL(!takers_are(""));
    assert_true(takers_are("ids0 "));
    assert_int_equal(get_vif("hv1/~ids0")->ofport, 7);

    /* Each is taken once nothing is against it any more. */
    VSCTL(0, "set Interface patch0 type=internal");
    UNTIL(takers_are("ids0 patch0 "));
    VSCTL(0, "clear Interface err0 error");
    UNTIL(takers_are("err0 ids0 patch0 "));
    VSCTL(0, "del-port far0 -- add-port br-int far0 -- "
          "set Interface far0 type=internal ofport=10");
    UNTIL(takers_are("err0 far0 ids0 patch0 "));
    VSCTL(0, "remove Interface tap0 external_ids iface-id");
    UNTIL(takers_are("err0 far0 ids0 patch0 tap0 "));
}

static void
a_number_is_kept_while_there_is_none(void **state OVS_UNUSED)
{
    start_hosts();
    VSCTL(0, "add-port br-int ids0 -- set Interface ids0 type=internal "
          "ofport=7");
    UNTIL(takers_are("ids0 "));
    VSCTL(0, "clear Interface ids0 ofport");
    add_vif(0, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv1", NULL));
    assert_int_equal(get_vif("hv1/~ids0")->ofport, 7);

    /* Another one has it by now. */
    VSCTL(0, "set Interface tap1 ofport=7");
    UNTIL(takers_are(""));
    VSCTL(0, "set Interface ids0 ofport=9");
    UNTIL(takers_are("ids0 "));
    assert_int_equal(get_vif("hv1/~ids0")->ofport, 9);

    VSCTL(0, "del-port ids0");
    UNTIL(takers_are(""));
}

/* None of them is a VM's, which might lack a network. */
static void
they_count_as_no_vms(void **state OVS_UNUSED)
{
    json_t *status;

    start_hosts();
    VSCTL(0, "add-port br-int ids0 -- set Interface ids0 type=internal "
          "ofport=7");
    add_vif(0, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv1", NULL) && takers_are("ids0 ")
          && has_interface(0, "vmn-gre"));
    VSCTL(0, "set Interface vmn-gre ofport=40004");
    UNTIL(get_vif("hv1/+gre"));
    assert_int_equal(fabric_unclaimed_interfaces(fabric, NULL), 0);
    status = fixture_host_status("hv1");
    assert_null(json_object_get(status, "unclaimed_interfaces"));
    assert_int_equal(json_integer_value(json_object_get(status, "unclaimed")),
                     0);
    assert_int_equal(json_integer_value(json_object_get(status, "ports")), 1);
    json_decref(status);
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
        T(only_what_is_nobodys_is_given_copies),
        T(a_number_is_kept_while_there_is_none),
        T(they_count_as_no_vms),
    };

    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION,
                    getenv("VERBOSE") ? VLL_INFO : VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
