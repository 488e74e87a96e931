/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /v1/trace: what becomes of a packet, now or after a change. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdlib.h>

#include "controller/simulator/trace.h"
#include "util.h"

static json_t *
look(struct northbound *nb, void *request, struct vmn_errors *errors)
{
    return trace_make(nb->engine, nb->model, apphost_pipeline(nb->apphost),
                      request, errors);
}

static void
destroy(void *request_)
{
    struct trace_request *request = request_;

    trace_request_uninit(request);
    free(request);
}

static void
trace(struct http_request *req, struct northbound *nb)
{
    struct nb_simulation question = { .look = look, .destroy = destroy };
    struct trace_request *request;
    struct vmn_errors errors;
    json_t *body = http_request_json(req);

    if (!body) {
        return;
    }
    request = xmalloc(sizeof *request);
    question.aux = request;
    vmn_errors_init(&errors);
    if (trace_request_parse(body, request, &errors)) {
        nb_simulate(nb, req, &question, json_object_get(body, "after"));
    } else {
        nb_reply_errors(req, &errors, NB_POINT_AT_BODY);
        destroy(request);
    }
    vmn_errors_uninit(&errors);
    json_decref(body);
}

/* It takes a settled moment, when the engine is as the model is. */
void
nb_post_trace(struct http_request *req, void *nb)
{
    nb_when_quiescent(nb, req, trace);
}
