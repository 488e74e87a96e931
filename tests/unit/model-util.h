/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests to the model as short texts, for tests.  One operation a line:
 *
 *     put|patch TYPE NAME JSON
 *     delete|cascade|absent TYPE NAME
 *
 * with ' for " in the JSON, and "@ETAG" behind the verb for If-Match. */

#ifndef TESTS_UNIT_MODEL_UTIL_H
#define TESTS_UNIT_MODEL_UTIL_H 1

#include <jansson.h>

#include "controller/model/model.h"

struct ds;
struct vmn_row;

/* Fills 'request', which was initialised. */
void model_util_parse(struct model_request *request, const char *text);

/* Applies 'text' as 'who' with 'prune_set' (or NULL).  Returns the errors as
 * "POINTER TEXT\n" lines, "" for success; the caller frees it. */
char *model_util_apply(struct model *, const char *who,
                       const char *prune_set, const char *text,
                       uint64_t *revision);

/* As model_util_apply(), with a key of the request (or NULL) and a digest of
 * 'text'. */
char *model_util_apply_keyed(struct model *, const char *who,
                             const char *prune_set, const char *key,
                             const char *text, uint64_t *revision);

/* The rights of an operator, or a viewer if 'views', with a scope and what it
 * reads, selectors, and with a tier: each may be NULL.  The caller destroys
 * them. */
struct model_rights *model_util_rights(const char *scope, const char *reads,
                                       const char *tier, bool views);

/* Applies 'text' as 'request', which has no operation yet, and takes it back
 * unless it 'keeps' it.  Uninitialises the request.  Returns
 * "CODE POINTER TEXT;" for each error, or "outcome N", that of the first
 * operation; the caller frees it. */
char *model_util_answer(struct model *, struct model_request *request,
                        const char *text, bool keeps);

/* All rows of the model, metadata included, current or durable ones, as text
 * that is equal only if they are.  The caller frees it. */
char *model_util_dump(const struct model *, bool durable);

/* What schema_row_print_status() says of a row.  The caller owns it. */
json_t *model_util_row_status(const struct vmn_row *);

#endif /* tests/unit/model-util.h */
