/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of how the fabric brings a switch to hold what it is to hold. */

#include <config.h>

#include "tests/unit/fabric-hosts.h"

#include <string.h>

#include "controller/fabric/fabric.h"
#include "controller/fabric/fabric-audit.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/session/marker.h"
#include "proto/openflow/ofdump.h"
#include "util.h"

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
    fake_switch_connect(&switches[0], listen_path + strlen("unix:"));
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
    fake_switch_connect(&switches[0], listen_path + strlen("unix:"));
    for (int i = 0; i < 20; i++) {
        turn();
    }
    assert_true(switches[0].fd >= 0);
    assert_null(host(0)->sw->conn);
    assert_null(fabric_host_set_datapath(host(0), switches[0].datapath_id));
    TURN_UNTIL(is_synced(0));
    check_host(0);

    /* Two hosts cannot have one switch. */
    assert_ptr_equal(fabric_host_set_datapath(host(1),
                                              switches[0].datapath_id),
                     host(0));

    /* Another bridge took its place: the switch is let go of. */
    assert_null(fabric_host_set_datapath(host(0), 0x999));
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
    fixture_start(listen_path, NULL, &hosts_app, NULL);
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

/* Hosts that are made for an engine which has computed: what they are to hold
 * is looked up, and the marker is still enough. */
static void
fabric_made_anew_knows_right_flows_by_their_marker(void **state OVS_UNUSED)
{
    struct fabric_options options = { .openflow_listen = listen_path };
    struct fabric_stats stats;
    unsigned n_mods;

    edit_port("a", "red", 100, "all", 1, false);
    edit_port("b", "red", 200, "all", 2, true);
    connect_host(0);
    disconnect_host(0);
    n_mods = switches[0].n_mods;
    fixture_stop_fabric();
    fixture_start_fabric(&options);
    connect_host(0);
    check_host(0);
    fabric_get_stats(fabric, &stats);
    assert_int_equal(stats.n_fingerprints_equal, 1);
    assert_int_equal(stats.n_reconciles_unchanged, 1);
    assert_int_equal(switches[0].n_mods, n_mods);
}

/* What it held is known by digests of another key, as after an upgrade from
 * digests without one. */
static void
flows_known_by_another_key_are_compared_and_stay(void **state OVS_UNUSED)
{
    struct siphash_key key = { { 1, 2 } };
    uint64_t before;
    unsigned n_mods;

    edit_port("a", "red", 100, "all", 1, false);
    edit_port("b", "red", 200, "all", 2, true);
    connect_host(0);
    n_mods = switches[0].n_mods;
    before = fake_switch_marker(&switches[0]);
    assert_int_equal(switches[0].n_dumps, 1);

    disconnect_host(0);
    fixture_stop();
    fixture_start(listen_path, NULL, &hosts_app, NULL);
    engine_set_key(toy.engine, &key);
    marker_key_init(&fabric->marker_key, &key);
    edit_host(0, NULL, NULL);
    edit(VMN_TABLE_NETWORK, "red",
         json_pack("{s:[{s:s}]}", "subnets", "cidr", "10.0.0.0/16"));
    edit_port("b", "red", 200, "all", 2, true);
    edit_port("a", "red", 100, "all", 1, false);
    connect_host(0);
    check_host(0);
    assert_true(fake_switch_marker(&switches[0]) != before);
    assert_int_equal(switches[0].n_dumps, 2);
    /* But for the marker nothing was sent. */
    assert_int_equal(switches[0].n_mods, n_mods);
    assert_int_equal(switches[0].n_markers, 2);

    disconnect_host(0);
    connect_host(0);
    assert_int_equal(switches[0].n_dumps, 2);
    assert_int_equal(switches[0].n_markers, 2);
}

/* A host that was taken over sees its own marker: it says nothing of another
 * host's. */
static void
hosts_that_hold_the_same_have_other_markers(void **state OVS_UNUSED)
{
    edit_port("a", "red", 100, "all", 1, false);
    connect_host(0);
    connect_host(1);
    assert_true(engine_host_digest(toy.engine, host(0)->name)
                == engine_host_digest(toy.engine, host(1)->name));
    assert_true(fake_switch_marker(&switches[0])
                != fake_switch_marker(&switches[1]));
}

/* So many that nobody wants that to compare them takes many slices. */
#define N_STRANGERS 6000

