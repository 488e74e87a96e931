/* SPDX-License-Identifier: Apache-2.0
 *
 * A batch of the SQLite store by itself: whichever of its statements fails, it
 * says so and leaves nothing behind.  Writes that fail below SQLite are in
 * test-store.c. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/store/store-private.h"
#include "openvswitch/vlog.h"
#include "tests/unit/model-util.h"
#include "util.h"

struct fixture {
    sqlite3 *db;
    struct store_statements statements;
    struct model *model;
};

static const char before[] =
    "put hosts h {'ovsdb':'inbound','tunnel_ip':'192.0.2.1'}\n"
    "put networks n {'subnets':[{'cidr':'10.0.0.0/24'}]}\n"
    "put ports old {'network':'n'}\n"
    "put groups g {}";
/* Has each of the statements something to do. */
static const char change[] =
    "patch networks n {'description':'x'}\n"
    "patch ports old {'host':'h'}\n"
    "delete groups g\n"
    "put networks m {}\n"
    "put ports new {'network':'n'}";

static void
exec(struct fixture *f, const char *sql)
{
    char *text = NULL;

    if (sqlite3_exec(f->db, sql, NULL, NULL, &text)) {
        fail_msg("%s: %s", sql, text);
    }
}

static int
setup(void **state)
{
    struct fixture *f = xzalloc(sizeof *f);
    struct vmn_error why = VMN_ERROR_INIT;

    f->model = model_create();
    if (store_connect(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                      "PRAGMA foreign_keys = ON", &f->db, &why)
        || store_format_check(f->db, "memory", store_steps, STORE_FORMAT,
                              &why)
        || store_statements_prepare(&f->statements, f->db, &why)) {
        fail_msg("%s", why.text);
    }
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    store_statements_finalize(&f->statements);
    assert_int_equal(sqlite3_close(f->db), SQLITE_OK);
    model_destroy(f->model);
    free(f);
    return 0;
}

/* Writes 'request' and settles the model, or takes the request back.  Returns
 * what the batch does. */
static int
write_request(struct fixture *f, const char *request)
{
    struct store_batch batch;
    struct vmn_error why = VMN_ERROR_INIT;
    char *errors;
    uint64_t revision;
    int error;

    errors = model_util_apply(f->model, "test", NULL, request, &revision);
    assert_string_equal(errors, "");
    free(errors);
    store_batch_init(&batch, f->model);
    error = store_batch_write(&batch, f->db, &f->statements, &why);
    store_batch_uninit(&batch);
    assert_int_equal(!error, !why.text);
    assert_true(sqlite3_get_autocommit(f->db));
    if (error) {
        assert_non_null(strstr(why.text, "cannot store"));
        model_undo(f->model);
    } else {
        model_settle(f->model);
    }
    vmn_error_uninit(&why);
    return error;
}

/* All that a vmnd would know that starts with what is there. */
static char *
dump_stored(struct fixture *f)
{
    struct model *model = model_create();
    struct vmn_error why = VMN_ERROR_INIT;
    char *dump;

    if (store_load(f->db, "memory", model, &why)) {
        fail_msg("%s", why.text);
    }
    dump = model_util_dump(model, true);
    model_destroy(model);
    return dump;
}

static void
each_statement_that_fails_fails_the_batch(void **state)
{
    static const struct {
        const char *what, *of;
    } statements[] = {
        { "DELETE", "groups" }, { "INSERT", "networks" },
        { "UPDATE", "networks" }, { "INSERT", "ports" },
        { "INSERT", "numbers" }, { "DELETE", "cursors" },
        { "INSERT", "cursors" }, { "INSERT", "revisions" },
    };
    struct fixture *f = *state;
    char *old, *now;

    assert_int_equal(write_request(f, before), 0);
    old = dump_stored(f);
    for (size_t i = 0; i < ARRAY_SIZE(statements); i++) {
        char *sql = xasprintf("CREATE TEMP TRIGGER no BEFORE %s ON main.%s "
                              "BEGIN SELECT RAISE(ABORT, 'no'); END",
                              statements[i].what, statements[i].of);

        exec(f, sql);
        if (write_request(f, change) != EINVAL) {
            fail_msg("not told: %s", sql);
        }
        exec(f, "DROP TRIGGER no");
        free(sql);
        now = dump_stored(f);
        assert_string_equal(now, old);
        free(now);
    }

    /* It is none of these that keeps it from being written. */
    assert_int_equal(write_request(f, change), 0);
    now = dump_stored(f);
    assert_string_not_equal(now, old);
    free(old);
    old = model_util_dump(f->model, true);
    assert_string_equal(now, old);
    free(now);
    free(old);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            each_statement_that_fails_fails_the_batch, setup, teardown),
    };

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
