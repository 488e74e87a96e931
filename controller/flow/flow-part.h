/* SPDX-License-Identifier: Apache-2.0
 *
 * Which part of its owner's flows a flow belongs to, if the app has set it:
 * stored in a note() action (ovs-actions(7)), which has no effect.  So it is
 * installed on switches, and items need no space for it. */

#ifndef CONTROLLER_FLOW_FLOW_PART_H
#define CONTROLLER_FLOW_FLOW_PART_H 1

#include <stddef.h>
#include <stdint.h>

struct flow_item;
struct ofpbuf;

/* Inserts the note of 'part' before the actions in 'ofpacts'. */
void flow_part_put(struct ofpbuf *ofpacts, uint32_t part);
/* Returns the part of a flow, or 0. */
uint32_t flow_part_read(const struct flow_item *);
/* Stores the parts of a group's first 'max' buckets (0: none), in their order,
 * and returns how many these are.  In a bucket, which is an action set, a note
 * is nothing that a switch executes. */
size_t flow_part_read_buckets(const struct flow_item *, uint32_t *parts,
                              size_t max);

#endif /* controller/flow/flow-part.h */
