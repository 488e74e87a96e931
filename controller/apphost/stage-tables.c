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
#include "controller/schema/schema.h"
#include "openvswitch/dynamic-string.h"
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

/* Behind those of the hooks: for stages for which their hook has no room. */
#define SPARE_FIRST 208
BUILD_ASSERT_DECL((VMN_N_HOOKS - 1) * 16 + 80 == SPARE_FIRST);
BUILD_ASSERT_DECL(SPARE_FIRST < PIPELINE_N_TABLES);

/* Tables from 'first' on, without 'end'. */
struct range {
    unsigned first, end;
};

static const struct range spare = { SPARE_FIRST, PIPELINE_N_TABLES };

unsigned
stage_tables_of_hook(enum vmn_hook hook)
{
    return hook_tables[hook];
}

static struct range
hook_range(enum vmn_hook hook)
{
    unsigned first = 0;

    for (unsigned i = 0; i < hook; i++) {
        first += hook_tables[i];
    }
    return (struct range) { first, first + hook_tables[hook] };
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

/* The order in which stages get tables: those that are where they want to be,
 * then those that want others, then those of VMN's own apps and the one that
 * all packets come to, then the rest. */
enum { FOR_KEPT, FOR_WANTED, FOR_OWN, FOR_REST, N_ROUNDS };

/* Tables that stages have. */
struct taken {
    bool tables[PIPELINE_N_TABLES];
};

/* Returns true if the stage may have its tables at 'first', inside of
 * 'range'. */
static bool
is_free(const struct taken *taken, const struct pipeline_stage *stage,
        struct range range, unsigned first)
{
    unsigned end = first + stage->class_->n_tables;

    if (first < range.first || end > range.end) {
        return false;
    }
    for (unsigned i = first; i < end; i++) {
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
        || (!is_free(taken, stage, hook_range(stage->class_->hook),
                     stage->wanted)
            && !is_free(taken, stage, spare, stage->wanted))) {
        return false;
    }
    take(taken, stage, stage->wanted);
    return true;
}

/* Gives the stage the lowest tables of 'range' that are free.  Returns false
 * if there are none. */
static bool
take_lowest_of(struct taken *taken, struct pipeline_stage *stage,
               struct range range)
{
    for (unsigned first = range.first; first < range.end; first++) {
        if (is_free(taken, stage, range, first)) {
            take(taken, stage, first);
            return true;
        }
    }
    return false;
}

/* The same of its hook's tables, or else of the spare ones.  All packets come
 * to table 0, so only the first stage may have it. */
static bool
take_lowest(struct taken *taken, struct pipeline_stage *stage)
{
    struct range range = hook_range(stage->class_->hook);

    if (!range.first && stage->rank) {
        range.first = 1;
    }
    return (take_lowest_of(taken, stage, range)
            || take_lowest_of(taken, stage, spare));
}

/* Gives the stage tables, if it is its turn. */
static bool
take_in_round(struct taken *taken, const struct placed *placed, int round)
{
    struct pipeline_stage *stage = placed->stage;

    switch (round) {
    case FOR_KEPT:
        return (stage->wanted == stage->first_table
                && take_wanted(taken, stage));
    case FOR_WANTED:
        return take_wanted(taken, stage);
    case FOR_OWN:
        return (placed->app->builtin || !stage->rank)
               && take_lowest(taken, stage);
    default:
        return take_lowest(taken, stage);
    }
}

/* Gives all stages tables, in the rounds from 'round' on.  Returns one that
 * does not fit, or NULL. */
static const struct placed *
take_all(struct placed *placed, size_t n, int round, struct taken *taken)
{
    *taken = (struct taken) { { false } };
    for (; round < N_ROUNDS; round++) {
        for (size_t i = 0; i < n; i++) {
            struct pipeline_stage *stage = placed[i].stage;

            stage->placed = (stage->placed
                             || take_in_round(taken, &placed[i], round));
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (!placed[i].stage->placed) {
            return &placed[i];
        }
    }
    return NULL;
}

/* Gives all stages tables, in the rounds from 'round' on.  Returns false with
 * '*left' and what the others have if one does not fit. */
static bool
assign(struct pipeline *pipeline, int round, struct placed *left,
       struct taken *taken)
{
    size_t n;
    struct placed *placed = list_stages(pipeline, &n);
    const struct placed *unplaced;

    for (size_t i = 0; i < n; i++) {
        placed[i].stage->placed = false;
        placed[i].stage->rank = i;
        placed[i].stage->next_table = -1;
    }
    unplaced = take_all(placed, n, round, taken);
    if (unplaced) {
        *left = *unplaced;
    }
    for (size_t i = 1; i < n; i++) {
        placed[i - 1].stage->next_table = placed[i].stage->first_table;
    }
    free(placed);
    return !unplaced;
}

/* Errors.  ---------------------------------------------------------------- */

/* Returns how many tables of 'range' are free in a row, at most. */
static unsigned
longest_free(const struct taken *taken, struct range range)
{
    unsigned n = 0, longest = 0;

    for (unsigned i = range.first; i < range.end; i++) {
        n = taken->tables[i] ? 0 : n + 1;
        longest = MAX(longest, n);
    }
    return longest;
}

/* Returns true if the app has tables that a stage of 'hook' could have. */
static bool
is_in_the_way(const struct pipeline_app *app, enum vmn_hook hook)
{
    for (size_t i = 0; i < app->n_stages; i++) {
        const struct pipeline_stage *stage = &app->stages[i];

        if (stage->placed && (stage->class_->hook == hook
                              || stage->first_table >= SPARE_FIRST)) {
            return true;
        }
    }
    return false;
}

/* Names the apps but VMN's own that have tables which 'left' could have.  The
 * caller frees it. */
static char *
name_others(const struct pipeline *pipeline, const struct placed *left)
{
    struct ds names = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < pipeline->n_apps; i++) {
        const struct pipeline_app *app = &pipeline->apps[i];

        if (app != left->app && !app->builtin
            && is_in_the_way(app, left->stage->class_->hook)) {
            ds_put_format(&names, "%s%s", names.length ? ", " : "",
                          app->class_->name);
        }
    }
    return ds_steal_cstr(&names);
}

/* 'when' and 'advice' are put before and behind of what there is no room
 * for. */
static int
refuse(const struct pipeline *pipeline, const struct placed *left,
       const struct taken *taken, const char *when, const char *advice,
       struct vmn_error *why)
{
    const struct vmn_stage_class *class_ = left->stage->class_;
    char *names = name_others(pipeline, left);

    vmn_error_invalid(
        why, "%sno room for stage %s of app %s%s%s: it needs %u in a row of "
        "the tables of hook %s (%u free) or of the spare ones (%u free)%s",
        when, class_->name, left->app->class_->name,
        names[0] ? " beside the stages of " : "", names, class_->n_tables,
        schema_hook_names[class_->hook],
        longest_free(taken, hook_range(class_->hook)),
        longest_free(taken, spare), advice);
    free(names);
    return EINVAL;
}

/* Wishes.  ---------------------------------------------------------------- */

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

/* All stages.  ------------------------------------------------------------ */

int
stage_tables_start(struct pipeline *pipeline, struct vmn_error *why)
{
    struct placed left;
    struct taken taken;

    return (assign(pipeline, FOR_OWN, &left, &taken)
            ? 0 : refuse(pipeline, &left, &taken, "", "", why));
}

int
stage_tables_keep(struct pipeline *pipeline, struct vmn_error *why)
{
    struct placed left;
    struct taken taken;

    return (assign(pipeline, FOR_KEPT, &left, &taken)
            ? 0 : refuse(pipeline, &left, &taken, "", "", why));
}

/* Has the stages stay where they were that could not have what they wanted,
 * and adds them to 'left'.  Returns true if there were any. */
static bool
stay(const struct placed *placed, size_t n, const int *before, struct ds *left)
{
    bool any = false;

    for (size_t i = 0; i < n; i++) {
        struct pipeline_stage *stage = placed[i].stage;

        if (stage->first_table != stage->wanted
            && stage->wanted != before[i]) {
            ds_put_format(left, "%sstage %s of app %s is at table %d, as %d "
                          "is not free for it", left->length ? ", " : "",
                          stage->class_->name, placed[i].app->class_->name,
                          before[i], stage->wanted);
            stage->wanted = before[i];
            any = true;
        }
    }
    return any;
}

bool
stage_tables_move(struct pipeline *pipeline, char **left)
{
    size_t n;
    struct placed *placed = list_stages(pipeline, &n), unplaced;
    int *before = xcalloc(MAX(n, 1), sizeof *before);
    struct ds text = DS_EMPTY_INITIALIZER;
    struct taken taken;
    bool moved = false;

    for (size_t i = 0; i < n; i++) {
        before[i] = placed[i].stage->first_table;
    }
    /* Those that stay come first (FOR_KEPT), and have room beside each other,
     * as they do now.  Each turn but the last has more of them. */
    do {
        for (size_t i = 0; i < n; i++) {
            placed[i].stage->first_table = before[i];
        }
        assign(pipeline, FOR_KEPT, &unplaced, &taken);
    } while (stay(placed, n, before, &text));
    for (size_t i = 0; i < n; i++) {
        moved |= placed[i].stage->first_table != before[i];
    }
    *left = text.length ? ds_steal_cstr(&text) : NULL;
    ds_destroy(&text);
    free(before);
    free(placed);
    return moved;
}

/* Returns true if all stages have room at a start that knows of no wishes.
 * They have the tables after it that they had before. */
static bool
have_room_at_start(struct pipeline *pipeline)
{
    size_t n;
    struct placed *placed = list_stages(pipeline, &n), left;
    uint8_t *before = xmalloc(MAX(n, 1));
    struct taken taken;
    bool fit;

    for (size_t i = 0; i < n; i++) {
        before[i] = placed[i].stage->first_table;
    }
    fit = assign(pipeline, FOR_OWN, &left, &taken);
    for (size_t i = 0; i < n; i++) {
        placed[i].stage->first_table = before[i];
    }
    free(before);
    free(placed);
    return fit;
}

int
stage_tables_assign(struct pipeline *pipeline, struct vmn_error *why)
{
    struct placed left;
    struct taken taken;
    bool starts = have_room_at_start(pipeline);

    if (!assign(pipeline, FOR_KEPT, &left, &taken)) {
        return refuse(pipeline, &left, &taken, "",
                      starts ? "; from a start on there is room: have vmnd's "
                      "options name it" : "", why);
    }
    if (starts) {
        return 0;
    }
    /* It may be another app that would go without, as there VMN's own and
     * those that come first are served first. */
    assign(pipeline, FOR_OWN, &left, &taken);
    return refuse(pipeline, &left, &taken, "at the next start there would be ",
                  "", why);
}
