/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows, to be asked which of them a packet matches, conjunctions included
 * (ovs-actions(7), "conjunction").  A host's flows are those of several sets,
 * so that hosts can share them: what is wanted on many is decoded once.  Not
 * for what flows do (simulator.c), nor for where they come from
 * (desired-hosts.c). */

#ifndef CONTROLLER_SIMULATOR_FLOW_LOOKUP_H
#define CONTROLLER_SIMULATOR_FLOW_LOOKUP_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/hmap.h"
#include "openvswitch/match.h"

struct flow_item;
struct flow;
struct ofpact;

struct rule {
    struct hmap_node node;      /* In its subtable, by its match. */
    uint16_t priority;
    bool soft;                  /* Has only conjunction() actions. */
    struct minimatch match;
    struct ofpact *ofpacts;     /* Owned. */
    size_t ofpacts_len;
    /* Set by the caller of rule_set_add(); borrowed. */
    const struct flow_item *item; /* The item that it was decoded from, or
                                   * NULL. */
    const char *drop_reason;    /* NULL: no drop with a reason. */
};

struct rule_set;
struct rule_set *rule_set_create(void);
/* Frees the set.  Calls 'yield', if not NULL, from time to time, since there
 * may be many flows. */
void rule_set_destroy(struct rule_set *, void (*yield)(void *aux), void *aux);

/* Adds a flow.  'ofpacts' are copied. */
struct rule *rule_set_add(struct rule_set *, uint8_t table, uint16_t priority,
                          const struct match *, const struct ofpact *ofpacts,
                          size_t ofpacts_len);

/* The result of a lookup in a table. */
struct rule_hit {
    const struct rule *rule;    /* NULL: no match. */
    uint32_t conj_id;           /* The conjunction that led to it, or 0. */
    /* Another flow that a switch might choose instead, and that does something
     * else; or NULL. */
    const struct rule *other;
};

/* Looks 'flow' up in 'table' of all 'n' sets together. */
void rule_sets_lookup(struct rule_set *const sets[], size_t n, uint8_t table,
                      const struct flow *, struct rule_hit *);

/* Returns true if two lists of actions do the same. */
bool rule_same_actions(const struct ofpact *, size_t len,
                       const struct ofpact *, size_t other_len);

#endif /* controller/simulator/flow-lookup.h */
