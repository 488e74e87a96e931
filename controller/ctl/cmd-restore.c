/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl restore: checks the file of a backup and puts it in place of vmnd's
 * database. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/backup-file.h"
#include "controller/ctl/host-map.h"
#include "controller/ctl/output-diff.h"
#include "controller/ctl/output-table.h"
#include "controller/ctl/output.h"
#include "controller/store/store-file.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* A restore under way. */
struct run {
    struct ctl *ctl;
    bool raw;                   /* JSON or YAML is asked for. */
    struct ctl_host_map hosts;
    json_t *loss;               /* With 'raw': the lists of print_loss(); NULL:
                                 * it was not compared, or nothing differs. */
    bool warned;                /* By warn_of_member(). */
    bool refused;               /* By --refuse-loosening. */
};

/* Says that a member is none any more with what is restored. */
static void
warn_of_member(struct run *run)
{
    struct ctl *ctl = run->ctl;

    if (run->warned) {
        return;
    }
    run->warned = true;
    fprintf(ctl->err, "vmnctl: %s is of a member of a cluster: with a backup "
            "in its place that takes no part in it any more; for a cluster "
            "to go back to a backup see docs/cluster.md, \"Back to a "
            "backup\"\n", ctl->database);
}

/* Says what is not as in the backup, and what is not known. */
static void
print_lacks(struct ctl *ctl, const struct store_restored *r)
{
    if (r->n_revoked) {
        fprintf(ctl->out, "%"PRIuSIZE" token%s and accounts that were revoked "
                "since the backup stay so\n", r->n_revoked,
                r->n_revoked == 1 ? "" : "s");
    }
    if (r->revoked_unknown) {
        fputs("which tokens and accounts were revoked since the backup is not "
              "known: all that\nthe backup has are valid (vmnctl get tokens, "
              "vmnctl get accounts)\n", ctl->out);
    }
    if (r->damage) {
        ctl_printf_safely(ctl->out, "it cannot be used: %s\n", r->damage);
    }
    if (r->log_cut) {
        fputs("the log of changes ends with the backup: who changed what "
              "since then is not known\n", ctl->out);
    } else if (r->n_taken_back) {
        fprintf(ctl->out, "%"PRIu64" later revision%s taken back: the log "
                "keeps them, marked so (vmnctl revisions)\n",
                r->n_taken_back, r->n_taken_back == 1 ? " is" : "s are");
    }
}

/* Says which hosts are others. */
static void
print_hosts(const struct run *run, const struct store_restored *r)
{
    FILE *out = run->ctl->out;
    const json_t *name;
    size_t i;

    if (!r->hosts.others) {
        return;
    }
    for (i = 0; i < run->hosts.n; i++) {
        const struct store_host_map *map = &run->hosts.maps[i];

        fprintf(out, "host %s becomes %s, tunnel_ip %s\n", map->from, map->to,
                map->tunnel_ip);
    }
    fprintf(out, "%"PRIuSIZE" reference%s to these hosts follow%s; %"PRIuSIZE
            " port%s bound there %s until a host has its interface\n",
            r->hosts.n_references, r->hosts.n_references == 1 ? "" : "s",
            r->hosts.n_references == 1 ? "s" : "", r->hosts.n_unbound,
            r->hosts.n_unbound == 1 ? "" : "s",
            r->hosts.n_unbound == 1 ? "is unbound" : "are unbound");
    json_array_foreach (r->hosts.others, i, name) {
        ctl_printf_safely(out, "%s%s", i ? ", " : "hosts that are not in the "
                          "map stay as they are: ", json_string_value(name));
    }
    fputs(i ? "\n" : "", out);
}

/* Prints what was verified, and what becomes of hosts.  Returns true if the
 * restore would change nothing. */
static bool
print_backup(const struct run *run, const char *file,
             const struct store_restored *r)
{
    struct ctl *ctl = run->ctl;
    char *text = ctl_backup_describe(&r->info);

    fprintf(ctl->out, "%s: %s, verified\n", file, text);
    free(text);
    print_hosts(run, r);
    if (r->unchanged) {
        fprintf(ctl->out, "nothing would change: %s has the same objects\n",
                ctl->database);
    }
    return r->unchanged;
}

