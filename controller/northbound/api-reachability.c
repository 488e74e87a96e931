/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/reachability: who can reach whom on a service; and POST, what a
 * change would do to it. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/simulator/reachability-matrix.h"
#include "util.h"

struct ask {
    struct reach_request request;
    bool by_group;
    bool differ;                    /* Of a change: the whole matrix is wanted
                                     * first. */
};

static json_t *
look(struct northbound *nb, void *ask_, struct vmn_errors *errors)
{
    const struct ask *ask = ask_;
    json_t *matrix = reach_make(nb->engine, nb->model,
                                apphost_pipeline(nb->apphost), &ask->request,
                                errors);

    return (matrix && ask->by_group && !ask->differ
            ? reach_by_group(nb->engine, matrix, errors)
            : matrix);
}

static json_t *
compare(struct northbound *nb, json_t *before, json_t *after)
{
    return reach_compare(nb->engine, before, after);
}

static void
destroy(void *ask_)
{
    struct ask *ask = ask_;

    reach_request_uninit(&ask->request);
    free(ask);
}

static bool
query_service(struct http_request *req, struct reach_request *request)
{
    const char *protocol = http_request_query(req, "protocol");
    uint64_t port;

    request->protocol = TRACE_ICMP;
    if (protocol && !trace_protocol_parse(protocol, &request->protocol)) {
        return nb_query_reject(req, "protocol", "must be tcp, udp, sctp, "
                               "icmp or icmpv6");
    }
    if (!nb_query_number(req, "port", 1, UINT16_MAX, 0, &port)) {
        return false;
    }
    if (!port != trace_protocol_is_icmp(request->protocol)) {
        return nb_query_reject(req, "port", port
                               ? "requires protocol=tcp, udp or sctp"
                               : "is required");
    }
    request->port = port;
    return true;
}

static bool
query_network(struct http_request *req, const struct northbound *nb,
              bool exists_later, struct reach_request *request)
{
    const char *network = http_request_query(req, "network");

    if (!exists_later && !nb_query_object(req, nb, "network",
                                          VMN_TABLE_NETWORK, &network)) {
        return false;
    }
    request->network = nullable_xstrdup(network);
    return true;
}

static bool
query_by(struct http_request *req, bool differ, bool *by_group)
{
    const char *by = http_request_query(req, "by");

    *by_group = by && !strcmp(by, "group");
    if (by && !*by_group && strcmp(by, "port")) {
        return nb_query_reject(req, "by", "must be port or group");
    }
    if (*by_group && differ) {
        return nb_query_reject(req, "by", "must be port for what a change "
                               "would do");
    }
    return true;
}

static void
reachability(struct http_request *req, struct northbound *nb,
             const json_t *after)
{
    struct nb_simulation question = { .look = look, .destroy = destroy };
    struct ask *ask = xzalloc(sizeof *ask);

    question.aux = ask;
    ask->differ = after != NULL;
    if (after) {
        question.compare = compare;
    }
    if (query_service(req, &ask->request)
        && query_by(req, ask->differ, &ask->by_group)
        && query_network(req, nb, ask->differ, &ask->request)) {
        nb_simulate(nb, req, &question, after);
    } else {
        destroy(ask);
    }
}

static void
reachability_now(struct http_request *req, struct northbound *nb)
{
    reachability(req, nb, NULL);
}

static void
check_body(const json_t *body, struct vmn_errors *errors)
{
    const char *name;
    json_t *value;

    if (!json_is_object(body)) {
        vmn_errors_add(errors, VMN_ERR_INVALID, "",
                       "must be an object: {\"after\": [...]}");
        return;
    }
    json_object_foreach (CONST_CAST(json_t *, body), name, value) {
        if (strcmp(name, "after")) {
            char *pointer = xasprintf("/%s", name);

            vmn_errors_add(errors, VMN_ERR_INVALID, pointer,
                           "unknown field");
            free(pointer);
        }
    }
    if (!json_object_get(body, "after")) {
        vmn_errors_add(errors, VMN_ERR_INVALID, "/after", "is required");
    }
}

static void
reachability_after(struct http_request *req, struct northbound *nb)
{
    json_t *body = http_request_json(req);
    const json_t *after = json_object_get(body, "after");
    struct vmn_errors errors;

    if (!body) {
        return;
    }
    vmn_errors_init(&errors);
    check_body(body, &errors);
    if (errors.n) {
        nb_reply_errors(req, &errors, NB_POINT_AT_BODY);
    } else {
        reachability(req, nb, after);
    }
    vmn_errors_uninit(&errors);
    json_decref(body);
}

void
nb_get_reachability(struct http_request *req, void *nb)
{
    nb_when_quiescent(nb, req, reachability_now);
}

void
nb_post_reachability(struct http_request *req, void *nb)
{
    nb_when_quiescent(nb, req, reachability_after);
}
