/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets of handlers that answer HTTP; see packet-in-http.c. */

#ifndef CONTROLLER_FABRIC_PACKETS_PACKET_IN_HTTP_H
#define CONTROLLER_FABRIC_PACKETS_PACKET_IN_HTTP_H 1

struct fabric;
struct fabric_switch;
struct guest_http_stats;
struct packets_of_switch;
struct waiting_packet;

/* Takes a packet whose handler has VMN_HANDLER_HTTP. */
void packet_in_http_receive(struct packets_of_switch *,
                            const struct waiting_packet *);
/* Forgets the connections of a switch whose master this process is not (any
 * more). */
void packet_in_http_observed(struct fabric_switch *);
/* Ends all connections. */
void packet_in_http_destroy(struct fabric *);
void packet_in_http_get_stats(const struct fabric *,
                              struct guest_http_stats *);

#endif /* controller/fabric/packets/packet-in-http.h */
