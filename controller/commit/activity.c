/* SPDX-License-Identifier: Apache-2.0
 *
 * What the last groups were and took; see activity.h.
 *
 * The engine counts computations by class from its start on, at no cost worth
 * telling.  A group is what the counters have grown by. */

#include <config.h>

#include "controller/commit/activity.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/model/model.h"
#include "controller/schema/schema.h"
#include "openvswitch/dynamic-string.h"
#include "timeval.h"
#include "util.h"

/* One is for the group that is being written. */
#define N_PLACES (ACTIVITY_MAX + 1)

struct activity {
    const struct engine *engine;
    size_t n_classes;
    uint64_t *before;           /* Counters when the group began. */
    int64_t step_began_us;
    uint64_t newest;            /* Id; the next one is being written. */
    struct activity_group groups[N_PLACES]; /* By id. */
};

struct activity *
activity_create(const struct engine *engine)
{
    struct activity *activity = xzalloc(sizeof *activity);

    activity->engine = engine;
    activity->n_classes = engine_n_classes(engine);
    activity->before = xcalloc(MAX(activity->n_classes, 1),
                               sizeof *activity->before);
    return activity;
}

/* Forgets what is in 'group', but for its arrays. */
static void
clear(struct activity_group *group)
{
    for (size_t i = 0; i < group->n_who; i++) {
        free(group->who[i]);
    }
    for (size_t i = 0; i < MIN(group->n_changes, ACTIVITY_NAMES_MAX); i++) {
        free(group->changes[i].op);
        free(group->changes[i].type);
        free(group->changes[i].name);
    }
    group->n_requests = group->n_who = group->n_changes = 0;
}

void
activity_destroy(struct activity *activity)
{
    if (!activity) {
        return;
    }
    for (size_t i = 0; i < N_PLACES; i++) {
        clear(&activity->groups[i]);
        free(activity->groups[i].apps);
        free(activity->groups[i].computed);
    }
    free(activity->before);
    free(activity);
}

/* Writing.  -------------------------------------------------------------- */

static struct activity_group *
current(struct activity *activity)
{
    return &activity->groups[(activity->newest + 1) % N_PLACES];
}

void
activity_begin(struct activity *activity, int64_t time_ms)
{
    struct activity_group *group = current(activity);

    clear(group);
    if (!group->computed) {
        group->computed = xcalloc(MAX(activity->n_classes, 1),
                                  sizeof *group->computed);
    }
    for (size_t i = 0; i < activity->n_classes; i++) {
        activity->before[i] = engine_get_class(activity->engine,
                                               i).n_computed;
    }
    group->time_ms = time_ms;
    group->begin_us = activity->step_began_us = time_usec();
    memset(group->step_us, 0, sizeof group->step_us);
}

static void
add_who(struct activity_group *group, const char *who)
{
    for (size_t i = 0; i < group->n_who; i++) {
        if (!strcmp(group->who[i], who)) {
            return;
        }
    }
    if (group->n_who < ACTIVITY_NAMES_MAX) {
        group->who[group->n_who++] = xstrdup(who);
    }
}

static void
add_change(struct activity_group *group, const char *op, const char *type,
           const char *name)
{
    if (group->n_changes < ACTIVITY_NAMES_MAX) {
        group->changes[group->n_changes] = (struct activity_change) {
            .op = xstrdup(op), .type = xstrdup(type), .name = xstrdup(name),
        };
    }
    group->n_changes++;
}

/* What went along by a cascade or a prune. */
static void
add_also(struct activity_group *group, const json_t *also)
{
    json_t *change;
    size_t i;

    json_array_foreach (also, i, change) {
        const char *op, *type, *name;
        json_int_t more;

        if (!json_unpack(change, "{s:s, s:s, s:s}", "op", &op,
                         "type", &type, "name", &name)) {
            add_change(group, op, type, name);
        } else if (!json_unpack(change, "{s:I}", "more", &more)) {
            group->n_changes += more;
        }
    }
}

void
activity_add_request(struct activity *activity,
                     const struct model_request *request)
{
    static const char *const ops[] = {
        [MODEL_CREATED] = "create", [MODEL_UPDATED] = "update",
        [MODEL_DELETED] = "delete",
    };
    struct activity_group *group = current(activity);

    group->n_requests++;
    add_who(group, request->who);
    for (size_t i = 0; i < request->n_ops; i++) {
        const struct model_op *op = &request->ops[i];

        if (op->outcome != MODEL_UNCHANGED) {
            add_change(group, ops[op->outcome],
                       schema_tables[op->table]->plural, op->name);
        }
    }
    add_also(group, request->also);
}

void
activity_step(struct activity *activity, enum activity_step step)
{
    int64_t now_us = time_usec();

    current(activity)->step_us[step] = now_us - activity->step_began_us;
    activity->step_began_us = now_us;
}

