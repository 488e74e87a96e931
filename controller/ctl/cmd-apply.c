/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands that change something: apply, delete, label, promote; or that only
 * show what they would change.  (quarantine and release are in
 * cmd-quarantine.c.) */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/object-files.h"
#include "controller/ctl/output-plan.h"
#include "controller/ctl/object-types.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

void
ctl_print_outcome(struct ctl *ctl, const char *type, const char *name,
                  const char *outcome)
{
    char *object = xasprintf("%s/%s ", type, name);

    ctl_print_safely(ctl->out, object);
    ctl_print_coloured(ctl->out, "OUTCOME", outcome);
    putc('\n', ctl->out);
    free(object);
}

/* A member that is a string; "?" if it is not. */
static const char *
member(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));

    return value ? value : "?";
}

/* Says what else a cascade or a prune changed. */
static void
say_also(struct ctl *ctl, const json_t *reply)
{
    const json_t *change;
    size_t i;

    json_array_foreach (json_object_get(reply, "also_changed"), i, change) {
        const json_t *more = json_object_get(change, "more");

        if (json_is_integer(more)) {
            char *line = xasprintf("and %"JSON_INTEGER_FORMAT" more\n",
                                   json_integer_value(more));

            ctl_print_safely(ctl->out, line);
            free(line);
        } else {
            char *outcome = xasprintf("%sd", member(change, "op"));

            ctl_print_outcome(ctl, member(change, "type"),
                              member(change, "name"), outcome);
            free(outcome);
        }
    }
}

/* apply.  ---------------------------------------------------------------- */

static void
say_outcomes(struct ctl *ctl, const json_t *objects)
{
    const json_t *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        ctl_print_outcome(ctl, member(object, "type"), member(object, "name"),
                          member(object, "outcome"));
    }
}

/* '*changes' says, of a plan, whether it has changes. */
static enum ctl_exit
apply_input(struct ctl *ctl, const struct ctl_input *input, bool *changes)
{
    json_t *body = json_pack("{s:O}", "objects", input->objects);
    struct ds path = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    enum ctl_exit status;

    ds_put_cstr(&path, "/v1/apply");
    if (ctl->prune) {
        ctl_append_query(&path, "prune", ctl->prune);
    }
    ctl_append_wait(ctl, &path);
    status = ctl_call(ctl, "POST", ds_cstr(&path), body, input, &reply);
    if (!status && ctl->dry_run) {
        *changes = ctl_plan_changes(reply.body);
        ctl_plan_show(ctl, reply.body);
        ctl_reply_uninit(&reply);
    } else if (!status) {
        say_outcomes(ctl, json_object_get(reply.body, "results"));
        say_also(ctl, reply.body);
        status = ctl_report_receipt(ctl, &reply);
        ctl_reply_uninit(&reply);
    }
    ds_destroy(&path);
    json_decref(body);
    return status;
}

static enum ctl_exit
apply_files(struct ctl *ctl, const char *command, bool *changes)
{
    enum ctl_exit status = CTL_DONE;
    struct ctl_input input;
    char *error;

    if (!ctl->files.n) {
        return ctl_usage(ctl, "%s: give -f PATH, or -f - for standard "
                         "input", command);
    }
    ctl_input_init(&input);
    for (size_t i = 0; i < ctl->files.n && !status; i++) {
        if (ctl_input_load(&input, ctl->files.names[i], ctl->in, &error)) {
            status = ctl_usage(ctl, "%s", error);
            free(error);
        }
    }
    if (!status && !json_array_size(input.objects) && !ctl->prune) {
        status = ctl_usage(ctl, "%s: no objects in the input",
                           command);
    }
    if (!status) {
        status = apply_input(ctl, &input, changes);
    }
    ctl_input_uninit(&input);
    return status;
}

enum ctl_exit
ctl_cmd_apply(struct ctl *ctl, int n_args OVS_UNUSED,
              char *const args[] OVS_UNUSED)
{
    bool changes;

    return apply_files(ctl, "apply", &changes);
}

