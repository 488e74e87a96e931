/* SPDX-License-Identifier: Apache-2.0
 *
 * Flushes conntrack entries on switches: implements fabric-flush.h, with
 * queues and a rate.  A request is kept once, for all of its hosts.  A switch
 * is sent some requests at a time, between two barriers: for each of them it
 * walks through all of its connections, in the thread that also processes flow
 * mods.  So the next ones wait for the last barrier's reply and then for as
 * long as the switch has worked, and their number depends on that. */

#ifndef CONTROLLER_FABRIC_SESSION_CONNTRACK_FLUSH_H
#define CONTROLLER_FABRIC_SESSION_CONNTRACK_FLUSH_H 1

struct fabric;
struct switch_part_class;

extern const struct switch_part_class conntrack_flush_part;

void conntrack_flush_create(struct fabric *);
/* Must be called after the last switch_destroy(). */
void conntrack_flush_destroy(struct fabric *);

/* Called when switch_acked() of some host may have changed. */
void conntrack_flush_acked(struct fabric *);

#endif /* controller/fabric/session/conntrack-flush.h */
