/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl edit: opens an object in the user's editor.  What the user wrote is
 * never lost: the file is deleted only once the object was changed, or the
 * user left it unchanged. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/object-args.h"
#include "controller/ctl/object-files.h"
#include "controller/ctl/object-types.h"
#include "controller/ctl/output-diff.h"
#include "controller/ctl/output-plan.h"
#include "controller/ctl/yaml.h"
#include "openvswitch/dynamic-string.h"
#include "process.h"
#include "socket-util.h"
#include "util.h"

/* Begins the lines that vmnctl writes, and replaces each time. */
#define OWN "#:"

/* A non-interactive editor could change the file endlessly. */
#define ROUNDS_MAX 100

struct edit {
    struct ctl *ctl;
    const struct schema_table *type;
    const char *name;
    char *api;                  /* Path of the object in the API. */
    char *path;                 /* Path of the file, or NULL. */
    char *tag;                  /* ETag of the version that was read. */
    json_t *spec;               /* Of the version that was read. */
    char *shown;                /* Contents of the file when it was opened. */
    bool refused;               /* It contains something that was rejected. */
    char *why;                  /* Of the last time that it was; or NULL. */
};

/* The file.  ------------------------------------------------------------- */

static int
write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    size_t written;
    int error;

    if (fd < 0) {
        return errno;
    }
    error = write_fully(fd, text, strlen(text), &written);
    return close(fd) && !error ? errno : error;
}

static enum ctl_exit
make_file(struct edit *edit)
{
    const char *dir = getenv("TMPDIR");
    int fd;

    edit->path = xasprintf("%s/vmnctl-%s-XXXXXX.yaml",
                           dir && *dir ? dir : "/tmp", edit->name);
    fd = mkostemps(edit->path, 5, O_CLOEXEC);
    if (fd < 0) {
        enum ctl_exit status = ctl_usage(edit->ctl, "%s: %s", edit->path,
                                         ovs_strerror(errno));

        free(edit->path);
        edit->path = NULL;
        return status;
    }
    close(fd);
    return CTL_DONE;
}

/* Reads the file.  Returns NULL after it has printed an error. */
static char *
read_file(struct edit *edit)
{
    FILE *file = fopen(edit->path, "re");
    struct ds ds = DS_EMPTY_INITIALIZER;
    char buffer[4096];
    size_t n;

    if (!file) {
        ctl_usage(edit->ctl, "%s: %s", edit->path, ovs_strerror(errno));
        return NULL;
    }
    while ((n = fread(buffer, 1, sizeof buffer, file))
           && ds.length <= CTL_YAML_SIZE_MAX) {
        ds_put_buffer(&ds, buffer, n);
    }
    fclose(file);
    return ds_steal_cstr(&ds);
}

/* Appends 'text' as lines of vmnctl's own. */
static void
put_comments(struct ds *ds, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\n");

        ds_put_format(ds, "%s %.*s\n", OWN, (int) n, text);
        text += n + (text[n] == '\n');
    }
}

/* Appends 'text' without vmnctl's own lines. */
static void
put_user_lines(struct ds *ds, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\n");

        n += text[n] == '\n';
        if (strncmp(text, OWN, strlen(OWN))) {
            ds_put_buffer(ds, text, n);
        }
        text += n;
    }
}

/* Writes 'comments' to the file, followed by the user's lines of 'text'. */
static enum ctl_exit
fill_file(struct edit *edit, const char *comments, const char *text)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    int error;

    put_comments(&ds, comments);
    put_user_lines(&ds, text);
    error = write_file(edit->path, ds_cstr(&ds));
    free(edit->shown);
    edit->shown = ds_steal_cstr(&ds);
    return error ? ctl_usage(edit->ctl, "%s: %s", edit->path,
                             ovs_strerror(error)) : CTL_DONE;
}

/* The editor.  ----------------------------------------------------------- */

static const char *
find_editor(void)
{
    static const char *const names[] = { "VMNCTL_EDITOR", "VISUAL",
                                         "EDITOR" };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const char *editor = getenv(names[i]);

        if (editor && *editor) {
            return editor;
        }
    }
    return "vi";
}

