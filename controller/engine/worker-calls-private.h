/* SPDX-License-Identifier: Apache-2.0
 *
 * Declarations that the files share that have a worker process compute for the
 * engine: worker-calls.c makes the calls, worker-reads.c has the reads of a
 * call, worker-values.c the encoding of what is read, worker-wait.c how long
 * the engine waits.  Not for processes (worker/). */

#ifndef CONTROLLER_ENGINE_WORKER_CALLS_PRIVATE_H
#define CONTROLLER_ENGINE_WORKER_CALLS_PRIVATE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/engine/engine-private.h"
#include "controller/worker/app-worker.h"
#include "controller/worker/worker-wire.h"

/* Maximum number of values that are sent along with a call. */
#define KNOWN_MAX 4096

/* One computation in a worker. */
struct worker_run {
    struct vmn_view *view;
    struct app_worker *worker;
    uint32_t who, owner;        /* Sender of a packet, as for
                                 * app_worker_bar(). */
    const char *app;            /* Its name. */
    struct ofpbuf message;
    /* Values that are sent along with the call.  Their texts belong to the
     * graph or to the view. */
    size_t n_known, allocated_known;
    struct worker_read *known;
    uint64_t n_queries_computed; /* The engine's count when the values were
                                  * sent along. */
    bool check;                 /* A check of an object that is written. */
    bool done;                  /* The result has to be released. */
};

/* worker-values.c */
/* Returns the number in the app's process of the app's table 'table' here. */
uint32_t worker_table_there(const struct pipeline_app *, uint32_t table);
/* Returns the table here with number 'table' in the app's process, or
 * VMN_N_TABLES if the app has no such type. */
uint32_t worker_table_here(const struct pipeline_app *, uint32_t table);

/* Append a value as a block; NULL: no value. */
void worker_put_row(struct ofpbuf *, const struct pipeline_app *,
                    const struct vmn_row *);
void worker_put_labels(struct ofpbuf *, const struct vmn_labels *);
void worker_put_names(struct ofpbuf *, struct vmn_names);
void worker_put_id(struct ofpbuf *, uint32_t id);

/* Returns the row that the view reads, without recording the read, or NULL. */
const struct vmn_row *worker_find_row(const struct vmn_view *,
                                      enum vmn_table, const char *name);
/* Appends a source's key and value to the call's message, without recording
 * the read, and fills in '*read'.  Returns false, and appends nothing, for a
 * source that cannot be sent along. */
bool worker_put_known_value(struct worker_run *, struct node *source,
                            struct worker_read *read);

/* worker-reads.c */
/* For app_worker_client: reads and records a value, and appends it as a
 * block. */
void worker_answer_cb(void *run, const struct worker_read *, struct ofpbuf *);
/* Appends the values that the computation read the last time and will
 * probably read again: 'old_reads' without the reads of 'late' (which may be
 * NULL), and 'ids'.  Without any old read, appends the row that 'unit' reads,
 * unless 'unit' is NULL. */
void worker_put_known(struct worker_run *, uint32_t old_reads,
                      const struct late *late, const struct id_refs *ids,
                      const struct unit_node *unit);
/* Records the values that were sent along and that the result says were used,
 * each of them once.  If the result is NULL, records all of them. */
void worker_record_used(struct worker_run *,
                        const struct app_worker_result *);

/* worker-wait.c */
/* Returns how long the engine may wait for the worker, in ms. */
int worker_time_left(const struct worker_run *);
/* Returns true if a call would have no result: there is no time left in this
 * run, and the worker has no late call. */
bool worker_is_too_late(const struct worker_run *);
/* Marks a computation that has no result as late, unless the app is
 * suspended. */
void worker_note_late(struct worker_run *);

#endif /* controller/engine/worker-calls-private.h */
