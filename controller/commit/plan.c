/* SPDX-License-Identifier: Apache-2.0
 *
 * Computes the effects of a change; see plan.h. */

#include <config.h>

#include "controller/commit/plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/commit/request-warnings.h"
#include "controller/engine/engine.h"
#include "controller/engine/scope.h"
#include "controller/model/model.h"
#include "controller/model/id-pools.h"
#include "controller/model/warnings.h"
#include "controller/schema/error.h"
#include "controller/schema/schema-shown.h"
#include "controller/schema/schema-struct.h"
#include "controller/schema/status.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/hmap.h"
#include "openvswitch/shash.h"
#include "smap.h"
#include "sset.h"
#include "util.h"
#include "vmn/vocabulary.h"

/* Maximum number of problems in a plan. */
#define PROBLEMS_MAX 100

struct counts {
    size_t added, changed, removed;
};

/* Objects.  -------------------------------------------------------------- */

static const char *const op_names[] = {
    [MODEL_UNCHANGED] = "unchanged", [MODEL_CREATED] = "created",
    [MODEL_UPDATED] = "updated", [MODEL_DELETED] = "deleted",
};

/* Appends an object to the plan, which has room for it. */
static void
add_object(struct plan *plan, const struct model *model,
           enum vmn_table table, const char *name, enum model_outcome op)
{
    struct plan_object *object = &plan->objects[plan->n_objects++];

    *object = (struct plan_object) {
        .type = schema_tables[table]->plural,
        .name = arena_strdup(&plan->arena, name), .op = op_names[op],
    };
    if (op == MODEL_UPDATED && plan->n_fields < SCHEMA_DIFF_TOTAL_MAX) {
        model_diff(model, table, name,
                   SCHEMA_DIFF_TOTAL_MAX - plan->n_fields, &plan->arena,
                   &object->diff);
        plan->n_fields += object->diff.n;
    }
}

static int
compare_writes(const void *a_, const void *b_)
{
    const struct model_write *const *a = a_;
    const struct model_write *const *b = b_;

    return ((*a)->table != (*b)->table ? (int) (*a)->table - (int) (*b)->table
            : strcmp((*a)->name, (*b)->name));
}

static enum model_outcome
outcome_of(const struct model *model, const struct model_write *write)
{
    return (!write->row ? MODEL_DELETED
            : model_get_durable(model, write->table, write->name, NULL)
            ? MODEL_UPDATED : MODEL_CREATED);
}

/* Adds objects beside those in 'named' ("TABLE/NAME") that change by a cascade
 * or a prune, but not what hosts reported. */
static void
add_others(struct plan *plan, struct model *model,
           const struct model_pending *pending, const struct sset *named)
{
    const struct model_write **writes;
    size_t n = 0;

    writes = xmalloc(MAX(pending->n_writes, 1) * sizeof *writes);
    for (size_t i = 0; i < pending->n_writes; i++) {
        if (!schema_tables[pending->writes[i].table]->observed) {
            writes[n++] = &pending->writes[i];
        }
    }
    qsort(writes, n, sizeof *writes, compare_writes);
    for (size_t i = 0; i < n; i++) {
        char *key = xasprintf("%d/%s", (int) writes[i]->table,
                              writes[i]->name);

        if (!sset_contains(named, key)) {
            add_object(plan, model, writes[i]->table, writes[i]->name,
                       outcome_of(model, writes[i]));
        }
        free(key);
    }
    free(writes);
}

static void
put_objects(struct plan *plan, struct model *model,
            const struct model_request *request)
{
    struct sset named = SSET_INITIALIZER(&named);
    struct model_pending pending;

    model_get_pending(model, &pending);
    plan->objects = arena_alloc(&plan->arena,
                                (request->n_ops + pending.n_writes)
                                * sizeof *plan->objects);
    for (size_t i = 0; i < request->n_ops; i++) {
        const struct model_op *op = &request->ops[i];

        add_object(plan, model, op->table, op->name, op->outcome);
        sset_add_and_free(&named, xasprintf("%d/%s", (int) op->table,
                                            op->name));
    }
    add_others(plan, model, &pending, &named);
    sset_destroy(&named);
}

/* Flows.  ---------------------------------------------------------------- */

/* Changes in a scope. */
struct scope_counts {
    struct hmap_node node;      /* By the scope's address. */
    const struct engine_scope *scope;
    struct counts counts;       /* For hosts that are in it before and
                                 * after. */
    struct sset joined;
};

