/* SPDX-License-Identifier: Apache-2.0
 *
 * Traces from and to whoever is outside: by which provider network the packet
 * comes in or leaves, from or to which address, and whom the sender outside
 * asks for its way.  What cannot be told from the rows is refused, not
 * guessed.  For trace-endpoints.c and trace.c. */

#ifndef CONTROLLER_SIMULATOR_TRACE_OUTSIDE_H
#define CONTROLLER_SIMULATOR_TRACE_OUTSIDE_H 1

#include <stdbool.h>

#include "controller/simulator/trace-endpoints.h"

/* The name in requests of who is outside, unless a port has it. */
#define TRACE_OUTSIDE "outside"

/* The MAC address of who is outside, which nobody here has: one for
 * documentation (RFC 7042, section 2.1.2). */
extern const struct vmn_mac trace_outside_mac;

/* Checks member "network" of the request; 'outside' is whether one of the ends
 * is.  Returns false with '*error'. */
bool trace_outside_check(const struct model *, const struct trace_request *,
                         bool outside, struct vmn_error *error);

/* Finds both endpoints of a packet from outside: who->from, without a host;
 * who->to; addresses; and who->next_hop.  Returns false with '*error'. */
bool trace_from_outside(const struct model *, const struct trace_request *,
                        struct trace_endpoints *who, struct vmn_error *error);

/* Finds where outside who->from sends to: sets who->to and the destination
 * address, which is that of the network's gateway.  Returns false with
 * '*error'. */
bool trace_to_outside(const struct model *, const struct trace_request *,
                      struct trace_endpoints *who, struct vmn_error *error);

#endif /* controller/simulator/trace-outside.h */
