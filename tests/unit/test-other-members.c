/* SPDX-License-Identifier: Apache-2.0
 *
 * Where hosts are told to connect to, by what is known of the members: which
 * hosts are told of managers, of which ones, when any may be taken away, and
 * what has changed. */

#include <config.h>

#include "controller/fabric/ovsdb/other-members.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "controller/fabric/fabric.h"
#include "controller/fabric/ovsdb/host-db.h"
#include "svec.h"
#include "util.h"
#include "vmn/types.h"

#define OWN_SWITCH "ssl:192.0.2.1:6653"
#define OWN "ssl:192.0.2.1:6640"
#define OTHER "ssl:192.0.2.2:6640"

static char inbound[] = "inbound", dialled[] = "ssl:192.0.2.9:6640";
static const struct vmn_host dials = { .ovsdb = inbound };
static const struct vmn_host is_dialled = { .ovsdb = dialled };

/* Tells 'db' of one other member, whose databases' target is 'manager', or ""
 * if it has none; returns what changes. */
static struct other_members_change
tell(struct fabric_db *db, const char *manager, bool all)
{
    struct svec controllers = SVEC_EMPTY_INITIALIZER;
    struct svec managers = SVEC_EMPTY_INITIALIZER;
    struct fabric_others others = {
        .controllers = &controllers, .managers = &managers,
        .all_managers = all, .cluster = 7,
    };
    struct other_members_change change;

    svec_add(&controllers, "ssl:192.0.2.2:6653");
    if (*manager) {
        svec_add(&managers, manager);
    }
    change = other_members_set(db, &others);
    svec_destroy(&controllers);
    svec_destroy(&managers);
    return change;
}

static struct fabric_db
begin(const char *own)
{
    struct fabric_options options = {
        .openflow_target = OWN_SWITCH, .ovsdb_target = own,
    };
    struct fabric_db db = { .fabric = NULL };

    other_members_init(&db, &options);
    return db;
}

/* Asserts what the host is told: targets as words, and whether any may be
 * taken away. */
static void
assert_told(const struct fabric_db *db, const struct vmn_host *host,
            const char *targets, bool remove)
{
    struct ovsdb_desired desired = { .owner = HOST_DB_OWNER };
    struct svec told = SVEC_EMPTY_INITIALIZER;
    char *joined;

    other_members_desired(db, host, &desired);
    for (size_t i = 0; i < desired.managers.n; i++) {
        svec_add(&told, desired.managers.targets[i]);
    }
    joined = svec_join(&told, " ", "");
    assert_string_equal(joined, targets);
    assert_int_equal(desired.managers.remove, remove);
    if (*targets) {
        assert_string_equal(desired.managers.cluster, "7");
    }
    free(joined);
    svec_destroy(&told);
}

static void
hosts_that_dial_are_told(void **state OVS_UNUSED)
{
    struct fabric_db db = begin("ssl:192.0.2.1");
    struct other_members_change change;

    /* Of no cluster: somebody else has told it. */
    assert_told(&db, &dials, "", false);
    change = tell(&db, OTHER, true);
    assert_true(change.controllers && change.managers);
    assert_told(&db, &dials, OWN " " OTHER, true);
    assert_told(&db, &is_dialled, "", false);

    change = tell(&db, OTHER, true);
    assert_false(change.controllers || change.managers);
    other_members_uninit(&db);
}

/* As a member of an older version, or one that does not say it. */
static void
one_that_is_not_known_keeps_all(void **state OVS_UNUSED)
{
    struct fabric_db db = begin(OWN);
    struct other_members_change change;

    tell(&db, OTHER, true);
    change = tell(&db, "", false);
    assert_true(!change.controllers && change.managers);
    assert_told(&db, &dials, OWN, false);
    other_members_uninit(&db);

    db = begin(NULL);
    tell(&db, OTHER, true);
    assert_told(&db, &dials, OTHER, false);
    tell(&db, "", false);               /* All have "none". */
    assert_told(&db, &dials, "", false);
    other_members_uninit(&db);
}

/* Behind one address, as by NAT. */
static void
one_place_of_two_members_is_told_once(void **state OVS_UNUSED)
{
    struct fabric_db db = begin("ssl:192.0.2.1");

    tell(&db, OWN, true);
    assert_told(&db, &dials, OWN, true);
    other_members_uninit(&db);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_that_dial_are_told),
        cmocka_unit_test(one_that_is_not_known_keeps_all),
        cmocka_unit_test(one_place_of_two_members_is_told_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
