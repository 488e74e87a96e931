/* SPDX-License-Identifier: Apache-2.0
 *
 * Apps: they come with the configuration of vmnd; users disable them and bound
 * their memory. */

#include <config.h>

#include "controller/model/model-class.h"
#include "controller/model/txn.h"
#include "controller/schema/schema-row.h"

static void
check_written(struct txn *txn, struct model_op *op,
              const struct vmn_row *row, const struct vmn_row *old)
{
    struct vmn_app_row same;

    if (txn_may_load(txn)) {
        return;
    }
    same = *(const struct vmn_app_row *) old;
    same.enabled = ((const struct vmn_app_row *) row)->enabled;
    same.max_memory_mib = ((const struct vmn_app_row *) row)->max_memory_mib;
    if (!schema_row_same_spec(row, &same.row)) {
        txn_op_error(txn, op, VMN_ERR_INVALID, "", "only \"enabled\" and "
                     "\"max_memory_mib\" of an app can be changed");
    }
}

const struct model_class model_app = {
    .check_written = check_written,
};
