/* SPDX-License-Identifier: Apache-2.0
 *
 * Part of a host's status that comes from its ports; see fabric-status.h for
 * the status of ports. */

#ifndef CONTROLLER_FABRIC_OVSDB_PORT_STATUS_H
#define CONTROLLER_FABRIC_OVSDB_PORT_STATUS_H 1

struct arena;
struct fabric;
struct vmn_port;

/* Returns why 'port' on 'host' cannot be reached from its provider network, as
 * a sentence in 'arena'; or NULL. */
const char *port_provider_reason(const struct fabric *, const char *host,
                                 const struct vmn_port *port,
                                 struct arena *arena);

#endif /* controller/fabric/ovsdb/port-status.h */
