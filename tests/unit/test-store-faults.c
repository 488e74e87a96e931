/* SPDX-License-Identifier: Apache-2.0
 *
 * The SQLite store and faults: writes and reads that fail, a disk that is
 * full, a writer that is killed. What failed was not stored. */

#include <config.h>

#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "controller/store/store.h"
#include "tests/unit/fault-vfs.h"
#include "tests/unit/model-util.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/store-fixture.h"
#include "util.h"

/* Faults.  ---------------------------------------------------------------- */

static void
copy_file(const char *from, const char *to)
{
    int in = open(from, O_RDONLY);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    char buf[4096];
    ssize_t n;

    while (in >= 0 && (n = read(in, buf, sizeof buf)) > 0) {
        assert_int_equal(write(out, buf, n), n);
    }
    close(in);
    close(out);
}

/* What a vmnd would find that starts after a crash at this moment. */
static char *
dump_after_crash(const struct fixture *f)
{
    char *from_wal = xasprintf("%s-wal", f->path);
    struct fixture copy;

    open_dir(&copy);
    char *to_wal = xasprintf("%s-wal", copy.path);
    copy_file(f->path, copy.path);
    if (!access(from_wal, F_OK)) {
        copy_file(from_wal, to_wal);
    }
    open_store(&copy);
    char *dump = model_util_dump(copy.model, true);
    close_store(&copy);
    close_dir(&copy);
    free(from_wal);
    free(to_wal);
    return dump;
}

/* Fails the n-th write, for each n, until a batch goes through. */
static void
fail_each_write(struct fixture *f, bool stay)
{
    bool failed;
    int n = 0;

    store_apply(f, base_rows);
    assert_int_equal(submit(f), 0);
    do {
        char *before = model_util_dump(f->model, true);
        uint64_t revision = model_durable_revision(f->model);

        store_apply(f, "put networks x {}\nput ports x {'network':'x'}\n"
                    "delete policies pol");
        fault_vfs_fail_nth(++n, stay);
        submit(f);
        failed = fault_vfs_has_failed();
        fault_vfs_fail_nth(0, false);

        char *crashed = dump_after_crash(f);
        if (failed && f->error) {
            assert_non_null(f->text);
            if (!stay) {
                assert_string_equal(crashed, before);
            }
            assert_int_equal(model_durable_revision(f->model), revision);
            assert_non_null(model_get(f->model, VMN_TABLE_POLICY, "pol"));
        } else {
            /* A fault in a checkpoint after the commit harms nobody. */
            char *now = model_util_dump(f->model, true);

            assert_string_equal(crashed, now);
            free(now);
            store_apply(f, "cascade networks x\nput policies pol "
                        "{'applies_to':['g']}");
        }
        free(crashed);
        free(before);

        /* The next batch works. */
        store_apply(f, n % 2 ? "put groups y {}" : "delete groups y");
        assert_int_equal(submit(f), 0);
        char *now = model_util_dump(f->model, true);
        crashed = dump_after_crash(f);
        assert_string_equal(crashed, now);
        free(crashed);
        free(now);
    } while (failed);
    assert_true(n > 5);
}

static void
fault_once_at_each_write(void **state)
{
    struct fixture *f = *state;

    close_store(f);
    fault_vfs_register();
    open_store(f);
    fail_each_write(f, false);
    close_store(f);
    fault_vfs_unregister();
    open_store(f);
}

static void
fault_for_good_at_each_write(void **state)
{
    struct fixture *f = *state;

    close_store(f);
    fault_vfs_register();
    open_store(f);
    fail_each_write(f, true);
    close_store(f);
    fault_vfs_unregister();
    open_store(f);
}

/* The ways to read the log. */
enum reading { READ_ONE, READ_AFTER, READ_NEWEST, READ_OBJECT, N_READINGS };

static int
read_in_way(struct fixture *f, enum reading way, struct ds *ds,
            struct vmn_error *why)
{
    uint64_t next;

    switch (way) {
    case READ_ONE:
        return store_sqlite_class.log(f->store, 2, ds, why);
    case READ_AFTER:
        return store_sqlite_class.logs(f->store, 0, UINT64_MAX, 1000, ds, why);
    case READ_NEWEST:
        return store_sqlite_class.newest_logs(f->store, UINT64_MAX, 1000,
                                              ds, why);
    case READ_OBJECT:
        return store_sqlite_class.filter_logs(
            f->store, &(const struct store_log_filter) {
                .type = "groups", .name = "g", .since_ms = INT64_MIN,
            }, UINT64_MAX, 1000, ds, &next, why);
    case N_READINGS:
    default:
        OVS_NOT_REACHED();
    }
}

