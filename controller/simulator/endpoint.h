/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a packet may come from or go to: a port with its host, its number and
 * its addresses; and what a guest there finds out before it sends. */

#ifndef CONTROLLER_SIMULATOR_ENDPOINT_H
#define CONTROLLER_SIMULATOR_ENDPOINT_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/simulator/guest-packet.h"
#include "controller/simulator/simulator.h"
#include "vmn/rows.h"

struct model;

struct endpoint {
    const struct vmn_port *port;
    const char *host;           /* NULL: nowhere. */
    uint32_t ofport;            /* 0: nowhere. */
};

/* Finds where port 'name' is; false if there is no such port. */
bool endpoint_find(const struct model *, const char *name, struct endpoint *);

/* Returns the VIF that leads to a physical network, if it has number 'ofport'
 * on 'host'; or NULL. */
const struct vmn_vif *provider_vif_at(const struct model *, const char *host,
                                      uint32_t ofport);

/* Returns the endpoint's first address of 'family', or NULL. */
const struct vmn_ip *endpoint_ip(const struct endpoint *, uint8_t family);

/* Returns the address that a guest resolves to reach 'ip': 'ip' itself, or its
 * subnet's gateway.  NULL if it knows neither. */
const struct vmn_ip *endpoint_next_hop(const struct model *,
                                       const struct endpoint *,
                                       const struct vmn_ip *ip);

/* How a guest sends what is for 'ip', once its neighbours have told it what
 * they are asked. */
enum next_hop_kind {
    NEXT_ON_LINK,               /* To 'ip' itself. */
    NEXT_ROUTER,                /* To its gateway, whose MAC '*mac' gets. */
    NEXT_NONE,                  /* It has no gateway, or that is nobody's. */
};
enum next_hop_kind endpoint_next_router(const struct model *,
                                        const struct endpoint *,
                                        const struct vmn_ip *ip,
                                        struct vmn_mac *mac);

/* Returns the address of the gateway that it has for 'family', or NULL. */
const struct vmn_ip *endpoint_gateway(const struct model *,
                                      const struct endpoint *, uint8_t family);

#endif /* controller/simulator/endpoint.h */
