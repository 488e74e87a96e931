/* SPDX-License-Identifier: Apache-2.0
 *
 * Members' use of a cluster's database with a real ovsdb-server: of one whose
 * schema is that of another version, and what it says of shares of hosts, and
 * of members that are removed.  Not for what members do with each other
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

/* What members have come to say since the first schema. */
static const char *const later_columns[] = {
    "Cluster.excluded", "Cluster.generation", "Cluster.runs", "Cluster.shares",
    "Member.disk", "Member.faults", "Member.hosts", "Member.listen",
    "Member.openflow", "Member.ovsdb", "Member.rejected", "Member.unreachable",
    "Member.unseen", "Member.weight",
};

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

static json_t *
former_schema(void)
{
    json_t *schema = load_schema();

    for (size_t i = 0; i < ARRAY_SIZE(later_columns); i++) {
        drop(schema, later_columns[i]);
    }
    return schema;
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

/* Waits until it has the database, and lacks 'n' columns. */
static void
wait_current(struct fixture *f, size_t n)
{
    WAIT_FOR(view_of(f)->current && sset_count(&view_of(f)->lacks) == n);
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
    .faults = "{\"h1\":[3,\"no room\"]}",
    .unreachable = "h7 h8", .unseen = "h6 h7 h8", .rejected = "h9",
    .run = 5, .applied = 1, .hosts = 7, .weight = 30, .disk = 41,
};

static const struct cluster_member *
find_member(const struct fixture *f)
{
    return shash_find_data(&view_of(f)->members, "a");
}

/* Does what a member does as a writer, and sees it: of its row what 'listen',
 * 'openflow', 'hosts' and 'weight' say, which the database may not have. */
static void
use(struct fixture *f, const char *listen, const char *openflow, int64_t hosts,
    int64_t weight)
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
    assert_string_equal(member->listen, listen);
    assert_string_equal(member->openflow, openflow);
    assert_int_equal(member->hosts, hosts);
    assert_int_equal(member->weight, weight);
}

/* Tests.  ----------------------------------------------------------------- */

/* A database as it was before members said where they listen, and to how many
 * hosts they are connected; until it is converted. */
static void
former_schema_is_used(void **state OVS_UNUSED)
{
    struct fixture *f = open_fixture(former_schema());
    const char **lacks;

    wait_current(f, ARRAY_SIZE(later_columns));
    lacks = sset_sort(&view_of(f)->lacks);
    for (size_t i = 0; i < ARRAY_SIZE(later_columns); i++) {
        assert_string_equal(lacks[i], later_columns[i]);
    }
    free(lacks);
    use(f, "", "", 0, 0);

    convert(f, load_schema());
    wait_current(f, 0);
    TRANSACT(f, cluster_ops_report(&member_a, 9));
    WAIT_FOR(find_member(f)->hosts == 7);
    assert_int_equal(find_member(f)->weight, 30);
    assert_string_equal(find_member(f)->faults, member_a.faults);
    assert_int_equal(view_of(f)->faults_seq, 1);
    assert_int_equal(sset_count(&find_member(f)->unreachable), 2);
    assert_true(sset_contains(&find_member(f)->unreachable, "h8"));
    assert_int_equal(sset_count(&find_member(f)->unseen), 3);
    assert_true(sset_contains(&find_member(f)->unseen, "h6"));
    assert_int_equal(sset_count(&find_member(f)->rejected), 1);
    assert_true(sset_contains(&find_member(f)->rejected, "h9"));
    assert_string_equal(find_member(f)->listen, "ssl:192.0.2.1:6644");
    assert_string_equal(find_member(f)->openflow, "ssl:192.0.2.1:6653");
    assert_string_equal(find_member(f)->ovsdb, "ssl:192.0.2.1:6640");
    assert_int_equal(find_member(f)->disk, 41);
    assert_int_equal(view_of(f)->head, 1);
    close_fixture(f);
}

