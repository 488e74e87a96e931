/* SPDX-License-Identifier: Apache-2.0
 *
 * Restores of the SQLite store: a backup brings back what was saved, what is
 * damaged is refused, and no number that was given out is given out again with
 * another meaning. */

#include <config.h>

#include <errno.h>
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
#include "controller/model/model.h"
#include "controller/store/store-file.h"
#include "controller/store/store-private.h"
#include "controller/store/store.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/model-util.h"
#include "tests/unit/store-file-fixture.h"
#include "timeval.h"
#include "util.h"

/* Checks which restore took 'revision' back; 0: none. */
static void
assert_taken_back(struct db_fixture *f, uint64_t revision, uint64_t restore)
{
    assert_int_equal(store_sqlite_class.taken_back(f->store, revision),
                     restore);
}

/* Checks the log after restore_brings_back_what_was_saved() has restored
 * revision 1 as revision 4. */
static void
check_log_of_restore(struct db_fixture *f)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    db_check_log_has(f, 2, "\"delete\",\"type\":\"networks\",\"name\":\"a\"");
    db_check_log_has(f, 3, "\"create\",\"type\":\"networks\",\"name\":\"c\"");
    db_check_log_has(f, 2, "\"comment\":\"cascade networks a\"");
    db_check_log_has(f, 4, "\"op\":\"restore\"");
    db_check_log_has(f, 4, "\"comment\":\"back\"");
    /* And what they made of objects. */
    assert_int_equal(store_sqlite_class.log_contents(f->store, 2, &ds, NULL),
                     0);
    assert_non_null(strstr(ds_cstr(&ds), "10.0.0.0/24"));
    ds_destroy(&ds);
    db_check_log_has(f, 4, "\"revision\":1}");
    /* These are marked as not in effect. */
    db_check_log_has(f, 2, "\"restored_over\":4,");
    db_check_log_has(f, 3, "\"restored_over\":4,");
    db_check_log_lacks(f, 1, "restored_over");
    db_check_log_lacks(f, 4, "restored_over");
}

static void
restore_brings_back_what_was_saved(void **state)
{
    struct db_fixture *f = *state;
    struct store_restored r;

    assert_int_equal(db_write(f, db_rows), 0);
    char *before = model_util_dump(f->model, true);
    db_copy(f);
    assert_int_equal(db_write(f, "cascade networks a"), 0);
    assert_int_equal(db_write(f, "put networks c {}"), 0);
    db_check_restore_refused(f, f->file, EBUSY,
                             "is in use by the vmnd with process ID");
    db_close(f);

    db_restore(f, &r);
    assert_int_equal(r.info.revision, 1);
    assert_null(r.damage);
    assert_int_equal(r.n_renumbered, 0);
    /* No revision is told again, and the log keeps those that are taken
     * back. */
    assert_int_equal(r.revision, 4);
    assert_int_equal(r.n_taken_back, 2);
    assert_false(r.log_cut);
    db_open(f);
    check_log_of_restore(f);
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
    db_close(f);
    free(f->file);
    f->file = r.former;
    r.former = NULL;
    store_restored_uninit(&r);
    db_restore(f, &r);
    store_restored_uninit(&r);
    db_open(f);
    assert_null(model_get(f->model, VMN_TABLE_NETWORK, "a"));
    assert_non_null(model_get(f->model, VMN_TABLE_NETWORK, "c"));
    /* So the restore before was taken back, and what it took back is there. */
    assert_taken_back(f, 2, 0);
    assert_taken_back(f, 3, 0);
    assert_taken_back(f, 4, 5);
    assert_taken_back(f, 5, 0);
    free(before);
}

/* Restores 'how', whose answer is no, after "a" was deleted and "c" added. */
static void
check_refused_restore(struct db_fixture *f, const struct store_restore *how)
{
    const struct db_loss *lost = how->aux;
    struct store_restored r;
    struct vmn_error why = VMN_ERROR_INIT;

    assert_int_equal(store_file_restore(f->file, f->path, how, &r,
                                        &why), ECANCELED);
    assert_null(why.text);
    assert_null(r.former);
    store_restored_uninit(&r);
    db_check_loss(lost, "\"op\":\"delete\",\"type\":\"networks\","
                  "\"name\":\"c\"");
    db_check_loss(lost, "\"op\":\"create\",\"type\":\"networks\","
                  "\"name\":\"a\"");
    db_check_loss(lost, "\"who\":\"unix:uid=0\"");
}

