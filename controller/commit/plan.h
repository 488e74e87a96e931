/* SPDX-License-Identifier: Apache-2.0
 *
 * What a change would do: it is applied, compiled, described and undone, and
 * leaves nothing behind.  Not for when there is a moment for that (commit.c),
 * nor for which plans wait (commit-queue.c). */

#ifndef CONTROLLER_COMMIT_PLAN_H
#define CONTROLLER_COMMIT_PLAN_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/schema/arena.h"
#include "controller/schema/schema-diff.h"

struct engine;
struct engine_problem;
struct engine_problems;
struct model;
struct model_request;
struct model_rights;
struct model_warning;
struct schema_struct;
struct status_app_flows;
struct vmn_errors;

struct plan_object {
    const char *type;
    const char *name;
    const char *op;             /* "created", "updated", "unchanged" or
                                 * "deleted". */
    struct schema_diff diff;    /* Of what is updated. */
};

/* What a host would get, get anew, lose and then hold, in flows and groups. */
struct plan_host {
    const char *host;
    uint64_t added, changed, removed, total;
};

struct plan_flows {
    size_t n_hosts;
    struct plan_host *hosts;    /* By name. */
    size_t n_apps;
    struct status_app_flows *apps;
};

/* A plan; all of it is owned.  Members are called as in JSON. */
struct plan {
    const char *kind;           /* "plan": tells it from a change. */
    bool changed;
    uint64_t revision;          /* That it was made on. */
    size_t n_objects;
    struct plan_object *objects;
    size_t n_fields;            /* Listed in all of them. */
    struct plan_flows flows;
    size_t n_restarts;
    const char **restarts;      /* Networks whose open connections start
                                 * over. */
    size_t n_problems;
    struct engine_problem *problems; /* That are not there yet. */
    size_t n_warnings;
    struct model_warning *warnings; /* Of objects of the request; NULL:
                                     * none. */

    struct arena arena;
    struct engine_problems *found; /* What 'problems' are of. */
};
extern const struct schema_struct plan_shown;

/* Plans 'request', at a quiescent moment.  The caller
 * destroys the plan.  Returns NULL with 'errors' if the request is refused.
 * Costs as much as the change itself twice, the hosts concerned, and what
 * engine_delta_problems() does. */
struct plan *plan_make(struct model *, struct engine *,
                       struct model_request *, int64_t now_ms,
                       struct vmn_errors *errors);
void plan_destroy(struct plan *);

/* Applies 'request' in the same way, and calls 'inspect': the
 * model's current state and the engine's flows are those that it leads to.
 * Returns false with 'errors', and calls nothing, if the request is refused.
 * 'inspect' may yield. */
bool plan_dry_run(struct model *, struct engine *, struct model_request *,
                  int64_t now_ms, void (*inspect)(void *aux), void *aux,
                  struct vmn_errors *errors);

/* Returns true if no host exceeds the engine's limit by the last engine_run();
 * else false, with an error that says which. */
bool plan_is_within_limit(const struct engine *, struct vmn_errors *);
/* Does the same for quotas of flows that bind whoever has 'rights' (NULL:
 * everything). */
bool plan_is_within_quotas(const struct model *, const struct engine *,
                           const struct model_rights *rights,
                           struct vmn_errors *);

#endif /* controller/commit/plan.h */
