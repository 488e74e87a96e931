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

/* A standby of a cluster holds none: it frees the IDs that the writer frees,
 * and no others. */
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

static bool
is_disabled(const struct engine *engine, const struct pipeline_app *app)
{
    const struct vmn_app_row *row = model_get(engine->model, VMN_TABLE_APP,
                                              app->class_->name);

    return row && !row->enabled;
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
    for (int hook = 0; hook < VMN_N_HOOKS; hook++) {
        engine->kept.hooks[hook] = pipeline_table_of_hook(engine->pipeline,
                                                          hook);
    }
}

/* Returns true if all hooks begin where they did then. */
static bool
are_hooks_as_noted(const struct engine *engine)
{
    for (int hook = 0; hook < VMN_N_HOOKS; hook++) {
        if (engine->kept.hooks[hook]
            != pipeline_table_of_hook(engine->pipeline, hook)) {
            return false;
        }
    }
    return true;
}

/* Returns true if the app's stages are as they were then.  Which one comes
 * next matters, too: flows that are kept go there. */
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
        kept->disabled[i] = is_disabled(engine, app);
        for (size_t j = 0; j < app->n_stages; j++) {
            const struct pipeline_stage *stage = &app->stages[j];

            for (unsigned k = 0; k < stage->class_->n_tables; k++) {
                kept->absent[stage->first_table + k] = app;
            }
        }
    }
}

static int
compare_units(const void *a_, const void *b_)
{
    const struct kept_unit *a = a_;
    const struct kept_unit *b = b_;

    return a->cookie < b->cookie ? -1 : a->cookie > b->cookie;
}

static void
keep_units(struct engine *engine)
{
    struct kept *kept = &engine->kept;
    const struct unit_node *unit;
    size_t allocated = 0;

    LIST_FOR_EACH (unit, problem_node, &engine->problems) {
        const struct unit_class *class_ = unit_class(engine, unit);

        if (!class_->app->in_place) {
            continue;
        }
        if (kept->n_units >= allocated) {
            kept->units = x2nrealloc(kept->units, &allocated,
                                     sizeof *kept->units);
        }
        kept->units[kept->n_units++] = (struct kept_unit) {
            unit->cookie, class_->app, class_->name,
        };
    }
    if (kept->n_units) {
        qsort(kept->units, kept->n_units, sizeof *kept->units, compare_units);
    }
}

static const struct kept_unit *
find_unit(const struct kept *kept, uint64_t cookie)
{
    const struct kept_unit key = { .cookie = cookie };

    return (kept->n_units ? bsearch(&key, kept->units, kept->n_units,
                                    sizeof key, compare_units) : NULL);
}

void
kept_decide(struct engine *engine)
{
    struct kept *kept = &engine->kept;

    if (engine->shadow) {
        return;
    }
    note_stages(engine);
    keep_absent(engine);
    keep_units(engine);
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
    free(engine->kept.units);
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
    VLOG_WARN("what hosts have of app %s, which could not be loaded, goes: "
              "it was replaced or removed, or what its flows lead to has "
              "changed", app->class_->name);
}

/* Notes whether an app that is kept is disabled.  If it has just been, what
 * hosts have of it goes. */
static void
note_disabled(struct engine *engine, const struct pipeline_app *app)
{
    struct kept *kept = &engine->kept;
    size_t i = app - engine->pipeline->apps;
    bool disabled = is_disabled(engine, app);

    kept->released |= disabled && !kept->disabled[i];
    kept->disabled[i] = disabled;
}

/* Releases units that do not fail any more, or are not there; and those of
 * apps that are not 'as_noted', by their place in the pipeline. */
static void
release_units(struct engine *engine, const bool *as_noted)
{
    struct kept *kept = &engine->kept;
    size_t n = 0, n_moved = 0;

    for (size_t i = 0; i < kept->n_units; i++) {
        const struct kept_unit *k = &kept->units[i];
        const struct unit_node *unit = engine_find_unit(engine, k->cookie);

        if (!unit || !unit->problem) {
            kept->released = true;
        } else if (!as_noted[k->app - engine->pipeline->apps]) {
            kept->released = true;
            n_moved++;
        } else {
            kept->units[n++] = *k;
        }
    }
    kept->n_units = n;
    if (n_moved) {
        VLOG_WARN("what hosts have of %"PRIuSIZE" units that have failed "
                  "goes: what their flows lead to has changed", n_moved);
    }
}

/* Releases what is not as it was. */
static void
release_changed(struct engine *engine)
{
    const struct pipeline *pipeline = engine->pipeline;
    bool hooks_as_noted = are_hooks_as_noted(engine);
    bool as_noted[PIPELINE_APPS_MAX];

    for (size_t i = 0; i < pipeline->n_apps; i++) {
        const struct pipeline_app *app = &pipeline->apps[i];

        as_noted[i] = hooks_as_noted && is_as_noted(engine, app);
        if (!may_be_kept(app) || !as_noted[i]) {
            release_app(engine, app);
        } else if (engine->kept.apps[i]) {
            note_disabled(engine, app);
        }
    }
    release_units(engine, as_noted);
}

void
kept_unit_changed(struct engine *engine, const struct unit_node *unit)
{
    struct kept *kept = &engine->kept;

    kept->changed = kept->changed || find_unit(kept, unit->cookie);
}

void
kept_apps_changed(struct engine *engine)
{
    engine->kept.changed = true;
}

void
kept_app_changed(struct engine *engine)
{
    if (engine->kept.n_absent) {
        engine->kept.changed = true;
    }
}

bool
engine_keeps_unit(const struct engine *engine, const char *name)
{
    return find_unit(&engine->kept, flow_owner_cookie(name));
}

bool
engine_keeps_flow(const struct engine *engine, uint8_t table, uint64_t cookie)
{
    const struct kept *kept = &engine->kept;
    const struct pipeline_app *app = (table < PIPELINE_N_TABLES
                                      ? kept->absent[table] : NULL);

    return (app ? !kept->disabled[app - engine->pipeline->apps]
            : find_unit(kept, flow_cookie_owner(cookie)) != NULL);
}

static bool
is_of_class(const struct kept_unit *unit, const char *app,
            const char *const units[])
{
    size_t n = strlen(app);

    if (strncmp(unit->class_, app, n) || unit->class_[n] != '.') {
        return false;
    }
    while (*units && strcmp(*units, unit->class_ + n + 1)) {
        units++;
    }
    return *units;
}

bool
engine_keeps_units(const struct engine *engine, const char *app,
                   const char *const units[])
{
    const struct kept *kept = &engine->kept;

    for (size_t i = 0; kept->n_absent && i < engine->pipeline->n_apps; i++) {
        const struct pipeline_app *other = &engine->pipeline->apps[i];

        if (kept->apps[i] && !strcmp(other->class_->name, app)) {
            return !kept->disabled[i];
        }
    }
    for (size_t i = 0; i < kept->n_units; i++) {
        if (is_of_class(&kept->units[i], app, units)) {
            return true;
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

    if (kept->changed && is_any(kept)) {
        release_changed(engine);
    }
    released = kept->released;
    if (released && !is_any(kept)) {
        drop_ids(engine);
    }
    kept->changed = kept->released = false;
    return released;
}
