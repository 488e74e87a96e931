/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of packet handlers for ports that have come to a host or have other
 * addresses (VMN_HANDLER_ARRIVALS), and of those with an interval for ports
 * of which something has changed.  Not for periodic ones
 * (packet-in-timers.c). */

#ifndef CONTROLLER_FABRIC_PACKETS_ARRIVED_PORTS_H
#define CONTROLLER_FABRIC_PACKETS_ARRIVED_PORTS_H 1

#include <stdint.h>

struct fabric;
struct fabric_switch;
struct packets_of_switch;

/* Notes which ports the group of revisions that was just sent to hosts has
 * bound to other hosts than before, or changed.  Called by the fabric for
 * each. */
void arrived_ports_group(struct fabric *);
/* The switch is live: calls begin for ports that changed while it was
 * offline, or shortly before vmnd started. */
void arrived_ports_live(struct fabric_switch *);
/* Begins with the calls for those that have come to this host: its switch has
 * acknowledged flows.  Returns when the next ones are due, of time_msec(), or
 * INT64_MAX. */
int64_t arrived_ports_installed(struct packets_of_switch *);
/* Makes calls that are due; returns the same. */
int64_t arrived_ports_tick(struct packets_of_switch *, int64_t now_ms);
void arrived_ports_forget(struct packets_of_switch *);

#endif /* controller/fabric/packets/arrived-ports.h */