static void
newer_schema_is_used(void **state OVS_UNUSED)
{
    struct fixture *f = open_fixture(newer_schema());

    wait_current(f, 0);
    use(f, "ssl:192.0.2.1:6644", "ssl:192.0.2.1:6653", 7, 30);
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

    wait_current(f, 0);
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
        wait_current(f, 0);
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
    wait_current(f, 0);
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

    wait_current(f, 0);
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

/* Shares.  ---------------------------------------------------------------- */

/* Has the members whose letters are in 'names' share hosts, each by the weight
 * that is there for it, in place of generation 'seen'. */
static struct json *
share_ops(int64_t seen, int64_t generation, const char *names,
          const int64_t weights[])
{
    const struct cluster_ops_writer w = { .epoch = 4, .beat = 1 };
    struct shares shares = { .generation = generation };
    struct json *ops;

    for (size_t i = 0; names[i]; i++) {
        char name[2] = { names[i] };

        assert_true(shares_add(&shares, name, 100 + i, weights[i]));
        shares_exclude(&shares, "h5", name);
    }
    ops = cluster_ops_share(&w, seen, &shares);
    shares_uninit(&shares);
    return ops;
}

/* Waits until the view has 'generation', and asserts that it has these shares,
 * as NAME=WEIGHT/RUN. */
static void
wait_shares(struct fixture *f, int64_t generation, const char *expected)
{
    const struct shares *shares = &view_of(f)->shares;
    char text[256] = "";
    size_t length = 0;

    WAIT_FOR(view_of(f)->generation == generation);
    for (size_t i = 0; i < shares->n; i++) {
        length += snprintf(text + length, sizeof text - length,
                           "%s%s=%d/%d", i ? " " : "", shares->shares[i].name,
                           (int) shares->shares[i].weight,
                           (int) shares->shares[i].run);
    }
    assert_string_equal(text, expected);
}

/* The host of share_ops() is excluded from all. */
static void
assert_excluded(struct fixture *f)
{
    const struct shares *shares = &view_of(f)->shares;

    assert_int_equal(shares->n_excluded, shares->n > 0);
    if (shares->n) {
        assert_string_equal(shares->excluded[0].host, "h5");
        assert_int_equal(shares->excluded[0].members, (1 << shares->n) - 1);
    }
}

static void
shares_are_seen(void **state OVS_UNUSED)
{
    struct fixture *f = open_fixture(load_schema());

    wait_current(f, 0);
    TRANSACT(f, cluster_ops_create(9, 4, 3));
    wait_shares(f, 0, "");
    TRANSACT(f, share_ops(0, 1, "abc", (int64_t[]) { 10, 20, 30 }));
    wait_shares(f, 1, "a=10/100 b=20/101 c=30/102");
    assert_excluded(f);

    /* The server says what is different alone: a weight, a run, a member that
     * has gone, and another one. */
    TRANSACT(f, share_ops(1, 2, "acd", (int64_t[]) { 15, 30, 40 }));
    wait_shares(f, 2, "a=15/100 c=30/101 d=40/102");
    assert_excluded(f);
    TRANSACT(f, share_ops(2, 3, "", NULL));
    wait_shares(f, 3, "");
    assert_excluded(f);

    /* A member that comes later sees the same. */
    TRANSACT(f, share_ops(3, 4, "b", (int64_t[]) { 100 }));
    cluster_db_destroy(f->db);
    f->db = cluster_db_create(loop, f->sb.remote, &callbacks, f);
    wait_shares(f, 4, "b=100/100");
    assert_excluded(f);
    close_fixture(f);
}

/* A try whose reply was lost may come after the next one. */
static void
late_shares_change_nothing(void **state OVS_UNUSED)
{
    struct fixture *f = open_fixture(load_schema());

    wait_current(f, 0);
    TRANSACT(f, cluster_ops_create(9, 4, 3));
    TRANSACT(f, share_ops(0, 2, "a", (int64_t[]) { 10 }));
    f->done = false;
    assert_true(cluster_db_transact(
        f->db, share_ops(0, 1, "b", (int64_t[]) { 10 }), on_done, f));
    WAIT_FOR(f->done);
    assert_string_equal(f->fault, "timed out");
    wait_shares(f, 2, "a=10/100");
    close_fixture(f);
}

/* Returns a transaction that writes shares as no member does. */
static struct json *
bad_ops(void)
{
    static const struct cluster_ops_writer w = { .epoch = 4, .beat = 1 };
    static char long_name[] = "c123456789012345678901234567890123456789"
        "012345678901234567890123";
    const struct shares shares = {
        .generation = -5,
        .n = 6,
        .shares = {
            { .name = (char[]) { "" }, .run = -1, .weight = 1 },
            { .name = (char[]) { "a" }, .run = 1, .weight = 10 },
            { .name = (char[]) { "b" }, .run = 2, .weight = 0 },
            { .name = long_name, .run = 3, .weight = 10 },
            { .name = (char[]) { "d" }, .run = 4, .weight = -1 },
            { .name = (char[]) { "e" }, .run = 0, .weight = 101 },
        },
    };

    return cluster_ops_share(&w, 0, &shares);
}

static void
bad_shares_are_left_out(void **state OVS_UNUSED)
{
    struct fixture *f = open_fixture(load_schema());

    wait_current(f, 0);
    TRANSACT(f, cluster_ops_create(9, 4, 3));
    TRANSACT(f, bad_ops());
    wait_shares(f, -5, "a=10/1");
    TRANSACT(f, share_ops(-5, 1, "b", (int64_t[]) { 10 }));
    wait_shares(f, 1, "b=10/100");
    close_fixture(f);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(former_schema_is_used),
        cmocka_unit_test(newer_schema_is_used),
        cmocka_unit_test(essential_columns_are_named),
        cmocka_unit_test(essential_tables_are_named),
        cmocka_unit_test(who_may_be_the_writer_is_not_removed),
        cmocka_unit_test(shares_are_seen),
        cmocka_unit_test(late_shares_change_nothing),
        cmocka_unit_test(bad_shares_are_left_out),
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
