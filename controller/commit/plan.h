/* SPDX-License-Identifier: Apache-2.0
 *
 * Computes the effects of a change: it is applied, compiled, described and
 * rolled back, and leaves no trace.  Not for waiting until that is possible
 * (commit.c), nor for the queue of plans (commit-queue.c). */

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

/* Numbers of a host's flows and groups: added, changed, removed, and the total
 * after the change (0: none, or it is not to be told). */
struct plan_host {
    const char *host;
    uint64_t added, changed, removed, total;
    uint64_t bundles;           /* That it takes; 0: it is one. */
};

struct plan_flows {
    size_t n_hosts;
    struct plan_host *hosts;    /* By name. */
    size_t n_apps;
    struct status_app_flows *apps;
};

/* A plan; it owns all of its members.  They are called as in JSON. */
struct plan {
    const char *kind;           /* "plan": tells it from a change. */
    bool changed;
    uint64_t revision;          /* The revision that it is based on. */
    size_t n_objects;
    struct plan_object *objects;
    size_t n_fields;            /* Listed in all of them. */
    struct plan_flows flows;
    size_t n_restarts;
    const char **restarts;      /* Networks whose connections are reset. */
    size_t n_problems;
    struct engine_problem *problems; /* New ones. */
    size_t n_warnings;
    struct model_warning *warnings; /* Of objects of the request; NULL:
                                     * none. */

    struct arena arena;
    struct engine_problems *found; /* Owner of 'problems'. */
};
extern const struct schema_struct plan_shown;

/* Plans 'request', in a quiescent state.  The caller destroys the plan.
 * Returns NULL with 'errors' if the request is rejected.  Costs twice as much
 * as the change itself, plus the hosts concerned and
 * engine_delta_problems(). */
struct plan *plan_make(struct model *, struct engine *,
                       struct model_request *, int64_t now_ms,
                       struct vmn_errors *errors);
void plan_destroy(struct plan *);

/* Applies 'request' in the same way, and calls 'inspect' while the model's
 * current state and the engine's flows are the resulting ones.  Returns false
 * with 'errors', and calls nothing, if the request is rejected.  'inspect' may
 * yield. */
bool plan_dry_run(struct model *, struct engine *, struct model_request *,
                  int64_t now_ms, void (*inspect)(void *aux), void *aux,
                  struct vmn_errors *errors);

/* Returns true if no host exceeds the engine's limit after the last
 * engine_run(); else false, with an error that names the host. */
bool plan_is_within_limit(const struct engine *, struct vmn_errors *);
/* Does the same for flow quotas that apply to requests with 'rights' (NULL:
 * all). */
bool plan_is_within_quotas(const struct model *, const struct engine *,
                           const struct model_rights *rights,
                           struct vmn_errors *);

#endif /* controller/commit/plan.h */
