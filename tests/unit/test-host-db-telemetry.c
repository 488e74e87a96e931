/* SPDX-License-Identifier: Apache-2.0
 *
 * The fabric's OVSDB side with real ovsdb-servers: telemetry that is set up on
 * hosts. */

#include <config.h>

#include "tests/unit/fabric-fixture.h"

#include <stdlib.h>

#include "controller/fabric/fabric-status.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "openvswitch/vlog.h"
#include "tests/unit/host-db-fixture.h"
#include "tests/unit/ovs-sandbox.h"
#include "util.h"

/* Telemetry.  ------------------------------------------------------------ */

/* Asserts that the status of telemetry 'name' comes to say this of "hv1";
 * NULL: nothing. */
static bool
telemetry_is(const char *name, const char *sflow, const char *ipfix,
             const char *reason)
{
    const struct vmn_telemetry *row = model_get_durable(
        toy.model, VMN_TABLE_TELEMETRY, name, NULL);
    json_t *status = fixture_telemetry_status(row);
    const json_t *host = json_array_get(json_object_get(status, "hosts"), 0);
    const char *why = json_string_value(json_object_get(host, "reason"));
    bool equal;

    assert_int_equal(json_integer_value(json_object_get(status, "n_hosts")),
                     1);
    equal = (nullable_string_is_equal(
                 json_string_value(json_object_get(host, "sflow")), sflow)
             && nullable_string_is_equal(
                 json_string_value(json_object_get(host, "ipfix")), ipfix)
             && (reason ? why && strstr(why, reason) : !why));
    equal &= (json_integer_value(json_object_get(status, "n_active"))
              == !reason);
    json_decref(status);
    return equal;
}

static json_t *
sflow_spec(const char *target_, int sampling)
{
    return json_pack("{s:{s:[s], s:i}}", "sflow", "targets", target_,
                     "sampling", sampling);
}

/* The number of rows in 'table'. */
static int
n_rows(const char *table)
{
    char *output = ovs_sandbox_vsctl(&sandboxes[0], "--bare --columns=_uuid "
                                     "find %s", table);
    int n = output[0] != '\0';

    for (const char *p = output; *p; p++) {
        n += p[0] == '\n' && p[1] != '\n' && p[1];
    }
    free(output);
    return n;
}

static void
telemetry_is_set_up_and_removed(void **state OVS_UNUSED)
{
    put_host(0, "br-int", false);
    change(VMN_TABLE_TELEMETRY, "t", json_pack(
          "{s:{s:[s,s], s:i, s:i, s:i, s:s}, s:{s:[s], s:i, s:i, s:i, s:i,"
          " s:i}}",
          "sflow", "targets", "192.0.2.9:6343", "[2001:db8::9]:6343",
          "sampling", 10, "polling", 20, "header", 64, "agent", "eth0",
          "ipfix", "targets", "192.0.2.9:4739", "sampling", 5,
          "obs_domain_id", 7, "obs_point_id", 8, "cache_active_timeout", 60,
          "cache_max_flows", 100));
    UNTIL(telemetry_is("t", "active", "active", NULL));
    char *row = ovs_sandbox_vsctl(&sandboxes[0], "get Bridge br-int sflow");
    char *get = xasprintf("sFlow %s agent sampling polling header "
                          "external_ids:vmn-owner", row);
    assert_got(get, "eth0\n10\n20\n64\nvmnd");
    free(get);
    get = xasprintf("sFlow %s targets", row);
    assert_got(get, "[\"192.0.2.9:6343\", \"[2001:db8::9]:6343\"]");
    free(get);

    /* What becomes another is changed, in the same row. */
    change(VMN_TABLE_TELEMETRY, "t", sflow_spec("192.0.2.8:6343", 11));
    UNTIL(n_rows("IPFIX") == 0);
    get = xasprintf("sFlow %s agent sampling polling header targets", row);
    UNTIL(({
        char *output = ovs_sandbox_vsctl(&sandboxes[0], "get %s", get);
        bool done = !strcmp(output, "[]\n11\n[]\n[]\n[\"192.0.2.8:6343\"]");
        free(output);
        done;
    }));
    UNTIL(telemetry_is("t", "active", NULL, NULL));
    free(get);
    free(row);

    change(VMN_TABLE_TELEMETRY, "t", NULL);
    UNTIL(n_rows("sFlow") == 0);
}

