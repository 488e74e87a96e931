/* SPDX-License-Identifier: Apache-2.0
 *
 * Announcements from an external network: gratuitous ARP, and unsolicited
 * neighbour advertisements.  A machine sends them to all when it has another
 * Ethernet address.  They update a neighbour that a switch has learned, and
 * add none (RFC 826; RFC 4861, section 7.2.5): most machines are no neighbours
 * of the router, and would fill the table.  Not for what is sent to the router
 * itself (external-arp.c, external-nd.c). */

#include "gateway.h"

/* A kind of announcement, and where it has the sender's address. */
struct form {
    uint8_t family;
    enum vmn_field ip;
    enum vmn_neighbour from;
    struct vmn_mac to;
};

static const struct form forms[] = {
    { 4, VMN_F_ARP_SPA, VMN_NEIGHBOUR_ARP,
      { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } } },
    { 6, VMN_F_ND_TARGET, VMN_NEIGHBOUR_ADVERT,
      { { 0x33, 0x33, 0, 0, 0, 1 } } },
};

static struct vmn_flow *
form_flow(const struct external_link *link, const struct form *form,
          unsigned table, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(link->emit,
                                         vmn_scope_host(link->host),
                                         STAGE_EXTERNAL, table, priority);

    vmn_match(flow, VMN_REG_NETWORK, link->network->vni);
    if (form->family == 6) {
        match_nd(flow, VMN_ND_ADVERT);
    } else {
        vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_ARP);
    }
    return flow;
}

/* Looks up what is learned of the sender, in place of the destination. */
static void
look_up(const struct external_link *link, const struct form *form)
{
    struct vmn_flow *flow = form_flow(link, form, EXTERNAL_ENTER,
                                      EXTERNAL_ANNOUNCEMENT);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match_mac(flow, VMN_F_ETH_DST, form->to);
    act_neighbour(actions, form->family, form->ip, NULL);
    vmn_act_goto(actions, STAGE_EXTERNAL, EXTERNAL_ANNOUNCED);
}

/* Learns from one whose sender is known, and passes all on. */
static void
update(const struct external_link *link, const struct form *form, bool known)
{
    struct vmn_flow *flow = form_flow(link, form, EXTERNAL_ANNOUNCED,
                                      known ? ANNOUNCED : ANNOUNCED_UNKNOWN);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    if (known) {
        vmn_act_learn_neighbour(actions, form->from);
    } else {
        vmn_match_mac(flow, VMN_F_ETH_DST, (struct vmn_mac) { { 0 } });
    }
    vmn_act_set_mac(actions, VMN_F_ETH_DST, form->to);
    vmn_act_next(actions);
}

void
announcements(const struct external_link *link, uint8_t family)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const struct form *form = &forms[i];

        if (form->family != family) {
            continue;
        }
        if (family == 6) {
            struct vmn_flow *flow = form_flow(
                link, form, EXTERNAL_ENTER, EXTERNAL_ANNOUNCEMENT_NO_LLADDR);

            vmn_match_mac(flow, VMN_F_ND_TLL, (struct vmn_mac) { { 0 } });
            vmn_act_next(vmn_flow_actions(flow));
        }
        look_up(link, form);
        update(link, form, false);
        update(link, form, true);
    }
}
