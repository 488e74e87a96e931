/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl promote: sets policies from mode "shadow" to "enforce". */

#include <config.h>

#include "controller/ctl/ctl.h"

enum ctl_exit
ctl_cmd_promote(struct ctl *ctl, int n_args, char *const args[])
{
    enum ctl_exit worst = CTL_DONE;

    for (int i = 0; i < n_args && worst != CTL_UNREACHABLE; i++) {
        enum ctl_exit status = ctl_patch(ctl, "policies", args[i], "mode",
                                         json_string("enforce"), "promoted");

        if (status == CTL_UNREACHABLE
            || (worst != CTL_REFUSED && status)) {
            worst = status;
        }
    }
    return worst;
}
