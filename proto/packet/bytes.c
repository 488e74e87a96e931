/* SPDX-License-Identifier: Apache-2.0
 *
 * include/vmn/bytes.h. */

#include <config.h>

#include "vmn/bytes.h"

#include <string.h>

#include "proto/packet/packet-bytes.h"

#define LABEL_MAX 63
#define NAME_MAX_SIZE 255       /* In wire format. */

/* Returns room for 'size' more bytes, or NULL. */
static uint8_t *
take(struct vmn_bytes *b, size_t size)
{
    uint8_t *p = b->data + b->size;

    if (size > b->room - b->size) {
        b->full = true;
        return NULL;
    }
    b->size += size;
    return p;
}

bool
vmn_put(struct vmn_bytes *b, const void *data, size_t size)
{
    uint8_t *p = take(b, size);

    if (p && size) {
        memcpy(p, data, size);
    }
    return p != NULL;
}

bool
vmn_put_zeros(struct vmn_bytes *b, size_t size)
{
    uint8_t *p = take(b, size);

    if (p) {
        memset(p, 0, size);
    }
    return p != NULL;
}

bool
vmn_put_u8(struct vmn_bytes *b, uint8_t value)
{
    return vmn_put(b, &value, 1);
}

bool
vmn_put_u16(struct vmn_bytes *b, uint16_t value)
{
    uint8_t *p = take(b, 2);

    if (p) {
        put_u16(p, value);
    }
    return p != NULL;
}

bool
vmn_put_u32(struct vmn_bytes *b, uint32_t value)
{
    uint8_t *p = take(b, 4);

    if (p) {
        put_u32(p, value);
    }
    return p != NULL;
}

bool
vmn_put_ip(struct vmn_bytes *b, const struct vmn_ip *ip)
{
    return vmn_put(b, ip->addr, ip->family == 6 ? 16 : 4);
}

bool
vmn_put_name(struct vmn_bytes *b, const char *name)
{
    size_t start = b->size;

    while (*name) {
        size_t len = strcspn(name, ".");

        if (!len || len > LABEL_MAX || !vmn_put_u8(b, (uint8_t) len)
            || !vmn_put(b, name, len)) {
            break;
        }
        name += len;
        name += *name == '.';
    }
    if (*name || b->size == start || b->size - start >= NAME_MAX_SIZE
        || !vmn_put_u8(b, 0)) {
        b->size = start;
        b->full = true;
        return false;
    }
    return true;
}

void
vmn_set_u16(struct vmn_bytes *b, size_t at, uint16_t value)
{
    if (at < b->size && b->size - at >= 2) {
        put_u16(b->data + at, value);
    }
}
