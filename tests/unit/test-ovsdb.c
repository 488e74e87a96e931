/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions with a real ovsdb-server that are dialled. */

#include <config.h>

#include "tests/unit/ovsdb-fixture.h"

#include <string.h>

#include "tests/unit/loop-help.h"
#include "util.h"

static const struct ovsdb_interface *
find_interface(const struct ovsdb_fixture *f, const char *name)
{
    const struct ovsdb_snapshot *s = ovsdb_session_snapshot(f->session);

    for (size_t i = 0; s && i < s->n_interfaces; i++) {
        if (!strcmp(s->interfaces[i].name, name)) {
            return &s->interfaces[i];
        }
    }
    return NULL;
}

static void
snapshot_follows_the_database(void **state OVS_UNUSED)
{
    struct ovsdb_fixture *f = ovsdb_fixture_open();
    const struct ovsdb_interface *iface;

    assert_string_equal(ovsdb_session_snapshot(f->session)->system_id, "hv1");
    assert_int_equal(ovsdb_session_snapshot(f->session)->n_bridges, 0);

    free(ovs_sandbox_vsctl(
             &f->sb, "add-br br0 -- set Bridge br0 "
             "external_ids:vmn-owner=somebody -- add-port br0 vif1 -- "
             "set Interface vif1 external_ids:iface-id=vm1 ofport=7 "
             "link_state=up -- set Open_vSwitch . ovs_version=3.1.0 "
             "other_config:flow-restore-wait=true"));
    WAIT_FOR((iface = find_interface(f, "vif1")) != NULL);
    assert_string_equal(iface->bridge, "br0");
    assert_string_equal(iface->iface_id, "vm1");
    assert_string_equal(iface->type, "");
    assert_null(iface->error);
    assert_int_equal(iface->ofport, 7);
    assert_int_equal(iface->link, OVSDB_LINK_UP);
    assert_false(iface->is_tap);

    const struct ovsdb_snapshot *s = ovsdb_session_snapshot(f->session);

    assert_int_equal(s->n_bridges, 1);
    assert_string_equal(s->bridges[0].datapath_type, "system");
    assert_string_equal(s->bridges[0].owner, "somebody");
    assert_string_equal(s->ovs_version, "3.1.0");
    assert_true(s->flow_restore_wait);

    free(ovs_sandbox_vsctl(&f->sb, "set Interface vif1 ofport=-1 "
                           "link_state=down error=gone "
                           "status:driver_name=tun"));
    WAIT_FOR(find_interface(f, "vif1")->ofport == -1);
    assert_int_equal(find_interface(f, "vif1")->link, OVSDB_LINK_DOWN);
    assert_string_equal(find_interface(f, "vif1")->error, "gone");
    assert_true(find_interface(f, "vif1")->is_tap);

    free(ovs_sandbox_vsctl(&f->sb, "del-port vif1"));
    WAIT_FOR(!find_interface(f, "vif1"));
    ovsdb_fixture_close(f);
}

static size_t
budget_of(void *f_)
{
    const struct ovsdb_fixture *f = f_;

    return f->budget;
}

/* Rows that nothing refers to count as well, and columns that are not asked
 * for do not come. */
static void
session_is_dropped_when_rows_are_too_much(void **state OVS_UNUSED)
{
    struct ovsdb_fixture *f = ovsdb_fixture_open();
    char *large = xzalloc(40001);
    char *command;

    memset(large, 'x', 40000);
    f->budget = 1 << 20;
    ovsdb_session_set_budget(f->session, budget_of);
    command = xasprintf("add-br br0 -- set Bridge br0 external_ids:a=%s",
                        large);
    free(ovs_sandbox_vsctl(&f->sb, "%s", command));
    free(command);
    WAIT_FOR(ovsdb_session_snapshot(f->session)
             && ovsdb_session_snapshot(f->session)->n_bridges == 1);
    assert_int_equal(status_of(f->session).n_over_budget, 0);

    f->budget = 64 << 10;
    free(ovs_sandbox_vsctl(&f->sb, "set Bridge br0 external_ids:b=c"));
    WAIT_FOR(!IS_UP(f));
    assert_true(status_of(f->session).over_budget);
    assert_int_equal(status_of(f->session).n_over_budget, 1);
    assert_non_null(strstr(status_of(f->session).error, "exceeds"));

    /* With enough it comes back, when its time has come. */
    f->budget = 1 << 20;
    WAIT_FOR(IS_UP(f));
    assert_false(status_of(f->session).over_budget);
    free(large);
    ovsdb_fixture_close(f);
}

