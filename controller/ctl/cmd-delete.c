/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl delete: deletes objects of a type, in one transaction. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include "controller/ctl/api-call.h"
#include "controller/ctl/object-changes.h"
#include "controller/ctl/object-types.h"

enum ctl_exit
ctl_cmd_delete(struct ctl *ctl, int n_args, char *const args[])
{
    const struct schema_table *type = ctl_get_type(ctl, args[0]);
    struct ctl_changes changes;
    enum ctl_exit status;

    if (!type) {
        return CTL_USAGE;
    }
    ctl_changes_init(&changes);
    for (int i = 1; i < n_args; i++) {
        ctl_changes_add(&changes, "delete", type->plural, args[i], NULL,
                        "deleted");
    }
    status = ctl_changes_send(ctl, "delete", &changes);
    ctl_changes_uninit(&changes);
    return status;
}
