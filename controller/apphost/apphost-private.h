/* SPDX-License-Identifier: Apache-2.0
 *
 * Declarations that the files of apphost.h share.  Not for others. */

#ifndef CONTROLLER_APPHOST_APPHOST_PRIVATE_H
#define CONTROLLER_APPHOST_APPHOST_PRIVATE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/apphost/apphost.h"
#include "controller/flow/pipeline.h"
#include "openvswitch/list.h"

struct app_worker;

struct apphost {
    char *worker;               /* A program, or NULL. */
    bool own_too;               /* VMN's own apps have workers, too. */
    struct pipeline pipeline;
    size_t n_modules;
    void **modules;             /* Of dlopen(). */
    uint64_t n_ready;           /* Of all workers, when it was last seen. */
    void (*busy)(void *aux);    /* apphost_set_busy_cb(); or NULL. */
    void *busy_aux;
    struct ovs_list loads;      /* Of struct apphost_load. */
    /* What apphost_prepare() has loaded last, the newest first.  A change
     * that loads an app takes it. */
    size_t n_prepared;
    struct pipeline_app prepared[APPHOST_LOADS_MAX];
    char *left;                 /* Stages that apphost_move() has left where
                                 * they are, and why; or NULL. */
    size_t n_retired;           /* What was in the pipeline before. */
    struct pipeline_app *retired;
};

/* apphost.c.  ------------------------------------------------------------- */

/* Give all stages their tables and registers: with something new, which is
 * checked (stage_tables_assign()), and as it was, or with something less
 * (stage_tables_keep()). */
int apphost_assign(struct pipeline *, struct vmn_error *why);
void apphost_keep(struct pipeline *);
/* Fills in the app's stages, once it has a class. */
int apphost_init_stages(struct pipeline_app *, struct vmn_error *why);
/* Has the app's stages get the tables that they have in 'module', if there are
 * such stages in it; NULL: there is none. */
void apphost_want(struct pipeline_app *, const struct vmn_module *);
/* Adds an app, with a class that it then owns, or with the worker that owns
 * its class. */
int apphost_add_app(struct apphost *, struct pipeline_app *,
                    struct vmn_error *why);
/* Frees what it has. */
void apphost_uninit_app(struct pipeline_app *);

/* apphost-live.c.  -------------------------------------------------------- */

void apphost_forget_prepared(struct apphost *);
/* Has 'create' create a worker with an app's file. */
typedef struct app_worker *apphost_create_worker_cb(
    const char *program, const char *file, const void *content, size_t size,
    struct vmn_error *why);
struct app_worker *apphost_create_worker(const struct apphost *,
                                         const char *name,
                                         const struct apphost_file *,
                                         apphost_create_worker_cb *create,
                                         struct vmn_error *why);
/* Checks that an app fits, which the worker has loaded from the file, and
 * remembers it (apphost_prepared()).  Takes ownership of the worker. */
int apphost_remember(struct apphost *, const char *name,
                     const struct apphost_file *, struct app_worker *,
                     struct vmn_error *why);

/* apphost-load.c.  -------------------------------------------------------- */

/* Continues loads, and ends all. */
void apphost_run_loads(struct apphost *);
void apphost_cancel_loads(struct apphost *);

#endif /* controller/apphost/apphost-private.h */