/* Runs the editor.  Meanwhile vmnctl ignores the terminal's signals. */
static enum ctl_exit
run_editor(struct edit *edit)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN }, old_int, old_quit;
    char *command = xasprintf("%s \"$1\"", find_editor());
    int status = -1;
    pid_t pid;

    fflush(NULL);
    sigaction(SIGINT, &ignore, &old_int);
    sigaction(SIGQUIT, &ignore, &old_quit);
    pid = fork();
    if (!pid) {
        sigaction(SIGINT, &old_int, NULL);
        sigaction(SIGQUIT, &old_quit, NULL);
        execl("/bin/sh", "sh", "-c", command, "vmnctl", edit->path,
              (char *) NULL);
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        continue;
    }
    sigaction(SIGINT, &old_int, NULL);
    sigaction(SIGQUIT, &old_quit, NULL);
    free(command);
    if (pid < 0 || status) {
        char *end = pid < 0 ? xstrdup(ovs_strerror(errno))
                    : process_status_msg(status);

        ctl_usage(edit->ctl, "the editor (%s) failed: %s",
                  find_editor(), end);
        free(end);
        return CTL_USAGE;
    }
    return CTL_DONE;
}

/* Requests.  -------------------------------------------------------------- */

/* Sets '*spec' to the spec of the one object in the file, which the caller
 * owns, or to NULL if the file contains none.  Returns 0, or a positive errno
 * with an error. */
static int
parse_spec(struct edit *edit, json_t **spec, struct vmn_error *why)
{
    struct ctl_input input;
    const json_t *object;
    const char *type, *name;
    int error;
    size_t n;

    *spec = NULL;
    ctl_input_init(&input);
    error = ctl_input_load(&input, edit->path, edit->ctl->in, why);
    if (error) {
        ctl_input_uninit(&input);
        return error;
    }
    n = json_array_size(input.objects);
    object = json_array_get(input.objects, 0);
    type = json_string_value(json_object_get(object, "type"));
    name = json_string_value(json_object_get(object, "name"));
    if (n > 1) {
        error = vmn_error_invalid(why, "must be one object, not %"PRIuSIZE,
                                  n);
    } else if (n && (!type || strcmp(type, edit->type->plural) || !name
                     || strcmp(name, edit->name))) {
        error = vmn_error_invalid(
            why, "this is %s/%s, not %s/%s: an object keeps its type and name",
            type ? type : "?", name ? name : "?", edit->type->plural,
            edit->name);
    } else if (n) {
        *spec = json_incref(json_object_get(object, "spec"));
    }
    ctl_input_uninit(&input);
    return error;
}

/* Reads the server's version: its tag, and its YAML in '*yaml'. */
static enum ctl_exit
read_object(struct edit *edit, bool *there, char **yaml)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    enum ctl_exit status;
    const json_t *tag;
    json_t *object;

    *yaml = NULL;
    status = ctl_get_object(edit->ctl, edit->type->plural, edit->name, &reply,
                            there);
    if (status || !*there) {
        return status;
    }
    tag = json_object_get(json_object_get(reply.body, "metadata"), "etag");
    free(edit->tag);
    edit->tag = xstrdup(json_is_string(tag) ? json_string_value(tag) : "?");
    json_decref(edit->spec);
    edit->spec = json_incref(json_object_get(reply.body, "spec"));
    object = json_pack("{s:s, s:s, s:O*}", "type", edit->type->plural,
                       "name", edit->name, "spec", edit->spec);
    ctl_yaml_print(object, &ds);
    json_decref(object);
    *yaml = ds_steal_cstr(&ds);
    ctl_reply_uninit(&reply);
    return CTL_DONE;
}

/* Has what the user wrote repaired, which is not taken for the reason 'why';
 * notes that. */
