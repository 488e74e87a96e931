/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies, backups and restores of the SQLite store: what is saved is what was
 * acknowledged, what is damaged is refused, and no number that was told is
 * told again with another meaning. */

#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "controller/model/id-pools.h"
#include "controller/store/store-file.h"
#include "controller/store/store-private.h"
#include "controller/store/store.h"
#include "tests/unit/model-util.h"
#include "timeval.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

struct fixture {
    char *dir, *path, *file;    /* The database, and a backup. */
    struct event_base *base;
    struct store *store;
    struct model *model;
    bool done;                  /* The last submission or copy. */
    int error;
    char *text;
    int fd;
};

static const char shop[] =
    "put hosts h1 {'ovsdb':'inbound','tunnel_ip':'192.0.2.1'}\n"
    "put networks a {'subnets':[{'cidr':'10.0.0.0/24'}]}\n"
    "put networks b {}\n"
    "put ports p {'network':'a','host':'h1','labels':{'x':'y'}}\n"
    "put groups g {'selector':'x=y'}";

static void
open_store(struct fixture *f)
{
    struct vmn_error why = VMN_ERROR_INIT;

    f->model = model_create();
    if (store_sqlite_class.open(f->path, f->base, &f->store, &why)
        || store_sqlite_class.load(f->store, f->model, &why)) {
        fail_msg("%s", why.text);
    }
}

static void
close_store(struct fixture *f)
{
    store_sqlite_class.close(f->store);
    model_destroy(f->model);
    f->store = NULL;
    f->model = NULL;
}

