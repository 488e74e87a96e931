/* SPDX-License-Identifier: Apache-2.0
 *
 * learn() actions that hear neighbours; see neighbour.h. */

#include <config.h>

#include "controller/engine/neighbour.h"

#include "controller/engine/learn.h"
#include "openvswitch/ofp-actions.h"

/* Where a packet says an address, and the Ethernet address that goes with it. */
static const struct {
    enum mf_field_id ip, mac;
} said[] = {
    [VMN_NEIGHBOUR_ARP] = { MFF_ARP_SPA, MFF_ARP_SHA },
    [VMN_NEIGHBOUR_ADVERT] = { MFF_ND_TARGET, MFF_ND_TLL },
    [VMN_NEIGHBOUR_SOLICIT] = { MFF_IPV6_SRC, MFF_ND_SLL },
};

void
neighbour_put_learn(struct ofpbuf *ofpacts, enum vmn_neighbour from)
{
    bool ipv6 = from != VMN_NEIGHBOUR_ARP;
    size_t ofs = ofpacts->size;

    learn_begin(ofpacts, NEIGHBOUR_TABLE, VMN_NEIGHBOURS_MAX)->idle_timeout
        = VMN_NEIGHBOUR_IDLE_S;
    learn_match_value(ofpacts, MFF_ETH_TYPE,
                      ipv6 ? VMN_ETH_IPV6 : VMN_ETH_IPV4);
    learn_match_copy(ofpacts, MFF_REG0);
    learn_match_other(ofpacts, ipv6 ? MFF_XXREG3 : MFF_REG15, said[from].ip);
    learn_load(ofpacts, MFF_ETH_DST, said[from].mac);
    learn_end(ofpacts, ofs);
}
