/* SPDX-License-Identifier: Apache-2.0
 *
 * Overlaps of two flows of one table and priority: whether one packet may
 * match both, which one, and whether it makes a difference.  Not for finding
 * candidates (engine-problems.c). */

#ifndef CONTROLLER_FLOW_MATCH_OVERLAP_H
#define CONTROLLER_FLOW_MATCH_OVERLAP_H 1

#include <stdbool.h>
#include <stdint.h>

struct flow_item;
struct match;

/* Returns a hash of the fields and masks that a flow matches, and of the
 * values of Ethernet type and IP protocol, which are also returned (0: not
 * matched).  Two flows of one table, priority and shape never overlap. */
uint64_t match_shape_of_item(const struct flow_item *, uint16_t *eth_type,
                             uint8_t *ip_proto);

/* Returns true if no packet matches both, by a fast comparison of their bytes.
 * False is inconclusive. */
bool match_is_disjoint(const struct flow_item *,
                       const struct flow_item *);

/* Decodes the match of a flow. */
void flow_item_decode_match(const struct flow_item *, struct match *);

/* Returns true if some packet matches both 'a' and 'b', and sets 'both' to
 * what all such packets match. */
bool match_intersect(const struct match *a, const struct match *b,
                     struct match *both);

/* Returns an example of the packets that 'match' matches, as ovs-ofctl formats
 * it: wildcarded fields are omitted.  The caller frees it. */
char *match_example_packet(const struct match *);

/* Returns true if both flows have the same effect. */
bool flow_item_same_actions(const struct flow_item *,
                            const struct flow_item *);

#endif /* controller/flow/match-overlap.h */
