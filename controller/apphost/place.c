/* SPDX-License-Identifier: Apache-2.0
 *
 * Gives the stages of all apps their OpenFlow tables; see place.h. */

#include <config.h>

#include "controller/apphost/place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/pipeline.h"
#include "util.h"

struct placed {
    const struct pipeline_app *app;
    struct pipeline_stage *stage;
};

static int
compare_placed(const void *a_, const void *b_)
{
    const struct placed *a = a_;
    const struct placed *b = b_;
    const struct vmn_stage_class *x = a->stage->class_;
    const struct vmn_stage_class *y = b->stage->class_;

    if (x->hook != y->hook) {
        return x->hook < y->hook ? -1 : 1;
    }
    if (x->order != y->order) {
        return x->order < y->order ? -1 : 1;
    }
    int order = strcmp(a->app->class_->name, b->app->class_->name);

    /* An app's own stages keep the order in which it lists them. */
    return order ? order : x < y ? -1 : x > y;
}

int
pipeline_place(struct pipeline *pipeline, char **text)
{
    struct placed *placed = NULL;
    size_t n = 0;
    int error = 0;

    for (size_t i = 0; i < pipeline->n_apps; i++) {
        struct pipeline_app *app = &pipeline->apps[i];

        placed = xrealloc(placed, (n + app->n_stages + 1) * sizeof *placed);
        for (size_t j = 0; j < app->n_stages; j++) {
            placed[n++] = (struct placed) { app, &app->stages[j] };
        }
    }
    if (n) {
        qsort(placed, n, sizeof *placed, compare_placed);
    }

    int hook = -1;
    unsigned used = 0;

    for (size_t i = 0; i < n; i++) {
        const struct vmn_stage_class *class_ = placed[i].stage->class_;

        if ((int) class_->hook != hook) {
            hook = class_->hook;
            used = 0;
        }
        if (used + class_->n_tables > PIPELINE_HOOK_TABLES) {
            *text = xasprintf("stage %s of app %s does not fit: the stages "
                              "at its hook want more than %d tables",
                              class_->name, placed[i].app->class_->name,
                              PIPELINE_HOOK_TABLES);
            error = EINVAL;
            break;
        }
        placed[i].stage->first_table = hook * PIPELINE_HOOK_TABLES + used;
        placed[i].stage->next_table = -1;
        used += class_->n_tables;
        if (i) {
            placed[i - 1].stage->next_table = placed[i].stage->first_table;
        }
    }
    free(placed);
    return error;
}
