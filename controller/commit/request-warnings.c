/* SPDX-License-Identifier: Apache-2.0
 *
 * See request-warnings.h.  Of balancers, the app that makes their flows says
 * which backends serve. */

#include <config.h>

#include "controller/commit/request-warnings.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/balancer-members.h"
#include "controller/engine/engine.h"
#include "controller/model/model.h"
#include "controller/model/warnings.h"
#include "util.h"
#include "vmn/rows.h"

/* A balancer's backends, with the routing domain of each. */
struct backends {
    struct vmn_lb_member *members;
    char **domains;
    size_t n;
};

static void
read_backends(struct engine *engine, const char *balancer,
              struct backends *backends)
{
    backends->members = engine_balancer_members(engine, balancer,
                                                &backends->n);
    backends->domains = xcalloc(MAX(backends->n, 1),
                                sizeof *backends->domains);
    for (size_t i = 0; i < backends->n; i++) {
        backends->domains[i] = engine_domain_of(
            engine, backends->members[i].network);
    }
}

static void
free_backends(struct backends *backends)
{
    for (size_t i = 0; i < backends->n; i++) {
        free(backends->domains[i]);
    }
    free(backends->domains);
    free(backends->members);
}

/* Returns true if a backend serves in the routing domain. */
static bool
is_served(const struct backends *backends, const char *domain)
{
    for (size_t i = 0; i < backends->n; i++) {
        if (backends->members[i].state == VMN_LB_SERVING
            && !strcmp(backends->domains[i], domain)) {
            return true;
        }
    }
    return false;
}

static bool
drains(const struct vmn_lb_member *member)
{
    return (member->state == VMN_LB_DRAINING
            || member->state == VMN_LB_DRAINED);
}

/* Warns of backends that drain where no other serves.  Of each routing domain
 * the first one is named. */
static void
check_drains(struct engine *engine, const struct vmn_loadbalancer *lb,
             struct model_warnings *warnings)
{
    struct backends own, fallback;

    read_backends(engine, lb->row.name, &own);
    read_backends(engine, lb->fallback ? lb->fallback : "", &fallback);
    for (size_t i = 0; i < own.n; i++) {
        const char *domain = own.domains[i];
        bool known = false;

        for (size_t j = 0; j < i && !known; j++) {
            known = drains(&own.members[j]) && !strcmp(own.domains[j],
                                                       domain);
        }
        if (drains(&own.members[i]) && !known && !is_served(&own, domain)) {
            bool stands_in = is_served(&fallback, domain);

            model_warnings_put(
                warnings, &lb->row, "/backends",
                "\"%s\" drains, and no other backend serves in network "
                "\"%s\": new connections are %s%s", own.members[i].port,
                own.members[i].network,
                stands_in ? "for the fallback, balancer " : "rejected",
                stands_in ? lb->fallback : "");
        }
    }
    free_backends(&fallback);
    free_backends(&own);
}

void
request_warnings_find(const struct model *model, struct engine *engine,
                      const struct model_request *request,
                      struct arena *arena, struct model_warnings *warnings)
{
    model_warnings_init(warnings, model, request->rights, arena);
    for (size_t i = 0; i < request->n_ops; i++) {
        const struct model_op *op = &request->ops[i];
        const struct vmn_row *row
            = (op->kind != MODEL_DELETE && model_warnings_concern(op->table)
               ? model_get(model, op->table, op->name) : NULL);

        if (row) {
            model_warnings_add(warnings, row);
        }
        if (row && op->table == VMN_TABLE_LOADBALANCER) {
            check_drains(engine, (const void *) row, warnings);
        }
    }
    model_warnings_finish(warnings);
}
