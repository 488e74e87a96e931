/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies the database while it is in use, in a thread with a connection of its
 * own: in WAL mode a reader sees a snapshot, and neither waits for the writer
 * nor blocks it.
 *
 * The copy is written to "PATH.copy", checked, opened, and unlinked; the open
 * file is the result.  Memory is bounded by the page caches of SQLite. */

#include <config.h>

#include "controller/store/store-private.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "controller/store/store-file.h"
#include "util.h"

struct store_copier {
    const char *path;           /* The store's. */
    char *name;                 /* "PATH.copy". */
    store_copied_cb *done;
    void *aux;
    struct event *event;
    int event_fd;               /* Eventfd: the thread has finished. */
    bool running;
    pthread_t thread;

    const struct store_batch *memory; /* NULL: copies the file. */
    int error;                  /* What came of it. */
    struct vmn_error why;
    int fd;

    pthread_mutex_t mutex;      /* Protects what follows. */
    sqlite3 *db;                /* To be interrupted, or NULL. */
    bool quit;
};

/* The thread.  ------------------------------------------------------------ */

/* Sets the connection that store_copier_destroy() may interrupt; NULL:
 * none. */
static int
set_interruptible(struct store_copier *copier, sqlite3 *db)
{
    pthread_mutex_lock(&copier->mutex);
    copier->db = db;
    bool quit = copier->quit;
    pthread_mutex_unlock(&copier->mutex);
    return quit ? EINTR : 0;
}

static int
copy_file(struct store_copier *copier, struct vmn_error *why)
{
    sqlite3 *db = NULL;
    int error = store_connect(copier->path, SQLITE_OPEN_READONLY, "", &db,
                              why);

    error = error ? error : set_interruptible(copier, db);
    error = error ? error : store_vacuum_into(db, copier->name, why);
    set_interruptible(copier, NULL);
    sqlite3_close(db);
    return error;
}

/* Writes the state in memory to a new database.  It need not be durable: the
 * client that fetches the copy makes it so. */
static int
write_memory(struct store_copier *copier, struct vmn_error *why)
{
    struct store_statements statements = { .begin = NULL };
    sqlite3 *db = NULL;
    int error = store_connect(copier->name, SQLITE_OPEN_READWRITE,
                              "PRAGMA foreign_keys = ON;"
                              "PRAGMA synchronous = OFF", &db, why);

    error = error ? error : set_interruptible(copier, db);
    error = error ? error : store_format_check(db, copier->name, store_steps,
                                               store_format, why);
    error = error ? error : store_statements_prepare(&statements, db, why);
    error = error ? error : store_batch_write(copier->memory, db, &statements,
                                              why);
    store_statements_finalize(&statements);
    set_interruptible(copier, NULL);
    sqlite3_close(db);
    return error;
}

/* Checks the copy.  A fault of the copy is a fault of the original. */
static int
check(struct store_copier *copier, struct vmn_error *why)
{
    sqlite3 *db = NULL;
    int error = store_connect(copier->name, SQLITE_OPEN_READONLY, "", &db,
                              why);

    error = error ? error : set_interruptible(copier, db);
    error = error ? error : store_check_whole(db, copier->path, true, why);
    set_interruptible(copier, NULL);
    sqlite3_close(db);
    return error;
}

static void *
copier_main(void *copier_)
{
    struct store_copier *copier = copier_;
    uint64_t one = 1;
    int error;

    copier->fd = -1;
    error = store_make_file(copier->name, &copier->why);
    if (!error) {
        error = copier->memory ? write_memory(copier, &copier->why)
                               : copy_file(copier, &copier->why);
    }
    error = error ? error : check(copier, &copier->why);
    if (!error) {
        copier->fd = open(copier->name, O_RDONLY | O_CLOEXEC);
        error = copier->fd < 0 ? errno : 0;
    }
    store_remove_file(copier->name);
    copier->error = error;
    if (write(copier->event_fd, &one, sizeof one) != sizeof one) {
        OVS_NOT_REACHED();
    }
    return NULL;
}

/* The loop's side.  ------------------------------------------------------- */

static void
on_event(int fd, short what OVS_UNUSED, void *copier_)
{
    struct store_copier *copier = copier_;
    uint64_t count;

    if (read(fd, &count, sizeof count) != sizeof count) {
        return;
    }
    pthread_join(copier->thread, NULL);
    copier->running = false;

    struct vmn_error why = copier->why;
    copier->why = (struct vmn_error) VMN_ERROR_INIT;
    copier->done(copier->aux, copier->error, &why, copier->fd);
    vmn_error_uninit(&why);
}

struct store_copier *
store_copier_create(const char *path, struct event_base *base,
                    store_copied_cb *done, void *aux)
{
    struct store_copier *copier = xzalloc(sizeof *copier);

    copier->path = path;
    copier->name = xasprintf("%s.copy", path);
    copier->done = done;
    copier->aux = aux;
    copier->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (copier->event_fd < 0) {
        ovs_fatal(errno, "eventfd");
    }
    copier->event = event_new(base, copier->event_fd, EV_READ | EV_PERSIST,
                              on_event, copier);
    event_add(copier->event, NULL);
    pthread_mutex_init(&copier->mutex, NULL);
    store_remove_file(copier->name);    /* Of a vmnd that was killed. */
    return copier;
}

void
store_copier_destroy(struct store_copier *copier)
{
    if (!copier) {
        return;
    }
    pthread_mutex_lock(&copier->mutex);
    copier->quit = true;
    if (copier->db) {
        sqlite3_interrupt(copier->db);
    }
    pthread_mutex_unlock(&copier->mutex);
    if (copier->running) {
        pthread_join(copier->thread, NULL);
        vmn_error_uninit(&copier->why);
        if (copier->fd >= 0) {
            close(copier->fd);
        }
    }
    event_free(copier->event);
    close(copier->event_fd);
    pthread_mutex_destroy(&copier->mutex);
    free(copier->name);
    free(copier);
}

int
store_copier_start(struct store_copier *copier,
                   const struct store_batch *memory, struct vmn_error *why)
{
    sigset_t all, old;
    int error;

    ovs_assert(!copier->running);
    copier->memory = memory;
    sigfillset(&all);           /* Signals are the loop's. */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    error = pthread_create(&copier->thread, NULL, copier_main, copier);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    copier->running = !error;
    if (error) {
        vmn_error_errno(why, error, "cannot start a thread: %s",
                        ovs_strerror(error));
    }
    return error;
}

bool
store_copier_is_running(const struct store_copier *copier)
{
    return copier->running;
}
