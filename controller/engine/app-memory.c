/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory of apps; see app-memory.h. */

#include <config.h>

#include "controller/engine/app-memory.h"

#include <inttypes.h>
#include <stdlib.h>

#include "controller/engine/app-view.h"
#include "controller/engine/engine-private.h"
#include "util.h"

#define MIB (UINT64_C(1) << 20)

/* The memory of an app that was too little.  Exists while a computation
 * depends on it. */
struct memory_node {
    struct node node;
    struct ovs_list shortages_node; /* In the engine's 'shortages'. */
    const struct pipeline_app *app;
    uint64_t needed;            /* Least number of bytes that one of its
                                 * readers lacked; UINT64_MAX: all were
                                 * marked. */
};

static struct memory_node *
memory_node_cast(struct node *node)
{
    return CONTAINER_OF(node, struct memory_node, node);
}

/* Returns true for an app that has a limit. */
static bool
is_limited(const struct pipeline_app *app)
{
    return app->worker && !app->builtin;
}

void
memory_get(const struct engine *engine, const struct pipeline_app *app,
           uint64_t *used, uint64_t *max)
{
    const struct vmn_app_row *row;

    *used = *max = 0;
    if (is_limited(app)) {
        row = model_get(engine->model, VMN_TABLE_APP, app->class_->name);
        *used = engine->memory[app - engine->pipeline->apps];
        *max = (row ? row->max_memory_mib : VMN_APP_MEMORY_MIB) * MIB;
    }
}

static uint64_t
room_of(const struct engine *engine, const struct pipeline_app *app)
{
    uint64_t used, max;

    memory_get(engine, app, &used, &max);
    return max > used ? max - used : 0;
}

void
memory_begin(struct vmn_view *view, const struct memory_share *share)
{
    view->memory = (struct memory_use) { .old = *share };
}

/* Returns how many bytes the computation may still be charged for, beside
 * 'charged' ones, if those take the place of 'old' bytes. */
static uint64_t
room_for(const struct vmn_view *view, uint64_t charged, uint64_t old)
{
    uint64_t used, max, most = UINT32_MAX / 2;

    if (is_limited(view->app) && !view->engine->rolling_back) {
        memory_get(view->engine, view->app, &used, &max);
        most = MIN(max + old > used ? max + old - used : 0, most);
    }
    return MAX(most, old > charged ? old - charged : 0);
}

/* Has the computation depend on that there is room for 'needed' bytes. */
static void
note_shortage(struct vmn_view *view, uint64_t needed)
{
    struct engine *engine = view->engine;
    const char *app = view->app->class_->name;
    struct node *node = graph_find(&engine->graph, NODE_APP_MEMORY, 0, app);
    struct memory_node *shortage;

    if (!node) {
        node = graph_insert(&engine->graph, sizeof *shortage, NODE_APP_MEMORY,
                            0, app, 0);
        shortage = memory_node_cast(node);
        shortage->app = view->app;
        shortage->needed = UINT64_MAX;
        ovs_list_push_back(&engine->shortages, &shortage->shortages_node);
    }
    shortage = memory_node_cast(node);
    shortage->needed = MIN(shortage->needed, needed);
    graph_read(&engine->graph, view->node, node, view->serial);
}

void
memory_node_destroy(struct engine *engine, struct node *node)
{
    struct memory_node *shortage = memory_node_cast(node);

    ovs_list_remove(&shortage->shortages_node);
    graph_remove(&engine->graph, node);
    free(shortage);
}

static void
add(struct vmn_view *view, uint32_t *use, size_t n)
{
    if (n) {
        *use += n;
        view->engine->memory[view->app - view->engine->pipeline->apps] += n;
    }
}

/* Charges the computation for 'n' bytes beside 'charged' ones, if there is
 * room.  Those take the place of 'old' bytes. */
static bool
charge(struct vmn_view *view, uint32_t *use, size_t n, uint64_t charged,
       uint64_t old)
{
    const struct pipeline_app *app = view->app;
    uint64_t used, max;

    if (n <= room_for(view, charged, old)) {
        add(view, use, n);
        return true;
    }
    memory_get(view->engine, app, &used, &max);
    note_shortage(view, charged + n - old);
    view_failf(view, "no memory is left for it: app %s keeps %.1f of at most "
               "%"PRIu64" MiB (max_memory_mib of apps/%s), and this needs "
               "more", app->class_->name,
               (double) (used - MIN(old, used)) / MIB, max / MIB,
               app->class_->name);
    view->memory.failed = true;
    return false;
}

bool
memory_charge_read(struct vmn_view *view, size_t n)
{
    struct memory_use *use = &view->memory;

    return (!view->node
            || charge(view, &use->reads, n, use->reads, use->old.reads));
}

void
memory_add_read(struct vmn_view *view, size_t n)
{
    if (view->node) {
        add(view, &view->memory.reads, n);
    }
}

/* Returns what the output and all reads take the place of, in bytes. */
static uint64_t
old_total(const struct memory_use *use)
{
    return (uint64_t) use->old.output + use->old.reads;
}

size_t
memory_room(const struct vmn_view *view)
{
    const struct memory_use *use = &view->memory;

    return (view->node
            ? room_for(view, (uint64_t) use->output + use->reads,
                       old_total(use))
            : SIZE_MAX);
}

bool
memory_charge(struct vmn_view *view, size_t n)
{
    struct memory_use *use = &view->memory;

    return (!view->node
            || charge(view, &use->output, n,
                      (uint64_t) use->output + use->reads, old_total(use)));
}

/* Sets the share of a unit or query of 'app' to 'now'.  What has a share is of
 * an app of the pipeline. */
static void
set_share(struct engine *engine, const struct pipeline_app *app,
          struct memory_share *share, struct memory_share now)
{
    uint64_t before = (uint64_t) share->output + share->reads;
    uint64_t after = (uint64_t) now.output + now.reads;

    if (before || after) {
        uint64_t *used = &engine->memory[app - engine->pipeline->apps];

        *used = *used - before + after;
    }
    *share = now;
}

void
memory_settle(struct vmn_view *view, struct memory_share *share, bool taken)
{
    struct memory_use *use = &view->memory;
    struct memory_share charged = { use->output, use->reads };

    set_share(view->engine, view->app, &charged,
              (struct memory_share) { 0, 0 });
    set_share(view->engine, view->app, share, (struct memory_share) {
        .output = taken ? use->output : share->output, .reads = use->reads,
    });
}

void
memory_give_back(struct engine *engine, const struct pipeline_app *app,
                 struct memory_share *share)
{
    set_share(engine, app, share, (struct memory_share) { 0, 0 });
}

bool
engine_take_freed_memory(struct engine *engine)
{
    struct memory_node *shortage;
    bool any = false;

    LIST_FOR_EACH (shortage, shortages_node, &engine->shortages) {
        if (shortage->needed <= room_of(engine, shortage->app)) {
            shortage->needed = UINT64_MAX;
            graph_mark_readers(&engine->graph, &shortage->node);
            any = true;
        }
    }
    return any;
}
