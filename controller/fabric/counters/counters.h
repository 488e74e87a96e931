/* SPDX-License-Identifier: Apache-2.0
 *
 * Hits of flows: of those that apps have counted, and of all that drop.
 *
 * A switch is asked for all of its counted flows at once, by the bit in their
 * cookies, and one host after the other, so that a host's turn comes every
 * interval.  What is new since the last time is added to a counter, which is
 * known by what the flow says (its owner, its conjunction, its reason to drop)
 * and not by the flow: one that is replaced goes on where it was.  Hits between
 * the last reading of a flow and its end are lost.
 *
 * Nothing is kept for flows that were never hit, nor stored: after a start the
 * switches' own counters are taken up again. */

#ifndef CONTROLLER_FABRIC_COUNTERS_COUNTERS_H
#define CONTROLLER_FABRIC_COUNTERS_COUNTERS_H 1

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/ofp-msgs.h"

struct fabric;
struct fabric_options;
struct fabric_stats;
struct fabric_switch;

void counters_create(struct fabric *, const struct fabric_options *);
/* After the last counters_switch_destroy(). */
void counters_destroy(struct fabric *);

void counters_switch_create(struct fabric_switch *);
void counters_switch_destroy(struct fabric_switch *);
/* The connection is gone. */
void counters_disconnected(struct fabric_switch *);

/* A packet of 'size' bytes, of which a copy has come up, was dropped by a flow
 * whose hits the switch does not tell (SAMPLE_UNCOUNTED). */
void counters_add(struct fabric_switch *, uint64_t cookie, uint32_t part,
                  const char *reason, uint32_t size);

/* True if an answer of the switch is waited for. */
bool counters_are_owed(const struct fabric_switch *);
/* Takes a message that belongs to it (and returns true). */
bool counters_message(struct fabric_switch *, enum ofptype,
                      const struct ofp_header *);

/* Fills in what concerns counters. */
void counters_get_stats(const struct fabric *, struct fabric_stats *);

#endif /* controller/fabric/counters/counters.h */
