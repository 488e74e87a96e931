/* SPDX-License-Identifier: Apache-2.0
 *
 * DHCPv6 messages: that part of include/vmn/dhcp.h.  RFC 8415, sections 8 and
 * 21. */

#include <config.h>

#include "vmn/dhcp.h"

#include <string.h>

#include "proto/packet/packet-bytes.h"
#include "util.h"

#define HEADER_SIZE 4
#define TYPE_RELAY_FORW 12
#define TYPE_RELAY_REPL 13

bool
vmn_dhcp6_next(const uint8_t **options, size_t *size,
               struct vmn_dhcp6_option *option)
{
    const uint8_t *p = *options;

    if (*size < 4 || get_u16(p + 2) > *size - 4) {
        return false;
    }
    option->code = get_u16(p);
    option->size = get_u16(p + 2);
    option->data = p + 4;
    *options += 4 + option->size;
    *size -= 4 + option->size;
    return true;
}

bool
vmn_dhcp6_find(const uint8_t *options, size_t size, uint16_t code,
               struct vmn_dhcp6_option *option)
{
    struct vmn_dhcp6_option next;

    while (vmn_dhcp6_next(&options, &size, &next)) {
        if (next.code == code) {
            *option = next;
            return true;
        }
    }
    return false;
}

/* Returns the bytes of an option before the options that it holds, or -1 if it
 * holds none. */
static int
own_size(uint16_t code)
{
    switch (code) {
    case VMN_DHCP6_IA_NA:
    case VMN_DHCP6_IA_PD:
        return VMN_DHCP6_IA_NA_SIZE;
    case VMN_DHCP6_IA_TA:
        return VMN_DHCP6_IA_TA_SIZE;
    case VMN_DHCP6_IAADDR:
        return VMN_DHCP6_IAADDR_SIZE;
    default:
        return -1;
    }
}

/* Returns true if no option is truncated, including those inside of others
 * down to 'depth' levels: an address is in an association, and holds a
 * status. */
static bool
are_whole(const uint8_t *options, size_t size, int depth)
{
    struct vmn_dhcp6_option option;

    while (size) {
        if (!vmn_dhcp6_next(&options, &size, &option)) {
            return false;
        }

        int own = own_size(option.code);

        if (own >= 0 && depth
            && (option.size < (size_t) own
                || !are_whole(option.data + own, option.size - own,
                              depth - 1))) {
            return false;
        }
    }
    return true;
}

bool
vmn_dhcp6_parse(const uint8_t *bytes, size_t size, struct vmn_dhcp6 *dhcp)
{
    if (size < HEADER_SIZE || bytes[0] == TYPE_RELAY_FORW
        || bytes[0] == TYPE_RELAY_REPL
        || !are_whole(bytes + HEADER_SIZE, size - HEADER_SIZE, 2)) {
        return false;
    }
    dhcp->type = bytes[0];
    dhcp->xid = get_u32(bytes) & 0xffffff;
    dhcp->options = bytes + HEADER_SIZE;
    dhcp->options_size = size - HEADER_SIZE;
    return true;
}

bool
vmn_dhcp6_start(struct vmn_bytes *b, uint8_t type, uint32_t xid)
{
    return vmn_put_u32(b, (uint32_t) type << 24 | (xid & 0xffffff));
}

bool
vmn_dhcp6_put(struct vmn_bytes *b, uint16_t code, const void *data,
              size_t size)
{
    if (size > UINT16_MAX || size + 4 > b->room - b->size) {
        return false;
    }
    vmn_put_u16(b, code);
    vmn_put_u16(b, (uint16_t) size);
    vmn_put(b, data, size);
    return true;
}

size_t
vmn_dhcp6_open(struct vmn_bytes *b, uint16_t code)
{
    size_t opened = b->size;

    vmn_put_u16(b, code);
    vmn_put_u16(b, 0);
    return opened;
}

bool
vmn_dhcp6_close(struct vmn_bytes *b, size_t opened)
{
    size_t size = b->size - opened;

    if (b->full || size < 4 || size - 4 > UINT16_MAX) {
        b->size = opened;
        b->full = false;
        return false;
    }
    vmn_set_u16(b, opened + 2, (uint16_t) (size - 4));
    return true;
}
