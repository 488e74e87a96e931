/* SPDX-License-Identifier: Apache-2.0
 *
 * TCP segments of guests, as lwIP is to see them.  What lwIP does not expect
 * makes its asserts abort the process, so no header of a guest's gets to it:
 * a segment is taken apart, and one that has what is on a list, and nothing
 * else, is made of it.  Not for frames (guest-frame.h), nor for connections
 * (guest-tcp.h). */

#ifndef PROTO_GUEST_GUEST_SEGMENT_H
#define PROTO_GUEST_GUEST_SEGMENT_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Flags (RFC 9293, section 3.1). */
enum guest_flag {
    GUEST_FIN = 0x01,
    GUEST_SYN = 0x02,
    GUEST_RST = 0x04,
    GUEST_PSH = 0x08,
    GUEST_ACK = 0x10,
};

/* The smallest maximum segment size that is believed: with less, one reply
 * would be any number of segments. */
#define GUEST_MSS_MIN 216
/* The one of who does not say any (RFC 9293, section 3.7.1). */
#define GUEST_MSS_DEFAULT 536

struct guest_segment {
    uint8_t flags;              /* SYN; RST; or ACK with or without PSH and
                                 * FIN. */
    uint32_t seq, ack;
    uint16_t window;
    uint16_t mss;               /* Of a SYN; else 0. */
    const uint8_t *data;        /* Of one with ACK. */
    size_t size;
};

/* Takes a segment apart, whose header is within it; 'segment' refers to its
 * bytes then.  Returns false if its flags are not those of one that is taken.
 * Whatever else it has is left out: urgent data is data, as RFC 6093 has it;
 * flags of ECN and all options but a SYN's maximum segment size are as if the
 * server did not know them.  That is raised to GUEST_MSS_MIN, and the window
 * of a SYN to twice that, as lwIP sends no more than half of a window at a
 * time. */
bool guest_segment_parse(const uint8_t *bytes, size_t size,
                         struct guest_segment *segment);

/* Cuts off what was there before 'next', the number that is expected.  Returns
 * false if what remains is not to be taken: it does not begin there, or ends
 * beyond 'window' bytes from there. */
bool guest_segment_trim(struct guest_segment *segment, uint32_t next,
                        uint32_t window);

/* Room for the header of a segment. */
#define GUEST_SEGMENT_HEADER_MAX 24

/* Writes a segment to 'bytes', which has room for GUEST_SEGMENT_HEADER_MAX
 * bytes more than its data.  Its ports and checksum are 0.  Returns its
 * size. */
size_t guest_segment_write(const struct guest_segment *, uint8_t *bytes);

#endif /* proto/guest/guest-segment.h */
