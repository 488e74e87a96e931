/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom each VM talks with, from pairs in any order: each is entered at both of
 * its VMs, and then VM by VM they are sorted, and made one where they are
 * equal. */

#include <config.h>

#include "controller/advice/advice-private.h"

#include <stdlib.h>

#include "util.h"

/* All bytes together are at most this: so no sum overflows, whatever hosts
 * have counted.  Each pair may have its part of it. */
#define BYTES_MAX (UINT64_C(1) << 61)

static void
count_pair(struct advice *p, const struct advice_pair *pair)
{
    p->spots[pair->a].n_peers++;
    p->spots[pair->b].n_peers++;
}

/* Each VM gets room for as many as were counted. */
static void
share_out(struct advice *p)
{
    const struct advice_request *r = p->request;
    size_t at = 0;

    p->peers = xcalloc(MAX(1, 2 * r->n_pairs), sizeof *p->peers);
    p->steps += r->n_vms;
    for (size_t i = 0; i < r->n_vms; i++) {
        p->spots[i].peers = &p->peers[at];
        at += p->spots[i].n_peers;
        p->spots[i].n_peers = 0;
    }
}

static void
enter_pair(struct advice *p, const struct advice_pair *pair)
{
    struct spot *a = &p->spots[pair->a], *b = &p->spots[pair->b];
    int64_t bytes = MIN(pair->bytes, BYTES_MAX / p->request->n_pairs);

    if (a != b && bytes) {
        a->peers[a->n_peers++] = (struct peer) { pair->b, bytes };
        b->peers[b->n_peers++] = (struct peer) { pair->a, bytes };
    }
}

static int
compare_peers(const void *a_, const void *b_)
{
    const struct peer *a = a_, *b = b_;

    return (a->vm > b->vm) - (a->vm < b->vm);
}

static void
merge_peers(struct spot *spot)
{
    size_t n = 0;

    if (spot->n_peers < 2) {
        return;
    }
    qsort(spot->peers, spot->n_peers, sizeof *spot->peers, compare_peers);
    for (size_t i = 1; i < spot->n_peers; i++) {
        if (spot->peers[i].vm == spot->peers[n].vm) {
            spot->peers[n].bytes += spot->peers[i].bytes;
        } else {
            spot->peers[++n] = spot->peers[i];
        }
    }
    spot->n_peers = n + 1;
}

bool
advice_link(struct advice *p)
{
    const struct advice_request *r = p->request;
    struct spot *spot;

    if (!p->entered && p->next < r->n_pairs) {
        (p->peers ? enter_pair : count_pair)(p, &r->pairs[p->next++]);
        p->steps += 4;          /* Anywhere in memory. */
        return false;
    } else if (!p->entered) {
        p->next = 0;
        if (p->peers) {
            p->entered = true;
        } else {
            share_out(p);
        }
        return false;
    }
    if (p->next < r->n_vms) {
        spot = &p->spots[p->next++];
        p->steps += 4 * spot->n_peers; /* It is to be sorted. */
        merge_peers(spot);
        p->n_pairs += spot->n_peers;
        return false;
    }
    p->n_pairs /= 2;            /* Each is with two VMs. */
    p->next = 0;
    return true;
}