static void
print_restored(const struct run *run, const char *file,
               const struct store_restored *r)
{
    struct ctl *ctl = run->ctl;

    if (print_backup(run, file, r)) {
        return;
    }
    fprintf(ctl->out, "%s: restored as revision %"PRIu64"; start vmnd\n",
            ctl->database, r->revision);
    if (r->former) {
        fprintf(ctl->out, "the former database is kept: %s\n", r->former);
    }
    print_lacks(ctl, r);
    if (r->n_shared) {
        fprintf(ctl->err, "vmnctl: %"PRIuSIZE" VNI%s of the backup %s another"
                " network's meanwhile and cannot be changed: until all hosts "
                "are synced, hosts may take these networks for each other\n",
                r->n_shared, r->n_shared == 1 ? "" : "s",
                r->n_shared == 1 ? "was" : "were");
    }
}

/* Says of a dry run what was not compared. */
static void
print_not_restored(const struct run *run, const char *file,
                   const struct store_restored *r)
{
    struct ctl *ctl = run->ctl;

    if (!print_backup(run, file, r) && r->uncompared) {
        fprintf(ctl->out, "there is nothing to compare with: %s%s%s\n",
                r->damage ? ctl->database : "",
                r->damage ? " cannot be used: " : "", r->uncompared);
    }
}

static const struct ctl_column revoked_columns[] = {
    { "TYPE", "/type", NULL },
    { "NAME", "/name", NULL },
    { "REASON", "/reason", NULL },
    { NULL, NULL, NULL },
};

/* Says how many of 'n' are not in the list. */
static void
print_rest(struct ctl *ctl, size_t n, const json_t *list, const char *what)
{
    if (n > json_array_size(list)) {
        fprintf(ctl->out, "and %"PRIuSIZE" %s (--limit N shows more)\n",
                n - json_array_size(list), what);
    }
}

/* Prints what becomes of the objects, and of their fields: what they are now
 * and what they are in the backup. */
static void
print_objects(struct ctl *ctl, const struct store_loss *loss)
{
    const json_t *object;
    size_t i;

    fprintf(ctl->out, "\nwhat the restore does with objects:\n");
    ctl_show_table(ctl->out, ctl_object_columns, loss->objects);
    print_rest(ctl, loss->n_objects, loss->objects, "more");
    json_array_foreach (loss->objects, i, object) {
        if (json_object_get(object, "fields")) {
            struct ds ds = DS_EMPTY_INITIALIZER;

            ds_put_char(&ds, '\n');
            ctl_path_print(object, "/type", &ds);
            ds_put_char(&ds, '/');
            ctl_path_print(object, "/name", &ds);
            ds_put_char(&ds, '\n');
            ctl_print_safely(ctl->out, ds_cstr(&ds));
            ctl_print_diff(ctl, object);
            ds_destroy(&ds);
        }
    }
}

/* Lists what the restore opens that is closed now. */
static void
print_loosened(struct ctl *ctl, const json_t *texts)
{
    const json_t *text;
    size_t i;

    json_array_foreach (texts, i, text) {
        fputs(i ? "  " : "\nLoosens:\n  ", ctl->out);
        ctl_print_safely(ctl->out, json_string_value(text));
        fputc('\n', ctl->out);
    }
}

/* Lists what the restore takes back. */
static void
print_loss(struct ctl *ctl, const struct store_loss *loss)
{
    if (loss->n_revisions) {
        fprintf(ctl->out, "changed since the backup, and taken back: "
                "%"PRIuSIZE" revision%s\n", loss->n_revisions,
                loss->n_revisions == 1 ? "" : "s");
        ctl_show_revisions(ctl, loss->revisions);
        print_rest(ctl, loss->n_revisions, loss->revisions, "older");
    }
    if (loss->n_objects) {
        print_objects(ctl, loss);
    }
    if (json_array_size(loss->revoked)) {
        fprintf(ctl->out, "\n%s:\n", ctl->with_revoked
                ? "revoked since the backup, and valid again as they were"
                : "revoked since the backup, and left as they are now "
                  "(--with-revoked takes them\nfrom the backup)");
        ctl_show_table(ctl->out, revoked_columns, loss->revoked);
    }
    print_loosened(ctl, loss->loosened);
    fputc('\n', ctl->out);
    fflush(ctl->out);
}

