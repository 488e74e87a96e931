/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes revisions durable.  A provider interface; SQLite (store-sqlite.c) is
 * the first provider.  One batch is in flight at a time, and meanwhile the
 * model does not change, so the writer thread reads rows without locks.  Not
 * for deciding what is in a batch (controller/commit). */

#ifndef CONTROLLER_STORE_STORE_H
#define CONTROLLER_STORE_STORE_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/histogram.h"
#include "controller/model/model.h"

struct ds;
struct event_base;
struct store;

/* Called once per store_submit(), on the loop's thread, with 0, or with a
 * positive errno and an error, which is valid in the call: then nothing of the
 * batch is stored. */
typedef void store_done_cb(void *aux, int error, const struct vmn_error *why);

/* Called once per copy, on the loop's thread, with 0 and a file that is open
 * for reading, has no name, and is the callee's; or with a positive errno, an
 * error, and -1. */
typedef void store_copied_cb(void *aux, int error, const struct vmn_error *why,
                             int fd);

/* Appends more members to an entry of the log in a list, each after a
 * comma. */
typedef void store_log_more_cb(void *aux, uint64_t revision, struct ds *);
/* Called with an entry of the log, which is valid in the call. */
struct schema_log_entry;
typedef void store_log_entry_cb(void *aux, const struct schema_log_entry *);

/* What was known of a group of revisions when it was put. */
struct store_receipt {
    uint64_t first, last;       /* Revisions. */
    bool of_people;             /* See struct store_retention. */
    size_t n_hosts, n_missing;  /* Hosts concerned; those of them that have
                                 * not confirmed. */
    char *body;                 /* The rest, as its owner likes.  Owned. */
};

/* The last backup that was sent. */
struct store_last_backup {
    int64_t ms;                 /* When it was made; 0: none is known. */
    uint64_t revision;          /* Of the state that it has. */
};

struct store_stats {
    const char *path;           /* Owned by the store. */
    const char *error;          /* Why the newest batch was refused, or NULL;
                                 * until the next one. */
    uint64_t n_batches;         /* Written. */
    uint64_t n_failed;          /* Not written. */
    uint64_t n_read_failures;   /* Of the log. */
    uint64_t n_receipts_lost;   /* Receipts that were not written. */
    uint64_t n_copies;          /* Completed. */
    struct store_last_backup last_backup;
    bool ok;                    /* The newest batch was written. */
    bool corrupt;               /* Nothing is written any more. */
    uint64_t size;              /* Bytes of the database, */
    uint64_t log_size;          /* and of its write-ahead log. */
    uint64_t disk_free;         /* Bytes that its user may still write on its
                                 * file system, */
    uint64_t disk_size;         /* and of all of it; 0: not known. */
    struct histogram writing;   /* Duration of writing a batch, from its first
                                 * row to the end of its fsync. */
};

/* What is kept of the log.  Revisions of people are counted apart from those
 * that hosts, probes and vmnd itself make, so that the latter do not displace
 * the former.  An entry counts once per started KiB of its list of changes. */
struct store_retention {
    int64_t people_ms;          /* Maximum age, by the newest entry's time. */
    int64_t people_min;         /* Minimum of people's entries, which no age
                                 * limit reduces. */
    int64_t people_max;         /* Maximum of people's entries. */
    int64_t others_max;         /* Maximum of the other entries. */
    int64_t contents_bytes;     /* At most so much of what revisions made of
                                 * objects. */
};
#define STORE_RETENTION_DAYS 365
#define STORE_RETENTION_MAX_DAYS 36500
#define STORE_RETENTION_DEFAULT { \
    .people_ms = STORE_RETENTION_DAYS * INT64_C(86400) * 1000, \
    .people_min = 10000, .people_max = 5000000, .others_max = 100000, \
    .contents_bytes = INT64_C(256) * 1024 * 1024 }

/* Bytes of the store's key. */
#define STORE_KEY_SIZE 16

