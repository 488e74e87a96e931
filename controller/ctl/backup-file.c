/* SPDX-License-Identifier: Apache-2.0
 *
 * See backup-file.h. */

#include <config.h>

#include "controller/ctl/backup-file.h"

#include <inttypes.h>
#include <stdlib.h>

#include "controller/ctl/output-table.h"
#include "controller/store/store-file.h"
#include "openvswitch/dynamic-string.h"
#include "timeval.h"
#include "util.h"

enum ctl_exit
ctl_backup_refuse(struct ctl *ctl, struct vmn_error *why)
{
    ctl_printf_safely(ctl->err, "vmnctl: %s\n", why->text);
    vmn_error_uninit(why);
    return CTL_REFUSED;
}

char *
ctl_backup_describe(const struct store_file_info *info)
{
    char *time = info->time_ms
                 ? xastrftime_msec(" of %Y-%m-%dT%H:%M:%SZ", info->time_ms,
                                   true)
                 : xstrdup("");
    char *text = xasprintf("revision %"PRIu64"%s, %"PRIuSIZE" object%s",
                           info->revision, time, info->n_objects,
                           info->n_objects == 1 ? "" : "s");

    free(time);
    return text;
}
