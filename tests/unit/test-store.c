/* SPDX-License-Identifier: Apache-2.0
 *
 * The SQLite store: what was stored comes back. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "controller/model/id-pools.h"
#include "controller/schema/value.h"
#include "controller/store/store-private.h"
#include "controller/store/store.h"
#include "tests/unit/model-util.h"
#include "tests/unit/store-fixture.h"

/* Checks that what is stored is the same as what the model holds. */
static void
check_stored(struct fixture *f)
{
    char *dump = model_util_dump(f->model, true);
    uint64_t revision = model_durable_revision(f->model);

    close_store(f);
    open_store(f);

    char *again = model_util_dump(f->model, true);
    assert_string_equal(again, dump);
    assert_int_equal(model_durable_revision(f->model), revision);
    free(again);
    free(dump);
}

static void
what_was_stored_comes_back(void **state)
{
    struct fixture *f = *state;
    uint32_t vni;

    store_apply(f, base_rows);
    vni = id_pools_peek(model_id_pools(f->model), "vni", "n");
    assert_true(vni > 0);
    assert_int_equal(submit(f), 0);
    check_stored(f);
    assert_int_equal(id_pools_peek(model_id_pools(f->model), "vni", "n"), vni);
    assert_int_equal(id_pools_peek(model_id_pools(f->model), "vni", "m=77"),
                     77);

    /* Changes, several revisions in one group, and deletions. */
    apply_set(f, "shop", "put groups all {'cidrs':['10.0.0.0/8']}");
    store_apply(f, "delete policies pol\npatch ports p1 {'labels':{'a':'b'}}");
    store_apply(f, "delete groups g\nput groups g2 {'ports':['p1']}");
    assert_int_equal(submit(f), 0);
    check_stored(f);
    /* References that change, appear and go. */
    store_apply(f, "patch ports p2 {'host':'h1'}\n"
                "patch ports p1 {'host':null}");
    assert_int_equal(submit(f), 0);
    check_stored(f);
    store_apply(f, "put hosts h2 {'ovsdb':'inbound','tunnel_ip':'192.0.2.2'}\n"
                "patch ports p2 {'host':'h2','enabled':true}");
    assert_int_equal(submit(f), 0);
    check_stored(f);
    store_apply(f, "delete groups g2\ncascade networks n");
    assert_int_equal(submit(f), 0);
    check_stored(f);
    assert_null(model_get(f->model, VMN_TABLE_PORT, "p1"));
}

static void
check_ip(const struct fixture *f, const char *name, const char *ip)
{
    const struct vmn_port *port = model_get(f->model, VMN_TABLE_PORT, name);
    char buf[VALUE_IP_SIZE];

    assert_non_null(port);
    assert_int_equal(port->n_ips, 1);
    assert_string_equal(value_format_ip(&port->ips[0], buf), ip);
}

/* Also where nothing is left that would tell of them. */
static void
addresses_come_late_after_a_restart(void **state)
{
    struct fixture *f = *state;

    store_apply(f, "put networks x {'subnets':[{'cidr':'10.5.0.0/24'},"
                "{'cidr':'fd00::/64'}]}");
    for (int i = 0; i < 3; i++) {
        store_apply(f, "put ports a {'network':'x','ips':['fd00::1']}\n"
                    "put ports b {'network':'x'}\n"
                    "put ports c {'network':'x'}");
        assert_int_equal(submit(f), 0);
        store_apply(f, "cascade ports a\ncascade ports b\ncascade ports c");
        assert_int_equal(submit(f), 0);
        if (i) {
            store_apply(f, "patch networks x {'mtu':1400}");
            assert_int_equal(submit(f), 0);
        }
        check_stored(f);
    }
    store_apply(f, "patch networks x {'subnets':[{'cidr':'10.5.0.0/24'}]}\n"
                "put ports d {'network':'x'}");
    check_ip(f, "d", "10.5.0.7");
    model_undo(f->model);

    /* What is made anew begins anew. */
    store_apply(f, "delete networks x");
    assert_int_equal(submit(f), 0);
    check_stored(f);
    store_apply(f, "put networks x {'subnets':[{'cidr':'10.5.0.0/24'}]}\n"
                "put ports d {'network':'x'}");
    check_ip(f, "d", "10.5.0.1");
    assert_int_equal(submit(f), 0);
    check_stored(f);
}

static const char *
column_text(sqlite3_stmt *stmt, int column)
{
    return (const char *) sqlite3_column_text(stmt, column);
}

