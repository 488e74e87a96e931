/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of balancers' backends. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "controller/model/model-class.h"
#include "controller/model/txn.h"
#include "util.h"

static void
check_written(struct txn *txn, struct model_op *op,
              const struct vmn_row *row,
              const struct vmn_row *old OVS_UNUSED)
{
    const struct vmn_health *health = (const struct vmn_health *) row;
    const char *target = health->target;
    char *name = (target ? xasprintf("@%s/%s", target, health->port)
                  : xasprintf("%s/%s", health->loadbalancer
                              ? health->loadbalancer : "", health->port));

    if (!health->loadbalancer == !target) {
        txn_op_error(txn, op, VMN_ERR_INVALID, "", "must have either "
                     "\"loadbalancer\" or \"target\"");
    } else if (strcmp(name, row->name)) {
        txn_op_error(txn, op, VMN_ERR_INVALID, "", "must be named \"%s\"",
                     name);
    }
    free(name);
}

const struct model_class model_health = {
    .check_written = check_written,
};