static struct scope_counts *
get_scope(struct hmap *scopes, const struct engine_scope *scope)
{
    uint32_t hash = hash_pointer(scope, 0);
    struct scope_counts *sc;

    HMAP_FOR_EACH_WITH_HASH (sc, node, hash, scopes) {
        if (sc->scope == scope) {
            return sc;
        }
    }
    sc = xzalloc(sizeof *sc);
    sc->scope = scope;
    sset_init(&sc->joined);
    hmap_insert(scopes, &sc->node, hash);
    return sc;
}

static void
count_changes(struct hmap *scopes, const struct engine_delta *delta)
{
    for (size_t i = 0; i < delta->n_changes; i++) {
        const struct engine_change *change = &delta->changes[i];
        struct counts *counts = &get_scope(scopes,
                                           change->item->scope)->counts;

        if (!change->replaced) {
            *(change->added ? &counts->added : &counts->removed) += 1;
        } else if (change->added) {
            counts->changed++;
        }
    }
}

static struct counts *
get_host(struct shash *hosts, const char *host)
{
    struct counts *counts = shash_find_data(hosts, host);

    if (!counts) {
        counts = xzalloc(sizeof *counts);
        shash_add(hosts, host, counts);
    }
    return counts;
}

/* Counts the changes for hosts that join a scope, which get all of it, and for
 * those that leave, which lose all of its previous items. */
static void
count_members(struct hmap *scopes, struct shash *hosts,
              const struct engine_delta *delta)
{
    for (size_t i = 0; i < delta->n_members; i++) {
        const struct engine_member *member = &delta->members[i];
        struct scope_counts *sc = get_scope(scopes, member->scope);
        size_t n = member->scope->n_items;

        if (member->joined) {
            sset_add(&sc->joined, member->host);
            if (n) {
                get_host(hosts, member->host)->added += n;
            }
        } else {
            n += sc->counts.removed - sc->counts.added;
            if (n) {
                get_host(hosts, member->host)->removed += n;
            }
        }
    }
}

static void
count_scope(struct shash *hosts, const struct scope_counts *sc)
{
    const char *host;

    if (!sc->counts.added && !sc->counts.changed && !sc->counts.removed) {
        return;
    }
    SSET_FOR_EACH (host, &sc->scope->members) {
        if (!sset_contains(&sc->joined, host)) {
            struct counts *counts = get_host(hosts, host);

            counts->added += sc->counts.added;
            counts->changed += sc->counts.changed;
            counts->removed += sc->counts.removed;
        }
    }
}

/* Returns about how many bundles it takes, which the host gets one after the
 * other; 0 if that is one. */
static uint64_t
count_bundles(const struct counts *counts)
{
    uint64_t n = DIV_ROUND_UP(counts->added + counts->changed
                              + counts->removed, ENGINE_BUNDLE_ITEMS);

    return n > 1 ? n : 0;
}

/* Of the hosts' totals, which are made of what others have as well, an
 * account with a scope is not told. */
static void
put_hosts(struct plan *plan, const struct engine *engine,
          const struct engine_delta *delta, const struct model_rights *rights)
{
    bool all = !rights || !rights->scope.text;
    struct hmap scopes = HMAP_INITIALIZER(&scopes);
    struct shash hosts = SHASH_INITIALIZER(&hosts);
    struct plan_flows *flows = &plan->flows;
    struct scope_counts *sc;

    count_changes(&scopes, delta);
    count_members(&scopes, &hosts, delta);
    HMAP_FOR_EACH_POP (sc, node, &scopes) {
        count_scope(&hosts, sc);
        sset_destroy(&sc->joined);
        free(sc);
    }
    hmap_destroy(&scopes);

    const struct shash_node **nodes = shash_sort(&hosts);
    flows->n_hosts = shash_count(&hosts);
    flows->hosts = arena_alloc(&plan->arena,
                               flows->n_hosts * sizeof *flows->hosts);
    for (size_t i = 0; i < flows->n_hosts; i++) {
        const struct counts *counts = nodes[i]->data;

        flows->hosts[i] = (struct plan_host) {
            .host = arena_strdup(&plan->arena, nodes[i]->name),
            .added = counts->added, .changed = counts->changed,
            .removed = counts->removed,
            .total = all ? engine_host_total(engine, nodes[i]->name) : 0,
            .bundles = count_bundles(counts),
        };
    }
    free(nodes);
    shash_destroy_free_data(&hosts);
}

