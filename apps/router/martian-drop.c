/* SPDX-License-Identifier: Apache-2.0
 *
 * Drops of martian packets, on every host of a domain that has routers: from
 * or to addresses that no router forwards, and neighbour discovery. */

#include "router.h"

static struct vmn_flow *
flow_add(struct vmn_emit *emit, uint16_t priority)
{
    return vmn_flow_add(emit, vmn_scope_relation(REL_HOSTS, ""), STAGE_ROUTE,
                        ROUTE_HOP, priority);
}

/* Drops neighbour discovery, which is for one link alone (RFC 4861, section
 * 3.1).  No policy applies to it. */
static void
neighbour_discovery_drop(struct vmn_emit *emit)
{
    static const uint8_t types[] = { 133, 134, VMN_ND_SOLICIT, VMN_ND_ADVERT,
                                     137 };

    for (size_t i = 0; i < sizeof types; i++) {
        struct vmn_flow *flow = flow_add(emit, HOP_NOT_FORWARDED);

        vmn_match(flow, VMN_F_ICMPV6_TYPE, types[i]);
        vmn_act_drop(vmn_flow_actions(flow),
                     "neighbour discovery is not routed");
    }
}

/* Drops addresses that RFC 6890 lists as neither forwardable nor global.
 * Multicast is not routed. */
void
martian_drop_base(struct vmn_emit *emit)
{
    static const struct vmn_prefix prefixes[] = {
        { { 4, { 0 } }, 8 },
        { { 4, { 127 } }, 8 },
        { { 4, { 169, 254 } }, 16 },
        { { 4, { 224 } }, 3 },
        { { 6, { 0 } }, 127 },
        { { 6, { 0xfe, 0x80 } }, 10 },
        { { 6, { 0xff } }, 8 },
    };

    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        struct vmn_flow *flow = flow_add(emit, HOP_NOT_FORWARDED);

        vmn_match_prefix(flow, vmn_field_ip_dst(prefixes[i].ip.family),
                         &prefixes[i]);
        vmn_act_drop(vmn_flow_actions(flow), "destination is not routed");
    }

    neighbour_discovery_drop(emit);

    /* Link-local sources (RFC 4291, section 2.5.6). */
    struct vmn_flow *flow = flow_add(emit, HOP_NOT_FORWARDED - 1);

    vmn_match_prefix(flow, VMN_F_IPV6_SRC, &prefixes[5]);
    vmn_act_drop(vmn_flow_actions(flow), "source is not routed");

    /* A guest behind a port, which no row names, could not be sent a reply. */
    flow = flow_add(emit, HOP_UNKNOWN);
    vmn_match_masked(flow, VMN_REG_FLAGS, VMN_FLAG_UNKNOWN, VMN_FLAG_UNKNOWN);
    vmn_act_drop(vmn_flow_actions(flow), "source is not routed");
}
