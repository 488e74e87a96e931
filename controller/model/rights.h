/* SPDX-License-Identifier: Apache-2.0
 *
 * Authorization: what accounts may see and change.  Private to
 * controller/model; others use struct model_rights. */

#ifndef CONTROLLER_MODEL_RIGHTS_H
#define CONTROLLER_MODEL_RIGHTS_H 1

#include "controller/model/model-private.h"
#include "sset.h"

struct txn;

/* Maximum depth in which references between objects are followed.  Groups and
 * fallbacks of balancers (VMN_LB_FALLBACKS_MAX) nest less deep, but an invalid
 * request may say otherwise. */
#define RIGHTS_DEPTH_MAX 24

/* Caches results while a request is checked, so that nothing is examined more
 * than once. */
struct rights_memo {
    struct sset within;         /* "TABLE/NAME" of what acts on nothing... */
    struct sset outside;        /* ...or on something that is not within the
                                 * scope. */
    struct sset unused;         /* Groups that others do not depend on. */
    bool has_scopes;            /* The rest is filled in: */
    size_t n_scopes, allocated_scopes;
    const struct vmn_selector **scopes; /* Of other operators, neither apart
                                         * from the account's nor inside. */
    bool told_hidden;           /* That objects which the account does not see
                                 * would change; not how many. */
};

/* rights.c */
/* Returns true if 'row' is within the scope, or if there is none. */
bool rights_own(const struct model_rights *, const struct vmn_row *row);
/* Returns true if objects of the table are for the account to change, or if
 * there are no 'rights': all are. */
bool rights_have_table(const struct model_rights *rights, enum vmn_table);
/* Returns true if the account is shown all that 'row' says.  Else it must not
 * be disclosed either that it says what a request says. */
bool rights_show_all(const struct model_rights *, const struct vmn_row *row);
/* Returns the row as it was before the request, or as the request creates it;
 * NULL if there is none. */
const struct vmn_row *rights_row(const struct txn *, enum vmn_table,
                                 const char *name);

/* scope-reach.c; for accounts with a scope. */
/* Returns true if the account may change 'row': it is within the scope, acts
 * on nothing else, and decides in no tier but the account's. */
bool rights_may_change(const struct txn *, const struct vmn_row *row);
/* Returns true if such rows may have a secret field: an app's type may.
 * Rights and drafts go by the type, not by what is in a row. */
bool rights_have_secrets(const struct schema_struct *);
/* Returns true if objects within the scope may act on 'row'; not if that
 * decides in a tier that is not for the account: a mirror would show what it
 * denies, and a limit deny what it allows. */
bool rights_is_within_scope(const struct txn *, const struct vmn_row *row);
/* Returns true if 'row' decides in no tier but those that the account may
 * use. */
bool rights_keep_tiers(const struct txn *, const struct vmn_row *row);

/* port-rights.c; for accounts with a scope. */
/* Gives the spec of a port that has no connection limit the one that it has,
 * or the default. */
json_t *port_complete(struct txn *, const struct model_op *, json_t *spec,
                      const struct version *old);
/* Checks a port that was made, changed or deleted. */
void check_port_rights(struct txn *, const struct entry *port);
/* Returns true if the network of 'port' is within the scope. */
bool rights_own_network(const struct txn *, const struct vmn_row *port);

/* shared-rights.c; for accounts with a scope. */
/* Checks the effect of an object's change on other accounts' objects that
 * depend on it. */
void check_shared_rights(struct txn *, const struct entry *);
/* Checks that a network keeps its subnets if routers of others join it. */
void check_routed_subnets(struct txn *, const struct entry *network);
/* Checks that an object that others use keeps its meaning. */
void check_meaning_is_kept(struct txn *, const struct entry *);

/* rights-checks.c */
/* Checks that the account that makes the request is authorized for all of its
 * changes. */
void check_rights(struct txn *);

#endif /* controller/model/rights.h */
