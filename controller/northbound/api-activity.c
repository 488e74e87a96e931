/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/activity: durations of the last groups of revisions, from the
 * request to the last host's acknowledgement, and the work that they caused.
 * The same for one revision. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdlib.h>

#include "controller/commit/activity.h"
#include "controller/fabric/fabric-receipts.h"
#include "controller/fabric/fabric-status.h"
#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/replies.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/schema-struct.h"
#include "timeval.h"
#include "util.h"

/* Hosts that are listed as behind. */
#define BEHIND_MAX 10

/* Fills in the description of a group, in 'arena'. */
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
    if (p.n_hosts && p.n_confirmed == p.n_hosts && p.confirmed_us) {
        item->duration_us.installed = p.confirmed_us - group->begin_us;
    }
}

void
nb_append_revision_us(const struct northbound *nb, uint64_t revision,
                      const struct fabric_receipt *receipt, struct ds *ds)
{
    const struct activity_group *group
        = activity_find(commit_activity(nb->commit), revision);
    struct activity_item item;
    struct arena arena;

    if (group) {
        arena_init(&arena);
        show_group(nb, group, &arena, &item);
        schema_print_name(ds, "duration_us");
        schema_struct_print(&activity_steps_shown, &item.duration_us, ds);
        arena_uninit(&arena);
    } else if (receipt && receipt->has_steps) {
        schema_print_name(ds, "duration_us");
        schema_struct_print(&activity_steps_shown, &receipt->steps, ds);
    }
}

/* Fills in the hosts that are behind; the caller frees 'hosts->behind'. */
static void
fill_hosts(const struct northbound *nb, struct arena *arena,
           struct nb_activity_hosts *hosts)
{
    hosts->counts = nb_count_hosts(nb);
    hosts->n_behind = fabric_behind(nb->fabric, arena, &hosts->behind);
    hosts->n_listed = MIN(hosts->n_behind, BEHIND_MAX);
}

/* Fills in the numbers of computations since the start, by class, in
 * 'arena'. */
static void
fill_classes(const struct northbound *nb, struct arena *arena,
             struct nb_reply_activity *reply)
{
    reply->n_classes = engine_n_classes(nb->engine);
    reply->classes = arena_alloc(arena, reply->n_classes
                                        * sizeof *reply->classes);
    for (size_t i = 0; i < reply->n_classes; i++) {
        struct engine_class c = engine_get_class(nb->engine, i);

        reply->classes[i] = (struct nb_activity_class) {
            .app = c.app, .kind = c.is_query ? "query" : "unit",
            .class = c.name, .computed = c.n_computed,
        };
    }
}

/* Fills in the groups from id 'oldest' to 'newest', in 'arena'. */
static void
fill_items(const struct northbound *nb, uint64_t oldest, uint64_t newest,
           struct arena *arena, struct nb_reply_activity *reply)
{
    const struct activity *activity = commit_activity(nb->commit);

    reply->n_items = newest + 1 - oldest;
    reply->items = arena_alloc(arena, reply->n_items * sizeof *reply->items);
    for (size_t i = 0; i < reply->n_items; i++) {
        show_group(nb, activity_get(activity, oldest + i), arena,
                   &reply->items[i]);
    }
}

void
nb_get_activity(struct http_request *req, void *nb_)
{
    struct northbound *nb = nb_;
    uint64_t after, limit, oldest, newest;
    struct nb_reply_activity reply = {
        .uptime_s = (time_wall_msec() - nb->started_ms) / 1000,
        .revision = model_durable_revision(nb->model),
    };
    struct arena arena;

    activity_range(commit_activity(nb->commit), &oldest, &newest);
    if (!nb_query_limit(req, ACTIVITY_MAX, ACTIVITY_MAX, &limit)
        || !nb_query_number(req, "after", 0, UINT64_MAX, 0, &after)) {
        return;
    }
    oldest = MAX(oldest, after < newest ? after + 1 : newest + 1);
    if (newest + 1 - oldest > limit) {
        oldest = newest + 1 - limit;
    }
    arena_init(&arena);
    fill_hosts(nb, &arena, &reply.hosts);
    fill_classes(nb, &arena, &reply);
    fill_items(nb, oldest, newest, &arena, &reply);
    nb_reply_struct(req, &nb_reply_activity, &reply);
    free(reply.hosts.behind);
    arena_uninit(&arena);
}
