/* SPDX-License-Identifier: Apache-2.0
 *
 * The store provider over SQLite: opening, the writer's thread, the log.
 *
 * The loop's thread hands over one batch and goes on; the writer's thread
 * writes it and rings an eventfd; the loop's thread then tells the caller. The
 * writer's thread has the connection 'db' for itself while a batch is in
 * flight.  The log is read through a connection of the loop's own, which in
 * WAL mode neither waits for the writer nor holds it up. */

#include <config.h>

#include "controller/store/store.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/model/numbers.h"
#include "controller/schema/schema-row.h"
#include "controller/store/store-private.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "svec.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(store);

struct store {
    char *path;
    struct store_lock lock;
    bool opened;                /* It is ours, and in order. */
    sqlite3 *db;                /* For writing, and for loading before. */
    sqlite3 *reader;            /* For the log. */
    struct store_statements statements;
    sqlite3_stmt *log_one, *log_many, *log_newest, *log_back;
    char *corrupt;              /* Why nothing is written any more, or NULL. */
    struct store_stats stats;
    char *last_error;           /* Of the newest batch, or NULL. */

    /* The batch in flight.  Only the loop's thread uses these. */
    struct model *model;        /* NULL: none is. */
    store_done_cb *done;
    void *aux;
    struct event *done_event;
    int done_fd;                /* Eventfd: the writer has finished. */

    /* The copy that is being made. */
    struct store_copier *copier;
    struct model *copy_model;   /* NULL: none is. */
    store_copied_cb *copied;
    void *copied_aux;
    bool from_memory;           /* Of what follows. */
    struct store_batch memory;
    struct model_log memory_log;

    pthread_t thread;
    bool thread_started;
    pthread_mutex_t mutex;      /* Protects what follows. */
    pthread_cond_t cond;
    bool queued;                /* 'batch' is to be written. */
    bool quit;
    struct store_batch batch;   /* The writer's, while 'queued'. */
    int64_t took_us;            /* Of that; negative: nothing was tried. */
    int error;                  /* What came of it. */
    char *text;
};

/* The writer's thread.  --------------------------------------------------- */

/* Tells the loop that the batch is done.  Cannot fail: the counter is far from
 * its largest value. */
static void
ring(struct store *store)
{
    uint64_t one = 1;
    ssize_t n = write(store->done_fd, &one, sizeof one);

    ovs_assert(n == sizeof one);
}

static void *
writer_main(void *store_)
{
    struct store *store = store_;

    pthread_mutex_lock(&store->mutex);
    for (;;) {
        if (store->queued) {
            char *text = NULL;
            int64_t begin_us = time_usec();
            int error;

            pthread_mutex_unlock(&store->mutex);
            error = store_batch_write(&store->batch, store->db,
                                      &store->statements, &text);
            pthread_mutex_lock(&store->mutex);
            store->queued = false;
            store->error = error;
            store->text = text;
            store->took_us = time_usec() - begin_us;
            ring(store);
        } else if (store->quit) {
            break;
        } else {
            pthread_cond_wait(&store->cond, &store->mutex);
        }
    }
    pthread_mutex_unlock(&store->mutex);
    return NULL;
}

/* Starts the thread with all signals blocked: they are the loop's. */
static int
start_writer(struct store *store, char **text)
{
    sigset_t all, old;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    error = pthread_create(&store->thread, NULL, writer_main, store);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    store->thread_started = !error;
    if (error) {
        *text = xasprintf("cannot start the writer's thread: %s",
                          ovs_strerror(error));
    }
    return error;
}

/* The loop's side.  ------------------------------------------------------- */

static void set_corrupt(struct store *, const char *text);
static void copy_memory_if_due(struct store *);

static void
on_done(int fd, short what OVS_UNUSED, void *store_)
{
    struct store *store = store_;
    struct model *model = store->model;
    uint64_t count;

    if (read(fd, &count, sizeof count) != sizeof count) {
        return;
    }

    pthread_mutex_lock(&store->mutex);
    int error = store->error;
    char *text = store->text;
    store->text = NULL;
    int64_t took_us = store->took_us;
    pthread_mutex_unlock(&store->mutex);

    if (took_us >= 0) {
        histogram_add(&store->stats.writing, took_us);
    }
    store_batch_uninit(&store->batch);
    store->model = NULL;
    store->stats.ok = !error;
    if (error) {
        store->stats.n_failed++;
    } else {
        store->stats.n_batches++;
        numbers_written(model_numbers(model));
    }
    if (error == EUCLEAN) {
        set_corrupt(store, text);
        free(text);
        text = xstrdup(store->corrupt);
    }
    free(store->last_error);
    store->last_error = text;
    store->done(store->aux, error, text);
    copy_memory_if_due(store);
}

