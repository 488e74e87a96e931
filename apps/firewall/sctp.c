/* SPDX-License-Identifier: Apache-2.0
 *
 * SCTP on hosts whose bridge is on the userspace datapath.
 *
 * The conntrack of that datapath knows no ports of SCTP: all of two addresses
 * is one connection.  So whatever one side sends would pass as a reply as soon
 * as the other has sent something, also where a policy denies it.  Hence SCTP
 * is judged there packet by packet: it is looked up in a conntrack zone in
 * which nobody commits a connection, so that each packet is new, and has its
 * own addresses as original tuple.  So it does not count as a connection that
 * its port opens, and is not committed; only where its network is observed,
 * for what is noted.
 *
 * Not for the kernel's datapath, whose conntrack knows the ports. */

#include "firewall.h"

/* A scratch register; nothing reads it after its pass through conntrack. */
#define REG_SCTP_ZONE VMN_F_REG10

void
compile_host(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_host *host = vmn_read_host(view, key);

    if (host && host->datapath == VMN_DATAPATH_NETDEV) {
        vmn_publish(emit, REL_SCTP_STATELESS, "", key);
    }
}

static struct vmn_actions *
sctp_add(struct vmn_emit *emit, uint16_t eth_type, unsigned stage,
         unsigned table, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_relation(REL_SCTP_STATELESS, ""), stage, table,
        priority);

    vmn_match(flow, VMN_F_ETH_TYPE, eth_type);
    vmn_match(flow, VMN_F_IP_PROTO, VMN_IP_PROTO_SCTP);
    return vmn_flow_actions(flow);
}

void
compile_sctp(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    static const uint16_t ip_types[] = { VMN_ETH_IPV4, VMN_ETH_IPV6 };
    uint32_t zone = vmn_id_of(view, VMN_ID_POOL_ZONE, "stateless/sctp");

    for (size_t i = 0; i < sizeof ip_types / sizeof ip_types[0]; i++) {
        struct vmn_actions *actions = sctp_add(
            emit, ip_types[i], STAGE_TRACK, TRACK_SEND, SEND_STATELESS);

        vmn_act_set(actions, REG_KEEP, 0);
        act_set_named(actions, false);
        vmn_act_set(actions, REG_SCTP_ZONE, zone);
        vmn_act_ct(actions, &(struct vmn_ct) { .zone = REG_SCTP_ZONE,
                                               .then = VMN_CT_TABLE,
                                               .stage = STAGE_TRACK,
                                               .table = TRACK_STATE });
        vmn_act_next(sctp_add(emit, ip_types[i], STAGE_TRACK, TRACK_VERDICT,
                              VERDICT_STATELESS));
        vmn_act_next(sctp_add(emit, ip_types[i], STAGE_POLICY, POLICY_ACCEPT,
                              ACCEPT_STATELESS));
    }
}
