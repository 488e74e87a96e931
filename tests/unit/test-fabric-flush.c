/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of how switches are told to forget connections: what they are told, in
 * which order with bundles, and how fast.  What Open vSwitch makes of it is in
 * test-fabric-ovs. */

#include <config.h>

#include "tests/unit/fabric-hosts.h"

#include <netinet/in.h>
#include <string.h>

#include "controller/fabric/fabric-flush.h"
#include "controller/fabric/fabric-stats.h"
#include "util.h"

/* To 10.0.0.100:80, by 10.0.0.BACKEND:8080. */
static struct fabric_flush
flush_of(uint8_t backend)
{
    return (struct fabric_flush) {
        .zone = 7, .protocol = VMN_PROTO_TCP,
        .vip = { 4, { 10, 0, 0, 100 } }, .port = 80,
        .backend = { 4, { 10, 0, 0, backend } }, .backend_port = 8080,
    };
}

/* On the first 'n_hosts' hosts. */
static void
ask(const struct fabric_flush *flushes, size_t n, size_t n_hosts,
    uint64_t after_revision)
{
    const char *const names[N_HOSTS] = { "h0", "h1", "h2" };
    const struct vmn_names hosts = { n_hosts, names };

    fabric_flush(fabric, &hosts, flushes, n, after_revision);
}

static void
turns(void)
{
    for (int i = 0; i < 20; i++) {
        turn();
    }
}

static struct fabric_stats
stats_now(void)
{
    struct fabric_stats stats;

    fabric_get_stats(fabric, &stats);
    return stats;
}

/* Hosts that are all connected, and a short while until the second time. */
static int
setup_connected(void **state)
{
    setup(state);
    fabric->flush_again_ms = 20;
    for (int i = 0; i < N_HOSTS; i++) {
        connect_host(i);
    }
    return 0;
}

static void
host_is_told_all_there_is_to_match_twice(void **state OVS_UNUSED)
{
    const struct ofp_ct_match *match = &switches[0].flush;
    struct fabric_flush flush = flush_of(9);
    struct in6_addr expected;

    ask(&flush, 1, 1, 0);
    TURN_UNTIL(switches[0].n_flushes == 1);
    assert_int_equal(switches[0].flush_zone, 7);
    assert_int_equal(match->ip_proto, IPPROTO_TCP);
    inet_pton(AF_INET6, "::ffff:10.0.0.100", &expected);
    assert_memory_equal(&match->tuple_orig.dst, &expected, 16);
    assert_int_equal(match->tuple_orig.dst_port, htons(80));
    inet_pton(AF_INET6, "::ffff:10.0.0.9", &expected);
    assert_memory_equal(&match->tuple_reply.src, &expected, 16);
    assert_int_equal(match->tuple_reply.src_port, htons(8080));
    memset(&expected, 0, sizeof expected);
    assert_memory_equal(&match->tuple_orig.src, &expected, 16);
    assert_memory_equal(&match->tuple_reply.dst, &expected, 16);

    TURN_UNTIL(switches[0].n_flushes == 2);
    turns();
    assert_int_equal(switches[0].n_flushes, 2);
    assert_int_equal(switches[1].n_flushes, 0);
    assert_int_equal(stats_now().n_flushes, 1);

    flush = (struct fabric_flush) {
        .zone = 8, .protocol = VMN_PROTO_UDP,
        .backend = { 6, { 0xfd, 1, [15] = 9 } },
    };
    ask(&flush, 1, 2, 0);
    TURN_UNTIL(switches[0].n_flushes == 4 && switches[1].n_flushes == 2);
    assert_int_equal(switches[1].flush_zone, 8);
    assert_int_equal(switches[1].flush.ip_proto, IPPROTO_UDP);
    assert_memory_equal(&switches[1].flush.tuple_orig.dst, &expected, 16);
    assert_memory_equal(&switches[1].flush.tuple_reply.src,
                        flush.backend.addr, 16);
}

static void
host_is_told_behind_the_bundle_that_it_follows(void **state OVS_UNUSED)
{
    struct fabric_flush flush = flush_of(9);

    switches[0].hold = true;
    edit_port("a", "red", 100, "all", 1, false);
    ask(&flush, 1, 2, revision);
    TURN_UNTIL(switches[1].n_flushes == 2);
    assert_int_equal(switches[0].n_flushes, 0);
    /* What follows nothing passes it. */
    flush = flush_of(10);
    ask(&flush, 1, 1, 0);
    TURN_UNTIL(openflow_figure(0, "outstanding_bundles") == 1);
    turns();
    fake_switch_release(&switches[0]);
    until_acked(0);
    TURN_UNTIL(switches[0].n_flushes == 4);
    /* Not at all, if the revision is never acknowledged. */
    ask(&flush, 1, 1, revision + 1);
    turns();
    assert_int_equal(switches[0].n_flushes, 4);
    edit_port("a", "red", 100, "all", 2, false);
    TURN_UNTIL(switches[0].n_flushes == 6);
}

static void
switch_that_cannot_is_left_alone_and_well(void **state OVS_UNUSED)
{
    struct fabric_flush flushes[3] = { flush_of(1), flush_of(2),
                                       flush_of(3) };
    unsigned n;

    switches[0].refuse_flushes = true;
    ask(flushes, 3, 1, 0);
    TURN_UNTIL(stats_now().n_flushes_refused == 3);
    turns();
    n = switches[0].n_flushes;
    assert_in_range(n, 1, 3);
    assert_true(is_synced(0));
    assert_int_equal(stats_now().n_errors, 0);
    assert_int_equal(stats_now().n_flushes, 0);
    ask(flushes, 2, 1, 0);
    ask(&flushes[2], 1, 1, 0);
    edit_port("a", "red", 100, "all", 1, false);
    until_acked(0);
    assert_string_equal(receipt_of(revision, 0), "confirmed");
    assert_int_equal(stats_now().n_flushes_refused, 6);
    assert_int_equal(switches[0].n_flushes, n);
    check_host(0);

    /* It may be a newer one when it comes back. */
    disconnect_host(0);
    switches[0].refuse_flushes = false;
    connect_host(0);
    ask(flushes, 3, 1, 0);
    TURN_UNTIL(switches[0].n_flushes == n + 6);
}