static void
sqlite_submit(struct store *store, struct model *model, store_done_cb *done,
              void *aux)
{
    ovs_assert(!store->model);
    store->model = model;
    store->done = done;
    store->aux = aux;
    store_batch_init(&store->batch, model);

    pthread_mutex_lock(&store->mutex);
    if (store->corrupt) {
        store->error = EUCLEAN;
        store->took_us = -1;
        ring(store);
    } else {
        store->queued = true;
        pthread_cond_signal(&store->cond);
    }
    pthread_mutex_unlock(&store->mutex);
}

static int
sqlite_load(struct store *store, struct model *model, char **text)
{
    int error = store_load(store->db, store->path, model, text);

    return store_name_file(store->path, error == EINVAL ? EUCLEAN : error,
                           text);
}

static void
sqlite_get_stats(const struct store *store, struct store_stats *stats)
{
    char *log = xasprintf("%s-wal", store->path);
    struct stat st;

    *stats = store->stats;
    stats->path = store->path;
    stats->error = store->last_error;
    stats->corrupt = store->corrupt != NULL;
    stats->size = stat(store->path, &st) ? 0 : st.st_size;
    stats->log_size = stat(log, &st) ? 0 : st.st_size;
    free(log);
}

/* Copies.  ---------------------------------------------------------------- */

/* From now on nothing is written: what is in the file gets no worse, and what
 * is in memory stays what was acknowledged. */
static void
set_corrupt(struct store *store, const char *text)
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

/* Tells who asked for the copy what came of it. */
static void
tell_copied(struct store *store, int error, const char *text, int fd)
{
    store->copy_model = NULL;
    if (store->from_memory) {
        store_batch_uninit_all(&store->memory);
        store->from_memory = false;
    }
    store->stats.n_copies += !error;
    store->copied(store->copied_aux, error, text, fd);
}

/* Goes on with the copy that was found to be needed from memory, once no batch
 * is in flight that may change what is there. */
static void
copy_memory_if_due(struct store *store)
{
    char *text = NULL;
    int error;

    if (!store->copy_model || !store->corrupt || store->from_memory
        || store->model || store_copier_is_running(store->copier)) {
        return;
    }
    store->from_memory = true;
    store_batch_init_all(&store->memory, store->copy_model,
                         &store->memory_log);
    error = store_copier_start(store->copier, &store->memory, &text);
    if (error) {
        tell_copied(store, error, text, -1);
        free(text);
    }
}

static void
on_copied(void *store_, int error, const char *text, int fd)
{
    struct store *store = store_;

    if (error == EUCLEAN && !store->from_memory) {
        set_corrupt(store, text);
        copy_memory_if_due(store);
    } else {
        tell_copied(store, error, text, fd);
    }
}

