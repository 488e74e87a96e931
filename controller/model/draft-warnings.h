/* SPDX-License-Identifier: Apache-2.0
 *
 * What a draft refers to and is not there: it could not be applied now.  That
 * is no fault of the draft, as it may be made before.  Not for faults
 * (model-draft.c). */

#ifndef CONTROLLER_MODEL_DRAFT_WARNINGS_H
#define CONTROLLER_MODEL_DRAFT_WARNINGS_H 1

struct model_warnings;
struct vmn_draft;

/* Warns of objects that the draft's changes refer to, that the draft does not
 * create, and that are not there, or that the client does not see. */
void draft_warn(struct model_warnings *, const struct vmn_draft *);

#endif /* controller/model/draft-warnings.h */
