/* SPDX-License-Identifier: Apache-2.0
 *
 * ARP on the wire of an external network: the gateway answers for the external
 * addresses, hears who the others are, asks for those that it does not know, and
 * says unasked where the addresses are. */

#include "gateway.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* Hearing and answering.  ------------------------------------------------- */

void
wire_address(const struct site *site, const struct vmn_ip *ip)
{
    char text[INET_ADDRSTRLEN];
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    if (!site->ofport || ip->family != 4) {
        return;
    }
    flow = site_wire_flow(site, STAGE_ARP, 0, ARP_ASKED);
    vmn_match(flow, VMN_F_ARP_OP, 1);
    vmn_match_ip(flow, VMN_F_ARP_TPA, ip);
    actions = vmn_flow_actions(flow);
    vmn_act_learn_neighbour(actions, VMN_NEIGHBOUR_ARP);
    site_tag(site, actions);
    vmn_act_arp_reply(actions, site->router->mac, ip);

    inet_ntop(AF_INET, ip->addr, text, sizeof text);
    vmn_publish(site->emit, REL_SAYS,
                vmn_printf(site->view, "%s|%s", site->host,
                           site->network->provider.physical),
                vmn_printf(site->view, "%s|%s", site->router->row.name,
                           text));
}

void
wire_router(const struct site *site)
{
    const struct vmn_external *external = &site->router->external;
    struct vmn_flow *flow;

    for (size_t i = 0; i < external->n_gateways; i++) {
        const char *host = external->gateways[i].host;

        if (vmn_read_vif(site->view, host,
                         vmn_printf(site->view, "@%s",
                                    site->network->provider.physical))) {
            vmn_publish(site->emit, REL_SITES, site->router->row.name, host);
            vmn_publish(site->emit, REL_HOSTS, "", host);
        }
    }
    if (!site->ofport) {
        return;
    }
    flow = site_wire_flow(site, STAGE_ARP, 0, ARP_ANSWERED);
    vmn_match(flow, VMN_F_ARP_OP, 2);
    vmn_match_mac(flow, VMN_F_ETH_DST, site->router->mac);
    vmn_act_learn_neighbour(vmn_flow_actions(flow), VMN_NEIGHBOUR_ARP);

    /* Where it says that it is elsewhere by now. */
    for (size_t i = 0; i < site->network->n_subnets; i++) {
        const struct vmn_ip *gateway = &site->network->subnets[i].gateway;

        if (gateway->family == 4) {
            flow = site_wire_flow(site, STAGE_ARP, 0, ARP_GATEWAY);
            vmn_match_ip(flow, VMN_F_ARP_SPA, gateway);
            vmn_act_learn_neighbour(vmn_flow_actions(flow),
                                    VMN_NEIGHBOUR_ARP);
            vmn_act_next(vmn_flow_actions(flow));
        }
    }
}

/* Asking.  ---------------------------------------------------------------- */

#define ARP_FRAME_MAX 46

/* "Who has 'to'?  Tell 'from'", with a tag unless 'vlan' is 0 (RFC 826). */
static size_t
build_request(uint8_t frame[ARP_FRAME_MAX], struct vmn_mac mac,
              const struct vmn_ip *from, const struct vmn_ip *to,
              uint32_t vlan)
{
    static const uint8_t head[] = { 0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1 };
    uint8_t *p = frame;

    memset(p, 0xff, 6);
    memcpy(p + 6, mac.ea, 6);
    p += 12;
    if (vlan) {
        const uint8_t tag[] = { 0x81, 0, vlan >> 8, vlan };

        memcpy(p, tag, sizeof tag);
        p += sizeof tag;
    }
    memcpy(p, head, sizeof head);
    p += sizeof head;
    memcpy(p, mac.ea, 6);
    memcpy(p + 6, from->addr, 4);
    memset(p + 10, 0, 6);
    memcpy(p + 16, to->addr, 4);
    return p + 20 - frame;
}

/* The packet is lost; who sent it tries again, and the answer is here by then.
 * What is asked goes on where the packet would have, which puts the tag on. */
void
handle_resolve(struct vmn_view *view, const struct vmn_packet_in *in,
               struct vmn_packets_out *out)
{
    uint32_t ip = vmn_packet_reg(in, VMN_REG_NEIGHBOUR4);
    struct vmn_ip to = { 4, { ip >> 24, ip >> 16, ip >> 8, ip } };
    struct vmn_names names = vmn_facts(
        view, REL_TRANSIT,
        vmn_printf(view, "%u", vmn_packet_reg(in, REG_TRANSIT)));
    const struct vmn_router *router = (names.n ? vmn_read_router(
        view, names.names[0]) : NULL);
    uint8_t frame[ARP_FRAME_MAX];

    if (!router || !router->external.n_addresses) {
        vmn_send_nothing(out, "router leads nowhere by now");
        return;
    }
    vmn_send_to_next(out, STAGE_OUT, frame,
                     build_request(frame, router->mac,
                                   &router->external.addresses[0], &to, 0));
}

/* Announces one of the addresses: by asking for the gateway of its subnet, which
 * tells it, and every switch on the way. */
static void
announce(struct vmn_view *view, const char *what, struct vmn_packets_out *out)
{
    const char *text = strchr(what, '|');
    struct vmn_ip from = { .family = 4 };
    const struct vmn_router *router;
    const struct vmn_network *network;
    const struct vmn_ip *to;
    uint8_t frame[ARP_FRAME_MAX];

    if (!text || inet_pton(AF_INET, text + 1, from.addr) != 1) {
        return;
    }
    router = vmn_read_router(view, vmn_printf(view, "%.*s",
                                              (int) (text - what), what));
    network = (router && router->external.network
               ? vmn_read_network(view, router->external.network) : NULL);
    to = network ? site_next_hop(network, &from) : NULL;
    if (to) {
        vmn_send_back(out, frame, build_request(frame, router->mac, &from, to,
                                                network->provider.vlan));
    }
}

/* By the clock: 'arg' counts the times, so that all have their turn. */
void
handle_announce(struct vmn_view *view, const struct vmn_packet_in *in,
                struct vmn_packets_out *out)
{
    struct vmn_names names = { 0, NULL };
    size_t n, first;

    if (in->vif && in->vif->iface_id[0] == '@') {
        names = vmn_facts(view, REL_SAYS,
                          vmn_printf(view, "%s|%s", in->host,
                                     in->vif->iface_id + 1));
    }
    n = names.n < VMN_SENDS_MAX ? names.n : VMN_SENDS_MAX;
    first = names.n > n ? (size_t) in->arg * VMN_SENDS_MAX % names.n : 0;
    for (size_t i = 0; i < n; i++) {
        announce(view, names.names[(first + i) % names.n], out);
    }
}
