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

struct engine;
struct model;

struct endpoint {
    const struct vmn_port *port; /* NULL: it is none. */
    const char *host;           /* NULL: not bound. */
    uint32_t ofport;            /* 0: not bound. */
    const struct vmn_network *outside; /* It is whoever is outside, by this
                                        * provider network; its packets come in
                                        * at 'ofport' of 'host'; or NULL. */
};

/* Finds the binding of port 'name'.  Returns false if there is no such
 * port. */
bool endpoint_find(const struct model *, const char *name, struct endpoint *);

/* Returns the number of the port of 'host' that leads to physical network
 * 'physical', or 0. */
uint32_t provider_ofport_of(const struct model *, const char *host,
                            const char *physical);

/* Returns the VIF that leads to a physical network, if it has number 'ofport'
 * on 'host'; or NULL. */
const struct vmn_vif *provider_vif_at(const struct model *, const char *host,
                                      uint32_t ofport);

/* Returns true if the port is quarantined, by its row or another. */
bool port_is_quarantined(struct engine *, const struct vmn_port *);

/* Returns the endpoint's first address of 'family', or NULL. */
const struct vmn_ip *endpoint_ip(const struct endpoint *, uint8_t family);

/* Returns true if a guest sends what is for 'ip' to all or to a group: a
 * multicast address, 255.255.255.255, or the last address of a subnet of
 * IPv4. */
bool endpoint_is_group(const struct model *, const struct endpoint *,
                       const struct vmn_ip *ip);

/* Returns the address that a guest resolves to reach 'ip': 'ip' itself, or its
 * subnet's gateway.  Returns NULL if it has neither. */
const struct vmn_ip *endpoint_next_hop(const struct model *,
                                       const struct endpoint *,
                                       const struct vmn_ip *ip);

/* The next hop of a guest's packets for 'ip', once its neighbours are
 * resolved. */
enum next_hop_kind {
    NEXT_ON_LINK,               /* 'ip' itself. */
    NEXT_ROUTER,                /* A router, whose MAC is set in '*mac'. */
    NEXT_NONE,                  /* None: it has no gateway, or nobody has that
                                 * address. */
};
enum next_hop_kind endpoint_next_router(const struct model *,
                                        const struct endpoint *,
                                        const struct vmn_ip *ip,
                                        struct vmn_mac *mac);

/* Returns the endpoint's gateway address of 'family', or NULL. */
const struct vmn_ip *endpoint_gateway(const struct model *,
                                      const struct endpoint *, uint8_t family);

#endif /* controller/simulator/endpoint.h */