static int
setup(void **state)
{
    struct fixture *f = xzalloc(sizeof *f);
    const char *parent = getenv("TMPDIR");

    f->dir = xasprintf("%s/test-store-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(f->dir));
    f->path = xasprintf("%s/state.db", f->dir);
    f->file = xasprintf("%s/backup.db", f->dir);
    f->base = event_base_new();
    f->fd = -1;
    open_store(f);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    struct dirent *entry;

    if (f->store) {
        close_store(f);
    }
    DIR *dir = opendir(f->dir);
    while ((entry = readdir(dir))) {
        char *name = xasprintf("%s/%s", f->dir, entry->d_name);

        unlink(name);
        free(name);
    }
    closedir(dir);
    assert_int_equal(rmdir(f->dir), 0);
    if (f->fd >= 0) {
        close(f->fd);
    }
    event_base_free(f->base);
    free(f->dir);
    free(f->path);
    free(f->file);
    free(f->text);
    free(f);
    return 0;
}

static void
on_done(void *f_, int error, const struct vmn_error *why)
{
    struct fixture *f = f_;

    f->done = true;
    f->error = error;
    free(f->text);
    f->text = nullable_xstrdup(error ? why->text : NULL);
}

/* Applies 'text', with itself as the comment, and stores it.  Returns what the
 * store says. */
static int
write_as(struct fixture *f, const char *who, int64_t now_ms, const char *text)
{
    struct model_request request;
    struct vmn_errors errors;
    uint64_t revision;

    vmn_errors_init(&errors);
    model_request_init(&request, who);
    request.comment = xstrdup(text);
    model_util_parse(&request, text);
    assert_int_equal(model_apply(f->model, &request, now_ms, &revision,
                                 &errors), 0);
    model_request_uninit(&request);
    vmn_errors_uninit(&errors);
    f->done = false;
    store_sqlite_class.submit(f->store, f->model, on_done, f);
    while (!f->done) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    if (f->error) {
        model_undo(f->model);
    } else {
        model_settle(f->model);
    }
    return f->error;
}

static int
write_text(struct fixture *f, const char *text)
{
    return write_as(f, "unix:uid=0", 1000, text);
}

static void
on_copied(void *f_, int error, const struct vmn_error *why, int fd)
{
    struct fixture *f = f_;

    on_done(f, error, why);
    f->fd = fd;
}

/* Copies the store that is open to f->file. */
static void
copy(struct fixture *f)
{
    struct vmn_error why = VMN_ERROR_INIT;
    char buf[4096];
    ssize_t n;

    f->done = false;
    assert_int_equal(store_sqlite_class.copy(f->store, f->model, on_copied, f,
                                             &why), 0);
    while (!f->done) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    if (f->error) {
        fail_msg("%s", f->text);
    }

    int out = open(f->file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    while ((n = read(f->fd, buf, sizeof buf)) > 0) {
        assert_int_equal(write(out, buf, n), n);
    }
    close(out);
    close(f->fd);
    f->fd = -1;
}

/* All that a vmnd would know that starts with what is there. */
static char *
dump_stored(struct fixture *f)
{
    close_store(f);
    open_store(f);
    return model_util_dump(f->model, true);
}

/* Without a question. */
static const struct store_restore plain = { .comment = "back" };

static void
restore(struct fixture *f, struct store_restored *r)
{
    struct vmn_error why = VMN_ERROR_INIT;

    if (store_file_restore(f->file, f->path, &plain, r, &why)) {
        fail_msg("%s", why.text);
    }
}

static void
check_restore_refused(struct fixture *f, const char *file, int error,
                      const char *part)
{
    struct store_restored r;
    struct vmn_error why = VMN_ERROR_INIT;

    assert_int_equal(store_file_restore(file, f->path, &plain, &r,
                                        &why), error);
    if (!strstr(why.text, part)) {
        fail_msg("got \"%s\", expected \"%s\"", why.text, part);
    }
    vmn_error_uninit(&why);
    store_restored_uninit(&r);
}

static void
run_sql(const char *path, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    sqlite3_close(db);
}

/* Overwrites 'n' bytes at 'at'. */
static void
scribble(const char *path, off_t at, size_t n)
{
    int fd = open(path, O_WRONLY);

    for (size_t i = 0; i < n; i++) {
        assert_int_equal(pwrite(fd, "\xa5", 1, at + i), 1);
    }
    close(fd);
}

static char *
read_all(const char *path, size_t size)
{
    char *content = xmalloc(size);
    int fd = open(path, O_RDONLY);

    assert_int_equal(read(fd, content, size), size);
    close(fd);
    return content;
}

static void
write_all(const char *path, const char *content, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);

    assert_int_equal(write(fd, content, size), size);
    close(fd);
}

/* Copies.  ---------------------------------------------------------------- */

static void
copy_holds_what_is_durable(void **state)
{
    struct fixture *f = *state;
    struct store_file_info info;
    uint8_t key[STORE_KEY_SIZE], key_after[STORE_KEY_SIZE];
    struct stat st;
    struct vmn_error why = VMN_ERROR_INIT;

    assert_int_equal(write_text(f, shop), 0);
    char *before = model_util_dump(f->model, true);
    store_sqlite_class.get_key(f->store, key);
    copy(f);
    assert_int_equal(write_text(f, "cascade networks a"), 0);
    assert_int_equal(store_file_verify(f->file, "x", &info, &why), 0);
    assert_int_equal(info.revision, 1);
    assert_int_equal(info.n_objects, 5);

    /* Nothing is left beside the database. */
    char *left = xasprintf("%s.copy", f->path);
    assert_int_equal(stat(left, &st), -1);
    free(left);

    close_store(f);
    assert_int_equal(rename(f->file, f->path), 0);
    open_store(f);
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
    struct fixture *f = *state;
    struct vmn_error why = VMN_ERROR_INIT;

    assert_int_equal(store_sqlite_class.copy(f->store, f->model, on_copied, f,
                                             &why), 0);
    assert_int_equal(store_sqlite_class.copy(f->store, f->model, on_copied, f,
                                             &why), EBUSY);
    vmn_error_uninit(&why);
    /* Closing does not wait for its end, nor tells of it. */
    close_store(f);
    assert_false(f->done);
    open_store(f);
}

static void
saving_a_file_replaces_it_once_it_is_verified(void **state)
{
    struct fixture *f = *state;
    struct store_file_info info;
    struct vmn_error why = VMN_ERROR_INIT;

    assert_int_equal(write_text(f, shop), 0);
    assert_int_equal(store_file_backup(f->path, f->file, true, &info, &why),
                     0);
    assert_int_equal(info.revision, 1);
    close_store(f);
    scribble(f->path, 4096, 64);
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
    open_store(f);
}

/* A database that goes bad while it is used.  ----------------------------- */

static void
corruption_ends_writing_and_memory_is_saved(void **state)
{
    struct fixture *f = *state;
    struct store_stats stats;
    struct store_restored r;

    assert_int_equal(write_text(f, shop), 0);
    assert_int_equal(write_text(f, "put networks c {'vni':99}"), 0);
    char *before = model_util_dump(f->model, true);

    /* Another hand changes something, so that nothing is taken from a cache,
     * and then all but the first page is gone. */
    run_sql(f->path, "UPDATE revisions SET who = 'x'; "
            "PRAGMA wal_checkpoint(TRUNCATE)");
    struct stat st;
    assert_int_equal(stat(f->path, &st), 0);
    scribble(f->path, 4096, st.st_size - 4096);

    assert_int_equal(write_text(f, "put networks d {}"), EUCLEAN);
    assert_non_null(strstr(f->text, "is corrupt ("));
    assert_non_null(strstr(f->text, "vmnctl backup FILE"));
    assert_int_equal(write_text(f, "delete networks b"), EUCLEAN);
    store_sqlite_class.get_stats(f->store, &stats);
    assert_true(stats.corrupt);
    assert_false(stats.ok);
    assert_int_equal(stats.n_failed, 2);

    copy(f);
    close_store(f);
    restore(f, &r);
    assert_int_equal(r.info.revision, 2);
    assert_non_null(r.damage);
    assert_true(r.log_cut);
    assert_true(r.revision > 2);
    store_restored_uninit(&r);
    open_store(f);
    char *after = model_util_dump(f->model, true);
    assert_string_equal(after, before);
    assert_int_equal(write_text(f, "put networks d {}"), 0);
    free(before);
    free(after);
}

static void
corruption_found_by_a_copy_is_told(void **state)
{
    struct fixture *f = *state;
    struct store_stats stats;
    struct store_file_info info;
    struct vmn_error why = VMN_ERROR_INIT;

    /* vmnd itself has all of it in its cache, and would go on. */
    assert_int_equal(write_text(f, shop), 0);
    close_store(f);
    open_store(f);
    struct stat st;
    assert_int_equal(stat(f->path, &st), 0);
    scribble(f->path, 4096, st.st_size - 4096);
    copy(f);
    assert_int_equal(store_file_verify(f->file, "x", &info, &why), 0);
    assert_int_equal(info.n_objects, 5);
    store_sqlite_class.get_stats(f->store, &stats);
    assert_true(stats.corrupt);
    assert_int_equal(write_text(f, "put networks d {}"), EUCLEAN);
    close_store(f);
    unlink(f->path);
    open_store(f);
}

static void
log_without_its_database_is_not_thrown_away(void **state)
{
    struct fixture *f = *state;
    char *log = xasprintf("%s-wal", f->path);
    struct store *store;
    struct vmn_error why = VMN_ERROR_INIT;

    close_store(f);
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
    open_store(f);
}

/* Restores.  -------------------------------------------------------------- */

static void
assert_log_has(struct fixture *f, uint64_t revision, const char *part)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    assert_int_equal(store_sqlite_class.log(f->store, revision, &ds, NULL), 0);
    if (!strstr(ds_cstr(&ds), part)) {
        fail_msg("%s does not have %s", ds_cstr(&ds), part);
    }
    ds_destroy(&ds);
}

