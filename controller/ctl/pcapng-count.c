/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts packets in pcapng; see pcapng-count.h. */

#include <config.h>

#include "controller/ctl/pcapng-count.h"

#include <string.h>

#include "util.h"

/* Types of blocks, and an option (draft-ietf-opsawg-pcapng, sections 4.3 and
 * 4.6). */
#define ENHANCED_PACKET 6
#define INTERFACE_STATISTICS 5
#define ISB_IFDROP 5

#define HEAD_SIZE 8             /* Type and length, */
#define TAIL_SIZE 4             /* and the length again. */
#define BLOCK_MAX (1024 * 1024)
/* Of statistics: what is before the options. */
#define STATISTICS_HEAD (HEAD_SIZE + 12)

static uint32_t
get_u32(const uint8_t *p)
{
    uint32_t value;

    memcpy(&value, p, sizeof value);
    return value;
}

static uint16_t
get_u16(const uint8_t *p)
{
    uint16_t value;

    memcpy(&value, p, sizeof value);
    return value;
}

static void
take_statistics(struct pcapng_count *c)
{
    const uint8_t *p = c->block + STATISTICS_HEAD;
    const uint8_t *end = c->block + MIN(c->size, sizeof c->block) - TAIL_SIZE;
    uint64_t dropped;

    c->has_statistics = true;
    while (end - p >= 4) {
        size_t len = ROUND_UP(get_u16(p + 2), 4);

        if (len > (size_t) (end - p - 4)) {
            return;
        }
        if (get_u16(p) == ISB_IFDROP && len == sizeof dropped) {
            memcpy(&dropped, p + 4, sizeof dropped);
            c->n_dropped += dropped;
        }
        p += 4 + len;
    }
}

static void
take_block(struct pcapng_count *c)
{
    uint32_t type = get_u32(c->block);

    if (type == ENHANCED_PACKET) {
        c->n_packets++;
    } else if (type == INTERFACE_STATISTICS
               && c->size >= STATISTICS_HEAD + TAIL_SIZE) {
        take_statistics(c);
    }
    c->received = c->size = 0;
}

void
pcapng_count(struct pcapng_count *c, const void *bytes_, size_t size)
{
    const uint8_t *bytes = bytes_;

    while (size && !c->is_bad) {
        uint32_t end = c->size ? c->size : HEAD_SIZE;
        size_t n = MIN(size, end - c->received);

        if (c->received < sizeof c->block) {
            memcpy(c->block + c->received, bytes,
                   MIN(n, sizeof c->block - c->received));
        }
        c->received += n;
        bytes += n;
        size -= n;
        if (c->received < end) {
            return;
        } else if (c->size) {
            take_block(c);
            continue;
        }
        c->size = get_u32(c->block + 4);
        c->is_bad = (c->size < HEAD_SIZE + TAIL_SIZE || c->size % 4
                     || c->size > BLOCK_MAX);
    }
}
