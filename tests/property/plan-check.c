/* SPDX-License-Identifier: Apache-2.0
 *
 * Plans against reality; see plan-check.h. */

#include <config.h>

#include "tests/property/plan-check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/commit/plan.h"
#include "controller/engine/engine.h"
#include "controller/flow/flow-item.h"
#include "controller/model/model.h"
#include "controller/model/id-pools.h"
#include "controller/schema/schema.h"
#include "controller/schema/status.h"
#include "openvswitch/dynamic-string.h"
#include "sset.h"
#include "util.h"

/* What there is.  --------------------------------------------------------- */

static void
format_model(const struct model *model, struct ds *ds)
{
    struct model_changes changes;

    ds_put_format(ds, "revision %"PRIu64", durable %"PRIu64"\n",
                  model_revision(model), model_durable_revision(model));
    for (int t = 0; t < VMN_N_TABLES; t++) {
        struct vmn_names names = model_names(model, t);

        for (size_t i = 0; i < names.n; i++) {
            struct model_meta meta;
            const struct vmn_row *row = model_get_durable(model, t,
                                                          names.names[i],
                                                          &meta);

            ds_put_format(ds, "%s%s ",
                          row == model_get(model, t, names.names[i])
                          ? "" : "not durable: ", names.names[i]);
            if (row) {
                model_row_print(row, &meta, ds);
            }
            ds_put_char(ds, '\n');
        }
    }
    model_take_changes(CONST_CAST(struct model *, model), &changes);
    ds_put_format(ds, "%"PRIuSIZE" changes\n", changes.n);
    model_changes_uninit(&changes);
}

struct collect {
    const char *host;
    struct shash *items;
    uint64_t sum;               /* Of identities: no order. */
    size_t n;
};

static void
collect_cb(void *collect_, const struct flow_item *item)
{
    struct collect *collect = collect_;
    size_t size = 0;
    const uint8_t *match = item->kind == FLOW_ITEM_FLOW
                           ? flow_item_match(item, &size) : NULL;
    char *key = xasprintf("%s %s %d %u %u %u %016"PRIx64, collect->host,
                          engine_scope_name(item->scope), item->kind,
                          item->table, item->priority, item->group_id,
                          match ? stable_hash64(match, size, 0) : 0);

    collect->n++;
    collect->sum += item->digest * (2 * (uint64_t) item->xid + 1);
    if (collect->items) {
        uint64_t *digest = xmalloc(sizeof *digest);

        *digest = item->digest;
        shash_add(collect->items, key, digest);
    }
    free(key);
}

/* Adds the items of all hosts to 'items' (if not NULL), and appends a line for
 * each host to 'ds'. */
static size_t
format_hosts(const struct model *model, const struct engine *engine,
             struct shash *items, struct ds *ds)
{
    struct vmn_names names = model_names(model, VMN_TABLE_HOST);
    size_t n_wrong = 0;

    for (size_t i = 0; i < names.n; i++) {
        struct collect collect = { names.names[i], items, 0, 0 };
        uint64_t total = engine_host_total(engine, names.names[i]);

        engine_host_items(engine, names.names[i], collect_cb, &collect);
        ds_put_format(ds, "%s: %"PRIuSIZE" items, %016"PRIx64"\n",
                      names.names[i], collect.n, collect.sum);
        if (total != collect.n) {
            printf("# host %s: total %"PRIu64", and there are %"PRIuSIZE
                   " items\n", names.names[i], total, collect.n);
            n_wrong++;
        }
    }
    return n_wrong;
}

static size_t
format_all(struct model *model, const struct engine *engine,
           struct shash *items, struct ds *ds)
{
    struct engine_stats stats;

    format_model(model, ds);
    id_pools_format(model_id_pools(model), ds);
    engine_get_stats(engine, &stats);
    ds_put_format(ds, "%"PRIu64" units, %"PRIu64" values, %"PRIu64" flows, %"
                  PRIu64" groups, %"PRIu64" scopes, %"PRIu64" bytes, %"
                  PRIuSIZE" problems\n", stats.n_units,
                  stats.n_relation_values,
                  stats.n_flows, stats.n_groups, stats.n_scopes,
                  stats.n_bytes, engine_problems(engine)->n);
    return format_hosts(model, engine, items, ds);
}

