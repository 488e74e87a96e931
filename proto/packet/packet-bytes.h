/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers in packets, and sizes of headers: what the files here share. */

#ifndef PROTO_PACKET_PACKET_BYTES_H
#define PROTO_PACKET_PACKET_BYTES_H 1

#include <stddef.h>
#include <stdint.h>

#define ETH_SIZE 14
#define IPV4_SIZE 20            /* Without options. */

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

#endif /* proto/packet/packet-bytes.h */
