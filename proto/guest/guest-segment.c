/* SPDX-License-Identifier: Apache-2.0
 *
 * What of a segment gets to lwIP; see guest-segment.h. */

#include <config.h>

#include "proto/guest/guest-segment.h"

#include <string.h>

#include "proto/packet/packet-bytes.h"
#include "util.h"

#define TCP_MIN 20

/* Offsets in a TCP header. */
enum { SEQ = 4, ACK_SEQ = 8, HEADER_LEN = 12, FLAGS = 13, WINDOW = 14 };

/* Kinds of options (RFC 9293, section 3.2). */
enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_MSS = 2, OPTION_MSS_LEN = 4 };

/* The maximum segment size that options say. */
static uint16_t
read_mss(const uint8_t *options, size_t size)
{
    size_t i = 0;

    while (i + 1 < size && options[i] != OPTION_END) {
        size_t len = options[i] == OPTION_NOP ? 1 : options[i + 1];

        if (!len || len > size - i) {
            break;
        }
        if (options[i] == OPTION_MSS && len == OPTION_MSS_LEN) {
            return MAX(get_u16(options + i + 2), GUEST_MSS_MIN);
        }
        i += len;
    }
    return GUEST_MSS_DEFAULT;
}

bool
guest_segment_parse(const uint8_t *bytes, size_t size,
                    struct guest_segment *segment)
{
    const size_t header = (bytes[HEADER_LEN] >> 4) * 4u;
    const uint8_t flags = bytes[FLAGS];

    memset(segment, 0, sizeof *segment);
    segment->seq = get_u32(bytes + SEQ);
    segment->ack = get_u32(bytes + ACK_SEQ);
    segment->window = get_u16(bytes + WINDOW);
    if (flags & GUEST_RST) {
        segment->flags = GUEST_RST;
        return !(flags & (GUEST_SYN | GUEST_FIN));
    } else if (flags & GUEST_SYN) {
        segment->flags = GUEST_SYN;
        segment->ack = 0;
        segment->window = MAX(segment->window, 2 * GUEST_MSS_MIN);
        segment->mss = read_mss(bytes + TCP_MIN, header - TCP_MIN);
        return !(flags & (GUEST_ACK | GUEST_FIN));
    }
    segment->flags = flags & (GUEST_ACK | GUEST_PSH | GUEST_FIN);
    segment->data = bytes + header;
    segment->size = size - header;
    return flags & GUEST_ACK;
}

bool
guest_segment_trim(struct guest_segment *segment, uint32_t next,
                   uint32_t window)
{
    const size_t length = segment->size + !!(segment->flags & GUEST_FIN);
    const uint32_t old = next - segment->seq;

    if (!length || segment->flags & (GUEST_SYN | GUEST_RST)) {
        return true;
    } else if (old > INT32_MAX) {
        return false;           /* It is ahead of 'next'. */
    } else if (old >= length) {
        /* Empty, and of the past, it is acknowledged again. */
        segment->size = 0;
        segment->flags &= ~GUEST_FIN;
        segment->seq = next - 1;
        return true;
    }
    segment->seq = next;
    segment->data += old;
    segment->size -= old;
    return length - old <= window;
}

size_t
guest_segment_write(const struct guest_segment *segment, uint8_t *bytes)
{
    const size_t header = TCP_MIN + (segment->mss ? OPTION_MSS_LEN : 0);

    memset(bytes, 0, header);
    put_u32(bytes + SEQ, segment->seq);
    put_u32(bytes + ACK_SEQ, segment->ack);
    bytes[HEADER_LEN] = (uint8_t) (header / 4 << 4);
    bytes[FLAGS] = segment->flags;
    put_u16(bytes + WINDOW, segment->window);
    if (segment->mss) {
        bytes[TCP_MIN] = OPTION_MSS;
        bytes[TCP_MIN + 1] = OPTION_MSS_LEN;
        put_u16(bytes + TCP_MIN + 2, segment->mss);
    }
    if (segment->size) {
        memcpy(bytes + header, segment->data, segment->size);
    }
    return header + segment->size;
}