/* Says the first line in which the two differ. */
static size_t
compare_texts(const struct ds *before_, const struct ds *after_)
{
    const char *before = ds_cstr_ro(before_);
    const char *after = ds_cstr_ro(after_);

    while (*before || *after) {
        size_t b = strcspn(before, "\n");
        size_t a = strcspn(after, "\n");

        if (a != b || memcmp(before, after, a)) {
            printf("# a plan has left something behind:\n# before %.*s\n"
                   "# after  %.*s\n", (int) b, before, (int) a, after);
            return 1;
        }
        before += b + (before[b] != '\0');
        after += a + (after[a] != '\0');
    }
    return 0;
}

static bool
joins(const struct vmn_router *router, const struct sset *networks)
{
    for (size_t i = 0; i < router->n_interfaces; i++) {
        if (sset_contains(networks, router->interfaces[i].network)) {
            return true;
        }
    }
    return false;
}

/* The first router, by name, that can be got to from 'network', or NULL:
 * whatever joins any of the networks is one until there are no more. */
static const char *
first_router(const struct model *model, const char *network)
{
    struct vmn_names names = model_names(model, VMN_TABLE_ROUTER);
    struct sset networks = SSET_INITIALIZER(&networks);
    const char *first = NULL;
    size_t n = 0;

    sset_add(&networks, network);
    while (n != sset_count(&networks)) {
        n = sset_count(&networks);
        for (size_t i = names.n; i-- > 0; ) {
            const struct vmn_router *router = model_get(
                model, VMN_TABLE_ROUTER, names.names[i]);

            if (joins(router, &networks)) {
                first = (!first || strcmp(names.names[i], first) < 0
                         ? names.names[i] : first);
                for (size_t j = 0; j < router->n_interfaces; j++) {
                    sset_add(&networks, router->interfaces[j].network);
                }
            }
        }
    }
    sset_destroy(&networks);
    return first;
}

static void
find_domains(const struct model *model, struct smap *domains)
{
    struct vmn_names names = model_names(model, VMN_TABLE_NETWORK);

    smap_init(domains);
    for (size_t i = 0; i < names.n; i++) {
        const char *router = first_router(model, names.names[i]);

        if (model_lookup(model, VMN_INDEX_PORT_BY_NETWORK,
                         names.names[i]).n) {
            smap_add(domains, names.names[i], router ? router : "");
        }
    }
}

size_t
plan_check_make(struct plan_check *check, struct model *model,
                struct engine *engine, struct model_request *request)
{
    struct ds before = DS_EMPTY_INITIALIZER;
    struct ds after = DS_EMPTY_INITIALIZER;
    struct vmn_errors errors;
    size_t n_wrong;

    plan_check_uninit(check);
    shash_init(&check->before);
    find_domains(model, &check->domains);
    n_wrong = format_all(model, engine, &check->before, &before);
    vmn_errors_init(&errors);
    check->plan = plan_make(model, engine, request, 0, &errors);
    if (!check->plan) {
        shash_destroy_free_data(&check->before);
        smap_destroy(&check->domains);
        if (!errors.n) {
            printf("# a plan is refused without a reason\n");
            n_wrong++;
        }
    }
    vmn_errors_uninit(&errors);
    n_wrong += format_all(model, engine, NULL, &after);
    n_wrong += compare_texts(&before, &after);
    ds_destroy(&before);
    ds_destroy(&after);
    return n_wrong;
}

void
plan_check_uninit(struct plan_check *check)
{
    if (check->plan) {
        plan_destroy(check->plan);
        check->plan = NULL;
        shash_destroy_free_data(&check->before);
        smap_destroy(&check->domains);
    }
}

/* What then happens.  ----------------------------------------------------- */

struct counts {
    int added, changed, removed;
};

static struct counts
count_host(const char *host, const struct shash *before,
           const struct shash *after)
{
    char *prefix = xasprintf("%s ", host);
    struct counts counts = { 0, 0, 0 };
    const struct shash_node *node;

    SHASH_FOR_EACH (node, after) {
        const uint64_t *was = shash_find_data(before, node->name);
        const uint64_t *is = node->data;

        if (!strncmp(node->name, prefix, strlen(prefix))) {
            counts.added += !was;
            counts.changed += was && *was != *is;
        }
    }
    SHASH_FOR_EACH (node, before) {
        counts.removed += !strncmp(node->name, prefix, strlen(prefix))
                          && !shash_find(after, node->name);
    }
    free(prefix);
    return counts;
}