static void
session_comes_back_after_the_server(void **state OVS_UNUSED)
{
    struct ovsdb_fixture *f = ovsdb_fixture_open();

    for (int i = 0; i < 2; i++) {
        ovs_sandbox_stop_server(&f->sb);
        WAIT_FOR(!IS_UP(f));
        assert_null(ovsdb_session_snapshot(f->session));
        assert_non_null(status_of(f->session).error);
        ovs_sandbox_start_server(&f->sb);
        WAIT_FOR(IS_UP(f));
        assert_null(status_of(f->session).error);
    }
    ovsdb_fixture_close(f);
}

static void
session_waits_for_a_server_that_is_not_there_yet(void **state OVS_UNUSED)
{
    struct ovsdb_fixture *f = xzalloc(sizeof *f);

    ovs_sandbox_create(&f->sb, "hv1");
    ovs_sandbox_stop_server(&f->sb);
    f->session = open_session(f, "hv1", f->sb.remote);
    WAIT_FOR(status_of(f->session).error);
    ovs_sandbox_start_server(&f->sb);
    WAIT_FOR(IS_UP(f));
    ovsdb_fixture_close(f);
}

/* Whoever asks for that at each change, which a failure is. */
static void
session_that_is_to_retry_rests_between_failures(void **state OVS_UNUSED)
{
    struct ovsdb_fixture *f = xzalloc(sizeof *f);
    long long int until_ms;

    ovs_sandbox_create(&f->sb, "hv1");
    ovs_sandbox_stop_server(&f->sb);
    f->session = open_session(f, "hv1", f->sb.remote);
    WAIT_FOR(status_of(f->session).error);
    f->n_changes = 0;
    until_ms = time_msec() + 2500;
    while (time_msec() < until_ms) {
        ovsdb_session_retry(f->session);
        loop_turn(session_loop, 10);
    }
    /* Once a second. */
    assert_true(f->n_changes <= 3);
    ovs_sandbox_start_server(&f->sb);
    ovsdb_session_retry(f->session);
    WAIT_FOR(IS_UP(f));
    ovsdb_fixture_close(f);
}

/* Returns true if for a second it had next to nothing to do. */
static bool
rests(const struct ovsdb_fixture *f)
{
    long long int deadline = time_msec() + 1000;
    uint64_t n_turns = turns_of(session_loop);
    int n_changes = f->n_changes;

    while (time_msec() < deadline) {
        loop_turn(session_loop, 1000);
    }
    return (f->n_changes == n_changes
            && turns_of(session_loop) - n_turns <= 3);
}

/* What the server has to say in the beginning may be late. */
static void
idle_session_does_not_run(void **state OVS_UNUSED)
{
    struct ovsdb_fixture *f = ovsdb_fixture_open();

    WAIT_FOR(rests(f));
    ovsdb_fixture_close(f);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(snapshot_follows_the_database),
        cmocka_unit_test(session_is_dropped_when_rows_are_too_much),
        cmocka_unit_test(session_comes_back_after_the_server),
        cmocka_unit_test(session_waits_for_a_server_that_is_not_there_yet),
        cmocka_unit_test(session_that_is_to_retry_rests_between_failures),
        cmocka_unit_test(idle_session_does_not_run),
    };

    return session_run_all(argv, tests, ARRAY_SIZE(tests));
}
