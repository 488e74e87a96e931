/* SPDX-License-Identifier: Apache-2.0
 *
 * The SQLite store's file: whose it is, which files are refused, and how those
 * of older formats are brought up. */

#include <config.h>

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "controller/siphash.h"
#include "controller/store/store-private.h"
#include "controller/store/store.h"
#include "tests/unit/store-fixture.h"
#include "util.h"

static void
file_is_for_its_owner_alone(void **state)
{
    struct fixture *f = *state;
    struct stat st;

    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* What is refused.  ------------------------------------------------------- */

/* Checks that the file cannot be opened. */
static void
check_refused(struct fixture *f, int expected_error, const char *part)
{
    struct store *store;
    struct vmn_error why = VMN_ERROR_INIT;
    int error = store_sqlite_class.open(f->path, f->base, &store, &why);

    assert_int_equal(error, expected_error);
    assert_null(store);
    if (!strstr(why.text, part)) {
        fail_msg("got \"%s\", expected \"%s\"", why.text, part);
    }
    vmn_error_uninit(&why);
}

static void
second_process_is_refused(void **state)
{
    struct fixture *f = *state;
    char *part = xasprintf("state.db is in use by the vmnd with process ID "
                           "%ld", (long) getpid());

    check_refused(f, EBUSY, part);
    free(part);
    store_apply(f, base_rows);
    assert_int_equal(submit(f), 0);
}

/* By whichever name it is opened, SQLite has one log for it. */
static void
second_process_by_a_link_is_refused(void **state)
{
    struct fixture *f = *state;
    char *path = f->path;

    f->path = xasprintf("%s.link", path);
    assert_int_equal(symlink(path, f->path), 0);
    check_refused(f, EBUSY, "state.db is in use by the vmnd with process ID");
    unlink(f->path);
    free(f->path);
    f->path = path;
}

/* Closes the store, runs SQL on the file, checks that it is refused then. */
static void
check_sql_refused(struct fixture *f, const char *sql, int error,
                  const char *part)
{
    sqlite3 *db;

    close_store(f);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s", sqlite3_errmsg(db));
    }
    sqlite3_close(db);
    check_refused(f, error, part);
    unlink(f->path);
    open_store(f);
}

static void
foreign_files_are_refused(void **state)
{
    struct fixture *f = *state;

    check_sql_refused(f, "PRAGMA user_version = 99", EINVAL,
                      "was written by a newer vmnd: its format is 99, and "
                      "this vmnd knows up to 1");
    check_sql_refused(f, "PRAGMA application_id = 1", EINVAL,
                      "is a database of another program");
    check_sql_refused(f, "PRAGMA user_version = 0", EINVAL,
                      "is a database of another program");
    check_sql_refused(f, "ALTER TABLE ports DROP COLUMN enabled", EUCLEAN,
                      /* Newer SQLite puts the name in quotation marks. */
                      "is damaged: its tables differ from the schema: no such "
                      "column: ");
}

static void
missing_folder_is_told(void **state)
{
    struct fixture *f = *state;
    char *path = f->path;

    f->path = xstrdup("/nonexistent/state.db");
    check_refused(f, ENOENT, "cannot open /nonexistent/state.db.lock");
    free(f->path);
    f->path = path;
}

/* What could not be opened has no lock's file beside it afterwards. */
static void
failed_open_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    char *path = f->path;
    char *folder = xasprintf("%s.d", path);
    char *lock = xasprintf("%s.lock", folder);

    f->path = folder;
    assert_int_equal(mkdir(folder, 0700), 0);
    check_refused(f, EISDIR, folder);
    assert_int_equal(access(lock, F_OK), -1);
    assert_int_equal(rmdir(folder), 0);

    FILE *file = fopen(folder, "w");
    assert_non_null(file);
    fputs("Some file that is no database, but has its own use.\n", file);
    fclose(file);
    check_refused(f, EUCLEAN, folder);
    assert_int_equal(access(lock, F_OK), -1);
    assert_int_equal(unlink(folder), 0);

    free(lock);
    free(folder);
    f->path = path;
}

/* Overwrites 'n' bytes at 'at' of the closed file. */
static void
scribble(struct fixture *f, off_t at, size_t n)
{
    int fd = open(f->path, O_WRONLY);

    for (size_t i = 0; i < n; i++) {
        assert_int_equal(pwrite(fd, "\xa5", 1, at + i), 1);
    }
    close(fd);
}

static void
corrupt_files_are_refused(void **state)
{
    struct fixture *f = *state;

    store_apply(f, base_rows);
    assert_int_equal(submit(f), 0);
    close_store(f);
    scribble(f, 4096, 64);
    check_refused(f, EUCLEAN, "state.db is corrupt (");
    scribble(f, 0, 16);
    check_refused(f, EUCLEAN, "state.db: cannot open it: file is not a "
                  "database");
    unlink(f->path);
    open_store(f);
}

