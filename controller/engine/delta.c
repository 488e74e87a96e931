/* SPDX-License-Identifier: Apache-2.0
 *
 * Differences; see delta.h and engine.h. */

#include <config.h>

#include "controller/engine/delta.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/engine/scope.h"
#include "controller/flow/flow-item.h"
#include "controller/flow/pipeline.h"
#include "util.h"

/* Steps are short, so the clock is read only after this many. */
#define PAUSE_STEPS 64

struct engine_delta *
delta_create(const struct engine *engine, const struct pipeline *pipeline)
{
    struct engine_delta *delta = xzalloc(sizeof *delta);

    delta->engine = engine;
    delta->n_apps = pipeline->n_apps;
    delta->apps = xcalloc(MAX(delta->n_apps, 1), sizeof *delta->apps);
    for (size_t i = 0; i < delta->n_apps; i++) {
        delta->apps[i].name = pipeline->apps[i].class_->name;
    }
    return delta;
}

void
engine_delta_destroy(struct engine_delta *delta)
{
    if (!delta) {
        return;
    }
    for (size_t i = 0; i < delta->n_changes; i++) {
        flow_item_unref(CONST_CAST(struct flow_item *,
                                   delta->changes[i].item));
        if (i % PAUSE_STEPS == 0) {
            engine_yield(delta->engine);
        }
    }
    for (size_t i = 0; i < delta->n_members; i++) {
        scope_unref(CONST_CAST(struct engine_scope *,
                               delta->members[i].scope));
        free(CONST_CAST(char *, delta->members[i].host));
        if (i % PAUSE_STEPS == 0) {
            engine_yield(delta->engine);
        }
    }
    free(delta->changes);
    free(delta->members);
    free(delta->apps);
    free(delta);
}

/* Returns the size to which an array of 'n' elements grows if it is full; 0 if
 * it is not. */
static size_t
grown(size_t n)
{
    return n & (n - 1) ? 0 : n ? 2 * n : 1;
}

void
delta_add(struct engine_delta *delta, struct flow_item *item, bool added,
          bool replaced)
{
    struct engine_delta_app *app = (item->app < delta->n_apps
                                    ? &delta->apps[item->app] : NULL);
    size_t size = grown(delta->n_changes);

    if (size) {
        delta->changes = xrealloc(delta->changes,
                                  size * sizeof *delta->changes);
    }
    delta->changes[delta->n_changes++] = (struct engine_change) {
        .added = added,
        .replaced = replaced,
        .item = flow_item_ref(item),
    };
    if (app && added) {
        if (replaced) {
            app->changed++;
        } else {
            app->added++;
        }
    } else if (app && !replaced) {
        app->removed++;
    }
}

void
delta_add_member(struct engine_delta *delta, struct engine_scope *scope,
                 const char *host, bool joined)
{
    size_t size = grown(delta->n_members);

    if (size) {
        delta->members = xrealloc(delta->members,
                                  size * sizeof *delta->members);
    }
    scope_ref(scope);
    delta->members[delta->n_members++] = (struct engine_member) {
        .scope = scope, .host = xstrdup(host), .joined = joined,
    };
}

void
delta_count_unit(struct engine_delta *delta, unsigned app)
{
    if (app < delta->n_apps) {
        delta->apps[app].units++;
    }
}
