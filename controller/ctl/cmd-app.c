/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl app: loads an app from a file, or removes it, while vmnd runs; shows
 * its log. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/object-changes.h"
#include "controller/ctl/output-plan.h"
#include "controller/ctl/output-table.h"
#include "controller/ctl/output.h"
#include "controller/schema/module-code.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Reads the file: '*size' bytes, which the caller frees; NULL after it has
 * said why not. */
static unsigned char *
read_file(struct ctl *ctl, const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    unsigned char *bytes = xmalloc(MODULE_MAX + 1);
    const char *why = NULL;

    *size = file ? fread(bytes, 1, MODULE_MAX + 1, file) : 0;
    if (!file || ferror(file)) {
        why = ovs_strerror(errno);
    } else if (*size > MODULE_MAX) {
        why = "it has more than a MiB: strip it";
    } else if (!*size) {
        why = "it is empty";
    }
    if (file) {
        fclose(file);
    }
    if (why) {
        fprintf(ctl->err, "vmnctl: %s: %s\n", path, why);
        free(bytes);
        return NULL;
    }
    return bytes;
}

/* Returns the body of the request, or NULL after it has said why not. */
static json_t *
make_body(struct ctl *ctl, const char *path)
{
    const char *slash = strrchr(path, '/');
    unsigned char *bytes;
    char *code;
    size_t size;
    json_t *body;

    bytes = read_file(ctl, path, &size);
    if (!bytes) {
        return NULL;
    }
    code = module_code_make(bytes, size);
    body = json_pack("{s:s, s:s}", "file", slash ? slash + 1 : path,
                     "code", code);
    free(code);
    free(bytes);
    return body;
}

static enum ctl_exit
call(struct ctl *ctl, const char *method, const char *app, const json_t *body)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    enum ctl_exit status;

    ctl_append_path(&path, "apps", app);
    ds_put_cstr(&path, "/code");
    ctl_append_wait(ctl, &path);
    status = ctl_call(ctl, method, ds_cstr(&path), body, NULL, &reply);
    ds_destroy(&path);
    if (!status && ctl->dry_run) {
        ctl_plan_show(ctl, reply.body);
        ctl_reply_uninit(&reply);
    } else if (!status) {
        ctl_print_outcomes(ctl, json_object_get(reply.body, "results"));
        ctl_print_warnings(ctl, reply.body);
        status = ctl_report_receipt(ctl, &reply);
        ctl_reply_uninit(&reply);
    }
    return status;
}

/* Loads the app in the file, which has its name unless 'name' is given. */
static enum ctl_exit
load(struct ctl *ctl, const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    char *app = (name ? xstrdup(name) : xmemdup0(base, strcspn(base, ".")));
    json_t *body = make_body(ctl, path);
    enum ctl_exit status = (body ? call(ctl, "PUT", app, body) : CTL_REFUSED);

    json_decref(body);
    free(app);
    return status;
}

/* How often it is looked at whether the file has changed. */
#define WATCH_MS 200

/* Returns true if the file is another one than 'was', or has changed; if there
 * is none, it is being replaced. */
static bool
has_changed(const char *path, struct stat *was)
{
    struct stat now;

    if (stat(path, &now)
        || (now.st_ino == was->st_ino && now.st_size == was->st_size
            && now.st_mtim.tv_sec == was->st_mtim.tv_sec
            && now.st_mtim.tv_nsec == was->st_mtim.tv_nsec)) {
        return false;
    }
    *was = now;
    return true;
}

/* Loads the app now, and whenever the file has changed, until somebody ends
 * this.  A version that cannot be loaded is waited out. */
static _Noreturn void
watch(struct ctl *ctl, const char *path, const char *name)
{
    struct stat was;

    memset(&was, 0, sizeof was);
    for (;;) {
        if (has_changed(path, &was)) {
            load(ctl, path, name);
            fflush(ctl->out);
        }
        usleep(WATCH_MS * 1000);
    }
}

static enum ctl_exit
set_enabled(struct ctl *ctl, const char *app, bool enabled)
{
    struct ctl_changes changes;
    enum ctl_exit status;

    ctl_changes_init(&changes);
    ctl_changes_add(&changes, "patch", "apps", app,
                    json_pack("{s:b}", "enabled", (int) enabled),
                    enabled ? "enabled" : "disabled");
    status = ctl_changes_send(ctl, "app", &changes);
    ctl_changes_uninit(&changes);
    return status;
}

static const struct ctl_column log_columns[] = {
    { "TIME", "/time", NULL },
    { "COMPUTED", "/what", NULL },
    { "TEXT", "/text", NULL },
    { NULL, NULL, NULL },
};

static void
print_log(struct ctl *ctl, const char *app, const json_t *log)
{
    const json_t *items = json_object_get(log, "items");
    json_int_t dropped = json_integer_value(json_object_get(log, "dropped"));

    if (json_array_size(items)) {
        ctl_show_table(ctl->out, log_columns, items);
    } else {
        fprintf(ctl->err, "apps/%s has written no lines\n", app);
    }
    if (dropped) {
        fprintf(ctl->err, "%"JSON_INTEGER_FORMAT" lines were dropped, since "
                "they came too fast\n", dropped);
    }
}

/* Shows the last lines that an app has written. */
static enum ctl_exit
show_log(struct ctl *ctl, const char *app)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    enum ctl_exit status;

    ctl_append_path(&path, "apps", app);
    ds_put_cstr(&path, "/logs");
    status = ctl_get(ctl, ds_cstr(&path), &reply);
    ds_destroy(&path);
    if (!status) {
        if (!ctl_show_raw(ctl, reply.body)) {
            print_log(ctl, app, reply.body);
        }
        ctl_reply_uninit(&reply);
    }
    return status;
}

static bool
is_of_one_name(const char *what)
{
    return (!strcmp(what, "unload") || !strcmp(what, "enable")
            || !strcmp(what, "disable") || !strcmp(what, "logs"));
}

enum ctl_exit
ctl_cmd_app(struct ctl *ctl, int n_args, char *const args[])
{
    const char *what = args[0];

    if (ctl->dry_run && (!strcmp(what, "watch") || !strcmp(what, "logs"))) {
        return ctl_usage(ctl, "app %s: takes no --dry-run", what);
    } else if (ctl->output != CTL_TABLE && !ctl->dry_run
               && strcmp(what, "logs")) {
        return ctl_usage(ctl, "app %s: -o requires --dry-run", what);
    } else if (!strcmp(what, "load")) {
        return load(ctl, args[1], n_args > 2 ? args[2] : NULL);
    } else if (!strcmp(what, "watch")) {
        watch(ctl, args[1], n_args > 2 ? args[2] : NULL);
    } else if (!strcmp(what, "unload") && n_args == 2) {
        return call(ctl, "DELETE", args[1], NULL);
    } else if (!strcmp(what, "enable") && n_args == 2) {
        return set_enabled(ctl, args[1], true);
    } else if (!strcmp(what, "disable") && n_args == 2) {
        return set_enabled(ctl, args[1], false);
    } else if (!strcmp(what, "logs") && n_args == 2) {
        return show_log(ctl, args[1]);
    }
    return (is_of_one_name(what)
            ? ctl_usage(ctl, "app %s: takes one NAME, and no \"%s\"", what,
                        args[2])
            : ctl_usage(ctl, "app: must be load, watch, unload, enable, "
                        "disable or logs, not \"%s\"", what));
}
