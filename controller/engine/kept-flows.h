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

struct kept {
    size_t n_absent;            /* Apps whose flows are kept, */
    bool apps[PIPELINE_APPS_MAX]; /* by their place in the pipeline, */
    const struct pipeline_app *absent[PIPELINE_N_TABLES]; /* and by table. */
    size_t n_units;             /* That have failed since the start. */
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
/* An app goes, before it does. */
void kept_release_app(struct engine *, const struct pipeline_app *);
/* Apps are not in place any more: what they have where they were goes. */
void kept_release_moved(struct engine *);
/* The row of an app has changed. */
void kept_app_changed(struct engine *);

#endif /* controller/engine/kept-flows.h */
