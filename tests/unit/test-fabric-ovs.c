/* SPDX-License-Identifier: Apache-2.0
 *
 * The fabric's OpenFlow side against a real ovs-vswitchd (dummy datapath),
 * with the built apps: whatever they emit must be accepted, come back from a
 * dump as what was meant, and survive a restart on either side.
 *
 * Skipped where Open vSwitch is not installed. */

#include <config.h>

#include "tests/unit/fabric-ovs-fixture.h"

#include <signal.h>
#include <string.h>

#include "controller/fabric/fabric-audit.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric.h"
#include "util.h"

static uint64_t
n_sent(void)
{
    struct fabric_stats stats;

    fabric_get_stats(fabric, &stats);
    return (stats.n_flow_adds + stats.n_flow_deletes + stats.n_group_mods
            + stats.n_bundles);
}

static void
all_is_accepted_and_comes_back_as_meant(void **state OVS_UNUSED)
{
    struct fabric_stats stats;
    uint64_t sent;

    until_synced();
    check_counts();
    fabric_get_stats(fabric, &stats);
    assert_int_equal(stats.n_errors, 0);

    /* The dump of it all compares equal. */
    sent = n_sent();
    reconcile_start(h1()->sw);
    until_synced();
    assert_int_equal(n_sent(), sent);

    /* So it does for a controller that has started anew. */
    fixture_stop();
    fixture_start(ovs_target, NULL, NULL, ovs_modules);
    fill_shop();
    until_synced();
    assert_int_equal(n_sent(), 0);
    fabric_get_stats(fabric, &stats);
    assert_int_equal(stats.n_reconciles, 1);
    assert_int_equal(stats.n_fingerprints_equal, 1);

    /* It goes on from there by differences. */
    put_shop_port(13, "h1", "web");
    until_synced();
    check_counts();
    assert_true(n_sent() > 0);
}

static void
edits_end_in_what_is_desired(void **state OVS_UNUSED)
{
    struct fabric_stats stats;

    until_synced();
    put_shop_port(3, "h1", "web");
    put_shop_port(5, "h1", "db");
    put_row(VMN_TABLE_LOADBALANCER, "vip",
            "{'vip': '10.0.0.201', 'networks': ['shop'], 'protocol': 'udp',"
            " 'ports': [{'port': 53, 'target': 5353}],"
            " 'backends': [{'port': 'p1', 'weight': 3}, {'port': 'p2'}]}");
    put_row(VMN_TABLE_POLICY, "p", NULL);
    put_row(VMN_TABLE_VIF, "h1/p7", NULL);
    put_row(VMN_TABLE_BINDING, "p7", NULL);
    until_synced();
    check_counts();

    /* What was sent step by step is what a dump compares equal to. */
    fabric_get_stats(fabric, &stats);
    assert_int_equal(stats.n_errors, 0);
    reconcile_start(h1()->sw);
    until_synced();
    fabric_get_stats(fabric, &stats);
    assert_int_equal(stats.n_reconciles_unchanged, 1);
}

static void
restarted_switch_is_filled_again(void **state OVS_UNUSED)
{
    until_synced();
    stop_vswitchd();
    FIXTURE_TURN_UNTIL(fixture_turn, is_state("offline"));
    put_shop_port(13, "h1", "web");
    start_vswitchd();
    until_synced();
    check_counts();
}

static void
drift_is_mended(void **state OVS_UNUSED)
{
    until_synced();
    shell("ovs-ofctl -O OpenFlow15 add-flow unix:%s/br-int.mgmt"
          " 'table=3,priority=5,ip,actions=drop'", ovs_dir);
    shell("ovs-ofctl -O OpenFlow15 add-group unix:%s/br-int.mgmt"
          " 'group_id=99999,type=all,bucket=output:1'", ovs_dir);
    shell("ovs-ofctl -O OpenFlow15 del-flows unix:%s/br-int.mgmt table=0",
          ovs_dir);
    reconcile_start(h1()->sw);
    until_synced();
    check_counts();
}

static struct status_audit found; /* By the last audit, its numbers alone. */

