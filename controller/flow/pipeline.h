/* SPDX-License-Identifier: Apache-2.0
 *
 * The apps and the tables of their stages, as the engine uses them.  By
 * apphost/, which alone changes it: between two runs of the engine, which it
 * is then told of (engine_add_app(), engine_remove_app()). */

#ifndef CONTROLLER_FLOW_PIPELINE_H
#define CONTROLLER_FLOW_PIPELINE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmn/app.h"

struct app_worker;

/* All stages' tables are below this; above are those of the fabric. */
#define PIPELINE_N_TABLES 240

/* The most apps. */
#define PIPELINE_APPS_MAX 64

/* The ID pool of the apps' numbers in learned flows (learn-action.h), by name;
 * each is a valid OpenFlow port number. */
#define PIPELINE_ID_POOL_APP "app"
#define PIPELINE_APP_NUMBER_MAX 0xfeff

struct pipeline_stage {
    const struct vmn_stage_class *class_;
    unsigned rank;              /* Its place in the order of all stages.  One
                                 * that follows another one may have lower
                                 * tables. */
    int wanted;                 /* The first table that it is to have, if that
                                 * is free; -1: any. */
    bool placed;                /* While tables are given to stages. */
    uint8_t first_table;
    int next_table;             /* Of the stage that follows, or -1. */
    const uint32_t *prefixes;   /* VMN_PREFIX_* of each of its tables; NULL: 0
                                 * for all. */
    uint32_t writes;            /* Registers that its flows may write: bit N
                                 * for register N. */
};

/* A resource type that an app declares. */
struct pipeline_type {
    const struct vmn_type_class *class_;
    int table;                  /* Of its objects. */
    const void *shape;          /* What they are to be parsed by for it: that
                                 * of struct vmn_object. */
    char *spec;                 /* Of its row of VMN_TABLE_TYPE, as JSON. */
};

struct pipeline_app {
    const struct vmn_app_class *class_; /* As of this daemon's headers. */
    struct app_worker *worker;  /* The process that has its functions; NULL:
                                 * this one. */
    char *file;                 /* That it was loaded from, as vmnd's options
                                 * or whoever loaded it name it; NULL: it was
                                 * linked in, or is absent. */
    char *digest;               /* Of what the file has in it, if vmnd has a
                                 * copy in its database; or NULL. */
    char *absent;               /* Why its module is not loaded: there is no
                                 * more than its stages then.  NULL: it is. */
    bool in_place;              /* Its stages have the tables that they had
                                 * when vmnd ran the last time. */
    bool builtin;               /* It is one of VMN's own, wherever it runs:
                                 * what it claims comes before what others
                                 * do. */
    uint32_t bucket_writes;     /* As 'writes', of buckets, which belong to no
                                 * stage. */
    bool removed;               /* There is none here any more: it has
                                 * nothing but a name. */
    unsigned n_moves;           /* How often other tables have followed its
                                 * stages, or they may write other
                                 * registers. */
    size_t n_stages;
    struct pipeline_stage *stages; /* In the app's order. */
    size_t n_types;
    struct pipeline_type types[VMN_APP_TYPES_MAX]; /* In the app's order. */
};

struct pipeline {
    size_t n_apps;
    struct pipeline_app *apps;  /* They stay where they are once the engine
                                 * exists.  Until then sorted by name. */
    unsigned n_moves;           /* How often hooks have begun at others. */
};

/* Returns the app of that name, or NULL. */
struct pipeline_app *pipeline_find(const struct pipeline *, const char *name);

/* Returns the table of the objects of an own type of 'app' (NULL: of none),
 * VMN_ROW_OWN(); or -1. */
int pipeline_table_of(const struct pipeline_app *app, enum vmn_row_type);
/* Returns true if an object of 'table' is laid out as 'app' declares it. */
bool pipeline_declares(const struct pipeline_app *app, int table,
                       const void *object);
/* Returns which of the app's types has its objects in 'table', or -1. */
int pipeline_type_of(const struct pipeline_app *app, int table);

/* Returns the first table of the first stage at 'hook' or behind it, by rank;
 * or -1. */
int pipeline_table_of_hook(const struct pipeline *, enum vmn_hook hook);

#endif /* controller/flow/pipeline.h */