static void
restore_asks_before_it_takes_changes_back(void **state)
{
    struct db_loss lost = { .go_on = false };
    const struct store_restore how = {
        .confirm = db_on_confirm, .aux = &lost,
    };
    struct db_fixture *f = *state;
    struct store_restored r;
    struct vmn_error why = VMN_ERROR_INIT;

    assert_int_equal(db_write(f, db_rows), 0);
    db_copy(f);
    db_close(f);
    /* There is nothing to take back. */
    assert_int_equal(store_file_restore(f->file, f->path, &how, &r,
                                        &why), 0);
    assert_int_equal(lost.n, 0);
    assert_true(r.unchanged);
    store_restored_uninit(&r);
    db_open(f);
    assert_int_equal(db_write(f, "cascade networks a"), 0);
    assert_int_equal(db_write(f, "put networks c {}"), 0);
    assert_int_equal(db_write(f, "put networks c {'mtu':1400}"), 0);
    uint64_t revision = model_durable_revision(f->model);
    db_close(f);

    check_refused_restore(f, &how);
    assert_int_equal(lost.n, 1);
    db_open(f);
    assert_int_equal(model_durable_revision(f->model), revision);
    assert_non_null(model_get(f->model, VMN_TABLE_NETWORK, "c"));
    db_close(f);

    lost.go_on = true;
    assert_int_equal(store_file_restore(f->file, f->path, &how, &r,
                                        &why), 0);
    assert_int_equal(lost.n, 2);
    assert_false(r.unchanged);
    store_restored_uninit(&r);
    db_open(f);
    assert_null(model_get(f->model, VMN_TABLE_NETWORK, "c"));
    revision = model_durable_revision(f->model);
    db_close(f);

    /* A second time there is nothing to take back. */
    assert_int_equal(store_file_restore(f->file, f->path, &how, &r,
                                        &why), 0);
    assert_int_equal(lost.n, 2);
    assert_true(r.unchanged);
    assert_null(r.former);
    store_restored_uninit(&r);
    db_open(f);
    assert_int_equal(model_durable_revision(f->model), revision);
    free(lost.text);
}

/* Has the file be a member's, restores it, and checks what comes of it. */
static void
restore_member(struct db_fixture *f, struct db_loss *lost, bool go_on,
               bool compared)
{
    const struct store_restore how = {
        .confirm = db_on_confirm, .aux = lost,
    };
    struct vmn_error why = VMN_ERROR_INIT;
    struct store_restored r;

    lost->go_on = go_on;
    assert_int_equal(store_file_restore(f->file, f->path, &how, &r, &why),
                     go_on ? 0 : ECANCELED);
    assert_null(why.text);
    assert_true(r.of_member);
    assert_false(r.unchanged);
    assert_int_equal(go_on, r.former != NULL);
    assert_int_equal(compared, r.uncompared == NULL);
    store_restored_uninit(&r);
    db_check_loss(lost, "\"n_objects\":0,");
}

/* What is restored is of no cluster: that is asked for where no object
 * differs, too, and where none can be compared. */
static void
restore_asks_before_a_member_is_none(void **state)
{
    const struct store_place member = { .cluster = 9, .index = 3 };
    struct db_loss lost = { .go_on = false };
    struct db_fixture *f = *state;

    assert_int_equal(db_write(f, db_rows), 0);
    db_copy(f);
    assert_int_equal(store_sqlite_class.set_place(f->store, &member, NULL), 0);
    db_close(f);
    restore_member(f, &lost, false, true);
    assert_int_equal(lost.n, 1);
    restore_member(f, &lost, true, true);
    assert_int_equal(lost.n, 2);
    db_open(f);
    assert_int_equal(store_sqlite_class.set_place(f->store, &member, NULL), 0);
    db_close(f);
    db_run_sql(f->path, "UPDATE ports SET network = 'none'");
    restore_member(f, &lost, false, false);
    assert_int_equal(lost.n, 3);
    restore_member(f, &lost, true, false);
    assert_int_equal(lost.n, 4);
    db_open(f);
    free(lost.text);
}