static void
audit_cb(void *aux OVS_UNUSED, const struct fabric_audit_result *result,
         const char *reason)
{
    if (!result) {
        fail_msg("%s", reason);
    }
    found = result->found;
}

static const struct status_audit *
audit(void)
{
    memset(&found, 0, sizeof found);
    assert_null(fabric_audit(fabric, "h1", NULL, audit_cb, NULL));
    FIXTURE_TURN_UNTIL(fixture_turn, found.time);
    return &found;
}

/* Flows and groups of which no one may be kept to compare, in one bundle. */
static void
switch_with_too_much_is_installed_anew(void **state OVS_UNUSED)
{
    struct fabric_stats stats;

    until_synced();
    fabric->host_memory = 65536;
    shell("ovs-ofctl -O OpenFlow15 add-group unix:%s/br-int.mgmt"
          " 'group_id=99999,type=all,bucket=output:1'", ovs_dir);
    shell("for i in $(seq 1 6000); do"
          " echo table=3,priority=$i,ip,actions=group:99999;"
          " done | ovs-ofctl -O OpenFlow15 add-flows unix:%s/br-int.mgmt -",
          ovs_dir);
    reconcile_start(h1()->sw);
    until_synced();
    assert_true(switch_budget_of(h1()->sw)->anew_ms > 0);
    assert_int_equal(switch_budget_of(h1()->sw)->n_over, 0);
    fabric_get_stats(fabric, &stats);
    assert_int_equal(stats.n_errors, 0);
    check_counts();
    assert_int_equal(audit()->missing, 0);
    assert_int_equal(audit()->altered, 0);
    assert_int_equal(audit()->unknown, 0);
}

static void
audit_mends_what_nobody_told(void **state OVS_UNUSED)
{
    uint64_t sent;

    until_synced();
    sent = n_sent();
    assert_int_equal(audit()->missing, 0);
    assert_int_equal(audit()->altered, 0);
    assert_int_equal(audit()->unknown, 0);
    assert_int_equal(n_sent(), sent);

    shell("ovs-ofctl -O OpenFlow15 add-flow unix:%s/br-int.mgmt"
          " 'table=3,priority=5,ip,actions=drop'", ovs_dir);
    shell("ovs-ofctl -O OpenFlow15 add-group unix:%s/br-int.mgmt"
          " 'group_id=99999,type=all,bucket=output:1'", ovs_dir);
    assert_int_equal(audit()->unknown, 2);
    until_synced();
    shell("ovs-ofctl -O OpenFlow15 del-flows unix:%s/br-int.mgmt table=0",
          ovs_dir);
    assert_true(audit()->missing > 0);
    until_synced();
    shell("ovs-ofctl -O OpenFlow15 mod-flows unix:%s/br-int.mgmt"
          " table=64,actions=drop", ovs_dir);
    assert_true(audit()->altered > 0);
    until_synced();
    check_counts();
    assert_int_equal(audit()->altered, 0);
}

/* Faults.  --------------------------------------------------------------- */

static int
n_in_table(int table)
{
    char *s = shell_output("ovs-ofctl -O OpenFlow15 dump-flows"
                           " unix:%s/br-int.mgmt table=%d | grep -c cookie=",
                           ovs_dir, table);
    int n = atoi(s);

    free(s);
    return n;
}

/* What h1's entry in the receipt of the newest revision says, or "". */
static const char *
receipt_word(void)
{
    json_t *receipt = fixture_receipt(fabric->last_revision);
    static char word[16];
    json_t *entry;
    size_t i;

    word[0] = '\0';
    json_array_foreach (json_object_get(receipt, "hosts"), i, entry) {
        if (!strcmp("h1", json_string_value(json_object_get(entry,
                                                            "host")))) {
            ovs_strlcpy(word, json_string_value(json_object_get(entry,
                                                                "state")),
                        sizeof word);
        }
    }
    json_decref(receipt);
    return word;
}

