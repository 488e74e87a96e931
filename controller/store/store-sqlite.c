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
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/model/numbers.h"
#include "controller/store/store-private.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

struct store {
    char *path;
    int lock_fd;                /* Of "PATH.lock". */
    bool lock_made;             /* By us: it was not there. */
    sqlite3 *db;                /* For writing, and for loading before. */
    sqlite3 *reader;            /* For the log. */
    struct store_statements statements;
    sqlite3_stmt *log_one, *log_many;

    /* The batch in flight.  Only the loop's thread uses these. */
    struct model *model;        /* NULL: none is. */
    store_done_cb *done;
    void *aux;
    struct event *done_event;
    int done_fd;                /* Eventfd: the writer has finished. */

    pthread_t thread;
    bool thread_started;
    pthread_mutex_t mutex;      /* Protects what follows. */
    pthread_cond_t cond;
    bool queued;                /* 'batch' is to be written. */
    bool quit;
    struct store_batch batch;   /* The writer's, while 'queued'. */
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
            int error;

            pthread_mutex_unlock(&store->mutex);
            error = store_batch_write(&store->batch, store->db,
                                      &store->statements, &text);
            pthread_mutex_lock(&store->mutex);
            store->queued = false;
            store->error = error;
            store->text = text;
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
    pthread_mutex_unlock(&store->mutex);

    store_batch_uninit(&store->batch);
    store->model = NULL;
    if (!error) {
        numbers_written(model_numbers(model));
    }
    store->done(store->aux, error, text);
    free(text);
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
    store->queued = true;
    pthread_cond_signal(&store->cond);
    pthread_mutex_unlock(&store->mutex);
}

/* Makes sure that the sentence of 'error' names the file. */
static int
name_file(const struct store *store, int error, char **text)
{
    if (error && *text && !strstr(*text, store->path)) {
        char *sentence = xasprintf("%s: %s", store->path, *text);

        free(*text);
        *text = sentence;
    }
    return error;
}

static int
sqlite_load(struct store *store, struct model *model, char **text)
{
    return name_file(store,
                     store_load(store->db, store->path, model, text), text);
}

/* Opening and closing.  --------------------------------------------------- */

/* Opens the lock's file 'name', which is made if it is not there. */
static int
open_lock(struct store *store, const char *name)
{
    static const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;

    store->lock_fd = open(name, flags | O_CREAT | O_EXCL, 0600);
    store->lock_made = store->lock_fd >= 0;
    if (store->lock_fd < 0 && errno == EEXIST) {
        store->lock_fd = open(name, flags);
    }
    return store->lock_fd < 0 ? errno : 0;
}

/* Locks the file that is open.  A vmnd that could not start removes the file
 * that it made: then what is open here is no longer what others will find. */
static int
lock_file(struct store *store, const char *name)
{
    struct stat ours, now;

    if (flock(store->lock_fd, LOCK_EX | LOCK_NB)) {
        return EBUSY;
    }
    return (!fstat(store->lock_fd, &ours) && !stat(name, &now)
            && ours.st_dev == now.st_dev && ours.st_ino == now.st_ino
            ? 0 : ENOENT);
}

/* Makes sure that no other vmnd uses the file. */
static int
take_lock(struct store *store, char **text)
{
    char *name = xasprintf("%s.lock", store->path);
    char pid[16] = "";
    int error;

    error = open_lock(store, name);
    if (error) {
        *text = xasprintf("cannot open %s: %s", name, ovs_strerror(error));
        free(name);
        return error;
    }
    error = lock_file(store, name);
    store->lock_made &= !error; /* Only who holds it may remove it. */
    if (error == EBUSY) {
        ssize_t n = read(store->lock_fd, pid, sizeof pid - 1);

        pid[n > 0 ? n : 0] = '\0';
        pid[strcspn(pid, "\n")] = '\0';
        *text = xasprintf("%s is in use by another vmnd (process %s)",
                          store->path, *pid ? pid : "unknown");
    } else if (error) {
        *text = xasprintf("%s went away: another vmnd is trying to start",
                          name);
    } else {
        snprintf(pid, sizeof pid, "%ld\n", (long) getpid());
        if (ftruncate(store->lock_fd, 0)
            || write(store->lock_fd, pid, strlen(pid)) < 0) {
            error = errno;
            *text = xasprintf("cannot write %s: %s", name,
                              ovs_strerror(error));
        }
    }
    free(name);
    return error;
}

/* Leaves no lock's file beside a file that turned out not to be ours, or not
 * to be had at all.  The lock is held meanwhile. */
static void
remove_lock(const struct store *store)
{
    if (store->lock_made) {
        char *name = xasprintf("%s.lock", store->path);

        unlink(name);
        free(name);
    }
}

/* Makes the file if it is not there, for its owner alone: SQLite would let
 * everyone read it. */
static int
make_file(const char *path, char **text)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0) {
        int error = errno;

        *text = xasprintf("cannot open %s: %s", path, ovs_strerror(error));
        return error;
    }
    close(fd);
    return 0;
}

