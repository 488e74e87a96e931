/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens: what would never be accepted is refused. */

#include <config.h>

#include "controller/model/model-class.h"
#include "controller/model/txn.h"
#include "controller/schema/value.h"

static void
check_token_effect(struct txn *txn, const struct entry *entry)
{
    const struct vmn_token *token = entry_row(entry);

    if (token->expires
        && value_parse_time(token->expires) <= txn->now_ms / 1000) {
        txn_error(txn, entry, VMN_ERR_INVALID, "/expires",
                  "must be in the future: such a token is never accepted");
    }
}

const struct model_class model_token = {
    .check_effect = check_token_effect,
};