static void
assert_log_lacks(struct fixture *f, uint64_t revision, const char *part)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    assert_int_equal(store_sqlite_class.log(f->store, revision, &ds, NULL), 0);
    assert_null(strstr(ds_cstr(&ds), part));
    ds_destroy(&ds);
}

/* Checks which restore took 'revision' back; 0: none. */
static void
assert_taken_back(struct fixture *f, uint64_t revision, uint64_t restore)
{
    assert_int_equal(store_sqlite_class.taken_back(f->store, revision),
                     restore);
}

static void
restore_brings_back_what_was_saved(void **state)
{
    struct fixture *f = *state;
    struct store_restored r;

    assert_int_equal(write_text(f, shop), 0);
    char *before = model_util_dump(f->model, true);
    copy(f);
    assert_int_equal(write_text(f, "cascade networks a"), 0);
    assert_int_equal(write_text(f, "put networks c {}"), 0);
    check_restore_refused(f, f->file, EBUSY, "is in use by another vmnd");
    close_store(f);

    restore(f, &r);
    assert_int_equal(r.info.revision, 1);
    assert_null(r.damage);
    assert_int_equal(r.n_renumbered, 0);
    /* No revision is told again, and the log keeps those that are taken
     * back. */
    assert_int_equal(r.revision, 4);
    assert_int_equal(r.n_taken_back, 2);
    assert_false(r.log_cut);
    open_store(f);
    assert_log_has(f, 2, "\"delete\",\"type\":\"networks\",\"name\":\"a\"");
    assert_log_has(f, 3, "\"create\",\"type\":\"networks\",\"name\":\"c\"");
    assert_log_has(f, 2, "\"comment\":\"cascade networks a\"");
    assert_log_has(f, 4, "\"op\":\"restore\"");
    assert_log_has(f, 4, "\"comment\":\"back\"");
    /* And what they made of objects. */
    struct ds ds = DS_EMPTY_INITIALIZER;
    assert_int_equal(store_sqlite_class.log_contents(f->store, 2, &ds, NULL),
                     0);
    assert_non_null(strstr(ds_cstr(&ds), "10.0.0.0/24"));
    ds_destroy(&ds);
    assert_log_has(f, 4, "\"revision\":1}");
    /* These are marked as not in effect. */
    assert_log_has(f, 2, "\"restored_over\":4,");
    assert_log_has(f, 3, "\"restored_over\":4,");
    assert_log_lacks(f, 1, "restored_over");
    assert_log_lacks(f, 4, "restored_over");
    assert_int_equal(model_durable_revision(f->model), 4);
    assert_taken_back(f, 1, 0);
    assert_taken_back(f, 2, 4);
    assert_taken_back(f, 3, 4);
    assert_taken_back(f, 4, 0);
    assert_taken_back(f, 5, 0);
    char *after = model_util_dump(f->model, true);
    assert_string_equal(after, before);
    free(after);

    /* What was there is kept, and can be restored itself. */
    close_store(f);
    free(f->file);
    f->file = r.former;
    r.former = NULL;
    store_restored_uninit(&r);
    restore(f, &r);
    store_restored_uninit(&r);
    open_store(f);
    assert_null(model_get(f->model, VMN_TABLE_NETWORK, "a"));
    assert_non_null(model_get(f->model, VMN_TABLE_NETWORK, "c"));
    /* So the restore before was taken back, and what it took back is there. */
    assert_taken_back(f, 2, 0);
    assert_taken_back(f, 3, 0);
    assert_taken_back(f, 4, 5);
    assert_taken_back(f, 5, 0);
    free(before);
}

/* What a test is told that a restore takes back, as text. */
struct told {
    bool go_on;
    unsigned n;
    char *text;
};

static bool
on_confirm(void *told_, const struct store_loss *loss)
{
    struct told *told = told_;
    json_t *json = json_pack("{s:i, s:O, s:i, s:O, s:O}", "n_revisions",
                             (int) loss->n_revisions, "revisions",
                             loss->revisions, "n_objects",
                             (int) loss->n_objects, "objects", loss->objects,
                             "revoked", loss->revoked);

    free(told->text);
    told->text = json_dumps(json, JSON_COMPACT);
    told->n++;
    json_decref(json);
    return told->go_on;
}

static void
assert_told(const struct told *told, const char *part)
{
    if (!strstr(told->text, part)) {
        fail_msg("%s does not have %s", told->text, part);
    }
}

