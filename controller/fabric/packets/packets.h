/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets that switches send up, and what apps answer.
 *
 * A packet is taken in as it comes: decoded, held against the limits of its
 * port and of its host, and put aside.  Those put aside are answered after
 * whatever else there is to do in a turn of the loop, for
 * PACKETS_BUDGET_US at most, one host's after another's.  What does not fit
 * is dropped, and counted by reason.
 *
 * Not for what is in a packet (the apps), nor for switches that have no
 * host. */

#ifndef CONTROLLER_FABRIC_PACKETS_PACKETS_H
#define CONTROLLER_FABRIC_PACKETS_PACKETS_H 1

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/ofp-msgs.h"

struct ds;
struct fabric;
struct fabric_options;
struct fabric_stats;
struct fabric_switch;
struct switch_part_class;

extern const struct switch_part_class packets_part;

/* In a turn, in microseconds. */
#define PACKETS_BUDGET_US 2000
/* That are put aside for a host: packets, and bytes of them. */
#define PACKETS_WAITING_MAX 512
#define PACKETS_WAITING_BYTES (1024 * 1024)
/* Bytes that may wait for a switch to read, for another packet to be sent to
 * it. */
#define PACKETS_UNREAD_MAX (1024 * 1024)

void packets_create(struct fabric *, const struct fabric_options *);
/* After the last switch_destroy(). */
void packets_destroy(struct fabric *);

/* Fills in what concerns packets. */
void packets_get_stats(const struct fabric *, struct fabric_stats *);
/* Appends to 'ds' what there is to see: of host 'name' alone, or of all. */
void packets_show(const struct fabric *, const char *name, struct ds *);

/* Has apps say now what they say unasked by the clock: to the ports of host
 * 'name', or of all. */
void packets_timed_now(struct fabric *, const char *name);

#endif /* controller/fabric/packets/packets.h */
