/* SPDX-License-Identifier: Apache-2.0
 *
 * Parses a packet that is refused, and decides whether its sender gets a TCP
 * reset, an ICMP error or nothing (RFC 1122, section 3.2.2; RFC 4443, section
 * 2.4): that part of include/vmn/packet.h.  Not for what these look like
 * (tcp-reset-message.c, icmp-error-message.c).  Every length is held against
 * what there is before anything is read.
 *
 * Checksums of the refused packet are not looked at: its end may be cut off,
 * and a sender on the same machine may leave them to be filled in later. */

#include <config.h>

#include "vmn/packet.h"

#include <string.h>

#include "csum.h"
#include "packets.h"
#include "proto/packet/packet-bytes.h"
#include "proto/packet/reject-private.h"
#include "util.h"

#define HOP_LIMIT 64

/* IPv6 extension headers that may precede the upper layer's. */
enum { EXT_HOP = 0, EXT_ROUTING = 43, EXT_FRAGMENT = 44, EXT_AH = 51,
       EXT_OPTIONS = 60 };
#define EXT_MAX 16

/* Reading.  Results are why there is no answer, or NULL.  ----------------- */

static const char *const malformed = "malformed";
static const char *const multicast = "multicast";
static const char *const no_host = "source is no host";
static const char *const fragment = "later fragment";
static const char *const error = "ICMP error";

static const char *
read_ipv4(struct refused *r)
{
    const uint8_t *ip = r->ip;
    size_t header, total;

    if (r->ip_size < IPV4_SIZE || ip[0] >> 4 != 4) {
        return malformed;
    }
    header = (ip[0] & 0xf) * 4;
    total = get_u16(ip + 2);
    r->ip_size = MIN(r->ip_size, total); /* Ethernet may have padded the
                                          * packet. */
    if (header < IPV4_SIZE || r->ip_size < header) {
        return malformed;
    }
    if (get_u16(ip + 6) & 0x1fff) {
        return fragment;
    }
    /* Subnet broadcasts are Ethernet broadcasts, too. */
    if (ip[16] >= 224) {
        return multicast;
    }
    if (!ip[12] || ip[12] == 127 || ip[12] >= 224) {
        return no_host;
    }
    r->fragment = get_u16(ip + 6) & 0x2000;
    r->proto = ip[9];
    r->l4 = ip + header;
    r->l4_size = r->ip_size - header;
    r->l4_full_size = total - header;
    return NULL;
}

/* Returns true for :: and ::1. */
static bool
is_reserved(const uint8_t ip6[16])
{
    static const uint8_t zeros[15];

    return !memcmp(ip6, zeros, sizeof zeros) && ip6[15] <= 1;
}

/* Skips to the upper layer's header.  Returns NULL, or why that is not
 * possible. */
static const char *
skip_extensions(struct refused *r)
{
    const uint8_t *next = r->ip + 6;

    for (int i = 0; i < EXT_MAX; i++) {
        size_t size = 8;

        if (r->proto != EXT_HOP && r->proto != EXT_ROUTING
            && r->proto != EXT_OPTIONS && r->proto != EXT_AH
            && r->proto != EXT_FRAGMENT) {
            return NULL;
        }
        if (r->l4_size < 8) {
            return malformed;
        }
        if (r->proto == EXT_AH) {
            size = (r->l4[1] + 2) * 4;
        } else if (r->proto != EXT_FRAGMENT) {
            size = (r->l4[1] + 1) * 8;
        } else if (get_u16(r->l4 + 2) & 0xfff8) {
            return fragment;
        } else {
            r->fragment = get_u16(r->l4 + 2) & 1;
            r->fragment_header = r->l4;
            r->fragment_next = next;
        }
        if (size > r->l4_size) {
            return malformed;
        }
        r->proto = r->l4[0];
        next = r->l4;
        r->l4 += size;
        r->l4_size -= size;
        r->l4_full_size -= size;
    }
    return malformed;
}

static const char *
read_ipv6(struct refused *r)
{
    const uint8_t *ip = r->ip;

    if (r->ip_size < IPV6_SIZE || ip[0] >> 4 != 6) {
        return malformed;
    }
    r->l4_full_size = get_u16(ip + 4);
    r->ip_size = MIN(r->ip_size, IPV6_SIZE + r->l4_full_size);
    if (ip[24] == 0xff) {
        return multicast;
    }
    if (ip[8] == 0xff || is_reserved(ip + 8)) {
        return no_host;
    }
    r->proto = ip[6];
    r->l4 = ip + IPV6_SIZE;
    r->l4_size = r->ip_size - IPV6_SIZE;
    return skip_extensions(r);
}

/* Returns why no error is sent for an ICMP message (RFC 1122; RFC 4443, also
 * for redirects), or NULL. */
static const char *
check_icmp(const struct refused *r)
{
    uint8_t type;

    if (r->l4_size < ICMP_SIZE) {
        return malformed;
    }
    type = r->l4[0];
    return ((r->v6 ? type < 128 || type == 137
             : type == 3 || type == 4 || type == 5 || type == 11
               || type == 12) ? error : NULL);
}