/* Which entries of the log are meant. */
struct store_log_filter {
    uint64_t revision;          /* Only this one; 0: any. */
    const char *type;           /* They name an object of it (a plural); or
                                 * NULL. */
    const char *name;           /* With 'type': of this name; or NULL. */
    const char *who;            /* Their author, with or without the name of
                                 * the token; or NULL. */
    const char *author;         /* The same once more; or NULL. */
    bool of_people;             /* See struct store_retention. */
    int64_t since_ms;           /* Not older; INT64_MIN: of any age. */
};

/* Where a database stands that is a member's copy of a cluster's state. */
struct store_place {
    int64_t cluster;            /* Its number; 0: it is of no cluster. */
    int64_t index;              /* Of the newest batch that it has. */
};

/* Called once per batch that is appended, on the loop's thread: with 0 and the
 * index that it got, or with a positive errno and an error, which is valid in
 * the call: then it is not in the cluster and never will be, unless the error
 * is EINTR: then nobody knows. */
typedef void store_appended_cb(void *aux, int error,
                               const struct vmn_error *why, int64_t index);

/* The cluster, as far as the store needs it: what makes batches durable before
 * they are written to the file. */
struct store_replicator {
    /* Has the batch appended that 'text' is (store-changes.h), which it takes.
     * One at a time. */
    void (*append)(void *aux, char *text, size_t length,
                   store_appended_cb *done, void *done_aux);
    /* The file lacks a batch that was appended, and will not get it from this
     * process. */
    void (*fell_behind)(void *aux, const char *why);
    void *aux;
};

struct store_class {
    const char *name;           /* "sqlite". */
    /* Opens (creates, migrates) the state at 'path'.  Starts the writer's
     * thread.  On error returns a positive errno, and an error in '*why' that
     * names the file: it is corrupt (EUCLEAN), newer than this program,
     * read-only, in use by a vmnd.
     * A file that it cannot use it leaves as it is. */
    int (*open)(const char *path, struct event_base *, struct store **,
                struct vmn_error *why);
    /* Waits for the batch in flight; its 'done' is not called. */
    void (*close)(struct store *);
    /* Loads the state into an empty model: IDs, then rows, then
     * model_load_done().  Errors as those of open. */
    int (*load)(struct store *, struct model *, struct vmn_error *why);
    /* Returns the key for digests: random bytes that are created once for a
     * state and are part of it, in copies, too (except for a copy of what
     * 'model' holds, which gets another key when it is opened).  Secret. */
    void (*get_key)(const struct store *, uint8_t key[STORE_KEY_SIZE]);
    /* Sets what is kept of the log; STORE_RETENTION_DEFAULT by default.  To be
     * called before anything is written. */
    void (*set_retention)(struct store *, const struct store_retention *);
    /* Writes the pending rows and IDs of the model, and calls 'done' from the
     * loop when they are durable.  One batch at a time.  Once the file has
     * turned out to be corrupt, every batch fails (EUCLEAN). */
    void (*submit)(struct store *, struct model *, store_done_cb *done,
                   void *aux);
    /* The log is read on the loop's thread, through a connection of its own.
     * Each of these returns 0, or a positive errno with an error in '*why';
     * nothing is appended then.  Finding fewer entries
     * than there may be is no error, reading fewer than there are is one. */

