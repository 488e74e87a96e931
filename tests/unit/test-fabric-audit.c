/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of the fabric's audits. */

#include <config.h>

#include "tests/unit/fabric-hosts.h"

#include <string.h>

#include "controller/fabric/fabric-audit.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric-status.h"
#include "controller/fabric/session/marker.h"
#include "controller/schema/schema-struct.h"
#include "util.h"

static json_t *audit_result;    /* Of the last audit, or NULL. */
static bool by_request;         /* The last audit was of a request. */
static int n_audits;

static void
audit_cb(void *aux OVS_UNUSED, const struct fabric_audit_result *result,
         const char *reason)
{
    assert_true(!result == !!reason);
    json_decref(audit_result);
    /* Of a request, differences are objects; else sentences. */
    audit_result = (!result ? NULL
                    : schema_struct_to_json(by_request ? &fabric_audit_shown
                                            : &schema_status_audit,
                                            by_request ? (const void *) result
                                            : &result->found));
    n_audits++;
}

static void
audit_begin(int i)
{
    const char *reason = fabric_audit(fabric, host(i)->name, NULL,
                                      audit_cb, NULL);

    if (reason) {
        fail_msg("%s", reason);
    }
    n_audits = 0;
}

static void
audit_end(int n_missing, int n_altered, int n_unknown)
{
    TURN_UNTIL(n_audits);
    assert_non_null(audit_result);
    assert_int_equal(n_missing, json_integer_value(
                         json_object_get(audit_result, "missing")));
    assert_int_equal(n_altered, json_integer_value(
                         json_object_get(audit_result, "altered")));
    assert_int_equal(n_unknown, json_integer_value(
                         json_object_get(audit_result, "unknown")));
}

static json_int_t
audit_figure(const char *name)
{
    return json_integer_value(json_object_get(audit_result, name));
}

static bool
audit_says(const char *word1, const char *word2)
{
    json_t *line;
    size_t i;

    json_array_foreach (json_object_get(audit_result, "differences"), i,
                        line) {
        if (strstr(json_string_value(line), word1)
            && strstr(json_string_value(line), word2)) {
            return true;
        }
    }
    return false;
}

/* Audits host i, and waits for the result. */
static const struct fabric_audit_request everything = { .limit = 100 };

static void
run_audit(int i, const struct fabric_audit_request *request)
{
    n_audits = 0;
    by_request = true;
    assert_null(fabric_audit(fabric, host(i)->name, request, audit_cb, NULL));
    TURN_UNTIL(n_audits);
    by_request = false;
    assert_non_null(audit_result);
}

/* The text at 'name', perhaps "OUTER.INNER", of a difference. */
static const char *
difference_text(size_t i, const char *name)
{
    json_t *json = json_array_get(json_object_get(audit_result,
                                                  "differences"), i);
    const char *dot = strchr(name, '.');

    if (dot) {
        char *outer = xmemdup0(name, dot - name);

        json = json_object_get(json, outer);
        free(outer);
    }
    return json_string_value(json_object_get(json, dot ? dot + 1 : name));
}

static void
assert_difference(size_t i, const char *name, const char *value)
{
    const char *text = difference_text(i, name);

    if (!text != !value || (text && strcmp(text, value))) {
        fail_msg("%s: %s, not %s", name, text ? text : "null",
                 value ? value : "null");
    }
}

static int
teardown_audit(void **state)
{
    json_decref(audit_result);
    audit_result = NULL;
    return teardown(state);
}

static void
audit_finds_names_and_mends(void **state OVS_UNUSED)
{
    struct fabric_stats stats;
    json_t *status;
    unsigned n_mods;

    edit_port("a", "red", 100, "all", 1, false);
    edit_port("b", "red", 200, "all", 1, true);
    edit_port("c", "red", 300, "all", 1, false);
    connect_host(0);
    audit_begin(0);
    audit_end(0, 0, 0);
    n_mods = switches[0].n_mods;
    assert_int_equal(switches[0].n_dumps, 2);

    fake_switch_remove(&switches[0], 100);
    fake_switch_add_flow(&switches[0], "priority=300,reg0=7,actions=drop");
    fake_switch_add_flow(&switches[0], "table=5,priority=9,actions=drop");
    audit_begin(0);
    assert_non_null(fabric_audit(fabric, "h0", NULL, audit_cb, NULL));
    assert_non_null(fabric_audit(fabric, "h1", NULL, audit_cb, NULL));
    assert_non_null(fabric_audit(fabric, "h9", NULL, audit_cb, NULL));
    audit_end(1, 1, 1);
    assert_true(audit_says("missing: flow", "toy.port/a"));
    assert_true(audit_says("altered: flow", "toy.port/c"));
    assert_true(audit_says("unknown: flow table=5,priority=9",
                           "unknown owner"));
    TURN_UNTIL(is_synced(0));
    check_host(0);
    assert_int_equal(switches[0].n_mods, n_mods + 3);
    fabric_get_stats(fabric, &stats);
    assert_int_equal(stats.n_audits, 2);
    assert_int_equal(stats.n_audit_missing, 1);
    assert_int_equal(stats.n_audit_altered, 1);
    assert_int_equal(stats.n_audit_unknown, 1);
    status = fixture_host_status("h0");
    assert_int_equal(json_integer_value(json_object_get(
                         json_object_get(status, "audit"), "missing")), 1);
    json_decref(status);

    /* The marker is looked at as well. */
    fake_switch_remove(&switches[0], MARKER_PRIORITY);
    audit_begin(0);
    audit_end(0, 1, 0);
    TURN_UNTIL(is_synced(0));
    check_host(0);
}

