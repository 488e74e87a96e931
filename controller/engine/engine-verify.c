/* SPDX-License-Identifier: Apache-2.0
 *
 * Verification: compiles the current state from scratch, in parallel to the
 * live engine, and compares both desired states.  They share the ID pools, so
 * equal states result in equal flows. */

#include <config.h>

#include "controller/engine/engine-private.h"

#include <inttypes.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Returns true if 'engine' has an equal item in the scope of the same name. */
static bool
has_item(const struct engine *engine, const struct flow_item *item)
{
    const struct slot *slot;

    if (item->kind == FLOW_ITEM_FLOW) {
        size_t size;
        const uint8_t *match = flow_item_match(item, &size);

        slot = desired_find_flow(&engine->desired, item->table, item->priority,
                                 match, size);
    } else {
        slot = desired_find_group(&engine->desired, item->group_id);
    }
    for (size_t i = 0; slot && i < slot->n_active; i++) {
        const struct flow_item *other = slot_active(slot)[i];

        if (other->digest == item->digest
            && !strcmp(other->scope->name, item->scope->name)) {
            return true;
        }
    }
    return false;
}

/* Returns the number of items in a slot of 'a' that 'b' does not have. */
static size_t
compare_slot(const struct engine *a, const struct engine *b,
             const struct slot *slot, const char *what, struct ds *ds)
{
    size_t n = 0;

    for (size_t i = 0; i < slot->n_active; i++) {
        const struct flow_item *item = slot_active(slot)[i];

        if (!has_item(b, item)) {
            const char *owner = engine_cookie_name(a, item->cookie);

            ds_put_format(ds, "%s: %s %u,%u of %s in %s\n", what,
                          item->kind == FLOW_ITEM_FLOW ? "flow" : "group",
                          item->kind == FLOW_ITEM_FLOW
                          ? item->table : item->group_id,
                          item->priority, owner ? owner : "?",
                          item->scope->name);
            n++;
        }
    }
    return n;
}

static size_t
compare_items(const struct engine *a, const struct engine *b,
              const char *what, struct ds *ds)
{
    const struct slot *slot;
    size_t n = 0;

    for (int i = 0; i < SHARDS_N; i++) {
        HMAP_FOR_EACH (slot, hmap_node, &a->desired.slots.maps[i]) {
            n += compare_slot(a, b, slot, what, ds);
            engine_yield(a);
        }
    }
    return n;
}

static size_t
compare_members(const struct engine *a, const struct engine *b,
                struct ds *ds)
{
    const struct engine_scope *x, *y;
    size_t n = 0;

    HMAP_FOR_EACH (x, hmap_node, &a->scopes.scopes) {
        HMAP_FOR_EACH_WITH_HASH (y, hmap_node, x->hmap_node.hash,
                                 &b->scopes.scopes) {
            if (!strcmp(x->name, y->name)
                && !sset_equals(&x->members, &y->members)) {
                ds_put_format(ds, "hosts of scope %s differ\n", x->name);
                n++;
            }
        }
    }
    return n;
}

size_t
engine_verify(const struct engine *engine, struct ds *ds)
{
    return engine_verify_with(engine, engine->pipeline, ds);
}

size_t
engine_verify_with(const struct engine *engine,
                   const struct pipeline *pipeline, struct ds *ds)
{
    struct engine *fresh = engine_create(engine->model, pipeline);
    size_t n;

    fresh->shadow = true;
    fresh->clock = engine->clock;
    fresh->now_s = engine->now_s;
    memcpy(fresh->withdrawn, engine->withdrawn,
           engine->pipeline->n_apps * sizeof *fresh->withdrawn);
    engine_set_key(fresh, engine_key(engine));
    engine_set_yield(fresh, engine->yield, engine->yield_aux);
    engine_delta_destroy(engine_run(fresh));
    n = compare_items(engine, fresh, "too much", ds);
    n += compare_items(fresh, engine, "missing", ds);
    n += compare_members(engine, fresh, ds);
    n += quotas_compare(engine, fresh, ds);
    n += quotas_compare(fresh, engine, ds);
    engine_destroy(fresh);
    return n;
}