static size_t
compare_counts(struct counts planned, const char *what,
               struct counts happened)
{
    if (memcmp(&planned, &happened, sizeof planned)) {
        printf("# %s: planned +%d ~%d -%d, happened +%d ~%d -%d\n", what,
               planned.added, planned.changed, planned.removed,
               happened.added, happened.changed, happened.removed);
        return 1;
    }
    return 0;
}

/* What is planned for 'name', or NULL. */
static const struct plan_host *
find_host(const struct plan_flows *flows, const char *name)
{
    for (size_t i = 0; i < flows->n_hosts; i++) {
        if (!strcmp(flows->hosts[i].host, name)) {
            return &flows->hosts[i];
        }
    }
    return NULL;
}

static struct counts
counts_of_app(const struct plan_flows *flows, const char *name)
{
    for (size_t i = 0; i < flows->n_apps; i++) {
        const struct status_app_flows *app = &flows->apps[i];

        if (!strcmp(app->app, name)) {
            return (struct counts) { app->added, app->changed,
                                     app->removed };
        }
    }
    return (struct counts) { 0, 0, 0 };
}

static size_t
compare_hosts(const struct plan_check *check, const struct model *model,
              const struct engine *engine)
{
    struct vmn_names names = model_names(model, VMN_TABLE_HOST);
    struct shash after = SHASH_INITIALIZER(&after);
    struct ds ds = DS_EMPTY_INITIALIZER;
    size_t n_wrong = format_hosts(model, engine, &after, &ds);

    for (size_t i = 0; i < names.n; i++) {
        const struct plan_host *host = find_host(&check->plan->flows,
                                                 names.names[i]);
        struct counts planned = { 0, 0, 0 };

        if (host) {
            planned = (struct counts) { host->added, host->changed,
                                        host->removed };
        }
        n_wrong += compare_counts(planned, names.names[i],
                                  count_host(names.names[i], &check->before,
                                             &after));
        if (host && host->total
                    != engine_host_total(engine, names.names[i])) {
            printf("# %s: the planned total is wrong\n", names.names[i]);
            n_wrong++;
        }
    }
    shash_destroy_free_data(&after);
    ds_destroy(&ds);
    return n_wrong;
}

/* Each stored change is in the plan, and nothing else is said to change. */
static size_t
compare_objects(const struct plan_check *check, struct model *model)
{
    struct model_pending pending;
    size_t n_planned = 0;
    size_t n_happened = 0;

    for (size_t i = 0; i < check->plan->n_objects; i++) {
        const struct plan_object *object = &check->plan->objects[i];

        n_planned += (!schema_find_table(object->type)->observed
                      && strcmp(object->op, "unchanged"));
    }
    model_get_pending(model, &pending);
    for (size_t i = 0; i < pending.n_writes; i++) {
        n_happened += !schema_tables[pending.writes[i].table]->observed;
    }
    if (n_planned != n_happened) {
        printf("# %"PRIuSIZE" objects were to change, %"PRIuSIZE" have\n",
               n_planned, n_happened);
    }
    return n_planned != n_happened;
}

static size_t
compare_restarts(const struct plan_check *check, const struct model *model)
{
    struct smap domains;
    const struct smap_node *node;
    size_t n = 0;

    find_domains(model, &domains);
    SMAP_FOR_EACH (node, &check->domains) {
        const char *is = smap_get(&domains, node->key);

        n += is && strcmp(is, node->value);
    }
    for (size_t i = 0; i < check->plan->n_restarts; i++) {
        const char *name = check->plan->restarts[i];
        const char *was = smap_get(&check->domains, name);
        const char *is = smap_get(&domains, name);

        n -= was && is && strcmp(is, was);
    }
    smap_destroy(&domains);
    if (n) {
        printf("# restarts that were planned have not happened, or others\n");
    }
    return n != 0;
}

size_t
plan_check_compare(struct plan_check *check, struct model *model,
                   const struct engine *engine,
                   const struct engine_delta *delta)
{
    size_t n_wrong = 0;

    if (!check->plan) {
        printf("# what was refused has happened\n");
        return 1;
    }
    for (size_t i = 0; i < delta->n_apps; i++) {
        const struct engine_delta_app *app = &delta->apps[i];

        n_wrong += compare_counts(counts_of_app(&check->plan->flows,
                                                app->name), app->name,
                                  (struct counts) { app->added, app->changed,
                                                    app->removed });
    }
    return n_wrong + compare_objects(check, model)
           + compare_restarts(check, model)
           + compare_hosts(check, model, engine);
}
