/* SPDX-License-Identifier: Apache-2.0
 *
 * Who sends a traced packet and who is to get it, by the names and addresses
 * of the request.  For trace.c alone. */

#ifndef CONTROLLER_SIMULATOR_TRACE_ENDPOINTS_H
#define CONTROLLER_SIMULATOR_TRACE_ENDPOINTS_H 1

#include <stdbool.h>

#include "controller/simulator/endpoint.h"
#include "controller/simulator/guest-packet.h"

struct model;
struct trace_request;
struct vmn_error;

struct trace_endpoints {
    struct endpoint from;       /* It is bound, or outside. */
    struct endpoint to;         /* 'port' is NULL if it is an address, or
                                 * outside. */
    struct packet_ends ends;    /* Addresses, without the destination's MAC,
                                 * which the sender must resolve. */
    struct vmn_ip next_hop;     /* From outside: whose MAC the sender
                                 * resolves. */
};

/* Returns the endpoint at which the packet must arrive, or NULL: any. */
static inline const struct endpoint *
trace_goal(const struct trace_endpoints *who)
{
    return who->to.port || who->to.outside ? &who->to : NULL;
}

/* Finds the endpoints in the model, those that request->rights allow: a
 * sender within their scope, and a receiver that they see; from outside a
 * receiver within it.  A packet from
 * outside has no host yet: trace.c finds who lets it in.  Returns false with
 * '*error', whose pointer is into the body of the request, if they do not
 * exist or have no addresses in common. */
bool trace_endpoints_find(const struct model *, const struct trace_request *,
                          struct trace_endpoints *, struct vmn_error *error);

#endif /* controller/simulator/trace-endpoints.h */
