/* SPDX-License-Identifier: Apache-2.0
 *
 * All services by which a port, a balancer or an address is reached from
 * outside, from a prefix, or from ports, with the policy that lets them in.
 *
 * Where policies, balancers and port forwards tell ports and addresses apart
 * (open-bounds.h) says which ranges of them are alike; one packet of each is
 * simulated.  So the answer is as exact as a trace, and its cost is that of
 * the bounds.  The structs are what GET /v1/open-services answers;
 * northbound/openapi-simulator.c describes them.  What they point to is in the
 * arena that their maker was given. */

#ifndef CONTROLLER_SIMULATOR_OPEN_SERVICES_H
#define CONTROLLER_SIMULATOR_OPEN_SERVICES_H 1

#include <stdbool.h>
#include <stddef.h>

#include "controller/simulator/result-names.h"

struct arena;
struct vmn_error;

/* At most so many packets are simulated, and from so many senders; and so many
 * senders are listed of a service. */
#define OPEN_PACKETS_MAX 4000
#define OPEN_SOURCES_MAX 64
#define OPEN_LISTED_MAX 8

/* Texts are borrowed. */
struct open_request {
    const char *from;           /* TRACE_OUTSIDE, a port's name, an address or
                                 * a prefix outside; NULL: of 'group'. */
    const char *group;          /* From its ports; NULL: of 'from'. */
    const char *to;             /* As in struct trace_request. */
    const char *network;        /* The same. */
};

/* A range of ports, all of which are let in in the same way. */
struct open_service {
    const char *protocol;
    int port, end_port;         /* -1: the protocol has none, or one port. */
    int family;                 /* By IPv4 or IPv6 alone; 0: by all by which
                                 * it can be sent to. */
    const char *verdict;        /* "delivered", "mixed" or "unknown". */
    struct result_owner by;     /* The policy; or the network, whose default
                                 * decides. */
    bool all;                   /* From all senders... */
    size_t n_sources;           /* ...or from these, of which some are named */
    size_t n_listed;
    const char **sources;
};

struct open_services {
    const char *from, *to;
    const char *port;           /* The port that it leads to, or NULL. */
    size_t n_addresses;         /* Those that are sent to. */
    const char **addresses;
    size_t n_services;
    struct open_service *services;
    size_t n_warnings;          /* Families that are left out; the caller adds
                                 * hosts. */
    const char **warnings;
};

/* Returns the services in the model's current state; or NULL with '*error'.
 * Pauses. */
struct open_services *open_services_find(struct engine *,
                                         const struct model *,
                                         const struct pipeline *,
                                         const struct open_request *,
                                         struct arena *,
                                         struct vmn_error *error);

#endif /* controller/simulator/open-services.h */
