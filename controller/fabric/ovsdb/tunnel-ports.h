/* SPDX-License-Identifier: Apache-2.0
 *
 * The tunnel ports of bridges. */

#ifndef CONTROLLER_FABRIC_OVSDB_TUNNEL_PORTS_H
#define CONTROLLER_FABRIC_OVSDB_TUNNEL_PORTS_H 1

#include <stdint.h>

#include "proto/ovsdb/ovsdb.h"

/* The tunnel port of each encapsulation that is in use. */
struct tunnel_port {
    const char *name;
    const char *type;           /* As in its database. */
    uint16_t ofport;
};
extern const struct tunnel_port tunnel_ports[OVSDB_TUNNELS_MAX];

#endif /* controller/fabric/ovsdb/tunnel-ports.h */
