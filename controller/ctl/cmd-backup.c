/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl backup: copies vmnd's database to a file.  vmnctl restore: checks
 * such a file and puts it in place of the database. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/output-table.h"
#include "controller/ctl/output.h"
#include "controller/store/store-file.h"
#include "openvswitch/dynamic-string.h"
#include "timeval.h"
#include "util.h"

/* Prints an error, and releases it. */
static enum ctl_exit
refuse(struct ctl *ctl, struct vmn_error *why)
{
    fprintf(ctl->err, "vmnctl: %s\n", why->text);
    vmn_error_uninit(why);
    return CTL_REFUSED;
}

/* Returns a description such as "revision 42 of 2026-11-20T10:00:00Z, 17
 * objects".  The caller frees it. */
static char *
describe(const struct store_file_info *info)
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

/* backup.  --------------------------------------------------------------- */

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
        return refuse(ctl, &why);
    }
    status = fetch(ctl, temporary);
    if (!status
        && (store_file_verify(temporary, "what vmnd sent", info, &why)
            || store_file_publish(temporary, file, ctl->force, &why))) {
        status = refuse(ctl, &why);
    }
    if (status) {
        store_file_discard(temporary);
    }
    free(temporary);
    return status;
}

enum ctl_exit
ctl_cmd_backup(struct ctl *ctl, int n_args OVS_UNUSED, char *const args[])
{
    enum ctl_exit status = CTL_DONE;
    struct store_file_info info;

    if (!ctl->force && !access(args[0], F_OK)) {
        fprintf(ctl->err, "vmnctl: %s is there already: --force replaces "
                "it\n", args[0]);
        return CTL_REFUSED;
    }
    if (ctl->database) {
        struct vmn_error why = VMN_ERROR_INIT;

        if (store_file_backup(ctl->database, args[0], ctl->force, &info,
                              &why)) {
            status = refuse(ctl, &why);
        }
    } else {
        status = backup_running(ctl, args[0], &info);
    }
    if (!status) {
        char *text = describe(&info);

        fprintf(ctl->out, "%s: %s, verified\n", args[0], text);
        free(text);
    }
    return status;
}

/* restore.  -------------------------------------------------------------- */

static void
print_restored(struct ctl *ctl, const char *file,
               const struct store_restored *r)
{
    char *text = describe(&r->info);

    fprintf(ctl->out, "%s: %s, verified\n%s: restored as revision %"PRIu64
            "; start vmnd\n", file, text, ctl->database, r->revision);
    free(text);
    if (r->former) {
        fprintf(ctl->out, "the former database is kept: %s\n", r->former);
    }
    if (r->damage) {
        fprintf(ctl->out, "it cannot be used: %s\n", r->damage);
    }
    if (r->log_cut) {
        fputs("the log of changes ends with the backup: who changed what "
              "since then is not known\n", ctl->out);
    } else if (r->n_logged) {
        fprintf(ctl->out, "%"PRIu64" later revision%s taken back: the log "
                "keeps who changed what, but not the fields\n",
                r->n_logged, r->n_logged == 1 ? " is" : "s are");
    }
    if (r->n_shared) {
        fprintf(ctl->err, "vmnctl: %"PRIuSIZE" VNI%s of the backup %s another"
                " network's meanwhile and cannot be changed: until all hosts "
                "are synced, hosts may take these networks for each other\n",
                r->n_shared, r->n_shared == 1 ? "" : "s",
                r->n_shared == 1 ? "was" : "were");
    }
}

static const struct ctl_column object_columns[] = {
    { "CHANGE", "/op", NULL },
    { "TYPE", "/type", NULL },
    { "NAME", "/name", NULL },
    { NULL, NULL, NULL },
};

/* Lists what the restore takes back. */
static void
print_loss(struct ctl *ctl, const struct store_loss *loss)
{
    if (loss->n_revisions) {
        fprintf(ctl->out, "changed since the backup, and taken back: "
                "%"PRIuSIZE" revision%s\n", loss->n_revisions,
                loss->n_revisions == 1 ? "" : "s");
        ctl_show_revisions(ctl, loss->revisions);
        if (loss->n_revisions > json_array_size(loss->revisions)) {
            fprintf(ctl->out, "and %"PRIuSIZE" older\n", loss->n_revisions
                    - json_array_size(loss->revisions));
        }
    }
    if (loss->n_objects) {
        fprintf(ctl->out, "\nwhat the restore does with objects:\n");
        ctl_show_table(ctl->out, object_columns, loss->objects);
        if (loss->n_objects > json_array_size(loss->objects)) {
            fprintf(ctl->out, "and %"PRIuSIZE" more\n", loss->n_objects
                    - json_array_size(loss->objects));
        }
    }
    fputc('\n', ctl->out);
    fflush(ctl->out);
}

/* Shows what is taken back, and asks whether to go on. */
static bool
confirm_restore(void *ctl_, const struct store_loss *loss)
{
    struct ctl *ctl = ctl_;
    char line[16];

    print_loss(ctl, loss);
    if (ctl->yes) {
        return true;
    }
    if (!isatty(fileno(ctl->in))) {
        fputs("vmnctl: nothing was done: --yes takes these changes back\n",
              ctl->err);
        return false;
    }
    fputs("Take these changes back? [y/N] ", ctl->out);
    fflush(ctl->out);
    if (fgets(line, sizeof line, ctl->in)
        && (line[0] == 'y' || line[0] == 'Y')) {
        return true;
    }
    fputs("vmnctl: nothing was done\n", ctl->err);
    return false;
}

enum ctl_exit
ctl_cmd_restore(struct ctl *ctl, int n_args OVS_UNUSED, char *const args[])
{
    enum ctl_exit status = CTL_DONE;
    struct vmn_error why = VMN_ERROR_INIT;
    struct store_restored restored;

    if (!ctl->database) {
        return ctl_usage(ctl, "restore: give --database, where vmnd has its "
                         "state");
    }
    int error = store_file_restore(args[0], ctl->database, confirm_restore,
                                   ctl, &restored, &why);
    if (error == ECANCELED) {
        status = CTL_REFUSED;
    } else if (error) {
        status = refuse(ctl, &why);
    } else {
        print_restored(ctl, args[0], &restored);
    }
    store_restored_uninit(&restored);
    return status;
}
