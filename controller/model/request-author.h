/* SPDX-License-Identifier: Apache-2.0
 *
 * The account that makes a request, as it was authenticated.  Between that and
 * the moment when the request is applied, or is answered, its token may be
 * revoked or expire, and the account may be deleted, disabled or given other
 * rights.  Not for what the account may change (rights.c), nor for how it
 * proves who it is (controller/northbound/auth.c). */

#ifndef CONTROLLER_MODEL_REQUEST_AUTHOR_H
#define CONTROLLER_MODEL_REQUEST_AUTHOR_H 1

#include "controller/model/model.h"

struct model_author {
    char *account;
    char *token;                /* Its name, or NULL: by a certificate. */
    char *sha256;               /* Of that token, or NULL. */
    enum vmn_role role;
};

/* Returns a copy that the caller destroys; NULL of NULL. */
struct model_author *model_author_clone(const struct model_author *);
void model_author_destroy(struct model_author *);
/* Returns true if the account and its token would still be let in, with the
 * role of 'author' and 'rights' (NULL: all), by the rows of 'state'.  'now_ms'
 * is the wall clock. */
bool model_author_is_valid(const struct model *, enum model_state,
                           const struct model_author *,
                           const struct model_rights *, int64_t now_ms);
/* Returns true if the account, enabled or not, is still there and has the role
 * of 'author' and 'rights', whatever token it was that it used. */
bool model_author_keeps_rights(const struct model *, enum model_state,
                               const struct model_author *,
                               const struct model_rights *);
/* Returns true if the token expires, and has by 'now_ms'. */
bool model_token_is_expired(const struct vmn_token *, int64_t now_ms);
/* Returns true if the account exists (is not NULL), is enabled, and allows
 * this way to authenticate: by a token, or by a certificate. */
bool model_account_is_allowed(const struct vmn_account *, bool by_token);

#endif /* controller/model/request-author.h */