static int
open_connection(const char *path, int flags, const char *pragmas,
                sqlite3 **db, char **text)
{
    char *reason;
    int error;

    if (sqlite3_open_v2(path, db, flags | SQLITE_OPEN_NOMUTEX, NULL)
        == SQLITE_OK
        && sqlite3_extended_result_codes(*db, 1) == SQLITE_OK
        /* Otherwise a column that is missing is taken for a string. */
        && sqlite3_db_config(*db, SQLITE_DBCONFIG_DQS_DML, 0, NULL)
           == SQLITE_OK
        && sqlite3_exec(*db, pragmas, NULL, NULL, NULL) == SQLITE_OK) {
        return 0;
    }
    if (!*db) {
        *text = xasprintf("cannot open %s: out of memory", path);
        return ENOMEM;
    }
    error = store_error(*db, &reason, "cannot open it");
    *text = xasprintf("%s: %s", path, reason);
    free(reason);
    return error;
}

static int
open_writer(struct store *store, char **text)
{
    int error = make_file(store->path, text);

    if (!error) {
        error = open_connection(store->path, SQLITE_OPEN_READWRITE,
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
    if (!error) {
        error = store_format_check(store->db, store->path, store_steps,
                                   STORE_FORMAT, text);
    }
    return error ? error : store_statements_prepare(&store->statements,
                                                    store->db, text);
}

static int
open_reader(struct store *store, char **text)
{
    int error = open_connection(store->path, SQLITE_OPEN_READONLY,
                                "PRAGMA busy_timeout = 0", &store->reader,
                                text);

    if (!error
        && (sqlite3_prepare_v2(store->reader,
                               "SELECT revision, time_ms, who, changes "
                               "FROM revisions WHERE revision = ?", -1,
                               &store->log_one, NULL) != SQLITE_OK
            || sqlite3_prepare_v2(store->reader,
                                  "SELECT revision, time_ms, who, changes "
                                  "FROM revisions WHERE revision > ? "
                                  "ORDER BY revision LIMIT ?", -1,
                                  &store->log_many, NULL) != SQLITE_OK)) {
        error = store_error(store->reader, text, "cannot read the log");
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
    sqlite3_close(store->reader);
    sqlite3_close(store->db);
    if (store->lock_fd >= 0) {
        close(store->lock_fd);
    }
    pthread_cond_destroy(&store->cond);
    pthread_mutex_destroy(&store->mutex);
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
    store->lock_fd = -1;
    store->done_fd = -1;
    pthread_mutex_init(&store->mutex, NULL);
    pthread_cond_init(&store->cond, NULL);

    error = take_lock(store, text);
    error = error ? error : open_writer(store, text);
    error = error ? error : open_reader(store, text);
    error = error ? error : make_done_event(store, base, text);
    error = error ? error : start_writer(store, text);
    if (error) {
        name_file(store, error, text);
        remove_lock(store);
        sqlite_close(store);
        store = NULL;
    }
    *storep = store;
    return error;
}

/* The log.  --------------------------------------------------------------- */

static json_t *
log_entry(sqlite3_stmt *stmt)
{
    const char *changes = (const char *) sqlite3_column_text(stmt, 3);
    json_t *json = json_object();
    char *time = xastrftime_msec("%Y-%m-%dT%H:%M:%S.###Z",
                                 sqlite3_column_int64(stmt, 1), true);
    json_t *list = json_loads(changes ? changes : "", 0, NULL);

    json_object_set_new(json, "revision",
                        json_integer(sqlite3_column_int64(stmt, 0)));
    json_object_set_new(json, "time", json_string(time));
    json_object_set_new(json, "who", json_string(
        (const char *) sqlite3_column_text(stmt, 2)));
    json_object_set_new(json, "changes", list ? list : json_array());
    free(time);
    return json;
}

static json_t *
sqlite_log(struct store *store, uint64_t revision)
{
    sqlite3_stmt *stmt = store->log_one;
    json_t *json = NULL;

    sqlite3_bind_int64(stmt, 1, MIN(revision, INT64_MAX));
    if (sqlite3_step(stmt) == SQLITE_ROW) {
        json = log_entry(stmt);
    }
    sqlite3_reset(stmt);
    return json;
}

static json_t *
sqlite_logs(struct store *store, uint64_t after, size_t limit)
{
    sqlite3_stmt *stmt = store->log_many;
    json_t *list = json_array();

    sqlite3_bind_int64(stmt, 1, MIN(after, INT64_MAX));
    sqlite3_bind_int64(stmt, 2, MIN(limit, STORE_LOG_MAX));
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        json_array_append_new(list, log_entry(stmt));
    }
    sqlite3_reset(stmt);
    return list;
}

const struct store_class store_sqlite_class = {
    .name = "sqlite",
    .open = sqlite_open,
    .close = sqlite_close,
    .load = sqlite_load,
    .submit = sqlite_submit,
    .log = sqlite_log,
    .logs = sqlite_logs,
};
