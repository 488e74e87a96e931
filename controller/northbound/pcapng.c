/* SPDX-License-Identifier: Apache-2.0
 *
 * Blocks of pcapng; see pcapng.h.  Sections named here are those of
 * draft-ietf-opsawg-pcapng. */

#include <config.h>

#include "controller/northbound/pcapng.h"

#include <string.h>

#include "openvswitch/ofpbuf.h"
#include "util.h"

/* Types of blocks (section 11.1). */
#define SECTION_HEADER 0x0a0d0d0a
#define INTERFACE_DESCRIPTION 1
#define INTERFACE_STATISTICS 5
#define ENHANCED_PACKET 6

#define BYTE_ORDER_MAGIC 0x1a2b3c4d
#define LINKTYPE_ETHERNET 1

/* Options (section 3.5 and those of the blocks). */
#define OPT_END 0
#define SHB_USERAPPL 4
#define IF_NAME 2
#define IF_DESCRIPTION 3
#define EPB_FLAGS 2
#define ISB_STARTTIME 2
#define ISB_ENDTIME 3
#define ISB_IFRECV 4
#define ISB_IFDROP 5

/* Direction in the flags word (section 4.3.1). */
#define FLAG_INBOUND 1
#define FLAG_OUTBOUND 2

static void
put_u16(struct ofpbuf *b, uint16_t value)
{
    ofpbuf_put(b, &value, sizeof value);
}

static void
put_u32(struct ofpbuf *b, uint32_t value)
{
    ofpbuf_put(b, &value, sizeof value);
}

/* Everything is padded to 32 bits. */
static void
put_padded(struct ofpbuf *b, const void *data, size_t size)
{
    ofpbuf_put(b, data, size);
    ofpbuf_put_zeros(b, ROUND_UP(size, 4) - size);
}

static void
put_option(struct ofpbuf *b, uint16_t code, const void *value, size_t size)
{
    put_u16(b, code);
    put_u16(b, size);
    put_padded(b, value, size);
}

/* What is longer than an option may be is cut off. */
static void
put_text(struct ofpbuf *b, uint16_t code, const char *text)
{
    put_option(b, code, text, MIN(strlen(text), UINT16_MAX));
}

static void
put_u64_option(struct ofpbuf *b, uint16_t code, uint64_t value)
{
    put_option(b, code, &value, sizeof value);
}

/* A time is in two words, the upper one first, in either byte order. */
static void
put_time(struct ofpbuf *b, int64_t us)
{
    put_u32(b, (uint64_t) us >> 32);
    put_u32(b, us);
}

static void
put_time_option(struct ofpbuf *b, uint16_t code, int64_t us)
{
    put_u16(b, code);
    put_u16(b, 8);
    put_time(b, us);
}

/* Begins a block, and returns where it does. */
static size_t
begin(struct ofpbuf *b, uint32_t type)
{
    size_t start = b->size;

    put_u32(b, type);
    put_u32(b, 0);
    return start;
}

/* Ends its options, if it has any, and the block, whose length is at both
 * ends. */
static void
end(struct ofpbuf *b, size_t start)
{
    uint32_t size;

    put_u16(b, OPT_END);
    put_u16(b, 0);
    size = b->size + sizeof size - start;
    put_u32(b, size);
    memcpy((char *) b->data + start + sizeof(uint32_t), &size, sizeof size);
}

void
pcapng_put_section(struct ofpbuf *b, const char *application)
{
    size_t start = begin(b, SECTION_HEADER);

    put_u32(b, BYTE_ORDER_MAGIC);
    put_u16(b, 1);              /* Version 1.0. */
    put_u16(b, 0);
    put_u32(b, UINT32_MAX);     /* The section's length is not known. */
    put_u32(b, UINT32_MAX);
    put_text(b, SHB_USERAPPL, application);
    end(b, start);
}

void
pcapng_put_interface(struct ofpbuf *b, const char *name,
                     const char *description)
{
    size_t start = begin(b, INTERFACE_DESCRIPTION);

    put_u16(b, LINKTYPE_ETHERNET);
    put_u16(b, 0);
    put_u32(b, 0);              /* Packets may be of any length. */
    put_text(b, IF_NAME, name);
    if (description) {
        put_text(b, IF_DESCRIPTION, description);
    }
    end(b, start);
}

void
pcapng_put_packet(struct ofpbuf *b, const struct pcapng_packet *packet)
{
    const uint32_t flags = packet->outbound ? FLAG_OUTBOUND : FLAG_INBOUND;
    size_t start = begin(b, ENHANCED_PACKET);

    put_u32(b, packet->interface);
    put_time(b, packet->time_us);
    put_u32(b, packet->size);
    put_u32(b, MAX(packet->size, packet->full_size));
    put_padded(b, packet->bytes, packet->size);
    put_option(b, EPB_FLAGS, &flags, sizeof flags);
    end(b, start);
}

void
pcapng_put_statistics(struct ofpbuf *b, const struct pcapng_statistics *stats)
{
    size_t start = begin(b, INTERFACE_STATISTICS);

    put_u32(b, stats->interface);
    put_time(b, stats->end_us);
    put_time_option(b, ISB_STARTTIME, stats->start_us);
    put_time_option(b, ISB_ENDTIME, stats->end_us);
    put_u64_option(b, ISB_IFRECV, stats->n_received);
    put_u64_option(b, ISB_IFDROP, stats->n_dropped);
    end(b, start);
}
