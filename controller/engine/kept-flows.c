/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows that stay on hosts although nothing desires them; see kept-flows.h.
 *
 * They are kept where they are, so only of apps whose stages have the tables
 * that they had when the flows were installed.  What they refer to stays as
 * well: IDs that nobody uses are not freed meanwhile, and groups are not
 * deleted. */

#include <config.h>

#include "controller/engine/engine-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/id-pools.h"
#include "controller/schema/tables.h"
#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(kept_flows);

static int
compare_u32(const void *a_, const void *b_)
{
    const uint32_t *a = a_;
    const uint32_t *b = b_;

    return *a < *b ? -1 : *a > *b;
}

static bool
is_any(const struct kept *kept)
{
    return kept->n_absent || kept->n_units;
}

static void
list_groups(struct engine *engine)
{
    struct kept *kept = &engine->kept;
    struct id_write *all;
    size_t n;

    all = id_pools_get_all(model_id_pools(engine->model), &n);
    kept->groups = xmalloc(MAX(n, 1) * sizeof *kept->groups);
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(all[i].pool, VMN_ID_POOL_GROUP)) {
            kept->groups[kept->n_groups++] = all[i].value;
        }
    }
    free(all);
    qsort(kept->groups, kept->n_groups, sizeof *kept->groups, compare_u32);
}

/* A member of a cluster that stands by holds none: it frees none by itself,
 * and has to free what the writer does. */
static void
hold_ids(struct engine *engine)
{
    struct id_pools *pools = model_id_pools(engine->model);
    struct kept *kept = &engine->kept;
    struct id_write *all;
    size_t n;

    if (engine->following || !is_any(kept)) {
        return;
    }
    all = id_pools_get_all(pools, &n);
    kept->ids = xmalloc(MAX(n, 1) * sizeof *kept->ids);
    for (size_t i = 0; i < n; i++) {
        struct id_entry *entry = id_pools_ref(pools, all[i].pool, all[i].key);

        if (entry) {            /* Else no app has this pool any more. */
            kept->ids[kept->n_ids++] = entry;
        }
    }
    free(all);
}

void
engine_set_following(struct engine *engine, bool following)
{
    engine->following = following;
    hold_ids(engine);
}

static void
drop_ids(struct engine *engine)
{
    struct kept *kept = &engine->kept;

    while (kept->n_ids) {
        id_pools_unref(model_id_pools(engine->model),
                       kept->ids[--kept->n_ids]);
    }
    free(kept->ids);
    free(kept->groups);
    kept->ids = NULL;
    kept->groups = NULL;
    kept->n_groups = 0;
}

/* Returns true if what hosts have of the app may be kept. */
static bool
may_be_kept(const struct pipeline_app *app)
{
    return (app->absent && !app->removed
            && !(app->class_->options & VMN_APP_WITHDRAW));
}

static void
note_stages(struct engine *engine)
{
    for (size_t i = 0; i < engine->pipeline->n_apps; i++) {
        const struct pipeline_app *app = &engine->pipeline->apps[i];

        for (size_t j = 0; j < app->n_stages; j++) {
            const struct pipeline_stage *stage = &app->stages[j];

            engine->kept.stages[stage->first_table] = (struct kept_stage) {
                app, stage->class_->n_tables, stage->next_table,
            };
        }
    }
}

/* Returns true if the app's stages are as they were then.  What leads to the
 * next one matters, too: flows that are kept go there. */
static bool
is_as_noted(const struct engine *engine, const struct pipeline_app *app)
{
    size_t n = 0;

    for (size_t i = 0; i < PIPELINE_N_TABLES; i++) {
        n += engine->kept.stages[i].app == app;
    }
    for (size_t i = 0; i < app->n_stages; i++) {
        const struct pipeline_stage *stage = &app->stages[i];
        const struct kept_stage *then
            = &engine->kept.stages[stage->first_table];

        if (then->app != app || then->n_tables != stage->class_->n_tables
            || then->next_table != stage->next_table) {
            return false;
        }
    }
    return n == app->n_stages;
}

/* An app that is absent keeps all that is in its tables: without the app,
 * nobody knows whose that is. */
static void
keep_absent(struct engine *engine)
{
    struct kept *kept = &engine->kept;

    for (size_t i = 0; i < engine->pipeline->n_apps; i++) {
        const struct pipeline_app *app = &engine->pipeline->apps[i];

        if (!may_be_kept(app) || !app->in_place) {
            continue;
        }
        kept->n_absent++;
        kept->apps[i] = true;
        for (size_t j = 0; j < app->n_stages; j++) {
            const struct pipeline_stage *stage = &app->stages[j];

            for (unsigned k = 0; k < stage->class_->n_tables; k++) {
                kept->absent[stage->first_table + k] = app;
            }
        }
    }
}

