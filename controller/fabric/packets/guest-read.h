/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads where guests run of which a switch knows already: they were announced
 * on it while its packets were heard by nobody (vmnd was not there, or not
 * connected).  For the guests of ports whose candidate the host is, as soon as
 * the switch is live.  Those that announce themselves later are heard
 * (packet-in-handling.c). */

#ifndef CONTROLLER_FABRIC_PACKETS_GUEST_READ_H
#define CONTROLLER_FABRIC_PACKETS_GUEST_READ_H 1

struct fabric;
struct switch_part_class;

extern const struct switch_part_class guest_read_part;

/* Reads it of all switches that are connected: what they have said was another
 * member's. */
void guest_read_all(struct fabric *);

#endif /* controller/fabric/packets/guest-read.h */
