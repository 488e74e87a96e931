/* SPDX-License-Identifier: Apache-2.0
 *
 * See path-probe.h.  A frame has the EtherType for local experiments (IEEE Std
 * 802, 9.2.3), then a magic number, and what it is; the rest is zeros. */

#include <config.h>

#include "controller/paths/path-probe.h"

#include <string.h>

#include "util.h"
#include "vmn/types.h"
#include "vmn/vocabulary.h"

#define ETH_TYPE 0x88b5
#define MAGIC 0x564d4e50        /* "VMNP" */
/* The first bytes of a source address, whose others are a host's number. */
#define SRC_PREFIX 0x0e56

enum {
    OFS_DST = 0,
    OFS_SRC = 6,
    OFS_NUMBER = 8,
    OFS_TYPE = 12,
    OFS_MAGIC = 14,
    OFS_SENDER = 18,
    OFS_INDEX = 22,
    OFS_NONCE = 24,
    OFS_END = 32,
};
BUILD_ASSERT_DECL(OFS_END <= VMN_PATH_FRAME_MIN);

static void
put16(uint8_t *to, uint16_t value)
{
    to[0] = value >> 8;
    to[1] = value & 0xff;
}

static void
put32(uint8_t *to, uint32_t value)
{
    put16(to, value >> 16);
    put16(to + 2, value & 0xffff);
}

static uint32_t
get16(const uint8_t *from)
{
    return (uint32_t) from[0] << 8 | from[1];
}

static uint32_t
get32(const uint8_t *from)
{
    return get16(from) << 16 | get16(from + 2);
}

void
path_probe_write(const struct path_probe *probe, bool request,
                 uint32_t return_to, uint8_t *frame, size_t size)
{
    static const struct vmn_mac to_host = VMN_PATH_MAC_REQUEST;
    static const struct vmn_mac to_vmnd = VMN_PATH_MAC_REPLY;

    memset(frame, 0, size);
    memcpy(frame + OFS_DST, request ? &to_host : &to_vmnd, 6);
    put16(frame + OFS_SRC, SRC_PREFIX);
    put32(frame + OFS_NUMBER, return_to);
    put16(frame + OFS_TYPE, ETH_TYPE);
    put32(frame + OFS_MAGIC, MAGIC);
    put32(frame + OFS_SENDER, probe->sender);
    put16(frame + OFS_INDEX, probe->index);
    put32(frame + OFS_NONCE, probe->nonce >> 32);
    put32(frame + OFS_NONCE + 4, probe->nonce & UINT32_MAX);
}

bool
path_probe_read(const uint8_t *frame, size_t size, struct path_probe *probe)
{
    static const struct vmn_mac to_vmnd = VMN_PATH_MAC_REPLY;

    if (size < OFS_END || memcmp(frame + OFS_DST, &to_vmnd, 6)
        || get16(frame + OFS_TYPE) != ETH_TYPE
        || get32(frame + OFS_MAGIC) != MAGIC) {
        return false;
    }
    probe->sender = get32(frame + OFS_SENDER);
    probe->index = get16(frame + OFS_INDEX);
    probe->nonce = (uint64_t) get32(frame + OFS_NONCE) << 32
                   | get32(frame + OFS_NONCE + 4);
    return true;
}
