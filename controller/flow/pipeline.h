/* SPDX-License-Identifier: Apache-2.0
 *
 * The apps and the tables of their stages, as the engine uses them.  Filled in
 * by apphost/; read only from then on. */

#ifndef CONTROLLER_FLOW_PIPELINE_H
#define CONTROLLER_FLOW_PIPELINE_H 1

#include <stddef.h>
#include <stdint.h>

#include "vmn/app.h"

/* All hooks' tables are below this. */
#define PIPELINE_N_TABLES 208

struct pipeline_stage {
    const struct vmn_stage_class *class_;
    uint8_t first_table;
    int next_table;             /* Of the stage that follows, or -1. */
};

struct pipeline_app {
    const struct vmn_app_class *class_;
    size_t n_stages;
    struct pipeline_stage *stages; /* In the app's order. */
};

struct pipeline {
    size_t n_apps;
    struct pipeline_app *apps;  /* Sorted by name. */
};

/* The app's handlers, or NULL.  A module that was built before there were any
 * has a smaller class. */
static inline const struct vmn_handler_class *
pipeline_handlers(const struct pipeline_app *app)
{
    const struct vmn_app_class *class_ = app->class_;

    return (class_->size >= offsetof(struct vmn_app_class, handlers)
                            + sizeof class_->handlers
            ? class_->handlers : NULL);
}

/* What says what the app's flows stand for, or NULL. */
static inline vmn_flow_owner_fn *
pipeline_flow_owner(const struct pipeline_app *app)
{
    const struct vmn_app_class *class_ = app->class_;

    return (class_->size >= offsetof(struct vmn_app_class, flow_owner)
                            + sizeof class_->flow_owner
            ? class_->flow_owner : NULL);
}

#endif /* controller/flow/pipeline.h */
