/* SPDX-License-Identifier: Apache-2.0
 *
 * What reject-message.c shares with the files that write its replies. */

#ifndef PROTO_PACKET_REJECT_PRIVATE_H
#define PROTO_PACKET_REJECT_PRIVATE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/types.h"
#include "vmn/packet.h"

#define TCP_SIZE 20              /* Bytes of a header without options. */
#define ICMP_SIZE 8

/* The rejected packet. */
struct refused {
    const struct vmn_reject *how;
    const uint8_t *eth;
    const uint8_t *ip;
    size_t ip_size;             /* Bytes of the IP packet that are there. */
    bool v6;
    uint8_t proto;              /* The upper layer's. */
    bool fragment;              /* It is the first fragment. */
    const uint8_t *fragment_header; /* IPv6: its fragment header, or NULL, */
    const uint8_t *fragment_next; /* and the byte that announces that. */
    const uint8_t *l4;
    size_t l4_size;             /* Bytes of the upper layer that are there, */
    size_t l4_full_size;        /* and by the IP header. */
};

/* Writes the headers before the upper layer's, of 'size' bytes, and returns
 * where that starts. */
uint8_t *refused_put_headers(const struct refused *, uint8_t *buffer,
                             uint8_t proto, size_t size);
/* Returns the checksum of the upper layer, of 'size' bytes after the IP
 * header. */
ovs_be16 refused_csum(const struct refused *, const uint8_t *l4,
                      uint8_t proto, size_t size);

/* tcp-reset-message.c: writes a TCP reset to 'buffer', and returns its
 * size. */
size_t refused_put_tcp_reset(const struct refused *, uint8_t *buffer);
/* icmp-error-message.c: writes an ICMP error, which quotes as much as fits,
 * and returns its size. */
size_t refused_put_icmp_error(const struct refused *, uint8_t *buffer);

#endif /* proto/packet/reject-private.h */
