/* SPDX-License-Identifier: Apache-2.0
 *
 * The store provider for SQLite: opening, the writer thread.
 *
 * The main thread queues one batch and continues; the writer thread writes it
 * and signals an eventfd; the main thread then calls the callback.  The writer
 * thread owns the connection 'db' while a batch is in flight.  Not for reading
 * the log (store-sqlite-log.c). */

#include <config.h>

#include "controller/store/store-sqlite.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "controller/model/id-pools.h"
#include "controller/store/store-changes.h"
#include "controller/store/store-private.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(store);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(10, 20);

/* The writer thread.  ----------------------------------------------------- */

/* Signals the main thread that the batch is done.  Cannot fail: the counter is
 * far from its maximum. */
static void
signal_done(struct store *store)
{
    uint64_t one = 1;
    ssize_t n = write(store->done_fd, &one, sizeof one);

    ovs_assert(n == sizeof one);
}

/* Writes the receipts that are queued.  What fails is lost: nothing else is to
 * wait for it, or to fail with it. */
static void
write_receipts(struct store *store)
{
    struct store_receipts *r = &store->receipts;
    struct store_receipt *receipts = r->queue;
    struct vmn_error why = VMN_ERROR_INIT;
    size_t n = r->n_queue;
    int error;

    r->queue = NULL;
    r->n_queue = r->allocated_queue = 0;
    pthread_mutex_unlock(&store->mutex);
    error = store_receipts_write(r, store->db, receipts, n,
                                 store->in_cluster, &why);
    store_receipts_free(receipts, n);
    vmn_error_uninit(&why);
    pthread_mutex_lock(&store->mutex);
    store->n_receipts_lost += error ? n : 0;
}

/* Writes when the last backup was made.  It is no part of the state: nothing
 * waits for it, or fails with it. */
static void
write_last_backup(struct store *store)
{
    struct store_last_backup last = store->last_backup;
    struct vmn_error why = VMN_ERROR_INIT;

    store->backup_noted = false;
    pthread_mutex_unlock(&store->mutex);
    if (store_last_backup_write(store->db, &last, &why)) {
        VLOG_WARN_RL(&rl, "%s: %s", store->path, why.text);
    }
    vmn_error_uninit(&why);
    pthread_mutex_lock(&store->mutex);
}

static void *
writer_main(void *store_)
{
    struct store *store = store_;

    pthread_mutex_lock(&store->mutex);
    for (;;) {
        if (store->queued) {
            struct vmn_error why = VMN_ERROR_INIT;
            int64_t begin_us = time_usec();
            int error;

            pthread_mutex_unlock(&store->mutex);
            error = store_batch_write(&store->batch, store->db,
                                      &store->statements, &why);
            pthread_mutex_lock(&store->mutex);
            store->queued = false;
            store->error = error;
            store->why = why;
            store->took_us = time_usec() - begin_us;
            signal_done(store);
        } else if (store->receipts.n_queue) {
            write_receipts(store);
        } else if (store->backup_noted) {
            write_last_backup(store);
        } else if (store->quit) {
            break;
        } else {
            pthread_cond_wait(&store->cond, &store->mutex);
        }
    }
    pthread_mutex_unlock(&store->mutex);
    return NULL;
}

/* Starts the thread with all signals blocked: the loop handles them. */
static int
start_writer(struct store *store, struct vmn_error *why)
{
    sigset_t all, old;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    error = pthread_create(&store->thread, NULL, writer_main, store);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    store->thread_started = !error;
    if (error) {
        vmn_error_errno(why, error, "cannot start the writer's thread: %s",
                        ovs_strerror(error));
    }
    return error;
}

/* The main thread.  ------------------------------------------------------- */

static void copy_memory_if_due(struct store *);

/* Notes that the batch, which the cluster has, is not in the file: it is
 * durable all the same, but nothing can follow it here. */
