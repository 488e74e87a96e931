/* SPDX-License-Identifier: Apache-2.0
 *
 * Where ports are, as hosts report. */

#include <config.h>

#include <string.h>

#include "controller/model/model-class.h"
#include "controller/model/row-index.h"
#include "controller/model/txn.h"

static void
add_keys(const struct index_sink *sink, const struct vmn_row *row)
{
    index_add(sink, VMN_INDEX_PORT_BY_HOST,
              ((const struct vmn_binding *) row)->host);
}

static void
check_written(struct txn *txn, struct model_op *op,
              const struct vmn_row *row,
              const struct vmn_row *old OVS_UNUSED)
{
    const struct vmn_binding *binding = (const struct vmn_binding *) row;

    if (binding->candidate && !strcmp(binding->host, binding->candidate)) {
        txn_op_error(txn, op, VMN_ERR_INVALID, "/candidate",
                     "must not be the active host");
    }
    if (binding->former && (!strcmp(binding->host, binding->former)
                            || binding->candidate)) {
        txn_op_error(txn, op, VMN_ERR_INVALID, "/former",
                     "must not be the active host, nor be there beside a "
                     "candidate");
    }
}

const struct model_class model_binding = {
    .add_keys = add_keys,
    .check_written = check_written,
};
