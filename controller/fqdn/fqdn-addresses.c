/* SPDX-License-Identifier: Apache-2.0
 *
 * See fqdn-addresses.h. */

#include <config.h>

#include "controller/fqdn/fqdn-addresses.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

void
fqdn_addresses_uninit(struct fqdn_addresses *set)
{
    free(set->addresses);
}

int64_t
fqdn_ttl_ms(const struct fqdn_times *times, uint32_t ttl_s)
{
    return MAX(MIN(ttl_s, FQDN_TTL_MAX_S) * INT64_C(1000), times->min_ttl_ms);
}

/* Unicast, and of that not what RFC 6890 has 127.0.0.0/8 and 169.254.0.0/16
 * for. */
static bool
ipv4_is_usable(const uint8_t a[4])
{
    struct vmn_ip ip = { .family = 4 };

    memcpy(ip.addr, a, 4);
    return (value_ip_is_unicast(&ip) && a[0] != 127
            && !(a[0] == 169 && a[1] == 254));
}

/* Unicast, and of that not ::/96, fe80::/10, what has an IPv4 address inside
 * that is not usable (64:ff9b::/96 of RFC 6052, 2002::/16 of RFC 3056), nor
 * 64:ff9b:1::/48 (RFC 8215), where it has no fixed place. */
static bool
ipv6_is_usable(const struct vmn_ip *ip)
{
    static const uint8_t zeros[12];
    static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
    static const uint8_t local_nat64[6] = { 0x00, 0x64, 0xff, 0x9b, 0, 1 };
    const uint8_t *a = ip->addr;

    if (!value_ip_is_unicast(ip) || !memcmp(a, zeros, sizeof zeros)
        || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80)
        || !memcmp(a, local_nat64, sizeof local_nat64)) {
        return false;
    }
    return (!memcmp(a, nat64, sizeof nat64) ? ipv4_is_usable(a + 12)
            : a[0] == 0x20 && a[1] == 0x02 ? ipv4_is_usable(a + 2) : true);
}

bool
fqdn_ip_is_usable(const struct vmn_ip *ip)
{
    return ip->family == 4 ? ipv4_is_usable(ip->addr) : ipv6_is_usable(ip);
}

static bool
ipv4_is_public(const uint8_t a[4])
{
    return !(a[0] == 10 || (a[0] == 172 && (a[1] & 0xf0) == 16)
             || (a[0] == 192 && a[1] == 168)
             || (a[0] == 100 && (a[1] & 0xc0) == 64)
             || (a[0] == 192 && a[1] == 0 && a[2] == 0)
             || (a[0] == 198 && (a[1] & 0xfe) == 18));
}

bool
fqdn_ip_is_public(const struct vmn_ip *ip)
{
    static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
    const uint8_t *a = ip->addr;

    if (ip->family == 4) {
        return ipv4_is_public(a);
    }
    return (!memcmp(a, nat64, sizeof nat64) ? ipv4_is_public(a + 12)
            : a[0] == 0x20 && a[1] == 0x02 ? ipv4_is_public(a + 2)
            : (a[0] & 0xfe) != 0xfc);
}

/* Returns where 'ip' is, or is to be inserted. */
static size_t
find(const struct fqdn_addresses *set, const struct vmn_ip *ip)
{
    size_t low = 0, high = set->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (memcmp(&set->addresses[middle].ip, ip, sizeof *ip) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void
remove_at(struct fqdn_addresses *set, size_t i)
{
    set->n--;
    memmove(&set->addresses[i], &set->addresses[i + 1],
            (set->n - i) * sizeof *set->addresses);
}

static bool
has_at(const struct fqdn_addresses *set, size_t i, const struct vmn_ip *ip)
{
    return (i < set->n
            && !memcmp(&set->addresses[i].ip, ip, sizeof *ip));
}

/* Makes room for one more: of those that answers do not have any more, the one
 * that would leave first leaves now.  Returns false if there is none. */
static bool
make_room(struct fqdn_addresses *set)
{
    size_t first = set->n;

    for (size_t i = 0; i < set->n; i++) {
        if (set->addresses[i].absent
            && (first == set->n
                || (set->addresses[i].until_ms
                    < set->addresses[first].until_ms))) {
            first = i;
        }
    }
    if (first == set->n) {
        return false;
    }
    remove_at(set, first);
    return true;
}

/* Renews an address that is there. */
static void
renew(struct fqdn_addresses *set, const struct vmn_ip *ip, int64_t until_ms)
{
    size_t i = find(set, ip);

    if (has_at(set, i, ip)) {
        set->addresses[i].until_ms = until_ms;
        set->addresses[i].absent = false;
    }
}

/* Adds an address, if it is new.  Returns whether it is. */
static bool
add(struct fqdn_addresses *set, const struct vmn_ip *ip, int64_t until_ms,
    bool *limited)
{
    size_t i = find(set, ip);

    if (has_at(set, i, ip)) {
        return false;
    }
    if (set->n >= VALUE_FQDN_IPS_MAX) {
        *limited = true;
        if (!make_room(set)) {
            return false;
        }
        i = find(set, ip);
    }
    if (set->n >= set->allocated) {
        set->addresses = x2nrealloc(set->addresses, &set->allocated,
                                    sizeof *set->addresses);
    }
    memmove(&set->addresses[i + 1], &set->addresses[i],
            (set->n - i) * sizeof *set->addresses);
    set->addresses[i] = (struct fqdn_address) { *ip, until_ms, false };
    set->n++;
    return true;
}

/* What is there is renewed before anything is added, so that nothing makes way
 * which the same answer has. */
bool
fqdn_addresses_take(struct fqdn_addresses *set, int family,
                    const struct vmn_ip *ips, size_t n, uint32_t ttl_s,
                    const struct fqdn_times *times, int64_t now_ms)
{
    int64_t until_ms = now_ms + fqdn_ttl_ms(times, ttl_s) + times->grace_ms;
    bool *limited = &set->limited[family == 6];
    bool changed;

    for (size_t i = 0; i < set->n; i++) {
        if (set->addresses[i].ip.family == family) {
            set->addresses[i].absent = true;
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (ips[i].family == family) {
            renew(set, &ips[i], until_ms);
        }
    }
    changed = fqdn_addresses_expire(set, now_ms);
    *limited = false;
    for (size_t i = 0; i < n; i++) {
        if (ips[i].family == family && fqdn_ip_is_usable(&ips[i])) {
            changed |= add(set, &ips[i], until_ms, limited);
        }
    }
    return changed;
}

bool
fqdn_addresses_are_limited(const struct fqdn_addresses *set)
{
    return set->limited[0] || set->limited[1];
}

bool
fqdn_addresses_expire(struct fqdn_addresses *set, int64_t now_ms)
{
    size_t n = set->n;

    for (size_t i = n; i-- > 0; ) {
        if (set->addresses[i].absent && set->addresses[i].until_ms <= now_ms) {
            remove_at(set, i);
        }
    }
    return set->n != n;
}

int64_t
fqdn_addresses_due(const struct fqdn_addresses *set)
{
    int64_t due = INT64_MAX;

    for (size_t i = 0; i < set->n; i++) {
        if (set->addresses[i].absent) {
            due = MIN(due, set->addresses[i].until_ms);
        }
    }
    return due;
}