static void
put_apps(struct plan *plan, const struct engine_delta *delta)
{
    struct plan_flows *flows = &plan->flows;

    flows->apps = arena_alloc(&plan->arena,
                              delta->n_apps * sizeof *flows->apps);
    for (size_t i = 0; i < delta->n_apps; i++) {
        const struct engine_delta_app *app = &delta->apps[i];

        if (app->added || app->changed || app->removed) {
            flows->apps[flows->n_apps++] = (struct status_app_flows) {
                .app = app->name, .added = app->added,
                .changed = app->changed, .removed = app->removed,
            };
        }
    }
}

/* The plan.  ------------------------------------------------------------- */

static const struct schema_struct object_shown = SHOWN_KEPT(
    "object", plan_object,
    SHOWN_OF(plan_object, type, STRING, ALWAYS, "The type of the object."),
    SHOWN_OF(plan_object, name, STRING, ALWAYS, "Its name."),
    SHOWN_OF(plan_object, op, ENUM, ALWAYS, "What would become of it.",
             SHOWN_NAMES("created", "updated", "unchanged", "deleted")),
    SHOWN_DIFF(plan_object, diff.));

static const struct schema_struct host_shown = SHOWN_KEPT(
    "host", plan_host,
    SHOWN_OF(plan_host, host, STRING, ALWAYS, "The host."),
    SHOWN_OF(plan_host, added, U64, ALWAYS,
             "How many flows and groups it would get."),
    SHOWN_OF(plan_host, changed, U64, ALWAYS,
             "How many it would get anew."),
    SHOWN_OF(plan_host, removed, U64, ALWAYS, "How many it would lose."),
    SHOWN_OF(plan_host, total, U64, HIDE,
             "How many it would hold; absent if none, and for accounts with "
             "a scope."),
    SHOWN_OF(plan_host, bundles, U64, HIDE,
             "How many bundles it takes at least, one after the other, if "
             "that is more than one: it would not get all at one moment."));

static const struct schema_struct flows_shown = SHOWN_KEPT(
    "flows", plan_flows,
    SHOWN_LIST_OF(plan_flows, hosts, n_hosts, STRUCT, ALWAYS,
                  "Each host concerned.", .nested = &host_shown),
    SHOWN_LIST_OF(plan_flows, apps, n_apps, STRUCT, ALWAYS,
                  "Each app whose flows would change.",
                  .nested = &schema_app_flows));

const struct schema_struct plan_shown = SHOWN_KEPT(
    "Plan", plan,
    SHOWN_OF(plan, kind, ENUM, ALWAYS,
             "It is a plan: nothing was changed.", SHOWN_NAMES("plan")),
    SHOWN_OF(plan, changed, BOOL, ALWAYS, "Whether anything would change."),
    SHOWN_OF(plan, revision, U64, ALWAYS,
             "The state that the plan was made on."),
    SHOWN_LIST_OF(plan, objects, n_objects, STRUCT, ALWAYS,
                  "Each object of the request, and each that would go "
                  "along.", .nested = &object_shown),
    SHOWN_STRUCT_OF(plan, flows, ALWAYS, "What would become of flows.",
                    &flows_shown),
    SHOWN_LIST_OF(plan, restarts, n_restarts, STRING, ALWAYS,
                  "Networks whose open connections would start over."),
    SHOWN_LIST_OF(plan, problems, n_problems, STRUCT, ALWAYS,
                  "Problems that are not there yet; at most 100.",
                  .nested = &engine_problem_shown),
    SHOWN_LIST_OF(plan, warnings, n_warnings, STRUCT, 0,
                  "Valid, and most likely a mistake, in objects of the "
                  "request.", .nested = &model_warning_shown));

static void
put_warnings(struct plan *plan, const struct model *model,
             struct engine *engine, const struct model_request *request)
{
    struct model_warnings found;

    request_warnings_find(model, engine, request, &plan->arena, &found);
    plan->n_warnings = found.n;
    plan->warnings = found.warnings;
}

/* Describes the change, which is applied. */
static struct plan *
describe(struct model *model, struct engine *engine,
         const struct engine_delta *delta,
         const struct model_request *request)
{
    struct plan *plan = xzalloc(sizeof *plan);

    arena_init(&plan->arena);
    plan->kind = "plan";
    plan->changed = model_is_unsettled(model);
    plan->revision = model_durable_revision(model);
    put_objects(plan, model, request);
    put_warnings(plan, model, engine, request);
    put_hosts(plan, engine, delta, request->rights);
    put_apps(plan, delta);
    plan->found = engine_delta_problems(engine, delta);
    return plan;
}

void
plan_destroy(struct plan *plan)
{
    if (plan) {
        engine_problems_destroy(plan->found);
        arena_uninit(&plan->arena);
        free(plan);
    }
}

