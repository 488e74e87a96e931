/* SPDX-License-Identifier: Apache-2.0
 *
 * Which ports send how much to which: pairs that switches have counted
 * (vmn_act_count_pair()), for some hours. */

#ifndef CONTROLLER_FABRIC_FABRIC_PAIRS_H
#define CONTROLLER_FABRIC_FABRIC_PAIRS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fabric;

/* Buckets of time, of which each has its heaviest pairs. */
#define FABRIC_PAIR_BUCKET_S 300
#define FABRIC_PAIR_BUCKETS 72          /* 6 hours. */
#define FABRIC_PAIRS_PER_BUCKET 2048

/* From where to where, of what is summed up. */
enum fabric_pair_way {
    FABRIC_PAIR_SAME_HOST,
    FABRIC_PAIR_CROSS_HOST,
    FABRIC_PAIR_OTHERS,         /* The source is no port, or is on no host. */
    FABRIC_PAIR_N_WAYS
};

/* A pair in one bucket.  Strings are the same pointers for the same port
 * (unless it was deleted in between) and host in all calls of the callback,
 * and are valid until the caller returns to the loop. */
struct fabric_pair {
    const char *src, *dst;      /* Ports; 'src' NULL: no port has that
                                 * address. */
    const char *src_host, *dst_host; /* Where they were, or NULL: not known. */
    bool src_gone, dst_gone;    /* The port was deleted since. */
    int64_t src_created_ms, dst_created_ms; /* When the port was: one of its
                                             * name that was created at
                                             * another time is another. */
    int64_t last_ms;            /* When something was added. */
    uint64_t packets, bytes;    /* At least. */
    uint64_t uncertain_bytes;   /* At most so many more. */
};

struct fabric_pair_sums {
    uint64_t packets[FABRIC_PAIR_N_WAYS];
    uint64_t bytes[FABRIC_PAIR_N_WAYS];
};

/* Of all buckets that were read. */
struct fabric_pair_totals {
    int64_t since_ms;           /* Start of the oldest; 0: there is none. */
    struct fabric_pair_sums sums; /* Of all that was added, also of pairs
                                   * that have no place any more. */
    uint64_t unlisted_bytes;    /* What a pair that no callback told of may
                                 * have, at most. */
};

/* Calls 'cb' for each pair of each bucket that ends after 'since_ms' (wall
 * clock), the oldest bucket first; there are FABRIC_PAIR_BUCKETS *
 * FABRIC_PAIRS_PER_BUCKET of them at most. */
typedef void fabric_pair_cb(void *aux, const struct fabric_pair *);
void fabric_pairs(const struct fabric *, int64_t since_ms, fabric_pair_cb *,
                  void *aux, struct fabric_pair_totals *);

/* What was counted since this vmnd started, for metrics. */
struct fabric_pair_stats {
    struct fabric_pair_sums sums;
    size_t n_pairs;             /* Kept, of all buckets. */
    size_t n_full_hosts;        /* Hosts that count no more pairs, of some
                                 * domain or in all: there are too many. */
};
void fabric_pair_stats(const struct fabric *, struct fabric_pair_stats *);

#endif /* controller/fabric/fabric-pairs.h */
