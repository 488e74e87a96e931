/* SPDX-License-Identifier: Apache-2.0
 *
 * learn() actions that remember members of groups; see learn-member.h. */

#include <config.h>

#include "controller/flow/learn-member.h"

#include "controller/flow/learn-action.h"
#include "openvswitch/ofp-actions.h"

/* Fields of the network, of the member, of the list of sources, of the value,
 * and of the result. */
#define NETWORK MFF_REG0
#define MEMBER MFF_REG12
#define LIST MFF_REG13
#define VALUE MFF_REG11
#define RESULT MFF_REG10

/* Of flows that match, the one of any group comes first, and then that of a
 * source. */
enum { PRIORITY_GROUP = 1, PRIORITY_SOURCE, PRIORITY_ALL };

/* Learning again restarts the hard timeout, whether the value changes or not;
 * packets for the group do not. */
void
learn_member_put(struct ofpbuf *ofpacts, uint16_t app,
                 const struct vmn_member *member, bool by_source)
{
    bool is_v6 = member->eth_type == VMN_ETH_IPV6;
    size_t ofs = ofpacts->size;
    struct ofpact_learn *learn = learn_action_begin(ofpacts, MEMBER_TABLE,
                                                    member->limit);

    learn->hard_timeout = member->hard_s;
    learn->priority = (by_source ? PRIORITY_SOURCE
                       : member->eth_type ? PRIORITY_GROUP : PRIORITY_ALL);
    learn->flags |= NX_LEARN_F_WRITE_RESULT;
    learn->result_dst.field = mf_from_id(RESULT);
    learn->result_dst.ofs = 0;
    learn->result_dst.n_bits = 1;
    learn_action_match_app(ofpacts, app);
    if (member->eth_type) {
        learn_action_match_value(ofpacts, MFF_ETH_TYPE, member->eth_type);
    }
    learn_action_match_copy(ofpacts, NETWORK);
    learn_action_match_copy(ofpacts, MEMBER);
    if (by_source) {
        learn_action_match_copy(ofpacts, LIST);
        learn_action_match_copy(ofpacts,
                                is_v6 ? MFF_IPV6_SRC : MFF_IPV4_SRC);
    }
    if (member->eth_type) {
        learn_action_match_copy(ofpacts,
                                is_v6 ? MFF_IPV6_DST : MFF_IPV4_DST);
    }
    learn_action_load(ofpacts, VALUE, MFF_REG0 + (member->from - VMN_F_REG0));
    learn_action_end(ofpacts, ofs);
}
