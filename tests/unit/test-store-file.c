/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies and backups of the SQLite store, databases that are damaged while
 * they are used, and those that are named by a link: what is saved is what was
 * acknowledged. */

#include <config.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "controller/store/store-file.h"
#include "controller/store/store-private.h"
#include "controller/store/store.h"
#include "tests/unit/model-util.h"
#include "tests/unit/store-file-fixture.h"
#include "util.h"

/* Copies.  ---------------------------------------------------------------- */

static void
copy_holds_what_is_durable(void **state)
{
    struct db_fixture *f = *state;
    struct store_file_info info;
    uint8_t key[STORE_KEY_SIZE], key_after[STORE_KEY_SIZE];
    struct stat st;
    struct vmn_error why = VMN_ERROR_INIT;

    assert_int_equal(db_write(f, db_rows), 0);
    char *before = model_util_dump(f->model, true);
    store_sqlite_class.get_key(f->store, key);
    db_copy(f);
    assert_int_equal(db_write(f, "cascade networks a"), 0);
    assert_int_equal(store_file_verify(f->file, "x", &info, &why), 0);
    assert_int_equal(info.revision, 1);
    assert_int_equal(info.n_objects, 5);

    /* Nothing is left beside the database. */
    char *left = xasprintf("%s.copy", f->path);
    assert_int_equal(stat(left, &st), -1);
    free(left);

    db_close(f);
    assert_int_equal(rename(f->file, f->path), 0);
    db_open(f);
    char *after = model_util_dump(f->model, true);
    assert_string_equal(after, before);
    store_sqlite_class.get_key(f->store, key_after);
    assert_memory_equal(key_after, key, sizeof key);
    free(before);
    free(after);
}

static void
one_copy_at_a_time(void **state)
{
    struct db_fixture *f = *state;
    struct vmn_error why = VMN_ERROR_INIT;

    assert_int_equal(store_sqlite_class.copy(f->store, f->model, db_on_copied,
                                             f, &why), 0);
    assert_int_equal(store_sqlite_class.copy(f->store, f->model, db_on_copied,
                                             f, &why), EBUSY);
    vmn_error_uninit(&why);
    /* Closing does not wait for its end, nor tells of it. */
    db_close(f);
    assert_false(f->done);
    db_open(f);
}

static void
saving_a_file_replaces_it_once_it_is_verified(void **state)
{
    struct db_fixture *f = *state;
    struct store_file_info info;
    struct vmn_error why = VMN_ERROR_INIT;

    assert_int_equal(db_write(f, db_rows), 0);
    assert_int_equal(store_file_backup(f->path, f->file, true, &info, &why),
                     0);
    assert_int_equal(info.revision, 1);
    db_close(f);
    db_scribble(f->path, 4096, 64);
    assert_int_equal(store_file_backup(f->path, f->file, true, &info, &why),
                     EUCLEAN);
    assert_non_null(strstr(why.text, "state.db"));
    vmn_error_uninit(&why);
    assert_int_equal(store_file_verify(f->file, "x", &info, &why), 0);
    assert_int_equal(info.revision, 1);
    assert_int_equal(store_file_backup("/nonexistent", f->file, true, &info,
                                       &why),
                     ENOENT);
    vmn_error_uninit(&why);
    unlink(f->path);
    db_open(f);
}

static void
backup_replaces_no_file_unless_it_may(void **state)
{
    struct db_fixture *f = *state;
    struct store_file_info info;
    struct vmn_error why = VMN_ERROR_INIT;
    char content[5] = "";

    int fd = open(f->file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, "mine", 4), 4);
    close(fd);
    assert_int_equal(store_file_backup(f->path, f->file, false, &info, &why),
                     EEXIST);
    assert_non_null(strstr(why.text, f->file));
    vmn_error_uninit(&why);
    fd = open(f->file, O_RDONLY);
    assert_int_equal(read(fd, content, 5), 4);
    close(fd);
    assert_string_equal(content, "mine");
    unlink(f->file);
    assert_int_equal(store_file_backup(f->path, f->file, false, &info, &why),
                     0);
    assert_int_equal(store_file_backup(f->path, f->file, true, &info, &why),
                     0);
}

/* A database that goes bad while it is used.  ----------------------------- */

