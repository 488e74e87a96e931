/* SPDX-License-Identifier: Apache-2.0
 *
 * Who sends a traced packet, and to whom; see trace-endpoints.h. */

#include <config.h>

#include "controller/simulator/trace-endpoints.h"

#include <stdlib.h>

#include "controller/model/model.h"
#include "controller/schema/error.h"
#include "controller/schema/value.h"
#include "controller/simulator/trace-request.h"
#include "util.h"

struct search {
    const struct model *model;
    const struct trace_request *request;
    struct trace_endpoints *who;
    struct vmn_error *error;
};

/* Finds a port that who asks may see: any other is as if it were not
 * there. */
static bool
find_port(const struct search *search, const char *name,
          struct endpoint *endpoint)
{
    if (endpoint_find(search->model, name, endpoint)
        && model_sees(search->request->rights, &endpoint->port->row)) {
        return true;
    }
    *endpoint = (struct endpoint) { .port = NULL };
    return false;
}

static bool
find_source(struct search *search)
{
    const struct trace_request *request = search->request;

    if (!find_port(search, request->from, &search->who->from)) {
        /* The current rows: of a trace after a change, that is applied. */
        char *guess = model_suggestion(search->model, MODEL_CURRENT,
                                       request->rights, VMN_TABLE_PORT,
                                       request->from);

        vmn_error_set(search->error, VMN_ERR_INVALID, "/from",
                      "port \"%s\" not found%s", request->from, guess);
        free(guess);
        return false;
    }
    if (!model_in_scope(request->rights, &search->who->from.port->row)) {
        vmn_error_set(search->error, VMN_ERR_FORBIDDEN, "/from",
                      "port \"%s\" is not within this account's scope",
                      request->from);
        return false;
    }
    if (!search->who->from.ofport) {
        vmn_error_set(search->error, VMN_ERR_CONFLICT, "/from",
                      "port \"%s\" is on no host that is known to have its "
                      "interface", request->from);
        return false;
    }
    search->who->ends.source_mac = (value_mac_is_none(request->source_mac)
                               ? search->who->from.port->mac
                               : request->source_mac);
    return true;
}

/* Finds addresses of a family that both ports have. */
static bool
find_common(struct search *search)
{
    static const uint8_t families[] = { 4, 6 };

    enum trace_protocol protocol = search->request->protocol;
    uint8_t given = search->request->source_ip.family;

    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        const struct vmn_ip *to = endpoint_ip(&search->who->to, families[i]);

        if (to && trace_protocol_has(protocol, families[i])
            && (given ? given == families[i]
                : endpoint_ip(&search->who->from, families[i]) != NULL)) {
            search->who->ends.destination_ip = *to;
            return true;
        }
    }
    if (given) {
        vmn_error_set(search->error, VMN_ERR_CONFLICT, "/to", "port \"%s\" "
                      "has no IPv%d address, as source_ip is",
                      search->request->to, given);
        return false;
    }
    vmn_error_set(search->error, VMN_ERR_CONFLICT, "/to", "ports \"%s\" and "
                  "\"%s\" %s", search->request->from, search->request->to,
                  trace_protocol_has(protocol, 4)
                  ? "have no addresses of one family"
                  : "do not both have an IPv6 address, as icmpv6 takes");
    return false;
}

/* Finds the destination address: 'to' itself, or a balancer's. */
static bool
find_address(struct search *search)
{
    const struct trace_request *request = search->request;
    struct vmn_error error = VMN_ERROR_INIT;
    const struct vmn_loadbalancer *lb;

    lb = model_get(search->model, VMN_TABLE_LOADBALANCER, request->to);
    if (lb && model_sees(request->rights, &lb->row)) {
        search->who->ends.destination_ip = lb->vip;
        return true;
    }
    if (value_parse_ip(request->to, &search->who->ends.destination_ip,
                       &error)) {
        vmn_error_set(search->error, VMN_ERR_INVALID, "/to", "\"%s\" is "
                      "neither a port nor a loadbalancer, and no address: "
                      "%s", request->to, error.text);
        vmn_error_uninit(&error);
        return false;
    }
    return true;
}

static bool
find_destination(struct search *search)
{
    const struct trace_request *request = search->request;

    if (find_port(search, request->to, &search->who->to)) {
        return find_common(search);
    }
    if (!find_address(search)) {
        return false;
    }
    if (!trace_protocol_has(request->protocol,
                            search->who->ends.destination_ip.family)) {
        vmn_error_set(search->error, VMN_ERR_INVALID, "/to",
                      "must have an IPv6 address, as icmpv6 takes");
        return false;
    }
    return true;
}

static bool
find_source_ip(struct search *search)
{
    uint8_t family = search->who->ends.destination_ip.family;
    const struct vmn_ip *own = endpoint_ip(&search->who->from, family);

    if (search->request->source_ip.family) {
        search->who->ends.source_ip = search->request->source_ip;
        if (search->who->ends.source_ip.family != family) {
            vmn_error_set(search->error, VMN_ERR_INVALID, "/source_ip",
                          "must be an IPv%d address, as that of \"to\" is",
                          family);
            return false;
        }
    } else if (own) {
        search->who->ends.source_ip = *own;
    } else {
        vmn_error_set(search->error, VMN_ERR_CONFLICT, "/from", "port "
                      "\"%s\" has no IPv%d address to send from",
                      search->request->from, family);
        return false;
    }
    return true;
}

bool
trace_endpoints_find(const struct model *model,
                     const struct trace_request *request,
                     struct trace_endpoints *who, struct vmn_error *error)
{
    struct search search = { model, request, who, error };

    *who = (struct trace_endpoints) { .from = { .port = NULL } };
    return (find_source(&search) && find_destination(&search)
            && find_source_ip(&search));
}
