/* SPDX-License-Identifier: Apache-2.0
 *
 * A state of VMN without hosts or API: an app, VMN's own apps, and objects.
 * What vmnd would have hosts do is computed by the very same code.  Not for
 * what is expected of it (kit-test.c). */

#ifndef CONTROLLER_KIT_KIT_WORLD_H
#define CONTROLLER_KIT_KIT_WORLD_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "controller/schema/error.h"

struct apphost;
struct ds;
struct learned_flows;

struct kit_world {
    char *app;                  /* The name of the app under test; NULL: there
                                 * are VMN's own alone. */
    struct apphost *apphost;
    struct apphost *other;      /* The same apps in other processes; NULL:
                                 * not asked for. */
    struct model *model;
    struct engine *engine;
    struct learned_flows *learned; /* By switches, from packets of traces. */
    json_t *placed;             /* {PORT: {"host", "iface_id"}}. */
    int last_ofport;
};

struct kit_setup {
    const char *file;           /* The app's; NULL: none. */
    const char *app_dir;        /* Where VMN's own are. */
    bool twice;                 /* Have 'other'. */
};

/* Loads the apps.  Returns NULL with an error if one cannot be loaded. */
struct kit_world *kit_world_create(const struct kit_setup *,
                                   struct vmn_error *why);
void kit_world_destroy(struct kit_world *);

/* What time it is in a new world.  There is one world at a time. */
#define KIT_FIRST_TIME "2026-01-01T00:00:00Z"

/* Makes the changes of a step of a test: its "apply", "delete", "placement"
 * and "health", has it be its "time", and computes what follows.  Returns 0;
 * or EINVAL with 'errors', whose pointers are into the step, and nothing has
 * changed. */
int kit_world_change(struct kit_world *, const json_t *step,
                     struct vmn_errors *errors);

/* The same, with the first of the errors. */
int kit_world_apply(struct kit_world *, const json_t *step,
                    struct vmn_error *why);

/* Starts the app's processes at once if they have ended, and has their ends
 * bar and suspend nothing, so that each packet and step of a test meets the
 * same app. */
void kit_world_restart(struct kit_world *);

/* Returns true if an app of that name is there. */
bool kit_world_has_app(const struct kit_world *, const char *name);

/* Computes everything from nothing, twice, by the app in another process, and
 * compares.  Appends a line for each difference to 'ds'; returns their
 * number. */
size_t kit_world_verify(struct kit_world *, struct ds *);

#endif /* controller/kit/kit-world.h */
