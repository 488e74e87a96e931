/* SPDX-License-Identifier: Apache-2.0
 *
 * TCP segments in Ethernet frames of guests: takes frames apart, and puts the
 * ones together that answer them.  Not for what segments mean (guest-tcp.h).
 */

#ifndef PROTO_GUEST_GUEST_FRAME_H
#define PROTO_GUEST_GUEST_FRAME_H 1

#include <stddef.h>
#include <stdint.h>

#include "vmn/types.h"

/* Whose segments these are: what a frame says from Ethernet up to TCP's ports,
 * as the guest sends it. */
struct guest_ends {
    struct vmn_mac eth_src, eth_dst;
    struct vmn_ip ip_src, ip_dst; /* Of one family. */
    uint16_t src_port, dst_port;
};

/* Room for the headers that guest_frame_build() puts before a segment. */
#define GUEST_HEADERS_MAX 54

/* Takes a frame apart: fills in 'ends', and sets '*segment' to the TCP header,
 * which is in 'frame' with all that follows it, '*size' bytes.  Returns NULL,
 * or why it is none that is taken, a string literal: it is to be whole and
 * correct, untagged, without IPv6 extension headers, no fragment, and from and
 * to one host. */
const char *guest_frame_parse(const uint8_t *frame, size_t frame_size,
                              struct guest_ends *ends,
                              const uint8_t **segment, size_t *size);

/* Writes the frame that answers 'ends' with a segment, whose ports and
 * checksum are filled in, to 'frame', which has room for GUEST_HEADERS_MAX
 * bytes more than the segment.  Returns its size. */
size_t guest_frame_build(const struct guest_ends *ends, uint8_t ttl,
                         const uint8_t *segment, size_t size, uint8_t *frame);

#endif /* proto/guest/guest-frame.h */
