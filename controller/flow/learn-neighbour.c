/* SPDX-License-Identifier: Apache-2.0
 *
 * learn() actions for neighbours, and flows of incomplete neighbours; see
 * learn-neighbour.h. */

#include <config.h>

#include "controller/flow/learn-neighbour.h"

#include <netinet/in.h>
#include <string.h>

#include "controller/flow/learn-action.h"
#include "flow.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofpbuf.h"
#include "vmn/packet.h"

/* Fields that hold a protocol address and its Ethernet address. */
static const struct {
    enum mf_field_id ip, mac;
} said[] = {
    [VMN_NEIGHBOUR_ARP] = { MFF_ARP_SPA, MFF_ARP_SHA },
    [VMN_NEIGHBOUR_ADVERT] = { MFF_ND_TARGET, MFF_ND_TLL },
    [VMN_NEIGHBOUR_SOLICIT] = { MFF_IPV6_SRC, MFF_ND_SLL },
};

void
learn_neighbour_put(struct ofpbuf *ofpacts, uint16_t app,
                    enum vmn_neighbour from)
{
    bool ipv6 = from != VMN_NEIGHBOUR_ARP;
    size_t ofs = ofpacts->size;
    struct ofpact_learn *learn;

    learn = learn_action_begin(ofpacts, NEIGHBOUR_TABLE, VMN_NEIGHBOURS_MAX);
    learn->idle_timeout = VMN_NEIGHBOUR_IDLE_S;
    learn_action_match_app(ofpacts, app);
    learn_action_match_value(ofpacts, MFF_ETH_TYPE,
                             ipv6 ? VMN_ETH_IPV6 : VMN_ETH_IPV4);
    learn_action_match_copy(ofpacts, MFF_REG0);
    learn_action_match_other(ofpacts, ipv6 ? MFF_XXREG3 : MFF_REG15,
                             said[from].ip);
    learn_action_load(ofpacts, MFF_ETH_DST, said[from].mac);
    learn_action_end(ofpacts, ofs);
}

void
learn_neighbour_put_incomplete(struct ofpbuf *b, uint32_t xid, uint16_t app,
                               uint32_t network, const struct vmn_ip *ip)
{
    const struct vmn_mac mac = VMN_NEIGHBOUR_INCOMPLETE;
    struct ofputil_flow_mod fm = {
        .table_id = NEIGHBOUR_TABLE,
        .command = OFPFC_ADD,
        .hard_timeout = VMN_NEIGHBOUR_RETRY_S,
        .buffer_id = UINT32_MAX,
        .out_port = OFPP_ANY,
        .out_group = OFPG_ANY,
    };
    struct ofpbuf ofpacts, *msg;
    union mf_value value = { .be32 = 0 };
    struct match match;

    match_init_catchall(&match);
    match_set_dl_type(&match, htons(ip->family == 6 ? VMN_ETH_IPV6
                                    : VMN_ETH_IPV4));
    match_set_in_port(&match, u16_to_ofp(app));
    match_set_reg(&match, 0, network);
    memcpy(&value, ip->addr, ip->family == 6 ? 16 : 4);
    mf_set_value(mf_from_id(ip->family == 6 ? MFF_XXREG3 : MFF_REG15), &value,
                 &match, NULL);
    ofpbuf_init(&ofpacts, 64);
    memcpy(&value.mac, mac.ea, sizeof mac.ea);
    ofpact_put_set_field(&ofpacts, mf_from_id(MFF_ETH_DST), &value, NULL);
    fm.ofpacts = ofpacts.data;
    fm.ofpacts_len = ofpacts.size;
    minimatch_init(&fm.match, &match);
    msg = ofputil_encode_flow_mod(&fm, OFPUTIL_P_OF15_OXM);
    ofpmsg_update_length(msg);
    ((struct ofp_header *) msg->data)->xid = htonl(xid);
    ofpbuf_put(b, msg->data, msg->size);
    ofpbuf_delete(msg);
    minimatch_destroy(&fm.match);
    ofpbuf_uninit(&ofpacts);
}
