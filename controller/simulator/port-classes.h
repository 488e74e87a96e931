/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports by what flows make of them.  Two ports are of one class if they are in
 * one network, have one security identity and, among routers, one gateway, and
 * no flow that matches addresses tells them apart, but those that are there
 * for a port as such.  So what becomes of packets between classes is what
 * becomes of those of any two ports in them. */

#ifndef CONTROLLER_SIMULATOR_PORT_CLASSES_H
#define CONTROLLER_SIMULATOR_PORT_CLASSES_H 1

#include <stdbool.h>
#include <stddef.h>

#include "controller/simulator/endpoint.h"

struct engine;
struct model;

struct port_class {
    const char *network;        /* Borrowed from the model. */
    char *domain;               /* Key of the network's routing domain. */
    char *groups;               /* All that its ports are in: "a,b", sorted. */
    size_t n, allocated;
    struct endpoint *endpoints; /* In the order of names. */
    const struct endpoint **by_host; /* The same in that of hosts. */
};

struct port_classes {
    size_t n;
    struct port_class *classes; /* By network, and by the first port's name. */
    size_t n_absent, allocated_absent;
    const char **absent;        /* Ports that are on no host, or on one with a
                                 * problem, or disabled. */
};

/* Finds the classes of the ports of 'network', or of all if that is NULL.
 * Without 'underlay' (NULL) no host has a problem.  Pauses. */
void port_classes_find(struct port_classes *, struct engine *,
                       const struct model *, const char *network,
                       const struct sim_underlay *underlay);
void port_classes_uninit(struct port_classes *);

#endif /* controller/simulator/port-classes.h */
