/* SPDX-License-Identifier: Apache-2.0
 *
 * What differs between two states; see rehearsal-compare.h. */

#include <config.h>

#include "controller/rehearsal/rehearsal-compare.h"

#include <stdlib.h>
#include <string.h>

#include "controller/apphost/apphost.h"
#include "controller/engine/engine.h"
#include "controller/model/model.h"
#include "controller/northbound/draft-effects.h"
#include "controller/rehearsal/rehearsal-world.h"
#include "controller/schema/arena.h"
#include "util.h"

/* Hosts.  ----------------------------------------------------------------- */

/* Returns what the host is called that takes the place of 'host'. */
static const char *
name_after(const struct store_host_map maps[], size_t n, const char *host)
{
    const struct store_host_map *map = store_find_host_map(maps, n, host);

    return map ? map->to : host;
}

static bool
has_host(const struct rehearsal_world *world, const char *name)
{
    return model_get(world->model, VMN_TABLE_HOST, name) != NULL;
}

static void
add_host(struct rehearsal *r, const struct rehearsal_world *before,
         const struct rehearsal_world *after, const char *was,
         const char *is)
{
    r->hosts[r->n_hosts++] = (struct rehearsal_host) {
        .before = was, .after = is,
        .n_before = was ? engine_host_total(before->engine, was) : 0,
        .n_after = is ? engine_host_total(after->engine, is) : 0,
    };
}

static bool
is_listed(const struct rehearsal *r, const char *after)
{
    for (size_t i = 0; i < r->n_hosts; i++) {
        if (r->hosts[i].after && !strcmp(r->hosts[i].after, after)) {
            return true;
        }
    }
    return false;
}

/* A host that the map replaces, and that is there before, is the same host: of
 * a state that is replaced, where it is not, it is the one of the new name. */
static void
compare_hosts(struct rehearsal *r, const struct rehearsal_world *before,
              const struct rehearsal_world *after,
              const struct store_host_map maps[], size_t n,
              struct arena *arena)
{
    struct vmn_names was = model_names(before->model, VMN_TABLE_HOST);
    struct vmn_names is = model_names(after->model, VMN_TABLE_HOST);

    r->hosts = arena_alloc(arena, MAX(was.n + is.n, 1) * sizeof *r->hosts);
    for (size_t i = 0; i < was.n; i++) {
        const char *name = name_after(maps, n, was.names[i]);
        bool there = has_host(after, name) && !is_listed(r, name);

        add_host(r, before, after, was.names[i], there ? name : NULL);
    }
    for (size_t i = 0; i < is.n; i++) {
        if (!is_listed(r, is.names[i])) {
            add_host(r, before, after, NULL, is.names[i]);
        }
    }
}

/* Problems.  -------------------------------------------------------------- */

static const char *
units_text(const struct engine_problem *problem, struct arena *arena)
{
    const char *text = "";

    for (size_t i = 0; i < problem->n_units; i++) {
        text = arena_printf(arena, "%s%s%s", text, i ? " " : "",
                            problem->units[i]);
    }
    return text;
}

static struct rehearsal_problem *
list_problems(const struct rehearsal_world *world, struct arena *arena,
              size_t *n)
{
    const struct engine_problems *found = engine_problems(world->engine);
    struct rehearsal_problem *list = arena_alloc(
        arena, MAX(found->n, 1) * sizeof *list);

    *n = found->n;
    for (size_t i = 0; i < found->n; i++) {
        const struct engine_problem *problem = &found->problems[i];

        list[i] = (struct rehearsal_problem) {
            .kind = arena_strdup(arena, problem->kind),
            .units = units_text(problem, arena),
            .detail = arena_strdup(arena, problem->detail),
        };
    }
    return list;
}

static bool
has_problem(const struct rehearsal_problem list[], size_t n,
            const struct rehearsal_problem *problem)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(list[i].kind, problem->kind)
            && !strcmp(list[i].units, problem->units)) {
            return true;
        }
    }
    return false;
}

