/* SPDX-License-Identifier: Apache-2.0
 *
 * Text forms of addresses and port ranges; see value.h. */

#include <config.h>

#include "controller/schema/value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

char *
value_parse_mac(const char *text, struct vmn_mac *mac)
{
    struct vmn_mac result;

    for (int i = 0; i < 6; i++) {
        bool ok = isxdigit((unsigned char) text[0])
                  && isxdigit((unsigned char) text[1])
                  && text[2] == (i < 5 ? ':' : '\0');
        if (!ok) {
            return xstrdup("must be a MAC address such as "
                           "\"02:00:00:00:00:01\"");
        }
        result.ea[i] = hexit_value(text[0]) << 4 | hexit_value(text[1]);
        text += 3;
    }
    if (value_mac_is_none(result)) {
        return xstrdup("must not be the zero MAC address");
    }
    if (result.ea[0] & 1) {
        return xstrdup("must be a unicast MAC address: the lowest bit of its "
                       "first byte is set");
    }
    *mac = result;
    return NULL;
}

char *
value_format_mac(struct vmn_mac mac, char buf[VALUE_MAC_SIZE])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < sizeof mac.ea; i++) {
        buf[3 * i] = digits[mac.ea[i] >> 4];
        buf[3 * i + 1] = digits[mac.ea[i] & 15];
        buf[3 * i + 2] = ':';
    }
    buf[VALUE_MAC_SIZE - 1] = '\0';
    return buf;
}

bool
value_mac_is_none(struct vmn_mac mac)
{
    static const struct vmn_mac none;

    return !memcmp(&mac, &none, sizeof none);
}

uint32_t
value_ip_to_u32(const struct vmn_ip *ip)
{
    return (uint32_t) ip->addr[0] << 24 | (uint32_t) ip->addr[1] << 16
           | (uint32_t) ip->addr[2] << 8 | ip->addr[3];
}

struct vmn_ip
value_ip_from_u32(uint32_t addr)
{
    struct vmn_ip ip = { .family = 4 };

    ip.addr[0] = addr >> 24;
    ip.addr[1] = addr >> 16;
    ip.addr[2] = addr >> 8;
    ip.addr[3] = addr;
    return ip;
}

/* Parses an IPv4 address of any kind.  'what' says what is expected. */
static char *
parse_ipv4(const char *text, const char *what, struct vmn_ip *ip)
{
    struct vmn_ip result = { .family = 4 };

    if (strchr(text, ':')) {
        return xstrdup("must be IPv4: IPv6 is not supported yet");
    }
    if (inet_pton(AF_INET, text, result.addr) != 1) {
        return xasprintf("must be %s", what);
    }
    *ip = result;
    return NULL;
}

bool
value_ip_is_unicast(const struct vmn_ip *ip)
{
    return ip->addr[0] != 0 && ip->addr[0] < 224;
}

char *
value_parse_ip(const char *text, struct vmn_ip *ip)
{
    struct vmn_ip result;
    char *error = parse_ipv4(text, "an IPv4 address such as \"10.0.0.1\"",
                             &result);

    if (error) {
        return error;
    }
    if (!value_ip_is_unicast(&result)) {
        return xstrdup("must be a unicast IPv4 address");
    }
    *ip = result;
    return NULL;
}

/* inet_ntop() for IPv4, which every change of a port needs a dozen times. */
static void
format_ipv4(const uint8_t addr[4], char *p)
{
    for (int i = 0; i < 4; i++) {
        if (addr[i] >= 100) {
            *p++ = '0' + addr[i] / 100;
        }
        if (addr[i] >= 10) {
            *p++ = '0' + addr[i] / 10 % 10;
        }
        *p++ = '0' + addr[i] % 10;
        *p++ = i < 3 ? '.' : '\0';
    }
}

char *
value_format_ip(const struct vmn_ip *ip, char buf[VALUE_IP_SIZE])
{
    if (ip->family != 6) {
        format_ipv4(ip->addr, buf);
    } else if (!inet_ntop(AF_INET6, ip->addr, buf, VALUE_IP_SIZE)) {
        buf[0] = '\0';
    }
    return buf;
}

static uint32_t
prefix_mask(uint8_t len)
{
    return len ? UINT32_MAX << (32 - len) : 0;
}

/* Parses the length of a prefix, 0 to 32, or returns -1. */
static int
parse_len(const char *text)
{
    size_t len = strlen(text);

    if (len < 1 || len > 2 || strspn(text, "0123456789") != len
        || (len == 2 && text[0] == '0')) {
        return -1;
    }

    int value = atoi(text);
    return value <= 32 ? value : -1;
}

