/* SPDX-License-Identifier: Apache-2.0
 *
 * Where what a draft changes has been changed since its changes were written.
 * It goes by what objects say: what was changed and changed back, or is
 * already as the draft makes it, conflicts with nothing; and a patch conflicts
 * with changes of the fields alone that it names, and of labels, which say
 * whose the object is.  One that was deleted and created anew is another one.
 * Of a type that has got a secret field since, all is a conflict.
 * Not for what the change would do to other objects (model_apply()). */

#ifndef CONTROLLER_MODEL_DRAFT_CONFLICTS_H
#define CONTROLLER_MODEL_DRAFT_CONFLICTS_H 1

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/schema/tables.h"

struct model;
struct model_rights;

/* Values are borrowed; NULL: there is none. */
struct draft_conflict {
    size_t change;              /* Its index in the draft. */
    const char *path;           /* Of the field, "/spec/mode"; "": it is about
                                 * the object as such: there is none now, or
                                 * was none, or it is another one. */
    const json_t *base;         /* What it was, */
    const json_t *now;          /* what it is, */
    const json_t *wanted;       /* and what the draft makes it. */
    uint64_t revision;          /* That made the present object; 0: there is
                                 * none, or it is not this client's to see. */
    bool left_out;              /* Drafts do not change objects of the type any
                                 * more, which has a secret field now: values
                                 * are not told, nor whether they differ. */
};
typedef void draft_conflict_cb(void *aux, const struct draft_conflict *);

/* Calls 'cb' for each field in conflict with the durable state.  What a client
 * with 'rights' (NULL: all) does not see is to it as if it was not there. */
void draft_conflicts(const struct model *, const struct model_rights *,
                     const struct vmn_draft *, draft_conflict_cb *cb,
                     void *aux);

#endif /* controller/model/draft-conflicts.h */
