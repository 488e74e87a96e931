/* SPDX-License-Identifier: Apache-2.0
 *
 * VNIs of networks.  Only for model-network.c. */

#ifndef CONTROLLER_MODEL_VNI_H
#define CONTROLLER_MODEL_VNI_H 1

#include "controller/model/model-private.h"

struct txn;

/* Gives a network its VNI.  Errors go to the transaction. */
void vni_assign(struct txn *, struct entry *network);
/* Takes the reference to a loaded network's number.  Returns false if it
 * belongs to another. */
bool vni_load(struct model *, struct version *);

#endif /* controller/model/vni.h */