static enum ctl_exit
refuse(struct edit *edit, const char *what, const char *why,
       const char *written)
{
    char *comments = xasprintf("%s.  Repair it and save, or leave the file as "
                               "it is to give up:\n%s", what, why);
    enum ctl_exit status = fill_file(edit, comments, written);
    size_t n = strlen(why);

    free(edit->why);
    edit->why = xasprintf("%s: %s%s", what, why,
                          n && why[n - 1] == '\n' ? "" : "\n");
    free(comments);
    return status;
}

/* The object was changed since it was read.  Shows the new version beside what
 * the user wrote.  '*again' is true if the file must be edited again. */
static enum ctl_exit
on_stale(struct edit *edit, const char *written, bool *again)
{
    char *now = NULL, *comments;
    enum ctl_exit status;

    status = read_object(edit, again, &now);
    if (!status && !*again) {
        fprintf(edit->ctl->err, "vmnctl: %s/%s was deleted meanwhile (vmnctl "
                "apply creates it anew)\n", edit->type->plural, edit->name);
        status = CTL_REFUSED;
    }
    if (!status) {
        comments = xasprintf(
            "Somebody else has changed this object meanwhile, and nothing "
            "was done.\nTo have what you wrote, which is below, replace what "
            "it is now, delete this\nline and save.  To give up, leave the "
            "file as it is.  What it is now:\n%s", now);
        status = fill_file(edit, comments, written);
        free(comments);
        free(edit->why);
        edit->why = xstrdup("It was changed meanwhile, by another client\n");
    }
    free(now);
    return status;
}

/* Puts 'spec'.  A plan of that changes nothing. */
static enum ctl_exit
put_spec(struct edit *edit, json_t *spec, bool plan, struct ctl_reply *reply)
{
    json_t *body = json_pack("{s:O*}", "spec", spec);
    struct ds path = DS_EMPTY_INITIALIZER;
    enum ctl_exit status;

    ds_put_cstr(&path, edit->api);
    edit->ctl->dry_run = plan;
    ctl_append_wait(edit->ctl, &path);
    edit->ctl->dry_run = false;
    status = ctl_put_if(edit->ctl, ds_cstr(&path), body, edit->tag, reply);
    ds_destroy(&path);
    json_decref(body);
    return status;
}

/* The same, of a router after its plan, which tells the networks in which open
 * connections start over: '*restarts', owned by the caller, or NULL.  What the
 * plan is refused for is the reply. */
static enum ctl_exit
plan_and_put(struct edit *edit, json_t *spec, struct ctl_reply *reply,
             json_t **restarts)
{
    enum ctl_exit status;

    *restarts = NULL;
    if (edit->type->id == VMN_TABLE_ROUTER) {
        status = put_spec(edit, spec, true, reply);
        if (status || reply->status >= 300) {
            return status;
        }
        *restarts = json_incref(json_object_get(reply->body, "restarts"));
        ctl_reply_uninit(reply);
    }
    return put_spec(edit, spec, false, reply);
}

/* Prints what came of a change that was accepted. */
static enum ctl_exit
report(struct edit *edit, const struct ctl_reply *reply,
       const json_t *restarts)
{
    const char *outcome = json_string_value(
        json_object_get(reply->body, "outcome"));

    ctl_print_outcome(edit->ctl, edit->type->plural, edit->name,
                      outcome ? outcome : "updated");
    ctl_print_diff(edit->ctl, reply->body);
    ctl_print_restarts(edit->ctl, restarts, "start");
    ctl_print_warnings(edit->ctl, reply->body);
    return ctl_report_receipt(edit->ctl, reply);
}

