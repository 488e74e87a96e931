/* SPDX-License-Identifier: Apache-2.0
 *
 * Announces a port in its guest's name, when it has come to a host, or has
 * other addresses: its neighbours may have learned that another MAC has these.
 * Not for what guests announce themselves (arp-responder.c).
 *
 * In a provider network it goes the way of what the guest sends, since
 * physical switches learn from its Ethernet source.  In others that is a MAC
 * that no guest may use.  A guest that bridges two ports returns what is
 * flooded to one of them by the other one: with the port's own MAC that would
 * pass for the guest's, and be flooded without end. */

#include "overlay.h"

#include <string.h>

/* Calls in which the addresses are announced: the first ones after a change
 * (ANNOUNCE_NUM of RFC 5227, section 1.1). */
#define N_ANNOUNCEMENTS 2

/* Sends a frame as of the guest's. */
static void
send_as_guest(const struct vmn_packet_in *in, struct vmn_packets_out *out,
              const uint8_t *frame, size_t size)
{
    static const uint32_t regs[VMN_N_REGS];

    vmn_send_to_hook(out, VMN_HOOK_ADMIT, in->in_port, regs, frame, size);
}

/* Sends a frame as from the port, past its guard; replaces its source. */
static void
send_for_port(struct vmn_view *view, const struct port_ctx *ctx,
              const struct vmn_packet_in *in, struct vmn_packets_out *out,
              uint8_t *frame, size_t size)
{
    static const struct vmn_mac source = VMN_SERVER_MAC(0);
    const uint32_t regs[VMN_N_REGS] = {
        [VMN_REG_NETWORK - VMN_F_REG0] = ctx->network->vni,
        [VMN_REG_ZONE - VMN_F_REG0] = vmn_domain_zone(view, ctx->domain),
        [VMN_REG_SRC_ID - VMN_F_REG0] = ctx->identity,
        [VMN_REG_SRC_LOCAL - VMN_F_REG0] = 1,
        [VMN_REG_FLAGS - VMN_F_REG0]
            = ctx->isolation << VMN_SRC_ISOLATION_SHIFT,
    };

    memcpy(&frame[6], source.ea, sizeof source.ea);
    vmn_send_to_hook(out, VMN_HOOK_SERVICE, in->in_port, regs, frame, size);
}

/* Sends RARP as hypervisors do for a guest that migrates: physical switches,
 * and the bridge of the host that it has left, have learned where it was, and
 * would send packets there until it sends a broadcast by itself. */
static void
announce_place(const struct vmn_packet_in *in, struct vmn_packets_out *out)
{
    const struct vmn_ip none = { .family = 4 };
    uint8_t frame[VMN_ARP_SIZE];

    vmn_arp_request_build(in->port->mac, &none, &none, frame);
    /* RFC 903: the type of RARP, "request reverse", and the sender's address
     * as that of the target. */
    frame[12] = ETH_RARP >> 8;
    frame[13] = ETH_RARP & 0xff;
    frame[21] = 3;
    memcpy(&frame[32], &frame[22], 6);
    send_as_guest(in, out, frame, sizeof frame);
}

/* Sends gratuitous ARP (RFC 5227, section 3), or an unsolicited advertisement
 * (RFC 4861, section 7.2.6). */
static void
announce_address(struct vmn_view *view, const struct port_ctx *ctx,
                 const struct vmn_packet_in *in, const struct vmn_ip *ip,
                 struct vmn_packets_out *out)
{
    uint8_t frame[VMN_ND_ADVERT_SIZE];
    size_t size;

    if (ip->family == 4) {
        vmn_arp_request_build(ctx->port->mac, ip, ip, frame);
        size = VMN_ARP_SIZE;
    } else {
        vmn_nd_announce_build(ctx->port->mac, ip, false, frame);
        size = VMN_ND_ADVERT_SIZE;
    }
    if (is_provider(ctx->network)) {
        send_as_guest(in, out, frame, size);
    } else {
        send_for_port(view, ctx, in, out, frame, size);
    }
}

void
handle_announce(struct vmn_view *view, const struct vmn_packet_in *in,
                struct vmn_packets_out *out)
{
    const struct vmn_port *port = in->port;
    struct port_ctx ctx;

    if (!port || !port_ctx_read(view, port->row.name, &ctx)
        || vmn_is_quarantined(view, port)) {
        vmn_send_nothing(out, "not to be announced");
        return;
    }
    if (is_provider(ctx.network)) {
        announce_place(in, out);
    }
    for (size_t i = 0; in->arg < N_ANNOUNCEMENTS && i < port->n_ips
         && i < VMN_SENDS_MAX - 1; i++) {
        announce_address(view, &ctx, in, &port->ips[i], out);
    }
}
