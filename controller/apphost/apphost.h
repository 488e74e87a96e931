/* SPDX-License-Identifier: Apache-2.0
 *
 * Loads apps, checks that they fit, and places their stages in the pipeline.
 * Not for calling them (engine/). */

#ifndef CONTROLLER_APPHOST_APPHOST_H
#define CONTROLLER_APPHOST_APPHOST_H 1

#include <stddef.h>

#include "controller/schema/error.h"
#include "vmn/app.h"

struct apphost;
struct pipeline;

struct apphost *apphost_create(void);
/* After the engine is gone. */
void apphost_destroy(struct apphost *);

/* Loads the module 'file' (a path, or a name such as "overlay" that is looked
 * up in 'dir').  Returns 0, or a positive errno with the error, which says
 * which check failed, set. */
int apphost_load(struct apphost *, const char *dir, const char *file,
                 struct vmn_error *why);
/* The same for an app that is linked in (tests). */
int apphost_add(struct apphost *, const struct vmn_app_class *,
                struct vmn_error *why);

/* Places the stages of all the loaded apps.  Once, after the last load. */
int apphost_place(struct apphost *, struct vmn_error *why);

/* Owned by the app host. */
const struct pipeline *apphost_pipeline(const struct apphost *);

#endif /* controller/apphost/apphost.h */
