/* SPDX-License-Identifier: Apache-2.0
 *
 * DHCPv4 messages: that part of include/vmn/dhcp.h.  RFC 2131, section 2 (the
 * fixed part), RFC 2132 (options), RFC 3396 (long ones). */

#include <config.h>

#include "vmn/dhcp.h"

#include <string.h>

#include "proto/packet/packet-bytes.h"
#include "util.h"

/* Offsets in a message. */
enum {
    OFS_XID = 4,
    OFS_SECS = 8,
    OFS_FLAGS = 10,
    OFS_CIADDR = 12,
    OFS_YIADDR = 16,
    OFS_SIADDR = 20,
    OFS_GIADDR = 24,
    OFS_CHADDR = 28,
    OFS_SNAME = 44,
    OFS_FILE = 108,
    OFS_COOKIE = 236,
    OFS_OPTIONS = 240,
};
#define SNAME_SIZE 64
#define FILE_SIZE 128
#define CHADDR_SIZE 16
#define BOOTP_SIZE 300          /* Bytes that old clients and relays
                                 * require. */

#define COOKIE 0x63825363
#define BROADCAST 0x8000

#define OPTION_PAD 0
#define OPTION_OVERLOAD 52
#define OPTION_TYPE 53
#define OPTION_END 255

/* Options.  --------------------------------------------------------------- */

/* Reads the next option at '*p', which ends at 'end', and advances '*p'.
 * Returns 1, 0 at the end, or -1 if the option is truncated. */
static int
next_option(const uint8_t **p, const uint8_t *end, uint8_t *code,
            const uint8_t **data, size_t *size)
{
    while (*p < end && **p == OPTION_PAD) {
        ++*p;
    }
    if (*p == end || **p == OPTION_END) {
        return 0;
    }
    if (end - *p < 2 || end - *p - 2 < (*p)[1]) {
        return -1;
    }
    *code = (*p)[0];
    *size = (*p)[1];
    *data = *p + 2;
    *p += 2 + *size;
    return 1;
}

static bool
is_area_whole(const uint8_t *area, size_t area_size)
{
    const uint8_t *p = area, *data;
    size_t size;
    uint8_t code;
    int found;

    do {
        found = next_option(&p, area + area_size, &code, &data, &size);
    } while (found > 0);
    return !found;
}

int
vmn_dhcp4_get(const struct vmn_dhcp4 *dhcp, uint8_t code, uint8_t *buffer,
              size_t room)
{
    size_t total = 0;
    bool there = false;

    for (size_t i = 0; i < ARRAY_SIZE(dhcp->areas); i++) {
        const uint8_t *p = dhcp->areas[i], *data;
        size_t size;
        uint8_t c;

        while (p && next_option(&p, dhcp->areas[i] + dhcp->area_sizes[i], &c,
                                &data, &size) > 0) {
            if (c == code) {
                there = true;
                if (total < room) {
                    memcpy(buffer + total, data, MIN(size, room - total));
                }
                total += size;
            }
        }
    }
    return there ? (int) total : -1;
}

/* Taking apart.  ---------------------------------------------------------- */

static struct vmn_ip
get_ip(const uint8_t *p)
{
    struct vmn_ip ip = { .family = 0 };

    if (get_u32(p)) {
        ip.family = 4;
        memcpy(ip.addr, p, 4);
    }
    return ip;
}

/* Parses options in the fields of names: first the file's, then the server's
 * (RFC 3396, section 5). */
static void
add_overloaded(const uint8_t *bytes, struct vmn_dhcp4 *dhcp)
{
    uint8_t overload = 0;

    vmn_dhcp4_get(dhcp, OPTION_OVERLOAD, &overload, 1);
    if (overload == 1 || overload == 3) {
        dhcp->areas[1] = bytes + OFS_FILE;
        dhcp->area_sizes[1] = FILE_SIZE;
    }
    if (overload == 2 || overload == 3) {
        dhcp->areas[2] = bytes + OFS_SNAME;
        dhcp->area_sizes[2] = SNAME_SIZE;
    }
}