/* Fails the n-th read, for each n, until a reading goes through: it is an
 * error or has all that there is, never less. */
static void
fail_each_read(struct fixture *f, enum reading way, bool stay)
{
    struct store_stats stats;
    bool failed;
    int n = 0;

    do {
        struct ds whole = DS_EMPTY_INITIALIZER;
        struct ds ds = DS_EMPTY_INITIALIZER;
        struct vmn_error why = VMN_ERROR_INIT;

        assert_int_equal(read_in_way(f, way, &whole, &why), 0);
        /* What the connection has read before is not read again. */
        close_store(f);
        open_store(f);
        fault_vfs_fail_nth_read(++n, stay);
        ds_put_char(&ds, '[');
        int error = read_in_way(f, way, &ds, &why);
        failed = fault_vfs_has_failed();
        fault_vfs_fail_nth(0, false);
        if (error) {
            assert_true(failed);
            assert_int_equal(error, EIO);
            assert_non_null(strstr(why.text, "cannot read the log: "));
            assert_string_equal(ds_cstr(&ds), "[");
            vmn_error_uninit(&why);
        } else {
            assert_string_equal(ds_cstr(&ds) + 1, ds_cstr(&whole));
        }
        store_sqlite_class.get_stats(f->store, &stats);
        assert_int_equal(stats.n_read_failures, error != 0);
        assert_false(stats.corrupt);
        assert_true(stay ? !failed == !error : !error || failed);
        ds_destroy(&ds);
        ds_destroy(&whole);
    } while (failed);
    /* More than one entry's pages were among them. */
    assert_true(n > (way == READ_ONE ? 2 : 10));
}

static void
fault_at_each_read_of_the_log(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 300; i++) {
        char *change = xasprintf(
            "put groups g {'description':'%d'}\nput groups of-a-long-name-%d"
            " {}\nput groups other-%d {}", i, i, i);

        store_apply(f, change);
        assert_int_equal(submit(f), 0);
        free(change);
    }
    close_store(f);
    fault_vfs_register();
    open_store(f);
    for (int way = 0; way < N_READINGS; way++) {
        fail_each_read(f, way, false);
        fail_each_read(f, way, true);
    }
    close_store(f);
    fault_vfs_unregister();
    open_store(f);
}

static void
full_file_is_told(void **state)
{
    struct fixture *f = *state;
    char *dump;

    store_apply(f, base_rows);
    assert_int_equal(submit(f), 0);
    close_store(f);
    fault_vfs_register();
    open_store(f);
    dump = model_util_dump(f->model, false);
    store_apply(f, "put groups x {}");
    fault_vfs_fail_nth(1, true);
    assert_int_equal(submit(f), ENOSPC);
    assert_string_equal(f->text, "cannot store: database or disk is full");
    fault_vfs_fail_nth(0, false);

    char *after = model_util_dump(f->model, false);
    assert_string_equal(dump, after);
    free(dump);
    free(after);
    close_store(f);
    fault_vfs_unregister();
    open_store(f);
}

/* A child commits and tells of each revision that is durable, until it is
 * killed. */
static void OVS_NO_RETURN
commit_for_ever(const char *path, int fd)
{
    struct fixture f = { .path = xstrdup(path) };

    f.base = event_base_new();
    open_store(&f);
    for (int i = 0; ; i++) {
        char *text = xasprintf("put groups g%d {'description':'%d'}",
                               i % 10, (int) model_revision(f.model));
        uint64_t revision;

        store_apply(&f, text);
        free(text);
        if (submit(&f)) {
            _exit(1);
        }
        revision = model_durable_revision(f.model);
        if (write(fd, &revision, sizeof revision) != sizeof revision) {
            _exit(1);
        }
    }
}

