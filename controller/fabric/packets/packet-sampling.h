/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies of packets that came up to be sampled (sampling-meters.h), named as
 * users name things: which ports, which object and rule, why.  Two rings keep
 * the newest ones: of packets that were dropped, and of what rules with a log
 * decided.  How many are taken is bounded, for each rule or reason on a host,
 * for each host and in all; the others are counted.  A packet that comes again
 * is counted with the one before. */

#ifndef CONTROLLER_FABRIC_PACKETS_PACKET_SAMPLING_H
#define CONTROLLER_FABRIC_PACKETS_PACKET_SAMPLING_H 1

#include <stdint.h>

struct fabric;
struct fabric_stats;
struct ofpacket_in;
struct packets_of_switch;

/* Samples a second, and at once, of a rule or of a reason on a host, of a
 * host, and of all. */
#define SAMPLING_EACH_RATE 10
#define SAMPLING_EACH_BURST 20
#define SAMPLING_HOST_RATE 50
#define SAMPLING_HOST_BURST 100
#define SAMPLING_ALL_RATE 200
#define SAMPLING_ALL_BURST 400

void sampling_create(struct fabric *);
void sampling_destroy(struct fabric *);

/* A copy has come up from a switch. */
void sampling_receive(struct packets_of_switch *, const struct ofpacket_in *);

/* How many packets that flows with this owner and part decided were logged,
 * since the start. */
uint64_t sampling_n_logged(const struct fabric *, uint64_t cookie,
                           uint32_t part);

/* Fills in what concerns samples. */
void sampling_get_stats(const struct fabric *, struct fabric_stats *);

#endif /* controller/fabric/packets/packet-sampling.h */
