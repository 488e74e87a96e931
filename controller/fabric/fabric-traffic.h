/* SPDX-License-Identifier: Apache-2.0
 *
 * Traffic of the ports and the tunnels of hosts. */

#ifndef CONTROLLER_FABRIC_FABRIC_TRAFFIC_H
#define CONTROLLER_FABRIC_FABRIC_TRAFFIC_H 1

#include <stdbool.h>
#include <stdint.h>

struct fabric;

/* Traffic of a port; some seconds old, as counters are. */
struct fabric_traffic {
    uint64_t sent_packets, sent_bytes;
    uint64_t received_packets, received_bytes;
    double sent_bytes_per_s, received_bytes_per_s;
};
/* Fills in the traffic of OpenFlow port 'ofport' of 'host', from the VM's
 * view.  Returns false, with all members zero, if nothing is known of it. */
bool fabric_port_traffic(const struct fabric *, const char *host,
                         uint32_t ofport, struct fabric_traffic *);
/* The same for the tunnels of 'host', from the host's view. */
bool fabric_tunnel_traffic(const struct fabric *, const char *host,
                           struct fabric_traffic *);

#endif /* controller/fabric/fabric-traffic.h */