/* As where it is no database at all: nobody knows what would be lost. */
static void
restore_asks_where_rows_cannot_be_loaded(void **state)
{
    struct db_loss lost = { .go_on = false };
    const struct store_restore how = {
        .confirm = db_on_confirm, .aux = &lost,
    };
    struct vmn_error why = VMN_ERROR_INIT;
    struct db_fixture *f = *state;
    struct store_restored r;

    assert_int_equal(db_write(f, db_rows), 0);
    db_copy(f);
    db_close(f);
    db_run_sql(f->path, "UPDATE ports SET network = 'none'");
    for (int i = 0; i < 2; i++) {
        lost.go_on = i;
        assert_int_equal(store_file_restore(f->file, f->path, &how, &r, &why),
                         i ? 0 : ECANCELED);
        assert_null(why.text);
        assert_int_equal(lost.n, i + 1);
        assert_non_null(r.uncompared);
        assert_int_equal(i, r.former != NULL);
        store_restored_uninit(&r);
    }
    db_open(f);
    free(lost.text);
}

/* Fields say what they are now, and in the backup; vmnd may be running. */
static void
dry_run_of_a_restore_changes_nothing(void **state)
{
    struct db_loss lost = { .go_on = false };
    const struct store_restore how = {
        .dry_run = true, .confirm = db_on_confirm, .aux = &lost,
    };
    struct db_fixture *f = *state;
    struct store_restored r;

    assert_int_equal(db_write(f, db_rows), 0);
    db_copy(f);
    assert_int_equal(db_write(f, "put networks b {'mtu':1300}"), 0);
    assert_int_equal(db_write(f, "put networks c {}"), 0);
    assert_int_equal(db_write(f, "delete networks c"), 0);
    assert_int_equal(store_file_restore(f->file, f->path, &how, &r, NULL), 0);
    assert_null(r.former);
    store_restored_uninit(&r);
    assert_int_equal(lost.n, 1);
    db_check_loss(&lost, "\"n_objects\":1,\"objects\":[{\"op\":\"update\","
                  "\"type\":\"networks\",\"name\":\"b\",\"fields\":["
                  "{\"path\":\"/spec/mtu\",\"before\":1300");
    db_check_loss(&lost, "\"n_revisions\":3,");
    /* The database is as it was, and in use. */
    assert_int_equal(db_write(f, "put networks d {}"), 0);
    assert_int_equal(model_durable_revision(f->model), 5);
    free(lost.text);
}

static void
restore_says_what_it_loosens(void **state)
{
    struct db_loss lost = { .go_on = false };
    const struct store_restore how = {
        .dry_run = true, .confirm = db_on_confirm, .aux = &lost,
    };
    struct db_fixture *f = *state;
    struct store_restored r;

    assert_int_equal(db_write(f, "put networks n {'subnets':[{'cidr':"
                              "'10.0.0.0/24'}]}\n"
                              "put ports db {'network':'n'}\n"
                              "put ports old {'network':'n'}\n"
                              "put groups g {'ports':['db']}"), 0);
    db_copy(f);
    assert_int_equal(db_write(f, "put policies p {'applies_to':['g'],"
                              "'directions':['ingress']}\n"
                              "put quarantines q {'ports':['old']}\n"
                              "put groups h {'ports':['db']}\n"
                              "patch groups g {'groups':['h']}"), 0);
    assert_int_equal(store_file_restore(f->file, f->path, &how, &r, NULL), 0);
    store_restored_uninit(&r);
    db_check_loss(&lost, "policy \\\"p\\\", which is enforced, is deleted");
    db_check_loss(&lost, "port \\\"db\\\" is not isolated any more");
    db_check_loss(&lost, "port \\\"old\\\" is not quarantined any more");
    free(lost.text);
}

/* The backup is from before the app was loaded, or has other code of it. */
static void
restore_says_what_apps_deny_no_more(void **state)
{
#define GUARD(LAST) "put apps guard {'module':{'file':'guard.lua','digest':'" \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde" LAST   \
    "','denies':true},'code':'eA=='}"
    struct db_loss lost = { .go_on = false };
    const struct store_restore how = {
        .dry_run = true, .confirm = db_on_confirm, .aux = &lost,
    };
    struct db_fixture *f = *state;
    struct store_restored r;

    assert_int_equal(db_write(f, "put networks n {}"), 0);
    db_copy(f);
    assert_int_equal(db_write_as(f, "vmnd", 1000, GUARD("1")), 0);
    assert_int_equal(store_file_restore(f->file, f->path, &how, &r, NULL), 0);
    store_restored_uninit(&r);
    db_check_loss(&lost, "app \\\"guard\\\" is removed, and denies nothing");
    free(lost.text);
    lost.text = NULL;
    db_copy(f);
    assert_int_equal(db_write_as(f, "vmnd", 1000, GUARD("2")), 0);
    assert_int_equal(store_file_restore(f->file, f->path, &how, &r, NULL), 0);
    store_restored_uninit(&r);
    db_check_loss(&lost, "app \\\"guard\\\" has other code, and may deny");
    free(lost.text);
}

