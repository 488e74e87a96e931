/* SPDX-License-Identifier: Apache-2.0
 *
 * What guests say honestly from an address that is not their port's: since
 * they have none yet, got none from anybody, or made one up for the link.  It
 * goes no further than what is forged, but its drops say what it is: nobody is
 * accused, and who wonders why a guest has no address is told.
 *
 * The addresses that RFC 3927 (section 2.1) has no host choose are no guest's
 * to make up, and servers of VMN have some of them: who sends from these is
 * forging.  So is whoever sends with another's MAC. */

#include "overlay.h"

#define DHCP4_CLIENT 68
#define DHCP4_SERVER 67
#define PROTO_IGMP 2

static struct vmn_flow *
base_add(struct vmn_emit *emit, uint16_t priority)
{
    return vmn_flow_add(emit, vmn_scope_all(), STAGE_ADMIT, ADMIT_GUARD,
                        priority);
}

/* Asks for an address where nobody gives one.  Where somebody does, the
 * question has gone on by now (dhcp-ra-guard.c). */
static void
base_dhcp(struct vmn_emit *emit)
{
    static const struct vmn_ip nobody = { .family = 4 };
    static const struct vmn_ip everyone = { 4, { 255, 255, 255, 255 } };
    struct vmn_flow *flow = base_add(emit, GUARD_UNADDRESSED);

    vmn_match_ip(flow, VMN_F_IPV4_SRC, &nobody);
    vmn_match_ip(flow, VMN_F_IPV4_DST, &everyone);
    vmn_match(flow, VMN_F_UDP_SRC, DHCP4_CLIENT);
    vmn_match(flow, VMN_F_UDP_DST, DHCP4_SERVER);
    drop(flow, "no DHCP here");
}

/* Says which groups it listens to, before it has an address (RFC 3376, section
 * 4.2.13). */
static void
base_igmp(struct vmn_emit *emit)
{
    static const struct vmn_ip nobody = { .family = 4 };
    struct vmn_flow *flow = base_add(emit, GUARD_UNADDRESSED);

    vmn_match_ip(flow, VMN_F_IPV4_SRC, &nobody);
    vmn_match(flow, VMN_F_IP_PROTO, PROTO_IGMP);
    drop_background(flow, "IGMP");
}

/* Asks who it is (RFC 903), or is announced by QEMU as it goes on after a
 * migration. */
static void
base_rarp(struct vmn_emit *emit)
{
    struct vmn_flow *flow = base_add(emit, GUARD_UNADDRESSED);

    vmn_match(flow, VMN_F_ETH_TYPE, ETH_RARP);
    drop_background(flow, "RARP");
}

/* Has chosen an address of the link, since nobody gave it any. */
static void
base_link_local(struct vmn_emit *emit)
{
    static const struct vmn_prefix made_up = {
        .ip = { .family = 4, .addr = { 169, 254 } }, .len = 16,
    };
    static const struct vmn_prefix reserved[] = {
        { .ip = { .family = 4, .addr = { 169, 254, 0 } }, .len = 24 },
        { .ip = { .family = 4, .addr = { 169, 254, 255 } }, .len = 24 },
    };
    static const enum vmn_field sources[] = { VMN_F_IPV4_SRC, VMN_F_ARP_SPA };

    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        struct vmn_flow *flow = base_add(emit, GUARD_UNADDRESSED);

        vmn_match_prefix(flow, sources[i], &made_up);
        drop(flow, "IPv4 link-local address");
        for (size_t j = 0; j < sizeof reserved / sizeof reserved[0]; j++) {
            flow = base_add(emit, GUARD_RESERVED);
            vmn_match_prefix(flow, sources[i], &reserved[j]);
            drop(flow, "spoofed");
        }
    }
}

void
unaddressed_base(struct vmn_emit *emit)
{
    base_dhcp(emit);
    base_igmp(emit);
    base_rarp(emit);
    base_link_local(emit);
}