static void
add_strangers(void)
{
    for (int i = 0; i < N_STRANGERS; i++) {
        char *flow = xasprintf("table=1,priority=7,ip,nw_dst=10.%d.%d.0/24,"
                               "actions=drop", i / 250, i % 250);

        fake_switch_add_flow(&switches[0], flow);
        free(flow);
    }
}

/* All is read, and waits for a settled moment or is compared.  'n_dumps' is
 * how many there were before. */
static bool
is_comparing(unsigned n_dumps)
{
    const struct fabric_switch *sw = host(0)->sw;

    return (switches[0].n_dumps > n_dumps && reconcile_is_running(sw)
            && !reconcile_part.is_owed(sw, switch_part_state(
                sw, &reconcile_part)));
}

static void
others_have_their_turn_while_a_large_host_is_compared(
    void **state OVS_UNUSED)
{
    int n = 0;

    edit_port("a", "red", 100, "all", 1, false);
    add_strangers();
    connect_only(0);
    TURN_UNTIL(is_comparing(0));
    for (; is_comparing(0); n++) {
        turn();
    }
    assert_true(n > 1);
    TURN_UNTIL(is_synced(0));
    check_host(0);
}

static void
host_may_leave_while_it_is_compared(void **state OVS_UNUSED)
{
    edit_port("a", "red", 100, "all", 1, false);
    edit_port("b", "red", 200, "all", 2, true);
    add_strangers();
    for (int i = 0; i < 8; i++) {
        unsigned n_dumps = switches[0].n_dumps;

        connect_only(0);
        TURN_UNTIL(is_comparing(n_dumps));
        for (int j = 0; j < i / 2; j++) {
            turn();
        }
        if (i % 2) {
            reconcile_start(host(0)->sw);
            TURN_UNTIL(is_comparing(n_dumps + 1));
        }
        disconnect_host(0);
        assert_false(reconcile_is_running(host(0)->sw));
    }
    connect_host(0);
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

/* Each field of a flow that a switch may hold otherwise than it was sent. */
static void
one_field_that_differs_is_mended(void **state OVS_UNUSED)
{
    static const struct {
        size_t ofs;
        uint8_t bit;
    } fields[] = {
        { offsetof(struct ofp11_flow_mod, cookie), 1 },
        { offsetof(struct ofp11_flow_mod, idle_timeout), 1 },
        { offsetof(struct ofp11_flow_mod, hard_timeout), 1 },
        { offsetof(struct ofp11_flow_mod, importance), 1 },
        { offsetof(struct ofp11_flow_mod, flags) + 1, OFPFF_SEND_FLOW_REM },
    };

    edit_port("a", "red", 100, "all", 1, false);
    connect_host(0);
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        unsigned n_mods = switches[0].n_mods;
        const struct fake_flow *flow;
        uint8_t *bytes;

        disconnect_host(0);
        fake_switch_remove(&switches[0], MARKER_PRIORITY);
        flow = fake_switch_find(&switches[0], 100);
        bytes = flow->mod->data;
        bytes[sizeof(struct ofp_header) + fields[i].ofs] ^= fields[i].bit;
        connect_host(0);
        check_host(0);
        assert_int_equal(switches[0].n_mods, n_mods + 1);
    }
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

    /* A dump that the socket does not take at once. */
    edit_ports(6000, "all", 1);
    edit_port("a", "red", 100, "all", 1, false);
    edit_port("b", "red", 200, "all", 1, false);
    connect_host(0);
    disconnect_host(0);
    n_mods = switches[0].n_mods;
    fake_switch_remove(&switches[0], MARKER_PRIORITY);
    connect_only(0);
    TURN_UNTIL(switches[0].n_dumps == 2);
    switches[0].deaf = true;
    turn();                     /* Its beginning is read. */
    turn();
    LIST_FOR_EACH (flow, node, &switches[0].flows) {
        if (flow->table == 0 && flow->priority >= 1000) {
            break;
        }
    }
    snprintf(name, sizeof name, "many%d", flow->priority - 1000);
    edit(VMN_TABLE_PORT, name, NULL);
    edit_port("a", "red", 100, "all", 2, false);
    edit_port("new", "red", 9000, "all", 1, false);
    assert_int_equal(host(0)->sw->state, SWITCH_READING);
    switches[0].deaf = false;
    TURN_UNTIL(is_synced(0));
    until_acked(0);
    check_host(0);
    assert_int_equal(switches[0].n_mods, n_mods + 3);
    assert_string_equal(receipt_of(revision, 0), "confirmed");
}