/* Checks that an audit that mends does so, and counts: its switch has had
 * 'n_mods' so far. */
static void
assert_audit_mends(unsigned n_mods)
{
    const struct status_audit *found;

    run_audit(0, &(struct fabric_audit_request) { .repair = true,
                                                  .limit = 1 });
    assert_int_equal(audit_figure("matching"), 2);
    assert_int_equal(json_array_size(json_object_get(audit_result,
                                                     "differences")), 1);
    TURN_UNTIL(is_synced(0));
    check_host(0);
    assert_true(switches[0].n_mods > n_mods);
    assert_true(audit_last(host(0)->sw)->time > 0);
    found = fabric_audited(fabric);
    assert_int_equal(found->n_owners, 2);
    for (size_t i = 0; i < found->n_owners; i++) {
        const struct status_audit_owner *owner = &found->owners[i];
        bool is_toy = !strcmp(owner->name, "toy");

        assert_true(is_toy || !strcmp(owner->name, "unknown"));
        assert_int_equal(owner->altered, is_toy);
        assert_int_equal(owner->unknown, !is_toy);
    }
}

static void
a_look_shows_what_differs_and_leaves_it(void **state OVS_UNUSED)
{
    struct fabric_stats stats;
    unsigned n_mods;

    edit_port("a", "red", 100, "all", 1, false);
    edit_port("b", "red", 200, "all", 1, true);
    edit_port("c", "red", 300, "all", 1, false);
    connect_host(0);
    n_mods = switches[0].n_mods;
    run_audit(0, &everything);
    assert_int_equal(audit_figure("matching"), 0);
    assert_int_equal(audit_figure("groups"), 1);

    fake_switch_remove(&switches[0], 100);
    run_audit(0, &everything);
    assert_int_equal(audit_figure("missing"), 1);
    assert_int_equal(audit_figure("matching"), 1);
    assert_difference(0, "kind", "missing");
    assert_difference(0, "owner", "toy.port/a");
    assert_difference(0, "scope", "all");
    assert_non_null(strstr(difference_text(0, "match"), "reg0=0x7"));
    assert_non_null(difference_text(0, "desired.actions"));
    assert_non_null(difference_text(0, "desired.cookie"));
    assert_difference(0, "installed.actions", NULL);

    fake_switch_add_flow(&switches[0], "priority=100,reg0=7,cookie=0x5,"
                         "actions=drop");
    run_audit(0, &everything);
    assert_int_equal(audit_figure("altered"), 1);
    assert_difference(0, "kind", "altered");
    assert_difference(0, "owner", "toy.port/a");
    assert_difference(0, "installed.actions", "drop");
    assert_difference(0, "installed.cookie", "0x0000000000000005");

    fake_switch_add_flow(&switches[0], "table=5,priority=9,actions=drop");
    run_audit(0, &everything);
    assert_int_equal(audit_figure("unknown"), 1);
    assert_int_equal(audit_figure("matching"), 2);

    /* By now an audit would have counted, told and mended. */
    for (int i = 0; i < 20; i++) {
        turn();
    }
    fabric_get_stats(fabric, &stats);
    assert_int_equal(stats.n_audits, 0);
    assert_int_equal(switches[0].n_mods, n_mods);
    assert_int_equal(audit_last(host(0)->sw)->time, 0);

    assert_audit_mends(n_mods);
}

static void
a_look_shows_groups(void **state OVS_UNUSED)
{
    edit_port("b", "red", 200, "all", 1, true);
    connect_host(0);
    assert_int_equal(ovs_list_size(&switches[0].groups), 1);

    struct fake_group *group = CONTAINER_OF(
        ovs_list_pop_front(&switches[0].groups), struct fake_group, node);

    run_audit(0, &everything);
    assert_int_equal(audit_figure("missing"), 1);
    assert_difference(0, "owner", "toy.port/b");
    assert_non_null(strstr(difference_text(0, "desired.group"), "type="));

    /* The same under a number that nobody wants. */
    ovs_list_push_back(&switches[0].groups, &group->node);
    edit(VMN_TABLE_PORT, "b", NULL);
    until_acked(0);
    ovs_assert(ovs_list_is_empty(&switches[0].groups));
}

