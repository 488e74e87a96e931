/* SPDX-License-Identifier: Apache-2.0
 *
 * Usage of quotas: counts of the current rows that a quota's scope selects,
 * updated with each row that is created, changed or deleted.  Only for
 * controller/model; the checks of requests are in quota-limits.c. */

#ifndef CONTROLLER_MODEL_QUOTA_USAGE_H
#define CONTROLLER_MODEL_QUOTA_USAGE_H 1

#include "controller/model/model.h"

struct model_class;
struct usage;
struct usage_counter;

struct usage *usage_create(const struct model_class *const *classes);
void usage_destroy(struct usage *);

/* Records the change of a row from 'before' to 'after'; either may be NULL.  A
 * quota that is new or has another scope is counted by the next
 * usage_refresh(). */
void usage_change(struct usage *, const struct vmn_row *before,
                  const struct vmn_row *after);

/* Counts all rows for quotas that have not been counted yet.  Yields.  No
 * transaction may be under way. */
void usage_refresh(struct usage *, const struct model *);

/* Counts the memberships of groups, if ports or groups have changed. */
void usage_count_memberships(struct usage *, const struct model *);

/* The counts of quota 'name', or NULL if there is none, or it has not been
 * counted yet.  Valid until the next change. */
const struct model_usage *usage_get(const struct usage *, const char *name);

/* Calls 'cb' for each quota, and each account, whose scope selects 'row'. */
void usage_each_of(const struct usage *, const struct vmn_row *,
                   void (*cb)(void *aux, const char *quota), void *aux);

/* Returns the scope of an account that selects 'row', or NULL.  Of several it
 * is the one with the fewest terms; of those, the first by text. */
const char *usage_scope_of(const struct usage *, const struct vmn_row *);

/* Adds to 'counts' what 'row' uses up, times 'sign'. */
void usage_add(const struct usage *, struct model_usage *counts,
               const struct vmn_row *row, int sign);

/* The same as usage_change() for a quota, and for an account: one with a scope
 * has the counter usage_account_name(). */
void usage_quota_changed(struct usage *, const struct vmn_row *before,
                         const struct vmn_row *after);
void usage_account_changed(struct usage *, const struct vmn_row *before,
                           const struct vmn_row *after);
void usage_account_name(char name[MODEL_DEFAULT_QUOTA_SIZE],
                        const char *account);

#endif /* controller/model/quota-usage.h */
