/* SPDX-License-Identifier: Apache-2.0
 *
 * Text forms of addresses and port ranges; see value.h. */

#include <config.h>

#include "controller/schema/value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"
#include "vmn/vocabulary.h"

int
value_parse_mac(const char *text, struct vmn_mac *mac, struct vmn_error *error)
{
    struct vmn_mac result;

    for (int i = 0; i < 6; i++) {
        bool ok = isxdigit((unsigned char) text[0])
                  && isxdigit((unsigned char) text[1])
                  && text[2] == (i < 5 ? ':' : '\0');
        if (!ok) {
            return vmn_error_invalid(error, "must be a MAC address such as "
                                     "\"02:00:00:00:00:01\"");
        }
        result.ea[i] = hexit_value(text[0]) << 4 | hexit_value(text[1]);
        text += 3;
    }
    if (value_mac_is_none(result)) {
        return vmn_error_invalid(error, "must not be the zero MAC address");
    }
    if (result.ea[0] & 1) {
        return vmn_error_invalid(error,
                                 "must be a unicast MAC address: the lowest "
                                 "bit of its first byte is set");
    }
    *mac = result;
    return 0;
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

bool
value_mac_is_reserved(struct vmn_mac mac)
{
    uint32_t prefix = mac.ea[0] << 16 | mac.ea[1] << 8 | mac.ea[2];

    return (prefix == VMN_RESERVED_MAC_SERVICE
            || prefix == VMN_RESERVED_MAC_FLOATING
            || prefix == VMN_RESERVED_MAC_VIP);
}

/* Parses an address of any kind.  'what' names it in errors. */
static int
parse_any_ip(const char *text, const char *what, struct vmn_ip *ip,
             struct vmn_error *error)
{
    bool v6 = strchr(text, ':') != NULL;
    struct vmn_ip result = { .family = v6 ? 6 : 4 };

    if (inet_pton(v6 ? AF_INET6 : AF_INET, text, result.addr) != 1) {
        return vmn_error_invalid(error, "must be %s", what);
    }
    *ip = result;
    return 0;
}

/* Returns true unless the address is unspecified or loopback (RFC 4291,
 * section 2.5), multicast, or an IPv4-mapped address (section 2.5.5.2). */
static bool
is_unicast_ipv6(const uint8_t addr[16])
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    static const uint8_t zeros[15];

    return addr[0] != 0xff && memcmp(addr, mapped, sizeof mapped)
           && (memcmp(addr, zeros, sizeof zeros) || addr[15] > 1);
}

bool
value_ip_is_unicast(const struct vmn_ip *ip)
{
    return ip->family == 6 ? is_unicast_ipv6(ip->addr)
           : ip->addr[0] != 0 && ip->addr[0] < 224;
}

bool
value_ip_is_group(const struct vmn_ip *ip)
{
    static const uint8_t all[4] = { 0xff, 0xff, 0xff, 0xff };

    return (ip->family == 6 ? ip->addr[0] == 0xff
            : ((ip->addr[0] & 0xf0) == 0xe0
               || !memcmp(ip->addr, all, sizeof all)));
}

bool
value_ip_is_zero(const struct vmn_ip *ip)
{
    static const uint8_t zeros[16];

    return !memcmp(ip->addr, zeros, ip->family == 6 ? 16 : 4);
}

bool
value_ip_is_served(const struct vmn_ip *ip)
{
    static const struct vmn_ip served[] = {
        { 4, { 169, 254, 0, 7 } }, { 4, { 169, 254, 0, 53 } },
        { 4, { 169, 254, 0, 67 } }, { 4, { 169, 254, 169, 254 } },
        { 6, { 0xfe, 0x80, [12] = 0xa9, 0xfe, 0xa9, 0xfe } },
    };
    const uint8_t *a = ip->addr;
    struct vmn_mac mac = { { a[8] ^ 2, a[9], a[10], a[13], a[14], a[15] } };
    struct vmn_ip local = vmn_link_local(mac);

    for (size_t i = 0; i < ARRAY_SIZE(served); i++) {
        if (vmn_ip_equal(ip, &served[i])) {
            return true;
        }
    }
    return vmn_ip_equal(ip, &local) && value_mac_is_reserved(mac);
}

int
value_parse_any_ip(const char *text, struct vmn_ip *ip,
                   struct vmn_error *error)
{
    return parse_any_ip(text, "an address such as \"10.0.0.1\" or "
                        "\"fd00::1\"", ip, error);
}

int
value_parse_ip(const char *text, struct vmn_ip *ip, struct vmn_error *error)
{
    struct vmn_ip result;

    if (value_parse_any_ip(text, &result, error)) {
        return EINVAL;
    }
    if (!value_ip_is_unicast(&result)) {
        return vmn_error_invalid(error, "must be a unicast address");
    }
    *ip = result;
    return 0;
}

/* Does what inet_ntop() does for IPv4, which each change of a port needs a
 * dozen times. */
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

int
value_ip_bits(uint8_t family)
{
    return family == 6 ? 128 : 32;
}

/* Parses a prefix length, 0 to 'max'.  Returns -1 if it is invalid. */
static int
parse_len(const char *text, int max)
{
    size_t len = strlen(text);

    if (len < 1 || len > 3 || strspn(text, "0123456789") != len
        || (len > 1 && text[0] == '0')) {
        return -1;
    }

    int value = atoi(text);
    return value <= max ? value : -1;
}