static int
sqlite_copy(struct store *store, struct model *model, store_copied_cb *done,
            void *aux, char **text)
{
    int error = 0;

    if (store->copy_model) {
        *text = xstrdup("another backup is being made");
        return EBUSY;
    }
    if (!store->corrupt) {
        error = store_copier_start(store->copier, NULL, text);
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

/* SQLite would take a file without content for a new database, and throw away
 * the log beside it. */
static int
check_not_emptied(const char *path, char **text)
{
    char *log = xasprintf("%s-wal", path);
    struct stat st;
    int error = 0;

    if ((stat(path, &st) || !st.st_size) && !stat(log, &st) && st.st_size) {
        *text = xasprintf("%s is %s, but %s is not: it was overwritten, or "
                          "moved without its log", path,
                          access(path, F_OK) ? "not there" : "empty", log);
        error = EUCLEAN;
    }
    free(log);
    return error;
}

static int
open_writer(struct store *store, char **text)
{
    int error = check_not_emptied(store->path, text);

    error = error ? error : store_make_file(store->path, text);
    if (!error) {
        error = store_connect(store->path, SQLITE_OPEN_READWRITE,
                              "PRAGMA busy_timeout = 2000;"
                              "PRAGMA trusted_schema = OFF;"
                              "PRAGMA foreign_keys = ON;"
                              "PRAGMA synchronous = FULL;"
                              "PRAGMA journal_mode = WAL",
                              &store->db, text);
    }
    if (!error && sqlite3_db_readonly(store->db, "main")) {
        *text = xasprintf("%s cannot be written", store->path);
        error = EROFS;
    }
    error = error ? error : store_check_mode(store->db, store->path, text);
    error = error ? error : store_check_whole(store->db, store->path, false,
                                              text);
    error = error ? error : store_format_check(store->db, store->path,
                                               store_steps, STORE_FORMAT,
                                               text);
    return error ? error : store_statements_prepare(&store->statements,
                                                    store->db, text);
}

static int
open_reader(struct store *store, char **text)
{
#define SELECT_LOG "SELECT revision, time_ms, who, changes FROM revisions "
    static const char *const sql[] = {
        SELECT_LOG "WHERE revision = ?",
        SELECT_LOG "WHERE revision > ? ORDER BY revision LIMIT ?",
        "SELECT * FROM (" SELECT_LOG "ORDER BY revision DESC LIMIT ?) "
        "ORDER BY revision",
        SELECT_LOG "WHERE revision < ? ORDER BY revision DESC",
    };
    sqlite3_stmt **const stmts[] = {
        &store->log_one, &store->log_many, &store->log_newest,
        &store->log_back,
    };
    int error = store_connect(store->path, SQLITE_OPEN_READONLY,
                              "PRAGMA busy_timeout = 0", &store->reader,
                              text);

    for (size_t i = 0; !error && i < ARRAY_SIZE(sql); i++) {
        if (sqlite3_prepare_v2(store->reader, sql[i], -1, stmts[i], NULL)
            != SQLITE_OK) {
            error = store_error(store->reader, text, "cannot read the log");
        }
    }
    return error;
}

static int
make_done_event(struct store *store, struct event_base *base, char **text)
{
    store->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (store->done_fd < 0) {
        int error = errno;

        *text = xasprintf("cannot make an eventfd: %s", ovs_strerror(error));
        return error;
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
        free(store->text);
    }
    if (store->done_event) {
        event_free(store->done_event);
    }
    if (store->done_fd >= 0) {
        close(store->done_fd);
    }
    store_statements_finalize(&store->statements);
    sqlite3_finalize(store->log_one);
    sqlite3_finalize(store->log_many);
    sqlite3_finalize(store->log_newest);
    sqlite3_finalize(store->log_back);
    sqlite3_close(store->reader);
    sqlite3_close(store->db);
    /* Leaves no lock's file beside a file that turned out not to be ours, or
     * not to be had at all. */
    store_lock_release(&store->lock, !store->opened);
    pthread_cond_destroy(&store->cond);
    pthread_mutex_destroy(&store->mutex);
    free(store->last_error);
    free(store->corrupt);
    free(store->path);
    free(store);
}

static int
sqlite_open(const char *path, struct event_base *base, struct store **storep,
            char **text)
{
    struct store *store = xzalloc(sizeof *store);
    int error;

    *text = NULL;
    store->path = xstrdup(path);
    store->done_fd = -1;
    pthread_mutex_init(&store->mutex, NULL);
    pthread_cond_init(&store->cond, NULL);

    error = store_lock_take(&store->lock, path, text);
    error = error ? error : open_writer(store, text);
    error = error ? error : open_reader(store, text);
    error = error ? error : make_done_event(store, base, text);
    error = error ? error : start_writer(store, text);
    if (error) {
        store_name_file(path, error, text);
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

/* The log.  --------------------------------------------------------------- */

/* What changed is text already, and may be a thousand objects. */
static void
put_entry(sqlite3_stmt *stmt, struct ds *ds)
{
    const char *who = (const char *) sqlite3_column_text(stmt, 2);
    const char *changes = (const char *) sqlite3_column_text(stmt, 3);

    ds_put_format(ds, "{\"revision\":%lld,\"time\":\"",
                  (long long int) sqlite3_column_int64(stmt, 0));
    ds_put_strftime_msec(ds, "%Y-%m-%dT%H:%M:%S.###Z",
                         sqlite3_column_int64(stmt, 1), true);
    ds_put_cstr(ds, "\",\"who\":");
    schema_print_string(ds, who ? who : "");
    ds_put_format(ds, ",\"changes\":%s",
                  changes && *changes == '[' ? changes : "[]");
}

static bool
sqlite_log(struct store *store, uint64_t revision, struct ds *ds)
{
    sqlite3_stmt *stmt = store->log_one;
    bool found;

    sqlite3_bind_int64(stmt, 1, MIN(revision, INT64_MAX));
    found = sqlite3_step(stmt) == SQLITE_ROW;
    if (found) {
        put_entry(stmt, ds);
    }
    sqlite3_reset(stmt);
    return found;
}

/* All that 'stmt', which is bound, finds. */
static void
put_entries(sqlite3_stmt *stmt, struct ds *ds)
{
    bool first = true;

    while (sqlite3_step(stmt) == SQLITE_ROW) {
        ds_put_cstr(ds, first ? "" : ",");
        put_entry(stmt, ds);
        ds_put_char(ds, '}');
        first = false;
    }
    sqlite3_reset(stmt);
}

static void
sqlite_logs(struct store *store, uint64_t after, size_t limit, struct ds *ds)
{
    sqlite3_bind_int64(store->log_many, 1, MIN(after, INT64_MAX));
    sqlite3_bind_int64(store->log_many, 2, MIN(limit, STORE_LOG_MAX));
    put_entries(store->log_many, ds);
}

static void
sqlite_newest_logs(struct store *store, size_t limit, struct ds *ds)
{
    sqlite3_bind_int64(store->log_newest, 1, MIN(limit, STORE_LOG_MAX));
    put_entries(store->log_newest, ds);
}

/* How much of the log one question looks at, so that it takes no longer than a
 * few milliseconds of the loop's time. */
#define LOOK_ENTRIES 2000
#define LOOK_BYTES (1024 * 1024)

/* An index of the log by object would be as large as the log, and be written
 * with each change; so this goes back through the log, in parts. */
static uint64_t
sqlite_object_logs(struct store *store, const char *type, const char *name,
                   uint64_t before, size_t limit, struct ds *ds)
{
    sqlite3_stmt *stmt = store->log_back;
    struct ds pattern = DS_EMPTY_INITIALIZER;
    struct svec found = SVEC_EMPTY_INITIALIZER;
    size_t n_looked = 0, n_bytes = 0;
    uint64_t next = 0;

    /* Just as the model writes it (put_change()). */
    ds_put_format(&pattern, "\"type\":\"%s\",\"name\":", type);
    schema_print_string(&pattern, name);
    ds_put_char(&pattern, '}');
    sqlite3_bind_int64(stmt, 1, MIN(before, INT64_MAX));
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const char *changes = (const char *) sqlite3_column_text(stmt, 3);

        if (n_looked >= LOOK_ENTRIES || n_bytes >= LOOK_BYTES
            || found.n >= limit) {
            next = sqlite3_column_int64(stmt, 0) + 1;
            break;
        }
        n_looked++;
        n_bytes += sqlite3_column_bytes(stmt, 3);
        if (changes && strstr(changes, ds_cstr(&pattern))) {
            struct ds entry = DS_EMPTY_INITIALIZER;

            put_entry(stmt, &entry);
            ds_put_char(&entry, '}');
            svec_add_nocopy(&found, ds_steal_cstr(&entry));
        }
    }
    sqlite3_reset(stmt);
    for (size_t i = found.n; i-- > 0; ) {
        ds_put_format(ds, "%s%s", found.names[i], i ? "," : "");
    }
    svec_destroy(&found);
    ds_destroy(&pattern);
    return next;
}

const struct store_class store_sqlite_class = {
    .name = "sqlite",
    .open = sqlite_open,
    .close = sqlite_close,
    .load = sqlite_load,
    .submit = sqlite_submit,
    .log = sqlite_log,
    .logs = sqlite_logs,
    .newest_logs = sqlite_newest_logs,
    .object_logs = sqlite_object_logs,
    .copy = sqlite_copy,
    .get_stats = sqlite_get_stats,
};