/* Budgets.  A host of these tests may have 256 flows, and two for each that is
 * desired of it.  --------------------------------------------------------- */

/* More than that. */
#define N_MANY 600
/* More than may come without being counted apart. */
#define N_LEARNED 6000

static void
add_many(void)
{
    for (int i = 0; i < N_MANY; i++) {
        char *flow = xasprintf("table=1,priority=7,ip,nw_dst=10.%d.%d.0/24,"
                               "actions=drop", i / 250, i % 250);

        fake_switch_add_flow(&switches[0], flow);
        free(flow);
    }
}

/* As if the switch had learned that many Ethernet addresses. */
static void
add_learned(void)
{
    for (int i = 0; i < N_LEARNED; i++) {
        char *flow = xasprintf("table=249,priority=1,"
                               "dl_src=02:00:00:00:%02x:%02x,actions=drop",
                               i / 250, i % 250);

        fake_switch_add_flow(&switches[0], flow);
        free(flow);
    }
}

/* The switch has to say all that it holds. */
static void
connect_without_marker(void)
{
    disconnect_host(0);
    fake_switch_remove(&switches[0], MARKER_PRIORITY);
    connect_host(0);
}

static void
host_may_come_back_with_all_that_was_desired_once(void **state OVS_UNUSED)
{
    edit_port("a", "red", 100, "all", 1, false);
    edit_ports(N_MANY, "all", 1);
    connect_host(0);
    disconnect_host(0);
    edit_ports(N_MANY, "all", -1);
    connect_host(0);
    check_host(0);
    assert_int_equal(switch_budget_of(host(0)->sw)->n_over, 0);
    /* By the difference. */
    assert_int_equal(switch_budget_of(host(0)->sw)->anew_ms, 0);
    assert_int_equal(fake_switch_find(&switches[0], 100)->age, 1);
}

static void
host_with_more_than_may_be_read_is_installed_anew(void **state OVS_UNUSED)
{
    edit_port("a", "red", 100, "all", 1, false);
    edit_port("b", "red", 200, "all", 2, true);
    connect_host(0);
    add_many();
    ds_clear(&switches[0].order);
    connect_without_marker();
    check_host(0);
    assert_int_equal(switch_budget_of(host(0)->sw)->n_over, 0);
    assert_true(switch_budget_of(host(0)->sw)->anew_ms > 0);
    /* In one bundle. */
    assert_ptr_equal(strchr(ds_cstr(&switches[0].order), '.'),
                     ds_cstr(&switches[0].order) + switches[0].order.length
                     - 1);

    /* Bundles follow as ever. */
    edit_port("c", "red", 300, "all", 1, false);
    until_acked(0);
    check_host(0);

    /* One that does it again is dropped. */
    disconnect_host(0);
    add_many();
    fake_switch_remove(&switches[0], MARKER_PRIORITY);
    connect_only(0);
    TURN_UNTIL(switch_budget_of(host(0)->sw)->n_over == 1);
    assert_int_equal(switches[0].n_commits, 3);
}

static void
host_that_sends_without_end_is_not_installed_anew(void **state OVS_UNUSED)
{
    edit_port("a", "red", 100, "all", 1, false);
    fabric->host_memory = 4096;
    add_strangers();
    connect_only(0);
    TURN_UNTIL(switch_budget_of(host(0)->sw)->n_over == 1);
    assert_int_equal(switches[0].n_commits, 0);
    assert_int_equal(switch_budget_of(host(0)->sw)->anew_ms, 0);
}

static void
audit_that_reads_too_much_ends_in_what_is_desired(void **state OVS_UNUSED)
{
    edit_port("a", "red", 100, "all", 1, false);
    connect_host(0);
    add_many();
    assert_null(fabric_audit(fabric, host(0)->name, NULL, NULL, NULL));
    TURN_UNTIL(switch_budget_of(host(0)->sw)->n_over == 1);
    /* Its marker is right, but not trusted. */
    connect_only(0);
    TURN_UNTIL(host(0)->sw->state == SWITCH_WAITING);
    assert_true(rejected_items_retry(host(0)->sw));
    TURN_UNTIL(is_synced(0));
    check_host(0);
}

