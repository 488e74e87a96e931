/* SPDX-License-Identifier: Apache-2.0
 *
 * See address-cells.h. */

#include <config.h>

#include "controller/simulator/address-cells.h"

#include <stdlib.h>
#include <string.h>

#include "controller/schema/value.h"
#include "util.h"

static size_t
ip_size(const struct vmn_ip *ip)
{
    return ip->family == 4 ? 4 : 16;
}

static int
compare_ips(const void *a_, const void *b_)
{
    const struct vmn_ip *a = a_, *b = b_;

    return memcmp(a->addr, b->addr, ip_size(a));
}

/* Returns the prefix's first or last address. */
static struct vmn_ip
end_of(const struct vmn_prefix *prefix, bool last)
{
    struct vmn_ip ip = prefix->ip;

    for (size_t bit = prefix->len; bit < 8 * ip_size(&ip); bit++) {
        uint8_t mask = 0x80 >> (bit % 8);

        ip.addr[bit / 8] = last ? ip.addr[bit / 8] | mask
                                : ip.addr[bit / 8] & ~mask;
    }
    return ip;
}

/* Moves '*ip' to the next address.  Returns false if there is none. */
static bool
increment(struct vmn_ip *ip)
{
    for (size_t i = ip_size(ip); i-- > 0; ) {
        if (++ip->addr[i]) {
            return true;
        }
    }
    return false;
}

static void
decrement(struct vmn_ip *ip)
{
    for (size_t i = ip_size(ip); i-- > 0; ) {
        if (ip->addr[i]--) {
            return;
        }
    }
}

/* What nobody sends from, or not from afar; in the order of addresses. */
static const char *const unable[] = {
    "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::/8",
    "fe80::/10", "ff00::/8",
};

/* Moves '*ip' behind what cannot send.  Returns false if there is nothing. */
static bool
skip_unable(struct vmn_ip *ip)
{
    for (size_t i = 0; i < ARRAY_SIZE(unable); i++) {
        struct vmn_prefix prefix;

        if (!value_parse_prefix(unable[i], true, &prefix, NULL)
            && prefix.ip.family == ip->family
            && value_prefix_contains(&prefix, ip)) {
            *ip = end_of(&prefix, true);
            if (!increment(ip) || !increment(ip)) {
                return false;
            }
        }
    }
    return true;
}

static bool
is_within(const struct address_cell *cell, const struct vmn_ip *ip)
{
    return (ip->family == cell->first.family
            && compare_ips(&cell->first, ip) <= 0
            && compare_ips(ip, &cell->last) <= 0);
}

/* Sets the sender.  Returns false if nobody there can send. */
static bool
find_sender(struct address_cell *cell, const struct vmn_ip *preferred)
{
    if (is_within(cell, preferred)) {
        cell->sender = *preferred;
        return true;
    }
    cell->sender = cell->first;
    if (compare_ips(&cell->first, &cell->last)) {
        increment(&cell->sender);       /* Not that of the network. */
    }
    return skip_unable(&cell->sender) && is_within(cell, &cell->sender);
}

static void
add_start(const struct vmn_ip *ip, const struct address_cell *all,
          struct vmn_ip *starts, size_t *n)
{
    if (is_within(all, ip)) {
        starts[(*n)++] = *ip;
    }
}

struct address_cell *
address_cells_cut(const struct vmn_prefix *range,
                  const struct vmn_prefix *prefixes, size_t n,
                  struct vmn_ip preferred, size_t *n_cells)
{
    const struct address_cell all = {
        .first = end_of(range, false), .last = end_of(range, true),
    };
    struct vmn_ip *starts = xcalloc(2 * n + 1, sizeof *starts);
    struct address_cell *cells = xcalloc(2 * n + 1, sizeof *cells);
    size_t n_starts = 0;

    add_start(&all.first, &all, starts, &n_starts);
    for (size_t i = 0; i < n; i++) {
        if (prefixes[i].ip.family == range->ip.family) {
            struct vmn_ip first = end_of(&prefixes[i], false);
            struct vmn_ip after = end_of(&prefixes[i], true);

            add_start(&first, &all, starts, &n_starts);
            if (increment(&after)) {
                add_start(&after, &all, starts, &n_starts);
            }
        }
    }
    qsort(starts, n_starts, sizeof *starts, compare_ips);
    *n_cells = 0;
    for (size_t i = 0; i < n_starts; i++) {
        struct address_cell *cell = &cells[*n_cells];

        if (i + 1 < n_starts && !compare_ips(&starts[i], &starts[i + 1])) {
            continue;
        }
        *cell = (struct address_cell) { .first = starts[i], .last = all.last };
        if (i + 1 < n_starts) {
            cell->last = starts[i + 1];
            decrement(&cell->last);
        }
        *n_cells += find_sender(cell, &preferred);
    }
    free(starts);
    return cells;
}
