/* SPDX-License-Identifier: Apache-2.0
 *
 * Gateways of routers and their next hops, as the API shows them.  For the
 * files of this folder alone. */

#ifndef CONTROLLER_NORTHBOUND_ROUTER_STATUS_H
#define CONTROLLER_NORTHBOUND_ROUTER_STATUS_H 1

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct model_rights;
struct model_warnings;
struct nb_status_query;
struct northbound;
struct status_router;
struct trace;
struct vmn_router;
struct vmn_row;

/* router-status.c */
/* Returns the host that is the router's gateway, which the caller frees, or
 * NULL. */
char *nb_active_gateway(const struct northbound *, const char *router);
/* Fills in the gateways of a router, in 'arena' or borrowed, as the client
 * with 'rights' (NULL: all) may see them; nothing if it has no external
 * network. */
void nb_fill_gateways(const struct northbound *, const struct model_rights *,
                      const struct vmn_router *, struct arena *arena,
                      struct status_router *);
struct nb_gateway_counts {
    size_t n;                   /* Hosts that it lists; 0: it needs none. */
    size_t n_standby;           /* Hosts that can take over. */
    bool active;                /* One of them is the gateway. */
};
void nb_count_gateways(const struct northbound *, const struct vmn_router *,
                       struct nb_gateway_counts *);
/* Return true if the router needs a gateway and none is active; and if it
 * lists several, one is active and no other could stand in. */
bool nb_lacks_gateway(const struct nb_gateway_counts *);
bool nb_lacks_standby(const struct nb_gateway_counts *);
/* Warns if none is the gateway, of what is lost with it; and if the gateway
 * has a next hop that does not answer. */
void nb_warn_of_router(const struct northbound *, const struct vmn_router *,
                       struct model_warnings *);
/* Fills in the struct status_router 'status'.  Returns true. */
bool nb_fill_router(const struct nb_status_query *, const struct vmn_row *,
                    void *status);

/* unanswered-neighbours.c */
/* Returns, in 'arena', that the neighbour to whom 'host' sends the packet of
 * the trace, on a physical network, does not answer; NULL if nothing is known
 * of that, or it sends it to none. */
const char *nb_describe_unanswered(const struct northbound *,
                                   const struct trace *, const char *host,
                                   struct arena *);
/* Warns of next hops that do not answer the router's active gateway. */
void nb_warn_of_next_hops(const struct northbound *,
                          const struct vmn_router *,
                          struct model_warnings *);

#endif /* controller/northbound/router-status.h */
