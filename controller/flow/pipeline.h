/* SPDX-License-Identifier: Apache-2.0
 *
 * The apps and the tables of their stages, as the engine uses them.  Filled in
 * by apphost/; read-only from then on. */

#ifndef CONTROLLER_FLOW_PIPELINE_H
#define CONTROLLER_FLOW_PIPELINE_H 1

#include <stddef.h>
#include <stdint.h>

#include "vmn/app.h"

struct app_worker;

/* All hooks' tables are below this. */
#define PIPELINE_N_TABLES 208

struct pipeline_stage {
    const struct vmn_stage_class *class_;
    uint8_t first_table;
    int next_table;             /* Of the stage that follows, or -1. */
    const uint32_t *prefixes;   /* VMN_PREFIX_* of each of its tables; NULL: 0
                                 * for all. */
};

struct pipeline_app {
    const struct vmn_app_class *class_; /* As of this daemon's headers. */
    struct app_worker *worker;  /* The process that has its functions; NULL:
                                 * this one. */
    size_t n_stages;
    struct pipeline_stage *stages; /* In the app's order. */
};

struct pipeline {
    size_t n_apps;
    struct pipeline_app *apps;  /* Sorted by name. */
};

/* Returns the first table of the first stage at 'hook' or behind it, or -1. */
int pipeline_table_of_hook(const struct pipeline *, enum vmn_hook hook);

#endif /* controller/flow/pipeline.h */
