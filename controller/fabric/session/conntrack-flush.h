/* SPDX-License-Identifier: Apache-2.0
 *
 * Has switches forget connections: fabric_flush() of fabric.h, its queues, and
 * how fast they go out.
 *
 * What is asked for is kept once, for all of its hosts.  A switch is told some
 * at a time, between two barriers: for each of them it looks at all of its
 * connections, in the thread in which it takes flows as well.  So the next
 * ones wait for the last barrier's answer and for as long again as it has
 * worked, and their number follows from that. */

#ifndef CONTROLLER_FABRIC_SESSION_CONNTRACK_FLUSH_H
#define CONTROLLER_FABRIC_SESSION_CONNTRACK_FLUSH_H 1

struct fabric;
struct switch_part_class;

extern const struct switch_part_class conntrack_flush_part;

void conntrack_flush_create(struct fabric *);
/* After the last switch_destroy(). */
void conntrack_flush_destroy(struct fabric *);

/* switch_acked() of some host may have changed. */
void conntrack_flush_acked(struct fabric *);

#endif /* controller/fabric/session/conntrack-flush.h */
