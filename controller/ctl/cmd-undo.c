/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl undo: takes a change back. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/object-history.h"
#include "controller/ctl/output-plan.h"
#include "controller/ctl/output-table.h"
#include "controller/ctl/output.h"
#include "controller/schema/schema.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Sends the request for a plan, or the change itself. */
static enum ctl_exit
post_undo(struct ctl *ctl, const char *revision,
          const struct schema_table *table, const char *name, bool plan,
          struct ctl_reply *reply)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    enum ctl_exit status;

    ctl_append_path(&path, "revisions", revision);
    ds_put_cstr(&path, "/undo");
    if (table) {
        ctl_append_query(&path, "type", table->plural);
        ctl_append_query(&path, "name", name);
    }
    if (ctl->force) {
        ctl_append_query(&path, "force", "true");
    }
    if (plan) {
        ctl_append_query(&path, "dry_run", "plan");
    } else {
        ctl_append_wait(ctl, &path);
    }
    status = ctl_call(ctl, "POST", ds_cstr(&path), NULL, NULL, reply);
    ds_destroy(&path);
    return status;
}

/* Shows the plan, and then has it done unless that is all. */
static enum ctl_exit
undo(struct ctl *ctl, const char *revision, const struct schema_table *table,
     const char *name)
{
    struct ctl_reply reply;
    enum ctl_exit status;
    bool changes;

    status = post_undo(ctl, revision, table, name, true, &reply);
    if (status) {
        return status;
    }
    ctl_plan_show(ctl, reply.body);
    changes = ctl_plan_changes(reply.body);
    ctl_reply_uninit(&reply);
    if (ctl->dry_run || !changes) {
        return CTL_DONE;
    }
    status = post_undo(ctl, revision, table, name, false, &reply);
    if (!status) {
        fputc('\n', ctl->out);
        ctl_print_outcomes(ctl, json_object_get(reply.body, "results"));
        ctl_print_also_changed(ctl, reply.body);
        ctl_print_warnings(ctl, reply.body);
        status = ctl_report_receipt(ctl, &reply);
        ctl_reply_uninit(&reply);
    }
    return status;
}

/* Undoes the revision of 'entry', of one object or of all. */
static enum ctl_exit
undo_entry(struct ctl *ctl, const json_t *entry,
           const struct schema_table *table, const char *name)
{
    char *revision = xasprintf("%"JSON_INTEGER_FORMAT, json_integer_value(
        json_object_get(entry, "revision")));
    enum ctl_exit status = undo(ctl, revision, table, name);

    free(revision);
    return status;
}

/* Undoes the newest revision of a user, and says which that is. */
static enum ctl_exit
undo_latest(struct ctl *ctl)
{
    json_t *entry;
    enum ctl_exit status = ctl_get_latest_by_users(ctl, &entry);

    if (!status) {
        const char *who = json_string_value(json_object_get(entry, "who"));
        char *name = ctl_author_name(ctl, who ? who : "");
        struct ds ds = DS_EMPTY_INITIALIZER;

        ds_put_format(&ds, "revision %"JSON_INTEGER_FORMAT" by %s:\n\n",
                      json_integer_value(json_object_get(entry, "revision")),
                      name);
        ctl_print_safely(ctl->out, ds_cstr(&ds));
        status = undo_entry(ctl, entry, NULL, NULL);
        ds_destroy(&ds);
        free(name);
    }
    json_decref(entry);
    return status;
}

/* Undoes the last change of an object.  What others' changes did to it is
 * undone by their names. */
static enum ctl_exit
undo_object(struct ctl *ctl, const char *arg)
{
    const char *name = NULL;
    const struct schema_table *table = ctl_history_parse(ctl, arg, &name);
    enum ctl_exit status;
    json_t *found;

    if (!table) {
        return CTL_USAGE;
    }
    found = json_array();
    status = ctl_history_get(ctl, table, name, 1, false, true, found, NULL);
    if (!status && !json_array_size(found)) {
        fprintf(ctl->err, "vmnctl: the log has no change of %s/%s\n",
                table->plural, name);
        status = CTL_REFUSED;
    }
    if (!status) {
        status = undo_entry(ctl, json_array_get(found, 0), table, name);
    }
    json_decref(found);
    return status;
}

enum ctl_exit
ctl_cmd_undo(struct ctl *ctl, int n_args OVS_UNUSED, char *const args[])
{
    if (args[0][strspn(args[0], "0123456789")] == '\0') {
        return undo(ctl, args[0], NULL, NULL);
    }
    if (!strcmp(args[0], "latest")) {
        return undo_latest(ctl);
    }
    if (!strchr(args[0], '/')) {
        return ctl_usage(ctl, "undo: must be a revision (vmnctl revisions "
                         "lists them), \"latest\" or TYPE/NAME, such as "
                         "ports/%s, not \"%s\"", *args[0] ? args[0] : "web-1",
                         args[0]);
    }
    return undo_object(ctl, args[0]);
}
