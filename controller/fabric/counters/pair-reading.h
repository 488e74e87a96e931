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
    bool is_read;               /* There was one, since which this vmnd has
                                 * been the one that counts. */
    int64_t read_ms;            /* time_msec() when that was requested. */
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

/* A reading of a switch. */
struct pair_reading {
    struct fabric_switch *sw;
    struct pairs_of_switch *pairs; /* Of 'sw'. */
    struct pair_readings *all;
    uint32_t round;             /* Another one for each reading. */
    int64_t now_ms;             /* time_msec() when it was requested. */
    int64_t wall_ms;            /* The same, wall clock. */
};
void pair_reading_begin(struct pairs_of_switch *);
/* Takes a flow for which pair_is_table(), with its statistics. */
void pair_reading_add(const struct pair_reading *,
                      const struct ofputil_flow_stats *,
                      const struct ofdump_counts *);
/* The reading is complete: forgets pairs that it did not have. */
void pair_reading_end(const struct pair_reading *);
/* This vmnd stands by: what the switch counts from now on is not its to
 * tell. */
void pair_reading_stand_by(struct pairs_of_switch *);

#endif /* controller/fabric/counters/pair-reading.h */
