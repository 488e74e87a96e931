/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/activity: what the last groups of revisions took, from the request
 * to the last host's acknowledgement.  The same of one revision. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include "controller/commit/activity.h"
#include "controller/fabric/fabric-receipts.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric-status.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-struct.h"
#include "timeval.h"
#include "util.h"

/* Hosts that are named as being behind. */
#define BEHIND_MAX 10

/* Fills in all of a group, in 'arena'. */
static void
show_group(const struct northbound *nb, const struct activity_group *group,
           struct arena *arena, struct activity_item *item)
{
    struct fabric_progress p;

    activity_show(commit_activity(nb->commit), group, arena, item);
    if (group->first_revision > group->last_revision
        || !fabric_progress(nb->fabric, group->last_revision, &p)) {
        return;
    }
    item->hosts = arena_alloc(arena, sizeof *item->hosts);
    item->hosts->concerned = p.n_hosts;
    item->hosts->confirmed = p.n_confirmed;
    if (p.n_hosts && p.n_confirmed == p.n_hosts) {
        item->duration_us.installed = p.confirmed_us - group->begin_us;
    }
}

static json_t *
group_json(const struct northbound *nb, const struct activity_group *group,
           bool steps)
{
    struct activity_item item;
    struct arena arena;
    json_t *json;

    arena_init(&arena);
    show_group(nb, group, &arena, &item);
    json = (steps ? schema_struct_to_json(&activity_steps_shown,
                                          &item.duration_us)
            : schema_struct_to_json(&activity_item_shown, &item));
    arena_uninit(&arena);
    return json;
}

json_t *
nb_revision_us(const struct northbound *nb, uint64_t revision)
{
    const struct activity *activity = commit_activity(nb->commit);
    uint64_t oldest, newest;

    activity_range(activity, &oldest, &newest);
    for (uint64_t id = newest; id && id >= oldest; id--) {
        const struct activity_group *group = activity_get(activity, id);

        if (group->first_revision <= revision
            && revision <= group->last_revision) {
            return group_json(nb, group, true);
        }
    }
    return NULL;
}

static json_t *
hosts_json(const struct northbound *nb)
{
    struct fabric_behind *behind;
    struct fabric_stats stats;
    size_t n = fabric_behind(nb->fabric, &behind);
    json_t *list = json_array();

    for (size_t i = 0; i < MIN(n, BEHIND_MAX); i++) {
        json_array_append_new(list, schema_struct_to_json(
            &fabric_behind_shown, &behind[i]));
    }
    free(behind);
    fabric_get_stats(nb->fabric, &stats);
    return json_pack("{s:I, s:I, s:I, s:I, s:o}",
                     "configured", (json_int_t) stats.n_hosts,
                     "connected", (json_int_t) stats.n_connected,
                     "synced", (json_int_t) stats.n_synced,
                     "n_behind", (json_int_t) n, "behind", list);
}

/* Computations since the start, by class. */
static json_t *
classes_json(const struct northbound *nb)
{
    json_t *classes = json_array();

    for (size_t i = 0; i < engine_n_classes(nb->engine); i++) {
        struct engine_class c = engine_get_class(nb->engine, i);

        json_array_append_new(classes, json_pack(
            "{s:s, s:s, s:s, s:I}", "app", c.app,
            "kind", c.is_query ? "query" : "unit", "class", c.name,
            "computed", (json_int_t) c.n_computed));
    }
    return classes;
}

void
nb_get_activity(struct http_request *req, void *nb_)
{
    struct northbound *nb = nb_;
    const struct activity *activity = commit_activity(nb->commit);
    uint64_t after, limit, oldest, newest;
    json_t *items = json_array();

    activity_range(activity, &oldest, &newest);
    if (!nb_query_number(req, "limit", 1, ACTIVITY_MAX, ACTIVITY_MAX, &limit)
        || !nb_query_number(req, "after", 0, UINT64_MAX, 0, &after)) {
        json_decref(items);
        return;
    }
    oldest = MAX(oldest, after < newest ? after + 1 : newest + 1);
    if (newest + 1 - oldest > limit) {
        oldest = newest + 1 - limit;
    }
    for (uint64_t id = oldest; id <= newest; id++) {
        json_array_append_new(items,
                              group_json(nb, activity_get(activity, id),
                                         false));
    }
    http_reply_json(req, 200, json_pack(
        "{s:I, s:I, s:o, s:o, s:o}",
        "uptime_s", (json_int_t) ((time_wall_msec() - nb->started_ms) / 1000),
        "revision", (json_int_t) model_durable_revision(nb->model),
        "hosts", hosts_json(nb), "classes", classes_json(nb),
        "items", items));
}
