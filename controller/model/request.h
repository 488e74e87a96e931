/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations as data.  For transaction.c alone. */

#ifndef CONTROLLER_MODEL_REQUEST_H
#define CONTROLLER_MODEL_REQUEST_H 1

#include "controller/model/model-private.h"

/* Notes a row that 'request' changed and does not name. */
void model_request_add_also(struct model_request *, enum model_outcome,
                            enum vmn_table, const char *name,
                            const struct schema_diff *);
/* Forgets all of them. */
void model_request_clear_also(struct model_request *);

/* Returns 'target' merged with 'patch' by RFC 7396.  Takes ownership of
 * 'target', which may be NULL. */
json_t *spec_merge_patch(json_t *target, json_t *patch);

/* Returns 'spec' of an object of the table, with the labels of the scope of
 * 'rights' where a PUT would get them.  The caller owns it. */
json_t *spec_with_scope_labels(enum vmn_table, const struct model_rights *,
                               json_t *spec);

/* Returns the complete spec that the operation requests, with what PATCH and
 * apps keep of 'old', and with the labels of the scope of 'rights' (NULL:
 * none) where a PUT has no labels at all.  The caller owns it. */
json_t *spec_of_op(const struct model_op *op, const struct version *old,
                   const struct model_rights *rights, bool is_daemon);

/* Returns the difference of two versions, in the request's arena. */
const struct schema_diff *request_diff(struct model_request *,
                                       const struct version *before,
                                       const struct version *after);
/* Frees all of them. */
void request_drop_diffs(struct model_request *);
/* Drops what its operations have made (model_op_made()). */
void request_drop_made(struct model_request *);

#endif /* controller/model/request.h */
