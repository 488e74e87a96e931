/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom each VM talks with, from pairs in any order: each is entered at both of
 * its VMs, and then VM by VM they are sorted, and made one where they are
 * equal. */

#include <config.h>

#include "controller/advice/advice-private.h"

#include <stdlib.h>

#include "util.h"

/* All bytes together: so no sum overflows, whatever hosts have counted. */
#define BYTES_MAX (INT64_C(1) << 61)

static void
enter_pairs(struct advice *p)
{
    const struct advice_request *r = p->request;
    int64_t left = BYTES_MAX;
    size_t at = 0;

    p->peers = xcalloc(MAX(1, 2 * r->n_pairs), sizeof *p->peers);
    for (size_t i = 0; i < r->n_pairs; i++) {
        p->spots[r->pairs[i].a].n_peers++;
        p->spots[r->pairs[i].b].n_peers++;
    }
    for (size_t i = 0; i < r->n_vms; i++) {
        p->spots[i].peers = &p->peers[at];
        at += p->spots[i].n_peers;
        p->spots[i].n_peers = 0;
    }
    for (size_t i = 0; i < r->n_pairs; i++) {
        const struct advice_pair *pair = &r->pairs[i];
        struct spot *a = &p->spots[pair->a], *b = &p->spots[pair->b];
        int64_t bytes = MIN(pair->bytes, (uint64_t) left);

        if (a != b && bytes) {
            a->peers[a->n_peers++] = (struct peer) { pair->b, bytes };
            b->peers[b->n_peers++] = (struct peer) { pair->a, bytes };
            left -= bytes;
        }
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
    struct spot *spot;

    if (!p->peers) {
        enter_pairs(p);
        p->steps += p->request->n_pairs;
        return false;
    }
    if (p->next < p->request->n_vms) {
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