enum ctl_exit
ctl_cmd_diff(struct ctl *ctl, int n_args OVS_UNUSED,
             char *const args[] OVS_UNUSED)
{
    bool changes = false;
    enum ctl_exit status = apply_files(ctl, "diff", &changes);

    return !status && changes ? CTL_DIFFERS : ctl_comparison_exit(status);
}

/* delete.  --------------------------------------------------------------- */

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
        say_also(ctl, reply.body);
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

/* Others.  --------------------------------------------------------------- */

enum ctl_exit
ctl_write(struct ctl *ctl, const char *method, const char *type,
          const char *name, const json_t *body, const char *outcome)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    enum ctl_exit status;

    ctl_append_path(&path, type, name);
    ctl_append_wait(ctl, &path);
    status = ctl_call(ctl, method, ds_cstr(&path), body, NULL, &reply);
    if (!status && ctl->dry_run) {
        ctl_plan_show(ctl, reply.body);
        ctl_reply_uninit(&reply);
    } else if (!status) {
        const char *said = member(reply.body, "outcome");

        ctl_print_outcome(ctl, type, name,
                          outcome && strcmp(said, "unchanged") ? outcome
                                                               : said);
        status = ctl_report_receipt(ctl, &reply);
        ctl_reply_uninit(&reply);
    }
    ds_destroy(&path);
    return status;
}

/* Sends the merge patch {"spec": {member: value}}.  Takes ownership of
 * 'value'. */
static enum ctl_exit
patch(struct ctl *ctl, const char *type, const char *name,
      const char *spec_member, json_t *value, const char *outcome)
{
    json_t *body = json_pack("{s:{s:o}}", "spec", spec_member, value);
    enum ctl_exit status = ctl_write(ctl, "PATCH", type, name, body, outcome);

    json_decref(body);
    return status;
}

enum ctl_exit
ctl_cmd_label(struct ctl *ctl, int n_args, char *const args[])
{
    const struct schema_table *type = ctl_get_type(ctl, args[0]);
    json_t *labels;

    if (!type) {
        return CTL_USAGE;
    }
    labels = json_object();
    for (int i = 2; i < n_args; i++) {
        const char *arg = args[i];
        const char *equals = strchr(arg, '=');
        size_t len = strlen(arg);
        json_t *value = (equals ? json_string(equals + 1)
                         : len > 1 && arg[len - 1] == '-' ? json_null()
                         : NULL);
        size_t key_len = equals ? (size_t) (equals - arg) : len - 1;
        char *key;
        int error;

        if (!value || !key_len) {
            json_decref(value);
            json_decref(labels);
            return ctl_usage(ctl, "label: want KEY=VALUE or KEY-, not "
                             "\"%s\"", arg);
        }
        key = xmemdup0(arg, key_len);
        error = json_object_set_new(labels, key, value);
        free(key);
        if (error) {
            json_decref(labels);
            return ctl_usage(ctl, "label: \"%s\" is not valid UTF-8", arg);
        }
    }
    return patch(ctl, type->plural, args[1], "labels", labels, "labelled");
}

/* Sets a field of each of the objects; takes ownership of 'value'. */
static enum ctl_exit
patch_all(struct ctl *ctl, int n_args, char *const args[], const char *type,
          const char *field, json_t *value, const char *done)
{
    enum ctl_exit worst = CTL_DONE;

    for (int i = 0; i < n_args && worst != CTL_UNREACHABLE; i++) {
        enum ctl_exit status = patch(ctl, type, args[i], field,
                                     json_incref(value), done);

        if (status == CTL_UNREACHABLE
            || (worst != CTL_REFUSED && status)) {
            worst = status;
        }
    }
    json_decref(value);
    return worst;
}

enum ctl_exit
ctl_cmd_promote(struct ctl *ctl, int n_args, char *const args[])
{
    return patch_all(ctl, n_args, args, "policies", "mode",
                     json_string("enforce"), "promoted");
}
