/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of the session of a switch as a bus: what its parts are called for,
 * in which order, and that the real ones leave nothing behind when the
 * connection goes.  What each of them does is for its own tests. */

#include <config.h>

#include "tests/unit/fabric-hosts.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-audit.h"
#include "controller/fabric/fabric-learned-connections.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "openvswitch/dynamic-string.h"
#include "timeval.h"
#include "util.h"

/* The real parts.  ------------------------------------------------------- */

/* Returns the names of the parts that the switch of host 0 owes an answer, in
 * the order of the table, each with a blank before it.  The caller frees
 * it. */
static char *
owed(void)
{
    const struct fabric_switch *sw = host(0)->sw;
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; switch_parts[i]; i++) {
        const struct switch_part_class *part = switch_parts[i];

        if (part->is_owed && part->is_owed(sw, sw->part_states[i])) {
            ds_put_format(&ds, " %s", part->name);
        }
    }
    return ds_steal_cstr(&ds);
}

static void
check_owed(const char *expected)
{
    char *names = owed();

    assert_string_equal(names, expected);
    free(names);
}

static char *audit_reason;      /* Why the audit ended. */

static void
audit_cb(void *aux OVS_UNUSED, const struct fabric_audit_result *result,
         const char *reason)
{
    assert_null(result);
    assert_null(audit_reason);
    audit_reason = xstrdup(reason);
}

static void
check_audit_reason(const char *expected)
{
    assert_non_null(audit_reason);
    assert_string_equal(audit_reason, expected);
    free(audit_reason);
    audit_reason = NULL;
}

static bool read_ended, read_failed;

static void
connections_cb(void *aux OVS_UNUSED,
               const struct fabric_connections *connections)
{
    assert_int_equal(connections->n_hosts, 1);
    read_failed = connections->hosts[0].missing != NULL;
    read_ended = true;
}

/* Has the live switch of host 0 owe all that one can owe. */
static void
owe_all(void)
{
    static const char *const names[] = { "h0" };
    static const struct vmn_names hosts = { 1, names };

    read_ended = false;
    switches[0].hold = true;
    edit_port("b", "red", 200, "all", 1, false);
    TURN_UNTIL(host(0)->sw->bundles.n_sent);
    assert_null(fabric_audit(fabric, "h0", NULL, audit_cb, NULL));
    fabric_read_connections(fabric, 1, &hosts, 0, connections_cb, NULL);
}

static void
connection_that_goes_leaves_nothing_owed(void **state OVS_UNUSED)
{
    char *names;

    edit_port("a", "red", 100, "all", 1, false);
    connect_host(0);
    check_owed("");
    owe_all();
    check_owed(" audit learned connections bundles");
    switch_disconnect(host(0)->sw, "for the test");
    check_owed("");
    check_audit_reason("its switch has disconnected");
    TURN_UNTIL(read_ended);
    assert_true(read_failed);

    switches[0].hold = false;
    connect_only(0);
    TURN_UNTIL(host(0)->sw->state == SWITCH_READING);
    reconcile_start(host(0)->sw);
    names = owed();             /* It may be told what to flush once more. */
    assert_int_equal(strncmp(names, " reconcile", 10), 0);
    free(names);
    switch_disconnect(host(0)->sw, "for the test");
    check_owed("");
    connect_host(0);
    check_host(0);
}

static void
who_is_not_live_any_more_is_not_audited(void **state OVS_UNUSED)
{
    uint64_t acked;

    edit_port("a", "red", 100, "all", 1, false);
    connect_host(0);
    owe_all();
    acked = switch_acked(host(0)->sw);
    switch_reset(host(0)->sw, SWITCH_WAITING, "for the test");
    check_audit_reason("for the test");
    /* The bundle is under way still, but says nothing of what it holds. */
    check_owed(" learned connections bundles");
    fake_switch_release(&switches[0]);
    TURN_UNTIL(!host(0)->sw->bundles.n_sent && read_ended);
    assert_int_equal(switch_acked(host(0)->sw), acked);
    reconcile_start_if_ready(host(0)->sw);
    until_acked(0);
    check_host(0);
}

