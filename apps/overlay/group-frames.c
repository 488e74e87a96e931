/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames to a group MAC address that carry a packet to a unicast IP address.
 * A host must not send one, and a receiver discards it (RFC 1122, section
 * 3.3.6; RFC 1812, section 5.3.4; RFC 4291 has no broadcast at all).  Linux
 * accepts it.  Chains, mirrors of rules and counts of traffic match the
 * receiver of a unicast frame, and would miss such a packet.  So it is dropped
 * after port security, whatever its source.
 *
 * Unicast frames match no more of their IP header than before: a switch looks
 * at the group bit first. */

#include "overlay.h"

static struct vmn_flow *
group_add(struct vmn_emit *emit, struct vmn_scope scope, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(emit, scope, STAGE_DESTINATION, 0,
                                         priority);

    vmn_match_masked(flow, VMN_F_ETH_DST, GROUP_BIT, GROUP_BIT);
    return flow;
}

/* Emits what holds in all networks. */
void
group_frames_base(struct vmn_emit *emit)
{
    static const struct vmn_prefix groups[] = {
        { .ip = { 4, { 224 } }, .len = 4 },
        { .ip = { 4, { 255, 255, 255, 255 } }, .len = 32 },
        { .ip = { 6, { 0xff } }, .len = 8 },
    };
    static const uint8_t families[] = { 4, 6 };
    struct vmn_flow *flow;

    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        flow = group_add(emit, vmn_scope_all(), DESTINATION_GROUP);
        vmn_match_prefix(flow, vmn_field_ip_dst(groups[i].ip.family),
                         &groups[i]);
        vmn_act_next(vmn_flow_actions(flow));
    }
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        flow = group_add(emit, vmn_scope_all(), DESTINATION_UNICAST);
        vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(families[i]));
        drop(flow, "unicast IP in a group frame");
    }
}

/* Returns the subnet's broadcast address (RFC 1122, section 3.2.1.3), or one
 * without a family if it has none: of IPv6, or of two addresses at most (RFC
 * 3021). */
static struct vmn_ip
broadcast_of(const struct vmn_prefix *cidr)
{
    struct vmn_ip ip = cidr->ip;

    if (ip.family != 4 || cidr->len > 30) {
        return (struct vmn_ip) { 0 };
    }
    for (unsigned bit = cidr->len; bit < 32; bit++) {
        ip.addr[bit / 8] |= (uint8_t) (0x80 >> bit % 8);
    }
    return ip;
}

/* Admits packets to the broadcast addresses of IPv4 subnets. */
void
group_frames_of_network(struct vmn_emit *emit,
                        const struct vmn_network *network)
{
    for (size_t i = 0; i < network->n_subnets; i++) {
        struct vmn_ip ip = broadcast_of(&vmn_subnet_at(network, i)->cidr);
        struct vmn_flow *flow;

        if (ip.family) {
            flow = group_add(emit, vmn_scope_network(network->row.name),
                             DESTINATION_GROUP);
            match_network(flow, network);
            vmn_match_ip(flow, VMN_F_IPV4_DST, &ip);
            vmn_act_next(vmn_flow_actions(flow));
        }
    }
}
