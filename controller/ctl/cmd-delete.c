/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl delete: deletes objects of a type, one transaction each. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include "controller/ctl/api-call.h"
#include "controller/ctl/object-types.h"
#include "controller/ctl/output-plan.h"
#include "openvswitch/dynamic-string.h"

static enum ctl_exit
delete_one(struct ctl *ctl, const char *type, const char *name)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    enum ctl_exit status;

    ctl_append_path(&path, type, name);
    if (ctl->cascade) {
        ctl_append_query(&path, "cascade", "true");
    }
    ctl_append_wait(ctl, &path);
    status = ctl_call(ctl, "DELETE", ds_cstr(&path), NULL, NULL, &reply);
    if (!status && ctl->dry_run) {
        ctl_plan_show(ctl, reply.body);
        ctl_reply_uninit(&reply);
    } else if (!status) {
        ctl_print_outcome(ctl, type, name, "deleted");
        ctl_print_also_changed(ctl, reply.body);
        status = ctl_report_receipt(ctl, &reply);
        ctl_reply_uninit(&reply);
    }
    ds_destroy(&path);
    return status;
}

enum ctl_exit
ctl_cmd_delete(struct ctl *ctl, int n_args, char *const args[])
{
    const struct schema_table *type = ctl_get_type(ctl, args[0]);
    enum ctl_exit worst = CTL_DONE;

    if (!type) {
        return CTL_USAGE;
    }
    for (int i = 1; i < n_args; i++) {
        enum ctl_exit status = delete_one(ctl, type->plural, args[i]);

        if (status == CTL_UNREACHABLE) {
            return status;
        }
        if (worst != CTL_REFUSED && status) {
            worst = status;
        }
    }
    return worst;
}