/* The addresses behind a guest's port, say. */
static void
learned_flows_do_not_count_against_their_host(void **state OVS_UNUSED)
{
    size_t n_flows;

    edit_port("a", "red", 100, "all", 1, false);
    connect_host(0);
    add_learned();
    n_flows = fake_switch_n_flows(&switches[0]);
    connect_without_marker();
    assert_int_equal(switch_budget_of(host(0)->sw)->n_over, 0);
    assert_int_equal(switch_budget_of(host(0)->sw)->anew_ms, 0);
    assert_int_equal(fake_switch_n_flows(&switches[0]), n_flows);

    assert_null(fabric_audit(fabric, host(0)->name, NULL, NULL, NULL));
    TURN_UNTIL(!audit_is_running(host(0)->sw));
    assert_int_equal(switch_budget_of(host(0)->sw)->n_over, 0);
    assert_true(is_synced(0));
}

/* Not even they are without bound: each flow that is desired has a switch
 * learn so many at most. */
static void
learned_flows_are_bounded(void **state OVS_UNUSED)
{
    struct fabric_switch *sw = host(0)->sw;
    size_t n;

    edit_port("a", "red", 100, "all", 1, false);
    n = engine_host_total(fabric->engine, host(0)->name);
    assert_int_equal(switch_budget_of_dump(sw).exempt, n * VMN_CLIENTS_MAX);
    ((struct switch_budget *) switch_part_state(
        sw, &switch_budget_part))->most_desired = 1000000;
    assert_int_equal(switch_budget_of_dump(sw).exempt, 4 * 1024 * 1024);
}

/* So is the number of all: of records that cost no byte, such as empty
 * messages, there would be no end. */
static void
records_are_bounded(void **state OVS_UNUSED)
{
    struct fabric_switch *sw = host(0)->sw;
    struct ofdump_budget budget;

    ((struct switch_budget *) switch_part_state(
        sw, &switch_budget_part))->most_desired = 100;
    budget = switch_budget_of_dump(sw);
    /* Twice what is desired, one for 256 bytes of the least, and full messages
     * of what is learned. */
    assert_int_equal(budget.records, 2 * 100 + 65536 / 256
                     + 100 * VMN_CLIENTS_MAX / 64);
    assert_int_equal(budget.bytes, 100 * 1024 + 65536);
    assert_int_equal(budget.rest, 0);
    assert_int_equal(switch_budget_of_reconcile(sw).records, budget.records);
    assert_int_equal(switch_budget_of_reconcile(sw).rest, 16 * 65536);

    budget = switch_budget_of_table(sw, 10);
    assert_int_equal(budget.records, 20);
    assert_int_equal(budget.bytes, 65536);
    assert_int_equal(budget.exempt, 0);
    assert_int_equal(budget.rest, 0);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME, SETUP) \
        cmocka_unit_test_setup_teardown(NAME, SETUP, teardown)
        T(empty_switch_gets_all_in_one_bundle, setup),
        T(nothing_is_compared_before_the_host_has_reported, setup),
        T(switch_is_kept_until_its_host_is_known, setup),
        T(reconnecting_unchanged_sends_no_flow_message, setup),
        T(restarted_controller_leaves_right_flows_alone, setup),
        T(fabric_made_anew_knows_right_flows_by_their_marker, setup),
        T(flows_known_by_another_key_are_compared_and_stay, setup),
        T(hosts_that_hold_the_same_have_other_markers, setup),
        T(missing_or_wrong_marker_means_a_dump, setup),
        T(others_have_their_turn_while_a_large_host_is_compared, setup),
        T(host_may_leave_while_it_is_compared, setup),
        T(refusal_takes_the_marker_away, setup),
        T(unanswered_bundle_means_a_dump, setup),
        T(only_the_difference_is_mended, setup),
        T(one_field_that_differs_is_mended, setup),
        T(change_during_the_check_is_not_lost, setup),
        T(change_during_the_reading_is_not_lost, setup),
        T(host_may_come_back_with_all_that_was_desired_once, setup_meagre),
        T(host_with_more_than_may_be_read_is_installed_anew, setup_meagre),
        T(host_that_sends_without_end_is_not_installed_anew, setup_meagre),
        T(audit_that_reads_too_much_ends_in_what_is_desired, setup_meagre),
        T(learned_flows_do_not_count_against_their_host, setup_meagre),
        T(learned_flows_are_bounded, setup_meagre),
        T(records_are_bounded, setup_meagre),
    };

    return run_all(argv, tests, ARRAY_SIZE(tests));
}
