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

struct kept {
    size_t n_absent;            /* Apps whose flows are kept, */
    bool apps[PIPELINE_APPS_MAX]; /* by their place in the pipeline, */
    const struct pipeline_app *absent[PIPELINE_N_TABLES]; /* and by table. */
    size_t n_units;             /* That have failed since the start. */
    struct kept_stage stages[PIPELINE_N_TABLES]; /* Of all apps, by their
                                                  * first table. */
    bool apps_changed;          /* Since it was last compared with these. */
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

/* A unit that is kept has been computed, or is destroyed. */
void kept_release_unit(struct engine *, struct unit_node *);
/* Apps have come, gone or moved.  What is kept of those that are not there as
 * they were is released with engine_take_released(), once that is durable: it
 * may be rolled back before. */
void kept_apps_changed(struct engine *);
/* The row of an app has changed. */
void kept_app_changed(struct engine *);

#endif /* controller/engine/kept-flows.h */
