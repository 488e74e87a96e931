/* SPDX-License-Identifier: Apache-2.0
 *
 * Records the contents and durations of the last groups; see activity.h.  The
 * engine counts computations by class from its start on, at negligible cost.
 * A group's numbers are the differences of these counters. */

#include <config.h>

#include "controller/commit/activity.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/model/model.h"
#include "controller/schema/schema.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-shown.h"
#include "controller/schema/schema-struct.h"
#include "openvswitch/dynamic-string.h"
#include "timeval.h"
#include "util.h"

/* One more, for the group that is being written. */
#define N_PLACES (ACTIVITY_MAX + 1)

struct activity {
    const struct engine *engine;
    size_t n_classes;
    uint64_t *before;           /* Counters at the group's start. */
    int64_t step_began_us;
    uint64_t newest;            /* Its ID; the next one is being written. */
    struct activity_group groups[N_PLACES]; /* By ID. */
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

void
activity_grow(struct activity *activity)
{
    size_t old = activity->n_classes, n = engine_n_classes(activity->engine);

    if (n <= old) {
        return;
    }
    activity->n_classes = n;
    activity->before = xrealloc(activity->before,
                                n * sizeof *activity->before);
    memset(&activity->before[old], 0, (n - old) * sizeof *activity->before);
    for (size_t i = 0; i < N_PLACES; i++) {
        struct activity_group *group = &activity->groups[i];

        if (group->computed) {
            group->computed = xrealloc(group->computed,
                                       n * sizeof *group->computed);
            memset(&group->computed[old], 0,
                   (n - old) * sizeof *group->computed);
        }
    }
}

/* Clears 'group', but keeps its arrays. */
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

void
activity_add_request(struct activity *activity,
                     const struct model_request *request)
{
    struct activity_group *group = current(activity);

    group->n_requests++;
    add_who(group, request->who);
    for (size_t i = 0; i < request->n_ops; i++) {
        const struct model_op *op = &request->ops[i];

        if (op->outcome != MODEL_UNCHANGED) {
            add_change(group, model_outcome_op(op->outcome),
                       schema_tables[op->table]->plural, op->name);
        }
    }
    /* Objects that the request changed by a cascade or a prune. */
    for (size_t i = 0; i < MIN(request->n_also, MODEL_ALSO_MAX); i++) {
        const struct model_also *also = &request->also[i];

        add_change(group, model_outcome_op(also->outcome),
                   schema_tables[also->table]->plural, also->name);
    }
    if (request->n_also > MODEL_ALSO_MAX) {
        group->n_changes += request->n_also - MODEL_ALSO_MAX;
    }
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

    if (!group->apps || group->n_apps < delta->n_apps) {
        group->n_apps = delta->n_apps;
        group->apps = xrealloc(group->apps,
                               MAX(delta->n_apps, 1) * sizeof *group->apps);
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

const struct activity_group *
activity_find(const struct activity *activity, uint64_t revision)
{
    uint64_t oldest, newest;

    activity_range(activity, &oldest, &newest);
    for (uint64_t id = newest; id && id >= oldest; id--) {
        const struct activity_group *group = activity_get(activity, id);

        if (group->first_revision <= revision
            && revision <= group->last_revision) {
            return group;
        }
    }
    return NULL;
}

static const struct schema_struct change_shown = SHOWN_KEPT(
    "change", activity_item_change,
    SHOWN_OF(activity_item_change, op, STRING, 0,
             "`create`, `update`, `delete` or `restore`."),
    SHOWN_OF(activity_item_change, type, STRING, 0,
             "The type of the object."),
    SHOWN_OF(activity_item_change, name, STRING, 0, "Its name."));

static const struct schema_struct app_shown = SHOWN_KEPT(
    "app", activity_item_app,
    SHOWN_OF(activity_item_app, app, STRING, ALWAYS, "The app."),
    SHOWN_OF(activity_item_app, units, U64, ALWAYS,
             "How many units were computed."),
    SHOWN_OF(activity_item_app, queries, U64, ALWAYS,
             "How many queries were computed."),
    SHOWN_MAP_OF(activity_item_app, by_unit, n_by_unit, U64, ALWAYS,
                 "Units by class."),
    SHOWN_MAP_OF(activity_item_app, by_query, n_by_query, U64, ALWAYS,
                 "Queries by class."),
    SHOWN_OF(activity_item_app, added, U32, ALWAYS,
             "How many flows and groups were added."),
    SHOWN_OF(activity_item_app, changed, U32, ALWAYS,
             "How many got other contents."),
    SHOWN_OF(activity_item_app, removed, U32, ALWAYS,
             "How many were removed."));

const struct schema_struct activity_steps_shown = SHOWN_KEPT(
    "Steps", activity_item_steps,
    SHOWN_OF(activity_item_steps, apply, I64, 0,
             "Microseconds to apply the requests."),
    SHOWN_OF(activity_item_steps, compile, I64, 0, "To compile."),
    SHOWN_OF(activity_item_steps, store, I64, 0, "To store."),
    SHOWN_OF(activity_item_steps, send, I64, 0, "To send."),
    SHOWN_OF(activity_item_steps, installed, I64, HIDE,
             "All of it, up to the last acknowledgement of a host.",
             .def = -1));

const struct schema_struct activity_hosts_shown = SHOWN_KEPT(
    "hosts", activity_item_hosts,
    SHOWN_OF(activity_item_hosts, concerned, U64, ALWAYS,
             "How many hosts it concerned."),
    SHOWN_OF(activity_item_hosts, confirmed, U64, ALWAYS,
             "How many have confirmed."));

const struct schema_struct activity_item_shown = SHOWN_KEPT(
    "group", activity_item,
    SHOWN_OF(activity_item, id, U64, ALWAYS, "Its number."),
    SHOWN_OF(activity_item, time, STRING, ALWAYS | TIME, "When it began."),
    SHOWN_OF(activity_item, first_revision, U64, ALWAYS | OR_NULL | HIDE,
             "Its first revision; null: the state loaded at the start, or a "
             "retry of what had lacked an ID."),
    SHOWN_OF(activity_item, revision, U64, ALWAYS | OR_NULL | HIDE,
             "Its last one."),
    SHOWN_OF(activity_item, requests, U64, ALWAYS,
             "How many requests it has."),
    SHOWN_LIST_OF(activity_item, who, n_who, STRING, ALWAYS,
                  "Who made them; the first 8."),
    SHOWN_OF(activity_item, n_changes, U64, ALWAYS,
             "How many objects they changed."),
    SHOWN_LIST_OF(activity_item, changes, n_listed, STRUCT, ALWAYS,
                  "The first 8 of these.", .nested = &change_shown),
    SHOWN_LIST_OF(activity_item, apps, n_apps, STRUCT, ALWAYS,
                  "What was computed, and the flows that changed.",
                  .nested = &app_shown),
    SHOWN_STRUCT_OF(activity_item, duration_us, ALWAYS, "The durations.",
                    &activity_steps_shown),
    SHOWN_STRUCT_OF(activity_item, hosts, POINTER,
                    "Hosts that it concerned.", &activity_hosts_shown));

/* Fills in what was computed for an app. */
static void
put_computed(const struct activity *activity,
             const struct activity_group *group, struct arena *arena,
             struct activity_item_app *app)
{
    app->by_unit = arena_alloc(arena, activity->n_classes
                                      * sizeof *app->by_unit);
    app->by_query = arena_alloc(arena, activity->n_classes
                                       * sizeof *app->by_query);
    for (size_t i = 0; i < activity->n_classes; i++) {
        struct engine_class c = engine_get_class(activity->engine, i);
        const struct schema_entry entry = { c.name, group->computed[i] };

        if (!entry.value || strcmp(c.app, app->app)) {
            continue;
        } else if (c.is_query) {
            app->queries += entry.value;
            app->by_query[app->n_by_query++] = entry;
        } else {
            app->units += entry.value;
            app->by_unit[app->n_by_unit++] = entry;
        }
    }
}

/* Fills in the apps that had something to do. */
static void
put_apps(const struct activity *activity, const struct activity_group *group,
         struct arena *arena, struct activity_item *item)
{
    item->apps = arena_alloc(arena, group->n_apps * sizeof *item->apps);
    for (size_t i = 0; i < group->n_apps; i++) {
        const struct activity_app *app = &group->apps[i];
        struct activity_item_app *shown = &item->apps[item->n_apps];

        *shown = (struct activity_item_app) {
            .app = app->name, .added = app->added, .changed = app->changed,
            .removed = app->removed,
        };
        put_computed(activity, group, arena, shown);
        item->n_apps += (shown->units || shown->queries || app->added
                         || app->changed || app->removed);
    }
}

static void
put_changes(const struct activity_group *group, struct arena *arena,
            struct activity_item *item)
{
    item->n_listed = MIN(group->n_changes, ACTIVITY_NAMES_MAX);
    item->changes = arena_alloc(arena,
                                item->n_listed * sizeof *item->changes);
    for (size_t i = 0; i < item->n_listed; i++) {
        const struct activity_change *change = &group->changes[i];

        item->changes[i] = (struct activity_item_change) {
            .op = change->op, .type = change->type, .name = change->name,
        };
    }
}

void
activity_show(const struct activity *activity,
              const struct activity_group *group, struct arena *arena,
              struct activity_item *item)
{
    bool loaded = group->first_revision > group->last_revision;
    const int64_t *us = group->step_us;

    *item = (struct activity_item) {
        .id = group->id, .time = group->time_ms,
        .first_revision = loaded ? 0 : group->first_revision,
        .revision = loaded ? 0 : group->last_revision,
        .requests = group->n_requests, .n_who = group->n_who,
        .who = group->who, .n_changes = group->n_changes,
        .duration_us = {
            .apply = us[ACTIVITY_APPLY], .compile = us[ACTIVITY_COMPILE],
            .store = us[ACTIVITY_STORE], .send = us[ACTIVITY_SEND],
            .installed = -1,
        },
    };
    put_changes(group, arena, item);
    put_apps(activity, group, arena, item);
}