static void
corruption_ends_writing_and_memory_is_saved(void **state)
{
    struct db_fixture *f = *state;
    struct store_stats stats;
    struct store_restored r;

    assert_int_equal(db_write(f, db_rows), 0);
    assert_int_equal(db_write(f, "put networks c {'vni':99}"), 0);
    char *before = model_util_dump(f->model, true);

    /* Another hand changes something, so that nothing is taken from a cache,
     * and then all but the first page is gone. */
    db_run_sql(f->path, "UPDATE revisions SET who = 'x'; "
            "PRAGMA wal_checkpoint(TRUNCATE)");
    struct stat st;
    assert_int_equal(stat(f->path, &st), 0);
    db_scribble(f->path, 4096, st.st_size - 4096);

    assert_int_equal(db_write(f, "put networks d {}"), EUCLEAN);
    assert_non_null(strstr(f->text, "is corrupt ("));
    assert_non_null(strstr(f->text, "vmnctl backup FILE"));
    assert_int_equal(db_write(f, "delete networks b"), EUCLEAN);
    store_sqlite_class.get_stats(f->store, &stats);
    assert_true(stats.corrupt);
    assert_false(stats.ok);
    assert_int_equal(stats.n_failed, 2);

    db_copy(f);
    db_close(f);
    db_restore(f, &r);
    assert_int_equal(r.info.revision, 2);
    assert_non_null(r.damage);
    assert_true(r.log_cut);
    assert_true(r.revision > 2);
    store_restored_uninit(&r);
    db_open(f);
    char *after = model_util_dump(f->model, true);
    assert_string_equal(after, before);
    assert_int_equal(db_write(f, "put networks d {}"), 0);
    free(before);
    free(after);
}

static void
corruption_found_by_a_copy_is_told(void **state)
{
    struct db_fixture *f = *state;
    struct store_stats stats;
    struct store_file_info info;
    struct vmn_error why = VMN_ERROR_INIT;

    /* vmnd itself has all of it in its cache, and would go on. */
    assert_int_equal(db_write(f, db_rows), 0);
    db_close(f);
    db_open(f);
    struct stat st;
    assert_int_equal(stat(f->path, &st), 0);
    db_scribble(f->path, 4096, st.st_size - 4096);
    db_copy(f);
    assert_int_equal(store_file_verify(f->file, "x", &info, &why), 0);
    assert_int_equal(info.n_objects, 5);
    store_sqlite_class.get_stats(f->store, &stats);
    assert_true(stats.corrupt);
    assert_int_equal(db_write(f, "put networks d {}"), EUCLEAN);
    db_close(f);
    unlink(f->path);
    db_open(f);
}

static void
log_without_its_database_is_not_thrown_away(void **state)
{
    struct db_fixture *f = *state;
    char *log = xasprintf("%s-wal", f->path);
    struct store *store;
    struct vmn_error why = VMN_ERROR_INIT;

    db_close(f);
    unlink(f->path);
    int fd = open(log, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, "something", 9), 9);
    close(fd);
    assert_int_equal(store_sqlite_class.open(f->path, f->base, &store, &why),
                     EUCLEAN);
    assert_non_null(strstr(why.text, "is not there, but"));
    vmn_error_uninit(&why);
    assert_int_equal(access(log, F_OK), 0);
    unlink(log);
    free(log);
    db_open(f);
}

/* It would be put in the place of the link, and not of the database, which a
 * vmnd may be using by the file's own name.  Nor is it followed: whoever may
 * write to the folder would have root replace a file of his choice. */
static void
link_is_not_replaced(void **state)
{
    struct db_fixture *f = *state;
    char *real = xasprintf("%s/real.db", f->dir);
    struct stat st;

    assert_int_equal(db_write(f, db_rows), 0);
    db_copy(f);
    db_close(f);
    assert_int_equal(rename(f->path, real), 0);
    assert_int_equal(symlink("real.db", f->path), 0);
    db_check_restore_refused(f, f->file, EINVAL, "is a link: name a file");
    assert_int_equal(lstat(f->path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    /* Also one that leads to nothing. */
    assert_int_equal(unlink(real), 0);
    db_check_restore_refused(f, f->file, EINVAL, "is a link: name a file");
    free(real);
}

int
main(int argc, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        TEST(copy_holds_what_is_durable),
        TEST(one_copy_at_a_time),
        TEST(saving_a_file_replaces_it_once_it_is_verified),
        TEST(backup_replaces_no_file_unless_it_may),
        TEST(corruption_ends_writing_and_memory_is_saved),
        TEST(corruption_found_by_a_copy_is_told),
        TEST(log_without_its_database_is_not_thrown_away),
        TEST(link_is_not_replaced),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
