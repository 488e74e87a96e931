/* SPDX-License-Identifier: Apache-2.0
 *
 * What accounts may see and change.  For controller/model alone; others see
 * struct model_rights. */

#ifndef CONTROLLER_MODEL_RIGHTS_H
#define CONTROLLER_MODEL_RIGHTS_H 1

#include "controller/model/model-private.h"
#include "sset.h"

struct txn;

/* How far is followed what acts on what, and what refers to what: groups are
 * not so many inside of each other, nor are balancers (VMN_LB_FALLBACKS_MAX),
 * but a request that is to be refused for that may say so. */
#define RIGHTS_DEPTH_MAX 24

/* What was found out while a request is checked, so that nothing is examined
 * more than once. */
struct rights_memo {
    struct sset within;         /* "TABLE/NAME" of what acts on nothing... */
    struct sset outside;        /* ...or on something that is not within the
                                 * scope. */
    struct sset unused;         /* Groups that others do not depend on. */
    bool has_scopes;            /* The rest is filled in: */
    size_t n_scopes, allocated_scopes;
    const struct vmn_selector **scopes; /* Of other operators, neither apart
                                         * from the account's nor inside. */
};

/* rights.c */
/* Returns true if 'row' is within the scope, or if there is none. */
bool rights_own(const struct model_rights *, const struct vmn_row *row);
/* The row as it was before the request, or as it is if that makes it; NULL if
 * there is none. */
const struct vmn_row *rights_row(const struct txn *, enum vmn_table,
                                 const char *name);

/* scope-reach.c; for accounts with a scope. */
/* Returns true if the account may change 'row': it is within the scope, acts
 * on nothing else, and decides in no tier but the account's. */
bool rights_may_change(const struct txn *, const struct vmn_row *row);
/* Returns true if objects within the scope may act on 'row'. */
bool rights_is_within_scope(const struct txn *, const struct vmn_row *row);
/* Returns true if 'row' decides in no tier but those that the account may
 * use. */
bool rights_keep_tiers(const struct txn *, const struct vmn_row *row);

/* port-rights.c; for accounts with a scope. */
/* Checks a port that was made, changed or deleted. */
void check_port_rights(struct txn *, const struct entry *port);
/* Returns true if the network of 'port' is within the scope. */
bool rights_own_network(const struct txn *, const struct vmn_row *port);

/* shared-rights.c; for accounts with a scope. */
/* Checks what the change of an object does to those of others that depend on
 * it. */
void check_shared_rights(struct txn *, const struct entry *);
/* Checks that a network keeps its subnets if routers of others join it. */
void check_routed_subnets(struct txn *, const struct entry *network);
/* Checks that what others use keeps its meaning. */
void check_meaning_is_kept(struct txn *, const struct entry *);

/* rights-checks.c */
/* Checks that whoever asks may do what is about to be done. */
void check_rights(struct txn *);

#endif /* controller/model/rights.h */
