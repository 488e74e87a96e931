/* SPDX-License-Identifier: Apache-2.0
 *
 * What a request is checked for at its end, in this order.  For
 * controller/model alone. */

#ifndef CONTROLLER_MODEL_ROW_CHECKS_H
#define CONTROLLER_MODEL_ROW_CHECKS_H 1

#include "controller/model/model-private.h"

struct txn;

/* Checks the touched entries against everything else, as it is now. */
void check_touched(struct txn *);
/* Checks the touched entries against the quotas of the client. */
void check_quotas(struct txn *);

/* memberships.c */
/* Checks the memberships of all groups. */
void check_memberships(struct txn *);
/* Checks those of the groups that the quota counts. */
void check_quota_memberships(struct txn *, const struct vmn_quota *);
/* Returns how many memberships a group or port has, with the others that there
 * are. */
int64_t memberships_of(const struct model *, const struct vmn_row *);

/* references.c */
/* Checks that what an entry refers to exists; errors go to 'pointer' and
 * on. */
void check_refs(struct txn *, const struct entry *, const char *pointer);
/* Reports what still refers to an entry that was deleted. */
void check_referrers(struct txn *, const struct entry *);
/* unknown-fields.c */
/* Reports what may refer to it by a field that this version does not know. */
void check_unknown_referrers(struct txn *, const struct entry *);

#endif /* controller/model/row-checks.h */
