/* SPDX-License-Identifier: Apache-2.0
 *
 * Resolves neighbours in an external network: the gateway asks for the next
 * hop of a packet that came up since nobody knows it.  Not for what is learned
 * of the replies (external-arp.c, external-nd.c). */

#include "gateway.h"

#include <string.h>

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

struct vmn_ip
nobody_ip(struct vmn_mac mac, uint8_t family)
{
    return (family == 6 ? vmn_link_local(mac)
            : (struct vmn_ip) { .family = family });
}

/* A neighbour that is resolved or probed. */
struct neighbour {
    struct vmn_ip ip;
    struct vmn_mac mac;         /* That the request is sent to; zero: all. */
};

/* Requests 'to' from 'from', which has 'mac', in the external network with VNI
 * 'network'.  A probe is unicast (RFC 1122, section
 * 2.3.2.1; RFC 4861, section 7.3.3). */
static void
request(struct vmn_packets_out *out, uint32_t network, struct vmn_mac mac,
        const struct vmn_ip *from, const struct neighbour *to)
{
    uint8_t frame[FRAME_MAX];
    size_t size = build_request(frame, mac, from, &to->ip);

    if (!vmn_mac_is_none(to->mac)) {
        memcpy(frame, to->mac.ea, sizeof to->mac.ea);
    }
    send_external(out, network, frame, size);
}

static void
request_as_host(struct vmn_view *view, const struct vmn_packet_in *in,
                struct vmn_packets_out *out, const struct neighbour *to)
{
    const struct vmn_mac mac = host_mac(view, in->host);
    const struct vmn_ip from = nobody_ip(mac, to->ip.family);

    request(out, vmn_packet_reg(in, VMN_REG_NETWORK), mac, &from, to);
}

static void
note(struct vmn_packets_out *out, uint32_t network,
     const struct neighbour *neighbour)
{
    if (vmn_mac_is_none(neighbour->mac)) {
        vmn_neighbour_is_incomplete(out, network, &neighbour->ip);
    } else {
        vmn_neighbour_is_probed(out, network, &neighbour->ip, neighbour->mac);
    }
}

/* Returns true if the host of 'in' serves 'router' in place of another gateway
 * that is cut off, which it stays until vmnd misses that host itself, some
 * seconds later, or it is back; or by flows alone, and vmnd does not know of
 * it yet. */
static bool
has_taken_over(struct vmn_view *view, const struct vmn_router *router,
               const struct vmn_packet_in *in)
{
    const struct vmn_network *network = external_network(view, router);

    if (vmn_packet_reg(in, VMN_REG_FLAGS) & VMN_FLAG_STANDS_IN) {
        return true;
    }
    for (size_t i = 0; network && i < router->external.n_gateways; i++) {
        const char *host = vmn_gateway_at(&router->external, i)->host;
        const struct vmn_vif *vif = vmn_provider_vif(view, network, host);

        if (vif && vif->cut_off && strcmp(host, in->host)) {
            return true;
        }
    }
    return false;
}

/* Returns the address from which the router asks for 'to': its own, or in
 * another subnet that of the packet, 'sender', since some machines answer no
 * other one. */
static const struct vmn_ip *
asks_from(struct vmn_view *view, const struct vmn_router *router,
          const struct vmn_ip *sender, const struct vmn_ip *to)
{
    const struct vmn_ip *own = first_external(router, to->family);
    const struct vmn_network *network = external_network(view, router);

    for (size_t i = 0; network && own && i < network->n_subnets; i++) {
        const struct vmn_prefix *cidr = &vmn_subnet_at(network, i)->cidr;

        if (vmn_prefix_contains(cidr, to) && !vmn_prefix_contains(cidr, own)
            && vmn_prefix_contains(cidr, sender)) {
            return sender;
        }
    }
    return own;
}

/* Resolves a neighbour, or probes one that was not heard for long: first at
 * the Ethernet address that its packets go to, then at all.  The packet itself
 * is dropped where the neighbour is unknown: its sender retransmits,
 * and the neighbour is known by then; or another host sends it (migrating.c).
 * The request's source is the router, or a distributed floating IP, which has
 * a MAC of its own, or the host.
 *
 * A gateway that has just taken over requests as the host as well.  Its
 * request as the router is what tells the physical network that the router is
 * here now; a switch that takes a moment to heed that, as one does that caches
 * what it decides, sends the reply to the former gateway.  Where the host is
 * has not changed.  Not always: who probes for an address before he takes it
 * must take the host's probe for that of another who wants it (RFC 5227,
 * section 2.1.1). */
void
handle_resolve(struct vmn_view *view, const struct vmn_packet_in *in,
               struct vmn_packets_out *out)
{
    struct neighbour to = { packet_next_hop(in), { { 0 } } };
    struct vmn_ip sender = sender_of(in, to.ip.family);
    const uint32_t network = vmn_packet_reg(in, VMN_REG_NETWORK);
    const bool is_probed
        = vmn_packet_reg(in, VMN_REG_NEIGHBOUR_STATE) & VMN_NEIGHBOUR_PROBE;
    const struct vmn_router *router = router_of_transit(
        view, vmn_packet_reg(in, REG_TRANSIT));
    const struct vmn_ip *from = (router ? asks_from(view, router, &sender,
                                                    &to.ip) : NULL);

    if (!from || !sender.family) {
        vmn_send_nothing(out, "router has no external network");
        return;
    }
    if (!is_probed) {
        memcpy(to.mac.ea, in->bytes, sizeof to.mac.ea);
    }
    if (in->arg & RESOLVE_AS_HOST) {
        request_as_host(view, in, out, &to);
    } else if (in->arg) {
        request(out, network, floating_mac(in->arg), &sender, &to);
    } else {
        request(out, network, router->mac, from, &to);
        if (has_taken_over(view, router, in)
            && asks_as_host(view, router->external.network, in->host)) {
            request_as_host(view, in, out, &to);
        }
    }
    if (!is_probed) {
        note(out, network, &to);
    }
}
