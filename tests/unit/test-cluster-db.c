/* SPDX-License-Identifier: Apache-2.0
 *
 * Members' use of a cluster's database with a real ovsdb-server: of one whose
 * schema is that of another version, and what it says of members that are
 * removed.  Not for what members do with each other
 * (tests/system/test_cluster*.py). */

#include <config.h>

#include "controller/cluster/cluster-db.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "controller/cluster/cluster-ops.h"
#include "controller/cluster/lease.h"
#include "openvswitch/vlog.h"
#include "tests/unit/ovs-sandbox.h"
#include "tests/unit/turn-until.h"
#include "util.h"

#define SCHEMA TEST_SRCDIR "/controller/cluster/cluster.ovsschema"

static struct loop *loop;       /* Of all cases. */

struct fixture {
    struct ovs_sandbox sb;
    struct cluster_db *db;
    int n_lost;
    bool done;                  /* The last transaction, */
    char *fault;                /* with this outcome. */
};

static void
changed(void *f OVS_UNUSED)
{
}

static void
lost(void *f_)
{
    struct fixture *f = f_;

    f->n_lost++;
}

static void
on_done(void *f_, const char *fault)
{
    struct fixture *f = f_;

    f->done = true;
    free(f->fault);
    f->fault = nullable_xstrdup(fault);
}

/* Schemas.  --------------------------------------------------------------- */

/* Returns the schema of this version; the caller owns it. */
static json_t *
load_schema(void)
{
    json_t *schema = json_load_file(SCHEMA, 0, NULL);

    assert_non_null(schema);
    return schema;
}

static json_t *
columns_of(const json_t *schema, const char *table)
{
    json_t *tables = json_object_get(schema, "tables");

    return json_object_get(json_object_get(tables, table), "columns");
}

/* Takes "TABLE.COLUMN" out of it. */
static void
drop(json_t *schema, const char *name)
{
    char *table = xmemdup0(name, strcspn(name, "."));

    assert_int_equal(json_object_del(columns_of(schema, table),
                                     strchr(name, '.') + 1), 0);
    free(table);
}

/* Each table has another column, and there is another table. */
static json_t *
newer_schema(void)
{
    json_t *schema = load_schema();
    json_t *tables = json_object_get(schema, "tables");
    const char *name;
    json_t *table;

    json_object_foreach (tables, name, table) {
        json_object_set_new(json_object_get(table, "columns"), "later",
                            json_pack("{s:s}", "type", "integer"));
    }
    json_object_set_new(tables, "Later", json_pack(
        "{s:{s:{s:s}}, s:b}", "columns", "name", "type", "string", "isRoot",
        1));
    return schema;
}

/* Converts the database; takes over 'schema'. */
static void
convert(struct fixture *f, json_t *schema)
{
    char *text = json_dumps(schema, 0);

    ovs_sandbox_convert(&f->sb, text);
    free(text);
    json_decref(schema);
}

/* The fixture.  ----------------------------------------------------------- */

static const struct cluster_db_callbacks callbacks = { changed, lost };

/* Makes a database of 'schema', which this takes over, and a client of it. */
static struct fixture *
open_fixture(json_t *schema)
{
    struct fixture *f = xzalloc(sizeof *f);
    char *text = json_dumps(schema, 0);

    ovs_sandbox_create_clustered(&f->sb, text);
    free(text);
    json_decref(schema);
    f->db = cluster_db_create(loop, f->sb.remote, &callbacks, f);
    return f;
}

static void
close_fixture(struct fixture *f)
{
    cluster_db_destroy(f->db);
    ovs_sandbox_destroy(&f->sb);
    free(f->fault);
    free(f);
}

#define WAIT_FOR(EXPRESSION) TURN_LOOP_UNTIL(loop, EXPRESSION)

static const struct cluster_view *
view_of(const struct fixture *f)
{
    return cluster_db_view(f->db);
}

/* Waits until it has the database. */
static void
wait_current(struct fixture *f)
{
    WAIT_FOR(view_of(f)->current);
    assert_null(view_of(f)->fault);
}

/* Sends the transaction that OPS makes, as soon as there is a connection,
 * which a conversion interrupts, and asserts that it is committed. */
#define TRANSACT(F, OPS)                                                \
    do {                                                                \
        (F)->done = false;                                              \
        WAIT_FOR(cluster_db_transact((F)->db, OPS, on_done, F));        \
        WAIT_FOR((F)->done);                                            \
        assert_string_equal((F)->fault ? (F)->fault : "", "");          \
    } while (0)

static const struct cluster_ops_member member_a = {
    .name = "a", .version = "2.0", .address = "ssl:192.0.2.1:8443",
    .listen = "ssl:192.0.2.1:6644", .openflow = "ssl:192.0.2.1:6653",
    .ovsdb = "ssl:192.0.2.1:6640",
    .run = 5, .applied = 1, .hosts = 7, .disk = 41,
};

static const struct cluster_member *
find_member(const struct fixture *f)
{
    return shash_find_data(&view_of(f)->members, "a");
}

