/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts of handlers; see handler-counts.h.  Counts of an object that was
 * deleted go when there are too many. */

#include <config.h>

#include "controller/engine/handler-counts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine-private.h"
#include "controller/engine/packet-handler.h"
#include "hash.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(handler_counts);

/* Least time between two searches for counts of deleted objects. */
#define SWEEP_INTERVAL_MS 10000

void
handler_counts_init(struct hmap *counts)
{
    hmap_init(counts);
}

void
handler_counts_uninit(struct hmap *counts)
{
    struct handler_count *count;

    HMAP_FOR_EACH_POP (count, node, counts) {
        free(count);
    }
    hmap_destroy(counts);
}

static uint32_t
hash_object(int table, const char *name)
{
    return hash_string(name, table);
}

/* Returns when the object was created, in ms since 1970; 0: there is none. */
static int64_t
created_ms(const struct engine *engine, int table, const char *name)
{
    struct model_meta meta = { .created_ms = 0 };

    return (model_get_durable(engine->model, table, name, &meta)
            ? meta.created_ms : 0);
}

/* Returns how many counts there are of objects of a type. */
static size_t *
n_of_type(struct engine *engine, int table)
{
    return &engine->n_handler_counts[table - VMN_TABLE_OWN_FIRST];
}

/* Returns true if an app has no room for another count. */
static bool
is_full(struct engine *engine, const struct pipeline_app *app)
{
    size_t n = 0;

    for (size_t i = 0; i < app->n_types; i++) {
        n += *n_of_type(engine, pipeline_table_of(app, VMN_ROW_OWN(i)));
    }
    return n >= HANDLER_COUNTS_MAX;
}

/* Removes the counts of objects that do not exist any more: once in a while,
 * since a guest may cause it by each packet while there are too many. */
static void
sweep(struct engine *engine)
{
    struct handler_count *count, *next;
    int64_t now_ms = time_msec();

    if (now_ms < engine->handler_counts_sweep_ms) {
        return;
    }
    engine->handler_counts_sweep_ms = now_ms + SWEEP_INTERVAL_MS;
    HMAP_FOR_EACH_SAFE (count, next, node, &engine->handler_counts) {
        if (created_ms(engine, count->table, count->name)
            != count->created_ms) {
            hmap_remove(&engine->handler_counts, &count->node);
            --*n_of_type(engine, count->table);
            free(count);
        }
    }
}

/* Returns the count, which is new if there is none; NULL if there are too
 * many. */
static struct handler_count *
get_count(struct engine *engine, const struct pipeline_app *app,
          const struct engine_handler_count *of, int64_t created)
{
    uint32_t hash = hash_object(of->table, of->name);
    struct handler_count *count;
    size_t size, n_parts = 0;

    HMAP_FOR_EACH_WITH_HASH (count, node, hash, &engine->handler_counts) {
        if (count->table == of->table && count->created_ms == created
            && !strcmp(count->name, of->name)) {
            if (count->part == of->part) {
                return count;
            }
            n_parts++;
        }
    }
    if (n_parts >= VMN_COUNT_PARTS_MAX) {
        return NULL;
    }
    if (is_full(engine, app)) {
        sweep(engine);
        if (is_full(engine, app)) {
            return NULL;
        }
    }
    size = strlen(of->name) + 1;
    count = xzalloc(sizeof *count + size);
    count->table = of->table;
    count->part = of->part;
    count->created_ms = created;
    memcpy(count->name, of->name, size);
    hmap_insert(&engine->handler_counts, &count->node, hash);
    ++*n_of_type(engine, of->table);
    return count;
}

void
handler_counts_add(struct engine *engine, const struct pipeline_app *app,
                   size_t size, const struct engine_handler_count *counts,
                   size_t n)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);

    for (size_t i = 0; i < n; i++) {
        int64_t created = created_ms(engine, counts[i].table, counts[i].name);
        struct handler_count *count
            = created ? get_count(engine, app, &counts[i], created) : NULL;

        if (count) {
            count->packets++;
            count->bytes += size;
            count->last_ms = time_wall_msec();
        } else if (created) {
            VLOG_WARN_RL(&rl, "app %s: a packet is not counted for %s: %d "
                         "counts of the app, or %d parts of the object, are "
                         "in use", app->class_->name, counts[i].name,
                         HANDLER_COUNTS_MAX, VMN_COUNT_PARTS_MAX);
        }
    }
}

void
engine_handler_counts(const struct engine *engine, int table, const char *name,
                      engine_handler_counts_cb *cb, void *aux)
{
    int64_t created = created_ms(engine, table, name);
    const struct handler_count *count;

    HMAP_FOR_EACH_WITH_HASH (count, node, hash_object(table, name),
                             &engine->handler_counts) {
        if (count->table == table && count->created_ms == created
            && !strcmp(count->name, name)) {
            cb(aux, count);
        }
    }
}
