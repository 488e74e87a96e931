/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts hits of flows: of those with counters requested by apps, and of all
 * that drop.  A switch is asked for all of its counted flows at once, by a bit
 * in their cookies, one host after another, so that each host is read once per
 * interval.  The difference to the last reading is added to a counter, which
 * is identified by what the flow stands for (its owner, its conjunction, its
 * reason to drop) and not by the flow: when a flow is replaced, the counter
 * continues.  Hits between the last reading of a flow and its deletion are
 * lost.  Nothing is kept for flows without hits, and nothing is stored: after
 * a restart the switches' own counters are the starting point. */

#ifndef CONTROLLER_FABRIC_COUNTERS_COUNTERS_H
#define CONTROLLER_FABRIC_COUNTERS_COUNTERS_H 1

#include <stdbool.h>
#include <stdint.h>

struct fabric;
struct fabric_options;
struct fabric_stats;
struct fabric_switch;
struct switch_part_class;

extern const struct switch_part_class counters_part;

void counters_create(struct fabric *, const struct fabric_options *);
/* Must be called after the last switch_destroy(). */
void counters_destroy(struct fabric *);

/* Counts a dropped packet of 'size' bytes, of which a copy was received, for a
 * flow whose hits the switch does not report (SAMPLE_UNCOUNTED). */
void counters_add(struct fabric_switch *, uint64_t cookie, uint32_t part,
                  const char *reason, uint32_t size);

/* Forgets the hits of objects that the revisions of the model's pending group
 * delete: one that is made again under the name begins at zero. */
void counters_forget_deleted(struct fabric *);

/* Fills in the members about counters. */
void counters_get_stats(const struct fabric *, struct fabric_stats *);

#endif /* controller/fabric/counters/counters.h */