/* Sends 'spec'.  '*again' is true if the file must be edited again. */
static enum ctl_exit
send_spec(struct edit *edit, json_t *spec, const char *written, bool *again)
{
    struct ctl_reply reply;
    enum ctl_exit status;
    json_t *restarts;

    *again = false;
    status = plan_and_put(edit, spec, &reply, &restarts);
    if (status) {
        json_decref(restarts);
        return status;
    }
    if (reply.status < 300) {
        status = report(edit, &reply, restarts);
        unlink(edit->path);
    } else if (reply.status == 412) {
        status = on_stale(edit, written, again);
    } else {
        struct ds problem = DS_EMPTY_INITIALIZER;

        ctl_append_problem(edit->ctl, &problem, &reply, NULL);
        status = refuse(edit, "This was refused", ds_cstr(&problem), written);
        ds_destroy(&problem);
        *again = true;
    }
    json_decref(restarts);
    ctl_reply_uninit(&reply);
    edit->refused |= *again;
    return status;
}

/* The command.  ---------------------------------------------------------- */

/* Ends without a change.  A file with something that was rejected is kept. */
static enum ctl_exit
end_unchanged(struct edit *edit)
{
    if (edit->refused) {
        return CTL_REFUSED;
    }
    unlink(edit->path);
    ctl_print_outcome(edit->ctl, edit->type->plural, edit->name, "unchanged");
    return CTL_DONE;
}

/* Runs the editor once and handles the result.  '*again' is true if it must be
 * run again. */
static enum ctl_exit
edit_once(struct edit *edit, bool *again)
{
    enum ctl_exit status = run_editor(edit);
    struct vmn_error why = VMN_ERROR_INIT;
    json_t *spec = NULL;
    char *written;

    *again = false;
    written = status ? NULL : read_file(edit);
    if (!written) {
        return CTL_USAGE;
    }
    if (!strcmp(written, edit->shown)) {
        status = end_unchanged(edit);
    } else if (parse_spec(edit, &spec, &why)) {
        status = refuse(edit, "This cannot be read", why.text, written);
        edit->refused = *again = true;
    } else if (!spec || (json_equal(spec, edit->spec) && !edit->refused)) {
        /* Emptied, or only comments were changed. */
        edit->refused &= spec != NULL;
        status = end_unchanged(edit);
    } else {
        status = send_spec(edit, spec, written, again);
    }
    json_decref(spec);
    vmn_error_uninit(&why);
    free(written);
    return status;
}

static enum ctl_exit
edit_object(struct edit *edit, const char *text)
{
    char *comments = xasprintf(
        "%s/%s, version %s.  Change its spec, save and close: then it becomes "
        "so.\nTo leave it as it is, close without a change, or empty the "
        "file.", edit->type->plural, edit->name, edit->tag);
    enum ctl_exit status = make_file(edit);
    bool again = true;

    status = status ? status : fill_file(edit, comments, text);
    free(comments);
    for (int i = 0; !status && again && i < ROUNDS_MAX; i++) {
        status = edit_once(edit, &again);
    }
    if (!status && again) {
        status = CTL_REFUSED;
    }
    if (edit->path && !access(edit->path, F_OK)) {
        fprintf(edit->ctl->err, "vmnctl: %s/%s is as it was; what you wrote "
                "is in %s\n", edit->type->plural, edit->name, edit->path);
        if (edit->why) {
            ctl_print_safely(edit->ctl->err, edit->why);
        }
    }
    return status;
}

enum ctl_exit
ctl_cmd_edit(struct ctl *ctl, int n_args, char *const args[])
{
    struct edit edit = { .ctl = ctl };
    struct ds api = DS_EMPTY_INITIALIZER;
    enum ctl_exit status;
    char *text;
    bool there;

    edit.type = ctl_args_one(ctl, "edit", n_args, args, &edit.name);
    if (!edit.type) {
        return CTL_USAGE;
    }
    ctl_append_path(&api, edit.type->plural, edit.name);
    edit.api = ds_steal_cstr(&api);
    status = read_object(&edit, &there, &text);
    if (!status && !there) {
        fprintf(ctl->err, "vmnctl: %s \"%s\" not found\n",
                edit.type->singular, edit.name);
        status = CTL_REFUSED;
    } else if (!status) {
        status = edit_object(&edit, text);
    }
    free(text);
    free(edit.api);
    free(edit.path);
    free(edit.tag);
    free(edit.shown);
    free(edit.why);
    json_decref(edit.spec);
    return status;
}
