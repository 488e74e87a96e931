/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes ICMP errors: destination unreachable, time exceeded, and packet too
 * big (RFC 792; RFC 1812, sections 4.3.2 and 5.2.7.1; RFC 4443, section 3).
 * Which packets get one is decided in reject-message.c. */

#include <config.h>

#include "proto/packet/reject-private.h"

#include <string.h>

#include "csum.h"
#include "packets.h"
#include "proto/packet/packet-bytes.h"
#include "util.h"

/* Bytes of an ICMP error that every host accepts, IP header included. */
#define IPV4_ERROR_MAX 576      /* RFC 1812, section 4.3.2.3. */
#define IPV6_ERROR_MAX 1280     /* RFC 4443, section 2.4 (c). */

#define MORE_FRAGMENTS 0x20     /* In the 7th byte of IPv4's header. */
#define FRAGMENT_HEADER_SIZE 8  /* RFC 8200, section 4.5. */

BUILD_ASSERT_DECL(VMN_REJECT_SIZE_MAX == ETH_SIZE + IPV6_ERROR_MAX);
BUILD_ASSERT_DECL(VMN_REJECT_QUOTED_MAX
                  == ETH_SIZE + IPV6_ERROR_MAX - IPV6_SIZE - ICMP_SIZE);

/* Types and codes of ICMP errors.  Code 13 of destination unreachable is what
 * RFC 1812 prescribes for filters; Linux treats it as a hard error
 * (EHOSTUNREACH), as it does code 10. */
static const struct {
    uint8_t type4, code4, type6, code6;
} errors[] = {
    [VMN_REJECT_PROHIBITED] = { 3, 13, 1, 1 },
    [VMN_REJECT_NO_PORT] = { 3, 3, 1, 4 },
    [VMN_REJECT_NO_HOST] = { 3, 1, 1, 3 },
    [VMN_REJECT_NO_ROUTE] = { 3, 0, 1, 0 },
    [VMN_REJECT_TTL] = { 11, 0, 3, 0 },
    [VMN_REJECT_TOO_BIG] = { 3, 4, 2, 0 },
};

/* Quotes up to 'size' bytes of the packet at 'quote'.  Returns how many.
 *
 * A first fragment is quoted as a packet that is whole.  Conntrack of the
 * userspace datapath takes an error about a fragment for invalid, so none
 * would pass NAT or a policy.  Its sender finds the socket by addresses and
 * ports alone. */
static size_t
put_quote(const struct refused *r, uint8_t *quote, size_t size)
{
    size_t before = r->fragment_header ? r->fragment_header - r->ip : 0;
    ovs_be16 sum;

    if (!r->fragment || before >= size) {
        memcpy(quote, r->ip, size);
    } else if (r->v6) {
        size = MIN(size, r->ip_size - FRAGMENT_HEADER_SIZE);
        memcpy(quote, r->ip, before);
        memcpy(quote + before, r->fragment_header + FRAGMENT_HEADER_SIZE,
               size - before);
        quote[r->fragment_next - r->ip] = r->fragment_header[0];
        put_u16(quote + 4, (uint16_t) (get_u16(r->ip + 4)
                                       - FRAGMENT_HEADER_SIZE));
    } else {
        memcpy(quote, r->ip, size);
        quote[6] &= (uint8_t) ~MORE_FRAGMENTS;
        memset(quote + 10, 0, sizeof sum);
        sum = csum(quote, (quote[0] & 0xf) * 4);
        memcpy(quote + 10, &sum, sizeof sum);
    }
    return size;
}

size_t
refused_put_icmp_error(const struct refused *r, uint8_t *buffer)
{
    size_t room = (r->v6 ? IPV6_ERROR_MAX - IPV6_SIZE
                   : IPV4_ERROR_MAX - IPV4_SIZE) - ICMP_SIZE;
    uint8_t quote[IPV6_ERROR_MAX];
    size_t size = ICMP_SIZE + put_quote(r, quote, MIN(r->ip_size, room));
    uint8_t proto = r->v6 ? VMN_IP_PROTO_ICMPV6 : VMN_IP_PROTO_ICMP;
    enum vmn_reject_reason reason = r->how->reason;
    uint8_t *icmp = refused_put_headers(r, buffer, proto, size);
    ovs_be16 sum;

    memset(icmp, 0, ICMP_SIZE);
    icmp[0] = r->v6 ? errors[reason].type6 : errors[reason].type4;
    icmp[1] = r->v6 ? errors[reason].code6 : errors[reason].code4;
    if (reason == VMN_REJECT_TOO_BIG) {
        put_u16(icmp + 6, r->how->mtu);
    }
    memcpy(icmp + ICMP_SIZE, quote, size - ICMP_SIZE);
    sum = refused_csum(r, icmp, proto, size);
    memcpy(icmp + 2, &sum, sizeof sum);
    return icmp + size - buffer;
}