static void
note_behind(struct store *store, const char *text)
{
    VLOG_ERR("%s: what the cluster has stored cannot be written here (%s)",
             store->path, text ? text : "no reason given");
    store->behind = xasprintf("%s lacks a batch of the cluster's, which could "
                              "not be written (%s)", store->path,
                              text ? text : "no reason given");
    if (store->replicator) {
        store->replicator->fell_behind(store->replicator->aux, store->behind);
    }
}

/* Ends the batch in flight, with 'error' or 0. */
static void
end_batch(struct store *store, int error, struct vmn_error why)
{
    struct model *model = store->model;

    store_batch_uninit(&store->batch);
    store->model = NULL;
    store->stats.ok = !error;
    if (error) {
        store->stats.n_failed++;
    } else {
        store->stats.n_batches++;
        id_pools_written(model_id_pools(model));
    }
    if (error == EUCLEAN) {
        store_sqlite_set_corrupt(store, why.text);
        vmn_error_errno(&why, error, "%s", store->corrupt);
    }
    free(store->last_error);
    store->last_error = nullable_xstrdup(why.text);
    store->done(store->aux, error, &why);
    vmn_error_uninit(&why);
    copy_memory_if_due(store);
}

static void
on_done(int fd, short what OVS_UNUSED, void *store_)
{
    struct store *store = store_;
    uint64_t count;

    if (read(fd, &count, sizeof count) != sizeof count) {
        return;
    }

    pthread_mutex_lock(&store->mutex);
    int error = store->error;
    struct vmn_error why = store->why;
    store->why = (struct vmn_error) VMN_ERROR_INIT;
    int64_t took_us = store->took_us;
    pthread_mutex_unlock(&store->mutex);

    if (took_us >= 0) {
        histogram_add(&store->stats.writing, took_us);
    }
    if (error && store->appended) {
        note_behind(store, why.text);
        vmn_error_uninit(&why);
        error = 0;
    } else if (!error && store->batch.index) {
        store->place.index = store->batch.index;
    }
    store->appended = false;
    end_batch(store, error, why);
}

/* Has the writer write the batch. */
static void
queue_batch(struct store *store)
{
    pthread_mutex_lock(&store->mutex);
    if (store->corrupt) {
        store->error = EUCLEAN;
        store->took_us = -1;
        signal_done(store);
    } else {
        store->queued = true;
        pthread_cond_signal(&store->cond);
    }
    pthread_mutex_unlock(&store->mutex);
}

static void
begin_batch(struct store *store, struct model *model, store_done_cb *done,
            void *aux)
{
    ovs_assert(!store->model);
    store->model = model;
    store->done = done;
    store->aux = aux;
    store_batch_init(&store->batch, model);
}

static void
on_appended(void *store_, int error, const struct vmn_error *why,
            int64_t index)
{
    struct store *store = store_;
    struct vmn_error copy = VMN_ERROR_INIT;

    if (error) {
        vmn_error_errno(&copy, error, "%s", why->text);
        end_batch(store, error, copy);
    } else {
        store->appended = true;
        store->batch.index = index;
        queue_batch(store);
    }
}

static void
append_batch(struct store *store)
{
    const struct store_replicator *replicator = store->replicator;
    const char *fault = (store->corrupt ? store->corrupt
                         : store->behind ? store->behind
                         : !replicator ? "this member of the cluster is not "
                         "its writer" : NULL);
    struct ds text = DS_EMPTY_INITIALIZER;

    if (fault) {
        struct vmn_error why = VMN_ERROR_INIT;

        vmn_error_errno(&why, EIO, "%s", fault);
        end_batch(store, EIO, why);
        return;
    }
    store_changes_print(&store->batch, store->model, &text);

    size_t length = text.length;
    replicator->append(replicator->aux, ds_steal_cstr(&text), length,
                       on_appended, store);
}

static void
sqlite_submit(struct store *store, struct model *model, store_done_cb *done,
              void *aux)
{
    begin_batch(store, model, done, aux);
    if (store->replicator || store->place.cluster) {
        append_batch(store);
    } else {
        queue_batch(store);
    }
}

