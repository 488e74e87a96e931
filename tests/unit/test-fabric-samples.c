/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of taps and of samples: meters on switches, and copies of packets that
 * come up. */

#include <config.h>

#include "tests/unit/fabric-hosts.h"

#include <string.h>

#include "controller/engine/packet-handler.h"
#include "controller/fabric/fabric-packet-sampling.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric-status.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/packets/packet-sampling.h"
#include "controller/fabric/packets/sampling-meters.h"
#include "controller/fabric/session/switch.h"
#include "controller/flow/flow-item.h"
#include "controller/flow/punt-action.h"
#include "controller/flow/sample-action.h"
#include "flow.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-packet.h"
#include "packets.h"
#include "util.h"

/* Longer than a budget is kept that nobody uses, and long enough for all
 * budgets to be full again. */
#define IDLE_MS 61000
#define REFILL_MS 10000
/* More rules than one host may have budgets of. */
#define N_RULES 600

static long long int warp_ms;   /* The clock is ahead by this. */

long long int __real_time_msec(void);
long long int __wrap_time_msec(void);

long long int
__wrap_time_msec(void)
{
    return __real_time_msec() + warp_ms;
}

/* Sends up a copy of a UDP packet to 'port', of 1,000 bytes. */
static void
send_copy(int i, uint16_t port, const char *owner, uint32_t part,
          uint32_t kind)
{
    static const uint8_t headers[] = {
        2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0,
        0x45, 0, 0x03, 0xda, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1,
        10, 0, 0, 2, 0x10, 0, 0, 0, 0x03, 0xc6, 0, 0,
    };
    uint8_t whole[1000] = { 0 }, userdata[PUNT_USERDATA_SIZE];
    struct ofputil_packet_in_private pin = {
        .base = {
            .packet = whole,
            .packet_len = sizeof whole,
            .flow_metadata = MATCH_CATCHALL_INITIALIZER,
            .reason = OFPR_ACTION,
            .userdata = userdata,
            .userdata_len = sizeof userdata,
        },
    };

    memcpy(whole, headers, sizeof headers);
    whole[36] = port >> 8;
    whole[37] = port;
    punt_put_userdata(userdata, PUNT_USERDATA_SAMPLE);
    match_set_in_port(&pin.base.flow_metadata, u16_to_ofp(5));
    match_set_reg(&pin.base.flow_metadata, SAMPLE_PART_REG, part);
    match_set_reg(&pin.base.flow_metadata, SAMPLE_KIND_REG, kind);
    match_set_metadata(&pin.base.flow_metadata,
                       htonll(flow_owner_cookie(owner)));
    fake_switch_send(&switches[i], ofputil_encode_packet_in_private(
                         &pin, OFPUTIL_P_OF15_OXM, OFPUTIL_PACKET_IN_NXT2));
}

static struct fabric_stats
stats_now(void)
{
    struct fabric_stats stats;

    fabric_get_stats(fabric, &stats);
    return stats;
}

struct found {
    size_t n;
    struct fabric_sample last;
};

static void
found_cb(void *found_, const struct fabric_sample *sample)
{
    struct found *found = found_;

    assert_true(!found->n || sample->id == found->last.id + 1);
    found->n++;
    found->last = *sample;
}

static struct found
samples(enum fabric_sample_kind kind, uint64_t after)
{
    struct found found = { .n = 0 };

    fabric_samples(fabric, kind, after, found_cb, &found);
    return found;
}

/* Until 'n' copies in all have come up. */
static void
until_in(uint64_t n)
{
    TURN_UNTIL(stats_now().n_samples_in == n);
}

/* Register 15 of what port "d" drops. */
static uint32_t
kind_of_drop(void)
{
    static const char reason[] = "not desired";

    return SAMPLE_DROP | (stable_hash64(reason, strlen(reason), 0)
                          & SAMPLE_REASON_MASK);
}

static void
edit_drop(void)
{
    edit(VMN_TABLE_PORT, "d", json_pack(
             "{s:s, s:{s:s, s:s, s:s}}", "network", "red", "labels",
             "prio", "200", "scope", "all", "drop", ""));
}

/* Taps.  ----------------------------------------------------------------- */

static void
a_bank_is_put_once_and_disturbs_nothing(void **state OVS_UNUSED)
{
    json_t *status;

    edit_drop();
    switches[0].meters = true;
    connect_host(0);
    TURN_UNTIL(switches[0].n_sampling_flows == 3 * SAMPLING_METERS);
    assert_int_equal(switches[0].n_meter_mods, 2 * SAMPLING_METERS);
    check_host(0);
    status = fixture_host_status("h0");
    assert_true(json_is_true(json_object_get(json_object_get(
        status, "samples"), "active")));
    json_decref(status);

    /* The next connection finds all there, the flows too. */
    disconnect_host(0);
    connect_host(0);
    edit_port("a", "red", 100, "all", 1, false);
    until_acked(0);
    assert_int_equal(switches[0].n_sampling_flows, 3 * SAMPLING_METERS);
    assert_int_equal(switches[0].n_meter_mods, 2 * SAMPLING_METERS);
    assert_int_equal(switches[0].n_dumps, 1);

    /* A dump of all passes them by. */
    reconcile_start(host(0)->sw);
    TURN_UNTIL(is_synced(0));
    check_host(0);
    assert_int_equal(switches[0].n_dumps, 2);
    assert_non_null(fake_switch_find(&switches[0], 10));
}

