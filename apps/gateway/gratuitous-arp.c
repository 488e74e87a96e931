/* SPDX-License-Identifier: Apache-2.0
 *
 * Gratuitous ARP, and unsolicited neighbour advertisements: the gateway
 * announces external addresses, periodically.  And the gateways of a router
 * that has several keep the next hop's neighbour entry, so that they can take
 * over while nobody can resolve it.  Not for replies (external-arp.c,
 * external-nd.c). */

#include "gateway.h"

#include <string.h>

/* How an IPv4 address is announced: an ARP request to the gateway of its
 * subnet informs that, and the switches on the path; gratuitous requests and
 * replies inform whoever else is there, some of whom heed one of the two alone
 * (arping(8), -U and -A). */
enum form { FORM_ASK, FORM_REQUEST, FORM_REPLY };

/* They take turns: a switch that caches what it decides, as Open vSwitch does,
 * learns at once from a frame of a kind that it has not seen before, and from
 * one that it has only when it accounts for it. */
static const enum form turns[] = {
    FORM_ASK, FORM_REQUEST, FORM_ASK, FORM_REPLY
};
#define N_TURNS (sizeof turns / sizeof *turns)

/* Announces 'from', an IPv4 address, whose subnet's gateway is 'gateway'. */
static void
announce_ipv4(struct vmn_mac mac, const struct vmn_network *network,
              const struct vmn_ip *from, const struct vmn_ip *gateway,
              enum form form, struct vmn_packets_out *out)
{
    uint8_t frame[FRAME_MAX];

    vmn_arp_request_build(mac, from, form == FORM_ASK ? gateway : from,
                          frame);
    if (form == FORM_REPLY) {
        /* RFC 826: the operation, and the target's hardware address. */
        frame[21] = 2;
        memcpy(&frame[32], mac.ea, sizeof mac.ea);
    }
    send_external(out, network->vni, frame, VMN_ARP_SIZE);
}

/* Announces 'from'.  For IPv6, an unsolicited advertisement goes to all nodes;
 * the gateway is resolved by ASK_GATEWAY, once for each router. */
static void
announce_address(struct vmn_mac mac, const struct vmn_network *network,
                 const struct vmn_ip *from, enum form form,
                 struct vmn_packets_out *out)
{
    const struct vmn_ip *to = gateway_of(network, from);
    uint8_t frame[FRAME_MAX];

    if (from->family == 6) {
        vmn_nd_announce_build(mac, from, true, frame);
        send_external(out, network->vni, frame, VMN_ND_ADVERT_SIZE);
    } else if (to) {
        announce_ipv4(mac, network, from, to, form, out);
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
        send_external(out, network->vni, frame,
                      build_request(frame, router->mac, from, to));
    }
}

/* Resolves the gateway of 'what', "NETWORK|GATEWAY", from a host that stands
 * by, or to which a floating address is to come, as nobody: the router's
 * address, or that one, would move to that host.  And from the active one of
 * several.  Flows learn from the reply (external-arp.c, external-nd.c). */
static void
ask_as_host(struct vmn_view *view, const char *host, const char *what,
            struct vmn_packets_out *out)
{
    const struct vmn_mac mac = host_mac(view, host);
    const struct vmn_network *network;
    const char *name, *text;
    uint8_t frame[FRAME_MAX];
    struct vmn_ip from, to;

    if (!vmn_key_split_two(view, what, &name, &text)
        || !vmn_ip_from_text(text, &to)) {
        return;
    }
    network = vmn_read_network(view, name);
    from = nobody_ip(mac, to.family);
    if (network) {
        send_external(out, network->vni, frame,
                      build_request(frame, mac, &from, &to));
    }
}

static void
send_announcement(struct vmn_view *view, const char *what, enum form form,
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
        announce_address(mac, network, &from, form, out);
    }
}

/* Called periodically.  'in->arg' counts the calls: each announces the next
 * addresses, if there are more than one call may send.  Each of them takes one
 * frame at most. */
void
handle_announce(struct vmn_view *view, const struct vmn_packet_in *in,
                struct vmn_packets_out *out)
{
    struct vmn_names names = { 0, NULL };
    size_t n, first, rounds;

    if (in->vif && in->vif->iface_id[0] == '@') {
        names = vmn_relation_values(view, VMN_REL_ANNOUNCED,
                                    vmn_printf(view, "%s|%s", in->host,
                                               in->vif->iface_id + 1));
    }
    n = names.n < VMN_SENDS_MAX ? names.n : VMN_SENDS_MAX;
    first = names.n > n ? (size_t) in->arg * VMN_SENDS_MAX % names.n : 0;
    /* All have been announced so often. */
    rounds = in->arg / (n ? (names.n + n - 1) / n : 1);
    for (size_t i = 0; i < n; i++) {
        const char *what = names.names[(first + i) % names.n];

        if (what[0] == ASK_AS_HOST) {
            ask_as_host(view, in->host, what + 1, out);
        } else {
            send_announcement(view, what, turns[rounds % N_TURNS], out);
        }
    }
}
