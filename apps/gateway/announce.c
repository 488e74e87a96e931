/* SPDX-License-Identifier: Apache-2.0
 *
 * What the gateway itself sends to an external network: requests for unknown
 * neighbours, and gratuitous announcements of external addresses, by ARP and
 * by neighbour discovery.  Not for replies (external-arp.c, external-nd.c). */

#include "gateway.h"

#include <string.h>

#define FRAME_MAX VMN_ND_ADVERT_SIZE /* As long as a solicitation. */
#define TAG_SIZE 4

const struct vmn_router *
router_of_transit(struct vmn_view *view, uint32_t transit)
{
    struct vmn_names names = vmn_relation_values(
        view, REL_TRANSIT, vmn_printf(view, "%u", transit));
    const struct vmn_router *router
        = names.n ? vmn_read_router(view, names.names[0]) : NULL;

    return router && router->external.network ? router : NULL;
}

/* Sends a frame on the external network, with its VLAN tag, if it has one. */
static void
send_tagged(const struct vmn_network *network, struct vmn_packets_out *out,
            const uint8_t *frame, size_t size)
{
    uint32_t vlan = network->provider.vlan;
    const uint8_t tag[TAG_SIZE] = { 0x81, 0, vlan >> 8, vlan };
    uint8_t tagged[FRAME_MAX + TAG_SIZE];

    if (!vlan) {
        vmn_send_back(out, frame, size);
        return;
    }
    memcpy(tagged, frame, 12);
    memcpy(tagged + 12, tag, sizeof tag);
    memcpy(tagged + 12 + TAG_SIZE, frame + 12, size - 12);
    vmn_send_back(out, tagged, size + TAG_SIZE);
}

void
send_back_tagged(struct vmn_view *view, const struct vmn_router *router,
                 struct vmn_packets_out *out, const uint8_t *frame,
                 size_t size)
{
    const struct vmn_network *network = vmn_read_network(
        view, router->external.network);

    if (network && size <= FRAME_MAX) {
        send_tagged(network, out, frame, size);
    } else {
        vmn_send_nothing(out, "router has no external network");
    }
}

/* Resolution.  ------------------------------------------------------------ */

static size_t
build_request(uint8_t frame[FRAME_MAX], struct vmn_mac mac,
               const struct vmn_ip *from, const struct vmn_ip *to)
{
    if (to->family == 4) {
        vmn_arp_request_build(mac, from, to, frame);
        return VMN_ARP_SIZE;
    }
    vmn_nd_solicit_build(mac, from, to, frame);
    return VMN_ND_SOLICIT_SIZE;
}

/* Returns the neighbour that OUT_HOP has looked up. */
static struct vmn_ip
packet_next_hop(const struct vmn_packet_in *in)
{
    bool v6 = (in->size >= 14
               && (in->bytes[12] << 8 | in->bytes[13]) == VMN_ETH_IPV6);
    struct vmn_ip ip = { .family = v6 ? 6 : 4 };

    for (unsigned i = 0; i < (v6 ? 4 : 1); i++) {
        uint32_t word = vmn_packet_reg(in, v6 ? VMN_REG_NEIGHBOUR6 + i
                                       : VMN_REG_NEIGHBOUR4);

        for (unsigned j = 0; j < 4; j++) {
            ip.addr[4 * i + j] = word >> (24 - 8 * j);
        }
    }
    return ip;
}

/* Returns the source address of the packet, or family 0 if it is too short. */
static struct vmn_ip
sender_of(const struct vmn_packet_in *in, uint8_t family)
{
    size_t offset = 14 + (family == 6 ? 8 : 12), size = family == 6 ? 16 : 4;
    struct vmn_ip ip = { 0 };

    if (in->size >= offset + size) {
        ip.family = family;
        memcpy(ip.addr, in->bytes + offset, size);
    }
    return ip;
}

/* Resolves a neighbour.  The packet itself is dropped: its sender retransmits,
 * and the neighbour is known by then.  The request takes the packet's path,
 * which adds the VLAN tag.  Its source is the router, or a distributed
 * floating IP, which has a MAC of its own. */