void
activity_compiled(struct activity *activity, const struct engine_delta *delta)
{
    struct activity_group *group = current(activity);

    if (!group->apps) {
        group->n_apps = delta->n_apps;
        group->apps = xcalloc(MAX(delta->n_apps, 1), sizeof *group->apps);
    }
    for (size_t i = 0; i < group->n_apps; i++) {
        const struct engine_delta_app *app = &delta->apps[i];

        group->apps[i] = (struct activity_app) {
            .name = app->name, .added = app->added,
            .changed = app->changed, .removed = app->removed,
        };
    }
    for (size_t i = 0; i < activity->n_classes; i++) {
        group->computed[i] = (engine_get_class(activity->engine, i).n_computed
                              - activity->before[i]);
    }
    activity_step(activity, ACTIVITY_COMPILE);
}

void
activity_end(struct activity *activity, uint64_t first_revision,
             uint64_t last_revision)
{
    struct activity_group *group = current(activity);

    group->first_revision = first_revision;
    group->last_revision = last_revision;
    group->id = ++activity->newest;
}

/* Reading.  -------------------------------------------------------------- */

void
activity_range(const struct activity *activity, uint64_t *oldest,
               uint64_t *newest)
{
    *newest = activity->newest;
    *oldest = *newest <= ACTIVITY_MAX ? 1 : *newest - ACTIVITY_MAX + 1;
}

const struct activity_group *
activity_get(const struct activity *activity, uint64_t id)
{
    return &activity->groups[id % N_PLACES];
}

/* What was computed of app 'name', added to 'json'.  Returns how much. */
static uint64_t
put_computed(const struct activity *activity,
             const struct activity_group *group, const char *name,
             json_t *json)
{
    json_int_t totals[2] = { 0, 0 };
    json_t *by[2] = { json_object(), json_object() };

    for (size_t i = 0; i < activity->n_classes; i++) {
        struct engine_class c = engine_get_class(activity->engine, i);

        if (group->computed[i] && !strcmp(c.app, name)) {
            totals[c.is_query] += group->computed[i];
            json_object_set_new(by[c.is_query], c.name,
                                json_integer(group->computed[i]));
        }
    }
    json_object_set_new(json, "units", json_integer(totals[false]));
    json_object_set_new(json, "queries", json_integer(totals[true]));
    json_object_set_new(json, "by_unit", by[false]);
    json_object_set_new(json, "by_query", by[true]);
    return totals[false] + totals[true];
}

/* Those that had something to do. */
static json_t *
apps_to_json(const struct activity *activity,
             const struct activity_group *group)
{
    json_t *apps = json_array();

    for (size_t i = 0; i < group->n_apps; i++) {
        const struct activity_app *app = &group->apps[i];
        json_t *json = json_pack("{s:s}", "app", app->name);

        if (put_computed(activity, group, app->name, json) || app->added
            || app->changed || app->removed) {
            json_object_set_new(json, "added", json_integer(app->added));
            json_object_set_new(json, "changed", json_integer(app->changed));
            json_object_set_new(json, "removed", json_integer(app->removed));
            json_array_append(apps, json);
        }
        json_decref(json);
    }
    return apps;
}

static json_t *
changes_to_json(const struct activity_group *group)
{
    json_t *changes = json_array();

    for (size_t i = 0; i < MIN(group->n_changes, ACTIVITY_NAMES_MAX); i++) {
        const struct activity_change *change = &group->changes[i];

        json_array_append_new(changes, json_pack(
            "{s:s, s:s, s:s}", "op", change->op, "type", change->type,
            "name", change->name));
    }
    return changes;
}

json_t *
activity_group_to_json(const struct activity *activity,
                       const struct activity_group *group)
{
    static const char *const steps[ACTIVITY_N_STEPS] = {
        [ACTIVITY_APPLY] = "apply", [ACTIVITY_COMPILE] = "compile",
        [ACTIVITY_STORE] = "store", [ACTIVITY_SEND] = "send",
    };
    bool loaded = group->first_revision > group->last_revision;
    char *time = xastrftime_msec("%Y-%m-%dT%H:%M:%S.###Z", group->time_ms,
                                 true);
    json_t *who = json_array();
    json_t *us = json_object();
    json_t *json;

    for (size_t i = 0; i < group->n_who; i++) {
        json_array_append_new(who, json_string(group->who[i]));
    }
    for (size_t i = 0; i < ACTIVITY_N_STEPS; i++) {
        json_object_set_new(us, steps[i], json_integer(group->step_us[i]));
    }
    json = json_pack(
        "{s:I, s:s, s:o, s:o, s:I, s:o, s:I, s:o, s:o, s:o}",
        "id", (json_int_t) group->id, "time", time,
        "first_revision", (loaded ? json_null()
                           : json_integer(group->first_revision)),
        "revision", (loaded ? json_null()
                     : json_integer(group->last_revision)),
        "requests", (json_int_t) group->n_requests, "who", who,
        "n_changes", (json_int_t) group->n_changes,
        "changes", changes_to_json(group),
        "apps", apps_to_json(activity, group), "duration_us", us);
    free(time);
    return json;
}