/* Clears all bits after the first 'len'. */
static void
clear_host_bits(struct vmn_ip *ip, int len)
{
    for (int i = len / 8; i < 16; i++) {
        ip->addr[i] &= i == len / 8 ? 0xff00 >> len % 8 : 0;
    }
}

static bool
is_unspecified(const struct vmn_ip *ip)
{
    const struct vmn_ip none = { .family = ip->family };

    return !memcmp(ip, &none, sizeof none);
}

static int
check_host_bits(const struct vmn_prefix *prefix, struct vmn_error *error)
{
    struct vmn_prefix net = *prefix;
    char buf[VALUE_PREFIX_SIZE];

    clear_host_bits(&net.ip, net.len);
    return !memcmp(&net.ip, &prefix->ip, sizeof net.ip) ? 0
           : vmn_error_invalid(error, "has host bits: the prefix is \"%s\"",
                               value_format_prefix(&net, buf));
}

int
value_parse_prefix(const char *text, bool zero_ok, struct vmn_prefix *prefix,
                   struct vmn_error *error)
{
    static const char what[] = "a prefix such as \"10.0.0.0/24\" or "
                               "\"fd00::/64\"";
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t) (slash - text) : strlen(text);
    char address[VALUE_IP_SIZE];
    struct vmn_prefix result;

    if (len >= sizeof address) {
        return vmn_error_invalid(error, "must be %s", what);
    }
    memcpy(address, text, len);
    address[len] = '\0';
    if (parse_any_ip(address, what, &result.ip, error)) {
        return EINVAL;
    }

    int max = value_ip_bits(result.ip.family);
    int prefix_len = slash ? parse_len(slash + 1, max) : max;

    if (!slash && !zero_ok && is_unspecified(&result.ip)) {
        return vmn_error_invalid(error,
                                 "must be a prefix: write \"%s/0\" for all "
                                 "addresses", address);
    }
    if (prefix_len < 0) {
        return vmn_error_invalid(error,
                                 "must end with a length from \"/0\" to "
                                 "\"/%d\"", max);
    }
    result.len = prefix_len;
    if (check_host_bits(&result, error)) {
        return EINVAL;
    }
    *prefix = result;
    return 0;
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
    struct vmn_ip net = *ip;

    clear_host_bits(&net, prefix->len);
    return !memcmp(&net, &prefix->ip, sizeof net);
}

bool
value_prefix_overlaps(const struct vmn_prefix *a, const struct vmn_prefix *b)
{
    return a->len <= b->len ? value_prefix_contains(a, &b->ip)
                            : value_prefix_contains(b, &a->ip);
}

bool
value_prefix_index(const struct vmn_prefix *prefix, const struct vmn_ip *ip,
                   uint64_t *index)
{
    int n_bytes = value_ip_bits(ip->family) / 8;
    uint64_t value = 0;

    if (!value_prefix_contains(prefix, ip)) {
        return false;
    }
    for (int i = 0; i < n_bytes; i++) {
        if (value > INT64_MAX >> 8) {
            return false;
        }
        value = value << 8 | (ip->addr[i] ^ prefix->ip.addr[i]);
    }
    *index = value;
    return true;
}

struct vmn_ip
value_prefix_nth(const struct vmn_prefix *prefix, uint64_t index)
{
    struct vmn_ip ip = prefix->ip;

    for (int i = value_ip_bits(ip.family) / 8 - 1; index; i--) {
        ip.addr[i] |= index;
        index >>= 8;
    }
    return ip;
}

void
value_prefix_usable(const struct vmn_prefix *prefix, uint64_t *first,
                    uint64_t *last)
{
    int n_bits = value_ip_bits(prefix->ip.family) - prefix->len;

    *first = n_bits > 1;
    *last = n_bits >= 32 ? UINT32_MAX : (UINT32_C(1) << n_bits) - 1;
    *last -= n_bits > 1 && prefix->ip.family == 4;
}

bool
value_prefix_is_reserved(const struct vmn_prefix *prefix,
                         const struct vmn_ip *ip)
{
    uint64_t first, last, index;

    value_prefix_usable(prefix, &first, &last);
    return value_prefix_index(prefix, ip, &index)
           && (index < first
               || (prefix->ip.family == 4 && index > last));
}

/* Parses a port number in 'len' characters at 'text'.  Returns 0 if it is
 * invalid. */
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

int
value_parse_range(const char *text, struct vmn_port_range *range,
                  struct vmn_error *error)
{
    const char *dash = strchr(text, '-');
    struct vmn_port_range result;

    result.first = parse_port(text, dash ? (size_t) (dash - text)
                                         : strlen(text));
    result.last = dash ? parse_port(dash + 1, strlen(dash + 1))
                       : result.first;
    if (!result.first || !result.last) {
        return vmn_error_invalid(error,
                                 "must be a port (\"80\") or a range of "
                                 "ports (\"8000-8010\") from 1 to 65535");
    }
    if (result.first > result.last) {
        return vmn_error_invalid(error,
                                 "must be a range whose first port is not "
                                 "above its last");
    }
    *range = result;
    return 0;
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