bool
vmn_dhcp4_parse(const uint8_t *bytes, size_t size, struct vmn_dhcp4 *dhcp)
{
    memset(dhcp, 0, sizeof *dhcp);
    if (size < OFS_OPTIONS
        || (bytes[0] != 1 && bytes[0] != 2)
        || bytes[1] != 1 || bytes[2] != 6 /* Ethernet. */
        || get_u32(bytes + OFS_COOKIE) != COOKIE) {
        return false;
    }
    dhcp->areas[0] = bytes + OFS_OPTIONS;
    dhcp->area_sizes[0] = size - OFS_OPTIONS;
    if (!is_area_whole(dhcp->areas[0], dhcp->area_sizes[0])) {
        return false;
    }
    add_overloaded(bytes, dhcp);
    for (size_t i = 1; i < ARRAY_SIZE(dhcp->areas); i++) {
        if (dhcp->areas[i]
            && !is_area_whole(dhcp->areas[i], dhcp->area_sizes[i])) {
            return false;
        }
    }

    dhcp->is_reply = bytes[0] == 2;
    dhcp->xid = get_u32(bytes + OFS_XID);
    dhcp->secs = get_u16(bytes + OFS_SECS);
    dhcp->broadcast = get_u16(bytes + OFS_FLAGS) & BROADCAST;
    dhcp->ciaddr = get_ip(bytes + OFS_CIADDR);
    dhcp->yiaddr = get_ip(bytes + OFS_YIADDR);
    dhcp->siaddr = get_ip(bytes + OFS_SIADDR);
    dhcp->giaddr = get_ip(bytes + OFS_GIADDR);
    memcpy(dhcp->chaddr.ea, bytes + OFS_CHADDR, 6);

    int n = vmn_dhcp4_get(dhcp, OPTION_TYPE, &dhcp->type, 1);

    return n < 0 || (n == 1 && dhcp->type);
}

/* Putting together.  ------------------------------------------------------ */

static void
put_addr(struct vmn_bytes *b, const struct vmn_ip *ip)
{
    if (ip->family) {
        vmn_put_ip(b, ip);
    } else {
        vmn_put_zeros(b, 4);
    }
}

bool
vmn_dhcp4_start(struct vmn_bytes *b, const struct vmn_dhcp4 *dhcp,
                const char *file)
{
    const uint8_t head[4] = { dhcp->is_reply ? 2 : 1, 1, 6, 0 };
    size_t file_size = file ? strlen(file) : 0;

    if (file_size >= FILE_SIZE) {
        file_size = 0;
    }
    vmn_put(b, head, sizeof head);
    vmn_put_u32(b, dhcp->xid);
    vmn_put_u16(b, dhcp->secs);
    vmn_put_u16(b, dhcp->broadcast ? BROADCAST : 0);
    put_addr(b, &dhcp->ciaddr);
    put_addr(b, &dhcp->yiaddr);
    put_addr(b, &dhcp->siaddr);
    put_addr(b, &dhcp->giaddr);
    vmn_put(b, dhcp->chaddr.ea, 6);
    vmn_put_zeros(b, CHADDR_SIZE - 6 + SNAME_SIZE);
    vmn_put(b, file, file_size);
    vmn_put_zeros(b, FILE_SIZE - file_size);
    vmn_put_u32(b, COOKIE);
    return vmn_dhcp4_put(b, OPTION_TYPE, &dhcp->type, 1) && !b->full;
}

bool
vmn_dhcp4_put(struct vmn_bytes *b, uint8_t code, const void *data_,
              size_t size)
{
    const uint8_t *data = data_;
    size_t n_parts = size ? (size + 254) / 255 : 1;

    if (size + 2 * n_parts + 1 > b->room - b->size) {
        return false;
    }
    do {
        size_t part = MIN(size, 255);

        vmn_put_u8(b, code);
        vmn_put_u8(b, (uint8_t) part);
        vmn_put(b, data, part);
        data += part;
        size -= part;
    } while (size);
    return true;
}

void
vmn_dhcp4_end(struct vmn_bytes *b)
{
    vmn_put_u8(b, OPTION_END);
    if (b->size < BOOTP_SIZE) {
        vmn_put_zeros(b, BOOTP_SIZE - b->size);
    }
}