/* A backup from before the first change has revision 0. */
static void
backup_of_nothing_takes_all_back(void **state)
{
    struct db_fixture *f = *state;
    struct store_restored r;

    db_copy(f);
    assert_int_equal(db_write(f, db_rows), 0);
    /* What is no user's is not among those that are counted. */
    assert_int_equal(db_write_as(f, "vmnd", 1000, "put networks d {}"), 0);
    db_close(f);
    db_restore(f, &r);
    assert_int_equal(r.info.revision, 0);
    assert_int_equal(r.n_taken_back, 1);
    store_restored_uninit(&r);
    db_open(f);
    assert_int_equal(model_names(f->model, VMN_TABLE_NETWORK).n, 0);
    assert_taken_back(f, 1, 3);
    db_check_log_has(f, 1, "\"restored_over\":3,");
    db_check_log_has(f, 2, "\"restored_over\":3,");
}

/* Whatever the file is called, the log says of when it is. */
static void
backup_may_have_any_name(void **state)
{
    struct db_fixture *f = *state;
    struct store_restored r;

    free(f->file);
    f->file = xasprintf("%s/\xff.db", f->dir);
    assert_int_equal(db_write(f, db_rows), 0);
    db_copy(f);
    assert_int_equal(db_write(f, "put networks c {}"), 0);
    db_close(f);
    db_restore(f, &r);
    store_restored_uninit(&r);
    db_open(f);
    db_check_log_has(f, 3, "\"op\":\"restore\"");
    assert_taken_back(f, 2, 3);
}

static void
time_of_the_last_backup_outlives_vmnd(void **state)
{
    const struct store_last_backup last = { 1700000000123, 7 };
    struct db_fixture *f = *state;
    struct store_stats stats;

    store_sqlite_class.get_stats(f->store, &stats);
    assert_int_equal(stats.last_backup.ms, 0);
    assert_int_equal(db_write(f, db_rows), 0);
    db_copy(f);
    store_sqlite_class.note_backup(f->store, &last);
    for (int i = 0; i < 2; i++) {
        db_close(f);
        if (i) {                /* The backup is from before. */
            db_restore_with(f, &db_restore_plain, 0);
        } else {
            db_open(f);
            assert_int_equal(db_write(f, "put networks c {}"), 0);
        }
        store_sqlite_class.get_stats(f->store, &stats);
        assert_int_equal(stats.last_backup.ms, last.ms);
        assert_int_equal(stats.last_backup.revision, last.revision);
    }
}

/* Numbers.  --------------------------------------------------------------- */

