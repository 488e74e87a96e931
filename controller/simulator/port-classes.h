/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports by what flows make of them.  Two ports are of one kind if they are in
 * one network, have one security identity and, among routers, one gateway, and
 * no flow that matches addresses tells them apart, but those that are there
 * for a port as such.  So what becomes of packets between kinds is what
 * becomes of those of any two ports in them. */

#ifndef CONTROLLER_SIMULATOR_PORT_CLASSES_H
#define CONTROLLER_SIMULATOR_PORT_CLASSES_H 1

#include <stdbool.h>
#include <stddef.h>

#include "controller/simulator/endpoint.h"

struct engine;
struct model;

struct kind {
    const char *network;        /* Borrowed from the model. */
    char *domain;               /* Key of the network's routing domain. */
    char *groups;               /* "a,b", sorted. */
    size_t n, allocated;
    struct place *places;       /* In the order of names. */
    const struct place **by_host; /* The same in that of hosts. */
};

struct kinds {
    size_t n;
    struct kind *kinds;         /* By network, and by the first port's name. */
    size_t n_absent, allocated_absent;
    const char **absent;        /* Ports that are on no host, or disabled. */
};

/* Finds the kinds of the ports of 'network', or of all if that is NULL.
 * Pauses. */
void kinds_find(struct kinds *, struct engine *, const struct model *,
                const char *network);
void kinds_uninit(struct kinds *);

#endif /* controller/simulator/port-classes.h */