static const char *
check_tcp(const struct refused *r)
{
    size_t header;

    if (r->l4_size < TCP_SIZE) {
        return malformed;
    }
    header = (r->l4[12] >> 4) * 4;
    if (header < TCP_SIZE || header > r->l4_full_size) {
        return malformed;
    }
    /* A reset's acknowledgement would need the segment's length. */
    if (r->fragment && !(r->l4[13] & TCP_ACK)) {
        return "fragment without ACK";
    }
    return r->l4[13] & TCP_RST ? "reset" : NULL;
}

/* Returns true if the reply is a TCP reset, which TCP handles better than an
 * error, if the rejection is permanent. */
static bool
is_reset(const struct refused *r)
{
    return (r->proto == VMN_IP_PROTO_TCP
            && (r->how->reason == VMN_REJECT_PROHIBITED
                || r->how->reason == VMN_REJECT_NO_PORT));
}

static const char *
read_refused(const struct vmn_reject *how, const uint8_t *bytes, size_t size,
             struct refused *r)
{
    uint16_t eth_type;
    const char *why;

    memset(r, 0, sizeof *r);
    r->how = how;
    if (size < ETH_SIZE || bytes[6] & 1) {
        return malformed;
    }
    if (bytes[0] & 1) {
        return multicast;
    }
    eth_type = get_u16(bytes + 12);
    r->eth = bytes;
    r->ip = bytes + ETH_SIZE;
    r->ip_size = size - ETH_SIZE;
    r->v6 = eth_type == VMN_ETH_IPV6;
    why = (r->v6 ? read_ipv6(r)
           : eth_type == VMN_ETH_IPV4 ? read_ipv4(r) : "not IP");
    return (why ? why
            : is_reset(r) ? check_tcp(r)
            : r->proto == (r->v6 ? VMN_IP_PROTO_ICMPV6 : VMN_IP_PROTO_ICMP)
            ? check_icmp(r)
            : NULL);
}

/* Writing.  --------------------------------------------------------------- */

uint8_t *
refused_put_headers(const struct refused *r, uint8_t *buffer, uint8_t proto,
                    size_t size)
{
    const struct vmn_ip *who = &r->how->from;
    const uint8_t *from = who->family ? who->addr : NULL;
    uint8_t *ip = buffer + ETH_SIZE;
    ovs_be16 sum;

    memcpy(buffer, r->eth + 6, 6);
    memcpy(buffer + 6, r->eth, 6);
    memcpy(buffer + 12, r->eth + 12, 2);
    if (r->v6) {
        memset(ip, 0, IPV6_SIZE);
        ip[0] = 0x60;
        put_u16(ip + 4, size_u16(size));
        ip[6] = proto;
        ip[7] = HOP_LIMIT;
        memcpy(ip + 8, from ? from : r->ip + 24, 16);
        memcpy(ip + 24, r->ip + 8, 16);
        return ip + IPV6_SIZE;
    }
    memset(ip, 0, IPV4_SIZE);
    ip[0] = 0x45;
    ip[1] = r->ip[1] & 0xfc;    /* The same DSCP, without ECN. */
    put_u16(ip + 2, size_u16(IPV4_SIZE + size));
    put_u16(ip + 6, 0x4000);    /* Do not fragment. */
    ip[8] = HOP_LIMIT;
    ip[9] = proto;
    memcpy(ip + 12, from ? from : r->ip + 16, 4);
    memcpy(ip + 16, r->ip + 12, 4);
    sum = csum(ip, IPV4_SIZE);
    memcpy(ip + 10, &sum, sizeof sum);
    return ip + IPV4_SIZE;
}

ovs_be16
refused_csum(const struct refused *r, const uint8_t *l4, uint8_t proto,
             size_t size)
{
    /* Both addresses precede it directly. */
    if (r->v6) {
        return csum_with_pseudo(l4 - 32, l4 - 16, 16, proto, l4, size);
    }
    return (proto == VMN_IP_PROTO_TCP
            ? csum_with_pseudo(l4 - 8, l4 - 4, 4, proto, l4, size)
            : csum(l4, size));
}

size_t
vmn_reject_build_as(const struct vmn_reject *how, const uint8_t *bytes,
                    size_t size, uint8_t buffer[VMN_REJECT_SIZE_MAX],
                    const char **why)
{
    struct refused refused;

    *why = read_refused(how, bytes, size, &refused);
    if (!*why && how->from.family
        && how->from.family != (refused.v6 ? 6 : 4)) {
        *why = "answer is of the other family";
    }
    return (*why ? 0
            : is_reset(&refused) ? refused_put_tcp_reset(&refused, buffer)
            : refused_put_icmp_error(&refused, buffer));
}

size_t
vmn_reject_build(const uint8_t *bytes, size_t size,
                 uint8_t buffer[VMN_REJECT_SIZE_MAX], const char **why)
{
    const struct vmn_reject how = { .reason = VMN_REJECT_PROHIBITED };

    return vmn_reject_build_as(&how, bytes, size, buffer, why);
}