static void
edited_rows_are_refused(void **state)
{
    static const struct {
        const char *sql;
        const char *part;
    } cases[] = {
        { "UPDATE ports SET network = 'none'",
          "/ports/p1/network: network \"none\" does not exist" },
        { "UPDATE ports SET allowed_addresses = 'x' WHERE name = 'p1'",
          "/ports/p1/allowed_addresses: must be a list" },
        { "UPDATE networks SET vni_given = 5 WHERE name = 'n'",
          "/networks/n: its VNI is not in the table of numbers" },
        { "UPDATE numbers SET number = -1 WHERE key = 'n'",
          "/numbers: number -1 of \"n\" is not valid" },
        { "UPDATE hosts SET encap = 'none'",
          "/hosts/h1/encap: must be one of \"vxlan\", \"geneve\"" },
        { "UPDATE ports SET mac_given = NULL",
          "/ports/p1: it has no MAC address" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct vmn_error why = VMN_ERROR_INIT;
        sqlite3 *db;

        store_apply(f, base_rows);
        assert_int_equal(submit(f), 0);
        close_store(f);
        sqlite3_open(f->path, &db);
        assert_int_equal(sqlite3_exec(db, cases[i].sql, NULL, NULL, NULL),
                         SQLITE_OK);
        sqlite3_close(db);
        assert_int_equal(store_sqlite_class.open(f->path, f->base, &f->store,
                                                 &why), 0);
        f->model = model_create();
        assert_int_equal(store_sqlite_class.load(f->store, f->model, &why),
                         EUCLEAN);
        if (!strstr(why.text, cases[i].part)) {
            fail_msg("got \"%s\", expected \"%s\"", why.text, cases[i].part);
        }
        vmn_error_uninit(&why);
        close_store(f);
        unlink(f->path);
        open_store(f);
    }
}

/* Formats.  --------------------------------------------------------------- */

static void
older_formats_are_brought_up_step_by_step(void **state)
{
    static const struct store_step steps[] = {
        { STORE_FORMAT, "CREATE TABLE extra (a INTEGER) STRICT" },
        { STORE_FORMAT + 1, "INSERT INTO extra VALUES (7)" },
        { 0, NULL },
    };
    static const struct store_step bad_steps[] = {
        { STORE_FORMAT + 2, "DROP TABLE extra" },
        { STORE_FORMAT + 3, "DROP TABLE none" },
        { 0, NULL },
    };
    struct fixture *f = *state;
    struct vmn_error why = VMN_ERROR_INIT;
    sqlite3 *db;

    close_store(f);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(store_format_check(db, "x", steps,
                                        STORE_FORMAT + 2, &why), 0);
    assert_int_equal(sqlite3_exec(db, "DELETE FROM extra WHERE a = 7; "
                                  "UPDATE extra SET a = 1", NULL, NULL, NULL),
                     SQLITE_OK);

    /* A step that fails leaves the file as it was. */
    assert_int_equal(store_format_check(db, "x", bad_steps,
                                        STORE_FORMAT + 4, &why), EIO);
    assert_string_equal(why.text, "cannot upgrade: no such table: none");
    vmn_error_uninit(&why);
    assert_int_equal(store_format_check(db, "x", steps,
                                        STORE_FORMAT + 2, &why), 0);
    assert_int_equal(sqlite3_exec(db, "SELECT * FROM extra", NULL, NULL,
                                  NULL), SQLITE_OK);
    sqlite3_close(db);
    unlink(f->path);
    open_store(f);
}

/* All tables and columns, in words. */
static uint32_t
schema_fingerprint(void)
{
    uint32_t hash = 0;

    for (int i = 0; i < VMN_N_TABLES; i++) {
        const struct schema_table *table = schema_tables[i];

        if (schema_has_columns(table)) {
            hash = stable_hash64(table->plural, strlen(table->plural), hash);
        }
        for (const struct schema_field *f = table->row.fields;
             schema_has_columns(table) && f->name; f++) {
            hash = stable_hash64(f->name, strlen(f->name), hash + f->type);
        }
    }
    return hash;
}

/* What is added without a new format would make a file of the last release
 * look damaged. */
static void
description_with_other_columns_is_another_format(void **state OVS_UNUSED)
{
    static const uint32_t known = 0x5b8ef00f;

    assert_int_equal(STORE_FORMAT, 1);
    if (schema_fingerprint() != known) {
        fail_msg("tables or columns are not those of format %d (0x%"PRIx32"): "
                 "if that one was released, make STORE_FORMAT one more, with a "
                 "step in store_steps; then put the new number here",
                 STORE_FORMAT, schema_fingerprint());
    }
}

static void
what_an_older_format_lacks_is_added(void **state)
{
    static const struct store_step none[] = { { 0, NULL } };
    struct fixture *f = *state;
    sqlite3 *db;

    close_store(f);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(
        db, "DROP TABLE tiers; DROP INDEX ports_host; "
        "ALTER TABLE ports DROP COLUMN host; "
        "ALTER TABLE ports DROP COLUMN ips_given", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(store_format_check(db, "x", none, STORE_FORMAT + 1,
                                        NULL), 0);
    assert_int_equal(sqlite3_exec(
        db, "SELECT position FROM tiers; SELECT host, ips_given FROM ports; "
        "DROP INDEX ports_host", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    unlink(f->path);
    open_store(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(file_is_for_its_owner_alone),
        TEST(second_process_is_refused),
        TEST(second_process_by_a_link_is_refused),
        TEST(foreign_files_are_refused),
        TEST(missing_folder_is_told),
        TEST(failed_open_leaves_nothing),
        TEST(corrupt_files_are_refused),
        TEST(edited_rows_are_refused),
        TEST(older_formats_are_brought_up_step_by_step),
        TEST(description_with_other_columns_is_another_format),
        TEST(what_an_older_format_lacks_is_added),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
