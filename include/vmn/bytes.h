/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages put together byte by byte, in network order, into a buffer that has
 * an end.  What does not fit is left out whole and noted, so a message can be
 * built without a look at each step.  Not for taking messages apart. */

#ifndef VMN_BYTES_H
#define VMN_BYTES_H 1

#include "vmn/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A message that is being written: see vmn_bytes(). */
struct vmn_bytes {
    uint8_t *data;              /* The caller's. */
    size_t size;                /* Written so far. */
    size_t room;                /* Of 'data'. */
    bool full;                  /* Something did not fit. */
};

/* Returns an empty message, to be written to 'data', which has 'room' bytes
 * and stays the caller's. */
static inline struct vmn_bytes
vmn_bytes(void *data, size_t room)
{
    return (struct vmn_bytes) { .data = (uint8_t *) data, .room = room };
}

/* Each appends something: bytes, zeros, a number in network order.  Returns
 * true if it fitted; else the message stays as it was, and is 'full'. */
bool vmn_put(struct vmn_bytes *, const void *data, size_t size);
bool vmn_put_zeros(struct vmn_bytes *, size_t size);
bool vmn_put_u8(struct vmn_bytes *, uint8_t);
bool vmn_put_u16(struct vmn_bytes *, uint16_t);
bool vmn_put_u32(struct vmn_bytes *, uint32_t);
/* Appends the 4 or 16 bytes of an address; returns as above. */
bool vmn_put_ip(struct vmn_bytes *, const struct vmn_ip *);
/* Appends a domain name ("example.com") as RFC 1035, section 3.1, has it,
 * without compression; returns as above.  One that is no name ("", a label
 * that is empty or longer than 63 characters, more than 255 bytes in all) is
 * taken for one that does not fit. */
bool vmn_put_name(struct vmn_bytes *, const char *name);
/* Writes 'value' over the two bytes at 'at', if they are there. */
void vmn_set_u16(struct vmn_bytes *, size_t at, uint16_t value);

#ifdef __cplusplus
}
#endif

#endif /* vmn/bytes.h */