/* Clusters.  -------------------------------------------------------------- */

static void
sqlite_get_place(const struct store *store, struct store_place *place)
{
    *place = store->place;
}

static void
set_place(struct store *store, const struct store_place *place)
{
    store->place = *place;
    store->in_cluster = place->cluster != 0;
    store_set_sync(store->db, store->in_cluster);
}

static int
sqlite_set_place(struct store *store, const struct store_place *place,
                 struct vmn_error *why)
{
    ovs_assert(!store->model);

    int error = store_place_write(store->db, place, why);

    if (!error) {
        set_place(store, place);
    }
    return error;
}

static void
sqlite_set_replicator(struct store *store,
                      const struct store_replicator *replicator)
{
    store->replicator = replicator;
}

static int
sqlite_apply(struct store *store, struct model *model, const char *text,
             int64_t index, store_done_cb *done, void *aux,
             struct vmn_error *why)
{
    int error = store_changes_apply(text, model, why);

    if (!error) {
        begin_batch(store, model, done, aux);
        store->batch.index = index;
        queue_batch(store);
    }
    return error;
}

/* Receipts that wait for the writer at most: it may hang with the disk. */
#define RECEIPTS_QUEUE_MAX 1024

static void
sqlite_put_receipt(struct store *store, const struct store_receipt *receipt)
{
    struct store_receipts *r = &store->receipts;

    pthread_mutex_lock(&store->mutex);
    if (store->corrupt || r->n_queue >= RECEIPTS_QUEUE_MAX) {
        free(receipt->body);
        store->n_receipts_lost++;
    } else {
        if (r->n_queue >= r->allocated_queue) {
            r->queue = x2nrealloc(r->queue, &r->allocated_queue,
                                  sizeof *r->queue);
        }
        r->queue[r->n_queue++] = *receipt;
        pthread_cond_signal(&store->cond);
    }
    pthread_mutex_unlock(&store->mutex);
}

static void
sqlite_note_backup(struct store *store, const struct store_last_backup *last)
{
    pthread_mutex_lock(&store->mutex);
    store->last_backup = *last;
    if (!store->corrupt) {
        store->backup_noted = true;
        pthread_cond_signal(&store->cond);
    }
    pthread_mutex_unlock(&store->mutex);
}

static int
sqlite_get_receipt(struct store *store, uint64_t revision, bool body,
                   struct store_receipt *receipt)
{
    return store_receipts_read(body ? store->log.receipt : store->log.progress,
                               revision, receipt);
}

static void
sqlite_set_log_more(struct store *store, store_log_more_cb *more,
                    void *aux)
{
    store->log.more = more;
    store->log.more_aux = aux;
}

static void
sqlite_get_key(const struct store *store, uint8_t key[STORE_KEY_SIZE])
{
    memcpy(key, store->key, STORE_KEY_SIZE);
}

static void
sqlite_set_retention(struct store *store, const struct store_retention *keep)
{
    store->statements.keep = *keep;
}

static int
sqlite_load(struct store *store, struct model *model, struct vmn_error *why)
{
    int error = store_load(store->db, store->path, model, why);

    return store_name_file(store->path, error == EINVAL ? EUCLEAN : error,
                           why);
}

static void
sqlite_get_stats(const struct store *store, struct store_stats *stats)
{
    *stats = store->stats;
    pthread_mutex_lock(CONST_CAST(pthread_mutex_t *, &store->mutex));
    stats->n_receipts_lost = store->n_receipts_lost;
    stats->last_backup = store->last_backup;
    pthread_mutex_unlock(CONST_CAST(pthread_mutex_t *, &store->mutex));
    stats->path = store->path;
    stats->error = store->last_error;
    stats->corrupt = store->corrupt != NULL;
    store_get_sizes(store->path, stats);
}

/* Copies.  ---------------------------------------------------------------- */

