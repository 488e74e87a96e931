/* SPDX-License-Identifier: Apache-2.0
 *
 * How many of 256 slots each backend has, and which.
 *
 * Where each connection may go to any backend, only how many matters: Open
 * vSwitch hands the hash values themselves to buckets, by their weights
 * (backend-choice.c).  Where a client is to find its backend again, each slot
 * is a bucket, and which it is matters as well: slots are handed out as Maglev
 * does (Eisenbud et al., NSDI 2016, section 3.4).  Each backend has an order
 * of preference of its own, and in turns takes the next free slot in it, until
 * it has its share.  So a change of the backends moves little more than the
 * share that changes. */

#include "loadbalancer.h"

#include <stdlib.h>
#include <string.h>

/* A backend while slots are assigned. */
struct taker {
    uint32_t share;             /* Slots that it has yet to get. */
    uint32_t credit;            /* Weight accumulated for its next turn. */
    uint32_t offset, step;      /* Its permutation: offset + i x step. */
    uint32_t i;
};

/* Returns 64 bits of FNV-1a with a final mix (that of MurmurHash3), since the
 * last bytes hardly affect FNV's high bits. */
static uint64_t
hash_name(const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (; *name; name++) {
        hash = (hash ^ (uint8_t) *name) * UINT64_C(0x100000001b3);
    }
    hash = (hash ^ (hash >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    hash = (hash ^ (hash >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return hash ^ (hash >> 33);
}

/* The remainder of a backend's share, where weights do not divide the
 * slots. */
struct remainder {
    uint64_t rest;
    size_t i;
};

static int
compare_remainders(const void *a_, const void *b_)
{
    const struct remainder *a = a_;
    const struct remainder *b = b_;

    return a->rest != b->rest ? (a->rest < b->rest ? 1 : -1)
           : a->i != b->i ? (a->i > b->i ? 1 : -1) : 0;
}

/* Sets 'shares' by weight; slots that are left go to the largest
 * remainders. */
void
slots_share(struct vmn_view *view, const struct backends *backends,
            uint32_t *shares)
{
    struct remainder *rests = vmn_alloc(view, backends->n * sizeof *rests);
    uint64_t total = 0;
    uint32_t left = N_SLOTS;

    for (size_t i = 0; i < backends->n; i++) {
        total += backends->members[i]->weight;
    }
    for (size_t i = 0; i < backends->n; i++) {
        uint64_t part = (uint64_t) N_SLOTS * backends->members[i]->weight;

        shares[i] = part / total;
        rests[i] = (struct remainder) { part % total, i };
        left -= shares[i];
    }
    qsort(rests, backends->n, sizeof *rests, compare_remainders);
    for (size_t i = 0; i < left; i++) {
        shares[rests[i].i]++;
    }
}

/* Assigns the next free slot in the taker's permutation.  There is one. */
static void
take_slot(struct taker *taker, uint16_t self, uint16_t slots[N_SLOTS])
{
    uint32_t slot;

    do {
        slot = (taker->offset + taker->i++ * taker->step) % N_SLOTS;
    } while (slots[slot] != UINT16_MAX);
    slots[slot] = self;
    taker->share--;
}

/* Assigns all slots.  'backends' must hold 1 to UINT16_MAX - 1 backends with
 * weights above 0. */
void
slots_fill(struct vmn_view *view, const struct backends *backends,
           uint16_t slots[N_SLOTS])
{
    struct taker *takers = vmn_alloc(view, backends->n * sizeof *takers);
    uint32_t *shares = vmn_alloc(view, backends->n * sizeof *shares);
    uint32_t heaviest = 0;
    unsigned n_taken = 0;

    for (size_t i = 0; i < backends->n; i++) {
        const struct vmn_lb_member *backend = backends->members[i];
        uint64_t hash = hash_name(backend->port);

        /* An odd step visits all slots, since their number is a power of 2. */
        takers[i].offset = hash % N_SLOTS;
        takers[i].step = (hash >> 32) % (N_SLOTS / 2) * 2 + 1;
        if (backend->weight > heaviest) {
            heaviest = backend->weight;
        }
    }
    slots_share(view, backends, shares);
    for (size_t i = 0; i < backends->n; i++) {
        takers[i].share = shares[i];
    }
    memset(slots, 0xff, N_SLOTS * sizeof *slots);
    while (n_taken < N_SLOTS) {
        for (size_t i = 0; i < backends->n; i++) {
            struct taker *taker = &takers[i];

            taker->credit += backends->members[i]->weight;
            if (taker->credit >= heaviest && taker->share) {
                taker->credit -= heaviest;
                take_slot(taker, i, slots);
                n_taken++;
            }
        }
    }
}
