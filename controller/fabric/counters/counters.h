/* SPDX-License-Identifier: Apache-2.0
 *
 * Hits of flows: of those that apps have counted, and of all that drop.
 *
 * A switch is read for all of its counted flows at once, by the bit in their
 * cookies, and one host after the other, so that a host's turn comes every
 * interval.  What is new since the last time is added to a counter, which is
 * known by what the flow says (its owner, its conjunction, its reason to drop)
 * and not by the flow: one that is replaced goes on where it was.  Hits
 * between the last reading of a flow and its end are lost.
 *
 * Nothing is kept for flows that were never hit, nor stored: after a start the
 * switches' own counters are taken up again. */

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
/* After the last switch_destroy(). */
void counters_destroy(struct fabric *);

/* A packet of 'size' bytes, of which a copy has come up, was dropped by a flow
 * whose hits the switch does not tell (SAMPLE_UNCOUNTED). */
void counters_add(struct fabric_switch *, uint64_t cookie, uint32_t part,
                  const char *reason, uint32_t size);

/* Fills in what concerns counters. */
void counters_get_stats(const struct fabric *, struct fabric_stats *);

#endif /* controller/fabric/counters/counters.h */
