/* SPDX-License-Identifier: Apache-2.0
 *
 * Pairs of a source and a local port, which switches count by themselves.  A
 * flow with vmn_act_count_pair() has a learn() action, which adds a flow to
 * PAIR_TABLE by network, local port and IP source, or to PAIR_OTHERS_TABLE by
 * network and local port.  Its packets make a detour through that table, where
 * the learned flow, which has no actions, counts them.  No other flows are
 * added there.  Not for reading them (fabric/counters/pair-reading.c). */

#ifndef CONTROLLER_FLOW_COUNT_PAIR_H
#define CONTROLLER_FLOW_COUNT_PAIR_H 1

#include <stdbool.h>
#include <stdint.h>

#include "vmn/types.h"

struct match;
struct ofpbuf;

/* After all stages; the next table is that of groups' members.  Sources that
 * are counted together have a table of their own: in the other one each of
 * their addresses would be compared, and be an entry of the datapath's
 * cache. */
#define PAIR_TABLE 244
#define PAIR_OTHERS_TABLE 243

static inline bool
pair_is_table(uint8_t table)
{
    return table == PAIR_TABLE || table == PAIR_OTHERS_TABLE;
}

/* A pair. */
struct counted_pair {
    uint32_t vni;
    uint32_t ofport;            /* The local port that packets go to. */
    uint8_t family;             /* 4 or 6. */
    bool by_source;             /* False: all without a pair of their own. */
    struct vmn_ip src;          /* With 'by_source'. */
};

/* Appends the learn() action to ofpacts, for vmn_act_count_pair(). */
void count_pair_put(struct ofpbuf *ofpacts, uint16_t eth_type, bool by_source);

/* Parses the match of a learned flow; returns false if it is invalid.  All
 * bytes of '*pair' are set: pairs are equal if these are. */
bool counted_pair_parse(const struct match *, struct counted_pair *);

#endif /* controller/flow/count-pair.h */