void
kept_decide(struct engine *engine)
{
    struct kept *kept = &engine->kept;
    struct unit_node *unit;

    if (engine->shadow) {
        return;
    }
    note_stages(engine);
    keep_absent(engine);
    LIST_FOR_EACH (unit, problem_node, &engine->problems) {
        if (unit_class(engine, unit)->app->in_place) {
            unit->kept = true;
            kept->n_units++;
        }
    }
    if (is_any(kept)) {
        VLOG_WARN("what hosts have of %"PRIuSIZE" apps that could not be "
                  "loaded, and of %"PRIuSIZE" units that have failed, stays",
                  kept->n_absent, kept->n_units);
        list_groups(engine);
        hold_ids(engine);
    }
}

void
kept_uninit(struct engine *engine)
{
    drop_ids(engine);
}

void
kept_release_unit(struct engine *engine, struct unit_node *unit)
{
    struct kept *kept = &engine->kept;

    if (unit->kept) {
        unit->kept = false;
        kept->n_units--;
        kept->released = true;
    }
}

static void
release_app(struct engine *engine, const struct pipeline_app *app)
{
    struct kept *kept = &engine->kept;
    bool *is_one = &kept->apps[app - engine->pipeline->apps];

    if (!*is_one) {
        return;
    }
    *is_one = false;
    for (size_t i = 0; i < PIPELINE_N_TABLES; i++) {
        if (kept->absent[i] == app) {
            kept->absent[i] = NULL;
        }
    }
    kept->n_absent--;
    kept->released = true;
}

/* Releases what is kept of apps that are not as they were. */
static void
release_changed(struct engine *engine)
{
    const struct pipeline *pipeline = engine->pipeline;
    struct unit_node *unit;

    for (size_t i = 0; i < pipeline->n_apps; i++) {
        const struct pipeline_app *app = &pipeline->apps[i];

        if (!may_be_kept(app) || !is_as_noted(engine, app)) {
            release_app(engine, app);
        }
    }
    LIST_FOR_EACH (unit, problem_node, &engine->problems) {
        if (unit->kept
            && !is_as_noted(engine, unit_class(engine, unit)->app)) {
            kept_release_unit(engine, unit);
        }
    }
}

void
kept_apps_changed(struct engine *engine)
{
    engine->kept.apps_changed = true;
}

void
kept_app_changed(struct engine *engine)
{
    if (engine->kept.n_absent) {
        engine->kept.released = true;
    }
}

static bool
is_enabled(const struct engine *engine, const struct pipeline_app *app)
{
    const struct vmn_app_row *row = model_get(engine->model, VMN_TABLE_APP,
                                              app->class_->name);

    return !row || row->enabled;
}

static bool
keeps_unit_of(const struct engine *engine, uint64_t cookie)
{
    const struct unit_node *unit
        = (engine->kept.n_units
           ? engine_find_unit(engine, flow_cookie_owner(cookie)) : NULL);

    return unit && unit->kept;
}

bool
engine_keeps_unit(const struct engine *engine, const char *name)
{
    return (engine->kept.n_units
            && keeps_unit_of(engine, flow_owner_cookie(name)));
}

bool
engine_keeps_flow(const struct engine *engine, uint8_t table, uint64_t cookie)
{
    const struct kept *kept = &engine->kept;
    const struct pipeline_app *app = (table < PIPELINE_N_TABLES
                                      ? kept->absent[table] : NULL);

    return app ? is_enabled(engine, app) : keeps_unit_of(engine, cookie);
}

static bool
is_of_class(const struct engine *engine, const struct unit_node *unit,
            const char *app, const char *const units[])
{
    const struct unit_class *class_ = unit_class(engine, unit);

    if (strcmp(class_->app->class_->name, app)) {
        return false;
    }
    while (*units && strcmp(*units, class_->class_->name)) {
        units++;
    }
    return *units;
}

bool
engine_keeps_units(const struct engine *engine, const char *app,
                   const char *const units[])
{
    const struct kept *kept = &engine->kept;
    const struct unit_node *unit;

    for (size_t i = 0; kept->n_absent && i < engine->pipeline->n_apps; i++) {
        const struct pipeline_app *other = &engine->pipeline->apps[i];

        if (kept->apps[i] && !strcmp(other->class_->name, app)) {
            return is_enabled(engine, other);
        }
    }
    if (kept->n_units) {
        LIST_FOR_EACH (unit, problem_node, &engine->problems) {
            if (unit->kept && is_of_class(engine, unit, app, units)) {
                return true;
            }
        }
    }
    return false;
}

bool
engine_keeps_group(const struct engine *engine, uint32_t group_id)
{
    const struct kept *kept = &engine->kept;

    return kept->n_groups && bsearch(&group_id, kept->groups, kept->n_groups,
                                     sizeof group_id, compare_u32);
}

bool
engine_take_released(struct engine *engine)
{
    struct kept *kept = &engine->kept;
    bool released;

    if (kept->apps_changed && is_any(kept)) {
        release_changed(engine);
    }
    released = kept->released;
    if (released && !is_any(kept)) {
        drop_ids(engine);
    }
    kept->apps_changed = kept->released = false;
    return released;
}
