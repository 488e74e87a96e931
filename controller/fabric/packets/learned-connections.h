/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the connections that switches have learned
 * (controller/flow/learn-connection.h): one request to each of some hosts.
 * The results are passed on and not kept.  Not for rule recommendations made
 * from them (recommend/). */

#ifndef CONTROLLER_FABRIC_PACKETS_LEARNED_CONNECTIONS_H
#define CONTROLLER_FABRIC_PACKETS_LEARNED_CONNECTIONS_H 1

struct switch_part_class;

extern const struct switch_part_class learned_connections_part;

#endif /* controller/fabric/packets/learned-connections.h */
