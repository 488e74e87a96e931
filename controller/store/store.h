/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes revisions durable.  A provider interface; SQLite (store-sqlite.c) is
 * the first provider.  One batch is in flight at a time: while it is, the
 * model does not change, so the writer's thread reads rows without locks.
 * Not for deciding what is in a batch (engine/commit). */

#ifndef CONTROLLER_STORE_STORE_H
#define CONTROLLER_STORE_STORE_H 1

#include <stdint.h>

#include "controller/model/model.h"

struct event_base;
struct store;

/* Told once per store_submit(), on the loop's thread: 0, or a positive errno
 * with a sentence; nothing of the batch is stored then. */
typedef void store_done_cb(void *aux, int error, const char *text);

struct store_class {
    const char *name;           /* "sqlite". */
    /* Opens (creates, migrates) the state at 'path'.  Starts the writer's
     * thread.  On error returns a positive errno and a sentence in '*text',
     * which the caller frees and which names the file: it is corrupt, newer
     * than this program, read-only, in use by another vmnd. */
    int (*open)(const char *path, struct event_base *, struct store **,
                char **text);
    /* Waits for what is being written; its 'done' is not called. */
    void (*close)(struct store *);
    /* Reads all of it into an empty model: numbers, then rows, then
     * model_load_done().  Errors as those of open. */
    int (*load)(struct store *, struct model *, char **text);
    /* Writes what the model and its numbers have pending, and calls 'done'
     * from the loop when it is durable.  One at a time. */
    void (*submit)(struct store *, struct model *, store_done_cb *done,
                   void *aux);
    /* The stored log entry of 'revision' as JSON {"revision", "time", "who",
     * "changes"}, or NULL.  Reads on the loop's thread, through a connection
     * of its own. */
    json_t *(*log)(struct store *, uint64_t revision);
    /* Entries after 'after', oldest first, at most 'limit'. */
    json_t *(*logs)(struct store *, uint64_t after, size_t limit);
};

extern const struct store_class store_sqlite_class;

#endif /* controller/store/store.h */
