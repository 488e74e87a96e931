/* SPDX-License-Identifier: Apache-2.0
 *
 * learn() actions that count pairs, and what they learn; see count-pair.h. */

#include <config.h>

#include "controller/flow/count-pair.h"

#include <string.h>

#include "controller/flow/learn-action.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "packets.h"
#include "vmn/flow.h"

/* The learned flow is used by the packets that it counts, so a pair that is
 * silent is forgotten.  It may not outlive its last reading by less than the
 * interval between two of these. */
void
count_pair_put(struct ofpbuf *ofpacts, uint16_t eth_type, bool by_source)
{
    size_t ofs = ofpacts->size;

    learn_action_begin(ofpacts, by_source ? PAIR_TABLE : PAIR_OTHERS_TABLE,
                       VMN_PAIRS_MAX)->idle_timeout = VMN_PAIR_IDLE_S;
    learn_action_match_value(ofpacts, MFF_ETH_TYPE, eth_type);
    learn_action_match_copy(ofpacts, MFF_REG0);
    learn_action_match_copy(ofpacts, MFF_REG7);
    if (by_source) {
        learn_action_match_copy(ofpacts, eth_type == VMN_ETH_IPV6
                                ? MFF_IPV6_SRC : MFF_IPV4_SRC);
    }
    learn_action_end(ofpacts, ofs);
}

bool
counted_pair_parse(const struct match *match, struct counted_pair *pair)
{
    const struct flow *flow = &match->flow;

    memset(pair, 0, sizeof *pair);
    pair->vni = flow->regs[0];
    pair->ofport = flow->regs[7];
    if (flow->dl_type == htons(VMN_ETH_IPV4)) {
        pair->family = 4;
        pair->by_source = match->wc.masks.nw_src != 0;
    } else if (flow->dl_type == htons(VMN_ETH_IPV6)) {
        pair->family = 6;
        pair->by_source = !ipv6_mask_is_any(&match->wc.masks.ipv6_src);
    } else {
        return false;
    }
    if (pair->by_source) {
        bool ipv6 = pair->family == 6;

        pair->src.family = pair->family;
        memcpy(pair->src.addr, (ipv6 ? (const void *) &flow->ipv6_src
                                : (const void *) &flow->nw_src),
               ipv6 ? 16 : 4);
    }
    return pair->vni && pair->ofport;
}