void
handle_resolve(struct vmn_view *view, const struct vmn_packet_in *in,
               struct vmn_packets_out *out)
{
    struct vmn_ip to = packet_next_hop(in);
    struct vmn_ip sender = sender_of(in, to.family);
    const struct vmn_router *router = router_of_transit(
        view, vmn_packet_reg(in, REG_TRANSIT));
    const struct vmn_ip *from = (router ? first_external(router, to.family)
                                 : NULL);
    uint8_t frame[FRAME_MAX];
    struct vmn_mac mac;

    if (!from || !sender.family) {
        vmn_send_nothing(out, "router has no external network");
        return;
    }
    mac = router->mac;
    if (in->arg) {
        mac = floating_mac(in->arg);
        from = &sender;
    }
    vmn_send_to_next(out, STAGE_EGRESS, frame,
                     build_request(frame, mac, from, &to));
    vmn_neighbour_is_incomplete(out, vmn_packet_reg(in, VMN_REG_NETWORK),
                                &to);
}

/* Announcements.  --------------------------------------------------------- */

/* Announces 'from'.  For IPv4, an ARP request to the gateway of its subnet
 * informs that, and the switches on the path.  For IPv6, an unsolicited
 * advertisement goes to all nodes; the gateway is resolved by ASK_GATEWAY,
 * once for each router. */
static void
announce_address(struct vmn_mac mac, const struct vmn_network *network,
                 const struct vmn_ip *from, struct vmn_packets_out *out)
{
    const struct vmn_ip *to = gateway_of(network, from);
    uint8_t frame[FRAME_MAX];

    if (from->family == 6) {
        vmn_nd_announce_build(mac, from, true, frame);
        send_tagged(network, out, frame, VMN_ND_ADVERT_SIZE);
    } else if (to) {
        vmn_arp_request_build(mac, from, to, frame);
        send_tagged(network, out, frame, VMN_ARP_SIZE);
    }
}

/* Resolves the IPv6 gateway before the first packet needs it. */
static void
ask_gateway(const struct vmn_router *router,
            const struct vmn_network *network, struct vmn_packets_out *out)
{
    const struct vmn_ip *from = first_external(router, 6);
    const struct vmn_ip *to = next_hop(network, 6);
    uint8_t frame[FRAME_MAX];

    if (from && to) {
        send_tagged(network, out, frame,
                    build_request(frame, router->mac, from, to));
    }
}

static void
send_announcement(struct vmn_view *view, const char *what,
                  struct vmn_packets_out *out)
{
    const char *parts[3];       /* ROUTER|MAC|ADDRESS, or ASK_GATEWAY. */
    const struct vmn_router *router;
    const struct vmn_network *network;
    struct vmn_mac mac;
    struct vmn_ip from;

    if (vmn_key_split(view, what, parts, 3) < 3) {
        return;
    }
    router = vmn_read_router(view, parts[0]);
    network = (router && router->external.network
               ? vmn_read_network(view, router->external.network) : NULL);
    if (!network || !vmn_mac_from_text(parts[1], &mac)) {
        return;
    }
    if (!strcmp(parts[2], ASK_GATEWAY)) {
        ask_gateway(router, network, out);
    } else if (vmn_ip_from_text(parts[2], &from)) {
        announce_address(mac, network, &from, out);
    }
}

/* Called periodically.  'in->arg' counts the calls: each announces the next
 * addresses, if there are more than one call may send. */
void
handle_announce(struct vmn_view *view, const struct vmn_packet_in *in,
                struct vmn_packets_out *out)
{
    struct vmn_names names = { 0, NULL };
    size_t n, first;

    if (in->vif && in->vif->iface_id[0] == '@') {
        names = vmn_relation_values(view, REL_ANNOUNCED,
                                    vmn_printf(view, "%s|%s", in->host,
                                               in->vif->iface_id + 1));
    }
    n = names.n < VMN_SENDS_MAX ? names.n : VMN_SENDS_MAX;
    first = names.n > n ? (size_t) in->arg * VMN_SENDS_MAX % names.n : 0;
    for (size_t i = 0; i < n; i++) {
        send_announcement(view, names.names[(first + i) % names.n], out);
    }
}
