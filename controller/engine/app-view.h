/* SPDX-License-Identifier: Apache-2.0
 *
 * The state as one computation of an app reads it: records what is read, and
 * holds memory and IDs until the computation ends. */

#ifndef CONTROLLER_ENGINE_APP_VIEW_H
#define CONTROLLER_ENGINE_APP_VIEW_H 1

#include <stdarg.h>
#include <stdint.h>

#include "controller/engine/app-memory.h"
#include "controller/engine/dependency-graph.h"
#include "controller/schema/tables.h"
#include "vmn/app.h"

struct arena_chunk;
struct emit_services;
struct id_pools;
struct pipeline_app;

struct vmn_view {
    struct engine *engine;
    struct node *node;          /* The reader; NULL: a handler, of which
                                 * nothing is recorded. */
    const struct pipeline_app *app; /* Whose computation it is; NULL: the
                                     * engine's. */
    unsigned depth;             /* Nesting of a handler's queries. */
    bool rows_only;             /* A handler that may read durable rows and
                                 * nothing else... */
    bool refused;               /* ...and has tried to. */
    uint64_t serial;
    struct id_refs ids;         /* Allocated by the computation. */
    struct memory_use memory;   /* Of an app with a process of its own. */
    struct arena_chunk *arena;
    char *problem;              /* The first one, or NULL. */
    bool late;                  /* It waits for a result of a worker. */
    bool denied;                /* It used what is another app's, or depends on
                                 * itself: a query has no value then. */
};

void view_init(struct vmn_view *, struct engine *, struct node *,
               const struct pipeline_app *);
/* Does the same for a handler: records nothing, and uses the memory that
 * '*kept' holds, if any.  view_uninit_handler() leaves some there for the next
 * one. */
void view_init_handler(struct vmn_view *, struct engine *,
                       const struct pipeline_app *,
                       struct arena_chunk **kept);
void view_uninit_handler(struct vmn_view *, struct arena_chunk **kept);

/* Releases IDs that the caller did not take. */
void view_uninit(struct vmn_view *);

/* Frees memory that the engine keeps for later views. */
void view_free_spare(struct engine *);

/* Fail what is computed, for a reason; the first one is kept. */
void view_fail(struct vmn_view *, const char *format, va_list);
void view_failf(struct vmn_view *, const char *format, ...)
    OVS_PRINTF_FORMAT(2, 3);

/* Does what vmn_read() does, for any table. */
const void *view_read(struct vmn_view *, enum vmn_table, const char *name);

/* For emit_init(). */
extern const struct emit_services view_emit_services;

void id_refs_uninit(struct id_refs *, struct id_pools *);

/* The value of a query, set while it is computed. */
struct vmn_value {
    void *data;
    size_t size;
};

#endif /* controller/engine/app-view.h */