    /* Appends the stored log entry of 'revision' as JSON text {"revision",
     * "time", "who", "comment" (if there is one), "undoes",
     * "draft", "draft_author" and "restored_over" (if they apply),
     * "changes"}, without its last brace.
     * ENOENT, without an error: there is none. */
    int (*log)(struct store *, uint64_t revision, struct ds *,
               struct vmn_error *why);
    /* Appends entries after 'after' and before 'before', oldest first, at most
     * 'limit', with commas between them. */
    int (*logs)(struct store *, uint64_t after, uint64_t before, size_t limit,
                struct ds *, struct vmn_error *why);
    /* Calls 'cb' with each of these, without what 'set_log_more' adds; before
     * an error, with some. */
    int (*each_log)(struct store *, uint64_t after, size_t limit,
                    store_log_entry_cb *cb, void *aux, struct vmn_error *why);
    /* Sets '*n' to how many entries there are after 'after', or to 'max' if
     * that is less. */
    int (*count_logs)(struct store *, uint64_t after, size_t max, size_t *n,
                      struct vmn_error *why);
    /* Appends the newest entries before 'before', oldest first, at most
     * 'limit'. */
    int (*newest_logs)(struct store *, uint64_t before, size_t limit,
                       struct ds *, struct vmn_error *why);
    /* Appends the entries that the filter lets through, oldest first: the
     * newest 'limit' of these before revision 'before'.  Scans a bounded part
     * of the log, and sets '*next' to the revision before which to continue,
     * or 0 at the log's end. */
    int (*filter_logs)(struct store *, const struct store_log_filter *,
                       uint64_t before, size_t limit, struct ds *,
                       uint64_t *next, struct vmn_error *why);
    /* Has 'more' complete the entries of lists. */
    void (*set_log_more)(struct store *, store_log_more_cb *more, void *aux);

    /* Has the receipt, whose body it takes, written soon and without an fsync;
     * it replaces one with the same 'last'.  Those that are too old, or cannot
     * be written, are lost. */
    void (*put_receipt)(struct store *, const struct store_receipt *);
    /* Finds the written receipt of 'revision'.  'receipt->body' is the
     * caller's if 'body', else NULL.  Returns 0, or ENOENT or another positive
     * errno. */
    int (*get_receipt)(struct store *, uint64_t revision, bool body,
                       struct store_receipt *receipt);

    /* Appends what the revision made of objects as JSON text {"objects":
     * [{"type", "name", "before", "after"}, ...], "left_out"}, where "before"
     * and "after" are as schema_version_print() prints them, and "left_out"
     * counts objects that are not kept.  ENOENT, without an error: nothing is
     * kept of the revision. */
    int (*log_contents)(struct store *, uint64_t revision, struct ds *,
                        struct vmn_error *why);
    /* Sets '*revision' to the newest revision that changed the set of POST
     * /v1/apply?prune=SET; 0: none is known. */
    int (*set_revision)(struct store *, const char *set, uint64_t *revision,
                        struct vmn_error *why);
    /* Returns the revision of the restore of a backup that took 'revision'
     * back; 0: none did, as far as the log says. */
    uint64_t (*taken_back)(const struct store *, uint64_t revision);
    /* Makes a verified copy of the durable state as of some time between this
     * call and 'done'.  Neither the loop nor the writer waits for it; it needs
     * as much space beside the file as the file.  If that is corrupt, the copy
     * is made of what 'model' holds.  EBUSY: another copy is being made. */
    int (*copy)(struct store *, struct model *, store_copied_cb *done,
                void *aux, struct vmn_error *why);
    /* Notes that a copy was sent, in the database, too: written soon. */
    void (*note_backup)(struct store *, const struct store_last_backup *);

    /* Clusters. */

    void (*get_place)(const struct store *, struct store_place *);
    /* Makes the file one of a cluster, or of none, at once.  Nothing must be
     * in flight.  Returns 0 or a positive errno. */
    int (*set_place)(struct store *, const struct store_place *,
                     struct vmn_error *why);
    /* From now on submit() has each batch appended by 'replicator' first, and
     * a batch that was appended is durable: 'done' gets 0 even if the file
     * cannot be written, and all further batches are refused.  NULL: a member
     * of a cluster refuses all batches. */
    void (*set_replicator)(struct store *, const struct store_replicator *);
    /* Applies a batch that another member appended as 'index' to the model,
     * and writes it.  'done' is called as by submit(), and the model must be
     * settled then; or if this returns a positive errno, with an error in
     * '*why', it is not called, and the model must not be used any more. */
    int (*apply)(struct store *, struct model *, const char *text,
                 int64_t index, store_done_cb *done, void *aux,
                 struct vmn_error *why);
    void (*get_stats)(const struct store *, struct store_stats *);
};

extern const struct store_class store_sqlite_class;

/* Registers "store/show" with unixctl. */
void store_unixctl_init(const struct store_class *, struct store *);

#endif /* controller/store/store.h */
