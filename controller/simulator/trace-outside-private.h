/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files on traces from and to outside share; see trace-outside.h.
 * Not for others. */

#ifndef CONTROLLER_SIMULATOR_TRACE_OUTSIDE_PRIVATE_H
#define CONTROLLER_SIMULATOR_TRACE_OUTSIDE_PRIVATE_H 1

#include "controller/schema/error.h"
#include "controller/simulator/trace-endpoints.h"
#include "openvswitch/compiler.h"
#include "vmn/rows.h"

struct svec;

struct outside {
    const struct model *model;
    const struct trace_request *request;
    struct trace_endpoints *who;
    struct vmn_error *error;
};

/* By preference. */
extern const uint8_t outside_families[2];

/* Sets the error that the rows do not tell where the request's "to" is. */
void outside_refuse(const struct outside *, const char *format, ...)
    OVS_PRINTF_FORMAT(2, 3);

/* Returns true if the request may be of this family. */
bool outside_is_family(const struct trace_request *, uint8_t family);

/* Returns network 'name' (NULL: none), if that is a provider network and the
 * one that the request names, or NULL. */
const struct vmn_network *outside_find_provider(const struct outside *,
                                                const char *name);
/* The same for the external network of a router, which may be NULL. */
const struct vmn_network *outside_network_of(const struct outside *,
                                             const struct vmn_router *);

/* Adds to 'routers' the names of those by whose external network packets from
 * and to 'network' go: routers that join it, or else others of its routing
 * domain. */
void outside_add_routers(const struct outside *, const char *network,
                         struct svec *routers);

/* Returns true if who asks may be told of the provider network. */
bool outside_sees(const struct outside *, const struct vmn_network *);

/* trace-outside-destination.c */

/* Finds where a packet from outside is for, and its way in: sets who->to,
 * who->from.outside, who->next_hop and the destination address.  For an
 * account with a scope it is for what is within that, by a floating address
 * that is, too, or by a provider network that the account sees; all else is as
 * if it were not there.  Returns false with search->error. */
bool outside_find_destination(const struct outside *);

#endif /* controller/simulator/trace-outside-private.h */
