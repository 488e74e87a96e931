/* SPDX-License-Identifier: Apache-2.0
 *
 * Deletions of a request.  For transaction.c alone. */

#ifndef CONTROLLER_MODEL_CASCADE_H
#define CONTROLLER_MODEL_CASCADE_H 1

#include "controller/model/model-private.h"

struct txn;

/* Carries out the DELETE operations of the request, its prune, and what
 * follows.  What is still referred to afterwards is found by
 * check_touched(). */
void delete_asked(struct txn *);

#endif /* controller/model/cascade.h */
