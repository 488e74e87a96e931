/* SPDX-License-Identifier: Apache-2.0
 *
 * Loads apps, checks that they fit, and places their stages in the pipeline.
 * Not for calling them (engine/). */

#ifndef CONTROLLER_APPHOST_APPHOST_H
#define CONTROLLER_APPHOST_APPHOST_H 1

#include <stdbool.h>
#include <stddef.h>

#include "controller/schema/error.h"
#include "vmn/app.h"

struct apphost;
struct pipeline;
struct pipeline_app;
struct vmn_module;

/* 'worker' is the program that apps of others run in (vmn-app-worker); NULL:
 * they run in this process.  With 'own_too' VMN's own apps run there as well,
 * for tests. */
struct apphost *apphost_create(const char *worker, bool own_too);
/* Returns where 'worker' is, by where this program is.  The caller frees
 * it. */
char *apphost_find_worker(void);
/* After the engine is gone. */
void apphost_destroy(struct apphost *);

/* Loads the app 'file': the path of a module or a Lua script, or a name such
 * as "overlay" that is looked up in 'dir' (.so, then .lua).  VMN's own apps,
 * by the names of their modules, are loaded into this process; all others get
 * a worker process each.  Returns 0, or a positive errno with the error, which
 * says which check failed, set. */
int apphost_load(struct apphost *, const char *dir, const char *file,
                 struct vmn_error *why);
/* The same for an app that is linked in (tests). */
int apphost_add(struct apphost *, const struct vmn_app_class *,
                struct vmn_error *why);

/* Returns true if 'file', as for apphost_load(), is an app of VMN's own. */
bool apphost_is_own(const char *file);

/* Adds an app that cannot be loaded, for the reason 'absent': it has nothing
 * but the stages that it had before, which keep their tables.  'digest' is
 * that of its file, if vmnd has that in its database: so it can be replaced
 * and removed as any other such app; or NULL.  Errors are as for
 * apphost_load(). */
int apphost_add_absent(struct apphost *, const char *name, const char *digest,
                       const struct vmn_module *before, const char *absent,
                       struct vmn_error *why);

/* Have the stages of an app get the tables that they had when vmnd ran the
 * last time, as far as they are free.  To be called for all apps, once all are
 * added; then apphost_settle() gives all stages tables again: those that they
 * had, or if there is no room so, others. */
void apphost_want_place(struct apphost *, const char *app,
                        const struct vmn_module *before);
void apphost_settle(struct apphost *);

/* Returns true if the app's stages are those of 'before', at the same
 * tables. */
bool apphost_is_in_place(const struct pipeline_app *,
                         const struct vmn_module *before);
/* Says what an app was when vmnd ran the last time, after the last app was
 * added: if its stages are where they were, what hosts have of them may be
 * kept. */
void apphost_compare_place(struct apphost *, const char *app,
                           const struct vmn_module *before);

/* Starts workers again that have ended, if it is time to; to be called now and
 * then.  Returns true if units that found a worker absent are worth another
 * try (commit_retry()). */
bool apphost_run(struct apphost *);
/* Returns true if that is to be done soon again: a worker loads its app, is
 * being started, or is at a computation that nobody waits for. */
bool apphost_is_busy(const struct apphost *);
/* Has 'busy' called when it becomes so. */
void apphost_set_busy_cb(struct apphost *, void (*busy)(void *aux), void *aux);
/* Returns true if there are workers. */
bool apphost_has_workers(const struct apphost *);

/* Returns false if code of the app may read the files of vmnd's user while it
 * is loaded: it is a module, and the kernel lacks Landlock. */
bool apphost_is_confined(const struct pipeline_app *);

/* Makes a new beginning with an app whose worker pauses, or that is suspended:
 * nor is any guest barred then.
 * Returns false if there is no such app with a worker. */
bool apphost_resume(struct apphost *, const char *app);

/* Apps whose files vmnd has in its database, so that they can be loaded while
 * it runs (apphost-live.c).  What changes the pipeline is called between two
 * runs of the engine: it is told before an app goes (engine_remove_app()), and
 * after one has come (engine_add_app()). */
struct apphost_file {
    const char *name;           /* It ends in .so or .lua. */
    const char *code;           /* What it has in it (module-code.h). */
    const char *digest;         /* Of that. */
};

/* Adds app 'name' at the start, as apphost_load(). */
int apphost_add_file(struct apphost *, const char *name,
                     const struct apphost_file *, struct vmn_error *why);
/* Begins to load app 'name' from the file, in place of the one of that name if
 * there is one.  apphost_run() continues it, remembers what was loaded, and
 * calls 'done' once: with NULL, or with the error.  The load is gone then.
 * Returns NULL with the error set if it cannot begin. */
struct apphost_load;
typedef void apphost_load_cb(void *aux, const char *error);
#define APPHOST_LOADS_MAX 4     /* At a time. */
struct apphost_load *apphost_prepare(struct apphost *, const char *name,
                                     const struct apphost_file *,
                                     apphost_load_cb *done, void *aux,
                                     struct vmn_error *why);
/* Ends a load.  'done' is not called. */
void apphost_cancel_prepare(struct apphost_load *);
/* Returns what was loaded so last and is in no place yet, or NULL. */
const struct pipeline_app *apphost_prepared(const struct apphost *);
/* Does that: with the tables that its stages have by 'before', if these are
 * free.  If it fails now, the app is absent, with the stages that it has by
 * 'before'. */
void apphost_replace(struct apphost *, const char *name,
                     const struct apphost_file *,
                     const struct vmn_module *before);
/* Removes app 'name'. */
void apphost_remove(struct apphost *, const char *name);
/* Has all stages be at the tables that 'get_module' says for each app, NULL:
 * nothing of it.  One that cannot be there, as another one is, stays where it
 * is, which is logged.  Returns true if any have moved, of which the engine is
 * told (engine_apps_moved()). */
bool apphost_move(struct apphost *, const struct vmn_module *
                  (*get_module)(void *aux, const char *app), void *aux);
/* Frees what apps had that have gone, once nothing of them is used any
 * more. */
void apphost_free_retired(struct apphost *);

/* Owned by the app host. */
const struct pipeline *apphost_pipeline(const struct apphost *);

#endif /* controller/apphost/apphost.h */