/* Returns all members of a problem as one string, which the caller frees. */
static char *
problem_text(const struct engine_problem *problem)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    schema_struct_print(&engine_problem_shown, problem, &ds);
    return ds_steal_cstr(&ds);
}

/* Adds the problems that did not exist before.  'undo' is the difference back
 * to the previous state. */
static void
put_new_problems(struct plan *plan, const struct engine *engine,
                 const struct engine_delta *undo)
{
    struct engine_problems *before = engine_delta_problems(engine, undo);
    struct sset known = SSET_INITIALIZER(&known);

    for (size_t i = 0; i < before->n; i++) {
        /* An unchecked pair is not a problem of the previous state. */
        if (strcmp(before->problems[i].kind, "unchecked")) {
            sset_add_and_free(&known, problem_text(&before->problems[i]));
        }
    }
    plan->problems = arena_alloc(&plan->arena,
                                 PROBLEMS_MAX * sizeof *plan->problems);
    for (size_t i = 0; i < plan->found->n; i++) {
        const struct engine_problem *problem = &plan->found->problems[i];
        char *text = problem_text(problem);

        if (strcmp(problem->kind, "late") && sset_add(&known, text)
            && plan->n_problems < PROBLEMS_MAX) {
            plan->problems[plan->n_problems++] = *problem;
        }
        free(text);
    }
    engine_problems_destroy(before);
    sset_destroy(&known);
}

/* Says that the plan lacks the flows of a unit that is late, or of several of
 * which this is one. */
static void
put_late(struct plan *plan, const struct engine *engine)
{
    const char *late = engine_dry_run_late(engine);
    const char **units = arena_alloc(&plan->arena, sizeof *units);

    if (late && plan->n_problems < PROBLEMS_MAX) {
        units[0] = arena_strdup(&plan->arena, late);
        plan->problems[plan->n_problems++] = (struct engine_problem) {
            .kind = "late", .n_units = 1, .units = units,
            .detail = "its app's process is not done in time, so the plan "
                      "does not include what would become of its flows",
        };
    }
}

bool
plan_is_within_limit(const struct engine *engine, struct vmn_errors *errors)
{
    uint64_t total;
    const char *host = engine_exceeded(engine, &total);

    if (host) {
        vmn_errors_add(errors, VMN_ERR_TOO_LARGE, "",
                       "host \"%s\" would hold %"PRIu64" flows and groups, "
                       "and at most %"PRIu64" are allowed", host, total,
                       engine_max_items(engine));
    }
    return !host;
}

struct quota_check {
    const struct model *model;
    const struct model_rights *rights;
    struct vmn_errors *errors;
    bool ok;
};

static void
check_quota(void *check_, const char *name, const char *host, uint64_t n,
            uint64_t max)
{
    struct quota_check *check = check_;
    struct vmn_quota quota;

    if (model_find_quota(check->model, name, &quota)
        && model_quota_binds(&quota, check->rights)) {
        vmn_errors_add_excess(check->errors, &(const struct vmn_excess) {
            .quota = name, .host = host,
            .resource = host ? "flows_per_host" : "flows",
            .limit = (int64_t) max, .used = -1, .requested = (int64_t) n,
        });
        check->ok = false;
    }
}

bool
plan_is_within_quotas(const struct model *model, const struct engine *engine,
                      const struct model_rights *rights,
                      struct vmn_errors *errors)
{
    struct quota_check check = { model, rights, errors, true };

    if (rights) {
        engine_exceeded_quotas(engine, check_quota, &check);
    }
    return check.ok;
}

/* Returns true if the change can be compiled; otherwise adds to 'errors'. */
static bool
is_possible(const struct model *model, const struct engine *engine,
            const struct model_request *request, struct vmn_errors *errors)
{
    const char *skipped = engine_dry_run_skipped(engine);

    if (skipped) {
        vmn_errors_add(errors, VMN_ERR_CONFLICT, "", "%s fails already, and "
                       "what becomes of it cannot be planned", skipped);
    }
    return (!skipped && plan_is_within_limit(engine, errors)
            && plan_is_within_quotas(model, engine, request->rights,
                                     errors));
}

/* Restarts.  ------------------------------------------------------------- */

/* Returns true if the change may alter routing domains.  Conntrack zones are
 * per domain, so connections start over in networks that change theirs. */

static bool
concerns_routers(struct model *model)
{
    struct model_pending pending;

    model_get_pending(model, &pending);
    return model_pending_has(&pending, VMN_TABLE_ROUTER);
}

/* Adds the domain of each network that has ports to 'domains'. */
static void
find_domains(struct smap *domains, const struct model *model,
             struct engine *engine)
{
    struct vmn_names names = model_names(model, VMN_TABLE_NETWORK);