static void
restore_asks_before_it_takes_changes_back(void **state)
{
    struct told told = { .go_on = false };
    const struct store_restore how = { .confirm = on_confirm, .aux = &told };
    struct fixture *f = *state;
    struct store_restored r;
    struct vmn_error why = VMN_ERROR_INIT;

    assert_int_equal(write_text(f, shop), 0);
    copy(f);
    close_store(f);
    /* There is nothing to take back. */
    assert_int_equal(store_file_restore(f->file, f->path, &how, &r,
                                        &why), 0);
    assert_int_equal(told.n, 0);
    assert_true(r.unchanged);
    store_restored_uninit(&r);
    open_store(f);
    assert_int_equal(write_text(f, "cascade networks a"), 0);
    assert_int_equal(write_text(f, "put networks c {}"), 0);
    assert_int_equal(write_text(f, "put networks c {'mtu':1400}"), 0);
    uint64_t revision = model_durable_revision(f->model);
    close_store(f);

    assert_int_equal(store_file_restore(f->file, f->path, &how, &r,
                                        &why), ECANCELED);
    assert_null(why.text);
    assert_null(r.former);
    store_restored_uninit(&r);
    assert_int_equal(told.n, 1);
    assert_told(&told, "\"op\":\"delete\",\"type\":\"networks\","
                "\"name\":\"c\"");
    assert_told(&told, "\"op\":\"create\",\"type\":\"networks\","
                "\"name\":\"a\"");
    assert_told(&told, "\"who\":\"unix:uid=0\"");
    open_store(f);
    assert_int_equal(model_durable_revision(f->model), revision);
    assert_non_null(model_get(f->model, VMN_TABLE_NETWORK, "c"));
    close_store(f);

    told.go_on = true;
    assert_int_equal(store_file_restore(f->file, f->path, &how, &r,
                                        &why), 0);
    assert_int_equal(told.n, 2);
    assert_false(r.unchanged);
    store_restored_uninit(&r);
    open_store(f);
    assert_null(model_get(f->model, VMN_TABLE_NETWORK, "c"));
    revision = model_durable_revision(f->model);
    close_store(f);

    /* A second time there is nothing to take back. */
    assert_int_equal(store_file_restore(f->file, f->path, &how, &r,
                                        &why), 0);
    assert_int_equal(told.n, 2);
    assert_true(r.unchanged);
    assert_null(r.former);
    store_restored_uninit(&r);
    open_store(f);
    assert_int_equal(model_durable_revision(f->model), revision);
    free(told.text);
}

/* Fields say what they are now, and in the backup; vmnd may be running. */
static void
dry_run_of_a_restore_changes_nothing(void **state)
{
    struct told told = { .go_on = false };
    const struct store_restore how = {
        .dry_run = true, .confirm = on_confirm, .aux = &told,
    };
    struct fixture *f = *state;
    struct store_restored r;

    assert_int_equal(write_text(f, shop), 0);
    copy(f);
    assert_int_equal(write_text(f, "put networks b {'mtu':1300}"), 0);
    assert_int_equal(write_text(f, "put networks c {}"), 0);
    assert_int_equal(write_text(f, "delete networks c"), 0);
    assert_int_equal(store_file_restore(f->file, f->path, &how, &r, NULL), 0);
    assert_null(r.former);
    store_restored_uninit(&r);
    assert_int_equal(told.n, 1);
    assert_told(&told, "\"n_objects\":1,\"objects\":[{\"op\":\"update\","
                "\"type\":\"networks\",\"name\":\"b\",\"fields\":["
                "{\"path\":\"/spec/mtu\",\"before\":1300");
    assert_told(&told, "\"n_revisions\":3,");
    /* The database is as it was, and in use. */
    assert_int_equal(write_text(f, "put networks d {}"), 0);
    assert_int_equal(model_durable_revision(f->model), 5);
    free(told.text);
}

/* A backup from before the first change has revision 0. */
static void
backup_of_nothing_takes_all_back(void **state)
{
    struct fixture *f = *state;
    struct store_restored r;

    copy(f);
    assert_int_equal(write_text(f, shop), 0);
    /* What is no user's is not among those that are counted. */
    assert_int_equal(write_as(f, "vmnd", 1000, "put networks d {}"), 0);
    close_store(f);
    restore(f, &r);
    assert_int_equal(r.info.revision, 0);
    assert_int_equal(r.n_taken_back, 1);
    store_restored_uninit(&r);
    open_store(f);
    assert_int_equal(model_names(f->model, VMN_TABLE_NETWORK).n, 0);
    assert_taken_back(f, 1, 3);
    assert_log_has(f, 1, "\"restored_over\":3,");
    assert_log_has(f, 2, "\"restored_over\":3,");
}

/* Whatever the file is called, the log says of when it is. */
static void
backup_may_have_any_name(void **state)
{
    struct fixture *f = *state;
    struct store_restored r;

    free(f->file);
    f->file = xasprintf("%s/\xff.db", f->dir);
    assert_int_equal(write_text(f, shop), 0);
    copy(f);
    assert_int_equal(write_text(f, "put networks c {}"), 0);
    close_store(f);
    restore(f, &r);
    store_restored_uninit(&r);
    open_store(f);
    assert_log_has(f, 3, "\"op\":\"restore\"");
    assert_taken_back(f, 2, 3);
}

/* Tokens and accounts.  --------------------------------------------------- */

static const char people[] =
    "put accounts anna {'role':'admin'}\n"
    "put accounts bob {'role':'operator','scope':'project=a'}\n"
    "put accounts eve {'role':'admin'}\n"
    "put tokens a1 {'account':'anna','sha256':'"
    "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9'}\n"
    "put tokens a2 {'account':'anna','sha256':'"
    "c94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9'}\n"
    "put tokens e1 {'account':'eve','sha256':'"
    "d94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9'}";

static const char revocations[] =
    "put accounts anna {'role':'viewer'}\n"
    "put accounts bob {'role':'operator','scope':'project=b'}\n"
    "delete tokens a1\n"
    "put tokens a2 {'account':'anna','sha256':'"
    "a94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9'}\n"
    "delete tokens e1\n"
    "delete accounts eve\n"
    "put accounts new {'role':'admin'}";

/* Restores 'how', and reads the state again. */
static void
restore_people(struct fixture *f, const struct store_restore *how,
               size_t n_revoked)
{
    struct vmn_error why = VMN_ERROR_INIT;
    struct store_restored r;

    close_store(f);
    if (store_file_restore(f->file, f->path, how, &r, &why)) {
        fail_msg("%s", why.text);
    }
    assert_int_equal(r.n_revoked, n_revoked);
    assert_false(r.revoked_unknown);
    store_restored_uninit(&r);
    open_store(f);
}

