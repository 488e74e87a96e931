/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of what is known of leases (fabric/packets/leases-told.h): from
 * which answers, of whom, and how many. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/packets/leases-told.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "tests/unit/model-fixture.h"
#include "timeval.h"
#include "util.h"
#include "vmn/bytes.h"
#include "vmn/dhcp.h"
#include "vmn/packet.h"

enum { LEASE_TIME = 51 };

static struct arena arena;

static void
note(struct leases_told *told, const char *port, uint16_t from, uint16_t to,
     int family, const struct vmn_bytes *b)
{
    const struct vmn_udp udp = {
        .ip_src = { family, { 0xfe, 1 } }, .ip_dst = { family, { 0xfe, 2 } },
        .ttl = 64, .src_port = from, .dst_port = to,
        .payload = b->data, .payload_size = b->size,
    };
    uint8_t frame[1500];

    leases_told_note(told, port, frame, vmn_udp_build(&udp, frame,
                                                      sizeof frame));
}

/* A server's message of 'type' that gives 10.0.0.'last' for 'seconds'. */
static void
note_v4(struct leases_told *told, const char *port, uint8_t type, uint8_t last,
        uint32_t seconds)
{
    const struct vmn_dhcp4 dhcp = {
        .is_reply = true, .type = type, .yiaddr = { 4, { 10, 0, 0, last } },
    };
    const uint8_t time[4] = { seconds >> 24, seconds >> 16, seconds >> 8,
                              seconds };
    uint8_t data[600];
    struct vmn_bytes b = vmn_bytes(data, sizeof data);

    assert_true(vmn_dhcp4_start(&b, &dhcp, NULL));
    assert_true(vmn_dhcp4_put(&b, LEASE_TIME, time, 4));
    vmn_dhcp4_end(&b);
    note(told, port, 67, 68, 4, &b);
}

/* The same of DHCPv6, and fd00::'last'. */
static void
note_v6(struct leases_told *told, const char *port, uint8_t type, uint8_t last,
        uint32_t seconds)
{
    const uint8_t iaid[12] = { 1 };
    uint8_t address[24] = { 0xfd, [15] = last, [20] = seconds >> 24,
                            seconds >> 16, seconds >> 8, seconds };
    uint8_t data[600];
    struct vmn_bytes b = vmn_bytes(data, sizeof data);
    size_t opened;

    assert_true(vmn_dhcp6_start(&b, type, 7));
    opened = vmn_dhcp6_open(&b, VMN_DHCP6_IA_NA);
    vmn_put(&b, iaid, sizeof iaid);
    assert_true(vmn_dhcp6_put(&b, VMN_DHCP6_IAADDR, address, sizeof address));
    assert_true(vmn_dhcp6_close(&b, opened));
    note(told, port, 547, 546, 6, &b);
}

static struct status_port
status_of(const struct leases_told *told, const char *port)
{
    struct status_port status = { .n_leases = 0 };

    leases_told_put(told, port, &arena, &status);
    return status;
}

static int
setup(void **state)
{
    arena_init(&arena);
    return model_setup(state);
}

static int
teardown(void **state)
{
    arena_uninit(&arena);
    return model_teardown(state);
}

static void
an_answer_is_a_lease(void **state)
{
    struct leases_told *told = leases_told_create(*state);
    int64_t before_ms = time_wall_msec();
    struct status_port status;

    assert_int_equal(status_of(told, "p1").n_leases, 0);
    note_v4(told, "p1", VMN_DHCP4_ACK, 9, 60);
    note_v6(told, "p1", 7, 9, UINT32_MAX);
    status = status_of(told, "p1");
    assert_int_equal(status.n_leases, 2);
    assert_int_equal(status.leases[0].ip.family, 4);
    assert_int_equal(status.leases[0].ip.addr[3], 9);
    assert_true(status.leases[0].given >= before_ms);
    assert_int_equal(status.leases[0].until - status.leases[0].given, 60000);
    assert_int_equal(status.leases[1].ip.addr[15], 9);
    assert_int_equal(status.leases[1].until, 0);
    /* It is renewed, which makes no other one. */
    note_v4(told, "p1", VMN_DHCP4_ACK, 9, 120);
    status = status_of(told, "p1");
    assert_int_equal(status.n_leases, 2);
    assert_int_equal(status.leases[0].until - status.leases[0].given, 120000);
    assert_int_equal(status_of(told, "p2").n_leases, 0);
    leases_told_destroy(told);
}

static void
what_gives_nothing_is_none(void **state)
{
    struct leases_told *told = leases_told_create(*state);
    uint8_t junk[300] = { 1, 2, 3 };
    struct vmn_bytes b = { .data = junk, .size = sizeof junk };

    note_v4(told, "p1", VMN_DHCP4_OFFER, 9, 60);
    note_v4(told, "p1", VMN_DHCP4_NAK, 9, 60);
    note_v6(told, "p1", 2, 9, 60); /* ADVERTISE. */
    note_v6(told, "p1", 7, 9, 0); /* It is taken back. */
    note(told, "p1", 67, 68, 4, &b);
    note(told, "p1", 547, 546, 6, &b);
    for (size_t size = 0; size < sizeof junk; size++) {
        leases_told_note(told, "p1", junk, size);
    }
    assert_int_equal(status_of(told, "p1").n_leases, 0);
    leases_told_destroy(told);
}

static void
a_port_has_so_many(void **state)
{
    struct leases_told *told = leases_told_create(*state);
    struct status_port status;

    for (int i = 1; i <= 100; i++) {
        note_v4(told, "p1", VMN_DHCP4_ACK, i, 60);
    }
    status = status_of(told, "p1");
    assert_int_equal(status.n_leases, 16);
    leases_told_destroy(told);
}

/* What another one of its name has, the system test looks at. */
static void
a_port_that_is_gone_has_none(void **state)
{
    struct leases_told *told = leases_told_create(*state);
    struct model *model = *state;

    note_v4(told, "p1", VMN_DHCP4_ACK, 9, 60);
    apply(model, "delete ports p1", "");
    model_settle(model);
    assert_int_equal(status_of(told, "p1").n_leases, 0);
    leases_told_destroy(told);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
        T(an_answer_is_a_lease),
        T(what_gives_nothing_is_none),
        T(a_port_has_so_many),
        T(a_port_that_is_gone_has_none),
#undef T
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