static void
thousands_leave_room_for_bundles(void **state OVS_UNUSED)
{
    struct fabric_flush flushes[2000];

    for (size_t i = 0; i < ARRAY_SIZE(flushes); i++) {
        flushes[i] = flush_of(i);
        flushes[i].backend.addr[2] = i >> 8;
    }
    ask(flushes, ARRAY_SIZE(flushes), N_HOSTS, 0);
    TURN_UNTIL(switches[0].n_flushes);
    edit_port("a", "red", 100, "all", 1, false);
    until_acked(0);
    assert_true(switches[0].n_flushes < 2 * ARRAY_SIZE(flushes));
    for (int i = 0; i < N_HOSTS; i++) {
        TURN_UNTIL(switches[i].n_flushes == 2 * ARRAY_SIZE(flushes));
        assert_in_range(switches[i].most_flushes, 1, 64);
    }
    turns();
    assert_int_equal(switches[0].n_flushes, 2 * ARRAY_SIZE(flushes));
    assert_int_equal(stats_now().n_flushes, N_HOSTS * ARRAY_SIZE(flushes));

    /* The same one by one, and more than there may be batches. */
    switches[0].most_flushes = switches[1].most_flushes = 0;
    for (int i = 0; i < 5000; i++) {
        ask(&flushes[i % ARRAY_SIZE(flushes)], 1, 2, revision);
    }
    for (int i = 0; i < 2; i++) {
        TURN_UNTIL(switches[i].n_flushes
                   == 2 * ARRAY_SIZE(flushes) + 2 * 5000);
        assert_in_range(switches[i].most_flushes, 2, 64);
    }
    assert_int_equal(switches[2].n_flushes, 2 * ARRAY_SIZE(flushes));
    assert_int_equal(stats_now().n_flushes_lost, 0);
}

static void
absent_host_is_told_when_it_is_back(void **state OVS_UNUSED)
{
    struct fabric_flush flush = flush_of(9);

    disconnect_host(0);
    ask(&flush, 1, 2, 0);
    TURN_UNTIL(switches[1].n_flushes == 2);
    connect_host(0);
    TURN_UNTIL(switches[0].n_flushes == 2);

    /* One that is cut off in the middle of it is told all of it again. */
    switches[0].hold = true;
    ask(&flush, 1, 1, 0);
    turns();
    disconnect_host(0);
    switches[0].hold = false;
    connect_host(0);
    TURN_UNTIL(stats_now().n_flushes == 3);
    TURN_UNTIL(switches[0].n_flushes == 4);

    /* What is too old is given up. */
    disconnect_host(0);
    fabric->flush_keep_ms = -1;
    ask(&flush, 1, 1, 0);
    TURN_UNTIL(stats_now().n_flushes_lost == 1);
    connect_host(0);
    turns();
    assert_int_equal(switches[0].n_flushes, 4);
}

static void
what_is_cancelled_is_not_told(void **state OVS_UNUSED)
{
    struct fabric_flush flushes[3] = { flush_of(1), flush_of(2),
                                       flush_of(3) };
    struct fabric_flush other = flush_of(2);

    disconnect_host(0);
    ask(flushes, 3, 1, 0);
    ask(&flushes[1], 1, 1, 0);
    other.port = 81;
    fabric_flush_cancel(fabric, &other);
    fabric_flush_cancel(fabric, &flushes[1]);
    connect_host(0);
    TURN_UNTIL(switches[0].n_flushes == 4);
    turns();
    assert_int_equal(switches[0].n_flushes, 4);
    assert_int_equal(stats_now().n_flushes, 2);
    assert_int_equal(stats_now().n_flushes_lost, 0);
}

static void
of_too_many_the_oldest_are_given_up(void **state OVS_UNUSED)
{
    size_t n = FABRIC_FLUSHES_MAX;
    struct fabric_flush *flushes = xcalloc(n + 5, sizeof *flushes);
    struct fabric_flush last = flush_of(77);

    for (size_t i = 0; i < n + 5; i++) {
        flushes[i] = flush_of(1);
    }
    disconnect_host(0);
    ask(flushes, n + 5, 1, 0);
    assert_int_equal(stats_now().n_flushes_lost, 5);
    ask(&last, 1, 1, 0);
    TURN_UNTIL(stats_now().n_flushes_lost == n + 5);
    connect_host(0);
    TURN_UNTIL(switches[0].n_flushes == 2);
    assert_int_equal(switches[0].flush.tuple_reply.src.s6_addr[15], 77);
    /* A host that goes takes what it was to be told along. */
    disconnect_host(0);
    ask(flushes, n, 1, 0);
    edit(VMN_TABLE_HOST, "h0", NULL);
    ask(&last, 1, 1, 0);
    turns();
    free(flushes);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup_connected, \
                                                teardown)
        T(host_is_told_all_there_is_to_match_twice),
        T(host_is_told_behind_the_bundle_that_it_follows),
        T(switch_that_cannot_is_left_alone_and_well),
        T(thousands_leave_room_for_bundles),
        T(absent_host_is_told_when_it_is_back),
        T(what_is_cancelled_is_not_told),
        T(of_too_many_the_oldest_are_given_up),
    };

    return run_all(argv, tests, ARRAY_SIZE(tests));
}