/* As JSON or YAML.  ------------------------------------------------------- */

static json_t *
pack_loss(const struct store_loss *loss)
{
    return json_pack(
        "{s:I, s:O, s:I, s:O, s:O, s:o}", "n_revisions",
        (json_int_t) loss->n_revisions, "revisions", loss->revisions,
        "n_objects", (json_int_t) loss->n_objects, "objects", loss->objects,
        "revoked", loss->revoked, "loosens",
        loss->loosened ? json_incref(loss->loosened) : json_array());
}

/* Returns that nothing was compared, and why: what would be taken back is
 * null, not nothing. */
static json_t *
pack_uncompared(const char *reason)
{
    json_t *text = json_string(reason);

    return json_pack(
        "{s:n, s:n, s:n, s:n, s:n, s:n, s:o}", "n_revisions", "revisions",
        "n_objects", "objects", "revoked", "loosens", "error",
        text ? text : json_string("the database cannot be used"));
}

/* Returns what has been done: null if nothing had to be. */
static json_t *
pack_done(const struct store_restored *r)
{
    return (r->unchanged ? json_null()
            : json_pack("{s:I, s:s?, s:I, s:b, s:I, s:b, s:I, s:b}",
                        "revision", (json_int_t) r->revision,
                        "former", r->former,
                        "n_taken_back", (json_int_t) r->n_taken_back,
                        "log_cut", r->log_cut, "n_revoked",
                        (json_int_t) r->n_revoked, "revoked_unknown",
                        r->revoked_unknown, "n_shared_vnis",
                        (json_int_t) r->n_shared, "of_member",
                        r->of_member));
}

/* Returns what became of hosts that are others. */
static json_t *
pack_hosts(const struct store_restored *r)
{
    return json_pack("{s:I, s:I, s:I, s:O}", "n_mapped",
                     (json_int_t) r->hosts.n_mapped, "n_references",
                     (json_int_t) r->hosts.n_references, "n_unbound",
                     (json_int_t) r->hosts.n_unbound, "others",
                     r->hosts.others);
}

/* Shows one object: the lists of a dry run, and, if it is none, "restored":
 * what was done.  'r' is NULL if nothing was, as nobody has confirmed it. */
static void
show_raw(const struct run *run, const struct store_restored *r)
{
    const struct store_loss none = {
        .revisions = json_array(), .objects = json_array(),
        .revoked = json_array(),
    };
    json_t *json = (run->loss ? json_incref(run->loss)
                    : r && r->uncompared ? pack_uncompared(r->uncompared)
                    : pack_loss(&none));

    if (r && r->hosts.others) {
        json_object_set_new(json, "hosts", pack_hosts(r));
    }
    if (!run->ctl->dry_run) {
        json_object_set_new(json, "restored", r ? pack_done(r) : json_null());
    }
    ctl_show_raw(run->ctl, json);
    json_decref(json);
    json_decref(none.revisions);
    json_decref(none.objects);
    json_decref(none.revoked);
}

/* The restore.  ----------------------------------------------------------- */

/* Asks whether to go on, beside what is for a program.  Of a member there may
 * be no changes to take back. */
static bool
is_confirmed(const struct run *run, bool has_changes)
{
    struct ctl *ctl = run->ctl;
    FILE *out = run->raw ? ctl->err : ctl->out;
    char line[16];

    if (ctl->yes) {
        return true;
    }
    if (!isatty(fileno(ctl->in))) {
        fprintf(ctl->err, "vmnctl: nothing was done: --yes %s\n",
                has_changes ? "takes these changes back" : "restores it");
        return false;
    }
    fprintf(out, "%s? [y/N] ",
            has_changes ? "Take these changes back" : "Restore it");
    fflush(out);
    if (fgets(line, sizeof line, ctl->in)
        && (line[0] == 'y' || line[0] == 'Y')) {
        return true;
    }
    fputs("vmnctl: nothing was done\n", ctl->err);
    return false;
}

