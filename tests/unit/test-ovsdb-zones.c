/* SPDX-License-Identifier: Apache-2.0
 *
 * A datapath's default zone limit in a real ovsdb-server, whose schema has the
 * column of Open vSwitch 3.3 or has it not: what is written, what is removed,
 * and what stays since it is others'. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "proto/ovsdb/ovsdb.h"
#include "tests/unit/ovs-sandbox.h"
#include "tests/unit/turn-until.h"
#include "timeval.h"
#include "util.h"

#define NEWER_SCHEMA TEST_SRCDIR "/proto/ovsdb/newer-schema.sed"

static struct loop *loop;
static struct ovsdb_schemas *schemas;

static void
changed(void *aux OVS_UNUSED)
{
}

#define WAIT_FOR(EXPRESSION) TURN_LOOP_UNTIL(loop, EXPRESSION)

struct fixture {
    struct ovs_sandbox sb;
    struct ovsdb_session *session;
    struct ovsdb_desired desired;
};

static struct ovsdb_status
status_of(const struct fixture *f)
{
    struct ovsdb_status status;

    ovsdb_session_get_status(f->session, &status);
    return status;
}

static void
connect_again(struct fixture *f)
{
    ovsdb_session_destroy(f->session);
    f->session = ovsdb_session_create(loop, schemas, "hv1", f->sb.remote,
                                      changed, NULL);
}

/* Has the session see to it that 'limit' (0: none) is there. */
static void
set_limit(struct fixture *f, uint32_t limit)
{
    f->desired.zone_limit = limit;
    ovsdb_session_set_desired(f->session, &f->desired);
    WAIT_FOR(status_of(f).config == OVSDB_CONFIG_DONE);
}

/* A host that is set up, and has no limit yet. */
static struct fixture *
fixture_open(const char *script)
{
    struct fixture *f = xzalloc(sizeof *f);

    ovs_sandbox_create_with_schema(&f->sb, "hv1", script);
    f->desired = (struct ovsdb_desired) {
        .owner = "vmnd",
        .bridge = "br-int",
        .datapath_type = "system",
        .protocol = "OpenFlow15",
    };
    connect_again(f);
    set_limit(f, 0);
    return f;
}

static void
fixture_close(struct fixture *f)
{
    ovsdb_session_destroy(f->session);
    ovs_sandbox_destroy(&f->sb);
    free(f);
}

/* Runs ovsdb-client, which knows columns that ovs-vsctl does not, with up to
 * two arguments behind the server's name.  Returns what it prints; the caller
 * frees it. */
static char *
run_client(const struct fixture *f, const char *command, const char *a,
           const char *b)
{
    char client[] = "ovsdb-client", format[] = "--format=csv";
    char *argv[] = {
        client, format, CONST_CAST(char *, command), f->sb.remote,
        CONST_CAST(char *, a), CONST_CAST(char *, b), NULL,
    };
    char *output;

    assert_int_equal(ovs_sandbox_exec(&f->sb, argv, &output), 0);
    return output;
}

/* Everything that the database holds. */
static char *
dump(const struct fixture *f)
{
    return run_client(f, "dump", "Open_vSwitch", NULL);
}

static void
assert_dump(const struct fixture *f, const char *expected)
{
    char *now = dump(f);

    assert_string_equal(now, expected);
    free(now);
}

/* Asserts that the rows of datapaths have 'what' or not. */
static void
assert_datapaths(const struct fixture *f, const char *what, bool expected)
{
    char *rows = run_client(f, "dump", "Open_vSwitch", "Datapath");

    if ((strstr(rows, what) != NULL) != expected) {
        fail_msg("%s %s:\n%s", what, expected ? "missing" : "there", rows);
    }
    free(rows);
}

/* Sets the default limit of all datapaths as an operator would. */
static void
operator_sets(const struct fixture *f, const char *value)
{
    char *text = xasprintf(
        "[\"Open_vSwitch\",{\"op\":\"update\",\"table\":\"Datapath\","
        "\"where\":[],\"row\":{\"ct_zone_default_limit\":%s}}]", value);

    free(run_client(f, "transact", text, NULL));
    free(text);
    ovs_sandbox_settle(&f->sb);
}

static void
assert_reason(const struct fixture *f, const char *part)
{
    const char *reason = status_of(f).zone_limit_reason;

    if (!part) {
        assert_null(reason);
    } else if (!reason || !strstr(reason, part)) {
        fail_msg("\"%s\" is not in: %s", part, reason ? reason : "nothing");
    }
}

static void
limit_is_written_and_removed_exactly(void **state OVS_UNUSED)
{
    struct fixture *f = fixture_open(NEWER_SCHEMA);
    char *before = dump(f), *written;

    set_limit(f, 5000);
    assert_datapaths(f, ",5000,", true);
    assert_reason(f, NULL);
    /* Again, after a restart: nothing is written. */
    written = dump(f);
    connect_again(f);
    set_limit(f, 5000);
    assert_dump(f, written);
    /* Others' hands are undone, and a change is taken over. */
    operator_sets(f, "7");
    WAIT_FOR(status_of(f).config == OVSDB_CONFIG_WORKING);
    WAIT_FOR(status_of(f).config == OVSDB_CONFIG_DONE);
    assert_dump(f, written);
    set_limit(f, UINT32_MAX);
    assert_datapaths(f, ",4294967295,", true);
    /* The bridge moves to another datapath, and its limit with it. */
    f->desired.datapath_type = "netdev";
    free(ovs_sandbox_vsctl(&f->sb, "set Open_vSwitch . ovs_version=3.5.0"));
    set_limit(f, 5000);
    f->desired.datapath_type = "system";
    set_limit(f, 0);
    free(ovs_sandbox_vsctl(&f->sb, "clear Open_vSwitch . ovs_version"));
    assert_dump(f, before);
    free(written);
    free(before);
    fixture_close(f);
}

