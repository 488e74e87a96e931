/* SPDX-License-Identifier: Apache-2.0
 *
 * What the changes of a draft say of their objects, as JSON.  Not for what is
 * checked when a draft is written (model-draft.c), nor for how what it changes
 * has become since (draft-conflicts.h). */

#ifndef CONTROLLER_MODEL_DRAFT_CONTENTS_H
#define CONTROLLER_MODEL_DRAFT_CONTENTS_H 1

#include <jansson.h>
#include <stdbool.h>

#include "controller/schema/tables.h"

struct schema_table;

/* Returns true if drafts change objects of the table: not those that take
 * effect on who may do what, that come with the configuration, or that have
 * secrets, since a draft is shown and kept as a whole. */
bool draft_may_have(const struct schema_table *);

/* Returns the spec or the patch of a change, and what the object was, which
 * the caller owns; NULL: there is none. */
json_t *draft_spec(const struct vmn_draft_change *);
json_t *draft_base_spec(const struct vmn_draft_change *);

/* Returns true if the labels of all objects that the draft changes are
 * selected, as they were when that was written and as they are to be, and none
 * of them is of the whole installation. */
bool draft_is_within(const struct vmn_draft *, const struct vmn_selector *);

#endif /* controller/model/draft-contents.h */
