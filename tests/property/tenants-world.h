/* SPDX-License-Identifier: Apache-2.0
 *
 * What test-tenants.c has a request change, or not: the model with its
 * engine, and what was measured of them.  Not for what may change. */

#ifndef TESTS_PROPERTY_TENANTS_WORLD_H
#define TESTS_PROPERTY_TENANTS_WORLD_H 1

#include <stdbool.h>
#include <stdint.h>

#include "tests/property/tenants-random.h"
#include "vmn/rows.h"

#define ALL_PORTS (N_OWNERS * N_PORTS)
#define ALL_NETWORKS (N_OWNERS * N_NETWORKS)
#define ALL_ROUTERS (N_OWNERS * N_ROUTERS)
#define ALL_MIRRORS (N_OWNERS * N_OBJECTS)
#define N_KINDS 2               /* Packets: to TCP ports 80 and 443. */

struct apphost;

struct world {
    struct apphost *apphost;
    struct model *model;
    struct engine *engine;
    /* Where packets end up, as a number; 0: nowhere.  By sender, receiver (the
     * last one: nobody), kind, and the router that the sender gives it to (the
     * first one: none). */
    uint32_t ends[ALL_PORTS][ALL_PORTS + 1][N_KINDS][1 + ALL_ROUTERS];
    /* Bits of ports: those that a mirror copies, and that get its copies. */
    uint32_t mirrored[ALL_MIRRORS], copied_to[ALL_MIRRORS];
    enum vmn_isolation isolation[ALL_PORTS];
    /* Hashes of what a port says besides: its community, its host, and that
     * to which it migrates. */
    uint32_t community[ALL_PORTS], host[ALL_PORTS], to[ALL_PORTS];
    /* Sums of the flows by which a port's packets meet limits, by which a
     * network is snooped, and by which what its ports get is counted. */
    uint64_t limits[ALL_PORTS];
    uint64_t snooped[ALL_NETWORKS][N_HOSTS], counted[ALL_NETWORKS][N_HOSTS];
    bool is_there[ALL_NETWORKS][N_HOSTS]; /* A port of the network. */
    unsigned n_granted, n_refused, n_compared;
    unsigned n_drafted;         /* Of those granted; and those that others */
    unsigned n_seen, n_hidden;  /* wrote, which a tenant sees, or not. */
    unsigned n_limited, n_snooped, n_counted; /* Ports, networks: looked at. */
};

/* Compiles what there is now, and sends all packets. */
void world_measure(struct world *);

/* Objects by their numbers; NULL: there is none. */
const struct vmn_port *world_port(const struct world *, unsigned i);
const struct vmn_network *world_network(const struct world *, unsigned i);
const struct vmn_router *world_router(const struct world *, unsigned i);

/* Returns a hash of a text, or of NULL. */
uint32_t world_hash(const char *text, uint32_t basis);

#endif /* tests/property/tenants-world.h */
