/* SPDX-License-Identifier: Apache-2.0
 *
 * Packet sampling: of packets that flows drop, and of those that flows with a
 * log allow.  Such a flow sets registers that identify it, and goes (or
 * resubmits) to SAMPLE_TABLE.  It is the same on every host.  The fabric
 * installs the flows in that table: a few that send samples to the controller,
 * each through a meter, or none on a switch without meters.  A packet that
 * goes there is dropped in the end, one that is resubmitted continues: a
 * sample never changes a verdict.  Not for received samples
 * (fabric/packets/sampling-meters.h). */

#ifndef CONTROLLER_FLOW_SAMPLE_ACTION_H
#define CONTROLLER_FLOW_SAMPLE_ACTION_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ofpbuf;

/* After all stages; the next table is the marker's. */
#define SAMPLE_TABLE 252

/* What a flow sets: its owner's cookie in OpenFlow's metadata, its
 * flow_item_part() in register 14, and in register 15: */
#define SAMPLE_DROP 0x80000000u    /* it drops; */
#define SAMPLE_LOG 0x40000000u     /* it has a log; */
#define SAMPLE_UNCOUNTED 0x20000000u /* the switch does not count its hits:
                                      * each sample is one; */
#define SAMPLE_REASON_MASK 0x0fffffffu  /* of a drop, a hash of the reason. */
#define SAMPLE_PART_REG 14
#define SAMPLE_KIND_REG 15

/* Appends actions to ofpacts that send a packet there: by a goto if 'reason',
 * of a drop, is not NULL, else by a resubmit.  'counted': the switch counts
 * hits. */
void sample_action_put(struct ofpbuf *ofpacts, uint64_t cookie, uint32_t part,
                       const char *reason, bool log, bool counted);

/* Formats the actions of a flow for people: "drop" for a goto there. */
struct ds;
struct ofpact;
void sample_action_format(const struct ofpact *, size_t ofpacts_len,
                          struct ds *);

/* Returns a hash of a drop's reason, within SAMPLE_REASON_MASK. */
uint32_t sample_reason_hash(const char *reason);

#endif /* controller/flow/sample-action.h */
