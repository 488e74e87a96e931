/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/reachability: which ports can reach which on a service.  POST: what
 * a change would alter in that. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/request-body.h"
#include "controller/simulator/reachability-matrix.h"
#include "util.h"

/* The client's request. */
struct reach_query {
    struct reach_request request;
    char *network;              /* Owns the name in 'request'. */
    bool by_group;
    bool differ;                /* For a change: computes both matrices, to
                                 * compare them. */
};

static const void *
run(struct northbound *nb, void *query_, struct arena *arena,
    struct vmn_error *error)
{
    const struct reach_query *query = query_;
    struct reach_request request = query->request;
    struct nb_underlay underlay;
    struct reach_matrix *matrix;

    /* What a change alters is a matter of flows, wherever hosts are. */
    nb_underlay_init(&underlay, nb, false, arena);
    request.underlay = query->differ ? NULL : &underlay.sim;
    matrix = reach_make(nb->engine, nb->model, apphost_pipeline(nb->apphost),
                        &request, arena, error);
    if (matrix) {
        matrix->warnings = nb_unheard_warnings(nb, query->request.network,
                                               arena, &matrix->n_warnings);
    }
    if (matrix && query->by_group && !query->differ) {
        return reach_by_group(nb->engine, matrix, arena, error);
    }
    return matrix;
}

static const void *
compare(struct northbound *nb, void *query OVS_UNUSED, const void *before_,
        const void *after, struct arena *arena)
{
    const struct reach_matrix *before = before_;
    struct reach_difference *difference = reach_compare(nb->engine, before,
                                                        after, arena);

    difference->n_warnings = before->n_warnings;
    difference->warnings = before->warnings;
    return difference;
}

static void
destroy(void *query_)
{
    struct reach_query *query = query_;

    free(query->network);
    free(query);
}

/* Gets the service of "tcp/80" or "icmp". */
static bool
query_one_service(struct http_request *req, const char *service,
                  struct reach_request *request)
{
    struct trace_request trace = { .icmp_type = -1 };

    if (http_request_query(req, "protocol")
        || http_request_query(req, "port")) {
        return nb_query_reject(req, "service",
                               "cannot be combined with protocol and port");
    }
    if (!trace_service_parse(service, &trace) || trace.icmp_type >= 0) {
        return nb_query_reject(req, "service", "must be tcp/PORT, udp/PORT, "
                               "sctp/PORT, icmp or icmpv6");
    }
    request->protocol = trace.protocol;
    request->port = trace.port;
    return true;
}

static bool
query_service(struct http_request *req, struct reach_request *request)
{
    const char *service = http_request_query(req, "service");
    const char *protocol = http_request_query(req, "protocol");
    uint64_t port;

    if (service) {
        return query_one_service(req, service, request);
    }
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
              struct reach_query *query)
{
    const char *network = http_request_query(req, "network");

    /* A change may create the network. */
    if (!query->differ && !nb_query_object(req, nb, "network",
                                           VMN_TABLE_NETWORK, &network)) {
        return false;
    }
    query->network = nullable_xstrdup(network);
    query->request.network = query->network;
    return true;
}

static bool
query_by(struct http_request *req, struct reach_query *query)
{
    const char *by = http_request_query(req, "by");

    query->by_group = by && !strcmp(by, "group");
    if (by && !query->by_group && strcmp(by, "port")) {
        return nb_query_reject(req, "by", "must be port or group");
    }
    if (query->by_group && query->differ) {
        return nb_query_reject(req, "by", "must be port for what a change "
                               "would do");
    }
    return true;
}

static void
reachability(struct http_request *req, struct northbound *nb,
             const json_t *after)
{
    struct nb_simulation simulation = { .run = run, .destroy = destroy };
    struct reach_query *query = xzalloc(sizeof *query);

    simulation.aux = query;
    query->differ = after != NULL;
    query->request.ways = !after;
    if (query_service(req, &query->request) && query_by(req, query)
        && query_network(req, nb, query)) {
        if (after) {
            simulation.compare = compare;
        }
        simulation.reply = (after ? &nb_reply_reach_change
                            : query->by_group ? &nb_reply_groups
                            : &nb_reply_matrix);
        nb_simulate(nb, req, &simulation, after);
    } else {
        destroy(query);
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
    if (json_is_object(body)) {
        nb_body_read(body, &nb_body_after, NULL, NULL, errors);
    } else {
        vmn_errors_add(errors, VMN_ERR_INVALID, "",
                       "must be an object: {\"after\": [...]}");
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
