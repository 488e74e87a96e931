/* SPDX-License-Identifier: Apache-2.0
 *
 * Sets of prefixes and of port ranges in their smallest form; see
 * vmn/types.h.  For apps, whose flows are as many as the members. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "util.h"
#include "controller/schema/value.h"

/* Prefixes.  ------------------------------------------------------------- */

static int
compare_prefixes(const void *a_, const void *b_)
{
    const struct vmn_prefix *a = a_;
    const struct vmn_prefix *b = b_;
    int cmp = memcmp(&a->ip, &b->ip, sizeof a->ip);

    return cmp ? cmp : a->len - b->len;
}

/* Returns the bit at 'offset' from the left. */
static bool
get_bit(const struct vmn_ip *ip, unsigned offset)
{
    return ip->addr[offset / 8] & 0x80 >> offset % 8;
}

/* Returns true if the first 'n' bits are equal. */
static bool
same_bits(const struct vmn_ip *a, const struct vmn_ip *b, unsigned n)
{
    return (!memcmp(a->addr, b->addr, n / 8)
            && !(n % 8 && ((a->addr[n / 8] ^ b->addr[n / 8])
                           >> (8 - n % 8))));
}

static bool
contains(const struct vmn_prefix *a, const struct vmn_prefix *b)
{
    return (a->ip.family == b->ip.family && a->len <= b->len
            && same_bits(&a->ip, &b->ip, a->len));
}

/* Returns true if 'a' and 'b', which comes after it, are the halves of a
 * prefix. */
static bool
are_halves(const struct vmn_prefix *a, const struct vmn_prefix *b)
{
    return (a->ip.family == b->ip.family && a->len == b->len && a->len
            && same_bits(&a->ip, &b->ip, a->len - 1)
            && !get_bit(&a->ip, a->len - 1) && get_bit(&b->ip, a->len - 1));
}

/* A prefix comes before those that it contains, and halves are adjacent once
 * all that is in the first one has been merged. */
size_t
vmn_prefixes_merge(struct vmn_prefix *prefixes, size_t n)
{
    size_t n_kept = 0;

    if (n) {
        qsort(prefixes, n, sizeof *prefixes, compare_prefixes);
    }
    for (size_t i = 0; i < n; i++) {
        if (n_kept && contains(&prefixes[n_kept - 1], &prefixes[i])) {
            continue;
        }
        prefixes[n_kept++] = prefixes[i];
        while (n_kept > 1 && are_halves(&prefixes[n_kept - 2],
                                        &prefixes[n_kept - 1])) {
            n_kept--;
            prefixes[n_kept - 1].len--;
        }
    }
    return n_kept;
}

/* The result of vmn_prefixes_subtract(). */
struct left {
    size_t n;
    struct vmn_prefix *prefixes; /* NULL: only counted. */
};

/* Subtracts 'except', which are all within 'whole', unless there is only one,
 * which contains it. */
static void
subtract(const struct vmn_prefix *whole, const struct vmn_prefix *except,
         size_t n, struct left *left)
{
    struct vmn_prefix half = *whole;
    size_t n_first = 0;

    if (!n) {
        if (left->prefixes) {
            left->prefixes[left->n] = *whole;
        }
        left->n++;
        return;
    }
    if (contains(&except[0], whole)) {
        return;
    }
    while (n_first < n && !get_bit(&except[n_first].ip, whole->len)) {
        n_first++;
    }
    half.len++;
    subtract(&half, except, n_first, left);
    half.ip.addr[whole->len / 8] |= 0x80 >> whole->len % 8;
    subtract(&half, except + n_first, n - n_first, left);
}

size_t
vmn_prefixes_subtract(const struct vmn_prefix *from, size_t n,
                      const struct vmn_prefix *except, size_t n_except,
                      struct vmn_prefix *prefixes)
{
    struct left left = { 0, prefixes };
    size_t first = 0, last;

    for (size_t i = 0; i < n; i++) {
        while (first < n_except && !contains(&except[first], &from[i])
               && compare_prefixes(&except[first], &from[i]) < 0) {
            first++;
        }
        last = first;
        while (last < n_except && (contains(&from[i], &except[last])
                                   || contains(&except[last], &from[i]))) {
            last++;
        }
        subtract(&from[i], except + first, last - first, &left);
    }
    return left.n;
}

/* Ranges.  --------------------------------------------------------------- */

static int
compare_ranges(const void *a_, const void *b_)
{
    const struct vmn_port_range *a = a_;
    const struct vmn_port_range *b = b_;

    return a->first != b->first ? a->first - b->first : a->last - b->last;
}

size_t
vmn_ranges_merge(struct vmn_port_range *ranges, size_t n)
{
    size_t n_kept = 0;

    if (n) {
        qsort(ranges, n, sizeof *ranges, compare_ranges);
    }
    for (size_t i = 0; i < n; i++) {
        struct vmn_port_range *last = n_kept ? &ranges[n_kept - 1] : NULL;

        if (last && ranges[i].first <= last->last + 1) {
            last->last = MAX(last->last, ranges[i].last);
        } else {
            ranges[n_kept++] = ranges[i];
        }
    }
    return n_kept;
}

bool
vmn_prefix_contains(const struct vmn_prefix *prefix, const struct vmn_ip *ip)
{
    return value_prefix_contains(prefix, ip);
}