static void
without_meters_a_host_works_on(void **state OVS_UNUSED)
{
    static const char *const reasons[] = { "has no meters",
                                           "OFPMMFC_OUT_OF_METERS" };

    edit_drop();
    switches[1].meters = switches[1].refuse_meters = true;
    for (int i = 0; i < 2; i++) {
        json_t *status, *json;

        connect_host(i);
        TURN_UNTIL(sampling_meters_of(host(i)->sw)->state == SAMPLING_OFF);
        status = fixture_host_status(host(i)->name);
        json = json_object_get(status, "samples");
        assert_true(json_is_false(json_object_get(json, "active")));
        assert_non_null(strstr(json_string_value(json_object_get(
            json, "reason")), reasons[i]));
        json_decref(status);
        edit_port("a", "red", 100, "all", i, false);
        until_acked(i);
        assert_true(is_synced(i));
        check_host(i);
    }
}

/* Samples.  -------------------------------------------------------------- */

static void
copies_become_samples(void **state OVS_UNUSED)
{
    uint32_t kind = kind_of_drop();
    struct found found;

    edit_drop();
    connect_host(0);
    send_copy(0, 53, "toy.port/d", 0, kind);
    TURN_UNTIL(stats_now().n_samples == 1);
    found = samples(FABRIC_SAMPLE_DROP, 0);
    assert_int_equal(found.n, 1);
    assert_string_equal(found.last.reason, "not desired");
    assert_string_equal(found.last.host, "h0");
    assert_string_equal(found.last.owner, "toy.port/d");
    assert_string_equal(found.last.type, "ports");
    assert_string_equal(found.last.name, "d");
    assert_int_equal(found.last.protocol, IPPROTO_UDP);
    assert_int_equal(found.last.tp_dst, 53);
    assert_int_equal(found.last.size, 1000);
    assert_int_equal(found.last.src[3], 1);
    assert_int_equal(samples(FABRIC_SAMPLE_LOG, 0).n, 0);

    /* The same once more is the same sample; another is another. */
    send_copy(0, 53, "toy.port/d", 0, kind);
    send_copy(0, 54, "toy.port/d", 0, kind | SAMPLE_LOG);
    TURN_UNTIL(stats_now().n_samples_in == 3);
    found = samples(FABRIC_SAMPLE_DROP, 1);
    assert_int_equal(found.n, 1);
    assert_int_equal(found.last.id, 2);
    assert_int_equal(samples(FABRIC_SAMPLE_LOG, 0).n, 1);

    /* A rule that lets a connection open. */
    send_copy(0, 55, "toy.port/rule", 9, SAMPLE_LOG);
    send_copy(0, 55, "nobody's", 9, SAMPLE_DROP | 12345);
    TURN_UNTIL(stats_now().n_samples_in == 5);
    found = samples(FABRIC_SAMPLE_LOG, 1);
    assert_int_equal(found.n, 1);
    assert_null(found.last.reason);
    assert_int_equal(found.last.part, 9);
    assert_int_equal(samples(FABRIC_SAMPLE_DROP, 100).n, 0);
}

static void
a_flood_takes_its_budget_alone(void **state OVS_UNUSED)
{
    uint32_t kind = kind_of_drop();
    struct found found;

    edit_drop();
    connect_host(0);
    for (int i = 0; i < 500; i++) {
        send_copy(0, 1000 + i, "toy.port/d", 0, kind);
    }
    TURN_UNTIL(stats_now().n_samples_in == 500);
    found = samples(FABRIC_SAMPLE_DROP, 0);
    assert_in_range(found.n, SAMPLING_EACH_BURST, SAMPLING_EACH_BURST + 100);
    assert_int_equal(stats_now().n_samples_suppressed, 500 - found.n);
    /* A log has a budget of its own, and each rule. */
    send_copy(0, 1, "toy.port/d", 1, SAMPLE_LOG);
    send_copy(0, 1, "toy.port/d", 2, SAMPLE_LOG);
    TURN_UNTIL(samples(FABRIC_SAMPLE_LOG, 0).n == 2);
}

static void
count_h1_cb(void *n_, const struct fabric_sample *sample)
{
    int *n = n_;

    *n += !strcmp(sample->host, "h1");
}

/* A host that floods, with a reason that others have as well and with rules
 * that it invents, takes nothing that another host has. */
