/* SPDX-License-Identifier: Apache-2.0
 *
 * What a change would do: it is applied, compiled, described and undone, and
 * leaves nothing behind.  Not for
 * when there is a moment for that (commit.c). */

#ifndef CONTROLLER_COMMIT_PLAN_H
#define CONTROLLER_COMMIT_PLAN_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct engine;
struct model;
struct model_request;
struct model_rights;
struct vmn_errors;

/* Plans 'request', at a quiescent moment.  Returns
 *
 * {"changed", "revision" (that it was planned on),
 *  "objects": [{"type", "name", "op"}],
 *  "flows": {"hosts": [{"host", "added", "changed", "removed", "total"}],
 *            "apps": [{"app", "added", "changed", "removed"}]},
 *  "restarts": [network whose open connections start over],
 *  "problems": [...]}
 *
 * which the caller owns, or NULL with 'errors'.  'problems' are those of
 * engine_problems() that are not there yet.  Costs as much as the change
 * itself twice, the hosts concerned, and what engine_delta_problems() does. */
json_t *plan_make(struct model *, struct engine *, struct model_request *,
                  int64_t now_ms, struct vmn_errors *errors);

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