char *
value_parse_prefix(const char *text, bool host_ok, struct vmn_prefix *prefix)
{
    static const char what[] = "an IPv4 prefix such as \"10.0.0.0/24\"";
    const char *slash = strchr(text, '/');
    struct vmn_prefix result = { .len = 32 };
    char address[VALUE_IP_SIZE];
    char *error;

    if (!slash && !host_ok && !strchr(text, ':')) {
        error = parse_ipv4(text, what, &result.ip);
        return error ? error
               : xasprintf("must be a prefix: write \"%s/32\" for one "
                           "address", text);
    }

    size_t len = slash ? (size_t) (slash - text) : strlen(text);
    if (len >= sizeof address) {
        return xasprintf("must be %s", what);
    }
    memcpy(address, text, len);
    address[len] = '\0';
    error = parse_ipv4(address, what, &result.ip);
    if (error) {
        return error;
    }
    if (slash) {
        int prefix_len = parse_len(slash + 1);

        if (prefix_len < 0) {
            return xstrdup("must end with a length from \"/0\" to \"/32\"");
        }
        result.len = prefix_len;
    }

    uint32_t addr = value_ip_to_u32(&result.ip);
    if (addr & ~prefix_mask(result.len)) {
        struct vmn_ip net = value_ip_from_u32(addr
                                              & prefix_mask(result.len));
        char buf[VALUE_IP_SIZE];

        return xasprintf("has host bits: the prefix is \"%s/%d\"",
                         value_format_ip(&net, buf), result.len);
    }
    *prefix = result;
    return NULL;
}

char *
value_format_prefix(const struct vmn_prefix *prefix,
                    char buf[VALUE_PREFIX_SIZE])
{
    char ip[VALUE_IP_SIZE];

    snprintf(buf, VALUE_PREFIX_SIZE, "%s/%d", value_format_ip(&prefix->ip, ip),
             prefix->len);
    return buf;
}

bool
value_prefix_contains(const struct vmn_prefix *prefix,
                      const struct vmn_ip *ip)
{
    return prefix->ip.family == ip->family
           && !((value_ip_to_u32(&prefix->ip) ^ value_ip_to_u32(ip))
                & prefix_mask(prefix->len));
}

bool
value_prefix_overlaps(const struct vmn_prefix *a, const struct vmn_prefix *b)
{
    return a->len <= b->len ? value_prefix_contains(a, &b->ip)
                            : value_prefix_contains(b, &a->ip);
}

void
value_prefix_bounds(const struct vmn_prefix *prefix, uint32_t *first,
                    uint32_t *last)
{
    *first = value_ip_to_u32(&prefix->ip);
    *last = *first | ~prefix_mask(prefix->len);
}

bool
value_prefix_is_reserved(const struct vmn_prefix *prefix,
                         const struct vmn_ip *ip)
{
    uint32_t addr = value_ip_to_u32(ip);
    uint32_t first, last;

    if (prefix->len > 30) {
        return false;
    }
    value_prefix_bounds(prefix, &first, &last);
    return addr == first || addr == last;
}

/* Parses a port number in 'len' characters at 'text', or returns 0. */
static uint16_t
parse_port(const char *text, size_t len)
{
    unsigned port = 0;

    if (len < 1 || len > 5 || text[0] == '0') {
        return 0;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return 0;
        }
        port = port * 10 + (text[i] - '0');
    }
    return port <= UINT16_MAX ? port : 0;
}

char *
value_parse_range(const char *text, struct vmn_port_range *range)
{
    const char *dash = strchr(text, '-');
    struct vmn_port_range result;

    result.first = parse_port(text, dash ? (size_t) (dash - text)
                                         : strlen(text));
    result.last = dash ? parse_port(dash + 1, strlen(dash + 1))
                       : result.first;
    if (!result.first || !result.last) {
        return xstrdup("must be a port (\"80\") or a range of ports "
                       "(\"8000-8010\") from 1 to 65535");
    }
    if (result.first > result.last) {
        return xstrdup("must be a range whose first port is not above its "
                       "last");
    }
    *range = result;
    return NULL;
}

char *
value_format_range(struct vmn_port_range range, char buf[VALUE_RANGE_SIZE])
{
    if (range.first == range.last) {
        snprintf(buf, VALUE_RANGE_SIZE, "%u", range.first);
    } else {
        snprintf(buf, VALUE_RANGE_SIZE, "%u-%u", range.first, range.last);
    }
    return buf;
}
