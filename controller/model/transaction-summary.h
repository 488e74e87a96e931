/* SPDX-License-Identifier: Apache-2.0
 *
 * The log's text of what a request has changed.  For controller/model
 * alone. */

#ifndef CONTROLLER_MODEL_TRANSACTION_SUMMARY_H
#define CONTROLLER_MODEL_TRANSACTION_SUMMARY_H 1

#include <stddef.h>

#include "controller/model/model.h"
#include "openvswitch/dynamic-string.h"

struct entry;
struct txn;

/* Begins empty. */
struct txn_summary {
    struct ds text;
    size_t n;                   /* Changes and effects, named or not. */
};

/* Returns the outcome for an entry that the request has changed. */
enum model_outcome txn_outcome(const struct entry *);
/* Adds the change of an entry, before that is committed.  A bounded number are
 * named, and the rest are counted. */
void txn_summary_add(struct txn_summary *, const struct model *,
                     const struct entry *);
/* Adds what the changes do to ports.  Returns the whole text, a JSON array,
 * which is the caller's; 'summary' is empty then.  At least one change was
 * added. */
char *txn_summary_end(struct txn_summary *summary, const struct txn *);

#endif /* controller/model/transaction-summary.h */
