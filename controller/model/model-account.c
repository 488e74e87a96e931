/* SPDX-License-Identifier: Apache-2.0
 *
 * Accounts: one with a scope has a counter of what it may use up without a
 * quota.  Not for rights (rights.c). */

#include <config.h>

#include "controller/model/model-class.h"
#include "controller/model/quota-usage.h"

const struct model_class model_account = {
    .changed = usage_account_changed,
};
