/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts packets by the buckets of groups that they took
 * (vmn_bucket_count_part()).  The hits are added to the same counters as those
 * of flows (counters.h).
 *
 * A switch counts for a group as it is: one that is replaced begins at zero.
 * So a group is read whenever other counters are, and right before it is
 * replaced or withdrawn.  What is requested then is answered before the bundle
 * with the change is carried out.  Not counted is what the switch itself has
 * not yet added to the group then: packets of about the last second. */

#ifndef CONTROLLER_FABRIC_COUNTERS_GROUP_COUNTERS_H
#define CONTROLLER_FABRIC_COUNTERS_GROUP_COUNTERS_H 1

struct fabric_switch;
struct switch_part_class;

extern const struct switch_part_class group_counters_part;

/* Requests the statistics of all groups with counted buckets, unless those
 * requested last are still to come. */
void group_counters_request(struct fabric_switch *);

#endif /* controller/fabric/counters/group-counters.h */