/* Shows what is taken back, and asks whether to go on.  As JSON that is shown
 * with what was done, unless a person is to decide by it. */
static bool
confirm_restore(void *run_, const struct store_loss *loss)
{
    struct run *run = run_;
    struct ctl *ctl = run->ctl;

    if (run->raw) {
        run->loss = (loss->uncompared ? pack_uncompared(loss->uncompared)
                     : pack_loss(loss));
        if (ctl->dry_run || ctl->yes || !isatty(fileno(ctl->in))) {
            /* Nobody decides by it. */
        } else if (loss->uncompared) {
            fprintf(ctl->err, "there is nothing to compare with: %s\n",
                    loss->uncompared);
        } else {
            fprintf(ctl->err, "%"PRIuSIZE" objects differ, and %"PRIuSIZE
                    " revisions are taken back (--dry-run lists them)\n",
                    loss->n_objects, loss->n_revisions);
        }
    } else if (loss->uncompared) {
        fprintf(ctl->out, "there is nothing to compare with: %s\n",
                loss->uncompared);
    } else if (!ctl->dry_run || loss->n_objects
               || json_array_size(loss->loosened)) {
        print_loss(ctl, loss);
    }
    if (loss->of_member) {
        fflush(ctl->out);
        warn_of_member(run);
    }
    if (ctl->refuse_loosening
        && (loss->uncompared || json_array_size(loss->loosened))) {
        fprintf(ctl->err, "vmnctl: nothing was done: %s\n", loss->uncompared
                ? "what the restore would loosen is not known"
                : "the restore would loosen policies, isolation or "
                  "quarantines");
        run->refused = true;
        return false;
    }
    return !ctl->dry_run && is_confirmed(run, loss->n_objects);
}

static void
show_result(struct run *run, const char *file,
            const struct store_restored *r)
{
    if (r->of_member) {
        warn_of_member(run);
    }
    if (run->raw) {
        show_raw(run, r);
    } else if (run->ctl->dry_run) {
        print_not_restored(run, file, r);
    } else {
        print_restored(run, file, r);
    }
}

enum ctl_exit
ctl_cmd_restore(struct ctl *ctl, int n_args OVS_UNUSED, char *const args[])
{
    struct run run = {
        .ctl = ctl,
        .raw = ctl->output == CTL_JSON || ctl->output == CTL_YAML,
    };
    enum ctl_exit status = CTL_DONE;
    struct vmn_error why = VMN_ERROR_INIT;
    struct store_restored restored;

    if (!ctl->database || !*ctl->database) {
        return ctl_usage(ctl, "restore: give --database, the file that vmnd "
                         "has its state in, such as /var/lib/vmn/vmn.db");
    }
    if (ctl->map_hosts
        && ctl_host_map_load(&run.hosts, ctl->map_hosts, ctl->in, &why)) {
        ctl_host_map_uninit(&run.hosts);
        return ctl_backup_refuse(ctl, &why);
    }
    const struct store_restore how = {
        .comment = ctl->comment, .with_revoked = ctl->with_revoked,
        .hosts = run.hosts.maps, .n_hosts = run.hosts.n,
        .dry_run = ctl->dry_run, .max = ctl->limit,
        .confirm = confirm_restore, .aux = &run,
    };
    int error = store_file_work_as_owner(ctl->database, args[0], &why);

    memset(&restored, 0, sizeof restored);
    error = (error ? error
             : store_file_restore(args[0], ctl->database, &how, &restored,
                                  &why));
    if (error == ECANCELED) {
        status = CTL_REFUSED;
        if (run.raw) {
            show_raw(&run, NULL);
        }
    } else if (error) {
        status = ctl_backup_refuse(ctl, &why);
    } else {
        show_result(&run, args[0], &restored);
        status = run.refused ? CTL_REFUSED : CTL_DONE;
    }
    store_restored_uninit(&restored);
    ctl_host_map_uninit(&run.hosts);
    json_decref(run.loss);
    return status;
}
