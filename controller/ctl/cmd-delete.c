/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl delete: deletes objects, in one transaction. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include "controller/ctl/object-args.h"
#include "controller/ctl/object-changes.h"
#include "controller/ctl/object-types.h"
#include "controller/ctl/object-types.h"

enum ctl_exit
ctl_cmd_delete(struct ctl *ctl, int n_args, char *const args[])
{
    enum ctl_exit status = CTL_USAGE;
    struct ctl_changes changes;
    struct ctl_args objects;

    ctl_changes_init(&changes);
    if (ctl_args_parse_named(ctl, "delete", n_args, args, &objects)) {
        for (size_t i = 0; i < objects.n; i++) {
            const struct ctl_named *named = &objects.named[i];

            for (size_t j = 0; j < named->names.n; j++) {
                ctl_changes_add(&changes, "delete", named->type->plural,
                                named->names.names[j], NULL, "deleted");
            }
        }
        status = ctl_changes_send(ctl, "delete", &changes);
    }
    ctl_args_uninit(&objects);
    ctl_changes_uninit(&changes);
    return status;
}
