/* SPDX-License-Identifier: Apache-2.0
 *
 * learn() actions for neighbours, and flows of incomplete neighbours; see
 * learn-neighbour.h. */

#include <config.h>

#include "controller/flow/learn-neighbour.h"

#include <netinet/in.h>
#include <string.h>

#include "controller/flow/learn-action.h"
#include "controller/flow/pipeline.h"
#include "flow.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofpbuf.h"
#include "vmn/packet.h"

/* The lowest of all tables that are no stage's. */
BUILD_ASSERT_DECL(PIPELINE_N_TABLES <= REACHABLE_TABLE);

#define STATE MFF_REG10         /* VMN_REG_NEIGHBOUR_STATE. */

/* Of learned flows.  An entry of a neighbour that is probed has 0. */
enum { PRIORITY_HEARD = 1, PRIORITY_PROBED };

/* Fields that hold a protocol address and its Ethernet address. */
static const struct {
    enum mf_field_id ip, mac;
} said[] = {
    [VMN_NEIGHBOUR_ARP] = { MFF_ARP_SPA, MFF_ARP_SHA },
    [VMN_NEIGHBOUR_ADVERT] = { MFF_ND_TARGET, MFF_ND_TLL },
    [VMN_NEIGHBOUR_SOLICIT] = { MFF_IPV6_SRC, MFF_ND_SLL },
    [VMN_NEIGHBOUR_PROBED] = { MFF_XXREG3, MFF_ETH_DST },
};

/* The key has no Ethernet type: packets of ARP look it up, too. */
static void
put_key(struct ofpbuf *ofpacts, uint16_t app, enum vmn_neighbour from)
{
    learn_action_match_app(ofpacts, app);
    learn_action_match_copy(ofpacts, MFF_REG0);
    if (from == VMN_NEIGHBOUR_ARP) {
        for (enum mf_field_id reg = MFF_REG12; reg < MFF_REG15; reg++) {
            learn_action_match_value(ofpacts, reg, 0);
        }
        learn_action_match_other(ofpacts, MFF_REG15, said[from].ip);
    } else {
        learn_action_match_other(ofpacts, MFF_XXREG3, said[from].ip);
    }
}

/* A flow that is learned again has its hard timeout restarted.  The two kinds
 * of this table have different ones, and so different priorities. */
static void
put_reachable(struct ofpbuf *ofpacts, uint16_t app, enum vmn_neighbour from)
{
    bool probed = from == VMN_NEIGHBOUR_PROBED;
    size_t ofs = ofpacts->size;
    struct ofpact_learn *learn = learn_action_begin(ofpacts, REACHABLE_TABLE,
                                                    VMN_NEIGHBOURS_MAX);

    learn->priority = probed ? PRIORITY_PROBED : PRIORITY_HEARD;
    learn->hard_timeout = (probed ? VMN_NEIGHBOUR_RETRY_S
                           : VMN_NEIGHBOUR_REACHABLE_S);
    put_key(ofpacts, app, from);
    learn_action_load_value(ofpacts, STATE, VMN_NEIGHBOUR_REACHABLE);
    learn_action_end(ofpacts, ofs);
}

void
learn_neighbour_put(struct ofpbuf *ofpacts, uint16_t app,
                    enum vmn_neighbour from)
{
    size_t ofs = ofpacts->size;

    if (from != VMN_NEIGHBOUR_PROBED) {
        learn_action_begin(ofpacts, NEIGHBOUR_TABLE, VMN_NEIGHBOURS_MAX)
            ->idle_timeout = VMN_NEIGHBOUR_IDLE_S;
        put_key(ofpacts, app, from);
        learn_action_load(ofpacts, MFF_ETH_DST, said[from].mac);
        learn_action_end(ofpacts, ofs);
    }
    put_reachable(ofpacts, app, from);
}

/* Probing.  --------------------------------------------------------------- */

static void
match_neighbour(struct match *match, uint16_t app, uint32_t network,
                const struct vmn_ip *ip)
{
    size_t size = ip->family == 6 ? 16 : 4;
    union mf_value value;

    match_init_catchall(match);
    match_set_in_port(match, u16_to_ofp(app));
    match_set_reg(match, 0, network);
    memset(&value, 0, sizeof value);
    memcpy((uint8_t *) &value.ipv6 + 16 - size, ip->addr, size);
    mf_set_value(mf_from_id(MFF_XXREG3), &value, match, NULL);
}

static void
put_message(struct ofpbuf *b, uint32_t xid, struct ofputil_flow_mod *fm,
            const struct match *match)
{
    struct ofpbuf *msg;

    fm->table_id = NEIGHBOUR_TABLE;
    fm->buffer_id = UINT32_MAX;
    fm->out_port = OFPP_ANY;
    fm->out_group = OFPG_ANY;
    minimatch_init(&fm->match, match);
    msg = ofputil_encode_flow_mod(fm, OFPUTIL_P_OF15_OXM);
    ofpmsg_update_length(msg);
    ((struct ofp_header *) msg->data)->xid = htonl(xid);
    ofpbuf_put(b, msg->data, msg->size);
    ofpbuf_delete(msg);
    minimatch_destroy(&fm->match);
}

/* The entry that is probed comes before the learned one goes, so no packet
 * finds neither.  An announcement that the switch has learned since 'known'
 * was read is lost with it; the entry expires in VMN_NEIGHBOUR_PROBE_S
 * then. */
void
learn_neighbour_put_probed(struct ofpbuf *b, uint32_t xid, uint16_t app,
                           uint32_t network, const struct vmn_ip *ip,
                           struct vmn_mac known)
{
    const bool is_known = !vmn_mac_is_none(known);
    const struct vmn_mac mac = is_known ? known : VMN_NEIGHBOUR_INCOMPLETE;
    struct ofputil_flow_mod fm = {
        .command = OFPFC_ADD,
        .hard_timeout = (is_known ? VMN_NEIGHBOUR_PROBE_S
                         : VMN_NEIGHBOUR_RETRY_S),
    };
    union mf_value value = { .be32 = 0 };
    struct ofpbuf ofpacts;
    struct match match;

    match_neighbour(&match, app, network, ip);
    ofpbuf_init(&ofpacts, 64);
    memcpy(&value.mac, mac.ea, sizeof mac.ea);
    ofpact_put_set_field(&ofpacts, mf_from_id(MFF_ETH_DST), &value, NULL);
    if (is_known) {
        value.be32 = htonl(VMN_NEIGHBOUR_PROBE);
        ofpact_put_set_field(&ofpacts, mf_from_id(STATE), &value, NULL);
    }
    fm.ofpacts = ofpacts.data;
    fm.ofpacts_len = ofpacts.size;
    put_message(b, xid, &fm, &match);
    ofpbuf_uninit(&ofpacts);
    if (is_known) {
        put_message(b, xid, &(struct ofputil_flow_mod) {
            .command = OFPFC_DELETE_STRICT, .priority = PRIORITY_HEARD },
            &match);
    }
}