/* Calls the callback of the copy with its result. */
static void
call_copied_cb(struct store *store, int error, const struct vmn_error *why,
               int fd)
{
    store->copy_model = NULL;
    if (store->from_memory) {
        store_batch_uninit_all(&store->memory);
        store->from_memory = false;
    }
    store->stats.n_copies += !error;
    store->copied(store->copied_aux, error, why, fd);
}

/* Starts the copy from memory if one is due, and no batch is in flight that
 * may change the state. */
static void
copy_memory_if_due(struct store *store)
{
    struct vmn_error why = VMN_ERROR_INIT;
    int error;

    if (!store->copy_model || !store->corrupt || store->from_memory
        || store->model || store_copier_is_running(store->copier)) {
        return;
    }
    store->from_memory = true;
    store_batch_init_all(&store->memory, store->copy_model,
                         &store->memory_log);
    error = store_copier_start(store->copier, &store->memory, &why);
    if (error) {
        call_copied_cb(store, error, &why, -1);
        vmn_error_uninit(&why);
    }
}

static void
on_copied(void *store_, int error, const struct vmn_error *why, int fd)
{
    struct store *store = store_;

    if (error == EUCLEAN && !store->from_memory) {
        store_sqlite_set_corrupt(store, why->text);
        copy_memory_if_due(store);
    } else {
        call_copied_cb(store, error, why, fd);
    }
}

static int
sqlite_copy(struct store *store, struct model *model, store_copied_cb *done,
            void *aux, struct vmn_error *why)
{
    int error = 0;

    if (store->copy_model) {
        return vmn_error_errno(why, EBUSY, "another backup is being made");
    }
    if (!store->corrupt) {
        error = store_copier_start(store->copier, NULL, why);
    }
    if (!error) {
        store->copy_model = model;
        store->copied = done;
        store->copied_aux = aux;
        copy_memory_if_due(store);
    }
    return error;
}

/* Opening and closing.  --------------------------------------------------- */

/* Pages in the write-ahead log after which a commit moves them to the file,
 * which waits for the disk twice.  With SQLite's 1,000 the batches of a busy
 * writer did so three times as often.  A batch is two pages at the least, and
 * a cluster's database keeps 2,000 of them: see store_set_sync(). */
#define CHECKPOINT_PAGES "3000"

static int
open_writer(struct store *store, struct vmn_error *why)
{
    struct store_place place;
    int error = store_check_not_emptied(store->path, why);

    error = error ? error : store_make_file(store->path, why);
    if (!error) {
        error = store_connect(store->path, SQLITE_OPEN_READWRITE,
                              "PRAGMA busy_timeout = 2000;"
                              "PRAGMA trusted_schema = OFF;"
                              "PRAGMA foreign_keys = ON;"
                              "PRAGMA synchronous = FULL;"
                              "PRAGMA journal_mode = WAL;"
                              "PRAGMA wal_autocheckpoint = "
                              CHECKPOINT_PAGES,
                              &store->db, why);
    }
    if (!error && sqlite3_db_readonly(store->db, "main")) {
        error = vmn_error_errno(why, EROFS, "%s cannot be written",
                                store->path);
    }
    error = error ? error : store_check_mode(store->db, store->path, why);
    error = error ? error : store_check_whole(store->db, store->path, false,
                                              why);
    error = error ? error : store_format_check(store->db, store->path,
                                               store_steps, store_format,
                                               why);
    error = error ? error : store_key_load(store->db, store->key, why);
    error = error ? error : store_last_backup_read(store->db,
                                                   &store->last_backup, why);
    error = error ? error : store_place_read(store->db, &place, why);
    if (!error) {
        set_place(store, &place);
    }
    error = error ? error : store_statements_prepare(&store->statements,
                                                     store->db, why);
    return error ? error : store_receipts_prepare(&store->receipts, store->db,
                                                  why);
}