/* A host that is deleted, with its limit. */
static void
limit_is_removed_with_the_host(void **state OVS_UNUSED)
{
    struct fixture *f = fixture_open(NEWER_SCHEMA);
    char *before = dump(f);

    set_limit(f, 5000);
    f->desired.removed = true;
    set_limit(f, 0);
    assert_dump(f, before);
    free(before);
    fixture_close(f);
}

/* A host that was away while its limit was taken back. */
static void
limit_is_removed_when_the_host_is_back(void **state OVS_UNUSED)
{
    struct fixture *f = fixture_open(NEWER_SCHEMA);
    char *before = dump(f);

    set_limit(f, 5000);
    ovsdb_session_destroy(f->session);
    f->session = NULL;
    connect_again(f);
    set_limit(f, 0);
    assert_dump(f, before);
    free(before);
    fixture_close(f);
}

static void
zones_of_others_stay(void **state OVS_UNUSED)
{
    struct fixture *f = fixture_open(NEWER_SCHEMA);
    char *before, *id;

    free(ovs_sandbox_vsctl(
             &f->sb, "--id=@z create CT_Zone external_ids:of=others -- "
             "--id=@d create Datapath datapath_version=x ct_zones:7=@z "
             "external_ids:of=others -- set Open_vSwitch . "
             "datapaths:system=@d"));
    set_limit(f, 0);
    before = dump(f);
    set_limit(f, 5000);
    assert_datapaths(f, ",5000,", true);
    assert_datapaths(f, "vmn-owner", false);
    assert_reason(f, NULL);
    set_limit(f, 0);
    assert_dump(f, before);
    free(before);

    /* A zone that came to a row of ours keeps that, which is others' then. */
    free(ovs_sandbox_vsctl(&f->sb, "clear Open_vSwitch . datapaths"));
    set_limit(f, 5000);
    id = ovs_sandbox_vsctl(&f->sb, "--bare --columns=_uuid list Datapath");
    free(ovs_sandbox_vsctl(
             &f->sb, "--id=@z create CT_Zone external_ids:of=others -- "
             "set Datapath %s ct_zones:9=@z", id));
    free(id);
    set_limit(f, 0);
    assert_datapaths(f, "9=", true);
    assert_datapaths(f, "5000", false);
    assert_datapaths(f, "vmn", false);
    set_limit(f, 5000);
    assert_datapaths(f, ",5000,", true);
    fixture_close(f);
}

static void
default_limit_of_others_stays(void **state OVS_UNUSED)
{
    struct fixture *f = fixture_open(NEWER_SCHEMA);
    char *before;

    free(ovs_sandbox_vsctl(
             &f->sb, "--id=@d create Datapath datapath_version=x -- "
             "set Open_vSwitch . datapaths:system=@d"));
    operator_sets(f, "70");
    before = dump(f);
    set_limit(f, 5000);
    assert_dump(f, before);
    assert_reason(f, "not set by vmnd");
    set_limit(f, 0);
    assert_dump(f, before);
    assert_reason(f, NULL);
    /* Once it is gone, ours comes. */
    set_limit(f, 5000);
    operator_sets(f, "[\"set\",[]]");
    WAIT_FOR(!status_of(f).zone_limit_reason
             && status_of(f).config == OVSDB_CONFIG_DONE);
    assert_datapaths(f, ",5000,", true);
    free(before);
    fixture_close(f);
}

/* That of Open vSwitch before 3.5 would have all zones share one limit. */
static void
userspace_datapath_must_count_each_zone(void **state OVS_UNUSED)
{
    static const struct {
        const char *version;
        bool written;
    } cases[] = {
        { "3.3.0", false }, { "3.4.9", false }, { "3.5.0", true },
        { "3.10.1", true }, { "4.0.0", true }, { "odd", false },
    };
    struct fixture *f = fixture_open(NEWER_SCHEMA);

    f->desired.datapath_type = "netdev";
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        free(ovs_sandbox_vsctl(&f->sb, "set Open_vSwitch . ovs_version=%s",
                               cases[i].version));
        connect_again(f);
        set_limit(f, 5000);
        assert_datapaths(f, ",5000,", cases[i].written);
        assert_reason(f, cases[i].written ? NULL : "before 3.5");
    }
    fixture_close(f);
}

static void
host_without_zone_limits_says_so(void **state OVS_UNUSED)
{
    if (ovs_sandbox_schema_has("ct_zone_default_limit")) {
        skip();                 /* Open vSwitch 3.3 and later has them. */
    }

    struct fixture *f = fixture_open(NULL);
    char *before = dump(f);

    set_limit(f, 5000);
    assert_reason(f, "has no zone limits");
    assert_dump(f, before);
    set_limit(f, 0);
    assert_reason(f, NULL);
    free(before);
    fixture_close(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limit_is_written_and_removed_exactly),
        cmocka_unit_test(limit_is_removed_when_the_host_is_back),
        cmocka_unit_test(limit_is_removed_with_the_host),
        cmocka_unit_test(zones_of_others_stay),
        cmocka_unit_test(default_limit_of_others_stays),
        cmocka_unit_test(userspace_datapath_must_count_each_zone),
        cmocka_unit_test(host_without_zone_limits_says_so),
    };
    int n_failed;

    set_program_name("test-ovsdb-zones");
    if (!getenv("TEST_VERBOSE")) {
        vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    }
    loop = loop_create();
    schemas = ovsdb_schemas_create();
    n_failed = cmocka_run_group_tests(tests, NULL, NULL);
    ovsdb_schemas_destroy(schemas);
    loop_destroy(loop);
    return n_failed;
}
