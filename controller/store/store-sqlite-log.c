/* SPDX-License-Identifier: Apache-2.0
 *
 * The log as the SQLite provider reads it: through a connection of the main
 * thread's own, which in WAL mode neither waits for the writer nor blocks it.
 * Not for what is read (store-log.c), nor for writing (store-sqlite.c). */

#include <config.h>

#include "controller/store/store-sqlite.h"

#include <errno.h>

#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(store_sqlite_log);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(10, 20);

void
store_sqlite_set_corrupt(struct store *store, const char *text)
{
    if (!store->corrupt) {
        store->corrupt = xasprintf(
            "%s is corrupt (%s); save the state with `vmnctl backup FILE`, "
            "stop vmnd, and put it in place with `vmnctl restore FILE "
            "--database %s`", store->path, text ? text : "no reason given",
            store->path);
        VLOG_ERR("%s", store->corrupt);
    }
}

/* Counts a failed query of the log.  Returns 'error'. */
static int
count_read_error(struct store *store, int error, const struct vmn_error *why)
{
    if (error && error != ENOENT) {
        const char *text = why ? why->text : ovs_strerror(error);

        VLOG_WARN_RL(&rl, "%s: %s", store->path, text);
        store->stats.n_read_failures++;
        if (error == EUCLEAN) {
            store_sqlite_set_corrupt(store, text);
        }
    }
    return error;
}

/* Returns EAGAIN if the file lacks what others show already: then it is not
 * said what is in the log, as if there were no more. */
static int
check_whole(const struct store *store, struct vmn_error *why)
{
    return store->behind ? vmn_error_errno(why, EAGAIN, "%s", store->behind)
           : 0;
}

int
store_sqlite_log(struct store *store, uint64_t revision, struct ds *ds,
                 struct vmn_error *why)
{
    int error = check_whole(store, why);

    return error ? error : count_read_error(
        store, store_log_one(&store->log, revision, ds, why), why);
}

int
store_sqlite_logs(struct store *store, uint64_t after, uint64_t before,
                  size_t limit, struct ds *ds, struct vmn_error *why)
{
    int error = check_whole(store, why);

    return error ? error : count_read_error(
        store, store_log_after(&store->log, after, before, limit, ds, why),
        why);
}

int
store_sqlite_each_log(struct store *store, uint64_t after, size_t limit,
                      store_log_entry_cb *cb, void *aux,
                      struct vmn_error *why)
{
    int error = check_whole(store, why);

    return error ? error : count_read_error(
        store, store_log_each(&store->log, after, limit, cb, aux, why), why);
}

int
store_sqlite_count_logs(struct store *store, uint64_t after, size_t max,
                        size_t *n, struct vmn_error *why)
{
    int error = check_whole(store, why);

    return error ? error : count_read_error(
        store, store_log_count(&store->log, after, max, n, why), why);
}

int
store_sqlite_newest_logs(struct store *store, uint64_t before, size_t limit,
                         struct ds *ds, struct vmn_error *why)
{
    int error = check_whole(store, why);

    return error ? error : count_read_error(
        store, store_log_newest(&store->log, before, limit, ds, why), why);
}

int
store_sqlite_filter_logs(struct store *store,
                         const struct store_log_filter *filter,
                         uint64_t before, size_t limit, struct ds *ds,
                         uint64_t *next, struct vmn_error *why)
{
    int error = check_whole(store, why);

    return error ? error : count_read_error(
        store, store_log_find(&store->log, filter, before, limit, ds, next,
                              why), why);
}

int
store_sqlite_log_contents(struct store *store, uint64_t revision,
                          struct ds *ds, struct vmn_error *why)
{
    int error = check_whole(store, why);

    return error ? error : count_read_error(
        store, store_contents_read(&store->log, revision, ds, why), why);
}

int
store_sqlite_set_revision(struct store *store, const char *set,
                          uint64_t *revision, struct vmn_error *why)
{
    int error = store_log_set(&store->log, set, revision, why);

    return count_read_error(store, error, why);
}

uint64_t
store_sqlite_taken_back(const struct store *store, uint64_t revision)
{
    return store_log_taken_back(&store->log, revision);
}