static int
make_done_event(struct store *store, struct event_base *base,
                struct vmn_error *why)
{
    store->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (store->done_fd < 0) {
        int error = errno;

        return vmn_error_errno(why, error, "cannot make an eventfd: %s",
                               ovs_strerror(error));
    }
    store->done_event = event_new(base, store->done_fd,
                                  EV_READ | EV_PERSIST, on_done, store);
    event_add(store->done_event, NULL);
    return 0;
}

static void
sqlite_close(struct store *store)
{
    if (!store) {
        return;
    }
    if (store->thread_started) {
        pthread_mutex_lock(&store->mutex);
        store->quit = true;
        pthread_cond_signal(&store->cond);
        pthread_mutex_unlock(&store->mutex);
        pthread_join(store->thread, NULL);
    }
    store_copier_destroy(store->copier);
    if (store->from_memory) {
        store_batch_uninit_all(&store->memory);
    }
    if (store->model) {
        store_batch_uninit(&store->batch);
        vmn_error_uninit(&store->why);
    }
    if (store->done_event) {
        event_free(store->done_event);
    }
    if (store->done_fd >= 0) {
        close(store->done_fd);
    }
    store_statements_finalize(&store->statements);
    store_receipts_finalize(&store->receipts);
    store_log_close(&store->log);
    sqlite3_close(store->db);
    /* Leaves no lock file beside a file that turned out not to be a vmnd's, or
     * not to be had at all. */
    store_lock_release(&store->lock, !store->opened);
    pthread_cond_destroy(&store->cond);
    pthread_mutex_destroy(&store->mutex);
    free(store->last_error);
    free(store->behind);
    free(store->corrupt);
    free(store->path);
    free(store);
}

static int
sqlite_open(const char *path, struct event_base *base, struct store **storep,
            struct vmn_error *why)
{
    struct store *store = xzalloc(sizeof *store);
    int error;

    /* As SQLite does, whose log is beside the file that a link leads to: so
     * the lock is one, by whichever name the database is opened. */
    store->path = follow_symlinks(path);
    store->done_fd = -1;
    pthread_mutex_init(&store->mutex, NULL);
    pthread_cond_init(&store->cond, NULL);

    error = store_lock_take(&store->lock, store->path, why);
    if (!error) {
        store_scratch_remove_stale(store->path, true);
    }
    error = error ? error : open_writer(store, why);
    error = error ? error : store_log_open(&store->log, store->path, why);
    error = error ? error : make_done_event(store, base, why);
    error = error ? error : start_writer(store, why);
    if (error) {
        store_name_file(path, error, why);
        sqlite_close(store);
        store = NULL;
    } else {
        store->opened = true;
        store->stats.ok = true;
        store->copier = store_copier_create(store->path, base, on_copied,
                                            store);
    }
    *storep = store;
    return error;
}

/* The class.  ------------------------------------------------------------- */

const struct store_class store_sqlite_class = {
    .name = "sqlite",
    .open = sqlite_open,
    .close = sqlite_close,
    .load = sqlite_load,
    .get_key = sqlite_get_key,
    .set_retention = sqlite_set_retention,
    .submit = sqlite_submit,
    .log = store_sqlite_log,
    .logs = store_sqlite_logs,
    .each_log = store_sqlite_each_log,
    .count_logs = store_sqlite_count_logs,
    .newest_logs = store_sqlite_newest_logs,
    .filter_logs = store_sqlite_filter_logs,
    .set_log_more = sqlite_set_log_more,
    .put_receipt = sqlite_put_receipt,
    .get_receipt = sqlite_get_receipt,
    .note_backup = sqlite_note_backup,
    .get_place = sqlite_get_place,
    .set_place = sqlite_set_place,
    .set_replicator = sqlite_set_replicator,
    .apply = sqlite_apply,
    .log_contents = store_sqlite_log_contents,
    .set_revision = store_sqlite_set_revision,
    .taken_back = store_sqlite_taken_back,
    .copy = sqlite_copy,
    .get_stats = sqlite_get_stats,
};