static void
telemetry_of_others_stays(void **state OVS_UNUSED)
{
    put_host(0, "br-int", false);
    UNTIL(has_interface(0, "br-int"));
    VSCTL(0, "--id=@s create sFlow targets=\"192.0.2.1:1\" "
          "-- set Bridge br-int sflow=@s");
    change(VMN_TABLE_TELEMETRY, "t", json_pack(
          "{s:{s:[s]}, s:{s:[s]}}", "sflow", "targets", "192.0.2.9:6343",
          "ipfix", "targets", "192.0.2.9:4739"));
    UNTIL(telemetry_is("t", "blocked", "active", "has sFlow already"));
    assert_int_equal(n_rows("sFlow"), 1);
    change(VMN_TABLE_TELEMETRY, "t", NULL);
    UNTIL(n_rows("IPFIX") == 0);
    host_db_settle();
    assert_int_equal(n_rows("sFlow"), 1);

    /* When it goes, ours has its place. */
    change(VMN_TABLE_TELEMETRY, "t", sflow_spec("192.0.2.9:6343", 1));
    UNTIL(telemetry_is("t", "blocked", NULL, "has sFlow already"));
    VSCTL(0, "clear Bridge br-int sflow");
    UNTIL(telemetry_is("t", "active", NULL, NULL));
}

static void
of_telemetries_the_first_by_name_counts(void **state OVS_UNUSED)
{
    put_host(0, "br-int", false);
    change(VMN_TABLE_TELEMETRY, "b", sflow_spec("192.0.2.2:1", 2));
    UNTIL(telemetry_is("b", "active", NULL, NULL));
    change(VMN_TABLE_TELEMETRY, "a", sflow_spec("192.0.2.1:1", 1));
    UNTIL(telemetry_is("a", "active", NULL, NULL));
    assert_true(telemetry_is("b", "blocked", NULL, "telemetry \"a\" sets up"
                             " sFlow there"));
    assert_int_equal(n_rows("sFlow"), 1);
    change(VMN_TABLE_TELEMETRY, "a", NULL);
    UNTIL(telemetry_is("b", "active", NULL, NULL));

    /* Hosts are named by their labels, which may change. */
    change(VMN_TABLE_TELEMETRY, "a", json_pack(
          "{s:s, s:{s:[s]}}", "selector", "rack=x", "sflow", "targets",
          "192.0.2.1:1"));
    host_db_settle();
    assert_true(telemetry_is("b", "active", NULL, NULL));
    change(VMN_TABLE_HOST, "hv1", json_pack(
          "{s:s, s:s, s:s, s:{s:s}}", "ovsdb", sandboxes[0].remote,
          "tunnel_ip", "192.0.2.1", "datapath", "netdev", "labels", "rack",
          "x"));
    UNTIL(telemetry_is("a", "active", NULL, NULL));
    assert_true(telemetry_is("b", "blocked", NULL, "\"a\""));
}

/* So many as are asked for; all are counted. */
static void
hosts_of_a_telemetry_are_listed_up_to_a_bound(void **state OVS_UNUSED)
{
    const struct vmn_telemetry *row;

    put_host(0, "br-int", false);
    put_host(1, "br-int", false);
    change(VMN_TABLE_TELEMETRY, "t", sflow_spec("192.0.2.9:6343", 1));
    row = model_get_durable(toy.model, VMN_TABLE_TELEMETRY, "t", NULL);
    for (size_t max = 0; max < 4; max++) {
        struct status_telemetry status;
        struct arena arena;

        arena_init(&arena);
        fabric_telemetry_status(fabric, row, max, &arena, &status);
        assert_int_equal(status.n_hosts, 2);
        assert_int_equal(status.n_listed, MIN(max, 2));
        arena_uninit(&arena);
    }
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) \
    cmocka_unit_test_setup_teardown(NAME, host_db_setup, host_db_teardown)
        T(telemetry_is_set_up_and_removed),
        T(telemetry_of_others_stays),
        T(of_telemetries_the_first_by_name_counts),
        T(hosts_of_a_telemetry_are_listed_up_to_a_bound),
    };

    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION,
                    getenv("VERBOSE") ? VLL_INFO : VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
