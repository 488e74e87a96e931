/* SPDX-License-Identifier: Apache-2.0
 *
 * What flows stand for, in the terms of those who wrote the wish: an object,
 * and of a policy the rule.  The app knows; this asks it. */

#include <config.h>

#include "controller/engine/engine-private.h"

#include <string.h>

#include "controller/engine/app-view.h"
#include "controller/schema/schema.h"
#include "util.h"

static const struct unit_node *
find_unit(const struct engine *engine, uint64_t cookie)
{
    const struct unit_node *unit;

    HMAP_FOR_EACH_WITH_HASH (unit, cookie_node, cookie,
                             shards_at(&engine->cookies, cookie)) {
        if (unit->cookie == cookie) {
            return unit;
        }
    }
    return NULL;
}

static void
set(struct engine_flow_owner *about, enum vmn_table table, const char *name,
    int rule)
{
    about->type = schema_tables[table]->plural;
    ovs_strlcpy(about->name, name, sizeof about->name);
    about->rule = rule;
}

/* Returns true if the app has said. */
static bool
ask(struct engine *engine, const struct unit_class *class_, const char *key,
    uint32_t part, struct engine_flow_owner *about)
{
    vmn_flow_owner_fn *answer = class_->app->class_->flow_owner;
    struct vmn_flow_owner said = { .rule = -1 };
    enum vmn_table table = VMN_N_TABLES;
    struct vmn_view view;
    bool known;

    if (!answer) {
        return false;
    }
    view_init_handler(&view, engine, &engine->owner_arena);
    known = (answer(&view, class_->class_->name, key, part, &said)
             && !view.problem && said.name
             && (table = schema_table_of(said.row_type)) != VMN_N_TABLES);
    if (known) {
        set(about, table, said.name, said.rule);
    }
    free(view.problem);
    view.problem = NULL;
    view_uninit_handler(&view, &engine->owner_arena);
    return known;
}

void
engine_get_flow_owner(struct engine *engine, uint64_t cookie, uint32_t part,
                      struct engine_flow_owner *about)
{
    const struct unit_node *unit = find_unit(engine,
                                             flow_cookie_owner(cookie));
    const struct unit_class *class_;

    memset(about, 0, sizeof *about);
    about->rule = -1;
    if (!unit) {
        return;
    }
    class_ = unit_class(engine, unit);
    about->owner = unit->name;
    about->key = unit->node.key;
    about->app = class_->app->class_->name;
    if (!ask(engine, class_, unit->node.key, part, about)
        && class_->class_->each == VMN_EACH_ROW) {
        set(about, class_->table, unit->node.key, -1);
    }
}
