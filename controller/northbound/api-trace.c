/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /v1/trace: the way of a packet, now or after a change. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdlib.h>

#include "controller/northbound/auth.h"
#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/trace-body.h"
#include "controller/schema/arena.h"
#include "controller/simulator/trace.h"
#include "util.h"

/* The client's request. */
struct trace_query {
    struct arena arena;         /* Owns the request's strings. */
    struct trace_request request;
    struct model_rights *rights; /* The client's, who may be gone by then;
                                  * NULL: all.  Owned. */
};

static const void *
run(struct northbound *nb, void *query_, struct arena *arena,
    struct vmn_error *error)
{
    struct trace_query *query = query_;
    struct nb_underlay underlay;
    struct trace *found;

    nb_underlay_init(&underlay, nb, true, arena);
    query->request.underlay = &underlay.sim;
    found = trace_make(nb->engine, nb->model, apphost_pipeline(nb->apphost),
                       &query->request, arena, error);
    query->request.underlay = NULL;

    if (found) {
        nb_warn_of_hosts(nb, query->rights, query->request.protocol, found,
                         arena);
    }
    return found;
}

static void
destroy(void *query_)
{
    struct trace_query *query = query_;

    model_rights_destroy(query->rights);
    arena_uninit(&query->arena);
    free(query);
}

static void
trace(struct http_request *req, struct northbound *nb)
{
    struct nb_simulation simulation = {
        .run = run, .reply = &nb_reply_trace, .destroy = destroy,
    };
    struct trace_query *query;
    struct vmn_errors errors;
    json_t *body = http_request_json(req);

    if (!body) {
        return;
    }
    query = xzalloc(sizeof *query);
    arena_init(&query->arena);
    simulation.aux = query;
    vmn_errors_init(&errors);
    if (nb_trace_body_read(body, &query->arena, &query->request, &errors)) {
        query->rights = model_rights_clone(nb_rights(req));
        query->request.rights = query->rights;
        nb_simulate(nb, req, &simulation, json_object_get(body, "after"));
    } else {
        nb_reply_errors(req, &errors, NB_POINT_AT_BODY);
        destroy(query);
    }
    vmn_errors_uninit(&errors);
    json_decref(body);
}

/* Waits until the commit is quiescent: then the engine has compiled the
 * model. */
void
nb_post_trace(struct http_request *req, void *nb)
{
    nb_when_quiescent(nb, req, trace);
}
