/* SPDX-License-Identifier: Apache-2.0
 *
 * Services: protocols and ports by name. */

#include <config.h>

#include "controller/model/model-class.h"
#include "controller/model/rights.h"

static void
count(const struct vmn_row *row, struct model_usage *used)
{
    used->members = ((const struct vmn_service *) row)->n_entries;
}

const struct model_class model_service = {
    .check_users = check_meaning_is_kept,
    .count = count,
    .limit = "services",
    .limit_offset = offsetof(struct vmn_quota, services),
};
