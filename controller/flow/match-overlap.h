/* SPDX-License-Identifier: Apache-2.0
 *
 * Two flows of one table and priority: may one packet match both, which, and
 * would it make a difference?  Not for where to look (engine-problems.c). */

#ifndef CONTROLLER_FLOW_MATCH_OVERLAP_H
#define CONTROLLER_FLOW_MATCH_OVERLAP_H 1

#include <stdbool.h>
#include <stdint.h>

struct flow_item;
struct match;

/* Returns a hash of the fields and masks that a flow matches, and of the
 * values of Ethernet type and IP protocol, which are handed out too (0: not
 * matched).  Two flows of one table, priority and shape never overlap. */
uint64_t match_shape_of_item(const struct flow_item *, uint16_t *eth_type,
                             uint8_t *ip_proto);

/* Returns true if no packet matches both; found by their bytes, and quickly.
 * False says nothing. */
bool match_is_disjoint(const struct flow_item *,
                       const struct flow_item *);

/* Decodes the match of a flow. */
void flow_item_decode_match(const struct flow_item *, struct match *);

/* Returns true if some packet matches both 'a' and 'b', and in 'both' what all
 * such packets match. */
bool match_intersect(const struct match *a, const struct match *b,
                     struct match *both);

/* Returns one packet of those that 'match' matches, in the form of ovs-ofctl:
 * fields that it leaves open do not show.  The caller frees it. */
char *match_example_packet(const struct match *);

/* Returns true if both flows do the same. */
bool flow_item_same_actions(const struct flow_item *,
                            const struct flow_item *);

#endif /* controller/flow/match-overlap.h */
