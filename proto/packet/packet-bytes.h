/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers in packets, sizes of headers, and checksums: what the files here
 * share. */

#ifndef PROTO_PACKET_PACKET_BYTES_H
#define PROTO_PACKET_PACKET_BYTES_H 1

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>

#include "csum.h"

#define ETH_SIZE 14
#define IPV4_SIZE 20            /* Without options. */
#define IPV6_SIZE 40

static inline uint16_t
get_u16(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

static inline uint32_t
get_u32(const uint8_t *p)
{
    return (uint32_t) get_u16(p) << 16 | get_u16(p + 2);
}

/* Returns the size of something that we make, for a field of 16 bits.  What we
 * make is smaller than that; 65,535 if it ever is not. */
static inline uint16_t
size_u16(size_t size)
{
    return size < UINT16_MAX ? (uint16_t) size : UINT16_MAX;
}

static inline void
put_u16(uint8_t *p, uint16_t value)
{
    p[0] = (uint8_t) (value >> 8);
    p[1] = (uint8_t) value;
}

static inline void
put_u32(uint8_t *p, uint32_t value)
{
    put_u16(p, (uint16_t) (value >> 16));
    put_u16(p + 2, (uint16_t) value);
}

/* The checksum over 'size' bytes at 'l4' with the pseudo header: two addresses
 * of 'address_size' bytes, the protocol, and the length (RFC 8200, section
 * 8.1; RFC 9293, section 3.1). */
static inline ovs_be16
csum_with_pseudo(const uint8_t *src, const uint8_t *dst, size_t address_size,
                 uint8_t proto, const uint8_t *l4, size_t size)
{
    uint32_t partial = csum_continue(0, src, address_size);

    partial = csum_continue(partial, dst, address_size);
    partial = csum_add16(partial, htons(proto));
    partial = csum_add16(partial, htons(size_u16(size)));
    return csum_finish(csum_continue(partial, l4, size));
}

/* That of ICMPv6, of 'size' bytes behind the IPv6 header 'ip'. */
static inline ovs_be16
csum_icmpv6(const uint8_t *ip, size_t size)
{
    return csum_with_pseudo(ip + 8, ip + 24, 16, 58, ip + IPV6_SIZE, size);
}

#endif /* proto/packet/packet-bytes.h */
