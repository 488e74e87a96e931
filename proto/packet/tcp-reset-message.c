/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes a TCP reset that answers a segment (RFC 9293, section 3.10.7.1).
 * Which segments get one is decided in reject-message.c. */

#include <config.h>

#include "proto/packet/reject-private.h"

#include <string.h>

#include "packets.h"
#include "proto/packet/packet-bytes.h"
#include "util.h"

size_t
refused_put_tcp_reset(const struct refused *r, uint8_t *buffer)
{
    uint8_t *tcp = refused_put_headers(r, buffer, VMN_IP_PROTO_TCP, TCP_SIZE);
    const uint8_t *asked = r->l4;
    uint8_t flags = asked[13];
    ovs_be16 sum;

    memset(tcp, 0, TCP_SIZE);
    memcpy(tcp, asked + 2, 2);
    memcpy(tcp + 2, asked, 2);
    tcp[12] = TCP_SIZE / 4 << 4;
    if (flags & TCP_ACK) {
        memcpy(tcp + 4, asked + 8, 4);
        tcp[13] = TCP_RST;
    } else {
        put_u32(tcp + 8, get_u32(asked + 4)
                + (uint32_t) (r->l4_full_size - (asked[12] >> 4) * 4)
                + !!(flags & TCP_SYN) + !!(flags & TCP_FIN));
        tcp[13] = TCP_RST | TCP_ACK;
    }
    sum = refused_csum(r, tcp, VMN_IP_PROTO_TCP, TCP_SIZE);
    memcpy(tcp + 16, &sum, sizeof sum);
    return tcp + TCP_SIZE - buffer;
}
