/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the SQLite provider share: store-sqlite.c writes,
 * store-sqlite-log.c reads the log.  Not for other files of this room, which
 * get what they need of it. */

#ifndef CONTROLLER_STORE_STORE_SQLITE_H
#define CONTROLLER_STORE_STORE_SQLITE_H 1

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "controller/store/store-private.h"
#include "controller/store/store.h"

struct store {
    char *path;
    struct store_lock lock;
    bool opened;                /* The file is a vmnd's, and valid. */
    sqlite3 *db;                /* For writing, and for loading before. */
    struct store_statements statements;
    struct store_receipts receipts;
    struct store_log log;       /* For reading it. */
    uint8_t key[STORE_KEY_SIZE];
    char *corrupt;              /* Why nothing is written any more; NULL:
                                 * the file is not corrupt. */
    struct store_stats stats;
    char *last_error;           /* Of the newest batch, or NULL. */

    /* The batch in flight.  Used by the main thread only. */
    struct model *model;        /* NULL: none. */
    store_done_cb *done;
    void *aux;
    const struct store_replicator *replicator; /* Or NULL. */
    struct store_place place;
    bool in_cluster;            /* place.cluster is set; does not change while
                                 * anything is in flight. */
    bool appended;              /* The batch in flight is in the cluster. */
    char *behind;               /* Why the file lacks a batch that was
                                 * appended; NULL: it does not. */
    struct event *done_event;
    int done_fd;                /* Eventfd: the writer has finished. */

    /* The copy in progress. */
    struct store_copier *copier;
    struct model *copy_model;   /* NULL: none. */
    store_copied_cb *copied;
    void *copied_aux;
    bool from_memory;           /* It is made of 'memory'. */
    struct store_batch memory;
    struct model_log memory_log;

    pthread_t thread;
    bool thread_started;
    pthread_mutex_t mutex;      /* Protects what follows. */
    pthread_cond_t cond;
    bool queued;                /* 'batch' must be written. */
    bool quit;
    struct store_batch batch;   /* Used by the writer, while 'queued'. */
    uint64_t n_receipts_lost;
    bool backup_noted;          /* 'last_backup' must be written. */
    struct store_last_backup last_backup;
    int64_t took_us;            /* Its duration; negative: not tried. */
    int error;                  /* Its result. */
    struct vmn_error why;
};

/* Marks the database as corrupt.  From now on nothing is written, so that the
 * file is not damaged further, and the state in memory remains the one that
 * was acknowledged. */
void store_sqlite_set_corrupt(struct store *, const char *text);

/* See struct store_class. */
int store_sqlite_log(struct store *, uint64_t revision, struct ds *,
                     struct vmn_error *why);
int store_sqlite_logs(struct store *, uint64_t after, uint64_t before,
                      size_t limit, struct ds *, struct vmn_error *why);
int store_sqlite_each_log(struct store *, uint64_t after, size_t limit,
                          store_log_entry_cb *cb, void *aux,
                          struct vmn_error *why);
int store_sqlite_count_logs(struct store *, uint64_t after, size_t max,
                            size_t *n, struct vmn_error *why);
int store_sqlite_newest_logs(struct store *, uint64_t before, size_t limit,
                             struct ds *, struct vmn_error *why);
int store_sqlite_filter_logs(struct store *, const struct store_log_filter *,
                             uint64_t before, size_t limit, struct ds *,
                             uint64_t *next, struct vmn_error *why);
int store_sqlite_log_contents(struct store *, uint64_t revision, struct ds *,
                              struct vmn_error *why);
int store_sqlite_set_revision(struct store *, const char *set,
                              uint64_t *revision, struct vmn_error *why);
uint64_t store_sqlite_taken_back(const struct store *, uint64_t revision);

#endif /* controller/store/store-sqlite.h */
