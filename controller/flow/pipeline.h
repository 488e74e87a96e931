/* SPDX-License-Identifier: Apache-2.0
 *
 * The apps and the tables of their stages, as the engine uses them.  Filled in
 * by apphost/; read-only from then on. */

#ifndef CONTROLLER_FLOW_PIPELINE_H
#define CONTROLLER_FLOW_PIPELINE_H 1

#include <stdbool.h>
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
    uint32_t writes;            /* Registers that its flows may write: bit N
                                 * for register N. */
};

struct pipeline_app {
    const struct vmn_app_class *class_; /* As of this daemon's headers. */
    struct app_worker *worker;  /* The process that has its functions; NULL:
                                 * this one. */
    char *file;                 /* That it was loaded from, as vmnd's options
                                 * name it; NULL: it was linked in, or is
                                 * absent. */
    char *absent;               /* Why its module is not loaded: there is no
                                 * more than its stages then.  NULL: it is. */
    bool in_place;              /* Its stages have the tables that they had
                                 * when vmnd ran the last time. */
    bool builtin;               /* It is one of VMN's own, wherever it runs:
                                 * what it claims comes before what others
                                 * do. */
    uint32_t bucket_writes;     /* As 'writes', of buckets, which belong to no
                                 * stage. */
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
