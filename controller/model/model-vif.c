/* SPDX-License-Identifier: Apache-2.0
 *
 * Interfaces on hosts, as these report them. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "controller/model/model-class.h"
#include "controller/model/row-index.h"
#include "controller/model/txn.h"
#include "util.h"

static void
add_keys(const struct index_sink *sink, const struct vmn_row *row)
{
    index_add(sink, INDEX_VIF_IFACE_ID,
              ((const struct vmn_vif *) row)->iface_id);
}

static void
check_written(struct txn *txn, struct model_op *op,
              const struct vmn_row *row,
              const struct vmn_row *old OVS_UNUSED)
{
    const struct vmn_vif *vif = (const struct vmn_vif *) row;
    char *name = xasprintf("%s/%s", vif->host, vif->iface_id);

    if (strcmp(name, row->name)) {
        txn_op_error(txn, op, VMN_ERR_INVALID, "", "must be named \"%s\"",
                     name);
    }
    free(name);
}

const struct model_class model_vif = {
    .add_keys = add_keys,
    .check_written = check_written,
};
