/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of what becomes of the switch of a host that is deleted. */

#include <config.h>

#include "tests/unit/fabric-hosts.h"

#include <string.h>

#include "controller/fabric/fabric.h"
#include "controller/fabric/switch-cleanup.h"
#include "openvswitch/ofp-connection.h"
#include "util.h"

/* Of what somebody else has put there. */
#define FOREIGN 777

static struct fabric_host *
deleted(void)
{
    return (ovs_list_is_empty(&fabric->deleted) ? NULL
            : CONTAINER_OF(ovs_list_front(&fabric->deleted),
                           struct fabric_host, deleted_node));
}

static struct switch_cleanup_result
result(void)
{
    struct switch_cleanup_result found;

    assert_non_null(deleted());
    switch_cleanup_get_result(deleted()->sw, &found);
    return found;
}

static void
delete_host(void)
{
    edit(VMN_TABLE_HOST, "h0", NULL);
    assert_null(host(0));
    assert_non_null(deleted());
}

static void
add_foreign(void)
{
    fake_switch_add_flow(&switches[0], "table=9,priority=777,actions=drop");
}

static void
assert_only_foreign(void)
{
    assert_int_equal(fake_switch_n_flows(&switches[0]), 1);
    assert_non_null(fake_switch_find(&switches[0], FOREIGN));
    assert_int_equal(fake_switch_marker(&switches[0]), 0);
    assert_true(ovs_list_is_empty(&switches[0].groups));
}

static void
what_was_desired_goes_and_nothing_else(void **state OVS_UNUSED)
{
    edit_port("a", "red", 100, "h0", 1, true);
    edit_port("b", "red", 101, "all", 1, false);
    edit_ports(20, "net", 1);
    connect_host(0);
    connect_host(1);
    add_foreign();
    delete_host();
    TURN_UNTIL(result().over);
    assert_null(result().fault);
    assert_int_equal(result().n_flows, 1);
    assert_int_equal(result().n_groups, 0);
    assert_only_foreign();
    /* No other host, nor a receipt, has noticed. */
    check_host(1);
    assert_string_equal(receipt_of(revision, 0), "none");
    edit_port("b", "red", 101, "all", 2, false);
    until_acked(1);
    check_host(1);
    assert_only_foreign();
}

/* More than one bundle takes, and a switch that takes its time. */
static void
much_goes_in_parts(void **state OVS_UNUSED)
{
    edit_ports(20, "all", 1);
    connect_host(0);
    add_foreign();
    switches[0].hold = true;
    delete_host();
    for (int i = 0; i < 50; i++) {
        turn();
    }
    assert_false(result().over);
    assert_true(fake_switch_n_flows(&switches[0]) > 1);
    fake_switch_release(&switches[0]);
    TURN_UNTIL(result().over);
    assert_null(result().fault);
    assert_only_foreign();
}

/* It is read, as each host that connects: what is not desired goes. */
static void
all_goes_where_the_switch_was_not_live(void **state OVS_UNUSED)
{
    edit_ports(20, "all", 1);
    connect_host(0);
    disconnect_host(0);
    add_foreign();
    delete_host();
    fake_switch_connect(&switches[0], listen_path + strlen("unix:"));
    TURN_UNTIL(result().over);
    assert_null(result().fault);
    assert_int_equal(result().n_flows, 0);
    assert_int_equal(fake_switch_n_flows(&switches[0]), 0);
    assert_int_equal(fake_switch_marker(&switches[0]), 0);
}

static void
connection_that_breaks_begins_again(void **state OVS_UNUSED)
{
    edit_ports(20, "all", 1);
    connect_host(0);
    switches[0].hold = true;
    delete_host();
    TURN_UNTIL(!ovs_list_is_empty(&switches[0].held));
    fake_switch_disconnect(&switches[0]);
    switches[0].hold = false;
    TURN_UNTIL(!deleted()->sw->conn);
    assert_false(result().over);
    fake_switch_connect(&switches[0], listen_path + strlen("unix:"));
    TURN_UNTIL(result().over);
    assert_null(result().fault);
    assert_int_equal(fake_switch_n_flows(&switches[0]), 0);
}

static void
rejected_deletion_is_told(void **state OVS_UNUSED)
{
    connect_host(0);
    delete_host();
    TURN_UNTIL(deleted()->sw->state == SWITCH_EMPTYING);
    switches[0].refuse_commits = 1;
    TURN_UNTIL(result().over);
    assert_non_null(result().fault);
    assert_non_null(strstr(result().fault, "rejects the deletion"));
}

/* Whatever was under way: its connection is not the new one's. */
static void
host_that_is_added_again_has_all(void **state OVS_UNUSED)
{
    edit_ports(20, "all", 1);
    connect_host(0);
    switches[0].hold = true;
    delete_host();
    TURN_UNTIL(!ovs_list_is_empty(&switches[0].held));
    edit_host(0, NULL, NULL);
    assert_null(deleted());
    TURN_UNTIL(switches[0].fd < 0);
    switches[0].hold = false;
    connect_host(0);
    check_host(0);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            what_was_desired_goes_and_nothing_else, setup, teardown),
        cmocka_unit_test_setup_teardown(much_goes_in_parts, setup_parts,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            all_goes_where_the_switch_was_not_live, setup, teardown),
        cmocka_unit_test_setup_teardown(connection_that_breaks_begins_again,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(rejected_deletion_is_told, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(host_that_is_added_again_has_all,
                                        setup, teardown),
    };

    return run_all(argv, tests, ARRAY_SIZE(tests));
}
