/* SPDX-License-Identifier: Apache-2.0
 *
 * The quotas that have a limit of flows, sets of them, and the number of items
 * per host for each.  For flow-quotas.c, which determines what counts for
 * which. */

#ifndef CONTROLLER_ENGINE_FLOW_QUOTA_SETS_H
#define CONTROLLER_ENGINE_FLOW_QUOTA_SETS_H 1

#include <stdbool.h>
#include <stddef.h>

#include "controller/engine/flow-quotas.h"
#include "controller/engine/host-totals.h"

/* A quota: of flows on each host, if 'totals' has a limit, and of what is kept
 * in all. */
struct flow_quota {
    struct hmap_node node;      /* In struct quotas, unless it was deleted. */
    unsigned n_refs;
    char *name;
    char *scope;                /* The text of its selector. */
    bool found;                 /* By quotas_refresh(). */
    struct host_totals totals;  /* With its limit. */
    uint64_t n_kept, max_kept;  /* Flows, groups and relation values. */
    uint64_t refused;           /* What 'n_kept' would have been with a unit
                                 * that was refused in this run; 0: none. */
};

struct quota_set {
    struct hmap_node node;      /* In struct quotas. */
    struct quotas *table;
    unsigned n_refs;
    size_t n;
    struct flow_quota *quotas[]; /* By address.  Counted. */
};

/* A set that is being built. */
struct quota_draft {
    size_t n, allocated;
    struct flow_quota **quotas; /* By address. */
};

/* Return the quota of that name, or NULL; and a new one, which is found from
 * then on. */
struct flow_quota *flow_quota_find(const struct quotas *, const char *name);
struct flow_quota *flow_quota_create(struct quotas *, const char *name);
void flow_quota_unref(struct flow_quota *);

void quota_draft_add(struct quota_draft *, struct flow_quota *);
void quota_draft_add_set(struct quota_draft *, const struct quota_set *);
/* Turns the draft into a set, with a reference for the caller, and frees it.
 * Returns NULL if it is empty. */
struct quota_set *quota_draft_finish(struct quota_draft *, struct quotas *);
/* Counts a reference.  'set' may be NULL. */
struct quota_set *quota_set_ref(struct quota_set *);
void quota_set_unref(struct quota_set *);

/* Counts 'n' more items of the scope (fewer if negative) for the quotas of
 * 'set', which may be NULL. */
void quotas_count_items(struct quotas *, const struct quota_set *,
                        struct engine_scope *, int n);

#endif /* controller/engine/flow-quota-sets.h */
