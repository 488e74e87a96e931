/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes that another member of a cluster has made are applied to the model
 * as they are.  In this order: IDs (id_pools_replicate()), rows, cursors,
 * entries of the log, model_replicate_done().  Then they are pending: the
 * store writes them, and model_settle() follows.  After an error the model is
 * not a state that ever was, and must not be used any more. */

#ifndef CONTROLLER_MODEL_REPLICATE_H
#define CONTROLLER_MODEL_REPLICATE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/model/model.h"

/* Creates or replaces a row.  Arguments as those of model_load_row();
 * 'recreated' as in struct model_write.  Returns 0 or EINVAL, with 'errors'
 * filled in. */
int model_replicate_row(struct model *, enum vmn_table, const char *name,
                        json_t *spec, json_t *status,
                        const struct model_meta *, bool recreated,
                        struct vmn_errors *);
/* Deletes a row.  Returns 0, or EINVAL if there is none. */
int model_replicate_deletion(struct model *, enum vmn_table, const char *name,
                             struct vmn_errors *);
/* Sets where the allocation of addresses goes on.  Those of networks that are
 * not there are ignored. */
void model_replicate_cursors(struct model *, const struct model_cursor *,
                             size_t n);
/* Adds an entry of the log, which is copied: 'revision', 'time_ms', 'who',
 * 'comment', 'undoes', 'draft', 'draft_author', 'summary', 'set', 'contents',
 * 'key' and 'digest'. */
void model_replicate_log(struct model *, const struct model_log *);
/* Ends the changes: they are of all revisions up to this one.  Returns 0, or
 * EINVAL if it is older than the current one, or a row refers to one that is
 * not there. */
int model_replicate_done(struct model *, uint64_t revision,
                         struct vmn_errors *);

#endif /* controller/model/replicate.h */
