/* SPDX-License-Identifier: Apache-2.0
 *
 * Samples of packets: copies that switches send (sampling-meters.h), with the
 * names of ports, of the object and its rule, and the reason.  Two rings keep
 * the newest ones: of packets that were dropped, and of the decisions of rules
 * with a log.  The number kept is limited per rule or reason on a host, per
 * host and in total; others are counted.  A repeated packet is counted with
 * the previous one. */

#ifndef CONTROLLER_FABRIC_PACKETS_PACKET_SAMPLING_H
#define CONTROLLER_FABRIC_PACKETS_PACKET_SAMPLING_H 1

#include <stdint.h>

struct fabric;
struct fabric_stats;
struct ofpacket_in;
struct packets_of_switch;

/* Rate in samples per second, and burst: of a rule or reason on a host, of a
 * host, and in total. */
#define SAMPLING_EACH_RATE 10
#define SAMPLING_EACH_BURST 20
#define SAMPLING_HOST_RATE 50
#define SAMPLING_HOST_BURST 100
#define SAMPLING_ALL_RATE 200
#define SAMPLING_ALL_BURST 400

void sampling_create(struct fabric *);
void sampling_destroy(struct fabric *);

/* Handles a copy received from a switch. */
void sampling_receive(struct packets_of_switch *, const struct ofpacket_in *);

/* Returns how many packets were logged for flows with this owner and part,
 * since the start. */
uint64_t sampling_n_logged(const struct fabric *, uint64_t cookie,
                           uint32_t part);

/* Starts that count anew. */
void sampling_forget_logged(const struct fabric *, uint64_t cookie,
                            uint32_t part);

/* Fills in the members about samples. */
void sampling_get_stats(const struct fabric *, struct fabric_stats *);

#endif /* controller/fabric/packets/packet-sampling.h */
