/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl backup: copies vmnd's database to a file.  Not for restoring one
 * (cmd-restore.c). */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/backup-file.h"
#include "controller/ctl/output.h"
#include "controller/store/store-file.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Downloads a copy of the running vmnd's database into the file
 * 'temporary'. */
static enum ctl_exit
fetch(struct ctl *ctl, const char *temporary)
{
    int fd = open(temporary, O_WRONLY | O_CLOEXEC);
    enum ctl_exit status;

    if (fd < 0) {
        fprintf(ctl->err, "vmnctl: cannot open %s: %s\n", temporary,
                ovs_strerror(errno));
        return CTL_REFUSED;
    }
    status = ctl_download(ctl, "/v1/backup", fd);
    close(fd);
    return status;
}

static enum ctl_exit
backup_running(struct ctl *ctl, const char *file,
               struct store_file_info *info)
{
    struct vmn_error why = VMN_ERROR_INIT;
    enum ctl_exit status;
    char *temporary;

    if (store_file_make_temporary(file, &temporary, &why)) {
        return ctl_backup_refuse(ctl, &why);
    }
    status = fetch(ctl, temporary);
    if (!status
        && (store_file_verify(temporary, "what vmnd sent", info, &why)
            || store_file_publish(temporary, file, ctl->force, &why))) {
        status = ctl_backup_refuse(ctl, &why);
    }
    if (status) {
        store_file_discard(temporary);
    }
    free(temporary);
    return status;
}

/* Shows what was saved: a line, or one object. */
static void
show_saved(struct ctl *ctl, const char *file,
           const struct store_file_info *info)
{
    if (ctl->output == CTL_JSON || ctl->output == CTL_YAML) {
        char *time = (info->time_ms
                      ? xastrftime_msec("%Y-%m-%dT%H:%M:%SZ", info->time_ms,
                                        true) : NULL);
        json_t *name = json_string(file);       /* NULL: it is not UTF-8. */
        json_t *json = json_pack("{s:o, s:I, s:s?, s:I}", "file",
                                 name ? name : json_null(), "revision",
                                 (json_int_t) info->revision, "time", time,
                                 "n_objects", (json_int_t) info->n_objects);

        ctl_show_raw(ctl, json);
        json_decref(json);
        free(time);
    } else {
        char *text = ctl_backup_describe(info);

        fprintf(ctl->out, "%s: %s, verified\n", file, text);
        free(text);
    }
}

enum ctl_exit
ctl_cmd_backup(struct ctl *ctl, int n_args OVS_UNUSED, char *const args[])
{
    enum ctl_exit status = CTL_DONE;
    struct vmn_error why = VMN_ERROR_INIT;
    struct store_file_info info;

    if (!strcmp(args[0], "-")) {
        return ctl_usage(ctl, "backup: a file gets its name once it is "
                         "verified: give one, not standard output");
    }
    if (store_file_check_place(args[0], &why)) {
        return ctl_backup_refuse(ctl, &why);
    }
    if (!ctl->force && !access(args[0], F_OK)) {
        fprintf(ctl->err, "vmnctl: %s is there already: --force replaces "
                "it\n", args[0]);
        return CTL_REFUSED;
    }
    if (store_file_check_no_log(args[0], &why)) {
        return ctl_backup_refuse(ctl, &why);
    }
    if (ctl->database) {
        if (store_file_backup(ctl->database, args[0], ctl->force, &info,
                              &why)) {
            status = ctl_backup_refuse(ctl, &why);
        }
    } else {
        status = backup_running(ctl, args[0], &info);
    }
    if (!status) {
        show_saved(ctl, args[0], &info);
    }
    return status;
}