/* Until what is refused is known, and all else is there. */
static const char *
until_diverged(void)
{
    const char *reason;

    FIXTURE_TURN_UNTIL(fixture_turn, is_state("diverged")
                       && h1()->sw->state == SWITCH_LIVE
                       && hmap_count(&h1()->sw->rejected.items));
    host_openflow_state_name(h1()->sw, &reason);
    return reason;
}

static void
full_table_takes_what_fits(void **state OVS_UNUSED)
{
    int n;

    until_synced();
    n = n_in_table(0);
    shell("ovs-vsctl -t 60 --db=unix:%s/db.sock"
          " -- --id=@t create Flow_Table flow_limit=%d overflow_policy=refuse"
          " -- set bridge br-int flow_tables:0=@t >/dev/null", ovs_dir, n + 1);
    h1()->sw->rejected.backoff_ms = 100000;
    for (int i = 13; i <= 19; i += 2) {
        put_shop_port(i, "h1", "web");   /* Each has a flow in table 0. */
    }
    FIXTURE_TURN_UNTIL(fixture_turn, is_state("diverged"));
    assert_non_null(strstr(until_diverged(), "OFPFMFC_TABLE_FULL"));
    assert_int_equal(n_in_table(0), n + 1);
    FIXTURE_TURN_UNTIL(fixture_turn, !strcmp(receipt_word(), "failed"));

    shell("ovs-vsctl -t 60 --db=unix:%s/db.sock clear bridge br-int"
          " flow_tables", ovs_dir);
    assert_true(rejected_items_retry(h1()->sw));
    until_synced();
    assert_int_equal(n_in_table(0), n + 4);
    assert_string_equal(receipt_word(), "confirmed");
    check_counts();
}

static void
group_that_a_stranger_deleted_comes_back(void **state OVS_UNUSED)
{
    until_synced();
    put_row(VMN_TABLE_LOADBALANCER, "vip",
            "{'vip': '10.0.0.200', 'networks': ['shop'], 'protocol': 'tcp',"
            " 'ports': [{'port': 80, 'target': 8080}],"
            " 'selector': 'tier=web'}");
    until_synced();
    /* A switch deletes the flows that go through a group as well. */
    shell("ovs-ofctl -O OpenFlow15 del-groups unix:%s/br-int.mgmt", ovs_dir);
    assert_true(audit()->missing > 1);
    until_synced();
    assert_int_equal(audit()->missing, 0);
    check_counts();
}

static void
stopped_switch_is_cut_off_and_mended(void **state OVS_UNUSED)
{
    const char *reason;

    fabric->stall_ms = 5000;
    until_synced();
    kill(vswitchd_pid, SIGSTOP);
    put_shop_port(13, "h1", "web");
    assert_string_equal(receipt_word(), "pending");
    FIXTURE_TURN_UNTIL(fixture_turn, !h1()->sw->conn);
    fabric->stall_ms = FABRIC_STALL_MS;
    assert_string_equal(host_openflow_state_name(h1()->sw, &reason),
                        "offline");
    assert_non_null(strstr(reason, "stalled: no acknowledgement"));
    assert_string_equal(receipt_word(), "offline");
    /* What comes meanwhile reaches it as one difference. */
    put_shop_port(15, "h1", "db");
    put_row(VMN_TABLE_PORT, "p3", NULL);
    kill(vswitchd_pid, SIGCONT);
    FIXTURE_TURN_UNTIL(fixture_turn,
                       !strcmp(receipt_word(), "confirmed"));
    until_synced();
    check_counts();
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) \
        cmocka_unit_test_setup_teardown(NAME, ovs_setup, ovs_teardown)
        T(all_is_accepted_and_comes_back_as_meant),
        T(edits_end_in_what_is_desired),
        T(restarted_switch_is_filled_again),
        T(drift_is_mended),
        T(switch_with_too_much_is_installed_anew),
        T(audit_mends_what_nobody_told),
        T(full_table_takes_what_fits),
        T(group_that_a_stranger_deleted_comes_back),
        T(stopped_switch_is_cut_off_and_mended),
#undef T
    };

    return ovs_run_all(argv, tests, ARRAY_SIZE(tests));
}
