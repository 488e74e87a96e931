/* SPDX-License-Identifier: Apache-2.0
 *
 * Packet-ins of switches, and apps' replies.
 *
 * A packet is decoded when it is received, checked against the limits of its
 * port and of its host, and queued.  Queued packets are handled after all
 * other work in an iteration of the loop, for PACKETS_BUDGET_US at most, the
 * hosts taking turns.  What does not fit is dropped and counted by reason.
 * Not for the contents of packets (the apps), nor for switches that have no
 * host. */

#ifndef CONTROLLER_FABRIC_PACKETS_PACKET_IN_QUEUE_H
#define CONTROLLER_FABRIC_PACKETS_PACKET_IN_QUEUE_H 1

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/ofp-msgs.h"

struct ds;
struct fabric;
struct fabric_options;
struct fabric_stats;
struct fabric_switch;
struct leases_told;
struct switch_part_class;

extern const struct switch_part_class packets_part;

/* Per iteration of the loop, in microseconds. */
#define PACKETS_BUDGET_US 2000
/* Limits of a host's queue: packets, and their bytes. */
#define PACKETS_WAITING_MAX 512
#define PACKETS_WAITING_BYTES (1024 * 1024)
/* Maximum number of bytes waiting to be sent to a switch, beside its bundles,
 * for another packet to be sent to it.  Bundles have a limit of their own
 * (max_bytes of struct fabric_options): behind a large change of one app the
 * answers of others come later, and are not dropped. */
#define PACKETS_UNREAD_MAX (1024 * 1024)

void packets_create(struct fabric *, const struct fabric_options *);
/* Apps, and with them handlers, have come or gone. */
void packets_apps_changed(struct fabric *);
/* Must be called after the last switch_destroy(). */
void packets_destroy(struct fabric *);
/* Returns what guests were given by DHCP (leases-told.h). */
const struct leases_told *packets_leases(const struct fabric *);

/* Fills in the members about packets. */
void packets_get_stats(const struct fabric *, struct fabric_stats *);
/* Appends the statistics to 'ds': of host 'name' only, or of all if that is
 * NULL. */
void packets_show(const struct fabric *, const char *name, struct ds *);

/* Calls timed handlers now: for the ports of host 'name', or of all. */
void packet_in_timers_now(struct fabric *, const char *name);

#endif /* controller/fabric/packets/packet-in-queue.h */