static uint32_t
vni(const struct db_fixture *f, const char *network)
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
    struct db_fixture *f = *state;
    struct id_pools *numbers;
    struct store_restored r;

    assert_int_equal(db_write(f, db_rows), 0);
    db_copy(f);
    id_pools_declare(model_id_pools(f->model), "zone", 100);
    assert_non_null(id_pools_ref(model_id_pools(f->model), "zone", "c"));
    assert_int_equal(db_write(f, "put networks c {}\nput networks d {}"),
                     0);
    uint32_t c = vni(f, "c"), d = vni(f, "d");
    db_close(f);
    db_restore(f, &r);
    store_restored_uninit(&r);
    db_open(f);
    numbers = model_id_pools(f->model);
    id_pools_declare(numbers, "zone", 100);
    assert_string_equal(id_pools_key_of(numbers, "vni", c), "c");
    assert_int_equal(id_pools_peek(numbers, "zone", "c"), 1);
    assert_int_equal(db_write(f, "put networks e {}\nput networks d {}"),
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
    struct db_fixture *f = *state;
    struct store_restored r;

    assert_int_equal(db_write(f, "put networks fixed {'vni':50}"), 0);
    assert_int_equal(db_write(f, db_rows), 0);
    uint32_t a = vni(f, "a"), b = vni(f, "b");
    db_copy(f);
    db_close(f);
    /* As if both were deleted, acknowledged by all, and given out again. */
    db_run_sql(f->path,
            "DELETE FROM ports; DELETE FROM networks; DELETE FROM numbers;"
            "INSERT INTO numbers VALUES ('vni', 'x', (SELECT 51));"
            "INSERT INTO numbers VALUES ('vni', 'y', 50);"
            "INSERT INTO numbers VALUES ('zone', 'y', 7);");
    char *sql = xasprintf("INSERT INTO numbers VALUES ('vni', 'z', %"PRIu32
                          "); INSERT INTO numbers VALUES ('vni', 'b', 60)",
                          a);
    db_run_sql(f->path, sql);
    free(sql);
    db_run_sql(f->file, "INSERT INTO numbers VALUES ('zone', 'q', 7)");

    /* "a" is "z" now, "b" was 52 and became 60, "fixed" is "y". */
    db_restore(f, &r);
    assert_int_equal(r.n_shared, 1);
    store_restored_uninit(&r);
    db_open(f);
    struct id_pools *numbers = model_id_pools(f->model);
    assert_string_equal(id_pools_key_of(numbers, "vni", a), a == 51 ? "x"
                                                                   : "z");
    assert_true(vni(f, "a") != a && vni(f, "a") != b && vni(f, "a") != 60);
    assert_int_equal(vni(f, "b"), b);
    assert_int_equal(vni(f, "fixed"), 50);
    assert_string_equal(id_pools_key_of(numbers, "vni", 60), "b 60");
    assert_string_equal(id_pools_key_of(numbers, "zone", 7), "y");
    char *once = model_util_dump(f->model, true);
    char *again = db_dump(f);
    assert_string_equal(once, again);
    free(once);
    free(again);
}

/* Where nobody knows what was given out since, there is a gap. */
static void
lost_database_leaves_a_gap(void **state)
{
    struct db_fixture *f = *state;
    struct store_restored r;

    assert_int_equal(db_write(f, db_rows), 0);
    uint32_t last = MAX(vni(f, "a"), vni(f, "b"));
    db_copy(f);
    db_close(f);
    char *sql = xasprintf("UPDATE revisions SET time_ms = %lld",
                          time_wall_msec() - 3600 * 1000);
    db_run_sql(f->file, sql);
    free(sql);
    unlink(f->path);
    db_restore(f, &r);
    assert_null(r.former);
    assert_true(r.revision > 3600 * 1000);
    store_restored_uninit(&r);
    db_open(f);
    assert_int_equal(db_write(f, "put networks c {}"), 0);
    assert_true(vni(f, "c") > last + 1000);
    struct ds ds = DS_EMPTY_INITIALIZER;
    ds_put_char(&ds, '[');
    struct vmn_error why = VMN_ERROR_INIT;
    assert_int_equal(store_sqlite_class.newest_logs(f->store, UINT64_MAX, 10,
                                                    &ds, &why), 0);
    ds_put_char(&ds, ']');
    json_t *logs = json_loads(ds_cstr(&ds), 0, NULL);
    ds_destroy(&ds);
    assert_int_equal(json_array_size(logs), 3);
    json_decref(logs);
}

/* What is damaged.  ------------------------------------------------------- */

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

