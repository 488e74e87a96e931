/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose the ends of a pair are: the port at a local OpenFlow port, and the one
 * that has an address in a routing domain.  Each pair of each switch is looked
 * up again and again, so what takes a search is kept: the ports of a host for
 * one reading, and the subnets of a domain for a second.  Reads the model.
 * Not for what is counted (pair-reading.c). */

#ifndef CONTROLLER_FABRIC_COUNTERS_PAIR_NAMES_H
#define CONTROLLER_FABRIC_COUNTERS_PAIR_NAMES_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/hmap.h"

struct model;
struct vmn_ip;

/* A port on a host. */
struct pair_port {
    uint32_t ofport;
    uint32_t vni;               /* Of its network. */
    char *name, *network;       /* Owned. */
    int64_t created_ms;         /* Of the port. */
};

/* Those of a host that have an OpenFlow port, as of 'revision'. */
struct host_ports {
    uint64_t revision;          /* Durable; 0: none was read. */
    size_t n, allocated;
    struct pair_port *ports;    /* By 'ofport'. */
};

void host_ports_init(struct host_ports *);
void host_ports_uninit(struct host_ports *);
/* Reads those of 'host', unless they are as of this revision. */
void host_ports_read(struct host_ports *, const struct model *,
                     const char *host);
/* Returns the port at 'ofport', or NULL.  Valid until the next reading. */
const struct pair_port *host_ports_find(const struct host_ports *,
                                        uint32_t ofport);

/* Subnets of routing domains, of all fabric. */
struct pair_domains {
    struct hmap networks;       /* struct member, by the network's name. */
    uint64_t revision;          /* Durable, when the first was read. */
    int64_t read_ms;            /* time_msec() then. */
};

void pair_domains_init(struct pair_domains *);
void pair_domains_uninit(struct pair_domains *);
/* Returns the port that has 'ip' in 'network', or in a network that routers
 * join to it, and when it was created; or NULL.  Of a domain of more than
 * PAIR_NETWORKS_MAX networks some are not looked into.  Valid until the model
 * changes. */
#define PAIR_NETWORKS_MAX 4096
const char *pair_domains_find(struct pair_domains *, const struct model *,
                              const char *network, const struct vmn_ip *ip,
                              int64_t *created_ms);

/* Returns the host that 'port' is bound to, or NULL.  As above. */
const char *pair_host_of(const struct model *, const char *port);

#endif /* controller/fabric/counters/pair-names.h */
