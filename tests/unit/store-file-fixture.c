/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the files of the SQLite store share; see
 * store-file-fixture.h. */

#include <config.h>

#include "tests/unit/store-file-fixture.h"

#include <dirent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "openvswitch/dynamic-string.h"
#include "tests/unit/model-util.h"
#include "util.h"

const char db_rows[] =
    "put hosts h1 {'ovsdb':'inbound','tunnel_ip':'192.0.2.1'}\n"
    "put networks a {'subnets':[{'cidr':'10.0.0.0/24'}]}\n"
    "put networks b {}\n"
    "put ports p {'network':'a','host':'h1','labels':{'x':'y'}}\n"
    "put groups g {'selector':'x=y'}";

const struct store_restore db_restore_plain = { .comment = "back" };

void
db_open(struct db_fixture *f)
{
    struct vmn_error why = VMN_ERROR_INIT;

    f->model = model_create();
    if (store_sqlite_class.open(f->path, f->base, &f->store, &why)
        || store_sqlite_class.load(f->store, f->model, &why)) {
        fail_msg("%s", why.text);
    }
}

void
db_close(struct db_fixture *f)
{
    store_sqlite_class.close(f->store);
    model_destroy(f->model);
    f->store = NULL;
    f->model = NULL;
}

int
db_setup(void **state)
{
    struct db_fixture *f = xzalloc(sizeof *f);
    const char *parent = getenv("TMPDIR");

    f->dir = xasprintf("%s/test-store-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(f->dir));
    f->path = xasprintf("%s/state.db", f->dir);
    f->file = xasprintf("%s/backup.db", f->dir);
    f->base = event_base_new();
    f->fd = -1;
    db_open(f);
    *state = f;
    return 0;
}

int
db_teardown(void **state)
{
    struct db_fixture *f = *state;
    struct dirent *entry;

    if (f->store) {
        db_close(f);
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
    struct db_fixture *f = f_;

    f->done = true;
    f->error = error;
    free(f->text);
    f->text = nullable_xstrdup(error ? why->text : NULL);
}

int
db_write_as(struct db_fixture *f, const char *who, int64_t now_ms,
            const char *text)
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

int
db_write(struct db_fixture *f, const char *text)
{
    return db_write_as(f, "unix:uid=0", 1000, text);
}

void
db_on_copied(void *f_, int error, const struct vmn_error *why, int fd)
{
    struct db_fixture *f = f_;

    on_done(f, error, why);
    f->fd = fd;
}

void
db_copy(struct db_fixture *f)
{
    struct vmn_error why = VMN_ERROR_INIT;
    char buf[4096];
    ssize_t n;

    f->done = false;
    assert_int_equal(store_sqlite_class.copy(f->store, f->model, db_on_copied,
                                             f, &why), 0);
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

char *
db_dump(struct db_fixture *f)
{
    db_close(f);
    db_open(f);
    return model_util_dump(f->model, true);
}

void
db_check_log_has(struct db_fixture *f, uint64_t revision, const char *part)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    assert_int_equal(store_sqlite_class.log(f->store, revision, &ds, NULL), 0);
    if (!strstr(ds_cstr(&ds), part)) {
        fail_msg("%s does not have %s", ds_cstr(&ds), part);
    }
    ds_destroy(&ds);
}

void
db_check_log_lacks(struct db_fixture *f, uint64_t revision, const char *part)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    assert_int_equal(store_sqlite_class.log(f->store, revision, &ds, NULL), 0);
    assert_null(strstr(ds_cstr(&ds), part));
    ds_destroy(&ds);
}

void
db_restore(struct db_fixture *f, struct store_restored *r)
{
    struct vmn_error why = VMN_ERROR_INIT;

    if (store_file_restore(f->file, f->path, &db_restore_plain, r, &why)) {
        fail_msg("%s", why.text);
    }
}

void
db_restore_with(struct db_fixture *f, const struct store_restore *how,
                size_t n_revoked)
{
    struct vmn_error why = VMN_ERROR_INIT;
    struct store_restored r;

    db_close(f);
    if (store_file_restore(f->file, f->path, how, &r, &why)) {
        fail_msg("%s", why.text);
    }
    assert_int_equal(r.n_revoked, n_revoked);
    assert_false(r.revoked_unknown);
    store_restored_uninit(&r);
    db_open(f);
}

void
db_check_restore_refused(struct db_fixture *f, const char *file, int error,
                      const char *part)
{
    struct store_restored r;
    struct vmn_error why = VMN_ERROR_INIT;

    assert_int_equal(store_file_restore(file, f->path, &db_restore_plain, &r,
                                        &why), error);
    if (!strstr(why.text, part)) {
        fail_msg("got \"%s\", expected \"%s\"", why.text, part);
    }
    vmn_error_uninit(&why);
    store_restored_uninit(&r);
}

bool
db_on_confirm(void *lost_, const struct store_loss *loss)
{
    struct db_loss *lost = lost_;
    json_t *json = json_pack("{s:i, s:O, s:i, s:O, s:O, s:O*}",
                             "n_revisions", (int) loss->n_revisions,
                             "revisions", loss->revisions, "n_objects",
                             (int) loss->n_objects, "objects", loss->objects,
                             "revoked", loss->revoked, "loosened",
                             loss->loosened);

    free(lost->text);
    lost->text = json_dumps(json, JSON_COMPACT);
    lost->n++;
    json_decref(json);
    return lost->go_on;
}

void
db_check_loss(const struct db_loss *lost, const char *part)
{
    if (!strstr(lost->text, part)) {
        fail_msg("%s does not have %s", lost->text, part);
    }
}

void
db_run_sql(const char *path, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    sqlite3_close(db);
}

void
db_scribble(const char *path, off_t at, size_t n)
{
    int fd = open(path, O_WRONLY);

    for (size_t i = 0; i < n; i++) {
        assert_int_equal(pwrite(fd, "\xa5", 1, at + i), 1);
    }
    close(fd);
}
