/* SPDX-License-Identifier: Apache-2.0
 *
 * Which part of its owner's flows a flow belongs to, if the app has set it:
 * stored in a note() action (ovs-actions(7)), which has no effect.  So it is
 * installed on switches, and items need no space for it. */

#ifndef CONTROLLER_FLOW_FLOW_PART_H
#define CONTROLLER_FLOW_FLOW_PART_H 1

#include <stdint.h>

struct flow_item;
struct ofpbuf;

/* Inserts the note of 'part' before the actions in 'ofpacts'. */
void flow_part_put(struct ofpbuf *ofpacts, uint32_t part);
/* Returns the part of a flow, or 0. */
uint32_t flow_part_read(const struct flow_item *);

#endif /* controller/flow/flow-part.h */
