/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/open-services: all services by which somebody is reached. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/northbound/openapi-operations.h"
#include "controller/schema/arena.h"
#include "controller/schema/value.h"
#include "controller/simulator/open-services.h"
#include "controller/simulator/trace-outside.h"
#include "util.h"

/* Adds the hosts of ports of 'network', or of all, that are not heard. */
static void
warn_unheard(struct northbound *nb, const char *network, struct arena *arena,
             struct open_services *found)
{
    size_t n;
    const char **unheard = nb_unheard_warnings(nb, network, arena, &n);
    const char **all = arena_alloc(arena, MAX(found->n_warnings + n, 1)
                                          * sizeof *all);

    if (found->n_warnings) {
        memcpy(all, found->warnings, found->n_warnings * sizeof *all);
    }
    if (n) {
        memcpy(&all[found->n_warnings], unheard, n * sizeof *all);
    }
    found->warnings = all;
    found->n_warnings += n;
}

static const void *
run(struct northbound *nb, void *request_, struct arena *arena,
    struct vmn_error *error)
{
    const struct open_request *request = request_;
    struct open_services *found
        = open_services_find(nb->engine, nb->model,
                             apphost_pipeline(nb->apphost), request, arena,
                             error);
    const struct vmn_port *port
        = (found && found->port
           ? model_get(nb->model, VMN_TABLE_PORT, found->port) : NULL);

    if (found) {
        warn_unheard(nb, port ? port->network : NULL, arena, found);
    }
    return found;
}

static void
destroy(void *request_)
{
    struct open_request *request = request_;

    free(CONST_CAST(char *, request->from));
    free(CONST_CAST(char *, request->group));
    free(CONST_CAST(char *, request->to));
    free(CONST_CAST(char *, request->network));
    free(request);
}

/* Reads who sends: outside, a prefix or a port, or a group. */
static bool
query_from(struct http_request *req, const struct northbound *nb,
           const char **from, const char **group)
{
    struct vmn_prefix prefix;

    if (!nb_query_object(req, nb, "from_group", VMN_TABLE_GROUP, group)) {
        return false;
    }
    *from = http_request_query(req, "from");
    if (!*from == !*group) {
        return nb_query_reject(req, "from", *from ? "cannot be combined with "
                               "from_group" : "is required, or from_group");
    }
    return (!*from || !strcmp(*from, TRACE_OUTSIDE)
            || !value_parse_prefix(*from, true, &prefix, NULL)
            || nb_query_object(req, nb, "from", VMN_TABLE_PORT, from));
}

static void
find_open_services(struct http_request *req, struct northbound *nb)
{
    struct nb_simulation simulation = {
        .run = run, .destroy = destroy, .reply = &nb_reply_open_services,
    };
    const char *to = http_request_query(req, "to");
    const char *from, *group, *network;
    struct open_request *request;

    if (!query_from(req, nb, &from, &group)
        || !nb_query_object(req, nb, "network", VMN_TABLE_NETWORK,
                            &network)) {
        return;
    }
    if (!to) {
        nb_query_reject(req, "to", "is required");
        return;
    }
    request = xmalloc(sizeof *request);
    *request = (struct open_request) {
        nullable_xstrdup(from), nullable_xstrdup(group), xstrdup(to),
        nullable_xstrdup(network),
    };
    simulation.aux = request;
    nb_simulate(nb, req, &simulation, NULL);
}

void
nb_get_open_services(struct http_request *req, void *nb)
{
    nb_when_quiescent(nb, req, find_open_services);
}
