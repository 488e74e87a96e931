/* SPDX-License-Identifier: Apache-2.0
 *
 * learn() actions for Ethernet addresses; see learn-mac.h. */

#include <config.h>

#include "controller/flow/learn-mac.h"

#include "controller/flow/learn-action.h"
#include "openvswitch/ofp-actions.h"
#include "vmn/flow.h"

/* A packet from an address learns it again, which restarts the flow's hard
 * timeout; an address that only receives is forgotten. */
void
learn_mac_put(struct ofpbuf *ofpacts, uint16_t app, uint32_t value)
{
    size_t ofs = ofpacts->size;

    learn_action_begin(ofpacts, MAC_TABLE, VMN_MACS_MAX)->hard_timeout
        = VMN_MAC_AGE_S;
    learn_action_match_app(ofpacts, app);
    learn_action_match_copy(ofpacts, MFF_REG0);
    learn_action_match_other(ofpacts, MFF_ETH_DST, MFF_ETH_SRC);
    learn_action_load_value(ofpacts, MFF_REG11, value);
    learn_action_end(ofpacts, ofs);
}