static void
killed_writer_loses_nothing(void **state)
{
    struct fixture *f = *state;

    for (int round = 0; round < 20; round++) {
        uint64_t acked = 0, revision;
        int fds[2];

        close_store(f);
        assert_int_equal(pipe(fds), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (!pid) {
            close(fds[0]);
            commit_for_ever(f->path, fds[1]);
        }
        close(fds[1]);
        for (int i = 0; i < 1 + round * 3; i++) {
            assert_int_equal(read(fds[0], &acked, sizeof acked),
                             sizeof acked);
        }
        kill(pid, SIGKILL);
        while (read(fds[0], &revision, sizeof revision) == sizeof revision) {
            acked = revision;
        }
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        close(fds[0]);

        open_store(f);
        /* One more may have become durable without being told of. */
        assert_true(model_durable_revision(f->model) >= acked);
        assert_true(model_durable_revision(f->model) <= acked + 1);
    }
}

/* Of a cluster.  ---------------------------------------------------------- */

static void
append(void *index_, char *text, size_t length OVS_UNUSED,
       store_appended_cb *done, void *aux)
{
    int64_t *index = index_;

    free(text);
    done(aux, 0, NULL, ++*index);
}

static void
fell_behind(void *aux OVS_UNUSED, const char *why)
{
    fail_msg("%s", why);
}

/* Returns how often the disk was waited for by 20 batches. */
static int
count_syncs(struct fixture *f)
{
    int before = fault_vfs_n_syncs();

    for (int i = 0; i < 20; i++) {
        store_apply_as(f, "test");
    }
    return fault_vfs_n_syncs() - before;
}

/* A power failure may take the last of its batches, which the cluster's
 * database has. */
static void
member_does_not_wait_for_the_disk(void **state)
{
    struct fixture *f = *state;
    const struct store_place member = { .cluster = 5 }, none = { 0, 0 };
    int64_t index = 0;
    const struct store_replicator replicator = { append, fell_behind,
                                                 &index };

    close_store(f);
    fault_vfs_register();
    open_store(f);
    assert_true(count_syncs(f) >= 20);
    store_sqlite_class.set_place(f->store, &member, NULL);
    store_sqlite_class.set_replicator(f->store, &replicator);
    assert_true(count_syncs(f) < 5);
    close_store(f);
    open_store(f);
    store_sqlite_class.set_replicator(f->store, &replicator);
    assert_true(count_syncs(f) < 5);
    assert_int_equal(index, 40);
    store_sqlite_class.set_replicator(f->store, NULL);
    store_sqlite_class.set_place(f->store, &none, NULL);
    assert_true(count_syncs(f) >= 20);
    close_store(f);
    fault_vfs_unregister();
    open_store(f);
}

static int n_behind;

/* Returns the error of reading the log so, or 0. */
static int
read_error(struct fixture *f, enum reading way)
{
    struct vmn_error why = VMN_ERROR_INIT;
    struct ds ds = DS_EMPTY_INITIALIZER;
    int error = read_in_way(f, way, &ds, &why);

    assert_true(error != EAGAIN || why.text);
    vmn_error_uninit(&why);
    ds_destroy(&ds);
    return error;
}

static void
note_behind(void *n OVS_UNUSED, const char *why)
{
    assert_non_null(why);
    n_behind++;
}

static void
no_entry(void *aux OVS_UNUSED,
         const struct schema_log_entry *entry OVS_UNUSED)
{
    fail_msg("%s", "an entry of a log that is not read");
}

/* A batch that the cluster has is durable, and may be shown by others: a file
 * that lacks it is not read as if there were no more. */
static void
log_is_not_read_without_its_last_batch(void **state)
{
    const struct store_place member = { .cluster = 5 };
    int64_t index = 0;
    const struct store_replicator replicator = { append, note_behind, &index };
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct fixture *f = *state;
    size_t n;

    n_behind = 0;
    close_store(f);
    fault_vfs_register();
    open_store(f);
    store_sqlite_class.set_place(f->store, &member, NULL);
    store_sqlite_class.set_replicator(f->store, &replicator);
    store_apply_as(f, "test");
    assert_int_equal(read_error(f, READ_AFTER), 0);
    fault_vfs_fail_nth(1, true);
    store_apply_as(f, "test");
    assert_int_equal(n_behind, 1);
    fault_vfs_fail_nth(0, false);
    for (enum reading way = 0; way < N_READINGS; way++) {
        assert_int_equal(read_error(f, way), EAGAIN);
    }
    assert_int_equal(store_sqlite_class.count_logs(f->store, 0, 9, &n, NULL),
                     EAGAIN);
    assert_int_equal(store_sqlite_class.each_log(f->store, 0, 9, no_entry,
                                                 NULL, NULL), EAGAIN);
    assert_int_equal(store_sqlite_class.log_contents(f->store, 1, &ds, NULL),
                     EAGAIN);
    assert_int_equal(ds.length, 0);
    ds_destroy(&ds);
    close_store(f);
    fault_vfs_unregister();
    open_store(f);
    assert_int_equal(read_error(f, READ_NEWEST), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fault_once_at_each_write),
        TEST(fault_for_good_at_each_write),
        TEST(fault_at_each_read_of_the_log),
        TEST(full_file_is_told),
        TEST(killed_writer_loses_nothing),
        TEST(member_does_not_wait_for_the_disk),
        TEST(log_is_not_read_without_its_last_batch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