static const struct vmn_account *
account(const struct fixture *f, const char *name)
{
    return model_get(f->model, VMN_TABLE_ACCOUNT, name);
}

static void
revoked_tokens_and_accounts_stay_revoked(void **state)
{
    struct told told = { .go_on = true };
    const struct store_restore how = { .confirm = on_confirm, .aux = &told };
    const struct vmn_token *token;
    struct fixture *f = *state;

    assert_int_equal(write_text(f, people), 0);
    copy(f);
    assert_int_equal(write_text(f, revocations), 0);
    restore_people(f, &how, 6);
    assert_told(&told, "{\"type\":\"tokens\",\"name\":\"a1\",\"reason\":"
                "\"deleted since the backup\"}");
    assert_told(&told, "{\"type\":\"accounts\",\"name\":\"anna\","
                "\"reason\":\"has other rights now\"}");
    assert_null(model_get(f->model, VMN_TABLE_TOKEN, "a1"));
    assert_null(model_get(f->model, VMN_TABLE_TOKEN, "e1"));
    assert_null(account(f, "eve"));
    assert_int_equal(account(f, "anna")->role, VMN_ROLE_VIEWER);
    assert_string_equal(account(f, "bob")->scope.text, "project=b");
    token = model_get(f->model, VMN_TABLE_TOKEN, "a2");
    assert_int_equal(token->sha256[0], 'a');
    /* What was made since is taken back. */
    assert_null(account(f, "new"));
    assert_log_has(f, 3, "\"name\":\"eve\"}");
    free(told.text);
}

/* Nobody gains by a restore, but rights that are wider now are not kept. */
static void
wider_rights_are_taken_back(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(write_text(
        f, "put accounts bob {'role':'viewer','scope':'project=a'}"), 0);
    copy(f);
    assert_int_equal(write_text(f, "put accounts bob {'role':'admin'}"), 0);
    restore_people(f, &plain, 0);
    assert_int_equal(account(f, "bob")->role, VMN_ROLE_VIEWER);
    assert_string_equal(account(f, "bob")->scope.text, "project=a");
}

static void
revoked_ones_are_valid_again_if_it_is_asked_for(void **state)
{
    static const struct store_restore all = { .with_revoked = true };
    struct fixture *f = *state;

    assert_int_equal(write_text(f, people), 0);
    char *before = model_util_dump(f->model, true);
    copy(f);
    assert_int_equal(write_text(f, revocations), 0);
    restore_people(f, &all, 0);
    char *after = model_util_dump(f->model, true);
    assert_string_equal(after, before);
    free(before);
    free(after);
}

/* What a restore has taken away, another one gives back: it was not revoked.
 * What was revoked at any time since the backup is. */
static void
restore_of_a_restore_knows_what_was_revoked(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(write_text(f, people), 0);
    copy(f);
    char *early = f->file;
    f->file = xasprintf("%s/late.db", f->dir);
    assert_int_equal(write_text(
        f, "put accounts late {'role':'admin'}\n"
        "put accounts gone {'role':'admin'}"), 0);
    copy(f);
    assert_int_equal(write_text(f, "delete accounts gone"), 0);
    char *late = f->file;
    f->file = early;
    restore_people(f, &plain, 0);
    assert_null(account(f, "late"));
    f->file = late;
    restore_people(f, &plain, 1);
    assert_non_null(account(f, "late"));
    assert_null(account(f, "gone"));
    free(early);
}

/* What was deleted and made anew is as old as what there is now. */
static void
account_that_was_made_anew_keeps_its_age(void **state)
{
    struct fixture *f = *state;
    struct model_meta then, now, after;

    assert_int_equal(write_text(f, people), 0);
    assert_non_null(model_get_durable(f->model, VMN_TABLE_ACCOUNT, "bob",
                                      &then));
    copy(f);
    assert_int_equal(write_text(f, "delete accounts bob"), 0);
    assert_int_equal(write_as(
        f, "unix:uid=0", 2000,
        "put accounts bob {'role':'viewer','scope':'project=b'}"), 0);
    assert_non_null(model_get_durable(f->model, VMN_TABLE_ACCOUNT, "bob",
                                      &now));
    assert_int_equal(then.created_ms, 1000);
    assert_int_equal(now.created_ms, 2000);
    restore_people(f, &plain, 1);
    assert_non_null(model_get_durable(f->model, VMN_TABLE_ACCOUNT, "bob",
                                      &after));
    assert_int_equal(after.created_ms, now.created_ms);
}

/* Keeps two entries of users in the log. */
static void
keep_two_entries(struct fixture *f)
{
    struct store_retention keep = STORE_RETENTION_DEFAULT;

    keep.people_min = keep.people_max = 2;
    store_sqlite_class.set_retention(f->store, &keep);
}

/* The log does not say any more who was revoked: whoever there is not now is
 * taken to be. */
static void
revocation_that_has_left_the_log_is_assumed(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(write_text(f, "put networks first {}"), 0);
    copy(f);
    char *early = f->file;
    f->file = xasprintf("%s/late.db", f->dir);
    assert_int_equal(write_text(
        f, "put accounts late {'role':'admin'}\n"
        "put accounts gone {'role':'admin'}"), 0);
    copy(f);
    assert_int_equal(write_text(f, "delete accounts gone"), 0);
    char *late = f->file;
    f->file = early;
    restore_people(f, &plain, 0);
    keep_two_entries(f);
    assert_int_equal(write_text(f, "put networks second {}"), 0);
    struct ds ds = DS_EMPTY_INITIALIZER;
    assert_int_equal(store_sqlite_class.log(f->store, 3, &ds, NULL), ENOENT);
    ds_destroy(&ds);
    f->file = late;
    restore_people(f, &plain, 2);
    assert_null(account(f, "gone"));
    free(early);
}