static void
a_look_is_filtered_and_limited(void **state OVS_UNUSED)
{
    struct fabric_audit_request request = everything;

    edit_port("a", "red", 100, "all", 1, false);
    edit_port("c", "red", 300, "all", 1, false);
    connect_host(0);
    fake_switch_remove(&switches[0], 100);
    fake_switch_remove(&switches[0], 300);
    fake_switch_add_flow(&switches[0], "table=5,priority=9,actions=drop");

    request.filter.app = "toy";
    run_audit(0, &request);
    assert_int_equal(audit_figure("matching"), 2);
    request.filter.app = "to";
    run_audit(0, &request);
    assert_int_equal(audit_figure("matching"), 0);
    request.filter.app = NULL;
    request.filter.object = "c";
    run_audit(0, &request);
    assert_int_equal(audit_figure("matching"), 1);
    assert_difference(0, "owner", "toy.port/c");
    request.filter.object = NULL;
    request.filter.by_table = true;
    request.filter.first_table = request.filter.last_table = 5;
    run_audit(0, &request);
    assert_int_equal(audit_figure("matching"), 1);
    assert_difference(0, "kind", "unknown");
    assert_difference(0, "owner", NULL);
    request = everything;
    request.limit = 2;
    run_audit(0, &request);
    assert_int_equal(audit_figure("matching"), 3);
    assert_int_equal(json_array_size(json_object_get(audit_result,
                                                     "differences")), 2);
    /* All are counted, whatever is shown. */
    assert_int_equal(audit_figure("missing"), 2);
    assert_int_equal(audit_figure("unknown"), 1);
}

static void
who_asked_may_leave(void **state OVS_UNUSED)
{
    int mine;

    connect_host(0);
    n_audits = 0;
    assert_null(fabric_audit(fabric, "h0", &everything, audit_cb, &mine));
    fabric_audit_forget(fabric, audit_cb, &mine);
    TURN_UNTIL(!audit_is_running(host(0)->sw));
    assert_int_equal(n_audits, 0);
    run_audit(0, &everything);
}

static void
changes_during_an_audit_are_no_findings(void **state OVS_UNUSED)
{
    unsigned n_dumps;

    edit_port("a", "red", 100, "all", 1, false);
    edit_port("b", "red", 200, "all", 1, true);
    edit_port("c", "red", 300, "all", 1, true);
    edit_port("d", "red", 400, "all", 1, false);
    connect_host(0);
    n_dumps = switches[0].n_dumps;
    fake_switch_remove(&switches[0], 400);
    /* The dump is older than the changes, two of which are even put off. */
    switches[0].deaf = true;
    audit_begin(0);
    edit_port("a", "red", 100, "all", 2, false);
    edit(VMN_TABLE_PORT, "b", NULL);
    edit_port("c", "red", 300, "all", 2, true);
    edit_port("e", "red", 500, "all", 1, true);
    assert_true(openflow_figure(0, "backlog") > 0);
    switches[0].deaf = false;
    audit_end(1, 0, 0);
    assert_true(audit_says("missing", "toy.port/d"));
    /* The flows of a, b, c and e, and the groups of c and e. */
    assert_int_equal(audit_figure("skipped"), 6);
    TURN_UNTIL(is_synced(0));
    until_acked(0);
    check_host(0);
    assert_int_equal(switches[0].n_dumps, n_dumps + 2);
}

static void
audit_ends_with_the_connection(void **state OVS_UNUSED)
{
    connect_host(0);
    audit_begin(0);
    fake_switch_disconnect(&switches[0]);
    TURN_UNTIL(n_audits);
    assert_null(audit_result);
    connect_host(0);
    audit_begin(0);
    fixture_edit(VMN_TABLE_HOST, "h0", NULL, turn);
    TURN_UNTIL(n_audits);
}

static void
refused_flow_is_not_missing(void **state OVS_UNUSED)
{
    connect_host(0);
    switches[0].refuse_priority = 200;
    edit_port("b", "red", 200, "all", 1, false);
    TURN_UNTIL(is_diverged(0));
    audit_begin(0);
    audit_end(0, 0, 0);
    assert_int_equal(audit_figure("rejected"), 1);
    run_audit(0, &everything);
    assert_difference(0, "kind", "rejected");
    assert_difference(0, "owner", "toy.port/b");
    assert_true(is_diverged(0));
}

static void
every_host_has_its_turn(void **state OVS_UNUSED)
{
    struct fabric_stats stats;

    edit_port("a", "red", 100, "all", 1, false);
    for (int i = 0; i < N_HOSTS; i++) {
        connect_host(i);
        fake_switch_remove(&switches[i], 100);
    }
    for (int i = 0; i < N_HOSTS; i++) {
        TURN_UNTIL(fake_switch_find(&switches[i], 100));
    }
    fabric_get_stats(fabric, &stats);
    assert_int_equal(stats.n_audit_missing, N_HOSTS);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME, SETUP) \
        cmocka_unit_test_setup_teardown(NAME, SETUP, teardown_audit)
        T(audit_finds_names_and_mends, setup),
        T(a_look_shows_what_differs_and_leaves_it, setup),
        T(a_look_shows_groups, setup),
        T(a_look_is_filtered_and_limited, setup),
        T(who_asked_may_leave, setup),
        T(changes_during_an_audit_are_no_findings, setup_narrow),
        T(audit_ends_with_the_connection, setup),
        T(refused_flow_is_not_missing, setup),
        T(every_host_has_its_turn, setup_audits),
    };

    return run_all(argv, tests, ARRAY_SIZE(tests));
}
