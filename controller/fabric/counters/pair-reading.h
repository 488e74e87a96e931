/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the pairs that a switch has counted, as a part of the reading of its
 * counters; see pair-reading.c. */

#ifndef CONTROLLER_FABRIC_COUNTERS_PAIR_READING_H
#define CONTROLLER_FABRIC_COUNTERS_PAIR_READING_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/fabric/counters/pair-names.h"
#include "openvswitch/hmap.h"

struct model;
struct ofdump_counts;
struct ofputil_flow_stats;
struct pair_log;

/* Pairs of all fabric. */
struct pair_readings {
    struct pair_log *log;
    struct pair_domains domains;
    size_t n_seen;              /* Of all switches. */
    size_t n_full_hosts;        /* With 'full'. */
};

/* Pairs of a switch. */
struct pairs_of_switch {
    struct hmap seen;           /* struct seen_pair. */
    bool is_read;               /* There was a whole reading. */
    int64_t read_ms;            /* time_msec() when that was requested. */
    bool full;                  /* The last one had VMN_PAIRS_MAX pairs of a
                                 * unit, or more than there is room for. */
    bool is_full;               /* The same of the reading in progress. */
    struct hmap owners;         /* struct pair_owner, of what is in it. */
    bool has_names;             /* 'ports' is as of it. */
    struct host_ports ports;
};

void pair_readings_init(struct pair_readings *);
void pair_readings_uninit(struct pair_readings *);

void pairs_of_switch_init(struct pairs_of_switch *);
void pairs_of_switch_uninit(struct pairs_of_switch *, struct pair_readings *);
/* Nobody knows any more whether it is full. */
void pairs_of_switch_disconnected(struct pairs_of_switch *,
                                  struct pair_readings *);

/* A reading of a switch. */
struct pair_reading {
    const struct model *model;
    const char *host;
    struct pairs_of_switch *pairs; /* Of its switch. */
    struct pair_readings *all;
    uint32_t round;             /* Another one for each reading. */
    int64_t now_ms;             /* time_msec() when it was requested, */
    int64_t arrived_ms;         /* and when what is taken has arrived. */
    int64_t wall_ms;            /* When it was requested, wall clock. */
};
void pair_reading_begin(const struct pair_reading *);
/* Takes a flow for which pair_is_table(), with its statistics. */
void pair_reading_add(const struct pair_reading *,
                      const struct ofputil_flow_stats *,
                      const struct ofdump_counts *);
/* The reading is complete: forgets pairs that it did not have.  One that fails
 * has no end. */
void pair_reading_end(const struct pair_reading *);

#endif /* controller/fabric/counters/pair-reading.h */
