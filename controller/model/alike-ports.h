/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports that policies and quarantines do not tell apart, before and after a
 * request: of each such class one port is compared.  Only for
 * loosening.c and loosened-access.c. */

#ifndef CONTROLLER_MODEL_ALIKE_PORTS_H
#define CONTROLLER_MODEL_ALIKE_PORTS_H 1

#include <stddef.h>

#include "openvswitch/shash.h"
#include "svec.h"

struct search;
struct sset;

/* Ports that nothing tells apart, except their addresses. */
struct alike {
    char *key;                  /* Equal for those of two lists that are the
                                 * same ports. */
    struct svec names;          /* Sorted. */
};

/* Ports by what tells them apart, in the order of the first names. */
struct alike_ports {
    size_t n, allocated;
    struct alike **all;
    struct shash by_key;        /* Of struct alike. */
};

/* Classifies the ports that exist before and after the request, until the
 * judge's steps are used up. */
void alike_ports_init(struct alike_ports *, struct search *,
                      const struct sset *members);
void alike_ports_uninit(struct alike_ports *);

#endif /* controller/model/alike-ports.h */