/* Does what a member does as a writer, and sees it. */
static void
use(struct fixture *f)
{
    const struct cluster_ops_writer w = { .epoch = 4, .beat = 1 };
    const struct cluster_batch *batch;
    const struct cluster_member *member;

    TRANSACT(f, cluster_ops_create(9, 4, 3));
    TRANSACT(f, cluster_ops_register(&member_a, false));
    TRANSACT(f, cluster_ops_register(&member_a, true));
    TRANSACT(f, cluster_ops_report(&member_a, 8));
    TRANSACT(f, cluster_ops_append(&w, 1, 6, 10, "text", 0));
    WAIT_FOR(view_of(f)->head == 1 && find_member(f)->beat == 8);

    batch = cluster_view_find_batch(view_of(f), 1);
    assert_string_equal(batch->text, "text");
    assert_int_equal(batch->serial, 6);
    member = find_member(f);
    assert_string_equal(member->version, "2.0");
    assert_string_equal(member->address, "ssl:192.0.2.1:8443");
    assert_int_equal(member->applied, 1);
    assert_string_equal(member->listen, "ssl:192.0.2.1:6644");
    assert_string_equal(member->openflow, "ssl:192.0.2.1:6653");
    assert_string_equal(member->ovsdb, "ssl:192.0.2.1:6640");
    assert_int_equal(member->hosts, 7);
    assert_int_equal(member->disk, 41);
}

/* Tests.  ----------------------------------------------------------------- */

static void
newer_schema_is_used(void **state OVS_UNUSED)
{
    struct fixture *f = open_fixture(newer_schema());

    wait_current(f);
    use(f);
    close_fixture(f);
}

/* Also while it is used. */
static void
essential_columns_are_named(void **state OVS_UNUSED)
{
    static const char *const names[] = {
        "Cluster.format", "Batch.serial", "Member.applied",
    };
    struct fixture *f = open_fixture(load_schema());

    wait_current(f);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        json_t *schema = load_schema();
        char *expected = xasprintf(
            "the cluster's database has no column %s, which this vmnd needs: "
            "its schema is of another version", names[i]);

        drop(schema, names[i]);
        convert(f, schema);
        WAIT_FOR(view_of(f)->fault);
        assert_string_equal(view_of(f)->fault, expected);
        assert_false(view_of(f)->current);
        assert_int_equal(f->n_lost, i + 1);
        assert_false(cluster_db_transact(f->db, cluster_ops_remove("a"),
                                         on_done, f));
        free(expected);

        convert(f, load_schema());
        wait_current(f);
    }
    close_fixture(f);
}

static void
essential_tables_are_named(void **state OVS_UNUSED)
{
    json_t *schema = load_schema();
    struct fixture *f;

    json_object_del(json_object_get(schema, "tables"), "Batch");
    f = open_fixture(schema);
    WAIT_FOR(view_of(f)->fault);
    assert_non_null(strstr(view_of(f)->fault, "has no table Batch, which"));
    convert(f, load_schema());
    wait_current(f);
    assert_int_equal(f->n_lost, 0);
    close_fixture(f);
}

/* Members.  --------------------------------------------------------------- */

/* Takes the lease for 'name', in place of that of 'epoch'. */
static void
take_lease(struct fixture *f, char *name, int64_t epoch)
{
    const struct lease lease = {
        .name = name, .run = 5, .row = { .epoch = epoch },
    };

    TRANSACT(f, cluster_ops_take(&lease, 0, 3));
}

/* Sends that "a" is removed, and asserts that it is not. */
static void
assert_not_removed(struct fixture *f)
{
    f->done = false;
    assert_true(cluster_db_transact(f->db, cluster_ops_remove("a"), on_done,
                                    f));
    WAIT_FOR(f->done);
    assert_string_equal(f->fault ? f->fault : "", CLUSTER_OPS_WAIT_FAILED);
}

/* Whatever who has it removed has seen of the lease. */
static void
who_may_be_the_writer_is_not_removed(void **state OVS_UNUSED)
{
    struct fixture *f = open_fixture(load_schema());
    struct cluster_ops_writer w = { .epoch = 4, .beat = 0 };

    wait_current(f);
    TRANSACT(f, cluster_ops_create(9, 4, 3));
    TRANSACT(f, cluster_ops_register(&member_a, false));
    WAIT_FOR(find_member(f));
    assert_not_removed(f);
    TRANSACT(f, cluster_ops_resign(&w, "a"));
    assert_not_removed(f);
    take_lease(f, (char[]) { "a" }, 4);
    assert_not_removed(f);
    w.epoch = 5;
    TRANSACT(f, cluster_ops_resign(&w, "b"));
    TRANSACT(f, cluster_ops_remove("a"));
    WAIT_FOR(!find_member(f));
    close_fixture(f);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newer_schema_is_used),
        cmocka_unit_test(essential_columns_are_named),
        cmocka_unit_test(essential_tables_are_named),
        cmocka_unit_test(who_may_be_the_writer_is_not_removed),
    };
    int n_failed;

    set_program_name(argv[0]);
    if (!getenv("TEST_VERBOSE")) {
        vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    }
    loop = loop_create();
    n_failed = cmocka_run_group_tests(tests, NULL, NULL);
    loop_destroy(loop);
    return n_failed;
}