    for (size_t i = 0; i < names.n; i++) {
        const char *network = names.names[i];
        size_t size;
        char *domain;

        if (!model_lookup(model, VMN_INDEX_PORT_BY_NETWORK, network).n) {
            continue;
        }
        domain = engine_peek(engine, VMN_QUERY_DOMAIN, network, &size);
        smap_add(domains, network, domain ? domain : network);
        free(domain);
    }
}

/* After the change is rolled back: adds the networks whose domain differs from
 * that in 'after'. */
static void
put_restarts(struct plan *plan, const struct model *model,
             struct engine *engine, const struct smap *after)
{
    struct smap before = SMAP_INITIALIZER(&before);
    const struct smap_node **nodes;

    if (!smap_is_empty(after)) {
        find_domains(&before, model, engine);
    }
    nodes = smap_sort(&before);
    plan->restarts = arena_alloc(&plan->arena, smap_count(&before)
                                               * sizeof *plan->restarts);
    for (size_t i = 0; i < smap_count(&before); i++) {
        const char *is = smap_get(after, nodes[i]->key);

        if (is && strcmp(is, nodes[i]->value)) {
            plan->restarts[plan->n_restarts++]
                = arena_strdup(&plan->arena, nodes[i]->key);
        }
    }
    free(nodes);
    smap_destroy(&before);
}

/* All of it.  ------------------------------------------------------------ */

/* A change that was applied, and how to roll it back. */
struct attempt {
    struct model *model;
    struct engine *engine;
    struct model_request *request;
    struct engine_delta *delta, *undo;
};

/* Applies the change.  Returns false and adds to 'errors' if it is refused. */
static bool
attempt_begin(struct attempt *attempt, int64_t now_ms,
              struct vmn_errors *errors)
{
    uint64_t revision;

    id_pools_begin_dry_run(model_id_pools(attempt->model));
    if (model_apply(attempt->model, attempt->request, now_ms, &revision,
                    errors)) {
        return false;
    }
    engine_begin_dry_run(attempt->engine);
    engine_bind_quotas(attempt->engine, attempt->request->rights);
    attempt->delta = engine_run(attempt->engine);
    return is_possible(attempt->model, attempt->engine, attempt->request,
                       errors);
}

/* Rolls the change back, if it is applied. */
static void
attempt_undo(struct attempt *attempt)
{
    if (attempt->delta) {
        model_undo(attempt->model);
        attempt->undo = engine_roll_back(attempt->engine, attempt->delta);
    }
}

static void
attempt_end(struct attempt *attempt)
{
    engine_delta_destroy(attempt->delta);
    engine_delta_destroy(attempt->undo);
    engine_end_dry_run(attempt->engine);
    id_pools_end_dry_run(model_id_pools(attempt->model));
}

struct plan *
plan_make(struct model *model, struct engine *engine,
          struct model_request *request, int64_t now_ms,
          struct vmn_errors *errors)
{
    struct attempt attempt = { model, engine, request, NULL, NULL };
    struct smap domains = SMAP_INITIALIZER(&domains);
    struct plan *plan = NULL;

    if (request->loosening == MODEL_LOOSENING_BOUNDED) {
        request->loosening = MODEL_LOOSENING_FULL;
    }
    if (attempt_begin(&attempt, now_ms, errors)) {
        plan = describe(model, engine, attempt.delta, request);
        if (concerns_routers(model)) {
            find_domains(&domains, model, engine);
        }
    }
    attempt_undo(&attempt);
    if (plan) {
        put_new_problems(plan, engine, attempt.undo);
        put_late(plan, engine);
        put_restarts(plan, model, engine, &domains);
    }
    attempt_end(&attempt);
    smap_destroy(&domains);
    return plan;
}

bool
plan_dry_run(struct model *model, struct engine *engine,
             struct model_request *request, int64_t now_ms,
             void (*inspect)(void *aux), void *aux, struct vmn_errors *errors)
{
    struct attempt attempt = { model, engine, request, NULL, NULL };
    bool ok = attempt_begin(&attempt, now_ms, errors);
    const char *late = engine_dry_run_late(engine);

    if (ok && late) {
        vmn_errors_add(errors, VMN_ERR_UNAVAILABLE, "", "%s is late, since "
                       "its app's process is not done: what becomes of its "
                       "flows is not known yet; try again", late);
        ok = false;
    } else if (ok) {
        inspect(aux);
    }
    attempt_undo(&attempt);
    attempt_end(&attempt);
    return ok;
}