static void
a_host_that_floods_takes_its_own_budget_alone(void **state OVS_UNUSED)
{
    uint32_t kind = kind_of_drop();
    int n_drops = 0, n_logs = 0;
    struct found drops, logs;

    edit_drop();
    connect_host(0);
    connect_host(1);
    for (int i = 0; i < 300; i++) {
        send_copy(0, 1000 + i, "toy.port/d", 0, kind);
    }
    for (int i = 0; i < 600; i++) {
        char *owner = xasprintf("invented.%d", i);

        send_copy(0, 2000 + i, owner, i, SAMPLE_LOG);
        free(owner);
    }
    TURN_UNTIL(stats_now().n_samples_in == 900);
    drops = samples(FABRIC_SAMPLE_DROP, 0);
    logs = samples(FABRIC_SAMPLE_LOG, 0);
    assert_in_range(drops.n + logs.n, SAMPLING_EACH_BURST,
                    SAMPLING_ALL_BURST - 1);
    send_copy(1, 1, "toy.port/d", 0, kind);
    send_copy(1, 2, "toy.port/d", 1, SAMPLE_LOG);
    TURN_UNTIL(stats_now().n_samples_in == 902);
    fabric_samples(fabric, FABRIC_SAMPLE_DROP, 0, count_h1_cb, &n_drops);
    fabric_samples(fabric, FABRIC_SAMPLE_LOG, 0, count_h1_cb, &n_logs);
    assert_int_equal(n_drops, 1);
    assert_int_equal(n_logs, 1);
}

/* A host that has had budgets of as many rules as it may gets one of another
 * rule once these have been idle for a while. */
static void
budgets_of_idle_rules_make_room_for_others(void **state OVS_UNUSED)
{
    struct found before;

    edit_drop();
    connect_host(0);
    for (int i = 0; i < N_RULES; i++) {
        char *owner = xasprintf("invented.%d", i);

        send_copy(0, 1000 + i, owner, i, SAMPLE_LOG);
        free(owner);
    }
    until_in(N_RULES);
    warp_ms += REFILL_MS;
    before = samples(FABRIC_SAMPLE_LOG, 0);
    send_copy(0, 1, "too early", 1, SAMPLE_LOG);
    until_in(N_RULES + 1);
    assert_int_equal(samples(FABRIC_SAMPLE_LOG, 0).n, before.n);

    warp_ms += IDLE_MS;
    send_copy(0, 2, "in time", 1, SAMPLE_LOG);
    until_in(N_RULES + 2);
    assert_int_equal(samples(FABRIC_SAMPLE_LOG, 0).n, before.n + 1);
    /* As does one that has come before. */
    send_copy(0, 3, "invented.0", 0, SAMPLE_LOG);
    until_in(N_RULES + 3);
    assert_int_equal(samples(FABRIC_SAMPLE_LOG, 0).n, before.n + 2);
}

static void
a_rule_that_is_heard_gets_its_own_meter(void **state OVS_UNUSED)
{
    const unsigned n_meters = 2 * SAMPLING_METERS;
    const unsigned n_sampling_flows = 3 * SAMPLING_METERS;

    edit_drop();
    switches[0].meters = true;
    connect_host(0);
    TURN_UNTIL(switches[0].n_sampling_flows == n_sampling_flows);
    send_copy(0, 1, "toy.port/d", 9, SAMPLE_LOG);
    until_in(1);
    TURN_UNTIL(switches[0].n_sampling_flows == n_sampling_flows + 2);
    assert_int_equal(switches[0].n_meter_mods, n_meters + 1);
    /* Once; and one whose number has the same end shares it. */
    send_copy(0, 2, "toy.port/d", 9, SAMPLE_LOG);
    send_copy(0, 3, "toy.port/d", 9 + SAMPLING_OWN, SAMPLE_LOG);
    /* A reason to drop has none. */
    send_copy(0, 4, "toy.port/d", 11, kind_of_drop());
    until_in(4);
    send_copy(0, 5, "toy.port/d", 10, SAMPLE_LOG);
    until_in(5);
    TURN_UNTIL(switches[0].n_sampling_flows == n_sampling_flows + 4);
    assert_int_equal(switches[0].n_meter_mods, n_meters + 2);
    assert_int_equal(sampling_n_logged(fabric, flow_owner_cookie("toy.port/d"),
                                       9), 2);

    /* A switch that has no room goes on with those that are shared. */
    switches[0].refuse_meters = true;
    send_copy(0, 6, "toy.port/d", 12, SAMPLE_LOG);
    until_in(6);
    TURN_UNTIL(sampling_meters_of(host(0)->sw)->no_own);
    assert_int_equal(sampling_meters_of(host(0)->sw)->state, SAMPLING_ON);
    check_host(0);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_bank_is_put_once_and_disturbs_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(without_meters_a_host_works_on,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(copies_become_samples, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_flood_takes_its_budget_alone,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_host_that_floods_takes_its_own_budget_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(
            budgets_of_idle_rules_make_room_for_others, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_rule_that_is_heard_gets_its_own_meter, setup, teardown),
    };

    return run_all(argv, tests, ARRAY_SIZE(tests));
}
