/* SPDX-License-Identifier: Apache-2.0
 *
 * learn() actions that remember holders of addresses; see learn-holder.h. */

#include <config.h>

#include "controller/flow/learn-holder.h"

#include "controller/flow/learn-action.h"
#include "openvswitch/ofp-actions.h"
#include "vmn/flow.h"

/* Fields of the network, of the address, of what is found, and of whether it
 * is learned. */
#define NETWORK MFF_REG0
#define ADDRESS MFF_XXREG3
#define FOUND MFF_REG11
#define RESULT MFF_REG10

/* An address has a flow for each of both, so twice the limit of flows is
 * learned: never one without the other.  Both have the same hard timeout,
 * which learning again restarts; lookups do not. */
static struct ofpact_learn *
put_flow(struct ofpbuf *ofpacts, uint16_t priority, uint32_t limit)
{
    struct ofpact_learn *learn = learn_action_begin(ofpacts, HOLDER_TABLE,
                                                    2 * limit);

    learn->hard_timeout = VMN_HOLDER_AGE_S;
    learn->priority = priority;
    learn->flags |= NX_LEARN_F_WRITE_RESULT;
    learn->result_dst.field = mf_from_id(RESULT);
    learn->result_dst.ofs = 0;
    learn->result_dst.n_bits = 1;
    return learn;
}

void
learn_holder_put(struct ofpbuf *ofpacts, uint16_t app, uint32_t limit)
{
    for (uint16_t found = VMN_HOLDER_OTHER; found <= VMN_HOLDER_SENDER;
         found++) {
        size_t ofs = ofpacts->size;

        put_flow(ofpacts, found, limit);
        learn_action_match_app(ofpacts, app);
        learn_action_match_copy(ofpacts, NETWORK);
        learn_action_match_copy(ofpacts, ADDRESS);
        if (found == VMN_HOLDER_SENDER) {
            learn_action_match_copy(ofpacts, MFF_ETH_SRC);
        }
        learn_action_load_value(ofpacts, FOUND, found);
        learn_action_end(ofpacts, ofs);
    }
}
