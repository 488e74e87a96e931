/* SPDX-License-Identifier: Apache-2.0
 *
 * Times that computations ask for: one that has found a time in the future
 * depends on it, and is repeated once it has passed.  That takes a run of its
 * own, which cannot be rolled back.  Not for waiting (commit/). */

#include <config.h>

#include "controller/engine/engine-private.h"

#include <inttypes.h>
#include <stdlib.h>

#include "controller/engine/app-view.h"
#include "controller/model/time-zones.h"
#include "timeval.h"
#include "util.h"

/* 9999-12-31T23:59:59Z: what is later than what RFC 3339 can say is never. */
#define LAST_TIME INT64_C(253402300799)

static int64_t
wall_clock(void)
{
    return time_wall();
}

void
past_times_init(struct engine *engine)
{
    timer_heap_init(&engine->times);
    engine_set_clock(engine, wall_clock);
}

void
engine_set_clock(struct engine *engine, int64_t (*get_time)(void))
{
    engine->clock = get_time;
    engine->now_s = get_time();
}

static struct time_node *
get_node(struct engine *engine, int64_t when)
{
    struct time_node *time;
    struct node *node;
    char key[24];

    snprintf(key, sizeof key, "%"PRId64, when);
    node = graph_find(&engine->graph, NODE_TIME, 0, key);
    if (node) {
        return time_node_cast(node);
    }
    node = graph_insert(&engine->graph, sizeof *time, NODE_TIME, 0, key, 0);
    time = time_node_cast(node);
    timer_heap_set(&engine->times, &time->timer, when);
    return time;
}

bool
vmn_is_past(struct vmn_view *view, int64_t when)
{
    struct engine *engine = view->engine;

    if (!view->node) {
        return when <= MAX(engine->now_s, engine->clock());
    }
    if (when > engine->now_s && when <= LAST_TIME) {
        graph_read(&engine->graph, view->node, &get_node(engine, when)->node,
                   view->serial);
    }
    return when <= engine->now_s;
}

/* Nothing is recorded: what is known of zones stays the same. */
bool
vmn_time_in_zone(struct vmn_view *view, const char *timezone, int64_t local,
                 int64_t *when)
{
    return time_zones_to_utc(model_time_zones(view->engine->model), timezone,
                             local, when);
}

bool
time_node_is_past(const struct engine *engine, const struct node *node)
{
    return CONTAINER_OF(node, struct time_node, node)->timer.at
           <= engine->now_s;
}

void
time_node_destroy(struct engine *engine, struct time_node *time)
{
    timer_heap_unset(&engine->times, &time->timer);
    graph_remove(&engine->graph, &time->node);
    free(time);
}

bool
engine_take_past_times(struct engine *engine)
{
    struct timer *first;
    bool any = false;

    engine->now_s = MAX(engine->now_s, engine->clock());
    while ((first = timer_heap_first(&engine->times))
           && first->at <= engine->now_s) {
        struct time_node *time = CONTAINER_OF(first, struct time_node, timer);

        timer_heap_unset(&engine->times, first);
        graph_mark_readers(&engine->graph, &time->node);
        any = true;
    }
    return any;
}

int64_t
engine_next_time(const struct engine *engine)
{
    const struct timer *first = timer_heap_first(&engine->times);

    return first ? first->at : INT64_MAX;
}
