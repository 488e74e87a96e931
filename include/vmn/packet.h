/* SPDX-License-Identifier: Apache-2.0
 *
 * Answering packets.  A flow sends a packet up with vmn_act_punt(), naming one
 * of the app's handlers; the handler says what is to be sent for it.
 *
 * A handler is as pure as the other functions of an app.  It reads rows
 * through the view, but nothing is recorded: what it answers is no state, and
 * is not made again when something changes.  It sees the durable version of
 * each row, while a look-up, a fact or a query may be ahead of that by the
 * change that is being written; a name may thus have no row yet, or none any
 * more.  vmn_number() tells only numbers that are given out already.
 *
 * A handler is called for a packet at a time, at most as often as vmnd's
 * limits say, and must be quick: everything else waits. */

#ifndef VMN_PACKET_H
#define VMN_PACKET_H 1

#include "vmn/flow.h"
#include "vmn/rows.h"
#include "vmn/types.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vmn_view;

/* A packet that came up.  All of it lives until the handler returns. */
struct vmn_packet_in {
    const char *host;           /* Where. */
    uint32_t in_port;           /* The OpenFlow port it came in by. */
    const struct vmn_vif *vif;  /* What that port is, or NULL: it is no VIF, or
                                 * none any more. */
    const struct vmn_port *port; /* Whose VIF it is, or NULL: nobody's who is
                                  * bound to this host. */
    uint32_t arg;               /* As given to vmn_act_punt(). */
    uint32_t regs[16];          /* Registers 0 to 15 at that moment. */
    const uint8_t *bytes;       /* The packet, from the Ethernet header on. */
    size_t size;                /* Of 'bytes'... */
    size_t full_size;           /* ...and of the packet before it was cut. */
};

/* The value of register 'reg', VMN_REG_NETWORK for instance. */
static inline uint32_t
vmn_packet_reg(const struct vmn_packet_in *in, enum vmn_field reg)
{
    return (reg >= VMN_F_REG0 && reg <= VMN_F_REG15
            ? in->regs[reg - VMN_F_REG0] : 0);
}

/* Collects what is to be sent for a packet: VMN_SENDS_MAX packets at most,
 * each of 14 (VMN_FRAME_MIN) to VMN_FRAME_MAX bytes, which are copied.  A
 * mistake marks the packet as failed: nothing is sent for it, and vmnd logs
 * why. */
struct vmn_packets_out;
#define VMN_SENDS_MAX 16
#define VMN_FRAME_MIN 14
#define VMN_FRAME_MAX 9216

/* Sends a packet out of the VIF that the packet came from.  One that came from
 * elsewhere, or whose VIF is gone, gets no answer. */
void vmn_send_back(struct vmn_packets_out *, const void *bytes, size_t size);

/* Sends a packet out of the VIF of 'port' on the same host.  If it is not
 * there, nothing is sent. */
void vmn_send_to_port(struct vmn_packets_out *, const char *port,
                      const void *bytes, size_t size);

/* Sends a packet on through the pipeline, from a table of the app's own on,
 * with the input port and the registers of the packet that came up.  It must
 * not come up again. */
void vmn_send_to_stage(struct vmn_packets_out *, unsigned stage,
                       unsigned table, const void *bytes, size_t size);
/* The same from the first table of the stage that follows 'stage' on. */
void vmn_send_to_next(struct vmn_packets_out *, unsigned stage,
                      const void *bytes, size_t size);

/* Says why the packet gets no answer, for statistics.  'reason' must be a
 * string literal, such as "malformed". */
void vmn_send_nothing(struct vmn_packets_out *, const char *reason);

/* UDP over IPv4.  -------------------------------------------------------- */

struct vmn_udp {
    struct vmn_mac eth_src, eth_dst;
    struct vmn_ip ip_src, ip_dst; /* Family 4. */
    uint8_t ttl;
    uint16_t src_port, dst_port;
    const uint8_t *payload;     /* Borrowed. */
    size_t payload_size;
};

/* Takes a packet apart.  'payload' is in 'bytes'.  Returns false, with nothing
 * filled in, unless it is a whole and correct one: untagged Ethernet, IPv4
 * with or without options, no fragment, UDP, lengths that agree, and right
 * checksums (UDP's may be absent). */
bool vmn_udp_parse(const uint8_t *bytes, size_t size, struct vmn_udp *);

/* Exchanges source and destination of all layers. */
void vmn_udp_turn(struct vmn_udp *);

/* Writes the packet with all checksums to 'buffer' of 'size' bytes.  Returns
 * its length, or 0 if it does not fit. */
#define VMN_UDP_HEADERS 42
size_t vmn_udp_build(const struct vmn_udp *, uint8_t *buffer, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* vmn/packet.h */
