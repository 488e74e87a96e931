/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of what changed; see changes.c and struct model_changes. */

#ifndef CONTROLLER_MODEL_CHANGES_H
#define CONTROLLER_MODEL_CHANGES_H 1

#include "controller/model/model.h"

/* Adds a change, unless it is there already. */
void changes_add(struct model *, enum model_change_kind, int id,
                 const char *key);

#endif /* controller/model/changes.h */
