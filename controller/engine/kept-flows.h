/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows that stay on hosts although nothing desires them: of apps that could
 * not be loaded, and of units that have failed ever since the start, so that
 * nobody knows what they would desire.  Decided at the end of the first run.
 * Called by the engine's files; what others may ask is in engine.h. */

#ifndef CONTROLLER_ENGINE_KEPT_FLOWS_H
#define CONTROLLER_ENGINE_KEPT_FLOWS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/flow/pipeline.h"

struct engine;
struct id_entry;
struct unit_node;

/* A stage as it was when it was decided what is kept. */
struct kept_stage {
    const struct pipeline_app *app; /* NULL: none begins at this table. */
    unsigned n_tables;
    int next_table;
};

/* A unit that has failed since the start.  It may be destroyed and made anew
 * meanwhile, as when its app is replaced. */
struct kept_unit {
    uint64_t cookie;            /* As struct unit_node has it. */
    const struct pipeline_app *app;
    const char *class_;         /* "APP.UNIT": the engine's. */
};

struct kept {
    size_t n_absent;            /* Apps whose flows are kept, */
    bool apps[PIPELINE_APPS_MAX]; /* by their place in the pipeline, */
    const struct pipeline_app *absent[PIPELINE_N_TABLES]; /* and by table; */
    bool disabled[PIPELINE_APPS_MAX]; /* but not while their rows say so. */
    size_t n_units;
    struct kept_unit *units;    /* Sorted by their cookies. */
    struct kept_stage stages[PIPELINE_N_TABLES]; /* Of all apps, by their
                                                  * first table. */
    int hooks[VMN_N_HOOKS];     /* Where each begins: flows may lead there. */
    bool changed;               /* Apps, or units that are kept, since all was
                                 * last compared. */
    bool released;              /* Something is not kept any more. */
    /* While there is something: */
    size_t n_ids;
    struct id_entry **ids;      /* All that were stored, referenced; none if
                                 * this follows another member. */
    size_t n_groups;
    uint32_t *groups;           /* OpenFlow groups among these, sorted. */
};

/* Decides what is kept, after the first run. */
void kept_decide(struct engine *);
void kept_uninit(struct engine *);

/* Three that may be rolled back: what they release is released with
 * engine_take_released() only, once that is durable, by what there is then.
 *
 * A unit has been computed, or is destroyed.  It is kept no longer if it does
 * not fail, or is not there. */
void kept_unit_changed(struct engine *, const struct unit_node *);
/* Apps have come, gone or moved.  Those that are not there as they were are
 * kept no longer. */
void kept_apps_changed(struct engine *);
/* The row of an app has changed, which may have disabled or enabled it. */
void kept_app_changed(struct engine *);

#endif /* controller/engine/kept-flows.h */
