/* SPDX-License-Identifier: Apache-2.0
 *
 * What goes through the ports and the tunnels of hosts. */

#ifndef CONTROLLER_FABRIC_FABRIC_TRAFFIC_H
#define CONTROLLER_FABRIC_FABRIC_TRAFFIC_H 1

#include <stdbool.h>
#include <stdint.h>

struct fabric;

/* What goes through a port; some seconds old, as counters are. */
struct fabric_traffic {
    uint64_t sent_packets, sent_bytes;
    uint64_t received_packets, received_bytes;
    double sent_bytes_per_s, received_bytes_per_s;
};
/* Fills in the traffic of OpenFlow port 'ofport' of 'host', as the VM behind
 * it sees it.  Returns false, with all zero, if nothing is known of it. */
bool fabric_port_traffic(const struct fabric *, const char *host,
                         uint32_t ofport, struct fabric_traffic *);
/* The same of the tunnels of 'host', as the host sees it. */
bool fabric_tunnel_traffic(const struct fabric *, const char *host,
                           struct fabric_traffic *);

#endif /* controller/fabric/fabric-traffic.h */
