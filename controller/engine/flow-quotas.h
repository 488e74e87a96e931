/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts how many flows and groups the objects of a quota cause on each host,
 * for quotas with a limit of these (flows_per_host), updated by each run; and
 * how many flows, groups and relation values are kept for them, on any host or
 * none.  In a run for requests of accounts with a scope, a unit that would
 * exceed the latter is refused before it takes memory, and no further unit is
 * computed: the caller rolls back.
 *
 * What a unit wants is caused by its row, if it has one; and if it is for a
 * key of a relation, by everything that causes the units that publish a
 * relation value at that key.  So it follows from the rows' labels and from
 * published values, without any help of apps.  An item that units of several
 * quotas want counts for each of these, and once for each.
 *
 * A unit, and each item, has the set of quotas that count it.  Sets are few
 * and shared.  Without quotas and accounts with a scope there are none, and
 * nothing is computed.
 *
 * Called by engine.c, unit.c, desired-state.c and scope.c.  Not for rejecting
 * requests (commit-group.c, plan.c), nor for other limits (model/). */

#ifndef CONTROLLER_ENGINE_FLOW_QUOTAS_H
#define CONTROLLER_ENGINE_FLOW_QUOTAS_H 1

#include <stdbool.h>
#include <stddef.h>

#include "controller/schema/schema.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"

struct ds;
struct engine;
struct engine_scope;
struct model_rights;
struct relation_node;
struct flow_item;
struct slot;
struct unit_node;

/* A set of quotas, at least one.  Immutable and counted; equal sets are
 * identical. */
struct quota_set;

struct quotas {
    struct hmap quotas;         /* Of struct flow_quota, by name. */
    struct hmap sets;           /* Of struct quota_set. */
    struct hmap shares;         /* Of struct quota_share. */
    struct ovs_list recount;    /* Of struct quota_share. */
    struct ovs_list changed;    /* Of struct publisher_quotas. */
    bool stale;                 /* Rows of quotas or accounts have changed. */
    bool refused;               /* A unit was, in this run. */
    size_t n_bound, allocated_bound;
    const struct model_rights **bound; /* Of requests of the run: what quotas
                                        * that bind these keep is limited.
                                        * Not owned. */
};

void quotas_init(struct quotas *);
/* Frees it.  There must be no desired items and no units any more. */
void quotas_uninit(struct quotas *);

/* Records that a row was created, deleted or changed, or its labels were.  Its
 * units must exist. */
void quotas_row_changed(struct engine *, enum vmn_table, const char *name);
/* Applies changes of the quotas themselves.  Visits all units of rows, if a
 * quota was created, deleted or got another scope. */
void quotas_refresh(struct engine *);

/* Add a unit, before it has any entries or values; or remove it, after these
 * were removed. */
void quotas_add_unit(struct engine *, struct unit_node *);
void quotas_remove_unit(struct engine *, struct unit_node *);
/* Returns true if the unit may have 'n' flows, groups and relation values, and
 * counts them.  Otherwise it keeps what it has. */
bool quotas_admit(struct engine *, const struct unit_node *, uint64_t n);
/* Records that the unit publishes one more value ('n' is 1) or one less (-1)
 * there. */
void quotas_publish(struct engine *, const struct unit_node *,
                    struct relation_node *, int n);
void quotas_relation_destroy(struct relation_node *);

/* Recounts after all units of the run have been computed, before
 * desired_update(). */
void quotas_update_units(struct engine *);
/* Recounts 'n' items of a slot that are final. */
void quotas_update_slot(struct engine *, const struct slot *,
                        struct flow_item *const *items, size_t n);
/* Stops counting an item that is no longer desired. */
void quotas_remove_item(struct engine *, struct flow_item *);
/* Records that 'host' has joined the scope, or left it. */
void quotas_member_changed(struct engine_scope *, const char *host,
                           bool joined);
/* Ends a run, after all of these. */
void quotas_update(struct engine *);

/* Appends a line for each quota and host for which the counts of 'a' and 'b'
 * differ; returns their number. */
size_t quotas_compare(const struct engine *a, const struct engine *b,
                      struct ds *);

#endif /* controller/engine/flow-quotas.h */