static void
columns_are_real(void **state)
{
    struct fixture *f = *state;
    sqlite3_stmt *stmt;
    sqlite3 *db;

    store_apply(f, base_rows);
    assert_int_equal(submit(f), 0);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(
        db, "SELECT p.name, n.vni_given, p.enabled, p.ips_given, "
        "json_extract(p.allowed_addresses, '$[0].ip') "
        "FROM ports p JOIN networks n ON p.network = n.name "
        "ORDER BY p.name", -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_string_equal(column_text(stmt, 0), "p1");
    assert_int_equal(sqlite3_column_int(stmt, 1), 1);
    assert_int_equal(sqlite3_column_int(stmt, 2), 1);
    assert_string_equal(column_text(stmt, 3), "[\"10.0.0.2\"]");
    assert_string_equal(column_text(stmt, 4), "10.9.0.0/16");
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(stmt, 2), 0);
    sqlite3_finalize(stmt);

    /* Foreign keys hold against other hands, too. */
    sqlite3_exec(db, "PRAGMA foreign_keys = ON", NULL, NULL, NULL);
    assert_int_equal(sqlite3_exec(db, "DELETE FROM networks WHERE name = 'n'",
                                  NULL, NULL, NULL), SQLITE_CONSTRAINT);
    sqlite3_close(db);
}

static void
id_pools_pass_from_key_to_key(void **state)
{
    struct fixture *f = *state;
    struct id_pools *numbers = model_id_pools(f->model);

    id_pools_declare(numbers, "zone", 1);
    id_pools_unref(numbers, id_pools_ref(numbers, "zone", "b"));
    assert_int_equal(submit(f), 0);
    id_pools_acked(numbers, 0);
    assert_non_null(id_pools_ref(numbers, "zone", "a"));
    assert_int_equal(submit(f), 0);
    check_stored(f);
    assert_int_equal(id_pools_peek(model_id_pools(f->model), "zone", "a"), 1);
    assert_int_equal(id_pools_peek(model_id_pools(f->model), "zone", "b"), 0);
}

static void
volatile_rows_are_not_stored(void **state)
{
    struct fixture *f = *state;

    store_apply(f, "put hosts h1 {'ovsdb':'inbound','tunnel_ip':'192.0.2.1'}");
    store_apply(f, "put vifs h1/p1 {'host':'h1','iface_id':'p1','iface':'t',"
                "'ofport':1}");
    assert_int_equal(submit(f), 0);
    store_apply(f, "delete vifs h1/p1");
    assert_int_equal(submit(f), 0);
    close_store(f);
    open_store(f);
    assert_int_equal(model_durable_revision(f->model), 1);
    assert_non_null(model_get(f->model, VMN_TABLE_HOST, "h1"));
    assert_null(model_get(f->model, VMN_TABLE_VIF, "h1/p1"));
}

/* The key.  --------------------------------------------------------------- */

static void
key_is_made_once_and_stays(void **state)
{
    struct fixture *f = *state;
    uint8_t key[STORE_KEY_SIZE], other[STORE_KEY_SIZE];
    struct vmn_error why = VMN_ERROR_INIT;
    sqlite3 *db;

    store_sqlite_class.get_key(f->store, key);
    close_store(f);
    open_store(f);
    store_sqlite_class.get_key(f->store, other);
    assert_memory_equal(other, key, sizeof key);
    close_store(f);

    /* One that is lost is made again. */
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DELETE FROM secrets", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    open_store(f);
    store_sqlite_class.get_key(f->store, other);
    assert_memory_not_equal(other, key, sizeof key);
    close_store(f);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(store_key_load(db, key, &why), 0);
    assert_memory_equal(key, other, sizeof key);
    assert_int_equal(sqlite3_exec(db, "UPDATE secrets SET value = x'00'",
                                  NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(store_key_load(db, key, &why), 0);
    assert_memory_not_equal(key, other, sizeof key);
    sqlite3_close(db);
    open_store(f);
}

/* Only tells: timings decide nothing. */
static void
cost_of_a_commit(void **state)
{
    struct fixture *f = *state;
    struct timespec a, b;
    int n = 200;

    store_apply(f, base_rows);
    assert_int_equal(submit(f), 0);
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int i = 0; i < n; i++) {
        store_apply(f, i % 2 ? "patch ports p1 {'description':'a'}"
                             : "patch ports p1 {'description':'b'}");
        assert_int_equal(submit(f), 0);
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    print_message("a durable one-row commit: %.0f us\n",
                  ((b.tv_sec - a.tv_sec) * 1e9 + b.tv_nsec - a.tv_nsec)
                  / 1e3 / n);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_stored_comes_back),
        TEST(addresses_come_late_after_a_restart),
        TEST(columns_are_real),
        TEST(id_pools_pass_from_key_to_key),
        TEST(volatile_rows_are_not_stored),
        TEST(key_is_made_once_and_stays),
        TEST(cost_of_a_commit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