/* That entries have left the log is not taken for revocations if they named
 * neither a token nor an account. */
static void
log_that_was_trimmed_of_other_changes_revokes_nothing(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(write_text(f, "put networks first {}"), 0);
    copy(f);
    char *early = f->file;
    f->file = xasprintf("%s/late.db", f->dir);
    assert_int_equal(write_text(f, "put accounts late {'role':'admin'}"), 0);
    copy(f);
    assert_int_equal(write_text(f, "put networks other {}"), 0);
    char *late = f->file;
    f->file = early;
    restore_people(f, &plain, 0);
    assert_null(account(f, "late"));
    keep_two_entries(f);
    assert_int_equal(write_text(f, "put networks second {}"), 0);
    f->file = late;
    restore_people(f, &plain, 0);
    assert_non_null(account(f, "late"));
    free(early);
}

/* The log's entry of a large change names the first thousand objects alone:
 * what there is not now may have been revoked by it. */
static void
revocation_among_many_changes_is_assumed(void **state)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct fixture *f = *state;

    assert_int_equal(write_text(f, "put networks first {}"), 0);
    copy(f);
    char *early = f->file;
    f->file = xasprintf("%s/late.db", f->dir);
    assert_int_equal(write_text(f, "put accounts gone {'role':'admin'}"), 0);
    copy(f);
    for (int i = 0; i < 1000; i++) {
        ds_put_format(&ds, "put groups n%d {}\n", i);
    }
    ds_put_cstr(&ds, "delete accounts gone");
    assert_int_equal(write_text(f, ds_cstr(&ds)), 0);
    assert_log_lacks(f, 3, "\"name\":\"gone\"");
    ds_destroy(&ds);
    char *late = f->file;
    f->file = early;
    restore_people(f, &plain, 0);
    f->file = late;
    restore_people(f, &plain, 1);
    assert_null(account(f, "gone"));
    free(early);
}

/* On a new machine. */
static void
database_of_another_vmnd_has_revoked_nothing(void **state)
{
    struct fixture *f = *state;
    struct store_restored r;

    assert_int_equal(write_text(f, people), 0);
    copy(f);
    close_store(f);
    unlink(f->path);
    open_store(f);
    for (int i = 0; i < 3; i++) {
        char *text = xasprintf("put networks n%d {}", i);

        assert_int_equal(write_text(f, text), 0);
        free(text);
    }
    close_store(f);
    restore(f, &r);
    assert_true(r.revoked_unknown);
    assert_int_equal(r.n_revoked, 0);
    store_restored_uninit(&r);
    open_store(f);
    assert_non_null(account(f, "anna"));
    assert_non_null(model_get(f->model, VMN_TABLE_TOKEN, "a1"));
}

