/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows that switches have learned (ovs-actions(7), "learn"): of clients,
 * Ethernet addresses and members of groups, by host, with their limits and
 * timeouts.  Only packets that are simulated teach it; not for what real
 * switches have learned. */

#ifndef CONTROLLER_SIMULATOR_LEARNED_FLOWS_H
#define CONTROLLER_SIMULATOR_LEARNED_FLOWS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine;
struct flow;
struct learned_flows;
struct ofpact;
struct ofpact_learn;

struct learned_flows *learned_flows_create(void);
/* Returns a copy; NULL of NULL. */
struct learned_flows *learned_flows_clone(const struct learned_flows *);
void learned_flows_destroy(struct learned_flows *);

/* Sets the time, in seconds, and forgets flows that have expired.  Time never
 * goes back. */
void learned_flows_set_time(struct learned_flows *, int64_t now_s);
/* Forgets learned flows whose table no desired flow of their host teaches any
 * more. */
void learned_flows_follow(struct learned_flows *, const struct engine *);

/* Learns from a packet on 'host'.  As in a switch, later packets match the
 * flow, after learned_flows_commit().  Returns false if the limit is
 * reached. */
bool learned_flows_learn(struct learned_flows *, const char *host,
                         const struct ofpact_learn *, const struct flow *);
void learned_flows_commit(struct learned_flows *);

/* Returns true if 'table' is one of which learned flows are known. */
bool learned_flows_has_table(uint8_t table);

/* Returns the actions of the flow that a packet matches in 'table' of 'host',
 * and marks that flow as used; NULL: no match. */
const struct ofpact *learned_flows_find(struct learned_flows *,
                                        const char *host, uint8_t table,
                                        const struct flow *, size_t *len);

#endif /* controller/simulator/learned-flows.h */
