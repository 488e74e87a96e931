/* SPDX-License-Identifier: Apache-2.0
 *
 * What the status of a host takes from those of its ports; see
 * fabric-status.h for the latter. */

#ifndef CONTROLLER_FABRIC_OVSDB_PORT_STATUS_H
#define CONTROLLER_FABRIC_OVSDB_PORT_STATUS_H 1

struct arena;
struct fabric;
struct vmn_port;

/* Returns why 'port' cannot be reached on 'host' by its provider network, as a
 * sentence in 'arena'; or NULL. */
const char *port_provider_reason(const struct fabric *, const char *host,
                                 const struct vmn_port *port,
                                 struct arena *arena);

#endif /* controller/fabric/ovsdb/port-status.h */
