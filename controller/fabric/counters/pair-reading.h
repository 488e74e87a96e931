/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the pairs that a switch has counted, as a part of the reading of its
 * counters; see pair-reading.c. */

#ifndef CONTROLLER_FABRIC_COUNTERS_PAIR_READING_H
#define CONTROLLER_FABRIC_COUNTERS_PAIR_READING_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/hmap.h"

struct fabric_switch;
struct ofdump_counts;
struct ofputil_flow_stats;
struct pair_log;

/* Pairs of all fabric. */
struct pair_readings {
    struct pair_log *log;
    size_t n_seen;              /* Of all switches. */
    size_t n_full_hosts;        /* Whose last reading had a unit with
                                 * VMN_PAIRS_MAX pairs. */
};

/* Pairs of a switch. */
struct pairs_of_switch {
    struct hmap seen;           /* struct seen_pair, of the last reading. */
    bool full;                  /* As n_full_hosts counts it. */
    bool is_full;               /* The same of the reading in progress. */
    size_t n_owners, allocated; /* Units whose pairs are in it. */
    struct pair_owner {
        uint64_t cookie;
        size_t n;
    } *owners;
};

void pair_readings_init(struct pair_readings *);
void pair_readings_uninit(struct pair_readings *);

void pairs_of_switch_init(struct pairs_of_switch *);
void pairs_of_switch_uninit(struct pairs_of_switch *, struct pair_readings *);

/* A reading of the switch begins. */
void pair_reading_begin(struct pairs_of_switch *);
/* Takes a flow of PAIR_TABLE with its statistics.  'round' is that of the
 * reading, 'wall_ms' its time; 'is_first': the switch was not read before, so
 * nobody knows when its packets came. */
void pair_reading_add(struct fabric_switch *, struct pairs_of_switch *,
                      struct pair_readings *,
                      const struct ofputil_flow_stats *,
                      const struct ofdump_counts *, uint32_t round,
                      int64_t wall_ms, bool is_first);
/* The reading is complete: forgets pairs that it did not have. */
void pair_reading_end(struct pairs_of_switch *, struct pair_readings *,
                      uint32_t round);

#endif /* controller/fabric/counters/pair-reading.h */
