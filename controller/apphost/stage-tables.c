/* SPDX-License-Identifier: Apache-2.0
 *
 * Gives the stages of all apps their OpenFlow tables; see stage-tables.h. */

#include <config.h>

#include "controller/apphost/stage-tables.h"

#include <errno.h>
#include <stdbool.h>
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

/* Lists all stages in their order; the caller frees it. */
static struct placed *
list_stages(struct pipeline *pipeline, size_t *n)
{
    struct placed *placed = NULL;

    *n = 0;
    for (size_t i = 0; i < pipeline->n_apps; i++) {
        struct pipeline_app *app = &pipeline->apps[i];

        placed = xrealloc(placed, (*n + app->n_stages + 1) * sizeof *placed);
        for (size_t j = 0; j < app->n_stages; j++) {
            placed[(*n)++] = (struct placed) { app, &app->stages[j] };
        }
    }
    if (*n) {
        qsort(placed, *n, sizeof *placed, compare_placed);
    }
    return placed;
}

/* The order in which stages get tables: those that want some, then those of
 * VMN's own apps and the one that all packets come to, then the rest. */
enum { FOR_WANTED, FOR_OWN, FOR_REST, N_ROUNDS };

/* Tables that stages have. */
struct taken {
    bool tables[PIPELINE_N_TABLES];
};

/* Returns true if the stage may have its tables at 'first'. */
static bool
is_free(const struct taken *taken, const struct pipeline_stage *stage,
        unsigned first)
{
    unsigned begin = first_table(stage->class_->hook);
    unsigned n = stage->class_->n_tables;

    if (first < begin
        || first + n > begin + hook_tables[stage->class_->hook]) {
        return false;
    }
    for (unsigned i = first; i < first + n; i++) {
        if (taken->tables[i]) {
            return false;
        }
    }
    return true;
}

static void
take(struct taken *taken, struct pipeline_stage *stage, unsigned first)
{
    stage->first_table = first;
    memset(&taken->tables[first], true, stage->class_->n_tables);
}

/* Gives the stage the tables that it wants, if they are free. */
static bool
take_wanted(struct taken *taken, struct pipeline_stage *stage)
{
    if (stage->wanted < 0 || (!stage->wanted && stage->rank)
        || !is_free(taken, stage, stage->wanted)) {
        return false;
    }
    take(taken, stage, stage->wanted);
    return true;
}

/* Gives the stage the lowest tables that are free, where all packets come to
 * only if it is the first one.  Returns false if there are none. */
static bool
take_lowest(struct taken *taken, struct pipeline_stage *stage)
{
    unsigned begin = first_table(stage->class_->hook);
    unsigned end = begin + hook_tables[stage->class_->hook];

    if (!begin && stage->rank) {
        begin = 1;
    }

    for (unsigned first = begin; first < end; first++) {
        if (is_free(taken, stage, first)) {
            take(taken, stage, first);
            return true;
        }
    }
    return false;
}

/* Gives the stage tables, if it is its turn. */
static bool
take_in_round(struct taken *taken, const struct placed *placed, int round)
{
    struct pipeline_stage *stage = placed->stage;

    switch (round) {
    case FOR_WANTED:
        return take_wanted(taken, stage);
    case FOR_OWN:
        return (placed->app->builtin || !stage->rank)
               && take_lowest(taken, stage);
    default:
        return take_lowest(taken, stage);
    }
}

/* Gives all stages tables.  Returns false if one does not fit. */
static bool
take_all(struct placed *placed, size_t n)
{
    struct taken taken = { { false } };
    size_t n_placed = 0;

    for (int round = 0; round < N_ROUNDS; round++) {
        for (size_t i = 0; i < n; i++) {
            struct pipeline_stage *stage = placed[i].stage;

            if (!stage->placed && take_in_round(&taken, &placed[i], round)) {
                stage->placed = true;
                n_placed++;
            }
        }
    }
    return n_placed == n;
}

static bool
assign(struct pipeline *pipeline)
{
    size_t n;
    struct placed *placed = list_stages(pipeline, &n);
    bool ok;

    for (size_t i = 0; i < n; i++) {
        placed[i].stage->placed = false;
        placed[i].stage->rank = i;
        placed[i].stage->next_table = -1;
    }
    ok = take_all(placed, n);
    for (size_t i = 1; i < n; i++) {
        placed[i - 1].stage->next_table = placed[i].stage->first_table;
    }
    free(placed);
    return ok;
}

void
stage_tables_want_one(struct pipeline_app *app, const char *name,
                      enum vmn_hook hook, unsigned n_tables, int first)
{
    for (size_t i = 0; i < app->n_stages; i++) {
        struct pipeline_stage *stage = &app->stages[i];

        if (!strcmp(stage->class_->name, name) && stage->class_->hook == hook
            && stage->class_->n_tables == n_tables) {
            stage->wanted = first;
        }
    }
}

void
stage_tables_want(struct pipeline *pipeline, bool as_now)
{
    for (size_t i = 0; i < pipeline->n_apps; i++) {
        struct pipeline_app *app = &pipeline->apps[i];

        for (size_t j = 0; j < app->n_stages; j++) {
            app->stages[j].wanted = as_now ? app->stages[j].first_table : -1;
        }
    }
}

int
stage_tables_assign(struct pipeline *pipeline, struct vmn_error *why)
{
    if (assign(pipeline)) {
        return 0;
    }
    return vmn_error_invalid(
        why, "the free tables at a hook are not enough, or not in a row; "
        "they are after a restart of vmnd");
}
