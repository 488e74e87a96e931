/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl promote: sets policies from mode "shadow" to "enforce", in one
 * transaction. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include "controller/ctl/object-changes.h"

enum ctl_exit
ctl_cmd_promote(struct ctl *ctl, int n_args, char *const args[])
{
    struct ctl_changes changes;
    enum ctl_exit status;

    ctl_changes_init(&changes);
    changes.unchanged = "already enforcing; nothing changed";
    for (int i = 0; i < n_args; i++) {
        ctl_changes_add(&changes, "patch", "policies", args[i],
                        json_pack("{s:s}", "mode", "enforce"), "promoted");
    }
    status = ctl_changes_send(ctl, "promote", &changes);
    ctl_changes_uninit(&changes);
    return status;
}
