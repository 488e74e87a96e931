/* SPDX-License-Identifier: Apache-2.0
 *
 * What belongs to which app; see ownership.h.  It is asked for each fact and
 * each ID, so it looks at names alone and allocates nothing for VMN's own
 * apps. */

#include <config.h>

#include "controller/engine/ownership.h"

#include <string.h>

#include "controller/engine/app-view.h"
#include "controller/engine/engine-private.h"
#include "controller/schema/schema-own.h"
#include "util.h"

/* Before the keys of apps of others in shared pools.  No key of VMN's own
 * apps begins so. */
#define APP_KEY "app/"

/* Relations to which every app may publish. */
static const char *const open_relations[] = {
    VMN_REL_CLAIMED, VMN_REL_FUNCTION_PORTS, VMN_REL_UNFLOODED_PORTS,
    VMN_REL_HANDED_PORTS, VMN_REL_PROBE_TARGETS, VMN_REL_WATCHED_HOSTS,
    VMN_REL_PATH_PROBES, VMN_REL_RARP_PORTS, VMN_REL_COPY_TUNNELS,
};

static const char *const shared_pools[] = {
    VMN_ID_POOL_HOST, VMN_ID_POOL_ZONE, VMN_ID_POOL_GROUP, VMN_ID_POOL_METER,
    VMN_ID_POOL_VNI, PIPELINE_ID_POOL_APP,
};

/* Keys of shared pools that mean the same to all apps, by their beginnings:
 * see vmn/vocabulary.h. */
static const struct {
    const char *pool;
    const char *begin;
} common_keys[] = {
    { VMN_ID_POOL_HOST, "" },
    { VMN_ID_POOL_ZONE, "policy/" },
    { VMN_ID_POOL_ZONE, "balance/" },
    { VMN_ID_POOL_VNI, "router/" },
    { VMN_ID_POOL_VNI, "port/" },
};

static bool
is_in(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(name, names[i])) {
            return true;
        }
    }
    return false;
}

/* Fails the view: what it computes 'does' something to 'name', an 'object' of
 * another app's. */
static void
refuse(struct vmn_view *view, const char *does, const char *name,
       const char *object)
{
    const struct engine *engine = view->engine;
    const char *computed = view->node ? view->node->key : "";
    const char *what = "handler";
    const char *owner = strchr(name, '.');

    if (view->node && view->node->kind == NODE_UNIT) {
        what = "unit";
        computed = unit_node_cast(view->node)->name;
    } else if (view->node && view->node->kind == NODE_QUERY) {
        what = "query";
        computed = vmn_printf(view, "%s at \"%s\"",
                              engine->query_classes[view->node->id].name,
                              view->node->key);
    }
    view->denied = true;
    if (owner && owner != name) {
        view_failf(view, "%s %s %s \"%s\", %s of app %.*s", what, computed,
                   does, name, object, (int) (owner - name), name);
    } else {
        view_failf(view, "%s %s %s \"%s\", %s that is not named "
                   "\"APP.NAME\"", what, computed, does, name, object);
    }
}

bool
ownership_check_relation(struct vmn_view *view, const char *relation,
                         const char *key)
{
    if (!strcmp(relation, VMN_REL_PROBE_TARGETS) && view->app
        && !schema_own_is_of_app(key, view->app->class_->name)) {
        refuse(view, "publishes", key, "a probe target");
        return false;
    }
    if (!view->app || schema_own_is_of_app(relation,
                                            view->app->class_->name)
        || is_in(relation, open_relations, ARRAY_SIZE(open_relations))) {
        return true;
    }
    refuse(view, "publishes to", relation, "a relation");
    return false;
}

static bool
has_pool(const struct pipeline_app *app, const char *pool)
{
    const struct vmn_id_pool_class *own = app->class_->id_pools;

    while (own && own->name) {
        if (!strcmp(own->name, pool)) {
            return true;
        }
        own++;
    }
    return false;
}

bool
ownership_check_pool(struct vmn_view *view, const char *pool)
{
    if (!view->app || is_in(pool, shared_pools, ARRAY_SIZE(shared_pools))
        || has_pool(view->app, pool)) {
        return true;
    }
    refuse(view, "asks for an ID of pool", pool,
           schema_own_is_of_app(pool, view->app->class_->name)
           ? "an undeclared one" : "one");
    return false;
}

bool
ownership_check_query(struct vmn_view *view, const char *name)
{
    const char *dot = strchr(name, '.');
    char *owner = xmemdup0(name, dot ? dot - name : 0);
    const struct pipeline_app *app = pipeline_find(view->engine->pipeline,
                                                   owner);
    bool ok = (!view->app || view->app->builtin
               || (dot && (!app || (app != view->app && !app->builtin))));

    free(owner);
    if (!ok) {
        refuse(view, "reads", name, "an undeclared query");
    }
    return ok;
}

static bool
is_common_key(const char *pool, const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(common_keys); i++) {
        if (!strcmp(pool, common_keys[i].pool)
            && !strncmp(key, common_keys[i].begin,
                        strlen(common_keys[i].begin))) {
            return true;
        }
    }
    return false;
}

const char *
ownership_id_key(struct vmn_view *view, const char *pool, const char *key)
{
    const struct pipeline_app *app = view->app;

    return (!app || app->builtin
            || !is_in(pool, shared_pools, ARRAY_SIZE(shared_pools))
            || is_common_key(pool, key) ? key
            : vmn_printf(view, APP_KEY "%s/%s", app->class_->name, key));
}

const char *
ownership_plain_key(const char *key)
{
    size_t len = strlen(APP_KEY);
    const char *end = !strncmp(key, APP_KEY, len) ? strchr(key + len, '/')
                      : NULL;

    return end ? end + 1 : key;
}
