/* SPDX-License-Identifier: Apache-2.0
 *
 * See request-author.h. */

#include <config.h>

#include "controller/model/request-author.h"

#include <stdlib.h>
#include <string.h>

#include "controller/schema/value.h"
#include "util.h"

struct model_author *
model_author_clone(const struct model_author *author)
{
    struct model_author *copy;

    if (!author) {
        return NULL;
    }
    copy = xmalloc(sizeof *copy);
    *copy = (struct model_author) {
        .account = xstrdup(author->account),
        .token = nullable_xstrdup(author->token),
        .sha256 = nullable_xstrdup(author->sha256),
        .role = author->role,
    };
    return copy;
}

void
model_author_destroy(struct model_author *author)
{
    if (author) {
        free(author->account);
        free(author->token);
        free(author->sha256);
        free(author);
    }
}

bool
model_token_is_expired(const struct vmn_token *token, int64_t now_ms)
{
    return (token->expires
            && value_parse_time(token->expires) <= now_ms / 1000);
}

bool
model_account_is_allowed(const struct vmn_account *account, bool by_token)
{
    return account && account->enabled && (by_token || account->certificate);
}

static const void *
get_row(const struct model *model, enum model_state state,
        enum vmn_table table, const char *name)
{
    return (state == MODEL_CURRENT ? (const void *) model_get(model, table,
                                                              name)
            : model_get_durable(model, table, name, NULL));
}

bool
model_author_is_valid(const struct model *model, enum model_state state,
                      const struct model_author *author,
                      const struct model_rights *rights, int64_t now_ms)
{
    const struct vmn_account *account = get_row(
        model, state, VMN_TABLE_ACCOUNT, author->account);
    const struct vmn_token *token = author->token
        ? get_row(model, state, VMN_TABLE_TOKEN, author->token) : NULL;

    return (model_account_is_allowed(account, author->token)
            && account->role == author->role
            && (!rights || model_rights_are_of(rights, account))
            && (!author->token
                || (token && !strcmp(token->sha256, author->sha256)
                    && !strcmp(token->account, author->account)
                    && !model_token_is_expired(token, now_ms))));
}

bool
model_author_keeps_rights(const struct model *model, enum model_state state,
                          const struct model_author *author,
                          const struct model_rights *rights)
{
    const struct vmn_account *account = get_row(
        model, state, VMN_TABLE_ACCOUNT, author->account);

    return (account && account->role == author->role
            && model_rights_are_of(rights, account));
}
