/* SPDX-License-Identifier: Apache-2.0
 *
 * Announces a port in its guest's name, when it has come to a host, or has
 * other addresses: its neighbours may have learned that another MAC has these.
 * Goes the way of what the guest sends.  Not for what guests announce
 * themselves (arp-responder.c). */

#include "overlay.h"

#include <string.h>

/* Calls in which the addresses are announced: the first ones after a change
 * (ANNOUNCE_NUM of RFC 5227, section 1.1). */
#define N_ANNOUNCEMENTS 2

static void
send_as_port(const struct vmn_packet_in *in, struct vmn_packets_out *out,
             const uint8_t *frame, size_t size)
{
    static const uint32_t regs[VMN_N_REGS];

    vmn_send_to_hook(out, VMN_HOOK_ADMIT, in->in_port, regs, frame, size);
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
    send_as_port(in, out, frame, sizeof frame);
}

/* Sends gratuitous ARP (RFC 5227, section 3), or an unsolicited advertisement
 * (RFC 4861, section 7.2.6). */
static void
announce_address(const struct vmn_packet_in *in, const struct vmn_ip *ip,
                 struct vmn_packets_out *out)
{
    uint8_t frame[VMN_ND_ADVERT_SIZE];

    if (ip->family == 4) {
        vmn_arp_request_build(in->port->mac, ip, ip, frame);
        send_as_port(in, out, frame, VMN_ARP_SIZE);
    } else {
        vmn_nd_announce_build(in->port->mac, ip, false, frame);
        send_as_port(in, out, frame, VMN_ND_ADVERT_SIZE);
    }
}

void
handle_announce(struct vmn_view *view, const struct vmn_packet_in *in,
                struct vmn_packets_out *out)
{
    const struct vmn_port *port = in->port;
    const struct vmn_network *network
        = port ? vmn_read_network(view, port->network) : NULL;

    if (!network || vmn_is_quarantined(view, port)) {
        vmn_send_nothing(out, "not to be announced");
        return;
    }
    if (is_provider(network)) {
        announce_place(in, out);
    }
    for (size_t i = 0; in->arg < N_ANNOUNCEMENTS && i < port->n_ips
         && i < VMN_SENDS_MAX - 1; i++) {
        announce_address(in, &port->ips[i], out);
    }
}