static void
backup_replaces_no_file_unless_it_may(void **state)
{
    struct fixture *f = *state;
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

static uint32_t
vni(const struct fixture *f, const char *network)
{
    const struct vmn_network *n = model_get(f->model, VMN_TABLE_NETWORK,
                                            network);

    assert_non_null(n);
    return n->vni;
}

/* Numbers that were given out since the backup are not given to others until
 * every host has acknowledged the restored state. */
static void
restored_state_gives_out_no_number_again(void **state)
{
    struct fixture *f = *state;
    struct id_pools *numbers;
    struct store_restored r;

    assert_int_equal(write_text(f, shop), 0);
    copy(f);
    id_pools_declare(model_id_pools(f->model), "zone", 100);
    assert_non_null(id_pools_ref(model_id_pools(f->model), "zone", "c"));
    assert_int_equal(write_text(f, "put networks c {}\nput networks d {}"),
                     0);
    uint32_t c = vni(f, "c"), d = vni(f, "d");
    close_store(f);
    restore(f, &r);
    store_restored_uninit(&r);
    open_store(f);
    numbers = model_id_pools(f->model);
    id_pools_declare(numbers, "zone", 100);
    assert_string_equal(id_pools_key_of(numbers, "vni", c), "c");
    assert_int_equal(id_pools_peek(numbers, "zone", "c"), 1);
    assert_int_equal(write_text(f, "put networks e {}\nput networks d {}"),
                     0);
    assert_int_equal(vni(f, "d"), d);   /* Its own meaning. */
    assert_true(vni(f, "e") != c && vni(f, "e") != d);

    /* Then they are free. */
    id_pools_set_revision(numbers, 9);
    id_pools_acked(numbers, 9);
    assert_null(id_pools_key_of(numbers, "vni", c));
    assert_int_equal(id_pools_peek(numbers, "zone", "c"), 0);
}

/* A number of the backup that was another's meanwhile stays the other's. */
static void
number_that_was_anothers_is_changed(void **state)
{
    struct fixture *f = *state;
    struct store_restored r;

    assert_int_equal(write_text(f, "put networks fixed {'vni':50}"), 0);
    assert_int_equal(write_text(f, shop), 0);
    uint32_t a = vni(f, "a"), b = vni(f, "b");
    copy(f);
    close_store(f);
    /* As if both were deleted, acknowledged by all, and given out again. */
    run_sql(f->path,
            "DELETE FROM ports; DELETE FROM networks; DELETE FROM numbers;"
            "INSERT INTO numbers VALUES ('vni', 'x', (SELECT 51));"
            "INSERT INTO numbers VALUES ('vni', 'y', 50);"
            "INSERT INTO numbers VALUES ('zone', 'y', 7);");
    char *sql = xasprintf("INSERT INTO numbers VALUES ('vni', 'z', %"PRIu32
                          "); INSERT INTO numbers VALUES ('vni', 'b', 60)",
                          a);
    run_sql(f->path, sql);
    free(sql);
    run_sql(f->file, "INSERT INTO numbers VALUES ('zone', 'q', 7)");

    /* "a" is "z" now, "b" was 52 and became 60, "fixed" is "y". */
    restore(f, &r);
    assert_int_equal(r.n_shared, 1);
    store_restored_uninit(&r);
    open_store(f);
    struct id_pools *numbers = model_id_pools(f->model);
    assert_string_equal(id_pools_key_of(numbers, "vni", a), a == 51 ? "x"
                                                                   : "z");
    assert_true(vni(f, "a") != a && vni(f, "a") != b && vni(f, "a") != 60);
    assert_int_equal(vni(f, "b"), b);
    assert_int_equal(vni(f, "fixed"), 50);
    assert_string_equal(id_pools_key_of(numbers, "vni", 60), "b 60");
    assert_string_equal(id_pools_key_of(numbers, "zone", 7), "y");
    char *once = model_util_dump(f->model, true);
    char *again = dump_stored(f);
    assert_string_equal(once, again);
    free(once);
    free(again);
}

/* Where nobody knows what was given out since, there is a gap. */
static void
lost_database_leaves_a_gap(void **state)
{
    struct fixture *f = *state;
    struct store_restored r;

    assert_int_equal(write_text(f, shop), 0);
    uint32_t last = MAX(vni(f, "a"), vni(f, "b"));
    copy(f);
    close_store(f);
    char *sql = xasprintf("UPDATE revisions SET time_ms = %lld",
                          time_wall_msec() - 3600 * 1000);
    run_sql(f->file, sql);
    free(sql);
    unlink(f->path);
    restore(f, &r);
    assert_null(r.former);
    assert_true(r.revision > 3600 * 1000);
    store_restored_uninit(&r);
    open_store(f);
    assert_int_equal(write_text(f, "put networks c {}"), 0);
    assert_true(vni(f, "c") > last + 1000);
    struct ds ds = DS_EMPTY_INITIALIZER;
    ds_put_char(&ds, '[');
    struct vmn_error why = VMN_ERROR_INIT;
    assert_int_equal(store_sqlite_class.newest_logs(f->store, 10, &ds, &why),
                     0);
    ds_put_char(&ds, ']');
    json_t *logs = json_loads(ds_cstr(&ds), 0, NULL);
    ds_destroy(&ds);
    assert_int_equal(json_array_size(logs), 3);
    json_decref(logs);
}

/* The log of a database goes with it: it would be taken for the other's. */
static void
log_of_a_damaged_database_goes_with_it(void **state)
{
    struct fixture *f = *state;
    char *log = xasprintf("%s-wal", f->path);
    struct store_restored r;

    assert_int_equal(write_text(f, shop), 0);
    char *before = model_util_dump(f->model, true);
    copy(f);
    close_store(f);
    open_store(f);
    assert_int_equal(write_text(f, "put networks c {}"), 0);
    struct stat st;
    assert_int_equal(stat(log, &st), 0);
    char *content = read_all(log, st.st_size);
    close_store(f);
    scribble(f->path, 8192, 65536);
    write_all(log, content, st.st_size);
    restore(f, &r);
    assert_non_null(r.damage);
    char *aside = xasprintf("%s-wal", r.former);
    char *kept = read_all(aside, st.st_size);
    assert_memory_equal(kept, content, st.st_size);
    assert_int_equal(access(log, F_OK), -1);
    open_store(f);
    char *after = model_util_dump(f->model, true);
    assert_string_equal(after, before);
    store_restored_uninit(&r);
    free(before);
    free(after);
    free(kept);
    free(aside);
    free(content);
    free(log);
}

static void
time_of_the_last_backup_outlives_vmnd(void **state)
{
    const struct store_last_backup last = { 1700000000123, 7 };
    struct fixture *f = *state;
    struct store_stats stats;

    store_sqlite_class.get_stats(f->store, &stats);
    assert_int_equal(stats.last_backup.ms, 0);
    assert_int_equal(write_text(f, shop), 0);
    copy(f);
    store_sqlite_class.note_backup(f->store, &last);
    for (int i = 0; i < 2; i++) {
        close_store(f);
        if (i) {                /* The backup is from before. */
            restore_people(f, &plain, 0);
        } else {
            open_store(f);
            assert_int_equal(write_text(f, "put networks c {}"), 0);
        }
        store_sqlite_class.get_stats(f->store, &stats);
        assert_int_equal(stats.last_backup.ms, last.ms);
        assert_int_equal(stats.last_backup.revision, last.revision);
    }
}

static void
write_beside(const struct fixture *f, const char *suffix)
{
    char *name = xasprintf("%s%s", f->path, suffix);
    int fd = open(name, O_WRONLY | O_CREAT, 0600);

    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
    free(name);
}

static bool
is_beside(const struct fixture *f, const char *suffix)
{
    char *name = xasprintf("%s%s", f->path, suffix);
    bool there = !access(name, F_OK);

    free(name);
    return there;
}

static void
files_of_killed_restores_are_removed(void **state)
{
    static const char *const stale[] = {
        ".restore-dry-run-123", ".restore-dry-run-123-wal",
        ".restore-dry-run-123.former", ".restore-dry-run-123.former-journal",
        ".restore-dry-run-77.former", ".restore-part",
        ".restore-part.former",
    };
    static const char *const others[] = {
        ".restore-dry-run-x", ".restore-dry-run-", ".restore-20260101",
        ".before-restore-20260101T000000.000Z", ".restore-dry-run-12a",
    };
    static const struct store_restore dry = { .dry_run = true };
    struct fixture *f = *state;
    struct store_restored r;

    assert_int_equal(write_text(f, shop), 0);
    copy(f);
    for (int i = 0; i < 2; i++) {
        for (size_t j = 0; j < ARRAY_SIZE(stale); j++) {
            write_beside(f, stale[j]);
        }
        for (size_t j = 0; j < ARRAY_SIZE(others); j++) {
            write_beside(f, others[j]);
        }
        if (i) {                /* At a start. */
            close_store(f);
            open_store(f);
        } else {                /* What vmnd may be using is left to it. */
            assert_int_equal(store_file_restore(f->file, f->path, &dry, &r,
                                                NULL), 0);
            store_restored_uninit(&r);
        }
        for (size_t j = 0; j < ARRAY_SIZE(stale); j++) {
            assert_int_equal(is_beside(f, stale[j]),
                             !i && !strncmp(stale[j], ".restore-part", 13));
        }
        for (size_t j = 0; j < ARRAY_SIZE(others); j++) {
            assert_true(is_beside(f, others[j]));
        }
    }
}

/* A dry run that is still running. */
static void
files_of_a_running_dry_run_stay(void **state)
{
    struct fixture *f = *state;
    struct store_scratch scratch;

    assert_int_equal(store_scratch_make(&scratch, f->path, true, NULL), 0);
    close_store(f);
    open_store(f);
    assert_int_equal(access(scratch.copy, F_OK), 0);
    store_scratch_remove(&scratch);
    close_store(f);
    open_store(f);
}

static void
bad_backups_are_refused(void **state)
{
    struct fixture *f = *state;
    char *bad = xasprintf("%s/bad.db", f->dir);

    assert_int_equal(write_text(f, shop), 0);
    copy(f);
    char *before = dump_stored(f);
    close_store(f);
    check_restore_refused(f, "/nonexistent", ENOENT, "/nonexistent");
    check_restore_refused(f, f->dir, EINVAL, "is not a file");
    check_restore_refused(f, f->path, EINVAL, "is the database itself");
    close(open(bad, O_WRONLY | O_CREAT, 0600));
    check_restore_refused(f, bad, EINVAL, "bad.db is empty");

    static const struct {
        const char *sql;
        const char *part;
    } edits[] = {
        { "PRAGMA application_id = 1", "of another program" },
        { "PRAGMA user_version = 99", "newer vmnd" },
        { "DROP TABLE ports", "is damaged" },
        { "UPDATE ports SET network = 'none'", "is damaged: a row of ports" },
        { "UPDATE ports SET mac_given = NULL", "it has no MAC address" },
        { "CREATE TRIGGER t AFTER INSERT ON ports BEGIN SELECT 1; END",
          "has triggers or views" },
    };
    for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
        struct store_file_info info;
        struct vmn_error why = VMN_ERROR_INIT;

        assert_int_equal(store_file_backup(f->file, bad, true, &info,
                                           &why), 0);
        run_sql(bad, edits[i].sql);
        check_restore_refused(f, bad, i < 2 ? EINVAL : EUCLEAN,
                              edits[i].part);
    }
    scribble(f->file, 8192, 64);
    check_restore_refused(f, f->file, EUCLEAN, "backup.db is corrupt (");

    /* The database is as it was, and nothing is left beside it. */
    char *copy_name = xasprintf("%s.restore-part", f->path);
    assert_int_equal(access(copy_name, F_OK), -1);
    open_store(f);
    char *after = model_util_dump(f->model, true);
    assert_string_equal(after, before);
    free(copy_name);
    free(before);
    free(after);
    free(bad);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(copy_holds_what_is_durable),
        TEST(one_copy_at_a_time),
        TEST(saving_a_file_replaces_it_once_it_is_verified),
        TEST(corruption_ends_writing_and_memory_is_saved),
        TEST(corruption_found_by_a_copy_is_told),
        TEST(log_without_its_database_is_not_thrown_away),
        TEST(dry_run_of_a_restore_changes_nothing),
        TEST(revoked_tokens_and_accounts_stay_revoked),
        TEST(wider_rights_are_taken_back),
        TEST(revoked_ones_are_valid_again_if_it_is_asked_for),
        TEST(restore_of_a_restore_knows_what_was_revoked),
        TEST(account_that_was_made_anew_keeps_its_age),
        TEST(revocation_that_has_left_the_log_is_assumed),
        TEST(log_that_was_trimmed_of_other_changes_revokes_nothing),
        TEST(revocation_among_many_changes_is_assumed),
        TEST(backup_of_nothing_takes_all_back),
        TEST(backup_may_have_any_name),
        TEST(database_of_another_vmnd_has_revoked_nothing),
        TEST(backup_replaces_no_file_unless_it_may),
        TEST(restore_brings_back_what_was_saved),
        TEST(restore_asks_before_it_takes_changes_back),
        TEST(restored_state_gives_out_no_number_again),
        TEST(number_that_was_anothers_is_changed),
        TEST(lost_database_leaves_a_gap),
        TEST(log_of_a_damaged_database_goes_with_it),
        TEST(time_of_the_last_backup_outlives_vmnd),
        TEST(files_of_killed_restores_are_removed),
        TEST(files_of_a_running_dry_run_stay),
        TEST(bad_backups_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
