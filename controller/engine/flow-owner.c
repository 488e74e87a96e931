/* SPDX-License-Identifier: Apache-2.0
 *
 * The owners of flows, as users see them: an object, and the rule of a policy.
 * Determined by a query of the app. */

#include <config.h>

#include "controller/engine/engine-private.h"

#include <string.h>

#include "controller/engine/app-view.h"
#include "controller/schema/schema.h"
#include "util.h"

struct unit_node *
engine_find_unit(const struct engine *engine, uint64_t cookie)
{
    uint32_t hash = flow_key_hash(cookie);
    struct unit_node *unit;

    HMAP_FOR_EACH_WITH_HASH (unit, cookie_node, hash,
                             shards_at(&engine->cookies, hash)) {
        if (unit->cookie == cookie) {
            return unit;
        }
    }
    return NULL;
}

static void
set_owner(struct engine_flow_owner *owner, enum vmn_table table,
          const char *name, int rule)
{
    owner->type = schema_tables[table]->plural;
    ovs_strlcpy(owner->name, name, sizeof owner->name);
    owner->rule = rule;
}

/* Queries the app.  Returns true if it knows the owner. */
static bool
query_app(struct engine *engine, const struct unit_class *class_,
          const char *key, uint32_t part, struct engine_flow_owner *owner)
{
    vmn_flow_owner_fn *owner_fn = class_->app->class_->flow_owner;
    struct vmn_flow_owner found = { .rule = -1 };
    enum vmn_table table = VMN_N_TABLES;
    struct vmn_view view;
    bool known;

    if (!owner_fn) {
        return false;
    }
    view_init_handler(&view, engine, class_->app, &engine->owner_arena);
    known = ((class_->app->worker
              ? worker_find_owner(&view, class_, key, part, &found)
              : owner_fn(&view, class_->class_->name, key, part, &found))
             && !view.problem && found.name
             && (table = engine_table_of(class_->app, found.row_type))
                != VMN_N_TABLES);
    if (known) {
        set_owner(owner, table, found.name, found.rule);
    }
    free(view.problem);
    view.problem = NULL;
    view_uninit_handler(&view, &engine->owner_arena);
    return known;
}

void
engine_get_flow_owner(struct engine *engine, uint64_t cookie, uint32_t part,
                      struct engine_flow_owner *owner)
{
    const struct unit_node *unit = engine_find_unit(engine,
                                             flow_cookie_owner(cookie));
    const struct unit_class *class_;

    memset(owner, 0, sizeof *owner);
    owner->rule = -1;
    if (!unit) {
        return;
    }
    class_ = unit_class(engine, unit);
    owner->owner = unit->name;
    owner->app = class_->app->class_->name;
    if (!query_app(engine, class_, unit->node.key, part, owner)
        && class_->class_->each == VMN_EACH_ROW) {
        set_owner(owner, class_->table, unit->node.key, -1);
    }
}
