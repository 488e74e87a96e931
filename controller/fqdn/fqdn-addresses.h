/* SPDX-License-Identifier: Apache-2.0
 *
 * The addresses of a name, and for how long each of them is one: a pure
 * function of answers and times.  Used by fqdns.c.  Not for asking.
 *
 * An address stays as long as answers have it.  It leaves when one was
 * without it, and not before what was said of it last has expired, and a grace
 * after that, in which open connections may end.  So what answers have does
 * not leave while nobody answers. */

#ifndef CONTROLLER_FQDN_FQDN_ADDRESSES_H
#define CONTROLLER_FQDN_FQDN_ADDRESSES_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/schema/value.h"
#include "vmn/types.h"

/* Longest time to live that is believed, in seconds. */
#define FQDN_TTL_MAX_S 86400

struct fqdn_times {
    int64_t min_ttl_ms;         /* A shorter time to live is taken as this. */
    int64_t grace_ms;
    int64_t learned_ms;         /* A name that a guest has asked for, and a
                                 * wildcard is about, is forgotten so long
                                 * after the last question; or as long as an
                                 * answer is one, if that is longer, and the
                                 * grace besides. */
};

/* What vmnd sets that to. */
#define FQDN_LEARNED_MS (60 * 60 * 1000)

struct fqdn_address {
    struct vmn_ip ip;
    int64_t until_ms;           /* When it may leave. */
    bool absent;                /* It was not in the last answer. */
};

/* All zeros: none. */
struct fqdn_addresses {
    size_t n, allocated;        /* VALUE_FQDN_IPS_MAX at the most. */
    struct fqdn_address *addresses; /* Sorted. */
    bool limited[2];            /* There was no room for all of the last
                                 * answer of IPv4, of IPv6, but by having
                                 * others leave early. */
};
void fqdn_addresses_uninit(struct fqdn_addresses *);

/* Returns how long an answer with this time to live is one. */
int64_t fqdn_ttl_ms(const struct fqdn_times *, uint32_t ttl_s);

/* Takes an answer: the name's addresses of 'family' are the 'n' in 'ips', for
 * 'ttl_s'.  If they are too many, those make way that answers do not have any
 * more, first the ones that would leave first; never one that the last answer
 * of its family has, so the families do not drive each other out.  Those that
 * no server in a network has are left out: unspecified, loopback, link-local,
 * multicast, reserved ones, and such of IPv4 inside of ones of IPv6.  Returns
 * whether the set has changed. */
bool fqdn_addresses_take(struct fqdn_addresses *, int family,
                         const struct vmn_ip *ips, size_t n, uint32_t ttl_s,
                         const struct fqdn_times *, int64_t now_ms);

/* Returns whether the last answers had more addresses than there is room
 * for. */
bool fqdn_addresses_are_limited(const struct fqdn_addresses *);

/* Has those leave whose time is over.  Returns whether there were any. */
bool fqdn_addresses_expire(struct fqdn_addresses *, int64_t now_ms);

/* Returns when the first one is to leave by what is known; INT64_MAX: none
 * is. */
int64_t fqdn_addresses_due(const struct fqdn_addresses *);

/* Returns true for an address that a server in a network can have. */
bool fqdn_ip_is_usable(const struct vmn_ip *);

/* Returns true unless the address is one for private networks (RFC 1918, RFC
 * 4193), for those between a provider and its customers (RFC 6598), for
 * protocols or benchmarks (192.0.0.0/24, 198.18.0.0/15: RFC 6890), or has such
 * a one of IPv4 inside (RFC 6052, RFC 3056). */
bool fqdn_ip_is_public(const struct vmn_ip *);

#endif /* controller/fqdn/fqdn-addresses.h */
