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
