/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of asking a switch about the guest of a port: who is asked, and
 * that whoever asks is called once.  What a switch says is in
 * tests/system/test_monitors.py. */

#include <config.h>

#include "tests/unit/fabric-hosts.h"

#include <string.h>

#include "controller/fabric/fabric-guests.h"
#include "controller/fabric/fabric.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/addresses-seen.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "util.h"

#define OFPORT 5
/* As many questions wait for a switch. */
#define WAITS_MAX 16

static void
count_cb(void *n_)
{
    int *n = n_;

    ++*n;
}

/* Port "a" is on h0. */
static void
plug(void)
{
    edit_port("a", "red", 100, "all", 1, false);
    edit(VMN_TABLE_VIF, "h0/a", json_pack(
        "{s:s, s:s, s:s, s:i, s:b}", "host", "h0", "iface_id", "a",
        "iface", "tap0", "ofport", OFPORT, "link_up", 1));
    edit(VMN_TABLE_BINDING, "a", json_pack("{s:s}", "host", "h0"));
}

/* Whether the answer is known of a port. */
static bool
is_known_of(const char *port)
{
    struct status_port status = { .n_seen = 0 };
    struct arena arena;
    bool known;

    arena_init(&arena);
    addresses_seen_put(host(0), port, OFPORT, &arena, &status);
    known = status.seen != NULL;
    assert_int_equal(status.n_seen, 0);
    arena_uninit(&arena);
    return known;
}

static bool
is_known(void)
{
    return is_known_of("a");
}

static void
a_switch_that_is_there_is_asked(void **state OVS_UNUSED)
{
    int n = 0;

    assert_false(fabric_look_at_port(fabric, "a", count_cb, &n));
    plug();
    assert_false(fabric_look_at_port(fabric, "a", count_cb, &n));
    connect_host(0);
    assert_false(fabric_look_at_port(fabric, "none", count_cb, &n));
    assert_true(fabric_look_at_port(fabric, "a", count_cb, &n));
    assert_int_equal(n, 0);
    assert_false(is_known());
    TURN_UNTIL(n == 1);
    assert_true(is_known());
    /* A number may be another port's by now. */
    assert_false(is_known_of("b"));
    /* Numbers of ports are others' in the next session. */
    disconnect_host(0);
    assert_false(is_known());
    assert_int_equal(n, 1);
}

static void
many_ask_at_once(void **state OVS_UNUSED)
{
    int n = 0;

    plug();
    connect_host(0);
    for (int i = 0; i < WAITS_MAX; i++) {
        assert_true(fabric_look_at_port(fabric, "a", count_cb, &n));
    }
    assert_false(fabric_look_at_port(fabric, "a", count_cb, &n));
    TURN_UNTIL(n == WAITS_MAX);
    assert_true(fabric_look_at_port(fabric, "a", count_cb, &n));
    TURN_UNTIL(n == WAITS_MAX + 1);
}

static void
who_gives_up_makes_room(void **state OVS_UNUSED)
{
    int n = 0, others = 0;

    plug();
    connect_host(0);
    for (int i = 0; i < WAITS_MAX; i++) {
        assert_true(fabric_look_at_port(fabric, "a", count_cb, &n));
    }
    fabric_forget_port(fabric, count_cb, &n);
    for (int i = 1; i < WAITS_MAX; i++) {
        assert_true(fabric_look_at_port(fabric, "a", count_cb, &others));
    }
    assert_false(fabric_look_at_port(fabric, "a", count_cb, &others));
    TURN_UNTIL(others == WAITS_MAX - 1);
    assert_int_equal(n, 0);
}

static void
who_does_not_wait_any_more_is_not_called(void **state OVS_UNUSED)
{
    int n = 0, others = 0;

    plug();
    connect_host(0);
    assert_true(fabric_look_at_port(fabric, "a", count_cb, &n));
    assert_true(fabric_look_at_port(fabric, "a", count_cb, &others));
    fabric_forget_port(fabric, count_cb, &n);
    TURN_UNTIL(others == 1);
    assert_int_equal(n, 0);
}

static void
a_switch_that_goes_is_not_waited_for(void **state OVS_UNUSED)
{
    int n = 0;

    plug();
    connect_host(0);
    assert_true(fabric_look_at_port(fabric, "a", count_cb, &n));
    assert_true(fabric_look_at_port(fabric, "a", count_cb, &n));
    disconnect_host(0);
    TURN_UNTIL(n == 2);
    assert_false(is_known());
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
        T(a_switch_that_is_there_is_asked),
        T(many_ask_at_once),
        T(who_gives_up_makes_room),
        T(who_does_not_wait_any_more_is_not_called),
        T(a_switch_that_goes_is_not_waited_for),
#undef T
    };

    return run_all(argv, tests, ARRAY_SIZE(tests));
}
