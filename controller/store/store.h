/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes revisions durable.  A provider interface; SQLite (store-sqlite.c) is
 * the first provider.  One batch is in flight at a time: while it is, the
 * model does not change, so the writer's thread reads rows without locks.
 * Not for deciding what is in a batch (engine/commit). */

#ifndef CONTROLLER_STORE_STORE_H
#define CONTROLLER_STORE_STORE_H 1

#include <stdint.h>

#include "controller/histogram.h"
#include "controller/model/model.h"

struct ds;
struct event_base;
struct store;

/* Told once per store_submit(), on the loop's thread: 0, or a positive errno
 * with a sentence; nothing of the batch is stored then. */
typedef void store_done_cb(void *aux, int error, const char *text);

/* Told once per copy, on the loop's thread: 0, with a file that is open for
 * reading, has no name, and is the callee's; or a positive errno with a
 * sentence, and -1. */
typedef void store_copied_cb(void *aux, int error, const char *text, int fd);

struct store_stats {
    const char *path;           /* As long as the store. */
    const char *error;          /* Why the newest batch was refused, or NULL;
                                 * until the next one. */
    uint64_t n_batches;         /* Written. */
    uint64_t n_failed;          /* Refused. */
    uint64_t n_read_failures;   /* Of the log. */
    uint64_t n_copies;          /* Made. */
    bool ok;                    /* The newest batch was written. */
    bool corrupt;               /* Nothing is written any more. */
    uint64_t size;              /* Bytes of the database, */
    uint64_t log_size;          /* and of its write-ahead log. */
    struct histogram writing;   /* What the writer took for a batch, from its
                                 * first row to the end of its fsync. */
};

/* What is kept of the log.  Revisions of people, and those that hosts, probes
 * and vmnd itself make, are counted apart, so that these wash out none of
 * those. */
struct store_retention {
    int64_t people_ms;          /* For so long, by the newest entry's time; */
    int64_t people_min;         /* so many at least, however old; */
    int64_t people_max;         /* and so many at most, however new. */
    int64_t others_max;         /* Of the others so many. */
};
#define STORE_RETENTION_DAYS 365
#define STORE_RETENTION_MAX_DAYS 36500
#define STORE_RETENTION_DEFAULT { \
    .people_ms = STORE_RETENTION_DAYS * INT64_C(86400) * 1000, \
    .people_min = 10000, .people_max = 5000000, .others_max = 100000 }

/* Bytes of the store's key. */
#define STORE_KEY_SIZE 16

struct store_class {
    const char *name;           /* "sqlite". */
    /* Opens (creates, migrates) the state at 'path'.  Starts the writer's
     * thread.  On error returns a positive errno, and an error in '*why' that
     * names the file: it is corrupt (EUCLEAN), newer than this program,
     * read-only, in use by another vmnd.
     * A file that it cannot use it leaves as it is. */
    int (*open)(const char *path, struct event_base *, struct store **,
                struct vmn_error *why);
    /* Waits for what is being written; its 'done' is not called. */
    void (*close)(struct store *);
    /* Reads all of it into an empty model: numbers, then rows, then
     * model_load_done().  Errors as those of open. */
    int (*load)(struct store *, struct model *, struct vmn_error *why);
    /* The key for digests: random bytes that are made once for a state and go
     * with it, into copies and back (but for a copy of what 'model' holds,
     * which gets another one when it is opened).  A secret. */
    void (*get_key)(const struct store *, uint8_t key[STORE_KEY_SIZE]);
    /* Sets what is kept of the log, before anything is written; until then
     * that is STORE_RETENTION_DEFAULT. */
    void (*set_retention)(struct store *, const struct store_retention *);
    /* Writes what the model and its numbers have pending, and calls 'done'
     * from the loop when it is durable.  One at a time.  Once the file has
     * turned out to be corrupt, every batch is refused (EUCLEAN). */
    void (*submit)(struct store *, struct model *, store_done_cb *done,
                   void *aux);
    /* The log is read on the loop's thread, through a connection of its own.
     * Each of these returns 0, or a positive errno with an error in '*why';
     * nothing is appended then.  Finding fewer entries
     * than there may be is no error, reading fewer than there are is one. */

    /* Appends the stored log entry of 'revision' as JSON text {"revision",
     * "time", "who", "changes"}, without its last brace.  ENOENT, without an
     * error: there is none. */
    int (*log)(struct store *, uint64_t revision, struct ds *,
               struct vmn_error *why);
    /* Appends entries after 'after', oldest first, at most 'limit', with commas
     * between them. */
    int (*logs)(struct store *, uint64_t after, size_t limit, struct ds *,
                struct vmn_error *why);
    /* The newest entries, oldest first, at most 'limit'. */
    int (*newest_logs)(struct store *, size_t limit, struct ds *,
                       struct vmn_error *why);
    /* Those that name object 'name' of the type with plural 'type', oldest
     * first: the newest 'limit' of these before revision 'before'.  Looks at a
     * bounded part of the log, and sets '*next' to the revision before which
     * to go on, or 0 if there is nothing more. */
    int (*object_logs)(struct store *, const char *type, const char *name,
                       uint64_t before, size_t limit, struct ds *,
                       uint64_t *next, struct vmn_error *why);
    /* Makes a copy of all that is durable, checked, of a moment between this
     * call and 'done'.  Neither the loop nor writing waits for it, and it
     * takes as much room beside the file as the file.  If that is corrupt the
     * copy is made of what 'model' holds.  One at a time: EBUSY. */
    int (*copy)(struct store *, struct model *, store_copied_cb *done,
                void *aux, struct vmn_error *why);
    void (*get_stats)(const struct store *, struct store_stats *);
};

extern const struct store_class store_sqlite_class;

/* Registers "store/show" with unixctl. */
void store_unixctl_init(const struct store_class *, struct store *);

#endif /* controller/store/store.h */
