/* SPDX-License-Identifier: Apache-2.0
 *
 * Drafts as vmnctl changes them: each is read, changed here, and written back
 * unless somebody else has changed it meanwhile; then once more. */

#ifndef CONTROLLER_CTL_DRAFT_CHANGES_H
#define CONTROLLER_CTL_DRAFT_CHANGES_H 1

#include <jansson.h>

#include "controller/ctl/ctl.h"

/* Adds the changes in 'objects', which are as in the body of POST /v1/apply,
 * to the draft of --draft, which is made if it is not there. */
enum ctl_exit ctl_draft_add(struct ctl *, const char *command,
                            const json_t *objects);

/* Creates the draft 'name' of 'objects'. */
enum ctl_exit ctl_draft_create(struct ctl *, const char *name,
                               const json_t *objects);

/* Takes the changes of the object out of the draft; or has all of its changes
 * go by what is there now. */
enum ctl_exit ctl_draft_drop(struct ctl *, const char *draft,
                             const char *type, const char *name);
enum ctl_exit ctl_draft_rebase(struct ctl *, const char *draft);

#endif /* controller/ctl/draft-changes.h */
