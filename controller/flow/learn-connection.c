/* SPDX-License-Identifier: Apache-2.0
 *
 * learn() actions for connections, and what they learn; see
 * learn-connection.h. */

#include <config.h>

#include "controller/flow/learn-connection.h"

#include <netinet/in.h>
#include <string.h>

#include "controller/flow/learn-action.h"
#include "openvswitch/match.h"
#include "openvswitch/ofpbuf.h"
#include "vmn/flow.h"

/* Conntrack state in the learned match: that of a new connection, whatever the
 * packet's own state, since the original tuple may be matched only with a
 * valid state. */
#define STATE (VMN_CT_TRK | VMN_CT_NEW)

static bool
is_icmp(uint8_t ip_proto)
{
    return ip_proto == IPPROTO_ICMP || ip_proto == IPPROTO_ICMPV6;
}

void
learn_connection_put(struct ofpbuf *ofpacts, uint16_t eth_type, uint8_t
                     ip_proto)
{
    bool ipv6 = eth_type == VMN_ETH_IPV6;
    size_t ofs = ofpacts->size;

    learn_action_begin(ofpacts, CONNECTION_TABLE, VMN_CONNECTIONS_MAX);
    learn_action_match_value(ofpacts, MFF_ETH_TYPE, eth_type);
    learn_action_match_value(ofpacts, MFF_CT_STATE, STATE);
    learn_action_match_copy(ofpacts, MFF_REG0);
    learn_action_match_copy(ofpacts, MFF_REG7);
    learn_action_match_copy(ofpacts, MFF_CT_NW_PROTO);
    learn_action_match_copy(ofpacts, ipv6 ? MFF_CT_IPV6_SRC : MFF_CT_NW_SRC);
    learn_action_match_copy(ofpacts, ipv6 ? MFF_CT_IPV6_DST : MFF_CT_NW_DST);
    if (ip_proto == IPPROTO_SCTP) {
        /* Conntrack of the userspace datapath does not track its ports. */
        learn_action_match_value(ofpacts, MFF_IP_PROTO, IPPROTO_SCTP);
        learn_action_match_copy(ofpacts, MFF_SCTP_DST);
    } else {
        learn_action_match_copy(ofpacts, MFF_CT_TP_DST);
    }
    if (is_icmp(ip_proto)) {
        learn_action_match_copy(ofpacts, MFF_CT_TP_SRC);
    }
    learn_action_end(ofpacts, ofs);
}

bool
learned_connection_parse(const struct match *match, struct learned_connection
                         *connection)
{
    const struct flow *flow = &match->flow;
    uint16_t dst = ntohs(flow->ct_tp_dst);

    memset(connection, 0, sizeof *connection);
    connection->vni = flow->regs[0];
    connection->ofport = flow->regs[7];
    connection->protocol = flow->ct_nw_proto;
    if (flow->dl_type == htons(VMN_ETH_IPV4)) {
        connection->src.family = connection->dst.family = 4;
        memcpy(connection->src.addr, &flow->ct_nw_src, 4);
        memcpy(connection->dst.addr, &flow->ct_nw_dst, 4);
    } else if (flow->dl_type == htons(VMN_ETH_IPV6)) {
        connection->src.family = connection->dst.family = 6;
        memcpy(connection->src.addr, &flow->ct_ipv6_src, 16);
        memcpy(connection->dst.addr, &flow->ct_ipv6_dst, 16);
    } else {
        return false;
    }
    if (is_icmp(connection->protocol)) {
        connection->icmp_type = ntohs(flow->ct_tp_src);
        connection->icmp_code = dst;
    } else {
        connection->port = (connection->protocol == IPPROTO_SCTP
                            ? ntohs(flow->tp_dst) : dst);
    }
    return connection->vni != 0;
}