/* The log of a database goes with it: it would be taken for the other's. */
static void
log_of_a_damaged_database_goes_with_it(void **state)
{
    struct db_fixture *f = *state;
    char *log = xasprintf("%s-wal", f->path);
    struct store_restored r;

    assert_int_equal(db_write(f, db_rows), 0);
    char *before = model_util_dump(f->model, true);
    db_copy(f);
    db_close(f);
    db_open(f);
    assert_int_equal(db_write(f, "put networks c {}"), 0);
    struct stat st;
    assert_int_equal(stat(log, &st), 0);
    char *content = read_all(log, st.st_size);
    db_close(f);
    db_scribble(f->path, 8192, 65536);
    write_all(log, content, st.st_size);
    db_restore(f, &r);
    assert_non_null(r.damage);
    char *aside = xasprintf("%s-wal", r.former);
    char *kept = read_all(aside, st.st_size);
    assert_memory_equal(kept, content, st.st_size);
    assert_int_equal(access(log, F_OK), -1);
    db_open(f);
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
write_beside(const struct db_fixture *f, const char *suffix)
{
    char *name = xasprintf("%s%s", f->path, suffix);
    int fd = open(name, O_WRONLY | O_CREAT, 0600);

    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
    free(name);
}

static bool
is_beside(const struct db_fixture *f, const char *suffix)
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
    struct db_fixture *f = *state;
    struct store_restored r;

    assert_int_equal(db_write(f, db_rows), 0);
    db_copy(f);
    for (int i = 0; i < 2; i++) {
        for (size_t j = 0; j < ARRAY_SIZE(stale); j++) {
            write_beside(f, stale[j]);
        }
        for (size_t j = 0; j < ARRAY_SIZE(others); j++) {
            write_beside(f, others[j]);
        }
        if (i) {                /* At a start. */
            db_close(f);
            db_open(f);
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
    struct db_fixture *f = *state;
    struct store_scratch scratch;

    assert_int_equal(store_scratch_make(&scratch, f->path, true, NULL), 0);
    db_close(f);
    db_open(f);
    assert_int_equal(access(scratch.copy, F_OK), 0);
    store_scratch_remove(&scratch);
    db_close(f);
    db_open(f);
}

/* Processes of two containers may have the same number. */
static void
dry_run_takes_another_name_for_its_files(void **state)
{
    struct db_fixture *f = *state;
    struct store_scratch first, second;

    assert_int_equal(store_scratch_make(&first, f->path, true, NULL), 0);
    assert_int_equal(store_scratch_make(&second, f->path, true, NULL), 0);
    assert_string_not_equal(first.copy, second.copy);
    db_close(f);
    db_open(f);
    assert_int_equal(access(second.copy, F_OK), 0);
    store_scratch_remove(&second);
    store_scratch_remove(&first);
    db_close(f);
    db_open(f);
}

static void
bad_backups_are_refused(void **state)
{
    struct db_fixture *f = *state;
    char *bad = xasprintf("%s/bad.db", f->dir);

    assert_int_equal(db_write(f, db_rows), 0);
    db_copy(f);
    char *before = db_dump(f);
    db_close(f);
    db_check_restore_refused(f, "/nonexistent", ENOENT, "/nonexistent");
    db_check_restore_refused(f, f->dir, EINVAL, "is not a file");
    db_check_restore_refused(f, f->path, EINVAL, "is the database itself");
    close(open(bad, O_WRONLY | O_CREAT, 0600));
    db_check_restore_refused(f, bad, EINVAL, "bad.db is empty");

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
        db_run_sql(bad, edits[i].sql);
        db_check_restore_refused(f, bad, i < 2 ? EINVAL : EUCLEAN,
                              edits[i].part);
    }
    db_scribble(f->file, 8192, 64);
    db_check_restore_refused(f, f->file, EUCLEAN, "backup.db is corrupt (");

    /* No more does a folder give way to it. */
    struct store_restored restored;
    struct vmn_error why = VMN_ERROR_INIT;
    struct stat st;

    assert_int_equal(store_file_restore(f->file, f->dir, &db_restore_plain,
                                        &restored, &why), EINVAL);
    assert_non_null(strstr(why.text, "is a folder"));
    assert_int_equal(stat(f->dir, &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    vmn_error_uninit(&why);
    store_restored_uninit(&restored);

    /* The database is as it was, and nothing is left beside it. */
    char *copy_name = xasprintf("%s.restore-part", f->path);
    assert_int_equal(access(copy_name, F_OK), -1);
    db_open(f);
    char *after = model_util_dump(f->model, true);
    assert_string_equal(after, before);
    free(copy_name);
    free(before);
    free(after);
    free(bad);
}

int
main(int argc, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        TEST(restore_brings_back_what_was_saved),
        TEST(restore_asks_before_it_takes_changes_back),
        TEST(restore_asks_before_a_member_is_none),
        TEST(restore_asks_where_rows_cannot_be_loaded),
        TEST(dry_run_of_a_restore_changes_nothing),
        TEST(restore_says_what_it_loosens),
        TEST(restore_says_what_apps_deny_no_more),
        TEST(backup_of_nothing_takes_all_back),
        TEST(backup_may_have_any_name),
        TEST(time_of_the_last_backup_outlives_vmnd),
        TEST(restored_state_gives_out_no_number_again),
        TEST(number_that_was_anothers_is_changed),
        TEST(lost_database_leaves_a_gap),
        TEST(log_of_a_damaged_database_goes_with_it),
        TEST(files_of_killed_restores_are_removed),
        TEST(files_of_a_running_dry_run_stay),
        TEST(dry_run_takes_another_name_for_its_files),
        TEST(bad_backups_are_refused),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