/* Lists those of after, and those that are gone. */
static void
compare_problems(struct rehearsal *r, const struct rehearsal_world *before,
                 const struct rehearsal_world *after, struct arena *arena)
{
    size_t n_was, n_is;
    struct rehearsal_problem *was = list_problems(before, arena, &n_was);
    struct rehearsal_problem *is = list_problems(after, arena, &n_is);

    r->problems = arena_alloc(arena, MAX(n_was + n_is, 1)
                                     * sizeof *r->problems);
    for (size_t i = 0; i < n_is; i++) {
        is[i].is_new = !has_problem(was, n_was, &is[i]);
        r->problems[r->n_problems++] = is[i];
    }
    for (size_t i = 0; i < n_was; i++) {
        was[i].is_gone = !has_problem(is, n_is, &was[i]);
        if (was[i].is_gone) {
            r->problems[r->n_problems++] = was[i];
        }
    }
}

/* Reachability.  ---------------------------------------------------------- */

static struct reach_matrix *
make_matrix(const struct rehearsal_world *world,
            const struct effect_service *service, struct arena *arena,
            struct vmn_error *why)
{
    const struct reach_request request = {
        .protocol = service->protocol, .port = service->port,
    };

    return reach_make(world->engine, world->model,
                      apphost_pipeline(world->apphost), &request, arena, why);
}

static void
compare_service(struct rehearsal_service *r,
                const struct effect_service *service,
                const struct rehearsal_world *before,
                const struct rehearsal_world *after, struct arena *arena)
{
    struct vmn_error why = VMN_ERROR_INIT;
    char *text = effect_service_text(service);
    struct reach_matrix *was = make_matrix(before, service, arena, &why);
    struct reach_matrix *is = (was ? make_matrix(after, service, arena, &why)
                               : NULL);

    r->service = arena_strdup(arena, text);
    free(text);
    if (is) {
        const struct reach_difference *difference
            = reach_compare(after->engine, was, is, arena);

        r->n_changes = difference->n_changes;
        r->changes = difference->changes;
    } else {
        r->error = arena_strdup(arena, why.text);
        vmn_error_uninit(&why);
    }
}

/* Pings, and the services that policies of either state name. */
static void
compare_services(struct rehearsal *r, const struct rehearsal_world *before,
                 const struct rehearsal_world *after, struct arena *arena)
{
    struct effect_services services = { .n = 0 };

    effect_services_of_model(&services, after->model);
    effect_services_of_model(&services, before->model);
    r->services = arena_alloc(arena, services.n * sizeof *r->services);
    for (size_t i = 0; i < services.n; i++) {
        r->services[i] = (struct rehearsal_service) { .n_changes = 0 };
        compare_service(&r->services[i], &services.list[i], before, after,
                        arena);
    }
    r->n_services = services.n;
    r->n_more_services = services.n_more;
}

struct rehearsal *
rehearsal_compare(const struct rehearsal_world *before,
                  const struct rehearsal_world *after,
                  const struct store_host_map maps[], size_t n,
                  struct arena *arena)
{
    struct rehearsal *r = arena_alloc(arena, sizeof *r);

    *r = (struct rehearsal) {
        .n_placed_before = before->n_placed,
        .n_placed_after = after->n_placed,
        .n_unplaced_before = before->n_unplaced,
        .n_unplaced_after = after->n_unplaced,
    };
    compare_hosts(r, before, after, maps, n, arena);
    compare_problems(r, before, after, arena);
    compare_services(r, before, after, arena);
    return r;
}

bool
rehearsal_is_same(const struct rehearsal *r)
{
    for (size_t i = 0; i < r->n_hosts; i++) {
        if (r->hosts[i].n_before != r->hosts[i].n_after) {
            return false;
        }
    }
    for (size_t i = 0; i < r->n_problems; i++) {
        if (r->problems[i].is_new || r->problems[i].is_gone) {
            return false;
        }
    }
    for (size_t i = 0; i < r->n_services; i++) {
        if (r->services[i].n_changes || r->services[i].error) {
            return false;
        }
    }
    return !r->n_more_services && r->n_unplaced_before == r->n_unplaced_after;
}
