/* SPDX-License-Identifier: Apache-2.0
 *
 * Gives the stages of all apps their OpenFlow tables; see stage-tables.h. */

#include <config.h>

#include "controller/apphost/stage-tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/flow/pipeline.h"
#include "controller/schema/error.h"
#include "util.h"

/* How many tables each hook has, one hook's after another's. */
static const unsigned hook_tables[VMN_N_HOOKS] = {
    [VMN_HOOK_ADMIT] = 16,
    [VMN_HOOK_SERVICE] = 16,
    [VMN_HOOK_BALANCE] = 16,
    [VMN_HOOK_ROUTE] = 16,
    [VMN_HOOK_LOCATE] = 16,
    [VMN_HOOK_TRACK] = 16,
    [VMN_HOOK_POLICY] = 80,     /* A table for each tier and direction. */
    [VMN_HOOK_UNBALANCE] = 16,
    [VMN_HOOK_DELIVER] = 16,
};
BUILD_ASSERT_DECL((VMN_N_HOOKS - 1) * 16 + 80 == PIPELINE_N_TABLES);

unsigned
stage_tables_of_hook(enum vmn_hook hook)
{
    return hook_tables[hook];
}

static unsigned
first_table(enum vmn_hook hook)
{
    unsigned first = 0;

    for (unsigned i = 0; i < hook; i++) {
        first += hook_tables[i];
    }
    return first;
}

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
    if (a->app->builtin != b->app->builtin) {
        return a->app->builtin ? -1 : 1;
    }
    int order = strcmp(a->app->class_->name, b->app->class_->name);

    /* An app's own stages keep the order in which it lists them. */
    return order ? order : x < y ? -1 : x > y;
}

/* Adds up the tables that an app's stages want, by hook. */
static void
count_tables(const struct vmn_app_class *class_, unsigned n[VMN_N_HOOKS])
{
    const struct vmn_stage_class *stage = class_->stages;

    for (; stage && stage->name; stage++) {
        n[stage->hook] += stage->n_tables;
    }
}

int
stage_tables_check(const struct vmn_app_class *class_,
                   const struct pipeline *loaded, struct vmn_error *why)
{
    const struct vmn_stage_class *stage = class_->stages;
    unsigned n[VMN_N_HOOKS] = { 0 };

    for (size_t i = 0; i < loaded->n_apps; i++) {
        count_tables(loaded->apps[i].class_, n);
    }
    count_tables(class_, n);
    for (; stage && stage->name; stage++) {
        if (n[stage->hook] > hook_tables[stage->hook]) {
            return vmn_error_invalid(
                why, "stage %s of app %s does not fit: the stages at its hook "
                "need more than %u tables", stage->name, class_->name,
                hook_tables[stage->hook]);
        }
    }
    return 0;
}

void
stage_tables_assign(struct pipeline *pipeline)
{
    struct placed *placed = NULL;
    unsigned used = 0;
    int hook = -1;
    size_t n = 0;

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
    for (size_t i = 0; i < n; i++) {
        const struct vmn_stage_class *class_ = placed[i].stage->class_;

        if ((int) class_->hook != hook) {
            hook = class_->hook;
            used = 0;
        }
        placed[i].stage->first_table = first_table(hook) + used;
        placed[i].stage->next_table = -1;
        used += class_->n_tables;
        if (i) {
            placed[i - 1].stage->next_table = placed[i].stage->first_table;
        }
    }
    free(placed);
}