/* Parts of the test's own.  ---------------------------------------------- */

static struct ds calls = DS_EMPTY_INITIALIZER;

/* A part's state: 'n' is counted by 'init', as it must be zero before. */
struct note_state {
    int n;
};

static void
note_init(struct fabric_switch *sw OVS_UNUSED, void *state_)
{
    struct note_state *state = state_;

    ds_put_format(&calls, " init=%d", ++state->n);
}

static void
note_destroy(struct fabric_switch *sw OVS_UNUSED, void *state_)
{
    const struct note_state *state = state_;

    ds_put_format(&calls, " destroy=%d", state->n);
}

static void
note_disconnected(struct fabric_switch *sw OVS_UNUSED, void *state OVS_UNUSED)
{
    ds_put_cstr(&calls, " disconnected");
}

static enum switch_message
first_message(struct fabric_switch *sw OVS_UNUSED, void *state OVS_UNUSED,
              enum ofptype type, const struct ofp_header *oh OVS_UNUSED)
{
    ds_put_cstr(&calls, " first");
    return (type == OFPTYPE_HELLO ? SWITCH_MESSAGE_TAKEN
            : SWITCH_MESSAGE_OTHER);
}

static enum switch_message
second_message(struct fabric_switch *sw OVS_UNUSED, void *state OVS_UNUSED,
               enum ofptype type, const struct ofp_header *oh OVS_UNUSED)
{
    ds_put_cstr(&calls, " second");
    return (type == OFPTYPE_BARRIER_REPLY ? SWITCH_MESSAGE_ANSWER
            : SWITCH_MESSAGE_OTHER);
}

static void
note_put_status(const struct fabric_switch *sw OVS_UNUSED,
                 const void *state OVS_UNUSED, struct arena *arena,
                struct status_host *status)
{
    status->bridge = arena_strdup(arena, "toy");
}

static const struct switch_part_class first_part = {
    .name = "first",
    .state_size = sizeof(struct note_state),
    .init = note_init,
    .disconnected = note_disconnected,
    .destroy = note_destroy,
    .message = first_message,
};
static const struct switch_part_class idle_part = { .name = "idle" };
static const struct switch_part_class second_part = {
    .name = "second",
    .message = second_message,
    .put_status = note_put_status,
};
static const struct switch_part_class *const parts_of_test[] = {
    &first_part, &idle_part, &second_part, NULL,
};

static void
check_calls(const char *expected)
{
    assert_string_equal(ds_cstr(&calls), expected);
    ds_clear(&calls);
}

static void
parts_are_called_by_the_table(void **state OVS_UNUSED)
{
    struct fabric f = *fabric;
    char name[] = "toy";
    struct fabric_host toy_host = { .fabric = &f, .name = name };
    struct fabric_switch *sw;
    struct status_host status = { .bridge = NULL };
    struct arena arena;

    f.switch_parts = parts_of_test;
    sw = toy_host.sw = switch_create(&toy_host);
    check_calls(" init=1");
    assert_ptr_equal(switch_part_state(sw, &second_part),
                     sw->part_states[2]);

    /* The first one that takes it. */
    sw->progress_ms = -1;
    switch_message(sw, OFPTYPE_HELLO, NULL);
    check_calls(" first");
    switch_message(sw, OFPTYPE_ECHO_REPLY, NULL);
    check_calls(" first second");
    assert_int_equal(sw->progress_ms, -1);
    switch_message(sw, OFPTYPE_BARRIER_REPLY, NULL);
    check_calls(" first second");
    assert_true(sw->progress_ms >= 0);

    arena_init(&arena);
    switch_put_status(sw, &arena, &status);
    assert_string_equal(status.bridge, "toy");
    arena_uninit(&arena);
    switch_destroy(sw, "the test ends");
    check_calls(" disconnected destroy=1");
    ds_destroy(&calls);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
        T(connection_that_goes_leaves_nothing_owed),
        T(who_is_not_live_any_more_is_not_audited),
        T(parts_are_called_by_the_table),
    };

    return run_all(argv, tests, ARRAY_SIZE(tests));
}
